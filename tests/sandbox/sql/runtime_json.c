/* SPDX-License-Identifier: Apache-2.0 */
/* JSON and arrays at run time. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sql/emit.h"
#include "sql/runtime.h"

/* --- JSON --- */

static void give_json(sqlite3_context *context, const json_t *value)
{
    char *text = value_json_text(value);
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

static void parse_json(sqlite3_context *context, int count, sqlite3_value **values)
{
    json_error_t error;
    if (runtime_any_null(count, values)) return;
    json_t *read = json_loads(runtime_text(values[0]), JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (read == NULL) {
        runtime_error(context, "Invalid input to PARSE_JSON: %s", error.text);
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

static void type_of_json(sqlite3_context *context, int count, sqlite3_value **values)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "object",  [JSON_ARRAY] = "array", [JSON_STRING] = "string",
        [JSON_INTEGER] = "number", [JSON_REAL] = "number", [JSON_TRUE] = "boolean",
        [JSON_FALSE] = "boolean",  [JSON_NULL] = "null"};
    if (runtime_any_null(count, values)) return;
    json_t *root = json_loads(runtime_text(values[0]), JSON_DECODE_ANY, NULL);
    if (root != NULL) runtime_result(context, names[json_typeof(root)]);
    json_decref(root);
}

/* STRING(json), INT64(json), ...: the JSON value must be of that kind. */
static void json_as(sqlite3_context *context, int count, sqlite3_value **values)
{
    if (runtime_any_null(count, values)) return;
    const char *kind = runtime_text(values[1]);
    json_t *root = json_loads(runtime_text(values[0]), JSON_DECODE_ANY, NULL);
    if (strcmp(kind, "text") == 0 && json_is_string(root)) {
        runtime_result(context, json_string_value(root));
    } else if (strcmp(kind, "integer") == 0 && json_is_integer(root)) {
        sqlite3_result_int64(context, json_integer_value(root));
    } else if (strcmp(kind, "real") == 0 && json_is_number(root)) {
        sqlite3_result_double(context, json_number_value(root));
    } else if (strcmp(kind, "bool") == 0 && json_is_boolean(root)) {
        sqlite3_result_int(context, json_is_true(root));
    } else {
        runtime_error(context, "The provided JSON input is not of the wanted type: %.100s",
                      runtime_text(values[0]));
    }
    json_decref(root);
}

/* --- arrays --- */

static void array_concat(sqlite3_context *context, int count, sqlite3_value **values)
{
    if (runtime_any_null(count, values)) return;
    json_t *all = json_array();
    for (int i = 0; i < count; i++) {
        json_t *array = json_loads(runtime_text(values[i]), 0, NULL);
        (void)json_array_extend(all, array); /* memory only */
        json_decref(array);
    }
    give_json(context, all);
    json_decref(all);
}

static void array_reverse(sqlite3_context *context, int count, sqlite3_value **values)
{
    if (runtime_any_null(count, values)) return;
    json_t *array = json_loads(runtime_text(values[0]), 0, NULL), *turned = json_array();
    for (size_t i = json_array_size(array); i > 0; i--)
        (void)json_array_append(turned, json_array_get(array, i - 1)); /* memory only */
    give_json(context, turned);
    json_decref(array);
    json_decref(turned);
}

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

static int compare_reals(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* bq_percentile(array, where from 0 to 1): between the two nearest values; NULLs are left out. */
static void percentile(sqlite3_context *context, int count, sqlite3_value **values)
{
    if (runtime_any_null(count, values)) return;
    double where = sqlite3_value_double(values[1]);
    if (!(where >= 0 && where <= 1)) {
        runtime_error(context, "Percentile value must be between 0 and 1");
        return;
    }
    json_t *array = json_loads(runtime_text(values[0]), 0, NULL);
    double *numbers = mem_zero(json_array_size(array) + 1, sizeof *numbers);
    size_t size = 0;
    for (size_t i = 0; i < json_array_size(array); i++)
        if (json_is_number(json_array_get(array, i)))
            numbers[size++] = json_number_value(json_array_get(array, i));
    qsort(numbers, size, sizeof *numbers, compare_reals);
    double at = size > 0 ? where * (double)(size - 1) : 0, below = floor(at);
    size_t low = (size_t)below, high = low + 1 < size ? low + 1 : low;
    if (size > 0)
        sqlite3_result_double(context, numbers[low] + (numbers[high] - numbers[low]) * (at - below));
    free(numbers);
    json_decref(array);
}

static void int_array(sqlite3_context *context, int count, sqlite3_value **values)
{
    if (runtime_any_null(count, values)) return;
    int64_t from = sqlite3_value_int64(values[0]), to = sqlite3_value_int64(values[1]);
    int64_t step = count > 2 ? sqlite3_value_int64(values[2]) : 1;
    if (step == 0 || (to - from) / step > 1000000) {
        runtime_error(context, step == 0 ? "Sequence step cannot be 0"
                                         : "Cannot generate arrays with more than 1048575 elements");
        return;
    }
    sqlite3_str *out = sqlite3_str_new(NULL);
    sqlite3_str_appendchar(out, 1, '[');
    for (int64_t n = from; step > 0 ? n <= to : n >= to; n += step)
        sqlite3_str_appendf(out, "%s%lld", n != from ? "," : "", (long long)n);
    sqlite3_str_appendchar(out, 1, ']');
    sqlite3_result_text(context, sqlite3_str_finish(out), -1, sqlite3_free);
}

static void array_to_string(sqlite3_context *context, int count, sqlite3_value **values)
{
    if (runtime_any_null(count, values)) return;
    json_t *array = json_loads(runtime_text(values[0]), 0, NULL);
    sqlite3_str *out = sqlite3_str_new(NULL);
    bool first = true;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (text == NULL && count > 2) text = runtime_text(values[2]);
        if (text == NULL) continue;
        sqlite3_str_appendf(out, "%s%s", first ? "" : runtime_text(values[1]), text);
        first = false;
    }
    char *text = sqlite3_str_finish(out);
    runtime_result(context, text != NULL ? text : "");
    sqlite3_free(text);
    json_decref(array);
}

static void split(sqlite3_context *context, int count, sqlite3_value **values)
{
    if (runtime_any_null(count, values)) return;
    const char *text = runtime_text(values[0]), *mark = count > 1 ? runtime_text(values[1]) : ",";
    json_t *parts = json_array();
    while (*mark == '\0' && runtime_character(text) < strlen(text)) { /* into characters */
        size_t size = runtime_character(text);
        (void)json_array_append_new(parts, json_stringn(text, size)); /* memory only */
        text += size;
    }
    while (*mark != '\0' && strstr(text, mark) != NULL) {
        const char *end = strstr(text, mark);
        (void)json_array_append_new(parts, json_stringn(text, (size_t)(end - text))); /* memory only */
        text = end + strlen(mark);
    }
    (void)json_array_append_new(parts, json_string(text)); /* memory only */
    give_json(context, parts);
    json_decref(parts);
}

const struct runtime_function runtime_json_functions[] = {
    {"bq_json_int", 1, json_int},
    {"bq_parse_json", 1, parse_json},
    {"bq_json_real", 1, real_of_json},
    {"bq_json_type", 1, type_of_json},
    {"bq_json_as", 2, json_as},
    {"bq_array_concat", 2, array_concat},
    {"bq_array_reverse", 1, array_reverse},
    {"bq_element", 4, element},
    {"bq_quantiles", 2, quantiles},
    {"bq_percentile", 2, percentile},
    {"bq_int_array", -1, int_array},
    {"bq_array_to_string", -1, array_to_string},
    {"bq_split", -1, split},
    {0},
};
