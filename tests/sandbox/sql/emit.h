/* SPDX-License-Identifier: Apache-2.0 */
/* emit.h - from the tree to SQLite's SQL, with types and scopes. Private to the store.
 *
 * ?1 is the commit that is read, ?2 the negative number of the running transaction, ?3 and up the bindings.
 * A query's columns are called c1, c2, ... in SQLite; a relation in a FROM has an alias of its own (t1, t2,
 * ...).
 */
#ifndef CASELOAD_SANDBOX_SQL_EMIT_H
#define CASELOAD_SANDBOX_SQL_EMIT_H

#include "sql/sql.h"
#include "sql/syntax.h"
#include "store/internal.h"
#include "store/value.h"

struct value {
    const char *sql;
    const struct type *type;
    bool literal; /* a literal or parameter: coerced more freely than other expressions */
};

/* A script variable or parameter. */
struct variable {
    const char *name;
    const struct type *type;
    json_t *value; /* stored form; NULL or JSON null: NULL */
};

struct sql_column {
    const char *name; /* "": none */
    const char *sql;
    const struct type *type;
    bool literal; /* of a SELECT's output: INSERT coerces it as a literal */
};

struct relation {
    const char *alias;           /* as people write it; "": none */
    struct pointer_list columns; /* struct sql_column */
    const struct type *value;    /* of an UNNEST: the element's type */
    const char *value_sql;
    struct store_table *table; /* a stored table, or NULL */
};

struct violation {
    const char *name;
    size_t at;
};

/* The names that one SELECT can see; parent: those of the query around it. */
struct scope {
    struct scope *parent;
    struct pointer_list relations;   /* struct relation */
    struct pointer_list outputs;     /* struct sql_column: the SELECT's own columns, by alias */
    bool aliases;                    /* outputs can be named now: GROUP BY, HAVING, QUALIFY, ORDER BY */
    bool aggregated;                 /* there is GROUP BY or an aggregate */
    struct pointer_list grouped;     /* const char: SQL of the grouping expressions */
    struct violation violations[16]; /* columns named outside of aggregates; what is grouped is taken back */
    size_t violation_count;
    const char *forbidden;         /* where aggregates may not stand now: "WHERE clause" */
    size_t own_names, outer_names; /* columns named: of this SELECT's FROM, and of queries around it */
    bool stored;                   /* its FROM reads stored tables */
    bool in_aggregate;
};

struct with {
    struct with *parent;
    const char *name;
    const char *sql; /* its name in SQLite */
    struct pointer_list columns;
};

struct emitter {
    struct sql *sql;
    struct store *store;
    const struct sql_query *query;
    const char *project, *default_dataset;
    struct pointer_list *variables;  /* struct variable */
    struct pointer_list *parameters; /* struct variable */
    struct pointer_list *owned;      /* struct variable: values to be freed with the script */
    int64_t row_count;               /* @@row_count */
    int64_t now_us; /* the transaction's beginning; else read once a statement, at first use; 0: not yet */
    int names;      /* aliases given */
    int views;      /* views open: they can't go round in circles */
    struct pointer_list bindings; /* struct variable */
    struct pointer_list tables;   /* struct store_table: everything named */
    bool reads_jobs;              /* INFORMATION_SCHEMA.JOBS is named */
    struct scope *scope;
    struct with *with;
};

struct output {
    const char *sql;
    struct pointer_list columns; /* struct sql_column; sql is c1, c2, ... */
    bool as_struct;
};

/* emit.c */
struct value emit_expr(struct emitter *emitter, const struct expr *expr);
int64_t emit_now(struct emitter *emitter);

/* clause.c */
/* As a condition: BOOL. where names the clause in messages. */
const char *emit_condition(struct emitter *emitter, const struct expr *expr, const char *where);
const char *emit_over(struct emitter *emitter, const struct sql_window *window);
const char *emit_order(struct emitter *emitter, const struct pointer_list *order);

/* coerce.c */
struct value value_make(const char *sql, const struct type *type);
/* NULL sql: it can't be coerced. assign: as an assignment to a column, which takes what a literal gives. */
struct value coerce(struct emitter *emitter, struct value value, const struct type *type);
/* The type that all can have; fails naming the function or operator. */
const struct type *common_type(struct emitter *emitter, const struct value *values, size_t count, size_t at,
                               const char *what);
const char *json_of(struct emitter *emitter, struct value value); /* as an element of a JSON text */
const char *field_of(struct emitter *emitter, const char *sql, const struct struct_field *field);
const char *json_text_of(struct emitter *emitter, struct value value); /* TO_JSON_STRING */
const char *struct_of(struct emitter *emitter, const struct type *type, const struct value *values);
struct value element_of(struct emitter *emitter, const char *each,
                        const struct type *element);               /* of json_each */
const char *quote_text(struct emitter *emitter, const char *text); /* 'it''s' */
const char *quote_name(struct emitter *emitter, const char *name); /* "a""b" */
void need_groupable(struct emitter *emitter, const struct type *type, size_t at, const char *what);

/* functions.c */
struct value emit_call(struct emitter *emitter, const struct expr *expr);
const char *emit_part(struct emitter *emitter, const struct expr *expr);    /* a date part's name */
bool expr_is_fixed(const struct emitter *emitter, const struct expr *expr); /* no column, no query */

/* collect.c: aggregates that look at all values at once */
bool is_collecting(const char *function); /* always, and never as a window function */
/* False: it is none of them, or a rule is enough for it as it is called. */
bool emit_collecting(struct emitter *emitter, const struct expr *expr, struct value *out_value);

/* scope.c */
struct value resolve_name(struct emitter *emitter, const struct expr *expr); /* EXPR_NAME and EXPR_FIELD */
/* False: the expression is not the name of a relation in the innermost scope. */
bool resolve_relation(struct emitter *emitter, const struct expr *expr, struct relation **out_relation);
struct store_table *resolve_table(struct emitter *emitter, const struct pointer_list *path, size_t at);
struct value field_value(struct emitter *emitter, struct value base, const char *name, size_t at);
struct value relation_value(struct emitter *emitter, const struct relation *relation);
const char *emit_visible(void); /* the condition on a stored row */
/* Fails if the SELECT names columns of a query around it in a way that BigQuery can't make a join of: without
 * an equality between the two, or with a LIMIT. Arrays may be unnested freely. */
void need_decorrelated(struct emitter *emitter, const struct query *query);
/* Fails if the table wants a filter on its partitioning column and where has none. */
void need_partition_filter(struct emitter *emitter, const struct relation *relation,
                           const struct expr *where);

/* from.c */
const char *emit_from(struct emitter *emitter, const struct source_item *item);
struct relation *relation_of_table(struct emitter *emitter, struct store_table *table, const char *sql,
                                   const char *alias);

/* query.c */
struct output emit_query(struct emitter *emitter, const struct query *query);
/* As a scalar: one column, or a struct of all. */
struct value emit_single(struct emitter *emitter, const struct output *output, const struct query *query);

/* dml.c: SQL for one INSERT, UPDATE or DELETE. */
struct write {
    struct store_table *table;
    bool update;               /* rows change or vanish */
    const char *statements[3]; /* run in order; the last one's changes are counted, unless a list is given */
    size_t count, counted;     /* statements[counted]'s changes are the affected rows */
};
struct write emit_insert(struct emitter *emitter, const struct statement *statement);
struct write emit_update(struct emitter *emitter, const struct statement *statement);
struct write emit_delete(struct emitter *emitter, const struct statement *statement);
struct write emit_write_of(struct emitter *emitter, struct store_table *table, const struct output *output);

/* runtime.c */
bool runtime_register(sqlite3 *db);

#endif
