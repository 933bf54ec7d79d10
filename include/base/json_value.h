/* SPDX-License-Identifier: Apache-2.0 */
/* json_value.h - the values of JSON texts, as places in the texts.
 *
 * A document holds the texts and an index of their values: a list of nodes for each container. Numbers and
 * strings stay as they came, but for repairs, which json.h lists; nothing is allocated for a single value.
 * Values are added and replaced by further nodes of the document.
 *
 * All values of a document live as long as the document, which counts its references; each function that
 * looks at a value takes NULL for one that is not there. One thread at a time per document.
 */
#ifndef CASELOAD_BASE_JSON_VALUE_H
#define CASELOAD_BASE_JSON_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

#define DOCUMENT_MEMORY (128 * 1024 * 1024) /* of all nodes; a text that needs more is refused */

enum json_value_type {
    VALUE_NULL,
    VALUE_FALSE,
    VALUE_TRUE,
    VALUE_INTEGER, /* of int64 */
    VALUE_REAL,
    VALUE_STRING,
    VALUE_ARRAY,
    VALUE_OBJECT
};

/* Read its members by the functions below; `next` and the key are for walks. */
struct json_value {
    struct json_value *next; /* in its container */
    const char *key;         /* of a member, without escapes, with a NUL at its end; NULL: it is no member */
    uint32_t key_size;
    uint32_t key_print; /* json_key_print of it */
    uint8_t type;       /* enum json_value_type */
    bool is_verbatim;   /* the text is as json_write would write it: a string without escapes, a number */
    bool key_is_verbatim;
    uint32_t size; /* of the text; of containers the number of members */
    struct document *document;
    union {
        const char *text;         /* of strings, without escapes, and numbers; with a NUL at its end */
        struct json_value *first; /* of containers */
    };
};

/* A fingerprint of a name: equal ones have the same, few others do. Not for what is stored. */
static inline uint32_t json_key_print(const char *key, size_t size)
{
    const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = size * factor, word = 0;
    for (; size > 8; key += 8, size -= 8) {
        memcpy(&word, key, 8);
        hash = (hash ^ word) * factor;
        hash ^= hash >> 32;
    }
    for (size_t i = 0; i < size; i++)
        word = word << 8 | (unsigned char)key[i];
    hash = (hash ^ word) * factor;
    return (uint32_t)(hash >> 32);
}

/* --- documents --- */

struct document *document_new(void); /* with one reference, which is yours */
struct document *document_hold(struct document *document);
void document_drop(struct document **document);

/* Adds the value of a text, which is copied; it lives as long as the document. Repairs and errors are those
 * of json_read. is_lenient, for answers of a source: one bad value is no reason to lose the others. A value
 * inside of the outermost container that is no JSON (NaN, tru, a container with a missing comma), or that
 * lies deeper than JSON_DEPTH, becomes a string: its text. Control characters and backslashes without a
 * meaning stay in their strings. A text that is cut off is refused, as are brackets that do not match. */
bool document_read(struct document *document, const char *bytes, size_t size, bool is_lenient,
                   struct json_normalisations *normalisations, struct json_value **out_value,
                   struct error *err) CHECKED;
/* The members of an object's text that come before its first error. NULL: it is no object. */
struct json_value *document_read_front(struct document *document, const char *bytes, size_t size);

/* The same in a document of its own: value_drop. */
bool value_read(const char *bytes, size_t size, bool is_lenient, struct json_normalisations *normalisations,
                struct json_value **out_value, struct error *err) CHECKED;
struct json_value *value_new(enum json_value_type type); /* no number, no string */
struct json_value *value_hold(struct json_value *value); /* holds its document */
void value_drop(struct json_value **value);              /* for AUTO(value_drop) struct json_value *v */

/* --- reading --- */

static inline bool value_is(const struct json_value *value, enum json_value_type type)
{
    return value && value->type == type;
}

static inline bool value_is_object(const struct json_value *value)
{
    return value_is(value, VALUE_OBJECT);
}

static inline bool value_is_array(const struct json_value *value)
{
    return value_is(value, VALUE_ARRAY);
}

static inline bool value_is_container(const struct json_value *value)
{
    return value && value->type >= VALUE_ARRAY;
}

static inline bool value_is_string(const struct json_value *value)
{
    return value_is(value, VALUE_STRING);
}

static inline bool value_is_integer(const struct json_value *value)
{
    return value_is(value, VALUE_INTEGER);
}

static inline bool value_is_true(const struct json_value *value)
{
    return value_is(value, VALUE_TRUE);
}

static inline bool value_is_false(const struct json_value *value)
{
    return value_is(value, VALUE_FALSE);
}

/* Also of a value that is not there. */
static inline bool value_is_null(const struct json_value *value)
{
    return !value || value->type == VALUE_NULL;
}

/* The first one, for walks; NULL: there is none, or it is no array or object. */
static inline struct json_value *value_elements(const struct json_value *array)
{
    return value_is_array(array) ? array->first : NULL;
}

static inline struct json_value *value_members(const struct json_value *object)
{
    return value_is_object(object) ? object->first : NULL;
}

/* Elements of an array; of anything else 0. */
static inline size_t value_count(const struct json_value *array)
{
    return value_is_array(array) ? array->size : 0;
}

/* Of a string; of anything else NULL. */
static inline const char *value_text(const struct json_value *string)
{
    return value_is_string(string) ? string->text : NULL;
}

/* Of a string; of anything else 0. */
static inline size_t value_size(const struct json_value *string)
{
    return value_is_string(string) ? string->size : 0;
}

int64_t value_integer(const struct json_value *value); /* of an integer; of anything else 0 */
double value_real(const struct json_value *value);     /* of a number; of anything else 0 */
/* Containers are equal to nothing. */
bool value_equal(const struct json_value *left, const struct json_value *right);

struct json_value *value_get(const struct json_value *object, const char *key);
/* Along a dotted path of object keys; NULL or the fallback when absent or of another type. An integer may be
 * in a string. */
struct json_value *value_at(const struct json_value *value, const char *path);
const char *value_text_at(const struct json_value *value, const char *path);
int64_t value_integer_at(const struct json_value *value, const char *path, int64_t fallback);

/* As json_write: compact, in their order. */
bool value_write(struct buf *out, const struct json_value *value);
json_t *value_tree(const struct json_value *value); /* the same as jansson's values; yours */

/* --- making --- */

struct json_value *document_add(struct document *document,
                                enum json_value_type type); /* no number, no string */
struct json_value *document_add_integer(struct document *document, int64_t number);
struct json_value *document_add_string(struct document *document, const char *text, size_t size);
struct json_value *document_add_text(struct document *document, const char *text);
/* A string of the text, as a lenient reading keeps what it can't read. */
struct json_value *document_add_kept(struct document *document, const char *text, size_t size);

/* A value that is set or appended is another node for the same: what is below is shared, or copied if the
 * value is another document's. NULL is not set. `key` has to live as long as the document. */
void value_set(struct json_value *object, const char *key, const struct json_value *value);
void value_set_integer(struct json_value *object, const char *key, int64_t number);
void value_set_bool(struct json_value *object, const char *key, bool is_true);
void value_set_text(struct json_value *object, const char *key, const char *text);
void value_append(struct json_value *array, const struct json_value *value);
/* Sets all members of another object, whose keys are copied, too. */
void value_update(struct json_value *object, const struct json_value *from);
void value_remove(struct json_value *object, const char *key);
/* From one object of a document to another, which has no such member. */
void value_move(struct json_value *object, struct json_value *from, const char *key);

#endif
