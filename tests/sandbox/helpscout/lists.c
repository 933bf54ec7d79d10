/* SPDX-License-Identifier: Apache-2.0 */
/* lists.c - the lists of Help Scout's API, page by page, and the report of ratings.
 *
 * Pages are cut from the list as it is at that moment. There is no parameter for their size, and an empty
 * page has no _embedded. A list that is filtered takes `modifiedSince`, or one form of `query`:
 * (modifiedAt:[A TO B]).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/json.h"
#include "base/mem.h"
#include "helpscout/internal.h"

struct list {
    const char *path; /* as in its route */
    const char *kind; /* the collection */
    const char *key;  /* of the answer */
    int64_t size;     /* of a page */
    bool is_filtered; /* by modifiedAt, which sorts it, too */
    bool has_status;  /* "active" unless the parameter says otherwise */
    const char *own;  /* a list of the captured record; NULL: the collection itself */
    bool is_newest_first;
};

static const struct list lists[] = {
    {.path = "/v2/conversations",
     .kind = "conversations",
     .key = "conversations",
     .size = 25,
     .is_filtered = true,
     .has_status = true},
    {.path = "/v2/customers", .kind = "customers", .key = "customers", .size = 50, .is_filtered = true},
    {.path = "/v2/organizations", .kind = "organizations", .key = "organizations", .size = 50},
    {.path = "/v2/mailboxes", .kind = "mailboxes", .key = "mailboxes", .size = 50},
    {.path = "/v2/users", .kind = "users", .key = "users", .size = 50},
    {.path = "/v2/teams", .kind = "teams", .key = "teams", .size = 50},
    {.path = "/v2/workflows", .kind = "workflows", .key = "workflows", .size = 50},
    {.path = "/v2/tags", .kind = "tags", .key = "tags", .size = 50},
    {.path = "/v2/conversations/{}/threads",
     .kind = "conversations",
     .key = "threads",
     .size = 50,
     .own = "threads",
     .is_newest_first = true},
    {.path = "/v2/mailboxes/{}/fields", .kind = "mailboxes", .key = "fields", .size = 50, .own = "fields"},
    {.path = "/v2/mailboxes/{}/folders", .kind = "mailboxes", .key = "folders", .size = 50, .own = "folders"},
    {.path = "/v2/teams/{}/members", .kind = "teams", .key = "users", .size = 50, .own = "members"},
};

struct asked {
    const struct list *list;
    int64_t page;
    int64_t from_s, to_s; /* to_s 0: any */
    bool by_creation;     /* in that order */
    const char *status;   /* "all": any */
};

/* --- reading the request --- */

static bool refuse_parameter(struct exchange *exchange, const char *name, const char *why)
{
    helpscout_refuse(exchange, 400, "Validation error", name, why);
    return false;
}

/* Whole seconds, in UTC. */
static bool read_time(const char *text, size_t size, int64_t *out_s)
{
    int64_t at_us;
    if (size != 20 || text[19] != 'Z' || !instant_parse(text, size, &at_us)) return false;
    *out_s = at_us / 1000000;
    return true;
}

/* (modifiedAt:[A TO B]); B may be an asterisk. Both ends are inclusive. */
static bool read_query(const char *query, struct asked *asked)
{
    static const char head[] = "(modifiedAt:[";
    if (strncmp(query, head, sizeof head - 1) != 0) return false;
    const char *from = query + sizeof head - 1, *to = strstr(from, " TO "), *end = strstr(from, "])");
    if (!to || !end || end < to || end[2]) return false;
    size_t size = (size_t)(end - to - 4);
    asked->to_s = INT64_MAX;
    if (!read_time(from, (size_t)(to - from), &asked->from_s)) return false;
    if (size == 1 && to[4] == '*') return true;
    if (!read_time(to + 4, size, &asked->to_s)) return false;
    asked->to_s++;
    return true;
}

static bool read_page(struct exchange *exchange, struct asked *asked)
{
    const char *text = exchange_query(exchange, "page");
    char *end = NULL;
    asked->page = text ? strtoll(text, &end, 10) : 1;
    return !text || (end != text && !*end && asked->page >= 1 && asked->page <= INT32_MAX) ||
           refuse_parameter(exchange, "page", "must be greater than or equal to 1");
}

static bool is_known(const struct list *list, const char *name)
{
    static const char *const filters[] = {"sortField", "sortOrder", "query", "modifiedSince"};
    if (strcmp(name, "page") == 0 || (list->has_status && strcmp(name, "status") == 0)) return true;
    for (size_t i = 0; list->is_filtered && i < sizeof filters / sizeof *filters; i++)
        if (strcmp(name, filters[i]) == 0) return true;
    return false;
}

static bool check_names(struct exchange *exchange, const struct list *list)
{
    const char *name;
    for (size_t i = 0; (name = exchange_query_name(exchange, i)) != NULL; i++)
        if (!is_known(list, name)) return refuse_parameter(exchange, name, "is not a parameter of this list");
    return true;
}

static bool read_status(struct exchange *exchange, struct asked *asked)
{
    static const char *const known[] = {"active", "all", "closed", "open", "pending", "spam"};
    const char *status = exchange_query(exchange, "status");
    asked->status = status ? status : "active";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(asked->status, known[i]) == 0) return true;
    return refuse_parameter(exchange, "status", "is not a status");
}

static bool read_filters(struct exchange *exchange, struct asked *asked)
{
    const char *query = exchange_query(exchange, "query"), *since = exchange_query(exchange, "modifiedSince");
    const char *field = exchange_query(exchange, "sortField"), *order = exchange_query(exchange, "sortOrder");
    asked->by_creation = field && strcmp(field, "createdAt") == 0;
    if (field && !asked->by_creation && strcmp(field, "modifiedAt") != 0)
        return refuse_parameter(exchange, "sortField", "unknown");
    if (order && strcmp(order, "asc") != 0) return refuse_parameter(exchange, "sortOrder", "unknown");
    if (query && !read_query(query, asked)) return refuse_parameter(exchange, "query", "can't be parsed");
    if (since && !read_time(since, strlen(since), &asked->from_s))
        return refuse_parameter(exchange, "modifiedSince", "must be an ISO 8601 date without milliseconds");
    if (since) asked->to_s = INT64_MAX;
    return true;
}

/* --- answering --- */

static bool has_status(void *self, const json_t *record)
{
    const struct asked *asked = self;
    const char *status = json_text_at(record, "status");
    return status && strcmp(status, asked->status) == 0;
}

static json_t *make_link(const struct exchange *exchange, int64_t page)
{
    return json_pack("{s:o}", "href",
                     json_sprintf("https://api.helpscout.net%s?page=%" PRId64, exchange->path, page));
}

static void reply_page(struct exchange *exchange, const struct asked *asked, json_t *rows, int64_t total)
{
    const struct list *list = asked->list;
    int64_t pages = (total + list->size - 1) / list->size;
    json_t *answer = json_object(), *links = json_pack("{s:o}", "self", make_link(exchange, asked->page));
    json_object_set_new(exchange->detail, "records", json_integer((json_int_t)json_array_size(rows)));
    if (asked->page < pages) json_object_set_new(links, "next", make_link(exchange, asked->page + 1));
    if (json_array_size(rows) > 0)
        json_object_set_new(answer, "_embedded", json_pack("{s:O}", list->key, rows));
    json_object_set_new(answer, "page",
                        json_pack("{s:I, s:I, s:I, s:I}", "size", (json_int_t)list->size, "totalElements",
                                  (json_int_t)total, "totalPages", (json_int_t)pages, "number",
                                  (json_int_t)(total ? asked->page : 0)));
    json_object_set_new(answer, "_links", links);
    json_decref(rows);
    exchange_reply_json(exchange, 200, answer);
}

static void list_collection(struct exchange *exchange, struct asked *asked)
{
    bool is_narrow = asked->status && strcmp(asked->status, "all") != 0;
    struct collection_page page;
    struct collection_query query = {
        .by_arrival = !asked->list->is_filtered || asked->by_creation,
        .from_s = asked->from_s,
        .to_s = asked->to_s,
        .offset = (size_t)((asked->page - 1) * asked->list->size),
        .limit = (size_t)asked->list->size,
        .now_s = helpscout_now_s(exchange),
        .expect = asked->list->is_filtered && !is_narrow && !asked->by_creation,
        .wanted = is_narrow ? has_status : NULL,
        .self = asked,
    };
    json_t *rows = collection_list(helpscout_collection(exchange, asked->list->kind), &query, &page);
    for (size_t i = 0; asked->list->has_status && i < json_array_size(rows); i++)
        json_object_del(json_array_get(rows, i), "modifiedAt"); /* it is not shown */
    reply_page(exchange, asked, rows, (int64_t)page.total);
}

static void list_own(struct exchange *exchange, const struct asked *asked)
{
    const struct list *list = asked->list;
    const char *id = exchange->capture[0];
    json_object_set_new(exchange->detail, "id", json_string(id));
    struct collection *collection = helpscout_collection(exchange, list->kind);
    AUTO(json_drop) json_t *all = collection_read_list(collection, id, list->own);
    AUTO(json_drop) json_t *record = collection_get(collection, id);
    const char *state = json_text_at(record, "state");
    if (!all || (state && strcmp(state, "deleted") == 0)) {
        helpscout_refuse(exchange, 404, "Not Found", NULL, NULL);
        return;
    }
    if (collection_is_broken(collection, id)) {
        helpscout_refuse(exchange, 500, "Internal error", NULL, NULL);
        return;
    }
    json_t *rows = json_array();
    int64_t total = (int64_t)json_array_size(all), first = (asked->page - 1) * list->size;
    for (int64_t i = first; i < total && i < first + list->size; i++)
        json_array_append(rows, json_array_get(all, (size_t)(list->is_newest_first ? total - 1 - i : i)));
    reply_page(exchange, asked, rows, total);
}

static const struct list *find_list(const struct exchange *exchange)
{
    for (size_t i = sizeof lists / sizeof *lists; i > 0; i--) {
        const struct list *list = &lists[i - 1];
        const char *tail = strstr(list->path, "{}");
        size_t head = tail ? (size_t)(tail - list->path) : strlen(list->path), size = strlen(exchange->path);
        if (strncmp(list->path, exchange->path, head) != 0) continue;
        if (!tail
                ? size == head
                : size > strlen(tail + 2) && strcmp(exchange->path + size - strlen(tail + 2), tail + 2) == 0)
            return list;
    }
    abort(); /* each route has one */
}

static void handle_list(struct exchange *exchange)
{
    struct asked asked = {.list = find_list(exchange)};
    if (!helpscout_admit(exchange) || !check_names(exchange, asked.list) || !read_page(exchange, &asked))
        return;
    if (asked.list->has_status && !read_status(exchange, &asked)) return;
    if (asked.list->is_filtered && !read_filters(exchange, &asked)) return;
    if (asked.list->own)
        list_own(exchange, &asked);
    else
        list_collection(exchange, &asked);
}

/* --- the report of ratings --- */

#define RATINGS 100 /* of a page */

static bool has_reports(struct exchange *exchange)
{
    struct helpscout *helpscout = helpscout_of(exchange);
    pthread_mutex_lock(&helpscout->lock);
    bool is_standard = helpscout->is_standard;
    pthread_mutex_unlock(&helpscout->lock);
    if (is_standard) helpscout_refuse(exchange, 403, "Reports are not part of this plan", NULL, NULL);
    return !is_standard;
}

/* Plain JSON: no _embedded, no links. */
static void handle_ratings(struct exchange *exchange)
{
    struct asked asked = {.page = 1};
    struct collection_page page;
    if (!helpscout_admit(exchange) || !has_reports(exchange) || !read_page(exchange, &asked)) return;
    const char *start = exchange_query(exchange, "start"), *end = exchange_query(exchange, "end");
    const char *order = exchange_query(exchange, "sortOrder");
    if (!start || !end || !read_time(start, strlen(start), &asked.from_s) ||
        !read_time(end, strlen(end), &asked.to_s)) {
        refuse_parameter(exchange, "start", "start and end must be ISO 8601 dates without milliseconds");
        return;
    }
    if (order && strcmp(order, "ASC") != 0) {
        refuse_parameter(exchange, "sortOrder", "must be ASC or DESC");
        return;
    }
    struct collection_query query = {.from_s = asked.from_s,
                                     .to_s = asked.to_s > asked.from_s ? asked.to_s : asked.from_s + 1,
                                     .offset = (size_t)((asked.page - 1) * RATINGS),
                                     .limit = RATINGS,
                                     .now_s = helpscout_now_s(exchange)};
    json_t *rows = collection_list(helpscout_collection(exchange, "happiness_ratings"), &query, &page);
    json_object_set_new(exchange->detail, "records", json_integer((json_int_t)json_array_size(rows)));
    exchange_reply_json(exchange, 200,
                        json_pack("{s:{}, s:o, s:I, s:I, s:I}", "facets", "results", rows, "page",
                                  (json_int_t)asked.page, "pages",
                                  (json_int_t)((page.total + RATINGS - 1) / RATINGS), "count",
                                  (json_int_t)page.total));
}

const struct route helpscout_list_routes[] = {
    {"helpscout", "conversations", "GET", "/v2/conversations", handle_list},
    {"helpscout", "customers", "GET", "/v2/customers", handle_list},
    {"helpscout", "organizations", "GET", "/v2/organizations", handle_list},
    {"helpscout", "mailboxes", "GET", "/v2/mailboxes", handle_list},
    {"helpscout", "users", "GET", "/v2/users", handle_list},
    {"helpscout", "teams", "GET", "/v2/teams", handle_list},
    {"helpscout", "workflows", "GET", "/v2/workflows", handle_list},
    {"helpscout", "tags", "GET", "/v2/tags", handle_list},
    {"helpscout", "ratings", "GET", "/v2/reports/happiness/ratings", handle_ratings},
    {"helpscout", "conversations.threads", "GET", "/v2/conversations/{}/threads", handle_list},
    {"helpscout", "mailboxes.fields", "GET", "/v2/mailboxes/{}/fields", handle_list},
    {"helpscout", "mailboxes.folders", "GET", "/v2/mailboxes/{}/folders", handle_list},
    {"helpscout", "teams.members", "GET", "/v2/teams/{}/members", handle_list},
    {.handle = NULL},
};
