/* SPDX-License-Identifier: Apache-2.0 */
#include "net/rate_limiter.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

#define MAX_WINDOW_S   60     /* a window that ends later is cut: its end is likely an error */
#define MAX_REFUSAL_MS 600000 /* a longer wait is for the refused request alone */
#define SAME_WINDOW_S  1      /* ends of one window differ so much, where they are rounded */
#define OVERDUE_MS     1000   /* a window that should be over, and is not: the service's clocks differ */
#define PROBES         2      /* in flight before a window's first answer: one may hang */
#define POLL_MS        20     /* until a request in flight may have ended */
#define SILENT_ANSWERS                                                                                       \
    4             /* so many without figures, one after the other: the limit is not reported any more */
#define ALONE  2  /* 1/ALONE of what is left may be in flight: another process may begin at any time */
#define CROWD  6  /* ... with others 1/CROWD, for as many processes */
#define FEW    32 /* 1/FEW of what is allowed are few requests */
#define MARGIN 4  /* ... and so many requests at the window's end may be begun by others meanwhile */

struct rate_limiter {
    pthread_mutex_t lock;
    double share;
    int64_t in_flight;
    int64_t silent; /* answers without figures since the newest with them */

    /* the window */
    bool is_known;               /* an answer reported it, and it is not over */
    int64_t probes;              /* in flight, begun while it was not known */
    int64_t left;                /* the least that was reported to remain, less the part of others ... */
    int64_t unspent;             /* ... and the same less what began since the first report */
    int64_t since_ms;            /* when the first answer reported it, and ... */
    int64_t reset_ms;            /* ... its end, by our clock */
    int64_t window_s;            /* the same end by the service's clock; 0: unknown */
    int64_t spent;               /* requests of ours that it may have counted */
    int64_t margin;              /* kept back if others spend, too */
    bool has_others, had_others; /* ... in this window, in the one before */
    bool is_refused,
        was_refused; /* a limit that is not reported refused, in this window, in the one before */

    int64_t ceiling; /* requests of ours per window, learnt from refusals; 0: none */

    struct rate_state seen;
};

struct rate_limiter *rate_limiter_new(double share)
{
    struct rate_limiter *limiter = mem_zero(1, sizeof *limiter);
    assert(share > 0 && share <= 1);
    limiter->share = share;
    limiter->seen = (struct rate_state){.limit = -1, .remaining = -1};
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

static void end_window(struct rate_limiter *limiter, int64_t now_ms)
{
    if (!limiter->is_known || now_ms < limiter->reset_ms) return;
    limiter->is_known = false;
    limiter->probes = 0;
}

/* Of a window that is known. */
static int64_t window_wait_ms(const struct rate_limiter *limiter, int64_t now_ms)
{
    bool is_shared = limiter->has_others || limiter->had_others;
    int64_t left = limiter->left - (is_shared ? limiter->margin : 0);
    if (left <= 0 || limiter->unspent <= 0 || (limiter->ceiling > 0 && limiter->spent >= limiter->ceiling))
        return limiter->reset_ms - now_ms;
    int64_t most = left / (is_shared ? CROWD : ALONE);
    return limiter->in_flight > 0 && limiter->in_flight >= most ? POLL_MS : 0;
}

int64_t rate_limiter_begin(struct rate_limiter *limiter, int64_t now_ms)
{
    int64_t wait_ms = 0;
    lock(limiter);
    end_window(limiter, now_ms);
    if (limiter->is_known)
        wait_ms = window_wait_ms(limiter, now_ms);
    else if (limiter->silent < SILENT_ANSWERS && limiter->probes >= PROBES)
        wait_ms = POLL_MS;
    if (wait_ms == 0) {
        limiter->in_flight++;
        limiter->spent++;
        limiter->unspent -= limiter->is_known;
        limiter->probes += !limiter->is_known;
    }
    unlock(limiter);
    return wait_ms;
}

void rate_limiter_waited(struct rate_limiter *limiter, int64_t ms)
{
    lock(limiter);
    limiter->seen.waited_ms += ms;
    unlock(limiter);
}

void rate_limiter_end(struct rate_limiter *limiter)
{
    lock(limiter);
    assert(limiter->in_flight > 0);
    limiter->in_flight--;
    if (limiter->probes > 0) limiter->probes--; /* one from before the window may end: there are few */
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

/* Requests in flight may count in the new window as well as in the one before. */
static void begin_window(struct rate_limiter *limiter, int64_t window_s, int64_t allowed, int64_t now_ms)
{
    if (limiter->window_s > 0) limiter->spent = limiter->in_flight + 1;
    limiter->window_s = window_s;
    limiter->since_ms = now_ms;
    limiter->had_others = limiter->has_others;
    limiter->was_refused = limiter->is_refused;
    limiter->has_others = limiter->is_refused = false;
    limiter->margin = allowed / 16 < MARGIN ? allowed / 16 : MARGIN;
    if (limiter->ceiling > 0) limiter->ceiling += limiter->ceiling / 4 + 1;
    if (limiter->ceiling > allowed) limiter->ceiling = 0;
}

/* Of a window before the one that is known or awaited. The ends of windows are rounded. */
static bool is_old(const struct rate_limiter *limiter, int64_t window_s, int64_t began_ms)
{
    if (!limiter->is_known)
        return window_s <= limiter->window_s + SAME_WINDOW_S && began_ms < limiter->reset_ms;
    return window_s < limiter->window_s - SAME_WINDOW_S && began_ms < limiter->since_ms;
}

static void take_allowance(struct rate_limiter *limiter, const struct rate_report *report, int64_t now_ms)
{
    int64_t wait_s = until_reset_s(report);
    if (report->remaining < 0 || wait_s < 0) {
        limiter->silent = limiter->window_s == 0 ? SILENT_ANSWERS : limiter->silent + 1;
        return;
    }
    limiter->silent = 0;
    int64_t window_s = report->date_s + wait_s, kept = reserve(limiter, report->limit);
    if (is_old(limiter, window_s, report->began_ms)) return;
    int64_t left = report->remaining - kept;
    int64_t reset_ms = now_ms + (wait_s > 0 ? wait_s * 1000 : OVERDUE_MS);
    bool is_first = !limiter->is_known || window_s > limiter->window_s + SAME_WINDOW_S;
    if (is_first && wait_s > 0) begin_window(limiter, window_s, report->limit - kept, now_ms);
    if (is_first) limiter->unspent = left;
    if (is_first || left < limiter->left) limiter->left = left;
    /* The service's clock is rounded down: the newest answer of each second is the most exact. */
    if (is_first || reset_ms < limiter->reset_ms) limiter->reset_ms = reset_ms;
    limiter->is_known = true;
    int64_t by_others = report->limit - report->remaining - limiter->spent;
    if (report->limit < INT32_MAX && by_others > 1 + report->limit / 100) limiter->has_others = true;
}

/* Although the reported limit leaves some: there is another one, of the workspace. A single refusal of few
 * requests does not say how low that is. */
static void learn_ceiling(struct rate_limiter *limiter, const struct rate_report *report)
{
    int64_t allowed = report->limit - reserve(limiter, report->limit);
    bool is_first = !limiter->is_refused && !limiter->was_refused;
    limiter->is_refused = true;
    if (is_first && limiter->ceiling == 0 && limiter->spent < allowed / FEW) return;
    limiter->ceiling = limiter->spent > PROBES ? limiter->spent * 3 / 4 : PROBES - 1;
}

static void take_refusal(struct rate_limiter *limiter, const struct rate_report *report, int64_t wait_ms,
                         int64_t now_ms)
{
    int64_t reset_ms = now_ms + (wait_ms < MAX_REFUSAL_MS ? wait_ms : MAX_REFUSAL_MS);
    if (report->remaining > 0) learn_ceiling(limiter, report);
    if (reset_ms > limiter->reset_ms || !limiter->is_known || report->is_guess) limiter->reset_ms = reset_ms;
    limiter->left = limiter->unspent = 0;
    limiter->is_known = true;
    if (report->date_s < 0) return;
    int64_t window_s = report->date_s + (reset_ms - now_ms) / 1000;
    if (window_s > limiter->window_s || report->is_guess) limiter->window_s = window_s;
}

int64_t rate_limiter_report(struct rate_limiter *limiter, const struct rate_report *report, int64_t now_ms)
{
    int64_t wait_ms = report->retry_after_ms;
    int64_t reset_in_s = until_reset_s(report);
    if (report->is_refused && wait_ms == 0 && reset_in_s > 0) wait_ms = reset_in_s * 1000;
    lock(limiter);
    if (report->limit >= 0) limiter->seen.limit = report->limit;
    if (report->remaining >= 0) limiter->seen.remaining = report->remaining;
    end_window(limiter, now_ms);
    if (report->is_refused && wait_ms > 0)
        take_refusal(limiter, report, wait_ms, now_ms);
    else
        take_allowance(limiter, report, now_ms);
    unlock(limiter);
    return wait_ms;
}

void rate_limiter_look(struct rate_limiter *limiter, struct rate_state *out_state)
{
    lock(limiter);
    *out_state = limiter->seen;
    unlock(limiter);
}
