/* SPDX-License-Identifier: Apache-2.0 */
/* workspace.c - the records of the source: when they change, and when a search can see it. */
#include <stdio.h>
#include <string.h>

#include "sim.h"

static const struct stream *stream_of(const struct sim *sim, size_t stream)
{
    return sim->selections[stream].stream;
}

/* The latest instant at which a version may become visible without being missed. The last fetch of a day
 * begins when DATE(now - settle) is `lookback` days after it, at least one.
 */
static int64_t latest_visible_us(const struct sim *sim, int64_t version_s)
{
    int days = sim->plan.lookback_days > 1 ? sim->plan.lookback_days : 1;
    struct day day = day_add(zone_day(sim->zone, version_s), days);
    return (zone_start_s(sim->zone, day) + sim->plan.settle_minutes * INT64_C(60)) * SECOND;
}

static int64_t visible_us(struct sim *sim, int64_t version_s)
{
    int64_t bound = latest_visible_us(sim, version_s);
    int64_t longest = bound - sim->now_us;
    if (longest <= 0 || !rng_chance(&sim->rng, sim->rates.late)) return sim->now_us;
    if (rng_chance(&sim->rng, 700) && longest > HOUR) longest = HOUR;
    int64_t lag = rng_chance(&sim->rng, 200) ? longest : rng_below(&sim->rng, longest);
    sim_count(sim, lag > 12 * HOUR ? EVENT_LATE_BY_A_DAY : EVENT_LATE);
    return sim->now_us + lag;
}

static const struct fake_child *any_current_child(struct sim *sim, const struct fake_record *record)
{
    size_t i = (size_t)rng_below(&sim->rng, (int64_t)record->child_count);
    for (size_t later = i + 1; later < record->child_count; later++)
        if (strcmp(record->children[later].id, record->children[i].id) == 0) i = later;
    return &record->children[i];
}

/* Adds a reply, possibly imported with an old date, or edits an existing one. */
static void add_child(struct sim *sim, const struct stream *stream, const struct fake_record *record,
                      int64_t version_s)
{
    char id[24];
    struct fake_child child = {.id = id, .created_s = version_s, .updated_s = version_s};
    snprintf(id, sizeof id, "r%lld", (long long)sim->children);
    if (record->child_count > 0 && rng_chance(&sim->rng, 300)) {
        const struct fake_child *old = any_current_child(sim, record);
        snprintf(id, sizeof id, "%s", old->id);
        child.created_s = old->created_s;
        child.redacted = old->redacted;
        child.content = (int)rng_below(&sim->rng, 3);
        sim_count(sim, EVENT_CHILD_EDITED);
    } else {
        sim->children++;
        if (rng_chance(&sim->rng, 200)) child.created_s -= rng_below(&sim->rng, 30 * DAY / SECOND);
        sim_count(sim, EVENT_CHILD);
    }
    fake_source_put_child(&sim->source, stream, record->id, &child);
}

/* Edits or redacts a reply, whose time stays. */
static void change_child(struct sim *sim, const struct stream *stream, const struct fake_record *record)
{
    char id[24];
    if (record->child_count == 0) return;
    struct fake_child child = *any_current_child(sim, record);
    snprintf(id, sizeof id, "%s", child.id);
    child.id = id;
    if (rng_chance(&sim->rng, 300))
        child.redacted = !child.redacted;
    else
        child.content = (child.content + 1) % 3;
    sim_count(sim, EVENT_SILENT_CHILD);
    fake_source_put_child(&sim->source, stream, record->id, &child);
}

static unsigned labels_of(const struct fake_version *version)
{
    unsigned labels = 0;
    for (const struct json_value *label = value_elements(version->set); label; label = label->next)
        labels |= 1U << (value_text_at(label, "id")[0] - 'a');
    return labels;
}

/* Lists of the first stream are read whole. */
static bool is_unindexed(struct sim *sim, size_t stream, const struct fake_record *record)
{
    if (stream > 0 || record->sent_newer || !rng_chance(&sim->rng, sim->rates.unindexed)) return false;
    sim_count(sim, EVENT_UNINDEXED);
    return true;
}

/* The next state of a record. Two changes in one second have the same version, as silent changes have. */
static void add_version(struct sim *sim, size_t stream, size_t record, int64_t version_s, int64_t shown_us)
{
    const struct stream *kind = stream_of(sim, stream);
    const char *id = sim->records[stream][record].id;
    struct fake_record *known = fake_source_record(&sim->source, kind, id);
    struct fake_version before = {.version_s = INT64_MIN};
    if (known->version_count > 0) before = known->versions[known->version_count - 1];
    unsigned labels = labels_of(&before);
    bool is_silent = version_s <= before.version_s;
    if (is_silent) version_s = before.version_s;
    if (shown_us < before.visible_us) shown_us = before.visible_us;
    if (kind->child_count > 0 && rng_chance(&sim->rng, 300))
        is_silent ? change_child(sim, kind, known) : add_child(sim, kind, known, version_s);
    struct fake_version *version = fake_source_put(&sim->source, kind, id, version_s);
    version->visible_us = shown_us;
    version->is_unindexed = is_silent ? before.is_unindexed : is_unindexed(sim, stream, known);
    fake_version_set_content(version, (int)rng_below(&sim->rng, 3));
    if (is_silent) sim_count(sim, EVENT_SILENT);
    if (kind->child_count < 2) return;
    if (rng_chance(&sim->rng, is_silent ? 600 : 300)) {
        labels ^= 1U << rng_below(&sim->rng, 3);
        if (is_silent) sim_count(sim, EVENT_SILENT_SET);
    }
    fake_version_set_labels(version, id, labels);
}

void workspace_update(struct sim *sim, size_t stream, size_t record, bool nightly)
{
    const struct fake_record *known =
        fake_source_record(&sim->source, stream_of(sim, stream), sim->records[stream][record].id);
    bool is_silent = known->version_count > 0 && rng_chance(&sim->rng, sim->rates.silent);
    int64_t version_s = sim->now_us / SECOND;
    if (is_silent) {
        add_version(sim, stream, record, INT64_MIN, sim->now_us);
        return;
    }
    if (rng_chance(&sim->rng, sim->rates.future)) {
        version_s += rng_below(&sim->rng, 2 * DAY / SECOND); /* the source's clock is sent_newer */
        sim_count(sim, EVENT_FUTURE);
    }
    int64_t shown_us = visible_us(sim, version_s);
    sim_count(sim, nightly ? EVENT_NIGHTLY_UPDATE : EVENT_UPDATE);
    sim_trace(sim, "update %s, visible after %lld s", sim->records[stream][record].id,
              (long long)((shown_us - sim->now_us) / SECOND));
    add_version(sim, stream, record, version_s, shown_us);
}

void workspace_update_any(struct sim *sim)
{
    size_t stream = (size_t)rng_below(&sim->rng, SIM_STREAMS);
    if (sim->rates.never_updated[stream]) stream = SIM_STREAMS - 1 - stream;
    if (sim->rates.never_updated[stream]) return;
    workspace_update(sim, stream, (size_t)rng_below(&sim->rng, (int64_t)sim->record_count[stream]), false);
}

void workspace_update_nightly(struct sim *sim)
{
    for (size_t s = 0; s < SIM_STREAMS; s++)
        for (size_t i = 0; i < sim->record_count[s]; i++)
            if (sim->records[s][i].nightly && !sim->rates.never_updated[s]) workspace_update(sim, s, i, true);
}

/* An empty list is refused: one record stays. */
static bool is_last(struct sim *sim, const struct fake_record *record)
{
    const struct fake_stream *in = fake_source_stream(&sim->source, stream_of(sim, 0));
    for (size_t i = 0; i < in->record_count; i++)
        if (&in->records[i] != record && in->records[i].version_count > 0 && !in->records[i].is_gone &&
            !in->records[i].is_hidden)
            return false;
    return true;
}

static bool is_loaded(struct sim *sim, const struct fake_record *record)
{
    const struct fake_table *table = fake_warehouse_table(&sim->warehouse, stream_of(sim, 0)->table->name);
    int64_t version_us = record->versions[record->version_count - 1].version_s * SECOND;
    return table && fake_table_find(table, record->id, version_us);
}

/* Searches show it from now on. One that is loaded may come back as it was. */
static void come_back(struct sim *sim, size_t index, struct fake_record *record)
{
    struct fake_version *newest = &record->versions[record->version_count - 1];
    sim->records[0][index].returned_us = sim->now_us;
    sim_count(sim, EVENT_RETURN);
    newest->visible_us = sim->now_us;
    if (!is_loaded(sim, record) || rng_chance(&sim->rng, 500))
        add_version(sim, 0, index, sim->now_us / SECOND, sim->now_us);
    record->versions[record->version_count - 1].is_unindexed = false;
}

void workspace_change_life(struct sim *sim)
{
    size_t index = (size_t)rng_below(&sim->rng, (int64_t)sim->record_count[0]);
    struct fake_record *record =
        fake_source_record(&sim->source, stream_of(sim, 0), sim->records[0][index].id);
    if (record->version_count == 0 || is_last(sim, record)) return;
    sim_trace(sim, "%s is %s", record->id,
              record->is_gone     ? "back"
              : record->is_hidden ? "shown"
                                  : "changed");
    record->is_unknown = rng_chance(&sim->rng, 200);
    if (record->is_unknown) sim_count(sim, EVENT_UNREADABLE);
    if (record->is_gone || record->is_hidden) {
        record->is_gone = record->is_hidden = false;
        come_back(sim, index, record);
    } else if (rng_chance(&sim->rng, 300)) {
        record->is_hidden = true;
        sim_count(sim, EVENT_HIDDEN);
    } else {
        record->is_gone = true;
        sim->records[0][index].gone_us = sim->now_us;
        sim->records[0][index].returned_us = NEVER;
        sim_count(sim, EVENT_DEATH);
    }
}

void workspace_settle(struct sim *sim)
{
    struct fake_stream *in = fake_source_stream(&sim->source, stream_of(sim, 0));
    for (size_t i = 0; i < in->record_count; i++)
        in->records[i].is_unknown = false;
}

/* Most records exist up to two weeks before the history begins; the others are created by their first
 * update. */
void workspace_begin(struct sim *sim)
{
    for (size_t s = 0; s < SIM_STREAMS; s++) {
        sim->record_count[s] = (size_t)rng_between(&sim->rng, 1, SIM_RECORDS);
        for (size_t i = 0; i < sim->record_count[s]; i++) {
            struct record_plan *record = &sim->records[s][i];
            snprintf(record->id, sizeof record->id, "%c%u", s == 0 ? 'p' : 't', (unsigned)i);
            record->nightly = rng_chance(&sim->rng, sim->rates.nightly);
            /* Core does not handle a page on which every record changed while it was read. */
            fake_source_record(&sim->source, stream_of(sim, s), record->id)->sent_newer =
                i == 0 && sim->rates.sent_newer;
            if (rng_chance(&sim->rng, 700))
                add_version(sim, s, i, sim->now_us / SECOND - rng_below(&sim->rng, 14 * DAY / SECOND) - 1, 0);
        }
    }
}

int64_t workspace_last_visible_us(const struct sim *sim)
{
    int64_t last = 0;
    for (size_t s = 0; s < sim->source.stream_count; s++)
        for (size_t i = 0; i < sim->source.streams[s].record_count; i++) {
            const struct fake_record *record = &sim->source.streams[s].records[i];
            for (size_t v = 0; v < record->version_count; v++)
                if (record->versions[v].visible_us > last) last = record->versions[v].visible_us;
        }
    return last;
}
