/* SPDX-License-Identifier: Apache-2.0 */
#include "subrequest.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cycle.h"
#include "next_page.h"

#define LIMIT_NEXT_URL     16384  /* a cursor has up to NEXT_PAGE_TEXT bytes, three times that when escaped */
#define ELEMENTS_MAX       100000 /* of one list */
#define UNEXPECTED_WAIT_MS 2000

/* The first round of tries is short: a failure may concern this record alone. The second is retry_api. */
static const struct retry retry_subrequest = {
    .base_ms = 500, .cap_ms = 8000, .attempts = 6, .budget_ms = 600000};

static bool send(struct subrequest *subrequest, struct error *err)
{
    bool in_one_piece = subrequest->use_large_limit && !subrequest->split_path;
    if (!subrequest->use_large_limit)
        response_body_init_plain(&subrequest->body, &subrequest->pool->rest->shared->waiting,
                                 LIMIT_DEFERRED_BODY);
    else if (subrequest->split_path)
        response_body_init_split(&subrequest->body, subrequest->split_path);
    else
        response_body_done(&subrequest->body);
    subrequest->exchange.body = in_one_piece ? NULL : &subrequest->body;
    return exchange_send(&subrequest->exchange,
                         &(struct exchange_request){
                             .method = "GET",
                             .url = subrequest->url,
                             .retry = subrequest->long_retry ? &retry_api : &retry_subrequest,
                         },
                         err);
}

bool subrequest_start(struct subrequest *subrequest, struct subrequest_pool *pool, const char *path,
                      const char *const *split_path, struct error *err)
{
    subrequest->pool = pool;
    subrequest->split_path = split_path;
    subrequest->is_expected = NULL;
    subrequest->unexpected = 0;
    subrequest->use_large_limit = subrequest->long_retry = subrequest->isolated_failure = false;
    subrequest->url = mem_format("%s%s", pool->rest->base_url, path);
    exchange_init(&subrequest->exchange, pool->rest, subrequest->what);
    subrequest->exchange.defer_parse = true;
    subrequest->exchange.can_be_forbidden = subrequest->exchange.confirm_refusal = true;
    subrequest->exchange.success_count = &pool->success_count;
    pool->started++;
    return send(subrequest, err);
}

bool subrequest_start_at(struct subrequest *subrequest, struct subrequest_pool *pool,
                         const struct subrequest_path *path, const char *id, struct error *err)
{
    char printable_id[LIMIT_NAME];
    AUTO(buf_done)
    struct buf text = buf_limited(8 * LIMIT_NAME); /* escaped, an id has three times its length */
    buf_text(&text, path->before);
    http_escape(&text, id);
    buf_text(&text, path->after);
    exchange_quote(printable_id, sizeof printable_id, id);
    (void)snprintf(subrequest->what, sizeof subrequest->what, "%s %s, id %s", pool->rest->dialect->name,
                   path->name, printable_id);
    bool good = subrequest_start(subrequest, pool, buf_string(&text), path->split_path, err);
    subrequest->exchange.record_path = path->before;
    return good;
}

static bool restart(struct subrequest *subrequest, const char *url, struct error *err)
{
    free(subrequest->url);
    subrequest->url = mem_text(url);
    subrequest->use_large_limit = subrequest->long_retry = subrequest->isolated_failure = false;
    return send(subrequest, err);
}

void subrequest_pool_init(struct subrequest_pool *pool, struct rest_source *rest)
{
    *pool = (struct subrequest_pool){
        .rest = rest, .probe_url = mem_format("%s%s", rest->base_url, rest->dialect->probe_path)};
}

void subrequest_pool_done(struct subrequest_pool *pool)
{
    free(pool->probe_url);
    pool->probe_url = NULL;
}

void subrequest_done(struct subrequest *subrequest)
{
    if (!subrequest || !subrequest->pool) return;
    exchange_done(&subrequest->exchange);
    response_body_done(&subrequest->body);
    free(subrequest->url);
    *subrequest = (struct subrequest){.pool = NULL};
}

/* It concerns all our requests, not this one. */
static bool is_congestion(const struct error *err)
{
    return err->status == 429 || err->status == 409;
}

/* Requests again what was read before, to learn whether the service answers now. Earlier successes do not
 * prove that: other requests may have succeeded just before an outage began. */
static bool probe(struct subrequest_pool *pool)
{
    AUTO(value_drop) struct json_value *value = NULL;
    struct exchange exchange;
    struct error failure = {0};
    struct page counts = {0};
    exchange_init(&exchange, pool->rest, "a record that was read before");
    exchange.can_be_forbidden = true;
    bool answers = exchange_send(&exchange,
                                 &(struct exchange_request){
                                     .method = "GET",
                                     .url = pool->probe_url,
                                     .retry = &retry_subrequest,
                                 },
                                 &failure) &&
                   (exchange_wait(&exchange, &value, &failure) || failure.kind == ERROR_REFUSED);
    exchange_add_counts(&exchange, &counts);
    exchange_done(&exchange);
    pool->requests += counts.requests;
    return answers;
}

static bool is_isolated(struct subrequest *subrequest)
{
    struct subrequest_pool *pool = subrequest->pool;
    if (!subrequest->isolated_failure) subrequest->isolated_failure = pool->success_count > 0 && probe(pool);
    return subrequest->isolated_failure;
}

/* With a larger limit or more retries, or because an answer was parsed too late to be retried. */
static bool should_resend(struct subrequest *subrequest, const struct error *err)
{
    bool answered = err->status != 0 && !is_congestion(err);
    if (err->kind == ERROR_LIMIT) {
        if (subrequest->use_large_limit) return false;
        subrequest->use_large_limit = true;
        return true;
    }
    if (err->kind != ERROR_BUSY && err->kind != ERROR_FORMAT) return false;
    if (subrequest->exchange.deferred_parse_failed) return true;
    if (subrequest->long_retry || (answered && is_isolated(subrequest))) return false;
    subrequest->long_retry = true;
    return true;
}

/* The record is at fault if others can be read, or if it is answered and there is no other to compare. */
static enum subrequest_outcome judge_unavailable(struct subrequest *subrequest, const struct error *err)
{
    const struct subrequest_pool *pool = subrequest->pool;
    bool is_only_one = pool->started == 1 && pool->all_started;
    if (is_congestion(err)) return SUBREQUEST_FAILED;
    return (is_only_one && err->status != 0) || is_isolated(subrequest) ? SUBREQUEST_REJECTED
                                                                        : SUBREQUEST_FAILED;
}

static bool is_gone(const struct error *err)
{
    return err->status == 301 || err->status == 404 || err->status == 410;
}

static enum subrequest_outcome judge_failure(struct subrequest *subrequest, const struct error *err)
{
    bool is_known;
    switch (err->kind) {
    case ERROR_LIMIT: return SUBREQUEST_REJECTED;
    case ERROR_REFUSED:
        /* Only the service itself knows: a proxy's 404 has no code of it. */
        is_known =
            err->status == 301 ? subrequest->exchange.canonical[0] : subrequest->exchange.failure.code[0];
        return is_gone(err) && is_known ? SUBREQUEST_GONE : SUBREQUEST_REJECTED;
    case ERROR_BUSY:
    case ERROR_FORMAT: return judge_unavailable(subrequest, err);
    case ERROR_FORBIDDEN: return SUBREQUEST_FORBIDDEN;
    case ERROR_NONE:
    case ERROR_CONFIG:
    case ERROR_AUTH:
    case ERROR_REQUEST:
    case ERROR_UNREACHABLE:
    case ERROR_STOPPED:
    case ERROR_KINDS: return SUBREQUEST_FAILED;
    }
    abort();
}

void subrequest_problem(const struct subrequest *subrequest, const char *noun, const struct error *err,
                        char *out, size_t size)
{
    if (err->kind == ERROR_LIMIT)
        (void)snprintf(out, size, "its %s is larger than the %d bytes%s that are allowed", noun,
                       subrequest->split_path ? LIMIT_DETAIL : LIMIT_PAGE,
                       subrequest->split_path ? ", or the compressed ones," : "");
    else if (err->kind == ERROR_FORMAT)
        (void)snprintf(out, size, "its %s is no JSON that can be read", noun);
    else
        (void)snprintf(out, size, "its %s can't be fetched: HTTP %d %s", noun, err->status,
                       subrequest->exchange.failure.code);
}

/* Replicas and caches answer with an old state for a while. */
static bool is_unexpected(struct subrequest *subrequest, const struct json_value *answer)
{
    if (!subrequest->is_expected || subrequest->is_expected(subrequest->self, answer)) return false;
    return subrequest->unexpected++ < UNEXPECTED_MAX;
}

enum subrequest_outcome subrequest_wait(struct subrequest *subrequest, struct json_value **out_value,
                                        struct error *err)
{
    struct subrequest_pool *pool = subrequest->pool;
    struct exchange *exchange = &subrequest->exchange;
    struct error failure = {0}; /* not err: most failures end well */
    struct page counts = {0};
    bool is_read;
    exchange->defer_parse = false;
    for (;;) {
        is_read = exchange_wait(exchange, out_value, &failure);
        bool should_send =
            is_read ? is_unexpected(subrequest, *out_value) : should_resend(subrequest, &failure);
        if (!should_send) break;
        value_drop(out_value);
        is_read = false;
        if ((subrequest->unexpected > 0 && !rest_wait(pool->rest, UNEXPECTED_WAIT_MS, &failure)) ||
            !send(subrequest, &failure))
            break;
    }
    exchange_add_counts(exchange, &counts);
    pool->requests += counts.requests;
    pool->normalisations += counts.normalisations;
    if (!subrequest->use_large_limit || !subrequest->split_path) response_body_done(&subrequest->body);
    if (is_read && !subrequest->use_large_limit) {
        free(pool->probe_url);
        pool->probe_url = mem_text(subrequest->url);
    }
    if (is_read) return SUBREQUEST_OK;
    *err = failure;
    return judge_failure(subrequest, err);
}

static char *next_url(const struct rest_source *rest, const char *first_url, const struct next_page *next)
{
    if (next->url) return mem_text(next->url);
    if (!next_page_exists(next)) return NULL;
    AUTO(buf_done) struct buf url = buf_limited(LIMIT_NEXT_URL);
    buf_text(&url, first_url);
    page_request_write_parameters(
        &(struct page_request){
            .source = rest,
            .cursor = next->cursor,
            .number = next->cursor ? 0 : next->number,
        },
        &url);
    return buf_take(&url, NULL);
}

static bool take_elements(const struct subrequest *subrequest, const char *name, struct json_value *answer,
                          struct json_value *list, struct error *err)
{
    const struct json_value *elements = page_list(subrequest->pool->rest->dialect, answer, name);
    if (!elements)
        return error_set(err, ERROR_FORMAT, "%s: the answer has no list \"%s\", request id %s",
                         subrequest->what, name, subrequest->exchange.request_id);
    if (value_count(list) + value_count(elements) > ELEMENTS_MAX)
        return error_set(err, ERROR_LIMIT, "%s: the list has more than %d elements", subrequest->what,
                         ELEMENTS_MAX);
    for (const struct json_value *element = value_elements(elements); element; element = element->next)
        value_append(list, element);
    return true;
}

static enum subrequest_outcome read_page(struct subrequest *subrequest, const char *name, int64_t number,
                                         struct json_value *list, struct next_page *out_next,
                                         struct error *err)
{
    AUTO(value_drop) struct json_value *answer = NULL;
    const struct rest_source *rest = subrequest->pool->rest;
    int64_t offset = (int64_t)value_count(list);
    enum subrequest_outcome outcome = subrequest_wait(subrequest, &answer, err);
    if (outcome != SUBREQUEST_OK) return outcome;
    bool good = take_elements(subrequest, name, answer, list, err) &&
                rest->dialect->next_page(
                    &(struct page_context){
                        .source = rest,
                        .answer = answer,
                        .list = page_list(rest->dialect, answer, name),
                        .number = number,
                        .offset = offset,
                        .what = subrequest->what,
                    },
                    out_next, err);
    return good ? SUBREQUEST_OK : SUBREQUEST_REJECTED;
}

enum subrequest_outcome subrequest_list(struct subrequest *subrequest, const char *name,
                                        struct json_value *list, struct error *err)
{
    AUTO(mem_free) char *first_url = mem_text(subrequest->url);
    AUTO(cycle_done) struct cycle visited = {0};
    for (int64_t number = 1;; number++) {
        size_t before = value_count(list);
        struct next_page next = {0};
        enum subrequest_outcome outcome = read_page(subrequest, name, number, list, &next, err);
        AUTO(mem_free) char *url = NULL;
        if (outcome == SUBREQUEST_OK) url = next_url(subrequest->pool->rest, first_url, &next);
        next_page_done(&next);
        if (!url) return outcome;
        if (value_count(list) == before || cycle_closed(&visited, url)) {
            (void)error_set(err, ERROR_FORMAT, "%s: its pages lead in a circle, or nowhere",
                            subrequest->what);
            return SUBREQUEST_REJECTED;
        }
        if (!restart(subrequest, url, err)) return SUBREQUEST_FAILED;
    }
}
