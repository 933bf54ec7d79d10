/* SPDX-License-Identifier: Apache-2.0 */
/* retry.h - retry policy: whether to retry, and after what delay. Pure except for the jitter. */
#ifndef CASELOAD_NET_RETRY_H
#define CASELOAD_NET_RETRY_H

#include <stdint.h>

struct retry {
    int base_ms;   /* first wait */
    int cap_ms;    /* longest wait of our own choosing */
    int attempts;  /* tries in all, the first included */
    int budget_ms; /* no try begins later than this after the first */
};

extern const struct retry retry_api; /* for REST calls: 1 s doubling to 32 s, 10 minutes in all */

/* The wait before try number `tried` + 1: min(cap, base * 2^(tried-1)) times 0.5 .. 1.0, at least least_ms
 * (as the peer asked). -1: give up. elapsed_ms is counted from the first try. */
int64_t retry_wait_ms(const struct retry *retry, int tried, int64_t elapsed_ms, int64_t least_ms);

#endif
