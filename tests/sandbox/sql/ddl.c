/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and views by statement: CREATE, DROP. A statement does all of it or nothing. */
#include <string.h>
#include <strings.h>

#include "sql/script.h"

#define MOST_CLUSTERED 4

/* The table or view that a statement makes or drops, and the one that is there now. */
struct target {
    const char *project, *dataset, *name;
    struct store_table *there; /* NULL: nothing */
};

static struct target target_of(struct script *script, const struct statement *statement)
{
    const struct pointer_list *path = &statement->target;
    const char *project = script->query->project != NULL ? script->query->project : "";
    struct target target = {.project = path->count > 2 ? path->items[0] : project,
                            .dataset = path->count > 1 ? path->items[path->count - 2]
                                                       : script->query->default_dataset,
                            .name = path->items[path->count - 1]};
    if (target.dataset == NULL) {
        sql_fail_at(&script->sql, statement->at,
                    "Table \"%s\" must be qualified with a dataset (e.g. dataset.table)", target.name);
    }
    if (script->transaction.number != 0) {
        sql_fail_at(&script->sql, statement->at, "DDL statements are not supported inside of a transaction");
    }
    if (strcmp(target.project, project) != 0 || !catalog_has_dataset(script->store, target.dataset)) {
        sql_fail(&script->sql, "notFound", "Not found: Dataset %s:%s was not found in location US",
                 target.project, target.dataset);
    }
    target.there = catalog_find(script->store, target.dataset, target.name);
    return target;
}

/* A running transaction that updates the table holds it. */
static void need_unclaimed(struct script *script, const struct target *target)
{
    if (target->there == NULL || target->there->claimed_by == 0) return;
    sql_fail(&script->sql, "invalidQuery",
             "Transaction is aborted due to concurrent update against table %s:%s.%s.", target->project,
             target->dataset, target->name);
}

static void note(struct script *script, const struct target *target, const char *ddl)
{
    json_decref(script->result->ddl_table);
    script->result->ddl = ddl;
    script->result->ddl_table = json_sprintf("%s.%s", target->dataset, target->name);
}

static void need_kind(struct script *script, const struct target *target, bool view)
{
    if ((target->there->view != NULL) == view) return;
    sql_fail(&script->sql, "invalidQuery",
             "%s:%s.%s is not allowed for this operation because it is currently a %s.", target->project,
             target->dataset, target->name, view ? "TABLE" : "VIEW");
}

/* False: it is there, and that is fine (IF NOT EXISTS). */
static bool may_make(struct script *script, const struct statement *statement, const struct target *target)
{
    bool view = statement->kind == STATEMENT_CREATE_VIEW;
    bool skip = target->there != NULL && statement->if_exists;
    note(script, target, skip ? "SKIP" : target->there != NULL ? "REPLACE" : "CREATE");
    if (skip || target->there == NULL) return !skip;
    if (!statement->or_replace) {
        sql_fail(&script->sql, "duplicate", "Already Exists: Table %s:%s.%s", target->project,
                 target->dataset, target->name);
    }
    need_kind(script, target, view);
    need_unclaimed(script, target);
    return true;
}

/* --- options --- */

/* [("key", "value"), ...]; false: it is something else. */
static bool set_labels(json_t *resource, const struct expr *pairs)
{
    json_t *labels = json_object();
    (void)json_object_set_new(resource, "labels", labels); /* memory only, as below */
    if (pairs->kind != EXPR_ARRAY) return false;
    for (size_t i = 0; i < pairs->args.count; i++) {
        const struct expr *pair = pairs->args.items[i];
        if (pair->kind != EXPR_STRUCT || pair->args.count != 2) return false;
        const struct expr *key = pair->args.items[0], *value = pair->args.items[1];
        if (key->kind != EXPR_STRING || value->kind != EXPR_STRING) return false;
        (void)json_object_set_new(labels, key->name, json_string(value->name));
    }
    return true;
}

static bool set_option(json_t *resource, const struct option *option, bool view)
{
    const struct expr *value = option->value;
    if (strcasecmp(option->name, "description") == 0 && value->kind == EXPR_STRING) {
        return json_object_set_new(resource, "description", json_string(value->name)) == 0;
    }
    if (strcasecmp(option->name, "friendly_name") == 0 && value->kind == EXPR_STRING) {
        return json_object_set_new(resource, "friendlyName", json_string(value->name)) == 0;
    }
    if (strcasecmp(option->name, "require_partition_filter") == 0 && value->kind == EXPR_BOOL && !view) {
        return json_object_set_new(resource, "requirePartitionFilter", json_boolean(value->name[0] == '1')) ==
               0;
    }
    return strcasecmp(option->name, "labels") == 0 && set_labels(resource, value);
}

static void set_options(struct script *script, const struct statement *statement, json_t *resource)
{
    for (size_t i = 0; i < statement->options.count; i++) {
        const struct option *option = statement->options.items[i];
        if (set_option(resource, option, statement->is_view)) continue;
        json_decref(resource);
        sql_fail_at(&script->sql, option->value->at,
                    "Option %s is not supported, or has a value of another kind", option->name);
    }
}

/* --- columns --- */

/* The columns of the query, each with a name, and with those of the statement's list if it has one. */
static const struct type *query_columns(struct script *script, const struct statement *statement,
                                        struct pointer_list *columns)
{
    const char *what = statement->is_view ? "CREATE VIEW" : "CREATE TABLE";
    size_t listed = statement->fields.count;
    if (listed > 0 && listed != columns->count) {
        sql_fail_at(&script->sql, statement->at,
                    "The number of columns in the column definition list does not match the number of "
                    "columns produced by the query");
    }
    for (size_t i = 0; i < columns->count; i++) {
        struct sql_column *column = columns->items[i];
        const char *name =
            listed > 0 ? ((struct struct_field *)statement->fields.items[i])->name : column->name;
        if (strcasecmp(name, column->name) != 0) {
            sql_fail_at(&script->sql, statement->at, "A list that renames a view's columns is not supported");
        }
        if (column->name[0] != '\0') continue;
        sql_fail_at(&script->sql, statement->query->at,
                    "%s columns must be named, but column %zu has no name", what, i + 1);
    }
    return script_row_type(script, columns);
}

static const struct type *declared_columns(struct script *script, const struct statement *statement)
{
    size_t count = statement->fields.count;
    struct struct_field *fields = arena_zero(&script->sql.arena, (count + 1) * sizeof *fields);
    for (size_t i = 0; i < count; i++)
        fields[i] = *(struct struct_field *)statement->fields.items[i];
    return type_struct(&script->sql.arena, fields, count);
}

static void set_notes(const struct statement *statement, json_t *fields)
{
    for (size_t i = 0; i < statement->field_notes.count; i++) {
        const char *note = statement->field_notes.items[i];
        json_t *field = json_array_get(fields, i);
        if (note[0] != '\0')
            (void)json_object_set_new(field, "description", json_string(note)); /* memory only */
    }
}

static json_t *new_resource(struct script *script, const struct statement *statement,
                            const struct target *target, const struct type *row)
{
    json_t *schema = type_schema(row);
    set_notes(statement, json_object_get(schema, "fields"));
    json_t *resource = json_pack("{s:{s:s, s:s, s:s}, s:o}", "tableReference", "projectId", target->project,
                                 "datasetId", target->dataset, "tableId", target->name, "schema", schema);
    set_options(script, statement, resource);
    struct store *store = script->store;
    if (store->now_us != NULL) store_stamp(resource, store->now_us(store->now_self));
    return resource;
}

/* --- CREATE TABLE --- */

static void need_layout(struct script *script, const struct statement *statement, const struct type *row)
{
    struct sql *sql = &script->sql;
    if (statement->partition != NULL) {
        const struct struct_field *field = type_field(row, statement->partition);
        if (field == NULL) sql_fail_at(sql, statement->at, "Unrecognized name: %s", statement->partition);
        if (field->type->kind != statement->partitioned) {
            sql_fail_at(sql, statement->at,
                        "PARTITION BY expression must be <date_column>, DATE(<timestamp_column>) or "
                        "TIMESTAMP_TRUNC(<timestamp_column>, DAY); column %s has type %s",
                        field->name, type_name(&sql->arena, field->type));
        }
    }
    if (statement->cluster.count > MOST_CLUSTERED) {
        sql_fail_at(sql, statement->at, "CLUSTER BY takes at most %d columns", MOST_CLUSTERED);
    }
    for (size_t i = 0; i < statement->cluster.count; i++) {
        const char *name = statement->cluster.items[i];
        const struct struct_field *field = type_field(row, name);
        if (field == NULL) sql_fail_at(sql, statement->at, "Unrecognized name: %s", name);
        need_groupable(&(struct emitter){.sql = sql}, field->type, statement->at, "CLUSTER BY");
    }
}

static void set_layout(const struct statement *statement, json_t *resource)
{
    if (statement->partition != NULL) {
        (void)json_object_set_new(resource, "timePartitioning",
                                  json_pack("{s:s, s:s}", "type", "DAY", "field", statement->partition));
    }
    if (statement->cluster.count == 0) return;
    json_t *fields = json_array();
    for (size_t i = 0; i < statement->cluster.count; i++)
        (void)json_array_append_new(fields, json_string(statement->cluster.items[i])); /* memory only */
    (void)json_object_set_new(resource, "clustering", json_pack("{s:o}", "fields", fields));
}

/* interval(type:day,field:day) clustering(a,b), or none. */
static const char *layout_of(struct sql *sql, const json_t *resource)
{
    const json_t *parts = json_object_get(resource, "timePartitioning");
    const json_t *names = json_object_get(json_object_get(resource, "clustering"), "fields");
    const char *text = "", *list = "";
    if (parts != NULL) {
        const char *field = json_string_value(json_object_get(parts, "field"));
        text = sql_format(sql, "interval(type:day,field:%s)", field != NULL ? field : "");
    }
    for (size_t i = 0; i < json_array_size(names); i++)
        list = sql_format(sql, "%s%s%s", list, i > 0 ? "," : "", json_string_value(json_array_get(names, i)));
    if (*list != '\0') text = sql_format(sql, "%s%sclustering(%s)", text, *text != '\0' ? " " : "", list);
    return *text != '\0' ? text : "none";
}

/* A table can't be replaced by one that is laid out otherwise. */
static bool same_layout(struct script *script, const struct target *target, const json_t *resource)
{
    const char *shall = layout_of(&script->sql, resource);
    const char *was = target->there != NULL ? layout_of(&script->sql, target->there->resource) : shall;
    if (strcasecmp(was, shall) == 0) return true;
    return store_fail(
        script->sql.err, "invalidQuery",
        "Cannot replace a table with a different partitioning spec. Instead, DROP the table, and then "
        "recreate it. New partitioning spec is %s and existing spec is %s",
        shall, was);
}

/* The new table is made and filled under a name that no query can say, and takes its place when it is whole:
 * the query may read the table that it replaces, and if it fails nothing has happened. */
static bool make_table(struct script *script, const struct emitter *emitter, struct write *write,
                       const struct target *target, json_t *resource)
{
    struct store *store = script->store;
    const char *hidden = write->table->name;
    bool good = catalog_put(store, target->dataset, hidden, resource, script->sql.err);
    if (good && write->count > 0) {
        write->table = catalog_find(store, target->dataset, hidden);
        good = script_write(script, emitter, write);
        script->result->affected = -1; /* rows that were made, not changed */
    }
    good = good && catalog_replace(store, target->dataset, hidden, target->name, script->sql.err);
    if (!good) (void)catalog_drop(store, target->dataset, hidden); /* it may not be there */
    return good;
}

void run_create_table(struct work *work)
{
    char problem[160];
    struct script *script = work->script;
    const struct statement *statement = work->statement;
    struct target target = target_of(script, statement);
    struct emitter emitter = script_emitter(script);
    struct output output = {0};
    if (statement->query != NULL) output = emit_query(&emitter, statement->query);
    const struct type *row = statement->fields.count > 0 ? declared_columns(script, statement)
                                                         : query_columns(script, statement, &output.columns);
    script_note_tables(script, &emitter);
    need_layout(script, statement, row);
    if (!may_make(script, statement, &target) || script->query->dry_run) return;
    json_t *resource = new_resource(script, statement, &target, row);
    set_layout(statement, resource);
    const struct type *stored =
        type_of_schema(&script->sql.arena, json_object_get(resource, "schema"), problem);
    struct store_table *draft = arena_zero(&script->sql.arena, sizeof *draft);
    draft->dataset = arena_text(&script->sql.arena, target.dataset, strlen(target.dataset));
    draft->name = arena_format(&script->sql.arena, "%s:new", target.name);
    draft->row = stored != NULL ? stored : row; /* what can't be stored is refused below */
    struct write write = {.table = draft};
    if (statement->query != NULL) write = emit_write_of(&emitter, draft, &output);
    bool good =
        same_layout(script, &target, resource) && make_table(script, &emitter, &write, &target, resource);
    json_decref(resource);
    if (!good) script_fail_again(script);
}

/* --- the others --- */

void run_create_view(struct work *work)
{
    struct script *script = work->script;
    const struct statement *statement = work->statement;
    struct target target = target_of(script, statement);
    struct emitter emitter = script_emitter(script);
    struct output output = emit_query(&emitter, statement->query);
    const struct type *row = query_columns(script, statement, &output.columns);
    script_note_tables(script, &emitter);
    for (size_t i = 0; i < emitter.tables.count; i++) {
        if (emitter.tables.items[i] != target.there || target.there == NULL) continue;
        sql_fail_at(&script->sql, statement->at, "View %s:%s.%s can't refer to itself", target.project,
                    target.dataset, target.name);
    }
    if (!may_make(script, statement, &target) || script->query->dry_run) return;
    json_t *resource = new_resource(script, statement, &target, row);
    (void)json_object_set_new(resource, "view",
                              json_pack("{s:s, s:b}", "query", statement->query_text, "useLegacySql", 0));
    bool good = catalog_put(script->store, target.dataset, target.name, resource, script->sql.err);
    json_decref(resource);
    if (!good) script_fail_again(script);
}

void run_drop(struct work *work)
{
    struct script *script = work->script;
    const struct statement *statement = work->statement;
    struct target target = target_of(script, statement);
    note(script, &target, target.there != NULL ? "DROP" : "SKIP");
    if (target.there == NULL && statement->if_exists) return;
    if (target.there == NULL) {
        sql_fail(&script->sql, "notFound", "Not found: %s %s:%s.%s", statement->is_view ? "View" : "Table",
                 target.project, target.dataset, target.name);
    }
    need_kind(script, &target, statement->is_view);
    need_unclaimed(script, &target);
    if (!script->query->dry_run)
        (void)catalog_drop(script->store, target.dataset, target.name); /* it is there */
}
