/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the files of this folder know of each other.
 *
 *   api        one REST call, and what each of BigQuery's error reasons means for us
 *   job        jobs under ids of our own, reads with rows
 *   sql        the statements, from the texts in sql/
 *   sql_views  the statements of what is derived: <table>_latest, <table>_custom
 *   schema     tables as JSON, and how an existing one differs
 *   upload     gzip through a resumable upload, with bounded memory
 *   table      one table: looked at, made, changed, dropped
 *   prepared   which tables a stream keeps, and what is remembered of them
 *   tables     prepare: everything a stream needs is there and fits
 *   latest     <table>_latest, as view or as table
 *   custom     <table>_custom, made of an attribute list
 *   diff       how the tables differ from what we need, for people
 *   state      one consistent reading
 *   stage      the rows of one unit, in staging tables of their own
 *   commit     the transaction
 */
#ifndef CASELOAD_BIGQUERY_INTERNAL_H
#define CASELOAD_BIGQUERY_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "base/random.h"
#include "bigquery/bigquery.h"

#define JOB_ID   768 /* BigQuery allows 1,024 */
#define TABLE_ID 256

/* What carries our label is ours to change and to drop; views and _latest tables without it are left alone.
 */
#define LABEL_KEY   "app"
#define LABEL_VALUE "caseload"
#define LABEL_AS_OF "as_of" /* of a _latest table: when the tables it was made of had last changed */

/* A stream whose surroundings were checked in this process, for tables created at that time. */
struct prepared {
    const struct stream *stream;
    int64_t created_us;
    int64_t modified_ms[LIMIT_TABLES]; /* when its kept tables had last changed; 0: ask */
    int64_t custom_ms; /* of an attribute list: the same, when <of>_custom was last looked at */
};

struct bigquery {
    struct warehouse warehouse; /* first: the port */
    struct bigquery_settings settings;
    struct source_identity identity; /* of the last prepare; a commit must match the lock row with it */
    int64_t now_us;                  /* the newest time BigQuery told us; 0: none yet */
    int64_t created_ms; /* clock_ms of our last tables.insert: for a while others may not see it */
    struct prepared prepared[LIMIT_STREAMS];
    size_t prepared_count;
};

/* --- api.c --- */

enum reaction {
    REACT_FAIL,  /* it will never work; see reason_kind */
    REACT_AGAIN, /* a request: the same again; a job: the same under a new id */
    REACT_LATER  /* not within this message's patience */
};

extern const struct retry api_retry;

struct api_call {
    const char *method;
    const char *path;   /* behind .../projects/<project>/, with its query */
    const json_t *body; /* NULL: none */
    const char *etag;   /* If-Match; NULL: none */
    const char *what;   /* "BigQuery tables.get" */
    int accept[2];      /* error statuses that the caller deals with */
    bool upload;        /* starts a resumable upload */
    bool lags;          /* notFound may mean: created a moment ago */
    bool quick;         /* best effort: one try */
};

struct api_answer {
    int status;
    json_t *json;  /* NULL: no body */
    char *session; /* the upload's session URI, a capability: never shown. NULL: none */
};

/* True: 2xx or an accepted status. out is yours: api_answer_done. */
bool api_do(struct bigquery *bq, const struct api_call *call, struct api_answer *out_answer,
            struct error *err) CHECKED;
void api_answer_done(struct api_answer *answer);

/* What an HTTP error reply means; err is filled for every reaction. */
enum reaction api_reaction(const struct http_reply *reply, const char *what, struct error *err);
/* What a job's errorResult means. */
enum reaction reason_of_job(const char *reason, const char *message);
enum error_kind reason_kind(const char *reason);
const char *reason_advice(const char *reason);
/* Sleeps unless we are to stop. */
bool api_sleep(struct bigquery *bq, int64_t ms, struct error *err) CHECKED;
bool api_stopped(struct bigquery *bq, struct error *err); /* true: err says so */
/* Is this URL on the host we were told to speak to? Tokens go nowhere else. */
bool api_same_host(const char *base_url, const char *url);
/* "location=EU" percent-encoded, and such. */
bool api_query(struct buf *out, const char *name, const char *value);

/* --- job.c --- */

void parameter_add(json_t *parameters, const char *name, const char *type, const char *value);
void parameter_add_int(json_t *parameters, const char *name, int64_t value);
void parameter_add_day(json_t *parameters, const char *name, struct day value);

/* An id of ours: <prefix>-<suffix>, other characters than [A-Za-z0-9_-] replaced. */
void job_name(char out_id[JOB_ID], const char *prefix, const char *suffix);
/* What starts a job, by itself or at the end of an upload; yours. */
json_t *job_body(const struct bigquery *bq, const char *id, const json_t *configuration);
/* out_old: a job of that id was there already. */
bool job_start(struct bigquery *bq, const char *id, const json_t *configuration, bool *out_old,
               struct error *err) CHECKED;
/* Polls until it is DONE, well or not. out_job is yours (json_decref). */
bool job_wait(struct bigquery *bq, const char *id, const char *where, json_t **out_job,
              struct error *err) CHECKED;
bool job_exists(struct bigquery *bq, const char *id, bool *out_exists, struct error *err) CHECKED;
/* True: it went well. False: err tells the first of its errors, out_reaction what to do. */
bool job_went_well(const json_t *job, enum reaction *out_reaction, struct error *err);
/* Waits before the next id; false: there have been enough, or we are to stop. */
bool job_pause(struct bigquery *bq, int tried, const struct error *failure, struct error *err) CHECKED;

struct query_job {
    const char *prefix; /* of its ids */
    bool fixed;         /* ids are counted, so that everybody's are the same; else random */
    const char *sql;
    const json_t *parameters;
    const char *where; /* for the progress: "commit" */
};

/* A statement or script that changes something. Ends well or fails; reruns what may be rerun. out_rows: all
 * rows of its last SELECT, as [{"f":[{"v":..}]}], yours; NULL: not wanted. */
bool job_query(struct bigquery *bq, const struct query_job *query, char out_id[JOB_ID], json_t **out_rows,
               struct error *err) CHECKED;
/* A read. */
bool query_read(struct bigquery *bq, const char *sql, const json_t *parameters, json_t **out_rows,
                struct error *err) CHECKED;

/* Cells: NULL or false if absent or of another form. */
const char *cell_text(const json_t *row, size_t index);
bool cell_int(const json_t *row, size_t index, int64_t *out_value);
bool cell_day(const json_t *row, size_t index, struct day *out_day);

/* --- sql.c --- */

extern const char sql_adopt[], sql_attributes[], sql_commit_check[], sql_commit_declare[],
    sql_commit_doubled[], sql_commit_ledger[], sql_commit_lock[], sql_commit_reconcile[],
    sql_commit_reconcile_back[], sql_commit_reconcile_doubled[], sql_commit_reconcile_empty[],
    sql_commit_rejected[], sql_commit_result[], sql_commit_union[], sql_custom[], sql_latest[],
    sql_latest_day[], sql_latest_gone[], sql_latest_set[], sql_latest_table[], sql_ledger[], sql_seed[],
    sql_state[];

#define SQL_PATH (3 * TABLE_ID)

struct sql_names {
    const char *project, *dataset, *control;
};

struct sql_value {
    const char *name, *text;
};

#define SQL_STAGE_REJECTED LIMIT_TABLES /* the index of the rejected records among stages */

bool sql_name_valid(const char *name, bool dashes); /* [A-Za-z0-9_], with dashes: and - */
/* project.dataset.table, checked. */
void sql_path(char out[SQL_PATH], const struct sql_names *names, const char *dataset, const char *table);
/* `name`, checked. */
void sql_quote(char out[TABLE_ID], const char *name);
/* Appends the text with its placeholders filled. A placeholder without value, or a value without placeholder,
 * is our mistake. */
void sql_fill(struct buf *out, const char *text, const struct sql_value *values, size_t count);

/* The commit of a selection; stages[i] NULL: nothing staged for that table. */
bool sql_commit(const struct sql_names *names, const struct selection *selection,
                const char *const stages[LIMIT_TABLES + 1], struct buf *out_sql);
void sql_state_text(const struct sql_names *names, const struct stream *stream, struct buf *out_sql);
void sql_adopt_text(const struct sql_names *names, const struct table *table, struct buf *out_sql);
void sql_ledger_text(const struct sql_names *names, struct buf *out_sql);
void sql_seed_text(const struct sql_names *names, const struct stream *stream, struct buf *out_sql);
/* Names, types and whether ours, of the newest day of an attribute list. */
void sql_attributes_text(const struct sql_names *names, const struct stream *stream, struct buf *out_sql);

/* --- sql_views.c --- */

/* fields: the live table's, which tell the columns that were added later; NULL: none were. */
void sql_latest_text(const struct sql_names *names, const struct table *table, const json_t *fields,
                     struct buf *out_sql);
void sql_latest_table_text(const struct sql_names *names, const struct table *table, const json_t *fields,
                           const char *as_of, struct buf *out_sql);

/* An attribute that a workspace added, and the column that shows it. */
struct custom_attribute {
    const char *name; /* any text: it comes from outside */
    const char *type;
    char column[TABLE_ID];
};

void sql_custom_text(const struct sql_names *names, const struct table *of,
                     const struct custom_attribute *attributes, size_t count, struct buf *out_sql);
/* As a literal, whatever it holds. */
void sql_literal(struct buf *out, const char *text);

/* --- schema.c --- */

json_t *schema_data(const struct table *table);  /* array of fields, yours */
json_t *schema_stage(const struct table *table); /* the same for staging */
json_t *schema_table(const struct table *table); /* the whole resource, with partitioning and clustering */
/* BigQuery takes two names of some types, and reports the older one. */
const char *schema_type(const json_t *field);
const char *schema_mode(const json_t *field);
json_t *schema_find(const json_t *fields, const char *name); /* borrowed; NULL: no such field */
json_t *schema_runs(void);
json_t *schema_rejected(void);
json_t *schema_rejected_stage(void);
json_t *schema_lock(void);
/* Adds to existing (an array of fields) what it lacks of wanted. A difference that can't be mended is
 * ERROR_REFUSED and named. */
bool schema_merge(json_t *existing, const json_t *wanted, bool *out_changed, struct error *err) CHECKED;

/* --- table.c --- */

struct sql_names bigquery_names(const struct bigquery *bq);
/* The resource of a table; NULL if it does not exist. */
bool table_get(struct bigquery *bq, const char *dataset, const char *table, json_t **out_resource,
               struct error *err) CHECKED;
/* When the table of a resource was created; false: the resource does not tell. */
bool table_created(const json_t *resource, int64_t *out_us) CHECKED;
/* When it last changed; 0: the resource does not tell. */
int64_t table_modified(const json_t *resource);
/* Is it partitioned as wanted, and no view? */
bool table_fits(const json_t *have, const json_t *want, struct error *err) CHECKED;
/* Creates it; one that is there already is fine. */
bool table_insert(struct bigquery *bq, const char *dataset, const char *table, json_t *resource,
                  struct error *err) CHECKED;
/* Changes these members. True, too, if somebody changed it since it was read: look again. */
bool table_patch(struct bigquery *bq, const char *dataset, const char *table, const char *etag,
                 const json_t *body, struct error *err) CHECKED;
void table_delete(struct bigquery *bq, const char *dataset, const char *table); /* best effort */
/* It is gone when this returns true. */
bool table_drop(struct bigquery *bq, const char *dataset, const char *table, struct error *err) CHECKED;

/* --- prepared.c --- */

/* The tables that a selection keeps in the dataset: its own, or of a reconciliation the subject and its gone.
 */
struct selection tables_kept(const struct selection *selection);
/* What was remembered of a stream; NULL: it is to be prepared first. */
struct prepared *tables_prepared(struct bigquery *bq, const struct stream *stream);
void tables_remember(struct bigquery *bq, const struct prepared *prepared);
void tables_forget(struct bigquery *bq); /* check everything again at the next prepare */

/* --- tables.c --- */

bool tables_prepare(struct bigquery *bq, const struct selection *selection, struct error *err) CHECKED;

/* --- latest.c --- */

bool latest_is_table(const struct bigquery *bq, const struct table *table);
/* The view is there and says what it has to, unless it is somebody else's or to be a table. fields: the live
 * table's. */
bool latest_prepare(struct bigquery *bq, const struct table *table, const json_t *fields,
                    struct error *err) CHECKED;
/* The tables among them are as new as what they are made of. */
bool latest_refresh(struct bigquery *bq, const struct selection *selection, struct error *err) CHECKED;
bool resource_is_ours(const json_t *resource);
bool resource_is_view(const json_t *resource);
/* A view of ours with that text, new or changed. have: its resource as it is; NULL: none. */
bool view_put(struct bigquery *bq, const char *name, const json_t *have, const char *description,
              const char *text, struct error *err) CHECKED;

/* --- custom.c --- */

/* Gives each attribute a column of its own. taken: names that are in use; before: the view's fields as it
 * was, NULL: there was none. Sorts the attributes. */
void custom_name(struct custom_attribute *attributes, size_t count, const char *const *taken,
                 size_t taken_count, const json_t *before);
bool custom_refresh(struct bigquery *bq, const struct stream *stream, struct error *err) CHECKED;

/* --- state.c --- */

bool state_read(struct bigquery *bq, const struct selection *selection, const char *message_id,
                struct state *out_state, struct error *err) CHECKED;
/* BigQuery's clock, as fresh as the last reading. */
bool state_now(struct bigquery *bq, int64_t *out_us, struct error *err) CHECKED;

/* --- upload.c --- */

struct upload {
    struct bigquery *bq;
    const char *job;             /* borrowed: the load job's id */
    const json_t *configuration; /* borrowed */
    char *session;
    struct buf tail;      /* compressed bytes that were not acknowledged */
    int64_t acknowledged; /* bytes before the tail */
    z_stream gzip;
    bool ended;    /* the tail ends the file */
    bool unclear;  /* the last answer did not come: ask how far it got */
    bool accepted; /* the job exists */
    int idle;      /* steps in place since since_ms */
    int64_t since_ms;
};

bool upload_begin(struct upload *upload, struct bigquery *bq, const char *job, const json_t *configuration,
                  struct error *err) CHECKED;
bool upload_add(struct upload *upload, const void *bytes, size_t size, struct error *err) CHECKED;
bool upload_end(struct upload *upload, struct error *err) CHECKED; /* the job exists */
/* The same file for a new job id, if all of it is still here. */
bool upload_rewind(struct upload *upload, const char *job);
void upload_done(struct upload *upload);

/* --- stage.c --- */

struct stage {
    char table[TABLE_ID];
    char job[JOB_ID];
    json_t *configuration;
    struct upload upload;
    int64_t rows;
    bool used;
};

struct load {
    struct bigquery *bq;
    const struct selection *selection;
    char nonce[RANDOM_NAME];
    struct stage stages[LIMIT_TABLES + 1]; /* the last: rejected records */
    struct buf row;
};

bool stage_begin(struct bigquery *bq, const struct selection *selection, struct load **out_load,
                 struct error *err) CHECKED;
bool stage_write(struct load *load, size_t table, const char *row, size_t size, struct error *err) CHECKED;
bool stage_reject(struct load *load, const struct reject *reject, struct error *err) CHECKED;
bool stage_finish(struct load *load, struct error *err) CHECKED; /* everything staged is there */
void stage_free(struct load *load);                              /* and drops the staging tables */

/* --- commit.c --- */

bool commit_load(struct load *load, const struct commit *commit, struct committed *out_committed,
                 struct error *err) CHECKED;

#endif
