/* SPDX-License-Identifier: Apache-2.0 */
#include "serve.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include <microhttpd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/parse.h"

#define BODY_LIMIT   (64 << 20)
#define MEMORY_BYTES ((size_t)1 << 18) /* of a connection: large pieces of an upload at once */
#define MOST_WAITING 4096
#define IDLE_MS      200

struct server {
    exchange_handler *handle;
    void *self;
    struct exchange *waiting[MOST_WAITING];
    size_t waiting_count;
};

static volatile sig_atomic_t stopped;

static void stop(int number)
{
    (void)number;
    stopped = 1;
}

const char *exchange_query(const struct exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *exchange_header(const struct exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

bool exchange_is(const struct exchange *exchange, const char *method, const char *path)
{
    return strcmp(exchange->method, method) == 0 && strcmp(exchange->path, path) == 0;
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    if (*value && MHD_add_response_header(response, name, value) != MHD_YES) abort();
}

static void add_number(struct MHD_Response *response, const char *name, int64_t value)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRId64, value);
    add_header(response, name, text);
}

static enum MHD_Result answer(struct exchange *exchange)
{
    size_t size = 0;
    char *bytes = buf_take(&exchange->reply, &size);
    struct MHD_Response *response = MHD_create_response_from_buffer(size, bytes, MHD_RESPMEM_MUST_FREE);
    if (!response) abort();
    add_header(response, "Content-Type", exchange->type ? exchange->type : "application/json; charset=utf-8");
    add_header(response, "Content-Encoding", exchange->is_gzip ? "gzip" : "");
    add_header(response, "Date", exchange->date);
    add_header(response, "Location", exchange->location);
    add_header(response, "Range", exchange->range);
    if (exchange->rate_limit > 0) {
        add_number(response, "X-RateLimit-Limit", exchange->rate_limit);
        add_number(response, "X-RateLimit-Remaining", exchange->rate_remaining);
        add_number(response, "X-RateLimit-Reset", exchange->rate_reset_s);
    }
    enum MHD_Result queued = MHD_queue_response(exchange->connection, (unsigned)exchange->status, response);
    MHD_destroy_response(response);
    return queued;
}

static struct exchange *begin(struct MHD_Connection *connection, const char *method)
{
    struct exchange *exchange = mem_zero(1, sizeof *exchange);
    exchange->connection = connection;
    exchange->method = method;
    exchange->status = MHD_HTTP_OK;
    buf_init(&exchange->body, BODY_LIMIT);
    buf_init(&exchange->reply, BODY_LIMIT);
    return exchange;
}

/* Called when the headers have come, for each piece of the body, at its end, and when a wait is over. */
static enum MHD_Result receive(void *self, struct MHD_Connection *connection, const char *path,
                               const char *method, const char *version, const char *bytes, size_t *size,
                               void **context)
{
    struct server *server = self;
    struct exchange *exchange = *context;
    (void)version;
    if (!exchange) {
        *context = begin(connection, method);
        return MHD_YES;
    }
    if (*size > 0) {
        enum MHD_Result taken = buf_add(&exchange->body, bytes, *size) ? MHD_YES : MHD_NO;
        *size = 0;
        return taken;
    }
    if (exchange->is_handled) return answer(exchange);
    exchange->path = path;
    exchange->is_handled = true;
    server->handle(server->self, exchange);
    if (exchange->delay_ms <= 0 || server->waiting_count == MOST_WAITING) return answer(exchange);
    exchange->due_ms = clock_ms() + exchange->delay_ms;
    server->waiting[server->waiting_count++] = exchange;
    MHD_suspend_connection(connection);
    return MHD_YES;
}

static void end(void *self, struct MHD_Connection *connection, void **context,
                enum MHD_RequestTerminationCode code)
{
    struct exchange *exchange = *context;
    (void)self, (void)connection, (void)code;
    if (!exchange) return;
    buf_done(&exchange->body);
    buf_done(&exchange->reply);
    free(exchange);
    *context = NULL;
}

/* Returns the milliseconds until the next answer is due. */
static int64_t resume_due(struct server *server)
{
    int64_t now_ms = clock_ms(), next_ms = IDLE_MS;
    for (size_t i = 0; i < server->waiting_count;) {
        int64_t left_ms = server->waiting[i]->due_ms - now_ms;
        if (left_ms <= 0) {
            MHD_resume_connection(server->waiting[i]->connection);
            server->waiting[i] = server->waiting[--server->waiting_count];
            continue;
        }
        if (left_ms < next_ms) next_ms = left_ms;
        i++;
    }
    return next_ms;
}

int serve(exchange_handler *handle, void *self)
{
    struct server *server = mem_zero(1, sizeof *server);
    *server = (struct server){.handle = handle, .self = self};
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
    } address = {.v4 = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}}};
    (void)signal(SIGTERM, stop);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* the bench may be killed */
    (void)signal(SIGPIPE, SIG_IGN);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_SUPPRESS_DATE_NO_CLOCK, 0, NULL, NULL, receive,
        server, MHD_OPTION_SOCK_ADDR, &address.any, MHD_OPTION_NOTIFY_COMPLETED, end, NULL,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY_BYTES, MHD_OPTION_END);
    if (!daemon) {
        (void)fprintf(stderr, "no port could be opened on 127.0.0.1\n");
        free(server);
        return 1;
    }
    printf("port %d\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    (void)fflush(stdout);
    while (!stopped)
        (void)MHD_run_wait(daemon, (int32_t)resume_due(server));
    for (size_t i = 0; i < server->waiting_count; i++)
        MHD_resume_connection(server->waiting[i]->connection);
    MHD_stop_daemon(daemon);
    free(server);
    return 0;
}

const char *argument(int count, char *const *arguments, const char *name, const char *fallback)
{
    for (int i = 1; i + 1 < count; i++)
        if (strcmp(arguments[i], name) == 0) return arguments[i + 1];
    return fallback;
}

int64_t argument_int(int count, char *const *arguments, const char *name, int64_t fallback)
{
    const char *text = argument(count, arguments, name, NULL);
    int64_t value = fallback;
    if (text && !parse_int64(text, &value)) {
        (void)fprintf(stderr, "%s is no number: %s\n", name, text);
        exit(64);
    }
    return value;
}
