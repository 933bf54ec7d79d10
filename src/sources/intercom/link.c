/* SPDX-License-Identifier: Apache-2.0 */
/* link.c - where the next page is, in all the forms in which Intercom says it, and whether we were there. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"

#define LIMIT_LINK 4096
#define MOST_PAGES INT32_MAX /* so that counting on can't overflow */

void paging_link_done(struct paging_link *link)
{
    free(link->cursor);
    free(link->url);
    *link = (struct paging_link){0};
}

static bool refuse_link(const char *what, const char *why, struct error *err)
{
    return error_set(err, ERROR_FORMAT, "%s: %s; is the API version right?", what, why);
}

/* A URL gets our token, so it must lead to where we are already. */
static bool follow_url(const char *base_url, const char *url, const char *what, struct paging_link *out_link,
                       struct error *err)
{
    size_t base = strlen(base_url);
    for (const char *byte = url; *byte; byte++)
        if (*byte <= ' ' || *byte > '~')
            return error_set(err, ERROR_FORMAT, "%s: the link to the next page is not a URL", what);
    if (url[0] == '/' && url[1] != '/') {
        out_link->url = mem_format("%s%s", base_url, url);
        return true;
    }
    if (strncmp(url, base_url, base) != 0 || url[base] != '/')
        return error_set(
            err, ERROR_FORMAT,
            "%s: the link to the next page leads to another host than %s; check the region and the base "
            "URL",
            what, base_url);
    out_link->url = mem_text(url);
    return true;
}

/* A link that is one text: a URL, the path of one, or a cursor. */
static bool follow_text(const char *base_url, const json_t *next, const char *what,
                        struct paging_link *out_link, struct error *err)
{
    const char *text = json_string_value(next);
    if (!text || strlen(text) != json_string_length(next) || strlen(text) > LIMIT_LINK)
        return refuse_link(what, "pages.next is not a cursor or link", err);
    if (text[0] == '/' || strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0)
        return follow_url(base_url, text, what, out_link, err);
    out_link->cursor = *text ? mem_text(text) : NULL;
    return true;
}

bool paging_follow(const char *base_url, const json_t *answer, const char *what, struct paging_link *out_link,
                   struct error *err)
{
    const json_t *pages = json_object_get(answer, "pages");
    const json_t *next = json_object_get(pages, "next");
    *out_link = (struct paging_link){0};
    if (pages && !json_is_null(pages) && !json_is_object(pages))
        return refuse_link(what, "pages is not an object", err);
    if (json_is_object(next)) {
        const json_t *number = json_object_get(next, "page");
        int64_t page = json_int_at(next, "page", 0);
        if (number && !json_is_null(number) && (page <= 0 || page > MOST_PAGES))
            return refuse_link(what, "pages.next.page is not the number of a page", err);
        out_link->number = page;
        next = json_object_get(next, "starting_after");
        if (!next && out_link->number == 0)
            return refuse_link(what, "pages.next has neither starting_after nor page", err);
    }
    return !next || json_is_null(next) || follow_text(base_url, next, what, out_link, err);
}

const json_t *paging_list(const json_t *answer, const char *name)
{
    const json_t *list = json_object_get(answer, name);
    if (!list || json_is_null(list)) list = json_object_get(answer, "data");
    if (json_is_array(answer)) list = answer;
    return json_is_array(list) ? list : NULL;
}

/* --- circles --- */

/* The step before is compared, and one more that is replaced each time the way has doubled (Brent): any
 * circle meets that one in the end, however long the circle and the way to it are. */
bool trail_returns(struct trail *trail, const char *step)
{
    bool met = (trail->last && strcmp(trail->last, step) == 0) ||
               (trail->landmark && strcmp(trail->landmark, step) == 0);
    trail->count++;
    if (trail->count >= 2 * trail->landmark_at) {
        free(trail->landmark);
        trail->landmark = mem_text(step);
        trail->landmark_at = trail->count;
    }
    free(trail->last);
    trail->last = mem_text(step);
    return met;
}

void trail_done(struct trail *trail)
{
    free(trail->last);
    free(trail->landmark);
    *trail = (struct trail){0};
}
