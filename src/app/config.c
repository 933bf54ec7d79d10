/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "base/zone.h"
#include "config.h"

#define KEY_TEXT 128

static void *field(struct config *config, const struct setting *setting)
{
    return (char *)config + setting->offset;
}

/* "source.region" or "region": as people know it. */
static const char *full_key(const struct setting *setting, char out[KEY_TEXT])
{
    snprintf(out, KEY_TEXT, "%s%s%s", setting->group, *setting->group ? "." : "", setting->key);
    return out;
}

static const struct setting *find_setting(const char *group, const char *key)
{
    for (size_t i = 0; i < config_setting_count; i++) {
        if (strcmp(config_settings[i].group, group) == 0 && strcmp(config_settings[i].key, key) == 0)
            return &config_settings[i];
    }
    return NULL;
}

const struct setting *config_scalar(const char *key)
{
    const struct setting *setting = find_setting("", key);

    return setting && setting->kind != SETTING_TOKEN && setting->kind != SETTING_FORMS ? setting : NULL;
}

static void set_text(char **slot, const char *text)
{
    free(*slot);
    *slot = mem_text(text);
}

static bool put_text(struct config *config, const struct setting *setting, const char *text,
                     struct error *err)
{
    char key[KEY_TEXT];

    if (!*text) return error_set(err, ERROR_CONFIG, "%s is empty; %s", full_key(setting, key), setting->help);
    for (const char *c = text; *c; c++) {
        if (setting->form ? !strchr(setting->form, *c) : (unsigned char)*c < ' ')
            return error_set(err, ERROR_CONFIG,
                             "%s is \"%.64s\", which has the character 0x%02x that can't be in it; %s",
                             full_key(setting, key), text, (unsigned char)*c, setting->help);
    }
    set_text(field(config, setting), text);
    return true;
}

static bool put_number(struct config *config, const struct setting *setting, double number, struct error *err)
{
    char key[KEY_TEXT];

    if (!(number >= setting->least && number <= setting->most))
        return error_set(err, ERROR_CONFIG, "%s is %g; it must be from %g to %g: %s", full_key(setting, key),
                         number, setting->least, setting->most, setting->help);
    if (setting->kind == SETTING_INT)
        *(long *)field(config, setting) = (long)number;
    else
        *(double *)field(config, setting) = number;
    return true;
}

static void names_done(struct name_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->names[i]);
    free(list->names);
    *list = (struct name_list){0};
}

static void add_name(struct name_list *list, const char *name, size_t size)
{
    list->names = mem_grow(list->names, list->count + 1, sizeof *list->names);
    list->names[list->count++] = mem_bytes(name, size);
}

static bool put_names(struct config *config, const struct setting *setting, const char *text)
{
    struct name_list *list = field(config, setting);

    names_done(list);
    list->given = true;
    for (const char *name = text; *name;) {
        size_t size = strcspn(name, ",");
        size_t lead = strspn(name, " ");

        if (lead < size) {
            size_t end = size;
            while (end > lead && name[end - 1] == ' ')
                end--;
            add_name(list, name + lead, end - lead);
        }
        name += size + (name[size] == ',');
    }
    return true;
}

static bool is_whole(double number)
{
    return number > -1e15 && number < 1e15 && number == (double)(long long)number;
}

/* A value written as text: a default, an environment variable or a flag. */
static bool put(struct config *config, const struct setting *setting, const char *text, struct error *err)
{
    char key[KEY_TEXT];
    char *end;
    double number;

    switch (setting->kind) {
    case SETTING_TEXT: return put_text(config, setting, text, err);
    case SETTING_NAMES: return put_names(config, setting, text);
    case SETTING_INT:
    case SETTING_NUMBER:
        errno = 0;
        number = strtod(text, &end);
        if (!*text || *end || errno || (setting->kind == SETTING_INT && !is_whole(number)))
            return error_set(err, ERROR_CONFIG, "%s is \"%.64s\", which is not a %s; %s",
                             full_key(setting, key), text,
                             setting->kind == SETTING_INT ? "whole number" : "number", setting->help);
        return put_number(config, setting, number, err);
    case SETTING_BOOL:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            return error_set(err, ERROR_CONFIG, "%s is \"%.64s\"; it must be true or false",
                             full_key(setting, key), text);
        *(bool *)field(config, setting) = strcmp(text, "true") == 0;
        return true;
    case SETTING_DAY:
        if (day_parse(text, field(config, setting))) return true;
        return error_set(err, ERROR_CONFIG, "%s is \"%.64s\", which is not a day; write it like 2024-01-01",
                         full_key(setting, key), text);
    case SETTING_FORMS:
    case SETTING_TOKEN: break;
    }
    return error_set(err, ERROR_CONFIG, "%s can only be set in the file", full_key(setting, key));
}

static bool put_token(struct config *config, const struct setting *setting, const json_t *value,
                      struct error *err)
{
    static const char *const origins[] = {
        [TOKEN_ENV] = "env", [TOKEN_FILE] = "file", [TOKEN_SECRET] = "secret"};
    struct token_setting *token = field(config, setting);

    for (int i = TOKEN_ENV; json_object_size(value) == 1 && i <= TOKEN_SECRET; i++) {
        const char *name = json_string_value(json_object_get(value, origins[i]));

        if (!name || !*name) continue;
        token->origin = (enum token_origin)i;
        set_text(&token->name, name);
        return true;
    }
    return error_set(err, ERROR_CONFIG,
                     "source.token must be %s, with a name or path, never the token itself",
                     "{\"env\": NAME}, {\"file\": PATH} or {\"secret\": NAME}");
}

static bool wrong_type(const struct setting *setting, struct error *err)
{
    static const char *const wanted[] = {
        [SETTING_TEXT] = "a text",
        [SETTING_INT] = "a whole number",
        [SETTING_NUMBER] = "a number",
        [SETTING_BOOL] = "true/false",
        [SETTING_DAY] = "a day, \"2024-01-01\"",
        [SETTING_NAMES] = "a list of names",
        [SETTING_FORMS] = "an object of \"view\" and \"table\"",
        [SETTING_TOKEN] = "an object",
    };
    char key[KEY_TEXT];

    return error_set(err, ERROR_CONFIG, "%s must be %s: %s", full_key(setting, key), wanted[setting->kind],
                     setting->help);
}

static bool put_name_array(struct config *config, const struct setting *setting, const json_t *value,
                           struct error *err)
{
    struct name_list *list = field(config, setting);

    names_done(list);
    list->given = true;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *name = json_array_get(value, i);

        if (!json_is_string(name)) return wrong_type(setting, err);
        add_name(list, json_string_value(name), json_string_length(name));
    }
    return true;
}

static bool put_forms(struct config *config, const struct setting *setting, const json_t *value,
                      struct error *err)
{
    struct name_list *tables = field(config, setting);
    const char *name;
    json_t *member;

    names_done(tables);
    json_object_foreach ((json_t *)(uintptr_t)value, name, member) {
        const char *form = json_string_value(member);

        if (form && strcmp(form, "table") == 0)
            add_name(tables, name, strlen(name));
        else if (!form || strcmp(form, "view") != 0)
            return wrong_type(setting, err);
    }
    return true;
}

static bool put_json(struct config *config, const struct setting *setting, const json_t *value,
                     struct error *err)
{
    switch (setting->kind) {
    case SETTING_TEXT:
    case SETTING_DAY:
        return json_is_string(value) ? put(config, setting, json_string_value(value), err)
                                     : wrong_type(setting, err);
    case SETTING_INT:
        if (!json_is_integer(value)) return wrong_type(setting, err);
        return put_number(config, setting, (double)json_integer_value(value), err);
    case SETTING_NUMBER:
        if (!json_is_number(value)) return wrong_type(setting, err);
        return put_number(config, setting, json_number_value(value), err);
    case SETTING_BOOL:
        if (!json_is_boolean(value)) return wrong_type(setting, err);
        *(bool *)field(config, setting) = json_is_true(value);
        return true;
    case SETTING_NAMES:
        return json_is_array(value) ? put_name_array(config, setting, value, err) : wrong_type(setting, err);
    case SETTING_FORMS:
        return json_is_object(value) ? put_forms(config, setting, value, err) : wrong_type(setting, err);
    case SETTING_TOKEN:
        return json_is_object(value) ? put_token(config, setting, value, err) : wrong_type(setting, err);
    }
    abort();
}

static bool is_group(const char *key)
{
    for (size_t i = 0; i < config_setting_count; i++)
        if (*config_settings[i].group && strcmp(config_settings[i].group, key) == 0) return true;
    return false;
}

static bool unknown_key(const char *group, const char *key, struct error *err)
{
    const char *known[64];
    size_t count = 0;
    const char *meant;

    for (size_t i = 0; i < config_setting_count && count < 62; i++)
        if (strcmp(config_settings[i].group, group) == 0) known[count++] = config_settings[i].key;
    if (!*group) known[count++] = "source";
    if (!*group) known[count++] = "endpoints";
    meant = suggest_name(key, known, count);
    return error_set(err, ERROR_CONFIG, "the key \"%s%s%.64s\" is unknown; %s%s%s", group, *group ? "." : "",
                     key, meant ? "did you mean \"" : "remove it, or see caseload run --help",
                     meant ? meant : "", meant ? "\"?" : "");
}

static bool put_group(struct config *config, const char *group, const json_t *object, struct error *err)
{
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
        const struct setting *setting = find_setting(group, key);

        if (!*group && is_group(key)) {
            if (!json_is_object(value)) return error_set(err, ERROR_CONFIG, "%s must be an object", key);
            if (!put_group(config, key, value, err)) return false;
        } else if (!setting) {
            return unknown_key(group, key, err);
        } else if (!put_json(config, setting, value, err)) {
            return false;
        }
    }
    return true;
}

static bool read_file(const char *path, struct config *config, struct error *err)
{
    AUTO(json_drop) json_t *root = NULL;
    AUTO(buf_done) struct buf text = {0};
    char block[4096];
    size_t size;
    FILE *file = fopen(path, "rb");

    if (!file)
        return error_set(err, ERROR_CONFIG, "the configuration %s can't be opened: %s", path,
                         strerror(errno));
    buf_init(&text, LIMIT_CONFIG);
    while ((size = fread(block, 1, sizeof block, file)) > 0 && buf_add(&text, block, size))
        continue;
    fclose(file);
    if (text.full)
        return error_set(err, ERROR_CONFIG,
                         "the configuration %s has more than %d bytes; is it the right file?", path,
                         LIMIT_CONFIG);
    if (!json_read(buf_string(&text), text.size, NULL, &root, err)) {
        err->kind = ERROR_CONFIG;
        return error_wrap(err, "the configuration %s is not JSON", path);
    }
    if (!json_is_object(root))
        return error_set(err, ERROR_CONFIG, "the configuration %s must be one JSON object", path);
    return put_group(config, "", root, err) || error_wrap(err, "%s", path);
}

static bool read_environment(struct config *config, struct error *err)
{
    for (size_t i = 0; i < config_setting_count; i++) {
        const struct setting *setting = &config_settings[i];
        char name[KEY_TEXT];
        const char *text;
        int size;

        if (*setting->group || !config_scalar(setting->key)) continue;
        size = snprintf(name, sizeof name, "CASELOAD_%s", setting->key);
        for (int c = 0; c < size; c++)
            name[c] = (char)toupper((unsigned char)name[c]);
        text = getenv(name);
        if (text && !put(config, setting, text, err)) return error_wrap(err, "%s", name);
    }
    return true;
}

static bool is_given(struct config *config, const struct setting *setting)
{
    switch (setting->kind) {
    case SETTING_TEXT: return *(char **)field(config, setting) != NULL;
    case SETTING_INT: return *(long *)field(config, setting) != 0;
    case SETTING_NUMBER: return *(double *)field(config, setting) != 0;
    case SETTING_BOOL: return true;
    case SETTING_DAY: return ((struct day *)field(config, setting))->n != INT32_MIN;
    case SETTING_NAMES:
    case SETTING_FORMS: return ((struct name_list *)field(config, setting))->given;
    case SETTING_TOKEN: return ((struct token_setting *)field(config, setting))->origin != TOKEN_NONE;
    }
    abort();
}

/* What no single setting can tell. */
static bool check_whole(struct config *config, struct error *err)
{
    struct zone *zone;
    char key[KEY_TEXT];

    for (size_t i = 0; i < config_setting_count; i++) {
        if (config_settings[i].required && !is_given(config, &config_settings[i]))
            return error_set(err, ERROR_CONFIG, "%s is missing: %s", full_key(&config_settings[i], key),
                             config_settings[i].help);
    }
    if (!zone_load(config->timezone, &zone, err)) return error_wrap(err, "timezone");
    zone_free(zone);
    if (!config->control_dataset) config->control_dataset = mem_format("%s_caseload", config->dataset);
    if (strcmp(config->control_dataset, config->dataset) == 0)
        return error_set(err, ERROR_CONFIG,
                         "control_dataset is the same as dataset (\"%s\"); name another, so that "
                         "the dataset holds only data",
                         config->dataset);
    return true;
}

static bool load(const char *path, const struct flag *flags, size_t flag_count, struct config *config,
                 struct error *err)
{
    config->start_date = (struct day){INT32_MIN};
    for (size_t i = 0; i < config_setting_count; i++) {
        if (config_settings[i].fallback &&
            !put(config, &config_settings[i], config_settings[i].fallback, err))
            return false;
    }
    if (!read_file(path, config, err) || !read_environment(config, err)) return false;
    for (size_t i = 0; i < flag_count; i++) {
        if (!put(config, config_scalar(flags[i].key), flags[i].value, err)) return false;
    }
    return check_whole(config, err);
}

bool config_load(const char *path, const struct flag *flags, size_t flag_count, struct config *out_config,
                 struct error *err)
{
    *out_config = (struct config){0};
    if (load(path, flags, flag_count, out_config, err)) return true;
    config_done(out_config);
    return false;
}

void config_done(struct config *config)
{
    for (size_t i = 0; i < config_setting_count; i++) {
        const struct setting *setting = &config_settings[i];

        if (setting->kind == SETTING_TEXT) free(*(char **)field(config, setting));
        if (setting->kind == SETTING_NAMES || setting->kind == SETTING_FORMS)
            names_done(field(config, setting));
        if (setting->kind == SETTING_TOKEN) free(((struct token_setting *)field(config, setting))->name);
    }
    *config = (struct config){0};
}

void config_print_help(FILE *out)
{
    for (size_t i = 0; i < config_setting_count; i++) {
        const struct setting *setting = &config_settings[i];
        char key[KEY_TEXT];

        fprintf(out, "  %-26s %s", full_key(setting, key), setting->help);
        if (setting->required) fputs(" (required)", out);
        if (setting->fallback) fprintf(out, " (default %s)", setting->fallback);
        fputc('\n', out);
    }
}
