/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#define LONGEST_WINDOW_MS  60000  /* Intercom's windows last 10 s; a reset further away is not believed */
#define LONGEST_REFUSAL_MS 600000 /* who hears of a longer one gives up; later ones may ask again */

int64_t limiter_delay_ms(const struct limiter *limiter, int64_t now_ms)
{
    if (now_ms >= limiter->reset_ms || limiter->left > 0) return 0;
    return limiter->reset_ms - now_ms;
}

void limiter_began(struct limiter *limiter, int64_t now_ms)
{
    if (now_ms < limiter->reset_ms) limiter->left--;
}

/* Until the window resets; -1: the peer did not tell both times. */
static int64_t until_reset_ms(const struct limit_report *report)
{
    if (report->reset_s < 0 || report->date_s < 0) return -1;
    int64_t wait_s = report->reset_s - report->date_s;
    if (wait_s <= 0) return 0;
    return wait_s < LONGEST_WINDOW_MS / 1000 ? wait_s * 1000 : LONGEST_WINDOW_MS;
}

/* The part of the limit that is not for us; a limit that is not told is not shared either. */
static int64_t kept_back(const struct limiter *limiter, int64_t limit)
{
    return limit > 0 && limit < INT32_MAX ? limit - (int64_t)((double)limit * limiter->share) : 0;
}

int64_t limiter_heard(struct limiter *limiter, const struct limit_report *report, int64_t now_ms)
{
    int64_t window_ms = until_reset_ms(report);
    int64_t least_ms = report->retry_after_ms;
    if (report->refused && least_ms == 0 && window_ms > 0) least_ms = window_ms;
    if (report->refused && least_ms > 0) {
        limiter->left = 0;
        limiter->reset_ms = now_ms + (least_ms < LONGEST_REFUSAL_MS ? least_ms : LONGEST_REFUSAL_MS);
    } else if (report->remaining >= 0 && window_ms >= 0) {
        limiter->left = report->remaining - kept_back(limiter, report->limit);
        limiter->reset_ms = now_ms + window_ms;
    }
    return least_ms;
}

struct limit_report limit_report_of(const struct http_reply *reply)
{
    return (struct limit_report){
        .refused = reply->status == 429,
        .limit = http_header_int(reply, "x-ratelimit-limit", -1),
        .remaining = http_header_int(reply, "x-ratelimit-remaining", -1),
        .reset_s = http_header_int(reply, "x-ratelimit-reset", -1),
        .date_s = http_date_s(reply, -1),
        .retry_after_ms = http_retry_after_ms(reply),
    };
}
