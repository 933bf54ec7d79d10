/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - HTTPS requests over one curl multi handle: send now, wait later, retries in this one place.
 *
 * A struct http belongs to one thread. All calls in flight advance while one is waited for; a token is
 * requested on a thread of its own. Redirects are never followed; TLS is always verified; replies have a
 * ceiling after decompression. Error texts name the call by `what`, never by its URL.
 */
#ifndef CASELOAD_NET_HTTP_H
#define CASELOAD_NET_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "net/retry.h"
#include "net/token.h"
#include "net/watch.h"

struct http;
struct http_call;

/* Whom a request asks, for those who count requests. */
enum http_service {
    HTTP_CREDENTIALS, /* token services, the metadata server, Secret Manager */
    HTTP_SOURCE,
    HTTP_BIGQUERY
};
#define HTTP_SERVICES (HTTP_BIGQUERY + 1)

/* One try of a request, for logs: it holds no token, query or body. Borrowed. */
struct http_trace {
    enum http_service service;
    const char *method;
    const char *host;
    const char *path; /* without query */
    int status;       /* 0: no response */
    int64_t duration_ms;
    int64_t date_s;         /* the peer's clock, as the response tells it; 0: it does not */
    const char *request_id; /* the response's x-request-id; "" if it has none */
};

struct http_settings {
    const char *user_agent;
    const char *ca_file;     /* NULL: the system's */
    const atomic_bool *stop; /* every wait ends with ERROR_STOPPED soon after it is set; may be NULL */
    void (*trace)(void *self, const struct http_trace *trace); /* called after each try; may be NULL */
    void *trace_self;                                          /* the first argument of trace */
    const struct net_watch *watch; /* hears of failed tries; copied; may be NULL */
};

struct http_reply {
    int status;
    struct buf body;
    struct buf headers; /* "name: value\n" lines, names in lower case; see http_header */
    int64_t tries;
};

enum http_verdict {
    HTTP_DONE,  /* the caller deals with this reply, whatever its status */
    HTTP_RETRY, /* the same request may work later */
    HTTP_RENEW  /* the token was refused: get another, once */
};

/* out_least_ms: the least wait before a retry, 0 if the peer named none. */
struct http_policy {
    enum http_verdict (*judge)(void *self, const struct http_reply *reply, int64_t *out_least_ms);
    /* How long to wait before a try, for a rate limit; may be NULL. */
    int64_t (*delay_ms)(void *self);
    void *self;
};

/* Takes the bodies of good answers (2xx) instead of reply.body. It has a ceiling of its own. */
struct http_sink {
    void (*begin)(void *self);                                /* a try begins: forget what came before */
    bool (*take)(void *self, const void *bytes, size_t size); /* false: the answer is too large */
    void *self;
    bool is_raw; /* a body that http_is_gzip is taken as it came */
};

struct http_request {
    const char *method;
    const char *url;            /* absolute */
    const char *const *headers; /* "Name: value", NULL at the end; may be NULL */
    struct token *token;        /* Authorization: Bearer, over https or to loopback only; NULL: none */
    const char *token_mark;     /* not NULL: the token replaces this text in the body, no header has it */
    bool direct;                /* never through a proxy; loopback never is */
    const void *body;           /* NULL: none; borrowed until http_wait returns */
    size_t body_size;
    size_t reply_limit;
    const struct http_sink *sink; /* NULL: reply.body takes every body */
    int timeout_s;                /* of one try, in all; a try also ends after 60 s without a byte */
    /* NULL: one try only, on a connection of its own. A lost connection counts like HTTP_RETRY. */
    const struct retry *retry;
    const struct http_policy *policy;
    enum http_service service;
    bool outlasts_stop; /* the stop does not end it while it is waited for: a short one */
    const char *what;   /* for error texts: "BigQuery jobs.insert"; borrowed until http_wait returns */
};

bool http_new(const struct http_settings *settings, struct http **out_http, struct error *err) CHECKED;
/* Drops the calls in flight and waits for the token requests they left behind: before the tokens are freed.
 */
void http_settle(struct http *http);
void http_free(struct http *http); /* calls in flight are dropped; NULL is fine */

/* Texts of the request are copied, but for body and what. */
bool http_send(struct http *http, const struct http_request *request, struct http_call **out_call,
               struct error *err) CHECKED;
/* Ends the call's life in any case. The reply is yours: http_reply_done. ERROR_BUSY when tries or budget are
 * used up, ERROR_UNREACHABLE when the watch says so, ERROR_LIMIT for a reply over the ceiling, ERROR_AUTH
 * when a renewed token is refused again. */
bool http_wait(struct http_call *call, struct http_reply *out_reply, struct error *err) CHECKED;
/* Waits until one of the calls has ended: http_wait then returns at once. out_index: the first that has. */
bool http_wait_any(struct http *http, struct http_call *const *calls, size_t count, size_t *out_index,
                   struct error *err) CHECKED;
void http_drop(struct http_call *call); /* instead of waiting; NULL is fine */

bool http_do(struct http *http, const struct http_request *request, struct http_reply *out_reply,
             struct error *err) CHECKED;

void http_reply_done(struct http_reply *reply);
/* The value of a header, name in lower case, copied into out (cut); false: absent. The last one counts. */
bool http_header(const struct http_reply *reply, const char *name, char *out_value, size_t size);
bool http_is_gzip(const struct http_reply *reply); /* as its head says */
int64_t http_header_int(const struct http_reply *reply, const char *name, int64_t fallback);
/* When the peer sent the reply by its own clock (header Date), in seconds since 1970. */
int64_t http_date_s(const struct http_reply *reply, int64_t fallback);
/* Retry-After as milliseconds, seconds or HTTP date (against the reply's own Date); 0: absent. */
int64_t http_retry_after_ms(const struct http_reply *reply);

/* Where a URL leads, read as a request to it would be. */
struct http_origin {
    char scheme[8]; /* http or https */
    char host[256]; /* in lower case */
    int port;       /* the scheme's if the URL names none */
    bool has_user;  /* user or password stand before the host */
};

/* false: it is not an absolute http or https URL. */
bool http_origin(const char *url, struct http_origin *out_origin) CHECKED;

/* Appends text percent-encoded for a path segment or query value. */
bool http_escape(struct buf *out, const char *text);

#endif
