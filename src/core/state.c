/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
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
    for (size_t i = 0; i < state->scan.unread_count; i++)
        free(state->scan.unread[i]);
    free(state->scan.unread);
    *state = (struct state){0};
}

void scan_state_add_unread(struct scan_state *scan, const char *id)
{
    scan->is_unread_cut = scan->unread_count == LIMIT_UNREAD;
    if (scan->is_unread_cut) return;
    scan->unread = mem_grow(scan->unread, scan->unread_count + 1, sizeof *scan->unread);
    size_t i = scan->unread_count++;
    for (; i > 0 && strcmp(scan->unread[i - 1], id) > 0; i--)
        scan->unread[i] = scan->unread[i - 1];
    scan->unread[i] = mem_text(id);
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
