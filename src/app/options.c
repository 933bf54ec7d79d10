/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <stdio.h>
#include <string.h>

#include "base/suggest.h"
#include "command.h"

static void to_key(const char *option, size_t size, char out[64])
{
    size_t i;
    for (i = 0; i < size && i < 63; i++)
        out[i] = option[i] == '-' ? '_' : option[i];
    out[i] = '\0';
}

static bool unknown_option(const struct command *command, const char *key, struct error *err)
{
    const char *known[OPTIONS_LIMIT + 64];
    size_t count = 0;
    char shown[64];
    for (size_t i = 0; i < command->option_count; i++)
        known[count++] = command->options[i].name;
    known[count++] = "help";
    if (command->config != CONFIG_UNUSED) {
        known[count++] = "config";
        for (size_t i = 0; i < config_settings.count && count < sizeof known / sizeof *known; i++)
            if (!*config_settings.settings[i].group && config_scalar(config_settings.settings[i].key))
                known[count++] = config_settings.settings[i].key;
    }
    const char *meant = suggest_name(key, known, count);
    snprintf(shown, sizeof shown, "%s", meant ? meant : "");
    for (char *c = shown; *c; c++)
        if (*c == '_') *c = '-';
    return error_set(err, ERROR_REQUEST, "the option --%s is unknown; %s%s%s", key,
                     meant ? "did you mean --" : "see --help", shown, meant ? "?" : "");
}

/* -1: it is not the command's own. Options are written with dashes, keys with underscores. */
static int own_index(const struct command *command, const char *key)
{
    char name[64];
    for (size_t i = 0; i < command->option_count; i++) {
        to_key(command->options[i].name, strlen(command->options[i].name), name);
        if (strcmp(name, key) == 0) return (int)i;
    }
    return -1;
}

static bool put_setting(struct options *options, const char *key, const char *value, struct error *err)
{
    if (options->flag_count == FLAGS_LIMIT)
        return error_set(err, ERROR_REQUEST, "more than %d options; put settings into the file", FLAGS_LIMIT);
    snprintf(options->names[options->flag_count], sizeof options->names[0], "%s", key);
    options->flags[options->flag_count] =
        (struct flag){.key = options->names[options->flag_count], .value = value};
    options->flag_count++;
    return true;
}

static bool is_switch(const struct command *command, int own)
{
    return own >= 0 && !command->options[own].value;
}

/* text: after "--"; next: the argument after it, or NULL. */
static bool put_option(struct options *options, const char *text, const char *next, bool *out_took_next,
                       struct error *err)
{
    const struct command *command = options->command;
    size_t size = strcspn(text, "=");
    char key[64];
    to_key(text, size, key);
    int own = own_index(command, key);
    bool has_config = command->config != CONFIG_UNUSED;
    bool is_config = has_config && strcmp(key, "config") == 0;
    if (own < 0 && !is_config && !(has_config && config_scalar(key)))
        return unknown_option(command, key, err);
    const char *value = text[size] == '=' ? text + size + 1 : is_switch(command, own) ? "" : next;
    *out_took_next = value && value == next;
    if (!value) return error_set(err, ERROR_REQUEST, "the option --%.64s needs a value", text);
    if (is_switch(command, own) && *value)
        return error_set(err, ERROR_REQUEST, "the option --%s takes no value", command->options[own].name);
    if (own < 0 && !is_config) return put_setting(options, key, value, err);
    const char **place = is_config ? &options->config : &options->values[own];
    if (*place) return error_set(err, ERROR_REQUEST, "the option --%.*s is given twice", (int)size, text);
    *place = value;
    return true;
}

bool options_parse(const struct command *command, int count, char **arguments, struct options *out_options,
                   struct error *err)
{
    *out_options = (struct options){.command = command};
    for (int i = 0; i < count; i++) {
        bool took_next = false;
        if (strcmp(arguments[i], "--help") == 0 || strcmp(arguments[i], "-h") == 0) {
            out_options->help = true;
            return true;
        }
        if (strncmp(arguments[i], "--", 2) != 0 && command->argument && !out_options->argument) {
            out_options->argument = arguments[i];
            continue;
        }
        if (strncmp(arguments[i], "--", 2) != 0 && command->second && !out_options->second) {
            out_options->second = arguments[i];
            continue;
        }
        if (strncmp(arguments[i], "--", 2) != 0)
            return error_set(err, ERROR_REQUEST, "\"%.64s\" is not an option; options begin with --",
                             arguments[i]);
        if (!put_option(out_options, arguments[i] + 2, i + 1 < count ? arguments[i + 1] : NULL, &took_next,
                        err))
            return false;
        i += took_next;
    }
    if (command->argument && !out_options->argument)
        return error_set(err, ERROR_REQUEST, "%s is missing; see caseload %s --help", command->argument,
                         command->name);
    if (command->config == CONFIG_NEEDED && !out_options->config)
        return error_set(err, ERROR_REQUEST, "--config FILE is missing");
    return true;
}

const char *options_value(const struct options *options, const char *name)
{
    for (size_t i = 0; i < options->command->option_count; i++)
        if (strcmp(options->command->options[i].name, name) == 0) return options->values[i];
    return NULL;
}

bool options_has(const struct options *options, const char *name)
{
    return options_value(options, name) != NULL;
}

void options_take_streams(struct options *options)
{
    size_t kept = 0;
    for (size_t i = 0; i < options->flag_count; i++) {
        if (strcmp(options->flags[i].key, "streams") == 0)
            options->streams = options->flags[i].value;
        else
            options->flags[kept++] = options->flags[i];
    }
    options->flag_count = kept;
}
