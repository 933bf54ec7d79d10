/* SPDX-License-Identifier: Apache-2.0 */
/* cycle.h - detects cycles of any length in a walk of any length, with two steps kept (Brent's algorithm).
 *
 * A zeroed cycle is an empty walk. One thread.
 */
#ifndef CASELOAD_SOURCES_REST_CYCLE_H
#define CASELOAD_SOURCES_REST_CYCLE_H

#include <stdbool.h>
#include <stdint.h>

struct cycle {
    char *last, *checkpoint;
    int64_t count, checkpoint_at;
};

bool cycle_closed(struct cycle *cycle, const char *step); /* adds a step; true: the walk was here before */
void cycle_done(struct cycle *cycle);                     /* it is empty again */

#endif
