/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "http_call.h"

#define SLICE_MS          100 /* how soon a stop is seen */
#define HOST_CONNECTIONS  32L /* further requests wait for one of these */
#define TOTAL_CONNECTIONS 64L

bool http_new(const struct http_settings *settings, struct http **out_http, struct error *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return error_set(err, ERROR_CONFIG,
                         "libcurl does not start: check the installation of its TLS library");
    CURLM *multi = curl_multi_init();
    if (!multi) abort(); /* no memory */
    (void)curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, HOST_CONNECTIONS);
    (void)curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, TOTAL_CONNECTIONS);
    struct http *http = mem_zero(1, sizeof *http);
    *http = (struct http){
        .multi = multi,
        .user_agent = mem_text(settings->user_agent),
        .ca_file = mem_text(settings->ca_file),
        .stop = settings->stop,
        .trace = settings->trace,
        .trace_self = settings->trace_self,
        .watch = settings->watch ? *settings->watch : (struct net_watch){.failed = NULL},
    };
    *out_http = http;
    return true;
}

void http_settle(struct http *http)
{
    while (http->calls)
        http_drop(http->calls);
    token_request_reap(http, true);
}

void http_free(struct http *http)
{
    if (!http) return;
    http_settle(http);
    while (http->idle_count > 0)
        curl_easy_cleanup(http->idle[--http->idle_count]);
    gunzip_free(http->idle_gunzip);
    (void)curl_multi_cleanup(http->multi); /* fails only for a handle that is not one */
    free(http->user_agent);
    free(http->ca_file);
    free(http);
    curl_global_cleanup();
}

static bool stopped(const struct http *http)
{
    return http->stop && atomic_load(http->stop);
}

static void start_due_calls(struct http *http)
{
    int64_t now = clock_ms();
    for (struct http_call *call = http->calls; call; call = call->next)
        if (call->state == CALL_WAITING && call->due_ms <= now) call_begin(call, now);
    for (struct http_call *call = http->calls; call; call = call->next)
        if (call->state == CALL_AWAITING_TOKEN) call_check_token(call);
    token_request_reap(http, false);
}

static int idle_ms(const struct http *http)
{
    int64_t now = clock_ms();
    int64_t idle = SLICE_MS;
    for (const struct http_call *call = http->calls; call; call = call->next)
        if (call->state == CALL_WAITING && call->due_ms - now < idle) idle = call->due_ms - now;
    return idle > 0 ? (int)idle : 0;
}

static void collect_finished(struct http *http)
{
    int left = 0;
    for (CURLMsg *message; (message = curl_multi_info_read(http->multi, &left)) != NULL;) {
        struct http_call *call = NULL;
        CURLcode code = message->data.result; /* the message is gone once its handle is removed */
        if (curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call) == CURLE_OK && call)
            call_finish(call, code, clock_ms());
    }
}

static void advance_calls(struct http *http)
{
    int running = 0;
    start_due_calls(http);
    if (curl_multi_perform(http->multi, &running) != CURLM_OK)
        abort(); /* a handle that is not one, or no memory: nothing here can be trusted any more */
    collect_finished(http);
    const int64_t now = clock_ms();
    for (struct http_call *call = http->calls; call; call = call->next)
        call_look(call, now);
}

bool http_send(struct http *http, const struct http_request *request, struct http_call **out_call,
               struct error *err)
{
    if (!call_new(http, request, out_call, err)) return false;
    (*out_call)->next = http->calls;
    http->calls = *out_call;
    advance_calls(http); /* on an open connection the request is on its way now */
    return true;
}

/* count: none of them has ended, as all wait or the process stops. */
static size_t first_ended(struct http_call *const *calls, size_t count)
{
    size_t i = 0;
    while (i < count && calls[i]->state != CALL_ENDED)
        i++;
    return i;
}

/* Is the wait for the calls to end before they do? */
static bool is_cut(const struct http *http, struct http_call *const *calls, size_t count)
{
    bool is_stopped = stopped(http);
    for (size_t i = 0; i < count && is_stopped; i++)
        is_stopped = !calls[i]->request.outlasts_stop;
    return is_stopped;
}

static size_t await(struct http *http, struct http_call *const *calls, size_t count)
{
    size_t ended;
    while ((ended = first_ended(calls, count)) == count && !is_cut(http, calls, count)) {
        advance_calls(http);
        if ((ended = first_ended(calls, count)) < count) break;
        (void)curl_multi_poll(http->multi, NULL, 0, idle_ms(http),
                              NULL); /* a failure shows in the next move */
    }
    return ended;
}

bool http_wait_any(struct http *http, struct http_call *const *calls, size_t count, size_t *out_index,
                   struct error *err)
{
    assert(count > 0);
    *out_index = await(http, calls, count);
    return *out_index < count ||
           error_set(err, ERROR_STOPPED, "%s: cancelled because the process is shutting down",
                     calls[0]->request.what);
}

bool http_wait(struct http_call *call, struct http_reply *out_reply, struct error *err)
{
    *out_reply = (struct http_reply){0};
    (void)await(call->http, &call, 1);
    bool good = false;
    if (call->state != CALL_ENDED) {
        (void)error_set(err, ERROR_STOPPED, "%s: cancelled because the process is shutting down",
                        call->request.what);
    } else if (call->error.kind != ERROR_NONE) {
        *err = call->error;
    } else {
        *out_reply = call->reply;
        call->reply = (struct http_reply){0};
        good = true;
    }
    http_drop(call);
    return good;
}

void http_drop(struct http_call *call)
{
    if (!call) return;
    struct http_call **link = &call->http->calls;
    while (*link != call) {
        assert(*link);
        link = &(*link)->next;
    }
    *link = call->next;
    call_free(call);
}

bool http_do(struct http *http, const struct http_request *request, struct http_reply *out_reply,
             struct error *err)
{
    struct http_call *call = NULL;
    *out_reply = (struct http_reply){0};
    return http_send(http, request, &call, err) && http_wait(call, out_reply, err);
}
