/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - the sockets and threads of the HTTP server: one thread accepts, each connection has its own. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "httpd/server.h"

#define CONNECTIONS 256

enum seat_state { SEAT_FREE, SEAT_TAKEN, SEAT_LEFT /* its thread has ended and waits to be joined */ };

struct seat {
    struct server *server;
    enum seat_state state;
    pthread_t thread;
    int fd;
};

struct crew {
    pthread_mutex_t lock; /* over the seats */
    pthread_t acceptor;
    struct seat seats[CONNECTIONS];
};

static void *serve_connection(void *argument)
{
    struct seat *seat = argument;
    struct crew *crew = seat->server->crew;
    struct connection connection = {.fd = seat->fd};
    buf_init(&connection.in, HEAD_LIMIT * 2);
    bool begun = connection_open(&connection, seat->server->sandbox->tls);
    for (bool open = begun; open && !atomic_load(&seat->server->stopping);) {
        struct request request;
        int status = 0;
        enum reading reading = request_read(&connection, &request, &status);
        open = reading == READING_DONE && server_answer(seat->server, &connection, &request);
        if (reading == READING_REFUSED) server_refuse(&connection, status);
        request_done(&request);
    }
    buf_done(&connection.in);
    connection_close(&connection);
    pthread_mutex_lock(&crew->lock);
    close(seat->fd);
    seat->fd = -1;
    seat->state = SEAT_LEFT;
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

/* The lock is held. */
static struct seat *find_seat(struct crew *crew)
{
    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct seat *seat = &crew->seats[i];
        if (seat->state == SEAT_LEFT) {
            pthread_join(seat->thread, NULL);
            seat->state = SEAT_FREE;
        }
        if (seat->state == SEAT_FREE) return seat;
    }
    return NULL;
}

static void seat_connection(struct server *server, int fd)
{
    struct crew *crew = server->crew;
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* only a matter of speed */
    pthread_mutex_lock(&crew->lock);
    struct seat *seat = find_seat(crew);
    if (seat) {
        seat->server = server;
        seat->fd = fd;
        seat->state = SEAT_TAKEN;
        if (pthread_create(&seat->thread, NULL, serve_connection, seat) != 0) {
            seat->state = SEAT_FREE;
            seat = NULL;
        }
    }
    pthread_mutex_unlock(&crew->lock);
    if (!seat) {
        struct connection refused = {.fd = fd};
        server_refuse(&refused, 503);
        close(fd);
    }
}

static void *accept_connections(void *argument)
{
    struct server *server = argument;
    while (!atomic_load(&server->stopping)) {
        int fd = accept(server->fd, NULL, NULL);
        if (fd >= 0)
            seat_connection(server, fd);
        else if (errno != EINTR && errno != ECONNABORTED)
            break;
    }
    return NULL;
}

static bool listen_on(struct server *server, int port, struct error *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    int on = 1;
    server->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (server->fd < 0 || setsockopt(server->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(server->fd, (struct sockaddr *)&address, size) != 0 || listen(server->fd, 128) != 0 ||
        getsockname(server->fd, (struct sockaddr *)&address, &size) != 0)
        return error_set(err, ERROR_CONFIG, "sandbox: can't listen on HTTP port %d (%s); choose another",
                         port, strerror(errno));
    server->port = ntohs(address.sin_port);
    return true;
}

bool server_start(struct sandbox *sandbox, int port, const struct route *const *route_tables,
                  size_t table_count, struct server **out_server, struct error *err)
{
    struct server *server = mem_zero(1, sizeof *server);
    struct crew *crew = mem_zero(1, sizeof *crew);
    server->sandbox = sandbox;
    server->tables = route_tables;
    server->table_count = table_count;
    server->crew = crew;
    pthread_mutex_init(&crew->lock, NULL);
    bool started = listen_on(server, port, err);
    if (started && pthread_create(&crew->acceptor, NULL, accept_connections, server) != 0)
        started = error_set(err, ERROR_LIMIT, "sandbox: no thread for the HTTP server; end other programs");
    if (started) {
        *out_server = server;
        return true;
    }
    if (server->fd >= 0) close(server->fd);
    pthread_mutex_destroy(&crew->lock);
    free(crew);
    free(server);
    return false;
}

int server_port(const struct server *server)
{
    return server->port;
}

void server_stop(struct server *server)
{
    if (!server) return;
    struct crew *crew = server->crew;
    atomic_store(&server->stopping, true);
    shutdown(server->fd, SHUT_RDWR); /* wakes accept */
    pthread_join(crew->acceptor, NULL);
    close(server->fd);
    pthread_mutex_lock(&crew->lock);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        if (crew->seats[i].state == SEAT_TAKEN) shutdown(crew->seats[i].fd, SHUT_RDWR); /* wakes recv */
    }
    pthread_mutex_unlock(&crew->lock);
    for (size_t i = 0; i < CONNECTIONS; i++) { /* nobody else looks at the seats' threads any more */
        pthread_mutex_lock(&crew->lock);
        bool used = crew->seats[i].state != SEAT_FREE;
        pthread_mutex_unlock(&crew->lock);
        if (used) pthread_join(crew->seats[i].thread, NULL);
    }
    pthread_mutex_destroy(&crew->lock);
    free(crew);
    free(server);
}
