/* SPDX-License-Identifier: Apache-2.0 */
/* account.c - what an account is made of: lists that are read whole, once a day. */
#include "schema.h"

#define UPDATED(about) TIME("updated_at", about, FROM("updatedAt"))

static const struct column mailbox_columns[] = {
    KEY("id", "Id given by Help Scout"),        TEXT("name", "Name"),
    TEXT("slug", "Name in addresses"),          TEXT("email", "E-mail address"),
    CREATED_AT("When the mailbox was created"), UPDATED("When the mailbox last changed"),
};
const struct table helpscout_mailboxes = TABLE(
    "mailboxes", "Mailboxes: the whole list, once on each day it was read", mailbox_columns, KEYS("id"));

static const struct column option_columns[] = {
    TEXT("id", "Id of the option"),
    NUMBER("order", "Place"),
    TEXT("label", "Label"),
};

static const struct column field_columns[] = {
    KEY("mailbox_id", "Mailbox that the field belongs to", FROM("mailboxId")),
    KEY("id", "Id given by Help Scout"),
    FLAG("required", "It must be filled in"),
    NUMBER("order", "Place"),
    TEXT("type", "dropdown, single line, multi line, number, date, ..."),
    TEXT("name", "Name"),
    RECORDS("options", option_columns, "Options of a dropdown"),
};
const struct table helpscout_mailbox_fields =
    TABLE("mailbox_fields", "Custom fields of mailboxes: the whole list, once on each day it was read",
          field_columns, KEYS("mailbox_id", "id"));

static const struct column folder_columns[] = {
    KEY("mailbox_id", "Mailbox that the folder belongs to", FROM("mailboxId")),
    KEY("id", "Id given by Help Scout"),
    TEXT("name", "Name"),
    TEXT("type", "Kind of folder"),
    TEXT("user_id", "User whose folder it is; 0: everybody's", FROM("userId")),
    NUMBER("total_count", "Conversations in it", FROM("totalCount")),
    NUMBER("active_count", "Active conversations in it", FROM("activeCount")),
    UPDATED("When the folder last changed"),
};
const struct table helpscout_mailbox_folders =
    TABLE("mailbox_folders", "Folders of mailboxes: the whole list, once on each day it was read",
          folder_columns, KEYS("mailbox_id", "id"));

#define USER_COLUMNS                                                                                         \
    TEXT("first_name", "First name", FROM("firstName")), TEXT("last_name", "Last name", FROM("lastName")),   \
        TEXT("email", "E-mail address"), TEXT("role", "owner, admin or user"),                               \
        TEXT("timezone", "Time zone"), TEXT("photo_url", "Address of the picture", FROM("photoUrl")),        \
        CREATED_AT("When the user was created"), UPDATED("When the user last changed"),                      \
        TEXT("type", "user or team"), TEXT("mention", "Name for mentions"), TEXT("initials", "Initials"),    \
        TEXT("job_title", "Job title", FROM("jobTitle")), TEXT("phone", "Phone number"),                     \
        TEXTS("alternate_emails", "Other addresses", FROM("alternateEmails")),                               \
        TEXT("company_id", "The account", FROM("companyId"))

static const struct column user_columns[] = {
    KEY("id", "Id given by Help Scout"),
    USER_COLUMNS,
};
const struct table helpscout_users =
    TABLE("users", "Users: the whole list, once on each day it was read", user_columns, KEYS("id"));

static const struct column team_columns[] = {
    KEY("id", "Id given by Help Scout"),     TEXT("name", "Name"),
    TEXT("timezone", "Time zone"),           TEXT("photo_url", "Address of the picture", FROM("photoUrl")),
    CREATED_AT("When the team was created"), UPDATED("When the team last changed"),
    TEXT("mention", "Name for mentions"),    TEXT("initials", "Initials"),
};
const struct table helpscout_teams =
    TABLE("teams", "Teams: the whole list, once on each day it was read", team_columns, KEYS("id"));

static const struct column member_columns[] = {
    KEY("team_id", "The team", FROM("teamId")),
    KEY("user_id", "The user", FROM("id")),
    USER_COLUMNS,
};
const struct table helpscout_team_members =
    TABLE("team_members", "Members of teams: the whole list, once on each day it was read", member_columns,
          KEYS("team_id", "user_id"));

static const struct column workflow_columns[] = {
    KEY("id", "Id given by Help Scout"),
    TEXT("mailbox_id", "Mailbox that the workflow belongs to", FROM("mailboxId")),
    TEXT("type", "manual or automatic"),
    TEXT("status", "active, inactive or invalid"),
    NUMBER("order", "Place"),
    TEXT("name", "Name"),
    CREATED_AT("When the workflow was created"),
    TIME("modified_at", "When the workflow last changed", FROM("modifiedAt")),
};
const struct table helpscout_workflows = TABLE(
    "workflows", "Workflows: the whole list, once on each day it was read", workflow_columns, KEYS("id"));

static const struct column tag_columns[] = {
    KEY("id", "Id given by Help Scout"),
    TEXT("slug", "Name in addresses"),
    TEXT("name", "Name"),
    TEXT("color", "Color"),
    CREATED_AT("When the tag was created"),
    UPDATED("When the tag last changed"),
    NUMBER("ticket_count", "Conversations with it", FROM("ticketCount")),
};
const struct table helpscout_tags =
    TABLE("tags", "Tags: the whole list, once on each day it was read", tag_columns, KEYS("id"));
