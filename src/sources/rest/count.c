/* SPDX-License-Identifier: Apache-2.0 */
/* count.c - how many records a window holds, as the service says: lists are asked for one record, and short
 * lists that are one page are read.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "exchange.h"
#include "next_page.h"
#include "paginate.h"
#include "truncated_list.h"

#define LIMIT_REQUEST  32768
#define SAMPLE_PAGES   12 /* of a list whose records may have more to request */
#define SEGMENTS_COUNT 8  /* longer windows in more pieces are not counted */

static bool can_choose_size(const struct rest_stream *stream)
{
    return stream->per_page > 0 && (stream->pagination->has_cursors || stream->pagination->has_numbers);
}

static bool ask(struct rest_source *rest, const struct rest_stream *stream, const struct segment *segment,
                struct json_value **out_answer, struct error *err)
{
    struct exchange exchange;
    AUTO(buf_done) struct buf url = buf_limited(LIMIT_REQUEST);
    AUTO(buf_done) struct buf body = buf_limited(LIMIT_REQUEST);
    const struct page_request request = {
        .source = rest,
        .stream = stream,
        .segment = *segment,
        .per_page = can_choose_size(stream) ? 1 : stream->per_page,
    };
    AUTO(mem_free)
    char *what = mem_format("%s %s, how many there are", rest->dialect->name, stream->stream.name);
    stream->pagination->write(&request, &url, &body);
    exchange_init(&exchange, rest, what);
    exchange.can_be_forbidden = true;
    exchange.allow_array = stream->pagination->allow_array;
    bool good = exchange_send(&exchange,
                              &(struct exchange_request){.method = stream->pagination->method,
                                                         .url = buf_string(&url),
                                                         .body = body.size > 0 ? &body : NULL,
                                                         .retry = &retry_api},
                              err) &&
                exchange_wait(&exchange, out_answer, err);
    exchange_done(&exchange);
    return good;
}

/* -1: the answer does not say it, and is not the whole list. */
static int64_t total_of(const struct rest_source *rest, const struct rest_stream *stream,
                        struct json_value *answer)
{
    const struct rest_dialect *dialect = rest->dialect;
    const struct json_value *list = page_list(dialect, answer, stream->list);
    int64_t total = dialect->total_member ? value_integer_at(answer, dialect->total_member, -1) : -1;
    bool is_whole = !stream->pagination->has_cursors && !stream->pagination->has_numbers;
    return total >= 0 ? total : is_whole ? (int64_t)value_count(list) : -1;
}

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
        paginator->segments[i]->was_cut = true;
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
    if (!stream->truncated_lists || stream->ids_only || listed <= 0) return true;
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

/* A list has at least one page. */
static int64_t requests_for(const struct selection *selection, const struct rest_stream *stream,
                            int64_t records)
{
    if (records < 0) return -1;
    int64_t pages = stream->per_page > 0 ? (records + stream->per_page - 1) / stream->per_page : 1;
    int64_t each = (stream->detail != NULL) + child_lists(selection, stream);
    return (pages > 0 ? pages : 1) + each * records;
}

/* Pages of a list whose time is divided (paginate.c): a service may send more than it holds. */
static bool add_divided(struct rest_source *rest, const struct rest_stream *stream,
                        const struct segment *segment, int64_t records, int64_t *requests, struct error *err)
{
    const struct window whole = segment->window;
    const int64_t begin_s = whole.from_s > 0 ? whole.from_s : 0;
    const int64_t end_s = whole.to_s == WINDOW_OPEN ? rest->clock_s : whole.to_s;
    int64_t first_s, step_s, pages = 0;
    if (records <= stream->per_page) return true;
    const struct list_rest left = {.begin_s = begin_s,
                                   .end_s = end_s,
                                   .passed_s = (end_s - begin_s) / records * stream->per_page,
                                   .records = records - stream->per_page,
                                   .most = SEGMENTS_MAX - 1};
    if (!paginator_divide(rest, stream, &left, &first_s, &step_s) || first_s >= end_s) return true;
    const int64_t pieces = (end_s - first_s - 1) / step_s + 2;
    if (pieces > SEGMENTS_COUNT) {
        *requests += pieces - 1; /* each has a last page */
        return true;
    }
    for (int64_t i = 0; i < pieces; i++) {
        AUTO(value_drop) struct json_value *answer = NULL;
        struct segment piece = *segment;
        if (i > 0) piece.window.from_s = first_s + (i - 1) * step_s;
        if (i + 1 < pieces) piece.window.to_s = first_s + i * step_s;
        if (!ask(rest, stream, &piece, &answer, err)) return false;
        int64_t total = total_of(rest, stream, answer);
        pages += total > 0 ? (total - 1) / stream->per_page + 1 : 1;
    }
    *requests += pages - ((records - 1) / stream->per_page + 1);
    return true;
}

static bool add_segment(struct rest_source *rest, const struct selection *selection,
                        const struct segment *segment, struct source_count *count, struct error *err)
{
    const struct rest_stream *stream = (const struct rest_stream *)selection->stream;
    AUTO(value_drop) struct json_value *answer = NULL;
    if (!ask(rest, stream, segment, &answer, err)) return false;
    int64_t records = total_of(rest, stream, answer);
    int64_t requests = requests_for(selection, stream, records);
    if (!add_divided(rest, stream, segment, records, &requests, err) ||
        !add_cut_lists(rest, selection, segment->window, records, &requests, err))
        return false;
    count->records = count->records < 0 || records < 0 ? -1 : count->records + records;
    count->requests = count->requests < 0 || requests < 0 ? -1 : count->requests + requests;
    return true;
}

static int64_t pieces_of(const struct rest_source *rest, struct window window, int64_t piece_s)
{
    int64_t end_s = window.to_s == WINDOW_OPEN ? rest->clock_s : window.to_s;
    int64_t length_s = end_s - (window.from_s > 0 ? window.from_s : 0);
    return piece_s > 0 && length_s > piece_s ? (length_s - 1) / piece_s + 1 : 1;
}

static bool count_pieces(struct rest_source *rest, const struct selection *selection, struct window window,
                         struct source_count *count, struct error *err)
{
    const struct rest_stream *stream = (const struct rest_stream *)selection->stream;
    const int64_t piece_s = stream->pagination->max_window_s, pieces = pieces_of(rest, window, piece_s);
    struct segment segment = {.window = window};
    if (pieces == 1) return add_segment(rest, selection, &segment, count, err);
    for (int64_t i = 0; i < pieces && i < SEGMENTS_COUNT; i++) {
        segment.window.from_s = window.from_s + i * piece_s;
        segment.window.to_s = i + 1 < pieces ? segment.window.from_s + piece_s : window.to_s;
        if (!add_segment(rest, selection, &segment, count, err)) return false;
    }
    if (pieces <= SEGMENTS_COUNT) return true;
    count->records = -1;
    count->requests = pieces; /* at least */
    return true;
}

static bool count_types(struct rest_source *rest, const struct selection *selection, struct window window,
                        struct source_count *count, struct error *err)
{
    for (size_t i = 0; i < rest->type_count; i++) {
        const struct segment segment = {.window = window, .type = rest->types[i]};
        if (!add_segment(rest, selection, &segment, count, err)) return false;
    }
    return true;
}

bool rest_source_count(struct source *source, const struct selection *selection, struct window window,
                       struct source_count *out_count, struct error *err)
{
    struct rest_source *rest = (struct rest_source *)source;
    const struct rest_stream *stream = (const struct rest_stream *)selection->stream;
    *out_count = (struct source_count){.is_exact = !rest->is_exact || rest->is_exact(rest, stream)};
    if (rest->check_stream && !rest->check_stream(rest, stream, false, err)) return false;
    if (rest_listing(stream) != &rest_paginate ||
        (stream->reader && stream->reader != &rest_paginate && stream->reader != &rest_expand &&
         stream->reader != &rest_detail)) {
        out_count->records = out_count->requests = -1; /* such a list can't be begun by the way */
    } else if (stream->is_typed ? !count_types(rest, selection, window, out_count, err)
                                : !count_pieces(rest, selection, window, out_count, err)) {
        return false;
    }
    out_count->limit = rest->seen_limit;
    out_count->limit_window_s = rest->dialect->limit_window_s;
    if (rest->seen_limit > 0 && rest->dialect->limit_window_s > 0)
        out_count->requests_per_s =
            rest->rate_share * (double)rest->seen_limit / rest->dialect->limit_window_s;
    return true;
}
