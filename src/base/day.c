/* SPDX-License-Identifier: Apache-2.0 */
#include "base/day.h"

#include <string.h>

#define DAY_US   INT64_C(86400000000)
#define DAY_MIN  (-719162) /* 0001-01-01 */
#define DAY_MAX  2932896   /* 9999-12-31 */
#define ERA      146097    /* days in 400 years: the calendar repeats */
#define ERA_BASE 719468    /* days from 0000-03-01 to 1970-01-01 */

/* Years are counted from March here, so that the leap day is the last of its year. */
struct day day_of_civil(int year, int month, int day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (struct day){.n = (int32_t)(era * ERA + day_of_era - ERA_BASE)};
}

void day_to_civil(struct day day, int *out_year, int *out_month, int *out_day)
{
    int64_t z = (int64_t)day.n + ERA_BASE;
    int64_t era = (z >= 0 ? z : z - (ERA - 1)) / ERA;
    int64_t day_of_era = z - era * ERA;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* 0 is March */
    *out_day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    *out_month = (int)(month < 10 ? month + 3 : month - 9);
    *out_year = (int)(year_of_era + era * 400 + (*out_month <= 2));
}

static bool digits(const char *text, size_t count, int *out_value)
{
    *out_value = 0;
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        *out_value = *out_value * 10 + (text[i] - '0');
    }
    return true;
}

static void put_digits(char *out, int value, size_t count)
{
    while (count-- > 0) {
        out[count] = (char)('0' + value % 10);
        value /= 10;
    }
}

static bool parse_date(const char *text, struct day *out_day)
{
    int year, month, day;
    int year_back, month_back, day_back;
    if (!digits(text, 4, &year) || text[4] != '-' || !digits(text + 5, 2, &month) || text[7] != '-' ||
        !digits(text + 8, 2, &day))
        return false;
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > 31) return false;
    *out_day = day_of_civil(year, month, day);
    day_to_civil(*out_day, &year_back, &month_back, &day_back); /* 02-30 comes back as another day */
    return day == day_back && month == month_back && year == year_back;
}

bool day_parse(const char *text, struct day *out_day)
{
    return strlen(text) == DAY_TEXT - 1 && parse_date(text, out_day);
}

void day_format(struct day day, char out_text[DAY_TEXT])
{
    int year, month, month_day;
    /* Days beyond the calendar have no text; the nearest that has one keeps the buffer safe. */
    day = day_max(day_min(day, (struct day){.n = DAY_MAX}), (struct day){.n = DAY_MIN});
    day_to_civil(day, &year, &month, &month_day);
    put_digits(out_text, year, 4);
    out_text[4] = '-';
    put_digits(out_text + 5, month, 2);
    out_text[7] = '-';
    put_digits(out_text + 8, month_day, 2);
    out_text[10] = '\0';
}

struct day day_of_utc(int64_t unix_us)
{
    int64_t before = unix_us % DAY_US < 0; /* division rounds towards 1970 */
    return (struct day){(int32_t)(unix_us / DAY_US - before)};
}

struct day day_add(struct day day, int days)
{
    int64_t n = (int64_t)day.n + days;
    if (n > INT32_MAX) n = INT32_MAX;
    if (n < INT32_MIN) n = INT32_MIN;
    return (struct day){.n = (int32_t)n};
}

int day_compare(struct day a, struct day b)
{
    return (a.n > b.n) - (a.n < b.n);
}

struct day day_min(struct day a, struct day b)
{
    return a.n < b.n ? a : b;
}

struct day day_max(struct day a, struct day b)
{
    return a.n > b.n ? a : b;
}

/* ".123" and so on; *at moves past it. No fraction is valid, a lone point is not. */
static bool parse_fraction(const char *text, size_t size, size_t *at, int64_t *out_us)
{
    int64_t unit = 100000;
    size_t start = *at + 1;
    *out_us = 0;
    if (*at >= size || text[*at] != '.') return true;
    for (*at = start; *at < size && text[*at] >= '0' && text[*at] <= '9'; ++*at) {
        *out_us += (text[*at] - '0') * unit;
        unit /= 10;
    }
    return *at > start && *at - start <= 9;
}

/* "Z" or "+hh:mm" and nothing after it. */
static bool parse_offset(const char *text, size_t size, int64_t *out_s)
{
    int hours, minutes;
    *out_s = 0;
    if (size == 1) return text[0] == 'Z' || text[0] == 'z';
    if (size != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':' || !digits(text + 1, 2, &hours) ||
        !digits(text + 4, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *out_s = (hours * 60 + minutes) * (text[0] == '-' ? -60 : 60);
    return true;
}

bool instant_parse(const char *text, size_t size, int64_t *out_us)
{
    struct day day;
    int hour, minute, second;
    int64_t fraction_us, offset_s;
    size_t at = 19;
    if (size < 20 || !parse_date(text, &day) || !strchr("Tt ", text[10]) || text[10] == '\0') return false;
    if (!digits(text + 11, 2, &hour) || text[13] != ':' || !digits(text + 14, 2, &minute) ||
        text[16] != ':' || !digits(text + 17, 2, &second))
        return false;
    if (hour > 23 || minute > 59 || second > 60) /* a leap second is the first second of the next minute */
        return false;
    if (!parse_fraction(text, size, &at, &fraction_us) || !parse_offset(text + at, size - at, &offset_s))
        return false;
    *out_us =
        day.n * DAY_US + ((hour * 60 + minute) * INT64_C(60) + second - offset_s) * 1000000 + fraction_us;
    return *out_us >= INSTANT_MIN_US && *out_us <= INSTANT_MAX_US;
}

void instant_format(int64_t us, char out_text[INSTANT_TEXT])
{
    size_t at = 19;
    us = us < INSTANT_MIN_US ? INSTANT_MIN_US : us > INSTANT_MAX_US ? INSTANT_MAX_US : us;
    struct day day = day_of_utc(us);
    int64_t rest = us - day.n * DAY_US;
    int64_t second = rest / 1000000;
    day_format(day, out_text);
    out_text[10] = 'T';
    put_digits(out_text + 11, (int)(second / 3600), 2);
    out_text[13] = ':';
    put_digits(out_text + 14, (int)(second / 60 % 60), 2);
    out_text[16] = ':';
    put_digits(out_text + 17, (int)(second % 60), 2);
    if (rest % 1000000 != 0) {
        out_text[at] = '.';
        put_digits(out_text + at + 1, (int)(rest % 1000000), 6);
        at += 7;
    }
    out_text[at] = 'Z';
    out_text[at + 1] = '\0';
}
