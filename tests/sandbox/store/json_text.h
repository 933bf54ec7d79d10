/* SPDX-License-Identifier: Apache-2.0 */
/* json_text.h - the text of a JSON value as BigQuery shows it. Pure; any thread.
 *
 * Google's engine prints doubles with Grisu2 (Loitsch, "Printing Floating-Point Numbers Quickly and
 * Accurately with Integers", 2010): all digits are right, but now and then there are more than
 * needed. 67.174118 is printed as 67.17411800000001.
 */
#ifndef CASELOAD_SANDBOX_STORE_JSON_TEXT_H
#define CASELOAD_SANDBOX_STORE_JSON_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define JSON_TEXT_REAL 40

void json_text_real(double value, char out_text[JSON_TEXT_REAL]);
char *json_text(const json_t *value); /* compact; yours (free) */

/* Is each real in a JSON text printed with the digits that it was sent with? Else its place and size. */
bool json_text_is_exact(const char *text, const char **out_number, size_t *out_size);

#endif
