/* SPDX-License-Identifier: Apache-2.0 */
#include "staged_row.h"

#include <stdlib.h>

#include "base/json.h"

/* Yours; NULL: no text of JSON. */
typedef json_t *change(const json_t *value);

static json_t *open_json(const json_t *value)
{
    const char *text = json_string_value(value);
    return text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
}

static json_t *close_json(const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    json_t *closed = json_string(text);
    free(text);
    return closed;
}

static bool change_fields(const struct column *columns, size_t count, json_t *row, change *change_json);

static json_t *change_value(const struct column *column, json_t *value, change *change_json)
{
    if (column->type == COLUMN_JSON) return change_json(value);
    return change_fields(column->fields, column->field_count, value, change_json) ? json_incref(value) : NULL;
}

static bool change_list(const struct column *column, json_t *list, change *change_json)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *changed = change_value(column, json_array_get(list, i), change_json);
        if (!changed) return false;
        (void)json_array_set_new(list, i, changed); /* memory only */
    }
    return true;
}

static bool change_field(const struct column *column, json_t *row, change *change_json)
{
    json_t *value = json_object_get(row, column->name);
    if (!value || (column->type != COLUMN_JSON && column->type != COLUMN_RECORD)) return true;
    if (column->mode == COLUMN_REPEATED) return change_list(column, value, change_json);
    json_t *changed = change_value(column, value, change_json);
    if (!changed) return false;
    (void)json_object_set_new(row, column->name, changed); /* memory only */
    return true;
}

static bool change_fields(const struct column *columns, size_t count, json_t *row, change *change_json)
{
    for (size_t i = 0; i < count; i++)
        if (!change_field(&columns[i], row, change_json)) return false;
    return true;
}

static bool change_row(const struct table *table, json_t *row, change *change_json)
{
    static const struct column extra = {.name = COLUMN_EXTRA, .type = COLUMN_JSON};
    return change_fields(table->columns, table->column_count, row, change_json) &&
           change_field(&extra, row, change_json);
}

bool staged_row_open(const struct table *table, json_t *row)
{
    return change_row(table, row, open_json);
}

bool staged_row_text(const struct table *table, const char *row, struct buf *out)
{
    AUTO(json_drop) json_t *read = json_loads(row, JSON_REJECT_DUPLICATES, NULL);
    buf_reset(out);
    return read && staged_row_open(table, read) && json_write(out, read);
}

char *staged_row_closed(const struct table *table, const char *row)
{
    AUTO(json_drop) json_t *read = json_loads(row, 0, NULL);
    return read && change_row(table, read, close_json) ? json_dumps(read, JSON_COMPACT) : NULL;
}
