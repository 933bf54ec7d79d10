/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "job.h"
#include "listing.h"
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

/* want: labelled. The label that it has says that it was found in order. */
static bool ensure_labelled(struct bigquery *bq, const char *dataset, const char *table, json_t *want,
                            struct error *err)
{
    AUTO(json_drop) json_t *have = NULL;
    if (listing_vouches(bq, dataset, table, want)) return true;
    if (!table_ensure(bq, dataset, table, want, &have, err)) return false;
    if (listing_is_labelled(have, want)) return true;
    AUTO(json_drop)
    json_t *body = json_pack("{s:{s:O}}", "labels", LABEL_SCHEMA, json_at(want, "labels." LABEL_SCHEMA));
    return table_patch(bq, dataset, table, NULL, body, err);
}

bool table_ensure_control(struct bigquery *bq, const char *table, json_t *want, struct error *err)
{
    listing_label(bq, want, &(struct listing_note){.view = NULL});
    return ensure_labelled(bq, bq->settings.control_dataset, table, want, err);
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
    struct sql_names names = bigquery_names(bq);
    AUTO(buf_done) struct buf view = buf_limited(LIMIT_SQL);
    sql_latest_text(&names, &(struct sql_latest){.table = table}, &view);
    listing_label(
        bq, want,
        &(struct listing_note){.view = buf_string(&view), .is_monthly = !table->version && !table->owner});
    return want;
}

/* The tables of the control dataset that a stream needs. out_lock: the name of the last. */
static size_t control_tables(const struct stream *stream, json_t *out_want[4], const char *out_names[4],
                             char **out_lock)
{
    size_t count = 0;
    json_t *runs =
        plain_table(schema_runs(), "The ledger of caseload: one row a commit. Do not change it by hand.");
    json_object_set_new(runs, "clustering", json_pack("{s:[s]}", "fields", "stream"));
    out_names[count] = "runs";
    out_want[count++] = runs;
    out_names[count] = "rejected";
    out_want[count++] = partitioned_table(
        schema_rejected(), "Records that could not be loaded, with the reason", "rejected_date");
    if (stream->kind == STREAM_RECONCILE) {
        json_t *missing = partitioned_table(
            schema_missing(), "Records that lists lacked, and what was answered when they were asked for",
            "list_began_at");
        json_object_set_new(json_object_get(missing, "timePartitioning"), "expirationMs",
                            json_string(MISSING_LIFE));
        out_names[count] = "missing";
        out_want[count++] = missing;
    }
    *out_lock = mem_format("lock_%s", stream_lock(stream));
    out_names[count] = *out_lock;
    out_want[count++] = plain_table(
        schema_lock(), "Serialises the commits into one set of tables. One row. Do not change it by hand.");
    return count;
}

static bool ensure_control(struct bigquery *bq, const struct stream *stream, struct error *err)
{
    AUTO(mem_free) char *lock = NULL;
    json_t *want[4];
    const char *names[4];
    bool good = true;
    size_t count = control_tables(stream, want, names, &lock);
    for (size_t i = 0; i < count; i++) {
        good = good && table_ensure_control(bq, names[i], want[i], err);
        json_decref(want[i]);
    }
    return good;
}

static bool is_control_listed(const struct bigquery *bq, const struct stream *stream)
{
    AUTO(mem_free) char *lock = NULL;
    json_t *want[4];
    const char *names[4];
    bool good = true;
    size_t count = control_tables(stream, want, names, &lock);
    for (size_t i = 0; i < count; i++) {
        listing_label(bq, want[i], &(struct listing_note){.view = NULL});
        good = good && listing_vouches(bq, bq->settings.control_dataset, names[i], want[i]);
        json_decref(want[i]);
    }
    return good;
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
        AUTO(json_drop) json_t *want = data_table(bq, table);
        if (!provenance_check_table(bq, *resource, err)) return false;
        if (provenance_is_labelled(*resource) && listing_is_labelled(*resource, want)) return true;
        AUTO(json_drop) json_t *body = json_pack("{s:O}", "labels", json_object_get(want, "labels"));
        if (!table_patch(bq, bq->settings.dataset, table->name, json_text_at(*resource, "etag"), body, err))
            return false;
        json_drop(resource);
        if (!table_get(bq, bq->settings.dataset, table->name, resource, err)) return false;
        if (!*resource) break;
    }
    return error_set(err, ERROR_BUSY, "table %s changed while it was labelled; try again", table->name);
}

static bool ensure_data_table(struct bigquery *bq, const struct table *table, struct error *err)
{
    AUTO(json_drop) json_t *want = data_table(bq, table);
    return ensure_labelled(bq, bq->settings.dataset, table->name, want, err);
}

static size_t named_tables(const struct selection *kept, const struct table *table,
                           const struct table *out_named[LATEST_INPUTS])
{
    const struct table *inputs[LATEST_INPUTS];
    size_t count = 0;
    latest_inputs(table, inputs);
    for (size_t i = 1; i < LATEST_INPUTS; i++)
        if (inputs[i] && !selection_has_table(kept, inputs[i])) out_named[count++] = inputs[i];
    return count;
}

/* Views also need tables outside of this selection: another stream's, or a child that was not chosen. */
static bool ensure_named(struct bigquery *bq, const struct selection *kept, const struct table *table,
                         struct error *err)
{
    const struct table *named[LATEST_INPUTS];
    size_t count = named_tables(kept, table, named);
    for (size_t i = 0; i < count; i++)
        if (!ensure_data_table(bq, named[i], err)) return false;
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
    return ensure_views(bq, kept, have->of, err) && ensure_control(bq, selection->stream, err) &&
           adopt_tables(bq, selection, filled, err) && label_tables(bq, kept, have, err) &&
           lock_ensure(bq, selection->stream, lock, err);
}

static bool is_listed(const struct bigquery *bq, const struct table *table)
{
    AUTO(json_drop) json_t *want = data_table(bq, table);
    return listing_vouches(bq, bq->settings.dataset, table->name, want);
}

/* <table>_latest is there, or not ours, or made after the commit. */
static bool is_latest_listed(const struct bigquery *bq, const struct table *table)
{
    AUTO(mem_free) char *name = mem_format("%s_latest", table->name);
    const json_t *item = listing_find(bq, bq->settings.dataset, name);
    const char *type = json_text_at(item, "type");
    return latest_is_table(bq, table) ||
           (item && (!table_is_ours(item) || (type && strcmp(type, "VIEW") == 0)));
}

/* Is all that the stream needs listed as it was last found in order? Then it is not looked at one by one. */
static bool take_listed(struct bigquery *bq, const struct selection *selection, const struct selection *kept,
                        struct table_cache_entry *out)
{
    const struct table *named[LATEST_INPUTS];
    struct error unread;
    if (bq->looks_closely || !json_object_get(bq->ledger_streams, selection->stream->name) ||
        !is_control_listed(bq, selection->stream))
        return false;
    for (size_t i = 0; i < kept->table_count; i++) {
        const struct table *table = kept->tables[i];
        const json_t *item = listing_find(bq, bq->settings.dataset, table->name);
        int64_t created_us;
        if (!is_listed(bq, table) || !is_latest_listed(bq, table) || !provenance_is_labelled(item) ||
            !provenance_check_table(bq, item, &unread) || !table_created(item, &created_us))
            return false;
        for (size_t k = named_tables(kept, table, named); k > 0; k--)
            if (!is_listed(bq, named[k - 1])) return false;
        if (created_us > out->created_us) out->created_us = created_us;
        out->tables[i] = table;
    }
    out->is_listed = true;
    return true;
}

/* Looks at the data tables each time, and at the rest only if one of them is new. */
static bool look_closely(struct bigquery *bq, const struct selection *selection, const struct selection *kept,
                         const struct lock_state *lock, struct table_cache_entry *out, struct error *err)
{
    bool filled[LIMIT_TABLES] = {false};
    AUTO(resources_done) struct resources have = {{NULL}};
    for (size_t i = 0; i < kept->table_count; i++) {
        AUTO(json_drop) json_t *want = data_table(bq, kept->tables[i]);
        if (!table_ensure(bq, bq->settings.dataset, kept->tables[i]->name, want, &have.of[i], err))
            return false;
        int64_t created_us;
        if (!table_created(have.of[i], &created_us))
            return error_set(err, ERROR_FORMAT,
                             "BigQuery's answer lacks the creation time of the table %s; try again",
                             kept->tables[i]->name);
        if (created_us > out->created_us) out->created_us = created_us;
        filled[i] = json_int_at(have.of[i], "numRows", 0) > 0;
        out->tables[i] = kept->tables[i];
        out->modified_ms[i] = table_modified(have.of[i]);
    }
    const struct table_cache_entry *known = table_cache_find(bq, selection->stream);
    bool same = lock->is_whole && known && known->created_us == out->created_us && !known->is_listed;
    return same || ensure_all(bq, selection, kept, filled, lock, &have, err);
}

static bool prepare_closely(struct bigquery *bq, const struct selection *selection, struct error *err)
{
    struct table_cache_entry now = {.stream = selection->stream};
    const struct selection kept = tables_kept(selection);
    struct lock_state lock;
    if (!lock_read(bq, selection->stream, &lock, err) ||
        !look_closely(bq, selection, &kept, &lock, &now, err) || !lock_check_doubled(bq, &kept, &lock, err))
        return false;
    table_cache_store(bq, &now);
    return true;
}

/* The lock row of a stream whose tables are listed as they must be is read by its first load: many ticks have
 * none. */
bool tables_prepare(struct bigquery *bq, const struct selection *selection, struct error *err)
{
    int64_t now_us;
    struct table_cache_entry now = {.stream = selection->stream};
    const struct selection kept = tables_kept(selection);
    if (!bq->is_provenance_checked && !provenance_check_all(bq, err)) return false;
    bq->is_provenance_checked = true;
    if (!listing_read(bq, err) || !bigquery_now(bq, &now_us, err)) return false;
    if (!take_listed(bq, selection, &kept, &now)) return prepare_closely(bq, selection, err);
    now.is_lock_unread = true;
    table_cache_store(bq, &now);
    return true;
}

bool tables_check_lock(struct bigquery *bq, const struct selection *selection, struct error *err)
{
    struct table_cache_entry *entry = table_cache_find(bq, selection->stream);
    const struct selection kept = tables_kept(selection);
    struct lock_state lock;
    if (entry && !entry->is_lock_unread) return true; /* no entry: what was known is forgotten */
    if (!lock_read(bq, selection->stream, &lock, err)) return false;
    if (!lock.is_whole) return prepare_closely(bq, selection, err);
    if (!lock_check_doubled(bq, &kept, &lock, err)) return false;
    if (entry) entry->is_lock_unread = false;
    return true;
}
