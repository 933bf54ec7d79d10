/* SPDX-License-Identifier: Apache-2.0 */
/* The database, its transactions and their commit numbers. */
#include "store/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

bool store_fail(struct store_error *err, const char *reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)snprintf(err->reason, sizeof err->reason, "%s", reason);
    (void)vsnprintf(err->message, sizeof err->message, format, args); /* cut if it must be */
    va_end(args);
    return false;
}

static bool run(struct store *store, struct store_error *err, const char *sql)
{
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK) return true;
    return store_fail(err, "internalError", "The sandbox's database: %s in: %.600s",
                      sqlite3_errmsg(store->db), sql);
}

bool store_exec(struct store *store, struct store_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *sql = sqlite3_vmprintf(format, args);
    va_end(args);
    if (sql == NULL) abort();
    bool done = run(store, err, sql);
    sqlite3_free(sql);
    return done;
}

sqlite3_stmt *store_prepare(struct store *store, struct store_error *err, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL) == SQLITE_OK) return stmt;
    /* The text was accepted as GoogleSQL, so this is a gap of ours; say so with the text. */
    store_fail(err, "invalidQuery", "The sandbox can't run this: %s in: %.600s", sqlite3_errmsg(store->db),
               sql);
    return NULL;
}

bool store_open(const char *path, int64_t (*now_us)(void *), void *now_self, struct store **out_store,
                struct error *err)
{
    struct store_error failed = {0};
    struct store *store = mem_zero(1, sizeof *store);
    store->now_us = now_us;
    store->now_self = now_self;
    pthread_mutex_init(&store->mutex, NULL);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    bool good = sqlite3_open_v2(path != NULL ? path : ":memory:", &store->db, flags, NULL) == SQLITE_OK;
    if (!good) store_fail(&failed, "", "%s", sqlite3_errmsg(store->db));
    good = good && store_exec(store, &failed, "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF");
    good = good && catalog_load(store, &failed);
    if (!good) {
        error_set(err, ERROR_CONFIG, "the sandbox's database %s can't be opened: %.600s",
                  path != NULL ? path : "", failed.message);
        store_close(store);
        return false;
    }
    *out_store = store;
    return true;
}

void store_close(struct store *store)
{
    if (store == NULL) return;
    catalog_done(store);
    (void)sqlite3_close(store->db); /* every statement has been finalized */
    pthread_mutex_destroy(&store->mutex);
    free(store);
}

#define MOST_PARTITIONS 4000

bool store_partitions_fit(int64_t count, struct store_error *err)
{
    if (count <= MOST_PARTITIONS) return true;
    return store_fail(
        err, "invalidQuery",
        "Too many partitions produced by query, allowed %d, query produces at least %lld partitions",
        MOST_PARTITIONS, (long long)count);
}

/* --- transactions --- */

void transaction_begin(struct store *store, struct transaction *transaction)
{
    *transaction = (struct transaction){.number = ++store->transactions, .snapshot = store->commits};
}

static struct touched *touched_of(struct transaction *transaction, const struct store_table *table)
{
    for (size_t i = 0; i < transaction->touched_count; i++) {
        struct touched *touched = &transaction->touched[i];
        if (strcmp(touched->dataset, table->dataset) == 0 && strcmp(touched->table, table->name) == 0)
            return touched;
    }
    transaction->touched =
        mem_grow(transaction->touched, transaction->touched_count + 1, sizeof *transaction->touched);
    struct touched *touched = &transaction->touched[transaction->touched_count++];
    *touched = (struct touched){
        .dataset = mem_text(table->dataset), .table = mem_text(table->name), .made = table->made};
    return touched;
}

bool transaction_touch(struct store *store, struct transaction *transaction, struct store_table *table,
                       bool update, const char *project, struct store_error *err)
{
    (void)store;
    struct touched *touched = touched_of(transaction, table);
    if (!update) return true;
    bool held = table->claimed_by != 0 && table->claimed_by != transaction->number;
    if (held || table->updated_at > transaction->snapshot) {
        return store_fail(err, "invalidQuery",
                          "Transaction is aborted due to concurrent update against table %s:%s.%s.",
                          project != NULL ? project : "", table->dataset, table->name);
    }
    table->claimed_by = transaction->number;
    touched->updated = true;
    return true;
}

static void transaction_end(struct transaction *transaction)
{
    for (size_t i = 0; i < transaction->touched_count; i++) {
        free(transaction->touched[i].dataset);
        free(transaction->touched[i].table);
    }
    free(transaction->touched);
    *transaction = (struct transaction){0};
}

/* touched->changed: whether rows came or went. */
static bool settle_table(struct store *store, struct touched *touched, int64_t number, int64_t commit,
                         struct store_error *err)
{
    const char *d = touched->dataset, *t = touched->table;
    long long own = -(long long)number, at = (long long)commit;
    if (!store_exec(store, err,
                    "DELETE FROM \"rows:%w.%w\" WHERE \"" COLUMN_FROM "\" < 0 AND \"" COLUMN_FROM
                    "\" = %lld AND \"" COLUMN_TO "\" = %lld",
                    d, t, own, own))
        return false;
    int before = sqlite3_total_changes(store->db);
    bool done = store_exec(store, err,
                           "UPDATE \"rows:%w.%w\" SET \"" COLUMN_FROM "\" = %lld WHERE \"" COLUMN_FROM
                           "\" < 0 AND \"" COLUMN_FROM "\" = %lld",
                           d, t, at, own) &&
                store_exec(store, err,
                           "UPDATE \"rows:%w.%w\" SET \"" COLUMN_TO "\" = %lld WHERE \"" COLUMN_TO
                           "\" < 0 AND \"" COLUMN_TO "\" = %lld",
                           d, t, at, own);
    touched->changed = sqlite3_total_changes(store->db) != before;
    return done;
}

/* A commit into a table that was dropped meanwhile must fail, not lose its rows. */
static bool tables_are_there(struct store *store, const struct transaction *transaction,
                             struct store_error *err)
{
    for (size_t i = 0; i < transaction->touched_count; i++) {
        const struct touched *touched = &transaction->touched[i];
        const struct store_table *table = catalog_find(store, touched->dataset, touched->table);
        if (table == NULL || table->made != touched->made) {
            return store_fail(err, "invalidQuery",
                              "Transaction is aborted due to concurrent update against table %s.%s.",
                              touched->dataset, touched->table);
        }
    }
    return true;
}

bool transaction_commit(struct store *store, struct transaction *transaction, struct store_error *err)
{
    if (!tables_are_there(store, transaction, err)) {
        transaction_rollback(store, transaction);
        return false;
    }
    int64_t commit = store->commits + 1;
    bool good = store_exec(store, err, "SAVEPOINT settle");
    for (size_t i = 0; i < transaction->touched_count && good; i++) {
        struct touched *touched = &transaction->touched[i];
        struct store_table *table = catalog_find(store, touched->dataset, touched->table);
        if (table != NULL) good = settle_table(store, touched, transaction->number, commit, err);
    }
    good = good && store_exec(store, err, "UPDATE \"catalog:commits\" SET last = %lld", (long long)commit);
    if (!good) {
        struct store_error ignored;
        (void)store_exec(store, &ignored, "ROLLBACK TO settle; RELEASE settle"); /* err says what happened */
        transaction_rollback(store, transaction);
        return false;
    }
    good = store_exec(store, err, "RELEASE settle");
    store->commits = commit;
    for (size_t i = 0; i < transaction->touched_count; i++) {
        const struct touched *touched = &transaction->touched[i];
        struct store_table *table = catalog_find(store, touched->dataset, touched->table);
        if (table != NULL && touched->changed) catalog_touch(store, table);
        if (table == NULL || !touched->updated) continue;
        table->claimed_by = 0;
        table->updated_at = commit;
    }
    transaction_end(transaction);
    return good;
}

void transaction_rollback(struct store *store, struct transaction *transaction)
{
    struct store_error ignored; /* a rollback can't fail in a way that its caller could mend */
    long long own = -(long long)transaction->number;
    for (size_t i = 0; i < transaction->touched_count; i++) {
        const char *d = transaction->touched[i].dataset, *t = transaction->touched[i].table;
        struct store_table *table = catalog_find(store, d, t);
        if (table == NULL) continue;
        if (table->claimed_by == transaction->number) table->claimed_by = 0;
        (void)store_exec(store, &ignored,
                         "DELETE FROM \"rows:%w.%w\" WHERE \"" COLUMN_FROM "\" < 0 AND \"" COLUMN_FROM
                         "\" = %lld",
                         d, t, own);
        (void)store_exec(store, &ignored,
                         "UPDATE \"rows:%w.%w\" SET \"" COLUMN_TO "\" = NULL WHERE \"" COLUMN_TO
                         "\" < 0 AND \"" COLUMN_TO "\" = %lld",
                         d, t, own);
    }
    transaction_end(transaction);
}
