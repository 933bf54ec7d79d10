/* SPDX-License-Identifier: Apache-2.0 */
/* serve_command.c - `caseload serve`: the worker on a subscription, until SIGTERM. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "commands.h"
#include "core/worker.h"
#include "options.h"
#include "pubsub/pubsub.h"
#include "services.h"

static const char usage[] =
    "caseload serve --config FILE [--SETTING VALUE ...]\n"
    "\n"
    "Waits for messages on the subscription, loads what each asks for, and acknowledges it when that is "
    "done.\n"
    "Exits with 0 on SIGTERM; logs to stderr, one JSON object a line.\n"
    "\n"
    "Settings (in the file; top-level ones also as --setting-name or CASELOAD_SETTING_NAME):\n";

/* The message is redelivered; a core file may show why. */
static void give_up(const char *where)
{
    (void)where; /* the lease has logged it */
    abort();
}

static int fail(const struct error *err)
{
    log_write(LOG_ERROR, "not_started",
              LOG_FIELDS(LOG_TEXT("outcome", error_rules[err->kind].name), LOG_ORIGIN(err)), "%s", err->text);
    return error_rules[err->kind].serve_exit_code;
}

static int serve(struct services *services, const struct config *config)
{
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
    };
    log_write(LOG_INFO, "serving",
              LOG_FIELDS(LOG_TEXT("version", CASELOAD_VERSION),
                         LOG_TEXT("subscription", services->subscription),
                         LOG_TEXT("workspace", services->identity.workspace)),
              "serving %s", services->subscription);
    pubsub_check_settings(services->trigger);
    int code = worker_serve(&worker);
    log_write(LOG_INFO, "stopped", LOG_FIELDS(LOG_NUMBER("exit_code", code)), "stopped");
    return code;
}

int serve_command(int count, char **arguments)
{
    static const char *const own[] = {NULL};
    static struct services services; /* the signal's thread outlives this function */
    struct options options;
    struct config config;
    struct error err = {0};
    int code;
    if (!options_parse(count, arguments, own, &options, &err)) return command_fail(&err);
    if (options.help) {
        fputs(usage, stdout);
        config_print_help(stdout);
        return 0;
    }
    if (!config_load(options.config, options.flags, options.flag_count, &config, &err)) return fail(&err);
    services_catch_signals(&services, error_rules[ERROR_STOPPED].serve_exit_code);
    if (services_open(&services, &config, &err) && services_open_trigger(&services, &err))
        code = serve(&services, &config);
    else
        code = fail(&err);
    services_close(&services);
    config_done(&config);
    return code;
}
