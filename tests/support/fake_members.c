/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_members.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct column home_columns[] = {
    {.name = "city", .type = COLUMN_STRING},
    {.name = "zip", .type = COLUMN_INT64},
    {.name = "tags", .type = COLUMN_STRING, .mode = COLUMN_REPEATED},
};

static const struct column people_columns[] = {
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "updated_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "name", .type = COLUMN_STRING},
    {.name = "seats", .type = COLUMN_INT64},
    {.name = "share", .type = COLUMN_FLOAT64},
    {.name = "open", .type = COLUMN_BOOL},
    {.name = "seen", .type = COLUMN_TIMESTAMP},
    {.name = "home", .type = COLUMN_RECORD, .fields = home_columns, .field_count = COUNT(home_columns)},
    {.name = "custom_attributes", .type = COLUMN_JSON},
    {.name = "tags", .type = COLUMN_STRING, .mode = COLUMN_REPEATED},
};

static const struct column deleted_columns[] = {
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "seen_missing_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "merged_into", .type = COLUMN_STRING},
    {.name = "source", .type = COLUMN_STRING},
};

static const struct column team_columns[] = {
    {.name = "person_id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "person_updated_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
};

static const struct column attribute_columns[] = {
    {.name = "name", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "data_type", .type = COLUMN_STRING},
    {.name = "custom", .type = COLUMN_BOOL},
};

static const char *const id_key[] = {"id"};
static const char *const team_key[] = {"person_id", "id"};
static const char *const name_key[] = {"name"};

const struct table fake_members_deleted = {
    .name = "people_deleted",
    .columns = deleted_columns,
    .column_count = COUNT(deleted_columns),
    .key = id_key,
    .key_count = COUNT(id_key),
    .version = "seen_missing_at",
    .day = "seen_missing_at",
};

const struct table fake_members_table = {
    .name = "people",
    .columns = people_columns,
    .column_count = COUNT(people_columns),
    .key = id_key,
    .key_count = COUNT(id_key),
    .version = "updated_at",
    .day = "updated_at",
    .gone = &fake_members_deleted,
    .keeps_contents = true,
};

const struct table fake_members_teams = {
    .name = "people_teams",
    .columns = team_columns,
    .column_count = COUNT(team_columns),
    .key = team_key,
    .key_count = COUNT(team_key),
    .version = "person_updated_at",
    .day = "person_updated_at",
    .owner = &fake_members_table,
    .owner_key = "person_id",
};

const struct table fake_members_ids = {
    .name = "people_reconciliation",
    .columns = people_columns,
    .column_count = 1,
    .key = id_key,
    .key_count = COUNT(id_key),
};

const struct stream fake_members = {
    .name = "people",
    .kind = STREAM_SCAN,
    .table = &fake_members_table,
    .children =
        (const struct child[]){{&fake_members_teams, CHILD_DEFAULT}, {&fake_members_deleted, CHILD_ALWAYS}},
    .child_count = 2,
};

const struct stream fake_members_reconciliation = {.name = "people_reconciliation",
                                                   .kind = STREAM_RECONCILE,
                                                   .table = &fake_members_ids,
                                                   .subject = &fake_members_table};

const struct stream fake_members_dated = {
    .name = "people",
    .kind = STREAM_INCREMENTAL,
    .table = &fake_members_table,
    .children = (const struct child[]){{&fake_members_deleted, CHILD_ALWAYS}},
    .child_count = 1,
};

const struct stream fake_members_list = {.name = "people_reconciliation",
                                         .kind = STREAM_RECONCILE,
                                         .table = &fake_members_table,
                                         .subject = &fake_members_table};

const struct stream fake_members_attributes = {
    .name = "people_attributes",
    .kind = STREAM_SNAPSHOT,
    .table = &(const struct table){.name = "people_attributes",
                                   .columns = attribute_columns,
                                   .column_count = COUNT(attribute_columns),
                                   .key = name_key,
                                   .key_count = COUNT(name_key)},
    .attributes = &(const struct attribute_list){.of = &fake_members_table,
                                                 .values = "custom_attributes",
                                                 .name = "name",
                                                 .type = "data_type",
                                                 .custom = "custom"},
};
