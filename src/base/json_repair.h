/* SPDX-License-Identifier: Apache-2.0 */
/* json_repair.h - texts and numbers that no value can hold as they came: what is kept instead. Any thread. */
#ifndef CASELOAD_BASE_JSON_REPAIR_H
#define CASELOAD_BASE_JSON_REPAIR_H

#include "base/json.h"

/* The code unit of "\uXXXX", or -1. */
int json_escaped_unit(const char *at, const char *end);

/* Appends the characters of a string's token. Returns how many are not JSON's: bytes that are not UTF-8, NULs
 * and lone surrogates become U+FFFD; control characters and backslashes without a meaning stay as they are.
 */
int64_t json_unescape(const struct json_token *string, struct buf *out);
/* Appends a text that is no string. NULs and bytes that are not UTF-8 become U+FFFD. */
void json_keep_text(const char *text, size_t size, struct buf *out);

/* Does int64 or double give back all digits? */
bool json_number_fits(const struct json_token *number);

/* The error of a scan that ended with JSON_TOKEN_ERROR. Returns false. */
bool json_refuse(const struct json_scan *scan, struct error *err);
/* Makes a problem of the scan's flaw. */
void json_refuse_string(struct json_scan *scan);

#endif
