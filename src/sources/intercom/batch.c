/* SPDX-License-Identifier: Apache-2.0 */
/* batch.c - the records of a page, and what they imply: a contact names those that were merged into it, a
 * deleted conversation says that it is gone. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"
#include "tables.h"

void batch_init(struct batch *batch, const struct selection *selection)
{
    *batch = (struct batch){.selection = selection, .made = json_array(), .told = -1};
}

void batch_reset(struct batch *batch)
{
    batch->count = 0;
    (void)json_array_clear(batch->made);
}

void batch_forget(struct batch *batch)
{
    batch->told = -1;
    batch->seen = 0;
}

void batch_done(struct batch *batch)
{
    free(batch->records);
    json_drop(&batch->made);
    *batch = (struct batch){0};
}

void batch_add(struct batch *batch, struct record record)
{
    if (batch->count == batch->room) {
        batch->room = batch->room ? 2 * batch->room : 64;
        batch->records = mem_grow(batch->records, batch->room, sizeof *batch->records);
    }
    batch->records[batch->count++] = record;
}

/* Its index in the selection, or 0. */
static size_t child_index(const struct batch *batch, const struct table *table)
{
    for (size_t i = 1; i < batch->selection->table_count; i++)
        if (batch->selection->tables[i] == table) return i;
    return 0;
}

bool batch_wants(const struct batch *batch, const struct table *table)
{
    return child_index(batch, table) > 0;
}

void batch_child(struct batch *batch, const struct table *table, json_t *body)
{
    size_t index = child_index(batch, table);
    (void)json_array_append_new(batch->made, body); /* freed with the page, wanted or not */
    if (index > 0) batch_add(batch, (struct record){.table = index, .body = body});
}

/* One without an id is handed on whole: it will be rejected, and then nobody is taken for deleted. */
static void take_id(struct batch *batch, const json_t *body)
{
    json_t *id = json_object_get(body, "id");
    json_t *bare = json_object();
    (void)json_object_set(bare, "id", id); /* absent: not set */
    (void)json_array_append_new(batch->made, bare);
    batch_add(batch, (struct record){.body = is_id(id) ? bare : body});
}

void batch_take(struct batch *batch, const json_t *body, int64_t listed_us)
{
    const struct intercom_stream *stream = (const struct intercom_stream *)batch->selection->stream;
    batch->seen++;
    if (stream->only_id) {
        take_id(batch, body);
        return;
    }
    batch_add(batch, (struct record){.body = body, .listed_us = listed_us});
    if (stream->imply) stream->imply(batch, body);
}

void batch_told(struct batch *batch, const json_t *answer)
{
    if (batch->seen == 0 && batch->told < 0) batch->told = json_int_at(answer, "total_count", -1);
}

bool batch_complete(const struct batch *batch, const char *what, struct error *err)
{
    const struct intercom_stream *stream = (const struct intercom_stream *)batch->selection->stream;
    int64_t enough = batch->told - batch->told / 10; /* some may go while they are listed */
    if (!stream->only_id || batch->seen >= enough) return true;
    return error_set(err, ERROR_FORMAT,
                     "%s: the list ended after %" PRId64 " of %" PRId64
                     " records; an incomplete list deletes nothing, and is read again",
                     what, batch->seen, batch->told);
}

/* --- ids --- */

bool is_id(const json_t *value)
{
    return json_is_integer(value) || json_string_length(value) > 0;
}

bool record_id(const json_t *record, char out_id[LIMIT_NAME])
{
    const json_t *id = json_object_get(record, "id");
    const char *text = json_string_value(id);
    size_t size = json_string_length(id);
    if (json_is_integer(id)) {
        (void)snprintf(out_id, LIMIT_NAME, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
        return true;
    }
    if (size == 0 || size >= LIMIT_NAME || strlen(text) != size) return false;
    if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0) return false; /* steps in a path, not names */
    memcpy(out_id, text, size + 1);
    return true;
}

/* --- tombstones --- */

static json_t *tombstone(const json_t *id, const json_t *seen_missing_at, const char *source)
{
    json_t *body = json_object();
    (void)json_object_set(body, "id", (json_t *)(uintptr_t)id); /* absent: not set */
    (void)json_object_set(body, "seen_missing_at", (json_t *)(uintptr_t)seen_missing_at);
    (void)json_object_set_new(body, "source", json_string(source));
    return body;
}

void imply_merged(struct batch *batch, const json_t *contact)
{
    const json_t *history = json_object_get(contact, "merge_history");
    for (size_t i = 0; i < json_array_size(history); i++) {
        const json_t *merge = json_array_get(history, i);
        const json_t *id = json_object_get(merge, "source_contact_id");
        const json_t *at = json_object_get(merge, "merged_at");
        if (!is_id(id)) continue; /* the contact itself shows what came */
        if (!at || json_is_null(at)) at = json_object_get(contact, "updated_at");
        json_t *body = tombstone(id, at, "merge history");
        (void)json_object_set(body, "merged_into", json_object_get(contact, "id"));
        batch_child(batch, batch->selection->stream->table->gone, body);
    }
}

void imply_deleted(struct batch *batch, const json_t *record)
{
    json_t *body =
        tombstone(json_object_get(record, "id"), json_object_get(record, "deleted_at"), "deleted feed");
    batch_child(batch, &intercom_conversations_deleted, body);
}
