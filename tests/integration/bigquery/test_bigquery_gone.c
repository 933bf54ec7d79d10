/* SPDX-License-Identifier: Apache-2.0 */
/* test_bigquery_gone.c - who is gone: reconciliations, and what <table>_latest then leaves out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gone_fixture.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* --- Reconciliation --- */

static void the_missing_are_declared_gone_once(void **unused)
{
    (void)unused;
    struct texts later = {.count = 0};
    struct bench bench = bench_with("abc");
    add_person(&later, "d", 20);
    put(&bench, &later);
    assert_int_equal(compare(&bench, "ac", 10), 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.people_deleted` WHERE partition_date = DATE "
                         "'2026-02-10' AND id = 'b' AND seen_missing_at = TIMESTAMP '2026-02-10 12:00:00+00' "
                         "AND merged_into IS NULL AND source = 'reconciliation' AND _run_id = 'run-1'",
                         bench.dataset),
                     1);
    assert_int_equal(rows_in(&bench, "people_deleted"), 1); /* d came after the list */
    assert_int_equal(in_latest(&bench, "b"), 0);
    assert_int_equal(in_latest(&bench, "a") + in_latest(&bench, "c") + in_latest(&bench, "d"), 3);
    assert_int_equal(compare(&bench, "ac", 11), 0);
    assert_int_equal(rows_in(&bench, "people_deleted"), 1);
    assert_int_equal(rows_in(&bench, "people"), 4);
    bench_done(&bench);
}

/* Two workers compared at once, and b was there again when the younger list was read. */
static void an_older_list_behind_a_younger_declares_nobody_gone(void **unused)
{
    (void)unused;
    struct bench bench = bench_with("abc");
    assert_int_equal(compare(&bench, "ab", 11), 1);
    assert_int_equal(compare(&bench, "ac", 10), 0);
    assert_int_equal(in_latest(&bench, "b"), 1);
    assert_int_equal(noted(&bench, "c"), 1); /* the older list takes nothing of the younger back */
    bench_done(&bench);
}

static void the_ledger_knows_of_it(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct state state = {0};
    struct bench bench = bench_with("ab");
    assert_int_equal(compare(&bench, "a", 10), 1);
    assert_int_equal(
        ask("SELECT COUNT(*) FROM `acme-data.%s.runs` WHERE stream = 'people_reconciliation' AND "
            "open_ended AND ARRAY_LENGTH(claimed) = 0 AND inserted = 1",
            bench.control),
        1);
    must(bench.warehouse->ops->state(bench.warehouse, &(const struct selection *){&gone_compared}, 1, "m1",
                                     &state, &err),
         &err);
    assert_true(state.any_open_run);
    assert_int_equal(state.open_run_us, whole(10).began_us);
    assert_true(state.created_us > 0);
    state_done(&state);
    /* Its own table is never made. */
    assert_int_equal(journal_count("\"tableId\":\"people_reconciliation\""), 0);
    assert_int_equal(journal_count("\"tableId\":\"people_reconciliation_latest\""), 0);
    bench_done(&bench);
}

/* Without the subject's stream ever having run. */
static void it_makes_what_it_needs(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct bench bench = bench_new();
    must(prepare(&bench, &gone_compared, &err), &err);
    assert_int_equal(compare(&bench, "a", 10), 0);
    assert_int_equal(compare(&bench, "", 11), 0);
    assert_int_equal(rows_in(&bench, "people"), 0);
    assert_int_equal(rows_in(&bench, "people_deleted"), 0);
    bench_done(&bench);
}

static void who_is_seen_again_is_taken_back(void **unused)
{
    (void)unused;
    struct texts feed = {.count = 0};
    struct bench bench = bench_with("abc");
    assert_int_equal(compare(&bench, "a", 10), 2);
    assert_int_equal(compare(&bench, "ab", 12), 0);
    assert_int_equal(noted(&bench, "b"), 0);
    assert_int_equal(in_latest(&bench, "b"), 1);
    assert_int_equal(noted(&bench, "c"), 1);
    add_deleted(&feed, "a", 20); /* deleted after the list was read */
    put(&bench, &feed);
    assert_int_equal(compare(&bench, "abc", 14), 0);
    assert_int_equal(noted(&bench, "a"), 1);
    assert_int_equal(noted(&bench, "c"), 0);
    bench_done(&bench);
}

/* A list that is read from an index may show for some minutes who is gone. */
static void who_has_just_gone_is_not_taken_back(void **unused)
{
    (void)unused;
    struct texts feed = {.count = 0};
    struct bench bench = bench_with("abc");
    add_deleted_at(&feed, "a", 14, "11:00:01");
    add_deleted_at(&feed, "b", 14, "10:59:59");
    put(&bench, &feed);
    assert_int_equal(compare(&bench, "abc", 14), 0);
    assert_int_equal(noted(&bench, "a"), 1);
    assert_int_equal(noted(&bench, "b"), 0);
    assert_int_equal(compare(&bench, "abc", 15), 0);
    assert_int_equal(noted(&bench, "a"), 0);
    bench_done(&bench);
}

static void a_newer_version_is_not_gone(void **unused)
{
    (void)unused;
    struct texts again = {.count = 0};
    struct bench bench = bench_with("ab");
    assert_int_equal(compare(&bench, "a", 10), 1);
    assert_int_equal(in_latest(&bench, "b"), 0);
    add_person(&again, "b", 12);
    put(&bench, &again);
    assert_int_equal(in_latest(&bench, "b"), 1);
    assert_int_equal(compare(&bench, "a", 11), 0); /* the version is younger than that list */
    assert_int_equal(in_latest(&bench, "b"), 1);
    assert_int_equal(compare(&bench, "a", 14), 1);
    assert_int_equal(in_latest(&bench, "b"), 0);
    assert_int_equal(noted(&bench, "b"), 2);
    bench_done(&bench);
}

/* A deletion that the feed reported is not added again. */
static void the_known_are_left_as_noted(void **unused)
{
    (void)unused;
    struct texts feed = {.count = 0};
    struct bench bench = bench_with("ab");
    add_deleted(&feed, "b", 6);
    put(&bench, &feed);
    assert_int_equal(compare(&bench, "a", 10), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.people_deleted` WHERE " GONE_OLDEST
                         " AND source = 'deleted feed'",
                         bench.dataset),
                     1);
    bench_done(&bench);
}

static void an_empty_list_is_not_believed(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed committed = {0};
    struct texts feed = {.count = 0};
    struct commit commit = whole(10);
    struct bench bench = bench_with("ab");
    must(prepare(&bench, &gone_compared, &err), &err);
    assert_false(try_rows(&bench, &gone_compared, NULL, 0, &commit, &committed, &err));
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_non_null(strstr(err.text, "the list of all records is empty"));
    assert_int_equal(rows_in(&bench, "people_deleted"), 0);
    assert_int_equal(
        ask("SELECT COUNT(*) FROM `acme-data.%s.runs` WHERE stream = 'people_reconciliation'", bench.control),
        0);
    add_deleted(&feed, "a", 8);
    add_deleted(&feed, "b", 8);
    put(&bench, &feed);
    assert_int_equal(compare(&bench, "", 11), 0); /* all are known to be gone */
    bench_done(&bench);
}

/* Somebody on the list could not be read: it may be anybody. */
static void a_list_with_rejects_misses_nobody(void **unused)
{
    (void)unused;
    static const struct reject odd = {.id = "", .reason = "no id", .record = "{}", .record_size = 2};
    struct error err = {0};
    struct committed committed = {0};
    struct commit commit = whole(10);
    struct bench bench = bench_with("ab");
    must(prepare(&bench, &gone_compared, &err), &err);
    struct load *load = begin(&bench, &gone_compared);
    static const char row[] =
        "{\"id\":\"a\",\"partition_date\":\"2026-03-01\",\"_read_at\":\"2026-03-01T00:00:00Z\",\"_seq\":0}";
    must(bench.warehouse->ops->write(load, 0, row, strlen(row), &err), &err);
    must(bench.warehouse->ops->reject(load, &odd, &err), &err);
    must(bench.warehouse->ops->commit(load, &commit, &committed, &err), &err);
    assert_int_equal(committed.inserted[0], 0);
    assert_int_equal(committed.rejected, 1);
    assert_int_equal(rows_in(&bench, "people_deleted"), 0);
    assert_int_equal(in_latest(&bench, "b"), 1);
    bench_done(&bench);
}

static void tables_may_insist_on_a_filter(void **unused)
{
    (void)unused;
    struct texts texts = {.count = 0};
    struct bench bench = bench_new();
    ((struct bigquery *)bench.warehouse)->settings.require_partition_filter = true;
    add_person(&texts, "a", 3);
    add_person(&texts, "b", 3);
    add_team(&texts, "a", "t", 3);
    put(&bench, &texts);
    assert_int_equal(compare(&bench, "a", 10), 1);
    assert_int_equal(compare(&bench, "ab", 11), 0);
    assert_int_equal(in_latest(&bench, "b"), 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.people_teams_latest`", bench.dataset), 1);
    bench_done(&bench);
}

/* The subject's _latest may be a table: the reconciliation is what changes it. */
static void a_latest_table_follows(void **unused)
{
    (void)unused;
    static const char *const as_tables[] = {"people", "people_teams"};
    struct texts texts = {.count = 0};
    struct bench bench = bench_new();
    struct bigquery *bq = (struct bigquery *)bench.warehouse;
    bq->settings.latest_tables = as_tables;
    bq->settings.latest_table_count = COUNT(as_tables);
    add_person(&texts, "a", 3);
    add_person(&texts, "b", 3);
    add_team(&texts, "b", "t", 3);
    put(&bench, &texts);
    refresh(&bench, &gone_all);
    assert_int_equal(in_latest(&bench, "a") + in_latest(&bench, "b"), 2);
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.people_teams_latest`", bench.dataset), 1);
    assert_int_equal(compare(&bench, "a", 10), 1);
    assert_int_equal(in_latest(&bench, "b"), 1);
    refresh(&bench, &gone_compared);
    assert_int_equal(in_latest(&bench, "b"), 0);
    /* Sets follow with their owner's stream, though nothing was inserted there. */
    struct error err = {0};
    must(prepare(&bench, &gone_all, &err), &err);
    refresh(&bench, &gone_all);
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.people_teams_latest`", bench.dataset), 0);
    /* As prepare saw the tables they are made of, one look at each of the two is enough. */
    must(prepare(&bench, &gone_all, &err), &err);
    size_t gets = journal_count("\"tables.get\"");
    refresh(&bench, &gone_all);
    assert_int_equal(journal_count("\"tables.get\"") - gets, 2);
    bench_done(&bench);
}

/* --- Sets --- */

static int64_t teams_of(const struct bench *bench, const char *person)
{
    return ask("SELECT COUNT(*) FROM `acme-data.%s.people_teams_latest` WHERE person_id = '%s'",
               bench->dataset, person);
}

static void a_set_is_replaced_as_a_whole(void **unused)
{
    (void)unused;
    struct texts first = {.count = 0}, second = {.count = 0}, third = {.count = 0};
    struct bench bench = bench_new();
    add_person(&first, "a", 3);
    add_team(&first, "a", "s", 3);
    add_team(&first, "a", "t", 3);
    add_person(&first, "b", 3);
    add_team(&first, "b", "s", 3);
    put(&bench, &first);
    assert_int_equal(teams_of(&bench, "a"), 2);
    add_person(&second, "a", 5);
    add_team(&second, "a", "t", 5);
    put(&bench, &second);
    assert_int_equal(teams_of(&bench, "a"), 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.people_teams_latest` WHERE id = 't' AND "
                         "person_updated_at = TIMESTAMP '2026-02-05 10:00:00+00'",
                         bench.dataset),
                     1);
    add_person(&third, "a", 7);
    put(&bench, &third);
    assert_int_equal(teams_of(&bench, "a"), 0); /* no team at all now */
    assert_int_equal(teams_of(&bench, "b"), 1);
    assert_int_equal(compare(&bench, "a", 10), 1);
    assert_int_equal(teams_of(&bench, "b"), 0);
    assert_int_equal(rows_in(&bench, "people_teams"), 4);
    bench_done(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_missing_are_declared_gone_once),
        cmocka_unit_test(an_older_list_behind_a_younger_declares_nobody_gone),
        cmocka_unit_test(the_ledger_knows_of_it),
        cmocka_unit_test(it_makes_what_it_needs),
        cmocka_unit_test(who_is_seen_again_is_taken_back),
        cmocka_unit_test(who_has_just_gone_is_not_taken_back),
        cmocka_unit_test(a_newer_version_is_not_gone),
        cmocka_unit_test(the_known_are_left_as_noted),
        cmocka_unit_test(an_empty_list_is_not_believed),
        cmocka_unit_test(a_list_with_rejects_misses_nobody),
        cmocka_unit_test(tables_may_insist_on_a_filter),
        cmocka_unit_test(a_latest_table_follows),
        cmocka_unit_test(a_set_is_replaced_as_a_whole),
    };
    return cmocka_run_group_tests_name("bigquery_gone", tests, bench_start, bench_stop);
}
