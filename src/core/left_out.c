/* SPDX-License-Identifier: Apache-2.0 */
/* left_out.c - child tables that commits leave out, and what makes them complete later. */
#include "stream_run.h"

/* Of a stream's children only some are configured, and some are forbidden. */
void stream_run_note_children(const struct stream_run *run, struct commit *commit)
{
    const struct selection *selection = run->selection;
    const struct stream *stream = selection->stream;
    const struct zone *zone = run->context->plan.zone;
    for (size_t i = 0; i < stream->child_count; i++) {
        const struct table *table = stream->children[i].table;
        bool is_read = selection_has_table(selection, table) && run->left_out != table;
        if (!is_read && stream_keeps_rows(stream, table)) commit->left_out[commit->left_out_count++] = table;
    }
    commit->children_from = day_of_civil(1, 1, 1);
    if (stream->kind != STREAM_SCAN || run->share->plan.since_s == INT64_MIN) return;
    commit->children_from = zone_day(zone, run->share->plan.since_s);
    if (zone_start_s(zone, commit->children_from) < run->share->plan.since_s)
        commit->children_from = day_add(commit->children_from, 1);
}

static bool check_lacks(struct stream_run *run, size_t table, struct error *err)
{
    const struct run_context *context = run->context;
    const struct source_ops *ops = context->source->ops;
    struct state *state = &run->share->state;
    struct day_state *first = NULL, *last = NULL;
    bool can_read = true;
    for (size_t i = 0; i < state->day_count; i++) {
        struct day_state *day = &state->days[i];
        if (day->held == 0) day->lacks &= ~(1U << table); /* nothing has children */
        if (!(day->lacks & 1U << table)) continue;
        if (!first) first = day;
        last = day;
    }
    if (!first || !ops->can_read_child) return true;
    struct window window = {.from_s = zone_start_s(context->plan.zone, first->day),
                            .to_s = zone_start_s(context->plan.zone, day_add(last->day, 1))};
    progress_step(context->progress, "asking for a child that was left out");
    if (!ops->can_read_child(context->source, run->selection, table, window, &can_read, err)) return false;
    for (size_t i = 0; !can_read && i < state->day_count; i++)
        state->days[i].lacks &= ~(1U << table);
    return true;
}

bool stream_run_check_lacks(struct stream_run *run, struct error *err)
{
    for (size_t i = 1; i < run->selection->table_count; i++)
        if (!check_lacks(run, i, err)) return false;
    return true;
}
