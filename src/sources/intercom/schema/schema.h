/* SPDX-License-Identifier: Apache-2.0 */
/* schema.h - the tables of this source, and the macros that columns are written with.
 *
 * Columns bear the names of the record's fields (API 2.16). Everything may be absent or null but the key and
 * the version. What no column takes is kept in _extra, so an unknown field is no loss.
 */
#ifndef CASELOAD_SOURCES_INTERCOM_SCHEMA_H
#define CASELOAD_SOURCES_INTERCOM_SCHEMA_H

#include "core/stream.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

#define TEXT(n, about)                                                                                       \
    {                                                                                                        \
        .name = (n), .type = COLUMN_STRING, .description = (about)                                           \
    }
#define NUMBER(n, about)                                                                                     \
    {                                                                                                        \
        .name = (n), .type = COLUMN_INT64, .description = (about)                                            \
    }
#define FLOATING(n, about)                                                                                   \
    {                                                                                                        \
        .name = (n), .type = COLUMN_FLOAT64, .description = (about)                                          \
    }
#define FLAG(n, about)                                                                                       \
    {                                                                                                        \
        .name = (n), .type = COLUMN_BOOL, .description = (about)                                             \
    }
#define TIME(n, about)                                                                                       \
    {                                                                                                        \
        .name = (n), .type = COLUMN_TIMESTAMP, .description = (about)                                        \
    }
#define JSON(n, about)                                                                                       \
    {                                                                                                        \
        .name = (n), .type = COLUMN_JSON, .description = (about)                                             \
    }
#define KEY(n, about)                                                                                        \
    {                                                                                                        \
        .name = (n), .type = COLUMN_STRING, .mode = COLUMN_REQUIRED, .description = (about)                  \
    }
#define VERSION(n, about)                                                                                    \
    {                                                                                                        \
        .name = (n), .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED, .description = (about)               \
    }
#define TEXTS(n, about)                                                                                      \
    {                                                                                                        \
        .name = (n), .type = COLUMN_STRING, .mode = COLUMN_REPEATED, .description = (about)                  \
    }
#define DAY(n, about) VERSION(n, about) /* what partition_date is made of, if it is not the version */
#define KEY_FLAG(n, about)                                                                                   \
    {                                                                                                        \
        .name = (n), .type = COLUMN_BOOL, .mode = COLUMN_REQUIRED, .description = (about)                    \
    }
#define RECORD(n, of, about)                                                                                 \
    {                                                                                                        \
        .name = (n), .type = COLUMN_RECORD, .fields = (of), .field_count = COUNT(of), .description = (about) \
    }
#define RECORDS(n, of, about)                                                                                \
    {                                                                                                        \
        .name = (n), .type = COLUMN_RECORD, .mode = COLUMN_REPEATED, .fields = (of),                         \
        .field_count = COUNT(of), .description = (about)                                                     \
    }

/* One file a subject: <subject>.c. */

/* people */
extern const struct table intercom_contacts, intercom_contacts_deleted, intercom_contact_ids;
extern const struct table intercom_companies, intercom_company_segments, intercom_companies_deleted,
    intercom_company_ids;

/* talk */
extern const struct table intercom_conversations, intercom_conversation_parts, intercom_handling_events,
    intercom_conversations_deleted, intercom_deleted_conversations;
extern const struct table intercom_tickets, intercom_ticket_parts;
extern const struct table intercom_calls;

/* what is published */
extern const struct table intercom_articles, intercom_internal_articles, intercom_news_items,
    intercom_newsfeeds, intercom_macros, intercom_content_snippets, intercom_collections,
    intercom_help_centers, intercom_content_import_sources, intercom_external_pages;

/* how the workspace is set up */
extern const struct table intercom_admins, intercom_teams, intercom_tags, intercom_segments,
    intercom_contact_attributes, intercom_company_attributes, intercom_conversation_attributes,
    intercom_ticket_types, intercom_ticket_states, intercom_subscription_types, intercom_away_status_reasons,
    intercom_brands, intercom_audiences, intercom_activity_logs, intercom_custom_object_instances;

#endif
