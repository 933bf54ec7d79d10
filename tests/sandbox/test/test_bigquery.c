/* SPDX-License-Identifier: Apache-2.0 */
/* test_bigquery.c - datasets, tables and jobs over HTTP: what is refused, what is shown, faults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "sandbox_internal.h"
#include "test/bigquery_fixture.h"

/* --- datasets and tables --- */

static void datasets(void **state)
{
    struct fixture *fixture = *state;
    assert_refused(call(fixture, "POST", DATASETS, "{'datasetReference':{'datasetId':'d'}}"), 409,
                   "duplicate");
    assert_refused(call(fixture, "POST", DATASETS, "{'datasetReference':{'datasetId':'a-b'}}"), 400,
                   "invalid");
    assert_refused(call(fixture, "POST", DATASETS, "{'datasetReference':{'datasetId':'e'},'locatoin':'EU'}"),
                   400, "invalid");
    assert_refused(
        call(fixture, "POST", DATASETS, "{'datasetReference':{'datasetId':'e'},'labels':{'A':'b'}}"), 400,
        "invalid");
    assert_refused(call(fixture, "GET", DATASETS "/none", "%s", ""), 404, "notFound");
    assert_refused(call(fixture, "GET", "/bigquery/v2/projects/q/datasets/d", "%s", ""), 404, "notFound");
    assert_refused(call(fixture, "PATCH", DATASETS "/d", "{'location':'US'}"), 400, "invalid");
    struct answer answer AUTO(answer_done) = call(fixture, "GET", "/projects/p/datasets/d", "%s", "");
    assert_int_equal(answer.status, 200);
    assert_string_equal(text_at(&answer, "kind"), "bigquery#dataset");
    assert_string_equal(text_at(&answer, "location"), "EU");
    assert_true(text_at(&answer, "etag")[0] != '\0');
    given_table(fixture, "t", "");
    assert_refused(call(fixture, "DELETE", DATASETS "/d", "%s", ""), 400, "resourceInUse");
    assert_done(call(fixture, "DELETE", DATASETS "/d?deleteContents=true", "%s", ""), 204);
    assert_refused(call(fixture, "GET", DATASETS "/d", "%s", ""), 404, "notFound");
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
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(call(fixture, "POST", DATASETS "/d/tables",
                            "{'tableReference':{'tableId':'t'},'schema':{'fields':[%s]}}", bad[i]),
                       400, "invalid");
    assert_refused(call(fixture, "POST", DATASETS "/d/tables", TABLE, "t",
                        ",'timePartitioning':{'type':'DAY','field':'n'}"),
                   400, "invalid");
    assert_refused(
        call(fixture, "POST", DATASETS "/d/tables", TABLE, "t", ",'clustering':{'fields':['none']}"), 400,
        "invalid");
    assert_refused(call(fixture, "POST", DATASETS "/d/tables", TABLE, "t", ",'expirationTime':'1'"), 400,
                   "invalid");
    assert_refused(call(fixture, "POST", DATASETS "/d/tables", TABLE, "t", ",'requirePartitionFilter':true"),
                   400, "invalid");
}

static void tables(void **state)
{
    struct fixture *fixture = *state;
    given_table(fixture, "t",
                ",'timePartitioning':{'type':'DAY','field':'at'},'clustering':{'fields':['id']}");
    assert_refused(call(fixture, "POST", DATASETS "/d/tables", TABLE, "t", ""), 409, "duplicate");
    assert_refused(call(fixture, "POST", DATASETS "/none/tables", TABLE, "t", ""), 404, "notFound");
    struct answer answer AUTO(answer_done) = call(fixture, "GET", DATASETS "/d/tables/t", "%s", "");
    assert_string_equal(text_at(&answer, "kind"), "bigquery#table");
    assert_string_equal(text_at(&answer, "numRows"), "0");
    assert_string_equal(text_at(&answer, "type"), "TABLE");
    const json_t *third = json_array_get(json_at(answer.body, "schema.fields"), 2);
    assert_string_equal(json_text_at(third, "type"), "INTEGER"); /* given as INT64 */
    struct answer list AUTO(answer_done) = call(fixture, "GET", DATASETS "/d/tables", "%s", "");
    assert_int_equal(json_array_size(json_at(list.body, "tables")), 1);
    assert_done(call(fixture, "DELETE", DATASETS "/d/tables/t", "%s", ""), 204);
    assert_refused(call(fixture, "GET", DATASETS "/d/tables/t", "%s", ""), 404, "notFound");
    assert_refused(call(fixture, "DELETE", DATASETS "/d/tables/t", "%s", ""), 404, "notFound");
}

static void patches(void **state)
{
    static const char path[] = DATASETS "/d/tables/t";
    struct fixture *fixture = *state;
    given_table(fixture, "t", ",'timePartitioning':{'type':'DAY','field':'at'},'labels':{'a':'1'}");
    struct answer old AUTO(answer_done) = call(fixture, "GET", path, "%s", "");
    AUTO(mem_free) char *match = mem_format("If-Match: %s", text_at(&old, "etag"));
    assert_done(call(fixture, "PATCH", path, "{'labels':{'b':'2'},'schema':{'fields':[" FIELDS ",%s]}}",
                     "{'name':'new','type':'JSON'}"),
                200);
    struct answer now AUTO(answer_done) = call(fixture, "GET", path, "%s", "");
    assert_int_equal(json_array_size(json_at(now.body, "schema.fields")), 4);
    assert_string_equal(text_at(&now, "labels.a"), "1");
    assert_string_not_equal(text_at(&now, "etag"), text_at(&old, "etag"));
    struct client_call stale = {
        .method = "PATCH", .path = path, .header = {match}, .body = "{\"description\":\"x\"}", .size = 19};
    assert_refused(send_request(fixture, &stale), 412, "conditionNotMet");
    assert_refused(call(fixture, "PATCH", path, "{'schema':{'fields':[" FIELDS "]}}"), 400,
                   "invalid"); /* "new" is missing */
    assert_refused(call(fixture, "PATCH", path, "{'schema':{'fields':[" FIELDS ",%s]}}",
                        "{'name':'new','type':'JSON'},{'name':'more','type':'STRING','mode':'REQUIRED'}"),
                   400, "invalid");
    assert_refused(call(fixture, "PATCH", path, "{'schema':{'fields':[" FIELDS ",%s]}}",
                        "{'name':'new','type':'STRING'}"),
                   400, "invalid");
    assert_refused(call(fixture, "PATCH", path, "{'timePartitioning':null}"), 400, "invalid");
    assert_refused(call(fixture, "PATCH", path, "{'colour':'red'}"), 400, "invalid");
}

static void expiry(void **state)
{
    struct fixture *fixture = *state;
    int64_t now_us = virtual_clock_peek(fixture->sandbox->clock);
    AUTO(mem_free) char *more = mem_format(",'expirationTime':'%lld'", (long long)(now_us / 1000 + 3600000));
    given_table(fixture, "t", more);
    virtual_clock_advance(fixture->sandbox->clock, INT64_C(3500) * 1000000);
    assert_done(call(fixture, "GET", DATASETS "/d/tables/t", "%s", ""), 200);
    virtual_clock_advance(fixture->sandbox->clock, INT64_C(101) * 1000000);
    assert_refused(call(fixture, "GET", DATASETS "/d/tables/t", "%s", ""), 404, "notFound");
}

static void views(void **state)
{
    static const char body[] = "{'tableReference':{'tableId':'v'},'view':{'query':'%s'%s}}";
    struct fixture *fixture = *state;
    given_table(fixture, "t", "");
    assert_refused(call(fixture, "POST", DATASETS "/d/tables", body, "SELECT id FROM `p.d.t`", ""), 400,
                   "invalid");
    assert_refused(call(fixture, "POST", DATASETS "/d/tables", body, "SELEKT 1", ",'useLegacySql':false"),
                   400, "invalidQuery");
    assert_done(
        call(fixture, "POST", DATASETS "/d/tables", body, "SELECT id FROM `p.d.t`", ",'useLegacySql':false"),
        200);
    struct answer answer AUTO(answer_done) = call(fixture, "GET", DATASETS "/d/tables/v", "%s", "");
    assert_string_equal(text_at(&answer, "type"), "VIEW");
    const json_t *first = json_array_get(json_at(answer.body, "schema.fields"), 0);
    assert_string_equal(json_text_at(first, "name"), "id");
    assert_refused(call(fixture, "GET", DATASETS "/d/tables/v/data", "%s", ""), 400, "invalid");
}

static const json_t *view_field(const struct answer *answer, size_t i)
{
    return json_array_get(json_at(answer->body, "schema.fields"), i);
}

static void views_change(void **state)
{
    static const char path[] = DATASETS "/d/tables/v";
    static const char query[] = "{'view':{'query':'%s','useLegacySql':false}}";
    struct fixture *fixture = *state;
    given_table(fixture, "t", "");
    assert_refused(call(fixture, "POST", DATASETS "/d/tables",
                        "{'tableReference':{'tableId':'v'},'schema':{'fields':[" FIELDS
                        "]},'view':{'query':'%s','useLegacySql':false}}",
                        "SELECT id FROM `p.d.t`"),
                   400, "invalid");
    assert_done(call(fixture, "POST", DATASETS "/d/tables",
                     "{'tableReference':{'tableId':'v'},'labels':{'app':'x'},'view':{'query':'%s','"
                     "useLegacySql':false}}",
                     "SELECT id, n FROM `p.d.t`"),
                200);
    struct answer made AUTO(answer_done) = call(fixture, "GET", path, "%s", "");
    assert_string_equal(text_at(&made, "labels.app"), "x");
    assert_string_equal(text_at(&made, "view.query"), "SELECT id, n FROM `p.d.t`");
    /* Descriptions of columns stay, but columns are the query's. */
    assert_refused(
        call(fixture, "PATCH", path, "{'schema':{'fields':[{'name':'id','type':'%s'}]}}", "STRING"), 400,
        "invalid");
    assert_refused(call(fixture, "PATCH", path,
                        "{'schema':{'fields':[{'name':'id','type':'%s'},{'name':'n','type':'STRING'}]}}",
                        "STRING"),
                   400, "invalid");
    assert_done(call(fixture, "PATCH", path,
                     "{'schema':{'fields':[{'name':'id','type':'%s','description':'the "
                     "key'},{'name':'n','type':'INT64'}]}}",
                     "STRING"),
                200);
    assert_done(call(fixture, "PATCH", path, "{'description':'%s'}", "all of them"), 200);
    struct answer said AUTO(answer_done) = call(fixture, "GET", path, "%s", "");
    assert_string_equal(json_text_at(view_field(&said, 0), "description"), "the key");
    assert_string_equal(text_at(&said, "description"), "all of them");
    assert_string_equal(text_at(&said, "creationTime"), text_at(&made, "creationTime"));
    assert_true(strcmp(text_at(&said, "lastModifiedTime"), text_at(&made, "lastModifiedTime")) > 0);
    /* Another query has other columns, of which nothing has been said. */
    assert_refused(call(fixture, "PATCH", path, query, "SELECT id FROM `p.d.none`"), 404, "notFound");
    assert_refused(call(fixture, "PATCH", path, query, "SELECT none FROM `p.d.t`"), 400, "invalidQuery");
    assert_refused(call(fixture, "PATCH", path, query, "DELETE FROM `p.d.t` WHERE TRUE"), 400,
                   "invalidQuery");
    assert_done(call(fixture, "PATCH", path, query, "SELECT id, `at` FROM `p.d.t`"), 200);
    struct answer now AUTO(answer_done) = call(fixture, "GET", path, "%s", "");
    assert_string_equal(json_text_at(view_field(&now, 1), "name"), "at");
    assert_null(json_text_at(view_field(&now, 0), "description"));
    assert_string_equal(text_at(&now, "labels.app"), "x");
    assert_string_equal(text_at(&now, "description"), "all of them");
    /* An update says everything. */
    assert_done(call(fixture, "PUT", path, query, "SELECT n FROM `p.d.t`"), 200);
    struct answer whole AUTO(answer_done) = call(fixture, "GET", path, "%s", "");
    assert_string_equal(text_at(&whole, "labels.app"), "");
    assert_string_equal(text_at(&whole, "description"), "");
    assert_string_equal(text_at(&whole, "creationTime"), text_at(&made, "creationTime"));
    assert_refused(call(fixture, "PUT", path, "{'schema':{'fields':[" FIELDS "]}%s}", ""), 400, "invalid");
    assert_refused(call(fixture, "PUT", DATASETS "/d/tables/none", query, "SELECT 1 AS one"), 404,
                   "notFound");
}

/* The time of a table's last change, in milliseconds; yours. */
static char *changed_at(struct fixture *fixture, const char *path)
{
    struct answer answer AUTO(answer_done) = call(fixture, "GET", path, "%s", "");
    return mem_text(text_at(&answer, "lastModifiedTime"));
}

static void run_query(struct fixture *fixture, const char *id, const char *sql)
{
    struct buf text;
    buf_init(&text, 4096);
    for (; *sql; sql++) { /* an apostrophe would become a quotation mark on its way */
        if (*sql == '\'')
            buf_text(&text, "\\u0027");
        else
            buf_byte(&text, *sql);
    }
    assert_done(insert_query(fixture, id, buf_string(&text)), 200);
    buf_done(&text);
    struct answer done AUTO(answer_done) = wait_done(fixture, id);
    assert_null(json_at(done.body, "status.errorResult"));
}

static void times_of_change(void **state)
{
    static const struct {
        const char *sql;
        bool changes;
    } steps[] = {
        {"SELECT * FROM `p.d.t`", false},
        {"INSERT INTO `p.d.t` (id) VALUES ('a'), ('b')", true},
        {"INSERT INTO `p.d.t` (id) SELECT 'c' FROM `p.d.t` WHERE FALSE", false},
        {"UPDATE `p.d.t` SET n = 1 WHERE id = 'a'", true},
        {"UPDATE `p.d.t` SET n = 1 WHERE id = 'none'", false},
        {"DELETE FROM `p.d.t` WHERE id = 'none'", false},
        {"DELETE FROM `p.d.t` WHERE id = 'a'", true},
        {"BEGIN TRANSACTION; INSERT INTO `p.d.t` (id) VALUES ('x'); ROLLBACK TRANSACTION", false},
        {"BEGIN TRANSACTION; INSERT INTO `p.d.t` (id) VALUES ('x'); COMMIT TRANSACTION", true},
        {"CREATE OR REPLACE TABLE `p.d.u` AS SELECT * FROM `p.d.t`", false},
    };
    struct fixture *fixture = *state;
    char id[8];
    given_table(fixture, "t", "");
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        AUTO(mem_free) char *before = changed_at(fixture, DATASETS "/d/tables/t");
        (void)snprintf(id, sizeof id, "q%zu", i);
        run_query(fixture, id, steps[i].sql);
        AUTO(mem_free) char *after = changed_at(fixture, DATASETS "/d/tables/t");
        assert_int_equal(strcmp(after, before) > 0, steps[i].changes);
    }
}

static void tables_by_statement(void **state)
{
    static const char path[] = DATASETS "/d/tables/u";
    struct fixture *fixture = *state;
    run_query(fixture, "one",
              "CREATE TABLE `p.d.u` (id STRING NOT NULL OPTIONS(description='key'), day DATE) PARTITION BY "
              "day CLUSTER BY id OPTIONS(description='old')");
    struct answer first AUTO(answer_done) = call(fixture, "GET", path, "%s", "");
    assert_string_equal(text_at(&first, "timePartitioning.field"), "day");
    assert_string_equal(text_at(&first, "description"), "old");
    assert_string_equal(json_text_at(view_field(&first, 0), "mode"), "REQUIRED");
    assert_string_equal(json_text_at(view_field(&first, 0), "description"), "key");
    assert_string_equal(text_at(&first, "location"), "EU");
    assert_true(text_at(&first, "etag")[0] != '\0');
    run_query(
        fixture, "two",
        "CREATE OR REPLACE TABLE `p.d.u` PARTITION BY day CLUSTER BY id OPTIONS(labels=[('app','x')]) AS "
        "SELECT 'a' AS id, DATE '2026-01-01' AS day, [1, 2] AS list");
    struct answer second AUTO(answer_done) = call(fixture, "GET", path, "%s", "");
    struct answer job AUTO(answer_done) = wait_done(fixture, "two");
    assert_string_equal(text_at(&job, "statistics.query.statementType"), "CREATE_TABLE_AS_SELECT");
    assert_string_equal(text_at(&job, "statistics.query.ddlOperationPerformed"), "REPLACE");
    assert_string_equal(text_at(&job, "statistics.query.ddlTargetTable.tableId"), "u");
    assert_int_equal(json_array_size(json_at(second.body, "schema.fields")), 3);
    assert_string_equal(text_at(&second, "description"), "");
    assert_string_equal(text_at(&second, "labels.app"), "x");
    assert_string_equal(text_at(&second, "numRows"), "1");
    assert_string_equal(json_string_value(json_array_get(json_at(second.body, "clustering.fields"), 0)),
                        "id");
    assert_true(strcmp(text_at(&second, "creationTime"), text_at(&first, "creationTime")) > 0);
    assert_string_not_equal(text_at(&second, "etag"), text_at(&first, "etag"));
}

/* --- jobs --- */

static void job_names(void **state)
{
    struct fixture *fixture = *state;
    assert_done(insert_query(fixture, "one", "SELECT 1 AS one"), 200);
    struct answer done AUTO(answer_done) = wait_done(fixture, "one");
    assert_null(json_at(done.body, "status.errorResult"));
    assert_string_equal(text_at(&done, "statistics.query.statementType"), "SELECT");
    assert_refused(insert_query(fixture, "one", "SELECT 1 AS one"), 409, "duplicate");
    assert_refused(insert_query(fixture, "a b", "SELECT 1 AS one"), 400, "invalid");
    assert_refused(call(fixture, "GET", JOBS "/one?location=US", "%s", ""), 404, "notFound");
    assert_done(call(fixture, "GET", JOBS "/one", "%s", ""), 200); /* EU and US are found without */
    assert_refused(call(fixture, "GET", JOBS "/two?location=EU", "%s", ""), 404, "notFound");
    assert_done(insert_query(fixture, "bad", "SELEKT 1"), 200); /* a failed job is no failed request */
    struct answer bad AUTO(answer_done) = wait_done(fixture, "bad");
    assert_string_equal(text_at(&bad, "status.errorResult.reason"), "invalidQuery");
    assert_refused(insert_query(fixture, "bad", "SELECT 1 AS one"), 409, "duplicate");
    assert_refused(call(fixture, "GET", QUERIES "/bad?location=EU", "%s", ""), 400, "invalidQuery");
}

static void regions(void **state)
{
    struct fixture *fixture = *state;
    assert_done(
        call(fixture, "POST", DATASETS, "{'datasetReference':{'datasetId':'x'},'location':'europe-west3'}"),
        200);
    assert_done(call(fixture, "POST", JOBS,
                     "{'jobReference':{'projectId':'p','jobId':'far','location':'europe-west3'},"
                     "'configuration':{'query':{'query':'SELECT 1 AS one','useLegacySql':false}}}"),
                200);
    assert_refused(call(fixture, "GET", JOBS "/far", "%s", ""), 404, "notFound");
    assert_done(call(fixture, "GET", JOBS "/far?location=europe-west3", "%s", ""), 200);
    assert_done(insert_query(fixture, "wrong", "SELECT * FROM `p.x.t`"), 200);
    struct answer wrong AUTO(answer_done) = wait_done(fixture, "wrong");
    assert_string_equal(text_at(&wrong, "status.errorResult.reason"), "notFound");
    assert_non_null(strstr(text_at(&wrong, "status.errorResult.message"), "in location EU"));
}

static void refused_jobs(void **state)
{
    static const char *const bad[] = {
        "{'query':{'query':'SELECT 1'}}", /* legacy SQL by default */
        "{'query':{'query':'SELECT 1','useLegacySql':true}}",
        "{'query':{'query':'SELECT 1','useLegacySql':false,'destination':'x'}}",
        "{'query':{'query':'SELECT 1','useLegacySql':false,'queryParameters':[{'name':'a'}]}}",
        "{'query':{'query':'SELECT 1','useLegacySql':false},'labels':{'Upper':'x'}}",
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(call(fixture, "POST", JOBS, "{'configuration':%s}", bad[i]), 400, "invalid");
    assert_refused(call(fixture, "POST", JOBS, "{'configuration':{}}"), 400, "required");
    assert_refused(call(fixture, "POST", JOBS, "not json"), 400, "parseError");
}

static void job_faults(void **state)
{
    struct fixture *fixture = *state;
    add_fault(fixture, "bigquery job 1 fail backendError");
    add_fault(fixture, "bigquery job 2 lost-statistics");
    add_fault(fixture, "bigquery job 3 delay 60000");
    assert_done(insert_query(fixture, "one", "SELECT 1 AS one"), 200);
    struct answer failed AUTO(answer_done) = wait_done(fixture, "one");
    assert_string_equal(text_at(&failed, "status.errorResult.reason"), "backendError");
    assert_done(insert_query(fixture, "two", "SELECT 1 AS one"), 200);
    struct answer lost AUTO(answer_done) = wait_done(fixture, "two");
    assert_null(json_at(lost.body, "status.errorResult"));
    assert_null(json_at(lost.body, "statistics.query"));
    assert_done(insert_query(fixture, "three", "SELECT 1 AS one"), 200);
    struct answer open AUTO(answer_done) =
        call(fixture, "GET", QUERIES "/three?location=EU&timeoutMs=1", "%s", "");
    assert_true(json_is_false(json_at(open.body, "jobComplete")));
    assert_done(call(fixture, "POST", JOBS "/three/cancel?location=EU", "%s", ""), 200);
    struct answer stopped AUTO(answer_done) = wait_done(fixture, "three");
    assert_string_equal(text_at(&stopped, "status.errorResult.reason"), "stopped");
}

/* Held before its COMMIT until one more job has ended; the end of the sandbox frees a second one. */
static struct answer limited_query(struct fixture *fixture, const char *id, const char *most, const char *sql)
{
    assert_done(call(fixture, "POST", JOBS,
                     "{'jobReference':{'projectId':'p','jobId':'%s','location':'EU'},'configuration':{"
                     "'query':{'query':'%s','useLegacySql':false,'maximumBytesBilled':'%s'}}}",
                     id, sql, most),
                200);
    return wait_done(fixture, id);
}

static void limits(void **state)
{
    static const char insert[] = "INSERT INTO `p.d.t` (n) SELECT n FROM `p.d.u`";
    struct fixture *fixture = *state;
    run_query(fixture, "make", "CREATE TABLE `p.d.t` (n INT64); CREATE TABLE `p.d.u` AS SELECT 1 AS n");
    struct answer over AUTO(answer_done) = limited_query(fixture, "over", "20971519", insert);
    assert_string_equal(text_at(&over, "status.errorResult.reason"), "bytesBilledLimitExceeded");
    assert_string_equal(text_at(&over, "status.errorResult.message"),
                        "Query exceeded limit for bytes billed: 20971519. 20971520 or higher required.");
    struct answer empty AUTO(answer_done) = call(fixture, "GET", DATASETS "/d/tables/t", "%s", "");
    assert_string_equal(text_at(&empty, "numRows"), "0");
    struct answer within AUTO(answer_done) = limited_query(fixture, "within", "20971520", insert);
    assert_null(json_at(within.body, "status.errorResult"));
    assert_string_equal(text_at(&within, "statistics.query.totalBytesBilled"), "20971520");
    struct answer nothing AUTO(answer_done) = limited_query(fixture, "nothing", "1", "SELECT 1 AS one");
    assert_null(json_at(nothing.body, "status.errorResult"));
    add_fault(fixture, "bigquery job 1 delay 60000");
    assert_done(call(fixture, "POST", JOBS,
                     "{'jobReference':{'projectId':'p','jobId':'slow','location':'EU'},'configuration':{"
                     "'jobTimeoutMs':'1','query':{'query':'SELECT 1 AS one','useLegacySql':false}}%s}",
                     ""),
                200);
    struct answer slow AUTO(answer_done) = wait_done(fixture, "slow");
    assert_string_equal(text_at(&slow, "status.errorResult.reason"), "stopped");
}

static void held_jobs(void **state)
{
    static const char script[] = "BEGIN TRANSACTION; SELECT 1 AS one; COMMIT TRANSACTION;";
    struct fixture *fixture = *state;
    add_fault(fixture, "bigquery job 1 hold COMMIT 1");
    add_fault(fixture, "bigquery job 3 hold COMMIT 1");
    assert_done(insert_query(fixture, "held", script), 200);
    struct answer open AUTO(answer_done) =
        call(fixture, "GET", QUERIES "/held?location=EU&timeoutMs=50", "%s", "");
    assert_true(json_is_false(json_at(open.body, "jobComplete")));
    assert_done(insert_query(fixture, "free", "SELECT 1 AS one"), 200);
    struct answer free_one AUTO(answer_done) = wait_done(fixture, "free");
    struct answer held AUTO(answer_done) = wait_done(fixture, "held");
    assert_null(json_at(held.body, "status.errorResult"));
    assert_true(json_int_at(held.body, "statistics.endTime", 0) >
                json_int_at(free_one.body, "statistics.endTime", 0));
    assert_done(insert_query(fixture, "last", script), 200);
    assert_int_equal(bigquery_running(fixture->sandbox->bigquery), 1);
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
        cmocka_unit_test_setup_teardown(views_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(times_of_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tables_by_statement, set_up, tear_down),
        cmocka_unit_test_setup_teardown(job_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(regions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refused_jobs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(job_faults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(held_jobs, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
