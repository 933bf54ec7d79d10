/* SPDX-License-Identifier: Apache-2.0 */
/* truth.c - what the tables loaded from Intercom must hold. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/json.h"
#include "base/mem.h"
#include "intercom/internal.h"

#define EVENT_BITS   4
#define SEGMENT_BITS 8
#define PARTS_MOST   500 /* in one answer */

/* --- threads: a row has the size of the list of parts instead of the list --- */

static json_t *thread_row(json_t *body, const char *parts)
{
    json_t *list = json_object_get(body, parts);
    int64_t received = (int64_t)json_array_size(json_object_get(list, parts));
    int64_t total = json_int_at(list, "total_count", -1);
    int64_t counted = json_int_at(body, "statistics.count_conversation_parts", -1);
    json_object_del(list, parts);
    json_object_set_new(body, "parts_received", json_integer(received));
    json_object_set_new(body, "parts_truncated", json_boolean(received == PARTS_MOST || total > received));
    if (total >= 0) json_object_set_new(body, "parts_total", json_integer(total));
    if (counted >= 0) json_object_set_new(body, "parts_missing", json_integer(counted - received));
    return body;
}

static json_t *conversation_row(json_t *body)
{
    return thread_row(body, "conversation_parts");
}

static json_t *ticket_row(json_t *body)
{
    return thread_row(body, "ticket_parts");
}

static json_t *part_row(const struct child_record *child, const char *parent_column, const char *parent)
{
    json_t *row = json_deep_copy(child->body);
    if (!json_is_boolean(json_object_get(row, "redacted")))
        json_object_set_new(row, "redacted", json_false());
    json_object_set_new(row, parent_column, json_string(parent));
    json_object_set_new(row, "part_index", json_integer(child->index));
    return row;
}

/* The opening message is part 0, as old as its conversation. */
static json_t *conversation_part_row(const struct child_record *child, const char *parent)
{
    static const char *const own[] = {"type", "delivered_as", "recipients", "reply_to", "subject", "url"};
    json_t *row = part_row(child, "conversation_id", parent);
    if (child->index > 0) return row;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        json_object_del(row, own[i]);
    if (!json_is_string(json_object_get(row, "id"))) json_object_set_new(row, "id", json_string("source"));
    json_object_set_new(row, "part_type", json_string("source"));
    json_object_set_new(row, "created_at", json_integer(child->parent_created_s));
    json_object_set_new(row, "updated_at", json_integer(child->parent_created_s));
    return row;
}

static json_t *ticket_part_row(const struct child_record *child, const char *parent)
{
    return part_row(child, "ticket_id", parent);
}

/* --- the feed of deleted conversations --- */

static void find_deletion(struct comparison *comparison, const json_t *fields, const json_t *row,
                          struct finding *finding)
{
    const char *id = row_cell(fields, row, "id");
    finding->at_s = finding->day_s = comparison_seconds(fields, row, "deleted_at");
    if (!id) return;
    snprintf(finding->name, sizeof finding->name, "%s", id);
    size_t count = collection_removals(comparison->collection);
    for (size_t i = 0; i < count && !finding->truth; i++) {
        struct removal removal;
        collection_removal(comparison->collection, i, &removal);
        if (strcmp(removal.key, id) != 0 || removal.at_s != finding->at_s) continue;
        finding->place = (int64_t)i;
        finding->truth = intercom_deletion(comparison->collection, i);
    }
}

static void find_missing_deletions(struct comparison *comparison)
{
    size_t count = collection_removals(comparison->collection);
    for (size_t i = 0; i < count; i++) {
        struct removal removal;
        collection_removal(comparison->collection, i, &removal);
        if (comparison_is_settled(comparison, removal.at_s) && !comparison_has(comparison, (int64_t)i))
            comparison_note(comparison->missing, removal.key, removal.at_s, "");
    }
}

static const struct oracle_rules deletions = {find_deletion, find_missing_deletions, describe_place};

/* --- the segments of companies --- */

static int64_t segment_place(size_t number, size_t version, const char *id)
{
    int64_t segment = strtoll(id + (strlen(id) > 2 ? strlen(id) - 2 : 0), NULL, 16);
    return version_place(number, version) << SEGMENT_BITS | segment;
}

/* The segment with that id, yours; NULL: the company's version is not in it. */
static json_t *read_segment(struct collection *companies, size_t number, size_t version, const char *id)
{
    AUTO(json_drop) json_t *segments = collection_version_list(companies, number, version, "segments");
    for (size_t i = 0; i < json_array_size(segments); i++) {
        json_t *segment = json_array_get(segments, i);
        if (strcmp(json_text_at(segment, "id"), id) == 0) return json_incref(segment);
    }
    return NULL;
}

/* A company may change between the scroll and the reading of its segments: then they are those of later. */
static void find_segment(struct comparison *comparison, const json_t *fields, const json_t *row,
                         struct finding *finding)
{
    struct collection *companies = comparison->collection;
    const char *company = row_cell(fields, row, "company_id"), *id = row_cell(fields, row, "id");
    char why[64];
    finding->at_s = finding->day_s = comparison_seconds(fields, row, "company_updated_at");
    if (!company || !id) return;
    snprintf(finding->name, sizeof finding->name, "%s, segment %s", company, id);
    size_t number = collection_number(companies, company), versions = collection_versions(companies, number);
    size_t listed = collection_version_at(companies, number, finding->at_s);
    for (size_t version = listed; version < versions; version++) {
        json_t *truth = read_segment(companies, number, version, id);
        if (!truth) continue;
        json_decref(finding->truth);
        finding->truth = truth;
        finding->place = segment_place(number, listed, id);
        json_object_set_new(truth, "company_id", json_string(company));
        json_object_set_new(truth, "company_updated_at", json_integer(finding->at_s));
        if (row_equals(truth, fields, row, why, sizeof why)) return;
    }
}

static void find_missing_segments(struct comparison *comparison)
{
    struct collection *companies = comparison->collection;
    size_t ever = collection_ever(companies);
    for (size_t number = 0; number < ever; number++) {
        char key[COLLECTION_KEY];
        if (!collection_is_here(companies, number)) continue;
        size_t newest = collection_versions(companies, number) - 1;
        AUTO(json_drop) json_t *segments = collection_version_list(companies, number, newest, "segments");
        collection_key(companies, number, key);
        for (size_t i = 0; i < json_array_size(segments); i++) {
            const char *id = json_text_at(json_array_get(segments, i), "id");
            if (!comparison_has(comparison, segment_place(number, newest, id)))
                comparison_note(comparison->missing, key, 0, "a segment");
        }
    }
}

static const struct oracle_rules segments = {find_segment, find_missing_segments, describe_place};

static void list_segments(struct collection *companies, size_t number, size_t version,
                          void (*add)(void *self, const char *name), void *self)
{
    char key[COLLECTION_KEY];
    collection_key(companies, number, key);
    AUTO(json_drop) json_t *list = collection_version_list(companies, number, version, "segments");
    for (size_t i = 0; i < json_array_size(list); i++) {
        AUTO(mem_free) char *name = mem_format("%s/%s", key, json_text_at(json_array_get(list, i), "id"));
        add(self, name);
    }
}

/* --- what happened to conversations --- */

static void find_event(struct comparison *comparison, const json_t *fields, const json_t *row,
                       struct finding *finding)
{
    struct collection *conversations = comparison->collection;
    const char *id = row_cell(fields, row, "conversation_id"), *type = row_cell(fields, row, "type");
    const char *timestamp = row_cell(fields, row, "timestamp");
    finding->at_s = finding->day_s = comparison_seconds(fields, row, "timestamp");
    if (!id || !type || !timestamp) return;
    snprintf(finding->name, sizeof finding->name, "%s, %s", id, type);
    size_t number = collection_number(conversations, id);
    if (number == collection_ever(conversations)) return;
    AUTO(json_drop) json_t *events = collection_version_list(conversations, number, 0, "handling_events");
    for (size_t i = 0; i < json_array_size(events); i++) {
        json_t *event = json_array_get(events, i);
        const char *at = json_text_at(event, "timestamp"), *own = json_text_at(event, "type");
        int64_t at_us;
        if (!instant_parse(at, strlen(at), &at_us) || at_us != strtoll(timestamp, NULL, 10) ||
            strcmp(own, type) != 0)
            continue;
        finding->truth = json_incref(event);
        finding->place = (int64_t)number << EVENT_BITS | (int64_t)i;
        json_object_set_new(event, "conversation_id", json_string(id));
    }
}

static void find_missing_events(struct comparison *comparison)
{
    struct collection *conversations = comparison->collection;
    size_t ever = collection_ever(conversations), version;
    for (size_t number = 0; number < ever; number++) {
        char key[COLLECTION_KEY];
        if (!collection_is_here(conversations, number) || !collection_wanted(conversations, number, &version))
            continue;
        collection_key(conversations, number, key);
        AUTO(json_drop)
        json_t *events = collection_version_list(conversations, number, version, "handling_events");
        for (size_t i = 0; i < json_array_size(events); i++) {
            if (!comparison_has(comparison, (int64_t)(number << EVENT_BITS | i)))
                comparison_note(comparison->missing, key,
                                collection_updated_s(conversations, number, version),
                                json_text_at(json_array_get(events, i), "timestamp"));
        }
    }
}

static const struct oracle_rules events = {find_event, find_missing_events, describe_place};

/* --- the tables --- */

static const struct oracle_form admin_forms[] = {{"avatar", NULL, "image_url"}, {.path = NULL}};
static const struct oracle_form contact_forms[] = {{"avatar", NULL, "image_url"}, {.path = NULL}};
static const struct oracle_form conversation_forms[] = {{"teammates.teammates", "admins", NULL},
                                                        {.path = NULL}};
static const struct oracle_form attribute_forms[] = {{"id", "full_name", NULL}, {.path = NULL}};

const struct oracle_table intercom_truth[] = {
    {.name = "contacts", .rules = &oracle_versions, .is_required = true, .forms = contact_forms},
    {.name = "conversations",
     .rules = &oracle_versions,
     .is_required = true,
     .row = conversation_row,
     .forms = conversation_forms},
    {.name = "conversation_parts",
     .rules = &oracle_children,
     .kind = "conversations",
     .key = "conversation_id",
     .child_row = conversation_part_row},
    {.name = "handling_events", .rules = &events, .kind = "conversations"},
    {.name = "deleted_conversations", .rules = &deletions, .kind = "conversations"},
    {.name = "contacts_deleted", .rules = &oracle_tombstones, .kind = "contacts"},
    {.name = "conversations_deleted",
     .rules = &oracle_tombstones,
     .kind = "conversations",
     .feed = "deleted_conversations"},
    {.name = "companies", .rules = &oracle_versions},
    {.name = "company_segments", .rules = &segments, .kind = "companies"},
    {.name = "companies_deleted", .rules = &oracle_tombstones, .kind = "companies"},
    {.name = "tickets", .rules = &oracle_versions, .row = ticket_row},
    {.name = "ticket_parts",
     .rules = &oracle_children,
     .kind = "tickets",
     .key = "ticket_id",
     .child_row = ticket_part_row},
    {.name = "articles", .rules = &oracle_versions},
    {.name = "internal_articles", .rules = &oracle_versions},
    {.name = "news_items", .rules = &oracle_versions},
    {.name = "macros", .rules = &oracle_versions},
    {.name = "content_snippets", .rules = &oracle_versions},
    {.name = "external_pages", .rules = &oracle_versions},
    {.name = "calls", .rules = &oracle_versions},
    {.name = "activity_logs", .rules = &oracle_versions, .version = "created_at", .is_event = true},
    {.name = "admins", .rules = &oracle_snapshots, .forms = admin_forms},
    {.name = "teams", .rules = &oracle_snapshots},
    {.name = "tags", .rules = &oracle_snapshots},
    {.name = "segments", .rules = &oracle_snapshots},
    {.name = "contact_attributes", .rules = &oracle_snapshots, .key = "full_name"},
    {.name = "company_attributes", .rules = &oracle_snapshots, .key = "full_name"},
    {.name = "conversation_attributes", .rules = &oracle_snapshots, .forms = attribute_forms},
    {.name = "ticket_types", .rules = &oracle_snapshots},
    {.name = "ticket_states", .rules = &oracle_snapshots},
    {.name = "subscription_types", .rules = &oracle_snapshots},
    {.name = "away_status_reasons", .rules = &oracle_snapshots},
    {.name = "help_centers", .rules = &oracle_snapshots},
    {.name = "collections", .rules = &oracle_snapshots},
    {.name = "brands", .rules = &oracle_snapshots},
    {.name = "newsfeeds", .rules = &oracle_snapshots},
    {.name = "audiences", .rules = &oracle_snapshots},
    {.name = "content_import_sources", .rules = &oracle_snapshots},
    {.name = "custom_object_instances", .rules = &oracle_snapshots, .group = "type"},
    {.name = NULL},
};

const struct oracle_latest intercom_latest[] = {
    {"contacts", "id", "updated_at", "contacts_deleted", NULL, NULL},
    {"conversations", "id", "updated_at", "conversations_deleted", NULL, NULL},
    {"companies", "id", "updated_at", "companies_deleted", NULL, NULL},
    {"company_segments", "CONCAT(company_id, '/', id)", "company_updated_at", NULL, list_segments,
     "companies"},
    {"tickets", "id", "updated_at", NULL, NULL, NULL},
    {.name = NULL},
};
