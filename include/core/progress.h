/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h - a sign of life: it moves whenever a run does something.
 *
 * The run and the ports step it, on the worker's thread; the lease reads it, on its own.
 */
#ifndef CASELOAD_CORE_PROGRESS_H
#define CASELOAD_CORE_PROGRESS_H

#include <stdatomic.h>

struct progress {
    atomic_llong steps;
    _Atomic(const char *) where; /* a constant text: what is being done */
};

void progress_step(struct progress *progress, const char *where); /* progress may be NULL */

#endif
