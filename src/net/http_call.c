/* SPDX-License-Identifier: Apache-2.0 */
#include "http_call.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"

#define CONNECT_TIMEOUT_S 30L
#define SILENCE_S         60L
#define CONNECT_SLOW_MS   2000 /* the watch hears of a connection that takes longer ... */
#define CONNECT_AGAIN_MS  500  /* ... and so often again, as its patience may end */

static bool is_loopback(const char *host)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]", "::1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(host, names[i]) == 0) return true;
    return false;
}

/* The URL is ours or was checked by the caller; this catches settings that are no URL at all. */
static bool check_url(const struct http_request *request, struct http_origin *out_origin, struct error *err)
{
    bool good = http_origin(request->url, out_origin), secure = strcmp(out_origin->scheme, "https") == 0;
    if (!good)
        return error_set(err, ERROR_CONFIG,
                         "%s: its address is not an http or https URL; check the configured URLs",
                         request->what);
    if (request->token && !secure && !is_loopback(out_origin->host))
        return error_set(err, ERROR_CONFIG,
                         "%s: its address is plain http, and an access token never travels in the clear; "
                         "use https (http is for this machine alone)",
                         request->what);
    return true;
}

/* Without query. */
static char *path_of(const char *url)
{
    const char *authority = strstr(url, "://");
    const char *path = authority ? authority + strcspn(authority + 3, "/?#") + 3 : "";
    return *path == '/' ? mem_bytes(path, strcspn(path, "?#")) : mem_text("/");
}

static void set_body(struct http_call *call)
{
    const struct http_request *request = &call->request;
    bool bodied = request->body || strcmp(request->method, "GET") != 0;
    if (bodied && strcmp(request->method, "DELETE") != 0) {
        curl_easy_setopt(call->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, request->body ? request->body : "");
        curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
    }
    curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, request->method);
}

/* Without a setting that curl refuses a call fails or is slower, never unsafe, but for the one that is
 * checked.
 */
static void set_options(struct http_call *call, bool direct)
{
    const struct http_request *request = &call->request;
    CURL *easy = call->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_text);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    if (curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK) abort();
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (call->http->ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, call->http->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (direct) curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, call->http->user_agent);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)request->timeout_s);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, SILENCE_S);
    /* Share an HTTP/2 connection rather than open another. Without TLS curl would learn the version from the
     * first response only, and hold back all other requests until then. */
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, strncasecmp(request->url, "https:", 6) == 0 ? 1L : 0L);
    /* On a kept connection that turns out to be dead curl would silently send again; one try means one. */
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request->retry ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, call_on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, call_on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    set_body(call);
}

static void add_line(struct http_call *call, const char *line)
{
    struct curl_slist *longer = curl_slist_append(call->headers, line);
    if (!longer) abort();
    call->headers = longer;
}

/* Answers with secrets come as they are: what opens them would keep a copy. */
static void copy_headers(struct http_call *call, const char *const *lines)
{
    bool typed = false;
    for (; lines && *lines; lines++) {
        typed = typed || strncasecmp(*lines, "content-type:", strlen("content-type:")) == 0;
        add_line(call, *lines);
    }
    if (!typed) add_line(call, "Content-Type:"); /* curl would call it a form */
    if (call->request.service != HTTP_CREDENTIALS)
        add_line(call, "Accept-Encoding: gzip"); /* no option of curl: it would open the answers itself */
    add_line(call, "Expect:"); /* else curl would wait for 100 Continue, which servers rarely send */
}

/* Handles are kept: making one for each request took 6 % of the CPU time of a load of conversations. */
static CURL *take_handle(struct http *http)
{
    CURL *easy = http->idle_count > 0 ? http->idle[--http->idle_count] : curl_easy_init();
    if (!easy) abort(); /* no memory */
    return easy;
}

static void give_handle(struct http_call *call)
{
    struct http *http = call->http;
    if (call->state != CALL_TRANSFERRING && http->idle_count < HTTP_IDLE_HANDLES) {
        curl_easy_reset(call->easy);
        http->idle[http->idle_count++] = call->easy;
        return;
    }
    /* else a silent name server would block here until its timeout */
    curl_easy_setopt(call->easy, CURLOPT_QUICK_EXIT, 1L);
    if (call->state == CALL_TRANSFERRING) (void)curl_multi_remove_handle(call->http->multi, call->easy);
    curl_easy_cleanup(call->easy);
}

bool call_new(struct http *http, const struct http_request *request, struct http_call **out_call,
              struct error *err)
{
    assert(request->timeout_s > 0 && strcmp(request->method, "HEAD") != 0);
    struct http_origin origin;
    if (!check_url(request, &origin, err)) return false;
    struct http_call *call = mem_zero(1, sizeof *call);
    *call = (struct http_call){.http = http, .state = CALL_WAITING, .request = *request};
    call->request.method = call->method = mem_text(request->method);
    call->request.url = call->url = mem_text(request->url);
    call->origin = mem_format("%s://%s:%d", origin.scheme, origin.host, origin.port);
    call->host = mem_text(origin.host);
    call->path = path_of(request->url);
    copy_headers(call, request->headers);
    call->request.headers = NULL;
    if (request->retry) {
        call->retry = *request->retry;
        call->request.retry = &call->retry;
    }
    if (request->policy) {
        call->policy = *request->policy;
        call->request.policy = &call->policy;
    }
    if (request->sink) {
        call->sink = *request->sink;
        call->request.sink = &call->sink;
    }
    buf_init(&call->reply.body, request->reply_limit);
    buf_init(&call->reply.headers, LIMIT_HEADERS);
    call->easy = take_handle(http);
    set_options(call, is_loopback(origin.host) || request->direct);
    call->first_ms = call->due_ms = clock_ms();
    *out_call = call;
    return true;
}

/* The watch hears once how the call ended. */
static void tell_end(struct http_call *call, bool is_answered)
{
    if (!call->is_over) net_watch_ended(&call->http->watch, call->origin, call->had_failure, is_answered);
    call->is_over = true;
}

void call_free(struct http_call *call)
{
    tell_end(call, false);
    give_handle(call);
    call_end_body(call);
    curl_slist_free_all(call->headers);
    if (call->token_request) token_request_abandon(call->http, call->token_request);
    secret_done(&call->bearer);
    secret_done(&call->refused);
    http_reply_done(&call->reply);
    free(call->quota);
    free(call->method);
    free(call->url);
    free(call->origin);
    free(call->host);
    free(call->path);
    free(call);
}

static void token_failed(struct http_call *call)
{
    (void)error_wrap(&call->error, "%s", call->request.what);
    call->state = CALL_ENDED;
}

static void start_try(struct http_call *call, const struct secret *token)
{
    if (!call_set_token(call, token, &call->error)) {
        token_failed(call);
        return;
    }
    secret_done(&call->refused);
    buf_reset(&call->reply.body);
    buf_reset(&call->reply.headers);
    if (call->request.sink) call->sink.begin(call->sink.self);
    call->reply.status = 0;
    call->reply.tries++;
    call->curl_text[0] = '\0';
    call->damage = NULL;
    call->head_done = call->body_begun = false;
    call->try_ms = clock_ms();
    call->told_ms = 0;
    if (curl_multi_add_handle(call->http->multi, call->easy) != CURLM_OK)
        abort(); /* no memory, or a handle that is not one */
    call->state = CALL_TRANSFERRING;
}

void call_begin(struct http_call *call, int64_t now_ms)
{
    const struct http_policy *policy = call->request.policy;
    struct token *token = call->request.token;
    AUTO(secret_done) struct secret bearer = {0};
    const struct secret *refused = call->refused.size > 0 ? &call->refused : NULL;
    int64_t delay = policy && policy->delay_ms ? policy->delay_ms(policy->self) : 0;
    if (delay > 0) {
        call->due_ms = now_ms + delay;
    } else if (token && token->get_cached && (refused || !token->get_cached(token, &bearer))) {
        call->token_request = token_request_start(token, &call->refused, call->http->multi);
        call->state = CALL_AWAITING_TOKEN;
    } else if (token && !token->get_cached && !token->get(token, refused, &bearer, &call->error)) {
        token_failed(call);
    } else {
        start_try(call, &bearer);
    }
}

void call_check_token(struct http_call *call)
{
    AUTO(secret_done) struct secret bearer = {0};
    if (!token_request_is_done(call->token_request)) return;
    struct token_request *request = call->token_request;
    call->token_request = NULL;
    if (token_request_finish(request, &bearer, &call->error))
        start_try(call, &bearer);
    else
        token_failed(call);
}

static void fail(struct http_call *call, enum error_kind kind, const char *why, const char *way_out)
{
    (void)error_set(&call->error, kind, "%s: %s (try %" PRId64 ", after %" PRId64 " s); %s",
                    call->request.what, why, call->reply.tries, (clock_ms() - call->first_ms) / 1000,
                    way_out);
    call->error.status = call->reply.status;
    call->state = CALL_ENDED;
    tell_end(call, false);
}

/* True: the watch has lost its patience, and gives an advice. */
static bool tell_failure(struct http_call *call, const char *why, bool is_unconnected, int64_t now_ms,
                         char out_advice[NET_ADVICE])
{
    const int64_t timeout_ms = (int64_t)call->request.timeout_s * 1000;
    const struct net_failure failure = {
        .origin = call->origin,
        .what = call->request.what,
        .cause = why,
        .status = call->reply.status,
        .is_unconnected = is_unconnected,
        .is_first = !call->had_failure,
        .waited_ms = now_ms - call->first_ms,
        .left_ms = call->first_ms + (call->request.retry ? call->retry.budget_ms : timeout_ms) - now_ms,
    };
    call->had_failure = true;
    return net_watch_failed(&call->http->watch, &failure, out_advice);
}

static void schedule_retry(struct http_call *call, const char *why, bool is_unconnected, int64_t least_ms,
                           int64_t now_ms)
{
    int64_t wait = -1;
    char advice[NET_ADVICE];
    if (call->request.retry)
        wait = retry_wait_ms(&call->retry, (int)call->reply.tries, now_ms - call->first_ms, least_ms);
    if (wait >= 0 && tell_failure(call, why, is_unconnected, now_ms, advice))
        fail(call, ERROR_UNREACHABLE, why, advice);
    else if (wait < 0)
        fail(call, ERROR_BUSY, why,
             "the same call may work later; if it goes on, look at the service's status");
    else
        call->due_ms = now_ms + wait;
}

static void handle_reply(struct http_call *call, int64_t now_ms)
{
    const struct http_policy *policy = call->request.policy;
    int64_t least_ms = 0;
    char why[32];
    (void)snprintf(why, sizeof why, "HTTP %d", call->reply.status);
    switch (policy ? policy->judge(policy->self, &call->reply, &least_ms) : HTTP_DONE) {
    case HTTP_DONE:
        call->state = CALL_ENDED;
        tell_end(call, true);
        return;
    case HTTP_RETRY: schedule_retry(call, why, false, least_ms, now_ms); return;
    case HTTP_RENEW:
        if (call->renewed || !call->request.token) {
            fail(call, ERROR_AUTH, why,
                 "the credentials are refused: check that they are right and not revoked");
            return;
        }
        call->renewed = true;
        call_take_refused(call);
        call->due_ms = now_ms;
        return;
    }
}

/* curl's text, which may quote the peer, and the response's id if its headers arrived. */
static void describe_failure(const struct http_call *call, CURLcode code, char *out, size_t size)
{
    char id[64] = "";
    bool named = http_header(&call->reply, "x-request-id", id, sizeof id);
    const char *words = call->curl_text[0] ? call->curl_text : curl_easy_strerror(code);
    if (call->damage) words = call->damage;
    if (call->over_limit) words = "the response exceeds its size limit";
    (void)snprintf(out, size, "%s%s%s", words, named ? ", request id " : "", id);
    for (char *byte = out; *byte; byte++)
        if (*byte < ' ' || *byte > '~') *byte = '?';
}

/* No service of HTTP was reached. */
static bool is_unconnected(const struct http_call *call, CURLcode code)
{
    static const CURLcode codes[] = {CURLE_COULDNT_RESOLVE_PROXY,
                                     CURLE_COULDNT_RESOLVE_HOST,
                                     CURLE_COULDNT_CONNECT,
                                     CURLE_SSL_CONNECT_ERROR,
                                     CURLE_WEIRD_SERVER_REPLY,
                                     CURLE_UNSUPPORTED_PROTOCOL,
                                     CURLE_HTTP2};
    curl_off_t sent_us = 0;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i] == code) return true;
    return code == CURLE_OPERATION_TIMEDOUT &&
           curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &sent_us) == CURLE_OK && sent_us == 0;
}

/* The request could be sent: there is a connection, and its TLS. */
static bool is_connected(const struct http_call *call)
{
    curl_off_t ready_us = 0;
    return call->state == CALL_TRANSFERRING &&
           curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us) == CURLE_OK && ready_us > 0;
}

/* Else the call may wait for others to give a connection back. */
static bool is_alone(const struct http_call *call)
{
    for (const struct http_call *other = call->http->calls; other; other = other->next)
        if (strcmp(other->origin, call->origin) == 0 && is_connected(other)) return false;
    return true;
}

void call_look(struct http_call *call, int64_t now_ms)
{
    char why[64], advice[NET_ADVICE];
    int64_t least_ms = call->told_ms ? call->told_ms + CONNECT_AGAIN_MS : call->try_ms + CONNECT_SLOW_MS;
    if (call->state != CALL_TRANSFERRING || now_ms < least_ms || is_connected(call) || !is_alone(call))
        return;
    (void)snprintf(why, sizeof why, "no connection after %" PRId64 " s", (now_ms - call->try_ms) / 1000);
    call->told_ms = now_ms;
    if (!tell_failure(call, why, true, now_ms, advice)) return;
    (void)curl_multi_remove_handle(call->http->multi, call->easy); /* it is in there */
    fail(call, ERROR_UNREACHABLE, why, advice);
}

static void handle_transfer_error(struct http_call *call, CURLcode code, int64_t now_ms)
{
    char why[CURL_ERROR_SIZE + 96];
    describe_failure(call, code, why, sizeof why);
    if (call->over_limit) {
        fail(call, ERROR_LIMIT, why, "request less at once");
    } else if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
        fail(call, ERROR_CONFIG, why,
             "the server's certificate is not trusted: check the URL, the CA file, the clock and any proxy "
             "between");
    } else {
        call->reply.status = 0; /* half an answer is none */
        schedule_retry(call, why, is_unconnected(call, code), 0, now_ms);
    }
}

static void trace_try(const struct http_call *call, int64_t now_ms)
{
    char id[64] = "";
    (void)http_header(&call->reply, "x-request-id", id, sizeof id); /* often absent */
    call->http->trace(call->http->trace_self, &(struct http_trace){.service = call->request.service,
                                                                   .method = call->method,
                                                                   .host = call->host,
                                                                   .path = call->path,
                                                                   .status = call->reply.status,
                                                                   .duration_ms = now_ms - call->try_ms,
                                                                   .date_s = http_date_s(&call->reply, 0),
                                                                   .request_id = id});
}

void call_finish(struct http_call *call, CURLcode code, int64_t now_ms)
{
    long status = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status); /* stays 0 */
    (void)curl_multi_remove_handle(call->http->multi, call->easy);        /* it is in there */
    call->state = CALL_WAITING;
    call->reply.status = (int)status;
    if (call->http->trace) trace_try(call, now_ms);
    bool is_cut = !call->head_done || (call->gunzip && call->unzipped != GUNZIP_END);
    call_end_body(call);
    if (code == CURLE_OK && is_cut) code = CURLE_PARTIAL_FILE;
    if (code == CURLE_OK)
        handle_reply(call, now_ms);
    else
        handle_transfer_error(call, code, now_ms);
}
