/* SPDX-License-Identifier: Apache-2.0 */
/* table_oracle.h - what became of a record that was sent to a table: the row oracle for rows as the loader
 * writes them, with their service columns. Nothing of src/ reads the row or its values. Pure.
 */
#ifndef CASELOAD_TESTS_TABLE_ORACLE_H
#define CASELOAD_TESTS_TABLE_ORACLE_H

#include "core/stream.h"
#include "row_oracle.h"

/* today: the partition_date of tables that have no day column; else it is the UTC day of that column. */
bool table_oracle_row(const struct table *table, const json_t *sent, const char *row, const char *today,
                      struct row_verdict *out);

/* A rejected record must be there as it was sent, and there must be a reason. */
bool table_oracle_reject(const struct table *table, const json_t *sent, const char *raw,
                         struct row_verdict *out);

#endif
