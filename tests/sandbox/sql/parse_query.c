/* SPDX-License-Identifier: Apache-2.0 */
/* Queries of GoogleSQL: https://cloud.google.com/bigquery/docs/reference/standard-sql/query-syntax */
#include <string.h>
#include <strings.h>

#include "sql/syntax.h"

/* At an opening parenthesis: the index after its closing one. */
static size_t after_paren(const struct parser *parser, size_t at)
{
    size_t depth = 0;
    for (; parser->tokens[at].kind != TOKEN_END; at++) {
        if (parser->tokens[at].kind != TOKEN_SYMBOL) continue;
        if (parser->tokens[at].text[0] == '(') depth++;
        if (parser->tokens[at].text[0] == ')' && --depth == 0) return at + 1;
    }
    return at;
}

/* ((SELECT 1) + 2) is an expression, ((SELECT 1) UNION ALL SELECT 2) a query. */
bool parse_is_query(const struct parser *parser)
{
    static const char *const more[] = {"UNION", "EXCEPT", "INTERSECT", "ORDER", "LIMIT"};
    size_t ahead = 0;
    while (parse_is_at(parser, ahead, "("))
        ahead++;
    if (ahead == 0 || (!parse_is_at(parser, ahead, "SELECT") && !parse_is_at(parser, ahead, "WITH")))
        return false;
    if (ahead == 1) return true;
    size_t after = after_paren(parser, parser->at + 1) - parser->at;
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        if (parse_is_at(parser, after, more[i])) return true;
    return false;
}

static const char *parse_alias(struct parser *parser)
{
    if (parse_take(parser, "AS")) return parse_name(parser, "an alias");
    return parse_is_name(parser) ? parse_name(parser, "an alias") : NULL;
}

/* p.d.t, `p.d.t`, my-project.d.t: split at every dot. */
struct pointer_list parse_path(struct parser *parser, size_t *out_at)
{
    struct pointer_list path = {0};
    const struct sql_token *first = parse_peek(parser);
    *out_at = first->at;
    const char *text = parse_name(parser, "a table's name");
    for (;;) {
        const struct sql_token *token = parse_peek(parser),
                               *next = token->kind != TOKEN_END ? token + 1 : token;
        bool joined = token->at == token[-1].end && next->at == token->end;
        if (parse_is(parser, "-") && joined && (next->kind == TOKEN_NAME || next->kind == TOKEN_INTEGER)) {
            text = sql_format(parser->sql, "%s-%s", text, next->text);
            parser->at += 2;
        } else if (parse_is(parser, ".") && (next->kind == TOKEN_NAME || next->kind == TOKEN_QUOTED)) {
            text = sql_format(parser->sql, "%s.%s", text, next->text);
            parser->at += 2;
        } else {
            break;
        }
    }
    const char *colon = strchr(text, ':'); /* example.com:project.d.t: the domain's dots do not count */
    for (const char *dot = strchr(colon ? colon : text, '.'); dot != NULL; dot = strchr(text, '.')) {
        list_add(parser->sql, &path, arena_text(&parser->sql->arena, text, (size_t)(dot - text)));
        text = dot + 1;
    }
    list_add(parser->sql, &path, arena_text(&parser->sql->arena, text, strlen(text)));
    return path;
}

static struct source_item *parse_join(struct parser *parser);

static void parse_unnest(struct parser *parser, struct source_item *item)
{
    item->kind = SOURCE_UNNEST;
    parse_need(parser, "UNNEST");
    parse_need(parser, "(");
    item->array = parse_expr(parser);
    parse_need(parser, ")");
}

static void parse_with_offset(struct parser *parser, struct source_item *item)
{
    if (!parse_is(parser, "WITH") || !parse_is_at(parser, 1, "OFFSET")) return;
    parser->at += 2;
    item->offset = parse_alias(parser);
    if (item->offset == NULL) item->offset = "offset";
}

static struct source_item *parse_source(struct parser *parser)
{
    struct source_item *item = arena_zero(&parser->sql->arena, sizeof *item);
    item->at = parse_peek(parser)->at;
    if (parse_is_query(parser)) {
        item->kind = SOURCE_QUERY;
        parse_need(parser, "(");
        item->query = parse_query(parser);
        parse_need(parser, ")");
    } else if (parse_take(parser, "(")) {
        sql_enter(parser->sql, item->at);
        item = parse_join(parser);
        sql_leave(parser->sql);
        parse_need(parser, ")");
        return item;
    } else if (parse_is(parser, "UNNEST")) {
        parse_unnest(parser, item);
    } else {
        item->kind = SOURCE_TABLE;
        item->path = parse_path(parser, &item->at);
        if (parse_is(parser, "(")) sql_fail_at(parser->sql, item->at, "Table functions are not supported");
        if (parse_is(parser, "FOR")) sql_fail_at(parser->sql, item->at, "FOR SYSTEM_TIME is not supported");
    }
    item->alias = parse_alias(parser);
    parse_with_offset(parser, item);
    if (parse_is(parser, "TABLESAMPLE") || parse_is(parser, "PIVOT") || parse_is(parser, "UNPIVOT")) {
        sql_fail_at(parser->sql, parse_peek(parser)->at, "%s is not supported", parse_peek(parser)->text);
    }
    return item;
}

/* False: no join follows. */
static bool parse_join_kind(struct parser *parser, enum join_kind *out_kind)
{
    static const struct {
        const char *word;
        enum join_kind kind;
        bool outer;
    } kinds[] = {{"INNER", JOIN_INNER, false}, {"CROSS", JOIN_CROSS, false}, {"LEFT", JOIN_LEFT, true}};
    *out_kind = JOIN_INNER;
    if (parse_take(parser, "JOIN")) return true;
    if (parse_is(parser, "RIGHT") || parse_is(parser, "FULL"))
        sql_fail_at(parser->sql, parse_peek(parser)->at, "%s JOIN is not supported",
                    parse_peek(parser)->text);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!parse_take(parser, kinds[i].word)) continue;
        if (kinds[i].outer) (void)parse_take(parser, "OUTER");
        parse_need(parser, "JOIN");
        *out_kind = kinds[i].kind;
        return true;
    }
    return false;
}

static void parse_join_condition(struct parser *parser, struct source_item *join)
{
    if (parse_take(parser, "ON")) {
        join->on = parse_expr(parser);
    } else if (parse_is(parser, "USING")) {
        sql_fail_at(parser->sql, parse_peek(parser)->at, "JOIN ... USING is not supported");
    } else if (join->right->kind != SOURCE_UNNEST && join->right->kind != SOURCE_TABLE) {
        /* A join with an array needs no condition; whether a path is one is known later. */
        parse_unexpected(parser, "ON");
    }
}

static struct source_item *parse_join(struct parser *parser)
{
    struct source_item *left = parse_source(parser);
    for (;;) {
        enum join_kind kind = JOIN_CROSS;
        bool comma = parse_take(parser, ",");
        if (!comma && !parse_join_kind(parser, &kind)) return left;
        sql_enter(parser->sql, left->at);
        struct source_item *join = arena_zero(&parser->sql->arena, sizeof *join);
        join->kind = SOURCE_JOIN;
        join->at = left->at;
        join->join = kind;
        join->left = left;
        join->right = parse_source(parser);
        if (kind != JOIN_CROSS) parse_join_condition(parser, join);
        left = join;
    }
}

static void parse_star_changes(struct parser *parser, struct select_item *item)
{
    if (parse_is(parser, "EXCEPT") && parse_is_at(parser, 1, "(") && !parse_is_at(parser, 2, "SELECT")) {
        parser->at += 2;
        do {
            const char *name = parse_name(parser, "a column's name");
            list_add(parser->sql, &item->except, arena_text(&parser->sql->arena, name, strlen(name)));
        } while (parse_take(parser, ","));
        parse_need(parser, ")");
    }
    if (!parse_is(parser, "REPLACE") || !parse_is_at(parser, 1, "(")) return;
    parser->at += 2;
    do {
        struct select_item *changed = arena_zero(&parser->sql->arena, sizeof *changed);
        changed->expr = parse_expr(parser);
        (void)parse_take(parser, "AS");
        changed->alias = parse_name(parser, "a column's name");
        list_add(parser->sql, &item->replace, changed);
    } while (parse_take(parser, ","));
    parse_need(parser, ")");
}

static void parse_item(struct parser *parser, struct select *select)
{
    struct select_item *item = arena_zero(&parser->sql->arena, sizeof *item);
    item->at = parse_peek(parser)->at;
    if (parse_take(parser, "*")) {
        item->star = true;
    } else {
        item->expr = parse_expr(parser);
        if (parse_take(parser, ".")) {
            parse_need(parser, "*");
            item->star = true;
        }
    }
    if (item->star) {
        parse_star_changes(parser, item);
    } else {
        item->alias = parse_alias(parser);
    }
    list_add(parser->sql, &select->items, item);
}

static struct select *parse_select(struct parser *parser)
{
    struct select *select = arena_zero(&parser->sql->arena, sizeof *select);
    select->at = parse_peek(parser)->at;
    parse_need(parser, "SELECT");
    select->distinct = parse_take(parser, "DISTINCT");
    if (!select->distinct) (void)parse_take(parser, "ALL");
    if (parse_take(parser, "AS")) {
        parse_need(parser, "STRUCT");
        select->as_struct = true;
    }
    do {
        if (select->items.count > 0 && parse_is(parser, "FROM")) break; /* a comma may hang */
        parse_item(parser, select);
    } while (parse_take(parser, ","));
    if (parse_take(parser, "FROM")) select->from = parse_join(parser);
    if (parse_take(parser, "WHERE")) select->where = parse_expr(parser);
    if (parse_take(parser, "GROUP")) {
        parse_need(parser, "BY");
        do {
            list_add(parser->sql, &select->group, parse_expr(parser));
        } while (parse_take(parser, ","));
    }
    if (parse_take(parser, "HAVING")) select->having = parse_expr(parser);
    if (parse_take(parser, "QUALIFY")) select->qualify = parse_expr(parser);
    if (parse_is(parser, "WINDOW"))
        sql_fail_at(parser->sql, parse_peek(parser)->at, "WINDOW is not supported");
    return select;
}

void parse_order(struct parser *parser, struct pointer_list *out_order)
{
    if (!parse_take(parser, "ORDER")) return;
    parse_need(parser, "BY");
    do {
        struct order *order = arena_zero(&parser->sql->arena, sizeof *order);
        order->expr = parse_expr(parser);
        order->descending = parse_take(parser, "DESC");
        if (!order->descending) (void)parse_take(parser, "ASC");
        if (parse_take(parser, "NULLS")) {
            order->nulls = parse_is(parser, "FIRST") ? "FIRST" : "LAST";
            if (!parse_take(parser, "FIRST")) parse_need(parser, "LAST");
        }
        list_add(parser->sql, out_order, order);
    } while (parse_take(parser, ","));
}

/* SELECT ... or a query in parentheses. */
static struct query *parse_operand(struct parser *parser)
{
    struct query *query = arena_zero(&parser->sql->arena, sizeof *query);
    query->at = parse_peek(parser)->at;
    if (parse_take(parser, "(")) {
        list_add(parser->sql, &query->inputs, parse_query(parser));
        parse_need(parser, ")");
    } else {
        query->select = parse_select(parser);
    }
    return query;
}

static const char *parse_set_operator(struct parser *parser)
{
    if (parse_take(parser, "UNION")) {
        if (parse_take(parser, "ALL")) return "UNION ALL";
        parse_need(parser, "DISTINCT");
        return "UNION";
    }
    const char *word = parse_is(parser, "EXCEPT")      ? "EXCEPT"
                       : parse_is(parser, "INTERSECT") ? "INTERSECT"
                                                       : NULL;
    if (word == NULL) return NULL;
    parser->at++;
    parse_need(parser, "DISTINCT");
    return word;
}

static void parse_with(struct parser *parser, struct query *query)
{
    if (!parse_take(parser, "WITH")) return;
    if (parse_is(parser, "RECURSIVE")) {
        sql_fail_at(parser->sql, parse_peek(parser)->at, "WITH RECURSIVE is not supported");
    }
    do {
        struct common *common = arena_zero(&parser->sql->arena, sizeof *common);
        common->at = parse_peek(parser)->at;
        common->name = parse_name(parser, "a name");
        parse_need(parser, "AS");
        parse_need(parser, "(");
        common->query = parse_query(parser);
        parse_need(parser, ")");
        list_add(parser->sql, &query->with, common);
    } while (parse_take(parser, ","));
}

struct query *parse_query(struct parser *parser)
{
    size_t at = parse_peek(parser)->at;
    sql_enter(parser->sql, at);
    struct query outer = {.at = at};
    parse_with(parser, &outer);
    struct query *query = parse_operand(parser);
    for (const char *set = parse_set_operator(parser); set != NULL; set = parse_set_operator(parser)) {
        if (query->set != NULL && strcmp(query->set, set) != 0) {
            sql_fail_at(
                parser->sql, parse_peek(parser)->at,
                "Syntax error: Different set operations cannot be used in the same query without using "
                "parentheses for grouping");
        }
        if (query->set == NULL) {
            struct query *first = query;
            query = arena_zero(&parser->sql->arena, sizeof *query);
            query->at = at;
            query->set = set;
            list_add(parser->sql, &query->inputs, first);
        }
        list_add(parser->sql, &query->inputs, parse_operand(parser));
    }
    query->with = outer.with;
    parse_order(parser, &query->order);
    if (parse_take(parser, "LIMIT")) {
        query->limit = parse_expr(parser);
        if (parse_take(parser, "OFFSET")) query->offset = parse_expr(parser);
    }
    sql_leave(parser->sql);
    return query;
}
