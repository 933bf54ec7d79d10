/* SPDX-License-Identifier: Apache-2.0 */
#include "unit_digest.h"

#include "base/hash.h"
#include "core/content.h"

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return hash_mix(hash ^ value);
}

void unit_digest_add(struct unit_digest *digest, const struct selection *selection, size_t table,
                     const struct json_value *record, const struct row_facts *facts)
{
    const struct table *target = selection->tables[table];
    uint64_t hash = mix(0, table);
    for (size_t i = 0; i < target->key_count; i++)
        hash = mix(hash, (uint64_t)content_hash(target, row_value(target, record, target->key[i])));
    hash = mix(hash, (uint64_t)facts->version_us);
    hash = mix(hash, (uint64_t)(int64_t)facts->day.n);
    hash = mix(hash, facts->has_content);
    digest->sum += mix(hash, (uint64_t)facts->content);
    if (table > 0 && !stream_keeps_rows(selection->stream, target)) digest->has_untracked = true;
}

int64_t unit_digest_end(const struct unit_digest *digest, const struct commit *commit)
{
    const struct unit *unit = &commit->unit;
    if (digest->has_untracked) return 0;
    uint64_t hash = mix(digest->sum, (uint64_t)(int64_t)unit->lo.n);
    hash = mix(hash, (uint64_t)(int64_t)unit->hi.n);
    hash = mix(hash, (uint64_t)(int64_t)unit->claim_hi.n);
    for (size_t i = 0; i < commit->left_out_count; i++)
        for (const char *c = commit->left_out[i]->name; *c; c++)
            hash = mix(hash, (unsigned char)*c);
    return (int64_t)(hash >> 1) | 1;
}

/* Scans have rows on any day. */
static int64_t rows_held(const struct state *state, const struct stream *stream, const struct unit *unit)
{
    int64_t rows = 0;
    for (size_t i = 0; i < state->day_count; i++)
        if (stream->kind == STREAM_SCAN || day_compare(state->days[i].day, unit->lo) >= 0)
            rows += state->days[i].held;
    return rows;
}

int64_t unit_digest_same_commit(const struct state *state, const struct stream *stream,
                                const struct unit *unit, int64_t digest)
{
    const struct last_commit *last = &state->last;
    if (digest == 0 || last->digest != digest || last->committed_us <= state->created_us ||
        last->held != rows_held(state, stream, unit) || state->scan.has_hole || state->scan.unread_count > 0)
        return 0;
    for (struct day day = unit->lo; day_compare(day, unit->claim_hi) <= 0; day = day_add(day, 1)) {
        struct day_state known = state_day(state, day);
        if (!plan_covered(state, &known.newest, known.held) ||
            known.newest.committed_us != last->committed_us)
            return 0;
    }
    return last->committed_us;
}
