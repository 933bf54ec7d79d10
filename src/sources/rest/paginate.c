/* SPDX-License-Identifier: Apache-2.0 */
/* paginate.c - reads a stream segment by segment, and each segment page by page. The next page is requested
 * before this one is passed on. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/rows.h"
#include "cycle.h"
#include "exchange.h"
#include "next_page.h"
#include "page_builder.h"
#include "tally.h"

#define RESTARTS_MAX  3
#define OLD_CLOCK_S   600
#define LIMIT_REQUEST 32768 /* a cursor has up to 4096 bytes, and JSON may write each as six */

/* Before the page size is reduced. The smallest page is tried with retry_api. */
static const struct retry retry_page = {.base_ms = 1000, .cap_ms = 8000, .attempts = 4, .budget_ms = 600000};

struct paginator {
    struct reader reader;
    struct rest_source *rest;
    const struct rest_stream *stream;
    struct selection selection;
    struct window window;
    struct exchange exchange;
    char what[128];
    struct buf url, body; /* of the request in flight */
    int64_t clock_s;      /* the service's, when that was made */

    struct segment *segments;
    size_t segment_count, current;

    struct next_page place; /* of the page in flight; none: it is the segment's first */
    int64_t number;         /* of that page */
    int64_t offset;         /* records of the segment's pages before it */
    int per_page;
    bool long_retry;
    bool is_finished; /* the last page was passed on */
    int restarts;

    bool was_empty;             /* the page before was */
    struct tally tally;         /* of the segment, where pagination has a ceiling */
    struct cycle links, pages;  /* links that were followed; hashes of counted pages */
    bool ascending, descending; /* so far, the versions came in order */
    bool has_version;
    int64_t last_us; /* the version seen last */

    json_t *answer; /* the page that was passed on */
    struct page_builder builder;
    char notice[REST_NOTICE]; /* of the page that was passed on */
};

static bool is_windowed(const struct paginator *paginator)
{
    enum stream_kind kind = paginator->stream->stream.kind;
    return kind == STREAM_INCREMENTAL || kind == STREAM_EVENT;
}

/* Replaces segment `at` by shorter ones. An open window ends now, by the source's clock. */
static void split_segment(struct paginator *paginator, size_t at, int64_t max_s)
{
    struct segment whole = paginator->segments[at];
    int64_t end = whole.window.to_s == WINDOW_OPEN ? paginator->rest->clock_s : whole.window.to_s;
    int64_t from = whole.window.from_s > 0 ? whole.window.from_s : 0;
    size_t pieces = end - from > max_s ? (size_t)((end - from - 1) / max_s + 1) : 1;
    size_t after = paginator->segment_count - at - 1;
    paginator->segments =
        mem_grow(paginator->segments, paginator->segment_count + pieces - 1, sizeof *paginator->segments);
    memmove(paginator->segments + at + pieces, paginator->segments + at + 1,
            after * sizeof *paginator->segments);
    paginator->segment_count += pieces - 1;
    for (size_t i = 0; i < pieces; i++) {
        struct window window = {.from_s = from + (int64_t)i * max_s, .to_s = from + (int64_t)(i + 1) * max_s};
        if (i + 1 == pieces) window.to_s = whole.window.to_s;
        paginator->segments[at + i] = (struct segment){.window = window, .type = whole.type};
    }
}

static void plan_segments(struct paginator *paginator)
{
    const struct rest_source *rest = paginator->rest;
    bool is_typed = paginator->stream->is_typed;
    int64_t max_window_s = paginator->stream->pagination->max_window_s;
    paginator->segment_count = is_typed ? rest->type_count : 1;
    paginator->segments = mem_zero(paginator->segment_count, sizeof *paginator->segments);
    for (size_t i = 0; i < paginator->segment_count; i++)
        paginator->segments[i] =
            (struct segment){.window = paginator->window, .type = is_typed ? rest->types[i] : NULL};
    for (size_t i = max_window_s > 0 ? paginator->segment_count : 0; i > 0; i--)
        split_segment(paginator, i - 1, max_window_s);
    paginator->is_finished = paginator->segment_count == 0;
}

static void begin_segment(struct paginator *paginator)
{
    next_page_done(&paginator->place);
    cycle_done(&paginator->links);
    cycle_done(&paginator->pages);
    tally_done(&paginator->tally);
    paginator->number = 1;
    paginator->offset = 0;
    paginator->was_empty = false;
    paginator->has_version = false;
    paginator->ascending = paginator->descending = true;
}

static bool send_request(struct paginator *paginator, struct error *err)
{
    const struct pagination *pagination = paginator->stream->pagination;
    const struct segment *segment = &paginator->segments[paginator->current];
    char id[REST_ID];
    struct page_request request = {
        .source = paginator->rest,
        .stream = paginator->stream,
        .segment = *segment,
        .cursor = paginator->place.cursor,
        .number = paginator->place.number,
        .offset = paginator->offset,
        .per_page = paginator->per_page,
        .id = rest_next_id(paginator->rest, id),
    };
    paginator->clock_s = paginator->rest->clock_s;
    buf_reset(&paginator->url);
    buf_reset(&paginator->body);
    pagination->write(&request, &paginator->url, &paginator->body);
    if (paginator->place.url) {
        buf_reset(&paginator->url);
        buf_text(&paginator->url, paginator->place.url);
    }
    assert(!paginator->url.full && !paginator->body.full); /* cursors and URLs have a ceiling */
    (void)snprintf(paginator->what, sizeof paginator->what, "%s %s%s%.40s, page %" PRId64,
                   paginator->rest->dialect->name, paginator->stream->stream.name,
                   segment->type ? " of type " : "", segment->type ? segment->type : "", paginator->number);
    return exchange_send(
        &paginator->exchange,
        &(struct exchange_request){
            .method = pagination->method,
            .url = buf_string(&paginator->url),
            .body = paginator->body.size > 0 ? &paginator->body : NULL,
            .retry = paginator->long_retry ? &retry_api : &retry_page,
            .id = id,
            .reply_limit = pagination->has_cursors && paginator->per_page > 1 ? LIMIT_PAGE_SOFT : LIMIT_PAGE,
        },
        err);
}

/* Long windows time out: the same time in shorter ones. */
static bool shorten_segment(struct paginator *paginator)
{
    size_t before = paginator->segment_count;
    int64_t min_window_s = paginator->stream->pagination->min_window_s;
    if (min_window_s > 0) split_segment(paginator, paginator->current, min_window_s);
    if (paginator->segment_count == before) return false;
    page_builder_restart_list(&paginator->builder);
    begin_segment(paginator); /* its records come again, which the reader's contract allows */
    return true;
}

/* The same time in `pieces`; false: it is too short for that. */
static bool cut_segment(struct paginator *paginator, int64_t pieces)
{
    const struct window *window = &paginator->segments[paginator->current].window;
    int64_t to_s = window->to_s == WINDOW_OPEN ? paginator->rest->clock_s : window->to_s;
    int64_t length_s = to_s - (window->from_s > 0 ? window->from_s : 0);
    if (!is_windowed(paginator) || length_s < 2) return false;
    split_segment(paginator, paginator->current, pieces < length_s ? (length_s + pieces - 1) / pieces : 1);
    begin_segment(paginator);
    page_builder_restart_list(&paginator->builder);
    return true;
}

/* Big pages time out, or exceed our limit: the same place in smaller ones. */
static bool reduce_request(struct paginator *paginator, const struct error *err)
{
    bool is_congestion = err->status == 429 || err->status == 409; /* the size of the page is not the cause */
    bool is_large = err->kind == ERROR_LIMIT;
    int smallest = is_large ? 1 : REST_SMALLEST_PAGE; /* a slow record is slow on any page */
    bool can_shrink = paginator->stream->pagination->has_cursors && paginator->per_page > smallest;
    if ((err->kind != ERROR_BUSY && !is_large) || (paginator->long_retry && !(is_large && can_shrink)))
        return false;
    if (!is_congestion && shorten_segment(paginator)) return true;
    if (!is_congestion && can_shrink) paginator->per_page /= 2;
    paginator->long_retry = is_congestion || !can_shrink || paginator->per_page <= smallest;
    return true;
}

static void restore_page_size(struct paginator *paginator)
{
    int most = paginator->stream->per_page;
    paginator->long_retry = false;
    paginator->per_page = 2 * paginator->per_page < most ? 2 * paginator->per_page : most;
}

/* An expired cursor can't be recovered, but the segment can be read again. Its records may come twice then,
 * which the reader's contract allows. */
static bool restart_segment(struct paginator *paginator, const struct error *err)
{
    const struct rest_dialect *dialect = paginator->rest->dialect;
    bool is_stale = err->kind == ERROR_REFUSED && (paginator->place.cursor || paginator->place.url) &&
                    dialect->is_stale_cursor &&
                    dialect->is_stale_cursor(err->status, &paginator->exchange.failure);
    if (!is_stale || paginator->restarts >= RESTARTS_MAX) return false;
    paginator->restarts++;
    page_builder_restart_list(&paginator->builder);
    begin_segment(paginator);
    return true;
}

/* Without what the service objects to. */
static bool mend_request(struct paginator *paginator, const struct error *err)
{
    const struct rest_dialect *dialect = paginator->rest->dialect;
    return err->kind == ERROR_REFUSED && dialect->mend_request &&
           dialect->mend_request(paginator->rest, paginator->stream, &paginator->exchange.failure);
}

static bool collect_answer(struct paginator *paginator, struct error *err)
{
    struct error failure = {0}; /* not err: it may end well */
    while (!exchange_wait(&paginator->exchange, &paginator->answer, &failure)) {
        bool should_resend = reduce_request(paginator, &failure) || restart_segment(paginator, &failure) ||
                             mend_request(paginator, &failure);
        if (!should_resend || !send_request(paginator, &failure)) {
            *err = failure;
            return false;
        }
    }
    paginator->exchange.can_be_forbidden = false;
    return true;
}

static bool version_of(const struct paginator *paginator, const json_t *body, int64_t *out_us)
{
    return row_version(paginator->stream->stream.table, body, out_us);
}

/* Whether versions come in order, within and across pages: stopping early depends on it. */
static void watch_order(struct paginator *paginator, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        int64_t version = 0;
        if (!version_of(paginator, json_array_get(list, i), &version)) continue;
        if (paginator->has_version && version < paginator->last_us) paginator->ascending = false;
        if (paginator->has_version && version > paginator->last_us) paginator->descending = false;
        paginator->has_version = true;
        paginator->last_us = version;
    }
}

static int64_t window_end_us(const struct paginator *paginator)
{
    return paginator->window.to_s == WINDOW_OPEN ? INT64_MAX : paginator->window.to_s * 1000000;
}

static bool is_past(const struct paginator *paginator, const json_t *list)
{
    int64_t first = 0;
    if (!is_windowed(paginator) || !version_of(paginator, json_array_get(list, 0), &first)) return false;
    switch (paginator->stream->order) {
    case ORDER_NONE: return false;
    case ORDER_OLDEST_FIRST: return paginator->ascending && first >= window_end_us(paginator);
    case ORDER_NEWEST_FIRST: return paginator->descending && first < paginator->window.from_s * 1000000;
    }
    abort();
}

/* The path names the type; a record need not. */
static void add_type(const struct paginator *paginator, json_t *body)
{
    const char *type = paginator->segments[paginator->current].type;
    if (!table_column(paginator->stream->stream.table, "type")) return;
    if (type && json_is_object(body) && json_string_length(json_object_get(body, "type")) == 0)
        json_object_set_new(body, "type", json_string(type));
}

/* Drops records outside the window; records without a readable version are passed on. */
static void add_records(struct paginator *paginator, const json_t *list)
{
    bool windowed = is_windowed(paginator);
    int64_t to = window_end_us(paginator);
    page_builder_count(&paginator->builder, paginator->answer, list);
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *body = json_array_get(list, i);
        int64_t version = 0;
        bool dated = windowed && version_of(paginator, body, &version);
        if (dated && (version < paginator->window.from_s * 1000000 || version >= to)) continue;
        add_type(paginator, body);
        page_builder_add_record(&paginator->builder, body, dated ? version : 0);
    }
}

static bool find_next(struct paginator *paginator, const json_t *list, const char *what,
                      struct next_page *out_next, struct error *err)
{
    struct page_context context = {
        .source = paginator->rest,
        .stream = paginator->stream,
        .answer = paginator->answer,
        .list = list,
        .number = paginator->number,
        .offset = paginator->offset,
        .per_page = paginator->per_page,
        .was_empty = paginator->was_empty,
        .what = what,
    };
    if (!paginator->rest->dialect->next_page(&context, out_next, err)) return false;
    if (out_next->number == 0 || out_next->number > paginator->number) return true;
    return error_set(err, ERROR_FORMAT,
                     "%s: the page after it has the number %" PRId64 "; reading on would never end", what,
                     out_next->number);
}

/* Counted pages have no cursor to compare, so their records are; but where a total ends the list, and its
 * records are counted. */
static bool is_cycle(struct paginator *paginator, const struct next_page *next, const json_t *list)
{
    const char *text = next->cursor ? next->cursor : next->url;
    const struct pagination *pagination = paginator->stream->pagination;
    bool is_counted = pagination->has_numbers && pagination->max_records == 0;
    if (is_counted && page_closes_cycle(&paginator->pages, paginator->stream, list)) return true;
    return text && cycle_closed(&paginator->links, text);
}

static bool end_segment(struct paginator *paginator, struct error *err)
{
    page_builder_restart_list(&paginator->builder);
    paginator->is_finished = paginator->current + 1 == paginator->segment_count;
    if (paginator->is_finished) return true;
    paginator->current++;
    begin_segment(paginator);
    return send_request(paginator, err);
}

/* The pages hold fewer records than they announced. Shorter windows have fewer pages. */
static bool read_again(struct paginator *paginator)
{
    if (cut_segment(paginator, 2)) return true;
    if (paginator->restarts >= RESTARTS_MAX) return false;
    paginator->restarts++;
    begin_segment(paginator);
    page_builder_restart_list(&paginator->builder);
    return true;
}

static void note_contradiction(struct paginator *paginator, struct page *page)
{
    if (!tally_is_short(&paginator->tally)) return;
    page->is_contradicted = true;
    page->expected = paginator->tally.total;
    page->received = tally_count(&paginator->tally);
}

static bool request_next(struct paginator *paginator, const json_t *list, struct page *page,
                         struct error *err)
{
    char what[sizeof paginator->what + sizeof paginator->exchange.request_id + 16];
    struct next_page next = {0};
    (void)snprintf(what, sizeof what, "%s, request id %s", paginator->what, paginator->exchange.request_id);
    if (!find_next(paginator, list, what, &next, err)) {
        next_page_done(&next);
        return false;
    }
    restore_page_size(paginator); /* after find_next, which compares with the size that was requested */
    bool has_next = next_page_exists(&next) && !is_past(paginator, list);
    bool closes_cycle = has_next && is_cycle(paginator, &next, list);
    next_page_done(&paginator->place);
    paginator->place = next;
    if (closes_cycle)
        return error_set(err, ERROR_FORMAT,
                         "%s: the link to the next page leads back to a page already read; reading on would "
                         "never end",
                         what);
    if (!has_next && !next_page_exists(&paginator->place))
        page_builder_check_total(&paginator->builder, page);
    if (!has_next && tally_is_short(&paginator->tally) && read_again(paginator))
        return send_request(paginator, err);
    if (!has_next) note_contradiction(paginator, page);
    if (!has_next)
        return page_builder_check_complete(&paginator->builder, paginator->what, err) &&
               end_segment(paginator, err);
    paginator->was_empty = json_array_size(list) == 0;
    paginator->number = next.number > 0 ? next.number : paginator->number + 1;
    paginator->offset += (int64_t)json_array_size(list);
    return send_request(paginator, err);
}

/* When the request was made, nothing had been heard of the service for so long that its clock was old:
 * records of the time since then lie behind the window's end. */
static bool was_clock_old(const struct paginator *paginator)
{
    const struct segment *segment = &paginator->segments[paginator->current];
    return paginator->stream->pagination->ends_by_clock && segment->window.to_s == WINDOW_OPEN &&
           paginator->offset == 0 && paginator->rest->clock_s - paginator->clock_s > OLD_CLOCK_S;
}

/* The list of the next answer, prepared; one with more records than can be read has shorter windows after it.
 * Borrowed. */
static bool next_list(struct paginator *paginator, struct page *page, const json_t **out_list,
                      struct error *err)
{
    const struct rest_dialect *dialect = paginator->rest->dialect;
    const struct rest_stream *stream = paginator->stream;
    const int64_t most = stream->pagination->max_records;
    int64_t total;
    for (;;) {
        json_drop(&paginator->answer);
        if (!collect_answer(paginator, err)) return false;
        exchange_add_counts(&paginator->exchange, page);
        *out_list = page_list(dialect, paginator->answer, stream->list);
        if (!*out_list)
            return error_set(err, ERROR_FORMAT, "%s: the answer has no list \"%s\", request id %s; %s",
                             paginator->what, stream->list, paginator->exchange.request_id,
                             dialect->format_advice);
        total = most > 0 ? json_int_at(paginator->answer, dialect->total_member, -1) : -1;
        bool is_long = total > most && paginator->offset == 0 && cut_segment(paginator, total / most + 1);
        if (!is_long && !was_clock_old(paginator)) break;
        if (!send_request(paginator, err)) return false;
    }
    for (size_t i = 0; dialect->prepare && i < json_array_size(*out_list); i++)
        dialect->prepare(paginator->rest, stream->stream.table, json_array_get(*out_list, i));
    if (most > 0) tally_add(&paginator->tally, stream->stream.table, *out_list, total);
    return true;
}

static void take_notice(struct paginator *paginator, struct page *page)
{
    struct rest_source *rest = paginator->rest;
    (void)snprintf(paginator->notice, sizeof paginator->notice, "%s", rest->notice);
    rest->notice[0] = '\0';
    page->notice = paginator->notice[0] ? paginator->notice : NULL;
}

static bool paginate_next(struct reader *reader, struct page *out_page, struct error *err)
{
    struct paginator *paginator = (struct paginator *)reader;
    const json_t *list;
    json_drop(&paginator->answer);
    page_builder_reset(&paginator->builder);
    *out_page = (struct page){.last = true};
    if (paginator->is_finished) return true;
    if (!next_list(paginator, out_page, &list, err)) return false;
    take_notice(paginator, out_page);
    watch_order(paginator, list);
    add_records(paginator, list);
    if (!request_next(paginator, list, out_page, err)) return false;
    out_page->records = paginator->builder.records;
    out_page->count = paginator->builder.count;
    out_page->incomplete = paginator->builder.incomplete;
    out_page->last = paginator->is_finished;
    return true;
}

static void paginate_close(struct reader *reader)
{
    struct paginator *paginator = (struct paginator *)reader;
    exchange_done(&paginator->exchange);
    next_page_done(&paginator->place);
    cycle_done(&paginator->links);
    cycle_done(&paginator->pages);
    tally_done(&paginator->tally);
    json_drop(&paginator->answer);
    page_builder_done(&paginator->builder);
    buf_done(&paginator->url);
    buf_done(&paginator->body);
    free(paginator->segments);
    free(paginator);
}

static bool paginate_open(struct rest_source *rest, const struct selection *selection, struct window window,
                          struct reader **out_reader, struct error *err)
{
    const struct rest_stream *stream = (const struct rest_stream *)selection->stream;
    assert(window.from_s < INT64_C(100000000000)); /* seconds: milliseconds would find nothing */
    if (rest->check_stream && !rest->check_stream(rest, stream, false, err)) return false;
    struct paginator *paginator = mem_zero(1, sizeof *paginator);
    paginator->reader.type = &rest_paginate;
    paginator->rest = rest;
    paginator->stream = stream;
    paginator->selection = *selection;
    paginator->window = window;
    paginator->per_page = stream->per_page;
    page_builder_init(&paginator->builder, rest, &paginator->selection);
    buf_init(&paginator->url, LIMIT_REQUEST);
    buf_init(&paginator->body, LIMIT_REQUEST);
    exchange_init(&paginator->exchange, rest, paginator->what);
    paginator->exchange.can_be_forbidden = true;
    paginator->exchange.allow_array = stream->pagination->allow_array;
    begin_segment(paginator);
    plan_segments(paginator);
    if (!paginator->is_finished && !send_request(paginator, err)) {
        paginate_close(&paginator->reader);
        return false;
    }
    *out_reader = &paginator->reader;
    return true;
}

const struct rest_reader_type rest_paginate = {
    .open = paginate_open, .next = paginate_next, .close = paginate_close};
