/* SPDX-License-Identifier: Apache-2.0 */
/* test_bigquery_load.c - loads, uploads and rows over HTTP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "bigquery/internal.h"
#include "sandbox_internal.h"
#include "shared/gzip_file.h"
#include "test/bigquery_fixture.h"

/* --- loads --- */

static const char load_job[] =
    "{\"jobReference\":{\"projectId\":\"p\",\"jobId\":\"%s\",\"location\":\"EU\"},\"configuration\":{"
    "\"load\":{"
    "\"destinationTable\":{\"projectId\":\"p\",\"datasetId\":\"d\",\"tableId\":\"t\"},"
    "\"sourceFormat\":\"NEWLINE_DELIMITED_JSON\",\"createDisposition\":\"CREATE_NEVER\",\"writeDisposition\":"
    "\"%s\"%s}}}";

static struct answer multipart(struct fixture *fixture, const char *job, const char *rows)
{
    AUTO(mem_free)
    char *body = mem_format("--xyz\r\nContent-Type: application/json\r\n\r\n%s\r\n--xyz\r\n"
                            "Content-Type: application/octet-stream\r\n\r\n%s\r\n--xyz--\r\n",
                            job, rows);
    struct client_call request = {.method = "POST",
                                  .path = UPLOAD "multipart",
                                  .header = {"Content-Type: multipart/related; boundary=xyz"},
                                  .body = body,
                                  .size = strlen(body)};
    return send_request(fixture, &request);
}

static struct answer load(struct fixture *fixture, const char *id, const char *write, const char *more,
                          const char *rows)
{
    AUTO(mem_free) char *job = mem_format(load_job, id, write, more);
    struct answer answer = multipart(fixture, job, rows);
    if (answer.status != 200) return answer;
    answer_done(&answer);
    return wait_done(fixture, id);
}

static void loads(void **state)
{
    struct fixture *fixture = *state;
    given_table(fixture, "t", "");
    struct answer two AUTO(answer_done) =
        load(fixture, "a", "WRITE_EMPTY", "",
             "{\"id\":\"1\",\"n\":5}\n\n{\"id\":\"2\",\"at\":\"2026-03-02T04:00:00Z\"}");
    assert_null(json_at(two.body, "status.errorResult"));
    assert_string_equal(text_at(&two, "statistics.load.outputRows"), "2");
    struct answer full AUTO(answer_done) = load(fixture, "b", "WRITE_EMPTY", "", "{\"id\":\"3\"}\n");
    assert_string_equal(text_at(&full, "status.errorResult.reason"), "duplicate");
    struct answer bad AUTO(answer_done) =
        load(fixture, "c", "WRITE_APPEND", "", "{\"id\":\"3\"}\n{\"colour\":\"red\"}\n");
    assert_string_equal(text_at(&bad, "status.errorResult.reason"), "invalid");
    const json_t *error = json_array_get(json_at(bad.body, "status.errors"), 1);
    assert_non_null(strstr(json_text_at(error, "message"), "No such field: colour"));
    assert_non_null(strstr(json_text_at(error, "message"), "position 11"));
    struct answer some AUTO(answer_done) =
        load(fixture, "e", "WRITE_APPEND", ",\"maxBadRecords\":1", "{\"id\":\"3\"}\n{\"colour\":\"red\"}\n");
    assert_null(json_at(some.body, "status.errorResult"));
    assert_string_equal(text_at(&some, "statistics.load.badRecords"), "1");
    struct answer table AUTO(answer_done) = call(fixture, "GET", DATASETS "/d/tables/t", "%s", "");
    assert_string_equal(text_at(&table, "numRows"), "3");
    assert_refused(load(fixture, "a", "WRITE_APPEND", "", "{\"id\":\"9\"}\n"), 409, "duplicate");
    assert_refused(load(fixture, "f", "WRITE_APPEND", ",\"colour\":1", "{\"id\":\"9\"}\n"), 400, "invalid");
    assert_refused(load(fixture, "g", "WRITE_TWICE", "", "{\"id\":\"9\"}\n"), 400, "invalid");
    assert_done(call(fixture, "DELETE", DATASETS "/d/tables/t", "%s", ""), 204);
    struct answer gone AUTO(answer_done) = load(fixture, "h", "WRITE_APPEND", "", "{\"id\":\"9\"}\n");
    assert_string_equal(text_at(&gone, "status.errorResult.reason"), "notFound");
}

static void rows(void **state)
{
    struct fixture *fixture = *state;
    given_table(fixture, "t", "");
    struct answer loaded AUTO(answer_done) =
        load(fixture, "a", "WRITE_EMPTY", "",
             "{\"id\":\"1\",\"at\":\"2026-03-02T04:00:00Z\"}\n{\"id\":\"2\",\"n\":7}\n");
    assert_null(json_at(loaded.body, "status.errorResult"));
    struct answer first AUTO(answer_done) =
        call(fixture, "GET", DATASETS "/d/tables/t/data?maxResults=1", "%s", "");
    assert_string_equal(text_at(&first, "totalRows"), "2");
    const json_t *cells = json_at(json_array_get(json_at(first.body, "rows"), 0), "f");
    assert_string_equal(json_text_at(json_array_get(cells, 1), "v"), "1.772424E9");
    struct answer exact AUTO(answer_done) =
        call(fixture, "GET", DATASETS "/d/tables/t/data?formatOptions.useInt64Timestamp=True", "%s", "");
    cells = json_at(json_array_get(json_at(exact.body, "rows"), 0), "f");
    assert_string_equal(json_text_at(json_array_get(cells, 1), "v"), "1772424000000000");
    AUTO(mem_free)
    char *more =
        mem_format(DATASETS "/d/tables/t/data?selectedFields=n&pageToken=%s", text_at(&first, "pageToken"));
    struct answer second AUTO(answer_done) = call(fixture, "GET", more, "%s", "");
    cells = json_at(json_array_get(json_at(second.body, "rows"), 0), "f");
    assert_int_equal(json_array_size(cells), 1);
    assert_string_equal(json_text_at(json_array_get(cells, 0), "v"), "7");
    assert_null(json_at(second.body, "pageToken"));

    struct answer query AUTO(answer_done) =
        call(fixture, "POST", QUERIES,
             "{'query':'SELECT `at`, n FROM `p.d.t`','useLegacySql':false,'location':'EU','maxResults':1,"
             "'formatOptions':{'useInt64Timestamp':true}}");
    assert_true(json_is_true(json_at(query.body, "jobComplete")));
    assert_string_equal(text_at(&query, "totalRows"), "2");
    assert_int_equal(json_array_size(json_at(query.body, "rows")), 1);
    AUTO(mem_free)
    char *rest = mem_format(QUERIES "/%s?location=EU&pageToken=%s", text_at(&query, "jobReference.jobId"),
                            text_at(&query, "pageToken"));
    struct answer last AUTO(answer_done) = call(fixture, "GET", rest, "%s", "");
    assert_int_equal(json_array_size(json_at(last.body, "rows")), 1);
    assert_null(json_at(last.body, "pageToken"));
    assert_refused(call(fixture, "POST", QUERIES, "{'query':'SELEKT 1','useLegacySql':false}"), 400,
                   "invalidQuery");
    assert_refused(call(fixture, "POST", QUERIES, "{'query':'SELECT 1'}"), 400, "invalid");
}

/* --- resumable uploads --- */

#define CHUNK 262144

static struct answer put(struct fixture *fixture, const char *session, const char *range, const char *bytes,
                         size_t size)
{
    AUTO(mem_free) char *header = mem_format("Content-Range: bytes %s", range);
    struct client_call request = {
        .method = "PUT", .path = session, .header = {header}, .body = bytes, .size = size};
    return send_request(fixture, &request);
}

static void start_session(struct fixture *fixture, const char *id, struct answer *out_answer)
{
    AUTO(mem_free) char *job = mem_format(load_job, id, "WRITE_APPEND", "");
    struct client_call request = {.method = "POST",
                                  .path = UPLOAD "resumable",
                                  .header = {"Content-Type: application/json"},
                                  .body = job,
                                  .size = strlen(job)};
    *out_answer = send_request(fixture, &request);
}

/* Rows enough for a little more than `size` bytes. */
static char *many_rows(size_t size, size_t *out_size, size_t *out_count)
{
    struct buf text;
    buf_init(&text, size + 1024);
    *out_count = 0;
    while (text.size < size)
        buf_format(&text, "{\"id\":\"%zu\",\"n\":1}\n", (*out_count)++);
    return buf_take(&text, out_size);
}

static void resumable(void **state)
{
    struct fixture *fixture = *state;
    size_t size, count;
    AUTO(mem_free) char *bytes = many_rows(2 * CHUNK, &size, &count);
    struct answer start AUTO(answer_done);
    given_table(fixture, "t", "");
    start_session(fixture, "up", &start);
    assert_int_equal(start.status, 200);
    assert_non_null(strstr(start.location, "upload_id="));
    assert_refused(put(fixture, start.location, "0-99/*", bytes, 100), 400,
                   "badRequest"); /* no multiple of 256 KiB */
    assert_refused(put(fixture, start.location, "0-98/*", bytes, 100), 400, "badRequest");
    struct answer none AUTO(answer_done) = put(fixture, start.location, "*/*", NULL, 0);
    assert_int_equal(none.status, 308);
    assert_string_equal(none.range, "");
    add_fault(fixture, "bigquery upload.bytes 1 short 262144");
    struct answer part AUTO(answer_done) = put(fixture, start.location, "0-524287/*", bytes, 2 * CHUNK);
    assert_int_equal(part.status, 308);
    assert_string_equal(part.range, "bytes=0-262143");
    assert_refused(put(fixture, start.location, "524288-786431/*", bytes, CHUNK), 400,
                   "badRequest"); /* a gap */
    AUTO(mem_free) char *rest = mem_format("262144-%zu/%zu", size - 1, size);
    assert_done(put(fixture, start.location, rest, bytes + CHUNK, size - CHUNK), 200);
    AUTO(mem_free) char *ask = mem_format("*/%zu", size);
    struct answer again AUTO(answer_done) =
        put(fixture, start.location, ask, NULL, 0); /* a lost answer is repeated */
    assert_int_equal(again.status, 200);
    assert_string_equal(text_at(&again, "jobReference.jobId"), "up");
    struct answer done AUTO(answer_done) = wait_done(fixture, "up");
    AUTO(mem_free) char *rows_text = mem_format("%zu", count);
    assert_string_equal(text_at(&done, "statistics.load.outputRows"), rows_text);
    struct answer twin AUTO(answer_done);
    start_session(fixture, "up", &twin);
    assert_int_equal(twin.status, 409);
}

static void lost_session(void **state)
{
    struct fixture *fixture = *state;
    struct answer start AUTO(answer_done);
    given_table(fixture, "t", "");
    start_session(fixture, "up", &start);
    add_fault(fixture, "bigquery upload.bytes 1 lose-session");
    assert_refused(put(fixture, start.location, "0-10/11", "{\"id\":\"1\"}\n", 11), 404, "notFound");
    assert_refused(put(fixture, start.location, "*/11", NULL, 0), 404, "notFound");
    assert_refused(call(fixture, "GET", JOBS "/up?location=EU", "%s", ""), 404, "notFound");
}

static struct answer load_bytes(struct fixture *fixture, const char *id, const char *bytes, size_t size)
{
    struct answer start AUTO(answer_done);
    start_session(fixture, id, &start);
    AUTO(mem_free) char *whole = mem_format("0-%zu/%zu", size - 1, size);
    assert_done(put(fixture, start.location, whole, bytes, size), 200);
    return wait_done(fixture, id);
}

static void gzipped(void **state)
{
    struct fixture *fixture = *state;
    static const char first[] = "{\"id\":\"1\"}\n{\"id\":\"2\"}\n", second[] = "{\"id\":\"3\"}\n";
    AUTO(buf_done) struct buf packed = buf_limited(512);
    given_table(fixture, "t", "");
    gzip_file(first, sizeof first - 1, 6, &packed);
    struct answer whole AUTO(answer_done) = load_bytes(fixture, "whole", packed.data, packed.size);
    assert_string_equal(text_at(&whole, "statistics.load.outputRows"), "2");
    struct answer cut AUTO(answer_done) = load_bytes(fixture, "cut", packed.data, packed.size - 4);
    assert_string_equal(text_at(&cut, "status.errorResult.reason"), "invalid");
    gzip_file(second, sizeof second - 1, 6, &packed); /* a second member */
    struct answer two AUTO(answer_done) = load_bytes(fixture, "two", packed.data, packed.size);
    assert_string_equal(text_at(&two, "statistics.load.outputRows"), "3");
}

/* Which of the two BigQuery does is not documented. */
static void numbers_of_json_columns(void **state)
{
    struct fixture *fixture = *state;
    static const char rows[] = "{\"id\":\"1\",\"more\":{\"a\":[0.1,67.174118]}}\n";
    assert_done(call(fixture, "POST", DATASETS "/d/tables",
                     "{'tableReference':{'projectId':'p','datasetId':'d','tableId':'t'},'schema':{'fields':["
                     "{'name':'id','type':'STRING'},{'name':'more','type':'JSON'}]}}"),
                200);
    struct answer exact AUTO(answer_done) = load(fixture, "a", "WRITE_EMPTY", "", rows);
    assert_string_equal(text_at(&exact, "status.errorResult.reason"), "invalid");
    fixture->sandbox->bigquery->rounds_json = true;
    struct answer rounded AUTO(answer_done) = load(fixture, "b", "WRITE_EMPTY", "", rows);
    assert_null(json_at(rounded.body, "status.errorResult"));
    struct answer data AUTO(answer_done) = call(fixture, "GET", DATASETS "/d/tables/t/data", "%s", "");
    const json_t *row = json_array_get(json_at(data.body, "rows"), 0);
    const char *shown = json_text_at(json_array_get(json_at(row, "f"), 1), "v");
    assert_string_equal(shown, "{\"a\":[0.1,67.17411800000001]}");
}

/* --- the journal --- */

static void journal(void **state)
{
    struct fixture *fixture = *state;
    struct buf lines;
    buf_init(&lines, 1024 * 1024);
    given_table(fixture, "t", "");
    struct answer loaded AUTO(answer_done) = load(fixture, "a", "WRITE_EMPTY", "", "{\"id\":\"1\"}\n");
    assert_null(json_at(loaded.body, "status.errorResult"));
    assert_done(
        call(fixture, "POST", JOBS,
             "{'jobReference':{'projectId':'p','jobId':'q','location':'EU'},'configuration':{'query':{"
             "'query':'SELECT id FROM `p.d.t` WHERE id = @id','useLegacySql':false,'parameterMode':'NAMED',"
             "'queryParameters':[{'name':'id','parameterType':{'type':'STRING'},'parameterValue':{'value':'1'"
             "}}]"
             "}}}"),
        200);
    struct answer queried AUTO(answer_done) = wait_done(fixture, "q");
    assert_null(json_at(queried.body, "status.errorResult"));
    journal_dump(fixture->sandbox->journal, "bigquery", 0, &lines);
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

/* A table that was just made is not found once: by a load, by a query, by tables.get; or for a while. */
static void fresh_tables_are_missing(void **state)
{
    struct fixture *fixture = *state;
    static const char count[] = "SELECT COUNT(*) AS n FROM d.t";
    add_fault(fixture, "bigquery table 1 missing once load");
    given_table(fixture, "t", "");
    assert_done(insert_query(fixture, "found", count), 200);
    struct answer found AUTO(answer_done) = wait_done(fixture, "found");
    assert_null(json_at(found.body, "status.errorResult"));
    struct answer first AUTO(answer_done) = load(fixture, "a", "WRITE_EMPTY", "", "{\"id\":\"1\"}\n");
    assert_string_equal(text_at(&first, "status.errorResult.reason"), "notFound");
    struct answer second AUTO(answer_done) = load(fixture, "b", "WRITE_EMPTY", "", "{\"id\":\"1\"}\n");
    assert_null(json_at(second.body, "status.errorResult"));
    assert_done(call(fixture, "DELETE", DATASETS "/d/tables/t", "%s", ""), 204);
    add_fault(fixture, "bigquery table 1 missing once query");
    given_table(fixture, "t", "");
    given_table(fixture, "t2", "");
    assert_done(insert_query(fixture, "other", "SELECT COUNT(*) AS n FROM d.t2"), 200);
    struct answer other AUTO(answer_done) = wait_done(fixture, "other");
    assert_null(json_at(other.body, "status.errorResult"));
    assert_done(insert_query(fixture, "c", count), 200);
    struct answer third AUTO(answer_done) = wait_done(fixture, "c");
    assert_string_equal(text_at(&third, "status.errorResult.reason"), "notFound");
    assert_done(insert_query(fixture, "d", count), 200);
    struct answer fourth AUTO(answer_done) = wait_done(fixture, "d");
    assert_null(json_at(fourth.body, "status.errorResult"));
    add_fault(fixture, "bigquery table 1 missing 600000");
    given_table(fixture, "t3", "");
    assert_refused(call(fixture, "GET", DATASETS "/d/tables/t3", "%s", ""), 404, "notFound");
    assert_refused(call(fixture, "GET", DATASETS "/d/tables/t3", "%s", ""), 404, "notFound");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(loads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(resumable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lost_session, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gzipped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_of_json_columns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(journal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fresh_tables_are_missing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
