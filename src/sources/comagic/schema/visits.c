/* SPDX-License-Identifier: Apache-2.0 */
/* visits.c - visits to the sites, and what advertising cost. */
#include "schema.h"

static const struct column visit_contact_columns[] = {
    TEXT("communication_type", "call, chat, offline_message or goal"),
    TEXT("communication_id", "Id of the contact"),
    TIME("communication_date_time", "When it began"),
};

/* The visitor's internet address is not asked for. */
static const struct column visit_columns[] = {
    KEY("id", "Id of the visit"),
    VERSION("date_time", "When it began: the version of the row"),
    NUMBER("duration", "Seconds"),
    TEXT("exit_page", "Last page"),
    TEXT("engine", "Advertising system or search engine"),
    TEXT("cm_id", "Id in the address of an advertisement"),
    JSON("integrated_campaign_data", "What the advertising system says of the click"),
    TEXT("visitor_browser_name", "Browser"),
    TEXT("visitor_browser_version", "Its version"),
    TEXT("visitor_os_name", "Operating system"),
    TEXT("visitor_os_version", "Its version"),
    TEXT("visitor_screen", "Size of the screen"),
    TEXT("visitor_language", "Language"),
    TEXT("visitor_provider", "Provider of the internet access"),
    NUMBER("hits_count", "Pages"),
    JSON("hits", "Pages, with time and duration"),
    RECORDS("communications", visit_contact_columns, "Contacts that came of it"),
    VISIT_COLUMNS,
    SOURCE_COLUMNS,
    TEXT("ext_id", "Id given when it was uploaded"),
};

const struct table comagic_visitor_sessions =
    REPORT_TABLE("visitor_sessions", "Visits to the sites, one row for each content that was seen",
                 visit_columns, "date_time", KEYS("id"));

static const struct column cost_columns[] = {
    KEY("row_key", "Date, site, campaign, group, keyword, advertisement and source: caseload's own"),
    VERSION("date", "The day, from its first second on: the version of the row"),
    TEXT("site_id", "Site"),
    TEXT("site_domain_name", "Its domain, when the row was read"),
    TEXT("campaign_id", "Campaign"),
    TEXT("campaign_name", "Its name, when the row was read"),
    TEXT("campaign_ext_id", "Campaign in the advertising system"),
    TEXT("campaign_ext_name", "Its name there"),
    TEXT("engine", "Advertising system"),
    TEXT("banner_group_id", "Group of advertisements"),
    TEXT("banner_group_name", "Its name"),
    TEXT("keyword_id", "Keyword"),
    TEXT("keyword", "Its text"),
    FLOATING("cost_sum", "Cost"),
    NUMBER("shows_count", "Times it was shown"),
    NUMBER("clicks_count", "Clicks"),
    TEXT("current_banner_id", "Advertisement"),
    TEXT("current_banner_name", "Its name"),
    FLOATING("daily_budget", "Budget of a day"),
    FLOATING("weekly_budget", "Budget of a week"),
    TEXT("currency", "Currency"),
    NUMBER("chats_count", "Chats that came of it"),
    NUMBER("calls_count", "Calls that came of it"),
    NUMBER("goals_count", "Goals that were reached"),
    NUMBER("offline_messages_count", "Offline messages that came of it"),
    NUMBER("visits_count", "Visits"),
    TEXTS("old_banner_ids", "Earlier ids of the advertisement"),
    TEXTS("session_ids", "Visits: rows of visitor_sessions"),
    TEXT("source_id", "Source of traffic"),
    TEXT("source_name", "Its name, when the row was read"),
    JSON("communications", "Contacts that came of it"),
};

const struct table comagic_campaign_daily_stat = REPORT_TABLE(
    "campaign_daily_stat", "Costs and results of advertising on each day, one row for each content",
    cost_columns, "date", KEYS("row_key"));
