/* SPDX-License-Identifier: Apache-2.0 */
/* job.h - jobs under ids that we choose before the call, so that every unclear outcome can be looked up.
 *
 * Protocol: https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs. JSON that comes out is yours.
 */
#ifndef CASELOAD_BIGQUERY_JOB_H
#define CASELOAD_BIGQUERY_JOB_H

#include "api.h"
#include "base/day.h"

void parameter_add(json_t *parameters, const char *name, const char *type, const char *value);
void parameter_add_int(json_t *parameters, const char *name, int64_t value);
void parameter_add_day(json_t *parameters, const char *name, struct day value);

/* <prefix>-<suffix>, other characters than [A-Za-z0-9_-] replaced. */
void job_name(char out_id[JOB_ID], const char *prefix, const char *suffix);
/* The body of jobs.insert and of an upload. */
json_t *job_body(const struct bigquery *bq, const char *id, const json_t *configuration);
bool job_exists(struct bigquery *bq, const char *id, bool *out_exists, struct error *err) CHECKED;
/* Waits until a load job is done, well or not. where: for the progress. */
bool job_wait_load(struct bigquery *bq, const char *id, const char *where, json_t **out_job,
                   struct error *err) CHECKED;
/* False: err holds the first of the job's errors, out_class whether to run it again. */
bool job_succeeded(const json_t *job, enum retry_class *out_class, struct error *err);
/* Waits before the next run; false: there have been enough, or we are to stop. */
bool job_pause(struct bigquery *bq, int tried, const struct error *failure, struct error *err) CHECKED;

struct query_job {
    const char *prefix; /* of its ids */
    bool counted_ids;   /* ids end with 1, 2, ..., the same in every process; else random */
    const struct buf *sql;
    const json_t *parameters;
    const char *where; /* for the progress: "commit" */
};

/* A statement or script that changes something. Runs it again where that may help. out_rows: all rows of its
 * last SELECT, as [{"f":[{"v":..}]}]; NULL: not wanted. */
bool job_query(struct bigquery *bq, const struct query_job *query, char out_id[JOB_ID], json_t **out_rows,
               struct error *err) CHECKED;
bool job_read(struct bigquery *bq, const struct buf *sql, const json_t *parameters, json_t **out_rows,
              struct error *err) CHECKED;

/* Cells: NULL or false if absent or of another form. */
const char *cell_text(const json_t *row, size_t index);
bool cell_int(const json_t *row, size_t index, int64_t *out_value);
bool cell_day(const json_t *row, size_t index, struct day *out_day);

#endif
