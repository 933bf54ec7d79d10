/* SPDX-License-Identifier: Apache-2.0 */
/* receive.h - the bytes of a PullResponse become one delivery. Pure; everything in them is hostile. */
#ifndef CASELOAD_PUBSUB_RECEIVE_H
#define CASELOAD_PUBSUB_RECEIVE_H

#include "core/trigger.h"

#define RECEIVE_SURPLUS    1000 /* ack ids; more than that are left to lapse */
#define RECEIVE_ATTRIBUTES 100  /* Pub/Sub's own ceiling */

struct received {
    bool any;
    struct delivery delivery;
    char **surplus; /* ack ids of what came although it was not asked for, or can't be used */
    size_t surplus_count;
};

/* The first message that can be used is the delivery. out is yours in any case: received_done. ERROR_FORMAT:
 * the bytes are no PullResponse, or hold only messages that lack an id.
 *
 * Data stays as it is. Attributes become valid UTF-8: a bad byte turns into U+FFFD, so a value that was meant
 * for us is refused as not understood and not silently missed. Of equal keys the last one counts. */
bool received_read(const void *bytes, size_t size, struct received *out, struct error *err) CHECKED;
void received_done(struct received *received);

#endif
