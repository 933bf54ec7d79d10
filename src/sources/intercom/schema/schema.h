/* SPDX-License-Identifier: Apache-2.0 */
/* schema.h - the tables of this source, and the macros that columns are written with.
 *
 * Columns have the names of the record's fields (API 2.16). Only the key and the version are never absent or
 * null. A value without a column is kept in _extra, so an unknown field is not lost.
 */
#ifndef CASELOAD_SOURCES_INTERCOM_SCHEMA_H
#define CASELOAD_SOURCES_INTERCOM_SCHEMA_H

#include "core/stream.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* clang-format off */
/* A column: TEXT(name, about) or TEXT(name, about, OR_FIELD(...), OR_IN("member")); see struct column. */
#define COLUMN(n, kind, how, ...) {.name = (n), .type = (kind), .mode = (how), .description = __VA_ARGS__}
#define FIELDS(of) .fields = (of), .field_count = COUNT(of)
#define OR_FIELD(...) .alternatives = (const char *const[]){__VA_ARGS__, NULL}
#define OR_IN(member) .value_member = (member)

#define TEXT(n, ...) COLUMN(n, COLUMN_STRING, COLUMN_NULLABLE, __VA_ARGS__)
#define NUMBER(n, ...) COLUMN(n, COLUMN_INT64, COLUMN_NULLABLE, __VA_ARGS__)
#define FLOATING(n, ...) COLUMN(n, COLUMN_FLOAT64, COLUMN_NULLABLE, __VA_ARGS__)
#define FLAG(n, ...) COLUMN(n, COLUMN_BOOL, COLUMN_NULLABLE, __VA_ARGS__)
#define TIME(n, ...) COLUMN(n, COLUMN_TIMESTAMP, COLUMN_NULLABLE, __VA_ARGS__)
#define JSON(n, ...) COLUMN(n, COLUMN_JSON, COLUMN_NULLABLE, __VA_ARGS__)
#define TEXTS(n, ...) COLUMN(n, COLUMN_STRING, COLUMN_REPEATED, __VA_ARGS__)
#define KEY(n, ...) COLUMN(n, COLUMN_STRING, COLUMN_REQUIRED, __VA_ARGS__)
#define KEY_FLAG(n, ...) COLUMN(n, COLUMN_BOOL, COLUMN_REQUIRED, __VA_ARGS__)
#define VERSION(n, ...) COLUMN(n, COLUMN_TIMESTAMP, COLUMN_REQUIRED, __VA_ARGS__)
/* A record that never changed may have no such time. */
#define UPDATED_AT(about) VERSION("updated_at", about, OR_FIELD("created_at"))
#define DAY(n, about) VERSION(n, about) /* partition_date is made of it, if that is not the version */
#define RECORD(n, of, ...) COLUMN(n, COLUMN_RECORD, COLUMN_NULLABLE, __VA_ARGS__, FIELDS(of))
#define RECORDS(n, of, ...) COLUMN(n, COLUMN_RECORD, COLUMN_REPEATED, __VA_ARGS__, FIELDS(of))

/* A table: TABLE(name, description, columns, KEYS(...), TIMES(...), other members of struct table). */
#define TABLE(n, about, of, ...) \
    {.name = (n), .description = (about), .columns = (of), .column_count = COUNT(of), \
     .file_hosts = intercom_file_hosts, __VA_ARGS__}
#define KEYS(...) \
    .key = (const char *const[]){__VA_ARGS__}, .key_count = COUNT(((const char *const[]){__VA_ARGS__}))
#define TIMES(column) .version = (column), .day = (column)
#define LEFT_OUT(of) .left_out = (of), .left_out_count = COUNT(of)
/* clang-format on */

extern const char *const intercom_file_hosts[];

/* One file a subject: <subject>.c. */

extern const struct table intercom_contacts, intercom_contacts_deleted, intercom_contact_ids;
extern const struct table intercom_companies, intercom_company_segments, intercom_companies_deleted,
    intercom_company_ids;

extern const struct table intercom_conversations, intercom_conversation_parts, intercom_handling_events,
    intercom_conversations_deleted, intercom_deleted_conversations;
extern const struct table intercom_tickets, intercom_ticket_parts;
extern const struct table intercom_calls;

extern const struct table intercom_articles, intercom_internal_articles, intercom_news_items,
    intercom_newsfeeds, intercom_macros, intercom_content_snippets, intercom_collections,
    intercom_help_centers, intercom_content_import_sources, intercom_external_pages;

extern const struct table intercom_admins, intercom_teams, intercom_tags, intercom_segments,
    intercom_contact_attributes, intercom_company_attributes, intercom_conversation_attributes,
    intercom_ticket_types, intercom_ticket_states, intercom_subscription_types, intercom_away_status_reasons,
    intercom_brands, intercom_audiences, intercom_activity_logs, intercom_custom_object_instances;

#endif
