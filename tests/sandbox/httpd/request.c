/* SPDX-License-Identifier: Apache-2.0 */
/* request.c - HTTP/1.1 requests off a socket: heads, and bodies of known length or in chunks. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "httpd/internal.h"

#define RECEIVE (64 * 1024)

/* Receives once into `in`; false: nothing more comes. */
static bool receive(struct connection *connection)
{
    char bytes[RECEIVE];
    ssize_t got = connection_receive(connection, bytes, sizeof bytes);
    return got > 0 && buf_add(&connection->in, bytes, (size_t)got);
}

/* The position behind the first "\n" at or after `from` in `in`, or 0 if it has not come yet. */
static size_t line_end(const struct buf *in, size_t from)
{
    const char *end = in->size > from ? memchr(in->data + from, '\n', in->size - from) : NULL;
    return end ? (size_t)(end - in->data) + 1 : 0;
}

/* Waits for a whole head; *out_size counts its bytes with the empty line. */
static enum request_outcome await_head(struct connection *connection, size_t *out_size, int *out_status)
{
    size_t start = 0;
    for (;;) {
        size_t end = line_end(&connection->in, start);
        if (end == 0) {
            if (connection->in.size >= HEAD_LIMIT) {
                *out_status = 431;
                return REQUEST_REFUSED;
            }
            if (!receive(connection)) return REQUEST_ENDED;
            continue;
        }
        const char *line = connection->in.data + start;
        bool empty = end - start == 1 || (end - start == 2 && line[0] == '\r');
        if (empty && start > 0) {
            *out_size = end;
            return REQUEST_READ;
        }
        if (empty) { /* blank lines before a request line are allowed */
            buf_drop(&connection->in, end);
            continue;
        }
        start = end;
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void percent_decode(char *text, bool plus_is_blank)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        int high = *from == '%' ? hex_digit(from[1]) : -1;
        int low = high >= 0 ? hex_digit(from[2]) : -1;
        if (low >= 0 && (high || low)) {
            *to++ = (char)(high * 16 + low);
            from += 2;
        } else {
            *to++ = plus_is_blank && *from == '+' ? ' ' : *from;
        }
    }
    *to = '\0';
}

static void split_query(struct http_request *request, char *query)
{
    while (query && request->query_count < MOST_FIELDS) {
        char *next = strchr(query, '&');
        if (next) *next++ = '\0';
        char *value = strchr(query, '=');
        if (value) *value++ = '\0';
        percent_decode(query, true);
        if (value) percent_decode(value, true);
        if (*query)
            request->queries[request->query_count++] =
                (struct name_value){.name = query, .value = value ? value : ""};
        query = next;
    }
}

/* "POST /path?query HTTP/1.1"; 0: fine, else the status to refuse it with. */
static int parse_request_line(struct http_request *request, char *line)
{
    char *target = strchr(line, ' ');
    char *version = target ? strchr(target + 1, ' ') : NULL;
    if (!version || target[1] != '/') return 400;
    *target++ = '\0';
    *version++ = '\0';
    if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0) return 505;
    request->method = line;
    request->target = mem_text(target);
    request->path = target;
    request->keep_alive = strcmp(version, "HTTP/1.1") == 0;
    char *query = strchr(target, '?');
    if (query) *query++ = '\0';
    split_query(request, query);
    return 0;
}

static int parse_header(struct http_request *request, char *line)
{
    char *colon = strchr(line, ':');
    if (!colon || colon == line || request->header_count == MOST_FIELDS)
        return colon && colon != line ? 431 : 400;
    *colon = '\0';
    for (char *c = line; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    char *value = colon + 1 + strspn(colon + 1, " \t");
    for (size_t size = strlen(value); size > 0 && strchr(" \t", value[size - 1]); size--)
        value[size - 1] = '\0';
    request->headers[request->header_count++] = (struct name_value){.name = line, .value = value};
    return 0;
}

static int parse_head(struct http_request *request, size_t size)
{
    if (memchr(request->head, '\0', size)) return 400;
    int status = 0;
    char *line = request->head;
    while (status == 0 && *line && *line != '\r' && *line != '\n') {
        char *next = strchr(line, '\n');
        *next = '\0';
        if (next > line && next[-1] == '\r') next[-1] = '\0';
        status = request->method ? parse_header(request, line) : parse_request_line(request, line);
        line = next + 1;
    }
    const char *connection = request_header(request, "connection");
    if (connection && strcasecmp(connection, "close") == 0) request->keep_alive = false;
    return status;
}

const char *request_header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcmp(request->headers[i].name, name) == 0) return request->headers[i].value;
    }
    return NULL;
}

/* Moves `size` bytes of body out of the connection. */
static enum request_outcome read_bytes(struct connection *connection, struct http_request *request,
                                       size_t size, int *out_status)
{
    if (size > BODY_LIMIT - request->body.size) {
        *out_status = 413;
        return REQUEST_REFUSED;
    }
    while (size > 0) {
        if (connection->in.size == 0 && !receive(connection)) return REQUEST_ENDED;
        size_t part = connection->in.size < size ? connection->in.size : size;
        buf_add(&request->body, connection->in.data, part); /* fits: see above */
        buf_drop(&connection->in, part);
        size -= part;
    }
    return REQUEST_READ;
}

/* One line, without its end, from the connection. */
static bool read_line(struct connection *connection, char *out_line, size_t size)
{
    size_t end;
    while ((end = line_end(&connection->in, 0)) == 0) {
        if (connection->in.size >= size || !receive(connection)) return false;
    }
    if (end >= size) return false;
    memcpy(out_line, connection->in.data, end);
    out_line[end - 1] = '\0';
    if (end > 1 && out_line[end - 2] == '\r') out_line[end - 2] = '\0';
    buf_drop(&connection->in, end);
    return true;
}

static enum request_outcome read_chunks(struct connection *connection, struct http_request *request,
                                        int *out_status)
{
    char line[1024];
    for (;;) {
        if (!read_line(connection, line, sizeof line)) return REQUEST_ENDED;
        char *end;
        unsigned long long size = strtoull(line, &end, 16);
        if (end == line || !isxdigit((unsigned char)line[0]) || (*end && !strchr("; \t", *end))) {
            *out_status = 400;
            return REQUEST_REFUSED;
        }
        if (size == 0) break;
        enum request_outcome outcome = read_bytes(connection, request, size, out_status);
        if (outcome != REQUEST_READ) return outcome;
        if (!read_line(connection, line, sizeof line) || line[0]) return REQUEST_ENDED;
    }
    do { /* trailers */
        if (!read_line(connection, line, sizeof line)) return REQUEST_ENDED;
    } while (line[0]);
    return REQUEST_READ;
}

static enum request_outcome read_body(struct connection *connection, struct http_request *request,
                                      int *out_status)
{
    const char *encoding = request_header(request, "transfer-encoding");
    const char *length = request_header(request, "content-length");
    const char *expect = request_header(request, "expect");
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (expect && strcasecmp(expect, "100-continue") == 0 && connection->in.size == 0 &&
        !connection_send(connection, go_on, sizeof go_on - 1))
        return REQUEST_ENDED;
    if (encoding) {
        *out_status = 501;
        return strcasecmp(encoding, "chunked") == 0 ? read_chunks(connection, request, out_status)
                                                    : REQUEST_REFUSED;
    }
    if (!length) {
        *out_status = 411; /* without a length, the body and the next request look alike */
        bool bodiless = strcmp(request->method, "GET") == 0 || strcmp(request->method, "DELETE") == 0 ||
                        strcmp(request->method, "HEAD") == 0 || strcmp(request->method, "OPTIONS") == 0;
        return bodiless ? REQUEST_READ : REQUEST_REFUSED;
    }
    char *end;
    errno = 0;
    unsigned long long size = strtoull(length, &end, 10);
    if (!isdigit((unsigned char)length[0]) || *end || errno) {
        *out_status = 400;
        return REQUEST_REFUSED;
    }
    return read_bytes(connection, request, size, out_status);
}

enum request_outcome request_read(struct connection *connection, struct http_request *out_request,
                                  int *out_status)
{
    *out_request = (struct http_request){.head = NULL};
    buf_init(&out_request->body, BODY_LIMIT);
    size_t size = 0;
    enum request_outcome outcome = await_head(connection, &size, out_status);
    if (outcome != REQUEST_READ) return outcome;
    out_request->head = mem_bytes(connection->in.data, size);
    buf_drop(&connection->in, size);
    *out_status = parse_head(out_request, size);
    return *out_status ? REQUEST_REFUSED : read_body(connection, out_request, out_status);
}

void request_done(struct http_request *request)
{
    free(request->head);
    free(request->target);
    buf_done(&request->body);
}
