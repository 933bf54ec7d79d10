/* SPDX-License-Identifier: Apache-2.0 */
#include "next_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/content.h"

void next_page_done(struct next_page *next)
{
    free(next->cursor);
    free(next->url);
    *next = (struct next_page){0};
}

bool next_page_exists(const struct next_page *next)
{
    return next->cursor || next->url || next->number > 0;
}

static bool is_printable(const char *url)
{
    for (const char *byte = url; *byte; byte++)
        if (*byte <= ' ' || *byte > '~') return false;
    return true;
}

/* The part of the URL after the host; NULL if it is another host. */
static const char *after_host(const char *url, const char *host)
{
    size_t size = strlen(host);
    if (strncmp(url, "http://", 7) == 0) url += 7;
    if (strncmp(url, "https://", 8) == 0) url += 8;
    return strncmp(url, host, size) == 0 && url[size] == '/' ? url + size : NULL;
}

const char *own_path(const struct rest_source *rest, const char *url)
{
    size_t base = strlen(rest->base_url);
    const char *path = NULL;
    if (!is_printable(url)) return NULL;
    if (url[0] == '/') return url[1] == '/' ? NULL : url;
    if (strncmp(url, rest->base_url, base) == 0 && url[base] == '/') return url + base;
    for (const char *const *host = rest->dialect->hosts; host && *host && !path; host++)
        path = after_host(url, *host);
    return path;
}

bool next_page_follow(const struct page_context *context, const char *url, struct next_page *out_next,
                      struct error *err)
{
    const char *base_url = context->source->base_url, *path = own_path(context->source, url);
    if (path) out_next->url = mem_format("%s%s", base_url, path);
    if (path) return true;
    if (!is_printable(url))
        return error_set(err, ERROR_FORMAT, "%s: the link to the next page is not a URL", context->what);
    return error_set(err, ERROR_FORMAT,
                     "%s: the link to the next page leads to another host than %s; check the region and the "
                     "base URL",
                     context->what, base_url);
}

void next_page_count(const struct page_context *context, int64_t pages, struct next_page *next)
{
    size_t size = value_count(context->list);
    const char *total_member = context->source->dialect->total_member;
    int64_t total = total_member ? value_integer_at(context->answer, total_member, -1) : -1;
    bool is_full = context->per_page > 0 && size == (size_t)context->per_page;
    bool are_more = total > context->offset + (int64_t)size; /* a page may hold fewer than were asked for */
    if (size > 0 && (are_more || (pages >= 0 ? pages > context->number : is_full)))
        next->number = context->number + 1;
}

const struct json_value *page_list(const struct rest_dialect *dialect, struct json_value *answer,
                                   const char *name)
{
    const struct json_value *list = value_at(answer, name);
    if (value_is_null(list) && dialect->empty_mark &&
        value_is_object(value_at(answer, dialect->empty_mark))) {
        /* Not at its path: the list is asked for by its name. */
        value_set(answer, name, document_add(answer->document, VALUE_ARRAY));
        return value_get(answer, name);
    }
    if (value_is_null(list) && dialect->fallback_member) list = value_at(answer, dialect->fallback_member);
    if (value_is_array(answer)) list = answer;
    return value_is_array(list) ? list : NULL;
}

bool page_closes_cycle(struct cycle *pages, const struct rest_stream *stream, const struct json_value *list)
{
    char hash[32];
    if (value_count(list) == 0) return false;
    (void)snprintf(hash, sizeof hash, "%zu %" PRIx64, value_count(list),
                   (uint64_t)content_hash(stream->stream.table, list));
    return cycle_closed(pages, hash);
}
