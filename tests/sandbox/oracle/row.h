/* SPDX-License-Identifier: Apache-2.0 */
/* row.h - rows as BigQuery's REST API has them, for the row oracle. */
#ifndef CASELOAD_SANDBOX_ORACLE_ROW_H
#define CASELOAD_SANDBOX_ORACLE_ROW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* fields: the schema's array; row: {"f":[{"v":..}]}. Every leaf of the record must be in the row exactly
 * once, and nothing else. why (may be cut) names the first leaf that differs. */
bool row_equals(const json_t *record, const json_t *fields, const json_t *row, char *out_why,
                size_t why_size);

/* The cell of a top-level column as text; NULL if it is absent, null or no scalar. Borrowed. */
const char *row_cell(const json_t *fields, const json_t *row, const char *name);

#endif
