/* SPDX-License-Identifier: Apache-2.0 */
#include "tally.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "core/content.h"

/* 0: it has none. */
static uint64_t hash_key(const struct table *table, const struct json_value *record)
{
    uint64_t hash = 1;
    for (size_t i = 0; i < table->key_count; i++) {
        const struct json_value *value = value_get(record, column_field(table_column(table, table->key[i])));
        if (value_is_null(value)) return 0;
        hash = hash_mix(hash ^ (uint64_t)content_hash(table, value));
    }
    return hash ? hash : 1;
}

void tally_add(struct tally *tally, const struct table *table, const struct json_value *list, int64_t total)
{
    size_t size = value_count(list);
    tally->pages++;
    if (total > tally->total) tally->total = total;
    if (tally->count + size > tally->capacity) {
        tally->capacity = 2 * (tally->count + size);
        tally->keys = mem_grow(tally->keys, tally->capacity, sizeof *tally->keys);
    }
    for (const struct json_value *record = value_elements(list); record; record = record->next) {
        uint64_t key = hash_key(table, record);
        tally->keys[tally->count] = key ? key : hash_mix(tally->count);
        tally->count++;
    }
}

static int compare_keys(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

int64_t tally_count(struct tally *tally)
{
    int64_t different = 0;
    if (tally->count > 0) qsort(tally->keys, tally->count, sizeof *tally->keys, compare_keys);
    for (size_t i = 0; i < tally->count; i++)
        different += i == 0 || tally->keys[i] != tally->keys[i - 1];
    return different;
}

bool tally_is_short(struct tally *tally)
{
    return tally->pages > 1 && tally_count(tally) < tally->total;
}

void tally_done(struct tally *tally)
{
    free(tally->keys);
    *tally = (struct tally){.keys = NULL};
}
