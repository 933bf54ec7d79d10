/* SPDX-License-Identifier: Apache-2.0 */
/* config.h - the settings: from a JSON file, the environment and flags; the later win.
 *
 * config_settings is the one table of settings: names, types, ranges, defaults and help come from it alone.
 * Every refusal says which key, what is wrong and what would be right. Owned by the caller: config_done.
 */
#ifndef CASELOAD_APP_CONFIG_H
#define CASELOAD_APP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/day.h"
#include "base/error.h"

enum token_origin { TOKEN_NONE, TOKEN_ENV, TOKEN_FILE, TOKEN_SECRET };

struct token_setting {
    enum token_origin origin;
    char *name; /* of the variable, file or secret; never the value */
};

struct name_list {
    char **names;
    size_t count;
    bool given;
};

struct config {
    long version;
    char *project;
    char *subscription;
    char *dataset;
    char *control_dataset;
    char *location;
    char *timezone;
    struct day start_date;
    long lookback_days;
    long settle_minutes;
    bool require_partition_filter;
    long lease_seconds;
    long stall_seconds;
    char *log_level;
    char *ca_file;
    char *source_type;
    char *source_region;
    char *source_base_url;
    char *source_api_version;
    double source_rate_share;
    struct token_setting source_token;
    char *endpoint_bigquery;
    char *endpoint_pubsub;
    char *endpoint_secretmanager;
    struct name_list streams;
    struct name_list latest_tables; /* tables whose <table>_latest is a table */
    long reconcile_days;
    struct name_list source_custom_objects;
};

enum setting_kind {
    SETTING_TEXT,
    SETTING_INT,
    SETTING_NUMBER,
    SETTING_BOOL,
    SETTING_DAY,
    SETTING_NAMES, /* a list; comma-separated outside of JSON */
    SETTING_FORMS, /* {NAME: "view" or "table", ...}, of which the tables are kept; only in the file */
    SETTING_TOKEN  /* {"env": NAME}, {"file": PATH} or {"secret": NAME}; only in the file */
};

struct setting {
    const char *group; /* "" or the object it stands in: "source", "endpoints" */
    const char *key;
    enum setting_kind kind;
    size_t offset;        /* in struct config */
    const char *fallback; /* as text; NULL: none */
    bool required;
    double least, most; /* of numbers */
    const char *form;   /* of texts: what is allowed, as characters; NULL: any printable */
    const char *help;
};

extern const struct setting config_settings[];
extern const size_t config_setting_count;

/* A flag: "--key value" with dashes for underscores; top-level scalars and streams only. */
struct flag {
    const char *key; /* "start_date" */
    const char *value;
};

/* Reads the file, then CASELOAD_<KEY>, then the flags; checks everything. ERROR_CONFIG. */
bool config_load(const char *path, const struct flag *flags, size_t flag_count, struct config *out_config,
                 struct error *err) CHECKED;
void config_done(struct config *config);

/* The setting that a flag or variable may set, or NULL. */
const struct setting *config_scalar(const char *key);
void config_print_help(FILE *out);

#endif
