/* SPDX-License-Identifier: Apache-2.0 */
/* truth_lists.c - tables whose rows are the elements of a list that belongs to a record. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/json.h"
#include "helpscout/internal.h"

#define DAY_S        86400
#define ELEMENT_BITS 10
#define DAY_BITS     16

/* Such a list: its name, the column and the field with its record's id, and the column with an element's id.
 */
struct owned {
    const char *list, *column, *field, *id;
    bool is_daily; /* it is read whole, once a day */
};

static const struct owned threads = {"threads", "conversation_id", "conversationId", "id", false};
static const struct owned fields_of = {"fields", "mailbox_id", "mailboxId", "id", true};
static const struct owned folders = {"folders", "mailbox_id", "mailboxId", "id", true};
static const struct owned members = {"members", "team_id", "teamId", "user_id", true};

static int64_t element_place(int64_t day, size_t number, size_t element)
{
    return (int64_t)((number << ELEMENT_BITS | element) << DAY_BITS) | (day & ((1 << DAY_BITS) - 1));
}

/* As a reader has it: an address alone is a list of one. Takes the element. */
static json_t *element_row(const struct owned *owned, json_t *element, const char *key)
{
    static const char *const lists[] = {"to", "cc", "bcc"};
    json_object_set_new(element, owned->field, json_string(key));
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        json_t *value = json_object_get(element, lists[i]);
        if (json_is_string(value)) json_object_set_new(element, lists[i], json_pack("[O]", value));
    }
    return helpscout_lifted(element);
}

static bool has_id(const json_t *element, const char *id)
{
    char text[32];
    const json_t *own = json_object_get(element, "id");
    if (json_is_string(own)) return strcmp(json_string_value(own), id) == 0;
    snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(own));
    return strcmp(text, id) == 0;
}

/* In any version of its record, the newest first. */
static void find_element(struct comparison *comparison, const struct owned *owned, const json_t *fields,
                         const json_t *row, struct finding *finding)
{
    struct collection *collection = comparison->collection;
    const char *key = row_cell(fields, row, owned->column), *id = row_cell(fields, row, owned->id);
    const char *date = row_cell(fields, row, "partition_date");
    struct day day = {.n = 0};
    char why[64];
    if (!key || !id || !date || !day_parse(date, &day)) return;
    finding->at_s = finding->day_s =
        owned->is_daily ? (int64_t)day.n * DAY_S : comparison_seconds(fields, row, "created_at");
    snprintf(finding->name, sizeof finding->name, "%s, %s %s", key, owned->list, id);
    size_t number = collection_number(collection, key);
    for (size_t left = collection_versions(collection, number); left > 0; left--) {
        AUTO(json_drop) json_t *list = collection_version_list(collection, number, left - 1, owned->list);
        for (size_t i = 0; i < json_array_size(list); i++) {
            if (!has_id(json_array_get(list, i), id)) continue;
            json_decref(finding->truth);
            finding->truth = element_row(owned, json_incref(json_array_get(list, i)), key);
            finding->place = element_place(owned->is_daily ? day.n : (int64_t)left, number, i);
            if (row_equals(finding->truth, fields, row, why, sizeof why)) return;
        }
    }
}

/* Those of a deleted conversation can't be read. */
static bool is_deleted(struct collection *collection, size_t number, size_t version)
{
    AUTO(json_drop) json_t *record = collection_version(collection, number, version);
    const char *state = json_text_at(record, "state");
    return state && strcmp(state, "deleted") == 0;
}

/* The elements of a version that must be there, as they are in it; of lists read daily on the newest day. */
static void find_missing_elements(struct comparison *comparison, const struct owned *owned)
{
    struct collection *collection = comparison->collection;
    size_t ever = collection_ever(collection), version;
    for (size_t number = 0; number < ever; number++) {
        char key[COLLECTION_KEY];
        if (!collection_is_here(collection, number) || !collection_wanted(collection, number, &version))
            continue;
        if (is_deleted(collection, number, version)) continue;
        collection_key(collection, number, key);
        AUTO(json_drop) json_t *list = collection_version_list(collection, number, version, owned->list);
        for (size_t i = 0; i < json_array_size(list); i++) {
            int64_t day = owned->is_daily ? comparison->last_s / DAY_S : (int64_t)version + 1;
            bool is_there = comparison->rows > 0 && comparison_has(comparison, element_place(day, number, i));
            if (!is_there)
                comparison_note(comparison->missing, key, collection_updated_s(collection, number, version),
                                owned->list);
        }
    }
}

/* clang-format off */
#define RULES(of, owned)                                                                                     \
    static void find_##of(struct comparison *comparison, const json_t *fields, const json_t *row,            \
                          struct finding *finding)                                                           \
    {                                                                                                        \
        find_element(comparison, &(owned), fields, row, finding);                                            \
    }                                                                                                        \
    static void find_missing_##of(struct comparison *comparison)                                             \
    {                                                                                                        \
        find_missing_elements(comparison, &(owned));                                                         \
    }                                                                                                        \
    const struct oracle_rules helpscout_##of##_rules = {find_##of, find_missing_##of, describe_place};
/* clang-format on */

RULES(thread, threads)
RULES(field, fields_of)
RULES(folder, folders)
RULES(member, members)
