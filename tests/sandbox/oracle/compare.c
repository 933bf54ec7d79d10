/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/json.h"
#include "base/mem.h"
#include "oracle/oracle.h"
#include "sql/sql.h"
#include "store/store.h"

#define EXAMPLES 20 /* listed of each kind */

void comparison_note(json_t *list, const char *name, int64_t at_s, const char *why)
{
    char at[INSTANT_TEXT];
    instant_format(at_s * 1000000, at);
    if (json_array_size(list) < EXAMPLES)
        json_array_append_new(list, json_sprintf("%s at %s%s%s", name, at, *why ? ": " : "", why));
}

int64_t comparison_seconds(const json_t *fields, const json_t *row, const char *column)
{
    const char *text = row_cell(fields, row, column);
    return text ? strtoll(text, NULL, 10) / 1000000 : 0;
}

bool comparison_query(struct comparison *comparison, const char *sql, struct sql_result *out_result)
{
    AUTO(json_drop) json_t *dataset = store_dataset(comparison->oracle->store, comparison->dataset);
    const char *project = json_text_at(dataset, "datasetReference.projectId"); /* views name it */
    struct sql_query query = {.text = sql, .project = project ? project : "sandbox"};
    struct store_error err;
    *out_result = (struct sql_result){.schema = NULL};
    if (sql_run(comparison->oracle->store, &query, out_result, &err)) return true;
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
    struct finding finding = {.name = "(no key)"};
    char why[512] = "";
    comparison->rows++;
    comparison->table->rules->find(comparison, fields, row, &finding);
    AUTO(json_drop) json_t *truth = finding.truth;
    if (!truth) {
        comparison_note(comparison->altered, finding.name, finding.at_s, "there never was such a version");
        return;
    }
    keep_place(comparison, finding.place);
    comparison->first_s = finding.at_s < comparison->first_s ? finding.at_s : comparison->first_s;
    comparison->last_s = finding.at_s > comparison->last_s ? finding.at_s : comparison->last_s;
    if (!is_near(row_cell(fields, row, "partition_date"), finding.day_s))
        comparison_note(comparison->altered, finding.name, finding.at_s, "partition_date is not its day");
    else if (!row_equals(truth, fields, row, why, sizeof why))
        comparison_note(comparison->altered, finding.name, finding.at_s, why);
}

static json_t *find_field(json_t *fields, const char *path)
{
    size_t size = strcspn(path, ".");
    for (size_t i = 0; i < json_array_size(fields); i++) {
        json_t *field = json_array_get(fields, i);
        const char *name = json_text_at(field, "name");
        if (!name || strlen(name) != size || strncmp(name, path, size) != 0) continue;
        return path[size] ? find_field(json_object_get(field, "fields"), path + size + 1) : field;
    }
    return NULL;
}

static void add_alternative(json_t *field, const char *name)
{
    json_t *names = json_object_get(field, "alternatives");
    if (!names) json_object_set_new(field, "alternatives", names = json_array());
    json_array_append_new(names, json_string(name));
}

/* Fields whose names differ from the columns' by rule. */
static void note_names(const struct oracle *oracle, json_t *fields)
{
    for (size_t i = 0; oracle->name_field && i < json_array_size(fields); i++) {
        json_t *field = json_array_get(fields, i);
        const char *column = json_text_at(field, "name");
        char name[128];
        oracle->name_field(column, name, sizeof name);
        if (strcmp(name, column) != 0) add_alternative(field, name);
        note_names(oracle, json_object_get(field, "fields"));
    }
}

/* The columns say how their fields come. */
static void note_forms(const struct oracle_form *form, json_t *fields)
{
    for (; form && form->path; form++) {
        json_t *field = find_field(fields, form->path);
        if (field && form->alternative) add_alternative(field, form->alternative);
        if (field && form->value_member)
            json_object_set_new(field, "value_member", json_string(form->value_member));
    }
}

static bool compare_day(struct comparison *comparison, const char *day)
{
    AUTO(mem_free)
    char *sql = mem_format("SELECT * FROM `%s.%s` WHERE partition_date = DATE '%s'", comparison->dataset,
                           comparison->table->name, day);
    struct sql_result result;
    bool read = comparison_query(comparison, sql, &result);
    if (read) note_forms(comparison->table->forms, json_object_get(result.schema, "fields"));
    if (read) note_names(comparison->oracle, json_object_get(result.schema, "fields"));
    for (size_t i = 0; read && i < json_array_size(result.rows); i++)
        compare_one(comparison, json_object_get(result.schema, "fields"), json_array_get(result.rows, i));
    sql_result_done(&result);
    return read;
}

static bool compare_days(struct comparison *comparison)
{
    AUTO(mem_free)
    char *sql =
        mem_format("SELECT partition_date, COUNT(*) AS row_count FROM `%s.%s` WHERE partition_date >= DATE "
                   "'0001-01-01' GROUP BY partition_date ORDER BY partition_date",
                   comparison->dataset, comparison->table->name);
    struct sql_result result;
    bool read = comparison_query(comparison, sql, &result);
    for (size_t i = 0; read && i < json_array_size(result.rows); i++) {
        const json_t *fields = json_object_get(result.schema, "fields");
        const char *day = row_cell(fields, json_array_get(result.rows, i), "partition_date");
        read = day && compare_day(comparison, day);
    }
    sql_result_done(&result);
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
            char name[320];
            comparison->table->rules->describe(comparison, comparison->places[i], name, sizeof name);
            json_array_append_new(comparison->doubled, json_string(name));
        }
    }
    comparison->place_count = kept;
}

bool comparison_has(const struct comparison *comparison, int64_t place)
{
    return comparison->place_count > 0 &&
           bsearch(&place, comparison->places, comparison->place_count, sizeof place, place_order) != NULL;
}

bool comparison_has_between(const struct comparison *comparison, int64_t first, int64_t last)
{
    size_t low = 0, high = comparison->place_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (comparison->places[middle] < first)
            low = middle + 1;
        else
            high = middle;
    }
    return low < comparison->place_count && comparison->places[low] <= last;
}

json_t *comparison_report(struct comparison *comparison, const char *name, bool *is_equal)
{
    json_t *report =
        json_pack("{s:s, s:I, s:I, s:o, s:o, s:o}", "stream", name, "rows", (json_int_t)comparison->rows,
                  "keys", (json_int_t)comparison->place_count, "missing", comparison->missing, "doubled",
                  comparison->doubled, "altered", comparison->altered);
    *is_equal = *is_equal && !comparison->problem[0] && json_array_size(comparison->missing) == 0 &&
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

struct comparison comparison_begin(const struct oracle *oracle, const char *dataset)
{
    return (struct comparison){
        .oracle = oracle,
        .dataset = dataset,
        .missing = json_array(),
        .doubled = json_array(),
        .altered = json_array(),
        .first_s = INT64_MAX,
        .last_s = INT64_MIN,
    };
}

bool comparison_has_table(const struct comparison *comparison, const char *name)
{
    AUTO(json_drop) json_t *table = store_table(comparison->oracle->store, comparison->dataset, name);
    return table != NULL;
}

static void comparison_drop(struct comparison *comparison)
{
    json_decref(comparison->missing);
    json_decref(comparison->doubled);
    json_decref(comparison->altered);
}

static bool compare_table(struct comparison comparison, json_t *reports)
{
    bool is_equal = true;
    if (compare_days(&comparison)) {
        find_doubled(&comparison);
        comparison.table->rules->find_missing(&comparison);
    }
    free(comparison.places);
    json_array_append_new(reports, comparison_report(&comparison, comparison.table->name, &is_equal));
    return is_equal;
}

bool oracle_compare(const struct oracle *oracle, const char *dataset, bool has_latest, json_t *reports)
{
    bool is_equal = true;
    for (const struct oracle_table *table = oracle->tables; table->name; table++) {
        struct comparison comparison = comparison_begin(oracle, dataset);
        comparison.table = table;
        comparison.collection = workspace_find(oracle->workspace, table->kind ? table->kind : table->name);
        bool is_required = table->is_required && collection_ever(comparison.collection) > 0;
        if (comparison_has_table(&comparison, table->name) || is_required)
            is_equal = compare_table(comparison, reports) && is_equal;
        else
            comparison_drop(&comparison);
    }
    if (has_latest) is_equal = oracle_compare_latest(oracle, dataset, reports) && is_equal;
    return is_equal;
}
