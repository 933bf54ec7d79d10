/* SPDX-License-Identifier: Apache-2.0 */
/* segment.c - one segment of a list, page by page. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "core/rows.h"
#include "next_page.h"
#include "paginate.h"

#define RESTARTS_MAX  3
#define LIMIT_REQUEST 32768 /* a cursor has up to 4096 bytes, and JSON may write each as six */

/* Before the page size is reduced. The smallest page is tried with retry_api. */
static const struct retry retry_page = {.base_ms = 1000, .cap_ms = 8000, .attempts = 4, .budget_ms = 600000};

bool segment_is_windowed(const struct segment_reader *reader)
{
    return stream_is_windowed(&reader->stream->stream);
}

void segment_restart(struct segment_reader *reader)
{
    next_page_done(&reader->place);
    cycle_done(&reader->links);
    cycle_done(&reader->pages);
    tally_done(&reader->tally);
    list_count_restart(&reader->count);
    reader->segment.window.to_s = reader->to_s; /* a cursor belongs to the window that was requested */
    reader->number = 1;
    reader->offset = 0;
    reader->was_empty = false;
    reader->has_version = false;
    reader->ascending = reader->descending = true;
}

struct segment_reader *segment_open(struct rest_source *rest, const struct rest_stream *stream,
                                    struct segment segment)
{
    struct segment_reader *reader = mem_zero(1, sizeof *reader);
    reader->rest = rest;
    reader->stream = stream;
    reader->pagination = segment.slice.count > 0 ? stream->slices : stream->pagination;
    reader->segment = segment;
    reader->to_s = segment.window.to_s;
    reader->per_page = stream->per_page;
    buf_init(&reader->url, LIMIT_REQUEST);
    buf_init(&reader->body, LIMIT_REQUEST);
    exchange_init(&reader->exchange, rest, reader->what);
    reader->exchange.allow_array = reader->pagination->allow_array;
    segment_restart(reader);
    return reader;
}

void segment_close(struct segment_reader *reader)
{
    exchange_done(&reader->exchange);
    response_body_done(&reader->answer);
    segment_restart(reader);
    buf_done(&reader->url);
    buf_done(&reader->body);
    free(reader);
}

/* An answer that waits is kept as bytes, within what all may take. */
static void choose_body(struct segment_reader *reader, bool is_alone)
{
    if (is_alone)
        response_body_done(&reader->answer);
    else
        response_body_init_raw(&reader->answer, &reader->rest->shared->waiting, reader->rest->opener);
    reader->exchange.body = is_alone ? NULL : &reader->answer;
    reader->exchange.defer_parse = !is_alone;
}

bool segment_send(struct segment_reader *reader, bool is_alone, struct error *err)
{
    const struct pagination *pagination = reader->pagination;
    const struct segment *segment = &reader->segment;
    char id[REST_ID];
    struct page_request request = {
        .source = reader->rest,
        .stream = reader->stream,
        .segment = *segment,
        .cursor = reader->place.cursor,
        .number = reader->place.number,
        .offset = reader->offset,
        .per_page = reader->per_page,
        .id = rest_next_id(reader->rest, id),
    };
    reader->clock_s = reader->rest->clock_s;
    buf_reset(&reader->url);
    buf_reset(&reader->body);
    pagination->write(&request, &reader->url, &reader->body);
    if (reader->place.url) {
        buf_reset(&reader->url);
        buf_text(&reader->url, reader->place.url);
    }
    assert(!reader->url.full && !reader->body.full); /* cursors and URLs have a ceiling */
    (void)snprintf(reader->what, sizeof reader->what, "%s %s%s%.40s, page %" PRId64,
                   reader->rest->dialect->name, reader->stream->stream.name, segment->type ? " of type " : "",
                   segment->type ? segment->type : "", reader->number);
    choose_body(reader, is_alone);
    reader->is_asked = true;
    return exchange_send(
        &reader->exchange,
        &(struct exchange_request){
            .method = pagination->method,
            .url = buf_string(&reader->url),
            .body = reader->body.size > 0 ? &reader->body : NULL,
            .retry = reader->long_retry ? &retry_api : &retry_page,
            .id = id,
            .reply_limit = pagination->has_cursors && reader->per_page > 1 ? LIMIT_PAGE_SOFT : LIMIT_PAGE,
        },
        err);
}

/* It did not fit beside the other answers that wait, or was read too late to be retried. */
static bool must_be_alone(const struct segment_reader *reader, const struct error *err)
{
    return reader->exchange.body && (err->kind == ERROR_LIMIT || reader->exchange.deferred_parse_failed);
}

/* Big pages time out, or exceed our limit: the same place in smaller ones. */
static bool reduce_request(struct paginator *paginator, struct segment_reader *reader,
                           const struct error *err)
{
    bool is_congestion = err->status == 429 || err->status == 409; /* the size of the page is not the cause */
    bool is_large = err->kind == ERROR_LIMIT;
    int smallest = is_large ? 1 : REST_SMALLEST_PAGE; /* a slow record is slow on any page */
    bool can_shrink = reader->pagination->has_cursors && reader->per_page > smallest;
    if ((err->kind != ERROR_BUSY && !is_large) || (reader->long_retry && !(is_large && can_shrink)))
        return false;
    if (reader->whole && !reader->whole->is_believed && !is_large && !is_congestion)
        return false; /* a slow search may be the slice's fault */
    if (!is_congestion && paginator_shorten(paginator, reader)) return true;
    if (!is_congestion && can_shrink) reader->per_page /= 2;
    reader->long_retry = is_congestion || !can_shrink || reader->per_page <= smallest;
    return true;
}

static void restore_page_size(struct segment_reader *reader)
{
    int most = reader->stream->per_page;
    reader->long_retry = false;
    reader->per_page = 2 * reader->per_page < most ? 2 * reader->per_page : most;
}

/* An expired cursor can't be recovered, but the segment can be read again. Its records may come twice then,
 * which the reader's contract allows. */
static bool restart_segment(struct segment_reader *reader, const struct error *err)
{
    const struct rest_dialect *dialect = reader->rest->dialect;
    bool is_stale = err->kind == ERROR_REFUSED && (reader->place.cursor || reader->place.url) &&
                    dialect->is_stale_cursor &&
                    dialect->is_stale_cursor(err->status, &reader->exchange.failure);
    if (!is_stale || reader->restarts >= RESTARTS_MAX) return false;
    reader->restarts++;
    segment_restart(reader);
    return true;
}

bool segment_wait(struct paginator *paginator, struct segment_reader *reader, struct json_value **out_answer,
                  struct error *err)
{
    struct error failure = {0}; /* not err: it may end well */
    reader->exchange.defer_parse = false;
    reader->exchange.can_be_forbidden = !paginator->has_page;
    while (!exchange_wait(&reader->exchange, out_answer, &failure)) {
        bool should_resend = must_be_alone(reader, &failure) || reduce_request(paginator, reader, &failure) ||
                             restart_segment(reader, &failure) ||
                             rest_mends(reader->rest, reader->stream, &reader->exchange.failure, &failure);
        if (!should_resend || !segment_send(reader, true, &failure)) {
            *err = failure;
            return false;
        }
    }
    size_t size = reader->exchange.body ? response_body_bytes(&reader->answer)->size : 0;
    if (size > paginator->largest) paginator->largest = size;
    response_body_done(&reader->answer);
    paginator->has_page = true;
    reader->is_asked = false;
    return true;
}

static bool version_of(const struct segment_reader *reader, const struct json_value *body, int64_t *out_us)
{
    return row_version(reader->stream->stream.table, body, out_us);
}

bool segment_was_clock_old(const struct segment_reader *reader)
{
    return reader->pagination->ends_by_clock && reader->to_s == WINDOW_OPEN && reader->offset == 0 &&
           reader->rest->clock_s - reader->clock_s > REST_OLD_CLOCK_S;
}

/* Whether versions come in order, within and across pages: stopping early depends on it. */
void segment_watch_order(struct segment_reader *reader, const struct json_value *list)
{
    for (const struct json_value *body = value_elements(list); body; body = body->next) {
        int64_t version = 0;
        if (!version_of(reader, body, &version)) continue;
        if (reader->has_version && version < reader->last_us) reader->ascending = false;
        if (reader->has_version && version > reader->last_us) reader->descending = false;
        reader->has_version = true;
        reader->last_us = version;
    }
}

int64_t segment_begin_us(const struct segment_reader *reader)
{
    int64_t from_s = reader->segment.window.from_s;
    return from_s < INT64_MIN / 1000000 ? INT64_MIN : from_s * 1000000;
}

int64_t segment_end_us(const struct segment_reader *reader)
{
    return reader->to_s == WINDOW_OPEN ? INT64_MAX : reader->to_s * 1000000;
}

static bool is_past(const struct segment_reader *reader, const struct json_value *list)
{
    int64_t first = 0;
    if (!segment_is_windowed(reader) || !version_of(reader, value_elements(list), &first)) return false;
    switch (reader->stream->order) {
    case ORDER_NONE: return false;
    case ORDER_OLDEST_FIRST: return reader->ascending && first >= segment_end_us(reader);
    case ORDER_NEWEST_FIRST: return reader->descending && first < segment_begin_us(reader);
    }
    abort();
}

static bool find_next(struct segment_reader *reader, const struct json_value *answer,
                      const struct json_value *list, const char *what, struct next_page *out_next,
                      struct error *err)
{
    struct page_context context = {
        .source = reader->rest,
        .stream = reader->stream,
        .answer = answer,
        .list = list,
        .number = reader->number,
        .offset = reader->offset,
        .per_page = reader->per_page,
        .was_empty = reader->was_empty,
        .what = what,
    };
    if (!reader->rest->dialect->next_page(&context, out_next, err)) return false;
    if (out_next->number == 0 || out_next->number > reader->number) return true;
    return error_set(err, ERROR_FORMAT,
                     "%s: the page after it has the number %" PRId64 "; reading on would never end", what,
                     out_next->number);
}

/* Counted pages have no cursor to compare, so their records are; but where a total ends the list, and its
 * records are counted. */
static bool is_cycle(struct segment_reader *reader, const struct next_page *next,
                     const struct json_value *list)
{
    const char *text = next->cursor ? next->cursor : next->url;
    const struct pagination *pagination = reader->pagination;
    bool is_counted = pagination->has_numbers && pagination->max_records == 0;
    if (is_counted && page_closes_cycle(&reader->pages, reader->stream, list)) return true;
    return text && cycle_closed(&reader->links, text);
}

/* The pages hold fewer records than they announced. Shorter windows have fewer pages. */
static bool read_again(struct paginator *paginator, struct segment_reader *reader)
{
    if (paginator_cut(paginator, reader, 2)) return true;
    if (reader->restarts >= RESTARTS_MAX) return false;
    reader->restarts++;
    segment_restart(reader);
    return true;
}

static bool end_segment(struct paginator *paginator, struct segment_reader *reader, struct page *page,
                        struct error *err)
{
    const struct page_builder *builder = &paginator->builder;
    bool is_short = tally_is_short(&reader->tally);
    if (is_short && read_again(paginator, reader)) return true;
    if (is_short) page_contradict(page, reader->tally.total, tally_count(&reader->tally));
    if (!next_page_exists(&reader->place)) page_builder_check_total(builder, &reader->count, page);
    reader->is_finished = true;
    return page_builder_check_complete(builder, &reader->count, reader->what, err);
}

bool segment_advance(struct paginator *paginator, struct segment_reader *reader,
                     const struct json_value *list, struct page *page, struct error *err)
{
    char what[sizeof reader->what + sizeof reader->exchange.request_id + 16];
    struct next_page next = {0};
    (void)snprintf(what, sizeof what, "%s, request id %s", reader->what, reader->exchange.request_id);
    if (!find_next(reader, paginator->answer, list, what, &next, err)) {
        next_page_done(&next);
        return false;
    }
    restore_page_size(reader); /* after find_next, which compares with the size that was requested */
    bool has_next = next_page_exists(&next) && !is_past(reader, list);
    bool closes_cycle = has_next && is_cycle(reader, &next, list);
    next_page_done(&reader->place);
    reader->place = next;
    if (closes_cycle)
        return error_set(err, ERROR_FORMAT,
                         "%s: the link to the next page leads back to a page already read; reading on would "
                         "never end",
                         what);
    if (!has_next) return end_segment(paginator, reader, page, err);
    reader->was_empty = value_count(list) == 0;
    reader->number = next.number > 0 ? next.number : reader->number + 1;
    reader->offset += (int64_t)value_count(list);
    return true;
}
