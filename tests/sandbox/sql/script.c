/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts, statement by statement. The mutex is held for one statement at a time, so scripts interleave as
 * BigQuery's jobs do. A mistake leaves the statement by longjmp to guarded(), its only landing. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "sql/script.h"

#define MOST_STEPS 20000 /* statements that one script may run */

static bool guarded(struct work *work, void (*run)(struct work *))
{
    jmp_buf out;
    struct script *script = work->script;
    pthread_mutex_lock(&script->store->mutex);
    script->sql.out = &out;
    script->sql.depth = 0;
    if (setjmp(out) != 0) {
        pthread_mutex_unlock(&work->script->store->mutex);
        return false;
    }
    run(work);
    pthread_mutex_unlock(&work->script->store->mutex);
    return true;
}

_Noreturn void script_fail_again(struct script *script)
{
    longjmp(*script->sql.out, 1); /* the error has been set */
}

struct emitter script_emitter(struct script *script)
{
    return (struct emitter){.sql = &script->sql,
                            .store = script->store,
                            .query = script->query,
                            .now_us = script->transaction_us,
                            .project = script->query->project,
                            .default_dataset = script->query->default_dataset,
                            .variables = &script->variables,
                            .parameters = &script->parameters,
                            .owned = &script->owned,
                            .row_count = script->row_count};
}

/* The tables that a statement named: of all statements once each, and those of each statement. */
void script_note_tables(struct script *script, const struct emitter *emitter)
{
    json_t *scan = json_array();
    for (size_t i = 0; i < emitter->tables.count; i++) {
        const struct store_table *table = emitter->tables.items[i];
        const char *name = sql_format(&script->sql, "%s.%s", table->dataset, table->name);
        bool known = false;
        for (size_t j = 0; j < json_array_size(script->result->tables); j++)
            known = known || strcmp(json_string_value(json_array_get(script->result->tables, j)), name) == 0;
        if (!known) (void)json_array_append_new(script->result->tables, json_string(name)); /* memory only */
        (void)json_array_append_new(scan, json_string(name));
    }
    if (emitter->reads_jobs) (void)json_array_append_new(scan, json_string("INFORMATION_SCHEMA.JOBS"));
    if (json_array_size(scan) > 0) (void)json_array_append(script->result->scans, scan);
    json_decref(scan);
}

/* Prepared and bound; NULL: the error is set. */
sqlite3_stmt *script_prepare(struct script *script, const struct emitter *emitter, const char *sql,
                             const struct transaction *transaction)
{
    sqlite3_stmt *stmt = store_prepare(script->store, script->sql.err, sql);
    if (stmt == NULL) return NULL;
    int64_t snapshot = transaction->number != 0 ? transaction->snapshot : script->store->commits;
    int wanted = sqlite3_bind_parameter_count(stmt);
    if (wanted >= 1) (void)sqlite3_bind_int64(stmt, 1, snapshot);             /* the index is right */
    if (wanted >= 2) (void)sqlite3_bind_int64(stmt, 2, -transaction->number); /* the same */
    for (size_t i = 0; i < emitter->bindings.count && (int)i + 3 <= wanted; i++) {
        const struct variable *variable = emitter->bindings.items[i];
        value_bind(stmt, (int)i + 3, variable->type, variable->value);
    }
    return stmt;
}

/* Sets the error of a step that gave neither a row nor the end. */
bool script_step_failed(struct script *script)
{
    return store_fail(script->sql.err, "invalidQuery", "%s", sqlite3_errmsg(script->store->db));
}

/* --- expressions --- */

static json_t *evaluate_sql(struct script *script, const struct emitter *emitter, struct value value)
{
    const char *sql = sql_format(&script->sql, "SELECT %s", value.sql);
    sqlite3_stmt *stmt = script_prepare(script, emitter, sql, &script->transaction);
    if (stmt == NULL) return NULL;
    json_t *made = NULL;
    if (sqlite3_step(stmt) == SQLITE_ROW) {
        made = value_of_column(stmt, 0, value.type);
    } else {
        script_step_failed(script);
    }
    sqlite3_finalize(stmt);
    return made;
}

/* The value, coerced to the type unless that is NULL; yours. out_type: what it has become. */
static json_t *evaluate(struct script *script, const struct expr *expr, const struct type *type,
                        const struct type **out_type)
{
    struct emitter emitter = script_emitter(script);
    struct value value = emit_expr(&emitter, expr);
    script_note_tables(script, &emitter);
    if (type != NULL) {
        struct value made = coerce(&emitter, value, type);
        if (made.sql == NULL) {
            sql_fail_at(&script->sql, expr->at, "Cannot coerce expression of type %s to type %s",
                        type_name(&script->sql.arena, value.type), type_name(&script->sql.arena, type));
        }
        value = made;
    }
    json_t *made = evaluate_sql(script, &emitter, value);
    if (made == NULL) script_fail_again(script);
    *out_type = value.type->kind == TYPE_NULL ? type_of(TYPE_INT64) : value.type;
    return made;
}

static void run_condition(struct work *work)
{
    const struct type *type = NULL;
    json_t *value = evaluate(work->script, work->expr, type_of(TYPE_BOOL), &type);
    work->truth = json_is_true(value);
    json_decref(value);
}

/* --- variables --- */

static struct variable *find_variable(struct script *script, const char *name)
{
    for (size_t i = 0; i < script->variables.count; i++) {
        struct variable *variable = script->variables.items[i];
        if (strcasecmp(variable->name, name) == 0) return variable;
    }
    return NULL;
}

static void run_declare(struct work *work)
{
    struct script *script = work->script;
    const struct statement *statement = work->statement;
    for (size_t i = 0; i < statement->names.count; i++) {
        const char *name = statement->names.items[i];
        if (find_variable(script, name) != NULL) {
            sql_fail_at(&script->sql, statement->at, "Variable '%s' redeclaration is not allowed", name);
        }
        struct variable *variable = arena_zero(&script->sql.arena, sizeof *variable);
        variable->name = name;
        variable->type = statement->type;
        if (statement->exprs.count > 0) {
            variable->value = evaluate(script, statement->exprs.items[0], statement->type, &variable->type);
        }
        list_add(&script->sql, &script->variables, variable);
    }
}

static void set_variable(struct script *script, const struct statement *statement, size_t i, json_t *value)
{
    struct variable *variable = find_variable(script, statement->names.items[i]);
    json_decref(variable->value);
    variable->value = value;
}

/* SET (a, b) = struct: field by field. */
static void set_fields(struct script *script, const struct statement *statement, const struct type *type,
                       json_t *value)
{
    struct variable whole = {.name = "", .type = type, .value = value};
    for (size_t i = 0; i < statement->names.count; i++) {
        struct emitter emitter = script_emitter(script);
        list_add(&script->sql, &emitter.bindings, &whole);
        const struct variable *variable = find_variable(script, statement->names.items[i]);
        const struct struct_field *field = &type->fields[i];
        struct value part = value_make(field_of(&emitter, "?3", field), field->type);
        part = coerce(&emitter, part, variable->type);
        json_t *made = NULL;
        if (part.sql != NULL) {
            made = evaluate_sql(script, &emitter, part);
        } else {
            store_fail(
                script->sql.err, "invalidQuery", "Cannot coerce expression of type %s to type %s in SET",
                type_name(&script->sql.arena, field->type), type_name(&script->sql.arena, variable->type));
        }
        if (made == NULL) {
            json_decref(value);
            script_fail_again(script);
        }
        set_variable(script, statement, i, made);
    }
    json_decref(value);
}

static void run_set(struct work *work)
{
    struct script *script = work->script;
    const struct statement *statement = work->statement;
    const struct expr *expr = statement->exprs.items[0];
    const struct type *type = NULL;
    for (size_t i = 0; i < statement->names.count; i++) {
        const char *name = statement->names.items[i];
        if (find_variable(script, name) == NULL)
            sql_fail_at(&script->sql, statement->at, "Undeclared variable: %s", name);
    }
    if (statement->names.count == 1) {
        const struct variable *variable = find_variable(script, statement->names.items[0]);
        set_variable(script, statement, 0, evaluate(script, expr, variable->type, &type));
        return;
    }
    json_t *value = evaluate(script, expr, NULL, &type);
    if (type->kind != TYPE_STRUCT || type->field_count != statement->names.count) {
        json_decref(value);
        sql_fail_at(&script->sql, expr->at,
                    "SET statement has %zu target variables but its value has type %s",
                    statement->names.count, type_name(&script->sql.arena, type));
    }
    set_fields(script, statement, type, value);
}

/* --- control --- */

static void run_raise(struct work *work)
{
    struct script *script = work->script;
    const struct type *type = NULL;
    if (work->statement->exprs.count == 0)
        sql_fail(&script->sql, "invalidQuery", "Cannot re-raise: no error is handled");
    json_t *value = evaluate(script, work->statement->exprs.items[0], type_of(TYPE_STRING), &type);
    const char *message = json_is_string(value) ? json_string_value(value) : "NULL";
    message = arena_text(&script->sql.arena, message, strlen(message));
    json_decref(value);
    sql_fail(&script->sql, "invalidQuery", "%s", message);
}

static void run_transaction(struct work *work)
{
    struct script *script = work->script;
    bool open = script->transaction.number != 0;
    if (script->query->dry_run) return;
    if (work->statement->kind == STATEMENT_BEGIN) {
        if (open) sql_fail(&script->sql, "invalidQuery", "Nested transactions are not supported");
        transaction_begin(script->store, &script->transaction);
        script->transaction_us = script->store->now_us(script->store->now_self);
    } else if (!open) {
        sql_fail(&script->sql, "invalidQuery", "There is no active transaction");
    } else if (work->statement->kind == STATEMENT_ROLLBACK) {
        transaction_rollback(script->store, &script->transaction);
    } else if (!transaction_commit(script->store, &script->transaction, script->sql.err)) {
        script_fail_again(script);
    }
}

static void run_statement(struct work *work)
{
    switch (work->statement->kind) {
    case STATEMENT_SELECT: run_select(work); break;
    case STATEMENT_INSERT:
    case STATEMENT_UPDATE:
    case STATEMENT_DELETE: run_dml(work); break;
    case STATEMENT_CREATE_TABLE: run_create_table(work); break;
    case STATEMENT_CREATE_VIEW: run_create_view(work); break;
    case STATEMENT_DROP: run_drop(work); break;
    case STATEMENT_GRANT: run_grant(work); break;
    case STATEMENT_DECLARE: run_declare(work); break;
    case STATEMENT_SET: run_set(work); break;
    case STATEMENT_RAISE: run_raise(work); break;
    case STATEMENT_BEGIN:
    case STATEMENT_COMMIT:
    case STATEMENT_ROLLBACK: run_transaction(work); break;
    case STATEMENT_IF:
    case STATEMENT_WHILE: break; /* not here */
    }
}

/* All of them return false after a failure. */
static bool run_block(struct script *script, const struct pointer_list *block);

static bool is_dml(const struct statement *statement)
{
    return statement->kind == STATEMENT_INSERT || statement->kind == STATEMENT_UPDATE ||
           statement->kind == STATEMENT_DELETE;
}

/* Tells the job of what has run; scans: how many there were before. Expressions that read no table, and
 * RAISE, are no jobs. */
static void tell_step(struct script *script, const struct statement *statement, size_t scans)
{
    const struct sql_query *query = script->query;
    const struct sql_result *result = script->result;
    bool is_expression = statement_name(statement) == NULL, is_select = statement->kind == STATEMENT_SELECT;
    if (query->after == NULL || !script->is_many) return;
    if (is_expression && json_array_size(result->scans) == scans) return;
    json_t *tables = json_array();
    for (size_t i = scans; i < json_array_size(result->scans); i++)
        (void)json_array_extend(tables, json_array_get(result->scans, i)); /* memory only */
    struct sql_step step = {.text = statement->text,
                            .from = statement->from,
                            .end = statement->end,
                            .statement = is_expression ? "SELECT" : statement_name(statement),
                            .is_expression = is_expression,
                            .tables = tables,
                            .schema = is_select ? result->schema : NULL,
                            .rows = is_select ? result->rows : NULL,
                            .row_bytes = is_select ? result->row_bytes : 0,
                            .affected = is_dml(statement) ? result->affected : -1,
                            .error = script->sql.err};
    query->after(query->self, &step);
    json_decref(tables);
}

static bool is_true(struct script *script, const struct statement *statement, bool *out_truth)
{
    struct work work = {.script = script, .expr = statement->exprs.items[0]};
    size_t scans = json_array_size(script->result->scans);
    bool good = guarded(&work, run_condition);
    *out_truth = work.truth;
    tell_step(script, statement, scans);
    return good;
}

static bool run_if(struct script *script, const struct statement *statement)
{
    bool truth = false;
    if (!is_true(script, statement, &truth)) return false;
    if (truth) return run_block(script, statement->blocks.items[0]);
    return statement->blocks.count == 1 || run_block(script, statement->blocks.items[1]);
}

static bool count_step(struct script *script)
{
    return ++script->steps <= MOST_STEPS ||
           store_fail(script->sql.err, "invalidQuery", "The script runs more than %d statements", MOST_STEPS);
}

static bool run_while(struct script *script, const struct statement *statement)
{
    for (;;) {
        bool truth = true;
        if (!is_true(script, statement, &truth)) return false;
        if (!truth) return true;
        if (!run_block(script, statement->blocks.items[0]) || !count_step(script)) return false;
    }
}

static bool run_one(struct script *script, const struct statement *statement)
{
    struct work work = {.script = script, .statement = statement};
    if (!count_step(script)) return false;
    if (script->query->before != NULL) script->query->before(script->query->self, statement->text);
    if (statement->kind == STATEMENT_IF) return run_if(script, statement);
    if (statement->kind == STATEMENT_WHILE) return run_while(script, statement);
    size_t scans = json_array_size(script->result->scans);
    bool good = guarded(&work, run_statement);
    if (script->transaction.number == 0) script->transaction_us = 0;
    tell_step(script, statement, scans);
    return good;
}

static bool run_block(struct script *script, const struct pointer_list *block)
{
    for (size_t i = 0; i < block->count; i++) {
        const struct statement *statement = block->items[i];
        bool is_late =
            statement->kind == STATEMENT_DECLARE &&
            (block != script->statements ||
             (i > 0 && ((const struct statement *)block->items[i - 1])->kind != STATEMENT_DECLARE));
        if (is_late)
            return store_fail(script->sql.err, "invalidQuery",
                              "Variable declarations are allowed only at the start of a block or script");
        if (!run_one(script, statement)) return false;
    }
    return true;
}

/* --- the job --- */

static void drop_values(struct pointer_list *variables)
{
    for (size_t i = 0; i < variables->count; i++)
        json_decref(((struct variable *)variables->items[i])->value);
    variables->count = 0;
}

struct parsed {
    struct script *script;
    struct pointer_list statements;
};

/* Everything before the first statement runs. False: the error is set. */
static bool parse_all(struct parsed *parsed)
{
    jmp_buf out;
    parsed->script->sql.out = &out;
    if (setjmp(out) != 0) return false;
    parsed->statements = sql_parse(&parsed->script->sql);
    read_parameters(parsed->script);
    return true;
}

static bool is_script(const struct pointer_list *statements)
{
    const struct statement *first = statements->items[0];
    bool is_transaction = first->kind == STATEMENT_BEGIN || first->kind == STATEMENT_COMMIT ||
                          first->kind == STATEMENT_ROLLBACK;
    return statements->count > 1 || statement_name(first) == NULL || is_transaction;
}

static bool run_all(struct script *script, const struct pointer_list *statements)
{
    const struct statement *first = statements->items[0];
    bool many = is_script(statements);
    const char *name = many ? "SCRIPT" : statement_name(first);
    script->is_many = many;
    (void)snprintf(script->result->statement, sizeof script->result->statement, "%s", name);
    if (script->query->dry_run && many) return true;
    script->statements = statements;
    return run_block(script, statements);
}

static bool register_functions(struct store *store, struct store_error *err)
{
    pthread_mutex_lock(&store->mutex);
    bool good = store->has_functions || runtime_register(store->db);
    store->has_functions = good;
    pthread_mutex_unlock(&store->mutex);
    return good || store_fail(err, "internalError", "The functions of SQL can't be registered");
}

bool sql_run(struct store *store, const struct sql_query *query, struct sql_result *out_result,
             struct store_error *err)
{
    *out_result = (struct sql_result){.affected = -1, .tables = json_array(), .scans = json_array()};
    *err = (struct store_error){0};
    struct script script = {.sql = {.text = query->text, .err = err},
                            .store = store,
                            .query = query,
                            .result = out_result,
                            .row_count = -1};
    struct parsed parsed = {.script = &script};
    bool good = register_functions(store, err) && parse_all(&parsed) && run_all(&script, &parsed.statements);
    if (script.transaction.number != 0) {
        pthread_mutex_lock(&store->mutex);
        transaction_rollback(store, &script.transaction);
        pthread_mutex_unlock(&store->mutex);
    }
    drop_values(&script.variables);
    drop_values(&script.parameters);
    drop_values(&script.owned);
    arena_done(&script.sql.arena);
    return good;
}

void sql_result_done(struct sql_result *result)
{
    json_decref(result->schema);
    json_decref(result->rows);
    json_decref(result->tables);
    json_decref(result->scans);
    json_decref(result->ddl_table);
    *result = (struct sql_result){0};
}
