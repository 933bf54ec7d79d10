/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "core/warehouse.h"

void state_done(struct state *state)
{
    free(state->days);
    *state = (struct state){0};
}

struct day_state state_day(const struct state *state, struct day day)
{
    size_t low = 0, high = state->day_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = day_compare(state->days[middle].day, day);
        if (order == 0) return state->days[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return (struct day_state){.day = day};
}
