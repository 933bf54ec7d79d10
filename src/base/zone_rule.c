/* SPDX-License-Identifier: Apache-2.0 */
#include "zone_rule.h"

#include "base/day.h"

#define DAY_S INT64_C(86400)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The parsers below move *at past what they accept. */
static bool number(const char **at, int least, int most, int *out)
{
    int value = 0;
    if (!is_digit(**at)) return false;
    for (; is_digit(**at); ++*at) {
        value = value * 10 + (**at - '0');
        if (value > most) return false;
    }
    *out = value;
    return value >= least;
}

static bool token(const char **at, char wanted)
{
    if (**at != wanted) return false;
    ++*at;
    return true;
}

/* "CET", or "<+03>" for names that are not letters. */
static bool abbreviation(const char **at)
{
    bool quoted = token(at, '<');
    int size = 0;
    while (is_letter(**at) || (quoted && (is_digit(**at) || **at == '+' || **at == '-'))) {
        ++*at;
        size++;
    }
    return size >= 3 && (!quoted || token(at, '>'));
}

/* [+-]hh[:mm[:ss]] */
static bool clock_time(const char **at, int most_hours, int *out_s)
{
    int hours, minutes = 0, seconds = 0;
    bool negative = token(at, '-');
    if (!negative) (void)token(at, '+'); /* may be there or not */
    if (!number(at, 0, most_hours, &hours)) return false;
    if (token(at, ':')) {
        if (!number(at, 0, 59, &minutes)) return false;
        if (token(at, ':') && !number(at, 0, 59, &seconds)) return false;
    }
    *out_s = (hours * 3600 + minutes * 60 + seconds) * (negative ? -1 : 1);
    return true;
}

static bool date(const char **at, struct zone_date *out)
{
    bool fine;
    *out = (struct zone_date){.form = ZONE_DATE_COUNT, .time_s = 2 * 3600};
    if (token(at, 'J')) {
        out->form = ZONE_DATE_JULIAN;
        fine = number(at, 1, 365, &out->day);
    } else if (token(at, 'M')) {
        out->form = ZONE_DATE_WEEKDAY;
        fine = number(at, 1, 12, &out->month) && token(at, '.') && number(at, 1, 5, &out->week) &&
               token(at, '.') && number(at, 0, 6, &out->day);
    } else {
        fine = number(at, 0, 365, &out->day);
    }
    return fine && (!token(at, '/') || clock_time(at, 167, &out->time_s));
}

bool zone_rule_parse(const char *text, struct zone_rule *out_rule)
{
    const char *at = text;
    int west_s;
    *out_rule = (struct zone_rule){.has_daylight = false};
    if (!abbreviation(&at) || !clock_time(&at, 24, &west_s)) return false;
    out_rule->standard_s = -west_s; /* POSIX counts west as positive */
    if (*at == '\0') return true;
    if (!abbreviation(&at)) return false;
    out_rule->has_daylight = true;
    out_rule->daylight_s = out_rule->standard_s + 3600;
    if (*at != ',') {
        if (!clock_time(&at, 24, &west_s)) return false;
        out_rule->daylight_s = -west_s;
    }
    return token(&at, ',') && date(&at, &out_rule->begin) && token(&at, ',') && date(&at, &out_rule->end) &&
           *at == '\0';
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int32_t weekday_in_month(int year, const struct zone_date *date)
{
    int32_t first = day_of_civil(year, date->month, 1).n;
    int32_t next =
        date->month == 12 ? day_of_civil(year + 1, 1, 1).n : day_of_civil(year, date->month + 1, 1).n;
    int32_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
    int32_t found = first + (date->day - weekday + 7) % 7 + (date->week - 1) * 7;
    return found < next ? found : found - 7; /* week 5 means the last one */
}

static int64_t instant(int year, const struct zone_date *date, int offset_s)
{
    int32_t january = day_of_civil(year, 1, 1).n;
    int32_t day = 0;
    switch (date->form) {
    case ZONE_DATE_JULIAN: day = january + date->day - 1 + (is_leap(year) && date->day >= 60); break;
    case ZONE_DATE_COUNT: day = january + date->day; break;
    case ZONE_DATE_WEEKDAY: day = weekday_in_month(year, date); break;
    }
    return day * DAY_S + date->time_s - offset_s;
}

static int year_of(int64_t at_s)
{
    const int64_t most = INT64_C(2000000000) * DAY_S; /* far beyond any year we know, and safe to add to */
    int year, month, month_day;
    at_s = at_s > most ? most : at_s < -most ? -most : at_s;
    int64_t day = at_s / DAY_S - (at_s % DAY_S < 0);
    day_to_civil((struct day){.n = (int32_t)day}, &year, &month, &month_day);
    return year;
}

struct zone_span zone_rule_at(const struct zone_rule *rule, int64_t at_s)
{
    struct zone_span span = {.offset_s = rule->standard_s, .until_s = INT64_MAX};
    int64_t newest = INT64_MIN;
    int middle = year_of(at_s);
    if (!rule->has_daylight) return span;
    /* The latest change at or before the instant tells the offset, the earliest after it the end. Times of
     * day reach a week into the neighbouring years. Where daylight time ends as it begins again, it goes on.
     */
    for (int year = middle - 1; year <= middle + 1; year++) {
        int64_t begin_s = instant(year, &rule->begin, rule->standard_s);
        int64_t end_s = instant(year, &rule->end, rule->daylight_s);
        if (end_s <= at_s && end_s > newest) {
            newest = end_s;
            span.offset_s = rule->standard_s;
        }
        if (begin_s <= at_s && begin_s >= newest) {
            newest = begin_s;
            span.offset_s = rule->daylight_s;
        }
        if (begin_s > at_s && begin_s < span.until_s) span.until_s = begin_s;
        if (end_s > at_s && end_s < span.until_s) span.until_s = end_s;
    }
    return span;
}
