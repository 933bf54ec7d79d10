/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - tables and views as BigQuery has them: looked at, created, changed, dropped, derived.
 *
 * A "resource" is the JSON of tables.get. JSON that comes out is yours.
 */
#ifndef CASELOAD_BIGQUERY_TABLE_H
#define CASELOAD_BIGQUERY_TABLE_H

#include "base/json.h"
#include "sql.h"

/* --- table.c --- */

struct sql_names bigquery_names(const struct bigquery *bq);
/* NULL if it does not exist. */
bool table_get(struct bigquery *bq, const char *dataset, const char *table, json_t **out_resource,
               struct error *err) CHECKED;
bool table_created(const json_t *resource, int64_t *out_us) CHECKED; /* false: the resource lacks it */
int64_t table_modified(const json_t *resource);                      /* ms; 0: the resource lacks it */
bool table_is_ours(const json_t *resource);
bool table_is_view(const json_t *resource);
/* Is it partitioned as wanted, and no view? */
bool table_fits(const json_t *have, const json_t *want, struct error *err) CHECKED;
/* One page of tables.list; page NULL: the first. */
bool table_list(struct bigquery *bq, const char *dataset, const char *page, json_t **out_answer,
                struct error *err) CHECKED;
/* The first rows of a table, without a query; NULL if the table does not exist. */
bool table_rows(struct bigquery *bq, const char *dataset, const char *table, const char *columns,
                json_t **out_rows, struct error *err) CHECKED;
bool table_insert(struct bigquery *bq, const char *dataset, const char *table, json_t *resource,
                  struct error *err) CHECKED;
/* Changes these members. True, too, if somebody changed it since it was read: look again. */
bool table_patch(struct bigquery *bq, const char *dataset, const char *table, const char *etag,
                 const json_t *body, struct error *err) CHECKED;
/* The same. out_is_lost: somebody changed it since it was read, and nothing was patched. */
bool table_try_patch(struct bigquery *bq, const char *dataset, const char *table, const char *etag,
                     const json_t *body, bool *out_is_lost, struct error *err) CHECKED;
void table_delete(struct bigquery *bq, const char *dataset, const char *table); /* best effort */
/* It is gone when this returns true. */
bool table_drop(struct bigquery *bq, const char *dataset, const char *table, struct error *err) CHECKED;

/* --- table_cache.c --- */

struct table_cache_entry *table_cache_find(struct bigquery *bq, const struct stream *stream); /* or NULL */
void table_cache_store(struct bigquery *bq, const struct table_cache_entry *entry);
/* Its tables change now. */
void table_cache_forget_times(struct bigquery *bq, const struct selection *selection);
void table_cache_clear(struct bigquery *bq); /* the next prepare checks everything again */

/* --- tables.c --- */

/* The tables that a selection keeps in the dataset: its own, or of a reconciliation those of its subject. */
struct selection tables_kept(const struct selection *selection);
/* The table exists and has all columns of `want`, or the text says what differs. */
bool table_ensure(struct bigquery *bq, const char *dataset, const char *table, json_t *want,
                  json_t **out_resource, struct error *err) CHECKED;
/* The same of the control dataset, if it is not listed as it must be; see listing.h. */
bool table_ensure_control(struct bigquery *bq, const char *table, json_t *want, struct error *err) CHECKED;
bool tables_prepare(struct bigquery *bq, const struct selection *selection, struct error *err) CHECKED;
/* Before the first load of a stream: the lock row, if tables_prepare has not read it. */
bool tables_check_lock(struct bigquery *bq, const struct selection *selection, struct error *err) CHECKED;

/* --- latest.c --- */

/* The tables that <table>_latest is made of: it, its gone, its owner or parent, the gone of that; NULL: none.
 */
#define LATEST_INPUTS 4
void latest_inputs(const struct table *table, const struct table *out_inputs[LATEST_INPUTS]);
bool latest_is_table(const struct bigquery *bq, const struct table *table);
/* The view exists and is as it must be, unless it is somebody else's or must be a table. resource: of the
 * live table. */
bool latest_prepare(struct bigquery *bq, const struct table *table, const json_t *resource,
                    struct error *err) CHECKED;
/* The tables among them hold what the views would show. */
bool latest_refresh(struct bigquery *bq, const struct selection *selection, struct error *err) CHECKED;
/* Creates or changes a view of ours. have: its resource as it is; NULL: none. */
bool latest_put_view(struct bigquery *bq, const char *dataset, const char *name, const json_t *have,
                     const char *description, const struct buf *sql, struct error *err) CHECKED;

/* --- custom.c --- */

/* Gives each attribute a column of its own. taken: names in use; before: the fields of the view as it was,
 * NULL: there was none. Sorts the attributes. */
void custom_name(struct custom_attribute *attributes, size_t count, const char *const *taken,
                 size_t taken_count, const json_t *before);
bool custom_refresh(struct bigquery *bq, const struct stream *stream, struct error *err) CHECKED;

#endif
