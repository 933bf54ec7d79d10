/* SPDX-License-Identifier: Apache-2.0 */
/* latest.c - <table>_latest: a view, or a table that is rebuilt when one of its inputs has changed.
 *
 * The table's label holds the times of its inputs' last changes, as they were before it was built. While the
 * inputs show the same times, the table is up to date, no matter which process built it.
 */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "job.h"
#include "table.h"

#define INPUTS 4 /* the table, its gone, its owner or parent, the gone of that */

bool latest_is_table(const struct bigquery *bq, const struct table *table)
{
    for (size_t i = 0; i < bq->settings.latest_table_count; i++)
        if (!strcmp(bq->settings.latest_tables[i], table->name)) return true;
    return false;
}

bool latest_put_view(struct bigquery *bq, const char *name, const json_t *have, const char *description,
                     const struct buf *sql, struct error *err)
{
    const char *text = buf_string(sql);
    if (!sql_check(sql, name, err)) return false;
    const char *query = json_text_at(have, "view.query");
    AUTO(json_drop) json_t *view = json_pack("{s:s, s:b}", "query", text, "useLegacySql", 0);
    if (!view) return error_set(err, ERROR_FORMAT, "the text of the view %s is not UTF-8", name);
    if (have && query && !strcmp(query, text)) return true;
    if (have) {
        AUTO(json_drop) json_t *body = json_pack("{s:O}", "view", view);
        return table_patch(bq, bq->settings.dataset, name, json_text_at(have, "etag"), body, err);
    }
    AUTO(json_drop)
    json_t *want = json_pack("{s:s, s:{s:s}, s:O}", "description", description, "labels", LABEL_KEY,
                             LABEL_VALUE, "view", view);
    return table_insert(bq, bq->settings.dataset, name, want, err);
}

bool latest_prepare(struct bigquery *bq, const struct table *table, const json_t *fields, struct error *err)
{
    if (latest_is_table(bq, table)) return true;
    AUTO(mem_free) char *name = mem_format("%s_latest", table->name);
    AUTO(mem_free) char *description = mem_format("The newest version of each row of %s", table->name);
    AUTO(json_drop) json_t *have = NULL;
    if (!table_get(bq, bq->settings.dataset, name, &have, err)) return false;
    if (have && !table_is_ours(have)) return true;
    if (have && !table_is_view(have)) {
        if (!table_drop(bq, bq->settings.dataset, name, err)) return false;
        json_drop(&have);
    }
    struct sql_names names = bigquery_names(bq);
    AUTO(buf_done) struct buf sql = buf_limited(LIMIT_VIEW);
    sql_latest_text(&names, table, fields, &sql);
    if (sql.full) {
        log_write(LOG_WARNING, "columns_left_out", LOG_FIELDS(LOG_TEXT("table", table->name)),
                  "%s: a view has at most 256 K characters: columns that were added to %s later are NULL for "
                  "older rows, whose values are in " COLUMN_EXTRA,
                  name, table->name);
        buf_reset(&sql);
        sql_latest_text(&names, table, NULL, &sql);
    }
    return latest_put_view(bq, name, have, description, &sql, err);
}

struct inputs {
    const struct table *tables[INPUTS];
    int64_t modified_ms[INPUTS]; /* 0: unknown */
    json_t *base;                /* the first one's resource, if it was asked for */
};

static void inputs_done(struct inputs *inputs)
{
    json_drop(&inputs->base);
}

static void name_inputs(const struct table *table, struct inputs *out)
{
    const struct table *above = table->owner ? table->owner : table->parent;
    const struct table *const all[INPUTS] = {table, table->gone, above, above ? above->gone : NULL};
    memcpy(out->tables, all, sizeof all);
}

/* As prepare saw them, while we have committed nothing since. Another process refreshes after its own
 * commits. */
static bool recall_inputs(struct bigquery *bq, const struct selection *kept, struct inputs *inputs)
{
    const struct table_cache_entry *cached = table_cache_find(bq, kept->stream);
    for (size_t i = 0; i < INPUTS; i++) {
        if (!inputs->tables[i]) continue;
        for (size_t k = 0; cached && k < kept->table_count; k++)
            if (kept->tables[k] == inputs->tables[i]) inputs->modified_ms[i] = cached->modified_ms[k];
        if (inputs->modified_ms[i] == 0) return false;
    }
    return true;
}

static bool ask_inputs(struct bigquery *bq, struct inputs *inputs, struct error *err)
{
    for (size_t i = 0; i < INPUTS; i++) {
        AUTO(json_drop) json_t *resource = NULL;
        if (!inputs->tables[i]) continue;
        if (!table_get(bq, bq->settings.dataset, inputs->tables[i]->name, &resource, err)) return false;
        if (!resource)
            return error_set(err, ERROR_BUSY, "the table %s was dropped meanwhile; the next try creates it",
                             inputs->tables[i]->name);
        inputs->modified_ms[i] = table_modified(resource);
        if (i == 0) {
            json_drop(&inputs->base);
            inputs->base = json_incref(resource);
        }
    }
    return true;
}

static void format_as_of(const struct inputs *inputs, char out[64])
{
    size_t size = 0;
    for (size_t i = 0; i < INPUTS && size < 64; i++)
        if (inputs->tables[i])
            size += (size_t)snprintf(out + size, 64 - size, "%s%lld", i ? "-" : "",
                                     (long long)inputs->modified_ms[i]);
}

static bool is_as_of(const json_t *have, const struct inputs *inputs)
{
    char as_of[64];
    const char *label = json_text_at(have, "labels." LABEL_AS_OF);
    format_as_of(inputs, as_of);
    return label && !table_is_view(have) && !strcmp(label, as_of);
}

/* The label holds the times from before the inputs are read: rows that arrive meanwhile cause one more
 * rebuild. */
static bool rebuild(struct bigquery *bq, const struct table *table, const struct inputs *inputs,
                    struct error *err)
{
    char as_of[64], id[JOB_ID];
    struct sql_names names = bigquery_names(bq);
    AUTO(buf_done) struct buf sql = buf_limited(LIMIT_SQL);
    format_as_of(inputs, as_of);
    sql_latest_table_text(&names, table, json_at(inputs->base, "schema.fields"), as_of, &sql);
    AUTO(json_drop) json_t *parameters = json_array();
    AUTO(mem_free) char *prefix = mem_format("caseload-latest-%s", table->name);
    const struct query_job query = {
        .prefix = prefix, .sql = &sql, .parameters = parameters, .where = "latest"};
    return job_query(bq, &query, id, NULL, err);
}

static bool refresh_one(struct bigquery *bq, const struct selection *kept, const struct table *table,
                        struct error *err)
{
    AUTO(mem_free) char *name = mem_format("%s_latest", table->name);
    AUTO(json_drop) json_t *have = NULL;
    AUTO(inputs_done) struct inputs inputs = {.base = NULL};
    name_inputs(table, &inputs);
    if (!table_get(bq, bq->settings.dataset, name, &have, err)) return false;
    if (have && !table_is_ours(have)) return true;
    if (recall_inputs(bq, kept, &inputs) && is_as_of(have, &inputs)) return true;
    if (!ask_inputs(bq, &inputs, err)) return false;
    if (is_as_of(have, &inputs)) return true;
    /* BigQuery does not replace a view by a table. */
    if (have && table_is_view(have) && !table_drop(bq, bq->settings.dataset, name, err)) return false;
    return rebuild(bq, table, &inputs, err) || error_wrap(err, "%s", name);
}

bool latest_refresh(struct bigquery *bq, const struct selection *selection, struct error *err)
{
    const struct selection kept = tables_kept(selection);
    for (size_t i = 0; i < kept.table_count; i++)
        if (latest_is_table(bq, kept.tables[i]) && !refresh_one(bq, &kept, kept.tables[i], err)) return false;
    return true;
}
