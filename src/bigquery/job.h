/* SPDX-License-Identifier: Apache-2.0 */
/* job.h - jobs under ids that we choose before the call, so that every unclear outcome can be looked up.
 *
 * Protocol: https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs. JSON that comes out is yours.
 */
#ifndef CASELOAD_BIGQUERY_JOB_H
#define CASELOAD_BIGQUERY_JOB_H

#include "api.h"
#include "base/day.h"

#define JOB_TIMEOUT 24 /* text of a time in ms */

void parameter_add(json_t *parameters, const char *name, const char *type, const char *value);
void parameter_add_int(json_t *parameters, const char *name, int64_t value);
void parameter_add_day(json_t *parameters, const char *name, struct day value);

/* <prefix>-<suffix>, other characters than [A-Za-z0-9_-] replaced. */
void job_name(char out_id[JOB_ID], const char *prefix, const char *suffix);
/* The body of jobs.insert and of an upload. */
json_t *job_body(const struct bigquery *bq, const char *id, const json_t *configuration);

/* Adds the settings about cost to what has "labels", and to its query (NULL: none). */
void job_add_options(const struct bigquery *bq, json_t *configuration, json_t *query);
bool job_exists(struct bigquery *bq, const char *id, bool *out_exists, struct error *err) CHECKED;
/* The job as it is now, asked for once; NULL: it is not there. */
bool job_look(struct bigquery *bq, const char *id, json_t **out_job, struct error *err) CHECKED;
void job_timeout(const struct bigquery *bq, char out_ms[JOB_TIMEOUT]); /* for jobTimeoutMs */

struct job_failure {
    enum retry_class class;
    char reason[64]; /* "" if the job can't be found any more */
    struct error error;
};

/* Waits until a load job is done, or lost. out_failure: if it did not succeed. */
bool job_wait_load(struct bigquery *bq, const char *id, bool *out_succeeded, struct job_failure *out_failure,
                   struct error *err) CHECKED;
/* After the run number `tried` failed: waits before the next one. False: that would not help, or the process
 * stops. */
bool job_may_repeat(struct bigquery *bq, const struct job_failure *failure, int tried,
                    struct error *err) CHECKED;

struct query_job {
    const char *prefix; /* of its ids */
    const char *begun;  /* the first run, which job_begin has started; NULL: none */
    const char *stream; /* whose work it is, for a label; NULL: none */
    bool counted_ids;   /* ids end with 1, 2, ..., the same in every process; else random */
    const struct buf *sql;
    const json_t *parameters;
    const char *where; /* for the progress: "commit" */
    bool is_patient;   /* it is started even after hours of failures, as rows are kept for it */
};

/* A statement or script that changes something. Runs it again where that may help. out_rows: all rows of its
 * last SELECT, as [{"f":[{"v":..}]}]; NULL: not wanted. */
bool job_query(struct bigquery *bq, const struct query_job *query, char out_id[JOB_ID], json_t **out_rows,
               struct error *err) CHECKED;
/* Starts its first run, for job_query to wait for. */
bool job_begin(struct bigquery *bq, const struct query_job *query, char out_id[JOB_ID],
               struct error *err) CHECKED;
bool job_read(struct bigquery *bq, const struct buf *sql, const json_t *parameters, json_t **out_rows,
              struct error *err) CHECKED;

/* Cells: NULL or false if absent or of another form. */
const char *cell_text(const json_t *row, size_t index);
bool cell_int(const json_t *row, size_t index, int64_t *out_value);
bool cell_day(const json_t *row, size_t index, struct day *out_day);

#endif
