/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - the store's own structures. Everything here is touched with the mutex held only. */
#ifndef CASELOAD_SANDBOX_STORE_INTERNAL_H
#define CASELOAD_SANDBOX_STORE_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>

#include "store/arena.h"
#include "store/store.h"
#include "store/types.h"

#define COLUMN_FROM "rows:from" /* BigQuery allows no colon in a column's name */
#define COLUMN_TO   "rows:to"

struct store_dataset {
    char *name;
    json_t *resource;
};

struct store_table {
    char *dataset, *name;
    json_t *resource;
    struct arena arena;     /* of row */
    const struct type *row; /* a STRUCT of the columns; of a view: no fields */
    const char *view;       /* its query, borrowed from the resource; NULL: a table */
    const char *partition;  /* the partitioning column, borrowed; NULL: none */
    bool filter_required;   /* requirePartitionFilter */
    int64_t claimed_by;     /* the running transaction that updates it; 0: none */
    int64_t updated_at;     /* the last commit that updated or deleted rows of it */
    int64_t made;           /* tells it from others that have had its name */
};

struct store {
    sqlite3 *db;
    pthread_mutex_t mutex;
    int64_t (*now_us)(void *);
    void *now_self;
    struct store_dataset *datasets;
    size_t dataset_count;
    struct store_table **tables;
    size_t table_count;
    bool has_functions;   /* those of SQL are registered */
    int64_t commits;      /* the last commit's number */
    int64_t transactions; /* the last transaction's number */
    int64_t tables_made;
};

/* A transaction of one job. Zeroed: none is running, and the newest commit is read. */
struct transaction {
    int64_t number;   /* 0: none */
    int64_t snapshot; /* the commit it reads */
    struct touched {
        char *dataset, *table;
        int64_t made; /* of the table that was written to */
        bool updated; /* it is claimed */
        bool changed; /* its rows are others than before; known at the commit */
    } * touched;      /* the tables it wrote to; they may be gone meanwhile */
    size_t touched_count;
};

/* store.c */
bool store_fail(struct store_error *err, const char *reason, const char *format, ...)
    PRINTF(3, 4); /* false */
/* format is SQLite's own: %w doubles ", %Q quotes a text. */
bool store_exec(struct store *store, struct store_error *err, const char *format, ...);
sqlite3_stmt *store_prepare(struct store *store, struct store_error *err, const char *sql); /* NULL: failed */
bool store_partitions_fit(int64_t count, struct store_error *err); /* of what one job writes */
void transaction_begin(struct store *store, struct transaction *transaction);
/* Before rows of the table are written; update: rows may change or vanish, which claims the table. */
bool transaction_touch(struct store *store, struct transaction *transaction, struct store_table *table,
                       bool update, const char *project, struct store_error *err);
bool transaction_commit(struct store *store, struct transaction *transaction, struct store_error *err);
void transaction_rollback(struct store *store, struct transaction *transaction);

/* catalog.c */
bool catalog_load(struct store *store, struct store_error *err);
void catalog_done(struct store *store);
struct store_table *catalog_find(struct store *store, const char *dataset, const char *table);
bool catalog_has_dataset(const struct store *store, const char *dataset);
json_t *catalog_dataset(const struct store *store, const char *dataset); /* borrowed; NULL: none */
bool catalog_put_dataset(struct store *store, const char *dataset, json_t *resource, struct store_error *err);
const char *catalog_location(const struct store *store, const char *dataset); /* never NULL */
bool catalog_put(struct store *store, const char *dataset, const char *table, json_t *resource,
                 struct store_error *err);
bool catalog_drop(struct store *store, const char *dataset, const char *table);
/* The table `from` takes the name and the place of `to`, which may be there. */
bool catalog_replace(struct store *store, const char *dataset, const char *from, const char *to,
                     struct store_error *err);
void catalog_touch(struct store *store, struct store_table *table); /* its rows have changed: a new stamp */

#endif
