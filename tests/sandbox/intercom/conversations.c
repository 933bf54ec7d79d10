/* SPDX-License-Identifier: Apache-2.0 */
/* conversations.c - threads, how they were handled, and which are deleted. */
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "intercom/internal.h"

#define FEED_PAGE 20
#define FEED_MAX  60

static void show_conversation(struct exchange *exchange)
{
    int minor;
    char into[COLLECTION_KEY];
    if (!intercom_admit(exchange, &minor)) return;
    const char *display = exchange_query(exchange, "display_as"), *id = exchange->capture[0];
    bool is_plain = display && strcmp(display, "plaintext") == 0;
    struct collection *conversations = intercom_collection(exchange, "conversations");
    struct body_form form = {.children = true, .plain = is_plain};
    json_object_set_new(exchange->detail, "id", json_string(id));
    if (display && !is_plain && strcmp(display, "html") != 0)
        intercom_refuse(exchange, 400, "parameter_invalid", "display_as must be html or plaintext");
    else if (collection_is_broken(conversations, id))
        intercom_refuse(exchange, 500, "server_error", "Something went wrong");
    else if (collection_read(conversations, id, form, &exchange->reply, into) != RECORD_HERE)
        intercom_refuse(exchange, 404, "not_found", "Resource Not Found");
    else
        intercom_shape_reply(exchange, "conversations", NULL, minor);
}

static void list_handling_events(struct exchange *exchange)
{
    int minor;
    if (!intercom_admit(exchange, &minor) || !intercom_check_since(exchange, minor, 15)) return;
    json_object_set_new(exchange->detail, "id", json_string(exchange->capture[0]));
    json_t *events = collection_read_list(intercom_collection(exchange, "conversations"),
                                          exchange->capture[0], "handling_events");
    if (events)
        exchange_reply_json(exchange, 200, json_pack("{s:o}", "handling_events", events));
    else
        intercom_refuse(exchange, 404, "not_found", "Resource Not Found");
}

/* --- the feed of the deleted --- */

json_t *intercom_deletion(struct collection *conversations, size_t number)
{
    struct removal removal;
    collection_removal(conversations, number, &removal);
    return json_pack("{s:s, s:s, s:b, s:I}", "type", "conversation", "id", removal.key, "metrics_retained",
                     (int)(hash_text(removal.key) % 2), "deleted_at", (json_int_t)removal.at_s);
}

static void list_deleted(struct exchange *exchange)
{
    int minor;
    struct intercom_page page;
    if (!intercom_admit(exchange, &minor) || !intercom_check_since(exchange, minor, 16) ||
        !intercom_number(exchange, "per_page", FEED_PAGE, FEED_MAX, &page.size) ||
        !intercom_number(exchange, "page", 1, INT32_MAX, &page.number))
        return;
    const char *order = exchange_query(exchange, "order");
    bool is_ascending = order && strcmp(order, "asc") == 0;
    if (order && !is_ascending && strcmp(order, "desc") != 0) {
        intercom_refuse(exchange, 400, "parameter_invalid", "order must be asc or desc");
        return;
    }
    struct collection *conversations = intercom_collection(exchange, "conversations");
    page.total = (int64_t)collection_removals(conversations);
    json_t *deleted = json_array();
    for (int64_t i = (page.number - 1) * page.size; i < page.total && i < page.number * page.size; i++)
        json_array_append_new(
            deleted, intercom_deletion(conversations, (size_t)(is_ascending ? i : page.total - 1 - i)));
    json_object_set_new(exchange->detail, "records", json_integer((json_int_t)json_array_size(deleted)));
    json_t *next = intercom_next_url(exchange, &page, is_ascending ? "order=asc" : "order=desc");
    exchange_reply_json(exchange, 200,
                        json_pack("{s:s, s:o, s:I, s:o}", "type", "conversations.list", "conversations",
                                  deleted, "total_count", (json_int_t)page.total, "pages",
                                  intercom_pages_member(&page, next)));
}

const struct route intercom_conversation_routes[] = {
    {"intercom", "conversations.deleted", "GET", "/conversations/deleted", list_deleted},
    {"intercom", "conversations.handling_events", "GET", "/conversations/{}/handling_events",
     list_handling_events},
    {"intercom", "conversations.get", "GET", "/conversations/{}", show_conversation},
    {.handle = NULL},
};
