/* Statements on tables: queries, rows, tables and views. */
#include <string.h>
#include <strings.h>

#include "sql_script.h"

/* --- queries --- */

static const char *shown_name(struct script *script, const struct column *column, size_t *anonymous)
{
    if (column->name[0] != '\0') return column->name;
    return sql_format(&script->sql, "f%zu_", (*anonymous)++);
}

static const struct type *result_type(struct script *script, const struct list *columns)
{
    size_t anonymous = 0;
    struct field *fields = arena_zero(&script->sql.arena, (columns->count + 1) * sizeof *fields);
    for (size_t i = 0; i < columns->count; i++) {
        const struct column *column = columns->items[i];
        fields[i].name = shown_name(script, column, &anonymous);
        fields[i].type = column->type;
        for (size_t j = 0; j < i; j++) {
            if (strcasecmp(fields[j].name, fields[i].name) == 0) {
                sql_fail(&script->sql, "invalidQuery",
                         "Duplicate column names in the result are not supported. Found duplicate(s): %s",
                         fields[i].name);
            }
        }
    }
    return type_struct(&script->sql.arena, fields, columns->count);
}

static bool fetch_rows(struct script *script, sqlite3_stmt *stmt, const struct type *row, json_t *rows)
{
    int step = sqlite3_step(stmt);
    for (; step == SQLITE_ROW; step = sqlite3_step(stmt)) {
        json_t *cells = json_array();
        for (size_t i = 0; i < row->field_count; i++) {
            const struct type *type = row->fields[i].type;
            bool null = sqlite3_column_type(stmt, (int)i) == SQLITE_NULL && type->kind != TYPE_ARRAY;
            json_t *stored = null ? NULL : value_of_column(stmt, (int)i, type);
            json_t *shown = null ? json_null() : value_shown(type, stored);
            (void)json_array_append_new(cells, json_pack("{s:o}", "v", shown)); /* memory only */
            json_decref(stored);
        }
        (void)json_array_append_new(rows, json_pack("{s:o}", "f", cells)); /* memory only */
    }
    return step == SQLITE_DONE || script_step_failed(script);
}

void run_select(struct work *work)
{
    struct script *script = work->script;
    struct emitter emitter = script_emitter(script);
    struct output output = emit_query(&emitter, work->statement->query);
    const struct type *row = result_type(script, &output.columns);
    script_note_tables(script, &emitter);
    json_decref(script->result->schema);
    json_decref(script->result->rows);
    script->result->schema = type_schema(row);
    script->result->rows = json_array();
    if (script->query->dry_run) return;
    sqlite3_stmt *stmt = script_prepare(script, &emitter, output.sql, &script->transaction);
    bool good = stmt != NULL && fetch_rows(script, stmt, row, script->result->rows);
    sqlite3_finalize(stmt);
    if (!good) script_fail_again(script);
}

/* --- writing --- */

static bool write_rows(struct script *script, const struct emitter *emitter, const struct write *write,
                       struct transaction *transaction, int64_t *out_rows)
{
    struct store *store = script->store;
    bool good = transaction_touch(store, transaction, write->table, write->update, script->query->project,
                                  script->sql.err) &&
                store_exec(store, script->sql.err, "SAVEPOINT dml");
    if (!good) return false;
    for (size_t i = 0; i < write->count && good; i++) {
        sqlite3_stmt *stmt = script_prepare(script, emitter, write->statements[i], transaction);
        good = stmt != NULL && (sqlite3_step(stmt) == SQLITE_DONE || script_step_failed(script));
        if (good && i == write->counted) *out_rows = sqlite3_changes(store->db);
        sqlite3_finalize(stmt);
    }
    struct store_error ignored; /* the first error is the one to tell */
    if (!good) (void)store_exec(store, &ignored, "ROLLBACK TO dml");
    return store_exec(store, good ? script->sql.err : &ignored, "RELEASE dml") && good;
}

/* In the script's transaction, or in one of its own. */
static void run_write(struct script *script, const struct emitter *emitter, const struct write *write)
{
    int64_t rows = 0;
    struct transaction own = {0};
    bool open = script->transaction.number != 0;
    if (script->query->dry_run) return;
    if (!open) transaction_begin(script->store, &own);
    bool good = write_rows(script, emitter, write, open ? &script->transaction : &own, &rows);
    if (!open && good) {
        good = transaction_commit(script->store, &own, script->sql.err);
    } else if (!open) {
        transaction_rollback(script->store, &own);
    }
    if (!good) script_fail_again(script);
    script->row_count = rows;
    script->result->affected = rows;
}

void run_dml(struct work *work)
{
    struct script *script = work->script;
    struct emitter emitter = script_emitter(script);
    struct write write = {0};
    if (work->statement->kind == STATEMENT_INSERT) {
        write = emit_insert(&emitter, work->statement);
    } else if (work->statement->kind == STATEMENT_UPDATE) {
        write = emit_update(&emitter, work->statement);
    } else {
        write = emit_delete(&emitter, work->statement);
    }
    script_note_tables(script, &emitter);
    run_write(script, &emitter, &write);
}

/* --- tables and views --- */

static void split_target(struct script *script, const struct statement *statement, const char **out_dataset,
                         const char **out_name)
{
    const struct list *path = &statement->target;
    *out_name = path->items[path->count - 1];
    *out_dataset = path->count > 1 ? path->items[path->count - 2] : script->query->default_dataset;
    if (*out_dataset == NULL) {
        sql_fail_at(&script->sql, statement->at,
                    "Table \"%s\" must be qualified with a dataset (e.g. dataset.table)", *out_name);
    }
    if (script->transaction.number != 0) {
        sql_fail_at(&script->sql, statement->at, "DDL statements are not supported inside of a transaction");
    }
    if (!catalog_has_dataset(script->store, *out_dataset)) {
        sql_fail(&script->sql, "notFound", "Not found: Dataset %s:%s was not found in location US",
                 script->query->project, *out_dataset);
    }
}

static json_t *new_resource(struct script *script, const char *dataset, const char *name,
                            const struct type *row)
{
    const char *project = script->query->project != NULL ? script->query->project : "";
    return json_pack("{s:{s:s, s:s, s:s}, s:o}", "tableReference", "projectId", project, "datasetId", dataset,
                     "tableId", name, "schema", type_schema(row));
}

static void set_options(struct script *script, const struct statement *statement, json_t *resource)
{
    for (size_t i = 0; i < statement->options.count; i++) {
        const char *name = statement->option_names.items[i];
        const struct expr *value = statement->options.items[i];
        if (strcasecmp(name, "require_partition_filter") == 0 && value->kind == EXPR_BOOL) {
            (void)json_object_set_new(resource, "requirePartitionFilter",
                                      json_boolean(value->name[0] == '1'));
        } else if (strcasecmp(name, "description") == 0 && value->kind == EXPR_STRING) {
            (void)json_object_set_new(resource, "description", json_string(value->name));
        } else {
            json_decref(resource);
            sql_fail_at(&script->sql, value->at, "Option %s is not supported", name);
        }
    }
    if (statement->partition == NULL) return;
    (void)json_object_set_new(resource, "timePartitioning",
                              json_pack("{s:s, s:s}", "type", "DAY", "field", statement->partition));
}

/* False: it is there, and that is fine (IF NOT EXISTS). */
static bool make_room(struct script *script, const struct statement *statement, const char *dataset,
                      const char *name)
{
    const struct store_table *there = catalog_find(script->store, dataset, name);
    if (there == NULL) return true;
    if (statement->if_exists) return false;
    bool view = statement->kind == STATEMENT_CREATE_VIEW;
    if (!statement->or_replace) {
        sql_fail(&script->sql, "duplicate", "Already Exists: Table %s:%s.%s", script->query->project, dataset,
                 name);
    }
    if ((there->view != NULL) != view) {
        sql_fail(&script->sql, "invalid", "%s:%s.%s is not a %s", script->query->project, dataset, name,
                 view ? "view" : "table");
    }
    if (!script->query->dry_run) (void)catalog_drop(script->store, dataset, name); /* it is there */
    return true;
}

static const struct type *declared_type(struct script *script, const struct statement *statement)
{
    size_t count = statement->fields.count;
    struct field *fields = arena_zero(&script->sql.arena, (count + 1) * sizeof *fields);
    for (size_t i = 0; i < count; i++)
        fields[i] = *(struct field *)statement->fields.items[i];
    return type_struct(&script->sql.arena, fields, count);
}

/* The rows are read before the table that they may come from is replaced. */
void run_create_table(struct work *work)
{
    struct script *script = work->script;
    const struct statement *statement = work->statement;
    const char *dataset = NULL, *name = NULL;
    struct emitter emitter = script_emitter(script);
    struct output output = {0};
    split_target(script, statement, &dataset, &name);
    if (statement->query != NULL) output = emit_query(&emitter, statement->query);
    const struct type *row = declared_type(script, statement);
    if (row->field_count == 0) row = result_type(script, &output.columns);
    script_note_tables(script, &emitter);
    struct store_table *there = catalog_find(script->store, dataset, name);
    for (size_t i = 0; i < emitter.tables.count; i++) {
        if (there != NULL && emitter.tables.items[i] == there) {
            sql_fail_at(&script->sql, statement->at,
                        "Replacing a table by a query of itself is not supported");
        }
    }
    if (!make_room(script, statement, dataset, name) || script->query->dry_run) return;
    json_t *resource = new_resource(script, dataset, name, row);
    set_options(script, statement, resource);
    bool good = catalog_put(script->store, dataset, name, resource, script->sql.err);
    json_decref(resource);
    if (!good) script_fail_again(script);
    if (statement->query == NULL) return;
    struct write write = emit_write_of(&emitter, catalog_find(script->store, dataset, name), &output);
    run_write(script, &emitter, &write);
}

void run_create_view(struct work *work)
{
    struct script *script = work->script;
    const struct statement *statement = work->statement;
    const char *dataset = NULL, *name = NULL;
    struct emitter emitter = script_emitter(script);
    split_target(script, statement, &dataset, &name);
    struct output output = emit_query(&emitter, statement->query);
    const struct type *row = result_type(script, &output.columns);
    script_note_tables(script, &emitter);
    if (!make_room(script, statement, dataset, name) || script->query->dry_run) return;
    json_t *resource = new_resource(script, dataset, name, row);
    (void)json_object_set_new(resource, "view",
                              json_pack("{s:s, s:b}", "query", statement->query_text, "useLegacySql", 0));
    bool good = catalog_put(script->store, dataset, name, resource, script->sql.err);
    json_decref(resource);
    if (!good) script_fail_again(script);
}

void run_drop(struct work *work)
{
    struct script *script = work->script;
    const char *dataset = NULL, *name = NULL;
    split_target(script, work->statement, &dataset, &name);
    const struct store_table *there = catalog_find(script->store, dataset, name);
    if (there == NULL && work->statement->if_exists) return;
    if (there == NULL || (there->view != NULL) != work->statement->is_view) {
        sql_fail(&script->sql, "notFound", "Not found: %s %s:%s.%s",
                 work->statement->is_view ? "View" : "Table", script->query->project, dataset, name);
    }
    if (!script->query->dry_run) (void)catalog_drop(script->store, dataset, name); /* it is there */
}
