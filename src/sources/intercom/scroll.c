/* SPDX-License-Identifier: Apache-2.0 */
/* scroll.c - the companies: a list that only moves forward.
 *
 * Intercom keeps the place: each page is asked for with the same parameter, and the end is an empty page. So
 * an answer that is lost on the way is a page that is lost, and the scroll begins anew. A workspace has one
 * scroll at a time, which lapses after a minute. So nothing slow is done between pages: they wait until all
 * have been read, and only what there is no room for is handed on at once.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "internal.h"

#define LIMIT_URL      8192
#define LIMIT_PARAM    2048
#define LAPSE_MS       61000 /* after which another's scroll is over, if it was left */
#define MOST_LAPSES    3
#define MOST_RESTARTS  3
#define MOST_REPEATS   2 /* of a page that Intercom failed at */
#define MOST_REFUSALS  8 /* of a page, for asking too often */
#define REPEAT_WAIT_MS 500

struct scroll {
    struct reader reader;
    struct intercom *intercom;
    const struct intercom_stream *stream;
    struct selection selection;
    struct fetch fetch;
    char what[96];
    struct buf url;

    char *param;           /* NULL: the first page is under way */
    int64_t number;        /* of the page under way */
    bool ended;            /* no page is under way */
    int lapses, restarts;  /* in all: each begins anew, and that must end */
    int repeats, refusals; /* since the last good page */
    struct trail faces;    /* first records of pages */

    json_t *answer;
    struct spool spool; /* pages that wait */
    json_t *list;       /* the one that is handed out */
    struct batch batch;
};

/* The first page has no place to lose. The others are asked for once, on a connection of their own (or curl
 * would ask again when one that was open breaks): what becomes of a failure is decided below. */
static bool send_request(struct scroll *scroll, struct error *err)
{
    buf_reset(&scroll->url);
    buf_format(&scroll->url, "%s%s", scroll->intercom->base_url, scroll->stream->path);
    if (scroll->param) {
        buf_text(&scroll->url, "?scroll_param=");
        http_escape(&scroll->url, scroll->param);
    }
    assert(!scroll->url.full); /* the parameter was measured when it came */
    (void)snprintf(scroll->what, sizeof scroll->what, "Intercom %s, page %" PRId64 " of the scroll",
                   scroll->stream->stream.name, scroll->number);
    return fetch_send(&scroll->fetch,
                      &(struct fetch_request){
                          .method = "GET",
                          .url = buf_string(&scroll->url),
                          .retry = scroll->param ? NULL : &retry_api,
                          .fresh = true,
                      },
                      err);
}

/* --- what to do about a failure; each returns false if that was tried often enough --- */

static void forget_place(struct scroll *scroll)
{
    free(scroll->param);
    scroll->param = NULL;
    scroll->number = 1;
    scroll->repeats = scroll->refusals = 0;
    trail_done(&scroll->faces);
    spool_done(&scroll->spool);
    batch_forget(&scroll->batch);
}

static bool restart(struct scroll *scroll, struct error *err)
{
    if (!scroll->param) return false; /* it did not get anywhere, with all patience */
    if (scroll->restarts++ >= MOST_RESTARTS) return error_wrap(err, "begun anew %d times", MOST_RESTARTS);
    forget_place(scroll);
    return true;
}

static bool await_lapse(struct scroll *scroll, struct error *err)
{
    if (scroll->lapses++ >= MOST_LAPSES)
        return error_set(err, ERROR_BUSY,
                         "%s: somebody else reads the companies, which one program at a time can do; waited "
                         "%d times %d s, request id %s; let the other one end, or run at another hour",
                         scroll->what, MOST_LAPSES, LAPSE_MS / 1000, scroll->fetch.request_id);
    forget_place(scroll);
    return intercom_wait(scroll->intercom, LAPSE_MS, err);
}

/* The answer came, and said that nothing was done. */
static bool repeat(struct scroll *scroll, int *count, int most, struct error *err)
{
    if (*count >= most) return false;
    ++*count;
    return intercom_wait(scroll->intercom, (int64_t)REPEAT_WAIT_MS << *count, err);
}

static bool mend(struct scroll *scroll, struct error *err)
{
    int status = err->status;
    if (status == 400 && strcmp(scroll->fetch.code, "scroll_exists") == 0) return await_lapse(scroll, err);
    if (status == 404 && err->kind == ERROR_REFUSED) return restart(scroll, err); /* it lapsed */
    if ((err->kind != ERROR_BUSY && err->kind != ERROR_FORMAT) || !scroll->param) return false;
    if (status == 429 || status == 409) return repeat(scroll, &scroll->refusals, MOST_REFUSALS, err);
    if (status >= 500 && scroll->repeats < MOST_REPEATS)
        return repeat(scroll, &scroll->repeats, MOST_REPEATS, err);
    return restart(scroll, err); /* also after an answer that was lost, or can't be read */
}

static bool collect_answer(struct scroll *scroll, struct error *err)
{
    struct error failure = {0}; /* not err: it may end well */
    while (!fetch_wait(&scroll->fetch, &scroll->answer, &failure)) {
        if (!mend(scroll, &failure) || !send_request(scroll, &failure)) {
            *err = failure;
            return false;
        }
    }
    scroll->repeats = scroll->refusals = 0;
    return true;
}

/* --- pages --- */

static bool keep_param(struct scroll *scroll, struct error *err)
{
    const json_t *value = json_object_get(scroll->answer, "scroll_param");
    const char *param = json_string_value(value);
    size_t size = json_string_length(value);
    if (size == 0 && scroll->param) return true;
    if (size == 0 || size > LIMIT_PARAM || strlen(param) != size)
        return error_set(
            err, ERROR_FORMAT,
            "%s: the answer has no scroll_param to go on with, request id %s; is the API version "
            "right?",
            scroll->what, scroll->fetch.request_id);
    free(scroll->param);
    scroll->param = mem_text(param);
    return true;
}

/* The URL of all pages is the same, so a cache on the way could answer for ever. */
static bool is_new_page(struct scroll *scroll, const json_t *list, struct error *err)
{
    char id[LIMIT_NAME];
    if (!record_id(json_array_get(list, 0), id) || !trail_returns(&scroll->faces, id)) return true;
    return error_set(err, ERROR_FORMAT,
                     "%s: it is a page that was read already, request id %s; look for a proxy between that "
                     "keeps answers",
                     scroll->what, scroll->fetch.request_id);
}

/* Reads a page and sends for the one after it. */
static bool read_page(struct scroll *scroll, const json_t **out_list, struct page *page, struct error *err)
{
    json_drop(&scroll->answer);
    if (!collect_answer(scroll, err)) return false;
    fetch_tell(&scroll->fetch, page);
    const json_t *list = paging_list(scroll->answer, scroll->stream->list);
    if (!list)
        return error_set(err, ERROR_FORMAT,
                         "%s: the answer has no list \"%s\", request id %s; is the API version right?",
                         scroll->what, scroll->stream->list, scroll->fetch.request_id);
    batch_told(&scroll->batch, scroll->answer);
    *out_list = list;
    scroll->ended = json_array_size(list) == 0;
    if (scroll->ended) return true;
    if (!keep_param(scroll, err) || !is_new_page(scroll, list, err)) return false;
    scroll->number++;
    return send_request(scroll, err);
}

/* The page to hand on: one that there is no room for, or else, when all were read, one that waited. */
static bool find_page(struct scroll *scroll, const json_t **out_list, struct page *page, struct error *err)
{
    *out_list = NULL;
    while (!scroll->ended) {
        if (!read_page(scroll, out_list, page, err)) return false;
        if (!scroll->ended && !spool_put(&scroll->spool, *out_list)) return true;
    }
    json_drop(&scroll->list);
    if (!spool_take(&scroll->spool, &scroll->list, err)) return false;
    *out_list = scroll->list;
    return true;
}

static bool next_page(struct reader *reader, struct page *out_page, struct error *err)
{
    struct scroll *scroll = (struct scroll *)reader;
    const json_t *list = NULL;
    batch_reset(&scroll->batch);
    *out_page = (struct page){0};
    if (!find_page(scroll, &list, out_page, err)) return false;
    for (size_t i = 0; i < json_array_size(list); i++)
        batch_take(&scroll->batch, json_array_get(list, i), 0);
    out_page->records = scroll->batch.records;
    out_page->count = scroll->batch.count;
    out_page->last = scroll->ended && scroll->spool.next == scroll->spool.count;
    return !out_page->last || batch_complete(&scroll->batch, scroll->what, err);
}

static void close_scroll(struct reader *reader)
{
    struct scroll *scroll = (struct scroll *)reader;
    fetch_done(&scroll->fetch);
    trail_done(&scroll->faces);
    spool_done(&scroll->spool);
    json_drop(&scroll->answer);
    json_drop(&scroll->list);
    batch_done(&scroll->batch);
    buf_done(&scroll->url);
    free(scroll->param);
    free(scroll);
}

static bool open_scroll(struct intercom *intercom, const struct selection *selection, struct window window,
                        struct reader **out_reader, struct error *err)
{
    struct scroll *scroll = mem_zero(1, sizeof *scroll);
    (void)window; /* there is no filter: everything is read */
    scroll->reader.reading = &intercom_scroll;
    scroll->intercom = intercom;
    scroll->stream = (const struct intercom_stream *)selection->stream;
    scroll->selection = *selection;
    scroll->number = 1;
    batch_init(&scroll->batch, &scroll->selection);
    buf_init(&scroll->url, LIMIT_URL);
    fetch_init(&scroll->fetch, intercom, scroll->what);
    if (!send_request(scroll, err)) {
        close_scroll(&scroll->reader);
        return false;
    }
    *out_reader = &scroll->reader;
    return true;
}

const struct intercom_reading intercom_scroll = {
    .open = open_scroll, .next = next_page, .close = close_scroll};
