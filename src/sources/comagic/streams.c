/* SPDX-License-Identifier: Apache-2.0 */
/* streams.c - the table of streams. Adding one is an entry here, and its columns in schema/. */
#include "internal.h"
#include "schema/schema.h"

/* An entry: STREAM(name, kind, table, ABOUT(cost, permission, limitations), CALLS(pagination, method), other
 * members of struct rest_stream). */
/* clang-format off */
#define STREAM(n, k, of, ...)                                                                                        \
    &((const struct rest_stream){.stream.name = (n), .stream.kind = (k), .stream.table = (of),                       \
                                 .list = "result.data", .per_page = COMAGIC_PAGE, __VA_ARGS__}).stream
#define ABOUT(price, right, blind) .stream.cost = (price), .stream.permission = (right), .stream.limitations = (blind)
#define CALLS(how, method)         .pagination = &(how), .path = (method)
#define BY_DEFAULT                 .stream.by_default = true
#define SORTED                     .order = ORDER_OLDEST_FIRST
#define REPORT_COST        "1 for 10,000, at least 1 a week"
#define LIST_COST          "1 for 10,000"
#define BASIC              "Data API, basic set"
#define SETTINGS           "Data API for settings"
#define MISSES_DAYS        "the days on which it was not read"
#define MISSES_LATE        "changes that came after the lookback"
/* clang-format on */

const char *const *comagic_made_key(const struct table *table)
{
    static const char *const of_costs[] = {
        "date",       "site_id",           "campaign_id", "banner_group_id",
        "keyword_id", "current_banner_id", "source_id",   NULL};
    return table == &comagic_campaign_daily_stat ? of_costs : NULL;
}

static const struct stream *const streams[] = {
    STREAM("calls", STREAM_EVENT, &comagic_calls, BY_DEFAULT, ABOUT(REPORT_COST, BASIC, MISSES_LATE),
           CALLS(comagic_report, "get.calls_report"), SORTED),
    STREAM("call_legs", STREAM_EVENT, &comagic_call_legs, BY_DEFAULT, ABOUT(REPORT_COST, BASIC, MISSES_LATE),
           CALLS(comagic_report, "get.call_legs_report"), SORTED),
    STREAM("chats", STREAM_EVENT, &comagic_chats, BY_DEFAULT,
           ABOUT(REPORT_COST, BASIC, MISSES_LATE "; deleted chats"),
           CALLS(comagic_report, "get.chats_report"), SORTED),
    STREAM("chat_messages", STREAM_EVENT, &comagic_chat_messages, BY_DEFAULT,
           ABOUT(REPORT_COST, BASIC, MISSES_LATE), CALLS(comagic_messages, "get.chat_messages_report"),
           SORTED),
    STREAM("offline_messages", STREAM_EVENT, &comagic_offline_messages, BY_DEFAULT,
           ABOUT(REPORT_COST, BASIC, MISSES_LATE "; deleted messages"),
           CALLS(comagic_report_unsorted, "get.offline_messages_report")),
    STREAM("goals", STREAM_EVENT, &comagic_goals, BY_DEFAULT, ABOUT(REPORT_COST, BASIC, MISSES_LATE),
           CALLS(comagic_report_unsorted, "get.goals_report")),
    STREAM("communications", STREAM_EVENT, &comagic_communications, ABOUT(REPORT_COST, BASIC, MISSES_LATE),
           CALLS(comagic_report, "get.communications_report"), SORTED),
    STREAM("visitor_sessions", STREAM_EVENT, &comagic_visitor_sessions,
           ABOUT(REPORT_COST, BASIC, MISSES_LATE),
           CALLS(comagic_report_unsorted, "get.visitor_sessions_report")),
    STREAM("financial_call_legs", STREAM_EVENT, &comagic_financial_call_legs,
           ABOUT(REPORT_COST, BASIC, MISSES_LATE), CALLS(comagic_report, "get.financial_call_legs_report"),
           SORTED),
    STREAM("campaign_daily_stat", STREAM_EVENT, &comagic_campaign_daily_stat,
           ABOUT("1 for 10,000 of a site, at least 1 a site and week, and 1 for the sites", SETTINGS,
                 MISSES_LATE),
           CALLS(comagic_report, "get.campaign_daily_stat"), SORTED, .is_typed = true),

    STREAM("employee_stat", STREAM_EVENT, &comagic_employee_stat,
           ABOUT("1 a day", "the component call_center", MISSES_LATE),
           CALLS(comagic_day, "get.employee_stat"), .listing = &rest_backward,
           .day_member = COMAGIC_STAT_DAY),

    STREAM("employees", STREAM_SNAPSHOT, &comagic_employees, BY_DEFAULT,
           ABOUT(LIST_COST, SETTINGS, MISSES_DAYS), CALLS(comagic_list, "get.employees")),
    STREAM("employee_groups", STREAM_SNAPSHOT, &comagic_employee_groups, BY_DEFAULT,
           ABOUT(LIST_COST, SETTINGS, MISSES_DAYS), CALLS(comagic_list, "get.group_employees")),
    STREAM("statuses", STREAM_SNAPSHOT, &comagic_statuses, ABOUT(LIST_COST, SETTINGS, MISSES_DAYS),
           CALLS(comagic_list, "get.statuses")),
    STREAM("campaigns", STREAM_SNAPSHOT, &comagic_campaigns, BY_DEFAULT,
           ABOUT(LIST_COST, SETTINGS, MISSES_DAYS), CALLS(comagic_list, "get.campaigns")),
    STREAM("sites", STREAM_SNAPSHOT, &comagic_sites, BY_DEFAULT, ABOUT(LIST_COST, SETTINGS, MISSES_DAYS),
           CALLS(comagic_list, "get.sites")),
    STREAM("virtual_numbers", STREAM_SNAPSHOT, &comagic_virtual_numbers,
           ABOUT(LIST_COST, SETTINGS, MISSES_DAYS), CALLS(comagic_list, "get.virtual_numbers")),
    STREAM("tags", STREAM_SNAPSHOT, &comagic_tags, BY_DEFAULT, ABOUT(LIST_COST, SETTINGS, MISSES_DAYS),
           CALLS(comagic_list, "get.tags")),
    STREAM("scenarios", STREAM_SNAPSHOT, &comagic_scenarios, ABOUT(LIST_COST, SETTINGS, MISSES_DAYS),
           CALLS(comagic_list, "get.scenarios")),
    STREAM("segments", STREAM_SNAPSHOT, &comagic_segments, ABOUT(LIST_COST, SETTINGS, MISSES_DAYS),
           CALLS(comagic_list, "get.segments")),
    STREAM("chat_channels", STREAM_SNAPSHOT, &comagic_chat_channels, ABOUT(LIST_COST, SETTINGS, MISSES_DAYS),
           CALLS(comagic_list, "get.chat_channels")),
    STREAM("contacts", STREAM_SNAPSHOT, &comagic_contacts, ABOUT(LIST_COST, SETTINGS, MISSES_DAYS),
           CALLS(comagic_list, "get.contacts")),
};

#define AT(member) offsetof(struct comagic_options, member)

static const struct setting settings[] = {
    {"source", "brand", SETTING_CHOICE, AT(brand), "comagic", false, 0, 0, "comagic|uis",
     "comagic or uis: keys of one are refused by the other"},
    {"source", "rate_share", SETTING_NUMBER, AT(rate_share), "0.8", false, 0.01, 1, NULL,
     "part of the account's requests of a minute and a day that may be used"},
    {"source", "token", SETTING_TOKEN, AT(token), NULL, true, 0, 0, NULL,
     "where the key (or the password of source.login) is: {\"env\": NAME}, {\"file\": PATH} or {\"secret\": "
     "NAME}"},
    {"source", "base_url", SETTING_TEXT, AT(base_url), NULL, false, 0, 0, NULL,
     "another address of the source, for tests"},
    {"source", "login", SETTING_TEXT, AT(login), NULL, false, 0, 0, NULL,
     "log in as this user, for an hour at a time; without it the token is a permanent key"},
    {"source", "user_id", SETTING_INT, AT(user_id), "0", false, 0, INT32_MAX, NULL,
     "the client whose data an agent reads; 0: the account's own"},
};

const struct source_type comagic_type = {
    .name = COMAGIC_NAME,
    .title = "CoMagic",
    .streams = streams,
    .stream_count = sizeof streams / sizeof *streams,
    .first_year = 2007,
    .settings = {settings, sizeof settings / sizeof *settings},
    .options_size = sizeof(struct comagic_options),
    .check = comagic_check,
    .create = comagic_create,
};
