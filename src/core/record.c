/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "core/source.h"

struct record record_hold(const struct record *record)
{
    struct record held = *record;
    held.body = json_incref(record->body);
    held.set = json_incref(record->set);
    if (record->problem) held.problem = mem_text(record->problem);
    return held;
}

void record_drop(struct record *record)
{
    json_decref(record->body);
    json_decref(record->set);
    free((char *)(uintptr_t)record->problem);
    *record = (struct record){0};
}

json_t *record_front(const json_t *body)
{
    const char *text = json_string_value(body);
    if (json_is_object(body)) return json_incref((json_t *)(uintptr_t)body);
    return text && *text == '{' ? json_read_front(text, json_string_length(body)) : NULL;
}
