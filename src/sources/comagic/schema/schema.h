/* SPDX-License-Identifier: Apache-2.0 */
/* schema.h - the tables of this source, and the columns that several reports share.
 *
 * Columns have the names of the fields (Data API 2.0, misspelt ones included), and requests ask for just
 * these. A value without a column is kept in _extra. Times come as local times of the account, and are stored
 * as instants.
 */
#ifndef CASELOAD_SOURCES_COMAGIC_SCHEMA_H
#define CASELOAD_SOURCES_COMAGIC_SCHEMA_H

#include "rest/columns.h"

/* clang-format off */
/* A table: TABLE(name, description, columns, KEYS(...), TIMES(...), other members of struct table). */
#define TABLE(n, about, of, ...) {.name = (n), .description = (about), COLUMNS(of), __VA_ARGS__}

/* A report: what happened at a time. Its fields change later, and nothing says so: each content is a row. */
#define REPORT_TABLE(n, about, of, time, ...)                                                                        \
    TABLE(n, about, of, TIMES(time), .day_is_fixed = true, .keeps_contents = true, LEFT_OUT(comagic_joined_names),   \
          __VA_ARGS__)

/* A list without times. */
#define LIST_TABLE(n, about, of) TABLE(n, about, of, KEYS("id"))

/* All reports about people have these: a visit to the site, and where it came from. */
#define VISIT_COLUMNS                                                                                                \
    TEXT("ua_client_id", "Client id of Google Analytics"),                                                           \
    TEXT("ym_client_id", "Client id of Yandex Metrica"),                                                             \
    TEXT("search_query", "What was searched for"),                                                                   \
    TEXT("search_engine", "Search engine"),                                                                          \
    TEXT("referrer_domain", "Domain of the page that linked to the site"),                                           \
    TEXT("referrer", "Page that linked to the site"),                                                                \
    TEXT("entrance_page", "First page of the visit"),                                                                \
    TEXT("gclid", "Click id of Google Ads"),                                                                         \
    TEXT("yclid", "Click id of Yandex Direct"),                                                                      \
    TEXT("ymclid", "Click id of Yandex Market"),                                                                     \
    TEXT("ef_id", "Click id of Adobe Advertising"),                                                                  \
    TEXT("channel", "Where the visit came from: paid, organic, direct, ..."),                                        \
    TEXT("site_id", "Site"),                                                                                         \
    TEXT("site_domain_name", "Its domain, when the row was read"),                                                   \
    TEXT("campaign_id", "Advertising campaign"),                                                                     \
    TEXT("campaign_name", "Its name, when the row was read"),                                                        \
    TEXT("visitor_id", "Visitor: a browser"),                                                                        \
    TEXT("person_id", "Person: visitors that CoMagic recognised as one"),                                            \
    TEXT("visitor_type", "New or returning, in the account's language"),                                             \
    TEXT("visitor_device", "desktop, mobile, tablet or other"),                                                      \
    TEXT("visitor_city", "City"),                                                                                    \
    TEXT("visitor_region", "Region"),                                                                                \
    TEXT("visitor_country", "Country"),                                                                              \
    RECORDS("visitor_custom_properties", comagic_property_columns, "What the site says of the visitor"),             \
    RECORDS("segments", comagic_segment_columns, "Segments of visits"),                                              \
    TEXT("utm_source", "Parameter utm_source"),                                                                      \
    TEXT("utm_medium", "Parameter utm_medium"),                                                                      \
    TEXT("utm_term", "Parameter utm_term"),                                                                          \
    TEXT("utm_content", "Parameter utm_content"),                                                                    \
    TEXT("utm_campaign", "Parameter utm_campaign"),                                                                  \
    TEXT("openstat_ad", "Part of the parameter _openstat: the ad"),                                                  \
    TEXT("openstat_campaign", "... the campaign"),                                                                   \
    TEXT("openstat_service", "... the service"),                                                                     \
    TEXT("openstat_source", "... the place")

/* Calls, chats, offline messages, goals and communications have these, too. */
#define CONTACT_COLUMNS                                                                                              \
    CONTACT_OF_ANY_KIND_COLUMNS, TEXT("communication_type", "call, chat, offline_message or goal")
#define CONTACT_OF_ANY_KIND_COLUMNS                                                                                  \
    VISIT_COLUMNS,                                                                                                   \
    NUMBER("communication_number", "So many contacts of this person there were, with this one"),                     \
    TEXT("communication_page_url", "Page from which the contact was made"),                                          \
    TIME("sale_date", "When something was sold"),                                                                    \
    FLOATING("sale_cost", "For how much"),                                                                           \
    RECORDS("tags", comagic_tag_columns, "Tags, with who put them on, and when"),                                    \
    FLAG("visit_other_campaign", "An earlier visit came from another campaign"),                                     \
    TEXT("visitor_session_id", "Visit: a row of visitor_sessions"),                                                  \
    NUMBER("visits_count", "Visits of this person"),                                                                 \
    TEXT("visitor_first_campaign_id", "Campaign of the first visit"),                                                \
    TEXT("visitor_first_campaign_name", "Its name, when the row was read"),                                          \
    TEXT("eq_utm_source", "Parameter utm_source that the campaign has by its settings"),                             \
    TEXT("eq_utm_medium", "The same: utm_medium"),                                                                   \
    TEXT("eq_utm_term", "The same: utm_term"),                                                                       \
    TEXT("eq_utm_content", "The same: utm_content"),                                                                 \
    TEXT("eq_utm_campaign", "The same: utm_campaign"),                                                               \
    TEXT("eq_utm_referrer", "The same: utm_referrer"),                                                               \
    TEXT("eq_utm_expid", "The same: utm_expid"),                                                                     \
    TEXTS("attributes", "first, target, quality, ...: how it stands to the person's other contacts")

#define SOURCE_COLUMNS                                                                                               \
    TEXT("source_id", "Source of traffic"),                                                                          \
    TEXT("source_name", "Its name, when the row was read"),                                                          \
    TEXT("source_new", "Source by the newer rules"),                                                                 \
    TEXT("channel_new", "Channel by the newer rules"),                                                               \
    TEXT("channel_code", "... as a code")
/* clang-format on */

extern const struct column comagic_property_columns[2], comagic_segment_columns[2], comagic_tag_columns[8];
extern const struct left_out comagic_joined_names[27];

extern const struct table comagic_calls, comagic_call_legs, comagic_financial_call_legs;
extern const struct table comagic_chats, comagic_chat_messages, comagic_offline_messages, comagic_goals,
    comagic_communications;
extern const struct table comagic_visitor_sessions, comagic_campaign_daily_stat;
/* An aggregate does not say of which day it is: the reader adds it. */
#define COMAGIC_STAT_DAY "date"

extern const struct table comagic_employee_stat, comagic_employees, comagic_employee_groups, comagic_statuses,
    comagic_campaigns, comagic_sites, comagic_virtual_numbers, comagic_tags, comagic_scenarios,
    comagic_segments, comagic_chat_channels, comagic_contacts;

#endif
