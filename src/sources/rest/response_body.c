/* SPDX-License-Identifier: Apache-2.0 */
#include "response_body.h"

#include <stdlib.h>

#include "base/gunzip.h"
#include "base/limits.h"
#include "base/mem.h"

#define CHUNK 16384 /* inflated at once */

struct body_opener {
    struct gunzip *gunzip;
    struct buf text;
};

struct body_opener *body_opener_new(void)
{
    struct body_opener *opener = mem_zero(1, sizeof *opener);
    opener->gunzip = gunzip_new();
    buf_init(&opener->text, LIMIT_PAGE_SOFT);
    return opener;
}

void body_opener_free(struct body_opener *opener)
{
    if (!opener) return;
    gunzip_free(opener->gunzip);
    buf_done(&opener->text);
    free(opener);
}

static void give_back(struct response_body *body)
{
    if (body->budget) atomic_fetch_sub(&body->budget->used, body->bytes.size);
}

static void release(struct response_body *body)
{
    give_back(body);
    buf_done(&body->bytes);
    zbuf_done(&body->compressed);
    zbuf_close(body->reader);
    buf_done(&body->window);
    *body = (struct response_body){.budget = NULL};
}

void response_body_init_plain(struct response_body *body, struct byte_budget *budget, size_t limit)
{
    release(body);
    body->budget = budget;
    buf_init(&body->bytes, limit);
}

void response_body_init_raw(struct response_body *body, struct byte_budget *budget,
                            struct body_opener *opener)
{
    response_body_init_plain(body, budget, LIMIT_PAGE_SOFT);
    body->opener = opener;
}

void response_body_init_split(struct response_body *body, const char *const *path)
{
    release(body);
    body->path = path;
    zbuf_init(&body->compressed, LIMIT_DETAIL, LIMIT_COMPRESSED);
}

void response_body_done(struct response_body *body)
{
    if (body) release(body);
}

static void begin(void *self)
{
    struct response_body *body = self;
    body->is_gzip = false;
    give_back(body);
    buf_reset(&body->bytes);
    zbuf_reset(&body->compressed);
}

static bool take(void *self, const void *bytes, size_t size)
{
    struct response_body *body = self;
    if (body->path) return zbuf_add(&body->compressed, bytes, size);
    const size_t used = atomic_fetch_add(&body->budget->used, size);
    if (used + size <= LIMIT_DEFERRED_TOTAL && buf_add(&body->bytes, bytes, size)) return true;
    atomic_fetch_sub(&body->budget->used, size);
    return false;
}

struct http_sink response_body_sink(struct response_body *body)
{
    return (struct http_sink){.begin = begin, .take = take, .self = body, .is_raw = body->opener != NULL};
}

const struct buf *response_body_bytes(const struct response_body *body)
{
    return &body->bytes;
}

static void begin_reading(struct response_body *body)
{
    zbuf_close(body->reader);
    body->reader = zbuf_open(&body->compressed);
    buf_done(&body->window);
    buf_init(&body->window, LIMIT_PAGE);
    body->taken = 0;
    body->is_first = true;
    body->is_at_end = false;
}

/* Inflates as much again as the window holds, so that looking again at all of it costs no more than that. */
static bool read_more(struct response_body *body, struct error *err)
{
    char chunk[CHUNK];
    buf_drop(&body->window, body->taken);
    body->taken = 0;
    size_t enough = 2 * body->window.size;
    do {
        size_t size = zbuf_read(body->reader, chunk, sizeof chunk);
        body->is_at_end = size == 0;
        if (!buf_add(&body->window, chunk, size))
            return error_set(err, ERROR_LIMIT,
                             "a JSON document has an element of more than %zu bytes: request less at once",
                             body->window.limit);
    } while (!body->is_at_end && body->window.size < enough &&
             body->window.size + CHUNK <= body->window.limit);
    return true;
}

/* Everything before the elements of the list goes to `rest`; the window then begins with them. */
static bool find_list(struct response_body *body, struct buf *rest, bool *out_found, struct error *err)
{
    struct json_scan scan;
    do {
        if (!read_more(body, err)) return false;
        json_scan_init(&scan, buf_string(&body->window), body->window.size);
        *out_found = json_scan_find_list(&scan, body->path);
    } while (!*out_found && scan.is_cut && !body->is_at_end);
    body->taken = *out_found ? (size_t)(scan.at - scan.start) : 0;
    if (rest) buf_add(rest, body->window.data, body->taken);
    return true;
}

/* The next element of the list in the window, which is read on if it is not complete; at NULL: the list ends.
 */
static bool next_element(struct response_body *body, struct json_token *out_element, struct error *err)
{
    struct json_scan scan;
    for (;;) {
        json_scan_init_list(&scan, buf_string(&body->window) + body->taken, body->window.size - body->taken,
                            body->is_first);
        enum json_token_type type = json_scan_next(&scan, out_element);
        bool is_container = type == JSON_TOKEN_OBJECT || type == JSON_TOKEN_ARRAY;
        bool good = type != JSON_TOKEN_ERROR && (!is_container || json_scan_leave(&scan));
        bool may_go_on = !body->is_at_end && scan.at == scan.end; /* a number, say */
        if (good && !may_go_on) break;
        if (!may_go_on && (!scan.is_cut || body->is_at_end))
            return error_set(err, ERROR_FORMAT, "not JSON: its list \"%s\" can't be cut into elements",
                             body->path[0]);
        if (!read_more(body, err)) return false;
    }
    body->taken += (size_t)(scan.at - scan.start);
    body->is_first = false;
    if (out_element->type == JSON_TOKEN_CLOSE)
        out_element->at = NULL;
    else if (out_element->type == JSON_TOKEN_STRING)
        out_element->at--; /* with its quotes */
    out_element->size = out_element->at ? (size_t)(scan.at - out_element->at) : 0;
    return true;
}

static bool read_rest(struct response_body *body, struct buf *rest, struct error *err)
{
    do {
        buf_add(rest, body->window.data + body->taken, body->window.size - body->taken);
        body->taken = body->window.size;
        if (!body->is_at_end && !read_more(body, err)) return false;
    } while (body->window.size > body->taken || !body->is_at_end);
    return !rest->full || error_set(err, ERROR_LIMIT, "it is larger than what is allowed");
}

/* The first pass. */
static bool read_without_list(struct response_body *body, struct json_normalisations *normalisations,
                              struct json_value **out_value, struct error *err)
{
    AUTO(buf_done) struct buf rest = buf_limited(LIMIT_PAGE);
    bool found = false;
    body->count = 0;
    if (!find_list(body, &rest, &found, err)) return false;
    for (struct json_token element = {.at = NULL}; found; body->count++) {
        if (!next_element(body, &element, err)) return false;
        if (!element.at) break;
    }
    if (found) buf_byte(&rest, ']');
    return read_rest(body, &rest, err) &&
           value_read(buf_string(&rest), rest.size, true, normalisations, out_value, err);
}

static bool add_text(void *self, const void *bytes, size_t size)
{
    return buf_add(self, bytes, size);
}

static bool read_gzip(struct response_body *body, struct json_normalisations *normalisations,
                      struct json_value **out_value, struct error *err)
{
    struct buf *text = &body->opener->text;
    const struct gunzip_sink sink = {.take = add_text, .self = text};
    buf_reset(text);
    gunzip_reset(body->opener->gunzip);
    enum gunzip_outcome outcome = gunzip_add(body->opener->gunzip, body->bytes.data, body->bytes.size, &sink);
    bool good =
        outcome == GUNZIP_END ? value_read(buf_string(text), text->size, true, normalisations, out_value, err)
        : outcome == GUNZIP_FULL ? error_set(err, ERROR_LIMIT, "it is larger than %zu bytes", text->limit)
                                 : error_set(err, ERROR_FORMAT, "its gzip is damaged or cut");
    if (text->capacity > LIMIT_DEFERRED_BODY) { /* a large one is an exception */
        buf_done(text);
        buf_init(text, LIMIT_PAGE_SOFT);
    }
    return good;
}

bool response_body_read(struct response_body *body, struct json_normalisations *normalisations,
                        struct json_value **out_value, struct error *err)
{
    bool found;
    *out_value = NULL;
    if (body->is_gzip) return read_gzip(body, normalisations, out_value, err);
    if (!body->path)
        return value_read(buf_string(&body->bytes), body->bytes.size, true, normalisations, out_value, err);
    if (!zbuf_end(&body->compressed))
        return error_set(err, ERROR_LIMIT, "it is larger than what is allowed"); /* take() said so before */
    begin_reading(body);
    if (!read_without_list(body, normalisations, out_value, err)) return false;
    begin_reading(body); /* the second pass */
    return find_list(body, NULL, &found, err);
}

bool response_body_next(struct response_body *body, struct json_normalisations *normalisations,
                        struct json_value **out_list, struct error *err)
{
    struct json_value *list = value_new(VALUE_ARRAY);
    *out_list = list;
    for (size_t bytes = 0; bytes < LIMIT_SLICE && body->passed_on < body->count; body->passed_on++) {
        struct json_token element;
        struct json_value *value;
        struct error unread;
        if (!next_element(body, &element, err)) return false;
        if (!document_read(list->document, element.at, element.size, true, normalisations, &value, &unread)) {
            value = document_add_kept(list->document, element.at, element.size);
            normalisations->texts++;
        }
        value_append(list, value);
        bytes += element.size;
    }
    return true;
}
