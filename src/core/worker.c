/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "core/worker.h"

#define SEEN_LIMIT 64
#define ON_MESSAGE -1 /* not an exit code: the worker goes on */

/* What one worker remembers between messages: only which misunderstood ones it has complained of. */
struct serving {
    const struct worker *worker;
    struct progress progress;
    uint64_t seen[SEEN_LIMIT];
    size_t seen_next;
};

int worker_nack_delay_s(int attempt)
{
    if (attempt < 1) attempt = 1;
    if (attempt >= 6) return 600;
    return 10 << attempt;
}

/* Without a dead-letter policy a bad message comes for ever: say so once. */
static bool is_new(struct serving *serving, const char *message_id)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (const char *c = message_id; *c; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
    for (size_t i = 0; i < SEEN_LIMIT; i++)
        if (serving->seen[i] == hash) return false;
    serving->seen[serving->seen_next++ % SEEN_LIMIT] = hash;
    return true;
}

static void log_outcome(struct serving *serving, const struct delivery *delivery, const char *run_id,
                        const struct error *err)
{
    const struct error_rule *rule = &error_rules[err->kind];
    enum log_level level = err->kind == ERROR_NONE      ? LOG_INFO
                           : err->kind == ERROR_STOPPED ? LOG_NOTICE
                                                        : LOG_ERROR;

    if (err->kind == ERROR_REQUEST && delivery->attempt == 0 && !is_new(serving, delivery->message_id))
        return;
    log_write(level, "message_finished",
              LOG_FIELDS(LOG_TEXT("message_id", delivery->message_id), LOG_TEXT("run_id", run_id),
                         LOG_TEXT("outcome", rule->name), LOG_NUMBER("attempt", delivery->attempt)),
              "message %s: %s", delivery->message_id, err->kind == ERROR_NONE ? "done" : err->text);
}

static bool serve_request(struct serving *serving, const struct delivery *delivery, const char *run_id,
                          struct error *err)
{
    const struct worker *worker = serving->worker;
    struct run_context context = worker->run;
    struct run_trigger trigger = {
        .run_id = run_id, .message_id = delivery->message_id, .published_us = delivery->published_us};
    struct request request;
    struct run_report *report;
    bool done;

    context.stop = worker->halt;
    if (!context.progress) context.progress = &serving->progress;
    if (!request_decode(delivery, worker->selections, worker->selection_count, &request, err)) return false;
    report = mem_zero(1, sizeof *report);
    done = run_request(&context, &request, &trigger, report, err);
    free(report);
    return done;
}

/* Gives the message its due. The lease ends before a nack, so that no late extension undoes its delay, and
 * after an ack, so that the message can't come back while that is retried. */
static void settle(const struct worker *worker, const struct delivery *delivery, struct lease *lease,
                   const struct error *err)
{
    const struct trigger_ops *ops = worker->trigger->ops;
    struct error failure = {0};
    bool settled = true;

    switch (error_rules[err->kind].message) {
    case MESSAGE_ACK:
        settled = ops->ack(worker->trigger, delivery->ack_id, &failure);
        lease_end(lease);
        break;
    case MESSAGE_NACK:
        lease_end(lease);
        settled =
            ops->nack(worker->trigger, delivery->ack_id, worker_nack_delay_s(delivery->attempt), &failure);
        break;
    case MESSAGE_NACK_NOW:
        lease_end(lease);
        settled = ops->nack(worker->trigger, delivery->ack_id, 0, &failure);
        break;
    }
    if (!settled)
        log_write(LOG_WARNING, "message_unsettled", LOG_FIELDS(LOG_TEXT("message_id", delivery->message_id)),
                  "%s; the message comes back when its lease lapses, and finds little to do", failure.text);
}

/* A new message runs freely, unless the process is to end. The order matters: see the signal's side. */
static void allow_run(const struct worker *worker)
{
    atomic_store(worker->halt, false);
    if (atomic_load(worker->stop)) atomic_store(worker->halt, true);
}

static int serve_message(struct serving *serving, const struct delivery *delivery)
{
    const struct worker *worker = serving->worker;
    struct progress *progress = worker->run.progress ? worker->run.progress : &serving->progress;
    char run_id[RANDOM_NAME];
    struct error err = {0};
    struct lease *lease;

    allow_run(worker);
    random_name(run_id);
    progress_step(progress, "taking a message");
    lease = lease_start(&worker->lease, worker->trigger, delivery->ack_id, progress, worker->halt);
    (void)serve_request(serving, delivery, run_id, &err); /* err says all */
    log_outcome(serving, delivery, run_id, &err);
    if (lease_lost(lease)) {
        lease_end(lease); /* not ours any more: whoever has it now decides */
        return atomic_load(worker->stop) ? error_rules[ERROR_STOPPED].exit_code : ON_MESSAGE;
    }
    progress_step(progress, "settling the message"); /* which may take as long as the run may stand still */
    settle(worker, delivery, lease, &err);
    return error_rules[err.kind].leave ? error_rules[err.kind].exit_code : ON_MESSAGE;
}

/* A failure to pull is no message's fault. */
static int pull_failed(const struct worker *worker, const struct error *err)
{
    if (err->kind == ERROR_STOPPED) return error_rules[ERROR_STOPPED].exit_code;
    log_write(LOG_ERROR, "pull_failed", LOG_FIELDS(LOG_TEXT("outcome", error_rules[err->kind].name)), "%s",
              err->text);
    if (error_rules[err->kind].leave) return error_rules[err->kind].exit_code;
    clock_sleep_ms(5000, worker->stop);
    return ON_MESSAGE;
}

int worker_serve(const struct worker *worker)
{
    struct serving serving = {.worker = worker};

    while (!atomic_load(worker->stop)) {
        struct delivery delivery = {0};
        struct error err = {0};
        bool any = false;
        int code = ON_MESSAGE;

        if (!worker->trigger->ops->next(worker->trigger, &delivery, &any, &err))
            code = pull_failed(worker, &err);
        else if (any)
            code = serve_message(&serving, &delivery);
        delivery_done(&delivery);
        if (code != ON_MESSAGE) return code;
    }
    return error_rules[ERROR_STOPPED].exit_code;
}
