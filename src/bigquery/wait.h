/* SPDX-License-Identifier: Apache-2.0 */
/* wait.h - waits that may last hours: for a job, or for BigQuery to take an upload.
 *
 * Each step counts as progress, so the message's lease is held meanwhile. The log says every few minutes what
 * is waited for. The ceiling is the setting job_timeout_minutes.
 */
#ifndef CASELOAD_BIGQUERY_WAIT_H
#define CASELOAD_BIGQUERY_WAIT_H

#include "internal.h"

/* One wait; zeroed: not begun. */
struct wait {
    int64_t began_ms; /* 0: not begun */
    int64_t told_ms;  /* when the log last said so */
};

/* Logs what is waited for, if it is time to; begins the wait. */
void wait_tell(struct wait *wait, const char *what, const char *cause);
int64_t wait_ceiling_ms(const struct bigquery *bq);
/* Sleeps for another `ms`. what: "BigQuery load job x"; cause: "PENDING", or why it was tried in vain.
 * ERROR_BUSY beyond the ceiling, ERROR_STOPPED. */
bool wait_more(struct bigquery *bq, struct wait *wait, int64_t ms, const char *what, const char *cause,
               struct error *err) CHECKED;

#endif
