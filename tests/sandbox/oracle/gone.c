/* SPDX-License-Identifier: Apache-2.0 */
/* gone.c - the feed of deleted conversations, and the tables that list who is gone. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/json.h"
#include "oracle/compare.h"
#include "store/store.h"
#include "workspace/companies.h"
#include "workspace/world.h"

#define SETTLED_S (2 * 86400) /* what is so old must have been loaded */
#define TIME_BITS 33          /* of a second */

/* --- the feed --- */

static void find_deletion(struct comparison *comparison, const json_t *fields, const json_t *row,
                          struct finding *finding)
{
    struct world *talks = comparison->sandbox->talks;
    const char *id = compare_cell(fields, row, "id");
    finding->at_s = finding->day_s = compare_seconds(fields, row, "deleted_at");
    if (!id) return;
    snprintf(finding->name, sizeof finding->name, "%s", id);
    int64_t count = world_removals(talks);
    for (int64_t i = 0; i < count && !finding->truth; i++) {
        struct world_removal removal;
        world_removal(talks, i, &removal);
        if (strcmp(removal.id, id) != 0 || removal.at_s != finding->at_s) continue;
        finding->place = i;
        finding->truth =
            json_pack("{s:s, s:s, s:b, s:I}", "type", "conversation", "id", id, "metrics_retained",
                      world_retains_metrics(talks, id), "deleted_at", (json_int_t)removal.at_s);
    }
}

/* Must it have been loaded by now? */
static bool is_settled(const struct comparison *comparison, int64_t at_s)
{
    int64_t now_s = virtual_clock_peek(comparison->sandbox->clock) / 1000000;
    return at_s <= comparison->last_s || at_s + SETTLED_S <= now_s;
}

/* Conversations that are gone for so long, and of which there is no row. */
static void note_missing(struct comparison *comparison,
                         bool (*has_row)(const struct comparison *comparison, int64_t removal))
{
    struct world *talks = comparison->sandbox->talks;
    int64_t count = world_removals(talks);
    for (int64_t i = 0; i < count; i++) {
        struct world_removal removal;
        world_removal(talks, i, &removal);
        if (is_settled(comparison, removal.at_s) && !has_row(comparison, i))
            compare_note(comparison->missing, removal.id, removal.at_s, "");
    }
}

static void find_missing_deletions(struct comparison *comparison)
{
    note_missing(comparison, compare_has);
}

static void tell_deletion(struct comparison *comparison, int64_t place, char *out, size_t size)
{
    struct world_removal removal;
    world_removal(comparison->sandbox->talks, place, &removal);
    snprintf(out, size, "%s", removal.id);
}

/* --- tombstones: a row's record is gone, or was when the row was written --- */

struct tombstone {
    const char *id, *source, *merged_into;
    int64_t seen_us, loaded_s;
};

static bool is_source(const char *source)
{
    static const char *const sources[] = {"deleted feed", "merge history", "merged", "reconciliation"};
    for (size_t i = 0; source && i < sizeof sources / sizeof *sources; i++) {
        if (strcmp(source, sources[i]) == 0) return true;
    }
    return false;
}

static bool read_tombstone(const json_t *fields, const json_t *row, struct tombstone *tombstone,
                           struct finding *finding)
{
    const char *seen = compare_cell(fields, row, "seen_missing_at");
    *tombstone = (struct tombstone){.id = compare_cell(fields, row, "id"),
                                    .source = compare_cell(fields, row, "source"),
                                    .merged_into = compare_cell(fields, row, "merged_into"),
                                    .seen_us = seen ? strtoll(seen, NULL, 10) : 0,
                                    .loaded_s = compare_seconds(fields, row, "_loaded_at")};
    finding->at_s = finding->day_s = tombstone->seen_us / 1000000;
    if (tombstone->id) snprintf(finding->name, sizeof finding->name, "%s", tombstone->id);
    return tombstone->id && seen;
}

/* What the row should say; into: where its record went, or NULL. */
static json_t *tombstone_row(const struct tombstone *tombstone, const char *into)
{
    char seen[INSTANT_TEXT];
    instant_format(tombstone->seen_us, seen);
    json_t *row = json_pack("{s:s, s:s, s:s}", "id", tombstone->id, "seen_missing_at", seen, "source",
                            is_source(tombstone->source) ? tombstone->source : "how it is known");
    if (into) json_object_set_new(row, "merged_into", json_string(into));
    return row;
}

static int64_t tombstone_place(int64_t removal, int64_t seen_s)
{
    return removal << TIME_BITS | (seen_s & ((INT64_C(1) << TIME_BITS) - 1));
}

/* Was it gone when that was said? It was read before the row was committed. */
static bool was_gone(const struct tombstone *tombstone, int64_t at_s, int64_t back_s)
{
    int64_t seen_s = tombstone->seen_us / 1000000;
    return (at_s <= seen_s || at_s <= tombstone->loaded_s) && seen_s <= back_s;
}

static void find_gone(struct comparison *comparison, struct world *world, const json_t *fields,
                      const json_t *row, struct finding *finding)
{
    struct tombstone tombstone;
    if (!read_tombstone(fields, row, &tombstone, finding)) return;
    int64_t count = world_removals(world);
    (void)comparison;
    for (int64_t i = 0; i < count && !finding->truth; i++) {
        struct world_removal removal;
        world_removal(world, i, &removal);
        if (strcmp(removal.id, tombstone.id) != 0 || !was_gone(&tombstone, removal.at_s, removal.back_s))
            continue;
        const char *into = tombstone.merged_into;
        bool untold = !into && tombstone.source && strcmp(tombstone.source, "reconciliation") == 0;
        bool right = into && world_merged_into(world, tombstone.id, into);
        const char *should = right || untold ? into : removal.into[0] ? removal.into : NULL;
        finding->truth = tombstone_row(&tombstone, should);
        finding->place = tombstone_place(i, finding->at_s);
    }
}

static void find_gone_contact(struct comparison *comparison, const json_t *fields, const json_t *row,
                              struct finding *finding)
{
    find_gone(comparison, comparison->sandbox->world, fields, row, finding);
}

static void find_gone_conversation(struct comparison *comparison, const json_t *fields, const json_t *row,
                                   struct finding *finding)
{
    find_gone(comparison, comparison->sandbox->talks, fields, row, finding);
}

static void find_gone_company(struct comparison *comparison, const json_t *fields, const json_t *row,
                              struct finding *finding)
{
    struct sandbox *sandbox = comparison->sandbox;
    struct tombstone tombstone;
    int64_t at_s;
    if (!read_tombstone(fields, row, &tombstone, finding) ||
        !companies_removal(sandbox->companies, tombstone.id, &at_s) || !was_gone(&tombstone, at_s, INT64_MAX))
        return;
    size_t number = shelf_number(shelves_find(sandbox->shelves, "companies"), tombstone.id);
    finding->truth = tombstone_row(&tombstone, NULL);
    finding->place = tombstone_place((int64_t)number, finding->at_s);
}

static bool has_tombstone(const struct comparison *comparison, int64_t removal)
{
    return compare_has_between(comparison, tombstone_place(removal, 0), tombstone_place(removal + 1, 0) - 1);
}

/* Does the row of the contact that must be there tell of the merge? */
static bool is_told(struct world *world, const struct world_removal *removal)
{
    char id[WORLD_ID];
    int64_t updated_s, place, number = world_number(world, removal->into);
    if (number < 0) return false;
    (void)world_newest(world, number, id, &updated_s);
    AUTO(json_drop) json_t *row = id[0] ? world_version(world, id, updated_s, &place) : NULL;
    const json_t *history = json_object_get(row, "merge_history");
    for (size_t i = 0; i < json_array_size(history); i++) {
        const char *source = json_text_at(json_array_get(history, i), "source_contact_id");
        if (source && strcmp(source, removal->id) == 0) return true;
    }
    return false;
}

static void find_missing_merged(struct comparison *comparison)
{
    struct world *world = comparison->sandbox->world;
    int64_t count = world_removals(world);
    for (int64_t i = 0; i < count; i++) {
        struct world_removal removal;
        world_removal(world, i, &removal);
        if (removal.into[0] && is_told(world, &removal) && !has_tombstone(comparison, i))
            compare_note(comparison->missing, removal.id, removal.at_s, "it was merged");
    }
}

/* Only those whom the feed told of: whoever does not read it knows nothing. */
static void find_missing_conversations(struct comparison *comparison)
{
    AUTO(json_drop)
    json_t *feed = store_table(comparison->sandbox->store, comparison->dataset, "deleted_conversations");
    if (feed) note_missing(comparison, has_tombstone);
}

/* Nobody tells of them: they are found when all are counted. */
static void find_nothing_missing(struct comparison *comparison)
{
    (void)comparison;
}

static void tell_gone(struct comparison *comparison, int64_t place, char *out, size_t size)
{
    (void)comparison;
    snprintf(out, size, "the row at place %" PRId64, place);
}

const struct subject compare_gone_subjects[] = {
    {"deleted_conversations", compare_expect_nothing, find_deletion, find_missing_deletions, tell_deletion,
     NULL},
    {"contacts_deleted", compare_expect_nothing, find_gone_contact, find_missing_merged, tell_gone, NULL},
    {"conversations_deleted", compare_expect_nothing, find_gone_conversation, find_missing_conversations,
     tell_gone, NULL},
    {"companies_deleted", compare_expect_nothing, find_gone_company, find_nothing_missing, tell_gone, NULL},
    {.table = NULL},
};
