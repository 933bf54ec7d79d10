/* SPDX-License-Identifier: Apache-2.0 */
/* deadline.h - sets a flag when a piece of work takes too long. A thread of its own looks at the time. */
#ifndef CASELOAD_APP_DEADLINE_H
#define CASELOAD_APP_DEADLINE_H

#include <stdatomic.h>
#include <stdint.h>

struct deadline;

struct deadline *deadline_start(atomic_bool *flag);       /* the flag is borrowed; no time is set yet */
void deadline_set(struct deadline *deadline, int64_t ms); /* from now on; clears the flag */
void deadline_stop(struct deadline *deadline);

#endif
