/* SPDX-License-Identifier: Apache-2.0 */
/* The plan against a slow model of it, over random readings, and the cases that people ask about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/plan.h"
#include "fake_streams.h"

#define HOUR_US INT64_C(3600000000)
#define DAY_US  (24 * HOUR_US)

/* A reading of thirty days around day 100, at 04:00 of day 120, in UTC. */
struct bench {
    struct zone *zone;
    struct plan_settings settings;
    struct state state;
    struct day_state days[64];
    struct request request;
    struct plan plan;
    struct error err;
};

static int64_t at_us(int day, int hour)
{
    return day * DAY_US + hour * HOUR_US;
}

static int setup(void **state)
{
    struct bench *bench = mem_zero(1, sizeof *bench);

    if (!zone_load("Etc/UTC", &bench->zone, &bench->err)) return -1;
    bench->settings =
        (struct plan_settings){.zone = bench->zone, .start = {100}, .lookback_days = 2, .settle_minutes = 60};
    bench->state = (struct state){.now_us = at_us(120, 4), .created_us = at_us(90, 0), .days = bench->days};
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;

    plan_done(&bench->plan);
    zone_free(bench->zone);
    free(bench);
    return 0;
}

/* A day with so many rows, claimed by a fetch that began at began_us. */
static struct day_state *know(struct bench *bench, int day, int64_t held, int64_t claimed, int64_t began_us)
{
    struct day_state *known = &bench->days[bench->state.day_count++];

    *known = (struct day_state){
        .day = {day},
        .held = held,
        .newest = {.any = true, .rows = claimed, .began_us = began_us, .committed_us = began_us + HOUR_US},
    };
    return known;
}

static void know_days(struct bench *bench, int lo, int hi, int64_t began_us)
{
    for (int day = lo; day <= hi; day++)
        know(bench, day, 10, 10, began_us);
}

static void make(struct bench *bench, const struct stream *stream, int64_t published_us)
{
    plan_done(&bench->plan);
    if (!plan_make(&bench->settings, stream, &bench->state, &bench->request, published_us, &bench->plan,
                   &bench->err))
        fail_msg("%s", bench->err.text);
}

static void check_unit(const struct bench *bench, size_t i, int lo, int hi, bool open, int claim_hi)
{
    assert_true(i < bench->plan.unit_count);
    assert_int_equal(bench->plan.units[i].lo.n, lo);
    assert_int_equal(bench->plan.units[i].hi.n, hi);
    assert_int_equal(bench->plan.units[i].open, open);
    assert_int_equal(bench->plan.units[i].claim_hi.n, claim_hi);
}

static void refuse(struct bench *bench, enum error_kind kind, const char *text)
{
    plan_done(&bench->plan);
    assert_false(plan_make(&bench->settings, &fake_people, &bench->state, &bench->request, INT64_MAX,
                           &bench->plan, &bench->err));
    assert_int_equal(bench->err.kind, kind);
    if (!strstr(bench->err.text, text)) fail_msg("\"%s\" is not in \"%s\"", text, bench->err.text);
}

/* An empty load that looks like success would hide a mistyped year. */
static void test_dates_that_hold_nothing_are_refused(void **state)
{
    struct bench *bench = *state;

    bench->settings.start = (struct day){121}; /* today is day 120 */
    refuse(bench, ERROR_CONFIG, "after today (1970-05-01");
    bench->settings.start = (struct day){120};
    make(bench, &fake_people, INT64_MAX);
    bench->settings.start = (struct day){100};
    bench->settings.first_day = (struct day){50};
    bench->request = (struct request){.has_from = true, .from = {49}, .has_to = true, .to = {60}};
    refuse(bench, ERROR_REQUEST, "holds nothing before 1970-02-20");
    bench->request.from = (struct day){50};
    make(bench, &fake_people, INT64_MAX);
}

static void test_first_tick_loads_from_start_in_weeks(void **state)
{
    struct bench *bench = *state;

    make(bench, &fake_people, 0);
    assert_int_equal(bench->plan.hi.n, 119);
    assert_int_equal(bench->plan.uncovered, 20);
    assert_int_equal(bench->plan.unit_count, 3);
    check_unit(bench, 0, 100, 106, false, 106);
    check_unit(bench, 1, 107, 113, false, 113);
    check_unit(bench, 2, 114, 120, true, 119);
}

static void test_steady_state_reads_the_lookback_and_the_open_end(void **state)
{
    struct bench *bench = *state;

    know_days(bench, 100, 117, at_us(119, 4));
    know(bench, 118, 10, 10, at_us(119, 4));
    bench->state.any_open_run = true;
    bench->state.open_run_us = at_us(119, 4);
    make(bench, &fake_people, at_us(120, 3));
    assert_int_equal(bench->plan.unit_count, 1);
    check_unit(bench, 0, 118, 120, true, 119);
}

static void test_a_newer_run_satisfies_a_tick(void **state)
{
    struct bench *bench = *state;

    know_days(bench, 100, 119, at_us(120, 3));
    bench->state.any_open_run = true;
    bench->state.open_run_us = at_us(120, 3);
    make(bench, &fake_people, at_us(120, 2));
    assert_true(bench->plan.satisfied);
    assert_int_equal(bench->plan.unit_count, 0);
    make(bench, &fake_people, at_us(120, 3) + 1);
    assert_false(bench->plan.satisfied);
    bench->days[5].held--;
    make(bench, &fake_people, at_us(120, 2));
    assert_false(bench->plan.satisfied);
}

static void test_deleted_rows_uncover_their_day_alone(void **state)
{
    struct bench *bench = *state;

    know_days(bench, 100, 119, at_us(125, 4));
    bench->state.now_us = at_us(126, 4);
    know_days(bench, 120, 125, at_us(126, 3));
    bench->days[3].held = 9;
    make(bench, &fake_people, INT64_MAX);
    assert_int_equal(bench->plan.uncovered, 1);
    check_unit(bench, 0, 103, 103, false, 103);
}

static void test_claims_older_than_the_table_are_not_believed(void **state)
{
    struct bench *bench = *state;

    know_days(bench, 100, 119, at_us(120, 1));
    bench->state.created_us = at_us(120, 3);
    make(bench, &fake_people, 0);
    assert_int_equal(bench->plan.uncovered, 20);
}

/* Ticks were missing for days: what was read only once, right after its day, is read again. */
static void test_claims_that_are_not_final_are_read_again(void **state)
{
    struct bench *bench = *state;

    know_days(bench, 100, 108, at_us(109, 4));
    bench->state.any_open_run = true;
    bench->state.open_run_us = at_us(109, 4);
    make(bench, &fake_people, at_us(120, 3));
    check_unit(bench, 0, 108, 114, false, 114);
    bench->settings.lookback_days = 0;
    make(bench, &fake_people, at_us(120, 3));
    check_unit(bench, 0, 109, 115, false, 115);
}

static void test_the_settle_time_keeps_a_day_open(void **state)
{
    struct bench *bench = *state;

    bench->state.now_us = at_us(120, 1) - 1;
    make(bench, &fake_people, 0);
    assert_int_equal(bench->plan.hi.n, 118);
    bench->state.now_us = at_us(120, 1);
    make(bench, &fake_people, 0);
    assert_int_equal(bench->plan.hi.n, 119);
}

static void test_ranges(void **state)
{
    struct bench *bench = *state;

    bench->request = (struct request){.has_from = true, .has_to = true, .from = {90}, .to = {105}};
    make(bench, &fake_people, 0);
    assert_int_equal(bench->plan.unit_count, 3);
    check_unit(bench, 0, 90, 96, false, 96);
    check_unit(bench, 2, 104, 105, false, 105);
    for (int day = 90; day <= 96; day++)
        know(bench, day, 0, 0, at_us(120, 2))->own =
            (struct claim){.any = true, .committed_us = at_us(120, 3)};
    make(bench, &fake_people, 0);
    assert_int_equal(bench->plan.unit_count, 2);
    check_unit(bench, 0, 97, 103, false, 103);
    bench->days[3].own.rows = 1;
    make(bench, &fake_people, 0);
    assert_int_equal(bench->plan.unit_count, 3);
}

static void test_ranges_that_can_not_be_served(void **state)
{
    struct bench *bench = *state;

    bench->request = (struct request){.has_from = true, .has_to = true, .from = {90}, .to = {120}};
    assert_false(plan_make(&bench->settings, &fake_people, &bench->state, &bench->request, 0, &bench->plan,
                           &bench->err));
    assert_int_equal(bench->err.kind, ERROR_REQUEST);
    assert_non_null(strstr(bench->err.text, "1970-04-30")); /* day 119: the last that can be asked for */
    bench->request = (struct request){.has_from = true, .from = {130}};
    assert_false(plan_make(&bench->settings, &fake_people, &bench->state, &bench->request, 0, &bench->plan,
                           &bench->err));
    bench->request = (struct request){.has_to = true, .to = {121}};
    assert_false(plan_make(&bench->settings, &fake_people, &bench->state, &bench->request, 0, &bench->plan,
                           &bench->err));
}

static void test_a_tick_that_ends_early_is_closed(void **state)
{
    struct bench *bench = *state;

    bench->request = (struct request){.has_to = true, .to = {105}};
    make(bench, &fake_people, 0);
    assert_int_equal(bench->plan.unit_count, 1);
    check_unit(bench, 0, 100, 105, false, 105);
}

static void test_snapshots_and_scans(void **state)
{
    struct bench *bench = *state;

    make(bench, &fake_teams, 0);
    check_unit(bench, 0, 120, 120, false, 120);
    bench->request.has_from = true;
    make(bench, &fake_teams, 0);
    assert_true(bench->plan.skipped);
    bench->request.has_from = false;
    know(bench, 120, 3, 3, at_us(120, 2));
    make(bench, &fake_teams, 0);
    assert_true(bench->plan.satisfied);
    make(bench, &fake_calls, 0);
    check_unit(bench, 0, 100, 120, true, 99);
}

/* For every state: units are ascending, disjoint, at most a week, hold every day that needs it, claim no
 * day after hi; the last one of a bare tick is open. */
static void check_properties(const struct bench *bench)
{
    const struct plan *plan = &bench->plan;
    bool planned[64] = {false};

    for (size_t i = 0; i < plan->unit_count; i++) {
        const struct unit *unit = &plan->units[i];

        assert_true(unit->lo.n <= unit->hi.n && unit->hi.n - unit->lo.n < LIMIT_UNIT_DAYS);
        assert_true(i == 0 || plan->units[i - 1].hi.n < unit->lo.n);
        assert_true(unit->claim_hi.n <= plan->hi.n);
        assert_int_equal(unit->open, i + 1 == plan->unit_count);
        for (int day = unit->lo.n; day <= unit->hi.n; day++)
            planned[day - 100] = true;
    }
    for (int day = 100; day <= plan->hi.n && !plan->satisfied; day++) {
        struct day_state known = state_day(&bench->state, (struct day){day});
        int64_t final_us =
            at_us(day + (bench->settings.lookback_days ? bench->settings.lookback_days : 1), 1);
        bool covered = known.newest.any && known.newest.committed_us > bench->state.created_us &&
                       known.held >= known.newest.rows;

        if (!covered || day > plan->hi.n - bench->settings.lookback_days) assert_true(planned[day - 100]);
        if (covered && bench->settings.lookback_days > 0 && known.newest.began_us < final_us)
            assert_true(planned[day - 100]);
    }
}

static void test_random_readings(void **state)
{
    struct bench *bench = *state;
    unsigned seed = 1;

    for (int round = 0; round < 5000; round++) {
        bench->state.day_count = 0;
        bench->settings.lookback_days = rand_r(&seed) % 4;
        bench->state.any_open_run = rand_r(&seed) % 2;
        bench->state.open_run_us = at_us(110 + rand_r(&seed) % 10, 4);
        for (int day = 100; day < 120; day++) {
            int64_t claimed = rand_r(&seed) % 3;

            if (rand_r(&seed) % 4 == 0) continue;
            know(bench, day, claimed + (rand_r(&seed) % 8 ? 0 : -1), claimed,
                 at_us(day + 1 + rand_r(&seed) % 4, 2));
        }
        make(bench, &fake_people, at_us(105 + rand_r(&seed) % 20, 0));
        check_properties(bench);
    }
}

/* Due when the newest is so many days old, or older than the tables. */
static void test_reconciliations_come_every_few_days(void **state)
{
    struct bench *bench = *state;

    bench->settings.reconcile_days = 7;
    make(bench, &fake_staff_reconciliation, INT64_MAX);
    assert_int_equal(bench->plan.unit_count, 1);
    assert_true(bench->plan.units[0].open);
    assert_true(day_compare(bench->plan.units[0].claim_hi, bench->plan.units[0].lo) < 0);
    bench->state.any_open_run = true;
    bench->state.open_run_us = at_us(113, 5);
    make(bench, &fake_staff_reconciliation, INT64_MAX);
    assert_true(bench->plan.satisfied && bench->plan.unit_count == 0);
    bench->state.open_run_us = at_us(113, 4);
    make(bench, &fake_staff_reconciliation, INT64_MAX);
    assert_int_equal(bench->plan.unit_count, 1);
    bench->state.open_run_us = at_us(119, 0);
    bench->state.created_us = at_us(119, 1);
    make(bench, &fake_staff_reconciliation, INT64_MAX);
    assert_int_equal(bench->plan.unit_count, 1);
    bench->settings.reconcile_days = 0;
    make(bench, &fake_staff_reconciliation, INT64_MAX);
    assert_true(bench->plan.skipped && bench->plan.unit_count == 0);
    bench->settings.reconcile_days = 7;
    bench->request = (struct request){.has_from = true, .from = {101}};
    make(bench, &fake_staff_reconciliation, INT64_MAX);
    assert_true(bench->plan.skipped && bench->plan.unit_count == 0);
}

/* Children of records that changed long before the last reading are there. */
static void test_scans_know_what_is_new(void **state)
{
    struct bench *bench = *state;
    struct window window;

    make(bench, &fake_calls, INT64_MAX);
    assert_true(bench->plan.since_s == INT64_MIN);
    bench->state.any_open_run = true; /* but it left a child table out */
    bench->state.open_run_us = at_us(118, 4);
    make(bench, &fake_calls, INT64_MAX);
    assert_true(bench->plan.since_s == INT64_MIN);
    bench->state.scan = (struct scan_state){.any_run = true, .run_us = at_us(118, 4)};
    make(bench, &fake_calls, INT64_MAX);
    window = plan_window(&bench->settings, &fake_calls, &bench->plan, 0, 0);
    assert_true(window.from_s == at_us(116, 4) / 1000000 && window.to_s == WINDOW_OPEN);
    bench->settings.lookback_days = 0; /* what changed while it was being read shows all the same */
    make(bench, &fake_calls, INT64_MAX);
    assert_true(bench->plan.since_s == at_us(117, 4) / 1000000);
    bench->state.scan.has_hole = true;
    bench->state.scan.hole = (struct day){112};
    make(bench, &fake_calls, INT64_MAX);
    assert_true(bench->plan.since_s == zone_start_s(bench->settings.zone, (struct day){112}));
    bench->state.scan.hole = (struct day){119};
    make(bench, &fake_calls, INT64_MAX);
    assert_true(bench->plan.since_s == at_us(117, 4) / 1000000);
    bench->state.created_us = at_us(119, 0); /* of a child table, perhaps */
    make(bench, &fake_calls, INT64_MAX);
    assert_true(bench->plan.since_s == INT64_MIN);
}

/* Records whose children could not be read are few, or they are not counted. */
static void test_scans_request_unread_children_again(void **state)
{
    struct bench *bench = *state;
    struct scan_state *scan = &bench->state.scan;

    *scan = (struct scan_state){.any_run = true, .run_us = at_us(118, 4)};
    scan_state_add_unread(scan, "b");
    scan_state_add_unread(scan, "c");
    scan_state_add_unread(scan, "a");
    make(bench, &fake_calls, INT64_MAX);
    struct window window = plan_window(&bench->settings, &fake_calls, &bench->plan, 0, 0);
    assert_int_equal(window.unread_count, 3);
    assert_string_equal(window.unread[0], "a");
    assert_string_equal(window.unread[2], "c");
    assert_true(window.from_s == at_us(116, 4) / 1000000);
    for (size_t i = 0; i <= LIMIT_UNREAD; i++)
        scan_state_add_unread(scan, "d");
    assert_int_equal(scan->unread_count, LIMIT_UNREAD);
    make(bench, &fake_calls, INT64_MAX);
    assert_true(bench->plan.since_s == INT64_MIN);
    state_done(&(struct state){.scan = *scan});
}

/* A day of which a child table was left out is loaded again, once that can be read. */
static void test_days_that_lack_a_child_are_not_covered(void **state)
{
    struct bench *bench = *state;

    know_days(bench, 100, 119, at_us(120, 3));
    make(bench, &fake_tickets, INT64_MAX);
    assert_int_equal(bench->plan.uncovered, 0);
    bench->days[5].lacks = 1U << 1;
    make(bench, &fake_tickets, INT64_MAX);
    assert_int_equal(bench->plan.uncovered, 1);
    assert_int_equal(bench->plan.units[0].lo.n, bench->days[5].day.n);
}

static void test_units_may_be_long(void **state)
{
    struct bench *bench = *state;
    struct stream feed = fake_visits;

    feed.unit_days = 36500;
    make(bench, &feed, INT64_MAX);
    assert_int_equal(bench->plan.unit_count, 1);
    assert_int_equal(bench->plan.units[0].lo.n, 100);
    assert_true(bench->plan.units[0].open);
    bench->request = (struct request){.has_from = true, .from = {10}, .has_to = true, .to = {90}};
    make(bench, &feed, INT64_MAX);
    assert_int_equal(bench->plan.unit_count, 1);
    assert_int_equal(bench->plan.units[0].hi.n, 90);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_first_tick_loads_from_start_in_weeks),
        CASE(test_dates_that_hold_nothing_are_refused),
        CASE(test_steady_state_reads_the_lookback_and_the_open_end),
        CASE(test_a_newer_run_satisfies_a_tick),
        CASE(test_deleted_rows_uncover_their_day_alone),
        CASE(test_claims_older_than_the_table_are_not_believed),
        CASE(test_claims_that_are_not_final_are_read_again),
        CASE(test_the_settle_time_keeps_a_day_open),
        CASE(test_ranges),
        CASE(test_ranges_that_can_not_be_served),
        CASE(test_a_tick_that_ends_early_is_closed),
        CASE(test_snapshots_and_scans),
        CASE(test_reconciliations_come_every_few_days),
        CASE(test_scans_know_what_is_new),
        CASE(test_scans_request_unread_children_again),
        CASE(test_days_that_lack_a_child_are_not_covered),
        CASE(test_units_may_be_long),
        CASE(test_random_readings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
