/* SPDX-License-Identifier: Apache-2.0 */
/* Handling of malformed responses, from a socket through the source and a run to the warehouse in memory: the
 * request is retried, the odd part is kept beside the rows, or the run fails with a text that says where.
 * docs/bad-input.md lists the cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "bad_input_fixture.h"
#include "base/mem.h"

#define MOST_KIB   (200 * 1024) /* of memory, for all cases */
#define PAGE(next) "{\"type\":\"list\",\"data\":[" GOOD "],\"pages\":{\"type\":\"pages\",\"next\":" next "}}"
#define CURSOR(at) "{\"page\":2,\"starting_after\":\"" at "\"}"
#define FOUND      "{\"conversations\":[{\"id\":\"7\",\"updated_at\":1772409660}],\"pages\":{}}"
#define THREAD     THREAD_OF("7")
#define THREAD_OF(id)                                                                                        \
    "{\"id\":\"" id "\",\"created_at\":1772409660,\"updated_at\":1772409660,"                                \
    "\"conversation_parts\":{\"conversation_parts\":[],\"total_count\":0}}"

/* --- answers that are no page --- */

static const struct {
    const char *head, *body;
    const char *words; /* why it could not be read */
} unreadable[] = {
    {"200 OK", "{\"type\":\"list\",\"data\":[{\"id\":\"a\"]", "not JSON at byte"},
    {"200 OK", "{\"type\":\"list\",\"data\":[{\"id\":\"go", "not JSON at byte"},
    {"200 OK\r\nContent-Type: text/html", "<html><body>Please wait</body></html>", "not JSON at byte"},
    {"200 OK", "", "it is empty"},
    {"204 No Content", "", "it is empty"},
    {"200 OK", "[" GOOD "]", "it is not an object"},
    {"200 OK", "\"ok\"", "it is not an object"},
};

static void unreadable_answers_are_asked_for_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof unreadable / sizeof *unreadable; i++) {
        struct fixture fixture = {0};
        (void)answer(&fixture, unreadable[i].head, unreadable[i].body);
        (void)answer(&fixture, "200 OK", PAGE("null"));
        must_run(&fixture, "contacts");
        expect_rows(&fixture, "contacts", 1, 2);
        end(&fixture);
    }
}

static void unreadable_for_good_is_an_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof unreadable / sizeof *unreadable; i++) {
        struct fixture fixture = {0};
        (void)answer(&fixture, "200 OK", PAGE(CURSOR("one")));
        answer_always(&fixture, unreadable[i].head, unreadable[i].body);
        expect_error(&fixture, ERROR_FORMAT, "page 2: each of 4 answers was unreadable", "request id req-5,");
        expect_words(&fixture, unreadable[i].words);
        assert_int_equal(script_requests(fixture.server), 5);
        end(&fixture);
    }
}

static void a_raw_nul_is_an_error(void **state)
{
    (void)state;
    static const char body[] = "{\"data\":[]\0}";
    struct fixture fixture = {0};
    for (int i = 0; i < 4; i++)
        (void)answer_bytes(&fixture, "200 OK", body, sizeof body - 1);
    expect_error(&fixture, ERROR_FORMAT, "page 1: each of 4", "request id req-4,");
    expect_words(&fixture, "a NUL byte");
    end(&fixture);
}

static void depth_is_an_error(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    char body[20100];
    size_t depth = 10000;
    int head = snprintf(body, sizeof body, "{\"data\":[{\"id\":\"odd\",\"custom_attributes\":");
    memset(body + head, '[', depth);
    memset(body + head + depth, ']', depth);
    memcpy(body + head + 2 * depth, "}]}", 4);
    answer_always(&fixture, "200 OK", body);
    expect_error(&fixture, ERROR_FORMAT, "page 1: each of 4", "request id req-4,");
    expect_words(&fixture, "nesting exceeds 256 levels");
    end(&fixture);
}

static void a_cut_body_is_asked_for_again(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct step *cut = answer(&fixture, "200 OK", PAGE("null"));
    cut->size -= 20;
    cut->close = true;
    (void)answer(&fixture, "200 OK", PAGE("null"));
    must_run(&fixture, "contacts");
    expect_rows(&fixture, "contacts", 1, 2);
    end(&fixture);
}

static void a_body_that_is_always_cut_ends_as_busy(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    while (fixture.count < MOST_STEPS) {
        struct step *cut = answer(&fixture, "200 OK", PAGE("null"));
        cut->size -= 20;
        cut->close = true;
    }
    expect_error(&fixture, ERROR_BUSY, "page 1: ", "request id req-");
    expect_words(&fixture, "remaining to read");
    assert_non_null(strstr(script_request(fixture.server, 4), "\"per_page\":75"));
    assert_non_null(strstr(script_request(fixture.server, 16), "\"per_page\":9"));
    assert_true(script_requests(fixture.server) < MOST_STEPS); /* it gave up, the script had more */
    end(&fixture);
}

static void the_body_counts_not_its_type(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    (void)answer(&fixture, "200 OK\r\nContent-Type: text/html", PAGE(CURSOR("one")));
    (void)answer(&fixture, "203 Non-Authoritative\r\nContent-Type: ?", PAGE("null"));
    must_run(&fixture, "contacts");
    expect_rows(&fixture, "contacts", 1, 2);
    end(&fixture);
}

static void the_request_id_may_stand_in_the_body(void **state)
{
    (void)state;
    static const char list[] = "{\"type\":\"error.list\",\"request_id\":\"in-body\",\"errors\":[{\"code\":"
                               "\"C\",\"message\":\"M\"}]}";
    static const struct {
        const char *head;
        enum error_kind kind;
    } cases[] = {
        {"200 OK", ERROR_BUSY}, /* asked for again, like any failure that may pass */
        {"422 No", ERROR_REFUSED},
        {"403 No", ERROR_NONE},                       /* the stream is left out: no failure */
        {"503 No\r\nRetry-After: 86400", ERROR_BUSY}, /* longer than we would wait */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture fixture = {0};
        for (; fixture.count < 5; fixture.count++) {
            char *text =
                mem_format("HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", cases[i].head, strlen(list), list);
            fixture.steps[fixture.count] = (struct step){.bytes = text, .again = true};
            fixture.texts[fixture.count] = text;
        }
        if (cases[i].kind == ERROR_NONE) {
            assert_true(run(&fixture, "contacts"));
            assert_true(fixture.report.streams[0].forbidden);
            assert_non_null(strstr(fixture.report.streams[0].error.text, "page 1: "));
            assert_non_null(strstr(fixture.report.streams[0].error.text, "request id in-body"));
        } else {
            expect_error(&fixture, cases[i].kind, "page 1: ", "request id in-body");
        }
        if (cases[i].kind == ERROR_BUSY && i == 0) expect_words(&fixture, "C (M)");
        end(&fixture);
    }
}

/* --- pages that lead nowhere --- */

static void pages_that_lead_nowhere_are_errors(void **state)
{
    (void)state;
    static const struct {
        const char *body, *words;
    } cases[] = {
        {PAGE(CURSOR("one")), "leads back to a page already read"}, /* as the page before */
        {PAGE("\"https://api.evil.test/contacts/search?page=3\""), "leads to another host"},
        {PAGE("7"), "pages.next is not a cursor or link"},
        {PAGE("{\"page\":2}"), "pages.next has no starting_after"},
        {"{\"data\":[" GOOD "],\"pages\":[]}", "pages is not an object"},
        {"{\"pages\":{}}", "no list \"data\""},
        {"{\"data\":null,\"pages\":{}}", "no list \"data\""},
        {"{\"data\":" GOOD ",\"pages\":{}}", "no list \"data\""},
        {"{\"data\":[" GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "]}",
         "does not say whether there are more pages"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture fixture = {0};
        (void)answer(&fixture, "200 OK", PAGE(CURSOR("one")));
        (void)answer(&fixture, "200 OK", cases[i].body);
        expect_error(&fixture, ERROR_FORMAT, "page 2", "request id req-2");
        expect_words(&fixture, cases[i].words);
        assert_null(strstr(fixture.err.text, "evil"));
        assert_int_equal(script_requests(fixture.server), 2);
        end(&fixture);
    }
}

/* --- records --- */

static void records_without_key_or_date_are_rejected(void **state)
{
    (void)state;
    static const struct {
        const char *file, *id, *reason, *record;
    } cases[] = {
        {"no_id", "", "it can't be keyed: \"id\" is missing", "\"name\":\"nobody\""},
        {"null_id", "", "it can't be keyed: \"id\" is null", "\"id\":null"},
        {"no_date", "odd", "its time \"updated_at\" can't be read: it is missing", "\"name\":\"timeless\""},
        {"long_integer_date", "odd", "its time \"updated_at\" can't be read", "12345678901234567890"},
        {"list_for_record", "", "a record should be an object, this is a list", "[\"contact\"]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture fixture = {0};
        answer_file(&fixture, cases[i].file);
        must_run(&fixture, "contacts");
        expect_rows(&fixture, "contacts", 1, 1);
        expect_column(&fixture, "good", "id", "\"good\"");
        expect_rejected(&fixture, cases[i].id, cases[i].reason, cases[i].record);
        end(&fixture);
    }
}

/* The row stays, whatever a field of it is like. */
static void odd_values_keep_their_row(void **state)
{
    (void)state;
    static const struct {
        const char *file, *column, *value;
    } cases[] = {
        {"long_integer", "owner_id", "\"12345678901234567890\""},
        {"long_integer", "tags", "{\"type\":\"list\"}"},
        {"long_integer", "_extra", "{\"tags.total_count\":\"12345678901234567890\"}"},
        {"large_real", "custom_attributes", "{\"score\":\"-1e400\"}"},
        {"large_real", "_extra", "{\"tags.total_count\":\"1e400\"}"},
        {"lone_surrogate", "name",
         "\"a\xEF\xBF\xBD"
         "b\""},
        {"lone_surrogate", "custom_attributes", "{\"\xEF\xBF\xBD\":1}"},
        {"escaped_nul", "name",
         "\"a\xEF\xBF\xBD"
         "b\""},
        {"escaped_nul", "custom_attributes", "{\"k\xEF\xBF\xBD\":1}"},
        {"not_utf8", "name", "\"a\xEF\xBF\xBD\xEF\xBF\xBD(b\""},
        {"duplicate_keys", "name", "\"second\""},
        {"duplicate_keys", "_extra", "{\"name (1)\":\"first\"}"},
        {"list_for_object", "location", NULL},
        {"list_for_object", "_extra", "{\"location.0\":\"Paris\"}"},
        {"list_for_object", "custom_attributes", "[1,2]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture fixture = {0};
        answer_file(&fixture, cases[i].file);
        must_run(&fixture, "contacts");
        expect_rows(&fixture, "contacts", 2, 1);
        expect_column(&fixture, "odd", cases[i].column, cases[i].value);
        assert_int_equal(fixture.warehouse.rejected_count, 0);
        end(&fixture);
    }
}

/* --- much --- */

static void a_large_field_lands_in_its_row(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    answer_large(&fixture, 10 * MIB);
    must_run(&fixture, "contacts");
    expect_rows(&fixture, "contacts", 2, 1);
    const struct fake_row *row = fake_table_find(fake_warehouse_table(&fixture.warehouse, "contacts"),
                                                 "large", (BEGIN + 60) * INT64_C(1000000));
    assert_true(row && strlen(row->text) > 10 * MIB);
    end(&fixture);
}

#define ASKS 8 /* for 150 records, and half as many each time, until it is one */

static void a_row_over_the_ceiling_is_rejected(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    answer_large(&fixture, LIMIT_ROW);
    fixture.steps[0].again = true;
    must_run(&fixture, "contacts");
    expect_rows(&fixture, "contacts", 1, ASKS); /* a crowd of records may not be so large */
    expect_rejected(&fixture, "large", "its row has more than the 16777216 bytes", "{\"id\":\"large\"");
    assert_true(strlen(fixture.warehouse.rejected[0].record) <= LIMIT_REJECT);
    end(&fixture);
}

/* An answer over the ceiling is asked for in ever smaller pieces, and then it is an error. */
static void expect_too_large(struct fixture *fixture)
{
    expect_error(fixture, ERROR_LIMIT, "page 1: the response exceeds its size limit", "request id req-large");
    assert_int_equal(script_requests(fixture->server), ASKS);
    assert_non_null(strstr(script_request(fixture->server, ASKS - 1), "\"per_page\":1}"));
    end(fixture);
}

static void a_large_body_is_an_error(void **state)
{
    (void)state;
    static const char head[] = "HTTP/1.1 200 OK\r\nX-Request-Id: req-large\r\n";
    static const char *const framings[] = {"Content-Length: 104857600\r\n", "Connection: close\r\n"};
    for (size_t i = 0; i < sizeof framings / sizeof *framings; i++) {
        struct fixture fixture = {0};
        fixture.texts[0] = mem_format("%s%s\r\n", head, framings[i]);
        fixture.steps[0] =
            (struct step){.bytes = fixture.texts[0], .blanks = 100 * MIB, .close = true, .again = true};
        fixture.count = 1;
        expect_too_large(&fixture);
    }
}

/* 4 MiB that would need 400 to be read. */
static void countless_values_are_an_error(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct buf body;
    buf_init(&body, 5 * MIB);
    buf_text(&body, "{\"data\":[{}");
    while (body.size < 4 * MIB)
        buf_text(&body, ",{}");
    buf_text(&body, "]}");
    (void)answer_bytes(&fixture, "200 OK", body.data, body.size);
    buf_done(&body);
    fixture.steps[0].again = true;
    expect_error(&fixture, ERROR_LIMIT, "page 1: each of ", "request id req-1,");
    expect_words(&fixture, "more than 268435456 bytes of memory");
    assert_non_null(strstr(script_request(fixture.server, 16), "\"per_page\":9"));
    end(&fixture);
}

static void a_gzip_bomb_is_an_error(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    AUTO(buf_done) struct buf bomb;
    buf_init(&bomb, 4 * MIB);
    add_bomb(&bomb);
    fixture.texts[0] = mem_format("HTTP/1.1 200 OK\r\nX-Request-Id: req-large\r\nContent-Encoding: gzip\r\n"
                                  "Content-Length: %zu\r\n\r\n",
                                  bomb.size);
    size_t head = strlen(fixture.texts[0]);
    struct buf text;
    buf_init(&text, bomb.size + head);
    buf_add(&text, fixture.texts[0], head);
    buf_add(&text, bomb.data, bomb.size);
    free(fixture.texts[0]);
    fixture.steps[0] = (struct step){.size = text.size, .again = true};
    fixture.steps[0].bytes = fixture.texts[0] = buf_take(&text, NULL);
    fixture.count = 1;
    expect_too_large(&fixture);
}

/* --- conversations: each is read by itself --- */

static void a_conversation_is_asked_for_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof unreadable / sizeof *unreadable; i++) {
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
    for (size_t i = 0; i < sizeof unreadable / sizeof *unreadable; i++) {
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

/* --- after all of them --- */

static void memory_had_a_bound(void **state)
{
    (void)state;
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    if (CASELOAD_TEST_SANITIZE[0] == '\0') assert_true(usage.ru_maxrss < MOST_KIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unreadable_answers_are_asked_for_again),
        cmocka_unit_test(unreadable_for_good_is_an_error),
        cmocka_unit_test(a_raw_nul_is_an_error),
        cmocka_unit_test(depth_is_an_error),
        cmocka_unit_test(a_cut_body_is_asked_for_again),
        cmocka_unit_test(a_body_that_is_always_cut_ends_as_busy),
        cmocka_unit_test(the_body_counts_not_its_type),
        cmocka_unit_test(the_request_id_may_stand_in_the_body),
        cmocka_unit_test(pages_that_lead_nowhere_are_errors),
        cmocka_unit_test(records_without_key_or_date_are_rejected),
        cmocka_unit_test(odd_values_keep_their_row),
        cmocka_unit_test(a_large_field_lands_in_its_row),
        cmocka_unit_test(a_row_over_the_ceiling_is_rejected),
        cmocka_unit_test(a_large_body_is_an_error),
        cmocka_unit_test(countless_values_are_an_error),
        cmocka_unit_test(a_gzip_bomb_is_an_error),
        cmocka_unit_test(a_conversation_is_asked_for_again),
        cmocka_unit_test(an_unreadable_conversation_is_rejected),
        cmocka_unit_test(an_outage_rejects_no_conversation),
        cmocka_unit_test(a_conversation_that_lacks_something_is_rejected),
        cmocka_unit_test(a_large_conversation_lands),
        cmocka_unit_test(a_conversation_without_end_is_rejected),
        cmocka_unit_test(memory_had_a_bound), /* the last */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
