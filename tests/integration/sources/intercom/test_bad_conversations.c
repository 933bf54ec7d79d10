/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations that can't be read as they came: each is read with a request of its own, so the others are
 * loaded. docs/bad-input.md lists the cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bad_input_fixture.h"
#include "base/mem.h"

#define FOUND  "{\"conversations\":[{\"id\":\"7\",\"updated_at\":1772409660}],\"pages\":{}}"
#define THREAD THREAD_OF("7")
#define THREAD_OF(id)                                                                                        \
    "{\"id\":\"" id "\",\"created_at\":1772409660,\"updated_at\":1772409660,"                                \
    "\"conversation_parts\":{\"conversation_parts\":[],\"total_count\":0}}"

static void a_conversation_is_asked_for_again(void **state)
{
    (void)state;
    for (size_t i = 0; unreadable[i].head; i++) {
        struct fixture fixture = {0};
        (void)answer(&fixture, "200 OK", FOUND);
        (void)answer(&fixture, unreadable[i].head, unreadable[i].body);
        (void)answer(&fixture, "200 OK", THREAD);
        must_run(&fixture, "conversations");
        expect_rows(&fixture, "conversations", 1, 3);
        assert_int_equal(fixture.warehouse.rejected_count, 0);
        end(&fixture);
    }
}

static void an_unreadable_conversation_is_rejected(void **state)
{
    (void)state;
    for (size_t i = 0; unreadable[i].head; i++) {
        struct fixture fixture = {0};
        (void)answer(&fixture, "200 OK", FOUND);
        answer_always(&fixture, unreadable[i].head, unreadable[i].body);
        must_run(&fixture, "conversations");
        assert_int_equal(fake_warehouse_table(&fixture.warehouse, "conversations")->count, 0);
        expect_rejected(&fixture, "7", "its thread is no JSON that can be read", "\"id\":\"7\"");
        assert_true(script_requests(fixture.server) < MOST_STEPS);
        end(&fixture);
    }
}

/* Those under way when it begins were begun before others were answered; that is no fault of theirs. */
static void an_outage_rejects_no_conversation(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    answer(&fixture, "200 OK",
           "{\"conversations\":[{\"id\":\"6\",\"updated_at\":1772409660},{\"id\":\"7\",\"updated_at\":"
           "1772409660},{\"id\":\"8\",\"updated_at\":1772409660}],\"pages\":{}}")
        ->when = "POST ";
    for (int i = 0; i < 2; i++) {
        struct step *last = answer(&fixture, "200 OK", i ? THREAD : THREAD_OF("6"));
        last->when = i ? "GET /conversations/7?" : "GET /conversations/6?";
        last->await = 4; /* the third is asked for by then */
    }
    answer(&fixture, "503 Down", "{}")->again = true;
    assert_false(run(&fixture, "conversations"));
    assert_int_equal(fixture.err.kind, ERROR_BUSY);
    expect_words(&fixture, "id 8");
    assert_int_equal(fixture.warehouse.rejected_count, 0);
    assert_int_equal(fixture.warehouse.ledger_count, 0);
    end(&fixture);
}

/* In the answer to a search, where its id is read all the same; in the conversation; in a part of it. */
static void a_conversation_keeps_what_can_be_read(void **state)
{
    (void)state;
    struct fixture fixture = {.child = "conversation_parts"};
    (void)answer(
        &fixture, "200 OK",
        "{\"conversations\":[{\"id\":\"7\",\"updated_at\":1772409660,\"state\" \"open\"}],\"pages\":{}}");
    (void)answer(&fixture, "200 OK",
                 "{\"id\":\"7\",\"created_at\":1772409660,\"updated_at\":1772409660,\"title\":NaN,"
                 "\"conversation_parts\":{\"total_count\":3,\"conversation_parts\":["
                 "{\"id\":\"1\",\"created_at\":1772409660,\"updated_at\":1772409660,\"body\":\"a\tb\"},"
                 "{\"id\":\"2\",\"created_at\":1772409660,\"updated_at\":1772409660,\"body\":\"he said "
                 "\"hi\" to me\"},"
                 "{\"id\":\"3\",\"created_at\":1772409660,\"updated_at\":1772409660}]}}");
    must_run(&fixture, "conversations");
    expect_rows(&fixture, "conversations", 1, 2);
    assert_int_equal(fake_warehouse_table(&fixture.warehouse, "conversation_parts")->count, 2);
    expect_rejected(&fixture, "7", "a comma or the closing bracket is missing",
                    "{\"id\":\"2\",\"created_at\":1772409660,\"updated_at\":1772409660,\"body\":\"he said "
                    "\"hi\" to me\"}");
    end(&fixture);
}

static void a_conversation_that_lacks_something_is_rejected(void **state)
{
    (void)state;
    static const struct {
        const char *body, *id, *reason;
    } cases[] = {
        {"{\"id\":\"7\",\"updated_at\":1772409660}", "7", "its thread has no list \"conversation_parts\""},
        {"{\"id\":\"7\",\"conversation_parts\":[]}", "7", "its thread has no list \"conversation_parts\""},
        {"{\"updated_at\":1772409660,\"conversation_parts\":{\"conversation_parts\":[]}}", "",
         "it can't be keyed: \"id\" is missing"},
        {"{\"id\":\"7\",\"conversation_parts\":{\"conversation_parts\":[]}}", "7",
         "its time \"updated_at\" can't be read: it is missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture fixture = {0};
        (void)answer(&fixture, "200 OK", FOUND);
        (void)answer(&fixture, "200 OK", cases[i].body);
        must_run(&fixture, "conversations");
        assert_int_equal(fake_warehouse_table(&fixture.warehouse, "conversations")->count, 0);
        expect_rejected(&fixture, cases[i].id, cases[i].reason, "");
        end(&fixture);
    }
}

static void a_large_conversation_lands(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    AUTO(mem_free) char *text = mem_zero(10 * MIB + 1, 1);
    memset(text, 'x', 10 * MIB);
    AUTO(mem_free)
    char *body =
        mem_format("{\"id\":\"7\",\"created_at\":1772409660,\"updated_at\":1772409660,\"title\":\"%s\","
                   "\"conversation_parts\":{\"conversation_parts\":[],\"total_count\":0}}",
                   text);
    (void)answer(&fixture, "200 OK", FOUND);
    (void)answer(&fixture, "200 OK", body); /* while it waits only little is kept of it */
    (void)answer(&fixture, "200 OK", body);
    must_run(&fixture, "conversations");
    expect_rows(&fixture, "conversations", 1, 3);
    end(&fixture);
}

static void a_conversation_without_end_is_rejected(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    (void)answer(&fixture, "200 OK", FOUND);
    fixture.texts[fixture.count] = mem_text("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    fixture.steps[fixture.count] = (struct step){
        .bytes = fixture.texts[fixture.count], .blanks = 100 * MIB, .close = true, .again = true};
    fixture.count++;
    must_run(&fixture, "conversations");
    expect_rejected(&fixture, "7", "its thread is larger than the 67108864 bytes", "\"id\":\"7\"");
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conversation_is_asked_for_again),
        cmocka_unit_test(an_unreadable_conversation_is_rejected),
        cmocka_unit_test(an_outage_rejects_no_conversation),
        cmocka_unit_test(a_conversation_keeps_what_can_be_read),
        cmocka_unit_test(a_conversation_that_lacks_something_is_rejected),
        cmocka_unit_test(a_large_conversation_lands),
        cmocka_unit_test(a_conversation_without_end_is_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
