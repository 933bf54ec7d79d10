/* SPDX-License-Identifier: Apache-2.0 */
#include "batch_queue.h"

#include <assert.h>

#define GROWTH 4 /* a window is at most so many times as long as the largest before it */

static int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void extent_add(struct extent *sum, const struct extent *more)
{
    sum->units += more->units;
    sum->rows += more->rows;
    sum->requests += more->requests;
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

struct extent batch_queue_most(const struct run_context *context)
{
    if (context->batch.units > 0) return context->batch;
    return (struct extent){
        .units = LIMIT_BATCH_UNITS, .rows = LIMIT_BATCH_ROWS, .requests = LIMIT_BATCH_REQUESTS};
}

int64_t batch_queue_next_window(const struct extent *most, const struct extent *window, int64_t largest,
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
bool batch_queue_has_work(const struct batch_queue *queue)
{
    const struct extent none = {0};
    if (queue->is_ended || queue->window.units == 0) return false; /* none was read, or it is not open yet */
    const size_t end = closed_end(queue->plan);
    return queue->next < end &&
           (int64_t)(end - queue->next) > count_more(&queue->most, &queue->window, &none);
}

/* At most so many units from `next` on, without a gap, and without the open one while others are loaded.
 * others: batches under way, but for the one that is to get them. */
static size_t cut(const struct batch_queue *queue, int64_t units, size_t others)
{
    const struct plan *plan = queue->plan;
    const size_t end = plan_last_neighbour(plan, queue->next, (size_t)units) + 1, closed = closed_end(plan);
    return others > 0 && end > closed ? closed : end;
}

void batch_queue_open(struct batch_queue *queue, const struct run_context *context, const struct plan *plan)
{
    executor_lock(context->executor);
    *queue =
        (struct batch_queue){.executor = context->executor, .plan = plan, .most = batch_queue_most(context)};
    executor_unlock(context->executor);
}

static void wait(struct batch_queue *queue, struct progress *progress, const char *why)
{
    progress_pause(progress, why);
    executor_wait(queue->executor);
}

void batch_queue_close(struct batch_queue *queue, struct progress *progress)
{
    executor_lock(queue->executor);
    queue->is_ended = true;
    while (queue->helpers > 0)
        wait(queue, progress, "waiting for the other workers of the stream");
    executor_unlock(queue->executor);
}

void batch_queue_join(struct batch_queue *queue)
{
    queue->helpers++;
}

void batch_queue_leave(struct batch_queue *queue)
{
    executor_lock(queue->executor);
    queue->helpers--;
    executor_wake(queue->executor);
    executor_unlock(queue->executor);
}

static void take(struct batch_queue *queue, size_t end, struct unit_range *out_batch)
{
    *out_batch = (struct unit_range){.first = queue->next, .end = end};
    queue->next = end;
    queue->loading++;
}

bool batch_queue_take(struct batch_queue *queue, bool is_helper, struct progress *progress,
                      struct unit_range *out_batch)
{
    const struct plan *plan = queue->plan;
    const struct extent none = {0};
    bool taken = false;
    executor_lock(queue->executor);
    while (!taken && !queue->is_ended && queue->next < plan->unit_count &&
           (!is_helper || batch_queue_has_work(queue))) {
        const int64_t units = batch_queue_next_window(&queue->most, &queue->window, queue->largest, &none);
        const size_t end = cut(queue, units, queue->loading);
        taken = end > queue->next;
        if (taken)
            take(queue, end, out_batch);
        else
            wait(queue, progress, "waiting for the other workers of the stream");
    }
    executor_unlock(queue->executor);
    return taken;
}

bool batch_queue_extend(struct batch_queue *queue, const struct extent *window, const struct extent *extent,
                        struct unit_range *batch)
{
    const struct plan *plan = queue->plan;
    executor_lock(queue->executor);
    queue->window = *window;
    if (window->units > queue->largest) queue->largest = window->units;
    const int64_t units = batch_queue_next_window(&queue->most, window, queue->largest, extent);
    const bool can_extend = units > 0 && !queue->is_ended && batch->end == queue->next &&
                            batch->end < plan->unit_count &&
                            plan_last_neighbour(plan, batch->end - 1, 2) == batch->end;
    if (can_extend) queue->next = cut(queue, units, queue->loading - 1);
    const bool is_extended = can_extend && queue->next > batch->end;
    if (is_extended) batch->end = queue->next;
    executor_wake(queue->executor); /* there may be work for helpers now */
    executor_unlock(queue->executor);
    return is_extended;
}

void batch_queue_begin_commit(struct batch_queue *queue, bool is_helper, struct progress *progress)
{
    executor_lock(queue->executor);
    while (queue->is_committing || (is_helper && !queue->has_led && !queue->is_ended))
        wait(queue, progress, "waiting for another worker's commit");
    queue->is_committing = true;
    if (!is_helper) queue->has_led = true;
    executor_unlock(queue->executor);
}

void batch_queue_end_commit(struct batch_queue *queue)
{
    executor_lock(queue->executor);
    assert(queue->is_committing);
    queue->is_committing = false;
    executor_wake(queue->executor);
    executor_unlock(queue->executor);
}

void batch_queue_end_batch(struct batch_queue *queue)
{
    executor_lock(queue->executor);
    assert(queue->loading > 0);
    queue->loading--;
    executor_wake(queue->executor);
    executor_unlock(queue->executor);
}

void batch_queue_stop(struct batch_queue *queue)
{
    executor_lock(queue->executor);
    queue->is_ended = true;
    executor_wake(queue->executor);
    executor_unlock(queue->executor);
}
