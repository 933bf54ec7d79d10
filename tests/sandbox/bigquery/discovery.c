/* SPDX-License-Identifier: Apache-2.0 */
/* discovery.c - the description of the API that bq and Google's older clients fetch before their first call.
 *
 * https://developers.google.com/discovery/v1/reference/apis. It has the methods that the sandbox has, made
 * from its routes. Messages are described by their names alone: fields.c checks what is sent.
 */
#include <string.h>

#include "base/mem.h"
#include "bigquery/internal.h"

#define V2 "/bigquery/v2/"

struct method {
    const char *operation;
    const char *request, *response; /* names of messages; NULL: none */
    const char *queries;            /* parameters: "name" is a text, "name:integer", "name:boolean" */
};

static const struct method methods[] = {
    {"datasets.list", NULL, "DatasetList", "all:boolean filter maxResults:integer pageToken"},
    {"datasets.insert", "Dataset", "Dataset", "accessPolicyVersion:integer"},
    {"datasets.get", NULL, "Dataset", "accessPolicyVersion:integer datasetView"},
    {"datasets.patch", "Dataset", "Dataset", "accessPolicyVersion:integer updateMode"},
    {"datasets.delete", NULL, NULL, "deleteContents:boolean"},
    {"tables.list", NULL, "TableList", "maxResults:integer pageToken"},
    {"tables.insert", "Table", "Table", ""},
    {"tables.get", NULL, "Table", "selectedFields view"},
    {"tables.patch", "Table", "Table", "autodetect_schema:boolean"},
    {"tables.update", "Table", "Table", "autodetect_schema:boolean"},
    {"tables.delete", NULL, NULL, ""},
    {"tabledata.list", NULL, "TableDataList",
     "formatOptions.useInt64Timestamp:boolean maxResults:integer pageToken selectedFields startIndex"},
    {"jobs.list", NULL, "JobList",
     "allUsers:boolean maxCreationTime maxResults:integer minCreationTime pageToken parentJobId projection "
     "stateFilter"},
    {"jobs.insert", "Job", "Job", ""},
    {"jobs.get", NULL, "Job", "location"},
    {"jobs.cancel", NULL, "JobCancelResponse", "location"},
    {"jobs.delete", NULL, NULL, "location"},
    {"jobs.query", "QueryRequest", "QueryResponse", ""},
    {"jobs.getQueryResults", NULL, "GetQueryResultsResponse",
     "formatOptions.useInt64Timestamp:boolean location maxResults:integer pageToken startIndex "
     "timeoutMs:integer"},
};

/* The parameter that follows this segment of a path. */
static const char *parameter_after(const char *segment, size_t size)
{
    static const struct {
        const char *segment, *parameter;
    } known[] = {{"projects", "projectId"},
                 {"datasets", "datasetId"},
                 {"tables", "tableId"},
                 {"jobs", "jobId"},
                 {"queries", "jobId"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].segment) == size && strncmp(known[i].segment, segment, size) == 0)
            return known[i].parameter;
    return "id";
}

/* "projects/{}/jobs" -> "projects/{+projectId}/jobs", and its parameters in their order. */
static void describe_path(json_t *method, const char *pattern)
{
    struct buf path = buf_limited(1024);
    json_t *parameters = json_object(), *order = json_array();
    const char *segment = pattern;
    for (const char *at = pattern; *at; at++) {
        if (*at != '{') {
            buf_byte(&path, *at);
            if (*at == '/' && at[1] != '{') segment = at + 1;
            continue;
        }
        const char *name = parameter_after(segment, (size_t)(at - segment) - 1);
        buf_format(&path, "{+%s}", name);
        json_object_set_new(
            parameters, name,
            json_pack("{s:s, s:s, s:b}", "type", "string", "location", "path", "required", 1));
        json_array_append_new(order, json_string(name));
        at++; /* } */
    }
    json_object_set_new(method, "path", json_string(buf_string(&path)));
    json_object_set_new(method, "parameters", parameters);
    json_object_set_new(method, "parameterOrder", order);
    buf_done(&path);
}

static void describe_queries(json_t *parameters, const char *queries)
{
    for (size_t size; *queries; queries += size + (queries[size] == ' ')) {
        size = strcspn(queries, " ");
        size_t name_size = strcspn(queries, ": ");
        AUTO(mem_free) char *name = mem_bytes(queries, name_size);
        AUTO(mem_free)
        char *type =
            name_size < size ? mem_bytes(queries + name_size + 1, size - name_size - 1) : mem_text("string");
        json_object_set_new(parameters, name, json_pack("{s:s, s:s}", "type", type, "location", "query"));
    }
}

static void describe_upload(json_t *method)
{
    static const char simple[] = "/upload" V2 "projects/{+projectId}/jobs";
    static const char resumable[] = "/resumable/upload" V2 "projects/{+projectId}/jobs";
    json_object_set_new(method, "supportsMediaUpload", json_true());
    json_object_set_new(method, "mediaUpload",
                        json_pack("{s:[s], s:{s:{s:b, s:s}, s:{s:b, s:s}}}", "accept", "*/*", "protocols",
                                  "simple", "multipart", 1, "path", simple, "resumable", "multipart", 1,
                                  "path", resumable));
}

static void add_message(json_t *schemas, json_t *method, const char *role, const char *name)
{
    if (!name) return;
    json_object_set_new(method, role, json_pack("{s:s}", "$ref", name));
    json_object_set_new(schemas, name,
                        json_pack("{s:s, s:s, s:{}}", "id", name, "type", "object", "properties"));
}

static json_t *describe(const struct route *route, const struct method *known, json_t *schemas)
{
    json_t *method =
        json_pack("{s:o, s:s, s:s, s:[s]}", "id", json_sprintf("bigquery.%s", known->operation), "httpMethod",
                  route->method, "description", "", "scopes", "https://www.googleapis.com/auth/bigquery");
    describe_path(method, route->pattern + strlen(V2));
    describe_queries(json_object_get(method, "parameters"), known->queries);
    add_message(schemas, method, "request", known->request);
    add_message(schemas, method, "response", known->response);
    if (strcmp(known->operation, "jobs.insert") == 0) describe_upload(method);
    return method;
}

static json_t *describe_all(json_t *schemas)
{
    json_t *resources = json_object();
    for (const struct route *route = bigquery_routes; route->handle; route++) {
        const char *dot = strchr(route->operation, '.');
        for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
            if (strcmp(methods[i].operation, route->operation) != 0 ||
                strncmp(route->pattern, V2, strlen(V2)) != 0)
                continue;
            AUTO(mem_free) char *name = mem_bytes(route->operation, (size_t)(dot - route->operation));
            json_t *resource = json_object_get(resources, name);
            if (!resource) json_object_set_new(resources, name, resource = json_pack("{s:{}}", "methods"));
            json_object_set_new(json_object_get(resource, "methods"), dot + 1,
                                describe(route, &methods[i], schemas));
        }
    }
    return resources;
}

void bq_discovery(struct exchange *exchange)
{
    json_t *schemas = json_object();
    json_t *resources = describe_all(schemas);
    AUTO(mem_free)
    char *root = mem_format("http%s://127.0.0.1:%d/", exchange->is_secure ? "s" : "", exchange->port);
    AUTO(mem_free) char *base = mem_format("%s%s", root, &V2[1]);
    exchange_reply_json(
        exchange, 200,
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "kind",
                  "discovery#restDescription", "discoveryVersion", "v1", "id", "bigquery:v2", "name",
                  "bigquery", "version", "v2", "title", "BigQuery API", "protocol", "rest", "rootUrl", root,
                  "servicePath", &V2[1], "baseUrl", base, "basePath", V2, "batchPath", "batch/bigquery/v2",
                  "parameters",
                  json_pack("{s:{s:s, s:s}, s:{s:s, s:s}, s:{s:s, s:s}}", "alt", "type", "string", "location",
                            "query", "fields", "type", "string", "location", "query", "prettyPrint", "type",
                            "boolean", "location", "query"),
                  "schemas", schemas, "resources", resources));
}
