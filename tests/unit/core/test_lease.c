/* SPDX-License-Identifier: Apache-2.0 */
/* The policy by itself, over virtual time; then the thread, which must hear of an end, a loss and a hang. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/lease.h"
#include "fake_trigger.h"

static const struct lease_settings settings = {.lease_s = 300, .stall_s = 900};

static struct lease_clock fresh(void)
{
    struct lease_clock clock = {0};

    lease_extended(&clock, &settings, 0);
    return clock;
}

static void test_extends_at_a_third(void **state)
{
    struct lease_clock clock = fresh();

    (void)state;
    assert_int_equal(lease_decide(&clock, &settings, 99999), LEASE_WAIT);
    assert_int_equal(lease_decide(&clock, &settings, 100000), LEASE_EXTEND);
    lease_extended(&clock, &settings, 100000);
    assert_int_equal(lease_decide(&clock, &settings, 199999), LEASE_WAIT);
    assert_int_equal(lease_decide(&clock, &settings, 200000), LEASE_EXTEND);
}

static void test_failures_are_retried_until_the_lease_lapses(void **state)
{
    struct lease_clock clock = fresh();
    int64_t now_ms = 100000;
    int tries = 0;

    (void)state;
    while (lease_decide(&clock, &settings, now_ms) != LEASE_LOST) {
        if (lease_decide(&clock, &settings, now_ms) == LEASE_EXTEND) {
            lease_failed(&clock, now_ms);
            tries++;
        }
        now_ms += 100;
    }
    assert_int_equal(now_ms, 300000);
    assert_true(tries >= 8);
}

static void test_a_worker_without_work_does_not_stand_still(void **state)
{
    struct progress_watch watch = {.where = NULL};
    struct progress other = {0}; /* as before its first run */
    struct progress first = {.next = &other};

    (void)state;
    for (int64_t now_ms = 1000; now_ms < 10000000; now_ms += 100000) {
        progress_step(&first, "waiting for a message");
        assert_int_equal(progress_look(&watch, &first, now_ms), now_ms);
    }
    progress_step(&other, "loading");
    assert_int_equal(progress_look(&watch, &first, 10000000), 9901000); /* the first one's */
    progress_step(&first, "loading");
    assert_int_equal(progress_look(&watch, &first, 10500000), 10000000);
    progress_rest(&other);
    assert_int_equal(progress_look(&watch, &first, 10600000), 10500000);
}

static void test_no_cap_while_progress_moves(void **state)
{
    struct lease_clock clock = fresh();
    struct progress_watch watch = {.where = NULL};
    struct progress progress = {0};
    int64_t now_ms = 0;

    (void)state;
    for (int steps = 1; steps < 1000; steps++) { /* 33 hours */
        now_ms += 120000;
        progress_step(&progress, "loading");
        clock.moved_ms = progress_look(&watch, &progress, now_ms);
        assert_int_equal(lease_decide(&clock, &settings, now_ms), LEASE_EXTEND);
        lease_extended(&clock, &settings, now_ms);
    }
}

static void test_a_run_that_stands_still_is_let_go(void **state)
{
    struct lease_clock clock = fresh();

    struct progress_watch watch = {.where = NULL};
    struct progress progress = {0};

    (void)state;
    progress_step(&progress, "hanging");
    clock.moved_ms = progress_look(&watch, &progress, 1000);
    for (int64_t now_ms = 100000; now_ms < 901000; now_ms += 100000) {
        clock.moved_ms = progress_look(&watch, &progress, now_ms);
        assert_int_equal(lease_decide(&clock, &settings, now_ms), LEASE_EXTEND);
        lease_extended(&clock, &settings, now_ms);
    }
    assert_int_equal(lease_decide(&clock, &settings, 901000), LEASE_WEDGED);
}

/* Three that move do not hide a fourth that hangs; one without work does not hang. */
static void test_each_worker_is_watched(void **state)
{
    struct lease_clock clock = fresh();
    struct progress_watch watch = {.where = NULL};
    struct progress workers[4] = {{.next = &workers[1]}, {.next = &workers[2]}, {.next = &workers[3]}};

    (void)state;
    progress_rest(&workers[1]);
    progress_step(&workers[3], "hanging");
    for (int64_t now_ms = 1000; now_ms <= 1901000; now_ms += 100000) {
        progress_step(&workers[0], "loading");
        progress_step(&workers[2], "loading");
        clock.moved_ms = progress_look(&watch, workers, now_ms);
        assert_int_equal(clock.moved_ms, 1000);
        assert_int_equal(lease_decide(&clock, &settings, now_ms), now_ms >= 901000   ? LEASE_WEDGED
                                                                  : now_ms >= 100000 ? LEASE_EXTEND
                                                                                     : LEASE_WAIT);
        assert_string_equal(watch.where, now_ms == 1000 ? "loading" : "hanging");
        lease_extended(&clock, &settings, now_ms);
    }
    progress_rest(&workers[3]);
    assert_int_equal(progress_look(&watch, workers, 2000000), 2000000 - 99000);
    progress_step(&workers[0], "loading");
    progress_step(&workers[2], "loading");
    assert_int_equal(progress_look(&watch, workers, 2000000), 2000000);
}

/* --- the thread --- */
struct bench {
    struct fake_trigger trigger;
    struct progress progress;
    atomic_bool stop;
    atomic_int extends, refuse;
};

static atomic_bool wedged;

static void note_wedged(const char *where)
{
    (void)where;
    atomic_store(&wedged, true);
}

static bool count_extends(void *context, const char *name, struct error *err)
{
    struct bench *bench = context;

    if (strcmp(name, "extend") != 0) return true;
    atomic_fetch_add(&bench->extends, 1);
    return !atomic_load(&bench->refuse) || error_set(err, ERROR_BUSY, "refused");
}

static struct bench *bench_new(void)
{
    struct bench *bench = calloc(1, sizeof *bench);

    log_open(STDERR_FILENO, LOG_CRITICAL + 1);
    fake_trigger_init(&bench->trigger);
    fake_trigger_publish(&bench->trigger, "m1", "", 0);
    bench->trigger.hook = (struct fake_hook){count_extends, bench};
    atomic_store(&wedged, false);
    return bench;
}

static void bench_free(struct bench *bench)
{
    fake_trigger_done(&bench->trigger);
    free(bench);
}

static struct delivery take(struct bench *bench)
{
    struct delivery delivery = {0};
    struct error err = {0};
    bool any;

    assert_true(bench->trigger.base.ops->next(&bench->trigger.base, &delivery, &any, &err) && any);
    return delivery;
}

static void test_the_thread_extends_at_once_and_ends(void **state)
{
    struct bench *bench = bench_new();
    struct delivery delivery = take(bench);
    struct lease *lease;

    (void)state;
    lease = lease_start(&settings, &bench->trigger.base, delivery.ack_id, &bench->progress, &bench->stop);
    while (atomic_load(&bench->extends) == 0)
        clock_sleep_ms(1, NULL);
    lease_end(lease);
    assert_false(atomic_load(&bench->stop));
    lease_end(NULL);
    delivery_done(&delivery);
    bench_free(bench);
}

/* Deadlines of zero: whatever the speed of this machine, the outcome is the same. */
static void test_a_lost_lease_stops_the_run(void **state)
{
    struct bench *bench = bench_new();
    struct delivery delivery = take(bench);
    const struct lease_settings lapsed = {.lease_s = 0, .stall_s = 900, .on_wedged = note_wedged};
    struct lease *lease;

    (void)state;
    atomic_store(&bench->refuse, 1);
    lease = lease_start(&lapsed, &bench->trigger.base, delivery.ack_id, &bench->progress, &bench->stop);
    while (!lease_lost(lease))
        clock_sleep_ms(1, NULL);
    lease_end(lease);
    assert_true(atomic_load(&bench->stop));
    delivery_done(&delivery);
    bench_free(bench);
}

static void test_a_wedged_run_is_told(void **state)
{
    struct bench *bench = bench_new();
    struct delivery delivery = take(bench);
    const struct lease_settings hasty = {.lease_s = 300, .stall_s = 0, .on_wedged = note_wedged};
    struct lease *lease;

    (void)state;
    progress_step(&bench->progress, "sleeping");
    lease = lease_start(&hasty, &bench->trigger.base, delivery.ack_id, &bench->progress, &bench->stop);
    while (!atomic_load(&wedged))
        clock_sleep_ms(1, NULL);
    lease_end(lease);
    delivery_done(&delivery);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extends_at_a_third),
        cmocka_unit_test(test_failures_are_retried_until_the_lease_lapses),
        cmocka_unit_test(test_a_worker_without_work_does_not_stand_still),
        cmocka_unit_test(test_no_cap_while_progress_moves),
        cmocka_unit_test(test_a_run_that_stands_still_is_let_go),
        cmocka_unit_test(test_each_worker_is_watched),
        cmocka_unit_test(test_the_thread_extends_at_once_and_ends),
        cmocka_unit_test(test_a_lost_lease_stops_the_run),
        cmocka_unit_test(test_a_wedged_run_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
