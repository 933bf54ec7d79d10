/* bigquery.h - the warehouse port over BigQuery's REST API v2.
 *
 * Protocol: https://cloud.google.com/bigquery/docs/reference/rest and .../docs/loading-data-local (resumable
 * uploads). Everything given is borrowed until the warehouse is freed. One thread.
 */
#ifndef CASELOAD_BIGQUERY_BIGQUERY_H
#define CASELOAD_BIGQUERY_BIGQUERY_H

#include <stdatomic.h>
#include <stdbool.h>

#include "core/progress.h"
#include "core/warehouse.h"
#include "net/http.h"

struct bigquery_settings {
    const char *base_url; /* scheme://host[:port], no path */
    const char *project;
    const char *dataset;
    const char *control_dataset;
    const char *location;
    const char *timezone;
    const char *version;           /* ours, for the ledger */
    bool require_partition_filter; /* on data tables that we create */
    struct http *http;
    struct token *token; /* NULL: none, for emulators */
    struct progress *progress;
    const atomic_bool *stop;
};

bool bigquery_new(const struct bigquery_settings *settings, struct warehouse **out_warehouse,
                  struct error *err) CHECKED;

/* The datasets exist, or are made, and lie in the configured location. Called before anything is pulled. */
bool bigquery_check(struct warehouse *warehouse, struct error *err) CHECKED;

#endif
