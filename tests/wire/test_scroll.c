/* The companies' scroll: one parameter for all pages, an end that is an empty page, one reader at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "intercom_room.h"

#define FIRST  "/companies/scroll"
#define SECOND "/companies/scroll?scroll_param=p%2F1"

/* A page with one company, or none. */
static void add_page(struct room *room, const char *id)
{
    AUTO(mem_free)
    char *body = mem_format("{\"type\":\"list\",\"data\":[%s%s%s],\"pages\":null,\"total_count\":null,"
                            "\"scroll_param\":\"p/1\"}",
                            id ? "{\"id\":\"" : "", id ? id : "", id ? "\"}" : "");
    room_answer(room, "200 OK", body);
}

static void only_an_empty_page_is_the_end(void **state)
{
    (void)state;
    struct room room = {0};
    add_page(&room, "a");
    add_page(&room, "b");
    add_page(&room, "c");
    add_page(&room, NULL);
    room_expect(&room, "companies", "{\"id\":\"a\"} {\"id\":\"b\"} {\"id\":\"c\"}");
    ASKED(&room, 0, FIRST, SECOND, SECOND, SECOND);
    assert_non_null(strstr(script_request(room.server, 1), "\r\nCache-Control: no-cache\r\n"));
    assert_int_equal(room_waited_ms(&room), 0);
    room_close(&room);
}

/* Whoever works on a page may take his time: the scroll is over. */
static void all_is_read_before_anything_is_handed_on(void **state)
{
    (void)state;
    struct room room = {0};
    struct page page;
    add_page(&room, "a");
    add_page(&room, "b");
    add_page(&room, NULL);
    room_begin(&room, "companies");
    assert_true(
        room.link.source->ops->open(room.link.source, &room.selection, room.window, &room.reader, &room.err));
    assert_true(room.link.source->ops->next(room.reader, &page, &room.err));
    assert_int_equal(page.count, 1);
    assert_int_equal(page.requests, 3);
    assert_false(page.last);
    assert_int_equal(script_requests(room.server), 3);
    room_close(&room);
}

static void no_companies_are_no_error(void **state)
{
    (void)state;
    struct room room = {0};
    room_answer(&room, "200 OK", "{\"data\":[],\"scroll_param\":null}");
    room_expect(&room, "companies", "");
    room_close(&room);
}

static void another_scroll_is_waited_for(void **state)
{
    (void)state;
    struct room room = {0};
    for (int i = 0; i < 3; i++)
        room_refuse(&room, "400 Bad Request", "scroll_exists");
    add_page(&room, "a");
    add_page(&room, NULL);
    room_expect(&room, "companies", "{\"id\":\"a\"}");
    ASKED(&room, 0, FIRST, FIRST, FIRST, FIRST, SECOND);
    assert_int_equal(room_waited_ms(&room), 3 * 61000);
    assert_true(atomic_load(&room.progress.steps) >= 3 * 61); /* a sign of life each second */
    room_close(&room);
}

static void another_scroll_is_not_waited_for_for_ever(void **state)
{
    (void)state;
    struct room room = {0};
    for (int i = 0; i < 4; i++)
        room_refuse(&room, "400 Bad Request", "scroll_exists");
    room_expect_error(&room, "companies", ERROR_BUSY, "somebody else reads the companies");
    assert_int_equal(room_waited_ms(&room), 3 * 61000);
    room_close(&room);
}

/* Another reader that comes again and again, whenever we have begun. */
static void waits_are_counted_over_the_whole_scroll(void **state)
{
    (void)state;
    struct room room = {0};
    for (int i = 0; i < 4; i++) {
        add_page(&room, "a");
        room_refuse(&room, "400 Bad Request", "scroll_exists");
    }
    room_expect_error(&room, "companies", ERROR_BUSY, "somebody else reads the companies");
    assert_int_equal(room_waited_ms(&room), 3 * 61000);
    room_close(&room);
}

static void a_stop_ends_the_wait(void **state)
{
    (void)state;
    struct room room = {0};
    room_refuse(&room, "400 Bad Request", "scroll_exists");
    room_stop_waiting(&room);
    room_expect_error(&room, "companies", ERROR_STOPPED, "stopping");
    assert_true(room_waited_ms(&room) <= 1000);
    room_close(&room);
}

static void a_lapsed_scroll_begins_anew(void **state)
{
    (void)state;
    struct room room = {0};
    add_page(&room, "a");
    room_refuse(&room, "404 Not Found", "not_found");
    add_page(&room, "a");
    add_page(&room, "b");
    add_page(&room, NULL);
    room_expect(&room, "companies", "{\"id\":\"a\"} {\"id\":\"b\"}");
    ASKED(&room, 0, FIRST, SECOND, FIRST, SECOND, SECOND);
    room_close(&room);
}

static void a_failed_page_is_asked_for_twice_more(void **state)
{
    (void)state;
    struct room room = {0};
    add_page(&room, "a");
    room_refuse(&room, "500 Internal Server Error", "server_error");
    room_refuse(&room, "502 Bad Gateway", "server_error");
    add_page(&room, "b");
    add_page(&room, NULL);
    room_expect(&room, "companies", "{\"id\":\"a\"} {\"id\":\"b\"}");
    ASKED(&room, 0, FIRST, SECOND, SECOND, SECOND, SECOND);
    assert_true(room_waited_ms(&room) < 10000); /* it would lapse meanwhile */
    room_close(&room);
}

static void then_the_scroll_begins_anew_three_times(void **state)
{
    (void)state;
    struct room room = {0};
    for (int begun = 0; begun < 4; begun++) {
        add_page(&room, "a");
        for (int tried = 0; tried < 3; tried++)
            room_refuse(&room, "500 Internal Server Error", "server_error");
    }
    room_expect_error(&room, "companies", ERROR_BUSY, "begun anew 3 times");
    ASKED(&room, 3, SECOND, FIRST, SECOND);
    room_close(&room);
}

/* Intercom keeps the place, so the page that was lost would never come. */
static void a_lost_answer_is_a_lost_page(void **state)
{
    (void)state;
    struct room room = {0};
    add_page(&room, "a");
    room_lose(&room);
    add_page(&room, "a");
    room_answer(&room, "200 OK", "{\"data\":[{\"id\":\"b\"}],\"scroll_par"); /* cut */
    add_page(&room, "a");
    add_page(&room, "b");
    add_page(&room, NULL);
    room_expect(&room, "companies", "{\"id\":\"a\"} {\"id\":\"b\"}");
    ASKED(&room, 0, FIRST, SECOND, FIRST, SECOND, FIRST, SECOND, SECOND);
    room_close(&room);
}

static void haste_is_no_reason_to_begin_anew(void **state)
{
    (void)state;
    struct room room = {0};
    add_page(&room, "a");
    for (int i = 0; i < 5; i++)
        room_refuse(&room, "429 Too Many Requests", "rate_limit_exceeded");
    add_page(&room, NULL);
    room_expect(&room, "companies", "{\"id\":\"a\"}");
    ASKED(&room, 5, SECOND, SECOND);
    room_close(&room);
}

/* A cache that answers for Intercom gives the same page for ever. */
static void pages_that_repeat_are_an_error(void **state)
{
    (void)state;
    struct room room = {0};
    add_page(&room, "a");
    add_page(&room, "b");
    add_page(&room, "c");
    add_page(&room, "b"); /* the circle is found when it closes */
    room_expect_error(&room, "companies", ERROR_FORMAT, "read already");
    room_close(&room);
}

static void ids_may_be_numbers(void **state)
{
    (void)state;
    struct room room = {0};
    for (int i = 0; i < 2; i++)
        room_answer(&room, "200 OK", "{\"data\":[{\"id\":7}],\"scroll_param\":\"p/1\"}");
    room_expect_error(&room, "companies", ERROR_FORMAT, "read already");
    room_close(&room);
}

static void a_page_needs_a_place_to_go_on_from(void **state)
{
    (void)state;
    struct room room = {0};
    room_answer(&room, "200 OK", "{\"data\":[{\"id\":\"a\"}],\"scroll_param\":null}");
    room_expect_error(&room, "companies", ERROR_FORMAT, "scroll_param");
    room_close(&room);
}

static void a_refusal_is_told(void **state)
{
    (void)state;
    struct room room = {0};
    room_refuse(&room, "403 Forbidden", "api_plan_restricted");
    room_expect_error(&room, "companies", ERROR_FORBIDDEN, "api_plan_restricted");
    room_close(&room);
}

/* --- the reconciliation --- */

static void the_reconciliation_hands_on_ids_alone(void **state)
{
    (void)state;
    struct room room = {0};
    room_answer(&room, "200 OK",
                "{\"data\":[{\"id\":\"a\",\"name\":\"Acme\"},{\"id\":7}],\"scroll_param\":\"p/1\"}");
    add_page(&room, NULL);
    room_expect(&room, "companies_reconciliation", "{\"id\":\"a\"} {\"id\":7}");
    room_close(&room);
}

/* It may be anybody: it is rejected, and then nobody is taken for deleted. */
static void a_company_without_id_is_handed_on_whole(void **state)
{
    (void)state;
    struct room room = {0};
    room_answer(&room, "200 OK", "{\"data\":[{\"id\":\"a\"},{\"name\":\"Acme\"}],\"scroll_param\":\"p/1\"}");
    add_page(&room, NULL);
    room_expect(&room, "companies_reconciliation", "{\"id\":\"a\"} {\"name\":\"Acme\"}");
    room_close(&room);
}

static void counts_begin_anew_with_the_scroll(void **state)
{
    (void)state;
    struct room room = {0};
    room_answer(&room, "200 OK",
                "{\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}],\"scroll_param\":\"p/1\",\"total_count\":4}");
    room_refuse(&room, "404 Not Found", "not_found");
    room_answer(&room, "200 OK",
                "{\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}],\"scroll_param\":\"p/1\",\"total_count\":4}");
    add_page(&room, NULL);
    room_expect_error(&room, "companies_reconciliation", ERROR_FORMAT, "2 of 4");
    room_close(&room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_an_empty_page_is_the_end),
        cmocka_unit_test(all_is_read_before_anything_is_handed_on),
        cmocka_unit_test(no_companies_are_no_error),
        cmocka_unit_test(another_scroll_is_waited_for),
        cmocka_unit_test(another_scroll_is_not_waited_for_for_ever),
        cmocka_unit_test(waits_are_counted_over_the_whole_scroll),
        cmocka_unit_test(a_stop_ends_the_wait),
        cmocka_unit_test(a_lapsed_scroll_begins_anew),
        cmocka_unit_test(a_failed_page_is_asked_for_twice_more),
        cmocka_unit_test(then_the_scroll_begins_anew_three_times),
        cmocka_unit_test(a_lost_answer_is_a_lost_page),
        cmocka_unit_test(haste_is_no_reason_to_begin_anew),
        cmocka_unit_test(pages_that_repeat_are_an_error),
        cmocka_unit_test(ids_may_be_numbers),
        cmocka_unit_test(a_page_needs_a_place_to_go_on_from),
        cmocka_unit_test(a_refusal_is_told),
        cmocka_unit_test(the_reconciliation_hands_on_ids_alone),
        cmocka_unit_test(a_company_without_id_is_handed_on_whole),
        cmocka_unit_test(counts_begin_anew_with_the_scroll),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
