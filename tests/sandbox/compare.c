/* compare.c - is the warehouse equal to the world's truth?
 *
 * Every row must say what a version of its record said, no key may be there twice, and the newest version of
 * every record must be there. Rows are read day by day.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/json.h"
#include "base/mem.h"
#include "compare_row.h"
#include "internal.h"
#include "store.h"
#include "world.h"

#define EXAMPLES 20 /* listed of each kind */

/* Which table holds which of the world's records. */
static const struct {
    const char *stream; /* and table */
} streams[] = {{"contacts"}};

struct comparison {
    struct sandbox *sandbox;
    const char *dataset;
    const char *table;
    int64_t rows;
    int64_t *places; /* one a row that was found in the world */
    size_t place_count, place_capacity;
    json_t *missing, *doubled, *altered;
    int64_t first_s, last_s; /* of updated_at; first > last: none */
    char problem[1024];      /* the warehouse could not be read */
};

static void note(json_t *list, const char *id, int64_t updated_s, const char *why)
{
    char at[INSTANT_TEXT];
    instant_format(updated_s * 1000000, at);
    if (json_array_size(list) < EXAMPLES)
        json_array_append_new(list, json_sprintf("%s at %s%s%s", id, at, *why ? ": " : "", why));
}

static bool query(struct comparison *comparison, const char *sql, struct store_result *out_result)
{
    struct store_query query = {.text = sql, .project = "sandbox"};
    struct store_error err;
    *out_result = (struct store_result){.schema = NULL};
    if (store_run(comparison->sandbox->store, &query, out_result, &err)) return true;
    snprintf(comparison->problem, sizeof comparison->problem, "%s", err.message);
    return false;
}

static void keep_place(struct comparison *comparison, int64_t place)
{
    if (comparison->place_count == comparison->place_capacity) {
        comparison->place_capacity = comparison->place_capacity ? comparison->place_capacity * 2 : 4096;
        comparison->places =
            mem_grow(comparison->places, comparison->place_capacity, sizeof *comparison->places);
    }
    comparison->places[comparison->place_count++] = place;
}

/* A day of any time zone is at most one off the day of UTC. */
static bool is_near(const char *date, int64_t at_s)
{
    struct day day;
    if (!date || !day_parse(date, &day)) return false;
    int64_t days = at_s / 86400 - day.n;
    return days >= -1 && days <= 1;
}

static void compare_one(struct comparison *comparison, const json_t *fields, const json_t *row)
{
    const char *id = compare_cell(fields, row, "id");
    const char *updated_us = compare_cell(fields, row, "updated_at");
    int64_t updated_s = updated_us ? strtoll(updated_us, NULL, 10) / 1000000 : 0; /* nonsense is not found */
    int64_t place;
    char why[512] = "";
    comparison->rows++;
    AUTO(json_drop) json_t *version = NULL;
    if (id) version = world_version(comparison->sandbox->world, id, updated_s, &place);
    if (!version) {
        note(comparison->altered, id ? id : "(no id)", updated_s, "there never was such a version");
        return;
    }
    keep_place(comparison, place);
    comparison->first_s = updated_s < comparison->first_s ? updated_s : comparison->first_s;
    comparison->last_s = updated_s > comparison->last_s ? updated_s : comparison->last_s;
    if (!is_near(compare_cell(fields, row, "partition_date"), updated_s))
        note(comparison->altered, id, updated_s, "partition_date is not its day");
    else if (!compare_row(version, fields, row, why, sizeof why))
        note(comparison->altered, id, updated_s, why);
}

static bool compare_day(struct comparison *comparison, const char *day)
{
    AUTO(mem_free)
    char *sql = mem_format("SELECT * FROM `%s.%s` WHERE partition_date = DATE '%s'", comparison->dataset,
                           comparison->table, day);
    struct store_result result;
    bool read = query(comparison, sql, &result);
    for (size_t i = 0; read && i < json_array_size(result.rows); i++)
        compare_one(comparison, json_object_get(result.schema, "fields"), json_array_get(result.rows, i));
    store_result_done(&result);
    return read;
}

static bool compare_days(struct comparison *comparison)
{
    AUTO(mem_free)
    char *sql =
        mem_format("SELECT partition_date, COUNT(*) AS row_count FROM `%s.%s` WHERE partition_date >= DATE "
                   "'0001-01-01' GROUP BY partition_date ORDER BY partition_date",
                   comparison->dataset, comparison->table);
    struct store_result result;
    bool read = query(comparison, sql, &result);
    for (size_t i = 0; read && i < json_array_size(result.rows); i++) {
        const json_t *fields = json_object_get(result.schema, "fields");
        const char *day = compare_cell(fields, json_array_get(result.rows, i), "partition_date");
        read = day && compare_day(comparison, day);
    }
    store_result_done(&result);
    return read;
}

static int place_order(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* Sorts the places, drops the second ones, and reports them. */
static void find_doubled(struct comparison *comparison)
{
    size_t kept = 0;
    if (comparison->place_count)
        qsort(comparison->places, comparison->place_count, sizeof *comparison->places, place_order);
    for (size_t i = 0; i < comparison->place_count; i++) {
        if (kept == 0 || comparison->places[i] != comparison->places[kept - 1]) {
            comparison->places[kept++] = comparison->places[i];
        } else if (json_array_size(comparison->doubled) < EXAMPLES) {
            char id[WORLD_ID];
            int64_t updated_s;
            world_newest(comparison->sandbox->world, comparison->places[i] >> WORLD_VERSION_BITS, id,
                         &updated_s);
            json_array_append_new(
                comparison->doubled,
                json_sprintf("%s, version %" PRId64, id,
                             comparison->places[i] & ((INT64_C(1) << WORLD_VERSION_BITS) - 1)));
        }
    }
    comparison->place_count = kept;
}

static void find_missing(struct comparison *comparison)
{
    int64_t count = world_count(comparison->sandbox->world);
    for (int64_t number = 0; number < count; number++) {
        char id[WORLD_ID];
        int64_t updated_s;
        int64_t place = world_newest(comparison->sandbox->world, number, id, &updated_s);
        if (id[0] &&
            (comparison->place_count == 0 ||
             !bsearch(&place, comparison->places, comparison->place_count, sizeof place, place_order)))
            note(comparison->missing, id, updated_s, "");
    }
}

static json_t *report(struct comparison *comparison, bool *equal)
{
    json_t *report =
        json_pack("{s:s, s:I, s:I, s:o, s:o, s:o}", "stream", comparison->table, "rows",
                  (json_int_t)comparison->rows, "keys", (json_int_t)comparison->place_count, "missing",
                  comparison->missing, "doubled", comparison->doubled, "altered", comparison->altered);
    *equal = *equal && !comparison->problem[0] && json_array_size(comparison->missing) == 0 &&
             json_array_size(comparison->doubled) == 0 && json_array_size(comparison->altered) == 0;
    if (comparison->first_s <= comparison->last_s) {
        char at[INSTANT_TEXT];
        instant_format(comparison->first_s * 1000000, at);
        json_object_set_new(report, "first", json_string(at));
        instant_format(comparison->last_s * 1000000, at);
        json_object_set_new(report, "last", json_string(at));
    }
    if (comparison->problem[0]) json_object_set_new(report, "error", json_string(comparison->problem));
    return report;
}

json_t *compare_dataset(struct sandbox *sandbox, const char *dataset)
{
    bool equal = true;
    json_t *reports = json_array();
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        struct comparison comparison = {
            .sandbox = sandbox,
            .dataset = dataset,
            .table = streams[i].stream,
            .missing = json_array(),
            .doubled = json_array(),
            .altered = json_array(),
            .first_s = INT64_MAX,
            .last_s = INT64_MIN,
        };
        if (compare_days(&comparison)) {
            find_doubled(&comparison);
            find_missing(&comparison);
        }
        json_array_append_new(reports, report(&comparison, &equal));
        free(comparison.places);
    }
    return json_pack("{s:b, s:o}", "equal", equal, "streams", reports);
}
