/* SPDX-License-Identifier: Apache-2.0 */
/* row_oracle_value.h - the row oracle's own reading of single values. */
#ifndef CASELOAD_TESTS_ROW_ORACLE_VALUE_H
#define CASELOAD_TESTS_ROW_ORACLE_VALUE_H

#include "row_oracle.h"

enum cell_type {
    CELL_STRING,
    CELL_INT64,
    CELL_FLOAT64,
    CELL_BOOL,
    CELL_TIMESTAMP,
    CELL_JSON,
    CELL_RECORD,
    CELL_UNKNOWN
};

enum cell_type cell_type(const char *name); /* BigQuery's, in either of its dialects */
/* Does what the column holds mean what was sent? */
bool cell_equals(enum cell_type type, const json_t *stored, const json_t *sent);

#endif
