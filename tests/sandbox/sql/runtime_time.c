/* SPDX-License-Identifier: Apache-2.0 */
/* Days and instants at run time. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/zone.h"
#include "sql/emit.h"
#include "sql/runtime.h"
#include "store/time_text.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US    (INT64_C(86400) * SECOND_US)

/* --- arguments and results --- */

static bool take_day(sqlite3_context *context, sqlite3_value *value, struct day *out_day)
{
    if (day_parse(runtime_text(value), out_day)) return true;
    runtime_error(context, "Invalid date: '%s'", runtime_text(value));
    return false;
}

static bool take_us(sqlite3_context *context, sqlite3_value *value, int64_t *out_us)
{
    if (time_text_us(runtime_text(value), out_us)) return true;
    runtime_error(context, "Invalid timestamp: '%s'", runtime_text(value));
    return false;
}

static void give_day(sqlite3_context *context, int64_t n)
{
    char text[DAY_TEXT];
    if (n < time_floor(INSTANT_MIN_US, DAY_US) || n > time_floor(INSTANT_MAX_US, DAY_US)) {
        runtime_error(context, "Date is out of the supported range");
        return;
    }
    day_format((struct day){.n = (int32_t)n}, text);
    runtime_result(context, text);
}

static void give_us(sqlite3_context *context, int64_t us)
{
    char text[40];
    if (us < INSTANT_MIN_US || us > INSTANT_MAX_US) {
        runtime_error(context, "Timestamp is out of the supported range");
        return;
    }
    time_text_format(us, text);
    runtime_result(context, text);
}

static void free_zone(void *zone)
{
    zone_free(zone);
}

/* The zone of argument i, kept by SQLite as long as the argument is constant. NULL: an error was set. */
static const struct zone *take_zone(sqlite3_context *context, int i, sqlite3_value **values)
{
    struct zone *zone = sqlite3_get_auxdata(context, i);
    if (zone != NULL) return zone;
    struct error err;
    if (!zone_load(runtime_text(values[i]), &zone, &err)) {
        runtime_error(context, "Invalid time zone: %s", runtime_text(values[i]));
        return NULL;
    }
    sqlite3_set_auxdata(context, i, zone, free_zone);
    return sqlite3_get_auxdata(context, i);
}

/* Microseconds in a part that always has as many; 0: others. */
static int64_t part_us(const char *part)
{
    static const struct {
        const char *name;
        int64_t us;
    } parts[] = {{"MICROSECOND", 1},         {"MILLISECOND", 1000},      {"SECOND", SECOND_US},
                 {"MINUTE", 60 * SECOND_US}, {"HOUR", 3600 * SECOND_US}, {"DAY", DAY_US}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcmp(parts[i].name, part) == 0) return parts[i].us;
    return 0;
}

static void date_add(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct day day;
    if (runtime_any_null(count, values) || !take_day(context, values[0], &day)) return;
    int64_t n = sqlite3_value_int64(values[1]);
    if (strcmp(runtime_text(values[2]), "DAY") != 0 || n > 4000000 || n < -4000000) {
        runtime_error(context, "DATE_ADD by %s is out of range or not supported", runtime_text(values[2]));
        return;
    }
    give_day(context, day.n + n);
}

static int64_t trunc_day(struct day day, const char *part, bool *out_known)
{
    int year = 0, month = 0, of_month = 0;
    day_to_civil(day, &year, &month, &of_month);
    *out_known = true;
    if (strcmp(part, "DAY") == 0) return day.n;
    if (strcmp(part, "WEEK") == 0) return day.n - ((day.n + 4) % 7 + 7) % 7;
    if (strcmp(part, "ISOWEEK") == 0) return day.n - ((day.n + 3) % 7 + 7) % 7;
    if (strcmp(part, "MONTH") == 0) return day_of_civil(year, month, 1).n;
    if (strcmp(part, "QUARTER") == 0) return day_of_civil(year, (month - 1) / 3 * 3 + 1, 1).n;
    if (strcmp(part, "YEAR") == 0) return day_of_civil(year, 1, 1).n;
    *out_known = false;
    return 0;
}

static void date_trunc(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct day day;
    bool known = false;
    if (runtime_any_null(count, values) || !take_day(context, values[0], &day)) return;
    int64_t n = trunc_day(day, runtime_text(values[1]), &known);
    if (known) {
        give_day(context, n);
    } else {
        runtime_error(context, "DATE_TRUNC to %s is not supported", runtime_text(values[1]));
    }
}

static void date_of_instant(sqlite3_context *context, int count, sqlite3_value **values)
{
    int64_t us = 0;
    if (runtime_any_null(count, values) || !take_us(context, values[0], &us)) return;
    const struct zone *zone = take_zone(context, 1, values);
    if (zone != NULL) give_day(context, zone_day(zone, time_floor(us, SECOND_US)).n);
}

/* bq_date_array(from, to) as JSON. */
static void date_array(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct day from, to;
    if (runtime_any_null(count, values) || !take_day(context, values[0], &from) ||
        !take_day(context, values[1], &to))
        return;
    sqlite3_str *out = sqlite3_str_new(NULL);
    sqlite3_str_appendchar(out, 1, '[');
    for (struct day day = from; day.n <= to.n; day.n++) {
        char text[DAY_TEXT];
        day_format(day, text);
        sqlite3_str_appendf(out, "%s\"%s\"", day.n > from.n ? "," : "", text);
    }
    sqlite3_str_appendchar(out, 1, ']');
    sqlite3_result_text(context, sqlite3_str_finish(out), -1, sqlite3_free);
}

static void timestamp_of(sqlite3_context *context, int count, sqlite3_value **values)
{
    if (runtime_any_null(count, values)) return;
    int64_t n = sqlite3_value_int64(values[0]), unit = sqlite3_value_int64(values[1]);
    if (n > INSTANT_MAX_US / unit || n < INSTANT_MIN_US / unit) {
        runtime_error(context, "Timestamp is out of the supported range");
        return;
    }
    give_us(context, n * unit);
}

static void unix_of(sqlite3_context *context, int count, sqlite3_value **values)
{
    int64_t us = 0;
    if (runtime_any_null(count, values) || !take_us(context, values[0], &us)) return;
    sqlite3_result_int64(context, time_floor(us, sqlite3_value_int64(values[1])));
}

static void timestamp_add(sqlite3_context *context, int count, sqlite3_value **values)
{
    int64_t us = 0;
    if (runtime_any_null(count, values) || !take_us(context, values[0], &us)) return;
    int64_t unit = part_us(runtime_text(values[2])), n = sqlite3_value_int64(values[1]);
    if (unit == 0) {
        runtime_error(context, "TIMESTAMP_ADD does not support the %s date part", runtime_text(values[2]));
    } else if (n > INSTANT_MAX_US / unit || n < -(INSTANT_MAX_US / unit)) {
        runtime_error(context, "Timestamp is out of the supported range");
    } else {
        give_us(context, us + n * unit);
    }
}

static void json_timestamp(sqlite3_context *context, int count, sqlite3_value **values)
{
    int64_t us = 0;
    char text[INSTANT_TEXT];
    if (runtime_any_null(count, values) || !take_us(context, values[0], &us)) return;
    instant_format(us, text);
    runtime_result(context, text);
}

const struct runtime_function runtime_time_functions[] = {
    {"bq_date", 2, date_of_instant},
    {"bq_date_add", 3, date_add},
    {"bq_date_trunc", 2, date_trunc},
    {"bq_date_array", 2, date_array},
    {"bq_timestamp_of", 2, timestamp_of},
    {"bq_timestamp_add", 3, timestamp_add},
    {"bq_unix", 2, unix_of},
    {"bq_json_timestamp", 1, json_timestamp},
    {0},
};
