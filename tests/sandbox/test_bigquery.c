/* test_bigquery.c - the BigQuery room over HTTP: names, refusals, jobs, uploads and faults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <zlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "internal.h"
#include "store.h"

#define DATASETS "/bigquery/v2/projects/p/datasets"
#define JOBS     "/bigquery/v2/projects/p/jobs"
#define QUERIES  "/bigquery/v2/projects/p/queries"
#define UPLOAD   "/upload/bigquery/v2/projects/p/jobs?uploadType="
#define TABLE                                                                                                \
    "{'tableReference':{'projectId':'p','datasetId':'d','tableId':'%s'},'schema':{'fields':["                \
    "{'name':'id','type':'STRING','mode':'REQUIRED'},{'name':'at','type':'TIMESTAMP'},"                      \
    "{'name':'n','type':'INT64'}]}%s}"

struct room {
    struct sandbox *sandbox;
    CURL *curl;
};

struct answer {
    long status;
    json_t *body; /* NULL: none */
    char location[512];
    char range[64];
};

static void answer_done(struct answer *answer)
{
    json_decref(answer->body);
}

/* --- the client --- */

static size_t take_body(char *bytes, size_t size, size_t count, void *to)
{
    return buf_add(to, bytes, size * count) ? size * count : 0;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *to)
{
    struct answer *answer = to;
    AUTO(mem_free) char *line = mem_bytes(bytes, size * count);
    line[strcspn(line, "\r\n")] = '\0';
    if (strncasecmp(line, "location: ", 10) == 0)
        (void)snprintf(answer->location, sizeof answer->location, "%s", line + 10);
    if (strncasecmp(line, "range: ", 7) == 0)
        (void)snprintf(answer->range, sizeof answer->range, "%s", line + 7);
    return size * count;
}

struct request {
    const char *method;
    const char *path;      /* or a whole URL */
    const char *header[3]; /* NULL: no more */
    const char *body;
    size_t size;
};

static struct answer send_request(struct room *room, const struct request *request)
{
    struct answer answer = {.status = 0};
    struct buf body;
    buf_init(&body, 16 * 1024 * 1024);
    AUTO(mem_free)
    char *url = mem_format("http://127.0.0.1:%d%s", sandbox_http_port(room->sandbox), request->path);
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; i < 3 && request->header[i]; i++)
        headers = curl_slist_append(headers, request->header[i]);
    curl_easy_reset(room->curl);
    curl_easy_setopt(room->curl, CURLOPT_URL, request->path[0] == '/' ? url : request->path);
    curl_easy_setopt(room->curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(room->curl, CURLOPT_HTTPHEADER, headers);
    if (strcmp(request->method, "GET") != 0) {
        curl_easy_setopt(room->curl, CURLOPT_POSTFIELDS, request->body ? request->body : "");
        curl_easy_setopt(room->curl, CURLOPT_POSTFIELDSIZE, (long)request->size);
    }
    curl_easy_setopt(room->curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(room->curl, CURLOPT_WRITEDATA, &body);
    curl_easy_setopt(room->curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(room->curl, CURLOPT_HEADERDATA, &answer);
    if (curl_easy_perform(room->curl) == CURLE_OK)
        curl_easy_getinfo(room->curl, CURLINFO_RESPONSE_CODE, &answer.status);
    answer.body = json_loadb(buf_string(&body), body.size, JSON_DECODE_ANY, NULL);
    curl_slist_free_all(headers);
    buf_done(&body);
    return answer;
}

/* JSON with ' for ", so that it can be read here. */
static struct answer call(struct room *room, const char *method, const char *path, const char *format, ...)
    PRINTF(4, 5);

static struct answer call(struct room *room, const char *method, const char *path, const char *format, ...)
{
    char text[4096] = "";
    va_list args;
    va_start(args, format);
    int size = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert_in_range(size, 0, sizeof text - 1);
    for (char *at = text; *at; at++)
        if (*at == '\'') *at = '"';
    struct request request = {.method = method,
                              .path = path,
                              .header = {"Content-Type: application/json"},
                              .body = text,
                              .size = (size_t)size};
    return send_request(room, &request);
}

static const char *text_at(const struct answer *answer, const char *path)
{
    const char *text = json_text_at(answer->body, path);
    return text ? text : "";
}

static const char *reason_of(const struct answer *answer)
{
    const json_t *errors = json_at(answer->body, "error.errors");
    const char *reason = json_string_value(json_object_get(json_array_get(errors, 0), "reason"));
    return reason ? reason : "";
}

/* The call is refused, with this status and reason. */
static void assert_refused(struct answer answer, long status, const char *reason)
{
    assert_int_equal(answer.status, status);
    assert_string_equal(reason_of(&answer), reason);
    assert_int_equal(json_int_at(answer.body, "error.code", 0), status);
    answer_done(&answer);
}

static void assert_done(struct answer answer, long status)
{
    if (answer.status != status) print_message("%s\n", text_at(&answer, "error.message"));
    assert_int_equal(answer.status, status);
    answer_done(&answer);
}

static void make_table(struct room *room, const char *name, const char *more)
{
    assert_done(call(room, "POST", DATASETS "/d/tables", TABLE, name, more), 200);
}

static void add_fault(struct room *room, const char *line)
{
    struct error err;
    assert_true(faults_add(room->sandbox->faults, line, &err));
}

/* Polls as a client does; the answer is DONE. */
static struct answer wait_done(struct room *room, const char *id)
{
    AUTO(mem_free) char *path = mem_format(JOBS "/%s?location=EU", id);
    for (;;) {
        struct answer answer = call(room, "GET", path, "%s", "");
        assert_int_equal(answer.status, 200);
        if (strcmp(text_at(&answer, "status.state"), "DONE") == 0) return answer;
        answer_done(&answer);
    }
}

static struct answer insert_query(struct room *room, const char *id, const char *sql)
{
    return call(room, "POST", JOBS,
                "{'jobReference':{'projectId':'p','jobId':'%s','location':'EU'},"
                "'configuration':{'query':{'query':'%s','useLegacySql':false}}}",
                id, sql);
}

/* --- the room --- */

static int set_up(void **state)
{
    struct room *room = mem_zero(1, sizeof *room);
    struct error err;
    struct sandbox_options options = {.seed = 1};
    if (!sandbox_start(&options, &room->sandbox, &err)) {
        print_message("%s\n", err.text);
        free(room);
        return -1;
    }
    room->curl = curl_easy_init();
    *state = room;
    assert_done(call(room, "POST", DATASETS, "{'datasetReference':{'datasetId':'d'},'location':'EU'}"), 200);
    return 0;
}

static int tear_down(void **state)
{
    struct room *room = *state;
    curl_easy_cleanup(room->curl);
    sandbox_stop(room->sandbox);
    free(room);
    return 0;
}

/* --- datasets and tables --- */

static void datasets(void **state)
{
    struct room *room = *state;
    assert_refused(call(room, "POST", DATASETS, "{'datasetReference':{'datasetId':'d'}}"), 409, "duplicate");
    assert_refused(call(room, "POST", DATASETS, "{'datasetReference':{'datasetId':'a-b'}}"), 400, "invalid");
    assert_refused(call(room, "POST", DATASETS, "{'datasetReference':{'datasetId':'e'},'locatoin':'EU'}"),
                   400, "invalid");
    assert_refused(call(room, "POST", DATASETS, "{'datasetReference':{'datasetId':'e'},'labels':{'A':'b'}}"),
                   400, "invalid");
    assert_refused(call(room, "GET", DATASETS "/none", "%s", ""), 404, "notFound");
    assert_refused(call(room, "GET", "/bigquery/v2/projects/q/datasets/d", "%s", ""), 404, "notFound");
    assert_refused(call(room, "PATCH", DATASETS "/d", "{'location':'US'}"), 400, "invalid");
    struct answer answer AUTO(answer_done) = call(room, "GET", "/projects/p/datasets/d", "%s", "");
    assert_int_equal(answer.status, 200);
    assert_string_equal(text_at(&answer, "kind"), "bigquery#dataset");
    assert_string_equal(text_at(&answer, "location"), "EU");
    assert_true(text_at(&answer, "etag")[0] != '\0');
    make_table(room, "t", "");
    assert_refused(call(room, "DELETE", DATASETS "/d", "%s", ""), 400, "resourceInUse");
    assert_done(call(room, "DELETE", DATASETS "/d?deleteContents=true", "%s", ""), 204);
    assert_refused(call(room, "GET", DATASETS "/d", "%s", ""), 404, "notFound");
}

static void schemas(void **state)
{
    static const char *const bad[] = {
        "{'name':'_partition_date','type':'DATE'}",
        "{'name':'a','type':'STRING'},{'name':'A','type':'STRING'}",
        "{'name':'a','type':'WORD'}",
        "{'name':'a','type':'STRING','mode':'MAYBE'}",
        "{'name':'1a','type':'STRING'}",
        "{'name':'a','type':'RECORD'}",
        "{'name':'a','type':'STRING','maximum':'1'}",
        "{'name':'a','type':'RECORD','fields':[{'name':'b c','type':'STRING'}]}",
    };
    struct room *room = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(call(room, "POST", DATASETS "/d/tables",
                            "{'tableReference':{'tableId':'t'},'schema':{'fields':[%s]}}", bad[i]),
                       400, "invalid");
    assert_refused(call(room, "POST", DATASETS "/d/tables", TABLE, "t",
                        ",'timePartitioning':{'type':'DAY','field':'n'}"),
                   400, "invalid");
    assert_refused(call(room, "POST", DATASETS "/d/tables", TABLE, "t", ",'clustering':{'fields':['none']}"),
                   400, "invalid");
    assert_refused(call(room, "POST", DATASETS "/d/tables", TABLE, "t", ",'expirationTime':'1'"), 400,
                   "invalid");
    assert_refused(call(room, "POST", DATASETS "/d/tables", TABLE, "t", ",'requirePartitionFilter':true"),
                   400, "invalid");
}

static void tables(void **state)
{
    struct room *room = *state;
    make_table(room, "t", ",'timePartitioning':{'type':'DAY','field':'at'},'clustering':{'fields':['id']}");
    assert_refused(call(room, "POST", DATASETS "/d/tables", TABLE, "t", ""), 409, "duplicate");
    assert_refused(call(room, "POST", DATASETS "/none/tables", TABLE, "t", ""), 404, "notFound");
    struct answer answer AUTO(answer_done) = call(room, "GET", DATASETS "/d/tables/t", "%s", "");
    assert_string_equal(text_at(&answer, "kind"), "bigquery#table");
    assert_string_equal(text_at(&answer, "numRows"), "0");
    assert_string_equal(text_at(&answer, "type"), "TABLE");
    const json_t *third = json_array_get(json_at(answer.body, "schema.fields"), 2);
    assert_string_equal(json_text_at(third, "type"), "INTEGER"); /* given as INT64 */
    struct answer list AUTO(answer_done) = call(room, "GET", DATASETS "/d/tables", "%s", "");
    assert_int_equal(json_array_size(json_at(list.body, "tables")), 1);
    assert_done(call(room, "DELETE", DATASETS "/d/tables/t", "%s", ""), 204);
    assert_refused(call(room, "GET", DATASETS "/d/tables/t", "%s", ""), 404, "notFound");
    assert_refused(call(room, "DELETE", DATASETS "/d/tables/t", "%s", ""), 404, "notFound");
}

#define FIELDS                                                                                               \
    "{'name':'id','type':'STRING','mode':'REQUIRED'},{'name':'at','type':'TIMESTAMP'},"                      \
    "{'name':'n','type':'INTEGER'}"

static void patches(void **state)
{
    static const char path[] = DATASETS "/d/tables/t";
    struct room *room = *state;
    make_table(room, "t", ",'timePartitioning':{'type':'DAY','field':'at'},'labels':{'a':'1'}");
    struct answer old AUTO(answer_done) = call(room, "GET", path, "%s", "");
    AUTO(mem_free) char *match = mem_format("If-Match: %s", text_at(&old, "etag"));
    assert_done(call(room, "PATCH", path, "{'labels':{'b':'2'},'schema':{'fields':[" FIELDS ",%s]}}",
                     "{'name':'new','type':'JSON'}"),
                200);
    struct answer now AUTO(answer_done) = call(room, "GET", path, "%s", "");
    assert_int_equal(json_array_size(json_at(now.body, "schema.fields")), 4);
    assert_string_equal(text_at(&now, "labels.a"), "1");
    assert_string_not_equal(text_at(&now, "etag"), text_at(&old, "etag"));
    struct request stale = {
        .method = "PATCH", .path = path, .header = {match}, .body = "{\"description\":\"x\"}", .size = 19};
    assert_refused(send_request(room, &stale), 412, "conditionNotMet");
    assert_refused(call(room, "PATCH", path, "{'schema':{'fields':[" FIELDS "]}}"), 400,
                   "invalid"); /* "new" is missing */
    assert_refused(call(room, "PATCH", path, "{'schema':{'fields':[" FIELDS ",%s]}}",
                        "{'name':'new','type':'JSON'},{'name':'more','type':'STRING','mode':'REQUIRED'}"),
                   400, "invalid");
    assert_refused(
        call(room, "PATCH", path, "{'schema':{'fields':[" FIELDS ",%s]}}", "{'name':'new','type':'STRING'}"),
        400, "invalid");
    assert_refused(call(room, "PATCH", path, "{'timePartitioning':null}"), 400, "invalid");
    assert_refused(call(room, "PATCH", path, "{'colour':'red'}"), 400, "invalid");
}

static void expiry(void **state)
{
    struct room *room = *state;
    int64_t now_us = virtual_clock_peek(room->sandbox->clock);
    AUTO(mem_free) char *more = mem_format(",'expirationTime':'%lld'", (long long)(now_us / 1000 + 3600000));
    make_table(room, "t", more);
    virtual_clock_advance(room->sandbox->clock, INT64_C(3500) * 1000000);
    assert_done(call(room, "GET", DATASETS "/d/tables/t", "%s", ""), 200);
    virtual_clock_advance(room->sandbox->clock, INT64_C(101) * 1000000);
    assert_refused(call(room, "GET", DATASETS "/d/tables/t", "%s", ""), 404, "notFound");
}

static void views(void **state)
{
    static const char body[] = "{'tableReference':{'tableId':'v'},'view':{'query':'%s'%s}}";
    struct room *room = *state;
    make_table(room, "t", "");
    assert_refused(call(room, "POST", DATASETS "/d/tables", body, "SELECT id FROM `p.d.t`", ""), 400,
                   "invalid");
    assert_refused(call(room, "POST", DATASETS "/d/tables", body, "SELEKT 1", ",'useLegacySql':false"), 400,
                   "invalidQuery");
    assert_done(
        call(room, "POST", DATASETS "/d/tables", body, "SELECT id FROM `p.d.t`", ",'useLegacySql':false"),
        200);
    struct answer answer AUTO(answer_done) = call(room, "GET", DATASETS "/d/tables/v", "%s", "");
    assert_string_equal(text_at(&answer, "type"), "VIEW");
    const json_t *first = json_array_get(json_at(answer.body, "schema.fields"), 0);
    assert_string_equal(json_text_at(first, "name"), "id");
    assert_refused(call(room, "GET", DATASETS "/d/tables/v/data", "%s", ""), 400, "invalid");
}

/* --- jobs --- */

static void job_names(void **state)
{
    struct room *room = *state;
    assert_done(insert_query(room, "one", "SELECT 1 AS one"), 200);
    struct answer done AUTO(answer_done) = wait_done(room, "one");
    assert_null(json_at(done.body, "status.errorResult"));
    assert_string_equal(text_at(&done, "statistics.query.statementType"), "SELECT");
    assert_refused(insert_query(room, "one", "SELECT 1 AS one"), 409, "duplicate");
    assert_refused(insert_query(room, "a b", "SELECT 1 AS one"), 400, "invalid");
    assert_refused(call(room, "GET", JOBS "/one?location=US", "%s", ""), 404, "notFound");
    assert_done(call(room, "GET", JOBS "/one", "%s", ""), 200); /* EU and US are found without */
    assert_refused(call(room, "GET", JOBS "/two?location=EU", "%s", ""), 404, "notFound");
    assert_done(insert_query(room, "bad", "SELEKT 1"), 200); /* a failed job is no failed request */
    struct answer bad AUTO(answer_done) = wait_done(room, "bad");
    assert_string_equal(text_at(&bad, "status.errorResult.reason"), "invalidQuery");
    assert_refused(insert_query(room, "bad", "SELECT 1 AS one"), 409, "duplicate");
    assert_refused(call(room, "GET", QUERIES "/bad?location=EU", "%s", ""), 400, "invalidQuery");
}

static void regions(void **state)
{
    struct room *room = *state;
    assert_done(
        call(room, "POST", DATASETS, "{'datasetReference':{'datasetId':'x'},'location':'europe-west3'}"),
        200);
    assert_done(call(room, "POST", JOBS,
                     "{'jobReference':{'projectId':'p','jobId':'far','location':'europe-west3'},"
                     "'configuration':{'query':{'query':'SELECT 1 AS one','useLegacySql':false}}}"),
                200);
    assert_refused(call(room, "GET", JOBS "/far", "%s", ""), 404, "notFound");
    assert_done(call(room, "GET", JOBS "/far?location=europe-west3", "%s", ""), 200);
    assert_done(insert_query(room, "wrong", "SELECT * FROM `p.x.t`"), 200);
    struct answer wrong AUTO(answer_done) = wait_done(room, "wrong");
    assert_string_equal(text_at(&wrong, "status.errorResult.reason"), "notFound");
    assert_non_null(strstr(text_at(&wrong, "status.errorResult.message"), "in location EU"));
}

static void refused_jobs(void **state)
{
    static const char *const bad[] = {
        "{'query':{'query':'SELECT 1'}}", /* legacy SQL by default */
        "{'query':{'query':'SELECT 1','useLegacySql':true}}",
        "{'query':{'query':'SELECT 1','useLegacySql':false,'destination':'x'}}",
        "{'query':{'query':'SELECT "
        "@a','useLegacySql':false,'parameterMode':'NAMED','queryParameters':[{'name':'a'}]}}",
        "{'query':{'query':'SELECT 1','useLegacySql':false},'labels':{'Upper':'x'}}",
    };
    struct room *room = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(call(room, "POST", JOBS, "{'configuration':%s}", bad[i]), 400, "invalid");
    assert_refused(call(room, "POST", JOBS, "{'configuration':{}}"), 400, "required");
    assert_refused(call(room, "POST", JOBS, "not json"), 400, "parseError");
}

static void job_faults(void **state)
{
    struct room *room = *state;
    add_fault(room, "bigquery job 1 fail backendError");
    add_fault(room, "bigquery job 2 lost-statistics");
    add_fault(room, "bigquery job 3 delay 60000");
    assert_done(insert_query(room, "one", "SELECT 1 AS one"), 200);
    struct answer failed AUTO(answer_done) = wait_done(room, "one");
    assert_string_equal(text_at(&failed, "status.errorResult.reason"), "backendError");
    assert_done(insert_query(room, "two", "SELECT 1 AS one"), 200);
    struct answer lost AUTO(answer_done) = wait_done(room, "two");
    assert_null(json_at(lost.body, "status.errorResult"));
    assert_null(json_at(lost.body, "statistics.query"));
    assert_done(insert_query(room, "three", "SELECT 1 AS one"), 200);
    struct answer open AUTO(answer_done) =
        call(room, "GET", QUERIES "/three?location=EU&timeoutMs=1", "%s", "");
    assert_true(json_is_false(json_at(open.body, "jobComplete")));
    assert_done(call(room, "POST", JOBS "/three/cancel?location=EU", "%s", ""), 200);
    struct answer stopped AUTO(answer_done) = wait_done(room, "three");
    assert_string_equal(text_at(&stopped, "status.errorResult.reason"), "stopped");
}

/* Held before its COMMIT until one more job has ended; the room's end frees a second one. */
static void held_jobs(void **state)
{
    static const char script[] = "BEGIN TRANSACTION; SELECT 1 AS one; COMMIT TRANSACTION;";
    struct room *room = *state;
    add_fault(room, "bigquery job 1 hold COMMIT 1");
    add_fault(room, "bigquery job 3 hold COMMIT 1");
    assert_done(insert_query(room, "held", script), 200);
    struct answer open AUTO(answer_done) =
        call(room, "GET", QUERIES "/held?location=EU&timeoutMs=50", "%s", "");
    assert_true(json_is_false(json_at(open.body, "jobComplete")));
    assert_done(insert_query(room, "free", "SELECT 1 AS one"), 200);
    struct answer free_one AUTO(answer_done) = wait_done(room, "free");
    struct answer held AUTO(answer_done) = wait_done(room, "held");
    assert_null(json_at(held.body, "status.errorResult"));
    assert_true(json_int_at(held.body, "statistics.endTime", 0) >
                json_int_at(free_one.body, "statistics.endTime", 0));
    assert_done(insert_query(room, "last", script), 200);
    assert_int_equal(bigquery_running(room->sandbox->bigquery), 1);
}

/* --- loads --- */

static const char load_job[] =
    "{\"jobReference\":{\"projectId\":\"p\",\"jobId\":\"%s\",\"location\":\"EU\"},\"configuration\":{"
    "\"load\":{"
    "\"destinationTable\":{\"projectId\":\"p\",\"datasetId\":\"d\",\"tableId\":\"t\"},"
    "\"sourceFormat\":\"NEWLINE_DELIMITED_JSON\",\"createDisposition\":\"CREATE_NEVER\",\"writeDisposition\":"
    "\"%s\"%s}}}";

static struct answer multipart(struct room *room, const char *job, const char *rows)
{
    AUTO(mem_free)
    char *body = mem_format("--xyz\r\nContent-Type: application/json\r\n\r\n%s\r\n--xyz\r\n"
                            "Content-Type: application/octet-stream\r\n\r\n%s\r\n--xyz--\r\n",
                            job, rows);
    struct request request = {.method = "POST",
                              .path = UPLOAD "multipart",
                              .header = {"Content-Type: multipart/related; boundary=xyz"},
                              .body = body,
                              .size = strlen(body)};
    return send_request(room, &request);
}

static struct answer load(struct room *room, const char *id, const char *write, const char *more,
                          const char *rows)
{
    AUTO(mem_free) char *job = mem_format(load_job, id, write, more);
    struct answer answer = multipart(room, job, rows);
    if (answer.status != 200) return answer;
    answer_done(&answer);
    return wait_done(room, id);
}

static void loads(void **state)
{
    struct room *room = *state;
    make_table(room, "t", "");
    struct answer two AUTO(answer_done) =
        load(room, "a", "WRITE_EMPTY", "",
             "{\"id\":\"1\",\"n\":5}\n\n{\"id\":\"2\",\"at\":\"2026-03-02T04:00:00Z\"}");
    assert_null(json_at(two.body, "status.errorResult"));
    assert_string_equal(text_at(&two, "statistics.load.outputRows"), "2");
    struct answer full AUTO(answer_done) = load(room, "b", "WRITE_EMPTY", "", "{\"id\":\"3\"}\n");
    assert_string_equal(text_at(&full, "status.errorResult.reason"), "duplicate");
    struct answer bad AUTO(answer_done) =
        load(room, "c", "WRITE_APPEND", "", "{\"id\":\"3\"}\n{\"colour\":\"red\"}\n");
    assert_string_equal(text_at(&bad, "status.errorResult.reason"), "invalid");
    const json_t *error = json_array_get(json_at(bad.body, "status.errors"), 1);
    assert_non_null(strstr(json_text_at(error, "message"), "No such field: colour"));
    assert_non_null(strstr(json_text_at(error, "message"), "position 11"));
    struct answer some AUTO(answer_done) =
        load(room, "e", "WRITE_APPEND", ",\"maxBadRecords\":1", "{\"id\":\"3\"}\n{\"colour\":\"red\"}\n");
    assert_null(json_at(some.body, "status.errorResult"));
    assert_string_equal(text_at(&some, "statistics.load.badRecords"), "1");
    struct answer table AUTO(answer_done) = call(room, "GET", DATASETS "/d/tables/t", "%s", "");
    assert_string_equal(text_at(&table, "numRows"), "3");
    assert_refused(load(room, "a", "WRITE_APPEND", "", "{\"id\":\"9\"}\n"), 409, "duplicate");
    assert_refused(load(room, "f", "WRITE_APPEND", ",\"colour\":1", "{\"id\":\"9\"}\n"), 400, "invalid");
    assert_refused(load(room, "g", "WRITE_TWICE", "", "{\"id\":\"9\"}\n"), 400, "invalid");
    assert_done(call(room, "DELETE", DATASETS "/d/tables/t", "%s", ""), 204);
    struct answer gone AUTO(answer_done) = load(room, "h", "WRITE_APPEND", "", "{\"id\":\"9\"}\n");
    assert_string_equal(text_at(&gone, "status.errorResult.reason"), "notFound");
}

static void rows(void **state)
{
    struct room *room = *state;
    make_table(room, "t", "");
    struct answer loaded AUTO(answer_done) =
        load(room, "a", "WRITE_EMPTY", "",
             "{\"id\":\"1\",\"at\":\"2026-03-02T04:00:00Z\"}\n{\"id\":\"2\",\"n\":7}\n");
    struct answer first AUTO(answer_done) =
        call(room, "GET", DATASETS "/d/tables/t/data?maxResults=1", "%s", "");
    assert_string_equal(text_at(&first, "totalRows"), "2");
    const json_t *cells = json_at(json_array_get(json_at(first.body, "rows"), 0), "f");
    assert_string_equal(json_text_at(json_array_get(cells, 1), "v"), "1.772424E9");
    AUTO(mem_free)
    char *more =
        mem_format(DATASETS "/d/tables/t/data?selectedFields=n&pageToken=%s", text_at(&first, "pageToken"));
    struct answer second AUTO(answer_done) = call(room, "GET", more, "%s", "");
    cells = json_at(json_array_get(json_at(second.body, "rows"), 0), "f");
    assert_int_equal(json_array_size(cells), 1);
    assert_string_equal(json_text_at(json_array_get(cells, 0), "v"), "7");
    assert_null(json_at(second.body, "pageToken"));

    struct answer query AUTO(answer_done) =
        call(room, "POST", QUERIES,
             "{'query':'SELECT at, n FROM `p.d.t`','useLegacySql':false,'location':'EU','maxResults':1,"
             "'formatOptions':{'useInt64Timestamp':true}}");
    assert_true(json_is_true(json_at(query.body, "jobComplete")));
    assert_string_equal(text_at(&query, "totalRows"), "2");
    assert_int_equal(json_array_size(json_at(query.body, "rows")), 1);
    AUTO(mem_free)
    char *rest = mem_format(QUERIES "/%s?location=EU&pageToken=%s", text_at(&query, "jobReference.jobId"),
                            text_at(&query, "pageToken"));
    struct answer last AUTO(answer_done) = call(room, "GET", rest, "%s", "");
    assert_int_equal(json_array_size(json_at(last.body, "rows")), 1);
    assert_null(json_at(last.body, "pageToken"));
    assert_refused(call(room, "POST", QUERIES, "{'query':'SELEKT 1','useLegacySql':false}"), 400,
                   "invalidQuery");
    assert_refused(call(room, "POST", QUERIES, "{'query':'SELECT 1'}"), 400, "invalid");
}

/* --- resumable uploads --- */

#define CHUNK 262144

static struct answer put(struct room *room, const char *session, const char *range, const char *bytes,
                         size_t size)
{
    AUTO(mem_free) char *header = mem_format("Content-Range: bytes %s", range);
    struct request request = {
        .method = "PUT", .path = session, .header = {header}, .body = bytes, .size = size};
    return send_request(room, &request);
}

static void start_session(struct room *room, const char *id, struct answer *out_answer)
{
    AUTO(mem_free) char *job = mem_format(load_job, id, "WRITE_APPEND", "");
    struct request request = {.method = "POST",
                              .path = UPLOAD "resumable",
                              .header = {"Content-Type: application/json"},
                              .body = job,
                              .size = strlen(job)};
    *out_answer = send_request(room, &request);
}

/* Rows enough for a little more than `size` bytes. */
static char *many_rows(size_t size, size_t *out_size, size_t *out_count)
{
    struct buf text;
    buf_init(&text, size + 1024);
    *out_count = 0;
    while (text.size < size)
        (void)buf_format(&text, "{\"id\":\"%zu\",\"n\":%zu}\n", *out_count, ++*out_count);
    return buf_take(&text, out_size);
}

static void resumable(void **state)
{
    struct room *room = *state;
    size_t size, count;
    AUTO(mem_free) char *bytes = many_rows(2 * CHUNK, &size, &count);
    struct answer start AUTO(answer_done);
    make_table(room, "t", "");
    start_session(room, "up", &start);
    assert_int_equal(start.status, 200);
    assert_non_null(strstr(start.location, "upload_id="));
    assert_refused(put(room, start.location, "0-99/*", bytes, 100), 400,
                   "badRequest"); /* no multiple of 256 KiB */
    assert_refused(put(room, start.location, "0-98/*", bytes, 100), 400, "badRequest");
    struct answer none AUTO(answer_done) = put(room, start.location, "*/*", NULL, 0);
    assert_int_equal(none.status, 308);
    assert_string_equal(none.range, "");
    add_fault(room, "bigquery upload.bytes 1 short 262144");
    struct answer part AUTO(answer_done) = put(room, start.location, "0-524287/*", bytes, 2 * CHUNK);
    assert_int_equal(part.status, 308);
    assert_string_equal(part.range, "bytes=0-262143");
    assert_refused(put(room, start.location, "524288-786431/*", bytes, CHUNK), 400, "badRequest"); /* a gap */
    AUTO(mem_free) char *rest = mem_format("262144-%zu/%zu", size - 1, size);
    assert_done(put(room, start.location, rest, bytes + CHUNK, size - CHUNK), 200);
    AUTO(mem_free) char *ask = mem_format("*/%zu", size);
    struct answer again AUTO(answer_done) =
        put(room, start.location, ask, NULL, 0); /* a lost answer is told again */
    assert_int_equal(again.status, 200);
    assert_string_equal(text_at(&again, "jobReference.jobId"), "up");
    struct answer done AUTO(answer_done) = wait_done(room, "up");
    AUTO(mem_free) char *rows_text = mem_format("%zu", count);
    assert_string_equal(text_at(&done, "statistics.load.outputRows"), rows_text);
    struct answer twin AUTO(answer_done);
    start_session(room, "up", &twin);
    assert_int_equal(twin.status, 409);
}

static void lost_session(void **state)
{
    struct room *room = *state;
    struct answer start AUTO(answer_done);
    make_table(room, "t", "");
    start_session(room, "up", &start);
    add_fault(room, "bigquery upload.bytes 1 lose-session");
    assert_refused(put(room, start.location, "0-10/11", "{\"id\":\"1\"}\n", 11), 404, "notFound");
    assert_refused(put(room, start.location, "*/11", NULL, 0), 404, "notFound");
    assert_refused(call(room, "GET", JOBS "/up?location=EU", "%s", ""), 404, "notFound");
}

static size_t gzip(const char *text, char *out, size_t room)
{
    z_stream stream = {.zalloc = NULL};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    AUTO(mem_free) char *copy = mem_text(text);
    stream.next_in = (Bytef *)copy;
    stream.avail_in = (uInt)strlen(copy);
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t size = room - stream.avail_out;
    deflateEnd(&stream);
    return size;
}

static struct answer load_bytes(struct room *room, const char *id, const char *bytes, size_t size)
{
    struct answer start AUTO(answer_done);
    start_session(room, id, &start);
    AUTO(mem_free) char *range = mem_format("0-%zu/*", CHUNK - 1);
    AUTO(mem_free) char *whole = mem_format("0-%zu/%zu", size - 1, size);
    assert_done(put(room, start.location, whole, bytes, size), 200);
    return wait_done(room, id);
}

static void gzipped(void **state)
{
    struct room *room = *state;
    char packed[512];
    make_table(room, "t", "");
    size_t size = gzip("{\"id\":\"1\"}\n{\"id\":\"2\"}\n", packed, sizeof packed);
    struct answer whole AUTO(answer_done) = load_bytes(room, "whole", packed, size);
    assert_string_equal(text_at(&whole, "statistics.load.outputRows"), "2");
    struct answer cut AUTO(answer_done) = load_bytes(room, "cut", packed, size - 4);
    assert_string_equal(text_at(&cut, "status.errorResult.reason"), "invalid");
    size += gzip("{\"id\":\"3\"}\n", packed + size, sizeof packed - size); /* a second member */
    struct answer two AUTO(answer_done) = load_bytes(room, "two", packed, size);
    assert_string_equal(text_at(&two, "statistics.load.outputRows"), "3");
}

/* --- the journal --- */

static void journal(void **state)
{
    struct room *room = *state;
    struct buf lines;
    buf_init(&lines, 1024 * 1024);
    make_table(room, "t", "");
    struct answer loaded AUTO(answer_done) = load(room, "a", "WRITE_EMPTY", "", "{\"id\":\"1\"}\n");
    assert_done(
        call(room, "POST", JOBS,
             "{'jobReference':{'projectId':'p','jobId':'q','location':'EU'},'configuration':{'query':{"
             "'query':'SELECT id FROM `p.d.t` WHERE id = @id','useLegacySql':false,'parameterMode':'NAMED',"
             "'queryParameters':[{'name':'id','parameterType':{'type':'STRING'},'parameterValue':{'value':'1'"
             "}}]"
             "}}}"),
        200);
    struct answer queried AUTO(answer_done) = wait_done(room, "q");
    assert_null(json_at(queried.body, "status.errorResult"));
    journal_dump(room->sandbox->journal, "bigquery", 0, &lines);
    size_t seen = 0;
    for (const char *line = buf_string(&lines); *line; line += strcspn(line, "\n"), line += *line == '\n') {
        json_t *entry = json_loadb(line, strcspn(line, "\n"), 0, NULL);
        const char *operation = json_text_at(entry, "operation"), *id = json_text_at(entry, "job");
        if (operation && strcmp(operation, "job") == 0 && strcmp(id, "a") == 0) {
            assert_string_equal(json_text_at(entry, "data"), "{\"id\":\"1\"}\n");
            seen++;
        } else if (operation && strcmp(operation, "job") == 0) {
            assert_non_null(strstr(json_text_at(entry, "query"), "@id"));
            assert_int_equal(json_array_size(json_at(entry, "queryParameters")), 1);
            assert_string_equal(json_string_value(json_array_get(json_at(entry, "tables"), 0)), "d.t");
            seen++;
        }
        json_decref(entry);
    }
    assert_int_equal(seen, 2);
    buf_done(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(datasets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(schemas, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tables, set_up, tear_down),
        cmocka_unit_test_setup_teardown(patches, set_up, tear_down),
        cmocka_unit_test_setup_teardown(expiry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(views, set_up, tear_down),
        cmocka_unit_test_setup_teardown(job_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(regions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refused_jobs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(job_faults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(held_jobs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(loads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(resumable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lost_session, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gzipped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(journal, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
