/* SPDX-License-Identifier: Apache-2.0 */
/* source.h - port 1: somewhere records come from.
 *
 * A source is driven by one thread at a time; the workers of a run have one each. It reports times in seconds
 * since 1970 UTC, as it knows them. It returns the current version of each record: what was overwritten
 * before it was read can't be had.
 */
#ifndef CASELOAD_CORE_SOURCE_H
#define CASELOAD_CORE_SOURCE_H

#include <stdint.h>

#include "base/error.h"
#include "base/json_value.h"
#include "base/limits.h"
#include "core/stream.h"

#define WINDOW_OPEN INT64_MAX

struct window {
    int64_t from_s; /* inclusive */
    int64_t to_s;   /* exclusive; WINDOW_OPEN: no upper bound */
    /* Of a scan: ids of records whose children are requested whatever their version; sorted, borrowed. */
    char *const *unread;
    size_t unread_count;
};

struct record {
    size_t table; /* index into the selection's tables; a child follows its parent at once */
    struct json_value
        *body; /* any JSON; not an object: it will be rejected. A string if it can't be read: its text */
    const char *problem; /* not NULL: it can't be loaded, for this reason; body is what is known of it */
    struct json_value
        *set;          /* of an element of a set: the whole set, whose content it has; NULL: it is none */
    bool incomplete;   /* parts of its content are missing: it is not compared with what is stored */
    bool is_unsettled; /* another reading may give more of it: its day is not claimed */
    int64_t listed_us; /* of a parent: the version in the listing, which gave it its place; 0: unknown */
};

/* A record that outlives its page: it holds the body, and has its own copy of the problem. */
struct record record_hold(const struct record *record);
void record_drop(struct record *record);
/* The object, or what can be read of its text. Yours (value_drop); NULL: it is neither. */
struct json_value *record_front(struct json_value *body);

struct page {
    const struct record *records;
    size_t count;
    int64_t asked_us;            /* by clock_boot_us: nothing of the page was read before; 0: unknown */
    int64_t requests;            /* made for this page, retries included */
    int64_t deleted_during_read; /* records that were listed, and gone when they were to be read whole */
    int64_t incomplete;          /* records whose children are not as many as they say themselves */
    int64_t stale;               /* records that were read in an older version than listed */
    int64_t normalisations;      /* numbers, characters and keys that no row can hold: see base/json.h */
    bool last;                   /* no page follows */
    bool is_contradicted;        /* the list held fewer records than it announced, as the next two say */
    int64_t expected, received;  /* records of the list */
    /* A child table of the selection that gets no rows, as its records are forbidden or unknown to the
     * source; NULL: there is none. */
    const struct table *left_out;
    const char *notice; /* what people must know, as a field that is missing from now on; NULL: nothing */
};

struct source_identity {
    char workspace[LIMIT_NAME]; /* whose data it is: a dataset holds one workspace */
    char type[LIMIT_NAME];      /* "intercom" */
    char name[LIMIT_NAME];      /* what people call the workspace; "": unknown. It may change */
    char terms[LIMIT_NAME];     /* how it is read: "us, API 2.16" */
};

/* How much a window holds, before it is read. */
struct source_count {
    int64_t records;       /* as the service says; -1: it does not say */
    bool is_exact;         /* else there may be fewer: the service counts a larger window */
    int64_t children;      /* rows of child tables, about, as far as the records of a sample count them; -1:
                            * unknown */
    int64_t requests;      /* that reading it takes, if no record changes; -1: unknown */
    double requests_per_s; /* at our share of the rate limit; 0: unknown */
    int64_t limit;         /* the rate limit as the service says it, of each limit_window_s; 0: unknown */
    int limit_window_s;
};

/* The rate limit, as the service said it last. */
struct source_rate {
    int64_t limit, remaining; /* requests of the window; -1: the service has not said */
    int64_t waited_ms;        /* how long requests waited for it, in all */
};

struct source;
struct reader;

struct source_ops {
    /* Who are we reading? Also proves the credentials. ERROR_AUTH when they are refused. */
    bool (*identify)(struct source *source, struct source_identity *out_identity, struct error *err);

    /* The reader may send a superset of the window: the caller compares exactly. It must send everything
     * whose version is in the window and was searchable when open was called, in any order.
     * Only incremental and event streams use the window; of scans it says which records need their children.
     */
    bool (*open)(struct source *source, const struct selection *selection, struct window window,
                 struct reader **out_reader, struct error *err);

    /* A few requests, each for one record or for a short list. ERROR_FORBIDDEN as of next. NULL: it can't
     * say. */
    bool (*count)(struct source *source, const struct selection *selection, struct window window,
                  struct source_count *out_count, struct error *err);

    /* May the rows of a child table that earlier claims lack be read by now? Asks for those of one record of
     * the window; true only if they came, or if no record is listed. NULL: no child is ever left out. */
    bool (*can_read_child)(struct source *source, const struct selection *selection, size_t table,
                           struct window window, bool *out_can, struct error *err);

    /* Starts asking for records of a reconciliation's subject by id. The records of its pages are alive
     * (RECONCILE_ALIVE) or gone (RECONCILE_GONE); a record that can't be read is in neither. */
    bool (*ask)(struct source *source, const struct selection *selection, char *const *ids, size_t count,
                struct reader **out_reader, struct error *err);

    /* The page is borrowed until the next call; a body that is referenced elsewhere does not change. After a
     * failure the reader can only be closed. ERROR_FORBIDDEN: this stream is not ours to read. */
    bool (*next)(struct reader *reader, struct page *out_page, struct error *err);

    void (*close)(struct reader *reader); /* NULL is fine */

    /* Any thread. NULL: it has no limit. */
    void (*rate)(struct source *source, struct source_rate *out_rate);

    /* Two sources of the same settings: both know from now on what one of them knows; `other` need not be
     * identified. No thread drives either meanwhile. NULL: a source learns nothing. */
    void (*share)(struct source *source, struct source *other);

    void (*free)(struct source *source);
};

/* First member of every implementation. */
struct source {
    const struct source_ops *ops;
};

#endif
