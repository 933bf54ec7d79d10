/* SPDX-License-Identifier: Apache-2.0 */
/* The companies' scroll: one parameter for all pages, an end that is an empty page, one reader at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "intercom_fixture.h"

#define FIRST  "/companies/scroll"
#define SECOND "/companies/scroll?scroll_param=p%2F1"

/* A page with one company, or none. */
static void add_page(struct fixture *fixture, const char *id)
{
    AUTO(mem_free)
    char *body = mem_format("{\"type\":\"list\",\"data\":[%s%s%s],\"pages\":null,\"total_count\":null,"
                            "\"scroll_param\":\"p/1\"}",
                            id ? "{\"id\":\"" : "", id ? id : "", id ? "\"}" : "");
    fixture_answer(fixture, "200 OK", body);
}

static void only_an_empty_page_is_the_end(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_page(&fixture, "a");
    add_page(&fixture, "b");
    add_page(&fixture, "c");
    add_page(&fixture, NULL);
    fixture_expect(&fixture, "companies", "{\"id\":\"a\"} {\"id\":\"b\"} {\"id\":\"c\"}");
    ASKED(&fixture, 0, FIRST, SECOND, SECOND, SECOND);
    assert_non_null(strstr(script_request(fixture.server, 1), "\r\nCache-Control: no-cache\r\n"));
    assert_int_equal(fixture_waited_ms(&fixture), 0);
    fixture_close(&fixture);
}

/* The scroll has ended before a page is returned, so working on a page may take long. */
static void all_is_read_before_anything_is_handed_on(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct page page;
    add_page(&fixture, "a");
    add_page(&fixture, "b");
    add_page(&fixture, NULL);
    fixture_begin(&fixture, "companies");
    assert_true(fixture.link.source->ops->open(fixture.link.source, &fixture.selection, fixture.window,
                                               &fixture.reader, &fixture.err));
    assert_true(fixture.link.source->ops->next(fixture.reader, &page, &fixture.err));
    assert_int_equal(page.count, 1);
    assert_int_equal(page.requests, 3);
    assert_false(page.last);
    assert_int_equal(script_requests(fixture.server), 3);
    fixture_close(&fixture);
}

static void no_companies_are_no_error(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    fixture_answer(&fixture, "200 OK", "{\"data\":[],\"scroll_param\":null}");
    fixture_expect(&fixture, "companies", "");
    fixture_close(&fixture);
}

static void another_scroll_is_waited_for(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    for (int i = 0; i < 3; i++)
        fixture_refuse(&fixture, "400 Bad Request", "scroll_exists");
    add_page(&fixture, "a");
    add_page(&fixture, NULL);
    fixture_expect(&fixture, "companies", "{\"id\":\"a\"}");
    ASKED(&fixture, 0, FIRST, FIRST, FIRST, FIRST, SECOND);
    assert_int_equal(fixture_waited_ms(&fixture), 3 * 61000);
    assert_true(atomic_load(&fixture.progress.steps) >= 3 * 61); /* a sign of life each second */
    fixture_close(&fixture);
}

static void waiting_for_another_scroll_ends(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    for (int i = 0; i < 4; i++)
        fixture_refuse(&fixture, "400 Bad Request", "scroll_exists");
    fixture_expect_error(&fixture, "companies", ERROR_BUSY, "another client holds the companies scroll");
    assert_int_equal(fixture_waited_ms(&fixture), 3 * 61000);
    fixture_close(&fixture);
}

/* Another reader that comes again and again, whenever we have begun. */
static void waits_are_counted_over_the_whole_scroll(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    for (int i = 0; i < 4; i++) {
        add_page(&fixture, "a");
        fixture_refuse(&fixture, "400 Bad Request", "scroll_exists");
    }
    fixture_expect_error(&fixture, "companies", ERROR_BUSY, "another client holds the companies scroll");
    assert_int_equal(fixture_waited_ms(&fixture), 3 * 61000);
    fixture_close(&fixture);
}

static void a_stop_ends_the_wait(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    fixture_refuse(&fixture, "400 Bad Request", "scroll_exists");
    fixture_stop_waiting(&fixture);
    fixture_expect_error(&fixture, "companies", ERROR_STOPPED, "stopping");
    assert_true(fixture_waited_ms(&fixture) <= 1000);
    fixture_close(&fixture);
}

static void a_lapsed_scroll_restarts(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_page(&fixture, "a");
    fixture_refuse(&fixture, "404 Not Found", "not_found");
    add_page(&fixture, "a");
    add_page(&fixture, "b");
    add_page(&fixture, NULL);
    fixture_expect(&fixture, "companies", "{\"id\":\"a\"} {\"id\":\"b\"}");
    ASKED(&fixture, 0, FIRST, SECOND, FIRST, SECOND, SECOND);
    fixture_close(&fixture);
}

/* The position may have moved on before the failure: Intercom says to restart. */
static void a_failed_page_restarts_the_scroll(void **state)
{
    (void)state;
    static const char *const failures[] = {"500 Internal Server Error", "502 Bad Gateway", "409 Conflict",
                                           "429 Too Many Requests"};
    static const char *const streams[] = {"companies", "companies_reconciliation"}; /* neither loses a page */
    for (size_t i = 0; i < 2 * sizeof failures / sizeof *failures; i++) {
        struct fixture fixture = {0};
        add_page(&fixture, "a");
        fixture_refuse(&fixture, failures[i / 2], "server_error"); /* page b is lost */
        add_page(&fixture, "a");
        add_page(&fixture, "b");
        add_page(&fixture, "c");
        add_page(&fixture, NULL);
        fixture_expect(&fixture, streams[i % 2], "{\"id\":\"a\"} {\"id\":\"b\"} {\"id\":\"c\"}");
        ASKED(&fixture, 0, FIRST, SECOND, FIRST, SECOND, SECOND, SECOND);
        fixture_close(&fixture);
    }
}

/* Intercom still holds the scroll that failed. */
static void our_own_scroll_is_waited_for_after_each_restart(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    for (int i = 0; i < 3; i++) {
        add_page(&fixture, "a");
        fixture_refuse(&fixture, "500 Internal Server Error", "server_error");
        fixture_refuse(&fixture, "400 Bad Request", "scroll_exists");
    }
    fixture_refuse(&fixture, "400 Bad Request", "scroll_exists");
    add_page(&fixture, "a");
    add_page(&fixture, NULL);
    fixture_expect(&fixture, "companies", "{\"id\":\"a\"}");
    assert_int_equal(fixture_waited_ms(&fixture), 4 * 61000);
    fixture_close(&fixture);
}

static void the_scroll_restarts_three_times(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    for (int begun = 0; begun < 4; begun++) {
        add_page(&fixture, "a");
        fixture_refuse(&fixture, "500 Internal Server Error", "server_error");
    }
    fixture_expect_error(&fixture, "companies", ERROR_BUSY, "restarted 3 times");
    ASKED(&fixture, 1, SECOND, FIRST, SECOND);
    fixture_close(&fixture);
}

/* Intercom keeps the place, so the page that was lost would never come. */
static void a_lost_answer_is_a_lost_page(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_page(&fixture, "a");
    fixture_lose(&fixture);
    add_page(&fixture, "a");
    fixture_answer(&fixture, "200 OK", "{\"data\":[{\"id\":\"b\"}],\"scroll_par"); /* cut */
    add_page(&fixture, "a");
    add_page(&fixture, "b");
    add_page(&fixture, NULL);
    fixture_expect(&fixture, "companies", "{\"id\":\"a\"} {\"id\":\"b\"}");
    ASKED(&fixture, 0, FIRST, SECOND, FIRST, SECOND, FIRST, SECOND, SECOND);
    fixture_close(&fixture);
}

static void the_rate_limit_restarts_the_scroll_eight_times(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    for (int i = 0; i < 9; i++) {
        add_page(&fixture, "a");
        fixture_refuse(&fixture, "429 Too Many Requests", "rate_limit_exceeded");
    }
    fixture_expect_error(&fixture, "companies", ERROR_BUSY, "restarted 8 times for the rate limit");
    fixture_close(&fixture);
}

/* A cache that answers for Intercom gives the same page for ever. */
static void pages_that_repeat_are_an_error(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_page(&fixture, "a");
    add_page(&fixture, "b");
    add_page(&fixture, "c");
    add_page(&fixture, "b"); /* the circle is found when it closes */
    fixture_expect_error(&fixture, "companies", ERROR_FORMAT, "read already");
    fixture_close(&fixture);
}

/* The position moves by companies: one that was deleted meanwhile makes the next page begin like the last. */
static void pages_with_one_first_company_differ(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    fixture_answer(&fixture, "200 OK", "{\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}],\"scroll_param\":\"p/1\"}");
    fixture_answer(&fixture, "200 OK", "{\"data\":[{\"id\":\"a\"},{\"id\":\"c\"}],\"scroll_param\":\"p/1\"}");
    add_page(&fixture, NULL);
    fixture_expect(&fixture, "companies", "{\"id\":\"a\"} {\"id\":\"b\"} {\"id\":\"a\"} {\"id\":\"c\"}");
    fixture_close(&fixture);
}

static void ids_may_be_numbers(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    for (int i = 0; i < 2; i++)
        fixture_answer(&fixture, "200 OK", "{\"data\":[{\"id\":7}],\"scroll_param\":\"p/1\"}");
    fixture_expect_error(&fixture, "companies", ERROR_FORMAT, "read already");
    fixture_close(&fixture);
}

static void a_page_needs_a_place_to_go_on_from(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    fixture_answer(&fixture, "200 OK", "{\"data\":[{\"id\":\"a\"}],\"scroll_param\":null}");
    fixture_expect_error(&fixture, "companies", ERROR_FORMAT, "scroll_param");
    fixture_close(&fixture);
}

static void a_refusal_is_told(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    fixture_refuse(&fixture, "403 Forbidden", "api_plan_restricted");
    fixture_expect_error(&fixture, "companies", ERROR_FORBIDDEN, "api_plan_restricted");
    fixture_close(&fixture);
}

/* --- the reconciliation --- */

static void the_reconciliation_hands_on_ids_alone(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    fixture_answer(&fixture, "200 OK",
                   "{\"data\":[{\"id\":\"a\",\"name\":\"Acme\"},{\"id\":7}],\"scroll_param\":\"p/1\"}");
    add_page(&fixture, NULL);
    fixture_expect(&fixture, "companies_reconciliation", "{\"id\":\"a\"} {\"id\":7}");
    fixture_close(&fixture);
}

/* It could be any company: it is rejected, and no company is recorded as deleted. */
static void a_company_without_id_is_handed_on_whole(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    fixture_answer(&fixture, "200 OK",
                   "{\"data\":[{\"id\":\"a\"},{\"name\":\"Acme\"}],\"scroll_param\":\"p/1\"}");
    add_page(&fixture, NULL);
    fixture_expect(&fixture, "companies_reconciliation", "{\"id\":\"a\"} {\"name\":\"Acme\"}");
    fixture_close(&fixture);
}

static void counts_restart_with_the_scroll(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    fixture_answer(&fixture, "200 OK",
                   "{\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}],\"scroll_param\":\"p/1\",\"total_count\":4}");
    fixture_refuse(&fixture, "404 Not Found", "not_found");
    fixture_answer(&fixture, "200 OK",
                   "{\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}],\"scroll_param\":\"p/1\",\"total_count\":4}");
    add_page(&fixture, NULL);
    fixture_expect_error(&fixture, "companies_reconciliation", ERROR_FORMAT, "2 of 4");
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_an_empty_page_is_the_end),
        cmocka_unit_test(all_is_read_before_anything_is_handed_on),
        cmocka_unit_test(no_companies_are_no_error),
        cmocka_unit_test(another_scroll_is_waited_for),
        cmocka_unit_test(waiting_for_another_scroll_ends),
        cmocka_unit_test(waits_are_counted_over_the_whole_scroll),
        cmocka_unit_test(a_stop_ends_the_wait),
        cmocka_unit_test(a_lapsed_scroll_restarts),
        cmocka_unit_test(a_failed_page_restarts_the_scroll),
        cmocka_unit_test(our_own_scroll_is_waited_for_after_each_restart),
        cmocka_unit_test(the_scroll_restarts_three_times),
        cmocka_unit_test(a_lost_answer_is_a_lost_page),
        cmocka_unit_test(the_rate_limit_restarts_the_scroll_eight_times),
        cmocka_unit_test(pages_that_repeat_are_an_error),
        cmocka_unit_test(pages_with_one_first_company_differ),
        cmocka_unit_test(ids_may_be_numbers),
        cmocka_unit_test(a_page_needs_a_place_to_go_on_from),
        cmocka_unit_test(a_refusal_is_told),
        cmocka_unit_test(the_reconciliation_hands_on_ids_alone),
        cmocka_unit_test(a_company_without_id_is_handed_on_whole),
        cmocka_unit_test(counts_restart_with_the_scroll),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
