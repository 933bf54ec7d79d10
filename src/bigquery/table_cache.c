/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "listing.h"
#include "table.h"

struct table_cache_entry *table_cache_find(struct bigquery *bq, const struct stream *stream)
{
    for (size_t i = 0; i < bq->table_cache_count; i++)
        if (bq->table_cache[i].stream == stream) return &bq->table_cache[i];
    return NULL;
}

void table_cache_forget_times(struct bigquery *bq, const struct selection *selection)
{
    for (size_t i = 0; i < bq->table_cache_count; i++) {
        struct table_cache_entry *entry = &bq->table_cache[i];
        for (size_t k = 0; k < LIMIT_TABLES; k++)
            if (entry->tables[k] && selection_has_table(selection, entry->tables[k])) {
                entry->modified_ms[k] = 0;
                entry->is_changed = true;
            }
    }
}

void table_cache_clear(struct bigquery *bq)
{
    bq->table_cache_count = 0;
    bq->was_cleared = true;
    bq->looks_closely = true;
    listing_clear(bq);
    bq->is_provenance_checked = false;
}

void table_cache_store(struct bigquery *bq, const struct table_cache_entry *entry)
{
    struct table_cache_entry *slot = table_cache_find(bq, entry->stream);
    if (!slot && bq->table_cache_count < LIMIT_STREAMS) slot = &bq->table_cache[bq->table_cache_count++];
    if (!slot) return;
    *slot = *entry;
    slot->is_changed = true;
}
