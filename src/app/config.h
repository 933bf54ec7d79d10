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

#include "base/day.h"
#include "base/error.h"
#include "base/setting.h"
#include "sources/sources.h"

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
};

extern const struct setting_table config_settings;

/* A flag: "--key value" with dashes for underscores; top-level scalars and streams only. */
struct flag {
    const char *key; /* "start_date" */
    const char *value;
};

/* Reads the file, then CASELOAD_<KEY>, then the flags; checks everything. ERROR_CONFIG. */
bool config_load(const char *path, const struct flag *flags, size_t flag_count, struct config *out_config,
                 struct error *err) CHECKED;
/* The same for a command that has no warehouse: project, dataset and location may be missing. */
bool config_load_source(const char *path, const struct flag *flags, size_t flag_count,
                        struct config *out_config, struct error *err) CHECKED;
void config_done(struct config *config);

/* The setting that a flag or variable may set, or NULL. */
const struct setting *config_scalar(const char *key);
void config_print_help(FILE *out);

#endif
