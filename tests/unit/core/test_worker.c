/* SPDX-License-Identifier: Apache-2.0 */
/* Outcomes of a message, over the in-memory ports. */
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
#include "core/worker.h"
#include "fake_source.h"
#include "fake_streams.h"
#include "fake_trigger.h"
#include "fake_warehouse.h"

struct bench {
    int64_t now_us;
    struct zone *zone;
    struct fake_source source;
    struct fake_warehouse warehouse;
    struct fake_trigger trigger;
    struct selection selections[2];
    struct worker worker;
    atomic_bool shutdown, cancel_run;
    struct error err;
    const char *failing;
    enum error_kind failing_kind;
    int failures; /* how often it fails */
    bool acked_before_commit, recorded_before_ack;
    const char *where_at_ack; /* of the progress */
};

static bool hook(void *context, const char *name, struct error *err)
{
    struct bench *bench = context;

    if (strcmp(name, "ack") == 0 && bench->warehouse.ledger_count == 0) bench->acked_before_commit = true;
    if (strcmp(name, "record") == 0 && bench->trigger.messages[0].nacks == 0 &&
        !bench->trigger.messages[0].acked)
        bench->recorded_before_ack = true;
    if (strcmp(name, "ack") == 0 && bench->worker.run.progress)
        bench->where_at_ack = atomic_load(&bench->worker.run.progress->where);
    if (!bench->failing || strcmp(name, bench->failing) != 0 || bench->failures == 0) return true;
    bench->failures--;
    if (bench->failing_kind == ERROR_STOPPED) { /* as if SIGTERM came now */
        atomic_store(&bench->shutdown, true);
        atomic_store(&bench->cancel_run, true);
        return true;
    }
    return error_set(err, bench->failing_kind, "%s failed", name);
}

static void hang(const char *where)
{
    (void)where;
    abort();
}

static int setup(void **state)
{
    struct bench *bench = mem_zero(1, sizeof *bench);
    const struct fake_hook fake = {hook, bench};

    log_open(STDERR_FILENO, LOG_CRITICAL + 1);
    bench->now_us = INT64_C(120) * 86400 * 1000000 + INT64_C(14400000000);
    if (!zone_load("Etc/UTC", &bench->zone, &bench->err)) return -1;
    fake_source_init(&bench->source);
    fake_warehouse_init(&bench->warehouse, &bench->now_us);
    fake_trigger_init(&bench->trigger);
    bench->source.hook = bench->warehouse.hook = bench->trigger.hook = fake;
    bench->trigger.now_us = &bench->now_us;
    bench->trigger.stop_when_idle = true;
    bench->selections[0] = fake_selection(&fake_people);
    bench->selections[1] = fake_selection(&fake_visits);
    fake_source_put(&bench->source, &fake_people, "p1", INT64_C(110) * 86400);
    bench->worker = (struct worker){
        .run = {.plan = {.zone = bench->zone, .start = {100}, .lookback_days = 2, .settle_minutes = 60},
                .source = &bench->source.base,
                .warehouse = &bench->warehouse.base,
                .max_rejected = LIMIT_REJECTS,
                .identity = &bench->source.identity},
        .selections = bench->selections,
        .selection_count = 2,
        .trigger = &bench->trigger.base,
        .lease = {.lease_s = 60, .stall_s = 600, .on_wedged = hang},
        .shutdown = &bench->shutdown,
        .cancel_run = &bench->cancel_run,
    };
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;

    fake_source_done(&bench->source);
    fake_warehouse_done(&bench->warehouse);
    fake_trigger_done(&bench->trigger);
    zone_free(bench->zone);
    free(bench);
    return 0;
}

static void fail_at(struct bench *bench, const char *call, enum error_kind kind, int times)
{
    bench->failing = call;
    bench->failing_kind = kind;
    bench->failures = times;
}

static void test_done_is_acked_after_the_commit(void **state)
{
    struct bench *bench = *state;

    fake_trigger_publish(&bench->trigger, "m1", "", bench->now_us);
    assert_int_equal(worker_serve(&bench->worker), 0);
    assert_true(bench->trigger.messages[0].acked);
    assert_false(bench->acked_before_commit);
    assert_int_equal(fake_warehouse_table(&bench->warehouse, "people")->count, 1);
}

/* A lease that wedges while an ack is retried must not blame the commit before it. */
static void test_settling_is_progress(void **state)
{
    struct bench *bench = *state;
    struct progress progress = {0};

    bench->worker.run.progress = &progress;
    fake_trigger_publish(&bench->trigger, "m1", "", bench->now_us);
    assert_int_equal(worker_serve(&bench->worker), 0);
    assert_true(bench->trigger.messages[0].acked);
    assert_string_equal(bench->where_at_ack, "settling the message");
}

static void test_drain_ends_when_no_message_waits(void **state)
{
    struct bench *bench = *state;

    bench->trigger.stop_when_idle = false;
    assert_int_equal(worker_drain(&bench->worker), 0);
    fake_trigger_publish(&bench->trigger, "m1", "", bench->now_us);
    fake_trigger_publish(&bench->trigger, "m2", "", bench->now_us);
    assert_int_equal(worker_drain(&bench->worker), 0);
    assert_true(bench->trigger.messages[0].acked);
    assert_true(bench->trigger.messages[1].acked);
}

static void test_drain_tells_that_a_message_came_back(void **state)
{
    static const char *const calls[] = {"commit", "ack", "next"};

    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct bench *bench = *state;
        bench->trigger.stop_when_idle = false;
        fake_trigger_publish(&bench->trigger, calls[i], "", bench->now_us);
        fail_at(bench, calls[i], ERROR_BUSY, 1);
        assert_int_equal(worker_drain(&bench->worker), 75);
        bench->now_us += INT64_C(3600) * 1000000;
        assert_int_equal(worker_drain(&bench->worker), 0);
        assert_true(bench->trigger.messages[i].acked);
    }
}

static void test_drain_stopped_is_not_done(void **state)
{
    struct bench *bench = *state;

    bench->trigger.stop_when_idle = false;
    fake_trigger_publish(&bench->trigger, "m1", "", bench->now_us);
    fail_at(bench, "commit", ERROR_STOPPED, 1);
    assert_int_equal(worker_drain(&bench->worker), 75);
    assert_false(bench->trigger.messages[0].acked);
}

static void test_each_verdict(void **state)
{
    static const struct {
        const char *call;
        enum error_kind kind;
        bool acked;
        int delay_s, code;
    } verdicts[] = {
        {"state", ERROR_BUSY, false, 20, 0},   {"begin", ERROR_REFUSED, false, 20, 0},
        {"begin", ERROR_FORMAT, false, 20, 0}, {"begin", ERROR_LIMIT, false, 20, 0},
        {"open", ERROR_FORBIDDEN, true, 0, 0}, {"prepare", ERROR_CONFIG, false, 20, 78},
        {"open", ERROR_AUTH, false, 20, 77},
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        char id[16];
        size_t index;

        snprintf(id, sizeof id, "m%zu", i);
        bench->now_us += INT64_C(3600000000); /* no older run satisfies it */
        index = fake_trigger_publish(&bench->trigger, id, "", bench->now_us);
        fail_at(bench, verdicts[i].call, verdicts[i].kind, 1);
        assert_int_equal(worker_serve(&bench->worker), verdicts[i].code);
        assert_int_equal(bench->trigger.messages[index].acked, verdicts[i].acked);
        assert_int_equal(bench->trigger.messages[index].nacks, !verdicts[i].acked);
        if (!verdicts[i].acked) assert_int_equal(bench->trigger.messages[index].delay_s, verdicts[i].delay_s);
        bench->now_us += INT64_C(3600000000); /* the nacked ones come again, and succeed */
        bench->failing = NULL;
        assert_int_equal(worker_serve(&bench->worker), 0);
        assert_true(bench->trigger.messages[index].acked);
    }
}

static void test_a_bad_message_does_not_hinder_others(void **state)
{
    struct bench *bench = *state;

    fake_trigger_publish(&bench->trigger, "bad", "{\"streems\":1}", bench->now_us);
    fake_trigger_publish(&bench->trigger, "good", "{}", bench->now_us);
    assert_int_equal(worker_serve(&bench->worker), 0);
    assert_false(bench->trigger.messages[0].acked);
    assert_int_equal(bench->trigger.messages[0].delay_s, 20);
    assert_true(bench->trigger.messages[1].acked);
}

static void test_stop_gives_the_message_back_at_once(void **state)
{
    struct bench *bench = *state;

    fake_trigger_publish(&bench->trigger, "m1", "", bench->now_us);
    fail_at(bench, "state", ERROR_STOPPED, 1);
    assert_int_equal(worker_serve(&bench->worker), 0);
    assert_int_equal(bench->trigger.messages[0].nacks, 1);
    assert_int_equal(bench->trigger.messages[0].delay_s, 0);
    assert_false(bench->trigger.messages[0].acked);
}

static void test_a_lost_ack_costs_a_look(void **state)
{
    struct bench *bench = *state;

    fake_trigger_publish(&bench->trigger, "m1", "", bench->now_us);
    fail_at(bench, "ack", ERROR_BUSY, 1);
    assert_int_equal(worker_serve(&bench->worker), 0);
    assert_false(bench->trigger.messages[0].acked);
    bench->now_us += INT64_C(3600000000);
    assert_int_equal(worker_serve(&bench->worker), 0);
    assert_true(bench->trigger.messages[0].acked);
    assert_int_equal(fake_warehouse_table(&bench->warehouse, "people")->count, 1);
}

/* Each stream's outcome is recorded, after the message was settled; that it can't be changes nothing. */
static void test_attempts_are_recorded_last(void **state)
{
    struct bench *bench = *state;
    const struct fake_attempt *attempts = bench->warehouse.attempts;

    fake_trigger_publish(&bench->trigger, "m1", "", bench->now_us);
    fail_at(bench, "begin", ERROR_REFUSED, 1);
    assert_int_equal(worker_serve(&bench->worker), 0);
    assert_int_equal(bench->warehouse.attempt_count, 2);
    assert_string_equal(attempts[0].stream, "people");
    assert_string_equal(attempts[0].outcome, "refused");
    assert_string_equal(attempts[1].outcome, "loaded");
    assert_string_equal(attempts[0].run_id, attempts[1].run_id);
    bench->now_us += INT64_C(3600000000);
    fail_at(bench, "record", ERROR_BUSY, 1);
    assert_int_equal(worker_serve(&bench->worker), 0);
    assert_true(bench->trigger.messages[0].acked);
    assert_false(bench->recorded_before_ack);
    assert_int_equal(bench->warehouse.attempt_count, 2);
}

static void test_a_stopped_run_records_its_stop(void **state)
{
    struct bench *bench = *state;

    fake_trigger_publish(&bench->trigger, "m1", "", bench->now_us);
    fail_at(bench, "state", ERROR_STOPPED, 1);
    assert_int_equal(worker_serve(&bench->worker), 0);
    assert_int_equal(bench->warehouse.attempt_count, 1);
    assert_string_equal(bench->warehouse.attempts[0].outcome, "stopped");
    assert_false(bench->recorded_before_ack);
}

static void test_nack_delays_double(void **state)
{
    (void)state;
    assert_int_equal(worker_nack_delay_s(0), 20);
    assert_int_equal(worker_nack_delay_s(1), 20);
    assert_int_equal(worker_nack_delay_s(3), 80);
    assert_int_equal(worker_nack_delay_s(5), 320);
    assert_int_equal(worker_nack_delay_s(6), 600);
    assert_int_equal(worker_nack_delay_s(1000000), 600);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_done_is_acked_after_the_commit),
        CASE(test_settling_is_progress),
        CASE(test_drain_ends_when_no_message_waits),
        CASE(test_drain_tells_that_a_message_came_back),
        CASE(test_drain_stopped_is_not_done),
        CASE(test_each_verdict),
        CASE(test_a_bad_message_does_not_hinder_others),
        CASE(test_stop_gives_the_message_back_at_once),
        CASE(test_a_lost_ack_costs_a_look),
        CASE(test_attempts_are_recorded_last),
        CASE(test_a_stopped_run_records_its_stop),
        cmocka_unit_test(test_nack_delays_double),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
