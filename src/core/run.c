/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - one stream of a request: prepare, state, plan, then its batches, oldest first.
 *
 * Coverage is per day and lives in the warehouse: a run that ends early costs time, never rows.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run_report.h"
#include "stream_run.h"

/* By the clock of the pages. A commit may have waited for hours since the last page. */
static int64_t newest_us(const struct stream_run *run)
{
    int64_t now_us = clock_boot_us();
    return now_us > run->asked_us ? now_us : run->asked_us;
}

/* One that ends the run counts before one that ends the stream, and that before one after which others were
 * loaded. */
static int weigh(const struct error *failure, bool can_continue)
{
    if (failure->kind == ERROR_NONE) return 0;
    if (can_continue) return 1;
    if (failure->kind == ERROR_STOPPED) return 2; /* because of another, most often */
    return error_rules[failure->kind].stream_only ? 3 : 4;
}

void stream_share_fail(struct stream_share *share, const struct error *failure, bool can_continue)
{
    executor_lock(share->queue.executor);
    if (weigh(failure, can_continue) > weigh(&share->failure, !share->is_over)) share->failure = *failure;
    share->is_over = share->is_over || !can_continue;
    executor_unlock(share->queue.executor);
    if (!can_continue) batch_queue_stop(&share->queue);
}

static void load_batches(struct stream_run *run)
{
    struct batch_queue *queue = &run->share->queue;
    struct unit_range units;
    bool done = true;
    while (done && batch_queue_take(queue, run->is_helper, run->context->progress, &units)) {
        done = batch_load(run, units);
        batch_queue_end_batch(queue);
    }
}

/* Adds the work of a helper. */
static void add_result(struct stream_result *result, const struct stream_result *helped)
{
    result->units += helped->units;
    result->requests += helped->requests;
    result->fetched += helped->fetched;
    result->inserted += helped->inserted;
    result->content_changes += helped->content_changes;
    result->known += helped->known;
    result->rejected += helped->rejected;
    result->type_mismatches += helped->type_mismatches;
    result->deleted_during_read += helped->deleted_during_read;
    result->incomplete += helped->incomplete;
    result->stale += helped->stale;
    result->normalisations += helped->normalisations;
    result->bytes += helped->bytes;
    result->future_rows += helped->future_rows;
    if (helped->newest_us > result->newest_us) result->newest_us = helped->newest_us;
    if (!*result->rejected_ids) memcpy(result->rejected_ids, helped->rejected_ids, LIMIT_REJECTED_IDS);
    for (int i = 0; i < COVERAGE_DAYS; i++)
        if (helped->coverage.rejected[i]) result->coverage.rejected[i] = true;
}

/* Loads the plan's batches, with those who help. */
static bool lead(struct stream_run *run, struct error *err)
{
    struct stream_share *share = run->share;
    const struct plan *plan = &share->plan;
    if (plan->unit_count > 0) {
        run->result->has_units = true;
        run->result->from = plan->units[0].lo;
        run->result->to = plan->units[plan->unit_count - 1].hi;
    }
    batch_queue_open(&share->queue, run->context, plan);
    load_batches(run);
    batch_queue_close(&share->queue, run->context->progress);
    add_result(run->result, &share->helped);
    if (share->failure.kind != ERROR_NONE) *err = share->failure;
    return share->failure.kind == ERROR_NONE;
}

static bool load_stream(struct stream_run *run, struct request_states *states, size_t index,
                        struct error *err)
{
    const struct run_context *context = run->context;
    const struct request *request = states->request;
    struct warehouse *warehouse = context->warehouse;
    struct stream_share *share = run->share;
    if (!stream_run_check_cancelled(context, err) ||
        !request_states_take(states, context, index, newest_us(run), &share->state, err))
        return false;
    if (!stream_run_check_lacks(run, err)) return false;
    if (!plan_make(&context->plan, run->selection->stream, &share->state, request, run->trigger->published_us,
                   &share->plan, err))
        return false;
    run->result->satisfied = share->plan.satisfied;
    run->result->skipped = share->plan.skipped;
    if (share->plan.skipped) return true;
    if (!lead(run, err)) return false;
    progress_step(context->progress, "refreshing views and derived tables");
    return warehouse->ops->refresh(warehouse, run->selection, err);
}

static bool is_claimed(const struct plan *plan, struct day day)
{
    for (size_t i = 0; i < plan->unit_count; i++)
        if (day_compare(day, plan->units[i].lo) >= 0 && day_compare(day, plan->units[i].claim_hi) <= 0)
            return true;
    return false;
}

/* The days of the state, and those that were loaded since. */
static void note_coverage(struct stream_run *run, bool is_done)
{
    struct coverage *coverage = &run->result->coverage;
    coverage->today = run->share->plan.today;
    coverage->is_known = run->share->state.now_us > 0 && stream_claims_days(run->selection->stream);
    for (int i = 0; coverage->is_known && i < COVERAGE_DAYS; i++) {
        struct day day = day_add(coverage->today, -i);
        struct day_state known = state_day(&run->share->state, day);
        coverage->loaded[i] = plan_covered(&run->share->state, &known.newest, known.held) ||
                              (is_done && is_claimed(&run->share->plan, day));
    }
}

/* Days that somebody named, and that hold nothing. A tick may well find nothing new. */
static bool is_empty_range(const struct stream_run *run, const struct request *request)
{
    return (request->has_from || request->has_to) && run->result->has_units &&
           run->result->fetched + run->result->rejected == 0 && stream_claims_days(run->selection->stream);
}

static void init(struct stream_run *run)
{
    buf_init(&run->row, LIMIT_ROW);
    for (size_t i = 0; i < run->selection->table_count; i++)
        run->projections[i] = projection_new(run->selection->tables[i]);
}

static void clean_up(struct stream_run *run)
{
    stream_run_close_reader(run);
    buf_done(&run->row);
    for (size_t i = 0; i < run->selection->table_count; i++)
        projection_free(&run->projections[i]);
}

static void report(const struct stream_run *run)
{
    struct stream_result *result = run->result;
    result->ended_us = clock_boot_us();
    result->seconds = (double)(result->ended_us - result->began_us) / 1000000;
    run_report_stream(result, run->trigger);
    if (result->rejected > 0) run_report_rejected(result, run->trigger, run->context->control);
}

bool stream_run_load(const struct run_context *context, struct request_states *states, size_t index,
                     const struct run_trigger *trigger, struct stream_share *share, int64_t *asked_us,
                     struct stream_result *result)
{
    struct stream_run run = {.context = context,
                             .selection = states->request->selections[index],
                             .trigger = trigger,
                             .share = share,
                             .result = result,
                             .asked_us = *asked_us};
    *result = (struct stream_result){.stream = run.selection->stream->name,
                                     .is_implied = run.selection->stream->kind == STREAM_RECONCILE,
                                     .began_us = clock_boot_us()};
    init(&run);
    bool done = load_stream(&run, states, index, &result->error);
    *asked_us = run.asked_us;
    if (done) {
        result->error = (struct error){.kind = ERROR_NONE}; /* of a failure that was mended on the way */
        result->fresh_us = share->plan.fresh_us;
    }
    result->is_empty = done && is_empty_range(&run, states->request);
    note_coverage(&run, done);
    if (!done) error_wrap(&result->error, "%s", result->stream);
    if (!done && result->error.kind == ERROR_FORBIDDEN) done = result->forbidden = true;
    report(&run);
    clean_up(&run);
    plan_done(&share->plan);
    state_done(&share->state);
    return done;
}

enum error_kind stream_run_help(const struct run_context *context, const struct selection *selection,
                                const struct run_trigger *trigger, struct stream_share *share,
                                int64_t *asked_us)
{
    struct stream_result result = {.stream = selection->stream->name};
    struct stream_run run = {.context = context,
                             .selection = selection,
                             .trigger = trigger,
                             .share = share,
                             .is_helper = true,
                             .result = &result,
                             .asked_us = *asked_us};
    init(&run);
    load_batches(&run);
    clean_up(&run);
    *asked_us = run.asked_us;
    executor_lock(context->executor);
    add_result(&share->helped, &result);
    const enum error_kind kind = share->is_over ? share->failure.kind : ERROR_NONE;
    executor_unlock(context->executor);
    batch_queue_leave(&share->queue);
    return kind;
}
