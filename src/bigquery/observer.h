/* SPDX-License-Identifier: Apache-2.0 */
/* observer.h - tells the observer of a warehouse, if it has one, what its calls come to. */
#ifndef CASELOAD_BIGQUERY_OBSERVER_H
#define CASELOAD_BIGQUERY_OBSERVER_H

#include "base/json.h"
#include "internal.h"

void observe_session(const struct bigquery *bq, const char *url);
void observe_job(const struct bigquery *bq, const char *id);
/* A reply that is no success, retried or not. */
void observe_reply(const struct bigquery *bq, const char *what, const struct http_reply *reply);
/* A job that is done; a success is not passed on. */
void observe_job_end(const struct bigquery *bq, const json_t *job);

#endif
