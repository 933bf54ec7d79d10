/* SPDX-License-Identifier: Apache-2.0 */
/* next_page.h - helpers for a dialect that finds the next page.
 *
 * A URL from the service gets our token, so it is followed only on the source's own host: the path of a URL
 * on another host of the same service is requested there. Errors are ERROR_FORMAT.
 */
#ifndef CASELOAD_SOURCES_REST_NEXT_PAGE_H
#define CASELOAD_SOURCES_REST_NEXT_PAGE_H

#include "cycle.h"
#include "rest.h"

#define NEXT_PAGE_TEXT   4096      /* bytes of a cursor or URL */
#define NEXT_PAGE_NUMBER INT32_MAX /* so that counting on can't overflow */

void next_page_done(struct next_page *next);
bool next_page_exists(const struct next_page *next);

/* url: absolute, or a path on the host. */
bool next_page_follow(const struct page_context *context, const char *url, struct next_page *out_next,
                      struct error *err) CHECKED;
/* The path and query of a URL on the source's host or on another one of its service; of a path, itself. NULL:
 * it must not be requested. Borrowed from url. */
const char *own_path(const struct rest_source *rest, const char *url);
/* Pages that are counted. pages: how many there are; -1: unknown, and a full page has another after it. If
 * the number of records says that there are more, there are, until a page is empty. */
void next_page_count(const struct page_context *context, int64_t pages, struct next_page *next);

/* The list of records: under its name, under the dialect's fallback, or the answer itself. An empty list that
 * an answer leaves out is added to it. NULL: there is none. */
const struct json_value *page_list(const struct rest_dialect *dialect, struct json_value *answer,
                                   const char *name);
/* Was a page with these records read before? An empty one never was. */
bool page_closes_cycle(struct cycle *pages, const struct rest_stream *stream, const struct json_value *list);

#endif
