/* SPDX-License-Identifier: Apache-2.0 */
#include "core/stream.h"

#include <stdlib.h>
#include <string.h>

const char *stream_kind_name(enum stream_kind kind)
{
    switch (kind) {
    case STREAM_INCREMENTAL: return "incremental";
    case STREAM_EVENT: return "event";
    case STREAM_SCAN: return "scan";
    case STREAM_SNAPSHOT: return "snapshot";
    case STREAM_RECONCILE: return "reconciliation";
    }
    abort();
}

bool stream_is_windowed(const struct stream *stream)
{
    return stream->kind == STREAM_INCREMENTAL || stream->kind == STREAM_EVENT;
}

bool stream_claims_days(const struct stream *stream)
{
    return stream_is_windowed(stream) || stream->kind == STREAM_SNAPSHOT;
}

const char *stream_lock(const struct stream *stream)
{
    if (stream->lock) return stream->lock->name;
    return stream->subject ? stream->subject->name : stream->table->name;
}

bool stream_keeps_rows(const struct stream *stream, const struct table *table)
{
    for (size_t i = 0; i < stream->child_count; i++)
        if (stream->children[i].table == table) return stream->children[i].choice != CHILD_ALWAYS;
    return true;
}

bool stream_lists_rows(const struct stream *stream)
{
    return stream->kind == STREAM_RECONCILE && stream->table == stream->subject;
}

bool selection_has_table(const struct selection *selection, const struct table *table)
{
    for (size_t i = 0; i < selection->table_count; i++)
        if (selection->tables[i] == table) return true;
    return false;
}

const struct column *table_column(const struct table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0) return &table->columns[i];
    return NULL;
}

size_t table_identity(const struct table *table, const char *out_columns[16])
{
    size_t count = 0;
    for (size_t i = 0; i < table->key_count; i++) {
        const struct column *column = table_column(table, table->key[i]);
        bool is_version = table->version && strcmp(table->key[i], table->version) == 0;
        if ((column && column->type == COLUMN_BOOL) || (is_version && !table->is_named_by_version)) continue;
        out_columns[count++] = table->key[i];
    }
    return count;
}

const char *column_field(const struct column *column)
{
    return column->field ? column->field : column->name;
}
