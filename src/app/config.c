/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "config_load.h"

#define KNOWN_KEYS   96
#define FAULTS_LIMIT (64 * 1024)
#define HOW_TO_KNOW  "remove it, or see caseload run --help"

const struct setting *config_scalar(const char *key)
{
    const struct setting *setting = setting_find(&config_settings, "", key);
    bool is_object = setting && (setting->kind == SETTING_TOKEN || setting->kind == SETTING_RELATION ||
                                 setting->kind == SETTING_DISABLED);
    return is_object ? NULL : setting;
}

extern char **environ; /* of POSIX; no header declares it */

static bool is_group(const char *key)
{
    for (size_t i = 0; i < config_settings.count; i++)
        if (*config_settings.settings[i].group && strcmp(config_settings.settings[i].group, key) == 0)
            return true;
    return false;
}

static void add_known(const struct setting_table *table, const char *group, const char **known, size_t *count)
{
    for (size_t i = 0; i < table->count && *count < KNOWN_KEYS; i++) {
        const struct setting *setting = &table->settings[i];
        const char *name = strcmp(setting->group, group) == 0 ? setting->key
                           : !*group                          ? setting->group
                                                              : NULL;
        if (name) known[(*count)++] = name;
    }
}

/* ---- faults */

static void note_faulty(struct config_load *load, const char *name)
{
    if (!*name || load->faulty_count == CONFIG_SETTINGS) return;
    (void)snprintf(load->faulty[load->faulty_count++], SETTING_KEY, "%s", name);
}

void config_fault(struct config_load *load, const char *name, const struct error *fault)
{
    struct config_faults *faults = load->faults;
    const struct config_place *place = *name ? config_places_find(&load->places, name) : NULL;
    struct error located = *fault;
    if (place)
        (void)error_wrap(&located, "%s:%d:%d", load->path, place->line, place->column);
    else if (strncmp(located.text, "CASELOAD_", 9) != 0 && strncmp(located.text, "--", 2) != 0)
        (void)error_wrap(&located, "%s", load->path);
    if (faults->count++ == 0) *load->err = located;
    (void)buf_format(&faults->lines, "%s\n", located.text);
    note_faulty(load, name);
}

bool config_is_faulty(const struct config_load *load, const char *name)
{
    for (size_t i = 0; i < load->faulty_count; i++)
        if (strcmp(load->faulty[i], name) == 0) return true;
    return false;
}

void config_faults_done(struct config_faults *faults)
{
    buf_done(&faults->lines);
    faults->count = 0;
}

/* ---- the file */

static const char *full_name(const char *group, const char *key, char out[SETTING_KEY])
{
    (void)snprintf(out, SETTING_KEY, "%s%s%s", group, *group ? "." : "", key);
    return out;
}

static void unknown_key(struct config_load *load, const char *group, const char *key)
{
    char hint[SUGGEST_HINT];
    const char *known[KNOWN_KEYS];
    char name[SETTING_KEY];
    size_t count = 0;
    add_known(&config_settings, group, known, &count);
    add_known(&load->config->source_type->settings, group, known, &count);
    CONFIG_FAULT(load, full_name(group, key, name), "\"%s%s%.64s\" is unknown; %s", group, *group ? "." : "",
                 key, suggest_hint(key, known, count, HOW_TO_KNOW, hint));
}

static void read_value(struct config_load *load, const char *group, const char *key, const json_t *value)
{
    struct config *config = load->config;
    const struct setting *setting = setting_find(&config_settings, group, key);
    const struct setting *own = setting_find(&config->source_type->settings, group, key);
    void *options = setting ? (void *)config : config->source_options;
    char name[SETTING_KEY];
    struct error err;
    if (!setting && !own)
        unknown_key(load, group, key);
    else if (!setting_read_json(setting ? setting : own, options, value, &err))
        config_fault(load, full_name(group, key, name), &err);
}

/* The reader of JSON has renamed the earlier one of two equal keys. */
static bool is_renamed(const struct config_load *load, const char *group, const char *key)
{
    char name[SETTING_KEY];
    return load->normalisations.duplicates > 0 && strstr(key, " (") &&
           !config_places_find(&load->places, full_name(group, key, name));
}

static void read_group(struct config_load *load, const char *group, json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach (object, key, value) {
        if (is_renamed(load, group, key)) continue;
        if (*group || !is_group(key)) {
            read_value(load, group, key, value);
        } else if (!json_is_object(value)) {
            CONFIG_FAULT(load, key, "%s must be an object", key);
        } else {
            read_group(load, key, value);
        }
    }
}

static void check_twice(struct config_load *load)
{
    for (size_t i = 0; i < load->places.count; i++) {
        const struct config_place *place = &load->places.places[i];
        if (!place->is_again) continue;
        CONFIG_FAULT(load, place->name, "\"%s\" is given twice; remove one of the two", place->name);
    }
}

static bool read_file(struct config_load *load, json_t **out_root)
{
    AUTO(json_drop) json_t *root = NULL;
    AUTO(buf_done) struct buf text = {0};
    struct error err;
    if (!file_read(load->path, LIMIT_CONFIG, &text, &err)) {
        err.kind = ERROR_CONFIG;
        load->faults->count++;
        *load->err = err;
        return error_wrap(load->err, "the configuration");
    }
    config_blank_comments(text.data, text.size);
    load->places = config_places_read(buf_string(&text), text.size);
    if (load->places.problem)
        (void)error_set(&err, ERROR_CONFIG, "%s:%d:%d: it is not JSON: %s", load->path, load->places.line,
                        load->places.column, load->places.problem);
    else if (!json_read(buf_string(&text), text.size, &load->normalisations, &root, &err))
        (void)error_wrap(&err, "the configuration %s is not JSON", load->path);
    else if (!json_is_object(root))
        (void)error_set(&err, ERROR_CONFIG, "the configuration %s must be one JSON object", load->path);
    else {
        *out_root = json_incref(root);
        return true;
    }
    err.kind = ERROR_CONFIG;
    load->faults->count++;
    *load->err = err;
    return false;
}

static void unknown_type(struct config_load *load)
{
    const struct source_type *type;
    AUTO(buf_done) struct buf known = buf_limited(LIMIT_NAME);
    for (size_t i = 0; (type = source_type_at(i)) != NULL; i++)
        (void)buf_format(&known, "%s\"%s\"", i ? ", " : "", type->name);
    CONFIG_FAULT(load, "source.type", "source.type is \"%.64s\"; it must be one of: %s",
                 load->config->source_name, buf_string(&known));
}

/* source.type decides which other keys "source" may have, so it is read before them. */
static bool choose_source(struct config_load *load, const json_t *root)
{
    struct config *config = load->config;
    const json_t *name = json_object_get(json_object_get(root, "source"), "type");
    struct error err;
    if (name && !setting_read_json(setting_find(&config_settings, "source", "type"), config, name, &err)) {
        config_fault(load, "source.type", &err);
        return false;
    }
    config->source_type = source_type_find(config->source_name);
    if (!config->source_type) {
        unknown_type(load);
        return false;
    }
    config->source_options = mem_zero(1, config->source_type->options_size);
    if (!settings_init(&config->source_type->settings, config->source_options, &err)) abort(); /* our table */
    return true;
}

/* ---- the environment and the flags */

static void to_variable(const char *key, char out[SETTING_KEY])
{
    int size = snprintf(out, SETTING_KEY, "CASELOAD_%s", key);
    for (int c = 0; c < size; c++)
        out[c] = (char)toupper((unsigned char)out[c]);
}

/* Variables that are no settings. */
static const char *const other_variables[] = {"CASELOAD_CONFIG", "CASELOAD_CORE_DUMPS"};
#define OTHER_VARIABLES (sizeof other_variables / sizeof *other_variables)

static void check_variable(struct config_load *load, const char *given)
{
    char hint[SUGGEST_HINT];
    char names[KNOWN_KEYS][SETTING_KEY], name[SETTING_KEY];
    const char *known[KNOWN_KEYS + OTHER_VARIABLES];
    size_t count = 0;
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(given, "="), given);
    for (size_t i = 0; i < OTHER_VARIABLES; i++)
        known[count++] = other_variables[i];
    for (size_t i = 0; i < config_settings.count && i < KNOWN_KEYS; i++) {
        if (*config_settings.settings[i].group) continue;
        to_variable(config_settings.settings[i].key, names[i]);
        known[count++] = names[i];
    }
    for (size_t i = 0; i < count; i++)
        if (strcmp(known[i], name) == 0) return;
    CONFIG_FAULT(load, "", "%s is unknown in the environment; %s", name,
                 suggest_hint(name, known, count, HOW_TO_KNOW, hint));
}

static void read_environment(struct config_load *load)
{
    struct config *config = load->config;
    struct error err;
    for (char **variable = environ; *variable; variable++)
        if (strncmp(*variable, "CASELOAD_", 9) == 0) check_variable(load, *variable);
    for (size_t i = 0; i < config_settings.count; i++) {
        const struct setting *setting = &config_settings.settings[i];
        char name[SETTING_KEY];
        if (*setting->group) continue;
        to_variable(setting->key, name);
        const char *text = getenv(name);
        if (!text) continue;
        config->origins[i] = CONFIG_ENVIRONMENT;
        if (setting_parse(setting, config, text, &err)) continue;
        (void)error_wrap(&err, "%s", name);
        config_fault(load, "", &err);
        note_faulty(load, setting->key);
    }
}

static void read_flags(struct config_load *load, const struct flag *flags, size_t count)
{
    struct error err;
    for (size_t i = 0; i < count; i++) {
        const struct setting *setting = config_scalar(flags[i].key);
        char name[SETTING_KEY];
        load->config->origins[setting - config_settings.settings] = CONFIG_FLAG;
        if (setting_parse(setting, load->config, flags[i].value, &err)) continue;
        (void)error_wrap(&err, "--%s", setting_flag(setting->key, name));
        config_fault(load, "", &err);
        note_faulty(load, setting->key);
    }
}

/* ---- */

static void note_origins(struct config_load *load)
{
    const struct setting_table *own = &load->config->source_type->settings;
    char name[SETTING_KEY];
    for (size_t i = 0; i < config_settings.count; i++)
        if (config_places_find(&load->places, setting_name(&config_settings.settings[i], name)))
            load->config->origins[i] = CONFIG_FILE;
    for (size_t i = 0; i < own->count; i++)
        if (config_places_find(&load->places, setting_name(&own->settings[i], name)))
            load->config->source_origins[i] = CONFIG_FILE;
}

static void load_all(struct config_load *load, const struct flag *flags, size_t flag_count)
{
    AUTO(json_drop) json_t *root = NULL;
    if (!settings_init(&config_settings, load->config, load->err)) abort(); /* our table */
    if (!read_file(load, &root)) return;
    check_twice(load);
    bool has_source = choose_source(load, root);
    if (has_source) note_origins(load);
    if (has_source) read_group(load, "", root);
    read_environment(load);
    read_flags(load, flags, flag_count);
    if (has_source) config_check(load);
}

bool config_load(const char *path, const struct flag *flags, size_t flag_count, bool has_warehouse,
                 struct config *out_config, struct config_faults *out_faults, struct error *err)
{
    struct config_load load = {
        .config = out_config, .path = path, .has_warehouse = has_warehouse, .faults = out_faults, .err = err};
    *out_config = (struct config){0};
    *out_faults = (struct config_faults){.lines = buf_limited(FAULTS_LIMIT)};
    load_all(&load, flags, flag_count);
    config_places_done(&load.places);
    if (out_faults->count == 0) return true;
    config_done(out_config);
    return false;
}

void config_done(struct config *config)
{
    settings_done(&config_settings, config);
    if (config->source_options) settings_done(&config->source_type->settings, config->source_options);
    free(config->source_options);
    *config = (struct config){0};
}

void config_print_help(FILE *out)
{
    const struct source_type *type;
    settings_print(&config_settings, out);
    for (size_t i = 0; (type = source_type_at(i)) != NULL; i++) {
        fprintf(out, "\nIf source.type is \"%s\":\n", type->name);
        settings_print(&type->settings, out);
    }
}
