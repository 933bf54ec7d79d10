/* The HTTP client against a server that misbehaves as written. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/http.h"
#include "server_script.h"

#define REPLY_LIMIT 65536
#define OK_REPLY    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define BUSY_REPLY  "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"

#define STEPS(...)                                                                                           \
    (const struct step[]){__VA_ARGS__}, sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step)

static const struct retry quick = {.base_ms = 1, .cap_ms = 2, .attempts = 4, .budget_ms = 60000};

/* --- one test's room --- */

struct room {
    struct server_script *server;
    struct http *http;
    atomic_bool stop;
    char url[128];
    struct error err;
    struct http_reply reply;
};

static void room_open(struct room *room, const struct step *steps, size_t count, bool tls)
{
    *room = (struct room){.server = script_start(steps, count, tls)};
    (void)snprintf(room->url, sizeof room->url, "%s://127.0.0.1:%d/path?secret=hidden",
                   tls ? "https" : "http", script_port(room->server));
    assert_true(http_new(&(struct http_settings){.user_agent = "caseload/test", .stop = &room->stop},
                         &room->http, &room->err));
}

static void room_close(struct room *room)
{
    http_reply_done(&room->reply);
    http_free(room->http);
    script_stop(room->server);
}

static enum http_verdict judge(void *self, const struct http_reply *reply, int64_t *out_least_ms)
{
    (void)self;
    *out_least_ms = http_retry_after_ms(reply);
    if (reply->status == 401) return HTTP_RENEW;
    return reply->status == 429 || reply->status >= 500 ? HTTP_RETRY : HTTP_DONE;
}

static const struct http_policy policy = {.judge = judge};

static struct http_request get(const struct room *room)
{
    return (struct http_request){
        .method = "GET",
        .url = room->url,
        .reply_limit = REPLY_LIMIT,
        .timeout_s = 60,
        .retry = &quick,
        .policy = &policy,
        .what = "the test's call",
    };
}

static bool ask(struct room *room, const struct http_request *request)
{
    http_reply_done(&room->reply);
    return http_do(room->http, request, &room->reply, &room->err);
}

static void expect_error(struct room *room, enum error_kind kind)
{
    assert_int_equal(room->err.kind, kind);
    assert_non_null(strstr(room->err.text, "the test's call"));
    assert_null(strstr(room->err.text, "hidden"));
}

/* --- plain answers --- */

static void an_answer_is_handed_over(void **state)
{
    (void)state;
    struct room room;
    char value[16];
    room_open(&room,
              STEPS({.bytes = "HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\n"
                              "HTTP/1.1 404 No\r\nX-Thing:  first \r\nx-thing: second\r\nX-Number: 42\r\n"
                              "X-Word: 4x\r\nContent-Length: 4\r\n\r\ngone"}),
              false);
    struct http_request request = get(&room);
    request.headers = (const char *const[]){"X-Mine: yes", NULL};
    assert_true(ask(&room, &request));
    assert_int_equal(room.reply.status, 404);
    assert_int_equal(room.reply.tries, 1);
    assert_string_equal(buf_string(&room.reply.body), "gone");
    assert_true(http_header(&room.reply, "x-thing", value, sizeof value));
    assert_string_equal(value, "second");
    assert_true(http_header(&room.reply, "x-thing", value, 4));
    assert_string_equal(value, "sec");
    assert_false(http_header(&room.reply, "x-interim", value, sizeof value));
    assert_int_equal(http_header_int(&room.reply, "x-number", 7), 42);
    assert_int_equal(http_header_int(&room.reply, "x-word", 7), 7);
    const char *sent = script_request(room.server, 0);
    assert_non_null(strstr(sent, "GET /path?secret=hidden HTTP/1.1\r\n"));
    assert_non_null(strstr(sent, "\r\nUser-Agent: caseload/test\r\n"));
    assert_non_null(strstr(sent, "\r\nX-Mine: yes\r\n"));
    assert_non_null(strstr(sent, "\r\nAccept-Encoding: gzip\r\n"));
    assert_null(strstr(sent, "Content-Type"));
    room_close(&room);
}

static void connections_are_kept(void **state)
{
    (void)state;
    struct room room;
    room_open(&room,
              STEPS({.bytes = OK_REPLY}, {.bytes = OK_REPLY}, {.bytes = BUSY_REPLY}, {.bytes = OK_REPLY}),
              false);
    struct http_request request = get(&room);
    for (int i = 0; i < 3; i++)
        assert_true(ask(&room, &request));
    assert_int_equal(script_requests(room.server), 4);
    assert_int_equal(script_connections(room.server), 1);
    room_close(&room);
}

static void a_body_is_put_without_expecting(void **state)
{
    (void)state;
    struct room room;
    size_t size = 3 * 1024 * 1024;
    AUTO(mem_free) char *body = mem_format("%*s", (int)size, "");
    room_open(
        &room,
        STEPS({.bytes = "HTTP/1.1 308 Resume Incomplete\r\nRange: bytes=0-262143\r\nContent-Length: 0\r\n"
                        "Location: http://127.0.0.1:1/elsewhere\r\n\r\n"},
              {.bytes = OK_REPLY}),
        false);
    struct http_request request = get(&room);
    request.method = "PUT";
    request.body = body;
    request.body_size = size;
    request.headers = (const char *const[]){"Content-Type: application/octet-stream", NULL};
    assert_true(ask(&room, &request));
    assert_int_equal(room.reply.status, 308);
    char range[32];
    assert_true(http_header(&room.reply, "range", range, sizeof range));
    assert_string_equal(range, "bytes=0-262143");
    const char *sent = script_request(room.server, 0);
    assert_non_null(strstr(sent, "PUT /path"));
    assert_non_null(strstr(sent, "\r\nContent-Length: 3145728\r\n"));
    assert_non_null(strstr(sent, "\r\nContent-Type: application/octet-stream\r\n"));
    assert_null(strstr(sent, "Expect"));
    assert_int_equal(strlen(strstr(sent, "\r\n\r\n") + 4), size);
    request.body = NULL;
    request.body_size = 0;
    request.headers = NULL;
    assert_true(ask(&room, &request));
    assert_non_null(strstr(script_request(room.server, 1), "\r\nContent-Length: 0\r\n"));
    assert_null(strstr(script_request(room.server, 1), "Content-Type")); /* curl would call it a form */
    room_close(&room);
}

static void a_redirect_is_not_followed(void **state)
{
    (void)state;
    struct room room;
    room_open(&room, STEPS({.bytes = "HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"}),
              false);
    struct http_request request = get(&room);
    assert_true(ask(&room, &request));
    assert_int_equal(room.reply.status, 302);
    assert_int_equal(script_requests(room.server), 1);
    room_close(&room);
}

static void only_http_is_spoken(void **state)
{
    (void)state;
    struct room room;
    room_open(&room, NULL, 0, false);
    const char *const urls[] = {"ftp://127.0.0.1/secret=hidden", "file:///etc/hidden", "hidden", ""};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct http_request request = get(&room);
        request.url = urls[i];
        assert_false(ask(&room, &request));
        expect_error(&room, ERROR_CONFIG);
    }
    room_close(&room);
}

/* --- trying again --- */

static void what_may_work_later_is_tried_again(void **state)
{
    (void)state;
    struct room room;
    room_open(&room,
              STEPS({.bytes = BUSY_REPLY}, {.reset = true}, {.bytes = "what is this\r\n\r\n", .close = true},
                    {.bytes = OK_REPLY}),
              false);
    struct http_request request = get(&room);
    assert_true(ask(&room, &request));
    assert_int_equal(script_requests(room.server),
                     4); /* one of them by curl itself, on a connection that was torn */
    assert_string_equal(buf_string(&room.reply.body), "ok");
    room_close(&room);
}

static void half_an_answer_is_none(void **state)
{
    (void)state;
    struct room room;
    room_open(
        &room,
        STEPS({.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", .close = true},
              {.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", .close = true},
              {.bytes = "HTTP/1.1 200 OK\r\nContent-Le", .close = true},
              {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwhole and more", .close = true}),
        false);
    struct http_request request = get(&room);
    assert_true(ask(&room, &request));
    assert_int_equal(room.reply.tries, 4);
    assert_string_equal(buf_string(&room.reply.body), "whol");
    room_close(&room);
}

static void tries_end(void **state)
{
    (void)state;
    struct room room;
    room_open(
        &room,
        STEPS({.bytes = BUSY_REPLY}, {.bytes = BUSY_REPLY}, {.bytes = BUSY_REPLY}, {.bytes = BUSY_REPLY}),
        false);
    struct http_request request = get(&room);
    assert_false(ask(&room, &request));
    expect_error(&room, ERROR_BUSY);
    assert_int_equal(room.err.status, 503);
    assert_non_null(strstr(room.err.text, "HTTP 503"));
    assert_non_null(strstr(room.err.text, "try 4"));
    assert_int_equal(script_requests(room.server), 4);
    room_close(&room);
}

static void one_try_means_one(void **state)
{
    (void)state;
    struct room room;
    room_open(&room, STEPS({.bytes = OK_REPLY}, {.close = true}, {.bytes = OK_REPLY}), false);
    struct http_request request = get(&room);
    request.retry = NULL;
    assert_true(ask(&room, &request));
    assert_false(ask(&room, &request));
    expect_error(&room, ERROR_BUSY);
    assert_int_equal(room.err.status, 0);
    assert_int_equal(script_requests(room.server), 2);
    room_close(&room);
}

static void the_peer_names_the_wait(void **state)
{
    (void)state;
    struct room room;
    room_open(&room,
              STEPS({.bytes = "HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"},
                    {.bytes = OK_REPLY},
                    {.bytes = "HTTP/1.1 429 Slow\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n"}),
              false);
    struct http_request request = get(&room);
    int64_t began = clock_ms();
    assert_true(ask(&room, &request));
    assert_true(clock_ms() - began >= 1000);
    assert_false(ask(&room, &request)); /* longer than the budget */
    expect_error(&room, ERROR_BUSY);
    assert_int_equal(room.err.status, 429);
    assert_int_equal(script_requests(room.server), 3);
    room_close(&room);
}

static void nobody_at_home(void **state)
{
    (void)state;
    struct room room;
    room_open(&room, NULL, 0, false);
    struct http_request request = get(&room);
    request.url = "http://127.0.0.1:1/?secret=hidden";
    assert_false(ask(&room, &request));
    expect_error(&room, ERROR_BUSY);
    assert_non_null(strstr(room.err.text, "127.0.0.1"));
    room_close(&room);
}

/* --- ceilings --- */

static char *zipped(const char *bytes, size_t size, size_t *out_size)
{
    z_stream zip = {0};
    char *out = mem_zero(size + 1024, 1);
    char *in = mem_bytes(bytes, size);
    assert_int_equal(deflateInit2(&zip, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    zip.next_in = (unsigned char *)in;
    zip.avail_in = (unsigned)size;
    zip.next_out = (unsigned char *)out;
    zip.avail_out = (unsigned)(size + 1024);
    assert_int_equal(deflate(&zip, Z_FINISH), Z_STREAM_END);
    *out_size = zip.total_out;
    deflateEnd(&zip);
    free(in);
    return out;
}

static struct buf gzip_reply(const char *bytes, size_t size)
{
    struct buf reply;
    size_t zip_size = 0;
    AUTO(mem_free) char *zip = zipped(bytes, size, &zip_size);
    buf_init(&reply, 1024 * 1024);
    (void)buf_format(&reply, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
                     zip_size);
    assert_true(buf_add(&reply, zip, zip_size));
    return reply;
}

static void gzip_is_opened_up_to_the_ceiling(void **state)
{
    (void)state;
    struct room room;
    AUTO(mem_free) char *blanks = mem_format("%*s", 40 * 1024 * 1024, "");
    AUTO(buf_done) struct buf fits = gzip_reply(blanks, REPLY_LIMIT);
    AUTO(buf_done) struct buf bomb = gzip_reply(blanks, 40 * 1024 * 1024);
    room_open(&room,
              STEPS({.bytes = fits.data, .size = fits.size}, {.bytes = bomb.data, .size = bomb.size},
                    {.bytes = OK_REPLY}),
              false);
    struct http_request request = get(&room);
    assert_true(ask(&room, &request));
    assert_int_equal(room.reply.body.size, REPLY_LIMIT);
    assert_false(ask(&room, &request));
    expect_error(&room, ERROR_LIMIT);
    assert_int_equal(script_requests(room.server), 2); /* it would not be smaller the next time */
    assert_true(ask(&room, &request));
    room_close(&room);
}

static void trailers_are_no_new_head(void **state)
{
    (void)state;
    struct room room;
    room_open(&room,
              STEPS({.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n"
                              "2\r\nok\r\n0\r\nX-End: 1\r\n\r\n"}),
              false);
    struct http_request request = get(&room);
    assert_true(ask(&room, &request));
    assert_int_equal(room.reply.tries, 1);
    assert_string_equal(buf_string(&room.reply.body), "ok");
    room_close(&room);
}

static void plain_bodies_have_the_ceiling(void **state)
{
    (void)state;
    struct room room;
    AUTO(mem_free) char *big = mem_format("HTTP/1.1 200 OK\r\n\r\n%*s", REPLY_LIMIT + 1, "");
    room_open(&room, STEPS({.bytes = big, .close = true}), false);
    struct http_request request = get(&room);
    assert_false(ask(&room, &request));
    expect_error(&room, ERROR_LIMIT);
    room_close(&room);
}

static void heads_have_a_ceiling(void **state)
{
    (void)state;
    struct room room;
    struct buf head;
    buf_init(&head, 1024 * 1024);
    (void)buf_text(&head, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 2000; i++)
        (void)buf_format(&head, "X-Filler-%d: %060d\r\n", i, i);
    (void)buf_text(&head, "Content-Length: 0\r\n\r\n");
    room_open(&room, STEPS({.bytes = head.data, .size = head.size}), false);
    struct http_request request = get(&room);
    assert_false(ask(&room, &request));
    expect_error(&room, ERROR_LIMIT);
    assert_int_equal(script_requests(room.server), 1);
    room_close(&room);
    buf_done(&head);
}

/* --- who we are --- */

struct counted_token {
    struct token token;
    int given, renewed;
};

static bool counted_get(struct token *token, bool renew, struct secret *out_bearer, struct error *err)
{
    struct counted_token *counted = (struct counted_token *)token;
    char text[32];
    counted->given++;
    counted->renewed += renew;
    (void)snprintf(text, sizeof text, "token-%d", counted->renewed);
    return secret_set(out_bearer, text, strlen(text), err);
}

#define DENIED "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"

static void a_refused_token_is_renewed_once(void **state)
{
    (void)state;
    struct room room;
    struct counted_token counted = {.token = {.get = counted_get}};
    room_open(&room, STEPS({.bytes = DENIED}, {.bytes = OK_REPLY}, {.bytes = DENIED}, {.bytes = DENIED}),
              false);
    struct http_request request = get(&room);
    request.retry = NULL; /* another token is not another try */
    request.token = &counted.token;
    assert_true(ask(&room, &request));
    assert_non_null(strstr(script_request(room.server, 0), "\r\nAuthorization: Bearer token-0\r\n"));
    assert_non_null(strstr(script_request(room.server, 1), "\r\nAuthorization: Bearer token-1\r\n"));
    assert_false(ask(&room, &request));
    expect_error(&room, ERROR_AUTH);
    assert_int_equal(room.err.status, 401);
    assert_null(strstr(room.err.text, "token-"));
    assert_int_equal(script_requests(room.server), 4);
    assert_int_equal(counted.renewed, 2);
    room_close(&room);
}

static void strangers_are_not_trusted(void **state)
{
    (void)state;
    struct room room;
    room_open(&room, STEPS({.bytes = OK_REPLY}), true);
    struct http_request request = get(&room);
    assert_false(ask(&room, &request));
    expect_error(&room, ERROR_CONFIG);
    assert_non_null(strstr(room.err.text, "certificate"));
    assert_int_equal(script_requests(room.server), 0);
    room_close(&room);
}

/* --- several at once, and the end --- */

static void *release_all(void *self)
{
    struct room *room = self;
    script_await(room->server, 8);
    script_release(room->server);
    return NULL;
}

static void calls_move_together(void **state)
{
    (void)state;
    struct room room;
    struct http_call *calls[8];
    struct step steps[8];
    pthread_t thread;
    for (size_t i = 0; i < 8; i++)
        steps[i] = (struct step){.bytes = OK_REPLY, .hold = true};
    room_open(&room, steps, 8, false);
    struct http_request request = get(&room);
    for (size_t i = 0; i < 8; i++)
        assert_true(http_send(room.http, &request, &calls[i], &room.err));
    assert_int_equal(pthread_create(&thread, NULL, release_all, &room), 0);
    for (size_t i = 8; i-- > 0;) { /* no answer comes before the last request has */
        if (i == 3) {
            http_drop(calls[i]);
            continue;
        }
        assert_true(http_wait(calls[i], &room.reply, &room.err));
        assert_string_equal(buf_string(&room.reply.body), "ok");
        http_reply_done(&room.reply);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    room_close(&room);
}

static void a_waiting_call_holds_up_no_other(void **state)
{
    (void)state;
    struct room room;
    const struct retry slow = {.base_ms = 600000, .cap_ms = 600000, .attempts = 3, .budget_ms = 6000000};
    struct http_call *late = NULL;
    room_open(&room,
              STEPS({.bytes = OK_REPLY}, {.bytes = BUSY_REPLY}, {.bytes = OK_REPLY}, {.bytes = OK_REPLY}),
              false);
    struct http_request request = get(&room);
    assert_true(ask(&room, &request));
    request.retry = &slow;
    assert_true(http_send(room.http, &request, &late, &room.err));
    script_await(room.server, 2); /* on an open connection it is on its way before anyone waits for it */
    request.retry = &quick;
    assert_true(ask(&room, &request));
    assert_true(ask(&room, &request));
    http_drop(late);
    room_close(&room);
}

static void *stop_soon(void *self)
{
    struct room *room = self;
    script_await(room->server, 1);
    atomic_store(&room->stop, true);
    return NULL;
}

static void a_stop_ends_every_wait(void **state)
{
    (void)state;
    const struct retry slow = {.base_ms = 600000, .cap_ms = 600000, .attempts = 3, .budget_ms = 6000000};
    const struct step steps[] = {{.hold = true}, {.bytes = BUSY_REPLY}};
    for (size_t i = 0; i < 2; i++) {
        struct room room;
        pthread_t thread;
        room_open(&room, &steps[i], 1, false);
        struct http_request request = get(&room);
        request.retry = &slow;
        assert_int_equal(pthread_create(&thread, NULL, stop_soon, &room), 0);
        assert_false(ask(&room, &request));
        expect_error(&room, ERROR_STOPPED);
        assert_int_equal(pthread_join(thread, NULL), 0);
        room_close(&room);
    }
}

/* --- helpers --- */

static struct http_reply with_headers(const char *lines)
{
    struct http_reply reply = {0};
    buf_init(&reply.headers, 4096);
    (void)buf_text(&reply.headers, lines);
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
    AUTO(http_reply_done) struct http_reply reply = with_headers("date: Thu, 01 Jan 1970 00:01:40 GMT\n");
    assert_int_equal(http_date_s(&reply, -1), 100);
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
        cmocka_unit_test(connections_are_kept),
        cmocka_unit_test(a_body_is_put_without_expecting),
        cmocka_unit_test(a_redirect_is_not_followed),
        cmocka_unit_test(only_http_is_spoken),
        cmocka_unit_test(what_may_work_later_is_tried_again),
        cmocka_unit_test(half_an_answer_is_none),
        cmocka_unit_test(tries_end),
        cmocka_unit_test(one_try_means_one),
        cmocka_unit_test(the_peer_names_the_wait),
        cmocka_unit_test(nobody_at_home),
        cmocka_unit_test(gzip_is_opened_up_to_the_ceiling),
        cmocka_unit_test(trailers_are_no_new_head),
        cmocka_unit_test(plain_bodies_have_the_ceiling),
        cmocka_unit_test(heads_have_a_ceiling),
        cmocka_unit_test(a_refused_token_is_renewed_once),
        cmocka_unit_test(strangers_are_not_trusted),
        cmocka_unit_test(calls_move_together),
        cmocka_unit_test(a_waiting_call_holds_up_no_other),
        cmocka_unit_test(a_stop_ends_every_wait),
        cmocka_unit_test(retry_after_has_two_forms),
        cmocka_unit_test(urls_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
