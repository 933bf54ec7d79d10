/* SPDX-License-Identifier: Apache-2.0 */
/* journal.h - every request that the sandbox served, numbered, as JSON lines. Any thread.
 * An entry: {"n","service","operation","at","status","fault",...}. */
#ifndef CASELOAD_SANDBOX_JOURNAL_H
#define CASELOAD_SANDBOX_JOURNAL_H

#include <jansson.h>
#include <stdint.h>

#include "base/buf.h"

struct journal;

struct journal *journal_new(void);
void journal_free(struct journal *journal);
/* Adds an entry and returns its number (from 1). detail is an object whose members are merged in (borrowed).
 */
int64_t journal_add(struct journal *journal, const char *service, const char *operation, int64_t at_us,
                    int status, const char *fault, const json_t *detail);
/* Adds entries after number `after` as JSON lines, as many as there is room for. service NULL: all. Returns
 * the number of the last one that was looked at. */
int64_t journal_dump(struct journal *journal, const char *service, int64_t after, struct buf *out);

#endif
