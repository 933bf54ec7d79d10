/* SPDX-License-Identifier: Apache-2.0 */
/* views.c - what a view may be, and its columns.
 *
 * A view's columns are those of its query. A patch of the schema may
 * describe them. The resource keeps the descriptions by name, and forgets them with the query.
 */
#include <string.h>

#include "bigquery/internal.h"

#define QUERY_CHARACTERS (256 * 1024) /* https://cloud.google.com/bigquery/quotas#view_limits */

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static json_t *query_schema(struct bigquery_server *bigquery, const json_t *resource, struct store_error *err)
{
    struct sql_query query = {.text = text_of(json_object_get(resource, "view"), "query"),
                              .project = text_of(json_object_get(resource, "tableReference"), "projectId"),
                              .dry_run = true};
    struct sql_result result = {.affected = -1};
    bool good = sql_run(bigquery->store, &query, &result, err);
    json_t *schema = good ? json_incref(result.schema) : NULL;
    bool select = strcmp(result.statement, "SELECT") == 0;
    sql_result_done(&result);
    if (good && schema && select) return schema;
    if (good) (void)bq_problem(err, "invalidQuery", "A view's query must be one SELECT");
    json_decref(schema);
    return NULL;
}

static void copy_notes(json_t *fields, const json_t *noted)
{
    size_t i;
    json_t *field;
    json_array_foreach (fields, i, field) {
        const json_t *other = bq_schema_field(noted, text_of(field, "name"));
        const char *note = text_of(other, "description");
        if (note && note[0]) json_object_set_new(field, "description", json_string(note));
        copy_notes(json_object_get(field, "fields"), json_object_get(other, "fields"));
    }
}

json_t *bq_view_schema(struct bigquery_server *bigquery, const json_t *resource, struct store_error *err)
{
    json_t *schema = query_schema(bigquery, resource, err);
    if (schema)
        copy_notes(json_object_get(schema, "fields"),
                   json_object_get(json_object_get(resource, "schema"), "fields"));
    return schema;
}

/* A schema that comes with a view has its query's columns: descriptions are all that it may add. */
static bool schema_check(const json_t *resource, json_t *given, const json_t *columns,
                         struct store_error *err)
{
    const json_t *reference = json_object_get(resource, "tableReference");
    char name[256];
    (void)snprintf(name, sizeof name, "%.60s:%.90s.%.90s", text_of(reference, "projectId"),
                   text_of(reference, "datasetId"), text_of(reference, "tableId"));
    const json_t *fields = json_object_get(given, "fields"), *wanted = json_object_get(columns, "fields");
    if (!bq_schema_check(given, err) || !bq_schema_fits(name, fields, wanted, err)) return false;
    return bq_schema_fits(name, wanted, fields, err);
}

static size_t characters_of(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xC0) != 0x80;
    return count;
}

bool bq_view_check(struct bigquery_server *bigquery, json_t *resource, bool schema_given,
                   struct store_error *err)
{
    const json_t *view = json_object_get(resource, "view");
    json_t *noted = json_object_get(resource, "schema");
    if (!text_of(view, "query"))
        return bq_problem(err, "required", "Required parameter is missing: view.query");
    if (characters_of(text_of(view, "query")) > QUERY_CHARACTERS)
        return bq_problem(err, "invalid", "The view's query is too long: at most %d characters",
                          QUERY_CHARACTERS);
    if (!json_is_false(json_object_get(view, "useLegacySql")))
        return bq_problem(err, "invalid",
                          "Legacy SQL is not served here: send view.useLegacySql false (it defaults to "
                          "true)");
    if (json_object_get(resource, "timePartitioning") || json_object_get(resource, "clustering"))
        return bq_problem(err, "invalid", "A view can have neither partitioning nor clustering");
    json_t *columns = query_schema(bigquery, resource, err);
    bool good = columns && (!schema_given || schema_check(resource, noted, columns, err));
    if (good) {
        copy_notes(json_object_get(columns, "fields"), json_object_get(noted, "fields"));
        json_object_set(resource, "schema", columns);
    }
    json_decref(columns);
    return good;
}
