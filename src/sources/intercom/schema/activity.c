/* SPDX-License-Identifier: Apache-2.0 */
/* activity.c - what admins did to the workspace. */
#include "schema.h"

static const struct column performer_columns[] = {
    TEXT("type", "Always \"admin\""),
    TEXT("id", "Id of the admin"),
    TEXT("email", "E-mail address"),
    TEXT("ip", "Internet address it was done from"),
};

static const struct column activity_columns[] = {
    KEY("id", "Id given by Intercom"),
    VERSION("created_at", "When it happened: the version of the row"),
    TEXT("activity_type", "Kind of activity; it decides what metadata holds"),
    TEXT("activity_description", "The activity in words"),
    RECORD("performed_by", performer_columns, "The admin who did it"),
    JSON("metadata", "Details, which differ by kind of activity"),
};

const struct table intercom_activity_logs =
    TABLE("activity_logs", "Actions of admins: signing in, changing settings, ...", activity_columns,
          KEYS("id"), TIMES("created_at"), .day_is_fixed = true);
