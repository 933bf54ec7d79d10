/* SPDX-License-Identifier: Apache-2.0 */
/* paginate.c - reads a stream in segments, several at once. The next pages are requested before one is passed
 * on. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/rows.h"
#include "next_page.h"
#include "paginate.h"

/* --- the segments --- */

size_t paginator_index(const struct paginator *paginator, const struct segment_reader *reader)
{
    size_t at = 0;
    while (paginator->segments[at] != reader)
        at++;
    return at;
}

void paginator_insert(struct paginator *paginator, size_t at, size_t count)
{
    paginator->segments = mem_grow(paginator->segments, paginator->segment_count + count, sizeof(void *));
    memmove(paginator->segments + at + count, paginator->segments + at,
            (paginator->segment_count - at) * sizeof(void *));
    paginator->segment_count += count;
}

void paginator_remove(struct paginator *paginator, size_t at, size_t count)
{
    for (size_t i = at; i < at + count; i++)
        segment_close(paginator->segments[i]);
    paginator->segment_count -= count;
    memmove(paginator->segments + at, paginator->segments + at + count,
            (paginator->segment_count - at) * sizeof(void *));
}

static int64_t begin_s(const struct segment_reader *reader)
{
    return window_begin_s(reader->segment.window);
}

static int64_t end_s(const struct segment_reader *reader)
{
    return window_end_s(reader->rest, reader->to_s);
}

bool paginator_split(struct paginator *paginator, struct segment_reader *reader, int64_t first_s,
                     int64_t step_s)
{
    const int64_t end = end_s(reader), to_s = reader->to_s;
    if (reader->whole || first_s <= begin_s(reader) || first_s >= end)
        return false; /* slices stay together */
    const size_t added = (size_t)((end - first_s - 1) / step_s + 1),
                 at = paginator_index(paginator, reader) + 1;
    paginator_insert(paginator, at, added);
    reader->segment.window.from_s = begin_s(reader);
    reader->to_s = first_s;
    for (size_t i = 0; i < added; i++) {
        struct segment piece = reader->segment;
        piece.window.from_s = first_s + (int64_t)i * step_s;
        piece.window.to_s = i + 1 == added ? to_s : piece.window.from_s + step_s;
        paginator->segments[at + i] = segment_open(reader->rest, reader->stream, piece);
    }
    return true;
}

/* Long windows time out. Records that were read come again, which the reader's contract allows. */
bool paginator_shorten(struct paginator *paginator, struct segment_reader *reader)
{
    int64_t min_window_s = reader->pagination->min_window_s;
    if (min_window_s == 0 ||
        !paginator_split(paginator, reader, begin_s(reader) + min_window_s, min_window_s))
        return false;
    segment_restart(reader);
    return true;
}

bool paginator_cut(struct paginator *paginator, struct segment_reader *reader, int64_t pieces)
{
    int64_t length_s = end_s(reader) - begin_s(reader);
    if (!segment_is_windowed(reader) || length_s < 2) return false;
    int64_t step_s = pieces < length_s ? (length_s + pieces - 1) / pieces : 1;
    if (!paginator_split(paginator, reader, begin_s(reader) + step_s, step_s)) return false;
    segment_restart(reader);
    return true;
}

static void plan_segments(struct paginator *paginator)
{
    const struct rest_source *rest = paginator->rest;
    const struct rest_stream *stream = paginator->stream;
    int64_t max_window_s = stream->pagination->max_window_s;
    paginator->segment_count = stream->is_typed ? rest->type_count : 1;
    paginator->segments = mem_zero(paginator->segment_count, sizeof(void *));
    for (size_t i = 0; i < paginator->segment_count; i++) {
        struct segment whole = {.window = paginator->window,
                                .type = stream->is_typed ? rest->types[i] : NULL};
        paginator->segments[i] = segment_open(paginator->rest, stream, whole);
    }
    for (size_t i = paginator->segment_count; max_window_s > 0 && i > 0; i--) {
        struct segment_reader *whole = paginator->segments[i - 1];
        if (paginator_split(paginator, whole, begin_s(whole) + max_window_s, max_window_s))
            segment_restart(whole);
    }
}

/* --- several at once --- */

static size_t count_unfinished(const struct paginator *paginator)
{
    size_t count = 0;
    for (size_t i = 0; i < paginator->segment_count; i++)
        count += !paginator->segments[i]->is_finished;
    return count;
}

/* Where each record is requested by itself, these requests fill the limit. Requests that the service objects
 * to are mended one after the other. */
bool paginator_is_parallel(const struct rest_source *rest, const struct rest_stream *stream)
{
    return !stream->detail && !rest->dialect->mend_request;
}

/* So many pages may be in flight, as large as the largest so far, of our part of the bytes that may wait. The
 * first is read alone: it may be refused. */
static size_t most_in_flight(const struct paginator *paginator)
{
    size_t page = paginator->largest > 0 ? paginator->largest + paginator->largest / 4 : LIMIT_DEFERRED_BODY;
    size_t most = LIMIT_DEFERRED_TOTAL / (size_t)atomic_load(&paginator->rest->shared->sources) / page;
    if (!paginator_is_parallel(paginator->rest, paginator->stream) || !paginator->has_page || most == 0)
        return 1;
    return most < SEGMENTS_MAX ? most : SEGMENTS_MAX;
}

static bool is_open(const struct segment_reader *reader)
{
    return segment_is_windowed(reader) && reader->to_s == WINDOW_OPEN;
}

/* Its slices are read instead. */
static bool is_replaced(const struct segment_reader *reader)
{
    return reader->slice_count > 0 && !reader->must_recount;
}

/* The next to be requested: of those with the fewest pages so far the first, so that all end at about the
 * same time. NULL: there is none. */
static struct segment_reader *choose_segment(const struct paginator *paginator, bool with_open)
{
    struct segment_reader *chosen = NULL;
    for (size_t i = 0; i < paginator->segment_count; i++) {
        struct segment_reader *reader = paginator->segments[i];
        if (reader->is_finished || reader->is_asked || is_replaced(reader)) continue;
        if (is_open(reader) && !with_open) continue;
        if (!chosen || reader->number < chosen->number) chosen = reader;
    }
    return chosen;
}

static bool start_segments(struct paginator *paginator, struct error *err)
{
    size_t unfinished = count_unfinished(paginator), most = most_in_flight(paginator), asked = 0, closed = 0;
    struct segment_reader *reader;
    for (size_t i = 0; i < paginator->segment_count; i++) {
        asked += paginator->segments[i]->is_asked;
        closed += !paginator->segments[i]->is_finished && !is_open(paginator->segments[i]);
    }
    for (; asked < most && (reader = choose_segment(paginator, closed == 0)) != NULL; asked++)
        if (!segment_send(reader, unfinished == 1 || most == 1, err)) return false;
    return true;
}

/* The first in the order of times that is answered. */
static bool pick_segment(struct paginator *paginator, struct segment_reader **out_reader, struct error *err)
{
    struct segment_reader *asked[SEGMENTS_MAX];
    struct exchange *exchanges[SEGMENTS_MAX];
    size_t count = 0, index = 0;
    for (size_t i = 0; i < paginator->segment_count; i++) {
        if (!paginator->segments[i]->is_asked) continue;
        asked[count] = paginator->segments[i];
        exchanges[count++] = &paginator->segments[i]->exchange;
    }
    if (!exchange_wait_any(exchanges, count, &index, err)) return false;
    *out_reader = asked[index];
    return true;
}

bool paginator_divide(const struct rest_source *rest, const struct rest_stream *stream,
                      const struct list_rest *left, int64_t *out_first_s, int64_t *out_step_s)
{
    if (!stream->pagination->segment_s || stream->order != ORDER_OLDEST_FIRST ||
        !paginator_is_parallel(rest, stream))
        return false;
    int64_t pieces = left->records / (PAGES_PER_SEGMENT * (int64_t)stream->per_page);
    if (pieces < 1 || left->most < 1) return false;
    int64_t step_s = stream->pagination->segment_s(rest, stream);
    if (pieces > left->most) pieces = left->most;
    *out_first_s = left->begin_s + (left->passed_s > 0 ? left->passed_s / step_s + 1 : 1) * step_s;
    *out_step_s = ((left->end_s - *out_first_s) / step_s + pieces) / pieces * step_s;
    return true;
}

/* The first page tells how many follow: their time is divided, if they are many. */
static void divide_segment(struct paginator *paginator, struct segment_reader *reader)
{
    const struct list_count *count = &reader->count;
    int64_t first_s, step_s;
    if (reader->is_finished || reader->was_cut || !reader->ascending || !reader->has_version) return;
    const struct list_rest left = {.begin_s = begin_s(reader),
                                   .end_s = end_s(reader),
                                   .passed_s = reader->last_us / 1000000 - begin_s(reader),
                                   .records = count->expected - count->received,
                                   .most = (int64_t)SEGMENTS_MAX - (int64_t)count_unfinished(paginator)};
    if (!paginator_divide(paginator->rest, reader->stream, &left, &first_s, &step_s)) return;
    reader->was_cut = true;
    (void)paginator_split(paginator, reader, first_s, step_s);
}

/* --- pages --- */

/* The path names the type; a record need not. */
static void add_type(const struct segment_reader *reader, struct json_value *body)
{
    const char *type = reader->segment.type;
    if (!table_column(reader->stream->stream.table, "type")) return;
    if (type && value_is_object(body) && value_size(value_get(body, "type")) == 0)
        value_set_text(body, "type", type);
}

/* Drops records outside the segment's window; records without a readable version are passed on. */
static void add_records(struct paginator *paginator, struct segment_reader *reader,
                        const struct json_value *list)
{
    const bool windowed = segment_is_windowed(reader);
    const int64_t from = segment_begin_us(reader), to = segment_end_us(reader);
    for (struct json_value *body = value_elements(list); body; body = body->next) {
        int64_t version = 0;
        bool dated = windowed && row_version(reader->stream->stream.table, body, &version);
        if (dated && (version < from || version >= to)) continue;
        add_type(reader, body);
        page_builder_add_record(&paginator->builder, body, dated ? version : 0);
    }
}

/* The next answer, its list, and whose it is. */
static bool wait_for_list(struct paginator *paginator, struct page *page, struct segment_reader **out_reader,
                          const struct json_value **out_list, struct error *err)
{
    for (;;) {
        struct error failure = {0}; /* not err: it may end well */
        value_drop(&paginator->answer);
        if (!start_segments(paginator, err) || !pick_segment(paginator, out_reader, err)) return false;
        struct exchange *exchange = &(*out_reader)->exchange;
        bool good = segment_wait(paginator, *out_reader, &paginator->answer, &failure);
        exchange_add_counts(exchange, page);
        *out_list = good ? exchange_list(exchange, paginator->stream, paginator->answer, &failure) : NULL;
        if (*out_list) return true;
        if (slices_give_up(paginator, *out_reader, &failure)) continue;
        *err = failure;
        return false;
    }
}

/* The same, prepared; a list with more records than can be read has shorter windows after it. Borrowed. */
static bool next_list(struct paginator *paginator, struct page *page, struct segment_reader **out_reader,
                      const struct json_value **out_list, struct error *err)
{
    const struct rest_dialect *dialect = paginator->rest->dialect;
    const struct rest_stream *stream = paginator->stream;
    struct segment_reader *reader = NULL;
    int64_t total, most;
    for (;;) {
        if (!wait_for_list(paginator, page, &reader, out_list, err)) return false;
        most = reader->pagination->max_records;
        total = most > 0 ? value_integer_at(paginator->answer, dialect->total_member, -1) : -1;
        bool is_long =
            total > most && reader->offset == 0 && paginator_cut(paginator, reader, total / most + 1);
        if (!is_long && !segment_was_clock_old(reader)) break;
    }
    struct json_value *record = dialect->prepare ? value_elements(*out_list) : NULL;
    for (; record; record = record->next)
        dialect->prepare(paginator->rest, stream->stream.table, record);
    if (most > 0) tally_add(&reader->tally, stream->stream.table, *out_list, total);
    *out_reader = reader;
    return true;
}

static bool take_page(struct paginator *paginator, struct segment_reader *reader,
                      const struct json_value *list, struct page *page, struct error *err)
{
    struct error failure = {0}; /* not err: it may end well */
    page_builder_count(&paginator->builder, &reader->count, paginator->answer, list);
    reader->has_page = true;
    if (slices_take(paginator, reader)) {
        page->normalisations = 0; /* these records come again */
        return true;
    }
    segment_watch_order(reader, list);
    add_records(paginator, reader, list);
    if (!segment_advance(paginator, reader, list, page, &failure)) {
        if (slices_give_up(paginator, reader, &failure)) return true;
        *err = failure;
        return false;
    }
    if (reader->whole)
        slices_check(paginator, reader);
    else
        divide_segment(paginator, reader);
    return true;
}

static bool paginate_next(struct reader *base, struct page *out_page, struct error *err)
{
    struct paginator *paginator = (struct paginator *)base;
    struct segment_reader *reader = NULL;
    const struct json_value *list;
    value_drop(&paginator->answer);
    page_builder_reset(&paginator->builder);
    *out_page = (struct page){.last = true};
    if (count_unfinished(paginator) == 0) return true;
    if (!next_list(paginator, out_page, &reader, &list, err)) return false;
    out_page->notice = rest_take_notice(paginator->rest, paginator->notice);
    if (!take_page(paginator, reader, list, out_page, err)) return false;
    if (!start_segments(paginator, err)) return false;
    out_page->records = paginator->builder.records;
    out_page->count = paginator->builder.count;
    out_page->incomplete = paginator->builder.incomplete;
    out_page->last = count_unfinished(paginator) == 0;
    return true;
}

static void paginate_close(struct reader *base)
{
    struct paginator *paginator = (struct paginator *)base;
    for (size_t i = 0; i < paginator->segment_count; i++)
        segment_close(paginator->segments[i]);
    value_drop(&paginator->answer);
    page_builder_done(&paginator->builder);
    free(paginator->segments);
    free(paginator);
}

static bool paginate_open(struct rest_source *rest, const struct selection *selection, struct window window,
                          struct reader **out_reader, struct error *err)
{
    const struct rest_stream *stream = (const struct rest_stream *)selection->stream;
    assert(window.from_s < INT64_C(100000000000)); /* seconds: milliseconds would find nothing */
    if (rest->check_stream && !rest->check_stream(rest, stream, false, err)) return false;
    struct paginator *paginator = mem_zero(1, sizeof *paginator);
    paginator->reader.type = &rest_paginate;
    paginator->rest = rest;
    paginator->stream = stream;
    paginator->selection = *selection;
    paginator->window = window;
    page_builder_init(&paginator->builder, rest, &paginator->selection);
    plan_segments(paginator);
    if (!start_segments(paginator, err)) {
        paginate_close(&paginator->reader);
        return false;
    }
    *out_reader = &paginator->reader;
    return true;
}

const struct rest_reader_type rest_paginate = {
    .open = paginate_open, .next = paginate_next, .close = paginate_close, .count = paginate_count};
