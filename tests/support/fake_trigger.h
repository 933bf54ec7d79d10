/* SPDX-License-Identifier: Apache-2.0 */
/* fake_trigger.h - the trigger port in memory: messages are redelivered until they are acknowledged.
 *
 *     struct fake_trigger trigger;
 *     fake_trigger_init(&trigger);
 *     fake_trigger_publish(&trigger, "m1", "{}", 0);
 *     trigger.stop_when_idle = true;
 *     ... worker_serve with &trigger.base ...
 *     trigger.messages[0].acked ...
 *
 * An ack of an older delivery has no effect. The port may be called from any thread. Read `messages` only
 * while no other thread calls. The fake owns its messages.
 */
#ifndef CASELOAD_TESTS_FAKE_TRIGGER_H
#define CASELOAD_TESTS_FAKE_TRIGGER_H

#include <pthread.h>

#include "core/trigger.h"
#include "fake.h"

struct fake_message {
    char *id, *data;
    struct message_attribute attribute; /* of the next deliveries; both NULL: none. Borrowed */
    int64_t published_us;
    int64_t due_us; /* delivered from this time on */
    int attempt;    /* deliveries so far */
    bool acked;
    int acks, nacks, extends;
    int delay_s; /* of the last nack */
};

struct fake_trigger {
    struct trigger base;
    struct fake_hook hook; /* next, extend, ack, nack; called without lock */
    const int64_t *now_us; /* NULL: always 0 */
    int lease_s;           /* 60 unless changed */
    bool stop_when_idle;   /* next fails with ERROR_STOPPED when no message is due */
    struct fake_message *messages;
    size_t count;
    pthread_mutex_t mutex;
};

void fake_trigger_init(struct fake_trigger *trigger);
void fake_trigger_done(struct fake_trigger *trigger);
/* Due at once. Returns its index. */
size_t fake_trigger_publish(struct fake_trigger *trigger, const char *id, const char *data,
                            int64_t published_us);

#endif
