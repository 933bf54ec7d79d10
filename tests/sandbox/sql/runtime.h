/* SPDX-License-Identifier: Apache-2.0 */
/* runtime.h - the functions that the emitted SQL calls. Private to runtime*.c. */
#ifndef CASELOAD_SANDBOX_SQL_RUNTIME_H
#define CASELOAD_SANDBOX_SQL_RUNTIME_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct runtime_function {
    const char *name;
    int args; /* -1: any number */
    void (*call)(sqlite3_context *, int, sqlite3_value **);
};

extern const struct runtime_function runtime_time_functions[]; /* a zeroed one ends it */
extern const struct runtime_function runtime_json_functions[];

const char *runtime_text(sqlite3_value *value); /* "" for NULL */
bool runtime_any_null(int count, sqlite3_value **values);
/* The function fails; under its other name, with "safe_" before it, its answer is NULL. */
void runtime_error(sqlite3_context *context, const char *format, ...) PRINTF(2, 3);
void runtime_result(sqlite3_context *context, const char *text); /* copied */
bool runtime_register_aggregates(sqlite3 *db);                   /* runtime_agg.c */

#endif
