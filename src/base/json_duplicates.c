/* SPDX-License-Identifier: Apache-2.0 */
/* json_duplicates.c - keeps all values of a key that an object has more than once.
 *
 * One walk over the tokens, with the keys of the open objects. Keys are equal if they are so decoded: "a" is
 * "\u0061". Output for invalid JSON is invalid, so jansson reports the error.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

struct level {
    json_t *keys;  /* of an object: each with the end of its name, or a list of these if it is a duplicate */
    bool key_next; /* the next string is a key */
};

/* Where " (number)" is inserted: before the closing quote of a name. */
struct mark {
    size_t at;
    int64_t number;
};

struct walk {
    const char *bytes;
    size_t size;
    struct level levels[JSON_DEPTH];
    size_t depth;
    struct mark *marks;
    size_t count, capacity;
};

static void walk_done(struct walk *walk)
{
    while (walk->depth > 0)
        json_decref(walk->levels[--walk->depth].keys);
    free(walk->marks);
}

static void add_mark(struct walk *walk, size_t at, int64_t number)
{
    if (walk->count == walk->capacity) {
        walk->capacity = walk->capacity ? walk->capacity * 2 : 16;
        walk->marks = mem_grow(walk->marks, walk->capacity, sizeof *walk->marks);
    }
    walk->marks[walk->count++] = (struct mark){.at = at, .number = number};
}

/* All but the last of these get the lowest numbers that make names which the object does not have. Two keys
 * never make the same name, so looking at the old ones is enough. */
static void name_duplicates(struct walk *walk, const json_t *keys, const char *key, const json_t *ends)
{
    int64_t number = 0;
    AUTO(buf_done) struct buf name = buf_limited(walk->size + 32);
    for (size_t i = 0; i + 1 < json_array_size(ends); i++) {
        do {
            buf_reset(&name);
            buf_format(&name, "%s (%" PRId64 ")", key, ++number); /* it fits: the key is of the text */
        } while (json_object_get(keys, buf_string(&name)));
        add_mark(walk, (size_t)json_integer_value(json_array_get(ends, i)), number);
    }
}

static void open_level(struct walk *walk, bool object)
{
    walk->levels[walk->depth++] = (struct level){.keys = object ? json_object() : NULL, .key_next = object};
}

static void close_level(struct walk *walk)
{
    AUTO(json_drop) json_t *keys = walk->levels[--walk->depth].keys;
    const char *key;
    json_t *ends;
    json_object_foreach (keys, key, ends)
        if (json_is_array(ends)) name_duplicates(walk, keys, key, ends);
}

/* start: after the opening quote; end: at the closing one. */
static void note_key(struct level *level, const char *bytes, size_t start, size_t end)
{
    AUTO(json_drop)
    json_t *key = memchr(bytes + start, '\\', end - start)
                      ? json_loadb(bytes + start - 1, end - start + 2, JSON_DECODE_ANY, NULL)
                      : json_stringn(bytes + start, end - start);
    const char *name = json_string_value(key);
    size_t size = json_string_length(key);

    level->key_next = false;
    if (!name) return; /* no JSON */
    json_t *before = json_object_getn(level->keys, name, size);
    if (json_is_array(before)) {
        json_array_append_new(before, json_integer((json_int_t)end));
    } else if (before) {
        json_object_setn_new(level->keys, name, size,
                             json_pack("[Oo]", before, json_integer((json_int_t)end)));
    } else {
        json_object_setn_new(level->keys, name, size, json_integer((json_int_t)end));
    }
}

static size_t string_end(const struct walk *walk, size_t at)
{
    while (at < walk->size && walk->bytes[at] != '"')
        at += walk->bytes[at] == '\\' ? 2 : 1;
    return at < walk->size ? at : walk->size;
}

static bool walk_text(struct walk *walk)
{
    for (size_t i = 0; i < walk->size; i++) {
        struct level *level = walk->depth > 0 ? &walk->levels[walk->depth - 1] : NULL;
        char byte = walk->bytes[i];
        if (byte == '"') {
            size_t end = string_end(walk, i + 1);
            if (level && level->key_next && end < walk->size) note_key(level, walk->bytes, i + 1, end);
            i = end;
        } else if (byte == '{' || byte == '[') {
            if (walk->depth == JSON_DEPTH) return false;
            open_level(walk, byte == '{');
        } else if (level && (byte == '}' || byte == ']')) {
            close_level(walk);
        } else if (level && byte == ',') {
            level->key_next = level->keys != NULL;
        }
    }
    return true;
}

static int compare_marks(const void *a, const void *b)
{
    size_t left = ((const struct mark *)a)->at;
    size_t right = ((const struct mark *)b)->at;
    return left < right ? -1 : left > right;
}

bool json_rename_duplicates(const char *bytes, size_t size, struct json_normalisations *normalisations,
                            struct buf *out)
{
    AUTO(walk_done) struct walk walk = {.bytes = bytes, .size = size};
    size_t done = 0;
    if (!walk_text(&walk)) walk.count = 0;
    if (walk.count > 0) qsort(walk.marks, walk.count, sizeof *walk.marks, compare_marks);
    for (size_t i = 0; i < walk.count; i++) {
        buf_add(out, bytes + done, walk.marks[i].at - done);
        buf_format(out, " (%" PRId64 ")", walk.marks[i].number);
        done = walk.marks[i].at;
    }
    if (normalisations) normalisations->duplicates += (int64_t)walk.count;
    return buf_add(out, bytes + done, size - done) && !out->full;
}
