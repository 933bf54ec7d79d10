/* SPDX-License-Identifier: Apache-2.0 */
#include "deadline.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

#define LOOK_MS 50

struct deadline {
    pthread_t thread;
    atomic_bool *flag;
    atomic_bool stop;
    _Atomic int64_t at_ms;
};

static void *watch(void *self)
{
    struct deadline *deadline = self;
    while (clock_sleep_ms(LOOK_MS, &deadline->stop))
        if (clock_ms() >= atomic_load(&deadline->at_ms)) atomic_store(deadline->flag, true);
    return NULL;
}

struct deadline *deadline_start(atomic_bool *flag)
{
    struct deadline *deadline = mem_zero(1, sizeof *deadline);
    deadline->flag = flag;
    atomic_store(&deadline->at_ms, INT64_MAX);
    if (pthread_create(&deadline->thread, NULL, watch, deadline) != 0) abort(); /* like no memory */
    return deadline;
}

void deadline_set(struct deadline *deadline, int64_t ms)
{
    atomic_store(&deadline->at_ms, clock_ms() + ms);
    atomic_store(deadline->flag, false);
}

void deadline_stop(struct deadline *deadline)
{
    atomic_store(&deadline->stop, true);
    (void)pthread_join(deadline->thread, NULL);
    free(deadline);
}
