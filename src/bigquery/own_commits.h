/* SPDX-License-Identifier: Apache-2.0 */
/* own_commits.h - our last commit under each lock, so that the next one of the same run need not ask the
 * ledger what others did. The objects of a run's workers have one in common. Any thread.
 */
#ifndef CASELOAD_BIGQUERY_OWN_COMMITS_H
#define CASELOAD_BIGQUERY_OWN_COMMITS_H

#include <pthread.h>
#include <stdint.h>

#include "base/limits.h"

struct own_commits {
    pthread_mutex_t mutex;
    struct {
        const char *lock; /* see stream_lock; NULL: none */
        int64_t began_us; /* of its fetch */
        int64_t alone_us; /* when it was made, if no other run had committed since then; else 0 */
    } list[LIMIT_STREAMS];
};

void own_commits_init(struct own_commits *commits);
void own_commits_done(struct own_commits *commits);
/* Since when no other run has committed under the lock, for a commit whose fetch began then: at least that.
 */
int64_t own_commits_alone_us(struct own_commits *commits, const char *lock, int64_t began_us);
void own_commits_note(struct own_commits *commits, const char *lock, int64_t began_us, int64_t alone_us);

#endif
