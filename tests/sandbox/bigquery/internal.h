/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - the parts of the BigQuery server.
 *
 * bigquery.c   routes, start and stop
 * reply.c      answers, refusals, pages, patches
 * fields.c     which fields the API has, and which of them the sandbox plays
 * schema.c     checks of schemas and of their changes
 * datasets.c   datasets
 * tables.c     tables, expiry
 * fresh.c      tables that were made and are not found at once, a fault
 * views.c      checks of views, and their columns
 * tabledata.c  tabledata.list
 * jobs.c       jobs: names, threads, states, faults
 * jobs_api.c   jobs as the REST API shows them: insert, get, list, cancel, delete
 * kept.c       what jobs that have ended keep in memory
 * latency.c    how long the service takes, for benchmarks
 * query.c      query jobs
 * script.c     the child jobs of scripts
 * jobs_view.c  INFORMATION_SCHEMA.JOBS
 * results.c    their rows: jobs.query, jobs.getQueryResults
 * load.c       load jobs
 * upload.c     multipart and resumable uploads
 * discovery.c  the description of the API for clients that ask for it
 *
 * Job faults, looked up once for every job when it is accepted (service "bigquery", operation "job", or
 * "load" and "script" of such jobs alone):
 *
 *   fail REASON [after]   the job ends DONE with this errorResult, before (or after) it has done anything.
 *   hold PREFIX N         a script stops before its first statement that begins with PREFIX. It goes on when
 *                         N jobs more have ended; or one more, and only held jobs are left; or the sandbox
 *                         stops; or ten real seconds are over (the journal then says "released").
 *   delay MS              it stays RUNNING for so long before it starts; jobTimeoutMs may end it first.
 *   pending               it stays PENDING until the faults are cleared
 *   vanish [after]        it does nothing (or its work), and can't be found any more
 *   lost-statistics       statistics.load or .query are missing
 *
 * Upload faults, looked up once for every PUT that carries bytes (operation "upload.bytes"):
 *   short BYTES           at most so many bytes of this request are kept
 *   lose-session [STATUS] the session is forgotten, and answers so: 404
 * The address of a new session (operation "upload.location"):
 *   at URL                scheme and host of the Location
 *
 * A fault of tables, looked up for every one that tables.insert or a load job makes (operation "table"):
 *   missing once [PLACE]  it is notFound once; PLACE: get (tables.get), list (tables.list lacks it), load or
 *                         query, and only there; without a place lists have it
 *   missing MS [PLACE]    it is notFound for so many real milliseconds
 *
 * Threads: a connection's thread runs a handler, a job has a thread of its own. `mutex` guards the jobs and
 * the uploads, `catalog` makes "read a resource, change it, put it back" one step. catalog is taken first.
 * Names with bq_ are shared by these files only.
 */
#ifndef CASELOAD_SANDBOX_BIGQUERY_INTERNAL_H
#define CASELOAD_SANDBOX_BIGQUERY_INTERNAL_H

#include <pthread.h>
#include <stdio.h>

#include "bigquery/server.h"
#include "shared/faults.h"
#include "shared/journal.h"
#include "shared/rng.h"
#include "shared/virtual_clock.h"
#include "sql/sql.h"
#include "store/store.h"

#define BIGQUERY_UPLOAD_LIMIT (INT64_C(512) * 1024 * 1024)

#define BIGQUERY_USER "caseload@sandbox.invalid" /* who makes every job */

enum job_type { JOB_QUERY, JOB_LOAD };
enum job_state { JOB_PENDING, JOB_RUNNING, JOB_DONE };

/* Its thread alone fills it; others read it once the job is DONE. */
struct job_outcome {
    struct store_error error; /* reason "": it went well */
    json_t *errors;           /* status.errors after the first; NULL: none */
    struct sql_result result; /* of a query */
    int64_t bytes;            /* of the tables that a query touched, estimated */
    int64_t billed;           /* the same, rounded up as the service does */
    int64_t rows;             /* loaded */
    int64_t bad_rows;
    int64_t row_bytes;
    char *data; /* the rows of a small load, for the journal; NULL: too many */
    bool statistics_lost;
    bool released; /* a hold ran into its last resort */
};

struct job {
    struct job *older;
    struct job *finished; /* the next one whose thread can be joined */
    struct bigquery_server *bigquery;
    pthread_t thread;
    char *project, *id, *location;
    char *request_id; /* of jobs.query; NULL: none */
    char *parent;     /* the id of the script that this is a part of; NULL: none */
    json_t *frame;    /* the part's place in the script, as statistics.scriptStatistics; NULL: none */
    enum job_type type;
    json_t *configuration; /* as it came, never changed */
    FILE *input;           /* what was uploaded; NULL: nothing */
    int64_t input_bytes;
    struct fault fault; /* action "": none */
    bool was_held;
    bool is_script;     /* it holds a transaction */
    bool script_fault;  /* its fault counts scripts, not all jobs */
    int64_t step_us;    /* when the running part of a script began */
    int64_t latency_ms; /* how long it waits before it runs */
    /* under the mutex until DONE */
    enum job_state state;
    bool cancelled;
    int64_t created_us, started_us, ended_us;
    int64_t children;   /* jobs that it has made */
    int64_t text_bytes; /* of its configuration, roughly; 0: it was cut */
    bool is_read;       /* the last page of its rows was made */
    bool is_dropped;    /* its rows are gone */
    struct job_outcome outcome;
};

struct upload_session;
struct fresh_table;

struct kept_rows { /* bytes of memory, roughly */
    int64_t all, read;
};

struct bigquery_server {
    struct store *store;
    struct virtual_clock *clock;
    struct journal *journal;
    struct faults *faults;
    pthread_mutex_t catalog;
    int64_t next_expiry_us; /* under catalog: no table expires earlier */
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* a job went on, or the server stops */
    struct job *jobs;       /* newest first */
    struct job *finished;
    struct kept_rows kept_rows;
    int64_t kept_text;
    int64_t unfinished, held, ended, ended_scripts;
    struct upload_session *uploads;
    struct fresh_table *fresh;
    json_t *jobs_schema; /* of INFORMATION_SCHEMA.JOBS; constant */
    bool rounds_json;
    double latency; /* realistic times, scaled; 0: none */
    struct rng rng; /* of the latency; under the mutex */
    bool stopping;
};

static inline struct bigquery_server *bq_of(const struct exchange *exchange)
{
    return exchange->service;
}

/* --- reply.c --- */

/* All return false, so that `return bq_problem(...)` reads well. */
bool bq_problem(struct store_error *err, const char *reason, const char *format, ...) PRINTF(3, 4);
int bq_problem_status(const char *reason); /* the HTTP status that goes with a reason */
bool bq_problem_reply(struct exchange *exchange, const struct store_error *err);

json_t *bq_read_object(struct exchange *exchange, struct store_error *err); /* the body; yours */
bool bq_read_int64(const json_t *value, int64_t *out_number);               /* a string, or an integer */
bool bq_text_int64(const char *text, int64_t *out_number);
json_t *bq_int64_text(int64_t number);
json_t *bq_ms_text(int64_t us); /* microseconds as BigQuery's milliseconds */
bool bq_query_flag(const struct exchange *exchange, const char *name);

bool bq_valid_id(const char *text, const char *more, size_t limit); /* letters, digits and `more` */
bool bq_valid_labels(const json_t *labels, struct store_error *err);
void bq_merge_patch(json_t *target, const json_t *patch); /* RFC 7396; both objects */
bool bq_etag_matches(const struct exchange *exchange, const json_t *resource);

struct result_page {
    size_t first, count; /* count <= what is left */
};
/* From maxResults, startIndex and pageToken; most: the page's own ceiling. */
bool bq_read_page(const struct exchange *exchange, size_t total, size_t most, struct result_page *out_page,
                  struct store_error *err);
void bq_set_page_token(json_t *reply, const char *name, size_t next, size_t total);

/* --- fields.c --- */

/* Checks the fields of a message ("job", "table", "dataset", "query_request", "view", ...). Fields that the
 * API does not have are refused, and so are values that the sandbox does not play. Fields that are null, or
 * that only the service writes, are removed. */
bool bq_take_fields(json_t *object, const char *message, struct store_error *err);

/* --- schema.c --- */
/* Texts without a collation of their own get this one. */
void bq_schema_collate(json_t *fields, const char *collation);
bool bq_schema_check(json_t *schema,
                     struct store_error *err); /* and rewrites types to the names tables.get shows */
bool bq_schema_grows(const char *table, const json_t *from, const json_t *to, struct store_error *err);
/* A load's schema against the table's: every field is there, alike. */
bool bq_schema_fits(const char *table, const json_t *given, const json_t *fields, struct store_error *err);
const json_t *bq_schema_field(const json_t *fields, const char *name); /* any case; NULL: none */
int64_t bq_schema_row_bytes(const json_t *fields);                     /* an estimate */

/* --- datasets.c --- */
json_t *bq_find_dataset(struct bigquery_server *bigquery, const char *project, const char *dataset,
                        struct store_error *err); /* yours */
void bq_datasets_list(struct exchange *exchange);
void bq_datasets_insert(struct exchange *exchange);
void bq_datasets_get(struct exchange *exchange);
void bq_datasets_patch(struct exchange *exchange);
void bq_datasets_delete(struct exchange *exchange);

/* --- tables.c --- */
json_t *bq_find_table(struct bigquery_server *bigquery, const char *project, const char *dataset,
                      const char *table, struct store_error *err); /* yours */
/* Checks a new table's resource, fills in what BigQuery fills in, and makes it. */
bool bq_make_table(struct bigquery_server *bigquery, const char *project, const char *dataset,
                   json_t *resource, struct store_error *err);
void bq_expire_tables(struct bigquery_server *bigquery);
void bq_tables_list(struct exchange *exchange);
void bq_tables_insert(struct exchange *exchange);
void bq_tables_get(struct exchange *exchange);
void bq_tables_patch(struct exchange *exchange);
void bq_tables_update(struct exchange *exchange);
void bq_tables_delete(struct exchange *exchange);

/* --- fresh.c --- */
struct table_name {
    const char *project, *dataset, *table;
};
void bq_note_made(struct bigquery_server *bigquery, const char *project, const char *dataset,
                  const char *table); /* the table may be missing for a while */
/* Is the table, or one that the query names, still missing at this place ("get", "list", "load", "query")? Of
 * name and query one is NULL. True: err says so. */
bool bq_is_fresh(struct bigquery_server *bigquery, const char *place, const struct table_name *name,
                 const char *query, struct store_error *err);
void bq_drop_fresh(struct bigquery_server *bigquery);

/* --- views.c --- */

/* The columns of a view as they are now, with what was said of them, yours; NULL: its query is refused. */
json_t *bq_view_schema(struct bigquery_server *bigquery, const json_t *resource, struct store_error *err);
/* Checks the members of a view's resource. Its schema becomes that of its query, with the descriptions that
 * it came with; schema_given: the client sent one, and its columns must be the query's. */
bool bq_view_check(struct bigquery_server *bigquery, json_t *resource, bool schema_given,
                   struct store_error *err);

/* --- tabledata.c --- */
void bq_tabledata_list(struct exchange *exchange);

/* --- jobs.c --- */
struct job_request {
    const char *project;
    const json_t *resource; /* what jobs.insert takes */
    const char *request_id;
    FILE *input; /* taken in any case; NULL: none */
    int64_t input_bytes;
};
/* Checks everything that can be checked before it runs, and starts it. NULL: err says why. */
struct job *bq_start_job(struct bigquery_server *bigquery, const struct job_request *request,
                         struct store_error *err);
/* The same checks without starting it; out_job, if wanted, is yours: drop_job. */
/* A job that has not been started yet. Takes the location. */
struct job *bq_new_job(struct bigquery_server *bigquery, const struct job_request *request,
                       const json_t *resource, char *location);
bool bq_check_job(struct bigquery_server *bigquery, const struct job_request *request, struct job **out_job,
                  struct store_error *err);
void bq_drop_job(struct job *job);
bool bq_wait_for_job(struct job *job, int64_t timeout_ms); /* true: DONE */
bool bq_job_cancelled(struct job *job);
bool bq_job_vanished(const struct job *job);              /* a fault hides it from those that ask for it */
void bq_hold_job(struct job *job, const char *statement); /* the job fault `hold` */
void bq_join_jobs(struct bigquery_server *bigquery);      /* those that have finished */

/* --- jobs_api.c --- */
json_t *bq_job_resource(struct job *job); /* yours */
json_t *bq_job_reference(const struct job *job);
void bq_note_job(struct exchange *exchange, const json_t *resource); /* a job to be made, for the journal */
/* By the path's project and the query's location. Jobs live as long as the server. */
struct job *bq_find_job(struct exchange *exchange, const char *id, struct store_error *err);
struct job *bq_find_request(struct bigquery_server *bigquery, const char *project, const char *request_id);
void bq_jobs_list(struct exchange *exchange);
void bq_jobs_insert(struct exchange *exchange);
void bq_jobs_get(struct exchange *exchange);
void bq_jobs_cancel(struct exchange *exchange);
void bq_jobs_delete(struct exchange *exchange);

/* --- kept.c --- */
#define BIGQUERY_RESULT_LIMIT (INT64_C(512) * 1024 * 1024) /* of memory, for the rows of one statement */

/* A job has ended: what it and others keep is limited now. The mutex is held. */
void bq_keep_job(struct bigquery_server *bigquery, struct job *job);
/* The rows of a job that is DONE, yours; NULL: it has none. false: they are gone. */
bool bq_take_rows(struct job *job, json_t **out_rows, struct store_error *err);
void bq_rows_read(struct job *job); /* its last page was made */

/* --- latency.c --- */
enum latency_kind { LATENCY_QUERY, LATENCY_LOAD, LATENCY_SCRIPT, LATENCY_UPLOAD };
enum latency_kind bq_latency_kind(const struct job *job);
int64_t bq_latency_ms(struct bigquery_server *bigquery, enum latency_kind kind); /* the mutex is held */
void bq_delay_upload(struct bigquery_server *bigquery);

/* --- query.c --- */
bool bq_query_check(const json_t *configuration, struct store_error *err);
/* Where the query's tables live; NULL: it names none that exist. Yours. */
char *bq_query_location(struct bigquery_server *bigquery, const char *project, const json_t *configuration);
void bq_query_run(struct job *job, bool dry_run, struct job_outcome *outcome);
json_t *bq_query_statistics(const struct job_outcome *outcome, const char *project);
/* The bytes of a statement on these tables: read, and billed. */
void bq_statement_bytes(struct store *store, const json_t *tables, int64_t *out_bytes, int64_t *out_billed);

/* --- script.c --- */

/* A part of the job's script has ended: it is a job of its own. */
void bq_add_child(struct job *job, const struct sql_step *step);

/* --- jobs_view.c --- */
json_t *bq_jobs_schema(void); /* the columns of INFORMATION_SCHEMA.JOBS; yours */
/* Its rows, as the running job sees them; yours. */
json_t *bq_jobs_rows(struct job *job, const char *region, struct store_error *err);

/* --- results.c --- */
enum timestamp_format { TIMESTAMP_SECONDS, TIMESTAMP_INT64, TIMESTAMP_ISO8601 };
bool bq_read_timestamp_format(const struct exchange *exchange, const json_t *options,
                              enum timestamp_format *out_format, struct store_error *err);
/* A page of rows, at most about 10 MB of it; page->count becomes what fits. */
json_t *bq_format_rows(const json_t *schema, const json_t *rows, struct result_page *page,
                       enum timestamp_format format);
void bq_jobs_query(struct exchange *exchange);
void bq_jobs_get_query_results(struct exchange *exchange);
void bq_discovery(struct exchange *exchange);

/* --- load.c --- */
bool bq_load_check(struct bigquery_server *bigquery, const char *project, const json_t *load,
                   char **out_location, struct store_error *err);
void bq_load_run(struct job *job, struct job_outcome *outcome);

/* --- upload.c --- */
void bq_upload_start(struct exchange *exchange);
void bq_upload_put(struct exchange *exchange);
void bq_drop_uploads(struct bigquery_server *bigquery);

#endif
