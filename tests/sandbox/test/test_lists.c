/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of Intercom's API, over the wire of a whole sandbox. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "sandbox_internal.h"
#include "test/client.h"
#include "workspace/collection.h"

#define DAY_S   86400
#define START_S INT64_C(1772424000) /* 2026-03-02T04:00:00Z */
#define HEADERS(version)                                                                                     \
    "Authorization: Bearer sandbox-token\r\nAccept: application/json\r\nIntercom-Version: " version "\r\n"

static const char v11[] = HEADERS("2.11"), v15[] = HEADERS("2.15"), v16[] = HEADERS("2.16"),
                  v17[] = HEADERS("2.17");

static int set_up(void **state)
{
    struct sandbox *sandbox;
    struct error err;
    struct sandbox_options options = {.seed = 5};
    if (!sandbox_start(&options, &sandbox, &err)) return -1;
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
    struct answer answer = client_request(sandbox_http_port(*state), method, target, headers, body);
    if (answer.status != status)
        fail_msg("wanted %d for %s, got: %.600s", status, body ? body : target, buf_string(&answer.all));
    json_t *reply = client_json(&answer);
    assert_non_null(reply);
    answer_done(&answer);
    return reply;
}

static json_t *get(void **state, const char *target)
{
    return call(state, "GET", target, v16, NULL, 200);
}

static void refused(void **state, const char *target, const char *headers, int status, const char *code)
{
    AUTO(json_drop) json_t *reply = call(state, "GET", target, headers, NULL, status);
    assert_string_equal(json_text_at(reply, "type"), "error.list");
    assert_string_equal(json_text_at(json_array_get(json_object_get(reply, "errors"), 0), "code"), code);
}

static void change(void **state, const char *body)
{
    json_decref(call(state, "POST", "/control/workspace", "Content-Type: application/json\r\n", body, 200));
}

static size_t current(void **state, const char *kind)
{
    const struct sandbox *sandbox = *state;
    return collection_count(sandbox_collection(sandbox, kind));
}

/* --- whole lists --- */

static void test_whole_lists(void **state)
{
    static const struct {
        const char *target, *kind, *type, *key;
    } lists[] = {
        {"/teams", "teams", "team.list", "teams"},
        {"/tags", "tags", "list", "data"},
        {"/segments", "segments", "segment.list", "segments"},
        {"/data_attributes?model=contact&include_archived=true", "contact_attributes", "list", "data"},
        {"/data_attributes?model=company&include_archived=true", "company_attributes", "list", "data"},
        {"/conversations/attributes?include_archived=true", "conversation_attributes", "list", "data"},
        {"/ticket_types", "ticket_types", "list", "data"},
        {"/ticket_states", "ticket_states", "list", "data"},
        {"/subscription_types", "subscription_types", "list", "data"},
        {"/away_status_reasons", "away_status_reasons", "list", "data"},
        {"/help_center/help_centers", "help_centers", "list", "data"},
        {"/brands", "brands", "list", "data"},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        AUTO(json_drop) json_t *reply = get(state, lists[i].target);
        assert_string_equal(json_text_at(reply, "type"), lists[i].type);
        assert_int_equal(json_array_size(json_object_get(reply, lists[i].key)),
                         current(state, lists[i].kind));
        assert_in_range(current(state, lists[i].kind), 5, 60);
        assert_null(json_object_get(reply, "pages"));
    }
    refused(state, "/teams?per_page=5", v16, 400, "parameter_invalid");
    refused(state, "/tags", "Accept: */*\r\n", 401, "unauthorized");
}

static size_t count_with(const json_t *records, const char *member)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(records); i++)
        count += json_object_get(json_array_get(records, i), member) != NULL;
    return count;
}

static void test_lists_say_more_when_asked(void **state)
{
    AUTO(json_drop) json_t *bare = get(state, "/segments");
    AUTO(json_drop) json_t *counted = get(state, "/segments?include_count=true");
    assert_int_equal(count_with(json_object_get(bare, "segments"), "count"), 0);
    assert_int_equal(count_with(json_object_get(counted, "segments"), "count"), 9);
    AUTO(json_drop) json_t *living = get(state, "/data_attributes?model=contact");
    size_t all = current(state, "contact_attributes");
    assert_in_range(json_array_size(json_object_get(living, "data")), 4, all - 1);
    refused(state, "/segments?include_count=1", v16, 400, "parameter_invalid");
    refused(state, "/data_attributes", v16, 400, "parameter_invalid");
    refused(state, "/data_attributes?model=ticket", v16, 400, "parameter_invalid");
}

static void test_lists_begin_with_a_version(void **state)
{
    static const struct {
        const char *target;
        int minor; /* the first that has it */
    } lists[] = {{"/ticket_states", 12},
                 {"/ai/external_pages", 12},
                 {"/internal_articles", 13},
                 {"/calls", 14},
                 {"/away_status_reasons", 14},
                 {"/brands", 15},
                 {"/content_snippets", 16},
                 {"/audiences", 16},
                 {"/macros", 16},
                 {"/conversations/attributes", 16},
                 {"/custom_object_instances/Order", 16}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        char headers[256];
        for (int minor = lists[i].minor - 1; minor <= lists[i].minor; minor++) {
            snprintf(headers, sizeof headers, "%.*s%d\r\n", (int)(strlen(v11) - 4), v11, minor);
            if (minor < lists[i].minor)
                refused(state, lists[i].target, headers, 400, "intercom_version_invalid");
            else
                json_decref(call(state, "GET", lists[i].target, headers, NULL, 200));
        }
    }
    static const char old[] = "/data_attributes?model=conversation&include_archived=true";
    AUTO(json_drop) json_t *attributes = call(state, "GET", old, v15, NULL, 200);
    assert_int_equal(json_array_size(json_object_get(attributes, "data")),
                     current(state, "conversation_attributes"));
    refused(state, old, v16, 422, "parameter_invalid");
}

/* --- pages --- */

/* Reads a list to its end; how many different ids there were, and *out_pages. */
static size_t read_all(void **state, const char *target, const char *list, size_t *out_pages)
{
    AUTO(json_drop) json_t *ids = json_object();
    AUTO(mem_free) char *next = mem_text(target);
    for (*out_pages = 0; next && *out_pages < 200; ++*out_pages) {
        AUTO(json_drop) json_t *reply = get(state, next);
        const json_t *records = json_object_get(reply, list), *pages = json_object_get(reply, "pages");
        const char *link = json_text_at(pages, "next"), *cursor = json_text_at(pages, "next.starting_after");
        if (!pages) pages = reply;
        int64_t page = json_int_at(pages, "page", 0), total = json_int_at(pages, "total_pages", 0);
        for (size_t i = 0; i < json_array_size(records); i++) {
            AUTO(mem_free)
            char *id = json_dumps(json_object_get(json_array_get(records, i), "id"), JSON_ENCODE_ANY);
            json_object_set_new(ids, id, json_true());
        }
        mem_free(&next);
        next = NULL;
        if (link)
            next = mem_text(strchr(link + strlen("http://"), '/'));
        else if (cursor)
            next = mem_format("%s&starting_after=%s", target, cursor);
        else if (page > 0 && page < total && !json_object_get(pages, "next"))
            next = mem_format("%s&page=%" PRId64, target, page + 1);
    }
    return json_object_size(ids);
}

static void test_lists_are_read_page_by_page(void **state)
{
    static const struct {
        const char *target, *kind;
        size_t pages;
    } lists[] = {
        {"/articles", "articles", 3}, /* 58, 25 a page */
        {"/articles?per_page=150", "articles", 1},
        {"/articles?per_page=29", "articles", 2},
        {"/internal_articles?per_page=10", "internal_articles", 3},
        {"/news/news_items", "news_items", 3},
        {"/news/newsfeeds?per_page=5", "newsfeeds", 2},
        {"/help_center/collections", "collections", 2},
        {"/ai/content_import_sources?per_page=2", "content_import_sources", 3},
        {"/ai/external_pages?per_page=37", "external_pages", 1},
        {"/calls?per_page=25", "calls", 2},
        {"/content_snippets?per_page=3", "content_snippets", 5},
        {"/audiences?per_page=3", "audiences", 3},
        {"/macros?per_page=5", "macros", 4},
        {"/macros?per_page=19", "macros", 1},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        size_t pages, found = read_all(state, lists[i].target, "data", &pages);
        if (found != current(state, lists[i].kind) || pages != lists[i].pages)
            fail_msg("%s: %zu records on %zu pages", lists[i].target, found, pages);
    }
    size_t pages, orders = read_all(state, "/custom_object_instances/Order?per_page=4", "data", &pages);
    assert_int_equal(orders + read_all(state, "/custom_object_instances/Vehicle?per_page=4", "data", &pages),
                     current(state, "custom_object_instances"));
    assert_int_equal(pages, 4);
}

static void test_pages_beyond_and_wrong_sizes(void **state)
{
    AUTO(json_drop) json_t *beyond = get(state, "/articles?page=9&per_page=150");
    assert_int_equal(json_array_size(json_object_get(beyond, "data")), 0);
    assert_true(json_is_null(json_at(beyond, "pages.next")));
    assert_int_equal(json_int_at(beyond, "pages.total_pages", -1), 1);
    change(state, "{\"remove\": {\"kind\": \"calls\", \"count\": 33}}");
    AUTO(json_drop) json_t *none = get(state, "/calls");
    assert_int_equal(json_int_at(none, "pages.total_pages", -1), 0);
    static const char *const wrong[] = {"/articles?per_page=151",
                                        "/articles?per_page=0",
                                        "/articles?page=0",
                                        "/articles?per_page=x",
                                        "/articles?starting_after=x",
                                        "/calls?per_page=26",
                                        "/audiences?per_page=51",
                                        "/content_snippets?per_page=51",
                                        "/macros?per_page=151",
                                        "/macros?starting_after=x",
                                        "/macros?page=2",
                                        "/macros?updated_since=yesterday",
                                        "/articles?updated_since=1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refused(state, wrong[i], v16, 400, "parameter_invalid");
    refused(state, "/custom_object_instances/Ghost", v16, 404, "not_found");
}

static void test_orders_and_filters(void **state)
{
    AUTO(json_drop) json_t *articles = get(state, "/articles?per_page=150");
    const json_t *data = json_object_get(articles, "data");
    for (size_t i = 1; i < json_array_size(data); i++)
        assert_true(json_int_at(json_array_get(data, i - 1), "updated_at", 0) >=
                    json_int_at(json_array_get(data, i), "updated_at", 0));
    change(state, "{\"touch\": {\"kind\": \"macros\", \"count\": 3}}");
    char target[96];
    snprintf(target, sizeof target, "/macros?updated_since=%" PRId64, START_S - 1);
    AUTO(json_drop) json_t *macros = get(state, target);
    assert_int_equal(json_array_size(json_object_get(macros, "data")), 3);
    assert_true(json_is_null(json_at(macros, "pages.next")));
    snprintf(target, sizeof target, "/macros?updated_since=%" PRId64, START_S);
    AUTO(json_drop) json_t *later = get(state, target);
    assert_int_equal(json_array_size(json_object_get(later, "data")), 0);
}

/* --- activity logs --- */

static void window(char *out, size_t size, int64_t from_s, int64_t to_s, int per_page)
{
    snprintf(out, size,
             "/admins/activity_logs?created_at_after=%" PRId64 "&created_at_before=%" PRId64 "&per_page=%d",
             from_s, to_s, per_page);
}

static void test_activity_is_read_in_windows(void **state)
{
    char target[160];
    size_t found = 0, pages, most_pages = 0;
    for (int64_t from_s = START_S - 56 * DAY_S; from_s < START_S; from_s += 7 * DAY_S) {
        window(target, sizeof target, from_s - 1, from_s + 7 * DAY_S, 3);
        found += read_all(state, target, "activity_logs", &pages);
        most_pages = pages > most_pages ? pages : most_pages;
    }
    assert_int_equal(found, current(state, "activity_logs"));
    assert_in_range(most_pages, 2, 20);
    window(target, sizeof target, START_S - 8 * DAY_S, START_S, 250);
    refused(state, target, v16, 500, "server_error");
    window(target, sizeof target, START_S - 5 * DAY_S, START_S, 251);
    refused(state, target, v16, 400, "parameter_invalid");
    refused(state, "/admins/activity_logs", v16, 400, "parameter_not_found");
    refused(state, "/admins/activity_logs", v17, 500, "server_error"); /* thirty days */
}

static void test_activity_goes_on(void **state)
{
    char target[160];
    change(state,
           "{\"fill\": {\"kind\": \"activity_logs\", \"from\": \"2026-03-02\", \"to\": \"2026-03-02\", "
           "\"count\": 40}}");
    window(target, sizeof target, START_S / DAY_S * DAY_S - 1, START_S / DAY_S * DAY_S + DAY_S, 250);
    AUTO(json_drop) json_t *reply = get(state, target);
    const json_t *events = json_object_get(reply, "activity_logs");
    assert_int_equal(json_array_size(events), 40);
    for (size_t i = 1; i < 40; i++)
        assert_true(json_int_at(json_array_get(events, i - 1), "created_at", 0) >=
                    json_int_at(json_array_get(events, i), "created_at", 0));
    int64_t newest_s = json_int_at(json_array_get(events, 0), "created_at", 0); /* neither bound is within */
    window(target, sizeof target, newest_s, newest_s + DAY_S, 250);
    AUTO(json_drop) json_t *behind = get(state, target);
    assert_int_equal(json_array_size(json_object_get(behind, "activity_logs")), 0);
    window(target, sizeof target, newest_s - 1, newest_s + 1, 250);
    AUTO(json_drop) json_t *exact = get(state, target);
    assert_int_not_equal(json_array_size(json_object_get(exact, "activity_logs")), 0);
}

/* --- control --- */

static void test_lists_are_changed(void **state)
{
    change(state, "{\"fill\": {\"kind\": \"tags\", \"from\": \"2026-01-05\", \"to\": \"2026-02-01\", "
                  "\"count\": 7}}");
    assert_int_equal(current(state, "tags"), 30);
    change(state, "{\"add\": {\"kind\": \"tags\", \"record\": {\"type\": \"tag\", \"id\": \"x\", "
                  "\"name\": null}}}");
    change(state, "{\"touch\": {\"kind\": \"tags\", \"id\": \"10401\"}}");
    change(state, "{\"touch\": {\"kind\": \"tags\", \"every\": 4}}");
    change(state, "{\"remove\": {\"kind\": \"tags\", \"id\": \"10402\"}}");
    AUTO(json_drop) json_t *reply = get(state, "/tags");
    const json_t *tags = json_object_get(reply, "data");
    assert_int_equal(json_array_size(tags), 30);
    assert_string_equal(json_text_at(json_array_get(tags, 0), "sandbox_revision"), "1");
    assert_string_equal(json_text_at(json_array_get(tags, 29), "id"), "x");
    static const char *const wrong[] = {"{\"touch\": {\"kind\": \"poems\", \"count\": 1}}",
                                        "{\"fill\": {\"kind\": \"tags\"}}",
                                        "{\"touch\": {\"kind\": \"tags\"}}",
                                        "{\"touch\": {\"kind\": \"activity_logs\", \"count\": 1}}",
                                        "{\"add\": {\"kind\": \"tags\", \"record\": {\"name\": \"x\"}}}",
                                        "{\"remove\": {\"kind\": \"tags\", \"id\": \"10402\"}}",
                                        "{\"remove\": {\"kind\": \"tags\", \"count\": 31}}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        json_decref(
            call(state, "POST", "/control/workspace", "Content-Type: application/json\r\n", wrong[i], 400));
}

static void test_faults_have_the_lists_names(void **state)
{
    static const char fault[] = "intercom articles 1 status 403\n";
    json_decref(call(state, "POST", "/control/faults", "Content-Type: text/plain\r\n", fault, 200));
    json_decref(call(state, "GET", "/articles", v16, NULL, 403));
    json_decref(get(state, "/articles"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_whole_lists),
        TEST(test_lists_say_more_when_asked),
        TEST(test_lists_begin_with_a_version),
        TEST(test_lists_are_read_page_by_page),
        TEST(test_pages_beyond_and_wrong_sizes),
        TEST(test_orders_and_filters),
        TEST(test_activity_is_read_in_windows),
        TEST(test_activity_goes_on),
        TEST(test_lists_are_changed),
        TEST(test_faults_have_the_lists_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
