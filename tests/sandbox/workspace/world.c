/* SPDX-License-Identifier: Apache-2.0 */
/* world.c - the records of the workspace and what becomes of them. */
#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "workspace/records.h"
#include "workspace/world.h"

#define DAY_S       86400
#define RECORDS     4000000              /* ceiling */
#define CHOICE_STEP UINT64_C(2654435761) /* a prime: walks through any number of records */
#define BODY_LIMIT  (64 * 1024 * 1024)

_Static_assert(RECORD_ID == WORLD_ID, "one length of ids");

uint64_t mix(uint64_t number)
{
    number += UINT64_C(0x9e3779b97f4a7c15);
    number = (number ^ (number >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ (number >> 27)) * UINT64_C(0x94d049bb133111eb);
    return number ^ (number >> 31);
}

struct world *world_new(uint64_t seed, const char *workspace)
{
    struct world *world = mem_zero(1, sizeof *world);
    pthread_mutex_init(&world->lock, NULL);
    world->records.seed = mix(seed);
    world->workspace = mem_text(workspace);
    return world;
}

struct world *world_new_talks(uint64_t seed, const char *workspace)
{
    struct world *world = world_new(seed, workspace);
    world->records.talks = true;
    return world;
}

void world_free(struct world *world)
{
    if (!world) return;
    free(world->records.batches);
    free(world->records.removals);
    for (size_t i = 0; i < world->records.count; i++) {
        struct record *record = &world->records.items[i];
        for (uint32_t v = 0; v < record->past_count; v++)
            json_decref(record->past[v].given);
        json_decref(record->newest.given);
        free(record->past);
        free(record->id);
    }
    free(world->records.items);
    free(world->workspace);
    pthread_mutex_destroy(&world->lock);
    free(world);
}

struct version *version_of(const struct records *records, size_t number, uint32_t version)
{
    struct record *record = &records->items[number];
    return version < record->past_count ? &record->past[version] : &record->newest;
}

/* Only the first elements of a list have a url: the full objects that are read behind them do not tell
 * theirs. */
static void take_urls(json_t *data)
{
    for (size_t i = LIST_CUT; i < json_array_size(data); i++) {
        json_t *element = json_array_get(data, i);
        AUTO(json_drop) json_t *type = json_incref(json_object_get(element, "type"));
        AUTO(json_drop) json_t *id = json_incref(json_object_get(element, "id"));
        json_object_clear(element);
        json_object_set(element, "type", type);
        json_object_set(element, "id", id);
    }
}

/* A record that was given, in that form. Yours. */
static json_t *given_body(const struct world *world, json_t *given, enum form form)
{
    json_t *body = json_copy(given);
    json_object_del(body, "conversation_parts");
    for (enum world_list list = 0; !world->records.talks && list < WORLD_LISTS; list++) {
        json_t *whole = json_object_get(body, contact_list_name(list));
        size_t count = json_array_size(json_object_get(whole, "data"));
        if (!json_is_object(whole) || (count <= LIST_CUT && form != FORM_TRUTH)) continue;
        json_t *shown = json_deep_copy(whole);
        json_t *data = json_object_get(shown, "data");
        while (form != FORM_TRUTH && json_array_size(data) > LIST_CUT)
            json_array_remove(data, json_array_size(data) - 1);
        take_urls(data);
        if (count > LIST_CUT || json_object_get(shown, "has_more"))
            json_object_set_new(shown, "has_more", json_boolean(form != FORM_TRUTH));
        json_object_set_new(body, contact_list_name(list), shown);
    }
    return body;
}

static void write_contact(const struct world *world, size_t number, uint32_t version, enum form form,
                          struct buf *out)
{
    const struct version *wanted = version_of(&world->records, number, version);
    char id[RECORD_ID];
    records_id(&world->records, number, id);
    contact_write(&(struct contact){.seed = world->records.seed,
                                    .sequence = number,
                                    .version = version,
                                    .created_s = world->records.items[number].created_s,
                                    .updated_s = wanted->updated_s,
                                    .id = id,
                                    .workspace = world->workspace,
                                    .whole = form == FORM_TRUTH},
                  out);
}

/* Opens the object just written once more, to say whom the contact was merged with. */
static void write_history(const struct world *world, size_t number, uint32_t version, struct buf *out)
{
    AUTO(json_drop) json_t *history = merge_history(&world->records, number, version);
    if (!history || out->size == 0) return;
    out->size--;
    put_name(out, "merge_history");
    json_write(out, history); /* a reply that is too large is seen when it is sent */
    buf_byte(out, '}');
}

void version_write(const struct world *world, size_t number, uint32_t version, enum form form,
                   struct buf *out)
{
    const struct version *wanted = version_of(&world->records, number, version);
    char id[RECORD_ID];
    if (wanted->given) {
        AUTO(json_drop) json_t *shown = given_body(world, wanted->given, form);
        json_write(out, shown);
    } else if (world->records.talks) {
        struct talk talk = talk_of(&world->records, number, version, id);
        talk_write(&talk, TALK_ITEM, out);
    } else {
        write_contact(world, number, version, form, out);
    }
    if (form == FORM_HISTORY || (form == FORM_TRUTH && wanted->history))
        write_history(world, number, version, out);
}

json_t *version_body(const struct world *world, size_t number, uint32_t version)
{
    AUTO(buf_done) struct buf text;
    struct error err;
    json_t *body;
    buf_init(&text, BODY_LIMIT);
    version_write(world, number, version, FORM_TRUTH, &text);
    if (!json_read(buf_string(&text), text.size, NULL, &body, &err)) abort(); /* what we write we can read */
    return body;
}

void version_serve(struct world *world, size_t number, bool whole, bool history)
{
    struct version *newest = &world->records.items[number].newest;
    newest->served_s = world->now_s > 0 ? (uint32_t)world->now_s : 1;
    newest->whole = newest->whole || whole;
    newest->history = newest->history || history;
}

/* Takes record's references; false: the world is full. */
static bool append(struct world *world, struct record record)
{
    struct records *records = &world->records;
    if (records->count == RECORDS) return false;
    if (records->count == records->capacity) {
        records->capacity = records->capacity ? records->capacity * 2 : 1024;
        records->items = mem_grow(records->items, records->capacity, sizeof *records->items);
    }
    records->items[records->count++] = record;
    index_insert(records, records->count - 1);
    if (record.newest.updated_s > world->latest_s) world->latest_s = record.newest.updated_s;
    return true;
}

/* The newest version becomes past. */
bool renew(struct world *world, size_t number, int64_t updated_s, json_t *given)
{
    struct record *record = &world->records.items[number];
    if (record->past_count + 1 == UINT32_C(1) << WORLD_VERSION_BITS) return false;
    index_remove(&world->records, number);
    record->past = mem_grow(record->past, record->past_count + 1, sizeof *record->past);
    record->past[record->past_count++] = record->newest;
    record->newest = (struct version){.updated_s = updated_s, .given = given};
    index_insert(&world->records, number);
    if (updated_s > world->latest_s) world->latest_s = updated_s;
    return true;
}

json_t *touched(const struct version *version, int64_t at_s)
{
    json_t *changed = version->given ? json_copy(version->given) : NULL;
    if (changed) json_object_set_new(changed, "updated_at", json_integer(at_s));
    return changed;
}

static bool touch(struct world *world, size_t number, int64_t at_s)
{
    json_t *changed = touched(&world->records.items[number].newest, at_s);
    bool renewed = renew(world, number, at_s, changed);
    if (!renewed) json_decref(changed);
    return renewed;
}

/* --- filling --- */

/* About one day in ten stays empty. */
static bool is_empty_day(const struct world *world, int64_t day)
{
    return mix(world->records.seed ^ (uint64_t)day) % 10 == 0;
}

/* Any second, but rather often the first or last of the day, or noon, which many then share. */
static int64_t second_of_day(uint64_t chance)
{
    switch (chance % 32) {
    case 0: return 0;
    case 1: return DAY_S - 1;
    case 2: return DAY_S / 2;
    default: return (int64_t)(chance / 32 % DAY_S);
    }
}

static void add_made(struct world *world, const int64_t *days, size_t day_count)
{
    uint64_t chance = mix(world->records.seed + mix(world->records.count));
    int64_t day = days[chance % day_count];
    int64_t updated_s = day * DAY_S + second_of_day(mix(chance));
    uint64_t age = mix(chance + 1) % 4 ? mix(chance + 2) % (700 * DAY_S) : 0; /* a quarter is brand new */
    (void)append(world,
                 (struct record){.created_s = updated_s - (int64_t)age, .newest.updated_s = updated_s});
}

void world_fill_talks(struct world *world, int64_t from_s, int64_t to_s, int64_t count, uint32_t parts,
                      uint32_t body_bytes)
{
    struct records *records = &world->records;
    pthread_mutex_lock(&world->lock);
    records->batches = mem_grow(records->batches, records->batch_count + 1, sizeof *records->batches);
    records->batches[records->batch_count++] =
        (struct batch){.first = records->count, .parts = parts, .body_bytes = body_bytes};
    pthread_mutex_unlock(&world->lock);
    world_fill(world, from_s, to_s, count);
}

void world_fill(struct world *world, int64_t from_s, int64_t to_s, int64_t count)
{
    pthread_mutex_lock(&world->lock);
    int64_t first = from_s / DAY_S, last = to_s / DAY_S;
    size_t day_count = 0;
    AUTO(mem_free) int64_t *days = mem_zero(last >= first ? (size_t)(last - first + 1) : 1, sizeof *days);
    for (int64_t day = first; day <= last; day++) {
        if (!is_empty_day(world, day)) days[day_count++] = day;
    }
    if (day_count == 0 && first <= last) /* not all of them */
        days[day_count++] = first;
    for (int64_t i = 0; day_count && i < count; i++)
        add_made(world, days, day_count);
    pthread_mutex_unlock(&world->lock);
}

bool world_add(struct world *world, json_t *record)
{
    const json_t *id = json_object_get(record, "id");
    const json_t *created = json_object_get(record, "created_at");
    const json_t *updated = json_object_get(record, "updated_at");
    const char *text = json_string_value(id);
    if (!json_is_object(record) || (text && (!*text || strlen(text) >= RECORD_ID))) return false;
    pthread_mutex_lock(&world->lock);
    int64_t updated_s = json_is_integer(updated) ? json_integer_value(updated) : world->latest_s;
    size_t known = text ? find_record(&world->records, text) : world->records.count;
    bool added;
    json_t *given = json_deep_copy(record);
    if (known < world->records.count) /* a new version, if it is newer */
        added = !world->records.items[known].newest.removed &&
                world->records.items[known].newest.updated_s < updated_s &&
                renew(world, known, updated_s, given);
    else
        added =
            append(world, (struct record){
                              .created_s = json_is_integer(created) ? json_integer_value(created) : updated_s,
                              .id = mem_text(text),
                              .newest = {.updated_s = updated_s, .given = given},
                          });
    if (!added) json_decref(given);
    pthread_mutex_unlock(&world->lock);
    return added;
}

/* --- touching --- */

int64_t choose(struct world *world, int64_t count,
               bool (*take)(struct world *world, size_t number, void *self), void *self)
{
    size_t all = world->records.count;
    uint64_t start = mix(world->records.seed ^ mix(++world->choices));
    int64_t taken = 0;
    for (uint64_t i = 0; i < all && taken < count; i++) {
        size_t number = (start % all + i * (CHOICE_STEP % all ? CHOICE_STEP : 1)) % all;
        taken += !world->records.items[number].newest.removed && take(world, number, self);
    }
    return taken;
}

struct touching {
    int64_t at_s;
    bool unserved; /* only such */
};

static bool touch_chosen(struct world *world, size_t number, void *self)
{
    const struct touching *touching = self;
    const struct version *newest = &world->records.items[number].newest;
    return newest->updated_s < touching->at_s && !(touching->unserved && newest->served_s) &&
           touch(world, number, touching->at_s);
}

static void touch_some(struct world *world, int64_t at_s, int64_t count, bool unserved)
{
    (void)choose(world, count, touch_chosen, &(struct touching){.at_s = at_s, .unserved = unserved});
}

void world_touch(struct world *world, int64_t at_s, int64_t count)
{
    pthread_mutex_lock(&world->lock);
    touch_some(world, at_s, count, false);
    pthread_mutex_unlock(&world->lock);
}

void world_touch_while_read(struct world *world, int64_t every)
{
    pthread_mutex_lock(&world->lock);
    world->every = every;
    world->served = 0;
    pthread_mutex_unlock(&world->lock);
}

bool world_break(struct world *world, const char *id)
{
    pthread_mutex_lock(&world->lock);
    size_t number = find_record(&world->records, id);
    bool there = number < world->records.count;
    if (there) world->records.items[number].newest.broken = true;
    pthread_mutex_unlock(&world->lock);
    return there;
}

bool world_is_broken(struct world *world, const char *id)
{
    pthread_mutex_lock(&world->lock);
    size_t number = find_record(&world->records, id);
    bool broken = number < world->records.count && world->records.items[number].newest.broken;
    pthread_mutex_unlock(&world->lock);
    return broken;
}

void world_vanish_while_read(struct world *world, int64_t every)
{
    pthread_mutex_lock(&world->lock);
    world->vanish = every;
    world->shown = 0;
    pthread_mutex_unlock(&world->lock);
}

/* --- searching --- */

json_t *world_search(struct world *world, int64_t from_s, int64_t to_s, int64_t after_s, const char *after_id,
                     size_t limit, int64_t now_s, int64_t *out_total)
{
    AUTO(buf_done) struct buf text;
    buf_init(&text, BODY_LIMIT);
    struct world_query query = {.from_s = from_s,
                                .to_s = to_s,
                                .after_s = after_s,
                                .after_id = after_id,
                                .limit = limit,
                                .now_s = now_s,
                                .out = &text};
    struct world_found found;
    struct error err;
    json_t *records;
    buf_byte(&text, '[');
    world_find(world, &query, &found);
    buf_byte(&text, ']');
    *out_total = found.total;
    return json_read(buf_string(&text), text.size, NULL, &records, &err) ? records : json_array();
}

/* Ranks [first, end) of the query's range; *from is where to begin, in its direction. */
static void find_range(const struct records *records, const struct world_query *query, size_t range[2],
                       size_t *from)
{
    range[0] = index_rank(records, query->from_s, "");
    range[1] = query->to_s > query->from_s ? index_rank(records, query->to_s, "") : range[0];
    *from = query->descending ? range[1] : range[0];
    if (!query->after_id) return;
    size_t after = index_rank(records, query->after_s, query->after_id);
    if (!query->descending && after < records->count) { /* is it still there? Then behind it */
        char id[RECORD_ID];
        size_t number = index_at(records, after);
        records_id(records, number, id);
        after +=
            records->items[number].newest.updated_s == query->after_s && strcmp(id, query->after_id) == 0;
    }
    if (query->descending ? after < *from : after > *from) *from = after;
}

static int64_t count_wanted(const struct world *world, const struct world_query *query, const size_t range[2])
{
    if (!query->wanted) return (int64_t)(range[1] - range[0]);
    int64_t total = 0;
    for (size_t rank = range[0]; rank < range[1]; rank++) {
        size_t number = index_at(&world->records, rank);
        json_t *body = version_body(world, number, world->records.items[number].past_count);
        total += query->wanted(query->self, body);
        json_decref(body);
    }
    return total;
}

static void serve(struct world *world, const struct world_query *query, size_t rank,
                  struct world_found *found)
{
    size_t number = index_at(&world->records, rank);
    struct record *record = &world->records.items[number];
    if (query->wanted) {
        AUTO(json_drop) json_t *body = version_body(world, number, record->past_count);
        if (!query->wanted(query->self, body)) return;
    }
    version_serve(world, number, !world->records.talks, query->history);
    world->served++;
    found->last_s = record->newest.updated_s;
    records_id(&world->records, number, found->last_id);
    if (found->count++) buf_byte(query->out, ',');
    version_write(world, number, record->past_count, query->history ? FORM_HISTORY : FORM_SHOWN, query->out);
}

/* Of what was just shown, some is gone at once. */
static void vanish_some(struct world *world, size_t first, size_t end, int64_t now_s)
{
    for (size_t rank = first; rank < end; rank++) {
        if (++world->shown % world->vanish != 0) continue;
        remove_record(world, index_at(&world->records, rank), now_s);
        rank--;
        end--;
    }
}

void world_find(struct world *world, const struct world_query *query, struct world_found *out_found)
{
    size_t range[2], from;
    pthread_mutex_lock(&world->lock);
    world->now_s = query->now_s;
    find_range(&world->records, query, range, &from);
    size_t first = from;
    *out_found = (struct world_found){.total = count_wanted(world, query, range)};
    if (query->descending) {
        while (from > range[0] && out_found->count < query->limit)
            serve(world, query, --from, out_found);
    } else {
        while (from < range[1] && out_found->count < query->limit)
            serve(world, query, from++, out_found);
    }
    out_found->more = query->descending ? from > range[0] : from < range[1];
    if (world->vanish > 0 && !query->descending) vanish_some(world, first, from, query->now_s);
    for (; world->every > 0 && world->served >= world->every; world->served -= world->every)
        touch_some(world, query->now_s, 1, true);
    pthread_mutex_unlock(&world->lock);
}
