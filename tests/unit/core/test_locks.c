/* SPDX-License-Identifier: Apache-2.0 */
/* test_locks.c - two streams write one child table at the same time: no key is stored twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_streams.h"
#include "fake_warehouse.h"

#define GONE "{\"id\":\"7\",\"seen_missing_at\":\"2026-02-03T10:00:00Z\",\"partition_date\":\"2026-02-03\"}"

static const struct source_identity identity = {.workspace = "w1", .type = "desk"};

/* Loses each commit's answer, so that its job stays under way. */
static bool lose_answer(void *context, const char *name, struct error *err)
{
    (void)context;
    return strcmp(name, "commit.run") != 0 || error_set(err, ERROR_BUSY, "no answer");
}

static void submit(struct fake_warehouse *warehouse, const struct selection *selection)
{
    const struct warehouse_ops *ops = warehouse->base.ops;
    struct day day = day_of_civil(2026, 2, 3);
    const struct commit commit = {.unit = {.lo = day, .hi = day, .claim_hi = day}, .run_id = "r"};
    struct committed committed;
    struct load *load;
    struct error err;
    size_t child = selection->table_count - 1;
    assert_true(ops->prepare(&warehouse->base, selection, &identity, &err));
    assert_true(ops->begin(&warehouse->base, selection, &load, &err));
    assert_string_equal(selection->tables[child]->name, "staff_gone");
    assert_true(ops->write(load, child, GONE, strlen(GONE), &err));
    assert_false(ops->commit(load, &commit, &committed, &err));
    struct fake_job *job = warehouse->jobs[warehouse->job_count - 1];
    assert_ptr_equal(job->load, load);
}

/* Both are submitted before either is run. */
static size_t rows_of_both(enum fake_design design)
{
    const int64_t now_us = INT64_C(1770000000000000);
    const struct selection staff = fake_selection(&fake_staff), leavers = fake_selection(&fake_leavers);
    struct fake_warehouse warehouse;
    struct error err;
    fake_warehouse_init(&warehouse, &now_us);
    warehouse.design = design;
    warehouse.hook.call = lose_answer;
    submit(&warehouse, &staff);
    submit(&warehouse, &leavers);
    while (warehouse.job_count > 0)
        assert_true(fake_warehouse_land(&warehouse, warehouse.jobs[0], NULL, &err));
    size_t rows = fake_warehouse_table(&warehouse, "staff_gone")->count;
    fake_warehouse_done(&warehouse);
    return rows;
}

static void one_lock_keeps_a_shared_key_single(void **state)
{
    (void)state;
    assert_string_equal(stream_lock(&fake_leavers), stream_lock(&fake_staff));
    assert_string_equal(stream_lock(&fake_staff_reconciliation), stream_lock(&fake_staff));
    assert_int_equal(rows_of_both(FAKE_UNION), 1);
}

static void two_locks_would_double_it(void **state)
{
    (void)state;
    assert_int_equal(rows_of_both(FAKE_STREAM_LOCKS), 2);
    assert_int_equal(rows_of_both(FAKE_UNION_UNLOCKED), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_lock_keeps_a_shared_key_single),
        cmocka_unit_test(two_locks_would_double_it),
    };
    return cmocka_run_group_tests_name("locks", tests, NULL, NULL);
}
