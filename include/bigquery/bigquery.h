/* SPDX-License-Identifier: Apache-2.0 */
/* bigquery.h - the warehouse port over BigQuery's REST API v2.
 *
 * For each table there is <table>_latest: one row a key, the newest version, less those that are gone; of
 * sets, the sets of their owners' newest versions; of lists without versions, their newest day. A column that
 * was added to a live table shows for older rows the value they have in _extra; REPEATED and JSON columns,
 * and fields added within a RECORD, do not: theirs stays in _extra. For each attribute list there is
 * <of>_custom.
 *
 * Views and _latest tables of ours carry the label app:caseload, and are changed whenever they differ from
 * what they have to be. One without that label is somebody else's and is left alone: take the label away to
 * keep a view of your own under such a name.
 *
 * Protocol: https://cloud.google.com/bigquery/docs/reference/rest and .../docs/loading-data-local (resumable
 * uploads). Everything given is borrowed until the warehouse is freed. One thread.
 */
#ifndef CASELOAD_BIGQUERY_BIGQUERY_H
#define CASELOAD_BIGQUERY_BIGQUERY_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/json.h"
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
    const char *version;              /* ours, for the ledger */
    bool require_partition_filter;    /* on data tables that we create */
    const char *const *latest_tables; /* tables whose <table>_latest is a table instead of a view */
    size_t latest_table_count;
    struct http *http;
    struct token *token; /* NULL: none, for emulators */
    struct progress *progress;
    const atomic_bool *stop;
};

bool bigquery_new(const struct bigquery_settings *settings, struct warehouse **out_warehouse,
                  struct error *err) CHECKED;

/* The datasets exist, or are made, and lie in the configured location. Called before anything is pulled. */
bool bigquery_check(struct warehouse *warehouse, struct error *err) CHECKED;

/* What a table has to be, as tables.insert takes it: description, schema, partitioning, clustering. Yours. */
json_t *bigquery_schema(const struct table *table);

/* How the selection's tables, as they are in the dataset, differ from what they have to be: a line a
 * difference, and what prepare would do about it. Reads only. */
bool bigquery_schema_diff(struct warehouse *warehouse, const struct selection *selection,
                          struct buf *out_text, bool *out_differs, struct error *err) CHECKED;

#endif
