/* SPDX-License-Identifier: Apache-2.0 */
/* judge.h - what became of a record, read by somebody who does not know how rows are made.
 *
 * The judge has the record, its table, and the row's text. It knows the columns' types, and for most values
 * whether they must fit. It demands that each leaf of the record is in exactly one place, its column or
 * _extra under its dotted path, that it means the same there, and that the row holds nothing that was not
 * sent. Pure; nothing of src/ reads the row or its values.
 */
#ifndef CASELOAD_TESTS_JUDGE_H
#define CASELOAD_TESTS_JUDGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/stream.h"

struct verdict {
    size_t columns;    /* leaves that were found in columns */
    size_t extra;      /* ... and in _extra */
    char problem[400]; /* what is wrong, and where */
};

/* today: the partition_date of tables that have no day column; else it is the UTC day of that column. */
bool judge_row(const struct table *table, const json_t *sent, const char *row, const char *today,
               struct verdict *out);

/* The record must be there as it was sent, and there must be a reason. */
bool judge_reject(const struct table *table, const json_t *sent, const char *raw, struct verdict *out);

#endif
