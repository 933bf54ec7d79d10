/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/random.h"
#include "job.h"
#include "observer.h"
#include "sql.h"
#include "wait.h"

#define POLL_LEAST_MS 10 /* small jobs end soon */
#define POLL_SOON_MS  250
#define POLL_SHARE    10   /* of the time waited; so jobs are seen to end at most a tenth late ... */
#define POLL_LATE_MS  1000 /* ... or a second, and after some minutes ... */
#define POLL_LATER    100  /* ... a hundredth of the time */
#define POLL_MOST_MS  5000
#define UNSEEN_MS     200000  /* how long an accepted job may answer 404 */
#define RESULTS_MS    "20000" /* how long one call may wait for a job's rows */
#define OLD_JOBS      1000
#define ROWS_LIMIT    100000
#define ID_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

/* Of what is not visible yet. */
static const struct retry new_rerun = {.base_ms = 200, .cap_ms = 2000, .attempts = 100, .budget_ms = 60000};
/* About ten minutes, and an hour where BigQuery asks for patience. */
static const struct retry rerun = {.base_ms = 200, .cap_ms = 60000, .attempts = 18, .budget_ms = 7200000};
static const struct retry late_rerun = {
    .base_ms = 60000, .cap_ms = 600000, .attempts = 10, .budget_ms = 7200000};

void parameter_add(json_t *parameters, const char *name, const char *type, const char *value)
{
    json_t *text = json_string(value);
    if (!text) text = json_string("(not UTF-8)"); /* a name that was cut; it equals nothing */
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

void job_name(char out_id[JOB_ID], const char *prefix, const char *suffix)
{
    snprintf(out_id, JOB_ID, "%s-%s", prefix, suffix);
    for (char *c = out_id; *c; c++)
        if (!strchr(ID_CHARACTERS, *c)) *c = '-';
}

void job_timeout(const struct bigquery *bq, char out_ms[JOB_TIMEOUT])
{
    snprintf(out_ms, JOB_TIMEOUT, "%lld", (long long)wait_ceiling_ms(bq));
}

json_t *job_body(const struct bigquery *bq, const char *id, const json_t *configuration)
{
    json_t *full = json_deep_copy(configuration), *query = json_object_get(full, "query");
    job_add_options(bq, full, query);
    if (query && bq->settings.is_batch) json_object_set_new(query, "priority", json_string("BATCH"));
    return json_pack("{s:{s:s, s:s, s:s}, s:o}", "jobReference", "projectId", bq->settings.project, "jobId",
                     id, "location", bq->settings.location, "configuration", full);
}

/* Repeating the same insert settles an unclear one: it is accepted now, or 409 says that it was. out_is_old:
 * a job of that id was there already. */
static bool job_start(struct bigquery *bq, const char *id, const json_t *configuration, bool *out_is_old,
                      struct error *err)
{
    AUTO(json_drop) json_t *body = job_body(bq, id, configuration);
    AUTO(api_answer_done) struct api_answer answer = {0};
    const struct api_call call = {.method = "POST",
                                  .path = "jobs",
                                  .body = body,
                                  .what = "BigQuery jobs.insert",
                                  .accept = {409},
                                  .may_be_new = true};
    if (!api_do(bq, &call, &answer, err)) return false;
    *out_is_old = answer.status == 409;
    observe_job(bq, id);
    return true;
}

static bool job_get(struct bigquery *bq, const char *id, bool best_effort, struct api_answer *out_answer,
                    struct error *err)
{
    AUTO(buf_done) struct buf path = buf_limited(4096);
    buf_format(&path, "jobs/%s", id);
    api_query(&path, "location", bq->settings.location);
    const struct api_call call = {.method = "GET",
                                  .path = buf_string(&path),
                                  .what = "BigQuery jobs.get",
                                  .accept = {404},
                                  .best_effort = best_effort};
    return api_do(bq, &call, out_answer, err);
}

bool job_exists(struct bigquery *bq, const char *id, bool *out_exists, struct error *err)
{
    AUTO(api_answer_done) struct api_answer answer = {0};
    if (!job_get(bq, id, false, &answer, err)) return false;
    *out_exists = answer.status == 200;
    return true;
}

bool job_look(struct bigquery *bq, const char *id, json_t **out_job, struct error *err)
{
    AUTO(api_answer_done) struct api_answer answer = {0};
    if (!job_get(bq, id, true, &answer, err)) return false;
    *out_job = answer.status == 200 ? json_incref(answer.json) : NULL;
    return true;
}

static void note_time(struct bigquery *bq, const json_t *job)
{
    int64_t ended_ms = json_int_at(job, "statistics.endTime", 0);
    if (ended_ms > 0 && ended_ms < INSTANT_MAX_US / 1000) bigquery_note_now(bq, ended_ms * 1000);
}

static bool results_get(struct bigquery *bq, const char *id, const char *page, bool best_effort,
                        struct api_answer *out_answer, struct error *err)
{
    AUTO(buf_done) struct buf path = buf_limited(16384);
    buf_format(&path, "queries/%s", id);
    api_query(&path, "location", bq->settings.location);
    api_query(&path, "timeoutMs", RESULTS_MS);
    api_query(&path, "formatOptions.useInt64Timestamp", "true");
    if (page) api_query(&path, "pageToken", page);
    if (path.full) return error_set(err, ERROR_LIMIT, "BigQuery: a page token is longer than 16 KiB");
    const struct api_call call = {.method = "GET",
                                  .path = buf_string(&path),
                                  .what = "BigQuery jobs.getQueryResults",
                                  .best_effort = best_effort};
    return api_do(bq, &call, out_answer, err);
}

static bool is_complete(const struct api_answer *answer)
{
    return json_is_true(json_at(answer->json, "jobComplete"));
}

static bool collect_rows(struct bigquery *bq, const char *id, struct api_answer *answer, json_t **out_rows,
                         struct error *err)
{
    AUTO(json_drop) json_t *rows = json_array();
    for (;;) {
        json_t *page_rows = json_object_get(answer->json, "rows");
        if (page_rows) json_array_extend(rows, page_rows);
        if (json_array_size(rows) > ROWS_LIMIT)
            return error_set(err, ERROR_LIMIT, "BigQuery job %s returns more than %d rows", id, ROWS_LIMIT);
        const char *page = json_text_at(answer->json, "pageToken");
        if (!page || !*page) break;
        struct api_answer next = {0};
        if (!results_get(bq, id, page, false, &next, err)) return false;
        api_answer_done(answer);
        *answer = next;
        if (!is_complete(answer))
            return error_set(err, ERROR_FORMAT, "BigQuery job %s: a page of its rows is incomplete", id);
        if (api_stopped(bq, err)) return false;
    }
    *out_rows = json_incref(rows);
    return true;
}

static bool rows_of_succeeded(struct bigquery *bq, const char *id, json_t **out_rows, struct error *err)
{
    AUTO(api_answer_done) struct api_answer answer = {0};
    if (!results_get(bq, id, NULL, false, &answer, err)) return false;
    if (!is_complete(&answer))
        return error_set(err, ERROR_BUSY, "BigQuery job %s is done, but its rows are not there yet", id);
    return collect_rows(bq, id, &answer, out_rows, err);
}

struct job_watch {
    const char *id, *where;
    bool is_query; /* its rows can be waited for */
    int64_t began_ms;
    int64_t unseen_ms; /* since when it can't be found; 0: it can */
    bool is_lost;      /* it was accepted, and can't be found any more */
    json_t *job;       /* DONE, well or not; NULL: the rows came first, or it is lost */
    json_t *rows;      /* NULL: not there yet */
};

static void watch_done(struct job_watch *watch)
{
    json_drop(&watch->job);
    json_drop(&watch->rows);
}

static void note_unseen(struct job_watch *watch)
{
    int64_t now_ms = clock_ms();
    if (!watch->unseen_ms) watch->unseen_ms = now_ms;
    watch->is_lost = now_ms - watch->unseen_ms > UNSEEN_MS;
}

/* out_state: what the job is doing, or why that can't be known now. */
static bool watch_status(struct bigquery *bq, struct job_watch *watch, struct error *out_state,
                         struct error *err)
{
    AUTO(api_answer_done) struct api_answer answer = {0};
    if (!job_get(bq, watch->id, false, &answer, out_state)) {
        if (out_state->kind == ERROR_BUSY) return true;
        *err = *out_state;
        return false;
    }
    const char *state = json_text_at(answer.json, "status.state");
    if (answer.status == 200 && !state)
        return error_set(err, ERROR_FORMAT, "BigQuery job %s: the answer names no state", watch->id);
    error_set(out_state, ERROR_BUSY, "the job is %s", state ? state : "not to be found");
    if (answer.status == 404)
        note_unseen(watch);
    else
        watch->unseen_ms = 0;
    if (!state || strcmp(state, "DONE") != 0) return true;
    note_time(bq, answer.json);
    observe_job_end(bq, answer.json);
    watch->job = json_incref(answer.json);
    return true;
}

/* One long call for the rows instead of many short ones. It proves nothing but rows: a failure of the job
 * looks like one of the call, and a result without rows may be either. */
static bool watch_rows(struct bigquery *bq, struct job_watch *watch)
{
    AUTO(api_answer_done) struct api_answer answer = {0};
    struct error unread;
    return results_get(bq, watch->id, NULL, true, &answer, &unread) && is_complete(&answer) &&
           json_array_size(json_object_get(answer.json, "rows")) > 0 &&
           collect_rows(bq, watch->id, &answer, &watch->rows, &unread);
}

static int64_t between(int64_t least, int64_t value, int64_t most)
{
    return value < least ? least : value < most ? value : most;
}

static int64_t next_pause(const struct job_watch *watch)
{
    const int64_t waited_ms = clock_ms() - watch->began_ms;
    if (waited_ms < POLL_SOON_MS) return between(POLL_LEAST_MS, waited_ms, POLL_SOON_MS);
    const int64_t soon_ms = between(POLL_SOON_MS, waited_ms / POLL_SHARE, POLL_LATE_MS);
    return between(soon_ms, waited_ms / POLL_LATER, POLL_MOST_MS);
}

static bool watch_job(struct bigquery *bq, struct job_watch *watch, struct error *err)
{
    struct wait wait = {0};
    char what[JOB_ID + 32];
    watch->began_ms = clock_ms();
    snprintf(what, sizeof what, "BigQuery %s job %.400s", watch->where, watch->id);
    for (;;) {
        struct error state;
        progress_step(bq->settings.progress, watch->where);
        if (watch->is_query && watch_rows(bq, watch)) return true;
        if (!watch_status(bq, watch, &state, err)) return false;
        if (watch->job || watch->is_lost) return true;
        if (!wait_more(bq, &wait, next_pause(watch), what, state.text, err)) return false;
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

static bool fail_lost(const char *id, struct job_failure *out)
{
    out->class = RETRY_NOW;
    return error_set(&out->error, ERROR_BUSY, "BigQuery job %.400s was accepted, but can't be found any more",
                     id);
}

static bool watch_succeeded(const struct job_watch *watch, struct job_failure *out)
{
    *out = (struct job_failure){.class = RETRY_NEVER};
    const json_t *result = json_at(watch->job, "status.errorResult");
    const char *reason = json_text_at(result, "reason"), *message = json_text_at(result, "message");
    if (watch->is_lost) return fail_lost(watch->id, out);
    if (!result) return true;
    if (!reason) reason = "";
    if (!message) message = "no explanation was given";
    AUTO(buf_done) struct buf more = buf_limited(1024);
    add_errors(watch->job, message, &more);
    snprintf(out->reason, sizeof out->reason, "%s", reason);
    out->class = reason_of_job(reason, message);
    return error_set(&out->error, reason_passes(out->class) ? ERROR_BUSY : reason_kind(reason),
                     "BigQuery job %.200s failed: %.400s (%s; %s)%s", watch->id, message, reason,
                     reason_advice(reason), buf_string(&more));
}

bool job_wait_load(struct bigquery *bq, const char *id, bool *out_succeeded, struct job_failure *out_failure,
                   struct error *err)
{
    AUTO(watch_done) struct job_watch watch = {.id = id, .where = "load"};
    if (!watch_job(bq, &watch, err)) return false;
    *out_succeeded = watch_succeeded(&watch, out_failure);
    return true;
}

bool job_may_repeat(struct bigquery *bq, const struct job_failure *failure, int tried, struct error *err)
{
    bool may = false;
    switch (failure->class) {
    case RETRY_NEVER: break;
    case RETRY_ONCE: may = tried == 1; break;
    case RETRY_IF_NEW: may = api_is_new(bq, failure->error.text); break;
    case RETRY_NOW:
    case RETRY_LATER: may = true; break;
    }
    const struct retry *retry = failure->class == RETRY_LATER    ? &late_rerun
                                : failure->class == RETRY_IF_NEW ? &new_rerun
                                                                 : &rerun;
    int64_t pause_ms = may ? retry_wait_ms(retry, tried, 0, 0) : -1;
    struct wait wait = {0};
    if (pause_ms >= 0) return wait_more(bq, &wait, pause_ms, "BigQuery job", failure->error.text, err);
    *err = failure->error;
    return tried > 1 ? error_wrap(err, "given up after %d runs", tried) : false;
}

static bool take_rows(struct bigquery *bq, struct job_watch *watch, json_t **out_rows, struct error *err)
{
    if (!watch->rows) return rows_of_succeeded(bq, watch->id, out_rows, err);
    *out_rows = json_incref(watch->rows);
    return true;
}

static json_t *query_configuration(const struct bigquery *bq, const struct query_job *query)
{
    char timeout[JOB_TIMEOUT];
    job_timeout(bq, timeout);
    return json_pack("{s:s, s:{s:s, s:s*}, s:{s:s, s:b, s:s, s:O, s:b}}", "jobTimeoutMs", timeout, "labels",
                     "app", "caseload", "stream", query->stream, "query", "query", buf_string(query->sql),
                     "useLegacySql", 0, "parameterMode", "NAMED", "queryParameters", query->parameters,
                     "useQueryCache", 0);
}

/* An unclear start is repeated under the same id. */
static bool start_query(struct bigquery *bq, const struct query_job *query, const char *id,
                        const json_t *configuration, bool *out_is_old, struct error *err)
{
    struct wait wait = {0};
    for (;;) {
        struct error trouble = {0};
        if (job_start(bq, id, configuration, out_is_old, &trouble)) return true;
        if (!query->is_patient || trouble.kind != ERROR_BUSY) {
            *err = trouble;
            return false;
        }
        if (!wait_more(bq, &wait, POLL_MOST_MS, id, trouble.text, err)) return false;
    }
}

static void name_query(const struct query_job *query, int number, char out_id[JOB_ID])
{
    char suffix[RANDOM_NAME];
    random_name(suffix);
    if (query->counted_ids) snprintf(suffix, sizeof suffix, "%d", number);
    job_name(out_id, query->prefix, suffix);
}

bool job_begin(struct bigquery *bq, const struct query_job *query, char out_id[JOB_ID], struct error *err)
{
    bool is_old = false;
    if (!sql_check(query->sql, query->where, err)) return false;
    AUTO(json_drop) json_t *configuration = query_configuration(bq, query);
    name_query(query, 1, out_id);
    return start_query(bq, query, out_id, configuration, &is_old, err);
}

/* An old job of a counted id that failed costs nothing but its number. */
bool job_query(struct bigquery *bq, const struct query_job *query, char out_id[JOB_ID], json_t **out_rows,
               struct error *err)
{
    if (!sql_check(query->sql, query->where, err)) return false;
    AUTO(json_drop) json_t *configuration = query_configuration(bq, query);
    for (int run = 1, number = 1;; number++) {
        bool is_old = false, is_begun = query->begun && number == 1;
        name_query(query, number, out_id);
        if (is_begun) snprintf(out_id, JOB_ID, "%s", query->begun);
        AUTO(watch_done) struct job_watch watch = {.id = out_id, .where = query->where, .is_query = true};
        struct job_failure failure;
        if ((!is_begun && !start_query(bq, query, out_id, configuration, &is_old, err)) ||
            !watch_job(bq, &watch, err))
            return false;
        if (watch.rows || watch_succeeded(&watch, &failure))
            return !out_rows || take_rows(bq, &watch, out_rows, err);
        if (query->counted_ids && is_old && number < OLD_JOBS) continue;
        if (!job_may_repeat(bq, &failure, run++, err)) return false;
    }
}

static void read_job_id(const struct api_answer *answer, char out_id[JOB_ID])
{
    const char *id = json_text_at(answer->json, "jobReference.jobId");
    size_t size = id ? strlen(id) : 0;
    bool is_usable = size < JOB_ID && (!id || strspn(id, ID_CHARACTERS) == size);
    snprintf(out_id, JOB_ID, "%s", id && is_usable ? id : "");
}

static bool read_once(struct bigquery *bq, const json_t *body, json_t **out_rows,
                      struct job_failure *out_failure, struct error *err)
{
    AUTO(api_answer_done) struct api_answer answer = {0};
    const struct api_call call = {
        .method = "POST", .path = "queries", .body = body, .what = "BigQuery jobs.query", .may_be_new = true};
    char id[JOB_ID];
    if (!api_do(bq, &call, &answer, err)) return false;
    read_job_id(&answer, id);
    if (!*id && (!is_complete(&answer) || json_text_at(answer.json, "pageToken")))
        return error_set(err, ERROR_FORMAT,
                         "BigQuery jobs.query: the answer is not complete, but names no job to ask");
    if (is_complete(&answer)) return collect_rows(bq, id, &answer, out_rows, err);
    AUTO(watch_done) struct job_watch watch = {.id = id, .where = "read", .is_query = true};
    if (!watch_job(bq, &watch, err)) return false;
    if (watch.rows || watch_succeeded(&watch, out_failure)) return take_rows(bq, &watch, out_rows, err);
    return true;
}

bool job_read(struct bigquery *bq, const struct buf *sql, const json_t *parameters, json_t **out_rows,
              struct error *err)
{
    if (!sql_check(sql, "read", err)) return false;
    AUTO(json_drop)
    json_t *body = json_pack(
        "{s:s, s:b, s:s, s:i, s:b, s:s, s:O, s:{s:b}, s:{s:s}}", "query", buf_string(sql), "useLegacySql", 0,
        "location", bq->settings.location, "timeoutMs", 30000, "useQueryCache", 0, "parameterMode", "NAMED",
        "queryParameters", parameters, "formatOptions", "useInt64Timestamp", 1, "labels", "app", "caseload");
    job_add_options(bq, body, body);
    *out_rows = NULL;
    for (int run = 1;; run++) {
        struct job_failure failure;
        if (!read_once(bq, body, out_rows, &failure, err)) return false;
        if (*out_rows) return true;
        if (!job_may_repeat(bq, &failure, run, err)) return false;
    }
}

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
