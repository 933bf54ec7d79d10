/* SPDX-License-Identifier: Apache-2.0 */
/* contacts.c - contacts one by one, all of them, and the lists inside of them in full. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "intercom/internal.h"
#include "workspace/world.h"

#define MOST_PER_PAGE 150
#define CONTACTS_PAGE 10 /* unless more are asked for */
#define LIST_PAGE     50

/* --- paging --- */

bool intercom_number(struct exchange *exchange, const char *name, int64_t missing, int64_t most,
                     int64_t *out_number)
{
    const char *text = exchange_query(exchange, name);
    char *end = NULL;
    *out_number = text ? strtoll(text, &end, 10) : missing;
    if (!text || (end != text && !*end && *out_number >= 1 && *out_number <= most)) return true;
    char message[96];
    snprintf(message, sizeof message, "%s must be an integer from 1 to %" PRId64, name, most);
    intercom_refuse(exchange, 400, "parameter_invalid", message);
    return false;
}

json_t *intercom_pages_member(const struct intercom_page *page, json_t *next)
{
    json_t *pages = json_pack("{s:s, s:I, s:I, s:I}", "type", "pages", "page", (json_int_t)page->number,
                              "per_page", (json_int_t)page->size, "total_pages",
                              (json_int_t)((page->total + page->size - 1) / page->size));
    json_object_set_new(pages, "next", next ? next : json_null());
    return pages;
}

json_t *intercom_next_url(const struct exchange *exchange, const struct intercom_page *page,
                          const char *parameters)
{
    const char *host = exchange_header(exchange, "host");
    if (page->number * page->size >= page->total) return NULL;
    return json_sprintf("%s://%s%s?%s%sper_page=%" PRId64 "&page=%" PRId64,
                        exchange_sandbox(exchange)->tls ? "https" : "http", host ? host : "localhost",
                        exchange->path, parameters, *parameters ? "&" : "", page->size, page->number + 1);
}

/* --- GET /contacts --- */

/* A cursor is the number of the contact to begin with; only we know. */
static bool read_cursor(struct exchange *exchange, int64_t *out_next)
{
    static const char prefix[] = "Y29udGFjdHM";
    const char *cursor = exchange_query(exchange, "starting_after");
    *out_next = 0;
    if (!cursor) return true;
    char *end = NULL;
    if (strncmp(cursor, prefix, sizeof prefix - 1) == 0)
        *out_next = strtoll(cursor + sizeof prefix - 1, &end, 16);
    if (end && !*end && *out_next > 0) return true;
    intercom_refuse(exchange, 400, "parameter_invalid",
                    "Invalid starting_after param. Please provide a valid value.");
    return false;
}

static void list_contacts(struct exchange *exchange)
{
    int minor;
    int64_t per_page, next, total;
    if (!intercom_admit(exchange, &minor) ||
        !intercom_number(exchange, "per_page", CONTACTS_PAGE, MOST_PER_PAGE, &per_page) ||
        !read_cursor(exchange, &next))
        return;
    struct world *world = exchange_sandbox(exchange)->world;
    buf_text(&exchange->reply, "{\"type\":\"list\",\"data\":[");
    size_t count = world_contacts(world, &next, (size_t)per_page, &exchange->reply, &total);
    struct intercom_page page = {.number = 1, .size = per_page, .total = total};
    json_t *following = NULL;
    if (next < world_count(world))
        following = json_pack("{s:i, s:o}", "page", 2, "starting_after",
                              json_sprintf("Y29udGFjdHM%016" PRIx64, (uint64_t)next));
    AUTO(json_drop) json_t *pages = intercom_pages_member(&page, following);
    buf_format(&exchange->reply, "],\"total_count\":%" PRId64 ",\"pages\":", total);
    json_write(&exchange->reply, pages); /* a reply that is too large is seen when it is sent */
    buf_byte(&exchange->reply, '}');
    json_object_set_new(exchange->detail, "records", json_integer((json_int_t)count));
}

/* --- GET /contacts/{} --- */

static void refuse_contact(struct exchange *exchange, int minor, enum world_state state, const char *into)
{
    if (state == WORLD_MERGED && minor >= 16) {
        exchange_add_header(exchange, "Link", "</contacts/%s>; rel=\"canonical\"", into);
        intercom_refuse(exchange, 410, "contact_merged",
                        "This contact has been merged. See the 'Link' header for the canonical contact.");
    } else {
        intercom_refuse(exchange, 404, "not_found", "User Not Found");
    }
}

static void show_contact(struct exchange *exchange)
{
    int minor;
    char into[WORLD_ID];
    if (!intercom_admit(exchange, &minor)) return;
    json_object_set_new(exchange->detail, "id", json_string(exchange->capture[0]));
    enum world_state state = world_contact(exchange_sandbox(exchange)->world, exchange->capture[0],
                                           intercom_history(exchange, minor), &exchange->reply, into);
    if (state != WORLD_HERE) refuse_contact(exchange, minor, state, into);
}

/* --- the lists of a contact: full objects, where the contact itself has only {type, id, url} --- */

#define WRITTEN_S 1733846187

static json_t *full_tag(const char *contact, json_t *id)
{
    (void)contact;
    return json_pack("{s:s, s:o, s:s, s:i, s:{s:s, s:s}}", "type", "tag", "id", id, "name", "Größe & co.",
                     "applied_at", WRITTEN_S, "applied_by", "type", "admin", "id", "7001");
}

static json_t *full_note(const char *contact, json_t *id)
{
    return json_pack("{s:s, s:o, s:i, s:{s:s, s:s}, s:{s:s, s:s, s:s, s:s, s:b}, s:s}", "type", "note", "id",
                     id, "created_at", WRITTEN_S, "contact", "type", "contact", "id", contact, "author",
                     "type", "admin", "id", "7001", "name", "Zoë 🦊", "email", "zoe@example.com",
                     "away_mode_enabled", 0, "body", "<p>called back</p>");
}

static json_t *full_company(const char *contact, json_t *id)
{
    (void)contact;
    return json_pack("{s:s, s:o, s:s, s:s, s:s, s:i, s:i, s:i, s:{}, s:{}, s:i, s:i}", "type", "company",
                     "id", id, "company_id", "acme", "app_id", "sandbox1", "name", "ACME, “Inc.”",
                     "remote_created_at", WRITTEN_S, "created_at", WRITTEN_S, "updated_at", WRITTEN_S, "plan",
                     "custom_attributes", "session_count", 0, "user_count", 1);
}

static json_t *full_subscription(json_t *id, bool out)
{
    return json_pack("{s:s, s:o, s:s, s:s, s:[s], s:{s:s, s:s, s:s}, s:[{s:s, s:s, s:s}]}", "type",
                     "subscription", "id", id, "state", "live", "consent_type", out ? "opt_out" : "opt_in",
                     "content_types", "email", "default_translation", "name", "Newsletters", "description",
                     "What is new", "locale", "en", "translations", "name", "Rundbriefe", "description",
                     "Was es Neues gibt", "locale", "de");
}

static json_t *full_opted_out(const char *contact, json_t *id)
{
    (void)contact;
    return full_subscription(id, true);
}

static json_t *full_opted_in(const char *contact, json_t *id)
{
    (void)contact;
    return full_subscription(id, false);
}

typedef json_t *make_full(const char *contact, json_t *id); /* takes the reference to id */

/* The list's elements in full, added to `full`. False: the contact is not here. */
static bool add_full(struct exchange *exchange, enum world_list list, make_full *make, json_t *full)
{
    AUTO(json_drop)
    json_t *elements = world_contact_list(exchange_sandbox(exchange)->world, exchange->capture[0], list);
    for (size_t i = 0; i < json_array_size(elements); i++)
        json_array_append_new(full, make(exchange->capture[0],
                                         json_incref(json_object_get(json_array_get(elements, i), "id"))));
    return elements != NULL;
}

/* False: already refused. */
static bool find_contact(struct exchange *exchange, int *out_minor)
{
    char into[WORLD_ID];
    AUTO(buf_done) struct buf unused;
    buf_init(&unused, 0);
    if (!intercom_admit(exchange, out_minor)) return false;
    json_object_set_new(exchange->detail, "id", json_string(exchange->capture[0]));
    enum world_state state =
        world_contact(exchange_sandbox(exchange)->world, exchange->capture[0], false, &unused, into);
    if (state != WORLD_HERE) refuse_contact(exchange, *out_minor, state, into);
    return state == WORLD_HERE;
}

static void list_tags(struct exchange *exchange)
{
    int minor;
    if (!find_contact(exchange, &minor)) return;
    json_t *full = json_array();
    (void)add_full(exchange, WORLD_TAGS, full_tag, full); /* one that just left has none */
    exchange_reply_json(exchange, 200, json_pack("{s:s, s:o}", "type", "list", "data", full));
}

static void list_subscriptions(struct exchange *exchange)
{
    int minor;
    if (!find_contact(exchange, &minor)) return;
    json_t *full = json_array();
    (void)add_full(exchange, WORLD_OPTED_OUT, full_opted_out, full);
    (void)add_full(exchange, WORLD_OPTED_IN, full_opted_in, full);
    exchange_reply_json(exchange, 200, json_pack("{s:s, s:o}", "type", "list", "data", full));
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
    int minor;
    struct intercom_page page;
    const char *id = exchange->capture[0];
    if (!find_contact(exchange, &minor) ||
        !intercom_number(exchange, "per_page", LIST_PAGE, MOST_PER_PAGE, &page.size) ||
        !intercom_number(exchange, "page", 1, INT32_MAX, &page.number))
        return;
    AUTO(json_drop) json_t *full = json_array();
    (void)add_full(exchange, WORLD_COMPANIES, full_company, full);
    page.total = (int64_t)json_array_size(full);
    reply_page(exchange, id[strlen(id) - 1] % 2 ? "companies" : "data", full, &page,
               intercom_next_url(exchange, &page, ""));
}

/* Its next page is a cursor. */
static void list_notes(struct exchange *exchange)
{
    int minor;
    struct intercom_page page;
    if (!find_contact(exchange, &minor) ||
        !intercom_number(exchange, "per_page", LIST_PAGE, MOST_PER_PAGE, &page.size) ||
        !intercom_number(exchange, "starting_after", 1, INT32_MAX, &page.number))
        return;
    AUTO(json_drop) json_t *full = json_array();
    (void)add_full(exchange, WORLD_NOTES, full_note, full);
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
