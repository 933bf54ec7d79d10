/* SPDX-License-Identifier: Apache-2.0 */
#include "row_oracle_value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SURE_SECONDS   INT64_C(4000000000) /* up to 2096; the same in milliseconds, from 2001 on */
#define EXACT          9007199254740992.0  /* 2^53: up to here doubles hold integers */
#define AS_MILLISECOND 100000000000.0

static bool digits_only(const char *text)
{
    return *text && text[strspn(text, "0123456789")] == '\0';
}

static bool any_digit(const char *text)
{
    return strpbrk(text, "0123456789") != NULL;
}

/* Days since 1970 by counting years and months. */
static int64_t days_since_1970(int year, int month, int day)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    int64_t past = year - 1;

    return past * 365 + past / 4 - past / 100 + past / 400 - 719162 + before[(month - 1) % 12] +
           (leap && month > 2) + day - 1;
}

/* Microseconds of ".123456789", and where it ends. */
static int64_t fraction_us(const char **at)
{
    int64_t us = 0, unit = 100000;

    if (**at != '.') return 0;
    for (++*at; **at >= '0' && **at <= '9'; ++*at, unit /= 10)
        us += (**at - '0') * unit;
    return us;
}

static bool iso_us(const char *text, int64_t *out_us)
{
    int year, month, day, hour, minute, second, size = 0, zone_hour = 0, zone_minute = 0;
    const char *at;
    char between, sign = '+';

    if (sscanf(text, "%4d-%2d-%2d%c%2d:%2d:%2d%n", &year, &month, &day, &between, &hour, &minute, &second,
               &size) != 7 ||
        month < 1 || month > 12 || year < 1)
        return false;
    at = text + size;
    *out_us = ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    *out_us = *out_us * 1000000 + fraction_us(&at);
    if (strcmp(at, "Z") == 0 || strcmp(at, "z") == 0) return true;
    if (sscanf(at, "%c%2d:%2d", &sign, &zone_hour, &zone_minute) != 3) return false;
    *out_us -= (sign == '-' ? -1 : 1) * (zone_hour * INT64_C(60) + zone_minute) * 60000000;
    return true;
}

static bool seconds_us(double seconds, int64_t *out_us)
{
    double us = seconds * (fabs(seconds) > AS_MILLISECOND ? 1e3 : 1e6);

    if (!(fabs(us) < 1e18)) return false;
    *out_us = llround(us);
    return true;
}

static bool instant_us(const json_t *value, int64_t *out_us)
{
    const char *text = json_string_value(value);
    char *end;
    double seconds;

    if (json_is_number(value)) return seconds_us(json_number_value(value), out_us);
    if (!text) return false;
    if (strchr(text, ':')) return iso_us(text, out_us);
    seconds = strtod(text, &end);
    return end != text && *end == '\0' && seconds_us(seconds, out_us);
}

static enum row_fit fits_integer(const json_t *value)
{
    const char *text = json_string_value(value);
    double real = json_real_value(value);

    if (json_is_integer(value)) return ROW_FITS;
    if (json_is_real(value))
        return real != trunc(real) ? ROW_MISFITS : fabs(real) < EXACT ? ROW_FITS : ROW_PERHAPS;
    if (!text || !any_digit(text)) return ROW_MISFITS;
    return digits_only(text) && text[0] != '0' && strlen(text) <= 18 ? ROW_FITS : ROW_PERHAPS;
}

static enum row_fit fits_real(const json_t *value)
{
    if (json_is_real(value)) return ROW_FITS;
    if (json_is_integer(value))
        return fabs((double)json_integer_value(value)) < EXACT ? ROW_FITS : ROW_PERHAPS;
    return json_is_string(value) && any_digit(json_string_value(value)) ? ROW_PERHAPS : ROW_MISFITS;
}

/* As an answer of Intercom would have it: "2026-01-31T10:11:12.123Z". */
static bool plain_iso(const char *text)
{
    static const char shape[] = "0000-00-00T00:00:00";

    if (strlen(text) < sizeof shape || strncmp(text, "19", 2) < 0 || strncmp(text, "20", 2) > 0) return false;
    for (size_t i = 0; shape[i]; i++)
        if (shape[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i]) return false;
    return text[5] == '0' && text[6] > '0' && text[8] <= '2' && text[9] > '0' && text[11] <= '1' &&
           text[14] <= '5' && text[17] <= '5' && strcmp(text + 19, "Z") == 0;
}

static bool sure_integer(json_int_t instant)
{
    return (instant >= 0 && instant < SURE_SECONDS) ||
           (instant > SURE_SECONDS * 250 && instant < SURE_SECONDS * 1000);
}

static enum row_fit fits_instant(const json_t *value)
{
    const char *text = json_string_value(value);
    int64_t us;

    if (json_is_integer(value)) return sure_integer(json_integer_value(value)) ? ROW_FITS : ROW_PERHAPS;
    if (json_is_real(value)) return ROW_PERHAPS;
    if (!text || !any_digit(text)) return ROW_MISFITS;
    if (digits_only(text) && text[0] != '0' && strlen(text) <= 10)
        return strtoll(text, NULL, 10) < SURE_SECONDS ? ROW_FITS : ROW_PERHAPS;
    if (plain_iso(text)) return ROW_FITS;
    return instant_us(value, &us) ? ROW_PERHAPS : ROW_MISFITS;
}

enum cell_type cell_type(const char *name)
{
    static const struct {
        const char *name;
        enum cell_type type;
    } types[] = {{"STRING", CELL_STRING},   {"INT64", CELL_INT64},         {"INTEGER", CELL_INT64},
                 {"FLOAT64", CELL_FLOAT64}, {"FLOAT", CELL_FLOAT64},       {"BOOL", CELL_BOOL},
                 {"BOOLEAN", CELL_BOOL},    {"TIMESTAMP", CELL_TIMESTAMP}, {"JSON", CELL_JSON},
                 {"RECORD", CELL_RECORD},   {"STRUCT", CELL_RECORD}};
    for (size_t i = 0; name && i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, name) == 0) return types[i].type;
    return CELL_UNKNOWN;
}

enum row_fit row_oracle_fit(const char *name, const json_t *value)
{
    enum cell_type type = cell_type(name);

    if (type == CELL_JSON) return ROW_FITS;
    if (json_is_object(value) || json_is_array(value)) return ROW_MISFITS;
    switch (type) {
    case CELL_STRING: return json_is_real(value) ? ROW_PERHAPS : ROW_FITS;
    case CELL_INT64: return fits_integer(value);
    case CELL_FLOAT64: return fits_real(value);
    case CELL_BOOL: return json_is_boolean(value) ? ROW_FITS : ROW_MISFITS;
    case CELL_TIMESTAMP: return fits_instant(value);
    case CELL_JSON:
    case CELL_RECORD:
    case CELL_UNKNOWN: break;
    }
    return ROW_MISFITS;
}

/* The text of it, as JSON has it. */
static bool same_text(const json_t *stored, const json_t *sent)
{
    const char *text = json_string_value(stored);
    char number[32];
    char *end;

    if (!text) return false;
    if (json_is_string(sent))
        return json_string_length(stored) == json_string_length(sent) &&
               memcmp(text, json_string_value(sent), json_string_length(sent)) == 0;
    if (json_is_boolean(sent)) return strcmp(text, json_is_true(sent) ? "true" : "false") == 0;
    if (json_is_real(sent)) return strtod(text, &end) == json_real_value(sent) && *end == '\0' && *text;
    (void)snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(sent));
    return json_is_integer(sent) && strcmp(text, number) == 0;
}

static bool integer_of(const json_t *value, int64_t *out)
{
    const char *text = json_string_value(value);
    char *end;

    if (json_is_integer(value)) *out = json_integer_value(value);
    if (json_is_integer(value) || !text) return json_is_integer(value);
    *out = strtoll(text, &end, 10);
    return *text && *end == '\0';
}

static bool same_integer(const json_t *stored, const json_t *sent)
{
    int64_t left, right;

    if (!integer_of(stored, &left)) return false;
    if (json_is_real(sent)) return (double)left == json_real_value(sent);
    return integer_of(sent, &right) && left == right;
}

static bool same_real(const json_t *stored, const json_t *sent)
{
    double right = json_is_string(sent) ? strtod(json_string_value(sent), NULL) : json_number_value(sent);

    return json_is_number(stored) && !json_is_boolean(sent) && json_number_value(stored) == right;
}

static bool same_instant(const json_t *stored, const json_t *sent)
{
    int64_t left, right;
    int64_t slack = json_is_integer(sent) ? 0 : 1; /* of rounding a fraction */

    return json_is_string(stored) && strchr(json_string_value(stored), 'Z') &&
           iso_us(json_string_value(stored), &left) && instant_us(sent, &right) &&
           (left > right ? left - right : right - left) <= slack;
}

bool cell_equals(enum cell_type type, const json_t *stored, const json_t *sent)
{
    switch (type) {
    case CELL_STRING: return same_text(stored, sent);
    case CELL_INT64: return same_integer(stored, sent);
    case CELL_FLOAT64: return same_real(stored, sent);
    case CELL_BOOL: return json_is_boolean(sent) && json_equal(stored, sent);
    case CELL_TIMESTAMP: return same_instant(stored, sent);
    case CELL_JSON: return json_equal(stored, sent);
    case CELL_RECORD:
    case CELL_UNKNOWN: break;
    }
    return false;
}
