/* SPDX-License-Identifier: Apache-2.0 */
#include "record_cursor.h"

#include <stdlib.h>

#include "base/mem.h"

const struct record *record_cursor_peek(const struct record_cursor *cursor)
{
    if (cursor->held_next < cursor->held_count) return &cursor->held[cursor->held_next];
    return cursor->next < cursor->page.count ? &cursor->page.records[cursor->next] : NULL;
}

int64_t record_cursor_asked_us(const struct record_cursor *cursor)
{
    return cursor->held_next < cursor->held_count ? cursor->held_asked_us : cursor->page.asked_us;
}

void record_cursor_advance(struct record_cursor *cursor)
{
    if (cursor->held_next < cursor->held_count)
        cursor->held_next++;
    else
        cursor->next++;
}

bool record_cursor_boundary_confirmed(const struct record_cursor *cursor)
{
    if (cursor->held_next < cursor->held_count) return true; /* the next page was in order */
    for (size_t i = cursor->next + 1; i < cursor->page.count; i++)
        if (cursor->page.records[i].table == 0) return true;
    return cursor->page.last;
}

static void drop_held(struct record_cursor *cursor)
{
    for (size_t i = 0; i < cursor->held_count; i++)
        record_drop(&cursor->held[i]);
    free(cursor->held);
    cursor->held = NULL;
    cursor->held_count = cursor->held_next = 0;
}

void record_cursor_hold_rest(struct record_cursor *cursor)
{
    size_t count = cursor->page.count - cursor->next;
    drop_held(cursor);
    cursor->held = mem_zero(count, sizeof *cursor->held);
    cursor->held_asked_us = cursor->page.asked_us;
    for (; cursor->next < cursor->page.count; cursor->next++)
        cursor->held[cursor->held_count++] = record_hold(&cursor->page.records[cursor->next]);
}

void record_cursor_done(struct record_cursor *cursor)
{
    drop_held(cursor);
    *cursor = (struct record_cursor){0};
}
