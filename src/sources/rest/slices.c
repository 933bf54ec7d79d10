/* SPDX-License-Identifier: Apache-2.0 */
/* slices.c - a long list with one cursor is read in slices, which have a cursor each.
 *
 * The slices are believed if together they hold as many records as the list, which is counted before and
 * after their first pages: a record that comes meanwhile could hide another that no slice has. Otherwise, or
 * if one of them fails, the list is read by its own cursor. Its records may come twice then, which the
 * reader's contract allows.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "paginate.h"

#define SLICES_MOST   32 /* a power of two */
#define FAILURES_MOST 3  /* then the lists of this run are read by their cursors */

int slices_wanted(const struct rest_source *rest, const struct rest_stream *stream, int64_t records)
{
    int count = SLICES_MOST;
    if (!stream->slices || !paginator_is_parallel(rest, stream)) return 0;
    if (atomic_load(&rest->shared->slices_failed) >= FAILURES_MOST) return 0;
    while (count > 1 && records < (int64_t)count * PAGES_PER_SEGMENT * stream->per_page)
        count /= 2;
    return count > 1 ? count : 0;
}

static void begin(struct paginator *paginator, struct segment_reader *whole, int count)
{
    size_t first = paginator_index(paginator, whole) + 1;
    paginator_insert(paginator, first, (size_t)count);
    for (int i = 0; i < count; i++) {
        struct segment piece = whole->segment;
        piece.slice = (struct slice){.index = i, .count = count};
        struct segment_reader *slice = segment_open(whole->rest, whole->stream, piece);
        slice->whole = whole;
        paginator->segments[first + (size_t)i] = slice;
    }
    whole->was_sliced = true;
    whole->slice_count = count;
    whole->counted = whole->count.expected;
    segment_restart(whole);
}

static void end(const struct paginator *paginator, struct segment_reader *whole)
{
    size_t first = paginator_index(paginator, whole) + 1;
    for (size_t i = 0; i < (size_t)whole->slice_count; i++)
        if (!paginator->segments[first + i]->is_finished) return;
    whole->slice_count = 0;
    whole->is_finished = true;
}

static void fail(struct paginator *paginator, struct segment_reader *whole, int failures, const char *why)
{
    const char *service = whole->rest->dialect->name, *stream = whole->stream->stream.name;
    log_write(
        LOG_NOTICE, "slices_dropped", LOG_FIELDS(LOG_TEXT("stream", stream), LOG_TEXT("why", why)),
        "%s %s: the list is not read in slices of its ids: %s. It is read page by page, which is slower "
        "and loses nothing",
        service, stream, why);
    atomic_fetch_add(&whole->rest->shared->slices_failed, failures);
    paginator_remove(paginator, paginator_index(paginator, whole) + 1, (size_t)whole->slice_count);
    whole->slice_count = 0;
    whole->must_recount = whole->is_believed = false;
}

static void fail_count(struct paginator *paginator, struct segment_reader *whole, int64_t sum, int64_t count)
{
    char why[REST_NOTICE];
    (void)snprintf(why, sizeof why, "the %d slices hold %" PRId64 " records, and the list holds %" PRId64,
                   whole->slice_count, sum, count);
    fail(paginator, whole, 1, why);
}

/* Records of all slices, as their first pages say; -1: one does not say it. False: one has not been read. */
static bool add_up(const struct paginator *paginator, const struct segment_reader *whole, int64_t *out_sum)
{
    size_t first = paginator_index(paginator, whole) + 1;
    *out_sum = 0;
    for (size_t i = 0; i < (size_t)whole->slice_count; i++) {
        const struct segment_reader *slice = paginator->segments[first + i];
        if (!slice->has_page) return false;
        bool is_known = *out_sum >= 0 && slice->count.expected >= 0;
        *out_sum = is_known ? *out_sum + slice->count.expected : -1;
    }
    return true;
}

void slices_check(struct paginator *paginator, const struct segment_reader *slice)
{
    struct segment_reader *whole = slice->whole;
    int64_t sum;
    if (whole->is_believed) {
        end(paginator, whole);
    } else if (!whole->must_recount && add_up(paginator, whole, &sum)) {
        if (sum == whole->counted)
            whole->must_recount = true;
        else
            fail_count(paginator, whole, sum, whole->counted);
    }
}

/* The list still holds as many records as when its slices were begun, and as they do. */
static bool believe(struct paginator *paginator, struct segment_reader *whole)
{
    whole->must_recount = false;
    whole->is_believed = whole->count.expected == whole->counted;
    if (!whole->is_believed) {
        fail_count(paginator, whole, whole->counted, whole->count.expected);
        return false;
    }
    segment_restart(whole);
    end(paginator, whole);
    return true;
}

bool slices_take(struct paginator *paginator, struct segment_reader *reader)
{
    if (reader->must_recount) return believe(paginator, reader);
    if (reader->was_sliced || reader->number > 1 || reader->whole) return false;
    int wanted = slices_wanted(reader->rest, reader->stream, reader->count.expected);
    if (wanted > 0) begin(paginator, reader, wanted);
    return wanted > 0;
}

bool slices_give_up(struct paginator *paginator, const struct segment_reader *reader, const struct error *err)
{
    struct segment_reader *whole = reader->whole;
    bool is_about_slices = err->kind == ERROR_BUSY || err->kind == ERROR_REFUSED ||
                           err->kind == ERROR_FORMAT || err->kind == ERROR_LIMIT;
    if (!whole || !is_about_slices) return false;
    fail(paginator, whole, err->kind == ERROR_REFUSED ? FAILURES_MOST : 1, err->text);
    return true;
}
