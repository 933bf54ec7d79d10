/* SPDX-License-Identifier: Apache-2.0 */
/* job.c - jobs under ids that we choose before the call, so that every unclear outcome can be looked up. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/parse.h"
#include "base/random.h"
#include "internal.h"

#define POLL_FIRST_MS 10 /* small jobs end soon */
#define POLL_LAST_MS  10000
#define UNSEEN_MS     200000  /* how long an accepted job may answer 404 */
#define WAIT_MS       7200000 /* queueing included */
#define RESULTS_MS    "20000" /* how long one call may wait for a job's rows */
#define JOB_RUNS      10
#define OLD_JOBS      1000
#define ROWS_LIMIT    100000

static const struct retry rerun = {
    .base_ms = 200, .cap_ms = 15000, .attempts = JOB_RUNS, .budget_ms = WAIT_MS};

/* --- Parameters --- */

void parameter_add(json_t *parameters, const char *name, const char *type, const char *value)
{
    json_t *text = json_string(value);
    if (!text) text = json_string("(not UTF-8)"); /* a cut name may be; it then equals nothing */
    json_array_append_new(parameters, json_pack("{s:s, s:{s:s}, s:{s:o}}", "name", name, "parameterType",
                                                "type", type, "parameterValue", "value", text));
}

void parameter_add_int(json_t *parameters, const char *name, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    parameter_add(parameters, name, "INT64", text);
}

void parameter_add_day(json_t *parameters, const char *name, struct day value)
{
    char text[DAY_TEXT];
    day_format(value, text);
    parameter_add(parameters, name, "DATE", text);
}

/* --- One job --- */

void job_name(char out_id[JOB_ID], const char *prefix, const char *suffix)
{
    snprintf(out_id, JOB_ID, "%s-%s", prefix, suffix);
    for (char *c = out_id; *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *c)) *c = '-';
}

json_t *job_body(const struct bigquery *bq, const char *id, const json_t *configuration)
{
    return json_pack("{s:{s:s, s:s, s:s}, s:O}", "jobReference", "projectId", bq->settings.project, "jobId",
                     id, "location", bq->settings.location, "configuration", configuration);
}

/* Repeating the same insert settles an unclear one: either it is accepted now, or 409 says that it was. */
bool job_start(struct bigquery *bq, const char *id, const json_t *configuration, bool *out_old,
               struct error *err)
{
    AUTO(json_drop) json_t *body = job_body(bq, id, configuration);
    AUTO(api_answer_done) struct api_answer answer = {0};
    const struct api_call call = {.method = "POST",
                                  .path = "jobs",
                                  .body = body,
                                  .what = "BigQuery jobs.insert",
                                  .accept = {409},
                                  .lags = true};
    if (!api_do(bq, &call, &answer, err)) return false;
    *out_old = answer.status == 409;
    return true;
}

static bool job_get(struct bigquery *bq, const char *id, struct api_answer *out_answer, struct error *err)
{
    AUTO(buf_done) struct buf path = {0};
    buf_init(&path, 4096);
    buf_format(&path, "jobs/%s", id);
    api_query(&path, "location", bq->settings.location);
    const struct api_call call = {
        .method = "GET", .path = buf_string(&path), .what = "BigQuery jobs.get", .accept = {404}};
    return api_do(bq, &call, out_answer, err);
}

bool job_exists(struct bigquery *bq, const char *id, bool *out_exists, struct error *err)
{
    AUTO(api_answer_done) struct api_answer answer = {0};
    if (!job_get(bq, id, &answer, err)) return false;
    *out_exists = answer.status == 200;
    return true;
}

static void note_time(struct bigquery *bq, const json_t *job)
{
    int64_t ended_ms = json_int_at(job, "statistics.endTime", 0);
    if (ended_ms > 0 && ended_ms < INSTANT_MAX_US / 1000 && ended_ms * 1000 > bq->now_us)
        bq->now_us = ended_ms * 1000;
}

bool job_wait(struct bigquery *bq, const char *id, const char *where, json_t **out_job, struct error *err)
{
    int64_t began = clock_ms(), pause = POLL_FIRST_MS;
    for (;; pause = pause + pause / 2 < POLL_LAST_MS ? pause + pause / 2 : POLL_LAST_MS) {
        AUTO(api_answer_done) struct api_answer answer = {0};
        if (!job_get(bq, id, &answer, err)) return false;
        progress_step(bq->settings.progress, where);
        const char *state = json_text_at(answer.json, "status.state");
        if (answer.status == 200 && !state)
            return error_set(err, ERROR_FORMAT, "BigQuery job %s: the answer names no state", id);
        if (state && !strcmp(state, "DONE")) {
            note_time(bq, answer.json);
            *out_job = json_incref(answer.json);
            return true;
        }
        int64_t waited = clock_ms() - began;
        if (answer.status == 404 && waited > UNSEEN_MS)
            return error_set(err, ERROR_BUSY,
                             "BigQuery job %s was accepted but can't be found; check the location \"%s\"", id,
                             bq->settings.location);
        if (waited > WAIT_MS)
            return error_set(err, ERROR_BUSY,
                             "BigQuery job %s has not ended for two hours; look at it in the console", id);
        if (!api_sleep(bq, pause, err)) return false;
    }
}

/* The useful text of a failed load is only in the list of errors. */
static void add_errors(const json_t *job, const char *first, struct buf *out)
{
    const json_t *errors = json_at(job, "status.errors");
    for (size_t i = 0; i < json_array_size(errors) && i < 5; i++) {
        const char *message = json_text_at(json_array_get(errors, i), "message");
        if (message && strcmp(message, first) != 0) buf_format(out, "; %.150s", message);
    }
}

bool job_went_well(const json_t *job, enum reaction *out_reaction, struct error *err)
{
    const json_t *result = json_at(job, "status.errorResult");
    const char *reason = json_text_at(result, "reason"), *message = json_text_at(result, "message");
    if (!result) return true;
    if (!reason) reason = "";
    if (!message) message = "no explanation was given";
    const char *id = json_text_at(job, "jobReference.jobId");
    AUTO(buf_done) struct buf more = {0};
    buf_init(&more, 1024);
    add_errors(job, message, &more);
    *out_reaction = reason_of_job(reason, message);
    return error_set(err, *out_reaction == REACT_FAIL ? reason_kind(reason) : ERROR_BUSY,
                     "BigQuery job %.200s failed: %.400s (%s; %s)%s", id ? id : "?", message, reason,
                     reason_advice(reason), buf_string(&more));
}

bool job_pause(struct bigquery *bq, int tried, const struct error *failure, struct error *err)
{
    int64_t wait = retry_wait_ms(&rerun, tried, 0, 0);
    if (wait < 0) {
        *err = *failure;
        return error_wrap(err, "given up after %d runs", tried);
    }
    return api_sleep(bq, wait, err);
}

/* --- Rows --- */

static bool results_get(struct bigquery *bq, const char *id, const char *page, bool quick,
                        struct api_answer *out_answer, struct error *err)
{
    AUTO(buf_done) struct buf path = {0};
    buf_init(&path, 16384);
    buf_format(&path, "queries/%s", id);
    api_query(&path, "location", bq->settings.location);
    api_query(&path, "timeoutMs", RESULTS_MS);
    api_query(&path, "formatOptions.useInt64Timestamp", "true");
    if (page) api_query(&path, "pageToken", page);
    if (path.full) return error_set(err, ERROR_LIMIT, "BigQuery: a page token is longer than 16 KiB");
    const struct api_call call = {
        .method = "GET", .path = buf_string(&path), .what = "BigQuery jobs.getQueryResults", .quick = quick};
    return api_do(bq, &call, out_answer, err);
}

/* Takes pages until there are none; answer is the first, and is used up. */
static bool collect_rows(struct bigquery *bq, const char *id, struct api_answer *answer, json_t **out_rows,
                         struct error *err)
{
    AUTO(json_drop) json_t *rows = json_array();
    int64_t began = clock_ms();
    for (;;) {
        bool complete = json_is_true(json_at(answer->json, "jobComplete"));
        json_t *page_rows = json_object_get(answer->json, "rows");
        if (complete && page_rows) json_array_extend(rows, page_rows);
        if (json_array_size(rows) > ROWS_LIMIT)
            return error_set(err, ERROR_LIMIT, "BigQuery job %s returns more than %d rows", id, ROWS_LIMIT);
        const char *page = json_text_at(answer->json, "pageToken");
        if (complete && (!page || !*page)) break;
        if (clock_ms() - began > WAIT_MS)
            return error_set(err, ERROR_BUSY, "BigQuery job %s has given no end of rows for two hours", id);
        struct api_answer next = {0};
        if (!results_get(bq, id, complete ? page : NULL, false, &next, err)) return false;
        api_answer_done(answer);
        *answer = next;
        if (api_stopped(bq, err)) return false;
    }
    *out_rows = json_incref(rows);
    return true;
}

/* Of a job that went well. */
static bool rows_of(struct bigquery *bq, const char *id, json_t **out_rows, struct error *err)
{
    AUTO(api_answer_done) struct api_answer answer = {0};
    return results_get(bq, id, NULL, false, &answer, err) && collect_rows(bq, id, &answer, out_rows, err);
}

/* Waits for the rows themselves: one long call instead of many short ones. What else may come of it is not
 * told apart here: a failure of the job looks like one of the call, or like a result without rows. Ask the
 * job. */
static bool rows_at_once(struct bigquery *bq, const char *id, json_t **out_rows)
{
    AUTO(api_answer_done) struct api_answer answer = {0};
    struct error unread;
    return results_get(bq, id, NULL, true, &answer, &unread) &&
           json_is_true(json_at(answer.json, "jobComplete")) &&
           json_array_size(json_object_get(answer.json, "rows")) > 0 &&
           collect_rows(bq, id, &answer, out_rows, &unread);
}

/* --- Statements that change something --- */

static json_t *query_configuration(const struct query_job *query)
{
    return json_pack("{s:s, s:{s:s}, s:{s:s, s:b, s:s, s:O, s:b}}", "jobTimeoutMs", "1800000", "labels",
                     "app", "caseload", "query", "query", query->sql, "useLegacySql", 0, "parameterMode",
                     "NAMED", "queryParameters", query->parameters, "useQueryCache", 0);
}

/* An old job of a counted id that failed, for whatever reason it had then, costs nothing but its number. */
bool job_query(struct bigquery *bq, const struct query_job *query, char out_id[JOB_ID], json_t **out_rows,
               struct error *err)
{
    AUTO(json_drop) json_t *configuration = query_configuration(query);
    for (int run = 1, number = 1;; number++) {
        char suffix[RANDOM_NAME];
        bool old = false;
        random_name(suffix);
        if (query->fixed) snprintf(suffix, sizeof suffix, "%d", number);
        job_name(out_id, query->prefix, suffix);
        AUTO(json_drop) json_t *job = NULL;
        if (!job_start(bq, out_id, configuration, &old, err)) return false;
        if (out_rows && rows_at_once(bq, out_id, out_rows)) return true;
        if (!job_wait(bq, out_id, query->where, &job, err)) return false;
        enum reaction reaction = REACT_FAIL;
        struct error failure = {0};
        if (job_went_well(job, &reaction, &failure)) return !out_rows || rows_of(bq, out_id, out_rows, err);
        if (query->fixed && old && number < OLD_JOBS) continue;
        if (reaction != REACT_AGAIN) {
            *err = failure;
            return false;
        }
        if (!job_pause(bq, run++, &failure, err)) return false;
    }
}

bool query_read(struct bigquery *bq, const char *sql, const json_t *parameters, json_t **out_rows,
                struct error *err)
{
    AUTO(json_drop)
    json_t *body = json_pack("{s:s, s:b, s:s, s:i, s:b, s:s, s:O, s:{s:b}, s:{s:s}}", "query", sql,
                             "useLegacySql", 0, "location", bq->settings.location, "timeoutMs", 30000,
                             "useQueryCache", 0, "parameterMode", "NAMED", "queryParameters", parameters,
                             "formatOptions", "useInt64Timestamp", 1, "labels", "app", "caseload");
    AUTO(api_answer_done) struct api_answer answer = {0};
    const struct api_call call = {
        .method = "POST", .path = "queries", .body = body, .what = "BigQuery jobs.query", .lags = true};
    if (!api_do(bq, &call, &answer, err)) return false;
    char id[JOB_ID] = "";
    const char *named = json_text_at(answer.json, "jobReference.jobId");
    if (named && strlen(named) < sizeof id && sql_name_valid(named, true))
        snprintf(id, sizeof id, "%s", named);
    if (!*id &&
        (!json_is_true(json_at(answer.json, "jobComplete")) || json_text_at(answer.json, "pageToken")))
        return error_set(err, ERROR_FORMAT,
                         "BigQuery jobs.query: the answer goes on, but names no job to ask");
    return collect_rows(bq, id, &answer, out_rows, err);
}

/* --- Cells --- */

const char *cell_text(const json_t *row, size_t index)
{
    return json_string_value(json_object_get(json_array_get(json_object_get(row, "f"), index), "v"));
}

bool cell_int(const json_t *row, size_t index, int64_t *out_value)
{
    return parse_int64(cell_text(row, index), out_value);
}

bool cell_day(const json_t *row, size_t index, struct day *out_day)
{
    const char *text = cell_text(row, index);
    return text && day_parse(text, out_day);
}
