/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - one stream of a request, unit by unit.
 *
 * The steps: prepare, state, plan, then for each unit fetch, rows, stage, commit, oldest first.
 * Coverage is per day and lives in the warehouse: a run that ends early costs time, never rows.
 *
 * A batch is neighbouring units that share one reader, one load and one ledger row: many small weeks cost few
 * commits, and nothing is claimed before its reader has ended. A batch in which something went wrong is read
 * again unit by unit, so that the others are claimed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "core/rows.h"
#include "request_states.h"
#include "run_report.h"
#include "stream_run.h"

static bool check_cancelled(const struct run_context *context, struct error *err)
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
static void exclude_day(struct unit_load *unit_load, int64_t at_us)
{
    if (at_us > 0)
        unit_claim_exclude(&unit_load->claim, zone_day(unit_load->run->context->plan.zone, at_us / 1000000));
    else
        unit_load->claim.claims_nothing = true;
}

static void note_rejected_day(struct stream_run *run, int64_t at_us)
{
    if (at_us <= 0) return;
    int index = run->plan.today.n - zone_day(run->context->plan.zone, at_us / 1000000).n;
    if (index >= 0 && index < COVERAGE_DAYS) run->result->coverage.rejected[index] = true;
}

static bool reject_record(struct unit_load *unit_load, const struct record *record, const char *id,
                          const char *reason, struct error *err)
{
    struct stream_run *run = unit_load->run;
    struct warehouse *warehouse = run->context->warehouse;
    if (record->table == 0) (void)snprintf(unit_load->parent_id, LIMIT_NAME, "%s", id);
    if (record->table > 0 && !*id) id = unit_load->parent_id; /* a child that can't be read */
    unit_claim_add_reject(&unit_load->claim, id);
    if (run->context->progress) atomic_fetch_add(&run->context->progress->rejected, 1);
    note_rejected_day(run, record->listed_us);
    if (run->selection->stream->kind == STREAM_RECONCILE)
        run_report_kept(run->result->stream, run->trigger, id, reason);
    /* A scan claims no days; it requests the children of rejected records again. */
    if (record->is_unsettled && (record->table == 0 || run->selection->stream->kind != STREAM_SCAN))
        exclude_day(unit_load, record->listed_us);
    int64_t most = run->context->max_rejected > 0 ? run->context->max_rejected : 1;
    if (unit_load->claim.rejected > most * LIMIT_REJECTS_FACTOR) {
        unit_load->is_given_up = true;
        return error_set(err, ERROR_FORMAT, "%s", reason);
    }
    AUTO(buf_done) struct buf text = buf_limited(LIMIT_REJECT);
    if (record->problem && value_is_string(record->body))
        buf_add(&text, record->body->text, record->body->size);
    else
        value_write(&text, record->body);
    return warehouse->ops->reject(unit_load->load,
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
    return asked_us > run->state.answered_us ? run->state.now_us + (asked_us - run->state.answered_us)
                                             : run->state.now_us;
}

/* The record's content, if it is compared at all; else NULL. */
static const struct json_value *content_of(const struct selection *selection, const struct record *record)
{
    if (!selection->tables[record->table]->keeps_contents || selection->ignores_contents[record->table] ||
        record->incomplete)
        return NULL;
    return record->set ? record->set : record->body;
}

static bool take_record(struct unit_load *unit_load, const struct record *record, struct error *err)
{
    struct stream_run *run = unit_load->run;
    const struct run_context *context = run->context;
    const struct table *table = run->selection->tables[record->table];
    struct row_facts facts;
    if (record->table > 0 && !unit_load->keep_children) return true;
    if (record->table == 0)
        unit_load->keep_children = true; /* also of a rejected parent: its children are not lost with it */
    if (record->problem) {
        AUTO(value_drop) struct json_value *front = record_front(record->body);
        row_id(table, front, facts.id);
        return reject_record(unit_load, record, facts.id, record->problem, err);
    }
    enum row_outcome outcome = row_build(table, record->body,
                                         &(struct row_context){.zone = context->plan.zone,
                                                               .today = run->plan.today,
                                                               .sequence = run->sequence,
                                                               .read_us = read_us(run),
                                                               .content = content_of(run->selection, record),
                                                               .projection = run->projections[record->table]},
                                         &run->row, &facts);
    if (outcome == ROW_REJECTED) return reject_record(unit_load, record, facts.id, facts.problem, err);
    if (record->table == 0) {
        memcpy(unit_load->parent_id, facts.id, sizeof facts.id);
        unit_load->keep_children = in_window(run, &unit_load->window, &facts);
        if (!unit_load->keep_children) return true;
        unit_load->fetched++;
    }
    if (record->is_unsettled) exclude_day(unit_load, facts.version_us);
    if (unit_load->is_comparable)
        unit_digest_add(&unit_load->digest, run->selection, record->table, record->body, &facts);
    run->sequence++;
    unit_load->rows++;
    unit_load->taken[record->table]++;
    run->result->bytes += (int64_t)run->row.size;
    run->result->type_mismatches += facts.type_mismatches;
    if (record->table == 0 && facts.version_us > run->result->newest_us &&
        day_compare(facts.day, run->plan.today) <= 0)
        run->result->newest_us = facts.version_us;
    if (day_compare(facts.day, run->plan.today) > 0) run->future_rows++;
    return context->warehouse->ops->write(unit_load->load, record->table, run->row.data, run->row.size, err);
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
    if (!check_cancelled(context, err)) return false;
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

bool unit_load_take_pages(struct unit_load *unit_load, struct error *err)
{
    const struct page *page = &unit_load->run->page;
    do {
        if (!next_page(unit_load->run, err)) return false;
        for (size_t i = 0; i < page->count; i++)
            if (!take_record(unit_load, &page->records[i], err)) return false;
    } while (!page->last);
    return true;
}

static bool open_reader(struct unit_load *unit_load, struct error *err)
{
    struct stream_run *run = unit_load->run;
    const struct run_context *context = run->context;
    run->is_contradicted = false;
    run->left_out = NULL;
    return context->source->ops->open(context->source, run->selection, unit_load->window, &run->reader, err);
}

static bool fetch_batch(struct unit_load *unit_load, struct error *err)
{
    struct stream_run *run = unit_load->run;
    bool done = open_reader(unit_load, err) && unit_load_take_pages(unit_load, err);
    if (done && run->selection->stream->kind == STREAM_RECONCILE &&
        unit_load->rows + unit_load->claim.rejected > 0 && !unit_load->claim.has_unnamed_reject)
        done = unit_load_fetch_missing(unit_load, err);
    stream_run_close_reader(run);
    return done;
}

/* A unit with rejects, or one that is not claimed, is read again. */
static void compare_fetch(const struct unit_load *unit_load, struct commit *commit)
{
    const struct stream_run *run = unit_load->run;
    const struct stream *stream = run->selection->stream;
    if (commit->is_incomplete || unit_load->claim.rejected > 0 || !unit_load->is_comparable) return;
    commit->digest = unit_digest_end(&unit_load->digest, commit);
    commit->same_as_us = unit_digest_same_commit(&run->state, stream, &commit->unit, commit->digest);
}

static bool commit_batch(const struct unit_load *unit_load, struct error *err)
{
    struct stream_run *run = unit_load->run;
    struct warehouse *warehouse = run->context->warehouse;
    int64_t fetched = unit_load->fetched;
    struct committed committed = {0};
    struct commit commit = {
        .unit = unit_load->unit,
        .began_us = run->state.now_us,
        .run_id = run->trigger->run_id,
        .message_id = run->trigger->message_id,
        .fetched = fetched,
        .confirms_missing = run->confirms_missing,
    };
    unit_claim_apply(&unit_load->claim, &commit);
    stream_run_note_children(run, &commit);
    compare_fetch(unit_load, &commit);
    progress_step(run->context->progress, "committing a unit");
    if (!warehouse->ops->commit(unit_load->load, &commit, &committed, err)) return false;
    for (size_t i = 0; i < run->selection->table_count; i++)
        run->result->inserted += committed.inserted[i];
    run->result->content_changes += committed.content_changes;
    run->result->known += fetched - (committed.inserted[0] - committed.content_changes);
    run->result->rejected += committed.rejected;
    if (committed.refused_contents > 0)
        run_report_refused_contents(run->result->stream, run->trigger, &committed);
    if (committed.rejected > 0 && !*run->result->rejected_ids)
        memcpy(run->result->rejected_ids, unit_load->claim.ids, LIMIT_REJECTED_IDS);
    run->result->fetched += fetched;
    return committed.doubled == 0 ||
           run_report_doubled(run->selection->stream, run->trigger, committed.doubled, err);
}

static void log_batch(const struct unit_load *unit_load)
{
    const struct stream_run *run = unit_load->run;
    char lo[DAY_TEXT], hi[DAY_TEXT];
    day_format(unit_load->unit.lo, lo);
    day_format(unit_load->unit.hi, hi);
    log_write(LOG_INFO, "unit_committed",
              LOG_FIELDS(LOG_TEXT("stream", run->result->stream), LOG_TEXT("run_id", run->trigger->run_id),
                         LOG_TEXT("from", lo), LOG_TEXT("to", hi), LOG_NUMBER("fetched", unit_load->fetched),
                         LOG_NUMBER("rows", unit_load->rows),
                         LOG_NUMBER("rejected", unit_load->claim.rejected)),
              "%s %s..%s%s: %" PRId64 " records", run->result->stream, lo, hi,
              unit_load->unit.open ? " and newer" : "", unit_load->fetched);
}

/* Whether the batch is to be read again unit by unit: one of its units would keep the others from being
 * claimed, or fail them. */
static bool is_split(const struct unit_load *unit_load)
{
    return unit_load->count > 1 && (unit_load->is_given_up || unit_load->claim.claims_nothing ||
                                    unit_load->claim.rejected > unit_load->run->context->max_rejected);
}

static bool read_batch(struct unit_load *unit_load, struct error *err)
{
    struct stream_run *run = unit_load->run;
    if (!fetch_batch(unit_load, err) && !unit_load->is_given_up) return false;
    if (unit_load->claim.rejected > run->context->max_rejected || run->is_contradicted)
        unit_load->claim.claims_nothing = true;
    return check_cancelled(run->context, err);
}

static bool fill_load(struct unit_load *unit_load, bool *out_split, struct error *err)
{
    struct stream_run *run = unit_load->run;
    const struct stream_result before = *run->result;
    const int64_t future_rows = run->future_rows;
    bool read = read_batch(unit_load, err);
    *out_split = read && is_split(unit_load);
    if (!read || *out_split) run->context->warehouse->ops->abort(unit_load->load);
    if (*out_split) { /* its records are counted when they are read again */
        int64_t requests = run->result->requests;
        *run->result = before;
        run->result->requests = requests;
        run->future_rows = future_rows;
    }
    if (!read || *out_split) return read;
    if (run->is_contradicted)
        run_report_contradiction(run->result->stream, run->trigger, run->expected, run->received);
    if (!commit_batch(unit_load, err)) return false;
    log_batch(unit_load);
    if (unit_load->claim.rejected <= run->context->max_rejected) return true;
    run->can_continue = !unit_load->is_given_up;
    return unit_claim_fail(&unit_load->claim, run->context->max_rejected, unit_load->is_given_up, err);
}

/* The units that follow the first without a gap, as one. */
static struct unit_load join_units(struct stream_run *run, size_t index)
{
    const struct plan *plan = &run->plan;
    const size_t last = plan_batch_end(plan, index, run->batch_units);
    struct unit_load unit_load = {.run = run, .unit = plan->units[last], .count = last - index + 1};
    unit_load.unit.lo = plan->units[index].lo;
    unit_load.is_comparable = unit_load.count == plan->unit_count && unit_load.unit.open &&
                              run->selection->stream->kind != STREAM_RECONCILE;
    unit_load.window = plan_window(&run->context->plan, run->selection->stream, plan, index, last);
    return unit_load;
}

size_t run_next_batch(size_t units, int64_t rows, int64_t requests)
{
    size_t next = units;
    if (rows <= LIMIT_BATCH_ROWS && requests <= LIMIT_BATCH_REQUESTS)
        next *= 4;
    else if (rows > 16 * LIMIT_BATCH_ROWS || requests > 16 * LIMIT_BATCH_REQUESTS)
        next = next > 1 ? next / 2 : 1;
    return next < LIMIT_BATCH_UNITS ? next : LIMIT_BATCH_UNITS;
}

/* requests: made for the batch. */
static void size_next_batch(struct stream_run *run, const struct unit_load *unit_load, int64_t requests,
                            bool is_done)
{
    run->batch_units = is_done ? run_next_batch(run->batch_units, unit_load->rows, requests) : 1;
}

/* out_done: of the plan's units; 0: they are to be read again, one by one. */
static bool load_batch(struct stream_run *run, size_t index, size_t *out_done, struct error *err)
{
    struct warehouse *warehouse = run->context->warehouse;
    struct unit_load unit_load = join_units(run, index);
    const int64_t requests = run->result->requests;
    bool split = false;
    char lo[DAY_TEXT], hi[DAY_TEXT];
    progress_step(run->context->progress, "beginning a unit");
    bool done = warehouse->ops->begin(warehouse, run->selection, &unit_load.load, err) &&
                fill_load(&unit_load, &split, err);
    size_next_batch(run, &unit_load, run->result->requests - requests, done && !split);
    *out_done = split ? 0 : unit_load.count;
    unit_claim_done(&unit_load.claim);
    if (done) return true;
    day_format(unit_load.unit.lo, lo);
    day_format(unit_load.unit.hi, hi);
    return error_wrap(err, "%s..%s%s", lo, hi, unit_load.unit.open ? " and newer" : "");
}

static bool load_units(struct stream_run *run, struct error *err)
{
    const struct plan *plan = &run->plan;
    if (plan->unit_count > 0) {
        run->result->has_units = true;
        run->result->from = plan->units[0].lo;
        run->result->to = plan->units[plan->unit_count - 1].hi;
    }
    for (size_t i = 0, done; i < plan->unit_count; i += done) {
        progress_units(run->context->progress, (long long)i, (long long)plan->unit_count,
                       plan->units[i].lo.n);
        if (load_batch(run, i, &done, err)) {
            run->result->units += (int64_t)done;
            continue;
        }
        if (!run->can_continue) return false;
        if (run->failure.kind == ERROR_NONE) run->failure = *err;
        run->can_continue = false;
    }
    if (run->failure.kind != ERROR_NONE) *err = run->failure;
    return run->failure.kind == ERROR_NONE;
}

/* By the clock of the pages. A commit may have waited for hours since the last page. */
static int64_t newest_us(const struct stream_run *run)
{
    int64_t now_us = clock_boot_us();
    return now_us > run->asked_us ? now_us : run->asked_us;
}

static bool load_stream(struct stream_run *run, struct request_states *states, size_t index,
                        struct error *err)
{
    const struct run_context *context = run->context;
    const struct request *request = states->request;
    struct warehouse *warehouse = context->warehouse;
    if (!check_cancelled(context, err) ||
        !request_states_take(states, context, index, newest_us(run), &run->state, err))
        return false;
    if (!stream_run_check_lacks(run, err)) return false;
    if (!plan_make(&context->plan, run->selection->stream, &run->state, request, run->trigger->published_us,
                   &run->plan, err))
        return false;
    run->result->satisfied = run->plan.satisfied;
    run->result->skipped = run->plan.skipped;
    if (run->plan.skipped) return true;
    if (!load_units(run, err)) return false;
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
    coverage->today = run->plan.today;
    coverage->is_known = run->state.now_us > 0 && stream_claims_days(run->selection->stream);
    for (int i = 0; coverage->is_known && i < COVERAGE_DAYS; i++) {
        struct day day = day_add(coverage->today, -i);
        struct day_state known = state_day(&run->state, day);
        coverage->loaded[i] =
            plan_covered(&run->state, &known.newest, known.held) || (is_done && is_claimed(&run->plan, day));
    }
}

/* Days that somebody named, and that hold nothing. A tick may well find nothing new. */
static bool is_empty_range(const struct stream_run *run, const struct request *request)
{
    return (request->has_from || request->has_to) && run->result->has_units &&
           run->result->fetched + run->result->rejected == 0 && stream_claims_days(run->selection->stream);
}

bool stream_run_load(const struct run_context *context, struct request_states *states, size_t index,
                     const struct run_trigger *trigger, int64_t *asked_us, struct stream_result *result)
{
    struct stream_run run = {.context = context,
                             .selection = states->request->selections[index],
                             .trigger = trigger,
                             .result = result,
                             .asked_us = *asked_us,
                             .batch_units = 1};
    *result = (struct stream_result){.stream = run.selection->stream->name,
                                     .is_implied = run.selection->stream->kind == STREAM_RECONCILE,
                                     .began_us = clock_boot_us()};
    buf_init(&run.row, LIMIT_ROW);
    for (size_t i = 0; i < run.selection->table_count; i++)
        run.projections[i] = projection_new(run.selection->tables[i]);
    bool done = load_stream(&run, states, index, &result->error);
    *asked_us = run.asked_us;
    if (done) {
        result->error = (struct error){.kind = ERROR_NONE}; /* of a failure that was mended on the way */
        result->fresh_us = run.plan.fresh_us;
    }
    result->is_empty = done && is_empty_range(&run, states->request);
    note_coverage(&run, done);
    if (!done) error_wrap(&result->error, "%s", result->stream);
    if (!done && result->error.kind == ERROR_FORBIDDEN) done = result->forbidden = true;
    result->ended_us = clock_boot_us();
    result->seconds = (double)(result->ended_us - result->began_us) / 1000000;
    run_report_stream(result, trigger, run.future_rows);
    if (result->rejected > 0) run_report_rejected(result, trigger, context->control);
    stream_run_close_reader(&run);
    plan_done(&run.plan);
    state_done(&run.state);
    buf_done(&run.row);
    for (size_t i = 0; i < run.selection->table_count; i++)
        projection_free(&run.projections[i]);
    return done;
}
