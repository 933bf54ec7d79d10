/* SPDX-License-Identifier: Apache-2.0 */
#include "wait.h"

#include "api.h"
#include "base/clock.h"
#include "base/log.h"

#define CEILING_MS INT64_C(21600000) /* unless the setting says otherwise: six hours */
#define TELL_MS    180000
#define SLICE_MS   60000 /* progress is shown that often */
#define MINUTE_MS  60000

int64_t wait_ceiling_ms(const struct bigquery *bq)
{
    return bq->settings.job_timeout_s > 0 ? bq->settings.job_timeout_s * 1000 : CEILING_MS;
}

void wait_tell(struct wait *wait, const char *what, const char *cause)
{
    int64_t now_ms = clock_ms();
    if (!wait->began_ms) *wait = (struct wait){.began_ms = now_ms, .told_ms = now_ms};
    int64_t waited_ms = now_ms - wait->began_ms;
    if (now_ms - wait->told_ms < TELL_MS) return;
    wait->told_ms = now_ms;
    log_write(LOG_NOTICE, "waiting_for_bigquery",
              LOG_FIELDS(LOG_TEXT("what", what), LOG_NUMBER("seconds", waited_ms / 1000)),
              "%s: waiting for %lld minutes: %.500s", what, (long long)(waited_ms / MINUTE_MS), cause);
}

bool wait_more(struct bigquery *bq, struct wait *wait, int64_t ms, const char *what, const char *cause,
               struct error *err)
{
    wait_tell(wait, what, cause);
    int64_t waited_ms = clock_ms() - wait->began_ms;
    if (waited_ms + ms > wait_ceiling_ms(bq))
        return error_set(err, ERROR_BUSY,
                         "%s: given up after %lld minutes: %.500s. Look at the job in the console; "
                         "\"job_timeout_minutes\" is the longest wait",
                         what, (long long)(waited_ms / MINUTE_MS), cause);
    for (int64_t slice; ms > 0; ms -= slice) {
        slice = ms < SLICE_MS ? ms : SLICE_MS;
        progress_step(bq->settings.progress, "waiting for BigQuery");
        wait_tell(wait, what, cause);
        if (!api_sleep(bq, slice, err)) return false;
    }
    return true;
}
