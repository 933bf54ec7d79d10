/* SPDX-License-Identifier: Apache-2.0 */
/* SELECT, set operations and WITH. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sql/emit.h"

static struct sql_column *add_output(struct emitter *emitter, struct pointer_list *columns, const char *name,
                                     const char *sql, const struct type *type)
{
    struct sql_column *column = arena_zero(&emitter->sql->arena, sizeof *column);
    column->name = name;
    column->sql = sql;
    column->type = type->kind == TYPE_NULL ? type_of(TYPE_INT64) : type;
    list_add(emitter->sql, columns, column);
    return column;
}

static bool is_listed(const struct pointer_list *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcasecmp(names->items[i], name) == 0) return true;
    return false;
}

/* One column of a star, unless EXCEPT or REPLACE want otherwise. */
static void add_starred(struct emitter *emitter, const struct select_item *item, const char *name,
                        struct value value)
{
    if (is_listed(&item->except, name)) return;
    for (size_t i = 0; i < item->replace.count; i++) {
        const struct select_item *changed = item->replace.items[i];
        if (strcasecmp(changed->alias, name) == 0) value = emit_expr(emitter, changed->expr);
    }
    struct scope *scope = emitter->scope;
    add_output(emitter, &scope->outputs, name, value.sql, value.type);
    bool grouped = false;
    for (size_t i = 0; i < scope->grouped.count; i++)
        grouped = grouped || strcmp(scope->grouped.items[i], value.sql) == 0;
    size_t most = sizeof scope->violations / sizeof *scope->violations;
    if (!grouped && scope->violation_count < most) {
        scope->violations[scope->violation_count++] = (struct violation){.name = name, .at = item->at};
    }
}

static void add_relation_columns(struct emitter *emitter, const struct select_item *item,
                                 const struct relation *relation)
{
    if (relation->columns.count == 0 && relation->value != NULL) {
        add_starred(emitter, item, relation->alias, value_make(relation->value_sql, relation->value));
    }
    for (size_t i = 0; i < relation->columns.count; i++) {
        const struct sql_column *column = relation->columns.items[i];
        add_starred(emitter, item, column->name, value_make(column->sql, column->type));
    }
}

static void emit_star(struct emitter *emitter, const struct select_item *item)
{
    struct scope *scope = emitter->scope;
    struct relation *relation = NULL;
    if (item->expr == NULL) {
        if (scope->relations.count == 0)
            sql_fail_at(emitter->sql, item->at, "SELECT * must have a FROM clause");
        for (size_t i = 0; i < scope->relations.count; i++)
            add_relation_columns(emitter, item, scope->relations.items[i]);
        return;
    }
    if (resolve_relation(emitter, item->expr, &relation)) {
        add_relation_columns(emitter, item, relation);
        return;
    }
    struct value base = emit_expr(emitter, item->expr);
    if (base.type->kind != TYPE_STRUCT) {
        sql_fail_at(emitter->sql, item->at, "Dot-star is not supported for type %s",
                    type_name(&emitter->sql->arena, base.type));
    }
    for (size_t i = 0; i < base.type->field_count; i++) {
        const struct struct_field *field = &base.type->fields[i];
        add_starred(emitter, item, field->name, value_make(field_of(emitter, base.sql, field), field->type));
    }
}

static void need_excepted(struct emitter *emitter, const struct select_item *item, size_t before)
{
    const struct pointer_list *outputs = &emitter->scope->outputs;
    for (size_t i = 0; i < item->replace.count; i++) {
        const struct select_item *changed = item->replace.items[i];
        bool found = false;
        for (size_t j = before; j < outputs->count; j++)
            found = found || strcasecmp(((struct sql_column *)outputs->items[j])->name, changed->alias) == 0;
        if (!found)
            sql_fail_at(emitter->sql, item->at, "Column %s in SELECT * REPLACE list does not exist",
                        changed->alias);
    }
    if (outputs->count == before) sql_fail_at(emitter->sql, item->at, "SELECT * expands to zero columns");
}

static void emit_items(struct emitter *emitter, const struct select *select)
{
    for (size_t i = 0; i < select->items.count; i++) {
        const struct select_item *item = select->items.items[i];
        size_t before = emitter->scope->outputs.count;
        if (item->star) {
            emit_star(emitter, item);
            need_excepted(emitter, item, before);
            continue;
        }
        struct value value = emit_expr(emitter, item->expr);
        bool named = item->alias == NULL && (item->expr->kind == EXPR_NAME || item->expr->kind == EXPR_FIELD);
        const char *name = item->alias != NULL ? item->alias : named ? item->expr->name : "";
        add_output(emitter, &emitter->scope->outputs, name, value.sql, value.type)->literal = value.literal;
    }
}

static bool is_ordinal(const struct expr *expr, size_t *out_number)
{
    if (expr->kind != EXPR_INTEGER || strlen(expr->name) > 6) return false;
    *out_number = 0;
    for (const char *c = expr->name; isdigit((unsigned char)*c); c++)
        *out_number = *out_number * 10 + (size_t)(*c - '0');
    return true;
}

static const struct select_item *item_of_key(const struct select *select, const struct expr *key)
{
    size_t number = 0;
    if (is_ordinal(key, &number)) {
        return number >= 1 && number <= select->items.count ? select->items.items[number - 1] : NULL;
    }
    for (size_t i = 0; i < select->items.count && key->kind == EXPR_NAME; i++) {
        const struct select_item *item = select->items.items[i];
        if (item->alias != NULL && strcasecmp(item->alias, key->name) == 0) return item;
    }
    return NULL;
}

/* GROUP BY: the grouping expressions as SQL; "" if there are none. */
static const char *emit_group(struct emitter *emitter, const struct select *select)
{
    struct sql *sql = emitter->sql;
    struct pointer_list grouped = {0};
    size_t number = 0;
    const char *text = "";
    emitter->scope->forbidden = "GROUP BY clause";
    for (size_t i = 0; i < select->group.count; i++) {
        const struct expr *key = select->group.items[i];
        const struct select_item *item = item_of_key(select, key);
        if (item == NULL && is_ordinal(key, &number)) {
            sql_fail_at(sql, key->at, "GROUP BY is out of SELECT list range: %s", key->name);
        }
        if (item != NULL && item->star)
            sql_fail_at(sql, key->at, "Cannot GROUP BY field references from SELECT list with a star");
        struct value value = emit_expr(emitter, item != NULL ? item->expr : key);
        need_groupable(emitter, value.type, key->at, "Grouping by");
        list_add(sql, &grouped, arena_text(&sql->arena, value.sql, strlen(value.sql)));
        bool bare = isdigit((unsigned char)value.sql[0]);
        text = sql_format(sql, bare ? "%s%sifnull(%s, NULL)" : "%s%s%s", text, i > 0 ? ", " : " GROUP BY ",
                          value.sql);
    }
    emitter->scope->forbidden = NULL;
    emitter->scope->grouped = grouped;
    emitter->scope->violation_count = 0;
    if (select->group.count > 0) emitter->scope->aggregated = true;
    return text;
}

static const char *emit_where(struct emitter *emitter, const struct select *select)
{
    for (size_t i = 0; i < emitter->scope->relations.count; i++)
        need_partition_filter(emitter, emitter->scope->relations.items[i], select->where);
    if (select->where == NULL) return "";
    emitter->scope->forbidden = "WHERE clause";
    const char *condition = emit_condition(emitter, select->where, "WHERE clause");
    emitter->scope->forbidden = NULL;
    return sql_format(emitter->sql, " WHERE %s", condition);
}

static void need_grouped(struct emitter *emitter)
{
    const struct scope *scope = emitter->scope;
    if (!scope->aggregated || scope->violation_count == 0) return;
    sql_fail_at(emitter->sql, scope->violations[0].at,
                "SELECT list expression references column %s which is neither grouped nor aggregated",
                scope->violations[0].name);
}

static const char *emit_limit(struct emitter *emitter, const struct query *query)
{
    const char *text = "";
    const struct expr *bounds[] = {query->limit, query->offset};
    for (size_t i = 0; i < 2; i++) {
        if (bounds[i] == NULL) continue;
        struct value value = emit_expr(emitter, bounds[i]);
        bool plain = bounds[i]->kind == EXPR_INTEGER || bounds[i]->kind == EXPR_PARAMETER ||
                     bounds[i]->kind == EXPR_NAME;
        if (!plain || value.type->kind != TYPE_INT64) {
            sql_fail_at(emitter->sql, bounds[i]->at,
                        "LIMIT and OFFSET expect an integer literal or parameter");
        }
        text = sql_format(emitter->sql, "%s%s%s", text, i == 0 ? " LIMIT " : " OFFSET ", value.sql);
    }
    return text;
}

/* One key of ORDER BY: an output's number, or an expression that may name outputs. */
static const char *emit_order_key(struct emitter *emitter, const struct order *key)
{
    size_t number = 0;
    struct scope *scope = emitter->scope;
    struct value value = {0};
    if (is_ordinal(key->expr, &number)) {
        if (number < 1 || number > scope->outputs.count) {
            sql_fail_at(emitter->sql, key->expr->at, "ORDER BY column number item is out of range: %s",
                        key->expr->name);
        }
        const struct sql_column *column = scope->outputs.items[number - 1];
        value = value_make(column->sql, column->type);
    } else {
        value = emit_expr(emitter, key->expr);
    }
    need_groupable(emitter, value.type, key->expr->at, "Ordering by");
    return isdigit((unsigned char)value.sql[0]) ? sql_format(emitter->sql, "ifnull(%s, NULL)", value.sql)
                                                : value.sql;
}

static const char *direction(struct emitter *emitter, const struct order *key)
{
    return sql_format(emitter->sql, "%s%s%s", key->descending ? " DESC" : "",
                      key->nulls != NULL ? " NULLS " : "", key->nulls != NULL ? key->nulls : "");
}

static const char *emit_list(struct emitter *emitter, const struct pointer_list *outputs)
{
    const char *text = "";
    for (size_t i = 0; i < outputs->count; i++) {
        const struct sql_column *column = outputs->items[i];
        text = sql_format(emitter->sql, "%s%s%s AS c%zu", text, i > 0 ? ", " : "", column->sql, i + 1);
    }
    return text;
}

static const char *emit_names(struct emitter *emitter, size_t count)
{
    const char *text = "";
    for (size_t i = 1; i <= count; i++)
        text = sql_format(emitter->sql, "%s%sc%zu", text, i > 1 ? ", " : "", i);
    return text;
}

/* SQLite has no QUALIFY: the SELECT becomes a subquery that also computes the condition and the order. */
static const char *emit_qualified(struct emitter *emitter, const struct query *query, const char *from)
{
    struct sql *sql = emitter->sql;
    const struct select *select = query->select;
    size_t count = emitter->scope->outputs.count;
    const char *inner = emit_list(emitter, &emitter->scope->outputs), *order = "";
    const char *qualify = emit_condition(emitter, select->qualify, "QUALIFY clause");
    if (strstr(qualify, " OVER (") == NULL && strstr(inner, " OVER (") == NULL) {
        sql_fail_at(sql, select->qualify->at, "QUALIFY clause must be used together with analytic functions");
    }
    for (size_t i = 0; i < query->order.count; i++) {
        const struct order *key = query->order.items[i];
        inner = sql_format(sql, "%s, %s AS o%zu", inner, emit_order_key(emitter, key), i + 1);
        order =
            sql_format(sql, "%s%so%zu%s", order, i > 0 ? ", " : " ORDER BY ", i + 1, direction(emitter, key));
    }
    return sql_format(sql, "SELECT %s%s FROM (SELECT %s, %s AS q%s) WHERE q%s%s",
                      select->distinct ? "DISTINCT " : "", emit_names(emitter, count), inner, qualify, from,
                      order, emit_limit(emitter, query));
}

static const char *emit_plain(struct emitter *emitter, const struct query *query, const char *from)
{
    struct sql *sql = emitter->sql;
    const char *order = "";
    for (size_t i = 0; i < query->order.count; i++) {
        const struct order *key = query->order.items[i];
        order = sql_format(sql, "%s%s%s%s", order, i > 0 ? ", " : " ORDER BY ", emit_order_key(emitter, key),
                           direction(emitter, key));
    }
    return sql_format(sql, "SELECT %s%s%s%s%s", query->select->distinct ? "DISTINCT " : "",
                      emit_list(emitter, &emitter->scope->outputs), from, order, emit_limit(emitter, query));
}

/* After SELECT DISTINCT, as after GROUP BY, ORDER BY sees selected columns only. */
static void begin_distinct(struct emitter *emitter)
{
    struct scope *scope = emitter->scope;
    scope->grouped = (struct pointer_list){0};
    scope->violation_count = 0;
    for (size_t i = 0; i < scope->outputs.count; i++) {
        const char *sql = ((struct sql_column *)scope->outputs.items[i])->sql;
        list_add(emitter->sql, &scope->grouped, arena_text(&emitter->sql->arena, sql, strlen(sql)));
    }
}

static void need_selected(struct emitter *emitter)
{
    const struct scope *scope = emitter->scope;
    if (scope->violation_count == 0) return;
    sql_fail_at(emitter->sql, scope->violations[0].at,
                "ORDER BY clause expression references column %s which is not visible after SELECT DISTINCT",
                scope->violations[0].name);
}

/* The query as text, once its FROM, WHERE, GROUP BY, HAVING and columns are known. */
static const char *emit_whole(struct emitter *emitter, const struct query *query, const char *from)
{
    bool distinct = query->select->distinct && query->select->qualify == NULL;
    if (distinct) {
        need_grouped(emitter);
        begin_distinct(emitter);
    }
    const char *text = query->select->qualify != NULL ? emit_qualified(emitter, query, from)
                                                      : emit_plain(emitter, query, from);
    if (distinct) {
        need_selected(emitter);
    } else {
        need_grouped(emitter);
    }
    return text;
}

static struct output emit_select(struct emitter *emitter, const struct query *query)
{
    struct sql *sql = emitter->sql;
    const struct select *select = query->select;
    struct scope scope = {.parent = emitter->scope};
    struct output output = {.as_struct = select->as_struct};
    emitter->scope = &scope;
    const char *from = "";
    if (select->from != NULL) from = sql_format(sql, " FROM %s", emit_from(emitter, select->from));
    from = sql_format(sql, "%s%s", from, emit_where(emitter, select));
    from = sql_format(sql, "%s%s", from, emit_group(emitter, select));
    emit_items(emitter, select);
    for (size_t i = 0; i < scope.outputs.count && select->distinct; i++)
        need_groupable(emitter, ((struct sql_column *)scope.outputs.items[i])->type, select->at,
                       "SELECT DISTINCT of");
    scope.aliases = true;
    if (select->having != NULL) {
        scope.aggregated = true;
        from =
            sql_format(sql, "%s HAVING %s", from, emit_condition(emitter, select->having, "HAVING clause"));
    }
    output.sql = emit_whole(emitter, query, from);
    need_decorrelated(emitter, query);
    emitter->scope = scope.parent;
    for (size_t i = 0; i < scope.outputs.count; i++) {
        const struct sql_column *column = scope.outputs.items[i];
        struct sql_column *made =
            add_output(emitter, &output.columns, column->name, sql_format(sql, "c%zu", i + 1), column->type);
        made->literal = column->literal;
    }
    return output;
}

/* ORDER BY and LIMIT after a query in parentheses or a set operation: they see its columns only. */
static void emit_outer_order(struct emitter *emitter, const struct query *query, struct output *output)
{
    struct sql *sql = emitter->sql;
    if (query->order.count == 0 && query->limit == NULL) return;
    struct scope scope = {.parent = emitter->scope, .outputs = output->columns, .aliases = true};
    emitter->scope = &scope;
    const char *order = "";
    for (size_t i = 0; i < query->order.count; i++) {
        const struct order *key = query->order.items[i];
        order = sql_format(sql, "%s%s%s%s", order, i > 0 ? ", " : " ORDER BY ", emit_order_key(emitter, key),
                           direction(emitter, key));
    }
    output->sql = sql_format(sql, "SELECT %s FROM (%s)%s%s", emit_names(emitter, output->columns.count),
                             output->sql, order, emit_limit(emitter, query));
    emitter->scope = scope.parent;
}

static const char *coerced_input(struct emitter *emitter, const struct output *input,
                                 const struct pointer_list *columns)
{
    const char *text = "";
    for (size_t i = 0; i < columns->count; i++) {
        const struct sql_column *from = input->columns.items[i], *to = columns->items[i];
        struct value value = coerce(emitter, value_make(from->sql, from->type), to->type);
        text = sql_format(emitter->sql, "%s%s%s AS c%zu", text, i > 0 ? ", " : "", value.sql, i + 1);
    }
    return sql_format(emitter->sql, "SELECT %s FROM (%s)", text, input->sql);
}

static struct output emit_set(struct emitter *emitter, const struct query *query)
{
    struct sql *sql = emitter->sql;
    size_t count = query->inputs.count;
    struct output output = {0}, *inputs = arena_zero(&sql->arena, count * sizeof *inputs);
    struct value *values = arena_zero(&sql->arena, count * sizeof *values);
    for (size_t i = 0; i < count; i++) {
        inputs[i] = emit_query(emitter, query->inputs.items[i]);
        if (inputs[i].columns.count != inputs[0].columns.count) {
            sql_fail_at(sql, query->at,
                        "Queries in %s have mismatched column count; query 1 has %zu columns, query %zu has "
                        "%zu columns",
                        query->set, inputs[0].columns.count, i + 1, inputs[i].columns.count);
        }
    }
    for (size_t c = 0; c < inputs[0].columns.count; c++) {
        const struct sql_column *first = inputs[0].columns.items[c];
        for (size_t i = 0; i < count; i++) {
            const struct sql_column *column = inputs[i].columns.items[c];
            values[i] = value_make(column->sql, column->type);
        }
        const struct type *type = common_type(emitter, values, count, query->at,
                                              sql_format(sql, "column %zu in %s", c + 1, query->set));
        if (strcmp(query->set, "UNION ALL") != 0) need_groupable(emitter, type, query->at, query->set);
        add_output(emitter, &output.columns, first->name, first->sql, type);
    }
    output.sql = "";
    for (size_t i = 0; i < count; i++)
        output.sql = sql_format(sql, "%s%s%s%s%s", output.sql, i > 0 ? " " : "", i > 0 ? query->set : "",
                                i > 0 ? " " : "", coerced_input(emitter, &inputs[i], &output.columns));
    return output;
}

/* The WITH of a query as SQL; its names are visible until emitter->with is put back. */
static const char *emit_with(struct emitter *emitter, const struct query *query)
{
    const char *text = "";
    struct scope *scope = emitter->scope;
    for (size_t i = 0; i < query->with.count; i++) {
        const struct common *common = query->with.items[i];
        for (size_t j = 0; j < i; j++) {
            if (strcasecmp(((struct common *)query->with.items[j])->name, common->name) == 0) {
                sql_fail_at(emitter->sql, common->at, "Duplicate alias %s for WITH subquery", common->name);
            }
        }
        emitter->scope = NULL;
        struct output output = emit_query(emitter, common->query);
        emitter->scope = scope;
        struct with *with = arena_zero(&emitter->sql->arena, sizeof *with);
        with->parent = emitter->with;
        with->name = common->name;
        with->sql = sql_format(emitter->sql, "w%d", ++emitter->names);
        with->columns = output.columns;
        emitter->with = with;
        text =
            sql_format(emitter->sql, "%s%s%s AS (%s)", text, i > 0 ? ", " : "WITH ", with->sql, output.sql);
    }
    return text;
}

struct output emit_query(struct emitter *emitter, const struct query *query)
{
    struct output output = {0};
    struct with *with = emitter->with;
    sql_enter(emitter->sql, query->at);
    const char *text = emit_with(emitter, query);
    if (query->select != NULL) {
        output = emit_select(emitter, query);
    } else {
        output = query->set != NULL ? emit_set(emitter, query) : emit_query(emitter, query->inputs.items[0]);
        emit_outer_order(emitter, query, &output);
    }
    if (*text != '\0') output.sql = sql_format(emitter->sql, "%s %s", text, output.sql);
    emitter->with = with;
    sql_leave(emitter->sql);
    return output;
}

struct value emit_single(struct emitter *emitter, const struct output *output, const struct query *query)
{
    size_t count = output->columns.count;
    const struct sql_column *first = output->columns.items[0];
    if (!output->as_struct && count == 1) return value_make(first->sql, first->type);
    if (!output->as_struct) {
        sql_fail_at(emitter->sql, query->at,
                    "Scalar subquery cannot have more than one column unless using SELECT AS STRUCT to build "
                    "STRUCT values");
    }
    struct struct_field *fields = arena_zero(&emitter->sql->arena, (count + 1) * sizeof *fields);
    struct value *values = arena_zero(&emitter->sql->arena, (count + 1) * sizeof *values);
    for (size_t i = 0; i < count; i++) {
        const struct sql_column *column = output->columns.items[i];
        fields[i].name = column->name;
        fields[i].type = column->type;
        values[i] = value_make(column->sql, column->type);
    }
    const struct type *type = type_struct(&emitter->sql->arena, fields, count);
    return value_make(struct_of(emitter, type, values), type);
}
