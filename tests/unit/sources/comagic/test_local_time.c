/* SPDX-License-Identifier: Apache-2.0 */
/* test_local_time.c - local times without a zone, also where clocks are put back and forward. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/day.h"
#include "internal.h"

static struct zone *load(const char *name)
{
    struct zone *zone;
    struct error err;
    assert_true(zone_load(name, &zone, &err));
    return zone;
}

static int64_t at(const char *instant)
{
    int64_t us;
    assert_true(instant_parse(instant, strlen(instant), &us));
    return us / 1000000;
}

static void expect_time(const char *name, const char *text, const char *instant)
{
    struct zone *zone = load(name);
    int64_t found_s;
    bool is_time = local_time_read(zone, text, &found_s);
    assert_int_equal(is_time, instant != NULL);
    if (instant) assert_int_equal(found_s, at(instant));
    zone_free(zone);
}

static void times_are_those_of_the_account(void **state)
{
    (void)state;
    expect_time("Europe/Moscow", "2026-01-05 00:00:00", "2026-01-04T21:00:00Z");
    expect_time("Asia/Kolkata", "2026-01-05 23:59:59", "2026-01-05T18:29:59Z");
    expect_time("Europe/Moscow", "2026-01-05", "2026-01-04T21:00:00Z");
    expect_time("America/New_York", "2026-07-01 12:00:00", "2026-07-01T16:00:00Z");
    expect_time("America/New_York", "2026-03-08 02:30:00", NULL); /* clocks never showed it */
    expect_time("America/New_York", "2026-03-08 03:00:00", "2026-03-08T07:00:00Z");
    expect_time("America/New_York", "2026-11-01 01:30:00", "2026-11-01T05:30:00Z"); /* twice: the first */
    expect_time("America/New_York", "2026-11-01 02:00:00", "2026-11-01T07:00:00Z");
    expect_time("Australia/Lord_Howe", "2026-04-05 01:45:00", "2026-04-04T14:45:00Z"); /* half an hour */
}

static void other_texts_stay_texts(void **state)
{
    static const char *const texts[] = {"",
                                        "0000-00-00 00:00:00",
                                        "2026-02-30 00:00:00",
                                        "2026-01-05 24:00:00",
                                        "2026-01-05 10:60:00",
                                        "2026-01-05T10:00:00",
                                        "2026-01-05 10:00:00Z",
                                        "2026-01-05 10:00",
                                        "2026-01-05 1:00:000",
                                        "2026-01-05  1:00:00",
                                        "soon"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        expect_time("Europe/Moscow", texts[i], NULL);
}

static void expect_bounds(const char *name, const char *from, const char *to, const char *first,
                          const char *last)
{
    char out_from[LOCAL_TIME], out_till[LOCAL_TIME];
    struct zone *zone = load(name);
    struct window window = {.from_s = at(from), .to_s = to ? at(to) : WINDOW_OPEN};
    local_bounds(zone, window, at("2026-11-30T12:00:00Z"), out_from, out_till);
    assert_string_equal(out_from, first);
    assert_string_equal(out_till, last);
    zone_free(zone);
}

static void bounds_are_inclusive(void **state)
{
    (void)state;
    expect_bounds("Europe/Moscow", "2026-01-04T21:00:00Z", "2026-01-11T21:00:00Z", "2026-01-05 00:00:00",
                  "2026-01-11 23:59:59");
    expect_bounds("Europe/Moscow", "2026-11-29T21:00:00Z", NULL, "2026-11-30 00:00:00",
                  "2026-11-30 23:59:59");
    expect_bounds("Asia/Tokyo", "2026-11-29T15:00:00Z", NULL, "2026-11-30 00:00:00", "2026-11-30 23:59:59");
    /* Up to the middle of the second hour: all of the first is before it. */
    expect_bounds("America/New_York", "2026-11-01T04:00:00Z", "2026-11-01T06:30:00Z", "2026-11-01 00:00:00",
                  "2026-11-01 02:29:59");
    /* A part of an hour that comes twice can end before it begins. */
    expect_bounds("America/New_York", "2026-11-01T05:50:00Z", "2026-11-01T06:10:00Z", "2026-11-01 01:50:00",
                  "2026-11-01 02:09:59");
}

/* Each local second that lies in a window, as it is read, lies between the window's bounds: of any zone and
 * hour. */
static void bounds_hold_the_window(void **state)
{
    static const char *const names[] = {"America/New_York", "Europe/Moscow", "Australia/Lord_Howe",
                                        "America/Havana", "Asia/Kathmandu"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct zone *zone = load(names[i]);
        for (int64_t from_s = at("2026-03-06T00:00:00Z"); from_s < at("2026-11-03T00:00:00Z");
             from_s += 5417) {
            char first[LOCAL_TIME], last[LOCAL_TIME], shown[LOCAL_TIME], instant[INSTANT_TEXT];
            int64_t to_s = from_s + 7200;
            local_bounds(zone, (struct window){.from_s = from_s, .to_s = to_s}, 0, first, last);
            for (int64_t at_s = from_s - 7200; at_s < to_s + 7200; at_s += 613) {
                int64_t read_s;
                instant_format((at_s + zone_offset_s(zone, at_s)) * 1000000, instant);
                (void)snprintf(shown, sizeof shown, "%.10s %.8s", instant, instant + 11);
                assert_true(local_time_read(zone, shown, &read_s));
                if (read_s < from_s || read_s >= to_s) continue;
                if (strcmp(shown, first) < 0 || strcmp(shown, last) > 0)
                    fail_msg("%s: %s is not from %s to %s", names[i], shown, first, last);
            }
        }
        zone_free(zone);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_those_of_the_account),
        cmocka_unit_test(other_texts_stay_texts),
        cmocka_unit_test(bounds_are_inclusive),
        cmocka_unit_test(bounds_hold_the_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
