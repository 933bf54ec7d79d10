/* SPDX-License-Identifier: Apache-2.0 */
#include "health.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

#include "base/mem.h"
#include "base/parse.h"

#define CONNECTIONS  16U
#define TIMEOUT_S    10U
#define MEMORY_BYTES ((size_t)16384)
#define LIMIT_BODY   (4 << 20)
#define PAGE_POLICY                                                                                          \
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors "   \
    "'none'"

struct health {
    struct MHD_Daemon *daemon;
    struct monitor *monitor;
    struct metrics *metrics; /* NULL: none */
};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static bool bad_address(const char *text, struct error *err)
{
    return error_set(
        err, ERROR_CONFIG,
        "health is \"%.64s\"; write an address and a port, such as 127.0.0.1:9090, or a port alone", text);
}

static bool read_address(const char *text, union address *out, struct error *err)
{
    char host[64] = "127.0.0.1";
    const char *colon = strrchr(text, ':'), *port = colon ? colon + 1 : text;
    int64_t number;
    bool is_v6 = *text == '[';
    size_t size = colon ? (size_t)(colon - text) : 0;
    if (size >= sizeof host || !parse_int64(port, &number) || number < 1 || number > 65535)
        return bad_address(text, err);
    if (size > 0) (void)snprintf(host, sizeof host, "%.*s", (int)size, text);
    memset(out, 0, sizeof *out);
    if (is_v6) {
        host[strlen(host) - 1] = '\0'; /* ] */
        out->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)number)};
        return inet_pton(AF_INET6, host + 1, &out->v6.sin6_addr) == 1 || bad_address(text, err);
    }
    out->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)number)};
    return inet_pton(AF_INET, host, &out->v4.sin_addr) == 1 || bad_address(text, err);
}

bool health_url(const char *address, char *out, size_t size, struct error *err)
{
    union address read;
    if (!read_address(address, &read, err)) return false;
    const char *colon = strrchr(address, ':');
    if (!colon)
        (void)snprintf(out, size, "http://127.0.0.1:%s", address);
    else if (colon == address || strncmp(address, "0.0.0.0:", 8) == 0)
        (void)snprintf(out, size, "http://127.0.0.1%s", colon);
    else
        (void)snprintf(out, size, "http://%.70s", address);
    return true;
}

struct answer {
    unsigned status;
    const char *type;
    struct buf body;
};

static void answer_live(struct health *health, struct answer *answer)
{
    bool is_live = monitor_is_live(health->monitor);
    answer->status = is_live ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
    buf_text(&answer->body, is_live ? "live\n" : "a worker makes no progress\n");
}

static void answer_ready(struct health *health, struct answer *answer)
{
    const char *reason;
    bool is_ready = monitor_is_ready(health->monitor, &reason);
    answer->status = is_ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
    buf_format(&answer->body, "%s\n", is_ready ? "ready" : reason);
}

static void answer_metrics(struct health *health, struct answer *answer)
{
    answer->type = "text/plain; version=0.0.4; charset=utf-8";
    health_metrics(health->monitor, &answer->body);
    if (health->metrics) metrics_write(health->metrics, &answer->body);
}

static void answer_status(struct health *health, struct answer *answer)
{
    AUTO(json_drop) json_t *status = health_status(health->monitor);
    answer->type = "application/json";
    json_write(&answer->body, status);
    buf_byte(&answer->body, '\n');
}

static void answer_page(struct health *health, struct answer *answer)
{
    answer->type = "text/html; charset=utf-8";
    health_page(health->monitor, &answer->body);
}

static const struct {
    const char *path;
    void (*fill)(struct health *health, struct answer *answer);
} paths[] = {
    {"/livez", answer_live},    {"/readyz", answer_ready}, {"/metrics", answer_metrics},
    {"/status", answer_status}, {"/", answer_page},
};

static void fill(struct health *health, const char *path, const char *method, struct answer *answer)
{
    size_t i = 0, count = sizeof paths / sizeof *paths;
    while (i < count && strcmp(paths[i].path, path) != 0)
        i++;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        answer->status = MHD_HTTP_METHOD_NOT_ALLOWED;
        buf_text(&answer->body, "GET only\n");
    } else if (i == count) {
        answer->status = MHD_HTTP_NOT_FOUND;
        buf_text(&answer->body, "/livez, /readyz, /metrics, /status and / are here\n");
    } else {
        pthread_mutex_lock(&health->monitor->mutex);
        paths[i].fill(health, answer);
        pthread_mutex_unlock(&health->monitor->mutex);
    }
}

/* The parameters are libmicrohttpd's. NOLINTNEXTLINE(readability-function-size) */
static enum MHD_Result handle(void *self, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **context)
{
    struct health *health = self;
    struct answer answer = {.status = MHD_HTTP_OK, .type = "text/plain; charset=utf-8"};
    (void)version;
    (void)upload;
    (void)context;
    if (*upload_size > 0) return MHD_NO; /* no method that we take has a body */
    buf_init(&answer.body, LIMIT_BODY);
    fill(health, path, method, &answer);
    size_t size = 0;
    char *body = buf_take(&answer.body, &size);
    struct MHD_Response *response = MHD_create_response_from_buffer(size, body, MHD_RESPMEM_MUST_FREE);
    if (!response) return MHD_NO;
    (void)MHD_add_response_header(response, "Content-Type", answer.type);
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    (void)MHD_add_response_header(response, "Content-Security-Policy", PAGE_POLICY);
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (answer.status == MHD_HTTP_METHOD_NOT_ALLOWED)
        (void)MHD_add_response_header(response, "Allow", "GET, HEAD");
    enum MHD_Result queued = MHD_queue_response(connection, answer.status, response);
    MHD_destroy_response(response);
    return queued;
}

bool health_start(const char *address, struct monitor *monitor, struct metrics *metrics,
                  struct health **out_health, struct error *err)
{
    union address bound;
    if (!read_address(address, &bound, err)) return false;
    struct health *health = mem_zero(1, sizeof *health);
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | (bound.any.sa_family == AF_INET6 ? MHD_USE_IPv6 : 0U);
    health->monitor = monitor;
    health->metrics = metrics;
    health->daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, handle, health, MHD_OPTION_SOCK_ADDR, &bound.any,
                         MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY_BYTES, MHD_OPTION_END);
    *out_health = health;
    if (health->daemon) return true;
    free(health);
    *out_health = NULL;
    return error_set(
        err, ERROR_CONFIG,
        "the health port %s can't be opened: another program may use it; set \"health\" to another", address);
}

void health_stop(struct health *health)
{
    if (!health) return;
    MHD_stop_daemon(health->daemon);
    free(health);
}
