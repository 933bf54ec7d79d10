/* SPDX-License-Identifier: Apache-2.0 */
/* tables.c - tables and views: get, insert, patch, delete, list; expiry; tabledata.list. */
#include <string.h>

#include "base/mem.h"
#include "bigquery/internal.h"

#define TABLE_NAME    1024
#define TABLE_COMMENT 16384
#define TABLES_A_PAGE 1000

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static bool is_view(const json_t *resource)
{
    return json_object_get(resource, "view") != NULL;
}

json_t *bq_find_table(struct bigquery_server *bigquery, const char *project, const char *dataset,
                      const char *table, struct store_error *err)
{
    json_t *parent = bq_find_dataset(bigquery, project, dataset, err);
    if (!parent) return NULL;
    json_decref(parent);
    json_t *resource = store_table(bigquery->store, dataset, table);
    if (!resource) (void)bq_problem(err, "notFound", "Not found: Table %s:%s.%s", project, dataset, table);
    return resource;
}

/* --- what a table may be --- */

static bool reference_check(const char *project, const char *dataset, json_t *resource,
                            struct store_error *err)
{
    json_t *reference = json_object_get(resource, "tableReference");
    const char *owner = text_of(reference, "projectId"), *parent = text_of(reference, "datasetId");
    const char *id = text_of(reference, "tableId");
    if (!id) return bq_problem(err, "required", "Required parameter is missing: tableReference.tableId");
    if (!bq_valid_id(id, "_-", TABLE_NAME))
        return bq_problem(
            err, "invalid",
            "Invalid table ID \"%s\". Table IDs must be alphanumeric (plus underscores and dashes) and "
            "must be at most 1024 characters long. Partition decorators are not served here.",
            id);
    if ((owner && strcmp(owner, project) != 0) || (parent && strcmp(parent, dataset) != 0))
        return bq_problem(err, "invalid", "The tableReference is not of the dataset %s:%s of the path",
                          project, dataset);
    json_object_set_new(reference, "projectId", json_string(project));
    json_object_set_new(reference, "datasetId", json_string(dataset));
    return true;
}

static bool partitioning_check(json_t *resource, const json_t *fields, struct store_error *err)
{
    json_t *partitioning = json_object_get(resource, "timePartitioning");
    json_t *required = json_object_get(partitioning, "requirePartitionFilter"); /* its old place */
    if (required && !json_object_get(resource, "requirePartitionFilter"))
        json_object_set(resource, "requirePartitionFilter", required);
    (void)json_object_del(partitioning, "requirePartitionFilter");
    if (!partitioning) {
        if (json_is_true(json_object_get(resource, "requirePartitionFilter")))
            return bq_problem(err, "invalid", "requirePartitionFilter needs a partitioned table");
        return true;
    }
    const char *type = text_of(partitioning, "type"), *name = text_of(partitioning, "field");
    if (!type || strcmp(type, "DAY") != 0)
        return bq_problem(err, "invalid", "Only timePartitioning of type DAY is served here, not %s",
                          type ? type : "none");
    if (!name)
        return bq_problem(err, "invalid",
                          "Only partitioning by a column is served here: timePartitioning.field");
    const json_t *field = bq_schema_field(fields, name);
    const char *of = text_of(field, "type"), *mode = text_of(field, "mode");
    if (!field)
        return bq_problem(err, "invalid",
                          "The field specified for partitioning cannot be found in the schema: %s", name);
    if (strcmp(of, "DATE") != 0 && strcmp(of, "TIMESTAMP") != 0 && strcmp(of, "DATETIME") != 0)
        return bq_problem(err, "invalid",
                          "The field specified for time partitioning can only be of type TIMESTAMP, DATE "
                          "or DATETIME. The type found is: %s.",
                          of);
    if (mode && strcmp(mode, "REPEATED") == 0)
        return bq_problem(err, "invalid", "The field specified for partitioning must not be REPEATED: %s",
                          name);
    return true;
}

static bool clustering_check(const json_t *resource, const json_t *fields, struct store_error *err)
{
    const json_t *names = json_object_get(json_object_get(resource, "clustering"), "fields");
    if (!json_object_get(resource, "clustering")) return true;
    if (json_array_size(names) < 1 || json_array_size(names) > 4)
        return bq_problem(err, "invalid", "clustering.fields takes one to four columns");
    size_t i;
    json_t *name;
    json_array_foreach (names, i, name) {
        const json_t *field = json_is_string(name) ? bq_schema_field(fields, json_string_value(name)) : NULL;
        const char *type = text_of(field, "type"), *mode = text_of(field, "mode");
        if (!field || (mode && strcmp(mode, "REPEATED") == 0) || strcmp(type, "RECORD") == 0 ||
            strcmp(type, "JSON") == 0)
            return bq_problem(
                err, "invalid",
                "The field specified for clustering is missing or not of a type that can be clustered: %s",
                json_is_string(name) ? json_string_value(name) : "");
    }
    return true;
}

/* 0: never. */
static bool expiration_check(struct bigquery_server *bigquery, json_t *resource, struct store_error *err)
{
    const json_t *value = json_object_get(resource, "expirationTime");
    int64_t ms = 0;
    bool is_number = bq_read_int64(value, &ms), never = is_number && ms == 0;
    if (never) (void)json_object_del(resource, "expirationTime");
    if (!value || never || (is_number && ms > virtual_clock_peek(bigquery->clock) / 1000)) return true;
    return bq_problem(err, "invalid",
                      "Invalid value for expirationTime: milliseconds since 1970, in the future, are "
                      "expected");
}

/* Checks a whole resource but a view's query, and takes out what is not the client's to say. */
static bool table_check(struct bigquery_server *bigquery, const char *project, const char *dataset,
                        json_t *resource, struct store_error *err)
{
    if (!bq_take_fields(resource, "table", err)) return false;
    const char *comment = text_of(resource, "description");
    if (comment && strlen(comment) > TABLE_COMMENT)
        return bq_problem(err, "invalid", "The description is longer than %d characters", TABLE_COMMENT);
    if (!reference_check(project, dataset, resource, err) ||
        !bq_valid_labels(json_object_get(resource, "labels"), err) ||
        !expiration_check(bigquery, resource, err))
        return false;
    if (is_view(resource)) return true;
    json_t *schema = json_object_get(resource, "schema");
    const json_t *fields = json_object_get(schema, "fields");
    if (!schema)
        return bq_problem(err, "invalid", "Tables without a schema are not served here: send schema.fields");
    const char *collation = text_of(resource, "defaultCollation");
    if (!bq_schema_check(schema, err)) return false;
    if (collation && *collation) bq_schema_collate(json_object_get(schema, "fields"), collation);
    return partitioning_check(resource, fields, err) && clustering_check(resource, fields, err);
}

/* --- expiry --- */

static void expect_expiry(struct bigquery_server *bigquery, const json_t *resource)
{
    int64_t ms = 0;
    if (bq_read_int64(json_object_get(resource, "expirationTime"), &ms) &&
        ms * 1000 < bigquery->next_expiry_us)
        bigquery->next_expiry_us = ms * 1000;
}

static void expire_in(struct bigquery_server *bigquery, const char *dataset, int64_t now_us)
{
    json_t *tables = store_table_list(bigquery->store, dataset);
    size_t i;
    json_t *resource;
    json_array_foreach (tables, i, resource) {
        int64_t ms = 0;
        bool over = bq_read_int64(json_object_get(resource, "expirationTime"), &ms) && ms * 1000 <= now_us;
        if (over)
            (void)store_table_drop(bigquery->store, dataset,
                                   text_of(json_object_get(resource, "tableReference"), "tableId"));
        else
            expect_expiry(bigquery, resource);
    }
    json_decref(tables);
}

void bq_expire_tables(struct bigquery_server *bigquery)
{
    int64_t now_us = virtual_clock_peek(bigquery->clock);
    pthread_mutex_lock(&bigquery->catalog);
    if (now_us >= bigquery->next_expiry_us) {
        bigquery->next_expiry_us = INT64_MAX;
        json_t *datasets = store_dataset_list(bigquery->store), *resource;
        size_t i;
        json_array_foreach (datasets, i, resource) {
            expire_in(bigquery, text_of(json_object_get(resource, "datasetReference"), "datasetId"), now_us);
        }
        json_decref(datasets);
    }
    pthread_mutex_unlock(&bigquery->catalog);
}

/* --- what is shown --- */

static json_t *table_shown(struct bigquery_server *bigquery, const json_t *stored)
{
    json_t *resource = json_deep_copy(stored);
    const json_t *reference = json_object_get(resource, "tableReference");
    const char *project = text_of(reference, "projectId"), *dataset = text_of(reference, "datasetId");
    const char *id = text_of(reference, "tableId");
    json_t *parent = store_dataset(bigquery->store, dataset);
    json_object_set_new(resource, "kind", json_string("bigquery#table"));
    json_object_set_new(resource, "id", json_sprintf("%s:%s.%s", project, dataset, id));
    json_object_set_new(
        resource, "selfLink",
        json_sprintf("https://bigquery.googleapis.com/bigquery/v2/projects/%s/datasets/%s/tables/%s", project,
                     dataset, id));
    json_object_set_new(resource, "type", json_string(is_view(stored) ? "VIEW" : "TABLE"));
    if (parent) json_object_set(resource, "location", json_object_get(parent, "location"));
    json_decref(parent);
    struct store_error ignored; /* a view whose table is gone is shown without columns */
    json_t *schema = is_view(stored) ? bq_view_schema(bigquery, stored, &ignored) : NULL;
    if (schema) json_object_set_new(resource, "schema", schema);
    int64_t rows = is_view(stored) ? 0 : store_table_rows(bigquery->store, dataset, id);
    int64_t bytes = rows * bq_schema_row_bytes(json_object_get(json_object_get(stored, "schema"), "fields"));
    static const char *const sizes[] = {"numBytes", "numTotalLogicalBytes", "numActiveLogicalBytes"};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        json_object_set_new(resource, sizes[i], bq_int64_text(bytes));
    json_object_set_new(resource, "numLongTermBytes", bq_int64_text(0));
    json_object_set_new(resource, "numLongTermLogicalBytes", bq_int64_text(0));
    json_object_set_new(resource, "numRows", bq_int64_text(rows));
    return resource;
}

static void note(struct exchange *exchange, const char *table)
{
    json_object_set_new(exchange->detail, "table",
                        json_sprintf("%s.%s", exchange->capture[1], table ? table : ""));
}

/* --- handlers; captures: project, dataset, table --- */

void bq_tables_list(struct exchange *exchange)
{
    static const char *const members[] = {"tableReference", "labels",     "creationTime",
                                          "expirationTime", "clustering", "timePartitioning",
                                          "friendlyName"};
    struct bigquery_server *bigquery = exchange->service;
    struct store_error err = {.reason = ""};
    bq_expire_tables(bigquery);
    json_t *parent = bq_find_dataset(bigquery, exchange->capture[0], exchange->capture[1], &err);
    json_t *tables = parent ? store_table_list(bq_of(exchange)->store, exchange->capture[1]) : NULL;
    json_decref(parent);
    struct result_page page;
    if (!tables || !bq_read_page(exchange, json_array_size(tables), TABLES_A_PAGE, &page, &err)) {
        (void)bq_problem_reply(exchange, &err);
        json_decref(tables);
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < page.count; i++) {
        const json_t *resource = json_array_get(tables, page.first + i);
        const json_t *reference = json_object_get(resource, "tableReference");
        const struct table_name name = {exchange->capture[0], exchange->capture[1],
                                        text_of(reference, "tableId")};
        if (bq_is_fresh(bigquery, "list", &name, NULL, &err)) continue;
        json_t *item =
            json_pack("{s:s, s:s}", "kind", "bigquery#table", "type", is_view(resource) ? "VIEW" : "TABLE");
        json_object_set_new(item, "id",
                            json_sprintf("%s:%s.%s", text_of(reference, "projectId"),
                                         text_of(reference, "datasetId"), text_of(reference, "tableId")));
        for (size_t j = 0; j < sizeof members / sizeof *members; j++)
            if (json_object_get(resource, members[j]))
                json_object_set_new(item, members[j], json_deep_copy(json_object_get(resource, members[j])));
        json_array_append_new(items, item);
    }
    json_t *reply = json_pack("{s:s, s:o, s:I}", "kind", "bigquery#tableList", "tables", items, "totalItems",
                              (json_int_t)json_array_size(tables));
    bq_set_page_token(reply, "nextPageToken", page.first + page.count, json_array_size(tables));
    exchange_reply_json(exchange, 200, reply);
    json_decref(tables);
}

bool bq_make_table(struct bigquery_server *bigquery, const char *project, const char *dataset,
                   json_t *resource, struct store_error *err)
{
    json_t *parent = bq_find_dataset(bigquery, project, dataset, err);
    if (!parent) return false;
    int64_t lifetime_ms = 0, now_us = virtual_clock_read(bigquery->clock);
    bool limited = bq_read_int64(json_object_get(parent, "defaultTableExpirationMs"), &lifetime_ms);
    json_t *collation = json_object_get(parent, "defaultCollation");
    if (collation && !is_view(resource) && !json_object_get(resource, "defaultCollation"))
        json_object_set(resource, "defaultCollation", collation);
    json_decref(parent);
    if (is_view(resource) && json_object_get(resource, "schema"))
        return bq_problem(err, "invalid", "Schema field shouldn't be used as input with a view");
    if (!table_check(bigquery, project, dataset, resource, err) ||
        (is_view(resource) && !bq_view_check(bigquery, resource, false, err)))
        return false;
    const char *id = text_of(json_object_get(resource, "tableReference"), "tableId");
    if (limited && !is_view(resource) && !json_object_get(resource, "expirationTime"))
        json_object_set_new(resource, "expirationTime", bq_int64_text(now_us / 1000 + lifetime_ms));
    store_stamp(resource, now_us);
    pthread_mutex_lock(&bigquery->catalog);
    json_t *there = store_table(bigquery->store, dataset, id);
    bool made = there ? bq_problem(err, "duplicate", "Already Exists: Table %s:%s.%s", project, dataset, id)
                      : store_table_put(bigquery->store, dataset, id, resource, err);
    if (made) expect_expiry(bigquery, resource);
    pthread_mutex_unlock(&bigquery->catalog);
    if (made) bq_note_made(bigquery, project, dataset, id);
    json_decref(there);
    return made;
}

void bq_tables_insert(struct exchange *exchange)
{
    struct bigquery_server *bigquery = exchange->service;
    struct store_error err = {.reason = ""};
    bq_expire_tables(bigquery);
    json_t *resource = bq_read_object(exchange, &err);
    note(exchange, text_of(json_object_get(resource, "tableReference"), "tableId"));
    if (resource && bq_make_table(bigquery, exchange->capture[0], exchange->capture[1], resource, &err)) {
        json_object_set_new(exchange->detail, "resource", json_deep_copy(resource));
        exchange_reply_json(exchange, 200, table_shown(bigquery, resource));
    } else {
        (void)bq_problem_reply(exchange, &err);
    }
    json_decref(resource);
}

void bq_tables_get(struct exchange *exchange)
{
    struct bigquery_server *bigquery = exchange->service;
    struct store_error err = {.reason = ""};
    note(exchange, exchange->capture[2]);
    bq_expire_tables(bigquery);
    struct table_name name = {exchange->capture[0], exchange->capture[1], exchange->capture[2]};
    json_t *resource = bq_is_fresh(bigquery, "get", &name, NULL, &err)
                           ? NULL
                           : bq_find_table(bigquery, name.project, name.dataset, name.table, &err);
    if (resource)
        exchange_reply_json(exchange, 200, table_shown(bigquery, resource));
    else
        (void)bq_problem_reply(exchange, &err);
    json_decref(resource);
}

/* Refuses changes that BigQuery does not make in place. */
static bool change_check(const json_t *old, const json_t *shall, struct store_error *err)
{
    const json_t *reference = json_object_get(old, "tableReference");
    AUTO(mem_free)
    char *name = mem_format("%s:%s.%s", text_of(reference, "projectId"), text_of(reference, "datasetId"),
                            text_of(reference, "tableId"));
    if (!json_equal(reference, json_object_get(shall, "tableReference")))
        return bq_problem(err, "invalid", "Cannot change the tableReference of %s", name);
    if (is_view(old) != is_view(shall))
        return bq_problem(err, "invalid", "%s cannot change from a table into a view, or back", name);
    const json_t *from = json_object_get(old, "timePartitioning"),
                 *to = json_object_get(shall, "timePartitioning");
    const char *field = text_of(from, "field"), *shall_field = text_of(to, "field");
    if (!from != !to || strcmp(field ? field : "", shall_field ? shall_field : "") != 0)
        return bq_problem(err, "invalid",
                          "Cannot change partitioning/clustering spec for a partitioned/clustered table %s.",
                          name);
    return is_view(old) ||
           bq_schema_grows(name, json_object_get(old, "schema"), json_object_get(shall, "schema"), err);
}

/* The old resource after a patch, or after an update (whole); yours. */
static json_t *changed(const json_t *old, const json_t *body, bool whole)
{
    json_t *shall = json_deep_copy(whole ? body : old);
    if (whole)
        json_object_set(shall, "tableReference", json_object_get(old, "tableReference"));
    else
        bq_merge_patch(shall, body);
    /* Descriptions of the columns of the old query are forgotten. */
    if (json_object_get(body, "view") && !json_object_get(body, "schema"))
        (void)json_object_del(shall, "schema");
    return shall;
}

/* The resource as it has become, stored; NULL: refused. The catalog is locked. */
static json_t *change_table(struct exchange *exchange, const json_t *body, bool whole,
                            struct store_error *err)
{
    struct bigquery_server *bigquery = exchange->service;
    const char *project = exchange->capture[0], *dataset = exchange->capture[1], *id = exchange->capture[2];
    json_t *old = bq_find_table(bigquery, project, dataset, id, err);
    if (!old) return NULL;
    json_t *shall = changed(old, body, whole), *created = json_incref(json_object_get(old, "creationTime"));
    bool right =
        bq_etag_matches(exchange, old) || bq_problem(err, "conditionNotMet", "Precondition check failed.");
    bool schema_given = json_object_get(body, "schema") != NULL;
    right = right && table_check(bigquery, project, dataset, shall, err) && change_check(old, shall, err) &&
            (!is_view(shall) || bq_view_check(bigquery, shall, schema_given, err));
    json_object_set_new(shall, "creationTime", created);
    store_stamp(shall, virtual_clock_read(bq_of(exchange)->clock));
    right = right && store_table_put(bq_of(exchange)->store, dataset, id, shall, err);
    json_decref(old);
    if (right) {
        expect_expiry(bigquery, shall);
        return shall;
    }
    json_decref(shall);
    return NULL;
}

static void change(struct exchange *exchange, bool whole)
{
    struct bigquery_server *bigquery = exchange->service;
    struct store_error err = {.reason = ""};
    note(exchange, exchange->capture[2]);
    bq_expire_tables(bigquery);
    json_t *body = bq_read_object(exchange, &err), *shall = NULL;
    if (json_is_null(json_object_get(body, "schema"))) (void)json_object_del(body, "schema"); /* as it is */
    pthread_mutex_lock(&bigquery->catalog);
    if (body) shall = change_table(exchange, body, whole, &err);
    pthread_mutex_unlock(&bigquery->catalog);
    if (shall) {
        json_object_set_new(exchange->detail, "resource", json_deep_copy(shall));
        exchange_reply_json(exchange, 200, table_shown(bigquery, shall));
    } else {
        (void)bq_problem_reply(exchange, &err);
    }
    json_decref(shall);
    json_decref(body);
}

void bq_tables_patch(struct exchange *exchange)
{
    change(exchange, false);
}

void bq_tables_update(struct exchange *exchange)
{
    change(exchange, true);
}

void bq_tables_delete(struct exchange *exchange)
{
    struct bigquery_server *bigquery = exchange->service;
    const char *dataset = exchange->capture[1], *id = exchange->capture[2];
    struct store_error err = {.reason = ""};
    note(exchange, id);
    bq_expire_tables(bigquery);
    pthread_mutex_lock(&bigquery->catalog);
    json_t *resource = bq_find_table(bigquery, exchange->capture[0], dataset, id, &err);
    if (resource && !store_table_drop(bq_of(exchange)->store, dataset, id))
        (void)bq_problem(&err, "internalError", "The table %s could not be dropped", id);
    pthread_mutex_unlock(&bigquery->catalog);
    if (err.reason[0])
        (void)bq_problem_reply(exchange, &err);
    else
        exchange->status = 204;
    json_decref(resource);
}
