/* SPDX-License-Identifier: Apache-2.0 */
/* rest.h - what every REST source needs: the base of a source and of its streams.
 *
 * A source is a folder beside this one. It brings a dialect (how its service speaks), a table of streams, and
 * functions for whatever only it does. It starts its own structs with rest_source and rest_stream. This layer
 * includes nothing of a source.
 *
 * exchange       one request and its answer, with retries
 * paginate       reader: a list in segments, several at once; segment: each page by page
 * backward       reader: a list of counted pages, from the last one to the first
 * detail         reader: a list, then each record in full by a request of its own
 * expand         reader: a list, then requests for lists that belong to its records
 * lookup         reader: records by id, which may be gone
 * refusal        what it means that an answer is none
 * quota          a limit of requests that is too long to wait for
 * count          how much a window holds
 * list_total     how many records a list has; paginate_count: all segments of it
 * subrequest     one GET of many in flight; response_body holds its answer until its turn
 * children       members of a record become rows; child_list: so do lists with a path of their own
 * truncated_list a list inside a record is completed
 * tombstone      notes of records that are gone
 * tally          do pages hold as many records as they announce?
 * page_builder   the records of a page; page_queue: pages that wait; cycle: detects loops of pages
 *
 * One thread for each source, except where a header says otherwise.
 */
#ifndef CASELOAD_SOURCES_REST_REST_H
#define CASELOAD_SOURCES_REST_REST_H

#include <stdatomic.h>

#include "base/buf.h"
#include "base/json_value.h"
#include "base/random.h"
#include "base/zone.h"
#include "core/progress.h"
#include "core/source.h"
#include "net/http.h"
#include "net/rate_limiter.h"
#include "quota.h"
#include "response_body.h"

struct page_builder;
struct rest_source;
struct rest_stream;

/* --- the dialect of a service --- */

/* Code and message of an error answer, printable. */
struct rest_failure {
    char code[64];
    char message[256];
    char subject[64]; /* the name in the request that it is about; "": none */
};

/* The meaning of an answer that is neither good nor worth a retry. The first row that fits counts. A row of
 * the kind ERROR_FORBIDDEN counts only for a failure with a code: proxies answer 403, too. */
struct rest_refusal {
    int status;       /* 0: any */
    const char *code; /* NULL: any */
    enum error_kind kind;
    const char *advice;
};

/* Where the page after this one is; all zero: there is none. The texts are owned: next_page_done. */
struct next_page {
    char *cursor;
    char *url; /* on the source's host */
    int64_t number;
};

/* The page that a dialect looks at to find the next. */
struct page_context {
    const struct rest_source *source;
    const struct rest_stream *stream; /* NULL: a list of a subrequest */
    const struct json_value *answer, *list;
    int64_t number;   /* of this page, from 1 on */
    int64_t offset;   /* records of the pages before it */
    int per_page;     /* as requested; 0: it was not */
    bool was_empty;   /* the page before was, too, and not the last */
    const char *what; /* for error texts */
};

/* Constant. Members may be NULL (0) unless they say otherwise. Headers are in lower case. */
struct rest_dialect {
    const char *name;          /* for people: "Intercom"; never NULL */
    const char *auth_advice;   /* for a refused token; never NULL */
    const char *probe_path;    /* it answers while service and token work; never NULL */
    const char *format_advice; /* for an answer of an unexpected form; never NULL */
    const char *const *hosts;  /* of the service, which have the same paths; a NULL ends them */

    const char *request_id_header, *request_id_member;
    const char *limit_header, *remaining_header;
    int limit_window_s;             /* of the limit; 0: unknown */
    const char *reset_header;       /* when the window ends, in seconds since 1970 */
    bool is_reset_delay;            /* ... or rather in seconds from now */
    const char *moved_header;       /* a 301 names here the record into which the one asked for was merged */
    int window_s;                   /* without such a header: the window is each whole such time */
    const char *retry_after_header; /* seconds to wait after a 429, beside Retry-After */
    bool is_token_in_body;          /* REST_TOKEN_MARK in a body becomes the token; GETs can't be sent then */
    const char *echo_member;        /* path in a good answer where it repeats the request's id */

    /* Names of the query parameters of a list. */
    const char *size_parameter, *number_parameter, *cursor_parameter;
    const char *total_member;    /* path in an answer: records in the whole list */
    const char *fallback_member; /* where the list is if it has not the stream's name */
    const char *empty_mark;      /* path in an answer: with it, a list that is not there is empty */

    /* Members of a list in a record that may be cut off, and those of its elements. NULL: there are none. */
    const char *cut_elements, *cut_url, *cut_mark;
    int cut_page; /* elements on a page of such a list that is requested; 0: unknown */
    const char *const *reference_members; /* a NULL ends them */

    const struct rest_refusal *refusals; /* the last row fits any answer; never NULL */
    /* Fills out_failure from the body of an error; never NULL. */
    void (*read_failure)(const struct json_value *answer, struct rest_failure *out_failure);
    /* The status that an answer with HTTP 2xx really has: 401 renews the token, 429 and 5xx are retried. */
    int (*real_status)(const struct json_value *answer, int status);
    const char *error_mark; /* a text in each such error; NULL: any answer may be one */
    /* Adds what the answer itself tells of limits; a reset is in seconds from now. */
    void (*read_limits)(const struct json_value *answer, struct rate_report *rate,
                        struct rest_quota *out_quota);
    /* A request was refused for something in it that can be left out: true if it now is. May write the
     * source's notice. */
    bool (*mend_request)(struct rest_source *source, const struct rest_stream *stream,
                         const struct rest_failure *failure);
    /* Gives a listed record the form that its columns want. */
    void (*prepare)(const struct rest_source *source, const struct table *table, struct json_value *record);
    bool (*is_stale_cursor)(int status, const struct rest_failure *failure);
    /* Whose data it is, from the answer of probe_path: ERROR_FORMAT; for rest_source_identify. */
    bool (*read_identity)(struct rest_source *source, const struct json_value *answer, const char *request_id,
                          struct source_identity *out_identity, struct error *err);
    void (*write_probe)(const struct rest_source *source, const char *id, struct buf *body); /* NULL: a GET */
    /* ERROR_FORMAT for a link that can't be followed; never NULL. */
    bool (*next_page)(const struct page_context *context, struct next_page *out_next, struct error *err);
};

#define REST_TOKEN_MARK "$caseload-token$"

/* --- the source --- */

#define REST_NOTICE      256
#define REST_OLD_CLOCK_S 600 /* a window that ends by an older clock of the service is requested again */

#define REST_IN_FLIGHT 48 /* requests of all sources that share, but that each may have one */

/* One of a service: the sources of the workers share it. Any thread. */
struct rest_shared {
    struct rate_limiter *limiter;
    struct byte_budget waiting; /* answers that wait for their turn */
    struct quota quota;
    atomic_int in_flight;
    atomic_int sources;
    atomic_int slices_failed; /* how often; a refusal counts more than once */
};

struct rest_source {
    struct source source; /* first */
    const struct rest_dialect *dialect;
    struct http *http; /* borrowed, as the next two */
    struct progress *progress;
    const atomic_bool *stop;
    struct token *token;      /* of the first source */
    const char *header;       /* sent with each request: "Intercom-Version: 2.16"; NULL: none */
    const char *detail_query; /* of requests for a record in full: "?a=b"; NULL: none */
    const struct zone *zone;  /* whose days a stream is read by; borrowed */
    const char *const *types; /* whose lists a typed stream reads; borrowed */
    size_t type_count;
    /* Whether version and plan have this stream, and its child list. May be NULL. */
    bool (*check_stream)(const struct rest_source *source, const struct rest_stream *stream,
                         bool with_child_list, struct error *err);
    /* Does a request for a window bring just the window? NULL: it does. */
    bool (*is_exact)(const struct rest_source *source, const struct rest_stream *stream);
    char *base_url; /* without slash at the end */
    struct rest_shared *shared;
    struct body_opener *opener; /* of pages that waited */
    bool is_first;              /* it owns what is shared, and the token */
    int in_flight;              /* requests of this source */
    int64_t seen_limit;         /* the newest limit that the service reported; 0: none */
    int64_t clock_s;            /* the service's clock at its newest answer; 0: unknown */
    double rate_share;
    char id_prefix[RANDOM_NAME]; /* "": no id was given yet */
    int64_t id_count;
    char notice[REST_NOTICE]; /* what people must know of the next page; "": nothing */
};

/* ERROR_CONFIG, which names source.base_url. */
bool rest_check_base_url(const char *base_url, struct error *err) CHECKED;
/* The members above base_url are set before, but for the token. base_url is copied; it is good. first: a
 * source of the same type and settings, which lives longer and has a token; NULL: there is none. */
void rest_source_init(struct rest_source *rest, const char *base_url, double rate_share,
                      const struct source *first);
void rest_source_done(struct rest_source *rest);
void rest_source_free(struct source *source); /* of a source that owns nothing else */

#define REST_ID 40 /* room for rest_next_id */

/* Another id for each request, which no other client gives. Returns out. */
const char *rest_next_id(struct rest_source *rest, char out_id[REST_ID]);

/* For source_ops. A proxy that answers the first calls does not end the program. */
bool rest_source_identify(struct source *source, struct source_identity *out_identity, struct error *err);
bool rest_source_open(struct source *source, const struct selection *selection, struct window window,
                      struct reader **out_reader, struct error *err);
bool rest_source_can_read_child(struct source *source, const struct selection *selection, size_t table,
                                struct window window, bool *out_can, struct error *err);
bool rest_source_count(struct source *source, const struct selection *selection, struct window window,
                       struct source_count *out_count, struct error *err);
bool rest_source_ask(struct source *source, const struct selection *selection, char *const *ids, size_t count,
                     struct reader **out_reader, struct error *err);
void rest_source_share(struct source *source, struct source *other);
bool rest_source_next(struct reader *reader, struct page *out_page, struct error *err);
void rest_source_rate(struct source *source, struct source_rate *out_rate); /* see struct source_ops */
void rest_source_close(struct reader *reader);

/* The notice, which is taken once; NULL: there is none. out is where it stays. */
const char *rest_take_notice(struct rest_source *rest, char out[REST_NOTICE]);
/* The request was refused for something that is left out from now on: send it again. err says why. */
bool rest_mends(struct rest_source *rest, const struct rest_stream *stream,
                const struct rest_failure *failure, const struct error *err);

/* Steps the progress counter while it waits. ERROR_STOPPED as soon as the process stops. */
bool rest_wait(const struct rest_source *rest, int64_t ms, struct error *err);

/* --- streams --- */

#define REST_SMALLEST_PAGE 9 /* pages that time out are halved down to this: 150 halved four times */

/* A way to read a stream, or records of it (rest_lookup has no open); the functions are those of source_ops.
 * A listing, which needs no other reader, can be counted, too. */
struct rest_reader_type {
    bool (*open)(struct rest_source *rest, const struct selection *selection, struct window window,
                 struct reader **out_reader, struct error *err);
    bool (*next)(struct reader *reader, struct page *out_page, struct error *err);
    void (*close)(struct reader *reader);
    /* Adds the records of the window's list, the requests for its pages, and children as its records count
     * them. Of a listing; makes a few requests. */
    bool (*count)(struct rest_source *rest, const struct selection *selection, struct window window,
                  struct source_count *count, struct error *err);
};

/* The listing of a stream. */
const struct rest_reader_type *rest_listing(const struct rest_stream *stream);

/* First member of every reader. */
struct reader {
    const struct rest_reader_type *type;
};

extern const struct rest_reader_type rest_paginate, rest_backward, rest_detail, rest_expand;

/* One of `count` parts of a list, by the ids of its records: a record stays in its slice whatever changes. */
struct slice {
    int index, count; /* count 0: the whole list */
};

/* A part of a stream that has a first and a last page: all of it, a shorter window, one type, or a slice of
 * these. */
struct segment {
    struct window window;
    const char *type; /* NULL: the stream has none */
    struct slice slice;
};

struct page_request {
    const struct rest_source *source;
    const struct rest_stream *stream;
    struct segment segment;
    const char *cursor; /* NULL: none */
    int64_t number;     /* 0: the first page */
    int64_t offset;
    int per_page;
    const char *id; /* of the request */
};

/* How the pages of a list are requested. */
struct pagination {
    const char *method;
    void (*write)(const struct page_request *request, struct buf *url, struct buf *body);
    bool has_cursors; /* each page says whether there is another; pages may change their size midway */
    bool has_numbers; /* pages are counted, by number or offset */
    bool allow_array; /* the list may come without an object around it */
    /* Paths in an answer of counted pages, for rest_backward: */
    const char *pages_member;  /* how many pages there are; NULL: as many as the records take */
    const char *total_member;  /* how many records there are */
    const char *number_member; /* which page it is; NULL: it does not say so */
    int64_t max_window_s;      /* of one segment; 0: any */
    bool ends_by_clock;        /* an open window is requested up to the service's clock */
    int64_t min_window_s;      /* what a segment that fails is split into; 0: it is not */
    /* Lists in the order of their times are read in several segments at once: the shortest, from the list's
     * beginning on. NULL: they are not. */
    int64_t (*segment_s)(const struct rest_source *source, const struct rest_stream *stream);
    int64_t max_records; /* a segment with more is cut until its parts fit, and read again if its pages do not
                            add up; 0: there is no ceiling */
};

/* Appends the dialect's parameters for size, number and cursor. */
void page_request_write_parameters(const struct page_request *request, struct buf *url);

enum rest_order { ORDER_NONE, ORDER_OLDEST_FIRST, ORDER_NEWEST_FIRST };

/* Where a record is read in full. */
struct detail {
    const char *noun;             /* for people: "thread" */
    const char *before;           /* the record's id, in the path */
    const char *const *from_list; /* members that only the listed record has; a NULL ends them; may be NULL */
};

/* Where a record of a reconciliation's subject is requested, in the form of its stream. */
struct lookup {
    const char *before, *after; /* the record's id, in path and query */
    bool lacks_version;         /* the answer is no row: that the record is alive is all it says */
};

/* Members of a record that become rows of their own: {list: {list: [...]}}. */
struct children {
    const char *list;
    const struct table *table;
    const char *parent;  /* field of a child: the record's id */
    const char *counted; /* path in the record to the number of its children; may be NULL */
    const char *total;   /* beside the list: how many there are; NULL: nothing says it */
    size_t max;          /* in one answer */
    /* Fields that are added: of a child its place, counted from the oldest; of the record how many children
     * were received and exist, whether older ones were cut off, and how many of those counted are missing. */
    const char *index;
    const char *count_received, *count_total, *is_truncated, *count_missing;
    /* A first child made of other members of the record, or NULL. May be NULL. */
    struct json_value *(*make_first)(const struct json_value *record);
    void (*prepare)(struct json_value *child); /* may be NULL */
};

/* A list that belongs to a record and has a path of its own. If its table has an owner, the list is a set. */
struct child_list {
    const char *before, *after; /* the record's id, in the path */
    const char *list;           /* the member of the answer that holds it */
    const struct table *table;  /* of its elements */
    const char *parent;         /* field of an element: the record's id */
    const char *version;        /* ... and the record's version; NULL: the elements have their own */
    const char *noun;           /* for people: "list of segments" */
    const char *counted; /* path in the record to the number of elements, about; NULL: nothing says it */
};

/* A list inside a record that may be cut off, as the dialect says. */
struct truncated_list {
    const char *name;   /* the member; NULL ends a table of them */
    const char *member; /* of the complete list's elements: which of them belong here ... */
    const char *value;  /* ... because the member has this value; NULL: all do */
    bool is_paged;      /* the complete list comes in pages */
};

struct rest_stream {
    struct stream stream;                   /* first, so that a selection's stream is one of these */
    const struct rest_reader_type *listing; /* of its records; NULL: rest_paginate */
    const struct pagination *pagination;
    const struct pagination *slices; /* how slices of a long list are requested; NULL: it has none */
    const char *path;
    const char *list; /* the member of an answer that holds the records */
    int per_page;     /* the most that may be requested; 0: it can't be */
    enum rest_order order;
    bool is_typed;                                /* one list for each of the source's types */
    bool ids_only;                                /* of a reconciliation: only ids are passed on */
    const struct detail *detail;                  /* the list has not the whole record */
    const struct lookup *lookup;                  /* of a reconciliation */
    const struct children *children;              /* in a record */
    const struct child_list *child_lists;         /* beside a record; one without table ends them */
    const struct truncated_list *truncated_lists; /* in a record */
    /* Of rest_backward: records that do not say when they changed. Each local day is a list of its own, and
     * this member of a record becomes the instant at which the day began. NULL: they say it. */
    const char *day_member;
    /* Adds the deletions that a listed record mentions; may be NULL. */
    void (*derive_tombstones)(struct page_builder *builder, const struct json_value *record);
    /* A listed record has gone, and the service names its new id; may be NULL. Of a reconciliation: a record
     * that was asked for has gone; canonical_id is "" if the service names none; never NULL. */
    void (*add_tombstone)(struct page_builder *builder, const struct rest_source *rest,
                          const char *canonical_id, const struct json_value *record);
};

#endif
