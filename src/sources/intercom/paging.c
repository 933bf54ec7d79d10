#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "core/rows.h"
#include "internal.h"

#define SMALLEST_PAGE  9 /* 150 halved four times */
#define MOST_RESTARTS  3
#define LIMIT_REQUEST  16384
#define DAYS_PADDING_S 172800 /* a local day has up to 25 hours: one day would not do */

/* Before a page is asked for in smaller pieces. The smallest is tried with all patience (retry_api). */
static const struct retry retry_page = {.base_ms = 1000, .cap_ms = 8000, .attempts = 4, .budget_ms = 600000};

struct paging {
    struct reader reader;
    struct intercom *intercom;
    const struct intercom_stream *stream;
    struct window window;
    struct fetch fetch;
    char what[96];
    struct buf url, body; /* of the request that is under way */

    struct paging_link link; /* where the page under way is; nowhere: it is the first */
    int64_t number;          /* of that page */
    int per_page;
    bool patient;
    bool finished; /* no page is under way: the last was handed out */
    int restarts;

    char *landmark; /* a link seen before, for finding circles; see goes_in_circles */
    int64_t landmark_at;
    int64_t newest_us; /* the greatest version so far */
    bool ascending;    /* ... and they came in order */

    json_t *answer; /* the page that is handed out */
    struct record *records;
};

/* --- the shape: search with a cursor in the body --- */

static void write_bound(struct buf *body, const char *field, const char *operator, int64_t value)
{
    (void)buf_format(body, "{\"field\":\"%s\",\"operator\":\"%s\",\"value\":%" PRId64 "}", field, operator,
                     value);
}

static void write_search(const struct intercom_ask *ask, struct buf *url, struct buf *body)
{
    const struct intercom_stream *stream = ask->stream;
    const char *field = stream->stream.table->version;
    int64_t low = 0, high = 0;
    paging_bounds(ask->intercom, stream->bounds, ask->window, &low, &high);

    (void)buf_format(url, "%s%s", ask->intercom->base_url, stream->path);
    if (stream->query && ask->intercom->minor >= stream->query_minor)
        (void)buf_format(url, "?%s", stream->query);

    (void)buf_text(body, "{\"query\":{\"operator\":\"AND\",\"value\":[");
    write_bound(body, field, ">", low);
    if (high != WINDOW_OPEN) {
        (void)buf_byte(body, ',');
        write_bound(body, field, "<", high);
    }
    (void)buf_format(body, "]},\"pagination\":{\"per_page\":%d", ask->per_page);
    if (ask->cursor) {
        (void)buf_text(body, ",\"starting_after\":");
        (void)json_write_string(body, ask->cursor, strlen(ask->cursor));
    }
    (void)buf_format(body, "},\"sort\":{\"field\":\"%s\",\"order\":\"ascending\"}}", field);
}

const struct intercom_shape intercom_search = {
    .method = "POST", .per_page = 150, .windowed = true, .write = write_search};

/* --- the shape: a list that is asked for whole --- */

static void write_list(const struct intercom_ask *ask, struct buf *url, struct buf *body)
{
    (void)body; /* a GET has none */
    (void)buf_format(url, "%s%s", ask->intercom->base_url, ask->stream->path);
}

const struct intercom_shape intercom_list = {.method = "GET", .write = write_list};

void paging_bounds(const struct intercom *intercom, enum intercom_bounds bounds, struct window window,
                   int64_t *out_low_s, int64_t *out_high_s)
{
    bool days = bounds == BOUNDS_DAYS_2_16 && intercom->minor <= 16;
    int64_t low = window.from_s - (days ? DAYS_PADDING_S : 1);
    *out_low_s = low > 0 ? low : 0; /* nothing is older than Intercom */
    *out_high_s = window.to_s == WINDOW_OPEN ? WINDOW_OPEN : window.to_s + (days ? DAYS_PADDING_S : 0);
}

/* --- links from page to page --- */

void paging_link_done(struct paging_link *link)
{
    free(link->cursor);
    free(link->url);
    *link = (struct paging_link){0};
}

/* A URL gets our token, so it must lead to where we are already. */
static bool follow_url(const char *base_url, const char *url, const char *what, struct paging_link *out_link,
                       struct error *err)
{
    size_t base = strlen(base_url);
    for (const char *byte = url; *byte; byte++)
        if (*byte <= ' ' || *byte > '~')
            return error_set(err, ERROR_FORMAT, "%s: the link to the next page is not a URL", what);
    if (strncmp(url, base_url, base) != 0 || url[base] != '/')
        return error_set(
            err, ERROR_FORMAT,
            "%s: the link to the next page leads to another host than %s; check the region and the base "
            "URL",
            what, base_url);
    out_link->url = mem_text(url);
    return true;
}

bool paging_follow(const char *base_url, const json_t *answer, const char *what, struct paging_link *out_link,
                   struct error *err)
{
    const json_t *pages = json_object_get(answer, "pages");
    const json_t *next = json_object_get(pages, "next");
    *out_link = (struct paging_link){0};
    if (pages && !json_is_null(pages) && !json_is_object(pages))
        return error_set(err, ERROR_FORMAT, "%s: pages is not an object; is the API version right?", what);
    if (json_is_object(next)) {
        next = json_object_get(next, "starting_after");
        if (!next)
            return error_set(err, ERROR_FORMAT,
                             "%s: pages.next has no starting_after; is the API version right?", what);
    }
    if (!next || json_is_null(next)) return true;
    const char *text = json_string_value(next);
    if (!text || strlen(text) != json_string_length(next) || strlen(text) > LIMIT_REQUEST / 4)
        return error_set(err, ERROR_FORMAT,
                         "%s: pages.next is not a cursor or link; is the API version right?", what);
    if (strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0)
        return follow_url(base_url, text, what, out_link, err);
    out_link->cursor = *text ? mem_text(text) : NULL;
    return true;
}

static const char *link_text(const struct paging_link *link)
{
    return link->cursor ? link->cursor : link->url;
}

/* The link just followed is compared, and one more that is replaced each time the way has doubled (Brent):
 * any circle meets that one in the end, however long the circle and the way to it are. */
static bool goes_in_circles(struct paging *paging, const char *next)
{
    const char *last = link_text(&paging->link);
    if ((last && strcmp(last, next) == 0) || (paging->landmark && strcmp(paging->landmark, next) == 0))
        return true;
    if (paging->number >= 2 * paging->landmark_at) {
        free(paging->landmark);
        paging->landmark = mem_text(next);
        paging->landmark_at = paging->number;
    }
    return false;
}

/* --- asking --- */

static bool send_request(struct paging *paging, struct error *err)
{
    const struct intercom_shape *shape = paging->stream->shape;
    struct intercom_ask ask = {
        .intercom = paging->intercom,
        .stream = paging->stream,
        .window = paging->window,
        .cursor = paging->link.cursor,
        .per_page = paging->per_page,
    };
    buf_reset(&paging->url);
    buf_reset(&paging->body);
    shape->write(&ask, &paging->url, &paging->body);
    if (paging->link.url) {
        buf_reset(&paging->url);
        (void)buf_text(&paging->url, paging->link.url);
    }
    assert(!paging->url.full && !paging->body.full); /* links were measured when they came */
    (void)snprintf(paging->what, sizeof paging->what, "Intercom %s, page %" PRId64,
                   paging->stream->stream.name, paging->number);
    return fetch_send(&paging->fetch,
                      &(struct fetch_request){
                          .method = shape->method,
                          .url = buf_string(&paging->url),
                          .body = paging->body.size > 0 ? &paging->body : NULL,
                          .retry = paging->patient ? &retry_api : &retry_page,
                      },
                      err);
}

/* Big pages time out in Intercom, or pass our ceiling: the same place in smaller pieces. */
static bool ask_for_less(struct paging *paging, const struct error *err)
{
    bool crowded = err->status == 429 || err->status == 409; /* the size of the page is not the trouble */
    if ((err->kind != ERROR_BUSY && err->kind != ERROR_LIMIT) || paging->patient) return false;
    if (!crowded && paging->per_page > SMALLEST_PAGE) paging->per_page /= 2;
    paging->patient = crowded || paging->per_page <= SMALLEST_PAGE;
    return true;
}

static void ask_for_more(struct paging *paging)
{
    int most = paging->stream->shape->per_page;
    paging->patient = false;
    paging->per_page = 2 * paging->per_page < most ? 2 * paging->per_page : most;
}

static void begin_window(struct paging *paging)
{
    paging_link_done(&paging->link);
    free(paging->landmark);
    paging->landmark = NULL;
    paging->landmark_at = 0;
    paging->number = 1;
    paging->newest_us = INT64_MIN;
    paging->ascending = true;
}

/* A cursor that is not known any more can't be mended, but the window can be read again: its records may come
 * twice then, which the reader's contract allows. */
static bool begin_again(struct paging *paging, const struct error *err)
{
    bool stale = err->kind == ERROR_REFUSED && err->status == 400 && link_text(&paging->link) &&
                 (strstr(paging->fetch.message, "starting_after") || strstr(paging->fetch.message, "cursor"));
    if (!stale || paging->restarts >= MOST_RESTARTS) return false;
    paging->restarts++;
    begin_window(paging);
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
    ask_for_more(paging);
    return true;
}

/* --- pages --- */

static void close_pages(struct reader *reader)
{
    struct paging *paging = (struct paging *)reader;
    fetch_done(&paging->fetch);
    paging_link_done(&paging->link);
    json_drop(&paging->answer);
    buf_done(&paging->url);
    buf_done(&paging->body);
    free(paging->landmark);
    free(paging->records);
    free(paging);
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
    paging->window = window;
    paging->per_page = stream->shape->per_page;
    buf_init(&paging->url, LIMIT_REQUEST);
    buf_init(&paging->body, LIMIT_REQUEST);
    fetch_init(&paging->fetch, intercom, paging->what);
    begin_window(paging);
    if (!send_request(paging, err)) {
        close_pages(&paging->reader);
        return false;
    }
    *out_reader = &paging->reader;
    return true;
}

/* Versions ascend within and across pages as we asked for; watched, as stopping early rests on it. */
static void watch_order(struct paging *paging, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *body = json_array_get(list, i);
        int64_t version = 0;
        if (!row_version(paging->stream->stream.table, body, &version)) continue;
        if (version < paging->newest_us)
            paging->ascending = false;
        else
            paging->newest_us = version;
    }
}

/* The end of the window in microseconds; times beyond the year 9999 do not occur. */
static int64_t window_end_us(const struct paging *paging)
{
    return paging->window.to_s == WINDOW_OPEN ? INT64_MAX : paging->window.to_s * 1000000;
}

static bool is_past(const struct paging *paging, const json_t *list)
{
    int64_t first = 0;
    return paging->stream->shape->windowed && paging->ascending &&
           row_version(paging->stream->stream.table, json_array_get(list, 0), &first) &&
           first >= window_end_us(paging);
}

/* Strangers of the superset are left out; what bears no readable version is for the caller to judge. */
static size_t pick_records(struct paging *paging, const json_t *list)
{
    int64_t from = paging->window.from_s * 1000000, to = window_end_us(paging);
    size_t count = 0;
    paging->records = mem_grow(paging->records, json_array_size(list) + 1, sizeof *paging->records);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *body = json_array_get(list, i);
        int64_t version = 0;
        bool dated =
            paging->stream->shape->windowed && row_version(paging->stream->stream.table, body, &version);
        if (dated && (version < from || version >= to)) continue;
        paging->records[count++] = (struct record){.body = body, .listed_us = dated ? version : 0};
    }
    return count;
}

/* Where the page after this one is. A full page of a search that does not tell can't be taken for the last:
 * the records behind it would never be missed. No page that we ask for is smaller than the smallest. */
static bool find_next(struct paging *paging, const json_t *list, struct paging_link *out_link,
                      struct error *err)
{
    char what[sizeof paging->what + sizeof paging->fetch.request_id + 16];
    const json_t *pages = json_object_get(paging->answer, "pages");
    (void)snprintf(what, sizeof what, "%s, request id %s", paging->what, paging->fetch.request_id);
    if (paging->stream->shape->windowed && json_array_size(list) >= SMALLEST_PAGE &&
        (!pages || json_is_null(pages)))
        return error_set(
            err, ERROR_FORMAT,
            "%s: the answer does not tell whether there are more pages (it has no \"pages\"); is "
            "the API version right?",
            what);
    return paging_follow(paging->intercom->base_url, paging->answer, what, out_link, err);
}

/* Sends for the page after this one, so that it travels while this one is worked on. */
static bool send_for_next(struct paging *paging, const json_t *list, struct error *err)
{
    struct paging_link next = {0};
    if (!find_next(paging, list, &next, err)) return false;
    paging->finished = !link_text(&next) || is_past(paging, list);
    bool circle = !paging->finished && goes_in_circles(paging, link_text(&next));
    paging_link_done(&paging->link);
    paging->link = next;
    if (circle)
        return error_set(
            err, ERROR_FORMAT,
            "%s: Intercom's link to the next page leads back to a page already read, request id %s; "
            "reading on would never end",
            paging->what, paging->fetch.request_id);
    paging->number++;
    return paging->finished || send_request(paging, err);
}

static bool next_page(struct reader *reader, struct page *out_page, struct error *err)
{
    struct paging *paging = (struct paging *)reader;
    json_drop(&paging->answer);
    *out_page = (struct page){.last = true};
    if (paging->finished) return true;
    if (!collect_answer(paging, err)) return false;
    out_page->requests = paging->fetch.tries;
    paging->fetch.tries = 0;
    const json_t *list = json_object_get(paging->answer, paging->stream->list);
    if (!json_is_array(list))
        return error_set(err, ERROR_FORMAT,
                         "%s: the answer has no list \"%s\", request id %s; is the API version right?",
                         paging->what, paging->stream->list, paging->fetch.request_id);
    watch_order(paging, list);
    if (!send_for_next(paging, list, err)) return false;
    out_page->count = pick_records(paging, list);
    out_page->records = paging->records;
    out_page->ascending = paging->ascending;
    out_page->last = paging->finished;
    return true;
}

const struct intercom_reading intercom_pages = {.open = open_pages, .next = next_page, .close = close_pages};
