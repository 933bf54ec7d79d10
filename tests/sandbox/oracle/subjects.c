/* SPDX-License-Identifier: Apache-2.0 */
/* subjects.c - what the rows of each table are compared with. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/json.h"
#include "oracle/compare.h"
#include "workspace/admins.h"
#include "workspace/world.h"

/* --- contacts, conversations: rows are versions of records --- */

static void find_version(struct world *world, const json_t *fields, const json_t *row,
                         struct finding *finding)
{
    const char *id = compare_cell(fields, row, "id");
    finding->at_s = finding->day_s = compare_seconds(fields, row, "updated_at");
    if (!id) return;
    snprintf(finding->name, sizeof finding->name, "%s", id);
    finding->truth = world_version(world, id, finding->at_s, &finding->place);
}

static void find_missing_versions(struct comparison *comparison, struct world *world)
{
    int64_t count = world_count(world);
    for (int64_t number = 0; number < count; number++) {
        char id[WORLD_ID];
        int64_t updated_s;
        int64_t place = world_newest(world, number, id, &updated_s);
        if (id[0] && !compare_has(comparison, place)) compare_note(comparison->missing, id, updated_s, "");
    }
}

static void tell_version(struct world *world, int64_t place, char *out, size_t size)
{
    char id[WORLD_ID];
    int64_t updated_s;
    world_newest(world, place >> WORLD_VERSION_BITS, id, &updated_s);
    snprintf(out, size, "%s, version %" PRId64, id, place & ((INT64_C(1) << WORLD_VERSION_BITS) - 1));
}

static bool expect_contacts(struct sandbox *sandbox)
{
    return world_count(sandbox->world) > 0;
}

static void find_contact(struct comparison *comparison, const json_t *fields, const json_t *row,
                         struct finding *finding)
{
    find_version(comparison->sandbox->world, fields, row, finding);
}

static void find_missing_contacts(struct comparison *comparison)
{
    find_missing_versions(comparison, comparison->sandbox->world);
}

static void tell_contact(struct comparison *comparison, int64_t place, char *out, size_t size)
{
    tell_version(comparison->sandbox->world, place, out, size);
}

static bool expect_conversations(struct sandbox *sandbox)
{
    return world_count(sandbox->talks) > 0;
}

static void find_conversation(struct comparison *comparison, const json_t *fields, const json_t *row,
                              struct finding *finding)
{
    find_version(comparison->sandbox->talks, fields, row, finding);
}

static void find_missing_conversations(struct comparison *comparison)
{
    find_missing_versions(comparison, comparison->sandbox->talks);
}

static void tell_conversation(struct comparison *comparison, int64_t place, char *out, size_t size)
{
    tell_version(comparison->sandbox->talks, place, out, size);
}

/* --- conversation_parts: rows are parts as some version of their conversation held them --- */

static void name_part(const struct world_part *part, char *out, size_t size)
{
    snprintf(out, size, "%s, part %s%s", part->conversation_id, part->id, part->redacted ? ", redacted" : "");
}

static void find_part(struct comparison *comparison, const json_t *fields, const json_t *row,
                      struct finding *finding)
{
    const char *redacted = compare_cell(fields, row, "redacted");
    struct world_part part = {.conversation_id = compare_cell(fields, row, "conversation_id"),
                              .id = compare_cell(fields, row, "id"),
                              .updated_s = compare_seconds(fields, row, "updated_at"),
                              .redacted = redacted && strcmp(redacted, "true") == 0};
    finding->at_s = part.updated_s;
    finding->day_s = compare_seconds(fields, row, "created_at");
    if (!part.conversation_id || !part.id || !redacted) return;
    name_part(&part, finding->name, sizeof finding->name);
    finding->truth = world_part(comparison->sandbox->talks, &part, &finding->place);
}

static void want_part(void *self, const struct world_part *part, int64_t place)
{
    struct comparison *comparison = self;
    char name[320];
    if (compare_has(comparison, place)) return;
    name_part(part, name, sizeof name);
    compare_note(comparison->missing, name, part->updated_s, "");
}

static void find_missing_parts(struct comparison *comparison)
{
    struct world *talks = comparison->sandbox->talks;
    int64_t count = world_count(talks);
    for (int64_t number = 0; number < count; number++) {
        char id[WORLD_ID];
        int64_t updated_s;
        (void)world_newest(talks, number, id, &updated_s);
        if (id[0]) world_parts(talks, number, want_part, comparison);
    }
}

static void tell_part(struct comparison *comparison, int64_t place, char *out, size_t size)
{
    (void)comparison;
    snprintf(out, size, "the part at place %" PRId64, place);
}

/* --- admins: rows are what the list said on a day --- */

#define ADMIN_BITS 8
#define ADMIN_ID   7001 /* of the first */

static void find_admin(struct comparison *comparison, const json_t *fields, const json_t *row,
                       struct finding *finding)
{
    const char *id = compare_cell(fields, row, "id"), *date = compare_cell(fields, row, "partition_date");
    struct day day;
    char why[64];
    if (!id || !date || !day_parse(date, &day)) return;
    int64_t number = strtoll(id, NULL, 10) - ADMIN_ID; /* of an id that is none: nobody's */
    finding->at_s = finding->day_s = (int64_t)day.n * 86400;
    finding->place = (int64_t)day.n << ADMIN_BITS | number;
    snprintf(finding->name, sizeof finding->name, "%s", id);
    for (uint32_t revision = 0; number >= 0; revision++) {
        json_t *truth = admins_revision(comparison->sandbox->admins, (size_t)number, revision);
        if (!truth) return;
        json_decref(finding->truth);
        finding->truth = truth;
        if (compare_row(truth, fields, row, why, sizeof why)) return;
    }
}

/* The newest day holds the whole list. */
static void find_missing_admins(struct comparison *comparison)
{
    size_t count = admins_count(comparison->sandbox->admins);
    int64_t day = comparison->last_s / 86400;
    for (size_t number = 0; comparison->rows > 0 && number < count; number++) {
        char id[32];
        snprintf(id, sizeof id, "%zu", ADMIN_ID + number);
        if (!compare_has(comparison, day << ADMIN_BITS | (int64_t)number))
            compare_note(comparison->missing, id, comparison->last_s, "");
    }
    if (comparison->rows == 0) compare_note(comparison->missing, "every admin", 0, "");
}

static void tell_admin(struct comparison *comparison, int64_t place, char *out, size_t size)
{
    char date[DAY_TEXT];
    (void)comparison;
    day_format((struct day){.n = (int)(place >> ADMIN_BITS)}, date);
    snprintf(out, size, "%" PRId64 " on %s", ADMIN_ID + (place & ((1 << ADMIN_BITS) - 1)), date);
}

const struct subject compare_subjects[] = {
    {"contacts", expect_contacts, find_contact, find_missing_contacts, tell_contact, NULL},
    {"conversations", expect_conversations, find_conversation, find_missing_conversations, tell_conversation,
     NULL},
    {"conversation_parts", compare_expect_nothing, find_part, find_missing_parts, tell_part, NULL},
    {"admins", compare_expect_nothing, find_admin, find_missing_admins, tell_admin, NULL},
    {.table = NULL},
};
