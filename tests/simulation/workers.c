/* SPDX-License-Identifier: Apache-2.0 */
/* workers.c - a model of worker.c around the real run.
 *
 * A killed worker is not abandoned, since its memory would leak. Instead every later port call of it fails
 * without effect, so that it unwinds and frees. The other workers see no difference, because a worker acts
 * through its ports only.
 */
#include <stdlib.h>
#include <string.h>

#include "core/worker.h"
#include "sim.h"

/* Suspends this worker; other workers run meanwhile. */
static void wait_us(struct sim *sim, struct sim_worker *worker, int64_t delay_us)
{
    sim_count(sim, EVENT_SWITCH);
    worker->wake_us = sim->now_us + delay_us;
    sim->running = NULL;
    swapcontext(&worker->context, &sim->scheduler);
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

/* Models the lease thread: it covers the wait, unless it fails or the process is paused. */
static void extend_lease(struct sim *sim, struct sim_worker *worker, int64_t delay_us)
{
    struct error ignored = {0};
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

bool workers_call(void *context, const char *name, struct error *err)
{
    struct sim *sim = context;
    struct sim_worker *worker = sim->running;
    if (!worker || strcmp(name, "extend") == 0) return true;
    if (worker->killed) return fail_killed(err);
    sim_count(sim, EVENT_PORT_CALL);
    sim->now_us++;
    if (sim->trace && strcmp(name, "write") != 0) sim_trace(sim, "%s: %s", worker->run_id, name);
    if (maybe_kill(sim, worker, name)) return fail_killed(err);
    int64_t delay_us = draw_delay_us(sim, worker, name);
    if (delay_us > 0) {
        extend_lease(sim, worker, delay_us);
        wait_us(sim, worker, delay_us);
        if (worker->killed || maybe_kill(sim, worker, name)) return fail_killed(err);
    }
    if (!sim->faults_off && rng_chance(&sim->rng, sim->rates.stop)) {
        sim_count(sim, EVENT_STOP);
        atomic_store(&worker->stop, true);
    }
    return !maybe_fail(sim, worker, name, err);
}

static bool run_delivery(struct sim_worker *worker, const struct delivery *delivery,
                         const struct request *request, struct error *err)
{
    struct sim *sim = worker->sim;
    const struct run_context context = {.plan = sim->plan,
                                        .source = &sim->source.base,
                                        .warehouse = &sim->warehouse.base,
                                        .max_rejected = LIMIT_REJECTS,
                                        .identity = &sim->source.identity,
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

/* makecontext passes only ints, so the pointer is split in two. */
static void enter(unsigned int high, unsigned int low)
{
    struct sim_worker *worker = (struct sim_worker *)(uintptr_t)((uint64_t)high << 32 | low);
    serve(worker);
    worker->wake_us = NEVER;
    worker->ack_id[0] = '\0';
    worker->sim->running = NULL;
}

void workers_resume(struct sim *sim, struct sim_worker *worker)
{
    sim->running = worker;
    swapcontext(&sim->scheduler, &worker->context);
}

void workers_start(struct sim *sim, struct sim_worker *worker)
{
    uint64_t address = (uintptr_t)worker;
    worker->killed = worker->was_short = false;
    worker->began_us = sim->now_us;
    atomic_store(&worker->stop, false);
    snprintf(worker->run_id, sizeof worker->run_id, "run%lld", (long long)sim->runs++);
    for (size_t i = 0; i < SIM_WORKERS; i++)
        if (sim->workers[i].wake_us != NEVER) sim_count(sim, EVENT_OVERLAP);
    getcontext(&worker->context);
    worker->context.uc_stack.ss_sp = worker->stack;
    worker->context.uc_stack.ss_size = SIM_STACK;
    worker->context.uc_link = &sim->scheduler;
    /* POSIX defines this cast: the function is called with the ints that follow. */
    makecontext(&worker->context, (void (*)(void))enter, 2, (unsigned int)(address >> 32),
                (unsigned int)address);
    workers_resume(sim, worker);
}

void workers_begin(struct sim *sim)
{
    for (size_t i = 0; i < SIM_WORKERS; i++) {
        sim->workers[i].sim = sim;
        sim->workers[i].wake_us = NEVER;
    }
}

void workers_end(struct sim *sim)
{
    for (size_t i = 0; i < SIM_WORKERS; i++) {
        sim->workers[i].killed = true;
        while (sim->workers[i].wake_us != NEVER)
            workers_resume(sim, &sim->workers[i]);
    }
}
