/* SPDX-License-Identifier: Apache-2.0 */
/* quota.h - requests left of a limit over a time that is too long to wait for, such as a day.
 *
 * Requests in flight are counted, which the service may not have counted yet. Any thread.
 */
#ifndef CASELOAD_SOURCES_REST_QUOTA_H
#define CASELOAD_SOURCES_REST_QUOTA_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* As answers tell it. */
struct rest_quota {
    int64_t limit, remaining; /* requests; limit 0: unknown */
    int64_t reset_s;          /* seconds until it begins again */
};

struct quota {
    pthread_mutex_t lock; /* over what follows */
    struct rest_quota known;
    int64_t ends_us; /* by clock_boot_us */
};

void quota_init(struct quota *quota);
void quota_done(struct quota *quota);
/* A request begins; false: our share of the limit is used. out_known: what is left, and for how long. */
bool quota_take(struct quota *quota, double share, struct rest_quota *out_known);
/* in_flight: requests of ours that have no answer yet. */
void quota_report(struct quota *quota, const struct rest_quota *reported, int64_t in_flight);

#endif
