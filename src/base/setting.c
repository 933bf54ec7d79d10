/* SPDX-License-Identifier: Apache-2.0 */
#include "base/setting.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "base/utf8.h"

static void *member(const struct setting *setting, void *options)
{
    return (char *)options + setting->offset;
}

const char *setting_flag(const char *key, char out[SETTING_KEY])
{
    (void)snprintf(out, SETTING_KEY, "%s", key);
    for (char *c = out; *c; c++)
        if (*c == '_') *c = '-';
    return out;
}

const char *setting_name(const struct setting *setting, char out[SETTING_KEY])
{
    snprintf(out, SETTING_KEY, "%s%s%s", setting->group, *setting->group ? "." : "", setting->key);
    return out;
}

const struct setting *setting_find(const struct setting_table *table, const char *group, const char *key)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->settings[i].group, group) == 0 && strcmp(table->settings[i].key, key) == 0)
            return &table->settings[i];
    return NULL;
}

static void set_text(char **slot, const char *text)
{
    free(*slot);
    *slot = mem_text(text);
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

/* "é" as it is, and a name for what can't be seen. */
static void show_character(const char *text, char out[24])
{
    static const struct {
        char character;
        const char *name;
    } hidden[] = {{' ', "blank"}, {'\t', "tab"}, {'\n', "line break"}, {'\r', "carriage return"}};
    size_t size = utf8_size(text, strlen(text));
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (hidden[i].character == *text) {
            snprintf(out, 24, "a %s", hidden[i].name);
            return;
        }
    if (size == 0 || (unsigned char)*text < ' ' || *text == '\x7F')
        snprintf(out, 24, "a control character");
    else
        snprintf(out, 24, "\"%.*s\"", (int)size, text);
}

#define CHOICES 16

/* The words of "a|b|c", copied into buffer. */
static size_t split_choices(const char *allowed, char buffer[256], const char *out_words[CHOICES])
{
    size_t count = 0;
    char *rest = NULL;
    (void)snprintf(buffer, 256, "%s", allowed);
    for (char *word = strtok_r(buffer, "|", &rest); word && count < CHOICES;
         word = strtok_r(NULL, "|", &rest))
        out_words[count++] = word;
    return count;
}

static bool store_choice(const struct setting *setting, void *options, const char *text, struct error *err)
{
    char key[SETTING_KEY], buffer[256];
    const char *words[CHOICES];
    const size_t count = split_choices(setting->allowed, buffer, words);
    AUTO(buf_done) struct buf known = buf_limited(1024);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], text) == 0) {
            set_text(member(setting, options), text);
            return true;
        }
        (void)buf_format(&known, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", words[i]);
    }
    const char *meant = suggest_name(text, words, count);
    return error_set(err, ERROR_CONFIG, "%s is \"%.64s\"; it must be %s%s%s%s", setting_name(setting, key),
                     text, buf_string(&known), meant ? ". Did you mean \"" : "", meant ? meant : "",
                     meant ? "\"?" : "");
}

static bool store_text(const struct setting *setting, void *options, const char *text, struct error *err)
{
    char key[SETTING_KEY], shown[24];
    if (!*text)
        return error_set(err, ERROR_CONFIG, "%s is empty; %s", setting_name(setting, key), setting->help);
    for (const char *c = text; *c; c++) {
        if (setting->allowed ? strchr(setting->allowed, *c) != NULL : (unsigned char)*c >= ' ') continue;
        show_character(c, shown);
        return error_set(err, ERROR_CONFIG, "%s is \"%.64s\", in which %s is not allowed; %s",
                         setting_name(setting, key), text, shown, setting->help);
    }
    set_text(member(setting, options), text);
    return true;
}

static bool store_number(const struct setting *setting, void *options, double number, struct error *err)
{
    char key[SETTING_KEY];
    if (!(number >= setting->minimum && number <= setting->maximum))
        return error_set(err, ERROR_CONFIG, "%s is %g; it must be from %g to %g: %s",
                         setting_name(setting, key), number, setting->minimum, setting->maximum,
                         setting->help);
    if (setting->kind == SETTING_INT)
        *(long *)member(setting, options) = (long)number;
    else
        *(double *)member(setting, options) = number;
    return true;
}

/* "30s", "5m", "26h", "7d"; a number alone is of seconds. */
static bool parse_duration(const struct setting *setting, void *options, const char *text, struct error *err)
{
    char key[SETTING_KEY];
    char *unit;
    errno = 0;
    long long number = strtoll(text, &unit, 10), factor = 0;
    if (*unit == '\0' || strcmp(unit, "s") == 0) factor = 1;
    if (strcmp(unit, "m") == 0) factor = 60;
    if (strcmp(unit, "h") == 0) factor = 3600;
    if (strcmp(unit, "d") == 0) factor = 86400;
    if (unit == text || factor == 0 || errno || number < 0 || number * factor > (long long)setting->maximum ||
        number > (long long)setting->maximum)
        return error_set(err, ERROR_CONFIG, "%s is \"%.64s\"; write it like 30s, 5m, 26h or 7d: %s",
                         setting_name(setting, key), text, setting->help);
    *(long *)member(setting, options) = (long)(number * factor);
    return true;
}

static bool is_whole(double number)
{
    return number > -1e15 && number < 1e15 && number == (double)(long long)number;
}

static bool parse_number(const struct setting *setting, void *options, const char *text, struct error *err)
{
    char key[SETTING_KEY];
    char *end;
    errno = 0;
    double number = strtod(text, &end);
    if (!*text || *end || errno || (setting->kind == SETTING_INT && !is_whole(number)))
        return error_set(err, ERROR_CONFIG, "%s is \"%.64s\", which is not a %s; %s",
                         setting_name(setting, key), text,
                         setting->kind == SETTING_INT ? "whole number" : "number", setting->help);
    return store_number(setting, options, number, err);
}

static void parse_names(struct name_list *list, const char *text)
{
    names_done(list);
    list->is_given = true;
    for (const char *name = text; *name;) {
        size_t size = strcspn(name, ","), begin = strspn(name, " "), end = size;
        while (end > begin && name[end - 1] == ' ')
            end--;
        if (begin < end) add_name(list, name + begin, end - begin);
        name += size + (name[size] == ',');
    }
}

bool setting_parse(const struct setting *setting, void *options, const char *text, struct error *err)
{
    char key[SETTING_KEY];
    switch (setting->kind) {
    case SETTING_TEXT: return store_text(setting, options, text, err);
    case SETTING_CHOICE: return store_choice(setting, options, text, err);
    case SETTING_NAMES: parse_names(member(setting, options), text); return true;
    case SETTING_INT:
    case SETTING_NUMBER: return parse_number(setting, options, text, err);
    case SETTING_DURATION: return parse_duration(setting, options, text, err);
    case SETTING_BOOL:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            return error_set(err, ERROR_CONFIG, "%s is \"%.64s\"; it must be true or false",
                             setting_name(setting, key), text);
        *(bool *)member(setting, options) = strcmp(text, "true") == 0;
        return true;
    case SETTING_DAY:
        if (day_parse(text, member(setting, options))) return true;
        return error_set(err, ERROR_CONFIG, "%s is \"%.64s\", which is not a day; write it like 2024-01-01",
                         setting_name(setting, key), text);
    case SETTING_RELATION:
    case SETTING_DISABLED:
    case SETTING_TOKEN: break;
    }
    return error_set(err, ERROR_CONFIG, "%s can only be set in the file", setting_name(setting, key));
}

static bool refuse_type(const struct setting *setting, struct error *err)
{
    static const char *const wanted[] = {
        [SETTING_TEXT] = "a text",
        [SETTING_CHOICE] = "a text",
        [SETTING_INT] = "a whole number",
        [SETTING_NUMBER] = "a number",
        [SETTING_BOOL] = "true/false",
        [SETTING_DAY] = "a day, \"2024-01-01\"",
        [SETTING_NAMES] = "a list of names",
        [SETTING_RELATION] = "an object of \"view\" and \"table\"",
        [SETTING_DISABLED] = "an object of true and false",
        [SETTING_DURATION] = "a time, \"30s\"",
        [SETTING_TOKEN] = "an object",
    };
    char key[SETTING_KEY];
    return error_set(err, ERROR_CONFIG, "%s must be %s: %s", setting_name(setting, key),
                     wanted[setting->kind], setting->help);
}

static const char *const token_origins[] = {
    [TOKEN_ENV] = "env", [TOKEN_FILE] = "file", [TOKEN_SECRET] = "secret"};

static bool read_token(const struct setting *setting, void *options, const json_t *value, struct error *err)
{
    struct token_setting *token = member(setting, options);
    char key[SETTING_KEY];
    for (int i = TOKEN_ENV; json_object_size(value) == 1 && i <= TOKEN_SECRET; i++) {
        const char *name = json_string_value(json_object_get(value, token_origins[i]));
        if (!name || !*name) continue;
        token->origin = (enum token_origin)i;
        set_text(&token->name, name);
        return true;
    }
    return error_set(err, ERROR_CONFIG, "%s must be %s, with a name or path, never the token itself",
                     setting_name(setting, key), "{\"env\": NAME}, {\"file\": PATH} or {\"secret\": NAME}");
}

static bool read_names(const struct setting *setting, void *options, const json_t *value, struct error *err)
{
    struct name_list *list = member(setting, options);
    names_done(list);
    list->is_given = true;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *name = json_array_get(value, i);
        if (!json_is_string(name)) return refuse_type(setting, err);
        add_name(list, json_string_value(name), json_string_length(name));
    }
    return true;
}

static bool read_relations(const struct setting *setting, void *options, const json_t *value,
                           struct error *err)
{
    struct name_list *tables = member(setting, options);
    names_done(tables);
    tables->is_given = true;
    const char *name;
    json_t *relation_value;
    json_object_foreach (json_iterable(value), name, relation_value) {
        const char *relation = json_string_value(relation_value);
        if (relation && strcmp(relation, "table") == 0)
            add_name(tables, name, strlen(name));
        else if (!relation || strcmp(relation, "view") != 0)
            return refuse_type(setting, err);
    }
    return true;
}

static bool read_disabled(const struct setting *setting, void *options, const json_t *value,
                          struct error *err)
{
    struct name_list *disabled = member(setting, options);
    const char *name;
    json_t *enabled;
    names_done(disabled);
    disabled->is_given = true;
    json_object_foreach (json_iterable(value), name, enabled) {
        if (!json_is_boolean(enabled)) return refuse_type(setting, err);
        if (json_is_false(enabled)) add_name(disabled, name, strlen(name));
    }
    return true;
}

static bool has_type(const struct setting *setting, const json_t *value)
{
    switch (setting->kind) {
    case SETTING_TEXT:
    case SETTING_CHOICE:
    case SETTING_DURATION:
    case SETTING_DAY: return json_is_string(value);
    case SETTING_INT: return json_is_integer(value);
    case SETTING_NUMBER: return json_is_number(value);
    case SETTING_BOOL: return json_is_boolean(value);
    case SETTING_NAMES: return json_is_array(value);
    case SETTING_RELATION:
    case SETTING_DISABLED:
    case SETTING_TOKEN: return json_is_object(value);
    }
    abort();
}

bool setting_read_json(const struct setting *setting, void *options, const json_t *value, struct error *err)
{
    if (!has_type(setting, value)) return refuse_type(setting, err);
    switch (setting->kind) {
    case SETTING_TEXT:
    case SETTING_CHOICE:
    case SETTING_DURATION:
    case SETTING_DAY: return setting_parse(setting, options, json_string_value(value), err);
    case SETTING_INT:
    case SETTING_NUMBER: return store_number(setting, options, json_number_value(value), err);
    case SETTING_BOOL: *(bool *)member(setting, options) = json_is_true(value); return true;
    case SETTING_NAMES: return read_names(setting, options, value, err);
    case SETTING_RELATION: return read_relations(setting, options, value, err);
    case SETTING_DISABLED: return read_disabled(setting, options, value, err);
    case SETTING_TOKEN: return read_token(setting, options, value, err);
    }
    abort();
}

bool settings_init(const struct setting_table *table, void *options, struct error *err)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct setting *setting = &table->settings[i];
        if (setting->kind == SETTING_DAY) ((struct day *)member(setting, options))->n = SETTING_NO_DAY;
        if (setting->default_value && !setting_parse(setting, options, setting->default_value, err))
            return false;
    }
    return true;
}

bool setting_is_given(const struct setting *setting, const void *options)
{
    const void *value = (const char *)options + setting->offset;
    switch (setting->kind) {
    case SETTING_TEXT:
    case SETTING_CHOICE: return *(char *const *)value != NULL;
    case SETTING_INT: return *(const long *)value != 0;
    case SETTING_NUMBER: return *(const double *)value != 0;
    case SETTING_BOOL:
    case SETTING_DURATION: return true;
    case SETTING_DAY: return ((const struct day *)value)->n != SETTING_NO_DAY;
    case SETTING_NAMES:
    case SETTING_RELATION:
    case SETTING_DISABLED: return ((const struct name_list *)value)->is_given;
    case SETTING_TOKEN: return ((const struct token_setting *)value)->origin != TOKEN_NONE;
    }
    abort();
}

static json_t *names_value(const struct setting *setting, const struct name_list *list)
{
    json_t *value = setting->kind == SETTING_NAMES ? json_array() : json_object();
    for (size_t i = 0; i < list->count; i++) {
        if (setting->kind == SETTING_NAMES)
            (void)json_array_append_new(value, json_string(list->names[i]));
        else
            (void)json_object_set_new(value, list->names[i],
                                      setting->kind == SETTING_RELATION ? json_string("table")
                                                                        : json_false());
    }
    return value;
}

static json_t *duration_value(long seconds)
{
    char text[32];
    const bool is_day = seconds > 0 && seconds % 86400 == 0, is_minute = seconds > 0 && seconds % 60 == 0;
    (void)snprintf(text, sizeof text, "%ld%s",
                   seconds / (is_day      ? 86400
                              : is_minute ? 60
                                          : 1),
                   is_day      ? "d"
                   : is_minute ? "m"
                               : "s");
    return json_string(text);
}

static json_t *day_value(struct day day)
{
    char text[DAY_TEXT];
    day_format(day, text);
    return json_string(text);
}

static json_t *token_value(const struct token_setting *token)
{
    return json_pack("{s:s}", token_origins[token->origin], token->name);
}

json_t *setting_value(const struct setting *setting, const void *options)
{
    const void *value = (const char *)options + setting->offset;
    if (!setting_is_given(setting, options) && setting->kind != SETTING_INT &&
        setting->kind != SETTING_NUMBER)
        return NULL;
    switch (setting->kind) {
    case SETTING_TEXT:
    case SETTING_CHOICE: return json_string(*(char *const *)value);
    case SETTING_INT: return json_integer(*(const long *)value);
    case SETTING_NUMBER: return json_real(*(const double *)value);
    case SETTING_BOOL: return json_boolean(*(const bool *)value);
    case SETTING_DURATION: return duration_value(*(const long *)value);
    case SETTING_DAY: return day_value(*(const struct day *)value);
    case SETTING_NAMES:
    case SETTING_RELATION:
    case SETTING_DISABLED: return names_value(setting, value);
    case SETTING_TOKEN: return token_value(value);
    }
    abort();
}

void settings_done(const struct setting_table *table, void *options)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct setting *setting = &table->settings[i];
        void *value = member(setting, options);
        if (setting->kind == SETTING_TEXT || setting->kind == SETTING_CHOICE) {
            free(*(char **)value);
            *(char **)value = NULL;
        }
        if (setting->kind == SETTING_NAMES || setting->kind == SETTING_RELATION ||
            setting->kind == SETTING_DISABLED)
            names_done(value);
        if (setting->kind == SETTING_TOKEN) {
            free(((struct token_setting *)value)->name);
            *(struct token_setting *)value = (struct token_setting){.origin = TOKEN_NONE};
        }
    }
}

void settings_print(const struct setting_table *table, FILE *out)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct setting *setting = &table->settings[i];
        char key[SETTING_KEY];
        fprintf(out, "  %-26s %s", setting_name(setting, key), setting->help);
        if (setting->required) fputs(" (required)", out);
        if (setting->default_value) fprintf(out, " (default %s)", setting->default_value);
        fputc('\n', out);
    }
}
