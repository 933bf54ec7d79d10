/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "core/attempts.h"
#include "core/worker.h"

#define REPORTED_IDS 64
#define LIMIT_NAMES  2048 /* text of the names of streams; more are cut */
#define KEEP_SERVING (-1) /* not an exit code */
#define CAME_BACK    (error_rules[ERROR_BUSY].run_exit_code)
#define PAUSE_MS     5000 /* after a failed pull */

struct serving {
    const struct worker *worker;
    struct progress progress;
    bool came_back;                          /* a message was not acknowledged */
    char reported[REPORTED_IDS][LIMIT_NAME]; /* message ids of logged misunderstood messages; a ring */
    size_t reported_next;
};

int worker_nack_delay_s(int attempt)
{
    if (attempt < 1) attempt = 1;
    if (attempt >= 6) return 600;
    return 10 << attempt;
}

static struct progress *progress_of(struct serving *serving)
{
    return serving->worker->run.progress ? serving->worker->run.progress : &serving->progress;
}

/* Without a dead-letter policy a bad message is redelivered without end: it is logged once. */
static bool is_first_report(struct serving *serving, const char *message_id)
{
    for (size_t i = 0; i < REPORTED_IDS && i < serving->reported_next; i++)
        if (strncmp(serving->reported[i], message_id, LIMIT_NAME - 1) == 0) return false;
    char *slot = serving->reported[serving->reported_next++ % REPORTED_IDS];
    (void)snprintf(slot, LIMIT_NAME, "%s", message_id); /* longer ids are compared by their beginning */
    return true;
}

/* A message that is not understood never will be: it is an error at its first and its last delivery. */
static enum log_level level_of(const struct serving *serving, const struct delivery *delivery,
                               const struct error *err)
{
    bool is_last = serving->worker->max_attempts > 0 && delivery->attempt >= serving->worker->max_attempts;
    if (err->kind == ERROR_NONE) return LOG_INFO;
    if (err->kind == ERROR_STOPPED) return LOG_NOTICE;
    if (err->kind == ERROR_REQUEST && delivery->attempt > 1 && !is_last) return LOG_NOTICE;
    return LOG_ERROR;
}

static void add_name(char names[LIMIT_NAMES], const char *name)
{
    size_t used = strlen(names);
    (void)snprintf(names + used, LIMIT_NAMES - used, "%s%s", used ? ", " : "", name);
}

static void log_outcome(struct serving *serving, const struct delivery *delivery, const char *run_id,
                        const struct run_report *report, const struct error *err)
{
    char good[LIMIT_NAMES] = "", bad[LIMIT_NAMES] = "";
    struct stream_result sum = {0};
    bool is_done = err->kind == ERROR_NONE;
    if (err->kind == ERROR_REQUEST && delivery->attempt == 0 &&
        !is_first_report(serving, delivery->message_id))
        return;
    for (size_t i = 0; i < report->count; i++) {
        const struct stream_result *result = &report->streams[i];
        add_name(stream_is_good(result) ? good : bad, result->stream);
        sum.inserted += result->inserted;
        sum.requests += result->requests;
        if (sum.began_us == 0 || result->began_us < sum.began_us) sum.began_us = result->began_us;
        if (result->ended_us > sum.ended_us) sum.ended_us = result->ended_us;
    }
    sum.seconds = (double)(sum.ended_us - sum.began_us) / 1000000; /* several at the same time */
    log_write(level_of(serving, delivery, err), "message_finished",
              LOG_FIELDS(LOG_TEXT("message_id", delivery->message_id), LOG_TEXT("run_id", run_id),
                         LOG_TEXT("outcome", is_done ? "done" : error_rules[err->kind].name),
                         LOG_NUMBER("attempt", delivery->attempt), LOG_TEXT("loaded", good),
                         LOG_TEXT("failed", bad), LOG_NUMBER("rows", sum.inserted),
                         LOG_NUMBER("requests", sum.requests), LOG_NUMBER("seconds", (int64_t)sum.seconds),
                         LOG_ORIGIN(err)),
              "message %s: %s%s%s", delivery->message_id, is_done ? "done" : err->text,
              is_done && *bad ? "; forbidden: " : "", is_done ? bad : "");
}

static void log_taken(const struct delivery *delivery, const char *run_id, const struct request *request)
{
    char names[LIMIT_NAMES] = "", from[DAY_TEXT] = "", to[DAY_TEXT] = "";
    int64_t age_us = delivery->published_us == INT64_MAX ? 0 : clock_utc_us() - delivery->published_us;
    bool has_days = request->has_from || request->has_to;
    for (size_t i = 0; i < request->count; i++)
        add_name(names, request->selections[i]->stream->name);
    if (request->has_from) day_format(request->from, from);
    if (request->has_to) day_format(request->to, to);
    log_write(LOG_INFO, "message_taken",
              LOG_FIELDS(LOG_TEXT("message_id", delivery->message_id), LOG_TEXT("run_id", run_id),
                         LOG_NUMBER("attempt", delivery->attempt),
                         LOG_NUMBER("age_seconds", age_us > 0 ? age_us / 1000000 : 0),
                         LOG_TEXT("streams", names), LOG_TEXT("from", from), LOG_TEXT("to", to)),
              "message %s: %s%s%s%s of %zu streams", delivery->message_id, has_days ? "days " : "a tick",
              from, has_days ? ".." : "", to, request->count);
}

static struct run_context context_of(struct serving *serving)
{
    struct run_context context = serving->worker->run;
    context.stop = serving->worker->cancel_run;
    context.progress = progress_of(serving);
    return context;
}

static void serve_request(struct serving *serving, const struct delivery *delivery,
                          const struct run_trigger *trigger, struct run_report *report, struct error *err)
{
    const struct worker *worker = serving->worker;
    const struct run_context context = context_of(serving);
    struct request request;
    if (!request_decode(delivery, worker->selections, worker->selection_count, &request, err)) return;
    log_taken(delivery, trigger->run_id, &request);
    (void)run_request(&context, &request, trigger, report, err); /* err says all */
}

/* The lease ends before a nack, so that no late extension undoes its delay, and after an ack, so that the
 * message can't be redelivered while the ack is retried. */
static void settle(struct serving *serving, const struct delivery *delivery, struct lease *lease,
                   const struct error *err)
{
    const struct worker *worker = serving->worker;
    const struct trigger_ops *ops = worker->trigger->ops;
    struct error failure = {0};
    bool settled = true;
    serving->came_back = serving->came_back || error_rules[err->kind].message != MESSAGE_ACK;
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
    if (settled) return;
    serving->came_back = true;
    log_write(LOG_WARNING, "message_unsettled",
              LOG_FIELDS(LOG_TEXT("message_id", delivery->message_id), LOG_ORIGIN(&failure)),
              "%s; the message will be redelivered when its lease expires", failure.text);
}

/* Clears first and checks after: a shutdown between the two lines is not missed. */
static void allow_run(const struct worker *worker)
{
    atomic_store(worker->cancel_run, false);
    if (atomic_load(worker->shutdown)) atomic_store(worker->cancel_run, true);
}

static int end_message(struct serving *serving, const struct delivery *delivery, struct lease *lease,
                       const struct error *err)
{
    const struct worker *worker = serving->worker;
    if (lease_lost(lease)) {
        lease_end(lease); /* another worker may hold the message: no ack, no nack */
        serving->came_back = true;
        return atomic_load(worker->shutdown) ? error_rules[ERROR_STOPPED].serve_exit_code : KEEP_SERVING;
    }
    progress_step(progress_of(serving), "settling the message"); /* may take as long as a stalled run may */
    settle(serving, delivery, lease, err);
    return error_rules[err->kind].leave ? error_rules[err->kind].serve_exit_code : KEEP_SERVING;
}

static int serve_message(struct serving *serving, const struct delivery *delivery)
{
    const struct worker *worker = serving->worker;
    struct progress *progress = progress_of(serving);
    struct run_report *report = mem_zero(1, sizeof *report);
    const struct run_context context = context_of(serving);
    char run_id[RANDOM_NAME];
    struct error err = {0};
    const struct run_trigger trigger = {.run_id = run_id,
                                        .message_id = delivery->message_id,
                                        .published_us = delivery->published_us,
                                        .attempt = delivery->attempt};
    allow_run(worker);
    random_name(run_id);
    if (worker->observer) worker->observer->began(worker->observer->self, delivery, run_id);
    progress_step(progress, "taking a message");
    struct lease *lease =
        lease_start(&worker->lease, worker->trigger, delivery->ack_id, progress, worker->cancel_run);
    serve_request(serving, delivery, &trigger, report, &err);
    log_outcome(serving, delivery, run_id, report, &err);
    if (worker->observer) worker->observer->ended(worker->observer->self, report, &err);
    int code = end_message(serving, delivery, lease, &err);
    allow_run(worker); /* a lost lease has cancelled this one */
    attempts_record(&context, &trigger, report);
    free(report);
    return code;
}

static int pull_failed(const struct error *err)
{
    if (err->kind == ERROR_STOPPED) return error_rules[ERROR_STOPPED].serve_exit_code;
    log_write(LOG_ERROR, "pull_failed",
              LOG_FIELDS(LOG_TEXT("outcome", error_rules[err->kind].name), LOG_ORIGIN(err)), "%s", err->text);
    return error_rules[err->kind].leave ? error_rules[err->kind].serve_exit_code : KEEP_SERVING;
}

/* One message, if there is one: KEEP_SERVING, or the exit code. */
static int serve_next(struct serving *serving, bool *out_any, bool *out_reachable)
{
    const struct worker *worker = serving->worker;
    struct delivery delivery = {0};
    struct error err = {0};
    int code = KEEP_SERVING;
    *out_any = false;
    progress_step(progress_of(serving), "waiting for a message");
    *out_reachable = worker->trigger->ops->next(worker->trigger, &delivery, out_any, &err);
    if (worker->observer) worker->observer->pulled(worker->observer->self, &err);
    if (!*out_reachable)
        code = pull_failed(&err);
    else if (*out_any)
        code = serve_message(serving, &delivery);
    delivery_done(&delivery);
    return code;
}

int worker_serve(const struct worker *worker)
{
    struct serving serving = {.worker = worker};
    while (!atomic_load(worker->shutdown)) {
        bool any, reachable;
        int code = serve_next(&serving, &any, &reachable);
        if (code != KEEP_SERVING) return code;
        if (!reachable) clock_sleep_ms(PAUSE_MS, worker->shutdown);
    }
    return error_rules[ERROR_STOPPED].serve_exit_code;
}

int worker_drain(const struct worker *worker)
{
    struct serving serving = {.worker = worker};
    int64_t quiet_since_ms = clock_ms();
    while (!atomic_load(worker->shutdown)) {
        bool any, reachable;
        int code = serve_next(&serving, &any, &reachable);
        if (atomic_load(worker->shutdown)) break;
        if (code != KEEP_SERVING) return code;
        if (!reachable) return CAME_BACK;
        if (any) quiet_since_ms = clock_ms();
        if (!any && clock_ms() - quiet_since_ms >= worker->quiet_ms) return serving.came_back ? CAME_BACK : 0;
    }
    return CAME_BACK;
}
