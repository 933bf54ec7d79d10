/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/collection.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "workspace/record.h"

#define DAY_S       86400
#define RECORDS     4000000              /* ceiling */
#define CHOICE_STEP UINT64_C(2654435761) /* a prime: walks through any number of records */
#define BODY_LIMIT  (64 * 1024 * 1024)

/* --- bodies --- */

struct version *version_of(const struct collection *collection, size_t number, uint32_t version)
{
    struct record *record = &collection->records[number];
    return version < record->past_count ? &record->past[version] : &record->newest;
}

static void make_id(const struct collection *collection, uint64_t sequence, char out_id[COLLECTION_KEY])
{
    const char *style = json_text_at(collection->data, "id");
    uint64_t chance = hash_mix(collection->seed ^ hash_mix(sequence));
    if (style && strcmp(style, "hex") == 0)
        snprintf(out_id, COLLECTION_KEY, "%016" PRIx64 "%08" PRIx64, chance, sequence);
    else if (style && strcmp(style, "uuid") == 0)
        snprintf(out_id, COLLECTION_KEY,
                 "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-8%03" PRIx64 "-%012" PRIx64, chance >> 32,
                 chance >> 16 & 0xffff, chance >> 4 & 0xfff, hash_mix(chance) & 0xfff, sequence);
    else
        snprintf(out_id, COLLECTION_KEY, "%" PRId64,
                 json_int_at(collection->data, "first", 1) +
                     (int64_t)sequence * json_int_at(collection->data, "step", 1));
}

/* Is the key of a record that was made its id? */
static bool is_id_key(const struct collection *collection, uint64_t sequence)
{
    return strcmp(collection->key_member, "id") == 0 &&
           sequence >= json_array_size(json_object_get(collection->data, "fixed"));
}

const json_t *body_template(const struct collection *collection, size_t number)
{
    const json_t *fixed = json_object_get(collection->data, "fixed");
    const json_t *made = json_object_get(collection->data, "made");
    size_t sequence = (size_t)collection->records[number].sequence, first = json_array_size(fixed);
    return sequence < first ? json_array_get(fixed, sequence)
                            : json_array_get(made, (sequence - first) % json_array_size(made));
}

static bool write_own_word(void *self, const char *word, const char *argument, struct buf *out)
{
    const struct body *body = self;
    return list_write_word(body, word, argument, out) || child_write_word(body, word, argument, out);
}

struct template_context body_context(const struct body *body, char out_id[COLLECTION_KEY])
{
    const struct collection *collection = body->collection;
    const struct record *record = &collection->records[body->number];
    if (record->key && is_id_key(collection, record->sequence))
        memcpy(out_id, record->key, strlen(record->key) + 1);
    else
        make_id(collection, record->sequence, out_id);
    return (struct template_context){
        .seed = hash_mix(collection->seed ^ hash_mix(body->number)),
        .sequence = record->sequence,
        .version = body->version,
        .created_s = record->created_s,
        .updated_s = version_of(collection, body->number, body->version)->updated_s,
        .id = out_id,
        .workspace = collection->workspace,
        .has_children = body->form.children,
        .is_on_demand = body->form.on_demand,
        .is_plain = body->form.plain,
        .extend = write_own_word,
        .self = (void *)(uintptr_t)body,
    };
}

void body_write(const struct body *body, struct buf *out)
{
    const struct collection *collection = body->collection;
    const struct version *version = version_of(collection, body->number, body->version);
    if (version->given) {
        AUTO(json_drop) json_t *shown = json_copy(version->given);
        const char *children = children_member(collection);
        if (children && !body->form.children) json_object_del(shown, children);
        lists_shape(body, shown);
        (void)json_write(out, shown); /* a reply that is too large is seen when it is sent */
    } else {
        char id[COLLECTION_KEY];
        struct template_context context = body_context(body, id);
        (void)template_write(body_template(collection, body->number), &context, out);
    }
    bool is_truth = body->audience == AUDIENCE_TRUTH;
    if (is_truth ? version->has_history : body->form.history) history_write(body, out);
}

json_t *text_read(const struct buf *text)
{
    struct error err;
    json_t *value;
    if (!json_read(buf_string(text), text->size, NULL, &value, &err)) abort();
    return value;
}

json_t *body_read(const struct body *body)
{
    AUTO(buf_done) struct buf text;
    buf_init(&text, BODY_LIMIT);
    body_write(body, &text);
    return text_read(&text);
}

/* --- records --- */

/* The text by which a record is known, yours; NULL: it has none. */
static char *key_of(const struct collection *collection, const json_t *body)
{
    const json_t *value = json_object_get(body, collection->key_member);
    const char *text = json_string_value(value);
    if (json_is_integer(value)) return mem_format("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return text && *text && strlen(text) < COLLECTION_KEY ? mem_text(text) : NULL;
}

/* Most have their id, which needs no body. */
static char *made_key(const struct collection *collection, size_t number)
{
    uint64_t sequence = collection->records[number].sequence;
    if (is_id_key(collection, sequence)) {
        char id[COLLECTION_KEY];
        make_id(collection, sequence, id);
        return mem_text(id);
    }
    AUTO(json_drop) json_t *body = body_read(&(struct body){.collection = collection, .number = number});
    char *key = key_of(collection, body);
    assert(key); /* the data says so */
    return key;
}

/* Takes record's references. */
static void append(struct collection *collection, struct record record)
{
    if (collection->count == collection->capacity) {
        collection->capacity = collection->capacity ? collection->capacity * 2 : 64;
        collection->records =
            mem_grow(collection->records, collection->capacity, sizeof *collection->records);
    }
    size_t number = collection->count++;
    if (!record.newest.given) record.sequence = collection->sequence++;
    collection->records[number] = record;
    if (!record.key)
        collection->records[number].key =
            record.is_keyless ? mem_format("?%zu", number) : made_key(collection, number);
    index_add_key(collection, number);
    index_insert(collection, number);
    collection->current++;
    if (record.newest.updated_s > collection->latest_s) collection->latest_s = record.newest.updated_s;
}

int64_t time_read(const json_t *value, int64_t fallback)
{
    int64_t at_us;
    const char *text = json_string_value(value);
    if (json_is_integer(value)) return json_integer_value(value);
    return text && instant_parse(text, strlen(text), &at_us) ? at_us / 1000000 : fallback;
}

/* A given body with another time of update, of the same form; NULL of NULL. */
static json_t *renew_given(const struct collection *collection, const json_t *given, int64_t at_s)
{
    json_t *changed = json_deep_copy(given);
    const char *member = collection->time_member;
    const json_t *updated = json_object_get(changed, member);
    char text[INSTANT_TEXT];
    instant_format(at_s * 1000000, text);
    if (updated)
        json_object_set_new(changed, member,
                            json_is_string(updated) ? json_string(text) : json_integer(at_s));
    return changed;
}

/* Takes given. */
static bool add_version(struct collection *collection, size_t number, int64_t updated_s, json_t *given)
{
    struct record *record = &collection->records[number];
    if (record->past_count + 1 == UINT32_C(1) << VERSION_BITS) {
        json_decref(given);
        return false;
    }
    index_remove(collection, number);
    record->past = mem_grow(record->past, record->past_count + 1, sizeof *record->past);
    record->past[record->past_count++] = record->newest;
    record->newest = (struct version){.updated_s = updated_s, .given = given};
    record->is_broken = false;
    index_insert(collection, number);
    if (updated_s > collection->latest_s) collection->latest_s = updated_s;
    return true;
}

bool record_renew(struct collection *collection, size_t number, int64_t updated_s)
{
    return add_version(collection, number, updated_s,
                       renew_given(collection, collection->records[number].newest.given, updated_s));
}

bool record_touch(struct collection *collection, size_t number, int64_t at_s)
{
    const struct record *record = &collection->records[number];
    int64_t updated_s = record->newest.updated_s;
    return !record->is_removed && !collection->is_frozen && updated_s < at_s &&
           record_renew(collection, number, collection->keeps_time ? updated_s : at_s);
}

void version_serve(struct collection *collection, size_t number, bool expect, bool history)
{
    struct version *newest = &collection->records[number].newest;
    newest->served_s = collection->now_s > 0 ? (uint32_t)collection->now_s : 1;
    newest->is_expected = newest->is_expected || expect;
    newest->has_history = newest->has_history || history;
}

/* --- filling --- */

static bool is_empty_day(const struct collection *collection, int64_t day)
{
    return hash_mix(collection->seed ^ (uint64_t)day) % 10 == 0;
}

/* Any second, but often the first or last of the day, or noon, which many then share. */
static int64_t second_of_day(uint64_t chance)
{
    switch (chance % 32) {
    case 0: return 0;
    case 1: return DAY_S - 1;
    case 2: return DAY_S / 2;
    default: return (int64_t)(chance / 32 % DAY_S);
    }
}

static void add_made(struct collection *collection, const int64_t *days, size_t day_count)
{
    uint64_t chance = hash_mix(collection->seed + hash_mix(collection->count));
    int64_t updated_s = days[chance % day_count] * DAY_S + second_of_day(hash_mix(chance));
    bool is_new = collection->is_frozen || hash_mix(chance + 1) % 4 == 0;
    int64_t age_s = is_new ? 0 : (int64_t)(hash_mix(chance + 2) % (700 * DAY_S));
    append(collection, (struct record){.created_s = updated_s - age_s, .newest.updated_s = updated_s});
}

static void fill(struct collection *collection, int64_t from_s, int64_t to_s, int64_t count)
{
    int64_t first = from_s / DAY_S, last = to_s / DAY_S;
    size_t day_count = 0;
    AUTO(mem_free) int64_t *days = mem_zero(last >= first ? (size_t)(last - first + 1) : 1, sizeof *days);
    for (int64_t day = first; day <= last; day++) {
        if (!is_empty_day(collection, day)) days[day_count++] = day;
    }
    if (day_count == 0 && first <= last) days[day_count++] = first; /* not all of them stay empty */
    for (int64_t i = 0; day_count && i < count && collection->count < RECORDS; i++)
        add_made(collection, days, day_count);
}

void collection_fill(struct collection *collection, int64_t from_s, int64_t to_s, int64_t count)
{
    pthread_mutex_lock(&collection->lock);
    fill(collection, from_s, to_s, count);
    pthread_mutex_unlock(&collection->lock);
}

void collection_fill_children(struct collection *collection, int64_t from_s, int64_t to_s, int64_t count,
                              struct child_sizes sizes)
{
    pthread_mutex_lock(&collection->lock);
    collection->batches =
        mem_grow(collection->batches, collection->batch_count + 1, sizeof *collection->batches);
    collection->batches[collection->batch_count++] =
        (struct batch){.first = collection->count, .sizes = sizes};
    fill(collection, from_s, to_s, count);
    pthread_mutex_unlock(&collection->lock);
}

static bool put(struct collection *collection, const json_t *record, char *key, int64_t at_s)
{
    const json_t *created = json_object_get(record, collection->created_member);
    int64_t created_s = time_read(created, at_s);
    int64_t updated_s =
        time_read(json_object_get(record, collection->time_member), created ? created_s : at_s);
    size_t number = key ? index_find(collection, key) : collection->count;
    if (number < collection->count) {
        const struct version *newest = &collection->records[number].newest;
        /* Another content may come without a new time. */
        bool is_newer = newest->updated_s < updated_s || (newest->updated_s == updated_s && newest->given &&
                                                          !json_equal(newest->given, record));
        return is_newer && !collection->records[number].is_removed &&
               add_version(collection, number, updated_s, json_deep_copy(record));
    }
    if (collection->count == RECORDS) return false;
    append(collection, (struct record){.key = key ? mem_text(key) : NULL,
                                       .is_keyless = !key,
                                       .created_s = created_s,
                                       .newest = {.updated_s = updated_s, .given = json_deep_copy(record)}});
    return true;
}

bool collection_put(struct collection *collection, const json_t *record, int64_t at_s)
{
    AUTO(mem_free) char *key = key_of(collection, record);
    bool allows_keyless = json_is_true(json_object_get(collection->data, "keyless")) &&
                          json_is_object(record) && !json_object_get(record, collection->key_member);
    if (!key && !allows_keyless) return false;
    pthread_mutex_lock(&collection->lock);
    bool is_put = put(collection, record, key, at_s);
    pthread_mutex_unlock(&collection->lock);
    return is_put;
}

/* --- touching --- */

int64_t records_choose(struct collection *collection, int64_t count,
                       bool (*take)(struct collection *collection, size_t number, void *self), void *self)
{
    uint64_t all = collection->count, start = hash_mix(collection->seed ^ hash_mix(++collection->choices));
    int64_t taken = 0;
    for (uint64_t i = 0; i < all && taken < count; i++) {
        size_t number = (size_t)((start % all + i * (CHOICE_STEP % all ? CHOICE_STEP : 1)) % all);
        taken += !collection->records[number].is_removed && take(collection, number, self);
    }
    return taken;
}

static bool touch_chosen(struct collection *collection, size_t number, void *self)
{
    const int64_t *at_s = self;
    return record_touch(collection, number, *at_s);
}

static bool touch_unshown_chosen(struct collection *collection, size_t number, void *self)
{
    return !collection->records[number].newest.served_s && touch_chosen(collection, number, self);
}

void touch_unshown(struct collection *collection, int64_t at_s)
{
    (void)records_choose(collection, 1, touch_unshown_chosen, &at_s); /* there may be none */
}

int64_t collection_touch(struct collection *collection, int64_t at_s, int64_t count)
{
    pthread_mutex_lock(&collection->lock);
    int64_t touched = records_choose(collection, count, touch_chosen, &at_s);
    pthread_mutex_unlock(&collection->lock);
    return touched;
}

bool collection_touch_one(struct collection *collection, const char *key, int64_t at_s)
{
    pthread_mutex_lock(&collection->lock);
    size_t number = index_find(collection, key);
    bool is_touched = number < collection->count && record_touch(collection, number, at_s);
    pthread_mutex_unlock(&collection->lock);
    return is_touched;
}

void collection_touch_while_read(struct collection *collection, int64_t every)
{
    pthread_mutex_lock(&collection->lock);
    collection->touch_every = every;
    collection->shown = 0;
    pthread_mutex_unlock(&collection->lock);
}

void collection_vanish_while_read(struct collection *collection, int64_t every)
{
    pthread_mutex_lock(&collection->lock);
    collection->vanish_every = every;
    collection->searched = 0;
    pthread_mutex_unlock(&collection->lock);
}

bool collection_break(struct collection *collection, const char *key)
{
    pthread_mutex_lock(&collection->lock);
    size_t number = index_find(collection, key);
    bool is_known = number < collection->count;
    if (is_known) collection->records[number].is_broken = true;
    pthread_mutex_unlock(&collection->lock);
    return is_known;
}

bool collection_is_broken(struct collection *collection, const char *key)
{
    pthread_mutex_lock(&collection->lock);
    size_t number = index_find(collection, key);
    bool is_broken = number < collection->count && collection->records[number].is_broken;
    pthread_mutex_unlock(&collection->lock);
    return is_broken;
}
