/* SPDX-License-Identifier: Apache-2.0 */
/* truth.c - what the tables loaded from Help Scout must hold. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/json.h"
#include "helpscout/internal.h"

#define DAY_LONGEST_S 90000 /* 25 hours */

json_t *helpscout_lifted(json_t *record)
{
    json_t *embedded = json_incref(json_object_get(record, "_embedded")), *member;
    const char *name;
    json_object_del(record, "_links");
    json_object_del(record, "_embedded");
    json_object_foreach (embedded, name, member) {
        if (json_object_get(record,
                            name)) { /* it has another value of that name: this one stays where it is */
            json_object_set_new(record, "_embedded", json_pack("{s:O}", name, member));
            continue;
        }
        json_object_set(record, name, member);
    }
    json_decref(embedded);
    json_object_foreach (record, name, member) {
        if (json_is_object(member)) (void)helpscout_lifted(member);
        for (size_t i = 0; i < json_array_size(member); i++)
            if (json_is_object(json_array_get(member, i))) (void)helpscout_lifted(json_array_get(member, i));
    }
    return record;
}

/* --- conversations: a row names the day on which its version was made --- */

static void find_conversation(struct comparison *comparison, const json_t *fields, const json_t *row,
                              struct finding *finding)
{
    struct collection *collection = comparison->collection;
    const char *key = row_cell(fields, row, "id");
    char why[64], day[INSTANT_TEXT];
    finding->at_s = finding->day_s = comparison_seconds(fields, row, "modified_day");
    if (!key) return;
    snprintf(finding->name, sizeof finding->name, "%s", key);
    instant_format(finding->at_s * 1000000, day);
    size_t number = collection_number(collection, key);
    for (size_t left = collection_versions(collection, number); left > 0; left--) {
        int64_t updated_s = collection_updated_s(collection, number, left - 1);
        if (updated_s < finding->at_s || updated_s >= finding->at_s + DAY_LONGEST_S) continue;
        json_decref(finding->truth);
        finding->truth = helpscout_lifted(collection_version(collection, number, left - 1));
        finding->place = version_place(number, left - 1);
        json_object_set_new(finding->truth, "modifiedDay", json_string(day));
        json_object_del(finding->truth, "modifiedAt"); /* it is not shown */
        if (row_equals(finding->truth, fields, row, why, sizeof why)) return;
    }
}

static void find_missing_versions(struct comparison *comparison)
{
    oracle_versions.find_missing(comparison);
}

const struct oracle_rules helpscout_conversation_rules = {find_conversation, find_missing_versions,
                                                          describe_place};

/* --- the tables --- */

static const struct oracle_form customer_forms[] = {{"social_profiles", "social-profiles", NULL},
                                                    {.path = NULL}};
static const struct oracle_form rating_forms[] = {
    {"conversation_id", "id", NULL}, {"thread_id", "threadid", NULL}, {.path = NULL}};
static const struct oracle_form member_forms[] = {{"user_id", "id", NULL}, {.path = NULL}};

const struct oracle_table helpscout_truth[] = {
    {.name = "conversations", .rules = &helpscout_conversation_rules, .row = helpscout_lifted},
    {.name = "conversations_deleted", .rules = &oracle_tombstones, .kind = "conversations"},
    {.name = "customers_deleted", .rules = &oracle_tombstones, .kind = "customers"},
    {.name = "conversation_threads", .rules = &helpscout_thread_rules, .kind = "conversations"},
    {.name = "customers", .rules = &oracle_versions, .row = helpscout_lifted, .forms = customer_forms},
    {.name = "organizations", .rules = &oracle_versions, .row = helpscout_lifted},
    {.name = "happiness_ratings",
     .rules = &oracle_versions,
     .row = helpscout_lifted,
     .key = "conversation_id",
     .version = "rating_created_at",
     .is_event = true,
     .forms = rating_forms},
    {.name = "mailboxes", .rules = &oracle_snapshots, .row = helpscout_lifted},
    {.name = "mailbox_fields", .rules = &helpscout_field_rules, .kind = "mailboxes"},
    {.name = "mailbox_folders", .rules = &helpscout_folder_rules, .kind = "mailboxes"},
    {.name = "users", .rules = &oracle_snapshots, .row = helpscout_lifted},
    {.name = "teams", .rules = &oracle_snapshots, .row = helpscout_lifted},
    {.name = "team_members", .rules = &helpscout_member_rules, .kind = "teams", .forms = member_forms},
    {.name = "workflows", .rules = &oracle_snapshots, .row = helpscout_lifted},
    {.name = "tags", .rules = &oracle_snapshots, .row = helpscout_lifted},
    {.name = NULL},
};

const struct oracle_latest helpscout_latest[] = {
    {"customers", "id", "updated_at", "customers_deleted", NULL, NULL},
    {"organizations", "id", "updated_at", NULL, NULL, NULL},
    {.name = NULL},
};
