/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions of GoogleSQL, by precedence:
 * https://cloud.google.com/bigquery/docs/reference/standard-sql/operators */
#include <string.h>
#include <strings.h>

#include "sql/syntax.h"

static struct expr *make(struct parser *parser, enum expr_kind kind, const char *name)
{
    struct expr *expr = arena_zero(&parser->sql->arena, sizeof *expr);
    expr->kind = kind;
    expr->name = name;
    expr->at = parse_peek(parser)->at;
    return expr;
}

static struct expr *make_at(struct parser *parser, enum expr_kind kind, const char *name, struct expr *first)
{
    struct expr *expr = make(parser, kind, name);
    expr->at = first->at;
    list_add(parser->sql, &expr->args, first);
    return expr;
}

static void add_arg(struct parser *parser, struct expr *expr, struct expr *arg)
{
    list_add(parser->sql, &expr->args, arg);
}

static const char *upper(struct parser *parser, const char *text)
{
    char *copy = arena_text(&parser->sql->arena, text, strlen(text));
    for (char *c = copy; *c != '\0'; c++)
        if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 'a' + 'A');
    return copy;
}

static struct expr *parse_query_expr(struct parser *parser, enum expr_kind kind)
{
    struct expr *expr = make(parser, kind, "");
    parse_need(parser, "(");
    expr->query = parse_query(parser);
    parse_need(parser, ")");
    return expr;
}

static struct expr *parse_case(struct parser *parser)
{
    struct expr *expr = make(parser, EXPR_CASE, "");
    parse_need(parser, "CASE");
    add_arg(parser, expr, parse_is(parser, "WHEN") ? NULL : parse_expr(parser));
    if (!parse_is(parser, "WHEN")) parse_unexpected(parser, "WHEN");
    while (parse_take(parser, "WHEN")) {
        add_arg(parser, expr, parse_expr(parser));
        parse_need(parser, "THEN");
        add_arg(parser, expr, parse_expr(parser));
    }
    add_arg(parser, expr, parse_take(parser, "ELSE") ? parse_expr(parser) : NULL);
    parse_need(parser, "END");
    return expr;
}

static struct expr *parse_cast(struct parser *parser)
{
    struct expr *expr = make(parser, EXPR_CAST, "");
    expr->safe = parse_is(parser, "SAFE_CAST");
    parser->at++;
    parse_need(parser, "(");
    add_arg(parser, expr, parse_expr(parser));
    parse_need(parser, "AS");
    expr->type = parse_type(parser);
    parse_need(parser, ")");
    return expr;
}

static struct expr *parse_interval(struct parser *parser)
{
    struct expr *expr = make(parser, EXPR_INTERVAL, "");
    parse_need(parser, "INTERVAL");
    add_arg(parser, expr, parse_expr(parser));
    expr->name = upper(parser, parse_name(parser, "a date part"));
    return expr;
}

/* STRUCT(a AS x, b), STRUCT<x INT64>(a): the words before the parenthesis are taken. */
static void parse_struct_fields(struct parser *parser, struct expr *expr)
{
    parse_need(parser, "(");
    while (!parse_is(parser, ")")) {
        struct expr *arg = parse_expr(parser);
        const char *name = arg->kind == EXPR_NAME || arg->kind == EXPR_FIELD ? arg->name : "";
        if (parse_take(parser, "AS")) name = parse_name(parser, "a field's name");
        add_arg(parser, expr, arg);
        list_add(parser->sql, &expr->names, arena_text(&parser->sql->arena, name, strlen(name)));
        if (!parse_take(parser, ",")) break;
    }
    parse_need(parser, ")");
}

static struct expr *parse_struct(struct parser *parser)
{
    struct expr *expr = make(parser, EXPR_STRUCT, "");
    if (parse_is_at(parser, 1, "<")) {
        expr->type = parse_type(parser);
    } else {
        parser->at++;
    }
    parse_struct_fields(parser, expr);
    return expr;
}

static struct expr *parse_array(struct parser *parser)
{
    struct expr *expr = make(parser, EXPR_ARRAY, "");
    if (parse_is(parser, "ARRAY") && parse_is_at(parser, 1, "(")) {
        parser->at++;
        return parse_query_expr(parser, EXPR_ARRAY_QUERY);
    }
    if (parse_is(parser, "ARRAY") && parse_is_at(parser, 1, "<")) {
        expr->type = parse_type(parser)->element;
    } else {
        (void)parse_take(parser, "ARRAY");
    }
    parse_need(parser, "[");
    while (!parse_is(parser, "]")) {
        add_arg(parser, expr, parse_expr(parser));
        if (!parse_take(parser, ",")) break;
    }
    parse_need(parser, "]");
    return expr;
}

static const char *parse_frame_end(struct parser *parser)
{
    if (parse_take(parser, "CURRENT")) {
        parse_need(parser, "ROW");
        return "CURRENT ROW";
    }
    const char *what = "UNBOUNDED";
    if (!parse_take(parser, "UNBOUNDED")) {
        const struct sql_token *token = parse_peek(parser);
        if (token->kind != TOKEN_INTEGER) parse_unexpected(parser, "a window frame");
        parser->at++;
        what = token->text;
    }
    if (parse_take(parser, "PRECEDING")) return sql_format(parser->sql, "%s PRECEDING", what);
    parse_need(parser, "FOLLOWING");
    return sql_format(parser->sql, "%s FOLLOWING", what);
}

static const char *parse_frame(struct parser *parser)
{
    const char *unit = parse_is(parser, "ROWS") ? "ROWS" : parse_is(parser, "RANGE") ? "RANGE" : NULL;
    if (unit == NULL) return "";
    parser->at++;
    if (!parse_take(parser, "BETWEEN"))
        return sql_format(parser->sql, " %s %s", unit, parse_frame_end(parser));
    const char *from = parse_frame_end(parser);
    parse_need(parser, "AND");
    return sql_format(parser->sql, " %s BETWEEN %s AND %s", unit, from, parse_frame_end(parser));
}

static struct sql_window *parse_window(struct parser *parser)
{
    struct sql_window *window = arena_zero(&parser->sql->arena, sizeof *window);
    parse_need(parser, "(");
    if (parse_take(parser, "PARTITION")) {
        parse_need(parser, "BY");
        do {
            list_add(parser->sql, &window->partition, parse_expr(parser));
        } while (parse_take(parser, ","));
    }
    parse_order(parser, &window->order);
    window->frame = parse_frame(parser);
    parse_need(parser, ")");
    return window;
}

/* SAFE.name(...) */
static bool is_safe_call(const struct parser *parser)
{
    return parse_is(parser, "SAFE") && parse_is_at(parser, 1, ".") && parse_is_at(parser, 3, "(") &&
           parser->tokens[parser->at + 2].kind == TOKEN_NAME;
}

/* wide_number_mode => 'round': the one argument with a name, and no other way to give it. */
static void parse_argument_name(struct parser *parser, const struct expr *call)
{
    bool is_named = parse_is_at(parser, 1, "=>");
    bool wants_name = strcmp(call->name, "PARSE_JSON") == 0 && call->args.count == 1;
    if (is_named && (!wants_name || !parse_is(parser, "WIDE_NUMBER_MODE")))
        sql_fail_at(parser->sql, parse_peek(parser)->at,
                    "Named argument `%s` not found in signature for call to function %s",
                    parse_peek(parser)->text, call->name);
    if (wants_name && !is_named)
        sql_fail_at(parser->sql, parse_peek(parser)->at,
                    "No matching signature for function PARSE_JSON: its second argument has a name");
    if (is_named) parser->at += 2;
}

static struct expr *parse_call(struct parser *parser)
{
    bool safe = is_safe_call(parser);
    if (safe) parser->at += 2;
    struct expr *expr = make(parser, EXPR_CALL, upper(parser, parse_peek(parser)->text));
    expr->safe = safe;
    parser->at++;
    parse_need(parser, "(");
    expr->distinct = parse_take(parser, "DISTINCT");
    if (parse_is(parser, "*") && parse_is_at(parser, 1, ")")) {
        parser->at++;
        expr->star = true;
    }
    while (!expr->star && !parse_is(parser, ")")) {
        parse_argument_name(parser, expr);
        add_arg(parser, expr, parse_expr(parser));
        if (!parse_take(parser, ",")) break;
    }
    if (parse_take(parser, "IGNORE")) {
        parse_need(parser, "NULLS");
        expr->ignore_nulls = true;
    } else if (parse_take(parser, "RESPECT")) {
        parse_need(parser, "NULLS");
        expr->respect_nulls = true;
    }
    parse_order(parser, &expr->order);
    if (parse_take(parser, "LIMIT")) expr->limit = parse_expr(parser);
    parse_need(parser, ")");
    if (parse_take(parser, "OVER")) expr->window = parse_window(parser);
    return expr;
}

static struct expr *parse_paren(struct parser *parser)
{
    if (parse_is_query(parser)) return parse_query_expr(parser, EXPR_QUERY);
    struct expr *tuple = make(parser, EXPR_STRUCT, "");
    parse_need(parser, "(");
    struct expr *expr = parse_expr(parser);
    if (parse_take(parser, ")")) {
        /* (a).b is not the name a.b, but nothing here depends on the difference. */
        return expr;
    }
    list_add(parser->sql, &tuple->args, expr);
    list_add(parser->sql, &tuple->names, arena_zero(&parser->sql->arena, 1));
    while (parse_take(parser, ",")) {
        add_arg(parser, tuple, parse_expr(parser));
        list_add(parser->sql, &tuple->names, arena_zero(&parser->sql->arena, 1));
    }
    parse_need(parser, ")");
    return tuple;
}

static struct expr *parse_variable(struct parser *parser)
{
    struct expr *expr = make(parser, parse_is(parser, "@@") ? EXPR_SYSTEM : EXPR_PARAMETER, "");
    parser->at++;
    const struct sql_token *token = parse_peek(parser);
    if (token->kind != TOKEN_NAME && token->kind != TOKEN_QUOTED)
        parse_unexpected(parser, "a parameter's name");
    parser->at++;
    expr->name = token->text;
    return expr;
}

/* DATE '2026-01-31', TIMESTAMP "...", JSON '...' */
static struct expr *parse_typed(struct parser *parser)
{
    enum type_kind kind = TYPE_NULL;
    if (parse_peek(parser)->kind != TOKEN_NAME || parser->tokens[parser->at + 1].kind != TOKEN_STRING)
        return NULL;
    if (!type_by_name(parse_peek(parser)->text, &kind)) return NULL;
    if (kind != TYPE_DATE && kind != TYPE_TIMESTAMP && kind != TYPE_JSON) return NULL;
    struct expr *expr = make(parser, EXPR_TYPED, parser->tokens[parser->at + 1].text);
    expr->type = type_of(kind);
    parser->at += 2;
    return expr;
}

static struct expr *parse_word(struct parser *parser)
{
    if (parse_is(parser, "NULL") || parse_is(parser, "TRUE") || parse_is(parser, "FALSE")) {
        struct expr *expr = make(parser, parse_is(parser, "NULL") ? EXPR_NULL : EXPR_BOOL, "");
        expr->name = parse_is(parser, "TRUE") ? "1" : "0";
        parser->at++;
        return expr;
    }
    if (parse_is(parser, "CASE")) return parse_case(parser);
    if (parse_is(parser, "CAST") || (parse_is(parser, "SAFE_CAST") && parse_is_at(parser, 1, "(")))
        return parse_cast(parser);
    if (parse_is(parser, "EXTRACT") &&
        parse_is_at(parser, 1, "(")) /* a reserved word, else it would be a call */
        sql_fail_at(parser->sql, parse_peek(parser)->at, SQL_NO_FUNCTION, "EXTRACT");
    if (parse_is(parser, "INTERVAL")) return parse_interval(parser);
    if (parse_is(parser, "ARRAY")) return parse_array(parser);
    if (parse_is(parser, "STRUCT")) return parse_struct(parser);
    if (parse_is(parser, "EXISTS")) {
        parser->at++;
        return parse_query_expr(parser, EXPR_EXISTS);
    }
    struct expr *typed = parse_typed(parser);
    if (typed != NULL) return typed;
    bool call = parse_is_at(parser, 1, "(") && parse_peek(parser)->kind == TOKEN_NAME;
    bool called_if = parse_is(parser, "IF") || parse_is(parser, "LEFT") || parse_is(parser, "RIGHT");
    if (is_safe_call(parser) || (call && (parse_is_name(parser) || called_if))) return parse_call(parser);
    if (!parse_is_name(parser)) parse_unexpected(parser, NULL);
    struct expr *expr = make(parser, EXPR_NAME, parse_peek(parser)->text);
    parser->at++;
    return expr;
}

static struct expr *parse_primary(struct parser *parser)
{
    const struct sql_token *token = parse_peek(parser);
    if (token->kind == TOKEN_STRING || token->kind == TOKEN_INTEGER || token->kind == TOKEN_FLOAT) {
        enum expr_kind kind = token->kind == TOKEN_STRING    ? EXPR_STRING
                              : token->kind == TOKEN_INTEGER ? EXPR_INTEGER
                                                             : EXPR_FLOAT;
        struct expr *expr = make(parser, kind, token->text);
        parser->at++;
        return expr;
    }
    if (parse_is(parser, "(")) return parse_paren(parser);
    if (parse_is(parser, "[")) return parse_array(parser);
    if (parse_is(parser, "@") || parse_is(parser, "@@")) return parse_variable(parser);
    return parse_word(parser);
}

static struct expr *parse_index(struct parser *parser, struct expr *base)
{
    static const char *const words[] = {"OFFSET", "SAFE_OFFSET", "ORDINAL", "SAFE_ORDINAL"};
    struct expr *expr = make_at(parser, EXPR_INDEX, "", base);
    parse_need(parser, "[");
    for (size_t i = 0; i < 4; i++) {
        if (parse_is(parser, words[i]) && parse_is_at(parser, 1, "(")) expr->name = words[i];
    }
    if (expr->name[0] != '\0') parser->at++;
    add_arg(parser, expr, parse_expr(parser));
    parse_need(parser, "]");
    return expr;
}

static struct expr *parse_postfix(struct parser *parser)
{
    struct expr *expr = parse_primary(parser);
    for (;;) {
        bool field = parse_is(parser, ".") && !parse_is_at(parser, 1, "*");
        if (!field && !parse_is(parser, "[")) return expr;
        if (field) {
            parser->at++;
            const struct sql_token *token = parse_peek(parser);
            if (token->kind != TOKEN_NAME && token->kind != TOKEN_QUOTED)
                parse_unexpected(parser, "a field's name");
            expr = make_at(parser, EXPR_FIELD, token->text, expr);
            parser->at++;
        } else {
            expr = parse_index(parser, expr);
        }
        sql_enter(parser->sql, expr->at); /* a chain is walked recursively later */
    }
}

static struct expr *parse_sign(struct parser *parser)
{
    const char *sign = parse_is(parser, "-") ? "-" : parse_is(parser, "+") ? "+" : NULL;
    if (sign == NULL) return parse_postfix(parser);
    struct expr *expr = make(parser, EXPR_UNARY, sign);
    parser->at++;
    sql_enter(parser->sql, expr->at);
    add_arg(parser, expr, parse_sign(parser));
    return expr;
}

/* Binary operators of one level, to the left. */
static struct expr *parse_level(struct parser *parser, int level)
{
    static const char *const operators[][3] = {{"*", "/", "||"}, {"+", "-", NULL}};
    struct expr *expr = level == 0 ? parse_sign(parser) : parse_level(parser, level - 1);
    for (;;) {
        const char *found = NULL;
        for (size_t i = 0; i < 3 && operators[level][i] != NULL; i++) {
            if (parse_is(parser, operators[level][i])) found = operators[level][i];
        }
        if (found == NULL) return expr;
        parser->at++;
        sql_enter(parser->sql, expr->at);
        expr = make_at(parser, EXPR_BINARY, found, expr);
        add_arg(parser, expr, level == 0 ? parse_sign(parser) : parse_level(parser, level - 1));
    }
}

static struct expr *parse_sum(struct parser *parser)
{
    return parse_level(parser, 1);
}

static struct expr *parse_in(struct parser *parser, struct expr *value)
{
    struct expr *expr = make_at(parser, EXPR_IN_LIST, "", value);
    if (parse_take(parser, "UNNEST")) {
        expr->kind = EXPR_IN_UNNEST;
        parse_need(parser, "(");
        add_arg(parser, expr, parse_expr(parser));
        parse_need(parser, ")");
        return expr;
    }
    if (parse_is_query(parser)) {
        expr->kind = EXPR_IN_QUERY;
        parse_need(parser, "(");
        expr->query = parse_query(parser);
        parse_need(parser, ")");
        return expr;
    }
    parse_need(parser, "(");
    do {
        add_arg(parser, expr, parse_expr(parser));
    } while (parse_take(parser, ","));
    parse_need(parser, ")");
    return expr;
}

static struct expr *parse_is_test(struct parser *parser, struct expr *value)
{
    struct expr *expr = make_at(parser, EXPR_IS, "", value);
    expr->negated = parse_take(parser, "NOT");
    if (parse_take(parser, "DISTINCT")) {
        parse_need(parser, "FROM");
        expr->kind = EXPR_DISTINCT;
        add_arg(parser, expr, parse_sum(parser));
        return expr;
    }
    const char *word = parse_is(parser, "NULL")    ? "NULL"
                       : parse_is(parser, "TRUE")  ? "1"
                       : parse_is(parser, "FALSE") ? "0"
                                                   : NULL;
    if (word == NULL) parse_unexpected(parser, "NULL, TRUE, FALSE or DISTINCT FROM");
    parser->at++;
    expr->name = word;
    return expr;
}

static struct expr *parse_comparison(struct parser *parser)
{
    static const char *const operators[] = {"=", "<>", "!=", "<=", ">=", "<", ">"};
    struct expr *expr = parse_sum(parser);
    if (parse_take(parser, "IS")) return parse_is_test(parser, expr);
    bool negated =
        parse_is(parser, "NOT") &&
        (parse_is_at(parser, 1, "IN") || parse_is_at(parser, 1, "LIKE") || parse_is_at(parser, 1, "BETWEEN"));
    if (negated) parser->at++;
    struct expr *test = NULL;
    if (parse_take(parser, "IN")) {
        test = parse_in(parser, expr);
    } else if (parse_take(parser, "LIKE")) {
        test = make_at(parser, EXPR_LIKE, "", expr);
        add_arg(parser, test, parse_sum(parser));
    } else if (parse_take(parser, "BETWEEN")) {
        test = make_at(parser, EXPR_BETWEEN, "", expr);
        add_arg(parser, test, parse_sum(parser));
        parse_need(parser, "AND");
        add_arg(parser, test, parse_sum(parser));
    }
    for (size_t i = 0; i < sizeof operators / sizeof *operators && test == NULL; i++) {
        if (!parse_take(parser, operators[i])) continue;
        test = make_at(parser, EXPR_BINARY, strcmp(operators[i], "!=") == 0 ? "<>" : operators[i], expr);
        add_arg(parser, test, parse_sum(parser));
    }
    if (test == NULL) return expr;
    test->negated = negated;
    return test;
}

static struct expr *parse_not(struct parser *parser)
{
    if (!parse_is(parser, "NOT")) return parse_comparison(parser);
    struct expr *expr = make(parser, EXPR_UNARY, "NOT");
    parser->at++;
    sql_enter(parser->sql, expr->at);
    add_arg(parser, expr, parse_not(parser));
    return expr;
}

static struct expr *parse_logic(struct parser *parser, const char *word,
                                struct expr *(*inner)(struct parser *))
{
    struct expr *expr = inner(parser);
    if (!parse_is(parser, word)) return expr;
    /* One node for the whole chain, so that long ones are not deep. */
    struct expr *chain = make_at(parser, EXPR_BINARY, word, expr);
    while (parse_take(parser, word))
        add_arg(parser, chain, inner(parser));
    return chain;
}

static struct expr *parse_and(struct parser *parser)
{
    return parse_logic(parser, "AND", parse_not);
}

struct expr *parse_expr(struct parser *parser)
{
    int depth = parser->sql->depth; /* the enters of chains below are undone here */
    sql_enter(parser->sql, parse_peek(parser)->at);
    struct expr *expr = parse_logic(parser, "OR", parse_and);
    parser->sql->depth = depth;
    return expr;
}
