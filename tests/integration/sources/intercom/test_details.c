/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations and their threads, against answers that were written down: many under way, handed on in
 * order, and what becomes of those that can't be read. */
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "source_fixture.h"

#define IN_FLIGHT 32

/* --- answers --- */

static struct step *add_search(struct fixture *fixture, int first, int last, const char *next)
{
    struct buf body;
    buf_init(&body, 65536);
    buf_text(&body, "{\"type\":\"conversation.list\",\"conversations\":[");
    for (int id = first; id <= last; id++)
        buf_format(&body, "%s{\"type\":\"conversation\",\"id\":\"%d\",\"updated_at\":%d}",
                   id > first ? "," : "", id, BEGIN + id);
    buf_format(&body, "],\"pages\":{\"next\":%s}}", next);
    struct step *step =
        add(fixture, "POST /conversations/search?include_monitors=true&include_scorecards=true ", "200 OK",
            buf_string(&body));
    buf_done(&body);
    return step;
}

#define PART "{\"type\":\"conversation_part\",\"id\":%d,\"created_at\":5,\"updated_at\":6}"

static struct step *add_thread(struct fixture *fixture, int id)
{
    AUTO(mem_free) char *path = mem_format("GET /conversations/%d?display_as=plaintext ", id);
    AUTO(mem_free)
    char *body = mem_format("{\"id\":\"%d\",\"created_at\":4,\"updated_at\":%d,\"source\":{\"id\":\"s\","
                            "\"body\":\"hi\",\"subject\":\"x\"},"
                            "\"statistics\":{\"count_conversation_parts\":1},"
                            "\"conversation_parts\":{\"conversation_parts\":[" PART "],\"total_count\":1}}",
                            id, BEGIN + id, 100 + id);
    return add(fixture, path, "200 OK", body);
}

static struct step *add_answer(struct fixture *fixture, int id, const char *head, const char *body)
{
    AUTO(mem_free) char *path = mem_format("GET /conversations/%d?display_as=plaintext ", id);
    return add(fixture, path, head, body);
}

/* --- many under way --- */

static void many_are_under_way_and_come_in_order(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    AUTO(buf_done) struct buf expected;
    buf_init(&expected, 65536);
    (void)add_search(&fixture, 1, 30, "{\"starting_after\":\"c\"}");
    (void)add_search(&fixture, 31, 60, "null");
    for (int id = 1; id <= 60; id++) {
        add_thread(&fixture, id)->hold = id <= IN_FLIGHT;
        buf_format(&expected, "%s%d", id > 1 ? " " : "", id);
    }
    begin(&fixture, "conversations", "");
    expect_in_flight(&fixture, 2 + IN_FLIGHT, buf_string(&expected)); /* two searches */
    assert_int_equal(fixture.requests, 62);
    assert_int_equal(script_connections(fixture.server), IN_FLIGHT);
    end(&fixture);
}

static void *stop_later(void *self)
{
    struct fixture *fixture = self;
    script_await(fixture->server, 4);
    atomic_store(&fixture->stop, true);
    return NULL;
}

static void a_stop_ends_the_wait(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    pthread_t helper;
    (void)add_search(&fixture, 1, 3, "null");
    for (int id = 1; id <= 3; id++)
        add_thread(&fixture, id)->hold = true;
    begin(&fixture, "conversations", "conversation_parts");
    assert_int_equal(pthread_create(&helper, NULL, stop_later, &fixture), 0);
    expect_failure(&fixture, ERROR_STOPPED);
    pthread_join(helper, NULL);
    end(&fixture); /* with three under way */
}

/* --- what is in a thread --- */

static void a_thread_becomes_rows(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct page page;
    (void)add_search(&fixture, 1, 1, "null");
    (void)add_answer(
        &fixture, 1, "200 OK",
        "{\"id\":\"1\",\"created_at\":4,\"updated_at\":1772323209,\"source\":{\"type\":\"email\",\"id\":null,"
        "\"body\":"
        "\"hi\","
        "\"subject\":\"x\"},\"statistics\":{\"count_conversation_parts\":8},\"conversation_parts\":{\"type\":"
        "\"l\","
        "\"conversation_parts\":[{\"id\":\"a\",\"redacted\":true},{\"id\":\"b\",\"redacted\":null},7],"
        "\"total_count\":5}}");
    begin(&fixture, "conversations", "conversation_parts");
    assert_true(fixture.link.source->ops->next(fixture.reader, &page, &fixture.err));
    assert_int_equal(page.count, 5);
    assert_true(page.last);
    const struct json_value *talk = page.records[0].body;
    assert_int_equal(value_integer_at(talk, "updated_at", 0), BEGIN + 9); /* not what the search said */
    assert_int_equal(value_integer_at(talk, "parts_received", -1), 3);
    assert_int_equal(value_integer_at(talk, "parts_total", -1), 5);
    assert_int_equal(value_integer_at(talk, "parts_missing", -1), 5);
    assert_int_equal(page.incomplete, 1);
    assert_true(value_is_true(value_get(talk, "parts_truncated")));
    assert_string_equal(value_text_at(talk, "source.subject"), "x");
    assert_null(value_at(talk, "conversation_parts.conversation_parts"));
    assert_int_equal(value_integer_at(talk, "conversation_parts.total_count", -1), 5);
    const struct json_value *opening = page.records[1].body;
    assert_int_equal(page.records[1].table, 1);
    assert_string_equal(value_text_at(opening, "id"), "source"); /* it has none: that names it */
    assert_string_equal(value_text_at(opening, "part_type"), "source");
    assert_string_equal(value_text_at(opening, "body"), "hi");
    assert_string_equal(value_text_at(opening, "conversation_id"), "1");
    assert_int_equal(value_integer_at(opening, "created_at", 0), 4);
    assert_int_equal(value_integer_at(opening, "updated_at", 0), 4);
    assert_int_equal(value_integer_at(opening, "part_index", -1), 0);
    assert_true(value_is_false(value_get(opening, "redacted")));
    assert_null(value_get(opening, "subject"));
    assert_int_equal(value_integer_at(page.records[2].body, "part_index", -1), 3); /* two were cut off */
    assert_true(value_is_true(value_get(page.records[2].body, "redacted")));
    assert_true(value_is_false(value_get(page.records[3].body, "redacted")));
    assert_int_equal(value_integer(page.records[4].body), 7); /* for the caller to reject */
    end(&fixture);
}

static void parts_that_nobody_wants_are_left_out(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    (void)add_search(&fixture, 1, 2, "null");
    (void)add_thread(&fixture, 1);
    (void)add_thread(&fixture, 2);
    begin(&fixture, "conversations", "");
    expect(&fixture, "1 2");
    end(&fixture);
}

/* The last id would lead from /conversations/ to another path. */
/* A proxy's 404 has no code of the service: the conversation may be there. */
static void a_404_without_a_code_is_no_deletion(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    (void)add(&fixture, "POST", "200 OK", "{\"conversations\":[{\"id\":7,\"updated_at\":1772323207}]}");
    add(&fixture, "GET /conversations/7?", "404 Not Found", "{}")->again = true;
    begin(&fixture, "conversations", "conversation_parts");
    expect(&fixture, "!7");
    assert_int_equal(fixture.deleted_during_read, 0);
    end(&fixture);
}

static void what_can_not_be_asked_for_is_rejected(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    (void)add(&fixture, "POST", "200 OK",
              "{\"conversations\":[{\"id\":null},{\"id\":7,\"updated_at\":1772323207},{\"id\":\"a/../b?\"},"
              "{\"id\":\"..\"}]}");
    (void)add_thread(&fixture, 7);
    add(&fixture, "GET /conversations/a%2F..%2Fb%3F?display_as=plaintext ", "404 Gone",
        "{\"errors\":[{\"code\":\"not_found\"}]}")
        ->again = true;
    begin(&fixture, "conversations", "conversation_parts");
    expect(&fixture, "!0 7 +s@0 +107@1 !..");
    assert_int_equal(script_requests(fixture.server), 4);
    assert_int_equal(fixture.deleted_during_read, 1);
    end(&fixture);
}

/* --- answers that are wrong --- */

static void passing_trouble_is_waited_out(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    (void)add_search(&fixture, 1, 6, "null");
    (void)add_answer(&fixture, 1, "500 Oops", "<html>");
    (void)add_answer(&fixture, 2, "429 Slow\r\nRetry-After: 1", "{}");
    add_answer(&fixture, 3, "404 Gone", "{\"errors\":[{\"code\":\"not_found\"}]}")->again = true;
    struct step *cut = add_answer(&fixture, 4, "200 OK", "{\"id\":\"4\",");
    cut->size = strlen(cut->bytes) - 3;
    cut->close = true;
    (void)add_answer(&fixture, 5, "200 OK", "{\"id\":}"); /* whole by its ends only */
    add_answer(&fixture, 6, "200 OK", "")->reset = true;
    for (int id = 1; id <= 6; id++)
        if (id != 3) (void)add_thread(&fixture, id);
    begin(&fixture, "conversations", "conversation_parts");
    expect(&fixture, "1 +s@0 +101@1 2 +s@0 +102@1 4 +s@0 +104@1 5 +s@0 +105@1 6 +s@0 +106@1");
    assert_int_equal(fixture.deleted_during_read, 1);
    assert_int_equal(fixture.incomplete, 0);
    end(&fixture);
}

static void a_thread_that_can_not_be_read_is_rejected(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    (void)add_search(&fixture, 1, 4, "null");
    add_answer(&fixture, 1, "422 No", "{\"errors\":[{\"code\":\"data_invalid\"}]}")->again = true;
    struct step *unreadable = add_answer(&fixture, 2, "200 OK", "<html>");
    unreadable->again = true;      /* for as long as it is asked */
    unreadable->await_answers = 5; /* the search, 1 twice, 3 and 4: so it is 2 alone that can't be read */
    (void)add_answer(&fixture, 3, "200 OK", "{\"id\":\"3\",\"conversation_parts\":null}");
    (void)add_thread(&fixture, 4);
    (void)add(&fixture, "GET /me ", "200 OK",
              "{}"); /* no thread was read yet that could be asked for instead */
    begin(&fixture, "conversations", "conversation_parts");
    expect(&fixture, "!1 !2 !3 4 +s@0 +104@1");
    assert_int_equal(script_requests(fixture.server), 1 + 2 + 6 + 1 + 1 + 1);
    end(&fixture);
}

/* As many as are under way at once would take all memory. */
static void a_refusal_is_short(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    AUTO(mem_free) char *long_text = mem_format("%*s", LIMIT_DEFERRED_BODY + 1, "");
    (void)add_search(&fixture, 1, 2, "null");
    add_answer(&fixture, 1, "422 No", long_text)->again = true;
    (void)add_thread(&fixture, 2);
    begin(&fixture, "conversations", "conversation_parts");
    expect(&fixture, "!1 2 +s@0 +102@1");
    assert_int_equal(script_requests(fixture.server),
                     1 + 2 + 1); /* once more, as if it were a large thread */
    end(&fixture);
}

static void the_problem_is_told_the_same_each_time(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct page page;
    (void)add_search(&fixture, 1, 1, "null");
    add_answer(&fixture, 1, "422 No\r\nX-Request-Id: abc",
               "{\"request_id\":\"abc\",\"errors\":[{\"code\":\"data_invalid\"}]}")
        ->again = true;
    begin(&fixture, "conversations", "conversation_parts");
    assert_true(fixture.link.source->ops->next(fixture.reader, &page, &fixture.err));
    assert_int_equal(page.count, 1);
    assert_string_equal(page.records[0].problem, "its thread can't be fetched: HTTP 422 data_invalid");
    assert_int_equal(value_integer_at(page.records[0].body, "updated_at", 0),
                     BEGIN + 1); /* as it was found */
    end(&fixture);
}

#define FORBIDDEN "{\"errors\":[{\"code\":\"api_plan_restricted\",\"message\":\"no\"}]}"

static void a_token_that_is_refused_everywhere_fails(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    (void)add_search(&fixture, 1, 2, "null");
    (void)add_thread(&fixture, 1);
    add_answer(&fixture, 2, "401 No", "{}")->again = true;
    add(&fixture, "GET /me ", "401 No", "{}")->again = true;
    begin(&fixture, "conversations", "conversation_parts");
    expect_failure(&fixture, ERROR_AUTH);
    assert_non_null(strstr(fixture.err.text, "id 2"));
    end(&fixture);
}

/* A proxy, an edge, a permission: while others can be read, it is one record's trouble. */
static void a_conversation_that_is_refused_is_rejected(void **state)
{
    (void)state;
    static const struct {
        const char *head, *body, *words;
    } cases[] = {{"403 No", "<html>", "HTTP 403"},
                 {"403 No", FORBIDDEN, "HTTP 403 api_plan_restricted"},
                 {"402 No", FORBIDDEN, "HTTP 402 api_plan_restricted"},
                 {"401 No", FORBIDDEN, "HTTP 401 api_plan_restricted"},
                 {"401 No", "", "HTTP 401"},
                 {"200 OK", "{\"type\":\"error.list\",\"errors\":[{\"code\":\"lost\"}]}", "HTTP 500 lost"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture fixture = {0};
        (void)add_search(&fixture, 1, 2, "null");
        add_thread(&fixture, 1)->again = true; /* it is read again to tell an outage */
        add_answer(&fixture, 2, cases[i].head, cases[i].body)->again = true;
        add(&fixture, "GET /me ", "200 OK", "{}")->again = true;
        begin(&fixture, "conversations", "conversation_parts");
        expect(&fixture, "1 +s@0 +101@1 !2");
        assert_non_null(strstr(fixture.problem, cases[i].words));
        end(&fixture);
    }
}

/* Services answer like this once, for a record that exists. */
static void a_passing_refusal_is_not_believed(void **state)
{
    (void)state;
    static const struct {
        const char *head, *body;
    } cases[] = {{"404 Not Found", "{\"errors\":[{\"code\":\"not_found\"}]}"},
                 {"410 Gone", "{}"},
                 {"400 Bad Request", "{\"errors\":[{\"code\":\"bad_request\"}]}"},
                 {"422 No", "{}"},
                 {"403 No", "<html>"},
                 {"200 OK", "{\"type\":\"error.list\",\"errors\":[{\"code\":\"C\",\"message\":\"M\"}]}"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture fixture = {0};
        (void)add_search(&fixture, 1, 2, "null");
        (void)add_thread(&fixture, 1);
        (void)add_answer(&fixture, 2, cases[i].head, cases[i].body);
        (void)add_thread(&fixture, 2);
        begin(&fixture, "conversations", "conversation_parts");
        expect(&fixture, "1 +s@0 +101@1 2 +s@0 +102@1");
        assert_int_equal(fixture.deleted_during_read, 0);
        end(&fixture);
    }
}

/* The search was allowed, and so the stream is: nothing may count as forbidden. */
static void details_that_are_all_forbidden_fail(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    (void)add_search(&fixture, 1, 2, "null");
    add(&fixture, "GET /conversations/", "403 No", FORBIDDEN)->again = true;
    begin(&fixture, "conversations", "conversation_parts");
    expect_failure(&fixture, ERROR_REFUSED);
    assert_non_null(strstr(fixture.err.text, "api_plan_restricted"));
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_are_under_way_and_come_in_order),
        cmocka_unit_test(a_stop_ends_the_wait),
        cmocka_unit_test(a_thread_becomes_rows),
        cmocka_unit_test(parts_that_nobody_wants_are_left_out),
        cmocka_unit_test(a_404_without_a_code_is_no_deletion),
        cmocka_unit_test(what_can_not_be_asked_for_is_rejected),
        cmocka_unit_test(passing_trouble_is_waited_out),
        cmocka_unit_test(a_thread_that_can_not_be_read_is_rejected),
        cmocka_unit_test(a_refusal_is_short),
        cmocka_unit_test(the_problem_is_told_the_same_each_time),
        cmocka_unit_test(a_token_that_is_refused_everywhere_fails),
        cmocka_unit_test(a_conversation_that_is_refused_is_rejected),
        cmocka_unit_test(a_passing_refusal_is_not_believed),
        cmocka_unit_test(details_that_are_all_forbidden_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
