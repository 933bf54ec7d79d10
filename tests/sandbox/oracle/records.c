/* SPDX-License-Identifier: Apache-2.0 */
/* records.c - tables whose rows are versions of records, or what a list said on a day. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/json.h"
#include "oracle/oracle.h"

#define DAY_S        86400
#define VERSION_BITS 20
#define NUMBER_BITS  24

static const char *key_column(const struct comparison *comparison)
{
    return comparison->table->key ? comparison->table->key : "id";
}

/* The row that a version should have, yours; NULL: no such version. */
static json_t *read_row(const struct comparison *comparison, size_t number, size_t version)
{
    json_t *body = collection_version(comparison->collection, number, version);
    return body && comparison->table->row ? comparison->table->row(body) : body;
}

/* --- versions --- */

int64_t version_place(size_t number, size_t version)
{
    return (int64_t)(number << VERSION_BITS | version);
}

void describe_place(struct comparison *comparison, int64_t place, char *out, size_t size)
{
    (void)comparison;
    snprintf(out, size, "the row at place %" PRId64, place);
}

static void find_version(struct comparison *comparison, const json_t *fields, const json_t *row,
                         struct finding *finding)
{
    const struct oracle_table *table = comparison->table;
    const char *key = row_cell(fields, row, key_column(comparison));
    finding->at_s = finding->day_s =
        comparison_seconds(fields, row, table->version ? table->version : "updated_at");
    if (!key) return;
    snprintf(finding->name, sizeof finding->name, "%s", key);
    size_t number = collection_number(comparison->collection, key);
    size_t version = collection_version_at(comparison->collection, number, finding->at_s);
    finding->truth = read_row(comparison, number, version);
    finding->place = version_place(number, version);
}

static void find_missing_versions(struct comparison *comparison)
{
    struct collection *collection = comparison->collection;
    size_t ever = collection_ever(collection), version;
    for (size_t number = 0; number < ever; number++) {
        char key[COLLECTION_KEY];
        if (!collection_wanted(collection, number, &version) ||
            comparison_has(comparison, version_place(number, version)))
            continue;
        int64_t at_s = collection_updated_s(collection, number, version);
        bool is_early = comparison->table->is_event && at_s < comparison->first_s && comparison->rows > 0;
        collection_key(collection, number, key);
        if (!is_early) comparison_note(comparison->missing, key, at_s, "");
    }
}

static void describe_version(struct comparison *comparison, int64_t place, char *out, size_t size)
{
    char key[COLLECTION_KEY];
    collection_key(comparison->collection, (size_t)(place >> VERSION_BITS), key);
    snprintf(out, size, "%s, version %" PRId64, key, place & ((INT64_C(1) << VERSION_BITS) - 1));
}

const struct oracle_rules oracle_versions = {find_version, find_missing_versions, describe_version};

/* --- contents --- */

/* If none is equal, the difference from the newest of that time is reported. */
static void find_content(struct comparison *comparison, const json_t *fields, const json_t *row,
                         struct finding *finding)
{
    struct collection *collection = comparison->collection;
    const char *key = row_cell(fields, row, key_column(comparison));
    char why[64];
    finding->at_s = finding->day_s = comparison_seconds(fields, row, comparison->table->version);
    if (!key) return;
    snprintf(finding->name, sizeof finding->name, "%s", key);
    size_t number = collection_number(collection, key);
    for (size_t left = collection_versions(collection, number); left > 0; left--) {
        if (collection_updated_s(collection, number, left - 1) != finding->at_s) continue;
        json_t *truth = read_row(comparison, number, left - 1);
        bool is_equal = row_equals(truth, fields, row, why, sizeof why);
        if (is_equal || !finding->truth) {
            json_decref(finding->truth);
            finding->truth = truth;
            finding->place = version_place(number, left - 1);
        } else {
            json_decref(truth);
        }
        if (is_equal) return;
    }
}

static void find_missing_contents(struct comparison *comparison)
{
    struct collection *collection = comparison->collection;
    size_t ever = collection_ever(collection), version;
    for (size_t number = 0; number < ever; number++) {
        char key[COLLECTION_KEY];
        if (!collection_wanted(collection, number, &version)) continue;
        (void)collection_shown(collection, number, &version); /* never shown: the newest stays */
        if (comparison_has(comparison, version_place(number, version))) continue;
        int64_t at_s = collection_updated_s(collection, number, version);
        collection_key(collection, number, key);
        if (at_s >= comparison->first_s || comparison->rows == 0)
            comparison_note(comparison->missing, key, at_s, "");
    }
}

const struct oracle_rules oracle_contents = {find_content, find_missing_contents, describe_version};

/* --- snapshots --- */

static int64_t place_on(int64_t day, size_t number)
{
    return day << NUMBER_BITS | (int64_t)number;
}

static void find_snapshot(struct comparison *comparison, const json_t *fields, const json_t *row,
                          struct finding *finding)
{
    const char *key = row_cell(fields, row, key_column(comparison));
    const char *date = row_cell(fields, row, "partition_date");
    struct day day;
    char why[64];
    if (!key || !date || !day_parse(date, &day)) return;
    snprintf(finding->name, sizeof finding->name, "%s", key);
    finding->at_s = finding->day_s = (int64_t)day.n * DAY_S;
    size_t number = collection_number(comparison->collection, key);
    finding->place = place_on(day.n, number);
    for (size_t left = collection_versions(comparison->collection, number); left > 0; left--) {
        json_t *truth = read_row(comparison, number, left - 1);
        json_decref(finding->truth);
        finding->truth = truth; /* if none is equal, the difference from the first is reported */
        if (row_equals(truth, fields, row, why, sizeof why)) return;
    }
}

/* Is the record with that number in the table on its newest day? */
static bool is_there(const struct comparison *comparison, size_t number)
{
    return comparison->rows > 0 && comparison_has(comparison, place_on(comparison->last_s / DAY_S, number));
}

/* The newest version of a current record, yours; NULL: it is gone. */
static json_t *read_current(struct collection *collection, size_t number)
{
    bool is_here = collection_is_here(collection, number);
    return is_here ? collection_version(collection, number, collection_versions(collection, number) - 1)
                   : NULL;
}

/* The groups of which some record is in the table on its newest day, as keys of an object; yours. */
static json_t *find_groups(const struct comparison *comparison)
{
    json_t *groups = json_object();
    size_t ever = collection_ever(comparison->collection);
    for (size_t number = 0; number < ever; number++) {
        if (!is_there(comparison, number)) continue;
        AUTO(json_drop) json_t *body = read_current(comparison->collection, number);
        const char *group = json_text_at(body, comparison->table->group);
        if (group) json_object_set_new(groups, group, json_true());
    }
    return groups;
}

static void find_missing_snapshots(struct comparison *comparison)
{
    struct collection *collection = comparison->collection;
    const char *member = comparison->table->group;
    size_t ever = collection_ever(collection);
    if (comparison->rows == 0 && collection_count(collection) > 0) {
        comparison_note(comparison->missing, "the whole list", 0, "");
        return;
    }
    AUTO(json_drop) json_t *groups = member ? find_groups(comparison) : NULL;
    for (size_t number = 0; number < ever; number++) {
        char key[COLLECTION_KEY];
        AUTO(json_drop) json_t *body = is_there(comparison, number) ? NULL : read_current(collection, number);
        const char *group = groups ? json_text_at(body, member) : NULL;
        if (!body || (groups && !(group && json_object_get(groups, group)))) continue;
        collection_key(collection, number, key);
        comparison_note(comparison->missing, key, comparison->last_s, "");
    }
}

static void describe_snapshot(struct comparison *comparison, int64_t place, char *out, size_t size)
{
    char date[DAY_TEXT], key[COLLECTION_KEY];
    day_format((struct day){.n = (int32_t)(place >> NUMBER_BITS)}, date);
    collection_key(comparison->collection, (size_t)(place & ((1 << NUMBER_BITS) - 1)), key);
    snprintf(out, size, "%s on %s", key, date);
}

const struct oracle_rules oracle_snapshots = {find_snapshot, find_missing_snapshots, describe_snapshot};
