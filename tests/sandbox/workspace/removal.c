/* SPDX-License-Identifier: Apache-2.0 */
/* removal.c - records that are removed, merged into others, or there again; and what is known of that.
 * In a collection's file:
 *
 *   "merge": {"member": "role", "into": "user",   records are merged into those whose member is this
 *             "history": "merge_history",         the member of these that tells of it, and
 *             "entry": {...}}                     an element of it, with {other}, {value} and $at
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "workspace/record.h"

#define HOPS_MAX 100 /* merges of merges */

static struct removal_entry *add_removal(struct collection *collection, size_t number, int64_t at_s)
{
    if (collection->removal_count == collection->removal_capacity) {
        collection->removal_capacity = collection->removal_capacity ? collection->removal_capacity * 2 : 64;
        collection->removals =
            mem_grow(collection->removals, collection->removal_capacity, sizeof *collection->removals);
    }
    struct removal_entry *entry = &collection->removals[collection->removal_count++];
    *entry = (struct removal_entry){.number = number, .at_s = at_s, .back_s = INT64_MAX, .into = NOWHERE};
    return entry;
}

void record_remove(struct collection *collection, size_t number, int64_t at_s)
{
    index_remove(collection, number);
    collection->records[number].is_removed = true;
    collection->current--;
    (void)add_removal(collection, number, at_s);
}

/* The removal that holds now; NULL: the record is here. */
static struct removal_entry *find_removal(const struct collection *collection, size_t number)
{
    for (size_t i = collection->removal_count; i > 0; i--) {
        struct removal_entry *entry = &collection->removals[i - 1];
        if (entry->number == number && entry->back_s == INT64_MAX) return entry;
    }
    return NULL;
}

/* --- removing --- */

bool collection_remove(struct collection *collection, const char *key, int64_t at_s)
{
    pthread_mutex_lock(&collection->lock);
    size_t number = index_find(collection, key);
    bool is_here = number < collection->count && !collection->records[number].is_removed;
    if (is_here) record_remove(collection, number, at_s);
    pthread_mutex_unlock(&collection->lock);
    return is_here;
}

static bool remove_chosen(struct collection *collection, size_t number, void *self)
{
    const int64_t *at_s = self;
    record_remove(collection, number, *at_s);
    return true;
}

int64_t collection_remove_some(struct collection *collection, int64_t count, int64_t at_s)
{
    pthread_mutex_lock(&collection->lock);
    int64_t removed = records_choose(collection, count, remove_chosen, &at_s);
    pthread_mutex_unlock(&collection->lock);
    return removed;
}

int64_t collection_remove_last(struct collection *collection, int64_t count, int64_t at_s)
{
    int64_t removed = 0;
    pthread_mutex_lock(&collection->lock);
    for (size_t number = collection->count; number > 0 && removed < count; number--) {
        if (collection->records[number - 1].is_removed) continue;
        record_remove(collection, number - 1, at_s);
        removed++;
    }
    pthread_mutex_unlock(&collection->lock);
    return removed;
}

bool collection_restore(struct collection *collection, const char *key, int64_t at_s)
{
    pthread_mutex_lock(&collection->lock);
    size_t number = index_find(collection, key);
    struct removal_entry *entry = number < collection->count ? find_removal(collection, number) : NULL;
    bool is_restored = entry && entry->into == NOWHERE && collection->records[number].newest.updated_s < at_s;
    if (is_restored) {
        entry->back_s = at_s;
        collection->records[number].is_removed = false;
        collection->current++;
        index_insert(collection, number);
        (void)record_renew(collection, number, at_s); /* there are never so many versions */
    }
    pthread_mutex_unlock(&collection->lock);
    return is_restored;
}

/* --- merging --- */

/* The value of the member that decides merges, yours; NULL: none. */
static char *merge_value(const struct collection *collection, size_t number, uint32_t version)
{
    const char *member = json_text_at(collection->data, "merge.member");
    const json_t *given = version_of(collection, number, version)->given;
    const char *said = given && member ? json_text_at(given, member) : NULL;
    if (given || !member) return said ? mem_text(said) : NULL;
    AUTO(buf_done) struct buf text;
    char id[COLLECTION_KEY];
    struct template_context context =
        body_context(&(struct body){.collection = collection, .number = number, .version = version}, id);
    buf_init(&text, 4096);
    if (!template_write_member(body_template(collection, number), member, &context, &text)) return NULL;
    AUTO(json_drop) json_t *value = json_loads(buf_string(&text), JSON_DECODE_ANY, NULL);
    return json_is_string(value) ? mem_text(json_string_value(value)) : NULL;
}

static bool takes_merges(const struct collection *collection, size_t number, uint32_t version)
{
    const char *into = json_text_at(collection->data, "merge.into");
    AUTO(mem_free) char *value = merge_value(collection, number, version);
    return into && value && strcmp(value, into) == 0;
}

struct merging {
    int64_t at_s;
    size_t target; /* NOWHERE: not yet chosen */
};

/* Records come in twos: one that takes merges, and one that is merged into it. */
static bool merge_chosen(struct collection *collection, size_t number, void *self)
{
    struct merging *merging = self;
    const struct record *record = &collection->records[number];
    size_t target = merging->target;
    if (target == NOWHERE) {
        if (record->newest.updated_s < merging->at_s && takes_merges(collection, number, record->past_count))
            merging->target = number;
        return false;
    }
    merging->target = NOWHERE;
    if (!record_renew(collection, target, merging->at_s)) return false;
    char *value = merge_value(collection, number, record->past_count);
    record_remove(collection, number, merging->at_s);
    struct removal_entry *entry = &collection->removals[collection->removal_count - 1];
    entry->into = target;
    entry->since = collection->records[target].past_count;
    entry->value = value;
    collection->records[target].has_merges = true;
    return true;
}

int64_t collection_merge(struct collection *collection, int64_t count, int64_t at_s)
{
    pthread_mutex_lock(&collection->lock);
    int64_t merged =
        records_choose(collection, count, merge_chosen, &(struct merging){.at_s = at_s, .target = NOWHERE});
    pthread_mutex_unlock(&collection->lock);
    return merged;
}

void history_write(const struct body *body, struct buf *out)
{
    const struct collection *collection = body->collection;
    const json_t *merge = json_object_get(collection->data, "merge");
    if (!takes_merges(collection, body->number, body->version) || out->size == 0) return;
    char id[COLLECTION_KEY];
    struct template_context context = body_context(body, id);
    buf_cut(out, out->size - 1); /* the object is opened again */
    buf_format(out, ",\"%s\":[", json_text_at(merge, "history"));
    bool has_merges = collection->records[body->number].has_merges, is_first = true;
    for (size_t i = 0; has_merges && i < collection->removal_count; i++) {
        const struct removal_entry *entry = &collection->removals[i];
        if (entry->into != body->number || entry->since > body->version) continue;
        context.other = collection->records[entry->number].key;
        context.value = entry->value ? entry->value : "";
        context.at_s = entry->at_s;
        if (!is_first) buf_byte(out, ',');
        is_first = false;
        (void)template_write(json_object_get(merge, "entry"), &context, out);
    }
    buf_text(out, "]}");
}

size_t record_canonical(const struct collection *collection, size_t number)
{
    size_t into = number;
    for (int hop = 0; hop < HOPS_MAX; hop++) {
        const struct removal_entry *entry = find_removal(collection, into);
        if (!entry) return into == number ? NOWHERE : into;
        if (entry->into == NOWHERE) return NOWHERE;
        into = entry->into;
    }
    return NOWHERE;
}

/* --- what is known of it --- */

size_t collection_removals(struct collection *collection)
{
    pthread_mutex_lock(&collection->lock);
    size_t count = collection->removal_count;
    pthread_mutex_unlock(&collection->lock);
    return count;
}

void collection_removal(struct collection *collection, size_t number, struct removal *out_removal)
{
    pthread_mutex_lock(&collection->lock);
    assert(number < collection->removal_count);
    const struct removal_entry *entry = &collection->removals[number];
    *out_removal = (struct removal){.at_s = entry->at_s, .back_s = entry->back_s};
    snprintf(out_removal->key, COLLECTION_KEY, "%s", collection->records[entry->number].key);
    if (entry->into != NOWHERE)
        snprintf(out_removal->into, COLLECTION_KEY, "%s", collection->records[entry->into].key);
    pthread_mutex_unlock(&collection->lock);
}

bool collection_merged_into(struct collection *collection, const char *key, const char *into)
{
    bool is_found = false;
    pthread_mutex_lock(&collection->lock);
    size_t number = index_find(collection, key), wanted = index_find(collection, into);
    for (int hop = 0; number < collection->count && hop < HOPS_MAX && !is_found; hop++) {
        const struct removal_entry *entry = find_removal(collection, number);
        number = entry ? entry->into : NOWHERE;
        is_found = number == wanted && number < collection->count;
    }
    pthread_mutex_unlock(&collection->lock);
    return is_found;
}
