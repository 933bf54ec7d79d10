/* SPDX-License-Identifier: Apache-2.0 */
#include "json_repair.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/utf8.h"

#define REPLACEMENT    "\xEF\xBF\xBD" /* U+FFFD */
#define QUOTE_BYTES    40
#define NUMBER_LONGEST 512 /* longer numbers are kept as text unread */

/* --- characters --- */

int json_escaped_unit(const char *at, const char *end)
{
    int unit = 0;
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return -1;
    for (int i = 2; i < 6; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static void add_character(struct buf *out, int code)
{
    char bytes[4];
    size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size; i-- > 1; code >>= 6)
        bytes[i] = (char)(0x80 | (code & 0x3F));
    bytes[0] = (char)(size == 1 ? code : (0xF00 >> size & 0xFF) | code);
    buf_add(out, bytes, size);
}

/* Copies a character, or replaces what is none. Returns its bytes. */
static size_t copy_character(const char *at, size_t size, struct buf *out, int64_t *changed)
{
    size_t good = *at ? utf8_size(at, size) : 0;
    *changed += good == 0;
    if (good > 0)
        buf_add(out, at, good);
    else
        buf_text(out, REPLACEMENT);
    return good ? good : 1;
}

static size_t copy_escape(const char *at, const char *end, struct buf *out, int64_t *changed)
{
    static const char escapes[] = "bfnrt\"\\/", meanings[] = "\b\f\n\r\t\"\\/";
    int unit = json_escaped_unit(at, end);
    int low = unit >= 0 ? json_escaped_unit(at + 6, end) : -1;
    const char *escape = end - at > 1 && at[1] ? strchr(escapes, at[1]) : NULL;
    if (unit < 0 && escape) {
        buf_byte(out, meanings[escape - escapes]);
        return 2;
    }
    if (unit < 0) {
        ++*changed;
        buf_byte(out, '\\');
        return 1;
    }
    if (unit >= 0xD800 && unit <= 0xDBFF && low >= 0xDC00 && low <= 0xDFFF) {
        add_character(out, 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
        return 12;
    }
    if (unit == 0 || (unit >= 0xD800 && unit <= 0xDFFF)) {
        ++*changed;
        unit = 0xFFFD;
    }
    add_character(out, unit);
    return 6;
}

int64_t json_unescape(const struct json_token *string, struct buf *out)
{
    const char *at = string->at, *end = string->at + string->size;
    int64_t changed = 0;
    while (at < end) {
        const char *run = at;
        while (at < end && *at != '\\' && (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80)
            at++;
        buf_add(out, run, (size_t)(at - run));
        if (at == end) break;
        if (*at == '\\') {
            at += copy_escape(at, end, out, &changed);
        } else {
            changed += *at > 0 && *at < 0x20;
            at += copy_character(at, (size_t)(end - at), out, &changed);
        }
    }
    return changed;
}

void json_keep_text(const char *text, size_t size, struct buf *out)
{
    int64_t unused = 0;
    for (size_t at = 0; at < size;)
        at += copy_character(text + at, size - at, out, &unused);
}

/* --- numbers --- */

/* The digits that matter, without a point: of "0.0120e5" they are "12". */
static void significant_digits(const char *number, char out[NUMBER_LONGEST + 1])
{
    size_t size = 0;
    for (; *number && *number != 'e' && *number != 'E'; number++)
        if (*number >= '0' && *number <= '9' && (size > 0 || *number != '0')) out[size++] = *number;
    while (size > 0 && out[size - 1] == '0')
        size--;
    out[size] = '\0';
}

static bool gives_back(double real, const char *number)
{
    char sent[NUMBER_LONGEST + 1], held[NUMBER_LONGEST + 1], text[64];
    if (!isfinite(real)) return false;
    significant_digits(number, sent);
    if (strlen(sent) > DBL_DECIMAL_DIG) return false;
    (void)snprintf(text, sizeof text, "%.*e", *sent ? (int)strlen(sent) - 1 : 0, real);
    significant_digits(text, held);
    return strcmp(sent, held) == 0;
}

bool json_number_fits(const struct json_token *number)
{
    char text[NUMBER_LONGEST + 1];
    int64_t integer;
    if (number->size > NUMBER_LONGEST) return false;
    memcpy(text, number->at, number->size);
    text[number->size] = '\0';
    return number->type == JSON_TOKEN_INTEGER ? parse_int64(text, &integer)
                                              : gives_back(strtod(text, NULL), text);
}

/* --- what is wrong --- */

void json_refuse_string(struct json_scan *scan)
{
    scan->at = scan->flaw;
    scan->problem = *scan->flaw == '\\'   ? "an unknown escape"
                    : *scan->flaw == '\0' ? "a NUL byte"
                                          : "a control character in a string";
}

bool json_refuse(const struct json_scan *scan, struct error *err)
{
    size_t size = (size_t)(scan->end - scan->start), position = (size_t)(scan->at - scan->start);
    size_t start = position > QUOTE_BYTES / 2 ? position - QUOTE_BYTES / 2 : 0;
    AUTO(buf_done) struct buf quote = buf_limited(QUOTE_BYTES * 8);
    if (size == 0) return error_set(err, ERROR_FORMAT, "not JSON: it is empty");
    json_write_string(&quote, scan->start + start, size - start < QUOTE_BYTES ? size - start : QUOTE_BYTES);
    return error_set(err, ERROR_FORMAT, "not JSON at byte %zu of %zu: %s, around %s", position, size,
                     scan->problem, buf_string(&quote));
}
