/* SPDX-License-Identifier: Apache-2.0 */
/* streams.c - THE table of streams. Adding one is an entry here, and its columns in a table_<subject>.c. */
#include "internal.h"
#include "tables.h"

static const struct intercom_thread conversation_thread = {
    .before = "/conversations/",
    .after = "?display_as=plaintext",
    .table = &intercom_conversation_parts,
    .parts = "conversation_parts",
    .opening = "source",
    .counted = "statistics.count_conversation_parts",
    .parent = "conversation_id",
    .most = 500,
};

static const struct intercom_set handling_events = {
    .before = "/conversations/",
    .after = "/handling_events",
    .list = "handling_events",
    .table = &intercom_handling_events,
    .parent = "conversation_id",
    .noun = "list of handling events",
    .since = 15,
};

static const struct intercom_thread ticket_thread = {
    .table = &intercom_ticket_parts,
    .parts = "ticket_parts",
    .parent = "ticket_id",
    .most = 500,
};

static const struct intercom_set company_segments = {
    .before = "/companies/",
    .after = "/segments",
    .list = "data",
    .table = &intercom_company_segments,
    .parent = "company_id",
    .version = "company_updated_at",
    .noun = "list of segments",
};

/* Both lists of subscriptions have the same URL, where all of them are. */
static const struct intercom_nested contact_lists[] = {
    {.name = "tags"},
    {.name = "notes"},
    {.name = "companies"},
    {.name = "opted_in_subscription_types", .member = "consent_type", .value = "opt_in"},
    {.name = "opted_out_subscription_types", .member = "consent_type", .value = "opt_out"},
    {.name = NULL},
};

/* Where the names and types of the attributes are that a workspace has added. */
static const struct attribute_list contact_list = {
    .of = &intercom_contacts, .name = "name", .type = "data_type", .custom = "custom"};
static const struct attribute_list company_list = {
    .of = &intercom_companies, .name = "name", .type = "data_type", .custom = "custom"};
static const struct attribute_list conversation_list = {
    .of = &intercom_conversations, .name = "name", .type = "data_type"};

#define STREAM(...) &((const struct intercom_stream){__VA_ARGS__}).stream
#define CHILDREN(...)                                                                                        \
    .children = (const struct child[]){__VA_ARGS__},                                                         \
    .child_count = sizeof((const struct child[]){__VA_ARGS__}) / sizeof(struct child)

static const struct stream *const streams[] = {
    /* --- people --- */

    STREAM(.stream = {.name = "contacts",
                      .kind = STREAM_INCREMENTAL,
                      .table = &intercom_contacts,
                      CHILDREN({&intercom_contacts_deleted, CHILD_ALWAYS}),
                      .by_default = true,
                      .cost = "1 for 150 contacts, and 1 for each list in one of more than 10",
                      .permission = "Read and list users and companies",
                      .limitations = "a contact that changed twice between two runs is seen once"},
           .reading = &intercom_enriched, .listing = &intercom_pages, .nested = contact_lists,
           .shape = &intercom_search, .path = "/contacts/search", .list = "data", .per_page = 150,
           .query = "include_merge_history=true", .query_since = 16, .bounds = BOUNDS_DAYS_2_16,
           .order = ORDER_OLDEST_FIRST, .imply = imply_merged),

    STREAM(.stream =
               {.name = "companies",
                .kind = STREAM_SCAN,
                .table = &intercom_companies,
                CHILDREN({&intercom_company_segments, CHILD_DEFAULT},
                         {&intercom_companies_deleted, CHILD_ALWAYS}),
                .by_default = true,
                .cost = "1 for 100 companies, all of them each time; 1 for the segments of each that changed",
                .permission = "Read and list users and companies",
                .limitations = "a company that changed twice between two runs is seen once"},
           .reading = &intercom_enriched, .listing = &intercom_scroll, .set = &company_segments,
           .shape = &intercom_list, .path = "/companies/scroll", .list = "data"),

    STREAM(.stream = {.name = "contact_attributes",
                      .kind = STREAM_SNAPSHOT,
                      .table = &intercom_contact_attributes,
                      .attributes = &contact_list,
                      .by_default = true,
                      .cost = "1",
                      .permission = "Read and list users and companies",
                      .limitations = "the days on which it was not read"},
           .reading = &intercom_pages, .shape = &intercom_list, .path = "/data_attributes", .list = "data",
           .query = "model=contact&include_archived=true"),

    STREAM(.stream = {.name = "company_attributes",
                      .kind = STREAM_SNAPSHOT,
                      .table = &intercom_company_attributes,
                      .attributes = &company_list,
                      .by_default = true,
                      .cost = "1",
                      .permission = "Read and list users and companies",
                      .limitations = "the days on which it was not read"},
           .reading = &intercom_pages, .shape = &intercom_list, .path = "/data_attributes", .list = "data",
           .query = "model=company&include_archived=true"),

    STREAM(.stream = {.name = "segments",
                      .kind = STREAM_SNAPSHOT,
                      .table = &intercom_segments,
                      .by_default = true,
                      .cost = "1",
                      .permission = "Read and list users and companies",
                      .limitations = "the days on which it was not read"},
           .reading = &intercom_pages, .shape = &intercom_list, .path = "/segments", .list = "segments",
           .query = "include_count=true"),

    STREAM(.stream = {.name = "tags",
                      .kind = STREAM_SNAPSHOT,
                      .table = &intercom_tags,
                      .by_default = true,
                      .cost = "1",
                      .permission = "Read tags",
                      .limitations = "the days on which it was not read"},
           .reading = &intercom_pages, .shape = &intercom_list, .path = "/tags", .list = "data"),

    STREAM(.stream = {.name = "subscription_types",
                      .kind = STREAM_SNAPSHOT,
                      .table = &intercom_subscription_types,
                      .cost = "1",
                      .permission = "Read and list users and companies",
                      .limitations = "the days on which it was not read"},
           .reading = &intercom_pages, .shape = &intercom_list, .path = "/subscription_types",
           .list = "data"),

    STREAM(.stream = {.name = "audiences",
                      .kind = STREAM_SNAPSHOT,
                      .table = &intercom_audiences,
                      .cost = "1 for 50",
                      .permission = "Read and list users and companies",
                      .limitations = "the days on which it was not read"},
           .reading = &intercom_pages, .shape = &intercom_numbers, .path = "/audiences", .list = "data",
           .per_page = 50, .since = 16),

    STREAM(.stream = {.name = "contacts_reconciliation",
                      .kind = STREAM_RECONCILE,
                      .table = &intercom_contact_ids,
                      .subject = &intercom_contacts,
                      .cost = "1 for 150 contacts, all of them each time",
                      .permission = "Read and list users and companies",
                      .limitations = "when exactly a contact was deleted"},
           .reading = &intercom_pages, .shape = &intercom_cursors, .path = "/contacts", .list = "data",
           .per_page = 150, .only_id = true),

    STREAM(.stream = {.name = "companies_reconciliation",
                      .kind = STREAM_RECONCILE,
                      .table = &intercom_company_ids,
                      .subject = &intercom_companies,
                      .cost = "1 for 100 companies, all of them each time",
                      .permission = "Read and list users and companies",
                      .limitations = "when exactly a company was deleted"},
           .reading = &intercom_scroll, .shape = &intercom_list, .path = "/companies/scroll", .list = "data",
           .only_id = true),

    /* --- talk --- */

    /* Before the conversations: a conversations_latest that is a table leaves them out at once. */
    STREAM(.stream = {.name = "deleted_conversations",
                      .kind = STREAM_EVENT,
                      .table = &intercom_deleted_conversations,
                      CHILDREN({&intercom_conversations_deleted, CHILD_ALWAYS}),
                      .lock = &intercom_conversations,
                      .unit_days = 36500,
                      .by_default = true,
                      .cost = "1 for 60 that were deleted since the last run",
                      .permission = "Read conversations",
                      .limitations = "what was deleted before the feed began"},
           .reading = &intercom_pages, .shape = &intercom_numbers, .path = "/conversations/deleted",
           .list = "conversations", .per_page = 60, .query = "order=desc", .since = 16,
           .order = ORDER_NEWEST_FIRST, .imply = imply_deleted),

    STREAM(.stream = {.name = "conversations",
                      .kind = STREAM_INCREMENTAL,
                      .table = &intercom_conversations,
                      CHILDREN({&intercom_conversation_parts, CHILD_DEFAULT},
                               {&intercom_conversations_deleted, CHILD_ALWAYS},
                               {&intercom_handling_events, CHILD_NAMED}),
                      .by_default = true,
                      .cost = "1 for 150 conversations, and 1 each",
                      .permission = "Read conversations",
                      .limitations = "parts before the newest 500 of a conversation"},
           .reading = &intercom_threads, .shape = &intercom_search, .path = "/conversations/search",
           .list = "conversations", .per_page = 150, .bounds = BOUNDS_SECONDS, .order = ORDER_OLDEST_FIRST,
           .thread = &conversation_thread, .set = &handling_events),

    STREAM(.stream = {.name = "conversation_attributes",
                      .kind = STREAM_SNAPSHOT,
                      .table = &intercom_conversation_attributes,
                      .attributes = &conversation_list,
                      .by_default = true,
                      .cost = "1",
                      .permission = "Read conversations",
                      .limitations = "the days on which it was not read"},
           .reading = &intercom_pages, .shape = &intercom_list, .path = "/conversations/attributes",
           .list = "data", .query = "include_archived=true", .since = 16, .older_path = "/data_attributes",
           .older_query = "model=conversation&include_archived=true"),

    STREAM(.stream = {.name = "calls",
                      .kind = STREAM_SCAN,
                      .table = &intercom_calls,
                      .cost = "1 for 25 calls, all of them each time",
                      .permission = "Read calls",
                      .limitations = "a call that changed twice between two runs is seen once"},
           .reading = &intercom_pages, .shape = &intercom_numbers, .path = "/calls", .list = "data",
           .per_page = 25, .since = 14),

    /* --- tickets --- */

    STREAM(.stream = {.name = "tickets",
                      .kind = STREAM_INCREMENTAL,
                      .table = &intercom_tickets,
                      CHILDREN({&intercom_ticket_parts, CHILD_DEFAULT}),
                      .by_default = true,
                      .cost = "1 for 150 tickets",
                      .permission = "Read tickets",
                      .limitations = "parts before the newest 500 of a ticket"},
           .reading = &intercom_enriched, .listing = &intercom_pages, .thread = &ticket_thread,
           .shape = &intercom_search, .path = "/tickets/search", .list = "tickets", .per_page = 150,
           .bounds = BOUNDS_SECONDS, .order = ORDER_OLDEST_FIRST),

    STREAM(.stream = {.name = "ticket_types",
                      .kind = STREAM_SNAPSHOT,
                      .table = &intercom_ticket_types,
                      .cost = "1",
                      .permission = "Read tickets",
                      .limitations = "the days on which it was not read"},
           .reading = &intercom_pages, .shape = &intercom_list, .path = "/ticket_types", .list = "data"),

    STREAM(.stream = {.name = "ticket_states",
                      .kind = STREAM_SNAPSHOT,
                      .table = &intercom_ticket_states,
                      .cost = "1",
                      .permission = "Read tickets",
                      .limitations = "the days on which it was not read"},
           .reading = &intercom_pages, .shape = &intercom_list, .path = "/ticket_states", .list = "data",
           .since = 12),

    /* --- content --- */

    STREAM(.stream = {.name = "articles",
                      .kind = STREAM_SCAN,
                      .table = &intercom_articles,
                      .cost = "1 for 150 articles, all of them each time",
                      .permission = "Read and list articles",
                      .limitations = "an article that changed twice between two runs is seen once"},
           .reading = &intercom_pages, .shape = &intercom_numbers, .path = "/articles", .list = "data",
           .per_page = 150),

    STREAM(.stream = {.name = "internal_articles",
                      .kind = STREAM_SCAN,
                      .table = &intercom_internal_articles,
                      .cost = "1 for 25 articles, all of them each time",
                      .permission = "Read and list articles",
                      .limitations = "an article that changed twice between two runs is seen once"},
           .reading = &intercom_pages, .shape = &intercom_numbers, .path = "/internal_articles",
           .list = "data", .since = 13),

    STREAM(.stream = {.name = "collections",
                      .kind = STREAM_SNAPSHOT,
                      .table = &intercom_collections,
                      .cost = "1 for 150",
                      .permission = "Read and list articles",
                      .limitations = "the days on which it was not read"},
           .reading = &intercom_pages, .shape = &intercom_numbers, .path = "/help_center/collections",
           .list = "data", .per_page = 150),

    STREAM(.stream = {.name = "help_centers",
                      .kind = STREAM_SNAPSHOT,
                      .table = &intercom_help_centers,
                      .cost = "1",
                      .permission = "Read and list articles",
                      .limitations = "the days on which it was not read"},
           .reading = &intercom_pages, .shape = &intercom_list, .path = "/help_center/help_centers",
           .list = "data"),

    STREAM(.stream = {.name = "news_items",
                      .kind = STREAM_SCAN,
                      .table = &intercom_news_items,
                      .cost = "1 for 10 items, all of them each time",
                      .permission = "Read and list news items and newsfeeds",
                      .limitations = "an item that changed twice between two runs is seen once"},
           .reading = &intercom_pages, .shape = &intercom_numbers, .path = "/news/news_items",
           .list = "data"),

    STREAM(.stream = {.name = "newsfeeds",
                      .kind = STREAM_SNAPSHOT,
                      .table = &intercom_newsfeeds,
                      .cost = "1 for 10",
                      .permission = "Read and list news items and newsfeeds",
                      .limitations = "the days on which it was not read"},
           .reading = &intercom_pages, .shape = &intercom_numbers, .path = "/news/newsfeeds", .list = "data"),

    STREAM(.stream = {.name = "macros",
                      .kind = STREAM_SCAN,
                      .table = &intercom_macros,
                      .cost = "1 for 150 macros, all of them each time",
                      .permission = "Read conversations",
                      .limitations = "a macro that changed twice between two runs is seen once"},
           .reading = &intercom_pages, .shape = &intercom_cursors, .path = "/macros", .list = "data",
           .per_page = 150, .since = 16),

    STREAM(.stream = {.name = "content_snippets",
                      .kind = STREAM_SCAN,
                      .table = &intercom_content_snippets,
                      .cost = "1 for 50 snippets, all of them each time",
                      .permission = "Read content",
                      .limitations = "a snippet that changed twice between two runs is seen once"},
           .reading = &intercom_pages, .shape = &intercom_numbers, .path = "/content_snippets",
           .list = "data", .per_page = 50, .since = 16),

    STREAM(.stream = {.name = "content_import_sources",
                      .kind = STREAM_SNAPSHOT,
                      .table = &intercom_content_import_sources,
                      .cost = "1 for 50",
                      .permission = "Read content",
                      .limitations = "the days on which it was not read"},
           .reading = &intercom_pages, .shape = &intercom_numbers, .path = "/ai/content_import_sources",
           .list = "data", .per_page = 50, .since = 12),

    STREAM(.stream = {.name = "external_pages",
                      .kind = STREAM_SCAN,
                      .table = &intercom_external_pages,
                      .cost = "1 for 50 pages, all of them each time",
                      .permission = "Read content",
                      .limitations = "a page that changed twice between two runs is seen once"},
           .reading = &intercom_pages, .shape = &intercom_numbers, .path = "/ai/external_pages",
           .list = "data", .per_page = 50, .since = 12),

    /* --- workspace --- */

    STREAM(.stream = {.name = "admins",
                      .kind = STREAM_SNAPSHOT,
                      .table = &intercom_admins,
                      .by_default = true,
                      .cost = "1",
                      .permission = "Read admins",
                      .limitations = "the days on which it was not read"},
           .reading = &intercom_pages, .shape = &intercom_list, .path = "/admins", .list = "admins"),

    STREAM(.stream = {.name = "teams",
                      .kind = STREAM_SNAPSHOT,
                      .table = &intercom_teams,
                      .by_default = true,
                      .cost = "1",
                      .permission = "Read and list users and companies",
                      .limitations = "the days on which it was not read"},
           .reading = &intercom_pages, .shape = &intercom_list, .path = "/teams", .list = "teams"),

    STREAM(.stream =
               {
                   .name = "activity_logs",
                   .kind = STREAM_EVENT,
                   .table = &intercom_activity_logs,
                   .by_default = true,
                   .cost = "1 for 250 entries, at least 1 a week",
                   .permission = "Read admin activity logs",
               },
           .reading = &intercom_pages, .shape = &intercom_logs, .path = "/admins/activity_logs",
           .list = "activity_logs", .per_page = 250, .bounds = BOUNDS_SECONDS),

    STREAM(.stream = {.name = "away_status_reasons",
                      .kind = STREAM_SNAPSHOT,
                      .table = &intercom_away_status_reasons,
                      .cost = "1",
                      .permission = "Read admins",
                      .limitations = "the days on which it was not read"},
           .reading = &intercom_pages, .shape = &intercom_list, .path = "/away_status_reasons",
           .list = "data", .since = 14),

    STREAM(.stream = {.name = "brands",
                      .kind = STREAM_SNAPSHOT,
                      .table = &intercom_brands,
                      .cost = "1",
                      .permission = "Read admins",
                      .limitations = "the days on which it was not read"},
           .reading = &intercom_pages, .shape = &intercom_list, .path = "/brands", .list = "data",
           .since = 15),

    STREAM(.stream = {.name = "custom_object_instances",
                      .kind = STREAM_SNAPSHOT,
                      .table = &intercom_custom_object_instances,
                      .cost = "1 for 150 of a type, at least 1 a type",
                      .permission = "Read custom objects",
                      .limitations = "the days on which it was not read"},
           .reading = &intercom_pages, .shape = &intercom_numbers, .path = "/custom_object_instances/",
           .list = "data", .per_page = 150, .since = 16, .typed = true),
};

#define AT(member) offsetof(struct intercom_options, member)
#define WORD       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

static const struct setting settings[] = {
    {"source", "region", SETTING_TEXT, AT(region), "us", false, 0, 0, WORD, "us, eu or au"},
    {"source", "rate_share", SETTING_NUMBER, AT(rate_share), "0.8", false, 0.01, 1, NULL,
     "part of the source's rate limit that may be used"},
    {"source", "token", SETTING_TOKEN, AT(token), NULL, true, 0, 0, NULL,
     "where the access token is: {\"env\": NAME}, {\"file\": PATH} or {\"secret\": NAME}"},
    {"source", "base_url", SETTING_TEXT, AT(base_url), NULL, false, 0, 0, NULL,
     "another address of the source, for tests"},
    {"source", "api_version", SETTING_TEXT, AT(api_version), NULL, false, 0, 0, WORD ".",
     "version of the source's API; default: the one this was written for"},
    {"source", "custom_objects", SETTING_NAMES, AT(custom_objects), NULL, false, 0, 0, NULL,
     "type identifiers whose instances the stream custom_object_instances reads"},
};

const struct source_type intercom_type = {
    .name = INTERCOM_NAME,
    .streams = streams,
    .stream_count = sizeof streams / sizeof *streams,
    .first_year = 2011,
    .settings = {settings, sizeof settings / sizeof *settings},
    .options_size = sizeof(struct intercom_options),
    .create = intercom_create,
};
