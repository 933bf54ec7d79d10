/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_scan.h"

#include <string.h>

#include "base/utf8.h"
#include "json_repair.h"

#define SURE_REAL_DIGITS     15 /* decimal digits that a double always gives back */
#define SURE_EXPONENT_DIGITS 2
#define SURE_INTEGER_DIGITS  18

enum { FIRST_VALUE, NEXT_VALUE, FIRST_KEY, NEXT_KEY, MEMBER_VALUE, AFTER_VALUE };

void json_scan_init(struct json_scan *scan, const char *bytes, size_t size)
{
    *scan = (struct json_scan){.start = bytes, .at = bytes, .end = bytes + size, .state = NEXT_VALUE};
}

static void open_container(struct json_scan *scan, bool is_object)
{
    uint64_t bit = UINT64_C(1) << (++scan->depth % 64);
    uint64_t *word = &scan->objects[scan->depth / 64];
    *word = is_object ? *word | bit : *word & ~bit;
    scan->state = is_object ? FIRST_KEY : FIRST_VALUE;
}

void json_scan_init_list(struct json_scan *scan, const char *bytes, size_t size, bool is_first)
{
    json_scan_init(scan, bytes, size);
    open_container(scan, false);
    if (!is_first) scan->state = AFTER_VALUE;
}

static bool in_object(const struct json_scan *scan)
{
    return scan->objects[scan->depth / 64] >> (scan->depth % 64) & 1;
}

static enum json_token_type fail(struct json_scan *scan, const char *problem, struct json_token *out)
{
    scan->is_cut = scan->at == scan->end;
    scan->problem = scan->is_cut ? "the text ends too early" : *scan->at == '\0' ? "a NUL byte" : problem;
    return out->type = JSON_TOKEN_ERROR;
}

static enum json_token_type fail_cut(struct json_scan *scan, struct json_token *out)
{
    scan->is_cut = true;
    scan->problem = "the text ends too early";
    return out->type = JSON_TOKEN_ERROR;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
}

static inline void skip_blanks(struct json_scan *scan)
{
    while (scan->at < scan->end && is_blank(*scan->at))
        scan->at++;
}

static bool is_next(const struct json_scan *scan, char byte)
{
    return scan->at < scan->end && *scan->at == byte;
}

/* --- strings --- */

/* Which of eight bytes end a run of ordinary characters: control characters, '"', '\\' and beyond ASCII. A
 * byte after such a one may be reported, too. */
static uint64_t special_bytes(const char *at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;
    uint64_t word;
    memcpy(&word, at, sizeof word);
    uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';
    return (((word - ones * 0x20) | (quote - ones) | (backslash - ones)) & ~word & tops) | (word & tops);
}

static const char *run_end(const char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t special = special_bytes(at);
        if (special != 0 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) /* the lowest is a true one */
            return at + __builtin_ctzll(special) / 8;
        if (special != 0) break;
        at += 8;
    }
    while (at < end && (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80 && *at != '"' && *at != '\\')
        at++;
    return at;
}

/* The bytes of the escape at the place, which is not the text's last byte. */
static size_t escape_size(struct json_scan *scan, const char *at, unsigned *flags)
{
    int unit = json_escaped_unit(at, scan->end);
    *flags |= JSON_ESCAPED;
    if (unit < 0 && at[1] && strchr("\"\\/bfnrt", at[1])) return 2;
    if (unit < 0) {
        if (!(*flags & JSON_NOT_JSON)) scan->flaw = at;
        *flags |= JSON_NOT_JSON;
        return 1;
    }
    if (unit >= 0xD800 && unit <= 0xDBFF) {
        int low = json_escaped_unit(at + 6, scan->end);
        if (low >= 0xDC00 && low <= 0xDFFF) return 12;
    }
    if (unit == 0 || (unit >= 0xD800 && unit <= 0xDFFF)) *flags |= JSON_BAD_CHARACTER;
    return 6;
}

/* The closing quote, or NULL. */
static const char *read_string(struct json_scan *scan, const char *at, unsigned *flags)
{
    for (;;) {
        at = run_end(at, scan->end);
        if (at == scan->end) return NULL;
        if (*at == '"') return at;
        if (*at == '\\') {
            if (at + 1 == scan->end) return NULL;
            at += escape_size(scan, at, flags);
        } else if ((unsigned char)*at < 0x20) {
            if (!(*flags & JSON_NOT_JSON)) scan->flaw = at;
            *flags |= JSON_NOT_JSON;
            at++;
        } else {
            do {
                size_t size = utf8_size(at, (size_t)(scan->end - at));
                if (size == 0) *flags |= JSON_BAD_CHARACTER;
                at += size ? size : 1;
            } while (at < scan->end && (unsigned char)*at >= 0x80);
        }
    }
}

static bool scan_string(struct json_scan *scan, struct json_token *out)
{
    const char *start = scan->at + 1;
    const char *end = read_string(scan, start, &out->flags);
    if (!end) return false;
    out->at = start;
    out->size = (size_t)(end - start);
    scan->at = end + 1;
    return true;
}

/* --- other values --- */

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

/* Is all of the word a number? */
static bool scan_number(const char *word, const char *end, struct json_token *out)
{
    const char *at = word + (*word == '-');
    const char *point = skip_digits(at, end), *after = point, *exponent;
    size_t digits = (size_t)(point - at), exponent_digits = 0;
    if (point == at || (*at == '0' && digits > 1)) return false;
    out->type = JSON_TOKEN_INTEGER;
    if (digits > SURE_INTEGER_DIGITS) out->flags |= JSON_LONG_NUMBER;
    if (after < end && *after == '.') {
        out->type = JSON_TOKEN_REAL;
        after = skip_digits(point + 1, end);
        if (after == point + 1) return false;
        digits += (size_t)(after - point - 1);
    }
    if (after < end && (*after == 'e' || *after == 'E')) {
        out->type = JSON_TOKEN_REAL;
        exponent = after + 1;
        if (exponent < end && (*exponent == '+' || *exponent == '-')) exponent++;
        after = skip_digits(exponent, end);
        exponent_digits = (size_t)(after - exponent);
        if (exponent_digits == 0) return false;
    }
    if (out->type == JSON_TOKEN_REAL && (digits > SURE_REAL_DIGITS || exponent_digits > SURE_EXPONENT_DIGITS))
        out->flags |= JSON_LONG_NUMBER;
    return after == end;
}

static bool ends_word(char byte)
{
    switch (byte) {
    case ' ':
    case '\n':
    case '\t':
    case '\r':
    case ',':
    case ':':
    case '[':
    case ']':
    case '{':
    case '}':
    case '"': return true;
    default: return false;
    }
}

static bool is_text(const struct json_token *token, const char *text)
{
    return token->size == strlen(text) && memcmp(token->at, text, token->size) == 0;
}

static enum json_token_type scan_word(struct json_scan *scan, struct json_token *out)
{
    const char *at = scan->at;
    while (at < scan->end && !ends_word(*at))
        at++;
    if (at == scan->at) return fail(scan, "a value is missing", out);
    out->at = scan->at;
    out->size = (size_t)(at - scan->at);
    scan->at = at;
    scan->state = AFTER_VALUE;
    if ((*out->at == '-' || (*out->at >= '0' && *out->at <= '9')) && scan_number(out->at, at, out))
        return out->type;
    out->flags = 0;
    switch (*out->at) {
    case 't': return out->type = is_text(out, "true") ? JSON_TOKEN_TRUE : JSON_TOKEN_WORD;
    case 'f': return out->type = is_text(out, "false") ? JSON_TOKEN_FALSE : JSON_TOKEN_WORD;
    case 'n': return out->type = is_text(out, "null") ? JSON_TOKEN_NULL : JSON_TOKEN_WORD;
    default: return out->type = JSON_TOKEN_WORD;
    }
}

/* --- containers --- */

/* After so many closing brackets more than opening ones; NULL: the text ends before. */
static const char *skip_levels(const char *at, const char *end, size_t levels)
{
    bool is_quoted = false;
    for (; at < end; at++) {
        if (*at == '"')
            is_quoted = !is_quoted;
        else if (*at == '\\' && is_quoted && end - at > 1)
            at++;
        else if (!is_quoted && (*at == '[' || *at == '{'))
            levels++;
        else if (!is_quoted && (*at == ']' || *at == '}') && --levels == 0)
            return at + 1;
    }
    return NULL;
}

static enum json_token_type scan_deep(struct json_scan *scan, struct json_token *out)
{
    const char *end = skip_levels(scan->at + 1, scan->end, 1);
    if (!end) return fail_cut(scan, out);
    out->at = scan->at;
    out->size = (size_t)(end - scan->at);
    scan->at = end;
    scan->state = AFTER_VALUE;
    return out->type = JSON_TOKEN_DEEP;
}

static enum json_token_type scan_value(struct json_scan *scan, struct json_token *out)
{
    bool is_object = is_next(scan, '{');
    if (is_object || is_next(scan, '[')) {
        if (scan->depth == JSON_DEPTH) return scan_deep(scan, out);
        out->at = scan->at++;
        out->size = 1;
        open_container(scan, is_object);
        return out->type = is_object ? JSON_TOKEN_OBJECT : JSON_TOKEN_ARRAY;
    }
    if (!is_next(scan, '"')) return scan_word(scan, out);
    if (!scan_string(scan, out)) return fail_cut(scan, out);
    scan->state = AFTER_VALUE;
    return out->type = JSON_TOKEN_STRING;
}

static enum json_token_type scan_key(struct json_scan *scan, struct json_token *out)
{
    if (!is_next(scan, '"')) return fail(scan, "a key is missing", out);
    if (!scan_string(scan, out)) return fail_cut(scan, out);
    skip_blanks(scan);
    if (!is_next(scan, ':')) return fail(scan, "a colon is missing", out);
    scan->at++;
    scan->state = MEMBER_VALUE;
    return out->type = JSON_TOKEN_KEY;
}

static enum json_token_type close_container(struct json_scan *scan, struct json_token *out)
{
    out->at = scan->at++;
    out->size = 1;
    scan->depth--;
    scan->state = AFTER_VALUE;
    return out->type = JSON_TOKEN_CLOSE;
}

enum json_token_type json_scan_next(struct json_scan *scan, struct json_token *out_token)
{
    *out_token = (struct json_token){.type = JSON_TOKEN_ERROR};
    skip_blanks(scan);
    bool may_close = scan->state == AFTER_VALUE || scan->state == FIRST_VALUE || scan->state == FIRST_KEY;
    if (may_close && scan->depth == 0) {
        if (scan->at < scan->end) return fail(scan, "text after the value", out_token);
        return out_token->type = JSON_TOKEN_END;
    }
    if (may_close && is_next(scan, in_object(scan) ? '}' : ']')) return close_container(scan, out_token);
    if (scan->state == AFTER_VALUE) {
        if (!is_next(scan, ',')) return fail(scan, "a comma or the closing bracket is missing", out_token);
        scan->at++;
        scan->state = in_object(scan) ? NEXT_KEY : NEXT_VALUE;
        skip_blanks(scan);
    }
    bool is_key = scan->state == FIRST_KEY || scan->state == NEXT_KEY;
    return is_key ? scan_key(scan, out_token) : scan_value(scan, out_token);
}

bool json_scan_leave(struct json_scan *scan)
{
    const char *end = scan->depth > 0 ? skip_levels(scan->at, scan->end, 1) : NULL;
    if (!end || (end[-1] == '}') != in_object(scan)) {
        struct json_token unused;
        if (!end) (void)fail_cut(scan, &unused);
        return false;
    }
    scan->at = end;
    scan->depth--;
    scan->state = AFTER_VALUE;
    return true;
}

bool json_scan_find_list(struct json_scan *scan, const char *const *path)
{
    struct json_token token;
    bool is_awaited = false, is_last = false;
    for (;;) {
        switch (json_scan_next(scan, &token)) {
        case JSON_TOKEN_KEY: /* all open objects are on the path */
            is_awaited = path[scan->depth - 1] && is_text(&token, path[scan->depth - 1]);
            is_last = is_awaited && !path[scan->depth];
            break;
        case JSON_TOKEN_ARRAY:
            if (is_last) return true;
            if (!json_scan_leave(scan)) return false;
            break;
        case JSON_TOKEN_OBJECT:
            if (scan->depth > 1 && (!is_awaited || is_last) && !json_scan_leave(scan)) return false;
            break;
        case JSON_TOKEN_END:
        case JSON_TOKEN_ERROR: return false;
        case JSON_TOKEN_CLOSE:
        case JSON_TOKEN_STRING:
        case JSON_TOKEN_INTEGER:
        case JSON_TOKEN_REAL:
        case JSON_TOKEN_TRUE:
        case JSON_TOKEN_FALSE:
        case JSON_TOKEN_NULL:
        case JSON_TOKEN_WORD:
        case JSON_TOKEN_DEEP: break;
        }
    }
}
