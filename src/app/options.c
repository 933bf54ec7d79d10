/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/suggest.h"
#include "command.h"

static void to_key(const char *option, size_t size, char out[64])
{
    size_t i;
    for (i = 0; i < size && i < 63; i++)
        out[i] = option[i] == '-' ? '_' : option[i];
    out[i] = '\0';
}

/* given: as the user spelled it, with its dashes. */
static bool unknown_option(const struct command *command, const char *given, size_t size, struct error *err)
{
    const char *known[OPTIONS_LIMIT + CONFIG_SETTINGS + 2];
    size_t count = 0;
    char shown[SETTING_KEY], key[64];
    to_key(given + 2, size - 2, key);
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
    return error_set(err, ERROR_REQUEST, "the option %.*s is unknown; %s%s%s", (int)(size < 66 ? size : 66),
                     given, meant ? "did you mean --" : "see --help", meant ? setting_flag(meant, shown) : "",
                     meant ? "?" : "");
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

static bool given_twice(const char *given, size_t size, struct error *err)
{
    return error_set(err, ERROR_REQUEST, "the option %.*s is given twice; give it once",
                     (int)(size < 66 ? size : 66), given);
}

static bool put_setting(struct options *options, const char *key, const char *value, const char *given,
                        size_t size, struct error *err)
{
    for (size_t i = 0; i < options->flag_count; i++)
        if (strcmp(options->flags[i].key, key) == 0) return given_twice(given, size, err);
    if (options->flag_count == FLAGS_LIMIT)
        return error_set(err, ERROR_REQUEST, "more than %d options; put settings into the file", FLAGS_LIMIT);
    snprintf(options->names[options->flag_count], sizeof options->names[0], "%s", key);
    options->flags[options->flag_count] =
        (struct flag){.key = options->names[options->flag_count], .value = value};
    options->flag_count++;
    return true;
}

/* --quiet alone means --quiet true; a value that is no truth value belongs to what follows. */
static const char *value_of_bool(const char *next)
{
    return next && (strcmp(next, "true") == 0 || strcmp(next, "false") == 0) ? next : "true";
}

/* given: with its dashes; next: the argument after it, or NULL. */
static bool put_option(struct options *options, const char *given, const char *next, bool *out_took_next,
                       struct error *err)
{
    const struct command *command = options->command;
    size_t size = strcspn(given, "=");
    char key[64];
    to_key(given + 2, size - 2, key);
    int own = own_index(command, key);
    bool has_config = command->config != CONFIG_UNUSED;
    bool is_config = has_config && strcmp(key, "config") == 0;
    const struct setting *setting = has_config && own < 0 && !is_config ? config_scalar(key) : NULL;
    bool is_switch = own >= 0 && !command->options[own].value;
    if (own < 0 && !is_config && !setting) return unknown_option(command, given, size, err);
    const char *value = given[size] == '='                         ? given + size + 1
                        : is_switch                                ? ""
                        : setting && setting->kind == SETTING_BOOL ? value_of_bool(next)
                                                                   : next;
    *out_took_next = value && value == next;
    if (!value) return error_set(err, ERROR_REQUEST, "the option %.66s needs a value", given);
    if (is_switch && *value)
        return error_set(err, ERROR_REQUEST, "the option --%s takes no value", command->options[own].name);
    if (setting) return put_setting(options, key, value, given, size, err);
    const char **place = is_config ? &options->config : &options->values[own];
    if (*place) return given_twice(given, size, err);
    *place = value;
    return true;
}

/* -c FILE is --config FILE, and -q is --quiet. */
static const char *long_form(const struct command *command, const char *argument)
{
    if (command->config == CONFIG_UNUSED) return argument;
    if (strcmp(argument, "-c") == 0) return "--config";
    return strcmp(argument, "-q") == 0 ? "--quiet" : argument;
}

/* The commands that may go without one say when they need it. */
static bool need_config(struct options *options, struct error *err)
{
    const char *variable = getenv("CASELOAD_CONFIG");
    if (options->command->config == CONFIG_UNUSED || options->config) return true;
    if (variable && *variable) options->config = variable;
    return options->config || options->command->config == CONFIG_OPTIONAL ||
           error_set(err, ERROR_REQUEST, "--config FILE is missing; CASELOAD_CONFIG can name it, too");
}

bool options_parse(const struct command *command, int count, char **arguments, struct options *out_options,
                   struct error *err)
{
    *out_options = (struct options){.command = command};
    for (int i = 0; i < count; i++) {
        bool took_next = false;
        const char *argument = long_form(command, arguments[i]);
        if (strcmp(arguments[i], "--help") == 0 || strcmp(arguments[i], "-h") == 0) {
            out_options->help = true;
            return true;
        }
        if (strncmp(argument, "--", 2) != 0 && command->argument && !out_options->argument) {
            out_options->argument = arguments[i];
            continue;
        }
        if (strncmp(argument, "--", 2) != 0 && command->second && !out_options->second) {
            out_options->second = arguments[i];
            continue;
        }
        if (strncmp(argument, "--", 2) != 0)
            return error_set(err, ERROR_REQUEST, "\"%.64s\" is not an option; options begin with --",
                             arguments[i]);
        if (!put_option(out_options, argument, i + 1 < count ? arguments[i + 1] : NULL, &took_next, err))
            return false;
        i += took_next;
    }
    if (command->argument && !out_options->argument)
        return error_set(err, ERROR_REQUEST, "%s is missing; see caseload %s --help", command->argument,
                         command->name);
    return need_config(out_options, err);
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

bool options_read_number(const struct options *options, const char *name, int64_t most, int64_t *value,
                         struct error *err)
{
    const char *text = options_value(options, name);
    if (!text || (parse_int64(text, value) && *value >= 1 && *value <= most)) return true;
    return error_set(err, ERROR_REQUEST, "--%s is \"%.32s\"; it must be from 1 to %lld", name, text,
                     (long long)most);
}
