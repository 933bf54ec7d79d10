/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/utf8.h"

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

bool json_write_real(struct buf *out, double value)
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
    case JSON_REAL: return json_write_real(out, json_real_value(value));
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
