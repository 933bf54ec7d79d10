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

struct reader {
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
    const char *field = stream->stream.table.version;
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

const struct intercom_shape intercom_search = {.method = "POST", .per_page = 150, .write = write_search};

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
    const json_t *next = json_object_get(json_object_get(answer, "pages"), "next");
    *out_link = (struct paging_link){0};
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
static bool goes_in_circles(struct reader *reader, const char *next)
{
    const char *last = link_text(&reader->link);
    if ((last && strcmp(last, next) == 0) || (reader->landmark && strcmp(reader->landmark, next) == 0))
        return true;
    if (reader->number >= 2 * reader->landmark_at) {
        free(reader->landmark);
        reader->landmark = mem_text(next);
        reader->landmark_at = reader->number;
    }
    return false;
}

/* --- asking --- */

static bool send_request(struct reader *reader, struct error *err)
{
    const struct intercom_shape *shape = reader->stream->shape;
    struct intercom_ask ask = {
        .intercom = reader->intercom,
        .stream = reader->stream,
        .window = reader->window,
        .cursor = reader->link.cursor,
        .per_page = reader->per_page,
    };
    buf_reset(&reader->url);
    buf_reset(&reader->body);
    shape->write(&ask, &reader->url, &reader->body);
    if (reader->link.url) {
        buf_reset(&reader->url);
        (void)buf_text(&reader->url, reader->link.url);
    }
    assert(!reader->url.full && !reader->body.full); /* links were measured when they came */
    (void)snprintf(reader->what, sizeof reader->what, "Intercom %s, page %" PRId64,
                   reader->stream->stream.name, reader->number);
    return fetch_send(&reader->fetch,
                      &(struct fetch_request){
                          .method = shape->method,
                          .url = buf_string(&reader->url),
                          .body = reader->body.size > 0 ? &reader->body : NULL,
                          .retry = reader->patient ? &retry_api : &retry_page,
                      },
                      err);
}

/* Big pages time out in Intercom, or pass our ceiling: the same place in smaller pieces. */
static bool ask_for_less(struct reader *reader, const struct error *err)
{
    bool crowded = err->status == 429 || err->status == 409; /* the size of the page is not the trouble */
    if ((err->kind != ERROR_BUSY && err->kind != ERROR_LIMIT) || reader->patient) return false;
    if (!crowded && reader->per_page > SMALLEST_PAGE) reader->per_page /= 2;
    reader->patient = crowded || reader->per_page <= SMALLEST_PAGE;
    return true;
}

static void ask_for_more(struct reader *reader)
{
    int most = reader->stream->shape->per_page;
    reader->patient = false;
    reader->per_page = 2 * reader->per_page < most ? 2 * reader->per_page : most;
}

static void begin_window(struct reader *reader)
{
    paging_link_done(&reader->link);
    free(reader->landmark);
    reader->landmark = NULL;
    reader->landmark_at = 0;
    reader->number = 1;
    reader->newest_us = INT64_MIN;
    reader->ascending = true;
}

/* A cursor that is not known any more can't be mended, but the window can be read again: its records may come
 * twice then, which the reader's contract allows. */
static bool begin_again(struct reader *reader, const struct error *err)
{
    bool stale = err->kind == ERROR_REFUSED && err->status == 400 && link_text(&reader->link) &&
                 (strstr(reader->fetch.message, "starting_after") || strstr(reader->fetch.message, "cursor"));
    if (!stale || reader->restarts >= MOST_RESTARTS) return false;
    reader->restarts++;
    begin_window(reader);
    return true;
}

static bool collect_answer(struct reader *reader, struct error *err)
{
    while (!fetch_wait(&reader->fetch, &reader->answer, err)) {
        if (!ask_for_less(reader, err) && !begin_again(reader, err)) return false;
        if (!send_request(reader, err)) return false;
    }
    ask_for_more(reader);
    return true;
}

/* --- pages --- */

bool paging_open(struct intercom *intercom, const struct selection *selection, struct window window,
                 struct reader **out_reader, struct error *err)
{
    const struct intercom_stream *stream = (const struct intercom_stream *)selection->stream;
    assert(window.from_s <
           INT64_C(100000000000)); /* seconds: milliseconds would find nothing, without an error */
    struct reader *reader = mem_zero(1, sizeof *reader);
    reader->intercom = intercom;
    reader->stream = stream;
    reader->window = window;
    reader->per_page = stream->shape->per_page;
    buf_init(&reader->url, LIMIT_REQUEST);
    buf_init(&reader->body, LIMIT_REQUEST);
    fetch_init(&reader->fetch, intercom, reader->what);
    begin_window(reader);
    if (!send_request(reader, err)) {
        paging_close(reader);
        return false;
    }
    *out_reader = reader;
    return true;
}

/* Versions ascend within and across pages as we asked for; watched, as stopping early rests on it. */
static void watch_order(struct reader *reader, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *body = json_array_get(list, i);
        int64_t version = 0;
        if (!row_version(&reader->stream->stream.table, body, &version)) continue;
        if (version < reader->newest_us)
            reader->ascending = false;
        else
            reader->newest_us = version;
    }
}

/* The end of the window in microseconds; times beyond the year 9999 do not occur. */
static int64_t window_end_us(const struct reader *reader)
{
    return reader->window.to_s == WINDOW_OPEN ? INT64_MAX : reader->window.to_s * 1000000;
}

static bool is_past(const struct reader *reader, const json_t *list)
{
    int64_t first = 0;
    return reader->ascending && row_version(&reader->stream->stream.table, json_array_get(list, 0), &first) &&
           first >= window_end_us(reader);
}

/* Strangers of the superset are left out; what bears no readable version is for the caller to judge. */
static size_t pick_records(struct reader *reader, const json_t *list)
{
    int64_t from = reader->window.from_s * 1000000, to = window_end_us(reader);
    size_t count = 0;
    reader->records = mem_grow(reader->records, json_array_size(list) + 1, sizeof *reader->records);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *body = json_array_get(list, i);
        int64_t version = 0;
        if (row_version(&reader->stream->stream.table, body, &version) && (version < from || version >= to))
            continue;
        reader->records[count++] = (struct record){.body = body};
    }
    return count;
}

/* Sends for the page after this one, so that it travels while this one is worked on. */
static bool send_for_next(struct reader *reader, const json_t *list, struct error *err)
{
    struct paging_link next = {0};
    if (!paging_follow(reader->intercom->base_url, reader->answer, reader->what, &next, err)) return false;
    reader->finished = !link_text(&next) || is_past(reader, list);
    bool circle = !reader->finished && goes_in_circles(reader, link_text(&next));
    paging_link_done(&reader->link);
    reader->link = next;
    if (circle)
        return error_set(
            err, ERROR_FORMAT,
            "%s: Intercom's link to the next page leads back to a page already read, request id %s; "
            "reading on would never end",
            reader->what, reader->fetch.request_id);
    reader->number++;
    return reader->finished || send_request(reader, err);
}

bool paging_next(struct reader *reader, struct page *out_page, struct error *err)
{
    json_drop(&reader->answer);
    *out_page = (struct page){.last = true};
    if (reader->finished) return true;
    if (!collect_answer(reader, err)) return false;
    out_page->requests = reader->fetch.tries;
    reader->fetch.tries = 0;
    const json_t *list = json_object_get(reader->answer, reader->stream->list);
    if (!json_is_array(list))
        return error_set(err, ERROR_FORMAT,
                         "%s: the answer has no list \"%s\", request id %s; is the API version right?",
                         reader->what, reader->stream->list, reader->fetch.request_id);
    watch_order(reader, list);
    if (!send_for_next(reader, list, err)) return false;
    out_page->count = pick_records(reader, list);
    out_page->records = reader->records;
    out_page->last = reader->finished;
    return true;
}

void paging_close(struct reader *reader)
{
    if (!reader) return;
    fetch_done(&reader->fetch);
    paging_link_done(&reader->link);
    json_drop(&reader->answer);
    buf_done(&reader->url);
    buf_done(&reader->body);
    free(reader->landmark);
    free(reader->records);
    free(reader);
}
