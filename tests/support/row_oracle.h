/* SPDX-License-Identifier: Apache-2.0 */
/* row_oracle.h - does a row say what a record said? Independent of the code that makes rows.
 *
 * The oracle has the record, the table's schema and the row. It knows the columns' types, and for most values
 * whether they must fit. It requires that each leaf of the record is in exactly one place, its column or
 * _extra under its dotted path, with the same meaning. The row has nothing that was not sent.
 *
 * A schema is an array of BigQuery's fields {"name","type","mode","fields"}. A row is an object of what the
 * columns hold, without null values and service columns other than _extra: timestamps are text (RFC 3339,
 * UTC), JSON columns are values. Pure; borrows everything. Any thread.
 *
 * A field with another name than its column is the "field" of that. Fields that come under two names or in
 * two forms have "alternatives" (names) and "value_member" in their schema; see struct column of
 * core/stream.h.
 */
#ifndef CASELOAD_TESTS_ROW_ORACLE_H
#define CASELOAD_TESTS_ROW_ORACLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct row_verdict {
    size_t columns;    /* leaves that were found in columns */
    size_t extra;      /* ... and in _extra */
    char problem[400]; /* the first that is wrong, and where */
};

/* is_strict: a value that fits its column must be there. A column that was added after the row was written
 * has its values in _extra, which only a check that is not strict accepts. False: see problem. */
bool row_oracle_check(const json_t *schema, const json_t *sent, const json_t *row, bool is_strict,
                      struct row_verdict *out);

/* PERHAPS: spellings that a careful builder may take or leave, as a real with 18 digits for an integer. */
enum row_fit { ROW_FITS, ROW_MISFITS, ROW_PERHAPS };

/* The field of this object that fills the column. Borrowed. */
const char *row_oracle_field(const json_t *column, const json_t *sent);

enum row_fit row_oracle_fit(const char *type, const json_t *value); /* not of records */

#endif
