/* SPDX-License-Identifier: Apache-2.0 */
/* judge_value.h - the judge's own reading of values. */
#ifndef CASELOAD_TESTS_JUDGE_VALUE_H
#define CASELOAD_TESTS_JUDGE_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/stream.h"

/* PERHAPS: spellings that a careful builder may take or leave, as a real with 18 digits for an integer. */
enum fit { FITS, MISFITS, PERHAPS };

enum fit judge_fit(enum column_type type, const json_t *value); /* not for records */
bool judge_same(enum column_type type, const json_t *stored, const json_t *sent);

/* Seconds or milliseconds since 1970, or a date and time. */
bool judge_instant(const json_t *value, int64_t *out_us);

#endif
