/* SPDX-License-Identifier: Apache-2.0 */
/* subscription.h - the settings of a subscription, judged for a worker whose runs may take hours. Pure. */
#ifndef CASELOAD_PUBSUB_SUBSCRIPTION_H
#define CASELOAD_PUBSUB_SUBSCRIPTION_H

#include <stddef.h>

struct Google__Pubsub__V1__Subscription; /* of the generated header */

struct subscription_finding {
    const char *setting; /* the API's name */
    const char *text;    /* what it leads to, and the flag of `gcloud pubsub subscriptions update` */
};

#define SUBSCRIPTION_FINDINGS 6

/* Returns how many there are; the texts are constants. */
size_t subscription_judge(const struct Google__Pubsub__V1__Subscription *settings,
                          struct subscription_finding out_findings[SUBSCRIPTION_FINDINGS]);

#endif
