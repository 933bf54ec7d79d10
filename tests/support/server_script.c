/* SPDX-License-Identifier: Apache-2.0 */
#include "server_script.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/mem.h"
#include "httpd/listener.h"

#define MOST_REQUESTS 256
#define LIMIT_REQUEST (16 * 1024 * 1024)

struct server_script {
    struct listener *listener;
    struct tls *tls; /* NULL: plain */

    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t changed;
    struct step *steps;
    bool *taken; /* by step */
    size_t step_count;
    size_t requests, answers;
    char *texts[MOST_REQUESTS];
    bool is_released, is_stopping;
};

/* --- bytes --- */

static void send_blanks(struct connection *connection, size_t size)
{
    char blanks[16384];
    memset(blanks, ' ', sizeof blanks);
    bool is_open = true;
    for (; is_open && size > sizeof blanks; size -= sizeof blanks)
        is_open = connection_send(connection, blanks, sizeof blanks);
    if (is_open) (void)connection_send(connection, blanks, size); /* the client may have gone */
}

static size_t body_size(const char *head)
{
    for (const char *line = strchr(head, '\n'); line; line = strchr(line + 1, '\n'))
        if (strncasecmp(line + 1, "content-length:", 15) == 0) return strtoul(line + 16, NULL, 10);
    return 0;
}

/* One request moves from the connection to the result; NULL at the end of the connection. */
static char *read_request(struct connection *connection)
{
    struct buf *in = &connection->in;
    char bytes[16384];
    for (;;) {
        const char *end = strstr(buf_string(in), "\r\n\r\n");
        size_t head = end ? (size_t)(end - buf_string(in)) + 4 : 0;
        size_t whole = end ? head + body_size(buf_string(in)) : 0;
        if (end && in->size >= whole) {
            char *request = mem_bytes(in->data, whole);
            buf_drop(in, whole);
            return request;
        }
        ssize_t got = connection_receive(connection, bytes, sizeof bytes);
        if (got <= 0) return NULL;
        buf_add(in, bytes, (size_t)got);
        if (in->full) return NULL;
    }
}

/* --- steps --- */

/* The first step that is left for this request, or NULL. */
static const struct step *find_step(struct server_script *server, const char *request)
{
    for (size_t i = 0; i < server->step_count; i++) {
        const struct step *step = &server->steps[i];
        if (server->taken[i] || (step->when && !strstr(request, step->when))) continue;
        server->taken[i] = !step->again;
        return step;
    }
    return NULL;
}

static struct step take_step(struct server_script *server, char *request)
{
    static const char over[] = "HTTP/1.1 499 The script is over\r\nContent-Length: 0\r\n\r\n";
    struct step step = {.bytes = over};
    pthread_mutex_lock(&server->lock);
    if (server->requests == MOST_REQUESTS) abort(); /* a test that loops */
    const struct step *found = find_step(server, request);
    if (found) step = *found;
    server->texts[server->requests++] = request;
    pthread_cond_broadcast(&server->changed);
    while (((step.hold && !server->is_released) || server->requests < step.await ||
            server->answers < step.await_answers) &&
           !server->is_stopping)
        pthread_cond_wait(&server->changed, &server->lock);
    pthread_mutex_unlock(&server->lock);
    return step;
}

static void count_answer(struct server_script *server)
{
    pthread_mutex_lock(&server->lock);
    server->answers++;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

static void serve(void *self, struct connection *connection)
{
    bool is_open = true;
    buf_init(&connection->in, LIMIT_REQUEST);
    while (is_open) {
        char *request = read_request(connection);
        if (!request) break;
        struct step step = take_step(self, request);
        if (step.bytes) /* the client may have gone, as some tests want */
            (void)connection_send(connection, step.bytes, step.size ? step.size : strlen(step.bytes));
        send_blanks(connection, step.blanks);
        count_answer(self);
        if (step.reset) {
            struct linger torn = {.l_onoff = 1, .l_linger = 0};
            (void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &torn, sizeof torn);
        }
        is_open = !step.close && !step.reset;
    }
    buf_done(&connection->in);
}

static void refuse(struct connection *connection)
{
    (void)connection;
    abort(); /* no test needs so many connections */
}

/* --- life --- */

struct server_script *script_start(const struct step *steps, size_t count, bool tls)
{
    struct server_script *server = mem_zero(1, sizeof *server);
    struct error err = {0};
    server->steps = mem_zero(count + 1, sizeof *steps);
    if (count > 0) memcpy(server->steps, steps, count * sizeof *steps);
    server->taken = mem_zero(count + 1, sizeof *server->taken);
    server->step_count = count;
    server->tls = tls ? tls_new(NULL, &err) : NULL;
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    struct listener_options options = {.tls = server->tls, .serve = serve, .refuse = refuse, .self = server};
    if (listener_start(&options, &server->listener, &err)) return server;
    fprintf(stderr, "%s\n", err.text);
    abort();
}

int script_port(const struct server_script *server)
{
    return listener_port(server->listener);
}

size_t script_requests(struct server_script *server)
{
    pthread_mutex_lock(&server->lock);
    size_t requests = server->requests;
    pthread_mutex_unlock(&server->lock);
    return requests;
}

size_t script_connections(struct server_script *server)
{
    return listener_accepted(server->listener);
}

void script_await(struct server_script *server, size_t requests)
{
    pthread_mutex_lock(&server->lock);
    while (server->requests < requests)
        pthread_cond_wait(&server->changed, &server->lock);
    pthread_mutex_unlock(&server->lock);
}

const char *script_request(struct server_script *server, size_t number)
{
    pthread_mutex_lock(&server->lock);
    const char *text = number < server->requests ? server->texts[number] : "";
    pthread_mutex_unlock(&server->lock);
    return text;
}

static void wake(struct server_script *server, bool *flag)
{
    pthread_mutex_lock(&server->lock);
    *flag = true;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

void script_release(struct server_script *server)
{
    wake(server, &server->is_released);
}

void script_stop(struct server_script *server)
{
    if (!server) return;
    wake(server, &server->is_stopping);
    listener_stop(server->listener);
    for (size_t i = 0; i < server->requests; i++)
        free(server->texts[i]);
    tls_free(server->tls);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    free(server->steps);
    free(server->taken);
    free(server);
}
