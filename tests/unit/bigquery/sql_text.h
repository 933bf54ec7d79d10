/* SPDX-License-Identifier: Apache-2.0 */
/* sql_text.h - for tests of statements: the names in them, and which parts they must have. */
#ifndef CASELOAD_TESTS_SQL_TEXT_H
#define CASELOAD_TESTS_SQL_TEXT_H

#include <stddef.h>

#include "table.h"

extern const struct sql_names names;

/* May it be sent? A statement that may not be is emptied. */
void assert_sendable(const struct buf *sql);
void assert_not_sendable(struct buf *sql);
void assert_has(const char *text, const char *part);
/* The parts are there, each after the one before. */
void assert_order(const char *text, const char *const *sequence, size_t count);

#endif
