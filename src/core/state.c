/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "core/warehouse.h"

void missing_done(struct missing *missing)
{
    for (size_t i = 0; i < missing->count; i++)
        free(missing->ids[i]);
    free(missing->ids);
    *missing = (struct missing){0};
}

void state_done(struct state *state)
{
    free(state->days);
    *state = (struct state){0};
}

static int compare_day(const void *day, const void *state)
{
    return day_compare(*(const struct day *)day, ((const struct day_state *)state)->day);
}

struct day_state state_day(const struct state *state, struct day day)
{
    const struct day_state *found =
        state->day_count ? bsearch(&day, state->days, state->day_count, sizeof *state->days, compare_day)
                         : NULL;
    return found ? *found : (struct day_state){.day = day};
}
