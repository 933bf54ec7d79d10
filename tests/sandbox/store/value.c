/* SPDX-License-Identifier: Apache-2.0 */
/* Values between JSON, SQLite and the REST API. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/day.h"
#include "base/json.h"
#include "base/mem.h"
#include "store/internal.h"
#include "store/json_text.h"
#include "store/time_text.h"
#include "store/value.h"

void value_real_text(double value, char out_text[VALUE_REAL])
{
    (void)snprintf(out_text, VALUE_REAL, "%.15g", value);
    if (strtod(out_text, NULL) != value) (void)snprintf(out_text, VALUE_REAL, "%.17g", value);
}

static json_t *refuse(struct store_error *err, const struct type *type, const json_t *value, const char *path)
{
    struct arena arena = {0};
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (json_is_object(value)) {
        store_fail(err, "invalid", "JSON object specified for non-record field: %s", path);
    } else if (json_is_array(value)) {
        store_fail(err, "invalid", "Array specified for non-repeated field: %s.", path);
    } else {
        store_fail(err, "invalid", "Could not convert value to %s. Field: %s; Value: %.200s",
                   type_name(&arena, type), path, text != NULL ? text : "");
    }
    arena_done(&arena);
    free(text);
    return NULL;
}

static json_t *fit_bool(const json_t *value)
{
    const char *text = json_string_value(value);
    if (json_is_boolean(value)) return json_boolean(json_is_true(value));
    if (text == NULL || (strcasecmp(text, "true") != 0 && strcasecmp(text, "false") != 0)) return NULL;
    return json_boolean(strcasecmp(text, "true") == 0);
}

static json_t *fit_int(const json_t *value)
{
    char *end = NULL;
    const char *text = json_string_value(value);
    if (json_is_integer(value)) return json_integer(json_integer_value(value));
    if (text == NULL || *text == '\0' || strlen(text) > 20) return NULL;
    errno = 0;
    intmax_t number = strtoimax(text, &end, 10);
    return *end == '\0' && errno == 0 ? json_integer(number) : NULL;
}

static json_t *fit_float(const json_t *value)
{
    char *end = NULL;
    const char *text = json_string_value(value);
    double number = json_number_value(value);
    if (text != NULL) number = strtod(text, &end);
    bool read = json_is_number(value) || (text != NULL && end != text && *end == '\0');
    return read && isfinite(number) ? json_real(number) : NULL;
}

static json_t *fit_string(const json_t *value)
{
    if (json_is_string(value)) return json_string(json_string_value(value));
    if (!json_is_number(value) && !json_is_boolean(value)) return NULL;
    char *text = json_dumps(value, JSON_ENCODE_ANY);
    json_t *made = json_string(text);
    free(text);
    return made;
}

static json_t *fit_timestamp(const json_t *value)
{
    char text[40];
    double number = json_number_value(value);
    if (json_is_string(value))
        return time_text_read_timestamp(json_string_value(value), text) ? json_string(text) : NULL;
    if (!json_is_number(value) || fabs(number) > 253402300799.0) return NULL;
    int64_t us = json_is_integer(value) ? json_integer_value(value) * 1000000 : llround(number * 1e6);
    if (us < INSTANT_MIN_US || us > INSTANT_MAX_US) return NULL;
    time_text_format(us, text);
    return json_string(text);
}

static json_t *fit_scalar(const struct type *type, const json_t *value)
{
    char text[40];
    switch (type->kind) {
    case TYPE_NULL:
    case TYPE_ARRAY:
    case TYPE_STRUCT: return NULL;
    case TYPE_BOOL: return fit_bool(value);
    case TYPE_INT64: return fit_int(value);
    case TYPE_FLOAT64: return fit_float(value);
    case TYPE_STRING: return fit_string(value);
    case TYPE_TIMESTAMP: return fit_timestamp(value);
    case TYPE_JSON: return json_deep_copy(value);
    case TYPE_DATE: break;
    }
    bool read = json_is_string(value) && time_text_read_date(json_string_value(value), text);
    return read ? json_string(text) : NULL;
}

static json_t *fit_array(const struct type *type, const json_t *value, const char *path,
                         struct store_error *err)
{
    if (!json_is_array(value)) {
        store_fail(err, "invalid", "Non-repeated value specified for repeated field: %s.", path);
        return NULL;
    }
    json_t *made = json_array();
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *element = json_array_get(value, i);
        json_t *fitted = NULL;
        if (json_is_null(element)) {
            store_fail(err, "invalid", "Only optional fields can be set to NULL. Field: %s; Value: NULL",
                       path);
        } else {
            fitted = value_fit(type->element, element, path, err);
        }
        if (fitted == NULL) {
            json_decref(made);
            return NULL;
        }
        (void)json_array_append_new(made, fitted); /* memory only */
    }
    return made;
}

static const json_t *member(const json_t *object, const char *name)
{
    const char *key = NULL;
    json_t *value = json_object_get(object, name);
    if (value != NULL) return value;
    void *iter = json_object_iter((json_t *)(uintptr_t)object); /* iterators only read */
    for (; iter != NULL; iter = json_object_iter_next((json_t *)(uintptr_t)object, iter)) {
        key = json_object_iter_key(iter);
        if (strcasecmp(key, name) == 0) return json_object_iter_value(iter);
    }
    return NULL;
}

static bool all_known(const struct type *type, const json_t *object, const char *path,
                      struct store_error *err)
{
    void *iter = json_object_iter((json_t *)(uintptr_t)object);
    for (; iter != NULL; iter = json_object_iter_next((json_t *)(uintptr_t)object, iter)) {
        const char *key = json_object_iter_key(iter);
        if (type_field(type, key) == NULL) {
            return store_fail(err, "invalid", "No such field: %s%s%.200s.", path, *path ? "." : "", key);
        }
    }
    return true;
}

static json_t *fit_struct(const struct type *type, const json_t *value, const char *path,
                          struct store_error *err)
{
    if (!json_is_object(value)) return refuse(err, type, value, path);
    if (!all_known(type, value, path, err)) return NULL;
    json_t *made = json_object();
    for (size_t i = 0; i < type->field_count; i++) {
        const struct struct_field *field = &type->fields[i];
        const json_t *inner = member(value, field->name);
        AUTO(mem_free) char *name = mem_format("%s%s%s", path, *path ? "." : "", field->name);
        bool bad = false;
        if (inner == NULL || json_is_null(inner)) {
            bad = field->required || (inner != NULL && field->type->kind == TYPE_ARRAY);
            if (bad && inner == NULL) store_fail(err, "invalid", "Missing required field: %s.", name);
            if (bad && inner != NULL) {
                store_fail(err, "invalid", "Only optional fields can be set to NULL. Field: %s; Value: NULL",
                           name);
            }
        } else {
            json_t *fitted = value_fit(field->type, inner, name, err);
            bad = fitted == NULL;
            if (!bad) (void)json_object_set_new(made, field->key, fitted); /* memory only */
        }
        if (bad) {
            json_decref(made);
            return NULL;
        }
    }
    return made;
}

json_t *value_fit(const struct type *type, const json_t *value, const char *path, struct store_error *err)
{
    if (json_is_null(value) && type->kind != TYPE_ARRAY && type->kind != TYPE_JSON) return json_null();
    if (type->kind == TYPE_ARRAY) return fit_array(type, value, path, err);
    if (type->kind == TYPE_STRUCT) return fit_struct(type, value, path, err);
    json_t *made = fit_scalar(type, value);
    return made != NULL ? made : refuse(err, type, value, path);
}

json_t *value_fit_row(const struct type *row, const json_t *object, struct store_error *err)
{
    if (!json_is_object(object)) {
        store_fail(err, "invalid", "JSON parsing error: a row is an object");
        return NULL;
    }
    return fit_struct(row, object, "", err);
}

static bool is_exact_json(const json_t *value)
{
    const char *number;
    size_t size;
    AUTO(buf_done) struct buf text = buf_limited(SIZE_MAX / 2);
    json_write(&text, value); /* with the fewest digits, as most senders write numbers */
    return json_text_is_exact(buf_string(&text), &number, &size);
}

bool value_has_exact_json(const struct type *type, const json_t *fitted)
{
    if (fitted == NULL || type->kind == TYPE_JSON) return fitted == NULL || is_exact_json(fitted);
    for (size_t i = 0; type->kind == TYPE_ARRAY && i < json_array_size(fitted); i++)
        if (!value_has_exact_json(type->element, json_array_get(fitted, i))) return false;
    for (size_t i = 0; type->kind == TYPE_STRUCT && i < type->field_count; i++)
        if (!value_has_exact_json(type->fields[i].type, json_object_get(fitted, type->fields[i].key)))
            return false;
    return true;
}

/* A failed bind leaves NULL behind; only memory could be the reason. */
void value_bind(sqlite3_stmt *stmt, int index, const struct type *type, const json_t *fitted)
{
    if (fitted == NULL || (json_is_null(fitted) && type->kind != TYPE_JSON)) {
        (void)sqlite3_bind_null(stmt, index);
    } else if (type->kind == TYPE_JSON || type->kind == TYPE_ARRAY || type->kind == TYPE_STRUCT) {
        char *text = json_dumps(fitted, JSON_COMPACT | JSON_ENCODE_ANY);
        (void)sqlite3_bind_text(stmt, index, text, -1, free);
    } else if (json_is_string(fitted)) {
        (void)sqlite3_bind_text(stmt, index, json_string_value(fitted), -1, SQLITE_TRANSIENT);
    } else if (json_is_real(fitted)) {
        (void)sqlite3_bind_double(stmt, index, json_real_value(fitted));
    } else {
        int64_t number = json_is_boolean(fitted) ? json_is_true(fitted) : json_integer_value(fitted);
        (void)sqlite3_bind_int64(stmt, index, number);
    }
}

json_t *value_of_column(sqlite3_stmt *stmt, int column, const struct type *type)
{
    if (sqlite3_column_type(stmt, column) == SQLITE_NULL) return json_null();
    const unsigned char *text = NULL;
    switch (type->kind) {
    case TYPE_BOOL: return json_boolean(sqlite3_column_int(stmt, column));
    case TYPE_NULL:
    case TYPE_INT64: return json_integer(sqlite3_column_int64(stmt, column));
    case TYPE_FLOAT64: return json_real(sqlite3_column_double(stmt, column));
    case TYPE_STRING:
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
    case TYPE_JSON:
    case TYPE_ARRAY:
    case TYPE_STRUCT: text = sqlite3_column_text(stmt, column);
    }
    bool nested = type->kind == TYPE_JSON || type->kind == TYPE_ARRAY || type->kind == TYPE_STRUCT;
    json_t *value = nested ? json_loads((const char *)text, JSON_DECODE_ANY, NULL)
                           : json_stringn((const char *)text, (size_t)sqlite3_column_bytes(stmt, column));
    return value != NULL ? value : json_null();
}

static json_t *shown_number(const json_t *stored)
{
    char text[VALUE_REAL + 2];
    if (json_is_integer(stored)) {
        (void)snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(stored));
    } else {
        value_real_text(json_real_value(stored), text);
        if (strpbrk(text, ".eni") == NULL)
            (void)snprintf(text + strlen(text), sizeof text - strlen(text), ".0");
    }
    return json_string(text);
}

json_t *value_shown(const struct type *type, const json_t *stored)
{
    if (type->kind == TYPE_ARRAY) {
        json_t *shown = json_array();
        for (size_t i = 0; i < json_array_size(stored); i++)
            (void)json_array_append_new(
                shown, json_pack("{s:o}", "v", value_shown(type->element, json_array_get(stored, i))));
        return shown;
    }
    if (stored == NULL || (json_is_null(stored) && type->kind != TYPE_JSON)) return json_null();
    if (type->kind == TYPE_STRUCT) {
        json_t *fields = json_array();
        for (size_t i = 0; i < type->field_count; i++) {
            const json_t *inner = json_object_get(stored, type->fields[i].key);
            if (inner != NULL && json_is_null(inner)) inner = NULL;
            (void)json_array_append_new(fields,
                                        json_pack("{s:o}", "v", value_shown(type->fields[i].type, inner)));
        }
        return json_pack("{s:o}", "f", fields);
    }
    if (type->kind == TYPE_JSON) {
        char *text = json_text(stored);
        json_t *shown = json_string(text);
        free(text);
        return shown;
    }
    int64_t us = 0;
    if (type->kind == TYPE_TIMESTAMP && time_text_us(json_string_value(stored), &us)) {
        json_t *number = json_integer(us), *shown = shown_number(number);
        json_decref(number);
        return shown;
    }
    if (type->kind == TYPE_BOOL) {
        bool yes = json_is_true(stored) || json_integer_value(stored) != 0;
        return json_string(yes ? "true" : "false");
    }
    if (type->kind == TYPE_FLOAT64 && json_is_integer(stored)) {
        json_t *real = json_real((double)json_integer_value(stored)), *shown = shown_number(real);
        json_decref(real);
        return shown;
    }
    return json_is_number(stored) ? shown_number(stored) : json_string(json_string_value(stored));
}
