/* SPDX-License-Identifier: Apache-2.0 */
/* check_deletions.c - the properties of reconciliations.
 *
 * killed: A record is declared deleted only if it was deleted at some time between the beginning of the list
 * and the commit. After the last lists no listed record is noted as deleted.
 *
 * gone: A record that stays deleted is noted as deleted after two lists without faults.
 */
#include <string.h>

#include "sim.h"

static const struct stream *subject_of(const struct sim *sim)
{
    return sim->selections[0].stream;
}

static const struct fake_table *gone_table(struct sim *sim)
{
    return fake_warehouse_table(&sim->warehouse, subject_of(sim)->table->gone->name);
}

static const struct record_plan *plan_of(const struct sim *sim, const char *id)
{
    for (size_t i = 0; i < sim->record_count[0]; i++)
        if (strcmp(sim->records[0][i].id, id) == 0) return &sim->records[0][i];
    return NULL;
}

/* row->version_us: when the list began. */
static void check_declaration(struct sim *sim, const struct fake_row *row)
{
    const struct record_plan *plan = plan_of(sim, row->key);
    sim_count(sim, EVENT_DECLARED);
    if (!plan || plan->gone_us == 0 || plan->returned_us < row->version_us)
        sim_fail(sim, PROPERTY_KILLED, "%s is declared deleted by a list that began at %lld, and it lived",
                 row->key, (long long)row->version_us);
}

static void count_answers(struct sim *sim)
{
    for (; sim->suspects_seen < sim->warehouse.suspect_count; sim->suspects_seen++)
        if (sim->warehouse.suspects[sim->suspects_seen].answer == FAKE_ALIVE)
            sim_count(sim, EVENT_FOUND_ALIVE);
    if (sim->source.asked > sim->asked_seen) sim->counts[EVENT_ASKED] += sim->source.asked - sim->asked_seen;
    sim->asked_seen = sim->source.asked;
}

/* Rows leave this table, too: those that follow keep their order. */
void check_declared(struct sim *sim)
{
    const struct fake_table *gone = gone_table(sim);
    int64_t first_serial = sim->declared_serial;
    size_t known = 0;
    count_answers(sim);
    if (!gone) return;
    for (size_t i = 0; i < gone->count; i++) {
        known += gone->rows[i].serial < first_serial;
        if (gone->rows[i].serial >= first_serial) check_declaration(sim, &gone->rows[i]);
    }
    if (known < sim->dead) sim->counts[EVENT_TAKEN_BACK] += (int64_t)(sim->dead - known);
    sim->dead = gone->count;
    sim->declared_serial = sim->warehouse.serial;
}

void check_deletions_end(struct sim *sim)
{
    const struct fake_stream *in = fake_source_stream(&sim->source, subject_of(sim));
    const struct fake_table *table = fake_warehouse_table(&sim->warehouse, subject_of(sim)->table->name);
    for (size_t i = 0; i < in->record_count; i++) {
        const struct fake_record *record = &in->records[i];
        int64_t loaded_us = fake_table_newest_us(table, record->id),
                missing_us = fake_table_newest_us(gone_table(sim), record->id);
        if (loaded_us == INT64_MIN || loaded_us >= sim->now_us - DAY) continue; /* dated in the future */
        sim_count(sim, EVENT_DEAD_CHECKED);
        if (record->is_gone && missing_us < loaded_us)
            sim_fail(sim, PROPERTY_GONE, "%s is deleted, and not noted after two lists", record->id);
        if (!record->is_gone && !record->is_hidden && missing_us != INT64_MIN)
            sim_fail(sim, PROPERTY_KILLED, "%s is listed, and noted as deleted", record->id);
    }
}
