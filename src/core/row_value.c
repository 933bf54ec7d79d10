/* SPDX-License-Identifier: Apache-2.0 */
#include "row_value.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/json_value.h"
#include "base/parse.h"
#include "core/rows.h"

#define EXACT_DIGITS   15                 /* decimal digits that a double always gives back */
#define EXACT_INTEGER  (INT64_C(1) << 53) /* integers up to here are exact in a double */
#define TWO_TO_63      9223372036854775808.0
#define MILLISECONDS   INT64_C(100000000000) /* as seconds this would be the year 5138 */
#define NUMBER_LONGEST 40                    /* longer texts are no numbers to us */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The one spelling of an integer: "007", "+1" and "-0" are texts, and mean something else. */
static bool integer_text(const char *text, int64_t *out)
{
    const char *digits = text + (*text == '-');
    if (!is_digit(*digits) || (*digits == '0' && (digits[1] != '\0' || digits != text))) return false;
    return parse_int64(text, out);
}

static const char *skip_digits(const char *at)
{
    while (is_digit(*at))
        at++;
    return at;
}

/* A number by JSON's grammar, whole. *out_digits counts the digits that matter: none in front of the first
 * that is not zero, none of the exponent. */
static bool number_grammar(const char *text, size_t *out_digits)
{
    const char *at = text + (*text == '-');
    const char *mantissa = at;
    bool started = false;
    if (!is_digit(*at)) return false;
    at = *at == '0' ? at + 1 : skip_digits(at);
    if (*at == '.') {
        if (!is_digit(at[1])) return false;
        at = skip_digits(at + 1);
    }
    *out_digits = 0;
    for (; mantissa < at; mantissa++) {
        started = started || (*mantissa != '0' && *mantissa != '.');
        *out_digits += started && *mantissa != '.';
    }
    if (*at == 'e' || *at == 'E') {
        at += at[1] == '+' || at[1] == '-' ? 2 : 1;
        if (!is_digit(*at)) return false;
        at = skip_digits(at);
    }
    return *at == '\0';
}

static bool real_text(const char *text, double *out)
{
    size_t digits;
    if (strlen(text) > NUMBER_LONGEST || !number_grammar(text, &digits) || digits > EXACT_DIGITS)
        return false;
    *out = strtod(text, NULL);
    /* Near zero doubles have fewer digits, and at last none. */
    return isfinite(*out) && (digits == 0 || fabs(*out) >= DBL_MIN);
}

static bool as_integer(const struct json_value *value, int64_t *out)
{
    if (value_is_integer(value)) return parse_int64(value->text, out);
    if (value_is_string(value)) return integer_text(value->text, out);
    if (!value_is(value, VALUE_REAL)) return false;
    double real = value_real(value);
    if (!(real >= -TWO_TO_63 && real < TWO_TO_63) || real != trunc(real)) return false;
    *out = (int64_t)real;
    return true;
}

static bool fits_real(const struct json_value *value)
{
    double real;
    if (value_is_string(value)) return real_text(value->text, &real);
    if (value_is_integer(value)) {
        int64_t integer = value_integer(value);
        real = (double)integer;
        return real < TWO_TO_63 && (int64_t)real == integer;
    }
    return value_is(value, VALUE_REAL);
}

static bool seconds_to_us(int64_t seconds, int64_t *out_us)
{
    int64_t unit = seconds > MILLISECONDS || seconds < -MILLISECONDS ? 1000 : 1000000;
    if (seconds > INSTANT_MAX_US / unit || seconds < INSTANT_MIN_US / unit) return false;
    *out_us = seconds * unit;
    return true;
}

static bool real_seconds_to_us(double seconds, int64_t *out_us)
{
    double unit = fabs(seconds) > (double)MILLISECONDS ? 1e3 : 1e6;
    double us = round(seconds * unit);
    /* Written so that not-a-number fails. The upper bound is open, as the double next to it lies beyond. */
    if (!(us >= (double)INSTANT_MIN_US && us < (double)INSTANT_MAX_US)) return false;
    *out_us = (int64_t)us;
    return true;
}

bool row_instant(const struct json_value *value, int64_t *out_us)
{
    int64_t seconds;
    double real;
    if (value_is_integer(value)) return seconds_to_us(value_integer(value), out_us);
    if (value_is(value, VALUE_REAL)) return real_seconds_to_us(value_real(value), out_us);
    if (!value_is_string(value)) return false;
    if (integer_text(value->text, &seconds)) return seconds_to_us(seconds, out_us);
    if (instant_parse(value->text, value->size, out_us)) return true;
    return real_text(value->text, &real) && real_seconds_to_us(real, out_us);
}

static bool write_text(const struct json_value *value, struct buf *out)
{
    if (value_is_string(value)) {
        value_write(out, value);
        return true;
    }
    if (value_is_null(value) || value_is_container(value)) return false;
    buf_byte(out, '"');
    value_write(out, value); /* digits and letters only: nothing to escape */
    buf_byte(out, '"');
    return true;
}

static bool write_integer(const struct json_value *value, struct buf *out)
{
    int64_t integer;
    if (value_is_integer(value) && value->size <= EXACT_DIGITS) {
        buf_add(out, value->text, value->size);
        return true;
    }
    if (!as_integer(value, &integer)) return false;
    /* Beyond 2^53 a loader that reads numbers as doubles would round; BigQuery takes texts for INT64. */
    if (integer > -EXACT_INTEGER && integer < EXACT_INTEGER)
        buf_format(out, "%" PRId64, integer);
    else
        buf_format(out, "\"%" PRId64 "\"", integer);
    return true;
}

static bool write_real(const struct json_value *value, struct buf *out)
{
    if (!fits_real(value)) return false;
    if (value_is_string(value))
        buf_add(out, value->text, value->size); /* its grammar was checked */
    else
        value_write(out, value);
    return true;
}

static bool write_instant(const struct json_value *value, struct buf *out)
{
    char text[INSTANT_TEXT];
    int64_t us;
    if (!row_instant(value, &us)) return false;
    instant_format(us, text);
    buf_byte(out, '"');
    buf_text(out, text);
    buf_byte(out, '"');
    return true;
}

void rows_value_quote(struct buf *out, size_t start)
{
    size_t added = 2, end = out->size;
    for (size_t i = start; i < end; i++)
        added += out->data[i] == '"' || out->data[i] == '\\'; /* written JSON has no control characters */
    for (size_t i = 0; i < added; i++)
        buf_byte(out, '"'); /* the last is the closing quote */
    if (out->full) return;
    for (size_t from = end, to = out->size - 1; from > start;) {
        char byte = out->data[--from];
        out->data[--to] = byte;
        if (byte == '"' || byte == '\\') out->data[--to] = '\\';
    }
    out->data[start] = '"';
}

static bool write_json(const struct json_value *value, struct buf *out)
{
    size_t start = out->size;
    value_write(out, value);
    rows_value_quote(out, start);
    return true;
}

bool rows_value_write(enum column_type type, const struct json_value *value, struct buf *out)
{
    switch (type) {
    case COLUMN_STRING: return write_text(value, out);
    case COLUMN_INT64: return write_integer(value, out);
    case COLUMN_FLOAT64: return write_real(value, out);
    case COLUMN_TIMESTAMP: return write_instant(value, out);
    case COLUMN_BOOL:
        if (!value_is(value, VALUE_TRUE) && !value_is(value, VALUE_FALSE)) return false;
        value_write(out, value);
        return true;
    case COLUMN_JSON: return write_json(value, out);
    case COLUMN_RECORD: break;
    }
    return false;
}
