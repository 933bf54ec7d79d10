/* SPDX-License-Identifier: Apache-2.0 */
/* ARRAY_AGG with ORDER BY, IGNORE NULLS and LIMIT: SQLite 3.40 sorts no aggregate's arguments. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sql/emit.h"
#include "sql/runtime.h"

/* One row: the element as JSON, and its keys. */
struct element {
    char *json; /* [value] */
    sqlite3_value **keys;
    const bool *descending;
    int key_count;
    size_t number;
};

struct collected_rows {
    struct element *elements;
    size_t count, capacity;
    bool descending[16];
    int64_t limit; /* < 0: none */
};

/* bq_array_agg(limit, ignore_nulls, json_array(value), key, descending, ...) */
static void collect_step(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct collected_rows *all = sqlite3_aggregate_context(context, sizeof *all);
    int keys = (count - 3) / 2;
    if (all == NULL || keys > 16) {
        runtime_error(context, "ARRAY_AGG has too many ORDER BY keys");
        return;
    }
    all->limit = sqlite3_value_int64(values[0]);
    if (sqlite3_value_int(values[1]) && strcmp(runtime_text(values[2]), "[null]") == 0) return;
    if (all->count == all->capacity) {
        all->capacity = all->capacity > 0 ? all->capacity * 2 : 16;
        all->elements = mem_grow(all->elements, all->capacity, sizeof *all->elements);
    }
    struct element *element = &all->elements[all->count];
    *element =
        (struct element){.json = mem_text(runtime_text(values[2])), .number = all->count, .key_count = keys};
    element->keys = mem_zero((size_t)keys + 1, sizeof *element->keys);
    for (int i = 0; i < keys; i++) {
        element->keys[i] = sqlite3_value_dup(values[3 + 2 * i]);
        all->descending[i] = sqlite3_value_int(values[4 + 2 * i]) != 0;
    }
    all->count++;
}

/* NULL first, as SQLite's and BigQuery's ORDER BY. */
static int compare_values(sqlite3_value *a, sqlite3_value *b)
{
    bool null_a = sqlite3_value_type(a) == SQLITE_NULL, null_b = sqlite3_value_type(b) == SQLITE_NULL;
    if (null_a || null_b) return (int)null_b - (int)null_a;
    if (sqlite3_value_type(a) == SQLITE_TEXT) return strcmp(runtime_text(a), runtime_text(b));
    if (sqlite3_value_type(a) == SQLITE_INTEGER && sqlite3_value_type(b) == SQLITE_INTEGER) {
        int64_t x = sqlite3_value_int64(a), y = sqlite3_value_int64(b);
        return (x > y) - (x < y);
    }
    double x = sqlite3_value_double(a), y = sqlite3_value_double(b);
    return (x > y) - (x < y);
}

static int compare_elements(const void *left, const void *right)
{
    const struct element *a = left, *b = right;
    for (int i = 0; i < a->key_count; i++) {
        int order = compare_values(a->keys[i], b->keys[i]);
        if (order != 0) return a->descending[i] ? -order : order;
    }
    return (a->number > b->number) - (a->number < b->number);
}

static void collect_final(sqlite3_context *context)
{
    struct collected_rows *all = sqlite3_aggregate_context(context, 0);
    if (all == NULL || all->count == 0) return; /* NULL */
    for (size_t i = 0; i < all->count; i++)
        all->elements[i].descending = all->descending;
    qsort(all->elements, all->count, sizeof *all->elements, compare_elements);
    sqlite3_str *out = sqlite3_str_new(NULL);
    sqlite3_str_appendchar(out, 1, '[');
    for (size_t i = 0; i < all->count; i++) {
        struct element *element = &all->elements[i];
        if (all->limit < 0 || i < (size_t)all->limit) {
            size_t size = strlen(element->json);
            sqlite3_str_appendall(out, i > 0 ? "," : "");
            sqlite3_str_append(out, element->json + 1, (int)size - 2);
        }
        for (int k = 0; k < element->key_count; k++)
            sqlite3_value_free(element->keys[k]);
        free(element->keys);
        free(element->json);
    }
    free(all->elements);
    sqlite3_str_appendchar(out, 1, ']');
    sqlite3_result_text(context, sqlite3_str_finish(out), -1, sqlite3_free);
}

bool runtime_register_aggregates(sqlite3 *db)
{
    return sqlite3_create_function(db, "bq_array_agg", -1, SQLITE_UTF8, NULL, NULL, collect_step,
                                   collect_final) == SQLITE_OK;
}
