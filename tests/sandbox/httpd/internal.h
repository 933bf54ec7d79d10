/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the files of the HTTP server know of each other.
 *
 * listener.c  sockets, TLS and threads (listener.h)
 * server.c    the server's life
 * request.c   bytes from a connection become a struct http_request
 * answer.c    a request becomes an answer: routes, faults, journal
 *
 * A request and its connection belong to one thread.
 */
#ifndef CASELOAD_SANDBOX_HTTPD_INTERNAL_H
#define CASELOAD_SANDBOX_HTTPD_INTERNAL_H

#include <stdatomic.h>

#include "httpd/httpd.h"
#include "httpd/listener.h"
#include "shared/faults.h"
#include "shared/journal.h"
#include "shared/virtual_clock.h"

#define HEAD_LIMIT  (64 * 1024)
#define BODY_LIMIT  (100 * 1024 * 1024)
#define REPLY_LIMIT (64 * 1024 * 1024)
#define MOST_FIELDS 100 /* header lines, and query parameters */

struct name_value {
    const char *name;
    const char *value;
};

/* Everything points into head, which is cut into strings in place. */
struct http_request {
    char *head;
    const char *method;
    char *target; /* as sent, with query */
    char *path;   /* as sent, without query: segments are decoded one by one */
    struct name_value headers[MOST_FIELDS];
    size_t header_count;
    struct name_value queries[MOST_FIELDS];
    size_t query_count;
    struct buf body;
    bool keep_alive;
    size_t connection; /* its number */
};

enum request_outcome {
    REQUEST_READ,
    REQUEST_ENDED,  /* the peer closed, or sent nothing that can be answered */
    REQUEST_REFUSED /* answer with the status, then close */
};

struct server {
    struct server_options options; /* but for its tables */
    struct route_table *tables;
    struct listener *listener;
    atomic_bool stopping;
    atomic_llong exchanges;
};

enum request_outcome request_read(struct connection *connection, struct http_request *out_request,
                                  int *out_status);
void request_done(struct http_request *request);
const char *request_header(const struct http_request *request, const char *name); /* NULL: absent */

/* Answers one request; false: the connection must be closed. */
bool server_answer(struct server *server, struct connection *connection, struct http_request *request);
void server_refuse(struct connection *connection, int status);

#endif
