/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h - a sign of life: it moves whenever a run does something.
 *
 * The run and the ports step it, on the worker's thread; the lease and the display read it, on their own.
 */
#ifndef CASELOAD_CORE_PROGRESS_H
#define CASELOAD_CORE_PROGRESS_H

#include <stdatomic.h>

struct progress {
    atomic_llong steps;
    _Atomic(const char *) where; /* a constant text: what is being done */

    /* Of the run, for people: what was read so far. */
    _Atomic(const char *) stream; /* a constant text; NULL: no stream is loaded */
    atomic_llong stream_index, stream_count;
    atomic_llong units_done, units;  /* of the stream */
    atomic_int day;                  /* the first of the unit being read: struct day */
    atomic_llong records;            /* of the stream, children included */
    atomic_llong requests, rejected; /* of the run */
};

void progress_step(struct progress *progress, const char *where); /* progress may be NULL */

/* The next three belong to the run. progress may be NULL. */
void progress_stream(struct progress *progress, const char *stream, long long index, long long count);
void progress_units(struct progress *progress, long long done, long long units, int day);
void progress_page(struct progress *progress, long long records, long long requests);

#endif
