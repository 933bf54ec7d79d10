/* SPDX-License-Identifier: Apache-2.0 */
/* requests.c - how the pages of a list are requested. Streams differ by data only.
 *
 * There is no parameter for the size of a page. Times are whole seconds in UTC; fractions are refused.
 */
#include <stdio.h>
#include <string.h>

#include "base/day.h"
#include "internal.h"

static void write_list(const struct page_request *request, struct buf *url, struct buf *body)
{
    (void)body; /* a GET has none */
    buf_text(url, request->source->base_url);
    buf_text(url, request->stream->path);
    page_request_write_parameters(request, url);
}

static void format_time(int64_t at_s, char out_text[INSTANT_TEXT])
{
    instant_format((at_s > 0 ? at_s : 0) * 1000000, out_text); /* nothing is older */
}

/* Both ends of a range are inclusive. */
static void write_modified(const struct page_request *request, struct buf *url, struct buf *body)
{
    const struct window *window = &request->segment.window;
    char from[INSTANT_TEXT], to[INSTANT_TEXT] = "*", query[64 + 2 * INSTANT_TEXT];
    (void)body;
    format_time(window->from_s, from);
    if (window->to_s != WINDOW_OPEN) format_time(window->to_s - 1, to);
    (void)snprintf(query, sizeof query, "(modifiedAt:[%s TO %s])", from, to);
    buf_text(url, request->source->base_url);
    buf_text(url, request->stream->path);
    buf_byte(url, strchr(request->stream->path, '?') ? '&' : '?');
    buf_text(url, "sortField=modifiedAt&sortOrder=asc&query=");
    http_escape(url, query);
    page_request_write_parameters(request, url);
}

/* New records are at the end: read backward, none of the others is missed. */
static void write_created(const struct page_request *request, struct buf *url, struct buf *body)
{
    (void)body;
    buf_text(url, request->source->base_url);
    buf_text(url, request->stream->path);
    buf_byte(url, strchr(request->stream->path, '?') ? '&' : '?');
    buf_text(url, "sortField=createdAt&sortOrder=asc");
    page_request_write_parameters(request, url);
}

/* Whether the ends are inclusive is not documented: a second more on each side, which the reader drops. */
static void write_report(const struct page_request *request, struct buf *url, struct buf *body)
{
    const struct window *window = &request->segment.window;
    int64_t now_s = request->source->clock_s;
    int64_t to_s = window->to_s != WINDOW_OPEN ? window->to_s + 1
                   : now_s > window->from_s    ? now_s + 1
                                               : window->from_s + 1;
    char from[INSTANT_TEXT], to[INSTANT_TEXT];
    (void)body;
    format_time(window->from_s - 1, from);
    format_time(to_s, to);
    buf_text(url, request->source->base_url);
    buf_text(url, request->stream->path);
    buf_text(url, "?rating=all&sortField=number&sortOrder=ASC&start=");
    http_escape(url, from);
    buf_text(url, "&end=");
    http_escape(url, to);
    page_request_write_parameters(request, url);
}

/* clang-format off */
#define COUNTED                                                                                              \
    .method = "GET", .has_numbers = true, .pages_member = "page.totalPages",                                 \
    .total_member = "page.totalElements", .number_member = "page.number"
/* clang-format on */

const struct pagination helpscout_list = {.write = write_list, COUNTED};
const struct pagination helpscout_created = {.write = write_created, COUNTED};
const struct pagination helpscout_modified = {.write = write_modified, COUNTED};
const struct pagination helpscout_report = {.method = "GET",
                                            .write = write_report,
                                            .has_numbers = true,
                                            .pages_member = "pages",
                                            .total_member = "count",
                                            .number_member = "page",
                                            .ends_by_clock = true};
