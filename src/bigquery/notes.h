/* SPDX-License-Identifier: Apache-2.0 */
/* notes.h - fetches that found nothing new are noted in the ledger by jobs that run while the next streams
 * are read. Two jobs under one lock would only wait for each other: a commit awaits the notes before it.
 */
#ifndef CASELOAD_BIGQUERY_NOTES_H
#define CASELOAD_BIGQUERY_NOTES_H

#include "base/buf.h"
#include "base/json.h"
#include "core/stream.h"
#include "internal.h"

/* Starts the job. */
bool notes_begin(struct bigquery *bq, const struct stream *stream, const char *run_id, struct buf *sql,
                 json_t *parameters, struct error *err) CHECKED;
/* Waits for those under this lock; NULL: for all. notes_end tells a failure. */
void notes_await(struct bigquery *bq, const char *lock);
/* Waits for all; false: one of them is not in the ledger. */
bool notes_end(struct bigquery *bq, struct error *err) CHECKED;
/* Those that another object has begun; its failure, too. */
void notes_take(struct bigquery *bq, struct bigquery *other);
void notes_drop(struct bigquery *bq); /* their jobs run on */

#endif
