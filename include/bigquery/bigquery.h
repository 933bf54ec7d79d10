/* SPDX-License-Identifier: Apache-2.0 */
/* bigquery.h - the warehouse port over BigQuery's REST API v2.
 *
 * Each table has a <table>_latest: for each key the newest version, without deleted records; for sets, those
 * of their owners' newest versions; for lists without versions, the newest day. A column that was added later
 * shows for older rows the value from _extra, unless it is REPEATED, JSON or within a RECORD. Each attribute
 * list has a <of>_custom.
 *
 * Our views and _latest tables have the label app:caseload and are changed when they differ from their
 * definition. Without that label they are left alone: remove it to keep a view of your own under such a name.
 *
 * Protocol: https://cloud.google.com/bigquery/docs/reference/rest and .../docs/loading-data-local (resumable
 * uploads). Everything given is borrowed until the warehouse is freed. One thread.
 */
#ifndef CASELOAD_BIGQUERY_BIGQUERY_H
#define CASELOAD_BIGQUERY_BIGQUERY_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/day.h"
#include "base/json.h"
#include "core/progress.h"
#include "core/warehouse.h"
#include "net/http.h"

/* Hears what the calls of a warehouse come to, on its thread. For diagnosis only: see doctor.h. */
struct bigquery_observer {
    void (*session)(void *self, const char *origin); /* where an upload goes: scheme, host and port */
    void (*job)(void *self, const char *id);         /* a query or script was taken under this id */
    /* A request or job failed, whether it is tried again or not. */
    void (*refused)(void *self, const char *what, const char *reason, const char *message);
    void *self;
};

struct bigquery_settings {
    const char *base_url; /* scheme://host[:port], no path */
    const char *project;
    const char *dataset;
    const char *control_dataset;
    const char *location;
    const char *timezone;
    struct day first_day;               /* the source has nothing older */
    struct day start;                   /* the first day that is to be loaded */
    const struct selection *selections; /* the streams of the status */
    size_t selection_count;
    const char *version;              /* ours, for the ledger */
    const char *host;                 /* this machine's name, for the attempts */
    bool require_partition_filter;    /* on data tables that we create */
    const char *const *latest_tables; /* tables whose <table>_latest is a table instead of a view */
    size_t latest_table_count;
    const char *temporary_directory; /* of the rows of a unit that memory does not hold */
    int64_t job_timeout_s;           /* of a job, its queue included; 0: six hours */
    const char *const *labels;       /* of jobs, each KEY=VALUE, beside ours; bigquery_check_labels */
    size_t label_count;
    int64_t maximum_bytes_billed; /* of a query; 0: no limit */
    const char *reservation;      /* that jobs run in; NULL: the project's */
    bool is_batch;                /* queries may wait for idle resources */
    size_t chunk_bytes;           /* of an upload, a multiple of 256 KiB; 0: LIMIT_CHUNK */
    size_t kept_bytes;            /* of a unit's compressed rows in memory; 0: LIMIT_KEPT */
    struct http *http;
    struct token *token; /* NULL: none, for emulators */
    struct progress *progress;
    const atomic_bool *stop;
    const struct bigquery_observer *observer; /* NULL: none */
};

bool bigquery_new(const struct bigquery_settings *settings, struct warehouse **out_warehouse,
                  struct error *err) CHECKED;

/* Labels as BigQuery takes them: KEY=VALUE. ERROR_CONFIG. */
bool bigquery_check_labels(const char *const *labels, size_t count, struct error *err) CHECKED;

/* Creates missing datasets, and the table of attempts; refuses datasets in another location. Called before
 * the first message. */
bool bigquery_check(struct warehouse *warehouse, struct error *err) CHECKED;

/* --- Reads only --- */

/* Which of the datasets are there; a missing one is made by the first run. Refuses as bigquery_check does. */
struct bigquery_datasets {
    bool has_data, has_control;
};
bool bigquery_look(struct warehouse *warehouse, struct bigquery_datasets *out_datasets,
                   struct error *err) CHECKED;
/* Do the datasets hold rows of this workspace, source, zone and control dataset only? ERROR_CONFIG, which
 * says what else they hold. Both datasets are there. */
bool bigquery_check_provenance(struct warehouse *warehouse, const struct source_identity *identity,
                               struct error *err) CHECKED;
/* BigQuery's clock, by a query. */
bool bigquery_clock(struct warehouse *warehouse, int64_t *out_us, struct error *err) CHECKED;

/* A table as tables.insert takes it: description, schema, partitioning, clustering. Yours. */
json_t *bigquery_schema(const struct table *table);

/* One line a difference between the selection's tables in the dataset and their definitions, with what
 * prepare would do about it. Reads only. */
bool bigquery_schema_diff(struct warehouse *warehouse, const struct selection *selection,
                          struct buf *out_text, bool *out_differs, struct error *err) CHECKED;

/* The scripts that remove doubled rows from the selection's tables. Reads only. */
bool bigquery_deduplicate_text(struct warehouse *warehouse, const struct selection *selection,
                               struct buf *out_text, struct error *err) CHECKED;

#endif
