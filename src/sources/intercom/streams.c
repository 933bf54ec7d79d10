/* SPDX-License-Identifier: Apache-2.0 */
/* streams.c - the table of streams. Adding one is an entry here, and its columns in schema/. */
#include "internal.h"
#include "schema/schema.h"

static const struct detail conversation_detail = {.before = "/conversations/",
                                                  .after = "?display_as=plaintext"};

static const struct children conversation_children = {
    .list = "conversation_parts",
    .table = &intercom_conversation_parts,
    .parent = "conversation_id",
    .counted = "statistics.count_conversation_parts",
    .max = 500,
    .make_first = make_opening_part,
    .prepare = set_redacted,
};

static const struct child_list handling_events = {
    .before = "/conversations/",
    .after = "/handling_events",
    .list = "handling_events",
    .table = &intercom_handling_events,
    .parent = "conversation_id",
    .noun = "list of handling events",
};

static const struct children ticket_children = {
    .list = "ticket_parts",
    .table = &intercom_ticket_parts,
    .parent = "ticket_id",
    .max = 500,
    .prepare = set_redacted,
};

static const struct child_list company_segments = {
    .before = "/companies/",
    .after = "/segments",
    .list = "data",
    .table = &intercom_company_segments,
    .parent = "company_id",
    .version = "company_updated_at",
    .noun = "list of segments",
};

/* Both lists of subscriptions have one URL, which has all of them. */
static const struct truncated_list contact_lists[] = {
    {.name = "tags"},
    {.name = "notes"},
    {.name = "companies"},
    {.name = "opted_in_subscription_types", .member = "consent_type", .value = "opt_in"},
    {.name = "opted_out_subscription_types", .member = "consent_type", .value = "opt_out"},
    {.name = NULL},
};

/* Lists with the names and types of the attributes that a workspace has added. */
static const struct attribute_list contact_list = {
    .of = &intercom_contacts, .name = "name", .type = "data_type", .custom = "custom"};
static const struct attribute_list company_list = {
    .of = &intercom_companies, .name = "name", .type = "data_type", .custom = "custom"};
static const struct attribute_list conversation_list = {
    .of = &intercom_conversations, .name = "name", .type = "data_type"};

#define STREAM(...) &((const struct intercom_stream){__VA_ARGS__}).rest.stream
#define CHILDREN(...)                                                                                        \
    .children = (const struct child[]){__VA_ARGS__},                                                         \
    .child_count = sizeof((const struct child[]){__VA_ARGS__}) / sizeof(struct child)

static const struct stream *const streams[] = {
    /* --- people --- */

    STREAM(.rest.stream = {.name = "contacts",
                           .kind = STREAM_INCREMENTAL,
                           .table = &intercom_contacts,
                           CHILDREN({&intercom_contacts_deleted, CHILD_ALWAYS}),
                           .by_default = true,
                           .cost = "1 for 150 contacts, and 1 for each list in one of more than 10",
                           .permission = "Read and list users and companies",
                           .limitations = "a contact that changed twice between two runs is seen once"},
           .rest.reader = &rest_expand, .rest.listing = &rest_paginate, .rest.truncated_lists = contact_lists,
           .rest.pagination = &intercom_search, .rest.path = "/contacts/search", .rest.list = "data",
           .rest.per_page = 150, .query = "include_merge_history=true", .query_since = 16,
           .bounds = BOUNDS_DAYS_2_16, .rest.order = ORDER_OLDEST_FIRST,
           .rest.derive_tombstones = derive_merged, .rest.add_tombstone = add_merged),

    STREAM(.rest.stream =
               {.name = "companies",
                .kind = STREAM_SCAN,
                .table = &intercom_companies,
                CHILDREN({&intercom_company_segments, CHILD_DEFAULT},
                         {&intercom_companies_deleted, CHILD_ALWAYS}),
                .by_default = true,
                .cost = "1 for 100 companies, all of them each time; 1 for the segments of each that changed",
                .permission = "Read and list users and companies",
                .limitations = "a company that changed twice between two runs is seen once"},
           .rest.reader = &rest_expand, .rest.listing = &intercom_scroll,
           .rest.child_list = &company_segments, .rest.pagination = &intercom_list,
           .rest.path = "/companies/scroll", .rest.list = "data"),

    STREAM(.rest.stream = {.name = "contact_attributes",
                           .kind = STREAM_SNAPSHOT,
                           .table = &intercom_contact_attributes,
                           .attributes = &contact_list,
                           .by_default = true,
                           .cost = "1",
                           .permission = "Read and list users and companies",
                           .limitations = "the days on which it was not read"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_list, .rest.path = "/data_attributes",
           .rest.list = "data", .query = "model=contact&include_archived=true"),

    STREAM(.rest.stream = {.name = "company_attributes",
                           .kind = STREAM_SNAPSHOT,
                           .table = &intercom_company_attributes,
                           .attributes = &company_list,
                           .by_default = true,
                           .cost = "1",
                           .permission = "Read and list users and companies",
                           .limitations = "the days on which it was not read"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_list, .rest.path = "/data_attributes",
           .rest.list = "data", .query = "model=company&include_archived=true"),

    STREAM(.rest.stream = {.name = "segments",
                           .kind = STREAM_SNAPSHOT,
                           .table = &intercom_segments,
                           .by_default = true,
                           .cost = "1",
                           .permission = "Read and list users and companies",
                           .limitations = "the days on which it was not read"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_list, .rest.path = "/segments",
           .rest.list = "segments", .query = "include_count=true"),

    STREAM(.rest.stream = {.name = "tags",
                           .kind = STREAM_SNAPSHOT,
                           .table = &intercom_tags,
                           .by_default = true,
                           .cost = "1",
                           .permission = "Read tags",
                           .limitations = "the days on which it was not read"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_list, .rest.path = "/tags",
           .rest.list = "data"),

    STREAM(.rest.stream = {.name = "subscription_types",
                           .kind = STREAM_SNAPSHOT,
                           .table = &intercom_subscription_types,
                           .cost = "1",
                           .permission = "Read and list users and companies",
                           .limitations = "the days on which it was not read"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_list,
           .rest.path = "/subscription_types", .rest.list = "data"),

    STREAM(.rest.stream = {.name = "audiences",
                           .kind = STREAM_SNAPSHOT,
                           .table = &intercom_audiences,
                           .cost = "1 for 50",
                           .permission = "Read and list users and companies",
                           .limitations = "the days on which it was not read"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_numbers, .rest.path = "/audiences",
           .rest.list = "data", .rest.per_page = 50, .since = 16),

    STREAM(.rest.stream = {.name = "contacts_reconciliation",
                           .kind = STREAM_RECONCILE,
                           .table = &intercom_contact_ids,
                           .subject = &intercom_contacts,
                           .cost = "1 for 150 contacts, all of them each time",
                           .permission = "Read and list users and companies",
                           .limitations = "when exactly a contact was deleted"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_cursors, .rest.path = "/contacts",
           .rest.list = "data", .rest.per_page = 150, .rest.ids_only = true),

    STREAM(.rest.stream = {.name = "companies_reconciliation",
                           .kind = STREAM_RECONCILE,
                           .table = &intercom_company_ids,
                           .subject = &intercom_companies,
                           .cost = "1 for 100 companies, all of them each time",
                           .permission = "Read and list users and companies",
                           .limitations = "when exactly a company was deleted"},
           .rest.reader = &intercom_scroll, .rest.pagination = &intercom_list,
           .rest.path = "/companies/scroll", .rest.list = "data", .rest.ids_only = true),

    /* --- conversations --- */

    /* Before the conversations: a conversations_latest that is a table leaves them out at once. */
    STREAM(.rest.stream = {.name = "deleted_conversations",
                           .kind = STREAM_EVENT,
                           .table = &intercom_deleted_conversations,
                           CHILDREN({&intercom_conversations_deleted, CHILD_ALWAYS}),
                           .lock = &intercom_conversations,
                           .unit_days = 36500,
                           .by_default = true,
                           .cost = "1 for 60 that were deleted since the last run",
                           .permission = "Read conversations",
                           .limitations = "what was deleted before the feed began"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_numbers,
           .rest.path = "/conversations/deleted", .rest.list = "conversations", .rest.per_page = 60,
           .query = "order=desc", .since = 16, .rest.order = ORDER_NEWEST_FIRST,
           .rest.derive_tombstones = derive_deleted),

    STREAM(.rest.stream = {.name = "conversations",
                           .kind = STREAM_INCREMENTAL,
                           .table = &intercom_conversations,
                           CHILDREN({&intercom_conversation_parts, CHILD_DEFAULT},
                                    {&intercom_conversations_deleted, CHILD_ALWAYS},
                                    {&intercom_handling_events, CHILD_NAMED}),
                           .by_default = true,
                           .cost = "1 for 150 conversations, and 1 each",
                           .permission = "Read conversations",
                           .limitations = "parts before the newest 500 of a conversation"},
           .rest.reader = &rest_detail, .rest.pagination = &intercom_search,
           .rest.path = "/conversations/search", .rest.list = "conversations", .rest.per_page = 150,
           .bounds = BOUNDS_SECONDS, .rest.order = ORDER_OLDEST_FIRST, .rest.detail = &conversation_detail,
           .rest.children = &conversation_children, .rest.child_list = &handling_events,
           .child_list_since = 15),

    STREAM(.rest.stream = {.name = "conversation_attributes",
                           .kind = STREAM_SNAPSHOT,
                           .table = &intercom_conversation_attributes,
                           .attributes = &conversation_list,
                           .by_default = true,
                           .cost = "1",
                           .permission = "Read conversations",
                           .limitations = "the days on which it was not read"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_list,
           .rest.path = "/conversations/attributes", .rest.list = "data", .query = "include_archived=true",
           .since = 16, .older_path = "/data_attributes",
           .older_query = "model=conversation&include_archived=true"),

    STREAM(.rest.stream = {.name = "calls",
                           .kind = STREAM_SCAN,
                           .table = &intercom_calls,
                           .cost = "1 for 25 calls, all of them each time",
                           .permission = "Read calls",
                           .limitations = "a call that changed twice between two runs is seen once"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_numbers, .rest.path = "/calls",
           .rest.list = "data", .rest.per_page = 25, .since = 14),

    /* --- tickets --- */

    STREAM(.rest.stream = {.name = "tickets",
                           .kind = STREAM_INCREMENTAL,
                           .table = &intercom_tickets,
                           CHILDREN({&intercom_ticket_parts, CHILD_DEFAULT}),
                           .by_default = true,
                           .cost = "1 for 150 tickets",
                           .permission = "Read tickets",
                           .limitations = "parts before the newest 500 of a ticket"},
           .rest.reader = &rest_expand, .rest.listing = &rest_paginate, .rest.children = &ticket_children,
           .rest.pagination = &intercom_search, .rest.path = "/tickets/search", .rest.list = "tickets",
           .rest.per_page = 150, .bounds = BOUNDS_SECONDS, .rest.order = ORDER_OLDEST_FIRST),

    STREAM(.rest.stream = {.name = "ticket_types",
                           .kind = STREAM_SNAPSHOT,
                           .table = &intercom_ticket_types,
                           .cost = "1",
                           .permission = "Read tickets",
                           .limitations = "the days on which it was not read"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_list, .rest.path = "/ticket_types",
           .rest.list = "data"),

    STREAM(.rest.stream = {.name = "ticket_states",
                           .kind = STREAM_SNAPSHOT,
                           .table = &intercom_ticket_states,
                           .cost = "1",
                           .permission = "Read tickets",
                           .limitations = "the days on which it was not read"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_list, .rest.path = "/ticket_states",
           .rest.list = "data", .since = 12),

    /* --- content --- */

    STREAM(.rest.stream = {.name = "articles",
                           .kind = STREAM_SCAN,
                           .table = &intercom_articles,
                           .cost = "1 for 150 articles, all of them each time",
                           .permission = "Read and list articles",
                           .limitations = "an article that changed twice between two runs is seen once"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_numbers, .rest.path = "/articles",
           .rest.list = "data", .rest.per_page = 150),

    STREAM(.rest.stream = {.name = "internal_articles",
                           .kind = STREAM_SCAN,
                           .table = &intercom_internal_articles,
                           .cost = "1 for 25 articles, all of them each time",
                           .permission = "Read and list articles",
                           .limitations = "an article that changed twice between two runs is seen once"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_numbers,
           .rest.path = "/internal_articles", .rest.list = "data", .since = 13),

    STREAM(.rest.stream = {.name = "collections",
                           .kind = STREAM_SNAPSHOT,
                           .table = &intercom_collections,
                           .cost = "1 for 150",
                           .permission = "Read and list articles",
                           .limitations = "the days on which it was not read"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_numbers,
           .rest.path = "/help_center/collections", .rest.list = "data", .rest.per_page = 150),

    STREAM(.rest.stream = {.name = "help_centers",
                           .kind = STREAM_SNAPSHOT,
                           .table = &intercom_help_centers,
                           .cost = "1",
                           .permission = "Read and list articles",
                           .limitations = "the days on which it was not read"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_list,
           .rest.path = "/help_center/help_centers", .rest.list = "data"),

    STREAM(.rest.stream = {.name = "news_items",
                           .kind = STREAM_SCAN,
                           .table = &intercom_news_items,
                           .cost = "1 for 10 items, all of them each time",
                           .permission = "Read and list news items and newsfeeds",
                           .limitations = "an item that changed twice between two runs is seen once"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_numbers,
           .rest.path = "/news/news_items", .rest.list = "data"),

    STREAM(.rest.stream = {.name = "newsfeeds",
                           .kind = STREAM_SNAPSHOT,
                           .table = &intercom_newsfeeds,
                           .cost = "1 for 10",
                           .permission = "Read and list news items and newsfeeds",
                           .limitations = "the days on which it was not read"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_numbers,
           .rest.path = "/news/newsfeeds", .rest.list = "data"),

    STREAM(.rest.stream = {.name = "macros",
                           .kind = STREAM_SCAN,
                           .table = &intercom_macros,
                           .cost = "1 for 150 macros, all of them each time",
                           .permission = "Read conversations",
                           .limitations = "a macro that changed twice between two runs is seen once"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_cursors, .rest.path = "/macros",
           .rest.list = "data", .rest.per_page = 150, .since = 16),

    STREAM(.rest.stream = {.name = "content_snippets",
                           .kind = STREAM_SCAN,
                           .table = &intercom_content_snippets,
                           .cost = "1 for 50 snippets, all of them each time",
                           .permission = "Read content",
                           .limitations = "a snippet that changed twice between two runs is seen once"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_numbers,
           .rest.path = "/content_snippets", .rest.list = "data", .rest.per_page = 50, .since = 16),

    STREAM(.rest.stream = {.name = "content_import_sources",
                           .kind = STREAM_SNAPSHOT,
                           .table = &intercom_content_import_sources,
                           .cost = "1 for 50",
                           .permission = "Read content",
                           .limitations = "the days on which it was not read"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_numbers,
           .rest.path = "/ai/content_import_sources", .rest.list = "data", .rest.per_page = 50, .since = 12),

    STREAM(.rest.stream = {.name = "external_pages",
                           .kind = STREAM_SCAN,
                           .table = &intercom_external_pages,
                           .cost = "1 for 50 pages, all of them each time",
                           .permission = "Read content",
                           .limitations = "a page that changed twice between two runs is seen once"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_numbers,
           .rest.path = "/ai/external_pages", .rest.list = "data", .rest.per_page = 50, .since = 12),

    /* --- workspace --- */

    STREAM(.rest.stream = {.name = "admins",
                           .kind = STREAM_SNAPSHOT,
                           .table = &intercom_admins,
                           .by_default = true,
                           .cost = "1",
                           .permission = "Read admins",
                           .limitations = "the days on which it was not read"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_list, .rest.path = "/admins",
           .rest.list = "admins"),

    STREAM(.rest.stream = {.name = "teams",
                           .kind = STREAM_SNAPSHOT,
                           .table = &intercom_teams,
                           .by_default = true,
                           .cost = "1",
                           .permission = "Read and list users and companies",
                           .limitations = "the days on which it was not read"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_list, .rest.path = "/teams",
           .rest.list = "teams"),

    STREAM(.rest.stream =
               {
                   .name = "activity_logs",
                   .kind = STREAM_EVENT,
                   .table = &intercom_activity_logs,
                   .by_default = true,
                   .cost = "1 for 250 entries, at least 1 a week",
                   .permission = "Read admin activity logs",
               },
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_logs,
           .rest.path = "/admins/activity_logs", .rest.list = "activity_logs", .rest.per_page = 250,
           .bounds = BOUNDS_SECONDS),

    STREAM(.rest.stream = {.name = "away_status_reasons",
                           .kind = STREAM_SNAPSHOT,
                           .table = &intercom_away_status_reasons,
                           .cost = "1",
                           .permission = "Read admins",
                           .limitations = "the days on which it was not read"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_list,
           .rest.path = "/away_status_reasons", .rest.list = "data", .since = 14),

    STREAM(.rest.stream = {.name = "brands",
                           .kind = STREAM_SNAPSHOT,
                           .table = &intercom_brands,
                           .cost = "1",
                           .permission = "Read admins",
                           .limitations = "the days on which it was not read"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_list, .rest.path = "/brands",
           .rest.list = "data", .since = 15),

    STREAM(.rest.stream = {.name = "custom_object_instances",
                           .kind = STREAM_SNAPSHOT,
                           .table = &intercom_custom_object_instances,
                           .cost = "1 for 150 of a type, at least 1 a type",
                           .permission = "Read custom objects",
                           .limitations = "the days on which it was not read"},
           .rest.reader = &rest_paginate, .rest.pagination = &intercom_numbers,
           .rest.path = "/custom_object_instances/", .rest.list = "data", .rest.per_page = 150, .since = 16,
           .rest.is_typed = true),
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
