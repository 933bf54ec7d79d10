/* SPDX-License-Identifier: Apache-2.0 */
/* test_bigquery.c - the warehouse port against the sandbox's BigQuery, over real connections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bigquery_fixture.h"

static struct bench bench_prepared(void)
{
    struct error err = {0};
    struct bench bench = bench_new();
    must(prepare(&bench, &both, &err), &err);
    return bench;
}

static void prepare_makes_everything_once(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct bench bench = bench_new();
    must(prepare(&bench, &both, &err), &err);
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.tickets_latest`", bench.dataset), 0);
    assert_int_equal(
        ask("SELECT COUNT(*) FROM `acme-data.%s.lock_tickets` WHERE workspace_id = 'w1'", bench.control), 1);
    size_t tables = journal_count("\"tables.insert\""), jobs = journal_count("\"jobs.insert\"");
    must(prepare(&bench, &both, &err), &err);
    struct bench other = bench_in(bench.dataset);
    must(bigquery_check(other.warehouse, &err), &err);
    must(prepare(&other, &both, &err), &err);
    assert_int_equal(journal_count("\"tables.insert\""), tables);
    assert_int_equal(journal_count("\"jobs.insert\""), jobs);
    assert_int_equal(journal_count("\"tables.patch\""), 0);
    bench_done(&other);
    bench_done(&bench);
}

static void columns_are_added_but_not_changed(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct bench bench = bench_new();
    must(prepare(&bench, &shorter, &err), &err);
    must(prepare(&bench, &both, &err), &err);
    assert_int_equal(
        ask("SELECT COUNT(`order`) FROM `acme-data.%s.tickets` WHERE partition_date >= DATE '0001-01-01'",
            bench.dataset),
        0);
    assert_false(prepare(&bench, &wrong, &err));
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_non_null(strstr(err.text, "column order is STRING"));
    bench_done(&bench);
}

static void a_dataset_elsewhere_is_refused(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct bench bench = bench_new();
    struct bigquery *bq = (struct bigquery *)bench.warehouse;
    bq->settings.location = "US";
    assert_false(bigquery_check(bench.warehouse, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.text, "\"EU\""));
    bench_done(&bench);
}

static void a_unit_twice_is_there_once(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed first = {0}, second = {0};
    struct bench bench = bench_new();
    must(load_unit(&bench, &first, &err), &err);
    must(load_unit(&bench, &second, &err), &err);
    assert_int_equal(first.inserted[0], 2);
    assert_int_equal(first.inserted[1], 1);
    assert_int_equal(first.rejected, 1);
    assert_int_equal(first.doubled, 0);
    assert_int_equal(second.inserted[0] + second.inserted[1] + second.rejected + second.doubled, 0);
    assert_unit_once(&bench);
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.runs`", bench.control), 2);
    assert_int_equal(ask("SELECT SUM(inserted) FROM `acme-data.%s.runs`", bench.control), 3);
    bench_done(&bench);
}

static void a_rejected_record_is_stored_once_in_ninety_days(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed first = {0}, next = {0}, later = {0};
    struct bench bench = bench_new();
    must(load_unit(&bench, &first, &err), &err);
    must(load_unit(&bench, &next, &err), &err);
    change("UPDATE `acme-data.%s.rejected` SET rejected_date = DATE_SUB(rejected_date, INTERVAL 91 DAY) "
           "WHERE LENGTH(content_hash) = 64",
           bench.control);
    must(load_unit(&bench, &later, &err), &err);
    assert_int_equal(first.rejected, 1);
    assert_int_equal(next.rejected, 0);
    assert_int_equal(later.rejected, 1);
    bench_done(&bench);
}

static void the_same_text_of_another_id_is_rejected_too(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed committed = {0};
    struct bench bench = bench_prepared();
    struct load *load = begin(&bench, &both);
    static const char *const ids[] = {"1", "2", "1", "12"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        const struct reject reject = {.id = ids[i], .reason = "no answer", .record = "", .record_size = 0};
        must(bench.warehouse->ops->reject(load, &reject, &err), &err);
    }
    struct commit commit = commit_of(3, 3);
    must(bench.warehouse->ops->commit(load, &commit, &committed, &err), &err);
    assert_int_equal(committed.rejected, 3);
    bench_done(&bench);
}

static void a_key_that_is_there_twice_is_reported(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed first = {0}, second = {0};
    struct bench bench = bench_new();
    must(load_unit(&bench, &first, &err), &err);
    static const char *const tables[] = {"tickets", "parts"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        change("INSERT INTO `acme-data.%s.%s` SELECT * FROM `acme-data.%s.%s` WHERE id IN ('a', 'p')",
               bench.dataset, tables[i], bench.dataset, tables[i]);
    must(load_unit(&bench, &second, &err), &err);
    assert_int_equal(first.doubled, 0);
    assert_int_equal(second.doubled, 2); /* a parent and a child */
    bench_done(&bench);
}

static void the_last_of_a_batch_wins(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed committed = {0};
    struct bench bench = bench_prepared();
    struct load *load = begin(&bench, &both);
    for (int i = 0; i < 3; i++)
        must(ticket(load, "a", 3, i, &err), &err);
    struct commit commit = commit_of(3, 3);
    must(bench.warehouse->ops->commit(load, &commit, &committed, &err), &err);
    assert_int_equal(committed.inserted[0], 1);
    assert_int_equal(
        ask("SELECT COUNT(*) FROM `acme-data.%s.tickets` WHERE partition_date = DATE '2026-02-03' "
            "AND `order` = 'o2'",
            bench.dataset),
        1);
    bench_done(&bench);
}

static void one_second_may_have_many_records(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed committed = {0};
    struct bench bench = bench_prepared();
    for (int i = 0; i < 3; i++) {
        struct load *load = begin(&bench, &both);
        struct commit commit = commit_of(3, 3);
        for (int k = 0; k <= i; k++)
            must(ticket(load, (const char *const[]){"a", "b", "c"}[k], 3, k, &err), &err);
        must(bench.warehouse->ops->commit(load, &commit, &committed, &err), &err);
        assert_int_equal(committed.inserted[0], 1);
    }
    assert_int_equal(rows_in(&bench, "tickets"), 3);
    bench_done(&bench);
}

/* More distinct days than one statement may touch: the script goes on with the next slice. */
static void children_of_many_days(void **unused)
{
    (void)unused;
    enum { DAYS = 6100 };
    struct error err = {0};
    struct committed committed = {0};
    struct bench bench = bench_prepared();
    for (int64_t wanted = DAYS; wanted >= 0; wanted -= DAYS) {
        struct load *load = begin(&bench, &both);
        must(ticket(load, "a", 3, 0, &err), &err);
        for (int i = 0; i < DAYS; i++) {
            char date[DAY_TEXT], row[256];
            day_format(day_add(day_of_civil(2001, 1, 1), i), date);
            int size =
                snprintf(row, sizeof row,
                         "{\"ticket_id\":\"a\",\"redacted\":false,\"id\":\"p%d\",\"created_at\":\"%sT09:00:"
                         "00Z\",\"updated_at\":"
                         "\"%sT10:00:00Z\",\"partition_date\":\"%s\",\"_read_at\":\"2026-03-01T00:00:00Z\","
                         "\"_seq\":%d}",
                         i, date, date, date, i);
            must(bench.warehouse->ops->write(load, 1, row, (size_t)size, &err), &err);
        }
        struct commit commit = commit_of(3, 3);
        must(bench.warehouse->ops->commit(load, &commit, &committed, &err), &err);
        assert_int_equal(committed.inserted[1], wanted);
    }
    assert_int_equal(rows_in(&bench, "parts"), DAYS);
    bench_done(&bench);
}

static void state_tells_what_was_committed(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed committed = {0};
    struct state state = {0};
    struct bench bench = bench_prepared();
    must(bench.warehouse->ops->state(bench.warehouse, &(const struct selection *){&both}, 1, "m1", &state,
                                     &err),
         &err);
    assert_int_equal(state.day_count, 0);
    assert_false(state.any_open_run);
    assert_true(state.now_us >= state.created_us && state.created_us > 0);
    state_done(&state);
    must(load_unit(&bench, &committed, &err), &err);
    struct commit open = commit_of(6, 7);
    open.unit.open = true;
    open.unit.claim_hi = day(5);
    open.message_id = "m2";
    struct load *load = begin(&bench, &both);
    must(ticket(load, "c", 9, 0, &err), &err);
    must(bench.warehouse->ops->commit(load, &open, &committed, &err), &err);
    must(bench.warehouse->ops->state(bench.warehouse, &(const struct selection *){&both}, 1, "m1", &state,
                                     &err),
         &err);
    assert_int_equal(state.day_count, 4);
    static const int64_t held[] = {1, 0, 1};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(state.days[i].day.n, day(3 + (int)i).n);
        assert_int_equal(state.days[i].held, held[i]);
        assert_true(state.days[i].newest.any && state.days[i].own.any);
        assert_int_equal(state.days[i].newest.rows, held[i]);
        assert_int_equal(state.days[i].newest.began_us, INT64_C(1770000000000000));
        assert_true(state.days[i].newest.committed_us > state.created_us);
    }
    assert_int_equal(state.days[3].day.n, day(9).n);
    assert_int_equal(state.days[3].held, 1);
    assert_false(state.days[3].newest.any);
    assert_true(state.any_open_run);
    assert_int_equal(state.open_run_us, INT64_C(1770000000000000));
    state_done(&state);
    must(bench.warehouse->ops->state(bench.warehouse, &(const struct selection *){&both}, 1, "m3", &state,
                                     &err),
         &err);
    assert_false(state.days[0].own.any);
    state_done(&state);
    size_t gets = journal_count("\"tables.get\""), lists = journal_count("\"tables.list\"");
    must(prepare(&bench, &both, &err), &err);
    must(bench.warehouse->ops->state(bench.warehouse, &(const struct selection *){&both}, 1, "m3", &state,
                                     &err),
         &err);
    state_done(&state);
    assert_int_equal(journal_count("\"tables.get\""), gets); /* one list of each dataset serves both */
    assert_int_equal(journal_count("\"tables.list\"") - lists, 2);
    bench_done(&bench);
}

/* The commit is refused, and nothing of it is there. */
static void assert_refused(const struct bench *bench, struct load *load, const char *text)
{
    struct error err = {0};
    struct committed committed = {0};
    struct commit commit = commit_of(3, 3);
    assert_false(bench->warehouse->ops->commit(load, &commit, &committed, &err));
    assert_int_equal(err.kind, ERROR_REFUSED);
    if (!strstr(err.text, text)) fail_msg("not about \"%s\": %s", text, err.text);
    assert_int_equal(rows_in(bench, "tickets"), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.runs`", bench->control), 0);
}

static void a_foreign_workspace_is_refused(void **unused)
{
    (void)unused;
    static const struct source_identity theirs = {.workspace = "w2", .type = "desk"};
    struct error err = {0};
    struct bench bench = bench_prepared();
    assert_false(bench.warehouse->ops->prepare(bench.warehouse, &both, &theirs, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.text, "workspace \"w1\", but this configuration has \"w2\""));
    struct load *load = begin(&bench, &both);
    must(ticket(load, "a", 3, 0, &err), &err);
    assert_refused(&bench, load, "of another workspace");
    bench_done(&bench);
}

/* Beside ours. */
static void a_second_lock_row_is_refused(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct bench bench = bench_prepared();
    struct load *load = begin(&bench, &both);
    must(ticket(load, "a", 3, 0, &err), &err);
    change("INSERT INTO `acme-data.%s.lock_tickets` (workspace_id, source_type, timezone, dataset, commits, "
           "committed_at) SELECT 'w2', source_type, timezone, dataset, commits, committed_at "
           "FROM `acme-data.%s.lock_tickets`",
           bench.control, bench.control);
    assert_refused(&bench, load, "the lock row is missing, doubled");
    bench_done(&bench);
}

static void set_lock(const struct bench *bench, const char *column, const char *value)
{
    change("UPDATE `acme-data.%s.lock_tickets` SET %s = %s WHERE TRUE", bench->control, column, value);
}

static int64_t lock_rows(const struct bench *bench, const char *condition)
{
    return ask("SELECT COUNT(*) FROM `acme-data.%s.lock_tickets` WHERE %s", bench->control, condition);
}

static void begin_and_abort(const struct bench *bench)
{
    bench->warehouse->ops->abort(begin(bench, &both));
}

/* As it is after a table was dropped: a load that begins without another prepare looks at the lock. */
static void a_load_after_the_cache_is_cleared_looks_at_the_lock(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct load *load = NULL;
    struct bench bench = bench_new();
    struct bigquery *bq = (struct bigquery *)bench.warehouse;
    must(prepare(&bench, &both, &err), &err);
    set_lock(&bench, "workspace_id", "'w2'");
    begin_and_abort(&bench); /* it is known; the commit will see */
    table_cache_clear(bq);
    assert_false(bench.warehouse->ops->begin(bench.warehouse, &both, &load, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.text, "workspace \"w2\""));
    set_lock(&bench, "workspace_id", "'w1'");
    set_lock(&bench, "doubled", "3"); /* no row is there twice any more */
    table_cache_clear(bq);
    begin_and_abort(&bench);
    assert_int_equal(lock_rows(&bench, "doubled = 0"), 1);
    change("DELETE FROM `acme-data.%s.lock_tickets` WHERE TRUE", bench.control);
    table_cache_clear(bq);
    begin_and_abort(&bench);
    assert_int_equal(lock_rows(&bench, "workspace_id = 'w1'"), 1);
    bench_done(&bench);
}

static void a_wrong_count_is_refused(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct bench bench = bench_prepared();
    struct load *load = begin(&bench, &both);
    must(ticket(load, "a", 3, 0, &err), &err);
    load->stages[0].rows++;
    assert_refused(&bench, load, "staged row count differs");
    bench_done(&bench);
}

static void a_row_outside_its_unit_is_refused(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct bench bench = bench_prepared();
    struct load *load = begin(&bench, &both);
    must(ticket(load, "a", 4, 0, &err), &err);
    assert_refused(&bench, load, "outside its unit");
    bench_done(&bench);
}

static void a_row_that_does_not_fit_is_named(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed committed = {0};
    struct bench bench = bench_prepared();
    struct load *load = begin(&bench, &both);
    static const char row[] = "{\"id\":\"a\",\"updated_at\":\"yesterday\",\"partition_date\":\"2026-02-03\","
                              "\"_read_at\":\"2026-03-01T00:00:00Z\",\"_seq\":0}";
    must(bench.warehouse->ops->write(load, 0, row, strlen(row), &err), &err);
    struct commit commit = commit_of(3, 3);
    assert_false(bench.warehouse->ops->commit(load, &commit, &committed, &err));
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_non_null(strstr(err.text, "updated_at"));
    bench_done(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prepare_makes_everything_once),
        cmocka_unit_test(columns_are_added_but_not_changed),
        cmocka_unit_test(a_dataset_elsewhere_is_refused),
        cmocka_unit_test(a_unit_twice_is_there_once),
        cmocka_unit_test(a_rejected_record_is_stored_once_in_ninety_days),
        cmocka_unit_test(the_same_text_of_another_id_is_rejected_too),
        cmocka_unit_test(a_key_that_is_there_twice_is_reported),
        cmocka_unit_test(the_last_of_a_batch_wins),
        cmocka_unit_test(one_second_may_have_many_records),
        cmocka_unit_test(children_of_many_days),
        cmocka_unit_test(state_tells_what_was_committed),
        cmocka_unit_test(a_foreign_workspace_is_refused),
        cmocka_unit_test(a_second_lock_row_is_refused),
        cmocka_unit_test(a_load_after_the_cache_is_cleared_looks_at_the_lock),
        cmocka_unit_test(a_wrong_count_is_refused),
        cmocka_unit_test(a_row_outside_its_unit_is_refused),
        cmocka_unit_test(a_row_that_does_not_fit_is_named),
    };
    return cmocka_run_group_tests_name("bigquery", tests, bench_start, bench_stop);
}
