/* SPDX-License-Identifier: Apache-2.0 */
/* tasks.c - the streams of a request, on several workers.
 *
 * A group is streams that depend on each other: they write a common table, hold a common lock, or a view or
 * derived table of one is made of another's. One worker loads a group, in the order of the catalog; so does a
 * feed of deletions come before its subject, and a reconciliation after it, and never do two of them share
 * what the source allows once (Intercom's scroll of companies). Groups do not depend on each other, so any
 * order of them is right.
 *
 * A worker that finds no group left helps with the batches of a stream that others load; see batch_queue.h.
 *
 * The tables are prepared in groups, too. The states of all streams are read before the first group is
 * loaded. No group changes another's, so a state is never older than what its own group committed before this
 * request.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "request_states.h"
#include "stream_run.h"

struct tasks {
    const struct run_context *context; /* of the first worker */
    struct request_states *states;
    const struct run_trigger *trigger;
    struct stream_result *results; /* of each selection */
    struct stream_share *shares;   /* the same */
    size_t group[LIMIT_STREAMS];
    bool was_run[LIMIT_STREAMS];
    size_t workers;        /* that work now */
    size_t next;           /* the first selection that is not taken; under the executor's lock */
    size_t loading;        /* workers that load groups; the same */
    atomic_bool is_failed; /* nothing else is to begin */
};

/* Are the rows of the table shown together with those of the other? */
static bool is_shown_with(const struct table *table, const struct table *other)
{
    return table == other || table->gone == other || table->owner == other || table->parent == other;
}

static bool depend(const struct selection *a, const struct selection *b)
{
    if (strcmp(stream_lock(a->stream), stream_lock(b->stream)) == 0) return true;
    for (size_t i = 0; i < a->table_count; i++)
        for (size_t k = 0; k < b->table_count; k++)
            if (is_shown_with(a->tables[i], b->tables[k]) || is_shown_with(b->tables[k], a->tables[i]))
                return true;
    return false;
}

void run_groups(const struct request *request, size_t out_groups[LIMIT_STREAMS])
{
    for (size_t i = 0; i < request->count; i++) {
        out_groups[i] = i;
        for (size_t k = 0; k < i; k++) {
            if (out_groups[k] == out_groups[i] || !depend(request->selections[i], request->selections[k]))
                continue;
            const size_t a = out_groups[i], b = out_groups[k], first = a < b ? a : b;
            for (size_t m = 0; m <= i; m++)
                if (out_groups[m] == a || out_groups[m] == b) out_groups[m] = first;
        }
    }
}

/* All of the executor's, unless there is one group, whose streams have one batch each if any: for one worker
 * no threads are started, and nothing is copied. */
static size_t count_workers(const struct tasks *tasks, bool has_batches)
{
    const struct executor *executor = tasks->context->executor;
    const struct request *request = tasks->states->request;
    for (size_t i = 0; executor && i < request->count; i++) {
        const bool has_units = stream_is_windowed(request->selections[i]->stream);
        if (tasks->group[i] != tasks->group[0] || (has_batches && has_units)) return executor->workers;
    }
    return 1;
}

static struct run_context context_of(const struct tasks *tasks, size_t worker)
{
    struct run_context context = *tasks->context;
    context.is_failed = &tasks->is_failed;
    if (worker == 0) return context;
    const struct connection *connection = &context.others[worker - 1];
    context.source = connection->source;
    context.warehouse = connection->warehouse;
    context.progress = connection->progress;
    return context;
}

/* The next group that is not taken, in the order of the catalog. */
static bool take_group(struct tasks *tasks, size_t *out_group)
{
    struct executor *executor = tasks->context->executor;
    const size_t count = tasks->states->request->count;
    if (atomic_load(&tasks->is_failed)) return false;
    executor_lock(executor);
    while (tasks->next < count && tasks->group[tasks->next] != tasks->next)
        tasks->next++;
    *out_group = tasks->next;
    if (tasks->next < count) tasks->next++;
    executor_unlock(executor);
    return *out_group < count;
}

static void load_group(struct tasks *tasks, const struct run_context *context, size_t group,
                       int64_t *asked_us)
{
    const struct request *request = tasks->states->request;
    for (size_t i = group; i < request->count && !atomic_load(&tasks->is_failed); i++) {
        struct stream_result *result = &tasks->results[i];
        if (tasks->group[i] != group) continue;
        tasks->was_run[i] = true;
        progress_stream(context->progress, request->selections[i]->stream->name, false);
        if (!stream_run_load(context, tasks->states, i, tasks->trigger, &tasks->shares[i], asked_us,
                             result) &&
            !error_rules[result->error.kind].stream_only)
            atomic_store(&tasks->is_failed, true);
        progress_stream_done(context->progress);
    }
}

/* The stream with batches for a helper that has the fewest workers. With the lock. */
static struct stream_share *find_work(const struct tasks *tasks)
{
    struct stream_share *best = NULL;
    for (size_t i = 0; i < tasks->states->request->count; i++) {
        struct stream_share *share = &tasks->shares[i];
        if (batch_queue_has_work(&share->queue) && (!best || share->queue.helpers < best->queue.helpers))
            best = share;
    }
    return best;
}

/* Waits until a stream has work for a helper, which joins it; NULL: none will have any. */
static struct stream_share *join_stream(struct tasks *tasks, struct progress *progress)
{
    struct executor *executor = tasks->context->executor;
    struct stream_share *share = NULL;
    executor_lock(executor);
    while (!atomic_load(&tasks->is_failed) && !(share = find_work(tasks)) && tasks->loading > 0) {
        progress_rest(progress);
        executor_wait(executor);
    }
    if (share) batch_queue_join(&share->queue);
    executor_unlock(executor);
    return share;
}

static void help_others(struct tasks *tasks, const struct run_context *context, int64_t *asked_us)
{
    struct stream_share *share;
    while ((share = join_stream(tasks, context->progress))) {
        const struct selection *selection = tasks->states->request->selections[share - tasks->shares];
        progress_stream(context->progress, selection->stream->name, true);
        const enum error_kind failure = stream_run_help(context, selection, tasks->trigger, share, asked_us);
        if (failure != ERROR_NONE && !error_rules[failure].stream_only) atomic_store(&tasks->is_failed, true);
    }
}

static void prepare_group(struct tasks *tasks, const struct run_context *context, size_t group)
{
    for (size_t i = group; i < tasks->states->request->count && !atomic_load(&tasks->is_failed); i++)
        if (tasks->group[i] == group && !request_states_prepare(tasks->states, context, i))
            atomic_store(&tasks->is_failed, true);
}

static void prepare(void *self, size_t worker)
{
    struct tasks *tasks = self;
    const struct run_context context = context_of(tasks, worker);
    size_t group;
    while (take_group(tasks, &group))
        prepare_group(tasks, &context, group);
    progress_rest(context.progress);
}

static void load(void *self, size_t worker)
{
    struct tasks *tasks = self;
    const struct run_context context = context_of(tasks, worker);
    int64_t asked_us = 0; /* when the newest page of this worker was asked for */
    size_t group;
    while (take_group(tasks, &group))
        load_group(tasks, &context, group, &asked_us);
    executor_lock(context.executor);
    tasks->loading--;
    executor_wake(context.executor);
    executor_unlock(context.executor);
    help_others(tasks, &context, &asked_us);
    progress_rest(context.progress);
}

/* The others know what the first worker's source and warehouse know; after the run the other way round. */
static void share(const struct tasks *tasks, bool is_begin)
{
    const struct run_context *context = tasks->context;
    const struct warehouse_ops *ops = context->warehouse->ops;
    const struct source_ops *source_ops = context->source->ops;
    for (size_t i = 1; i < tasks->workers; i++) {
        if (source_ops->share) source_ops->share(context->source, context->others[i - 1].source);
        struct warehouse *other = context->others[i - 1].warehouse;
        other->run_id = is_begin ? context->warehouse->run_id : NULL;
        if (!ops->share) continue;
        if (is_begin)
            ops->share(context->warehouse, other);
        else
            ops->take_back(context->warehouse, other);
    }
}

/* Of a stream that was not just forbidden. One that ends the run counts before the others, and the reason
 * before those that it stopped. */
static const struct error *find_failure(const struct tasks *tasks)
{
    const atomic_bool *stop = tasks->context->stop;
    const bool is_stopped = stop && atomic_load(stop);
    const struct error *first = NULL, *stopped = NULL;
    for (size_t i = 0; i < tasks->states->request->count; i++) {
        const struct stream_result *result = &tasks->results[i];
        const struct error *failure = &result->error;
        if (!tasks->was_run[i] || failure->kind == ERROR_NONE || result->forbidden) continue;
        const struct error **slot = failure->kind == ERROR_STOPPED ? &stopped : &first;
        if (!error_rules[failure->kind].stream_only && (is_stopped || failure->kind != ERROR_STOPPED))
            return failure;
        if (!*slot) *slot = failure;
    }
    return stopped ? stopped : first;
}

/* The results of the streams that were begun, in the order of the catalog. */
static void close_report(const struct tasks *tasks, struct run_report *report)
{
    report->count = 0;
    for (size_t i = 0; i < tasks->states->request->count; i++) {
        if (!tasks->was_run[i]) continue;
        if (report->count != i) report->streams[report->count] = report->streams[i];
        report->count++;
    }
}

/* done: nothing has failed before. */
static bool settle(const struct run_context *context, bool done, struct error *err)
{
    const struct warehouse_ops *ops = context->warehouse->ops;
    struct error failure = {0};
    progress_step(context->progress, "settling the run");
    if (!ops->settle || ops->settle(context->warehouse, &failure)) return done;
    if (done) *err = failure;
    return false;
}

/* has_batches: the work is in batches, of which a stream may have several. */
static void run_workers(struct tasks *tasks, void (*work)(void *context, size_t worker), bool has_batches)
{
    const struct run_context *context = tasks->context;
    tasks->next = 0;
    tasks->loading = tasks->workers = count_workers(tasks, has_batches);
    atomic_store(&tasks->is_failed, false);
    share(tasks, true);
    if (tasks->workers > 1)
        context->executor->ops->run(context->executor, work, tasks);
    else
        work(tasks, 0);
    share(tasks, false);
}

/* The first stream also makes the tables that all have in common. The streams before one that can't be
 * prepared are loaded. */
static void read_states(struct tasks *tasks)
{
    const atomic_bool *stop = tasks->context->stop;
    if (stop && atomic_load(stop)) return;
    if (request_states_prepare(tasks->states, tasks->context, 0)) run_workers(tasks, prepare, false);
    request_states_read(tasks->states);
}

bool run_request(const struct run_context *context, const struct request *request,
                 const struct run_trigger *trigger, struct run_report *out_report, struct error *err)
{
    struct request_states states;
    struct tasks tasks = {
        .context = context, .states = &states, .trigger = trigger, .results = out_report->streams};
    request_states_init(&states, context, request, trigger->message_id);
    run_groups(request, tasks.group);
    tasks.shares = mem_zero(request->count + 1, sizeof *tasks.shares);
    context->warehouse->run_id = trigger->run_id;
    progress_run(context->progress, (long long)request->count);
    if (request->count > 0) read_states(&tasks);
    run_workers(&tasks, load, true);
    const struct error *failure = find_failure(&tasks);
    if (failure) *err = *failure;
    close_report(&tasks, out_report);
    bool done = settle(context, !failure, err);
    request_states_done(&states);
    free(tasks.shares);
    context->warehouse->run_id = NULL;
    return done;
}
