/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"
#include "options.h"

static void to_key(const char *option, size_t size, char out[64])
{
    size_t i;
    for (i = 0; i < size && i < 63; i++)
        out[i] = option[i] == '-' ? '_' : option[i];
    out[i] = '\0';
}

static bool unknown_option(const char *key, const char *const *own, struct error *err)
{
    const char *known[64];
    size_t count = 0;
    char shown[64];
    while (own[count]) {
        known[count] = own[count];
        count++;
    }
    known[count++] = "config";
    known[count++] = "help";
    for (size_t i = 0; i < config_settings.count && count < 64; i++)
        if (!*config_settings.settings[i].group && config_scalar(config_settings.settings[i].key))
            known[count++] = config_settings.settings[i].key;
    const char *meant = suggest_name(key, known, count);
    snprintf(shown, sizeof shown, "%s", meant ? meant : "");
    for (char *c = shown; *c; c++)
        if (*c == '_') *c = '-';
    return error_set(err, ERROR_REQUEST, "the option --%s is unknown; %s%s%s", key,
                     meant ? "did you mean --" : "see --help", shown, meant ? "?" : "");
}

static bool is_own(const char *key, const char *const *own)
{
    for (size_t i = 0; own[i]; i++)
        if (strcmp(own[i], key) == 0) return true;
    return false;
}

static bool put_option(struct options *options, const char *key, const char *value, const char *const *own,
                       struct error *err)
{
    if (strcmp(key, "config") == 0) {
        options->config = value;
    } else if (is_own(key, own) && strcmp(key, "from") == 0) {
        options->from = value;
    } else if (is_own(key, own) && strcmp(key, "to") == 0) {
        options->to = value;
    } else if (is_own(key, own) && strcmp(key, "wait") == 0) {
        options->wait = value;
    } else if (is_own(key, own) && strcmp(key, "topic") == 0) {
        options->topic = value;
    } else if (config_scalar(key)) {
        if (options->flag_count == FLAGS_LIMIT)
            return error_set(err, ERROR_REQUEST, "more than %d options; put settings into the file",
                             FLAGS_LIMIT);
        snprintf(options->names[options->flag_count], sizeof options->names[0], "%s", key);
        options->flags[options->flag_count] =
            (struct flag){.key = options->names[options->flag_count], .value = value};
        options->flag_count++;
    } else {
        return unknown_option(key, own, err);
    }
    return true;
}

bool options_parse(int count, char **arguments, const char *const *own, struct options *out_options,
                   struct error *err)
{
    *out_options = (struct options){0};
    for (int i = 0; i < count; i++) {
        const char *option = arguments[i], *value;
        char key[64];
        if (strcmp(option, "--help") == 0 || strcmp(option, "-h") == 0) {
            out_options->help = true;
            return true;
        }
        if (strncmp(option, "--", 2) != 0)
            return error_set(err, ERROR_REQUEST, "\"%.64s\" is not an option; options begin with --", option);
        size_t size = strcspn(option + 2, "=");
        to_key(option + 2, size, key);
        value = option[2 + size] == '=' ? option + 3 + size : i + 1 < count ? arguments[++i] : NULL;
        if (!value) return error_set(err, ERROR_REQUEST, "the option --%.64s needs a value", option + 2);
        if (!put_option(out_options, key, value, own, err)) return false;
    }
    if (!out_options->config) return error_set(err, ERROR_REQUEST, "--config FILE is missing");
    return true;
}

const char *options_take_streams(struct options *options)
{
    const char *streams = NULL;
    size_t kept = 0;
    for (size_t i = 0; i < options->flag_count; i++) {
        if (strcmp(options->flags[i].key, "streams") == 0)
            streams = options->flags[i].value;
        else
            options->flags[kept++] = options->flags[i];
    }
    options->flag_count = kept;
    return streams;
}

bool options_take_switch(int *inout_count, char **arguments, const char *option)
{
    int kept = 0;
    for (int i = 0; i < *inout_count; i++)
        if (strcmp(arguments[i], option) != 0) arguments[kept++] = arguments[i];
    bool is_given = kept < *inout_count;
    *inout_count = kept;
    return is_given;
}
