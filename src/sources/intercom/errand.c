/* SPDX-License-Identifier: Apache-2.0 */
#include "errand.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define LIMIT_NEXT_URL 16384  /* links were measured when they came */
#define MOST_ELEMENTS  100000 /* of one list */

/* Before an errand is suspected. After that it is tried with all patience (retry_api). */
static const struct retry retry_errand = {.base_ms = 500, .cap_ms = 8000, .attempts = 6, .budget_ms = 600000};

/* --- asking --- */

static bool send(struct errand *errand, struct error *err)
{
    bool whole = errand->large && !errand->parts;
    if (!errand->large)
        store_small(&errand->store, &errand->errands->waiting, LIMIT_DEFERRED_BODY);
    else if (errand->parts)
        store_large(&errand->store, errand->parts);
    else
        store_done(&errand->store);
    errand->fetch.store = whole ? NULL : &errand->store;
    return fetch_send(&errand->fetch,
                      &(struct fetch_request){
                          .method = "GET",
                          .url = errand->url,
                          .retry = errand->patient ? &retry_api : &retry_errand,
                      },
                      err);
}

bool errand_begin(struct errand *errand, struct errands *errands, const char *path, const char *const *parts,
                  struct error *err)
{
    errand->errands = errands;
    errand->parts = parts;
    errand->large = errand->patient = errand->blamed = false;
    errand->good_before = errands->good;
    errand->url = mem_format("%s%s", errands->intercom->base_url, path);
    fetch_init(&errand->fetch, errands->intercom, errand->what);
    errand->fetch.lean = true;
    errand->fetch.good = &errands->good;
    errands->begun++;
    return send(errand, err);
}

bool errand_begin_at(struct errand *errand, struct errands *errands, const struct errand_place *place,
                     const char *id, struct error *err)
{
    char harmless[LIMIT_NAME];
    AUTO(buf_done) struct buf path;
    buf_init(&path, 8 * LIMIT_NAME); /* escaped, an id has three times its length */
    buf_text(&path, place->before);
    http_escape(&path, id);
    buf_text(&path, place->after);
    fetch_quote(harmless, sizeof harmless, id);
    (void)snprintf(errand->what, sizeof errand->what, "Intercom %s, id %s", place->name, harmless);
    return errand_begin(errand, errands, buf_string(&path), place->parts, err);
}

bool errand_again(struct errand *errand, const char *url, struct error *err)
{
    free(errand->url);
    errand->url = mem_text(url);
    errand->large = errand->patient = errand->blamed = false;
    errand->good_before = errand->errands->good;
    return send(errand, err);
}

void errands_init(struct errands *errands, struct intercom *intercom)
{
    *errands = (struct errands){.intercom = intercom, .proven = mem_format("%s/me", intercom->base_url)};
}

void errands_done(struct errands *errands)
{
    free(errands->proven);
    errands->proven = NULL;
}

void errand_done(struct errand *errand)
{
    if (!errand || !errand->errands) return;
    fetch_done(&errand->fetch);
    store_done(&errand->store);
    free(errand->url);
    *errand = (struct errand){.errands = NULL};
}

/* --- what to make of a failure --- */

/* 429 or 409: it is about all that we ask for. */
static bool is_pressed(const struct error *err)
{
    return err->status == 429 || err->status == 409;
}

/* One that was read before is asked for again: does Intercom answer now? That others were read since this one
 * was begun does not tell: of many under way, some are answered just before nobody is any more. */
static bool probe(struct errands *errands)
{
    AUTO(json_drop) json_t *value = NULL;
    struct fetch fetch;
    struct error failure = {0};
    struct page told = {0};
    fetch_init(&fetch, errands->intercom, "Intercom, a record that was read before");
    bool answers = fetch_send(&fetch,
                              &(struct fetch_request){
                                  .method = "GET",
                                  .url = errands->proven,
                                  .retry = &retry_errand,
                              },
                              &failure) &&
                   (fetch_wait(&fetch, &value, &failure) || failure.kind == ERROR_REFUSED);
    fetch_tell(&fetch, &told);
    fetch_done(&fetch);
    errands->requests += told.requests;
    return answers;
}

static bool is_to_blame(struct errand *errand)
{
    struct errands *errands = errand->errands;
    if (!errand->blamed) errand->blamed = errands->good > errand->good_before && probe(errands);
    return errand->blamed;
}

/* With a larger ceiling, more patience, or a second chance of what came before its turn. */
static bool is_worth_asking_again(struct errand *errand, const struct error *err)
{
    bool answered = err->status != 0 && !is_pressed(err);
    if (err->kind == ERROR_LIMIT) {
        if (errand->large) return false;
        errand->large = true;
        return true;
    }
    if (err->kind != ERROR_BUSY && err->kind != ERROR_FORMAT) return false;
    if (errand->fetch.late) return true;
    if (errand->patient || (answered && is_to_blame(errand))) return false;
    errand->patient = true;
    return true;
}

/* Is it this record that can't be read, or Intercom that does not answer? It is the record if others are read
 * meanwhile, or if it is answered and there is no other to compare it with. */
static enum fate judge_silence(struct errand *errand, const struct error *err)
{
    const struct errands *errands = errand->errands;
    bool alone = errands->begun == 1 && errands->all;
    if (is_pressed(err)) return FATE_FAILED;
    return (alone && err->status != 0) || is_to_blame(errand) ? FATE_REJECTED : FATE_FAILED;
}

static enum fate judge_failure(struct errand *errand, const struct error *err)
{
    switch (err->kind) {
    case ERROR_LIMIT: return FATE_REJECTED;
    case ERROR_REFUSED: return err->status == 404 || err->status == 410 ? FATE_GONE : FATE_REJECTED;
    case ERROR_BUSY:
    case ERROR_FORMAT: return judge_silence(errand, err);
    case ERROR_NONE:
    case ERROR_CONFIG:
    case ERROR_AUTH:
    case ERROR_REQUEST:
    case ERROR_FORBIDDEN:
    case ERROR_STOPPED:
    case ERROR_KINDS: return FATE_FAILED;
    }
    abort();
}

void errand_problem(const struct errand *errand, const char *noun, const struct error *err, char *out,
                    size_t size)
{
    if (err->kind == ERROR_LIMIT)
        (void)snprintf(out, size, "its %s is larger than the %d bytes%s that are allowed", noun,
                       errand->parts ? LIMIT_DETAIL : LIMIT_PAGE,
                       errand->parts ? ", or the compressed ones," : "");
    else if (err->kind == ERROR_FORMAT)
        (void)snprintf(out, size, "its %s is no JSON that can be read", noun);
    else
        (void)snprintf(out, size, "its %s can't be fetched: HTTP %d %s", noun, err->status,
                       errand->fetch.code);
}

/* --- its turn --- */

enum fate errand_end(struct errand *errand, json_t **out_value, struct error *err)
{
    struct errands *errands = errand->errands;
    struct fetch *fetch = &errand->fetch;
    struct error failure = {0}; /* not err: most failures end well */
    struct page told = {0};
    bool read;
    fetch->lean = false;
    while (!(read = fetch_wait(fetch, out_value, &failure)))
        if (!is_worth_asking_again(errand, &failure) || !send(errand, &failure)) break;
    fetch_tell(fetch, &told);
    errands->requests += told.requests;
    errands->normalisations += told.normalisations;
    if (!errand->large || !errand->parts) store_done(&errand->store);
    if (read && !errand->large) {
        free(errands->proven);
        errands->proven = mem_text(errand->url);
    }
    if (read) return FATE_READ;
    *err = failure;
    return judge_failure(errand, err);
}

/* --- a list --- */

/* Where the list goes on; NULL: nowhere. Yours. */
static char *next_url(const char *first_url, const struct paging_link *link)
{
    AUTO(buf_done) struct buf url = {0};
    if (link->url) return mem_text(link->url);
    if (!link->cursor && link->number <= 0) return NULL;
    buf_init(&url, LIMIT_NEXT_URL);
    buf_format(&url, "%s%c", first_url, strchr(first_url, '?') ? '&' : '?');
    if (!link->cursor)
        buf_format(&url, "page=%" PRId64, link->number);
    else if (buf_text(&url, "starting_after="))
        http_escape(&url, link->cursor);
    return buf_take(&url, NULL);
}

/* Adds a page's elements. False: the answer is not one that is known. */
static bool take_elements(const struct errand *errand, const char *name, const json_t *answer, json_t *list,
                          struct error *err)
{
    const json_t *elements = paging_list(answer, name);
    if (!elements)
        return error_set(err, ERROR_FORMAT, "%s: the answer has no list \"%s\", request id %s", errand->what,
                         name, errand->fetch.request_id);
    if (json_array_size(list) + json_array_size(elements) > MOST_ELEMENTS)
        return error_set(err, ERROR_LIMIT, "%s: the list has more than %d elements", errand->what,
                         MOST_ELEMENTS);
    for (size_t i = 0; i < json_array_size(elements); i++)
        (void)json_array_append(list, json_array_get(elements, i));
    return true;
}

/* Reads one page, and finds the next. */
static enum fate read_page(struct errand *errand, const char *name, json_t *list,
                           struct paging_link *out_link, struct error *err)
{
    AUTO(json_drop) json_t *answer = NULL;
    enum fate fate = errand_end(errand, &answer, err);
    if (fate != FATE_READ) return fate;
    bool good = take_elements(errand, name, answer, list, err) &&
                paging_follow(errand->errands->intercom->base_url, answer, errand->what, out_link, err);
    return good ? FATE_READ : FATE_REJECTED;
}

enum fate errand_list(struct errand *errand, const char *name, json_t *list, struct error *err)
{
    AUTO(mem_free) char *first_url = mem_text(errand->url);
    AUTO(trail_done) struct trail trail = {0};
    for (;;) {
        size_t before = json_array_size(list);
        struct paging_link link = {0};
        enum fate fate = read_page(errand, name, list, &link, err);
        AUTO(mem_free) char *url = fate == FATE_READ ? next_url(first_url, &link) : NULL;
        paging_link_done(&link);
        if (!url) return fate;
        if (json_array_size(list) == before || trail_returns(&trail, url)) {
            (void)error_set(err, ERROR_FORMAT, "%s: its pages lead in a circle, or nowhere", errand->what);
            return FATE_REJECTED;
        }
        if (!errand_again(errand, url, err)) return FATE_FAILED;
    }
}
