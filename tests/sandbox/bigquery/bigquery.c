/* SPDX-License-Identifier: Apache-2.0 */
/* bigquery.c - the server's routes, start and stop. */
#include <stdlib.h>

#include "base/mem.h"
#include "bigquery/internal.h"

/* Clients call the API with and without /bigquery/v2 when they are pointed at an emulator. */
#define DATASETS "/projects/{}/datasets"
#define DATASET  "/projects/{}/datasets/{}"
#define TABLES   "/projects/{}/datasets/{}/tables"
#define TABLE    "/projects/{}/datasets/{}/tables/{}"
#define JOBS     "/projects/{}/jobs"
#define JOB      "/projects/{}/jobs/{}"
#define V2       "/bigquery/v2"

#define BOTH(operation, method, path, handle)                                                                \
    {"bigquery", operation, method, V2 path, handle},                                                        \
    {                                                                                                        \
        "bigquery", operation, method, path, handle                                                          \
    }

const struct route bigquery_routes[] = {
    BOTH("datasets.list", "GET", DATASETS, bq_datasets_list),
    BOTH("datasets.insert", "POST", DATASETS, bq_datasets_insert),
    BOTH("datasets.get", "GET", DATASET, bq_datasets_get),
    BOTH("datasets.patch", "PATCH", DATASET, bq_datasets_patch),
    BOTH("datasets.delete", "DELETE", DATASET, bq_datasets_delete),
    BOTH("tables.list", "GET", TABLES, bq_tables_list),
    BOTH("tables.insert", "POST", TABLES, bq_tables_insert),
    BOTH("tables.get", "GET", TABLE, bq_tables_get),
    BOTH("tables.patch", "PATCH", TABLE, bq_tables_patch),
    BOTH("tables.update", "PUT", TABLE, bq_tables_update),
    BOTH("tables.delete", "DELETE", TABLE, bq_tables_delete),
    BOTH("tabledata.list", "GET", TABLE "/data", bq_tabledata_list),
    BOTH("jobs.list", "GET", JOBS, bq_jobs_list),
    BOTH("jobs.insert", "POST", JOBS, bq_jobs_insert),
    BOTH("jobs.get", "GET", JOB, bq_jobs_get),
    BOTH("jobs.cancel", "POST", JOB "/cancel", bq_jobs_cancel),
    BOTH("jobs.delete", "DELETE", JOB "/delete", bq_jobs_delete),
    BOTH("jobs.query", "POST", "/projects/{}/queries", bq_jobs_query),
    BOTH("jobs.getQueryResults", "GET", "/projects/{}/queries/{}", bq_jobs_get_query_results),
    {"bigquery", "upload.start", "POST", "/upload" V2 JOBS, bq_upload_start},
    {"bigquery", "upload.put", "PUT", "/upload" V2 JOBS, bq_upload_put},
    {"bigquery", "upload.start", "POST", "/resumable/upload" V2 JOBS, bq_upload_start},
    {"bigquery", "upload.put", "PUT", "/resumable/upload" V2 JOBS, bq_upload_put},
    {"bigquery", "discovery", "GET", "/discovery/v1/apis/bigquery/v2/rest", bq_discovery},
    {"bigquery", "discovery", "GET", "/$discovery/rest", bq_discovery},
    {0},
};

struct bigquery_server *bigquery_start(const struct bigquery_options *options)
{
    struct bigquery_server *bigquery = mem_zero(1, sizeof *bigquery);
    pthread_condattr_t monotonic;
    bigquery->store = options->store;
    bigquery->clock = options->clock;
    bigquery->journal = options->journal;
    bigquery->faults = options->faults;
    bigquery->latency = options->latency;
    bigquery->rng.state = options->seed;
    bigquery->jobs_schema = bq_jobs_schema();
    bigquery->rounds_json = options->rounds_json;
    pthread_mutex_init(&bigquery->catalog, NULL);
    pthread_mutex_init(&bigquery->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&bigquery->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return bigquery;
}

/* To be called when no connection is served any more: handlers hold pointers to jobs. */
void bigquery_stop(struct bigquery_server *bigquery)
{
    if (!bigquery) return;
    pthread_mutex_lock(&bigquery->mutex);
    bigquery->stopping = true;
    pthread_cond_broadcast(&bigquery->changed);
    while (bigquery->unfinished > 0)
        pthread_cond_wait(&bigquery->changed, &bigquery->mutex);
    pthread_mutex_unlock(&bigquery->mutex);
    bq_join_jobs(bigquery);
    bq_drop_uploads(bigquery);
    bq_drop_fresh(bigquery);
    while (bigquery->jobs) {
        struct job *job = bigquery->jobs;
        bigquery->jobs = job->older;
        bq_drop_job(job);
    }
    json_decref(bigquery->jobs_schema);
    pthread_cond_destroy(&bigquery->changed);
    pthread_mutex_destroy(&bigquery->mutex);
    pthread_mutex_destroy(&bigquery->catalog);
    free(bigquery);
}

size_t bigquery_running(struct bigquery_server *bigquery)
{
    pthread_mutex_lock(&bigquery->mutex);
    size_t count = (size_t)bigquery->unfinished;
    pthread_mutex_unlock(&bigquery->mutex);
    return count;
}
