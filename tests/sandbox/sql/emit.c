/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions. */
#include <string.h>
#include <strings.h>

#include "sql/emit.h"
#include "store/time_text.h"

static struct value arg(struct emitter *emitter, const struct expr *expr, size_t i)
{
    return emit_expr(emitter, expr->args.items[i]);
}

int64_t emit_now(struct emitter *emitter)
{
    if (emitter->now_us == 0) emitter->now_us = emitter->store->now_us(emitter->store->now_self);
    return emitter->now_us;
}

static const char *operator_name(struct emitter *emitter, const char *name)
{
    return sql_format(emitter->sql, "operator %s", name);
}

/* Brings two values to their common type and returns it. */
static const struct type *unify(struct emitter *emitter, struct value *values, size_t count, size_t at,
                                const char *name)
{
    const struct type *type = common_type(emitter, values, count, at, operator_name(emitter, name));
    for (size_t i = 0; i < count; i++) {
        struct value made = coerce(emitter, values[i], type);
        if (made.sql != NULL) values[i] = made;
    }
    return type;
}

static void need_comparable(struct emitter *emitter, const struct type *type, const struct expr *expr,
                            const char *name)
{
    bool nested = type->kind == TYPE_ARRAY || type->kind == TYPE_JSON;
    bool ordered = strpbrk(name, "<>") != NULL && strcmp(name, "<>") != 0;
    if (!nested && !(ordered && type->kind == TYPE_STRUCT)) return;
    const char *shown = type_name(&emitter->sql->arena, type);
    sql_fail_at(emitter->sql, expr->at, "%s is not defined for arguments of type %s",
                ordered ? name : "Equality", shown);
}

static void need_type(struct emitter *emitter, struct value *value, enum type_kind kind,
                      const struct expr *expr, const char *name)
{
    struct value made = coerce(emitter, *value, type_of(kind));
    if (made.sql == NULL) {
        sql_fail_at(emitter->sql, expr->at, "No matching signature for %s for argument types: %s", name,
                    type_name(&emitter->sql->arena, value->type));
    }
    *value = made;
}

static struct value emit_logic(struct emitter *emitter, const struct expr *expr)
{
    const char *all = "";
    for (size_t i = 0; i < expr->args.count; i++) {
        struct value value = arg(emitter, expr, i);
        need_type(emitter, &value, TYPE_BOOL, expr, operator_name(emitter, expr->name));
        all = i == 0 ? value.sql : sql_format(emitter->sql, "%s %s %s", all, expr->name, value.sql);
    }
    return value_make(sql_format(emitter->sql, "(%s)", all), type_of(TYPE_BOOL));
}

static struct value emit_concat(struct emitter *emitter, const struct expr *expr, struct value *sides)
{
    const struct type *type = unify(emitter, sides, 2, expr->at, "||");
    if (type->kind != TYPE_STRING && type->kind != TYPE_NULL)
        need_type(emitter, sides, TYPE_STRING, expr, "operator ||");
    return value_make(sql_format(emitter->sql, "(%s || %s)", sides[0].sql, sides[1].sql),
                      type_of(TYPE_STRING));
}

static struct value emit_arithmetic(struct emitter *emitter, const struct expr *expr, struct value *sides)
{
    const struct type *type = unify(emitter, sides, 2, expr->at, expr->name);
    if (type->kind == TYPE_NULL) type = type_of(TYPE_INT64);
    if (type->kind != TYPE_INT64 && type->kind != TYPE_FLOAT64) {
        need_type(emitter, sides, TYPE_FLOAT64, expr, operator_name(emitter, expr->name));
    }
    if (expr->name[0] == '/') {
        return value_make(sql_format(emitter->sql, "bq_divide(%s, %s)", sides[0].sql, sides[1].sql),
                          type_of(TYPE_FLOAT64));
    }
    if (type->kind == TYPE_INT64) {
        return value_make(
            sql_format(emitter->sql, "bq_int('%s', %s, %s)", expr->name, sides[0].sql, sides[1].sql), type);
    }
    return value_make(sql_format(emitter->sql, "(%s %s %s)", sides[0].sql, expr->name, sides[1].sql), type);
}

static struct value emit_binary(struct emitter *emitter, const struct expr *expr)
{
    if (((const struct expr *)expr->args.items[1])->kind == EXPR_INTERVAL)
        sql_fail_at(emitter->sql, expr->at, "Operator %s with an INTERVAL is not supported", expr->name);
    if (strcmp(expr->name, "AND") == 0 || strcmp(expr->name, "OR") == 0) return emit_logic(emitter, expr);
    struct value sides[2];
    sides[0] = arg(emitter, expr, 0);
    sides[1] = arg(emitter, expr, 1);
    if (strcmp(expr->name, "||") == 0) return emit_concat(emitter, expr, sides);
    if (strpbrk(expr->name, "+-*/") != NULL) return emit_arithmetic(emitter, expr, sides);
    need_comparable(emitter, unify(emitter, sides, 2, expr->at, expr->name), expr, expr->name);
    return value_make(sql_format(emitter->sql, "(%s %s %s)", sides[0].sql, expr->name, sides[1].sql),
                      type_of(TYPE_BOOL));
}

static struct value emit_unary(struct emitter *emitter, const struct expr *expr)
{
    struct value value = arg(emitter, expr, 0);
    if (strcmp(expr->name, "NOT") == 0) {
        need_type(emitter, &value, TYPE_BOOL, expr, "operator NOT");
        return value_make(sql_format(emitter->sql, "(NOT %s)", value.sql), value.type);
    }
    if (value.type->kind != TYPE_INT64)
        need_type(emitter, &value, TYPE_FLOAT64, expr, operator_name(emitter, expr->name));
    struct value made = value_make(sql_format(emitter->sql, "(%s %s)", expr->name, value.sql), value.type);
    made.literal = value.literal;
    return made;
}

static struct value boolean(struct emitter *emitter, const struct expr *expr, const char *sql)
{
    return value_make(sql_format(emitter->sql, expr->negated ? "(NOT (%s))" : "(%s)", sql),
                      type_of(TYPE_BOOL));
}

static struct value emit_test(struct emitter *emitter, const struct expr *expr)
{
    struct sql *sql = emitter->sql;
    struct value v[3];
    for (size_t i = 0; i < expr->args.count; i++)
        v[i] = arg(emitter, expr, i);
    if (expr->kind == EXPR_IS) {
        if (expr->name[0] != 'N') need_type(emitter, &v[0], TYPE_BOOL, expr, "operator IS");
        return boolean(emitter, expr, sql_format(sql, "%s IS %s", v[0].sql, expr->name));
    }
    if (expr->kind == EXPR_LIKE) {
        need_type(emitter, &v[0], TYPE_STRING, expr, "operator LIKE");
        need_type(emitter, &v[1], TYPE_STRING, expr, "operator LIKE");
        return boolean(emitter, expr, sql_format(sql, "bq_like(%s, %s)", v[0].sql, v[1].sql));
    }
    bool between = expr->kind == EXPR_BETWEEN;
    const struct type *type =
        unify(emitter, v, expr->args.count, expr->at, between ? "BETWEEN" : "IS DISTINCT FROM");
    need_comparable(emitter, type, expr, between ? "<" : "=");
    if (between)
        return boolean(emitter, expr, sql_format(sql, "%s BETWEEN %s AND %s", v[0].sql, v[1].sql, v[2].sql));
    return boolean(emitter, expr, sql_format(sql, "%s IS NOT %s", v[0].sql, v[1].sql));
}

static struct value emit_in_list(struct emitter *emitter, const struct expr *expr)
{
    size_t count = expr->args.count;
    struct value *values = arena_zero(&emitter->sql->arena, count * sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = arg(emitter, expr, i);
    need_comparable(emitter, unify(emitter, values, count, expr->at, "IN"), expr, "=");
    const char *list = "";
    for (size_t i = 1; i < count; i++)
        list = sql_format(emitter->sql, "%s%s%s", list, i > 1 ? ", " : "", values[i].sql);
    return boolean(emitter, expr, sql_format(emitter->sql, "%s IN (%s)", values[0].sql, list));
}

static struct value emit_in_unnest(struct emitter *emitter, const struct expr *expr)
{
    struct value sides[2];
    sides[0] = arg(emitter, expr, 0);
    struct value array = arg(emitter, expr, 1);
    if (array.type->kind != TYPE_ARRAY) {
        sql_fail_at(emitter->sql, expr->at, "Second argument of IN UNNEST must be an array but was %s",
                    type_name(&emitter->sql->arena, array.type));
    }
    const char *each = sql_format(emitter->sql, "t%d", ++emitter->names);
    sides[1] = element_of(emitter, each, array.type->element);
    sides[1].literal = array.literal;
    need_comparable(emitter, unify(emitter, sides, 2, expr->at, "IN"), expr, "=");
    return boolean(emitter, expr,
                   sql_format(emitter->sql, "%s IN (SELECT %s FROM json_each(%s) AS %s)", sides[0].sql,
                              sides[1].sql, array.sql, each));
}

static struct value emit_in_query(struct emitter *emitter, const struct expr *expr)
{
    struct value sides[2];
    sides[0] = arg(emitter, expr, 0);
    struct output output = emit_query(emitter, expr->query);
    if (output.columns.count != 1) {
        sql_fail_at(emitter->sql, expr->at, "Subquery of type IN must have only one output column");
    }
    const struct sql_column *column = output.columns.items[0];
    sides[1] = value_make(column->sql, column->type);
    need_comparable(emitter, unify(emitter, sides, 2, expr->at, "IN"), expr, "=");
    return boolean(
        emitter, expr,
        sql_format(emitter->sql, "%s IN (SELECT %s FROM (%s))", sides[0].sql, sides[1].sql, output.sql));
}

static struct value emit_case(struct emitter *emitter, const struct expr *expr)
{
    struct sql *sql = emitter->sql;
    size_t count = expr->args.count, pairs = (count - 2) / 2;
    const struct expr *base = expr->args.items[0], *other = expr->args.items[count - 1];
    struct value *when = arena_zero(&sql->arena, (pairs + 1) * sizeof *when);
    struct value *then = arena_zero(&sql->arena, (pairs + 1) * sizeof *then);
    for (size_t i = 0; i < pairs; i++) {
        when[i] = arg(emitter, expr, 1 + 2 * i);
        then[i] = arg(emitter, expr, 2 + 2 * i);
        if (base == NULL) need_type(emitter, &when[i], TYPE_BOOL, expr, "CASE");
    }
    then[pairs] = other != NULL ? emit_expr(emitter, other) : value_make("NULL", type_of(TYPE_NULL));
    const struct type *type = common_type(emitter, then, pairs + 1, expr->at, "operator CASE");
    const char *text = "CASE";
    if (base != NULL) {
        when[pairs] = emit_expr(emitter, base);
        need_comparable(emitter, unify(emitter, when, pairs + 1, expr->at, "CASE"), expr, "=");
        text = sql_format(sql, "CASE %s", when[pairs].sql);
    }
    for (size_t i = 0; i < pairs; i++)
        text = sql_format(sql, "%s WHEN %s THEN %s", text, when[i].sql, coerce(emitter, then[i], type).sql);
    return value_make(sql_format(sql, "%s ELSE %s END", text, coerce(emitter, then[pairs], type).sql), type);
}

static struct value emit_cast(struct emitter *emitter, const struct expr *expr)
{
    struct value value = arg(emitter, expr, 0);
    const struct type *from = value.type, *to = expr->type;
    if (from->kind == to->kind || from->kind == TYPE_NULL) {
        struct value made = coerce(emitter, value, to);
        if (made.sql != NULL) return value_make(made.sql, to);
    }
    static const char allowed[TYPE_JSON + 1][TYPE_JSON + 1] = {
        [TYPE_BOOL] = {[TYPE_INT64] = 1, [TYPE_STRING] = 1},
        [TYPE_INT64] = {[TYPE_BOOL] = 1, [TYPE_FLOAT64] = 1, [TYPE_STRING] = 1},
        [TYPE_FLOAT64] = {[TYPE_INT64] = 1, [TYPE_STRING] = 1},
        [TYPE_STRING] =
            {[TYPE_BOOL] = 1, [TYPE_INT64] = 1, [TYPE_FLOAT64] = 1, [TYPE_DATE] = 1, [TYPE_TIMESTAMP] = 1},
        [TYPE_DATE] = {[TYPE_STRING] = 1, [TYPE_TIMESTAMP] = 1},
        [TYPE_TIMESTAMP] = {[TYPE_STRING] = 1, [TYPE_DATE] = 1},
    };
    const char *from_name = type_name(&emitter->sql->arena, from),
               *to_name = type_name(&emitter->sql->arena, to);
    if (from->kind > TYPE_JSON || to->kind > TYPE_JSON || !allowed[from->kind][to->kind]) {
        sql_fail_at(emitter->sql, expr->at, "Invalid cast from %s to %s", from_name, to_name);
    }
    return value_make(
        sql_format(emitter->sql, "bq_cast(%s, '%s', '%s', %d)", value.sql, from_name, to_name, expr->safe),
        to);
}

static struct value emit_array(struct emitter *emitter, const struct expr *expr)
{
    size_t count = expr->args.count;
    struct value *values = arena_zero(&emitter->sql->arena, (count + 1) * sizeof *values);
    bool literal = true;
    for (size_t i = 0; i < count; i++) {
        values[i] = arg(emitter, expr, i);
        literal = literal && values[i].literal;
    }
    const struct type *type =
        expr->type != NULL ? expr->type : common_type(emitter, values, count, expr->at, "ARRAY");
    if (type->kind == TYPE_ARRAY) {
        sql_fail_at(emitter->sql, expr->at,
                    "Cannot construct array with element type %s because nested arrays are not supported",
                    type_name(&emitter->sql->arena, type));
    }
    const char *inside = "";
    for (size_t i = 0; i < count; i++) {
        struct value made = coerce(emitter, values[i], type);
        if (made.sql == NULL) sql_fail_at(emitter->sql, expr->at, "Array element type does not coerce");
        inside = sql_format(emitter->sql, "%s%s%s", inside, i > 0 ? ", " : "", json_of(emitter, made));
    }
    struct value made = value_make(sql_format(emitter->sql, "json_array(%s)", inside),
                                   type_array(&emitter->sql->arena, type));
    made.literal = literal && expr->type == NULL;
    return made;
}

static struct value emit_struct(struct emitter *emitter, const struct expr *expr)
{
    struct sql *sql = emitter->sql;
    size_t count = expr->args.count;
    if (expr->type != NULL && expr->type->field_count != count) {
        sql_fail_at(sql, expr->at, "STRUCT type has %zu fields but constructor call has %zu fields",
                    expr->type->field_count, count);
    }
    struct value *values = arena_zero(&sql->arena, (count + 1) * sizeof *values);
    struct struct_field *fields = arena_zero(&sql->arena, (count + 1) * sizeof *fields);
    for (size_t i = 0; i < count; i++) {
        values[i] = arg(emitter, expr, i);
        fields[i].name = expr->names.items[i];
        fields[i].type = values[i].type;
        if (expr->type == NULL) continue;
        values[i] = coerce(emitter, values[i], expr->type->fields[i].type);
        if (values[i].sql == NULL)
            sql_fail_at(sql, expr->at, "Struct field %zu has an incompatible type", i + 1);
    }
    const struct type *type = expr->type != NULL ? expr->type : type_struct(&sql->arena, fields, count);
    return value_make(struct_of(emitter, type, values), type);
}

static struct value emit_index(struct emitter *emitter, const struct expr *expr)
{
    struct sql *sql = emitter->sql;
    struct value base = arg(emitter, expr, 0), index = arg(emitter, expr, 1);
    if (base.type->kind == TYPE_JSON && expr->name[0] == '\0') {
        if (index.type->kind != TYPE_STRING) need_type(emitter, &index, TYPE_INT64, expr, "operator []");
        return value_make(sql_format(sql, "bq_json_item(%s, %s)", base.sql, index.sql), base.type);
    }
    if (base.type->kind != TYPE_ARRAY) {
        sql_fail_at(sql, expr->at, "Element access using [] is not supported on values of type %s",
                    type_name(&sql->arena, base.type));
    }
    need_type(emitter, &index, TYPE_INT64, expr, "operator []");
    bool from_one = strstr(expr->name, "ORDINAL") != NULL, safe = strncmp(expr->name, "SAFE", 4) == 0;
    const char *at = sql_format(sql, from_one ? "(%s) - 1" : "%s", index.sql);
    const char *element = sql_format(sql, "bq_element(%s, %s, %d, %d)", base.sql, at, safe,
                                     base.type->element->kind == TYPE_JSON);
    return value_make(element, base.type->element);
}

static struct value emit_array_query(struct emitter *emitter, const struct expr *expr)
{
    struct output output = emit_query(emitter, expr->query);
    struct value value = {0};
    if (output.as_struct) {
        value = emit_single(emitter, &output, expr->query);
    } else if (output.columns.count == 1) {
        const struct sql_column *column = output.columns.items[0];
        value = value_make(column->sql, column->type);
    } else {
        sql_fail_at(
            emitter->sql, expr->at,
            "ARRAY subquery cannot have more than one column unless using SELECT AS STRUCT to build STRUCT "
            "values");
    }
    if (value.type->kind == TYPE_ARRAY) {
        sql_fail_at(
            emitter->sql, expr->at,
            "Cannot use array subquery with column of type %s because nested arrays are not supported",
            type_name(&emitter->sql->arena, value.type));
    }
    return value_make(sql_format(emitter->sql, "(SELECT json_group_array(%s) FROM (%s))",
                                 json_of(emitter, value), output.sql),
                      type_array(&emitter->sql->arena, value.type));
}

static struct value emit_subquery(struct emitter *emitter, const struct expr *expr)
{
    struct output output = emit_query(emitter, expr->query);
    if (expr->kind == EXPR_EXISTS) {
        return value_make(sql_format(emitter->sql, "EXISTS (%s)", output.sql), type_of(TYPE_BOOL));
    }
    struct value value = emit_single(emitter, &output, expr->query);
    return value_make(sql_format(emitter->sql, "(SELECT bq_only(%s) FROM (%s))", value.sql, output.sql),
                      value.type);
}

static struct value emit_parameter(struct emitter *emitter, const struct expr *expr)
{
    for (size_t i = 0; emitter->parameters != NULL && i < emitter->parameters->count; i++) {
        struct variable *variable = emitter->parameters->items[i];
        if (strcasecmp(variable->name, expr->name) != 0) continue;
        size_t at = 0;
        while (at < emitter->bindings.count && emitter->bindings.items[at] != variable)
            at++;
        if (at == emitter->bindings.count) list_add(emitter->sql, &emitter->bindings, variable);
        struct value value = value_make(sql_format(emitter->sql, "?%zu", at + 3), variable->type);
        value.literal = true;
        return value;
    }
    sql_fail_at(emitter->sql, expr->at, "Query parameter '%s' not found", expr->name);
}

static struct value emit_system(struct emitter *emitter, const struct expr *expr)
{
    if (strcasecmp(expr->name, "row_count") != 0) {
        sql_fail_at(emitter->sql, expr->at, "Unrecognized system variable: @@%s", expr->name);
    }
    if (emitter->row_count < 0) return value_make("NULL", type_of(TYPE_INT64));
    return value_make(sql_format(emitter->sql, "%lld", (long long)emitter->row_count), type_of(TYPE_INT64));
}

static struct value emit_literal(struct emitter *emitter, const struct expr *expr)
{
    struct value value = value_make(expr->name, type_of(TYPE_NULL));
    value.literal = true;
    if (expr->kind == EXPR_NULL) {
        value.sql = "NULL";
    } else if (expr->kind == EXPR_BOOL) {
        value.type = type_of(TYPE_BOOL);
    } else if (expr->kind == EXPR_INTEGER) {
        bool fits = strlen(expr->name) < 19 ||
                    (strlen(expr->name) == 19 && strcmp(expr->name, "9223372036854775807") <= 0);
        if (!fits) sql_fail_at(emitter->sql, expr->at, "Invalid integer literal: %s", expr->name);
        value.type = type_of(TYPE_INT64);
    } else if (expr->kind == EXPR_FLOAT) {
        value.type = type_of(TYPE_FLOAT64);
    } else {
        value.type = type_of(TYPE_STRING);
        value.sql = quote_text(emitter, expr->name);
    }
    return value;
}

static struct value emit_typed(struct emitter *emitter, const struct expr *expr)
{
    char text[40];
    const char *name = type_name(&emitter->sql->arena, expr->type);
    if (expr->type->kind == TYPE_JSON) {
        return value_make(sql_format(emitter->sql, "json(%s)", quote_text(emitter, expr->name)), expr->type);
    }
    bool date = expr->type->kind == TYPE_DATE;
    bool read = date ? time_text_read_date(expr->name, text) : time_text_read_timestamp(expr->name, text);
    if (!read) sql_fail_at(emitter->sql, expr->at, "Invalid %s literal", name);
    return value_make(sql_format(emitter->sql, "'%s'", text), expr->type);
}

static struct value emit_kind(struct emitter *emitter, const struct expr *expr)
{
    switch (expr->kind) {
    case EXPR_NULL:
    case EXPR_BOOL:
    case EXPR_INTEGER:
    case EXPR_FLOAT:
    case EXPR_STRING: return emit_literal(emitter, expr);
    case EXPR_TYPED: return emit_typed(emitter, expr);
    case EXPR_NAME:
    case EXPR_FIELD: return resolve_name(emitter, expr);
    case EXPR_PARAMETER: return emit_parameter(emitter, expr);
    case EXPR_SYSTEM: return emit_system(emitter, expr);
    case EXPR_UNARY: return emit_unary(emitter, expr);
    case EXPR_BINARY: return emit_binary(emitter, expr);
    case EXPR_IS:
    case EXPR_DISTINCT:
    case EXPR_LIKE:
    case EXPR_BETWEEN: return emit_test(emitter, expr);
    case EXPR_IN_LIST: return emit_in_list(emitter, expr);
    case EXPR_IN_QUERY: return emit_in_query(emitter, expr);
    case EXPR_IN_UNNEST: return emit_in_unnest(emitter, expr);
    case EXPR_CASE: return emit_case(emitter, expr);
    case EXPR_CAST: return emit_cast(emitter, expr);
    case EXPR_INTERVAL: break;
    case EXPR_CALL: return emit_call(emitter, expr);
    case EXPR_QUERY:
    case EXPR_EXISTS: return emit_subquery(emitter, expr);
    case EXPR_ARRAY_QUERY: return emit_array_query(emitter, expr);
    case EXPR_ARRAY: return emit_array(emitter, expr);
    case EXPR_STRUCT: return emit_struct(emitter, expr);
    case EXPR_INDEX: return emit_index(emitter, expr);
    }
    sql_fail_at(emitter->sql, expr->at, "INTERVAL is supported as an argument of date functions only");
}

struct value emit_expr(struct emitter *emitter, const struct expr *expr)
{
    struct scope *scope = emitter->scope;
    size_t violations = scope != NULL ? scope->violation_count : 0;
    sql_enter(emitter->sql, expr->at);
    struct value value = emit_kind(emitter, expr);
    sql_leave(emitter->sql);
    for (size_t i = 0; scope != NULL && i < scope->grouped.count; i++) {
        /* It is one of the grouping expressions: what it names may stand outside of aggregates. */
        if (strcmp(value.sql, scope->grouped.items[i]) == 0) scope->violation_count = violations;
    }
    return value;
}
