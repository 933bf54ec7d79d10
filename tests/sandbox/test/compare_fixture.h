/* SPDX-License-Identifier: Apache-2.0 */
/* compare_fixture.h - a warehouse for tests of what is compared with it, filled row by row. */
#ifndef CASELOAD_SANDBOX_COMPARE_FIXTURE_H
#define CASELOAD_SANDBOX_COMPARE_FIXTURE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "core/stream.h"
#include "sandbox_internal.h"

/* The sandbox, with an empty dataset `intercom`: for a test's set-up and tear-down. */
int compare_open(uint64_t seed, void **state);
int compare_close(void **state);

/* The table of this name in the dataset `intercom`; it is made when it is first asked for. */
const struct table *compare_need(struct sandbox *sandbox, const char *name);
/* Puts a record into a table, and takes it. */
void compare_load(struct sandbox *sandbox, const char *name, json_t *record);
/* The same with a record as it was read on that day, which stays the caller's. */
void compare_load_on(struct sandbox *sandbox, const char *name, const json_t *record, int day);
/* The row that the table should have for a version of a record, yours. */
json_t *compare_truth(struct sandbox *sandbox, const char *name, size_t number, size_t version);
/* The rows that the child table should have for a record's wanted version: an array, yours. */
json_t *compare_truth_children(struct sandbox *sandbox, const char *name, size_t number);
/* Asserts the findings of the comparison in that table. */
void compare_expect(struct sandbox *sandbox, const char *name, size_t missing, size_t doubled,
                    size_t altered);

#endif
