/* SPDX-License-Identifier: Apache-2.0 */
/* search.c - POST /contacts/search, /conversations/search and /tickets/search. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "intercom/internal.h"
#include "intercom/query.h"

/* --- cursors: [updated_at in ms, id, page, hash of the query] --- */

/* A cursor is valid for one query and sort, with any page size. */
static void hash_query(const json_t *body, char out_hash[17])
{
    uint64_t hash = HASH_EMPTY;
    static const char *const keys[] = {"query", "sort"};
    for (size_t i = 0; i < 2; i++) {
        char *text =
            json_dumps(json_object_get(body, keys[i]), JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
        if (text) hash = hash_bytes(hash, text, strlen(text));
        free(text);
    }
    snprintf(out_hash, 17, "%016" PRIx64, hash);
}

/* out_parts is yours. */
static bool read_cursor(const char *cursor, const char *hash, json_t **out_parts)
{
    const json_t *parts = *out_parts = intercom_cursor_read(cursor);
    const char *own = json_string_value(json_array_get(parts, 3));
    return json_is_integer(json_array_get(parts, 0)) && json_is_string(json_array_get(parts, 1)) &&
           json_is_integer(json_array_get(parts, 2)) && own && strcmp(own, hash) == 0;
}

/* --- searching --- */

/* A kind of record that can be searched, and its name in the response. */
struct subject {
    enum query_kind kind;
    const char *collection, *type, *list;
    bool by_days;  /* before 2.17 */
    bool is_whole; /* what is shown is all that is loaded of a record */
    bool has_children;
};

static const struct subject contacts = {.kind = QUERY_CONTACTS,
                                        .collection = "contacts",
                                        .type = "list",
                                        .list = "data",
                                        .by_days = true,
                                        .is_whole = true};
static const struct subject conversations = {.kind = QUERY_CONVERSATIONS,
                                             .collection = "conversations",
                                             .type = "conversation.list",
                                             .list = "conversations"};
static const struct subject tickets = {.kind = QUERY_TICKETS,
                                       .collection = "tickets",
                                       .type = "ticket.list",
                                       .list = "tickets",
                                       .has_children = true};

static json_t *make_pages(const struct search *search, int64_t page, int64_t total, json_t *cursor)
{
    int64_t per_page = (int64_t)search->per_page;
    json_t *pages = json_object();
    json_object_set_new(pages, "type", json_string("pages"));
    if (cursor) {
        json_t *next = json_object();
        json_object_set_new(next, "page", json_integer(page + 1));
        json_object_set_new(next, "starting_after", cursor);
        json_object_set_new(pages, "next", next);
    }
    json_object_set_new(pages, "page", json_integer(page));
    json_object_set_new(pages, "per_page", json_integer(per_page));
    json_object_set_new(pages, "total_pages", json_integer((total + per_page - 1) / per_page));
    return pages;
}

/* Records that changed in the latest seconds are not found yet. */
static int64_t limit_lag(struct intercom *intercom, int64_t to_s, int64_t now_s)
{
    pthread_mutex_lock(&intercom->lock);
    int64_t lag_s = intercom->lag_s;
    pthread_mutex_unlock(&intercom->lock);
    return lag_s > 0 && to_s > now_s - lag_s + 1 ? now_s - lag_s + 1 : to_s;
}

static enum endings read_endings(struct intercom *intercom)
{
    pthread_mutex_lock(&intercom->lock);
    enum endings endings = intercom->endings;
    pthread_mutex_unlock(&intercom->lock);
    return endings;
}

/* Runs the search behind the cursor's record (NULL: from the beginning). */
static void run_search(struct exchange *exchange, const struct subject *subject, struct search *search,
                       const json_t *cursor, const char *hash)
{
    int64_t now_s = intercom_now_s(exchange);
    struct collection_query query = {
        .from_s = search->from_s,
        .to_s = limit_lag(intercom_of(exchange), search->to_s, now_s),
        .after_key = json_string_value(json_array_get(cursor, 1)),
        .after_s = json_integer_value(json_array_get(cursor, 0)) / 1000,
        .descending = search->descending,
        .form = {.history = search->history,
                 .children = subject->has_children,
                 .on_demand = intercom_asks_for(exchange, "include_monitors") &&
                              intercom_asks_for(exchange, "include_scorecards")},
        .expect = subject->is_whole && search->from_s > INT64_MIN, /* a list of all is no window */
        .limit = search->per_page,
        .now_s = now_s,
        .wanted = search->narrowing == NARROW_RECORDS ? search_matches : NULL,
        .wanted_key = search->narrowing == NARROW_KEYS ? search_matches_key : NULL,
        .self = search,
    };
    if (query.to_s <= query.from_s) query.from_s = query.to_s = 1; /* an empty window; 0 would be any */
    int64_t page = cursor ? json_integer_value(json_array_get(cursor, 2)) : 1;
    struct collection_page found;
    struct buf *reply = &exchange->reply; /* written there at once: pages are large, and many */
    buf_format(reply, "{\"type\":\"%s\",\"%s\":[", subject->type, subject->list);
    collection_find(intercom_collection(exchange, subject->collection), &query, reply, &found);
    json_t *next = NULL;
    if (found.has_more && found.count)
        next = intercom_cursor(json_pack("[I, s, I, s]", (json_int_t)found.last_s * 1000, found.last_key,
                                         (json_int_t)page + 1, hash));
    AUTO(json_drop) json_t *pages = make_pages(search, page, (int64_t)found.total, next);
    buf_format(reply, "],\"total_count\":%zu,\"pages\":", found.total);
    json_write(reply, pages); /* a reply that is too large is seen when it is sent */
    buf_byte(reply, '}');
    json_object_set_new(exchange->detail, "records", json_integer((json_int_t)found.count));
}

static void search(struct exchange *exchange, const struct subject *subject)
{
    int minor;
    if (!intercom_admit(exchange, &minor)) return;
    AUTO(json_drop) json_t *body = exchange_json(exchange);
    AUTO(json_drop) json_t *cursor = NULL;
    if (!json_is_object(body)) {
        intercom_refuse(exchange, 400, "bad_request", "The body is not a JSON object");
        return;
    }
    struct search wanted;
    struct query_error err;
    if (!search_parse(body, subject->kind,
                      subject->by_days && minor < 17 ? intercom_of(exchange)->zone : NULL,
                      read_endings(intercom_of(exchange)), &wanted, &err)) {
        intercom_refuse(exchange, 400, err.code, err.message);
        return;
    }
    wanted.history = subject->kind == QUERY_CONTACTS && intercom_history(exchange, minor);
    char hash[17];
    hash_query(body, hash);
    if (wanted.starting_after && !read_cursor(wanted.starting_after, hash, &cursor))
        intercom_refuse_cursor(exchange);
    else {
        run_search(exchange, subject, &wanted, cursor, hash);
        intercom_shape_reply(exchange, subject->collection, subject->list, minor);
    }
}

static void search_contacts(struct exchange *exchange)
{
    search(exchange, &contacts);
}

static void search_conversations(struct exchange *exchange)
{
    search(exchange, &conversations);
}

static void search_tickets(struct exchange *exchange)
{
    search(exchange, &tickets);
}

const struct route intercom_search_routes[] = {
    {"intercom", "contacts.search", "POST", "/contacts/search", search_contacts},
    {"intercom", "conversations.search", "POST", "/conversations/search", search_conversations},
    {"intercom", "tickets.search", "POST", "/tickets/search", search_tickets},
    {.handle = NULL},
};
