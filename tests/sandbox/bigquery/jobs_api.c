/* SPDX-License-Identifier: Apache-2.0 */
/* jobs_api.c - jobs.insert, get, list, cancel, delete: a job as the REST API shows it. */
#include <string.h>

#include "bigquery/internal.h"

#define JOBS_A_PAGE 1000

static const char *const state_names[] = {"PENDING", "RUNNING", "DONE"};

json_t *bq_job_reference(const struct job *job)
{
    return json_pack("{s:s, s:s, s:s}", "projectId", job->project, "jobId", job->id, "location",
                     job->location);
}

static json_t *status_shown(const struct job *job)
{
    json_t *status = json_pack("{s:s}", "state", state_names[job->state]);
    if (job->state != JOB_DONE) return status;
    const struct job_outcome *outcome = &job->outcome;
    json_t *errors = json_array();
    if (outcome->error.reason[0]) {
        json_t *error =
            json_pack("{s:s, s:s}", "reason", outcome->error.reason, "message", outcome->error.message);
        if (strcmp(outcome->error.reason, "invalidQuery") == 0)
            json_object_set_new(error, "location", json_string("query"));
        json_object_set(status, "errorResult", error);
        json_array_append_new(errors, error);
    }
    if (outcome->errors) {
        json_t *more = json_deep_copy(outcome->errors);
        json_array_extend(errors, more);
        json_decref(more);
    }
    if (json_array_size(errors) > 0) json_object_set(status, "errors", errors);
    json_decref(errors);
    return status;
}

static json_t *load_statistics(const struct job *job)
{
    const struct job_outcome *outcome = &job->outcome;
    return json_pack("{s:s, s:o, s:o, s:o, s:o}", "inputFiles", "1", "inputFileBytes",
                     bq_int64_text(job->input_bytes), "outputRows", bq_int64_text(outcome->rows),
                     "outputBytes", bq_int64_text(outcome->row_bytes), "badRecords",
                     bq_int64_text(outcome->bad_rows));
}

/* The place in the script, with the text. */
static json_t *frame_shown(const struct job *job)
{
    json_t *frame = json_deep_copy(job->frame);
    const json_t *query = json_object_get(job->configuration, "query");
    json_object_set(json_array_get(json_object_get(frame, "stackFrames"), 0), "text",
                    json_object_get(query, "query"));
    return frame;
}

static json_t *statistics_shown(const struct job *job)
{
    json_t *statistics = json_pack("{s:o}", "creationTime", bq_ms_text(job->created_us));
    if (job->state != JOB_PENDING) json_object_set_new(statistics, "startTime", bq_ms_text(job->started_us));
    if (job->state != JOB_DONE) return statistics;
    const struct job_outcome *outcome = &job->outcome;
    json_object_set_new(statistics, "endTime", bq_ms_text(job->ended_us));
    json_object_set_new(statistics, "totalBytesProcessed", bq_int64_text(outcome->bytes));
    if (job->parent) json_object_set_new(statistics, "parentJobId", json_string(job->parent));
    if (job->frame) json_object_set_new(statistics, "scriptStatistics", frame_shown(job));
    if (job->children > 0) json_object_set_new(statistics, "numChildJobs", bq_int64_text(job->children));
    if (outcome->statistics_lost) return statistics;
    if (job->type == JOB_QUERY)
        json_object_set_new(statistics, "query", bq_query_statistics(outcome, job->project));
    else if (!outcome->error.reason[0])
        json_object_set_new(statistics, "load", load_statistics(job));
    return statistics;
}

/* The mutex is held, or no other thread has the job. */
static json_t *job_shown(const struct job *job)
{
    json_t *resource =
        json_pack("{s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "kind", "bigquery#job", "etag",
                  json_sprintf("%s-%d==", job->id, (int)job->state), "id",
                  json_sprintf("%s:%s.%s", job->project, job->location, job->id), "user_email", BIGQUERY_USER,
                  "jobReference", bq_job_reference(job), "configuration", json_deep_copy(job->configuration),
                  "status", status_shown(job), "statistics", statistics_shown(job));
    json_object_set_new(
        resource, "selfLink",
        json_sprintf("https://bigquery.googleapis.com/bigquery/v2/projects/%s/jobs/%s?location=%s",
                     job->project, job->id, job->location));
    return resource;
}

json_t *bq_job_resource(struct job *job)
{
    pthread_mutex_lock(&job->bigquery->mutex);
    json_t *resource = job_shown(job);
    pthread_mutex_unlock(&job->bigquery->mutex);
    return resource;
}

/* Without a location only the two multi-regions are searched. */
static bool is_there(const struct job *job, const char *location)
{
    if (location) return strcmp(job->location, location) == 0;
    return strcmp(job->location, "US") == 0 || strcmp(job->location, "EU") == 0;
}

struct job *bq_find_job(struct exchange *exchange, const char *id, struct store_error *err)
{
    struct bigquery_server *bigquery = exchange->service;
    const char *project = exchange->capture[0], *location = exchange_query(exchange, "location");
    json_object_set_new(exchange->detail, "job", json_string(id));
    json_object_set_new(exchange->detail, "location", json_string(location ? location : "missing"));
    pthread_mutex_lock(&bigquery->mutex);
    struct job *job = bigquery->jobs;
    while (job && (strcmp(job->id, id) != 0 || strcmp(job->project, project) != 0))
        job = job->older;
    pthread_mutex_unlock(&bigquery->mutex);
    if (job && is_there(job, location) && !bq_job_vanished(job)) return job;
    (void)bq_problem(err, "notFound", "Not found: Job %s:%s%s%s", project, location ? location : "",
                     location ? "." : "", id);
    return NULL;
}

struct job *bq_find_request(struct bigquery_server *bigquery, const char *project, const char *request_id)
{
    pthread_mutex_lock(&bigquery->mutex);
    struct job *job = bigquery->jobs;
    while (job && (!job->request_id || strcmp(job->request_id, request_id) != 0 ||
                   strcmp(job->project, project) != 0))
        job = job->older;
    pthread_mutex_unlock(&bigquery->mutex);
    return job;
}

/* dryRun: the job is checked and shown, and leaves nothing behind. */
static void insert_dry(struct exchange *exchange, const struct job_request *request)
{
    struct store_error err = {.reason = ""};
    struct job *job = NULL;
    if (bq_check_job(exchange->service, request, &job, &err) && job->type == JOB_QUERY) {
        bq_query_run(job, true, &job->outcome);
        err = job->outcome.error;
    } else if (!err.reason[0]) {
        (void)bq_problem(&err, "invalid", "Only query jobs can be run dry");
    }
    if (err.reason[0]) {
        (void)bq_problem_reply(exchange, &err);
    } else {
        job->state = JOB_DONE;
        job->created_us = job->started_us = job->ended_us = virtual_clock_read(bq_of(exchange)->clock);
        exchange_reply_json(exchange, 200, job_shown(job));
    }
    bq_drop_job(job);
}

void bq_note_job(struct exchange *exchange, const json_t *resource)
{
    const json_t *reference = json_object_get(resource, "jobReference");
    const char *id = json_string_value(json_object_get(reference, "jobId"));
    const char *location = json_string_value(json_object_get(reference, "location"));
    if (id) json_object_set_new(exchange->detail, "job", json_string(id));
    json_object_set_new(exchange->detail, "location", json_string(location ? location : "missing"));
}

void bq_jobs_insert(struct exchange *exchange)
{
    struct store_error err = {.reason = ""};
    json_t *resource = bq_read_object(exchange, &err);
    struct job *job = NULL;
    struct job_request request = {.project = exchange->capture[0], .resource = resource};
    const json_t *configuration = json_object_get(resource, "configuration");
    bq_note_job(exchange, resource);
    if (resource && json_is_true(json_object_get(configuration, "dryRun"))) {
        insert_dry(exchange, &request);
        json_decref(resource);
        return;
    }
    if (resource && json_object_get(configuration, "load"))
        (void)bq_problem(&err, "invalid", "Load jobs need an upload here: sourceUris are not served");
    else if (resource)
        job = bq_start_job(exchange->service, &request, &err);
    if (job)
        exchange_reply_json(exchange, 200, bq_job_resource(job));
    else
        (void)bq_problem_reply(exchange, &err);
    json_decref(resource);
}

void bq_jobs_get(struct exchange *exchange)
{
    struct store_error err = {.reason = ""};
    struct job *job = bq_find_job(exchange, exchange->capture[1], &err);
    if (job)
        exchange_reply_json(exchange, 200, bq_job_resource(job));
    else
        (void)bq_problem_reply(exchange, &err);
}

/* stateFilter and the creation times of the query. */
static bool is_wanted(const struct exchange *exchange, const struct job *job)
{
    static const char *const filters[] = {"pending", "running", "done"};
    const char *state = exchange_query(exchange, "stateFilter");
    const char *parent = exchange_query(exchange, "parentJobId"); /* none: no child jobs */
    const char *after = exchange_query(exchange, "minCreationTime");
    const char *before = exchange_query(exchange, "maxCreationTime");
    int64_t ms = 0;
    if (strcmp(job->project, exchange->capture[0]) != 0) return false;
    if (strcmp(parent ? parent : "", job->parent ? job->parent : "") != 0) return false;
    if (state && strcmp(state, filters[job->state]) != 0) return false;
    if (after && bq_text_int64(after, &ms) && job->created_us / 1000 < ms) return false;
    return !(before && bq_text_int64(before, &ms) && job->created_us / 1000 > ms);
}

void bq_jobs_list(struct exchange *exchange)
{
    struct bigquery_server *bigquery = exchange->service;
    struct store_error err = {.reason = ""};
    json_t *jobs = json_array(), *items = json_array();
    pthread_mutex_lock(&bigquery->mutex);
    for (const struct job *job = bigquery->jobs; job; job = job->older)
        if (is_wanted(exchange, job)) json_array_append_new(jobs, job_shown(job));
    pthread_mutex_unlock(&bigquery->mutex);
    struct result_page page;
    if (bq_read_page(exchange, json_array_size(jobs), JOBS_A_PAGE, &page, &err)) {
        for (size_t i = 0; i < page.count; i++) {
            json_t *job = json_array_get(jobs, page.first + i);
            const json_t *status = json_object_get(job, "status");
            json_object_set(job, "state", json_object_get(status, "state"));
            json_t *error = json_object_get(status, "errorResult");
            if (error) json_object_set(job, "errorResult", error);
            json_array_append(items, job);
        }
        json_t *reply = json_pack("{s:s, s:O}", "kind", "bigquery#jobList", "jobs", items);
        bq_set_page_token(reply, "nextPageToken", page.first + page.count, json_array_size(jobs));
        exchange_reply_json(exchange, 200, reply);
    } else {
        (void)bq_problem_reply(exchange, &err);
    }
    json_decref(items);
    json_decref(jobs);
}

/* Best effort: what already runs in the store goes on to its end. */
void bq_jobs_cancel(struct exchange *exchange)
{
    struct store_error err = {.reason = ""};
    struct bigquery_server *bigquery = exchange->service;
    struct job *job = bq_find_job(exchange, exchange->capture[1], &err);
    if (!job) {
        (void)bq_problem_reply(exchange, &err);
        return;
    }
    pthread_mutex_lock(&bigquery->mutex);
    if (job->state != JOB_DONE) job->cancelled = true;
    pthread_cond_broadcast(&bigquery->changed);
    json_t *shown = job_shown(job);
    pthread_mutex_unlock(&bigquery->mutex);
    exchange_reply_json(exchange, 200,
                        json_pack("{s:s, s:o}", "kind", "bigquery#jobCancelResponse", "job", shown));
}

/* The metadata goes; here it stays, since an id is used up anyway. */
void bq_jobs_delete(struct exchange *exchange)
{
    struct store_error err = {.reason = ""};
    if (bq_find_job(exchange, exchange->capture[1], &err))
        exchange->status = 204;
    else
        (void)bq_problem_reply(exchange, &err);
}
