/* SPDX-License-Identifier: Apache-2.0 */
/* world.c - records that are touched at any moment, and become visible to a search when they like. */
#include <stdio.h>

#include "sim.h"

static const struct stream *stream_of(const struct sim *sim, size_t stream)
{
    return sim->selections[stream].stream;
}

/* The latest moment at which a version may become visible. This is what the finality of a claim promises to
 * bear: a day's last fetch begins when DATE(now - settle) has passed the day by `lookback` days, at least
 * one.
 */
static int64_t bound_us(const struct sim *sim, int64_t version_s)
{
    int days = sim->plan.lookback_days > 1 ? sim->plan.lookback_days : 1;
    struct day day = day_add(zone_day(sim->zone, version_s), days);
    return (zone_start_s(sim->zone, day) + sim->plan.settle_minutes * INT64_C(60)) * SECOND;
}

static int64_t visible_us(struct sim *sim, int64_t version_s)
{
    int64_t bound = bound_us(sim, version_s);
    int64_t longest = bound - sim->now_us;
    if (longest <= 0 || !dice_chance(&sim->dice, sim->habits.late)) return sim->now_us;
    if (dice_chance(&sim->dice, 700) && longest > HOUR) longest = HOUR;
    int64_t lag = dice_chance(&sim->dice, 200) ? longest : dice_below(&sim->dice, longest);
    sim_count(sim, lag > 12 * HOUR ? EVENT_LATE_BY_A_DAY : EVENT_LATE);
    return sim->now_us + lag;
}

/* A reply, now or imported with an old date; or an edit of one that is there. */
static void add_child(struct sim *sim, const struct stream *stream, const struct fake_record *record,
                      int64_t version_s)
{
    char id[24];
    struct fake_child child = {.id = id, .created_s = version_s, .updated_s = version_s};
    snprintf(id, sizeof id, "r%lld", (long long)sim->children);
    if (record->child_count > 0 && dice_chance(&sim->dice, 300)) {
        const struct fake_child *old =
            &record->children[dice_below(&sim->dice, (int64_t)record->child_count)];
        snprintf(id, sizeof id, "%s", old->id);
        child.created_s = old->created_s;
        sim_count(sim, EVENT_CHILD_EDITED);
    } else {
        sim->children++;
        if (dice_chance(&sim->dice, 200)) child.created_s -= dice_below(&sim->dice, 30 * DAY / SECOND);
        sim_count(sim, EVENT_CHILD);
    }
    fake_source_put_child(&sim->source, stream, record->id, &child);
}

static void put_version(struct sim *sim, size_t stream, size_t record, int64_t version_s, int64_t shown_us)
{
    const struct stream *kind = stream_of(sim, stream);
    const char *id = sim->records[stream][record].id;
    const struct fake_record *known = fake_source_record(&sim->source, kind, id);
    if (known->version_count > 0 && known->versions[known->version_count - 1].version_s >= version_s)
        return; /* twice in one second: the source itself could not tell them apart */
    if (kind->child_count > 0 && dice_chance(&sim->dice, 300)) add_child(sim, kind, known, version_s);
    fake_source_put(&sim->source, kind, id, version_s)->visible_us = shown_us;
}

void world_touch(struct sim *sim, size_t stream, size_t record, bool nightly)
{
    int64_t version_s = sim->now_us / SECOND;
    if (dice_chance(&sim->dice, sim->habits.future)) {
        version_s += dice_below(&sim->dice, 2 * DAY / SECOND); /* the source's clock is ahead */
        sim_count(sim, EVENT_FUTURE);
    }
    int64_t shown_us = visible_us(sim, version_s);
    sim_count(sim, nightly ? EVENT_NIGHTLY_TOUCH : EVENT_TOUCH);
    sim_say(sim, "touch %s, visible after %lld s", sim->records[stream][record].id,
            (long long)((shown_us - sim->now_us) / SECOND));
    put_version(sim, stream, record, version_s, shown_us);
}

void world_touch_any(struct sim *sim)
{
    size_t stream = (size_t)dice_below(&sim->dice, SIM_STREAMS);
    if (sim->habits.quiet[stream]) stream = SIM_STREAMS - 1 - stream;
    if (sim->habits.quiet[stream]) return;
    world_touch(sim, stream, (size_t)dice_below(&sim->dice, (int64_t)sim->record_count[stream]), false);
}

void world_nightly(struct sim *sim)
{
    for (size_t s = 0; s < SIM_STREAMS; s++)
        for (size_t i = 0; i < sim->record_count[s]; i++)
            if (sim->records[s][i].nightly && !sim->habits.quiet[s]) world_touch(sim, s, i, true);
}

/* Most records are older than the history, by up to two weeks; the others are born when first touched. */
void world_begin(struct sim *sim)
{
    for (size_t s = 0; s < SIM_STREAMS; s++) {
        sim->record_count[s] = (size_t)dice_between(&sim->dice, 1, SIM_RECORDS);
        for (size_t i = 0; i < sim->record_count[s]; i++) {
            struct record_plan *record = &sim->records[s][i];
            snprintf(record->id, sizeof record->id, "%c%u", s == 0 ? 'p' : 't', (unsigned)i);
            record->nightly = dice_chance(&sim->dice, sim->habits.nightly);
            /* One such is borne; pages that hold nothing else are not thought of. */
            fake_source_record(&sim->source, stream_of(sim, s), record->id)->ahead =
                i == 0 && sim->habits.ahead;
            if (dice_chance(&sim->dice, 700))
                put_version(sim, s, i, sim->now_us / SECOND - dice_below(&sim->dice, 14 * DAY / SECOND) - 1,
                            0);
        }
    }
}

int64_t world_last_visible_us(const struct sim *sim)
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
