/* SPDX-License-Identifier: Apache-2.0 */
/* How the units of a plan are handed out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "batch_queue.h"

#define UNITS 60

struct bench {
    struct executor executor; /* first: of one thread, which would wait for ever */
    struct plan plan;
    struct run_context context;
    struct batch_queue queue;
    struct progress progress;
    size_t waits, wakes;
};

static void do_nothing(struct executor *executor)
{
    (void)executor;
}

/* The other batch ends, and the helpers leave. */
static void wait(struct executor *executor)
{
    struct bench *bench = (struct bench *)executor;
    bench->waits++;
    assert_false(atomic_load(&bench->progress.is_busy));
    if (bench->queue.helpers > 0) bench->queue.helpers--;
    if (bench->queue.is_committing) batch_queue_end_commit(&bench->queue);
    if (bench->queue.loading > 0) batch_queue_end_batch(&bench->queue);
}

static void wake(struct executor *executor)
{
    ((struct bench *)executor)->wakes++;
}

static const struct executor_ops ops = {.lock = do_nothing, .unlock = do_nothing, .wait = wait, .wake = wake};

static int setup(void **state)
{
    struct bench *bench = mem_zero(1, sizeof *bench);
    bench->executor = (struct executor){.ops = &ops, .workers = 2};
    bench->plan.units = mem_zero(UNITS, sizeof *bench->plan.units);
    bench->plan.unit_count = UNITS;
    for (int i = 0; i < UNITS; i++)
        bench->plan.units[i] = (struct unit){.lo = {7 * i}, .hi = {7 * i + 6}, .claim_hi = {7 * i + 6}};
    bench->plan.units[UNITS - 1].open = true;
    bench->context = (struct run_context){.executor = &bench->executor,
                                          .batch = {.units = 40, .rows = 1000, .requests = 100}};
    batch_queue_open(&bench->queue, &bench->context, &bench->plan);
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    plan_done(&bench->plan);
    free(bench);
    return 0;
}

static struct unit_range take(struct bench *bench, bool is_helper)
{
    struct unit_range units = {0};
    atomic_store(&bench->progress.is_busy, true);
    assert_true(batch_queue_take(&bench->queue, is_helper, &bench->progress, &units));
    return units;
}

/* Reads what the batch has got last, so many rows and requests a unit; returns the units that it gets then.
 */
static size_t extend(struct bench *bench, struct unit_range *units, size_t read, int64_t rows,
                     int64_t requests, struct extent *held)
{
    const size_t before = units->end;
    const int64_t count = (int64_t)(units->end - read);
    const struct extent window = {.units = count, .rows = rows * count, .requests = requests * count};
    held->units += window.units;
    held->rows += window.rows;
    held->requests += window.requests;
    (void)batch_queue_extend(&bench->queue, &window, held, units);
    return units->end - before;
}

static void test_small_units_make_one_batch(void **state)
{
    struct bench *bench = *state;
    struct extent held = {0};
    struct unit_range units = take(bench, false);
    assert_int_equal(units.end, 1);
    assert_int_equal(extend(bench, &units, 0, 0, 1, &held), 4);
    assert_int_equal(extend(bench, &units, 1, 2, 1, &held), 16);
    assert_int_equal(extend(bench, &units, 5, 2, 1, &held), 40 - 21); /* a batch has at most 40 */
    assert_int_equal(extend(bench, &units, 21, 2, 1, &held), 0);
    assert_false(batch_queue_has_work(&bench->queue));
    batch_queue_end_batch(&bench->queue);
    units = take(bench, false);
    assert_int_equal(units.first, 40);
    assert_int_equal(units.end, UNITS); /* with the open one, as no other worker is loading */
    assert_int_equal(bench->waits, 0);
    batch_queue_end_batch(&bench->queue);
    assert_false(batch_queue_take(&bench->queue, false, &bench->progress, &units));
}

static void test_a_batch_is_filled_by_what_it_holds(void **state)
{
    struct bench *bench = *state;
    struct extent held = {0};
    struct unit_range units = take(bench, false);
    assert_int_equal(extend(bench, &units, 0, 300, 1, &held), 2); /* 900 rows; a fourth would be too many */
    assert_int_equal(extend(bench, &units, 1, 300, 1, &held), 0);
    batch_queue_end_batch(&bench->queue);
    held = (struct extent){0};
    units = take(bench, false);
    assert_int_equal(units.end - units.first, 3);
    assert_int_equal(extend(bench, &units, units.first, 5000, 1, &held), 0); /* more than was foreseen */
    batch_queue_end_batch(&bench->queue);
    held = (struct extent){0};
    units = take(bench, false);
    assert_int_equal(units.end - units.first, 1);                          /* at least one */
    assert_int_equal(extend(bench, &units, units.first, 1, 34, &held), 1); /* the requests count, too */
}

static void test_helpers_come_when_much_is_left(void **state)
{
    struct bench *bench = *state;
    struct extent held = {0};
    assert_false(batch_queue_has_work(&bench->queue)); /* how much a unit holds is not known */
    struct unit_range mine = take(bench, false);
    assert_int_equal(extend(bench, &mine, 0, 100, 1, &held), 4);
    assert_true(batch_queue_has_work(&bench->queue));
    batch_queue_join(&bench->queue);
    struct unit_range other = take(bench, true);
    assert_int_equal(other.first, mine.end);
    assert_int_equal(extend(bench, &mine, 1, 100, 1, &held), 0); /* what follows is taken */
    batch_queue_end_batch(&bench->queue);
    bench->queue.next = UNITS - 5; /* the others are done: what is left fits into the leader's batch */
    struct unit_range none;
    assert_false(batch_queue_take(&bench->queue, true, &bench->progress, &none));
    batch_queue_end_batch(&bench->queue);
    batch_queue_leave(&bench->queue);
    batch_queue_close(&bench->queue, &bench->progress);
    assert_int_equal(bench->waits, 0);
}

static void test_the_open_unit_is_taken_last(void **state)
{
    struct bench *bench = *state;
    struct extent held = {0};
    struct unit_range mine = take(bench, false);
    assert_int_equal(extend(bench, &mine, 0, 100, 1, &held), 4);
    bench->queue.next = UNITS - 3;
    batch_queue_end_batch(&bench->queue);
    bench->queue.loading = 1; /* a helper's */
    mine = take(bench, false);
    assert_int_equal(mine.first, UNITS - 3);
    assert_int_equal(mine.end, UNITS - 1);
    held = (struct extent){0};
    assert_int_equal(extend(bench, &mine, mine.first, 1, 1, &held), 0);
    assert_int_equal(bench->waits, 0);
    batch_queue_end_batch(&bench->queue); /* the leader's own */
    mine = take(bench, false);            /* the helper's ends while the leader waits */
    assert_int_equal(mine.first, UNITS - 1);
    assert_int_equal(bench->waits, 1);
}

/* A worker that waits for another does not hang. */
static void test_the_leader_rests_until_helpers_have_left(void **state)
{
    struct bench *bench = *state;
    struct extent held = {0};
    struct unit_range units = take(bench, false);
    (void)extend(bench, &units, 0, 100, 1, &held);
    batch_queue_join(&bench->queue);
    atomic_store(&bench->progress.is_busy, true);
    batch_queue_close(&bench->queue, &bench->progress);
    assert_int_equal(bench->waits, 1);
    assert_false(batch_queue_has_work(&bench->queue));
}

/* Each change that another worker may wait for. */
static void test_changes_wake_those_that_wait(void **state)
{
    struct bench *bench = *state;
    struct extent held = {0};
    struct unit_range units = take(bench, false);
    (void)extend(bench, &units, 0, 100, 1, &held);
    assert_int_equal(bench->wakes, 1);
    batch_queue_join(&bench->queue);
    batch_queue_begin_commit(&bench->queue, false, &bench->progress);
    batch_queue_end_commit(&bench->queue);
    assert_int_equal(bench->wakes, 2);
    batch_queue_end_batch(&bench->queue);
    assert_int_equal(bench->wakes, 3);
    batch_queue_leave(&bench->queue);
    assert_int_equal(bench->wakes, 4);
    batch_queue_stop(&bench->queue);
    assert_int_equal(bench->wakes, 5);
}

static void test_commits_are_made_one_at_a_time(void **state)
{
    struct bench *bench = *state;
    (void)take(bench, false);
    batch_queue_begin_commit(&bench->queue, false, &bench->progress);
    assert_int_equal(bench->waits, 0);
    atomic_store(&bench->progress.is_busy, true);
    batch_queue_begin_commit(&bench->queue, true, &bench->progress);
    assert_int_equal(bench->waits, 1);
    batch_queue_end_commit(&bench->queue);
}

static void test_nothing_is_taken_after_a_failure(void **state)
{
    struct bench *bench = *state;
    struct extent held = {0};
    struct unit_range units = take(bench, false);
    batch_queue_stop(&bench->queue);
    assert_int_equal(extend(bench, &units, 0, 1, 1, &held), 0);
    assert_false(batch_queue_has_work(&bench->queue));
    assert_false(batch_queue_take(&bench->queue, false, &bench->progress, &units));
    batch_queue_begin_commit(&bench->queue, true, &bench->progress); /* the leader will make no commit */
    assert_int_equal(bench->waits, 0);
    batch_queue_end_commit(&bench->queue);
}

static void test_a_batch_has_no_gap(void **state)
{
    struct bench *bench = *state;
    struct extent held = {0};
    for (int i = 3; i < UNITS; i++)
        bench->plan.units[i].lo.n += 7, bench->plan.units[i].hi.n += 7;
    struct unit_range units = take(bench, false);
    assert_int_equal(extend(bench, &units, 0, 1, 1, &held), 2);
    assert_int_equal(extend(bench, &units, 1, 1, 1, &held), 0);
    units = take(bench, false);
    assert_int_equal(units.first, 3);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_small_units_make_one_batch),
        CASE(test_a_batch_is_filled_by_what_it_holds),
        CASE(test_helpers_come_when_much_is_left),
        CASE(test_the_open_unit_is_taken_last),
        CASE(test_the_leader_rests_until_helpers_have_left),
        CASE(test_changes_wake_those_that_wait),
        CASE(test_commits_are_made_one_at_a_time),
        CASE(test_nothing_is_taken_after_a_failure),
        CASE(test_a_batch_has_no_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
