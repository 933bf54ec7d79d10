/* compare_lists.c - tables whose rows are records of a shelf. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "compare.h"
#include "world_shelf.h"

#define DAY_S        86400
#define VERSION_BITS 20
#define NUMBER_BITS  24

static const struct shelf_table *table_of(const struct comparison *comparison)
{
    return comparison->subject->of;
}

static struct shelf *shelf_of(const struct comparison *comparison)
{
    return shelves_find(comparison->sandbox->shelves, table_of(comparison)->kind);
}

/* --- versions --- */

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

void compare_snapshot_missing(struct comparison *comparison)
{
    struct shelf *shelf = shelf_of(comparison);
    size_t ever = shelf_ever(shelf);
    if (comparison->rows == 0 && shelf_count(shelf) > 0)
        compare_note(comparison->missing, "the whole list", 0, "");
    for (size_t number = 0; comparison->rows > 0 && number < ever; number++) {
        bool current;
        char key[SHELF_KEY];
        (void)shelf_versions(shelf, number, &current);
        if (!current || compare_has(comparison, place_on(comparison->last_s / DAY_S, number))) continue;
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
#define SHELF(...)                                                                                           \
    &(const struct shelf_table)                                                                              \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
    }

const struct subject compare_list_subjects[] = {
    {"articles", VERSIONS, SHELF("articles", "id", "updated_at", false)},
    {"internal_articles", VERSIONS, SHELF("internal_articles", "id", "updated_at", false)},
    {"news_items", VERSIONS, SHELF("news_items", "id", "updated_at", false)},
    {"macros", VERSIONS, SHELF("macros", "id", "updated_at", false)},
    {"content_snippets", VERSIONS, SHELF("content_snippets", "id", "updated_at", false)},
    {"external_pages", VERSIONS, SHELF("external_pages", "id", "updated_at", false)},
    {"calls", VERSIONS, SHELF("calls", "id", "updated_at", false)},
    {"activity_logs", VERSIONS, SHELF("activity_logs", "id", "created_at", true)},
    {"teams", SNAPSHOT, SHELF("teams", "id", NULL, false)},
    {"tags", SNAPSHOT, SHELF("tags", "id", NULL, false)},
    {"segments", SNAPSHOT, SHELF("segments", "id", NULL, false)},
    {"contact_attributes", SNAPSHOT, SHELF("contact_attributes", "full_name", NULL, false)},
    {"company_attributes", SNAPSHOT, SHELF("company_attributes", "full_name", NULL, false)},
    {"conversation_attributes", SNAPSHOT, SHELF("conversation_attributes", "id", NULL, false)},
    {"ticket_types", SNAPSHOT, SHELF("ticket_types", "id", NULL, false)},
    {"ticket_states", SNAPSHOT, SHELF("ticket_states", "id", NULL, false)},
    {"subscription_types", SNAPSHOT, SHELF("subscription_types", "id", NULL, false)},
    {"away_status_reasons", SNAPSHOT, SHELF("away_status_reasons", "id", NULL, false)},
    {"help_centers", SNAPSHOT, SHELF("help_centers", "id", NULL, false)},
    {"collections", SNAPSHOT, SHELF("collections", "id", NULL, false)},
    {"brands", SNAPSHOT, SHELF("brands", "id", NULL, false)},
    {"newsfeeds", SNAPSHOT, SHELF("newsfeeds", "id", NULL, false)},
    {"audiences", SNAPSHOT, SHELF("audiences", "id", NULL, false)},
    {"content_import_sources", SNAPSHOT, SHELF("content_import_sources", "id", NULL, false)},
    {"custom_object_instances", SNAPSHOT, SHELF("custom_object_instances", "id", NULL, false)},
    {.table = NULL},
};
