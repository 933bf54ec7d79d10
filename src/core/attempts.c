/* SPDX-License-Identifier: Apache-2.0 */
#include "core/attempts.h"

#include "base/log.h"

static struct attempt attempt_of(const struct stream_result *result, const struct run_trigger *trigger)
{
    return (struct attempt){
        .run_id = trigger->run_id,
        .message_id = trigger->message_id,
        .delivery_attempt = trigger->attempt,
        .stream = result->stream,
        .has_units = result->has_units,
        .from = result->from,
        .to = result->to,
        .outcome = stream_outcome(result),
        .error = result->error.kind == ERROR_NONE ? "" : result->error.text,
        .units = result->units,
        .requests = result->requests,
        .fetched = result->fetched,
        .inserted = result->inserted,
        .rejected = result->rejected,
        .bytes = result->bytes,
        .began_us = result->began_us,
        .ended_us = result->ended_us,
        .fresh_us = result->fresh_us,
    };
}

void attempts_record(const struct run_context *context, const struct run_trigger *trigger,
                     const struct run_report *report)
{
    struct attempt attempts[LIMIT_STREAMS];
    struct error err = {0};
    bool is_stopped = context->stop && atomic_load(context->stop);
    if (!context->warehouse->ops->record || report->count == 0) return;
    for (size_t i = 0; i < report->count; i++)
        attempts[i] = attempt_of(&report->streams[i], trigger);
    progress_step(context->progress, "recording the attempts");
    if (context->warehouse->ops->record(context->warehouse, attempts, report->count, &err)) return;
    log_write(is_stopped ? LOG_INFO : LOG_WARNING, "attempts_unrecorded",
              LOG_FIELDS(LOG_TEXT("run_id", trigger->run_id), LOG_ORIGIN(&err)),
              "%s; the table attempts lacks this request, and nothing else does", err.text);
}
