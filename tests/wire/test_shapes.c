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
#include "intercom_room.h"

/* A page: records as JSON, and the members around the list. */
static void add_page(struct room *room, const char *list, const char *records, const char *more)
{
    AUTO(mem_free) char *body = mem_format("{\"type\":\"list\",\"%s\":[%s]%s}", list, records, more);
    room_answer(room, "200 OK", body);
}

/* --- lists that come whole --- */

static void a_list_comes_whole(void **state)
{
    (void)state;
    struct room room = {0};
    add_page(&room, "segments", "{\"id\":\"s1\"}", ",\"pages\":{}");
    room_expect(&room, "segments", "{\"id\":\"s1\"}");
    ASKED(&room, 0, "/segments?include_count=true");
    room_close(&room);
}

static void a_list_has_many_names(void **state)
{
    (void)state;
    static const char *const bodies[] = {"{\"data\":[{\"id\":\"r1\"}]}", "[{\"id\":\"r1\"}]",
                                         "{\"teams\":null,\"data\":[{\"id\":\"r1\"}]}"};
    static const char *const streams[] = {"away_status_reasons", "away_status_reasons", "teams"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct room room = {0};
        room_answer(&room, "200 OK", bodies[i]);
        room_expect(&room, streams[i], "{\"id\":\"r1\"}");
        room_close(&room);
    }
}

static void a_bare_list_is_no_page_of_many(void **state)
{
    (void)state;
    struct room room = {0};
    for (int i = 0; i < 4 + 40; i++)
        room_answer(&room, "200 OK", "[]");
    assert_false(room_read(&room, "calls"));
    assert_int_equal(room.err.kind, ERROR_FORMAT);
    room_close(&room);
}

/* No such list has pages today. One that gets them is read to its end. */
static void a_list_may_come_to_have_pages(void **state)
{
    (void)state;
    struct room room = {0};
    add_page(&room, "data", "{\"id\":\"t1\"}", ",\"pages\":{\"next\":{\"starting_after\":\"x\"}}");
    add_page(&room, "data", "{\"id\":\"t2\"}", ",\"pages\":{\"next\":null}");
    room_expect(&room, "tags", "{\"id\":\"t1\"} {\"id\":\"t2\"}");
    ASKED(&room, 0, "/tags", "/tags?starting_after=x");
    room_close(&room);
}

/* --- cursors in the body --- */

static void a_cursor_may_be_long_and_need_escapes(void **state)
{
    (void)state;
    struct room room = {0};
    struct buf more, sent;
    buf_init(&more, 65536);
    buf_init(&sent, 65536);
    (void)buf_text(&sent, "\"starting_after\":\"");
    for (int i = 0; i < 4096; i++)
        (void)buf_text(&sent, "\\u0001");
    (void)buf_byte(&sent, '"');
    (void)buf_format(&more, ",\"pages\":{\"next\":{%s}}", buf_string(&sent));
    add_page(&room, "data", "", buf_string(&more));
    add_page(&room, "data", "", ",\"pages\":{\"next\":null}");
    room_expect(&room, "contacts", "");
    assert_non_null(strstr(script_request(room.server, 1), buf_string(&sent)));
    buf_done(&more);
    buf_done(&sent);
    room_close(&room);
}

/* --- cursors in the query --- */

static void cursors_may_stand_in_the_query(void **state)
{
    (void)state;
    struct room room = {0};
    add_page(&room, "data", "{\"id\":\"m1\"}", ",\"pages\":{\"next\":{\"starting_after\":\"a=/b\"}}");
    add_page(&room, "data", "{\"id\":\"m2\"}", ",\"pages\":{\"next\":null}");
    room_expect(&room, "macros", "{\"id\":\"m1\"} {\"id\":\"m2\"}");
    ASKED(&room, 0, "/macros?per_page=150", "/macros?per_page=150&starting_after=a%3D%2Fb");
    room_close(&room);
}

static void a_page_that_fails_comes_in_pieces(void **state)
{
    (void)state;
    struct room room = {0};
    for (int i = 0; i < 4; i++)
        room_refuse(&room, "504 Gateway Timeout", "service_unavailable");
    add_page(&room, "data", "{\"id\":\"m1\"}", ",\"pages\":{\"next\":null}");
    room_expect(&room, "macros", "{\"id\":\"m1\"}");
    ASKED(&room, 3, "/macros?per_page=150", "/macros?per_page=75");
    room_close(&room);
}

/* Pieces so small that nothing could be told from their size, if it were not known. */
static void a_piece_that_is_too_large_comes_in_smaller_ones(void **state)
{
    (void)state;
    struct room room = {0};
    AUTO(mem_free) char *blanks = mem_format("%*s", LIMIT_CROWD + 1, "");
    for (int i = 0; i < 4 * 4; i++)
        room_refuse(&room, "504 Gateway Timeout", "service_unavailable");
    room_answer(&room, "200 OK", blanks);
    add_page(&room, "data", "{\"id\":\"m1\"},{\"id\":\"m2\"},{\"id\":\"m3\"},{\"id\":\"m4\"}", "");
    room_expect_error(&room, "macros", ERROR_FORMAT, "does not tell whether there are more pages");
    ASKED(&room, 16, "/macros?per_page=9", "/macros?per_page=4");
    room_close(&room);
}

static void a_cursor_that_repeats_is_an_error(void **state)
{
    (void)state;
    struct room room = {0};
    for (int i = 0; i < 2; i++)
        add_page(&room, "data", "{\"id\":\"m1\"}", ",\"pages\":{\"next\":{\"starting_after\":\"same\"}}");
    room_expect_error(&room, "macros", ERROR_FORMAT, "never end");
    room_close(&room);
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
        struct room room = {0};
        add_page(&room, "data", "{\"id\":\"c1\"}", forms[i][0]);
        add_page(&room, "data", "{\"id\":\"c2\"}", forms[i][1]);
        room_expect(&room, "calls", "{\"id\":\"c1\"} {\"id\":\"c2\"}");
        ASKED(&room, 0, "/calls?per_page=25", "/calls?per_page=25&page=2");
        room_close(&room);
    }
}

static void a_full_page_that_tells_nothing_has_a_neighbour(void **state)
{
    (void)state;
    struct room room = {0};
    struct buf records;
    buf_init(&records, 65536);
    for (int i = 0; i < 25; i++)
        (void)buf_format(&records, "%s{\"id\":\"c%d\"}", i ? "," : "", i);
    add_page(&room, "data", buf_string(&records), "");
    add_page(&room, "data", "", "");
    assert_true(room_read(&room, "calls"));
    ASKED(&room, 0, "/calls?per_page=25", "/calls?per_page=25&page=2");
    buf_done(&records);
    room_close(&room);
}

static void nothing_is_a_page_of_none(void **state)
{
    (void)state;
    struct room room = {0};
    add_page(&room, "data", "",
             ",\"total_count\":0,\"pages\":{\"page\":1,\"per_page\":25,\"total_pages\":0}");
    room_expect(&room, "calls", "");
    room_close(&room);
}

static void numbers_must_grow(void **state)
{
    (void)state;
    struct room room = {0};
    add_page(&room, "data", "{\"id\":\"c1\"}", ",\"pages\":{\"next\":{\"page\":2}}");
    add_page(&room, "data", "{\"id\":\"c2\"}", ",\"pages\":{\"next\":{\"page\":2}}");
    room_expect_error(&room, "calls", ERROR_FORMAT, "has the number 2");
    room_close(&room);
}

/* A server that knows no numbers gives its first page for ever. */
static void the_same_page_under_other_numbers_is_an_error(void **state)
{
    (void)state;
    struct room room = {0};
    add_page(&room, "data", "{\"id\":7}", ",\"pages\":{\"page\":1,\"total_pages\":3}");
    add_page(&room, "data", "{\"id\":7}", ",\"pages\":{\"page\":1,\"total_pages\":3}");
    room_expect_error(&room, "calls", ERROR_FORMAT, "never end");
    room_close(&room);
}

/* --- URLs --- */

static void paths_are_followed_on_our_host(void **state)
{
    (void)state;
    struct room room = {0};
    add_page(&room, "data", "{\"id\":\"a1\"}", ",\"pages\":{\"next\":\"/articles?page=2&per_page=1\"}");
    add_page(&room, "data", "{\"id\":\"a2\"}", ",\"pages\":{\"next\":null,\"total_pages\":2}");
    room_expect(&room, "articles", "{\"id\":\"a1\"} {\"id\":\"a2\"}");
    ASKED(&room, 0, "/articles?per_page=150", "/articles?page=2&per_page=1");
    room_close(&room);
}

static void other_hosts_are_not_asked(void **state)
{
    (void)state;
    struct room room = {0};
    add_page(&room, "data", "{\"id\":\"a1\"}", ",\"pages\":{\"next\":\"https://evil.test/articles?page=2\"}");
    room_expect_error(&room, "articles", ERROR_FORMAT, "another host");
    room_close(&room);
}

static void urls_that_repeat_are_an_error(void **state)
{
    (void)state;
    struct room room = {0};
    add_page(&room, "data", "{\"id\":\"a1\"}", ",\"pages\":{\"next\":\"/articles?page=2\"}");
    add_page(&room, "data", "{\"id\":\"a2\"}", ",\"pages\":{\"next\":\"/articles?page=2\"}");
    room_expect_error(&room, "articles", ERROR_FORMAT, "never end");
    room_close(&room);
}

/* --- versions of the API --- */

static void what_a_version_lacks_is_forbidden(void **state)
{
    (void)state;
    struct room room = {.version = "2.13"};
    room_expect_error(&room, "calls", ERROR_FORBIDDEN, "from version 2.14 on");
    room_close(&room);
    struct room newer = {.version = "2.14"};
    add_page(&newer, "data", "", "");
    room_expect(&newer, "calls", "");
    room_close(&newer);
}

static void attributes_of_conversations_moved(void **state)
{
    (void)state;
    static const char *const versions[] = {"2.15", "2.16"};
    static const char *const places[] = {"/data_attributes?model=conversation&include_archived=true",
                                         "/conversations/attributes?include_archived=true"};
    for (size_t i = 0; i < 2; i++) {
        struct room room = {.version = versions[i]};
        add_page(&room, "data", "{\"id\":1}", "");
        room_expect(&room, "conversation_attributes", "{\"id\":1}");
        ASKED(&room, 0, places[i]);
        room_close(&room);
    }
}

/* --- types --- */

static void each_type_has_a_list(void **state)
{
    (void)state;
    static const char *const types[] = {"Order", "a/b"};
    struct room room = {.custom_objects = types, .custom_object_count = 2};
    add_page(&room, "data", "{\"id\":\"1\",\"type\":\"Order\"}", ",\"pages\":{\"total_pages\":2}");
    add_page(&room, "data", "{\"id\":\"2\",\"type\":null}", ",\"pages\":{\"total_pages\":2}");
    add_page(&room, "data", "{\"id\":\"1\"}", ",\"pages\":{\"total_pages\":1}");
    room_expect(&room, "custom_object_instances",
                "{\"id\":\"1\",\"type\":\"Order\"} {\"id\":\"2\",\"type\":\"Order\"} "
                "{\"id\":\"1\",\"type\":\"a/b\"}");
    ASKED(&room, 0, "/custom_object_instances/Order?per_page=150",
          "/custom_object_instances/Order?per_page=150&page=2",
          "/custom_object_instances/a%2Fb?per_page=150");
    room_close(&room);
}

static void types_must_be_named(void **state)
{
    (void)state;
    struct room room = {0};
    room_expect_error(&room, "custom_object_instances", ERROR_CONFIG, "source.custom_objects");
    room_close(&room);
}

/* --- the rest --- */

static void repairs_are_told(void **state)
{
    (void)state;
    struct room room = {0};
    add_page(&room, "data", "{\"id\":\"c1\",\"state\":\"\\ud800\",\"n\":1e400}", "");
    assert_true(room_read(&room, "calls"));
    assert_int_equal(room.repairs, 2);
    room_close(&room);
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
        cmocka_unit_test(nothing_is_a_page_of_none),
        cmocka_unit_test(numbers_must_grow),
        cmocka_unit_test(the_same_page_under_other_numbers_is_an_error),
        cmocka_unit_test(paths_are_followed_on_our_host),
        cmocka_unit_test(other_hosts_are_not_asked),
        cmocka_unit_test(urls_that_repeat_are_an_error),
        cmocka_unit_test(what_a_version_lacks_is_forbidden),
        cmocka_unit_test(attributes_of_conversations_moved),
        cmocka_unit_test(each_type_has_a_list),
        cmocka_unit_test(types_must_be_named),
        cmocka_unit_test(repairs_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
