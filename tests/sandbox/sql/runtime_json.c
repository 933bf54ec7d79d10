/* SPDX-License-Identifier: Apache-2.0 */
/* JSON and arrays at run time. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sql/emit.h"
#include "sql/runtime.h"
#include "store/json_text.h"

/* --- JSON --- */

static void give_json(sqlite3_context *context, const json_t *value)
{
    char *text = json_text(value);
    runtime_result(context, text != NULL ? text : "null");
    free(text);
}

static void json_int(sqlite3_context *context, int count, sqlite3_value **values)
{
    if (runtime_any_null(count, values)) return;
    int64_t value = sqlite3_value_int64(values[0]), exact = INT64_C(1) << 53;
    if (value <= exact && value >= -exact) {
        sqlite3_result_int64(context, value);
    } else {
        runtime_result(context, runtime_text(values[0])); /* as a string: a double would not hold it */
    }
}

/* bq_parse_json(text [, mode]): a number whose text changes is refused, unless it may be rounded. */
static void parse_json(sqlite3_context *context, int count, sqlite3_value **values)
{
    json_error_t error;
    const char *number;
    size_t size;
    if (runtime_any_null(count, values)) return;
    const char *text = runtime_text(values[0]), *mode = count > 1 ? runtime_text(values[1]) : "exact";
    bool is_rounded = strcmp(mode, "round") == 0;
    json_t *read = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (!is_rounded && strcmp(mode, "exact") != 0) {
        runtime_error(context,
                      "Invalid `wide_number_mode` specified for PARSE_JSON: %s. `wide_number_mode` must be "
                      "either 'exact' or 'round'.",
                      mode);
    } else if (read == NULL) {
        runtime_error(context, "Invalid input to PARSE_JSON: %s", error.text);
    } else if (!is_rounded && !json_text_is_exact(text, &number, &size)) {
        runtime_error(context,
                      "Invalid input to PARSE_JSON: Input number: %.*s cannot round-trip through string "
                      "representation",
                      (int)size, number);
    } else {
        give_json(context, read);
    }
    json_decref(read);
}

/* A number as TO_JSON_STRING writes it. */
static void real_of_json(sqlite3_context *context, int count, sqlite3_value **values)
{
    char text[VALUE_REAL];
    if (runtime_any_null(count, values)) return;
    double value = sqlite3_value_double(values[0]);
    value_real_text(value, text);
    runtime_result(context, isfinite(value) ? text : value < 0 ? "\"-Infinity\"" : "\"Infinity\"");
}

/* --- paths: $.a."b c"[0] ---
 * SQLite's own json_extract() fails on a key that holds a quote or an escape, and on a broken text. */

#define MOST_KEY 1024

/* One quoted key; a backslash takes the quote's meaning away and is otherwise itself. */
static bool read_quoted(const char **path, char key[MOST_KEY])
{
    size_t size = 0;
    for ((*path)++; **path != '"'; (*path)++) {
        if (**path == '\\' && (*path)[1] == '"') (*path)++;
        if (**path == '\0' || size + 1 == MOST_KEY) return false;
        key[size++] = **path;
    }
    (*path)++;
    key[size] = '\0';
    return true;
}

/* The next step's key, after a dot or in brackets; false: no path goes on like this. */
static bool read_step(const char **path, char key[MOST_KEY])
{
    bool is_index = **path == '[';
    if (!is_index && **path != '.') return false;
    (*path)++;
    if (**path == '"' && !is_index) return read_quoted(path, key);
    size_t size = strcspn(*path, is_index ? "]" : ".[\"'");
    if (size == 0 || size >= MOST_KEY || (is_index && strspn(*path, "0123456789") != size)) return false;
    memcpy(key, *path, size);
    key[size] = '\0';
    *path += size;
    return !is_index || *(*path)++ == ']';
}

/* A number as a key means an element of an array, and a member of an object. */
static const json_t *find_step(const json_t *value, const char *key)
{
    bool is_number = *key != '\0' && strspn(key, "0123456789") == strlen(key);
    if (json_is_array(value) && is_number && strlen(key) < 19)
        return json_array_get(value, (size_t)strtoull(key, NULL, 10));
    return json_object_get(value, key);
}

/* False: the path is none; the error is set. *out_value NULL: there is nothing. */
static bool find(sqlite3_context *context, const json_t *root, const char *path, const json_t **out_value)
{
    char key[MOST_KEY];
    const json_t *value = root;
    if (*path != '$') {
        runtime_error(context, "JSONPath must start with '$'");
        return false;
    }
    for (path++; *path != '\0'; value = find_step(value, key)) {
        const char *step = path;
        if (read_step(&path, key)) continue;
        runtime_error(context, "Invalid token in JSONPath at: %s", step);
        return false;
    }
    *out_value = value;
    return true;
}

/* bq_json_value(json [, path]): a scalar as a text. */
static void json_value(sqlite3_context *context, int count, sqlite3_value **values)
{
    const json_t *value = NULL;
    if (runtime_any_null(count, values)) return;
    json_t *root = json_loads(runtime_text(values[0]), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (find(context, root, count > 1 ? runtime_text(values[1]) : "$", &value)) {
        if (json_is_string(value))
            runtime_result(context, json_string_value(value));
        else if (json_is_boolean(value) || json_is_number(value))
            give_json(context, value);
    }
    json_decref(root);
}

/* bq_json_item(json, key or index): the subscript of the type JSON. */
static void json_item(sqlite3_context *context, int count, sqlite3_value **values)
{
    if (runtime_any_null(count, values)) return;
    json_t *root = json_loads(runtime_text(values[0]), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    bool is_index = sqlite3_value_type(values[1]) == SQLITE_INTEGER;
    int64_t index = sqlite3_value_int64(values[1]);
    const json_t *value = !is_index    ? json_object_get(root, runtime_text(values[1]))
                          : index >= 0 ? json_array_get(root, (size_t)index)
                                       : NULL;
    if (value != NULL) give_json(context, value);
    json_decref(root);
}

/* --- arrays --- */

/* bq_element(array, index from 0, safe, element is JSON) */
static void element(sqlite3_context *context, int count, sqlite3_value **values)
{
    if (runtime_any_null(count, values)) return;
    json_t *array = json_loads(runtime_text(values[0]), 0, NULL);
    int64_t index = sqlite3_value_int64(values[1]);
    if (index < 0 || (size_t)index >= json_array_size(array)) {
        if (!sqlite3_value_int(values[2]))
            runtime_error(context, "Array index %lld is out of bounds", (long long)index);
        json_decref(array);
        return;
    }
    const json_t *value = json_array_get(array, (size_t)index);
    if (json_is_object(value) || (sqlite3_value_int(values[3]) && !json_is_null(value))) {
        give_json(context, value);
    } else if (json_is_string(value)) {
        runtime_result(context, json_string_value(value));
    } else if (json_is_real(value)) {
        sqlite3_result_double(context, json_real_value(value));
    } else if (json_is_integer(value)) {
        sqlite3_result_int64(context, json_integer_value(value));
    } else if (json_is_boolean(value)) {
        sqlite3_result_int(context, json_is_true(value));
    }
    json_decref(array);
}

/* bq_quantiles(sorted array, n): n + 1 of its elements, from the first to the last. */
static void quantiles(sqlite3_context *context, int count, sqlite3_value **values)
{
    if (runtime_any_null(count, values)) return;
    int64_t n = sqlite3_value_int64(values[1]);
    if (n < 1 || n > 10000) {
        runtime_error(context, "The second argument to APPROX_QUANTILES must be a positive number");
        return;
    }
    json_t *sorted = json_loads(runtime_text(values[0]), 0, NULL), *made = json_array();
    size_t size = json_array_size(sorted), parts = (size_t)n;
    for (size_t i = 0; i <= parts && size > 0; i++) {
        size_t rank = (i * size + parts - 1) / parts;                                   /* from 1 */
        (void)json_array_append(made, json_array_get(sorted, rank > 0 ? rank - 1 : 0)); /* memory only */
    }
    if (size > 0) give_json(context, made);
    json_decref(sorted);
    json_decref(made);
}

static void int_array(sqlite3_context *context, int count, sqlite3_value **values)
{
    if (runtime_any_null(count, values)) return;
    int64_t from = sqlite3_value_int64(values[0]), to = sqlite3_value_int64(values[1]);
    if (to - from > 1000000) {
        runtime_error(context, "Cannot generate arrays with more than 1048575 elements");
        return;
    }
    sqlite3_str *out = sqlite3_str_new(NULL);
    sqlite3_str_appendchar(out, 1, '[');
    for (int64_t n = from; n <= to; n++)
        sqlite3_str_appendf(out, "%s%lld", n != from ? "," : "", (long long)n);
    sqlite3_str_appendchar(out, 1, ']');
    sqlite3_result_text(context, sqlite3_str_finish(out), -1, sqlite3_free);
}

const struct runtime_function runtime_json_functions[] = {
    {"bq_json_value", -1, json_value}, {"bq_json_item", 2, json_item},    {"bq_json_int", 1, json_int},
    {"bq_parse_json", -1, parse_json}, {"bq_json_real", 1, real_of_json}, {"bq_element", 4, element},
    {"bq_quantiles", 2, quantiles},    {"bq_int_array", 2, int_array},    {0},
};
