/* SPDX-License-Identifier: Apache-2.0 */
/* http_call.h - internals of http: one call, its tries and their outcomes. Same thread as its http. */
#ifndef CASELOAD_NET_HTTP_CALL_H
#define CASELOAD_NET_HTTP_CALL_H

#include <curl/curl.h>

#include "base/gunzip.h"
#include "net/http.h"

#define HTTP_IDLE_HANDLES 32
#define LIMIT_HEADERS     (64 * 1024)

enum call_state {
    CALL_WAITING,        /* for due_ms, to begin the next try */
    CALL_AWAITING_TOKEN, /* a thread requests it */
    CALL_TRANSFERRING,   /* curl has it */
    CALL_ENDED           /* the reply or the error is final */
};

struct http {
    CURLM *multi;
    char *user_agent;
    char *ca_file;
    const atomic_bool *stop;
    void (*trace)(void *self, const struct http_trace *trace);
    void *trace_self;
    struct net_watch watch;        /* its functions are NULL without one */
    CURL *idle[HTTP_IDLE_HANDLES]; /* handles of calls that ended, without options: for the next ones */
    size_t idle_count;
    struct gunzip *idle_gunzip;      /* of an answer that ended; NULL: none */
    struct http_call *calls;         /* all that were sent and not yet waited for */
    struct token_request *abandoned; /* their calls were dropped */
};

struct http_call {
    struct http *http;
    struct http_call *next;
    enum call_state state;

    struct http_request request; /* its texts and structs point to what follows here */
    char *method;
    char *url;
    char *origin;      /* scheme://host:port of the URL */
    char *host, *path; /* of the URL, for the trace */
    bool had_failure;  /* the watch knows of a failed try */
    bool is_over;      /* the watch knows that it ended */
    struct retry retry;
    struct http_policy policy;
    struct http_sink sink;
    struct curl_slist *headers;
    struct curl_slist bearer_line; /* list head of our own: the secret is in no other memory */
    struct curl_slist quota_line;  /* "x-goog-user-project: ..." */
    char *quota;
    struct token_request *token_request; /* in CALL_AWAITING_TOKEN */
    struct secret bearer;                /* "Authorization: Bearer ...", or the body with the token */
    size_t token_at, token_size;         /* the place of the token in bearer */
    struct secret refused;               /* the token of the last try: the next needs another; empty: not */

    CURL *easy;
    char curl_text[CURL_ERROR_SIZE];
    struct gunzip *gunzip;        /* of this try's body; NULL: it is not compressed, or has not begun */
    enum gunzip_outcome unzipped; /* so far */
    const char *damage;           /* why this try's body can't be opened; NULL: it can */
    bool body_begun;
    bool over_limit;
    bool head_done; /* all headers arrived: curl accepts truncated ones */
    bool renewed;   /* the token was refused, once already */
    int64_t first_ms;
    int64_t due_ms;
    int64_t try_ms;  /* when the newest try began */
    int64_t told_ms; /* when the watch heard last that this try has no connection; 0: not yet */

    struct http_reply reply;
    struct error error; /* kind ERROR_NONE: the reply is good */
};

bool call_new(struct http *http, const struct http_request *request, struct http_call **out_call,
              struct error *err) CHECKED;
void call_free(struct http_call *call);
/* Starts the try of a call in CALL_AWAITING_TOKEN, or ends it, once the token is there. */
void call_check_token(struct http_call *call);
/* Puts the token (empty: none) into the header or body of the next try. */
bool call_set_token(struct http_call *call, const struct secret *token, struct error *err) CHECKED;
/* The token moves out of the header or body of the last try, to refused. */
void call_take_refused(struct http_call *call);
/* For a waiting call that is due: starts a try, or waits on if its policy says so. */
void call_begin(struct http_call *call, int64_t now_ms);
/* Ends a call in CALL_TRANSFERRING, or lets it wait for its next try. */
void call_finish(struct http_call *call, CURLcode code, int64_t now_ms);

/* For curl; what a try takes is in the call. */
size_t call_on_body(char *bytes, size_t one, size_t size, void *call);
size_t call_on_header(char *bytes, size_t one, size_t size, void *call);
void call_end_body(struct http_call *call); /* after each try */

/* Tells the watch that a call in CALL_TRANSFERRING has waited long for a connection; may end the call. */
void call_look(struct http_call *call, int64_t now_ms);

/* Runs token->get on a thread and wakes multi up when it is done. Takes the refused token (empty: none). */
struct token_request *token_request_start(struct token *token, struct secret *refused, CURLM *multi);
bool token_request_is_done(const struct token_request *request);
bool token_request_finish(struct token_request *request, struct secret *out_bearer, struct error *err);
/* For a call that is dropped: the thread ends by itself and is joined by token_request_reap. */
void token_request_abandon(struct http *http, struct token_request *request);
void token_request_reap(struct http *http, bool wait);

#endif
