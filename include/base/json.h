/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - JSON from outside, read with jansson, and JSON written into buffers.
 *
 * jansson (2.14) refuses a whole page for a 20-digit integer, 1e400, a lone surrogate, \u0000 or bytes
 * outside of UTF-8, and rounds 12345678901234567.89. json_read makes strings of such numbers and U+FFFD of
 * such characters. The last of duplicate keys keeps the name; earlier ones become "name (1)", "name (2)". All
 * are counted. One thread at a time per value.
 */
#ifndef CASELOAD_BASE_JSON_H
#define CASELOAD_BASE_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

#define JSON_DEPTH  256                 /* deeper input is refused */
#define JSON_MEMORY (256 * 1024 * 1024) /* ... and values that need more, texts not counted */

struct json_normalisations {
    int64_t numbers;    /* written as strings because neither int64 nor double holds them */
    int64_t characters; /* replaced by U+FFFD */
    int64_t duplicates; /* keys renamed because a later one of their object has the name */
};

void json_normalisations_add(struct json_normalisations *sum, const struct json_normalisations *more);

/* normalisations is added to; may be NULL. out is yours (json_decref). ERROR_FORMAT quotes at most 40 bytes
 * of the input; ERROR_LIMIT beyond JSON_MEMORY. */
bool json_read(const char *bytes, size_t size, struct json_normalisations *normalisations, json_t **out_value,
               struct error *err) CHECKED;

/* The two repairs of json_read. Other invalid input stays invalid. False only if out is full. */
bool json_normalise(const char *bytes, size_t size, struct json_normalisations *normalisations,
                    struct buf *out);
bool json_rename_duplicates(const char *bytes, size_t size, struct json_normalisations *normalisations,
                            struct buf *out);

/* Compact, keys in their own order, reals in the shortest form that reads back equal. false: out is full. */
bool json_write(struct buf *out, const json_t *value);
bool json_write_string(struct buf *out, const char *text, size_t size); /* with quotes, escaped */

/* For json_object_foreach and json_array_foreach, which take no const, but change nothing. */
static inline json_t *json_iterable(const json_t *value)
{
    return (json_t *)(uintptr_t)value;
}

void json_drop(json_t **value); /* for AUTO(json_drop) json_t *v */

/* Along a dotted path of object keys. Borrowed; NULL or the fallback when absent or of another type. An
 * integer may be in a string. */
const json_t *json_at(const json_t *value, const char *path);
const char *json_text_at(const json_t *value, const char *path);
int64_t json_int_at(const json_t *value, const char *path, int64_t fallback);

#endif
