/* SPDX-License-Identifier: Apache-2.0 */
#include "attempts.h"

#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "job.h"
#include "table.h"

#define LIFE         "34560000000" /* ms, 400 days */
#define POLL_MS      1000          /* at first; then twice as long each time, since nothing waits for it */
#define POLL_MOST_MS 4000

static const struct {
    const char *name, *type, *mode, *description;
} columns[] = {
    {"run_id", "STRING", "REQUIRED", "The request's run: the _run_id of its rows, and run_id of the ledger"},
    {"message_id", "STRING", "NULLABLE", "Pub/Sub's id of the message; NULL: `caseload run`"},
    {"delivery_attempt", "INTEGER", "NULLABLE", "Which delivery of the message it was; NULL: not counted"},
    {"stream", "STRING", "REQUIRED", "The stream"},
    {"from_date", "DATE", "NULLABLE", "First day that was to be read; NULL: none was"},
    {"to_date", "DATE", "NULLABLE", "Last day that was to be read; newer records belong to it, too"},
    {"outcome", "STRING", "REQUIRED",
     "loaded, satisfied, skipped, forbidden, or the kind of the error: busy, refused, format, limit, ..."},
    {"error", "STRING", "NULLABLE", "The failure and its remedy; NULL: there is none"},
    {"units", "INTEGER", "REQUIRED", "Weeks that were committed"},
    {"requests", "INTEGER", "REQUIRED", "Requests to the source"},
    {"fetched", "INTEGER", "REQUIRED", "Records that were read"},
    {"inserted", "INTEGER", "REQUIRED", "Rows that were new, children included"},
    {"rejected", "INTEGER", "REQUIRED", "Records that were rejected, and had not been before"},
    {"bytes", "INTEGER", "REQUIRED", "Size of the rows that were read, before compression"},
    {"began_at", "TIMESTAMP", "REQUIRED", "When it began, by BigQuery's clock"},
    {"ended_at", "TIMESTAMP", "REQUIRED", "When it ended; the table is partitioned by it"},
    {"fresh_at", "TIMESTAMP", "NULLABLE",
     "All changes before then are loaded. NULL: it failed, or was about the past only"},
    {"caseload_version", "STRING", "REQUIRED", "The version of caseload"},
    {"host", "STRING", "NULLABLE", "The machine"},
};

static json_t *table_resource(void)
{
    json_t *fields = json_array();
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        json_array_append_new(fields, json_pack("{s:s, s:s, s:s, s:s}", "name", columns[i].name, "type",
                                                columns[i].type, "mode", columns[i].mode, "description",
                                                columns[i].description));
    return json_pack("{s:s, s:{s:o}, s:{s:s, s:s, s:s}, s:{s:[s]}}", "description",
                     "The outcome of each stream of each request, for 400 days. Nothing depends on it.",
                     "schema", "fields", fields, "timePartitioning", "type", "DAY", "field", "ended_at",
                     "expirationMs", LIFE, "clustering", "fields", "stream");
}

bool attempts_ensure(struct bigquery *bq, struct error *err)
{
    AUTO(json_drop) json_t *want = table_resource();
    return table_ensure_control(bq, ATTEMPTS, want, err);
}

/* By BigQuery's clock: so much before or after the time that it reported last. */
static json_t *instant(const struct bigquery *bq, int64_t boot_us)
{
    char text[INSTANT_TEXT];
    instant_format(bq->now_us + (boot_us - bq->now_boot_us), text);
    return json_string(text);
}

/* It may quote a peer: what is no UTF-8 is replaced. */
static json_t *text(const char *from_outside)
{
    return json_kept_text(from_outside, strlen(from_outside));
}

static void add_optional(json_t *row, const char *key, json_t *value, bool is_known)
{
    if (is_known)
        json_object_set_new(row, key, value);
    else
        json_decref(value);
}

static json_t *row_of(const struct bigquery *bq, const struct attempt *attempt)
{
    char from[DAY_TEXT] = "", to[DAY_TEXT] = "", fresh[INSTANT_TEXT];
    const char *host = bq->settings.host ? bq->settings.host : "";
    json_t *row =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:s}", "run_id", attempt->run_id,
                  "stream", attempt->stream, "outcome", attempt->outcome, "units", (json_int_t)attempt->units,
                  "requests", (json_int_t)attempt->requests, "fetched", (json_int_t)attempt->fetched,
                  "inserted", (json_int_t)attempt->inserted, "rejected", (json_int_t)attempt->rejected,
                  "bytes", (json_int_t)attempt->bytes, "began_at", instant(bq, attempt->began_us), "ended_at",
                  instant(bq, attempt->ended_us), "caseload_version", bq->settings.version);
    if (attempt->has_units) {
        day_format(attempt->from, from);
        day_format(attempt->to, to);
    }
    add_optional(row, "message_id", text(attempt->message_id), *attempt->message_id);
    add_optional(row, "delivery_attempt", json_integer(attempt->delivery_attempt),
                 attempt->delivery_attempt > 0);
    add_optional(row, "from_date", json_string(from), attempt->has_units);
    add_optional(row, "to_date", json_string(to), attempt->has_units);
    add_optional(row, "error", text(attempt->error), *attempt->error);
    instant_format(attempt->fresh_us, fresh);
    add_optional(row, "fresh_at", json_string(fresh), attempt->fresh_us > 0);
    add_optional(row, "host", text(host), *host);
    return row;
}

static json_t *load_job(const struct bigquery *bq, const char *id)
{
    AUTO(json_drop)
    json_t *configuration =
        json_pack("{s:{s:s}, s:{s:{s:s, s:s, s:s}, s:s, s:s, s:s}}", "labels", "app", "caseload", "load",
                  "destinationTable", "projectId", bq->settings.project, "datasetId",
                  bq->settings.control_dataset, "tableId", ATTEMPTS, "sourceFormat", "NEWLINE_DELIMITED_JSON",
                  "createDisposition", "CREATE_NEVER", "writeDisposition", "WRITE_APPEND");
    return job_body(bq, id, configuration);
}

static void write_upload(const struct bigquery *bq, const char *id, const struct attempt *attempts,
                         size_t count, struct buf *out)
{
    static const char boundary[] = "--" UPLOAD_BOUNDARY;
    AUTO(json_drop) json_t *job = load_job(bq, id);
    buf_format(out, "%s\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n", boundary);
    json_write(out, job);
    buf_format(out, "\r\n%s\r\nContent-Type: application/octet-stream\r\n\r\n", boundary);
    for (size_t i = 0; i < count; i++) {
        AUTO(json_drop) json_t *row = row_of(bq, &attempts[i]);
        json_write(out, row);
        buf_byte(out, '\n');
    }
    buf_format(out, "\r\n%s--\r\n", boundary);
}

static bool wait_for_job(struct bigquery *bq, const char *id, struct error *err)
{
    const int64_t began_ms = clock_ms();
    for (int64_t pause_ms = POLL_MS;; pause_ms = pause_ms < POLL_MOST_MS ? 2 * pause_ms : pause_ms) {
        AUTO(json_drop) json_t *job = NULL;
        if (!job_look(bq, id, &job, err)) return false;
        const char *state = json_text_at(job, "status.state");
        const char *message = json_text_at(job, "status.errorResult.message");
        if (state && strcmp(state, "DONE") == 0)
            return !message ||
                   error_set(err, ERROR_REFUSED, "BigQuery job %.200s failed: %.400s", id, message);
        if (clock_ms() - began_ms > RECORD_WAIT_S * INT64_C(1000))
            return error_set(err, ERROR_BUSY, "BigQuery job %.200s is not done after %d seconds", id,
                             RECORD_WAIT_S);
        if (!api_sleep(bq, pause_ms, err)) return false;
    }
}

bool attempts_write(struct bigquery *bq, const struct attempt *attempts, size_t count, struct error *err)
{
    const bool is_stopped = bq->settings.stop && atomic_load(bq->settings.stop);
    char nonce[RANDOM_NAME], id[JOB_ID];
    AUTO(buf_done) struct buf upload = buf_limited(LIMIT_SQL);
    AUTO(api_answer_done) struct api_answer answer = {0};
    if (bq->now_us == 0)
        return error_set(err, ERROR_BUSY, "BigQuery has not sent its time yet, so nothing is written");
    random_name(nonce);
    job_name(id, "caseload-attempts", nonce);
    write_upload(bq, id, attempts, count, &upload);
    if (upload.full) return error_set(err, ERROR_LIMIT, "the attempts are larger than 1 MiB");
    const struct api_call call = {.method = "POST",
                                  .path = "jobs?uploadType=multipart",
                                  .upload = &upload,
                                  .what = "BigQuery upload of the attempts",
                                  .best_effort = true,
                                  .outlasts_stop = is_stopped};
    return api_do(bq, &call, &answer, err) && (is_stopped || wait_for_job(bq, id, err));
}
