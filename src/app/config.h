/* SPDX-License-Identifier: Apache-2.0 */
/* config.h - the settings of a process: from a JSON file, the environment and flags; the later win.
 *
 * config_settings is the table of the settings that do not depend on the source; the others stand in the
 * table of the configured source type. Owned by the caller: config_done.
 */
#ifndef CASELOAD_APP_CONFIG_H
#define CASELOAD_APP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/day.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/setting.h"
#include "core/stream.h"
#include "sources/sources.h"

#define CONFIG_SETTINGS 96

enum config_origin { CONFIG_DEFAULT, CONFIG_FILE, CONFIG_ENVIRONMENT, CONFIG_FLAG };

struct config {
    long version;
    char *project;
    char *subscription;
    char *dead_subscription;     /* NULL: see settings.c */
    char *backfill_subscription; /* NULL: there is none */
    char *dataset;
    char *control_dataset;
    char *location;
    char *timezone;
    struct day start_date;
    long lookback_days;
    long settle_minutes;
    long max_rejected;
    long workers;
    bool require_partition_filter;
    long lease_seconds;
    long stall_seconds;
    long job_timeout_minutes;
    struct name_list labels;
    long maximum_bytes_billed; /* 0: no limit */
    char *reservation;
    char *priority;
    char *health;              /* NULL: no port */
    char *temporary_directory; /* NULL: TMPDIR, or /tmp */
    char *log_level;
    char *log_format;
    bool quiet;
    long patience; /* seconds */
    char *ca_file;
    char *endpoint_bigquery;
    char *endpoint_pubsub;
    char *endpoint_secretmanager;
    char *endpoint_sts;
    char *endpoint_iamcredentials;
    struct name_list streams;
    struct name_list latest_tables;     /* tables whose <table>_latest is a table */
    struct name_list contents_disabled; /* tables with one row a version, whatever its content */
    long reconcile_days;

    char *source_name;
    const struct source_type *source_type; /* of that name */
    void *source_options;                  /* its settings: the struct that source_type->settings describes */
    struct source_address address;

    struct selection selections[LIMIT_STREAMS]; /* of `streams` */
    size_t selection_count;

    enum config_origin origins[CONFIG_SETTINGS];        /* of config_settings, by index */
    enum config_origin source_origins[CONFIG_SETTINGS]; /* of the source's settings */
};

/* Everything that is wrong, each in a line of its own. */
struct config_faults {
    struct buf lines;
    size_t count;
};

extern const struct setting_table config_settings;

/* A flag: "--key value" with dashes for underscores; top-level scalars and streams only. */
struct flag {
    const char *key; /* "start_date" */
    const char *value;
};

/* Reads the file, in which // begins a comment up to the end of its line; then CASELOAD_<KEY>, then the
 * flags; checks all that can be judged without asking a service. Without a warehouse project, dataset and
 * location may be missing. ERROR_CONFIG, with the first fault; out_faults has all of them: config_faults_done
 * in any case. */
bool config_load(const char *path, const struct flag *flags, size_t flag_count, bool has_warehouse,
                 struct config *out_config, struct config_faults *out_faults, struct error *err) CHECKED;
void config_done(struct config *config);
void config_faults_done(struct config_faults *faults);

/* Resolves the names of `streams` again. ERROR_CONFIG. */
bool config_select(struct config *config, struct error *err) CHECKED;

/* "projects/P/subscriptions/S" of the name in a collection; a full name stays. Yours. NULL: no name. */
char *config_resource(const struct config *config, const char *collection, const char *name);

/* Today in the configured zone by this machine's clock; false: the zone is unknown. For hints only: the
 * warehouse's clock decides what is loaded. */
bool config_today(const struct config *config, struct day *out_today) CHECKED;
/* Is this a day that the source may hold? Else an error of that kind, which calls the day `name`. */
bool config_check_day(const struct config *config, enum error_kind kind, const char *name, struct day day,
                      struct error *err) CHECKED;

/* The setting that a flag or variable may set, or NULL. */
const struct setting *config_scalar(const char *key);
void config_print_help(FILE *out);

#endif
