/* SPDX-License-Identifier: Apache-2.0 */
/* truth.c - which record is meant by an id, and what it ever said: for comparing. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "workspace/records.h"
#include "workspace/world.h"

#define ID_STEP        UINT64_C(0x9e3779b97f4a7c15)
#define ID_STEP_BACK   UINT64_C(0xf1de83e19937733d) /* ID_STEP * ID_STEP_BACK = 1 modulo 2^64 */
#define MADE_ID_DIGITS 24
#define TALK_ID_FIRST  UINT64_C(215000000000000) /* ids of conversations have 15 digits */
#define TALK_ID_STEP   97

/* Ids lead back to the number. Those of contacts have eight digits of the time of creation, like the real
 * ones, and sixteen more. */
void records_id(const struct records *records, size_t number, char out_id[RECORD_ID])
{
    const struct record *record = &records->items[number];
    if (record->id)
        snprintf(out_id, RECORD_ID, "%s", record->id);
    else if (records->talks)
        snprintf(out_id, RECORD_ID, "%" PRIu64, TALK_ID_FIRST + (uint64_t)number * TALK_ID_STEP);
    else
        snprintf(out_id, RECORD_ID, "%08" PRIx32 "%016" PRIx64, (uint32_t)record->created_s,
                 (uint64_t)number * ID_STEP + records->seed);
}

/* The number that a made id leads to, if it is one. */
static uint64_t made_number(const struct records *records, const char *id)
{
    if (records->talks) return (strtoull(id, NULL, 10) - TALK_ID_FIRST) / TALK_ID_STEP;
    return strlen(id) == MADE_ID_DIGITS ? (strtoull(id + 8, NULL, 16) - records->seed) * ID_STEP_BACK
                                        : UINT64_MAX;
}

size_t find_record(const struct records *records, const char *id)
{
    char own[RECORD_ID];
    uint64_t number = made_number(records, id); /* checked just below */
    if (number < records->count && (records_id(records, number, own), strcmp(own, id) == 0)) return number;
    for (size_t i = 0; i < records->count; i++) {
        if (records->items[i].id && strcmp(records->items[i].id, id) == 0) return i;
    }
    return records->count;
}

struct talk talk_of(const struct records *records, size_t number, uint32_t version, char out_id[RECORD_ID])
{
    struct talk talk = {.seed = records->seed,
                        .sequence = number,
                        .version = version,
                        .record = &records->items[number],
                        .id = out_id};
    records_id(records, number, out_id);
    for (size_t i = records->batch_count; i > 0; i--) {
        const struct batch *batch = &records->batches[i - 1];
        if (batch->first > number) continue;
        struct dice dice = {.state = records->seed ^ mix(number)};
        bool exact = batch->parts >= TALK_MOST_PARTS / 5; /* long threads are asked for on purpose */
        talk.parts = exact ? batch->parts : roll(&dice, batch->parts + 1);
        talk.body_bytes = batch->body_bytes;
        break;
    }
    return talk;
}

/* --- for comparing --- */

void world_versions(struct world *world,
                    void (*visit)(void *self, const json_t *version, bool newest, bool served), void *self)
{
    pthread_mutex_lock(&world->lock);
    for (size_t i = 0; i < world->records.count; i++) {
        const struct record *record = &world->records.items[i];
        for (uint32_t v = 0; v <= record->past_count; v++) {
            json_t *body = version_body(world, i, v);
            bool newest = v == record->past_count;
            visit(self, body, newest && !record->newest.removed,
                  version_of(&world->records, i, v)->served_s > 0);
            json_decref(body);
        }
    }
    pthread_mutex_unlock(&world->lock);
}

int64_t world_count(struct world *world)
{
    pthread_mutex_lock(&world->lock);
    int64_t count = (int64_t)world->records.count;
    pthread_mutex_unlock(&world->lock);
    return count;
}

json_t *world_version(struct world *world, const char *id, int64_t updated_s, int64_t *out_place)
{
    json_t *body = NULL;
    pthread_mutex_lock(&world->lock);
    size_t number = find_record(&world->records, id);
    if (number < world->records.count) {
        const struct record *record = &world->records.items[number];
        uint32_t version = 0;
        while (version < record->past_count && record->past[version].updated_s != updated_s)
            version++;
        if (version < record->past_count || record->newest.updated_s == updated_s) {
            *out_place = ((int64_t)number << WORLD_VERSION_BITS) + version;
            body = world->records.talks ? thread_row(&world->records, number, version)
                                        : version_body(world, number, version);
        }
    }
    pthread_mutex_unlock(&world->lock);
    return body;
}

/* A version of a record that is gone was loaded in time if it was whole, and so old when it was shown that
 * it lay before the end of whatever was loaded then. */
#define LOADED_AFTER_S (2 * 86400)

static bool was_loaded(const struct version *version)
{
    return version->whole && (int64_t)version->served_s >= version->updated_s + LOADED_AFTER_S;
}

static bool has_key(const json_t *given)
{
    return !given || (json_is_string(json_object_get(given, "id")) &&
                      json_is_integer(json_object_get(given, "updated_at")));
}

bool wanted_version(const struct records *records, size_t number, uint32_t *out_version)
{
    const struct record *record = &records->items[number];
    uint32_t version = record->past_count;
    *out_version = version;
    if (!record->newest.removed) return !record->newest.broken && has_key(record->newest.given);
    for (uint32_t left = version + 1; left > 0; left--) {
        const struct version *past = version_of(records, number, left - 1);
        *out_version = left - 1;
        if (was_loaded(past)) return !past->broken && has_key(past->given);
    }
    return false;
}

int64_t world_newest(struct world *world, int64_t number, char out_id[WORLD_ID], int64_t *out_updated_s)
{
    uint32_t version;
    pthread_mutex_lock(&world->lock);
    assert(number >= 0 && (size_t)number < world->records.count);
    records_id(&world->records, (size_t)number, out_id);
    if (!wanted_version(&world->records, (size_t)number, &version)) out_id[0] = '\0';
    *out_updated_s = version_of(&world->records, (size_t)number, version)->updated_s;
    pthread_mutex_unlock(&world->lock);
    return (number << WORLD_VERSION_BITS) + version;
}

int64_t world_number(struct world *world, const char *id)
{
    pthread_mutex_lock(&world->lock);
    size_t number = find_record(&world->records, id);
    int64_t found = number < world->records.count ? (int64_t)number : -1;
    pthread_mutex_unlock(&world->lock);
    return found;
}

bool world_is_here(struct world *world, int64_t number)
{
    pthread_mutex_lock(&world->lock);
    bool here = !world->records.items[number].newest.removed;
    pthread_mutex_unlock(&world->lock);
    return here;
}
