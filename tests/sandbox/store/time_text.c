/* SPDX-License-Identifier: Apache-2.0 */
/* Days and instants as texts: the stored form, and what people write. */
#include "store/time_text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/day.h"
#include "base/zone.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US    (INT64_C(86400) * SECOND_US)

int64_t time_floor(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

/* --- texts --- */

void time_text_format(int64_t us, char out_text[40])
{
    char day[DAY_TEXT];
    int64_t days = time_floor(us, DAY_US), rest = us - days * DAY_US;
    int s = (int)(rest / SECOND_US);
    day_format((struct day){.n = (int32_t)days}, day);
    (void)snprintf(out_text, 40, "%s %02d:%02d:%02d.%06d+00", day, s / 3600, s / 60 % 60, s % 60,
                   (int)(rest % SECOND_US));
}

bool time_text_us(const char *stored, int64_t *out_us)
{
    char day_text[DAY_TEXT];
    struct day day;
    if (strlen(stored) < 26) return false;
    memcpy(day_text, stored, 10);
    day_text[10] = '\0';
    if (!day_parse(day_text, &day)) return false;
    const char *t = stored + 11;
    int64_t s = ((t[0] - '0') * 10 + t[1] - '0') * 3600 + ((t[3] - '0') * 10 + t[4] - '0') * 60 +
                (t[6] - '0') * 10 + t[7] - '0';
    int64_t us = 0;
    for (int i = 9; i < 15; i++)
        us = us * 10 + (t[i] - '0');
    *out_us = day.n * DAY_US + s * SECOND_US + us;
    return true;
}

/* One or two digits; -1: none. */
static int read_two(const char **at)
{
    if (!isdigit((unsigned char)**at)) return -1;
    int n = *(*at)++ - '0';
    if (isdigit((unsigned char)**at)) n = n * 10 + *(*at)++ - '0';
    return n;
}

static bool read_day(const char **at, struct day *out_day)
{
    int year = 0, digits = 0;
    while (isdigit((unsigned char)**at) && digits < 5) {
        year = year * 10 + *(*at)++ - '0';
        digits++;
    }
    if (digits != 4 || *(*at)++ != '-') return false;
    int month = read_two(at);
    if (month < 0 || *(*at)++ != '-') return false;
    int day = read_two(at);
    char text[64];
    (void)snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, day);
    return day >= 0 && day_parse(text, out_day);
}

bool time_text_read_date(const char *text, char out_text[16])
{
    struct day day;
    const char *at = text;
    if (!read_day(&at, &day) || *at != '\0') return false;
    day_format(day, out_text);
    return true;
}

/* HH:MM:SS[.ffffff] */
static bool read_clock(const char **at, int64_t *out_us)
{
    int hour = read_two(at);
    if (hour < 0 || hour > 23 || *(*at)++ != ':') return false;
    int minute = read_two(at);
    if (minute < 0 || minute > 59 || *(*at)++ != ':') return false;
    int second = read_two(at);
    if (second < 0 || second > 59) return false;
    *out_us = (hour * 3600 + minute * 60 + second) * SECOND_US;
    if (**at != '.') return true;
    int64_t unit = SECOND_US;
    for ((*at)++; isdigit((unsigned char)**at); (*at)++) {
        unit /= 10;
        *out_us += (**at - '0') * unit;
    }
    return true;
}

/* "", Z, +02, +02:00, " UTC", " Europe/Berlin" after local time. */
static bool read_zone(const char *at, int64_t local_us, int64_t *out_us)
{
    *out_us = local_us;
    while (*at == ' ')
        at++;
    if (*at == '\0' || strcmp(at, "Z") == 0 || strcmp(at, "z") == 0 || strcmp(at, "UTC") == 0) return true;
    if (*at == '+' || *at == '-') {
        int sign = *at++ == '-' ? -1 : 1;
        int hours = read_two(&at), minutes = 0;
        if (*at == ':') {
            at++;
            minutes = read_two(&at);
        }
        if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59 || *at != '\0') return false;
        *out_us -= sign * (hours * 60 + minutes) * 60 * SECOND_US;
        return true;
    }
    struct error err;
    struct zone *zone = NULL;
    if (!zone_load(at, &zone, &err)) return false;
    int64_t days = time_floor(local_us, DAY_US);
    int64_t guess = local_us - zone_offset_s(zone, local_us / SECOND_US) * SECOND_US;
    *out_us = local_us - zone_offset_s(zone, time_floor(guess, SECOND_US)) * SECOND_US;
    if (local_us == days * DAY_US) *out_us = zone_start_s(zone, (struct day){.n = (int32_t)days}) * SECOND_US;
    zone_free(zone);
    return true;
}

bool time_text_read_timestamp(const char *text, char out_text[40])
{
    struct day day;
    int64_t us = 0;
    const char *at = text;
    if (!read_day(&at, &day)) return false;
    if ((*at == ' ' || *at == 'T' || *at == 't') && isdigit((unsigned char)at[1])) {
        at++;
        if (!read_clock(&at, &us)) return false;
    }
    if (!read_zone(at, day.n * DAY_US + us, &us) || us < INSTANT_MIN_US || us > INSTANT_MAX_US) return false;
    time_text_format(us, out_text);
    return true;
}
