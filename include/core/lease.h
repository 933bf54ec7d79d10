/* SPDX-License-Identifier: Apache-2.0 */
/* lease.h - keeps the held message ours while the run makes progress.
 *
 * A thread of its own extends at a third of the lease, and retries until the lease would lapse. When the
 * progress counter of a worker of the run stands still for stall_s, it logs where the run hung and calls
 * on_wedged (abort, in caseload). When the lease lapsed, another worker may have the message, so the run
 * should stop.
 */
#ifndef CASELOAD_CORE_LEASE_H
#define CASELOAD_CORE_LEASE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/progress.h"
#include "core/trigger.h"

struct lease_settings {
    int lease_s; /* 10 to 600 */
    int stall_s;
    void (*on_wedged)(const char *where); /* called on the lease's thread */
    void (*on_extended)(void *self,
                        bool is_extended); /* after each try, on that thread; NULL: no one hears */
    void *self;
};

struct lease;

/* Extends once at once, so that the time a message spent in buffers does not count; a failure of that is
 * only logged. stop (may be NULL) is set when the lease is lost. */
struct lease *lease_start(const struct lease_settings *settings, struct trigger *trigger, const char *ack_id,
                          struct progress *progress, atomic_bool *stop);
bool lease_lost(const struct lease *lease);
void lease_end(struct lease *lease); /* joins; NULL is fine */

/* The policy alone, pure: what to do at now_ms. */
enum lease_step { LEASE_WAIT, LEASE_EXTEND, LEASE_LOST, LEASE_WEDGED };

struct lease_clock {
    int64_t until_ms; /* the message is ours until then */
    int64_t due_ms;   /* the next extension or its retry */
    int64_t moved_ms; /* when the worker that has stood still longest was last seen to move */
    int failures;     /* of the current extension */
};

enum lease_step lease_decide(const struct lease_clock *clock, const struct lease_settings *settings,
                             int64_t now_ms);
void lease_extended(struct lease_clock *clock, const struct lease_settings *settings, int64_t sent_ms);
void lease_failed(struct lease_clock *clock, int64_t now_ms); /* 1, 2, 4, 8 s ... */

#endif
