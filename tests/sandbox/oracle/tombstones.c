/* SPDX-License-Identifier: Apache-2.0 */
/* tombstones.c - tables of the deleted: a row's record is gone, or was when the row was written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/json.h"
#include "oracle/oracle.h"
#include "shared/virtual_clock.h"

#define SETTLED_S (2 * 86400) /* what is so old must have been loaded */
#define TIME_BITS 33          /* of a second */

bool comparison_is_settled(const struct comparison *comparison, int64_t at_s)
{
    int64_t now_s = virtual_clock_peek(comparison->oracle->clock) / 1000000;
    return at_s <= comparison->last_s || at_s + SETTLED_S <= now_s;
}

struct tombstone {
    const char *id, *source, *merged_into;
    int64_t seen_us, loaded_s;
};

static bool is_source(const char *source)
{
    static const char *const sources[] = {"deleted feed", "merge history", "merged", "reconciliation",
                                          "two lists"};
    for (size_t i = 0; source && i < sizeof sources / sizeof *sources; i++) {
        if (strcmp(source, sources[i]) == 0) return true;
    }
    return false;
}

static bool read_tombstone(const json_t *fields, const json_t *row, struct tombstone *tombstone,
                           struct finding *finding)
{
    const char *seen = row_cell(fields, row, "seen_missing_at");
    *tombstone = (struct tombstone){.id = row_cell(fields, row, "id"),
                                    .source = row_cell(fields, row, "source"),
                                    .merged_into = row_cell(fields, row, "merged_into"),
                                    .seen_us = seen ? strtoll(seen, NULL, 10) : 0,
                                    .loaded_s = comparison_seconds(fields, row, "_loaded_at")};
    finding->at_s = finding->day_s = tombstone->seen_us / 1000000;
    if (tombstone->id) snprintf(finding->name, sizeof finding->name, "%s", tombstone->id);
    return tombstone->id && seen;
}

/* The expected row; into: the record it was merged into, or NULL. */
static json_t *tombstone_row(const struct tombstone *tombstone, const char *into)
{
    char seen[INSTANT_TEXT];
    instant_format(tombstone->seen_us, seen);
    json_t *row = json_pack("{s:s, s:s, s:s}", "id", tombstone->id, "seen_missing_at", seen, "source",
                            is_source(tombstone->source) ? tombstone->source : "how it is known");
    if (into) json_object_set_new(row, "merged_into", json_string(into));
    return row;
}

static int64_t tombstone_place(size_t removal, int64_t seen_s)
{
    return (int64_t)removal << TIME_BITS | (seen_s & ((INT64_C(1) << TIME_BITS) - 1));
}

/* Was it gone when it was seen missing? It was read before the row was committed. */
static bool was_gone(const struct tombstone *tombstone, const struct removal *removal)
{
    int64_t seen_s = tombstone->seen_us / 1000000;
    return (removal->at_s <= seen_s || removal->at_s <= tombstone->loaded_s) && seen_s <= removal->back_s;
}

static void find_tombstone(struct comparison *comparison, const json_t *fields, const json_t *row,
                           struct finding *finding)
{
    struct collection *collection = comparison->collection;
    struct tombstone tombstone;
    if (!read_tombstone(fields, row, &tombstone, finding)) return;
    size_t count = collection_removals(collection);
    for (size_t i = 0; i < count && !finding->truth; i++) {
        struct removal removal;
        collection_removal(collection, i, &removal);
        if (strcmp(removal.key, tombstone.id) != 0 || !was_gone(&tombstone, &removal)) continue;
        const char *into = tombstone.merged_into;
        bool is_silent =
            !into && tombstone.source &&
            (strcmp(tombstone.source, "reconciliation") == 0 || strcmp(tombstone.source, "two lists") == 0);
        bool is_right = into && collection_merged_into(collection, tombstone.id, into);
        const char *should = is_right || is_silent ? into : removal.into[0] ? removal.into : NULL;
        finding->truth = tombstone_row(&tombstone, should);
        finding->place = tombstone_place(i, finding->at_s);
    }
}

static bool has_tombstone(const struct comparison *comparison, size_t removal)
{
    return comparison_has_between(comparison, tombstone_place(removal, 0),
                                  tombstone_place(removal + 1, 0) - 1);
}

/* Does some text in the value equal `text`? */
static bool mentions(const json_t *value, const char *text)
{
    json_t *members = (json_t *)(uintptr_t)value; /* jansson's iterator only reads */
    const char *key;
    json_t *member;
    bool is_found = json_is_string(value) && strcmp(json_string_value(value), text) == 0;
    json_object_foreach (members, key, member) {
        is_found = is_found || mentions(member, text);
    }
    for (size_t i = 0; i < json_array_size(value) && !is_found; i++)
        is_found = mentions(json_array_get(value, i), text);
    return is_found;
}

/* Does the row that must be there of the record that took the merge tell of it? */
static bool is_reported(struct collection *collection, const struct removal *removal)
{
    size_t number = collection_number(collection, removal->into), version;
    if (number == collection_ever(collection) || !collection_wanted(collection, number, &version))
        return false;
    AUTO(json_drop) json_t *body = collection_version(collection, number, version);
    return mentions(body, removal->key);
}

/* Nothing tells of others: they are found when all are counted. */
static void find_missing_tombstones(struct comparison *comparison)
{
    struct collection *collection = comparison->collection;
    const char *feed = comparison->table->feed;
    bool has_feed = feed && comparison_has_table(comparison, feed);
    size_t count = collection_removals(collection);
    for (size_t i = 0; i < count; i++) {
        struct removal removal;
        collection_removal(collection, i, &removal);
        bool is_wanted = (has_feed && comparison_is_settled(comparison, removal.at_s)) ||
                         (removal.into[0] && is_reported(collection, &removal));
        if (is_wanted && !has_tombstone(comparison, i))
            comparison_note(comparison->missing, removal.key, removal.at_s, "");
    }
}

const struct oracle_rules oracle_tombstones = {find_tombstone, find_missing_tombstones, describe_place};
