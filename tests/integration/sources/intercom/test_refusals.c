/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of records that plan, permissions or version exclude: for all records, or for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "source_fixture.h"

#define FORBIDDEN "{\"errors\":[{\"code\":\"api_plan_restricted\",\"message\":\"no\"}]}"

static void add_companies(struct fixture *fixture, int first, int last)
{
    struct buf body;
    buf_init(&body, 65536);
    buf_text(&body, "{\"scroll_param\":\"s\",\"data\":[");
    for (int id = first; id <= last; id++)
        buf_format(&body, "%s{\"id\":\"%d\",\"updated_at\":%d}", id > first ? "," : "", id, BEGIN + id);
    buf_text(&body, "]}");
    (void)add(fixture, "GET /companies/scroll", "200 OK", buf_string(&body));
    buf_done(&body);
}

/* A token without the permission for one path is good for others; without any, the process has to end. */
static void a_stream_that_is_refused_is_forbidden_if_the_token_is_good(void **state)
{
    (void)state;
    static const struct {
        const char *head, *body, *me;
        enum error_kind kind;
    } cases[] = {{"401 No", FORBIDDEN, "200 OK", ERROR_FORBIDDEN},
                 {"401 No", FORBIDDEN, "401 No", ERROR_AUTH},
                 {"403 No", FORBIDDEN, "200 OK", ERROR_FORBIDDEN}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture fixture = {0};
        add(&fixture, "POST /tickets/search", cases[i].head, cases[i].body)->again = true;
        add(&fixture, "GET /me ", cases[i].me, "{}")->again = true;
        begin(&fixture, "tickets", "");
        expect_failure(&fixture, cases[i].kind);
        end(&fixture);
    }
}

/* Companies are worth loading without their segments. */
static void segments_that_are_forbidden_are_left_out(void **state)
{
    (void)state;
    static const char *const heads[] = {"403 No", "401 No", "402 No"};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct fixture fixture = {0};
        add_companies(&fixture, 1, 40);
        add_companies(&fixture, 41, 60);
        add_companies(&fixture, 1, 0);
        add(&fixture, "/segments ", heads[i], FORBIDDEN)->again = true;
        add(&fixture, "GET /me ", "200 OK", "{}")->again = true;
        begin(&fixture, "companies", "company_segments");
        AUTO(buf_done) struct buf all = {0};
        if (!read_all(&fixture, &all)) fail_msg("%s", fixture.err.text);
        assert_null(strchr(buf_string(&all), '!'));
        assert_non_null(strstr(buf_string(&all), " 60"));
        end(&fixture);
    }
}

/* Others can be read, so this one's list is unknown. */
static void one_list_of_segments_that_is_forbidden_is_rejected(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_companies(&fixture, 1, 3);
    add_companies(&fixture, 1, 0);
    (void)add(&fixture, "GET /companies/1/segments ", "200 OK", "{\"data\":[{\"id\":\"s\"}]}");
    add(&fixture, "GET /companies/2/segments ", "403 No", FORBIDDEN)->again = true;
    (void)add(&fixture, "GET /companies/3/segments ", "200 OK", "{\"data\":[]}");
    begin(&fixture, "companies", "company_segments");
    expect(&fixture, "1 +s@-1 2 !0@-1 3");
    assert_string_equal(fixture.problem,
                        "its list of segments can't be fetched: HTTP 403 api_plan_restricted");
    end(&fixture);
}

static void an_older_version_of_the_api_has_no_handling_events(void **state)
{
    (void)state;
    struct fixture fixture = {.version = "2.14"};
    (void)add(&fixture, "POST /conversations/search", "200 OK",
              "{\"conversations\":[{\"id\":\"1\",\"updated_at\":1772323201}],\"pages\":{}}");
    (void)add(&fixture, "GET /conversations/1?", "200 OK",
              "{\"id\":\"1\",\"updated_at\":1772323201,\"conversation_parts\":{\"conversation_parts\":[]}}");
    begin(&fixture, "conversations", "handling_events");
    expect(&fixture, "1"); /* the conversation is worth loading without them */
    assert_int_equal(script_requests(fixture.server), 2);
    end(&fixture);
}

/* --- details that are not what was asked for --- */

#define DETAIL(id, version)                                                                                  \
    "{\"id\":\"" id "\",\"updated_at\":" version ",\"created_at\":4,"                                        \
    "\"conversation_parts\":{\"conversation_parts\":[{\"id\":\"p\",\"created_at\":5,\"updated_at\":6}]}}"

static void find_one(struct fixture *fixture)
{
    (void)add(
        fixture, "POST /conversations/search", "200 OK",
        "{\"conversations\":[{\"id\":\"1\",\"updated_at\":1772323201,\"state\":\"closed\"}],\"pages\":{}}");
}

static void an_older_copy_or_another_record_is_asked_for_again(void **state)
{
    (void)state;
    static const char *const wrong[] = {DETAIL("1", "1771545600"), DETAIL("2", "1772323201")};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct fixture fixture = {0};
        find_one(&fixture);
        (void)add(&fixture, "GET /conversations/1?", "200 OK", wrong[i]);
        (void)add(&fixture, "GET /conversations/1?", "200 OK", DETAIL("1", "1772323201"));
        begin(&fixture, "conversations", "conversation_parts");
        expect(&fixture, "1 +p@1");
        assert_int_equal(script_requests(fixture.server), 3);
        end(&fixture);
    }
}

static void a_conversation_that_stays_old_is_kept_as_listed(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct page page;
    find_one(&fixture);
    add(&fixture, "GET /conversations/1?", "200 OK", DETAIL("1", "1771545600"))->again = true;
    begin(&fixture, "conversations", "conversation_parts");
    if (!fixture.link.source->ops->next(fixture.reader, &page, &fixture.err))
        fail_msg("%s", fixture.err.text);
    assert_int_equal(page.count, 2);
    assert_int_equal(page.stale, 1);
    assert_int_equal(value_integer_at(page.records[0].body, "updated_at", 0), 1772323201);
    assert_string_equal(value_text_at(page.records[0].body, "state"), "closed");
    assert_true(page.records[0].is_unsettled && page.records[0].incomplete);
    assert_int_equal(script_requests(fixture.server), 4);
    end(&fixture);
}

static void another_record_is_never_loaded(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    find_one(&fixture);
    add(&fixture, "GET /conversations/1?", "200 OK", DETAIL("2", "1772323201"))->again = true;
    begin(&fixture, "conversations", "conversation_parts");
    expect(&fixture, "!1");
    assert_non_null(strstr(fixture.problem, "another record"));
    end(&fixture);
}

/* --- totals --- */

static void expect_contradiction(const char *stream, const char *when, const char *body, bool is_contradicted)
{
    struct fixture fixture = {0};
    struct page page;
    (void)add(&fixture, when, "200 OK", body);
    add_companies(&fixture, 1, 0);
    begin(&fixture, stream, "");
    do
        if (!fixture.link.source->ops->next(fixture.reader, &page, &fixture.err))
            fail_msg("%s", fixture.err.text);
    while (!page.last);
    assert_int_equal(page.is_contradicted, is_contradicted);
    if (is_contradicted) assert_int_equal(page.expected, 3);
    if (is_contradicted) assert_int_equal(page.received, 2);
    end(&fixture);
}

static void a_list_that_ends_before_its_total_says_so(void **state)
{
    (void)state;
#define TWO "[{\"id\":\"a\",\"updated_at\":1772323201},{\"id\":\"b\",\"updated_at\":1772323202}]"
    expect_contradiction("companies", "GET /companies/scroll",
                         "{\"data\":" TWO ",\"scroll_param\":\"s\",\"total_count\":3}", true);
    expect_contradiction("companies", "GET /companies/scroll",
                         "{\"data\":" TWO ",\"scroll_param\":\"s\",\"total_count\":2}", false);
    expect_contradiction("articles", "GET /articles",
                         "{\"data\":" TWO ",\"pages\":{\"next\":null},\"total_count\":3}", true);
    expect_contradiction("articles", "GET /articles", "{\"data\":" TWO ",\"pages\":{}}", false);
    expect_contradiction("tickets", "POST /tickets/search",
                         "{\"tickets\":" TWO ",\"pages\":{},\"total_count\":3}", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_that_is_refused_is_forbidden_if_the_token_is_good),
        cmocka_unit_test(segments_that_are_forbidden_are_left_out),
        cmocka_unit_test(an_older_copy_or_another_record_is_asked_for_again),
        cmocka_unit_test(a_conversation_that_stays_old_is_kept_as_listed),
        cmocka_unit_test(another_record_is_never_loaded),
        cmocka_unit_test(a_list_that_ends_before_its_total_says_so),
        cmocka_unit_test(an_older_version_of_the_api_has_no_handling_events),
        cmocka_unit_test(one_list_of_segments_that_is_forbidden_is_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
