/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sandbox_internal.h"
#include "test/client.h"

/* Says back what it understood. */
static void handle_echo(struct exchange *exchange)
{
    const char *query = exchange_query(exchange, "q");
    const char *header = exchange_header(exchange, "x-test");
    exchange_add_header(exchange, "X-Answer", "%d", 42);
    exchange_reply_json(exchange, 200,
                        json_pack("{s:s, s:s, s:s?, s:s?, s:s%, s:I}", "path", exchange->path, "capture",
                                  exchange->capture[0], "query", query, "header", header, "body",
                                  exchange->body, exchange->body_size < 100 ? exchange->body_size : 100,
                                  "size", (json_int_t)exchange->body_size));
}

static atomic_int calls;

static void handle_count(struct exchange *exchange)
{
    atomic_fetch_add(&calls, 1);
    exchange_reply_json(exchange, 200, json_pack("{s:s}", "text", "0123456789"));
}

static const struct route routes[] = {
    {"intercom", "echo", "POST", "/echo/{}/end", handle_echo},
    {"intercom", "count", "GET", "/count", handle_count},
    {"bigquery", "count", "GET", "/bigquery/v2/count", handle_count},
    {.handle = NULL},
};

static int set_up(void **state)
{
    struct sandbox *sandbox = mem_zero(1, sizeof *sandbox);
    sandbox->clock = virtual_clock_new(INT64_C(1772424000000000));
    sandbox->journal = journal_new();
    sandbox->faults = faults_new();
    atomic_store(&calls, 0);
    *state = sandbox;
    return client_serve(sandbox, routes) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct sandbox *sandbox = *state;
    server_stop(sandbox->server);
    faults_free(sandbox->faults);
    journal_free(sandbox->journal);
    virtual_clock_free(sandbox->clock);
    free(sandbox);
    return 0;
}

static int port(void **state)
{
    struct sandbox *sandbox = *state;
    return server_port(sandbox->server);
}

static void fault(void **state, const char *line)
{
    struct sandbox *sandbox = *state;
    struct error err;
    assert_true(faults_add(sandbox->faults, line, &err));
}

static void expect(void **state, const char *request, int status, const char *part)
{
    struct answer answer = client_send(port(state), request, strlen(request));
    if (answer.status != status || !strstr(buf_string(&answer.all), part))
        fail_msg("wanted %d with %s, got: %.300s", status, part, buf_string(&answer.all));
    answer_done(&answer);
}

static void test_requests_are_taken_apart(void **state)
{
    expect(state,
           "POST /echo/a%2Fb%20c/end?x=1&q=1%2B1+is%3D2 HTTP/1.1\r\nX-TEST:  spaced \r\nContent-Length: "
           "4\r\nConnection: close\r\n\r\nbody",
           200,
           "{\"path\":\"/echo/a/b c/end\",\"capture\":\"a/b c\",\"query\":\"1+1 "
           "is=2\",\"header\":\"spaced\",\"body\":\"body\",\"size\":4}");
}

static void test_chunks(void **state)
{
    expect(state,
           "POST /echo/x/end HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
           "5\r\nhello\r\n7;ext=1\r\n, world\r\n0\r\nTrailer: x\r\n\r\n",
           200, "\"body\":\"hello, world\"");
    expect(state, "POST /echo/x/end HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "");
    expect(state, "POST /echo/x/end HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "");
}

static void test_several_requests_on_one_connection(void **state)
{
    static const char two[] =
        "GET /count HTTP/1.1\r\n\r\nPOST /echo/x/end HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
        "GET /count HTTP/1.1\r\nConnection: close\r\n\r\n";
    expect(state, two, 200, "\"body\":\"abc\"");
    assert_int_equal(atomic_load(&calls), 2);
}

static void test_continue_is_granted(void **state)
{
    expect(
        state,
        "POST /echo/x/end HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        200, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK");
}

static void test_bad_requests_are_refused(void **state)
{
    expect(state, "nonsense\r\n\r\n", 400, "");
    expect(state, "GET /count HTTP/3\r\n\r\n", 505, "");
    expect(state, "GET http://elsewhere/ HTTP/1.1\r\n\r\n", 400, "");
    expect(state, "GET /count HTTP/1.1\r\nno colon\r\n\r\n", 400, "");
    expect(state, "POST /echo/x/end HTTP/1.1\r\n\r\n", 411, "");
    expect(state, "POST /echo/x/end HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, "");
    expect(state, "POST /echo/x/end HTTP/1.1\r\nContent-Length: 104857601\r\n\r\n", 413, "");
    AUTO(mem_free) char *huge = mem_zero(80001, 1);
    memset(huge, 'a', 80000);
    memcpy(huge, "GET /", 5);
    struct answer answer = client_send(port(state), huge, 80000);
    assert_true(answer.status == 431 || answer.status == 0); /* 0: the reset overtook the answer */
    answer_done(&answer);
}

static void test_what_is_not_there(void **state)
{
    expect(state, "GET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n", 404,
           "{\"type\":\"error.list\",\"request_id\":\"sandbox");
    expect(state, "GET /bigquery/v2/nothing HTTP/1.1\r\nConnection: close\r\n\r\n", 404,
           "\"reason\":\"notFound\"");
    expect(state, "POST /count HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 405,
           "action_forbidden");
}

static void test_large_bodies(void **state)
{
    size_t size = 9 * 1024 * 1024;
    struct buf request;
    buf_init(&request, size + 1000);
    buf_format(&request, "POST /echo/x/end HTTP/1.1\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
               size);
    AUTO(mem_free) char *body = mem_zero(size, 1);
    memset(body, 'x', size);
    buf_add(&request, body, size);
    struct answer answer = client_send(port(state), request.data, request.size);
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.body, "\"size\":9437184"));
    answer_done(&answer);
    buf_done(&request);
}

static const char count[] = "GET /count HTTP/1.1\r\nConnection: close\r\n\r\n";

static void test_a_status_instead_of_the_answer(void **state)
{
    fault(state, "intercom count 1 status 429 retry-after=7");
    expect(state, count, 429, "retry-after: 7\r\n");
    fault(state, "intercom count 1 status 503 reason=server_error");
    expect(state, count, 503, "\"code\":\"server_error\"");
    fault(state, "bigquery count 1 status 403 reason=rateLimitExceeded");
    expect(state, "GET /bigquery/v2/count HTTP/1.1\r\nConnection: close\r\n\r\n", 403,
           "\"domain\":\"global\",\"reason\":\"rateLimitExceeded\"}],\"status\":\"PERMISSION_DENIED\"}}");
    assert_int_equal(atomic_load(&calls), 0);
    expect(state, count, 200, "0123456789");
}

static void test_dropped_before_and_after(void **state)
{
    fault(state, "intercom count 1 drop before");
    expect(state, count, 0, "");
    assert_int_equal(atomic_load(&calls), 0);
    fault(state, "intercom count 1 drop after");
    expect(state, count, 0, "");
    assert_int_equal(atomic_load(&calls), 1);
}

static void test_bodies_that_are_not_what_was_meant(void **state)
{
    fault(state, "intercom count 1 truncate");
    struct answer answer = client_send(port(state), count, strlen(count));
    assert_int_equal(answer.status, 200);
    assert_false(answer.whole);
    assert_string_equal(answer.body, "{\"text\":\"0");
    answer_done(&answer);
    fault(state, "intercom count 1 empty");
    expect(state, count, 200, "Content-Length: 0\r\n");
    fault(state, "intercom count 1 html");
    expect(state, count, 200, "Content-Type: text/html\r\n");
    fault(state, "intercom count 1 body {\"type\": \"list\", \"data\": null}");
    expect(state, count, 200, "\r\n\r\n{\"type\": \"list\", \"data\": null}");
}

static void test_the_journal_tells_everything_but_secrets(void **state)
{
    struct sandbox *sandbox = *state;
    fault(state, "intercom count 2 drop before");
    static const char request[] =
        "GET /count?page=2 HTTP/1.1\r\nAuthorization: Bearer hush\r\nConnection: close\r\n\r\n";
    expect(state, request, 200, "");
    expect(state, request, 0, "");
    struct buf lines;
    buf_init(&lines, 1 << 20);
    journal_dump(sandbox->journal, "intercom", 0, &lines);
    const char *text = buf_string(&lines);
    assert_non_null(strstr(text, "\"n\":1,\"service\":\"intercom\",\"operation\":\"count\",\"at\":\"2026-03-"
                                 "02T04:00:00Z\",\"status\":200"));
    assert_non_null(strstr(text, "\"path\":\"/count?page=2\",\"bytes_in\":0,\"bytes_out\":21"));
    assert_non_null(strstr(text, "\"status\":0,\"fault\":\"intercom count 2 drop before\""));
    assert_null(strstr(text, "hush"));
    buf_reset(&lines);
    journal_dump(sandbox->journal, NULL, 1, &lines);
    assert_int_equal(strncmp(buf_string(&lines), "{\"n\":2,", 7), 0);
    buf_reset(&lines);
    journal_dump(sandbox->journal, "bigquery", 0, &lines);
    assert_int_equal(lines.size, 0);
    buf_done(&lines);
}

static void test_the_clock_moves_when_it_is_read_or_told_to(void **state)
{
    struct sandbox *sandbox = *state;
    int64_t start = virtual_clock_peek(sandbox->clock);
    assert_int_equal(virtual_clock_read(sandbox->clock), start + 1000);
    assert_int_equal(virtual_clock_peek(sandbox->clock), start + 1000);
    virtual_clock_advance(sandbox->clock, 5);
    virtual_clock_set(sandbox->clock, start); /* never back */
    assert_int_equal(virtual_clock_peek(sandbox->clock), start + 1005);
    virtual_clock_set(sandbox->clock, start + 2000);
    assert_int_equal(virtual_clock_peek(sandbox->clock), start + 2000);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_requests_are_taken_apart),
        TEST(test_chunks),
        TEST(test_several_requests_on_one_connection),
        TEST(test_continue_is_granted),
        TEST(test_bad_requests_are_refused),
        TEST(test_what_is_not_there),
        TEST(test_large_bodies),
        TEST(test_a_status_instead_of_the_answer),
        TEST(test_dropped_before_and_after),
        TEST(test_bodies_that_are_not_what_was_meant),
        TEST(test_the_journal_tells_everything_but_secrets),
        TEST(test_the_clock_moves_when_it_is_read_or_told_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
