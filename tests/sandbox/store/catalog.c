/* SPDX-License-Identifier: Apache-2.0 */
/* Datasets and tables: kept in memory, written through to SQLite so that a file opened again has them all. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/random.h"
#include "store/internal.h"

/* --- datasets --- */

static struct store_dataset *find_dataset(const struct store *store, const char *name)
{
    for (size_t i = 0; i < store->dataset_count; i++) {
        if (strcmp(store->datasets[i].name, name) == 0) return &store->datasets[i];
    }
    return NULL;
}

bool catalog_has_dataset(const struct store *store, const char *dataset)
{
    return find_dataset(store, dataset) != NULL;
}

const char *catalog_location(const struct store *store, const char *dataset)
{
    const struct store_dataset *found = find_dataset(store, dataset);
    const char *location =
        found != NULL ? json_string_value(json_object_get(found->resource, "location")) : NULL;
    return location != NULL ? location : "US";
}

static void remember_dataset(struct store *store, const char *name, json_t *resource)
{
    struct store_dataset *dataset = find_dataset(store, name);
    if (dataset == NULL) {
        store->datasets = mem_grow(store->datasets, store->dataset_count + 1, sizeof *store->datasets);
        dataset = &store->datasets[store->dataset_count++];
        *dataset = (struct store_dataset){.name = mem_text(name)};
    }
    json_decref(dataset->resource);
    dataset->resource = json_deep_copy(resource);
}

static bool save(struct store *store, const char *dataset, const char *table, const json_t *resource,
                 struct store_error *err)
{
    char *text = json_dumps(resource, JSON_COMPACT);
    bool done = store_exec(store, err, "INSERT OR REPLACE INTO \"catalog:resources\" VALUES (%Q, %Q, %Q)",
                           dataset, table, text);
    free(text);
    return done;
}

json_t *catalog_dataset(const struct store *store, const char *dataset)
{
    const struct store_dataset *found = find_dataset(store, dataset);
    return found != NULL ? found->resource : NULL;
}

json_t *store_dataset(struct store *store, const char *dataset)
{
    pthread_mutex_lock(&store->mutex);
    const struct store_dataset *found = find_dataset(store, dataset);
    json_t *copy = found != NULL ? json_deep_copy(found->resource) : NULL;
    pthread_mutex_unlock(&store->mutex);
    return copy;
}

bool catalog_put_dataset(struct store *store, const char *dataset, json_t *resource, struct store_error *err)
{
    bool done = save(store, dataset, "", resource, err);
    if (done) remember_dataset(store, dataset, resource);
    return done;
}

bool store_dataset_put(struct store *store, const char *dataset, json_t *resource)
{
    struct store_error err;
    pthread_mutex_lock(&store->mutex);
    bool done = catalog_put_dataset(store, dataset, resource, &err);
    pthread_mutex_unlock(&store->mutex);
    return done;
}

void store_dataset_drop(struct store *store, const char *dataset)
{
    struct store_error ignored; /* what is left behind has no dataset and is not seen */
    pthread_mutex_lock(&store->mutex);
    for (size_t i = store->table_count; i > 0; i--) {
        if (strcmp(store->tables[i - 1]->dataset, dataset) != 0) continue;
        AUTO(mem_free) char *name = mem_text(store->tables[i - 1]->name);
        (void)catalog_drop(store, dataset, name);
    }
    struct store_dataset *found = find_dataset(store, dataset);
    if (found != NULL) {
        free(found->name);
        json_decref(found->resource);
        *found = store->datasets[--store->dataset_count];
        (void)store_exec(store, &ignored, "DELETE FROM \"catalog:resources\" WHERE dataset = %Q", dataset);
    }
    pthread_mutex_unlock(&store->mutex);
}

json_t *store_dataset_list(struct store *store)
{
    json_t *list = json_array();
    pthread_mutex_lock(&store->mutex);
    for (size_t i = 0; i < store->dataset_count; i++)
        (void)json_array_append_new(list, json_deep_copy(store->datasets[i].resource)); /* memory only */
    pthread_mutex_unlock(&store->mutex);
    return list;
}

/* --- tables --- */

static size_t find_index(const struct store *store, const char *dataset, const char *table)
{
    size_t i = 0;
    while (i < store->table_count &&
           (strcmp(store->tables[i]->name, table) != 0 || strcmp(store->tables[i]->dataset, dataset) != 0))
        i++;
    return i;
}

struct store_table *catalog_find(struct store *store, const char *dataset, const char *table)
{
    size_t i = find_index(store, dataset, table);
    return i < store->table_count ? store->tables[i] : NULL;
}

static void free_table(struct store_table *table)
{
    free(table->dataset);
    free(table->name);
    json_decref(table->resource);
    arena_done(&table->arena);
    free(table);
}

/* Reads what the engine needs out of the resource. */
static bool read_table(struct store_table *table, json_t *resource, struct store_error *err)
{
    char problem[160];
    const struct type *row = type_of_schema(&table->arena, json_object_get(resource, "schema"), problem);
    if (row == NULL) return store_fail(err, "invalid", "%s", problem);
    for (size_t i = 0; i < row->field_count; i++) {
        if (type_field(row, row->fields[i].name) != &row->fields[i]) {
            return store_fail(err, "invalid", "Duplicate field name: %s", row->fields[i].name);
        }
    }
    const json_t *view = json_object_get(resource, "view"),
                 *parts = json_object_get(resource, "timePartitioning");
    json_decref(table->resource);
    table->resource = json_deep_copy(resource);
    view = json_object_get(table->resource, "view");
    parts = json_object_get(table->resource, "timePartitioning");
    table->row = row;
    table->view = json_string_value(json_object_get(view, "query"));
    table->partition = json_string_value(json_object_get(parts, "field"));
    table->filter_required = json_is_true(json_object_get(table->resource, "requirePartitionFilter")) ||
                             json_is_true(json_object_get(parts, "requirePartitionFilter"));
    return true;
}

/* --- what people see --- */

static bool put_view(struct store *store, const struct store_table *table, const char *name,
                     struct store_error *err)
{
    char *columns = sqlite3_mprintf("%s", "");
    for (size_t i = 0; i < table->row->field_count; i++)
        columns = sqlite3_mprintf("%z%s\"%w\"", columns, i > 0 ? ", " : "", table->row->fields[i].name);
    bool done = store_exec(
        store, err,
        "DROP VIEW IF EXISTS \"%w\"; CREATE VIEW \"%w\" AS SELECT %s FROM \"rows:%w.%w\" WHERE \"" COLUMN_FROM
        "\" > 0 AND (\"" COLUMN_TO "\" IS NULL OR \"" COLUMN_TO "\" < 0)",
        name, name, columns, table->dataset, table->name);
    sqlite3_free(columns);
    return done;
}

/* The plain name belongs to the first table that has it; dataset.name is always there. */
static bool show_table(struct store *store, const struct store_table *table, struct store_error *err)
{
    if (table->view != NULL || table->row->field_count == 0) return true;
    AUTO(mem_free) char *whole = mem_format("%s.%s", table->dataset, table->name);
    if (!put_view(store, table, whole, err)) return false;
    for (size_t i = 0; i < store->table_count; i++) {
        const struct store_table *other = store->tables[i];
        if (other == table) break;
        if (other->view == NULL && strcasecmp(other->name, table->name) == 0) return true;
    }
    return put_view(store, table, table->name, err);
}

static void hide_table(struct store *store, const char *dataset, const char *name)
{
    struct store_error ignored; /* these views are for people only */
    (void)store_exec(store, &ignored, "DROP VIEW IF EXISTS \"%w.%w\"; DROP VIEW IF EXISTS \"%w\"", dataset,
                     name, name);
    for (size_t i = 0; i < store->table_count; i++) {
        if (strcasecmp(store->tables[i]->name, name) != 0) continue;
        (void)show_table(store, store->tables[i], &ignored);
        return;
    }
}

/* --- rows --- */

static bool create_indexes(struct store *store, const struct store_table *table, struct store_error *err)
{
    const char *d = table->dataset, *t = table->name;
    bool done = store_exec(
        store, err,
        "CREATE INDEX \"from:%w.%w\" ON \"rows:%w.%w\" (\"" COLUMN_FROM "\") WHERE \"" COLUMN_FROM "\" < 0; "
        "CREATE INDEX \"to:%w.%w\" ON \"rows:%w.%w\" (\"" COLUMN_TO "\") WHERE \"" COLUMN_TO "\" < 0",
        d, t, d, t, d, t, d, t);
    if (done && table->partition != NULL && type_field(table->row, table->partition) != NULL) {
        done = store_exec(store, err, "CREATE INDEX \"part:%w.%w\" ON \"rows:%w.%w\" (\"%w\")", d, t, d, t,
                          table->partition);
    }
    return done;
}

/* Of und:ci SQLite knows the part that is ASCII. */
static const char *collation_of(const struct struct_field *field)
{
    return field->ignores_case ? " COLLATE NOCASE" : "";
}

static bool create_rows(struct store *store, const struct store_table *table, struct store_error *err)
{
    const char *d = table->dataset, *t = table->name;
    if (table->view != NULL) return true;
    char *columns = sqlite3_mprintf("%s", "");
    for (size_t i = 0; i < table->row->field_count; i++)
        columns = sqlite3_mprintf("%z\"%w\"%s, ", columns, table->row->fields[i].name,
                                  collation_of(&table->row->fields[i]));
    bool done = store_exec(
        store, err, "CREATE TABLE \"rows:%w.%w\" (%s\"" COLUMN_FROM "\", \"" COLUMN_TO "\")", d, t, columns);
    sqlite3_free(columns);
    return done && create_indexes(store, table, err);
}

static bool add_columns(struct store *store, const struct store_table *table, const struct type *old,
                        struct store_error *err)
{
    for (size_t i = 0; i < old->field_count; i++) {
        const struct struct_field *kept = type_field(table->row, old->fields[i].name);
        if (kept == NULL || kept->type->kind != old->fields[i].type->kind) {
            return store_fail(
                err, "invalid",
                "Provided Schema does not match Table %s.%s. Field %s is missing or has changed type",
                table->dataset, table->name, old->fields[i].name);
        }
    }
    for (size_t i = 0; i < table->row->field_count; i++) {
        const char *name = table->row->fields[i].name;
        if (type_field(old, name) != NULL) continue;
        if (table->row->fields[i].required) {
            return store_fail(
                err, "invalid",
                "Provided Schema does not match Table %s.%s. Cannot add required fields to an existing "
                "schema. (field: %s)",
                table->dataset, table->name, name);
        }
        if (!store_exec(store, err, "ALTER TABLE \"rows:%w.%w\" ADD COLUMN \"%w\"%s", table->dataset,
                        table->name, name, collation_of(&table->row->fields[i])))
            return false;
    }
    return true;
}

static bool change_table(struct store *store, size_t at, json_t *resource, struct store_error *err)
{
    struct store_table *old = store->tables[at], *table = mem_zero(1, sizeof *table);
    table->dataset = mem_text(old->dataset);
    table->name = mem_text(old->name);
    table->claimed_by = old->claimed_by;
    table->updated_at = old->updated_at;
    table->made = old->made;
    bool good = read_table(table, resource, err);
    if (good && (table->view != NULL) != (old->view != NULL)) {
        good = store_fail(err, "invalid", "Cannot change the type of %s.%s", old->dataset, old->name);
    }
    good = good && (table->view != NULL || add_columns(store, table, old->row, err));
    good = good && save(store, old->dataset, old->name, resource, err);
    store->tables[at] = good ? table : old;
    free_table(good ? old : table);
    return good && show_table(store, store->tables[at], err);
}

static struct store_table *new_table(const char *dataset, const char *name)
{
    struct store_table *table = mem_zero(1, sizeof *table);
    table->dataset = mem_text(dataset);
    table->name = mem_text(name);
    return table;
}

static void remember_table(struct store *store, struct store_table *table)
{
    store->tables = mem_grow(store->tables, store->table_count + 1, sizeof *store->tables);
    store->tables[store->table_count++] = table;
    table->made = ++store->tables_made;
}

bool catalog_put(struct store *store, const char *dataset, const char *name, json_t *resource,
                 struct store_error *err)
{
    size_t at = find_index(store, dataset, name);
    if (at < store->table_count) return change_table(store, at, resource, err);
    if (!catalog_has_dataset(store, dataset)) {
        return store_fail(err, "notFound", "Not found: Dataset %s was not found", dataset);
    }
    struct store_table *table = new_table(dataset, name);
    if (!read_table(table, resource, err) || !create_rows(store, table, err) ||
        !save(store, dataset, name, resource, err)) {
        free_table(table);
        return false;
    }
    remember_table(store, table);
    return show_table(store, table, err);
}

bool catalog_drop(struct store *store, const char *dataset, const char *name)
{
    struct store_error ignored; /* the table is gone from the catalog in any case */
    size_t at = find_index(store, dataset, name);
    if (at == store->table_count) return false;
    struct store_table *table = store->tables[at];
    memmove(&store->tables[at], &store->tables[at + 1],
            (store->table_count - at - 1) * sizeof *store->tables);
    store->table_count--;
    hide_table(store, dataset, name);
    (void)store_exec(store, &ignored, "DROP TABLE IF EXISTS \"rows:%w.%w\"", dataset, name);
    (void)store_exec(store, &ignored, "DELETE FROM \"catalog:resources\" WHERE dataset = %Q AND name = %Q",
                     dataset, name);
    free_table(table);
    return true;
}

bool catalog_replace(struct store *store, const char *dataset, const char *from, const char *to,
                     struct store_error *err)
{
    (void)catalog_drop(store, dataset, to); /* it may be there or not */
    struct store_table *table = catalog_find(store, dataset, from);
    hide_table(store, dataset, from);
    bool good =
        store_exec(store, err,
                   "DROP INDEX \"from:%w.%w\"; DROP INDEX \"to:%w.%w\"; "
                   "DROP INDEX IF EXISTS \"part:%w.%w\"; "
                   "ALTER TABLE \"rows:%w.%w\" RENAME TO \"rows:%w.%w\"; "
                   "DELETE FROM \"catalog:resources\" WHERE dataset = %Q AND name = %Q",
                   dataset, from, dataset, from, dataset, from, dataset, from, dataset, to, dataset, from);
    free(table->name);
    table->name = mem_text(to);
    table->updated_at = store->commits; /* what was begun on the old rows can't end on these */
    return good && create_indexes(store, table, err) && save(store, dataset, to, table->resource, err) &&
           show_table(store, table, err);
}

void catalog_touch(struct store *store, struct store_table *table)
{
    struct store_error ignored; /* a lost stamp is harmless */
    if (store->now_us == NULL) return;
    store_stamp(table->resource, store->now_us(store->now_self));
    (void)save(store, table->dataset, table->name, table->resource, &ignored);
}

void store_stamp(json_t *resource, int64_t now_us)
{
    char name[RANDOM_NAME];
    random_name(name);
    json_t *ms = json_sprintf("%lld", (long long)(now_us / 1000));
    (void)json_object_set_new(resource, "etag", json_sprintf("%s==", name)); /* memory only, as below */
    (void)json_object_set(resource, "lastModifiedTime", ms);
    if (json_object_get(resource, "creationTime") == NULL)
        (void)json_object_set(resource, "creationTime", ms);
    json_decref(ms);
}

json_t *store_table(struct store *store, const char *dataset, const char *table)
{
    pthread_mutex_lock(&store->mutex);
    const struct store_table *found = catalog_find(store, dataset, table);
    json_t *copy = found != NULL ? json_deep_copy(found->resource) : NULL;
    pthread_mutex_unlock(&store->mutex);
    return copy;
}

bool store_table_put(struct store *store, const char *dataset, const char *table, json_t *resource,
                     struct store_error *err)
{
    pthread_mutex_lock(&store->mutex);
    bool done = catalog_put(store, dataset, table, resource, err);
    pthread_mutex_unlock(&store->mutex);
    return done;
}

bool store_table_drop(struct store *store, const char *dataset, const char *table)
{
    pthread_mutex_lock(&store->mutex);
    bool done = catalog_drop(store, dataset, table);
    pthread_mutex_unlock(&store->mutex);
    return done;
}

json_t *store_table_list(struct store *store, const char *dataset)
{
    json_t *list = json_array();
    pthread_mutex_lock(&store->mutex);
    for (size_t i = 0; i < store->table_count; i++) {
        if (strcmp(store->tables[i]->dataset, dataset) != 0) continue;
        (void)json_array_append_new(list, json_deep_copy(store->tables[i]->resource)); /* memory only */
    }
    pthread_mutex_unlock(&store->mutex);
    return list;
}

int64_t store_table_rows(struct store *store, const char *dataset, const char *table)
{
    int64_t rows = 0;
    struct store_error ignored;
    pthread_mutex_lock(&store->mutex);
    const struct store_table *found = catalog_find(store, dataset, table);
    if (found != NULL && found->view == NULL) {
        char *sql = sqlite3_mprintf("SELECT count(*) FROM \"rows:%w.%w\" WHERE \"" COLUMN_FROM
                                    "\" > 0 AND (\"" COLUMN_TO "\" IS NULL OR \"" COLUMN_TO "\" < 0)",
                                    dataset, table);
        sqlite3_stmt *stmt = store_prepare(store, &ignored, sql);
        if (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW) rows = sqlite3_column_int64(stmt, 0);
        sqlite3_finalize(stmt);
        sqlite3_free(sql);
    }
    pthread_mutex_unlock(&store->mutex);
    return rows;
}

/* --- a database that was there --- */

static bool load_resources(struct store *store, struct store_error *err)
{
    sqlite3_stmt *stmt =
        store_prepare(store, err, "SELECT dataset, name, resource FROM \"catalog:resources\" ORDER BY rowid");
    bool good = stmt != NULL;
    while (good && sqlite3_step(stmt) == SQLITE_ROW) {
        const char *dataset = (const char *)sqlite3_column_text(stmt, 0);
        const char *name = (const char *)sqlite3_column_text(stmt, 1);
        json_t *resource = json_loads((const char *)sqlite3_column_text(stmt, 2), 0, NULL);
        if (*name == '\0') {
            remember_dataset(store, dataset, resource);
        } else {
            struct store_table *table = new_table(dataset, name);
            good = read_table(table, resource, err);
            remember_table(store, table);
        }
        json_decref(resource);
    }
    sqlite3_finalize(stmt);
    return good;
}

/* Rolls back the transactions of a process that died. */
static bool drop_unfinished(struct store *store, struct store_error *err)
{
    bool good = true;
    for (size_t i = 0; i < store->table_count && good; i++) {
        const struct store_table *table = store->tables[i];
        if (table->view != NULL) continue;
        good = store_exec(store, err,
                          "DELETE FROM \"rows:%w.%w\" WHERE \"" COLUMN_FROM
                          "\" < 0; UPDATE \"rows:%w.%w\" SET \"" COLUMN_TO "\" = NULL WHERE \"" COLUMN_TO
                          "\" < 0",
                          table->dataset, table->name, table->dataset, table->name);
    }
    return good;
}

bool catalog_load(struct store *store, struct store_error *err)
{
    bool good = store_exec(
        store, err,
        "CREATE TABLE IF NOT EXISTS \"catalog:resources\" (dataset TEXT, name TEXT, resource TEXT, "
        "PRIMARY KEY (dataset, name));"
        "CREATE TABLE IF NOT EXISTS \"catalog:commits\" (last INTEGER);"
        "INSERT INTO \"catalog:commits\" SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM \"catalog:commits\")");
    sqlite3_stmt *stmt = good ? store_prepare(store, err, "SELECT last FROM \"catalog:commits\"") : NULL;
    if (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW) store->commits = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return good && load_resources(store, err) && drop_unfinished(store, err);
}

void catalog_done(struct store *store)
{
    for (size_t i = 0; i < store->table_count; i++)
        free_table(store->tables[i]);
    for (size_t i = 0; i < store->dataset_count; i++) {
        free(store->datasets[i].name);
        json_decref(store->datasets[i].resource);
    }
    free(store->tables);
    free(store->datasets);
}
