/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "http_call.h"

#define BEARER "Authorization: Bearer "

struct token_request {
    struct token *token;
    struct secret refused; /* empty: none */
    CURLM *multi;          /* woken up at the end */
    pthread_t thread;
    atomic_bool done; /* what follows is complete */
    bool good;
    struct secret bearer;
    struct error error;
    struct token_request *next; /* of those whose call was dropped */
};

static void *request_token(void *self)
{
    struct token_request *request = self;
    const struct secret *refused = request->refused.size > 0 ? &request->refused : NULL;
    request->good = request->token->get(request->token, refused, &request->bearer, &request->error);
    secret_done(&request->refused);
    atomic_store(&request->done, true);
    (void)curl_multi_wakeup(request->multi); /* a failure only costs the rest of the loop's slice */
    return NULL;
}

struct token_request *token_request_start(struct token *token, struct secret *refused, CURLM *multi)
{
    struct token_request *request = mem_zero(1, sizeof *request);
    request->token = token;
    request->refused = *refused;
    *refused = (struct secret){0};
    request->multi = multi;
    if (pthread_create(&request->thread, NULL, request_token, request) != 0) abort(); /* like no memory */
    return request;
}

bool token_request_is_done(const struct token_request *request)
{
    return atomic_load(&request->done);
}

bool token_request_finish(struct token_request *request, struct secret *out_bearer, struct error *err)
{
    (void)pthread_join(request->thread, NULL); /* fails only for a thread that is not one */
    bool good = request->good;
    if (good) {
        *out_bearer = request->bearer;
        request->bearer = (struct secret){0};
    } else {
        *err = request->error;
    }
    secret_done(&request->bearer);
    free(request);
    return good;
}

static void finish_unused(struct token_request *request)
{
    AUTO(secret_done) struct secret bearer = {0};
    struct error ignored;
    (void)token_request_finish(request, &bearer, &ignored); /* its call is gone */
}

void token_request_abandon(struct http *http, struct token_request *request)
{
    request->next = http->abandoned;
    http->abandoned = request;
}

void token_request_reap(struct http *http, bool wait)
{
    for (struct token_request **link = &http->abandoned; *link;) {
        struct token_request *request = *link;
        if (wait || token_request_is_done(request)) {
            *link = request->next;
            finish_unused(request);
        } else {
            link = &request->next;
        }
    }
}

/* The body with the token in place of its mark, in a secret's own memory. A token is printable ASCII; one
 * with a quote or backslash would need escaping. */
static bool set_body_token(struct http_call *call, const struct secret *token, struct error *err)
{
    const char *body = call->request.body;
    const char *mark = body ? strstr(body, call->request.token_mark) : NULL;
    if (!mark || strpbrk(secret_reveal(token), "\"\\"))
        return error_set(
            err, ERROR_CONFIG,
            "the token can't be put into the request: it has a quote or backslash; check where it "
            "was copied from");
    size_t before = (size_t)(mark - body), mark_size = strlen(call->request.token_mark);
    size_t after = call->request.body_size - before - mark_size;
    size_t size = before + token->size + after;
    secret_reserve(&call->bearer, size);
    memcpy(call->bearer.bytes, body, before);
    memcpy(call->bearer.bytes + before, secret_reveal(token), token->size);
    call->token_at = before;
    memcpy(call->bearer.bytes + before + token->size, mark + mark_size, after);
    curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->bearer.bytes);
    curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
    return true;
}

/* The header is built in a secret's own memory, and curl borrows a list head around it. */
static bool set_header_token(struct http_call *call, const struct secret *token)
{
    const char *quota_project = call->request.token->quota_project;
    size_t head = strlen(BEARER);
    secret_reserve(&call->bearer, head + token->size);
    memcpy(call->bearer.bytes, BEARER, head);
    memcpy(call->bearer.bytes + head, secret_reveal(token), token->size);
    call->token_at = head;
    call->bearer_line = (struct curl_slist){.data = call->bearer.bytes, .next = call->headers};
    if (quota_project) {
        if (!call->quota) call->quota = mem_format("x-goog-user-project: %s", quota_project);
        call->quota_line = (struct curl_slist){.data = call->quota, .next = call->headers};
        call->bearer_line.next = &call->quota_line;
    }
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, &call->bearer_line);
    return true;
}

bool call_set_token(struct http_call *call, const struct secret *token, struct error *err)
{
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
    secret_done(&call->bearer);
    call->token_size = token->size;
    if (!call->request.token) return true;
    return call->request.token_mark ? set_body_token(call, token, err) : set_header_token(call, token);
}

void call_take_refused(struct http_call *call)
{
    secret_reserve(&call->refused, call->token_size);
    memcpy(call->refused.bytes, call->bearer.bytes + call->token_at, call->token_size);
    secret_done(&call->bearer); /* what curl borrows of it is set again before the next try */
}
