/* SPDX-License-Identifier: Apache-2.0 */
/* schema.h - the tables of this source.
 *
 * Columns have the names of the record's fields in snake_case. Embedded fields stand beside the others of
 * their record. Only the key and the version are never absent or null. A value without a column is kept in
 * _extra under the name that Help Scout gives it.
 */
#ifndef CASELOAD_SOURCES_HELPSCOUT_SCHEMA_H
#define CASELOAD_SOURCES_HELPSCOUT_SCHEMA_H

#include "rest/columns.h"

/* clang-format off */
/* A table: TABLE(name, description, columns, KEYS(...), TIMES(...), other members of struct table). */
#define TABLE(n, about, of, ...) {.name = (n), .description = (about), COLUMNS(of), __VA_ARGS__}

#define CREATED_AT(about) TIME("created_at", about, FROM("createdAt"))
/* A record that never changed may have no such time. */
#define CHANGED_AT(about) VERSION("updated_at", about, FROM("updatedAt"), OR_FIELD("createdAt"))
/* clang-format on */

/* Conversations don't say when they changed: the reader adds the start of the local day on which they did. */
#define MODIFIED_DAY "modifiedDay"

/* One file a subject: <subject>.c. */

extern const struct table helpscout_conversations, helpscout_conversation_threads,
    helpscout_happiness_ratings;
extern const struct table helpscout_customers, helpscout_organizations;
extern const struct table helpscout_conversations_deleted, helpscout_customers_deleted,
    helpscout_conversation_ids;
extern const struct table helpscout_mailboxes, helpscout_mailbox_fields, helpscout_mailbox_folders,
    helpscout_users, helpscout_teams, helpscout_team_members, helpscout_workflows, helpscout_tags;

#endif
