/* SPDX-License-Identifier: Apache-2.0 */
#include "test/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_LIMIT (64 * 1024 * 1024)

static void receive_all(int fd, struct buf *out)
{
    char bytes[65536];
    ssize_t got;
    while ((got = recv(fd, bytes, sizeof bytes, 0)) > 0)
        buf_add(out, bytes, (size_t)got);
}

/* Of the last answer, if several came on the connection. */
static void understand(struct answer *answer)
{
    const char *head = buf_string(&answer->all);
    for (const char *next = head; (next = strstr(next, "HTTP/1.1 ")); next++)
        head = strncmp(next, "HTTP/1.1 100", 12) == 0 ? head : next;
    const char *end = strstr(head, "\r\n\r\n");
    const char *length = strstr(head, "Content-Length: ");
    if (!end) return;
    answer->status = (int)strtol(head + strlen("HTTP/1.1 "), NULL, 10); /* 0 if it is none */
    answer->body = end + 4;
    size_t size = answer->all.size - (size_t)(answer->body - answer->all.data);
    answer->whole = length && length < end && strtoull(length + 16, NULL, 10) == size;
}

struct answer client_send(int port, const char *bytes, size_t size)
{
    struct answer answer = {.body = ""};
    buf_init(&answer.all, ANSWER_LIMIT);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
        while (size > 0) {
            ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
            if (sent <= 0) break;
            bytes += sent;
            size -= (size_t)sent;
        }
        receive_all(fd, &answer.all);
        understand(&answer);
    }
    if (fd >= 0) close(fd);
    return answer;
}

struct answer client_request(int port, const char *method, const char *target, const char *headers,
                             const char *body)
{
    struct buf request;
    buf_init(&request, ANSWER_LIMIT);
    buf_format(&request, "%s %s HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\n%s", method, target,
               headers);
    if (body) buf_format(&request, "Content-Length: %zu\r\n", strlen(body));
    buf_text(&request, "\r\n");
    buf_text(&request, body ? body : "");
    struct answer answer = client_send(port, request.data, request.size);
    buf_done(&request);
    return answer;
}

json_t *client_json(const struct answer *answer)
{
    return json_loads(answer->body, JSON_DECODE_ANY, NULL);
}

void answer_done(struct answer *answer)
{
    buf_done(&answer->all);
}

bool client_serve(struct sandbox *sandbox, const struct route *routes)
{
    struct error err;
    struct route_table table = {.routes = routes, .service = sandbox};
    struct server_options options = {.tables = &table,
                                     .table_count = 1,
                                     .clock = sandbox->clock,
                                     .journal = sandbox->journal,
                                     .faults = sandbox->faults};
    return server_start(&options, &sandbox->server, &err);
}
