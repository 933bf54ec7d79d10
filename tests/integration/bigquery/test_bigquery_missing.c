/* SPDX-License-Identifier: Apache-2.0 */
/* test_bigquery_missing.c - records that a list lacks: which are asked for, and which are declared gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gone_fixture.h"

/* --- Records that the list lacks are asked for --- */

static void only_those_that_were_asked_are_declared_gone(void **unused)
{
    (void)unused;
    struct bench bench = bench_with("abc");
    struct committed committed =
        compare_as(&bench, &(struct comparison){.listed = "a", .on = 10, .gone = "b"}, NULL);
    assert_int_equal(committed.inserted[RECONCILE_GONE], 1);
    assert_int_equal(noted(&bench, "b"), 1);
    assert_int_equal(noted(&bench, "c"), 0);
    assert_int_equal(in_latest(&bench, "c"), 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.missing` WHERE id = 'b' AND answer = 'gone' AND "
                         "asked_at IS NOT NULL AND list_began_at = TIMESTAMP '2026-02-10 12:00:00+00'",
                         bench.control),
                     1);
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.missing`", bench.control), 1);
    bench_done(&bench);
}

/* It is a row of its table, it is not missing, and the next time it is asked for last. */
static void the_living_are_loaded_and_asked_for_last(void **unused)
{
    (void)unused;
    AUTO(mem_free) char *first = NULL;
    AUTO(mem_free) char *second = NULL;
    struct bench bench = bench_with("abc");
    struct committed committed =
        compare_as(&bench, &(struct comparison){.listed = "c", .on = 10, .alive = "a", .gone = ""}, &first);
    assert_non_null(strstr(first, " 2 0"));
    assert_int_equal(committed.inserted[RECONCILE_GONE], 0);
    assert_int_equal(committed.inserted[RECONCILE_ALIVE],
                     1); /* another content of the version that is known */
    assert_int_equal(
        ask("SELECT COUNT(*) FROM `acme-data.%s.people_latest` WHERE id = 'a' AND name = 'again'",
            bench.dataset),
        1);
    assert_int_equal(ask("SELECT SUM(a.row_count) FROM `acme-data.%s.runs` AS r, UNNEST(r.added) AS a WHERE "
                         "stream = 'people_reconciliation'",
                         bench.control),
                     1);
    (void)compare_as(&bench, &(struct comparison){.listed = "c", .on = 12, .gone = ""}, &second);
    assert_string_equal(second, "ba 2 1");
    assert_int_equal(rows_in(&bench, "people_deleted"), 0);
    bench_done(&bench);
}

static void what_two_confirmed_lists_lack_is_gone(void **unused)
{
    (void)unused;
    struct bench bench = bench_with("abcd");
    struct comparison comparison = {.listed = "a", .on = 10, .gone = "b", .confirms_missing = true};
    assert_int_equal(compare_as(&bench, &comparison, NULL).inserted[RECONCILE_GONE], 1);
    assert_int_equal(in_latest(&bench, "c") + in_latest(&bench, "d"), 2);
    comparison.on = 11; /* a day later; d is listed again */
    comparison.listed = "ad";
    comparison.gone = "";
    assert_int_equal(compare_as(&bench, &comparison, NULL).inserted[RECONCILE_GONE], 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.people_deleted` WHERE " GONE_OLDEST
                         " AND id = 'c' AND source = 'two lists'",
                         bench.dataset),
                     1);
    assert_int_equal(in_latest(&bench, "d"), 1);
    bench_done(&bench);
}

/* c is there, and b is gone. Unloadable as it is, c was found alive. */
static void one_that_can_not_be_loaded_stops_no_other(void **unused)
{
    (void)unused;
    AUTO(mem_free) char *second = NULL;
    struct bench bench = bench_with("abcd");
    struct comparison comparison = {
        .listed = "a", .on = 10, .gone = "b", .rejected = "cd", .confirms_missing = true};
    assert_int_equal(compare_as(&bench, &comparison, NULL).inserted[RECONCILE_GONE], 1);
    assert_int_equal(noted(&bench, "b"), 1);
    assert_int_equal(rows_in(&bench, "people_deleted"), 1);
    comparison.on = 12;
    comparison.rejected = "";
    comparison.gone = "";
    assert_int_equal(compare_as(&bench, &comparison, &second).inserted[RECONCILE_GONE], 0);
    assert_non_null(strstr(second, " 2 2"));
    bench_done(&bench);
}

static void one_without_id_stops_all(void **unused)
{
    (void)unused;
    struct bench bench = bench_with("abc");
    assert_int_equal(compare_as(&bench, &(struct comparison){.listed = "a", .on = 10, .rejected = "b-"}, NULL)
                         .inserted[RECONCILE_GONE],
                     0);
    assert_int_equal(rows_in(&bench, "people_deleted"), 0);
    bench_done(&bench);
}

static int64_t second_list(bool first_confirms, bool second_confirms, int64_t apart_us, const char *alive)
{
    struct error err = {0};
    struct committed committed = {0};
    struct bench bench = bench_with("abc");
    struct comparison comparison = {
        .listed = "a", .on = 10, .gone = "", .confirms_missing = first_confirms, .alive = alive};
    struct texts listed = {.count = 0};
    struct commit commit = whole(10);
    (void)compare_as(&bench, &comparison, NULL);
    commit.began_us += apart_us;
    commit.confirms_missing = second_confirms;
    add_listed(&listed, "a");
    must(try_rows(&bench, &gone_compared, listed.rows, listed.count, &commit, &committed, &err), &err);
    bench_done(&bench);
    return committed.inserted[RECONCILE_GONE];
}

/* Each list must be confirmed, they are a day apart, and who was alive is not declared gone by lists. */
static void lists_ripen_only_if_they_are_sure(void **unused)
{
    (void)unused;
    static const int64_t day_us = INT64_C(86400000000);
    assert_int_equal(second_list(true, true, day_us, ""), 2);
    assert_int_equal(second_list(true, true, day_us - 1, ""), 0);
    assert_int_equal(second_list(false, true, day_us, ""), 0);
    assert_int_equal(second_list(true, false, day_us, ""), 0);
    assert_int_equal(second_list(true, true, day_us, "b"), 1); /* c */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_those_that_were_asked_are_declared_gone),
        cmocka_unit_test(the_living_are_loaded_and_asked_for_last),
        cmocka_unit_test(one_that_can_not_be_loaded_stops_no_other),
        cmocka_unit_test(one_without_id_stops_all),
        cmocka_unit_test(what_two_confirmed_lists_lack_is_gone),
        cmocka_unit_test(lists_ripen_only_if_they_are_sure),
    };
    return cmocka_run_group_tests_name("bigquery_missing", tests, bench_start, bench_stop);
}
