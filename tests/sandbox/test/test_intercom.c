/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "sandbox_internal.h"
#include "test/client.h"
#include "workspace/collection.h"

/* The workspace's days begin at 08:00 UTC in winter. */
#define MIDNIGHT_S INT64_C(1767945600) /* 2026-01-09T08:00:00Z: the 9th begins in Los Angeles */
#define DAY_S      86400
#define HEADERS(version)                                                                                     \
    "Authorization: Bearer sandbox-token\r\nAccept: application/json\r\nContent-Type: application/json\r\n"  \
    "Intercom-Version: " version "\r\n"

static const char v16[] = HEADERS("2.16"), v17[] = HEADERS("2.17");

static void add(struct sandbox *sandbox, const char *id, int64_t updated_s, const char *role)
{
    AUTO(json_drop)
    json_t *record = json_pack("{s:s, s:I, s:I, s:s}", "id", id, "created_at", (json_int_t)(updated_s - 100),
                               "updated_at", (json_int_t)updated_s, "role", role);
    assert_true(collection_put(sandbox_collection(sandbox, "contacts"), record, updated_s));
}

static int set_up(void **state)
{
    struct sandbox *sandbox;
    struct error err;
    if (!sandbox_start(&(struct sandbox_options){.seed = 1, .start_s = MIDNIGHT_S + 10 * DAY_S}, &sandbox,
                       &err))
        return -1;
    add(sandbox, "a", MIDNIGHT_S - 1, "user");
    add(sandbox, "b", MIDNIGHT_S, "lead");
    add(sandbox, "c", MIDNIGHT_S + DAY_S - 1, "user");
    add(sandbox, "d", MIDNIGHT_S + DAY_S, "user");
    add(sandbox, "e", MIDNIGHT_S + 2 * DAY_S, "user");
    *state = sandbox;
    return 0;
}

static int tear_down(void **state)
{
    sandbox_stop(*state);
    return 0;
}

/* The reply's JSON, yours, after a check of its status. */
static json_t *call(void **state, const char *method, const char *target, const char *headers,
                    const char *body, int status)
{
    struct sandbox *sandbox = *state;
    struct answer answer = client_request(sandbox_http_port(sandbox), method, target, headers, body);
    if (answer.status != status)
        fail_msg("wanted %d for %s, got: %.400s", status, body ? body : target, buf_string(&answer.all));
    json_t *reply = client_json(&answer);
    assert_non_null(reply);
    assert_non_null(strstr(buf_string(&answer.all), "X-Request-Id: "));
    answer_done(&answer);
    return reply;
}

static void refused(void **state, const char *headers, const char *body, int status, const char *code)
{
    AUTO(json_drop) json_t *reply = call(state, "POST", "/contacts/search", headers, body, status);
    assert_string_equal(json_text_at(reply, "type"), "error.list");
    assert_non_null(json_text_at(reply, "request_id"));
    assert_string_equal(json_text_at(json_array_get(json_object_get(reply, "errors"), 0), "code"), code);
}

/* The ids found, in order, as one text. */
static void found(void **state, const char *headers, const char *query, const char *expected)
{
    AUTO(mem_free)
    char *body =
        mem_format("{\"query\":%s,\"sort\":{\"field\":\"updated_at\",\"order\":\"ascending\"}}", query);
    AUTO(json_drop) json_t *reply = call(state, "POST", "/contacts/search", headers, body, 200);
    json_t *data = json_object_get(reply, "data");
    char ids[16] = "";
    for (size_t i = 0; i < json_array_size(data) && i < 10; i++)
        ids[i] = json_text_at(json_array_get(data, i), "id")[0];
    assert_string_equal(ids, expected);
    assert_int_equal(json_int_at(reply, "total_count", -1), strlen(expected));
}

static void filter(void **state, const char *headers, const char *relation, int64_t value,
                   const char *expected)
{
    char query[160];
    snprintf(query, sizeof query, "{\"field\":\"updated_at\",\"operator\":\"%s\",\"value\":%lld}", relation,
             (long long)value);
    found(state, headers, query, expected);
    snprintf(query, sizeof query, "{\"field\":\"updated_at\",\"operator\":\"%s\",\"value\":\"%lld\"}",
             relation, (long long)value);
    found(state, headers, query, expected);
}

static void test_me(void **state)
{
    AUTO(json_drop) json_t *me = call(state, "GET", "/me", v16, NULL, 200);
    assert_string_equal(json_text_at(me, "app.id_code"), "sandbox1");
    assert_string_equal(json_text_at(me, "app.timezone"), "America/Los_Angeles");
}

#define QUERY_ALL "{\"query\":{\"field\":\"updated_at\",\"operator\":\">\",\"value\":0}}"

static void test_headers_are_checked(void **state)
{
    refused(state, "", QUERY_ALL, 401, "unauthorized");
    refused(state, "Authorization: Bearer sandbox-token2\r\n", QUERY_ALL, 401, "unauthorized");
    static const char token[] = "Authorization: Bearer sandbox-token\r\n";
    refused(state, token, QUERY_ALL, 400, "intercom_version_invalid");
    refused(state, HEADERS("2.10"), QUERY_ALL, 400, "intercom_version_invalid");
    refused(state, HEADERS("2.18"), QUERY_ALL, 400, "intercom_version_invalid");
    refused(state, HEADERS("Preview"), QUERY_ALL, 400, "intercom_version_invalid");
    refused(state, "Authorization: Bearer sandbox-token\r\nIntercom-Version: 2.16\r\n", QUERY_ALL, 406,
            "client_error");
    refused(state, "Authorization: Bearer sandbox-token\r\nIntercom-Version: 2.16\r\nAccept: */*\r\n",
            QUERY_ALL, 415, "client_error");
}

static void test_dates_are_days_of_the_workspace_up_to_2_16(void **state)
{
    filter(state, v16, ">", MIDNIGHT_S, "de"); /* the rest of its own day is not found */
    filter(state, v16, ">", MIDNIGHT_S - 1, "bcde");
    filter(state, v16, "<", MIDNIGHT_S + DAY_S - 1, "a");
    filter(state, v16, "<", MIDNIGHT_S + DAY_S, "abc");
    filter(state, v16, "=", MIDNIGHT_S + 500, "bc");
}

static void test_dates_are_seconds_from_2_17_on(void **state)
{
    filter(state, v17, ">", MIDNIGHT_S, "cde");
    filter(state, v17, "<", MIDNIGHT_S + DAY_S - 1, "ab");
    filter(state, v17, "=", MIDNIGHT_S + DAY_S, "d");
}

static void test_milliseconds_match_nothing(void **state)
{
    filter(state, v16, ">", MIDNIGHT_S * 1000, "");
    filter(state, v16, "<", MIDNIGHT_S * 1000, "");
}

#define DATE(field, relation, value)                                                                         \
    "{\"field\":\"" field "\",\"operator\":\"" relation "\",\"value\":" value "}"
#define ROLE(role) "{\"field\":\"role\",\"operator\":\"=\",\"value\":\"" role "\"}"

static void test_groups(void **state)
{
    found(state, v17,
          "{\"operator\":\"AND\",\"value\":[" DATE("updated_at", ">", "1767945600") "," DATE(
              "updated_at", "<", "1768032000") "]}",
          "c");
    found(state, v17,
          "{\"operator\":\"AND\",\"value\":[" DATE("updated_at", "<", "1768032000") "," ROLE("user") "]}",
          "ac");
    found(state, v17,
          "{\"operator\":\"OR\",\"value\":[" ROLE("lead") "," DATE("updated_at", ">", "1768118399") "]}",
          "be");
    found(state, v17,
          "{\"operator\":\"AND\",\"value\":[{\"operator\":\"OR\",\"value\":[" ROLE("lead") "," ROLE(
              "user") "]}," DATE("created_at", "=", "1767945500") "]}",
          "b");
    found(state, v16, "{\"field\":\"id\",\"operator\":\"!=\",\"value\":\"a\"}", "bcde");
}

static void test_queries_are_checked(void **state)
{
    static const struct {
        const char *body, *code;
    } bad[] = {
        {"[]", "bad_request"},
        {"{", "bad_request"},
        {"{}", "parameter_not_found"},
        {"{\"query\":" DATE("updated_at", ">=", "1") "}", "parameter_invalid"},
        {"{\"query\":" DATE("updated_at", "<=", "1") "}", "parameter_invalid"},
        {"{\"query\":" DATE("updated_at", "!=", "1") "}", "parameter_invalid"},
        {"{\"query\":" DATE("updated_at", ">", "\"yesterday\"") "}", "type_mismatch"},
        {"{\"query\":" DATE("updated_att", ">", "1") "}", "invalid_field"},
        {"{\"query\":{\"operator\":\"XOR\",\"value\":[" ROLE("user") "]}}", "parameter_invalid"},
        {"{\"query\":{\"operator\":\"AND\",\"value\":[]}}", "parameter_invalid"},
        {"{\"query\":{\"operator\":\"AND\",\"value\":[{\"operator\":\"AND\",\"value\":[{\"operator\":\"AND\","
         "\"value\":[" ROLE("user") "]}]}]}}",
         "parameter_invalid"},
        {"{\"query\":" ROLE("user") ",\"sort\":{\"field\":\"updated_at\",\"order\":\"desc\"}}",
         "invalid_sort_order"},
        {"{\"query\":" ROLE("user") ",\"pagination\":{\"per_page\":151}}", "parameter_invalid"},
        {"{\"query\":" ROLE("user") ",\"pagination\":{\"per_page\":0}}", "parameter_invalid"},
        {"{\"query\":" ROLE("user") ",\"pagination\":{\"starting_after\":\"WzEsMiwzXQ==\"}}",
         "parameter_invalid"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused(state, v16, bad[i].body, 400, bad[i].code);
}

/* One page of the query; the next cursor replaces the old. */
static json_t *page(void **state, const char *order, int per_page, char **cursor)
{
    AUTO(mem_free)
    char *body = mem_format(
        "{\"query\":" DATE("updated_at", ">", "0") ",\"sort\":{\"field\":\"updated_at\",\"order\":"
                                                   "\"%s\"},\"pagination\":{\"per_page\":%d%s%s%s}}",
        order, per_page, *cursor ? ",\"starting_after\":\"" : "", *cursor ? *cursor : "",
        *cursor ? "\"" : "");
    json_t *reply = call(state, "POST", "/contacts/search", v16, body, 200);
    mem_free(cursor);
    *cursor = mem_text(json_text_at(reply, "pages.next.starting_after"));
    return reply;
}

static void test_pages(void **state)
{
    AUTO(mem_free) char *cursor = NULL;
    AUTO(json_drop) json_t *first = page(state, "ascending", 2, &cursor);
    assert_string_equal(json_text_at(json_array_get(json_object_get(first, "data"), 1), "id"), "b");
    assert_int_equal(json_int_at(first, "pages.page", 0), 1);
    assert_int_equal(json_int_at(first, "pages.per_page", 0), 2);
    assert_int_equal(json_int_at(first, "pages.total_pages", 0), 3);
    assert_int_equal(json_int_at(first, "pages.next.page", 0), 2);
    add(*state, "b", MIDNIGHT_S + 3 * DAY_S,
        "lead"); /* the cursor's own record moves away: nothing is skipped */
    AUTO(json_drop) json_t *second = page(state, "ascending", 2, &cursor);
    assert_string_equal(json_text_at(json_array_get(json_object_get(second, "data"), 0), "id"), "c");
    assert_int_equal(json_int_at(second, "pages.page", 0), 2);
    AUTO(json_drop) json_t *third = page(state, "ascending", 150, &cursor);
    assert_int_equal(json_array_size(json_object_get(third, "data")), 2);
    assert_null(cursor);
    assert_null(json_at(third, "pages.next"));
    AUTO(json_drop) json_t *last = page(state, "descending", 1, &cursor);
    assert_string_equal(json_text_at(json_array_get(json_object_get(last, "data"), 0), "id"), "b");
}

static void test_a_cursor_belongs_to_its_query(void **state)
{
    AUTO(mem_free) char *cursor = NULL;
    json_decref(page(state, "ascending", 2, &cursor));
    AUTO(mem_free)
    char *body = mem_format(
        "{\"query\":" DATE("updated_at", ">", "5") ",\"pagination\":{\"starting_after\":\"%s\"}}", cursor);
    refused(state, v16, body, 400, "parameter_invalid");
}

static void change(struct sandbox *sandbox, const char *body)
{
    struct answer answer = client_request(sandbox_http_port(sandbox), "POST", "/control/workspace",
                                          "Content-Type: application/json\r\n", body);
    assert_int_equal(answer.status, 200);
    answer_done(&answer);
}

static void test_the_index_lags_as_far_as_set(void **state)
{
    struct sandbox *sandbox = *state;
    virtual_clock_advance(sandbox->clock, INT64_C(1000000) * DAY_S);
    int64_t now_s = virtual_clock_peek(sandbox->clock) / 1000000;
    add(sandbox, "f", now_s - 30, "user");
    filter(state, v16, ">", MIDNIGHT_S + DAY_S, "ef");
    change(sandbox, "{\"index_lag_s\":60}");
    filter(state, v16, ">", MIDNIGHT_S + DAY_S, "e");
    virtual_clock_advance(sandbox->clock, INT64_C(30000000));
    filter(state, v16, ">", MIDNIGHT_S + DAY_S, "ef");
}

static void test_the_rate_is_limited(void **state)
{
    struct sandbox *sandbox = *state;
    change(sandbox, "{\"rate_limit\":2}");
    int refusals = 0;
    for (int i = 0; i < 5; i++) { /* in at most two windows of ten seconds */
        struct answer answer = client_request(sandbox_http_port(sandbox), "GET", "/me", v16, NULL);
        refusals += answer.status == 429 && strstr(answer.body, "rate_limit_exceeded");
        assert_non_null(strstr(buf_string(&answer.all), "X-RateLimit-Limit: 2\r\n"));
        answer_done(&answer);
    }
    assert_true(refusals >= 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_me),
        TEST(test_headers_are_checked),
        TEST(test_dates_are_days_of_the_workspace_up_to_2_16),
        TEST(test_dates_are_seconds_from_2_17_on),
        TEST(test_milliseconds_match_nothing),
        TEST(test_groups),
        TEST(test_queries_are_checked),
        TEST(test_pages),
        TEST(test_a_cursor_belongs_to_its_query),
        TEST(test_the_index_lags_as_far_as_set),
        TEST(test_the_rate_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
