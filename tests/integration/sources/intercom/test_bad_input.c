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

#define FFFD       "\xEF\xBF\xBD"
#define MOST_KIB   (200 * 1024) /* of memory, for all cases */
#define PAGE(next) "{\"type\":\"list\",\"data\":[" GOOD "],\"pages\":{\"type\":\"pages\",\"next\":" next "}}"
#define CURSOR(at) "{\"page\":2,\"starting_after\":\"" at "\"}"

/* --- answers that are no page --- */

static void unreadable_answers_are_asked_for_again(void **state)
{
    (void)state;
    for (size_t i = 0; unreadable[i].head; i++) {
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
    for (size_t i = 0; unreadable[i].head; i++) {
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

/* The page is read without recursion; below the limit of 256 levels the value is there as its text. */
static void depth_is_kept_as_text(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    char body[20200];
    size_t depth = 10000, below = depth - (256 - 3);
    int head =
        snprintf(body, sizeof body,
                 "{\"data\":[" GOOD ",{\"id\":\"odd\",\"updated_at\":1772409660,\"custom_attributes\":");
    memset(body + head, '[', depth);
    memset(body + head + depth, ']', depth);
    memcpy(body + head + 2 * depth, "}]}", 4);
    (void)answer(&fixture, "200 OK", body);
    must_run(&fixture, "contacts");
    expect_rows(&fixture, "contacts", 2, 1);
    assert_int_equal(fixture.warehouse.rejected_count, 0);
    assert_int_equal(fixture.report.streams[0].normalisations, 1);
    const struct fake_row *row = fake_table_find(fake_warehouse_table(&fixture.warehouse, "contacts"), "odd",
                                                 (BEGIN + 60) * INT64_C(1000000));
    const char *text = strchr(row->text, '['), *quoted = strstr(row->text, "[\"[");
    assert_non_null(quoted);
    assert_int_equal(quoted + 1 - text, 256 - 3);
    assert_int_equal(strspn(quoted + 2, "[]"), 2 * below);
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

static void a_bad_value_hides_no_error(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    answer_always(&fixture, "422 No",
                  "{\"type\":\"error.list\",\"at\":NaN,\"errors\":[{\"code\":\"C\",\"message\":\"M\x01\"}]}");
    expect_error(&fixture, ERROR_REFUSED, "page 1: ", "request id req-1");
    expect_words(&fixture, "HTTP 422 C (M?)");
    end(&fixture);
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
        {"{\"data\":[" GOOD " " GOOD "],\"pages\":{}}", "no list \"data\""},
        {"{\"data\":[" GOOD "],\"pages\":{\"next\" null}}", "pages is not an object"},
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
        {"broken_record", "odd", "not JSON at byte 29 of 69: a comma or the closing bracket is missing",
         "{\"type\":\"contact\",\"id\":\"odd\" \"updated_at\":1772409660,\"name\":\"caf" FFFD "\"}"},
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
        {"not_a_number", "owner_id", "\"NaN\""},
        {"not_a_number", "_extra", "{\"rank\":\"-Infinity\"}"},
        {"not_a_number", "custom_attributes", "{\"score\":\"Infinity\",\"share\":\"nan\"}"},
        {"cut_literal", "has_hard_bounced", NULL},
        {"cut_literal", "_extra", "{\"has_hard_bounced\":\"tru\",\"marked_email_as_spam\":\"fals\"}"},
        {"cut_literal", "custom_attributes", "{\"plan\":\"nul\"}"},
        {"control_character", "name", "\"a\\nb\\u0001\""},
        {"control_character", "custom_attributes", "{\"k\\t\":\"a" FFFD "b\"}"},
        {"unknown_escape", "name", "\"C:\\\\x\\\\users \\\\u12\""},
        {"broken_object", "location", NULL},
        {"broken_object", "_extra",
         "{\"location\":\"{\\\"type\\\":\\\"location\\\" \\\"city\\\":\\\"Paris\\\"}\"}"},
        {"broken_object", "custom_attributes", "{\"list\":\"[1 2]\",\"more\":3}"},
        {"deep_value", "name", "\"deep\""},
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
    buf_init(&body, 9 * MIB);
    buf_text(&body, "{\"data\":[{}");
    while (body.size < 8 * MIB)
        buf_text(&body, ",{}");
    buf_text(&body, "]}");
    (void)answer_bytes(&fixture, "200 OK", body.data, body.size);
    buf_done(&body);
    fixture.steps[0].again = true;
    expect_error(&fixture, ERROR_LIMIT, "page 1: each of ", "request id req-1,");
    expect_words(&fixture, "more than 134217728 bytes of memory");
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
        cmocka_unit_test(depth_is_kept_as_text),
        cmocka_unit_test(a_cut_body_is_asked_for_again),
        cmocka_unit_test(a_body_that_is_always_cut_ends_as_busy),
        cmocka_unit_test(the_body_counts_not_its_type),
        cmocka_unit_test(the_request_id_may_stand_in_the_body),
        cmocka_unit_test(a_bad_value_hides_no_error),
        cmocka_unit_test(pages_that_lead_nowhere_are_errors),
        cmocka_unit_test(records_without_key_or_date_are_rejected),
        cmocka_unit_test(odd_values_keep_their_row),
        cmocka_unit_test(a_large_field_lands_in_its_row),
        cmocka_unit_test(a_row_over_the_ceiling_is_rejected),
        cmocka_unit_test(a_large_body_is_an_error),
        cmocka_unit_test(countless_values_are_an_error),
        cmocka_unit_test(a_gzip_bomb_is_an_error),
        cmocka_unit_test(memory_had_a_bound), /* the last */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
