/* SPDX-License-Identifier: Apache-2.0 */
/* CREATE and DROP:
 * https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language */
#include <string.h>
#include <strings.h>

#include "sql/syntax.h"

static void parse_options(struct parser *parser, struct pointer_list *out_options)
{
    if (!parse_take(parser, "OPTIONS")) return;
    parse_need(parser, "(");
    while (!parse_is(parser, ")")) {
        struct option *option = arena_zero(&parser->sql->arena, sizeof *option);
        option->name = parse_name(parser, "an option");
        parse_need(parser, "=");
        option->value = parse_expr(parser);
        list_add(parser->sql, out_options, option);
        if (!parse_take(parser, ",")) break;
    }
    parse_need(parser, ")");
}

/* OPTIONS(description = "...") of a column; "": none. */
static char *parse_note(struct parser *parser)
{
    struct pointer_list options = {0};
    const char *note = "";
    parse_options(parser, &options);
    for (size_t i = 0; i < options.count; i++) {
        const struct option *option = options.items[i];
        if (strcasecmp(option->name, "description") != 0 || option->value->kind != EXPR_STRING) {
            sql_fail_at(parser->sql, option->value->at, "Option %s of a column is not supported",
                        option->name);
        }
        note = option->value->name;
    }
    return arena_text(&parser->sql->arena, note, strlen(note));
}

static void parse_columns(struct parser *parser, struct statement *statement)
{
    bool typed = !statement->is_view;
    parse_need(parser, "(");
    while (!parse_is(parser, ")")) {
        struct struct_field *field = arena_zero(&parser->sql->arena, sizeof *field);
        field->name = parse_name(parser, "a column's name");
        field->type = typed ? parse_type(parser) : type_of(TYPE_NULL);
        if (typed && parse_take(parser, "NOT")) {
            parse_need(parser, "NULL");
            field->required = true;
        }
        list_add(parser->sql, &statement->fields, field);
        list_add(parser->sql, &statement->field_notes, parse_note(parser));
        if (!parse_take(parser, ",")) break;
    }
    parse_need(parser, ")");
}

/* day, DATE(instant), TIMESTAMP_TRUNC(instant, DAY): tables of whole days are the ones that are served. */
static void parse_partition(struct parser *parser, struct statement *statement)
{
    const struct expr *expr = parse_expr(parser), *column = expr;
    statement->partitioned = TYPE_DATE;
    if (expr->kind == EXPR_CALL && expr->args.count > 0) {
        const struct expr *part = expr->args.count == 2 ? expr->args.items[1] : NULL;
        bool by_day = part != NULL && part->kind == EXPR_NAME && strcasecmp(part->name, "DAY") == 0;
        bool date = strcmp(expr->name, "DATE") == 0 && part == NULL;
        bool trunc = strcmp(expr->name, "TIMESTAMP_TRUNC") == 0 && by_day;
        if (date || trunc) {
            statement->partitioned = TYPE_TIMESTAMP;
            column = expr->args.items[0];
        }
    }
    if (column->kind != EXPR_NAME) {
        sql_fail_at(parser->sql, expr->at,
                    "PARTITION BY expression must be <date_column>, DATE(<timestamp_column>) or "
                    "TIMESTAMP_TRUNC(<timestamp_column>, DAY); other partitioning is not supported here");
    }
    statement->partition = column->name;
}

static void parse_create_table(struct parser *parser, struct statement *statement)
{
    statement->kind = STATEMENT_CREATE_TABLE;
    if (parse_is(parser, "(")) parse_columns(parser, statement);
    if (parse_take(parser, "PARTITION")) {
        parse_need(parser, "BY");
        parse_partition(parser, statement);
    }
    if (parse_take(parser, "CLUSTER")) {
        parse_need(parser, "BY");
        parse_names(parser, &statement->cluster, "a column's name");
    }
    parse_options(parser, &statement->options);
    if (parse_take(parser, "AS")) statement->query = parse_query(parser);
    if (statement->query == NULL && statement->fields.count == 0) {
        sql_fail_at(parser->sql, statement->at,
                    "A CREATE TABLE statement needs a list of columns or a query: AS SELECT ...");
    }
}

static void parse_create_view(struct parser *parser, struct statement *statement)
{
    statement->kind = STATEMENT_CREATE_VIEW;
    if (parse_is(parser, "(")) parse_columns(parser, statement);
    parse_options(parser, &statement->options);
    parse_need(parser, "AS");
    size_t from = parse_peek(parser)->at;
    statement->query = parse_query(parser);
    size_t end = parser->tokens[parser->at - 1].end;
    statement->query_text = arena_text(&parser->sql->arena, parser->sql->text + from, end - from);
}

void parse_create(struct parser *parser, struct statement *statement)
{
    if (parse_take(parser, "OR")) {
        parse_need(parser, "REPLACE");
        statement->or_replace = true;
    }
    statement->is_view = parse_take(parser, "VIEW");
    if (!statement->is_view && !parse_take(parser, "TABLE")) parse_unexpected(parser, "TABLE or VIEW");
    size_t at = parse_peek(parser)->at;
    if (parse_take(parser, "IF")) {
        parse_need(parser, "NOT");
        parse_need(parser, "EXISTS");
        statement->if_exists = true;
    }
    if (statement->or_replace && statement->if_exists) {
        sql_fail_at(parser->sql, at, "CREATE cannot have both OR REPLACE and IF NOT EXISTS");
    }
    statement->target = parse_path(parser, &statement->at);
    if (statement->is_view) {
        parse_create_view(parser, statement);
    } else {
        parse_create_table(parser, statement);
    }
}

void parse_drop(struct parser *parser, struct statement *statement)
{
    statement->kind = STATEMENT_DROP;
    statement->is_view = parse_take(parser, "VIEW");
    if (!statement->is_view && !parse_take(parser, "TABLE")) parse_unexpected(parser, "TABLE or VIEW");
    if (parse_take(parser, "IF")) {
        parse_need(parser, "EXISTS");
        statement->if_exists = true;
    }
    statement->target = parse_path(parser, &statement->at);
}
