/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/json.h"
#include "base/mem.h"
#include "control/control.h"
#include "oracle/oracle.h"
#include "sql/sql.h"
#include "store/store.h"

#define DAY_S 86400

static const struct control *control_of(const struct exchange *exchange)
{
    return exchange->service;
}

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
    int64_t now_us = virtual_clock_peek(control_of(exchange)->clock);
    instant_format(now_us, text);
    exchange_reply_json(exchange, 200, json_pack("{s:s, s:I}", "now", text, "now_us", (json_int_t)now_us));
}

static void move_clock(struct exchange *exchange)
{
    AUTO(json_drop) json_t *body = read_object(exchange);
    if (!body) return;
    struct virtual_clock *clock = control_of(exchange)->clock;
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

static bool add_fault(const struct control *control, const char *line, struct error *err)
{
    size_t service = strcspn(line, " "), gap = strspn(line + service, " ");
    size_t operation = strcspn(line + service + gap, " :"); /* an id may follow */
    AUTO(mem_free) char *first = mem_bytes(line, service);
    AUTO(mem_free) char *second = mem_bytes(line + service + gap, operation);
    if (!control->is_operation(first, second))
        return error_set(err, ERROR_CONFIG,
                         "fault: %.40s has no operation \"%.60s\"; see the routes for their names", first,
                         second);
    return faults_add(control->faults, line, err);
}

static void add_faults(struct exchange *exchange)
{
    AUTO(mem_free) char *text = mem_text(exchange->body);
    for (char *line = text; line && *line;) {
        char *next = strchr(line, '\n');
        if (next) *next++ = '\0';
        line += strspn(line, " \t\r");
        struct error err;
        if (*line && *line != '#' && !add_fault(control_of(exchange), line, &err)) {
            refuse(exchange, 400, err.text);
            return;
        }
        line = next;
    }
    agree(exchange);
}

static void show_faults(struct exchange *exchange)
{
    AUTO(mem_free) char *waiting = faults_waiting(control_of(exchange)->faults);
    exchange_reply_json(exchange, 200, json_pack("{s:s}", "waiting", waiting));
}

static void clear_faults(struct exchange *exchange)
{
    faults_clear(control_of(exchange)->faults);
    agree(exchange);
}

/* --- journal --- */

#define JOURNAL_PIECE (4 * 1024 * 1024) /* more than any entry */

static void more_journal(struct exchange *exchange, struct buf *out)
{
    AUTO(buf_done) struct buf piece;
    buf_init(&piece, JOURNAL_PIECE);
    int64_t before;
    do { /* a piece without an entry of the service would be the end */
        before = exchange->position;
        exchange->position =
            journal_dump(control_of(exchange)->journal, exchange_query(exchange, "service"), before, &piece);
    } while (piece.size == 0 && exchange->position > before);
    buf_add(out, piece.data, piece.size); /* fits: a reply may be larger */
}

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
    exchange->position = number;
    exchange->more = more_journal;
}

/* --- records --- */

/* "Send one of ..." or, of one of them, how it is sent. */
static void explain(struct exchange *exchange, const char *only)
{
    AUTO(buf_done) struct buf text;
    buf_init(&text, 64 * 1024);
    buf_text(&text, only ? "It can't be done; send" : "Send one of");
    for (const struct control_change *change = control_changes; change->name; change++)
        if (!only || strcmp(only, change->name) == 0)
            buf_format(&text, " {\"%s\": %s}", change->name, change->usage);
    for (const struct help_desk *desk = control_of(exchange)->desks; desk->service; desk++)
        for (const struct service_change *change = desk->service->changes; change->name; change++)
            if (!only || strcmp(only, change->name) == 0)
                buf_format(&text, " {\"%s\": %s}", change->name, change->usage);
    refuse(exchange, 400, buf_string(&text));
}

/* Of the records, or of a help desk; *is_known: there is such a change. */
static bool apply(const struct control *control, const char *name, const json_t *argument, bool *is_known)
{
    *is_known = true;
    for (const struct control_change *change = control_changes; change->name; change++)
        if (strcmp(change->name, name) == 0) return change->apply(control, argument);
    for (const struct help_desk *desk = control->desks; desk->service; desk++)
        for (const struct service_change *change = desk->service->changes; change->name; change++)
            if (strcmp(change->name, name) == 0) return change->apply(desk->state, argument);
    *is_known = false;
    return false;
}

/* The body's only member names the change. */
static void handle_workspace(struct exchange *exchange)
{
    AUTO(json_drop) json_t *body = read_object(exchange);
    const char *name = json_object_iter_key(json_object_iter(body));
    bool is_known = false;
    if (!body) return;
    if (name && json_object_size(body) == 1 &&
        apply(control_of(exchange), name, json_object_get(body, name), &is_known))
        agree(exchange);
    else
        explain(exchange, is_known ? name : NULL);
}

/* --- pubsub --- */

static void handle_subscription(struct exchange *exchange)
{
    AUTO(json_drop) json_t *body = read_object(exchange);
    const char *project = json_text_at(body, "project"), *subscription = json_text_at(body, "subscription");
    if (body && (!project || !subscription)) {
        refuse(exchange, 400, "project and subscription are needed");
    } else if (body) {
        pubsub_make(control_of(exchange)->pubsub, project, subscription, body);
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
    char *id = pubsub_publish(control_of(exchange)->pubsub, project, subscription,
                              data ? json_string_value(data) : "", json_string_length(data),
                              json_object_get(body, "attributes"));
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
    else if (pubsub_seek(control_of(exchange)->pubsub, project, subscription, at_us))
        agree(exchange);
    else
        refuse(exchange, 404, "There is no such subscription; make it by /control/subscription");
}

static void show_pubsub(struct exchange *exchange)
{
    exchange_reply_json(exchange, 200, pubsub_report(control_of(exchange)->pubsub));
}

/* --- warehouse --- */

json_t *control_compare(const struct control *control, const char *service, const char *dataset,
                        bool has_latest)
{
    bool is_equal = true;
    json_t *reports = json_array();
    for (const struct help_desk *desk = control->desks; desk->service; desk++) {
        if (service ? strcmp(service, desk->service->name) != 0 : desk != control->desks) continue;
        struct oracle oracle = {.store = control->store,
                                .clock = control->clock,
                                .workspace = desk->workspace,
                                .tables = desk->service->truth,
                                .latest = desk->service->latest,
                                .name_field = desk->service->name_field};
        is_equal = oracle_compare(&oracle, dataset, has_latest, reports) && is_equal;
    }
    return json_pack("{s:b, s:o}", "equal", is_equal, "streams", reports);
}

static void handle_compare(struct exchange *exchange)
{
    const char *dataset = exchange_query(exchange, "dataset"), *latest = exchange_query(exchange, "latest");
    if (dataset)
        exchange_reply_json(exchange, 200,
                            control_compare(control_of(exchange), exchange_query(exchange, "service"),
                                            dataset, latest && strcmp(latest, "1") == 0));
    else
        refuse(exchange, 400,
               "Name the dataset: /control/compare?dataset=intercom[&service=intercom][&latest=1]");
}

static void handle_query(struct exchange *exchange)
{
    AUTO(json_drop) json_t *body = read_object(exchange);
    const char *sql = json_text_at(body, "sql");
    if (body && !sql) refuse(exchange, 400, "Send {\"sql\": text, \"dataset\": default}");
    if (!sql) return;
    const char *project = json_text_at(body, "project");
    struct sql_query query = {.text = sql,
                              .project = project ? project : "sandbox",
                              .default_dataset = json_text_at(body, "dataset")};
    struct sql_result result = {.schema = NULL};
    struct store_error err;
    if (sql_run(control_of(exchange)->store, &query, &result, &err))
        exchange_reply_json(exchange, 200,
                            json_pack("{s:O?, s:O?, s:I}", "schema", result.schema, "rows", result.rows,
                                      "affected", (json_int_t)result.affected));
    else
        refuse(exchange, 400, err.message);
    sql_result_done(&result);
}

const struct route control_routes[] = {
    {"control", "health", "GET", "/control/health", handle_health},
    {"control", "clock", "GET", "/control/clock", show_clock},
    {"control", "clock", "POST", "/control/clock", move_clock},
    {"control", "faults", "GET", "/control/faults", show_faults},
    {"control", "faults", "POST", "/control/faults", add_faults},
    {"control", "faults", "DELETE", "/control/faults", clear_faults},
    {"control", "journal", "GET", "/control/journal", show_journal},
    {"control", "workspace", "POST", "/control/workspace", handle_workspace},
    {"control", "subscription", "POST", "/control/subscription", handle_subscription},
    {"control", "publish", "POST", "/control/publish", handle_publish},
    {"control", "seek", "POST", "/control/seek", handle_seek},
    {"control", "pubsub", "GET", "/control/pubsub", show_pubsub},
    {"control", "compare", "GET", "/control/compare", handle_compare},
    {"control", "query", "POST", "/control/query", handle_query},
    {.handle = NULL},
};
