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
#include "oracle/compare.h"
#include "sql/sql.h"
#include "store/store.h"
#include "workspace/companies.h"
#include "workspace/world.h"

struct living {
    json_t *here; /* what the table must hold: times by key; null once it was found */
    json_t *gone; /* what it may hold: keys */
};

struct latest {
    const char *table;
    const char *key;     /* an expression over its columns: what names a row */
    const char *version; /* a TIMESTAMP column */
    const char *deleted; /* the table of tombstones; NULL: there is none */
    void (*list)(struct sandbox *sandbox, struct living *living);
};

static void list_world(struct world *world, struct living *living)
{
    int64_t count = world_count(world), removals = world_removals(world);
    for (int64_t number = 0; number < count; number++) {
        char id[WORLD_ID];
        int64_t updated_s;
        (void)world_newest(world, number, id, &updated_s);
        if (id[0] && world_is_here(world, number))
            json_object_set_new(living->here, id, json_integer(updated_s));
    }
    for (int64_t number = 0; number < removals; number++) {
        struct world_removal removal;
        world_removal(world, number, &removal);
        if (removal.back_s == INT64_MAX) json_object_set_new(living->gone, removal.id, json_true());
    }
}

static void list_contacts(struct sandbox *sandbox, struct living *living)
{
    list_world(sandbox->world, living);
}

static void list_conversations(struct sandbox *sandbox, struct living *living)
{
    list_world(sandbox->talks, living);
}

static void list_shelf(struct shelf *shelf, struct living *living)
{
    size_t ever = shelf_ever(shelf);
    for (size_t number = 0; number < ever; number++) {
        bool current;
        char key[SHELF_KEY];
        int64_t at_s = 0;
        size_t versions = shelf_versions(shelf, number, &current);
        json_decref(shelf_version(shelf, number, versions - 1, &at_s));
        shelf_key(shelf, number, key);
        json_object_set_new(current ? living->here : living->gone, key, json_integer(at_s));
    }
}

static void list_companies(struct sandbox *sandbox, struct living *living)
{
    list_shelf(shelves_find(sandbox->shelves, "companies"), living);
}

static void list_tickets(struct sandbox *sandbox, struct living *living)
{
    list_shelf(shelves_find(sandbox->shelves, "tickets"), living);
}

static void list_segments(struct sandbox *sandbox, struct living *living)
{
    struct shelf *shelf = shelves_find(sandbox->shelves, "companies");
    size_t ever = shelf_ever(shelf);
    for (size_t number = 0; number < ever; number++) {
        bool current;
        char key[SHELF_KEY];
        int64_t at_s = 0;
        size_t newest = shelf_versions(shelf, number, &current) - 1;
        json_decref(shelf_version(shelf, number, newest, &at_s));
        shelf_key(shelf, number, key);
        AUTO(json_drop) json_t *segments = companies_segments_of(sandbox->companies, number, newest);
        for (size_t i = 0; i < json_array_size(segments); i++) {
            AUTO(mem_free)
            char *name = mem_format("%s/%s", key, json_text_at(json_array_get(segments, i), "id"));
            json_object_set_new(current ? living->here : living->gone, name, json_integer(at_s));
        }
    }
}

static const struct latest latest_tables[] = {
    {"contacts", "id", "updated_at", "contacts_deleted", list_contacts},
    {"conversations", "id", "updated_at", "conversations_deleted", list_conversations},
    {"companies", "id", "updated_at", "companies_deleted", list_companies},
    {"company_segments", "CONCAT(company_id, '/', id)", "company_updated_at", NULL, list_segments},
    {"tickets", "id", "updated_at", NULL, list_tickets},
};

/* Microseconds by id: when each was last seen missing. Yours. */
static json_t *read_tombstones(struct comparison *comparison, const char *table)
{
    json_t *tombstones = json_object();
    AUTO(json_drop)
    json_t *there = table ? store_table(comparison->sandbox->store, comparison->dataset, table) : NULL;
    if (!there) return tombstones;
    AUTO(mem_free)
    char *sql =
        mem_format("SELECT id, MAX(seen_missing_at) AS seen FROM `%s.%s` WHERE partition_date >= DATE "
                   "'0001-01-01' GROUP BY id",
                   comparison->dataset, table);
    struct sql_result result;
    bool read = compare_query(comparison, sql, &result);
    for (size_t i = 0; read && i < json_array_size(result.rows); i++) {
        const json_t *fields = json_object_get(result.schema, "fields");
        const json_t *row = json_array_get(result.rows, i);
        const char *id = compare_cell(fields, row, "id"), *seen = compare_cell(fields, row, "seen");
        if (id && seen) json_object_set_new(tombstones, id, json_integer(strtoll(seen, NULL, 10)));
    }
    sql_result_done(&result);
    return tombstones;
}

/* NULL: the row may be there. Whoever is here is taken off the list. */
static const char *judge(struct living *living, const json_t *tombstones, const char *key, int64_t at_s)
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

static void compare_rows(struct comparison *comparison, const struct latest *latest, struct living *living)
{
    AUTO(json_drop) json_t *tombstones = read_tombstones(comparison, latest->deleted);
    AUTO(mem_free)
    char *sql = mem_format("SELECT %s AS key, %s AS version FROM `%s.%s_latest`", latest->key,
                           latest->version, comparison->dataset, latest->table);
    struct sql_result result;
    bool read = compare_query(comparison, sql, &result);
    for (size_t i = 0; read && i < json_array_size(result.rows); i++) {
        const json_t *fields = json_object_get(result.schema, "fields");
        const json_t *row = json_array_get(result.rows, i);
        const char *key = compare_cell(fields, row, "key");
        int64_t at_s = compare_seconds(fields, row, "version");
        const char *why = key ? judge(living, tombstones, key, at_s) : "it has no key";
        bool broken =
            key && world_is_broken(comparison->sandbox->talks, key); /* an older version stays newest */
        comparison->rows++;
        if (why && !broken) compare_note(comparison->altered, key ? key : "(no key)", at_s, why);
    }
    sql_result_done(&result);
}

void compare_latest(struct sandbox *sandbox, const char *dataset, json_t *reports, bool *equal)
{
    for (size_t i = 0; i < sizeof latest_tables / sizeof *latest_tables; i++) {
        const struct latest *latest = &latest_tables[i];
        AUTO(mem_free) char *name = mem_format("%s_latest", latest->table);
        AUTO(json_drop) json_t *there = store_table(sandbox->store, dataset, name);
        if (!there) continue;
        struct comparison comparison = compare_begin(sandbox, dataset);
        struct living living = {.here = json_object(), .gone = json_object()};
        const char *key;
        json_t *at;
        latest->list(sandbox, &living);
        compare_rows(&comparison, latest, &living);
        json_object_foreach (living.here, key, at) {
            if (!json_is_null(at)) compare_note(comparison.missing, key, json_integer_value(at), "");
        }
        json_decref(living.here);
        json_decref(living.gone);
        json_array_append_new(reports, compare_report(&comparison, name, equal));
    }
}
