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

const char *column_field(const struct column *column)
{
    return column->field ? column->field : column->name;
}
