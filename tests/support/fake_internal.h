/* SPDX-License-Identifier: Apache-2.0 */
/* fake_internal.h - shared by the two halves of the warehouse's double: the port, and what its jobs do. */
#ifndef CASELOAD_TESTS_FAKE_INTERNAL_H
#define CASELOAD_TESTS_FAKE_INTERNAL_H

#include "fake_warehouse.h"

struct fake_table *fake_table_make(struct fake_warehouse *warehouse, const char *name);
void fake_table_add(struct fake_table *table, struct fake_row row); /* takes key and text over */
void fake_table_clear(struct fake_table *table);
void fake_load_free(struct load *load);

/* Of the lock that a commit of the stream holds, right or wrong. */
const char *fake_lock_name(const struct fake_warehouse *warehouse, const struct stream *stream);

/* May the staged row be inserted? */
bool fake_row_wanted(const struct fake_warehouse *warehouse, const struct fake_job *job, size_t table,
                     const struct fake_row *row);
/* Does a better reading of the same row stand in the batch? */
bool fake_row_superseded(const struct fake_warehouse *warehouse, const struct fake_table *staged, size_t i);
struct fake_row fake_row_copy(const struct fake_row *row);
void fake_row_free(struct fake_row *row);

/* fake_state.c: do both write the tables of one stream? */
bool fake_writes_same(const struct stream *one, const struct stream *other);
/* The newest commit into the stream's tables that did more than to note a fetch; NULL: none. */
const struct fake_ledger_row *fake_last_commit(const struct fake_warehouse *warehouse,
                                               const struct stream *stream);

/* fake_missing.c */
bool fake_missing(struct load *load, int64_t began_us, int64_t ceiling, struct missing *out_missing,
                  struct error *err);
/* The middle of a reconciliation's transaction. */
bool fake_reconcile(struct fake_warehouse *warehouse, struct fake_job *job, struct committed *out_committed,
                    struct error *err);

/* The whole transaction, or nothing. */
bool fake_job_run(struct fake_warehouse *warehouse, struct fake_job *job, struct committed *out_committed,
                  struct error *err);

#endif
