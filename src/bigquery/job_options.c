/* SPDX-License-Identifier: Apache-2.0 */
/* job_options.c - the settings about the cost of jobs: labels, reservation, priority, a limit of bytes.
 *
 * Source: JobConfiguration and JobConfigurationQuery of BigQuery's REST reference; labels:
 * https://cloud.google.com/bigquery/docs/labels-intro#requirements
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "job.h"

#define LABEL_MOST 63
#define LABEL_SET  "abcdefghijklmnopqrstuvwxyz0123456789_-"

static const char *const own_labels[] = {"app", "stream", "run"};

bool bigquery_check_labels(const char *const *labels, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *label = labels[i], *value = strchr(label, '=');
        size_t key = value ? (size_t)(value - label) : 0;
        bool is_key =
            key > 0 && key <= LABEL_MOST && *label >= 'a' && *label <= 'z' && strspn(label, LABEL_SET) == key;
        bool is_value =
            is_key && strlen(value + 1) <= LABEL_MOST && value[1 + strspn(value + 1, LABEL_SET)] == '\0';
        if (!is_value)
            return error_set(
                err, ERROR_CONFIG,
                "labels: \"%.80s\" is no label; write KEY=VALUE with lowercase letters, digits, _ and -, at "
                "most 63 of each, such as team=data",
                label);
        for (size_t k = 0; k < sizeof own_labels / sizeof *own_labels; k++)
            if (strlen(own_labels[k]) == key && strncmp(label, own_labels[k], key) == 0)
                return error_set(err, ERROR_CONFIG, "labels: \"%s\" is caseload's own label; name another",
                                 own_labels[k]);
    }
    return true;
}

void job_add_options(const struct bigquery *bq, json_t *configuration, json_t *query)
{
    const struct bigquery_settings *settings = &bq->settings;
    json_t *labels = json_object_get(configuration, "labels");
    if (bq->warehouse.run_id) json_object_set_new(labels, "run", json_string(bq->warehouse.run_id));
    for (size_t i = 0; i < settings->label_count; i++) {
        const char *label = settings->labels[i], *value = strchr(label, '=') + 1;
        (void)json_object_setn_new(labels, label, (size_t)(value - 1 - label), json_string(value));
    }
    if (settings->reservation)
        json_object_set_new(configuration, "reservation", json_string(settings->reservation));
    if (!query || settings->maximum_bytes_billed == 0) return;
    char most[32];
    snprintf(most, sizeof most, "%" PRId64, settings->maximum_bytes_billed);
    json_object_set_new(query, "maximumBytesBilled", json_string(most));
}
