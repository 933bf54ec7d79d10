/* SPDX-License-Identifier: Apache-2.0 */
#include "rest.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define LIMIT_BASE    512 /* bytes of the base URL: requests are written into buffers with a ceiling */
#define WAIT_SLICE_MS 1000

bool rest_check_base_url(const char *base_url, struct error *err)
{
    struct http_origin origin;
    if (http_origin(base_url, &origin) && !strpbrk(base_url, "?#@ ") && strlen(base_url) <= LIMIT_BASE)
        return true;
    return error_set(err, ERROR_CONFIG,
                     "source.base_url is not like https://host: give scheme and host without user or query");
}

void rest_source_init(struct rest_source *rest, const char *base_url, double rate_share,
                      const struct source *first)
{
    assert(rate_share > 0 && rate_share <= 1);
    rest->base_url = mem_text(base_url);
    for (size_t size = strlen(base_url); size > 0 && rest->base_url[size - 1] == '/'; size--)
        rest->base_url[size - 1] = '\0';
    rest->rate_share = rate_share;
    rest->is_first = !first;
    if (first) {
        rest->token = ((const struct rest_source *)first)->token;
        rest->shared = ((const struct rest_source *)first)->shared;
    } else {
        rest->shared = mem_zero(1, sizeof *rest->shared);
        rest->shared->limiter = rate_limiter_new(rate_share);
        quota_init(&rest->shared->quota);
    }
    rest->opener = body_opener_new();
    atomic_fetch_add(&rest->shared->sources, 1);
}

void rest_source_done(struct rest_source *rest)
{
    atomic_fetch_sub(&rest->shared->sources, 1);
    if (rest->is_first) {
        token_free(rest->token);
        rate_limiter_free(rest->shared->limiter);
        quota_done(&rest->shared->quota);
        free(rest->shared);
    }
    body_opener_free(rest->opener);
    free(rest->base_url);
}

void rest_source_free(struct source *source)
{
    rest_source_done((struct rest_source *)source);
    free(source);
}

static void take_news(struct rest_source *rest, const struct rest_source *other)
{
    if (other->clock_s > rest->clock_s) rest->clock_s = other->clock_s;
    if (rest->seen_limit == 0) rest->seen_limit = other->seen_limit;
}

void rest_source_share(struct source *source, struct source *other)
{
    take_news((struct rest_source *)source, (const struct rest_source *)other);
    take_news((struct rest_source *)other, (const struct rest_source *)source);
}

const char *rest_take_notice(struct rest_source *rest, char out[REST_NOTICE])
{
    (void)snprintf(out, REST_NOTICE, "%s", rest->notice);
    rest->notice[0] = '\0';
    return out[0] ? out : NULL;
}

bool rest_mends(struct rest_source *rest, const struct rest_stream *stream,
                const struct rest_failure *failure, const struct error *err)
{
    const struct rest_dialect *dialect = rest->dialect;
    return err->kind == ERROR_REFUSED && dialect->mend_request &&
           dialect->mend_request(rest, stream, failure);
}

const char *rest_next_id(struct rest_source *rest, char out_id[REST_ID])
{
    if (!rest->id_prefix[0]) random_name(rest->id_prefix);
    (void)snprintf(out_id, REST_ID, "%s-%" PRId64, rest->id_prefix, ++rest->id_count);
    return out_id;
}

const struct rest_reader_type *rest_listing(const struct rest_stream *stream)
{
    return stream->listing ? stream->listing : &rest_paginate;
}

/* A reconciliation passes on what is listed; other streams read what their records have more of. */
static const struct rest_reader_type *reader_of(const struct rest_stream *stream)
{
    bool is_nested = stream->children || stream->child_lists || stream->truncated_lists;
    if (stream->stream.kind == STREAM_RECONCILE) return rest_listing(stream);
    return stream->detail ? &rest_detail : is_nested ? &rest_expand : rest_listing(stream);
}

bool rest_source_open(struct source *source, const struct selection *selection, struct window window,
                      struct reader **out_reader, struct error *err)
{
    const struct rest_stream *stream = (const struct rest_stream *)selection->stream;
    return reader_of(stream)->open((struct rest_source *)source, selection, window, out_reader, err);
}

bool rest_source_next(struct reader *reader, struct page *out_page, struct error *err)
{
    return reader->type->next(reader, out_page, err);
}

void rest_source_rate(struct source *source, struct source_rate *out_rate)
{
    struct rate_state state;
    rate_limiter_look(((struct rest_source *)source)->shared->limiter, &state);
    *out_rate = (struct source_rate){
        .limit = state.limit, .remaining = state.remaining, .waited_ms = state.waited_ms};
}

void rest_source_close(struct reader *reader)
{
    if (reader) reader->type->close(reader);
}

bool rest_wait(const struct rest_source *rest, int64_t ms, struct error *err)
{
    for (int64_t left = ms; left > 0; left -= WAIT_SLICE_MS) {
        progress_step(rest->progress, "waiting for the source");
        if (!clock_sleep_ms(left < WAIT_SLICE_MS ? left : WAIT_SLICE_MS, rest->stop))
            return error_set(err, ERROR_STOPPED, "waiting for %s: given up because the process is stopping",
                             rest->dialect->name);
    }
    return true;
}

static void add_parameter(struct buf *url, const char *name)
{
    buf_format(url, "%c%s=", strchr(buf_string(url), '?') ? '&' : '?', name);
}

static void add_number(struct buf *url, const char *name, int64_t value)
{
    if (!name || value <= 0) return;
    add_parameter(url, name);
    buf_format(url, "%" PRId64, value);
}

void page_request_write_parameters(const struct page_request *request, struct buf *url)
{
    const struct rest_dialect *dialect = request->source->dialect;
    add_number(url, dialect->size_parameter, request->per_page);
    add_number(url, dialect->number_parameter, request->number);
    if (!request->cursor) return;
    add_parameter(url, dialect->cursor_parameter);
    http_escape(url, request->cursor);
}
