/* SPDX-License-Identifier: Apache-2.0 */
#include "projection.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "core/rows.h"

static struct fields *compile(const struct column *columns, size_t count);

static void add_slot(struct fields *fields, size_t number)
{
    size_t slot = fields->list[number].print & fields->mask;
    while (fields->slots[slot] > 0)
        slot = (slot + 1) & fields->mask;
    fields->slots[slot] = (uint16_t)(number + 1);
}

static void compile_column(struct fields *fields, const struct column *column)
{
    struct field *field = &fields->list[fields->count++];
    field->column = column;
    field->name = column_field(column);
    field->size = (uint32_t)strlen(field->name);
    field->print = json_key_print(field->name, field->size);
    field->head = mem_format("\"%s\":", column->name); /* ours: an identifier */
    field->head_size = strlen(field->head);
    if (column->type == COLUMN_RECORD) field->below = compile(column->fields, column->field_count);
    if (!column->alternatives) return;
    assert(fields->alternate_count < LIMIT_ALTERNATIVES); /* of our own tables */
    fields->alternates[fields->alternate_count++] = field;
}

static struct fields *compile(const struct column *columns, size_t count)
{
    struct fields *fields = mem_zero(1, sizeof *fields);
    size_t slots = 16;
    while (slots < 2 * count)
        slots *= 2;
    assert(count < UINT16_MAX);
    fields->list = mem_zero(count, sizeof *fields->list);
    fields->slots = mem_zero(slots, sizeof *fields->slots);
    fields->mask = slots - 1;
    for (size_t i = 0; i < count; i++)
        compile_column(fields, &columns[i]);
    for (size_t i = 0; i < count; i++)
        add_slot(fields, i);
    return fields;
}

static void free_fields(struct fields *fields)
{
    if (!fields) return;
    for (size_t i = 0; i < fields->count; i++) {
        free(fields->list[i].head);
        free_fields(fields->list[i].below);
    }
    free(fields->list);
    free(fields->slots);
    free(fields);
}

struct projection *projection_new(const struct table *table)
{
    struct projection *projection = mem_zero(1, sizeof *projection);
    projection->table = table;
    projection->fields = compile(table->columns, table->column_count);
    for (size_t i = 0; i < table->column_count; i++)
        projection->required += table->columns[i].mode == COLUMN_REQUIRED;
    return projection;
}

void projection_free(struct projection **projection)
{
    if (!*projection) return;
    free_fields((*projection)->fields);
    free(*projection);
    *projection = NULL;
}
