/* SPDX-License-Identifier: Apache-2.0 */
/* stream_run.h - one stream of a request while it is loaded (run.c), by one worker or several, and one batch
 * of it (batch.c). */
#ifndef CASELOAD_CORE_STREAM_RUN_H
#define CASELOAD_CORE_STREAM_RUN_H

#include "base/buf.h"
#include "batch_queue.h"
#include "core/plan.h"
#include "core/rows.h"
#include "core/run.h"
#include "core/source.h"
#include "request_states.h"
#include "unit_claim.h"
#include "unit_digest.h"

/* The workers of a stream have this in common. The state and the plan stay as they are while batches are
 * handed out; the rest is under the executor's lock. */
struct stream_share {
    struct state state;
    struct plan plan;
    struct batch_queue queue;
    struct stream_result helped; /* what helpers have done */
    struct error failure;        /* the gravest */
    bool is_over;                /* it ends the stream */
    bool has_gap;                /* a batch was committed that is not all of its units */
};

/* A worker's part of a stream. One thread. */
struct stream_run {
    const struct run_context *context;
    const struct selection *selection;
    const struct run_trigger *trigger;
    struct stream_share *share;
    bool is_helper;               /* another worker leads the stream */
    struct stream_result *result; /* of this worker's batches */
    struct reader *reader;        /* NULL: none is open */
    const struct table *left_out; /* a child table that the batch's pages leave out; NULL: none */
    struct page page;             /* its newest */
    bool can_continue;            /* the batch failed and is committed: later units are loaded all the same */
    bool is_contradicted;         /* the reader's list held fewer records than it announced ... */
    int64_t expected, received;   /* ... as these say */
    struct projection *projections[LIMIT_TABLES]; /* of the selection's tables */
    struct buf row;
    int64_t sequence;
    int64_t asked_us; /* when the newest page of the worker was asked for, by clock_boot_us */
    bool confirms_missing;
};

/* Units of the plan that are loaded as one; see batch_queue.h. */
struct batch {
    struct stream_run *run;
    struct unit_range units;             /* of all windows */
    struct unit_range window_units;      /* of the window that is read, the newest */
    struct window window;                /* the same */
    struct extent extent, window_extent; /* what they held */
    struct load *load;
    int64_t fetched, rows;
    int64_t taken[LIMIT_TABLES]; /* rows by table */
    struct unit_claim claim;
    bool is_comparable; /* it may become all of the plan, so that the next fetch may be the same: it has a
                           digest */
    struct unit_digest digest;
    bool is_given_up;   /* nearly everything is rejected */
    bool keep_children; /* the newest parent is in the window, so its children are */
    char parent_id[LIMIT_NAME];
};

/* Loads the stream of that index. share: zeroed; others may help as long as this lasts. asked_us: when the
 * newest page of the worker was asked for. True also if it is forbidden; else result->error says why not. */
bool stream_run_load(const struct run_context *context, struct request_states *states, size_t index,
                     const struct run_trigger *trigger, struct stream_share *share, int64_t *asked_us,
                     struct stream_result *result);
/* Loads batches of a stream that another worker leads, after batch_queue_join. Returns what ended the stream,
 * if one of them did. */
enum error_kind stream_run_help(const struct run_context *context, const struct selection *selection,
                                const struct run_trigger *trigger, struct stream_share *share,
                                int64_t *asked_us);

/* can_continue: it does not end the stream. */
void stream_share_fail(struct stream_share *share, const struct error *failure, bool can_continue);

/* --- batch.c --- */

/* Loads a batch that was taken, and as many further units as it gets. False: no further one is to begin. */
bool batch_load(struct stream_run *run, struct unit_range units);
/* The request goes on. */
bool stream_run_check_cancelled(const struct run_context *context, struct error *err);
void stream_run_close_reader(struct stream_run *run);
/* Stages all that the open reader sends. */
bool batch_take_pages(struct batch *batch, struct error *err);

/* --- left_out.c --- */

/* Tells the commit which child tables got no rows. */
void stream_run_note_children(const struct stream_run *run, struct commit *commit);
/* Days that lack a child table are to be loaded again once the source lets us read it: asks it. */
bool stream_run_check_lacks(struct stream_run *run, struct error *err);

/* --- reconcile.c --- */

/* Once the list was read: asks for the records that it lacks, and stages the answers. */
bool batch_fetch_missing(struct batch *batch, struct error *err);

#endif
