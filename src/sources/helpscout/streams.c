/* SPDX-License-Identifier: Apache-2.0 */
/* streams.c - the table of streams. Adding one is an entry here, and its columns in schema/. */
#include "internal.h"
#include "rest/tombstone.h"
#include "schema/schema.h"

/* One conversation does not say on which day it changed. */
static const struct lookup conversation_lookup = {
    .before = "/v2/conversations/", .after = "", .lacks_version = true};
static const struct lookup customer_lookup = {.before = "/v2/customers/", .after = ""};

static const struct child_list conversation_lists[] = {
    {.before = "/v2/conversations/",
     .after = "/threads",
     .list = "_embedded.threads",
     .table = &helpscout_conversation_threads,
     .parent = "conversationId",
     .noun = "list of threads",
     .counted = "threads"},
    {.table = NULL},
};

static const struct child_list mailbox_lists[] = {
    {.before = "/v2/mailboxes/",
     .after = "/fields",
     .list = "_embedded.fields",
     .table = &helpscout_mailbox_fields,
     .parent = "mailboxId",
     .noun = "list of fields"},
    {.before = "/v2/mailboxes/",
     .after = "/folders",
     .list = "_embedded.folders",
     .table = &helpscout_mailbox_folders,
     .parent = "mailboxId",
     .noun = "list of folders"},
    {.table = NULL},
};

static const struct child_list team_lists[] = {
    {.before = "/v2/teams/",
     .after = "/members",
     .list = "_embedded.users",
     .table = &helpscout_team_members,
     .parent = "teamId",
     .noun = "list of members"},
    {.table = NULL},
};

/* An entry: STREAM(name, kind, table, ABOUT(cost, permission, limitations), PAGES(pagination, path, list),
 * other members of struct rest_stream). */
/* clang-format off */
#define STREAM(n, k, of, ...)                                                                                \
    &((const struct rest_stream){.stream.name = (n), .stream.kind = (k), .stream.table = (of), __VA_ARGS__}) \
         .stream
#define ABOUT(price, right, blind)                                                                           \
    .stream.cost = (price), .stream.permission = (right), .stream.limitations = (blind)
#define MISSES_DAYS "the days on which it was not read"
#define BY_DEFAULT  .stream.by_default = true
#define CHILDREN(...)                                                                                        \
    .stream.children = (const struct child[]){__VA_ARGS__},                                                  \
    .stream.child_count = COUNT(((const struct child[]){__VA_ARGS__}))
#define PAGES(how, where, in) .pagination = &(how), .path = (where), .list = (in)
/* clang-format on */

static const struct stream *const streams[] = {
    STREAM("conversations", STREAM_INCREMENTAL, &helpscout_conversations, BY_DEFAULT,
           ABOUT("1 for 25 conversations, at least 1 a day, and 1 each", "sees all mailboxes",
                 "when on its day a conversation changed; when exactly one was deleted or merged"),
           CHILDREN({&helpscout_conversation_threads, CHILD_DEFAULT},
                    {&helpscout_conversations_deleted, CHILD_ALWAYS}),
           .listing = &rest_backward,
           PAGES(helpscout_modified, "/v2/conversations?status=all", "_embedded.conversations"),
           .day_member = MODIFIED_DAY, .child_lists = conversation_lists),

    STREAM("customers", STREAM_INCREMENTAL, &helpscout_customers, BY_DEFAULT,
           ABOUT("1 for 50 customers", "any user", "when exactly a customer was erased or merged"),
           CHILDREN({&helpscout_customers_deleted, CHILD_ALWAYS}), .listing = &rest_backward,
           PAGES(helpscout_modified, "/v2/customers", "_embedded.customers")),

    STREAM("conversations_reconciliation", STREAM_RECONCILE, &helpscout_conversation_ids,
           ABOUT("1 for 25 conversations, all of them each time; 1 for each that the list lacks",
                 "sees all mailboxes", "when exactly a conversation was deleted"),
           .stream.subject = &helpscout_conversations, .listing = &rest_backward,
           PAGES(helpscout_created, "/v2/conversations?status=all", "_embedded.conversations"),
           .ids_only = true, .lookup = &conversation_lookup, .add_tombstone = tombstone_add_gone),

    STREAM("customers_reconciliation", STREAM_RECONCILE, &helpscout_customers,
           ABOUT("1 for 50 customers, all of them each time; 1 for each that the list lacks", "any user",
                 "when exactly a customer was erased"),
           .stream.subject = &helpscout_customers, .listing = &rest_backward,
           PAGES(helpscout_created, "/v2/customers", "_embedded.customers"), .lookup = &customer_lookup,
           .add_tombstone = tombstone_add_gone),

    STREAM("organizations", STREAM_SCAN, &helpscout_organizations, BY_DEFAULT,
           ABOUT("1 for 50 organizations, all of them each time", "any user",
                 "an organization that changed twice between two runs is seen once"),
           PAGES(helpscout_list, "/v2/organizations", "_embedded.organizations")),

    STREAM("happiness_ratings", STREAM_EVENT, &helpscout_happiness_ratings, BY_DEFAULT,
           ABOUT("1 for 100 ratings, at least 1 a week", "reports, which the plans Plus and Pro have",
                 "a rating that the customer changes later than lookback_days"),
           .listing = &rest_backward, PAGES(helpscout_report, "/v2/reports/happiness/ratings", "results")),

    STREAM("mailboxes", STREAM_SNAPSHOT, &helpscout_mailboxes, BY_DEFAULT,
           ABOUT("1 for 50, and 2 each", "sees all mailboxes", MISSES_DAYS),
           CHILDREN({&helpscout_mailbox_fields, CHILD_DEFAULT}, {&helpscout_mailbox_folders, CHILD_DEFAULT}),
           PAGES(helpscout_list, "/v2/mailboxes", "_embedded.mailboxes"), .child_lists = mailbox_lists),

    STREAM("users", STREAM_SNAPSHOT, &helpscout_users, BY_DEFAULT, ABOUT("1 for 50", "any user", MISSES_DAYS),
           PAGES(helpscout_list, "/v2/users", "_embedded.users")),

    STREAM("teams", STREAM_SNAPSHOT, &helpscout_teams, BY_DEFAULT,
           ABOUT("1 for 50, and 1 each", "any user", MISSES_DAYS),
           CHILDREN({&helpscout_team_members, CHILD_DEFAULT}),
           PAGES(helpscout_list, "/v2/teams", "_embedded.teams"), .child_lists = team_lists),

    STREAM("workflows", STREAM_SNAPSHOT, &helpscout_workflows, BY_DEFAULT,
           ABOUT("1 for 50", "sees all mailboxes", MISSES_DAYS),
           PAGES(helpscout_list, "/v2/workflows", "_embedded.workflows")),

    STREAM("tags", STREAM_SNAPSHOT, &helpscout_tags, BY_DEFAULT, ABOUT("1 for 50", "any user", MISSES_DAYS),
           PAGES(helpscout_list, "/v2/tags", "_embedded.tags")),
};

#define AT(member) offsetof(struct helpscout_options, member)

static const struct setting settings[] = {
    {"source", "client_id", SETTING_TEXT, AT(client_id), NULL, true, 0, 0, NULL,
     "App ID: Your Profile, My apps, in Help Scout"},
    {"source", "client_secret", SETTING_TOKEN, AT(client_secret), NULL, true, 0, 0, NULL,
     "where the App Secret is: {\"env\": NAME}, {\"file\": PATH} or {\"secret\": NAME}"},
    {"source", "refresh_token", SETTING_TOKEN, AT(refresh_token), NULL, false, 0, 0, NULL,
     "where a refresh token is, which each use replaces: {\"file\": PATH} or {\"secret\": NAME}; default: "
     "client "
     "credentials"},
    {"source", "rate_share", SETTING_NUMBER, AT(rate_share), "0.8", false, 0.01, 1, NULL,
     "part of the source's rate limit that may be used"},
    {"source", "base_url", SETTING_TEXT, AT(base_url), NULL, false, 0, 0, NULL,
     "another address of the source, for tests"},
};

const struct source_type helpscout_type = {
    .name = HELPSCOUT_NAME,
    .title = "Help Scout",
    .streams = streams,
    .stream_count = COUNT(streams),
    .first_year = 2011,
    .settings = {settings, COUNT(settings)},
    .options_size = sizeof(struct helpscout_options),
    .check = helpscout_check,
    .create = helpscout_create,
};
