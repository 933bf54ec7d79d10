/* SPDX-License-Identifier: Apache-2.0 */
/* look.c - what is in the datasets, without making or changing anything. */
#include <string.h>

#include "api.h"
#include "base/clock.h"
#include "provenance.h"
#include "table.h"

/* Are all tables there that a state is read from? The youngest of them was created then. */
static bool look_at_tables(struct bigquery *bq, const struct selection *kept, bool *out_all,
                           struct table_cache_entry *entry, struct error *err)
{
    *out_all = true;
    for (size_t i = 0; *out_all && i < kept->table_count; i++) {
        AUTO(json_drop) json_t *have = NULL;
        int64_t created_us = 0;
        if (!table_get(bq, bq->settings.dataset, kept->tables[i]->name, &have, err)) return false;
        *out_all = have && table_created(have, &created_us);
        if (created_us > entry->created_us) entry->created_us = created_us;
        entry->tables[i] = kept->tables[i];
    }
    static const char *const control[] = {"runs", "rejected"};
    for (size_t i = 0; *out_all && i < sizeof control / sizeof *control; i++) {
        AUTO(json_drop) json_t *have = NULL;
        if (!table_get(bq, bq->settings.control_dataset, control[i], &have, err)) return false;
        *out_all = have != NULL;
    }
    return true;
}

bool bigquery_peek(struct warehouse *warehouse, const struct selection *selection,
                   const struct source_identity *identity, struct state *out_state, struct error *err)
{
    struct bigquery *bq = (struct bigquery *)warehouse;
    struct table_cache_entry entry = {.stream = selection->stream};
    const struct selection kept = tables_kept(selection);
    bool all = false;
    bq->identity = *identity;
    *out_state = (struct state){0};
    if (!look_at_tables(bq, &kept, &all, &entry, err)) return false;
    if (!all) { /* a run would make what is missing, and load everything again */
        out_state->answered_us = clock_boot_us();
        return bigquery_now(bq, &out_state->now_us, err);
    }
    table_cache_store(bq, &entry);
    bool good = bigquery_read_state(warehouse, &selection, 1, "", out_state, err);
    table_cache_clear(bq); /* prepare has to look for itself */
    return good;
}

bool bigquery_check_provenance(struct warehouse *warehouse, const struct source_identity *identity,
                               struct error *err)
{
    struct bigquery *bq = (struct bigquery *)warehouse;
    bq->identity = *identity;
    return provenance_check_all(bq, err);
}

bool bigquery_clock(struct warehouse *warehouse, int64_t *out_us, struct error *err)
{
    struct bigquery *bq = (struct bigquery *)warehouse;
    bq->now_us = 0;
    return bigquery_now(bq, out_us, err);
}
