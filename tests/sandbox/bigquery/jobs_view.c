/* SPDX-License-Identifier: Apache-2.0 */
/* jobs_view.c - INFORMATION_SCHEMA.JOBS of a region: all its jobs, scripts and their child jobs alike.
 *
 * https://cloud.google.com/bigquery/docs/information-schema-jobs; columns that describe slots, caches and
 * engines are left out.
 */
#include <string.h>
#include <strings.h>

#include "base/day.h"
#include "bigquery/internal.h"

static json_t *column(const char *name, const char *type)
{
    return json_pack("{s:s, s:s}", "name", name, "type", type);
}

/* A RECORD of texts; names ends with NULL. */
static json_t *record(const char *name, const char *mode, const char *const *names)
{
    json_t *fields = json_array();
    for (; *names; names++)
        json_array_append_new(fields, column(*names, "STRING"));
    return json_pack("{s:s, s:s, s:s, s:o}", "name", name, "type", "RECORD", "mode", mode, "fields", fields);
}

json_t *bq_jobs_schema(void)
{
    static const struct {
        const char *name, *type;
    } columns[] = {
        {"creation_time", "TIMESTAMP"},
        {"project_id", "STRING"},
        {"user_email", "STRING"},
        {"job_id", "STRING"},
        {"parent_job_id", "STRING"},
        {"job_type", "STRING"},
        {"statement_type", "STRING"},
        {"priority", "STRING"},
        {"start_time", "TIMESTAMP"},
        {"end_time", "TIMESTAMP"},
        {"query", "STRING"},
        {"state", "STRING"},
        {"total_bytes_processed", "INT64"},
        {"total_bytes_billed", "INT64"},
        {"cache_hit", "BOOL"},
    };
    static const char *const error[] = {"reason", "location", "debug_info", "message", NULL};
    static const char *const label[] = {"key", "value", NULL};
    static const char *const table[] = {"project_id", "dataset_id", "table_id", NULL};
    json_t *fields = json_array();
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        json_array_append_new(fields, column(columns[i].name, columns[i].type));
    json_array_append_new(fields, record("error_result", "NULLABLE", error));
    json_array_append_new(fields, record("labels", "REPEATED", label));
    json_array_append_new(fields, record("referenced_tables", "REPEATED", table));
    return json_pack("{s:o}", "fields", fields);
}

static json_t *instant(int64_t us)
{
    char text[INSTANT_TEXT];
    instant_format(us, text);
    return json_string(text);
}

static json_t *labels_of(const struct job *job)
{
    json_t *labels = json_object_get(job->configuration, "labels"), *list = json_array(), *value;
    const char *key;
    json_object_foreach (labels, key, value) {
        json_array_append_new(list, json_pack("{s:s, s:O}", "key", key, "value", value));
    }
    return list;
}

static json_t *tables_of(const struct job *job)
{
    json_t *list = json_array(), *name;
    size_t i;
    json_array_foreach (job->outcome.result.tables, i, name) {
        const char *text = json_string_value(name), *dot = strchr(text, '.');
        json_array_append_new(list, json_pack("{s:s, s:o, s:s}", "project_id", job->project, "dataset_id",
                                              json_stringn(text, (size_t)(dot - text)), "table_id", dot + 1));
    }
    return list;
}

static void add_outcome(json_t *row, const struct job *job)
{
    const struct job_outcome *outcome = &job->outcome;
    json_object_set_new(row, "end_time", instant(job->ended_us));
    json_object_set_new(row, "total_bytes_processed", bq_int64_text(outcome->bytes));
    json_object_set_new(row, "total_bytes_billed", bq_int64_text(outcome->billed));
    json_object_set_new(row, "referenced_tables", tables_of(job));
    if (outcome->result.statement[0])
        json_object_set_new(row, "statement_type", json_string(outcome->result.statement));
    if (outcome->error.reason[0])
        json_object_set_new(
            row, "error_result",
            json_pack("{s:s, s:s}", "reason", outcome->error.reason, "message", outcome->error.message));
}

static json_t *row_of(const struct job *job)
{
    static const char *const states[] = {
        [JOB_PENDING] = "PENDING", [JOB_RUNNING] = "RUNNING", [JOB_DONE] = "DONE"};
    const json_t *query = json_object_get(job->configuration, "query");
    json_t *row =
        json_pack("{s:o, s:s, s:s, s:s, s:s*, s:s, s:s, s:O*, s:s, s:b, s:o}", "creation_time",
                  instant(job->created_us), "project_id", job->project, "user_email", BIGQUERY_USER, "job_id",
                  job->id, "parent_job_id", job->parent, "job_type", job->type == JOB_LOAD ? "LOAD" : "QUERY",
                  "priority", "INTERACTIVE", "query", json_object_get(query, "query"), "state",
                  states[job->state], "cache_hit", 0, "labels", labels_of(job));
    if (job->state != JOB_PENDING) json_object_set_new(row, "start_time", instant(job->started_us));
    if (job->state == JOB_DONE) add_outcome(row, job);
    return row;
}

json_t *bq_jobs_rows(struct job *job, const char *region, struct store_error *err)
{
    struct bigquery_server *bigquery = job->bigquery;
    if (strcasecmp(region + strlen("region-"), job->location) != 0) {
        (void)bq_problem(err, "notFound",
                         "Not found: Dataset %s:%s.INFORMATION_SCHEMA was not found in location %s",
                         job->project, region, job->location);
        return NULL;
    }
    json_t *rows = json_array();
    pthread_mutex_lock(&bigquery->mutex);
    for (const struct job *other = bigquery->jobs; other; other = other->older)
        if (strcmp(other->project, job->project) == 0 && strcmp(other->location, job->location) == 0)
            json_array_append_new(rows, row_of(other));
    pthread_mutex_unlock(&bigquery->mutex);
    return rows;
}
