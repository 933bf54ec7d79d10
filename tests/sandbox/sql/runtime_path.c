/* SPDX-License-Identifier: Apache-2.0 */
/* JSONPath and subscripts on the text of a JSON value. The text is not parsed and written again, so that
 * numbers and escapes stay as they are; a broken text ends the search and nothing more. */
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sql/emit.h"
#include "sql/runtime.h"

#define MOST_KEY 1024

/* A value inside of a text; at is NULL: none. */
struct piece {
    const char *at;
    size_t size;
};

static const char *skip_blanks(const char *c)
{
    return c + strspn(c, " \t\r\n");
}

/* Behind the closing quote; NULL: there is none. */
static const char *skip_string(const char *c)
{
    for (c++; *c != '"'; c++) {
        if (*c == '\\') c++;
        if (*c == '\0') return NULL;
    }
    return c + 1;
}

/* Behind the value; NULL: the text is broken. */
static const char *skip_value(const char *c)
{
    size_t depth = 0;
    do {
        c = skip_blanks(c);
        if (*c == '"') {
            c = skip_string(c);
            if (c == NULL) return NULL;
        } else if (*c == '{' || *c == '[') {
            depth++;
            c++;
        } else if (*c == '}' || *c == ']') {
            if (depth == 0) return NULL;
            depth--;
            c++;
        } else if (*c == ',' || *c == ':') {
            if (depth == 0) return NULL;
            c++;
        } else {
            size_t size = strcspn(c, ",:{}[]\" \t\r\n");
            if (size == 0) return NULL;
            c += size;
        }
    } while (depth > 0);
    return c;
}

static bool is_key(const char *quoted, const char *end, const char *key)
{
    size_t size = (size_t)(end - quoted) - 2;
    if (memchr(quoted, '\\', size + 1) == NULL) /* most have no escapes */
        return strlen(key) == size && memcmp(quoted + 1, key, size) == 0;
    json_t *text = json_loadb(quoted, (size_t)(end - quoted), JSON_DECODE_ANY, NULL);
    bool same = json_is_string(text) && strcmp(json_string_value(text), key) == 0;
    json_decref(text);
    return same;
}

/* Of doubled keys the first one counts. */
static struct piece member(const char *c, const char *key)
{
    c = skip_blanks(c);
    if (*c != '{') return (struct piece){0};
    for (c = skip_blanks(c + 1); *c == '"'; c = skip_blanks(c + 1)) {
        const char *end = skip_string(c);
        if (end == NULL) break;
        bool found = is_key(c, end, key);
        c = skip_blanks(end);
        if (*c != ':') break;
        c = skip_blanks(c + 1);
        end = skip_value(c);
        if (end == NULL) break;
        if (found) return (struct piece){.at = c, .size = (size_t)(end - c)};
        c = skip_blanks(end);
        if (*c != ',') break;
    }
    return (struct piece){0};
}

static struct piece item(const char *c, uint64_t index)
{
    c = skip_blanks(c);
    if (*c != '[') return (struct piece){0};
    do {
        c = skip_blanks(c + 1);
        const char *end = skip_value(c);
        if (end == NULL) break;
        if (index-- == 0) return (struct piece){.at = c, .size = (size_t)(end - c)};
        c = skip_blanks(end);
    } while (*c == ',');
    return (struct piece){0};
}

/* --- paths: $.a."b c"[0]; the older functions write $['b c'] --- */

/* One quoted key; a backslash takes the quote's meaning away and is otherwise itself. */
static bool read_quoted(const char **path, char key[MOST_KEY])
{
    size_t size = 0;
    char quote = *(*path)++;
    for (; **path != quote; (*path)++) {
        if (**path == '\\' && (*path)[1] == quote) (*path)++;
        if (**path == '\0' || size + 1 == MOST_KEY) return false;
        key[size++] = **path;
    }
    (*path)++;
    key[size] = '\0';
    return true;
}

/* The next step's key, behind a dot or a bracket; false: no path goes on like this. */
static bool read_step(const char **path, bool old, char key[MOST_KEY])
{
    bool bracket = **path == '[';
    if (!bracket && **path != '.') return false;
    (*path)++;
    if (**path == (old ? '\'' : '"') && bracket == old) {
        if (!read_quoted(path, key)) return false;
    } else {
        size_t size = strcspn(*path, bracket ? "]" : ".[\"'");
        if (size == 0 || size >= MOST_KEY) return false;
        if (bracket && strspn(*path, "0123456789") != size) return false;
        memcpy(key, *path, size);
        key[size] = '\0';
        *path += size;
    }
    if (!bracket) return true;
    return *(*path)++ == ']';
}

/* False: the path is none; the error is set. */
static bool find(sqlite3_context *context, const char *text, const char *path, bool old,
                 struct piece *out_piece)
{
    char key[MOST_KEY];
    struct piece piece = {.at = text, .size = strlen(text)};
    if (*path != '$') {
        runtime_error(context, "JSONPath must start with '$'");
        return false;
    }
    for (path++; *path != '\0';) {
        const char *step = path;
        if (!read_step(&path, old, key)) {
            runtime_error(context, "Invalid token in JSONPath at: %s", step);
            return false;
        }
        if (piece.at == NULL) continue; /* the rest must still be a path */
        bool number = strspn(key, "0123456789") == strlen(key) && *key != '\0';
        bool array = *skip_blanks(piece.at) == '[';
        piece = array && number ? item(piece.at, strtoull(key, NULL, 10)) : member(piece.at, key);
    }
    *out_piece = piece;
    return true;
}

/* --- what is given back --- */

/* Typed: a value of the type JSON, whose numbers have lost their spelling. */
static void give_number(sqlite3_context *context, const char *text, bool typed)
{
    char shown[VALUE_REAL];
    if (!typed || strpbrk(text, ".eE") == NULL) {
        runtime_result(context, text);
        return;
    }
    value_real_text(strtod(text, NULL), shown);
    bool whole = strpbrk(shown, ".e") == NULL;
    char *made = mem_format("%s%s", shown, whole ? ".0" : "");
    runtime_result(context, made);
    free(made);
}

static void give_scalar(sqlite3_context *context, const char *text, bool typed)
{
    if (*text == '"') {
        json_t *string = json_loads(text, JSON_DECODE_ANY, NULL);
        if (json_is_string(string)) runtime_result(context, json_string_value(string));
        json_decref(string);
    } else if (*text == 't' || *text == 'f') {
        runtime_result(context, text);
    } else if (*text == '-' || isdigit((unsigned char)*text)) {
        give_number(context, text, typed);
    }
}

/* What all the functions below begin with: the piece as a text, yours; NULL: the answer is NULL or an error.
 * mode: "j" the type JSON, "s" a STRING; "o" behind it: the older functions' paths. */
static char *piece_of(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct piece piece = {0};
    if (runtime_any_null(count, values)) return NULL;
    bool old = runtime_text(values[0])[1] == 'o';
    const char *path = count > 2 ? runtime_text(values[2]) : "$";
    if (!find(context, runtime_text(values[1]), path, old, &piece) || piece.at == NULL) return NULL;
    const char *from = skip_blanks(piece.at);
    return mem_bytes(from, piece.size - (size_t)(from - piece.at));
}

static bool is_typed(sqlite3_value **values)
{
    return runtime_text(values[0])[0] == 'j';
}

/* bq_json_value(mode, json [, path]) */
static void json_value(sqlite3_context *context, int count, sqlite3_value **values)
{
    AUTO(mem_free) char *text = piece_of(context, count, values);
    if (text != NULL) give_scalar(context, text, is_typed(values));
}

/* bq_json_query(mode, json [, path]): of a STRING, null is NULL. */
static void json_query(sqlite3_context *context, int count, sqlite3_value **values)
{
    AUTO(mem_free) char *text = piece_of(context, count, values);
    if (text == NULL || (!is_typed(values) && strncmp(text, "null", 4) == 0)) return;
    json_t *read = json_loads(text, JSON_DECODE_ANY, NULL); /* without blanks, and NULL if it is broken */
    char *made = read != NULL ? value_json_text(read) : NULL;
    if (made != NULL) runtime_result(context, made);
    free(made);
    json_decref(read);
}

/* bq_json_strings(mode, json [, path]): an array of scalars as an ARRAY<STRING>. */
static void json_strings(sqlite3_context *context, int count, sqlite3_value **values)
{
    AUTO(mem_free) char *text = piece_of(context, count, values);
    json_t *read = text != NULL ? json_loads(text, 0, NULL) : NULL, *made = json_array();
    bool good = json_is_array(read);
    for (size_t i = 0; good && i < json_array_size(read); i++) {
        json_t *one = json_array_get(read, i);
        char *number = json_is_number(one) ? value_json_text(one) : NULL;
        if (json_is_boolean(one))
            one = json_string(json_is_true(one) ? "true" : "false");
        else if (number != NULL)
            one = json_string(number);
        else
            json_incref(one);
        good = json_array_append_new(made, one) == 0 && !json_is_object(one) && !json_is_array(one);
        free(number);
    }
    char *shown = good ? value_json_text(made) : NULL;
    if (shown != NULL) runtime_result(context, shown);
    free(shown);
    json_decref(made);
    json_decref(read);
}

/* bq_json_items(mode, json [, path]): an array as ARRAY<JSON>, or of a STRING as ARRAY<STRING>. */
static void json_items(sqlite3_context *context, int count, sqlite3_value **values)
{
    AUTO(mem_free) char *text = piece_of(context, count, values);
    json_t *read = text != NULL ? json_loads(text, 0, NULL) : NULL, *made = json_array();
    for (size_t i = 0; i < json_array_size(read); i++) {
        json_t *one = json_array_get(read, i);
        char *shown = is_typed(values) ? NULL : value_json_text(one);
        (void)json_array_append_new(made,
                                    shown != NULL ? json_string(shown) : json_incref(one)); /* memory only */
        free(shown);
    }
    char *shown = json_is_array(read) ? value_json_text(made) : NULL;
    if (shown != NULL) runtime_result(context, shown);
    free(shown);
    json_decref(made);
    json_decref(read);
}

/* bq_json_item(json, key or index): the subscript of the type JSON. */
static void json_item(sqlite3_context *context, int count, sqlite3_value **values)
{
    if (runtime_any_null(count, values)) return;
    const char *text = runtime_text(values[0]);
    struct piece piece = {0};
    if (sqlite3_value_type(values[1]) != SQLITE_INTEGER) {
        piece = member(text, runtime_text(values[1]));
    } else if (sqlite3_value_int64(values[1]) >= 0) {
        piece = item(text, (uint64_t)sqlite3_value_int64(values[1]));
    }
    if (piece.at != NULL) sqlite3_result_text(context, piece.at, (int)piece.size, SQLITE_TRANSIENT);
}

const struct runtime_function runtime_path_functions[] = {
    {"bq_json_value", -1, json_value},     {"bq_json_query", -1, json_query},
    {"bq_json_strings", -1, json_strings}, {"bq_json_items", -1, json_items},
    {"bq_json_item", 2, json_item},        {0},
};
