/* SPDX-License-Identifier: Apache-2.0 */
/* Reconciliations: records that a list lacks are asked for, and only those that are gone are noted. */
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
    struct selection selections[2];
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
    bench->selections[0] = fake_selection(&fake_staff);
    bench->selections[1] = fake_selection(&fake_staff_reconciliation);
    bench->context = (struct run_context){
        .plan = {.zone = bench->zone,
                 .start = {100},
                 .lookback_days = 2,
                 .settle_minutes = 60,
                 .reconcile_days = 1},
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
    const struct request request = {.selections = {&bench->selections[0], &bench->selections[1]}, .count = 2};

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

static struct fake_record *person(struct bench *bench, const char *id)
{
    return fake_source_record(&bench->source, &fake_staff, id);
}

static void load(struct bench *bench)
{
    char id[24];
    for (int i = 0; i < 5; i++) {
        snprintf(id, sizeof id, "p%d", i);
        (void)fake_source_put(&bench->source, &fake_staff, id, on_day(101 + i));
    }
    must_run(bench);
    assert_int_equal(rows(bench, "staff"), 5);
    assert_int_equal(rows(bench, "staff_gone"), 0);
    person(bench, "p1")->is_gone = true;
    person(bench, "p2")->is_hidden = true;
    person(bench, "p3")->is_unknown = person(bench, "p3")->is_hidden = true;
    bench->now_us += DAY_S * INT64_C(1000000);
}

static void only_the_gone_are_noted(void **state)
{
    struct bench *bench = *state;
    load(bench);
    must_run(bench);
    assert_int_equal(bench->source.asked, 3);
    assert_int_equal(rows(bench, "staff_gone"), 1);
    assert_string_equal(fake_warehouse_table(&bench->warehouse, "staff_gone")->rows[0].key, "p1");
    bench->now_us += DAY_S * INT64_C(1000000); /* again: p1 is known to be gone */
    must_run(bench);
    assert_int_equal(bench->source.asked, 5);
    assert_int_equal(rows(bench, "staff_gone"), 1);
    person(bench, "p1")->is_gone = false; /* it is back, without a new version */
    bench->now_us += DAY_S * INT64_C(1000000);
    must_run(bench);
    assert_int_equal(rows(bench, "staff_gone"), 0);
}

static struct fake_version *newest(struct bench *bench, const char *id)
{
    struct fake_record *record = person(bench, id);
    return &record->versions[record->version_count - 1];
}

static void one_that_can_not_be_loaded_stops_no_other(void **state)
{
    struct bench *bench = *state;
    load(bench);
    newest(bench, "p2")->problem = "nobody can read it";
    newest(bench, "p4")->problem = "nor this one";
    must_run(bench);
    assert_int_equal(rows(bench, "staff_gone"), 1);
    assert_string_equal(fake_warehouse_table(&bench->warehouse, "staff_gone")->rows[0].key, "p1");
    assert_int_equal(bench->warehouse.rejected_count, 2);
}

/* It may be p1. */
static void one_without_id_stops_all(void **state)
{
    struct bench *bench = *state;
    load(bench);
    value_remove(newest(bench, "p4")->body, "id");
    must_run(bench);
    assert_int_equal(bench->source.asked, 0);
    assert_int_equal(rows(bench, "staff_gone"), 0);
}

static void a_list_that_is_believed_kills(void **state)
{
    struct bench *bench = *state;
    load(bench);
    bench->warehouse.design = FAKE_LISTS_BELIEVED;
    must_run(bench);
    assert_true(rows(bench, "staff_gone") > 1); /* p3 is alive */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_the_gone_are_noted, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_can_not_be_loaded_stops_no_other, setup, teardown),
        cmocka_unit_test_setup_teardown(one_without_id_stops_all, setup, teardown),
        cmocka_unit_test_setup_teardown(a_list_that_is_believed_kills, setup, teardown),
    };
    return cmocka_run_group_tests_name("reconcile", tests, NULL, NULL);
}
