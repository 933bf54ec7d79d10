/* SPDX-License-Identifier: Apache-2.0 */
/* shelf.c - a shelf's records, their versions, and how they change. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/json.h"
#include "base/mem.h"
#include "workspace/records.h"
#include "workspace/shelf_items.h"
#include "workspace/template.h"

#define DAY_S       86400
#define RECORDS     1000000              /* ceiling of a shelf */
#define CHOICE_STEP UINT64_C(2654435761) /* a prime: walks through any number of records */

/* --- the index by key --- */

/* The slot that holds the key, or the empty one where it belongs. */
static uint32_t *find_slot(const struct shelf *shelf, const char *key)
{
    size_t mask = shelf->slot_count - 1;
    size_t at = (size_t)mix(template_hash(key)) & mask;
    while (shelf->slots[at] && strcmp(shelf->items[shelf->slots[at] - 1].key, key) != 0)
        at = (at + 1) & mask;
    return &shelf->slots[at];
}

size_t shelf_find(const struct shelf *shelf, const char *key)
{
    uint32_t slot = shelf->slot_count ? *find_slot(shelf, key) : 0;
    return slot ? slot - 1 : shelf->count;
}

static void index_key(struct shelf *shelf, size_t number)
{
    if (shelf->count * 2 >= shelf->slot_count) {
        free(shelf->slots);
        shelf->slot_count = shelf->slot_count ? shelf->slot_count * 4 : 256;
        shelf->slots = mem_zero(shelf->slot_count, sizeof *shelf->slots);
        for (size_t i = 0; i < number; i++)
            *find_slot(shelf, shelf->items[i].key) = (uint32_t)i + 1;
    }
    *find_slot(shelf, shelf->items[number].key) = (uint32_t)number + 1;
}

/* --- bodies --- */

static void make_id(const struct shelf *shelf, uint64_t sequence, char out_id[SHELF_KEY])
{
    const char *style = json_text_at(shelf->data, "id");
    uint64_t chance = mix(shelf->seed ^ mix(sequence));
    if (style && strcmp(style, "hex") == 0)
        snprintf(out_id, SHELF_KEY, "%016" PRIx64 "%08" PRIx64, chance, sequence);
    else if (style && strcmp(style, "uuid") == 0)
        snprintf(out_id, SHELF_KEY, "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-8%03" PRIx64 "-%012" PRIx64,
                 chance >> 32, chance >> 16 & 0xffff, chance >> 4 & 0xfff, mix(chance) & 0xfff, sequence);
    else
        snprintf(out_id, SHELF_KEY, "%" PRId64, json_int_at(shelf->data, "first", 1) + (int64_t)sequence);
}

static const json_t *template_of(const struct shelf *shelf, uint64_t sequence)
{
    size_t fixed = json_array_size(shelf->fixed);
    return sequence < fixed
               ? json_array_get(shelf->fixed, (size_t)sequence)
               : json_array_get(shelf->made, (size_t)(sequence - fixed) % json_array_size(shelf->made));
}

json_t *item_body(const struct shelf *shelf, const struct item *item, uint32_t version)
{
    const struct edition *edition = &item->editions[version];
    char id[SHELF_KEY];
    if (edition->given) return json_deep_copy(edition->given);
    make_id(shelf, item->sequence, id);
    return template_make(template_of(shelf, item->sequence),
                         &(struct template_record){.seed = mix(shelf->seed ^ mix(item->sequence)),
                                                   .sequence = item->sequence,
                                                   .version = version,
                                                   .created_s = item->created_s,
                                                   .updated_s = edition->at_s,
                                                   .id = id,
                                                   .workspace = shelf->workspace});
}

/* The text by which a record is known, yours; NULL: it has none. */
static char *key_of(const struct shelf *shelf, const json_t *body)
{
    const json_t *value = json_object_get(body, shelf->key);
    const char *text = json_string_value(value);
    if (json_is_integer(value)) return mem_format("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return text && *text && strlen(text) < SHELF_KEY ? mem_text(text) : NULL;
}

/* --- changing --- */

void shelf_forget_orders(struct shelf *shelf)
{
    for (size_t i = 0; i < ORDERS; i++)
        mem_free(&shelf->orders[i]);
}

static void add_edition(struct shelf *shelf, struct item *item, int64_t at_s, json_t *given)
{
    item->editions = mem_grow(item->editions, item->edition_count + 1, sizeof *item->editions);
    item->editions[item->edition_count++] = (struct edition){.at_s = at_s, .given = given};
    shelf_forget_orders(shelf);
}

/* The id of most, without making the whole record. */
static char *made_key(const struct shelf *shelf, const struct item *item)
{
    char id[SHELF_KEY];
    make_id(shelf, item->sequence, id);
    if (strcmp(shelf->key, "id") == 0 && item->sequence >= json_array_size(shelf->fixed)) return mem_text(id);
    AUTO(json_drop) json_t *body = item_body(shelf, item, 0);
    char *key = key_of(shelf, body);
    assert(key); /* the data says so */
    return key;
}

/* given NULL: made of the template. Takes given and key (NULL: that of what is made). */
static void append(struct shelf *shelf, char *key, json_t *given, int64_t created_s, int64_t at_s)
{
    if (shelf->count == shelf->capacity) {
        shelf->capacity = shelf->capacity ? shelf->capacity * 2 : 64;
        shelf->items = mem_grow(shelf->items, shelf->capacity, sizeof *shelf->items);
    }
    struct item *item = &shelf->items[shelf->count++];
    *item = (struct item){.key = key, .created_s = created_s};
    if (!given) item->sequence = shelf->sequence++;
    add_edition(shelf, item, at_s, given);
    if (!key) item->key = made_key(shelf, item);
    index_key(shelf, shelf->count - 1);
    shelf->current++;
}

int64_t item_newest_s(const struct item *item)
{
    return item->editions[item->edition_count - 1].at_s;
}

void shelf_fill(struct shelf *shelf, int64_t from_s, int64_t to_s, int64_t count)
{
    bool frozen = json_is_true(json_object_get(shelf->data, "frozen"));
    uint64_t days = to_s >= from_s ? (uint64_t)(to_s / DAY_S - from_s / DAY_S + 1) : 0;
    pthread_mutex_lock(&shelf->lock);
    for (int64_t i = 0; days > 0 && i < count && shelf->count < RECORDS; i++) {
        uint64_t chance = mix(shelf->seed + mix(shelf->count));
        int64_t at_s = (from_s / DAY_S + (int64_t)(chance % days)) * DAY_S + (int64_t)(mix(chance) % DAY_S);
        bool fresh = frozen || mix(chance + 1) % 4 == 0;
        append(shelf, NULL, NULL, fresh ? at_s : at_s - (int64_t)(mix(chance + 2) % (700 * DAY_S)), at_s);
    }
    pthread_mutex_unlock(&shelf->lock);
}

/* What a time says, of whatever form; fallback if it is none. */
static int64_t read_time(const json_t *value, int64_t fallback)
{
    int64_t at_us;
    const char *text = json_string_value(value);
    if (json_is_integer(value)) return json_integer_value(value);
    return text && instant_parse(text, strlen(text), &at_us) ? at_us / 1000000 : fallback;
}

/* The newest version of a given record, but with another updated_at, of the same form. */
static json_t *renew_given(const json_t *given, int64_t at_s)
{
    json_t *changed = json_deep_copy(given);
    const json_t *updated = json_object_get(changed, "updated_at");
    char text[INSTANT_TEXT];
    instant_format(at_s * 1000000, text);
    if (updated)
        json_object_set_new(changed, "updated_at",
                            json_is_string(updated) ? json_string(text) : json_integer(at_s));
    return changed;
}

static bool touch(struct shelf *shelf, size_t number, int64_t at_s)
{
    struct item *item = &shelf->items[number];
    const json_t *given = item->editions[item->edition_count - 1].given;
    if (item->removed || item_newest_s(item) >= at_s || json_is_true(json_object_get(shelf->data, "frozen")))
        return false;
    add_edition(shelf, item, at_s, given ? renew_given(given, at_s) : NULL);
    return true;
}

int64_t shelf_touch_some(struct shelf *shelf, int64_t at_s, int64_t count)
{
    uint64_t all = shelf->count, start = mix(shelf->seed ^ mix(++shelf->choices));
    int64_t touched = 0;
    for (uint64_t i = 0; i < all && touched < count; i++)
        touched +=
            touch(shelf, (size_t)((start % all + i * (CHOICE_STEP % all ? CHOICE_STEP : 1)) % all), at_s);
    return touched;
}

int64_t shelf_touch(struct shelf *shelf, int64_t at_s, int64_t count)
{
    pthread_mutex_lock(&shelf->lock);
    int64_t touched = shelf_touch_some(shelf, at_s, count);
    pthread_mutex_unlock(&shelf->lock);
    return touched;
}

bool shelf_touch_one(struct shelf *shelf, const char *key, int64_t at_s)
{
    pthread_mutex_lock(&shelf->lock);
    size_t number = shelf_find(shelf, key);
    bool touched = number < shelf->count && touch(shelf, number, at_s);
    pthread_mutex_unlock(&shelf->lock);
    return touched;
}

void shelf_touch_while_read(struct shelf *shelf, int64_t every)
{
    pthread_mutex_lock(&shelf->lock);
    shelf->every = every;
    shelf->listed = 0;
    pthread_mutex_unlock(&shelf->lock);
}

bool shelf_put(struct shelf *shelf, const json_t *record, int64_t at_s)
{
    char *key = key_of(shelf, record);
    if (!key) return false;
    int64_t created_s = read_time(json_object_get(record, "created_at"), at_s);
    int64_t updated_s = read_time(json_object_get(record, "updated_at"),
                                  json_object_get(record, "created_at") ? created_s : at_s);
    pthread_mutex_lock(&shelf->lock);
    size_t number = shelf_find(shelf, key);
    bool known = number < shelf->count, put = !known && shelf->count < RECORDS;
    if (put) {
        append(shelf, key, json_deep_copy(record), created_s, updated_s);
        key = NULL;
    } else if (known && !shelf->items[number].removed && item_newest_s(&shelf->items[number]) < updated_s) {
        add_edition(shelf, &shelf->items[number], updated_s, json_deep_copy(record));
        put = true;
    }
    pthread_mutex_unlock(&shelf->lock);
    free(key);
    return put;
}

static bool remove_item(struct shelf *shelf, size_t number)
{
    if (number >= shelf->count || shelf->items[number].removed) return false;
    shelf->items[number].removed = true;
    shelf->current--;
    shelf_forget_orders(shelf);
    return true;
}

bool shelf_remove(struct shelf *shelf, const char *key)
{
    pthread_mutex_lock(&shelf->lock);
    bool removed = remove_item(shelf, shelf_find(shelf, key));
    pthread_mutex_unlock(&shelf->lock);
    return removed;
}

int64_t shelf_remove_some(struct shelf *shelf, int64_t count)
{
    int64_t removed = 0;
    pthread_mutex_lock(&shelf->lock);
    for (size_t number = shelf->count; number > 0 && removed < count; number--)
        removed += remove_item(shelf, number - 1);
    pthread_mutex_unlock(&shelf->lock);
    return removed;
}

/* --- reading --- */

json_t *shelf_get(struct shelf *shelf, const char *key)
{
    pthread_mutex_lock(&shelf->lock);
    size_t number = shelf_find(shelf, key);
    const struct item *item = number < shelf->count ? &shelf->items[number] : NULL;
    json_t *body = item && !item->removed ? item_body(shelf, item, item->edition_count - 1) : NULL;
    pthread_mutex_unlock(&shelf->lock);
    return body;
}

size_t shelf_count(struct shelf *shelf)
{
    pthread_mutex_lock(&shelf->lock);
    size_t count = shelf->current;
    pthread_mutex_unlock(&shelf->lock);
    return count;
}

/* --- for comparing --- */

size_t shelf_ever(struct shelf *shelf)
{
    pthread_mutex_lock(&shelf->lock);
    size_t count = shelf->count;
    pthread_mutex_unlock(&shelf->lock);
    return count;
}

size_t shelf_number(struct shelf *shelf, const char *key)
{
    pthread_mutex_lock(&shelf->lock);
    size_t number = shelf_find(shelf, key);
    pthread_mutex_unlock(&shelf->lock);
    return number;
}

size_t shelf_versions(struct shelf *shelf, size_t number, bool *out_current)
{
    pthread_mutex_lock(&shelf->lock);
    const struct item *item = number < shelf->count ? &shelf->items[number] : NULL;
    size_t count = item ? item->edition_count : 0;
    if (out_current) *out_current = item && !item->removed;
    pthread_mutex_unlock(&shelf->lock);
    return count;
}

json_t *shelf_version(struct shelf *shelf, size_t number, size_t version, int64_t *out_at_s)
{
    json_t *body = NULL;
    pthread_mutex_lock(&shelf->lock);
    if (number < shelf->count && version < shelf->items[number].edition_count) {
        body = item_body(shelf, &shelf->items[number], (uint32_t)version);
        if (out_at_s) *out_at_s = shelf->items[number].editions[version].at_s;
    }
    pthread_mutex_unlock(&shelf->lock);
    return body;
}

void shelf_key(struct shelf *shelf, size_t number, char out_key[SHELF_KEY])
{
    pthread_mutex_lock(&shelf->lock);
    snprintf(out_key, SHELF_KEY, "%s", number < shelf->count ? shelf->items[number].key : "");
    pthread_mutex_unlock(&shelf->lock);
}
