/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - what the files of the HTTP server know of each other.
 *
 * server.c          sockets and threads
 * server_wire.c     bytes of a connection, in the clear or under TLS
 * server_request.c  bytes from a connection become a struct request
 * server_answer.c   a request becomes an answer: routes, faults, journal
 *
 * A request and its connection belong to one thread.
 */
#ifndef CASELOAD_SANDBOX_SERVER_H
#define CASELOAD_SANDBOX_SERVER_H

#include <stdatomic.h>
#include <sys/types.h>

#include "sandbox_internal.h"

#define HEAD_LIMIT  (64 * 1024)
#define BODY_LIMIT  (100 * 1024 * 1024)
#define REPLY_LIMIT (64 * 1024 * 1024)
#define FIELDS      100 /* header lines, and query parameters */

struct field {
    const char *name;
    const char *value;
};

/* Everything points into head, which is cut into strings in place. */
struct request {
    char *head;
    const char *method;
    char *target; /* as sent, with query */
    char *path;   /* as sent, without query: segments are decoded one by one */
    struct field headers[FIELDS];
    size_t header_count;
    struct field queries[FIELDS];
    size_t query_count;
    struct buf body;
    bool keep_alive;
};

enum reading {
    READING_DONE,
    READING_ENDED,  /* the peer closed, or sent nothing that can be answered */
    READING_REFUSED /* answer with the status, then close */
};

struct connection {
    int fd;
    struct ssl_st *tls; /* NULL: in the clear */
    struct buf in;      /* received, not used yet */
};

struct server {
    struct sandbox *sandbox;
    const struct route *const *tables;
    size_t table_count;
    int fd;
    int port;
    atomic_bool stopping;
    atomic_llong exchanges;
    void *crew; /* server.c's */
};

/* Finds out whether the peer speaks TLS (it may, if the sandbox does) and shakes hands; blocks. */
bool connection_open(struct connection *connection, const struct tls *tls);
void connection_close(struct connection *connection); /* TLS only: the socket is the caller's */
ssize_t connection_receive(struct connection *connection, void *out_bytes, size_t size); /* <= 0: over */
bool connection_send(struct connection *connection, const void *bytes, size_t size);

enum reading request_read(struct connection *connection, struct request *out_request, int *out_status);
void request_done(struct request *request);
const char *request_header(const struct request *request, const char *name); /* NULL: absent */

/* Answers one request; false: the connection must be closed. */
bool server_answer(struct server *server, struct connection *connection, struct request *request);
void server_refuse(struct connection *connection, int status);

#endif
