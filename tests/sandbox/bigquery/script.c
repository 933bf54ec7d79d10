/* SPDX-License-Identifier: Apache-2.0 */
/* script.c - the child jobs of scripts: each statement of a script is a job, which has ended when it appears.
 *
 * An expression of DECLARE, SET, IF or WHILE is one only if it reads tables.
 */
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "bigquery/internal.h"

struct place {
    json_int_t line, column; /* from 1 */
};

static struct place place_of(const char *text, size_t at)
{
    struct place place = {.line = 1, .column = 1};
    for (size_t i = 0; i < at && text[i]; i++) {
        place.column++;
        if (text[i] == '\n') place = (struct place){.line = place.line + 1, .column = 1};
    }
    return place;
}

static json_t *frame_of(const struct job *job, const struct sql_step *step)
{
    const json_t *query = json_object_get(job->configuration, "query");
    const char *text = json_string_value(json_object_get(query, "query"));
    struct place start = place_of(text, step->from), end = place_of(text, step->end);
    return json_pack("{s:s, s:[{s:I, s:I, s:I, s:I}]}", "evaluationKind",
                     step->is_expression ? "EXPRESSION" : "STATEMENT", "stackFrames", "startLine", start.line,
                     "startColumn", start.column, "endLine", end.line, "endColumn", end.column);
}

/* The resource that such a job would have been started with. */
static json_t *resource_of(const struct job *job, const struct sql_step *step, const char *id)
{
    json_t *labels = json_object_get(job->configuration, "labels");
    return json_pack("{s:{s:s}, s:{s:{s:s, s:b}, s:O*}}", "jobReference", "jobId", id, "configuration",
                     "query", "query", step->text, "useLegacySql", 0, "labels", labels);
}

static void fill_outcome(struct job_outcome *outcome, const struct sql_step *step)
{
    (void)snprintf(outcome->result.statement, sizeof outcome->result.statement, "%s", step->statement);
    outcome->error = *step->error;
    outcome->result.affected = step->affected;
    outcome->result.schema = json_incref(step->schema);
    outcome->result.rows = json_incref(step->rows);
    outcome->result.row_bytes = step->row_bytes;
    outcome->result.tables = json_incref(step->tables);
}

void bq_add_child(struct job *job, const struct sql_step *step)
{
    struct bigquery_server *bigquery = job->bigquery;
    char name[RANDOM_NAME];
    random_name(name);
    AUTO(mem_free) char *id = mem_format("script_job_%s_%lld", name, (long long)job->children);
    json_t *resource = resource_of(job, step, id);
    struct job_request request = {.project = job->project, .resource = resource};
    struct job *child = bq_new_job(bigquery, &request, resource, mem_text(job->location));
    json_decref(resource);
    child->parent = mem_text(job->id);
    child->frame = frame_of(job, step);
    fill_outcome(&child->outcome, step);
    bq_statement_bytes(bigquery->store, step->tables, &child->outcome.bytes, &child->outcome.billed);
    child->created_us = child->started_us = job->step_us;
    child->ended_us = virtual_clock_peek(bigquery->clock);
    child->state = JOB_DONE;
    pthread_mutex_lock(&bigquery->mutex);
    job->children++;
    child->older = bigquery->jobs;
    bigquery->jobs = child;
    bq_keep_job(bigquery, child);
    pthread_mutex_unlock(&bigquery->mutex);
}
