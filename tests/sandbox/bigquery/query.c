/* SPDX-License-Identifier: Apache-2.0 */
/* query.c - query jobs: their configuration, where they belong, and the run through the store. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "bigquery/internal.h"

#define QUERY_TEXT (1024 * 1024)
#define PARAMETERS 10000
#define MEGABYTE   (1024 * 1024)

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static bool parameters_check(const json_t *query, struct store_error *err)
{
    const json_t *parameters = json_object_get(query, "queryParameters"), *parameter;
    const char *mode = text_of(query, "parameterMode");
    if (json_array_size(parameters) > PARAMETERS)
        return bq_problem(err, "invalid", "A query has at most %d parameters", PARAMETERS);
    if (mode && strcasecmp(mode, "NAMED") != 0)
        return bq_problem(err, "invalid", "The sandbox does not play parameterMode %s: name the parameters",
                          mode);
    size_t i, j;
    json_array_foreach (parameters, i, parameter) {
        const char *name = text_of(parameter, "name");
        if (!bq_valid_id(name, "_", 128))
            return bq_problem(err, "invalid", "Query parameter %zu has no valid name", i);
        if (!text_of(json_object_get(parameter, "parameterType"), "type"))
            return bq_problem(err, "invalid", "Query parameter '%s' has no type", name);
        if (!json_is_object(json_object_get(parameter, "parameterValue")))
            return bq_problem(err, "invalid", "Query parameter '%s' has no value", name);
        for (j = 0; j < i; j++)
            if (strcmp(text_of(json_array_get(parameters, j), "name"), name) == 0)
                return bq_problem(err, "invalid", "Duplicate query parameter name '%s'", name);
    }
    return true;
}

bool bq_query_check(const json_t *query, struct store_error *err)
{
    const char *text = text_of(query, "query");
    int64_t limit = 0;
    if (!text || !*text) return bq_problem(err, "required", "Required parameter is missing: query");
    if (!json_is_false(json_object_get(query, "useLegacySql")))
        return bq_problem(err, "invalid",
                          "Legacy SQL is not served here: send useLegacySql false (it defaults to true)");
    if (strlen(text) > QUERY_TEXT)
        return bq_problem(
            err, "invalid",
            "The query is too large. The maximum standard SQL query length is 1024.00K characters, "
            "including comments and white space characters.");
    const json_t *billed = json_object_get(query, "maximumBytesBilled");
    if (billed && (!bq_read_int64(billed, &limit) || limit < 0))
        return bq_problem(err, "invalid", "Invalid value for maximumBytesBilled");
    return parameters_check(query, err);
}

/* The dataset of the next name in backquotes, `dataset.table` or `project.dataset.table`, yours; NULL: no
 * more. Bare names are not looked at: they mean the default dataset. */
static char *next_dataset(const char **cursor)
{
    for (const char *open = strchr(*cursor, '`'); open; open = strchr(*cursor, '`')) {
        const char *close = strchr(open + 1, '`');
        if (!close) break;
        *cursor = close + 1;
        AUTO(mem_free) char *name = mem_bytes(open + 1, (size_t)(close - open - 1));
        char *table = strrchr(name, '.');
        if (!table) continue;
        *table = '\0';
        const char *dataset = strrchr(name, '.');
        return mem_text(dataset ? dataset + 1 : name);
    }
    return NULL;
}

static char *location_of(struct bigquery_server *bigquery, const char *project, const char *dataset)
{
    struct store_error ignored; /* a dataset that is missing is the query's own error */
    json_t *resource = dataset ? bq_find_dataset(bigquery, project, dataset, &ignored) : NULL;
    char *location = mem_text(text_of(resource, "location"));
    json_decref(resource);
    return location;
}

char *bq_query_location(struct bigquery_server *bigquery, const char *project, const json_t *query)
{
    const char *cursor = text_of(query, "query");
    char *location = NULL, *dataset;
    while (!location && (dataset = next_dataset(&cursor))) {
        location = location_of(bigquery, project, dataset);
        free(dataset);
    }
    if (location) return location;
    return location_of(bigquery, project, text_of(json_object_get(query, "defaultDataset"), "datasetId"));
}

/* Every dataset that the query names must lie where the job runs. */
static bool location_check(const struct job *job, const json_t *query, struct store_error *err)
{
    const char *cursor = text_of(query, "query");
    AUTO(mem_free) char *dataset = mem_text(text_of(json_object_get(query, "defaultDataset"), "datasetId"));
    do {
        AUTO(mem_free) char *location = location_of(job->bigquery, job->project, dataset);
        if (location && strcmp(location, job->location) != 0)
            return bq_problem(err, "notFound", "Not found: Dataset %s:%s was not found in location %s",
                              job->project, dataset, job->location);
        free(dataset);
        dataset = next_dataset(&cursor);
    } while (dataset);
    return true;
}

static void before_statement(void *self, const char *statement)
{
    struct job *job = self;
    job->step_us = virtual_clock_read(job->bigquery->clock); /* parts in order, by their times too */
    bq_hold_job(job, statement);
}

static void after_statement(void *self, const struct sql_step *step)
{
    bq_add_child(self, step);
}

static json_t *jobs_rows(void *self, const char *region, struct store_error *err)
{
    return bq_jobs_rows(self, region, err);
}

/* The size of a table, estimated from its rows and all its columns. */
static int64_t bytes_of(struct store *store, const char *name)
{
    AUTO(mem_free) char *dataset = mem_text(name);
    char *dot = dataset ? strchr(dataset, '.') : NULL;
    if (!dot) return 0;
    *dot = '\0';
    json_t *resource = store_table(store, dataset, dot + 1);
    const json_t *fields = json_object_get(json_object_get(resource, "schema"), "fields");
    bool rows = resource && !json_object_get(resource, "view");
    int64_t bytes = rows ? store_table_rows(store, dataset, dot + 1) * bq_schema_row_bytes(fields) : 0;
    json_decref(resource);
    return bytes;
}

/* Each table of a statement is billed in whole megabytes, and ten at least. */
void bq_statement_bytes(struct store *store, const json_t *tables, int64_t *out_bytes, int64_t *out_billed)
{
    size_t i;
    json_t *item;
    *out_bytes = *out_billed = 0;
    json_array_foreach (tables, i, item) {
        int64_t bytes = bytes_of(store, json_string_value(item)),
                megabytes = (bytes + MEGABYTE - 1) / MEGABYTE;
        *out_bytes += bytes;
        *out_billed += (megabytes > 10 ? megabytes : 10) * MEGABYTE;
    }
}

/* scans: as of struct sql_result. */
static void add_bytes(struct store *store, const json_t *scans, int64_t *out_bytes, int64_t *out_billed)
{
    size_t i;
    json_t *scan;
    *out_bytes = *out_billed = 0;
    json_array_foreach (scans, i, scan) {
        int64_t bytes, billed;
        bq_statement_bytes(store, scan, &bytes, &billed);
        *out_bytes += bytes;
        *out_billed += billed;
    }
}

/* maximumBytesBilled, before anything is done. Scripts are not limited: BigQuery documents nothing for them.
 */
static bool budget_check(struct store *store, const struct sql_query *query, const json_t *configuration,
                         struct store_error *err)
{
    int64_t most = 0, bytes = 0, billed = 0;
    if (!bq_read_int64(json_object_get(configuration, "maximumBytesBilled"), &most)) return true;
    struct sql_query dry = *query;
    struct sql_result result = {.affected = -1};
    dry.dry_run = true;
    dry.before = NULL;
    dry.after = NULL;
    bool good = sql_run(store, &dry, &result, err);
    if (good && strcmp(result.statement, "SCRIPT") != 0) add_bytes(store, result.scans, &bytes, &billed);
    sql_result_done(&result);
    if (!good || billed <= most) return good;
    return bq_problem(err, "bytesBilledLimitExceeded",
                      "Query exceeded limit for bytes billed: %lld. %lld or higher required.",
                      (long long)most, (long long)billed);
}

void bq_query_run(struct job *job, bool dry_run, struct job_outcome *outcome)
{
    const json_t *configuration = json_object_get(job->configuration, "query");
    struct store *store = job->bigquery->store;
    struct sql_query query = {
        .text = text_of(configuration, "query"),
        .project = job->project,
        .default_dataset = text_of(json_object_get(configuration, "defaultDataset"), "datasetId"),
        .parameters = json_object_get(configuration, "queryParameters"),
        .dry_run = dry_run,
        .most_bytes = BIGQUERY_RESULT_LIMIT,
        .before = before_statement,
        .after = after_statement,
        .jobs = jobs_rows,
        .jobs_schema = job->bigquery->jobs_schema,
        .self = job,
    };
    if (!location_check(job, configuration, &outcome->error)) return;
    if (bq_is_fresh(job->bigquery, "query", NULL, query.text, &outcome->error)) return;
    if (!dry_run && !budget_check(store, &query, configuration, &outcome->error)) return;
    bool good = sql_run(store, &query, &outcome->result, &outcome->error);
    add_bytes(store, outcome->result.scans, &outcome->bytes, &outcome->billed);
    if (good) return;
    sql_result_done(&outcome->result);
    outcome->result = (struct sql_result){.affected = -1};
}

static void add_ddl(json_t *statistics, const struct sql_result *result, const char *project)
{
    const char *name = json_string_value(result->ddl_table), *dot = strchr(name, '.');
    json_object_set_new(statistics, "ddlOperationPerformed", json_string(result->ddl));
    json_object_set_new(statistics, "ddlTargetTable",
                        json_pack("{s:s, s:o, s:s}", "projectId", project, "datasetId",
                                  json_stringn(name, (size_t)(dot - name)), "tableId", dot + 1));
}

json_t *bq_query_statistics(const struct job_outcome *outcome, const char *project)
{
    static const struct {
        const char *statement, *count;
    } counts[] = {
        {"INSERT", "insertedRowCount"}, {"UPDATE", "updatedRowCount"}, {"DELETE", "deletedRowCount"}};
    const struct sql_result *result = &outcome->result;
    json_t *statistics = json_pack("{s:o, s:o, s:b}", "totalBytesProcessed", bq_int64_text(outcome->bytes),
                                   "totalBytesBilled", bq_int64_text(outcome->billed), "cacheHit", 0);
    if (result->statement[0])
        json_object_set_new(statistics, "statementType", json_string(result->statement));
    if (result->schema) json_object_set(statistics, "schema", result->schema);
    if (result->ddl) add_ddl(statistics, result, project);
    if (result->affected < 0) return statistics;
    json_object_set_new(statistics, "numDmlAffectedRows", bq_int64_text(result->affected));
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (strcmp(counts[i].statement, result->statement) == 0)
            json_object_set_new(statistics, "dmlStats",
                                json_pack("{s:o}", counts[i].count, bq_int64_text(result->affected)));
    return statistics;
}
