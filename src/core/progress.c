/* SPDX-License-Identifier: Apache-2.0 */

#include "core/progress.h"

void progress_step(struct progress *progress, const char *where)
{
    if (!progress) return;
    atomic_store(&progress->where, where);
    atomic_fetch_add(&progress->steps, 1);
}

void progress_stream(struct progress *progress, const char *stream, long long index, long long count)
{
    if (!progress) return;
    if (index == 0) {
        atomic_store(&progress->requests, 0);
        atomic_store(&progress->rejected, 0);
    }
    atomic_store(&progress->stream_index, index);
    atomic_store(&progress->stream_count, count);
    atomic_store(&progress->records, 0);
    progress_units(progress, 0, 0, 0);
    atomic_store(&progress->stream, stream);
}

void progress_units(struct progress *progress, long long done, long long units, int day)
{
    if (!progress) return;
    atomic_store(&progress->units_done, done);
    atomic_store(&progress->units, units);
    atomic_store(&progress->day, day);
}

void progress_page(struct progress *progress, long long records, long long requests)
{
    if (!progress) return;
    atomic_fetch_add(&progress->records, records);
    atomic_fetch_add(&progress->requests, requests);
}
