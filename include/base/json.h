/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - JSON from outside becomes jansson's values, and these are written into buffers.
 *
 * For settings, messages and Google's answers; records stay in the text (json_value.h). jansson's own reader
 * is not used, as it refuses a whole text for one number of 20 digits. Numbers that neither int64 nor double
 * holds with all digits become strings; characters that no text can hold become U+FFFD. The last of duplicate
 * keys keeps the name; earlier ones become "name (1)", "name (2)". All are counted. One thread at a time per
 * value.
 */
#ifndef CASELOAD_BASE_JSON_H
#define CASELOAD_BASE_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json_scan.h"

struct json_normalisations {
    int64_t numbers;    /* written as strings because neither int64 nor double holds them */
    int64_t characters; /* replaced by U+FFFD, or allowed in no string of JSON */
    int64_t duplicates; /* keys renamed because a later one of their object has the name */
    int64_t texts;      /* values that are no JSON, kept as their text */
};

void json_normalisations_add(struct json_normalisations *sum, const struct json_normalisations *more);
int64_t json_normalisations_sum(const struct json_normalisations *normalisations);

/* JSON that has to be well-formed. normalisations is added to; may be NULL. out is yours (json_decref).
 * ERROR_FORMAT quotes at most 40 bytes of the input, and is also given for more than JSON_DEPTH levels;
 * ERROR_LIMIT beyond DOCUMENT_MEMORY. */
bool json_read(const char *bytes, size_t size, struct json_normalisations *normalisations, json_t **out_value,
               struct error *err) CHECKED;

/* A string of a text that is no JSON. NULs and bytes that are not UTF-8 become U+FFFD. Yours. */
json_t *json_kept_text(const char *bytes, size_t size);

/* Compact, keys in their own order, reals in the shortest form that reads back equal. false: out is full. */
bool json_write(struct buf *out, const json_t *value);
bool json_write_string(struct buf *out, const char *text, size_t size); /* with quotes, escaped */

/* The shortest text that reads back equal; "1.0", not "1", so that it stays a real. */
bool json_write_real(struct buf *out, double value);

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
