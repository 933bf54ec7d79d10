/* SPDX-License-Identifier: Apache-2.0 */
/* store.h - BigQuery's datasets and tables, over one SQLite database. Any thread.
 *
 * Rows carry hidden commit numbers (from, to), so that a transaction reads one snapshot plus its own writes,
 * whatever others commit meanwhile, as BigQuery's do. Rules of conflict: a statement that updates or deletes
 * rows of a table claims that table for its transaction; if another running transaction holds the claim, or
 * a commit after our snapshot updated that table, the transaction is cancelled ("Transaction is aborted due
 * to concurrent update against table ..."). Inserts never conflict.
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
/* From now on a number in a JSON column whose text would change is refused; else it is rounded. */
void store_batch_refuse_rounded_json(struct store_batch *batch);
bool store_batch_add(struct store_batch *batch, const json_t *row, struct store_error *err);
/* All rows appear at once. empty_only: fails with reason "duplicate" if the table has rows (WRITE_EMPTY);
 * replace: rows that were there disappear (WRITE_TRUNCATE). Ends the batch's life. */
bool store_batch_commit(struct store_batch *batch, bool empty_only, bool replace, int64_t *out_rows,
                        struct store_error *err);
void store_batch_drop(struct store_batch *batch);

#endif
