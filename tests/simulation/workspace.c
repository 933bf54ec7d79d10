/* SPDX-License-Identifier: Apache-2.0 */
/* workspace.c - the records of the source: when they change, and when a search can see it. */
#include <stdio.h>

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

/* Adds a reply, possibly imported with an old date, or edits an existing one. */
static void add_child(struct sim *sim, const struct stream *stream, const struct fake_record *record,
                      int64_t version_s)
{
    char id[24];
    struct fake_child child = {.id = id, .created_s = version_s, .updated_s = version_s};
    snprintf(id, sizeof id, "r%lld", (long long)sim->children);
    if (record->child_count > 0 && rng_chance(&sim->rng, 300)) {
        const struct fake_child *old = &record->children[rng_below(&sim->rng, (int64_t)record->child_count)];
        snprintf(id, sizeof id, "%s", old->id);
        child.created_s = old->created_s;
        sim_count(sim, EVENT_CHILD_EDITED);
    } else {
        sim->children++;
        if (rng_chance(&sim->rng, 200)) child.created_s -= rng_below(&sim->rng, 30 * DAY / SECOND);
        sim_count(sim, EVENT_CHILD);
    }
    fake_source_put_child(&sim->source, stream, record->id, &child);
}

static void add_version(struct sim *sim, size_t stream, size_t record, int64_t version_s, int64_t shown_us)
{
    const struct stream *kind = stream_of(sim, stream);
    const char *id = sim->records[stream][record].id;
    const struct fake_record *known = fake_source_record(&sim->source, kind, id);
    if (known->version_count > 0 && known->versions[known->version_count - 1].version_s >= version_s)
        return; /* two changes in one second have the same version */
    if (kind->child_count > 0 && rng_chance(&sim->rng, 300)) add_child(sim, kind, known, version_s);
    fake_source_put(&sim->source, kind, id, version_s)->visible_us = shown_us;
}

void workspace_update(struct sim *sim, size_t stream, size_t record, bool nightly)
{
    int64_t version_s = sim->now_us / SECOND;
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
