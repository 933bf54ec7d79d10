/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of the HTTP client: sizes, trust, time. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "http_fixture.h"
#include "shared/gzip_file.h"

/* --- ceilings --- */

static struct buf gzip_reply(const char *bytes, size_t size)
{
    struct buf reply;
    AUTO(buf_done) struct buf file = buf_limited(size + 1024 * 1024);
    gzip_file(bytes, size, 9, &file);
    buf_init(&reply, 1024 * 1024);
    buf_format(&reply, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", file.size);
    assert_true(buf_add(&reply, file.data, file.size));
    return reply;
}

static void gzip_is_opened_up_to_the_ceiling(void **state)
{
    (void)state;
    struct fixture fixture;
    AUTO(mem_free) char *blanks = mem_format("%*s", 40 * 1024 * 1024, "");
    AUTO(buf_done) struct buf fits = gzip_reply(blanks, REPLY_LIMIT);
    AUTO(buf_done) struct buf bomb = gzip_reply(blanks, 40 * 1024 * 1024);
    fixture_open(&fixture,
                 STEPS({.bytes = fits.data, .size = fits.size}, {.bytes = bomb.data, .size = bomb.size},
                       {.bytes = OK_REPLY}),
                 false);
    struct http_request request = get(&fixture);
    assert_true(ask(&fixture, &request));
    assert_int_equal(fixture.reply.body.size, REPLY_LIMIT);
    assert_false(ask(&fixture, &request));
    expect_error(&fixture, ERROR_LIMIT);
    assert_int_equal(script_requests(fixture.server), 2); /* it would not be smaller the next time */
    assert_true(ask(&fixture, &request));
    fixture_close(&fixture);
}

/* Such answers come from proxies, and another try may bring a better one. */
static void gzip_that_does_not_open_is_no_answer(void **state)
{
    (void)state;
    struct fixture fixture;
    AUTO(buf_done) struct buf damaged = gzip_reply("some text", 9);
    AUTO(buf_done) struct buf cut = buf_limited(1024);
    AUTO(buf_done) struct buf good = gzip_reply("some text", 9);
    damaged.data[damaged.size - 6] ^= 1;
    buf_text(&cut, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n\r\n");
    buf_add(&cut, strstr(good.data, "\r\n\r\n") + 4, 20);
    fixture_open(&fixture,
                 STEPS({.bytes = damaged.data, .size = damaged.size}, {.bytes = cut.data, .size = cut.size},
                       {.bytes = "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 4\r\n\r\n1234"},
                       {.bytes = good.data, .size = good.size}),
                 false);
    struct http_request request = get(&fixture);
    assert_true(ask(&fixture, &request));
    assert_int_equal(fixture.reply.tries, 4);
    assert_string_equal(buf_string(&fixture.reply.body), "some text");
    fixture_close(&fixture);
}

static void what_does_not_open_is_named(void **state)
{
    (void)state;
    struct fixture fixture;
    AUTO(buf_done) struct buf damaged = gzip_reply("some text", 9);
    damaged.data[damaged.size - 6] ^= 1;
    fixture_open(&fixture,
                 STEPS({.bytes = damaged.data, .size = damaged.size},
                       {.bytes = "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 4\r\n\r\n1234"}),
                 false);
    struct http_request request = get(&fixture);
    request.retry = NULL;
    assert_false(ask(&fixture, &request));
    expect_error(&fixture, ERROR_BUSY);
    assert_non_null(strstr(fixture.err.text, "the response's gzip is damaged"));
    assert_false(ask(&fixture, &request));
    assert_non_null(strstr(fixture.err.text, "another content-encoding than gzip"));
    fixture_close(&fixture);
}

static void trailers_are_no_new_head(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture,
                 STEPS({.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n"
                                 "2\r\nok\r\n0\r\nX-End: 1\r\n\r\n"}),
                 false);
    struct http_request request = get(&fixture);
    assert_true(ask(&fixture, &request));
    assert_int_equal(fixture.reply.tries, 1);
    assert_string_equal(buf_string(&fixture.reply.body), "ok");
    fixture_close(&fixture);
}

static void plain_bodies_have_the_ceiling(void **state)
{
    (void)state;
    struct fixture fixture;
    AUTO(mem_free) char *big = mem_format("HTTP/1.1 200 OK\r\n\r\n%*s", REPLY_LIMIT + 1, "");
    fixture_open(&fixture, STEPS({.bytes = big, .close = true}), false);
    struct http_request request = get(&fixture);
    assert_false(ask(&fixture, &request));
    expect_error(&fixture, ERROR_LIMIT);
    fixture_close(&fixture);
}

static void heads_have_a_ceiling(void **state)
{
    (void)state;
    struct fixture fixture;
    struct buf head;
    buf_init(&head, 1024 * 1024);
    buf_text(&head, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 2000; i++)
        buf_format(&head, "X-Filler-%d: %060d\r\n", i, i);
    buf_text(&head, "Content-Length: 0\r\n\r\n");
    fixture_open(&fixture, STEPS({.bytes = head.data, .size = head.size}), false);
    struct http_request request = get(&fixture);
    assert_false(ask(&fixture, &request));
    expect_error(&fixture, ERROR_LIMIT);
    assert_int_equal(script_requests(fixture.server), 1);
    fixture_close(&fixture);
    buf_done(&head);
}

/* --- who we are --- */

struct counted_token {
    struct token token;
    int given, renewed;
};

static bool counted_get(struct token *token, const struct secret *refused, struct secret *out_bearer,
                        struct error *err)
{
    struct counted_token *counted = (struct counted_token *)token;
    char text[32];
    counted->given++;
    (void)snprintf(text, sizeof text, "token-%d", counted->renewed);
    if (refused && strcmp(secret_reveal(refused), text) == 0)
        (void)snprintf(text, sizeof text, "token-%d", ++counted->renewed);
    return secret_set(out_bearer, text, strlen(text), err);
}

#define DENIED "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"

static void a_refused_token_is_renewed_once(void **state)
{
    (void)state;
    struct fixture fixture;
    struct counted_token counted = {.token = {.get = counted_get}};
    fixture_open(&fixture,
                 STEPS({.bytes = DENIED}, {.bytes = OK_REPLY}, {.bytes = DENIED}, {.bytes = DENIED}), false);
    struct http_request request = get(&fixture);
    request.retry = NULL; /* another token is not another try */
    request.token = &counted.token;
    assert_true(ask(&fixture, &request));
    assert_non_null(strstr(script_request(fixture.server, 0), "\r\nAuthorization: Bearer token-0\r\n"));
    assert_non_null(strstr(script_request(fixture.server, 1), "\r\nAuthorization: Bearer token-1\r\n"));
    assert_false(ask(&fixture, &request));
    expect_error(&fixture, ERROR_AUTH);
    assert_int_equal(fixture.err.status, 401);
    assert_null(strstr(fixture.err.text, "token-"));
    assert_int_equal(script_requests(fixture.server), 4);
    assert_int_equal(counted.renewed, 2);
    fixture_close(&fixture);
}

/* --- a token that takes long --- */

struct slow_token {
    struct token token;
    atomic_bool ready;
};

static bool slow_get(struct token *token, const struct secret *refused, struct secret *out_bearer,
                     struct error *err)
{
    (void)refused;
    const struct slow_token *slow = (struct slow_token *)token;
    while (!atomic_load(&slow->ready))
        (void)clock_sleep_ms(1, NULL);
    return secret_set(out_bearer, "late", 4, err);
}

static bool slow_get_cached(struct token *token, struct secret *out_bearer)
{
    (void)token, (void)out_bearer;
    return false;
}

static void other_calls_advance_while_a_token_is_requested(void **state)
{
    (void)state;
    struct fixture fixture;
    struct slow_token slow = {.token = {.get = slow_get, .get_cached = slow_get_cached}};
    struct http_call *waiting = NULL, *dropped = NULL;
    fixture_open(&fixture, STEPS({.bytes = OK_REPLY}, {.bytes = OK_REPLY}), false);
    struct http_request request = get(&fixture);
    request.token = &slow.token;
    assert_true(http_send(fixture.http, &request, &waiting, &fixture.err));
    assert_true(http_send(fixture.http, &request, &dropped, &fixture.err));
    request.token = NULL;
    assert_true(ask(&fixture, &request)); /* with a loop that waits for the token this never ends */
    assert_int_equal(script_requests(fixture.server), 1);
    http_drop(dropped);
    atomic_store(&slow.ready, true);
    http_reply_done(&fixture.reply);
    assert_true(http_wait(waiting, &fixture.reply, &fixture.err));
    assert_non_null(strstr(script_request(fixture.server, 1), "\r\nAuthorization: Bearer late\r\n"));
    assert_int_equal(script_requests(fixture.server), 2);
    fixture_close(&fixture);
}

static void connections_have_a_ceiling(void **state)
{
    (void)state;
    enum { CALLS = 40, CEILING = 32 };
    struct fixture fixture;
    struct http_call *calls[CALLS] = {NULL};
    fixture_open(&fixture, STEPS({.bytes = OK_REPLY, .hold = true, .again = true}), false);
    struct http_request request = get(&fixture);
    for (int i = 0; i < CALLS; i++)
        assert_true(http_send(fixture.http, &request, &calls[i], &fixture.err));
    script_release(fixture.server);
    for (int i = 0; i < CALLS; i++) {
        http_reply_done(&fixture.reply);
        assert_true(http_wait(calls[i], &fixture.reply, &fixture.err));
    }
    assert_int_equal(script_requests(fixture.server), CALLS);
    assert_true(script_connections(fixture.server) <= CEILING);
    fixture_close(&fixture);
}

/* --- the trace --- */

struct traced {
    int count;
    enum http_service service;
    int64_t date_s;
    char text[256];
};

static void record_trace(void *self, const struct http_trace *trace)
{
    struct traced *traced = self;
    traced->count++;
    traced->service = trace->service;
    traced->date_s = trace->date_s;
    (void)snprintf(traced->text, sizeof traced->text, "%s %s %s %d %s", trace->method, trace->host,
                   trace->path, trace->status, trace->request_id);
}

static void a_trace_shows_neither_query_nor_token(void **state)
{
    (void)state;
    struct fixture fixture;
    struct counted_token counted = {.token = {.get = counted_get}};
    struct http *http = NULL;
    struct traced traced = {0};
    fixture_open(
        &fixture,
        STEPS({.bytes = BUSY_REPLY}, {.bytes = "HTTP/1.1 200 OK\r\nX-Request-Id: r7\r\nContent-Length: 2\r\n"
                                               "Date: Mon, 02 Mar 2026 04:00:00 GMT\r\n\r\nok"}),
        false);
    assert_true(
        http_new(&(struct http_settings){.trace = record_trace, .trace_self = &traced}, &http, &fixture.err));
    struct http_request request = get(&fixture);
    request.token = &counted.token;
    request.service = HTTP_BIGQUERY;
    assert_true(http_do(http, &request, &fixture.reply, &fixture.err));
    assert_int_equal(traced.count, 2); /* each try */
    assert_int_equal(traced.service, HTTP_BIGQUERY);
    assert_string_equal(traced.text, "GET 127.0.0.1 /path 200 r7");
    assert_int_equal(traced.date_s, 1772424000);
    http_free(http);
    fixture_close(&fixture);
}

static void strangers_are_not_trusted(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, STEPS({.bytes = OK_REPLY}), true);
    struct http_request request = get(&fixture);
    assert_false(ask(&fixture, &request));
    expect_error(&fixture, ERROR_CONFIG);
    assert_non_null(strstr(fixture.err.text, "certificate"));
    assert_int_equal(script_requests(fixture.server), 0);
    fixture_close(&fixture);
}

/* --- several at once, and the end --- */

static void *release_all(void *self)
{
    struct fixture *fixture = self;
    script_await(fixture->server, 8);
    script_release(fixture->server);
    return NULL;
}

static void calls_move_together(void **state)
{
    (void)state;
    struct fixture fixture;
    struct http_call *calls[8];
    struct step steps[8];
    pthread_t thread;
    for (size_t i = 0; i < 8; i++)
        steps[i] = (struct step){.bytes = OK_REPLY, .hold = true};
    fixture_open(&fixture, steps, 8, false);
    struct http_request request = get(&fixture);
    for (size_t i = 0; i < 8; i++)
        assert_true(http_send(fixture.http, &request, &calls[i], &fixture.err));
    assert_int_equal(pthread_create(&thread, NULL, release_all, &fixture), 0);
    for (size_t i = 8; i-- > 0;) { /* no answer comes before the last request has */
        if (i == 3) {
            http_drop(calls[i]);
            continue;
        }
        assert_true(http_wait(calls[i], &fixture.reply, &fixture.err));
        assert_string_equal(buf_string(&fixture.reply.body), "ok");
        http_reply_done(&fixture.reply);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    fixture_close(&fixture);
}

static void a_waiting_call_holds_up_no_other(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct retry slow = {.base_ms = 600000, .cap_ms = 600000, .attempts = 3, .budget_ms = 6000000};
    struct http_call *late = NULL;
    fixture_open(&fixture,
                 STEPS({.bytes = OK_REPLY}, {.bytes = BUSY_REPLY}, {.bytes = OK_REPLY}, {.bytes = OK_REPLY}),
                 false);
    struct http_request request = get(&fixture);
    assert_true(ask(&fixture, &request));
    request.retry = &slow;
    assert_true(http_send(fixture.http, &request, &late, &fixture.err));
    script_await(fixture.server, 2); /* on an open connection it is on its way before anyone waits for it */
    request.retry = &quick;
    assert_true(ask(&fixture, &request));
    assert_true(ask(&fixture, &request));
    http_drop(late);
    fixture_close(&fixture);
}

static void *stop_soon(void *self)
{
    struct fixture *fixture = self;
    script_await(fixture->server, 1);
    atomic_store(&fixture->stop, true);
    return NULL;
}

static void a_stop_ends_every_wait(void **state)
{
    (void)state;
    const struct retry slow = {.base_ms = 600000, .cap_ms = 600000, .attempts = 3, .budget_ms = 6000000};
    const struct step steps[] = {{.hold = true}, {.bytes = BUSY_REPLY}};
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;
        pthread_t thread;
        fixture_open(&fixture, &steps[i], 1, false);
        struct http_request request = get(&fixture);
        request.retry = &slow;
        assert_int_equal(pthread_create(&thread, NULL, stop_soon, &fixture), 0);
        assert_false(ask(&fixture, &request));
        expect_error(&fixture, ERROR_STOPPED);
        assert_int_equal(pthread_join(thread, NULL), 0);
        fixture_close(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_is_opened_up_to_the_ceiling),
        cmocka_unit_test(gzip_that_does_not_open_is_no_answer),
        cmocka_unit_test(what_does_not_open_is_named),
        cmocka_unit_test(trailers_are_no_new_head),
        cmocka_unit_test(plain_bodies_have_the_ceiling),
        cmocka_unit_test(heads_have_a_ceiling),
        cmocka_unit_test(a_refused_token_is_renewed_once),
        cmocka_unit_test(other_calls_advance_while_a_token_is_requested),
        cmocka_unit_test(connections_have_a_ceiling),
        cmocka_unit_test(a_trace_shows_neither_query_nor_token),
        cmocka_unit_test(strangers_are_not_trusted),
        cmocka_unit_test(calls_move_together),
        cmocka_unit_test(a_waiting_call_holds_up_no_other),
        cmocka_unit_test(a_stop_ends_every_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
