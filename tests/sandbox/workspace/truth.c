/* SPDX-License-Identifier: Apache-2.0 */
/* truth.c - what there ever was, for comparing. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "workspace/record.h"

/* A version of a removed record was loaded in time if it was so old when it was shown that it lay before the
 * end of what was loaded then. */
#define LOADED_AFTER_S (2 * 86400)

static bool was_loaded(const struct version *version)
{
    return version->is_expected && (int64_t)version->served_s >= version->updated_s + LOADED_AFTER_S;
}

/* Has it all that a row needs? */
static bool is_loadable(const struct collection *collection, const struct record *record, const json_t *given)
{
    if (!given) return true;
    int64_t created_s = time_read(json_object_get(given, collection->created_member), -1);
    return !record->is_keyless && time_read(json_object_get(given, collection->time_member), created_s) >= 0;
}

bool wanted_version(const struct collection *collection, size_t number, uint32_t *out_version)
{
    const struct record *record = &collection->records[number];
    *out_version = record->past_count;
    if (!record->is_removed)
        return !record->is_broken && is_loadable(collection, record, record->newest.given);
    for (uint32_t left = record->past_count + 1; left > 0; left--) {
        const struct version *version = version_of(collection, number, left - 1);
        *out_version = left - 1;
        if (was_loaded(version))
            return is_loadable(collection, record, version->given) &&
                   !(record->is_broken && left > record->past_count);
    }
    return false;
}

bool collection_wanted(struct collection *collection, size_t number, size_t *out_version)
{
    uint32_t version;
    pthread_mutex_lock(&collection->lock);
    bool is_wanted = wanted_version(collection, number, &version);
    *out_version = version;
    pthread_mutex_unlock(&collection->lock);
    return is_wanted;
}

bool collection_shown(struct collection *collection, size_t number, size_t *out_version)
{
    bool is_shown = false;
    pthread_mutex_lock(&collection->lock);
    size_t left = number < collection->count ? collection->records[number].past_count + 1 : 0;
    for (; left > 0 && !is_shown; left--) {
        *out_version = left - 1;
        is_shown = version_of(collection, number, (uint32_t)left - 1)->served_s > 0;
    }
    pthread_mutex_unlock(&collection->lock);
    return is_shown;
}

size_t collection_ever(struct collection *collection)
{
    pthread_mutex_lock(&collection->lock);
    size_t count = collection->count;
    pthread_mutex_unlock(&collection->lock);
    return count;
}

size_t collection_number(struct collection *collection, const char *key)
{
    pthread_mutex_lock(&collection->lock);
    size_t number = index_find(collection, key);
    pthread_mutex_unlock(&collection->lock);
    return number;
}

void collection_key(struct collection *collection, size_t number, char out_key[COLLECTION_KEY])
{
    pthread_mutex_lock(&collection->lock);
    snprintf(out_key, COLLECTION_KEY, "%s",
             number < collection->count ? collection->records[number].key : "");
    pthread_mutex_unlock(&collection->lock);
}

bool collection_is_here(struct collection *collection, size_t number)
{
    pthread_mutex_lock(&collection->lock);
    bool is_here = number < collection->count && !collection->records[number].is_removed;
    pthread_mutex_unlock(&collection->lock);
    return is_here;
}

size_t collection_versions(struct collection *collection, size_t number)
{
    pthread_mutex_lock(&collection->lock);
    size_t count = number < collection->count ? collection->records[number].past_count + 1 : 0;
    pthread_mutex_unlock(&collection->lock);
    return count;
}

size_t collection_version_at(struct collection *collection, size_t number, int64_t updated_s)
{
    pthread_mutex_lock(&collection->lock);
    uint32_t count = number < collection->count ? collection->records[number].past_count + 1 : 0, version = 0;
    while (version < count && version_of(collection, number, version)->updated_s != updated_s)
        version++;
    pthread_mutex_unlock(&collection->lock);
    return version;
}

int64_t collection_updated_s(struct collection *collection, size_t number, size_t version)
{
    pthread_mutex_lock(&collection->lock);
    int64_t updated_s = version_of(collection, number, (uint32_t)version)->updated_s;
    pthread_mutex_unlock(&collection->lock);
    return updated_s;
}

json_t *collection_version(struct collection *collection, size_t number, size_t version)
{
    json_t *body = NULL;
    pthread_mutex_lock(&collection->lock);
    if (number < collection->count && version <= collection->records[number].past_count)
        body = body_read(&(struct body){.collection = collection,
                                        .number = number,
                                        .version = (uint32_t)version,
                                        .form = {.children = true, .plain = true, .on_demand = true},
                                        .audience = AUDIENCE_TRUTH});
    pthread_mutex_unlock(&collection->lock);
    return body;
}
