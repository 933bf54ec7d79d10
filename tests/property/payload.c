/* SPDX-License-Identifier: Apache-2.0 */
/* payload.c - payloads made from a table alone. */
#include <stdio.h>
#include <string.h>

#include "mutate.h"

static json_t *object_of(const struct column *fields, size_t count, uint64_t *seed);

static json_t *value_of(const struct column *column, uint64_t *seed)
{
    char text[64];

    switch (column->type) {
    case COLUMN_STRING:
        if (chance_below(seed, 3) == 0) return json_integer(chance_below(seed, 1000000));
        (void)snprintf(text, sizeof text, "%.40s %u", column->name, chance_below(seed, 1000));
        return json_string(text);
    case COLUMN_INT64: return json_integer(chance_below(seed, 100000));
    case COLUMN_FLOAT64: return json_real(chance_below(seed, 100000) / 64.0);
    case COLUMN_BOOL: return json_boolean(chance_below(seed, 2));
    case COLUMN_TIMESTAMP:
        if (chance_below(seed, 2)) return json_integer(1700000000 + chance_below(seed, 50000000));
        (void)snprintf(text, sizeof text, "2026-0%u-1%uT10:11:12.%03uZ", 1 + chance_below(seed, 9),
                       chance_below(seed, 10), chance_below(seed, 1000));
        return json_string(text);
    case COLUMN_JSON: return json_pack("{s:[i,s,{s:b}]}", "any", 1, "two", "three", 1);
    case COLUMN_RECORD: return object_of(column->fields, column->field_count, seed);
    }
    return NULL;
}

static json_t *object_of(const struct column *fields, size_t count, uint64_t *seed)
{
    json_t *object = json_object();

    for (size_t i = 0; i < count; i++) {
        json_t *list;

        if (fields[i].mode != COLUMN_REPEATED) {
            json_object_set_new(object, column_field(&fields[i]), value_of(&fields[i], seed));
            continue;
        }
        list = json_array();
        for (uint32_t elements = chance_below(seed, 4); elements > 0; elements--)
            json_array_append_new(list, value_of(&fields[i], seed));
        json_object_set_new(object, column_field(&fields[i]), list);
    }
    if (chance_below(seed, 3) == 0)
        json_object_set_new(object, "a field that is new", json_pack("{s:[i,i]}", "x", 1, 2));
    return object;
}

json_t *payload_of(const struct table *table, uint64_t *seed)
{
    json_t *payload = object_of(table->columns, table->column_count, seed);

    payload_complete(payload, table);
    return payload;
}

void payload_complete(json_t *tree, const struct table *table)
{
    if (!json_is_object(tree)) return;
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        const json_t *value = json_object_get(tree, column_field(column));

        if (column->mode != COLUMN_REQUIRED || (value && !json_is_null(value))) continue;
        if (column->type == COLUMN_TIMESTAMP)
            json_object_set_new(tree, column_field(column), json_integer(1769854272));
        else if (column->type == COLUMN_BOOL)
            json_object_set_new(tree, column_field(column), json_true());
        else
            json_object_set_new(tree, column_field(column), json_string("an id"));
    }
}
