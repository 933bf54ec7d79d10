/* SPDX-License-Identifier: Apache-2.0 */
/* gone.c - records that are deleted, merged into others, or there again; and what is known of that. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "workspace/records.h"
#include "workspace/world.h"

#define HOPS 100 /* merges of merges: more are no chain that anybody made */

static struct removal *add_removal(struct records *records, size_t number, int64_t at_s)
{
    if (records->removal_count == records->removal_capacity) {
        records->removal_capacity = records->removal_capacity ? records->removal_capacity * 2 : 64;
        records->removals = mem_grow(records->removals, records->removal_capacity, sizeof *records->removals);
    }
    struct removal *removal = &records->removals[records->removal_count++];
    *removal = (struct removal){.number = number, .at_s = at_s, .back_s = INT64_MAX, .into = NOWHERE};
    return removal;
}

void remove_record(struct world *world, size_t number, int64_t at_s)
{
    index_remove(&world->records, number);
    world->records.items[number].newest.removed = true;
    (void)add_removal(&world->records, number, at_s);
}

/* The one removal that holds now. */
static struct removal *find_removal(const struct records *records, size_t number)
{
    for (size_t i = records->removal_count; i > 0; i--) {
        struct removal *removal = &records->removals[i - 1];
        if (removal->number == number && removal->back_s == INT64_MAX) return removal;
    }
    return NULL;
}

/* --- deleting --- */

bool world_remove(struct world *world, const char *id, int64_t at_s)
{
    pthread_mutex_lock(&world->lock);
    size_t number = find_record(&world->records, id);
    bool there = number < world->records.count && !world->records.items[number].newest.removed;
    if (there) remove_record(world, number, at_s);
    pthread_mutex_unlock(&world->lock);
    return there;
}

static bool remove_chosen(struct world *world, size_t number, void *self)
{
    const int64_t *at_s = self;
    remove_record(world, number, *at_s);
    return true;
}

int64_t world_remove_some(struct world *world, int64_t count, int64_t at_s)
{
    pthread_mutex_lock(&world->lock);
    int64_t removed = choose(world, count, remove_chosen, &at_s);
    pthread_mutex_unlock(&world->lock);
    return removed;
}

bool world_restore(struct world *world, const char *id, int64_t at_s)
{
    pthread_mutex_lock(&world->lock);
    struct records *records = &world->records;
    size_t number = find_record(records, id);
    struct removal *removal = number < records->count ? find_removal(records, number) : NULL;
    bool restored = removal && removal->into == NOWHERE && records->items[number].newest.updated_s < at_s;
    if (restored) {
        removal->back_s = at_s;
        struct version *newest = &records->items[number].newest;
        newest->removed = false;
        index_insert(records, number);
        json_t *changed = touched(newest, at_s);
        if (!renew(world, number, at_s, changed)) json_decref(changed);
    }
    pthread_mutex_unlock(&world->lock);
    return restored;
}

/* --- merging --- */

static bool is_user(const struct records *records, size_t number, uint32_t version)
{
    const json_t *given = version_of(records, number, version)->given;
    const char *role = json_text_at(given, "role");
    if (given) return role && strcmp(role, "user") == 0;
    return contact_is_user(records->seed, number);
}

struct merging {
    int64_t at_s;
    size_t target; /* NOWHERE: not yet chosen */
};

/* Records come in twos: a user, and whoever is merged into it. */
static bool merge_chosen(struct world *world, size_t number, void *self)
{
    struct merging *merging = self;
    struct records *records = &world->records;
    if (merging->target == NOWHERE) {
        if (records->items[number].newest.updated_s < merging->at_s &&
            is_user(records, number, records->items[number].past_count))
            merging->target = number;
        return false;
    }
    bool user = is_user(records, number, records->items[number].past_count);
    size_t target = merging->target;
    json_t *changed = touched(&records->items[target].newest, merging->at_s);
    merging->target = NOWHERE;
    if (!renew(world, target, merging->at_s, changed)) {
        json_decref(changed);
        return false;
    }
    remove_record(world, number, merging->at_s);
    struct removal *removal = &records->removals[records->removal_count - 1];
    removal->into = target;
    removal->since = records->items[target].past_count;
    removal->user = user;
    records->items[target].has_merges = true;
    return true;
}

int64_t world_merge(struct world *world, int64_t count, int64_t at_s)
{
    pthread_mutex_lock(&world->lock);
    int64_t merged = choose(world, count, merge_chosen, &(struct merging){.at_s = at_s, .target = NOWHERE});
    pthread_mutex_unlock(&world->lock);
    return merged;
}

json_t *merge_history(const struct records *records, size_t number, uint32_t version)
{
    if (!is_user(records, number, version)) return NULL;
    json_t *history = json_array();
    if (!records->items[number].has_merges) return history;
    for (size_t i = 0; i < records->removal_count; i++) {
        const struct removal *removal = &records->removals[i];
        char id[RECORD_ID];
        if (removal->into != number || removal->since > version) continue;
        records_id(records, removal->number, id);
        json_array_append_new(history,
                              json_pack("{s:s, s:s, s:s, s:I}", "type", "merge_history", "source_contact_id",
                                        id, "source_contact_role", removal->user ? "user" : "lead",
                                        "merged_at", (json_int_t)removal->at_s));
    }
    return history;
}

size_t canonical_of(const struct records *records, size_t number)
{
    size_t into = number;
    for (int hop = 0; hop < HOPS; hop++) {
        const struct removal *removal = find_removal(records, into);
        if (!removal) return into == number ? NOWHERE : into;
        if (removal->into == NOWHERE) return NOWHERE;
        into = removal->into;
    }
    return NOWHERE;
}

/* --- what is known of it --- */

int64_t world_removals(struct world *world)
{
    pthread_mutex_lock(&world->lock);
    int64_t count = (int64_t)world->records.removal_count;
    pthread_mutex_unlock(&world->lock);
    return count;
}

void world_removal(struct world *world, int64_t number, struct world_removal *out_removal)
{
    pthread_mutex_lock(&world->lock);
    const struct records *records = &world->records;
    assert(number >= 0 && (size_t)number < records->removal_count);
    const struct removal *removal = &records->removals[number];
    *out_removal = (struct world_removal){.at_s = removal->at_s, .back_s = removal->back_s};
    records_id(records, removal->number, out_removal->id);
    if (removal->into != NOWHERE) records_id(records, removal->into, out_removal->into);
    pthread_mutex_unlock(&world->lock);
}

bool world_merged_into(struct world *world, const char *id, const char *into)
{
    bool found = false;
    pthread_mutex_lock(&world->lock);
    const struct records *records = &world->records;
    size_t number = find_record(records, id), wanted = find_record(records, into);
    for (int hop = 0; number < records->count && hop < HOPS && !found; hop++) {
        const struct removal *removal = find_removal(records, number);
        number = removal ? removal->into : NOWHERE;
        found = number == wanted && number < records->count;
    }
    pthread_mutex_unlock(&world->lock);
    return found;
}
