/* SPDX-License-Identifier: Apache-2.0 */
#include "server_script.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

#define MOST_REQUESTS    256
#define MOST_CONNECTIONS 256
#define LIMIT_REQUEST    (16 * 1024 * 1024)
#define SLICE_MS         20

struct connection {
    struct server_script *server;
    pthread_t thread;
    int socket;
    SSL *tls; /* NULL: plain */
};

struct server_script {
    int listener;
    int port;
    SSL_CTX *tls;
    pthread_t thread;
    atomic_bool over;

    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t changed;
    struct step *steps;
    bool *taken; /* by step */
    size_t step_count;
    size_t requests;
    char *texts[MOST_REQUESTS];
    bool released;
    struct connection connections[MOST_CONNECTIONS];
    size_t connection_count;
};

static void need(bool good, const char *what)
{
    if (good) return;
    perror(what);
    abort();
}

/* --- bytes --- */

/* False at the end of the connection or of the server. */
static bool readable(const struct connection *connection)
{
    if (connection->tls && SSL_pending(connection->tls) > 0) return true;
    struct pollfd wait = {.fd = connection->socket, .events = POLLIN};
    while (!atomic_load(&connection->server->over))
        if (poll(&wait, 1, SLICE_MS) > 0) return true;
    return false;
}

static bool read_some(struct connection *connection, struct buf *text)
{
    char bytes[16384];
    if (!readable(connection)) return false;
    ssize_t got = connection->tls ? SSL_read(connection->tls, bytes, sizeof bytes)
                                  : recv(connection->socket, bytes, sizeof bytes, 0);
    return got > 0 && buf_add(text, bytes, (size_t)got);
}

static void write_all(struct connection *connection, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t put = connection->tls ? SSL_write(connection->tls, bytes, (int)size)
                                      : send(connection->socket, bytes, size, MSG_NOSIGNAL);
        if (put <= 0) return; /* the client has gone, as some tests want */
        bytes += put;
        size -= (size_t)put;
    }
}

static void write_blanks(struct connection *connection, size_t size)
{
    char blanks[16384];
    memset(blanks, ' ', sizeof blanks);
    for (; size > sizeof blanks; size -= sizeof blanks)
        write_all(connection, blanks, sizeof blanks);
    write_all(connection, blanks, size);
}

static size_t body_size(const char *head)
{
    for (const char *line = strchr(head, '\n'); line; line = strchr(line + 1, '\n'))
        if (strncasecmp(line + 1, "content-length:", 15) == 0) return strtoul(line + 16, NULL, 10);
    return 0;
}

/* One request moves from the front of `text` to the result; NULL at the end of the connection. */
static char *read_request(struct connection *connection, struct buf *text)
{
    for (;;) {
        const char *end = strstr(buf_string(text), "\r\n\r\n");
        if (end) {
            size_t head = (size_t)(end - buf_string(text)) + 4;
            size_t whole = head + body_size(buf_string(text));
            if (text->size >= whole) {
                char *request = mem_bytes(text->data, whole);
                buf_drop(text, whole);
                return request;
            }
        }
        if (!read_some(connection, text)) return NULL;
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
    need(server->requests < MOST_REQUESTS, "too many requests");
    const struct step *found = find_step(server, request);
    if (found) step = *found;
    server->texts[server->requests++] = request;
    pthread_cond_broadcast(&server->changed);
    while (((step.hold && !server->released) || server->requests < step.await) && !atomic_load(&server->over))
        pthread_cond_wait(&server->changed, &server->lock);
    pthread_mutex_unlock(&server->lock);
    return step;
}

static void *serve(void *self)
{
    struct connection *connection = self;
    struct buf text;
    buf_init(&text, LIMIT_REQUEST);
    bool open = !connection->tls || (readable(connection) && SSL_accept(connection->tls) == 1);
    while (open) {
        char *request = read_request(connection, &text);
        if (!request) break;
        struct step step = take_step(connection->server, request);
        if (step.bytes) write_all(connection, step.bytes, step.size ? step.size : strlen(step.bytes));
        write_blanks(connection, step.blanks);
        if (step.reset) {
            struct linger torn = {.l_onoff = 1, .l_linger = 0};
            (void)setsockopt(connection->socket, SOL_SOCKET, SO_LINGER, &torn, sizeof torn);
        }
        open = !step.close && !step.reset;
    }
    buf_done(&text);
    SSL_free(connection->tls);
    close(connection->socket);
    return NULL;
}

static void *accept_all(void *self)
{
    struct server_script *server = self;
    struct pollfd wait = {.fd = server->listener, .events = POLLIN};
    while (!atomic_load(&server->over)) {
        if (poll(&wait, 1, SLICE_MS) <= 0) continue;
        int socket = accept(server->listener, NULL, NULL);
        if (socket < 0) continue;
        pthread_mutex_lock(&server->lock);
        need(server->connection_count < MOST_CONNECTIONS, "too many connections");
        struct connection *connection = &server->connections[server->connection_count++];
        *connection = (struct connection){.server = server, .socket = socket};
        if (server->tls) {
            connection->tls = SSL_new(server->tls);
            need(connection->tls && SSL_set_fd(connection->tls, socket) == 1, "TLS");
        }
        need(pthread_create(&connection->thread, NULL, serve, connection) == 0, "thread");
        pthread_mutex_unlock(&server->lock);
    }
    return NULL;
}

/* --- life --- */

/* A key and a certificate that it signed itself, for 127.0.0.1. */
static SSL_CTX *make_tls(void)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    need(tls && key && certificate, "TLS");
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"127.0.0.1", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    need(X509_sign(certificate, key, EVP_sha256()) > 0, "TLS");
    need(SSL_CTX_use_certificate(tls, certificate) == 1 && SSL_CTX_use_PrivateKey(tls, key) == 1, "TLS");
    X509_free(certificate);
    EVP_PKEY_free(key);
    return tls;
}

struct server_script *script_start(const struct step *steps, size_t count, bool tls)
{
    struct server_script *server = mem_zero(1, sizeof *server);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    server->steps = mem_zero(count + 1, sizeof *steps);
    if (count > 0) memcpy(server->steps, steps, count * sizeof *steps);
    server->taken = mem_zero(count + 1, sizeof *server->taken);
    server->step_count = count;
    server->tls = tls ? make_tls() : NULL;
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    need(server->listener >= 0 && bind(server->listener, (struct sockaddr *)&address, size) == 0 &&
             listen(server->listener, 64) == 0 &&
             getsockname(server->listener, (struct sockaddr *)&address, &size) == 0,
         "listen");
    server->port = ntohs(address.sin_port);
    need(pthread_create(&server->thread, NULL, accept_all, server) == 0, "thread");
    return server;
}

int script_port(const struct server_script *server)
{
    return server->port;
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
    pthread_mutex_lock(&server->lock);
    size_t count = server->connection_count;
    pthread_mutex_unlock(&server->lock);
    return count;
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

void script_release(struct server_script *server)
{
    pthread_mutex_lock(&server->lock);
    server->released = true;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

void script_stop(struct server_script *server)
{
    if (!server) return;
    atomic_store(&server->over, true);
    script_release(server);
    pthread_join(server->thread, NULL);
    for (size_t i = 0; i < server->connection_count; i++)
        pthread_join(server->connections[i].thread, NULL);
    for (size_t i = 0; i < server->requests; i++)
        free(server->texts[i]);
    close(server->listener);
    SSL_CTX_free(server->tls);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    free(server->steps);
    free(server->taken);
    free(server);
}
