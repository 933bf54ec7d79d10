/* SPDX-License-Identifier: Apache-2.0 */
/* A peer that lets a connection hang is noticed within seconds, long before the connection's own timeout. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "http_fixture.h"
#include "net/rpc.h"

#define FULL 8 /* connections that a queue of one does not hold */

/* A port that no one accepts at. */
struct silent_port {
    int listener, clients[FULL];
    size_t client_count;
    int port;
};

/* is_full: the kernel does not even answer another SYN; else it does, and nothing follows. */
static void open_port(struct silent_port *silent, bool is_full)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    *silent = (struct silent_port){.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(bind(silent->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(silent->listener, is_full ? 0 : FULL), 0);
    assert_int_equal(getsockname(silent->listener, (struct sockaddr *)&address, &size), 0);
    silent->port = ntohs(address.sin_port);
    while (is_full && silent->client_count < FULL) {
        int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_true(client >= 0);
        (void)connect(client, (struct sockaddr *)&address, size); /* some of them hang */
        silent->clients[silent->client_count++] = client;
    }
}

static void close_port(struct silent_port *silent)
{
    for (size_t i = 0; i < silent->client_count; i++)
        (void)close(silent->clients[i]);
    (void)close(silent->listener);
}

/* Hears of failures, and loses its patience at the second one. */
struct listener {
    struct net_watch watch;
    struct net_failure failures[8];
    char cause[128];
    size_t count;
};

static bool heard(void *self, const struct net_failure *failure, char out_advice[NET_ADVICE])
{
    struct listener *listener = self;
    if (listener->count < 8) listener->failures[listener->count++] = *failure;
    (void)snprintf(listener->cause, sizeof listener->cause, "%s", failure->cause);
    (void)snprintf(out_advice, NET_ADVICE, "check the address");
    return listener->count >= 2;
}

static void ended(void *self, const char *origin, bool had_failed, bool is_answered)
{
    (void)self;
    (void)origin;
    (void)had_failed;
    (void)is_answered;
}

static void expect_noticed(const char *scheme, bool is_full)
{
    struct silent_port silent;
    struct listener listener = {.watch = {.failed = heard, .ended = ended, .self = &listener}};
    const struct http_settings settings = {.user_agent = "test", .watch = &listener.watch};
    const struct retry retry = {.base_ms = 10, .cap_ms = 10, .attempts = 3, .budget_ms = 60000};
    struct http *http = NULL;
    struct http_reply reply = {0};
    struct error err = {0};
    char url[64];
    open_port(&silent, is_full);
    (void)snprintf(url, sizeof url, "%s://127.0.0.1:%d/", scheme, silent.port);
    const struct http_request request = {
        .method = "GET", .url = url, .reply_limit = 1024, .timeout_s = 60, .retry = &retry, .what = "a call"};
    assert_true(http_new(&settings, &http, &err));
    assert_false(http_do(http, &request, &reply, &err));
    assert_int_equal(err.kind, ERROR_UNREACHABLE);
    assert_non_null(strstr(err.text, "a call: no connection after 2 s"));
    assert_non_null(strstr(err.text, "check the address"));
    assert_int_equal(listener.count, 2);
    assert_true(listener.failures[0].is_first && !listener.failures[1].is_first);
    assert_true(listener.failures[0].is_unconnected);
    assert_true(listener.failures[0].waited_ms >= 2000); /* shorter ones are not worth a word */
    assert_int_equal(listener.failures[0].status, 0);
    http_free(http);
    close_port(&silent);
}

static void a_syn_without_an_answer_is_noticed(void **state)
{
    (void)state;
    expect_noticed("http", true);
}

static void a_tls_handshake_that_stalls_is_noticed(void **state)
{
    (void)state;
    expect_noticed("https", false);
}

/* A slow answer on an open connection is none of this, nor is a call that waits for such a connection. */
static void a_slow_answer_is_no_hanging_connection(void **state)
{
    (void)state;
    struct fixture fixture;
    struct listener listener = {.watch = {.failed = heard, .ended = ended, .self = &listener}};
    const struct http_settings settings = {.user_agent = "test", .watch = &listener.watch};
    struct http_call *calls[40];
    struct http *http = NULL;
    size_t index;
    fixture_open(&fixture, STEPS({.bytes = OK_REPLY, .hold = true, .again = true}), false);
    struct http_request request = get(&fixture);
    assert_true(http_new(&settings, &http, &fixture.err));
    for (size_t i = 0; i < 40; i++) /* more than the connections to one host */
        assert_true(http_send(http, &request, &calls[i], &fixture.err));
    fixture.stop = false;
    struct silent_port other; /* its call ends by itself: until then the others wait */
    const struct retry once = {.base_ms = 10, .cap_ms = 10, .attempts = 1, .budget_ms = 60000};
    char url[64];
    struct http_call *timer = NULL;
    open_port(&other, false);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/", other.port);
    request = (struct http_request){
        .method = "GET", .url = url, .reply_limit = 1024, .timeout_s = 4, .retry = &once, .what = "a clock"};
    assert_true(http_send(http, &request, &timer, &fixture.err));
    assert_true(http_wait_any(http, &timer, 1, &index, &fixture.err));
    assert_int_equal(listener.count, 0);
    script_release(fixture.server);
    for (size_t i = 0; i < 40; i++) {
        struct http_reply reply = {0};
        assert_true(http_wait(calls[i], &reply, &fixture.err));
        http_reply_done(&reply);
    }
    http_drop(timer);
    http_free(http);
    close_port(&other);
    fixture_close(&fixture);
}

static void a_call_of_grpc_fails_without_a_connection(void **state)
{
    (void)state;
    struct silent_port silent;
    struct rpc *rpc = NULL;
    struct error err = {0};
    char target[64], detail[256];
    open_port(&silent, true);
    (void)snprintf(target, sizeof target, "127.0.0.1:%d", silent.port);
    const struct rpc_settings settings = {.target = target, .plaintext = true};
    const struct rpc_call call = {
        .method = "/test.Service/Echo", .request = "", .request_size = 0, .deadline_ms = 60000};
    struct buf reply = buf_limited(1024);
    assert_true(rpc_new(&settings, &rpc, &err));
    assert_int_equal(rpc_unary(rpc, &call, &reply, detail, sizeof detail), RPC_UNAVAILABLE);
    assert_non_null(strstr(detail, "failed to connect")); /* not that the deadline is over */
    rpc_free(rpc);
    buf_done(&reply);
    close_port(&silent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_syn_without_an_answer_is_noticed),
        cmocka_unit_test(a_tls_handshake_that_stalls_is_noticed),
        cmocka_unit_test(a_slow_answer_is_no_hanging_connection),
        cmocka_unit_test(a_call_of_grpc_fails_without_a_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
