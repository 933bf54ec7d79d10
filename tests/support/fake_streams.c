/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_streams.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct column updated_columns[] = {
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "updated_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "name", .type = COLUMN_STRING},
};

static const struct column created_columns[] = {
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "created_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
};

static const struct column reply_columns[] = {
    {.name = "ticket_id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "created_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "updated_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "redacted", .type = COLUMN_BOOL, .mode = COLUMN_REQUIRED},
    {.name = "body", .type = COLUMN_STRING},
};

static const struct column label_columns[] = {
    {.name = "ticket_id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "ticket_updated_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
};

static const struct column gone_columns[] = {
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "seen_missing_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
};

static const struct column team_columns[] = {
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "name", .type = COLUMN_STRING},
};

static const char *const id_key[] = {"id"};
static const char *const reply_key[] = {"ticket_id", "id", "redacted"};
static const char *const label_key[] = {"ticket_id", "id"};

/* A table keyed by id and partitioned by its version. */
#define BY_ID(of, time)                                                                                      \
    .columns = (of), .column_count = COUNT(of), .key = id_key, .key_count = COUNT(id_key),                   \
    .version = (time), .day = (time)

static const struct table replies = {
    .name = "replies",
    .columns = reply_columns,
    .column_count = COUNT(reply_columns),
    .key = reply_key,
    .key_count = COUNT(reply_key),
    .version = "updated_at",
    .day = "created_at",
    .keeps_contents = true,
};

static const struct table tickets = {
    .name = "tickets", BY_ID(updated_columns, "updated_at"), .keeps_contents = true};

static const struct table labels = {
    .name = "labels",
    .columns = label_columns,
    .column_count = COUNT(label_columns),
    .key = label_key,
    .key_count = COUNT(label_key),
    .version = "ticket_updated_at",
    .day = "ticket_updated_at",
    .owner = &tickets,
    .owner_key = "ticket_id",
    .keeps_contents = true,
};

static const struct child children[] = {{&replies, CHILD_DEFAULT}};
static const struct child desk_children[] = {{&replies, CHILD_DEFAULT}, {&labels, CHILD_DEFAULT}};

const struct stream fake_people = {
    .name = "people",
    .kind = STREAM_INCREMENTAL,
    .table =
        &(const struct table){.name = "people", BY_ID(updated_columns, "updated_at"), .keeps_contents = true},
    .by_default = true,
};

const struct stream fake_tickets = {
    .name = "tickets",
    .kind = STREAM_INCREMENTAL,
    .table = &tickets,
    .children = children,
    .child_count = COUNT(children),
    .by_default = true,
};

const struct stream fake_desk = {
    .name = "tickets",
    .kind = STREAM_INCREMENTAL,
    .table = &tickets,
    .children = desk_children,
    .child_count = COUNT(desk_children),
    .by_default = true,
    .unit_days = 2, /* many units: batches are shared */
};

const struct stream fake_visits = {
    .name = "visits",
    .kind = STREAM_EVENT,
    .table = &(const struct table){.name = "visits", BY_ID(created_columns, "created_at")},
    .by_default = true,
};

const struct stream fake_calls = {
    .name = "calls",
    .kind = STREAM_SCAN,
    .table =
        &(const struct table){.name = "calls", BY_ID(updated_columns, "updated_at"), .keeps_contents = true},
    .by_default = true,
};

const struct stream fake_teams = {
    .name = "teams",
    .kind = STREAM_SNAPSHOT,
    .table = &(const struct table){.name = "teams",
                                   .columns = team_columns,
                                   .column_count = COUNT(team_columns),
                                   .key = id_key,
                                   .key_count = COUNT(id_key)},
    .by_default = true,
};

static const struct table staff_gone = {.name = "staff_gone", BY_ID(gone_columns, "seen_missing_at")};
static const struct table staff_notes = {.name = "staff_notes", BY_ID(created_columns, "created_at")};
static const struct table staff = {
    .name = "staff", BY_ID(updated_columns, "updated_at"), .gone = &staff_gone, .keeps_contents = true};
static const struct child staff_children[] = {{&staff_notes, CHILD_NAMED}, {&staff_gone, CHILD_ALWAYS}};

const struct stream fake_staff = {
    .name = "staff",
    .kind = STREAM_INCREMENTAL,
    .table = &staff,
    .children = staff_children,
    .child_count = COUNT(staff_children),
    .by_default = true,
};

static const struct child leaver_children[] = {{&staff_gone, CHILD_ALWAYS}};

const struct stream fake_leavers = {
    .name = "leavers",
    .kind = STREAM_EVENT,
    .table = &(const struct table){.name = "leavers", BY_ID(created_columns, "created_at")},
    .children = leaver_children,
    .child_count = COUNT(leaver_children),
    .lock = &staff,
};

const struct stream fake_staff_reconciliation = {
    .name = "staff_reconciliation", .kind = STREAM_RECONCILE, .table = &staff, .subject = &staff};

struct selection fake_selection(const struct stream *stream)
{
    struct selection selection = {.stream = stream, .tables = {stream->table}, .table_count = 1};
    for (size_t i = 0; i < stream->child_count; i++)
        selection.tables[selection.table_count++] = stream->children[i].table;
    if (stream->kind != STREAM_RECONCILE) return selection;
    selection.tables[RECONCILE_ALIVE] = stream->subject;
    selection.tables[RECONCILE_GONE] = stream->subject->gone;
    selection.table_count = RECONCILE_TABLES;
    return selection;
}
