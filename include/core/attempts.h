/* SPDX-License-Identifier: Apache-2.0 */
/* attempts.h - tells the warehouse what became of a request, for `status`, `history` and people's queries.
 *
 * Called once the message is settled: nothing of it can delay or change that. One thread.
 */
#ifndef CASELOAD_CORE_ATTEMPTS_H
#define CASELOAD_CORE_ATTEMPTS_H

#include "core/run.h"

/* A failure is a warning in the log; of a run that was cancelled it is none. */
void attempts_record(const struct run_context *context, const struct run_trigger *trigger,
                     const struct run_report *report);

#endif
