/* SPDX-License-Identifier: Apache-2.0 */
#include "response_body.h"

#include "base/limits.h"

#define CHUNK 16384 /* inflated at once */

static void release(struct response_body *body)
{
    if (body->deferred_bytes) *body->deferred_bytes -= body->bytes.size;
    buf_done(&body->bytes);
    zbuf_done(&body->compressed);
    zbuf_close(body->reader);
    json_split_done(&body->split);
    json_drop(&body->elements);
    *body = (struct response_body){.deferred_bytes = NULL};
}

void response_body_init_plain(struct response_body *body, size_t *deferred_bytes, size_t limit)
{
    release(body);
    body->deferred_bytes = deferred_bytes;
    buf_init(&body->bytes, limit);
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
    if (body->deferred_bytes) *body->deferred_bytes -= body->bytes.size;
    buf_reset(&body->bytes);
    zbuf_reset(&body->compressed);
}

static bool take(void *self, const void *bytes, size_t size)
{
    struct response_body *body = self;
    if (body->path) return zbuf_add(&body->compressed, bytes, size);
    if (*body->deferred_bytes + size > LIMIT_DEFERRED_TOTAL || !buf_add(&body->bytes, bytes, size))
        return false;
    *body->deferred_bytes += size;
    return true;
}

struct http_sink response_body_sink(struct response_body *body)
{
    return (struct http_sink){.begin = begin, .take = take, .self = body};
}

const struct buf *response_body_bytes(const struct response_body *body)
{
    return &body->bytes;
}

static bool check_element(void *self, const char *bytes, size_t size, struct error *err)
{
    struct response_body *body = self;
    AUTO(json_drop) json_t *element = NULL;
    body->count++;
    return json_read(bytes, size, body->normalisations, &element, err);
}

static bool keep_element(void *self, const char *bytes, size_t size, struct error *err)
{
    struct response_body *body = self;
    json_t *element = NULL;
    if (!json_read(bytes, size, NULL, &element, err))
        return false; /* its normalisations were counted before */
    (void)json_array_append_new(body->elements, element);
    body->slice_bytes += size;
    return true;
}

static void begin_reading(struct response_body *body,
                          bool (*element)(void *self, const char *bytes, size_t size, struct error *err))
{
    zbuf_close(body->reader);
    json_split_done(&body->split);
    body->reader = zbuf_open(&body->compressed);
    json_split_init(&body->split, LIMIT_PAGE);
    body->split.path = body->path;
    body->split.element = element;
    body->split.self = body;
    body->is_at_end = false;
}

static bool read_chunk(struct response_body *body, struct error *err)
{
    char chunk[CHUNK];
    size_t size = zbuf_read(body->reader, chunk, sizeof chunk);
    body->is_at_end = size == 0;
    return json_split_add(&body->split, chunk, size, err);
}

static bool check_all(struct response_body *body, struct json_normalisations *normalisations,
                      json_t **out_value, struct error *err)
{
    struct json_normalisations found = {0};
    bool good = true;
    if (!zbuf_end(&body->compressed))
        return error_set(err, ERROR_LIMIT, "it is larger than what is allowed"); /* take() said so before */
    body->count = 0;
    body->normalisations = &found;
    begin_reading(body, check_element);
    while (good && !body->is_at_end)
        good = read_chunk(body, err);
    good = good && json_read(buf_string(&body->split.rest), body->split.rest.size, &found, out_value, err);
    begin_reading(body, keep_element); /* the second pass */
    if (good && normalisations) json_normalisations_add(normalisations, &found);
    return good;
}

bool response_body_read(struct response_body *body, struct json_normalisations *normalisations,
                        json_t **out_value, struct error *err)
{
    *out_value = NULL;
    if (body->path) return check_all(body, normalisations, out_value, err);
    return json_read(buf_string(&body->bytes), body->bytes.size, normalisations, out_value, err);
}

bool response_body_next(struct response_body *body, json_t **out_list, struct error *err)
{
    bool good = true;
    body->elements = json_array();
    body->slice_bytes = 0;
    while (good && !body->is_at_end && body->slice_bytes < LIMIT_SLICE)
        good = read_chunk(body, err);
    *out_list = body->elements;
    body->elements = NULL;
    return good;
}
