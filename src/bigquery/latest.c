/* SPDX-License-Identifier: Apache-2.0 */
/* latest.c - <table>_latest: a view, or a table that follows it.
 *
 * A table is made once, and then changed row by row: what people have set on it (policy tags, grants,
 * descriptions) stays. Its labels hold the times of its inputs' last changes, as they were before it was
 * changed, and a hash of how its columns are made. While the inputs show the same times, the table is up to
 * date, no matter which process did it; while the hash is the same, only rows that differ are written.
 */
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "job.h"
#include "schema.h"
#include "table.h"

#define DESCRIPTION "The newest version of each row of %s"
#define DAY_MS      INT64_C(86400000)
#define ROUNDS      8  /* another process may change the same at once */
#define SINCE_DAYS  30 /* so many of a list's newest days may be deleted, and its view still shows a day */
#define SINCE_AGE   90

bool latest_is_table(const struct bigquery *bq, const struct table *table)
{
    for (size_t i = 0; i < bq->settings.latest_table_count; i++)
        if (!strcmp(bq->settings.latest_tables[i], table->name)) return true;
    return false;
}

static bool changed_meanwhile(const char *name, struct error *err)
{
    return error_set(err, ERROR_BUSY,
                     "%s changed during each of our attempts; does another program change it?", name);
}

/* Another process may have put the same text meanwhile. */
static bool patch_view(struct bigquery *bq, const char *dataset, const char *name, const json_t *have,
                       const json_t *view, struct error *err)
{
    const char *text = json_text_at(view, "query");
    AUTO(json_drop) json_t *body = json_pack("{s:O}", "view", view);
    AUTO(json_drop) json_t *now = json_deep_copy(have);
    for (int round = 0; round < ROUNDS; round++) {
        bool is_lost = false;
        const char *query = json_text_at(now, "view.query");
        if (query && !strcmp(query, text)) return true;
        if (!table_try_patch(bq, dataset, name, json_text_at(now, "etag"), body, &is_lost, err)) return false;
        if (!is_lost) return true;
        json_drop(&now);
        if (!table_get(bq, dataset, name, &now, err)) return false;
        if (!now || !table_is_ours(now) || !table_is_view(now)) break;
    }
    return changed_meanwhile(name, err);
}

bool latest_put_view(struct bigquery *bq, const char *dataset, const char *name, const json_t *have,
                     const char *description, const struct buf *sql, struct error *err)
{
    if (!sql_check(sql, name, err)) return false;
    AUTO(json_drop) json_t *view = json_pack("{s:s, s:b}", "query", buf_string(sql), "useLegacySql", 0);
    if (!view) return error_set(err, ERROR_FORMAT, "the text of the view %s is not UTF-8", name);
    if (have) return patch_view(bq, dataset, name, have, view, err);
    AUTO(json_drop)
    json_t *want = json_pack("{s:s, s:{s:s}, s:O}", "description", description, "labels", LABEL_KEY,
                             LABEL_VALUE, "view", view);
    return table_insert(bq, dataset, name, want, err);
}

/* The constant lower bound in the text of a list's view; "": it has none. */
static void read_since(const json_t *have, char out[DAY_TEXT])
{
    static const char before[] = "DATE '";
    const char *query = json_text_at(have, "view.query"), *at = query ? strstr(query, before) : NULL;
    struct day day;
    snprintf(out, DAY_TEXT, "%.10s", at ? at + sizeof before - 1 : "");
    if (!day_parse(out, &day)) out[0] = '\0';
}

static bool read_newest_day(struct bigquery *bq, const struct table *table, struct day *out_day,
                            bool *out_any, struct error *err)
{
    struct sql_names names = bigquery_names(bq);
    AUTO(buf_done) struct buf sql = buf_limited(LIMIT_SQL);
    AUTO(json_drop) json_t *parameters = json_array();
    AUTO(json_drop) json_t *rows = NULL;
    sql_newest_day_text(&names, table, &sql);
    if (!job_read(bq, &sql, parameters, &rows, err)) return false;
    *out_any = cell_day(json_array_get(rows, 0), 0, out_day);
    return true;
}

/* A day that is SINCE_DAYS before the newest. It may be as old as SINCE_AGE before it is moved: that costs a
 * query. */
static bool find_since(struct bigquery *bq, const struct table *table, const json_t *have,
                       const json_t *resource, char out[DAY_TEXT], struct error *err)
{
    struct day since, newest;
    struct day changed = day_add(day_of_civil(1970, 1, 1), (int)(table_modified(resource) / DAY_MS));
    bool is_any = false;
    read_since(have, out);
    if (!day_parse(out, &since)) since = day_of_civil(1, 1, 1);
    if (!have || json_int_at(resource, "numRows", 0) == 0 || changed.n - since.n <= SINCE_AGE) return true;
    if (!read_newest_day(bq, table, &newest, &is_any, err)) return false;
    if (is_any) day_format(day_add(newest, -SINCE_DAYS), out);
    return true;
}

static const char *description_of(const json_t *described)
{
    const char *text = json_text_at(described, "description");
    return text ? text : "";
}

/* The first field on which somebody has set a policy tag or a description; NULL: there is none. */
static const char *find_adorned(const json_t *fields, const json_t *ours)
{
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *field = json_array_get(fields, i);
        const char *name = json_text_at(field, "name"), *description = description_of(field);
        const json_t *our = name ? schema_find(ours, name) : NULL;
        bool is_described = *description && strcmp(description, description_of(our)) != 0;
        if (is_described || json_array_size(json_at(field, "policyTags.names")) > 0) return name;
        const char *below = find_adorned(json_object_get(field, "fields"), json_object_get(our, "fields"));
        if (below) return below;
    }
    return NULL;
}

/* A drop takes along what people have set on a view or table of ours. resource: of the live table. */
static bool check_droppable(const json_t *have, const json_t *resource, const char *ours, struct error *err)
{
    const char *name = json_text_at(have, "tableReference.tableId"), *description = description_of(have);
    const char *adorned = find_adorned(json_at(have, "schema.fields"), json_at(resource, "schema.fields"));
    if (!adorned && (!*description || !strcmp(description, ours))) return true;
    bool is_view = table_is_view(have);
    const char *kind = is_view ? "view" : "table";
    return error_set(err, ERROR_REFUSED,
                     "%s is a %s with a policy tag or description that is not caseload's (%s), which a %s "
                     "in its place would not have. Rename the %s, or set \"latest\" to keep it",
                     name ? name : "", kind, adorned ? adorned : "its own", is_view ? "table" : "view", kind);
}

static bool put_latest_view(struct bigquery *bq, const struct table *table, const json_t *have,
                            const json_t *resource, struct error *err)
{
    AUTO(mem_free) char *name = mem_format("%s_latest", table->name);
    AUTO(mem_free) char *description = mem_format(DESCRIPTION, table->name);
    char since[DAY_TEXT] = "";
    bool is_list = !table->version && !table->owner;
    if (is_list && !find_since(bq, table, have, resource, since, err)) return false;
    struct sql_names names = bigquery_names(bq);
    struct sql_latest latest = {
        .table = table, .fields = json_at(resource, "schema.fields"), .since = *since ? since : NULL};
    AUTO(buf_done) struct buf sql = buf_limited(LIMIT_VIEW);
    sql_latest_text(&names, &latest, &sql);
    if (sql.full) {
        log_write(LOG_WARNING, "columns_left_out", LOG_FIELDS(LOG_TEXT("table", table->name)),
                  "%s: a view has at most 256 K characters: columns that were added to %s later are NULL for "
                  "older rows, whose values are in " COLUMN_EXTRA,
                  name, table->name);
        buf_reset(&sql);
        latest.fields = NULL;
        sql_latest_text(&names, &latest, &sql);
    }
    return latest_put_view(bq, bq->settings.dataset, name, have, description, &sql, err);
}

bool latest_prepare(struct bigquery *bq, const struct table *table, const json_t *resource, struct error *err)
{
    if (latest_is_table(bq, table)) return true;
    AUTO(mem_free) char *name = mem_format("%s_latest", table->name);
    AUTO(json_drop) json_t *have = NULL;
    if (!table_get(bq, bq->settings.dataset, name, &have, err)) return false;
    if (have && !table_is_ours(have)) return true;
    if (have && !table_is_view(have)) {
        AUTO(mem_free) char *description = mem_format(DESCRIPTION, table->name);
        if (!check_droppable(have, resource, description, err) ||
            !table_drop(bq, bq->settings.dataset, name, err))
            return false;
        json_drop(&have);
    }
    return put_latest_view(bq, table, have, resource, err);
}

struct inputs {
    const struct table *tables[LATEST_INPUTS];
    int64_t modified_ms[LATEST_INPUTS]; /* 0: unknown */
    json_t *base;                       /* the first one's resource, if it was asked for */
};

static void inputs_done(struct inputs *inputs)
{
    json_drop(&inputs->base);
}

void latest_inputs(const struct table *table, const struct table *out_inputs[LATEST_INPUTS])
{
    const struct table *above = table->owner ? table->owner : table->parent;
    const struct table *const all[LATEST_INPUTS] = {table, table->gone, above, above ? above->gone : NULL};
    memcpy(out_inputs, all, sizeof all);
}

/* As prepare saw them, while we have committed nothing since. Another process refreshes after its own
 * commits. */
static bool recall_inputs(struct bigquery *bq, const struct selection *kept, struct inputs *inputs)
{
    const struct table_cache_entry *cached = table_cache_find(bq, kept->stream);
    for (size_t i = 0; i < LATEST_INPUTS; i++) {
        if (!inputs->tables[i]) continue;
        for (size_t k = 0; cached && k < kept->table_count; k++)
            if (kept->tables[k] == inputs->tables[i]) inputs->modified_ms[i] = cached->modified_ms[k];
        if (inputs->modified_ms[i] == 0) return false;
    }
    return true;
}

static bool ask_inputs(struct bigquery *bq, struct inputs *inputs, struct error *err)
{
    for (size_t i = 0; i < LATEST_INPUTS; i++) {
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
    for (size_t i = 0; i < LATEST_INPUTS && size < 64; i++)
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

/* A hash of the columns and of what fills them. */
static void format_definition(const struct table *table, const json_t *fields, char out[17])
{
    AUTO(buf_done) struct buf shown = buf_limited(LIMIT_SQL);
    sql_latest_shown(table, fields, &shown);
    uint64_t hash = hash_bytes(HASH_EMPTY, buf_string(&shown), shown.size);
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const char *name = json_text_at(json_array_get(fields, i), "name");
        hash = hash_bytes(hash, name, strlen(name));
    }
    snprintf(out, 17, "%016llx", (unsigned long long)hash);
}

/* The live table's, all NULLABLE: what is missing can be added later. Policy tags go along. */
static json_t *latest_fields(const json_t *live)
{
    json_t *fields = json_array();
    for (size_t i = 0; i < json_array_size(live); i++) {
        if (!sql_is_name(json_text_at(json_array_get(live, i), "name"))) continue; /* as in the statement */
        json_t *field = json_deep_copy(json_array_get(live, i));
        if (!strcmp(schema_mode(field), "REQUIRED"))
            json_object_set_new(field, "mode", json_string("NULLABLE"));
        json_array_append_new(fields, field);
    }
    return fields;
}

static bool create_table(struct bigquery *bq, const struct table *table, const json_t *fields,
                         const char *definition, struct error *err)
{
    AUTO(mem_free) char *name = mem_format("%s_latest", table->name);
    AUTO(mem_free) char *description = mem_format(DESCRIPTION, table->name);
    AUTO(json_drop) json_t *want = schema_table(table);
    json_object_set_new(want, "description", json_string(description));
    json_object_set_new(want, "labels",
                        json_pack("{s:s, s:s}", LABEL_KEY, LABEL_VALUE, LABEL_DEFINITION, definition));
    json_object_set_new(want, "schema", json_pack("{s:O}", "fields", fields));
    return table_insert(bq, bq->settings.dataset, name, want, err);
}

/* Adds the columns that it lacks. out_changed: look again, here or elsewhere something was changed. */
static bool add_columns(struct bigquery *bq, const char *name, const json_t *have, const json_t *wanted,
                        bool *out_changed, struct error *err)
{
    AUTO(json_drop) json_t *fields = json_deep_copy(json_at(have, "schema.fields"));
    if (!schema_merge(fields, wanted, out_changed, err)) return false;
    if (!*out_changed) return true;
    AUTO(json_drop) json_t *body = json_pack("{s:{s:O}}", "schema", "fields", fields);
    return table_patch(bq, bq->settings.dataset, name, json_text_at(have, "etag"), body, err);
}

/* The table exists and has all columns. have: as it was. out_is_rebuilt: its rows show the columns in another
 * way, or not all. */
static bool ensure_columns(struct bigquery *bq, const struct table *table, const json_t *have,
                           const struct inputs *inputs, bool *out_is_rebuilt, struct error *err)
{
    char definition[17];
    const json_t *live = json_at(inputs->base, "schema.fields");
    AUTO(mem_free) char *name = mem_format("%s_latest", table->name);
    AUTO(json_drop) json_t *wanted = latest_fields(live);
    AUTO(json_drop) json_t *now = have ? json_deep_copy(have) : NULL;
    format_definition(table, live, definition);
    for (int round = 0; round < ROUNDS; round++) {
        bool changed = !now;
        const char *label = json_text_at(now, "labels." LABEL_DEFINITION);
        *out_is_rebuilt = now && (!label || strcmp(label, definition) != 0);
        if (now ? !add_columns(bq, name, now, wanted, &changed, err)
                : !create_table(bq, table, wanted, definition, err))
            return false;
        if (!changed) return true;
        json_drop(&now);
        if (round > 0 && !api_sleep(bq, 100 << round, err)) return false;
        if (!table_get(bq, bq->settings.dataset, name, &now, err)) return false;
    }
    return changed_meanwhile(name, err);
}

/* The labels hold the times from before the inputs are read: rows that arrive meanwhile are found the next
 * time. */
static bool label(struct bigquery *bq, const struct table *table, const struct inputs *inputs,
                  struct error *err)
{
    char as_of[64], definition[17];
    AUTO(mem_free) char *name = mem_format("%s_latest", table->name);
    format_as_of(inputs, as_of);
    format_definition(table, json_at(inputs->base, "schema.fields"), definition);
    AUTO(json_drop)
    json_t *body = json_pack("{s:{s:s, s:s}}", "labels", LABEL_AS_OF, as_of, LABEL_DEFINITION, definition);
    return table_patch(bq, bq->settings.dataset, name, NULL, body, err);
}

static bool change_rows(struct bigquery *bq, const struct sql_refresh *refresh, struct error *err)
{
    char id[JOB_ID];
    struct sql_names names = bigquery_names(bq);
    AUTO(buf_done) struct buf sql = buf_limited(LIMIT_SQL);
    sql_latest_refresh_text(&names, refresh, &sql);
    AUTO(json_drop) json_t *parameters = json_array();
    AUTO(mem_free) char *prefix = mem_format("caseload-latest-%s", refresh->table->name);
    const struct query_job query = {.prefix = prefix,
                                    .stream = refresh->stream->name,
                                    .sql = &sql,
                                    .parameters = parameters,
                                    .where = "latest"};
    return job_query(bq, &query, id, NULL, err);
}

static bool refresh_one(struct bigquery *bq, const struct selection *kept, const struct table *table,
                        struct error *err)
{
    AUTO(mem_free) char *name = mem_format("%s_latest", table->name);
    AUTO(json_drop) json_t *have = NULL;
    AUTO(inputs_done) struct inputs inputs = {.base = NULL};
    struct sql_refresh refresh = {.stream = kept->stream, .table = table};
    latest_inputs(table, inputs.tables);
    if (!table_get(bq, bq->settings.dataset, name, &have, err)) return false;
    if (have && !table_is_ours(have)) return true;
    if (recall_inputs(bq, kept, &inputs) && is_as_of(have, &inputs)) return true;
    if (!ask_inputs(bq, &inputs, err)) return false;
    if (is_as_of(have, &inputs)) return true;
    if (have && table_is_view(have)) { /* BigQuery does not replace a view by a table */
        AUTO(mem_free) char *description = mem_format(DESCRIPTION, table->name);
        if (!check_droppable(have, inputs.base, description, err) ||
            !table_drop(bq, bq->settings.dataset, name, err))
            return false;
        json_drop(&have);
    }
    refresh.fields = json_at(inputs.base, "schema.fields");
    return (ensure_columns(bq, table, have, &inputs, &refresh.is_rebuilt, err) &&
            change_rows(bq, &refresh, err) && label(bq, table, &inputs, err)) ||
           error_wrap(err, "%s", name);
}

/* Is it another table, which has one of these among its inputs? */
static bool depends_on(const struct table *table, const struct selection *kept)
{
    struct inputs inputs = {.base = NULL};
    latest_inputs(table, inputs.tables);
    for (size_t i = 0; i < LATEST_INPUTS; i++)
        if (inputs.tables[i] && selection_has_table(kept, inputs.tables[i]))
            return !selection_has_table(kept, table);
    return false;
}

/* Tables of other streams that are made of these, too: records leave with the feed of their deletions. Those
 * that this process has not prepared follow with their own stream. */
static bool refresh_dependent(struct bigquery *bq, const struct selection *kept, struct error *err)
{
    for (size_t i = 0; i < bq->table_cache_count; i++) {
        const struct table_cache_entry *entry = &bq->table_cache[i];
        struct selection other = {.stream = entry->stream};
        if (entry->stream == kept->stream) continue;
        for (; other.table_count < LIMIT_TABLES && entry->tables[other.table_count]; other.table_count++)
            other.tables[other.table_count] = entry->tables[other.table_count];
        for (size_t k = 0; k < other.table_count; k++)
            if (latest_is_table(bq, other.tables[k]) && depends_on(other.tables[k], kept) &&
                !refresh_one(bq, &other, other.tables[k], err))
                return false;
    }
    return true;
}

bool latest_refresh(struct bigquery *bq, const struct selection *selection, struct error *err)
{
    const struct selection kept = tables_kept(selection);
    for (size_t i = 0; i < kept.table_count; i++)
        if (latest_is_table(bq, kept.tables[i]) && !refresh_one(bq, &kept, kept.tables[i], err)) return false;
    return refresh_dependent(bq, &kept, err);
}
