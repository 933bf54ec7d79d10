/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - the life of the HTTP server: connections become requests, and requests answers. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "httpd/internal.h"

static void serve(void *self, struct connection *connection)
{
    struct server *server = self;
    buf_init(&connection->in, HEAD_LIMIT * 2);
    for (bool is_open = true; is_open && !atomic_load(&server->stopping);) {
        struct http_request request;
        int status = 0;
        enum request_outcome outcome = request_read(connection, &request, &status);
        is_open = outcome == REQUEST_READ && server_answer(server, connection, &request);
        if (outcome == REQUEST_REFUSED) server_refuse(connection, status);
        request_done(&request);
    }
    buf_done(&connection->in);
}

static void refuse(struct connection *connection)
{
    server_refuse(connection, 503);
}

static void server_free(struct server *server)
{
    free(server->tables);
    free(server);
}

bool server_start(const struct server_options *options, struct server **out_server, struct error *err)
{
    struct server *server = mem_zero(1, sizeof *server);
    size_t tables_size = options->table_count * sizeof *options->tables;
    server->options = *options;
    server->tables = memcpy(mem_zero(1, tables_size + 1), options->tables, tables_size);
    struct listener_options listening = {
        .port = options->port, .tls = options->tls, .serve = serve, .refuse = refuse, .self = server};
    if (listener_start(&listening, &server->listener, err)) {
        *out_server = server;
        return true;
    }
    server_free(server);
    return false;
}

int server_port(const struct server *server)
{
    return listener_port(server->listener);
}

void server_stop(struct server *server)
{
    if (!server) return;
    atomic_store(&server->stopping, true);
    listener_stop(server->listener);
    server_free(server);
}
