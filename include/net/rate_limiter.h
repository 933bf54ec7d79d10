/* SPDX-License-Identifier: Apache-2.0 */
/* rate_limiter.h - spends our share of the requests that a service allows per window of time.
 *
 * The limiter keeps back the share of others, and counts the requests in flight, which the service may not
 * have counted yet. Answers arrive out of order, so within one window the allowance only falls. A window is
 * begun with few requests, until an answer says what is left in it. A service that does not report its limit
 * is not limited.
 *
 * Others may spend the same limit, such as further processes of ours: more is gone than we spent. Then the
 * requests in flight are a fraction of what is left, the same for each process: so all get equal parts, and
 * none sends what another has in flight. A second limit, which is not reported, shows by refusals: less is
 * sent in later windows, and slowly more again. Any thread.
 */
#ifndef CASELOAD_NET_RATE_LIMITER_H
#define CASELOAD_NET_RATE_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

struct rate_limiter;

/* Numbers of one answer. */
struct rate_report {
    bool is_refused;          /* 429 */
    int64_t limit, remaining; /* requests per window, and left in it; -1: not reported */
    int64_t reset_s;          /* end of the window by the service's clock; -1: not reported */
    bool is_guess;            /* ... which is a guess: the wait that a refusal names ends the window, too */
    int64_t date_s;           /* the service's clock at this answer; -1: not reported */
    int64_t retry_after_ms;   /* 0: not reported */
    int64_t began_ms;         /* when its request began, by our clock */
};

struct rate_limiter *rate_limiter_new(double share); /* 0 < share <= 1 of the limit is ours */
void rate_limiter_free(struct rate_limiter *limiter);

/* 0: one request begins now, and is in flight until rate_limiter_end. Else the wait before the next call,
 * which may have to wait again. */
int64_t rate_limiter_begin(struct rate_limiter *limiter, int64_t now_ms);
/* A request in flight has ended, with or without an answer. */
void rate_limiter_end(struct rate_limiter *limiter);
/* After the end of the request. Returns the least wait before the same request is repeated, 0: none named. */
int64_t rate_limiter_report(struct rate_limiter *limiter, const struct rate_report *report, int64_t now_ms);

/* A request has waited so long for the limit. */
void rate_limiter_waited(struct rate_limiter *limiter, int64_t ms);

/* For people and metrics. */
struct rate_state {
    int64_t limit, remaining; /* as the newest answer reported them; -1: none did */
    int64_t waited_ms;        /* the sum of what rate_limiter_waited was given */
};
void rate_limiter_look(struct rate_limiter *limiter, struct rate_state *out_state);

#endif
