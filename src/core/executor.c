/* SPDX-License-Identifier: Apache-2.0 */
/* executor.c - workers that are threads. */
#include "core/executor.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"

struct threads {
    struct executor executor; /* first */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

struct thread {
    pthread_t thread;
    void (*work)(void *context, size_t worker);
    void *context;
    size_t worker;
};

static void *begin(void *self)
{
    const struct thread *thread = self;
    thread->work(thread->context, thread->worker);
    return NULL;
}

static void run(struct executor *executor, void (*work)(void *context, size_t worker), void *context)
{
    struct thread threads[LIMIT_WORKERS];
    for (size_t i = 1; i < executor->workers; i++) {
        threads[i] = (struct thread){.work = work, .context = context, .worker = i};
        if (pthread_create(&threads[i].thread, NULL, begin, &threads[i]) != 0) abort(); /* like no memory */
    }
    work(context, 0);
    for (size_t i = 1; i < executor->workers; i++)
        (void)pthread_join(threads[i].thread, NULL);
}

static void lock(struct executor *executor)
{
    (void)pthread_mutex_lock(&((struct threads *)executor)->mutex);
}

static void unlock(struct executor *executor)
{
    (void)pthread_mutex_unlock(&((struct threads *)executor)->mutex);
}

static void wait(struct executor *executor)
{
    struct threads *threads = (struct threads *)executor;
    (void)pthread_cond_wait(&threads->changed, &threads->mutex);
}

static void wake(struct executor *executor)
{
    (void)pthread_cond_broadcast(&((struct threads *)executor)->changed);
}

static void free_threads(struct executor *executor)
{
    (void)pthread_cond_destroy(&((struct threads *)executor)->changed);
    (void)pthread_mutex_destroy(&((struct threads *)executor)->mutex);
    free(executor);
}

static const struct executor_ops ops = {
    .run = run, .lock = lock, .unlock = unlock, .wait = wait, .wake = wake, .free = free_threads};

struct executor *executor_threads(size_t workers)
{
    assert(workers >= 1 && workers <= LIMIT_WORKERS);
    struct threads *threads = mem_zero(1, sizeof *threads);
    threads->executor = (struct executor){.ops = &ops, .workers = workers};
    if (pthread_mutex_init(&threads->mutex, NULL) != 0 || pthread_cond_init(&threads->changed, NULL) != 0)
        abort(); /* like no memory */
    return &threads->executor;
}

void executor_lock(struct executor *executor)
{
    if (executor) executor->ops->lock(executor);
}

void executor_unlock(struct executor *executor)
{
    if (executor) executor->ops->unlock(executor);
}

void executor_wait(struct executor *executor)
{
    assert(executor); /* a worker that is alone never waits */
    executor->ops->wait(executor);
}

void executor_wake(struct executor *executor)
{
    if (executor) executor->ops->wake(executor);
}
