/* SPDX-License-Identifier: Apache-2.0 */
/* FROM: tables, views, subqueries, arrays, joins. */
#include <string.h>
#include <strings.h>

#include "sql/emit.h"

#define VIEW_DEPTH 16

static const char *new_alias(struct emitter *emitter)
{
    return sql_format(emitter->sql, "t%d", ++emitter->names);
}

static void add_column(struct emitter *emitter, struct pointer_list *columns, const char *name,
                       const char *sql, const struct type *type)
{
    struct sql_column *column = arena_zero(&emitter->sql->arena, sizeof *column);
    column->name = name;
    column->sql = sql;
    column->type = type;
    list_add(emitter->sql, columns, column);
}

static struct relation *add_relation(struct emitter *emitter, const char *alias, size_t at)
{
    struct relation *relation = arena_zero(&emitter->sql->arena, sizeof *relation);
    relation->alias = alias != NULL ? alias : "";
    for (size_t i = 0; i < emitter->scope->relations.count && *relation->alias != '\0'; i++) {
        const struct relation *other = emitter->scope->relations.items[i];
        if (strcasecmp(other->alias, relation->alias) == 0) {
            sql_fail_at(emitter->sql, at, "Duplicate table alias %s in the same FROM clause", alias);
        }
    }
    list_add(emitter->sql, &emitter->scope->relations, relation);
    return relation;
}

/* The columns of a query or WITH, under alias t. */
static void add_outputs(struct emitter *emitter, struct relation *relation,
                        const struct pointer_list *columns, const char *t)
{
    for (size_t i = 0; i < columns->count; i++) {
        const struct sql_column *column = columns->items[i];
        add_column(emitter, &relation->columns, column->name, sql_format(emitter->sql, "%s.c%zu", t, i + 1),
                   column->type);
    }
}

struct relation *relation_of_table(struct emitter *emitter, struct store_table *table, const char *sql,
                                   const char *alias)
{
    struct relation *relation = add_relation(emitter, alias, 0);
    relation->table = table;
    for (size_t i = 0; i < table->row->field_count; i++) {
        const struct struct_field *field = &table->row->fields[i];
        bool array = field->type->kind == TYPE_ARRAY; /* a stored array is never NULL */
        add_column(emitter, &relation->columns, field->name,
                   sql_format(emitter->sql, array ? "ifnull(%s.%s, '[]')" : "%s.%s", sql,
                              quote_name(emitter, field->name)),
                   field->type);
    }
    return relation;
}

static const char *stored_columns(struct emitter *emitter, const struct store_table *table)
{
    const char *text = "";
    for (size_t i = 0; i < table->row->field_count; i++)
        text = sql_format(emitter->sql, "%s%s%s", text, i > 0 ? ", " : "",
                          quote_name(emitter, table->row->fields[i].name));
    return text;
}

/* A view's text is a world of its own: its names, positions and WITHs are not ours. */
static struct output emit_view(struct emitter *emitter, const struct store_table *view, size_t at)
{
    if (++emitter->views > VIEW_DEPTH) sql_fail_at(emitter->sql, at, "Views are nested too deeply");
    struct scope *scope = emitter->scope;
    struct with *with = emitter->with;
    struct pointer_list *variables = emitter->variables, *parameters = emitter->parameters;
    const char *text = emitter->sql->text;
    emitter->scope = NULL;
    emitter->with = NULL;
    emitter->variables = NULL;
    emitter->parameters = NULL;
    emitter->sql->text = arena_text(&emitter->sql->arena, view->view, strlen(view->view));
    struct pointer_list statements = sql_parse(emitter->sql);
    const struct statement *statement = statements.items[0];
    if (statements.count != 1 || statement->kind != STATEMENT_SELECT) {
        sql_fail_at(emitter->sql, 0, "The text of view %s.%s is not a query", view->dataset, view->name);
    }
    struct output output = emit_query(emitter, statement->query);
    emitter->sql->text = text;
    emitter->scope = scope;
    emitter->with = with;
    emitter->variables = variables;
    emitter->parameters = parameters;
    emitter->views--;
    return output;
}

static const struct with *find_with(const struct emitter *emitter, const char *name)
{
    for (const struct with *with = emitter->with; with != NULL; with = with->parent) {
        if (strcasecmp(with->name, name) == 0) return with;
    }
    return NULL;
}

static const char *emit_array_source(struct emitter *emitter, const struct source_item *item,
                                     struct value array)
{
    struct sql *sql = emitter->sql;
    const char *t = new_alias(emitter);
    if (array.type->kind != TYPE_ARRAY) {
        sql_fail_at(sql, item->at,
                    "Values referenced in UNNEST must be arrays. UNNEST contains expression of type %s",
                    type_name(&sql->arena, array.type));
    }
    struct relation *relation = add_relation(emitter, item->alias, item->at);
    struct value element = element_of(emitter, t, array.type->element);
    relation->value = element.type;
    relation->value_sql = element.sql;
    if (element.type->kind == TYPE_STRUCT) {
        for (size_t i = 0; i < element.type->field_count; i++) {
            const struct struct_field *field = &element.type->fields[i];
            add_column(emitter, &relation->columns, field->name, field_of(emitter, element.sql, field),
                       field->type);
        }
    }
    if (item->offset != NULL) {
        struct relation *offset = add_relation(emitter, item->offset, item->at);
        offset->value = type_of(TYPE_INT64);
        offset->value_sql = sql_format(sql, "%s.key", t);
    }
    return sql_format(sql, "json_each(%s) AS %s", array.sql, t);
}

/* FROM t, t.items: a path that begins with a relation is an array of it. False: it does not. */
static bool emit_path_array(struct emitter *emitter, const struct source_item *item, const char **out_sql)
{
    if (item->path.count < 2) return false;
    struct expr *expr = NULL;
    for (size_t i = 0; i < item->path.count; i++) {
        struct expr *next = arena_zero(&emitter->sql->arena, sizeof *next);
        next->kind = i == 0 ? EXPR_NAME : EXPR_FIELD;
        next->name = item->path.items[i];
        next->at = item->at;
        if (expr != NULL) list_add(emitter->sql, &next->args, expr);
        struct relation *relation = NULL;
        if (i == 0 && !resolve_relation(emitter, next, &relation)) return false;
        expr = next;
    }
    struct source_item named = *item;
    if (named.alias == NULL) named.alias = item->path.items[item->path.count - 1];
    *out_sql = emit_array_source(emitter, &named, emit_expr(emitter, expr));
    return true;
}

/* `region-eu`.INFORMATION_SCHEMA.JOBS, with or without a project. *out_region: "region-eu". */
static bool is_jobs(const struct pointer_list *path, const char **out_region)
{
    static const char *const names[] = {"JOBS", "JOBS_BY_PROJECT", "JOBS_BY_USER"};
    size_t count = path->count;
    if (count < 3 || strcasecmp(path->items[count - 2], "INFORMATION_SCHEMA") != 0) return false;
    *out_region = path->items[count - 3];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(path->items[count - 1], names[i]) == 0)
            return strncasecmp(*out_region, "region-", 7) == 0;
    return false;
}

/* The jobs are bound as one array, and unnested. */
static const char *emit_jobs(struct emitter *emitter, const struct source_item *item, const char *region,
                             const char *alias)
{
    char problem[160];
    struct sql *sql = emitter->sql;
    const struct sql_query *query = emitter->query;
    if (query->jobs == NULL) sql_fail_at(sql, item->at, "The jobs can't be read here");
    json_t *jobs = query->jobs(query->self, region, sql->err);
    if (jobs == NULL) longjmp(*sql->out, 1); /* the error is set */
    struct variable *variable = arena_zero(&sql->arena, sizeof *variable);
    variable->type = type_array(&sql->arena, type_of_schema(&sql->arena, query->jobs_schema, problem));
    variable->value = value_fit(variable->type, jobs, "jobs", sql->err);
    json_decref(jobs);
    if (variable->value == NULL) longjmp(*sql->out, 1); /* the same */
    list_add(sql, emitter->owned, variable);
    list_add(sql, &emitter->bindings, variable);
    emitter->reads_jobs = true;
    struct source_item named = *item;
    named.alias = alias;
    return emit_array_source(
        emitter, &named, value_make(sql_format(sql, "?%zu", emitter->bindings.count + 2), variable->type));
}

static const char *emit_table(struct emitter *emitter, const struct source_item *item)
{
    struct sql *sql = emitter->sql;
    const char *region = NULL;
    const char *name = item->path.items[item->path.count - 1], *array = NULL;
    const char *alias = item->alias != NULL ? item->alias : name;
    const struct with *with = item->path.count == 1 ? find_with(emitter, name) : NULL;
    if (with == NULL && emit_path_array(emitter, item, &array)) return array;
    if (with == NULL && is_jobs(&item->path, &region)) return emit_jobs(emitter, item, region, alias);
    const char *t = new_alias(emitter);
    if (with != NULL) {
        add_outputs(emitter, add_relation(emitter, alias, item->at), &with->columns, t);
        return sql_format(sql, "%s AS %s", with->sql, t);
    }
    struct store_table *table = resolve_table(emitter, &item->path, item->at);
    emitter->scope->stored = true;
    if (table->view != NULL) {
        struct output output = emit_view(emitter, table, item->at);
        add_outputs(emitter, add_relation(emitter, alias, item->at), &output.columns, t);
        return sql_format(sql, "(%s) AS %s", output.sql, t);
    }
    struct relation *relation = relation_of_table(emitter, table, t, NULL);
    relation->alias = alias;
    for (size_t i = 0; i + 1 < emitter->scope->relations.count; i++) {
        const struct relation *other = emitter->scope->relations.items[i];
        if (strcasecmp(other->alias, alias) == 0) {
            sql_fail_at(sql, item->at, "Duplicate table alias %s in the same FROM clause", alias);
        }
    }
    const char *rows = quote_name(emitter, sql_format(sql, "rows:%s.%s", table->dataset, table->name));
    return sql_format(sql, "(SELECT %s FROM %s WHERE %s) AS %s", stored_columns(emitter, table), rows,
                      emit_visible(), t);
}

static const char *emit_join(struct emitter *emitter, const struct source_item *item)
{
    static const char *const words[] = {
        [JOIN_INNER] = "JOIN", [JOIN_LEFT] = "LEFT JOIN", [JOIN_CROSS] = "CROSS JOIN"};
    struct sql *sql = emitter->sql;
    const char *left = emit_from(emitter, item->left);
    size_t middle = emitter->scope->relations.count;
    const char *right = emit_from(emitter, item->right);
    if (item->right->kind == SOURCE_JOIN) right = sql_format(sql, "(%s)", right);
    const char *condition = NULL;
    if (item->on != NULL) {
        const char *forbidden = emitter->scope->forbidden;
        emitter->scope->forbidden = "JOIN ON clause";
        condition = emit_condition(emitter, item->on, "JOIN ON clause");
        emitter->scope->forbidden = forbidden;
    } else if (item->join != JOIN_CROSS) {
        const struct relation *relation = emitter->scope->relations.items[middle];
        if (relation->value == NULL) sql_fail_at(sql, item->right->at, "Syntax error: Expected ON");
        condition = "1";
    }
    if (condition == NULL) return sql_format(sql, "%s CROSS JOIN %s", left, right);
    return sql_format(sql, "%s %s %s ON %s", left, words[item->join], right, condition);
}

const char *emit_from(struct emitter *emitter, const struct source_item *item)
{
    switch (item->kind) {
    case SOURCE_TABLE: return emit_table(emitter, item);
    case SOURCE_JOIN: return emit_join(emitter, item);
    case SOURCE_UNNEST: return emit_array_source(emitter, item, emit_expr(emitter, item->array));
    case SOURCE_QUERY: break;
    }
    /* A subquery in FROM does not see its neighbours, but the queries around it. */
    struct scope *scope = emitter->scope;
    emitter->scope = scope->parent;
    struct output output = emit_query(emitter, item->query);
    emitter->scope = scope;
    const char *t = new_alias(emitter);
    add_outputs(emitter, add_relation(emitter, item->alias, item->at), &output.columns, t);
    return sql_format(emitter->sql, "(%s) AS %s", output.sql, t);
}
