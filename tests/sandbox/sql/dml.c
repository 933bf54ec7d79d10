/* SPDX-License-Identifier: Apache-2.0 */
/* INSERT, UPDATE and DELETE on rows that carry commit numbers: nothing is overwritten before its commit. */
#include <string.h>
#include <strings.h>

#include "sql/emit.h"

/* Rows of one UPDATE, marked while it runs. */
#define MARK "-9223372036854775807"

static const char *rows_name(struct emitter *emitter, const struct store_table *table)
{
    return quote_name(emitter, sql_format(emitter->sql, "rows:%s.%s", table->dataset, table->name));
}

static struct store_table *target_of(struct emitter *emitter, const struct statement *statement)
{
    struct store_table *table = resolve_table(emitter, &statement->target, statement->at);
    if (table->view != NULL) {
        sql_fail_at(emitter->sql, statement->at, "%s over view %s.%s is not allowed",
                    statement_name(statement), table->dataset, table->name);
    }
    return table;
}

/* As an assignment: what does not fit is refused, NULL for REQUIRED fails when it happens. */
static const char *assign(struct emitter *emitter, struct value value, const struct struct_field *field,
                          size_t at)
{
    struct value made = coerce(emitter, value, field->type);
    if (made.sql == NULL) {
        sql_fail_at(emitter->sql, at,
                    "Value has type %s which cannot be inserted into column %s, which has type %s",
                    type_name(&emitter->sql->arena, value.type), field->name,
                    type_name(&emitter->sql->arena, field->type));
    }
    if (!field->required) return made.sql;
    return sql_format(emitter->sql, "bq_required(%s, %s)", made.sql, quote_text(emitter, field->name));
}

static const struct struct_field *column_of(struct emitter *emitter, const struct store_table *table,
                                            const char *name, size_t at)
{
    const struct struct_field *field = type_field(table->row, name);
    if (field == NULL) {
        sql_fail_at(emitter->sql, at, "Column %s is not present in table %s.%s", name, table->dataset,
                    table->name);
    }
    return field;
}

/* The columns that are written, in the order of the values. */
static size_t insert_columns(struct emitter *emitter, const struct statement *statement,
                             const struct store_table *table, const struct struct_field **out_fields)
{
    for (size_t i = 0; i < statement->names.count; i++) {
        out_fields[i] = column_of(emitter, table, statement->names.items[i], statement->at);
        for (size_t j = 0; j < i; j++) {
            if (out_fields[j] == out_fields[i]) {
                sql_fail_at(emitter->sql, statement->at, "INSERT has columns with duplicate name: %s",
                            out_fields[i]->name);
            }
        }
    }
    if (statement->names.count > 0) return statement->names.count;
    for (size_t i = 0; i < table->row->field_count; i++)
        out_fields[i] = &table->row->fields[i];
    return table->row->field_count;
}

static const char *insert_head(struct emitter *emitter, const struct store_table *table,
                               const struct struct_field *const *fields, size_t count)
{
    const char *names = "";
    for (size_t i = 0; i < count; i++)
        names = sql_format(emitter->sql, "%s%s, ", names, quote_name(emitter, fields[i]->name));
    return sql_format(emitter->sql, "INSERT INTO %s (%s\"" COLUMN_FROM "\")", rows_name(emitter, table),
                      names);
}

static void need_required(struct emitter *emitter, const struct store_table *table,
                          const struct struct_field *const *fields, size_t count, size_t at)
{
    for (size_t i = 0; i < table->row->field_count; i++) {
        const struct struct_field *field = &table->row->fields[i];
        bool given = !field->required;
        for (size_t j = 0; j < count && !given; j++)
            given = fields[j] == field;
        if (!given) sql_fail_at(emitter->sql, at, "Required field %s cannot be null", field->name);
    }
}

static void need_count(struct emitter *emitter, size_t values, size_t columns, size_t at)
{
    if (values == columns) return;
    sql_fail_at(emitter->sql, at, "Inserted row has wrong column count; Has %zu, expected %zu", values,
                columns);
}

static const char *insert_values(struct emitter *emitter, const struct statement *statement,
                                 const struct struct_field *const *fields, size_t count)
{
    const char *text = "VALUES ";
    for (size_t r = 0; r < statement->rows.count; r++) {
        const struct expr *row = statement->rows.items[r];
        need_count(emitter, row->args.count, count, row->at);
        text = sql_format(emitter->sql, "%s%s(", text, r > 0 ? ", " : "");
        for (size_t i = 0; i < count; i++) {
            struct value value = emit_expr(emitter, row->args.items[i]);
            text = sql_format(emitter->sql, "%s%s, ", text, assign(emitter, value, fields[i], row->at));
        }
        text = sql_format(emitter->sql, "%s?2)", text);
    }
    return text;
}

static const char *insert_query(struct emitter *emitter, const struct output *output,
                                const struct struct_field *const *fields, size_t count, size_t at)
{
    need_count(emitter, output->columns.count, count, at);
    const char *values = "";
    for (size_t i = 0; i < count; i++) {
        const struct sql_column *column = output->columns.items[i];
        struct value value = {.sql = column->sql, .type = column->type, .literal = column->literal};
        values = sql_format(emitter->sql, "%s%s, ", values, assign(emitter, value, fields[i], at));
    }
    return sql_format(emitter->sql, "SELECT %s?2 FROM (%s)", values, output->sql);
}

struct write emit_insert(struct emitter *emitter, const struct statement *statement)
{
    struct store_table *table = target_of(emitter, statement);
    size_t most = table->row->field_count + statement->names.count + 1;
    const struct struct_field **fields = arena_zero(&emitter->sql->arena, most * sizeof *fields);
    size_t count = insert_columns(emitter, statement, table, fields);
    need_required(emitter, table, fields, count, statement->at);
    const char *rows = NULL;
    if (statement->query != NULL) {
        struct output output = emit_query(emitter, statement->query);
        rows = insert_query(emitter, &output, fields, count, statement->at);
    } else {
        rows = insert_values(emitter, statement, fields, count);
    }
    struct write write = {.table = table, .count = 1};
    write.statements[0] = sql_format(emitter->sql, "%s %s", insert_head(emitter, table, fields, count), rows);
    return write;
}

struct write emit_write_of(struct emitter *emitter, struct store_table *table, const struct output *output)
{
    size_t count = table->row->field_count;
    const struct struct_field **fields = arena_zero(&emitter->sql->arena, (count + 1) * sizeof *fields);
    for (size_t i = 0; i < count; i++)
        fields[i] = &table->row->fields[i];
    struct write write = {.table = table, .count = 1};
    write.statements[0] = sql_format(emitter->sql, "%s %s", insert_head(emitter, table, fields, count),
                                     insert_query(emitter, output, fields, count, 0));
    return write;
}

/* The condition of an UPDATE or DELETE, with the table in scope. */
static const char *emit_matched(struct emitter *emitter, const struct statement *statement,
                                struct store_table *table)
{
    const char *name = statement->alias != NULL ? statement->alias : table->name;
    struct relation *relation = relation_of_table(emitter, table, rows_name(emitter, table), name);
    need_partition_filter(emitter, relation, statement->where);
    emitter->scope->forbidden = "WHERE clause";
    const char *where =
        statement->where != NULL ? emit_condition(emitter, statement->where, "WHERE clause") : "1";
    return sql_format(emitter->sql, "%s AND %s", emit_visible(), where);
}

struct write emit_delete(struct emitter *emitter, const struct statement *statement)
{
    struct scope scope = {0};
    struct write write = {.table = target_of(emitter, statement), .update = true, .count = 1};
    emitter->scope = &scope;
    const char *matched = emit_matched(emitter, statement, write.table);
    write.statements[0] = sql_format(emitter->sql, "UPDATE %s SET \"" COLUMN_TO "\" = ?2 WHERE %s",
                                     rows_name(emitter, write.table), matched);
    emitter->scope = NULL;
    return write;
}

struct write emit_update(struct emitter *emitter, const struct statement *statement)
{
    struct sql *sql = emitter->sql;
    struct scope scope = {0};
    struct store_table *table = target_of(emitter, statement);
    struct write write = {.table = table, .update = true, .count = 3};
    const char *rows = rows_name(emitter, table), *names = "", *values = "";
    emitter->scope = &scope;
    const char *matched = emit_matched(emitter, statement, table);
    scope.forbidden = "SET clause";
    for (size_t i = 0; i < statement->names.count; i++)
        (void)column_of(emitter, table, statement->names.items[i],
                        statement->at); /* fails if there is none */
    for (size_t c = 0; c < table->row->field_count; c++) {
        const struct struct_field *field = &table->row->fields[c];
        const char *value = sql_format(sql, "%s.%s", rows, quote_name(emitter, field->name));
        for (size_t i = 0; i < statement->names.count; i++) {
            if (strcasecmp(statement->names.items[i], field->name) != 0) continue;
            const struct expr *expr = statement->exprs.items[i];
            value = assign(emitter, emit_expr(emitter, expr), field, expr->at);
        }
        names = sql_format(sql, "%s%s, ", names, quote_name(emitter, field->name));
        values = sql_format(sql, "%s%s, ", values, value);
    }
    emitter->scope = NULL;
    const char *marked = "\"" COLUMN_TO "\" < 0 AND \"" COLUMN_TO "\" = " MARK;
    write.statements[0] =
        sql_format(sql, "UPDATE %s SET \"" COLUMN_TO "\" = " MARK " WHERE %s", rows, matched);
    write.statements[1] =
        sql_format(sql, "INSERT INTO %s (%s\"" COLUMN_FROM "\") SELECT %s?2 FROM %s WHERE %s", rows, names,
                   values, rows, marked);
    write.statements[2] = sql_format(sql, "UPDATE %s SET \"" COLUMN_TO "\" = ?2 WHERE %s", rows, marked);
    return write;
}
