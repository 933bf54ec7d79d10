/* SPDX-License-Identifier: Apache-2.0 */
/* staged_row.h - a row for a staging table, with the values that the commit makes of its texts of JSON. Pure.
 */
#ifndef CASELOAD_TESTS_STAGED_ROW_H
#define CASELOAD_TESTS_STAGED_ROW_H

#include <jansson.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "core/stream.h"

/* false: a JSON column holds something else than a text of JSON. */
bool staged_row_open(const struct table *table, json_t *row) CHECKED;
/* The same for a row's text. out is reset. */
bool staged_row_text(const struct table *table, const char *row, struct buf *out) CHECKED;
/* The other way round: values become texts. Yours (free); NULL: it is no row. */
char *staged_row_closed(const struct table *table, const char *row);

#endif
