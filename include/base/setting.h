/* SPDX-License-Identifier: Apache-2.0 */
/* setting.h - a table of settings describes the members of a struct; these functions fill that struct.
 *
 * A module declares an options struct and a constant table with one entry a member. Values are checked as
 * they are stored; each refusal is an ERROR_CONFIG that names the key and the right form. Texts and lists
 * belong to the struct: settings_done frees them. One thread.
 */
#ifndef CASELOAD_BASE_SETTING_H
#define CASELOAD_BASE_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"
#include "base/json.h"

enum setting_kind {
    SETTING_TEXT,     /* char * */
    SETTING_CHOICE,   /* char *: one of the words in `allowed` */
    SETTING_INT,      /* long */
    SETTING_NUMBER,   /* double */
    SETTING_BOOL,     /* bool */
    SETTING_DAY,      /* struct day; SETTING_NO_DAY: not set */
    SETTING_NAMES,    /* struct name_list; comma-separated outside of JSON */
    SETTING_RELATION, /* struct name_list of the NAMEs with "table" in {NAME: "view" or "table"}; in the file
                       */
    SETTING_DISABLED, /* struct name_list of the keys of {NAME: true or false} with false; only in the file */
    SETTING_DURATION, /* long: seconds, from "90s", "5m", "26h" or "7d" */
    SETTING_TOKEN /* struct token_setting: {"env": NAME}, {"file": PATH} or {"secret": NAME}; in the file */
};

#define SETTING_NO_DAY INT32_MIN

enum token_origin { TOKEN_NONE, TOKEN_ENV, TOKEN_FILE, TOKEN_SECRET };

struct token_setting {
    enum token_origin origin;
    char *name; /* of the variable, file or secret; never the value */
};

struct name_list {
    char **names;
    size_t count;
    bool is_given;
};

struct setting {
    const char *group; /* "" or the object it stands in: "source", "endpoints" */
    const char *key;
    enum setting_kind kind;
    size_t offset; /* of the member in the options struct */
    const char *default_value;
    bool required;
    double minimum, maximum; /* of numbers */
    const char *allowed; /* of texts: the characters it may have; NULL: any printable. Of choices: "a|b|c" */
    const char *help;
};

struct setting_table {
    const struct setting *settings;
    size_t count;
};

#define SETTING_KEY 128 /* room for setting_name */

/* "source.region" or "region". Returns out. */
const char *setting_name(const struct setting *setting, char out[SETTING_KEY]);
/* As an option is spelled, without its dashes in front: "start-date". Returns out. */
const char *setting_flag(const char *key, char out[SETTING_KEY]);
/* NULL: the table has no such key. */
const struct setting *setting_find(const struct setting_table *table, const char *group, const char *key);

/* From text: a default, an environment variable or a flag. */
bool setting_parse(const struct setting *setting, void *options, const char *text, struct error *err) CHECKED;
bool setting_read_json(const struct setting *setting, void *options, const json_t *value,
                       struct error *err) CHECKED;

/* Stores the defaults into a zeroed struct. */
bool settings_init(const struct setting_table *table, void *options, struct error *err) CHECKED;
/* Has it a value, a default included? */
bool setting_is_given(const struct setting *setting, const void *options);
/* The value as it is written in a configuration; a token's place, never the token. Yours; NULL: none. */
json_t *setting_value(const struct setting *setting, const void *options);
/* Frees texts and lists, and zeroes them. */
void settings_done(const struct setting_table *table, void *options);
/* A line for each: key, help, default. */
void settings_print(const struct setting_table *table, FILE *out);

#endif
