/* SPDX-License-Identifier: Apache-2.0 */
/* test_zone.c - our reader of the time zone database against libc's, for every zone there is.
 *
 * libc knows one zone a process, by environment; this program has one thread, so it may set it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/zone.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DAY_S        INT64_C(86400)
#define FIRST_S      (-INT64_C(2208988800)) /* 1900-01-01 */
#define LAST_S       INT64_C(4102444800)    /* 2100-01-01 */
#define STEP_S       (INT64_C(23) * 86400 + 7 * 3600 + 1234)

static struct zone *load(const char *name)
{
    struct zone *zone;
    struct error err;

    if (!zone_load(name, &zone, &err)) fail_msg("%s", err.text);
    assert_string_equal(zone_name(zone), name);
    return zone;
}

static void use_libc_zone(const char *name)
{
    assert_int_equal(setenv("TZ", name, 1), 0);
    tzset();
}

static int libc_offset_s(int64_t at_s)
{
    time_t time = (time_t)at_s;
    struct tm tm;

    assert_non_null(localtime_r(&time, &tm));
    return (int)(day_of_civil(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday).n * DAY_S + tm.tm_hour * 3600 +
                 tm.tm_min * 60 + tm.tm_sec - at_s);
}

static void compare_at(const struct zone *zone, int64_t at_s)
{
    int expected = libc_offset_s(at_s);

    if (zone_offset_s(zone, at_s) != expected)
        fail_msg("%s at %lld: %d, libc says %d", zone_name(zone), (long long)at_s, zone_offset_s(zone, at_s),
                 expected);
}

/* libc has different offsets at both ends: find where it changes, and look closely there. */
static void compare_around_change(const struct zone *zone, int64_t before_s, int64_t after_s)
{
    int before = libc_offset_s(before_s);

    while (after_s - before_s > 1) {
        int64_t middle_s = before_s + (after_s - before_s) / 2;

        if (libc_offset_s(middle_s) == before)
            before_s = middle_s;
        else
            after_s = middle_s;
    }
    for (int64_t at_s = after_s - 2; at_s <= after_s + 2; at_s++)
        compare_at(zone, at_s);
}

static void compare_zone(const char *name)
{
    struct zone *zone = load(name);
    int last = 0;

    use_libc_zone(name);
    for (int64_t at_s = FIRST_S; at_s < LAST_S; at_s += STEP_S) {
        int now = libc_offset_s(at_s);

        compare_at(zone, at_s);
        if (at_s > FIRST_S && now != last) compare_around_change(zone, at_s - STEP_S, at_s);
        last = now;
    }
    zone_free(zone);
}

/* "Z name ..." and "L target name" lines of tzdata.zi. */
static size_t compare_all(FILE *list)
{
    char line[512];
    char name[256];
    size_t count = 0;

    while (fgets(line, sizeof line, list)) {
        if (sscanf(line, "Z %255s", name) != 1 && sscanf(line, "L %*s %255s", name) != 1) continue;
        compare_zone(name);
        count++;
    }
    return count;
}

static void test_every_zone_is_as_libc_has_it(void **state)
{
    const char *folder = getenv("TZDIR") ? getenv("TZDIR") : "/usr/share/zoneinfo";
    AUTO(mem_free) char *path = mem_format("%s/tzdata.zi", folder);
    FILE *list = fopen(path, "r");
    size_t count;

    (void)state;
    if (!list) {
        print_message("skipped: there is no %s\n", path);
        skip();
    }
    count = compare_all(list);
    print_message("%zu zones compared\n", count);
    assert_true(count > 300);
    (void)fclose(list);
}

/* The definition, instant by instant: the least that shows the day or a later one. */
static void check_start(const struct zone *zone, struct day day)
{
    int64_t start_s = zone_start_s(zone, day);

    assert_true(day_compare(zone_day(zone, start_s), day) >= 0);
    for (int64_t back_s = 1; back_s < 3 * DAY_S; back_s += back_s < 5 ? 1 : 293)
        assert_true(day_compare(zone_day(zone, start_s - back_s), day) < 0);
}

static void test_days_begin_where_clocks_say_so(void **state)
{
    /* Midnights that do not exist, days that do not exist, clocks set back over midnight, half hours. */
    static const struct {
        const char *name;
        int year, month, day;
    } places[] = {
        {"Etc/UTC", 2024, 2, 29},           {"Europe/Berlin", 2024, 3, 31},
        {"Europe/Berlin", 2024, 10, 27},    {"America/Sao_Paulo", 2017, 10, 15},
        {"America/Sao_Paulo", 2018, 2, 18}, {"America/St_Johns", 2006, 10, 29},
        {"America/St_Johns", 2007, 4, 1},   {"Pacific/Apia", 2011, 12, 30},
        {"Pacific/Kwajalein", 1993, 8, 21}, {"Australia/Lord_Howe", 2050, 4, 3},
        {"America/Santiago", 2060, 9, 5},   {"Asia/Gaza", 2023, 4, 29},
        {"America/Juneau", 1867, 10, 18},   {"Africa/Casablanca", 2030, 1, 1},
        {"America/Nuuk", 2040, 3, 25},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(places); i++) {
        struct zone *zone = load(places[i].name);

        for (int shift = -4; shift <= 4; shift++)
            check_start(zone, day_add(day_of_civil(places[i].year, places[i].month, places[i].day), shift));
        zone_free(zone);
    }
}

static void test_known_days(void **state)
{
    struct zone *apia = load("Pacific/Apia");
    struct zone *berlin = load("Europe/Berlin");
    struct day lost = day_of_civil(2011, 12, 30);

    (void)state;
    /* The 30th was skipped: it begins, with zero hours, when the 31st does. */
    assert_true(zone_start_s(apia, lost) == zone_start_s(apia, day_add(lost, 1)));
    assert_true(zone_start_s(apia, lost) - zone_start_s(apia, day_add(lost, -1)) == DAY_S);
    assert_true(zone_start_s(berlin, day_of_civil(2024, 4, 1)) -
                    zone_start_s(berlin, day_of_civil(2024, 3, 31)) ==
                23 * 3600);
    assert_true(zone_start_s(berlin, day_of_civil(2096, 10, 29)) -
                    zone_start_s(berlin, day_of_civil(2096, 10, 28)) ==
                25 * 3600);
    assert_int_equal(zone_day(berlin, -1).n, 0); /* already the new year there */
    assert_int_equal(zone_offset_s(berlin, INT64_MAX / 2),
                     zone_offset_s(berlin, INT64_MAX / 2)); /* no overflow */
    zone_free(apia);
    zone_free(berlin);
    zone_free(NULL);
}

static void test_names_that_lead_elsewhere_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "/etc/passwd",
                                      "../../etc/passwd",
                                      "Europe/../../../etc/passwd",
                                      "Europe//Berlin",
                                      "Europe/",
                                      "./UTC",
                                      ".hidden",
                                      "Europe/.x",
                                      "Europe\\Berlin",
                                      "Europe/Berlin\n",
                                      "Europe/Ber%lin",
                                      "a.",
                                      "No/Such_Zone",
                                      "Europe",
                                      "tzdata.zi",
                                      "europe/berlin "};
    struct zone *zone;
    struct error err;
    char longest[300];

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (zone_load(bad[i], &zone, &err)) fail_msg("\"%s\" was loaded", bad[i]);
        assert_null(zone);
        assert_int_equal(err.kind, ERROR_CONFIG);
    }
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_false(zone_load(longest, &zone, &err));
}

/* ---- files of our own making, in a folder of their own ---- */

static char folder[] = "/tmp/test_zone_XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) return -1;
    return setenv("TZDIR", folder, 1);
}

static int remove_folder(void **state)
{
    AUTO(mem_free) char *path = mem_format("%s/zone", folder);

    (void)state;
    (void)remove(path);
    (void)unsetenv("TZDIR");
    return rmdir(folder);
}

static void write_zone(const void *bytes, size_t size)
{
    AUTO(mem_free) char *path = mem_format("%s/zone", folder);
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* A file without transitions whose footer is the rule. Returns its size. */
static size_t zone_with_rule(const char *rule, char out[512])
{
    static const char block[] =
        "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4"
        "\0\0\0\0\0\0LMT";
    size_t size = sizeof block; /* its NUL ends the abbreviation */

    memcpy(out, block, size);
    memcpy(out + size, block, size);
    return 2 * size + (size_t)snprintf(out + 2 * size, 512 - 2 * size, "\n%s\n", rule);
}

static bool load_rule(const char *rule, struct zone **out_zone)
{
    char bytes[512];
    struct error err;

    write_zone(bytes, zone_with_rule(rule, bytes));
    return zone_load("zone", out_zone, &err);
}

static void test_rules_are_as_libc_has_them(void **state)
{
    static const char *const rules[] = {
        "EST5EDT,M3.2.0,M11.1.0",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1",
        "IST-1GMT0,M10.5.0,M3.5.0/1",
        "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
        "EET-2EEST,M3.4.4/50,M10.4.4/50",
        "AAA3BBB,J60/2,J300/2",
        "AAA3BBB,59,299/3:30:15",
        "AAA-12:45:10BBB-13:45,M9.5.0/2:45,M4.1.0/3:45",
        "<+05>-5",
        "UTC0",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rules); i++) {
        struct zone *zone;

        if (!load_rule(rules[i], &zone)) fail_msg("%s was refused", rules[i]);
        use_libc_zone(rules[i]);
        for (int64_t at_s = 0; at_s < LAST_S; at_s += 6 * 3600 - 7)
            compare_at(zone, at_s);
        zone_free(zone);
    }
}

static void test_daylight_time_all_year(void **state)
{
    struct zone *zone;

    (void)state;
    assert_true(load_rule("EST5EDT,0/0,J365/25", &zone));
    for (int64_t at_s = 0; at_s < LAST_S; at_s += 3599)
        assert_int_equal(zone_offset_s(zone, at_s), -4 * 3600);
    zone_free(zone);
}

static void test_broken_rules_are_refused(void **state)
{
    static const char *const bad[] = {
        "C-1",
        "CET",
        "CET-",
        "CET-25",
        "CET-1:60",
        "CET-1 ",
        "<CET-1",
        "<>-1",
        "CET-1CEST",
        "CET-1CEST,",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M3.5.0,",
        "CET-1CEST,M0.5.0,M10.5.0",
        "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.0.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,J0,J365",
        "CET-1CEST,J1,J366",
        "CET-1CEST,0,366",
        "CET-1CEST,M3.5.0/168,M10.5.0",
        "CET-1CEST,M3.5.0,M10.5.0/3x",
        "CET-99999999999999999999",
    };
    struct zone *zone;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        if (load_rule(bad[i], &zone)) fail_msg("\"%s\" was accepted", bad[i]);
}

/* Cut at every length, and with every byte changed: refused or read, never a step outside. */
static void test_broken_files_are_survived(void **state)
{
    char good[512], bad[512];
    size_t size = zone_with_rule("CET-1CEST,M3.5.0,M10.5.0/3", good);
    struct zone *zone;
    struct error err;

    (void)state;
    for (size_t cut = 0; cut < size; cut++) {
        write_zone(good, cut);
        assert_false(zone_load("zone", &zone, &err));
    }
    for (size_t i = 0; i < size * 3; i++) {
        static const char values[] = {'\xFF', '\x7F', '\x00'};

        memcpy(bad, good, size);
        bad[i / 3] = values[i % 3];
        write_zone(bad, size);
        if (zone_load("zone", &zone, &err)) {
            (void)zone_day(zone, 0);
            (void)zone_start_s(zone, (struct day){.n = 20000});
            zone_free(zone);
        }
    }
}

static void test_files_that_are_no_files(void **state)
{
    AUTO(mem_free) char *path = mem_format("%s/zone", folder);
    size_t size = 300 * 1024;
    char *large = mem_zero(size, 1);
    struct zone *zone;
    struct error err;

    (void)state;
    write_zone(large, size);
    assert_false(zone_load("zone", &zone, &err)); /* too large */
    free(large);
    assert_int_equal(remove(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(zone_load("zone", &zone, &err)); /* and no waiting for a writer */
    assert_int_equal(remove(path), 0);
    assert_true(zone_load("Etc/UTC", &zone, &err)); /* UTC needs no database */
    assert_int_equal(zone_offset_s(zone, 1), 0);
    zone_free(zone);
}

int main(void)
{
    const struct CMUnitTest system[] = {
        cmocka_unit_test(test_every_zone_is_as_libc_has_it),
        cmocka_unit_test(test_days_begin_where_clocks_say_so),
        cmocka_unit_test(test_known_days),
        cmocka_unit_test(test_names_that_lead_elsewhere_are_refused),
    };
    const struct CMUnitTest own[] = {
        cmocka_unit_test(test_rules_are_as_libc_has_them), cmocka_unit_test(test_daylight_time_all_year),
        cmocka_unit_test(test_broken_rules_are_refused),   cmocka_unit_test(test_broken_files_are_survived),
        cmocka_unit_test(test_files_that_are_no_files),
    };
    int failed = cmocka_run_group_tests(system, NULL, NULL);

    return failed + cmocka_run_group_tests(own, make_folder, remove_folder);
}
