/* SPDX-License-Identifier: Apache-2.0 */
/* filter.h - which messages a subscription gets, by their attributes.
 *
 * Syntax: https://cloud.google.com/pubsub/docs/subscription-message-filter: attributes:KEY,
 * attributes.KEY = "VALUE" (and !=), hasPrefix(attributes.KEY, "PREFIX"), NOT or -, AND, OR, parentheses. AND
 * and OR are not mixed without parentheses. Of the escapes in texts, \\ \" \n \r \t are played. Any thread.
 */
#ifndef CASELOAD_SANDBOX_PUBSUB_FILTER_H
#define CASELOAD_SANDBOX_PUBSUB_FILTER_H

#include <stdbool.h>

#include "google/pubsub/v1/pubsub.pb-c.h"

/* NULL: it can be read; else what is wrong, a constant. */
const char *filter_problem(const char *text);
/* The text must be one that can be read; "" matches all. */
bool filter_matches(const char *text, const Google__Pubsub__V1__PubsubMessage *message);

#endif
