/* SPDX-License-Identifier: Apache-2.0 */
/* warehouse.c - the bench's BigQuery: it takes uploads, counts their rows, and answers as at a first load.
 *
 *     bench_bigquery --now S [--realistic]
 *
 * It runs no SQL. A commit succeeds if each staging table that the script names holds as many rows as the
 * script's parameters say, and counts them as inserted. --realistic: calls and jobs last as long as users of
 * BigQuery report. GET /bench: calls, jobs, and the committed rows of each stream's tables.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "serve.h"

#define GZIP_WINDOW (15 + 16)
#define BLOCK       ((size_t)1 << 17)
#define US_A_S      1000000
#define MOST_TABLES 16 /* of a stream */

enum duration {
    DURATION_CALL,
    DURATION_TABLES,
    DURATION_UPLOAD,
    DURATION_QUERY,
    DURATION_LOAD,
    DURATION_SCRIPT
};

static const int64_t realistic_ms[] = {
    [DURATION_CALL] = 50,    [DURATION_TABLES] = 200, [DURATION_UPLOAD] = 100,
    [DURATION_QUERY] = 1500, [DURATION_LOAD] = 4000,  [DURATION_SCRIPT] = 8000,
};

/* A file that comes in pieces. */
struct session {
    json_t *job; /* as it was sent when the session began */
    z_stream inflater;
    int64_t stored, rows;
    bool is_ended, is_broken;
};

struct warehouse {
    int64_t now_s, began_ms;
    bool is_realistic;
    json_t *tables;            /* "dataset.table": resource */
    json_t *jobs;              /* id: {"due_ms", "configuration", "error", "rows": [[..]]} */
    json_t *staged;            /* table: rows loaded into it */
    json_t *locks;             /* table: parameters of the script that made its row */
    json_t *committed;         /* "stream.index": rows */
    struct session **sessions; /* zlib keeps their addresses */
    size_t session_count;
    int64_t calls, job_count, bytes;
};

static int64_t duration_ms(const struct warehouse *warehouse, enum duration duration)
{
    return warehouse->is_realistic ? realistic_ms[duration] : 0;
}

static int64_t now_us(const struct warehouse *warehouse)
{
    return warehouse->now_s * US_A_S + (clock_ms() - warehouse->began_ms) * 1000;
}

static void reply(struct exchange *exchange, int status, json_t *value)
{
    exchange->status = status;
    if (value) json_write(&exchange->reply, value);
    json_decref(value);
}

static void refuse(struct exchange *exchange, int status, const char *reason, const char *message)
{
    reply(exchange, status,
          json_pack("{s:{s:i, s:s, s:[{s:s, s:s}]}}", "error", "code", status, "message", message, "errors",
                    "reason", reason, "message", message));
}

static json_t *number_text(int64_t value)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRId64, value);
    return json_string(text);
}

static int64_t number_at(const json_t *object, const char *key)
{
    return (int64_t)json_integer_value(json_object_get(object, key));
}

static void add_number(json_t *object, const char *key, int64_t value)
{
    json_object_set_new(object, key, json_integer(number_at(object, key) + value));
}

static json_t *request_json(const struct exchange *exchange)
{
    json_t *value = NULL;
    struct error unread;
    if (!json_read(buf_string(&exchange->body), exchange->body.size, NULL, &value, &unread))
        return json_object();
    return value;
}

/* --- datasets and tables --- */

static void get_dataset(const struct exchange *exchange, const char *dataset, json_t **out)
{
    (void)exchange;
    *out = json_pack("{s:s, s:{s:s, s:s}, s:s, s:s}", "kind", "bigquery#dataset", "datasetReference",
                     "projectId", "p", "datasetId", dataset, "location", "EU", "etag", "e");
}

static void list_tables(const struct warehouse *warehouse, const char *dataset, struct exchange *exchange)
{
    json_t *list = json_array(), *table;
    const char *key;
    json_object_foreach (warehouse->tables, key, table)
        if (strcmp(json_text_at(table, "tableReference.datasetId"), dataset) == 0)
            json_array_append(list, table);
    reply(exchange, 200, json_pack("{s:s, s:o}", "kind", "bigquery#tableList", "tables", list));
}

static void insert_table(struct warehouse *warehouse, struct exchange *exchange)
{
    json_t *table = request_json(exchange);
    const char *dataset = json_text_at(table, "tableReference.datasetId");
    const char *name = json_text_at(table, "tableReference.tableId");
    if (!dataset || !name) {
        json_decref(table);
        refuse(exchange, 400, "invalid", "a table without a name");
        return;
    }
    AUTO(mem_free) char *key = mem_format("%s.%s", dataset, name);
    json_object_set_new(table, "type", json_string(json_object_get(table, "view") ? "VIEW" : "TABLE"));
    json_object_set_new(table, "creationTime", number_text(now_us(warehouse) / 1000));
    json_object_set_new(table, "lastModifiedTime", number_text(now_us(warehouse) / 1000));
    json_object_set_new(table, "numRows", json_string("0"));
    json_object_set_new(table, "etag", json_string("e"));
    json_object_set(warehouse->tables, key, table);
    reply(exchange, 200, table);
}

static void list_lock(const struct warehouse *warehouse, const char *table, struct exchange *exchange)
{
    static const char *const columns[] = {"workspace_id", "source_type", "timezone", "dataset"};
    const json_t *parameters = json_object_get(warehouse->locks, table);
    json_t *cells = json_array(), *rows = json_array();
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        json_array_append_new(cells, json_pack("{s:O}", "v", json_object_get(parameters, columns[i])));
    json_array_append_new(cells, json_pack("{s:n}", "v"));
    if (parameters)
        json_array_append_new(rows, json_pack("{s:o}", "f", cells));
    else
        json_decref(cells);
    reply(exchange, 200, json_pack("{s:s, s:o}", "totalRows", parameters ? "1" : "0", "rows", rows));
}

/* path: "datasets", "datasets/D", "datasets/D/tables", "datasets/D/tables/T" or "datasets/D/tables/T/data".
 */
static void serve_tables(struct warehouse *warehouse, const char *path, struct exchange *exchange)
{
    char dataset[256] = "", table[512] = "", rest[16] = "";
    int found = sscanf(path, "datasets/%255[^/]/tables/%511[^/]/%15s", dataset, table, rest);
    AUTO(mem_free) char *key = mem_format("%s.%s", dataset, table);
    json_t *known = json_object_get(warehouse->tables, key), *value = NULL;
    bool is_delete = strcmp(exchange->method, "DELETE") == 0;
    exchange->delay_ms = duration_ms(warehouse, DURATION_TABLES);
    if (found < 2 && strstr(path, "/tables")) {
        if (strcmp(exchange->method, "POST") == 0)
            insert_table(warehouse, exchange);
        else
            list_tables(warehouse, dataset, exchange);
    } else if (found < 2) {
        get_dataset(exchange, dataset, &value);
        reply(exchange, 200, value);
    } else if (!known) {
        refuse(exchange, 404, "notFound", "Not found: Table");
    } else if (found == 3) {
        list_lock(warehouse, table, exchange);
    } else if (is_delete) {
        json_object_del(warehouse->tables, key);
        json_object_del(warehouse->staged, table);
        reply(exchange, 204, NULL);
    } else {
        if (strcmp(exchange->method, "PATCH") == 0) json_object_update_new(known, request_json(exchange));
        reply(exchange, 200, json_incref(known));
    }
}

/* --- jobs --- */

static const char *parameter(const json_t *query, const char *name)
{
    const json_t *parameters = json_object_get(query, "queryParameters"), *one;
    size_t i;
    json_array_foreach (parameters, i, one)
        if (strcmp(json_text_at(one, "name"), name) == 0) return json_text_at(one, "parameterValue.value");
    return NULL;
}

static json_t *make_row(const char *const *cells, size_t count)
{
    json_t *row = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(row, cells[i] ? json_pack("{s:s}", "v", cells[i]) : json_pack("{s:n}", "v"));
    return json_pack("{s:o}", "f", row);
}

/* The clock, alone or as the state of streams that were never loaded; anything else finds nothing. */
static json_t *answer_query(const struct warehouse *warehouse, const char *sql)
{
    char now[32];
    const char *state[] = {"", "now", NULL, "0", now, NULL, NULL};
    json_t *rows = json_array();
    (void)snprintf(now, sizeof now, "%" PRId64, now_us(warehouse));
    if (strstr(sql, "'now' AS kind"))
        json_array_append_new(rows, make_row(state, sizeof state / sizeof *state));
    else if (strncmp(sql, "SELECT CURRENT_TIMESTAMP()", 26) == 0)
        json_array_append_new(rows, make_row(&state[4], 1));
    return rows;
}

/* The rows of the staging table of that index which the script names; 0: it names none. */
static int64_t staged_rows(const struct warehouse *warehouse, const char *sql, size_t index)
{
    const char *table;
    json_t *rows;
    json_object_foreach (warehouse->staged, table, rows) {
        const char *last = strrchr(table, '_');
        if (last && strtoul(last + 1, NULL, 10) == index && strstr(sql, table))
            return (int64_t)json_integer_value(rows);
    }
    return 0;
}

/* Compares staged tables with the script's parameters; NULL: they differ. The row: what was inserted into
 * each table, then rejected, doubled, content changes, compared, refused contents, and no time. */
static json_t *commit(struct warehouse *warehouse, const json_t *query)
{
    const char *sql = json_text_at(query, "query"), *stream = parameter(query, "stream");
    const char *result = strstr(sql, "SELECT n_0,"); /* the last statement: n_0, n_1, .. n_rejected */
    char inserted[MOST_TABLES][32], counter[32];
    const char *cells[MOST_TABLES + 6];
    size_t count = 0;
    for (; result && count < MOST_TABLES; count++) {
        (void)snprintf(counter, sizeof counter, " n_%zu,", count);
        if (!strstr(result, counter)) break;
        AUTO(mem_free) char *name = mem_format("staged_%zu", count);
        AUTO(mem_free) char *key = mem_format("%s.%zu", stream, count);
        const char *expected = parameter(query, name);
        int64_t rows = staged_rows(warehouse, sql, count);
        (void)snprintf(inserted[count], sizeof *inserted, "%" PRId64, rows);
        if (strcmp(expected ? expected : "0", inserted[count]) != 0) return NULL;
        cells[count] = inserted[count];
        if (rows > 0) add_number(warehouse->committed, key, rows);
    }
    for (size_t i = 0; i < 6; i++)
        cells[count + i] = i < 5 ? "0" : NULL;
    json_t *answer = json_array();
    json_array_append_new(answer, make_row(cells, count + 6));
    return answer;
}

static void make_lock(struct warehouse *warehouse, const json_t *query)
{
    const json_t *parameters = json_object_get(query, "queryParameters"), *one;
    const char *sql = json_text_at(query, "query"), *key;
    json_t *row = json_object(), *table;
    size_t i;
    json_array_foreach (parameters, i, one)
        json_object_set(row, json_text_at(one, "name"),
                        json_object_get(json_object_get(one, "parameterValue"), "value"));
    json_object_foreach (warehouse->tables, key, table) {
        const char *name = json_text_at(table, "tableReference.tableId");
        AUTO(mem_free) char *quoted = mem_format(".%s`", name);
        if (strncmp(name, "lock_", 5) == 0 && strstr(sql, quoted))
            json_object_set(warehouse->locks, name, row);
    }
    json_decref(row);
}

static json_t *job_resource(const struct warehouse *warehouse, const char *id, const json_t *job)
{
    bool is_done = clock_ms() >= number_at(job, "due_ms");
    json_t *status = json_pack("{s:s}", "state", is_done ? "DONE" : "RUNNING");
    json_t *times = json_object();
    if (is_done) json_object_set_new(times, "endTime", number_text(now_us(warehouse) / 1000));
    if (is_done && json_object_get(job, "error"))
        json_object_set(status, "errorResult", json_object_get(job, "error"));
    return json_pack("{s:s, s:{s:s, s:s}, s:o, s:o}", "kind", "bigquery#job", "jobReference", "jobId", id,
                     "location", "EU", "status", status, "statistics", times);
}

static json_t *begin_job(struct warehouse *warehouse, const json_t *request, enum duration duration)
{
    const char *id = json_text_at(request, "jobReference.jobId");
    const json_t *query = json_at(request, "configuration.query");
    const char *sql = query ? json_text_at(query, "query") : NULL;
    bool is_script = sql && strstr(sql, "TRANSACTION");
    json_t *job = json_object(), *rows = NULL;
    warehouse->job_count++;
    if (is_script) duration = DURATION_SCRIPT;
    json_object_set_new(job, "due_ms", json_integer(clock_ms() + duration_ms(warehouse, duration)));
    if (sql && strstr(sql, "AS refused_contents")) {
        rows = commit(warehouse, query);
        if (!rows)
            json_object_set_new(job, "error",
                                json_pack("{s:s, s:s}", "reason", "invalidQuery", "message",
                                          "the staged row count differs from what was uploaded"));
    } else if (sql && strstr(sql, "DELETE FROM") && strstr(sql, ".lock_")) {
        make_lock(warehouse, query);
    } else if (sql) {
        rows = answer_query(warehouse, sql);
    }
    json_object_set_new(job, "rows", rows ? rows : json_array());
    json_object_set_new(warehouse->jobs, id ? id : "", job);
    return job_resource(warehouse, id ? id : "", job);
}

/* Waits until the job is done, as the service does. */
static void get_rows(struct warehouse *warehouse, const char *id, struct exchange *exchange)
{
    const json_t *job = json_object_get(warehouse->jobs, id);
    if (!job) {
        refuse(exchange, 404, "notFound", "Not found: Job");
        return;
    }
    if (json_object_get(job, "error")) {
        refuse(exchange, 400, "invalidQuery", json_text_at(job, "error.message"));
        return;
    }
    int64_t left_ms = number_at(job, "due_ms") - clock_ms();
    if (left_ms > exchange->delay_ms) exchange->delay_ms = left_ms;
    reply(exchange, 200,
          json_pack("{s:b, s:{s:s, s:s}, s:O}", "jobComplete", 1, "jobReference", "jobId", id, "location",
                    "EU", "rows", json_object_get(job, "rows")));
}

static void serve_jobs(struct warehouse *warehouse, const char *path, struct exchange *exchange)
{
    bool is_post = strcmp(exchange->method, "POST") == 0;
    AUTO(json_drop) json_t *request = is_post ? request_json(exchange) : NULL;
    exchange->delay_ms = duration_ms(warehouse, DURATION_CALL);
    if (strcmp(path, "queries") == 0 && is_post) {
        exchange->delay_ms = duration_ms(warehouse, DURATION_QUERY);
        warehouse->job_count++;
        const char *sql = json_text_at(request, "query");
        reply(exchange, 200,
              json_pack("{s:b, s:{s:s, s:s}, s:o}", "jobComplete", 1, "jobReference", "jobId", "read",
                        "location", "EU", "rows", answer_query(warehouse, sql ? sql : "")));
    } else if (strncmp(path, "queries/", 8) == 0) {
        get_rows(warehouse, path + 8, exchange);
    } else if (strcmp(path, "jobs") == 0 && is_post) {
        reply(exchange, 200, begin_job(warehouse, request, DURATION_QUERY));
    } else {
        const json_t *job = json_object_get(warehouse->jobs, path + 5);
        if (job)
            reply(exchange, 200, job_resource(warehouse, path + 5, job));
        else
            refuse(exchange, 404, "notFound", "Not found: Job");
    }
}

/* --- uploads --- */

static void begin_upload(struct warehouse *warehouse, struct exchange *exchange)
{
    struct session *session = mem_zero(1, sizeof *session);
    session->job = request_json(exchange);
    warehouse->sessions =
        mem_grow(warehouse->sessions, warehouse->session_count + 1, sizeof(struct session *));
    warehouse->sessions[warehouse->session_count] = session;
    (void)snprintf(exchange->location, sizeof exchange->location,
                   "http://%s/upload/bigquery/v2/projects/p/jobs?uploadType=resumable&upload_id=%zu",
                   exchange_header(exchange, "Host"), warehouse->session_count++);
    exchange->delay_ms = duration_ms(warehouse, DURATION_CALL);
}

static void count_rows(struct session *session, const struct buf *bytes)
{
    static unsigned char text[BLOCK];
    z_stream *inflater = &session->inflater;
    if (session->stored == 0 && inflateInit2(inflater, GZIP_WINDOW) != Z_OK) abort();
    inflater->next_in = (Bytef *)bytes->data;
    inflater->avail_in = (uInt)bytes->size;
    int result = Z_OK;
    inflater->avail_out = sizeof text;
    while (result == Z_OK && (inflater->avail_in > 0 || inflater->avail_out == 0)) {
        inflater->next_out = text;
        inflater->avail_out = sizeof text;
        result = inflate(inflater, Z_NO_FLUSH);
        const unsigned char *at = text, *end = inflater->next_out;
        while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL)
            at++, session->rows++;
    }
    session->is_broken |= result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR;
    session->stored += (int64_t)bytes->size;
}

/* "bytes 0-99/200", "bytes 0-99/ *": the first byte, and the total or -1 */
static void read_range(const struct exchange *exchange, long long *out_from, long long *out_total)
{
    const char *range = exchange_header(exchange, "Content-Range"),
               *slash = range ? strchr(range, '/') : NULL;
    *out_from = range && strncmp(range, "bytes ", 6) == 0 ? strtoll(range + 6, NULL, 10) : -1;
    *out_total = slash && slash[1] != '*' ? strtoll(slash + 1, NULL, 10) : -1;
}

static void put_bytes(struct warehouse *warehouse, struct exchange *exchange)
{
    const char *id = exchange_query(exchange, "upload_id");
    size_t number = id ? (size_t)strtoul(id, NULL, 10) : warehouse->session_count;
    long long from = 0, total = -1;
    exchange->delay_ms = duration_ms(warehouse, DURATION_UPLOAD);
    if (number >= warehouse->session_count) {
        refuse(exchange, 404, "notFound", "no such session");
        return;
    }
    struct session *session = warehouse->sessions[number];
    read_range(exchange, &from, &total);
    if (exchange->body.size > 0 && from == session->stored && !session->is_ended) {
        count_rows(session, &exchange->body);
        warehouse->bytes += (int64_t)exchange->body.size;
    }
    if (total < 0 || session->stored < total) {
        exchange->status = 308;
        if (session->stored > 0)
            (void)snprintf(exchange->range, sizeof exchange->range, "bytes=0-%" PRId64, session->stored - 1);
        return;
    }
    const char *table = json_text_at(session->job, "configuration.load.destinationTable.tableId");
    if (!session->is_ended && table && !session->is_broken)
        add_number(warehouse->staged, table, session->rows);
    if (!session->is_ended && session->stored > 0) (void)inflateEnd(&session->inflater);
    session->is_ended = true;
    reply(exchange, 200, begin_job(warehouse, session->job, DURATION_LOAD));
}

/* A small file with its job in one request; its rows are not looked at. */
static void take_multipart(struct warehouse *warehouse, struct exchange *exchange)
{
    const char *json = memchr(buf_string(&exchange->body), '{', exchange->body.size);
    AUTO(json_drop) json_t *job = json ? json_loads(json, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    reply(exchange, 200, begin_job(warehouse, job, DURATION_LOAD));
    exchange->delay_ms = duration_ms(warehouse, DURATION_UPLOAD);
}

static void tell_counts(struct warehouse *warehouse, struct exchange *exchange)
{
    reply(exchange, 200,
          json_pack("{s:I, s:I, s:I, s:O}", "calls", (json_int_t)warehouse->calls, "jobs",
                    (json_int_t)warehouse->job_count, "bytes", (json_int_t)warehouse->bytes, "committed",
                    warehouse->committed));
}

static void handle(void *self, struct exchange *exchange)
{
    struct warehouse *warehouse = self;
    char path[1024] = "";
    if (exchange_is(exchange, "GET", "/bench")) {
        tell_counts(warehouse, exchange);
        return;
    }
    warehouse->calls++;
    const char *upload = exchange_query(exchange, "uploadType");
    (void)sscanf(exchange->path, "/bigquery/v2/projects/%*[^/]/%1023s", path);
    if (strncmp(exchange->path, "/upload/", 8) == 0 && upload) {
        if (strcmp(exchange->method, "PUT") == 0)
            put_bytes(warehouse, exchange);
        else if (strcmp(upload, "resumable") == 0)
            begin_upload(warehouse, exchange);
        else
            take_multipart(warehouse, exchange);
    } else if (strncmp(path, "datasets", 8) == 0) {
        serve_tables(warehouse, path, exchange);
    } else if (strncmp(path, "jobs", 4) == 0 || strncmp(path, "queries", 7) == 0) {
        serve_jobs(warehouse, path, exchange);
    } else {
        refuse(exchange, 404, "notFound", "no such method");
    }
}

int main(int count, char **arguments)
{
    static struct warehouse warehouse; /* the end of the process frees what it holds */
    warehouse = (struct warehouse){
        .now_s = argument_int(count, arguments, "--now", 0),
        .began_ms = clock_ms(),
        .is_realistic = argument_int(count, arguments, "--realistic", 0) != 0,
        .tables = json_object(),
        .jobs = json_object(),
        .staged = json_object(),
        .locks = json_object(),
        .committed = json_object(),
    };
    return serve(handle, &warehouse);
}
