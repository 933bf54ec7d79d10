/* SPDX-License-Identifier: Apache-2.0 */
/* crew.c - the workers: a model of the worker's loop around the real run.
 *
 * A worker that is killed could simply never be resumed, but then everything it holds would leak. Instead it
 * is dead: from then on every port call of it fails and has no effect, so it unwinds and frees its memory.
 * For everyone else that is the same, because a worker touches the world through its ports alone.
 */
#include <stdlib.h>
#include <string.h>

#include "core/worker.h"
#include "sim.h"

/* Lets time pass for this worker: the others go on meanwhile. */
static void wait_us(struct sim *sim, struct hand *hand, int64_t delay_us)
{
    sim_count(sim, EVENT_SWITCH);
    hand->wake_us = sim->now_us + delay_us;
    sim->running = NULL;
    swapcontext(&hand->context, &sim->scheduler);
}

static int64_t draw_delay_us(struct sim *sim, const struct hand *hand, const char *name)
{
    struct dice *dice = &sim->dice;
    int64_t kind = dice_below(dice, 1000);
    if (!hand->ack_id[0]) return 0; /* nobody waits with an empty hand */
    if (sim->calm) return kind < 900 ? 0 : dice_below(dice, 5 * SECOND);
    if (kind < sim->habits.pause) {
        sim_count(sim, EVENT_PAUSE);
        return dice_below(dice, dice_chance(dice, 100) ? 3 * DAY : 3 * HOUR);
    }
    if (strcmp(name, "commit.run") == 0) kind = 0;
    if (strcmp(name, "write") == 0) kind += 350;
    if (kind >= 400) return 0;
    return dice_below(dice, dice_chance(dice, 100) ? 20 * MINUTE : 20 * SECOND);
}

/* The lease thread of the worker, in short: it covers the wait, unless it fails or the process was paused. */
static void hold_lease(struct sim *sim, struct hand *hand, int64_t delay_us)
{
    struct error ignored = {0};
    if (!hand->ack_id[0]) return;
    if (delay_us > 500 * SECOND || (!sim->calm && dice_chance(&sim->dice, sim->habits.lapse))) {
        sim_count(sim, EVENT_LEASE_LAPSED);
        return;
    }
    (void)sim->trigger.base.ops->extend(&sim->trigger.base, hand->ack_id, (int)(delay_us / SECOND) + 60,
                                        &ignored);
}

static bool fail_dead(struct error *err)
{
    return error_set(err, ERROR_STOPPED, "this worker was killed");
}

static bool maybe_kill(struct sim *sim, struct hand *hand, const char *name)
{
    if (sim->calm || !dice_chance(&sim->dice, sim->habits.kill)) return false;
    sim_say(sim, "%s is killed in %s", hand->run_id, name);
    sim_count(sim, EVENT_KILL);
    hand->dead = true;
    return true;
}

static bool maybe_fail(struct sim *sim, struct hand *hand, const char *name, struct error *err)
{
    bool answer = strcmp(name, "commit.run") == 0 || strcmp(name, "commit.answer") == 0;
    if (sim->calm || !dice_chance(&sim->dice, answer ? sim->habits.lost_answer : sim->habits.fault))
        return false;
    sim_count(sim, answer ? EVENT_ANSWER_LOST : EVENT_FAULT);
    sim_say(sim, "%s: %s fails", hand->run_id, name);
    error_set(err, dice_chance(&sim->dice, 800) ? ERROR_BUSY : ERROR_FORMAT, "%s: injected", name);
    return true;
}

bool crew_call(void *context, const char *name, struct error *err)
{
    struct sim *sim = context;
    struct hand *hand = sim->running;
    if (!hand || strcmp(name, "extend") == 0) return true;
    if (hand->dead) return fail_dead(err);
    sim_count(sim, EVENT_PORT_CALL);
    sim->now_us++;
    if (sim->trace && strcmp(name, "write") != 0) sim_say(sim, "%s: %s", hand->run_id, name);
    if (maybe_kill(sim, hand, name)) return fail_dead(err);
    int64_t delay_us = draw_delay_us(sim, hand, name);
    if (delay_us > 0) {
        hold_lease(sim, hand, delay_us);
        wait_us(sim, hand, delay_us);
        if (hand->dead || maybe_kill(sim, hand, name)) return fail_dead(err);
    }
    if (!sim->calm && dice_chance(&sim->dice, sim->habits.stop)) {
        sim_count(sim, EVENT_STOP);
        atomic_store(&hand->stop, true);
    }
    return !maybe_fail(sim, hand, name, err);
}

static bool run_delivery(struct hand *hand, const struct delivery *delivery, const struct request *request,
                         struct error *err)
{
    struct sim *sim = hand->sim;
    const struct run_context context = {.plan = sim->plan,
                                        .source = &sim->source.base,
                                        .warehouse = &sim->warehouse.base,
                                        .identity = &sim->source.identity,
                                        .stop = &hand->stop};
    const struct run_trigger trigger = {
        .run_id = hand->run_id, .message_id = delivery->message_id, .published_us = delivery->published_us};
    if (!run_request(&context, request, &trigger, &hand->report, err)) return false;
    for (size_t i = 0; i < hand->report.count; i++) {
        if (hand->report.streams[i].satisfied) sim_count(sim, EVENT_SATISFIED);
        sim->counts[EVENT_UNIT] += hand->report.streams[i].units;
    }
    return true;
}

/* An ack can be lost, and a message may come again although it was acked. */
static void forget_ack(struct sim *sim, const struct delivery *delivery, bool acked)
{
    if (acked && (sim->calm || !dice_chance(&sim->dice, sim->habits.redelivery))) return;
    sim_count(sim, EVENT_ACK_LOST);
    for (size_t i = 0; acked && i < sim->trigger.count; i++) {
        struct fake_message *message = &sim->trigger.messages[i];
        if (strcmp(message->id, delivery->message_id) != 0) continue;
        message->acked = false;
        message->due_us = sim->now_us + dice_below(&sim->dice, 2 * HOUR);
    }
}

/* What worker.c does with an outcome. request is NULL if it was not understood. */
static void settle(struct hand *hand, const struct delivery *delivery, const struct request *request,
                   const struct error *err)
{
    struct sim *sim = hand->sim;
    struct trigger *trigger = &sim->trigger.base;
    struct error failure = {0};
    bool done = false;
    switch (error_rules[err->kind].message) {
    case MESSAGE_ACK:
        check_served(sim, hand, request, delivery->published_us);
        done = trigger->ops->ack(trigger, delivery->ack_id, &failure);
        sim_count(sim, EVENT_ACK);
        forget_ack(sim, delivery, done);
        return;
    case MESSAGE_NACK:
        done =
            trigger->ops->nack(trigger, delivery->ack_id, worker_nack_delay_s(delivery->attempt), &failure);
        break;
    case MESSAGE_NACK_NOW: done = trigger->ops->nack(trigger, delivery->ack_id, 0, &failure); break;
    }
    if (done) sim_count(sim, EVENT_NACK);
}

/* One message, as worker.c serves it. */
static void serve(struct hand *hand)
{
    struct sim *sim = hand->sim;
    struct delivery delivery = {0};
    struct request request;
    struct error err = {0};
    bool any = false;
    if (!sim->trigger.base.ops->next(&sim->trigger.base, &delivery, &any, &err) || !any) return;
    sim_count(sim, delivery.attempt > 1 ? EVENT_REDELIVERY : EVENT_DELIVERY);
    sim_say(sim, "%s serves %s %s, attempt %d", hand->run_id, delivery.message_id, delivery.data,
            delivery.attempt);
    snprintf(hand->ack_id, sizeof hand->ack_id, "%s", delivery.ack_id);
    bool understood = request_decode(&delivery, sim->selections, SIM_STREAMS, &request, &err);
    if (understood && sim->design->ack_first) settle(hand, &delivery, &request, &err);
    if (understood) (void)run_delivery(hand, &delivery, &request, &err); /* err says all */
    if (err.kind != ERROR_NONE) sim_say(sim, "%s: %s", hand->run_id, err.text);
    settle(hand, &delivery, understood ? &request : NULL, &err);
    delivery_done(&delivery);
}

/* makecontext passes ints alone, so the pointer comes in two halves. */
static void enter(unsigned int high, unsigned int low)
{
    struct hand *hand = (struct hand *)(uintptr_t)((uint64_t)high << 32 | low);
    serve(hand);
    hand->wake_us = NEVER;
    hand->ack_id[0] = '\0';
    hand->sim->running = NULL;
}

void crew_resume(struct sim *sim, struct hand *hand)
{
    sim->running = hand;
    swapcontext(&sim->scheduler, &hand->context);
}

void crew_start(struct sim *sim, struct hand *hand)
{
    uint64_t address = (uintptr_t)hand;
    hand->dead = false;
    hand->began_us = sim->now_us;
    atomic_store(&hand->stop, false);
    snprintf(hand->run_id, sizeof hand->run_id, "run%lld", (long long)sim->runs++);
    for (size_t i = 0; i < SIM_WORKERS; i++)
        if (sim->hands[i].wake_us != NEVER) sim_count(sim, EVENT_OVERLAP);
    getcontext(&hand->context);
    hand->context.uc_stack.ss_sp = hand->stack;
    hand->context.uc_stack.ss_size = SIM_STACK;
    hand->context.uc_link = &sim->scheduler;
    /* The standard's own way to pass arguments: the function is called with the ints that follow. */
    makecontext(&hand->context, (void (*)(void))enter, 2, (unsigned int)(address >> 32),
                (unsigned int)address);
    crew_resume(sim, hand);
}

void crew_begin(struct sim *sim)
{
    for (size_t i = 0; i < SIM_WORKERS; i++) {
        sim->hands[i].sim = sim;
        sim->hands[i].wake_us = NEVER;
    }
}

void crew_end(struct sim *sim)
{
    for (size_t i = 0; i < SIM_WORKERS; i++) {
        sim->hands[i].dead = true;
        while (sim->hands[i].wake_us != NEVER)
            crew_resume(sim, &sim->hands[i]);
    }
}
