/* SPDX-License-Identifier: Apache-2.0 */
/* lists.c - tables whose rows are records of a shelf. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/json.h"
#include "oracle/compare.h"
#include "workspace/shelf.h"

#define DAY_S        86400
#define VERSION_BITS 20
#define NUMBER_BITS  24

static const struct shelf_table *table_of(const struct comparison *comparison)
{
    return comparison->subject->of;
}

static struct shelf *shelf_of(const struct comparison *comparison)
{
    return shelves_find(comparison->sandbox->shelves, comparison->subject->table);
}

/* --- versions --- */

int64_t compare_version_place(size_t number, size_t version)
{
    return (int64_t)(number << VERSION_BITS | version);
}

size_t compare_shelf_version(struct shelf *shelf, size_t number, int64_t at_s)
{
    size_t versions = shelf_versions(shelf, number, NULL), version = 0;
    for (; version < versions; version++) {
        int64_t own_s;
        json_decref(shelf_version(shelf, number, version, &own_s));
        if (own_s == at_s) break;
    }
    return version;
}

void compare_version_find(struct comparison *comparison, const json_t *fields, const json_t *row,
                          struct finding *finding)
{
    const struct shelf_table *table = table_of(comparison);
    struct shelf *shelf = shelf_of(comparison);
    const char *key = compare_cell(fields, row, table->key);
    finding->at_s = finding->day_s = compare_seconds(fields, row, table->version);
    if (!key) return;
    snprintf(finding->name, sizeof finding->name, "%s", key);
    size_t number = shelf_number(shelf, key), versions = shelf_versions(shelf, number, NULL);
    for (size_t version = 0; version < versions && !finding->truth; version++) {
        int64_t at_s;
        json_t *body = shelf_version(shelf, number, version, &at_s);
        if (at_s == finding->at_s) finding->truth = json_incref(body);
        json_decref(body);
        finding->place = (int64_t)(number << VERSION_BITS | version);
    }
}

void compare_version_missing(struct comparison *comparison)
{
    struct shelf *shelf = shelf_of(comparison);
    size_t ever = shelf_ever(shelf);
    for (size_t number = 0; number < ever; number++) {
        bool current;
        int64_t at_s = 0;
        char key[SHELF_KEY];
        size_t newest = shelf_versions(shelf, number, &current) - 1;
        json_decref(shelf_version(shelf, number, newest, &at_s));
        bool early = table_of(comparison)->events && at_s < comparison->first_s;
        if (!current || (early && comparison->rows > 0) ||
            compare_has(comparison, (int64_t)(number << VERSION_BITS | newest)))
            continue;
        shelf_key(shelf, number, key);
        compare_note(comparison->missing, key, at_s, "");
    }
}

void compare_version_tell(struct comparison *comparison, int64_t place, char *out, size_t size)
{
    char key[SHELF_KEY];
    shelf_key(shelf_of(comparison), (size_t)(place >> VERSION_BITS), key);
    snprintf(out, size, "%s, version %" PRId64, key, place & ((INT64_C(1) << VERSION_BITS) - 1));
}

/* --- snapshots --- */

static int64_t place_on(int64_t day, size_t number)
{
    return day << NUMBER_BITS | (int64_t)number;
}

void compare_snapshot_find(struct comparison *comparison, const json_t *fields, const json_t *row,
                           struct finding *finding)
{
    struct shelf *shelf = shelf_of(comparison);
    const char *key = compare_cell(fields, row, table_of(comparison)->key);
    const char *date = compare_cell(fields, row, "partition_date");
    struct day day;
    char why[64];
    if (!key || !date || !day_parse(date, &day)) return;
    snprintf(finding->name, sizeof finding->name, "%s", key);
    finding->at_s = finding->day_s = (int64_t)day.n * DAY_S;
    size_t number = shelf_number(shelf, key);
    finding->place = place_on(day.n, number);
    for (size_t left = shelf_versions(shelf, number, NULL); left > 0; left--) {
        json_t *truth = shelf_version(shelf, number, left - 1, NULL);
        json_decref(finding->truth);
        finding->truth = truth; /* if none is equal, the first one's difference is told */
        if (compare_row(truth, fields, row, why, sizeof why)) return;
    }
}

/* Is the record with that number in the table on its newest day? */
static bool is_there(const struct comparison *comparison, size_t number)
{
    return comparison->rows > 0 && compare_has(comparison, place_on(comparison->last_s / DAY_S, number));
}

/* The newest version of a current record, yours; NULL: it is gone. */
static json_t *read_current(struct shelf *shelf, size_t number)
{
    bool current;
    size_t versions = shelf_versions(shelf, number, &current);
    return current ? shelf_version(shelf, number, versions - 1, NULL) : NULL;
}

/* The groups of which some record is in the table on its newest day, as keys of an object; yours. */
static json_t *find_groups(const struct comparison *comparison, struct shelf *shelf, const char *member)
{
    json_t *groups = json_object();
    size_t ever = shelf_ever(shelf);
    for (size_t number = 0; number < ever; number++) {
        if (!is_there(comparison, number)) continue;
        AUTO(json_drop) json_t *body = read_current(shelf, number);
        const char *group = json_text_at(body, member);
        if (group) json_object_set_new(groups, group, json_true());
    }
    return groups;
}

void compare_snapshot_missing(struct comparison *comparison)
{
    struct shelf *shelf = shelf_of(comparison);
    const char *member = table_of(comparison)->group;
    size_t ever = shelf_ever(shelf);
    if (comparison->rows == 0 && shelf_count(shelf) > 0) {
        compare_note(comparison->missing, "the whole list", 0, "");
        return;
    }
    AUTO(json_drop) json_t *groups = member ? find_groups(comparison, shelf, member) : NULL;
    for (size_t number = 0; number < ever; number++) {
        char key[SHELF_KEY];
        AUTO(json_drop) json_t *body = is_there(comparison, number) ? NULL : read_current(shelf, number);
        const char *group = groups ? json_text_at(body, member) : NULL;
        if (!body || (groups && !(group && json_object_get(groups, group)))) continue;
        shelf_key(shelf, number, key);
        compare_note(comparison->missing, key, comparison->last_s, "");
    }
}

void compare_snapshot_tell(struct comparison *comparison, int64_t place, char *out, size_t size)
{
    char date[DAY_TEXT], key[SHELF_KEY];
    day_format((struct day){.n = (int32_t)(place >> NUMBER_BITS)}, date);
    shelf_key(shelf_of(comparison), (size_t)(place & ((1 << NUMBER_BITS) - 1)), key);
    snprintf(out, size, "%s on %s", key, date);
}

/* --- the tables --- */

#define VERSIONS compare_expect_nothing, compare_version_find, compare_version_missing, compare_version_tell
#define SNAPSHOT                                                                                             \
    compare_expect_nothing, compare_snapshot_find, compare_snapshot_missing, compare_snapshot_tell

static const struct shelf_table updated = {.key = "id", .version = "updated_at"};
static const struct shelf_table created = {.key = "id", .version = "created_at", .events = true};
static const struct shelf_table listed = {.key = "id"};
static const struct shelf_table named = {.key = "full_name"};
static const struct shelf_table typed = {.key = "id", .group = "type"};

const struct subject compare_list_subjects[] = {
    {"articles", VERSIONS, &updated},
    {"internal_articles", VERSIONS, &updated},
    {"news_items", VERSIONS, &updated},
    {"macros", VERSIONS, &updated},
    {"content_snippets", VERSIONS, &updated},
    {"external_pages", VERSIONS, &updated},
    {"calls", VERSIONS, &updated},
    {"activity_logs", VERSIONS, &created},
    {"teams", SNAPSHOT, &listed},
    {"tags", SNAPSHOT, &listed},
    {"segments", SNAPSHOT, &listed},
    {"contact_attributes", SNAPSHOT, &named},
    {"company_attributes", SNAPSHOT, &named},
    {"conversation_attributes", SNAPSHOT, &listed},
    {"ticket_types", SNAPSHOT, &listed},
    {"ticket_states", SNAPSHOT, &listed},
    {"subscription_types", SNAPSHOT, &listed},
    {"away_status_reasons", SNAPSHOT, &listed},
    {"help_centers", SNAPSHOT, &listed},
    {"collections", SNAPSHOT, &listed},
    {"brands", SNAPSHOT, &listed},
    {"newsfeeds", SNAPSHOT, &listed},
    {"audiences", SNAPSHOT, &listed},
    {"content_import_sources", SNAPSHOT, &listed},
    {"custom_object_instances", SNAPSHOT, &typed},
    {.table = NULL},
};
