/* SPDX-License-Identifier: Apache-2.0 */
/* answer.c - from a request to bytes on the wire: routes, the faults of the wire, the journal. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "base/clock.h"
#include "base/day.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "httpd/internal.h"
#include "httpd/pack.h"

#define CAPTURES 16

static const struct {
    int status;
    const char *phrase;    /* of HTTP */
    const char *reason;    /* BigQuery's */
    const char *canonical; /* Google's status word */
    const char *code;      /* Intercom's */
} statuses[] = {
    {200, "OK", "", "OK", ""},
    {201, "Created", "", "OK", ""},
    {204, "No Content", "", "OK", ""},
    {308, "Resume Incomplete", "", "OK", ""},
    {400, "Bad Request", "invalid", "INVALID_ARGUMENT", "parameter_invalid"},
    {401, "Unauthorized", "authError", "UNAUTHENTICATED", "unauthorized"},
    {402, "Payment Required", "billingNotEnabled", "FAILED_PRECONDITION", "api_plan_restricted"},
    {403, "Forbidden", "accessDenied", "PERMISSION_DENIED", "forbidden"},
    {404, "Not Found", "notFound", "NOT_FOUND", "not_found"},
    {405, "Method Not Allowed", "httpMethodNotAllowed", "UNIMPLEMENTED", "action_forbidden"},
    {406, "Not Acceptable", "invalid", "INVALID_ARGUMENT", "client_error"},
    {408, "Request Timeout", "timeout", "DEADLINE_EXCEEDED", "request_timeout"},
    {409, "Conflict", "duplicate", "ALREADY_EXISTS", "conflict"},
    {410, "Gone", "notFound", "NOT_FOUND", "contact_merged"},
    {411, "Length Required", "invalid", "INVALID_ARGUMENT", "client_error"},
    {412, "Precondition Failed", "conditionNotMet", "FAILED_PRECONDITION", "client_error"},
    {413, "Payload Too Large", "uploadTooLarge", "INVALID_ARGUMENT", "client_error"},
    {415, "Unsupported Media Type", "invalid", "INVALID_ARGUMENT", "client_error"},
    {422, "Unprocessable Entity", "invalid", "INVALID_ARGUMENT", "unprocessable_entity"},
    {429, "Too Many Requests", "rateLimitExceeded", "RESOURCE_EXHAUSTED", "rate_limit_exceeded"},
    {431, "Request Header Fields Too Large", "invalid", "INVALID_ARGUMENT", "client_error"},
    {500, "Internal Server Error", "internalError", "INTERNAL", "server_error"},
    {501, "Not Implemented", "notImplemented", "UNIMPLEMENTED", "unsupported"},
    {502, "Bad Gateway", "backendError", "UNAVAILABLE", "service_unavailable"},
    {503, "Service Unavailable", "backendError", "UNAVAILABLE", "service_unavailable"},
    {504, "Gateway Timeout", "backendError", "DEADLINE_EXCEEDED", "service_unavailable"},
    {505, "HTTP Version Not Supported", "invalid", "INVALID_ARGUMENT", "client_error"},
};

/* The row of a status, or of its hundred's first. */
static size_t status_row(int status)
{
    size_t row = 0;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        if (statuses[i].status == status) return i;
        if (statuses[i].status == status / 100 * 100) row = i;
    }
    return row;
}

/* --- what handlers see of the request --- */

static const char *find_field(const struct name_value *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].name, name) == 0) return fields[i].value;
    }
    return NULL;
}

const char *exchange_query(const struct exchange *exchange, const char *name)
{
    const struct http_request *request = exchange->private;
    return find_field(request->queries, request->query_count, name);
}

const char *exchange_query_name(const struct exchange *exchange, size_t index)
{
    const struct http_request *request = exchange->private;
    return index < request->query_count ? request->queries[index].name : NULL;
}

const char *exchange_header(const struct exchange *exchange, const char *name)
{
    return request_header(exchange->private, name);
}

json_t *exchange_json(struct exchange *exchange)
{
    json_t *value = NULL;
    struct error err;
    return json_read(exchange->body, exchange->body_size, NULL, &value, &err) ? value : NULL;
}

void exchange_reply_json(struct exchange *exchange, int status, json_t *value)
{
    exchange->status = status;
    buf_reset(&exchange->reply);
    json_write(&exchange->reply, value); /* a reply that is too large is seen when it is sent */
    json_decref(value);
}

void exchange_add_header(struct exchange *exchange, const char *name, const char *format, ...)
{
    char value[2048];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    if (size >= 0 && !strpbrk(value, "\r\n")) buf_format(&exchange->reply_headers, "%s: %s\r\n", name, value);
}

/* --- errors in each service's manner --- */

static void reply_error(struct exchange *exchange, const char *service, int status, const char *reason,
                        const char *message)
{
    size_t row = status_row(status);
    json_t *body;
    if (strcmp(service, "intercom") == 0) {
        const char *id = json_text_at(exchange->detail, "request_id");
        body = json_pack("{s:s, s:s?, s:[{s:s, s:s}]}", "type", "error.list", "request_id", id, "errors",
                         "code", reason ? reason : statuses[row].code, "message", message);
    } else if (strcmp(service, "helpscout") == 0) {
        body = json_pack("{s:s?, s:s, s:{s:[]}}", "logRef", json_text_at(exchange->detail, "request_id"),
                         "message", message, "_embedded", "errors");
    } else {
        if (!reason) reason = statuses[row].reason;
        body = json_pack("{s:{s:i, s:s, s:[{s:s, s:s, s:s}], s:s}}", "error", "code", status, "message",
                         message, "errors", "message", message, "domain", "global", "reason", reason,
                         "status", statuses[row].canonical);
    }
    exchange_reply_json(exchange, status, body);
}

/* status N [header=value ...] [reason=R] */
static void reply_fault_status(struct exchange *exchange, const char *service, const struct fault *fault)
{
    const char *reason = NULL;
    char name[sizeof fault->argument[0]];
    for (size_t i = 1; i < fault->argument_count; i++) {
        const char *equals = strchr(fault->argument[i], '=');
        size_t size = (size_t)(equals - fault->argument[i]);
        memcpy(name, fault->argument[i], size);
        name[size] = '\0';
        if (strcmp(name, "reason") == 0)
            reason = equals + 1;
        else
            exchange_add_header(exchange, name, "%s", equals + 1);
    }
    int status = (int)strtol(fault->argument[0], NULL, 10); /* checked when it was added */
    reply_error(exchange, service, status, reason, "A fault of the sandbox's script.");
}

static void replace_body(struct exchange *exchange, const char *type, const char *text)
{
    exchange->status = 200;
    buf_reset(&exchange->reply);
    buf_text(&exchange->reply, text);
    if (type) exchange_add_header(exchange, "Content-Type", "%s", type);
}

static void send_raw_texts(struct exchange *exchange)
{
    struct json_scan scan;
    struct json_token token;
    struct buf sent = buf_limited(exchange->reply.limit);
    const char *done = buf_string(&exchange->reply);
    json_scan_init(&scan, done, exchange->reply.size);
    while (json_scan_next(&scan, &token) != JSON_TOKEN_END && token.type != JSON_TOKEN_ERROR) {
        if (token.type != JSON_TOKEN_STRING || token.size < 4 || memcmp(token.at, "raw:", 4) != 0) continue;
        AUTO(json_drop) json_t *text = json_loadb(token.at - 1, token.size + 2, JSON_DECODE_ANY, NULL);
        buf_add(&sent, done, (size_t)(token.at - 1 - done));
        buf_text(&sent, json_string_value(text) + 4);
        done = scan.at;
    }
    buf_add(&sent, done, (size_t)(scan.end - done));
    buf_done(&exchange->reply);
    exchange->reply = sent;
}

/* The rest of the line after the word `body`. */
static const char *fault_text(const struct fault *fault)
{
    const char *at = strstr(fault->line, " body ");
    return at ? at + strlen(" body ") : "";
}

/* --- routes --- */

static const char *service_of(const char *path)
{
    if (strncmp(path, "/control", 8) == 0) return "control";
    if (strstr(path, "/topics/") || strstr(path, "/subscriptions/") || strstr(path, "/snapshots/"))
        return "pubsub";
    if (strncmp(path, "/computeMetadata", 16) == 0 || strncmp(path, "/v1/", 4) == 0) return "auth";
    if (strncmp(path, "/v2/", 4) == 0) return "helpscout";
    return strstr(path, "/bigquery/v2/") ? "bigquery" : "intercom";
}

/* Does the path (as sent) match? Captured segments are copied, decoded, into `words`, ended by NULs. A colon
 * after {} ends the segment: "/topics/{}:publish". */
static size_t match(const char *pattern, const char *path, char *words, const char **captures,
                    bool *out_matched)
{
    size_t count = 0;
    *out_matched = false;
    while (*pattern && *path) {
        if (pattern[0] != '{') {
            if (*pattern++ != *path++) return count;
            continue;
        }
        size_t size = strcspn(path, pattern[2] == ':' ? "/:" : "/");
        if (size == 0 || count == CAPTURES) return count;
        memcpy(words, path, size);
        words[size] = '\0';
        percent_decode(words, false);
        captures[count++] = words;
        words += size + 1;
        path += size;
        pattern += 2;
    }
    *out_matched = !*pattern && !*path;
    return count;
}

struct found {
    const struct route_table *table;
    const struct route *route; /* NULL: none fits */
    bool other_method;         /* one fits but for its method */
};

static void find_route(const struct server *server, const struct http_request *request, char *words,
                       const char **captures, struct found *out_found)
{
    *out_found = (struct found){.route = NULL};
    for (size_t t = 0; t < server->options.table_count; t++) {
        const struct route_table *table = &server->tables[t];
        for (const struct route *route = table->routes; route->handle; route++) {
            bool matched;
            (void)match(route->pattern, request->path, words, captures, &matched);
            out_found->other_method = out_found->other_method || matched;
            if (!matched || strcmp(route->method, request->method) != 0) continue;
            out_found->table = table;
            out_found->route = route;
            return;
        }
    }
}

/* --- the answer --- */

static bool send_parts(struct connection *connection, const char *head, size_t head_size, const char *body,
                       size_t body_size)
{
    if (connection->tls)
        return connection_send(connection, head, head_size) && connection_send(connection, body, body_size);
    while (head_size + body_size > 0) {
        union { /* iovec has no const, sendmsg does not write */
            const void *read;
            void *write;
        } parts[2] = {{.read = head}, {.read = body}};
        struct iovec iov[2] = {{.iov_base = parts[0].write, .iov_len = head_size},
                               {.iov_base = parts[1].write, .iov_len = body_size}};
        struct msghdr message = {.msg_iov = iov, .msg_iovlen = 2};
        ssize_t sent = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return false;
        size_t of_head = (size_t)sent < head_size ? (size_t)sent : head_size;
        head += of_head;
        head_size -= of_head;
        if (body) body += (size_t)sent - of_head;
        body_size -= (size_t)sent - of_head;
    }
    return true;
}

/* "Mon, 02 Mar 2026 04:00:00 GMT", by the real clock, as rate limits are. */
static void format_date(int64_t at_s, char *out_text, size_t size)
{
    static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int year, month, day;
    struct day date = {.n = (int32_t)(at_s / 86400)};
    day_to_civil(date, &year, &month, &day);
    int second = (int)(at_s % 86400);
    snprintf(out_text, size, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[date.n % 7], day, months[month - 1],
             year, second / 3600, second / 60 % 60, second % 60);
}

static bool has_header(const struct buf *headers, const char *name)
{
    size_t size = strlen(name);
    for (const char *line = buf_string(headers); *line;) {
        if (strncasecmp(line, name, size) == 0 && line[size] == ':') return true;
        const char *next = strchr(line, '\n');
        line = next ? next + 1 : "";
    }
    return false;
}

/* The head, then chunks until there is nothing more. */
static bool send_pieces(struct connection *connection, struct exchange *exchange, const struct buf *head)
{
    bool sent = send_parts(connection, head->data, head->size, NULL, 0);
    for (size_t size = 1; sent && size > 0;) {
        char line[32];
        buf_reset(&exchange->reply);
        exchange->more(exchange, &exchange->reply);
        size = exchange->reply.size;
        (void)snprintf(line, sizeof line, "%zx\r\n", size);
        buf_text(&exchange->reply, "\r\n");
        sent = send_parts(connection, line, strlen(line), exchange->reply.data, exchange->reply.size);
    }
    return sent;
}

/* Sends the first `send_size` bytes of the reply under its whole length. */
static bool send_reply(struct server *server, struct connection *connection, struct exchange *exchange,
                       size_t send_size, bool keep)
{
    char date[64];
    format_date(virtual_clock_peek(server->options.clock) / 1000000, date, sizeof date);
    AUTO(buf_done) struct buf head;
    buf_init(&head, HEAD_LIMIT);
    buf_format(&head, "HTTP/1.1 %d %s\r\nDate: %s\r\n", exchange->status,
               statuses[status_row(exchange->status)].phrase, date);
    if (!has_header(&exchange->reply_headers, "Content-Type") && exchange->reply.size)
        buf_text(&head, "Content-Type: application/json; charset=utf-8\r\n");
    buf_text(&head, buf_string(&exchange->reply_headers));
    if (exchange->more)
        buf_text(&head, "Transfer-Encoding: chunked\r\n");
    else if (exchange->status != 204)
        buf_format(&head, "Content-Length: %zu\r\n", exchange->reply.size);
    buf_format(&head, "Connection: %s\r\n\r\n", keep ? "keep-alive" : "close");
    if (exchange->more) return send_pieces(connection, exchange, &head) && keep;
    return send_parts(connection, head.data, head.size, exchange->reply.data, send_size) && keep;
}

void server_refuse(struct connection *connection, int status)
{
    char head[160];
    int size = snprintf(head, sizeof head, "HTTP/1.1 %d %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                        status, statuses[status_row(status)].phrase);
    (void)send_parts(connection, head, (size_t)size, NULL, 0); /* the connection ends anyway */
}

/* Tells bodies apart; they may be large, and secret. */
static json_t *fingerprint(const struct buf *body)
{
    return json_sprintf("%016" PRIx64, hash_bytes(HASH_EMPTY, body->data, body->size));
}

static void keep_journal(struct server *server, const struct exchange *exchange, const char *service,
                         const char *operation, const struct fault *fault)
{
    const struct http_request *request = exchange->private;
    if (strcmp(service, "control") == 0) return;
    json_object_set_new(exchange->detail, "method", json_string(request->method));
    json_object_set_new(exchange->detail, "connection", json_integer((json_int_t)request->connection));
    json_object_set_new(exchange->detail, "path", json_string(request->target));
    if (request->body.size > 0) json_object_set_new(exchange->detail, "body", fingerprint(&request->body));
    json_object_set_new(exchange->detail, "bytes_in", json_integer((json_int_t)request->body.size));
    json_object_set_new(exchange->detail, "bytes_out", json_integer((json_int_t)exchange->reply.size));
    journal_add(server->options.journal, service, operation, virtual_clock_peek(server->options.clock),
                exchange->status, fault->action[0] ? fault->line : NULL, exchange->detail);
}

static bool fault_is(const struct fault *fault, const char *action)
{
    return strcmp(fault->action, action) == 0;
}

/* Until the faults are cleared; the journal tells that it has begun. */
static void hang(struct server *server, const struct route *route, const struct fault *fault)
{
    journal_add(server->options.journal, route->service, "hung", virtual_clock_peek(server->options.clock), 0,
                fault->line, NULL);
    while (faults_planned(server->options.faults, fault) && clock_sleep_ms(5, &server->stopping))
        continue;
}

/* Calls the handler, unless the fault answers in its place, and lets the fault change what it said. */
static void run_exchange(struct server *server, struct exchange *exchange, const struct route *route,
                         const struct fault *fault)
{
    if (fault_is(fault, "delay"))
        (void)clock_sleep_ms(strtol(fault->argument[0], NULL, 10),
                             &server->stopping); /* checked when added */
    if (fault_is(fault, "hang")) hang(server, route, fault);
    if (fault_is(fault, "status")) {
        reply_fault_status(exchange, route->service, fault);
        return;
    }
    route->handle(exchange);
    if (exchange->reply.full)
        reply_error(exchange, route->service, 500, NULL, "The answer is larger than the sandbox allows.");
    if (fault_is(fault, "late-status")) {
        buf_reset(&exchange->reply);
        reply_fault_status(exchange, route->service, fault);
    } else if (fault_is(fault, "empty"))
        replace_body(exchange, NULL, "");
    else if (fault_is(fault, "html"))
        replace_body(exchange, "text/html", "<html><body><h1>Please stand by</h1></body></html>");
    else if (fault_is(fault, "body"))
        replace_body(exchange, NULL, fault_text(fault));
    else if (fault_is(fault, "raw"))
        send_raw_texts(exchange);
}

/* Only what people and machines ask without credentials is answered in the clear. */
static bool needs_tls(const struct route *route)
{
    bool is_open = strcmp(route->service, "control") == 0 || strcmp(route->service, "auth") == 0;
    return !is_open || strcmp(route->operation, "token") == 0 || strncmp(route->operation, "secret", 6) == 0;
}

static void serve_exchange(struct server *server, struct exchange *exchange, const struct found *found,
                           const struct fault *fault)
{
    const struct route_table *table = found->table;
    const struct route *route = found->route;
    if (server->options.tls && !exchange->is_secure && needs_tls(route))
        reply_error(exchange, route->service, 400, NULL, "The plain HTTP request was sent to an HTTPS port");
    else if (!table->admit || table->admit(table->admit_self, exchange))
        run_exchange(server, exchange, route, fault);
}

static bool answer_route(struct server *server, struct connection *connection, struct exchange *exchange,
                         const struct found *found)
{
    const struct http_request *request = exchange->private;
    const struct route *route = found->route;
    struct fault fault = {.action = ""};
    char of_record[160];
    (void)snprintf(of_record, sizeof of_record, "%s:%s", route->operation,
                   exchange->capture[0] ? exchange->capture[0] : ""); /* cut: no fault names it */
    if (!faults_next(server->options.faults, route->service, route->operation, &fault))
        (void)faults_next(server->options.faults, route->service, of_record, &fault);
    bool before = fault_is(&fault, "drop") && strcmp(fault.argument[0], "before") == 0;
    if (before)
        exchange->status = 0;
    else
        serve_exchange(server, exchange, found, &fault);
    keep_journal(server, exchange, route->service, route->operation, &fault);
    if (fault_is(&fault, "drop")) return false;
    if (pack_wanted(exchange)) pack_reply(exchange);
    size_t size = exchange->reply.size;
    if (fault_is(&fault, "damage") && size > 0) exchange->reply.data[size / 2] ^= 0x55;
    return send_reply(server, connection, exchange, fault_is(&fault, "truncate") ? size / 2 : size,
                      request->keep_alive) &&
           !fault_is(&fault, "truncate");
}

bool server_answer(struct server *server, struct connection *connection, struct http_request *request)
{
    const char *captures[CAPTURES + 1] = {NULL};
    request->connection = connection->number;
    AUTO(mem_free) char *words = mem_zero(strlen(request->path) + CAPTURES + 1, 1);
    struct found found;
    find_route(server, request, words, captures, &found);
    const char *service = found.route ? found.route->service : service_of(request->path);
    percent_decode(request->path, false);
    struct exchange exchange = {
        .service = found.table ? found.table->service : NULL,
        .method = request->method,
        .path = request->path,
        .capture = captures,
        .body = buf_string(&request->body),
        .body_size = request->body.size,
        .detail = json_object(),
        .status = 200,
        .port = server_port(server),
        .is_secure = connection->tls != NULL,
        .private = request,
    };
    buf_init(&exchange.reply, REPLY_LIMIT);
    buf_init(&exchange.reply_headers, HEAD_LIMIT / 2);
    bool is_google = strcmp(service, "bigquery") == 0 || strcmp(service, "auth") == 0;
    if (!is_google && strcmp(service, "control") != 0) { /* a help desk */
        json_object_set_new(exchange.detail, "request_id",
                            json_sprintf("sandbox%08lld", atomic_fetch_add(&server->exchanges, 1) + 1));
        exchange_add_header(&exchange, "X-Request-Id", "%s", json_text_at(exchange.detail, "request_id"));
    }
    bool keep;
    if (found.route) {
        keep = answer_route(server, connection, &exchange, &found);
    } else {
        reply_error(&exchange, service, found.other_method ? 405 : 404, NULL,
                    found.other_method ? "The method is not allowed here."
                                       : "The requested resource was not found.");
        keep_journal(server, &exchange, service, "unknown", &(struct fault){.action = ""});
        keep = send_reply(server, connection, &exchange, exchange.reply.size, request->keep_alive);
    }
    json_decref(exchange.detail);
    buf_done(&exchange.reply);
    buf_done(&exchange.reply_headers);
    return keep;
}
