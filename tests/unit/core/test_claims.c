/* SPDX-License-Identifier: Apache-2.0 */
/* A run may not claim: rejected records, records that were not fetched, lists that contradict
 * themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/run.h"
#include "fake_source.h"
#include "fake_streams.h"
#include "fake_warehouse.h"

#define DAY_S 86400

struct bench {
    int64_t now_us;
    struct zone *zone;
    struct fake_source source;
    struct fake_warehouse warehouse;
    struct selection selections[1];
    struct run_context context;
    struct run_report report;
    struct error err;
};

static int64_t on_day(int day)
{
    return (int64_t)day * DAY_S + 3600;
}

static int setup(void **state)
{
    struct bench *bench = mem_zero(1, sizeof *bench);

    log_open(STDERR_FILENO, LOG_CRITICAL);
    bench->now_us = (on_day(120) + 4 * 3600) * 1000000;
    if (!zone_load("Etc/UTC", &bench->zone, &bench->err)) return -1;
    fake_source_init(&bench->source);
    fake_warehouse_init(&bench->warehouse, &bench->now_us);
    bench->selections[0] = fake_selection(&fake_people);
    bench->context = (struct run_context){
        .plan = {.zone = bench->zone, .start = {100}, .lookback_days = 2, .settle_minutes = 60},
        .source = &bench->source.base,
        .warehouse = &bench->warehouse.base,
        .max_rejected = LIMIT_REJECTS,
        .identity = &bench->source.identity,
    };
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    bool leaked = bench->source.readers > 0 || bench->warehouse.loads > 0;

    fake_source_done(&bench->source);
    fake_warehouse_done(&bench->warehouse);
    zone_free(bench->zone);
    free(bench);
    return leaked;
}

static bool run(struct bench *bench)
{
    const struct request request = {.selections = {&bench->selections[0]}, .count = 1};

    bench->now_us += 1000;
    bench->err = (struct error){0};
    return run_request(&bench->context, &request,
                       &(struct run_trigger){.run_id = "r1", .message_id = "m1", .published_us = INT64_MAX},
                       &bench->report, &bench->err);
}

static void must_run(struct bench *bench)
{
    if (!run(bench)) fail_msg("%s", bench->err.text);
}

static size_t rows(struct bench *bench, const char *table)
{
    return fake_warehouse_table(&bench->warehouse, table)->count;
}

static void put_people(struct bench *bench, int count, int day)
{
    char id[32];

    for (int i = 0; i < count; i++) {
        snprintf(id, sizeof id, "p%d-%d", day, i);
        fake_source_put(&bench->source, &fake_people, id, on_day(day) + i);
    }
}

static void put_bad(struct bench *bench, int count, int day, bool is_unsettled)
{
    char id[32];

    for (int i = 0; i < count; i++) {
        snprintf(id, sizeof id, "bad%d-%d", day, i);
        struct fake_version *version = fake_source_put(&bench->source, &fake_people, id, on_day(day) + i);
        version->problem = "it could not be fetched";
        version->is_unsettled = is_unsettled;
    }
}

static bool is_claimed(struct bench *bench, int day)
{
    struct state known;
    assert_true(bench->warehouse.base.ops->state(&bench->warehouse.base,
                                                 &(const struct selection *){&bench->selections[0]}, 1, "",
                                                 &known, &bench->err));
    bool claimed = state_day(&known, (struct day){day}).newest.any;
    state_done(&known);
    return claimed;
}

static void test_rejects_are_kept(void **state)
{
    struct bench *bench = *state;

    put_bad(bench, LIMIT_REJECTS, 110, false);
    put_people(bench, 3, 110);
    must_run(bench);
    assert_int_equal(bench->report.streams[0].rejected, LIMIT_REJECTS);
    assert_int_equal(bench->warehouse.rejected_count, LIMIT_REJECTS);
    assert_true(is_claimed(bench, 110)); /* another reading would not help */
}

/* One unit with too many: the good ones are there, it is named, and the units after it are loaded. */
static void test_too_many_rejects_fail_their_unit(void **state)
{
    struct bench *bench = *state;

    put_people(bench, 3, 102);
    put_bad(bench, LIMIT_REJECTS + 1, 103, false);
    put_people(bench, 3, 118);
    assert_false(run(bench));
    assert_int_equal(bench->err.kind, ERROR_FORMAT);
    assert_non_null(strstr(bench->err.text, "101 records can't be loaded, and max_rejected is 100"));
    assert_non_null(strstr(bench->err.text, "bad103-0, bad103-1, "));
    assert_non_null(strstr(bench->err.text, "bad103-9, ..."));
    assert_null(strstr(bench->err.text, "bad103-10"));
    assert_int_equal(rows(bench, "people"), 6);
    assert_int_equal(bench->warehouse.rejected_count, LIMIT_REJECTS + 1);
    assert_false(is_claimed(bench, 102));
    assert_true(is_claimed(bench, 118));
    bench->context.max_rejected = LIMIT_REJECTS + 1;
    must_run(bench);
    assert_true(is_claimed(bench, 102));
}

static void test_a_unit_of_nothing_but_rejects_ends_early(void **state)
{
    struct bench *bench = *state;

    bench->context.max_rejected = 2;
    put_people(bench, 2, 101);
    put_bad(bench, 50, 103, false);
    put_people(bench, 1, 118);
    assert_false(run(bench));
    assert_non_null(strstr(bench->err.text, "at least 21 records can't be loaded"));
    assert_non_null(strstr(bench->err.text, "it could not be fetched"));
    assert_int_equal(bench->warehouse.rejected_count, 20); /* and the good ones before them */
    assert_int_equal(rows(bench, "people"), 2);
    assert_false(is_claimed(bench, 101));
}

/* Its day alone is read again by later ticks. */
static void test_a_record_that_was_not_fetched_is_tried_again(void **state)
{
    struct bench *bench = *state;

    put_bad(bench, 1, 110, true);
    put_people(bench, 3, 111);
    must_run(bench);
    assert_int_equal(bench->warehouse.rejected_count, 1);
    assert_false(bench->warehouse.rejected[0].is_mended);
    assert_false(is_claimed(bench, 110));
    assert_true(is_claimed(bench, 111));
    struct fake_version *version = &fake_source_record(&bench->source, &fake_people, "bad110-0")->versions[0];
    version->problem = NULL;
    version->is_unsettled = false;
    must_run(bench);
    assert_int_equal(rows(bench, "people"), 4);
    assert_true(bench->warehouse.rejected[0].is_mended);
    assert_true(is_claimed(bench, 110));
}

/* A list that held fewer records than it announced may have ended anywhere. */
static void test_a_contradicted_list_claims_nothing(void **state)
{
    struct bench *bench = *state;

    put_people(bench, 3, 110);
    bench->source.missing = 300;
    must_run(bench);
    assert_int_equal(rows(bench, "people"), 3);
    assert_false(is_claimed(bench, 119));
    for (size_t i = 0; i < bench->warehouse.ledger_count; i++)
        assert_true(bench->warehouse.ledger[i].unit.hi.n < 110 || bench->warehouse.ledger[i].is_incomplete);
    bench->source.missing = 0;
    put_people(bench, 1, 112);
    must_run(bench);
    assert_int_equal(rows(bench, "people"), 4);
    assert_true(is_claimed(bench, 119));
}

static bool is_second_list_short(void *context, bool is_list)
{
    const struct bench *bench = context;
    (void)is_list;
    return bench->source.opens == 2;
}

/* The list of the second window comes short: nothing of it is claimed before its units are read one by one.
 * The first window is read again as one. */
static void test_a_batch_that_comes_short_is_read_again_by_unit(void **state)
{
    struct bench *bench = *state;

    for (int day = 100; day < 120; day++)
        put_people(bench, 2, day);
    bench->source.is_short = is_second_list_short;
    bench->source.hook.context = bench;
    must_run(bench);
    assert_int_equal(bench->source.opens, 2 + 1 + 2);
    assert_int_equal(bench->warehouse.ledger_count, 3);
    assert_int_equal(rows(bench, "people"), 40);
    assert_true(is_claimed(bench, 106) && is_claimed(bench, 107) && is_claimed(bench, 114));
}

/* Each week has fewer than may be rejected, both together have more. */
static void test_rejects_of_a_batch_are_those_of_its_units(void **state)
{
    struct bench *bench = *state;
    char id[24];

    put_people(bench, 1, 101);
    for (int i = 0; i < LIMIT_REJECTS + 20; i++) {
        snprintf(id, sizeof id, "bad%d", i);
        fake_source_put(&bench->source, &fake_people, id, on_day(i % 2 ? 108 : 115) + i / 2)->problem =
            "torn";
    }
    must_run(bench);
    assert_int_equal(bench->warehouse.rejected_count, LIMIT_REJECTS + 20);
    assert_true(is_claimed(bench, 108) && is_claimed(bench, 115));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_rejects_are_kept),
        CASE(test_too_many_rejects_fail_their_unit),
        CASE(test_a_unit_of_nothing_but_rejects_ends_early),
        CASE(test_a_record_that_was_not_fetched_is_tried_again),
        CASE(test_a_contradicted_list_claims_nothing),
        CASE(test_a_batch_that_comes_short_is_read_again_by_unit),
        CASE(test_rejects_of_a_batch_are_those_of_its_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
