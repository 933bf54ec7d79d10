/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - what must hold in every history, whatever happened.
 *
 *  double    At no time does a table hold the same key and version twice.
 *  deleted_during_read  No committed row ever disappears, but by the deletes and drops of the history itself.
 *  invented  Every row is a version that the source had, on its own day.
 *  torn      With a row of a record stand all children that this version of the record had.
 *  claim     A claim that the plan believes (plan_covered) is honest: take what a search shows of a record
 * now. If its version is dated that day, and was visible when the claim's fetch began, it was shown all the
 * time since, because a newer visible version would have replaced it for good. So the fetch had to see it,
 * and the table must hold it. served    When a run ends well, everything its message asked for that was
 * visible when the message was published, and is still shown, is in the table. So whatever is acked is there.
 * (Not checked if something was deleted since: then the next tick has to notice.) newest    After a quiet
 * hour (nothing is late any more, no job is under way) and one bare tick without faults, the newest version
 * of every record of the configured days is there, with all its children. stuck     That tick is served.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim.h"

/* Which stream, and which of its tables. */
struct place {
    size_t stream, table;
};

static const struct place places[] = {{0, 0}, {1, 0}, {1, 1}};

#define PLACES (sizeof places / sizeof places[0])

static const char *const names[PROPERTIES] = {
    [PROPERTY_NONE] = "none",
    [PROPERTY_DOUBLE] = "double",
    [PROPERTY_VANISHED] = "deleted_during_read",
    [PROPERTY_INVENTED] = "invented",
    [PROPERTY_TORN] = "torn",
    [PROPERTY_CLAIM] = "claim",
    [PROPERTY_SERVED] = "served",
    [PROPERTY_NEWEST] = "newest",
    [PROPERTY_STUCK] = "stuck",
};

const char *property_name(enum property property)
{
    return names[property];
}

void sim_break(struct sim *sim, enum property property, const char *format, ...)
{
    if (sim->broken != PROPERTY_NONE) return;
    va_list args;
    va_start(args, format);
    vsnprintf(sim->problem, sizeof sim->problem, format, args);
    va_end(args);
    sim->broken = property;
    sim_say(sim, "BROKEN: %s: %s", names[property], sim->problem);
}

static struct fake_table *table_at(struct sim *sim, size_t place)
{
    const struct selection *selection = &sim->selections[places[place].stream];
    return fake_warehouse_table(&sim->warehouse, selection->tables[places[place].table]->name);
}

static bool same_row(const struct fake_row *a, const char *key, int64_t version_us)
{
    return a->version_us == version_us && strcmp(a->key, key) == 0;
}

static void check_double(struct sim *sim, const struct fake_table *table, size_t i)
{
    const struct fake_row *row = &table->rows[i];
    for (size_t j = 0; j < i; j++)
        if (same_row(&table->rows[j], row->key, row->version_us))
            sim_break(sim, PROPERTY_DOUBLE, "%s holds %s at %lld twice", table->name, row->key,
                      (long long)row->version_us);
}

/* Rows keep their order, so almost always the i-th row is still the i-th. */
static void check_vanished(struct sim *sim, const struct fake_table *table, const struct seen_table *seen)
{
    for (size_t i = 0; i < seen->count; i++) {
        const struct seen_row *row = &seen->rows[i];
        if (i < table->count && table->rows[i].serial == row->serial) continue;
        if (!fake_table_find(table, row->key, row->version_us))
            sim_break(sim, PROPERTY_VANISHED, "%s lost %s at %lld", table->name, row->key,
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

/* Is the version there, with all its children? Else out_missing says what is not. */
static bool is_whole(struct sim *sim, size_t stream, const struct fake_record *record,
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
    for (size_t i = 0; record && i < record->version_count; i++) {
        const struct fake_version *version = &record->versions[i];
        if (version->version_s * SECOND != row->version_us) continue;
        if (zone_day(sim->zone, version->version_s).n != row->day.n) break;
        if (!is_whole(sim, stream, record, version, missing))
            sim_break(sim, PROPERTY_TORN, "%s at %lld stands without its %s", row->key,
                      (long long)version->version_s, missing);
        return;
    }
    sim_break(sim, PROPERTY_INVENTED, "%s at %lld was never there, or on another day", row->key,
              (long long)row->version_us);
}

static void check_child(struct sim *sim, size_t stream, const struct fake_row *row)
{
    const char *slash = strchr(row->key, '/');
    const struct fake_record *record = find_record(sim, stream, row->key, (size_t)(slash - row->key));
    for (size_t i = 0; record && i < record->child_count; i++) {
        const struct fake_child *child = &record->children[i];
        if (strcmp(child->id, slash + 1) == 0 && child->updated_s * SECOND == row->version_us &&
            zone_day(sim->zone, child->created_s).n == row->day.n)
            return;
    }
    sim_break(sim, PROPERTY_INVENTED, "%s at %lld was never there, or on another day", row->key,
              (long long)row->version_us);
}

static void see(struct seen_table *seen, const struct fake_row *row)
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
    for (size_t p = 0; p < PLACES; p++) {
        const struct fake_table *table = table_at(sim, p);
        if (!table) continue;
        size_t first = table->count;
        while (first > 0 && table->rows[first - 1].serial >= sim->serial_seen)
            first--;
        check_vanished(sim, table, &sim->seen[p]);
        for (size_t i = first; i < table->count; i++) {
            check_double(sim, table, i);
            if (places[p].table == 0)
                check_parent(sim, places[p].stream, &table->rows[i]);
            else
                check_child(sim, places[p].stream, &table->rows[i]);
            see(&sim->seen[p], &table->rows[i]);
        }
    }
    sim->serial_seen = sim->warehouse.serial;
}

/* What a search shows of a record now; NULL too if it is a version that can't be had any more, as the record
 * is sent with what it became since. */
static const struct fake_version *shown_of(const struct sim *sim, const struct fake_record *record)
{
    const struct fake_version *shown = fake_source_shown(&sim->source, record);
    return shown && fake_source_sent(record, shown) == shown ? shown : NULL;
}

static void check_claim(struct sim *sim, size_t stream, const struct state *state,
                        const struct fake_record *record)
{
    const struct fake_version *shown = shown_of(sim, record);
    char missing[64], text[DAY_TEXT];
    if (!shown) return;
    struct day_state day = state_day(state, zone_day(sim->zone, shown->version_s));
    if (!plan_covered(state, &day.newest, day.held) || shown->visible_us > day.newest.began_us) return;
    sim_count(sim, EVENT_CLAIM_CHECKED);
    if (is_whole(sim, stream, record, shown, missing)) return;
    day_format(day.day, text);
    sim_break(sim, PROPERTY_CLAIM, "%s of %s is claimed with %lld rows (it holds %lld) without %s", text,
              sim->selections[stream].stream->name, (long long)day.newest.rows, (long long)day.held, missing);
}

/* Only days that were over and settled when the fetch began may be claimed at all. */
static void check_ledger_row(struct sim *sim, const struct fake_ledger_row *row)
{
    int64_t settled_s = row->began_us / SECOND - sim->plan.settle_minutes * INT64_C(60);
    if (row->unit.claim_hi.n >= row->unit.lo.n && row->unit.claim_hi.n >= zone_day(sim->zone, settled_s).n)
        sim_break(sim, PROPERTY_CLAIM, "%s of %s claims a day that was not over and settled", row->run_id,
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

/* Between commits and deletes no claim becomes false: what a search shows of a record is either what it
 * showed before, or was not visible when any of the claims was made. */
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

/* The days of a message that must be there when it is acked. */
struct span {
    struct day lo, hi;
};

/* What is not settled yet when a day or table is erased is not claimed: only the next tick can notice. */
static struct span asked_days(const struct sim *sim, const struct request *request, int64_t published_us)
{
    int64_t settled_s = published_us / SECOND - sim->plan.settle_minutes * INT64_C(60);
    struct day settled = day_add(zone_day(sim->zone, settled_s), -1);
    struct span span = {.lo = request->has_from ? request->from : sim->plan.start, .hi = {INT32_MAX}};
    if (request->has_to) span.hi = request->to;
    if (sim->erased_us >= published_us || (request->has_from && !request->has_to))
        span.hi = day_min(span.hi, settled);
    return span;
}

static void check_stream(struct sim *sim, size_t s, const struct span *span, int64_t published_us)
{
    const struct fake_stream *in = fake_source_stream(&sim->source, sim->selections[s].stream);
    char missing[64];
    for (size_t i = 0; i < in->record_count; i++) {
        const struct fake_version *shown = shown_of(sim, &in->records[i]);
        if (!shown || shown->visible_us > published_us) continue;
        struct day day = zone_day(sim->zone, shown->version_s);
        if (day.n < span->lo.n || day.n > span->hi.n || is_whole(sim, s, &in->records[i], shown, missing))
            continue;
        sim_break(sim, published_us == NEVER ? PROPERTY_NEWEST : PROPERTY_SERVED, "%s is not in the tables",
                  missing);
    }
}

void check_served(struct sim *sim, const struct hand *hand, const struct request *request,
                  int64_t published_us)
{
    if (sim->erased_us >= hand->began_us) return;
    struct span span = asked_days(sim, request, published_us);
    for (size_t i = 0; i < request->count; i++)
        check_stream(sim, (size_t)(request->selections[i] - sim->selections), &span, published_us);
}

void check_newest(struct sim *sim)
{
    const struct span all = {.lo = sim->plan.start, .hi = {INT32_MAX}};
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
    for (size_t p = 0; p < PLACES; p++)
        check_forget_table(sim, p);
}
