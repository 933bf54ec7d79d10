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
#include "base/zone.h"
#include "bigquery/bigquery.h"

#define KNOWN_KEYS 96

const struct setting *config_scalar(const char *key)
{
    const struct setting *setting = setting_find(&config_settings, "", key);
    bool is_object = setting && (setting->kind == SETTING_TOKEN || setting->kind == SETTING_RELATION ||
                                 setting->kind == SETTING_DISABLED);
    return is_object ? NULL : setting;
}

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

static bool unknown_key(const struct config *config, const char *group, const char *key, struct error *err)
{
    const char *known[KNOWN_KEYS];
    size_t count = 0;
    add_known(&config_settings, group, known, &count);
    add_known(&config->source_type->settings, group, known, &count);
    const char *meant = suggest_name(key, known, count);
    return error_set(err, ERROR_CONFIG, "the key \"%s%s%.64s\" is unknown; %s%s%s", group, *group ? "." : "",
                     key, meant ? "did you mean \"" : "remove it, or see caseload run --help",
                     meant ? meant : "", meant ? "\"?" : "");
}

static bool read_value(struct config *config, const char *group, const char *key, const json_t *value,
                       struct error *err)
{
    const struct setting *setting = setting_find(&config_settings, group, key);
    if (setting) return setting_read_json(setting, config, value, err);
    setting = setting_find(&config->source_type->settings, group, key);
    if (setting) return setting_read_json(setting, config->source_options, value, err);
    return unknown_key(config, group, key, err);
}

static bool read_group(struct config *config, const char *group, json_t *object, struct error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach (object, key, value) {
        if (*group || !is_group(key)) {
            if (!read_value(config, group, key, value, err)) return false;
        } else if (!json_is_object(value)) {
            return error_set(err, ERROR_CONFIG, "%s must be an object", key);
        } else if (!read_group(config, key, value, err)) {
            return false;
        }
    }
    return true;
}

static bool read_file(const char *path, json_t **out_root, struct error *err)
{
    AUTO(json_drop) json_t *root = NULL;
    AUTO(buf_done) struct buf text = {0};
    if (!file_read(path, LIMIT_CONFIG, &text, err)) return error_wrap(err, "the configuration");
    if (!json_read(buf_string(&text), text.size, NULL, &root, err)) {
        err->kind = ERROR_CONFIG;
        return error_wrap(err, "the configuration %s is not JSON", path);
    }
    if (!json_is_object(root))
        return error_set(err, ERROR_CONFIG, "the configuration %s must be one JSON object", path);
    *out_root = json_incref(root);
    return true;
}

static bool unknown_type(const char *name, struct error *err)
{
    const struct source_type *type;
    AUTO(buf_done) struct buf known = buf_limited(LIMIT_NAME);
    for (size_t i = 0; (type = source_type_at(i)) != NULL; i++)
        (void)buf_format(&known, "%s\"%s\"", i ? ", " : "", type->name);
    return error_set(err, ERROR_CONFIG, "source.type is \"%.64s\"; it must be one of: %s", name,
                     buf_string(&known));
}

/* source.type decides which other keys "source" may have, so it is read before them. */
static bool choose_source(struct config *config, const json_t *root, struct error *err)
{
    const json_t *name = json_object_get(json_object_get(root, "source"), "type");
    if (name && !setting_read_json(setting_find(&config_settings, "source", "type"), config, name, err))
        return false;
    config->source_type = source_type_find(config->source_name);
    if (!config->source_type) return unknown_type(config->source_name, err);
    config->source_options = mem_zero(1, config->source_type->options_size);
    return settings_init(&config->source_type->settings, config->source_options, err);
}

static bool read_environment(struct config *config, struct error *err)
{
    for (size_t i = 0; i < config_settings.count; i++) {
        const struct setting *setting = &config_settings.settings[i];
        char name[SETTING_KEY];
        if (*setting->group || !config_scalar(setting->key)) continue;
        int size = snprintf(name, sizeof name, "CASELOAD_%s", setting->key);
        for (int c = 0; c < size; c++)
            name[c] = (char)toupper((unsigned char)name[c]);
        const char *text = getenv(name);
        if (text && !setting_parse(setting, config, text, err)) return error_wrap(err, "%s", name);
    }
    return true;
}

static bool check_start(const struct config *config, struct error *err)
{
    const struct source_type *type = config->source_type;
    char text[DAY_TEXT];
    if (day_compare(config->start_date, day_of_civil(type->first_year, 1, 1)) >= 0) return true;
    day_format(config->start_date, text);
    return error_set(err, ERROR_CONFIG,
                     "start_date is %s, but %s holds nothing from before %d; check the year", text,
                     type->name, type->first_year);
}

static bool is_of_warehouse(const struct setting *setting)
{
    return setting->offset == offsetof(struct config, project) ||
           setting->offset == offsetof(struct config, dataset) ||
           setting->offset == offsetof(struct config, location);
}

static bool check_required(const struct config *config, bool has_warehouse, struct error *err)
{
    for (size_t i = 0; i < config_settings.count; i++) {
        const struct setting_table one = {.settings = &config_settings.settings[i], .count = 1};
        if (!has_warehouse && is_of_warehouse(one.settings)) continue;
        if (!settings_check(&one, config, err)) return false;
    }
    return settings_check(&config->source_type->settings, config->source_options, err);
}

static bool check_together(struct config *config, bool has_warehouse, struct error *err)
{
    struct zone *zone;
    if (!check_required(config, has_warehouse, err)) return false;
    if (!check_start(config, err)) return false;
    if (config->streams.is_given && config->streams.count == 0)
        return error_set(
            err, ERROR_CONFIG,
            "streams is empty; name at least one stream, or leave it out to load the default ones");
    if (strcmp(config->priority, "interactive") != 0 && strcmp(config->priority, "batch") != 0)
        return error_set(err, ERROR_CONFIG, "priority is \"%.40s\"; it must be interactive or batch",
                         config->priority);
    if (!bigquery_check_labels((const char *const *)config->labels.names, config->labels.count, err))
        return false;
    if (!zone_load(config->timezone, &zone, err)) return error_wrap(err, "timezone");
    zone_free(zone);
    if (!config->dataset) return true;
    if (!config->control_dataset) config->control_dataset = mem_format("%s_caseload", config->dataset);
    if (strcmp(config->control_dataset, config->dataset) == 0)
        return error_set(err, ERROR_CONFIG,
                         "control_dataset is the same as dataset (\"%s\"); name another, so that "
                         "the dataset holds only data",
                         config->dataset);
    return true;
}

static bool read_all(const char *path, const struct flag *flags, size_t flag_count, bool has_warehouse,
                     struct config *config, struct error *err)
{
    AUTO(json_drop) json_t *root = NULL;
    if (!settings_init(&config_settings, config, err) || !read_file(path, &root, err)) return false;
    if (!choose_source(config, root, err) || !read_group(config, "", root, err))
        return error_wrap(err, "%s", path);
    if (!read_environment(config, err)) return false;
    for (size_t i = 0; i < flag_count; i++)
        if (!setting_parse(config_scalar(flags[i].key), config, flags[i].value, err)) return false;
    return check_together(config, has_warehouse, err);
}

static bool load(const char *path, const struct flag *flags, size_t flag_count, bool has_warehouse,
                 struct config *out_config, struct error *err)
{
    *out_config = (struct config){0};
    if (read_all(path, flags, flag_count, has_warehouse, out_config, err)) return true;
    config_done(out_config);
    return false;
}

bool config_load(const char *path, const struct flag *flags, size_t flag_count, struct config *out_config,
                 struct error *err)
{
    return load(path, flags, flag_count, true, out_config, err);
}

bool config_load_source(const char *path, const struct flag *flags, size_t flag_count,
                        struct config *out_config, struct error *err)
{
    return load(path, flags, flag_count, false, out_config, err);
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
