/* SPDX-License-Identifier: Apache-2.0 */
/* A run of a stream over the in-memory ports: what is committed, claimed, rejected, and when it stops. */
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
    struct request request;
    struct run_context context;
    struct progress progress;
    atomic_bool stop;
    struct run_report report;
    struct error err;
    bool is_mending;     /* commits fail, and succeed when they are tried again */
    const char *failing; /* the port call that fails ... */
    int failing_call;    /* ... at its nth time */
    enum error_kind failing_kind;
    int stop_call; /* stop is set at the nth call of any port */
    int state_calls;
    int64_t page_us; /* how long each page takes */
};

static int64_t on_day(int day)
{
    return (int64_t)day * DAY_S + 3600;
}

static bool hook(void *context, const char *name, struct error *err)
{
    struct bench *bench = context;

    bench->now_us += strcmp(name, "next") == 0 && bench->page_us ? bench->page_us : 1000;
    bench->state_calls += strcmp(name, "state") == 0;
    if (bench->is_mending && strcmp(name, "commit") == 0)
        (void)error_set(err, ERROR_REFUSED, "a failure that is mended");
    if (bench->stop_call > 0 && --bench->stop_call == 0) atomic_store(&bench->stop, true);
    if (!bench->failing || strcmp(name, bench->failing) != 0 || --bench->failing_call != 0) return true;
    return error_set(err, bench->failing_kind, "%s failed", name);
}

static int setup(void **state)
{
    struct bench *bench = mem_zero(1, sizeof *bench);
    const struct fake_hook fake = {hook, bench};

    log_open(STDERR_FILENO, LOG_CRITICAL);
    bench->now_us = (on_day(120) + 4 * 3600) * 1000000;
    if (!zone_load("Etc/UTC", &bench->zone, &bench->err)) return -1;
    fake_source_init(&bench->source);
    fake_warehouse_init(&bench->warehouse, &bench->now_us);
    bench->source.hook = bench->warehouse.hook = fake;
    bench->selections[0] = fake_selection(&fake_people);
    bench->selections[1] = fake_selection(&fake_tickets);
    bench->request =
        (struct request){.selections = {&bench->selections[0], &bench->selections[1]}, .count = 2};
    bench->context = (struct run_context){
        .plan = {.zone = bench->zone, .start = {100}, .lookback_days = 2, .settle_minutes = 60},
        .source = &bench->source.base,
        .warehouse = &bench->warehouse.base,
        .max_rejected = LIMIT_REJECTS,
        .identity = &bench->source.identity,
        .progress = &bench->progress,
        .stop = &bench->stop,
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
    bench->err = (struct error){0};
    return run_request(&bench->context, &bench->request,
                       &(struct run_trigger){.run_id = "r1", .message_id = "m1", .published_us = INT64_MAX},
                       &bench->report, &bench->err);
}

static void must_run(struct bench *bench)
{
    if (!run(bench)) fail_msg("%s", bench->err.text);
}

static size_t rows(struct bench *bench, const char *table)
{
    struct fake_table *found = fake_warehouse_table(&bench->warehouse, table);

    return found ? found->count : 0;
}

static void put_people(struct bench *bench, int count, int day)
{
    char id[32];

    for (int i = 0; i < count; i++) {
        snprintf(id, sizeof id, "p%d-%d", day, i);
        fake_source_put(&bench->source, &fake_people, id, on_day(day) + i);
    }
}

static void change_silently(struct bench *bench, const char *id, int day, int content)
{
    fake_version_set_content(fake_source_put(&bench->source, &fake_people, id, on_day(day)), content);
}

static void test_another_content_is_a_row(void **state)
{
    struct bench *bench = *state;
    const struct fake_table *table;

    bench->source.now_us = &bench->now_us;
    put_people(bench, 2, 119);
    must_run(bench);
    change_silently(bench, "p119-0", 119, 1);
    must_run(bench);
    assert_int_equal(bench->report.streams[0].inserted, 1);
    assert_int_equal(bench->report.streams[0].content_changes, 1);
    assert_int_equal(bench->report.streams[0].known, 2);
    must_run(bench);
    assert_int_equal(bench->report.streams[0].content_changes, 0);
    table = fake_warehouse_table(&bench->warehouse, "people");
    assert_int_equal(table->count, 3);
    assert_true(table->rows[2].has_content && table->rows[2].content != table->rows[0].content);
    assert_true(table->rows[2].read_us > table->rows[0].read_us);
    assert_true(table->rows[2].read_us <= table->rows[2].loaded_us);
    bench->selections[0].ignores_contents[0] = true;
    change_silently(bench, "p119-0", 119, 2);
    must_run(bench);
    assert_int_equal(bench->report.streams[0].inserted, 0);
}

static void test_everything_arrives_once(void **state)
{
    struct bench *bench = *state;

    put_people(bench, 5, 101);
    put_people(bench, 7, 110);
    put_people(bench, 3, 120); /* of the open day */
    must_run(bench);
    assert_int_equal(rows(bench, "people"), 15);
    assert_int_equal(bench->report.streams[0].inserted, 15);
    assert_int_equal(bench->report.streams[0].fetched, 15);
    assert_int_equal(bench->report.count, 2);
    must_run(bench);
    assert_int_equal(rows(bench, "people"), 15);
    assert_int_equal(bench->report.streams[0].inserted, 0);
}

static void test_strangers_to_the_window_are_left_out(void **state)
{
    struct bench *bench = *state;

    bench->source.widen_s = 3 * DAY_S;
    put_people(bench, 4, 99); /* before the start date */
    put_people(bench, 4, 100);
    must_run(bench);
    assert_int_equal(rows(bench, "people"), 4);
}

/* The first unit is read alone, the others together; one commit. */
static void test_neighbouring_units_make_a_batch(void **state)
{
    struct bench *bench = *state;
    int64_t pages;

    for (int day = 100; day < 120; day++)
        put_people(bench, 2, day);
    bench->request.count = 1;
    must_run(bench);
    assert_int_equal(rows(bench, "people"), 40);
    assert_true(bench->report.streams[0].units >= 3);
    assert_int_equal(bench->source.opens, 2);
    assert_int_equal(bench->warehouse.ledger_count, 1);
    pages = bench->source.pages;
    assert_true(pages <= 22); /* nothing is asked for twice; the last page of each list is empty */
    assert_int_equal(bench->report.streams[0].requests, pages);
}

static void test_a_record_that_moves_on_ends_no_unit(void **state)
{
    struct bench *bench = *state;

    put_people(bench, 3, 101);
    put_people(bench, 2, 108);
    struct fake_version *moved = fake_source_put(&bench->source, &fake_people, "p101-9", on_day(101) + 1);
    value_set_integer(moved->body, "updated_at", on_day(109)); /* as it is when it is read */
    bench->request.count = 1;
    must_run(bench);
    assert_int_equal(rows(bench, "people"), 5);
}

/* Some listings don't ascend, whatever was asked for: a record that is listed late belongs to an early unit.
 */
static void test_a_disordered_listing_is_read_whole(void **state)
{
    struct bench *bench = *state;

    bench->source.by_id = true;
    fake_source_put(&bench->source, &fake_people, "a", on_day(110));
    fake_source_put(&bench->source, &fake_people, "b", on_day(117));
    fake_source_put(&bench->source, &fake_people, "c", on_day(101));
    fake_source_put(&bench->source, &fake_people, "d", on_day(108));
    bench->request.count = 1;
    must_run(bench);
    assert_int_equal(rows(bench, "people"), 4);
    bench->context.plan.start = (struct day){94};
    must_run(bench); /* what was claimed is right */
    assert_int_equal(bench->report.streams[0].inserted, 0);
}

/* A record that changed just now is listed with its new version at its old place. More of the week comes
 * after it, on a page that may never come. */
static void test_what_ends_a_unit_is_in_its_place(void **state)
{
    struct bench *bench = *state;

    bench->source.now_us = &bench->now_us;
    bench->source.shows_old_until_visible = true;
    fake_source_put(&bench->source, &fake_people, "a", on_day(101));
    fake_source_put(&bench->source, &fake_people, "b", on_day(102));
    fake_source_put(&bench->source, &fake_people, "b", on_day(118))->visible_us = on_day(200) * 1000000;
    fake_source_put(&bench->source, &fake_people, "c", on_day(103));
    fake_source_record(&bench->source, &fake_people, "b")->sent_newer = true;
    bench->request.count = 1;
    bench->failing = "next";
    bench->failing_call = 2;
    bench->failing_kind = ERROR_BUSY;
    assert_false(run(bench));
    must_run(bench);
    assert_int_equal(rows(bench, "people"), 2);
    fake_source_record(&bench->source, &fake_people, "b")->versions[1].visible_us = 0;
    must_run(bench);
    assert_int_equal(rows(bench, "people"), 3);
}

static void test_open_day_is_stored_and_not_claimed(void **state)
{
    struct bench *bench = *state;
    struct state known;

    put_people(bench, 2, 120);
    must_run(bench);
    assert_true(fake_warehouse_read(&bench->warehouse, &bench->selections[0], "", &known, &bench->err));
    assert_int_equal(state_day(&known, (struct day){120}).held, 2);
    assert_false(state_day(&known, (struct day){120}).newest.any);
    assert_true(state_day(&known, (struct day){119}).newest.any);
    assert_true(known.any_open_run);
    state_done(&known);
}

static void test_empty_units_share_commits(void **state)
{
    struct bench *bench = *state;

    bench->context.plan.start = (struct day){50}; /* ten weeks, rows in one of them */
    put_people(bench, 1, 80);
    must_run(bench);
    assert_int_equal(rows(bench, "people"), 1);
    assert_true(bench->report.streams[0].units >= 10);
    for (size_t i = 0, mine = 0; i < bench->warehouse.ledger_count; i++) {
        mine += bench->warehouse.ledger[i].stream == &fake_people;
        assert_true(mine <= 4); /* of 1, 2, 4 units and the rest */
    }
    must_run(bench);
    assert_int_equal(bench->report.streams[0].units, 1); /* all of it is covered */
}

static void test_children_follow_their_parent(void **state)
{
    struct bench *bench = *state;

    fake_source_put_child(&bench->source, &fake_tickets, "t1",
                          &(struct fake_child){.id = (char *)(uintptr_t) "c1",
                                               .created_s = on_day(60),
                                               .updated_s = on_day(60)});
    fake_source_put(&bench->source, &fake_tickets, "t1", on_day(90)); /* outside: neither it nor its child */
    bench->source.widen_s = 20 * DAY_S;
    must_run(bench);
    assert_int_equal(rows(bench, "tickets"), 0);
    assert_int_equal(rows(bench, "replies"), 0);
    fake_source_put(&bench->source, &fake_tickets, "t1", on_day(120));
    must_run(bench);
    assert_int_equal(rows(bench, "tickets"), 1);
    assert_int_equal(rows(bench, "replies"), 1);
}

static void test_children_of_a_rejected_parent_are_kept(void **state)
{
    struct bench *bench = *state;
    const struct fake_child child = {
        .id = (char *)(uintptr_t) "c1", .created_s = on_day(110), .updated_s = on_day(110)};

    fake_source_put(&bench->source, &fake_tickets, "t0", on_day(90)); /* not in the window: seen before */
    fake_source_put_child(&bench->source, &fake_tickets, "t1", &child);
    fake_source_put(&bench->source, &fake_tickets, "t1", on_day(110))->problem = "its time can't be read";
    bench->source.widen_s = 20 * DAY_S;
    must_run(bench);
    assert_int_equal(bench->warehouse.rejected_count, 1);
    assert_int_equal(rows(bench, "tickets"), 0);
    assert_int_equal(rows(bench, "replies"), 1);
}

/* Fail each call of each port once, as often as it is made: no rows are lost or doubled, and nothing leaks.
 */
static void test_every_call_fails_once(void **state)
{
    static const char *const calls[] = {"prepare", "state", "begin", "write", "commit", "open", "next"};
    struct bench *bench = *state;

    bench->request.count = 1;
    put_people(bench, 3, 101);
    put_people(bench, 3, 119);
    for (size_t c = 0; c < sizeof calls / sizeof calls[0]; c++) {
        for (int n = 1; n < 30; n++) {
            bool failed;

            bench->failing = calls[c];
            bench->failing_call = n;
            bench->failing_kind = ERROR_BUSY;
            failed = !run(bench);
            assert_int_equal(failed, bench->failing_call <= 0);
            if (!failed) break;
            assert_non_null(strstr(bench->err.text, "people"));
        }
        bench->failing = NULL;
        must_run(bench);
        assert_int_equal(rows(bench, "people"), 6);
    }
}

static void test_one_stream_fails_and_the_other_goes_on(void **state)
{
    struct bench *bench = *state;

    fake_source_put(&bench->source, &fake_tickets, "t1", on_day(110));
    bench->failing = "open";
    bench->failing_call = 1;
    bench->failing_kind = ERROR_BUSY;
    assert_false(run(bench));
    assert_int_equal(bench->report.count, 2);
    assert_int_equal(bench->report.streams[0].error.kind, ERROR_BUSY);
    assert_int_equal(bench->report.streams[1].error.kind, ERROR_NONE);
    assert_int_equal(rows(bench, "tickets"), 1);
}

static void test_a_failure_that_is_mended_is_none(void **state)
{
    struct bench *bench = *state;

    fake_source_put(&bench->source, &fake_tickets, "t1", on_day(110));
    bench->is_mending = true;
    assert_true(run(bench));
    for (size_t i = 0; i < bench->report.count; i++)
        assert_int_equal(bench->report.streams[i].error.kind, ERROR_NONE);
}

static void test_states_are_read_together(void **state)
{
    struct bench *bench = *state;

    fake_source_put(&bench->source, &fake_tickets, "t1", on_day(110));
    must_run(bench);
    assert_int_equal(bench->state_calls, 1);
    assert_int_equal(rows(bench, "tickets"), 1);
}

static void test_an_old_state_is_read_again(void **state)
{
    struct bench *bench = *state;

    put_people(bench, 3, 110);
    bench->source.now_us = &bench->now_us;
    bench->page_us = INT64_C(3600000000);
    must_run(bench);
    assert_int_equal(bench->state_calls, 2);
}

static void test_states_refused_together_are_read_alone(void **state)
{
    struct bench *bench = *state;

    bench->failing = "state";
    bench->failing_call = 1;
    bench->failing_kind = ERROR_REFUSED;
    must_run(bench);
    assert_int_equal(bench->state_calls, 3);
    bench->state_calls = 0;
    bench->failing_call = 1;
    bench->failing_kind = ERROR_BUSY; /* another time will do */
    assert_false(run(bench));
    assert_int_equal(bench->state_calls, 1);
}

static void test_an_unprepared_stream_does_not_hinder(void **state)
{
    struct bench *bench = *state;

    fake_source_put(&bench->source, &fake_tickets, "t1", on_day(110));
    bench->failing = "prepare";
    bench->failing_call = 1;
    bench->failing_kind = ERROR_REFUSED;
    assert_false(run(bench));
    assert_int_equal(bench->report.streams[0].error.kind, ERROR_REFUSED);
    assert_int_equal(rows(bench, "tickets"), 1);
}

static void test_a_forbidden_stream_is_no_failure(void **state)
{
    struct bench *bench = *state;

    bench->failing = "open";
    bench->failing_call = 1;
    bench->failing_kind = ERROR_FORBIDDEN;
    must_run(bench);
    assert_true(bench->report.streams[0].forbidden);
    assert_string_equal(stream_outcome(&bench->report.streams[0]), "forbidden");
}

static void test_refused_credentials_end_the_run(void **state)
{
    struct bench *bench = *state;

    bench->failing = "open";
    bench->failing_call = 1;
    bench->failing_kind = ERROR_AUTH;
    assert_false(run(bench));
    assert_int_equal(bench->report.count, 1);
    assert_int_equal(bench->err.kind, ERROR_AUTH);
}

static void test_stop_is_heard_at_each_step(void **state)
{
    struct bench *bench = *state;

    put_people(bench, 6, 101);
    put_people(bench, 6, 110);
    for (int n = 1; n < 200; n++) {
        bench->stop_call = n;
        atomic_store(&bench->stop, false);
        if (run(bench)) break;
        assert_int_equal(bench->err.kind, ERROR_STOPPED);
        assert_true(n < 199);
    }
    bench->stop_call = 0;
    atomic_store(&bench->stop, false);
    must_run(bench);
    assert_int_equal(rows(bench, "people"), 12);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_everything_arrives_once),
        CASE(test_another_content_is_a_row),
        CASE(test_strangers_to_the_window_are_left_out),
        CASE(test_open_day_is_stored_and_not_claimed),
        CASE(test_empty_units_share_commits),
        CASE(test_neighbouring_units_make_a_batch),
        CASE(test_a_record_that_moves_on_ends_no_unit),
        CASE(test_a_disordered_listing_is_read_whole),
        CASE(test_what_ends_a_unit_is_in_its_place),
        CASE(test_children_follow_their_parent),
        CASE(test_children_of_a_rejected_parent_are_kept),
        CASE(test_every_call_fails_once),
        CASE(test_one_stream_fails_and_the_other_goes_on),
        CASE(test_a_failure_that_is_mended_is_none),
        CASE(test_states_are_read_together),
        CASE(test_an_old_state_is_read_again),
        CASE(test_states_refused_together_are_read_alone),
        CASE(test_an_unprepared_stream_does_not_hinder),
        CASE(test_a_forbidden_stream_is_no_failure),
        CASE(test_refused_credentials_end_the_run),
        CASE(test_stop_is_heard_at_each_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
