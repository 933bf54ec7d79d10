/* SPDX-License-Identifier: Apache-2.0 */
/* datasets.c - datasets: get, insert, patch, delete, list. */
#include <string.h>

#include "bigquery/internal.h"

#define DATASET_NAME 1024
#define HOUR_MS      3600000

json_t *bq_find_dataset(struct bigquery_server *bigquery, const char *project, const char *dataset,
                        struct store_error *err)
{
    json_t *resource = store_dataset(bigquery->store, dataset);
    const json_t *reference = json_object_get(resource, "datasetReference");
    const char *owner = json_string_value(json_object_get(reference, "projectId"));
    if (owner && strcmp(owner, project) == 0) return resource;
    json_decref(resource);
    (void)bq_problem(err, "notFound", "Not found: Dataset %s:%s", project, dataset);
    return NULL;
}

/* 0: none. */
static bool expiration_check(json_t *resource, const char *name, struct store_error *err)
{
    const json_t *value = json_object_get(resource, name);
    int64_t ms = 0;
    bool is_number = bq_read_int64(value, &ms);
    if (is_number && ms == 0) (void)json_object_del(resource, name);
    if (!value || (is_number && (ms == 0 || ms >= HOUR_MS))) return true;
    return bq_problem(err, "invalid", "Invalid value for %s: at least %d milliseconds are expected", name,
                      HOUR_MS);
}

static bool dataset_check(const char *project, json_t *resource, struct store_error *err)
{
    if (!bq_take_fields(resource, "dataset", err)) return false;
    json_t *reference = json_object_get(resource, "datasetReference");
    const char *id = json_string_value(json_object_get(reference, "datasetId"));
    const char *owner = json_string_value(json_object_get(reference, "projectId"));
    if (!id) return bq_problem(err, "required", "Required parameter is missing: datasetReference.datasetId");
    if (!bq_valid_id(id, "_", DATASET_NAME))
        return bq_problem(
            err, "invalid",
            "Invalid dataset ID \"%s\". Dataset IDs must be alphanumeric (plus underscores) and must be at "
            "most 1024 characters long.",
            id);
    if (owner && strcmp(owner, project) != 0)
        return bq_problem(err, "invalid", "The project of the dataset, %s, is not the one of the path, %s",
                          owner, project);
    json_object_set_new(reference, "projectId", json_string(project));
    const json_t *location = json_object_get(resource, "location");
    if (location && !bq_valid_id(json_string_value(location), "-", 64))
        return bq_problem(err, "invalid", "Invalid storage region for dataset %s:%s", project, id);
    return bq_valid_labels(json_object_get(resource, "labels"), err) &&
           expiration_check(resource, "defaultTableExpirationMs", err) &&
           expiration_check(resource, "defaultPartitionExpirationMs", err);
}

/* As datasets.get shows it. Takes the reference. */
static json_t *dataset_shown(json_t *resource)
{
    const json_t *reference = json_object_get(resource, "datasetReference");
    const char *project = json_string_value(json_object_get(reference, "projectId"));
    const char *id = json_string_value(json_object_get(reference, "datasetId"));
    json_object_set_new(resource, "kind", json_string("bigquery#dataset"));
    json_object_set_new(resource, "id", json_sprintf("%s:%s", project, id));
    json_object_set_new(
        resource, "selfLink",
        json_sprintf("https://bigquery.googleapis.com/bigquery/v2/projects/%s/datasets/%s", project, id));
    json_object_set_new(resource, "type", json_string("DEFAULT"));
    if (!json_object_get(resource, "access")) json_object_set_new(resource, "access", json_array());
    return resource;
}

static void note(struct exchange *exchange, const char *dataset)
{
    json_object_set_new(exchange->detail, "dataset", json_string(dataset ? dataset : ""));
}

void bq_datasets_list(struct exchange *exchange)
{
    struct store_error err = {.reason = ""};
    json_t *all = store_dataset_list(bq_of(exchange)->store), *mine = json_array(),
           *page_items = json_array();
    size_t i;
    json_t *resource;
    json_array_foreach (all, i, resource) {
        const json_t *reference = json_object_get(resource, "datasetReference");
        const char *owner = json_string_value(json_object_get(reference, "projectId"));
        if (!owner || strcmp(owner, exchange->capture[0]) != 0) continue;
        json_t *shown = dataset_shown(json_deep_copy(resource));
        json_t *item =
            json_pack("{s:O, s:O, s:O, s:O, s:O*}", "kind", json_object_get(shown, "kind"), "id",
                      json_object_get(shown, "id"), "datasetReference", reference, "location",
                      json_object_get(shown, "location"), "labels", json_object_get(shown, "labels"));
        json_array_append_new(mine, item);
        json_decref(shown);
    }
    struct result_page page;
    if (bq_read_page(exchange, json_array_size(mine), 1000, &page, &err)) {
        for (i = 0; i < page.count; i++)
            json_array_append(page_items, json_array_get(mine, page.first + i));
        json_t *reply = json_pack("{s:s, s:O}", "kind", "bigquery#datasetList", "datasets", page_items);
        bq_set_page_token(reply, "nextPageToken", page.first + page.count, json_array_size(mine));
        exchange_reply_json(exchange, 200, reply);
    } else {
        (void)bq_problem_reply(exchange, &err);
    }
    json_decref(page_items);
    json_decref(mine);
    json_decref(all);
}

static bool make_dataset(struct bigquery_server *bigquery, const char *project, json_t *resource,
                         struct store_error *err)
{
    if (!dataset_check(project, resource, err)) return false;
    const char *id =
        json_string_value(json_object_get(json_object_get(resource, "datasetReference"), "datasetId"));
    const json_t *location = json_object_get(resource, "location");
    if (!location) json_object_set_new(resource, "location", json_string("US"));
    pthread_mutex_lock(&bigquery->catalog);
    json_t *there = store_dataset(bigquery->store, id);
    bool made = !there || bq_problem(err, "duplicate", "Already Exists: Dataset %s:%s", project, id);
    if (made) {
        int64_t now_us = virtual_clock_read(bigquery->clock);
        json_object_set_new(resource, "creationTime", bq_ms_text(now_us));
        store_stamp(resource, now_us);
        made = store_dataset_put(bigquery->store, id, resource) ||
               bq_problem(err, "internalError", "The dataset %s could not be stored", id);
    }
    pthread_mutex_unlock(&bigquery->catalog);
    json_decref(there);
    return made;
}

void bq_datasets_insert(struct exchange *exchange)
{
    struct store_error err = {.reason = ""};
    json_t *resource = bq_read_object(exchange, &err);
    if (resource && make_dataset(exchange->service, exchange->capture[0], resource, &err)) {
        const json_t *reference = json_object_get(resource, "datasetReference");
        note(exchange, json_string_value(json_object_get(reference, "datasetId")));
        exchange_reply_json(exchange, 200, dataset_shown(json_deep_copy(resource)));
    } else {
        (void)bq_problem_reply(exchange, &err);
    }
    json_decref(resource);
}

void bq_datasets_get(struct exchange *exchange)
{
    struct store_error err = {.reason = ""};
    note(exchange, exchange->capture[1]);
    json_t *resource = bq_find_dataset(exchange->service, exchange->capture[0], exchange->capture[1], &err);
    if (!resource) {
        (void)bq_problem_reply(exchange, &err);
        return;
    }
    exchange_reply_json(exchange, 200, dataset_shown(json_deep_copy(resource)));
    json_decref(resource);
}

/* The resource with the patch in it; NULL: refused. The catalog is locked. */
static json_t *patched_dataset(struct exchange *exchange, const json_t *patch, struct store_error *err)
{
    struct bigquery_server *bigquery = exchange->service;
    json_t *old = bq_find_dataset(bigquery, exchange->capture[0], exchange->capture[1], err);
    if (!old) return NULL;
    json_t *shall = json_deep_copy(old), *created = json_incref(json_object_get(old, "creationTime"));
    bq_merge_patch(shall, patch);
    bool right =
        bq_etag_matches(exchange, old) || bq_problem(err, "conditionNotMet", "Precondition check failed.");
    right = right && dataset_check(exchange->capture[0], shall, err);
    if (right && !json_equal(json_object_get(old, "location"), json_object_get(shall, "location")))
        right = bq_problem(err, "invalid", "Cannot change the location of a dataset");
    if (right &&
        !json_equal(json_object_get(old, "datasetReference"), json_object_get(shall, "datasetReference")))
        right = bq_problem(err, "invalid", "Cannot change the datasetReference of a dataset");
    json_object_set_new(shall, "creationTime", created);
    json_decref(old);
    if (right) return shall;
    json_decref(shall);
    return NULL;
}

void bq_datasets_patch(struct exchange *exchange)
{
    struct store_error err = {.reason = ""};
    struct bigquery_server *bigquery = exchange->service;
    note(exchange, exchange->capture[1]);
    json_t *patch = bq_read_object(exchange, &err), *shall = NULL;
    pthread_mutex_lock(&bigquery->catalog);
    if (patch) shall = patched_dataset(exchange, patch, &err);
    if (shall) {
        store_stamp(shall, virtual_clock_read(bq_of(exchange)->clock));
        if (!store_dataset_put(bq_of(exchange)->store, exchange->capture[1], shall))
            (void)bq_problem(&err, "internalError", "The dataset could not be stored");
    }
    pthread_mutex_unlock(&bigquery->catalog);
    if (err.reason[0])
        (void)bq_problem_reply(exchange, &err);
    else
        exchange_reply_json(exchange, 200, dataset_shown(json_deep_copy(shall)));
    json_decref(shall);
    json_decref(patch);
}

void bq_datasets_delete(struct exchange *exchange)
{
    struct store_error err = {.reason = ""};
    struct bigquery_server *bigquery = exchange->service;
    struct store *store = bq_of(exchange)->store;
    const char *project = exchange->capture[0], *id = exchange->capture[1];
    note(exchange, id);
    bq_expire_tables(bigquery);
    pthread_mutex_lock(&bigquery->catalog);
    json_t *resource = bq_find_dataset(bigquery, project, id, &err);
    json_t *tables = resource ? store_table_list(store, id) : NULL;
    if (json_array_size(tables) > 0 && !bq_query_flag(exchange, "deleteContents"))
        (void)bq_problem(&err, "resourceInUse", "Dataset %s:%s is still in use", project, id);
    if (!err.reason[0]) store_dataset_drop(store, id);
    pthread_mutex_unlock(&bigquery->catalog);
    if (err.reason[0])
        (void)bq_problem_reply(exchange, &err);
    else
        exchange->status = 204;
    json_decref(tables);
    json_decref(resource);
}
