/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client against a server that misbehaves as written. */
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

/* --- plain answers --- */

static void an_answer_is_handed_over(void **state)
{
    (void)state;
    struct fixture fixture;
    char value[16];
    fixture_open(&fixture,
                 STEPS({.bytes = "HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\n"
                                 "HTTP/1.1 404 No\r\nX-Thing:  first \r\nx-thing: second\r\nX-Number: 42\r\n"
                                 "X-Word: 4x\r\nContent-Length: 4\r\n\r\ngone"}),
                 false);
    struct http_request request = get(&fixture);
    request.headers = (const char *const[]){"X-Mine: yes", NULL};
    request.service = HTTP_SOURCE;
    assert_true(ask(&fixture, &request));
    assert_int_equal(fixture.reply.status, 404);
    assert_int_equal(fixture.reply.tries, 1);
    assert_string_equal(buf_string(&fixture.reply.body), "gone");
    assert_true(http_header(&fixture.reply, "x-thing", value, sizeof value));
    assert_string_equal(value, "second");
    assert_true(http_header(&fixture.reply, "x-thing", value, 4));
    assert_string_equal(value, "sec");
    assert_false(http_header(&fixture.reply, "x-interim", value, sizeof value));
    assert_int_equal(http_header_int(&fixture.reply, "x-number", 7), 42);
    assert_int_equal(http_header_int(&fixture.reply, "x-word", 7), 7);
    const char *sent = script_request(fixture.server, 0);
    assert_non_null(strstr(sent, "GET /path?secret=hidden HTTP/1.1\r\n"));
    assert_non_null(strstr(sent, "\r\nUser-Agent: caseload/test\r\n"));
    assert_non_null(strstr(sent, "\r\nX-Mine: yes\r\n"));
    assert_non_null(strstr(sent, "\r\nAccept-Encoding: gzip\r\n"));
    assert_null(strstr(sent, "Content-Type"));
    fixture_close(&fixture);
}

/* The code that opens an answer would keep a copy of its secret. */
static void secrets_are_not_asked_for_with_gzip(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, STEPS({.bytes = OK_REPLY}), false);
    struct http_request request = get(&fixture);
    request.service = HTTP_CREDENTIALS;
    assert_true(ask(&fixture, &request));
    assert_null(strstr(script_request(fixture.server, 0), "Accept-Encoding"));
    fixture_close(&fixture);
}

static void connections_are_kept(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture,
                 STEPS({.bytes = OK_REPLY}, {.bytes = OK_REPLY}, {.bytes = BUSY_REPLY}, {.bytes = OK_REPLY}),
                 false);
    struct http_request request = get(&fixture);
    for (int i = 0; i < 3; i++)
        assert_true(ask(&fixture, &request));
    assert_int_equal(script_requests(fixture.server), 4);
    assert_int_equal(script_connections(fixture.server), 1);
    fixture_close(&fixture);
}

static void a_body_is_put_without_expecting(void **state)
{
    (void)state;
    struct fixture fixture;
    size_t size = 3 * 1024 * 1024;
    AUTO(mem_free) char *body = mem_format("%*s", (int)size, "");
    fixture_open(
        &fixture,
        STEPS({.bytes = "HTTP/1.1 308 Resume Incomplete\r\nRange: bytes=0-262143\r\nContent-Length: 0\r\n"
                        "Location: http://127.0.0.1:1/elsewhere\r\n\r\n"},
              {.bytes = OK_REPLY}),
        false);
    struct http_request request = get(&fixture);
    request.method = "PUT";
    request.body = body;
    request.body_size = size;
    request.headers = (const char *const[]){"Content-Type: application/octet-stream", NULL};
    assert_true(ask(&fixture, &request));
    assert_int_equal(fixture.reply.status, 308);
    char range[32];
    assert_true(http_header(&fixture.reply, "range", range, sizeof range));
    assert_string_equal(range, "bytes=0-262143");
    const char *sent = script_request(fixture.server, 0);
    assert_non_null(strstr(sent, "PUT /path"));
    assert_non_null(strstr(sent, "\r\nContent-Length: 3145728\r\n"));
    assert_non_null(strstr(sent, "\r\nContent-Type: application/octet-stream\r\n"));
    assert_null(strstr(sent, "Expect"));
    assert_int_equal(strlen(strstr(sent, "\r\n\r\n") + 4), size);
    request.body = NULL;
    request.body_size = 0;
    request.headers = NULL;
    assert_true(ask(&fixture, &request));
    assert_non_null(strstr(script_request(fixture.server, 1), "\r\nContent-Length: 0\r\n"));
    assert_null(strstr(script_request(fixture.server, 1), "Content-Type")); /* curl would call it a form */
    fixture_close(&fixture);
}

static void a_request_leaves_nothing_to_the_next(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, STEPS({.bytes = OK_REPLY}, {.bytes = OK_REPLY}), false);
    struct http_request request = get(&fixture), plain = request;
    request.method = "PUT";
    request.body = "{}";
    request.body_size = 2;
    request.headers = (const char *const[]){"X-Mine: yes", NULL};
    assert_true(ask(&fixture, &request));
    assert_non_null(strstr(script_request(fixture.server, 0), "\r\nX-Mine: yes\r\n"));
    assert_true(ask(&fixture, &plain));
    const char *sent = script_request(fixture.server, 1);
    assert_int_equal(strncmp(sent, "GET /path", 9), 0);
    assert_null(strstr(sent, "X-Mine"));
    assert_null(strstr(sent, "Content-Length"));
    assert_string_equal(strstr(sent, "\r\n\r\n"), "\r\n\r\n");
    fixture_close(&fixture);
}

static void a_redirect_is_not_followed(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture,
                 STEPS({.bytes = "HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"}),
                 false);
    struct http_request request = get(&fixture);
    assert_true(ask(&fixture, &request));
    assert_int_equal(fixture.reply.status, 302);
    assert_int_equal(script_requests(fixture.server), 1);
    fixture_close(&fixture);
}

static void only_http_is_spoken(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, NULL, 0, false);
    const char *const urls[] = {"ftp://127.0.0.1/secret=hidden", "file:///etc/hidden", "hidden", ""};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct http_request request = get(&fixture);
        request.url = urls[i];
        assert_false(ask(&fixture, &request));
        expect_error(&fixture, ERROR_CONFIG);
    }
    fixture_close(&fixture);
}

/* --- trying again --- */

static void what_may_work_later_is_tried_again(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture,
                 STEPS({.bytes = BUSY_REPLY}, {.reset = true},
                       {.bytes = "what is this\r\n\r\n", .close = true}, {.bytes = OK_REPLY}),
                 false);
    struct http_request request = get(&fixture);
    assert_true(ask(&fixture, &request));
    assert_int_equal(script_requests(fixture.server),
                     4); /* one of them by curl itself, on a connection that was torn */
    assert_string_equal(buf_string(&fixture.reply.body), "ok");
    fixture_close(&fixture);
}

static void half_an_answer_is_none(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(
        &fixture,
        STEPS({.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", .close = true},
              {.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", .close = true},
              {.bytes = "HTTP/1.1 200 OK\r\nContent-Le", .close = true},
              {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwhole and more", .close = true}),
        false);
    struct http_request request = get(&fixture);
    assert_true(ask(&fixture, &request));
    assert_int_equal(fixture.reply.tries, 4);
    assert_string_equal(buf_string(&fixture.reply.body), "whol");
    fixture_close(&fixture);
}

static void tries_end(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(
        &fixture,
        STEPS({.bytes = BUSY_REPLY}, {.bytes = BUSY_REPLY}, {.bytes = BUSY_REPLY}, {.bytes = BUSY_REPLY}),
        false);
    struct http_request request = get(&fixture);
    assert_false(ask(&fixture, &request));
    expect_error(&fixture, ERROR_BUSY);
    assert_int_equal(fixture.err.status, 503);
    assert_non_null(strstr(fixture.err.text, "HTTP 503"));
    assert_non_null(strstr(fixture.err.text, "try 4"));
    assert_int_equal(script_requests(fixture.server), 4);
    fixture_close(&fixture);
}

static void one_try_means_one(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, STEPS({.bytes = OK_REPLY}, {.close = true}, {.bytes = OK_REPLY}), false);
    struct http_request request = get(&fixture);
    request.retry = NULL;
    assert_true(ask(&fixture, &request));
    assert_false(ask(&fixture, &request));
    expect_error(&fixture, ERROR_BUSY);
    assert_int_equal(fixture.err.status, 0);
    assert_int_equal(script_requests(fixture.server), 2);
    fixture_close(&fixture);
}

static void the_peer_names_the_wait(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture,
                 STEPS({.bytes = "HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"},
                       {.bytes = OK_REPLY},
                       {.bytes = "HTTP/1.1 429 Slow\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n"}),
                 false);
    struct http_request request = get(&fixture);
    int64_t began = clock_ms();
    assert_true(ask(&fixture, &request));
    assert_true(clock_ms() - began >= 1000);
    assert_false(ask(&fixture, &request)); /* longer than the budget */
    expect_error(&fixture, ERROR_BUSY);
    assert_int_equal(fixture.err.status, 429);
    assert_int_equal(script_requests(fixture.server), 3);
    fixture_close(&fixture);
}

static void nobody_at_home(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, NULL, 0, false);
    struct http_request request = get(&fixture);
    request.url = "http://127.0.0.1:1/?secret=hidden";
    assert_false(ask(&fixture, &request));
    expect_error(&fixture, ERROR_BUSY);
    assert_non_null(strstr(fixture.err.text, "127.0.0.1"));
    fixture_close(&fixture);
}

/* --- helpers --- */

static struct http_reply with_headers(const char *lines)
{
    struct http_reply reply = {0};
    buf_init(&reply.headers, 4096);
    buf_text(&reply.headers, lines);
    return reply;
}

static void retry_after_has_two_forms(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        int64_t ms;
    } cases[] = {
        {"date: Sat, 01 Aug 2026 10:00:00 GMT\n", 0},
        {"retry-after: 7\n", 7000},
        {"retry-after: -7\n", 0},
        {"retry-after: soon\ndate: Sat, 01 Aug 2026 10:00:00 GMT\n", 0},
        {"retry-after: 99999999999999999999\n", 0},
        {"retry-after: 9999999999\n", 86400000},
        {"date: Sat, 01 Aug 2026 10:00:00 GMT\nretry-after: Sat, 01 Aug 2026 10:01:30 GMT\n", 90000},
        {"date: Sat, 01 Aug 2026 10:00:00 GMT\nretry-after: Sat, 01 Aug 2026 09:00:00 GMT\n", 0},
        {"retry-after: Sat, 01 Aug 2026 10:01:30 GMT\n", 0}, /* no clock to compare with */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO(http_reply_done) struct http_reply reply = with_headers(cases[i].lines);
        assert_int_equal(http_retry_after_ms(&reply), cases[i].ms);
    }
}

/* All forms of RFC 9110, and some that servers send. */
static void dates_have_many_forms(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int64_t date_s;
    } cases[] = {
        {"date: Thu, 01 Jan 1970 00:01:40 GMT\n", 100},
        {"date: Sun, 06 Nov 1994 08:49:37 GMT\n", 784111777},
        {"date: Thu, 29 Feb 2024 23:59:59 GMT\n", 1709251199},
        {"date: Sunday, 06-Nov-94 08:49:37 GMT\n", 784111777},
        {"date: Sun Nov  6 08:49:37 1994\n", 784111777},
        {"date: Sun, 06 Nov 1994 08:49:37 +0100\n", 784108177},
        {"date: Sun, 6 Nov 1994 08:49:37 GMT\n", 784111777},
        {"date: soon\n", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO(http_reply_done) struct http_reply reply = with_headers(cases[i].line);
        assert_int_equal(http_date_s(&reply, -1), cases[i].date_s);
    }
}

static void urls_are_escaped(void **state)
{
    (void)state;
    AUTO(buf_done) struct buf out = {0};
    buf_init(&out, 64);
    assert_true(http_escape(&out, "a/b c?\xC3\xA9&~._-Z9"));
    assert_string_equal(buf_string(&out), "a%2Fb%20c%3F%C3%A9%26~._-Z9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_handed_over),
        cmocka_unit_test(secrets_are_not_asked_for_with_gzip),
        cmocka_unit_test(connections_are_kept),
        cmocka_unit_test(a_body_is_put_without_expecting),
        cmocka_unit_test(a_request_leaves_nothing_to_the_next),
        cmocka_unit_test(a_redirect_is_not_followed),
        cmocka_unit_test(only_http_is_spoken),
        cmocka_unit_test(what_may_work_later_is_tried_again),
        cmocka_unit_test(half_an_answer_is_none),
        cmocka_unit_test(tries_end),
        cmocka_unit_test(one_try_means_one),
        cmocka_unit_test(the_peer_names_the_wait),
        cmocka_unit_test(nobody_at_home),
        cmocka_unit_test(retry_after_has_two_forms),
        cmocka_unit_test(dates_have_many_forms),
        cmocka_unit_test(urls_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
