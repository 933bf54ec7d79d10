/* SPDX-License-Identifier: Apache-2.0 */
/* syntax.h - GoogleSQL text as a tree. Private to this folder.
 *
 * text -> tokens (lex.c) -> statements (parse*.c) -> SQLite's SQL with types (emit*.c) -> run,
 * one statement after the other (script.c).
 *
 * All that one query job allocates lives in its arena and dies with it; therefore a mistake in the text may
 * leave any depth of recursion by longjmp (sql_fail), and nothing leaks. One thread a job.
 */
#ifndef CASELOAD_SANDBOX_SQL_SYNTAX_H
#define CASELOAD_SANDBOX_SQL_SYNTAX_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "store/arena.h"
#include "store/store.h"
#include "store/types.h"

/* --- failing --- */
struct sql {
    struct arena arena;
    const char *text; /* the whole script: positions in errors count from here */
    struct store_error *err;
    jmp_buf *out; /* where sql_fail goes */
    int depth;    /* of nested expressions and queries */
};

#define SQL_DEPTH       200 /* deeper texts are refused */
#define SQL_NO_FUNCTION "Function not found: %s; the sandbox does not serve it"

_Noreturn void sql_fail(struct sql *sql, const char *reason, const char *format, ...) PRINTF(3, 4);
/* invalidQuery, with " at [line:column]" after the message. */
_Noreturn void sql_fail_at(struct sql *sql, size_t at, const char *format, ...) PRINTF(3, 4);
const char *sql_format(struct sql *sql, const char *format, ...) PRINTF(2, 3);
/* Counts one level; fails when there are too many. Leave with sql_leave. */
void sql_enter(struct sql *sql, size_t at);
void sql_leave(struct sql *sql);

/* A growing array of pointers in the arena. */
struct pointer_list {
    void **items;
    size_t count, capacity;
};

void list_add(struct sql *sql, struct pointer_list *list, void *item);

/* --- tokens (lex.c) --- */
enum token_kind {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_QUOTED,
    TOKEN_STRING,
    TOKEN_INTEGER,
    TOKEN_FLOAT,
    TOKEN_SYMBOL
};

struct sql_token {
    enum token_kind kind;
    const char *text; /* decoded; names as written */
    size_t at, end;   /* offsets in the script */
};

struct sql_token *sql_tokens(struct sql *sql, size_t *out_count); /* the last one is TOKEN_END */

/* --- expressions --- */
enum expr_kind {
    EXPR_NULL,
    EXPR_BOOL,
    EXPR_INTEGER,
    EXPR_FLOAT,
    EXPR_STRING,
    EXPR_TYPED,     /* DATE '...': type, name is the text */
    EXPR_NAME,      /* name */
    EXPR_FIELD,     /* args[0].name */
    EXPR_PARAMETER, /* @name */
    EXPR_SYSTEM,    /* @@name */
    EXPR_UNARY,     /* name is the operator: NOT - + */
    EXPR_BINARY,    /* name is the operator */
    EXPR_IS,        /* args[0] IS [negated] name: NULL TRUE FALSE */
    EXPR_DISTINCT,  /* args[0] IS [negated] DISTINCT FROM args[1] */
    EXPR_LIKE,
    EXPR_BETWEEN,   /* args: value, low, high */
    EXPR_IN_LIST,   /* args: value, then the list */
    EXPR_IN_QUERY,  /* args[0] IN (query) */
    EXPR_IN_UNNEST, /* args[0] IN UNNEST(args[1]) */
    EXPR_CASE,      /* base: args[0] or NULL; then when, then, ..., else or NULL at the end */
    EXPR_CAST,      /* type, safe */
    EXPR_INTERVAL,  /* INTERVAL args[0] name */
    EXPR_CALL,      /* name(args) and what follows it in the parentheses */
    EXPR_QUERY,     /* scalar subquery */
    EXPR_EXISTS,
    EXPR_ARRAY_QUERY,
    EXPR_ARRAY,  /* [args]; type is the element's or NULL */
    EXPR_STRUCT, /* STRUCT(args): names; type or NULL */
    EXPR_INDEX   /* args[0][name(args[1])]: name OFFSET, SAFE_OFFSET, ORDINAL, SAFE_ORDINAL or "" */
};

struct order {
    struct expr *expr;
    bool descending;
    const char *nulls; /* "FIRST", "LAST" or NULL */
};

struct sql_window {
    struct pointer_list partition; /* struct expr */
    struct pointer_list order;     /* struct order */
    const char *frame;             /* " ROWS BETWEEN ...", built from known words; "" */
};

struct expr {
    enum expr_kind kind;
    size_t at;
    const char *name;
    struct pointer_list args;  /* struct expr */
    struct pointer_list names; /* of a STRUCT's fields: const char, "" for none */
    const struct type *type;
    struct query *query;
    struct sql_window *window; /* OVER (...) */
    struct pointer_list order; /* of an aggregate: ORDER BY */
    struct expr *limit;        /* of an aggregate */
    bool negated, safe, distinct, star, ignore_nulls, respect_nulls;
};

/* --- queries --- */
enum source_kind { SOURCE_TABLE, SOURCE_QUERY, SOURCE_UNNEST, SOURCE_JOIN };
enum join_kind { JOIN_INNER, JOIN_LEFT, JOIN_CROSS };

struct source_item {
    enum source_kind kind;
    size_t at;
    struct pointer_list path; /* of a table: const char, as written between dots */
    const char *alias;        /* NULL: none */
    struct query *query;
    struct expr *array; /* of UNNEST */
    const char *offset; /* WITH OFFSET AS ...; NULL: none */
    enum join_kind join;
    struct source_item *left, *right;
    struct expr *on;
};

struct select_item {
    struct expr *expr; /* of a star: the expression before ".*", or NULL */
    const char *alias; /* NULL: none */
    bool star;
    size_t at;
    struct pointer_list except;  /* const char */
    struct pointer_list replace; /* struct select_item */
};

struct select {
    size_t at;
    bool distinct, as_struct;
    struct pointer_list items; /* struct select_item */
    struct source_item *from;
    struct expr *where, *having, *qualify;
    struct pointer_list group; /* struct expr */
};

struct common { /* name AS (query) of a WITH */
    const char *name;
    struct query *query;
    size_t at;
};

struct query {
    size_t at;
    struct pointer_list with; /* struct common */
    struct select *select;    /* or */
    const char
        *set; /* "UNION ALL", "UNION", "EXCEPT", "INTERSECT" over inputs; or one input in parentheses */
    struct pointer_list inputs; /* struct query */
    struct pointer_list order;  /* struct order */
    struct expr *limit, *offset;
};

/* --- statements --- */
enum statement_kind {
    STATEMENT_SELECT,
    STATEMENT_INSERT,
    STATEMENT_UPDATE,
    STATEMENT_DELETE,
    STATEMENT_CREATE_TABLE,
    STATEMENT_CREATE_VIEW,
    STATEMENT_DROP,
    STATEMENT_GRANT,
    STATEMENT_DECLARE,
    STATEMENT_SET,
    STATEMENT_IF,
    STATEMENT_WHILE,
    STATEMENT_RAISE,
    STATEMENT_BEGIN,
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK
};

struct option { /* OPTIONS(name = value) */
    const char *name;
    struct expr *value;
};

struct statement {
    enum statement_kind kind;
    size_t at;
    const char *text;           /* the source text, trimmed */
    size_t from, end;           /* and where it is in the script */
    struct pointer_list target; /* the table's path: const char */
    const char *alias;
    struct pointer_list names;  /* columns of INSERT, UPDATE, CREATE; variables of DECLARE, SET: const char */
    struct pointer_list exprs;  /* values of UPDATE's SET; SET's one expression; condition of IF, WHILE */
    struct pointer_list rows;   /* of INSERT ... VALUES: struct expr, kind STRUCT */
    struct pointer_list blocks; /* of IF, WHILE: struct pointer_list of statements */
    struct pointer_list fields; /* of CREATE ... (...): struct struct_field; of a view: without types */
    struct pointer_list field_notes; /* their descriptions: const char, "" for none */
    struct pointer_list options;     /* of CREATE: struct option */
    struct pointer_list cluster;     /* of CREATE TABLE: const char */
    struct query *query;             /* of INSERT, SELECT, CREATE ... AS */
    const char *query_text;          /* of CREATE VIEW: the query as written */
    const char *partition;           /* of CREATE TABLE: PARTITION BY column */
    enum type_kind partitioned;      /* what that column must be: DATE, or TIMESTAMP in DATE(...) */
    struct expr *where;
    const struct type *type; /* of DECLARE; NULL: that of the default */
    bool or_replace, if_exists, is_view;
};

/* As statistics.query.statementType; NULL: a part of a script that is no statement of its own. */
const char *statement_name(const struct statement *statement);

/* --- the parser (parse*.c) --- */
struct parser {
    struct sql *sql;
    const struct sql_token *tokens;
    size_t at;
};

struct pointer_list sql_parse(struct sql *sql); /* of struct statement */

const struct sql_token *parse_peek(const struct parser *parser);
bool parse_is(const struct parser *parser, const char *word); /* a symbol, or a word not in backticks */
bool parse_is_at(const struct parser *parser, size_t ahead, const char *word);
bool parse_take(struct parser *parser, const char *word);
void parse_need(struct parser *parser, const char *word);
const char *parse_name(struct parser *parser, const char *what); /* an identifier */
bool parse_is_name(const struct parser *parser);                 /* an identifier that is not reserved */
_Noreturn void parse_unexpected(struct parser *parser, const char *wanted);
struct expr *parse_expr(struct parser *parser);
struct query *parse_query(struct parser *parser);
bool parse_is_query(const struct parser *parser); /* SELECT, WITH or a parenthesis before them */
void parse_order(struct parser *parser, struct pointer_list *out_order);
const struct type *parse_type(struct parser *parser);
struct pointer_list parse_path(struct parser *parser, size_t *out_at); /* a table's name */
void parse_names(struct parser *parser, struct pointer_list *out_names, const char *what);

/* parse_ddl.c: the rest of the statement after the word */
void parse_create(struct parser *parser, struct statement *statement);
void parse_drop(struct parser *parser, struct statement *statement);

/* grant.c: the same; names: roles, target: the dataset, exprs: members */
void parse_grant(struct parser *parser, struct statement *statement);

#endif
