/* SPDX-License-Identifier: Apache-2.0 */
#include "next_page.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

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

bool next_page_follow(const char *base_url, const char *url, const char *what, struct next_page *out_next,
                      struct error *err)
{
    size_t base = strlen(base_url);
    for (const char *byte = url; *byte; byte++)
        if (*byte <= ' ' || *byte > '~')
            return error_set(err, ERROR_FORMAT, "%s: the link to the next page is not a URL", what);
    if (url[0] == '/' && url[1] != '/') {
        out_next->url = mem_format("%s%s", base_url, url);
        return true;
    }
    if (strncmp(url, base_url, base) != 0 || url[base] != '/')
        return error_set(
            err, ERROR_FORMAT,
            "%s: the link to the next page leads to another host than %s; check the region and the base "
            "URL",
            what, base_url);
    out_next->url = mem_text(url);
    return true;
}

void next_page_count(const struct page_context *context, int64_t pages, struct next_page *next)
{
    size_t size = json_array_size(context->list);
    bool is_full = context->per_page > 0 && size == (size_t)context->per_page;
    if (size > 0 && (pages >= 0 ? pages > context->number : is_full)) next->number = context->number + 1;
}

const json_t *page_list(const struct rest_dialect *dialect, const json_t *answer, const char *name)
{
    const json_t *list = json_at(answer, name);
    if ((!list || json_is_null(list)) && dialect->fallback_member)
        list = json_at(answer, dialect->fallback_member);
    if (json_is_array(answer)) list = answer;
    return json_is_array(list) ? list : NULL;
}
