/* SPDX-License-Identifier: Apache-2.0 */
/* results.c - the rows of queries: jobs.query and jobs.getQueryResults.
 *
 * The store gives timestamps as microseconds in text. BigQuery shows them so only if asked; else as seconds
 * in scientific notation, which lose digits: a client that forgets to ask shall see that here.
 */
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/json.h"
#include "bigquery/internal.h"

#define PAGE_BYTES      (10 * 1024 * 1024)
#define DEFAULT_WAIT_MS 10000
#define LONGEST_WAIT_MS 60000

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

bool bq_read_timestamp_format(const struct exchange *exchange, const json_t *options,
                              enum timestamp_format *out_format, struct store_error *err)
{
    static const struct {
        const char *name;
        enum timestamp_format format;
    } formats[] = {{"TIMESTAMP_OUTPUT_FORMAT_UNSPECIFIED", TIMESTAMP_SECONDS},
                   {"FLOAT64", TIMESTAMP_SECONDS},
                   {"INT64", TIMESTAMP_INT64},
                   {"ISO8601_STRING", TIMESTAMP_ISO8601}};
    bool int64 = options ? json_is_true(json_object_get(options, "useInt64Timestamp"))
                         : bq_query_flag(exchange, "formatOptions.useInt64Timestamp");
    const char *name = options ? text_of(options, "timestampOutputFormat")
                               : exchange_query(exchange, "formatOptions.timestampOutputFormat");
    *out_format = int64 ? TIMESTAMP_INT64 : TIMESTAMP_SECONDS;
    if (!name) return true;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (strcmp(formats[i].name, name) != 0) continue;
        *out_format = formats[i].format;
        return true;
    }
    return bq_problem(err, "invalid", "Invalid value for timestampOutputFormat: %s", name);
}

/* "1.772424E9": the shortest digits that read back equal. */
static json_t *seconds_text(int64_t us)
{
    double seconds = (double)us / 1e6;
    char digits[40];
    for (int precision = 1; precision <= 17; precision++) {
        (void)snprintf(digits, sizeof digits, "%.*E", precision, seconds);
        if (strtod(digits, NULL) == seconds) break;
    }
    char *exponent = strchr(digits, 'E');
    if (!exponent) return json_string(digits);
    long power = strtol(exponent + 1, NULL, 10); /* we have just written it */
    *exponent = '\0';
    return json_sprintf("%sE%ld", digits, power);
}

static json_t *timestamp_shown(const json_t *value, enum timestamp_format format)
{
    int64_t us = 0;
    if (!json_is_string(value) || !bq_read_int64(value, &us)) return json_deep_copy(value);
    switch (format) {
    case TIMESTAMP_INT64: return json_deep_copy(value);
    case TIMESTAMP_SECONDS: return seconds_text(us);
    case TIMESTAMP_ISO8601: break;
    }
    char text[INSTANT_TEXT];
    instant_format(us, text);
    return json_string(text);
}

static json_t *row_shown(const json_t *fields, const json_t *row, enum timestamp_format format);

/* repeated: the value is a list of {"v":...}. */
static json_t *value_shown(const json_t *field, const json_t *value, bool repeated,
                           enum timestamp_format format)
{
    if (repeated && json_is_array(value)) {
        json_t *list = json_array(), *item;
        size_t i;
        json_array_foreach (value, i, item) {
            json_t *shown = value_shown(field, json_object_get(item, "v"), false, format);
            json_array_append_new(list, json_pack("{s:o}", "v", shown));
        }
        return list;
    }
    const char *type = text_of(field, "type");
    if (type && strcmp(type, "TIMESTAMP") == 0) return timestamp_shown(value, format);
    const json_t *fields = json_object_get(field, "fields");
    if (fields && json_is_object(value)) return row_shown(fields, value, format);
    return json_deep_copy(value);
}

static json_t *row_shown(const json_t *fields, const json_t *row, enum timestamp_format format)
{
    json_t *cells = json_array(), *field;
    size_t i;
    json_array_foreach (fields, i, field) {
        const char *mode = text_of(field, "mode");
        const json_t *value = json_object_get(json_array_get(json_object_get(row, "f"), i), "v");
        bool repeated = mode && strcmp(mode, "REPEATED") == 0;
        json_t *shown = value ? value_shown(field, value, repeated, format) : json_null();
        json_array_append_new(cells, json_pack("{s:o}", "v", shown));
    }
    return json_pack("{s:o}", "f", cells);
}

json_t *bq_format_rows(const json_t *schema, const json_t *rows, struct result_page *page,
                       enum timestamp_format format)
{
    const json_t *fields = json_object_get(schema, "fields");
    json_t *shown = json_array();
    size_t bytes = 0, count = 0;
    while (count < page->count && bytes < PAGE_BYTES) {
        json_t *row = row_shown(fields, json_array_get(rows, page->first + count), format);
        bytes += json_dumpb(row, NULL, 0, JSON_COMPACT);
        json_array_append_new(shown, row);
        count++;
    }
    page->count = count;
    return shown;
}

/* The members that both calls share, of a job that is DONE and went well. */
static void add_results(json_t *reply, struct job *job, const json_t *all, struct result_page *page,
                        enum timestamp_format format)
{
    const struct sql_result *result = &job->outcome.result;
    json_object_set_new(reply, "totalBytesProcessed", bq_int64_text(job->outcome.bytes));
    json_object_set_new(reply, "cacheHit", json_false());
    if (result->affected >= 0)
        json_object_set_new(reply, "numDmlAffectedRows", bq_int64_text(result->affected));
    if (!result->schema) return;
    size_t total = json_array_size(all);
    json_object_set(reply, "schema", result->schema);
    json_object_set_new(reply, "totalRows", bq_int64_text((int64_t)total));
    json_t *rows = bq_format_rows(result->schema, all, page, format);
    if (json_array_size(rows) > 0) json_object_set(reply, "rows", rows);
    json_decref(rows);
    bq_set_page_token(reply, "pageToken", page->first + page->count, total);
    if (page->first + page->count == total) bq_rows_read(job);
}

/* How long the client lets us wait, within our own bounds. */
static int64_t wait_of(int64_t asked_ms)
{
    if (asked_ms < 0) return DEFAULT_WAIT_MS;
    return asked_ms < LONGEST_WAIT_MS ? asked_ms : LONGEST_WAIT_MS;
}

static json_t *unfinished(const char *kind, const struct job *job)
{
    return json_pack("{s:s, s:o, s:b}", "kind", kind, "jobReference", bq_job_reference(job), "jobComplete",
                     0);
}

static bool get_results(struct exchange *exchange, json_t **out_reply, struct store_error *err)
{
    enum timestamp_format format;
    struct result_page page;
    int64_t timeout_ms = -1;
    struct job *job = bq_find_job(exchange, exchange->capture[1], err);
    if (!job || !bq_read_timestamp_format(exchange, NULL, &format, err)) return false;
    if (job->type != JOB_QUERY)
        return bq_problem(err, "invalid", "Cannot retrieve results for a job of type %s", "LOAD");
    const char *timeout = exchange_query(exchange, "timeoutMs");
    if (timeout && (!bq_text_int64(timeout, &timeout_ms) || timeout_ms < 0))
        return bq_problem(err, "invalid", "Invalid value for timeoutMs: %s", timeout);
    if (!bq_wait_for_job(job, wait_of(timeout_ms))) {
        *out_reply = unfinished("bigquery#getQueryResultsResponse", job);
        return true;
    }
    if (job->outcome.error.reason[0]) {
        *err = job->outcome.error;
        return false;
    }
    AUTO(json_drop) json_t *rows = NULL;
    if (!bq_take_rows(job, &rows, err)) return false;
    size_t total = json_array_size(rows);
    if (!bq_read_page(exchange, total, total, &page, err)) return false;
    *out_reply = json_pack("{s:s, s:o, s:o, s:b}", "kind", "bigquery#getQueryResultsResponse", "etag",
                           json_sprintf("%s-%zu==", job->id, page.first), "jobReference",
                           bq_job_reference(job), "jobComplete", 1);
    add_results(*out_reply, job, rows, &page, format);
    return true;
}

void bq_jobs_get_query_results(struct exchange *exchange)
{
    struct store_error err = {.reason = ""};
    json_t *reply = NULL;
    if (get_results(exchange, &reply, &err))
        exchange_reply_json(exchange, 200, reply);
    else
        (void)bq_problem_reply(exchange, &err);
}

/* --- jobs.query --- */

static void copy_members(json_t *to, const json_t *from, const char *const *names)
{
    for (; *names; names++)
        if (json_object_get(from, *names)) json_object_set(to, *names, json_object_get(from, *names));
}

/* The same as a resource of jobs.insert; yours. */
static json_t *as_job(const char *project, const json_t *body)
{
    static const char *const of_query[] = {"query",
                                           "useLegacySql",
                                           "parameterMode",
                                           "queryParameters",
                                           "maximumBytesBilled",
                                           "useQueryCache",
                                           "defaultDataset",
                                           "destinationEncryptionConfiguration",
                                           NULL};
    static const char *const of_job[] = {"labels", "jobTimeoutMs", "dryRun", "maxSlots", "reservation", NULL};
    static const char *const of_reference[] = {"location", NULL};
    json_t *query = json_object(), *configuration = json_object();
    json_t *reference = json_pack("{s:s}", "projectId", project);
    copy_members(query, body, of_query);
    copy_members(configuration, body, of_job);
    copy_members(reference, body, of_reference);
    json_object_set_new(configuration, "query", query);
    return json_pack("{s:o, s:o}", "jobReference", reference, "configuration", configuration);
}

static bool query_dry(struct exchange *exchange, const struct job_request *request, json_t **out_reply,
                      struct store_error *err)
{
    struct job *job = NULL;
    if (!bq_check_job(exchange->service, request, &job, err)) return false;
    bq_query_run(job, true, &job->outcome);
    *err = job->outcome.error;
    if (!err->reason[0]) {
        struct result_page page = {.first = 0, .count = 0};
        *out_reply = json_pack("{s:s, s:b, s:{s:s, s:s}}", "kind", "bigquery#queryResponse", "jobComplete", 1,
                               "jobReference", "projectId", job->project, "location", job->location);
        add_results(*out_reply, job, NULL, &page, TIMESTAMP_INT64);
    }
    bq_drop_job(job);
    return !err->reason[0];
}

/* A request that was already seen under its requestId is not run again. */
static struct job *query_job(struct exchange *exchange, const json_t *body, const struct job_request *request,
                             struct store_error *err)
{
    struct bigquery_server *bigquery = exchange->service;
    const char *id = text_of(body, "requestId");
    struct job *seen = id ? bq_find_request(bigquery, request->project, id) : NULL;
    return seen ? seen : bq_start_job(bigquery, request, err);
}

static bool run_query(struct exchange *exchange, json_t *body, json_t **out_reply, struct store_error *err)
{
    enum timestamp_format format;
    int64_t timeout_ms = -1, count = INT64_MAX;
    if (!bq_take_fields(body, "query_request", err)) return false;
    const json_t *timeout = json_object_get(body, "timeoutMs"), *most = json_object_get(body, "maxResults");
    const json_t *options = json_object_get(body, "formatOptions");
    if (!bq_read_timestamp_format(exchange, options ? options : json_null(), &format, err)) return false;
    if ((timeout && !bq_read_int64(timeout, &timeout_ms)) ||
        (most && (!bq_read_int64(most, &count) || count < 0)))
        return bq_problem(err, "invalid", "Invalid value for timeoutMs or maxResults");
    json_t *resource = as_job(exchange->capture[0], body);
    struct job_request request = {
        .project = exchange->capture[0], .resource = resource, .request_id = text_of(body, "requestId")};
    bq_note_job(exchange, resource);
    struct job *job = NULL;
    bool done = true;
    if (json_is_true(json_object_get(body, "dryRun")))
        done = query_dry(exchange, &request, out_reply, err);
    else
        job = query_job(exchange, body, &request, err);
    json_decref(resource);
    if (!job) return done && *out_reply;
    json_object_set_new(exchange->detail, "job", json_string(job->id));
    if (!bq_wait_for_job(job, wait_of(timeout_ms))) {
        *out_reply = unfinished("bigquery#queryResponse", job);
        return true;
    }
    *err = job->outcome.error;
    if (err->reason[0]) return false;
    AUTO(json_drop) json_t *rows = NULL;
    if (!bq_take_rows(job, &rows, err)) return false;
    size_t total = json_array_size(rows);
    struct result_page page = {.first = 0, .count = (uint64_t)count < total ? (size_t)count : total};
    *out_reply = json_pack("{s:s, s:s, s:o, s:b}", "kind", "bigquery#queryResponse", "queryId", job->id,
                           "jobReference", bq_job_reference(job), "jobComplete", 1);
    add_results(*out_reply, job, rows, &page, format);
    return true;
}

void bq_jobs_query(struct exchange *exchange)
{
    struct store_error err = {.reason = ""};
    json_t *body = bq_read_object(exchange, &err), *reply = NULL;
    if (body && run_query(exchange, body, &reply, &err))
        exchange_reply_json(exchange, 200, reply);
    else
        (void)bq_problem_reply(exchange, &err);
    json_decref(body);
}
