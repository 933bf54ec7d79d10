/* SPDX-License-Identifier: Apache-2.0 */
/* run.h - one request, stream by stream, batch by batch: state, plan, fetch, rows, stage, commit.
 *
 * Called on one thread, which is the first worker; the executor may bring others. Each worker has a source, a
 * warehouse and a progress of its own, so that each of these is driven by one thread at a time. The context
 * and everything it points to is borrowed for the call.
 */
#ifndef CASELOAD_CORE_RUN_H
#define CASELOAD_CORE_RUN_H

#include <stdatomic.h>
#include <stdint.h>

#include "core/executor.h"
#include "core/plan.h"
#include "core/progress.h"
#include "core/request.h"
#include "core/source.h"
#include "core/warehouse.h"

/* Of a worker beside the first. */
struct connection {
    struct source *source;       /* of the same service and settings */
    struct warehouse *warehouse; /* the same, by another object */
    struct progress *progress;   /* that the first one's `next` leads to */
};

/* How much was read. */
struct extent {
    int64_t units, rows, requests;
};

struct run_context {
    struct plan_settings plan;
    struct source *source;
    struct warehouse *warehouse;
    const struct source_identity *identity;
    struct progress *progress;
    struct executor *executor;       /* NULL: one worker */
    const struct connection *others; /* one less than the executor has workers */
    const char *control;  /* where the ledger is, for texts: "acme-data.intercom_caseload"; NULL: unknown */
    int64_t max_rejected; /* records of a unit; with more, it is committed without a claim, and fails */
    struct extent batch;  /* a batch that holds so much is full; zeroed: as base/limits.h says */
    const atomic_bool *stop;      /* looked at between pages and before each commit; may be NULL */
    const atomic_bool *is_failed; /* the same; set by run_request: a stream's failure ends the run */
};

struct run_trigger {
    const char *run_id;
    const char *message_id; /* "" outside of messages */
    int64_t published_us;   /* INT64_MAX outside of messages */
    int attempt;            /* of the delivery; 0: it is not counted */
};

#define COVERAGE_DAYS 371 /* 53 weeks */

/* The newest days up to `today`, index 0. */
struct coverage {
    bool is_known; /* the stream claims days */
    struct day today;
    bool loaded[COVERAGE_DAYS];
    bool rejected[COVERAGE_DAYS]; /* a record of the day was rejected by this run */
};

struct stream_result {
    const char *stream;
    struct day from, to; /* the days of its units */
    int64_t units;       /* committed */
    int64_t requests;
    int64_t fetched;         /* records read that belong to the units */
    int64_t inserted;        /* rows, children included */
    int64_t content_changes; /* records whose version was known, and whose content is new */
    int64_t known;           /* records whose version was known */
    int64_t rejected;
    int64_t type_mismatches;     /* values that did not fit their column and went to _extra */
    int64_t deleted_during_read; /* records deleted between the listing and the reading */
    int64_t incomplete;          /* records whose children are not as many as they say */
    int64_t stale;               /* records that were read in an older version than listed */
    int64_t normalisations;      /* numbers, characters and keys that no row can hold: see base/json.h */
    int64_t future_rows;         /* dated after today by the warehouse's clock */
    int64_t bytes;               /* of the rows, as they were staged, before compression */
    int64_t began_us, ended_us;  /* by clock_boot_us */
    int64_t newest_us;           /* the newest version that was read; 0: none was */
    struct coverage coverage;
    int64_t fresh_us; /* all changes before then are loaded, by the warehouse's clock; 0: unknown */
    double seconds;
    bool is_implied;                       /* the configuration does not name it: a reconciliation */
    char rejected_ids[LIMIT_REJECTED_IDS]; /* the first of them: "a, b, ..." */
    bool has_units;                        /* from and to are set */
    bool satisfied, skipped, forbidden;
    bool is_empty;      /* the days that were asked for hold no record: they may be wrong ones */
    struct error error; /* ERROR_NONE: it went well */
};

struct run_report {
    struct stream_result streams[LIMIT_STREAMS];
    size_t count;
};

/* "loaded", "empty", "satisfied", "skipped", "forbidden", or the name of the error's kind. */
const char *stream_outcome(const struct stream_result *result);

/* It is loaded, or was before. */
bool stream_is_good(const struct stream_result *result);
/* Some of the configured streams were forbidden, failed or rejected records, and others were loaded. */
bool run_is_partial(const struct run_report *report);

/* Which streams of the request one worker loads one after the other: those with the same number, which is the
 * index of the first. */
void run_groups(const struct request *request, size_t out_groups[LIMIT_STREAMS]);

/* False: at least one stream failed (not: was forbidden); err is the error that ended the run, or the first
 * in the order of the request, which is the report's, too. A kind without stream_only in its rule ends the
 * run: other workers stop at their next page. */
bool run_request(const struct run_context *context, const struct request *request,
                 const struct run_trigger *trigger, struct run_report *out_report, struct error *err);

#endif
