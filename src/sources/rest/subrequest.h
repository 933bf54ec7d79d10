/* SPDX-License-Identifier: Apache-2.0 */
/* subrequest.h - one GET of many in flight, under one rate limiter.
 *
 * Results are consumed in order. An answer that comes before its turn waits as bytes, with a low ceiling each
 * and one for all; a larger one is requested again at its turn. One thread, that of the source.
 */
#ifndef CASELOAD_SOURCES_REST_SUBREQUEST_H
#define CASELOAD_SOURCES_REST_SUBREQUEST_H

#include "exchange.h"

#define SUBREQUESTS_MAX 32 /* in flight for one reader */
#define UNEXPECTED_MAX  2  /* such answers are requested again */

/* Shared by the subrequests of one reader. */
struct subrequest_pool {
    struct rest_source *rest;
    int64_t success_count; /* good answers */
    int64_t started;
    bool all_started; /* no other will be started */
    char *probe_url;  /* the last one that was read; at first the dialect's */
    int64_t requests; /* of those that were waited for; the caller may reset it, and the next one */
    int64_t normalisations;
};

void subrequest_pool_init(struct subrequest_pool *pool, struct rest_source *rest);
void subrequest_pool_done(struct subrequest_pool *pool); /* after all of its subrequests */

/* Zeroed: not in flight. It stays where it is while it is in flight. */
struct subrequest {
    struct subrequest_pool *pool;
    struct exchange exchange;
    struct response_body body;
    const char *const *split_path; /* the list that a large answer is parsed without; see response_body.h */
    char *url;
    bool use_large_limit, long_retry;
    /* Is the answer what was asked for? One that is not is requested again, and then passed on. May be NULL.
     */
    bool (*is_expected)(const void *self, const struct json_value *answer);
    const void *self;
    int unexpected;        /* answers that were not */
    bool isolated_failure; /* it can't be read, and others can */
    char what[2 * LIMIT_NAME];
};

enum subrequest_outcome {
    SUBREQUEST_OK,        /* unexpected > UNEXPECTED_MAX: after all requests it is not what was expected */
    SUBREQUEST_GONE,      /* 404 or 410: exchange.canonical may have the new id; or 301 to it */
    SUBREQUEST_REJECTED,  /* this record can't be read now, and others can */
    SUBREQUEST_FORBIDDEN, /* plan or permissions exclude it, or the version lacks it */
    SUBREQUEST_FAILED     /* the service fails: the unit is tried again later */
};

/* A path that has a record's id in it. */
struct subrequest_path {
    const char *name;           /* of the stream or table, for error texts */
    const char *before, *after; /* the id, in path and query */
    const char *const *split_path;
};

/* path: with the query, on the source's host; the caller has set `what`. split_path: NULL to parse large
 * answers in one piece. */
bool subrequest_start(struct subrequest *subrequest, struct subrequest_pool *pool, const char *path,
                      const char *const *split_path, struct error *err) CHECKED;
/* id: as record_id gives it. */
bool subrequest_start_at(struct subrequest *subrequest, struct subrequest_pool *pool,
                         const struct subrequest_path *path, const char *id, struct error *err) CHECKED;
/* out is yours. err: set unless SUBREQUEST_OK. */
enum subrequest_outcome subrequest_wait(struct subrequest *subrequest, struct json_value **out_value,
                                        struct error *err);
/* Appends the elements of all pages to list. name: the member of an answer that holds them.
 * SUBREQUEST_REJECTED also for an answer without a list, and for links that lead nowhere. */
enum subrequest_outcome subrequest_list(struct subrequest *subrequest, const char *name,
                                        struct json_value *list, struct error *err);
void subrequest_done(struct subrequest *subrequest); /* drops a request in flight */

/* Why it was rejected, in the same words each time: `rejected` would hold the record once for each wording.
 * noun: what of the record it reads. */
void subrequest_problem(const struct subrequest *subrequest, const char *noun, const struct error *err,
                        char *out, size_t size);

#endif
