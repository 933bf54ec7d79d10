/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "job.h"
#include "lock.h"
#include "provenance.h"
#include "schema.h"
#include "table.h"

#define MISSING_LIFE "69120000000" /* ms, 800 days: two lists are at most 366 apart */
#define TABLE_ROUNDS 8             /* get, insert, get, patch, get; another process may do the same at once */

struct selection tables_kept(const struct selection *selection)
{
    const struct stream *stream = selection->stream;
    if (stream->kind != STREAM_RECONCILE) return *selection;
    return (struct selection){
        .stream = stream, .tables = {stream->subject, stream->subject->gone}, .table_count = 2};
}

/* The column would be added again, empty, and its values stay under the other name. */
static bool check_renamed(const json_t *have, const json_t *want, struct error *err)
{
    const char *old_name, *new_name;
    if (!schema_find_renamed(json_at(have, "schema.fields"), json_at(want, "schema.fields"), false, &old_name,
                             &new_name))
        return true;
    return error_set(
        err, ERROR_REFUSED,
        "the column %s was renamed to %s. Rename it back: ALTER TABLE ... RENAME COLUMN %s TO %s", old_name,
        new_name, new_name, old_name);
}

/* Puts a renamed column before another difference: it is more likely what was meant. Returns false. */
static bool name_renamed(const json_t *have, const json_t *want, struct error *err)
{
    const char *old_name, *new_name;
    if (!schema_find_renamed(json_at(have, "schema.fields"), json_at(want, "schema.fields"), true, &old_name,
                             &new_name))
        return false;
    return error_wrap(
        err,
        "the column %s is missing, and %s is not one of ours. If it was renamed, rename it back "
        "(ALTER TABLE ... RENAME COLUMN %s TO %s). Then there is",
        old_name, new_name, new_name, old_name);
}

bool table_ensure(struct bigquery *bq, const char *dataset, const char *table, json_t *want,
                  json_t **out_resource, struct error *err)
{
    for (int round = 0; round < TABLE_ROUNDS; round++) {
        AUTO(json_drop) json_t *have = NULL;
        if (!table_get(bq, dataset, table, &have, err)) return false;
        if (!have) {
            if (round > 0 && !api_sleep(bq, 100 << round, err)) return false;
            if (!table_insert(bq, dataset, table, want, err)) return false;
            continue;
        }
        AUTO(json_drop) json_t *fields = json_deep_copy(json_at(have, "schema.fields"));
        bool changed = false;
        if (json_object_get(want, "labels") && !provenance_check_table(bq, have, err)) return false;
        if (!table_fits(have, want, err) ||
            !schema_merge(fields, json_at(want, "schema.fields"), &changed, err))
            return name_renamed(have, want, err) || error_wrap(err, "table %s.%s", dataset, table);
        bool holds_data =
            strcmp(dataset, bq->settings.dataset) == 0; /* a version may rename our own columns */
        if (changed && holds_data && !check_renamed(have, want, err))
            return error_wrap(err, "table %s.%s", dataset, table);
        if (!changed) {
            if (out_resource) *out_resource = json_incref(have);
            return true;
        }
        AUTO(json_drop) json_t *body = json_pack("{s:{s:O}}", "schema", "fields", fields);
        if (!table_patch(bq, dataset, table, json_text_at(have, "etag"), body, err)) return false;
    }
    return error_set(
        err, ERROR_BUSY,
        "table %s.%s changed during each of our attempts; does another program create or drop it?", dataset,
        table);
}

static json_t *plain_table(json_t *fields, const char *description)
{
    return json_pack("{s:s, s:{s:o}}", "description", description, "schema", "fields", fields);
}

static json_t *partitioned_table(json_t *fields, const char *description, const char *field)
{
    json_t *table = plain_table(fields, description);
    json_object_set_new(table, "timePartitioning", json_pack("{s:s, s:s}", "type", "DAY", "field", field));
    return table;
}

static json_t *data_table(const struct bigquery *bq, const struct table *table)
{
    json_t *want = schema_table(table);
    json_object_set_new(want, "labels", provenance_labels(bq));
    if (bq->settings.require_partition_filter)
        json_object_set_new(want, "requirePartitionFilter", json_true());
    return want;
}

static bool ensure_missing(struct bigquery *bq, struct error *err)
{
    AUTO(json_drop)
    json_t *missing = partitioned_table(
        schema_missing(), "Records that lists lacked, and what was answered when they were asked for",
        "list_began_at");
    json_object_set_new(json_object_get(missing, "timePartitioning"), "expirationMs",
                        json_string(MISSING_LIFE));
    return table_ensure(bq, bq->settings.control_dataset, "missing", missing, NULL, err);
}

static bool ensure_control(struct bigquery *bq, const struct selection *selection, struct error *err)
{
    const char *control = bq->settings.control_dataset;
    AUTO(json_drop)
    json_t *runs =
        plain_table(schema_runs(), "The ledger of caseload: one row a commit. Do not change it by hand.");
    json_object_set_new(runs, "clustering", json_pack("{s:[s]}", "fields", "stream"));
    AUTO(json_drop)
    json_t *rejected = partitioned_table(
        schema_rejected(), "Records that could not be loaded, with the reason", "rejected_date");
    AUTO(json_drop)
    json_t *lock = plain_table(
        schema_lock(), "Serialises the commits into one set of tables. One row. Do not change it by hand.");
    AUTO(mem_free) char *lock_name = mem_format("lock_%s", stream_lock(selection->stream));
    return table_ensure(bq, control, "runs", runs, NULL, err) &&
           table_ensure(bq, control, "rejected", rejected, NULL, err) &&
           (selection->stream->kind != STREAM_RECONCILE || ensure_missing(bq, err)) &&
           table_ensure(bq, control, lock_name, lock, NULL, err);
}

static bool has_ledger(struct bigquery *bq, const struct selection *selection, bool *out_has,
                       struct error *err)
{
    *out_has = json_object_get(bq->ledger_streams, selection->stream->name) != NULL;
    if (*out_has) return true;
    struct sql_names names = bigquery_names(bq);
    AUTO(buf_done) struct buf sql = buf_limited(LIMIT_SQL);
    sql_ledger_text(&names, &sql);
    AUTO(json_drop) json_t *parameters = json_array();
    parameter_add(parameters, "stream", "STRING", selection->stream->name);
    AUTO(json_drop) json_t *rows = NULL;
    int64_t commits = 0;
    if (!job_read(bq, &sql, parameters, &rows, err)) return false;
    if (!cell_int(json_array_get(rows, 0), 0, &commits))
        return error_set(err, ERROR_FORMAT, "BigQuery's answer lacks the count of ledger rows");
    *out_has = commits > 0;
    return true;
}

/* Rows without a ledger may stay if each is on the day of its version and has a key. */
static bool adopt(struct bigquery *bq, const struct table *table, struct error *err)
{
    struct sql_names names = bigquery_names(bq);
    AUTO(buf_done) struct buf sql = buf_limited(LIMIT_SQL);
    sql_adopt_text(&names, table, &sql);
    AUTO(json_drop) json_t *parameters = json_array();
    if (table->day) parameter_add(parameters, "timezone", "STRING", bq->settings.timezone);
    AUTO(json_drop) json_t *rows = NULL;
    int64_t misplaced, keyless;
    if (!job_read(bq, &sql, parameters, &rows, err)) return false;
    if (!cell_int(json_array_get(rows, 0), 0, &misplaced) || !cell_int(json_array_get(rows, 0), 1, &keyless))
        return error_set(err, ERROR_FORMAT, "BigQuery's answer lacks the counts of rows in %s", table->name);
    if (misplaced == 0 && keyless == 0) return true;
    return error_set(
        err, ERROR_REFUSED,
        "the table %s holds rows that caseload did not load: %lld lie on another partition_date than the "
        "day of their %s in %s, %lld lack a key; move the table aside, or set the time zone that it was "
        "loaded with",
        table->name, (long long)misplaced, table->day ? table->day : "reading", bq->settings.timezone,
        (long long)keyless);
}

/* The subject of a reconciliation has ledger rows of its own. */
static bool adopt_tables(struct bigquery *bq, const struct selection *selection, const bool *filled,
                         struct error *err)
{
    bool any = false, known = selection->stream->kind == STREAM_RECONCILE;
    for (size_t i = 0; i < selection->table_count; i++)
        any = any || filled[i];
    if (!any || known) return true;
    if (!has_ledger(bq, selection, &known, err)) return false;
    for (size_t i = 0; i < selection->table_count && !known; i++)
        if (filled[i] && !adopt(bq, selection->tables[i], err)) return false;
    return true;
}

/* A table that others created gets its labels once its rows were found to fit. */
static bool label_table(struct bigquery *bq, const struct table *table, json_t **resource, struct error *err)
{
    for (int round = 0; round < TABLE_ROUNDS; round++) {
        if (!provenance_check_table(bq, *resource, err)) return false;
        if (provenance_is_labelled(*resource)) return true;
        AUTO(json_drop) json_t *body = json_pack("{s:o}", "labels", provenance_labels(bq));
        if (!table_patch(bq, bq->settings.dataset, table->name, json_text_at(*resource, "etag"), body, err))
            return false;
        json_drop(resource);
        if (!table_get(bq, bq->settings.dataset, table->name, resource, err)) return false;
        if (!*resource) break;
    }
    return error_set(err, ERROR_BUSY, "table %s changed while it was labelled; try again", table->name);
}

/* Views also need tables outside of this selection: another stream's, or a child that was not chosen. */
static bool ensure_named(struct bigquery *bq, const struct selection *kept, const struct table *table,
                         struct error *err)
{
    const struct table *above = table->owner ? table->owner : table->parent;
    const struct table *const named[] = {table->gone, above, above ? above->gone : NULL};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        if (!named[i] || selection_has_table(kept, named[i])) continue;
        AUTO(json_drop) json_t *want = data_table(bq, named[i]);
        if (!table_ensure(bq, bq->settings.dataset, named[i]->name, want, NULL, err)) return false;
    }
    return true;
}

static bool ensure_views(struct bigquery *bq, const struct selection *kept, json_t *const have[LIMIT_TABLES],
                         struct error *err)
{
    for (size_t i = 0; i < kept->table_count; i++)
        if (!ensure_named(bq, kept, kept->tables[i], err) ||
            !latest_prepare(bq, kept->tables[i], have[i], err))
            return false;
    return true;
}

struct resources {
    json_t *of[LIMIT_TABLES];
};

static bool label_tables(struct bigquery *bq, const struct selection *kept, struct resources *have,
                         struct error *err)
{
    for (size_t i = 0; i < kept->table_count; i++)
        if (!label_table(bq, kept->tables[i], &have->of[i], err)) return false;
    return true;
}

static void resources_done(struct resources *resources)
{
    for (size_t i = 0; i < LIMIT_TABLES; i++)
        json_drop(&resources->of[i]);
}

/* The lock row is made last: by then the rows that are there were found to fit the configuration. */
static bool ensure_all(struct bigquery *bq, const struct selection *selection, const struct selection *kept,
                       const bool *filled, const struct lock_state *lock, struct resources *have,
                       struct error *err)
{
    return ensure_views(bq, kept, have->of, err) && ensure_control(bq, selection, err) &&
           adopt_tables(bq, selection, filled, err) && label_tables(bq, kept, have, err) &&
           lock_ensure(bq, selection->stream, lock, err);
}

/* Looks at the data tables and the lock row each time, and at the rest only if one of them is new. */
bool tables_prepare(struct bigquery *bq, const struct selection *selection, struct error *err)
{
    bool filled[LIMIT_TABLES] = {false};
    struct table_cache_entry now = {.stream = selection->stream};
    AUTO(resources_done) struct resources have = {{NULL}};
    const struct selection kept = tables_kept(selection);
    if (!bq->is_provenance_checked && !provenance_check_all(bq, err)) return false;
    bq->is_provenance_checked = true;
    for (size_t i = 0; i < kept.table_count; i++) {
        AUTO(json_drop) json_t *want = data_table(bq, kept.tables[i]);
        if (!table_ensure(bq, bq->settings.dataset, kept.tables[i]->name, want, &have.of[i], err))
            return false;
        int64_t created_us;
        if (!table_created(have.of[i], &created_us))
            return error_set(err, ERROR_FORMAT,
                             "BigQuery's answer lacks the creation time of the table %s; try again",
                             kept.tables[i]->name);
        if (created_us > now.created_us) now.created_us = created_us;
        filled[i] = json_int_at(have.of[i], "numRows", 0) > 0;
        now.tables[i] = kept.tables[i];
        now.modified_ms[i] = table_modified(have.of[i]);
    }
    const struct table_cache_entry *known = table_cache_find(bq, selection->stream);
    bool same = known && known->created_us == now.created_us;
    struct lock_state lock;
    if (!lock_read(bq, selection->stream, &lock, err)) return false;
    same = same && lock.is_whole;
    if (same) now.custom_ms = known->custom_ms;
    if (!same && !ensure_all(bq, selection, &kept, filled, &lock, &have, err)) return false;
    if (!lock_check_doubled(bq, &kept, &lock, err)) return false;
    table_cache_store(bq, &now);
    return true;
}
