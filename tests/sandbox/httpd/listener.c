/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

#define CONNECTIONS   256
#define TLS_HANDSHAKE 0x16 /* the first byte that a TLS client sends; no HTTP method begins so */

enum slot_state { SLOT_FREE, SLOT_OPEN, SLOT_ENDED /* its thread waits to be joined */ };

struct connection_slot {
    struct listener *listener;
    enum slot_state state;
    pthread_t thread;
    int fd;
    size_t number;
};

struct listener {
    struct listener_options options;
    int fd;
    int port;
    atomic_bool stopping;
    atomic_size_t accepted;
    pthread_t acceptor;
    pthread_mutex_t lock; /* over the slots */
    struct connection_slot slots[CONNECTIONS];
};

/* --- one connection --- */

/* Finds out whether the peer speaks TLS, and shakes hands; blocks. */
static bool connection_open(struct connection *connection, const struct tls *tls)
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

static void *serve_connection(void *argument)
{
    struct connection_slot *slot = argument;
    struct listener *listener = slot->listener;
    struct connection connection = {.fd = slot->fd, .number = slot->number};
    if (connection_open(&connection, listener->options.tls))
        listener->options.serve(listener->options.self, &connection);
    if (connection.tls) (void)SSL_shutdown(connection.tls); /* the peer may have gone */
    SSL_free(connection.tls);
    pthread_mutex_lock(&listener->lock);
    close(slot->fd);
    slot->state = SLOT_ENDED;
    pthread_mutex_unlock(&listener->lock);
    return NULL;
}

/* --- all of them --- */

/* The lock is held. */
static struct connection_slot *find_slot(struct listener *listener)
{
    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct connection_slot *slot = &listener->slots[i];
        if (slot->state == SLOT_ENDED) {
            pthread_join(slot->thread, NULL);
            slot->state = SLOT_FREE;
        }
        if (slot->state == SLOT_FREE) return slot;
    }
    return NULL;
}

static void begin_connection(struct listener *listener, int fd, size_t number)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* only a matter of speed */
    pthread_mutex_lock(&listener->lock);
    struct connection_slot *slot = find_slot(listener);
    if (slot) {
        *slot =
            (struct connection_slot){.listener = listener, .fd = fd, .number = number, .state = SLOT_OPEN};
        if (pthread_create(&slot->thread, NULL, serve_connection, slot) != 0) {
            slot->state = SLOT_FREE;
            slot = NULL;
        }
    }
    pthread_mutex_unlock(&listener->lock);
    if (!slot) {
        struct connection refused = {.fd = fd};
        listener->options.refuse(&refused);
        close(fd);
    }
}

static void *accept_connections(void *argument)
{
    struct listener *listener = argument;
    while (!atomic_load(&listener->stopping)) {
        int fd = accept(listener->fd, NULL, NULL);
        if (fd >= 0) {
            begin_connection(listener, fd, atomic_fetch_add(&listener->accepted, 1) + 1);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            break;
        }
    }
    return NULL;
}

static bool listen_on(struct listener *listener, int port, struct error *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    int on = 1;
    listener->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (listener->fd < 0 || setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(listener->fd, (struct sockaddr *)&address, size) != 0 || listen(listener->fd, 128) != 0 ||
        getsockname(listener->fd, (struct sockaddr *)&address, &size) != 0)
        return error_set(err, ERROR_CONFIG, "can't listen on port %d: %s. Choose another port", port,
                         strerror(errno));
    listener->port = ntohs(address.sin_port);
    return true;
}

static void listener_free(struct listener *listener)
{
    if (listener->fd >= 0) close(listener->fd);
    pthread_mutex_destroy(&listener->lock);
    free(listener);
}

bool listener_start(const struct listener_options *options, struct listener **out_listener, struct error *err)
{
    struct listener *listener = mem_zero(1, sizeof *listener);
    listener->options = *options;
    pthread_mutex_init(&listener->lock, NULL);
    *out_listener = listener; /* before a connection can ask for it */
    bool is_started = listen_on(listener, options->port, err);
    if (is_started && pthread_create(&listener->acceptor, NULL, accept_connections, listener) != 0)
        is_started = error_set(err, ERROR_LIMIT, "can't start a thread. End other programs");
    if (is_started) return true;
    *out_listener = NULL;
    listener_free(listener);
    return false;
}

int listener_port(const struct listener *listener)
{
    return listener->port;
}

size_t listener_accepted(struct listener *listener)
{
    return atomic_load(&listener->accepted);
}

void listener_stop(struct listener *listener)
{
    if (!listener) return;
    atomic_store(&listener->stopping, true);
    shutdown(listener->fd, SHUT_RDWR); /* wakes accept */
    pthread_join(listener->acceptor, NULL);
    pthread_mutex_lock(&listener->lock);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        if (listener->slots[i].state == SLOT_OPEN)
            shutdown(listener->slots[i].fd, SHUT_RDWR); /* wakes recv */
    }
    pthread_mutex_unlock(&listener->lock);
    for (size_t i = 0; i < CONNECTIONS; i++) { /* the acceptor, which alone reuses slots, has ended */
        pthread_mutex_lock(&listener->lock);
        bool is_used = listener->slots[i].state != SLOT_FREE;
        pthread_mutex_unlock(&listener->lock);
        if (is_used) pthread_join(listener->slots[i].thread, NULL);
    }
    listener_free(listener);
}
