/* SPDX-License-Identifier: Apache-2.0 */
/* batch.c - one batch of a stream: fetch, rows, stage, commit.
 *
 * Its units share one load and one ledger row, and nothing is claimed before all of their readers have ended.
 * If something went wrong in one of its windows, the batch is read again: what was good as one, and the units
 * of that window one by one, so that the others are claimed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "run_report.h"
#include "stream_run.h"

static size_t count_units(const struct unit_range *units)
{
    return units->end - units->first;
}

/* Its units as one. */
static struct unit joined_unit(const struct batch *batch)
{
    const struct plan *plan = &batch->run->share->plan;
    struct unit unit = plan->units[batch->units.end - 1];
    unit.lo = plan->units[batch->units.first].lo;
    return unit;
}

bool stream_run_check_cancelled(const struct run_context *context, struct error *err)
{
    if (context->is_failed && atomic_load(context->is_failed))
        return error_set(err, ERROR_STOPPED,
                         "stopped, because another stream has failed in a way that ends the run");
    if (!context->stop || !atomic_load(context->stop)) return true;
    return error_set(
        err, ERROR_STOPPED,
        "the run was cancelled before its end: its message will be redelivered and the work continues");
}

/* at_us: the record's version, 0 if it is unknown. */
static void exclude_day(struct batch *batch, int64_t at_us)
{
    if (at_us > 0)
        unit_claim_exclude(&batch->claim, zone_day(batch->run->context->plan.zone, at_us / 1000000));
    else
        batch->claim.claims_nothing = true;
}

static void note_rejected_day(struct stream_run *run, int64_t at_us)
{
    if (at_us <= 0) return;
    int index = run->share->plan.today.n - zone_day(run->context->plan.zone, at_us / 1000000).n;
    if (index >= 0 && index < COVERAGE_DAYS) run->result->coverage.rejected[index] = true;
}

static bool reject_record(struct batch *batch, const struct record *record, const char *id,
                          const char *reason, struct error *err)
{
    struct stream_run *run = batch->run;
    struct warehouse *warehouse = run->context->warehouse;
    if (record->table == 0) (void)snprintf(batch->parent_id, LIMIT_NAME, "%s", id);
    if (record->table > 0 && !*id) id = batch->parent_id; /* a child that can't be read */
    unit_claim_add_reject(&batch->claim, id);
    if (run->context->progress) atomic_fetch_add(&run->context->progress->rejected, 1);
    note_rejected_day(run, record->listed_us);
    if (run->selection->stream->kind == STREAM_RECONCILE)
        run_report_kept(run->result->stream, run->trigger, id, reason);
    /* A scan claims no days; it requests the children of rejected records again. */
    if (record->is_unsettled && (record->table == 0 || run->selection->stream->kind != STREAM_SCAN))
        exclude_day(batch, record->listed_us);
    int64_t most = run->context->max_rejected > 0 ? run->context->max_rejected : 1;
    if (batch->claim.rejected > most * LIMIT_REJECTS_FACTOR) {
        batch->is_given_up = true;
        return error_set(err, ERROR_FORMAT, "%s", reason);
    }
    AUTO(buf_done) struct buf text = buf_limited(LIMIT_REJECT);
    if (record->problem && value_is_string(record->body))
        buf_add(&text, record->body->text, record->body->size);
    else
        value_write(&text, record->body);
    return warehouse->ops->reject(batch->load,
                                  &(struct reject){.id = id,
                                                   .reason = reason,
                                                   .is_unsettled = record->is_unsettled,
                                                   .record = buf_string(&text),
                                                   .record_size = text.size},
                                  err);
}

/* The exact comparison: the source may send more than the window. */
static bool in_window(const struct stream_run *run, const struct window *window,
                      const struct row_facts *facts)
{
    switch (run->selection->stream->kind) {
    case STREAM_INCREMENTAL:
    case STREAM_EVENT:
        return facts->version_us >= window->from_s * 1000000 &&
               (window->to_s == WINDOW_OPEN || facts->version_us < window->to_s * 1000000);
    case STREAM_SCAN:
    case STREAM_SNAPSHOT:
    case STREAM_RECONCILE: return true;
    }
    abort();
}

/* The warehouse's clock when the record's page was asked for: never later than the reading, and earlier by
 * the time that the state's answer travelled. */
static int64_t read_us(const struct stream_run *run)
{
    int64_t asked_us = run->page.asked_us;
    return asked_us > run->share->state.answered_us
               ? run->share->state.now_us + (asked_us - run->share->state.answered_us)
               : run->share->state.now_us;
}

/* The record's content, if it is compared at all; else NULL. */
static const struct json_value *content_of(const struct selection *selection, const struct record *record)
{
    if (!selection->tables[record->table]->keeps_contents || selection->ignores_contents[record->table] ||
        record->incomplete)
        return NULL;
    return record->set ? record->set : record->body;
}

static bool take_record(struct batch *batch, const struct record *record, struct error *err)
{
    struct stream_run *run = batch->run;
    const struct run_context *context = run->context;
    const struct table *table = run->selection->tables[record->table];
    struct row_facts facts;
    if (record->table > 0 && !batch->keep_children) return true;
    if (record->table == 0)
        batch->keep_children = true; /* also of a rejected parent: its children are not lost with it */
    if (record->problem) {
        AUTO(value_drop) struct json_value *front = record_front(record->body);
        row_id(table, front, facts.id);
        return reject_record(batch, record, facts.id, record->problem, err);
    }
    enum row_outcome outcome = row_build(table, record->body,
                                         &(struct row_context){.zone = context->plan.zone,
                                                               .today = run->share->plan.today,
                                                               .sequence = run->sequence,
                                                               .read_us = read_us(run),
                                                               .content = content_of(run->selection, record),
                                                               .projection = run->projections[record->table]},
                                         &run->row, &facts);
    if (outcome == ROW_REJECTED) return reject_record(batch, record, facts.id, facts.problem, err);
    if (record->table == 0) {
        memcpy(batch->parent_id, facts.id, sizeof facts.id);
        batch->keep_children = in_window(run, &batch->window, &facts);
        if (!batch->keep_children) return true;
        batch->fetched++;
    }
    if (record->is_unsettled) exclude_day(batch, facts.version_us);
    if (batch->is_comparable)
        unit_digest_add(&batch->digest, run->selection, record->table, record->body, &facts);
    run->sequence++;
    batch->rows++;
    batch->taken[record->table]++;
    run->result->bytes += (int64_t)run->row.size;
    run->result->type_mismatches += facts.type_mismatches;
    if (record->table == 0 && facts.version_us > run->result->newest_us &&
        day_compare(facts.day, run->share->plan.today) <= 0)
        run->result->newest_us = facts.version_us;
    if (day_compare(facts.day, run->share->plan.today) > 0) run->result->future_rows++;
    return context->warehouse->ops->write(batch->load, record->table, run->row.data, run->row.size, err);
}

void stream_run_close_reader(struct stream_run *run)
{
    if (run->reader) run->context->source->ops->close(run->reader);
    run->reader = NULL;
    run->page = (struct page){0};
}

static void note_contradiction(struct stream_run *run, const struct page *page)
{
    if (!page->is_contradicted) return;
    run->is_contradicted = true;
    run->expected = page->expected;
    run->received = page->received;
}

static bool next_page(struct stream_run *run, struct error *err)
{
    const struct run_context *context = run->context;
    struct page *page = &run->page;
    if (!stream_run_check_cancelled(context, err)) return false;
    progress_step(context->progress, "fetching a page");
    if (!context->source->ops->next(run->reader, page, err)) return false;
    if (page->asked_us > run->asked_us) run->asked_us = page->asked_us;
    run->result->requests += page->requests;
    progress_page(context->progress, (long long)page->count, page->requests);
    run->result->deleted_during_read += page->deleted_during_read;
    run->result->incomplete += page->incomplete;
    run->result->stale += page->stale;
    if (page->left_out) run->left_out = page->left_out;
    if (page->notice) run_report_notice(run->selection->stream, run->trigger, page->notice);
    note_contradiction(run, page);
    run->result->normalisations += page->normalisations;
    return true;
}

bool batch_take_pages(struct batch *batch, struct error *err)
{
    const struct page *page = &batch->run->page;
    do {
        if (!next_page(batch->run, err)) return false;
        for (size_t i = 0; i < page->count; i++)
            if (!take_record(batch, &page->records[i], err)) return false;
    } while (!page->last);
    return true;
}

static bool open_reader(struct batch *batch, struct error *err)
{
    struct stream_run *run = batch->run;
    const struct run_context *context = run->context;
    run->is_contradicted = false;
    return context->source->ops->open(context->source, run->selection, batch->window, &run->reader, err);
}

static bool fetch_window(struct batch *batch, struct error *err)
{
    struct stream_run *run = batch->run;
    bool done = open_reader(batch, err) && batch_take_pages(batch, err);
    if (done && run->selection->stream->kind == STREAM_RECONCILE && batch->rows + batch->claim.rejected > 0 &&
        !batch->claim.has_unnamed_reject)
        done = batch_fetch_missing(batch, err);
    stream_run_close_reader(run);
    return done;
}

/* A unit with rejects, or one that is not claimed, is read again. */
static void compare_fetch(const struct batch *batch, struct commit *commit)
{
    const struct stream_run *run = batch->run;
    const bool is_all = count_units(&batch->units) == run->share->plan.unit_count;
    if (commit->is_incomplete || batch->claim.rejected > 0 || !batch->is_comparable || !is_all) return;
    commit->digest = unit_digest_end(&batch->digest, commit);
    commit->same_as_us =
        unit_digest_same_commit(&run->share->state, run->selection->stream, &commit->unit, commit->digest);
}

/* The open unit, which comes last, is the proof that all of the plan was read. */
static void note_gap(struct stream_share *share, struct commit *commit)
{
    executor_lock(share->queue.executor);
    share->has_gap = share->has_gap || commit->is_incomplete;
    commit->is_incomplete = commit->is_incomplete || (commit->unit.open && share->has_gap);
    executor_unlock(share->queue.executor);
}

static struct commit make_commit(const struct batch *batch)
{
    const struct stream_run *run = batch->run;
    struct commit commit = {
        .unit = joined_unit(batch),
        .began_us = run->share->state.now_us,
        .run_id = run->trigger->run_id,
        .message_id = run->trigger->message_id,
        .fetched = batch->fetched,
        .confirms_missing = run->confirms_missing,
    };
    unit_claim_apply(&batch->claim, &commit);
    note_gap(run->share, &commit);
    stream_run_note_children(run, &commit);
    compare_fetch(batch, &commit);
    return commit;
}

static void count_committed(const struct batch *batch, const struct committed *committed)
{
    struct stream_run *run = batch->run;
    struct stream_result *result = run->result;
    for (size_t i = 0; i < run->selection->table_count; i++)
        result->inserted += committed->inserted[i];
    result->content_changes += committed->content_changes;
    result->known += batch->fetched - (committed->inserted[0] - committed->content_changes);
    result->rejected += committed->rejected;
    if (committed->refused_contents > 0) run_report_refused_contents(result->stream, run->trigger, committed);
    if (committed->rejected > 0 && !*result->rejected_ids)
        memcpy(result->rejected_ids, batch->claim.ids, LIMIT_REJECTED_IDS);
    result->fetched += batch->fetched;
}

/* Not while others wait for the commit. The load has ended if this fails. */
static bool finish_load(const struct batch *batch, const struct commit *commit, struct error *err)
{
    const struct run_context *context = batch->run->context;
    const struct warehouse_ops *ops = context->warehouse->ops;
    if (commit->same_as_us != 0 || !ops->finish) return true;
    progress_step(context->progress, "bringing the rows to the warehouse");
    if (ops->finish(batch->load, err)) return true;
    ops->abort(batch->load);
    return false;
}

static bool commit_batch(const struct batch *batch, struct error *err)
{
    struct stream_run *run = batch->run;
    const struct warehouse_ops *ops = run->context->warehouse->ops;
    struct committed committed = {0};
    const struct commit commit = make_commit(batch);
    if (!finish_load(batch, &commit, err)) return false;
    batch_queue_begin_commit(&run->share->queue, run->is_helper, run->context->progress);
    progress_step(run->context->progress, "committing a unit");
    bool done = ops->commit(batch->load, &commit, &committed, err);
    batch_queue_end_commit(&run->share->queue);
    if (!done) return false;
    count_committed(batch, &committed);
    return committed.doubled == 0 ||
           run_report_doubled(run->selection->stream, run->trigger, committed.doubled, err);
}

static void log_batch(const struct batch *batch)
{
    const struct stream_run *run = batch->run;
    const struct unit unit = joined_unit(batch);
    char lo[DAY_TEXT], hi[DAY_TEXT];
    day_format(unit.lo, lo);
    day_format(unit.hi, hi);
    log_write(LOG_INFO, "unit_committed",
              LOG_FIELDS(LOG_TEXT("stream", run->result->stream), LOG_TEXT("run_id", run->trigger->run_id),
                         LOG_TEXT("from", lo), LOG_TEXT("to", hi), LOG_NUMBER("fetched", batch->fetched),
                         LOG_NUMBER("rows", batch->rows), LOG_NUMBER("rejected", batch->claim.rejected)),
              "%s %s..%s%s: %" PRId64 " records", run->result->stream, lo, hi, unit.open ? " and newer" : "",
              batch->fetched);
}

/* requests: for the window. */
static void measure_window(struct batch *batch, int64_t requests)
{
    batch->window_extent = (struct extent){.units = (int64_t)count_units(&batch->window_units),
                                           .rows = batch->rows - batch->extent.rows,
                                           .requests = requests};
    extent_add(&batch->extent, &batch->window_extent);
}

static bool read_window(struct batch *batch, struct error *err)
{
    struct stream_run *run = batch->run;
    const int64_t requests = run->result->requests;
    const struct plan *plan = &run->share->plan;
    batch->window = plan_window(&run->context->plan, run->selection->stream, plan, batch->window_units.first,
                                batch->window_units.end - 1);
    progress_units(run->context->progress, (long long)batch->window_units.first, (long long)plan->unit_count,
                   plan->units[batch->window_units.first].lo.n);
    if (!fetch_window(batch, err) && !batch->is_given_up) return false;
    if (batch->claim.rejected > run->context->max_rejected || run->is_contradicted)
        batch->claim.claims_nothing = true; /* also if it is given up: then very many were rejected */
    measure_window(batch, run->result->requests - requests);
    return stream_run_check_cancelled(run->context, err);
}

static bool extend(struct batch *batch)
{
    struct batch_queue *queue = &batch->run->share->queue;
    const size_t end = batch->units.end;
    if (!batch_queue_extend(queue, &batch->window_extent, &batch->extent, &batch->units)) return false;
    batch->window_units = (struct unit_range){.first = end, .end = batch->units.end};
    return true;
}

static bool read_windows(struct batch *batch, bool may_grow, struct error *err)
{
    do {
        if (!read_window(batch, err)) return false;
    } while (may_grow && !batch->claim.claims_nothing && extend(batch));
    return true;
}

static bool fill_load(struct batch *batch, bool may_grow, struct unit_range *out_bad, struct error *err)
{
    struct stream_run *run = batch->run;
    const struct stream_result before = *run->result;
    bool read = read_windows(batch, may_grow, err);
    /* One of its units would keep the others from being claimed. */
    const bool is_split = read && batch->claim.claims_nothing && count_units(&batch->units) > 1;
    if (!read || is_split) run->context->warehouse->ops->abort(batch->load);
    if (is_split) { /* its records are counted when they are read again */
        int64_t requests = run->result->requests;
        *run->result = before;
        run->result->requests = requests;
        *out_bad = batch->window_units;
    }
    if (!read || is_split) return read;
    if (run->is_contradicted)
        run_report_contradiction(run->result->stream, run->trigger, run->expected, run->received);
    if (!commit_batch(batch, err)) return false;
    log_batch(batch);
    if (batch->claim.rejected <= run->context->max_rejected) return true;
    run->can_continue = !batch->is_given_up;
    return unit_claim_fail(&batch->claim, run->context->max_rejected, batch->is_given_up, err);
}

/* It has a digest if it may become all of the plan. */
static bool is_comparable(const struct stream_run *run, const struct unit_range *units)
{
    const struct plan *plan = &run->share->plan;
    return units->first == 0 && plan->units[plan->unit_count - 1].open &&
           run->selection->stream->kind != STREAM_RECONCILE;
}

/* Loads the units as one, and if the batch may grow, those that it gets then. out_bad: the units among which
 * something went wrong: nothing was loaded; empty: nothing did. */
static bool load_units(struct stream_run *run, struct unit_range *units, bool may_grow,
                       struct unit_range *out_bad, struct error *err)
{
    struct warehouse *warehouse = run->context->warehouse;
    struct batch batch = {
        .run = run, .units = *units, .window_units = *units, .is_comparable = is_comparable(run, units)};
    char lo[DAY_TEXT], hi[DAY_TEXT];
    *out_bad = (struct unit_range){0};
    run->left_out = NULL;
    progress_step(run->context->progress, "beginning a unit");
    bool done = warehouse->ops->begin(warehouse, run->selection, &batch.load, err) &&
                fill_load(&batch, may_grow, out_bad, err);
    unit_claim_done(&batch.claim);
    *units = batch.units;
    if (done && count_units(out_bad) == 0) run->result->units += (int64_t)count_units(units);
    if (done) return true;
    const struct unit unit = joined_unit(&batch);
    day_format(unit.lo, lo);
    day_format(unit.hi, hi);
    return error_wrap(err, "%s..%s%s", lo, hi, unit.open ? " and newer" : "");
}

/* The same; false: no further batch is to begin. */
static bool try_units(struct stream_run *run, struct unit_range *units, bool may_grow,
                      struct unit_range *out_bad)
{
    struct error err = {.kind = ERROR_NONE};
    if (load_units(run, units, may_grow, out_bad, &err)) return true;
    const bool can_continue = run->can_continue;
    run->can_continue = false;
    stream_share_fail(run->share, &err, can_continue);
    return can_continue;
}

static bool load_one_by_one(struct stream_run *run, const struct unit_range *units)
{
    for (size_t i = units->first; i < units->end; i++) {
        struct unit_range unit = {.first = i, .end = i + 1}, bad;
        if (!try_units(run, &unit, false, &bad)) return false;
    }
    return true;
}

/* The units before those among which something went wrong were fine: they are read as one window. */
static bool load_again(struct stream_run *run, const struct unit_range *units, const struct unit_range *bad)
{
    struct unit_range good = {.first = units->first, .end = bad->first}, worse = {0};
    if (count_units(&good) > 0 && !try_units(run, &good, false, &worse)) return false;
    return load_one_by_one(run, &worse) && load_one_by_one(run, bad);
}

bool batch_load(struct stream_run *run, struct unit_range units)
{
    struct unit_range bad;
    if (!try_units(run, &units, true, &bad)) return false;
    return count_units(&bad) == 0 || load_again(run, &units, &bad);
}
