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

static int month_days(int year, int month)
{
    struct day first = day_of_civil(year, month, 1);
    struct day next = month == 12 ? day_of_civil(year + 1, 1, 1) : day_of_civil(year, month + 1, 1);
    return next.n - first.n;
}

/* False: out of range. */
static bool add_months(struct day day, int64_t months, int64_t *out_n)
{
    int year = 0, month = 0, of_month = 0;
    day_to_civil(day, &year, &month, &of_month);
    if (months > 200000 || months < -200000) return false;
    int64_t all = year * 12 + month - 1 + months;
    if (all < 12 || all >= INT64_C(10000) * 12) return false;
    year = (int)(all / 12);
    month = (int)(all % 12) + 1;
    int last = year == 9999 && month == 12 ? 31 : month_days(year, month);
    *out_n = day_of_civil(year, month, of_month < last ? of_month : last).n;
    return true;
}

static int months_of(const char *part)
{
    return strcmp(part, "MONTH") == 0     ? 1
           : strcmp(part, "QUARTER") == 0 ? 3
           : strcmp(part, "YEAR") == 0    ? 12
                                          : 0;
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

static bool step_day(struct day day, int64_t count, const char *part, int64_t *out_n)
{
    if (count > 4000000 || count < -4000000) return false;
    if (months_of(part) > 0) return add_months(day, count * months_of(part), out_n);
    int64_t days = strcmp(part, "DAY") == 0 ? 1 : strcmp(part, "WEEK") == 0 ? 7 : 0;
    *out_n = day.n + count * days;
    return days > 0;
}

static void date_add(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct day day;
    int64_t n = 0;
    if (runtime_any_null(count, values) || !take_day(context, values[0], &day)) return;
    if (!step_day(day, sqlite3_value_int64(values[1]), runtime_text(values[2]), &n)) {
        runtime_error(context, "DATE_ADD by %s is out of range or not supported", runtime_text(values[2]));
        return;
    }
    give_day(context, n);
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

static void date_diff(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct day a, b;
    bool known = false;
    if (runtime_any_null(count, values) || !take_day(context, values[0], &a) ||
        !take_day(context, values[1], &b))
        return;
    const char *part = runtime_text(values[2]);
    if (months_of(part) > 0) {
        int ya = 0, ma = 0, yb = 0, mb = 0, ignored = 0;
        day_to_civil(a, &ya, &ma, &ignored);
        day_to_civil(b, &yb, &mb, &ignored);
        int unit = months_of(part);
        sqlite3_result_int64(context, (ya * 12 + ma - 1) / unit - (yb * 12 + mb - 1) / unit);
        return;
    }
    int64_t from = trunc_day(b, part, &known), to = trunc_day(a, part, &known);
    if (!known) {
        runtime_error(context, "DATE_DIFF in %s is not supported", part);
        return;
    }
    sqlite3_result_int64(context, (to - from) / (strcmp(part, "DAY") == 0 ? 1 : 7));
}

static void date_of(sqlite3_context *context, int count, sqlite3_value **values)
{
    char text[80], made[16];
    if (runtime_any_null(count, values)) return;
    (void)snprintf(text, sizeof text, "%04lld-%02lld-%02lld", (long long)sqlite3_value_int64(values[0]),
                   (long long)sqlite3_value_int64(values[1]), (long long)sqlite3_value_int64(values[2]));
    if (time_text_read_date(text, made)) {
        runtime_result(context, made);
    } else {
        runtime_error(context, "Input calculates to invalid date: %s", text);
    }
}

static void date_of_instant(sqlite3_context *context, int count, sqlite3_value **values)
{
    int64_t us = 0;
    if (runtime_any_null(count, values) || !take_us(context, values[0], &us)) return;
    const struct zone *zone = take_zone(context, 1, values);
    if (zone != NULL) give_day(context, zone_day(zone, time_floor(us, SECOND_US)).n);
}

/* bq_date_array(from, to, step, part) as JSON. */
static void date_array(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct day from, to;
    if (runtime_any_null(count, values) || !take_day(context, values[0], &from) ||
        !take_day(context, values[1], &to))
        return;
    int64_t step = sqlite3_value_int64(values[2]), n = from.n;
    if (step == 0) {
        runtime_error(context, "Sequence step cannot be 0");
        return;
    }
    sqlite3_str *out = sqlite3_str_new(NULL);
    sqlite3_str_appendchar(out, 1, '[');
    for (int64_t i = 1; step > 0 ? n <= to.n : n >= to.n; i++) {
        char text[DAY_TEXT];
        day_format((struct day){.n = (int32_t)n}, text);
        sqlite3_str_appendf(out, "%s\"%s\"", i > 1 ? "," : "", text);
        if (!step_day(from, step * i, runtime_text(values[3]), &n)) break;
    }
    sqlite3_str_appendchar(out, 1, ']');
    sqlite3_result_text(context, sqlite3_str_finish(out), -1, sqlite3_free);
}

static void timestamp_of_date(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct day day;
    if (runtime_any_null(count, values) || !take_day(context, values[0], &day)) return;
    const struct zone *zone = take_zone(context, 1, values);
    if (zone != NULL) give_us(context, zone_start_s(zone, day) * SECOND_US);
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

static void timestamp_diff(sqlite3_context *context, int count, sqlite3_value **values)
{
    int64_t a = 0, b = 0;
    if (runtime_any_null(count, values) || !take_us(context, values[0], &a) ||
        !take_us(context, values[1], &b))
        return;
    int64_t unit = part_us(runtime_text(values[2]));
    if (unit == 0) {
        runtime_error(context, "TIMESTAMP_DIFF does not support the %s date part", runtime_text(values[2]));
    } else {
        sqlite3_result_int64(context, (a - b) / unit);
    }
}

static void timestamp_trunc(sqlite3_context *context, int count, sqlite3_value **values)
{
    int64_t us = 0;
    bool known = false;
    if (runtime_any_null(count, values) || !take_us(context, values[0], &us)) return;
    const struct zone *zone = take_zone(context, 2, values);
    if (zone == NULL) return;
    const char *part = runtime_text(values[1]);
    int64_t unit = part_us(part);
    if (unit > 0 && unit < DAY_US) {
        int64_t offset = zone_offset_s(zone, time_floor(us, SECOND_US)) * SECOND_US;
        give_us(context, time_floor(us + offset, unit) * unit - offset);
        return;
    }
    int64_t n = trunc_day(zone_day(zone, time_floor(us, SECOND_US)), part, &known);
    if (known) {
        give_us(context, zone_start_s(zone, (struct day){.n = (int32_t)n}) * SECOND_US);
    } else {
        runtime_error(context, "TIMESTAMP_TRUNC to %s is not supported", part);
    }
}

/* A DATE or TIMESTAMP as local microseconds. */
static bool take_local(sqlite3_context *context, sqlite3_value *value, const struct zone *zone,
                       int64_t *out_us)
{
    struct day day;
    if (strlen(runtime_text(value)) == 10) {
        if (!take_day(context, value, &day)) return false;
        *out_us = day.n * DAY_US;
        return true;
    }
    if (!take_us(context, value, out_us)) return false;
    *out_us += zone_offset_s(zone, time_floor(*out_us, SECOND_US)) * SECOND_US;
    return true;
}

static bool extract_part(const char *part, int64_t us, int64_t *out_value)
{
    int year = 0, month = 0, of_month = 0, iso_year = 0;
    struct day day = {.n = (int32_t)time_floor(us, DAY_US)};
    /* A week from Monday to Sunday is of the year of its Thursday. */
    struct day thursday = {.n = day.n - ((day.n + 3) % 7 + 7) % 7 + 3};
    int64_t rest = us - day.n * DAY_US;
    day_to_civil(thursday, &iso_year, &month, &of_month);
    day_to_civil(day, &year, &month, &of_month);
    const struct {
        const char *name;
        int64_t value;
    } parts[] = {{"YEAR", year},
                 {"QUARTER", (month + 2) / 3},
                 {"MONTH", month},
                 {"DAY", of_month},
                 {"DAYOFWEEK", ((day.n + 4) % 7 + 7) % 7 + 1},
                 {"WEEK", (day.n - day_of_civil(year, 1, 1).n + 7 - ((day.n + 4) % 7 + 7) % 7) / 7},
                 {"ISOWEEK", (thursday.n - day_of_civil(iso_year, 1, 1).n) / 7 + 1},
                 {"ISOYEAR", iso_year},
                 {"DAYOFYEAR", day.n - day_of_civil(year, 1, 1).n + 1},
                 {"HOUR", rest / (3600 * SECOND_US)},
                 {"MINUTE", rest / (60 * SECOND_US) % 60},
                 {"SECOND", rest / SECOND_US % 60},
                 {"MILLISECOND", rest / 1000 % 1000},
                 {"MICROSECOND", rest % SECOND_US}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        *out_value = parts[i].value;
        if (strcmp(parts[i].name, part) == 0) return true;
    }
    return false;
}

/* bq_extract(part, value, zone) */
static void extract(sqlite3_context *context, int count, sqlite3_value **values)
{
    int64_t us = 0, value = 0;
    if (runtime_any_null(count, values)) return;
    const struct zone *zone = take_zone(context, 2, values);
    if (zone == NULL || !take_local(context, values[1], zone, &us)) return;
    const char *part = runtime_text(values[0]);
    if (strcmp(part, "DATE") == 0) {
        give_day(context, time_floor(us, DAY_US));
    } else if (extract_part(part, us, &value)) {
        sqlite3_result_int64(context, value);
    } else {
        runtime_error(context, "EXTRACT does not support the %s date part", part);
    }
}

static const char *const month_names[] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
static const char *const day_names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};

/* False: the element is not supported. */
static bool format_element(sqlite3_str *out, char element, int64_t us)
{
    static const struct {
        char element;
        const char *part, *format;
    } numbers[] = {{'Y', "YEAR", "%lld"},      {'m', "MONTH", "%02lld"},     {'d', "DAY", "%02lld"},
                   {'e', "DAY", "%2lld"},      {'H', "HOUR", "%02lld"},      {'M', "MINUTE", "%02lld"},
                   {'S', "SECOND", "%02lld"},  {'j', "DAYOFYEAR", "%03lld"}, {'Q', "QUARTER", "%lld"},
                   {'V', "ISOWEEK", "%02lld"}, {'G', "ISOYEAR", "%04lld"}};
    int64_t value = 0;
    const char *compound = element == 'F' ? "Y-m-d" : element == 'T' ? "H:M:S" : element == 'R' ? "H:M" : "";
    for (const char *c = compound; *c != '\0'; c++) {
        if (*c == '-' || *c == ':') {
            sqlite3_str_appendchar(out, 1, *c);
        } else if (!format_element(out, *c, us)) {
            return false;
        }
    }
    if (*compound != '\0') return true;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (numbers[i].element != element || !extract_part(numbers[i].part, us, &value)) continue;
        sqlite3_str_appendf(out, numbers[i].format, (long long)value);
        return true;
    }
    bool month = element == 'B' || element == 'b';
    if (!extract_part(month ? "MONTH" : "DAYOFWEEK", us, &value)) return false;
    const char *name = month ? month_names[value - 1] : day_names[value - 1];
    if (element == 'B' || element == 'A') {
        sqlite3_str_appendall(out, name);
    } else if (element == 'b' || element == 'a') {
        sqlite3_str_append(out, name, 3);
    } else if (element == 'Z') {
        sqlite3_str_appendall(out, "UTC");
    } else if (element == '%') {
        sqlite3_str_appendchar(out, 1, '%');
    } else {
        return false;
    }
    return true;
}

/* bq_format_time(format, value[, zone]) */
static void format_time(sqlite3_context *context, int count, sqlite3_value **values)
{
    int64_t us = 0;
    if (runtime_any_null(count, values)) return;
    const struct zone *zone = count > 2 ? take_zone(context, 2, values) : NULL;
    if (count > 2 && zone == NULL) return;
    bool taken = zone != NULL ? take_local(context, values[1], zone, &us) : take_us(context, values[1], &us);
    if (!taken) return;
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (const char *c = runtime_text(values[0]); *c != '\0'; c++) {
        if (*c != '%' || c[1] == '\0') {
            sqlite3_str_appendchar(out, 1, *c);
        } else if (!format_element(out, *++c, us)) {
            runtime_error(context, "The format element %%%c is not supported", *c);
            sqlite3_free(sqlite3_str_finish(out));
            return;
        }
    }
    char *text = sqlite3_str_finish(out);
    runtime_result(context, text != NULL ? text : "");
    sqlite3_free(text);
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
    {"bq_date_of", 3, date_of},
    {"bq_date_add", 3, date_add},
    {"bq_date_trunc", 2, date_trunc},
    {"bq_date_diff", 3, date_diff},
    {"bq_date_array", 4, date_array},
    {"bq_timestamp", 2, timestamp_of_date},
    {"bq_timestamp_of", 2, timestamp_of},
    {"bq_timestamp_add", 3, timestamp_add},
    {"bq_timestamp_diff", 3, timestamp_diff},
    {"bq_timestamp_trunc", 3, timestamp_trunc},
    {"bq_unix", 2, unix_of},
    {"bq_extract", 3, extract},
    {"bq_format_time", -1, format_time},
    {"bq_json_timestamp", 1, json_timestamp},
    {0},
};
