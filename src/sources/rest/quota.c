/* SPDX-License-Identifier: Apache-2.0 */
#include "quota.h"

#include <stdlib.h>

#include "base/clock.h"

#define SAME_US INT64_C(60000000) /* the ends of one period differ so much, where seconds are rounded */

void quota_init(struct quota *quota)
{
    *quota = (struct quota){.ends_us = 0};
    if (pthread_mutex_init(&quota->lock, NULL) != 0) abort(); /* like no memory */
}

void quota_done(struct quota *quota)
{
    (void)pthread_mutex_destroy(&quota->lock);
}

bool quota_take(struct quota *quota, double share, struct rest_quota *out_known)
{
    const int64_t now_us = clock_boot_us();
    (void)pthread_mutex_lock(&quota->lock);
    struct rest_quota *known = &quota->known;
    const int64_t reserve = known->limit - (int64_t)((double)known->limit * share);
    const bool is_known = known->limit > 0 && now_us < quota->ends_us;
    const bool is_used = is_known && known->remaining <= reserve;
    *out_known = *known;
    out_known->reset_s = (quota->ends_us - now_us) / 1000000;
    if (is_known && !is_used) known->remaining--;
    (void)pthread_mutex_unlock(&quota->lock);
    return !is_used;
}

/* Answers arrive out of order, so within one period what remains only falls. */
void quota_report(struct quota *quota, const struct rest_quota *reported, int64_t in_flight)
{
    if (reported->limit <= 0) return;
    const int64_t ends_us = clock_boot_us() + reported->reset_s * 1000000;
    (void)pthread_mutex_lock(&quota->lock);
    struct rest_quota *known = &quota->known;
    const bool is_same = known->limit == reported->limit && ends_us - quota->ends_us < SAME_US &&
                         quota->ends_us - ends_us < SAME_US;
    const int64_t before = known->remaining;
    *known = *reported;
    known->remaining -= in_flight;
    if (is_same && before < known->remaining) known->remaining = before;
    quota->ends_us = ends_us;
    (void)pthread_mutex_unlock(&quota->lock);
}
