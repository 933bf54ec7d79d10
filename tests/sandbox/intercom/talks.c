/* SPDX-License-Identifier: Apache-2.0 */
/* talks.c - what else there is to read of conversations: how they were handled, and which are gone.
 */
#include <string.h>

#include "base/json.h"
#include "intercom/internal.h"

#define FEED_PAGE 20
#define FEED_MOST 60

static bool check_version(struct exchange *exchange, int minor, int since)
{
    if (minor >= since) return true;
    intercom_refuse(exchange, 400, "intercom_version_invalid",
                    "Requested resource is not available in current API version.");
    return false;
}

static void list_handling_events(struct exchange *exchange)
{
    int minor;
    if (!intercom_admit(exchange, &minor) || !check_version(exchange, minor, 15)) return;
    json_object_set_new(exchange->detail, "id", json_string(exchange->capture[0]));
    json_t *events = world_handling_events(exchange_sandbox(exchange)->talks, exchange->capture[0], false);
    if (events)
        exchange_reply_json(exchange, 200, json_pack("{s:o}", "handling_events", events));
    else
        intercom_refuse(exchange, 404, "not_found", "Resource Not Found");
}

static json_t *deletion(struct world *talks, int64_t number)
{
    struct world_removal removal;
    world_removal(talks, number, &removal);
    return json_pack("{s:s, s:s, s:b, s:I}", "type", "conversation", "id", removal.id, "metrics_retained",
                     world_retains_metrics(talks, removal.id), "deleted_at", (json_int_t)removal.at_s);
}

static void list_deleted(struct exchange *exchange)
{
    int minor;
    struct intercom_page page;
    if (!intercom_admit(exchange, &minor) || !check_version(exchange, minor, 16) ||
        !intercom_number(exchange, "per_page", FEED_PAGE, FEED_MOST, &page.size) ||
        !intercom_number(exchange, "page", 1, INT32_MAX, &page.number))
        return;
    const char *order = exchange_query(exchange, "order");
    bool ascending = order && strcmp(order, "asc") == 0;
    if (order && !ascending && strcmp(order, "desc") != 0) {
        intercom_refuse(exchange, 400, "parameter_invalid", "order must be asc or desc");
        return;
    }
    struct world *talks = exchange_sandbox(exchange)->talks;
    page.total = world_removals(talks);
    json_t *deleted = json_array();
    for (int64_t i = (page.number - 1) * page.size; i < page.total && i < page.number * page.size; i++)
        json_array_append_new(deleted, deletion(talks, ascending ? i : page.total - 1 - i));
    json_object_set_new(exchange->detail, "records", json_integer((json_int_t)json_array_size(deleted)));
    json_t *next = intercom_next_url(exchange, &page, ascending ? "order=asc" : "order=desc");
    exchange_reply_json(exchange, 200,
                        json_pack("{s:s, s:o, s:I, s:o}", "type", "conversations.list", "conversations",
                                  deleted, "total_count", (json_int_t)page.total, "pages",
                                  intercom_pages_member(&page, next)));
}

const struct route intercom_talk_routes[] = {
    {"intercom", "conversations.deleted", "GET", "/conversations/deleted", list_deleted},
    {"intercom", "conversations.handling_events", "GET", "/conversations/{}/handling_events",
     list_handling_events},
    {.handle = NULL},
};
