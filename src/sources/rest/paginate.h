/* SPDX-License-Identifier: Apache-2.0 */
/* paginate.h - internals of the reader of a list: its segments, and the pages of each. One thread.
 *
 * Each segment is read page by page (segment.c). Several are read at once, as far as the answers that wait
 * fit into LIMIT_DEFERRED_TOTAL (paginate.c). Their pages come in any order. A record that changes while it
 * is read moves to the newest time, so a segment without upper bound is read after the others have ended.
 * A dense list is read in slices of its ids (slices.c). paginate_count.c says how many records and pages that
 * is.
 */
#ifndef CASELOAD_SOURCES_REST_PAGINATE_H
#define CASELOAD_SOURCES_REST_PAGINATE_H

#include "cycle.h"
#include "exchange.h"
#include "page_builder.h"
#include "tally.h"

#define SEGMENTS_MAX      EXCHANGES_MAX /* in flight for one reader */
#define PAGES_PER_SEGMENT 2             /* fewer are not worth a segment of their own, nor a slice */

struct segment_reader {
    struct rest_source *rest;
    const struct rest_stream *stream;
    const struct pagination *pagination; /* the stream's, or that of its slices */
    struct segment segment;              /* as it is requested */
    int64_t to_s;                        /* records from here on are another segment's */
    bool is_asked;                       /* a page is in flight, or its answer waits */
    bool has_page;                       /* one was taken */
    bool is_finished;                    /* the last one was */
    bool was_cut;                        /* its time was divided after its first page */

    struct segment_reader *whole; /* of a slice: the list that it is a slice of */
    int slice_count;              /* slices, which follow it and are read instead; 0: none */
    bool was_sliced;
    int64_t counted;   /* its records, before its slices were read */
    bool must_recount; /* its first page is requested again, for its count */
    bool is_believed;  /* its slices hold as many records */

    struct exchange exchange;
    struct response_body answer; /* while it waits for its turn */
    char what[128];
    struct buf url, body; /* of the request in flight */
    int64_t clock_s;      /* the service's, when that was made */

    struct next_page place; /* of the next page; none: it is the segment's first */
    int64_t number;         /* of that page */
    int64_t offset;         /* records of the segment's pages before it */
    int per_page;
    bool long_retry;
    int restarts;

    struct list_count count;
    bool was_empty;             /* the page before was */
    struct tally tally;         /* where pagination has a ceiling */
    struct cycle links, pages;  /* links that were followed; hashes of counted pages */
    bool ascending, descending; /* so far, the versions came in order */
    bool has_version;
    int64_t last_us; /* the version seen last */
};

struct paginator {
    struct reader reader;
    struct rest_source *rest;
    const struct rest_stream *stream;
    struct selection selection;
    struct window window;
    struct segment_reader **segments; /* in the order of their times */
    size_t segment_count;
    size_t largest; /* bytes of the largest answer that waited, as it was kept */
    bool has_page;  /* one was read: a refusal does not forbid the stream */

    struct json_value *answer; /* the page that was passed on */
    struct page_builder builder;
    char notice[REST_NOTICE]; /* of the page that was passed on */
};

/* --- segment.c --- */

struct segment_reader *segment_open(struct rest_source *rest, const struct rest_stream *stream,
                                    struct segment segment);
void segment_close(struct segment_reader *reader);
void segment_restart(struct segment_reader *reader); /* its first page is next */
/* Requests the next page. is_alone: no other answer waits meanwhile. */
bool segment_send(struct segment_reader *reader, bool is_alone, struct error *err) CHECKED;
/* The page that was asked for, once more with other means if need be. out is yours. */
bool segment_wait(struct paginator *paginator, struct segment_reader *reader, struct json_value **out_answer,
                  struct error *err) CHECKED;
/* Looks at the versions of a page: stopping early depends on their order. */
void segment_watch_order(struct segment_reader *reader, const struct json_value *list);
/* Moves on to the page after this one, or ends. */
bool segment_advance(struct paginator *paginator, struct segment_reader *reader,
                     const struct json_value *list, struct page *page, struct error *err) CHECKED;

/* When the request was made, nothing had been heard of the service for so long that its clock was old:
 * records of the time since then lie behind the window's end. */
bool segment_was_clock_old(const struct segment_reader *reader);
bool segment_is_windowed(const struct segment_reader *reader);
int64_t segment_begin_us(const struct segment_reader *reader);
int64_t segment_end_us(const struct segment_reader *reader);

/* --- paginate.c --- */

/* The rest of a list in the order of its times, after its first page. */
struct list_rest {
    int64_t begin_s, end_s; /* of the whole list */
    int64_t passed_s;       /* of that, which the page has */
    int64_t records;
    int64_t most; /* segments */
};

/* Where the time of the rest is divided: at first_s, and each step_s after it. False: it is not. */
bool paginator_divide(const struct rest_source *rest, const struct rest_stream *stream,
                      const struct list_rest *left, int64_t *out_first_s, int64_t *out_step_s);

/* Divides the segment's time at first_s and each step_s after it; an open window ends now, by the source's
 * clock. False: it is too short. */
bool paginator_split(struct paginator *paginator, struct segment_reader *reader, int64_t first_s,
                     int64_t step_s);
/* The same time in shorter segments, from the beginning. False: it is too short. */
bool paginator_shorten(struct paginator *paginator, struct segment_reader *reader);
bool paginator_cut(struct paginator *paginator, struct segment_reader *reader, int64_t pieces);

void paginator_insert(struct paginator *paginator, size_t at, size_t count); /* room for segments */
void paginator_remove(struct paginator *paginator, size_t at, size_t count); /* closes them */
size_t paginator_index(const struct paginator *paginator, const struct segment_reader *reader);
/* Several requests of a stream may be in flight. */
bool paginator_is_parallel(const struct rest_source *rest, const struct rest_stream *stream);

/* --- slices.c --- */

/* In how many slices a list with so many records to read is read; 0: in none. */
int slices_wanted(const struct rest_source *rest, const struct rest_stream *stream, int64_t records);
/* The segment's page was counted: true if its records are left to its slices. */
bool slices_take(struct paginator *paginator, struct segment_reader *reader);
/* A page of a slice was taken: are the slices to be believed, have all ended? Drops them if they are not,
 * this one too. */
void slices_check(struct paginator *paginator, const struct segment_reader *slice);
/* The reader failed: true if it was a slice. It and the others are closed and freed, and their list is read
 * by its own cursor. */
bool slices_give_up(struct paginator *paginator, const struct segment_reader *reader,
                    const struct error *err);

/* --- paginate_count.c --- */

/* For struct rest_reader_type. */
bool paginate_count(struct rest_source *rest, const struct selection *selection, struct window window,
                    struct source_count *count, struct error *err);

/* Nothing is older than the clocks of the services. */
static inline int64_t window_begin_s(struct window window)
{
    return window.from_s > 0 ? window.from_s : 0;
}

/* An open window ends now, by the service's clock. */
static inline int64_t window_end_s(const struct rest_source *rest, int64_t to_s)
{
    return to_s == WINDOW_OPEN ? rest->clock_s : to_s;
}

#endif
