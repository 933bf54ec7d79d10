/* SPDX-License-Identifier: Apache-2.0 */
/* schema.h - the tables of this source.
 *
 * Columns have the names of the record's fields (API 2.16). Only the key and the version are never absent or
 * null. A value without a column is kept in _extra, so an unknown field is not lost.
 */
#ifndef CASELOAD_SOURCES_INTERCOM_SCHEMA_H
#define CASELOAD_SOURCES_INTERCOM_SCHEMA_H

#include "rest/columns.h"

/* clang-format off */
/* A table: TABLE(name, description, columns, KEYS(...), TIMES(...), other members of struct table). */
#define TABLE(n, about, of, ...) \
    {.name = (n), .description = (about), COLUMNS(of), .file_hosts = intercom_file_hosts, __VA_ARGS__}
/* clang-format on */

extern const char *const intercom_file_hosts[];

/* One file a subject: <subject>.c. */

extern const struct table intercom_contacts, intercom_contacts_deleted;
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
