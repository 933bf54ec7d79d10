/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "core/request.h"
#include "services.h"

const struct command *const *commands_all(size_t *out_count)
{
    /* clang-format off */
    static const struct command *const all[] = {
        &init_command,
        &config_command,
        &check_command,
        &plan_command,
        &preview_command,
        &serve_command,
        &drain_command,
        &run_command,
        &backfill_command,
        &status_command,
        &history_command,
        &show_command,
        &rejected_command,
        &dead_command,
        &health_command,
        &streams_command,
        &schema_command,
        &singer_command,
        &doctor_command,
        &completion_command,
        &manual_command,
        &version_command,
    };
    /* clang-format on */
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

bool command_config(const struct options *options, struct config *out_config, struct error *err)
{
    struct config_faults faults;
    const struct command *command = options->command;
    bool done = config_load(options->config, options->flags, options->flag_count, !command->has_no_warehouse,
                            out_config, &faults, err);
    const char *line = buf_string(&faults.lines);
    if (!done && faults.count <= 1) (void)command_fail_as(command, err);
    for (size_t size; !done && faults.count > 1 && *line; line += size + 1) {
        size = strcspn(line, "\n");
        fprintf(stderr, "%s %s: %.*s\n",
                command->error_prefix ? command->error_prefix : "caseload:", error_rules[err->kind].name,
                (int)size, line);
    }
    config_faults_done(&faults);
    return done;
}

bool command_request(const struct services *services, const struct options *options,
                     struct request *out_request, struct error *err)
{
    const struct config *config = services->config;
    return request_from_flags(options->streams, options_value(options, "from"), options_value(options, "to"),
                              services->selections, services->selection_count, out_request, err) &&
           (!out_request->has_from ||
            config_check_day(config, ERROR_REQUEST, "--from", out_request->from, err)) &&
           (!out_request->has_to || config_check_day(config, ERROR_REQUEST, "--to", out_request->to, err));
}

int command_do(const struct options *options,
               bool (*work)(struct services *services, const struct options *options, int *out_code,
                            struct error *err))
{
    static struct services services; /* the signal's thread outlives this function */
    struct config config;
    struct error err = {0};
    int code = EXIT_DONE;
    if (!command_config(options, &config, &err)) return error_rules[err.kind].run_exit_code;
    services_catch_signals(&services, -1);
    services.is_tap = options->command->is_tap;
    services_begin(&services, &config);
    bool done = work(&services, options, &code, &err);
    services_close(&services);
    config_done(&config);
    return done ? code : command_fail_as(options->command, &err);
}
