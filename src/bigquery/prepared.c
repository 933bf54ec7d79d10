/* SPDX-License-Identifier: Apache-2.0 */
/* prepared.c - which tables a stream keeps, and what is remembered of them between two looks. */
#include "internal.h"

struct selection tables_kept(const struct selection *selection)
{
    const struct stream *stream = selection->stream;
    if (stream->kind != STREAM_RECONCILE) return *selection;
    return (struct selection){
        .stream = stream, .tables = {stream->subject, stream->subject->gone}, .table_count = 2};
}

struct prepared *tables_prepared(struct bigquery *bq, const struct stream *stream)
{
    for (size_t i = 0; i < bq->prepared_count; i++)
        if (bq->prepared[i].stream == stream) return &bq->prepared[i];
    return NULL;
}

void tables_forget(struct bigquery *bq)
{
    bq->prepared_count = 0;
}

void tables_remember(struct bigquery *bq, const struct prepared *prepared)
{
    struct prepared *slot = tables_prepared(bq, prepared->stream);
    if (!slot && bq->prepared_count < LIMIT_STREAMS) slot = &bq->prepared[bq->prepared_count++];
    if (slot) *slot = *prepared;
}
