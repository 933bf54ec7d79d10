/* SPDX-License-Identifier: Apache-2.0 */
/* executor.h - port 4: the workers on which the streams of a request are loaded.
 *
 * Worker 0 is the caller's own thread. A port, so that the tests decide how the workers take turns. Its lock,
 * wait and wake are those of a monitor.
 */
#ifndef CASELOAD_CORE_EXECUTOR_H
#define CASELOAD_CORE_EXECUTOR_H

#include <stddef.h>

struct executor;

struct executor_ops {
    /* Calls work(context, i) for each worker i, at the same time, and returns when all have returned: what
     * one did before, the caller sees after. */
    void (*run)(struct executor *executor, void (*work)(void *context, size_t worker), void *context);
    /* One lock for all workers, held shortly and never across a call of another port. */
    void (*lock)(struct executor *executor);
    void (*unlock)(struct executor *executor);
    /* Both with the lock. wait: gives it up until another worker wakes all, or earlier, and takes it again.
     */
    void (*wait)(struct executor *executor);
    void (*wake)(struct executor *executor);
    void (*free)(struct executor *executor);
};

/* First member of every implementation. */
struct executor {
    const struct executor_ops *ops;
    size_t workers; /* 1 to LIMIT_WORKERS */
};

/* Threads, which live as long as a run. They have the signal mask of the caller. */
struct executor *executor_threads(size_t workers);

/* The same; executor NULL: there is one worker. They do nothing then, and it must not wait. */
void executor_lock(struct executor *executor);
void executor_unlock(struct executor *executor);
void executor_wake(struct executor *executor);
void executor_wait(struct executor *executor);

#endif
