/* SPDX-License-Identifier: Apache-2.0 */
/* json_scan.h - a strict pull scanner of JSON (RFC 8259) over a text in memory.
 *
 * json_scan_next gives one token at a time, as a place in the text, which is borrowed. It neither recurses
 * nor allocates. A token that is no JSON by itself (NaN, a control character in a string) is given all the
 * same, with its type or flags; a text whose structure is wrong gives JSON_TOKEN_ERROR, and json_scan_leave
 * goes on after the container that is wrong. One thread at a time per scan.
 */
#ifndef CASELOAD_BASE_JSON_SCAN_H
#define CASELOAD_BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH 256 /* containers that may be open; a deeper one is one token */

enum json_token_type {
    JSON_TOKEN_OBJECT, /* its opening bracket */
    JSON_TOKEN_ARRAY,
    JSON_TOKEN_CLOSE, /* the bracket that closes the innermost container */
    JSON_TOKEN_KEY,   /* without its quotes; the colon is passed, too */
    JSON_TOKEN_STRING,
    JSON_TOKEN_INTEGER,
    JSON_TOKEN_REAL,
    JSON_TOKEN_TRUE,
    JSON_TOKEN_FALSE,
    JSON_TOKEN_NULL,
    JSON_TOKEN_WORD, /* no JSON: NaN, tru, 01 */
    JSON_TOKEN_DEEP, /* a whole container below JSON_DEPTH others; only its brackets and strings were seen */
    JSON_TOKEN_END,  /* the text held one value */
    JSON_TOKEN_ERROR /* see scan.problem; scan.at is the place */
};

/* Flags of a token. */
enum {
    JSON_ESCAPED = 1,       /* a string has escapes */
    JSON_BAD_CHARACTER = 2, /* ... characters that no text can hold: not UTF-8, a lone surrogate, \u0000 */
    JSON_NOT_JSON = 4,      /* ... control characters, or a backslash that begins no escape; see scan.flaw */
    JSON_LONG_NUMBER = 8    /* more digits than int64 or double are sure to hold */
};

struct json_token {
    enum json_token_type type;
    unsigned flags;
    const char *at; /* of strings and keys: after the opening quote */
    size_t size;
};

struct json_scan {
    const char *start, *at, *end;
    const char *problem; /* of JSON_TOKEN_ERROR */
    const char *flaw;    /* the first byte that JSON_NOT_JSON is about */
    bool is_cut;         /* of JSON_TOKEN_ERROR: the text ends too early */
    int state;
    size_t depth;                          /* open containers */
    uint64_t objects[JSON_DEPTH / 64 + 1]; /* a bit for each: it is an object; the first is bit 1 */
};

void json_scan_init(struct json_scan *scan, const char *bytes, size_t size);
/* For a text that goes on inside of an array: before its first element, or after one. */
void json_scan_init_list(struct json_scan *scan, const char *bytes, size_t size, bool is_first);

/* Also returns the type. */
enum json_token_type json_scan_next(struct json_scan *scan, struct json_token *out_token);

/* To the end of the innermost container, whatever is in between. False: the text ends before, or its bracket
 * is of the other kind. */
bool json_scan_leave(struct json_scan *scan);

/* Into the list at the path of keys, which a NULL ends: its elements follow. False: there is none. Escaped
 * keys are not found. */
bool json_scan_find_list(struct json_scan *scan, const char *const *path);

#endif
