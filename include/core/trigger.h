/* SPDX-License-Identifier: Apache-2.0 */
/* trigger.h - port 3: what wakes us.
 *
 * next, ack and nack are called by the worker's thread; extend also by the lease's, at the same time.
 */
#ifndef CASELOAD_CORE_TRIGGER_H
#define CASELOAD_CORE_TRIGGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct message_attribute {
    char *key;
    char *value;
};

struct delivery {
    char *ack_id;
    char *message_id;
    int64_t published_us; /* the message service's clock */
    char *data;           /* NUL-terminated; may contain other NULs */
    size_t data_size;
    struct message_attribute *attributes;
    size_t attribute_count;
    int attempt; /* 1, 2, ...; 0: the service does not count */
};

struct trigger;

struct trigger_ops {
    /* Waits for one message, at most about a minute; any = false: none came, ask again. A trigger for
     * worker_drain does not wait, and any = false is the service's answer, not the lack of one. ERROR_STOPPED
     * when the process is to end. The delivery is yours: delivery_done. */
    bool (*next)(struct trigger *trigger, struct delivery *out_delivery, bool *out_any, struct error *err);
    /* The message stays ours for so many seconds from now; 10 to 600. */
    bool (*extend)(struct trigger *trigger, const char *ack_id, int seconds, struct error *err);
    bool (*ack)(struct trigger *trigger, const char *ack_id, struct error *err);
    /* It comes back after the delay: 0 (at once) to 600 seconds. */
    bool (*nack)(struct trigger *trigger, const char *ack_id, int delay_s, struct error *err);
    void (*free)(struct trigger *trigger);
};

struct trigger {
    const struct trigger_ops *ops;
};

void delivery_done(struct delivery *delivery);

#endif
