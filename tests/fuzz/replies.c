/* SPDX-License-Identifier: Apache-2.0 */
#include "replies.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "skipped_waits.h"

#define MOST_HEADERS 65536
#define MOST_WAITS   1000

static const char mark[] = "%%\n";

struct http_call {
    struct http *http;
    struct http_request request;
    struct http_policy policy;
    struct http_sink sink;
};

void replies_init(struct http *http, const uint8_t *data, size_t size)
{
    http->at = (const char *)data;
    http->end = http->at + size;
    atomic_store(&http->stop, false);
}

static const char *line_end(const char *at, const char *end)
{
    const char *line = memchr(at, '\n', (size_t)(end - at));
    return line ? line : end;
}

/* The end of the reply: a line that is the mark. */
static const char *reply_end(const char *at, const char *end)
{
    while (at < end) {
        if ((size_t)(end - at) >= sizeof mark - 1 && memcmp(at, mark, sizeof mark - 1) == 0) return at;
        at = line_end(at, end);
        if (at < end) at++;
    }
    return end;
}

/* As net/http.h stores them. */
static void add_header(struct buf *headers, const char *at, const char *end)
{
    const char *colon = memchr(at, ':', (size_t)(end - at));
    if (!colon || colon == at) return;
    for (; at < colon; at++)
        buf_byte(headers, (char)(*at >= 'A' && *at <= 'Z' ? *at + ('a' - 'A') : *at));
    for (at++; at < end && *at == ' ';)
        at++;
    buf_text(headers, ": ");
    buf_add(headers, at, (size_t)(end - at));
    buf_byte(headers, '\n');
}

/* false: it is larger than the caller takes. */
static bool read_reply(struct http_call *call, struct http_reply *reply)
{
    struct http *http = call->http;
    const char *at = http->at, *end = reply_end(at, http->end), *line = line_end(at, end);
    const struct http_sink *sink = call->request.sink;
    http->at = end < http->end ? end + sizeof mark - 1 : end;
    reply->status = 0;
    for (int i = 0; i < 3 && at < line && *at >= '0' && *at <= '9'; i++)
        reply->status = 10 * reply->status + (*at++ - '0');
    if (reply->status < 100) reply->status = 0;
    for (at = line; at < end && (line = line_end(at + 1, end)) > at + 1; at = line)
        add_header(&reply->headers, at + 1, line);
    at = at + 2 <= end ? at + 2 : end; /* both ends of line before the body */
    if (end > at && end[-1] == '\n') end--;
    if (sink) sink->begin(sink->self);
    if (sink && reply->status >= 200 && reply->status < 300)
        return sink->take(sink->self, at, (size_t)(end - at));
    return buf_add(&reply->body, at, (size_t)(end - at));
}

bool http_send(struct http *http, const struct http_request *request, struct http_call **out_call,
               struct error *err)
{
    struct http_call *call = mem_zero(1, sizeof *call);
    (void)err;
    *call = (struct http_call){.http = http, .request = *request};
    if (request->policy) {
        call->policy = *request->policy;
        call->request.policy = &call->policy;
    }
    if (request->sink) {
        call->sink = *request->sink;
        call->request.sink = &call->sink;
    }
    *out_call = call;
    return true;
}

void http_drop(struct http_call *call)
{
    free(call);
}

static void wait_for_limit(const struct http_policy *policy)
{
    for (int i = 0; i < MOST_WAITS; i++) {
        int64_t ms = policy->delay_ms(policy->self);
        if (ms <= 0) return;
        skip_ms(ms);
    }
}

static bool try_once(struct http_call *call, struct http_reply *reply, enum http_verdict *out_verdict,
                     struct error *err)
{
    const struct http_policy *policy = call->request.policy;
    int64_t least_ms = 0;
    if (call->http->at == call->http->end) {
        atomic_store(&call->http->stop, true);
        return error_set(err, ERROR_STOPPED, "%s: there are no more replies", call->request.what);
    }
    if (policy && policy->delay_ms) wait_for_limit(policy);
    buf_reset(&reply->body);
    buf_reset(&reply->headers);
    reply->tries++;
    if (!read_reply(call, reply))
        return error_set(err, ERROR_LIMIT, "%s: the response exceeds its size limit", call->request.what);
    *out_verdict = reply->status == 0 ? HTTP_RETRY : HTTP_DONE;
    if (reply->status != 0 && policy) *out_verdict = policy->judge(policy->self, reply, &least_ms);
    return true;
}

static bool run_call(struct http_call *call, struct http_reply *reply, struct error *err)
{
    enum http_verdict verdict = HTTP_RETRY;
    for (bool renewed = false; verdict != HTTP_DONE; renewed = renewed || verdict == HTTP_RENEW) {
        if (!try_once(call, reply, &verdict, err)) return false;
        if (verdict == HTTP_RENEW && (renewed || !call->request.token))
            return error_set(err, ERROR_AUTH, "%s: the credentials are refused", call->request.what);
        if (verdict == HTTP_RETRY && !call->request.retry)
            return error_set(err, ERROR_BUSY, "%s: HTTP %d", call->request.what, reply->status);
    }
    return true;
}

bool http_wait(struct http_call *call, struct http_reply *out_reply, struct error *err)
{
    *out_reply = (struct http_reply){0};
    buf_init(&out_reply->body, call->request.reply_limit);
    buf_init(&out_reply->headers, MOST_HEADERS);
    bool good = run_call(call, out_reply, err);
    if (!good) http_reply_done(out_reply);
    http_drop(call);
    return good;
}

bool http_wait_any(struct http *http, struct http_call *const *calls, size_t count, size_t *out_index,
                   struct error *err)
{
    (void)http, (void)calls, (void)count, (void)err;
    *out_index = 0;
    return true;
}

bool http_do(struct http *http, const struct http_request *request, struct http_reply *out_reply,
             struct error *err)
{
    struct http_call *call = NULL;
    return http_send(http, request, &call, err) && http_wait(call, out_reply, err);
}
