/* SPDX-License-Identifier: Apache-2.0 */
/* pubsub.h - the trigger port over Pub/Sub's gRPC API (google.pubsub.v1), unary calls only.
 *
 * next is one Pull with max_messages 1 and a long poll. extend and ack are retried here, each within the
 * lease. ERROR_CONFIG: the subscription does not exist; ERROR_AUTH: it may not be read; ERROR_UNREACHABLE:
 * the watch has given it up. The first pull does not wait for a message. The settings are copied, but for
 * token, stop, watch and trace. Threads: see core/trigger.h.
 *
 * Protocol: https://cloud.google.com/pubsub/docs/reference/rpc/google.pubsub.v1
 */
#ifndef CASELOAD_PUBSUB_PUBSUB_H
#define CASELOAD_PUBSUB_PUBSUB_H

#include <stdatomic.h>

#include "core/trigger.h"
#include "net/rpc.h"
#include "net/token.h"
#include "net/watch.h"

struct pubsub_settings {
    const char *target;       /* host:port */
    bool plaintext;           /* an emulator */
    const char *subscription; /* projects/P/subscriptions/S */
    const char *ca_file;      /* NULL: the system's */
    const char *user_agent;
    struct token *token;
    bool no_wait;                  /* next does not wait for a message: to drain a subscription */
    int lease_s;                   /* how long extend and ack may be retried at most */
    const atomic_bool *stop;       /* ends next */
    const char *address;           /* scheme://host:port, as the watch knows it */
    const struct net_watch *watch; /* hears of failed calls, borrowed; may be NULL */
    void (*trace)(void *self, const struct rpc_trace *trace); /* called after each try; may be NULL */
    void *trace_self;
};

/* Is it projects/P/subscriptions/S? ERROR_CONFIG. */
bool pubsub_check_name(const char *subscription, struct error *err) CHECKED;

bool pubsub_new(const struct pubsub_settings *settings, struct trigger **out_trigger,
                struct error *err) CHECKED;

struct pubsub_description {
    bool may_read; /* else nothing else is known */
    int ack_deadline_s;
    char dead_letter_topic[256]; /* its last part; "": there is none */
};
/* The subscription's settings, within five seconds. ERROR_CONFIG: it does not exist; ERROR_UNREACHABLE. */
bool pubsub_describe(struct trigger *trigger, struct pubsub_description *out, struct error *err) CHECKED;

/* Was any pull answered? Of the thread that calls next. */
bool pubsub_was_answered(struct trigger *trigger);

/* Warns in the log of the subscription's settings that lose or delay messages, if they may be read. Returns
 * the deliveries before a message becomes a dead letter; 0: it never does, -1: unknown. trigger is of
 * pubsub_new. */
int pubsub_check_settings(struct trigger *trigger);

#endif
