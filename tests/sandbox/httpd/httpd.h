/* SPDX-License-Identifier: Apache-2.0 */
/* httpd.h - an HTTP/1.1 server on loopback, which can cut answers, delay them and hang. Any thread.
 *
 * Each connection has a thread, which calls the handlers. Per exchange the server consults the fault script
 * (status, drop before|after, delay, truncate, hang, empty, html, body), calls the handler, and writes the
 * journal ("control" is not journalled). A path without a route is answered 404 in its service's manner.
 */
#ifndef CASELOAD_SANDBOX_HTTPD_H
#define CASELOAD_SANDBOX_HTTPD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct faults;
struct journal;
struct server;
struct tls;
struct virtual_clock;

struct exchange {
    void *service; /* of the route's table */
    const char *method;
    const char *path;           /* decoded, without query */
    const char *const *capture; /* the {..} segments of the route's pattern, in order */
    const char *body;           /* followed by a NUL; the server refuses bodies over 100 MiB */
    size_t body_size;
    json_t *detail; /* handlers may add to the journal entry */
    int status;     /* the answer: 200 unless set */
    struct buf reply;
    struct buf reply_headers; /* "Name: value\r\n" lines; Content-Type defaults to JSON, Date is added */
    /* An answer that follows in pieces, after `reply`: called until it adds nothing. NULL: there is no more.
     */
    void (*more)(struct exchange *exchange, struct buf *out);
    int64_t position; /* of `more`, between its calls */
    int port;         /* of the server */
    bool is_secure;   /* it came under TLS */
    void *private;
};

/* Borrowed; NULL if absent. Header names in lower case. */
const char *exchange_query(const struct exchange *exchange, const char *name);
const char *exchange_query_name(const struct exchange *exchange, size_t index); /* as they were sent */
const char *exchange_header(const struct exchange *exchange, const char *name);
json_t *exchange_json(struct exchange *exchange); /* the body; NULL if it is not JSON; yours */
void exchange_reply_json(struct exchange *exchange, int status, json_t *value); /* takes the reference */
void exchange_add_header(struct exchange *exchange, const char *name, const char *format, ...) PRINTF(3, 4);

struct route {
    const char *service;   /* "bigquery", "intercom", "control" */
    const char *operation; /* the name faults and journal use: "jobs.insert" */
    const char *method;
    const char *pattern; /* "/bigquery/v2/projects/{}/jobs/{}": {} matches one segment */
    void (*handle)(struct exchange *exchange);
};

/* A service's routes, which end with a zeroed one, and what its handlers work on. */
struct route_table {
    const struct route *routes;
    void *service;
    /* Whether a request may come in; else it has been answered. NULL: all may. */
    bool (*admit)(void *self, struct exchange *exchange);
    void *admit_self;
};

struct server_options {
    int port;                         /* 0: any free one */
    const struct route_table *tables; /* copied; the first route that fits is taken */
    size_t table_count;
    struct virtual_clock *clock;
    struct journal *journal;
    struct faults *faults;
    const struct tls *tls; /* NULL: everything in the clear */
};

bool server_start(const struct server_options *options, struct server **out_server, struct error *err);
int server_port(const struct server *server);
void server_stop(struct server *server);

void percent_decode(char *text, bool plus_is_blank); /* in place */

#endif
