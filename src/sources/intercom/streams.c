/* streams.c - THE table of streams. Adding one is an entry here, and its columns in a table_<subject>.c. */
#include "internal.h"
#include "tables.h"

static const struct intercom_thread conversation_thread = {
    .path = "/conversations/",
    .query = "display_as=plaintext",
    .parts = "conversation_parts",
    .opening = "source",
    .counted = "statistics.count_conversation_parts",
    .parent = "conversation_id",
    .most = 500,
};

#define STREAM(...) &((const struct intercom_stream){__VA_ARGS__}).stream
#define CHILDREN(...)                                                                                        \
    .children = (const struct child[]){__VA_ARGS__},                                                         \
    .child_count = sizeof((const struct child[]){__VA_ARGS__}) / sizeof(struct child)

static const struct stream *const streams[] = {
    STREAM(.stream = {.name = "contacts",
                      .kind = STREAM_INCREMENTAL,
                      .table = &intercom_contacts,
                      .by_default = true,
                      .cost = "1 for 150 contacts",
                      .permission = "Read and list users and companies",
                      .blind = "a contact that changed twice between two runs is seen once"},
           .reading = &intercom_pages, .shape = &intercom_search, .path = "/contacts/search", .list = "data",
           .bounds = BOUNDS_DAYS_2_16, .query = "include_merge_history=true", .query_minor = 16),

    STREAM(.stream = {.name = "conversations",
                      .kind = STREAM_INCREMENTAL,
                      .table = &intercom_conversations,
                      CHILDREN({&intercom_conversation_parts, CHILD_DEFAULT}),
                      .by_default = true,
                      .cost = "1 for 150 conversations, and 1 each",
                      .permission = "Read conversations",
                      .blind = "parts before the newest 500 of a conversation"},
           .reading = &intercom_threads, .shape = &intercom_search, .path = "/conversations/search",
           .list = "conversations", .bounds = BOUNDS_SECONDS, .thread = &conversation_thread),

    STREAM(.stream = {.name = "admins",
                      .kind = STREAM_SNAPSHOT,
                      .table = &intercom_admins,
                      .by_default = true,
                      .cost = "1",
                      .permission = "Read admins",
                      .blind = "the days on which it was not read"},
           .reading = &intercom_pages, .shape = &intercom_list, .path = "/admins", .list = "admins"),
};

const struct source_type intercom_type = {
    .name = INTERCOM_NAME,
    .streams = streams,
    .stream_count = sizeof streams / sizeof *streams,
    .create = intercom_create,
};
