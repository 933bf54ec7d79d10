/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api.h"
#include "base/clock.h"
#include "base/mem.h"
#include "listing.h"
#include "schema.h"
#include "table.h"

#define TABLE_ROWS 100

struct sql_names bigquery_names(const struct bigquery *bq)
{
    return (struct sql_names){.project = bq->settings.project,
                              .dataset = bq->settings.dataset,
                              .control = bq->settings.control_dataset};
}

bool table_get(struct bigquery *bq, const char *dataset, const char *table, json_t **out_resource,
               struct error *err)
{
    AUTO(mem_free) char *path = mem_format("datasets/%s/tables/%s", dataset, table);
    AUTO(api_answer_done) struct api_answer answer = {0};
    const struct api_call call = {
        .method = "GET", .path = path, .what = "BigQuery tables.get", .accept = {404}};
    *out_resource = NULL;
    if (!api_do(bq, &call, &answer, err)) return error_wrap(err, "table %s", table);
    if (answer.status == 404) return true;
    if (!json_is_object(answer.json))
        return error_set(err, ERROR_FORMAT, "BigQuery tables.get: the answer on %s is not an object", table);
    *out_resource = json_incref(answer.json);
    return true;
}

bool table_list(struct bigquery *bq, const char *dataset, const char *page, json_t **out_answer,
                struct error *err)
{
    AUTO(buf_done) struct buf path = buf_limited(16384);
    buf_format(&path, "datasets/%s/tables?maxResults=1000", dataset);
    if (page) api_query(&path, "pageToken", page);
    AUTO(api_answer_done) struct api_answer answer = {0};
    const struct api_call call = {.method = "GET", .path = buf_string(&path), .what = "BigQuery tables.list"};
    if (path.full) return error_set(err, ERROR_LIMIT, "BigQuery: a page token is longer than 16 KiB");
    if (!api_do(bq, &call, &answer, err)) return error_wrap(err, "dataset %s", dataset);
    *out_answer = json_incref(answer.json);
    return true;
}

bool table_rows(struct bigquery *bq, const char *dataset, const char *table, const char *columns,
                json_t **out_rows, struct error *err)
{
    AUTO(mem_free)
    char *path = mem_format("datasets/%s/tables/%s/data?maxResults=%d&selectedFields=%s&"
                            "formatOptions.useInt64Timestamp=true",
                            dataset, table, TABLE_ROWS, columns);
    AUTO(api_answer_done) struct api_answer answer = {0};
    const struct api_call call = {
        .method = "GET", .path = path, .what = "BigQuery tabledata.list", .accept = {404}};
    *out_rows = NULL;
    if (!api_do(bq, &call, &answer, err)) return error_wrap(err, "table %s.%s", dataset, table);
    if (answer.status == 404) return true;
    json_t *rows = json_object_get(answer.json, "rows");
    *out_rows = rows ? json_incref(rows) : json_array();
    return true;
}

bool table_created(const json_t *resource, int64_t *out_us)
{
    int64_t created_ms = json_int_at(resource, "creationTime", -1);
    if (created_ms < 0 || created_ms > INSTANT_MAX_US / 1000) return false;
    *out_us = created_ms * 1000;
    return true;
}

int64_t table_modified(const json_t *resource)
{
    int64_t modified_ms = json_int_at(resource, "lastModifiedTime", 0);
    return modified_ms > 0 ? modified_ms : 0;
}

bool table_is_ours(const json_t *resource)
{
    const char *label = json_text_at(resource, "labels." LABEL_KEY);
    return label && !strcmp(label, LABEL_VALUE);
}

bool table_is_view(const json_t *resource)
{
    return json_object_get(resource, "view") != NULL;
}

bool table_insert(struct bigquery *bq, const char *dataset, const char *table, json_t *resource,
                  struct error *err)
{
    AUTO(mem_free) char *path = mem_format("datasets/%s/tables", dataset);
    AUTO(api_answer_done) struct api_answer answer = {0};
    listing_forget(bq, dataset, table);
    if (json_object_get(resource, "schema")) /* columns that others add later have the dataset's otherwise */
        json_object_set_new(resource, "defaultCollation", json_string(""));
    json_object_set_new(resource, "tableReference",
                        json_pack("{s:s, s:s, s:s}", "projectId", bq->settings.project, "datasetId", dataset,
                                  "tableId", table));
    const struct api_call call = {.method = "POST",
                                  .path = path,
                                  .body = resource,
                                  .what = "BigQuery tables.insert",
                                  .accept = {409},
                                  .may_be_new = true};
    if (!api_do(bq, &call, &answer, err)) return error_wrap(err, "table %s", table);
    api_note_new(bq, table);
    return true;
}

static bool remove_table(struct bigquery *bq, const char *dataset, const char *table, bool best_effort,
                         struct error *err)
{
    listing_forget(bq, dataset, table);
    AUTO(mem_free) char *path = mem_format("datasets/%s/tables/%s", dataset, table);
    AUTO(api_answer_done) struct api_answer answer = {0};
    const struct api_call call = {.method = "DELETE",
                                  .path = path,
                                  .what = "BigQuery tables.delete",
                                  .accept = {404},
                                  .best_effort = best_effort};
    return api_do(bq, &call, &answer, err) || error_wrap(err, "table %s", table);
}

void table_delete(struct bigquery *bq, const char *dataset, const char *table)
{
    struct error unread; /* a staging table that stays expires by itself */
    if (!api_stopped(bq, &unread)) (void)remove_table(bq, dataset, table, true, &unread);
}

bool table_drop(struct bigquery *bq, const char *dataset, const char *table, struct error *err)
{
    return remove_table(bq, dataset, table, false, err);
}

bool table_patch(struct bigquery *bq, const char *dataset, const char *table, const char *etag,
                 const json_t *body, struct error *err)
{
    bool is_lost;
    return table_try_patch(bq, dataset, table, etag, body, &is_lost, err);
}

bool table_try_patch(struct bigquery *bq, const char *dataset, const char *table, const char *etag,
                     const json_t *body, bool *out_is_lost, struct error *err)
{
    listing_forget(bq, dataset, table);
    AUTO(mem_free) char *path = mem_format("datasets/%s/tables/%s", dataset, table);
    AUTO(api_answer_done) struct api_answer answer = {0};
    const struct api_call call = {.method = "PATCH",
                                  .path = path,
                                  .body = body,
                                  .etag = etag,
                                  .what = "BigQuery tables.patch",
                                  .accept = {412}};
    if (!api_do(bq, &call, &answer, err)) return error_wrap(err, "table %s.%s", dataset, table);
    *out_is_lost = answer.status == 412;
    return true;
}

bool table_fits(const json_t *have, const json_t *want, struct error *err)
{
    const char *field = json_text_at(want, "timePartitioning.field"), *type = json_text_at(have, "type");
    const char *column, *collation = schema_find_collation(json_at(have, "schema.fields"),
                                                           json_at(want, "schema.fields"), &column);
    if (type && strcmp(type, "TABLE") != 0)
        return error_set(err, ERROR_REFUSED, "it is a %s, not a table; give caseload a dataset of its own",
                         type);
    if (collation)
        return error_set(
            err, ERROR_REFUSED,
            "its column %s has the collation %s, by which keys that differ in case are one; move "
            "the table aside; the next run creates it without",
            column, collation);
    if (!field) return true;
    const char *have_type = json_text_at(have, "timePartitioning.type");
    const char *have_field = json_text_at(have, "timePartitioning.field");
    if (!have_type || strcmp(have_type, "DAY") != 0 || !have_field || strcmp(have_field, field) != 0)
        return error_set(
            err, ERROR_REFUSED,
            "it has to be partitioned by day on %s, and BigQuery can't change that; move the table "
            "aside; the next run creates it",
            field);
    if (json_int_at(have, "timePartitioning.expirationMs", 0) > 0 &&
        !json_at(want, "timePartitioning.expirationMs"))
        return error_set(
            err, ERROR_REFUSED,
            "its partitions expire, so each run would load the same days again; remove the partition "
            "expiration from the table");
    return true;
}
