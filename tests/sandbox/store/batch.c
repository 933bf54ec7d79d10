/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a load job: checked one by one, written in chunks, visible all at once. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/internal.h"
#include "store/value.h"

#define CHUNK 500 /* rows that wait for the mutex together */

struct store_batch {
    struct store *store;
    char *dataset, *table;
    struct arena arena;
    const struct type *row; /* as it was when the batch began */
    struct transaction transaction;
    json_t *pending; /* array of fitted rows */
    int64_t rows;
    bool refuses_rounded_json;
    bool failed;
    struct store_error error; /* of the first chunk that could not be written */
};

bool store_batch_new(struct store *store, const char *dataset, const char *table,
                     struct store_batch **out_batch, struct store_error *err)
{
    char problem[160];
    pthread_mutex_lock(&store->mutex);
    struct store_table *found = catalog_find(store, dataset, table);
    bool good = found != NULL && found->view == NULL;
    if (good) {
        struct store_batch *batch = mem_zero(1, sizeof *batch);
        batch->store = store;
        batch->dataset = mem_text(dataset);
        batch->table = mem_text(table);
        batch->row = type_of_schema(&batch->arena, json_object_get(found->resource, "schema"), problem);
        batch->pending = json_array();
        transaction_begin(store, &batch->transaction);
        good = transaction_touch(store, &batch->transaction, found, false, NULL, err);
        *out_batch = batch;
    } else if (found == NULL) {
        store_fail(err, "notFound", "Not found: Table %s.%s", dataset, table);
    } else {
        store_fail(err, "invalid", "%s.%s is not allowed for this operation because it is a view", dataset,
                   table);
    }
    pthread_mutex_unlock(&store->mutex);
    return good;
}

static sqlite3_stmt *prepare_insert(struct store_batch *batch, struct store_error *err)
{
    char *sql = sqlite3_mprintf("INSERT INTO \"rows:%w.%w\" (", batch->dataset, batch->table);
    for (size_t i = 0; i < batch->row->field_count; i++)
        sql = sqlite3_mprintf("%z\"%w\", ", sql, batch->row->fields[i].name);
    sql = sqlite3_mprintf("%z\"" COLUMN_FROM "\") VALUES (", sql);
    for (size_t i = 0; i <= batch->row->field_count; i++)
        sql = sqlite3_mprintf("%z%s?", sql, i > 0 ? ", " : "");
    sql = sqlite3_mprintf("%z)", sql);
    sqlite3_stmt *stmt = store_prepare(batch->store, err, sql);
    sqlite3_free(sql);
    return stmt;
}

/* With the mutex held. */
static bool write_pending(struct store_batch *batch, struct store_error *err)
{
    struct store *store = batch->store;
    if (catalog_find(store, batch->dataset, batch->table) == NULL) {
        return store_fail(err, "notFound", "Not found: Table %s.%s", batch->dataset, batch->table);
    }
    sqlite3_stmt *stmt = prepare_insert(batch, err);
    if (stmt == NULL) return false;
    bool good = store_exec(store, err, "SAVEPOINT chunk");
    int count = (int)batch->row->field_count;
    for (size_t r = 0; r < json_array_size(batch->pending) && good; r++) {
        const json_t *row = json_array_get(batch->pending, r);
        for (int i = 0; i < count; i++)
            value_bind(stmt, i + 1, batch->row->fields[i].type,
                       json_object_get(row, batch->row->fields[i].key));
        (void)sqlite3_bind_int64(stmt, count + 1, -batch->transaction.number); /* the index is right */
        good = sqlite3_step(stmt) == SQLITE_DONE;
        if (!good) store_fail(err, "internalError", "%s", sqlite3_errmsg(store->db));
        (void)sqlite3_reset(stmt); /* repeats the step's answer */
    }
    sqlite3_finalize(stmt);
    good = store_exec(store, err, "RELEASE chunk") && good;
    (void)json_array_clear(batch->pending); /* an array it is */
    return good;
}

static bool flush(struct store_batch *batch, struct store_error *err)
{
    pthread_mutex_lock(&batch->store->mutex);
    bool good = write_pending(batch, err);
    pthread_mutex_unlock(&batch->store->mutex);
    return good;
}

bool store_batch_add(struct store_batch *batch, const json_t *row, struct store_error *err)
{
    json_t *fitted = value_fit_row(batch->row, row, err);
    if (fitted == NULL) return false;
    if (batch->refuses_rounded_json && !value_has_exact_json(batch->row, fitted)) {
        json_decref(fitted);
        return store_fail(err, "invalid",
                          "A number in a JSON column cannot round-trip through string "
                          "representation");
    }
    (void)json_array_append_new(batch->pending, fitted); /* memory only */
    batch->rows++;
    if (json_array_size(batch->pending) < CHUNK || batch->failed) return true;
    batch->failed = !flush(batch, &batch->error);
    return true;
}

void store_batch_refuse_rounded_json(struct store_batch *batch)
{
    batch->refuses_rounded_json = true;
}

static void free_batch(struct store_batch *batch)
{
    free(batch->dataset);
    free(batch->table);
    arena_done(&batch->arena);
    json_decref(batch->pending);
    free(batch);
}

static bool few_partitions(struct store_batch *batch, const struct store_table *table,
                           struct store_error *err)
{
    int64_t count = 0;
    if (table->partition == NULL) return true;
    char *sql = sqlite3_mprintf(
        "SELECT count(DISTINCT ifnull(substr(\"%w\", 1, 10), '')) FROM \"rows:%w.%w\" "
        "WHERE \"" COLUMN_FROM "\" < 0 AND \"" COLUMN_FROM "\" = %lld",
        table->partition, batch->dataset, batch->table, -(long long)batch->transaction.number);
    sqlite3_stmt *stmt = store_prepare(batch->store, err, sql);
    sqlite3_free(sql);
    bool good = stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW;
    if (good) count = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return good && store_partitions_fit(count, err);
}

/* With the mutex held. empty_only is decided now, so that of two batches one fails. */
static bool commit(struct store_batch *batch, bool empty_only, bool replace, struct store_error *err)
{
    struct store *store = batch->store;
    const char *d = batch->dataset, *t = batch->table;
    if (batch->failed) {
        *err = batch->error;
        return false;
    }
    if (!write_pending(batch, err)) return false;
    struct store_table *table = catalog_find(store, d, t);
    if (!few_partitions(batch, table, err)) return false;
    if (empty_only) {
        char *sql = sqlite3_mprintf("SELECT 1 FROM \"rows:%w.%w\" WHERE \"" COLUMN_FROM
                                    "\" > 0 AND (\"" COLUMN_TO "\" IS NULL OR \"" COLUMN_TO "\" < 0) LIMIT 1",
                                    d, t);
        sqlite3_stmt *stmt = store_prepare(store, err, sql);
        sqlite3_free(sql);
        bool empty = stmt != NULL && sqlite3_step(stmt) == SQLITE_DONE;
        sqlite3_finalize(stmt);
        if (!empty) return store_fail(err, "duplicate", "Already Exists: Table %s.%s", d, t);
    }
    if (replace) {
        batch->transaction.snapshot = store->commits;
        if (!transaction_touch(store, &batch->transaction, table, true, NULL, err)) return false;
        if (!store_exec(store, err,
                        "UPDATE \"rows:%w.%w\" SET \"" COLUMN_TO "\" = %lld WHERE \"" COLUMN_FROM
                        "\" > 0 AND \"" COLUMN_TO "\" IS NULL",
                        d, t, -(long long)batch->transaction.number))
            return false;
    }
    return transaction_commit(store, &batch->transaction, err);
}

bool store_batch_commit(struct store_batch *batch, bool empty_only, bool replace, int64_t *out_rows,
                        struct store_error *err)
{
    struct store *store = batch->store;
    pthread_mutex_lock(&store->mutex);
    bool good = commit(batch, empty_only, replace, err);
    if (!good) transaction_rollback(store, &batch->transaction);
    pthread_mutex_unlock(&store->mutex);
    *out_rows = good ? batch->rows : 0;
    free_batch(batch);
    return good;
}

void store_batch_drop(struct store_batch *batch)
{
    if (batch == NULL) return;
    pthread_mutex_lock(&batch->store->mutex);
    transaction_rollback(batch->store, &batch->transaction);
    pthread_mutex_unlock(&batch->store->mutex);
    free_batch(batch);
}
