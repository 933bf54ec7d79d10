/* SPDX-License-Identifier: Apache-2.0 */
/* backward.c - reads a list of counted pages from the last one to the first.
 *
 * A record that changes leaves its place in a list that is sorted by the time of the change, oldest first.
 * All later ones move up by one, and one moves from the page that follows onto the page that was just read.
 * Read from the end, it comes twice instead of never.
 *
 * The first page is requested first, since it says how many there are, and once more at the end. That second
 * request is left out if the list can't have changed. The next page is requested before this one is passed
 * on.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/content.h"
#include "core/rows.h"
#include "exchange.h"
#include "list_total.h"
#include "next_page.h"
#include "page_builder.h"

#define LIMIT_REQUEST 8192

struct backward {
    struct reader reader;
    struct rest_source *rest;
    const struct rest_stream *stream;
    struct selection selection;
    struct window window;
    struct exchange exchange;
    char what[128];
    struct buf url, body; /* of the request in flight */

    struct window segment; /* of the list that is read */
    int64_t number;        /* of the page in flight */
    int64_t clock_s;       /* the service's, when it was requested */
    bool is_counting;      /* it is the first page, which says how many there are */
    bool is_finished;      /* the last page of the last list was passed on */

    struct json_value *first; /* the answer with the first page, if there are more */
    int64_t first_asked_us;   /* when it was asked for */
    int64_t total;            /* records of the list, as that answer said */
    bool is_over;             /* ... when the list was one of the past, which only shrinks */
    bool is_changed;          /* a later answer said another total */
    int64_t newest_total;
    int64_t received;
    int64_t last_hash; /* of the page before; 0: there was none */

    struct json_value *answer; /* of the page that was passed on */
    struct page_builder builder;
    char notice[REST_NOTICE];
};

/* --- lists --- */

static int64_t end_of_day_s(const struct backward *backward, int64_t at_s)
{
    return zone_start_s(backward->rest->zone, day_add(zone_day(backward->rest->zone, at_s), 1));
}

/* A day that began before the window is another window's. */
static struct window next_segment(const struct backward *backward, int64_t from_s)
{
    struct window segment = {.from_s = from_s, .to_s = backward->window.to_s};
    if (!backward->stream->day_member) return segment;
    int64_t day_s = zone_start_s(backward->rest->zone, zone_day(backward->rest->zone, from_s));
    if (day_s < from_s) segment.from_s = end_of_day_s(backward, from_s);
    segment.to_s = end_of_day_s(backward, segment.from_s);
    return segment;
}

/* By the source's clock, today is the last day; it may end while it is read, so that another follows. */
static bool segments_follow(const struct backward *backward)
{
    const int64_t end_s = backward->window.to_s;
    if (!backward->stream->day_member) return false;
    return end_s == WINDOW_OPEN ? backward->segment.to_s <= backward->rest->clock_s
                                : backward->segment.to_s < end_s;
}

static void begin_segment(struct backward *backward, struct window segment)
{
    backward->segment = segment;
    backward->number = 1;
    backward->is_counting = true;
    backward->is_changed = false;
    backward->received = backward->last_hash = 0;
    value_drop(&backward->first);
}

/* --- requests --- */

static bool send_request(struct backward *backward, struct error *err)
{
    const struct pagination *pagination = backward->stream->pagination;
    const int per_page = backward->stream->per_page;
    char id[REST_ID];
    struct page_request request = {
        .source = backward->rest,
        .stream = backward->stream,
        .segment = {.window = backward->segment},
        .number = backward->number,
        .offset = (backward->number - 1) * per_page,
        .per_page = per_page,
        .id = rest_next_id(backward->rest, id),
    };
    buf_reset(&backward->url);
    buf_reset(&backward->body);
    backward->clock_s = backward->rest->clock_s;
    pagination->write(&request, &backward->url, &backward->body);
    assert(!backward->url.full && !backward->body.full); /* of numbers and times */
    (void)snprintf(backward->what, sizeof backward->what, "%s %s, page %" PRId64,
                   backward->rest->dialect->name, backward->stream->stream.name, backward->number);
    return exchange_send(&backward->exchange,
                         &(struct exchange_request){
                             .method = pagination->method,
                             .url = buf_string(&backward->url),
                             .body = backward->body.size > 0 ? &backward->body : NULL,
                             .id = backward->body.size > 0 ? id : NULL,
                             .retry = &retry_api,
                         },
                         err);
}

/* Of a list that says only how many records it has. */
static int64_t pages_of(const struct rest_stream *stream, int64_t total)
{
    return total < 0 ? -1 : total > stream->per_page ? (total - 1) / stream->per_page + 1 : 1;
}

/* The counts of an answer, and whether it is the page that was asked for. */
static bool read_counts(const struct backward *backward, const struct json_value *answer, int64_t *out_pages,
                        int64_t *out_total, struct error *err)
{
    const struct pagination *pagination = backward->stream->pagination;
    const char *member = pagination->number_member;
    int64_t number = member ? value_integer_at(answer, member, -1) : backward->number;
    *out_total = value_integer_at(answer, pagination->total_member, -1);
    *out_pages = pagination->pages_member ? value_integer_at(answer, pagination->pages_member, -1)
                                          : pages_of(backward->stream, *out_total);
    if (*out_pages < 0 || *out_total < 0 || *out_pages > NEXT_PAGE_NUMBER)
        return error_set(
            err, ERROR_FORMAT, "%s: the answer does not say how many pages there are, request id %s; %s",
            backward->what, backward->exchange.request_id, backward->rest->dialect->format_advice);
    if (number != backward->number && *out_total > 0)
        return error_set(err, ERROR_FORMAT, "%s: the answer is page %" PRId64 ", request id %s; %s",
                         backward->what, number, backward->exchange.request_id,
                         backward->rest->dialect->format_advice);
    return true;
}

/* --- records --- */

static void set_day(const struct backward *backward, struct json_value *body)
{
    if (backward->stream->day_member && value_is_object(body))
        value_set_integer(body, backward->stream->day_member, backward->segment.from_s);
}

static bool is_inside(const struct backward *backward, const struct json_value *body, int64_t *out_us)
{
    const struct window *window = &backward->window;
    *out_us = 0;
    if (!stream_is_windowed(&backward->stream->stream)) return true;
    if (!row_version(backward->stream->stream.table, body, out_us)) return true; /* it is rejected */
    return *out_us >= window->from_s * 1000000 &&
           (window->to_s == WINDOW_OPEN || *out_us < window->to_s * 1000000);
}

/* A service that ignores the number of the page gives one page again and again. */
static void count_records(struct backward *backward, const struct json_value *list)
{
    int64_t hash = content_hash(backward->stream->stream.table, list);
    bool is_repeated = value_count(list) > 0 && hash == backward->last_hash;
    backward->last_hash = hash;
    if (!is_repeated) backward->received += (int64_t)value_count(list);
}

static void add_records(struct backward *backward, const struct json_value *list)
{
    count_records(backward, list);
    for (struct json_value *body = value_elements(list); body; body = body->next) {
        const struct rest_dialect *dialect = backward->rest->dialect;
        int64_t version_us;
        if (dialect->prepare) dialect->prepare(backward->rest, backward->stream->stream.table, body);
        set_day(backward, body);
        if (is_inside(backward, body, &version_us))
            page_builder_add_record(&backward->builder, body, version_us);
    }
}

/* Reading from the end, none of the records that the list still has is missed. Some of an open list move past
 * the pages that were read. */
static void check_total(struct backward *backward, struct page *page)
{
    int64_t least = backward->newest_total;
    int64_t slack = backward->is_over ? 0 : least / 10;
    if (backward->received < least - slack) page_contradict(page, least, backward->received);
}

/* --- pages --- */

static bool end_segment(struct backward *backward, struct page *page, struct error *err)
{
    const struct list_count count = {.expected = backward->newest_total, .received = backward->received};
    check_total(backward, page);
    if (!page_builder_check_complete(&backward->builder, &count, backward->what, err)) return false;
    backward->is_finished = !segments_follow(backward);
    if (backward->is_finished) return true;
    begin_segment(backward, next_segment(backward, backward->segment.to_s));
    return send_request(backward, err);
}

/* Takes the answer that was kept, instead of asking for the first page once more. */
static bool take_first(struct backward *backward, struct page *page, struct error *err)
{
    value_drop(&backward->answer);
    backward->answer = backward->first;
    backward->first = NULL;
    page->asked_us = backward->first_asked_us;
    const struct json_value *list =
        exchange_list(&backward->exchange, backward->stream, backward->answer, err);
    if (!list) return false;
    add_records(backward, list);
    return end_segment(backward, page, err);
}

/* The service's clock says where an open window ends. */
static bool check_clock(const struct backward *backward, struct error *err)
{
    const bool is_needed = backward->window.to_s == WINDOW_OPEN &&
                           (backward->stream->day_member || backward->stream->pagination->ends_by_clock);
    if (!is_needed || backward->rest->clock_s > 0) return true;
    return error_set(err, ERROR_FORMAT,
                     "%s: the answer has no header \"Date\", so there is no telling where the list ends, "
                     "request id %s; look for a proxy that drops it",
                     backward->what, backward->exchange.request_id);
}

static bool was_clock_old(const struct backward *backward)
{
    return backward->is_counting && backward->segment.to_s == WINDOW_OPEN &&
           backward->stream->pagination->ends_by_clock &&
           backward->rest->clock_s - backward->clock_s > REST_OLD_CLOCK_S;
}

/* Requests are mended, and the first one is sent again if it ended by an old clock. */
static bool await_answer(struct backward *backward, struct page *page, struct error *err)
{
    struct error failure = {0}; /* not err: it may end well */
    for (;;) {
        value_drop(&backward->answer);
        bool is_answered = exchange_wait(&backward->exchange, &backward->answer, &failure);
        exchange_add_counts(&backward->exchange, page);
        bool is_final = is_answered ? !was_clock_old(backward)
                                    : !rest_mends(backward->rest, backward->stream,
                                                  &backward->exchange.failure, &failure);
        if (is_final && !is_answered) *err = failure;
        if (is_final) return is_answered && check_clock(backward, err);
        if (!send_request(backward, err)) return false;
    }
}

/* Waits for the page in flight. out_list NULL: it only said how many there are, and another is in flight. */
static bool receive(struct backward *backward, struct page *page, const struct json_value **out_list,
                    struct error *err)
{
    int64_t pages, total;
    *out_list = NULL;
    if (!await_answer(backward, page, err)) return false;
    backward->exchange.can_be_forbidden = false;
    const struct json_value *list =
        exchange_list(&backward->exchange, backward->stream, backward->answer, err);
    if (!list || !read_counts(backward, backward->answer, &pages, &total, err)) return false;
    if (backward->is_counting) backward->is_over = backward->segment.to_s <= backward->rest->clock_s;
    if (!backward->is_counting && total != backward->total) backward->is_changed = true;
    backward->newest_total = total;
    if (!backward->is_counting || pages <= 1) {
        *out_list = list;
        return true;
    }
    backward->is_counting = false;
    backward->number = pages;
    backward->total = total;
    backward->first = backward->answer;
    backward->answer = NULL;
    backward->first_asked_us = page->asked_us;
    return send_request(backward, err);
}

static bool read_page(struct backward *backward, struct page *page, struct error *err)
{
    const struct json_value *list;
    if (backward->first && backward->number == 1) return take_first(backward, page, err);
    do
        if (!receive(backward, page, &list, err)) return false;
    while (!list);
    add_records(backward, list);
    if (backward->number == 1) return end_segment(backward, page, err);
    backward->number--;
    if (backward->number > 1) return send_request(backward, err);
    if (!backward->is_changed && backward->is_over) return true;
    value_drop(&backward->first);
    return send_request(backward, err);
}

static bool backward_next(struct reader *reader, struct page *out_page, struct error *err)
{
    struct backward *backward = (struct backward *)reader;
    page_builder_reset(&backward->builder);
    *out_page = (struct page){.last = true};
    if (backward->is_finished) return true;
    if (!read_page(backward, out_page, err)) return false;
    out_page->records = backward->builder.records;
    out_page->count = backward->builder.count;
    out_page->last = backward->is_finished;
    out_page->notice = rest_take_notice(backward->rest, backward->notice);
    return true;
}

/* --- how many there are --- */

/* A list that is still open is asked for its first page once more. */
static int64_t requests_of(const struct rest_source *rest, const struct list_total *total,
                           struct window window)
{
    int64_t pages = list_total_pages(total);
    return pages > 1 && window.to_s > rest->clock_s ? pages + 1 : pages;
}

static bool count_list(struct rest_source *rest, const struct selection *selection, struct window window,
                       struct source_count *count, struct error *err)
{
    struct list_total total;
    if (!list_total_ask(rest, selection, &(struct segment){.window = window}, &total, err)) return false;
    list_total_add(&total, requests_of(rest, &total, window), count);
    return true;
}

/* Many days: as if their records were spread evenly. A day has at least a page, and then its last page is
 * half full. */
static bool count_days(struct rest_source *rest, const struct selection *selection, struct window window,
                       int64_t days, struct source_count *count, struct error *err)
{
    struct list_total total;
    if (!list_total_ask(rest, selection, &(struct segment){.window = window}, &total, err)) return false;
    int64_t more = total.per_page > 0 ? total.records / total.per_page - days / 2 : 0;
    list_total_add(&total, days + (more > 0 ? more : 0), count);
    return true;
}

static bool backward_count(struct rest_source *rest, const struct selection *selection, struct window window,
                           struct source_count *count, struct error *err)
{
    const struct rest_stream *stream = (const struct rest_stream *)selection->stream;
    struct backward backward = {.rest = rest, .stream = stream, .window = window};
    int64_t days = 0;
    if (!stream->day_member) return count_list(rest, selection, window, count, err);
    for (backward.segment = next_segment(&backward, window.from_s); segments_follow(&backward);
         backward.segment = next_segment(&backward, backward.segment.to_s))
        days++;
    if (days >= LIST_PIECES) return count_days(rest, selection, window, days + 1, count, err);
    backward.segment = next_segment(&backward, window.from_s);
    for (;;) {
        if (!count_list(rest, selection, backward.segment, count, err)) return false;
        if (!segments_follow(&backward)) return true;
        backward.segment = next_segment(&backward, backward.segment.to_s);
    }
}

static void backward_close(struct reader *reader)
{
    struct backward *backward = (struct backward *)reader;
    exchange_done(&backward->exchange);
    value_drop(&backward->answer);
    value_drop(&backward->first);
    page_builder_done(&backward->builder);
    buf_done(&backward->url);
    buf_done(&backward->body);
    free(backward);
}

static bool backward_open(struct rest_source *rest, const struct selection *selection, struct window window,
                          struct reader **out_reader, struct error *err)
{
    const struct rest_stream *stream = (const struct rest_stream *)selection->stream;
    assert(window.from_s < INT64_C(100000000000)); /* seconds: milliseconds would find nothing */
    if (rest->check_stream && !rest->check_stream(rest, stream, false, err)) return false;
    struct backward *backward = mem_zero(1, sizeof *backward);
    backward->reader.type = &rest_backward;
    backward->rest = rest;
    backward->stream = stream;
    backward->selection = *selection;
    backward->window = window;
    page_builder_init(&backward->builder, rest, &backward->selection);
    buf_init(&backward->url, LIMIT_REQUEST);
    buf_init(&backward->body, LIMIT_REQUEST);
    exchange_init(&backward->exchange, rest, backward->what);
    backward->exchange.can_be_forbidden = true;
    begin_segment(backward, next_segment(backward, window.from_s));
    if (!send_request(backward, err)) {
        backward_close(&backward->reader);
        return false;
    }
    *out_reader = &backward->reader;
    return true;
}

const struct rest_reader_type rest_backward = {
    .open = backward_open, .next = backward_next, .close = backward_close, .count = backward_count};
