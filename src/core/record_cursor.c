/* SPDX-License-Identifier: Apache-2.0 */
#include "record_cursor.h"

#include <stdlib.h>

#include "base/mem.h"

const struct record *reading_ahead(const struct reading *reading)
{
    if (reading->held_next < reading->held_count) return &reading->held[reading->held_next];
    return reading->next < reading->page.count ? &reading->page.records[reading->next] : NULL;
}

void reading_step(struct reading *reading)
{
    if (reading->held_next < reading->held_count)
        reading->held_next++;
    else
        reading->next++;
}

bool reading_is_sure(const struct reading *reading)
{
    if (reading->held_next < reading->held_count) return true; /* the page behind it is in order */
    for (size_t i = reading->next + 1; i < reading->page.count; i++)
        if (reading->page.records[i].table == 0) return true;
    return reading->page.last;
}

static void drop_held(struct reading *reading)
{
    for (size_t i = 0; i < reading->held_count; i++)
        record_drop(&reading->held[i]);
    free(reading->held);
    reading->held = NULL;
    reading->held_count = reading->held_next = 0;
}

void reading_hold(struct reading *reading)
{
    size_t count = reading->page.count - reading->next;

    drop_held(reading);
    reading->held = mem_zero(count, sizeof *reading->held);
    for (; reading->next < reading->page.count; reading->next++)
        reading->held[reading->held_count++] = record_hold(&reading->page.records[reading->next]);
}

void reading_done(struct reading *reading)
{
    drop_held(reading);
    *reading = (struct reading){0};
}
