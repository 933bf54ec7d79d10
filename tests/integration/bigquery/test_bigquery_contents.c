/* SPDX-License-Identifier: Apache-2.0 */
/* test_bigquery_contents.c - readings of one version: which of them become rows, and which one is newest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bigquery_fixture.h"
#include "fake_members.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const struct selection members = {
    .stream = &fake_members, .tables = {&fake_members_table, &fake_members_teams}, .table_count = 2};

/* The hour of the first of March 2026. */
static int64_t hour_us(int hour)
{
    return (int64_t)day(29).n * 86400 * 1000000 + hour * INT64_C(3600000000);
}

/* One record of one version, read at that hour by a fetch that began at another one. */
struct reading {
    int content; /* 0: unknown */
    int read_hour, began_hour;
    int inserted;
    int latest;          /* what is newest afterwards */
    const char *meaning; /* for people */
};

static void add_content(char *row, size_t size, const char *record, const struct reading *reading)
{
    char content[40] = "";
    if (reading->content) snprintf(content, sizeof content, "\"_content\":\"%d\",", reading->content);
    snprintf(row, size, "{%s,%s\"_read_at\":\"2026-03-01T%02d:00:00Z\",\"_seq\":0}", record, content,
             reading->read_hour);
}

static int64_t commit_and_count(const struct bench *bench, const struct reading *reading, int lo, int hi,
                                int64_t *out_content_changes)
{
    char record[200], row[320];
    struct commit commit = commit_of(lo, hi);
    commit.began_us = hour_us(reading->began_hour);
    snprintf(record, sizeof record,
             "\"id\":\"a\",\"updated_at\":\"2026-02-04T10:00:00Z\",\"order\":\"%d\",\"partition_date\":"
             "\"2026-02-04\"",
             reading->content);
    add_content(row, sizeof row, record, reading);
    struct committed done = put_rows(bench, &both, &(struct row){0, row}, 1, &commit);
    assert_int_equal(done.doubled, 0);
    *out_content_changes = done.content_changes;
    return done.inserted[0];
}

static int64_t commit_reading(const struct bench *bench, const struct reading *reading, int lo, int hi)
{
    int64_t ignored;
    return commit_and_count(bench, reading, lo, hi, &ignored);
}

static int64_t newest_ticket(const struct bench *bench)
{
    return ask("SELECT CAST(`order` AS INT64) FROM `acme-data.%s.tickets_latest` WHERE id = 'a'",
               bench->dataset);
}

static void readings_in_any_order(void **unused)
{
    (void)unused;
    static const struct reading readings[] = {
        {1, 3, 3, 1, 1, "a version that is unknown"},
        {1, 4, 4, 0, 1, "the same content"},
        {2, 5, 5, 1, 2, "another content"},
        {1, 3, 3, 0, 2, "the first job runs once more"},
        {2, 5, 5, 0, 2, "the other job, too"},
        {3, 4, 4, 0, 2, "a content that was read before the stored one"},
        {3, 5, 5, 0, 2, "a content that was read at the same time"},
        {0, 6, 6, 0, 2, "a record that was read incompletely"},
        {1, 7, 7, 1, 1, "back to the first content"},
        {2, 5, 5, 0, 1, "and the old job again"},
    };
    struct bench bench = bench_new();
    for (size_t i = 0; i < COUNT(readings); i++) {
        int64_t content_changes;
        int64_t inserted = commit_and_count(&bench, &readings[i], 3, 5, &content_changes);
        assert_int_equal(content_changes, i > 0 ? inserted : 0);
        if (inserted != readings[i].inserted || newest_ticket(&bench) != readings[i].latest)
            fail_msg("%s: inserted %d, newest is %d", readings[i].meaning, (int)inserted,
                     (int)newest_ticket(&bench));
    }
    assert_int_equal(rows_in(&bench, "tickets"), 3);
    assert_int_equal(ask("SELECT SUM(content_changes) FROM `acme-data.%s.runs`", bench.control), 2);
    bench_done(&bench);
}

static void an_overtaken_fetch_adds_no_contents(void **unused)
{
    (void)unused;
    static const struct reading first = {1, 1, 1, 1, 1, ""}, same = {1, 8, 7, 0, 1, ""},
                                late = {2, 6, 2, 0, 1, ""}, other_days = {2, 6, 2, 1, 2, ""};
    struct bench bench = bench_new();
    assert_int_equal(commit_reading(&bench, &first, 3, 5), 1);
    /* The later fetch saw the first content at eight: what was seen at six is older, though it is stored
     * later. */
    assert_int_equal(commit_reading(&bench, &same, 4, 4), 0);
    assert_int_equal(commit_reading(&bench, &late, 3, 5), 0);
    assert_int_equal(newest_ticket(&bench), 1);
    bench_done(&bench);
    /* A later fetch of other days says nothing of this one. */
    bench = bench_new();
    assert_int_equal(commit_reading(&bench, &first, 3, 5), 1);
    change("UPDATE `acme-data.%s.runs` SET from_date = DATE '2026-02-05', to_date = DATE '2026-02-05', "
           "fetch_began_at = TIMESTAMP '2026-03-01 07:00:00+00' WHERE TRUE",
           bench.control);
    assert_int_equal(commit_reading(&bench, &other_days, 3, 5), 1);
    assert_int_equal(newest_ticket(&bench), 2);
    bench_done(&bench);
}

static void a_version_of_an_overtaken_fetch_is_kept(void **unused)
{
    (void)unused;
    static const struct reading first = {1, 2, 2, 1, 1, ""};
    struct bench bench = bench_new();
    struct error err = {0};
    struct committed none;
    struct commit later = commit_of(3, 5);
    later.began_us = hour_us(7);
    must(prepare(&bench, &both, &err), &err);
    must(try_rows(&bench, &both, NULL, 0, &later, &none, &err), &err);
    assert_int_equal(commit_reading(&bench, &first, 3, 5), 1);
    bench_done(&bench);
}

static void rows_of_an_older_caseload_are_unknown(void **unused)
{
    (void)unused;
    static const struct reading unknown = {0, 3, 3, 1, 0, ""}, known = {1, 4, 4, 1, 1, ""},
                                again = {1, 5, 5, 0, 1, ""};
    struct bench bench = bench_new();
    assert_int_equal(commit_reading(&bench, &unknown, 3, 5), 1);
    change("UPDATE `acme-data.%s.tickets` SET _read_at = NULL WHERE TRUE", bench.dataset);
    assert_int_equal(commit_reading(&bench, &unknown, 3, 5), 0);
    assert_int_equal(commit_reading(&bench, &known, 3, 5), 1);
    assert_int_equal(commit_reading(&bench, &again, 3, 5), 0);
    assert_int_equal(newest_ticket(&bench), 1);
    bench_done(&bench);
}

static void of_one_batch_the_complete_reading_counts(void **unused)
{
    (void)unused;
    static const char *const contents[] = {"\"_content\":\"1\",", "\"_content\":\"2\",", ""};
    char text[3][320];
    struct row rows[3];
    struct bench bench = bench_new();
    struct commit commit = commit_of(3, 5);
    for (int i = 0; i < 3; i++) {
        snprintf(text[i], sizeof text[i],
                 "{\"id\":\"a\",\"updated_at\":\"2026-02-04T10:00:00Z\",\"order\":\"%d\",\"partition_date\":"
                 "\"2026-02-04\",%s\"_read_at\":\"2026-03-01T0%d:00:00Z\",\"_seq\":%d}",
                 i + 1, contents[i], i, i);
        rows[i] = (struct row){0, text[i]};
    }
    assert_int_equal(put_rows(&bench, &both, rows, 3, &commit).inserted[0], 1);
    assert_int_equal(newest_ticket(&bench), 2);
    bench_done(&bench);
}

/* Pages of a list come in any order. */
static void of_one_batch_the_newest_reading_counts(void **unused)
{
    (void)unused;
    char text[2][320];
    struct row rows[2];
    struct bench bench = bench_new();
    struct commit commit = commit_of(3, 5);
    for (int i = 0; i < 2; i++) {
        snprintf(text[i], sizeof text[i],
                 "{\"id\":\"a\",\"updated_at\":\"2026-02-04T10:00:00Z\",\"order\":\"%d\",\"partition_date\":"
                 "\"2026-02-04\",\"_content\":\"%d\",\"_read_at\":\"2026-03-01T0%d:00:00Z\",\"_seq\":%d}",
                 i + 1, i + 1, 2 - i, i);
        rows[i] = (struct row){0, text[i]};
    }
    assert_int_equal(put_rows(&bench, &both, rows, 2, &commit).inserted[0], 1);
    assert_int_equal(newest_ticket(&bench), 1);
    bench_done(&bench);
}

/* --- children and sets --- */

static int64_t commit_part(const struct bench *bench, int content, int read_hour, bool redacted)
{
    char record[240], row[400];
    const struct reading reading = {content, read_hour, read_hour, 0, 0, ""};
    struct commit commit = commit_of(3, 5);
    commit.began_us = hour_us(read_hour);
    snprintf(record, sizeof record,
             "\"ticket_id\":\"a\",\"id\":\"p\",\"created_at\":\"2026-01-04T10:00:00Z\",\"updated_at\":"
             "\"2026-02-04T10:00:00Z\",\"redacted\":%s,\"partition_date\":\"2026-01-04\"",
             redacted ? "true" : "false");
    add_content(row, sizeof row, record, &reading);
    return put_rows(bench, &both, &(struct row){1, row}, 1, &commit).inserted[1];
}

static void a_flag_is_content(void **unused)
{
    (void)unused;
    struct bench bench = bench_new();
    assert_int_equal(commit_part(&bench, 1, 3, false), 1);
    assert_int_equal(commit_part(&bench, 2, 4, true), 1);
    assert_int_equal(commit_part(&bench, 1, 5, false), 1);
    assert_int_equal(commit_part(&bench, 2, 4, true), 0);
    assert_int_equal(ask("SELECT COUNTIF(redacted) FROM `acme-data.%s.parts_latest`", bench.dataset), 0);
    assert_int_equal(rows_in(&bench, "parts"), 3);
    bench_done(&bench);
}

/* The teams of person a, a letter each; teams[read] of them at that hour. */
static int64_t commit_teams(const struct bench *bench, int count, const char *const teams[], int first_hour)
{
    char text[8][320], record[200];
    struct row rows[8];
    size_t rows_count = 0;
    struct commit commit = commit_of(1, 28);
    commit.unit.open = true;
    commit.began_us = hour_us(first_hour);
    for (int i = 0; i < count; i++)
        for (const char *team = teams[i]; *team; team++, rows_count++) {
            snprintf(record, sizeof record,
                     "\"person_id\":\"a\",\"id\":\"%c\",\"person_updated_at\":\"2026-02-04T10:00:00Z\","
                     "\"partition_date\":\"2026-02-04\"",
                     *team);
            snprintf(text[rows_count], sizeof text[0],
                     "{%s,\"_content\":\"%zu\",\"_read_at\":\"2026-03-01T%02d:00:00Z\",\"_seq\":%zu}", record,
                     strlen(teams[i]) * 100 + (size_t)teams[i][0], first_hour + i, rows_count);
            rows[rows_count] = (struct row){1, text[rows_count]};
        }
    struct committed done = put_rows(bench, &members, rows, rows_count, &commit);
    assert_int_equal(done.doubled, 0);
    return done.inserted[1];
}

static int64_t teams_of(const struct bench *bench)
{
    return ask("SELECT COUNT(*) FROM `acme-data.%s.people_teams_latest`", bench->dataset);
}

static void a_set_is_compared_as_a_whole(void **unused)
{
    (void)unused;
    struct bench bench = bench_new();
    static const char person[] = "{\"id\":\"a\",\"updated_at\":\"2026-02-04T10:00:00Z\",\"partition_date\":"
                                 "\"2026-02-04\",\"_read_at\":\"2026-03-01T00:00:00Z\",\"_seq\":0}";
    struct commit commit = commit_of(1, 28);
    put_rows(&bench, &members, &(struct row){0, person}, 1, &commit);
    assert_int_equal(commit_teams(&bench, 1, (const char *const[]){"st"}, 1), 2);
    assert_int_equal(teams_of(&bench), 2);
    assert_int_equal(commit_teams(&bench, 1, (const char *const[]){"st"}, 2), 0);
    assert_int_equal(commit_teams(&bench, 1, (const char *const[]){"t"}, 3), 1); /* one left */
    assert_int_equal(teams_of(&bench), 1);
    assert_int_equal(commit_teams(&bench, 1, (const char *const[]){"st"}, 4), 2); /* and came back */
    assert_int_equal(teams_of(&bench), 2);
    assert_int_equal(commit_teams(&bench, 1, (const char *const[]){"t"}, 3), 0);
    /* Two readings in one batch: the older one adds nothing. */
    assert_int_equal(commit_teams(&bench, 2, (const char *const[]){"tu", "st"}, 5), 0);
    assert_int_equal(teams_of(&bench), 2);
    bench_done(&bench);
}

/* --- claims --- */

static void rows_on_days_that_others_claimed_are_noted(void **unused)
{
    (void)unused;
    static const struct reading first = {1, 3, 3, 1, 1, ""}, second = {2, 4, 4, 1, 2, ""};
    struct bench bench = bench_new();
    struct state state;
    struct error err = {0};
    char row[320];
    struct commit open = commit_of(4, 5);
    assert_int_equal(commit_reading(&bench, &first, 3, 5), 1);
    open.unit.claim_hi = day(3);
    open.began_us = hour_us(4);
    add_content(row, sizeof row,
                "\"id\":\"a\",\"updated_at\":\"2026-02-04T10:00:00Z\",\"order\":\"2\",\"partition_date\":"
                "\"2026-02-04\"",
                &second);
    assert_int_equal(put_rows(&bench, &both, &(struct row){0, row}, 1, &open).inserted[0], 1);
    assert_int_equal(ask("SELECT a.row_count FROM `acme-data.%s.runs` AS r, UNNEST(r.added) AS a WHERE a.day "
                         "= DATE '2026-02-04'",
                         bench.control),
                     1);
    must(bench.warehouse->ops->state(bench.warehouse, &(const struct selection *){&both}, 1, "m1", &state,
                                     &err),
         &err);
    struct day_state known = state_day(&state, day(4));
    assert_int_equal(known.held, 2);
    assert_int_equal(known.newest.rows, 2); /* one was claimed, and one was added */
    assert_int_equal(known.own.rows, 2);
    state_done(&state);
    bench_done(&bench);
}

static bool is_believed(const struct bench *bench, int on, bool own)
{
    struct state state;
    struct error err = {0};
    must(prepare(bench, &both, &err), &err);
    must(bench->warehouse->ops->state(bench->warehouse, &(const struct selection *){&both}, 1, "m1", &state,
                                      &err),
         &err);
    struct day_state known = state_day(&state, day(on));
    const struct claim *claim = own ? &known.own : &known.newest;
    bool is_believed = claim->any && known.held >= claim->rows;
    state_done(&state);
    return is_believed;
}

static void a_claim_counts_its_children(void **unused)
{
    (void)unused;
    struct bench bench = bench_new();
    assert_int_equal(commit_part(&bench, 1, 3, false), 1);
    assert_true(is_believed(&bench, 4, false));
    /* A row that came later does not make up for one that is missing. */
    struct commit later = commit_of(7, 9);
    static const char other[] =
        "{\"ticket_id\":\"b\",\"id\":\"q\",\"redacted\":false,\"created_at\":\"2026-01-04T11:00:00Z\","
        "\"updated_at\":\"2026-02-08T10:00:00Z\",\"partition_date\":\"2026-01-04\",\"_content\":\"7\","
        "\"_read_at\":\"2026-03-01T09:00:00Z\",\"_seq\":0}";
    assert_int_equal(put_rows(&bench, &both, &(struct row){1, other}, 1, &later).inserted[1], 1);
    assert_true(is_believed(&bench, 4, false));
    change("DELETE FROM `acme-data.%s.parts` WHERE ticket_id = 'a'", bench.dataset);
    assert_false(is_believed(&bench, 4, false));
    assert_false(is_believed(&bench, 4, true));
    assert_false(is_believed(&bench, 8, false)); /* it may be its own child */
    /* Read again the claim is settled, whatever is left. */
    assert_int_equal(put_rows(&bench, &both, &(struct row){1, other}, 1, &later).inserted[1], 0);
    assert_true(is_believed(&bench, 8, false));
    assert_int_equal(commit_part(&bench, 1, 3, false), 1);
    assert_true(is_believed(&bench, 4, false));
    bench_done(&bench);
}

/* Two commits that passed each other, for example under two locks. */
static void the_same_reading_twice_is_reported(void **unused)
{
    (void)unused;
    static const struct reading first = {1, 3, 3, 1, 1, ""}, second = {2, 5, 5, 1, 2, ""};
    struct bench bench = bench_new();
    struct commit commit = commit_of(3, 5);
    struct committed done;
    struct error err = {0};
    char row[320];
    assert_int_equal(commit_reading(&bench, &first, 3, 5), 1);
    change("INSERT INTO `acme-data.%s.tickets` (partition_date, id, updated_at, _content, _read_at, "
           "_loaded_at, _run_id) "
           "VALUES (DATE '2026-02-04', 'a', TIMESTAMP '2026-02-04 10:00:00+00', 1, TIMESTAMP '2026-03-01 "
           "04:00:00+00', "
           "CURRENT_TIMESTAMP(), 'r')",
           bench.dataset);
    add_content(row, sizeof row,
                "\"id\":\"a\",\"updated_at\":\"2026-02-04T10:00:00Z\",\"order\":\"2\",\"partition_date\":"
                "\"2026-02-04\"",
                &second);
    must(try_rows(&bench, &both, &(struct row){0, row}, 1, &commit, &done, &err), &err);
    assert_int_equal(done.doubled, 1);
    bench_done(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readings_in_any_order),
        cmocka_unit_test(an_overtaken_fetch_adds_no_contents),
        cmocka_unit_test(a_version_of_an_overtaken_fetch_is_kept),
        cmocka_unit_test(rows_of_an_older_caseload_are_unknown),
        cmocka_unit_test(of_one_batch_the_complete_reading_counts),
        cmocka_unit_test(of_one_batch_the_newest_reading_counts),
        cmocka_unit_test(a_flag_is_content),
        cmocka_unit_test(a_set_is_compared_as_a_whole),
        cmocka_unit_test(rows_on_days_that_others_claimed_are_noted),
        cmocka_unit_test(a_claim_counts_its_children),
        cmocka_unit_test(the_same_reading_twice_is_reported),
    };
    return cmocka_run_group_tests_name("bigquery_contents", tests, bench_start, bench_stop);
}
