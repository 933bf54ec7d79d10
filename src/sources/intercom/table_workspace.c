/* table_workspace.c - how the workspace is set up. */
#include "tables.h"

/* --- admins --- */

static const struct column team_priority_columns[] = {
    TEXTS("primary_team_ids", "Teams that the admin serves first"),
    TEXTS("secondary_team_ids", "Teams that the admin serves when these have nothing to do"),
};

static const struct column role_columns[] = {
    TEXT("type", "Always \"role\""),
    TEXT("id", "Its id"),
    TEXT("name", "Its name"),
};

static const struct column admin_columns[] = {
    TEXT("type", "Always \"admin\""),
    KEY("id", "Id given by Intercom"),
    TEXT("name", "Name"),
    TEXT("email", "E-mail address"),
    TEXT("job_title", "Job title"),
    FLAG("away_mode_enabled", "The admin is away"),
    FLAG("away_mode_reassign", "New conversations of the admin go to others meanwhile"),
    TEXT("away_status_reason_id", "Why the admin is away"),
    FLAG("has_inbox_seat", "The admin has a paid seat"),
    TEXTS("team_ids", "Teams that the admin belongs to"),
    TEXT("avatar", "Address of the picture"),
    RECORD("team_priority_level", team_priority_columns, "Which teams come first"),
    RECORD("role", role_columns, "Role in the workspace"),
};

static const char *const id_key[] = {"id"};

const struct table intercom_admins = {
    .name = "admins",
    .description = "People who answer: the whole list, once on each day it was read",
    .columns = admin_columns,
    .column_count = COUNT(admin_columns),
    .key = id_key,
    .key_count = COUNT(id_key),
};
