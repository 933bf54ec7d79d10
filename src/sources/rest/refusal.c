/* SPDX-License-Identifier: Apache-2.0 */
#include "refusal.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "next_page.h"

/* The id of another record of the same kind: any proxy may redirect to elsewhere. */
static const char *moved_id(const struct exchange *exchange, const char *location)
{
    const char *path = own_path(exchange->rest, location), *before = exchange->record_path;
    size_t size = strlen(before);
    return path && strncmp(path, before, size) == 0 && !strpbrk(path + size, "/?#") ? path + size : NULL;
}

/* Where a record is now: `Link: </contacts/ID>; rel="canonical"`, or the dialect's header of a 301. */
void refusal_keep_canonical(struct exchange *exchange, const struct http_reply *reply)
{
    const char *moved = exchange->rest->dialect->moved_header, *id = NULL;
    char link[512];
    exchange->canonical[0] = '\0';
    if (reply->status == 301 && moved && exchange->record_path) {
        if (http_header(reply, moved, link, sizeof link)) id = moved_id(exchange, link);
    } else if (http_header(reply, "link", link, sizeof link) && strstr(link, "rel=\"canonical\"")) {
        link[strcspn(link, ">")] = '\0';
        id = link[0] == '<' ? strrchr(link, '/') : NULL;
        if (id) id++;
    }
    if (id && id[0] && strlen(id) < sizeof exchange->canonical)
        exchange_quote(exchange->canonical, sizeof exchange->canonical, id);
}

static const struct rest_refusal *find_refusal(const struct exchange *exchange)
{
    const struct rest_failure *failure = &exchange->failure;
    const struct rest_refusal *row = exchange->rest->dialect->refusals;
    while ((row->status != 0 && row->status != exchange->status) ||
           (row->code && strcmp(row->code, failure->code) != 0) ||
           (row->kind == ERROR_FORBIDDEN && (!failure->code[0] || !exchange->can_be_forbidden)))
        row++;
    return row;
}

bool refusal_report(const struct exchange *exchange, struct error *err)
{
    const struct rest_failure *failure = &exchange->failure;
    const struct rest_refusal *row = find_refusal(exchange);
    return error_set_status(
        err, row->kind, exchange->status, "%s: %s answered HTTP %d %s (%s), request id %s; %s",
        exchange->what, exchange->rest->dialect->name, exchange->http_status,
        failure->code[0] ? failure->code : "without a code",
        failure->message[0] ? failure->message : "no message", exchange->request_id, row->advice);
}

static bool refuse_token(const struct exchange *exchange, struct error *err)
{
    const struct rest_dialect *dialect = exchange->rest->dialect;
    const char *code = exchange->failure.code;
    return error_set_status(err, ERROR_AUTH, 401, "%s: %s refuses the access token%s%s, request id %s (%s)",
                            exchange->what, dialect->name, code[0] ? ": " : "", code, exchange->request_id,
                            dialect->auth_advice);
}

/* A token that is refused for one path may be good for others. */
bool refusal_report_unauthorized(const struct exchange *exchange, struct error *err)
{
    AUTO(value_drop) struct json_value *answer = NULL;
    const struct rest_source *rest = exchange->rest;
    AUTO(mem_free) char *url = mem_format("%s%s", rest->base_url, rest->dialect->probe_path);
    struct exchange probe;
    if (exchange->is_probe || rest->dialect->is_token_in_body) return refuse_token(exchange, err);
    exchange_init(&probe, exchange->rest, exchange->what);
    probe.is_probe = true;
    bool answers =
        exchange_send(&probe, &(struct exchange_request){.method = "GET", .url = url, .retry = &retry_api},
                      err) &&
        exchange_wait(&probe, &answer, err);
    exchange_done(&probe);
    return answers && refusal_report(exchange, err);
}

bool refusal_explain(const struct exchange *exchange, struct error *err)
{
    const struct rest_dialect *dialect = exchange->rest->dialect;
    if (err->kind != ERROR_BUSY || err->status == 0) return false;
    if (exchange_is_success(err->status) && exchange->parse_error.kind != ERROR_NONE) {
        int status = err->status;
        (void)error_set(err, exchange->parse_error.kind,
                        "%s: each of %" PRId64
                        " answers was unreadable (the last: HTTP %d, request id %s, %s); look "
                        "for a proxy between, or ask %s with this id",
                        exchange->what, exchange->tries, status, exchange->request_id,
                        exchange->parse_error.text, dialect->name);
        err->status = status;
        return false;
    }
    if (exchange->status != err->status) {
        err->status = exchange->status;
        (void)error_wrap(err, "%s (%s)", exchange->failure.code, exchange->failure.message);
    }
    return error_wrap(err, "request id %s", exchange->request_id);
}
