/* SPDX-License-Identifier: Apache-2.0 */
#include "batches.h"

#include <assert.h>

#define GROWTH 4 /* a window is at most so many times as long as the largest before it */

static int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How many of `units` hold at most `most`, if so many hold `held`. */
static int64_t count_fitting(int64_t units, int64_t most, int64_t held, int64_t of_units)
{
    if (most <= 0) return 0;
    return held > 0 ? min(units, most * of_units / held) : units;
}

/* How many more units fit into the batch. */
static int64_t count_more(const struct extent *most, const struct extent *window, const struct extent *batch)
{
    const int64_t units = most->units - batch->units;
    return min(count_fitting(units, most->rows - batch->rows, window->rows, window->units),
               count_fitting(units, most->requests - batch->requests, window->requests, window->units));
}

struct extent batches_most(const struct run_context *context)
{
    if (context->batch.units > 0) return context->batch;
    return (struct extent){
        .units = LIMIT_BATCH_UNITS, .rows = LIMIT_BATCH_ROWS, .requests = LIMIT_BATCH_REQUESTS};
}

int64_t batches_next_window(const struct extent *most, const struct extent *window, int64_t largest,
                            const struct extent *batch)
{
    if (window->units == 0) return 1;
    const int64_t units =
        min(min(count_more(most, window, batch), GROWTH * largest), (int64_t)LIMIT_WINDOW_UNITS);
    return units == 0 && batch->units == 0 ? 1 : units;
}

/* Of the units that are not open at the top. */
static size_t closed_end(const struct plan *plan)
{
    return plan->unit_count > 0 && plan->units[plan->unit_count - 1].open ? plan->unit_count - 1
                                                                          : plan->unit_count;
}

/* More is left than fits into the batch that the leader would take next. */
bool batches_have_work(const struct batches *batches)
{
    const struct extent none = {0};
    if (!batches->is_open || batches->is_ended || batches->window.units == 0) return false;
    const size_t end = closed_end(batches->plan);
    return batches->next < end &&
           (int64_t)(end - batches->next) > count_more(&batches->most, &batches->window, &none);
}

/* At most so many units from `next` on, without a gap, and without the open one while others are loaded.
 * others: batches under way, but for the one that is to get them. */
static size_t cut(const struct batches *batches, int64_t units, size_t others)
{
    const struct plan *plan = batches->plan;
    const size_t end = plan_batch_end(plan, batches->next, (size_t)units) + 1, closed = closed_end(plan);
    return others > 0 && end > closed ? closed : end;
}

void batches_open(struct batches *batches, const struct run_context *context, const struct plan *plan)
{
    executor_lock(context->executor);
    *batches = (struct batches){
        .executor = context->executor, .plan = plan, .most = batches_most(context), .is_open = true};
    executor_unlock(context->executor);
}

void batches_close(struct batches *batches)
{
    executor_lock(batches->executor);
    batches->is_ended = true;
    while (batches->helpers > 0)
        executor_wait(batches->executor);
    batches->is_open = false;
    executor_unlock(batches->executor);
}

void batches_join(struct batches *batches)
{
    batches->helpers++;
}

void batches_leave(struct batches *batches)
{
    executor_lock(batches->executor);
    batches->helpers--;
    executor_wake(batches->executor);
    executor_unlock(batches->executor);
}

static void take(struct batches *batches, size_t end, struct unit_range *out_batch)
{
    *out_batch = (struct unit_range){.first = batches->next, .end = end};
    batches->next = end;
    batches->loading++;
}

bool batches_take(struct batches *batches, bool is_helper, struct progress *progress,
                  struct unit_range *out_batch)
{
    const struct plan *plan = batches->plan;
    const struct extent none = {0};
    bool taken = false;
    executor_lock(batches->executor);
    while (!taken && !batches->is_ended && batches->next < plan->unit_count &&
           (!is_helper || batches_have_work(batches))) {
        const int64_t units = batches_next_window(&batches->most, &batches->window, batches->largest, &none);
        const size_t end = cut(batches, units, batches->loading);
        taken = end > batches->next;
        if (taken) {
            take(batches, end, out_batch);
        } else {
            progress_pause(progress, "waiting for the other workers of the stream");
            executor_wait(batches->executor);
        }
    }
    executor_unlock(batches->executor);
    return taken;
}

bool batches_extend(struct batches *batches, const struct extent *window, const struct extent *extent,
                    struct unit_range *batch)
{
    const struct plan *plan = batches->plan;
    executor_lock(batches->executor);
    batches->window = *window;
    if (window->units > batches->largest) batches->largest = window->units;
    const int64_t units = batches_next_window(&batches->most, window, batches->largest, extent);
    const bool can_extend = units > 0 && !batches->is_ended && batch->end == batches->next &&
                            batch->end < plan->unit_count &&
                            plan_batch_end(plan, batch->end - 1, 2) == batch->end;
    if (can_extend) batches->next = cut(batches, units, batches->loading - 1);
    const bool is_extended = can_extend && batches->next > batch->end;
    if (is_extended) batch->end = batches->next;
    executor_wake(batches->executor); /* there may be work for helpers now */
    executor_unlock(batches->executor);
    return is_extended;
}

void batches_begin_commit(struct batches *batches, bool is_helper, struct progress *progress)
{
    executor_lock(batches->executor);
    while (batches->is_committing || (is_helper && !batches->has_led && !batches->is_ended)) {
        progress_pause(progress, "waiting for another worker's commit");
        executor_wait(batches->executor);
    }
    batches->is_committing = true;
    if (!is_helper) batches->has_led = true;
    executor_unlock(batches->executor);
}

void batches_end_commit(struct batches *batches)
{
    executor_lock(batches->executor);
    assert(batches->is_committing);
    batches->is_committing = false;
    executor_wake(batches->executor);
    executor_unlock(batches->executor);
}

void batches_done(struct batches *batches)
{
    executor_lock(batches->executor);
    assert(batches->loading > 0);
    batches->loading--;
    executor_wake(batches->executor);
    executor_unlock(batches->executor);
}

void batches_stop(struct batches *batches)
{
    executor_lock(batches->executor);
    batches->is_ended = true;
    executor_wake(batches->executor);
    executor_unlock(batches->executor);
}
