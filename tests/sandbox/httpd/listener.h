/* SPDX-License-Identifier: Apache-2.0 */
/* listener.h - TCP connections on loopback, in the clear or under TLS: one thread accepts, each connection
 * has its own.
 *
 * A connection belongs to its thread; the other functions may be called from any thread.
 */
#ifndef CASELOAD_SANDBOX_LISTENER_H
#define CASELOAD_SANDBOX_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "httpd/tls.h"

struct connection {
    int fd;             /* the listener closes it */
    size_t number;      /* of its listener's connections, from 1 */
    struct ssl_st *tls; /* NULL: in the clear */
    struct buf in;      /* received, not used yet; serve() initialises and frees it */
};

ssize_t connection_receive(struct connection *connection, void *out_bytes, size_t size); /* <= 0: over */
bool connection_send(struct connection *connection, const void *bytes, size_t size);

struct listener_options {
    int port;              /* 0: any free one */
    const struct tls *tls; /* NULL: in the clear; else the peer may speak either */
    /* Runs in the connection's thread; the connection ends when it returns. */
    void (*serve)(void *self, struct connection *connection);
    void (*refuse)(struct connection *connection); /* too many are open; the connection ends afterwards */
    void *self;
};

struct listener;

bool listener_start(const struct listener_options *options, struct listener **out_listener,
                    struct error *err);
int listener_port(const struct listener *listener);
size_t listener_accepted(struct listener *listener); /* connections so far */
/* Ends every connection and joins every thread; whatever serve() waits for must have ended. NULL is fine. */
void listener_stop(struct listener *listener);

#endif
