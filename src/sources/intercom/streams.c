/* SPDX-License-Identifier: Apache-2.0 */
/* streams.c - the table of streams. Adding one is an entry here, and its columns in schema/. */
#include "internal.h"
#include "rest/tombstone.h"
#include "schema/schema.h"

static const struct detail conversation_detail = {
    .noun = "thread",
    .before = "/conversations/",
    .from_list = (const char *const[]){"monitor_evaluations", "scorecards", NULL},
};

/* As a search sends it: another form would be another content. Up to API 2.15 the query is ignored. */
static const struct lookup contact_lookup = {.before = "/contacts/", .after = "?include_merge_history=true"};
static const struct lookup company_lookup = {.before = "/companies/", .after = ""};

/* clang-format off */
#define PARTS                                                                                                \
    .total = "total_count", .max = 500, .index = "part_index", .count_received = "parts_received",           \
    .count_total = "parts_total", .is_truncated = "parts_truncated", .count_missing = "parts_missing"
/* clang-format on */

static const struct children conversation_children = {
    .list = "conversation_parts",
    .table = &intercom_conversation_parts,
    .parent = "conversation_id",
    .counted = "statistics.count_conversation_parts",
    PARTS,
    .make_first = make_opening_part,
    .prepare = set_redacted,
};

static const struct child_list handling_events[] = {{
                                                        .before = "/conversations/",
                                                        .after = "/handling_events",
                                                        .list = "handling_events",
                                                        .table = &intercom_handling_events,
                                                        .parent = "conversation_id",
                                                        .noun = "list of handling events",
                                                    },
                                                    {.table = NULL}};

static const struct children ticket_children = {
    .list = "ticket_parts",
    .table = &intercom_ticket_parts,
    .parent = "ticket_id",
    PARTS,
    .prepare = set_redacted,
};

static const struct child_list company_segments[] = {{
                                                         .before = "/companies/",
                                                         .after = "/segments",
                                                         .list = "data",
                                                         .table = &intercom_company_segments,
                                                         .parent = "company_id",
                                                         .version = "company_updated_at",
                                                         .noun = "list of segments",
                                                     },
                                                     {.table = NULL}};

/* Both lists of subscriptions have one URL, which has all of them. */
static const struct truncated_list contact_lists[] = {
    {.name = "tags"},
    {.name = "notes", .is_paged = true},
    {.name = "companies", .is_paged = true},
    {.name = "opted_in_subscription_types", .member = "consent_type", .value = "opt_in"},
    {.name = "opted_out_subscription_types", .member = "consent_type", .value = "opt_out"},
    {.name = NULL},
};

/* Lists with the names and types of the attributes that a workspace has added. */
static const struct attribute_list contact_list = {.of = &intercom_contacts,
                                                   .values = "custom_attributes",
                                                   .name = "name",
                                                   .type = "data_type",
                                                   .custom = "custom",
                                                   .archived = "archived"};
static const struct attribute_list company_list = {.of = &intercom_companies,
                                                   .values = "custom_attributes",
                                                   .name = "name",
                                                   .type = "data_type",
                                                   .custom = "custom",
                                                   .archived = "archived"};
static const struct attribute_list conversation_list = {.of = &intercom_conversations,
                                                        .values = "custom_attributes",
                                                        .name = "name",
                                                        .type = "data_type",
                                                        .custom = "custom",
                                                        .archived = "archived"};
static const struct attribute_list ticket_list = {.of = &intercom_tickets,
                                                  .values = "ticket_attributes",
                                                  .within = "ticket_type_attributes.data",
                                                  .name = "name",
                                                  .type = "data_type",
                                                  .archived = "archived"};

/* An entry: STREAM(name, kind, table, ABOUT(cost, permission, limitations), PAGES(pagination, path, list),
 * other members of struct intercom_stream). */
/* clang-format off */
#define STREAM(n, k, of, ...)                                                                                \
    &((const struct intercom_stream){.rest.stream.name = (n), .rest.stream.kind = (k),                       \
                                     .rest.stream.table = (of), __VA_ARGS__}).rest.stream
#define ABOUT(price, right, blind)                                                                           \
    .rest.stream.cost = (price), .rest.stream.permission = (right), .rest.stream.limitations = (blind)
#define MISSES_DAYS          "the days on which it was not read"
#define MISSES_VERSIONS(one) one " that changed twice between two runs is seen once"
#define BY_DEFAULT           .rest.stream.by_default = true
#define CHILDREN(...)                                                                                        \
    .rest.stream.children = (const struct child[]){__VA_ARGS__},                                             \
    .rest.stream.child_count = COUNT(((const struct child[]){__VA_ARGS__}))
#define PAGES(how, where, in) .rest.pagination = &(how), .rest.path = (where), .rest.list = (in)
/* clang-format on */

static const struct stream *const streams[] = {
    /* --- people --- */

    STREAM("contacts", STREAM_INCREMENTAL, &intercom_contacts, BY_DEFAULT,
           ABOUT("1 for 150 contacts, and 1 for each list in one of more than 10",
                 "Read and list users and companies", MISSES_VERSIONS("a contact")),
           CHILDREN({&intercom_contacts_deleted, CHILD_ALWAYS}),
           PAGES(intercom_search, "/contacts/search", "data"), .rest.slices = &intercom_search,
           .rest.truncated_lists = contact_lists, .rest.per_page = 150, .query = "include_merge_history=true",
           .query_since = 16, .bounds = BOUNDS_DAYS_2_16, .rest.order = ORDER_OLDEST_FIRST,
           .rest.derive_tombstones = derive_merged, .rest.add_tombstone = add_merged),

    STREAM("companies", STREAM_SCAN, &intercom_companies, BY_DEFAULT,
           ABOUT("1 for 100 companies, all of them each time; 1 for the segments of each that changed",
                 "Read and list users and companies", MISSES_VERSIONS("a company")),
           CHILDREN({&intercom_company_segments, CHILD_DEFAULT}, {&intercom_companies_deleted, CHILD_ALWAYS}),
           .rest.listing = &intercom_scroll, PAGES(intercom_list, "/companies/scroll", "data"),
           .rest.child_lists = company_segments),

    STREAM("contact_attributes", STREAM_SNAPSHOT, &intercom_contact_attributes, BY_DEFAULT,
           ABOUT("1", "Read and list users and companies", MISSES_DAYS),
           .rest.stream.attributes = &contact_list, PAGES(intercom_list, "/data_attributes", "data"),
           .query = "model=contact&include_archived=true"),

    STREAM("company_attributes", STREAM_SNAPSHOT, &intercom_company_attributes, BY_DEFAULT,
           ABOUT("1", "Read and list users and companies", MISSES_DAYS),
           .rest.stream.attributes = &company_list, PAGES(intercom_list, "/data_attributes", "data"),
           .query = "model=company&include_archived=true"),

    STREAM("segments", STREAM_SNAPSHOT, &intercom_segments, BY_DEFAULT,
           ABOUT("1", "Read and list users and companies", MISSES_DAYS),
           PAGES(intercom_list, "/segments", "segments"), .query = "include_count=true"),

    STREAM("tags", STREAM_SNAPSHOT, &intercom_tags, BY_DEFAULT, ABOUT("1", "Read tags", MISSES_DAYS),
           PAGES(intercom_list, "/tags", "data")),

    STREAM("subscription_types", STREAM_SNAPSHOT, &intercom_subscription_types,
           ABOUT("1", "Read and list users and companies", MISSES_DAYS),
           PAGES(intercom_list, "/subscription_types", "data")),

    STREAM("audiences", STREAM_SNAPSHOT, &intercom_audiences,
           ABOUT("1 for 50", "Read and list users and companies", MISSES_DAYS),
           PAGES(intercom_numbers, "/audiences", "data"), .rest.per_page = 50, .since = 16),

    /* In the form of a search, so that their contents can be compared. */
    STREAM("contacts_reconciliation", STREAM_RECONCILE, &intercom_contacts,
           ABOUT("1 for 150 contacts, all of them each time; 1 for each that the list lacks",
                 "Read and list users and companies",
                 "when exactly a contact was deleted; changes in lists of more than 10"),
           .rest.stream.subject = &intercom_contacts, PAGES(intercom_cursors, "/contacts", "data"),
           .rest.slices = &intercom_list_slices, .rest.per_page = 150, .query = "include_merge_history=true",
           .query_since = 16, .rest.lookup = &contact_lookup, .rest.truncated_lists = contact_lists,
           .rest.add_tombstone = tombstone_add_gone),

    /* Only ids: the scan reads all companies at each run, and their segments with them. */
    STREAM("companies_reconciliation", STREAM_RECONCILE, &intercom_company_ids,
           ABOUT("1 for 100 companies, all of them each time; 1 for each that the list lacks",
                 "Read and list users and companies", "when exactly a company was deleted"),
           .rest.stream.subject = &intercom_companies, .rest.listing = &intercom_scroll,
           PAGES(intercom_list, "/companies/scroll", "data"), .rest.ids_only = true,
           .rest.lookup = &company_lookup, .rest.add_tombstone = tombstone_add_gone),

    /* --- conversations --- */

    /* Before the conversations: a conversations_latest that is a table leaves them out at once. */
    STREAM("deleted_conversations", STREAM_EVENT, &intercom_deleted_conversations, BY_DEFAULT,
           ABOUT("1 for 60 that were deleted since the last run", "Read conversations",
                 "what was deleted before the feed began"),
           CHILDREN({&intercom_conversations_deleted, CHILD_ALWAYS}),
           .rest.stream.lock = &intercom_conversations, .rest.stream.unit_days = 36500,
           PAGES(intercom_numbers, "/conversations/deleted", "conversations"), .rest.per_page = 60,
           .query = "order=desc", .since = 16, .rest.order = ORDER_NEWEST_FIRST,
           .rest.derive_tombstones = derive_deleted),

    STREAM(
        "conversations", STREAM_INCREMENTAL, &intercom_conversations, BY_DEFAULT,
        ABOUT("1 for 150 conversations, and 1 each", "Read conversations",
              "parts before the newest 500 of a conversation"),
        CHILDREN({&intercom_conversation_parts, CHILD_DEFAULT},
                 {&intercom_conversations_deleted, CHILD_ALWAYS}, {&intercom_handling_events, CHILD_NAMED}),
        PAGES(intercom_search, "/conversations/search", "conversations"), .rest.per_page = 150,
        .query = "include_monitors=true&include_scorecards=true", .query_since = 16, .bounds = BOUNDS_SECONDS,
        .rest.order = ORDER_OLDEST_FIRST, .rest.detail = &conversation_detail,
        .rest.children = &conversation_children, .rest.child_lists = handling_events, .child_list_since = 15),

    STREAM("conversation_attributes", STREAM_SNAPSHOT, &intercom_conversation_attributes, BY_DEFAULT,
           ABOUT("1", "Read conversations", MISSES_DAYS), .rest.stream.attributes = &conversation_list,
           PAGES(intercom_list, "/conversations/attributes", "data"), .query = "include_archived=true",
           .since = 16, .older_path = "/data_attributes",
           .older_query = "model=conversation&include_archived=true"),

    STREAM("calls", STREAM_SCAN, &intercom_calls,
           ABOUT("1 for 25 calls, all of them each time", "Read calls", MISSES_VERSIONS("a call")),
           PAGES(intercom_numbers, "/calls", "data"), .rest.per_page = 25, .since = 14),

    /* --- tickets --- */

    STREAM("tickets", STREAM_INCREMENTAL, &intercom_tickets, BY_DEFAULT,
           ABOUT("1 for 150 tickets", "Read tickets", "parts before the newest 500 of a ticket"),
           CHILDREN({&intercom_ticket_parts, CHILD_DEFAULT}),
           PAGES(intercom_search, "/tickets/search", "tickets"), .rest.children = &ticket_children,
           .rest.per_page = 150, .bounds = BOUNDS_SECONDS, .rest.order = ORDER_OLDEST_FIRST),

    STREAM("ticket_types", STREAM_SNAPSHOT, &intercom_ticket_types, ABOUT("1", "Read tickets", MISSES_DAYS),
           .rest.stream.attributes = &ticket_list, PAGES(intercom_list, "/ticket_types", "data")),

    STREAM("ticket_states", STREAM_SNAPSHOT, &intercom_ticket_states, ABOUT("1", "Read tickets", MISSES_DAYS),
           PAGES(intercom_list, "/ticket_states", "data"), .since = 12),

    /* --- content --- */

    STREAM("articles", STREAM_SCAN, &intercom_articles,
           ABOUT("1 for 150 articles, all of them each time", "Read and list articles",
                 MISSES_VERSIONS("an article")),
           PAGES(intercom_numbers, "/articles", "data"), .rest.per_page = 150),

    STREAM("internal_articles", STREAM_SCAN, &intercom_internal_articles,
           ABOUT("1 for 25 articles, all of them each time", "Read and list articles",
                 MISSES_VERSIONS("an article")),
           PAGES(intercom_numbers, "/internal_articles", "data"), .since = 13),

    STREAM("collections", STREAM_SNAPSHOT, &intercom_collections,
           ABOUT("1 for 150", "Read and list articles", MISSES_DAYS),
           PAGES(intercom_numbers, "/help_center/collections", "data"), .rest.per_page = 150),

    STREAM("help_centers", STREAM_SNAPSHOT, &intercom_help_centers,
           ABOUT("1", "Read and list articles", MISSES_DAYS),
           PAGES(intercom_list, "/help_center/help_centers", "data")),

    STREAM("news_items", STREAM_SCAN, &intercom_news_items,
           ABOUT("1 for 10 items, all of them each time", "Read and list news items and newsfeeds",
                 MISSES_VERSIONS("an item")),
           PAGES(intercom_numbers, "/news/news_items", "data")),

    STREAM("newsfeeds", STREAM_SNAPSHOT, &intercom_newsfeeds,
           ABOUT("1 for 10", "Read and list news items and newsfeeds", MISSES_DAYS),
           PAGES(intercom_numbers, "/news/newsfeeds", "data")),

    STREAM("macros", STREAM_SCAN, &intercom_macros,
           ABOUT("1 for 150 macros, all of them each time", "Read conversations", MISSES_VERSIONS("a macro")),
           PAGES(intercom_cursors, "/macros", "data"), .rest.per_page = 150, .since = 16),

    STREAM("content_snippets", STREAM_SCAN, &intercom_content_snippets,
           ABOUT("1 for 50 snippets, all of them each time", "Read content", MISSES_VERSIONS("a snippet")),
           PAGES(intercom_numbers, "/content_snippets", "data"), .rest.per_page = 50, .since = 16),

    STREAM("content_import_sources", STREAM_SNAPSHOT, &intercom_content_import_sources,
           ABOUT("1 for 50", "Read content", MISSES_DAYS),
           PAGES(intercom_numbers, "/ai/content_import_sources", "data"), .rest.per_page = 50, .since = 12),

    STREAM("external_pages", STREAM_SCAN, &intercom_external_pages,
           ABOUT("1 for 50 pages, all of them each time", "Read content", MISSES_VERSIONS("a page")),
           PAGES(intercom_numbers, "/ai/external_pages", "data"), .rest.per_page = 50, .since = 12),

    /* --- workspace --- */

    STREAM("admins", STREAM_SNAPSHOT, &intercom_admins, BY_DEFAULT, ABOUT("1", "Read admins", MISSES_DAYS),
           PAGES(intercom_list, "/admins", "admins"), .query = "display_avatar=true"),

    STREAM("teams", STREAM_SNAPSHOT, &intercom_teams, BY_DEFAULT,
           ABOUT("1", "Read and list users and companies", MISSES_DAYS),
           PAGES(intercom_list, "/teams", "teams")),

    STREAM("activity_logs", STREAM_EVENT, &intercom_activity_logs, BY_DEFAULT,
           ABOUT("1 for 250 entries, at least 1 a week", "Read admin activity logs", NULL),
           PAGES(intercom_logs, "/admins/activity_logs", "activity_logs"), .rest.per_page = 250,
           .bounds = BOUNDS_SECONDS),

    STREAM("away_status_reasons", STREAM_SNAPSHOT, &intercom_away_status_reasons,
           ABOUT("1", "Read admins", MISSES_DAYS), PAGES(intercom_list, "/away_status_reasons", "data"),
           .since = 14),

    STREAM("brands", STREAM_SNAPSHOT, &intercom_brands, ABOUT("1", "Read admins", MISSES_DAYS),
           PAGES(intercom_list, "/brands", "data"), .since = 15),

    STREAM("custom_object_instances", STREAM_SNAPSHOT, &intercom_custom_object_instances,
           ABOUT("1 for 150 of a type, at least 1 a type", "Read custom objects", MISSES_DAYS),
           PAGES(intercom_numbers, "/custom_object_instances/", "data"), .rest.per_page = 150, .since = 16,
           .rest.is_typed = true),
};

#define AT(member) offsetof(struct intercom_options, member)

static const struct setting settings[] = {
    {"source", "region", SETTING_CHOICE, AT(region), "us", false, 0, 0, "us|eu|au", "us, eu or au"},
    {"source", "rate_share", SETTING_NUMBER, AT(rate_share), "0.8", false, 0.01, 1, NULL,
     "part of the source's rate limit that may be used"},
    {"source", "token", SETTING_TOKEN, AT(token), NULL, true, 0, 0, NULL,
     "where the access token is: {\"env\": NAME}, {\"file\": PATH} or {\"secret\": NAME}"},
    {"source", "base_url", SETTING_TEXT, AT(base_url), NULL, false, 0, 0, NULL,
     "another address of the source, for tests"},
    {"source", "api_version", SETTING_CHOICE, AT(api_version), NULL, false, 0, 0,
     "2.11|2.12|2.13|2.14|2.15|2.16|2.17",
     "version of the source's API; default: the one this was written for"},
    {"source", "bodies", SETTING_CHOICE, AT(bodies), "plaintext", false, 0, 0, "plaintext|html",
     "plaintext or html: how Intercom renders subjects and bodies of conversations and their parts"},
    {"source", "custom_objects", SETTING_NAMES, AT(custom_objects), NULL, false, 0, 0, NULL,
     "type identifiers whose instances the stream custom_object_instances reads"},
};

const struct source_type intercom_type = {
    .name = INTERCOM_NAME,
    .title = "Intercom",
    .streams = streams,
    .stream_count = sizeof streams / sizeof *streams,
    .first_year = 2011,
    .settings = {settings, sizeof settings / sizeof *settings},
    .options_size = sizeof(struct intercom_options),
    .check = intercom_check,
    .create = intercom_create,
};
