/* SPDX-License-Identifier: Apache-2.0 */
/* Coercions, and structs and arrays as JSON text. */
#include <string.h>
#include <strings.h>

#include "sql/emit.h"

struct value value_make(const char *sql, const struct type *type)
{
    return (struct value){.sql = sql, .type = type};
}

static const char *quote(struct emitter *emitter, const char *text, char mark)
{
    size_t size = strlen(text);
    char *out = arena_zero(&emitter->sql->arena, size * 2 + 3);
    char *end = out;
    *end++ = mark;
    for (; *text != '\0'; text++) {
        if (*text == mark) *end++ = mark;
        *end++ = *text;
    }
    *end = mark;
    return out;
}

const char *quote_text(struct emitter *emitter, const char *text)
{
    return quote(emitter, text, '\'');
}

const char *quote_name(struct emitter *emitter, const char *name)
{
    return quote(emitter, name, '"');
}

const char *json_of(struct emitter *emitter, struct value value)
{
    enum type_kind kind = value.type->kind;
    if (kind == TYPE_BOOL) {
        return sql_format(emitter->sql, "json(CASE %s WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)",
                          value.sql);
    }
    if (kind == TYPE_JSON || kind == TYPE_ARRAY || kind == TYPE_STRUCT) {
        return sql_format(emitter->sql, "json(%s)", value.sql);
    }
    return value.sql;
}

const char *struct_of(struct emitter *emitter, const struct type *type, const struct value *values)
{
    const char *inside = "";
    for (size_t i = 0; i < type->field_count; i++) {
        inside = sql_format(emitter->sql, "%s%s%s, %s", inside, i > 0 ? ", " : "",
                            quote_text(emitter, type->fields[i].key), json_of(emitter, values[i]));
    }
    return sql_format(emitter->sql, "json_object(%s)", inside);
}

const char *field_of(struct emitter *emitter, const char *sql, const struct struct_field *field)
{
    const char *path = quote_text(emitter, sql_format(emitter->sql, "$.\"%s\"", field->key));
    if (field->type->kind == TYPE_JSON)
        return sql_format(emitter->sql, "nullif(%s -> %s, 'null')", sql, path);
    return sql_format(emitter->sql, "json_extract(%s, %s)", sql, path);
}

struct value element_of(struct emitter *emitter, const char *each, const struct type *element)
{
    if (element->kind != TYPE_JSON) return value_make(sql_format(emitter->sql, "%s.value", each), element);
    /* json_each shows scalars as SQL values; a JSON value must stay JSON text. */
    return value_make(
        sql_format(emitter->sql,
                   "CASE %s.type WHEN 'text' THEN json_quote(%s.value) WHEN 'true' THEN 'true' WHEN "
                   "'false' THEN 'false' WHEN 'null' THEN NULL WHEN 'real' THEN %s.json -> %s.fullkey ELSE "
                   "CAST(%s.value AS TEXT) END",
                   each, each, each, each, each),
        element);
}

/* The value with the keys and element types of another array or struct type. */
static struct value coerce_nested(struct emitter *emitter, struct value value, const struct type *type)
{
    const struct value no = {0};
    if (type->kind == TYPE_STRUCT) {
        if (value.type->field_count != type->field_count) return no;
        struct value *fields = arena_zero(&emitter->sql->arena, (type->field_count + 1) * sizeof *fields);
        for (size_t i = 0; i < type->field_count; i++) {
            const struct struct_field *from = &value.type->fields[i];
            struct value field = value_make(field_of(emitter, value.sql, from), from->type);
            field.literal = value.literal;
            fields[i] = coerce(emitter, field, type->fields[i].type);
            if (fields[i].sql == NULL) return no;
        }
        return value_make(sql_format(emitter->sql, "CASE WHEN %s IS NOT NULL THEN %s END", value.sql,
                                     struct_of(emitter, type, fields)),
                          type);
    }
    const char *each = sql_format(emitter->sql, "t%d", ++emitter->names);
    struct value element = element_of(emitter, each, value.type->element);
    element.literal = value.literal;
    element = coerce(emitter, element, type->element);
    if (element.sql == NULL) return no;
    return value_make(
        sql_format(emitter->sql,
                   "CASE WHEN %s IS NOT NULL THEN (SELECT json_group_array(%s) FROM json_each(%s) AS %s) "
                   "END",
                   value.sql, json_of(emitter, element), value.sql, each),
        type);
}

static bool same_shape(const struct type *a, const struct type *b)
{
    if (a->kind != b->kind || a->field_count != b->field_count) return false;
    if (a->kind == TYPE_ARRAY) return same_shape(a->element, b->element);
    for (size_t i = 0; i < a->field_count; i++) {
        if (strcmp(a->fields[i].key, b->fields[i].key) != 0) return false;
        if (!same_shape(a->fields[i].type, b->fields[i].type)) return false;
    }
    return true;
}

struct value coerce(struct emitter *emitter, struct value value, const struct type *type)
{
    enum type_kind from = value.type->kind, to = type->kind;
    struct value same = {.sql = value.sql, .type = type, .literal = value.literal};
    if (from == TYPE_NULL || to == TYPE_NULL || same_shape(value.type, type)) return same;
    if (from == to && (from == TYPE_ARRAY || from == TYPE_STRUCT)) {
        if (from == TYPE_ARRAY && value.type->element->kind == TYPE_NULL) return same;
        return coerce_nested(emitter, value, type);
    }
    if (from == TYPE_INT64 && to == TYPE_FLOAT64) {
        return value_make(sql_format(emitter->sql, "CAST(%s AS REAL)", value.sql), type);
    }
    if (value.literal && from == TYPE_STRING && (to == TYPE_DATE || to == TYPE_TIMESTAMP)) {
        same.sql = sql_format(emitter->sql, "bq_cast(%s, 'STRING', '%s', 0)", value.sql,
                              type_name(&emitter->sql->arena, type));
        return same;
    }
    return (struct value){0};
}

const struct type *common_type(struct emitter *emitter, const struct value *values, size_t count, size_t at,
                               const char *what)
{
    const struct type *type = type_of(TYPE_NULL);
    bool literal = true;
    for (size_t i = 0; i < count; i++) {
        struct value wanted = {.sql = "", .type = type, .literal = literal};
        if (type->kind != TYPE_NULL && coerce(emitter, values[i], type).sql != NULL) {
            literal = literal && values[i].literal;
            continue;
        }
        if (coerce(emitter, wanted, values[i].type).sql == NULL) {
            const char *names = "";
            for (size_t j = 0; j < count; j++) {
                names = sql_format(emitter->sql, "%s%s%s", names, j > 0 ? ", " : "",
                                   type_name(&emitter->sql->arena, values[j].type));
            }
            sql_fail_at(emitter->sql, at, "No matching signature for %s for argument types: %s", what, names);
        }
        type = values[i].type;
        literal = literal && values[i].literal;
    }
    return type;
}

/* TO_JSON_STRING's text of one value, as an argument of json_object: already JSON. */
static const char *shown_of(struct emitter *emitter, struct value value)
{
    struct sql *sql = emitter->sql;
    switch (value.type->kind) {
    case TYPE_NULL:
    case TYPE_STRING:
    case TYPE_DATE: return value.sql;
    case TYPE_FLOAT64: return sql_format(sql, "json(bq_json_real(%s))", value.sql);
    case TYPE_BOOL:
    case TYPE_JSON: return json_of(emitter, value);
    case TYPE_INT64: return sql_format(sql, "bq_json_int(%s)", value.sql);
    case TYPE_TIMESTAMP: return sql_format(sql, "bq_json_timestamp(%s)", value.sql);
    case TYPE_ARRAY: {
        const char *each = sql_format(sql, "t%d", ++emitter->names);
        struct value element = element_of(emitter, each, value.type->element);
        return sql_format(sql, "(SELECT json_group_array(%s) FROM json_each(%s) AS %s)",
                          shown_of(emitter, element), value.sql, each);
    }
    case TYPE_STRUCT: break;
    }
    const char *inside = "";
    for (size_t i = 0; i < value.type->field_count; i++) {
        const struct struct_field *field = &value.type->fields[i];
        struct value inner = value_make(field_of(emitter, value.sql, field), field->type);
        inside = sql_format(sql, "%s%s%s, %s", inside, i > 0 ? ", " : "", quote_text(emitter, field->name),
                            shown_of(emitter, inner));
    }
    return sql_format(sql, "CASE WHEN %s IS NOT NULL THEN json_object(%s) END", value.sql, inside);
}

const char *json_text_of(struct emitter *emitter, struct value value)
{
    /* An array around it makes SQLite write any value as JSON. */
    return sql_format(emitter->sql, "(json_array(%s) -> '$[0]')", shown_of(emitter, value));
}

void need_groupable(struct emitter *emitter, const struct type *type, size_t at, const char *what)
{
    if (type->kind != TYPE_JSON && type->kind != TYPE_ARRAY && type->kind != TYPE_STRUCT) return;
    sql_fail_at(emitter->sql, at, "%s expressions of type %s is not allowed", what,
                type_name(&emitter->sql->arena, type));
}
