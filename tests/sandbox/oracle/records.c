/* SPDX-License-Identifier: Apache-2.0 */
/* records.c - companies and their segments, tickets and their parts, and what happened to
 * conversations.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/json.h"
#include "oracle/compare.h"
#include "store/store.h"
#include "workspace/companies.h"
#include "workspace/tickets.h"
#include "workspace/world.h"

#define EVENT_BITS   4
#define SEGMENT_BITS 8

static struct shelf *shelf_of(const struct comparison *comparison, const char *kind)
{
    return shelves_find(comparison->sandbox->shelves, kind);
}

static void tell_place(struct comparison *comparison, int64_t place, char *out, size_t size)
{
    (void)comparison;
    snprintf(out, size, "the row at place %" PRId64, place);
}

/* --- companies: those that were deleted after they were loaded are there still --- */

static void find_missing_companies(struct comparison *comparison)
{
    struct shelf *shelf = shelf_of(comparison, "companies");
    size_t ever = shelf_ever(shelf);
    for (size_t number = 0; number < ever; number++) {
        size_t version;
        int64_t at_s = 0;
        char key[SHELF_KEY];
        if (!companies_wanted(comparison->sandbox->companies, number, &version) ||
            compare_has(comparison, compare_version_place(number, version)))
            continue;
        json_decref(shelf_version(shelf, number, version, &at_s));
        shelf_key(shelf, number, key);
        compare_note(comparison->missing, key, at_s, "");
    }
}

static int64_t segment_place(size_t number, size_t version, size_t segment)
{
    return compare_version_place(number, version) << SEGMENT_BITS | (int64_t)segment;
}

/* The segment with that id, as a row, yours; NULL: the company's version is not in it. */
static json_t *segment_row(const struct comparison *comparison, size_t number, size_t version, const char *id,
                           size_t *out_segment)
{
    AUTO(json_drop)
    json_t *segments = companies_segments_of(comparison->sandbox->companies, number, version);
    for (size_t i = 0; i < json_array_size(segments); i++) {
        json_t *segment = json_array_get(segments, i);
        const char *own = json_text_at(segment, "id");
        *out_segment = companies_segment_number(segment);
        if (own && strcmp(own, id) == 0) return json_incref(segment);
    }
    return NULL;
}

/* A company may change between the scroll and the reading of its segments: then they are those of later. */
static void find_segment(struct comparison *comparison, const json_t *fields, const json_t *row,
                         struct finding *finding)
{
    struct shelf *shelf = shelf_of(comparison, "companies");
    const char *company = compare_cell(fields, row, "company_id"), *id = compare_cell(fields, row, "id");
    finding->at_s = finding->day_s = compare_seconds(fields, row, "company_updated_at");
    if (!company || !id) return;
    snprintf(finding->name, sizeof finding->name, "%s, segment %s", company, id);
    size_t number = shelf_number(shelf, company), versions = shelf_versions(shelf, number, NULL), segment = 0;
    size_t listed = compare_shelf_version(shelf, number, finding->at_s);
    for (size_t version = listed; version < versions && !finding->truth; version++)
        finding->truth = segment_row(comparison, number, version, id, &segment);
    if (!finding->truth) return;
    finding->place = segment_place(number, listed, segment);
    json_object_set_new(finding->truth, "company_id", json_string(company));
    json_object_set_new(finding->truth, "company_updated_at", json_integer(finding->at_s));
}

static void find_missing_segments(struct comparison *comparison)
{
    struct shelf *shelf = shelf_of(comparison, "companies");
    size_t ever = shelf_ever(shelf);
    for (size_t number = 0; number < ever; number++) {
        bool current;
        char key[SHELF_KEY];
        size_t newest = shelf_versions(shelf, number, &current) - 1;
        AUTO(json_drop)
        json_t *segments = companies_segments_of(comparison->sandbox->companies, number, newest);
        shelf_key(shelf, number, key);
        for (size_t i = 0; current && i < json_array_size(segments); i++) {
            size_t segment = companies_segment_number(json_array_get(segments, i));
            if (!compare_has(comparison, segment_place(number, newest, segment)))
                compare_note(comparison->missing, key, 0, "a segment");
        }
    }
}

/* --- tickets --- */

static void find_ticket(struct comparison *comparison, const json_t *fields, const json_t *row,
                        struct finding *finding)
{
    struct shelf *shelf = shelf_of(comparison, "tickets");
    const char *id = compare_cell(fields, row, "id");
    finding->at_s = finding->day_s = compare_seconds(fields, row, "updated_at");
    if (!id) return;
    snprintf(finding->name, sizeof finding->name, "%s", id);
    size_t number = shelf_number(shelf, id), version = compare_shelf_version(shelf, number, finding->at_s);
    finding->truth = ticket_row(shelf, number, version);
    finding->place = compare_version_place(number, version);
}

static void name_part(const struct ticket_part *part, char *out, size_t size)
{
    snprintf(out, size, "%s, part %s%s", part->ticket, part->id, part->redacted ? ", redacted" : "");
}

static void find_part(struct comparison *comparison, const json_t *fields, const json_t *row,
                      struct finding *finding)
{
    const char *redacted = compare_cell(fields, row, "redacted");
    struct ticket_part part = {.ticket = compare_cell(fields, row, "ticket_id"),
                               .id = compare_cell(fields, row, "id"),
                               .updated_s = compare_seconds(fields, row, "updated_at"),
                               .redacted = redacted && strcmp(redacted, "true") == 0};
    finding->at_s = part.updated_s;
    finding->day_s = compare_seconds(fields, row, "created_at");
    if (!part.ticket || !part.id || !redacted) return;
    name_part(&part, finding->name, sizeof finding->name);
    finding->truth = ticket_part_row(shelf_of(comparison, "tickets"), &part, &finding->place);
}

static void want_part(void *self, const struct ticket_part *part, int64_t place)
{
    struct comparison *comparison = self;
    char name[320];
    if (compare_has(comparison, place)) return;
    name_part(part, name, sizeof name);
    compare_note(comparison->missing, name, part->updated_s, "");
}

static void find_missing_parts(struct comparison *comparison)
{
    struct shelf *shelf = shelf_of(comparison, "tickets");
    size_t ever = shelf_ever(shelf);
    for (size_t number = 0; number < ever; number++) {
        bool current;
        (void)shelf_versions(shelf, number, &current);
        if (current) ticket_parts(shelf, number, want_part, comparison);
    }
}

/* --- handling events --- */

static void find_event(struct comparison *comparison, const json_t *fields, const json_t *row,
                       struct finding *finding)
{
    struct world *talks = comparison->sandbox->talks;
    const char *id = compare_cell(fields, row, "conversation_id"), *type = compare_cell(fields, row, "type");
    const char *timestamp = compare_cell(fields, row, "timestamp");
    finding->at_s = finding->day_s = compare_seconds(fields, row, "timestamp");
    if (!id || !type || !timestamp) return;
    snprintf(finding->name, sizeof finding->name, "%s, %s", id, type);
    AUTO(json_drop) json_t *events = world_handling_events(talks, id, true);
    for (size_t i = 0; i < json_array_size(events); i++) {
        json_t *event = json_array_get(events, i);
        const char *at = json_text_at(event, "timestamp"), *own = json_text_at(event, "type");
        int64_t at_us;
        if (!instant_parse(at, strlen(at), &at_us) || at_us != strtoll(timestamp, NULL, 10) ||
            strcmp(own, type) != 0)
            continue;
        finding->truth = json_incref(event);
        finding->place = world_number(talks, id) << EVENT_BITS | (int64_t)i;
        json_object_set_new(event, "conversation_id", json_string(id));
    }
}

static void find_missing_events(struct comparison *comparison)
{
    struct world *talks = comparison->sandbox->talks;
    int64_t count = world_count(talks);
    for (int64_t number = 0; number < count; number++) {
        char id[WORLD_ID];
        int64_t updated_s;
        (void)world_newest(talks, number, id, &updated_s);
        AUTO(json_drop) json_t *events = id[0] ? world_handling_events(talks, id, false) : NULL;
        for (size_t i = 0; i < json_array_size(events); i++) {
            if (!compare_has(comparison, number << EVENT_BITS | (int64_t)i))
                compare_note(comparison->missing, id, updated_s,
                             json_text_at(json_array_get(events, i), "timestamp"));
        }
    }
}

static const struct shelf_table companies = {.key = "id", .version = "updated_at"};
static const struct shelf_table tickets = {.key = "id", .version = "updated_at"};

const struct subject compare_record_subjects[] = {
    {"companies", compare_expect_nothing, compare_version_find, find_missing_companies, compare_version_tell,
     &companies},
    {"company_segments", compare_expect_nothing, find_segment, find_missing_segments, tell_place, NULL},
    {"tickets", compare_expect_nothing, find_ticket, compare_version_missing, compare_version_tell, &tickets},
    {"ticket_parts", compare_expect_nothing, find_part, find_missing_parts, tell_place, NULL},
    {"handling_events", compare_expect_nothing, find_event, find_missing_events, tell_place, NULL},
    {.table = NULL},
};
