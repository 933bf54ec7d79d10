/* SPDX-License-Identifier: Apache-2.0 */
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
#include "oracle/compare.h"
#include "sql/sql.h"
#include "store/store.h"

#define EXAMPLES 20 /* listed of each kind */

void compare_note(json_t *list, const char *name, int64_t at_s, const char *why)
{
    char at[INSTANT_TEXT];
    instant_format(at_s * 1000000, at);
    if (json_array_size(list) < EXAMPLES)
        json_array_append_new(list, json_sprintf("%s at %s%s%s", name, at, *why ? ": " : "", why));
}

int64_t compare_seconds(const json_t *fields, const json_t *row, const char *column)
{
    const char *text = compare_cell(fields, row, column);
    return text ? strtoll(text, NULL, 10) / 1000000 : 0;
}

bool compare_expect_nothing(struct sandbox *sandbox)
{
    (void)sandbox;
    return false;
}

bool compare_query(struct comparison *comparison, const char *sql, struct sql_result *out_result)
{
    AUTO(json_drop) json_t *dataset = store_dataset(comparison->sandbox->store, comparison->dataset);
    const char *project = json_text_at(dataset, "datasetReference.projectId"); /* views name it */
    struct sql_query query = {.text = sql, .project = project ? project : "sandbox"};
    struct store_error err;
    *out_result = (struct sql_result){.schema = NULL};
    if (sql_run(comparison->sandbox->store, &query, out_result, &err)) return true;
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
    comparison->subject->find(comparison, fields, row, &finding);
    AUTO(json_drop) json_t *truth = finding.truth;
    if (!truth) {
        compare_note(comparison->altered, finding.name, finding.at_s, "there never was such a version");
        return;
    }
    keep_place(comparison, finding.place);
    comparison->first_s = finding.at_s < comparison->first_s ? finding.at_s : comparison->first_s;
    comparison->last_s = finding.at_s > comparison->last_s ? finding.at_s : comparison->last_s;
    if (!is_near(compare_cell(fields, row, "partition_date"), finding.day_s))
        compare_note(comparison->altered, finding.name, finding.at_s, "partition_date is not its day");
    else if (!compare_row(truth, fields, row, why, sizeof why))
        compare_note(comparison->altered, finding.name, finding.at_s, why);
}

static bool compare_day(struct comparison *comparison, const char *day)
{
    AUTO(mem_free)
    char *sql = mem_format("SELECT * FROM `%s.%s` WHERE partition_date = DATE '%s'", comparison->dataset,
                           comparison->subject->table, day);
    struct sql_result result;
    bool read = compare_query(comparison, sql, &result);
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
                   comparison->dataset, comparison->subject->table);
    struct sql_result result;
    bool read = compare_query(comparison, sql, &result);
    for (size_t i = 0; read && i < json_array_size(result.rows); i++) {
        const json_t *fields = json_object_get(result.schema, "fields");
        const char *day = compare_cell(fields, json_array_get(result.rows, i), "partition_date");
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
            comparison->subject->tell(comparison, comparison->places[i], name, sizeof name);
            json_array_append_new(comparison->doubled, json_string(name));
        }
    }
    comparison->place_count = kept;
}

bool compare_has(const struct comparison *comparison, int64_t place)
{
    return comparison->place_count > 0 &&
           bsearch(&place, comparison->places, comparison->place_count, sizeof place, place_order) != NULL;
}

bool compare_has_between(const struct comparison *comparison, int64_t first, int64_t last)
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

json_t *compare_report(struct comparison *comparison, const char *name, bool *equal)
{
    json_t *report =
        json_pack("{s:s, s:I, s:I, s:o, s:o, s:o}", "stream", name, "rows", (json_int_t)comparison->rows,
                  "keys", (json_int_t)comparison->place_count, "missing", comparison->missing, "doubled",
                  comparison->doubled, "altered", comparison->altered);
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

struct comparison compare_begin(struct sandbox *sandbox, const char *dataset)
{
    return (struct comparison){
        .sandbox = sandbox,
        .dataset = dataset,
        .missing = json_array(),
        .doubled = json_array(),
        .altered = json_array(),
        .first_s = INT64_MAX,
        .last_s = INT64_MIN,
    };
}

static json_t *compare_table(struct sandbox *sandbox, const char *dataset, const struct subject *subject,
                             bool *equal)
{
    struct comparison comparison = compare_begin(sandbox, dataset);
    comparison.subject = subject;
    if (compare_days(&comparison)) {
        find_doubled(&comparison);
        subject->find_missing(&comparison);
    }
    free(comparison.places);
    return compare_report(&comparison, subject->table, equal);
}

static const struct subject *const subject_tables[] = {compare_subjects, compare_list_subjects,
                                                       compare_record_subjects, compare_gone_subjects};

json_t *compare_dataset(struct sandbox *sandbox, const char *dataset, bool latest)
{
    bool equal = true;
    json_t *reports = json_array();
    for (size_t i = 0; i < sizeof subject_tables / sizeof *subject_tables; i++) {
        for (const struct subject *subject = subject_tables[i]; subject->table; subject++) {
            AUTO(json_drop) json_t *table = store_table(sandbox->store, dataset, subject->table);
            if (table || subject->expected(sandbox))
                json_array_append_new(reports, compare_table(sandbox, dataset, subject, &equal));
        }
    }
    if (latest) compare_latest(sandbox, dataset, reports, &equal);
    return json_pack("{s:b, s:o}", "equal", equal, "streams", reports);
}
