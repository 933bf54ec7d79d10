/* SPDX-License-Identifier: Apache-2.0 */
/* intercom.c - Intercom's REST API as far as it is read: who am I, searches, threads and admins. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "intercom/internal.h"
#include "intercom/query.h"
#include "sandbox_internal.h"
#include "workspace/admins.h"
#include "workspace/records.h"
#include "workspace/world.h"

#define WINDOW_S     10
#define RATE_LIMIT   1667 /* of a private app: 10,000 a minute */
#define CURSOR_LIMIT 512

struct intercom {
    struct zone *zone;
    pthread_mutex_t lock; /* over what follows */
    int64_t limit;
    int64_t window_s; /* when the window began, by the real clock */
    int64_t used;
    int64_t lag_s;
};

struct intercom *intercom_new(const char *zone_name, struct error *err)
{
    struct zone *zone;
    if (!zone_load(zone_name, &zone, err)) return NULL;
    struct intercom *intercom = mem_zero(1, sizeof *intercom);
    intercom->zone = zone;
    intercom->limit = RATE_LIMIT;
    pthread_mutex_init(&intercom->lock, NULL);
    return intercom;
}

void intercom_free(struct intercom *intercom)
{
    if (!intercom) return;
    zone_free(intercom->zone);
    pthread_mutex_destroy(&intercom->lock);
    free(intercom);
}

void intercom_set_rate_limit(struct intercom *intercom, int64_t requests)
{
    pthread_mutex_lock(&intercom->lock);
    intercom->limit = requests;
    intercom->used = 0;
    pthread_mutex_unlock(&intercom->lock);
}

void intercom_set_index_lag(struct intercom *intercom, int64_t seconds)
{
    pthread_mutex_lock(&intercom->lock);
    intercom->lag_s = seconds;
    pthread_mutex_unlock(&intercom->lock);
}

/* --- what every request must bear --- */

void intercom_refuse(struct exchange *exchange, int status, const char *code, const char *message)
{
    exchange_reply_json(exchange, status,
                        json_pack("{s:s, s:s, s:[{s:s, s:s}]}", "type", "error.list", "request_id",
                                  json_text_at(exchange->detail, "request_id"), "errors", "code", code,
                                  "message", message));
}

static bool check_token(struct exchange *exchange)
{
    const char *authorization = exchange_header(exchange, "authorization");
    static const char scheme[] = "Bearer ";
    if (authorization && strncasecmp(authorization, scheme, sizeof scheme - 1) == 0 &&
        auth_is_source_token(exchange_sandbox(exchange)->auth, authorization + sizeof scheme - 1))
        return true;
    intercom_refuse(exchange, 401, "unauthorized", "Access Token Invalid");
    return false;
}

/* Counts the request; every answer behind a valid token tells the state of the window. */
static bool check_rate(struct exchange *exchange)
{
    struct intercom *intercom = exchange_sandbox(exchange)->intercom;
    int64_t now_s = (int64_t)time(NULL), window_s = now_s / WINDOW_S * WINDOW_S;
    int64_t today_s =
        virtual_clock_peek(exchange_sandbox(exchange)->clock) / 1000000; /* as the header Date tells it */
    pthread_mutex_lock(&intercom->lock);
    if (window_s != intercom->window_s) {
        intercom->window_s = window_s;
        intercom->used = 0;
    }
    int64_t limit = intercom->limit;
    bool allowed = intercom->used < limit;
    intercom->used += allowed;
    int64_t remaining = limit - intercom->used;
    pthread_mutex_unlock(&intercom->lock);
    exchange_add_header(exchange, "X-RateLimit-Limit", "%" PRId64, limit);
    exchange_add_header(exchange, "X-RateLimit-Remaining", "%" PRId64, remaining);
    exchange_add_header(exchange, "X-RateLimit-Reset", "%" PRId64, today_s + window_s + WINDOW_S - now_s);
    if (allowed) return true;
    char message[96];
    snprintf(message, sizeof message, "Exceeded rate limit of %" PRId64 " in %d_seconds", limit, WINDOW_S);
    intercom_refuse(exchange, 429, "rate_limit_exceeded", message);
    return false;
}

/* 2.11 to 2.17; out_minor: 11 to 17. */
static bool check_version(struct exchange *exchange, int *out_minor)
{
    const char *version = exchange_header(exchange, "intercom-version");
    if (version && strlen(version) == 4 && strncmp(version, "2.1", 3) == 0 && version[3] >= '1' &&
        version[3] <= '7') {
        *out_minor = 10 + version[3] - '0';
        return true;
    }
    intercom_refuse(exchange, 400, "intercom_version_invalid",
                    "Requested resource is not available in current API version.");
    return false;
}

bool intercom_admit(struct exchange *exchange, int *out_minor)
{
    if (!check_token(exchange) || !check_rate(exchange) || !check_version(exchange, out_minor)) return false;
    const char *accept = exchange_header(exchange, "accept");
    if (!accept || (!strstr(accept, "application/json") && !strstr(accept, "*/*"))) {
        intercom_refuse(exchange, 406, "client_error", "The requested media type is not acceptable");
        return false;
    }
    const char *type = exchange_header(exchange, "content-type");
    if (strcmp(exchange->method, "POST") == 0 && (!type || strncmp(type, "application/json", 16) != 0)) {
        intercom_refuse(exchange, 415, "client_error", "The Content-Type must be application/json");
        return false;
    }
    return true;
}

/* --- GET /me --- */

static void handle_me(struct exchange *exchange)
{
    int minor;
    if (!intercom_admit(exchange, &minor)) return;
    const struct sandbox_options *options = &exchange_sandbox(exchange)->options;
    exchange_reply_json(
        exchange, 200,
        json_pack("{s:s, s:s, s:s, s:s, s:b, s:{s:s, s:s, s:s, s:i, s:b, s:b, s:s, s:s}, s:{s:s, s:s}, s:b}",
                  "type", "admin", "id", "7001", "email", "loader@example.com", "name", "Loader",
                  "email_verified", 1, "app", "type", "app", "id_code", options->workspace, "name", "Sandbox",
                  "created_at", 1700000000, "secure", 0, "identity_verification", 0, "timezone",
                  options->workspace_zone, "region", "US", "avatar", "type", "avatar", "image_url",
                  "https://example.com/7001.png", "has_inbox_seat", 1));
}

/* --- cursors: base64 of [updated_at in ms, id, page, hash of the query] --- */

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void base64_encode(const struct buf *bytes, struct buf *out)
{
    for (size_t i = 0; i < bytes->size; i += 3) {
        uint32_t group = 0;
        for (size_t j = 0; j < 3; j++)
            group = group << 8 | (i + j < bytes->size ? (unsigned char)bytes->data[i + j] : 0U);
        for (size_t j = 0; j < 4; j++)
            buf_byte(out, i + j > bytes->size ? '=' : base64_digits[group >> (18 - 6 * j) & 63]);
    }
}

static bool base64_decode(const char *text, struct buf *out)
{
    uint32_t bits = 0;
    int count = 0;
    size_t size = strlen(text);
    while (size > 0 && text[size - 1] == '=')
        size--;
    for (size_t i = 0; i < size; i++) {
        const char *digit = strchr(base64_digits, text[i]);
        if (!digit) return false;
        bits = bits << 6 | (uint32_t)(digit - base64_digits);
        count += 6;
        if (count >= 8) {
            count -= 8;
            buf_byte(out, (char)(bits >> count & 255));
        }
    }
    return !out->full;
}

/* What a cursor belongs to: query and sort, but not the page's size. */
static void hash_query(const json_t *body, char out_hash[17])
{
    uint64_t hash = HASH_OF_NOTHING;
    static const char *const keys[] = {"query", "sort"};
    for (size_t i = 0; i < 2; i++) {
        char *text =
            json_dumps(json_object_get(body, keys[i]), JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
        if (text) hash = hash_bytes(hash, text, strlen(text));
        free(text);
    }
    snprintf(out_hash, 17, "%016" PRIx64, hash);
}

static json_t *make_cursor(const struct world_found *found, int64_t page, const char *hash)
{
    AUTO(json_drop)
    json_t *parts =
        json_pack("[I, s, I, s]", (json_int_t)found->last_s * 1000, found->last_id, (json_int_t)page, hash);
    AUTO(buf_done) struct buf bytes;
    AUTO(buf_done) struct buf text;
    buf_init(&bytes, CURSOR_LIMIT);
    buf_init(&text, CURSOR_LIMIT * 2);
    json_write(&bytes, parts); /* an id has at most 127 bytes: it fits */
    base64_encode(&bytes, &text);
    return json_string(buf_string(&text));
}

/* out_parts is yours. */
static bool read_cursor(const char *cursor, const char *hash, json_t **out_parts)
{
    AUTO(buf_done) struct buf bytes;
    buf_init(&bytes, CURSOR_LIMIT);
    struct error err;
    if (!base64_decode(cursor, &bytes) || !json_read(buf_string(&bytes), bytes.size, NULL, out_parts, &err))
        return false;
    const char *own = json_string_value(json_array_get(*out_parts, 3));
    return json_is_integer(json_array_get(*out_parts, 0)) && json_is_string(json_array_get(*out_parts, 1)) &&
           json_is_integer(json_array_get(*out_parts, 2)) && own && strcmp(own, hash) == 0;
}

/* --- POST /contacts/search, POST /conversations/search, POST /tickets/search --- */

bool intercom_history(const struct exchange *exchange, int minor)
{
    const char *include = exchange_query(exchange, "include_merge_history");
    return minor >= 16 && include && strcmp(include, "true") == 0;
}

static void find_contacts(struct sandbox *sandbox, const struct world_query *query, struct world_found *found)
{
    world_find(sandbox->world, query, found);
}

static void find_conversations(struct sandbox *sandbox, const struct world_query *query,
                               struct world_found *found)
{
    world_find(sandbox->talks, query, found);
}

/* What is searched, and how the answer calls it. */
struct subject {
    enum query_kind kind;
    const char *type, *list;
    bool by_days; /* before 2.17 */
    void (*find)(struct sandbox *sandbox, const struct world_query *query, struct world_found *out_found);
};

static const struct subject contacts = {QUERY_CONTACTS, "list", "data", true, find_contacts};
static const struct subject conversations = {QUERY_CONVERSATIONS, "conversation.list", "conversations", false,
                                             find_conversations};
static const struct subject tickets = {QUERY_TICKETS, "ticket.list", "tickets", false, intercom_find_tickets};

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

/* Runs the search behind the cursor's record (NULL: from the beginning). */
static void run_search(struct exchange *exchange, const struct subject *subject, struct search *search,
                       const json_t *cursor, const char *hash)
{
    struct sandbox *sandbox = exchange_sandbox(exchange);
    int64_t now_s = virtual_clock_read(sandbox->clock) / 1000000;
    struct world_query query = {
        .from_s = search->from_s,
        .to_s = search->to_s,
        .after_id = json_string_value(json_array_get(cursor, 1)),
        .after_s = json_integer_value(json_array_get(cursor, 0)) / 1000,
        .descending = search->descending,
        .history = search->history,
        .limit = search->per_page,
        .now_s = now_s,
        .wanted = search->narrow ? search_matches : NULL,
        .self = search,
    };
    pthread_mutex_lock(&sandbox->intercom->lock);
    int64_t lag_s = sandbox->intercom->lag_s;
    pthread_mutex_unlock(&sandbox->intercom->lock);
    if (lag_s > 0 && query.to_s > now_s - lag_s + 1) query.to_s = now_s - lag_s + 1;
    int64_t page = cursor ? json_integer_value(json_array_get(cursor, 2)) : 1;
    struct world_found found;
    query.out = &exchange->reply; /* written there at once: pages are large, and many */
    buf_format(query.out, "{\"type\":\"%s\",\"%s\":[", subject->type, subject->list);
    subject->find(sandbox, &query, &found);
    json_t *next = found.more && found.count ? make_cursor(&found, page + 1, hash) : NULL;
    AUTO(json_drop) json_t *pages = make_pages(search, page, found.total, next);
    buf_format(query.out, "],\"total_count\":%" PRId64 ",\"pages\":", found.total);
    json_write(query.out, pages); /* a reply that is too large is seen when it is sent */
    buf_byte(query.out, '}');
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
                      subject->by_days && minor < 17 ? exchange_sandbox(exchange)->intercom->zone : NULL,
                      &wanted, &err)) {
        intercom_refuse(exchange, 400, err.code, err.message);
        return;
    }
    wanted.history = subject->kind == QUERY_CONTACTS && intercom_history(exchange, minor);
    char hash[17];
    hash_query(body, hash);
    if (wanted.starting_after && !read_cursor(wanted.starting_after, hash, &cursor))
        intercom_refuse(exchange, 400, "parameter_invalid",
                        "Invalid starting_after param. Please provide a valid value.");
    else
        run_search(exchange, subject, &wanted, cursor, hash);
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

/* --- GET /conversations/{}, GET /admins --- */

static void show_conversation(struct exchange *exchange)
{
    int minor;
    if (!intercom_admit(exchange, &minor)) return;
    struct sandbox *sandbox = exchange_sandbox(exchange);
    const char *display = exchange_query(exchange, "display_as");
    bool plain = display && strcmp(display, "plaintext") == 0;
    json_object_set_new(exchange->detail, "id", json_string(exchange->capture[0]));
    if (display && !plain && strcmp(display, "html") != 0)
        intercom_refuse(exchange, 400, "parameter_invalid", "display_as must be html or plaintext");
    else if (world_is_broken(sandbox->talks, exchange->capture[0]))
        intercom_refuse(exchange, 500, "server_error", "Something went wrong");
    else if (!world_thread(sandbox->talks, exchange->capture[0], plain, &exchange->reply))
        intercom_refuse(exchange, 404, "not_found", "Resource Not Found");
}

static void list_admins(struct exchange *exchange)
{
    int minor;
    if (!intercom_admit(exchange, &minor)) return;
    buf_text(&exchange->reply, "{\"type\":\"admin.list\",\"admins\":");
    admins_write(exchange_sandbox(exchange)->admins, &exchange->reply);
    buf_byte(&exchange->reply, '}');
}

const struct route intercom_routes[] = {
    {"intercom", "me", "GET", "/me", handle_me},
    {"intercom", "contacts.search", "POST", "/contacts/search", search_contacts},
    {"intercom", "conversations.search", "POST", "/conversations/search", search_conversations},
    {"intercom", "tickets.search", "POST", "/tickets/search", search_tickets},
    {"intercom", "conversations.get", "GET", "/conversations/{}", show_conversation},
    {"intercom", "admins", "GET", "/admins", list_admins},
    {.handle = NULL},
};
