/* SPDX-License-Identifier: Apache-2.0 */
/* search.c - how the pages of a list are requested. Streams differ by data only. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "internal.h"

#define HOUR_S         3600
#define DAY_S          86400
#define DAYS_PADDING_S 172800 /* a local day has up to 25 hours: one day would not do */

static bool is_by_day(const struct intercom *intercom, enum intercom_bounds bounds)
{
    return bounds == BOUNDS_DAYS_2_16 && intercom->minor <= 16;
}

void search_bounds(const struct intercom *intercom, enum intercom_bounds bounds, struct window window,
                   int64_t *out_low_s, int64_t *out_high_s)
{
    bool by_day = is_by_day(intercom, bounds);
    int64_t low = window.from_s - (by_day ? DAYS_PADDING_S : 1);
    *out_low_s = low > 0 ? low : 0; /* nothing is older than Intercom */
    *out_high_s = window.to_s == WINDOW_OPEN ? WINDOW_OPEN : window.to_s + (by_day ? DAYS_PADDING_S : 0);
}

/* within: what follows the stream's own path. */
static void write_path(const struct page_request *request, const char *within, struct buf *url)
{
    const struct intercom_stream *stream = (const struct intercom_stream *)request->stream;
    int minor = ((const struct intercom *)request->source)->minor;
    bool is_older = minor < stream->since;
    const char *query = is_older ? stream->older_query : stream->query;
    buf_text(url, request->source->base_url);
    buf_text(url, is_older ? stream->older_path : stream->rest.path);
    buf_text(url, within);
    if (request->segment.type) http_escape(url, request->segment.type);
    if (query && (is_older || minor >= stream->query_since)) buf_format(url, "?%s", query);
}

static void write_list(const struct page_request *request, struct buf *url, struct buf *body)
{
    (void)body; /* a GET has none */
    write_path(request, "", url);
    page_request_write_parameters(request, url);
}

const struct pagination intercom_list = {.method = "GET", .write = write_list, .allow_array = true};
const struct pagination intercom_cursors = {.method = "GET", .write = write_list, .has_cursors = true};
const struct pagination intercom_numbers = {.method = "GET", .write = write_list, .has_numbers = true};

static void find_bounds(const struct page_request *request, int64_t *out_low_s, int64_t *out_high_s)
{
    const struct intercom_stream *stream = (const struct intercom_stream *)request->stream;
    search_bounds((const struct intercom *)request->source, stream->bounds, request->segment.window,
                  out_low_s, out_high_s);
}

static void write_logs(const struct page_request *request, struct buf *url, struct buf *body)
{
    int64_t low = 0, high = 0;
    (void)body;
    find_bounds(request, &low, &high);
    write_path(request, "", url);
    buf_format(url, "?created_at_after=%" PRId64, low); /* the path has no query */
    if (high != WINDOW_OPEN) buf_format(url, "&created_at_before=%" PRId64, high);
    page_request_write_parameters(request, url);
}

const struct pagination intercom_logs = {.method = "GET",
                                         .write = write_logs,
                                         .has_numbers = true,
                                         .max_window_s = 7 * DAY_S,
                                         .min_window_s = DAY_S};

static void write_bound(struct buf *body, const char *field, const char *operator, int64_t value)
{
    buf_format(body, "{\"field\":\"%s\",\"operator\":\"%s\",\"value\":%" PRId64 "}", field, operator, value);
}

/* The window of the request; without an upper bound if it is open. */
static void write_bounds(const struct page_request *request, struct buf *body)
{
    const char *field = request->stream->stream.table->version;
    int64_t low = 0, high = 0;
    find_bounds(request, &low, &high);
    write_bound(body, field, ">", low);
    if (high == WINDOW_OPEN) return;
    buf_byte(body, ',');
    write_bound(body, field, "<", high);
}

/* Ids are hexadecimal numbers that are counted up: their last digits are evenly distributed. A slice has some
 * of the endings of one digit, or of two if there are more slices than digits. A group may hold 15 filters.
 */
static void write_slice(struct slice slice, struct buf *body)
{
    const int digits = slice.count <= 16 ? 1 : 2, endings = (digits == 1 ? 16 : 256) / slice.count;
    assert(endings <= 15 && endings >= 1);
    if (endings > 1) buf_text(body, "{\"operator\":\"OR\",\"value\":[");
    for (int i = 0; i < endings; i++)
        buf_format(body, "%s{\"field\":\"id\",\"operator\":\"$\",\"value\":\"%0*x\"}", i > 0 ? "," : "",
                   digits, (unsigned)(slice.index * endings + i));
    if (endings > 1) buf_text(body, "]}");
}

static void write_query(const struct page_request *request, struct buf *body)
{
    const bool is_windowed = stream_is_windowed(&request->stream->stream);
    const bool is_slice = request->segment.slice.count > 0;
    buf_text(body, "{\"query\":{\"operator\":\"AND\",\"value\":[");
    if (is_windowed) write_bounds(request, body);
    if (is_windowed && is_slice) buf_byte(body, ',');
    if (is_slice) write_slice(request->segment.slice, body);
    buf_format(body, "]},\"pagination\":{\"per_page\":%d", request->per_page);
    if (request->cursor) {
        buf_text(body, ",\"starting_after\":");
        json_write_string(body, request->cursor, strlen(request->cursor));
    }
    buf_format(body, "},\"sort\":{\"field\":\"%s\",\"order\":\"ascending\"}}",
               request->stream->stream.table->version);
}

static void write_search(const struct page_request *request, struct buf *url, struct buf *body)
{
    write_path(request, "", url);
    write_query(request, body);
}

/* Of a list that is no search. */
static void write_list_slice(const struct page_request *request, struct buf *url, struct buf *body)
{
    write_path(request, "/search", url);
    write_query(request, body);
}

/* A search by days sends some days before each segment, too. */
static int64_t segment_s(const struct rest_source *source, const struct rest_stream *base)
{
    const struct intercom_stream *stream = (const struct intercom_stream *)base;
    return is_by_day((const struct intercom *)source, stream->bounds) ? 7 * DAY_S : HOUR_S;
}

const struct pagination intercom_search = {
    .method = "POST", .write = write_search, .has_cursors = true, .segment_s = segment_s};
const struct pagination intercom_list_slices = {
    .method = "POST", .write = write_list_slice, .has_cursors = true};
