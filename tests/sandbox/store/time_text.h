/* SPDX-License-Identifier: Apache-2.0 */
/* time_text.h - days and instants as texts: the stored form, and what people write. */
#ifndef CASELOAD_SANDBOX_TIME_TEXT_H
#define CASELOAD_SANDBOX_TIME_TEXT_H

#include <stdbool.h>
#include <stdint.h>

/* Into the stored form; false: the text can't be read. */
bool time_text_read_date(const char *text, char out_text[16]);
bool time_text_read_timestamp(const char *text, char out_text[40]);
void time_text_format(int64_t us, char out_text[40]);
bool time_text_us(const char *stored, int64_t *out_us);
int64_t time_floor(int64_t a, int64_t b); /* a / b, towards minus infinity */

#endif
