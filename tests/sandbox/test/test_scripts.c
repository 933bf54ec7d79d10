/* SPDX-License-Identifier: Apache-2.0 */
/* test_scripts.c - scripts over HTTP: their child jobs, INFORMATION_SCHEMA.JOBS, the time of a transaction.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "sandbox_internal.h"
#include "test/bigquery_fixture.h"

#define JOBS    "/bigquery/v2/projects/p/jobs"
#define QUERIES "/bigquery/v2/projects/p/queries"

static const char script[] =
    "DECLARE n INT64 DEFAULT 0;\\n"
    "CREATE TABLE `p.d.a` (id STRING, made TIMESTAMP);\\n"
    "BEGIN TRANSACTION;\\n"
    "INSERT INTO `p.d.a` SELECT t.id, CURRENT_TIMESTAMP() FROM `p.d.t` AS t;\\n"
    "INSERT INTO `p.d.a` VALUES (\\\"x\\\", CURRENT_TIMESTAMP()), (\\\"y\\\", CURRENT_TIMESTAMP());\\n"
    "COMMIT TRANSACTION;\\n"
    "SET n = (SELECT COUNT(*) FROM `p.d.a`);\\n"
    "SELECT n, COUNT(DISTINCT made) AS times FROM `p.d.a`";

static const json_t *child(const struct answer *list, size_t newest)
{
    return json_array_get(json_object_get(list->body, "jobs"), newest);
}

static void assert_child(const json_t *job, const char *statement, const char *billed, const char *kind)
{
    assert_string_equal(json_text_at(job, "statistics.query.statementType"), statement);
    assert_string_equal(json_text_at(job, "statistics.query.totalBytesBilled"), billed);
    assert_string_equal(json_text_at(job, "statistics.scriptStatistics.evaluationKind"), kind);
    assert_string_equal(json_text_at(job, "statistics.parentJobId"), "s");
}

/* Each statement that was run is a job; an expression is one if it reads tables. */
static void statements_are_child_jobs(void **state)
{
    struct fixture *fixture = *state;
    given_table(fixture, "t", "");
    assert_done(insert_query(fixture, "s", script), 200);
    struct answer job AUTO(answer_done) = wait_done(fixture, "s");
    assert_null(json_at(job.body, "status.errorResult"));
    assert_string_equal(text_at(&job, "statistics.numChildJobs"), "7");
    assert_string_equal(text_at(&job, "statistics.query.totalBytesBilled"), "52428800"); /* 5 tables */
    struct answer list AUTO(answer_done) = call(fixture, "GET", JOBS "?parentJobId=s", "%s", "");
    assert_int_equal(json_array_size(json_object_get(list.body, "jobs")), 7);
    assert_child(child(&list, 0), "SELECT", "10485760", "STATEMENT");
    assert_child(child(&list, 1), "SELECT", "10485760", "EXPRESSION");
    assert_child(child(&list, 2), "COMMIT_TRANSACTION", "0", "STATEMENT");
    assert_child(child(&list, 3), "INSERT", "10485760", "STATEMENT");
    assert_child(child(&list, 4), "INSERT", "20971520", "STATEMENT");
    assert_child(child(&list, 5), "BEGIN_TRANSACTION", "0", "STATEMENT");
    assert_child(child(&list, 6), "CREATE_TABLE", "0", "STATEMENT");
    assert_string_equal(json_text_at(child(&list, 3), "statistics.query.numDmlAffectedRows"), "2");
    const json_t *frame =
        json_array_get(json_at(child(&list, 4), "statistics.scriptStatistics.stackFrames"), 0);
    assert_int_equal(json_int_at(frame, "startLine", 0), 4);
    assert_int_equal(json_int_at(frame, "startColumn", 0), 1);
    struct answer all AUTO(answer_done) = call(fixture, "GET", JOBS, "%s", "");
    assert_int_equal(json_array_size(json_object_get(all.body, "jobs")), 1);
}

static const char *cell(const struct answer *answer, size_t row, size_t column)
{
    const json_t *cells = json_object_get(json_array_get(json_object_get(answer->body, "rows"), row), "f");
    return json_text_at(json_array_get(cells, column), "v");
}

static void a_transaction_has_one_time(void **state)
{
    struct fixture *fixture = *state;
    given_table(fixture, "t", "");
    assert_done(insert_query(fixture, "s", script), 200);
    struct answer rows AUTO(answer_done) = call(fixture, "GET", QUERIES "/s?location=EU", "%s", "");
    assert_string_equal(cell(&rows, 0, 0), "2");
    assert_string_equal(cell(&rows, 0, 1), "1");
}

/* The statement that fails is the last child job, and says why. */
static void a_failing_statement_is_found(void **state)
{
    struct fixture *fixture = *state;
    assert_done(insert_query(fixture, "s", "SELECT 1 AS one; SELECT none FROM UNNEST([1]) AS x; SELECT 2"),
                200);
    struct answer job AUTO(answer_done) = wait_done(fixture, "s");
    assert_string_equal(text_at(&job, "status.errorResult.reason"), "invalidQuery");
    struct answer list AUTO(answer_done) = call(fixture, "GET", JOBS "?parentJobId=s", "%s", "");
    assert_int_equal(json_array_size(json_object_get(list.body, "jobs")), 2);
    assert_string_equal(json_text_at(child(&list, 0), "status.errorResult.reason"), "invalidQuery");
    assert_null(json_at(child(&list, 1), "status.errorResult"));
}

static void jobs_can_be_queried(void **state)
{
    struct fixture *fixture = *state;
    static const char wanted[] =
        "SELECT statement_type, total_bytes_billed, state, ARRAY_LENGTH(labels) AS labels, job_type "
        "FROM `region-eu`.INFORMATION_SCHEMA.JOBS WHERE %s ORDER BY creation_time";
    char query[400];
    given_table(fixture, "t", "");
    assert_done(insert_query(fixture, "s", script), 200);
    struct answer job AUTO(answer_done) = wait_done(fixture, "s");
    assert_int_equal(job.status, 200);
    (void)snprintf(query, sizeof query, wanted, "parent_job_id = \\\"s\\\" AND total_bytes_billed > 0");
    assert_done(insert_query(fixture, "children", query), 200);
    struct answer rows AUTO(answer_done) = call(fixture, "GET", QUERIES "/children?location=EU", "%s", "");
    assert_string_equal(text_at(&rows, "totalRows"), "4");
    assert_string_equal(cell(&rows, 0, 0), "INSERT");
    assert_string_equal(cell(&rows, 0, 1), "20971520");
    assert_string_equal(cell(&rows, 3, 0), "SELECT");
    (void)snprintf(query, sizeof query, wanted, "state != \\\"DONE\\\"");
    assert_done(insert_query(fixture, "running", query), 200); /* it sees itself */
    struct answer own AUTO(answer_done) = call(fixture, "GET", QUERIES "/running?location=EU", "%s", "");
    assert_string_equal(text_at(&own, "totalRows"), "1");
    assert_string_equal(cell(&own, 0, 2), "RUNNING");
    assert_done(insert_query(fixture, "far", "SELECT job_id FROM `p.region-us.INFORMATION_SCHEMA.JOBS`"),
                200);
    assert_refused(call(fixture, "GET", QUERIES "/far?location=EU", "%s", ""), 404, "notFound");
}

static void a_grant_is_an_entry_of_the_access_list(void **state)
{
    struct fixture *fixture = *state;
    static const char grant[] =
        "GRANT `roles/bigquery.dataEditor` ON SCHEMA `p.d` TO \\\"serviceAccount:a@b\\\", \\\"domain:b\\\"";
    assert_done(insert_query(fixture, "once", grant), 200);
    struct answer once AUTO(answer_done) = wait_done(fixture, "once");
    assert_null(json_at(once.body, "status.errorResult"));
    assert_done(insert_query(fixture, "again", grant), 200);
    struct answer again AUTO(answer_done) = wait_done(fixture, "again");
    assert_int_equal(again.status, 200);
    struct answer dataset AUTO(answer_done) =
        call(fixture, "GET", "/bigquery/v2/projects/p/datasets/d", "%s", "");
    const json_t *access = json_object_get(dataset.body, "access");
    assert_int_equal(json_array_size(access), 2);
    assert_string_equal(json_text_at(json_array_get(access, 0), "role"), "WRITER");
    assert_string_equal(json_text_at(json_array_get(access, 0), "userByEmail"), "a@b");
    assert_string_equal(json_text_at(json_array_get(access, 1), "iamMember"), "domain:b");
}

/* The time that each job waited, from the journal of a sandbox that is a hundred times faster than the
 * service. */
static void read_latencies(int64_t out_ms[3])
{
    static const char *const queries[] = {"SELECT 1", "SELECT 1; SELECT 2;", "SELECT 1;"};
    struct sandbox_options options = {.seed = 7, .latency = 0.01};
    struct fixture fixture = {.curl = curl_easy_init()};
    struct error err;
    assert_true(sandbox_start(&options, &fixture.sandbox, &err));
    for (size_t i = 0; i < 3; i++) {
        char id[2] = {(char)('a' + i), '\0'};
        int64_t began_ms = clock_ms();
        assert_done(insert_query(&fixture, id, queries[i]), 200);
        struct answer done AUTO(answer_done) = wait_done(&fixture, id);
        assert_int_equal(done.status, 200);
        struct buf line;
        buf_init(&line, 1024 * 1024);
        journal_dump(fixture.sandbox->journal, "bigquery", 0, &line);
        const char *at = NULL; /* the last one is this job's */
        for (const char *next = line.data; next && (next = strstr(next, "\"latency_ms\":")); next++)
            at = next;
        assert_non_null(at);
        out_ms[i] = strtoll(strchr(at, ':') + 1, NULL, 10);
        assert_true(clock_ms() - began_ms >= out_ms[i]);
        buf_done(&line);
    }
    curl_easy_cleanup(fixture.curl);
    sandbox_stop(fixture.sandbox);
}

static void jobs_take_their_time(void **state)
{
    (void)state;
    int64_t first[3], second[3];
    read_latencies(first);
    read_latencies(second);
    assert_memory_equal(first, second, sizeof first);
    assert_in_range(first[0], 10, 20);
    assert_in_range(first[1], 50, 120); /* a script */
    assert_in_range(first[2], 10, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(statements_are_child_jobs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_transaction_has_one_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failing_statement_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(jobs_can_be_queried, set_up, tear_down),
        cmocka_unit_test(jobs_take_their_time),
        cmocka_unit_test_setup_teardown(a_grant_is_an_entry_of_the_access_list, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
