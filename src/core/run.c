/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - one request, stream by stream, unit by unit.
 *
 * The steps of one stream: prepare, state, plan, then for each unit fetch, rows, stage, commit, oldest first.
 * Coverage is per day and lives in the warehouse: a run that ends early costs time, never rows.
 *
 * One reader serves neighbouring units of an incremental stream, so that no page is requested twice. This
 * relies on a listing in ascending order. If the order breaks, each unit is read again by a reader of its
 * own. Before committing a unit we confirm that the first record after it really belongs after it: once the
 * unit is claimed it is not read again.
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

static bool reject_record(struct unit_load *unit_load, const struct record *record, const char *id,
                          const char *reason, struct error *err)
{
    struct stream_run *run = unit_load->run;
    struct warehouse *warehouse = run->context->warehouse;
    if (record->table == 0) (void)snprintf(unit_load->parent_id, LIMIT_NAME, "%s", id);
    if (record->table > 0 && !*id) id = unit_load->parent_id; /* a child that can't be read */
    unit_claim_add_reject(&unit_load->claim, id);
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
    if (record->problem && json_is_string(record->body))
        buf_add(&text, json_string_value(record->body), json_string_length(record->body));
    else
        json_write(&text, record->body);
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
    int64_t asked_us = record_cursor_asked_us(&run->cursor);
    return asked_us > run->state.answered_us ? run->state.now_us + (asked_us - run->state.answered_us)
                                             : run->state.now_us;
}

/* The record's content, if it is compared at all; else NULL. */
static const json_t *content_of(const struct selection *selection, const struct record *record)
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
        AUTO(json_drop) json_t *front = record_front(record->body);
        row_id(table, front, facts.id);
        return reject_record(unit_load, record, facts.id, record->problem, err);
    }
    enum row_outcome outcome = row_build(table, record->body,
                                         &(struct row_context){.zone = context->plan.zone,
                                                               .today = run->plan.today,
                                                               .sequence = run->sequence,
                                                               .read_us = read_us(run),
                                                               .content = content_of(run->selection, record)},
                                         &run->row, &facts);
    if (outcome == ROW_REJECTED) return reject_record(unit_load, record, facts.id, facts.problem, err);
    if (record->table == 0) {
        memcpy(unit_load->parent_id, facts.id, sizeof facts.id);
        unit_load->keep_children = in_window(run, &unit_load->window, &facts);
        if (!unit_load->keep_children) return true;
        unit_load->fetched++;
    }
    if (record->is_unsettled) exclude_day(unit_load, facts.version_us);
    run->sequence++;
    unit_load->rows++;
    unit_load->taken[record->table]++;
    run->result->type_mismatches += facts.type_mismatches;
    if (day_compare(facts.day, run->plan.today) > 0) run->future_rows++;
    return context->warehouse->ops->write(unit_load->load, record->table, run->row.data, run->row.size, err);
}

void stream_run_close_cursor(struct stream_run *run)
{
    if (run->cursor.reader) run->context->source->ops->close(run->cursor.reader);
    record_cursor_done(&run->cursor);
}

static void note_contradiction(struct stream_run *run, const struct page *page)
{
    if (page->is_contradicted && !run->is_contradicted)
        run_report_contradiction(run->result->stream, run->trigger, page);
    run->is_contradicted = run->is_contradicted || page->is_contradicted;
}

static bool next_page(struct stream_run *run, struct error *err)
{
    const struct run_context *context = run->context;
    struct record_cursor *cursor = &run->cursor;
    struct page *page = &cursor->page;
    if (!check_cancelled(context, err)) return false;
    progress_step(context->progress, "fetching a page");
    if (!context->source->ops->next(cursor->reader, page, err)) return false;
    cursor->next = 0;
    if (page->asked_us > run->asked_us) run->asked_us = page->asked_us;
    run->result->requests += page->requests;
    run->result->deleted_during_read += page->deleted_during_read;
    run->result->incomplete += page->incomplete;
    run->result->stale += page->stale;
    if (page->left_out) run->left_out = page->left_out;
    note_contradiction(run, page);
    run->result->normalisations += page->normalisations;
    run->out_of_order = !page->ascending && cursor->last > cursor->first;
    return !run->out_of_order;
}

/* Compares the version in the listing, not the record's own: a record that changed after it was listed will
 * be listed again. */
static bool past_end(const struct unit_load *unit_load, const struct record *record)
{
    const struct record_cursor *cursor = &unit_load->run->cursor;
    return unit_load->index < cursor->last && record->table == 0 && unit_load->window.to_s != WINDOW_OPEN &&
           record->listed_us >= unit_load->window.to_s * 1000000;
}

/* If the record ahead is out of order, the next page shows it. */
static bool confirm_boundary(struct stream_run *run, struct error *err)
{
    struct record_cursor *cursor = &run->cursor;
    if (record_cursor_boundary_confirmed(cursor)) return true;
    record_cursor_hold_rest(cursor);
    do {
        if (!next_page(run, err)) return false;
    } while (cursor->page.count == 0 && !cursor->page.last);
    return true;
}

bool unit_load_take_pages(struct unit_load *unit_load, struct error *err)
{
    struct record_cursor *cursor = &unit_load->run->cursor;
    for (;;) {
        const struct record *record;
        for (; (record = record_cursor_peek(cursor)) != NULL; record_cursor_advance(cursor)) {
            if (past_end(unit_load, record)) return confirm_boundary(unit_load->run, err);
            if (!take_record(unit_load, record, err)) return false;
        }
        if (cursor->page.last) return true;
        if (!next_page(unit_load->run, err)) return false;
    }
}

static size_t last_shared_unit(const struct stream_run *run, size_t index)
{
    const struct plan *plan = &run->plan;
    if (run->one_reader_per_unit || run->selection->stream->kind != STREAM_INCREMENTAL) return index;
    while (index + 1 < plan->unit_count &&
           day_compare(day_add(plan->units[index].hi, 1), plan->units[index + 1].lo) == 0)
        index++;
    return index;
}

static bool open_cursor(struct stream_run *run, size_t index, struct error *err)
{
    const struct run_context *context = run->context;
    struct record_cursor *cursor = &run->cursor;
    run->is_contradicted = false;
    run->left_out = NULL;
    *cursor = (struct record_cursor){.first = index, .last = last_shared_unit(run, index)};
    struct window window =
        plan_window(&context->plan, run->selection->stream, &run->plan, index, cursor->last);
    return context->source->ops->open(context->source, run->selection, window, &cursor->reader, err);
}

static bool fetch_unit(struct unit_load *unit_load, struct error *err)
{
    struct stream_run *run = unit_load->run;
    unit_load->window = plan_window(&run->context->plan, run->selection->stream, &run->plan, unit_load->index,
                                    unit_load->index);
    bool done = (run->cursor.reader || open_cursor(run, unit_load->index, err)) &&
                unit_load_take_pages(unit_load, err);
    if (done && run->selection->stream->kind == STREAM_RECONCILE && unit_load->rows > 0 &&
        !unit_load->claim.has_unnamed_reject)
        done = unit_load_fetch_missing(unit_load, err);
    if (done && unit_load->index == run->cursor.last) stream_run_close_cursor(run);
    return done;
}

static bool commit_unit(struct stream_run *run, struct load *load, const struct unit *unit, int64_t fetched,
                        const struct unit_claim *claim, struct error *err)
{
    struct warehouse *warehouse = run->context->warehouse;
    struct committed committed = {0};
    struct commit commit = {
        .unit = *unit,
        .began_us = run->state.now_us,
        .run_id = run->trigger->run_id,
        .message_id = run->trigger->message_id,
        .fetched = fetched,
        .confirms_missing = run->confirms_missing,
    };
    unit_claim_apply(claim, &commit);
    stream_run_note_children(run, &commit);
    progress_step(run->context->progress, "committing a unit");
    if (!warehouse->ops->commit(load, &commit, &committed, err)) return false;
    for (size_t i = 0; i < run->selection->table_count; i++)
        run->result->inserted += committed.inserted[i];
    run->result->recontented += committed.recontented;
    run->result->known += fetched - (committed.inserted[0] - committed.recontented);
    run->result->rejected += committed.rejected;
    run->result->fetched += fetched;
    return committed.doubled == 0 ||
           run_report_doubled(run->selection->stream, run->trigger, committed.doubled, err);
}

static void log_unit(const struct stream_run *run, const struct unit_load *unit_load)
{
    char lo[DAY_TEXT], hi[DAY_TEXT];
    day_format(unit_load->unit->lo, lo);
    day_format(unit_load->unit->hi, hi);
    log_write(LOG_INFO, "unit_committed",
              LOG_FIELDS(LOG_TEXT("stream", run->result->stream), LOG_TEXT("run_id", run->trigger->run_id),
                         LOG_TEXT("from", lo), LOG_TEXT("to", hi), LOG_NUMBER("fetched", unit_load->fetched),
                         LOG_NUMBER("rows", unit_load->rows),
                         LOG_NUMBER("rejected", unit_load->claim.rejected)),
              "%s %s..%s%s: %" PRId64 " records", run->result->stream, lo, hi,
              unit_load->unit->open ? " and newer" : "", unit_load->fetched);
}

static bool commit_empty_units(struct stream_run *run, struct error *err)
{
    struct warehouse *warehouse = run->context->warehouse;
    struct load *load;
    if (!run->has_empty) return true;
    run->has_empty = false;
    return check_cancelled(run->context, err) &&
           warehouse->ops->begin(warehouse, run->selection, &load, err) &&
           commit_unit(run, load, &run->empty, 0, &(struct unit_claim){0}, err);
}

static bool defer_empty_unit(struct stream_run *run, const struct unit *unit, struct error *err)
{
    struct unit *empty = &run->empty;
    if (run->has_empty && day_compare(day_add(empty->hi, 1), unit->lo) == 0 &&
        unit->hi.n - empty->lo.n < LIMIT_EMPTY_DAYS) {
        empty->hi = unit->hi;
        empty->claim_hi = unit->claim_hi;
        empty->open = unit->open;
        return true;
    }
    if (!commit_empty_units(run, err)) return false;
    *empty = *unit;
    run->has_empty = true;
    return true;
}

static bool read_unit(struct unit_load *unit_load, struct error *err)
{
    if (!fetch_unit(unit_load, err) && !unit_load->is_given_up) return false;
    if (unit_load->claim.rejected > unit_load->run->context->max_rejected || unit_load->run->is_contradicted)
        unit_load->claim.claims_nothing = true;
    return check_cancelled(unit_load->run->context, err);
}

static bool fill_load(struct unit_load *unit_load, struct error *err)
{
    struct stream_run *run = unit_load->run;
    struct warehouse *warehouse = run->context->warehouse;
    if (!read_unit(unit_load, err)) {
        warehouse->ops->abort(unit_load->load);
        return false;
    }
    if (unit_load->rows == 0 && unit_load->claim.rejected == 0 && !unit_load->claim.claims_nothing) {
        warehouse->ops->abort(unit_load->load);
        return defer_empty_unit(run, unit_load->unit, err);
    }
    if (!commit_empty_units(run, err)) {
        warehouse->ops->abort(unit_load->load);
        return false;
    }
    if (!commit_unit(run, unit_load->load, unit_load->unit, unit_load->fetched, &unit_load->claim, err))
        return false;
    log_unit(run, unit_load);
    if (unit_load->claim.rejected <= run->context->max_rejected) return true;
    run->can_continue = !unit_load->is_given_up;
    return unit_claim_fail(&unit_load->claim, run->context->max_rejected, unit_load->is_given_up, err);
}

static bool load_unit(struct stream_run *run, size_t index, struct error *err)
{
    struct warehouse *warehouse = run->context->warehouse;
    const struct unit *unit = &run->plan.units[index];
    struct unit_load unit_load = {.run = run, .index = index, .unit = unit};
    char lo[DAY_TEXT], hi[DAY_TEXT];
    progress_step(run->context->progress, "beginning a unit");
    if (warehouse->ops->begin(warehouse, run->selection, &unit_load.load, err) &&
        fill_load(&unit_load, err)) {
        run->result->units++;
        unit_claim_done(&unit_load.claim);
        return true;
    }
    unit_claim_done(&unit_load.claim);
    if (run->out_of_order) return false; /* restart_per_unit handles it */
    day_format(unit->lo, lo);
    day_format(unit->hi, hi);
    return error_wrap(err, "%s..%s%s", lo, hi, unit->open ? " and newer" : "");
}

/* Returns to the first unit of the shared reader. Committed units are read again, because records listed out
 * of order may belong to them. */
static size_t restart_per_unit(struct stream_run *run)
{
    size_t first = run->cursor.first;
    log_write(LOG_WARNING, "listing_out_of_order", LOG_FIELDS(LOG_TEXT("stream", run->result->stream)),
              "%s: the source ignores the requested order; each unit is read separately",
              run->result->stream);
    stream_run_close_cursor(run);
    if (run->has_empty && day_compare(run->empty.lo, run->plan.units[first].lo) >= 0) run->has_empty = false;
    run->out_of_order = false;
    run->one_reader_per_unit = true;
    return first;
}

static bool load_units(struct stream_run *run, struct error *err)
{
    const struct plan *plan = &run->plan;
    if (plan->unit_count > 0) {
        run->result->from = plan->units[0].lo;
        run->result->to = plan->units[plan->unit_count - 1].hi;
    }
    for (size_t i = 0; i < plan->unit_count;) {
        if (load_unit(run, i, err)) {
            i++;
            continue;
        }
        if (run->can_continue) {
            if (run->failure.kind == ERROR_NONE) run->failure = *err;
            run->can_continue = false;
            i++;
            continue;
        }
        if (!run->out_of_order) return false;
        i = restart_per_unit(run);
    }
    if (!commit_empty_units(run, err)) return false;
    if (run->failure.kind != ERROR_NONE) *err = run->failure;
    return run->failure.kind == ERROR_NONE;
}

static bool load_stream(struct stream_run *run, struct request_states *states, size_t index,
                        struct error *err)
{
    const struct run_context *context = run->context;
    const struct request *request = states->request;
    struct warehouse *warehouse = context->warehouse;
    if (!check_cancelled(context, err) ||
        !request_states_take(states, index, run->asked_us, &run->state, err))
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

/* asked_us: when the newest page of the request was asked for. */
static bool run_stream(struct request_states *states, size_t index, const struct run_trigger *trigger,
                       int64_t *asked_us, struct stream_result *result)
{
    struct stream_run run = {.context = states->context,
                             .selection = states->request->selections[index],
                             .trigger = trigger,
                             .result = result,
                             .asked_us = *asked_us};
    int64_t began_ms = clock_ms();
    *result = (struct stream_result){.stream = run.selection->stream->name};
    buf_init(&run.row, LIMIT_ROW);
    bool done = load_stream(&run, states, index, &result->error);
    *asked_us = run.asked_us;
    if (!done) error_wrap(&result->error, "%s", result->stream);
    if (!done && result->error.kind == ERROR_FORBIDDEN) done = result->forbidden = true;
    result->seconds = (double)(clock_ms() - began_ms) / 1000;
    run_report_stream(result, trigger, run.plan.unit_count > 0, run.future_rows);
    stream_run_close_cursor(&run);
    plan_done(&run.plan);
    state_done(&run.state);
    buf_done(&run.row);
    return done;
}

bool run_request(const struct run_context *context, const struct request *request,
                 const struct run_trigger *trigger, struct run_report *out_report, struct error *err)
{
    bool done = true;
    int64_t asked_us = 0;
    struct request_states states;
    request_states_init(&states, context, request, trigger->message_id);
    out_report->count = 0;
    for (size_t i = 0; i < request->count; i++) {
        struct stream_result *result = &out_report->streams[out_report->count++];
        if (run_stream(&states, i, trigger, &asked_us, result)) continue;
        if (done || !error_rules[result->error.kind].stream_only) *err = result->error;
        done = false;
        if (!error_rules[result->error.kind].stream_only) break;
    }
    request_states_done(&states);
    return done;
}
