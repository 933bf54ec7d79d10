/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/zone.h"
#include "internal.h"

#define BASE "https://api.example.com"

/* --- bounds --- */

/* The range that a server which compares whole local days finds with these bounds: (from, to). */
static void found_by_days(const struct zone *zone, int64_t low, int64_t high, int64_t *out_from,
                          int64_t *out_to)
{
    *out_from = zone_start_s(zone, day_add(zone_day(zone, low), 1));
    *out_to = zone_start_s(zone, zone_day(zone, high));
}

static void days_are_padded_enough_in_every_zone(void **state)
{
    (void)state;
    static const char *const names[] = {
        "Etc/UTC",        "America/Los_Angeles", "Pacific/Apia", "Pacific/Kiritimati", "Australia/Lord_Howe",
        "Asia/Kathmandu", "Etc/GMT+12"};
    const struct intercom intercom = {.minor = 16};
    struct error err = {0};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        struct zone *zone = NULL;
        assert_true(zone_load(names[n], &zone, &err));
        for (int64_t from = 1262304000; from < 1420070400;
             from += 86400 - 61) { /* 2010 to 2014, every time of day */
            struct window window = {.from_s = from, .to_s = from + 1};
            int64_t low = 0, high = 0, found_from = 0, found_to = 0;
            search_bounds(&intercom, BOUNDS_DAYS_2_16, window, &low, &high);
            found_by_days(zone, low, high, &found_from, &found_to);
            assert_true(found_from <= window.from_s);
            assert_true(found_to >= window.to_s);
            assert_true(window.from_s - found_from <= 3 * 86400); /* and no more than that is read in vain */
        }
        zone_free(zone);
    }
}

static void seconds_are_exact(void **state)
{
    (void)state;
    const struct intercom newer = {.minor = 17}, older = {.minor = 11};
    const struct window window = {.from_s = 1000000, .to_s = 2000000};
    int64_t low = 0, high = 0;
    search_bounds(&newer, BOUNDS_DAYS_2_16, window, &low, &high);
    assert_int_equal(low, 999999);
    assert_int_equal(high, 2000000);
    search_bounds(&older, BOUNDS_SECONDS, window, &low, &high);
    assert_int_equal(low, 999999);
    assert_int_equal(high, 2000000);
    search_bounds(&older, BOUNDS_DAYS_2_16, window, &low, &high);
    assert_int_equal(low, 1000000 - 172800);
    assert_int_equal(high, 2000000 + 172800);
}

static void an_open_window_has_no_end(void **state)
{
    (void)state;
    const struct intercom intercom = {.minor = 16};
    int64_t low = 0, high = 0;
    search_bounds(&intercom, BOUNDS_DAYS_2_16, (struct window){.from_s = 5, .to_s = WINDOW_OPEN}, &low,
                  &high);
    assert_int_equal(low, 0);
    assert_true(high == WINDOW_OPEN);
}

/* --- requests --- */

static void a_search_is_written(void **state)
{
    (void)state;
    struct intercom intercom = {.minor = 16, .rest = {.base_url = (char[]){BASE}}};
    const struct intercom_stream *contacts = (const struct intercom_stream *)intercom_type.streams[0];
    struct page_request request = {.source = &intercom.rest,
                                   .stream = &contacts->rest,
                                   .segment.window = {.from_s = 1772633377, .to_s = 1772633378},
                                   .cursor = "a\"b",
                                   .per_page = 75};
    AUTO(buf_done) struct buf url = {0}, body = {0};
    buf_init(&url, 4096);
    buf_init(&body, 4096);
    contacts->rest.pagination->write(&request, &url, &body);
    assert_string_equal(buf_string(&url), BASE "/contacts/search?include_merge_history=true");
    assert_string_equal(buf_string(&body),
                        "{\"query\":{\"operator\":\"AND\",\"value\":["
                        "{\"field\":\"updated_at\",\"operator\":\">\",\"value\":1772460577},"
                        "{\"field\":\"updated_at\",\"operator\":\"<\",\"value\":1772806178}]},"
                        "\"pagination\":{\"per_page\":75,\"starting_after\":\"a\\\"b\"},"
                        "\"sort\":{\"field\":\"updated_at\",\"order\":\"ascending\"}}");
    intercom.minor = 15;
    request.cursor = NULL;
    request.segment.window.to_s = WINDOW_OPEN;
    buf_reset(&url);
    buf_reset(&body);
    contacts->rest.pagination->write(&request, &url, &body);
    assert_string_equal(buf_string(&url), BASE "/contacts/search");
    assert_string_equal(buf_string(&body),
                        "{\"query\":{\"operator\":\"AND\",\"value\":["
                        "{\"field\":\"updated_at\",\"operator\":\">\",\"value\":1772460577}]},"
                        "\"pagination\":{\"per_page\":75},"
                        "\"sort\":{\"field\":\"updated_at\",\"order\":\"ascending\"}}");
}

/* The ids of one slice, as endings of two digits. A filter is about ids, or is a group of such. */
static void add_endings(const json_t *filter, int seen[256])
{
    const json_t *alternatives = json_object_get(filter, "value"), *one;
    size_t i;
    if (json_is_array(alternatives)) {
        assert_string_equal(json_text_at(filter, "operator"), "OR");
        assert_in_range(json_array_size(alternatives), 2, 15); /* more are refused */
        json_array_foreach (alternatives, i, one)
            add_endings(one, seen);
        return;
    }
    const char *digits = json_text_at(filter, "value");
    assert_string_equal(json_text_at(filter, "field"), "id");
    assert_string_equal(json_text_at(filter, "operator"), "$");
    for (int id = 0; id < 256; id++) {
        char text[3];
        (void)snprintf(text, sizeof text, "%02x", (unsigned)id);
        seen[id] += strcmp(text + 2 - strlen(digits), digits) == 0;
    }
}

static void each_id_is_in_one_slice(void **state)
{
    (void)state;
    struct intercom intercom = {.minor = 16, .rest = {.base_url = (char[]){BASE}}};
    const struct rest_stream *contacts = (const struct rest_stream *)intercom_type.streams[0];
    for (int count = 2; count <= 256; count *= 2) {
        int seen[256] = {0};
        for (int index = 0; index < count; index++) {
            const struct page_request request = {
                .source = &intercom.rest,
                .stream = contacts,
                .segment = {.window = {.from_s = 1772633377, .to_s = 1772633378},
                            .slice = {.index = index, .count = count}},
                .per_page = 150};
            AUTO(buf_done) struct buf url = buf_limited(4096), body = buf_limited(4096);
            AUTO(json_drop) json_t *query = NULL;
            struct error err;
            contacts->slices->write(&request, &url, &body);
            assert_true(json_read(buf_string(&body), body.size, NULL, &query, &err));
            const json_t *filters = json_at(query, "query.value");
            assert_int_equal(json_array_size(filters), 3); /* the window's bounds come first */
            add_endings(json_array_get(filters, 2), seen);
        }
        for (int id = 0; id < 256; id++)
            assert_int_equal(seen[id], 1);
    }
}

static void a_slice_of_a_list_is_a_search_without_window(void **state)
{
    (void)state;
    struct intercom intercom = {.minor = 16, .rest = {.base_url = (char[]){BASE}}};
    const struct stream *list = NULL;
    for (size_t i = 0; i < intercom_type.stream_count; i++)
        if (strcmp(intercom_type.streams[i]->name, "contacts_reconciliation") == 0)
            list = intercom_type.streams[i];
    const struct rest_stream *stream = (const struct rest_stream *)list;
    const struct page_request request = {.source = &intercom.rest,
                                         .stream = stream,
                                         .segment = {.slice = {.index = 15, .count = 16}},
                                         .per_page = 150};
    AUTO(buf_done) struct buf url = buf_limited(4096), body = buf_limited(4096);
    stream->slices->write(&request, &url, &body);
    assert_string_equal(buf_string(&url), BASE "/contacts/search?include_merge_history=true");
    assert_string_equal(buf_string(&body), "{\"query\":{\"operator\":\"AND\",\"value\":["
                                           "{\"field\":\"id\",\"operator\":\"$\",\"value\":\"f\"}]},"
                                           "\"pagination\":{\"per_page\":150},"
                                           "\"sort\":{\"field\":\"updated_at\",\"order\":\"ascending\"}}");
}

/* --- links --- */

static void links_have_many_forms(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        bool good;
        const char *cursor, *url;
        int64_t number;
    } cases[] = {
        {"{}", true, NULL, NULL, 0},
        {"{\"pages\":{}}", true, NULL, NULL, 0},
        {"{\"pages\":null}", true, NULL, NULL, 0},
        {"{\"pages\":{\"next\":null}}", true, NULL, NULL, 0},
        {"{\"pages\":{\"next\":\"\"}}", true, NULL, NULL, 0},
        {"{\"pages\":{\"next\":{\"starting_after\":null}}}", true, NULL, NULL, 0},
        {"{\"pages\":{\"next\":{\"page\":2,\"starting_after\":\"WzE3\"}}}", true, "WzE3", NULL, 2},
        {"{\"pages\":{\"next\":{\"page\":2}}}", true, NULL, NULL, 2},
        {"{\"pages\":{\"next\":{\"page\":\"3\"}}}", true, NULL, NULL, 3},
        {"{\"pages\":{\"next\":\"/articles?page=2\"}}", true, NULL, BASE "/articles?page=2", 0},
        {"{\"pages\":{\"next\":\"//evil.test/a\"}}", false, NULL, NULL, 0},
        {"{\"pages\":{\"next\":\"WzE3\"}}", true, "WzE3", NULL, 0},
        {"{\"pages\":{\"next\":\"" BASE "/a?page=2\"}}", true, NULL, BASE "/a?page=2", 0},
        {"{\"pages\":{\"next\":\"http://api.example.com/a\"}}", false, NULL, NULL, 0},
        {"{\"pages\":{\"next\":\"" BASE ".evil.test/a\"}}", false, NULL, NULL, 0},
        {"{\"pages\":{\"next\":\"" BASE "@evil.test/a\"}}", false, NULL, NULL, 0},
        {"{\"pages\":{\"next\":\"" BASE ":444/a\"}}", false, NULL, NULL, 0},
        {"{\"pages\":{\"next\":\"https://evil.test/a\"}}", false, NULL, NULL, 0},
        {"{\"pages\":{\"next\":\"" BASE "/a\\r\\nHost: evil\"}}", false, NULL, NULL, 0},
        {"{\"pages\":{\"next\":7}}", false, NULL, NULL, 0},
        {"{\"pages\":{\"next\":{\"page\":0}}}", false, NULL, NULL, 0},
        {"{\"pages\":{\"next\":{\"page\":9223372036854775807}}}", false, NULL, NULL, 0},
        {"{\"pages\":{\"next\":{\"page\":true}}}", false, NULL, NULL, 0},
        {"{\"pages\":{\"next\":{}}}", false, NULL, NULL, 0},
        {"{\"pages\":{\"next\":{\"starting_after\":[]}}}", false, NULL, NULL, 0},
    };
    const struct rest_dialect dialect = {.name = "Intercom"};
    const struct rest_source source = {.dialect = &dialect, .base_url = (char[]){BASE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO(value_drop) struct json_value *answer = NULL;
        AUTO(next_page_done) struct next_page next = {0};
        struct error err = {0};
        assert_true(value_read(cases[i].answer, strlen(cases[i].answer), false, NULL, &answer, &err));
        struct page_context context = {.source = &source, .answer = answer, .what = "a page"};
        assert_int_equal(intercom_next_page(&context, &next, &err), cases[i].good);
        assert_string_equal(next.cursor ? next.cursor : "-", cases[i].cursor ? cases[i].cursor : "-");
        assert_string_equal(next.url ? next.url : "-", cases[i].url ? cases[i].url : "-");
        assert_int_equal(next.number, cases[i].number);
        assert_int_equal(err.kind, cases[i].good ? ERROR_NONE : ERROR_FORMAT);
        assert_null(strstr(err.text, "evil"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_are_padded_enough_in_every_zone),
        cmocka_unit_test(seconds_are_exact),
        cmocka_unit_test(an_open_window_has_no_end),
        cmocka_unit_test(a_search_is_written),
        cmocka_unit_test(each_id_is_in_one_slice),
        cmocka_unit_test(a_slice_of_a_list_is_a_search_without_window),
        cmocka_unit_test(links_have_many_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
