/* SPDX-License-Identifier: Apache-2.0 */
/* worker.h - message -> request -> run -> ack, for ever.
 *
 * What becomes of a message and of the process is decided by error_rules alone. Ack comes last.
 */
#ifndef CASELOAD_CORE_WORKER_H
#define CASELOAD_CORE_WORKER_H

#include "core/lease.h"
#include "core/run.h"

struct worker {
    struct run_context run; /* its stop is set by the worker, to halt; progress may be NULL */
    const struct selection *selections;
    size_t selection_count;
    struct trigger *trigger;
    struct lease_settings lease;
    const atomic_bool *stop; /* the process is to end */
    atomic_bool *halt;       /* the run is to end: everything that waits looks at it. Who sets stop sets halt
                                after it; a lost lease sets halt alone; the worker clears it for each message */
};

/* Serves until *stop or an error that ends the process; returns the exit code. */
int worker_serve(const struct worker *worker);

/* min(600, 10 * 2^attempt); attempt 0 counts as 1. */
int worker_nack_delay_s(int attempt);

#endif
