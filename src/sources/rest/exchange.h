/* SPDX-License-Identifier: Apache-2.0 */
/* exchange.h - one request and its answer: sent at the rate limit, retried, judged, parsed, explained.
 *
 * An answer that can't be parsed is retried: bodies come empty, cut or as a proxy's page. A refusal is not
 * believed at once: 401 for one path means that it is forbidden if the probe of the dialect still works, and
 * 403 without the service's own error code is retried.
 * An exchange stays where it is while a request is in flight. One thread, that of its source.
 */
#ifndef CASELOAD_SOURCES_REST_EXCHANGE_H
#define CASELOAD_SOURCES_REST_EXCHANGE_H

#include "response_body.h"
#include "rest.h"

#define EXCHANGES_MAX 32 /* that are waited for together */

struct exchange {
    struct rest_source *rest;
    const char *what;           /* "Intercom contacts, page 3"; lives as long as the exchange */
    bool defer_parse;           /* the answer is kept as bytes, and parsed when it is waited for */
    bool allow_array;           /* a list may come without an object around it */
    struct response_body *body; /* takes the bodies of good answers; NULL: http keeps them */
    int64_t *success_count;     /* counts good answers as they come; may be NULL */
    bool can_be_forbidden;   /* it is a stream's or list's first request; else a refusal is ERROR_REFUSED */
    bool is_probe;           /* a token that is refused here is refused everywhere */
    const char *record_path; /* before the id of the record that is asked for; NULL: none is */
    bool confirm_refusal;    /* 301, 400, 404, 410 and 422 are believed when they come twice, seconds apart */

    struct http_policy policy;
    struct http_call *call;
    bool is_in_flight;        /* the limiter counts it */
    bool is_renewed;          /* the token was, after a 401 */
    bool is_confirmed;        /* a refusal came twice */
    int64_t asked_us;         /* when its newest try began, by clock_boot_us ... */
    int64_t began_ms;         /* ... and by clock_ms */
    struct json_value *value; /* parsed from the newest good answer */
    struct json_normalisations normalisations;
    int64_t tries;
    int status;                  /* of the newest answer, as the dialect sees it ... */
    int http_status;             /* ... and as it came */
    char id[REST_ID];            /* of the request, which a good answer repeats; "": it has none */
    char request_id[64];         /* of the newest answer, "-" if it had none */
    struct rest_failure failure; /* of the newest refusal */
    char canonical[LIMIT_NAME];  /* of the newest refusal: the id that the record has now, if it names one */
    struct error parse_error;    /* of the newest answer with a good status */
    bool deferred_parse_failed;  /* such an answer was not retried yet */
};

struct exchange_request {
    const char *method;
    const char *url;
    const struct buf *body; /* NULL: none; borrowed until the wait ends */
    const struct retry *retry;
    const char *id;     /* in the body; NULL: none */
    size_t reply_limit; /* 0: LIMIT_PAGE; a response_body has its own */
    bool no_cache;      /* no cache on the way may answer */
};

static inline bool exchange_is_success(int status)
{
    return status >= 200 && status < 300;
}

void exchange_init(struct exchange *exchange, struct rest_source *rest, const char *what);
bool exchange_send(struct exchange *exchange, const struct exchange_request *request,
                   struct error *err) CHECKED;
/* out is yours. ERROR_BUSY after all tries; other kinds as the dialect's refusals say. */
bool exchange_wait(struct exchange *exchange, struct json_value **out_value, struct error *err) CHECKED;
/* Waits until one of them has an answer or an error, which exchange_wait then gives at once. The first
 * counts. */
bool exchange_wait_any(struct exchange *const *exchanges, size_t count, size_t *out_index,
                       struct error *err) CHECKED;
/* The list of a stream in its answer, borrowed. NULL with ERROR_FORMAT: there is none. */
const struct json_value *exchange_list(const struct exchange *exchange, const struct rest_stream *stream,
                                       struct json_value *answer, struct error *err);
/* Moves the counts of tries and normalisations to the page, and says when it was requested. */
void exchange_add_counts(struct exchange *exchange, struct page *page);
void exchange_done(struct exchange *exchange); /* drops a request in flight */
/* Cuts a text of the peer, and replaces what is not printable ASCII. */
void exchange_quote(char *out, size_t size, const char *text);

#endif
