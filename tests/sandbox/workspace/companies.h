/* SPDX-License-Identifier: Apache-2.0 */
/* companies.h - companies: records of a shelf that are read by scrolling, with the segments they are in
 * and what is known of the deleted ones. Any thread.
 */
#ifndef CASELOAD_SANDBOX_WORLD_COMPANIES_H
#define CASELOAD_SANDBOX_WORLD_COMPANIES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "workspace/shelf.h"

#define SCROLL_PARAM  40
#define SCROLL_PAGE   100
#define SCROLL_IDLE_S 60

struct companies;

struct companies *companies_new(struct shelf *shelf, uint64_t seed); /* shelf is borrowed */
void companies_free(struct companies *companies);

/* A workspace has one scroll at a time. It ends after an empty page, or when nobody asks for long. */
enum scroll { SCROLL_GOES_ON, SCROLL_EXISTS, SCROLL_UNKNOWN };

/* param NULL: a new scroll. The next page, an array, yours; its companies count as shown once the scroll came
 * to its end. */
enum scroll companies_scroll(struct companies *companies, const char *param, int64_t now_us,
                             json_t **out_page, char out_param[SCROLL_PARAM]);

/* The segments a company is in now, yours; NULL: it is not there. */
json_t *companies_segments(struct companies *companies, const char *id);

bool companies_remove(struct companies *companies, const char *id, int64_t at_s);
int64_t companies_remove_some(struct companies *companies, int64_t count, int64_t at_s); /* how many */

/* --- for comparing: numbers and versions are those of the shelf --- */

json_t *companies_segments_of(const struct companies *companies, size_t number, size_t version); /* yours */
size_t companies_segment_number(const json_t *segment); /* a number of its own, below 256 */
/* When the company was deleted; false: it was not. */
bool companies_removal(struct companies *companies, const char *id, int64_t *out_at_s);
/* The version that must have been loaded: the newest; of a deleted one that which was shown in time. */
bool companies_wanted(struct companies *companies, size_t number, size_t *out_version);

#endif
