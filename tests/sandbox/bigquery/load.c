/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - load jobs: NDJSON, plain or gzip, checked row by row and inserted all at once.
 *
 * The input is read as a stream: only one line is held, besides what the store's batch keeps.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "bigquery/internal.h"

#define BLOCK        (256 * 1024)
#define LINE_LIMIT   (100 * 1024 * 1024)
#define INPUT_LIMIT  (INT64_C(8) * 1024 * 1024 * 1024) /* decompressed: a bomb ends here */
#define ERRORS_SHOWN 20
#define JOURNAL_LIMIT                                                                                        \
    (64 * 1024) /* rows of a small load are journalled, so that it can be repeated elsewhere */

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* --- the configuration --- */

static bool word_check(const json_t *load, const char *name, const char *const *words,
                       struct store_error *err)
{
    const json_t *value = json_object_get(load, name);
    const char *word = json_string_value(value);
    if (!value) return true;
    while (word && *words && strcmp(*words, word) != 0)
        words++;
    return (word && *words) || bq_problem(err, "invalid", "Invalid value for %s: %s", name, word ? word : "");
}

static bool options_check(const json_t *load, struct store_error *err)
{
    static const char *const creates[] = {"CREATE_IF_NEEDED", "CREATE_NEVER", NULL};
    static const char *const writes[] = {"WRITE_APPEND", "WRITE_EMPTY", "WRITE_TRUNCATE",
                                         "WRITE_TRUNCATE_DATA", NULL};
    static const char *const encodings[] = {"UTF-8", NULL};
    const char *format = text_of(load, "sourceFormat");
    int64_t most = 0;
    if (!format || strcmp(format, "NEWLINE_DELIMITED_JSON") != 0)
        return bq_problem(err, "invalid", "Only sourceFormat NEWLINE_DELIMITED_JSON is served here, not %s",
                          format ? format : "CSV (the default)");
    const json_t *bad = json_object_get(load, "maxBadRecords");
    if (bad && (!bq_read_int64(bad, &most) || most < 0))
        return bq_problem(err, "invalid", "Invalid value for maxBadRecords");
    return word_check(load, "createDisposition", creates, err) &&
           word_check(load, "encoding", encodings, err) && word_check(load, "writeDisposition", writes, err);
}

bool bq_load_check(struct bigquery_server *bigquery, const char *project, const json_t *load,
                   char **out_location, struct store_error *err)
{
    static const char *const parts[] = {"projectId", "datasetId", "tableId"};
    const json_t *table = json_object_get(load, "destinationTable");
    if (!table) return bq_problem(err, "required", "Required parameter is missing: destinationTable");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!text_of(table, parts[i]))
            return bq_problem(err, "required", "Required parameter is missing: destinationTable.%s",
                              parts[i]);
    if (!bq_valid_id(text_of(table, "tableId"), "_-", 1024))
        return bq_problem(err, "invalid",
                          "Invalid table ID \"%s\". Partition decorators are not served here.",
                          text_of(table, "tableId"));
    if (strcmp(text_of(table, "projectId"), project) != 0)
        return bq_problem(err, "accessDenied", "Access Denied: Dataset %s:%s", text_of(table, "projectId"),
                          text_of(table, "datasetId"));
    if (!options_check(load, err)) return false;
    json_t *schema = json_deep_copy(json_object_get(load, "schema"));
    bool right = !schema || bq_schema_check(schema, err);
    json_decref(schema);
    if (!right) return false;
    json_t *dataset = bq_find_dataset(bigquery, project, text_of(table, "datasetId"), err);
    if (dataset) *out_location = mem_text(text_of(dataset, "location"));
    json_decref(dataset);
    return dataset != NULL;
}

/* --- the rows --- */

struct loading {
    struct job *job;
    struct job_outcome *outcome;
    struct store_batch *batch;
    struct buf line;
    struct buf sample;  /* all the rows, while they are few */
    int64_t line_start; /* where in the decompressed input it begins */
    int64_t lines;
    int64_t most_bad;
};

/* false: too many bad rows. */
static bool add_bad(struct loading *loading, const char *message)
{
    struct job_outcome *outcome = loading->outcome;
    outcome->bad_rows++;
    if (!outcome->errors) outcome->errors = json_array();
    if (json_array_size(outcome->errors) < ERRORS_SHOWN) {
        json_t *text =
            json_sprintf("Error while reading data, error message: JSON parsing error in row starting at "
                         "position %lld: %s (row %lld)",
                         (long long)loading->line_start, message, (long long)loading->lines);
        json_array_append_new(outcome->errors, json_pack("{s:s, s:o}", "reason", "invalid", "message", text));
    }
    return outcome->bad_rows <= loading->most_bad;
}

static bool end_line(struct loading *loading)
{
    struct store_error err = {.reason = ""};
    json_error_t where;
    const struct buf *line = &loading->line;
    size_t blanks = line->size ? strspn(line->data, " \t\r") : 0;
    if (blanks == line->size) return true; /* an empty line is no row */
    loading->lines++;
    json_t *row = json_loadb(line->data, line->size, 0, &where);
    bool good = json_is_object(row);
    if (!good)
        (void)bq_problem(&err, "invalid",
                         row ? "Start of object expected" : "Parser terminated before end of string");
    else
        good = store_batch_add(loading->batch, row, &err);
    json_decref(row);
    if (good) {
        loading->outcome->row_bytes += (int64_t)line->size;
        (void)(buf_add(&loading->sample, line->data, line->size) && buf_byte(&loading->sample, '\n'));
    }
    return good || add_bad(loading, err.message);
}

/* Cuts the bytes into lines. */
static bool take_bytes(struct loading *loading, const char *bytes, size_t size)
{
    while (size > 0) {
        const char *end = memchr(bytes, '\n', size);
        size_t part = end ? (size_t)(end - bytes) : size;
        if (!buf_add(&loading->line, bytes, part))
            return bq_problem(&loading->outcome->error, "invalid",
                              "Error while reading data, error message: row %lld is "
                              "larger than %d bytes",
                              (long long)loading->lines + 1, LINE_LIMIT);
        if (!end) return true;
        if (!end_line(loading)) return false;
        loading->line_start += (int64_t)loading->line.size + 1;
        buf_reset(&loading->line);
        bytes = end + 1;
        size -= part + 1;
    }
    return true;
}

static bool bad_gzip(struct loading *loading, const char *why)
{
    return bq_problem(&loading->outcome->error, "invalid",
                      "Error while reading data, error message: Error decompressing the gzip file: %s", why);
}

/* Inflates one block; *ended: the stream's last member is complete. */
static bool inflate_block(struct loading *loading, z_stream *stream, char *plain, bool *ended)
{
    while (stream->avail_in > 0) {
        if (*ended && inflateReset(stream) != Z_OK) return bad_gzip(loading, "no next member");
        *ended = false;
        stream->next_out = (Bytef *)plain;
        stream->avail_out = BLOCK;
        int code = inflate(stream, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
            return bad_gzip(loading, "corrupt data");
        *ended = code == Z_STREAM_END;
        size_t size = BLOCK - stream->avail_out;
        if (loading->line_start > INPUT_LIMIT) return bad_gzip(loading, "it is too large");
        if (!take_bytes(loading, plain, size)) return false;
        if (code == Z_BUF_ERROR && size == 0) break;
    }
    return true;
}

static bool read_gzip(struct loading *loading, FILE *file, char *block)
{
    AUTO(mem_free) char *plain = mem_zero(1, BLOCK);
    z_stream stream = {.zalloc = NULL};
    bool done = true, ended = false;
    if (inflateInit2(&stream, 15 + 16) != Z_OK) return bad_gzip(loading, "out of memory");
    while (done && !bq_job_cancelled(loading->job)) {
        size_t size = fread(block, 1, BLOCK, file);
        if (size == 0) break;
        stream.next_in = (Bytef *)block;
        stream.avail_in = (uInt)size;
        done = inflate_block(loading, &stream, plain, &ended);
    }
    (void)inflateEnd(&stream); /* only frees */
    if (done && !ended && !bq_job_cancelled(loading->job)) return bad_gzip(loading, "unexpected end of file");
    return done;
}

static bool read_plain(struct loading *loading, FILE *file, char *block)
{
    while (!bq_job_cancelled(loading->job)) {
        size_t size = fread(block, 1, BLOCK, file);
        if (size == 0) break;
        if (!take_bytes(loading, block, size)) return false;
    }
    return true;
}

static bool read_input(struct loading *loading)
{
    FILE *file = loading->job->input;
    AUTO(mem_free) char *block = mem_zero(1, BLOCK);
    if (!file) return true;
    rewind(file);
    int first = getc(file), second = getc(file);
    rewind(file);
    bool gzip = first == 0x1f && second == 0x8b;
    bool done = gzip ? read_gzip(loading, file, block) : read_plain(loading, file, block);
    return done && end_line(loading); /* the last line may lack its end */
}

/* errorResult is the summary, errors[] say what was wrong. */
static void say_too_many(struct loading *loading)
{
    struct job_outcome *outcome = loading->outcome;
    if (outcome->error.reason[0] || outcome->bad_rows <= loading->most_bad) return;
    (void)bq_problem(
        &outcome->error, "invalid",
        "Error while reading data, error message: JSON table encountered too many errors, giving up. Rows: "
        "%lld; errors: %lld. Please look into the errors[] collection for more details.",
        (long long)loading->lines, (long long)outcome->bad_rows);
}

/* --- the table --- */

/* The table as the load needs it: it is there and fits, or it is made. */
static bool table_ready(struct job *job, const json_t *load, bool *out_made, struct store_error *err)
{
    const json_t *destination = json_object_get(load, "destinationTable");
    const char *dataset = text_of(destination, "datasetId"), *id = text_of(destination, "tableId");
    const char *create = text_of(load, "createDisposition");
    json_t *schema = json_deep_copy(json_object_get(load, "schema"));
    json_t *table = store_table(job->bigquery->store, dataset, id);
    AUTO(mem_free) char *name = mem_format("%s:%s.%s", job->project, dataset, id);
    bool ready = !schema || bq_schema_check(schema, err);
    if (ready && table) {
        const json_t *fields = json_object_get(json_object_get(table, "schema"), "fields");
        const json_t *partitioning = json_object_get(load, "timePartitioning");
        if (json_object_get(table, "view"))
            ready = bq_problem(err, "invalid",
                               "%s is not allowed for this operation because it is currently a VIEW.", name);
        else if (partitioning && !json_equal(partitioning, json_object_get(table, "timePartitioning")))
            ready = bq_problem(err, "invalid",
                               "Incompatible table partitioning specification. Expected partitioning of "
                               "table %s as it is.",
                               name);
        else if (schema)
            ready = bq_schema_fits(name, json_object_get(schema, "fields"), fields, err);
    } else if (ready && (!schema || (create && strcmp(create, "CREATE_NEVER") == 0))) {
        ready = bq_problem(
            err, "notFound", "Not found: Table %s%s", name,
            create && strcmp(create, "CREATE_NEVER") == 0 ? "" : " (and no schema is given to make it)");
    } else if (ready) {
        /* Copies: making a table completes what it was given, and the job keeps its words. */
        json_t *resource =
            json_pack("{s:o, s:O, s:o*, s:o*}", "tableReference", json_deep_copy(destination), "schema",
                      schema, "timePartitioning", json_deep_copy(json_object_get(load, "timePartitioning")),
                      "clustering", json_deep_copy(json_object_get(load, "clustering")));
        const json_t *properties = json_object_get(load, "destinationTableProperties");
        if (properties) json_object_update(resource, (json_t *)(uintptr_t)properties); /* only read */
        ready = *out_made = bq_make_table(job->bigquery, job->project, dataset, resource, err);
        json_decref(resource);
    }
    json_decref(table);
    json_decref(schema);
    return ready;
}

static void commit(struct loading *loading, const json_t *load)
{
    struct job_outcome *outcome = loading->outcome;
    const char *write = text_of(load, "writeDisposition");
    bool empty_only = write && strcmp(write, "WRITE_EMPTY") == 0;
    bool replace = write && strncmp(write, "WRITE_TRUNCATE", 14) == 0; /* the schema must fit in any case */
    (void)store_batch_commit(loading->batch, empty_only, replace, &outcome->rows, &outcome->error);
    loading->batch = NULL;
}

void bq_load_run(struct job *job, struct job_outcome *outcome)
{
    const json_t *load = json_object_get(job->configuration, "load");
    const json_t *destination = json_object_get(load, "destinationTable");
    const char *dataset = text_of(destination, "datasetId"), *table = text_of(destination, "tableId");
    struct store *store = job->bigquery->store;
    struct loading loading = {.job = job, .outcome = outcome};
    bool made = false;
    (void)bq_read_int64(json_object_get(load, "maxBadRecords"), &loading.most_bad); /* checked; absent: 0 */
    json_t *parent = bq_find_dataset(job->bigquery, job->project, dataset, &outcome->error);
    const char *location = text_of(parent, "location");
    bool there = parent && (!location || strcmp(location, job->location) == 0 ||
                            bq_problem(&outcome->error, "notFound",
                                       "Not found: Dataset %s:%s was not found in location %s", job->project,
                                       dataset, job->location));
    json_decref(parent);
    struct table_name name = {job->project, dataset, table};
    if (there && bq_is_fresh(job->bigquery, "load", &name, NULL, &outcome->error)) return;
    if (!there || !table_ready(job, load, &made, &outcome->error)) return;
    buf_init(&loading.line, LINE_LIMIT);
    buf_init(&loading.sample, JOURNAL_LIMIT);
    if (store_batch_new(store, dataset, table, &loading.batch, &outcome->error)) {
        if (!job->bigquery->rounds_json) store_batch_refuse_rounded_json(loading.batch);
        if (!read_input(&loading)) say_too_many(&loading);
        if (!outcome->error.reason[0] && bq_job_cancelled(job))
            (void)bq_problem(&outcome->error, "stopped",
                             "Job execution was cancelled: User requested cancellation");
        if (!outcome->error.reason[0]) commit(&loading, load);
    }
    if (loading.batch) store_batch_drop(loading.batch);
    buf_done(&loading.line);
    if (!loading.sample.full && loading.sample.size > 0) outcome->data = buf_take(&loading.sample, NULL);
    buf_done(&loading.sample);
    if (outcome->error.reason[0] && made)
        (void)store_table_drop(store, dataset, table); /* a failed load leaves no table behind */
}
