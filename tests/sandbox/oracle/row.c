/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle/row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/json.h"
#include "row_oracle.h"

static json_t *read_record(const json_t *fields, const json_t *row, bool is_top);

static json_t *read_json(const char *text)
{
    json_t *value;
    struct error err;
    return json_read(text, strlen(text), NULL, &value, &err) ? value : json_string("unreadable JSON");
}

/* A cell as the loader would have written it, yours; NULL: it is null. */
static json_t *read_cell(const json_t *field, const json_t *cell)
{
    const char *type = json_text_at(field, "type"), *text = json_string_value(cell);
    const json_t *fields = json_object_get(field, "fields");
    if (json_array_size(fields) > 0 && json_is_object(cell)) return read_record(fields, cell, false);
    if (!text || !type) return NULL;
    if (strcmp(type, "JSON") == 0) return read_json(text);
    if (strcmp(type, "INTEGER") == 0 || strcmp(type, "INT64") == 0)
        return json_integer(strtoll(text, NULL, 10));
    if (strncmp(type, "FLOAT", 5) == 0) return json_real(strtod(text, NULL));
    if (strncmp(type, "BOOL", 4) == 0) return json_boolean(strcmp(text, "true") == 0);
    if (strcmp(type, "TIMESTAMP") != 0) return json_string(text);
    char instant[INSTANT_TEXT];
    instant_format(strtoll(text, NULL, 10), instant);
    return json_string(instant);
}

/* An empty list or record is as good as none. */
static json_t *read_field(const json_t *field, const json_t *cell)
{
    const char *mode = json_text_at(field, "mode");
    json_t *value = json_array();
    if (!mode || strcmp(mode, "REPEATED") != 0) {
        json_decref(value);
        value = read_cell(field, cell);
        bool is_empty = json_object_get(field, "fields") && json_object_size(value) == 0;
        if (!is_empty) return value;
    }
    for (size_t i = 0; json_is_array(value) && i < json_array_size(cell); i++)
        json_array_append_new(value, read_cell(field, json_object_get(json_array_get(cell, i), "v")));
    if (json_array_size(value) > 0) return value;
    json_decref(value);
    return NULL;
}

static bool is_service(const char *name)
{
    static const char *const names[] = {"partition_date", "_content", "_read_at",
                                        "_loaded_at",     "_run_id",  "_seq"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) == 0) return true;
    }
    return false;
}

static json_t *read_record(const json_t *fields, const json_t *row, bool is_top)
{
    const json_t *cells = json_object_get(row, "f");
    json_t *record = json_object();
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *field = json_array_get(fields, i);
        const char *name = json_text_at(field, "name");
        if (!name || (is_top && is_service(name))) continue;
        json_t *value = read_field(field, json_object_get(json_array_get(cells, i), "v"));
        if (value) json_object_set_new(record, name, value);
    }
    return record;
}

const char *row_cell(const json_t *fields, const json_t *row, const char *name)
{
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const char *own = json_text_at(json_array_get(fields, i), "name");
        if (own && strcmp(own, name) == 0)
            return json_string_value(json_object_get(json_array_get(json_object_get(row, "f"), i), "v"));
    }
    return NULL;
}

bool row_equals(const json_t *record, const json_t *fields, const json_t *row, char *out_why, size_t why_size)
{
    struct row_verdict verdict;
    AUTO(json_drop) json_t *read = read_record(fields, row, true);
    bool is_equal = row_oracle_check(fields, record, read, false, &verdict);
    if (!is_equal) snprintf(out_why, why_size, "%s", verdict.problem);
    return is_equal;
}
