/* SPDX-License-Identifier: Apache-2.0 */
/* estimate.h - what a request would load, without loading or changing anything.
 *
 * Reads the states (warehouse port: peek), plans as a run does, and asks the source how much the batches hold
 * (source port: count). One thread.
 */
#ifndef CASELOAD_CORE_ESTIMATE_H
#define CASELOAD_CORE_ESTIMATE_H

#include "core/run.h"

struct stream_estimate {
    const char *stream;
    struct day from, to;   /* of its units; meaningless without units */
    int64_t units;         /* to be loaded */
    int64_t batches;       /* commits, about */
    bool is_first;         /* nothing of it was ever loaded */
    int64_t tables;        /* that it loads: its own, and those of its children */
    int64_t records;       /* in all units; -1: unknown */
    int64_t children;      /* rows of child tables, about; -1: unknown */
    bool is_exact;         /* else there may be fewer records */
    int64_t requests;      /* to the source; -1: unknown */
    double requests_per_s; /* that the source allows; 0: unknown */
    bool satisfied, skipped, forbidden;
    struct error error; /* ERROR_NONE: it could be estimated */
};

struct request_estimate {
    struct stream_estimate streams[LIMIT_STREAMS];
    size_t count;
};

/* False: the estimate ended early; err says why. A stream that can't be estimated has its own error. */
bool estimate_request(const struct run_context *context, const struct request *request,
                      struct request_estimate *out_estimate, struct error *err) CHECKED;

#endif
