/* SPDX-License-Identifier: Apache-2.0 */
/* receive.h - the untrusted bytes of a PullResponse become one delivery. Pure; any thread. */
#ifndef CASELOAD_PUBSUB_RECEIVE_H
#define CASELOAD_PUBSUB_RECEIVE_H

#include "core/trigger.h"

#define RECEIVE_SURPLUS    1000 /* ack ids; the leases of more than that expire */
#define RECEIVE_ATTRIBUTES 100  /* Pub/Sub's own ceiling */

struct received {
    bool any;
    struct delivery delivery;
    char **surplus; /* ack ids of messages that were not requested or can't be used */
    size_t surplus_count;
};

/* The first usable message is the delivery. out is yours in any case: received_done. ERROR_FORMAT: the bytes
 * are no PullResponse, or all its messages lack an id. Attributes become valid UTF-8, with U+FFFD for bad
 * bytes; of equal keys the last one counts. */
bool received_read(const void *bytes, size_t size, struct received *out, struct error *err) CHECKED;
void received_done(struct received *received);

#endif
