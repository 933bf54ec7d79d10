/* SPDX-License-Identifier: Apache-2.0 */
/* The streams of a request on threads: each worker has a source of its own and an object of one warehouse.
 * Under ThreadSanitizer, too. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/run.h"
#include "fake_source.h"
#include "fake_streams.h"
#include "fake_warehouse.h"

#define DAY_S       86400
#define WORKERS     4
#define COUNT       8
#define WEEKS       100
#define PATIENCE_MS 20000

static const struct stream *const streams[COUNT] = {
    &fake_people, &fake_leavers, &fake_tickets, &fake_staff,
    &fake_visits, &fake_calls,   &fake_teams,   &fake_staff_reconciliation};

/* --- one warehouse, which takes one call at a time --- */

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static struct fake_warehouse *shared;
static atomic_int shares, takes;

#define GUARDED(call)                                                                                        \
    pthread_mutex_lock(&guard);                                                                              \
    bool good = (call);                                                                                      \
    pthread_mutex_unlock(&guard);                                                                            \
    return good
#define OPS (*shared->base.ops)

static bool prepare(struct warehouse *warehouse, const struct selection *selection,
                    const struct source_identity *identity, struct error *err)
{
    (void)warehouse;
    GUARDED(OPS.prepare(&shared->base, selection, identity, err));
}

static bool state_of(struct warehouse *warehouse, const struct selection *const *selections, size_t count,
                     const char *message_id, struct state *out_states, struct error *err)
{
    (void)warehouse;
    GUARDED(OPS.state(&shared->base, selections, count, message_id, out_states, err));
}

static bool begin(struct warehouse *warehouse, const struct selection *selection, struct load **out_load,
                  struct error *err)
{
    (void)warehouse;
    GUARDED(OPS.begin(&shared->base, selection, out_load, err));
}

static bool write_row(struct load *load, size_t table, const char *row, size_t size, struct error *err)
{
    GUARDED(OPS.write(load, table, row, size, err));
}

static bool reject(struct load *load, const struct reject *rejected, struct error *err)
{
    GUARDED(OPS.reject(load, rejected, err));
}

static bool missing(struct load *load, int64_t began_us, int64_t ceiling, struct missing *out_missing,
                    struct error *err)
{
    GUARDED(OPS.missing(load, began_us, ceiling, out_missing, err));
}

static bool commit(struct load *load, const struct commit *commit, struct committed *out, struct error *err)
{
    GUARDED(OPS.commit(load, commit, out, err));
}

static void abort_load(struct load *load)
{
    pthread_mutex_lock(&guard);
    OPS.abort(load);
    pthread_mutex_unlock(&guard);
}

static bool refresh(struct warehouse *warehouse, const struct selection *selection, struct error *err)
{
    (void)warehouse;
    GUARDED(OPS.refresh(&shared->base, selection, err));
}

static void share(struct warehouse *warehouse, struct warehouse *other)
{
    assert_ptr_not_equal(warehouse, other);
    atomic_fetch_add(&shares, 1);
}

static void take_back(struct warehouse *warehouse, struct warehouse *other)
{
    assert_ptr_not_equal(warehouse, other);
    atomic_fetch_add(&takes, 1);
}

static const struct warehouse_ops guarded = {
    .prepare = prepare,
    .state = state_of,
    .begin = begin,
    .write = write_row,
    .reject = reject,
    .missing = missing,
    .commit = commit,
    .abort = abort_load,
    .refresh = refresh,
    .share = share,
    .take_back = take_back,
};

/* --- the bench --- */

struct bench;

struct hand {
    struct bench *bench;
    struct fake_source source;
    struct warehouse warehouse;
    struct progress progress;
};

struct bench {
    int64_t now_us; /* under the guard */
    struct zone *zone;
    struct fake_warehouse warehouse;
    struct hand hands[WORKERS];
    struct connection others[WORKERS - 1];
    struct selection selections[COUNT];
    struct request request;
    struct run_context context;
    atomic_bool stop;
    struct run_report report;
    struct error err;

    atomic_int opened;              /* readers so far */
    atomic_bool was_crowded;        /* two streams of the group of staff at once */
    bool waits_for_two;             /* the first open waits for another */
    int busy_open;                  /* the reader with that number fails alone, before the failing one */
    int waiting_open, failing_open; /* the reader with that number waits for the next one; fails; 0: none */
    const char *failing, *waiting; /* stream whose next page fails; that waits for that before its page ... */
    enum error_kind then;          /* ... and fails, too; ERROR_NONE: it goes on */
    atomic_bool is_waiting, has_failed;
};

static bool is_staff(const char *name)
{
    return strcmp(name, "staff") == 0 || strcmp(name, "leavers") == 0 ||
           strcmp(name, "staff_reconciliation") == 0;
}

static bool await_flag(const atomic_bool *flag)
{
    for (int64_t until_ms = clock_ms() + PATIENCE_MS; clock_ms() < until_ms; clock_sleep_ms(1, NULL))
        if (atomic_load(flag)) return true;
    return false;
}

/* And its worker knows. */
static bool await_failure(struct bench *bench)
{
    bool is_known = false;
    if (!await_flag(&bench->has_failed)) return false;
    for (int64_t until_ms = clock_ms() + PATIENCE_MS; !is_known && clock_ms() < until_ms;) {
        is_known = true;
        for (size_t i = 0; i < WORKERS; i++) {
            const char *stream = atomic_load(&bench->hands[i].progress.stream);
            if (stream && strcmp(stream, bench->failing) == 0) is_known = false;
        }
        clock_sleep_ms(1, NULL);
    }
    return is_known;
}

static bool await_more(struct bench *bench, int opened)
{
    for (int64_t until_ms = clock_ms() + PATIENCE_MS; clock_ms() < until_ms; clock_sleep_ms(1, NULL))
        if (atomic_load(&bench->opened) > opened) return true;
    return false;
}

static bool open_hook(struct bench *bench, struct error *err)
{
    const int number = atomic_fetch_add(&bench->opened, 1) + 1;
    const bool waits = bench->waits_for_two ? number == 1 : number == bench->waiting_open;
    if (waits && !await_more(bench, number)) return error_set(err, ERROR_BUSY, "nobody else came");
    if (number == bench->busy_open) return error_set(err, ERROR_BUSY, "is busy");
    return number != bench->failing_open || error_set(err, ERROR_AUTH, "failed in the middle");
}

static bool source_hook(void *context, const char *name, struct error *err)
{
    struct hand *hand = context;
    struct bench *bench = hand->bench;
    const char *stream = atomic_load(&hand->progress.stream);
    const bool is_open = strcmp(name, "open") == 0, is_next = strcmp(name, "next") == 0;
    if (!stream) return true;
    for (size_t i = 0; i < WORKERS && is_staff(stream); i++) {
        const char *other = atomic_load(&bench->hands[i].progress.stream);
        if (&bench->hands[i] != hand && other && is_staff(other)) atomic_store(&bench->was_crowded, true);
    }
    if (is_open && !open_hook(bench, err)) return false;
    if (is_next && bench->waiting && strcmp(stream, bench->waiting) == 0) {
        atomic_store(&bench->is_waiting, true);
        if (!await_failure(bench)) return error_set(err, ERROR_BUSY, "nothing failed");
        if (bench->then != ERROR_NONE) return error_set(err, bench->then, "failed later");
    }
    if (is_next && bench->failing && strcmp(stream, bench->failing) == 0) {
        if (!await_flag(&bench->is_waiting)) return error_set(err, ERROR_BUSY, "nobody waits");
        atomic_store(&bench->has_failed, true);
        return error_set(err, ERROR_AUTH, "failed first");
    }
    return true;
}

static bool warehouse_hook(void *context, const char *name, struct error *err)
{
    struct bench *bench = context;
    (void)name, (void)err;
    bench->now_us += 1000;
    return true;
}

static void put_records(struct fake_source *source)
{
    static const struct stream *const filled[] = {&fake_people, &fake_tickets, &fake_staff, &fake_visits,
                                                  &fake_calls};
    char id[16];
    for (size_t i = 0; i < sizeof filled / sizeof *filled; i++)
        for (int k = 0; k < 7; k++) {
            snprintf(id, sizeof id, "r%d", k);
            fake_source_put(source, filled[i], id, (int64_t)(101 + 2 * k) * DAY_S + 3600);
        }
}

static int setup(void **state)
{
    struct bench *bench = mem_zero(1, sizeof *bench);
    log_open(STDERR_FILENO, LOG_CRITICAL);
    bench->now_us = (int64_t)120 * DAY_S * 1000000;
    if (!zone_load("Etc/UTC", &bench->zone, &bench->err)) return -1;
    fake_warehouse_init(&bench->warehouse, &bench->now_us);
    bench->warehouse.hook = (struct fake_hook){warehouse_hook, bench};
    shared = &bench->warehouse;
    atomic_store(&shares, 0);
    atomic_store(&takes, 0);
    for (size_t i = 0; i < WORKERS; i++) {
        struct hand *hand = &bench->hands[i];
        hand->bench = bench;
        fake_source_init(&hand->source);
        put_records(&hand->source);
        hand->source.hook = (struct fake_hook){source_hook, hand};
        hand->warehouse.ops = &guarded;
        if (i > 0) bench->hands[i - 1].progress.next = &hand->progress;
        if (i > 0)
            bench->others[i - 1] = (struct connection){&hand->source.base, &hand->warehouse, &hand->progress};
    }
    bench->request.count = COUNT;
    for (size_t i = 0; i < COUNT; i++) {
        bench->selections[i] = fake_selection(streams[i]);
        bench->request.selections[i] = &bench->selections[i];
    }
    bench->context = (struct run_context){
        .plan = {.zone = bench->zone,
                 .start = {100},
                 .lookback_days = 2,
                 .settle_minutes = 60,
                 .reconcile_days = 1},
        .source = &bench->hands[0].source.base,
        .warehouse = &bench->hands[0].warehouse,
        .identity = &bench->hands[0].source.identity,
        .progress = &bench->hands[0].progress,
        .executor = executor_threads(WORKERS),
        .others = bench->others,
        .max_rejected = LIMIT_REJECTS,
        .stop = &bench->stop,
    };
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    bool leaked = bench->warehouse.loads > 0;
    for (size_t i = 0; i < WORKERS; i++) {
        leaked = leaked || bench->hands[i].source.readers > 0;
        fake_source_done(&bench->hands[i].source);
    }
    fake_warehouse_done(&bench->warehouse);
    zone_free(bench->zone);
    if (bench->context.executor) bench->context.executor->ops->free(bench->context.executor);
    free(bench);
    return leaked;
}

static bool run(struct bench *bench)
{
    return run_request(&bench->context, &bench->request,
                       &(struct run_trigger){.run_id = "r1", .message_id = "m1", .published_us = INT64_MAX},
                       &bench->report, &bench->err);
}

/* --- the tests --- */

static void test_all_are_loaded_at_the_same_time(void **state)
{
    struct bench *bench = *state;
    static const char *const tables[] = {"people", "tickets", "staff", "visits", "calls"};
    bench->waits_for_two = true;
    if (!run(bench)) fail_msg("%s", bench->err.text);
    assert_int_equal(bench->report.count, COUNT);
    for (size_t i = 0; i < COUNT; i++) /* the report has the order of the request */
        assert_string_equal(bench->report.streams[i].stream, streams[i]->name);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        assert_int_equal(fake_warehouse_table(&bench->warehouse, tables[i])->count, 7);
    assert_false(atomic_load(&bench->was_crowded));
    assert_int_equal(atomic_load(&shares), 2 * (WORKERS - 1));
    assert_int_equal(atomic_load(&takes), 2 * (WORKERS - 1));
    for (size_t i = 0; i < WORKERS; i++)
        assert_true(i == 0 || !atomic_load(&bench->hands[i].progress.is_busy));
}

static void test_a_failure_ends_the_others(void **state)
{
    struct bench *bench = *state;
    bench->failing = "visits";
    bench->waiting = "people";
    assert_false(run(bench));
    assert_int_equal(bench->err.kind, ERROR_AUTH);
    assert_non_null(strstr(bench->err.text, "failed first"));
    assert_string_equal(bench->report.streams[0].stream, "people");
    assert_int_equal(bench->report.streams[0].error.kind, ERROR_STOPPED);
    assert_non_null(strstr(bench->report.streams[0].error.text, "another stream"));
}

/* Whichever came first. */
static void test_the_first_failure_of_the_request_is_told(void **state)
{
    struct bench *bench = *state;
    bench->failing = "visits";
    bench->waiting = "people";
    bench->then = ERROR_AUTH;
    assert_false(run(bench));
    assert_int_equal(bench->err.kind, ERROR_AUTH);
    assert_non_null(strstr(bench->err.text, "people"));
}

/* One that ends the run counts before one of a stream alone, even if that is an earlier stream. */
static void test_the_failure_that_ends_the_run_is_told(void **state)
{
    struct bench *bench = *state;
    bench->failing = "visits";
    bench->waiting = "people";
    bench->then = ERROR_FORMAT;
    assert_false(run(bench));
    assert_int_equal(bench->err.kind, ERROR_AUTH);
    assert_int_equal(bench->report.streams[0].error.kind, ERROR_FORMAT);
}

/* A stream of two years, of which some weeks fill a batch. */
static void fill_years(struct bench *bench)
{
    char id[16];
    bench->now_us = (int64_t)(100 + 7 * WEEKS) * DAY_S * 1000000;
    bench->request.count = 1;
    bench->context.batch = (struct extent){.units = 100, .rows = 6, .requests = 100};
    for (size_t i = 0; i < WORKERS; i++)
        for (int k = 0; k < WEEKS; k++) {
            snprintf(id, sizeof id, "w%d", k);
            fake_source_put(&bench->hands[i].source, &fake_people, id, (int64_t)(100 + 7 * k) * DAY_S);
        }
}

static void test_workers_without_a_stream_help(void **state)
{
    struct bench *bench = *state;
    int64_t opens = 0;
    size_t readers = 0;
    fill_years(bench);
    bench->waiting_open = 2; /* by the leader or a helper: either goes on when the other has come */
    if (!run(bench)) fail_msg("%s", bench->err.text);
    const struct stream_result *result = &bench->report.streams[0];
    assert_int_equal(fake_warehouse_table(&bench->warehouse, "people")->count, WEEKS + 7);
    assert_int_equal(result->inserted, WEEKS + 7);
    assert_int_equal(result->fetched, WEEKS + 7);
    for (size_t i = 0; i < WORKERS; i++) {
        opens += bench->hands[i].source.opens;
        if (bench->hands[i].source.opens > 0) readers++;
    }
    assert_true(readers > 1);
    assert_int_equal(opens, atomic_load(&bench->opened)); /* no window was read twice */
    assert_true(bench->warehouse.ledger_count > 3);
    for (size_t i = 0; i < bench->warehouse.ledger_count; i++)
        assert_true(bench->warehouse.ledger[i].unit.open == (i + 1 == bench->warehouse.ledger_count));
    assert_int_equal(result->units, WEEKS + 1);          /* what is newer, too */
    assert_int_equal(atomic_load(&shares), WORKERS - 1); /* to load; one worker has prepared the stream */
    for (size_t i = 0; i < WORKERS; i++)
        assert_true(i == 0 || !atomic_load(&bench->hands[i].progress.is_busy));
}

/* A list is read at once: nothing is copied for others. */
static void test_a_list_needs_one_worker(void **state)
{
    struct bench *bench = *state;
    bench->request.selections[0] = &bench->selections[6]; /* teams */
    bench->request.count = 1;
    if (!run(bench)) fail_msg("%s", bench->err.text);
    assert_int_equal(atomic_load(&shares), 0);
    assert_int_equal(bench->report.streams[0].units, 1);
}

/* By any worker. */
static void test_a_failed_batch_fails_the_stream(void **state)
{
    struct bench *bench = *state;
    for (bench->failing_open = 1; bench->failing_open < 5; bench->failing_open++) {
        atomic_store(&bench->opened, 0);
        fill_years(bench);
        assert_false(run(bench));
        assert_int_equal(bench->err.kind, ERROR_AUTH);
        assert_non_null(strstr(bench->err.text, "people"));
        assert_non_null(strstr(bench->err.text, "failed in the middle"));
    }
}

/* In any order. */
static void test_a_failure_that_ends_the_run_is_the_gravest(void **state)
{
    struct bench *bench = *state;
    for (int i = 0; i < 2; i++) {
        atomic_store(&bench->opened, 0);
        fill_years(bench);
        bench->waiting_open = 2;
        bench->busy_open = 2 + i;
        bench->failing_open = 3 - i;
        assert_false(run(bench));
        assert_int_equal(bench->err.kind, ERROR_AUTH);
    }
}

static void test_groups(void **state)
{
    struct bench *bench = *state;
    static const size_t expected[COUNT] = {0, 1, 2, 1, 4, 5, 6, 1};
    size_t groups[LIMIT_STREAMS];
    run_groups(&bench->request, groups);
    assert_memory_equal(groups, expected, sizeof expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_are_loaded_at_the_same_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_failure_ends_the_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_first_failure_of_the_request_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_failure_that_ends_the_run_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_workers_without_a_stream_help, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_list_needs_one_worker, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_failed_batch_fails_the_stream, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_failure_that_ends_the_run_is_the_gravest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_groups, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
