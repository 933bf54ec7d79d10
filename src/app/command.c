/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "services.h"

const struct command *const *commands_all(size_t *out_count)
{
    static const struct command *const all[] = {
        &serve_command,   &drain_command,   &run_command,      &backfill_command, &status_command,
        &history_command, &show_command,    &rejected_command, &dead_command,     &health_command,
        &streams_command, &schema_command,  &singer_command,   &doctor_command,   &completion_command,
        &manual_command,  &version_command,
    };
    *out_count = sizeof all / sizeof *all;
    return all;
}

static void append(char *out, size_t size, const char *before, const char *text, const char *after)
{
    size_t used = strlen(out);
    (void)snprintf(out + used, size - used, "%s%s%s", before, text, after);
}

void command_synopsis(const struct command *command, char *out, size_t size)
{
    (void)snprintf(out, size, "caseload %s", command->name);
    if (command->argument) append(out, size, " ", command->argument, "");
    if (command->second) append(out, size, " [", command->second, "]");
    if (command->config == CONFIG_NEEDED) append(out, size, " --config FILE", "", "");
    for (size_t i = 0; i < command->option_count; i++) {
        const struct command_option *option = &command->options[i];
        append(out, size, " [--", option->name, option->value ? " " : "]");
        if (option->value) append(out, size, "", option->value, "]");
    }
    if (command->config == CONFIG_OPTIONAL) append(out, size, " [--config FILE]", "", "");
    if (command->config != CONFIG_UNUSED) append(out, size, " [--SETTING VALUE ...]", "", "");
}

int command_fail_as(const struct command *command, const struct error *err)
{
    const char *prefix = command && command->error_prefix ? command->error_prefix : "caseload:";
    fprintf(stderr, "%s %s: %s\n", prefix, error_rules[err->kind].name, err->text);
    return error_rules[err->kind].run_exit_code;
}

int command_fail(const struct error *err)
{
    return command_fail_as(NULL, err);
}

int command_do(const struct options *options,
               bool (*work)(struct services *services, const struct options *options, int *out_code,
                            struct error *err))
{
    static struct services services; /* the signal's thread outlives this function */
    struct config config;
    struct error err = {0};
    int code = 0;
    const struct command *command = options->command;
    bool loaded =
        command->has_no_warehouse
            ? config_load_source(options->config, options->flags, options->flag_count, &config, &err)
            : config_load(options->config, options->flags, options->flag_count, &config, &err);
    if (!loaded) return command_fail_as(command, &err);
    services_catch_signals(&services, error_rules[ERROR_STOPPED].run_exit_code);
    services.config = &config;
    bool done = work(&services, options, &code, &err);
    services_close(&services);
    config_done(&config);
    return done ? code : command_fail_as(command, &err);
}
