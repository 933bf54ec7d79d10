/* SPDX-License-Identifier: Apache-2.0 */
/* value.h - a value as JSON brings it, as SQLite holds it (the stored form), and as the REST API shows it. */
#ifndef CASELOAD_SANDBOX_VALUE_H
#define CASELOAD_SANDBOX_VALUE_H

#include <jansson.h>
#include <sqlite3.h>

#include "store/store.h"
#include "store/types.h"

/* NDJSON and query parameters: fits value into the type, as a new reference in the stored form; NULL: err.
 * path names the column in messages. */
json_t *value_fit(const struct type *type, const json_t *value, const char *path, struct store_error *err);
json_t *value_fit_row(const struct type *row, const json_t *object, struct store_error *err);
/* Does each number in its JSON keep its text? */
bool value_has_exact_json(const struct type *type, const json_t *fitted);
void value_bind(sqlite3_stmt *stmt, int index, const struct type *type, const json_t *fitted);
json_t *value_of_column(sqlite3_stmt *stmt, int column,
                        const struct type *type);                   /* stored form, new reference */
json_t *value_shown(const struct type *type, const json_t *stored); /* the value of "v" */

#define VALUE_REAL 40
void value_real_text(double value, char out_text[VALUE_REAL]); /* 100, 0.1, 1e+15 */

#endif
