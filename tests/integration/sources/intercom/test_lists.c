/* SPDX-License-Identifier: Apache-2.0 */
/* The ways in which lists come in pages, each with a stream that is read so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "intercom_fixture.h"

/* A page: records as JSON, and the members around the list. */
static void add_page(struct fixture *fixture, const char *list, const char *records, const char *more)
{
    AUTO(mem_free) char *body = mem_format("{\"type\":\"list\",\"%s\":[%s]%s}", list, records, more);
    fixture_answer(fixture, "200 OK", body);
}

/* --- lists that come whole --- */

static void a_list_comes_whole(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_page(&fixture, "segments", "{\"id\":\"s1\"}", ",\"pages\":{}");
    fixture_expect(&fixture, "segments", "{\"id\":\"s1\"}");
    ASKED(&fixture, 0, "/segments?include_count=true");
    fixture_close(&fixture);
}

static void a_list_has_many_names(void **state)
{
    (void)state;
    static const char *const bodies[] = {"{\"data\":[{\"id\":\"r1\"}]}", "[{\"id\":\"r1\"}]",
                                         "{\"teams\":null,\"data\":[{\"id\":\"r1\"}]}"};
    static const char *const streams[] = {"away_status_reasons", "away_status_reasons", "teams"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct fixture fixture = {0};
        fixture_answer(&fixture, "200 OK", bodies[i]);
        fixture_expect(&fixture, streams[i], "{\"id\":\"r1\"}");
        fixture_close(&fixture);
    }
}

static void a_bare_list_is_no_page_of_many(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    for (int i = 0; i < 4 + 40; i++)
        fixture_answer(&fixture, "200 OK", "[]");
    assert_false(fixture_read(&fixture, "calls"));
    assert_int_equal(fixture.err.kind, ERROR_FORMAT);
    fixture_close(&fixture);
}

/* No such list has pages today. One that gets them is read to its end. */
static void a_list_may_come_to_have_pages(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_page(&fixture, "data", "{\"id\":\"t1\"}", ",\"pages\":{\"next\":{\"starting_after\":\"x\"}}");
    add_page(&fixture, "data", "{\"id\":\"t2\"}", ",\"pages\":{\"next\":null}");
    fixture_expect(&fixture, "tags", "{\"id\":\"t1\"} {\"id\":\"t2\"}");
    ASKED(&fixture, 0, "/tags", "/tags?starting_after=x");
    fixture_close(&fixture);
}

/* --- cursors in the body --- */

static void a_cursor_may_be_long_and_need_escapes(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct buf more, sent;
    buf_init(&more, 65536);
    buf_init(&sent, 65536);
    buf_text(&sent, "\"starting_after\":\"");
    for (int i = 0; i < 4096; i++)
        buf_text(&sent, "\\u0001");
    buf_byte(&sent, '"');
    buf_format(&more, ",\"pages\":{\"next\":{%s}}", buf_string(&sent));
    add_page(&fixture, "data", "", buf_string(&more));
    add_page(&fixture, "data", "", ",\"pages\":{\"next\":null}");
    fixture_expect(&fixture, "contacts", "");
    assert_non_null(strstr(script_request(fixture.server, 1), buf_string(&sent)));
    buf_done(&more);
    buf_done(&sent);
    fixture_close(&fixture);
}

/* --- cursors in the query --- */

static void cursors_may_stand_in_the_query(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_page(&fixture, "data", "{\"id\":\"m1\"}", ",\"pages\":{\"next\":{\"starting_after\":\"a=/b\"}}");
    add_page(&fixture, "data", "{\"id\":\"m2\"}", ",\"pages\":{\"next\":null}");
    fixture_expect(&fixture, "macros", "{\"id\":\"m1\"} {\"id\":\"m2\"}");
    ASKED(&fixture, 0, "/macros?per_page=150", "/macros?per_page=150&starting_after=a%3D%2Fb");
    fixture_close(&fixture);
}

static void a_page_that_fails_comes_in_pieces(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    for (int i = 0; i < 4; i++)
        fixture_refuse(&fixture, "504 Gateway Timeout", "service_unavailable");
    add_page(&fixture, "data", "{\"id\":\"m1\"}", ",\"pages\":{\"next\":null}");
    fixture_expect(&fixture, "macros", "{\"id\":\"m1\"}");
    ASKED(&fixture, 3, "/macros?per_page=150", "/macros?per_page=75");
    fixture_close(&fixture);
}

/* Pieces so small that their size says nothing about the list. */
static void a_piece_that_is_too_large_comes_in_smaller_ones(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    AUTO(mem_free) char *blanks = mem_format("%*s", LIMIT_PAGE_SOFT + 1, "");
    for (int i = 0; i < 4 * 4; i++)
        fixture_refuse(&fixture, "504 Gateway Timeout", "service_unavailable");
    fixture_answer(&fixture, "200 OK", blanks);
    add_page(&fixture, "data", "{\"id\":\"m1\"},{\"id\":\"m2\"},{\"id\":\"m3\"},{\"id\":\"m4\"}", "");
    fixture_expect_error(&fixture, "macros", ERROR_FORMAT, "does not say whether there are more pages");
    ASKED(&fixture, 16, "/macros?per_page=9", "/macros?per_page=4");
    fixture_close(&fixture);
}

static void a_cursor_that_repeats_is_an_error(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    for (int i = 0; i < 2; i++)
        add_page(&fixture, "data", "{\"id\":\"m1\"}", ",\"pages\":{\"next\":{\"starting_after\":\"same\"}}");
    fixture_expect_error(&fixture, "macros", ERROR_FORMAT, "never end");
    fixture_close(&fixture);
}

/* --- numbers --- */

static void pages_are_counted(void **state)
{
    (void)state;
    static const char *const forms[][2] = {
        {",\"pages\":{\"page\":1,\"total_pages\":2}", ",\"pages\":{\"page\":2,\"total_pages\":2}"},
        {",\"page\":1,\"per_page\":25,\"total_pages\":2", ",\"page\":2,\"per_page\":25,\"total_pages\":2"},
        {",\"pages\":{\"next\":{\"page\":2}}", ",\"pages\":{\"next\":null}"},
        {",\"pages\":{\"next\":{\"page\":2,\"starting_after\":\"x\"}}", ",\"pages\":{\"total_pages\":2}"},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct fixture fixture = {0};
        add_page(&fixture, "data", "{\"id\":\"c1\"}", forms[i][0]);
        add_page(&fixture, "data", "{\"id\":\"c2\"}", forms[i][1]);
        fixture_expect(&fixture, "calls", "{\"id\":\"c1\"} {\"id\":\"c2\"}");
        ASKED(&fixture, 0, "/calls?per_page=25", "/calls?per_page=25&page=2");
        fixture_close(&fixture);
    }
}

static void a_full_page_that_tells_nothing_has_a_neighbour(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct buf records;
    buf_init(&records, 65536);
    for (int i = 0; i < 25; i++)
        buf_format(&records, "%s{\"id\":\"c%d\"}", i ? "," : "", i);
    add_page(&fixture, "data", buf_string(&records), "");
    add_page(&fixture, "data", "", "");
    assert_true(fixture_read(&fixture, "calls"));
    ASKED(&fixture, 0, "/calls?per_page=25", "/calls?per_page=25&page=2");
    buf_done(&records);
    fixture_close(&fixture);
}

/* Pages hold fewer records than were asked for, or their number is wrong: the number of records counts. If
 * that is wrong, an empty page is the end. */
static void the_number_of_records_counts_more_than_that_of_pages(void **state)
{
    (void)state;
    static const char *const told[] = {
        ",\"total_count\":3,\"pages\":{\"page\":1,\"total_pages\":1}",
        ",\"total_count\":3,\"pages\":{\"page\":1,\"total_pages\":0}",
        ",\"total_count\":3,\"pages\":{\"page\":1,\"total_pages\":\"1\"}",
        ",\"total_count\":\"3\",\"pages\":{\"page\":1,\"per_page\":1,\"total_pages\":null}",
        ",\"total_count\":3",
    };
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        struct fixture fixture = {0};
        add_page(&fixture, "data", "{\"id\":\"c1\"},{\"id\":\"c2\"}", told[i]);
        add_page(&fixture, "data", "{\"id\":\"c3\"}", told[i]);
        fixture_expect(&fixture, "calls", "{\"id\":\"c1\"} {\"id\":\"c2\"} {\"id\":\"c3\"}");
        ASKED(&fixture, 0, "/calls?per_page=25", "/calls?per_page=25&page=2");
        fixture_close(&fixture);
    }
    struct fixture fixture = {0};
    add_page(&fixture, "data", "{\"id\":\"c1\"},{\"id\":\"c2\"}", told[0]);
    add_page(&fixture, "data", "", told[0]);
    fixture_expect(&fixture, "calls", "{\"id\":\"c1\"} {\"id\":\"c2\"}");
    fixture_close(&fixture);
}

static void nothing_is_a_page_of_none(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_page(&fixture, "data", "",
             ",\"total_count\":0,\"pages\":{\"page\":1,\"per_page\":25,\"total_pages\":0}");
    fixture_expect(&fixture, "calls", "");
    fixture_close(&fixture);
}

static void numbers_must_grow(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_page(&fixture, "data", "{\"id\":\"c1\"}", ",\"pages\":{\"next\":{\"page\":2}}");
    add_page(&fixture, "data", "{\"id\":\"c2\"}", ",\"pages\":{\"next\":{\"page\":2}}");
    fixture_expect_error(&fixture, "calls", ERROR_FORMAT, "has the number 2");
    fixture_close(&fixture);
}

/* A server that knows no numbers gives its first page for ever. */
static void the_same_page_under_other_numbers_is_an_error(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_page(&fixture, "data", "{\"id\":7}", ",\"pages\":{\"page\":1,\"total_pages\":3}");
    add_page(&fixture, "data", "{\"id\":7}", ",\"pages\":{\"page\":1,\"total_pages\":3}");
    fixture_expect_error(&fixture, "calls", ERROR_FORMAT, "never end");
    fixture_close(&fixture);
}

/* --- URLs --- */

static void paths_are_followed_on_our_host(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_page(&fixture, "data", "{\"id\":\"a1\"}", ",\"pages\":{\"next\":\"/articles?page=2&per_page=1\"}");
    add_page(&fixture, "data", "{\"id\":\"a2\"}", ",\"pages\":{\"next\":null,\"total_pages\":2}");
    fixture_expect(&fixture, "articles", "{\"id\":\"a1\"} {\"id\":\"a2\"}");
    ASKED(&fixture, 0, "/articles?per_page=150", "/articles?page=2&per_page=1");
    fixture_close(&fixture);
}

/* Links name the host of another region than the configured one. */
static void links_to_other_regions_are_followed_on_our_host(void **state)
{
    (void)state;
    static const char *const hosts[] = {"https://api.intercom.io", "https://api.eu.intercom.io",
                                        "http://api.au.intercom.io"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct fixture fixture = {0};
        AUTO(mem_free) char *pages = mem_format(",\"pages\":{\"next\":\"%s/articles?page=2\"}", hosts[i]);
        add_page(&fixture, "data", "{\"id\":\"a1\"}", pages);
        add_page(&fixture, "data", "{\"id\":\"a2\"}", ",\"pages\":{\"next\":null,\"total_pages\":2}");
        fixture_expect(&fixture, "articles", "{\"id\":\"a1\"} {\"id\":\"a2\"}");
        ASKED(&fixture, 0, "/articles?per_page=150", "/articles?page=2");
        fixture_close(&fixture);
    }
}

static void other_hosts_are_not_asked(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "https://evil.test/articles?page=2",
        "https://api.intercom.io.evil.test/articles?page=2",
        "https://api.intercom.io@evil.test/articles",
        "https://api.intercom.io:1/articles",
        "//api.intercom.io/articles",
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct fixture fixture = {0};
        AUTO(mem_free) char *pages = mem_format(",\"pages\":{\"next\":\"%s\"}", urls[i]);
        add_page(&fixture, "data", "{\"id\":\"a1\"}", pages);
        fixture_expect_error(&fixture, "articles", ERROR_FORMAT, "another host");
        fixture_close(&fixture);
    }
}

/* A service that ignores the page's number sends the first page again and again. */
static void a_counted_list_that_repeats_is_an_error(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    for (int i = 0; i < 2; i++)
        add_page(&fixture, "data", "null,{\"id\":\"a1\"}", ",\"pages\":{\"total_pages\":100}");
    fixture_expect_error(&fixture, "articles", ERROR_FORMAT, "already read");
    fixture_close(&fixture);
}

/* An article that came in between moves the last one of a page to the next. */
static void counted_pages_with_one_first_record_differ(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_page(&fixture, "data", "{\"id\":\"a1\"}", ",\"pages\":{\"total_pages\":2}");
    add_page(&fixture, "data", "{\"id\":\"a1\"},{\"id\":\"a2\"}", ",\"pages\":{\"total_pages\":2}");
    fixture_expect(&fixture, "articles", "{\"id\":\"a1\"} {\"id\":\"a1\"} {\"id\":\"a2\"}");
    fixture_close(&fixture);
}

static void urls_that_repeat_are_an_error(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_page(&fixture, "data", "{\"id\":\"a1\"}", ",\"pages\":{\"next\":\"/articles?page=2\"}");
    add_page(&fixture, "data", "{\"id\":\"a2\"}", ",\"pages\":{\"next\":\"/articles?page=2\"}");
    fixture_expect_error(&fixture, "articles", ERROR_FORMAT, "never end");
    fixture_close(&fixture);
}

/* --- versions of the API --- */

static void what_a_version_lacks_is_forbidden(void **state)
{
    (void)state;
    struct fixture fixture = {.version = "2.13"};
    fixture_expect_error(&fixture, "calls", ERROR_FORBIDDEN, "from version 2.14 on");
    fixture_close(&fixture);
    struct fixture newer = {.version = "2.14"};
    add_page(&newer, "data", "", "");
    fixture_expect(&newer, "calls", "");
    fixture_close(&newer);
}

static void attributes_of_conversations_moved(void **state)
{
    (void)state;
    static const char *const versions[] = {"2.15", "2.16"};
    static const char *const places[] = {"/data_attributes?model=conversation&include_archived=true",
                                         "/conversations/attributes?include_archived=true"};
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture = {.version = versions[i]};
        add_page(&fixture, "data", "{\"id\":1}", "");
        fixture_expect(&fixture, "conversation_attributes", "{\"id\":1}");
        ASKED(&fixture, 0, places[i]);
        fixture_close(&fixture);
    }
}

/* --- types --- */

static void each_type_has_a_list(void **state)
{
    (void)state;
    struct fixture fixture = {.custom_objects = LENT_NAMES(LENT("a/b"), LENT("Order"))};
    add_page(&fixture, "data", "{\"id\":\"1\"}", ",\"pages\":{\"total_pages\":1}");
    add_page(&fixture, "data", "{\"id\":\"1\",\"type\":\"Order\"}", ",\"pages\":{\"total_pages\":2}");
    add_page(&fixture, "data", "{\"id\":\"2\",\"type\":null}", ",\"pages\":{\"total_pages\":2}");
    fixture_expect(&fixture, "custom_object_instances",
                   "{\"id\":\"1\",\"type\":\"a/b\"} {\"id\":\"1\",\"type\":\"Order\"} "
                   "{\"id\":\"2\",\"type\":\"Order\"}");
    ASKED(&fixture, 0, "/custom_object_instances/a%2Fb?per_page=150",
          "/custom_object_instances/Order?per_page=150",
          "/custom_object_instances/Order?per_page=150&page=2");
    fixture_close(&fixture);
}

static void types_must_be_named(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    fixture_expect_error(&fixture, "custom_object_instances", ERROR_CONFIG, "source.custom_objects");
    fixture_close(&fixture);
}

/* --- the rest --- */

static void repairs_are_told(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_page(&fixture, "data", "{\"id\":\"c1\",\"state\":\"\\ud800\",\"n\":1e400}", "");
    assert_true(fixture_read(&fixture, "calls"));
    assert_int_equal(fixture.normalisations, 2);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_comes_whole),
        cmocka_unit_test(a_list_has_many_names),
        cmocka_unit_test(a_bare_list_is_no_page_of_many),
        cmocka_unit_test(a_list_may_come_to_have_pages),
        cmocka_unit_test(a_cursor_may_be_long_and_need_escapes),
        cmocka_unit_test(cursors_may_stand_in_the_query),
        cmocka_unit_test(a_page_that_fails_comes_in_pieces),
        cmocka_unit_test(a_piece_that_is_too_large_comes_in_smaller_ones),
        cmocka_unit_test(a_cursor_that_repeats_is_an_error),
        cmocka_unit_test(pages_are_counted),
        cmocka_unit_test(a_full_page_that_tells_nothing_has_a_neighbour),
        cmocka_unit_test(the_number_of_records_counts_more_than_that_of_pages),
        cmocka_unit_test(nothing_is_a_page_of_none),
        cmocka_unit_test(numbers_must_grow),
        cmocka_unit_test(the_same_page_under_other_numbers_is_an_error),
        cmocka_unit_test(paths_are_followed_on_our_host),
        cmocka_unit_test(links_to_other_regions_are_followed_on_our_host),
        cmocka_unit_test(other_hosts_are_not_asked),
        cmocka_unit_test(a_counted_list_that_repeats_is_an_error),
        cmocka_unit_test(counted_pages_with_one_first_record_differ),
        cmocka_unit_test(urls_that_repeat_are_an_error),
        cmocka_unit_test(what_a_version_lacks_is_forbidden),
        cmocka_unit_test(attributes_of_conversations_moved),
        cmocka_unit_test(each_type_has_a_list),
        cmocka_unit_test(types_must_be_named),
        cmocka_unit_test(repairs_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
