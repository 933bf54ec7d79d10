/* SPDX-License-Identifier: Apache-2.0 */
/* store_fixture.h - a store in memory with short ways to use it, for tests. */
#ifndef CASELOAD_SANDBOX_STORE_ROOM_H
#define CASELOAD_SANDBOX_STORE_ROOM_H

#include "base/buf.h"
#include "sql/sql.h"
#include "store/store.h"

struct store *fixture_open(
    void); /* project p, datasets d and control; the clock stands at 2026-03-02T04:00:00Z */

/* Runs a script with parameters; the rows of its last SELECT as lines of cells joined by "|", or
 * "reason: message". Borrowed until the next call. */
const char *fixture_run(struct store *store, const char *text, const json_t *parameters);

/* The same, but before the first statement that begins with `at`, another script runs. */
const char *fixture_run_around(struct store *store, const char *text, const json_t *parameters,
                               const char *at, const char *other, const json_t *other_parameters);

/* Rows as an array of objects; "" or what was refused. */
const char *fixture_load(struct store *store, const char *dataset, const char *table, json_t *rows,
                         bool empty_only, bool replace);

/* Adds {"name", type, value} to parameters, an array. */
void fixture_parameter(json_t *parameters, const char *name, const char *type, const char *value);

void fixture_rows(const json_t *rows, const char *separator, struct buf *out);

#endif
