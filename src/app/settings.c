/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c - the table of the settings that do not depend on the source. */
#include "config.h"

#define AT(member) offsetof(struct config, member)
#define WORD       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

static const struct setting settings[] = {
    {"", "version", SETTING_INT, AT(version), NULL, true, 1, 1, NULL, "version of this format: 1"},
    {"", "project", SETTING_TEXT, AT(project), NULL, true, 0, 0, WORD "-.:", "Google Cloud project"},
    {"", "subscription", SETTING_TEXT, AT(subscription), NULL, false, 0, 0,
     WORD "-.~+%/:", "Pub/Sub subscription: its name, or projects/P/subscriptions/S; needed to serve"},
    {"", "dataset", SETTING_TEXT, AT(dataset), NULL, true, 0, 0, WORD, "BigQuery dataset of the data tables"},
    {"", "control_dataset", SETTING_TEXT, AT(control_dataset), NULL, false, 0, 0, WORD,
     "dataset of ledger, locks and staging; default: the dataset's name with _caseload appended"},
    {"", "location", SETTING_TEXT, AT(location), NULL, true, 0, 0, WORD "-",
     "location of both datasets, such as EU"},
    {"", "timezone", SETTING_TEXT, AT(timezone), "Etc/UTC", false, 0, 0, WORD "-+/",
     "zone whose days partition_date counts; fixed once rows are loaded"},
    {"", "start_date", SETTING_DAY, AT(start_date), NULL, true, 0, 0, NULL, "first day to load"},
    {"", "lookback_days", SETTING_INT, AT(lookback_days), "2", false, 0, 35, NULL,
     "days that are read again, for records that the source shows late"},
    {"", "settle_minutes", SETTING_INT, AT(settle_minutes), "60", false, 0, 1440, NULL,
     "minutes after midnight before a day counts as over"},
    {"", "reconcile_days", SETTING_INT, AT(reconcile_days), "7", false, 0, 365, NULL,
     "days between two readings of all ids, which find what was deleted; 0: never"},
    {"", "max_rejected", SETTING_INT, AT(max_rejected), "100", false, 0, 100000, NULL,
     "records of a unit that may be rejected; with more, the unit claims nothing and the stream fails"},
    {"", "latest", SETTING_RELATION, AT(latest_tables), NULL, false, 0, 0, NULL,
     "which <table>_latest are tables instead of views: {\"contacts\": \"table\"}"},
    {"", "contents", SETTING_DISABLED, AT(contents_disabled), NULL, false, 0, 0, NULL,
     "tables that keep the first content of each version only: {\"companies\": false}"},
    {"", "require_partition_filter", SETTING_BOOL, AT(require_partition_filter), "false", false, 0, 0, NULL,
     "create data tables that refuse queries without a filter on partition_date"},
    {"", "lease_seconds", SETTING_INT, AT(lease_seconds), "300", false, 10, 600, NULL,
     "how long a message is ours at a time; extended at a third of it"},
    {"", "stall_seconds", SETTING_INT, AT(stall_seconds), "900", false, 660, 86400, NULL,
     "abort the process when a run makes no progress for this long"},
    {"", "log_level", SETTING_TEXT, AT(log_level), "info", false, 0, 0, NULL,
     "debug, info, notice, warning, error or critical"},
    {"", "ca_file", SETTING_TEXT, AT(ca_file), NULL, false, 0, 0, NULL,
     "file of certificate authorities to trust instead of the system's"},
    {"", "streams", SETTING_NAMES, AT(streams), NULL, false, 0, 0, NULL,
     "what to load; default: the source's default streams"},
    {"source", "type", SETTING_TEXT, AT(source_name), "intercom", false, 0, 0, WORD, "kind of source"},
    {"endpoints", "bigquery", SETTING_TEXT, AT(endpoint_bigquery), NULL, false, 0, 0, NULL,
     "another address of BigQuery, for tests, as BIGQUERY_EMULATOR_HOST is; no credentials go to http://"},
    {"endpoints", "pubsub", SETTING_TEXT, AT(endpoint_pubsub), NULL, false, 0, 0, NULL,
     "another address of Pub/Sub, for tests; https://HOST:PORT, or HOST:PORT in plain text without "
     "credentials, as PUBSUB_EMULATOR_HOST is"},
    {"endpoints", "secretmanager", SETTING_TEXT, AT(endpoint_secretmanager), NULL, false, 0, 0, NULL,
     "another address of Secret Manager, for tests"},
    {"endpoints", "sts", SETTING_TEXT, AT(endpoint_sts), NULL, false, 0, 0, NULL,
     "another address that a credentials file may have as token_url, for tests"},
    {"endpoints", "iamcredentials", SETTING_TEXT, AT(endpoint_iamcredentials), NULL, false, 0, 0, NULL,
     "another address that a credentials file may have as service_account_impersonation_url, for tests"},
};
const struct setting_table config_settings = {settings, sizeof settings / sizeof settings[0]};
