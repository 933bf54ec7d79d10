/* SPDX-License-Identifier: Apache-2.0 */
#include "http_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

const struct retry quick = {.base_ms = 1, .cap_ms = 2, .attempts = 4, .budget_ms = 60000};

void fixture_open(struct fixture *fixture, const struct step *steps, size_t count, bool tls)
{
    *fixture = (struct fixture){.server = script_start(steps, count, tls)};
    (void)snprintf(fixture->url, sizeof fixture->url, "%s://127.0.0.1:%d/path?secret=hidden",
                   tls ? "https" : "http", script_port(fixture->server));
    assert_true(http_new(&(struct http_settings){.user_agent = "caseload/test", .stop = &fixture->stop},
                         &fixture->http, &fixture->err));
}

void fixture_close(struct fixture *fixture)
{
    http_reply_done(&fixture->reply);
    http_free(fixture->http);
    script_stop(fixture->server);
}

static enum http_verdict judge(void *self, const struct http_reply *reply, int64_t *out_least_ms)
{
    (void)self;
    *out_least_ms = http_retry_after_ms(reply);
    if (reply->status == 401) return HTTP_RENEW;
    return reply->status == 429 || reply->status >= 500 ? HTTP_RETRY : HTTP_DONE;
}

static const struct http_policy policy = {.judge = judge};

struct http_request get(const struct fixture *fixture)
{
    return (struct http_request){
        .method = "GET",
        .url = fixture->url,
        .reply_limit = REPLY_LIMIT,
        .timeout_s = 60,
        .retry = &quick,
        .policy = &policy,
        .what = "the test's call",
    };
}

bool ask(struct fixture *fixture, const struct http_request *request)
{
    http_reply_done(&fixture->reply);
    return http_do(fixture->http, request, &fixture->reply, &fixture->err);
}

void expect_error(struct fixture *fixture, enum error_kind kind)
{
    assert_int_equal(fixture->err.kind, kind);
    assert_non_null(strstr(fixture->err.text, "the test's call"));
    assert_null(strstr(fixture->err.text, "hidden"));
}
