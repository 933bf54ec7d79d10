/* SPDX-License-Identifier: Apache-2.0 */
/* http_call.h - the inside of http: one call, its tries and what becomes of each. Same thread as its http. */
#ifndef CASELOAD_NET_HTTP_CALL_H
#define CASELOAD_NET_HTTP_CALL_H

#include <curl/curl.h>

#include "net/http.h"

enum call_state {
    CALL_WAITING,      /* for due_ms, to begin the next try */
    CALL_TRANSFERRING, /* curl has it */
    CALL_ENDED         /* the reply or the error is final */
};

struct http {
    CURLM *multi;
    char *user_agent;
    char *ca_file;
    const atomic_bool *stop;
    struct http_call *calls; /* all that were sent and not yet waited for */
};

struct http_call {
    struct http *http;
    struct http_call *next;
    enum call_state state;

    struct http_request request; /* its texts and structs point to what follows here */
    char *method;
    char *url;
    struct retry retry;
    struct http_policy policy;
    struct http_sink sink;
    struct curl_slist *headers;
    struct curl_slist bearer_line; /* a list of its own head: the secret is in no other memory of ours */
    struct curl_slist quota_line;  /* behind it: "x-goog-user-project: ..." */
    char *quota;
    struct secret bearer; /* "Authorization: Bearer ...", or the body with the token */

    CURL *easy;
    char curl_text[CURL_ERROR_SIZE];
    bool over_limit;
    bool head_done; /* curl takes a head that is cut for a whole one */
    bool renew;     /* the next try begins with another token */
    bool renewed;   /* ... and that may happen once */
    int64_t first_ms;
    int64_t due_ms;

    struct http_reply reply;
    struct error error; /* kind ERROR_NONE: the reply is good */
};

bool call_new(struct http *http, const struct http_request *request, struct http_call **out_call,
              struct error *err) CHECKED;
void call_free(struct http_call *call);
/* A waiting call whose time has come begins a try, unless its policy wants it to wait on. */
void call_begin(struct http_call *call, int64_t now_ms);
/* curl is done with a moving call: it ends, or waits for its next try. */
void call_finish(struct http_call *call, CURLcode code, int64_t now_ms);

#endif
