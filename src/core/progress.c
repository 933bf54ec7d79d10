/* SPDX-License-Identifier: Apache-2.0 */

#include "core/progress.h"

#include <stdbool.h>
#include <stddef.h>

void progress_step(struct progress *progress, const char *where)
{
    if (!progress) return;
    atomic_store(&progress->where, where);
    atomic_store(&progress->is_busy, true);
    atomic_fetch_add(&progress->steps, 1);
}

void progress_run(struct progress *first, long long stream_count)
{
    for (struct progress *progress = first; progress; progress = progress->next) {
        atomic_store(&progress->requests, 0);
        atomic_store(&progress->rejected, 0);
        atomic_store(&progress->streams_done, 0);
        progress_units(progress, 0, 0, 0);
        if (progress != first) atomic_store(&progress->is_busy, false);
    }
    if (first) atomic_store(&first->stream_count, stream_count);
}

void progress_stream(struct progress *progress, const char *stream, bool is_helper)
{
    if (!progress) return;
    atomic_store(&progress->is_helper, is_helper);
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

void progress_stream_done(struct progress *progress)
{
    if (progress) atomic_fetch_add(&progress->streams_done, 1);
}

void progress_rest(struct progress *progress)
{
    if (!progress) return;
    atomic_store(&progress->stream, NULL);
    atomic_store(&progress->is_busy, false);
}

void progress_pause(struct progress *progress, const char *where)
{
    if (!progress) return;
    atomic_store(&progress->where, where);
    atomic_store(&progress->is_busy, false);
}

const char *progress_where(const struct progress *first)
{
    for (const struct progress *progress = first; progress; progress = progress->next)
        if (atomic_load(&progress->is_busy)) return atomic_load(&progress->where);
    return atomic_load(&first->where);
}

int64_t progress_look(struct progress_watch *watch, const struct progress *first, int64_t now_ms)
{
    int64_t oldest_ms = now_ms;
    watch->where = NULL;
    const struct progress *progress = first;
    for (size_t i = 0; progress && i < LIMIT_WORKERS; progress = progress->next, i++) {
        const long long steps = atomic_load(&progress->steps);
        int64_t *moved_ms = &watch->workers[i].moved_ms;
        if (*moved_ms == 0 || steps != watch->workers[i].steps || !atomic_load(&progress->is_busy))
            *moved_ms = now_ms;
        watch->workers[i].steps = steps;
        if (*moved_ms < oldest_ms || !watch->where) watch->where = atomic_load(&progress->where);
        if (*moved_ms < oldest_ms) oldest_ms = *moved_ms;
    }
    return oldest_ms;
}
