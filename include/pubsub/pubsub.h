/* SPDX-License-Identifier: Apache-2.0 */
/* pubsub.h - the trigger port over Pub/Sub's gRPC API (google.pubsub.v1), unary calls only.
 *
 * next is one Pull with max_messages 1 and a long poll. extend and ack are retried here, each within the
 * lease. ERROR_CONFIG: the subscription does not exist; ERROR_AUTH: it may not be read. The settings are
 * copied, but for token and stop. Threads: see core/trigger.h.
 *
 * Protocol: https://cloud.google.com/pubsub/docs/reference/rpc/google.pubsub.v1
 */
#ifndef CASELOAD_PUBSUB_PUBSUB_H
#define CASELOAD_PUBSUB_PUBSUB_H

#include <stdatomic.h>

#include "core/trigger.h"
#include "net/token.h"

struct pubsub_settings {
    const char *target;       /* host:port */
    bool plaintext;           /* an emulator */
    const char *subscription; /* projects/P/subscriptions/S */
    const char *ca_file;      /* NULL: the system's */
    const char *user_agent;
    struct token *token;
    bool no_wait;            /* next does not wait for a message: to drain a subscription */
    int lease_s;             /* how long extend and ack may be retried at most */
    const atomic_bool *stop; /* ends next */
};

bool pubsub_new(const struct pubsub_settings *settings, struct trigger **out_trigger,
                struct error *err) CHECKED;

/* Warns in the log of the subscription's settings that lose or delay messages, if they may be read. Returns
 * the deliveries before a message becomes a dead letter; 0: it never does, -1: unknown. trigger is of
 * pubsub_new. */
int pubsub_check_settings(struct trigger *trigger);

#endif
