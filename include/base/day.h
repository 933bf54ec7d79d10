/* SPDX-License-Identifier: Apache-2.0 */
/* day.h - civil days of the proleptic Gregorian calendar, and instants as text.
 *
 * A day is a struct so that seconds do not fit by mistake. Instants count from 1970 UTC, in microseconds
 * (_us) or seconds (_s). Supported: years 0001 to 9999, as BigQuery's DATE and TIMESTAMP.
 */
#ifndef CASELOAD_BASE_DAY_H
#define CASELOAD_BASE_DAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DAY_TEXT     11 /* "2026-01-31" and NUL */
#define INSTANT_TEXT 32 /* "2026-01-31T10:11:12.000001Z" and NUL */

#define INSTANT_MIN_US INT64_C(-62135596800000000) /* 0001-01-01T00:00:00Z */
#define INSTANT_MAX_US INT64_C(253402300799999999) /* 9999-12-31T23:59:59.999999Z */

struct day {
    int32_t n; /* days since 1970-01-01 */
};

struct day day_of_civil(int year, int month, int day); /* the fields must be valid */
void day_to_civil(struct day day, int *out_year, int *out_month, int *out_day);
bool day_parse(const char *text, struct day *out_day); /* exactly YYYY-MM-DD and a real date */
void day_format(struct day day, char out_text[DAY_TEXT]);
struct day day_of_utc(int64_t unix_us); /* its day in UTC */
struct day day_add(struct day day, int days);
int day_compare(struct day a, struct day b); /* <0, 0, >0 */
struct day day_min(struct day a, struct day b);
struct day day_max(struct day a, struct day b);

/* RFC 3339 (also with a blank for T, and 0 to 9 digits of fraction, cut to microseconds); zone required. */
bool instant_parse(const char *text, size_t size, int64_t *out_us);
/* Always UTC with Z; no fraction when it is zero, else six digits. */
void instant_format(int64_t us, char out_text[INSTANT_TEXT]);

#endif
