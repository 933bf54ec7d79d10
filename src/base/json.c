/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/utf8.h"

#define QUOTE_BYTES  40
#define EXACT_DIGITS 15 /* decimal digits that a double always gives back */

/* Estimated memory of jansson for one value: an empty object takes a hundred times its two bytes. */
static size_t memory_of(char byte)
{
    switch (byte) {
    case '{': return 240;
    case '[': return 140;
    case ':': return 80; /* a member's place */
    case ',': return 40;
    default: return 0;
    }
}

/* The number that a scan is in. */
struct number {
    size_t digits, exponent_digits;
    bool is_real, has_exponent;
};

/* Adds a byte outside of strings. True: a double may not hold the number. */
static bool number_add(struct number *number, char byte)
{
    if (byte >= '0' && byte <= '9') {
        number->digits++;
        number->exponent_digits += number->has_exponent;
    } else if (byte == '.') {
        number->is_real = true;
    } else if (byte == 'e' || byte == 'E') {
        number->is_real = number->has_exponent = true;
    } else if (byte != '-' && byte != '+') {
        *number = (struct number){0};
    }
    return number->is_real && (number->digits > EXACT_DIGITS || number->exponent_digits > 2);
}

/* jansson recurses and allocates while it reads, so depth and memory are checked before. Brackets in invalid
 * input may be miscounted, but jansson refuses such input anyway. */
static bool check_shape(const char *bytes, size_t size, bool *out_long_reals, struct error *err)
{
    size_t depth = 0, memory = 0;
    bool quoted = false;
    struct number number = {0};
    *out_long_reals = false;
    for (size_t i = 0; i < size; i++) {
        char byte = bytes[i];
        if (byte == '"') quoted = !quoted;
        if (quoted) {
            i += byte == '\\';
            continue;
        }
        memory += memory_of(byte);
        *out_long_reals |= number_add(&number, byte);
        if (byte == '[' || byte == '{') depth++;
        if ((byte == ']' || byte == '}') && depth > 0) depth--;
        if (depth > JSON_DEPTH)
            return error_set(err, ERROR_FORMAT, "invalid JSON: nesting exceeds %d levels", JSON_DEPTH);
        if (memory > JSON_MEMORY)
            return error_set(
                err, ERROR_LIMIT,
                "JSON whose values need more than %d bytes of memory: request fewer records at once",
                JSON_MEMORY);
    }
    return true;
}

static json_t *load(const char *bytes, size_t size, json_error_t *why)
{
    return json_loadb(bytes, size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, why);
}

static bool refuse(const char *bytes, size_t size, const json_error_t *why, struct error *err)
{
    const char *near = strstr(why->text, " near '"); /* its quotation is not escaped; ours is */
    size_t position = why->position > 0 ? (size_t)why->position : 0;
    if (position > size) position = size;
    size_t start = position > QUOTE_BYTES / 2 ? position - QUOTE_BYTES / 2 : 0;
    AUTO(buf_done) struct buf quote = buf_limited(QUOTE_BYTES * 8);
    json_write_string(&quote, bytes + start, size - start < QUOTE_BYTES ? size - start : QUOTE_BYTES);
    return error_set(err, ERROR_FORMAT, "not JSON at byte %zu of %zu: %.*s, around %s", position, size,
                     (int)(near ? near - why->text : (ptrdiff_t)strlen(why->text)), why->text,
                     buf_string(&quote));
}

/* For text with a duplicate key; normalising may have made further ones. */
static bool load_duplicates(const struct buf *text, struct json_normalisations *found, json_t **out_value,
                            struct error *err)
{
    json_error_t why;
    AUTO(buf_done)
    struct buf renamed = buf_limited(text->size * 4 + 64); /* `"":1,` grows most */
    if (!json_rename_duplicates(text->data, text->size, found, &renamed))
        return error_set(err, ERROR_LIMIT, "JSON with too many duplicate keys");
    *out_value = load(renamed.data, renamed.size, &why);
    return *out_value || refuse(renamed.data, renamed.size, &why, err);
}

/* why: of jansson; empty: it was not asked yet, as numbers would be rounded. */
static bool load_repaired(const char *bytes, size_t size, json_error_t *why,
                          struct json_normalisations *found, json_t **out_value, struct error *err)
{
    bool duplicate = json_error_code(why) == json_error_duplicate_key;
    AUTO(buf_done) struct buf repaired = buf_limited(size * 3 + 64); /* the worst: each byte becomes U+FFFD */
    if (!json_normalise(bytes, size, found, &repaired) ||
        (*why->text && !duplicate && found->numbers == 0 && found->characters == 0))
        return refuse(bytes, size, why, err);
    *out_value = load(repaired.data, repaired.size, why);
    if (*out_value) return true;
    if (json_error_code(why) == json_error_duplicate_key)
        return load_duplicates(&repaired, found, out_value, err);
    return refuse(repaired.data, repaired.size, why, err);
}

void json_normalisations_add(struct json_normalisations *sum, const struct json_normalisations *more)
{
    sum->numbers += more->numbers;
    sum->characters += more->characters;
    sum->duplicates += more->duplicates;
}

bool json_read(const char *bytes, size_t size, struct json_normalisations *normalisations, json_t **out_value,
               struct error *err)
{
    struct json_normalisations found = {0};
    json_error_t why = {.text = ""};
    bool has_long_reals;
    *out_value = NULL;
    if (size == 0) return error_set(err, ERROR_FORMAT, "not JSON: it is empty");
    const char *nul = memchr(bytes, '\0', size);
    if (nul) /* jansson would stop there and accept the rest unread */
        return error_set(err, ERROR_FORMAT, "not JSON at byte %zu of %zu: a NUL byte", (size_t)(nul - bytes),
                         size);
    if (!check_shape(bytes, size, &has_long_reals, err)) return false;
    if (!has_long_reals) *out_value = load(bytes, size, &why);
    if (*out_value) return true;
    if (!load_repaired(bytes, size, &why, &found, out_value, err)) return false;
    if (normalisations) json_normalisations_add(normalisations, &found);
    return true;
}

static bool plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static bool write_escape(struct buf *out, char c)
{
    switch (c) {
    case '"': return buf_text(out, "\\\"");
    case '\\': return buf_text(out, "\\\\");
    case '\b': return buf_text(out, "\\b");
    case '\f': return buf_text(out, "\\f");
    case '\n': return buf_text(out, "\\n");
    case '\r': return buf_text(out, "\\r");
    case '\t': return buf_text(out, "\\t");
    default: return buf_format(out, "\\u%04x", (unsigned char)c);
    }
}

bool json_write_string(struct buf *out, const char *text, size_t size)
{
    size_t at = 0;
    buf_byte(out, '"');
    while (at < size) {
        size_t run = at;
        while (run < size && plain((unsigned char)text[run]))
            run++;
        buf_add(out, text + at, run - at);
        at = run;
        if (at == size) break;
        size_t character = utf8_size(text + at, size - at);
        if (character == 0)
            buf_text(out, "\xEF\xBF\xBD");
        else if (character == 1)
            write_escape(out, text[at]);
        else
            buf_add(out, text + at, character);
        at += character ? character : 1;
    }
    return buf_byte(out, '"');
}

/* The shortest text that reads back equal; "1.0", not "1", so that it stays a real. */
static bool write_real(struct buf *out, double value)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, value); /* at most 24 bytes */
        if (strtod(text, NULL) == value) break;
    }
    return buf_text(out, text) && (strpbrk(text, ".e") || buf_text(out, ".0"));
}

static bool write_object(struct buf *out, const json_t *object)
{
    const char *separator = "{";
    const char *key;
    json_t *member;
    json_object_foreach (json_iterable(object), key, member) {
        buf_text(out, separator);
        json_write_string(out, key, strlen(key));
        buf_byte(out, ':');
        json_write(out, member);
        separator = ",";
    }
    return buf_text(out, *separator == '{' ? "{}" : "}");
}

static bool write_array(struct buf *out, const json_t *array)
{
    buf_byte(out, '[');
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i > 0) buf_byte(out, ',');
        json_write(out, json_array_get(array, i));
    }
    return buf_byte(out, ']');
}

bool json_write(struct buf *out, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return write_object(out, value);
    case JSON_ARRAY: return write_array(out, value);
    case JSON_STRING: return json_write_string(out, json_string_value(value), json_string_length(value));
    case JSON_INTEGER: return buf_format(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    case JSON_REAL: return write_real(out, json_real_value(value));
    case JSON_TRUE: return buf_text(out, "true");
    case JSON_FALSE: return buf_text(out, "false");
    case JSON_NULL: return buf_text(out, "null");
    }
    return false;
}

void json_drop(json_t **value)
{
    json_decref(*value);
    *value = NULL;
}

const json_t *json_at(const json_t *value, const char *path)
{
    while (value) {
        size_t size = strcspn(path, ".");
        value = json_object_getn(value, path, size);
        if (path[size] == '\0') break;
        path += size + 1;
    }
    return value;
}

const char *json_text_at(const json_t *value, const char *path)
{
    return json_string_value(json_at(value, path));
}

int64_t json_int_at(const json_t *value, const char *path, int64_t fallback)
{
    const json_t *found = json_at(value, path);
    int64_t number;
    if (json_is_integer(found)) return json_integer_value(found);
    return parse_int64(json_string_value(found), &number) ? number : fallback;
}
