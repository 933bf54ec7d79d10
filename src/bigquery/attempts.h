/* SPDX-License-Identifier: Apache-2.0 */
/* attempts.h - the table `attempts` of the control dataset: what became of each stream of each request.
 *
 * It is written by one small load job, which costs nothing, in one request (a multipart upload).
 * Protocol: https://cloud.google.com/bigquery/docs/loading-data-local and
 * https://cloud.google.com/bigquery/docs/reference/api-uploads#multipart
 */
#ifndef CASELOAD_BIGQUERY_ATTEMPTS_H
#define CASELOAD_BIGQUERY_ATTEMPTS_H

#include "internal.h"

#define ATTEMPTS "attempts"

bool attempts_ensure(struct bigquery *bq, struct error *err) CHECKED;
/* Each request is tried once. ERROR_BUSY, too, if the job is not done after RECORD_WAIT_S. */
bool attempts_write(struct bigquery *bq, const struct attempt *attempts, size_t count,
                    struct error *err) CHECKED;

#endif
