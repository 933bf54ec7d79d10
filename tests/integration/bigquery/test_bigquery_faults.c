/* SPDX-License-Identifier: Apache-2.0 */
/* test_bigquery_faults.c - lost connections, lost sessions, failing jobs and commits at once cost time, never
 * rows. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bigquery_fixture.h"

#define TORTURE_LIMIT 60

/* More than one chunk of compressed bytes: 1,400 rows that do not compress well. */
static bool load_much(const struct bench *bench, struct committed *out, struct error *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
    const struct warehouse_ops *ops = bench->warehouse->ops;
    uint32_t noise = 1;
    char row[9000];
    struct load *load = begin(bench, &both);
    for (int i = 0; i < 1400; i++) {
        size_t size =
            (size_t)snprintf(row, sizeof row,
                             "{\"id\":\"r%d\",\"updated_at\":\"2026-02-03T10:00:00Z\",\"partition_date\":"
                             "\"2026-02-03\",\"_read_at\":\"2026-03-01T00:00:00Z\",\"_seq\":%d,\"order\":\"",
                             i, i);
        for (int k = 0; k < 8000; k++) {
            noise = noise * 1664525 + 1013904223;
            row[size++] = letters[noise >> 26];
        }
        row[size++] = '"';
        row[size++] = '}';
        if (ops->write(load, 0, row, size, err)) continue;
        ops->abort(load);
        return false;
    }
    struct commit commit = commit_of(3, 3);
    return ops->commit(load, &commit, out, err);
}

static void uploads_go_on_where_they_stopped(void **unused)
{
    (void)unused;
    static const char *const faults[] = {
        NULL,
        "bigquery upload.bytes 1 short 262144\nbigquery upload.bytes 3 short 0",
        "bigquery upload.put 1 drop after",
        "bigquery upload.put 2 drop before",
        "bigquery upload.put 3 drop after",
        "bigquery upload.put 2 status 503"};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct error err = {0};
        struct committed committed = {0};
        struct bench bench = bench_new();
        must(prepare(&bench, &both, &err), &err);
        fault(faults[i]);
        must(load_much(&bench, &committed, &err), &err);
        fault(NULL);
        assert_int_equal(committed.inserted[0], 1400);
        assert_int_equal(ask("SELECT COUNT(DISTINCT id) FROM `acme-data.%s.tickets` "
                             "WHERE partition_date = DATE '2026-02-03' AND LENGTH(`order`) = 8000",
                             bench.dataset),
                         1400);
        bench_done(&bench);
    }
}

static void a_lost_session_is_not_loaded_in_part(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed committed = {0};
    struct bench bench = bench_new();
    must(prepare(&bench, &both, &err), &err);
    fault("bigquery upload.bytes 2 lose-session");
    assert_false(load_much(&bench, &committed, &err));
    fault(NULL);
    assert_int_equal(err.kind, ERROR_BUSY);
    assert_int_equal(rows_in(&bench, "tickets"), 0);
    must(load_much(&bench, &committed, &err), &err);
    assert_int_equal(committed.inserted[0], 1400);
    bench_done(&bench);
}

static void a_lost_session_is_made_anew_while_nothing_is_gone(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed committed = {0};
    struct bench bench = bench_new();
    must(prepare(&bench, &both, &err), &err);
    fault("bigquery upload.bytes 1 lose-session");
    must(load_unit(&bench, &committed, &err), &err);
    fault(NULL);
    assert_unit_once(&bench);
    bench_done(&bench);
}

/* For n = 1, 2, ... the nth call of each operation loses its connection, until it has fewer calls than n. */
static void torture(const char *operation, const char *action)
{
    for (int n = 1; n < TORTURE_LIMIT; n++) {
        char line[128];
        struct error err = {0};
        struct committed committed = {0};
        struct bench bench = bench_new();
        snprintf(line, sizeof line, "bigquery %s %d %s", operation, n, action);
        fault(line);
        must(load_unit(&bench, &committed, &err), &err);
        fault(NULL);
        if (committed.inserted[0] != 2 || committed.doubled != 0)
            fail_msg("%s: %d rows", line, (int)committed.inserted[0]);
        assert_unit_once(&bench);
        bool hit = journal_count(line) > 0;
        bench_done(&bench);
        if (hit) continue;
        if (n == 1) fail_msg("%s was never called", operation);
        return;
    }
    fail_msg("%s: more than %d calls of it for one unit", operation, TORTURE_LIMIT);
}

static void lost_connections_cost_no_row(void **unused)
{
    (void)unused;
    static const char *const operations[] = {"tables.get",           "tables.insert", "tables.delete",
                                             "jobs.insert",          "jobs.get",      "jobs.query",
                                             "jobs.getQueryResults", "upload.start",  "upload.put"};
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        torture(operations[i], "drop before");
        torture(operations[i], "drop after");
    }
}

static void a_commit_is_waited_for_with_one_call(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed committed;
    struct bench bench = bench_new();
    must(load_unit(&bench, &committed, &err), &err);
    assert_int_equal(journal_count("/queries/caseload-commit-"), 1);
    assert_int_equal(journal_count("/jobs/caseload-commit-"), 0);
    bench_done(&bench);
}

/* BigQuery may answer so for a script that failed, too: only the job itself tells. */
static void a_result_without_rows_proves_nothing(void **unused)
{
    (void)unused;
    static const char *const bodies[] = {"{\"jobComplete\":true,\"rows\":[]}", "{\"jobComplete\":true}",
                                         "{\"jobComplete\":false}", "{}"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        char line[128];
        struct error err = {0};
        struct committed committed = {0};
        struct bench bench = bench_new();
        must(prepare(&bench, &both, &err), &err); /* it has a query of its own */
        snprintf(line, sizeof line, "bigquery jobs.getQueryResults 1 body %s", bodies[i]);
        fault(line);
        must(load_unit(&bench, &committed, &err), &err);
        fault(NULL);
        assert_int_equal(committed.inserted[0], 2);
        assert_int_equal(journal_count("/queries/caseload-commit-"), 2);
        assert_unit_once(&bench);
        bench_done(&bench);
    }
}

static void failed_jobs_run_again(void **unused)
{
    (void)unused;
    static const char *const actions[] = {"fail backendError", "fail backendError after"};
    for (size_t a = 0; a < 2; a++)
        for (int n = 1; n <= 7; n++) {
            char line[128];
            struct error err = {0};
            struct committed committed = {0};
            struct bench bench = bench_new();
            snprintf(line, sizeof line, "bigquery job %d %s", n, actions[a]);
            fault(line);
            must(load_unit(&bench, &committed, &err), &err);
            fault(NULL);
            assert_unit_once(&bench);
            bench_done(&bench);
        }
}

static void *commit_empty(void *argument)
{
    const struct bench *bench = argument;
    struct error err = {0};
    struct committed committed = {0};
    struct load *load = NULL;
    struct commit commit = commit_of(3, 3);
    if (!bench->warehouse->ops->begin(bench->warehouse, &both, &load, &err)) return NULL;
    return bench->warehouse->ops->commit(load, &commit, &committed, &err) ? argument : NULL;
}

/* The first script waits before its COMMIT until the other one was cancelled for it. */
static void commits_at_once_both_arrive(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed committed = {0};
    struct bench bench = bench_new(), other = bench_in(bench.dataset);
    must(load_unit(&bench, &committed, &err), &err);
    must(prepare(&other, &both, &err), &err);
    struct state state = {0};
    must(
        other.warehouse->ops->state(other.warehouse, &(const struct selection *){&both}, 1, "", &state, &err),
        &err);
    state_done(&state);
    fault("bigquery script 1 hold COMMIT 1\nbigquery script 2 delay 1000");
    pthread_t thread;
    void *good = NULL;
    size_t jobs = journal_count("\"jobs.insert\"");
    assert_int_equal(pthread_create(&thread, NULL, commit_empty, &other), 0);
    assert_non_null(commit_empty(&bench));
    assert_int_equal(pthread_join(thread, &good), 0);
    assert_non_null(good);
    fault(NULL);
    assert_true(journal_count("\"jobs.insert\"") >= jobs + 3); /* one of them ran twice */
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.runs`", bench.control), 3);
    assert_int_equal(ask("SELECT commits FROM `acme-data.%s.lock_tickets`", bench.control), 3);
    assert_unit_once(&bench);
    bench_done(&other);
    bench_done(&bench);
}

struct writer {
    const struct bench *bench;
    const struct selection *selection;
};

/* Commits the same part, under a stream of its own. */
static void *commit_part(void *argument)
{
    const struct writer *writer = argument;
    struct error err = {0};
    struct committed committed = {0};
    struct load *load = begin(writer->bench, writer->selection);
    struct commit commit = commit_of(3, 3);
    bool done = part(load, "shared", 3, 0, &err) &&
                writer->bench->warehouse->ops->commit(load, &commit, &committed, &err);
    if (!done) print_error("%s\n", err.text);
    return done && committed.doubled == 0 ? argument : NULL;
}

/* Inserts never conflict with each other: only the lock that both streams hold keeps the key single. */
static void two_streams_with_one_child_table_double_no_key(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct bench bench = bench_new(), other = bench_in(bench.dataset);
    struct writer one = {&bench, &both}, two = {&other, &gone};
    must(prepare(&bench, &both, &err), &err);
    must(prepare(&other, &gone, &err), &err);
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.lock_tickets`", bench.control), 1);
    fault("bigquery script 1 hold COMMIT 1\nbigquery script 2 delay 1000");
    pthread_t thread;
    void *good = NULL;
    assert_int_equal(pthread_create(&thread, NULL, commit_part, &two), 0);
    void *first = commit_part(&one);
    assert_int_equal(pthread_join(thread, &good), 0);
    fault(NULL);
    assert_int_equal(rows_in(&bench, "parts"), 1);
    assert_non_null(first);
    assert_non_null(good);
    assert_int_equal(ask("SELECT commits FROM `acme-data.%s.lock_tickets`", bench.control), 2);
    bench_done(&other);
    bench_done(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uploads_go_on_where_they_stopped),
        cmocka_unit_test(a_lost_session_is_not_loaded_in_part),
        cmocka_unit_test(a_lost_session_is_made_anew_while_nothing_is_gone),
        cmocka_unit_test(lost_connections_cost_no_row),
        cmocka_unit_test(a_commit_is_waited_for_with_one_call),
        cmocka_unit_test(a_result_without_rows_proves_nothing),
        cmocka_unit_test(failed_jobs_run_again),
        cmocka_unit_test(commits_at_once_both_arrive),
        cmocka_unit_test(two_streams_with_one_child_table_double_no_key),
    };
    return cmocka_run_group_tests_name("bigquery_faults", tests, bench_start, bench_stop);
}
