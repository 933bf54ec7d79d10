/* SPDX-License-Identifier: Apache-2.0 */
/* The claims of a state, the plan that follows from them, and the changes by a commit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/plan.h"
#include "fake_streams.h"
#include "spans.h"
#include "state.h"

#define DAY_US INT64_C(86400000000)

struct bench {
    struct zone *zone;
    struct plan_settings plan;
    struct singer_state state;
    struct state read;
    unsigned unsent; /* tables that no catalog selects */
    struct error err;
};

static int setup(void **state)
{
    struct bench *bench = mem_zero(1, sizeof *bench);
    if (!zone_load("Europe/Berlin", &bench->zone, &bench->err)) return -1;
    bench->plan = (struct plan_settings){.zone = bench->zone,
                                         .start = day_of_civil(2026, 1, 1),
                                         .first_day = day_of_civil(2020, 1, 1),
                                         .lookback_days = 2,
                                         .settle_minutes = 60};
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    singer_state_done(&bench->state);
    state_done(&bench->read);
    zone_free(bench->zone);
    free(bench);
    return 0;
}

static void open_state(struct bench *bench, const char *text)
{
    AUTO(json_drop) json_t *given = text ? json_loads(text, 0, NULL) : NULL;
    singer_state_done(&bench->state);
    if (!singer_state_init(&bench->state, given, &bench->plan, &bench->err)) fail_msg("%s", bench->err.text);
}

/* At noon of that day. */
static int64_t noon_us(int month, int day)
{
    return (int64_t)day_of_civil(2026, month, day).n * DAY_US + DAY_US / 2;
}

static void read_state(struct bench *bench, const struct stream *stream, int64_t now_us)
{
    struct selection selection = fake_selection(stream);
    state_done(&bench->read);
    bench->read.now_us = now_us;
    const struct singer_scope scope = {.selection = &selection, .sent = ~bench->unsent};
    if (!singer_state_read(&bench->state, &scope, &bench->read, &bench->err)) fail_msg("%s", bench->err.text);
}

/* The units of a bare tick as text: "2026-01-01..2026-01-07 2026-01-08..2026-01-14+", + for an open end. */
static const char *planned(struct bench *bench, const struct stream *stream, int64_t now_us)
{
    static char text[1024];
    const struct request request = {.count = 0};
    struct plan plan;
    size_t used = 0;
    read_state(bench, stream, now_us);
    if (!plan_make(&bench->plan, stream, &bench->read, &request, INT64_MAX, &plan, &bench->err))
        fail_msg("%s", bench->err.text);
    text[0] = '\0';
    for (size_t i = 0; i < plan.unit_count; i++) {
        char lo[DAY_TEXT], hi[DAY_TEXT];
        day_format(plan.units[i].lo, lo);
        day_format(plan.units[i].hi, hi);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s..%s%s", i ? " " : "", lo + 5, hi + 5,
                                 plan.units[i].open ? "+" : "");
    }
    plan_done(&plan);
    return text;
}

static void commit_days(struct bench *bench, const struct stream *stream, struct commit commit,
                        const char *unread)
{
    struct selection selection = fake_selection(stream);
    AUTO(json_drop) json_t *ids = json_loads(unread ? unread : "[]", 0, NULL);
    const struct singer_scope scope = {.selection = &selection, .sent = ~bench->unsent};
    if (!singer_state_commit(&bench->state, &scope, &commit, ids, &bench->err))
        fail_msg("%s", bench->err.text);
}

static struct unit days(int month, int lo, int hi)
{
    struct day first = day_of_civil(2026, month, lo), last = day_of_civil(2026, month, hi);
    return (struct unit){.lo = first, .hi = last, .claim_hi = last};
}

/* The state's member at a dotted path. */
static void require_member(const struct bench *bench, const char *path, const char *wanted)
{
    const json_t *value = json_at(bench->state.value, path);
    AUTO(mem_free)
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : mem_text("absent");
    assert_string_equal(text, wanted);
}

static void daily_runs_make_one_range(void **state)
{
    struct bench *bench = *state;
    open_state(bench, NULL);
    assert_string_equal(planned(bench, &fake_people, noon_us(1, 10)), "01-01..01-07 01-08..01-10+");
    for (int day = 10; day < 20; day++) { /* days up to yesterday are over */
        struct unit unit = days(1, day == 10 ? 1 : day - 2, day);
        unit.claim_hi = day_of_civil(2026, 1, day - 1);
        unit.open = true;
        commit_days(bench, &fake_people, (struct commit){.unit = unit, .began_us = noon_us(1, day)}, NULL);
    }
    require_member(bench, "bookmarks.people.days",
                   "[{\"from\":\"2026-01-01\",\"to\":\"2026-01-17\",\"lookback_days\":2},"
                   "{\"from\":\"2026-01-18\",\"to\":\"2026-01-18\",\"lookback_days\":1}]");
    require_member(bench, "bookmarks.people.updated_at", "\"2026-01-18T23:00:00Z\""); /* of the zone */
    require_member(bench, "bookmarks.people.read_at", "\"2026-01-19T12:00:00Z\"");
    require_member(bench, "currently_syncing", "\"people\"");
    assert_string_equal(planned(bench, &fake_people, noon_us(1, 19)), "01-17..01-19+");
    assert_string_equal(planned(bench, &fake_people, noon_us(1, 22)), "01-18..01-22+");
    bench->plan.lookback_days = 3; /* days that were final for two are not for three */
    assert_string_equal(planned(bench, &fake_people, noon_us(1, 19)),
                        "01-01..01-07 01-08..01-14 01-15..01-19+");
}

static void a_day_that_is_not_claimed_is_read_again(void **state)
{
    struct bench *bench = *state;
    struct day unclaimed = day_of_civil(2026, 1, 5);
    open_state(bench, NULL);
    commit_days(bench, &fake_people,
                (struct commit){.unit = days(1, 1, 20),
                                .began_us = noon_us(2, 20),
                                .unclaimed = &unclaimed,
                                .unclaimed_count = 1,
                                .is_incomplete = true},
                NULL);
    assert_string_equal(planned(bench, &fake_people, noon_us(1, 21)), "01-05..01-05 01-19..01-21+");
    struct unit nothing = days(1, 5, 5);
    nothing.claim_hi = day_add(nothing.lo, -1);
    nothing.open = true;
    commit_days(bench, &fake_people,
                (struct commit){.unit = nothing, .began_us = noon_us(2, 20), .is_incomplete = true}, NULL);
    assert_string_equal(planned(bench, &fake_people, noon_us(1, 21)), "01-05..01-05 01-19..01-21+");
    require_member(bench, "bookmarks.people.read_at", "absent"); /* not all was read */
    commit_days(bench, &fake_people, (struct commit){.unit = days(1, 5, 5), .began_us = noon_us(2, 20)},
                NULL);
    assert_string_equal(planned(bench, &fake_people, noon_us(1, 21)), "01-19..01-21+");
}

static void a_child_that_was_left_out_is_known(void **state)
{
    struct bench *bench = *state;
    struct commit commit = {.unit = days(1, 1, 20), .began_us = noon_us(2, 20), .left_out_count = 1};
    commit.left_out[0] = fake_tickets.children[0].table;
    open_state(bench, NULL);
    commit_days(bench, &fake_tickets, commit, NULL);
    read_state(bench, &fake_tickets, noon_us(1, 21));
    assert_int_equal(bench->read.day_count, 20);
    assert_int_equal(bench->read.days[0].lacks, 1U << 1);
    assert_true(bench->read.days[0].held > 0); /* else it would have no children */
    commit.left_out_count = 0;
    commit.unit = days(1, 3, 3);
    commit_days(bench, &fake_tickets, commit, NULL);
    read_state(bench, &fake_tickets, noon_us(1, 21));
    assert_int_equal(bench->read.days[1].lacks, 1U << 1);
    assert_int_equal(bench->read.days[2].lacks, 0);
}

/* A later catalog selects it: nothing of it was sent. */
static void a_table_that_was_not_selected_is_lacking(void **state)
{
    struct bench *bench = *state;
    struct commit scan = {.unit = days(1, 1, 20), .began_us = noon_us(1, 20)};
    open_state(bench, NULL);
    bench->unsent = 1U << 0; /* the parent */
    commit_days(bench, &fake_tickets, (struct commit){.unit = days(1, 1, 20), .began_us = noon_us(2, 20)},
                NULL);
    assert_string_equal(planned(bench, &fake_tickets, noon_us(1, 21)), "01-19..01-21+");
    bench->unsent = 0;
    assert_string_equal(planned(bench, &fake_tickets, noon_us(1, 21)),
                        "01-01..01-07 01-08..01-14 01-15..01-21+");
    scan.unit.open = true;
    scan.unit.claim_hi = day_add(scan.unit.lo, -1);
    commit_days(bench, &fake_calls, scan, NULL);
    require_member(bench, "bookmarks.calls.children_read_at", "\"2026-01-20T12:00:00Z\"");
    bench->unsent = 1U << 0;
    scan.began_us = noon_us(1, 21);
    commit_days(bench, &fake_calls, scan, NULL);
    require_member(bench, "bookmarks.calls.children_read_at", "\"2026-01-20T12:00:00Z\"");
}

static void a_scan_has_times_and_unread_records(void **state)
{
    struct bench *bench = *state;
    struct commit commit = {.unit = days(1, 1, 20), .began_us = noon_us(1, 20)};
    commit.unit.open = true;
    commit.unit.claim_hi = day_add(commit.unit.lo, -1);
    open_state(bench, NULL);
    commit_days(bench, &fake_calls, commit, "[\"b\", \"a\"]");
    read_state(bench, &fake_calls, noon_us(1, 21));
    assert_true(bench->read.scan.any_run && bench->read.any_open_run);
    assert_int_equal(bench->read.scan.run_us, noon_us(1, 20));
    assert_int_equal(bench->read.scan.unread_count, 2);
    assert_string_equal(bench->read.scan.unread[0], "a");
    assert_int_equal(bench->read.day_count, 0);

    commit.is_incomplete = true; /* it may have missed what was unread */
    commit.began_us = noon_us(1, 21);
    commit_days(bench, &fake_calls, commit, "[\"c\"]");
    require_member(bench, "bookmarks.calls.unread", "[\"b\",\"a\",\"c\"]");
    require_member(bench, "bookmarks.calls.read_at", "\"2026-01-20T12:00:00Z\"");

    commit.is_incomplete = false;
    commit.left_out_count = 1; /* a child is forbidden: records have it still to come */
    commit.left_out[0] = fake_tickets.children[0].table;
    commit_days(bench, &fake_calls, commit, NULL);
    require_member(bench, "bookmarks.calls.unread", "absent");
    require_member(bench, "bookmarks.calls.read_at", "\"2026-01-21T12:00:00Z\"");
    require_member(bench, "bookmarks.calls.children_read_at", "\"2026-01-20T12:00:00Z\"");
}

static void a_snapshot_is_read_once_a_day(void **state)
{
    struct bench *bench = *state;
    open_state(bench, NULL);
    assert_string_equal(planned(bench, &fake_teams, noon_us(1, 10)), "01-10..01-10");
    commit_days(bench, &fake_teams, (struct commit){.unit = days(1, 10, 10), .began_us = noon_us(1, 10)},
                NULL);
    assert_string_equal(planned(bench, &fake_teams, noon_us(1, 10)), "");
    assert_string_equal(planned(bench, &fake_teams, noon_us(1, 11)), "01-11..01-11");
    int64_t first = singer_state_next_version(&bench->state, "teams", noon_us(1, 10));
    int64_t second =
        singer_state_next_version(&bench->state, "teams", noon_us(1, 9)); /* the clock went back */
    assert_true(second > first);
}

/* As another tap has written it, or a person. */
static void a_bookmark_alone_is_a_state(void **state)
{
    struct bench *bench = *state;
    open_state(bench, "{\"bookmarks\": {\"people\": {\"updated_at\": \"2026-01-10T12:00:00+01:00\"}}}");
    assert_string_equal(planned(bench, &fake_people, noon_us(1, 12)), "01-10..01-12+");
    open_state(
        bench,
        "{\"bookmarks\": {\"people\": {\"updated_at\": \"2026-01-10T12:00:00Z\", \"days\": [{\"from\": "
        "\"2026-01-03\", \"to\": \"2026-01-20\", \"lookback_days\": 2}]}}, \"x\": [1]}");
    assert_string_equal(planned(bench, &fake_people, noon_us(1, 16)), "01-01..01-02 01-10..01-16+");
    require_member(bench, "x", "[1]");
}

static void a_foreign_or_broken_state_is_refused(void **state)
{
    struct bench *bench = *state;
    struct selection people = fake_selection(&fake_people);
    const struct source_identity one = {.workspace = "w1", .type = "desk"},
                                 other = {.workspace = "w2", .type = "desk"};
    static const char *const broken[] = {
        "{\"people\": 7}",
        "{\"people\": {\"updated_at\": \"yesterday\"}}",
        "{\"people\": {\"read_at\": 1}}",
        "{\"people\": {\"days\": [7]}}",
        "{\"people\": {\"days\": [{\"from\": \"2026-01-02\", \"to\": \"2026-01-01\", \"lookback_days\": "
        "1}]}}",
        "{\"people\": {\"days\": [{\"from\": \"2026-01-02\", \"to\": \"2026-01-03\", \"lookback_days\": "
        "36}]}}",
        "{\"people\": {\"days\": [{\"from\": \"2026-01-02\", \"to\": \"2026-01-03\", \"lookback_days\": 1, "
        "\"left_out\": [7]}]}}",
    };
    open_state(bench, NULL);
    assert_true(singer_state_identify(&bench->state, &one, &bench->err));
    assert_true(singer_state_identify(&bench->state, &one, &bench->err));
    assert_false(singer_state_identify(&bench->state, &other, &bench->err));
    assert_int_equal(bench->err.kind, ERROR_CONFIG);
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        AUTO(mem_free) char *text = mem_format("{\"bookmarks\": %s}", broken[i]);
        open_state(bench, text);
        bench->read = (struct state){.now_us = noon_us(1, 10)};
        const struct singer_scope scope = {.selection = &people, .sent = 1};
        if (singer_state_read(&bench->state, &scope, &bench->read, &bench->err)) fail_msg("%s", broken[i]);
        assert_int_equal(bench->err.kind, ERROR_CONFIG);
        assert_non_null(strstr(bench->err.text, "bookmarks.people"));
        state_done(&bench->read);
    }
    /* A range without an end costs no memory. */
    open_state(bench,
               "{\"bookmarks\": {\"people\": {\"days\": [{\"from\": \"0001-01-01\", \"to\": \"9999-12-31\", "
               "\"lookback_days\": 2}]}}}");
    read_state(bench, &fake_people, noon_us(1, 10));
    assert_int_equal(bench->read.day_count, 10);
}

/* Against an array with a number for each day. */
static void spans_are_what_was_put_last(void **state)
{
    int model[60] = {0};
    struct spans spans = {.list = NULL};
    uint32_t seed = 7;
    (void)state;
    for (int round = 0; round < 3000; round++) {
        seed = seed * 1664525 + 1013904223;
        int lo = (int)(seed >> 8) % 60, size = (int)(seed >> 16) % 9, claim = 1 + (int)(seed >> 24) % 3;
        int hi = lo + size > 59 ? 59 : lo + size;
        assert_true(spans_put(&spans, (struct span){.lo = {lo}, .hi = {hi}, .lookback_days = claim}));
        for (int day = lo; day <= hi; day++)
            model[day] = claim;
        if (round % 50 == 49) {
            spans_cut(&spans, (struct day){lo});
            for (int day = lo; day < 60; day++)
                model[day] = 0;
        }
        int found[60] = {0};
        for (size_t i = 0; i < spans.count; i++) {
            const struct span *span = &spans.list[i], *last = i ? &spans.list[i - 1] : NULL;
            if (last) assert_true(last->hi.n + 1 < span->lo.n || last->lookback_days != span->lookback_days);
            for (int day = span->lo.n; day <= span->hi.n; day++)
                found[day] = span->lookback_days;
        }
        assert_memory_equal(found, model, sizeof model);
    }
    spans_done(&spans);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(daily_runs_make_one_range, setup, teardown),
        cmocka_unit_test_setup_teardown(a_day_that_is_not_claimed_is_read_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_child_that_was_left_out_is_known, setup, teardown),
        cmocka_unit_test_setup_teardown(a_table_that_was_not_selected_is_lacking, setup, teardown),
        cmocka_unit_test_setup_teardown(a_scan_has_times_and_unread_records, setup, teardown),
        cmocka_unit_test_setup_teardown(a_snapshot_is_read_once_a_day, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bookmark_alone_is_a_state, setup, teardown),
        cmocka_unit_test_setup_teardown(a_foreign_or_broken_state_is_refused, setup, teardown),
        cmocka_unit_test(spans_are_what_was_put_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
