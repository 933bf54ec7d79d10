/* SPDX-License-Identifier: Apache-2.0 */
#include "page_builder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "truncated_list.h"

void page_builder_init(struct page_builder *builder, const struct rest_source *rest,
                       const struct selection *selection)
{
    *builder = (struct page_builder){
        .selection = selection,
        .stream = (const struct rest_stream *)selection->stream,
        .document = document_new(),
        .rest = rest,
    };
}

static void drop_documents(struct page_builder *builder)
{
    while (builder->kept_count > 0)
        document_drop(&builder->kept[--builder->kept_count]);
    document_drop(&builder->document);
}

void page_builder_reset(struct page_builder *builder)
{
    builder->count = 0;
    builder->incomplete = 0;
    drop_documents(builder);
    builder->document = document_new(); /* records of the last page may be held */
}

void page_builder_keep(struct page_builder *builder, const struct json_value *value)
{
    if (builder->kept_count > 0 && builder->kept[builder->kept_count - 1] == value->document) return;
    builder->kept = mem_grow(builder->kept, builder->kept_count + 1, sizeof(void *));
    builder->kept[builder->kept_count++] = document_hold(value->document);
}

void list_count_restart(struct list_count *count)
{
    *count = (struct list_count){.expected = -1};
}

void page_builder_done(struct page_builder *builder)
{
    free(builder->records);
    drop_documents(builder);
    free(builder->kept);
    *builder = (struct page_builder){0};
}

/* A record that can't be read came as its text: why. NULL for others. Lives as long as the page. */
static const char *unreadable(struct page_builder *builder, const struct json_value *body)
{
    struct error err;
    const char *text = value_text(body);
    AUTO(value_drop) struct json_value *value = NULL;
    if (!text || (*text != '{' && *text != '[')) return NULL;
    if (value_read(text, value_size(body), false, NULL, &value, &err)) return NULL;
    return value_text(document_add_text(builder->document, err.text));
}

void page_builder_add(struct page_builder *builder, struct record record)
{
    if (!record.problem) record.problem = unreadable(builder, record.body);
    if (builder->count == builder->capacity) {
        builder->capacity = builder->capacity ? 2 * builder->capacity : 64;
        builder->records = mem_grow(builder->records, builder->capacity, sizeof *builder->records);
    }
    builder->records[builder->count++] = record;
}

static size_t child_index(const struct page_builder *builder, const struct table *table)
{
    for (size_t i = 1; i < builder->selection->table_count; i++)
        if (builder->selection->tables[i] == table) return i;
    return 0;
}

bool page_builder_wants(const struct page_builder *builder, const struct table *table)
{
    return child_index(builder, table) > 0;
}

void page_builder_add_child(struct page_builder *builder, const struct table *table, struct json_value *body)
{
    size_t index = child_index(builder, table);
    if (index > 0) page_builder_add(builder, (struct record){.table = index, .body = body});
}

/* A record without an id is passed on whole: it is rejected, and then nothing is declared deleted. */
static void add_id(struct page_builder *builder, struct json_value *body)
{
    struct json_value *id = value_get(body, "id");
    struct json_value *id_only = document_add(builder->document, VALUE_OBJECT);
    value_set(id_only, "id", id); /* absent: not set */
    page_builder_add(builder, (struct record){.body = is_id(id) ? id_only : body});
}

/* Does the record come as it is, with a list in it that has more? Other streams complete such lists. */
static bool is_cut_off(const struct page_builder *builder, const struct json_value *body)
{
    return builder->stream->stream.kind == STREAM_RECONCILE &&
           truncated_list_remains(builder->rest->dialect, body, builder->stream->truncated_lists);
}

void page_builder_add_record(struct page_builder *builder, struct json_value *body, int64_t listed_us)
{
    if (builder->stream->ids_only) {
        add_id(builder, body);
        return;
    }
    bool is_incomplete = is_cut_off(builder, body);
    builder->incomplete += is_incomplete;
    page_builder_add(builder,
                     (struct record){.body = body, .incomplete = is_incomplete, .listed_us = listed_us});
    if (builder->stream->derive_tombstones) builder->stream->derive_tombstones(builder, body);
}

void page_builder_count(const struct page_builder *builder, struct list_count *count,
                        const struct json_value *answer, const struct json_value *list)
{
    const char *total_member = builder->rest->dialect->total_member;
    if (total_member && count->received == 0 && count->expected < 0)
        count->expected = value_integer_at(answer, total_member, -1);
    count->received += (int64_t)value_count(list);
}

void page_contradict(struct page *page, int64_t expected, int64_t received)
{
    if (page->is_contradicted) return;
    page->is_contradicted = true;
    page->expected = expected;
    page->received = received;
}

/* Records that change while they are read leave a window; none leaves a list of all but by deletion. */
void page_builder_check_total(const struct page_builder *builder, const struct list_count *count,
                              struct page *page)
{
    int64_t enough =
        count->expected - (stream_is_windowed(&builder->stream->stream) ? count->expected / 10 : 0);
    if (count->received < enough) page_contradict(page, count->expected, count->received);
}

bool page_builder_check_complete(const struct page_builder *builder, const struct list_count *count,
                                 const char *what, struct error *err)
{
    int64_t enough = count->expected - count->expected / 10; /* records may be deleted during the read */
    if (builder->stream->stream.kind != STREAM_RECONCILE || count->received >= enough) return true;
    return error_set(err, ERROR_FORMAT,
                     "%s: the list ended after %" PRId64 " of %" PRId64
                     " records; an incomplete list deletes nothing, and is read again",
                     what, count->received, count->expected);
}

bool is_id(const struct json_value *value)
{
    return value_is_integer(value) || value_size(value) > 0;
}

bool record_id(const struct json_value *record, char out_id[LIMIT_NAME])
{
    AUTO(value_drop) struct json_value *front = record_front((struct json_value *)(uintptr_t)record);
    const struct json_value *id = value_get(front, "id");
    if (!is_id(id)) return false;
    const char *text = id->text;
    size_t size = id->size;
    if (size == 0 || size >= LIMIT_NAME || strlen(text) != size) return false;
    if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0) return false; /* steps in a path, not names */
    memcpy(out_id, text, size + 1);
    return true;
}
