/* SPDX-License-Identifier: Apache-2.0 */
/* Members that come on demand, and how texts are rendered: what is asked for, and what becomes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "intercom_fixture.h"

#define LISTED                                                                                               \
    "{\"conversations\":[{\"id\":\"1\",\"updated_at\":1772323201,\"title\":\"listed\","                      \
    "\"monitor_evaluations\":[{\"monitor_id\":\"m\"}],\"scorecards\":[{\"name\":\"listed\"}]}]}"
#define IN_FULL                                                                                              \
    "{\"id\":\"1\",\"updated_at\":1772323201,\"scorecards\":[{\"name\":\"full\"}],"                          \
    "\"conversation_parts\":{\"conversation_parts\":[]},\"handling_events\":[]}"

static void members_of_the_list_join_the_record_in_full(void **state)
{
    (void)state;
    struct fixture fixture = {.window = {.from_s = BEGIN, .to_s = WINDOW_OPEN}};
    fixture_answer(&fixture, "200 OK", LISTED);
    fixture_answer(&fixture, "200 OK", IN_FULL);
    fixture_answer(&fixture, "200 OK", IN_FULL); /* the list of handling events */
    fixture_expect(&fixture, "conversations",
                   "{\"id\":\"1\",\"updated_at\":1772323201,"
                   "\"scorecards\":[{\"name\":\"full\"}],\"conversation_parts\":{},\"handling_events\":[],"
                   "\"monitor_evaluations\":[{\"monitor_id\":\"m\"}],"
                   "\"parts_received\":0,\"parts_truncated\":false}");
    ASKED(&fixture, 0, "/conversations/search?include_monitors=true&include_scorecards=true");
    fixture_close(&fixture);
}

static void older_versions_have_no_members_on_demand(void **state)
{
    (void)state;
    struct fixture fixture = {.window = {.from_s = BEGIN, .to_s = WINDOW_OPEN}, .version = "2.15"};
    fixture_answer(&fixture, "200 OK", "{\"conversations\":[]}");
    fixture_expect(&fixture, "conversations", "");
    ASKED(&fixture, 0, "/conversations/search");
    fixture_close(&fixture);
}

static void pictures_of_admins_are_asked_for(void **state)
{
    (void)state;
    struct fixture fixture = {.window = {.from_s = BEGIN, .to_s = WINDOW_OPEN}};
    fixture_answer(&fixture, "200 OK", "{\"admins\":[{\"id\":\"7\"}]}");
    fixture_expect(&fixture, "admins", "{\"id\":\"7\"}");
    ASKED(&fixture, 0, "/admins?display_avatar=true");
    fixture_close(&fixture);
}

static void html_is_what_comes_unasked(void **state)
{
    (void)state;
    struct fixture fixture = {
        .window = {.from_s = BEGIN, .to_s = WINDOW_OPEN}, .version = "2.14", .rendering = "html"};
    fixture_answer(&fixture, "200 OK", LISTED);
    fixture_answer(&fixture, "200 OK", IN_FULL);
    if (!fixture_read(&fixture, "conversations")) fail_msg("%s", fixture.err.text);
    ASKED(&fixture, 1, "/conversations/1");
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_of_the_list_join_the_record_in_full),
        cmocka_unit_test(older_versions_have_no_members_on_demand),
        cmocka_unit_test(pictures_of_admins_are_asked_for),
        cmocka_unit_test(html_is_what_comes_unasked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
