/* SPDX-License-Identifier: Apache-2.0 */
/* batch_queue.h - the units of a stream's plan, handed out to the workers that load it.
 *
 * A batch is neighbouring units with one load and one commit. It is read window by window: the first window
 * is one unit, and each further one as many as will fill the batch, if they hold as much as the last window
 * did. So many small weeks cost one commit, and what is lost with a batch is some minutes of work.
 *
 * The worker that leads the stream takes batches from the oldest on. While more is left than fits into one
 * batch, other workers may help it. Commits of the stream are made one at a time, the leader's first: it
 * knows what earlier streams under the same lock have left under way.
 *
 * The unit that is open at the top is taken when all others are committed: a record that changes meanwhile
 * moves there, and is still read.
 *
 * Driven by all workers, under the executor's lock. Zeroed: nothing is handed out.
 */
#ifndef CASELOAD_CORE_BATCH_QUEUE_H
#define CASELOAD_CORE_BATCH_QUEUE_H

#include "core/executor.h"
#include "core/plan.h"
#include "core/progress.h"
#include "core/run.h"

/* Units of the plan: first..end-1. */
struct unit_range {
    size_t first, end;
};

struct batch_queue {
    struct executor *executor;   /* NULL: one worker */
    const struct plan *plan;     /* borrowed */
    struct extent most;          /* of a batch */
    size_t next;                 /* the first unit that is not taken */
    struct extent window;        /* the one that was read last */
    int64_t largest;             /* units of the largest window that was read */
    size_t loading, helpers;     /* batches under way, and workers beside the leader */
    bool is_ended;               /* no more are handed out */
    bool is_committing, has_led; /* the leader has begun a commit */
};

void extent_add(struct extent *sum, const struct extent *more);

/* A batch that holds so much is full. */
struct extent batch_queue_most(const struct run_context *context);

/* The units of the next window, if they hold as much as `window` does, which was read last; 0: the batch is
 * full. largest: units of the largest window that was read; batch: what it holds so far, zeroed for a new
 * one.
 */
int64_t batch_queue_next_window(const struct extent *most, const struct extent *window, int64_t largest,
                                const struct extent *batch);

/* By the leader. */
void batch_queue_open(struct batch_queue *queue, const struct run_context *context, const struct plan *plan);
/* Waits until all helpers have left. */
void batch_queue_close(struct batch_queue *queue, struct progress *progress);

/* With the lock: can a helper take a batch? Then it may join, and has to leave, without the lock. */
bool batch_queue_has_work(const struct batch_queue *queue);
void batch_queue_join(struct batch_queue *queue);
void batch_queue_leave(struct batch_queue *queue);

/* The first window of a new batch; false: there is none. Waits if only the open unit is left. */
bool batch_queue_take(struct batch_queue *queue, bool is_helper, struct progress *progress,
                      struct unit_range *out_batch);
/* The batch, which holds `extent`, gets another window; false: it is full. window: the last one it read. */
bool batch_queue_extend(struct batch_queue *queue, const struct extent *window, const struct extent *extent,
                        struct unit_range *batch);
/* Around the commit of a batch; may wait for another's. */
void batch_queue_begin_commit(struct batch_queue *queue, bool is_helper, struct progress *progress);
void batch_queue_end_commit(struct batch_queue *queue);
void batch_queue_end_batch(struct batch_queue *queue); /* with one that was taken */
void batch_queue_stop(struct batch_queue *queue);      /* no more are handed out */

#endif
