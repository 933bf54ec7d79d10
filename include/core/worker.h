/* SPDX-License-Identifier: Apache-2.0 */
/* worker.h - message -> request -> run -> ack, in a loop.
 *
 * error_rules alone decides the outcome for the message and for the process. Ack comes last. One thread.
 */
#ifndef CASELOAD_CORE_WORKER_H
#define CASELOAD_CORE_WORKER_H

#include "core/lease.h"
#include "core/run.h"

/* Hears of a worker, on its thread. */
struct worker_observer {
    void (*pulled)(void *self, const struct error *err); /* Pub/Sub answered; else err says why it did not */
    void (*began)(void *self, const struct delivery *delivery, const char *run_id);
    void (*ended)(void *self, const struct run_report *report, const struct error *err);
    void *self;
};

struct worker {
    struct run_context run; /* the worker sets its `stop`; progress may be NULL */
    const struct selection *selections;
    size_t selection_count;
    struct trigger *trigger;
    struct lease_settings lease;
    const atomic_bool *shutdown; /* ends the process */
    /* Cancels the current run. Set by shutdown (after `shutdown`) or by a lost lease; cleared before each
     * message. */
    atomic_bool *cancel_run;
    const struct worker_observer *observer; /* NULL: none */
    int max_attempts; /* deliveries before a message becomes a dead letter; 0: unknown */
    int64_t quiet_ms; /* of worker_drain: the subscription is empty when no message came for so long */
};

/* Serves until *shutdown or an error that ends the process; returns the exit code. */
int worker_serve(const struct worker *worker);

/* Serves until the subscription is empty. 0: each message was acknowledged; 75: one came back, or *shutdown
 * or Pub/Sub ended it before. */
int worker_drain(const struct worker *worker);

/* min(600, 10 * 2^attempt); attempt 0 counts as 1. */
int worker_nack_delay_s(int attempt);

#endif
