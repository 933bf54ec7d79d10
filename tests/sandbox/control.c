/* control.c - the sandbox's own door: move the clock, plan faults, change the world, look at what happened.
 */
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/json.h"
#include "base/mem.h"
#include "internal.h"
#include "store.h"
#include "world.h"
#include "world_admins.h"
#include "world_shelf.h"

#define DAY_S 86400

static void refuse(struct exchange *exchange, int status, const char *message)
{
    exchange_reply_json(exchange, status, json_pack("{s:s}", "error", message));
}

static void agree(struct exchange *exchange)
{
    exchange_reply_json(exchange, 200, json_pack("{s:b}", "ok", 1));
}

/* The body, which must be an object; NULL: already refused. Yours. */
static json_t *read_object(struct exchange *exchange)
{
    json_t *body = exchange_json(exchange);
    if (json_is_object(body)) return body;
    json_decref(body);
    refuse(exchange, 400, "The body must be a JSON object");
    return NULL;
}

static void handle_health(struct exchange *exchange)
{
    agree(exchange);
}

/* --- clock --- */

static void show_clock(struct exchange *exchange)
{
    char text[INSTANT_TEXT];
    int64_t now_us = virtual_clock_peek(exchange->sandbox->clock);
    instant_format(now_us, text);
    exchange_reply_json(exchange, 200, json_pack("{s:s, s:I}", "now", text, "now_us", (json_int_t)now_us));
}

static void move_clock(struct exchange *exchange)
{
    AUTO(json_drop) json_t *body = read_object(exchange);
    if (!body) return;
    struct virtual_clock *clock = exchange->sandbox->clock;
    const char *instant = json_text_at(body, "set");
    int64_t advance_s = json_int_at(body, "advance_s", -1), at_us;
    if (instant && instant_parse(instant, strlen(instant), &at_us)) {
        virtual_clock_set(clock, at_us);
    } else if (!instant && advance_s >= 0 && advance_s <= INT64_C(3650) * DAY_S) {
        virtual_clock_advance(clock, advance_s * 1000000);
    } else {
        refuse(exchange, 400, "Send {\"advance_s\": seconds} or {\"set\": \"2026-03-03T04:00:00Z\"}");
        return;
    }
    show_clock(exchange);
}

/* --- faults --- */

static const struct route *const faulty_routes[] = {auth_routes, bigquery_routes, intercom_contact_routes,
                                                    intercom_list_routes, intercom_routes};

/* A fault that names no operation would never happen, and its test would prove nothing. */
static bool is_operation(const char *service, const char *operation)
{
    static const char *const inside[] = {"job", "script", "upload.bytes"}; /* of BigQuery, without a route */
    if (strcmp(operation, "*") == 0) return true;
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        if (strcmp(service, "bigquery") == 0 && strcmp(operation, inside[i]) == 0) return true;
    }
    for (size_t t = 0; t < sizeof faulty_routes / sizeof *faulty_routes; t++) {
        for (const struct route *route = faulty_routes[t]; route->handle; route++) {
            if (strcmp(route->service, service) == 0 && strcmp(route->operation, operation) == 0) return true;
        }
    }
    return false;
}

static bool add_fault(struct sandbox *sandbox, const char *line, struct error *err)
{
    size_t service = strcspn(line, " "), gap = strspn(line + service, " ");
    size_t operation = strcspn(line + service + gap, " ");
    AUTO(mem_free) char *first = mem_bytes(line, service);
    AUTO(mem_free) char *second = mem_bytes(line + service + gap, operation);
    bool routed =
        strcmp(first, "auth") == 0 || strcmp(first, "bigquery") == 0 || strcmp(first, "intercom") == 0;
    if (routed && !is_operation(first, second))
        return error_set(err, ERROR_CONFIG,
                         "fault: %.40s has no operation \"%.60s\"; see the routes for their names", first,
                         second);
    return faults_add(sandbox->faults, line, err);
}

static void add_faults(struct exchange *exchange)
{
    AUTO(mem_free) char *text = mem_text(exchange->body);
    for (char *line = text; line && *line;) {
        char *next = strchr(line, '\n');
        if (next) *next++ = '\0';
        line += strspn(line, " \t\r");
        struct error err;
        if (*line && *line != '#' && !add_fault(exchange->sandbox, line, &err)) {
            refuse(exchange, 400, err.text);
            return;
        }
        line = next;
    }
    agree(exchange);
}

static void clear_faults(struct exchange *exchange)
{
    faults_clear(exchange->sandbox->faults);
    agree(exchange);
}

/* --- journal --- */

static void show_journal(struct exchange *exchange)
{
    const char *after = exchange_query(exchange, "after");
    char *end = NULL;
    int64_t number = after ? strtoll(after, &end, 10) : 0;
    if (after && (*end || end == after || number < 0)) {
        refuse(exchange, 400, "after must be the number of an entry");
        return;
    }
    exchange_add_header(exchange, "Content-Type", "application/x-ndjson");
    journal_dump(exchange->sandbox->journal, exchange_query(exchange, "service"), number, &exchange->reply);
}

/* --- world --- */

/* The days of a filling, in seconds. */
static bool read_fill(const json_t *what, int64_t *out_from_s, int64_t *out_to_s, int64_t *out_count)
{
    const char *from = json_text_at(what, "from"), *to = json_text_at(what, "to");
    struct day first, last;
    *out_count = json_int_at(what, "count", -1);
    if (!from || !to || !day_parse(from, &first) || !day_parse(to, &last) || *out_count < 0) return false;
    *out_from_s = (int64_t)first.n * DAY_S;
    *out_to_s = (int64_t)last.n * DAY_S;
    return true;
}

static bool fill(struct sandbox *sandbox, json_t *what)
{
    int64_t from_s, to_s, count;
    if (!read_fill(what, &from_s, &to_s, &count)) return false;
    world_fill(sandbox->world, from_s, to_s, count);
    return true;
}

static bool fill_conversations(struct sandbox *sandbox, json_t *what)
{
    int64_t from_s, to_s, count;
    int64_t parts = json_int_at(what, "parts", 8), body_bytes = json_int_at(what, "body_bytes", 200);
    if (!read_fill(what, &from_s, &to_s, &count) || parts < 0 || parts > 10000 || body_bytes < 0 ||
        body_bytes > 1024 * 1024)
        return false;
    world_fill_talks(sandbox->talks, from_s, to_s, count, (uint32_t)parts, (uint32_t)body_bytes);
    return true;
}

static int64_t now_of(struct sandbox *sandbox)
{
    return virtual_clock_peek(sandbox->clock) / 1000000;
}

static bool touch(struct sandbox *sandbox, json_t *what)
{
    int64_t now_s = now_of(sandbox), count = json_int_at(what, "count", 0);
    world_touch(sandbox->world, now_s, count);
    world_touch(sandbox->talks, now_s, count);
    admins_touch(sandbox->admins, count);
    return json_is_object(what);
}

static bool add(struct sandbox *sandbox, json_t *what)
{
    const char *type = json_text_at(what, "type");
    bool talk = type && strcmp(type, "conversation") == 0;
    return world_add(talk ? sandbox->talks : sandbox->world, what);
}

static bool remove_record(struct sandbox *sandbox, json_t *what)
{
    const char *id = json_text_at(what, "id");
    int64_t now_s = now_of(sandbox);
    return id && (world_remove(sandbox->world, id, now_s) || world_remove(sandbox->talks, id, now_s));
}

static bool remove_contacts(struct sandbox *sandbox, json_t *what)
{
    int64_t count = json_int_at(what, "count", -1);
    if (count < 0) return remove_record(sandbox, what);
    return world_remove_some(sandbox->world, count, now_of(sandbox)) == count;
}

static bool remove_conversations(struct sandbox *sandbox, json_t *what)
{
    int64_t count = json_int_at(what, "count", -1);
    if (count < 0) return remove_record(sandbox, what);
    return world_remove_some(sandbox->talks, count, now_of(sandbox)) == count;
}

static bool restore(struct sandbox *sandbox, json_t *what)
{
    const char *id = json_text_at(what, "id");
    return id && world_restore(sandbox->world, id, now_of(sandbox));
}

static bool merge(struct sandbox *sandbox, json_t *what)
{
    int64_t count = json_int_at(what, "count", -1);
    return count >= 0 && world_merge(sandbox->world, count, now_of(sandbox)) == count;
}

static bool break_conversation(struct sandbox *sandbox, json_t *what)
{
    const char *id = json_text_at(what, "id");
    return id && world_break(sandbox->talks, id);
}

static bool admins(struct sandbox *sandbox, json_t *what)
{
    const char *word = json_string_value(what);
    bool join = word && strcmp(word, "join") == 0, leave = word && strcmp(word, "leave") == 0;
    if (join) admins_join(sandbox->admins);
    if (leave) admins_leave(sandbox->admins);
    return join || leave;
}

/* --- the other lists: {"kind": "articles", ...} --- */

static struct shelf *shelf_of(struct sandbox *sandbox, const json_t *what)
{
    const char *kind = json_text_at(what, "kind");
    return kind ? shelves_find(sandbox->shelves, kind) : NULL;
}

static bool fill_list(struct sandbox *sandbox, json_t *what)
{
    struct shelf *shelf = shelf_of(sandbox, what);
    int64_t from_s, to_s, count;
    if (!shelf || !read_fill(what, &from_s, &to_s, &count)) return false;
    shelf_fill(shelf, from_s, to_s, count);
    return true;
}

/* So many at once, the one with this id, or one after every so many that are shown. */
static bool touch_list(struct sandbox *sandbox, json_t *what)
{
    struct shelf *shelf = shelf_of(sandbox, what);
    const char *id = json_text_at(what, "id");
    int64_t count = json_int_at(what, "count", -1), every = json_int_at(what, "every", -1);
    if (shelf && id) return shelf_touch_one(shelf, id, now_of(sandbox));
    if (shelf && count >= 0) return shelf_touch(shelf, now_of(sandbox), count) == count;
    if (shelf && every >= 0) shelf_touch_while_read(shelf, every);
    return shelf && every >= 0;
}

static bool add_list(struct sandbox *sandbox, json_t *what)
{
    struct shelf *shelf = shelf_of(sandbox, what);
    const json_t *record = json_object_get(what, "record");
    return shelf && json_is_object(record) && shelf_put(shelf, record, now_of(sandbox));
}

static bool remove_list(struct sandbox *sandbox, json_t *what)
{
    struct shelf *shelf = shelf_of(sandbox, what);
    const char *id = json_text_at(what, "id");
    int64_t count = json_int_at(what, "count", -1);
    if (shelf && id) return shelf_remove(shelf, id);
    return shelf && count >= 0 && shelf_remove_some(shelf, count) == count;
}

/* A number; -1: it is none. */
static int64_t number_of(const json_t *what)
{
    return json_is_integer(what) ? json_integer_value(what) : -1;
}

static bool touch_while_read(struct sandbox *sandbox, json_t *what)
{
    int64_t every = number_of(what);
    if (every < 0) return false;
    world_touch_while_read(sandbox->world, every);
    world_touch_while_read(sandbox->talks, every);
    return true;
}

static bool vanish_while_read(struct sandbox *sandbox, json_t *what)
{
    int64_t every = number_of(what);
    if (every >= 0) world_vanish_while_read(sandbox->talks, every);
    return every >= 0;
}

static bool rate_limit(struct sandbox *sandbox, json_t *what)
{
    int64_t requests = number_of(what);
    if (requests >= 0) intercom_set_rate_limit(sandbox->intercom, requests);
    return requests >= 0;
}

static bool index_lag(struct sandbox *sandbox, json_t *what)
{
    int64_t seconds = number_of(what);
    if (seconds >= 0) intercom_set_index_lag(sandbox->intercom, seconds);
    return seconds >= 0;
}

static const struct {
    const char *name;
    bool (*change)(struct sandbox *sandbox, json_t *what); /* false: not so */
} changes[] = {
    {"fill", fill},
    {"fill_conversations", fill_conversations},
    {"touch", touch},
    {"add", add},
    {"remove", remove_record},
    {"delete_contacts", remove_contacts},
    {"delete_conversations", remove_conversations},
    {"restore", restore},
    {"merge", merge},
    {"break", break_conversation},
    {"admins", admins},
    {"touch_while_read", touch_while_read},
    {"vanish_while_read", vanish_while_read},
    {"fill_list", fill_list},
    {"touch_list", touch_list},
    {"add_list", add_list},
    {"remove_list", remove_list},
    {"rate_limit", rate_limit},
    {"index_lag_s", index_lag},
};

static bool change_world(struct sandbox *sandbox, json_t *body)
{
    const char *key = json_object_iter_key(json_object_iter(body));
    for (size_t i = 0; key && json_object_size(body) == 1 && i < sizeof changes / sizeof *changes; i++) {
        if (strcmp(changes[i].name, key) == 0) return changes[i].change(sandbox, json_object_get(body, key));
    }
    return false;
}

static void handle_world(struct exchange *exchange)
{
    AUTO(json_drop) json_t *body = read_object(exchange);
    struct sandbox *sandbox = exchange->sandbox;
    if (body && change_world(sandbox, body))
        exchange_reply_json(exchange, 200,
                            json_pack("{s:I, s:I}", "records", (json_int_t)world_count(sandbox->world),
                                      "conversations", (json_int_t)world_count(sandbox->talks)));
    else if (body)
        refuse(
            exchange, 400,
            "Send one of {\"fill\": {from, to, count}}, {\"fill_conversations\": {from, to, count, parts, "
            "body_bytes}}, {\"touch\": {count}}, {\"add\": record}, {\"remove\": {id}}, {\"break\": {id}}, "
            "{\"delete_contacts\" or \"delete_conversations\": {count} or {id}}, {\"restore\": {id}}, "
            "{\"merge\": {count}}, "
            "{\"admins\": \"join\" or \"leave\"}, {\"touch_while_read\": n}, {\"vanish_while_read\": n}, "
            "{\"fill_list\": {kind, from, to, count}}, {\"touch_list\": {kind, and count, id or every}}, "
            "{\"add_list\": {kind, record}}, {\"remove_list\": {kind, and count or id}}, "
            "{\"rate_limit\": n}, {\"index_lag_s\": n}");
}

/* --- pubsub --- */

static void handle_subscription(struct exchange *exchange)
{
    AUTO(json_drop) json_t *body = read_object(exchange);
    const char *project = json_text_at(body, "project"), *subscription = json_text_at(body, "subscription");
    if (body && (!project || !subscription)) {
        refuse(exchange, 400, "project and subscription are needed");
    } else if (body) {
        pubsub_make(exchange->sandbox->pubsub, project, subscription, body);
        agree(exchange);
    }
}

static void handle_publish(struct exchange *exchange)
{
    AUTO(json_drop) json_t *body = read_object(exchange);
    const char *project = json_text_at(body, "project"), *subscription = json_text_at(body, "subscription");
    const json_t *data = json_object_get(body, "data");
    if (!body) return;
    if (!project || !subscription || (data && !json_is_string(data))) {
        refuse(exchange, 400, "project and subscription are needed; data is a text");
        return;
    }
    AUTO(mem_free)
    char *id =
        pubsub_publish(exchange->sandbox->pubsub, project, subscription, data ? json_string_value(data) : "",
                       json_string_length(data), json_object_get(body, "attributes"));
    if (id)
        exchange_reply_json(exchange, 200, json_pack("{s:s}", "id", id));
    else
        refuse(exchange, 404, "There is no such subscription; make it by /control/subscription");
}

static void handle_seek(struct exchange *exchange)
{
    AUTO(json_drop) json_t *body = read_object(exchange);
    const char *project = json_text_at(body, "project"), *subscription = json_text_at(body, "subscription");
    const char *time = json_text_at(body, "time");
    int64_t at_us;
    if (!body) return;
    if (!project || !subscription || !time || !instant_parse(time, strlen(time), &at_us))
        refuse(exchange, 400, "project, subscription and time (2026-03-03T04:00:00Z) are needed");
    else if (pubsub_seek(exchange->sandbox->pubsub, project, subscription, at_us))
        agree(exchange);
    else
        refuse(exchange, 404, "There is no such subscription; make it by /control/subscription");
}

static void show_pubsub(struct exchange *exchange)
{
    exchange_reply_json(exchange, 200, pubsub_report(exchange->sandbox->pubsub));
}

/* --- warehouse --- */

static void handle_compare(struct exchange *exchange)
{
    const char *dataset = exchange_query(exchange, "dataset");
    if (dataset)
        exchange_reply_json(exchange, 200, compare_dataset(exchange->sandbox, dataset));
    else
        refuse(exchange, 400, "Name the dataset: /control/compare?dataset=intercom");
}

static void handle_query(struct exchange *exchange)
{
    AUTO(json_drop) json_t *body = read_object(exchange);
    const char *sql = json_text_at(body, "sql");
    if (body && !sql) refuse(exchange, 400, "Send {\"sql\": text, \"dataset\": default}");
    if (!sql) return;
    const char *project = json_text_at(body, "project");
    struct store_query query = {.text = sql,
                                .project = project ? project : "sandbox",
                                .default_dataset = json_text_at(body, "dataset")};
    struct store_result result = {.schema = NULL};
    struct store_error err;
    if (store_run(exchange->sandbox->store, &query, &result, &err))
        exchange_reply_json(exchange, 200,
                            json_pack("{s:O?, s:O?, s:I}", "schema", result.schema, "rows", result.rows,
                                      "affected", (json_int_t)result.affected));
    else
        refuse(exchange, 400, err.message);
    store_result_done(&result);
}

const struct route control_routes[] = {
    {"control", "health", "GET", "/control/health", handle_health},
    {"control", "clock", "GET", "/control/clock", show_clock},
    {"control", "clock", "POST", "/control/clock", move_clock},
    {"control", "auth", "GET", "/control/auth", auth_show},
    {"control", "auth", "POST", "/control/auth", auth_change},
    {"control", "faults", "POST", "/control/faults", add_faults},
    {"control", "faults", "DELETE", "/control/faults", clear_faults},
    {"control", "journal", "GET", "/control/journal", show_journal},
    {"control", "world", "POST", "/control/world", handle_world},
    {"control", "subscription", "POST", "/control/subscription", handle_subscription},
    {"control", "publish", "POST", "/control/publish", handle_publish},
    {"control", "seek", "POST", "/control/seek", handle_seek},
    {"control", "pubsub", "GET", "/control/pubsub", show_pubsub},
    {"control", "compare", "GET", "/control/compare", handle_compare},
    {"control", "query", "POST", "/control/query", handle_query},
    {.handle = NULL},
};
