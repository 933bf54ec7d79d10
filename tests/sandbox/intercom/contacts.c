/* SPDX-License-Identifier: Apache-2.0 */
/* contacts.c - contacts one by one, all of them, and the lists inside of them in full. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "intercom/internal.h"

#define PER_PAGE_MAX  150
#define CONTACTS_PAGE 10 /* unless more are asked for */
#define LIST_PAGE     50

/* --- GET /contacts --- */

/* The last contact of the page before; false: already refused. */
static bool read_cursor(struct exchange *exchange, char out_key[COLLECTION_KEY])
{
    const char *cursor = exchange_query(exchange, "starting_after");
    out_key[0] = '\0';
    if (!cursor) return true;
    AUTO(json_drop) json_t *parts = intercom_cursor_read(cursor);
    const char *key = json_string_value(json_array_get(parts, 0));
    if (key && strlen(key) < COLLECTION_KEY) {
        snprintf(out_key, COLLECTION_KEY, "%s", key);
        return true;
    }
    intercom_refuse_cursor(exchange);
    return false;
}

static void list_contacts(struct exchange *exchange)
{
    int minor;
    int64_t per_page;
    char after[COLLECTION_KEY];
    struct collection_page found;
    if (!intercom_admit(exchange, &minor) ||
        !intercom_number(exchange, "per_page", CONTACTS_PAGE, PER_PAGE_MAX, &per_page) ||
        !read_cursor(exchange, after))
        return;
    struct collection_query query = {.by_arrival = true,
                                     .after_key = after[0] ? after : NULL,
                                     .limit = (size_t)per_page,
                                     .form.history = intercom_history(exchange, minor),
                                     .now_s = intercom_now_s(exchange)};
    buf_text(&exchange->reply, "{\"type\":\"list\",\"data\":[");
    collection_find(intercom_collection(exchange, "contacts"), &query, &exchange->reply, &found);
    struct intercom_page page = {.number = 1, .size = per_page, .total = (int64_t)found.total};
    json_t *following = NULL;
    if (found.has_more)
        following = json_pack("{s:i, s:o}", "page", 2, "starting_after",
                              intercom_cursor(json_pack("[s]", found.last_key)));
    AUTO(json_drop) json_t *pages = intercom_pages_member(&page, following);
    buf_format(&exchange->reply, "],\"total_count\":%zu,\"pages\":", found.total);
    json_write(&exchange->reply, pages); /* a reply that is too large is seen when it is sent */
    buf_byte(&exchange->reply, '}');
    intercom_shape_reply(exchange, "contacts", "data", minor);
    json_object_set_new(exchange->detail, "records", json_integer((json_int_t)found.count));
}

/* --- GET /contacts/{} --- */

static void refuse_contact(struct exchange *exchange, int minor, enum record_state state, const char *into)
{
    if (state == RECORD_MERGED && minor >= 16) {
        exchange_add_header(exchange, "Link", "</contacts/%s>; rel=\"canonical\"", into);
        intercom_refuse(exchange, 410, "contact_merged",
                        "This contact has been merged. See the 'Link' header for the canonical contact.");
    } else {
        intercom_refuse(exchange, 404, "not_found", "User Not Found");
    }
}

/* Adds the contact that the path names to `out`. False: already refused. */
static bool read_contact(struct exchange *exchange, struct buf *out)
{
    int minor;
    char into[COLLECTION_KEY];
    if (!intercom_admit(exchange, &minor)) return false;
    json_object_set_new(exchange->detail, "id", json_string(exchange->capture[0]));
    struct body_form form = {.history = intercom_history(exchange, minor)};
    enum record_state state =
        collection_read(intercom_collection(exchange, "contacts"), exchange->capture[0], form, out, into);
    if (state != RECORD_HERE) refuse_contact(exchange, minor, state, into);
    if (state == RECORD_HERE && out == &exchange->reply)
        intercom_shape_reply(exchange, "contacts", NULL, minor);
    return state == RECORD_HERE;
}

static void show_contact(struct exchange *exchange)
{
    (void)read_contact(exchange, &exchange->reply); /* a refusal is a reply, too */
}

/* --- the lists of a contact: full objects, where the contact itself has only {type, id, url} --- */

/* False: already refused. */
static bool find_contact(struct exchange *exchange)
{
    AUTO(buf_done) struct buf unused;
    buf_init(&unused, 0);
    return read_contact(exchange, &unused);
}

/* Yours; of a contact that just went NULL. */
static json_t *read_list(struct exchange *exchange, const char *list)
{
    return collection_read_list(intercom_collection(exchange, "contacts"), exchange->capture[0], list);
}

static void list_tags(struct exchange *exchange)
{
    if (!find_contact(exchange)) return;
    exchange_reply_json(exchange, 200,
                        json_pack("{s:s, s:o*}", "type", "list", "data", read_list(exchange, "tags")));
}

static void list_subscriptions(struct exchange *exchange)
{
    if (!find_contact(exchange)) return;
    json_t *all = json_array();
    AUTO(json_drop) json_t *opted_out = read_list(exchange, "opted_out_subscription_types");
    AUTO(json_drop) json_t *opted_in = read_list(exchange, "opted_in_subscription_types");
    json_array_extend(all, opted_out);
    json_array_extend(all, opted_in);
    exchange_reply_json(exchange, 200, json_pack("{s:s, s:o}", "type", "list", "data", all));
}

/* One page of a list; `key` is what the answer calls it. */
static void reply_page(struct exchange *exchange, const char *key, json_t *full,
                       const struct intercom_page *page, json_t *next)
{
    json_t *shown = json_array();
    for (int64_t i = (page->number - 1) * page->size; i < page->total && i < page->number * page->size; i++)
        json_array_append(shown, json_array_get(full, (size_t)i));
    exchange_reply_json(exchange, 200,
                        json_pack("{s:s, s:o, s:I, s:o}", "type", "list", key, shown, "total_count",
                                  (json_int_t)page->total, "pages", intercom_pages_member(page, next)));
}

/* Its next page is a URL. The list is called "companies" or "data": documentation and examples differ. */
static void list_companies(struct exchange *exchange)
{
    struct intercom_page page;
    const char *id = exchange->capture[0];
    if (!find_contact(exchange) ||
        !intercom_number(exchange, "per_page", LIST_PAGE, PER_PAGE_MAX, &page.size) ||
        !intercom_number(exchange, "page", 1, INT32_MAX, &page.number))
        return;
    AUTO(json_drop) json_t *full = read_list(exchange, "companies");
    page.total = (int64_t)json_array_size(full);
    reply_page(exchange, id[strlen(id) - 1] % 2 ? "companies" : "data", full, &page,
               intercom_next_url(exchange, &page, ""));
}

/* Its next page is a cursor. */
static void list_notes(struct exchange *exchange)
{
    struct intercom_page page;
    if (!find_contact(exchange) ||
        !intercom_number(exchange, "per_page", LIST_PAGE, PER_PAGE_MAX, &page.size) ||
        !intercom_number(exchange, "starting_after", 1, INT32_MAX, &page.number))
        return;
    AUTO(json_drop) json_t *full = read_list(exchange, "notes");
    page.total = (int64_t)json_array_size(full);
    json_t *next = NULL;
    if (page.number * page.size < page.total)
        next = json_pack("{s:I, s:o}", "page", (json_int_t)page.number + 1, "starting_after",
                         json_sprintf("%" PRId64, page.number + 1));
    reply_page(exchange, "data", full, &page, next);
}

const struct route intercom_contact_routes[] = {
    {"intercom", "contacts.list", "GET", "/contacts", list_contacts},
    {"intercom", "contacts.get", "GET", "/contacts/{}", show_contact},
    {"intercom", "contacts.tags", "GET", "/contacts/{}/tags", list_tags},
    {"intercom", "contacts.companies", "GET", "/contacts/{}/companies", list_companies},
    {"intercom", "contacts.notes", "GET", "/contacts/{}/notes", list_notes},
    {"intercom", "contacts.subscriptions", "GET", "/contacts/{}/subscriptions", list_subscriptions},
    {.handle = NULL},
};
