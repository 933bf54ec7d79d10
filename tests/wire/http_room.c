#include "http_room.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

const struct retry quick = {.base_ms = 1, .cap_ms = 2, .attempts = 4, .budget_ms = 60000};

void room_open(struct room *room, const struct step *steps, size_t count, bool tls)
{
    *room = (struct room){.server = script_start(steps, count, tls)};
    (void)snprintf(room->url, sizeof room->url, "%s://127.0.0.1:%d/path?secret=hidden",
                   tls ? "https" : "http", script_port(room->server));
    assert_true(http_new(&(struct http_settings){.user_agent = "caseload/test", .stop = &room->stop},
                         &room->http, &room->err));
}

void room_close(struct room *room)
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

struct http_request get(const struct room *room)
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

bool ask(struct room *room, const struct http_request *request)
{
    http_reply_done(&room->reply);
    return http_do(room->http, request, &room->reply, &room->err);
}

void expect_error(struct room *room, enum error_kind kind)
{
    assert_int_equal(room->err.kind, kind);
    assert_non_null(strstr(room->err.text, "the test's call"));
    assert_null(strstr(room->err.text, "hidden"));
}
