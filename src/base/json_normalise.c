/* SPDX-License-Identifier: Apache-2.0 */
/* json_normalise.c - rewrites numbers and characters that jansson refuses.
 *
 * Strings and numbers are looked at, everything else is copied. Of other invalid JSON jansson reports the
 * error.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/parse.h"
#include "base/utf8.h"

#define REPLACEMENT    "\xEF\xBF\xBD" /* U+FFFD */
#define NUMBER_LONGEST 512            /* longer numbers become strings unread */

struct scan {
    const char *at;
    const char *end;
    struct json_normalisations *normalisations;
    struct buf *out;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void replace_character(struct scan *scan, size_t size)
{
    scan->at += size;
    scan->normalisations->characters++;
    buf_text(scan->out, REPLACEMENT);
}

static void copy(struct scan *scan, size_t size)
{
    buf_add(scan->out, scan->at, size);
    scan->at += size;
}

static int escaped_unit(const char *at, const char *end)
{
    int unit = 0;
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return -1;
    for (int i = 2; i < 6; i++) {
        char c = at[i];
        int digit = is_digit(c)            ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static void escape(struct scan *scan)
{
    int unit = escaped_unit(scan->at, scan->end);
    if (unit < 0) { /* "\n", or an escape that jansson refuses by itself */
        copy(scan, scan->end - scan->at > 1 ? 2 : 1);
        return;
    }
    if (unit == 0 || (unit >= 0xDC00 && unit <= 0xDFFF)) {
        replace_character(scan, 6);
        return;
    }
    if (unit < 0xD800 || unit > 0xDBFF) {
        copy(scan, 6);
        return;
    }
    int next = escaped_unit(scan->at + 6, scan->end);
    if (next >= 0xDC00 && next <= 0xDFFF)
        copy(scan, 12);
    else
        replace_character(scan, 6);
}

static void string(struct scan *scan)
{
    while (scan->at < scan->end) {
        unsigned char c = (unsigned char)*scan->at;
        if (c == '\\') {
            escape(scan);
            continue;
        }
        if (c < 0x80) {
            copy(scan, 1);
            if (c == '"') return;
            continue;
        }
        size_t size = utf8_size(scan->at, (size_t)(scan->end - scan->at));
        if (size > 0)
            copy(scan, size);
        else
            replace_character(scan, 1);
    }
}

/* The end of a number by JSON's grammar, or NULL. */
static const char *number_end(const char *at, const char *end, bool *out_integer)
{
    *out_integer = true;
    if (at < end && *at == '-') at++;
    if (at == end || !is_digit(*at)) return NULL;
    if (*at == '0')
        at++;
    else
        while (at < end && is_digit(*at))
            at++;
    if (at < end && *at == '.') {
        *out_integer = false;
        if (++at == end || !is_digit(*at)) return NULL;
        while (at < end && is_digit(*at))
            at++;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        *out_integer = false;
        at++;
        if (at < end && (*at == '+' || *at == '-')) at++;
        if (at == end || !is_digit(*at)) return NULL;
        while (at < end && is_digit(*at))
            at++;
    }
    return at;
}

/* The digits that matter, without a point: of "0.0120e5" they are "12". */
static void significant_digits(const char *number, char out[NUMBER_LONGEST + 1])
{
    size_t size = 0;
    for (; *number && *number != 'e' && *number != 'E'; number++)
        if (is_digit(*number) && (size > 0 || *number != '0')) out[size++] = *number;
    while (size > 0 && out[size - 1] == '0')
        size--;
    out[size] = '\0';
}

/* Does a double give back all digits of the number? */
static bool real_fits(const char *number)
{
    double real = strtod(number, NULL);
    char sent[NUMBER_LONGEST + 1], held[NUMBER_LONGEST + 1], text[64];
    if (!isfinite(real)) return false;
    significant_digits(number, sent);
    if (strlen(sent) > DBL_DECIMAL_DIG) return false;
    (void)snprintf(text, sizeof text, "%.*e", *sent ? (int)strlen(sent) - 1 : 0, real);
    significant_digits(text, held);
    return strcmp(sent, held) == 0;
}

static bool number_fits(const char *text, size_t size, bool integer)
{
    char copied[NUMBER_LONGEST + 1];
    int64_t ignored;
    if (size > NUMBER_LONGEST) return false;
    memcpy(copied, text, size);
    copied[size] = '\0';
    if (!integer) return real_fits(copied);
    return parse_int64(copied, &ignored);
}

static void number(struct scan *scan)
{
    bool integer;
    const char *end = number_end(scan->at, scan->end, &integer);
    if (!end) {
        copy(scan, 1);
        return;
    }
    size_t size = (size_t)(end - scan->at);
    if (number_fits(scan->at, size, integer)) {
        copy(scan, size);
        return;
    }
    scan->normalisations->numbers++;
    buf_byte(scan->out, '"');
    copy(scan, size);
    buf_byte(scan->out, '"');
}

bool json_normalise(const char *bytes, size_t size, struct json_normalisations *normalisations,
                    struct buf *out)
{
    struct json_normalisations unused = {0};
    struct scan scan = {.at = bytes,
                        .end = bytes + size,
                        .normalisations = normalisations ? normalisations : &unused,
                        .out = out};
    while (scan.at < scan.end && !out->full) {
        if (*scan.at == '"') {
            copy(&scan, 1);
            string(&scan);
        } else if (*scan.at == '-' || is_digit(*scan.at)) {
            number(&scan);
        } else {
            copy(&scan, 1);
        }
    }
    return !out->full;
}
