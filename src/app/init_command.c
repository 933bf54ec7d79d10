/* SPDX-License-Identifier: Apache-2.0 */
/* init_command.c - `caseload init`: a configuration with all settings, each with its meaning and its default.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "commands.h"
#include "options.h"
#include "sources/sources.h"

#define FILE_NAME  "caseload.json"
#define TEXT_LIMIT (64 * 1024)

/* The values that are required, but for the token: to be replaced, except for the first. */
static const struct {
    const char *key, *value;
} examples[] = {{"version", "1"},
                {"project", "\"my-project\""},
                {"subscription", "\"caseload\""},
                {"dataset", "\"support\""},
                {"location", "\"EU\""}};

static void add_comment(struct buf *text, const char *indent, const struct setting *setting)
{
    (void)buf_format(text, "%s// %s%s\n", indent, setting->help, setting->required ? " (required)" : "");
}

static const char *example_of(const char *key)
{
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        if (strcmp(examples[i].key, key) == 0) return examples[i].value;
    return NULL;
}

/* A form that can be read, for settings without a default. */
static const char *form_of(const struct setting *setting)
{
    switch (setting->kind) {
    case SETTING_TEXT:
    case SETTING_CHOICE:
    case SETTING_DURATION: return "\"...\"";
    case SETTING_DAY: return "\"2024-01-01\"";
    case SETTING_INT:
    case SETTING_NUMBER: return "0";
    case SETTING_BOOL: return "false";
    case SETTING_NAMES: return "[\"...\"]";
    case SETTING_RELATION: return "{\"...\": \"table\"}";
    case SETTING_DISABLED: return "{\"...\": false}";
    case SETTING_TOKEN: return "{\"env\": \"...\"}";
    }
    abort();
}

static void add_default(struct buf *text, const struct setting *setting)
{
    const bool is_text = setting->kind == SETTING_TEXT || setting->kind == SETTING_CHOICE ||
                         setting->kind == SETTING_DURATION || setting->kind == SETTING_DAY;
    if (setting->default_value)
        (void)buf_format(text, is_text ? "\"%s\"" : "%s", setting->default_value);
    else
        (void)buf_text(text, form_of(setting));
}

/* A setting that is not needed is a comment, with its default. */
static void add_setting(struct buf *text, const char *indent, const struct setting *setting)
{
    const char *example = *setting->group ? NULL : example_of(setting->key);
    add_comment(text, indent, setting);
    (void)buf_format(text, "%s%s\"%s\": ", indent, example ? "" : "// ", setting->key);
    if (example)
        (void)buf_text(text, example);
    else
        add_default(text, setting);
    (void)buf_text(text, ",\n");
}

/* The last year but this one, from its first day. */
static void add_start(struct buf *text)
{
    const time_t now = time(NULL);
    struct tm day;
    (void)gmtime_r(&now, &day); /* cannot fail for a time of this age */
    (void)buf_format(text, "  // first day to load (required)\n  \"start_date\": \"%d-01-01\",\n",
                     day.tm_year + 1899);
}

/* It is the last member: the lines above end with commas, so that each can be turned on. */
static void add_source(struct buf *text)
{
    const struct source_type *type = source_type_at(0);
    char variable[64];
    size_t i;
    for (i = 0; type->name[i] && i + 1 < sizeof variable; i++)
        variable[i] = (char)toupper((unsigned char)type->name[i]);
    variable[i] = '\0';
    (void)buf_format(text, "  \"source\": {\n    \"type\": \"%s\",\n", type->name);
    for (i = 0; i < type->settings.count; i++)
        if (type->settings.settings[i].kind != SETTING_TOKEN)
            add_setting(text, "    ", &type->settings.settings[i]);
    (void)buf_format(
        text,
        "    // where the access token is: {\"env\": NAME}, {\"file\": PATH} or {\"secret\": NAME} "
        "(required)\n    \"token\": {\"env\": \"%s_TOKEN\"}\n  }\n}\n",
        variable);
}

static void write_settings(struct buf *text)
{
    (void)buf_text(text, "// The configuration of caseload: // begins a comment. See caseload(1).\n{\n");
    for (size_t i = 0; i < config_settings.count; i++) {
        const struct setting *setting = &config_settings.settings[i];
        if (*setting->group) continue;
        if (strcmp(setting->key, "start_date") == 0)
            add_start(text);
        else
            add_setting(text, "  ", setting);
    }
    (void)buf_text(text, "  // other addresses, for tests\n");
    for (size_t i = 0; i < config_settings.count; i++)
        if (strcmp(config_settings.settings[i].group, "endpoints") == 0)
            (void)buf_format(text, "  // \"endpoints\": {\"%s\": \"...\"},\n",
                             config_settings.settings[i].key);
    add_source(text);
}

static bool write_new(const char *path, const struct buf *text, struct error *err)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file < 0 && errno == EEXIST)
        return error_set(err, ERROR_REQUEST,
                         "%s exists and is not overwritten; name another file with --output", path);
    if (file < 0) return error_set(err, ERROR_REQUEST, "%s can't be made: %s", path, strerror(errno));
    bool is_whole = write(file, text->data, text->size) == (ssize_t)text->size;
    if (close(file) == 0 && is_whole) return true;
    return error_set(err, ERROR_REQUEST, "%s can't be written: %s", path, strerror(errno));
}

static int run(const struct options *options)
{
    struct error err;
    const char *path = options_has(options, "output") ? options_value(options, "output") : FILE_NAME;
    AUTO(buf_done) struct buf text = buf_limited(TEXT_LIMIT);
    write_settings(&text);
    if (strcmp(path, "-") == 0) {
        fputs(buf_string(&text), stdout);
        return EXIT_DONE;
    }
    if (!write_new(path, &text, &err)) return command_fail(&err);
    printf("%s is written: put your project, subscription, dataset and location into it, then\n"
           "  caseload config show -c %s\n",
           path, path);
    return EXIT_DONE;
}

static const struct command_option options[] = {
    {"output", "FILE", "the file to write (default " FILE_NAME "); -: standard output"}};

static const char *const lines[] = {"", "--output /etc/caseload/caseload.json", NULL};

const struct command init_command = {
    .name = "init",
    .summary = "write a configuration with all settings",
    .text = "Writes a configuration with all settings, each with its meaning and its default, and never "
            "overwrites a file.",
    .examples = lines,
    .options = options,
    .option_count = 1,
    .run = run,
};
