/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

void parts_init(struct parts *parts, const struct intercom_thread *shape, struct batch *batch)
{
    *parts = (struct parts){.shape = shape, .batch = batch, .wanted = batch_wants(batch, shape->table)};
}

static json_t *list_of(const struct intercom_thread *shape, const json_t *record)
{
    return json_object_get(json_object_get(record, shape->parts), shape->parts);
}

bool parts_there(const struct intercom_thread *shape, const json_t *record)
{
    return json_is_array(list_of(shape, record));
}

/* The first message in the shape of a part: it has no times of its own. */
static json_t *make_opening(const json_t *record, const json_t *message)
{
    static const char *const shared[] = {"body", "author", "attachments", "redacted",
                                         "email_message_metadata"};
    json_t *opening = json_object();
    json_t *id = json_object_get(message, "id");
    json_object_set_new(opening, "id", is_id(id) ? json_incref(id) : json_string("source"));
    json_object_set_new(opening, "part_type", json_string("source"));
    json_object_set(opening, "created_at", json_object_get(record, "created_at"));
    json_object_set(opening, "updated_at", json_object_get(record, "created_at"));
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        json_object_set(opening, shared[i], json_object_get(message, shared[i])); /* absent: not set */
    return opening;
}

/* Takes part over. */
static void add_part(struct parts *parts, json_t *part, int64_t index)
{
    if (json_is_object(part)) {
        json_object_set(part, parts->shape->parent, json_object_get(parts->record, "id"));
        json_object_set_new(part, "part_index", json_integer(index));
        const json_t *redacted = json_object_get(part, "redacted");
        if (!redacted || json_is_null(redacted)) json_object_set_new(part, "redacted", json_false());
    }
    batch_child(parts->batch, parts->shape->table, part);
}

void parts_more(struct parts *parts, const json_t *list)
{
    for (size_t i = 0; parts->wanted && i < json_array_size(list); i++)
        add_part(parts, json_incref(json_array_get(list, i)), ++parts->index);
}

/* What describes the parts as a whole stands on the record, whose version it changes with. */
static bool describe(const struct parts *parts, int64_t received, int64_t total)
{
    json_t *record = parts->record;
    const struct intercom_thread *shape = parts->shape;
    int64_t counted = shape->counted ? json_int_at(record, shape->counted, -1) : -1;
    json_object_set_new(record, "parts_received", json_integer(received));
    json_object_set_new(record, "parts_truncated",
                        json_boolean(received == (int64_t)shape->most || total > received));
    if (total >= 0) json_object_set_new(record, "parts_total", json_integer(total));
    if (counted < 0) return true;
    json_object_set_new(record, "parts_missing", json_integer(counted - received));
    return counted == received;
}

bool parts_take(struct parts *parts, json_t *record, int64_t listed_us, size_t more)
{
    const struct intercom_thread *shape = parts->shape;
    json_t *envelope = json_object_get(record, shape->parts);
    json_t *list = json_incref(list_of(shape, record));
    int64_t received = (int64_t)(json_array_size(list) + more);
    int64_t total = json_int_at(envelope, "total_count", -1);
    const json_t *message = shape->opening ? json_object_get(record, shape->opening) : NULL;
    (void)json_object_del(envelope, shape->parts); /* it is in there */
    parts->record = record;
    parts->index = total > received ? total - received : 0; /* so many were cut off, the oldest */
    bool complete = describe(parts, received, total);
    batch_add(parts->batch, (struct record){.body = record, .listed_us = listed_us});
    if (parts->wanted && json_is_object(message)) add_part(parts, make_opening(record, message), 0);
    parts_more(parts, list);
    json_decref(list);
    return complete;
}
