/* SPDX-License-Identifier: Apache-2.0 */
/* scroll.c - the companies: a list that only moves forward.
 *
 * Intercom keeps the position: each page is requested with the same parameter, and the end is an empty page.
 * The position may have moved on before a failure, and Intercom says that a scroll can't be continued after
 * one: the scroll restarts after any failure. A workspace has one scroll at a time, which lapses after a
 * minute. Pages wait until all have been read, so that nothing slow happens between them; only pages that
 * the queue cannot hold are passed on at once.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "internal.h"
#include "rest/cycle.h"
#include "rest/exchange.h"
#include "rest/list_total.h"
#include "rest/page_queue.h"

#define SCROLL_PAGE  100 /* Intercom's; it can't be chosen */
#define LIMIT_URL    8192
#define LIMIT_PARAM  2048
#define LAPSE_MS     61000 /* then an abandoned scroll of another client has ended */
#define LAPSES_MAX   3
#define RESTARTS_MAX 3
#define REFUSALS_MAX 8 /* restarts for the rate limit */

struct scroll {
    struct reader reader;
    struct rest_source *rest;
    const struct rest_stream *stream;
    struct selection selection;
    struct exchange exchange;
    char what[96];
    struct buf url;

    int64_t asked_us;               /* when the first page was requested: pages that wait have that time */
    char *param;                    /* NULL: the first page is in flight */
    int64_t number;                 /* of the page in flight */
    bool is_ended;                  /* no page is in flight */
    int lapses, restarts, refusals; /* in all: each starts over, and that must end */
    struct cycle pages;             /* hashes of pages */

    struct json_value *answer;
    struct page_queue queue; /* pages that wait */
    struct json_value *list; /* the one that was passed on */
    struct page_builder builder;
    struct list_count count;
};

/* The first page has no position to lose. The others are requested once, on a new connection (on a broken old
 * one curl would send again): recover() decides what follows a failure. */
static bool send_request(struct scroll *scroll, struct error *err)
{
    buf_reset(&scroll->url);
    buf_format(&scroll->url, "%s%s", scroll->rest->base_url, scroll->stream->path);
    if (scroll->param) {
        buf_text(&scroll->url, "?scroll_param=");
        http_escape(&scroll->url, scroll->param);
    }
    assert(!scroll->url.full); /* the parameter has a ceiling */
    (void)snprintf(scroll->what, sizeof scroll->what, "Intercom %s, page %" PRId64 " of the scroll",
                   scroll->stream->stream.name, scroll->number);
    if (!scroll->param) scroll->asked_us = clock_boot_us();
    return exchange_send(&scroll->exchange,
                         &(struct exchange_request){
                             .method = "GET",
                             .url = buf_string(&scroll->url),
                             .retry = scroll->param ? NULL : &retry_api,
                             .no_cache = true,
                         },
                         err);
}

static void reset(struct scroll *scroll)
{
    free(scroll->param);
    scroll->param = NULL;
    scroll->number = 1;
    cycle_done(&scroll->pages);
    page_queue_done(&scroll->queue);
    list_count_restart(&scroll->count);
}

static bool restart(struct scroll *scroll, struct error *err)
{
    if (!scroll->param) return false; /* the first page failed after all retries */
    if (scroll->restarts++ >= RESTARTS_MAX) return error_wrap(err, "restarted %d times", RESTARTS_MAX);
    reset(scroll);
    return true;
}

/* Our own scroll may be the one that exists: a restart leaves it behind. */
static bool await_lapse(struct scroll *scroll, struct error *err)
{
    if (scroll->lapses++ >= LAPSES_MAX + scroll->restarts + scroll->refusals)
        return error_set(err, ERROR_BUSY,
                         "%s: another client holds the companies scroll (Intercom allows one per "
                         "workspace); gave up after %d × %d s, request id %s; let the other one end, or run "
                         "at another hour",
                         scroll->what, LAPSES_MAX, LAPSE_MS / 1000, scroll->exchange.request_id);
    reset(scroll);
    return rest_wait(scroll->rest, LAPSE_MS, err);
}

/* The rate limiter delays the first page. */
static bool restart_refused(struct scroll *scroll, struct error *err)
{
    if (scroll->refusals++ >= REFUSALS_MAX)
        return error_wrap(err, "restarted %d times for the rate limit", REFUSALS_MAX);
    reset(scroll);
    return true;
}

static bool recover(struct scroll *scroll, struct error *err)
{
    int status = err->status;
    if (status == 400 && strcmp(scroll->exchange.failure.code, "scroll_exists") == 0)
        return await_lapse(scroll, err);
    if (status == 404 && err->kind == ERROR_REFUSED) return restart(scroll, err); /* it lapsed */
    if ((err->kind != ERROR_BUSY && err->kind != ERROR_FORMAT) || !scroll->param) return false;
    return status == 429 || status == 409 ? restart_refused(scroll, err) : restart(scroll, err);
}

static bool collect_answer(struct scroll *scroll, struct error *err)
{
    struct error failure = {0}; /* not err: it may recover */
    while (!exchange_wait(&scroll->exchange, &scroll->answer, &failure)) {
        if (!recover(scroll, &failure) || !send_request(scroll, &failure)) {
            *err = failure;
            return false;
        }
    }
    scroll->exchange.can_be_forbidden = false;
    return true;
}

static bool keep_param(struct scroll *scroll, struct error *err)
{
    const struct json_value *value = value_get(scroll->answer, "scroll_param");
    const char *param = value_text(value);
    size_t size = value_size(value);
    if (size == 0 && scroll->param) return true;
    if (size == 0 || size > LIMIT_PARAM || strlen(param) != size)
        return error_set(
            err, ERROR_FORMAT,
            "%s: the answer has no scroll_param to go on with, request id %s; is the API version "
            "right?",
            scroll->what, scroll->exchange.request_id);
    free(scroll->param);
    scroll->param = mem_text(param);
    return true;
}

/* All pages have one URL: a cache could answer for ever. */
static bool is_new_page(struct scroll *scroll, const struct json_value *list, struct error *err)
{
    if (!page_closes_cycle(&scroll->pages, scroll->stream, list)) return true;
    return error_set(err, ERROR_FORMAT,
                     "%s: it is a page that was read already, request id %s; look for a proxy that "
                     "caches answers",
                     scroll->what, scroll->exchange.request_id);
}

static bool read_page(struct scroll *scroll, const struct json_value **out_list, struct page *page,
                      struct error *err)
{
    value_drop(&scroll->answer);
    if (!collect_answer(scroll, err)) return false;
    exchange_add_counts(&scroll->exchange, page);
    const struct json_value *list = exchange_list(&scroll->exchange, scroll->stream, scroll->answer, err);
    if (!list) return false;
    page_builder_count(&scroll->builder, &scroll->count, scroll->answer, list);
    *out_list = list;
    scroll->is_ended = value_count(list) == 0;
    if (scroll->is_ended) return true;
    if (!keep_param(scroll, err) || !is_new_page(scroll, list, err)) return false;
    scroll->number++;
    return send_request(scroll, err);
}

/* The page to pass on: one that the queue cannot hold; after all were read, one of the queue. */
static bool find_page(struct scroll *scroll, const struct json_value **out_list, struct page *page,
                      struct error *err)
{
    *out_list = NULL;
    while (!scroll->is_ended) {
        if (!read_page(scroll, out_list, page, err)) return false;
        if (!scroll->is_ended && !page_queue_push(&scroll->queue, *out_list)) return true;
    }
    value_drop(&scroll->list);
    if (!page_queue_pop(&scroll->queue, &scroll->list, err)) return false;
    *out_list = scroll->list;
    return true;
}

static bool scroll_next(struct reader *reader, struct page *out_page, struct error *err)
{
    struct scroll *scroll = (struct scroll *)reader;
    const struct json_value *list = NULL;
    page_builder_reset(&scroll->builder);
    *out_page = (struct page){0};
    if (!find_page(scroll, &list, out_page, err)) return false;
    out_page->asked_us = scroll->asked_us;
    for (struct json_value *body = value_elements(list); body; body = body->next)
        page_builder_add_record(&scroll->builder, body, 0);
    out_page->records = scroll->builder.records;
    out_page->count = scroll->builder.count;
    out_page->last = scroll->is_ended && scroll->queue.next == scroll->queue.count;
    if (out_page->last) page_builder_check_total(&scroll->builder, &scroll->count, out_page);
    return !out_page->last ||
           page_builder_check_complete(&scroll->builder, &scroll->count, scroll->what, err);
}

/* A scroll that is begun is one that another client can't begin: the companies are counted by their other
 * list. The page that ends a scroll is empty. */
static bool scroll_count(struct rest_source *rest, const struct selection *selection, struct window window,
                         struct source_count *count, struct error *err)
{
    struct intercom_stream list = *(const struct intercom_stream *)selection->stream;
    struct selection counted = *selection;
    struct list_total total;
    list.rest.path = "/companies";
    list.rest.pagination = &intercom_numbers;
    list.rest.per_page = SCROLL_PAGE;
    counted.stream = &list.rest.stream;
    if (!list_total_ask(rest, &counted, &(struct segment){.window = window}, &total, err)) return false;
    int64_t pages = list_total_pages(&total);
    list_total_add(&total, total.records > 0 ? pages + 1 : pages, count);
    return true;
}

static void scroll_close(struct reader *reader)
{
    struct scroll *scroll = (struct scroll *)reader;
    exchange_done(&scroll->exchange);
    cycle_done(&scroll->pages);
    page_queue_done(&scroll->queue);
    value_drop(&scroll->answer);
    value_drop(&scroll->list);
    page_builder_done(&scroll->builder);
    buf_done(&scroll->url);
    free(scroll->param);
    free(scroll);
}

static bool scroll_open(struct rest_source *rest, const struct selection *selection, struct window window,
                        struct reader **out_reader, struct error *err)
{
    struct scroll *scroll = mem_zero(1, sizeof *scroll);
    (void)window; /* there is no filter: everything is read */
    scroll->reader.type = &intercom_scroll;
    scroll->rest = rest;
    scroll->stream = (const struct rest_stream *)selection->stream;
    scroll->selection = *selection;
    reset(scroll);
    page_builder_init(&scroll->builder, rest, &scroll->selection);
    buf_init(&scroll->url, LIMIT_URL);
    exchange_init(&scroll->exchange, rest, scroll->what);
    scroll->exchange.can_be_forbidden = true;
    if (!send_request(scroll, err)) {
        scroll_close(&scroll->reader);
        return false;
    }
    *out_reader = &scroll->reader;
    return true;
}

const struct rest_reader_type intercom_scroll = {
    .open = scroll_open, .next = scroll_next, .close = scroll_close, .count = scroll_count};
