/* SPDX-License-Identifier: Apache-2.0 */
/* channel.h - what the worker's calls and the publisher's have in common. */
#ifndef CASELOAD_PUBSUB_CHANNEL_H
#define CASELOAD_PUBSUB_CHANNEL_H

#include "net/rpc.h"
#include "pubsub/pubsub.h"

bool channel_open(const struct pubsub_settings *settings, struct rpc **out_rpc, struct error *err) CHECKED;

/* The value of x-goog-request-params (https://google.aip.dev/client-libraries/4222): "subscription=NAME",
 * percent-encoded. Yours. */
char *channel_routing(const char *field, const char *name);

#endif
