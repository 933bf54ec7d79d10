/* SPDX-License-Identifier: Apache-2.0 */
/* latest.c - is <table>_latest what is there now?
 *
 * Each living record must be there once, as it is now. One that is gone may be there as long as nothing in
 * the warehouse tells that it is gone.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "oracle/oracle.h"
#include "sql/sql.h"
#include "store/store.h"

struct living {
    json_t *here; /* what the table must hold: times by name; null once it was found */
    json_t *gone; /* what it may hold: names */
};

struct adding {
    json_t *names;
    int64_t at_s;
};

static void add_name(void *self, const char *name)
{
    struct adding *adding = self;
    json_object_set_new(adding->names, name, json_integer(adding->at_s));
}

static void list_living(const struct oracle_latest *latest, struct collection *collection,
                        struct living *living)
{
    size_t ever = collection_ever(collection);
    for (size_t number = 0; number < ever; number++) {
        char key[COLLECTION_KEY];
        bool is_here = collection_is_here(collection, number);
        size_t version = collection_versions(collection, number) - 1, wanted;
        if (is_here && !collection_wanted(collection, number, &wanted)) continue;
        struct adding adding = {.names = is_here ? living->here : living->gone,
                                .at_s = collection_updated_s(collection, number, version)};
        collection_key(collection, number, key);
        if (latest->list)
            latest->list(collection, number, version, add_name, &adding);
        else
            add_name(&adding, key);
    }
}

/* Microseconds by id: when each was last seen missing. Yours. */
static json_t *read_tombstones(struct comparison *comparison, const char *table)
{
    json_t *tombstones = json_object();
    if (!table || !comparison_has_table(comparison, table)) return tombstones;
    AUTO(mem_free)
    char *sql =
        mem_format("SELECT id, MAX(seen_missing_at) AS seen FROM `%s.%s` WHERE partition_date >= DATE "
                   "'0001-01-01' GROUP BY id",
                   comparison->dataset, table);
    struct sql_result result;
    bool read = comparison_query(comparison, sql, &result);
    for (size_t i = 0; read && i < json_array_size(result.rows); i++) {
        const json_t *fields = json_object_get(result.schema, "fields");
        const json_t *row = json_array_get(result.rows, i);
        const char *id = row_cell(fields, row, "id"), *seen = row_cell(fields, row, "seen");
        if (id && seen) json_object_set_new(tombstones, id, json_integer(strtoll(seen, NULL, 10)));
    }
    sql_result_done(&result);
    return tombstones;
}

/* NULL: the row may be there. A row that is right is taken off the list. */
static const char *check_row(struct living *living, const json_t *tombstones, const char *key, int64_t at_s)
{
    const json_t *here = json_object_get(living->here, key), *gone = json_object_get(living->gone, key);
    const json_t *seen = json_object_get(tombstones, key);
    if (here && json_integer_value(here) == at_s) {
        json_object_set_new(living->here, key, json_null());
        return NULL;
    }
    if (json_is_null(here)) return "it is there twice";
    if (here) return "it is not the newest version";
    if (!gone) return "it can't have been loaded";
    return seen && json_integer_value(seen) >= at_s * 1000000 ? "it is known to be gone" : NULL;
}

static void compare_rows(struct comparison *comparison, const struct oracle_latest *latest,
                         struct living *living)
{
    AUTO(json_drop) json_t *tombstones = read_tombstones(comparison, latest->deleted);
    AUTO(mem_free)
    char *sql = mem_format("SELECT %s AS key, %s AS version FROM `%s.%s_latest`", latest->key,
                           latest->version, comparison->dataset, latest->name);
    struct sql_result result;
    bool read = comparison_query(comparison, sql, &result);
    for (size_t i = 0; read && i < json_array_size(result.rows); i++) {
        const json_t *fields = json_object_get(result.schema, "fields");
        const json_t *row = json_array_get(result.rows, i);
        const char *key = row_cell(fields, row, "key");
        int64_t at_s = comparison_seconds(fields, row, "version");
        const char *why = key ? check_row(living, tombstones, key, at_s) : "it has no key";
        bool is_broken = /* an older version stays newest */
            key && collection_is_broken(comparison->collection, key);
        comparison->rows++;
        if (why && !is_broken) comparison_note(comparison->altered, key ? key : "(no key)", at_s, why);
    }
    sql_result_done(&result);
}

static void compare_view(const struct oracle_latest *latest, struct comparison *comparison)
{
    struct living living = {.here = json_object(), .gone = json_object()};
    const char *key;
    json_t *at;
    list_living(latest, comparison->collection, &living);
    compare_rows(comparison, latest, &living);
    json_object_foreach (living.here, key, at) {
        if (!json_is_null(at)) comparison_note(comparison->missing, key, json_integer_value(at), "");
    }
    json_decref(living.here);
    json_decref(living.gone);
}

bool oracle_compare_latest(const struct oracle *oracle, const char *dataset, json_t *reports)
{
    bool is_equal = true;
    for (const struct oracle_latest *latest = oracle->latest; latest->name; latest++) {
        AUTO(mem_free) char *name = mem_format("%s_latest", latest->name);
        AUTO(json_drop) json_t *table = store_table(oracle->store, dataset, name);
        if (!table) continue;
        struct comparison comparison = comparison_begin(oracle, dataset);
        comparison.collection = workspace_find(oracle->workspace, latest->kind ? latest->kind : latest->name);
        compare_view(latest, &comparison);
        json_array_append_new(reports, comparison_report(&comparison, name, &is_equal));
    }
    return is_equal;
}
