/* SPDX-License-Identifier: Apache-2.0 */
#include "net/rate_limiter.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

#define MAX_WINDOW_S   60     /* a window that ends later is cut: its end is likely an error */
#define MAX_REFUSAL_MS 600000 /* a longer wait is for the refused request alone */
#define SAME_WINDOW_S  1      /* ends of one window differ so much, where they are rounded */

struct rate_limiter {
    pthread_mutex_t lock;
    double share;
    int64_t in_flight;
    int64_t left;     /* requests that may begin before ... */
    int64_t reset_ms; /* ... this, by our clock */
    int64_t window_s; /* the same end by the service's clock; 0: unknown */
};

struct rate_limiter *rate_limiter_new(double share)
{
    struct rate_limiter *limiter = mem_zero(1, sizeof *limiter);
    assert(share > 0 && share <= 1);
    limiter->share = share;
    if (pthread_mutex_init(&limiter->lock, NULL) != 0) abort(); /* no memory */
    return limiter;
}

void rate_limiter_free(struct rate_limiter *limiter)
{
    if (!limiter) return;
    (void)pthread_mutex_destroy(&limiter->lock); /* fails only while it is held */
    free(limiter);
}

static void lock(struct rate_limiter *limiter)
{
    if (pthread_mutex_lock(&limiter->lock) != 0) abort(); /* not a mutex */
}

static void unlock(struct rate_limiter *limiter)
{
    if (pthread_mutex_unlock(&limiter->lock) != 0) abort(); /* not ours */
}

int64_t rate_limiter_begin(struct rate_limiter *limiter, int64_t now_ms)
{
    int64_t wait_ms = 0;
    lock(limiter);
    bool is_limited = now_ms < limiter->reset_ms;
    if (is_limited && limiter->left <= 0) {
        wait_ms = limiter->reset_ms - now_ms;
    } else {
        limiter->in_flight++;
        if (is_limited) limiter->left--;
    }
    unlock(limiter);
    return wait_ms;
}

void rate_limiter_end(struct rate_limiter *limiter)
{
    lock(limiter);
    assert(limiter->in_flight > 0);
    limiter->in_flight--;
    unlock(limiter);
}

/* The part of the limit that is for others; an unreported limit is not shared. */
static int64_t reserve(const struct rate_limiter *limiter, int64_t limit)
{
    return limit > 0 && limit < INT32_MAX ? limit - (int64_t)((double)limit * limiter->share) : 0;
}

static int64_t until_reset_s(const struct rate_report *report)
{
    if (report->reset_s < 0 || report->date_s < 0) return -1;
    int64_t wait_s = report->reset_s - report->date_s;
    if (wait_s <= 0) return 0;
    return wait_s < MAX_WINDOW_S ? wait_s : MAX_WINDOW_S;
}

static void take_allowance(struct rate_limiter *limiter, const struct rate_report *report, int64_t now_ms)
{
    int64_t wait_s = until_reset_s(report);
    if (report->remaining < 0 || wait_s < 0) return;
    int64_t window_s = report->date_s + wait_s;
    int64_t left = report->remaining - reserve(limiter, report->limit) - limiter->in_flight;
    bool is_known = limiter->window_s > 0 && now_ms < limiter->reset_ms;
    if (is_known && window_s < limiter->window_s - SAME_WINDOW_S) return; /* an old answer, late */
    if (!is_known || window_s > limiter->window_s + SAME_WINDOW_S) {
        limiter->left = left;
        limiter->reset_ms = now_ms + wait_s * 1000;
        limiter->window_s = window_s;
    } else if (left < limiter->left) {
        limiter->left = left;
    }
}

static void take_refusal(struct rate_limiter *limiter, const struct rate_report *report, int64_t wait_ms,
                         int64_t now_ms)
{
    int64_t reset_ms = now_ms + (wait_ms < MAX_REFUSAL_MS ? wait_ms : MAX_REFUSAL_MS);
    limiter->left = 0;
    if (reset_ms > limiter->reset_ms || now_ms >= limiter->reset_ms) limiter->reset_ms = reset_ms;
    if (report->date_s < 0) return;
    int64_t window_s = report->date_s + (reset_ms - now_ms) / 1000;
    if (window_s > limiter->window_s) limiter->window_s = window_s;
}

int64_t rate_limiter_report(struct rate_limiter *limiter, const struct rate_report *report, int64_t now_ms)
{
    int64_t wait_ms = report->retry_after_ms;
    int64_t reset_in_s = until_reset_s(report);
    if (report->is_refused && wait_ms == 0 && reset_in_s > 0) wait_ms = reset_in_s * 1000;
    lock(limiter);
    if (report->is_refused && wait_ms > 0)
        take_refusal(limiter, report, wait_ms, now_ms);
    else
        take_allowance(limiter, report, now_ms);
    unlock(limiter);
    return wait_ms;
}
