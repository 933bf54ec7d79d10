/* SPDX-License-Identifier: Apache-2.0 */
/* workers.c - a model of worker.c around the real run.
 *
 * A killed worker is not abandoned, since its memory would leak. Instead every later port call of it fails
 * without effect, so that it unwinds and frees. The other workers see no difference, because a worker acts
 * through its ports only.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/worker.h"
#include "sim.h"

#define LOCKED_US 1000 /* the executor's lock is held shortly */

static void leave(struct sim *sim, struct sim_thread *thread, int64_t wake_us)
{
    sim_count(sim, EVENT_SWITCH);
    thread->wake_us = wake_us;
    sim->running = NULL;
    swapcontext(&thread->context, &sim->scheduler);
}

/* Suspends this thread; others run meanwhile. */
static void wait_us(struct sim *sim, int64_t delay_us)
{
    leave(sim, sim->running, sim->now_us + delay_us);
}

static int64_t draw_delay_us(struct sim *sim, const struct sim_worker *worker, const char *name)
{
    struct rng *rng = &sim->rng;
    int64_t kind = rng_below(rng, 1000);
    if (!worker->ack_id[0]) return 0; /* before it has a message */
    if (sim->faults_off) return kind < 900 ? 0 : rng_below(rng, 5 * SECOND);
    if (kind < sim->rates.pause) {
        sim_count(sim, EVENT_PAUSE);
        return rng_below(rng, rng_chance(rng, 100) ? 3 * DAY : 3 * HOUR);
    }
    if (strcmp(name, "commit.run") == 0) kind = 0;
    if (strcmp(name, "write") == 0) kind += 350;
    if (kind >= 400) return 0;
    return rng_below(rng, rng_chance(rng, 100) ? 20 * MINUTE : 20 * SECOND);
}

/* Models the lease thread: it covers the waits of all threads, unless it fails or the process is paused. */
static void extend_lease(struct sim *sim, struct sim_worker *worker, int64_t delay_us)
{
    struct error ignored = {0};
    for (size_t i = 0; i < sim->threads; i++) {
        const int64_t wake_us = worker->threads[i].wake_us;
        const bool waits = &worker->threads[i] != sim->running && wake_us != NEVER;
        if (waits && wake_us - sim->now_us > delay_us) delay_us = wake_us - sim->now_us;
    }
    if (!worker->ack_id[0]) return;
    if (delay_us > 500 * SECOND || (!sim->faults_off && rng_chance(&sim->rng, sim->rates.lapse))) {
        sim_count(sim, EVENT_LEASE_LAPSED);
        return;
    }
    (void)sim->trigger.base.ops->extend(&sim->trigger.base, worker->ack_id, (int)(delay_us / SECOND) + 60,
                                        &ignored);
}

static bool fail_killed(struct error *err)
{
    return error_set(err, ERROR_STOPPED, "this worker was killed");
}

static bool maybe_kill(struct sim *sim, struct sim_worker *worker, const char *name)
{
    if (sim->faults_off || !rng_chance(&sim->rng, sim->rates.kill)) return false;
    sim_trace(sim, "%s is killed in %s", worker->run_id, name);
    sim_count(sim, EVENT_KILL);
    worker->killed = true;
    return true;
}

static bool maybe_fail(struct sim *sim, struct sim_worker *worker, const char *name, struct error *err)
{
    bool answer = strcmp(name, "commit.run") == 0 || strcmp(name, "commit.answer") == 0;
    if (sim->faults_off || !rng_chance(&sim->rng, answer ? sim->rates.lost_answer : sim->rates.fault))
        return false;
    sim_count(sim, answer ? EVENT_ANSWER_LOST : EVENT_FAULT);
    sim_trace(sim, "%s: %s fails", worker->run_id, name);
    error_set(err, rng_chance(&sim->rng, 800) ? ERROR_BUSY : ERROR_FORMAT, "%s: injected", name);
    return true;
}

static const char *stream_of(const struct sim_thread *thread)
{
    return atomic_load(&thread->progress.stream);
}

static const char *table_of(const struct sim *sim, const struct sim_thread *thread)
{
    const char *name = stream_of(thread);
    for (size_t i = 0; name && i < SIM_SELECTIONS; i++) {
        const struct stream *stream = sim->selections[i].stream;
        if (stream->name == name) return stream->subject ? stream->subject->name : stream->table->name;
    }
    return NULL;
}

/* No two threads of a worker load streams that write one table. */
static void check_apart(struct sim *sim)
{
    const struct sim_worker *worker = sim->running->worker;
    const char *table = table_of(sim, sim->running);
    for (size_t i = 0; table && i < sim->threads; i++) {
        const char *other = table_of(sim, &worker->threads[i]);
        if (&worker->threads[i] == sim->running || !other) continue;
        const bool is_same = stream_of(&worker->threads[i]) == stream_of(sim->running);
        sim_count(sim, is_same ? EVENT_HELPED : EVENT_PARALLEL);
        if (!is_same && strcmp(table, other) == 0)
            sim_fail(sim, PROPERTY_TOGETHER, "%s loads two streams of %s at the same time", worker->run_id,
                     table);
    }
}

bool workers_call(void *context, const char *name, struct error *err)
{
    struct sim *sim = context;
    struct sim_worker *worker = sim->running ? sim->running->worker : NULL;
    if (!worker || strcmp(name, "extend") == 0) return true;
    check_apart(sim);
    if (worker->killed) return fail_killed(err);
    sim_count(sim, EVENT_PORT_CALL);
    sim->now_us++;
    if (sim->trace && strcmp(name, "write") != 0) sim_trace(sim, "%s: %s", worker->run_id, name);
    if (maybe_kill(sim, worker, name)) return fail_killed(err);
    int64_t delay_us = draw_delay_us(sim, worker, name);
    if (delay_us > 0) {
        extend_lease(sim, worker, delay_us);
        wait_us(sim, delay_us);
        if (worker->killed || maybe_kill(sim, worker, name)) return fail_killed(err);
    }
    if (!sim->faults_off && rng_chance(&sim->rng, sim->rates.stop)) {
        sim_count(sim, EVENT_STOP);
        atomic_store(&worker->stop, true);
    }
    return !maybe_fail(sim, worker, name, err);
}

/* --- the executor --- */

/* makecontext passes only ints, so the pointer is split in two. */
static void start_thread(struct sim_thread *thread, void (*enter)(unsigned int high, unsigned int low))
{
    uint64_t address = (uintptr_t)thread;
    getcontext(&thread->context);
    thread->context.uc_stack.ss_sp = thread->stack;
    thread->context.uc_stack.ss_size = SIM_STACK;
    thread->context.uc_link = &thread->worker->sim->scheduler;
    /* POSIX defines this cast: the function is called with the ints that follow. */
    makecontext(&thread->context, (void (*)(void))enter, 2, (unsigned int)(address >> 32),
                (unsigned int)address);
}

static struct sim_thread *thread_at(unsigned int high, unsigned int low)
{
    return (struct sim_thread *)(uintptr_t)((uint64_t)high << 32 | low);
}

static void end_thread(struct sim_thread *thread)
{
    thread->wake_us = NEVER;
    thread->worker->sim->running = NULL;
}

static bool has_ended(const struct sim_worker *worker)
{
    for (size_t i = 1; i < worker->sim->threads; i++)
        if (worker->threads[i].work) return false;
    return true;
}

/* The last one wakes the first. */
static void enter_work(unsigned int high, unsigned int low)
{
    struct sim_thread *thread = thread_at(high, low);
    struct sim_worker *worker = thread->worker;
    thread->work(thread->work_context, (size_t)(thread - worker->threads));
    thread->work = NULL;
    if (has_ended(worker) && worker->threads[0].wake_us == NEVER && !worker->threads[0].is_waiting)
        worker->threads[0].wake_us = worker->sim->now_us;
    end_thread(thread);
}

static struct sim_worker *worker_of(struct executor *executor)
{
    return (struct sim_worker *)((char *)executor - offsetof(struct sim_worker, executor));
}

static void run_all(struct executor *executor, void (*work)(void *context, size_t worker), void *context)
{
    struct sim_worker *worker = worker_of(executor);
    struct sim *sim = worker->sim;
    for (size_t i = 1; i < executor->workers; i++) {
        struct sim_thread *thread = &worker->threads[i];
        sim_count(sim, EVENT_THREAD);
        thread->work = work;
        thread->work_context = context;
        thread->wake_us = sim->now_us + rng_below(&sim->rng, SECOND);
        start_thread(thread, enter_work);
    }
    work(context, 0);
    if (!has_ended(worker)) leave(sim, &worker->threads[0], NEVER);
}

/* Others may run while the lock is held. */
static void lock(struct executor *executor)
{
    struct sim_worker *worker = worker_of(executor);
    while (worker->is_locked)
        wait_us(worker->sim, LOCKED_US);
    worker->is_locked = true;
    if (worker->sim->threads > 1) wait_us(worker->sim, rng_below(&worker->sim->rng, LOCKED_US));
}

static void unlock(struct executor *executor)
{
    worker_of(executor)->is_locked = false;
}

static void wait_for_others(struct executor *executor)
{
    struct sim_worker *worker = worker_of(executor);
    struct sim_thread *thread = worker->sim->running;
    unlock(executor);
    thread->is_waiting = true;
    leave(worker->sim, thread, NEVER);
    thread->is_waiting = false;
    lock(executor);
}

static void wake(struct executor *executor)
{
    struct sim_worker *worker = worker_of(executor);
    struct rng *rng = &worker->sim->rng;
    for (size_t i = 0; i < worker->sim->threads; i++)
        if (worker->threads[i].is_waiting) /* at once, or after what the others do next */
            worker->threads[i].wake_us =
                worker->sim->now_us + rng_below(rng, rng_chance(rng, 500) ? SECOND : LOCKED_US / 10);
}

static const struct executor_ops executor_ops = {
    .run = run_all, .lock = lock, .unlock = unlock, .wait = wait_for_others, .wake = wake};

/* --- one message --- */

static bool run_delivery(struct sim_worker *worker, const struct delivery *delivery,
                         const struct request *request, struct error *err)
{
    struct sim *sim = worker->sim;
    struct connection others[SIM_THREADS];
    for (size_t i = 1; i < sim->threads; i++)
        others[i - 1] =
            (struct connection){&sim->source.base, &sim->warehouse.base, &worker->threads[i].progress};
    const struct run_context context = {.plan = sim->plan,
                                        .source = &sim->source.base,
                                        .warehouse = &sim->warehouse.base,
                                        .max_rejected = LIMIT_REJECTS,
                                        .batch = sim->batch,
                                        .identity = &sim->source.identity,
                                        .progress = &worker->threads[0].progress,
                                        .executor = &worker->executor,
                                        .others = others,
                                        .stop = &worker->stop};
    const struct run_trigger trigger = {
        .run_id = worker->run_id, .message_id = delivery->message_id, .published_us = delivery->published_us};
    if (!run_request(&context, request, &trigger, &worker->report, err)) return false;
    for (size_t i = 0; i < worker->report.count; i++) {
        if (worker->report.streams[i].satisfied) sim_count(sim, EVENT_SATISFIED);
        sim->counts[EVENT_UNIT] += worker->report.streams[i].units;
    }
    return true;
}

/* Pub/Sub may lose an ack, or deliver an acknowledged message again. */
static void lose_ack(struct sim *sim, const struct delivery *delivery, bool acked)
{
    if (acked && (sim->faults_off || !rng_chance(&sim->rng, sim->rates.redelivery))) return;
    sim_count(sim, EVENT_ACK_LOST);
    for (size_t i = 0; acked && i < sim->trigger.count; i++) {
        struct fake_message *message = &sim->trigger.messages[i];
        if (strcmp(message->id, delivery->message_id) != 0) continue;
        message->acked = false;
        message->due_us = sim->now_us + rng_below(&sim->rng, 2 * HOUR);
    }
}

/* Applies the outcome as worker.c does. request is NULL if it could not be decoded. */
static void settle(struct sim_worker *worker, const struct delivery *delivery, const struct request *request,
                   const struct error *err)
{
    struct sim *sim = worker->sim;
    struct trigger *trigger = &sim->trigger.base;
    struct error failure = {0};
    bool done = false;
    switch (error_rules[err->kind].message) {
    case MESSAGE_ACK:
        check_served(sim, worker, request, delivery->published_us);
        done = trigger->ops->ack(trigger, delivery->ack_id, &failure);
        sim_count(sim, EVENT_ACK);
        lose_ack(sim, delivery, done);
        return;
    case MESSAGE_NACK:
        done =
            trigger->ops->nack(trigger, delivery->ack_id, worker_nack_delay_s(delivery->attempt), &failure);
        break;
    case MESSAGE_NACK_NOW: done = trigger->ops->nack(trigger, delivery->ack_id, 0, &failure); break;
    }
    if (done) sim_count(sim, EVENT_NACK);
}

/* Serves one message as worker.c does. */
static void serve(struct sim_worker *worker)
{
    struct sim *sim = worker->sim;
    struct delivery delivery = {0};
    struct request request;
    struct error err = {0};
    bool any = false;
    if (!sim->trigger.base.ops->next(&sim->trigger.base, &delivery, &any, &err) || !any) return;
    sim_count(sim, delivery.attempt > 1 ? EVENT_REDELIVERY : EVENT_DELIVERY);
    sim_trace(sim, "%s serves %s %s, attempt %d", worker->run_id, delivery.message_id, delivery.data,
              delivery.attempt);
    snprintf(worker->ack_id, sizeof worker->ack_id, "%s", delivery.ack_id);
    bool understood = request_decode(&delivery, sim->selections, SIM_SELECTIONS, &request, &err);
    if (understood && sim->design->ack_first) settle(worker, &delivery, &request, &err);
    if (understood) (void)run_delivery(worker, &delivery, &request, &err); /* err holds the outcome */
    if (err.kind != ERROR_NONE) sim_trace(sim, "%s: %s", worker->run_id, err.text);
    settle(worker, &delivery, understood ? &request : NULL, &err);
    delivery_done(&delivery);
}

static void enter_serve(unsigned int high, unsigned int low)
{
    struct sim_thread *thread = thread_at(high, low);
    struct sim_worker *worker = thread->worker;
    serve(worker);
    worker->is_busy = false;
    worker->ack_id[0] = '\0';
    end_thread(thread);
}

void workers_resume(struct sim *sim, struct sim_thread *thread)
{
    sim->running = thread;
    swapcontext(&sim->scheduler, &thread->context);
}

struct sim_thread *workers_next(struct sim *sim)
{
    struct sim_thread *next = NULL;
    for (size_t i = 0; i < SIM_WORKERS; i++)
        for (size_t k = 0; k < sim->threads; k++) {
            struct sim_thread *thread = &sim->workers[i].threads[k];
            if (thread->wake_us != NEVER && (!next || thread->wake_us < next->wake_us)) next = thread;
        }
    return next;
}

void workers_start(struct sim *sim, struct sim_worker *worker)
{
    worker->killed = worker->was_short = worker->is_locked = false;
    worker->began_us = sim->now_us;
    atomic_store(&worker->stop, false);
    snprintf(worker->run_id, sizeof worker->run_id, "run%lld", (long long)sim->runs++);
    for (size_t i = 0; i < SIM_WORKERS; i++)
        if (sim->workers[i].is_busy) sim_count(sim, EVENT_OVERLAP);
    worker->is_busy = true;
    start_thread(&worker->threads[0], enter_serve);
    workers_resume(sim, &worker->threads[0]);
}

void workers_begin(struct sim *sim)
{
    for (size_t i = 0; i < SIM_WORKERS; i++) {
        struct sim_worker *worker = &sim->workers[i];
        worker->sim = sim;
        worker->executor = (struct executor){.ops = &executor_ops, .workers = sim->threads};
        for (size_t k = 0; k < SIM_THREADS; k++) {
            worker->threads[k].worker = worker;
            worker->threads[k].wake_us = NEVER;
            if (k > 0) worker->threads[k - 1].progress.next = &worker->threads[k].progress;
        }
        worker->threads[sim->threads - 1].progress.next = NULL;
    }
}

void workers_end(struct sim *sim)
{
    for (size_t i = 0; i < SIM_WORKERS; i++)
        sim->workers[i].killed = true;
    for (struct sim_thread *thread = workers_next(sim); thread; thread = workers_next(sim))
        workers_resume(sim, thread);
}
