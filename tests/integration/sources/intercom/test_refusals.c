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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_that_are_forbidden_are_left_out),
        cmocka_unit_test(an_older_version_of_the_api_has_no_handling_events),
        cmocka_unit_test(one_list_of_segments_that_is_forbidden_is_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
