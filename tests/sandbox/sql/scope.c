/* SPDX-License-Identifier: Apache-2.0 */
/* Resolves names: columns, fields, relations, script variables; and the catalog's tables. */
#include <string.h>
#include <strings.h>

#include "sql/emit.h"

const char *emit_visible(void)
{
    return "((\"" COLUMN_FROM "\" > 0 AND \"" COLUMN_FROM "\" <= ?1 OR \"" COLUMN_FROM
           "\" = ?2) AND (\"" COLUMN_TO "\" IS NULL OR \"" COLUMN_TO "\" > ?1 OR \"" COLUMN_TO
           "\" < 0 AND \"" COLUMN_TO "\" <> ?2))";
}

/* Notes a column outside of an aggregate; it must turn out to be grouped (see emit_expr). */
static void note_violation(struct scope *scope, const char *name, size_t at)
{
    size_t most = sizeof scope->violations / sizeof *scope->violations;
    if (scope->in_aggregate || scope->violation_count == most) return;
    scope->violations[scope->violation_count++] = (struct violation){.name = name, .at = at};
}

struct value field_value(struct emitter *emitter, struct value base, const char *name, size_t at)
{
    struct sql *sql = emitter->sql;
    if (base.type->kind == TYPE_JSON) {
        const char *key = quote_text(emitter, name);
        return value_make(sql_format(sql, "bq_json_item(%s, %s)", base.sql, key), base.type);
    }
    if (base.type->kind != TYPE_STRUCT) {
        sql_fail_at(sql, at, "Cannot access field %s on a value with type %s", name,
                    type_name(&sql->arena, base.type));
    }
    const struct struct_field *field = type_field(base.type, name);
    if (field == NULL) {
        sql_fail_at(sql, at, "Field name %s does not exist in %s", name, type_name(&sql->arena, base.type));
    }
    return value_make(field_of(emitter, base.sql, field), field->type);
}

struct value relation_value(struct emitter *emitter, const struct relation *relation)
{
    if (relation->value != NULL) return value_make(relation->value_sql, relation->value);
    size_t count = relation->columns.count;
    struct struct_field *fields = arena_zero(&emitter->sql->arena, (count + 1) * sizeof *fields);
    struct value *values = arena_zero(&emitter->sql->arena, (count + 1) * sizeof *values);
    for (size_t i = 0; i < count; i++) {
        const struct sql_column *column = relation->columns.items[i];
        fields[i].name = column->name;
        fields[i].type = column->type;
        values[i] = value_make(column->sql, column->type);
    }
    const struct type *type = type_struct(&emitter->sql->arena, fields, count);
    return value_make(struct_of(emitter, type, values), type);
}

static const struct sql_column *column_named(struct emitter *emitter, const struct pointer_list *columns,
                                             const char *name, size_t at)
{
    const struct sql_column *found = NULL;
    for (size_t i = 0; i < columns->count; i++) {
        const struct sql_column *column = columns->items[i];
        if (strcasecmp(column->name, name) != 0) continue;
        if (found != NULL) sql_fail_at(emitter->sql, at, "Column name %s is ambiguous", name);
        found = column;
    }
    return found;
}

static const struct sql_column *scope_column(struct emitter *emitter, const struct scope *scope,
                                             const char *name, size_t at)
{
    const struct sql_column *found = NULL;
    for (size_t i = 0; i < scope->relations.count; i++) {
        const struct relation *relation = scope->relations.items[i];
        const struct sql_column *column = column_named(emitter, &relation->columns, name, at);
        if (column != NULL && found != NULL)
            sql_fail_at(emitter->sql, at, "Column name %s is ambiguous", name);
        if (column != NULL) found = column;
    }
    return found;
}

static struct relation *scope_relation(const struct scope *scope, const char *name)
{
    for (size_t i = 0; i < scope->relations.count; i++) {
        struct relation *relation = scope->relations.items[i];
        if (strcasecmp(relation->alias, name) == 0) return relation;
    }
    return NULL;
}

/* A column of this scope was named from the innermost one. */
static void note_name(const struct emitter *emitter, const struct scope *scope)
{
    if (scope == emitter->scope) {
        emitter->scope->own_names++;
    } else if (emitter->scope != NULL) {
        emitter->scope->outer_names++;
    }
}

static bool find_name(struct emitter *emitter, struct scope *scope, const char *name, size_t at,
                      struct value *out_value)
{
    const struct sql_column *column = NULL;
    if (scope->aliases) {
        column = column_named(emitter, &scope->outputs, name, at);
        /* Inside of an aggregate, and when both exist, the column of the FROM is meant. */
        if (column != NULL && scope->in_aggregate && scope_column(emitter, scope, name, at) != NULL)
            column = NULL;
        if (column != NULL) {
            *out_value = value_make(column->sql, column->type);
            return true;
        }
    }
    column = scope_column(emitter, scope, name, at);
    if (column != NULL) {
        *out_value = value_make(column->sql, column->type);
    } else {
        const struct relation *relation = scope_relation(scope, name);
        if (relation == NULL) return false;
        *out_value = relation_value(emitter, relation);
    }
    note_name(emitter, scope);
    note_violation(scope, name, at);
    return true;
}

static bool find_variable(struct emitter *emitter, const char *name, struct value *out_value)
{
    for (size_t i = 0; emitter->variables != NULL && i < emitter->variables->count; i++) {
        struct variable *variable = emitter->variables->items[i];
        if (strcasecmp(variable->name, name) != 0) continue;
        size_t at = 0;
        while (at < emitter->bindings.count && emitter->bindings.items[at] != variable)
            at++;
        if (at == emitter->bindings.count) list_add(emitter->sql, &emitter->bindings, variable);
        *out_value = value_make(sql_format(emitter->sql, "?%zu", at + 3), variable->type);
        return true;
    }
    return false;
}

/* alias.column: the relation's alias is looked at before a column that has fields. */
static bool find_path(struct emitter *emitter, const struct expr *expr, struct value *out_value)
{
    const struct expr *base = expr->args.items[0];
    for (struct scope *scope = emitter->scope; scope != NULL; scope = scope->parent) {
        const struct relation *relation = scope_relation(scope, base->name);
        if (relation == NULL) {
            if (scope_column(emitter, scope, base->name, base->at) != NULL) return false;
            continue;
        }
        const struct sql_column *column = column_named(emitter, &relation->columns, expr->name, expr->at);
        if (column == NULL && relation->value != NULL) {
            *out_value = field_value(emitter, relation_value(emitter, relation), expr->name, expr->at);
        } else if (column == NULL) {
            sql_fail_at(emitter->sql, expr->at, "Name %s not found inside %s", expr->name, base->name);
        } else {
            *out_value = value_make(column->sql, column->type);
        }
        note_name(emitter, scope);
        note_violation(scope, sql_format(emitter->sql, "%s.%s", base->name, expr->name), expr->at);
        return true;
    }
    return false;
}

struct value resolve_name(struct emitter *emitter, const struct expr *expr)
{
    struct value value = {0};
    if (expr->kind == EXPR_FIELD) {
        const struct expr *base = expr->args.items[0];
        if (base->kind == EXPR_NAME && find_path(emitter, expr, &value)) return value;
        return field_value(emitter, emit_expr(emitter, base), expr->name, expr->at);
    }
    for (struct scope *scope = emitter->scope; scope != NULL; scope = scope->parent) {
        if (find_name(emitter, scope, expr->name, expr->at, &value)) return value;
    }
    if (find_variable(emitter, expr->name, &value)) return value;
    sql_fail_at(emitter->sql, expr->at, "Unrecognized name: %s", expr->name);
}

bool resolve_relation(struct emitter *emitter, const struct expr *expr, struct relation **out_relation)
{
    if (expr->kind != EXPR_NAME || emitter->scope == NULL) return false;
    *out_relation = scope_relation(emitter->scope, expr->name);
    return *out_relation != NULL;
}

struct store_table *resolve_table(struct emitter *emitter, const struct pointer_list *path, size_t at)
{
    struct sql *sql = emitter->sql;
    const char *name = path->items[path->count - 1], *dataset = emitter->default_dataset;
    const char *project = emitter->project;
    if (path->count > 3) sql_fail_at(sql, at, "Invalid table name: too many parts before %s", name);
    if (path->count > 1) dataset = path->items[path->count - 2];
    if (path->count > 2) project = path->items[0];
    if (dataset == NULL) {
        sql_fail_at(sql, at, "Table \"%s\" must be qualified with a dataset (e.g. dataset.table)", name);
    }
    bool ours =
        project == emitter->project || emitter->project == NULL || strcmp(project, emitter->project) == 0;
    struct store_table *table = ours ? catalog_find(emitter->store, dataset, name) : NULL;
    if (table == NULL && ours && catalog_has_dataset(emitter->store, dataset)) {
        sql_fail(sql, "notFound", "Not found: Table %s:%s.%s was not found in location %s", project, dataset,
                 name, catalog_location(emitter->store, dataset));
    }
    if (table == NULL) {
        sql_fail(sql, "notFound", "Not found: Dataset %s:%s was not found in location %s", project, dataset,
                 "US");
    }
    for (size_t i = 0; i < emitter->tables.count; i++) {
        if (emitter->tables.items[i] == table) return table;
    }
    list_add(sql, &emitter->tables, table);
    return table;
}

/* --- correlated queries --- */

enum side { SIDE_NONE, SIDE_OWN, SIDE_OUTER, SIDE_BOTH };

static enum side side_of(struct emitter *emitter, const struct expr *expr)
{
    struct scope *scope = emitter->scope;
    size_t own = scope->own_names, outer = scope->outer_names;
    (void)emit_expr(emitter, expr); /* only to see what it names */
    bool names_own = scope->own_names > own, names_outer = scope->outer_names > outer;
    return names_own && names_outer ? SIDE_BOTH : names_own ? SIDE_OWN : names_outer ? SIDE_OUTER : SIDE_NONE;
}

static bool joins_outer(struct emitter *emitter, const struct expr *expr)
{
    if (expr == NULL || expr->kind != EXPR_BINARY) return false;
    if (strcmp(expr->name, "AND") == 0) {
        for (size_t i = 0; i < expr->args.count; i++)
            if (joins_outer(emitter, expr->args.items[i])) return true;
        return false;
    }
    if (strcmp(expr->name, "=") != 0) return false;
    enum side left = side_of(emitter, expr->args.items[0]), right = side_of(emitter, expr->args.items[1]);
    return (left == SIDE_OWN && right == SIDE_OUTER) || (left == SIDE_OUTER && right == SIDE_OWN);
}

void need_decorrelated(struct emitter *emitter, const struct query *query)
{
    const struct scope *scope = emitter->scope;
    if (!scope->stored || scope->outer_names == 0) return;
    if (query->limit == NULL && joins_outer(emitter, query->select->where)) return;
    sql_fail_at(emitter->sql, query->at,
                "Correlated subqueries that reference other tables are not supported unless they can be "
                "de-correlated, such as by transforming them into an efficient JOIN.");
}

/* --- requirePartitionFilter --- */

static bool names_partition(const struct relation *relation, const struct expr *expr)
{
    if (expr->kind == EXPR_FIELD) {
        const struct expr *base = expr->args.items[0];
        if (base->kind != EXPR_NAME || strcasecmp(base->name, relation->alias) != 0) return false;
    } else if (expr->kind != EXPR_NAME) {
        return false;
    }
    return strcasecmp(expr->name, relation->table->partition) == 0;
}

/* Known before the table is read: no query, no column of the relation. */
static bool is_constant(const struct relation *relation, const struct expr *expr)
{
    if (expr == NULL) return true;
    if (expr->query != NULL) return false;
    if (expr->kind == EXPR_NAME) {
        for (size_t i = 0; i < relation->columns.count; i++) {
            const struct sql_column *column = relation->columns.items[i];
            if (strcasecmp(column->name, expr->name) == 0) return false;
        }
    }
    for (size_t i = 0; i < expr->args.count; i++) {
        if (!is_constant(relation, expr->args.items[i])) return false;
    }
    return true;
}

static bool filters_partition(const struct relation *relation, const struct expr *expr)
{
    bool every = expr->kind == EXPR_BINARY && strcmp(expr->name, "OR") == 0;
    if (every || (expr->kind == EXPR_BINARY && strcmp(expr->name, "AND") == 0)) {
        size_t found = 0;
        for (size_t i = 0; i < expr->args.count; i++)
            found += filters_partition(relation, expr->args.items[i]);
        return every ? found == expr->args.count : found > 0;
    }
    bool comparison = expr->kind == EXPR_BINARY && strpbrk(expr->name, "=<>") != NULL;
    bool test = comparison || expr->kind == EXPR_BETWEEN || expr->kind == EXPR_IN_LIST ||
                expr->kind == EXPR_IN_UNNEST;
    if (!test || expr->negated) return false;
    size_t column = expr->args.count;
    for (size_t i = 0; i < expr->args.count; i++) {
        if (names_partition(relation, expr->args.items[i]) && (i == 0 || comparison)) {
            column = i;
        } else if (!is_constant(relation, expr->args.items[i])) {
            return false;
        }
    }
    return column < expr->args.count;
}

void need_partition_filter(struct emitter *emitter, const struct relation *relation, const struct expr *where)
{
    const struct store_table *table = relation->table;
    if (table == NULL || !table->filter_required || table->partition == NULL) return;
    if (where != NULL && filters_partition(relation, where)) return;
    sql_fail(emitter->sql, "invalidQuery",
             "Cannot query over table '%s.%s.%s' without a filter over column(s) '%s' that can be used for "
             "partition "
             "elimination",
             emitter->project != NULL ? emitter->project : "", table->dataset, table->name, table->partition);
}
