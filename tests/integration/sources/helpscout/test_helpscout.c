/* SPDX-License-Identifier: Apache-2.0 */
/* Help Scout's lists, from a scripted server: the order in which pages are read, and answers that are odd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "server_script.h"
#include "sources/sources.h"

#define STEPS_MAX 12
#define FROM_S    INT64_C(1772323200) /* 2026-03-01T00:00:00Z */
#define DAY_S     86400
#define DATE      "Date: Tue, 03 Mar 2026 12:00:00 GMT\r\n"
#define MINUTE    "X-RateLimit-Limit-Minute: 400\r\nX-RateLimit-Remaining-Minute: 399\r\n"

struct fixture {
    struct step steps[STEPS_MAX];
    char *texts[STEPS_MAX];
    size_t count;
    struct server_script *server;
    struct http *http;
    struct zone *zone;
    struct progress progress;
    struct source *source;
    char ids[512]; /* of the records that were read, in order */
    struct page last;
    struct error err;
};

/* --- the token --- */

static bool get_token(struct token *token, const struct secret *refused, struct secret *out_bearer,
                      struct error *err)
{
    (void)token, (void)refused;
    return secret_set(out_bearer, "access", 6, err);
}

static void free_token(struct token *token)
{
    free(token);
}

static bool open_client(void *self, const struct client_setting *setting, struct token **out_token,
                        struct error *err)
{
    (void)self, (void)err;
    assert_string_equal(setting->client_id, "app");
    assert_non_null(strstr(setting->token_url, "/v2/oauth2/token"));
    *out_token = mem_zero(1, sizeof **out_token);
    **out_token = (struct token){.get = get_token, .free = free_token};
    return true;
}

/* --- the fixture --- */

static void add_dated_step(struct fixture *fixture, const char *head, const char *date, const char *body)
{
    size_t at = fixture->count++;
    assert_true(at < STEPS_MAX);
    fixture->texts[at] = mem_format("HTTP/1.1 %s\r\n%s" MINUTE "Content-Length: %zu\r\n\r\n%s", head, date,
                                    strlen(body), body);
    fixture->steps[at] = (struct step){.bytes = fixture->texts[at]};
}

static void add_step(struct fixture *fixture, const char *head, const char *body)
{
    add_dated_step(fixture, head, DATE, body);
}

/* A page of customers with these ids, "1 2 3"; "": without _embedded. */
static void add_page(struct fixture *fixture, int number, int pages, int total, const char *ids)
{
    char rows[1024] = "", body[2048];
    for (const char *id = ids; *id; id += strcspn(id, " "), id += strspn(id, " ")) {
        size_t used = strlen(rows);
        (void)snprintf(rows + used, sizeof rows - used,
                       "%s{\"id\":%d,\"updatedAt\":\"2026-03-01T10:00:00Z\"}", used ? "," : "",
                       (int)strtol(id, NULL, 10));
    }
    (void)snprintf(body, sizeof body,
                   "{%s%s%s\"page\":{\"size\":50,\"totalElements\":%d,\"totalPages\":%d,\"number\":%d}}",
                   *ids ? "\"_embedded\":{\"customers\":[" : "", rows, *ids ? "]}," : "", total, pages,
                   number);
    add_step(fixture, "200 OK", body);
}

static const struct stream *stream_of(const struct source_type *type, const char *name)
{
    for (size_t i = 0; i < type->stream_count; i++)
        if (strcmp(type->streams[i]->name, name) == 0) return type->streams[i];
    fail_msg("no stream %s", name);
    return NULL;
}

static void start(struct fixture *fixture)
{
    char url[64];
    fixture->server = script_start(fixture->steps, fixture->count, false);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", script_port(fixture->server));
    assert_true(zone_load("Etc/UTC", &fixture->zone, &fixture->err));
    assert_true(
        http_new(&(struct http_settings){.user_agent = "caseload/test"}, &fixture->http, &fixture->err));
    const struct source_type *type = source_type_find("helpscout");
    void *options = mem_zero(1, type->options_size);
    const struct setting *setting;
    const char *const given[][2] = {{"base_url", url}, {"client_id", "app"}, {"rate_share", "1"}};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        setting = setting_find(&type->settings, "source", given[i][0]);
        assert_true(setting_parse(setting, options, given[i][1], &fixture->err));
    }
    const struct source_context context = {.http = fixture->http,
                                           .progress = &fixture->progress,
                                           .zone = fixture->zone,
                                           .open_client = open_client};
    assert_true(type->create(&context, options, &fixture->source, &fixture->err));
    settings_done(&type->settings, options);
    free(options);
}

static bool read_window(struct fixture *fixture, const char *name, int64_t to_s)
{
    const struct stream *stream = stream_of(source_type_find("helpscout"), name);
    const struct selection selection = {.stream = stream, .tables = {stream->table}, .table_count = 1};
    struct reader *reader = NULL;
    struct page page = {.last = false};
    bool good = fixture->source->ops->open(
        fixture->source, &selection, (struct window){.from_s = FROM_S, .to_s = to_s}, &reader, &fixture->err);
    while (good && !page.last) {
        good = fixture->source->ops->next(reader, &page, &fixture->err);
        for (size_t i = 0; good && i < page.count; i++) {
            size_t used = strlen(fixture->ids);
            (void)snprintf(fixture->ids + used, sizeof fixture->ids - used, "%s%d", used ? " " : "",
                           (int)value_integer_at(page.records[i].body, "id", -1));
        }
        if (good && page.is_contradicted) fixture->last = page;
    }
    fixture->source->ops->close(reader);
    return good;
}

/* Reads two days of customers. */
static bool read_customers(struct fixture *fixture)
{
    return read_window(fixture, "customers", FROM_S + 2 * DAY_S);
}

static void expect_pages(struct fixture *fixture, const char *pages)
{
    char found[64] = "";
    for (size_t i = 0; i < script_requests(fixture->server); i++) {
        const char *at = strstr(script_request(fixture->server, i), "&page=");
        size_t used = strlen(found);
        assert_non_null(at);
        (void)snprintf(found + used, sizeof found - used, "%s%d", used ? " " : "",
                       (int)strtol(at + 6, NULL, 10));
    }
    assert_string_equal(found, pages);
}

static void end(struct fixture *fixture)
{
    fixture->source->ops->free(fixture->source);
    http_free(fixture->http);
    zone_free(fixture->zone);
    script_stop(fixture->server);
    for (size_t i = 0; i < fixture->count; i++)
        free(fixture->texts[i]);
}

/* --- tests --- */

static void pages_are_read_from_the_last_one(void **state)
{
    (void)state;
    struct fixture fixture = {.count = 0};
    add_page(&fixture, 1, 3, 6, "1 2");
    add_page(&fixture, 3, 3, 6, "5 6");
    add_page(&fixture, 2, 3, 6, "3 4");
    start(&fixture);
    if (!read_customers(&fixture)) fail_msg("%s", fixture.err.text);
    expect_pages(&fixture, "1 3 2"); /* nothing has changed: the first page is as it was */
    assert_string_equal(fixture.ids, "5 6 3 4 1 2");
    assert_false(fixture.last.is_contradicted);
    assert_non_null(
        strstr(script_request(fixture.server, 0),
               "GET /v2/customers?sortField=modifiedAt&sortOrder=asc&query=%28modifiedAt%3A%5B2026-03-"
               "01T00%3A00%3A00Z%20TO%202026-03-02T23%3A59%3A59Z%5D%29&page=1 "));
    end(&fixture);
}

/* Record 2 leaves: 3 moves onto the first page, and would be lost if pages were read in their order. */
static void a_record_that_leaves_hides_no_other(void **state)
{
    (void)state;
    struct fixture fixture = {.count = 0};
    add_page(&fixture, 1, 3, 6, "1 2");
    add_page(&fixture, 3, 3, 6, "5 6");
    add_page(&fixture, 2, 3, 5, "4 5");
    add_page(&fixture, 1, 3, 5, "1 3");
    start(&fixture);
    if (!read_customers(&fixture)) fail_msg("%s", fixture.err.text);
    expect_pages(&fixture, "1 3 2 1");
    assert_string_equal(fixture.ids, "5 6 4 5 1 3");
    assert_false(fixture.last.is_contradicted);
    end(&fixture);
}

static void a_list_that_ends_early_is_told(void **state)
{
    (void)state;
    struct fixture fixture = {.count = 0};
    add_page(&fixture, 1, 2, 4, "1 2");
    add_page(&fixture, 2, 2, 4, "3");
    start(&fixture);
    if (!read_customers(&fixture)) fail_msg("%s", fixture.err.text);
    assert_true(fixture.last.is_contradicted);
    assert_int_equal(fixture.last.expected, 4);
    assert_int_equal(fixture.last.received, 3);
    end(&fixture);
}

/* The number of the page is ignored: each answer is the same. */
static void one_page_again_and_again_is_no_list(void **state)
{
    (void)state;
    struct fixture fixture = {.count = 0};
    add_page(&fixture, 1, 3, 6, "1 2");
    add_page(&fixture, 3, 3, 6, "1 2");
    add_page(&fixture, 2, 3, 6, "1 2");
    start(&fixture);
    if (!read_customers(&fixture)) fail_msg("%s", fixture.err.text);
    assert_true(fixture.last.is_contradicted);
    assert_int_equal(fixture.last.received, 2);
    end(&fixture);
}

static void an_empty_list_has_nothing_embedded(void **state)
{
    (void)state;
    struct fixture fixture = {.count = 0};
    add_page(&fixture, 0, 0, 0, "");
    start(&fixture);
    if (!read_customers(&fixture)) fail_msg("%s", fixture.err.text);
    assert_string_equal(fixture.ids, "");
    assert_false(fixture.last.is_contradicted);
    end(&fixture);
}

static void expect_failure(const char *body, const char *says)
{
    struct fixture fixture = {.count = 0};
    add_step(&fixture, "200 OK", body);
    start(&fixture);
    assert_false(read_customers(&fixture));
    assert_int_equal(fixture.err.kind, ERROR_FORMAT);
    if (!strstr(fixture.err.text, says)) fail_msg("%s", fixture.err.text);
    end(&fixture);
}

static void an_answer_that_is_no_page_is_refused(void **state)
{
    (void)state;
    expect_failure("{\"customers\":[]}", "the answer has no list \"_embedded.customers\"");
    expect_failure("{\"_embedded\":{\"customers\":[{\"id\":1}]}}", "does not say how many pages there are");
    expect_failure("{\"_embedded\":{\"customers\":[{\"id\":1}]},\"page\":{\"totalElements\":1,\"totalPages\":"
                   "1,\"number\":4}}",
                   "the answer is page 4");
}

/* Not the standard header, and not always a number. */
static void a_refusal_is_waited_for(void **state)
{
    (void)state;
    struct fixture fixture = {.count = 0};
    add_step(&fixture, "429 Too Many Requests\r\nX-RateLimit-Retry-After: 1",
             "{\"message\":\"API rate limit exceeded\"}");
    add_page(&fixture, 1, 1, 1, "1");
    start(&fixture);
    if (!read_customers(&fixture)) fail_msg("%s", fixture.err.text);
    assert_string_equal(fixture.ids, "1");
    assert_int_equal(script_requests(fixture.server), 2);
    end(&fixture);
}

#define TEST(function) cmocka_unit_test(function)

#define NO_RATINGS "{\"results\":[],\"page\":1,\"count\":0,\"pages\":1}"

/* The source has not asked for a long time: where the list ends is known from the first answer. */
static void an_open_window_ends_at_the_newest_clock(void **state)
{
    (void)state;
    struct fixture fixture = {.count = 0};
    add_dated_step(&fixture, "200 OK", "Date: Mon, 02 Mar 2026 12:00:00 GMT\r\n", NO_RATINGS);
    add_dated_step(&fixture, "200 OK", "Date: Mon, 02 Mar 2026 12:00:00 GMT\r\n", NO_RATINGS);
    add_step(&fixture, "200 OK", NO_RATINGS);
    add_step(&fixture, "200 OK", NO_RATINGS);
    start(&fixture);
    assert_true(read_window(&fixture, "happiness_ratings", WINDOW_OPEN));
    assert_true(read_window(&fixture, "happiness_ratings", WINDOW_OPEN)); /* a day later */
    assert_int_equal(script_requests(fixture.server), 4);
    assert_non_null(strstr(script_request(fixture.server, 1), "end=2026-03-02T12%3A00%3A01"));
    assert_non_null(strstr(script_request(fixture.server, 2), "end=2026-03-02T12%3A00%3A01"));
    assert_non_null(strstr(script_request(fixture.server, 3), "end=2026-03-03T12%3A00%3A01"));
    end(&fixture);
}

static void an_open_window_without_clock_has_no_end(void **state)
{
    (void)state;
    static const char *const streams[] = {"happiness_ratings", "conversations"};
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        struct fixture fixture = {.count = 0};
        add_dated_step(&fixture, "200 OK", "", NO_RATINGS);
        start(&fixture);
        assert_false(read_window(&fixture, streams[i], WINDOW_OPEN));
        assert_int_equal(fixture.err.kind, ERROR_FORMAT);
        if (!strstr(fixture.err.text, "\"Date\"")) fail_msg("%s", fixture.err.text);
        end(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pages_are_read_from_the_last_one),
        TEST(a_record_that_leaves_hides_no_other),
        TEST(a_list_that_ends_early_is_told),
        TEST(one_page_again_and_again_is_no_list),
        TEST(an_empty_list_has_nothing_embedded),
        TEST(an_answer_that_is_no_page_is_refused),
        TEST(a_refusal_is_waited_for),
        TEST(an_open_window_ends_at_the_newest_clock),
        TEST(an_open_window_without_clock_has_no_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
