/* SPDX-License-Identifier: Apache-2.0 */
/* A source that is not Intercom: a scripted server, the REST layer, a run, and the warehouse in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/run.h"
#include "fake_warehouse.h"
#include "helpline.h"
#include "server_script.h"
#include "skipped_waits.h"

#define MAX_STEPS 16
#define NOW_S     1772539200 /* 2026-03-03T12:00:00Z */
#define RATE      "X-Minute-Limit: 100\r\nX-Minute-Left: 99\r\nX-Minute-Ends-In: 30\r\n"

/* --- the token: "first" until it is refused --- */

struct two_tokens {
    struct token base;
    const char *first;
    bool is_renewed;
};

static bool get_token(struct token *token, const struct secret *refused, struct secret *out_bearer,
                      struct error *err)
{
    struct two_tokens *tokens = (struct two_tokens *)token;
    if (refused && strcmp(secret_reveal(refused), tokens->first) == 0) tokens->is_renewed = true;
    const char *text = tokens->is_renewed ? "second" : tokens->first;
    return secret_set(out_bearer, text, strlen(text), err);
}

static void free_token(struct token *token)
{
    free(token);
}

static struct token *make_token(const char *first)
{
    struct two_tokens *tokens = mem_zero(1, sizeof *tokens);
    tokens->base = (struct token){.get = get_token, .free = free_token};
    tokens->first = first;
    return &tokens->base;
}

/* --- the fixture --- */

struct fixture {
    struct step steps[MAX_STEPS];
    char *texts[MAX_STEPS];
    size_t count;
    const char *first_token; /* NULL: "first" */
    struct server_script *server;
    struct http *http;
    struct source *source;
    struct zone *zone;
    int64_t now_us;
    struct fake_warehouse warehouse;
    struct progress progress;
    struct run_report report;
    struct error err;
};

static struct step *answer(struct fixture *fixture, const char *when, const char *body)
{
    size_t at = fixture->count++;
    assert_true(at < MAX_STEPS);
    fixture->texts[at] = mem_format("HTTP/1.1 200 OK\r\nDate: Tue, 03 Mar 2026 12:00:00 GMT\r\n" RATE
                                    "X-Trace: t-%zu\r\nContent-Length: %zu\r\n\r\n%s",
                                    at, strlen(body), body);
    fixture->steps[at] = (struct step){.bytes = fixture->texts[at], .when = when};
    return &fixture->steps[at];
}

static void start(struct fixture *fixture, bool is_rpc)
{
    char url[64];
    log_open(STDERR_FILENO, LOG_CRITICAL);
    fixture->server = script_start(fixture->steps, fixture->count, false);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", script_port(fixture->server));
    fixture->now_us = NOW_S * INT64_C(1000000);
    fake_warehouse_init(&fixture->warehouse, &fixture->now_us);
    assert_true(zone_load("Etc/UTC", &fixture->zone, &fixture->err));
    assert_true(
        http_new(&(struct http_settings){.user_agent = "caseload/test"}, &fixture->http, &fixture->err));
    assert_true(helpline_create(
        &(struct rest_source){.http = fixture->http,
                              .token = make_token(fixture->first_token ? fixture->first_token : "first"),
                              .progress = &fixture->progress},
        url, is_rpc, &fixture->source, &fixture->err));
}

static bool run(struct fixture *fixture, const struct stream *stream)
{
    static const struct source_identity identity = {.workspace = "w1", .type = "helpline"};
    struct selection selection = {.stream = stream, .tables = {stream->table}, .table_count = 1};
    for (size_t i = 0; i < stream->child_count; i++)
        selection.tables[selection.table_count++] = stream->children[i].table;
    const struct run_context context = {
        .plan = {.zone = fixture->zone,
                 .start = day_of_civil(2026, 3, 1),
                 .lookback_days = 2,
                 .settle_minutes = 60},
        .source = fixture->source,
        .warehouse = &fixture->warehouse.base,
        .max_rejected = LIMIT_REJECTS,
        .identity = &identity,
        .progress = &fixture->progress,
    };
    const struct request request = {.selections = {&selection}, .count = 1};
    const struct run_trigger trigger = {.run_id = "r1", .message_id = "", .published_us = INT64_MAX};
    return run_request(&context, &request, &trigger, &fixture->report, &fixture->err);
}

static void expect_rows(struct fixture *fixture, const char *name, const char *const *rows, size_t count)
{
    const struct fake_table *table = fake_warehouse_table(&fixture->warehouse, name);
    assert_non_null(table);
    assert_int_equal(table->count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(table->rows[i].text, rows[i]);
}

static void end(struct fixture *fixture)
{
    fixture->source->ops->free(fixture->source);
    http_free(fixture->http);
    fake_warehouse_done(&fixture->warehouse);
    zone_free(fixture->zone);
    script_stop(fixture->server);
    for (size_t i = 0; i < fixture->count; i++)
        free(fixture->texts[i]);
}

/* --- tests --- */

#define RPC_ERROR(code, message)                                                                             \
    "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":" code ",\"message\":\"" message "\"}}"
#define RPC_LIST(total, items) "{\"jsonrpc\":\"2.0\",\"result\":{\"total\":" total ",\"items\":[" items "]}}"

static void calls_load_from_end_to_end(void **state)
{
    (void)state;
    struct fixture fixture = {.count = 0};
    (void)answer(&fixture, "\"first\"", RPC_ERROR("-32001", "token expired")); /* renewed, in the body */
    (void)answer(&fixture, "\"offset\":0", RPC_ERROR("-32003", "too often"));  /* retried */
    (void)answer(&fixture, "\"offset\":0",
                 RPC_LIST("3", "{\"id\":1,\"changedAt\":\"2026-03-01T10:00:00Z\",\"talkSeconds\":61,"
                               "\"calledBy\":{\"phoneNumber\":\"+49 30\",\"lastName\":\"Doe\"}},"
                               "{\"id\":2,\"changedAt\":\"2026-03-02T10:00:00Z\",\"talkSeconds\":\"long\"}"));
    (void)answer(&fixture, "\"offset\":2",
                 RPC_LIST("3", "{\"id\":3,\"changedAt\":1772532000,\"talk_seconds\":5,\"calledBy\":{}}"));
    start(&fixture, true);
    if (!run(&fixture, &helpline_calls.stream)) fail_msg("%s", fixture.err.text);
    static const char *const rows[] = {
        "{\"partition_date\":\"2026-03-01\",\"id\":\"1\",\"changed_at\":\"2026-03-01T10:00:00Z\","
        "\"talk_seconds\":61,\"caller\":{\"phone_number\":\"+49 30\"},"
        "\"_extra\":{\"calledBy.lastName\":\"Doe\"},\"_read_at\":\"2026-03-03T12:00:00Z\",\"_seq\":0}",
        "{\"partition_date\":\"2026-03-02\",\"id\":\"2\",\"changed_at\":\"2026-03-02T10:00:00Z\","
        "\"_extra\":{\"talkSeconds\":\"long\"},\"_read_at\":\"2026-03-03T12:00:00Z\",\"_seq\":1}",
        "{\"partition_date\":\"2026-03-03\",\"id\":\"3\",\"changed_at\":\"2026-03-03T10:00:00Z\","
        "\"_extra\":{\"talk_seconds\":5},\"_read_at\":\"2026-03-03T12:00:00Z\",\"_seq\":2}",
    };
    expect_rows(&fixture, "calls", rows, 3);
    assert_int_equal(script_requests(fixture.server), 4);
    for (size_t i = 0; i < 4; i++) {
        const char *request = script_request(fixture.server, i);
        assert_null(strstr(request, "Authorization"));
        assert_non_null(strstr(request, i == 0 ? "{\"token\":\"first\"," : "{\"token\":\"second\","));
    }
    end(&fixture);
}

static void an_error_with_status_200_is_an_error(void **state)
{
    (void)state;
    struct fixture fixture = {.count = 0};
    (void)answer(&fixture, NULL, RPC_ERROR("-32005", "no right"));
    (void)answer(&fixture, NULL, RPC_ERROR("-32602", "invalid offset"));
    start(&fixture, true);
    assert_true(run(&fixture, &helpline_calls.stream)); /* a forbidden stream does not fail the run */
    assert_true(fixture.report.streams[0].forbidden);
    assert_false(run(&fixture, &helpline_calls.stream));
    assert_int_equal(fixture.err.kind, ERROR_REFUSED);
    assert_int_equal(fixture.err.status, 400);
    assert_non_null(strstr(fixture.err.text,
                           "Helpline answered HTTP 200 -32602 (invalid offset), request id t-1; "
                           "look at the manual"));
    end(&fixture);
}

static void a_token_that_is_refused_twice_ends_the_run(void **state)
{
    (void)state;
    struct fixture fixture = {.count = 0};
    answer(&fixture, NULL, RPC_ERROR("-32001", "token expired"))->again = true;
    start(&fixture, true);
    assert_false(run(&fixture, &helpline_calls.stream));
    assert_int_equal(fixture.err.kind, ERROR_AUTH);
    assert_non_null(strstr(fixture.err.text, "make another token"));
    assert_null(strstr(fixture.err.text, "second"));
    assert_int_equal(script_requests(fixture.server), 2);
    end(&fixture);
}

static void a_token_stays_inside_its_quotes(void **state)
{
    (void)state;
    struct fixture fixture = {.first_token = "x\",\"from\":\"0"};
    start(&fixture, true);
    assert_false(run(&fixture, &helpline_calls.stream));
    assert_int_equal(fixture.err.kind, ERROR_CONFIG);
    assert_null(strstr(fixture.err.text, "\",\""));
    assert_int_equal(script_requests(fixture.server), 0);
    end(&fixture);
}

/* Answers of subrequests wait as bytes, and are judged all the same when they come. */
static void lists_of_records_load_with_numbered_pages(void **state)
{
    (void)state;
    struct fixture fixture = {.count = 0};
    (void)answer(&fixture, "GET /contacts?size=2 ",
                 "{\"found\":{\"contacts\":[{\"id\":\"a\",\"changedAt\":1772532000},"
                 "{\"id\":\"b\",\"changedAt\":1772532001}]},\"page\":{\"totalPages\":2}}");
    (void)answer(&fixture, "GET /contacts?size=2&page=2 ",
                 "{\"found\":{\"contacts\":[{\"id\":\"c\",\"changedAt\":1772532002}]},"
                 "\"page\":{\"totalPages\":2}}");
    (void)answer(&fixture, "GET /contacts/a/notes ", RPC_ERROR("-32003", "too often"));
    (void)answer(&fixture, "GET /contacts/a/notes ", "{\"found\":{\"notes\":[{\"noteText\":\"hello\"}]}}");
    (void)answer(&fixture, "GET /contacts/b/notes ", RPC_ERROR("-32602", "odd contact"));
    (void)answer(&fixture, "GET /contacts/c/notes ", "{\"found\":{\"notes\":[]}}");
    start(&fixture, false);
    if (!run(&fixture, &helpline_contacts.stream)) fail_msg("%s", fixture.err.text);
    static const char *const rows[] = {
        "{\"partition_date\":\"2026-03-03\",\"note_text\":\"hello\",\"contact_id\":\"a\","
        "\"contact_changed_at\":\"2026-03-03T10:00:00Z\",\"_read_at\":\"2026-03-03T12:00:00Z\",\"_seq\":1}",
    };
    expect_rows(&fixture, "notes", rows, 1);
    assert_int_equal(fake_warehouse_table(&fixture.warehouse, "contacts")->count, 3);
    assert_int_equal(fixture.report.streams[0].rejected, 1);
    assert_non_null(strstr(script_request(fixture.server, 0), "Authorization: Bearer first"));
    end(&fixture);
}

/* Half of 100 a minute is ours: 99 are left, and 50 are kept back. */
static void the_rate_headers_are_understood(void **state)
{
    (void)state;
    struct fixture fixture = {.count = 0};
    answer(&fixture, NULL, RPC_LIST("0", ""))->again = true;
    start(&fixture, true);
    assert_true(run(&fixture, &helpline_calls.stream));
    struct rate_limiter *limiter = ((struct rest_source *)fixture.source)->shared->limiter;
    int64_t begun = 0;
    for (; begun < 100 && rate_limiter_begin(limiter, clock_ms() + 1000) == 0; begun++)
        rate_limiter_end(limiter);
    assert_int_equal(begun, 49);
    end(&fixture);
}

/* --- lists that hold more than can be read, and limits in answers --- */

#define VISIT(id, at) "{\"id\":\"" id "\",\"seen_at\":" at "}"

static void expect_visits(struct fixture *fixture, const char *ids)
{
    const struct fake_table *table = fake_warehouse_table(&fixture->warehouse, "visits");
    assert_non_null(table);
    assert_int_equal(table->count, strlen(ids));
    for (; *ids; ids++) {
        char id[16];
        size_t found = 0;
        (void)snprintf(id, sizeof id, "\"id\":\"%c\"", *ids);
        for (size_t i = 0; i < table->count; i++)
            found += strstr(table->rows[i].text, id) != NULL;
        assert_int_equal(found, 1);
    }
}

/* From 2026-03-01 to the clock of the answer: two and a half days, in three parts. */
static void a_list_that_is_too_long_is_cut(void **state)
{
    (void)state;
    struct fixture fixture = {.count = 0};
    (void)answer(&fixture, "\"from\":1772323200,\"to\":-1,", RPC_LIST("7", VISIT("x", "1772323201")));
    (void)answer(&fixture, "\"from\":1772323200,\"to\":1772395200,",
                 RPC_LIST("3", VISIT("a", "1772323201") "," VISIT("b", "1772323202")));
    (void)answer(&fixture, "\"from\":1772323200,\"to\":1772395200,\"offset\":2",
                 RPC_LIST("3", VISIT("c", "1772323203")));
    (void)answer(&fixture, "\"from\":1772395200,\"to\":1772467200,",
                 RPC_LIST("4", VISIT("d", "1772395201"))); /* too long, too */
    (void)answer(&fixture, "\"from\":1772395200,\"to\":1772431200,", RPC_LIST("1", VISIT("d", "1772395201")));
    (void)answer(&fixture, "\"from\":1772431200,\"to\":1772467200,", RPC_LIST("0", ""));
    (void)answer(&fixture, "\"from\":1772467200,\"to\":-1,", RPC_LIST("1", VISIT("e", "1772539000")));
    start(&fixture, true);
    if (!run(&fixture, &helpline_visits.stream)) fail_msg("%s", fixture.err.text);
    expect_visits(&fixture, "abcde");
    assert_int_equal(script_requests(fixture.server), 7);
    assert_int_equal(fixture.report.streams[0].requests, 7);
    end(&fixture);
}

/* "b" has moved to the second page, so what moved to the first was not seen. */
static void pages_that_do_not_add_up_are_read_again(void **state)
{
    (void)state;
    struct fixture fixture = {.count = 0};
    (void)answer(&fixture, "\"to\":-1,\"offset\":0",
                 RPC_LIST("3", VISIT("a", "1772323201") "," VISIT("b", "1772323202")));
    (void)answer(&fixture, "\"to\":-1,\"offset\":2", RPC_LIST("3", VISIT("b", "1772323202")));
    (void)answer(
        &fixture, "\"from\":1772323200,\"to\":1772431200,",
        RPC_LIST("3", VISIT("a", "1772323201") "," VISIT("b", "1772323202") "," VISIT("c", "1772323203")));
    (void)answer(&fixture, "\"from\":1772431200,\"to\":-1,", RPC_LIST("0", ""));
    start(&fixture, true);
    if (!run(&fixture, &helpline_visits.stream)) fail_msg("%s", fixture.err.text);
    expect_visits(&fixture, "abc");
    assert_int_equal(script_requests(fixture.server), 4);
    end(&fixture);
}

/* Half of what a day allows is ours. */
static void the_limit_of_a_day_is_not_waited_for(void **state)
{
    (void)state;
    struct fixture fixture = {.count = 0};
    (void)answer(&fixture, NULL,
                 "{\"result\":{\"total\":2,\"items\":[" VISIT(
                     "a", "1772323201") "],"
                                        "\"day\":{\"limit\":10,\"left\":6}}}");
    (void)answer(&fixture, "\"offset\":1",
                 "{\"result\":{\"total\":3,\"items\":[" VISIT(
                     "b", "1772323202") "],"
                                        "\"day\":{\"limit\":10,\"left\":5}}}");
    start(&fixture, true);
    assert_false(run(&fixture, &helpline_visits.stream));
    assert_int_equal(fixture.err.kind, ERROR_BUSY);
    assert_non_null(strstr(fixture.err.text, "5 of the account's 10 requests to Helpline a day are left"));
    assert_int_equal(script_requests(fixture.server), 2);
    end(&fixture);
}

static void what_is_refused_is_left_out(void **state)
{
    (void)state;
    struct fixture fixture = {.count = 0};
    (void)answer(&fixture, "\"id mood\"", RPC_ERROR("-32602", "mood?"));
    (void)answer(&fixture, "\"id\"}",
                 RPC_LIST("1", "{\"id\":\"a\",\"seen_at\":1772323201,\"X\":\"calm\"}")); /* is prepared */
    (void)answer(&fixture, "\"id\"}", RPC_ERROR("-32602", "mood?"));                     /* once only */
    start(&fixture, true);
    if (!run(&fixture, &helpline_visits.stream)) fail_msg("%s", fixture.err.text);
    const struct fake_table *table = fake_warehouse_table(&fixture.warehouse, "visits");
    assert_int_equal(table->count, 1);
    assert_non_null(strstr(table->rows[0].text, "\"mood\":\"calm\""));
    assert_false(run(&fixture, &helpline_visits.stream));
    assert_int_equal(fixture.err.kind, ERROR_REFUSED);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_load_from_end_to_end),
        cmocka_unit_test(an_error_with_status_200_is_an_error),
        cmocka_unit_test(a_token_that_is_refused_twice_ends_the_run),
        cmocka_unit_test(a_token_stays_inside_its_quotes),
        cmocka_unit_test(lists_of_records_load_with_numbered_pages),
        cmocka_unit_test(the_rate_headers_are_understood),
        cmocka_unit_test(a_list_that_is_too_long_is_cut),
        cmocka_unit_test(pages_that_do_not_add_up_are_read_again),
        cmocka_unit_test(the_limit_of_a_day_is_not_waited_for),
        cmocka_unit_test(what_is_refused_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
