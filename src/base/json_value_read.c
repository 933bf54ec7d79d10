/* SPDX-License-Identifier: Apache-2.0 */
/* json_value_read.c - makes a document's nodes of json_scan's tokens, without recursion. The scan reads the
 * caller's text; nodes point into the document's copy, where a NUL ends each string and number. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_value.h"
#include "base/mem.h"
#include "json_document.h"
#include "json_repair.h"

#define SET_SLOTS 512 /* of the keys of one object; more than half of it are sorted */

/* A container that is being read. */
struct frame {
    struct json_value *container;
    const char *start;
    struct json_normalisations before;
};

/* Which keys an object has: by fingerprint, since most objects have no key twice. */
struct key_slot {
    uint32_t turn; /* the object that filled it */
    uint32_t fingerprint;
};

struct value_reader {
    struct json_scan scan;
    struct document *document;
    char *copy; /* of the scan's text */
    bool is_lenient, is_full;
    struct json_normalisations found;
    size_t depth;
    struct json_value *value; /* the outermost one */
    struct json_token key;    /* of the member that is being read */
    struct buf text;          /* of one token */
    uint32_t turn;
    struct frame frames[JSON_DEPTH];
    struct key_slot slots[SET_SLOTS];
};

static struct value_reader *reader_new(struct document *document, const char *bytes, size_t size,
                                       bool is_lenient)
{
    struct value_reader *reader = mem_grow(NULL, 1, sizeof *reader);
    memset(reader, 0, offsetof(struct value_reader, frames)); /* frames are written before they are read */
    memset(reader->slots, 0, sizeof reader->slots);
    json_scan_init(&reader->scan, bytes, size);
    reader->document = document;
    reader->copy = document_copy(document, bytes, size);
    reader->is_lenient = is_lenient;
    reader->is_full = size > UINT32_MAX / 4; /* U+FFFD has three bytes */
    buf_init(&reader->text, 3 * size + 64);  /* the worst: each byte becomes U+FFFD */
    return reader;
}

static void reader_done(struct value_reader **reader)
{
    buf_done(&(*reader)->text);
    free(*reader);
}

/* --- texts --- */

/* The token's place in the copy, with a NUL at its end. */
static const char *end_text(struct value_reader *reader, const struct json_token *token)
{
    char *text = reader->copy + (token->at - reader->scan.start);
    text[token->size] = '\0';
    return text;
}

/* The characters of a string or key. */
static const char *characters(struct value_reader *reader, const struct json_token *token, uint32_t *out_size)
{
    *out_size = (uint32_t)token->size;
    if (token->flags == 0) return end_text(reader, token);
    buf_reset(&reader->text);
    reader->found.characters += json_unescape(token, &reader->text);
    *out_size = (uint32_t)reader->text.size;
    return document_copy(reader->document, buf_string(&reader->text), reader->text.size);
}

static void keep_text(struct value_reader *reader, struct json_value *node, const char *from, const char *to)
{
    buf_reset(&reader->text);
    json_keep_text(from, (size_t)(to - from), &reader->text);
    node->type = VALUE_STRING;
    node->is_verbatim = false;
    node->size = (uint32_t)reader->text.size;
    node->text = document_copy(reader->document, buf_string(&reader->text), reader->text.size);
    reader->found.texts++;
}

/* --- numbers --- */

/* Would %.15g write it like this? It has no zero in front or at its end, no exponent, and a double holds it.
 */
static bool is_shortest(const struct json_token *real)
{
    const char *digit = real->at + (*real->at == '-');
    if (real->flags & JSON_LONG_NUMBER || *digit == '0' || real->at[real->size - 1] == '0') return false;
    return !memchr(real->at, 'e', real->size) && !memchr(real->at, 'E', real->size);
}

static void make_number(struct value_reader *reader, struct json_value *node, const struct json_token *token)
{
    bool is_integer = token->type == JSON_TOKEN_INTEGER;
    node->type = is_integer ? VALUE_INTEGER : VALUE_REAL;
    node->text = end_text(reader, token);
    node->size = (uint32_t)token->size;
    node->is_verbatim = is_integer || is_shortest(token);
    if (token->flags & JSON_LONG_NUMBER && !json_number_fits(token)) {
        node->type = VALUE_STRING;
        node->is_verbatim = true; /* digits need no escape */
        reader->found.numbers++;
    } else if (is_integer && node->size == 2 && memcmp(node->text, "-0", 2) == 0) {
        node->text++; /* int64 has no other zero */
        node->size--;
    }
}

/* False: the value is no JSON, and the scan says so. */
static bool make_scalar(struct value_reader *reader, struct json_value *node, const struct json_token *token)
{
    struct json_scan *scan = &reader->scan;
    switch (token->type) {
    case JSON_TOKEN_TRUE: node->type = VALUE_TRUE; return true;
    case JSON_TOKEN_FALSE: node->type = VALUE_FALSE; return true;
    case JSON_TOKEN_NULL: return true;
    case JSON_TOKEN_INTEGER:
    case JSON_TOKEN_REAL: make_number(reader, node, token); return true;
    case JSON_TOKEN_STRING:
        node->type = VALUE_STRING;
        node->is_verbatim = token->flags == 0;
        node->text = characters(reader, token, &node->size);
        return true;
    case JSON_TOKEN_WORD:
    case JSON_TOKEN_DEEP:
        if (reader->is_lenient && reader->depth > 0) {
            keep_text(reader, node, token->at, token->at + token->size);
            return true;
        }
        scan->at = token->at;
        scan->problem = token->type == JSON_TOKEN_DEEP ? "nesting exceeds 256 levels" : "no JSON value";
        return false;
    case JSON_TOKEN_OBJECT:
    case JSON_TOKEN_ARRAY:
    case JSON_TOKEN_CLOSE:
    case JSON_TOKEN_KEY:
    case JSON_TOKEN_END:
    case JSON_TOKEN_ERROR: break;
    }
    return false;
}

/* --- duplicate keys --- */

/* True of all objects that have a key twice, and of a few others. */
static bool may_have_duplicates(struct value_reader *reader, const struct json_value *object)
{
    if (object->size < 2) return false;
    if (object->size > SET_SLOTS / 2) return true;
    reader->turn++;
    for (const struct json_value *member = object->first; member; member = member->next) {
        uint32_t print = member->key_print;
        struct key_slot *slot = &reader->slots[print % SET_SLOTS];
        while (slot->turn == reader->turn && slot->fingerprint != print)
            slot = slot == &reader->slots[SET_SLOTS - 1] ? reader->slots : slot + 1;
        if (slot->turn == reader->turn) return true;
        *slot = (struct key_slot){.turn = reader->turn, .fingerprint = print};
    }
    return false;
}

struct place {
    struct json_value *member;
    size_t index;
};

static int compare_keys(const char *left, size_t left_size, const char *right, size_t right_size)
{
    if (left_size != right_size) return left_size < right_size ? -1 : 1;
    return memcmp(left, right, left_size);
}

static int compare_places(const void *left_place, const void *right_place)
{
    const struct place *left = left_place, *right = right_place;
    int order =
        compare_keys(left->member->key, left->member->key_size, right->member->key, right->member->key_size);
    return order ? order : (left->index > right->index) - (left->index < right->index);
}

static bool has_key(const struct place *places, size_t count, const struct buf *key)
{
    for (size_t low = 0; low < count;) {
        size_t middle = low + (count - low) / 2;
        const struct json_value *member = places[middle].member;
        int order = compare_keys(buf_string(key), key->size, member->key, member->key_size);
        if (order == 0) return true;
        if (order < 0)
            count = middle;
        else
            low = middle + 1;
    }
    return false;
}

struct renaming {
    struct json_value *member;
    const char *key;
    size_t size;
};

/* All but the last of equal keys get the lowest numbers that make names which the object does not have. Two
 * keys never make the same name, so looking at the old ones is enough. */
static void name_duplicates(struct value_reader *reader, struct json_value *object)
{
    size_t count = 0, renamed = 0;
    int64_t number = 0;
    struct place *places = mem_zero(object->size, sizeof *places);
    struct renaming *renamings = mem_zero(object->size, sizeof *renamings);
    for (struct json_value *member = object->first; member; member = member->next, count++)
        places[count] = (struct place){member, count};
    qsort(places, count, sizeof *places, compare_places);
    for (size_t i = 0; i + 1 < count; i++) {
        struct json_value *member = places[i].member, *next = places[i + 1].member;
        if (compare_keys(member->key, member->key_size, next->key, next->key_size) != 0) {
            number = 0;
            continue;
        }
        do {
            buf_reset(&reader->text);
            buf_add(&reader->text, member->key, member->key_size);
            buf_format(&reader->text, " (%" PRId64 ")", ++number);
        } while (has_key(places, count, &reader->text));
        renamings[renamed++] = (struct renaming){
            member, document_copy(reader->document, buf_string(&reader->text), reader->text.size),
            reader->text.size};
    }
    for (size_t i = 0; i < renamed; i++) { /* not before: the names are found by their order */
        renamings[i].member->key = renamings[i].key;
        renamings[i].member->key_size = (uint32_t)renamings[i].size;
        renamings[i].member->key_print = json_key_print(renamings[i].key, renamings[i].size);
    }
    reader->found.duplicates += (int64_t)renamed;
    free(places);
    free(renamings);
}

/* --- containers --- */

static struct json_value *add_node(struct value_reader *reader, const struct json_token *token)
{
    enum json_value_type type = token->type == JSON_TOKEN_OBJECT  ? VALUE_OBJECT
                                : token->type == JSON_TOKEN_ARRAY ? VALUE_ARRAY
                                                                  : VALUE_NULL;
    struct json_value *node = document_node(reader->document, type);
    struct json_value *container = reader->depth > 0 ? reader->frames[reader->depth - 1].container : NULL;
    if (!container) {
        reader->value = node;
        return node;
    }
    if (container->type == VALUE_OBJECT) {
        node->key = characters(reader, &reader->key, &node->key_size);
        node->key_print = json_key_print(node->key, node->key_size);
        node->key_is_verbatim = reader->key.flags == 0;
    }
    document_link(container, node);
    return node;
}

static void open_frame(struct value_reader *reader, const struct json_token *token)
{
    struct json_value *container = add_node(reader, token);
    reader->frames[reader->depth++] = (struct frame){container, token->at, reader->found};
}

static void close_frame(struct value_reader *reader)
{
    struct json_value *container = reader->frames[--reader->depth].container;
    if (container->type == VALUE_OBJECT && may_have_duplicates(reader, container))
        name_duplicates(reader, container);
}

/* The innermost container can't be read: it becomes its text. False: it is the outermost one, or has no end.
 */
static bool close_unreadable(struct value_reader *reader)
{
    if (!reader->is_lenient || reader->depth < 2 || !json_scan_leave(&reader->scan)) return false;
    const struct frame *frame = &reader->frames[--reader->depth];
    reader->found = frame->before;
    keep_text(reader, frame->container, frame->start, reader->scan.at);
    return true;
}

/* The outermost container loses its newest member, which is not complete. */
static void cut_newest(struct value_reader *reader)
{
    struct json_value *container = reader->frames[0].container, *before = NULL;
    for (struct json_value *member = container->first; member->next; member = member->next)
        before = member;
    if (before)
        before->next = NULL;
    else
        container->first = NULL;
    ((struct json_container *)container)->last = before;
    container->size--;
}

/* --- the text --- */

static bool check_string(struct value_reader *reader, const struct json_token *token)
{
    if (!(token->flags & JSON_NOT_JSON) || reader->is_lenient) return true;
    json_refuse_string(&reader->scan);
    return false;
}

/* False: scan.problem says why, or is_full. */
static bool read_nodes(struct value_reader *reader)
{
    struct json_token token;
    while (!reader->is_full) {
        enum json_token_type type = json_scan_next(&reader->scan, &token);
        switch (type) {
        case JSON_TOKEN_END: return true;
        case JSON_TOKEN_KEY:
            if (!check_string(reader, &token)) return false;
            reader->key = token;
            continue;
        case JSON_TOKEN_CLOSE: close_frame(reader); continue;
        case JSON_TOKEN_ERROR:
            if (!close_unreadable(reader)) return false;
            continue;
        case JSON_TOKEN_OBJECT:
        case JSON_TOKEN_ARRAY: open_frame(reader, &token); break;
        case JSON_TOKEN_STRING:
        case JSON_TOKEN_INTEGER:
        case JSON_TOKEN_REAL:
        case JSON_TOKEN_TRUE:
        case JSON_TOKEN_FALSE:
        case JSON_TOKEN_NULL:
        case JSON_TOKEN_WORD:
        case JSON_TOKEN_DEEP:
            if (type == JSON_TOKEN_STRING && !check_string(reader, &token)) return false;
            if (!make_scalar(reader, add_node(reader, &token), &token)) return false;
        }
        reader->is_full = document_is_full(reader->document);
    }
    return false;
}

bool document_read(struct document *document, const char *bytes, size_t size, bool is_lenient,
                   struct json_normalisations *normalisations, struct json_value **out_value,
                   struct error *err)
{
    AUTO(reader_done) struct value_reader *reader = reader_new(document, bytes, size, is_lenient);
    *out_value = NULL;
    if (!read_nodes(reader))
        return reader->is_full
                   ? error_set(
                         err, ERROR_LIMIT,
                         "JSON whose values need more than %d bytes of memory: request fewer records at once",
                         DOCUMENT_MEMORY)
                   : json_refuse(&reader->scan, err);
    *out_value = reader->value;
    if (normalisations) json_normalisations_add(normalisations, &reader->found);
    return true;
}

struct json_value *document_read_front(struct document *document, const char *bytes, size_t size)
{
    AUTO(reader_done) struct value_reader *reader = reader_new(document, bytes, size, true);
    if (!read_nodes(reader)) {
        if (reader->is_full || reader->depth == 0) return NULL;
        if (reader->depth > 1) cut_newest(reader);
        reader->depth = 1;
        close_frame(reader);
    }
    return value_is_object(reader->value) ? reader->value : NULL;
}

bool value_read(const char *bytes, size_t size, bool is_lenient, struct json_normalisations *normalisations,
                struct json_value **out_value, struct error *err)
{
    struct document *document = document_new();
    bool good = document_read(document, bytes, size, is_lenient, normalisations, out_value, err);
    if (!good) document_drop(&document);
    return good;
}
