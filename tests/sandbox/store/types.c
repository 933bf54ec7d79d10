/* SPDX-License-Identifier: Apache-2.0 */
/* Types, their names, and their shape as a REST schema. */
#include "store/types.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct type_words {
    enum type_kind kind;
    const char *sql, *rest;
};

static const struct type_words type_table[] = {
    {TYPE_BOOL, "BOOL", "BOOLEAN"},     {TYPE_INT64, "INT64", "INTEGER"},
    {TYPE_FLOAT64, "FLOAT64", "FLOAT"}, {TYPE_STRING, "STRING", "STRING"},
    {TYPE_DATE, "DATE", "DATE"},        {TYPE_TIMESTAMP, "TIMESTAMP", "TIMESTAMP"},
    {TYPE_JSON, "JSON", "JSON"},        {TYPE_STRUCT, "STRUCT", "RECORD"},
};

#define TYPE_WORDS (sizeof type_table / sizeof *type_table)

const struct type *type_of(enum type_kind kind)
{
    static const struct type scalars[] = {
        [TYPE_NULL] = {.kind = TYPE_NULL},           [TYPE_BOOL] = {.kind = TYPE_BOOL},
        [TYPE_INT64] = {.kind = TYPE_INT64},         [TYPE_FLOAT64] = {.kind = TYPE_FLOAT64},
        [TYPE_STRING] = {.kind = TYPE_STRING},       [TYPE_DATE] = {.kind = TYPE_DATE},
        [TYPE_TIMESTAMP] = {.kind = TYPE_TIMESTAMP}, [TYPE_JSON] = {.kind = TYPE_JSON},
    };
    return &scalars[kind];
}

const struct type *type_array(struct arena *arena, const struct type *element)
{
    struct type *type = arena_zero(arena, sizeof *type);
    type->kind = TYPE_ARRAY;
    type->element = element;
    return type;
}

/* Keys stand inside of JSON paths, in quotes. */
static bool fits_key(const char *name)
{
    return name[0] != '\0' && strpbrk(name, "\"\\'") == NULL;
}

const struct type *type_struct(struct arena *arena, struct struct_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool alone = fits_key(fields[i].name);
        for (size_t j = 0; j < i && alone; j++)
            alone = strcasecmp(fields[i].name, fields[j].name) != 0;
        fields[i].key = alone ? fields[i].name : arena_format(arena, "_field_%zu", i + 1);
    }
    struct type *type = arena_zero(arena, sizeof *type);
    type->kind = TYPE_STRUCT;
    type->fields = fields;
    type->field_count = count;
    return type;
}

bool type_by_name(const char *name, enum type_kind *out_kind)
{
    if (strcasecmp(name, "STRUCT") == 0 || strcasecmp(name, "RECORD") == 0) return false;
    for (size_t i = 0; i < TYPE_WORDS; i++) {
        if (strcasecmp(name, type_table[i].sql) == 0 || strcasecmp(name, type_table[i].rest) == 0) {
            *out_kind = type_table[i].kind;
            return true;
        }
    }
    if (strcasecmp(name, "INT") == 0 || strcasecmp(name, "BIGINT") == 0) {
        *out_kind = TYPE_INT64;
        return true;
    }
    return false;
}

bool type_equal(const struct type *a, const struct type *b)
{
    if (a->kind != b->kind || a->field_count != b->field_count) return false;
    if (a->kind == TYPE_ARRAY) return type_equal(a->element, b->element);
    for (size_t i = 0; i < a->field_count; i++) {
        if (!type_equal(a->fields[i].type, b->fields[i].type)) return false;
    }
    return true;
}

static const struct type_words *words_of(enum type_kind kind)
{
    for (size_t i = 0; i < TYPE_WORDS; i++) {
        if (type_table[i].kind == kind) return &type_table[i];
    }
    return &type_table[1]; /* an untyped NULL shows as INT64 */
}

const char *type_name(struct arena *arena, const struct type *type)
{
    if (type->kind == TYPE_ARRAY) return arena_format(arena, "ARRAY<%s>", type_name(arena, type->element));
    if (type->kind != TYPE_STRUCT) return words_of(type->kind)->sql;
    const char *inside = "";
    for (size_t i = 0; i < type->field_count; i++) {
        const struct struct_field *field = &type->fields[i];
        inside = arena_format(arena, "%s%s%s%s%s", inside, i > 0 ? ", " : "", field->name,
                              *field->name ? " " : "", type_name(arena, field->type));
    }
    return arena_format(arena, "STRUCT<%s>", inside);
}

const struct struct_field *type_field(const struct type *type, const char *name)
{
    for (size_t i = 0; i < type->field_count; i++) {
        if (strcasecmp(type->fields[i].name, name) == 0) return &type->fields[i];
    }
    return NULL;
}

json_t *type_schema(const struct type *row)
{
    json_t *fields = json_array();
    for (size_t i = 0; i < row->field_count; i++) {
        const struct struct_field *field = &row->fields[i];
        bool repeated = field->type->kind == TYPE_ARRAY;
        const struct type *type = repeated ? field->type->element : field->type;
        const char *mode = repeated ? "REPEATED" : field->required ? "REQUIRED" : "NULLABLE";
        json_t *shown = json_pack("{s:s, s:s, s:s}", "name", field->name, "type", words_of(type->kind)->rest,
                                  "mode", mode);
        if (type->kind == TYPE_STRUCT) {
            json_t *inner = type_schema(type);
            (void)json_object_set(shown, "fields", json_object_get(inner, "fields")); /* memory only */
            json_decref(inner);
        }
        (void)json_array_append_new(fields, shown); /* memory only */
    }
    return json_pack("{s:o}", "fields", fields);
}

static const struct type *field_type(struct arena *arena, const json_t *field, char out_problem[160])
{
    const char *name = json_string_value(json_object_get(field, "type"));
    const char *mode = json_string_value(json_object_get(field, "mode"));
    enum type_kind kind = TYPE_NULL;
    const struct type *type = NULL;
    if (name != NULL && (strcasecmp(name, "RECORD") == 0 || strcasecmp(name, "STRUCT") == 0)) {
        type = type_of_schema(arena, field, out_problem);
    } else if (name != NULL && type_by_name(name, &kind)) {
        type = type_of(kind);
    } else {
        (void)snprintf(out_problem, 160, "Type not supported: %s", name != NULL ? name : "(none)");
    }
    if (type != NULL && mode != NULL && strcasecmp(mode, "REPEATED") == 0) type = type_array(arena, type);
    return type;
}

const struct type *type_of_schema(struct arena *arena, const json_t *schema, char out_problem[160])
{
    const json_t *fields = json_object_get(schema, "fields");
    size_t count = json_array_size(fields);
    struct struct_field *made = arena_zero(arena, (count + 1) * sizeof *made);
    for (size_t i = 0; i < count; i++) {
        const json_t *field = json_array_get(fields, i);
        const char *name = json_string_value(json_object_get(field, "name"));
        const char *mode = json_string_value(json_object_get(field, "mode"));
        if (name == NULL || *name == '\0') {
            (void)snprintf(out_problem, 160, "Empty field name");
            return NULL;
        }
        made[i].name = arena_text(arena, name, strlen(name));
        const char *collation = json_string_value(json_object_get(field, "collation"));
        made[i].ignores_case = collation != NULL && *collation != '\0';
        made[i].required = mode != NULL && strcasecmp(mode, "REQUIRED") == 0;
        made[i].type = field_type(arena, field, out_problem);
        if (made[i].type == NULL) return NULL;
    }
    return type_struct(arena, made, count);
}
