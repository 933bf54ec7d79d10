/* SPDX-License-Identifier: Apache-2.0 */
/* config_command.c - `caseload config show`: the settings in force, and where each comes from. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "commands.h"
#include "options.h"
#include "report.h"

static const struct report_column columns[] = {
    {"setting", "setting", false, REPORT_WHOLE},
    {"origin", "from", false, REPORT_WHOLE},
    {"value", "value", false, REPORT_WRAP},
};
static const struct report_column plain_columns[] = {
    {"setting", "setting", false, REPORT_WHOLE},
    {"value", "value", false, REPORT_WRAP},
};

static const char *origin_name(enum config_origin origin)
{
    static const char *const names[] = {[CONFIG_DEFAULT] = "default",
                                        [CONFIG_FILE] = "file",
                                        [CONFIG_ENVIRONMENT] = "environment",
                                        [CONFIG_FLAG] = "flag"};
    return names[origin];
}

/* A token's place is shown, never the token. */
static void add_value(struct report *report, const struct setting *setting, const void *options)
{
    AUTO(json_drop) json_t *value = setting_value(setting, options);
    AUTO(buf_done) struct buf text = buf_limited(LIMIT_CONFIG);
    if (!value) {
        report_none(report);
        return;
    }
    if (json_is_string(value))
        (void)buf_text(&text, json_string_value(value));
    else
        (void)json_write(&text, value);
    if (setting->kind == SETTING_TOKEN) {
        AUTO(mem_free) char *shown = mem_format("*** from %s", buf_string(&text));
        report_text(report, shown);
        return;
    }
    report_value(report, json_incref(value), buf_string(&text));
}

static void add_table(struct report *report, const struct setting_table *table, const void *options,
                      const enum config_origin *origins, bool has_origin)
{
    char name[SETTING_KEY];
    for (size_t i = 0; i < table->count; i++) {
        report_row(report);
        report_text(report, setting_name(&table->settings[i], name));
        if (has_origin) report_text(report, origin_name(origins[i]));
        add_value(report, &table->settings[i], options);
    }
}

static int run(const struct options *options)
{
    struct config config;
    struct error err = {0};
    const bool has_origin = options_has(options, "origin");
    if (strcmp(options->argument, "show") != 0) {
        (void)error_set(&err, ERROR_REQUEST, "\"%.64s\" is unknown; did you mean caseload config show?",
                        options->argument);
        return command_fail(&err);
    }
    if (!command_config(options, &config, &err)) return error_rules[err.kind].run_exit_code;
    AUTO(report_drop)
    struct report *report = report_new("settings", has_origin ? columns : plain_columns, has_origin ? 3 : 2);
    add_table(report, &config_settings, &config, config.origins, has_origin);
    add_table(report, &config.source_type->settings, config.source_options, config.source_origins,
              has_origin);
    report_print(report, options_has(options, "json"), stdout);
    config_done(&config);
    return EXIT_DONE;
}

static const struct command_option options[] = {
    {"origin", NULL, "also where each comes from: default, file, environment or flag"},
    {"json", NULL, "one JSON document"},
};

static const char *const examples[] = {"show --config caseload.json --origin", NULL};

const struct command config_command = {
    .name = "config",
    .argument = "show",
    .summary = "print the settings in force",
    .text =
        "Prints each setting with its value. No service is asked. A token is shown as ***, with the place "
        "where it is.",
    .examples = examples,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .config = CONFIG_NEEDED,
    .run = run,
};
