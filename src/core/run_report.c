/* SPDX-License-Identifier: Apache-2.0 */
#include "run_report.h"

#include <inttypes.h>

#include "base/log.h"

#define MANY_CONTENTS 100 /* fewer changes without a new version are no reason to warn */

enum { LOADED, EMPTY, SATISFIED, SKIPPED };

const char *const good_outcomes[] = {
    [LOADED] = "loaded", [EMPTY] = "empty", [SATISFIED] = "satisfied", [SKIPPED] = "skipped", NULL};

const char *stream_outcome(const struct stream_result *result)
{
    if (result->forbidden) return error_rules[ERROR_FORBIDDEN].name;
    if (result->error.kind != ERROR_NONE) return error_rules[result->error.kind].name;
    if (result->skipped) return good_outcomes[SKIPPED];
    if (result->is_empty) return good_outcomes[EMPTY];
    return good_outcomes[result->satisfied ? SATISFIED : LOADED];
}

bool stream_is_good(const struct stream_result *result)
{
    const char *outcome = stream_outcome(result);
    for (size_t i = 0; good_outcomes[i]; i++)
        if (outcome == good_outcomes[i]) return true;
    return false;
}

void run_report_stream(const struct stream_result *result, const struct run_trigger *trigger)
{
    char from[DAY_TEXT] = "", to[DAY_TEXT] = "";
    const char *outcome = stream_outcome(result);
    bool failed = result->error.kind != ERROR_NONE; /* its text names the stream */
    enum log_level level = result->forbidden                     ? LOG_WARNING
                           : result->error.kind == ERROR_NONE    ? LOG_INFO
                           : result->error.kind == ERROR_STOPPED ? LOG_NOTICE
                                                                 : LOG_ERROR;
    if (result->has_units) {
        day_format(result->from, from);
        day_format(result->to, to);
    }
    if (result->is_empty)
        log_write(LOG_WARNING, "range_empty",
                  LOG_FIELDS(LOG_TEXT("stream", result->stream), LOG_TEXT("run_id", trigger->run_id),
                             LOG_TEXT("message_id", trigger->message_id), LOG_TEXT("from", from),
                             LOG_TEXT("to", to)),
                  "%s: the source has no record from %s to %s; are these the days that you mean?",
                  result->stream, from, to);
    log_write(
        level, "stream_finished",
        LOG_FIELDS(
            LOG_TEXT("stream", result->stream), LOG_TEXT("run_id", trigger->run_id),
            LOG_TEXT("message_id", trigger->message_id), LOG_TEXT("outcome", outcome), LOG_TEXT("from", from),
            LOG_TEXT("to", to), LOG_NUMBER("units", result->units), LOG_NUMBER("requests", result->requests),
            LOG_NUMBER("fetched", result->fetched), LOG_NUMBER("inserted", result->inserted),
            LOG_NUMBER("content_changes", result->content_changes), LOG_NUMBER("rejected", result->rejected),
            LOG_NUMBER("type_mismatches", result->type_mismatches),
            LOG_NUMBER("deleted_during_read", result->deleted_during_read),
            LOG_NUMBER("incomplete", result->incomplete), LOG_NUMBER("stale", result->stale),
            LOG_NUMBER("normalisations", result->normalisations),
            LOG_NUMBER("milliseconds", (int64_t)(result->seconds * 1000)), LOG_ORIGIN(&result->error)),
        "%s%s%s", failed ? "" : result->stream, failed ? "" : ": ", failed ? result->error.text : outcome);
    if (result->content_changes > MANY_CONTENTS && result->content_changes > result->known / 5)
        log_write(LOG_WARNING, "many_contents_changed",
                  LOG_FIELDS(LOG_TEXT("stream", result->stream), LOG_NUMBER("known", result->known),
                             LOG_NUMBER("content_changes", result->content_changes)),
                  "%s: %" PRId64 " of %" PRId64
                  " known records have another content without a new version. This is expected once after an "
                  "update of caseload or of the API version; if it goes on, set \"contents\" to false for %s",
                  result->stream, result->content_changes, result->known, result->stream);
    if (result->future_rows > 0)
        log_write(LOG_WARNING, "rows_in_the_future",
                  LOG_FIELDS(LOG_TEXT("stream", result->stream), LOG_NUMBER("rows", result->future_rows)),
                  "%s: %" PRId64
                  " rows are dated after today by the warehouse's clock; they are kept and never claimed",
                  result->stream, result->future_rows);
}

void run_report_notice(const struct stream *stream, const struct run_trigger *trigger, const char *notice)
{
    log_write(LOG_WARNING, "source_notice",
              LOG_FIELDS(LOG_TEXT("stream", stream->name), LOG_TEXT("run_id", trigger->run_id)), "%s: %s",
              stream->name, notice);
}

void run_report_refused_contents(const char *stream, const struct run_trigger *trigger,
                                 const struct committed *committed)
{
    log_write(
        LOG_ERROR, "contents_refused",
        LOG_FIELDS(LOG_TEXT("stream", stream), LOG_TEXT("run_id", trigger->run_id),
                   LOG_NUMBER("compared", committed->compared),
                   LOG_NUMBER("differing", committed->refused_contents)),
        "%s: %" PRId64 " of %" PRId64
        " compared records have another content in the list than in the table, so the list shows them in "
        "another form; contents of known versions are not taken from it. After a new API version or a "
        "new release of caseload, load the records again: `caseload backfill` with all days since "
        "start_date. If it goes on, please report it",
        stream, committed->refused_contents, committed->compared);
}

bool run_is_partial(const struct run_report *report)
{
    size_t good = 0, bad = 0;
    for (size_t i = 0; i < report->count; i++) {
        const struct stream_result *result = &report->streams[i];
        bool is_good = stream_is_good(result);
        if (is_good && !result->is_implied) good++;
        if (!is_good || result->rejected > 0) bad++;
    }
    return good > 0 && bad > 0;
}

void run_report_rejected(const struct stream_result *result, const struct run_trigger *trigger,
                         const char *control)
{
    log_write(LOG_WARNING, "records_rejected",
              LOG_FIELDS(LOG_TEXT("stream", result->stream), LOG_TEXT("run_id", trigger->run_id),
                         LOG_TEXT("message_id", trigger->message_id),
                         LOG_NUMBER("rejected", result->rejected), LOG_TEXT("ids", result->rejected_ids)),
              "%s: %" PRId64
              " records can't be loaded: %s; the others are. SELECT id, reason, record FROM `%s%s"
              "rejected` WHERE rejected_date >= DATE_SUB(CURRENT_DATE(), INTERVAL 7 DAY) AND run_id = '%s'",
              result->stream, result->rejected, result->rejected_ids, control ? control : "",
              control ? "." : "", trigger->run_id);
}

void run_report_contradiction(const char *stream, const struct run_trigger *trigger, int64_t expected,
                              int64_t received)
{
    log_write(LOG_WARNING, "list_incomplete",
              LOG_FIELDS(LOG_TEXT("stream", stream), LOG_TEXT("run_id", trigger->run_id),
                         LOG_NUMBER("expected", expected), LOG_NUMBER("received", received)),
              "%s: the list announced %" PRId64 " records and ended after %" PRId64
              "; these are loaded, nothing is claimed, and the next tick reads the list again",
              stream, expected, received);
}

void run_report_kept(const char *stream, const struct run_trigger *trigger, const char *id,
                     const char *reason)
{
    log_write(LOG_WARNING, "record_rejected",
              LOG_FIELDS(LOG_TEXT("stream", stream), LOG_TEXT("run_id", trigger->run_id), LOG_TEXT("id", id),
                         LOG_TEXT("reason", reason)),
              *id ? "%s: the record %s can't be loaded: %s; it is there, so it is not declared deleted"
                  : "%s: a record of the list can't be loaded%s: %s; it may be any of those that the list "
                    "lacks, so none is "
                    "declared deleted",
              stream, id, reason);
}

bool run_report_doubled(const struct stream *stream, const struct run_trigger *trigger, int64_t doubled,
                        struct error *err)
{
    error_set(err, ERROR_REFUSED,
              "%" PRId64
              " rows are in the table twice after a commit. Stop the other program that writes it, then "
              "run the statement that `caseload schema %s --deduplicate --config FILE` prints",
              doubled, stream->subject ? stream->subject->name : stream->name);
    log_write(LOG_CRITICAL, "rows_doubled",
              LOG_FIELDS(LOG_TEXT("stream", stream->name), LOG_TEXT("run_id", trigger->run_id),
                         LOG_NUMBER("keys", doubled)),
              "%s: %s", stream->name, err->text);
    return false;
}
