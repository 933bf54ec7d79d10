/* SPDX-License-Identifier: Apache-2.0 */
/* fake_state.c - what the warehouse's double says about a stream. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fake_internal.h"

/* The day's entry, made if it is missing; days stay ascending. hint: where it may be. */
static struct day_state *state_slot(struct state *state, struct day day, size_t hint)
{
    size_t lo = 0, hi = state->day_count;
    if (hint < hi && state->days[hint].day.n == day.n) return &state->days[hint];
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (state->days[mid].day.n < day.n)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo < state->day_count && state->days[lo].day.n == day.n) return &state->days[lo];
    if ((state->day_count & (state->day_count - 1)) == 0)
        state->days = mem_grow(state->days, state->day_count ? 2 * state->day_count : 1, sizeof *state->days);
    for (size_t i = state->day_count++; i > lo; i--)
        state->days[i] = state->days[i - 1];
    state->days[lo] = (struct day_state){.day = day};
    return &state->days[lo];
}

static void add_claims(struct state *state, const struct fake_ledger_row *row, const char *message_id)
{
    bool own = message_id[0] && strcmp(row->message_id, message_id) == 0;
    size_t hint = 0;
    for (struct day day = row->unit.lo; day.n <= row->unit.claim_hi.n; day.n++) {
        if (row->held[day.n - row->unit.lo.n] < 0) continue;
        struct day_state *slot = state_slot(state, day, hint);
        hint = (size_t)(slot - state->days) + 1;
        slot->newest = (struct claim){.any = true,
                                      .rows = row->held[day.n - row->unit.lo.n],
                                      .began_us = row->began_us,
                                      .committed_us = row->committed_us};
        if (own) slot->own = slot->newest;
    }
}

/* Rows that a commit put on days that others had claimed: the claims are believed with so many more. */
static void count_added(struct state *state, const struct fake_ledger_row *row)
{
    for (size_t i = 0; i < row->added_count; i++) {
        struct day_state *slot = state_slot(state, row->added[i], SIZE_MAX);
        if (slot->newest.any) slot->newest.rows++;
        if (slot->own.any) slot->own.rows++;
    }
}

static int64_t rows_on(const struct fake_warehouse *warehouse, const struct fake_children *note)
{
    const struct fake_table *table =
        fake_warehouse_table((struct fake_warehouse *)(uintptr_t)warehouse, note->table->name);
    int64_t rows = 0;
    for (size_t i = 0; table && i < table->count; i++)
        rows += table->rows[i].day.n == note->day.n;
    return rows;
}

static bool lacks_children(const struct fake_warehouse *warehouse, const struct fake_ledger_row *row)
{
    for (size_t i = 0; i < row->children_count; i++)
        if (rows_on(warehouse, &row->children[i]) < row->children[i].rows) return true;
    return false;
}

/* A claim whose children's rows are missing counts more rows than any table holds. */
static void break_claims(const struct fake_warehouse *warehouse, struct state *state,
                         const struct fake_ledger_row *row)
{
    bool is_known = false, is_broken = false;
    size_t hint = 0;
    for (struct day day = row->unit.lo; day.n <= row->unit.claim_hi.n; day.n++) {
        struct day_state *slot = state_slot(state, day, hint);
        hint = (size_t)(slot - state->days) + 1;
        bool is_newest = slot->newest.committed_us == row->committed_us;
        bool is_own = slot->own.any && slot->own.committed_us == row->committed_us;
        if (!is_newest && !is_own) continue;
        if (!is_known) is_broken = lacks_children(warehouse, row);
        is_known = true;
        if (!is_broken) return;
        if (is_newest) slot->newest.rows = INT64_MAX;
        if (is_own) slot->own.rows = INT64_MAX;
    }
}

/* The wrong idea that MAX(partition_date) tells all there is to know. */
static void believe_max(struct state *state)
{
    size_t count = state->day_count;
    while (count > 0 && state->days[count - 1].held == 0)
        count--;
    if (count == 0) return;
    struct day top = state->days[count - 1].day;
    for (struct day day = state->days[0].day; day.n <= top.n; day.n++) {
        struct day_state *slot = state_slot(state, day, SIZE_MAX);
        slot->newest = (struct claim){
            .any = true, .rows = slot->held, .began_us = state->now_us, .committed_us = state->now_us};
    }
}

bool fake_writes_same(const struct stream *one, const struct stream *other)
{
    const struct table *table = one->subject ? one->subject : one->table;
    return table == (other->subject ? other->subject : other->table);
}

const struct fake_ledger_row *fake_last_commit(const struct fake_warehouse *warehouse,
                                               const struct stream *stream)
{
    for (size_t i = warehouse->ledger_count; i-- > 0;) {
        const struct fake_ledger_row *row = &warehouse->ledger[i];
        if (!row->is_same && fake_writes_same(row->stream, stream)) return row;
    }
    return NULL;
}

static void read_last(const struct fake_warehouse *warehouse, const struct stream *stream,
                      struct state *state)
{
    const struct fake_ledger_row *last = fake_last_commit(warehouse, stream);
    if (!last || last->digest == 0 || lacks_children(warehouse, last)) return;
    state->last = (struct last_commit){
        .committed_us = last->committed_us, .digest = last->digest, .held = last->rows_held};
    if (warehouse->design != FAKE_SAME_UNCOUNTED) return;
    state->last.held = 0;
    for (size_t i = 0; i < state->day_count; i++)
        if (stream->kind == STREAM_SCAN || state->days[i].day.n >= last->unit.lo.n)
            state->last.held += state->days[i].held;
}

bool fake_warehouse_read(struct fake_warehouse *warehouse, const struct selection *selection,
                         const char *message_id, struct state *out_state, struct error *err)
{
    struct state state = {.now_us = *warehouse->now_us, .answered_us = *warehouse->now_us};
    for (size_t i = 0; i < selection->table_count; i++) {
        const struct fake_table *table = fake_warehouse_table(warehouse, selection->tables[i]->name);
        if (!table || !table->exists)
            return error_set(err, ERROR_BUSY, "table %s does not exist", selection->tables[i]->name);
        if (table->created_us > state.created_us) state.created_us = table->created_us;
    }
    const struct fake_table *own = fake_warehouse_table(warehouse, selection->tables[0]->name);
    size_t hint = 0;
    for (size_t i = 0; i < own->count; i++) {
        struct day_state *slot = state_slot(&state, own->rows[i].day, hint);
        slot->held++;
        hint = (size_t)(slot - state.days);
    }
    /* The ledger is in the order of commits, so the newest claim is the last one. */
    for (size_t i = 0; i < warehouse->ledger_count; i++) {
        const struct fake_ledger_row *row = &warehouse->ledger[i];
        if (row->stream->subject == selection->stream->table) count_added(&state, row);
        if (row->stream != selection->stream) continue;
        if (row->unit.open && !row->is_incomplete) {
            if (!state.any_open_run || row->began_us > state.open_run_us) state.open_run_us = row->began_us;
            state.any_open_run = true;
            state.scan = (struct scan_state){.any_run = true, .run_us = state.open_run_us};
        }
        if (warehouse->design != FAKE_MAX_ONLY) add_claims(&state, row, message_id);
        count_added(&state, row);
    }
    for (size_t i = 0; warehouse->design != FAKE_CHILDREN_IGNORED && i < warehouse->ledger_count; i++)
        if (warehouse->ledger[i].stream == selection->stream && warehouse->ledger[i].children_count > 0)
            break_claims(warehouse, &state, &warehouse->ledger[i]);
    if (warehouse->design == FAKE_MAX_ONLY) believe_max(&state);
    read_last(warehouse, selection->stream, &state);
    *out_state = state;
    return true;
}
