/* SPDX-License-Identifier: Apache-2.0 */
/* test_bigquery_listing.c - tables that are taken as they are listed, and what is noticed all the same;
 * and fetches that are only noted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bigquery_fixture.h"

#define GETS    "\"tables.get\""
#define INSERTS "\"tables.insert\""
#define ROW(id)                                                                                              \
    {                                                                                                        \
        0, "{\"id\":\"" id "\",\"updated_at\":\"2026-02-03T10:00:00Z\",\"partition_date\":\"2026-02-03\","   \
           "\"order\":\"1\",\"_read_at\":\"2026-03-01T00:00:00Z\",\"_seq\":0}"                               \
    }

static const struct row first_row = ROW("a"), next_row = ROW("b");

static struct bench loaded(void)
{
    struct bench bench = bench_new();
    struct commit commit = commit_of(3, 3);
    put_rows(&bench, &both, &first_row, 1, &commit);
    return bench;
}

/* As somebody else would: another table of the same name and labels. name NULL: the column is left out. */
static void rebuild(const struct bench *bench, const char *column, const char *name)
{
    struct error err = {0};
    struct bigquery *bq = (struct bigquery *)bench->warehouse;
    AUTO(json_drop) json_t *have = NULL;
    must(table_get(bq, bench->dataset, "tickets", &have, &err), &err);
    json_t *fields = json_deep_copy(json_at(have, "schema.fields"));
    for (size_t i = 0; i < json_array_size(fields); i++) {
        json_t *field = json_array_get(fields, i);
        if (strcmp(json_text_at(field, "name"), column) != 0) continue;
        if (name)
            json_object_set_new(field, "name", json_string(name));
        else
            json_array_remove(fields, i);
        break;
    }
    AUTO(json_drop)
    json_t *want = json_pack("{s:O, s:O, s:O, s:{s:o}}", "labels", json_object_get(have, "labels"),
                             "timePartitioning", json_object_get(have, "timePartitioning"), "clustering",
                             json_object_get(have, "clustering"), "schema", "fields", fields);
    must(table_drop(bq, bench->dataset, "tickets", &err), &err);
    must(table_insert(bq, bench->dataset, "tickets", want, &err), &err);
}

static void a_new_process_asks_for_no_table(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct bench bench = loaded(), next = bench_in(bench.dataset);
    size_t gets = journal_count(GETS), inserts = journal_count(INSERTS);
    must(prepare(&next, &both, &err), &err);
    assert_int_equal(journal_count(GETS), gets);
    assert_int_equal(journal_count(INSERTS), inserts);
    change("DROP VIEW `acme-data.%s.tickets_latest`", bench.dataset);
    struct bench third = bench_in(bench.dataset);
    must(prepare(&third, &both, &err), &err);
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.tickets_latest`", bench.dataset), 1);
    bench_done(&third);
    bench_done(&next);
    bench_done(&bench);
}

static void a_column_that_is_missing_is_added_by_the_commit(void **unused)
{
    (void)unused;
    struct bench bench = loaded(), next = bench_in(bench.dataset);
    struct commit commit = commit_of(3, 3);
    rebuild(&bench, "order", NULL);
    struct committed done = put_rows(&next, &both, &next_row, 1, &commit);
    assert_int_equal(done.inserted[0], 1);
    assert_int_equal(
        ask("SELECT COUNT(*) FROM `acme-data.%s.tickets` WHERE `order` IS NOT NULL", bench.dataset), 1);
    bench_done(&next);
    bench_done(&bench);
}

static void a_column_that_was_renamed_is_named_by_the_commit(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed done = {0};
    struct bench bench = loaded(), next = bench_in(bench.dataset);
    struct commit commit = commit_of(3, 3);
    rebuild(&bench, "order", "number");
    must(prepare(&next, &both, &err), &err);
    assert_false(try_rows(&next, &both, &next_row, 1, &commit, &done, &err));
    assert_non_null(strstr(err.text, "the column order was renamed to number"));
    err = (struct error){0};
    assert_false(prepare(&next, &both, &err)); /* it is not trusted again */
    bench_done(&next);
    bench_done(&bench);
}

static void what_a_list_lacks_is_asked_for(void **unused)
{
    (void)unused;
    struct error err = {0};
    fault("bigquery table * missing 600000 list");
    struct bench bench = loaded();
    fault(NULL);
    struct bench next = bench_in(bench.dataset);
    size_t gets = journal_count(GETS), inserts = journal_count(INSERTS);
    must(prepare(&next, &both, &err), &err);
    assert_true(journal_count(GETS) > gets);
    assert_int_equal(journal_count(INSERTS), inserts);
    bench_done(&next);
    bench_done(&bench);
}

static int64_t last_commit(const struct bench *bench)
{
    struct error err = {0};
    struct state state = {0};
    const struct selection *selections[] = {&both};
    must(bench->warehouse->ops->state(bench->warehouse, selections, 1, "m", &state, &err), &err);
    int64_t at_us = state.last.committed_us;
    state_done(&state);
    assert_true(at_us > 0);
    return at_us;
}

/* The same rows again, as a fetch that found what the commit of then had found. */
static bool note_as_of(const struct bench *bench, int64_t as_of_us, struct error *err)
{
    struct committed done = {0};
    struct commit commit = commit_of(3, 3);
    commit.digest = 7;
    commit.same_as_us = as_of_us;
    must(try_rows(bench, &both, &first_row, 1, &commit, &done, err), err);
    assert_int_equal(done.inserted[0], 0);
    return bench->warehouse->ops->settle(bench->warehouse, err);
}

static void a_note_stands_only_behind_the_last_commit(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct bench bench = bench_new();
    struct commit commit = commit_of(3, 3);
    commit.digest = 7;
    put_rows(&bench, &both, &first_row, 1, &commit);
    int64_t first_us = last_commit(&bench);
    size_t inserts = journal_count(INSERTS);
    must(note_as_of(&bench, first_us, &err), &err);
    assert_int_equal(journal_count(INSERTS), inserts); /* its rows were never staged */
    put_rows(&bench, &both, &next_row, 1, &commit);
    assert_false(note_as_of(&bench, first_us, &err));
    assert_int_equal(err.kind, ERROR_BUSY);
    assert_non_null(strstr(err.text, "something else was committed between"));
    err = (struct error){0};
    must(bench.warehouse->ops->settle(bench.warehouse, &err), &err); /* once is enough */
    must(prepare(&bench, &both, &err), &err);
    must(note_as_of(&bench, last_commit(&bench), &err), &err);
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.runs` WHERE same_as IS NOT NULL", bench.control),
                     2);
    bench_done(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_process_asks_for_no_table),
        cmocka_unit_test(a_column_that_is_missing_is_added_by_the_commit),
        cmocka_unit_test(a_column_that_was_renamed_is_named_by_the_commit),
        cmocka_unit_test(what_a_list_lacks_is_asked_for),
        cmocka_unit_test(a_note_stands_only_behind_the_last_commit),
    };
    return cmocka_run_group_tests_name("bigquery_listing", tests, bench_start, bench_stop);
}
