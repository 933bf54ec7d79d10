/* SPDX-License-Identifier: Apache-2.0 */
/* paging.c - reads a stream leg by leg, and each leg page by page. The next page travels while this one is
 * worked on. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "core/rows.h"
#include "internal.h"

#define SMALLEST_PAGE 9 /* 150 halved four times */
#define MOST_RESTARTS 3
#define LIMIT_REQUEST 32768 /* a cursor has up to 4096 bytes, and JSON may write each as six */

/* Before a page is asked for in smaller pieces. The smallest is tried with all patience (retry_api). */
static const struct retry retry_page = {.base_ms = 1000, .cap_ms = 8000, .attempts = 4, .budget_ms = 600000};

struct paging {
    struct reader reader;
    struct intercom *intercom;
    const struct intercom_stream *stream;
    struct selection selection;
    struct window window;
    struct fetch fetch;
    char what[128];
    struct buf url, body; /* of the request that is under way */

    struct intercom_leg *legs;
    size_t leg_count, leg; /* the one that is read */

    struct paging_link link; /* where the page under way is; nowhere: it is the leg's first */
    int64_t number;          /* of that page */
    int per_page;
    bool patient;
    bool finished; /* no page is under way: the last was handed out */
    int restarts;

    struct trail links, faces;  /* links that were followed; first records of pages */
    bool ascending, descending; /* so far, the versions came in order */
    bool any_version;
    int64_t last_us; /* the version seen last */

    json_t *answer; /* the page that is handed out */
    struct batch batch;
};

/* --- legs --- */

/* Replaces the leg `at` by pieces of its window. A window that is open ends now, by Intercom's clock. */
static void cut_leg(struct paging *paging, size_t at, int64_t most_s)
{
    struct intercom_leg whole = paging->legs[at];
    int64_t end = whole.window.to_s == WINDOW_OPEN ? paging->intercom->peer_s : whole.window.to_s;
    int64_t from = whole.window.from_s > 0 ? whole.window.from_s : 0;
    size_t pieces = end - from > most_s ? (size_t)((end - from - 1) / most_s + 1) : 1;
    size_t behind = paging->leg_count - at - 1;
    paging->legs = mem_grow(paging->legs, paging->leg_count + pieces - 1, sizeof *paging->legs);
    memmove(paging->legs + at + pieces, paging->legs + at + 1, behind * sizeof *paging->legs);
    paging->leg_count += pieces - 1;
    for (size_t i = 0; i < pieces; i++) {
        struct window window = {.from_s = from + (int64_t)i * most_s,
                                .to_s = from + (int64_t)(i + 1) * most_s};
        if (i + 1 == pieces) window.to_s = whole.window.to_s;
        paging->legs[at + i] = (struct intercom_leg){.window = window, .type = whole.type};
    }
}

static bool plan_legs(struct paging *paging, struct error *err)
{
    const struct intercom *intercom = paging->intercom;
    bool typed = paging->stream->typed;
    if (typed && intercom->custom_object_count == 0)
        return error_set(err, ERROR_CONFIG,
                         "%s: there is no list of all types; name those to load in source.custom_objects, "
                         "or leave the stream out",
                         paging->stream->stream.name);
    paging->leg_count = typed ? intercom->custom_object_count : 1;
    paging->legs = mem_zero(paging->leg_count, sizeof *paging->legs);
    for (size_t i = 0; i < paging->leg_count; i++)
        paging->legs[i] = (struct intercom_leg){.window = paging->window,
                                                .type = typed ? intercom->custom_objects[i] : NULL};
    if (paging->stream->shape->most_s > 0) cut_leg(paging, 0, paging->stream->shape->most_s);
    return true;
}

static void begin_leg(struct paging *paging)
{
    paging_link_done(&paging->link);
    trail_done(&paging->links);
    trail_done(&paging->faces);
    paging->number = 1;
    paging->any_version = false;
    paging->ascending = paging->descending = true;
}

/* --- asking --- */

static bool send_request(struct paging *paging, struct error *err)
{
    const struct intercom_shape *shape = paging->stream->shape;
    const struct intercom_leg *leg = &paging->legs[paging->leg];
    struct intercom_ask ask = {
        .intercom = paging->intercom,
        .stream = paging->stream,
        .leg = *leg,
        .cursor = paging->link.cursor,
        .number = paging->link.number,
        .per_page = paging->per_page,
    };
    buf_reset(&paging->url);
    buf_reset(&paging->body);
    shape->write(&ask, &paging->url, &paging->body);
    if (paging->link.url) {
        buf_reset(&paging->url);
        buf_text(&paging->url, paging->link.url);
    }
    assert(!paging->url.full && !paging->body.full); /* links were measured when they came */
    (void)snprintf(paging->what, sizeof paging->what, "Intercom %s%s%.40s, page %" PRId64,
                   paging->stream->stream.name, leg->type ? " of type " : "", leg->type ? leg->type : "",
                   paging->number);
    return fetch_send(
        &paging->fetch,
        &(struct fetch_request){
            .method = shape->method,
            .url = buf_string(&paging->url),
            .body = paging->body.size > 0 ? &paging->body : NULL,
            .retry = paging->patient ? &retry_api : &retry_page,
            .reply_limit = shape->cursors && paging->per_page > 1 ? LIMIT_PAGE_SOFT : LIMIT_PAGE,
        },
        err);
}

/* Long windows fail in Intercom: the same time in shorter pieces. */
static bool shorten_leg(struct paging *paging)
{
    size_t before = paging->leg_count;
    int64_t fewest_s = paging->stream->shape->fewest_s;
    if (fewest_s > 0) cut_leg(paging, paging->leg, fewest_s);
    if (paging->leg_count == before) return false;
    begin_leg(paging); /* what it brought already comes again, which the reader's contract allows */
    return true;
}

/* Big pages time out in Intercom, or pass our ceiling: the same place in smaller pieces. */
static bool ask_for_less(struct paging *paging, const struct error *err)
{
    bool crowded = err->status == 429 || err->status == 409; /* the size of the page is not the trouble */
    bool large = err->kind == ERROR_LIMIT;
    int smallest = large ? 1 : SMALLEST_PAGE; /* what takes long takes long alone, too */
    bool smaller = paging->stream->shape->cursors && paging->per_page > smallest;
    if ((err->kind != ERROR_BUSY && !large) || (paging->patient && !(large && smaller))) return false;
    if (!crowded && shorten_leg(paging)) return true;
    if (!crowded && smaller) paging->per_page /= 2;
    paging->patient = crowded || !smaller || paging->per_page <= smallest;
    return true;
}

static void ask_for_more(struct paging *paging)
{
    int most = paging->stream->per_page;
    paging->patient = false;
    paging->per_page = 2 * paging->per_page < most ? 2 * paging->per_page : most;
}

/* A cursor that is not known any more can't be mended, but the leg can be read again: its records may come
 * twice then, which the reader's contract allows. */
static bool begin_again(struct paging *paging, const struct error *err)
{
    bool stale = err->kind == ERROR_REFUSED && err->status == 400 &&
                 (paging->link.cursor || paging->link.url) &&
                 (strstr(paging->fetch.message, "starting_after") || strstr(paging->fetch.message, "cursor"));
    if (!stale || paging->restarts >= MOST_RESTARTS) return false;
    paging->restarts++;
    batch_forget(&paging->batch);
    begin_leg(paging);
    return true;
}

static bool collect_answer(struct paging *paging, struct error *err)
{
    struct error failure = {0}; /* not err: it may end well */
    while (!fetch_wait(&paging->fetch, &paging->answer, &failure)) {
        bool again = ask_for_less(paging, &failure) || begin_again(paging, &failure);
        if (!again || !send_request(paging, &failure)) {
            *err = failure;
            return false;
        }
    }
    return true;
}

/* --- what a page says --- */

static bool is_windowed(const struct paging *paging)
{
    enum stream_kind kind = paging->stream->stream.kind;
    return kind == STREAM_INCREMENTAL || kind == STREAM_EVENT;
}

static bool version_of(const struct paging *paging, const json_t *body, int64_t *out_us)
{
    return row_version(paging->stream->stream.table, body, out_us);
}

/* Versions come in order within and across pages, if they do; watched, as stopping early rests on it. */
static void watch_order(struct paging *paging, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        int64_t version = 0;
        if (!version_of(paging, json_array_get(list, i), &version)) continue;
        if (paging->any_version && version < paging->last_us) paging->ascending = false;
        if (paging->any_version && version > paging->last_us) paging->descending = false;
        paging->any_version = true;
        paging->last_us = version;
    }
}

/* The end of the window in microseconds; times beyond the year 9999 do not occur. */
static int64_t window_end_us(const struct paging *paging)
{
    return paging->window.to_s == WINDOW_OPEN ? INT64_MAX : paging->window.to_s * 1000000;
}

/* All that follows this page is outside of the window. */
static bool is_past(const struct paging *paging, const json_t *list)
{
    int64_t first = 0;
    if (!is_windowed(paging) || !version_of(paging, json_array_get(list, 0), &first)) return false;
    switch (paging->stream->order) {
    case ORDER_NONE: return false;
    case ORDER_OLDEST_FIRST: return paging->ascending && first >= window_end_us(paging);
    case ORDER_NEWEST_FIRST: return paging->descending && first < paging->window.from_s * 1000000;
    }
    abort();
}

/* What the type's own path tells, a record need not. */
static void name_type(const struct paging *paging, json_t *body)
{
    const char *type = paging->legs[paging->leg].type;
    if (type && json_is_object(body) && json_string_length(json_object_get(body, "type")) == 0)
        json_object_set_new(body, "type", json_string(type));
}

/* Strangers of the superset are left out; what bears no readable version is for the caller to judge. */
static void take_records(struct paging *paging, const json_t *list)
{
    bool windowed = is_windowed(paging);
    int64_t to = window_end_us(paging);
    batch_told(&paging->batch, paging->answer);
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *body = json_array_get(list, i);
        int64_t version = 0;
        bool dated = windowed && version_of(paging, body, &version);
        if (dated && (version < paging->window.from_s * 1000000 || version >= to)) continue;
        name_type(paging, body);
        batch_take(&paging->batch, body, dated ? version : 0);
    }
}

/* --- from page to page --- */

/* Where no link leads on, the numbers may: there are more pages, or nothing is told and this one is full. */
static void count_on(const struct paging *paging, const json_t *list, struct paging_link *link)
{
    const json_t *answer = paging->answer;
    int64_t pages = json_int_at(answer, "pages.total_pages", json_int_at(answer, "total_pages", -1));
    size_t size = json_array_size(list);
    bool told = pages >= 0 || json_at(answer, "pages.next");
    bool full = paging->per_page > 0 && size == (size_t)paging->per_page;
    if (size > 0 && (told ? pages > paging->number : full)) link->number = paging->number + 1;
}

/* A link in the words of the stream's shape. */
static bool suit_link(const struct paging *paging, const json_t *list, const char *what,
                      struct paging_link *link, struct error *err)
{
    bool numbers = paging->stream->shape->numbers;
    if (!numbers && link->number > 0 && !link->cursor)
        return error_set(err, ERROR_FORMAT, "%s: pages.next has no starting_after; is the API version right?",
                         what);
    if (!numbers) link->number = 0;
    if (numbers && link->number > 0 && link->cursor) {
        free(link->cursor);
        link->cursor = NULL;
    }
    if (numbers && !link->cursor && !link->url && link->number == 0) count_on(paging, list, link);
    if (link->number == 0 || link->number > paging->number) return true;
    return error_set(err, ERROR_FORMAT,
                     "%s: the page after it has the number %" PRId64 "; reading on would never end", what,
                     link->number);
}

/* Where the page after this one is. A page of a list with cursors that does not tell, unless it is small,
 * can't be taken for the last: the records behind it would never be missed. */
static bool find_next(struct paging *paging, const json_t *list, const char *what,
                      struct paging_link *out_link, struct error *err)
{
    const struct intercom_shape *shape = paging->stream->shape;
    const json_t *pages = json_object_get(paging->answer, "pages");
    size_t size = json_array_size(list);
    bool small = size < SMALLEST_PAGE && size < (size_t)paging->per_page && !paging->stream->only_id;
    if (shape->cursors && size > 0 && !small && (!pages || json_is_null(pages)))
        return error_set(
            err, ERROR_FORMAT,
            "%s: the answer does not tell whether there are more pages (it has no \"pages\"); is "
            "the API version right?",
            what);
    return paging_follow(paging->intercom->base_url, paging->answer, what, out_link, err) &&
           suit_link(paging, list, what, out_link, err);
}

/* Pages that are counted have no cursor of their own: one that begins like one before it is that one. A
 * search is another matter: a record that changes while it is read moves to its end. */
static bool goes_in_circles(struct paging *paging, const struct paging_link *next, const json_t *list)
{
    const char *text = next->cursor ? next->cursor : next->url;
    char face[LIMIT_NAME];
    bool faced = paging->stream->shape->numbers && record_id(json_array_get(list, 0), face);
    if (faced && trail_returns(&paging->faces, face)) return true;
    return text && trail_returns(&paging->links, text);
}

static bool leads_on(const struct paging_link *link)
{
    return link->cursor || link->url || link->number > 0;
}

/* The leg is over; is there another? */
static bool end_leg(struct paging *paging, struct error *err)
{
    paging->finished = paging->leg + 1 == paging->leg_count;
    if (paging->finished) return batch_complete(&paging->batch, paging->what, err);
    paging->leg++;
    begin_leg(paging);
    return send_request(paging, err);
}

/* Sends for the page after this one, so that it travels while this one is worked on. */
static bool send_for_next(struct paging *paging, const json_t *list, struct error *err)
{
    char what[sizeof paging->what + sizeof paging->fetch.request_id + 16];
    struct paging_link next = {0};
    (void)snprintf(what, sizeof what, "%s, request id %s", paging->what, paging->fetch.request_id);
    if (!find_next(paging, list, what, &next, err)) {
        paging_link_done(&next);
        return false;
    }
    ask_for_more(paging); /* not before: it was looked at how much this one was asked for */
    bool on = leads_on(&next) && !is_past(paging, list);
    bool circle = on && goes_in_circles(paging, &next, list);
    paging_link_done(&paging->link);
    paging->link = next;
    if (circle)
        return error_set(
            err, ERROR_FORMAT,
            "%s: Intercom's link to the next page leads back to a page already read; reading on would "
            "never end",
            what);
    if (!on) return end_leg(paging, err);
    paging->number = next.number > 0 ? next.number : paging->number + 1;
    return send_request(paging, err);
}

/* --- the reader --- */

static bool next_page(struct reader *reader, struct page *out_page, struct error *err)
{
    struct paging *paging = (struct paging *)reader;
    json_drop(&paging->answer);
    batch_reset(&paging->batch);
    *out_page = (struct page){.last = true};
    if (paging->finished) return true;
    if (!collect_answer(paging, err)) return false;
    fetch_tell(&paging->fetch, out_page);
    const json_t *list = paging_list(paging->answer, paging->stream->list);
    if (!list)
        return error_set(err, ERROR_FORMAT,
                         "%s: the answer has no list \"%s\", request id %s; is the API version right?",
                         paging->what, paging->stream->list, paging->fetch.request_id);
    watch_order(paging, list);
    out_page->ascending = paging->ascending;
    take_records(paging, list);
    if (!send_for_next(paging, list, err)) return false;
    out_page->records = paging->batch.records;
    out_page->count = paging->batch.count;
    out_page->last = paging->finished;
    return true;
}

static void close_pages(struct reader *reader)
{
    struct paging *paging = (struct paging *)reader;
    fetch_done(&paging->fetch);
    paging_link_done(&paging->link);
    trail_done(&paging->links);
    trail_done(&paging->faces);
    json_drop(&paging->answer);
    batch_done(&paging->batch);
    buf_done(&paging->url);
    buf_done(&paging->body);
    free(paging->legs);
    free(paging);
}

/* The versions of the API differ in what they have. */
static bool is_there(const struct intercom *intercom, const struct intercom_stream *stream, struct error *err)
{
    if (intercom->minor >= stream->since || stream->older_path) return true;
    return error_set(
        err, ERROR_FORBIDDEN,
        "Intercom %s: the API has it from version 2.%d on, and source.api_version is 2.%d; set a "
        "newer one, or leave the stream out",
        stream->stream.name, stream->since, intercom->minor);
}

static bool open_pages(struct intercom *intercom, const struct selection *selection, struct window window,
                       struct reader **out_reader, struct error *err)
{
    const struct intercom_stream *stream = (const struct intercom_stream *)selection->stream;
    assert(window.from_s <
           INT64_C(100000000000)); /* seconds: milliseconds would find nothing, without an error */
    struct paging *paging = mem_zero(1, sizeof *paging);
    paging->reader.reading = &intercom_pages;
    paging->intercom = intercom;
    paging->stream = stream;
    paging->selection = *selection;
    paging->window = window;
    paging->per_page = stream->per_page;
    batch_init(&paging->batch, &paging->selection);
    buf_init(&paging->url, LIMIT_REQUEST);
    buf_init(&paging->body, LIMIT_REQUEST);
    fetch_init(&paging->fetch, intercom, paging->what);
    paging->fetch.bare = stream->shape->bare;
    begin_leg(paging);
    if (!is_there(intercom, stream, err) || !plan_legs(paging, err) || !send_request(paging, err)) {
        close_pages(&paging->reader);
        return false;
    }
    *out_reader = &paging->reader;
    return true;
}

const struct intercom_reading intercom_pages = {.open = open_pages, .next = next_page, .close = close_pages};
