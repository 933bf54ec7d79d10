/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_value.h"
#include "base/mem.h"
#include "exchange.h"
#include "next_page.h"
#include "refusal.h"

#define TRY_TIMEOUT_S 180  /* http gives up earlier on a silent server */
#define RATE_SLICE_MS 1000 /* a wait for the rate limit steps the progress counter that often */
#define FULL_MS       20   /* until a request in flight may have ended */
#define CONFIRM_MS    3000 /* between a refusal and the request that confirms it */
#define LIMIT_RETRY_S 120  /* a service's own header does not make us wait longer */

void exchange_quote(char *out, size_t size, const char *text)
{
    size_t used = 0;
    for (; text && *text && used + 1 < size; text++)
        out[used++] = *text < ' ' || *text > '~' ? '?' : *text;
    out[used] = '\0';
}

/* A try that was lost ends without an answer: its end is seen when the next one begins. */
static void leave_flight(struct exchange *exchange)
{
    if (!exchange->is_in_flight) return;
    rate_limiter_end(exchange->rest->shared->limiter);
    atomic_fetch_sub(&exchange->rest->shared->in_flight, 1);
    exchange->rest->in_flight--;
    exchange->is_in_flight = false;
}

/* 0: it is in flight; else it waits for others of ours, or for the rate limit. */
static int64_t enter_flight(struct exchange *exchange)
{
    struct rest_source *rest = exchange->rest;
    struct rest_shared *shared = rest->shared;
    bool has_room = atomic_fetch_add(&shared->in_flight, 1) < REST_IN_FLIGHT || rest->in_flight == 0;
    int64_t delay = has_room ? rate_limiter_begin(shared->limiter, clock_ms()) : FULL_MS;
    if (delay > RATE_SLICE_MS) delay = RATE_SLICE_MS;
    if (delay > 0) {
        if (has_room) rate_limiter_waited(shared->limiter, delay);
        atomic_fetch_sub(&shared->in_flight, 1);
        return delay;
    }
    rest->in_flight++;
    exchange->is_in_flight = true;
    return 0;
}

static int64_t delay_ms(void *self)
{
    struct exchange *exchange = self;
    leave_flight(exchange);
    int64_t delay = enter_flight(exchange);
    if (delay > 0) {
        progress_step(exchange->rest->progress, "waiting for the rate limit");
        return delay;
    }
    exchange->asked_us = clock_boot_us();
    exchange->began_ms = clock_ms();
    exchange->tries++;
    return 0;
}

static int64_t header_int(const struct http_reply *reply, const char *name)
{
    return name ? http_header_int(reply, name, -1) : -1;
}

/* Limits that the body tells. */
static void read_limits(struct exchange *exchange, struct rate_report *report)
{
    const struct rest_source *rest = exchange->rest;
    struct rest_quota quota = {.limit = 0};
    if (!exchange->value || !rest->dialect->read_limits) return;
    rest->dialect->read_limits(exchange->value, report, &quota);
    quota_report(&rest->shared->quota, &quota,
                 atomic_load(&rest->shared->in_flight) - exchange->is_in_flight);
}

static bool refuse_quota(const struct exchange *exchange, const struct rest_quota *quota, struct error *err)
{
    return error_set(err, ERROR_BUSY,
                     "%s: not requested: %" PRId64 " of the account's %" PRId64
                     " requests to %s a day are left, and source.rate_share keeps them for others; they are "
                     "counted again in %" PRId64 " h %" PRId64 " min",
                     exchange->what, quota->remaining, quota->limit, exchange->rest->dialect->name,
                     quota->reset_s / 3600, quota->reset_s / 60 % 60);
}

/* A window without an announced end is taken to end with the minute, or whatever it is, of the service's
 * clock.
 */
static int64_t window_end_s(const struct rest_dialect *dialect, struct rate_report *report)
{
    bool is_delay = dialect->is_reset_delay && report->reset_s >= 0 && report->reset_s < INT32_MAX;
    report->is_guess = dialect->window_s > 0 && report->reset_s < 0 && report->date_s >= 0;
    if (report->is_guess) return report->date_s + dialect->window_s - report->date_s % dialect->window_s;
    if (!is_delay) return report->reset_s;
    return report->date_s < 0 ? -1 : report->reset_s + report->date_s;
}

/* A refusal that names no time, or none that can be read, lasts for a window. */
static int64_t retry_after_ms(const struct exchange *exchange, const struct http_reply *reply)
{
    const struct rest_dialect *dialect = exchange->rest->dialect;
    int64_t standard_ms = http_retry_after_ms(reply);
    int64_t own_s = header_int(reply, dialect->retry_after_header);
    if (!dialect->retry_after_header || exchange->status != 429) return standard_ms;
    if (own_s <= 0 && standard_ms == 0) own_s = dialect->window_s;
    if (own_s > LIMIT_RETRY_S) own_s = LIMIT_RETRY_S;
    return own_s * 1000 > standard_ms ? own_s * 1000 : standard_ms;
}

static int64_t report_rate(struct exchange *exchange, const struct http_reply *reply)
{
    const struct rest_dialect *dialect = exchange->rest->dialect;
    struct rate_report report = {
        .is_refused = exchange->status == 429,
        .limit = header_int(reply, dialect->limit_header),
        .remaining = header_int(reply, dialect->remaining_header),
        .reset_s = header_int(reply, dialect->reset_header),
        .date_s = http_date_s(reply, -1),
        .retry_after_ms = retry_after_ms(exchange, reply),
        .began_ms = exchange->began_ms,
    };
    read_limits(exchange, &report);
    report.reset_s = window_end_s(dialect, &report);
    if (report.limit > 0) exchange->rest->seen_limit = report.limit;
    if (report.date_s > 0) exchange->rest->clock_s = report.date_s;
    leave_flight(exchange);
    return rate_limiter_report(exchange->rest->shared->limiter, &report, clock_ms());
}

static bool is_readable(const struct exchange *exchange)
{
    return value_is_object(exchange->value) || (exchange->allow_array && value_is_array(exchange->value));
}

static bool looks_complete(const struct exchange *exchange, const struct buf *body)
{
    static const char blanks[] = " \t\r\n";
    const char *text = buf_string(body);
    size_t size = body->size;
    while (size > 0 && strchr(blanks, text[size - 1]))
        size--;
    text += strspn(text, blanks);
    char last = size > 0 ? buf_string(body)[size - 1] : '\0';
    return (*text == '{' && last == '}') || (exchange->allow_array && *text == '[' && last == ']');
}

static bool read_body(struct exchange *exchange, const struct http_reply *reply,
                      struct json_value **out_value, struct error *err)
{
    if (exchange->body) return response_body_read(exchange->body, &exchange->normalisations, out_value, err);
    return value_read(buf_string(&reply->body), reply->body.size, true, &exchange->normalisations, out_value,
                      err);
}

static int real_status(const struct exchange *exchange, int status)
{
    const struct rest_dialect *dialect = exchange->rest->dialect;
    return exchange->value && dialect->real_status ? dialect->real_status(exchange->value, status) : status;
}

static void keep_failure(struct exchange *exchange, const struct json_value *answer)
{
    exchange->rest->dialect->read_failure(answer, &exchange->failure);
}

static void take_request_id(struct exchange *exchange, const struct json_value *body)
{
    const char *member = exchange->rest->dialect->request_id_member;
    const char *request_id = member ? value_text_at(body, member) : NULL;
    if (request_id) exchange_quote(exchange->request_id, sizeof exchange->request_id, request_id);
}

/* A good answer to another request is none: a cache is between, or answers were mixed up. */
static bool is_echo(const struct exchange *exchange)
{
    const char *member = exchange->rest->dialect->echo_member;
    const char *id = member ? value_text_at(exchange->value, member) : NULL;
    return !member || !exchange->id[0] || (id && strcmp(id, exchange->id) == 0);
}

static bool may_be_error(const struct exchange *exchange, const struct buf *body)
{
    const struct rest_dialect *dialect = exchange->rest->dialect;
    const char *mark = dialect->error_mark;
    return dialect->real_status && (!mark || buf_find(body, mark, strlen(mark)));
}

static void read_answer(struct exchange *exchange, const struct http_reply *reply)
{
    const struct buf *body = exchange->body ? response_body_bytes(exchange->body) : &reply->body;
    if (exchange->body && exchange->body->opener) exchange->body->is_gzip = http_is_gzip(reply);
    if (exchange->body && exchange->body->is_gzip && exchange->defer_parse) return; /* see read_deferred */
    bool is_parsed = !exchange->defer_parse || may_be_error(exchange, body);
    struct json_normalisations before = exchange->normalisations;
    bool good = true;
    value_drop(&exchange->value);
    exchange->parse_error = (struct error){0};
    if (!is_parsed)
        good = looks_complete(exchange, body) ||
               error_set(&exchange->parse_error, ERROR_FORMAT, "it is not an object");
    else
        good =
            read_body(exchange, reply, &exchange->value, &exchange->parse_error) &&
            (is_readable(exchange) || error_set(&exchange->parse_error, ERROR_FORMAT, "it is not an object"));
    if (!good) return;
    exchange->status = real_status(exchange, reply->status);
    if (exchange_is_success(exchange->status) && is_parsed && !is_echo(exchange)) {
        (void)error_set(&exchange->parse_error, ERROR_FORMAT, "it answers another request");
        return;
    }
    if (!exchange_is_success(exchange->status)) {
        keep_failure(exchange, exchange->value);
        if (strcmp(exchange->request_id, "-") == 0) take_request_id(exchange, exchange->value);
    }
    if (exchange->success_count && exchange_is_success(exchange->status)) ++*exchange->success_count;
    if (!exchange->defer_parse || !exchange_is_success(exchange->status)) return;
    exchange->normalisations = before; /* it is parsed again at its turn */
    value_drop(&exchange->value);
}

/* From the header; or from the body of an error, in case a proxy drops the header. */
static void keep_request_id(struct exchange *exchange, const struct http_reply *reply)
{
    char request_id[sizeof exchange->request_id] = "-";
    const char *name = exchange->rest->dialect->request_id_header;
    struct error unused;
    AUTO(value_drop) struct json_value *body = NULL;
    bool found = name && http_header(reply, name, request_id, sizeof request_id);
    exchange_quote(exchange->request_id, sizeof exchange->request_id, request_id);
    if (!found && reply->status >= 300 &&
        value_read(buf_string(&reply->body), reply->body.size, true, NULL, &body, &unused))
        take_request_id(exchange, body);
}

static void keep_refusal(struct exchange *exchange, const struct http_reply *reply)
{
    struct error unused;
    AUTO(value_drop) struct json_value *body = NULL;
    if (exchange_is_success(reply->status)) return; /* kept when it was judged */
    if (!value_read(buf_string(&reply->body), reply->body.size, true, NULL, &body, &unused)) return;
    keep_failure(exchange, body);
    take_request_id(exchange, body);
}

/* Proxies answer like this for a while, and have no code of the service. */
static bool is_foreign_refusal(struct exchange *exchange, const struct http_reply *reply)
{
    if (exchange->status != 402 && exchange->status != 403) return false;
    keep_refusal(exchange, reply);
    return exchange->failure.code[0] == '\0';
}

/* Services answer so for a record that exists, once. */
static bool is_unconfirmed(struct exchange *exchange)
{
    int status = exchange->status;
    bool is_refusal = status == 301 || status == 400 || status == 404 || status == 410 || status == 422;
    if (!exchange->confirm_refusal || !is_refusal || exchange->is_confirmed) return false;
    exchange->is_confirmed = true;
    return true;
}

static enum http_verdict judge_unauthorized(struct exchange *exchange)
{
    if (exchange->is_renewed) return HTTP_DONE;
    exchange->is_renewed = true;
    return HTTP_RENEW;
}

static enum http_verdict judge(void *self, const struct http_reply *reply, int64_t *out_least_ms)
{
    struct exchange *exchange = self;
    keep_request_id(exchange, reply);
    exchange->status = exchange->http_status = reply->status;
    exchange->failure = (struct rest_failure){.code = ""};
    exchange->parse_error = (struct error){0};
    value_drop(&exchange->value); /* of another try */
    if (exchange_is_success(reply->status)) read_answer(exchange, reply);
    *out_least_ms = report_rate(exchange, reply);
    progress_step(exchange->rest->progress, "reading from the source");

    int status = exchange->status;
    if (exchange->parse_error.kind != ERROR_NONE) return HTTP_RETRY;
    if (status == 401) return judge_unauthorized(exchange);
    if (is_unconfirmed(exchange)) {
        *out_least_ms = CONFIRM_MS;
        return HTTP_RETRY;
    }
    bool is_temporary = status == 408 || status == 409 || status == 429 || status >= 500;
    return is_temporary || is_foreign_refusal(exchange, reply) ? HTTP_RETRY : HTTP_DONE;
}

void exchange_init(struct exchange *exchange, struct rest_source *rest, const char *what)
{
    *exchange = (struct exchange){
        .rest = rest,
        .what = what,
        .policy = {.judge = judge, .delay_ms = delay_ms, .self = exchange},
        .request_id = "-",
    };
}

bool exchange_send(struct exchange *exchange, const struct exchange_request *request, struct error *err)
{
    const struct rest_source *rest = exchange->rest;
    const char *headers[4] = {"Accept: application/json"};
    size_t count = 1;
    struct http_sink sink = {0};
    struct rest_quota quota;
    size_t limit = request->reply_limit ? request->reply_limit : LIMIT_PAGE;
    exchange->deferred_parse_failed = exchange->is_renewed = exchange->is_confirmed = false;
    exchange->failure = (struct rest_failure){.code = ""};
    if (!quota_take(&rest->shared->quota, rest->rate_share, &quota))
        return refuse_quota(exchange, &quota, err);
    (void)snprintf(exchange->id, sizeof exchange->id, "%s", request->id ? request->id : "");
    if (rest->header) headers[count++] = rest->header;
    if (request->body)
        headers[count++] = "Content-Type: application/json";
    else if (request->no_cache)
        headers[count++] = "Cache-Control: no-cache";
    if (exchange->body) {
        sink = response_body_sink(exchange->body);
        limit = LIMIT_DEFERRED_BODY; /* of refusals, which may wait as well */
    }
    return http_send(rest->http,
                     &(struct http_request){
                         .method = request->method,
                         .url = request->url,
                         .headers = headers,
                         .token = rest->token,
                         .token_mark = rest->dialect->is_token_in_body ? REST_TOKEN_MARK : NULL,
                         .body = request->body ? buf_string(request->body) : NULL,
                         .body_size = request->body ? request->body->size : 0,
                         .reply_limit = limit,
                         .sink = exchange->body ? &sink : NULL,
                         .timeout_s = TRY_TIMEOUT_S,
                         .retry = request->retry,
                         .policy = &exchange->policy,
                         .service = HTTP_SOURCE,
                         .what = exchange->what,
                     },
                     &exchange->call, err);
}

/* Of an answer that was not looked at as it came: an error with HTTP 200 is found late, and the limiter hears
 * of it when the request is repeated. */
static bool is_good(const struct exchange *exchange, int status, struct error *err)
{
    return (is_readable(exchange) && exchange_is_success(real_status(exchange, status)) &&
            is_echo(exchange)) ||
           error_set(err, ERROR_FORMAT, "it is not the object that was asked for");
}

static bool read_deferred(struct exchange *exchange, const struct http_reply *reply,
                          struct json_value **out_value, struct error *err)
{
    if (read_body(exchange, reply, &exchange->value, err) && is_good(exchange, reply->status, err)) {
        *out_value = exchange->value;
        exchange->value = NULL;
        return true;
    }
    value_drop(&exchange->value);
    (void)error_wrap(err, "%s, request id %s", exchange->what, exchange->request_id);
    exchange->deferred_parse_failed = true;
    err->status = reply->status;
    return false;
}

bool exchange_wait(struct exchange *exchange, struct json_value **out_value, struct error *err)
{
    AUTO(http_reply_done) struct http_reply reply = {0};
    struct http_call *call = exchange->call;
    *out_value = NULL;
    exchange->call = NULL;
    bool is_answered = http_wait(call, &reply, err);
    leave_flight(exchange);
    if (!is_answered) return refusal_explain(exchange, err);
    if (!exchange_is_success(exchange->status)) {
        keep_refusal(exchange, &reply);
        refusal_keep_canonical(exchange, &reply);
        return exchange->status == 401 ? refusal_report_unauthorized(exchange, err)
                                       : refusal_report(exchange, err);
    }
    if (!exchange->value) return read_deferred(exchange, &reply, out_value, err);
    *out_value = exchange->value;
    exchange->value = NULL;
    if (strcmp(exchange->request_id, "-") == 0) take_request_id(exchange, *out_value);
    return true;
}

bool exchange_wait_any(struct exchange *const *exchanges, size_t count, size_t *out_index, struct error *err)
{
    struct http_call *calls[EXCHANGES_MAX];
    assert(count > 0 && count <= EXCHANGES_MAX);
    for (size_t i = 0; i < count; i++)
        calls[i] = exchanges[i]->call;
    return http_wait_any(exchanges[0]->rest->http, calls, count, out_index, err);
}

const struct json_value *exchange_list(const struct exchange *exchange, const struct rest_stream *stream,
                                       struct json_value *answer, struct error *err)
{
    const struct rest_dialect *dialect = exchange->rest->dialect;
    const struct json_value *list = page_list(dialect, answer, stream->list);
    if (!list)
        (void)error_set(err, ERROR_FORMAT, "%s: the answer has no list \"%s\", request id %s; %s",
                        exchange->what, stream->list, exchange->request_id, dialect->format_advice);
    return list;
}

void exchange_add_counts(struct exchange *exchange, struct page *page)
{
    page->asked_us = exchange->asked_us;
    page->requests += exchange->tries;
    page->normalisations += json_normalisations_sum(&exchange->normalisations);
    exchange->tries = 0;
    exchange->normalisations = (struct json_normalisations){0};
}

void exchange_done(struct exchange *exchange)
{
    http_drop(exchange->call);
    exchange->call = NULL;
    if (exchange->rest) leave_flight(exchange);
    value_drop(&exchange->value);
}
