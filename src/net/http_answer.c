/* SPDX-License-Identifier: Apache-2.0 */
/* http_answer.c - takes heads and bodies as curl receives them. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_call.h"

/* --- bodies --- */

/* NULL: the reply takes the body itself. */
static const struct http_sink *sink_of(const struct http_call *call)
{
    long status = 0;
    if (!call->request.sink) return NULL;
    if (curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK) abort(); /* no handle */
    return status >= 200 && status < 300 ? call->request.sink : NULL;
}

static bool take_body(void *self, const void *bytes, size_t size)
{
    struct http_call *call = self;
    const struct http_sink *sink = sink_of(call);
    if (sink ? sink->take(sink->self, bytes, size) : buf_add(&call->reply.body, bytes, size)) return true;
    call->over_limit = true;
    return false;
}

static bool read_coding(const struct http_reply *reply, bool *out_is_gzip)
{
    char coding[16];
    *out_is_gzip = false;
    if (!http_header(reply, "content-encoding", coding, sizeof coding) || !*coding ||
        strcasecmp(coding, "identity") == 0)
        return true;
    *out_is_gzip = strcasecmp(coding, "gzip") == 0 || strcasecmp(coding, "x-gzip") == 0;
    return *out_is_gzip;
}

bool http_is_gzip(const struct http_reply *reply)
{
    bool is_gzip;
    return read_coding(reply, &is_gzip) && is_gzip;
}

/* curl would open it with zlib, which takes twice the CPU time. */
static bool begin_body(struct http_call *call)
{
    struct gunzip **idle = &call->http->idle_gunzip;
    const struct http_sink *sink = sink_of(call);
    bool is_gzip;
    call->body_begun = true;
    if (!read_coding(&call->reply, &is_gzip)) {
        call->damage = "the response has another content-encoding than gzip";
        return false;
    }
    if (!is_gzip || (sink && sink->is_raw)) return true;
    call->gunzip = *idle ? *idle : gunzip_new();
    *idle = NULL;
    call->unzipped = GUNZIP_MORE;
    return true;
}

void call_end_body(struct http_call *call)
{
    struct gunzip **idle = &call->http->idle_gunzip;
    if (!call->gunzip) return;
    gunzip_reset(call->gunzip);
    if (*idle)
        gunzip_free(call->gunzip);
    else
        *idle = call->gunzip;
    call->gunzip = NULL;
}

static bool unzip_body(struct http_call *call, const char *bytes, size_t size)
{
    const struct gunzip_sink sink = {.take = take_body, .self = call};
    call->unzipped = gunzip_add(call->gunzip, bytes, size, &sink);
    if (call->unzipped == GUNZIP_BAD) call->damage = "the response's gzip is damaged";
    return call->unzipped == GUNZIP_MORE || call->unzipped == GUNZIP_END;
}

size_t call_on_body(char *bytes, size_t one, size_t size, void *self)
{
    struct http_call *call = self;
    size_t all = one * size;
    if (!call->body_begun && !begin_body(call)) return 0;
    return (call->gunzip ? unzip_body(call, bytes, all) : take_body(call, bytes, all)) ? all : 0;
}

/* --- headers --- */

static bool printable(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)bytes[i] < ' ' && bytes[i] != '\t') return false;
    return true;
}

/* "Name: value\r\n" becomes "name: value\n"; what is not such a line is passed over. */
static void add_header(struct buf *headers, const char *line, size_t size)
{
    const char *colon = memchr(line, ':', size);
    if (!colon || colon == line || !printable(line, size)) return;
    for (const char *byte = line; byte < colon; byte++)
        buf_byte(headers, (char)(*byte >= 'A' && *byte <= 'Z' ? *byte + ('a' - 'A') : *byte));
    const char *value = colon + 1;
    const char *end = line + size;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    buf_text(headers, ": ");
    buf_add(headers, value, (size_t)(end - value));
    buf_byte(headers, '\n');
}

size_t call_on_header(char *bytes, size_t one, size_t size, void *self)
{
    struct http_call *call = self;
    size_t all = one * size, line = all;
    while (line > 0 && (bytes[line - 1] == '\r' || bytes[line - 1] == '\n'))
        line--;
    if (line >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        buf_reset(&call->reply.headers); /* the head before this one was an interim answer */
        call->head_done = false;
    } else
        add_header(&call->reply.headers, bytes, line);
    call->head_done = call->head_done || line == 0; /* trailers may follow */
    call->over_limit = call->over_limit || call->reply.headers.full;
    return call->over_limit ? 0 : all;
}
