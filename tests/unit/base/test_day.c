/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/day.h"

static void test_every_day_of_the_calendar_in_order(void **state)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int32_t expected = -719162;

    (void)state;
    for (int year = 1; year <= 9999; year++) {
        int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

        for (int month = 1; month <= 12; month++)
            for (int day = 1; day <= lengths[month - 1] + (month == 2 && leap); day++) {
                int y, m, d;

                assert_int_equal(day_of_civil(year, month, day).n, expected);
                day_to_civil((struct day){.n = expected++}, &y, &m, &d);
                assert_true(y == year && m == month && d == day);
            }
    }
    assert_int_equal(day_of_civil(1970, 1, 1).n, 0);
    assert_int_equal(day_of_utc(0).n, 0);
    assert_int_equal(day_of_utc(-1).n, -1);
    assert_int_equal(day_of_utc(-INT64_C(86400000000)).n, -1);
    assert_int_equal(day_of_utc(INT64_C(86400000000) - 1).n, 0);
    assert_int_equal(expected - 1, day_of_civil(9999, 12, 31).n);
}

static void test_day_texts(void **state)
{
    static const char *const good[] = {"0001-01-01", "1970-01-01", "2000-02-29", "2024-02-29", "9999-12-31"};
    static const char *const bad[] = {"",           "2026-1-01",   "2026-01-1",  "2026-02-30", "2023-02-29",
                                      "1900-02-29", "2026-13-01",  "2026-00-10", "2026-01-00", "2026-01-32",
                                      "0000-01-01", "2026-01-011", "2026/01/01", " 026-01-01", "2026-01-01 ",
                                      "-026-01-01", "2026-01-0x",  "+026-01-01"};
    char text[DAY_TEXT];
    struct day day;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(day_parse(good[i], &day));
        day_format(day, text);
        assert_string_equal(text, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(day_parse(bad[i], &day));
}

static void test_days_beyond_the_calendar_stay_in_the_buffer(void **state)
{
    char text[DAY_TEXT];

    (void)state;
    day_format((struct day){.n = INT32_MAX}, text);
    assert_string_equal(text, "9999-12-31");
    day_format((struct day){.n = INT32_MIN}, text);
    assert_string_equal(text, "0001-01-01");
    assert_int_equal(day_add((struct day){.n = INT32_MAX}, 1).n, INT32_MAX);
    assert_int_equal(day_add((struct day){.n = INT32_MIN}, -1).n, INT32_MIN);
}

static void test_order(void **state)
{
    struct day a = {.n = -3};
    struct day b = {.n = 4};

    (void)state;
    assert_true(day_compare(a, b) < 0 && day_compare(b, a) > 0 && day_compare(a, a) == 0);
    assert_int_equal(day_min(a, b).n, -3);
    assert_int_equal(day_max(a, b).n, 4);
    assert_int_equal(day_add(a, 7).n, 4);
}

static void test_instants_that_can_be_read(void **state)
{
    static const struct {
        const char *text;
        int64_t us;
        const char *back;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"},
        {"1969-12-31T23:59:59.999999Z", -1, "1969-12-31T23:59:59.999999Z"},
        {"2026-01-31t10:11:12.5z", INT64_C(1769854272500000), "2026-01-31T10:11:12.500000Z"},
        {"2026-01-31 10:11:12+00:00", INT64_C(1769854272000000), "2026-01-31T10:11:12Z"},
        {"2026-01-31T12:11:12.000001999+02:00", INT64_C(1769854272000001), "2026-01-31T10:11:12.000001Z"},
        {"2026-01-31T04:41:12-05:30", INT64_C(1769854272000000), "2026-01-31T10:11:12Z"},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800000000), "2017-01-01T00:00:00Z"},
        {"0001-01-01T00:00:00Z", INSTANT_MIN_US, "0001-01-01T00:00:00Z"},
        {"9999-12-31T23:59:59.999999Z", INSTANT_MAX_US, "9999-12-31T23:59:59.999999Z"},
        {"9999-12-31T23:59:59.999999999Z", INSTANT_MAX_US, "9999-12-31T23:59:59.999999Z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[INSTANT_TEXT];
        int64_t us = 0;

        assert_true(instant_parse(cases[i].text, strlen(cases[i].text), &us));
        assert_true(us == cases[i].us);
        instant_format(us, text);
        assert_string_equal(text, cases[i].back);
    }
}

static void test_instants_that_can_not(void **state)
{
    static const char *const bad[] = {
        "",
        "2026-01-31",
        "2026-01-31T10:11:12",
        "2026-01-31T10:11Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T10:60:00Z",
        "2026-01-31T10:11:61Z",
        "2026-02-29T10:11:12Z",
        "2026-01-31T10:11:12.Z",
        "2026-01-31T10:11:12.1234567890Z",
        "2026-01-31T10:11:12,5Z",
        "2026-01-31T10:11:12+0200",
        "2026-01-31T10:11:12+24:00",
        "2026-01-31T10:11:12+02:60",
        "2026-01-31T10:11:12 Z",
        "2026-01-31T10:11:12ZZ",
        "2026-01-31X10:11:12Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    };
    int64_t us;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(instant_parse(bad[i], strlen(bad[i]), &us));
    assert_false(instant_parse("2026-01-31\0"
                               "10:11:12Z",
                               20, &us));
    assert_false(instant_parse("1970-01-01T00:00:00Z", 19, &us)); /* the size counts, not the NUL */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_day_of_the_calendar_in_order),
        cmocka_unit_test(test_day_texts),
        cmocka_unit_test(test_days_beyond_the_calendar_stay_in_the_buffer),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_instants_that_can_be_read),
        cmocka_unit_test(test_instants_that_can_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
