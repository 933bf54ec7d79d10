/* SPDX-License-Identifier: Apache-2.0 */
/* json_read.c - makes values of json_scan's tokens, without recursion. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "json_repair.h"

#define SURE_TO_FIT  (JSON_MEMORY / 128) /* `{},` takes most: 80 bytes for each of its own */
#define OBJECT_BYTES 240                 /* of memory for a value, about */
#define ARRAY_BYTES  140
#define KEY_BYTES    80
#define SCALAR_BYTES 40

/* A container that is being read. */
struct frame {
    json_t *container;
    json_t *members; /* of an object with a duplicate key: key, value, key, value; else NULL */
    const char *start;
    struct json_token key; /* of the member that is being read */
    struct json_normalisations before;
};

struct json_reader {
    struct json_scan scan;
    bool is_lenient;
    struct json_normalisations found;
    struct frame frames[JSON_DEPTH];
    size_t depth;
    json_t *value;   /* the outermost one, when it is complete */
    struct buf text; /* of one token */
};

static void reader_init(struct json_reader *reader, const char *bytes, size_t size, bool is_lenient)
{
    json_scan_init(&reader->scan, bytes, size);
    reader->is_lenient = is_lenient;
    reader->found = (struct json_normalisations){0};
    reader->depth = 0;
    reader->value = NULL;
    buf_init(&reader->text, 3 * size + 64); /* the worst: each byte becomes U+FFFD */
}

static void frame_done(struct frame *frame)
{
    json_decref(frame->container);
    json_decref(frame->members);
}

static void reader_done(struct json_reader *reader)
{
    while (reader->depth > 0)
        frame_done(&reader->frames[--reader->depth]);
    json_decref(reader->value);
    buf_done(&reader->text);
}

/* Only numbers, texts and members are counted as they are written, so the estimate is made before. */
static bool fits_memory(const char *bytes, size_t size)
{
    struct json_scan scan;
    struct json_token token;
    size_t memory = 0;
    json_scan_init(&scan, bytes, size);
    while (size > SURE_TO_FIT && memory <= JSON_MEMORY) {
        enum json_token_type type = json_scan_next(&scan, &token);
        if (type == JSON_TOKEN_END || (type == JSON_TOKEN_ERROR && !json_scan_leave(&scan))) break;
        memory += type == JSON_TOKEN_OBJECT  ? OBJECT_BYTES
                  : type == JSON_TOKEN_ARRAY ? ARRAY_BYTES
                  : type == JSON_TOKEN_KEY   ? KEY_BYTES
                                             : SCALAR_BYTES;
    }
    return memory <= JSON_MEMORY;
}

/* --- values --- */

/* The characters of a string or key; borrowed until the next call. */
static const char *characters(struct json_reader *reader, const struct json_token *token, size_t *out_size)
{
    *out_size = token->size;
    if (token->flags == 0) return token->at;
    buf_reset(&reader->text);
    reader->found.characters += json_unescape(token, &reader->text);
    *out_size = reader->text.size;
    return buf_string(&reader->text);
}

json_t *json_kept_text(const char *bytes, size_t size)
{
    AUTO(buf_done) struct buf text = buf_limited(3 * size + 64);
    json_keep_text(bytes, size, &text);
    return json_stringn_nocheck(buf_string(&text), text.size);
}

static json_t *keep_text(struct json_reader *reader, const char *from, const char *to)
{
    reader->found.texts++;
    return json_kept_text(from, (size_t)(to - from));
}

static json_t *make_number(struct json_reader *reader, const struct json_token *token)
{
    json_t *number = json_number(token);
    reader->found.numbers += number == NULL;
    return number ? number : json_stringn_nocheck(token->at, token->size);
}

/* NULL: the value is no JSON, and the scan says so. */
static json_t *make_scalar(struct json_reader *reader, const struct json_token *token)
{
    struct json_scan *scan = &reader->scan;
    size_t size;
    switch (token->type) {
    case JSON_TOKEN_TRUE: return json_true();
    case JSON_TOKEN_FALSE: return json_false();
    case JSON_TOKEN_NULL: return json_null();
    case JSON_TOKEN_INTEGER:
    case JSON_TOKEN_REAL: return make_number(reader, token);
    case JSON_TOKEN_STRING: {
        const char *text = characters(reader, token, &size);
        return json_stringn_nocheck(text, size);
    }
    case JSON_TOKEN_WORD:
    case JSON_TOKEN_DEEP:
        if (reader->is_lenient && reader->depth > 0)
            return keep_text(reader, token->at, token->at + token->size);
        scan->at = token->at;
        scan->problem = token->type == JSON_TOKEN_DEEP ? "nesting exceeds 256 levels" : "no JSON value";
        return NULL;
    case JSON_TOKEN_OBJECT:
    case JSON_TOKEN_ARRAY:
    case JSON_TOKEN_CLOSE:
    case JSON_TOKEN_KEY:
    case JSON_TOKEN_END:
    case JSON_TOKEN_ERROR: break;
    }
    return NULL;
}

/* --- containers --- */

static void open_frame(struct json_reader *reader, const struct json_token *token)
{
    bool is_object = token->type == JSON_TOKEN_OBJECT;
    reader->frames[reader->depth++] = (struct frame){
        .container = is_object ? json_object() : json_array(), .start = token->at, .before = reader->found};
}

static void list_members(struct frame *frame)
{
    const char *key;
    json_t *member;
    frame->members = json_array();
    json_object_foreach (frame->container, key, member) {
        (void)json_array_append_new(frame->members, json_string_nocheck(key));
        (void)json_array_append(frame->members, member);
    }
}

static void add_member(struct json_reader *reader, struct frame *frame, json_t *value)
{
    size_t size;
    const char *key = characters(reader, &frame->key, &size);
    if (!frame->members && json_object_getn(frame->container, key, size)) list_members(frame);
    if (!frame->members) {
        (void)json_object_setn_new_nocheck(frame->container, key, size, value);
        return;
    }
    (void)json_array_append_new(frame->members, json_stringn_nocheck(key, size));
    (void)json_array_append_new(frame->members, value);
}

static void add_value(struct json_reader *reader, json_t *value)
{
    struct frame *frame = reader->depth > 0 ? &reader->frames[reader->depth - 1] : NULL;
    if (!frame)
        reader->value = value;
    else if (json_is_array(frame->container))
        (void)json_array_append_new(frame->container, value);
    else
        add_member(reader, frame, value);
}

/* All but the last of equal keys get the lowest numbers that make names which the object does not have. Two
 * keys never make the same name, so looking at the old ones is enough. */
static json_t *name_duplicates(struct json_reader *reader, const json_t *members)
{
    AUTO(json_drop) json_t *last = json_object();    /* where a key is for the last time */
    AUTO(json_drop) json_t *numbers = json_object(); /* the last one that it got */
    json_t *object = json_object();
    for (size_t i = 0; i < json_array_size(members); i += 2)
        (void)json_object_set_new_nocheck(last, json_string_value(json_array_get(members, i)),
                                          json_integer((json_int_t)i));
    for (size_t i = 0; i < json_array_size(members); i += 2) {
        const char *key = json_string_value(json_array_get(members, i)), *name = key;
        if (json_integer_value(json_object_get(last, key)) != (json_int_t)i) {
            int64_t number = json_integer_value(json_object_get(numbers, key));
            do {
                buf_reset(&reader->text);
                buf_format(&reader->text, "%s (%" PRId64 ")", key, ++number);
                name = buf_string(&reader->text);
            } while (json_object_get(last, name));
            (void)json_object_set_new_nocheck(numbers, key, json_integer(number));
            reader->found.duplicates++;
        }
        (void)json_object_set_nocheck(object, name, json_array_get(members, i + 1));
    }
    return object;
}

static json_t *close_frame(struct json_reader *reader)
{
    struct frame *frame = &reader->frames[--reader->depth];
    json_t *value = frame->members ? name_duplicates(reader, frame->members) : json_incref(frame->container);
    frame_done(frame);
    return value;
}

/* The innermost container can't be read: it becomes its text. NULL: it is the outermost one, or has no end.
 */
static json_t *close_unreadable(struct json_reader *reader)
{
    if (!reader->is_lenient || reader->depth < 2 || !json_scan_leave(&reader->scan)) return NULL;
    struct frame *frame = &reader->frames[--reader->depth];
    frame_done(frame);
    reader->found = frame->before;
    return keep_text(reader, frame->start, reader->scan.at);
}

/* --- the text --- */

static bool check_string(struct json_reader *reader, const struct json_token *token)
{
    struct json_scan *scan = &reader->scan;
    if (reader->is_lenient || !(token->flags & JSON_NOT_JSON)) return true;
    json_refuse_string(scan);
    return false;
}

/* False: scan.problem says why. */
static bool read_value(struct json_reader *reader)
{
    struct json_token token;
    for (;;) {
        json_t *value = NULL;
        enum json_token_type type = json_scan_next(&reader->scan, &token);
        if (type == JSON_TOKEN_END) return true;
        if (type == JSON_TOKEN_OBJECT || type == JSON_TOKEN_ARRAY) {
            open_frame(reader, &token);
            continue;
        }
        if ((type == JSON_TOKEN_KEY || type == JSON_TOKEN_STRING) && !check_string(reader, &token))
            return false;
        if (type == JSON_TOKEN_KEY) {
            reader->frames[reader->depth - 1].key = token;
            continue;
        }
        value = type == JSON_TOKEN_CLOSE   ? close_frame(reader)
                : type == JSON_TOKEN_ERROR ? close_unreadable(reader)
                                           : make_scalar(reader, &token);
        if (!value) return false;
        add_value(reader, value);
    }
}

static bool read_text(const char *bytes, size_t size, bool is_lenient,
                      struct json_normalisations *normalisations, json_t **out_value, struct error *err)
{
    struct json_reader reader;
    *out_value = NULL;
    if (!fits_memory(bytes, size))
        return error_set(err, ERROR_LIMIT,
                         "JSON whose values need more than %d bytes of memory: request fewer records at once",
                         JSON_MEMORY);
    reader_init(&reader, bytes, size, is_lenient);
    bool good = read_value(&reader) || json_refuse(&reader.scan, err);
    if (good) *out_value = json_incref(reader.value);
    if (good && normalisations) json_normalisations_add(normalisations, &reader.found);
    reader_done(&reader);
    return good;
}

bool json_read(const char *bytes, size_t size, struct json_normalisations *normalisations, json_t **out_value,
               struct error *err)
{
    return read_text(bytes, size, false, normalisations, out_value, err);
}

bool json_read_lenient(const char *bytes, size_t size, struct json_normalisations *normalisations,
                       json_t **out_value, struct error *err)
{
    return read_text(bytes, size, true, normalisations, out_value, err);
}

json_t *json_read_front(const char *bytes, size_t size)
{
    struct json_reader reader;
    json_t *front = NULL;
    if (!fits_memory(bytes, size)) return NULL;
    reader_init(&reader, bytes, size, true);
    if (read_value(&reader)) {
        front = json_incref(reader.value);
    } else if (reader.depth > 0) {
        while (reader.depth > 1)
            frame_done(&reader.frames[--reader.depth]);
        front = close_frame(&reader);
    }
    reader_done(&reader);
    if (json_is_object(front)) return front;
    json_decref(front);
    return NULL;
}

void json_normalisations_add(struct json_normalisations *sum, const struct json_normalisations *more)
{
    sum->numbers += more->numbers;
    sum->characters += more->characters;
    sum->duplicates += more->duplicates;
    sum->texts += more->texts;
}

int64_t json_normalisations_sum(const struct json_normalisations *normalisations)
{
    return normalisations->numbers + normalisations->characters + normalisations->duplicates +
           normalisations->texts;
}
