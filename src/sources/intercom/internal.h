/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what Intercom's rooms know of each other. One thread, that of the source.
 *
 * streams  THE table of streams; tables.h and table_*.c have their columns
 * intercom the source: who we are, which host, which version
 * shapes   how the pages of a list are asked for
 * link     where the next page is, and whether we were there before
 * batch    the records of a page, and what they imply
 * paging   reads a stream page by page
 * scroll   reads the companies, which have a way of their own
 * spool    lists that wait
 * threads  reads a search, and then each record found by itself, with what belongs to it
 * enrich   reads a listing, and adds what its records have more of
 * errand   one GET of many that are under way; store is where its answer waits
 * parts    what is in a record becomes rows of its own; set: what is beside it
 * fetch    one exchange: send, judge, read the JSON, name the error
 * limiter  how fast
 */
#ifndef CASELOAD_SOURCES_INTERCOM_INTERNAL_H
#define CASELOAD_SOURCES_INTERCOM_INTERNAL_H

#include "base/buf.h"
#include "base/json.h"
#include "core/source.h"
#include "intercom.h"
#include "sources/sources.h"
#include "store.h"

/* --- limiter.c ---
 * Intercom tells with each answer how many requests are left until when. The last (1 - share) of them are for
 * others: they are not used. Nothing is known before the first answer, and after the reset: then we go. */
struct limiter {
    double share;
    int64_t left;     /* requests we may still begin before ... */
    int64_t reset_ms; /* ... this, by our monotonic clock */
};

/* What one answer said. -1: it did not say. */
struct limit_report {
    bool refused; /* 429 */
    int64_t limit, remaining, reset_s;
    int64_t date_s; /* the peer's clock, which reset_s is compared with */
    int64_t retry_after_ms;
};

int64_t limiter_delay_ms(const struct limiter *limiter, int64_t now_ms); /* 0: one request may begin */
void limiter_began(struct limiter *limiter, int64_t now_ms);
/* Returns the least wait before the same request is repeated, 0 if the peer named none. */
int64_t limiter_heard(struct limiter *limiter, const struct limit_report *report, int64_t now_ms);
struct limit_report limit_report_of(const struct http_reply *reply);

/* --- intercom.c --- */
struct intercom {
    struct source source;
    struct http *http;
    struct token *token; /* ours */
    struct progress *progress;
    const atomic_bool *stop;
    const char *const *custom_objects; /* types to read, from the settings */
    size_t custom_object_count;
    char *base_url;        /* without slash at the end */
    char version_line[32]; /* "Intercom-Version: 2.16" */
    int minor;             /* the 16 of it */
    int64_t peer_s;        /* Intercom's clock at its newest answer; 0: it did not tell */
    struct limiter limiter;
};

/* Waits as a sign of life. ERROR_STOPPED as soon as the process is to stop. */
bool intercom_wait(struct intercom *intercom, int64_t ms, struct error *err);

bool intercom_create(const struct source_context *context, const void *options, struct source **out_source,
                     struct error *err);

/* --- fetch.c --- */
struct fetch {
    struct intercom *intercom;
    const char *what; /* "contacts, page 3", for error texts; lives as long as the fetch */
    bool lean;        /* its turn comes later: an answer is kept as bytes, and read when it is waited for */
    bool bare;        /* a list may come without an object around it */
    struct store *store; /* takes the good answers' bodies; NULL: http keeps them */
    int64_t *good;       /* counts the good answers of a kind as they come; may be NULL */
    struct http_policy policy;
    struct http_call *call;
    json_t *value; /* read from the newest good answer */
    struct json_normalisations
        normalisations;  /* of all good answers since fetch_init; the caller may reset them */
    int64_t tries;       /* made since fetch_init; the caller may reset it */
    char request_id[64]; /* of the newest answer, "-" if it had none */
    char code[64];       /* of the newest refusal, made harmless */
    char message[256];
    char canonical[LIMIT_NAME]; /* of the newest refusal: the id that the record has now, if it told one */
    struct error unread;        /* why the newest good answer could not be read */
    bool late;                  /* ... which was found when it was waited for: it was not tried again */
};

struct fetch_request {
    const char *method;
    const char *url;
    const struct buf *body; /* NULL: none; borrowed until the wait ends */
    const struct retry *retry;
    size_t reply_limit; /* 0: LIMIT_PAGE; a store has its own */
    bool fresh;         /* no cache on the way may answer */
};

void fetch_init(struct fetch *fetch, struct intercom *intercom, const char *what);
bool fetch_send(struct fetch *fetch, const struct fetch_request *request, struct error *err) CHECKED;
/* out is yours. ERROR_BUSY after all tries; the other kinds as the table in fetch.c says. */
bool fetch_wait(struct fetch *fetch, json_t **out_value, struct error *err) CHECKED;
/* Moves the counts of tries and normalisations to the page, before another exchange adds to them. */
void fetch_tell(struct fetch *fetch, struct page *page);
void fetch_done(struct fetch *fetch); /* drops what is under way */
/* Cuts and makes harmless what a peer wrote. */
void fetch_quote(char *out, size_t size, const char *text);

/* --- streams.c --- */
enum intercom_bounds {
    BOUNDS_SECONDS,  /* a search compares times by the second */
    BOUNDS_DAYS_2_16 /* up to 2.16 by whole days of the workspace's zone, from 2.17 by the second */
};

struct intercom_stream;

/* How a stream is read; the functions are those of source_ops. */
struct intercom_reading {
    bool (*open)(struct intercom *intercom, const struct selection *selection, struct window window,
                 struct reader **out_reader, struct error *err);
    bool (*next)(struct reader *reader, struct page *out_page, struct error *err);
    void (*close)(struct reader *reader);
};

/* First member of every reader. */
struct reader {
    const struct intercom_reading *reading;
};

extern const struct intercom_reading intercom_pages, intercom_scroll, intercom_threads, intercom_enriched;

/* What of a stream is read from a first page to a last: all of it, a shorter window, or one of its types. */
struct intercom_leg {
    struct window window;
    const char *type; /* NULL: the stream has none */
};

/* A shape of paging: writes the request of the page that follows `cursor`, or has `number`. */
struct intercom_ask {
    const struct intercom *intercom;
    const struct intercom_stream *stream;
    struct intercom_leg leg;
    const char *cursor; /* NULL: none */
    int64_t number;     /* 0: none, or the first */
    int per_page;
};

struct intercom_shape {
    const char *method;
    void (*write)(const struct intercom_ask *ask, struct buf *url, struct buf *body);
    bool cursors;     /* each page tells whether there is another, and pages may change their size midway */
    bool numbers;     /* pages have numbers, and the list tells how many there are */
    bool bare;        /* the list may come without an object around it */
    int64_t most_s;   /* the longest window to ask for at once; 0: any */
    int64_t fewest_s; /* ... and what it is cut to if Intercom can't answer */
};

extern const struct intercom_shape intercom_search, intercom_cursors, intercom_numbers, intercom_logs,
    intercom_list;

/* The order that the pages of a stream are asked for in. */
enum intercom_order { ORDER_NONE, ORDER_OLDEST_FIRST, ORDER_NEWEST_FIRST };

struct batch;

/* A record that holds others: where it is read whole, and what it is called there. */
struct intercom_thread {
    const char *before, *after; /* the record's id, in path and query; NULL: the listing has it whole */
    const struct table *table;  /* of the parts */
    const char *parts;          /* the member that holds {parts: [...], total_count} */
    const char *opening; /* the member that is the first message, which is not among the parts; may be NULL */
    const char *counted; /* where the record says how many parts it has; may be NULL */
    const char *parent;  /* our name for the record's id in a part */
    size_t most;         /* parts that one answer holds */
};

/* A set that belongs to a record, and is read with a GET of its own. */
struct intercom_set {
    const char *before, *after; /* the record's id, in the path */
    const char *list;           /* the member of the answer that holds it */
    const struct table *table;  /* of its elements */
    const char *parent;         /* our name for the record's id in an element */
    const char *version;        /* ... and for its version; NULL: the elements have their own */
    const char *noun;           /* for people: "segments" */
    int since;                  /* the API has it from version 2.<since> on */
};

/* A list inside of a record that may be cut off: {data, url, has_more}. */
struct intercom_nested {
    const char *name;   /* the member; NULL behind the last */
    const char *member; /* of the whole list's elements: which of them belong here ... */
    const char *value;  /* ... because they have this there; NULL: all do */
};

struct intercom_stream {
    struct stream stream; /* first, so that a selection's stream is one of these */
    const struct intercom_reading *reading;
    const struct intercom_shape *shape;
    const char *path;
    const char *list;  /* the member of an answer that holds the records */
    int per_page;      /* the most that may be asked for; 0: it can't be asked for */
    const char *query; /* more parameters, "a=b&c=d", from version 2.<query_since> on; may be NULL */
    int query_since;
    int since;              /* the API has the path from version 2.<since> on */
    const char *older_path; /* where it was before; NULL: nowhere */
    const char *older_query;
    enum intercom_bounds bounds;
    enum intercom_order order;
    bool typed;   /* one list for each type in the settings, whose name ends the path */
    bool only_id; /* nothing else of a record is handed on, and an incomplete list is an error */
    void (*imply)(struct batch *batch, const json_t *record); /* adds what else a record tells; may be NULL */
    const struct intercom_reading *listing;                   /* what an enriched stream is listed by */
    const struct intercom_thread *thread;                     /* what is in a record */
    const struct intercom_set *set;                           /* what belongs to one */
    const struct intercom_nested *nested;                     /* what may be cut off in one */
};

/* --- shapes.c --- */

/* The bounds to ask for, so that the answer holds at least the window: low < time and, unless the window is
 * open, time < high. */
void paging_bounds(const struct intercom *intercom, enum intercom_bounds bounds, struct window window,
                   int64_t *out_low_s, int64_t *out_high_s);

/* --- link.c --- */

/* Where the next page is: a cursor, a URL on our host, a number, or nowhere (none of them). Yours. */
struct paging_link {
    char *cursor;
    char *url;
    int64_t number; /* 0: none */
};

/* what is for the error text. ERROR_FORMAT for a link that can't be followed or that leads elsewhere. */
bool paging_follow(const char *base_url, const json_t *answer, const char *what, struct paging_link *out_link,
                   struct error *err);
void paging_link_done(struct paging_link *link);

/* The list of records under its name, or under the one that lists mostly have, or bare. NULL: there is none.
 */
const json_t *paging_list(const json_t *answer, const char *name);

/* Finds circles of any length in a walk of any length, with two steps kept. Zero is an empty walk. */
struct trail {
    char *last, *landmark;
    int64_t count, landmark_at;
};

bool trail_returns(struct trail *trail, const char *step); /* takes a step; true: we were there before */
void trail_done(struct trail *trail);                      /* it is empty again */

/* --- batch.c --- */

/* The records of a page, with what was made of them. */
struct batch {
    const struct selection *selection;
    struct record *records;
    size_t count, room;
    json_t *made;       /* holds the bodies that are not the page's own */
    int64_t told, seen; /* of an only_id stream: how many there should be (-1: not told), and were */
};

void batch_init(struct batch *batch, const struct selection *selection); /* selection is borrowed */
void batch_reset(struct batch *batch);                                   /* no records; the counts stay */
void batch_forget(struct batch *batch); /* the list begins anew: the counts, too */
void batch_done(struct batch *batch);
/* A record of the stream itself, and what it implies; or its id alone, if that is wanted. */
void batch_take(struct batch *batch, const json_t *body, int64_t listed_us);
void batch_add(struct batch *batch, struct record record); /* as it is; its body is borrowed */
/* Is this table of a child in the selection? */
bool batch_wants(const struct batch *batch, const struct table *table);
/* A child of the record taken last. Takes body over. Nothing happens if the selection lacks the table. */
void batch_child(struct batch *batch, const struct table *table, json_t *body);
/* answer is the first page; later ones are ignored. */
void batch_told(struct batch *batch, const json_t *answer);
/* Were there as many as there should be? */
bool batch_complete(const struct batch *batch, const char *what, struct error *err);

/* Is it an id, a text or a number? */
bool is_id(const json_t *value);
/* The id of a record as text, if it has one that can stand in a URL. */
bool record_id(const json_t *record, char out_id[LIMIT_NAME]);

/* What records imply. */
void imply_merged(struct batch *batch, const json_t *contact);
void imply_deleted(struct batch *batch, const json_t *record);

/* --- spool.c --- */

/* Lists of records that wait, deflated, as many as there is room for. Zero is an empty one. */
struct spool {
    struct zbuf *pages;
    size_t count, next; /* put; and the first that was not taken */
    size_t packed;      /* memory that they take */
};

bool spool_put(struct spool *spool, const json_t *list); /* false: there is no room */
/* The first one that was not taken; yours. NULL: there are no more. */
bool spool_take(struct spool *spool, json_t **out_list, struct error *err);
void spool_done(struct spool *spool); /* it is empty again */

#endif
