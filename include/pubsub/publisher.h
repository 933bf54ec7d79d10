/* SPDX-License-Identifier: Apache-2.0 */
/* publisher.h - publishes messages to the topic of a subscription. One thread.
 *
 * Calls that fail for a while are repeated for a minute; a message may then be published twice, which a
 * worker does not mind. ERROR_CONFIG: topic or subscription does not exist; ERROR_AUTH: it may not be used;
 * ERROR_BUSY: no answer came.
 *
 * Protocol: https://cloud.google.com/pubsub/docs/reference/rpc/google.pubsub.v1
 */
#ifndef CASELOAD_PUBSUB_PUBLISHER_H
#define CASELOAD_PUBSUB_PUBLISHER_H

#include "base/buf.h"
#include "pubsub/pubsub.h"

struct publisher;

/* topic: projects/P/topics/T; NULL: that of the subscription of the settings, which Pub/Sub is asked for. */
bool publisher_new(const struct pubsub_settings *settings, const char *topic,
                   struct publisher **out_publisher, struct error *err) CHECKED;
void publisher_free(struct publisher *publisher); /* NULL is fine */

/* data: a message's text. Appends Pub/Sub's id of the message. */
bool publisher_publish(struct publisher *publisher, const char *data,
                       const struct message_attribute *attributes, size_t count, struct buf *out_id,
                       struct error *err) CHECKED;

#endif
