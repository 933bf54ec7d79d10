/* SPDX-License-Identifier: Apache-2.0 */
/* test_bigquery_list.c - the list of a reconciliation that has whole records: which of them become rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gone_fixture.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define COMPARED    1001 /* the fewest that can be too many */

static const struct selection stream = {
    .stream = &fake_members_dated, .tables = {&fake_members_table, &fake_members_deleted}, .table_count = 2};
static const struct selection list = {
    .stream = &fake_members_list,
    .tables = {&fake_members_table, &fake_members_table, &fake_members_deleted},
    .table_count = RECONCILE_TABLES};

/* A person of one version, read at that hour of the first of March. */
struct reading {
    const char *id;
    int on;      /* the day of February: the version */
    int content; /* 0: unknown */
    int hour;
};

static void write_reading(struct load *load, const struct reading *reading, int sequence)
{
    struct error err = {0};
    char content[40] = "", row[320];
    if (reading->content) snprintf(content, sizeof content, "\"_content\":\"%d\",", reading->content);
    int size =
        snprintf(row, sizeof row,
                 "{\"id\":\"%s\",\"updated_at\":\"2026-02-%02dT10:00:00Z\",\"name\":\"%d\",%s"
                 "\"partition_date\":\"2026-02-%02d\",\"_read_at\":\"2026-03-01T%02d:00:00Z\",\"_seq\":%d}",
                 reading->id, reading->on, reading->content, content, reading->on, reading->hour, sequence);
    must(load->bq->warehouse.ops->write(load, 0, row, (size_t)size, &err), &err);
}

static int64_t hour_us(int hour)
{
    return (int64_t)day(29).n * 86400 * 1000000 + hour * INT64_C(3600000000);
}

static struct committed put_readings(const struct bench *bench, const struct selection *selection,
                                     const struct reading *readings, size_t count,
                                     const struct commit *commit)
{
    struct error err = {0};
    struct committed committed = {0};
    must(prepare(bench, selection, &err), &err);
    struct load *load = begin(bench, selection);
    for (size_t i = 0; i < count; i++)
        write_reading(load, &readings[i], (int)i);
    must(bench->warehouse->ops->commit(load, commit, &committed, &err), &err);
    assert_int_equal(committed.doubled, 0);
    return committed;
}

/* A fetch of the stream's days, that began at that hour. */
static int64_t fetch(const struct bench *bench, int lo, int hi, int hour, struct reading reading)
{
    struct commit commit = commit_of(lo, hi);
    commit.began_us = hour_us(hour);
    return put_readings(bench, &stream, &reading, 1, &commit).inserted[0];
}

/* The third of February is the first day. */
static struct commit listed_at(int hour)
{
    struct commit commit = commit_of(3, 28);
    commit.unit.open = true;
    commit.unit.claim_hi = day(2);
    commit.began_us = hour_us(hour);
    return commit;
}

static struct committed read_list(const struct bench *bench, const struct reading *readings, size_t count,
                                  int hour)
{
    struct commit commit = listed_at(hour);
    return put_readings(bench, &list, readings, count, &commit);
}

static int64_t shown(const struct bench *bench, const char *id)
{
    return ask("SELECT CAST(MAX(name) AS INT64) FROM `acme-data.%s.people_latest` WHERE id = '%s'",
               bench->dataset, id);
}

static void a_list_is_a_reading_of_its_records(void **unused)
{
    (void)unused;
    static const struct reading known[] = {
        {"same", 4, 1, 1}, {"other", 4, 1, 1}, {"cut", 4, 1, 1}, {"younger", 4, 1, 6}};
    static const struct reading listed[] = {{"same", 4, 1, 5},    {"other", 4, 2, 5},   {"cut", 4, 0, 5},
                                            {"younger", 4, 2, 5}, {"unknown", 4, 1, 5}, {"early", 2, 1, 5},
                                            {"before", 2, 2, 5}};
    struct bench bench = bench_new();
    struct commit commit = commit_of(3, 5);
    commit.began_us = hour_us(1);
    assert_int_equal(put_readings(&bench, &stream, known, COUNT(known), &commit).inserted[0], COUNT(known));
    assert_int_equal(fetch(&bench, 1, 2, 1, (struct reading){"before", 2, 1, 1}), 1); /* a backfill */

    struct committed committed = read_list(&bench, listed, COUNT(listed), 5);
    assert_int_equal(committed.inserted[RECONCILE_LIST], 3);
    assert_int_equal(committed.content_changes, 2);
    assert_int_equal(committed.inserted[RECONCILE_GONE], 0);
    assert_int_equal(shown(&bench, "other") + shown(&bench, "before"), 4);
    assert_int_equal(shown(&bench, "same") + shown(&bench, "cut") + shown(&bench, "younger"), 3);
    assert_int_equal(shown(&bench, "unknown"), 1);
    assert_int_equal(
        ask("SELECT COUNT(*) FROM `acme-data.%s.people_latest` WHERE id = 'early'", bench.dataset),
        0); /* it is older than the first day */
    /* It claims nothing, and older claims are believed with the rows that it added. */
    assert_int_equal(ask("SELECT SUM(a.row_count) FROM `acme-data.%s.runs` AS r, UNNEST(r.added) AS a WHERE "
                         "stream = 'people_reconciliation' AND ARRAY_LENGTH(claimed) = 0",
                         bench.control),
                     3);
    assert_int_equal(read_list(&bench, listed, COUNT(listed), 5).inserted[RECONCILE_LIST], 0);
    bench_done(&bench);
}

/* The newest row of a version says what was seen last, by a fetch or by a list. */
static void lists_and_fetches_overtake_each_other(void **unused)
{
    (void)unused;
    static const struct reading first = {"a", 4, 1, 1}, other = {"a", 4, 2, 3}, same = {"a", 4, 1, 6};
    struct bench bench = bench_new();
    assert_int_equal(fetch(&bench, 3, 5, 1, first), 1);
    assert_int_equal(read_list(&bench, &same, 1, 5).inserted[RECONCILE_LIST], 0);
    assert_int_equal(fetch(&bench, 3, 5, 2, other), 0); /* the list read it later */
    bench_done(&bench);

    bench = bench_new();
    assert_int_equal(fetch(&bench, 3, 5, 1, first), 1);
    assert_int_equal(fetch(&bench, 4, 4, 5, same), 0);
    assert_int_equal(read_list(&bench, &other, 1, 2).inserted[RECONCILE_LIST], 0); /* the fetch did */
    bench_done(&bench);

    bench = bench_new();
    assert_int_equal(fetch(&bench, 3, 5, 1, first), 1);
    assert_int_equal(fetch(&bench, 5, 5, 5, (struct reading){"b", 5, 1, 6}), 1);
    assert_int_equal(read_list(&bench, &other, 1, 2).inserted[RECONCILE_LIST], 1); /* it read other days */
    bench_done(&bench);

    /* A list reads all days, also those before the first. */
    static const struct reading early = {"a", 2, 1, 1}, early_same = {"a", 2, 1, 6};
    bench = bench_new();
    assert_int_equal(fetch(&bench, 1, 2, 1, early), 1);
    assert_int_equal(read_list(&bench, &early_same, 1, 5).inserted[RECONCILE_LIST], 0);
    assert_int_equal(fetch(&bench, 1, 2, 2, (struct reading){"a", 2, 2, 3}), 0);
    bench_done(&bench);
}

/* --- Another form --- */

/* A list of so many known people and one unknown, of whom so many differ; stored_unknown of the others have
 * no content in the table. */
static struct committed read_large_list(size_t compared, size_t differing, size_t stored_unknown)
{
    static char ids[COMPARED + 100][8];
    static struct reading readings[COMPARED + 100];
    size_t count = compared + stored_unknown;
    struct bench bench = bench_new();
    struct commit commit = commit_of(3, 5);
    commit.began_us = hour_us(1);
    assert_true(count + 1 < COUNT(readings));
    for (size_t i = 0; i <= count; i++) {
        snprintf(ids[i], sizeof ids[i], "p%zu", i);
        readings[i] = (struct reading){ids[i], 4, i < compared, 1};
    }
    (void)put_readings(&bench, &stream, readings, count, &commit);
    for (size_t i = 0; i <= count; i++)
        readings[i] = (struct reading){ids[i], 4, i < compared - differing ? 1 : 2, 5};
    struct committed committed = read_list(&bench, readings, count + 1, 5);
    bench_done(&bench);
    return committed;
}

static void a_list_in_another_form_adds_versions_only(void **unused)
{
    (void)unused;
    struct committed committed = read_large_list(COMPARED, COMPARED / 2 + 1, 7);
    assert_int_equal(committed.compared, COMPARED);
    assert_int_equal(committed.refused_contents, COMPARED / 2 + 1);
    assert_int_equal(committed.inserted[RECONCILE_LIST], 1); /* the unknown one */

    committed = read_large_list(COMPARED, COMPARED / 2, 7);
    assert_int_equal(committed.refused_contents, 0);
    assert_int_equal(committed.inserted[RECONCILE_LIST], COMPARED / 2 + 7 + 1);

    committed = read_large_list(COMPARED - 1, COMPARED - 1, 7); /* too few to tell */
    assert_int_equal(committed.refused_contents, 0);
    assert_int_equal(committed.inserted[RECONCILE_LIST], COMPARED - 1 + 7 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_a_reading_of_its_records),
        cmocka_unit_test(lists_and_fetches_overtake_each_other),
        cmocka_unit_test(a_list_in_another_form_adds_versions_only),
    };
    return cmocka_run_group_tests_name("bigquery_list", tests, bench_start, bench_stop);
}
