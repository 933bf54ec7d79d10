/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h - a sign of life of each worker: it moves whenever a run does something.
 *
 * The run and the ports step it, on the worker's thread; the lease and the display read it, on their own.
 */
#ifndef CASELOAD_CORE_PROGRESS_H
#define CASELOAD_CORE_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

struct progress {
    atomic_llong steps;
    _Atomic(const char *) where; /* a constant text: what is being done */
    atomic_bool is_busy;         /* from its first step until it rests: before its first run it has no work */
    struct progress *next;       /* of the run's next worker; NULL: there is none. Constant */

    /* Of the worker's stream, for people: what was read so far. */
    _Atomic(const char *) stream;   /* a constant text; NULL: no stream is loaded */
    atomic_bool is_helper;          /* another worker leads the stream */
    atomic_llong units_done, units; /* of the stream */
    atomic_int day;                 /* the first of the unit being read: struct day */
    atomic_llong records;           /* of the stream, children included */
    /* Of the run, by this worker. */
    atomic_llong streams_done, requests, rejected;
    atomic_llong stream_count; /* of the first worker: all streams of the run */
};

void progress_step(struct progress *progress, const char *where); /* progress may be NULL */

/* These belong to the run. progress may be NULL. */
void progress_run(struct progress *first, long long stream_count); /* a run begins: of all workers */
void progress_stream(struct progress *progress, const char *stream, bool is_helper);
void progress_units(struct progress *progress, long long done, long long units, int day);
void progress_page(struct progress *progress, long long records, long long requests);
void progress_stream_done(struct progress *progress);
void progress_rest(struct progress *progress); /* until its next step */
/* The same, while it waits for another worker of its stream. */
void progress_pause(struct progress *progress, const char *where);

/* The step of the first worker that has work; NULL: none yet. */
const char *progress_where(const struct progress *first);

/* Since when each worker has not moved. Zeroed before the first look. */
struct progress_watch {
    struct {
        long long steps;
        int64_t moved_ms; /* 0: it was never looked at */
    } workers[LIMIT_WORKERS];
    const char *where; /* what the one that moved least recently does; NULL: unknown */
};

/* Looks at all workers from the first on. Returns since when the one that has stood still longest has not
 * moved; a worker that rests does not count. now_ms: by clock_ms. */
int64_t progress_look(struct progress_watch *watch, const struct progress *first, int64_t now_ms);

#endif
