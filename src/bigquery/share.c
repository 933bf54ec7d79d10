/* SPDX-License-Identifier: Apache-2.0 */
/* share.c - the workers of a run have one object each, and know the same of the warehouse when they begin.
 *
 * Each works on a copy: an object that finds something changed forgets what it knows without a harm to
 * others, and nothing here needs a lock. JSON is copied, too, as its counters belong to one thread. The
 * commits are the exception: they are noted in one place, own_commits.h, as several workers may commit under
 * one lock row.
 */
#include <stdlib.h>
#include <string.h>

#include "listing.h"
#include "notes.h"
#include "table.h"

static json_t *copy_json(const json_t *value)
{
    return value ? json_deep_copy(value) : NULL;
}

static void copy_listing(const struct bigquery *bq, struct bigquery *other)
{
    listing_clear(other);
    for (size_t i = 0; i < LISTED_DATASETS; i++)
        other->listed[i] = copy_json(bq->listed[i]);
    other->lock_rows = copy_json(bq->lock_rows);
    other->is_listing_new = bq->is_listing_new;
    json_drop(&other->ledger_streams);
    other->ledger_streams = copy_json(bq->ledger_streams);
}

void bigquery_share(struct warehouse *warehouse, struct warehouse *to)
{
    struct bigquery *bq = (struct bigquery *)warehouse, *other = (struct bigquery *)to;
    other->own_commits = bq->own_commits;
    other->identity = bq->identity;
    other->now_us = bq->now_us;
    other->now_boot_us = bq->now_boot_us;
    memcpy(other->new_resources, bq->new_resources, sizeof bq->new_resources);
    other->new_count = other->shared_new_count = bq->new_count;
    memcpy(other->table_cache, bq->table_cache, sizeof bq->table_cache);
    other->table_cache_count = bq->table_cache_count;
    for (size_t i = 0; i < other->table_cache_count; i++)
        bq->table_cache[i].is_changed = other->table_cache[i].is_changed = false;
    other->looks_closely = bq->looks_closely;
    other->is_provenance_checked = bq->is_provenance_checked;
    other->was_cleared = false;
    copy_listing(bq, other);
}

/* For a while others may not see them. */
static void take_new_resources(struct bigquery *bq, const struct bigquery *other)
{
    size_t from = other->shared_new_count;
    if (other->new_count - from > NEW_RESOURCES) from = other->new_count - NEW_RESOURCES;
    for (size_t i = from; i < other->new_count; i++)
        bq->new_resources[bq->new_count++ % NEW_RESOURCES] = other->new_resources[i % NEW_RESOURCES];
}

/* Of two workers that have loaded batches of one stream. */
static void merge_entry(struct table_cache_entry *entry, const struct table_cache_entry *other)
{
    for (size_t i = 0; i < LIMIT_TABLES; i++)
        if (other->modified_ms[i] == 0) entry->modified_ms[i] = 0;
    if (other->claimed_us == 0 || entry->claimed_us == 0)
        entry->claimed_us = 0;
    else if (other->claimed_us > entry->claimed_us)
        entry->claimed_us = other->claimed_us;
    entry->mends_nothing = entry->mends_nothing && other->mends_nothing;
}

static void take_entry(struct bigquery *bq, const struct table_cache_entry *entry)
{
    struct table_cache_entry *known = table_cache_find(bq, entry->stream);
    if (!entry->is_changed) return;
    if (known && known->is_changed && known->created_us == entry->created_us)
        merge_entry(known, entry);
    else
        table_cache_store(bq, entry);
}

void bigquery_take_back(struct warehouse *warehouse, struct warehouse *from)
{
    struct bigquery *bq = (struct bigquery *)warehouse, *other = (struct bigquery *)from;
    for (size_t i = 0; i < other->table_cache_count; i++)
        take_entry(bq, &other->table_cache[i]);
    other->own_commits = &other->first_commits;
    if (other->ledger_streams && !other->was_cleared)
        (void)json_object_update(bq->ledger_streams, other->ledger_streams);
    if (other->now_us > bq->now_us) {
        bq->now_us = other->now_us;
        bq->now_boot_us = other->now_boot_us;
    }
    take_new_resources(bq, other);
    notes_take(bq, other);
    listing_clear(other);
    json_drop(&other->ledger_streams);
    if (other->was_cleared) table_cache_clear(bq); /* a table may have been dropped */
}
