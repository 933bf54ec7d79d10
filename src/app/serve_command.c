/* SPDX-License-Identifier: Apache-2.0 */
/* serve_command.c - `caseload serve` and `caseload drain`: the worker on a subscription, until SIGTERM or
 * until no message waits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/parse.h"
#include "commands.h"
#include "core/worker.h"
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

struct serving {
    struct services *services;
    bool is_drain, is_announced;
    struct notify *notify;
};

/* Once, when the first pull was answered. */
static void announce(void *self)
{
    struct serving *serving = self;
    struct services *services = serving->services;
    if (serving->is_announced || !pubsub_was_answered(services->trigger)) return;
    serving->is_announced = true;
    outages_set_ready(services->outages, true);
    log_write(LOG_INFO, "serving",
              LOG_FIELDS(LOG_TEXT("version", CASELOAD_VERSION),
                         LOG_TEXT("subscription", services->subscription),
                         LOG_TEXT("workspace", services->identity.workspace)),
              "%s %s", serving->is_drain ? "draining" : "serving", services->subscription);
    pubsub_check_settings(services->trigger);
    serving->notify = notify_start(&services->progress, (int)services->config->stall_seconds);
}

static int serve(struct services *services, bool drain, int64_t quiet_ms)
{
    const struct config *config = services->config;
    struct serving serving = {.services = services, .is_drain = drain};
    struct worker worker = {
        .run = services_context(services),
        .selections = services->selections,
        .selection_count = services->selection_count,
        .trigger = services->trigger,
        .lease = {.lease_s = (int)config->lease_seconds,
                  .stall_s = (int)config->stall_seconds,
                  .on_wedged = give_up},
        .shutdown = &services->shutdown,
        .cancel_run = &services->cancel_run,
        .quiet_ms = quiet_ms,
        .on_pulled = announce,
        .self = &serving,
    };
    services_show_progress(services);
    int code = drain ? worker_drain(&worker) : worker_serve(&worker);
    notify_stop(serving.notify);
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

static bool open_all(struct services *services, bool drain, struct error *err)
{
    outages_set_ready(services->outages, false);
    return services_need_subscription(services, err) && services_open_parts(services, err) &&
           services_open_trigger(services, drain, err) && connect(services, drain, err);
}

static bool read_wait(const struct options *options, int64_t *out_wait_s, struct error *err)
{
    const char *text = options_value(options, "wait");
    if (!text || (parse_int64(text, out_wait_s) && *out_wait_s >= 1 && *out_wait_s <= WAIT_MOST_S))
        return true;
    return error_set(err, ERROR_REQUEST, "--wait is \"%.32s\"; it must be from 1 to %d seconds", text,
                     WAIT_MOST_S);
}

static int work(const struct options *options, bool drain)
{
    static struct services services; /* the signal's thread outlives this function */
    const struct error_rule *stopped = &error_rules[ERROR_STOPPED];
    struct config config;
    struct config_faults faults;
    struct error err = {0};
    int64_t wait_s = WAIT_S;
    int code;
    if (!read_wait(options, &wait_s, &err)) return command_fail(&err);
    bool is_loaded =
        config_load(options->config, options->flags, options->flag_count, &config, &faults, &err);
    code = is_loaded ? 0 : fail_faults(&faults, &err);
    config_faults_done(&faults);
    if (!is_loaded) return code;
    services_catch_signals(&services, drain ? -1 : stopped->serve_exit_code);
    services.is_tireless = !drain;
    services_begin(&services, &config);
    code = open_all(&services, drain, &err) ? serve(&services, drain, wait_s * 1000) : fail(&err);
    services_close(&services);
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
            "is done. "
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
