/* settings.c - the one table of settings. */
#include "config.h"

#define AT(member) offsetof(struct config, member)
#define WORD       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

const struct setting config_settings[] = {
    {"", "version", SETTING_INT, AT(version), NULL, true, 1, 1, NULL, "version of this format: 1"},
    {"", "project", SETTING_TEXT, AT(project), NULL, true, 0, 0, WORD "-.:", "Google Cloud project"},
    {"", "subscription", SETTING_TEXT, AT(subscription), NULL, false, 0, 0,
     WORD "-.~+%/:", "Pub/Sub subscription: its name, or projects/P/subscriptions/S; needed to serve"},
    {"", "dataset", SETTING_TEXT, AT(dataset), NULL, true, 0, 0, WORD, "BigQuery dataset of the data tables"},
    {"", "control_dataset", SETTING_TEXT, AT(control_dataset), NULL, false, 0, 0, WORD,
     "dataset of ledger, locks and staging; default: dataset with _caseload behind it"},
    {"", "location", SETTING_TEXT, AT(location), NULL, true, 0, 0, WORD "-",
     "location of both datasets, such as EU"},
    {"", "timezone", SETTING_TEXT, AT(timezone), "Etc/UTC", false, 0, 0, WORD "-+/",
     "zone whose days partition_date counts; fixed once rows are loaded"},
    {"", "start_date", SETTING_DAY, AT(start_date), NULL, true, 0, 0, NULL, "first day to load"},
    {"", "lookback_days", SETTING_INT, AT(lookback_days), "2", false, 0, 35, NULL,
     "days that are read again, for records that the source shows late"},
    {"", "settle_minutes", SETTING_INT, AT(settle_minutes), "60", false, 0, 1440, NULL,
     "minutes after midnight before a day counts as over"},
    {"", "require_partition_filter", SETTING_BOOL, AT(require_partition_filter), "false", false, 0, 0, NULL,
     "create data tables that refuse queries without a filter on partition_date"},
    {"", "lease_seconds", SETTING_INT, AT(lease_seconds), "300", false, 10, 600, NULL,
     "how long a message is ours at a time; extended at a third of it"},
    {"", "stall_seconds", SETTING_INT, AT(stall_seconds), "900", false, 660, 86400, NULL,
     "a run that stands still for so long lets its message go, and the process aborts"},
    {"", "log_level", SETTING_TEXT, AT(log_level), "info", false, 0, 0, NULL,
     "debug, info, notice, warning, error or critical"},
    {"", "ca_file", SETTING_TEXT, AT(ca_file), NULL, false, 0, 0, NULL,
     "file of certificate authorities to trust instead of the system's"},
    {"", "streams", SETTING_NAMES, AT(streams), NULL, false, 0, 0, NULL,
     "what to load; default: the source's default streams"},
    {"source", "type", SETTING_TEXT, AT(source_type), "intercom", false, 0, 0, WORD, "kind of source"},
    {"source", "region", SETTING_TEXT, AT(source_region), "us", false, 0, 0, WORD, "us, eu or au"},
    {"source", "rate_share", SETTING_NUMBER, AT(source_rate_share), "0.8", false, 0.01, 1, NULL,
     "part of the source's rate limit that may be used"},
    {"source", "token", SETTING_TOKEN, AT(source_token), NULL, true, 0, 0, NULL,
     "where the access token is: {\"env\": NAME}, {\"file\": PATH} or {\"secret\": NAME}"},
    {"source", "base_url", SETTING_TEXT, AT(source_base_url), NULL, false, 0, 0, NULL,
     "another address of the source, for tests"},
    {"source", "api_version", SETTING_TEXT, AT(source_api_version), NULL, false, 0, 0, WORD ".",
     "version of the source's API; default: the one this was written for"},
    {"endpoints", "bigquery", SETTING_TEXT, AT(endpoint_bigquery), NULL, false, 0, 0, NULL,
     "another address of BigQuery, for tests, as BIGQUERY_EMULATOR_HOST is; no credentials go to http://"},
    {"endpoints", "pubsub", SETTING_TEXT, AT(endpoint_pubsub), NULL, false, 0, 0, NULL,
     "another address of Pub/Sub, for tests; https://HOST:PORT, or HOST:PORT in plain text without "
     "credentials, as PUBSUB_EMULATOR_HOST is"},
    {"endpoints", "secretmanager", SETTING_TEXT, AT(endpoint_secretmanager), NULL, false, 0, 0, NULL,
     "another address of Secret Manager, for tests"},
};
const size_t config_setting_count = sizeof config_settings / sizeof config_settings[0];
