/* SPDX-License-Identifier: Apache-2.0 */
#include "base/parse.h"

bool parse_int64(const char *text, int64_t *out_value)
{
    bool negative = text && *text == '-';
    const char *digit = negative ? text + 1 : text;
    int64_t value = 0; /* negative, since INT64_MIN has no positive counterpart */
    if (!text || *digit == '\0') return false;
    for (; *digit; digit++) {
        if (*digit < '0' || *digit > '9' || value < (INT64_MIN + (*digit - '0')) / 10) return false;
        value = value * 10 - (*digit - '0');
    }
    if (!negative && value == INT64_MIN) return false;
    *out_value = negative ? value : -value;
    return true;
}
