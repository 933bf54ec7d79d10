/* SPDX-License-Identifier: Apache-2.0 */
#include "core/estimate.h"

#include <string.h>

#include "batch_queue.h"
#include "core/plan.h"

struct estimator {
    const struct run_context *context;
    const struct selection *selection;
    const struct plan *plan;
    struct stream_estimate *out;
};

static bool count_window(const struct estimator *estimator, size_t first, size_t last,
                         struct source_count *out, struct error *err)
{
    const struct run_context *context = estimator->context;
    const struct window window =
        plan_window(&context->plan, estimator->selection->stream, estimator->plan, first, last);
    *out = (struct source_count){.records = -1, .children = -1, .requests = -1};
    if (context->stop && atomic_load(context->stop))
        return error_set(err, ERROR_STOPPED, "stopped before the end of the estimate; nothing was changed");
    progress_step(context->progress, "asking how much there is");
    return !context->source->ops->count ||
           context->source->ops->count(context->source, estimator->selection, window, out, err);
}

static int64_t add(int64_t sum, int64_t count)
{
    return sum < 0 || count < 0 ? -1 : sum + count;
}

static void add_records(struct stream_estimate *out, const struct source_count *count)
{
    out->is_exact = out->is_exact && count->is_exact && count->records >= 0;
    out->records = add(out->records, count->records);
    out->children = add(out->children, count->children);
    out->requests_per_s = count->requests_per_s;
}

/* How many units the next window has, as batch_queue.h would cut it: without workers that help, and by
 * records instead of rows. batch: what it holds so far; zeroed here if the window begins another one. */
static size_t next_window(const struct estimator *estimator, size_t first, const struct extent *window,
                          int64_t *largest, struct extent *batch)
{
    const bool is_gap = first > 0 && plan_last_neighbour(estimator->plan, first - 1, 2) != first;
    if (window->units > *largest) *largest = window->units;
    const struct extent most = batch_queue_most(estimator->context);
    int64_t units = is_gap ? 0 : batch_queue_next_window(&most, window, *largest, batch);
    if (units > 0) return (size_t)units;
    *batch = (struct extent){0};
    return (size_t)batch_queue_next_window(&most, window, *largest, batch);
}

static struct extent extent_of(size_t units, const struct source_count *count)
{
    return (struct extent){.units = (int64_t)units,
                           .rows = count->records > 0 ? count->records : 0,
                           .requests = count->requests > 0 ? count->requests : 0};
}

/* Where the source counts more than their windows, these overlap: records are counted for all of the units
 * that follow each other. */
static bool add_windows(const struct estimator *estimator, struct error *err)
{
    const struct plan *plan = estimator->plan;
    struct stream_estimate *out = estimator->out;
    struct extent window = {0}, batch = {0};
    int64_t largest = 0;
    for (size_t first = 0, span = 0, last; first < plan->unit_count; first = last + 1) {
        struct source_count count;
        last = plan_last_neighbour(plan, first, next_window(estimator, first, &window, &largest, &batch));
        if (!count_window(estimator, first, last, &count, err)) return false;
        if (batch.units == 0) out->batches++;
        out->requests = add(out->requests, count.requests);
        window = extent_of(last - first + 1, &count);
        extent_add(&batch, &window);
        const bool ends_span = plan_last_neighbour(plan, last, 2) == last;
        if (!count.is_exact && !ends_span) continue;
        if (!count.is_exact && span < first && !count_window(estimator, span, last, &count, err))
            return false;
        add_records(out, &count);
        span = last + 1;
    }
    return true;
}

static bool estimate_stream(const struct run_context *context, const struct request *request, size_t index,
                            struct stream_estimate *out, struct error *err)
{
    struct state state = {0};
    struct plan plan = {.units = NULL};
    const struct selection *selection = request->selections[index];
    const struct estimator estimator = {
        .context = context, .selection = selection, .plan = &plan, .out = out};
    *out = (struct stream_estimate){
        .stream = selection->stream->name, .tables = (int64_t)selection->table_count, .is_exact = true};
    progress_step(context->progress, "looking at the state");
    bool done =
        context->warehouse->ops->peek(context->warehouse, selection, context->identity, &state, err) &&
        plan_make(&context->plan, selection->stream, &state, request, INT64_MAX, &plan, err);
    out->is_first = state.day_count == 0 && !state.any_open_run;
    out->satisfied = plan.satisfied;
    out->skipped = plan.skipped;
    out->units = (int64_t)plan.unit_count;
    if (plan.unit_count > 0) {
        out->from = plan.units[0].lo;
        out->to = plan.units[plan.unit_count - 1].hi;
    }
    done = done && add_windows(&estimator, err);
    plan_done(&plan);
    state_done(&state);
    return done;
}

bool estimate_request(const struct run_context *context, const struct request *request,
                      struct request_estimate *out_estimate, struct error *err)
{
    out_estimate->count = 0;
    for (size_t i = 0; i < request->count; i++) {
        struct stream_estimate *stream = &out_estimate->streams[out_estimate->count++];
        struct error failure = {.kind = ERROR_NONE};
        if (estimate_stream(context, request, i, stream, &failure)) continue;
        stream->records = stream->children = stream->requests = -1;
        stream->forbidden = failure.kind == ERROR_FORBIDDEN;
        stream->error = failure;
        if (stream->forbidden || error_rules[failure.kind].stream_only) continue;
        *err = failure;
        return false;
    }
    return true;
}
