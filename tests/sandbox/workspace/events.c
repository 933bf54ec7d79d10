/* SPDX-License-Identifier: Apache-2.0 */
/* events.c - when work on conversations was paused and taken up again, and which were deleted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/json.h"
#include "workspace/records.h"
#include "workspace/world.h"

#define MOST_PAIRS 3

/* Whole seconds, or with a fraction. */
static json_t *event_time(int64_t at_us)
{
    char text[INSTANT_TEXT];
    instant_format(at_us, text);
    return json_string(text);
}

static json_t *make_event(struct dice *dice, int64_t at_us, bool resumed)
{
    static const char *const kinds[] = {"admin", "team", "bot"};
    json_t *event = json_pack("{s:{s:s, s:i, s:s}, s:s, s:o}", "teammate", "type", kinds[roll(dice, 3)], "id",
                              (int)(7001 + roll(dice, 9)), "name", "Zoë 🦊", "type",
                              resumed ? "resumed" : "paused", "timestamp", event_time(at_us));
    if (roll(dice, 2))
        json_object_set_new(json_object_get(event, "teammate"), "email", json_string("zoe@example.com"));
    if (!resumed) json_object_set_new(event, "reason", roll(dice, 3) ? json_string("Away") : json_null());
    return event;
}

json_t *world_handling_events(struct world *world, const char *id, bool even_gone)
{
    pthread_mutex_lock(&world->lock);
    const struct records *records = &world->records;
    size_t number = find_record(records, id);
    bool known = number < records->count && (even_gone || !records->items[number].newest.removed);
    int64_t at_us = known ? records->items[number].created_s * 1000000 : 0;
    pthread_mutex_unlock(&world->lock);
    if (!known) return NULL;
    json_t *events = json_array();
    struct dice dice = {.state = world->records.seed ^ mix(number ^ UINT64_C(0x6576656e74))};
    for (uint32_t left = roll(&dice, MOST_PAIRS + 1); left > 0; left--) {
        at_us += (int64_t)(1 + roll(&dice, 3600)) * 1000000 + (roll(&dice, 4) ? 0 : 250000);
        json_array_append_new(events, make_event(&dice, at_us, false));
        if (roll(&dice, 8)) at_us += (int64_t)roll(&dice, 900) * 1000000; /* else at the same instant */
        json_array_append_new(events, make_event(&dice, at_us, true));
    }
    return events;
}

bool world_retains_metrics(const struct world *world, const char *id)
{
    uint64_t sum = world->records.seed; /* which never changes */
    for (; *id; id++)
        sum = mix(sum ^ (unsigned char)*id);
    return sum % 2;
}
