/* SPDX-License-Identifier: Apache-2.0 */
/* Statements on rows: queries, INSERT, UPDATE, DELETE. */
#include <string.h>
#include <strings.h>

#include "sql/script.h"

/* --- queries --- */

static const char *shown_name(struct script *script, const struct sql_column *column, size_t *anonymous)
{
    if (column->name[0] != '\0') return column->name;
    return sql_format(&script->sql, "f%zu_", (*anonymous)++);
}

const struct type *script_row_type(struct script *script, const struct pointer_list *columns)
{
    size_t anonymous = 0;
    struct struct_field *fields = arena_zero(&script->sql.arena, (columns->count + 1) * sizeof *fields);
    for (size_t i = 0; i < columns->count; i++) {
        const struct sql_column *column = columns->items[i];
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

#define ROW_BYTES  150 /* of memory, besides the cells */
#define CELL_BYTES 400 /* besides the text: objects are large */

static bool rows_fit(struct script *script, int64_t bytes)
{
    int64_t most = script->query->most_bytes;
    script->result->row_bytes += bytes;
    return most == 0 || script->result->row_bytes <= most ||
           store_fail(script->sql.err, "responseTooLarge",
                      "Response too large to return: the sandbox keeps at most %lld MiB of a result",
                      (long long)most / (1024 * 1024));
}

static bool fetch_rows(struct script *script, sqlite3_stmt *stmt, const struct type *row, json_t *rows)
{
    int step = sqlite3_step(stmt);
    for (; step == SQLITE_ROW; step = sqlite3_step(stmt)) {
        json_t *cells = json_array();
        int64_t bytes = ROW_BYTES;
        for (size_t i = 0; i < row->field_count; i++) {
            const struct type *type = row->fields[i].type;
            bool null = sqlite3_column_type(stmt, (int)i) == SQLITE_NULL && type->kind != TYPE_ARRAY;
            json_t *stored = null ? NULL : value_of_column(stmt, (int)i, type);
            json_t *shown = null ? json_null() : value_shown(type, stored);
            (void)json_array_append_new(cells, json_pack("{s:o}", "v", shown)); /* memory only */
            bytes += CELL_BYTES + sqlite3_column_bytes(stmt, (int)i);
            json_decref(stored);
        }
        (void)json_array_append_new(rows, json_pack("{s:o}", "f", cells)); /* memory only */
        if (!rows_fit(script, bytes)) return false;
    }
    return step == SQLITE_DONE || script_step_failed(script);
}

void run_select(struct work *work)
{
    struct script *script = work->script;
    struct emitter emitter = script_emitter(script);
    struct output output = emit_query(&emitter, work->statement->query);
    const struct type *row = script_row_type(script, &output.columns);
    script_note_tables(script, &emitter);
    json_decref(script->result->schema);
    json_decref(script->result->rows);
    script->result->schema = type_schema(row);
    script->result->rows = json_array();
    script->result->row_bytes = 0;
    if (script->query->dry_run) return;
    sqlite3_stmt *stmt = script_prepare(script, &emitter, output.sql, &script->transaction);
    bool good = stmt != NULL && fetch_rows(script, stmt, row, script->result->rows);
    sqlite3_finalize(stmt);
    if (!good) script_fail_again(script);
}

/* --- writing --- */

/* One number; -1: the error is set. */
static int64_t count_of(struct store *store, struct store_error *err, const char *sql)
{
    int64_t count = -1;
    sqlite3_stmt *stmt = store_prepare(store, err, sql);
    if (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW) count = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return count;
}

/* The newest row there is; a statement's rows come after it. */
static int64_t last_row(struct script *script, const struct store_table *table)
{
    return count_of(script->store, script->sql.err,
                    sql_format(&script->sql, "SELECT ifnull(max(rowid), 0) FROM \"rows:%s.%s\"",
                               table->dataset, table->name));
}

/* A job writes into so many days and no more. */
static bool few_partitions(struct script *script, const struct store_table *table, int64_t before)
{
    if (table->partition == NULL) return true;
    int64_t count = count_of(
        script->store, script->sql.err,
        sql_format(
            &script->sql,
            "SELECT count(DISTINCT ifnull(substr(\"%s\", 1, 10), '')) FROM \"rows:%s.%s\" WHERE rowid > %lld",
            table->partition, table->dataset, table->name, (long long)before));
    return count >= 0 && store_partitions_fit(count, script->sql.err);
}

static bool write_rows(struct script *script, const struct emitter *emitter, const struct write *write,
                       struct transaction *transaction, int64_t *out_rows)
{
    struct store *store = script->store;
    bool good = transaction_touch(store, transaction, write->table, write->update, script->query->project,
                                  script->sql.err) &&
                store_exec(store, script->sql.err, "SAVEPOINT dml");
    if (!good) return false;
    int64_t before = last_row(script, write->table);
    for (size_t i = 0; i < write->count && good; i++) {
        sqlite3_stmt *stmt = script_prepare(script, emitter, write->statements[i], transaction);
        good = stmt != NULL && (sqlite3_step(stmt) == SQLITE_DONE || script_step_failed(script));
        if (good && i == write->counted) *out_rows = sqlite3_changes(store->db);
        sqlite3_finalize(stmt);
    }
    good = good && few_partitions(script, write->table, before);
    struct store_error ignored; /* the first error is the one to tell */
    if (!good) (void)store_exec(store, &ignored, "ROLLBACK TO dml");
    return store_exec(store, good ? script->sql.err : &ignored, "RELEASE dml") && good;
}

bool script_write(struct script *script, const struct emitter *emitter, const struct write *write)
{
    int64_t rows = 0;
    struct transaction own = {0};
    bool open = script->transaction.number != 0;
    if (!open) transaction_begin(script->store, &own);
    bool good = write_rows(script, emitter, write, open ? &script->transaction : &own, &rows);
    if (!open && good) {
        good = transaction_commit(script->store, &own, script->sql.err);
    } else if (!open) {
        transaction_rollback(script->store, &own);
    }
    if (!good) return false;
    script->row_count = rows;
    script->result->affected = rows;
    return true;
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
    if (script->query->dry_run) return;
    if (!script_write(script, &emitter, &write)) script_fail_again(script);
}
