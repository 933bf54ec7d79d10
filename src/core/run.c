/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - one request, stream by stream, unit by unit.
 *
 * The road of one stream: prepare, state, plan, then for each unit fetch, rows, stage, commit, oldest first.
 * Coverage is per day and lives in the warehouse, so whatever ends a run early costs time, never rows.
 *
 * Neighbouring units of an incremental stream are read by one reader: where one ends, the next begins, and
 * nothing is asked for twice. That rests on the order of the listing; if it turns out not to ascend, the
 * units are read again, each by a reader of its own. What ends a unit has to be in its place for sure before
 * the unit is committed: the run may end behind that, and what is claimed is not read again.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "core/rows.h"
#include "core/run.h"
#include "record_cursor.h"

/* The work on one stream. */
struct job {
    const struct run_context *context;
    const struct selection *selection;
    const struct run_trigger *trigger;
    struct stream_result *result;
    struct state state;
    struct plan plan;
    struct reading reading;
    bool apart;        /* the listing does not ascend: each unit has a reader of its own */
    bool disordered;   /* ... which was found just now */
    struct unit empty; /* adjacent units that held nothing; they share one ledger commit */
    bool any_empty;
    struct buf row;
    int64_t sequence;
    int64_t future_rows; /* dated after today by the warehouse's clock */
};

/* One unit's fetch. */
struct fetch {
    struct job *job;
    size_t index; /* of the unit in the plan ... */
    const struct unit *unit;
    struct window window;
    struct load *load;
    int64_t fetched, rows, rejected;
    bool keep; /* the parent seen last is in the window, so its children are */
};

static bool go_on(const struct run_context *context, struct error *err)
{
    if (!context->stop || !atomic_load(context->stop)) return true;
    return error_set(err, ERROR_STOPPED,
                     "the run was asked to stop; its message comes back and the work goes on");
}

static bool reject_record(struct fetch *fetch, const struct record *record, const char *id,
                          const char *reason, struct error *err)
{
    AUTO(buf_done) struct buf text = {0};
    struct job *job = fetch->job;
    struct warehouse *warehouse = job->context->warehouse;

    if (++fetch->rejected > LIMIT_REJECTS)
        return error_set(
            err, ERROR_FORMAT,
            "more than %d records can't be loaded; the last one because: %s. Nothing of this unit was "
            "committed; look at the source's answers before trying again",
            LIMIT_REJECTS, reason);
    buf_init(&text, LIMIT_REJECT);
    json_write(&text, record->body);
    return warehouse->ops->reject(
        fetch->load,
        &(struct reject){.id = id, .reason = reason, .record = buf_string(&text), .record_size = text.size},
        err);
}

/* The exact comparison: the source may send more than the window. */
static bool in_window(const struct job *job, const struct window *window, const struct row_facts *facts)
{
    switch (job->selection->stream->kind) {
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

static bool take_record(struct fetch *fetch, const struct record *record, struct error *err)
{
    struct job *job = fetch->job;
    const struct run_context *context = job->context;
    const struct table *table = job->selection->tables[record->table];
    struct row_facts facts;
    enum row_outcome outcome;

    if (record->table > 0 && !fetch->keep) return true;
    if (record->table == 0)
        fetch->keep = true; /* also of a rejected parent: its children are not lost with it */
    if (record->problem) {
        row_id(table, record->body, facts.id);
        return reject_record(fetch, record, facts.id, record->problem, err);
    }
    outcome =
        row_build(table, record->body, context->plan.zone, job->plan.today, job->sequence, &job->row, &facts);
    if (outcome == ROW_REJECTED) return reject_record(fetch, record, facts.id, facts.problem, err);
    if (record->table == 0) {
        fetch->keep = in_window(job, &fetch->window, &facts);
        if (!fetch->keep) return true;
        fetch->fetched++;
    }
    job->sequence++;
    fetch->rows++;
    job->result->type_mismatches += facts.type_mismatches;
    if (day_compare(facts.day, job->plan.today) > 0) job->future_rows++;
    return context->warehouse->ops->write(fetch->load, record->table, job->row.data, job->row.size, err);
}

static void close_reading(struct job *job)
{
    if (job->reading.reader) job->context->source->ops->close(job->reading.reader);
    reading_done(&job->reading);
}

static bool next_page(struct job *job, struct error *err)
{
    const struct run_context *context = job->context;
    struct reading *reading = &job->reading;
    struct page *page = &reading->page;

    if (!go_on(context, err)) return false;
    progress_step(context->progress, "fetching a page");
    if (!context->source->ops->next(reading->reader, page, err)) return false;
    reading->next = 0;
    job->result->requests += page->requests;
    job->result->deleted_during_read += page->deleted_during_read;
    job->result->incomplete += page->incomplete;
    job->result->normalisations += page->normalisations;
    job->disordered = !page->ascending && reading->last > reading->first;
    return !job->disordered;
}

/* Was it listed behind the unit's end? What it says itself may be newer: it changed after it was listed, and
 * will be listed again. */
static bool is_beyond(const struct fetch *fetch, const struct record *record)
{
    const struct reading *reading = &fetch->job->reading;

    return fetch->index < reading->last && record->table == 0 && fetch->window.to_s != WINDOW_OPEN &&
           record->listed_us >= fetch->window.to_s * 1000000;
}

/* Makes sure that the record ahead is in its place: if it is not, the page behind it shows the disorder. */
static bool make_sure(struct job *job, struct error *err)
{
    struct reading *reading = &job->reading;

    if (reading_is_sure(reading)) return true;
    reading_hold(reading);
    do {
        if (!next_page(job, err)) return false;
    } while (reading->page.count == 0 && !reading->page.last);
    return true;
}

/* Takes the unit's records from where the unit before it ended. */
static bool take_pages(struct fetch *fetch, struct error *err)
{
    struct reading *reading = &fetch->job->reading;

    for (;;) {
        const struct record *record;
        for (; (record = reading_ahead(reading)) != NULL; reading_step(reading)) {
            if (is_beyond(fetch, record)) return make_sure(fetch->job, err);
            if (!take_record(fetch, record, err)) return false;
        }
        if (reading->page.last) return true;
        if (!next_page(fetch->job, err)) return false;
    }
}

/* The last unit that the reader of this one can read, too. */
static size_t last_neighbour(const struct job *job, size_t index)
{
    const struct plan *plan = &job->plan;

    if (job->apart || job->selection->stream->kind != STREAM_INCREMENTAL) return index;
    while (index + 1 < plan->unit_count &&
           day_compare(day_add(plan->units[index].hi, 1), plan->units[index + 1].lo) == 0)
        index++;
    return index;
}

static bool open_reading(struct job *job, size_t index, struct error *err)
{
    const struct run_context *context = job->context;
    struct reading *reading = &job->reading;
    struct window window;

    *reading = (struct reading){.first = index, .last = last_neighbour(job, index)};
    window = plan_window(&context->plan, job->selection->stream, &job->plan, index, reading->last);
    return context->source->ops->open(context->source, job->selection, window, &reading->reader, err);
}

static bool fetch_unit(struct fetch *fetch, struct error *err)
{
    struct job *job = fetch->job;
    bool done;

    fetch->window =
        plan_window(&job->context->plan, job->selection->stream, &job->plan, fetch->index, fetch->index);
    done = (job->reading.reader || open_reading(job, fetch->index, err)) && take_pages(fetch, err);
    if (done && fetch->index == job->reading.last) close_reading(job);
    return done;
}

static bool commit_load(struct job *job, struct load *load, const struct unit *unit, int64_t fetched,
                        struct error *err)
{
    struct warehouse *warehouse = job->context->warehouse;
    struct committed committed = {0};
    const struct commit commit = {
        .unit = *unit,
        .began_us = job->state.now_us,
        .run_id = job->trigger->run_id,
        .message_id = job->trigger->message_id,
        .fetched = fetched,
    };

    progress_step(job->context->progress, "committing a unit");
    if (!warehouse->ops->commit(load, &commit, &committed, err)) return false;
    for (size_t i = 0; i < job->selection->table_count; i++)
        job->result->inserted += committed.inserted[i];
    job->result->rejected += committed.rejected;
    job->result->fetched += fetched;
    if (committed.doubled > 0)
        log_write(LOG_CRITICAL, "rows_doubled",
                  LOG_FIELDS(LOG_TEXT("stream", job->result->stream),
                             LOG_TEXT("run_id", job->trigger->run_id), LOG_NUMBER("keys", committed.doubled)),
                  "%s: %" PRId64
                  " keys stand twice in the table after a commit; this must never be: keep the table "
                  "as it is and report it",
                  job->result->stream, committed.doubled);
    return true;
}

static void log_unit(const struct job *job, const struct fetch *fetch)
{
    char lo[DAY_TEXT], hi[DAY_TEXT];

    day_format(fetch->unit->lo, lo);
    day_format(fetch->unit->hi, hi);
    log_write(LOG_INFO, "unit_committed",
              LOG_FIELDS(LOG_TEXT("stream", job->result->stream), LOG_TEXT("run_id", job->trigger->run_id),
                         LOG_TEXT("from", lo), LOG_TEXT("to", hi), LOG_NUMBER("fetched", fetch->fetched),
                         LOG_NUMBER("rows", fetch->rows), LOG_NUMBER("rejected", fetch->rejected)),
              "%s %s..%s%s: %" PRId64 " records", job->result->stream, lo, hi,
              fetch->unit->open ? " and newer" : "", fetch->fetched);
}

/* Commits the ledger row that empty units share, if there are any. */
static bool flush_empty(struct job *job, struct error *err)
{
    struct warehouse *warehouse = job->context->warehouse;
    struct load *load;

    if (!job->any_empty) return true;
    job->any_empty = false;
    return go_on(job->context, err) && warehouse->ops->begin(warehouse, job->selection, &load, err) &&
           commit_load(job, load, &job->empty, 0, err);
}

static bool keep_empty(struct job *job, const struct unit *unit, struct error *err)
{
    struct unit *empty = &job->empty;

    if (job->any_empty && day_compare(day_add(empty->hi, 1), unit->lo) == 0 &&
        unit->hi.n - empty->lo.n < LIMIT_EMPTY_DAYS) {
        empty->hi = unit->hi;
        empty->claim_hi = unit->claim_hi;
        empty->open = unit->open;
        return true;
    }
    if (!flush_empty(job, err)) return false;
    *empty = *unit;
    job->any_empty = true;
    return true;
}

/* Fetches and commits; the load's life ends here in any case. */
static bool fill_load(struct fetch *fetch, struct error *err)
{
    struct job *job = fetch->job;
    struct warehouse *warehouse = job->context->warehouse;

    if (!fetch_unit(fetch, err) || !go_on(job->context, err)) {
        warehouse->ops->abort(fetch->load);
        return false;
    }
    if (fetch->rows == 0 && fetch->rejected == 0) {
        warehouse->ops->abort(fetch->load);
        return keep_empty(job, fetch->unit, err);
    }
    if (!flush_empty(job, err)) {
        warehouse->ops->abort(fetch->load);
        return false;
    }
    if (!commit_load(job, fetch->load, fetch->unit, fetch->fetched, err)) return false;
    log_unit(job, fetch);
    return true;
}

static bool load_unit(struct job *job, size_t index, struct error *err)
{
    struct warehouse *warehouse = job->context->warehouse;
    const struct unit *unit = &job->plan.units[index];
    struct fetch fetch = {.job = job, .index = index, .unit = unit};
    char lo[DAY_TEXT], hi[DAY_TEXT];

    progress_step(job->context->progress, "beginning a unit");
    if (warehouse->ops->begin(warehouse, job->selection, &fetch.load, err) && fill_load(&fetch, err)) {
        job->result->units++;
        return true;
    }
    if (job->disordered) return false; /* that is no error yet */
    day_format(unit->lo, lo);
    day_format(unit->hi, hi);
    return error_wrap(err, "%s..%s%s", lo, hi, unit->open ? " and newer" : "");
}

/* Back to the first unit that the reader has read. Those that were committed are read again: what was listed
 * out of its place is theirs, perhaps. */
static size_t read_apart(struct job *job)
{
    size_t first = job->reading.first;

    log_write(
        LOG_WARNING, "listing_disordered", LOG_FIELDS(LOG_TEXT("stream", job->result->stream)),
        "%s: the source does not list records in the order it was asked for; reading each unit by itself",
        job->result->stream);
    close_reading(job);
    if (job->any_empty && day_compare(job->empty.lo, job->plan.units[first].lo) >= 0) job->any_empty = false;
    job->disordered = false;
    job->apart = true;
    return first;
}

static bool load_units(struct job *job, struct error *err)
{
    const struct plan *plan = &job->plan;

    if (plan->unit_count > 0) {
        job->result->from = plan->units[0].lo;
        job->result->to = plan->units[plan->unit_count - 1].hi;
    }
    for (size_t i = 0; i < plan->unit_count;) {
        if (load_unit(job, i, err)) {
            i++;
            continue;
        }
        if (!job->disordered) return false;
        i = read_apart(job);
    }
    return flush_empty(job, err);
}

static bool load_stream(struct job *job, const struct request *request, struct error *err)
{
    const struct run_context *context = job->context;
    struct warehouse *warehouse = context->warehouse;

    if (!go_on(context, err)) return false;
    progress_step(context->progress, "preparing the tables");
    if (!warehouse->ops->prepare(warehouse, job->selection, context->identity, err)) return false;
    progress_step(context->progress, "reading the state");
    if (!warehouse->ops->state(warehouse, job->selection, job->trigger->message_id, &job->state, err))
        return false;
    if (!plan_make(&context->plan, job->selection->stream, &job->state, request, job->trigger->published_us,
                   &job->plan, err))
        return false;
    job->result->satisfied = job->plan.satisfied;
    job->result->skipped = job->plan.skipped;
    if (job->plan.skipped) return true;
    if (!load_units(job, err)) return false;
    progress_step(context->progress, "refreshing what is derived");
    return warehouse->ops->refresh(warehouse, job->selection, err);
}

const char *stream_outcome(const struct stream_result *result)
{
    if (result->forbidden) return "forbidden";
    if (result->error.kind != ERROR_NONE) return error_rules[result->error.kind].name;
    if (result->skipped) return "skipped";
    return result->satisfied ? "satisfied" : "loaded";
}

static void log_stream(const struct job *job, const struct stream_result *result)
{
    char from[DAY_TEXT] = "", to[DAY_TEXT] = "";
    const char *outcome = stream_outcome(result);
    bool failed = result->error.kind != ERROR_NONE; /* its text names the stream */
    enum log_level level = result->forbidden                     ? LOG_WARNING
                           : result->error.kind == ERROR_NONE    ? LOG_INFO
                           : result->error.kind == ERROR_STOPPED ? LOG_NOTICE
                                                                 : LOG_ERROR;

    if (job->plan.unit_count > 0) {
        day_format(result->from, from);
        day_format(result->to, to);
    }
    log_write(level, "stream_finished",
              LOG_FIELDS(LOG_TEXT("stream", result->stream), LOG_TEXT("run_id", job->trigger->run_id),
                         LOG_TEXT("message_id", job->trigger->message_id), LOG_TEXT("outcome", outcome),
                         LOG_TEXT("from", from), LOG_TEXT("to", to), LOG_NUMBER("units", result->units),
                         LOG_NUMBER("requests", result->requests), LOG_NUMBER("fetched", result->fetched),
                         LOG_NUMBER("inserted", result->inserted), LOG_NUMBER("rejected", result->rejected),
                         LOG_NUMBER("type_mismatches", result->type_mismatches),
                         LOG_NUMBER("deleted_during_read", result->deleted_during_read),
                         LOG_NUMBER("incomplete", result->incomplete),
                         LOG_NUMBER("normalisations", result->normalisations),
                         LOG_NUMBER("milliseconds", (int64_t)(result->seconds * 1000))),
              "%s%s%s", failed ? "" : result->stream, failed ? "" : ": ",
              failed ? result->error.text : outcome);
    if (job->future_rows > 0)
        log_write(LOG_WARNING, "rows_in_the_future",
                  LOG_FIELDS(LOG_TEXT("stream", result->stream), LOG_NUMBER("rows", job->future_rows)),
                  "%s: %" PRId64
                  " rows are dated after today by the warehouse's clock; they are kept and never claimed",
                  result->stream, job->future_rows);
}

static bool run_stream(const struct run_context *context, const struct selection *selection,
                       const struct request *request, const struct run_trigger *trigger,
                       struct stream_result *result)
{
    struct job job = {.context = context, .selection = selection, .trigger = trigger, .result = result};
    int64_t began_ms = clock_ms();
    bool done;

    *result = (struct stream_result){.stream = selection->stream->name};
    buf_init(&job.row, LIMIT_ROW);
    done = load_stream(&job, request, &result->error);
    if (!done) error_wrap(&result->error, "%s", result->stream);
    if (!done && result->error.kind == ERROR_FORBIDDEN) done = result->forbidden = true;
    result->seconds = (double)(clock_ms() - began_ms) / 1000;
    log_stream(&job, result);
    close_reading(&job);
    plan_done(&job.plan);
    state_done(&job.state);
    buf_done(&job.row);
    return done;
}

bool run_request(const struct run_context *context, const struct request *request,
                 const struct run_trigger *trigger, struct run_report *out_report, struct error *err)
{
    bool done = true;

    out_report->count = 0;
    for (size_t i = 0; i < request->count; i++) {
        struct stream_result *result = &out_report->streams[out_report->count++];

        if (run_stream(context, request->selections[i], request, trigger, result)) continue;
        if (done || !error_rules[result->error.kind].stream_only) *err = result->error;
        done = false;
        if (!error_rules[result->error.kind].stream_only) break;
    }
    return done;
}
