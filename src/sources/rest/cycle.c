/* SPDX-License-Identifier: Apache-2.0 */
#include "cycle.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The checkpoint moves each time the walk has doubled. In the end it lies on the cycle, and does not move
 * again before the walk comes round. */
bool cycle_closed(struct cycle *cycle, const char *step)
{
    bool met = (cycle->last && strcmp(cycle->last, step) == 0) ||
               (cycle->checkpoint && strcmp(cycle->checkpoint, step) == 0);
    cycle->count++;
    if (cycle->count >= 2 * cycle->checkpoint_at) {
        free(cycle->checkpoint);
        cycle->checkpoint = mem_text(step);
        cycle->checkpoint_at = cycle->count;
    }
    free(cycle->last);
    cycle->last = mem_text(step);
    return met;
}

void cycle_done(struct cycle *cycle)
{
    free(cycle->last);
    free(cycle->checkpoint);
    *cycle = (struct cycle){0};
}
