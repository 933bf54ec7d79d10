/* SPDX-License-Identifier: Apache-2.0 */
/* stream_run.h - one stream of a request, and one unit of it, while they are loaded (run.c). One thread. */
#ifndef CASELOAD_CORE_STREAM_RUN_H
#define CASELOAD_CORE_STREAM_RUN_H

#include "base/buf.h"
#include "core/plan.h"
#include "core/rows.h"
#include "core/run.h"
#include "core/source.h"
#include "request_states.h"
#include "unit_claim.h"
#include "unit_digest.h"

struct stream_run {
    const struct run_context *context;
    const struct selection *selection;
    const struct run_trigger *trigger;
    struct stream_result *result;
    struct state state;
    struct plan plan;
    struct reader *reader;        /* NULL: none is open */
    const struct table *left_out; /* a child table that the reader's pages leave out; NULL: none */
    struct page page;             /* its newest */
    size_t batch_units;           /* at most so many units make the next batch */
    bool can_continue;            /* the unit failed and is committed: later units are loaded all the same */
    bool is_contradicted;         /* the reader's list held fewer records than it announced ... */
    int64_t expected, received;   /* ... as these say */
    struct error failure;         /* of the first such unit */
    struct projection *projections[LIMIT_TABLES]; /* of the selection's tables */
    struct buf row;
    int64_t sequence;
    int64_t asked_us;    /* when the newest page of the worker was asked for, by clock_boot_us */
    int64_t future_rows; /* dated after today by the warehouse's clock */
    bool confirms_missing;
};

/* A batch: neighbouring units of the plan, as one. */
struct unit_load {
    struct stream_run *run;
    struct unit unit;
    size_t count; /* of units */
    struct window window;
    struct load *load;
    int64_t fetched, rows;
    int64_t taken[LIMIT_TABLES]; /* rows by table */
    struct unit_claim claim;
    bool is_comparable; /* all of the plan, so that the next fetch may be the same: it has a digest */
    struct unit_digest digest;
    bool is_given_up;   /* nearly everything is rejected */
    bool keep_children; /* the newest parent is in the window, so its children are */
    char parent_id[LIMIT_NAME];
};

/* Loads the stream of that index. asked_us: when the newest page of the worker was asked for. True also if it
 * is forbidden; else result->error says why not. */
bool stream_run_load(const struct run_context *context, struct request_states *states, size_t index,
                     const struct run_trigger *trigger, int64_t *asked_us, struct stream_result *result);

void stream_run_close_reader(struct stream_run *run);
/* Stages all that the open reader sends. */
bool unit_load_take_pages(struct unit_load *unit_load, struct error *err);

/* --- left_out.c --- */

/* Tells the commit which child tables got no rows. */
void stream_run_note_children(const struct stream_run *run, struct commit *commit);
/* Days that lack a child table are to be loaded again once the source lets us read it: asks it. */
bool stream_run_check_lacks(struct stream_run *run, struct error *err);

/* --- reconcile.c --- */

/* Once the list was read: asks for the records that it lacks, and stages the answers. */
bool unit_load_fetch_missing(struct unit_load *unit_load, struct error *err);

#endif
