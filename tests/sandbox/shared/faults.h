/* SPDX-License-Identifier: Apache-2.0 */
/* faults.h - the fault script: lines that make the nth call of an operation misbehave. Any thread.
 *
 * A line: SERVICE OPERATION NTH ACTION [ARGUMENT ...]. For example:
 *
 *   intercom contacts.search 3 status 429 retry-after=1.
 *   intercom companies.scroll 2 late-status 500  the same, after the request was applied.
 *   bigquery jobs.insert 2 drop after        the connection is cut, after the request was applied.
 *   bigquery jobs.insert 2 drop before       ... before it was.
 *   bigquery upload.put 1 truncate           half of the answer's body, then the connection is cut.
 *   intercom contacts.search 2 damage        one byte of the answer's body, as it is sent, is another.
 *   intercom contacts.search * raw           texts that begin with "raw:" are sent without that and without
 *                                            quotes: what is no JSON, as "raw:NaN".
 *   intercom me 1 delay 200                  milliseconds.
 *   bigquery * 7 hang                        the 7th call of any operation waits for the end of faults.
 *   bigquery job 2 fail backendError         the 2nd job that runs ends DONE with this errorResult.
 *   bigquery load 1 pending                  the 1st load job stays PENDING until the faults are cleared.
 *   bigquery load 1 vanish [after]           it is accepted, and can't be found [although it did its work].
 *   bigquery upload.bytes 2 lose-session 410 the 2nd chunk's session ends; it answers so, or 404.
 *   bigquery upload.location 1 at URL        the 1st session is said to be there; only its host counts.
 *   bigquery job 1 hold COMMIT 2             the 1st script stops before the statement that begins so, until
 *                                            two jobs more have ended (or one more has, and none is left).
 *   bigquery script 1 hold COMMIT 1          the same, counting only scripts with a transaction.
 *   bigquery table 1 missing once load       the 1st table that is made is notFound once, for load jobs only.
 *   pubsub deliver 1 twice | pubsub acknowledge 1 lose | pubsub modifyAckDeadline 1 refuse.
 *   intercom companies.segments:6762f0 * status 500  requests for this record alone.
 *
 * NTH counts calls of that operation since the fault was added, from 1; "*" is every call. Services name
 * their operations in their routes. Unknown words are refused. */
#ifndef CASELOAD_SANDBOX_FAULTS_H
#define CASELOAD_SANDBOX_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct faults;

struct faults *faults_new(void);
void faults_free(struct faults *faults);
bool faults_add(struct faults *faults, const char *line, struct error *err);
void faults_clear(struct faults *faults);
/* The lines of those that have not happened yet, in their order, each with a newline; free it. */
char *faults_waiting(struct faults *faults);

#define FAULT_ARGUMENTS 8

struct fault {
    char line[256];
    char action[32];
    char argument[FAULT_ARGUMENTS][64]; /* as written, "retry-after=1" */
    size_t argument_count;
};

/* Counts one call of the operation for every fault that names it; true: this one misbehaves so. */
bool faults_next(struct faults *faults, const char *service, const char *operation, struct fault *out_fault);
bool faults_planned(struct faults *faults, const struct fault *fault); /* not cleared yet */

#endif
