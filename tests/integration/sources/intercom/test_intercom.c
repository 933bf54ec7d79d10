/* SPDX-License-Identifier: Apache-2.0 */
/* Intercom as a source, against answers that were written down: what it asks, and what it does when the
 * answers are wrong. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "source_fixture.h"

#define DAY_S 86400

/* --- contacts of a week --- */

/* A page of contacts with these times; next is JSON. */
static void add_page(struct fixture *fixture, const int64_t *times, size_t count, const char *next)
{
    struct buf body;
    buf_init(&body, 65536);
    buf_text(&body, "{\"type\":\"list\",\"data\":[");
    for (size_t i = 0; i < count; i++)
        buf_format(&body, "%s{\"type\":\"contact\",\"id\":\"c%" PRId64 "\",\"updated_at\":%" PRId64 "}",
                   i ? "," : "", times[i], times[i]);
    buf_format(&body, "],\"pages\":{\"type\":\"pages\",\"next\":%s}}", next);
    add(fixture, NULL, "200 OK", buf_string(&body));
    buf_done(&body);
}

#define PAGE(fixture, next, ...)                                                                             \
    add_page(fixture, (const int64_t[]){__VA_ARGS__},                                                        \
             sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t), next)
#define CURSOR(name) "{\"page\":2,\"starting_after\":\"" name "\"}"

static void open_week(struct fixture *fixture)
{
    fixture->to_s = BEGIN + 7 * DAY_S;
    begin(fixture, "contacts", "");
}

/* ... after all answers were taken. */
static void expect_ids(struct fixture *fixture, const char *expected)
{
    expect(fixture, expected);
    assert_int_equal(script_requests(fixture->server), fixture->count);
}

static void expect_refusal(struct fixture *fixture, enum error_kind kind, const char *words)
{
    expect_failure(fixture, kind);
    assert_non_null(strstr(fixture->err.text, words));
}

/* The nth request. */
static const char *asked(struct fixture *fixture, size_t number)
{
    return script_request(fixture->server, number);
}

/* --- who we are --- */

static void the_workspace_is_named(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct source_identity identity;
    add(&fixture, NULL, "200 OK", "{\"type\":\"admin\",\"app\":{\"id_code\":\"abc123\"}}");
    for (int i = 0; i < 4; i++) /* once may be a proxy's answer; it is asked again */
        add(&fixture, NULL, "200 OK", "{\"type\":\"admin\",\"app\":null}");
    fixture.version = "2.17";
    start(&fixture);
    assert_true(fixture.link.source->ops->identify(fixture.link.source, &identity, &fixture.err));
    assert_string_equal(identity.workspace, "abc123");
    assert_string_equal(identity.type, "intercom");
    assert_non_null(strstr(asked(&fixture, 0), "GET /me HTTP/1.1\r\n"));
    assert_non_null(strstr(asked(&fixture, 0), "\r\nAuthorization: Bearer test-token\r\n"));
    assert_non_null(strstr(asked(&fixture, 0), "\r\nIntercom-Version: 2.17\r\n"));
    assert_non_null(strstr(asked(&fixture, 0), "\r\nAccept: application/json\r\n"));
    assert_false(fixture.link.source->ops->identify(fixture.link.source, &identity, &fixture.err));
    assert_int_equal(fixture.err.kind, ERROR_FORMAT);
    assert_int_equal(script_requests(fixture.server), 5);
    end(&fixture);
}

static void a_refused_token_says_what_to_do(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct source_identity identity;
    for (int i = 0; i < 2; i++)
        add(&fixture, NULL, "401 Unauthorized",
            "{\"type\":\"error.list\",\"errors\":[{\"code\":\"unauthorized\"}]}");
    start(&fixture);
    assert_false(fixture.link.source->ops->identify(fixture.link.source, &identity, &fixture.err));
    assert_int_equal(fixture.err.kind, ERROR_AUTH);
    assert_non_null(strstr(fixture.err.text, "region"));
    assert_null(strstr(fixture.err.text, "test-token"));
    assert_int_equal(script_requests(fixture.server), 2); /* it may have been changed meanwhile: one look */
    end(&fixture);
}

static void settings_are_checked(void **state)
{
    (void)state;
    char long_url[600] = "https://";
    const struct source_context context = {.open_token = link_open_token};
    const struct intercom_options wrong[] = {
        {.rate_share = 0.8, .base_url = LENT("ftp://host")},
        {.rate_share = 0.8, .base_url = LENT("https://user@host")},
        {.rate_share = 0.8, .base_url = long_url},
        {.rate_share = 0.8, .custom_objects = LENT_NAMES(LENT("Order"), LENT(""))},
        {.rate_share = 0.8, .custom_objects = LENT_NAMES(LENT(".."))},
        {.rate_share = 0.8, .custom_objects = LENT_NAMES(long_url)},
        {.rate_share = 0.8, .token = {TOKEN_ENV, LENT("CASELOAD_TEST_NO_SUCH_VARIABLE")}},
    };
    memset(long_url + strlen(long_url), 'a', sizeof long_url - strlen(long_url) - 1);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct source *source = NULL;
        struct error err = {0};
        assert_false(intercom_type.create(&context, &wrong[i], &source, &err));
        assert_int_equal(err.kind, ERROR_CONFIG);
    }
    assert_null(source_type_find("intercon"));
}

/* --- pages --- */

static void pages_follow_the_cursor(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    PAGE(&fixture, CURSOR("one"), BEGIN - 1, BEGIN, BEGIN + 1);
    PAGE(&fixture, CURSOR("two"), BEGIN + 2);
    PAGE(&fixture, "null", BEGIN + 7 * DAY_S - 1, BEGIN + 7 * DAY_S);
    open_week(&fixture);
    expect_ids(&fixture, "c1772323200 c1772323201 c1772323202 c1772927999");
    assert_non_null(
        strstr(asked(&fixture, 0), "POST /contacts/search?include_merge_history=true HTTP/1.1\r\n"));
    assert_non_null(strstr(asked(&fixture, 0), "\"pagination\":{\"per_page\":150}"));
    assert_non_null(
        strstr(asked(&fixture, 1), "\"pagination\":{\"per_page\":150,\"starting_after\":\"one\"}"));
    assert_non_null(strstr(asked(&fixture, 2), "\"starting_after\":\"two\""));
    assert_int_equal(script_connections(fixture.server), 1);
    end(&fixture);
}

static void the_next_page_travels_while_this_one_is_read(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct page page;
    PAGE(&fixture, CURSOR("one"), BEGIN);
    PAGE(&fixture, "null", BEGIN + 1);
    open_week(&fixture);
    assert_true(fixture.link.source->ops->next(fixture.reader, &page, &fixture.err));
    script_await(fixture.server, 2); /* it was sent before it was requested */
    assert_int_equal(page.count, 1);
    assert_int_equal(page.requests, 1);
    assert_false(page.last);
    assert_true(fixture.link.source->ops->next(fixture.reader, &page, &fixture.err));
    assert_int_equal(page.requests, 1);
    assert_true(page.last);
    end(&fixture);
}

static void a_reader_may_be_closed_at_any_page(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct page page;
    PAGE(&fixture, CURSOR("one"), BEGIN);
    open_week(&fixture);
    assert_true(fixture.link.source->ops->next(fixture.reader, &page, &fixture.err));
    end(&fixture); /* with a request under way */
}

static void a_page_past_the_window_is_the_last(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    PAGE(&fixture, CURSOR("one"), BEGIN, BEGIN + 7 * DAY_S - 1);
    PAGE(&fixture, CURSOR("two"), BEGIN + 7 * DAY_S - 1,
         BEGIN + 7 * DAY_S); /* ends past it, but does not begin there */
    PAGE(&fixture, CURSOR("three"), BEGIN + 7 * DAY_S, BEGIN + 8 * DAY_S);
    open_week(&fixture);
    expect_ids(&fixture, "c1772323200 c1772927999 c1772927999");
    end(&fixture);
}

static void without_order_all_is_read(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    PAGE(&fixture, CURSOR("one"), BEGIN + 5, BEGIN + 4);
    PAGE(&fixture, CURSOR("two"), BEGIN + 7 * DAY_S);
    PAGE(&fixture, "null", BEGIN + 1);
    open_week(&fixture);
    expect_ids(&fixture, "c1772323205 c1772323204 c1772323201");
    end(&fixture);
}

static void an_open_window_is_read_to_the_end(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    PAGE(&fixture, CURSOR("one"), BEGIN + 400 * DAY_S);
    PAGE(&fixture, "null", BEGIN + 500 * DAY_S);
    begin(&fixture, "contacts", "");
    expect_ids(&fixture, "c1806883200 c1815523200");
    end(&fixture);
}

static void what_can_not_be_judged_is_handed_over(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct page page;
    add(&fixture, NULL, "200 OK",
        "{\"data\":[7,{\"id\":\"x\"},null,{\"id\":\"y\",\"updated_at\":\"soon\"}]}");
    open_week(&fixture);
    assert_true(fixture.link.source->ops->next(fixture.reader, &page, &fixture.err));
    assert_int_equal(page.count, 4);
    assert_true(page.last);
    end(&fixture);
}

/* --- answers that are wrong --- */

static void passing_trouble_is_waited_out(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add(&fixture, NULL, "200 OK", "");
    add(&fixture, NULL, "408 Timeout", "{\"errors\":[{\"code\":\"request_timeout\"}]}");
    add(&fixture, NULL, "409 Conflict", "{\"errors\":[{\"code\":\"conflict\"}]}");
    PAGE(&fixture, "null", BEGIN);
    open_week(&fixture);
    expect_ids(&fixture, "c1772323200");
    end(&fixture);
}

static void unreadable_for_good_is_a_format_error(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    PAGE(&fixture, CURSOR("one"), BEGIN);
    add(&fixture, NULL, "200 OK", "<html>please wait</html>");
    add(&fixture, NULL, "200 OK", "{\"data\":[{\"id\":");
    add(&fixture, NULL, "200 OK", "");
    add(&fixture, NULL, "200 OK", "[]");
    open_week(&fixture);
    expect_refusal(&fixture, ERROR_FORMAT, "contacts, page 2");
    assert_non_null(strstr(fixture.err.text, "req-4"));
    end(&fixture);
}

static void a_missing_list_is_a_format_error(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add(&fixture, NULL, "200 OK", "{\"type\":\"list\",\"pages\":{}}");
    open_week(&fixture);
    expect_refusal(&fixture, ERROR_FORMAT, "\"data\"");
    end(&fixture);
}

static void circles_end(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    for (int i = 0; i < 6; i++) {
        PAGE(&fixture, CURSOR("one"), BEGIN);
        PAGE(&fixture, CURSOR("two"), BEGIN);
        PAGE(&fixture, CURSOR("three"), BEGIN);
    }
    open_week(&fixture);
    expect_refusal(&fixture, ERROR_FORMAT, "never end");
    end(&fixture);

    struct fixture still = {0};
    PAGE(&still, CURSOR("one"), BEGIN);
    PAGE(&still, CURSOR("two"), BEGIN);
    PAGE(&still, CURSOR("three"), BEGIN);
    PAGE(&still, CURSOR("three"), BEGIN);
    open_week(&still);
    expect_refusal(&still, ERROR_FORMAT, "page 4"); /* at once, not some pages later */
    end(&still);
}

static void other_hosts_get_no_token(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    PAGE(&fixture, "\"https://api.intercom.io.evil.test/contacts/search?page=2\"", BEGIN);
    open_week(&fixture);
    expect_refusal(&fixture, ERROR_FORMAT, "another host");
    end(&fixture);
}

static void refusals_have_their_kind(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *code;
        enum error_kind kind;
    } cases[] = {
        {400, "intercom_version_invalid", ERROR_FORBIDDEN},
        {400, "parameter_invalid", ERROR_REFUSED},
        {402, "payment", ERROR_FORBIDDEN},
        {403, "api_plan_restricted", ERROR_FORBIDDEN},
        {404, "not_found", ERROR_REFUSED},
        {422, "data_invalid", ERROR_REFUSED},
        {301, "moved", ERROR_REFUSED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture fixture = {0};
        AUTO(mem_free)
        char *body = mem_format(
            "{\"type\":\"error.list\",\"request_id\":\"000lr8\",\"errors\":[{\"code\":\"%s\",\"message\":"
            "\"No\\nreally \\u001b[1m%0500d\"}]}",
            cases[i].code, 7);
        AUTO(mem_free) char *head = mem_format("%d Refused", cases[i].status);
        add(&fixture, NULL, head, body);
        open_week(&fixture);
        expect_refusal(&fixture, cases[i].kind, cases[i].code);
        assert_non_null(strstr(fixture.err.text, "000lr8"));
        assert_non_null(strstr(fixture.err.text, "No?really ?[1m"));
        assert_non_null(strstr(fixture.err.text, "; ")); /* the way out is not cut off */
        assert_int_equal(fixture.err.status, cases[i].status);
        assert_int_equal(script_requests(fixture.server), 1);
        end(&fixture);
    }
}

#define STALE "{\"errors\":[{\"code\":\"parameter_invalid\",\"message\":\"Invalid starting_after param\"}]}"

static void a_stale_cursor_begins_the_window_again(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    PAGE(&fixture, CURSOR("one"), BEGIN);
    add(&fixture, NULL, "400 Bad", STALE);
    PAGE(&fixture, CURSOR("one"), BEGIN);
    PAGE(&fixture, "null", BEGIN + 1);
    open_week(&fixture);
    expect_ids(&fixture, "c1772323200 c1772323200 c1772323201");
    assert_null(strstr(asked(&fixture, 2), "starting_after"));
    end(&fixture);

    struct fixture always = {0};
    for (int i = 0; i < 4; i++) {
        PAGE(&always, CURSOR("one"), BEGIN);
        add(&always, NULL, "400 Bad", STALE);
    }
    open_week(&always);
    expect_refusal(&always, ERROR_REFUSED, "starting_after");
    end(&always);
}

static void big_pages_that_fail_are_asked_for_in_pieces(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    for (int i = 0; i < 4; i++)
        add(&fixture, NULL, "504 Timeout", "<html>");
    PAGE(&fixture, CURSOR("one"), BEGIN);
    PAGE(&fixture, "null", BEGIN + 1);
    open_week(&fixture);
    expect_ids(&fixture, "c1772323200 c1772323201");
    assert_int_equal(fixture.err.kind, ERROR_NONE); /* what ended well leaves no error behind */
    assert_non_null(strstr(asked(&fixture, 3), "\"per_page\":150"));
    assert_non_null(strstr(asked(&fixture, 4), "\"per_page\":75"));
    assert_non_null(strstr(asked(&fixture, 5), "\"per_page\":150")); /* and it recovers */
    end(&fixture);
}

static void the_limit_is_kept(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    /* 80 % of 100 are ours: with 21 left one more is begun, and none until the window is over, in 1 s by the
     * peer's clock. */
    add(&fixture, NULL,
        "200 OK\r\nDate: Sat, 01 Aug 2026 10:00:00 GMT\r\nX-RateLimit-Limit: 100\r\nX-RateLimit-Remaining: "
        "21\r\n"
        "X-RateLimit-Reset: 1785578401",
        "{\"data\":[],\"pages\":{\"next\":" CURSOR("one") "}}");
    PAGE(&fixture, CURSOR("two"), BEGIN);
    add(&fixture, NULL, "429 Slow\r\nRetry-After: 1", "{}");
    PAGE(&fixture, "null", BEGIN + 1);
    int64_t began = clock_ms();
    open_week(&fixture);
    expect_ids(&fixture, "c1772323200 c1772323201");
    assert_true(clock_ms() - began >= 2000);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_workspace_is_named),
        cmocka_unit_test(a_refused_token_says_what_to_do),
        cmocka_unit_test(settings_are_checked),
        cmocka_unit_test(pages_follow_the_cursor),
        cmocka_unit_test(the_next_page_travels_while_this_one_is_read),
        cmocka_unit_test(a_reader_may_be_closed_at_any_page),
        cmocka_unit_test(a_page_past_the_window_is_the_last),
        cmocka_unit_test(without_order_all_is_read),
        cmocka_unit_test(an_open_window_is_read_to_the_end),
        cmocka_unit_test(what_can_not_be_judged_is_handed_over),
        cmocka_unit_test(passing_trouble_is_waited_out),
        cmocka_unit_test(unreadable_for_good_is_a_format_error),
        cmocka_unit_test(a_missing_list_is_a_format_error),
        cmocka_unit_test(circles_end),
        cmocka_unit_test(other_hosts_get_no_token),
        cmocka_unit_test(refusals_have_their_kind),
        cmocka_unit_test(a_stale_cursor_begins_the_window_again),
        cmocka_unit_test(big_pages_that_fail_are_asked_for_in_pieces),
        cmocka_unit_test(the_limit_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
