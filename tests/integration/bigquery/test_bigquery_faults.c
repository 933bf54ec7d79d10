/* SPDX-License-Identifier: Apache-2.0 */
/* test_bigquery_faults.c - lost connections, refusals, failing jobs and commits at once cost time, never
 * rows.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "faults_fixture.h"

#define TORTURE_LIMIT 60

/* For n = 1, 2, ... the nth call of each operation misbehaves, until none has so many calls. */
static void torture(const char *const *operations, size_t count, const char *action)
{
    bool any = true;
    for (int n = 1; any; n++) {
        char lines[2048] = "";
        struct error err = {0};
        struct committed committed = {0};
        struct bench bench = bench_new();
        if (n == TORTURE_LIMIT) fail_msg("more than %d calls for one unit", n);
        for (size_t i = 0; i < count; i++)
            snprintf(lines + strlen(lines), sizeof lines - strlen(lines), "bigquery %s %d %s\n",
                     operations[i], n, action);
        fault(lines);
        if (!load_unit(&bench, &committed, &err)) fail_msg("%s: %s", lines, err.text);
        fault(NULL);
        if (committed.inserted[0] != 2 || committed.doubled != 0)
            fail_msg("%s: %d rows", lines, (int)committed.inserted[0]);
        assert_unit_once(&bench);
        any = journal_count("\"fault\"") > 0;
        for (size_t i = 0; n == 1 && i < count; i++) {
            snprintf(lines, sizeof lines, "\"operation\":\"%s\"", operations[i]);
            if (journal_count(lines) == 0) fail_msg("%s was never called", operations[i]);
        }
        bench_done(&bench);
    }
}

static void lost_connections_cost_no_row(void **unused)
{
    (void)unused;
    static const char *const operations[] = {"tables.get",           "tables.insert", "tables.delete",
                                             "jobs.insert",          "jobs.get",      "jobs.query",
                                             "jobs.getQueryResults", "upload.start",  "upload.put"};
    torture(operations, sizeof operations / sizeof *operations, "drop before");
    torture(operations, sizeof operations / sizeof *operations, "drop after");
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

/* Once: the unit is loaded, unless it says otherwise. For ever: it ends so. */
static void each_reason_has_its_consequence(void **unused)
{
    (void)unused;
    static const struct {
        const char *operation, *action;
        bool passes_once;
        enum error_kind for_ever;
    } cases[] = {
        {"jobs.insert", "status 403 reason=userRateLimitExceeded", true, ERROR_BUSY},
        {"jobs.insert", "status 403 reason=rateLimitExceeded", true, ERROR_BUSY},
        {"jobs.insert", "status 403 reason=quotaExceeded", true, ERROR_BUSY},
        {"jobs.insert", "status 404 reason=notFound", true, ERROR_REFUSED},
        {"jobs.insert", "status 403 reason=accessDenied", false, ERROR_REFUSED},
        {"jobs.insert", "status 403 reason=accessNotConfigured", false, ERROR_CONFIG},
        {"jobs.query", "status 403 reason=userRateLimitExceeded", true, ERROR_BUSY},
        {"jobs.query", "status 403 reason=accessDenied", false, ERROR_REFUSED},
        {"jobs.query", "status 404 reason=notFound", true, ERROR_REFUSED},
        {"tables.insert", "status 404 reason=notFound", true, ERROR_REFUSED},
        {"tables.insert", "status 403 reason=quotaExceeded", true, ERROR_BUSY},
        {"tables.insert", "status 403 reason=accessDenied", false, ERROR_REFUSED},
        {"upload.start", "status 404 reason=notFound", true, ERROR_REFUSED},
        {"upload.start", "status 403 reason=rateLimitExceeded", true, ERROR_BUSY},
        {"upload.put", "status 403 reason=userRateLimitExceeded", true, ERROR_BUSY},
        {"upload.put", "status 400", true, ERROR_REFUSED},
        {"load", "fail notFound", true, ERROR_REFUSED},
        {"load", "fail accessDenied", false, ERROR_REFUSED},
        {"script", "fail notFound", true, ERROR_REFUSED},
        {"script", "fail backendError", true, ERROR_BUSY},
        {"script", "fail rateLimitExceeded", true, ERROR_BUSY},
        {"script", "fail quotaExceeded", true, ERROR_BUSY},
        {"script", "fail stopped", true, ERROR_BUSY},
        {"script", "fail accessDenied", false, ERROR_REFUSED},
        {"script", "fail billingNotEnabled", false, ERROR_CONFIG},
    };
    for (size_t i = 0; i < 2 * (sizeof cases / sizeof *cases); i++) {
        bool for_ever = i % 2;
        char line[128];
        struct error err = {0};
        struct committed committed = {0};
        struct bench bench = bench_new();
        settings_of(&bench)->job_timeout_s = 1200;
        snprintf(line, sizeof line, "bigquery %s %s %s", cases[i / 2].operation, for_ever ? "*" : "1",
                 cases[i / 2].action);
        fault(line);
        bool passed = load_unit(&bench, &committed, &err);
        fault(NULL);
        enum error_kind kind = passed ? ERROR_NONE : err.kind;
        if (kind != (for_ever || !cases[i / 2].passes_once ? cases[i / 2].for_ever : ERROR_NONE))
            fail_msg("%s: %s: %s", line, error_rules[kind].name, err.text);
        if (passed) assert_unit_once(&bench);
        bench_done(&bench);
    }
}

/* One refusal ends the stream; the process ends only if the datasets are refused, too. */
static void credentials_are_wrong_only_if_datasets_are_refused(void **unused)
{
    (void)unused;
    static const struct {
        const char *faults;
        enum error_kind kind;
    } cases[] = {
        {"bigquery script * fail accessDenied\nbigquery datasets.get 1 status 403", ERROR_AUTH},
        {"bigquery script * fail accessDenied\nbigquery datasets.get 2 status 403", ERROR_AUTH},
        {"bigquery script * fail accessDenied\nbigquery datasets.get 3 status 403", ERROR_REFUSED},
        {"bigquery tables.get * status 403", ERROR_REFUSED},
        {"bigquery tables.get * status 403\nbigquery datasets.get * status 403", ERROR_AUTH},
        {"bigquery tables.get * status 401", ERROR_AUTH},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {0};
        struct committed committed;
        struct bench bench = bench_new();
        fault(cases[i].faults);
        assert_false(load_unit(&bench, &committed, &err));
        fault(NULL);
        if (err.kind != cases[i].kind) fail_msg("%s: %s", cases[i].faults, err.text);
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
        cmocka_unit_test(lost_connections_cost_no_row),
        cmocka_unit_test(a_commit_is_waited_for_with_one_call),
        cmocka_unit_test(a_result_without_rows_proves_nothing),
        cmocka_unit_test(failed_jobs_run_again),
        cmocka_unit_test(each_reason_has_its_consequence),
        cmocka_unit_test(credentials_are_wrong_only_if_datasets_are_refused),
        cmocka_unit_test(commits_at_once_both_arrive),
        cmocka_unit_test(two_streams_with_one_child_table_double_no_key),
    };
    return cmocka_run_group_tests_name("bigquery_faults", tests, bench_start, bench_stop);
}
