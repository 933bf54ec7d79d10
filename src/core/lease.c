/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/lease.h"

struct lease {
    struct lease_settings settings;
    struct trigger *trigger;
    char *ack_id;
    struct progress *progress;
    atomic_bool *stop;
    atomic_bool lost;
    struct lease_clock clock; /* of the lease's thread alone, as the next */
    struct progress_watch watch;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool ending; /* under mutex */
};

enum lease_step lease_decide(const struct lease_clock *clock, const struct lease_settings *settings,
                             int64_t now_ms)
{
    if (now_ms >= clock->until_ms) return LEASE_LOST;
    if (now_ms - clock->moved_ms >= (int64_t)settings->stall_s * 1000) return LEASE_WEDGED;
    if (now_ms >= clock->due_ms) return LEASE_EXTEND;
    return LEASE_WAIT;
}

/* The service counts from when it got the call, so counting from when it was sent errs on the safe side. */
void lease_extended(struct lease_clock *clock, const struct lease_settings *settings, int64_t sent_ms)
{
    clock->until_ms = sent_ms + (int64_t)settings->lease_s * 1000;
    clock->due_ms = sent_ms + (int64_t)settings->lease_s * 1000 / 3;
    clock->failures = 0;
}

void lease_failed(struct lease_clock *clock, int64_t now_ms)
{
    int shift = clock->failures < 5 ? clock->failures : 5;
    clock->failures++;
    clock->due_ms = now_ms + ((int64_t)1000 << shift);
}

static void extend(struct lease *lease)
{
    struct error err = {0};
    int64_t sent_ms = clock_ms();
    bool is_extended =
        lease->trigger->ops->extend(lease->trigger, lease->ack_id, lease->settings.lease_s, &err);
    if (lease->settings.on_extended) lease->settings.on_extended(lease->settings.self, is_extended);
    if (is_extended) {
        lease_extended(&lease->clock, &lease->settings, sent_ms);
        return;
    }
    lease_failed(&lease->clock, clock_ms());
    log_write(LOG_WARNING, "lease_extension_failed", LOG_FIELDS(LOG_ORIGIN(&err)),
              "%s; retrying until the lease expires", err.text);
}

static void on_lost(struct lease *lease)
{
    atomic_store(&lease->lost, true);
    if (lease->stop) atomic_store(lease->stop, true);
    log_write(LOG_ERROR, "lease_lost", NULL,
              "the message's lease expired: the run is cancelled and the message will be redelivered");
}

static void on_stall(struct lease *lease)
{
    const char *where = lease->watch.where;
    if (!where) where = "nothing yet";
    log_write(LOG_CRITICAL, "run_wedged", LOG_FIELDS(LOG_TEXT("where", where)),
              "the run made no progress for %d s while %s: its lease is released", lease->settings.stall_s,
              where);
    lease->settings.on_wedged(where);
}

/* Sleeps for 200 ms, the interval of all checks. True: lease_end was called. */
static bool pause_lease(struct lease *lease)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += 200 * 1000 * 1000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_mutex_lock(&lease->mutex);
    if (!lease->ending) pthread_cond_timedwait(&lease->wake, &lease->mutex, &until);
    bool ending = lease->ending;
    pthread_mutex_unlock(&lease->mutex);
    return ending;
}

static void *keep_lease(void *self)
{
    struct lease *lease = self;
    extend(lease);
    while (!pause_lease(lease)) {
        int64_t now_ms = clock_ms();
        lease->clock.moved_ms = progress_look(&lease->watch, lease->progress, now_ms);
        switch (lease_decide(&lease->clock, &lease->settings, now_ms)) {
        case LEASE_WAIT: break;
        case LEASE_EXTEND: extend(lease); break;
        case LEASE_LOST: on_lost(lease); return NULL;
        case LEASE_WEDGED: on_stall(lease); return NULL;
        }
    }
    return NULL;
}

struct lease *lease_start(const struct lease_settings *settings, struct trigger *trigger, const char *ack_id,
                          struct progress *progress, atomic_bool *stop)
{
    struct lease *lease = mem_zero(1, sizeof *lease);
    int64_t now_ms = clock_ms();
    pthread_condattr_t monotonic;
    lease->settings = *settings;
    lease->trigger = trigger;
    lease->ack_id = mem_text(ack_id);
    lease->progress = progress;
    lease->stop = stop;
    lease->clock.moved_ms = progress_look(&lease->watch, progress, now_ms);
    lease_extended(&lease->clock, settings, now_ms);
    pthread_mutex_init(&lease->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&lease->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&lease->thread, NULL, keep_lease, lease) != 0) abort(); /* like no memory */
    return lease;
}

bool lease_lost(const struct lease *lease)
{
    return atomic_load(&lease->lost);
}

void lease_end(struct lease *lease)
{
    if (!lease) return;
    pthread_mutex_lock(&lease->mutex);
    lease->ending = true;
    pthread_cond_signal(&lease->wake);
    pthread_mutex_unlock(&lease->mutex);
    pthread_join(lease->thread, NULL);
    pthread_cond_destroy(&lease->wake);
    pthread_mutex_destroy(&lease->mutex);
    free(lease->ack_id);
    free(lease);
}
