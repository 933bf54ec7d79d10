/* SPDX-License-Identifier: Apache-2.0 */
/* page_links.c - finds the next page in all the forms in which Intercom gives it: `pages.next` is an object
 * with a cursor or number, a URL, the path of one, or a cursor; counted lists may have totals alone. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"

static bool refuse(const char *what, const char *why, struct error *err)
{
    return error_set(err, ERROR_FORMAT, "%s: %s; is the API version right?", what, why);
}

static bool read_text(const struct page_context *context, const struct json_value *next,
                      struct next_page *out_next, struct error *err)
{
    const char *text = value_text(next);
    if (!text || strlen(text) != value_size(next) || strlen(text) > NEXT_PAGE_TEXT)
        return refuse(context->what, "pages.next is not a cursor or link", err);
    if (text[0] == '/' || strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0)
        return next_page_follow(context, text, out_next, err);
    out_next->cursor = *text ? mem_text(text) : NULL;
    return true;
}

static bool read_next(const struct page_context *context, const struct json_value *pages,
                      struct next_page *out_next, struct error *err)
{
    const struct json_value *next = value_get(pages, "next");
    if (pages && !value_is_null(pages) && !value_is_object(pages))
        return refuse(context->what, "pages is not an object", err);
    if (value_is_object(next)) {
        const struct json_value *number = value_get(next, "page");
        int64_t page = value_integer_at(next, "page", 0);
        if (number && !value_is_null(number) && (page <= 0 || page > NEXT_PAGE_NUMBER))
            return refuse(context->what, "pages.next.page is not the number of a page", err);
        out_next->number = page;
        next = value_get(next, "starting_after");
        if (!next && out_next->number == 0)
            return refuse(context->what, "pages.next has neither starting_after nor page", err);
    }
    return !next || value_is_null(next) || read_text(context, next, out_next, err);
}

/* A page without "pages" counts as the last only if it is small: records after it would never be missed. */
static bool is_known_last(const struct page_context *context, const struct json_value *pages)
{
    const struct rest_stream *stream = context->stream;
    size_t size = value_count(context->list);
    bool is_small = size < REST_SMALLEST_PAGE && size < (size_t)context->per_page &&
                    stream->stream.kind != STREAM_RECONCILE;
    return !stream->pagination->has_cursors || size == 0 || is_small || (pages && !value_is_null(pages));
}

/* Keeps the form that the stream's pagination uses. */
static bool choose_form(const struct page_context *context, struct next_page *next, struct error *err)
{
    const struct json_value *answer = context->answer;
    if (!context->stream->pagination->has_numbers) {
        if (next->number > 0 && !next->cursor)
            return refuse(context->what, "pages.next has no starting_after", err);
        next->number = 0;
        return true;
    }
    if (next->number > 0) {
        free(next->cursor);
        next->cursor = NULL;
    }
    if (next_page_exists(next)) return true;
    int64_t total =
        value_integer_at(answer, "pages.total_pages", value_integer_at(answer, "total_pages", -1));
    if (total >= 0 || !value_at(answer, "pages.next")) next_page_count(context, total, next);
    return true;
}

bool intercom_next_page(const struct page_context *context, struct next_page *out_next, struct error *err)
{
    const struct json_value *pages = value_get(context->answer, "pages");
    *out_next = (struct next_page){0};
    if (context->stream && !is_known_last(context, pages))
        return error_set(err, ERROR_FORMAT,
                         "%s: the answer does not say whether there are more pages (it has no \"pages\"); is "
                         "the API version right?",
                         context->what);
    return read_next(context, pages, out_next, err) &&
           (!context->stream || choose_form(context, out_next, err));
}
