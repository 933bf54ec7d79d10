/* SPDX-License-Identifier: Apache-2.0 */
/* parse.h - numbers in text from outside. Any thread. */
#ifndef CASELOAD_BASE_PARSE_H
#define CASELOAD_BASE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

/* The whole text is decimal digits after an optional minus, and fits. false: *out_value is unchanged. NULL is
 * no number. */
bool parse_int64(const char *text, int64_t *out_value);

#endif
