/* SPDX-License-Identifier: Apache-2.0 */
/* shapes.c - how the pages of a list are asked for. A stream differs from its neighbours by data only. */
#include <inttypes.h>
#include <string.h>

#include "internal.h"

#define DAY_S          86400
#define DAYS_PADDING_S 172800 /* a local day has up to 25 hours: one day would not do */

void paging_bounds(const struct intercom *intercom, enum intercom_bounds bounds, struct window window,
                   int64_t *out_low_s, int64_t *out_high_s)
{
    bool days = bounds == BOUNDS_DAYS_2_16 && intercom->minor <= 16;
    int64_t low = window.from_s - (days ? DAYS_PADDING_S : 1);
    *out_low_s = low > 0 ? low : 0; /* nothing is older than Intercom */
    *out_high_s = window.to_s == WINDOW_OPEN ? WINDOW_OPEN : window.to_s + (days ? DAYS_PADDING_S : 0);
}

/* --- what all URLs have --- */

static void begin_parameter(struct buf *url)
{
    buf_byte(url, strchr(buf_string(url), '?') ? '&' : '?');
}

static void write_number(struct buf *url, const char *name, int64_t value)
{
    begin_parameter(url);
    buf_format(url, "%s=%" PRId64, name, value);
}

static void write_place(const struct intercom_ask *ask, struct buf *url)
{
    const struct intercom_stream *stream = ask->stream;
    int minor = ask->intercom->minor;
    bool older = minor < stream->since;
    const char *query = older ? stream->older_query : stream->query;
    buf_format(url, "%s%s", ask->intercom->base_url, older ? stream->older_path : stream->path);
    if (ask->leg.type) http_escape(url, ask->leg.type);
    if (!query || (!older && minor < stream->query_since)) return;
    begin_parameter(url);
    buf_text(url, query);
}

static void write_page(const struct intercom_ask *ask, struct buf *url)
{
    if (ask->per_page > 0) write_number(url, "per_page", ask->per_page);
    if (ask->number > 0) write_number(url, "page", ask->number);
    if (!ask->cursor) return;
    begin_parameter(url);
    buf_text(url, "starting_after=");
    http_escape(url, ask->cursor);
}

/* --- a list that comes whole, or in pages, each of which names the next: by cursor, by number or by URL ---
 */

static void write_pages(const struct intercom_ask *ask, struct buf *url, struct buf *body)
{
    (void)body; /* a GET has none */
    write_place(ask, url);
    write_page(ask, url);
}

const struct intercom_shape intercom_list = {.method = "GET", .write = write_pages, .bare = true};
const struct intercom_shape intercom_cursors = {.method = "GET", .write = write_pages, .cursors = true};
const struct intercom_shape intercom_numbers = {.method = "GET", .write = write_pages, .numbers = true};

/* --- the same, for a window of time: long ones fail --- */

static void write_logs(const struct intercom_ask *ask, struct buf *url, struct buf *body)
{
    int64_t low = 0, high = 0;
    (void)body;
    paging_bounds(ask->intercom, ask->stream->bounds, ask->leg.window, &low, &high);
    write_place(ask, url);
    write_number(url, "created_at_after", low);
    if (high != WINDOW_OPEN) write_number(url, "created_at_before", high);
    write_page(ask, url);
}

const struct intercom_shape intercom_logs = {
    .method = "GET", .write = write_logs, .numbers = true, .most_s = 7 * DAY_S, .fewest_s = DAY_S};

/* --- a search with a cursor in the body --- */

static void write_bound(struct buf *body, const char *field, const char *operator, int64_t value)
{
    buf_format(body, "{\"field\":\"%s\",\"operator\":\"%s\",\"value\":%" PRId64 "}", field, operator, value);
}

static void write_search(const struct intercom_ask *ask, struct buf *url, struct buf *body)
{
    const struct intercom_stream *stream = ask->stream;
    const char *field = stream->stream.table->version;
    int64_t low = 0, high = 0;
    paging_bounds(ask->intercom, stream->bounds, ask->leg.window, &low, &high);
    write_place(ask, url);

    buf_text(body, "{\"query\":{\"operator\":\"AND\",\"value\":[");
    write_bound(body, field, ">", low);
    if (high != WINDOW_OPEN) {
        buf_byte(body, ',');
        write_bound(body, field, "<", high);
    }
    buf_format(body, "]},\"pagination\":{\"per_page\":%d", ask->per_page);
    if (ask->cursor) {
        buf_text(body, ",\"starting_after\":");
        json_write_string(body, ask->cursor, strlen(ask->cursor));
    }
    buf_format(body, "},\"sort\":{\"field\":\"%s\",\"order\":\"ascending\"}}", field);
}

const struct intercom_shape intercom_search = {.method = "POST", .write = write_search, .cursors = true};
