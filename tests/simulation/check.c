/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - the properties that hold in every history.
 *
 * double: No table ever holds the same reading (key, version and time) twice, nor the same content twice in a
 * row.
 *
 * lost: A committed row disappears only by a delete or drop of the history.
 *
 * invented: Every row is a version that the source had, with a content that it had then, stored under the day
 * of that version.
 *
 * torn: A row of a record is never there without all children that this version of the record had.
 *
 * claim: If the plan believes a claim (plan_covered), the table holds every version of that day which a
 * search shows now and which was visible when the claim's fetch began. A search never returns to an older
 * version, so the fetch must have seen it.
 *
 * served: When a run succeeds, the table holds everything its message requested that was visible when the
 * message was published and is still shown. So the data of every acknowledged message is there. This is not
 * checked if the history deleted rows during the run: the next tick repairs that.
 *
 * moved: Then the table also holds each record that was visible when the message was published, in that
 * version or a later one, although the record may have moved to another unit meanwhile. It is checked if
 * versions are found as soon as they are made.
 *
 * newest: After all jobs ended and all versions became visible, one tick without faults loads the newest
 * version of every record of the configured days, with all its children.
 *
 * stuck: That tick is served at its first delivery.
 *
 * together: No two threads of a worker load streams of one table at the same time.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim.h"

/* A stream, and one of its tables. */
struct table_ref {
    size_t stream, table;
};

static const struct table_ref table_refs[] = {{0, 0}, {1, 0}, {1, 1}, {1, 2}};

#define TABLE_REFS (sizeof table_refs / sizeof table_refs[0])

static const char *const names[PROPERTIES] = {
    [PROPERTY_NONE] = "none",     [PROPERTY_DOUBLE] = "double",         [PROPERTY_LOST] = "lost",
    [PROPERTY_ORDER] = "order",   [PROPERTY_INCOMPLETE] = "incomplete", [PROPERTY_STALE] = "stale",
    [PROPERTY_REPLAY] = "replay", [PROPERTY_INVENTED] = "invented",     [PROPERTY_TORN] = "torn",
    [PROPERTY_CLAIM] = "claim",   [PROPERTY_SERVED] = "served",         [PROPERTY_NEWEST] = "newest",
    [PROPERTY_STUCK] = "stuck",   [PROPERTY_TOGETHER] = "together",     [PROPERTY_KILLED] = "killed",
    [PROPERTY_GONE] = "gone",     [PROPERTY_MOVED] = "moved",
};

const char *property_name(enum property property)
{
    return names[property];
}

void sim_fail(struct sim *sim, enum property property, const char *format, ...)
{
    if (sim->broken != PROPERTY_NONE) return;
    va_list args;
    va_start(args, format);
    vsnprintf(sim->problem, sizeof sim->problem, format, args);
    va_end(args);
    sim->broken = property;
    sim_trace(sim, "BROKEN: %s: %s", names[property], sim->problem);
}

static struct fake_table *table_at(struct sim *sim, size_t place)
{
    const struct selection *selection = &sim->selections[table_refs[place].stream];
    return fake_warehouse_table(&sim->warehouse, selection->tables[table_refs[place].table]->name);
}

/* Rows keep their order, so the i-th row is almost always still the i-th. */
static void check_lost(struct sim *sim, const struct fake_table *table, const struct seen_table *seen)
{
    for (size_t i = 0; i < seen->count; i++) {
        const struct seen_row *row = &seen->rows[i];
        if (i < table->count && table->rows[i].serial == row->serial) continue;
        if (!fake_table_find(table, row->key, row->version_us))
            sim_fail(sim, PROPERTY_LOST, "%s lost %s at %lld", table->name, row->key,
                     (long long)row->version_us);
    }
}

static const struct fake_record *find_record(struct sim *sim, size_t stream, const char *id, size_t size)
{
    const struct fake_stream *in = fake_source_stream(&sim->source, sim->selections[stream].stream);
    for (size_t i = 0; i < in->record_count; i++)
        if (strlen(in->records[i].id) == size && memcmp(in->records[i].id, id, size) == 0)
            return &in->records[i];
    return NULL;
}

static bool has_child(const struct fake_table *table, const struct fake_record *record,
                      const struct fake_child *child)
{
    size_t parent = strlen(record->id);
    for (size_t i = 0; i < table->count; i++) {
        const struct fake_row *row = &table->rows[i];
        if (row->version_us == child->updated_s * SECOND && strncmp(row->key, record->id, parent) == 0 &&
            row->key[parent] == '/' && strcmp(row->key + parent + 1, child->id) == 0)
            return true;
    }
    return false;
}

/* Whether the version and all its children are in the tables; out_missing names the first that is not. */
static bool has_all_rows(struct sim *sim, size_t stream, const struct fake_record *record,
                         const struct fake_version *version, char out_missing[64])
{
    const struct selection *selection = &sim->selections[stream];
    const struct fake_table *table = fake_warehouse_table(&sim->warehouse, selection->tables[0]->name);
    if (!table || !fake_table_find(table, record->id, version->version_s * SECOND)) {
        snprintf(out_missing, 64, "%s at %lld", record->id, (long long)version->version_s);
        return false;
    }
    if (selection->table_count < 2) return true;
    table = fake_warehouse_table(&sim->warehouse, selection->tables[1]->name);
    for (size_t i = 0; i < version->child_count; i++) {
        const struct fake_child *child = &record->children[i];
        if (!fake_child_current(record, version, i) || has_child(table, record, child)) continue;
        snprintf(out_missing, 64, "child %s/%s at %lld", record->id, child->id, (long long)child->updated_s);
        return false;
    }
    return true;
}

static void check_parent(struct sim *sim, size_t stream, const struct fake_row *row)
{
    const struct fake_record *record = find_record(sim, stream, row->key, strlen(row->key));
    char missing[64];
    const struct fake_version *first = NULL; /* later states of the version may be newer than the row */
    for (size_t i = 0; record && i < record->version_count; i++) {
        const struct fake_version *version = &record->versions[i];
        if (version->version_s * SECOND != row->version_us) continue;
        if (zone_day(sim->zone, version->version_s).n != row->day.n) break;
        if (!first) first = version;
        if (version->content != check_content_of(row) && check_content_of(row) >= 0) continue;
        if (!has_all_rows(sim, stream, record, first, missing))
            sim_fail(sim, PROPERTY_TORN, "%s at %lld is there without %s", row->key,
                     (long long)version->version_s, missing);
        return;
    }
    sim_fail(sim, PROPERTY_INVENTED, "%s at %lld: no such version, or stored under another day", row->key,
             (long long)row->version_us);
}

static void check_child(struct sim *sim, size_t stream, const struct fake_row *row)
{
    const char *slash = strchr(row->key, '/');
    const struct fake_record *record = find_record(sim, stream, row->key, (size_t)(slash - row->key));
    for (size_t i = 0; record && i < record->child_count; i++) {
        const struct fake_child *child = &record->children[i];
        if (strcmp(child->id, slash + 1) == 0 && child->updated_s * SECOND == row->version_us &&
            child->redacted == row->flag && child->content == check_content_of(row) &&
            zone_day(sim->zone, child->created_s).n == row->day.n)
            return;
    }
    sim_fail(sim, PROPERTY_INVENTED, "%s at %lld: no such version, or stored under another day", row->key,
             (long long)row->version_us);
}

int check_content_of(const struct fake_row *row)
{
    const char *at = strstr(row->text, "\":\"c");
    while (at && (at[4] < '0' || at[4] > '9'))
        at = strstr(at + 1, "\":\"c");
    return at ? at[4] - '0' : -1;
}

static void check_label(struct sim *sim, size_t stream, const struct fake_row *row)
{
    const struct fake_record *record = find_record(sim, stream, row->set, strlen(row->set));
    for (size_t i = 0; record && i < record->version_count; i++) {
        const struct fake_version *version = &record->versions[i];
        if (version->version_s * SECOND != row->version_us) continue;
        for (const struct json_value *label = value_elements(version->set); label; label = label->next)
            if (strcmp(value_text_at(label, "id"), strchr(row->key, '/') + 1) == 0) return;
    }
    sim_fail(sim, PROPERTY_INVENTED, "label %s at %lld: no such set", row->key, (long long)row->version_us);
}

static void remember_row(struct seen_table *seen, const struct fake_row *row)
{
    if (seen->count == seen->capacity) {
        seen->capacity = seen->capacity ? 2 * seen->capacity : 32;
        seen->rows = mem_grow(seen->rows, seen->capacity, sizeof *seen->rows);
    }
    seen->rows[seen->count++] = (struct seen_row){
        .key = mem_text(row->key), .version_us = row->version_us, .day = row->day, .serial = row->serial};
}

void check_rows(struct sim *sim)
{
    if (sim->warehouse.serial == sim->serial_seen) return;
    for (size_t p = 0; p < TABLE_REFS; p++) {
        const struct fake_table *table = table_at(sim, p);
        if (!table) continue;
        size_t first = table->count;
        while (first > 0 && table->rows[first - 1].serial >= sim->serial_seen)
            first--;
        check_lost(sim, table, &sim->seen[p]);
        for (size_t i = first; i < table->count; i++) {
            check_reading(sim, table, i);
            if (table_refs[p].table == 0)
                check_parent(sim, table_refs[p].stream, &table->rows[i]);
            else if (table_refs[p].table == 2)
                check_label(sim, table_refs[p].stream, &table->rows[i]);
            else
                check_child(sim, table_refs[p].stream, &table->rows[i]);
            remember_row(&sim->seen[p], &table->rows[i]);
        }
    }
    sim->serial_seen = sim->warehouse.serial;
}

/* The version that a search shows now. NULL if none, or if the source already sends a newer one. */
static const struct fake_version *readable_version(const struct sim *sim, const struct fake_record *record)
{
    const struct fake_version *shown = fake_source_shown(&sim->source, record);
    return shown && fake_source_sent(record, shown) == shown ? shown : NULL;
}

static void check_claim(struct sim *sim, size_t stream, const struct state *state,
                        const struct fake_record *record)
{
    const struct fake_version *shown = readable_version(sim, record);
    char missing[64], text[DAY_TEXT];
    if (!shown) return;
    struct day_state day = state_day(state, zone_day(sim->zone, shown->version_s));
    if (!plan_covered(state, &day.newest, day.held) || shown->visible_us > day.newest.began_us) return;
    sim_count(sim, EVENT_CLAIM_CHECKED);
    if (has_all_rows(sim, stream, record, shown, missing)) return;
    day_format(day.day, text);
    sim_fail(sim, PROPERTY_CLAIM, "%s of %s is claimed with %lld rows (it holds %lld) without %s", text,
             sim->selections[stream].stream->name, (long long)day.newest.rows, (long long)day.held, missing);
}

/* Only days that were over and settled when the fetch began may be claimed at all. */
static void check_ledger_row(struct sim *sim, const struct fake_ledger_row *row)
{
    int64_t settled_s = row->began_us / SECOND - sim->plan.settle_minutes * INT64_C(60);
    if (row->unit.claim_hi.n >= row->unit.lo.n && row->unit.claim_hi.n >= zone_day(sim->zone, settled_s).n)
        sim_fail(sim, PROPERTY_CLAIM, "%s of %s claims a day that was not over and settled", row->run_id,
                 row->stream->name);
}

static void check_stream_claims(struct sim *sim, size_t stream)
{
    const struct fake_stream *in = fake_source_stream(&sim->source, sim->selections[stream].stream);
    struct state state;
    struct error err;
    if (!fake_warehouse_read(&sim->warehouse, &sim->selections[stream], "", &state, &err))
        return; /* a table is missing: no claim is believed */
    for (size_t i = 0; i < in->record_count; i++)
        check_claim(sim, stream, &state, &in->records[i]);
    state_done(&state);
}

/* Claims are checked only after commits and deletes. In between no claim becomes false: a search shows the
 * same version as before, or one that became visible after all claims. */
void check_claims(struct sim *sim, bool all)
{
    bool changed[SIM_STREAMS] = {all, all};
    for (; sim->ledger_seen < sim->warehouse.ledger_count; sim->ledger_seen++) {
        const struct fake_ledger_row *row = &sim->warehouse.ledger[sim->ledger_seen];
        check_ledger_row(sim, row);
        for (size_t s = 0; s < SIM_STREAMS; s++)
            if (sim->selections[s].stream == row->stream) changed[s] = true;
    }
    for (size_t s = 0; s < SIM_STREAMS; s++)
        if (changed[s]) check_stream_claims(sim, s);
}

/* The days that must be complete when a message is acknowledged. */
struct day_range {
    struct day lo, hi;
};

/* A day that was not settled when it was erased has no claim, so only the next tick notices. */
static struct day_range requested_days(const struct sim *sim, const struct request *request,
                                       int64_t published_us)
{
    int64_t settled_s = published_us / SECOND - sim->plan.settle_minutes * INT64_C(60);
    struct day settled = day_add(zone_day(sim->zone, settled_s), -1);
    struct day_range range = {.lo = request->has_from ? request->from : sim->plan.start, .hi = {INT32_MAX}};
    if (request->has_to) range.hi = request->to;
    if (sim->erased_us >= published_us || (request->has_from && !request->has_to))
        range.hi = day_min(range.hi, settled);
    return range;
}

static void check_stream(struct sim *sim, size_t s, const struct day_range *range, int64_t published_us)
{
    const struct fake_stream *in = fake_source_stream(&sim->source, sim->selections[s].stream);
    char missing[64];
    for (size_t i = 0; i < in->record_count; i++) {
        const struct fake_version *shown = readable_version(sim, &in->records[i]);
        if (!shown || shown->visible_us > published_us) continue;
        struct day day = zone_day(sim->zone, shown->version_s);
        if (day.n < range->lo.n || day.n > range->hi.n ||
            has_all_rows(sim, s, &in->records[i], shown, missing))
            continue;
        sim_fail(sim, published_us == NEVER ? PROPERTY_NEWEST : PROPERTY_SERVED, "%s is not in the tables",
                 missing);
    }
}

static bool has_since(struct sim *sim, size_t stream, const struct fake_record *record, size_t first)
{
    const struct fake_table *table =
        fake_warehouse_table(&sim->warehouse, sim->selections[stream].tables[0]->name);
    for (size_t i = first; table && i < record->version_count; i++)
        if (fake_table_find(table, record->id, record->versions[i].version_s * SECOND)) return true;
    return false;
}

static void check_moved(struct sim *sim, size_t stream, int64_t published_us)
{
    const struct fake_stream *in = fake_source_stream(&sim->source, sim->selections[stream].stream);
    for (size_t i = 0; i < in->record_count; i++) {
        const struct fake_record *record = &in->records[i];
        size_t count = record->version_count;
        while (count > 0 && record->versions[count - 1].visible_us > published_us)
            count--;
        if (count == 0 || count == record->version_count ||
            zone_day(sim->zone, record->versions[count - 1].version_s).n < sim->plan.start.n)
            continue;
        sim_count(sim, EVENT_MOVED_CHECKED);
        if (!has_since(sim, stream, record, count - 1))
            sim_fail(sim, PROPERTY_MOVED, "%s is not in the tables since %lld", record->id,
                     (long long)record->versions[count - 1].version_s);
    }
}

/* And never hidden. */
static bool are_found_at_once(const struct fault_rates *rates)
{
    return rates->death_interval_us == NEVER && rates->late == 0 && rates->unindexed == 0 &&
           rates->future == 0 && !rates->sent_newer;
}

void check_served(struct sim *sim, const struct sim_worker *worker, const struct request *request,
                  int64_t published_us)
{
    if (sim->erased_us >= worker->began_us || worker->was_short) return;
    struct day_range range = requested_days(sim, request, published_us);
    const bool may_move = !request->has_from && !request->has_to && are_found_at_once(&sim->rates);
    for (size_t i = 0; i < request->count; i++) {
        const size_t stream = (size_t)(request->selections[i] - sim->selections);
        if (request->selections[i]->stream->kind == STREAM_RECONCILE) continue;
        check_stream(sim, stream, &range, published_us);
        if (may_move && sim->erased_us < published_us) check_moved(sim, stream, published_us);
    }
}

void check_newest(struct sim *sim)
{
    const struct day_range all = {.lo = sim->plan.start, .hi = {INT32_MAX}};
    for (size_t s = 0; s < SIM_STREAMS; s++)
        check_stream(sim, s, &all, NEVER);
}

void check_forget_day(struct sim *sim, size_t table, struct day day)
{
    struct seen_table *seen = &sim->seen[table];
    size_t kept = 0;
    for (size_t i = 0; i < seen->count; i++) {
        if (seen->rows[i].day.n == day.n)
            free(seen->rows[i].key);
        else
            seen->rows[kept++] = seen->rows[i];
    }
    seen->count = kept;
}

void check_forget_row(struct sim *sim, size_t table, int64_t serial)
{
    struct seen_table *seen = &sim->seen[table];
    for (size_t i = 0; i < seen->count; i++) {
        if (seen->rows[i].serial != serial) continue;
        free(seen->rows[i].key);
        seen->count--;
        memmove(&seen->rows[i], &seen->rows[i + 1], (seen->count - i) * sizeof *seen->rows);
        return;
    }
}

void check_forget_table(struct sim *sim, size_t table)
{
    struct seen_table *seen = &sim->seen[table];
    for (size_t i = 0; i < seen->count; i++)
        free(seen->rows[i].key);
    free(seen->rows);
    *seen = (struct seen_table){0};
}

void check_end(struct sim *sim)
{
    for (size_t p = 0; p < TABLE_REFS; p++)
        check_forget_table(sim, p);
}
