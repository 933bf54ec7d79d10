/* SPDX-License-Identifier: Apache-2.0 */
/* paginate_count.c - how many records the segments of a list hold, and how many pages that is. */
#include "list_total.h"
#include "paginate.h"

#define WINDOWS_MOST 26 /* of a service that limits their length; a load asks as often */

struct counter {
    struct rest_source *rest;
    const struct selection *selection;
    const struct rest_stream *stream;
    struct source_count *count;
};

/* Requests for the pieces in which a longer list is read: pieces of step_s after the first, which ends at
 * first_s. per_page records fit on a page. -1: an error. */
static bool ask_pieces(const struct counter *counter, const struct segment *whole, int64_t first_s,
                       int64_t step_s, int64_t pieces, int64_t *out_pages, struct error *err)
{
    *out_pages = 0;
    for (int64_t i = 0; i < pieces; i++) {
        struct list_total total;
        struct segment piece = *whole;
        if (i > 0) piece.window.from_s = first_s + (i - 1) * step_s;
        if (i + 1 < pieces) piece.window.to_s = first_s + i * step_s;
        if (!list_total_ask(counter->rest, counter->selection, &piece, &total, err)) return false;
        int64_t pages = list_total_pages(&total);
        *out_pages += pages > 0 ? pages : 1;
    }
    return true;
}

/* Pages of a list whose time is divided (paginate.c): a service may send more than it holds. */
static bool count_divided(const struct counter *counter, const struct segment *segment,
                          const struct list_total *total, int64_t *pages, struct error *err)
{
    const int64_t begin_s = window_begin_s(segment->window),
                  end_s = window_end_s(counter->rest, segment->window.to_s);
    int64_t first_s, step_s, asked;
    if (total->records <= total->per_page) return true;
    const struct list_rest left = {.begin_s = begin_s,
                                   .end_s = end_s,
                                   .passed_s = (end_s - begin_s) / total->records * total->per_page,
                                   .records = total->records - total->per_page,
                                   .most = SEGMENTS_MAX - 1};
    if (!paginator_divide(counter->rest, counter->stream, &left, &first_s, &step_s) || first_s >= end_s)
        return true;
    const int64_t pieces = (end_s - first_s - 1) / step_s + 2;
    if (pieces > LIST_PIECES) {
        *pages += pieces - 1; /* each has a last page */
        return true;
    }
    if (!ask_pieces(counter, segment, first_s, step_s, pieces, &asked, err)) return false;
    *pages = asked;
    return true;
}

/* Pages of a list that is longer than the service gives, and read in shorter windows (paginator_cut), after
 * its first page. */
static bool count_cut(const struct counter *counter, const struct segment *segment,
                      const struct list_total *total, int64_t *pages, struct error *err)
{
    const int64_t most = counter->stream->pagination->max_records, pieces = total->records / most + 1;
    const int64_t begin_s = window_begin_s(segment->window),
                  end_s = window_end_s(counter->rest, segment->window.to_s);
    const int64_t step_s = pieces < end_s - begin_s ? (end_s - begin_s + pieces - 1) / pieces : 1;
    int64_t asked;
    if (pieces > LIST_PIECES) {
        *pages += pieces; /* each has a last page */
        return true;
    }
    if (!ask_pieces(counter, segment, begin_s + step_s, step_s, pieces, &asked, err)) return false;
    *pages = asked + 1;
    return true;
}

/* Requests for a list whose records are evenly distributed over its slices; it is counted twice itself. */
static int64_t count_sliced(const struct list_total *total, int64_t slices)
{
    const int64_t each = (total->records + slices - 1) / slices;
    return 2 + slices * ((each + total->per_page - 1) / total->per_page);
}

static bool add_segment(const struct counter *counter, const struct segment *segment, struct error *err)
{
    const int64_t most = counter->stream->pagination->max_records;
    struct list_total total;
    if (!list_total_ask(counter->rest, counter->selection, segment, &total, err)) return false;
    int64_t pages = list_total_pages(&total);
    const int slices = slices_wanted(counter->rest, counter->stream, total.records);
    bool is_cut = most > 0 && total.records > most && stream_is_windowed(&counter->stream->stream);
    if (slices > 0)
        pages = count_sliced(&total, slices);
    else if (is_cut ? !count_cut(counter, segment, &total, &pages, err)
                    : !count_divided(counter, segment, &total, &pages, err))
        return false;
    list_total_add(&total, pages, counter->count);
    return true;
}

static bool count_windows(const struct counter *counter, const struct segment *whole, struct error *err)
{
    const int64_t piece_s = counter->stream->pagination->max_window_s;
    const int64_t begin_s = window_begin_s(whole->window),
                  end_s = window_end_s(counter->rest, whole->window.to_s);
    const int64_t pieces = piece_s > 0 && end_s - begin_s > piece_s ? (end_s - begin_s - 1) / piece_s + 1 : 1;
    struct segment segment = *whole;
    if (pieces == 1) return add_segment(counter, &segment, err);
    for (int64_t i = 0; i < pieces && i < WINDOWS_MOST; i++) {
        segment.window.from_s = begin_s + i * piece_s;
        segment.window.to_s = i + 1 < pieces ? segment.window.from_s + piece_s : whole->window.to_s;
        if (!add_segment(counter, &segment, err)) return false;
    }
    if (pieces <= WINDOWS_MOST) return true;
    counter->count->records = counter->count->children = -1;
    counter->count->requests = pieces; /* at least */
    return true;
}

bool paginate_count(struct rest_source *rest, const struct selection *selection, struct window window,
                    struct source_count *count, struct error *err)
{
    const struct rest_stream *stream = (const struct rest_stream *)selection->stream;
    const struct counter counter = {rest, selection, stream, count};
    struct segment segment = {.window = window};
    if (!stream->is_typed) return count_windows(&counter, &segment, err);
    for (size_t i = 0; i < rest->type_count; i++) {
        segment.type = rest->types[i];
        if (!count_windows(&counter, &segment, err)) return false;
    }
    return true;
}
