/* SPDX-License-Identifier: Apache-2.0 */
/* store.h - BigQuery's tables and its SQL, over one SQLite database. Any thread.
 *
 * Rows carry hidden commit numbers (from, to), so that a transaction reads one snapshot plus its own writes,
 * whatever others commit meanwhile, as BigQuery's do. Rules of conflict: a statement that updates or deletes
 * rows of a table claims that table for its transaction; if another running transaction holds the claim, or
 * a commit after our snapshot updated that table, the transaction is cancelled ("Transaction is aborted due
 * to concurrent update against table ..."). Inserts never conflict.
 *
 * SQL text is parsed into a tree, names and types are resolved against the catalog, and each statement is run
 * on SQLite; nothing knows the loader's scripts. What GoogleSQL has and this does not is refused by name.
 *
 * Values in SQLite: INT64 and BOOL integer, FLOAT64 real, STRING text, DATE '2026-01-31', TIMESTAMP
 * '2026-01-31 10:11:12.000001+00' (sorts as text), JSON text, ARRAY and STRUCT (RECORD) JSON text. For
 * people, a view of each table's current rows has the table's own name ("contacts"; with more than one
 * dataset "dataset.contacts" too).
 */
#ifndef CASELOAD_SANDBOX_STORE_H
#define CASELOAD_SANDBOX_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct store;

/* Reasons and messages as BigQuery words them. */
struct store_error {
    char reason[64]; /* "invalidQuery", "notFound", "duplicate", "invalid" */
    char message[960];
};

bool store_open(const char *path, int64_t (*now_us)(void *), void *now_self, struct store **out_store,
                struct error *err);
void store_close(struct store *store);

/* The catalog: resources as the REST API shows them
 * ({"tableReference","schema","timePartitioning","view",...}); the caller validates and stamps them, and adds
 * kind. Getters return new references, NULL if absent. */

/* A new etag, and now as lastModifiedTime; as creationTime too, if there is none. The store does it itself
 * when a statement makes a table, and when a commit changed rows of one. */
void store_stamp(json_t *resource, int64_t now_us);
json_t *store_dataset(struct store *store, const char *dataset);
bool store_dataset_put(struct store *store, const char *dataset, json_t *resource); /* new or changed */
void store_dataset_drop(struct store *store, const char *dataset);                  /* with its tables */
json_t *store_dataset_list(struct store *store);                                    /* array of resources */

json_t *store_table(struct store *store, const char *dataset, const char *table);
/* Creates (rows empty) or changes (columns may be added; a table never changes into a view). */
bool store_table_put(struct store *store, const char *dataset, const char *table, json_t *resource,
                     struct store_error *err);
bool store_table_drop(struct store *store, const char *dataset, const char *table);
json_t *store_table_list(struct store *store, const char *dataset); /* array of resources */
int64_t store_table_rows(struct store *store, const char *dataset, const char *table);

/* Checks one NDJSON row (object) against the schema and makes it fit for insertion: REQUIRED, types, unknown
 * names (refused), nested records. The message is like BigQuery's; NULL err.reason otherwise. */
struct store_batch;
bool store_batch_new(struct store *store, const char *dataset, const char *table,
                     struct store_batch **out_batch, struct store_error *err);
bool store_batch_add(struct store_batch *batch, const json_t *row, struct store_error *err);
/* All rows appear at once. empty_only: fails with reason "duplicate" if the table has rows (WRITE_EMPTY);
 * replace: rows that were there disappear (WRITE_TRUNCATE). Ends the batch's life. */
bool store_batch_commit(struct store_batch *batch, bool empty_only, bool replace, int64_t *out_rows,
                        struct store_error *err);
void store_batch_drop(struct store_batch *batch);

/* One query job: a statement or a script. */
struct store_query {
    const char *text;
    const char *project;         /* names may be written project.dataset.table or dataset.table */
    const char *default_dataset; /* NULL: none */
    const json_t *parameters;    /* the REST array queryParameters; NULL: none */
    bool dry_run;                /* only parse and resolve; a script: only parse */
    /* Called before each statement of a script with its text; may block (job faults). NULL: not wanted. */
    void (*before)(void *self, const char *statement);
    void *self;
};

struct store_result {
    json_t *schema;     /* {"fields":[...]}; NULL: no rows to show */
    json_t *rows;       /* array of {"f":[{"v":...}]}, timestamps as microseconds in text */
    int64_t affected;   /* rows of the last DML statement, -1: none */
    char statement[32]; /* "SELECT", "INSERT", "SCRIPT", ... */
    json_t *tables;     /* array of "dataset.table" that were read or written */
    const char *ddl;   /* what the last CREATE or DROP did: "CREATE", "REPLACE", "SKIP", "DROP"; NULL: none */
    json_t *ddl_table; /* to this one: "dataset.table"; NULL: none */
};

/* out_result is yours: store_result_done. A script shows its last SELECT. Not committed at its end: rolled
 * back. */
bool store_run(struct store *store, const struct store_query *query, struct store_result *out_result,
               struct store_error *err);
void store_result_done(struct store_result *result);

#endif
