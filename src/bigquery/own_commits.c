/* SPDX-License-Identifier: Apache-2.0 */
#include "own_commits.h"

#include <stdlib.h>
#include <string.h>

void own_commits_init(struct own_commits *commits)
{
    *commits = (struct own_commits){.list = {{0}}};
    if (pthread_mutex_init(&commits->mutex, NULL) != 0) abort(); /* like no memory */
}

void own_commits_done(struct own_commits *commits)
{
    (void)pthread_mutex_destroy(&commits->mutex);
}

/* Where the lock's commit is, or will be; LIMIT_STREAMS: there are too many locks. */
static size_t find(const struct own_commits *commits, const char *lock)
{
    size_t i = 0;
    while (i < LIMIT_STREAMS && commits->list[i].lock && strcmp(commits->list[i].lock, lock) != 0)
        i++;
    return i;
}

int64_t own_commits_alone_us(struct own_commits *commits, const char *lock, int64_t began_us)
{
    int64_t alone_us = began_us;
    (void)pthread_mutex_lock(&commits->mutex);
    const size_t i = find(commits, lock);
    if (i < LIMIT_STREAMS && commits->list[i].lock && commits->list[i].began_us == began_us &&
        commits->list[i].alone_us > began_us)
        alone_us = commits->list[i].alone_us;
    (void)pthread_mutex_unlock(&commits->mutex);
    return alone_us;
}

void own_commits_note(struct own_commits *commits, const char *lock, int64_t began_us, int64_t alone_us)
{
    (void)pthread_mutex_lock(&commits->mutex);
    const size_t i = find(commits, lock);
    if (i < LIMIT_STREAMS) {
        commits->list[i].lock = lock;
        commits->list[i].began_us = began_us;
        commits->list[i].alone_us = alone_us;
    }
    (void)pthread_mutex_unlock(&commits->mutex);
}
