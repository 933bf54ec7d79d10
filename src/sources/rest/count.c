/* SPDX-License-Identifier: Apache-2.0 */
/* count.c - how much a window holds: its list as the listing counts it, and what each record has more to
 * request. */
#include <stdlib.h>
#include <string.h>

#include "list_total.h"
#include "next_page.h"
#include "paginate.h"
#include "truncated_list.h"

#define SAMPLE_PAGES 12 /* of a list whose records may have more to request */

static int64_t child_lists(const struct selection *selection, const struct rest_stream *stream)
{
    int64_t count = 0;
    for (size_t i = 0; stream->child_lists && stream->child_lists[i].table; i++)
        count += selection_has_table(selection, stream->child_lists[i].table);
    return count;
}

static int64_t pages_of(const struct rest_source *rest, const struct json_value *cut)
{
    const struct rest_dialect *dialect = rest->dialect;
    const int64_t total = dialect->total_member ? value_integer_at(cut, dialect->total_member, 0) : 0;
    return dialect->cut_page > 0 && total > dialect->cut_page ? (total - 1) / dialect->cut_page + 1 : 1;
}

/* Requests for lists that are cut off in a record: lists with one path are one request. */
static int64_t cut_lists(const struct rest_source *rest, const struct rest_stream *stream,
                         const struct json_value *record)
{
    const struct truncated_list *lists = stream->truncated_lists;
    int64_t count = 0;
    for (size_t i = 0; lists[i].name; i++) {
        const char *path = truncated_list_path(rest, record, &lists[i]);
        bool is_known = false;
        for (size_t k = 0; path && k < i; k++) {
            const char *other = truncated_list_path(rest, record, &lists[k]);
            is_known = is_known || (other && strcmp(other, path) == 0);
        }
        if (path && !is_known)
            count += lists[i].is_paged ? pages_of(rest, value_get(record, lists[i].name)) : 1;
    }
    return count;
}

/* Of the page that was read, also those that are not of the window. */
static int64_t listed_on_page(const struct rest_source *rest, const struct rest_stream *stream,
                              const struct reader *reader)
{
    struct json_value *answer = ((const struct paginator *)reader)->answer;
    return answer ? (int64_t)value_count(page_list(rest->dialect, answer, stream->list)) : 0;
}

/* One page after the other: which segment answers first is chance. */
static void keep_whole(struct reader *reader)
{
    const struct paginator *paginator = (const struct paginator *)reader;
    for (size_t i = 0; i < paginator->segment_count; i++)
        paginator->segments[i]->was_cut = paginator->segments[i]->was_sliced = true;
}

/* ... of all records of the window, if the others are as those of the first pages. listed: records on all
 * pages. */
static bool add_cut_lists(struct rest_source *rest, const struct selection *selection, struct window window,
                          int64_t listed, int64_t *requests, struct error *err)
{
    const struct rest_stream *stream = (const struct rest_stream *)selection->stream;
    struct reader *reader = NULL;
    struct page page = {.last = false};
    int64_t seen = 0, count = 0;
    if (!stream->truncated_lists || stream->stream.kind == STREAM_RECONCILE || listed <= 0) return true;
    bool good = rest_paginate.open(rest, selection, window, &reader, err);
    if (good) keep_whole(reader);
    for (int i = 0; good && i < SAMPLE_PAGES && !page.last; i++) {
        good = rest_paginate.next(reader, &page, err);
        for (size_t k = 0; good && k < page.count; k++)
            count += cut_lists(rest, stream, page.records[k].body);
        if (good) seen += listed_on_page(rest, stream, reader);
    }
    if (reader) rest_paginate.close(reader);
    if (page.last || seen > listed) listed = seen;
    if (good && seen > 0) *requests += (count * listed + seen / 2) / seen;
    return good;
}

/* Each record in full, and its own lists. A scan asks for those of changed records alone once it has run:
 * here nothing changes. */
static void add_records(const struct selection *selection, struct window window, struct source_count *count)
{
    const struct rest_stream *stream = (const struct rest_stream *)selection->stream;
    bool is_rescan = stream->stream.kind == STREAM_SCAN && window.from_s > INT64_MIN;
    int64_t each = (stream->detail != NULL) + (is_rescan ? 0 : child_lists(selection, stream));
    if (count->requests >= 0) count->requests += each * count->records;
}

bool rest_source_count(struct source *source, const struct selection *selection, struct window window,
                       struct source_count *out_count, struct error *err)
{
    struct rest_source *rest = (struct rest_source *)source;
    const struct rest_stream *stream = (const struct rest_stream *)selection->stream;
    const struct rest_dialect *dialect = rest->dialect;
    *out_count = (struct source_count){.is_exact = !rest->is_exact || rest->is_exact(rest, stream)};
    if (rest->check_stream && !rest->check_stream(rest, stream, false, err)) return false;
    if (!rest_listing(stream)->count(rest, selection, window, out_count, err)) return false;
    if (out_count->records >= 0) {
        add_records(selection, window, out_count);
        if (!add_cut_lists(rest, selection, window, out_count->records, &out_count->requests, err))
            return false;
    }
    out_count->limit = rest->seen_limit;
    out_count->limit_window_s = dialect->limit_window_s;
    if (rest->seen_limit > 0 && dialect->limit_window_s > 0)
        out_count->requests_per_s = rest->rate_share * (double)rest->seen_limit / dialect->limit_window_s;
    return true;
}
