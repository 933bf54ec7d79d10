/* SPDX-License-Identifier: Apache-2.0 */
/* wire.c - bytes of a connection, in the clear or under TLS. */
#include <errno.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "httpd/server.h"

#define TLS_HANDSHAKE 0x16 /* the first byte that a TLS client sends; no HTTP method begins so */

bool connection_open(struct connection *connection, const struct tls *tls)
{
    unsigned char first = 0;
    ssize_t got = 0;
    if (!tls) return true;
    do {
        got = recv(connection->fd, &first, 1, MSG_PEEK);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) return false;
    if (first != TLS_HANDSHAKE) return true;
    connection->tls = tls_open(tls, connection->fd);
    return connection->tls != NULL;
}

void connection_close(struct connection *connection)
{
    if (connection->tls) (void)SSL_shutdown(connection->tls); /* the peer may have gone */
    SSL_free(connection->tls);
    connection->tls = NULL;
}

ssize_t connection_receive(struct connection *connection, void *out_bytes, size_t size)
{
    ssize_t got;
    if (connection->tls) return SSL_read(connection->tls, out_bytes, (int)size);
    do {
        got = recv(connection->fd, out_bytes, size, 0);
    } while (got < 0 && errno == EINTR);
    return got;
}

bool connection_send(struct connection *connection, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        size_t part = size < 1 << 30 ? size : 1 << 30;
        ssize_t sent = connection->tls ? SSL_write(connection->tls, at, (int)part)
                                       : send(connection->fd, at, part, MSG_NOSIGNAL);
        if (sent < 0 && !connection->tls && errno == EINTR) continue;
        if (sent <= 0) return false;
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}
