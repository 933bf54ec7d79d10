/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "core/source.h"

struct record record_hold(const struct record *record)
{
    struct record held = *record;
    held.body = value_hold(record->body);
    held.set = value_hold(record->set);
    if (record->problem) held.problem = mem_text(record->problem);
    return held;
}

void record_drop(struct record *record)
{
    value_drop(&record->body);
    value_drop(&record->set);
    free((char *)(uintptr_t)record->problem);
    *record = (struct record){0};
}

struct json_value *record_front(struct json_value *body)
{
    const char *text = value_text(body);
    if (value_is_object(body)) return value_hold(body);
    if (!text || *text != '{') return NULL;
    struct document *document = document_new();
    struct json_value *front = document_read_front(document, text, value_size(body));
    if (!front) document_drop(&document);
    return front;
}
