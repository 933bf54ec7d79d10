/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_value.h"

#include <inttypes.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "json_document.h"
#include "json_repair.h"

#define BLOCK_FIRST 8192
#define BLOCK_MOST  65536 /* small enough to come from the heap, not from the kernel */

struct block {
    struct block *next;
    alignas(8) char bytes[];
};

struct document {
    size_t references;
    struct block *blocks;
    char *at, *end;    /* what is free of the newest block */
    size_t block_size; /* of the newest block */
    size_t nodes;      /* their bytes */
};

/* --- documents --- */

struct document *document_new(void)
{
    struct document *document = mem_zero(1, sizeof *document);
    document->references = 1;
    return document;
}

struct document *document_hold(struct document *document)
{
    if (document) document->references++;
    return document;
}

void document_drop(struct document **document)
{
    struct document *dropped = *document;
    *document = NULL;
    if (!dropped || --dropped->references > 0) return;
    for (struct block *block = dropped->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(dropped);
}

struct json_value *value_hold(struct json_value *value)
{
    if (value) (void)document_hold(value->document);
    return value;
}

void value_drop(struct json_value **value)
{
    struct document *document = *value ? (*value)->document : NULL;
    *value = NULL;
    document_drop(&document);
}

static void *add_block(struct document *document, size_t size)
{
    struct block *block = mem_grow(NULL, sizeof *block + size, 1);
    block->next = document->blocks;
    document->blocks = block;
    return block->bytes;
}

static void *take(struct document *document, size_t size)
{
    size = (size + 7) & ~(size_t)7;
    if (size > (size_t)(document->end - document->at)) {
        if (size > BLOCK_MOST / 4) return add_block(document, size); /* the rest of the newest stays free */
        document->block_size = document->block_size == 0               ? BLOCK_FIRST
                               : document->block_size < BLOCK_MOST / 2 ? 2 * document->block_size
                                                                       : BLOCK_MOST;
        if (document->block_size < size) document->block_size = BLOCK_MOST;
        document->at = add_block(document, document->block_size);
        document->end = document->at + document->block_size;
    }
    char *taken = document->at;
    document->at += size;
    return taken;
}

bool document_is_full(const struct document *document)
{
    return document->nodes >= DOCUMENT_MEMORY;
}

struct json_value *document_node(struct document *document, enum json_value_type type)
{
    bool is_container = type == VALUE_ARRAY || type == VALUE_OBJECT;
    size_t size = is_container ? sizeof(struct json_container) : sizeof(struct json_value);
    struct json_value *node = take(document, size);
    document->nodes += size;
    *node = (struct json_value){.type = (uint8_t)type, .document = document};
    if (is_container) ((struct json_container *)node)->last = NULL;
    return node;
}

char *document_copy(struct document *document, const char *text, size_t size)
{
    char *copy = take(document, size + 1);
    if (size > 0) memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

/* --- reading --- */

int64_t value_integer(const struct json_value *value)
{
    int64_t number;
    return value_is(value, VALUE_INTEGER) && parse_int64(value->text, &number) ? number : 0;
}

double value_real(const struct json_value *value)
{
    bool is_number = value_is(value, VALUE_REAL) || value_is(value, VALUE_INTEGER);
    return is_number ? strtod(value->text, NULL) : 0;
}

bool value_equal(const struct json_value *left, const struct json_value *right)
{
    if (!left || !right || left->type != right->type || value_is_container(left)) return false;
    if (left->type == VALUE_REAL) return value_real(left) == value_real(right);
    return left->size == right->size && (left->size == 0 || memcmp(left->text, right->text, left->size) == 0);
}

static struct json_value *get(const struct json_value *object, const char *key, size_t size)
{
    struct json_value *member = value_is_object(object) ? object->first : NULL;
    while (member && (member->key_size != size || memcmp(member->key, key, size) != 0))
        member = member->next;
    return member;
}

struct json_value *value_get(const struct json_value *object, const char *key)
{
    return get(object, key, strlen(key));
}

struct json_value *value_at(const struct json_value *value, const char *path)
{
    for (;;) {
        size_t size = strcspn(path, ".");
        struct json_value *member = get(value, path, size);
        if (!member || path[size] == '\0') return member;
        value = member;
        path += size + 1;
    }
}

const char *value_text_at(const struct json_value *value, const char *path)
{
    return value_text(value_at(value, path));
}

int64_t value_integer_at(const struct json_value *value, const char *path, int64_t fallback)
{
    const struct json_value *found = value_at(value, path);
    int64_t number;
    bool may_be = value_is(found, VALUE_INTEGER) || value_is_string(found);
    return may_be && parse_int64(found->text, &number) ? number : fallback;
}

/* --- writing --- */

static void write_string(struct buf *out, const char *text, size_t size, bool is_verbatim)
{
    if (!is_verbatim) {
        json_write_string(out, text, size);
        return;
    }
    buf_byte(out, '"');
    buf_add(out, text, size);
    buf_byte(out, '"');
}

static bool write_container(struct buf *out, const struct json_value *container)
{
    bool is_object = container->type == VALUE_OBJECT;
    buf_byte(out, is_object ? '{' : '[');
    for (const struct json_value *member = container->first; member; member = member->next) {
        if (member != container->first) buf_byte(out, ',');
        if (is_object) {
            write_string(out, member->key, member->key_size, member->key_is_verbatim);
            buf_byte(out, ':');
        }
        value_write(out, member);
    }
    return buf_byte(out, is_object ? '}' : ']');
}

bool value_write(struct buf *out, const struct json_value *value)
{
    switch ((enum json_value_type)value->type) {
    case VALUE_NULL: return buf_add(out, "null", 4);
    case VALUE_FALSE: return buf_add(out, "false", 5);
    case VALUE_TRUE: return buf_add(out, "true", 4);
    case VALUE_INTEGER: return buf_add(out, value->text, value->size);
    case VALUE_REAL:
        return value->is_verbatim ? buf_add(out, value->text, value->size)
                                  : json_write_real(out, value_real(value));
    case VALUE_STRING: write_string(out, value->text, value->size, value->is_verbatim); return !out->full;
    case VALUE_ARRAY:
    case VALUE_OBJECT: return write_container(out, value);
    }
    return false;
}

/* --- making --- */

struct json_value *value_new(enum json_value_type type)
{
    return document_node(document_new(), type);
}

struct json_value *document_add(struct document *document, enum json_value_type type)
{
    return document_node(document, type);
}

struct json_value *document_add_integer(struct document *document, int64_t number)
{
    char text[24];
    struct json_value *node = document_node(document, VALUE_INTEGER);
    node->size = (uint32_t)snprintf(text, sizeof text, "%" PRId64, number);
    node->text = document_copy(document, text, node->size);
    node->is_verbatim = true;
    return node;
}

struct json_value *document_add_string(struct document *document, const char *text, size_t size)
{
    struct json_value *node = document_node(document, VALUE_STRING);
    node->size = (uint32_t)size;
    node->text = document_copy(document, text, size);
    return node;
}

struct json_value *document_add_text(struct document *document, const char *text)
{
    return document_add_string(document, text, strlen(text));
}

struct json_value *document_add_kept(struct document *document, const char *text, size_t size)
{
    AUTO(buf_done) struct buf kept = buf_limited(3 * size + 64);
    json_keep_text(text, size, &kept);
    return document_add_string(document, buf_string(&kept), kept.size);
}

/* Of another document: the depth is that of a text, at most JSON_DEPTH and what sources add. */
static struct json_value *copy_deep(struct document *document, const struct json_value *value)
{
    struct json_value *copy = document_node(document, (enum json_value_type)value->type);
    copy->is_verbatim = value->is_verbatim;
    if (!value_is_container(value)) {
        copy->size = value->size;
        copy->text = document_copy(document, value->text, value->size);
        return copy;
    }
    for (const struct json_value *member = value->first; member; member = member->next) {
        struct json_value *below = copy_deep(document, member);
        if (member->key) below->key = document_copy(document, member->key, member->key_size);
        below->key_size = member->key_size;
        below->key_print = member->key_print;
        below->key_is_verbatim = member->key_is_verbatim;
        document_link(copy, below);
    }
    return copy;
}

static struct json_value *last_of(const struct json_value *container)
{
    return ((const struct json_container *)container)->last;
}

static void set_last(struct json_value *container, struct json_value *last)
{
    ((struct json_container *)container)->last = last;
}

static struct json_value *copy(struct document *document, const struct json_value *value)
{
    if (value->document != document) return copy_deep(document, value);
    struct json_value *node = document_node(document, (enum json_value_type)value->type);
    node->is_verbatim = value->is_verbatim;
    node->size = value->size;
    if (value_is_container(value)) {
        node->first = value->first;
        set_last(node, last_of(value));
    } else {
        node->text = value->text;
    }
    return node;
}

/* Where the pointer to the member of that name is; NULL: there is none. */
static struct json_value **find_place(struct json_value *object, const char *key,
                                      struct json_value **out_before)
{
    size_t size = strlen(key);
    struct json_value **place = &object->first;
    *out_before = NULL;
    while (*place && ((*place)->key_size != size || memcmp((*place)->key, key, size) != 0)) {
        *out_before = *place;
        place = &(*place)->next;
    }
    return *place ? place : NULL;
}

/* The node is of no container. */
static void set_node(struct json_value *object, const char *key, struct json_value *node)
{
    struct json_value *before, **place = find_place(object, key, &before);
    node->key = key;
    node->key_size = (uint32_t)strlen(key);
    node->key_print = json_key_print(key, node->key_size);
    if (!place) {
        document_link(object, node);
        return;
    }
    node->next = (*place)->next;
    if (!node->next) set_last(object, node);
    *place = node;
}

void value_set(struct json_value *object, const char *key, const struct json_value *value)
{
    if (value && value_is_object(object)) set_node(object, key, copy(object->document, value));
}

void value_set_integer(struct json_value *object, const char *key, int64_t number)
{
    if (value_is_object(object)) set_node(object, key, document_add_integer(object->document, number));
}

void value_set_bool(struct json_value *object, const char *key, bool is_true)
{
    if (value_is_object(object))
        set_node(object, key, document_node(object->document, is_true ? VALUE_TRUE : VALUE_FALSE));
}

void value_set_text(struct json_value *object, const char *key, const char *text)
{
    if (value_is_object(object)) set_node(object, key, document_add_text(object->document, text));
}

void value_append(struct json_value *array, const struct json_value *value)
{
    if (value && value_is_array(array)) document_link(array, copy(array->document, value));
}

void value_update(struct json_value *object, const struct json_value *from)
{
    for (const struct json_value *member = value_members(from); member; member = member->next)
        value_set(object, document_copy(object->document, member->key, member->key_size), member);
}

static struct json_value *detach(struct json_value *object, const char *key)
{
    struct json_value *before, **place = value_is_object(object) ? find_place(object, key, &before) : NULL;
    struct json_value *member = place ? *place : NULL;
    if (!member) return NULL;
    if (!member->next) set_last(object, before);
    *place = member->next;
    member->next = NULL;
    object->size--;
    return member;
}

void value_remove(struct json_value *object, const char *key)
{
    (void)detach(object, key);
}

void value_move(struct json_value *object, struct json_value *from, const char *key)
{
    struct json_value *member = detach(from, key);
    if (member) document_link(object, member);
}
