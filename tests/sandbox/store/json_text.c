/* SPDX-License-Identifier: Apache-2.0 */
#include "store/json_text.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"

#define TEXT_LIMIT    (1 << 30)
#define DIGITS        20
#define LARGEST_POINT 15 /* digits before the point; larger numbers have an exponent */
#define MOST_ZEROS    4  /* after the point; smaller numbers have an exponent */
#define LONGEST       800
#define POWER_STEP    8 /* of the decimal exponents of the cached powers */
#define POWER_FIRST   (-300)
#define BINARY_LOW    (-60) /* the least binary exponent of a product */

/* f * 2^e */
struct scaled {
    uint64_t f;
    int e;
};

static struct scaled normalise(struct scaled x)
{
    while (x.f >> 63 == 0) {
        x.f <<= 1;
        x.e--;
    }
    return x;
}

static struct scaled multiply(struct scaled x, struct scaled y)
{
    uint64_t x_high = x.f >> 32, x_low = (uint32_t)x.f, y_high = y.f >> 32, y_low = (uint32_t)y.f;
    uint64_t one = x_high * y_low, other = x_low * y_high;
    uint64_t middle = (x_low * y_low >> 32) + (uint32_t)one + (uint32_t)other + (UINT64_C(1) << 31);
    return (struct scaled){x_high * y_high + (one >> 32) + (other >> 32) + (middle >> 32), x.e + y.e + 64};
}

/* The power of ten that brings 2^e into the range of the digit generator, rounded to 64 bits. */
static struct scaled cached_power(int e, int *out_decimal)
{
    char text[16];
    int binary;
    int least = BINARY_LOW - e - 1;
    int decimal = least * 78913 / (1 << 18) + (least > 0); /* log10(2), from above */
    int index = (-POWER_FIRST + decimal + POWER_STEP - 1) / POWER_STEP;
    *out_decimal = POWER_FIRST + index * POWER_STEP;
    (void)snprintf(text, sizeof text, "1e%d", *out_decimal);
    long double fraction = frexpl(strtold(text, NULL), &binary);
    return (struct scaled){(uint64_t)roundl(ldexpl(fraction, 64)), binary - 64};
}

/* Brings the last digit nearer to the value. */
static void round_last(char *last, uint64_t distance, uint64_t delta, uint64_t rest, uint64_t unit)
{
    while (rest < distance && delta - rest >= unit &&
           (rest + unit < distance || distance - rest > rest + unit - distance)) {
        (*last)--;
        rest += unit;
    }
}

/* Digits of a number between low and high, as near to middle as they come. Returns their count. */
static int generate(struct scaled low, struct scaled middle, struct scaled high, char digits[DIGITS],
                    int *decimal)
{
    uint64_t delta = high.f - low.f, distance = high.f - middle.f;
    int shift = -high.e, count = 0, left = 1;
    uint64_t one = UINT64_C(1) << shift, whole = high.f >> shift, part = high.f & (one - 1), power = 1;
    for (; power * 10 <= whole; left++)
        power *= 10;
    for (; left > 0; power /= 10) {
        digits[count++] = (char)('0' + whole / power);
        whole %= power;
        left--;
        uint64_t rest = (whole << shift) + part;
        if (rest > delta) continue;
        *decimal += left;
        round_last(&digits[count - 1], distance, delta, rest, power << shift);
        return count;
    }
    do {
        part *= 10;
        delta *= 10;
        distance *= 10;
        digits[count++] = (char)('0' + (part >> shift));
        part &= one - 1;
        (*decimal)--;
    } while (part > delta);
    round_last(&digits[count - 1], distance, delta, part, one);
    return count;
}

/* Of a positive finite value: digits * 10^decimal. Returns the count of digits. */
static int shortest(double value, char digits[DIGITS], int *out_decimal)
{
    uint64_t bits, hidden = UINT64_C(1) << (DBL_MANT_DIG - 1);
    int power;
    memcpy(&bits, &value, sizeof bits);
    uint64_t exponent = bits >> (DBL_MANT_DIG - 1), fraction = bits & (hidden - 1);
    bool is_small = exponent == 0;
    struct scaled v = {is_small ? fraction : fraction + hidden, is_small ? -1074 : (int)exponent - 1075};
    bool is_nearer_below = fraction == 0 && exponent > 1;
    struct scaled high = normalise((struct scaled){2 * v.f + 1, v.e - 1});
    struct scaled low =
        is_nearer_below ? (struct scaled){4 * v.f - 1, v.e - 2} : (struct scaled){2 * v.f - 1, v.e - 1};
    low = (struct scaled){low.f << (low.e - high.e), high.e};
    struct scaled cached = cached_power(high.e, &power);
    *out_decimal = -power;
    struct scaled middle = multiply(normalise(v), cached);
    low = multiply(low, cached);
    high = multiply(high, cached);
    low.f++;
    high.f--;
    return generate(low, middle, high, digits, out_decimal);
}

void json_text_real(double value, char out_text[JSON_TEXT_REAL])
{
    char digits[DIGITS];
    int decimal = 0;
    const char *sign = signbit(value) ? "-" : "";
    if (value == 0) {
        (void)snprintf(out_text, JSON_TEXT_REAL, "%s0.0", sign);
        return;
    }
    int count = shortest(fabs(value), digits, &decimal), point = count + decimal;
    if (decimal >= 0 && point <= LARGEST_POINT)
        (void)snprintf(out_text, JSON_TEXT_REAL, "%s%.*s%.*s.0", sign, count, digits, decimal,
                       "00000000000000000000");
    else if (point > 0 && point <= LARGEST_POINT)
        (void)snprintf(out_text, JSON_TEXT_REAL, "%s%.*s.%.*s", sign, point, digits, count - point,
                       digits + point);
    else if (point > -MOST_ZEROS && point <= 0)
        (void)snprintf(out_text, JSON_TEXT_REAL, "%s0.%.*s%.*s", sign, -point, "0000", count, digits);
    else
        (void)snprintf(out_text, JSON_TEXT_REAL, "%s%c%s%.*se%+03d", sign, digits[0], count > 1 ? "." : "",
                       count - 1, digits + 1, point - 1);
}

static void write_value(struct buf *out, const json_t *value)
{
    char real[JSON_TEXT_REAL];
    const char *key;
    json_t *member;
    if (json_is_real(value)) {
        json_text_real(json_real_value(value), real);
        buf_text(out, real);
    } else if (json_is_array(value)) {
        buf_byte(out, '[');
        for (size_t i = 0; i < json_array_size(value); i++) {
            buf_text(out, i > 0 ? "," : "");
            write_value(out, json_array_get(value, i));
        }
        buf_byte(out, ']');
    } else if (json_is_object(value)) {
        size_t count = 0;
        buf_byte(out, '{');
        json_object_foreach (json_iterable(value), key, member) {
            buf_text(out, count++ > 0 ? "," : "");
            json_write_string(out, key, strlen(key));
            buf_byte(out, ':');
            write_value(out, member);
        }
        buf_byte(out, '}');
    } else {
        json_write(out, value);
    }
}

char *json_text(const json_t *value)
{
    struct buf text = buf_limited(TEXT_LIMIT);
    write_value(&text, value);
    return buf_take(&text, NULL);
}

/* The digits that matter, and where the point stands before them: two spellings of one number are equal. */
static int plain_digits(const char *number, size_t size, char out[LONGEST + 1])
{
    size_t count = 0;
    int point = 0;
    bool is_after = false;
    for (; size > 0 && *number != 'e' && *number != 'E'; number++, size--) {
        if (*number == '.') is_after = true;
        if (*number < '0' || *number > '9') continue;
        if (count == 0 && *number == '0') {
            point -= is_after;
            continue;
        }
        if (count < LONGEST) out[count++] = *number;
        point += !is_after;
    }
    if (size > 0) point += (int)strtol(number + 1, NULL, 10);
    while (count > 0 && out[count - 1] == '0')
        count--;
    out[count] = '\0';
    return count > 0 ? point : 0;
}

static bool is_printed_back(const char *number, size_t size)
{
    char printed[JSON_TEXT_REAL], sent[LONGEST + 1], shown[LONGEST + 1];
    if (size >= LONGEST) return false;
    double value = strtod(number, NULL);
    if (!isfinite(value)) return false;
    json_text_real(value, printed);
    int point = plain_digits(number, size, sent);
    return plain_digits(printed, strlen(printed), shown) == point && strcmp(sent, shown) == 0;
}

bool json_text_is_exact(const char *text, const char **out_number, size_t *out_size)
{
    for (const char *at = text; *at != '\0';) {
        if (*at == '"') {
            for (at++; *at != '\0' && *at != '"'; at++)
                at += *at == '\\' && at[1] != '\0';
            at += *at == '"';
            continue;
        }
        size_t size = strspn(at, "+-.0123456789eE");
        bool is_number = size > 0 && strcspn(at, "0123456789") < size; /* not the e of true */
        if (is_number && strcspn(at, ".eE") < size && !is_printed_back(at, size)) {
            *out_number = at;
            *out_size = size;
            return false;
        }
        at += size > 0 ? size : 1;
    }
    return true;
}
