/* SPDX-License-Identifier: Apache-2.0 */
/* sql.h - GoogleSQL on the tables of a store. Any thread.
 *
 * SQL text is parsed into a tree, names and types are resolved against the catalog, and each statement is run
 * on SQLite. The engine does not know the loader's scripts. It refuses by name what it does not serve.
 */
#ifndef CASELOAD_SANDBOX_SQL_H
#define CASELOAD_SANDBOX_SQL_H

#include "store/store.h"

/* A part of a script that has run: a statement, or an expression of DECLARE, SET, IF or WHILE that read
 * tables. Everything is borrowed. */
struct sql_step {
    const char *text;
    size_t from, end;      /* where it is in the script */
    const char *statement; /* "SELECT", "INSERT", "COMMIT_TRANSACTION", ... */
    bool is_expression;
    json_t *tables; /* array of "dataset.table" that it read or wrote */
    json_t *schema; /* of its rows; NULL: it shows none */
    json_t *rows;   /* as in struct sql_result */
    int64_t row_bytes;
    int64_t affected;                /* rows of a DML statement, -1: it is none */
    const struct store_error *error; /* reason "": it went well */
};

/* One query job: a statement or a script. */
struct sql_query {
    const char *text;
    const char *project;         /* names may be written project.dataset.table or dataset.table */
    const char *default_dataset; /* NULL: none */
    const json_t *parameters;    /* the REST array queryParameters; NULL: none */
    bool dry_run;                /* only parse and resolve; a script: only parse */
    int64_t most_bytes;          /* of the memory of a statement's rows; more fail it; 0: any number */
    /* Called before each statement of a script with its text; may block (job faults). NULL: not wanted. */
    void (*before)(void *self, const char *statement);
    void (*after)(void *self,
                  const struct sql_step *step); /* after each part of a script; NULL: not wanted */
    /* The rows of INFORMATION_SCHEMA.JOBS, yours: an array of objects; NULL: the error is set. jobs_schema
     * tells their columns. NULL: there is no such view. */
    json_t *(*jobs)(void *self, const char *region, struct store_error *err);
    const json_t *jobs_schema;
    void *self;
};

struct sql_result {
    json_t *schema;     /* {"fields":[...]}; NULL: no rows to show */
    json_t *rows;       /* array of {"f":[{"v":...}]}, timestamps as microseconds in text */
    int64_t row_bytes;  /* the memory that they take, roughly */
    int64_t affected;   /* rows of the last DML statement, -1: none */
    char statement[32]; /* "SELECT", "INSERT", "SCRIPT", ... */
    json_t *tables;     /* array of "dataset.table" that were read or written */
    json_t *scans;      /* the same for each statement that names tables, which is billed by itself */
    const char *ddl;   /* what the last CREATE or DROP did: "CREATE", "REPLACE", "SKIP", "DROP"; NULL: none */
    json_t *ddl_table; /* to this one: "dataset.table"; NULL: none */
};

/* out_result is yours: sql_result_done. A script shows its last SELECT. Not committed at its end: rolled
 * back. */
bool sql_run(struct store *store, const struct sql_query *query, struct sql_result *out_result,
             struct store_error *err);
void sql_result_done(struct sql_result *result);

#endif
