/* SPDX-License-Identifier: Apache-2.0 */
/* lock.h - the one row of a lock table, which every commit into a set of tables updates.
 *
 * It is read at the start of each run and checked again by the commit. A row that is missing or doubled is
 * made again if neither the lock nor the ledger contradicts the configuration.
 */
#ifndef CASELOAD_BIGQUERY_LOCK_H
#define CASELOAD_BIGQUERY_LOCK_H

#include "core/stream.h"
#include "internal.h"

struct lock_state {
    bool is_whole;   /* exactly one row, and it matches the configuration */
    int64_t doubled; /* rows that a commit found twice; 0: none */
};

/* ERROR_CONFIG if a row contradicts the configuration. A missing table is a lock without rows. */
bool lock_read(struct bigquery *bq, const struct stream *stream, struct lock_state *out_lock,
               struct error *err) CHECKED;
/* The lock table exists. lock: as it was read. */
bool lock_ensure(struct bigquery *bq, const struct stream *stream, const struct lock_state *lock,
                 struct error *err) CHECKED;
/* ERROR_REFUSED as long as rows that a commit found twice are there; clears the alarm after that. */
bool lock_check_doubled(struct bigquery *bq, const struct selection *kept, const struct lock_state *lock,
                        struct error *err) CHECKED;

#endif
