/* SPDX-License-Identifier: Apache-2.0 */
/* jobs.c - jobs: their names, threads, states and faults.
 *
 * An id is used up for ever, whatever became of the job. Jobs run on when their client is gone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/random.h"
#include "bigquery/internal.h"

#define JOB_ID         1024
#define HOLD_LIMIT_MS  10000
#define DELAY_LIMIT_MS 60000

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static struct timespec deadline_in(int64_t ms)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at); /* can't fail: the clock exists */
    at.tv_sec += (time_t)(ms / 1000);
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* The mutex is held. false: the deadline has passed. */
static bool wait_changed(struct bigquery_server *bigquery, const struct timespec *deadline)
{
    return pthread_cond_timedwait(&bigquery->changed, &bigquery->mutex, deadline) != ETIMEDOUT;
}

/* --- from a request to a job --- */

static bool configuration_check(const json_t *configuration, struct store_error *err)
{
    int64_t timeout_ms = 0;
    if (!configuration) return bq_problem(err, "required", "Required parameter is missing: configuration");
    if (!json_object_get(configuration, "query") == !json_object_get(configuration, "load"))
        return bq_problem(err, "required",
                          "Required parameter is missing: exactly one of query and load is expected");
    const json_t *timeout = json_object_get(configuration, "jobTimeoutMs");
    if (timeout && (!bq_read_int64(timeout, &timeout_ms) || timeout_ms < 0))
        return bq_problem(err, "invalid", "Invalid value for jobTimeoutMs");
    return bq_valid_labels(json_object_get(configuration, "labels"), err);
}

static bool reference_check(const char *project, const json_t *resource, struct store_error *err)
{
    const json_t *reference = json_object_get(resource, "jobReference");
    if (!reference) return true;
    const char *owner = text_of(reference, "projectId"), *id = text_of(reference, "jobId");
    const char *location = text_of(reference, "location");
    if (owner && strcmp(owner, project) != 0)
        return bq_problem(err, "invalid", "The project of the job, %s, is not the one of the path, %s", owner,
                          project);
    if (json_object_get(reference, "jobId") && !bq_valid_id(id, "_-", JOB_ID))
        return bq_problem(
            err, "invalid",
            "Invalid job ID \"%s\". Job IDs must be alphanumeric (plus underscores and dashes) and must be "
            "at most 1024 characters long.",
            id ? id : "");
    if (location && !bq_valid_id(location, "-", 64))
        return bq_problem(err, "invalid", "Invalid location \"%s\"", location);
    return true;
}

void bq_drop_job(struct job *job)
{
    if (!job) return;
    free(job->project);
    free(job->id);
    free(job->location);
    free(job->request_id);
    free(job->parent);
    json_decref(job->frame);
    json_decref(job->configuration);
    json_decref(job->outcome.errors);
    free(job->outcome.data);
    sql_result_done(&job->outcome.result);
    if (job->input) (void)fclose(job->input); /* only read */
    free(job);
}

struct job *bq_new_job(struct bigquery_server *bigquery, const struct job_request *request,
                       const json_t *resource, char *location)
{
    const json_t *reference = json_object_get(resource, "jobReference");
    const char *id = text_of(reference, "jobId");
    char name[RANDOM_NAME];
    random_name(name);
    struct job *job = mem_zero(1, sizeof *job);
    job->bigquery = bigquery;
    job->project = mem_text(request->project);
    job->id = id ? mem_text(id) : mem_format("job_%s", name);
    job->location = location;
    job->request_id = mem_text(request->request_id);
    job->configuration = json_deep_copy(json_object_get(resource, "configuration"));
    job->type = json_object_get(job->configuration, "load") ? JOB_LOAD : JOB_QUERY;
    json_object_set_new(job->configuration, "jobType", json_string(job->type == JOB_LOAD ? "LOAD" : "QUERY"));
    job->input = request->input;
    job->input_bytes = request->input_bytes;
    job->outcome.result.affected = -1;
    return job;
}

/* The resource becomes what the client may say. */
static bool body_check(struct bigquery_server *bigquery, const struct job_request *request, json_t *resource,
                       char **out_location, struct store_error *err)
{
    if (!bq_take_fields(resource, "job", err)) return false;
    const json_t *configuration = json_object_get(resource, "configuration");
    if (!reference_check(request->project, resource, err) || !configuration_check(configuration, err))
        return false;
    const json_t *load = json_object_get(configuration, "load");
    if (load) return bq_load_check(bigquery, request->project, load, out_location, err);
    if (request->input) return bq_problem(err, "invalid", "Only load jobs take an upload");
    if (!bq_query_check(json_object_get(configuration, "query"), err)) return false;
    *out_location = bq_query_location(bigquery, request->project, json_object_get(configuration, "query"));
    return true;
}

/* An id that is known refuses the job, whatever became of the first. The mutex is held. */
static bool id_is_free(const struct job *job, struct store_error *err)
{
    for (const struct job *twin = job->bigquery->jobs; twin; twin = twin->older)
        if (strcmp(twin->id, job->id) == 0 && strcmp(twin->project, job->project) == 0)
            return bq_problem(err, "duplicate", "Already Exists: Job %s:%s.%s", job->project, twin->location,
                              job->id);
    return true;
}

bool bq_check_job(struct bigquery_server *bigquery, const struct job_request *request, struct job **out_job,
                  struct store_error *err)
{
    char *location = NULL;
    AUTO(json_drop) json_t *resource = json_deep_copy(request->resource);
    if (!body_check(bigquery, request, resource, &location, err)) {
        if (request->input) (void)fclose(request->input); /* only read */
        free(location);
        return false;
    }
    const char *wanted = text_of(json_object_get(resource, "jobReference"), "location");
    if (wanted || !location) {
        free(location);
        location = mem_text(wanted ? wanted : "US");
    }
    struct job *job = bq_new_job(bigquery, request, resource, location);
    pthread_mutex_lock(&bigquery->mutex);
    bool right = id_is_free(job, err);
    pthread_mutex_unlock(&bigquery->mutex);
    if (right && out_job)
        *out_job = job;
    else
        bq_drop_job(job);
    return right;
}

/* --- the life of a job --- */

/* The query; and the table that a statement made, as tables.insert notes it. */
static void note_query(struct job *job, json_t *detail)
{
    const struct sql_result *result = &job->outcome.result;
    const json_t *query = json_object_get(job->configuration, "query");
    json_object_set(detail, "query", json_object_get(query, "query"));
    if (json_object_get(query, "queryParameters"))
        json_object_set(detail, "queryParameters", json_object_get(query, "queryParameters"));
    json_object_set_new(detail, "statement", json_string(result->statement));
    if (result->tables) json_object_set(detail, "tables", result->tables);
    if (result->scans) json_object_set(detail, "scans", result->scans);
    json_object_set_new(detail, "billed", json_integer((json_int_t)job->outcome.billed));
    if (!result->ddl || strcmp(result->ddl, "DROP") == 0) return;
    AUTO(mem_free) char *dataset = mem_text(json_string_value(result->ddl_table));
    char *dot = strchr(dataset, '.');
    *dot = '\0';
    json_t *made = store_table(job->bigquery->store, dataset, dot + 1);
    if (made) json_object_set_new(detail, "resource", made);
    json_object_set(detail, "table", result->ddl_table);
}

static void journal_job(struct job *job)
{
    struct bigquery_server *bigquery = job->bigquery;
    const struct job_outcome *outcome = &job->outcome;
    bool load = job->type == JOB_LOAD, failed = outcome->error.reason[0] != '\0';
    json_t *configuration = json_deep_copy(job->configuration),
           *query = json_object_get(configuration, "query");
    (void)json_object_del(query, "query"); /* they have members of their own */
    (void)json_object_del(query, "queryParameters");
    json_t *detail = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "job", job->id, "project", job->project,
                               "location", job->location, "type", load ? "LOAD" : "QUERY", "configuration",
                               configuration, "began_at", json_integer((json_int_t)job->started_us));
    if (!load) note_query(job, detail);
    if (outcome->data) json_object_set_new(detail, "data", json_string(outcome->data));
    json_object_set_new(detail, "rows", json_integer(load ? outcome->rows : outcome->result.affected));
    if (failed)
        json_object_set_new(
            detail, "error",
            json_pack("{s:s, s:s}", "reason", outcome->error.reason, "message", outcome->error.message));
    if (outcome->released) json_object_set_new(detail, "released", json_true());
    if (job->latency_ms > 0)
        json_object_set_new(detail, "latency_ms", json_integer((json_int_t)job->latency_ms));
    journal_add(bigquery->journal, "bigquery", "job", virtual_clock_peek(bigquery->clock), failed ? 400 : 200,
                job->fault.action[0] ? job->fault.line : NULL, detail);
    json_decref(detail);
}

static void begin_job(struct job *job)
{
    struct bigquery_server *bigquery = job->bigquery;
    pthread_mutex_lock(&bigquery->mutex);
    job->state = JOB_RUNNING;
    job->started_us = virtual_clock_read(bigquery->clock);
    pthread_cond_broadcast(&bigquery->changed);
    pthread_mutex_unlock(&bigquery->mutex);
}

static void end_job(struct job *job)
{
    struct bigquery_server *bigquery = job->bigquery;
    pthread_mutex_lock(&bigquery->mutex);
    job->state = JOB_DONE;
    job->ended_us = virtual_clock_read(bigquery->clock);
    job->finished = bigquery->finished;
    bigquery->finished = job;
    bigquery->ended++;
    bigquery->ended_scripts += job->is_script;
    bigquery->unfinished--;
    bq_keep_job(bigquery, job);
    pthread_cond_broadcast(&bigquery->changed);
    pthread_mutex_unlock(&bigquery->mutex);
}

/* Waits where the job can be cancelled; the server's stop cuts it short. */
static void delay_job(struct job *job, int64_t ms)
{
    struct bigquery_server *bigquery = job->bigquery;
    struct timespec deadline = deadline_in(ms < DELAY_LIMIT_MS ? ms : DELAY_LIMIT_MS);
    pthread_mutex_lock(&bigquery->mutex);
    while (!job->cancelled && !bigquery->stopping && wait_changed(bigquery, &deadline))
        ;
    pthread_mutex_unlock(&bigquery->mutex);
}

bool bq_job_cancelled(struct job *job)
{
    pthread_mutex_lock(&job->bigquery->mutex);
    bool cancelled = job->cancelled;
    pthread_mutex_unlock(&job->bigquery->mutex);
    return cancelled;
}

static void hold_pending(struct job *job)
{
    struct bigquery_server *bigquery = job->bigquery;
    struct timespec deadline = deadline_in(5);
    pthread_mutex_lock(&bigquery->mutex);
    for (; !job->cancelled && !bigquery->stopping; deadline = deadline_in(5)) {
        if (!wait_changed(bigquery, &deadline) && !faults_planned(bigquery->faults, &job->fault)) break;
    }
    pthread_mutex_unlock(&bigquery->mutex);
}

bool bq_job_vanished(const struct job *job)
{
    return strcmp(job->fault.action, "vanish") == 0;
}

void bq_hold_job(struct job *job, const char *statement)
{
    int64_t more = 0;
    if (job->was_held || strcmp(job->fault.action, "hold") != 0) return;
    const char *prefix = job->fault.argument[0];
    statement += strspn(statement, " \t\r\n");
    if (strncasecmp(statement, prefix, strlen(prefix)) != 0) return;
    if (!bq_text_int64(job->fault.argument[1], &more)) more = 1;
    job->was_held = true;
    struct bigquery_server *bigquery = job->bigquery;
    struct timespec deadline = deadline_in(HOLD_LIMIT_MS);
    pthread_mutex_lock(&bigquery->mutex);
    const int64_t *ended = job->script_fault ? &bigquery->ended_scripts : &bigquery->ended;
    int64_t start = *ended;
    bigquery->held++;
    pthread_cond_broadcast(&bigquery->changed); /* others may be left with held jobs only */
    while (!bigquery->stopping && *ended - start < more &&
           !(*ended > start && bigquery->unfinished == bigquery->held) && !job->outcome.released)
        job->outcome.released = !wait_changed(bigquery, &deadline);
    bigquery->held--;
    pthread_mutex_unlock(&bigquery->mutex);
}

static void run_job(struct job *job)
{
    const struct fault *fault = &job->fault;
    struct job_outcome *outcome = &job->outcome;
    bool fail = strcmp(fault->action, "fail") == 0, after = strcmp(fault->argument[1], "after") == 0;
    int64_t delay_ms = 0, most_ms = DELAY_LIMIT_MS;
    bool is_delayed = strcmp(fault->action, "delay") == 0 && bq_text_int64(fault->argument[0], &delay_ms);
    bool limited =
        bq_read_int64(json_object_get(job->configuration, "jobTimeoutMs"), &most_ms) && most_ms > 0;
    delay_ms += job->latency_ms;
    if (is_delayed || job->latency_ms > 0) delay_job(job, limited && most_ms < delay_ms ? most_ms : delay_ms);
    if (limited && most_ms < delay_ms && !bq_job_cancelled(job)) {
        (void)bq_problem(&outcome->error, "stopped", "Job execution was cancelled: Job timed out");
    } else if (bq_job_cancelled(job)) {
        (void)bq_problem(&outcome->error, "stopped",
                         "Job execution was cancelled: User requested cancellation");
    } else if (!fail || after) {
        if (job->type == JOB_LOAD)
            bq_load_run(job, outcome);
        else
            bq_query_run(job, false, outcome);
    }
    if (fail && !outcome->error.reason[0])
        (void)bq_problem(&outcome->error, fault->argument[0], "The job fails with %s because a fault says so",
                         fault->argument[0]);
    outcome->statistics_lost = strcmp(fault->action, "lost-statistics") == 0;
}

bool bq_wait_for_job(struct job *job, int64_t timeout_ms)
{
    struct bigquery_server *bigquery = job->bigquery;
    struct timespec deadline = deadline_in(timeout_ms);
    pthread_mutex_lock(&bigquery->mutex);
    while (job->state != JOB_DONE && !bigquery->stopping && wait_changed(bigquery, &deadline))
        ;
    bool done = job->state == JOB_DONE;
    pthread_mutex_unlock(&bigquery->mutex);
    return done;
}

static void *job_main(void *argument)
{
    struct job *job = argument;
    bq_expire_tables(job->bigquery);
    if (strcmp(job->fault.action, "pending") == 0) hold_pending(job);
    begin_job(job);
    if (!bq_job_vanished(job) || strcmp(job->fault.argument[0], "after") == 0) run_job(job);
    if (job->input) (void)fclose(job->input); /* only read */
    job->input = NULL;
    journal_job(job);
    mem_free(&job->outcome.data);
    end_job(job);
    return NULL;
}

void bq_join_jobs(struct bigquery_server *bigquery)
{
    pthread_mutex_lock(&bigquery->mutex);
    struct job *job = bigquery->finished;
    bigquery->finished = NULL;
    pthread_mutex_unlock(&bigquery->mutex);
    while (job) {
        struct job *next = job->finished;
        pthread_join(job->thread, NULL);
        job = next;
    }
}

/* Scripts and loads are jobs too, and have counts of their own: which of many jobs they are, depends on the
 * others. */
static void plan_fault(struct job *job)
{
    struct faults *faults = job->bigquery->faults;
    struct fault fault;
    bool found = faults_next(faults, "bigquery", "job", &job->fault);
    const char *query = json_text_at(job->configuration, "query.query");
    job->is_script = query && strstr(query, "BEGIN TRANSACTION");
    const char *kind = job->is_script ? "script" : "load";
    bool counted = job->is_script || job->type == JOB_LOAD;
    bool own = counted && faults_next(faults, "bigquery", kind, &fault) && !found;
    job->script_fault = own && job->is_script;
    if (own) job->fault = fault;
}

struct job *bq_start_job(struct bigquery_server *bigquery, const struct job_request *request,
                         struct store_error *err)
{
    struct job *job = NULL;
    bq_join_jobs(bigquery);
    if (!bq_check_job(bigquery, request, &job, err)) return NULL;
    pthread_mutex_lock(&bigquery->mutex);
    bool started = id_is_free(job, err); /* again: another may have come between */
    if (started) plan_fault(job);
    if (started) job->latency_ms = bq_latency_ms(bigquery, bq_latency_kind(job));
    if (started && (bigquery->stopping || pthread_create(&job->thread, NULL, job_main, job) != 0))
        started = bq_problem(err, "backendError", "No thread is left for the job");
    if (started) { /* its thread waits for the mutex before it changes anything of the job */
        job->created_us = virtual_clock_read(bigquery->clock);
        job->older = bigquery->jobs;
        bigquery->jobs = job;
        bigquery->unfinished++;
    }
    pthread_mutex_unlock(&bigquery->mutex);
    if (started) return job;
    bq_drop_job(job);
    return NULL;
}
