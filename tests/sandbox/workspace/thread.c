/* SPDX-License-Identifier: Apache-2.0 */
/* thread.c - threads as answers, and their parts as rows: for conversations that were made from the
 * seed and for those that were given whole. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "workspace/records.h"
#include "workspace/world.h"

#define THREAD_LIMIT  (64 * 1024 * 1024)
#define REVISION_BITS 21
#define PART_BITS     17

static int64_t place_of(size_t number, int64_t part, struct part_state state)
{
    int64_t place = (int64_t)number << PART_BITS | (part + 1);
    return (place << REVISION_BITS | state.revision) << 1 | state.redacted;
}

static json_t *read_back(const struct buf *text)
{
    struct error err;
    json_t *value;
    if (!json_read(buf_string(text), text->size, NULL, &value, &err)) abort(); /* what we write we can read */
    return value;
}

static const json_t *given_at(const struct records *records, size_t number, uint32_t version)
{
    return version_of(records, number, version)->given;
}

/* --- threads --- */

bool world_thread(struct world *world, const char *id, bool plain, struct buf *out)
{
    char own[RECORD_ID];
    pthread_mutex_lock(&world->lock);
    size_t number = find_record(&world->records, id);
    struct record *record = number < world->records.count ? &world->records.items[number] : NULL;
    bool there = record && !record->newest.removed;
    if (there) {
        version_serve(world, number, true, false);
        struct talk talk = talk_of(&world->records, number, record->past_count, own);
        if (record->newest.given)
            json_write(out, record->newest.given); /* a reply that is too large is seen when it is sent */
        else
            talk_write(&talk, plain ? TALK_PLAIN : TALK_HTML, out);
    }
    pthread_mutex_unlock(&world->lock);
    return there;
}

static json_t *parts_of(const json_t *given)
{
    return json_object_get(json_object_get(given, "conversation_parts"), "conversation_parts");
}

json_t *thread_row(const struct records *records, size_t number, uint32_t version)
{
    char id[RECORD_ID];
    const json_t *given = given_at(records, number, version);
    if (!given) {
        AUTO(buf_done) struct buf text;
        buf_init(&text, THREAD_LIMIT);
        struct talk talk = talk_of(records, number, version, id);
        talk_write(&talk, TALK_ROW, &text);
        return read_back(&text);
    }
    json_t *row = json_deep_copy(given);
    int64_t received = (int64_t)json_array_size(parts_of(row));
    int64_t total = json_int_at(row, "conversation_parts.total_count", -1);
    int64_t counted = json_int_at(row, "statistics.count_conversation_parts", -1);
    json_object_del(json_object_get(row, "conversation_parts"), "conversation_parts");
    json_object_set_new(row, "parts_received", json_integer(received));
    json_object_set_new(row, "parts_truncated",
                        json_boolean(received == TALK_MOST_PARTS || total > received));
    if (total >= 0) json_object_set_new(row, "parts_total", json_integer(total));
    if (counted >= 0) json_object_set_new(row, "parts_missing", json_integer(counted - received));
    return row;
}

/* --- parts of conversations that were made --- */

static json_t *made_part(const struct talk *talk, const struct world_part *wanted, int64_t *out_place)
{
    int64_t part = talk_part_of(talk, wanted->id);
    for (uint32_t version = 0; part >= -1 && version <= talk->version; version++) {
        struct part_state state = talk_part_state(talk, part, version);
        if (part >= (int64_t)talk->parts + version || state.redacted != wanted->redacted ||
            talk_part_updated_s(talk, part, state.revision) != wanted->updated_s)
            continue;
        AUTO(buf_done) struct buf text;
        buf_init(&text, THREAD_LIMIT);
        talk_write_part(talk, part, state, true, &text);
        *out_place = place_of((size_t)talk->sequence, part, state);
        return read_back(&text);
    }
    return NULL;
}

typedef void visit_part(void *self, const struct world_part *part, int64_t place);

static void visit_made(const struct talk *talk, visit_part *visit, void *self)
{
    int64_t count = talk_count(talk), cut = count > TALK_MOST_PARTS ? count - TALK_MOST_PARTS : 0;
    char id[RECORD_ID];
    for (int64_t part = -1; part < count; part++) {
        if (part >= 0 && part < cut) continue;
        struct part_state state = talk_part_state(talk, part, talk->version);
        talk_part_id(talk, part, id);
        visit(self,
              &(struct world_part){.conversation_id = talk->id,
                                   .id = id,
                                   .updated_s = talk_part_updated_s(talk, part, state.revision),
                                   .redacted = state.redacted},
              place_of((size_t)talk->sequence, part, state));
    }
}

/* --- parts of conversations that were given --- */

/* Part number `part` (-1: the first message) of a given body as a row, yours, or NULL. */
static json_t *given_row(const json_t *given, int64_t part)
{
    const json_t *source = json_object_get(given, "source");
    const json_t *list = parts_of(given);
    int64_t total = json_int_at(given, "conversation_parts.total_count", 0),
            count = (int64_t)json_array_size(list);
    json_t *row;
    if (part >= 0) {
        row = json_deep_copy(json_array_get(list, (size_t)part));
    } else {
        static const char *const own[] = {"type", "delivered_as", "recipients", "reply_to", "subject", "url"};
        row = json_deep_copy(source);
        for (size_t i = 0; row && i < sizeof own / sizeof *own; i++)
            json_object_del(row, own[i]);
        if (row && !json_is_string(json_object_get(row, "id")))
            json_object_set_new(row, "id", json_string("source"));
        json_object_set_new(row, "part_type", json_string("source"));
        json_object_set(row, "created_at", json_object_get(given, "created_at"));
        json_object_set(row, "updated_at", json_object_get(given, "created_at"));
    }
    if (!json_is_object(row)) {
        json_decref(row);
        return NULL;
    }
    if (!json_is_boolean(json_object_get(row, "redacted")))
        json_object_set_new(row, "redacted", json_false());
    json_object_set(row, "conversation_id", json_object_get(given, "id"));
    json_object_set_new(row, "part_index",
                        json_integer(part < 0 ? 0 : (total > count ? total - count : 0) + part + 1));
    return row;
}

static bool part_named(const json_t *row, const struct world_part *wanted)
{
    const json_t *id = json_object_get(row, "id");
    char number[32];
    snprintf(number, sizeof number, "%lld", (long long)json_integer_value(id));
    const char *text = json_is_integer(id) ? number : json_string_value(id);
    return text && strcmp(text, wanted->id) == 0 && json_int_at(row, "updated_at", -1) == wanted->updated_s &&
           json_is_true(json_object_get(row, "redacted")) == wanted->redacted;
}

/* In the first version that has it. */
static json_t *given_part(const struct records *records, size_t number, const struct world_part *wanted,
                          int64_t *out_place)
{
    for (uint32_t version = 0; version <= records->items[number].past_count; version++) {
        const json_t *given = given_at(records, number, version);
        for (int64_t part = -1; part < (int64_t)json_array_size(parts_of(given)); part++) {
            json_t *row = given_row(given, part);
            if (row && part_named(row, wanted)) {
                *out_place = place_of(number, part,
                                      (struct part_state){.revision = version, .redacted = wanted->redacted});
                return row;
            }
            json_decref(row);
        }
    }
    return NULL;
}

static void visit_given(const struct records *records, size_t number, uint32_t version, visit_part *visit,
                        void *self)
{
    const json_t *given = given_at(records, number, version);
    const char *conversation = json_text_at(given, "id");
    for (int64_t part = -1; conversation && part < (int64_t)json_array_size(parts_of(given)); part++) {
        AUTO(json_drop) json_t *row = given_row(given, part);
        const json_t *id = json_object_get(row, "id");
        char text[32];
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(id));
        struct world_part wanted = {.conversation_id = conversation,
                                    .id = json_is_string(id) ? json_string_value(id) : text,
                                    .updated_s = json_int_at(row, "updated_at", -1),
                                    .redacted = json_is_true(json_object_get(row, "redacted"))};
        int64_t place;
        json_t *first = row ? given_part(records, number, &wanted, &place) : NULL;
        if (first) visit(self, &wanted, place);
        json_decref(first);
    }
}

/* --- parts --- */

json_t *world_part(struct world *world, const struct world_part *part, int64_t *out_place)
{
    json_t *row = NULL;
    char id[RECORD_ID];
    pthread_mutex_lock(&world->lock);
    size_t number = find_record(&world->records, part->conversation_id);
    if (number < world->records.count) {
        const struct record *record = &world->records.items[number];
        struct talk talk = talk_of(&world->records, number, record->past_count, id);
        row = record->newest.given ? given_part(&world->records, number, part, out_place)
                                   : made_part(&talk, part, out_place);
    }
    pthread_mutex_unlock(&world->lock);
    return row;
}

void world_parts(struct world *world, int64_t number, visit_part *visit, void *self)
{
    char id[RECORD_ID];
    uint32_t version;
    pthread_mutex_lock(&world->lock);
    if (wanted_version(&world->records, (size_t)number, &version)) {
        struct talk talk = talk_of(&world->records, (size_t)number, version, id);
        if (given_at(&world->records, (size_t)number, version))
            visit_given(&world->records, (size_t)number, version, visit, self);
        else
            visit_made(&talk, visit, self);
    }
    pthread_mutex_unlock(&world->lock);
}
