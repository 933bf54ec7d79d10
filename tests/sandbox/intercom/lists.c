/* SPDX-License-Identifier: Apache-2.0 */
/* lists.c - the lists of Intercom's API: whole, or page by page.
 *
 * Pages are cut from the list as it is at that moment: if it changes between two pages, records may be shown
 * twice or not at all, as with the real one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "intercom/internal.h"

#define DAY_S      86400
#define PARAMETERS 4
/* Longer windows of the activity log end in an error. Seven local days may last an hour more. */
#define ACTIVITY_WINDOW_S (7 * DAY_S + 2 * 3600)

enum paging {
    PAGING_NONE,
    PAGING_LINK,   /* pages.next is an address */
    PAGING_NUMBER, /* pages tells page and total_pages */
    PAGING_TOP,    /* the same, without pages around */
    PAGING_CURSOR  /* pages.next.starting_after */
};

struct asked;

struct list {
    const char *path;       /* as in its route */
    const char *model;      /* this value of the parameter `model` chooses it; NULL: there is none */
    const char *kind;       /* the collection */
    const char *type, *key; /* of the answer */
    int first_minor;        /* of the versions that have it, 2.<minor>; 0: no bound */
    int last_minor;
    enum paging paging;
    bool by_updated; /* else as ids grow */
    bool descending;
    int64_t per_page, most;
    const char *parameters[PARAMETERS];                             /* beside those of the pages */
    bool (*narrow)(struct exchange *exchange, struct asked *asked); /* reads them; false: refused */
};

struct asked {
    const struct list *list;
    int minor; /* the version asked for: 2.<minor> */
    int64_t page;
    struct collection_query query;
    char after_key[COLLECTION_KEY];
    bool archived;           /* are wanted */
    const char *object_type; /* NULL: all are wanted */
    const char *left_out;    /* a member that is not shown; NULL: none */
};

static void refuse_parameter(struct exchange *exchange, const char *message)
{
    intercom_refuse(exchange, 400, "parameter_invalid", message);
}

/* A parameter that is a whole number; absent: out stays. */
static bool read_whole(struct exchange *exchange, const char *name, int64_t *out)
{
    const char *text = exchange_query(exchange, name);
    if (!text) return true;
    char *end, message[96];
    size_t size = strlen(text);
    *out = strtoll(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && size < 19) return true;
    snprintf(message, sizeof message, "Invalid %s timestamp or number", name);
    refuse_parameter(exchange, message);
    return false;
}

static bool read_flag(struct exchange *exchange, const char *name, bool *out)
{
    const char *text = exchange_query(exchange, name);
    *out = text && strcmp(text, "true") == 0;
    if (!text || *out || strcmp(text, "false") == 0) return true;
    refuse_parameter(exchange, "A flag must be true or false");
    return false;
}

/* --- what single lists can be asked for --- */

static bool is_wanted(void *self, const json_t *record)
{
    const struct asked *asked = self;
    const char *type = json_text_at(record, "type");
    if (asked->object_type) return type && strcmp(type, asked->object_type) == 0;
    return asked->archived || !json_is_true(json_object_get(record, "archived"));
}

static bool narrow_archived(struct exchange *exchange, struct asked *asked)
{
    asked->query.wanted = is_wanted;
    return read_flag(exchange, "include_archived", &asked->archived);
}

static bool narrow_counted(struct exchange *exchange, struct asked *asked)
{
    bool counted;
    if (!read_flag(exchange, "include_count", &counted)) return false;
    asked->left_out = counted ? NULL : "count";
    return true;
}

static bool narrow_object_type(struct exchange *exchange, struct asked *asked)
{
    struct collection_page page;
    asked->object_type = exchange->capture[0];
    asked->query.wanted = is_wanted;
    struct collection_query any = {.by_arrival = true, .limit = 1, .wanted = is_wanted, .self = asked};
    json_decref(collection_list(intercom_collection(exchange, asked->list->kind), &any, &page));
    if (page.total == 0) intercom_refuse(exchange, 404, "not_found", "Custom object type not found");
    return page.total > 0;
}

static bool narrow_updated(struct exchange *exchange, struct asked *asked)
{
    int64_t since_s = -1;
    if (!read_whole(exchange, "updated_since", &since_s)) return false;
    asked->query.from_s = since_s + 1;
    asked->query.to_s = INT64_MAX;
    return true;
}

static bool narrow_window(struct exchange *exchange, struct asked *asked)
{
    int64_t after_s = -1, before_s = asked->query.now_s + 1;
    if (!read_whole(exchange, "created_at_after", &after_s) ||
        !read_whole(exchange, "created_at_before", &before_s))
        return false;
    if (after_s < 0 && asked->minor < 17) {
        intercom_refuse(exchange, 400, "parameter_not_found", "created_at_after is required");
        return false;
    }
    if (after_s < 0) after_s = asked->query.now_s - 30 * DAY_S;
    if (before_s - after_s > ACTIVITY_WINDOW_S) {
        intercom_refuse(exchange, 500, "server_error", "Something went wrong");
        return false;
    }
    asked->query.from_s = after_s + 1;
    asked->query.to_s = before_s > after_s ? before_s : after_s + 1;
    return true;
}

#define ALL_OF(a, k, t, member)     .path = (a), .kind = (k), .type = (t), .key = (member)
#define PAGED(style, size, largest) .paging = (style), .per_page = (size), .most = (largest)
#define NEWEST                      .by_updated = true, .descending = true

static const struct list lists[] = {
    {ALL_OF("/teams", "teams", "team.list", "teams")},
    {ALL_OF("/tags", "tags", "list", "data")},
    {ALL_OF("/segments", "segments", "segment.list", "segments"), .parameters = {"include_count"},
     .narrow = narrow_counted},
    {ALL_OF("/conversations/attributes", "conversation_attributes", "list", "data"), .first_minor = 16,
     .parameters = {"include_archived"}, .narrow = narrow_archived},
    {ALL_OF("/ticket_types", "ticket_types", "list", "data")},
    {ALL_OF("/ticket_states", "ticket_states", "list", "data"), .first_minor = 12},
    {ALL_OF("/subscription_types", "subscription_types", "list", "data")},
    {ALL_OF("/away_status_reasons", "away_status_reasons", "list", "data"), .first_minor = 14},
    {ALL_OF("/help_center/help_centers", "help_centers", "list", "data")},
    {ALL_OF("/brands", "brands", "list", "data"), .first_minor = 15},

    {ALL_OF("/articles", "articles", "list", "data"), PAGED(PAGING_LINK, 25, 150), NEWEST},
    {ALL_OF("/internal_articles", "internal_articles", "list", "data"), PAGED(PAGING_LINK, 25, 150),
     .first_minor = 13},
    {ALL_OF("/news/news_items", "news_items", "list", "data"), PAGED(PAGING_LINK, 10, 150)},
    {ALL_OF("/news/newsfeeds", "newsfeeds", "list", "data"), PAGED(PAGING_LINK, 10, 150)},
    {ALL_OF("/help_center/collections", "collections", "list", "data"), PAGED(PAGING_LINK, 20, 150), NEWEST},
    {ALL_OF("/ai/content_import_sources", "content_import_sources", "list", "data"),
     PAGED(PAGING_LINK, 50, 150), .first_minor = 12},
    {ALL_OF("/ai/external_pages", "external_pages", "list", "data"), PAGED(PAGING_LINK, 50, 150),
     .first_minor = 12},
    {ALL_OF("/admins/activity_logs", "activity_logs", "activity_log.list", "activity_logs"),
     PAGED(PAGING_LINK, 20, 250), NEWEST, .parameters = {"created_at_after", "created_at_before"},
     .narrow = narrow_window},

    {ALL_OF("/companies", "companies", "list", "data"), PAGED(PAGING_NUMBER, 15, 60)},
    {ALL_OF("/calls", "calls", "list", "data"), PAGED(PAGING_NUMBER, 25, 25), .first_minor = 14},
    {ALL_OF("/custom_object_instances/{}", "custom_object_instances", "list", "data"),
     PAGED(PAGING_NUMBER, 20, 150), .first_minor = 16, .narrow = narrow_object_type},
    {ALL_OF("/content_snippets", "content_snippets", "list", "data"), PAGED(PAGING_TOP, 50, 50),
     .first_minor = 16},
    {ALL_OF("/audiences", "audiences", "list", "data"), PAGED(PAGING_TOP, 50, 50), .first_minor = 16},
    {ALL_OF("/data_attributes", "contact_attributes", "list", "data"), .model = "contact",
     .parameters = {"model", "include_archived"}, .narrow = narrow_archived},
    {ALL_OF("/data_attributes", "company_attributes", "list", "data"), .model = "company",
     .parameters = {"model", "include_archived"}, .narrow = narrow_archived},
    {ALL_OF("/data_attributes", "conversation_attributes", "list", "data"), .model = "conversation",
     .last_minor = 15, .parameters = {"model", "include_archived"}, .narrow = narrow_archived},
    {ALL_OF("/macros", "macros", "list", "data"), PAGED(PAGING_CURSOR, 50, 150), NEWEST, .first_minor = 16,
     .parameters = {"updated_since"}, .narrow = narrow_updated},
};

/* NULL: there is none for this model. */
static const struct list *find_list(const struct exchange *exchange)
{
    const char *model = exchange_query(exchange, "model");
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        size_t size = strcspn(lists[i].path, "{"); /* what is captured is the path's end */
        bool here = strncmp(lists[i].path, exchange->path, size) == 0 &&
                    (lists[i].path[size] || !exchange->path[size]);
        if (here && (!lists[i].model || (model && strcmp(lists[i].model, model) == 0))) return &lists[i];
    }
    return NULL;
}

/* --- reading the request --- */

static bool is_parameter(const struct list *list, const char *name)
{
    for (size_t i = 0; i < PARAMETERS && list->parameters[i]; i++) {
        if (strcmp(list->parameters[i], name) == 0) return true;
    }
    const char *step = list->paging == PAGING_CURSOR ? "starting_after" : "page";
    return list->paging != PAGING_NONE && (strcmp(name, "per_page") == 0 || strcmp(name, step) == 0);
}

static bool check_parameters(struct exchange *exchange, const struct list *list)
{
    const char *name;
    for (size_t i = 0; (name = exchange_query_name(exchange, i)); i++) {
        char message[128];
        if (is_parameter(list, name)) continue;
        snprintf(message, sizeof message, "%.60s is not a parameter of this list", name);
        refuse_parameter(exchange, message);
        return false;
    }
    return true;
}

/* [the last record's time, its id] */
static bool read_cursor(struct exchange *exchange, struct asked *asked)
{
    const char *cursor = exchange_query(exchange, "starting_after");
    if (!cursor) return true;
    AUTO(json_drop) json_t *parts = intercom_cursor_read(cursor);
    const char *key = json_string_value(json_array_get(parts, 1));
    if (key && json_is_integer(json_array_get(parts, 0))) {
        asked->query.after_s = json_integer_value(json_array_get(parts, 0));
        snprintf(asked->after_key, sizeof asked->after_key, "%s", key);
        asked->query.after_key = asked->after_key;
        return true;
    }
    intercom_refuse_cursor(exchange);
    return false;
}

static bool read_paging(struct exchange *exchange, struct asked *asked)
{
    const struct list *list = asked->list;
    int64_t per_page = list->per_page;
    if (list->paging == PAGING_NONE) {
        asked->query.limit = SIZE_MAX;
        return true;
    }
    if (!read_whole(exchange, "per_page", &per_page) || !read_whole(exchange, "page", &asked->page) ||
        !read_cursor(exchange, asked))
        return false;
    if (per_page >= 1 && per_page <= list->most && asked->page >= 1 && asked->page <= INT32_MAX) {
        asked->query.limit = (size_t)per_page;
        asked->query.offset = (size_t)(asked->page - 1) * (size_t)per_page;
        return true;
    }
    char message[96];
    snprintf(message, sizeof message, "page begins at 1, and per_page is 1 to %" PRId64, list->most);
    refuse_parameter(exchange, message);
    return false;
}

/* Is there such a list, in this version? */
static bool check_list(struct exchange *exchange, const struct list *list, int minor)
{
    if (!list) {
        refuse_parameter(exchange, "model must be contact or company");
    } else if (!intercom_check_since(exchange, minor, list->first_minor)) {
        return false;
    } else if (list->last_minor && minor > list->last_minor) {
        intercom_refuse(
            exchange, 422, "parameter_invalid",
            "model=conversation is no longer supported. Use GET /conversations/attributes instead");
    } else {
        return true;
    }
    return false;
}

/* False: already refused. */
static bool read_asked(struct exchange *exchange, struct asked *out_asked)
{
    *out_asked = (struct asked){.list = find_list(exchange), .page = 1};
    const struct list *list = out_asked->list;
    if (!intercom_admit(exchange, &out_asked->minor) || !check_list(exchange, list, out_asked->minor))
        return false;
    out_asked->query = (struct collection_query){.by_arrival = !list->by_updated,
                                                 .descending = list->descending,
                                                 .self = out_asked,
                                                 .now_s = intercom_now_s(exchange)};
    return check_parameters(exchange, list) && read_paging(exchange, out_asked) &&
           (!list->narrow || list->narrow(exchange, out_asked));
}

/* --- answering --- */

/* The address of the next page, with what else was asked for; yours. */
static json_t *make_link(struct exchange *exchange, const struct asked *asked)
{
    AUTO(buf_done) struct buf link;
    const char *host = exchange_header(exchange, "host");
    buf_init(&link, 4096);
    buf_format(&link, "http%s://%s%s?page=%" PRId64 "&per_page=%zu", exchange->is_secure ? "s" : "",
               host ? host : "localhost", exchange->path, asked->page + 1, asked->query.limit);
    for (size_t i = 0; i < PARAMETERS && asked->list->parameters[i]; i++) {
        const char *name = asked->list->parameters[i], *value = exchange_query(exchange, name);
        if (value) buf_format(&link, "&%s=%s", name, value); /* numbers, as was checked */
    }
    return json_string(buf_string(&link));
}

static json_t *make_cursor(const struct collection_page *page)
{
    return json_pack("{s:o}", "starting_after",
                     intercom_cursor(json_pack("[I, s]", (json_int_t)page->last_s, page->last_key)));
}

static void put_paging(struct exchange *exchange, const struct asked *asked,
                       const struct collection_page *page, json_t *answer)
{
    enum paging paging = asked->list->paging;
    json_int_t per_page = (json_int_t)asked->query.limit, total = (json_int_t)page->total;
    if (paging == PAGING_NONE) return;
    json_t *pages = json_pack("{s:I}", "per_page", per_page);
    if (paging != PAGING_CURSOR) {
        json_object_set_new(pages, "page", json_integer(asked->page));
        json_object_set_new(pages, "total_pages", json_integer((total + per_page - 1) / per_page));
        json_object_set_new(answer, "total_count", json_integer(total));
    }
    if (paging == PAGING_LINK)
        json_object_set_new(pages, "next", page->has_more ? make_link(exchange, asked) : json_null());
    if (paging == PAGING_CURSOR)
        json_object_set_new(pages, "next", page->has_more ? make_cursor(page) : json_null());
    if (paging == PAGING_TOP) {
        json_object_update(answer, pages);
        json_decref(pages);
        return;
    }
    json_object_set_new(pages, "type", json_string("pages"));
    json_object_set_new(answer, "pages", pages);
}

static void show_list(struct exchange *exchange)
{
    struct asked asked;
    struct collection_page page;
    if (!read_asked(exchange, &asked)) return;
    const struct list *list = asked.list;
    json_t *records = collection_list(intercom_collection(exchange, list->kind), &asked.query, &page);
    for (size_t i = 0; asked.left_out && i < json_array_size(records); i++)
        json_object_del(json_array_get(records, i), asked.left_out);
    intercom_shape(records, list->kind, asked.minor);
    json_object_set_new(exchange->detail, "list", json_string(list->kind));
    json_object_set_new(exchange->detail, "records", json_integer((json_int_t)page.count));
    json_t *answer = json_pack("{s:s, s:o}", "type", list->type, list->key, records);
    put_paging(exchange, &asked, &page, answer);
    exchange_reply_json(exchange, 200, answer);
}

/* Operations are the streams' names; /data_attributes serves several. */
const struct route intercom_list_routes[] = {
    {"intercom", "teams", "GET", "/teams", show_list},
    {"intercom", "tags", "GET", "/tags", show_list},
    {"intercom", "segments", "GET", "/segments", show_list},
    {"intercom", "data_attributes", "GET", "/data_attributes", show_list},
    {"intercom", "conversation_attributes", "GET", "/conversations/attributes", show_list},
    {"intercom", "ticket_types", "GET", "/ticket_types", show_list},
    {"intercom", "ticket_states", "GET", "/ticket_states", show_list},
    {"intercom", "subscription_types", "GET", "/subscription_types", show_list},
    {"intercom", "away_status_reasons", "GET", "/away_status_reasons", show_list},
    {"intercom", "help_centers", "GET", "/help_center/help_centers", show_list},
    {"intercom", "brands", "GET", "/brands", show_list},
    {"intercom", "articles", "GET", "/articles", show_list},
    {"intercom", "internal_articles", "GET", "/internal_articles", show_list},
    {"intercom", "news_items", "GET", "/news/news_items", show_list},
    {"intercom", "newsfeeds", "GET", "/news/newsfeeds", show_list},
    {"intercom", "collections", "GET", "/help_center/collections", show_list},
    {"intercom", "content_import_sources", "GET", "/ai/content_import_sources", show_list},
    {"intercom", "external_pages", "GET", "/ai/external_pages", show_list},
    {"intercom", "activity_logs", "GET", "/admins/activity_logs", show_list},
    {"intercom", "companies", "GET", "/companies", show_list},
    {"intercom", "calls", "GET", "/calls", show_list},
    {"intercom", "custom_object_instances", "GET", "/custom_object_instances/{}", show_list},
    {"intercom", "content_snippets", "GET", "/content_snippets", show_list},
    {"intercom", "audiences", "GET", "/audiences", show_list},
    {"intercom", "macros", "GET", "/macros", show_list},
    {.handle = NULL},
};
