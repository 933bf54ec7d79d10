/* SPDX-License-Identifier: Apache-2.0 */
/* virtual_clock.h - the sandbox's time: it moves 1 ms at each reading, and as far as a test says. Any thread.
 * Unit: microseconds since 1970, UTC. */
#ifndef CASELOAD_SANDBOX_VIRTUAL_CLOCK_H
#define CASELOAD_SANDBOX_VIRTUAL_CLOCK_H

#include <stdint.h>

struct virtual_clock;

struct virtual_clock *virtual_clock_new(int64_t start_us);
void virtual_clock_free(struct virtual_clock *clock);
int64_t virtual_clock_read(struct virtual_clock *clock); /* moves it by 1 ms and returns the new time */
int64_t virtual_clock_peek(struct virtual_clock *clock); /* does not move it */
void virtual_clock_advance(struct virtual_clock *clock, int64_t us); /* us >= 0 */
void virtual_clock_set(struct virtual_clock *clock, int64_t us);     /* never backwards */

#endif
