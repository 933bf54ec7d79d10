/* SPDX-License-Identifier: Apache-2.0 */
/* serve_command.c - `caseload serve` and `caseload drain`: a worker on each subscription, until SIGTERM or
 * until no message waits.
 *
 * Ticks and backfills have a thread, and all services, for themselves, so that a tick never waits behind a
 * backfill. They share one rate limit of the source, as two processes would. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "commands.h"
#include "core/worker.h"
#include "health.h"
#include "notify.h"
#include "options.h"
#include "outages.h"
#include "pubsub/pubsub.h"
#include "services.h"

#define WAIT_S      10 /* Pub/Sub may answer that no message waits while one does */
#define WAIT_MOST_S 3600
#define PAUSE_MS    5000 /* between two tries to start */

/* The message is redelivered; a core file may show why. */
static void give_up(const char *where)
{
    (void)where; /* the lease has logged it */
    abort();
}

static void log_fault(const char *text, const struct error *err)
{
    log_write(LOG_ERROR, "not_started",
              LOG_FIELDS(LOG_TEXT("outcome", error_rules[err->kind].name), LOG_ORIGIN(err)), "%s", text);
}

static int fail(const struct error *err)
{
    log_fault(err->text, err);
    return error_rules[err->kind].serve_exit_code;
}

/* A fault a record. */
static int fail_faults(const struct config_faults *faults, const struct error *err)
{
    const char *line = buf_string(&faults->lines);
    if (faults->count <= 1) return fail(err);
    for (size_t size; *line; line += size + 1) {
        char text[sizeof err->text];
        size = strcspn(line, "\n");
        (void)snprintf(text, sizeof text, "%.*s", (int)size, line);
        log_fault(text, err);
    }
    return error_rules[err->kind].serve_exit_code;
}

static void count_extension(void *metrics, bool is_extended)
{
    metrics_lease(metrics, is_extended);
}

/* One subscription, its worker and its thread. */
struct server {
    struct services services;
    pthread_t thread;
    bool is_started;
    bool drain;
    int64_t quiet_ms;
    struct worker worker;
    struct worker_observer observer;        /* of the worker; it tells heard_by */
    const struct worker_observer *heard_by; /* the monitor */
    bool is_announced;
    bool has_notify; /* the service manager hears of this one */
    struct notify *notify;
    int code;
};

/* Once, when the first pull was answered. */
static void announce(struct server *server)
{
    struct services *services = &server->services;
    if (server->is_announced || !pubsub_was_answered(services->trigger)) return;
    server->is_announced = true;
    outages_set_ready(services->outages, true);
    log_write(LOG_INFO, "serving",
              LOG_FIELDS(LOG_TEXT("version", CASELOAD_VERSION),
                         LOG_TEXT("subscription", services->subscription),
                         LOG_TEXT("workspace", services->identity.workspace)),
              "%s %s", server->drain ? "draining" : "serving", services->subscription);
    int attempts = pubsub_check_settings(services->trigger);
    server->worker.max_attempts = attempts > 0 ? attempts : 0;
    if (server->has_notify)
        server->notify = notify_start(&services->progress, (int)services->config->stall_seconds);
}

static void pulled(void *self, const struct error *err)
{
    struct server *server = self;
    server->heard_by->pulled(server->heard_by->self, err);
    announce(server);
}

static void began(void *self, const struct delivery *delivery, const char *run_id)
{
    const struct server *server = self;
    server->heard_by->began(server->heard_by->self, delivery, run_id);
}

static void ended(void *self, const struct run_report *report, const struct error *err)
{
    const struct server *server = self;
    server->heard_by->ended(server->heard_by->self, report, err);
}

static int work_on(struct server *server)
{
    struct services *services = &server->services;
    const struct config *config = services->config;
    server->observer =
        (struct worker_observer){.pulled = pulled, .began = began, .ended = ended, .self = server};
    server->worker = (struct worker){
        .run = services_context(services),
        .selections = services->selections,
        .selection_count = services->selection_count,
        .trigger = services->trigger,
        .lease = {.lease_s = (int)config->lease_seconds,
                  .stall_s = (int)config->stall_seconds,
                  .on_wedged = give_up,
                  .on_extended = count_extension,
                  .self = services->metrics},
        .shutdown = &services->shutdown,
        .cancel_run = &services->cancel_run,
        .observer = &server->observer,
        .quiet_ms = server->quiet_ms,
    };
    const struct worker *worker = &server->worker;
    return server->drain ? worker_drain(worker) : worker_serve(worker);
}

/* A worker that ends for a reason of its own ends the other, too; one that finds no more messages does not.
 */
static void *serve_beside(void *self)
{
    struct server *server = self;
    server->code = work_on(server);
    if (server->code != EXIT_DONE || !server->drain) services_stop(server->services.peer);
    return NULL;
}

static int serve(struct server servers[2])
{
    struct server *ticks = &servers[0], *backfills = &servers[1];
    ticks->has_notify = true;
    services_show_progress(&ticks->services);
    if (backfills->services.trigger) {
        if (isatty(STDERR_FILENO) == 0) services_show_progress(&backfills->services); /* no room for two */
        backfills->is_started = pthread_create(&backfills->thread, NULL, serve_beside, backfills) == 0;
        if (!backfills->is_started) abort(); /* like no memory */
    }
    ticks->code = work_on(ticks);
    if (ticks->code != EXIT_DONE || !ticks->drain) services_stop(&backfills->services);
    if (backfills->is_started) (void)pthread_join(backfills->thread, NULL);
    notify_stop(ticks->notify);
    int code = ticks->code != EXIT_DONE ? ticks->code : backfills->code;
    log_write(LOG_INFO, "stopped", LOG_FIELDS(LOG_NUMBER("exit_code", code)), "stopped");
    return code;
}

static bool may_pass(const struct error *err)
{
    return err->kind == ERROR_BUSY || err->kind == ERROR_UNREACHABLE || err->kind == ERROR_LIMIT;
}

/* serve tries on as long as a service may come back; drain is started again anyway. */
static bool connect(struct services *services, bool drain, struct error *err)
{
    while (!services_connect(services, err)) {
        if (drain || !may_pass(err)) return false;
        log_write(LOG_WARNING, "not_ready",
                  LOG_FIELDS(LOG_TEXT("outcome", error_rules[err->kind].name), LOG_ORIGIN(err)),
                  "not ready, and tried on: %s", err->text);
        if (!clock_sleep_ms(PAUSE_MS, &services->shutdown))
            return error_set(err, ERROR_STOPPED, "stopped before the services answered");
    }
    return true;
}

/* Everything but the signals is the subscription's own: each has its thread. */
static bool open_server(struct server *server, const struct config *config, const char *subscription,
                        struct error *err)
{
    struct services *services = &server->services;
    services_begin(services, config);
    free(services->subscription);
    services->subscription = config_resource(config, "subscriptions", subscription);
    outages_set_ready(services->outages, false);
    return services_need_subscription(services, err) && services_open_parts(services, err) &&
           services_open_workers(services, err) && services_open_trigger(services, server->drain, err) &&
           connect(services, server->drain, err);
}

static bool open_servers(struct server servers[2], const struct config *config, struct monitor *monitor,
                         struct error *err)
{
    const char *ticks = config->subscription, *backfills = config->backfill_subscription;
    if (backfills && ticks && strcmp(backfills, ticks) == 0)
        return error_set(err, ERROR_CONFIG,
                         "backfill_subscription is the same as subscription; name another");
    if (!open_server(&servers[0], config, ticks, err)) return false;
    if (backfills && !open_server(&servers[1], config, backfills, err)) return false;
    monitor_open(monitor, servers[0].services.selections, servers[0].services.selection_count);
    for (size_t i = 0; i < 2; i++)
        if (servers[i].services.trigger)
            servers[i].heard_by = monitor_add_worker(monitor, &servers[i].services.progress);
    metrics_add_source(servers[0].services.metrics, "ticks", servers[0].services.source);
    if (servers[1].services.source)
        metrics_add_source(servers[1].services.metrics, "backfills", servers[1].services.source);
    return true;
}

static int open_and_serve(struct server servers[2], const struct config *config)
{
    struct monitor monitor;
    struct health *health = NULL;
    struct metrics *metrics = servers[0].services.metrics;
    struct error err = {0};
    monitor_init(&monitor, config->start_date, (int)config->stall_seconds);
    monitor_start(&monitor);
    bool is_open = (!config->health || health_start(config->health, &monitor, metrics, &health, &err)) &&
                   open_servers(servers, config, &monitor, &err);
    int code = is_open ? serve(servers) : fail(&err);
    health_stop(health);
    monitor_done(&monitor);
    return code;
}

static bool load(const struct options *options, struct config *out_config, int *out_code, struct error *err)
{
    struct config_faults faults;
    bool done =
        config_load(options->config, options->flags, options->flag_count, true, out_config, &faults, err);
    *out_code = done ? EXIT_DONE : fail_faults(&faults, err);
    config_faults_done(&faults);
    return done;
}

static int work(const struct options *options, bool drain)
{
    static struct server servers[2]; /* the signal's thread outlives this function */
    struct config config;
    const struct error_rule *stopped = &error_rules[ERROR_STOPPED];
    struct error err = {0};
    int64_t wait_s = WAIT_S;
    int code;
    if (!options_read_number(options, "wait", WAIT_MOST_S, &wait_s, &err)) return command_fail(&err);
    for (size_t i = 0; i < 2; i++) {
        servers[i].drain = drain;
        servers[i].quiet_ms = wait_s * 1000;
        servers[i].services.peer = &servers[1 - i].services;
        servers[i].services.is_tireless = !drain;
    }
    if (!load(options, &config, &code, &err)) return code;
    struct metrics *metrics = metrics_new(); /* freed after all that count */
    servers[0].services.metrics = servers[1].services.metrics = metrics;
    services_catch_signals(&servers[0].services, drain ? -1 : stopped->serve_exit_code);
    code = open_and_serve(servers, &config);
    services_close(&servers[1].services);
    services_close(&servers[0].services);
    metrics_free(metrics);
    config_done(&config);
    return code;
}

static int serve_until_stopped(const struct options *options)
{
    return work(options, false);
}

static int serve_until_empty(const struct options *options)
{
    return work(options, true);
}

static const struct command_option drain_options[] = {
    {"wait", "SECONDS", "end when no message came for so long (default 10)"}};

const struct command serve_command = {
    .name = "serve",
    .summary = "process messages until SIGTERM",
    .text = "Waits for messages on the subscription, loads what each asks for, and acknowledges it when that "
            "is done. With backfill_subscription it serves that, too: one message of each at a time. "
            "Exits with 0 on SIGTERM; logs to stderr, one JSON object a line.",
    .config = CONFIG_NEEDED,
    .run = serve_until_stopped,
};

const struct command drain_command = {
    .name = "drain",
    .summary = "process the messages that wait, then end",
    .text = "Loads what the messages that wait on the subscription ask for, acknowledges each, and ends when "
            "no other "
            "comes: for a cron line or a Cloud Run job. Exits with 0 if all were acknowledged, and with 75 "
            "if one came "
            "back: start it again later. Logs to stderr, one JSON object a line.",
    .options = drain_options,
    .option_count = 1,
    .config = CONFIG_NEEDED,
    .run = serve_until_empty,
};
