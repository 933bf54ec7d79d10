/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts and statements of GoogleSQL:
 * https://cloud.google.com/bigquery/docs/reference/standard-sql/procedural-language */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "sql/syntax.h"

static const char *const reserved[] = {
    "ALL",      "AND",     "ANY",      "ARRAY",     "AS",        "ASC",         "ASSERT_ROWS_MODIFIED",
    "AT",       "BETWEEN", "BY",       "CASE",      "CAST",      "COLLATE",     "CONTAINS",
    "CREATE",   "CROSS",   "CUBE",     "CURRENT",   "DEFAULT",   "DEFINE",      "DESC",
    "DISTINCT", "ELSE",    "END",      "ENUM",      "ESCAPE",    "EXCEPT",      "EXCLUDE",
    "EXISTS",   "EXTRACT", "FALSE",    "FETCH",     "FOLLOWING", "FOR",         "FROM",
    "FULL",     "GROUP",   "GROUPING", "GROUPS",    "HASH",      "HAVING",      "IF",
    "IGNORE",   "IN",      "INNER",    "INTERSECT", "INTERVAL",  "INTO",        "IS",
    "JOIN",     "LATERAL", "LEFT",     "LIKE",      "LIMIT",     "LOOKUP",      "MERGE",
    "NATURAL",  "NEW",     "NO",       "NOT",       "NULL",      "NULLS",       "OF",
    "ON",       "OR",      "ORDER",    "OUTER",     "OVER",      "PARTITION",   "PRECEDING",
    "PROTO",    "QUALIFY", "RANGE",    "RECURSIVE", "RESPECT",   "RIGHT",       "ROLLUP",
    "ROWS",     "SELECT",  "SET",      "SOME",      "STRUCT",    "TABLESAMPLE", "THEN",
    "TO",       "TREAT",   "TRUE",     "UNBOUNDED", "UNION",     "UNNEST",      "USING",
    "WHEN",     "WHERE",   "WINDOW",   "WITH",      "WITHIN",
};

const struct sql_token *parse_peek(const struct parser *parser)
{
    return &parser->tokens[parser->at];
}

static bool token_is(const struct sql_token *token, const char *word)
{
    if (token->kind != TOKEN_NAME && token->kind != TOKEN_SYMBOL) return false;
    return strcasecmp(token->text, word) == 0;
}

bool parse_is(const struct parser *parser, const char *word)
{
    return token_is(parse_peek(parser), word);
}

bool parse_is_at(const struct parser *parser, size_t ahead, const char *word)
{
    for (size_t i = 0; i < ahead; i++) {
        if (parser->tokens[parser->at + i].kind == TOKEN_END) return false;
    }
    return token_is(&parser->tokens[parser->at + ahead], word);
}

bool parse_take(struct parser *parser, const char *word)
{
    if (!parse_is(parser, word)) return false;
    parser->at++;
    return true;
}

void parse_unexpected(struct parser *parser, const char *wanted)
{
    const struct sql_token *token = parse_peek(parser);
    const char *shown = token->text;
    if (token->kind == TOKEN_END) {
        shown = "end of script";
    } else if (token->kind == TOKEN_STRING) {
        shown = sql_format(parser->sql, "string literal '%.40s'", token->text);
    } else if (token->kind == TOKEN_NAME && !parse_is_name(parser)) {
        shown = sql_format(parser->sql, "keyword %s", token->text);
    } else {
        shown = sql_format(parser->sql, "\"%.80s\"", token->text);
    }
    if (wanted != NULL)
        sql_fail_at(parser->sql, token->at, "Syntax error: Expected %s but got %s", wanted, shown);
    sql_fail_at(parser->sql, token->at, "Syntax error: Unexpected %s", shown);
}

void parse_need(struct parser *parser, const char *word)
{
    if (!parse_take(parser, word)) parse_unexpected(parser, sql_format(parser->sql, "\"%s\"", word));
}

bool parse_is_name(const struct parser *parser)
{
    const struct sql_token *token = parse_peek(parser);
    if (token->kind == TOKEN_QUOTED) return true;
    if (token->kind != TOKEN_NAME) return false;
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        if (strcasecmp(token->text, reserved[i]) == 0) return false;
    }
    return true;
}

const char *parse_name(struct parser *parser, const char *what)
{
    if (!parse_is_name(parser)) parse_unexpected(parser, what);
    return parser->tokens[parser->at++].text;
}

static const struct type *parse_struct_type(struct parser *parser)
{
    struct struct_field fields[256] = {0};
    size_t count = 0;
    parse_need(parser, "<");
    while (!parse_is(parser, ">") && count < sizeof fields / sizeof *fields) {
        bool named =
            !parse_is_at(parser, 1, ",") && !parse_is_at(parser, 1, ">") && !parse_is_at(parser, 1, "<");
        fields[count].name = named ? parse_name(parser, "a field's name") : "";
        fields[count++].type = parse_type(parser);
        if (!parse_take(parser, ",")) break;
    }
    parse_need(parser, ">");
    struct struct_field *kept = arena_zero(&parser->sql->arena, (count + 1) * sizeof *kept);
    memcpy(kept, fields, count * sizeof *kept);
    return type_struct(&parser->sql->arena, kept, count);
}

const struct type *parse_type(struct parser *parser)
{
    enum type_kind kind = TYPE_NULL;
    const struct sql_token *token = parse_peek(parser);
    sql_enter(parser->sql, token->at);
    const struct type *type = NULL;
    if (parse_take(parser, "ARRAY")) {
        parse_need(parser, "<");
        type = parse_type(parser);
        if (type->kind == TYPE_ARRAY)
            sql_fail_at(parser->sql, token->at, "Array of array types are not supported");
        type = type_array(&parser->sql->arena, type);
        parse_need(parser, ">");
    } else if (parse_take(parser, "STRUCT")) {
        type = parse_struct_type(parser);
    } else {
        const char *name = parse_name(parser, "a type");
        if (!type_by_name(name, &kind)) sql_fail_at(parser->sql, token->at, "Type not found: %s", name);
        type = type_of(kind);
    }
    sql_leave(parser->sql);
    return type;
}

/* --- statements --- */

static struct statement *parse_statement(struct parser *parser);

static void add_name(struct parser *parser, struct pointer_list *list, const char *what)
{
    const char *name = parse_name(parser, what);
    list_add(parser->sql, list, arena_text(&parser->sql->arena, name, strlen(name)));
}

void parse_names(struct parser *parser, struct pointer_list *out_names, const char *what)
{
    do {
        add_name(parser, out_names, what);
    } while (parse_take(parser, ","));
}

/* Statements up to one of the words, which is not taken. */
static struct pointer_list *parse_block(struct parser *parser, const char *const *ends)
{
    struct pointer_list *block = arena_zero(&parser->sql->arena, sizeof *block);
    for (;;) {
        for (const char *const *end = ends; *end != NULL; end++)
            if (parse_is(parser, *end)) return block;
        list_add(parser->sql, block, parse_statement(parser));
        parse_need(parser, ";");
    }
}

static void parse_declare(struct parser *parser, struct statement *statement)
{
    statement->kind = STATEMENT_DECLARE;
    parse_names(parser, &statement->names, "a variable's name");
    if (!parse_is(parser, "DEFAULT")) statement->type = parse_type(parser);
    if (parse_take(parser, "DEFAULT")) list_add(parser->sql, &statement->exprs, parse_expr(parser));
}

static void parse_set(struct parser *parser, struct statement *statement)
{
    statement->kind = STATEMENT_SET;
    if (parse_take(parser, "(")) {
        parse_names(parser, &statement->names, "a variable's name");
        parse_need(parser, ")");
    } else {
        add_name(parser, &statement->names, "a variable's name");
    }
    parse_need(parser, "=");
    list_add(parser->sql, &statement->exprs, parse_expr(parser));
}

static void parse_if(struct parser *parser, struct statement *statement)
{
    static const char *const ends[] = {"ELSE", "END", NULL};
    statement->kind = STATEMENT_IF;
    list_add(parser->sql, &statement->exprs, parse_expr(parser));
    parse_need(parser, "THEN");
    list_add(parser->sql, &statement->blocks, parse_block(parser, ends));
    if (parse_take(parser, "ELSE")) list_add(parser->sql, &statement->blocks, parse_block(parser, ends));
    parse_need(parser, "END");
    parse_need(parser, "IF");
}

static void parse_while(struct parser *parser, struct statement *statement)
{
    static const char *const ends[] = {"END", NULL};
    statement->kind = STATEMENT_WHILE;
    list_add(parser->sql, &statement->exprs, parse_expr(parser));
    parse_need(parser, "DO");
    list_add(parser->sql, &statement->blocks, parse_block(parser, ends));
    parse_need(parser, "END");
    parse_need(parser, "WHILE");
}

static void parse_begin(struct parser *parser, struct statement *statement)
{
    statement->kind = STATEMENT_BEGIN;
    bool is_block =
        !parse_take(parser, "TRANSACTION") && !parse_is(parser, ";") && parse_peek(parser)->kind != TOKEN_END;
    if (is_block) sql_fail_at(parser->sql, statement->at, "Statement not supported: BEGIN ... END");
}

static void parse_raise(struct parser *parser, struct statement *statement)
{
    statement->kind = STATEMENT_RAISE;
    if (!parse_take(parser, "USING")) return;
    parse_need(parser, "MESSAGE");
    parse_need(parser, "=");
    list_add(parser->sql, &statement->exprs, parse_expr(parser));
}

static void parse_values(struct parser *parser, struct statement *statement)
{
    do {
        struct expr *row = arena_zero(&parser->sql->arena, sizeof *row);
        row->kind = EXPR_STRUCT;
        row->at = parse_peek(parser)->at;
        parse_need(parser, "(");
        do {
            bool missing = parse_take(parser, "DEFAULT");
            struct expr *null = arena_zero(&parser->sql->arena, sizeof *null);
            null->kind = EXPR_NULL;
            list_add(parser->sql, &row->args, missing ? null : parse_expr(parser));
        } while (parse_take(parser, ","));
        parse_need(parser, ")");
        list_add(parser->sql, &statement->rows, row);
    } while (parse_take(parser, ","));
}

static void parse_insert(struct parser *parser, struct statement *statement)
{
    statement->kind = STATEMENT_INSERT;
    (void)parse_take(parser, "INTO");
    statement->target = parse_path(parser, &statement->at);
    if (parse_is(parser, "(") && !parse_is_query(parser)) {
        parser->at++;
        parse_names(parser, &statement->names, "a column's name");
        parse_need(parser, ")");
    }
    if (parse_take(parser, "VALUES")) {
        parse_values(parser, statement);
    } else {
        statement->query = parse_query(parser);
    }
}

static void parse_target(struct parser *parser, struct statement *statement)
{
    statement->target = parse_path(parser, &statement->at);
    if (parse_take(parser, "AS")) {
        statement->alias = parse_name(parser, "an alias");
    } else if (parse_is_name(parser)) {
        statement->alias = parse_name(parser, "an alias");
    }
}

static void parse_where(struct parser *parser, struct statement *statement)
{
    if (!parse_take(parser, "WHERE")) {
        sql_fail_at(parser->sql, parse_peek(parser)->at, "%s must have a WHERE clause",
                    statement_name(statement));
    }
    statement->where = parse_expr(parser);
}

static void parse_update(struct parser *parser, struct statement *statement)
{
    statement->kind = STATEMENT_UPDATE;
    parse_target(parser, statement);
    parse_need(parser, "SET");
    do {
        add_name(parser, &statement->names, "a column's name");
        if (parse_is(parser, ".")) {
            sql_fail_at(parser->sql, parse_peek(parser)->at, "UPDATE of a nested field is not supported");
        }
        parse_need(parser, "=");
        list_add(parser->sql, &statement->exprs, parse_expr(parser));
    } while (parse_take(parser, ","));
    if (parse_is(parser, "FROM")) {
        sql_fail_at(parser->sql, parse_peek(parser)->at, "UPDATE ... FROM is not supported");
    }
    parse_where(parser, statement);
}

static void parse_delete(struct parser *parser, struct statement *statement)
{
    statement->kind = STATEMENT_DELETE;
    (void)parse_take(parser, "FROM");
    parse_target(parser, statement);
    parse_where(parser, statement);
}

static void parse_kind(struct parser *parser, struct statement *statement)
{
    static const struct {
        const char *word;
        void (*parse)(struct parser *, struct statement *);
    } kinds[] = {{"DECLARE", parse_declare}, {"SET", parse_set},       {"IF", parse_if},
                 {"BEGIN", parse_begin},     {"RAISE", parse_raise},   {"WHILE", parse_while},
                 {"INSERT", parse_insert},   {"UPDATE", parse_update}, {"DELETE", parse_delete},
                 {"CREATE", parse_create},   {"DROP", parse_drop},     {"GRANT", parse_grant}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!parse_take(parser, kinds[i].word)) continue;
        kinds[i].parse(parser, statement);
        return;
    }
    if (parse_take(parser, "COMMIT")) {
        statement->kind = STATEMENT_COMMIT;
        (void)parse_take(parser, "TRANSACTION");
    } else if (parse_take(parser, "ROLLBACK")) {
        statement->kind = STATEMENT_ROLLBACK;
        (void)parse_take(parser, "TRANSACTION");
    } else if (parse_is(parser, "SELECT") || parse_is(parser, "WITH") || parse_is(parser, "(")) {
        statement->kind = STATEMENT_SELECT;
        statement->query = parse_query(parser);
    } else {
        static const char *const known[] = {"MERGE",    "ALTER",   "ASSERT", "BREAK",   "CALL",
                                            "CONTINUE", "EXECUTE", "EXPORT", "FOR",     "ITERATE",
                                            "LEAVE",    "LOOP",    "REPEAT", "TRUNCATE"};
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            if (parse_is(parser, known[i])) {
                sql_fail_at(parser->sql, parse_peek(parser)->at, "Statement not supported: %s", known[i]);
            }
        }
        parse_unexpected(parser, NULL);
    }
}

static struct statement *parse_statement(struct parser *parser)
{
    struct statement *statement = arena_zero(&parser->sql->arena, sizeof *statement);
    size_t from = parse_peek(parser)->at;
    statement->at = from;
    sql_enter(parser->sql, from);
    parse_kind(parser, statement);
    sql_leave(parser->sql);
    size_t end = parser->tokens[parser->at - 1].end;
    statement->from = from;
    statement->end = end;
    statement->text = arena_text(&parser->sql->arena, parser->sql->text + from, end - from);
    return statement;
}

struct pointer_list sql_parse(struct sql *sql)
{
    struct pointer_list statements = {0};
    size_t count = 0;
    struct parser parser = {.sql = sql, .tokens = sql_tokens(sql, &count)};
    while (parse_peek(&parser)->kind != TOKEN_END) {
        list_add(sql, &statements, parse_statement(&parser));
        if (parse_peek(&parser)->kind != TOKEN_END) parse_need(&parser, ";");
    }
    if (statements.count == 0) sql_fail_at(sql, 0, "Syntax error: Unexpected end of script");
    return statements;
}

const char *statement_name(const struct statement *statement)
{
    switch (statement->kind) {
    case STATEMENT_SELECT: return "SELECT";
    case STATEMENT_INSERT: return "INSERT";
    case STATEMENT_UPDATE: return "UPDATE";
    case STATEMENT_DELETE: return "DELETE";
    case STATEMENT_CREATE_TABLE: return statement->query != NULL ? "CREATE_TABLE_AS_SELECT" : "CREATE_TABLE";
    case STATEMENT_CREATE_VIEW: return "CREATE_VIEW";
    case STATEMENT_DROP: return statement->is_view ? "DROP_VIEW" : "DROP_TABLE";
    case STATEMENT_GRANT: return "GRANT";
    case STATEMENT_BEGIN: return "BEGIN_TRANSACTION";
    case STATEMENT_COMMIT: return "COMMIT_TRANSACTION";
    case STATEMENT_ROLLBACK: return "ROLLBACK_TRANSACTION";
    case STATEMENT_DECLARE:
    case STATEMENT_SET:
    case STATEMENT_IF:
    case STATEMENT_WHILE:
    case STATEMENT_RAISE: break;
    }
    return NULL;
}
