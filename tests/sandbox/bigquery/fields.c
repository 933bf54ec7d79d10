/* SPDX-License-Identifier: Apache-2.0 */
/* fields.c - the fields of the API's messages, and how the sandbox treats each of them.
 *
 * The names are those of Google's discovery document (bigquery v2). tests/conformance/python/clients.py sends
 * every field of that document, so a field that is missing here fails there. "name:message" names the message
 * of a field's value, or of the values of its array.
 */
#include <ctype.h>
#include <string.h>

#include "bigquery/internal.h"

#define DEPTH_LIMIT 40
#define PATH_LIMIT  400

struct message {
    const char *name;
    const char *played;  /* the sandbox does what they say */
    const char *kept;    /* taken and shown, and without effect on what the sandbox plays */
    const char *refused; /* the sandbox does not play them: only their defaults are taken */
    const char *ours;    /* only the service writes them: clients send back what they read */
};

static const struct message messages[] = {
    /* jobs */
    {.name = "job",
     .played = "configuration:configuration jobReference:job_reference",
     .ours = "etag id jobCreationReason kind principal_subject selfLink statistics status user_email"},
    {.name = "job_reference", .played = "projectId jobId location"},
    {.name = "configuration",
     .played = "dryRun jobTimeoutMs labels load:load query:query",
     .kept = "maxSlots reservation",
     .refused = "copy extract",
     .ours = "jobType"},
    /* Options of CSV, Avro, Parquet and Datastore say nothing about rows of JSON. "location" is no field of
     * the API's, but Google's Node client sends it here, and the service takes it. */
    {.name = "load",
     .played = "clustering:clustering createDisposition destinationTable:table_reference "
               "destinationTableProperties:destination_properties encoding maxBadRecords schema:schema "
               "sourceFormat timePartitioning:time_partitioning writeDisposition",
     .kept = "allowJaggedRows allowQuotedNewlines decimalTargetTypes "
             "destinationEncryptionConfiguration:encryption fieldDelimiter location nullMarker nullMarkers "
             "parquetOptions:parquet preserveAsciiControlCharacters projectionFields quote skipLeadingRows "
             "sourceColumnMatch useAvroLogicalTypes",
     .refused = "autodetect columnNameCharacterMap connectionProperties copyFilesOnly createSession "
                "dateFormat datetimeFormat fileSetSpecType hivePartitioningOptions ignoreUnknownValues "
                "jsonExtension rangePartitioning referenceFileSchemaUri schemaInline schemaInlineFormat "
                "schemaUpdateOptions sourceUris timeFormat timeZone timestampFormat "
                "timestampTargetPrecision"},
    {.name = "destination_properties",
     .played = "description friendlyName labels",
     .refused = "expirationTime"},
    {.name = "parquet", .kept = "enableListInference enumAsString mapTargetType"},
    {.name = "encryption", .kept = "kmsKeyName"},
    /* allowLargeResults, flattenResults and maximumBillingTier are of legacy SQL. */
    {.name = "query",
     .played = "defaultDataset:dataset_reference maximumBytesBilled parameterMode query "
               "queryParameters:query_parameter useLegacySql",
     .kept = "allowLargeResults destinationEncryptionConfiguration:encryption flattenResults "
             "maximumBillingTier priority useQueryCache",
     .refused = "clustering connectionProperties continuous createDisposition createSession destinationTable "
                "preserveNulls rangePartitioning schemaUpdateOptions scriptOptions tableDefinitions "
                "timePartitioning userDefinedFunctionResources writeDisposition writeIncrementalResults",
     .ours = "systemVariables"},
    {.name = "query_request",
     .played = "defaultDataset:dataset_reference dryRun formatOptions:format_options jobTimeoutMs labels "
               "location maxResults maximumBytesBilled parameterMode query queryParameters:query_parameter "
               "requestId timeoutMs useLegacySql",
     .kept = "destinationEncryptionConfiguration:encryption jobCreationMode maxSlots reservation "
             "useQueryCache",
     .refused = "connectionProperties continuous createSession preserveNulls writeIncrementalResults",
     .ours = "kind"},
    {.name = "format_options", .played = "timestampOutputFormat useInt64Timestamp"},
    {.name = "query_parameter", .played = "name parameterType:parameter_type parameterValue:parameter_value"},
    {.name = "parameter_type",
     .played = "arrayType:parameter_type type",
     .refused = "rangeElementType structTypes timestampPrecision"},
    {.name = "parameter_value",
     .played = "arrayValues:parameter_value value",
     .refused = "rangeValue structValues"},
    /* tables */
    {.name = "table",
     .played = "clustering:clustering defaultCollation description expirationTime labels "
               "requirePartitionFilter schema:schema "
               "tableReference:table_reference timePartitioning:time_partitioning view:view",
     .kept = "defaultRoundingMode encryptionConfiguration:encryption friendlyName "
             "maxStaleness resourceTags tableConstraints:constraints",
     .refused = "biglakeConfiguration externalCatalogTableOptions externalDataConfiguration "
                "managedTableType materializedView model partitionDefinition rangePartitioning "
                "tableReplicationInfo",
     .ours = "cloneDefinition creationTime etag id kind lastModifiedTime location materializedViewStatus "
             "numActiveLogicalBytes numActivePhysicalBytes numBytes numCurrentPhysicalBytes numLongTermBytes "
             "numLongTermLogicalBytes numLongTermPhysicalBytes numPartitions numPhysicalBytes numRows "
             "numTimeTravelPhysicalBytes numTotalLogicalBytes numTotalPhysicalBytes replicas restrictions "
             "selfLink snapshotDefinition streamingBuffer type"},
    {.name = "table_reference", .played = "projectId datasetId tableId"},
    {.name = "clustering", .played = "fields"},
    {.name = "time_partitioning", .played = "field requirePartitionFilter type", .kept = "expirationMs"},
    {.name = "view",
     .played = "query useLegacySql",
     .kept = "useExplicitColumnNames",
     .refused = "foreignDefinitions privacyPolicy userDefinedFunctionResources"},
    /* The service does not enforce keys either. */
    {.name = "constraints", .kept = "foreignKeys:foreign_key primaryKey:primary_key"},
    {.name = "primary_key", .kept = "columns"},
    {.name = "foreign_key", .kept = "columnReferences:column_reference name referencedTable:table_reference"},
    {.name = "column_reference", .kept = "referencedColumn referencingColumn"},
    {.name = "schema", .played = "fields:field", .refused = "foreignTypeInfo"},
    {.name = "field",
     .played = "collation description fields:field mode name type",
     .kept = "categories:names dataPolicies:data_policy policyTags:names roundingMode",
     .refused = "defaultValueExpression foreignTypeDefinition maxLength precision rangeElementType scale "
                "timestampPrecision"},
    {.name = "names", .kept = "names"},
    {.name = "data_policy", .kept = "name"},
    /* datasets */
    {.name = "dataset",
     .played = "datasetReference:dataset_reference defaultCollation defaultTableExpirationMs description "
               "labels location",
     .kept = "access:access defaultEncryptionConfiguration:encryption "
             "defaultPartitionExpirationMs defaultRoundingMode friendlyName maxTimeTravelHours resourceTags "
             "storageBillingModel",
     .refused = "externalCatalogDatasetOptions externalDatasetReference isCaseInsensitive "
                "linkedDatasetSource",
     .ours = "creationTime etag id kind lastModifiedTime linkedDatasetMetadata restrictions satisfiesPzi "
             "satisfiesPzs selfLink tags type"},
    {.name = "dataset_reference", .played = "projectId datasetId"},
    {.name = "access",
     .kept = "condition:expression dataset:access_dataset domain groupByEmail iamMember role "
             "routine:routine_reference specialGroup userByEmail view:table_reference"},
    {.name = "access_dataset", .kept = "dataset:dataset_reference targetTypes"},
    {.name = "routine_reference", .kept = "datasetId projectId routineId"},
    {.name = "expression", .kept = "description expression location title"},
};

static const struct message *message_of(const char *name, size_t size)
{
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
        if (strlen(messages[i].name) == size && strncmp(messages[i].name, name, size) == 0)
            return &messages[i];
    return NULL;
}

/* Is the field on the list? *out_message: of its value; NULL: a scalar, or not looked at. */
static bool is_listed(const char *list, const char *field, const struct message **out_message)
{
    size_t size = strlen(field);
    for (const char *at = list ? list : ""; *at; at += strspn(at, " ")) {
        size_t word = strcspn(at, " "), name = strcspn(at, " :");
        if (name == size && strncmp(at, field, size) == 0) {
            *out_message = name < word ? message_of(at + name + 1, word - name - 1) : NULL;
            return true;
        }
        at += word;
    }
    return false;
}

static bool is_default(const json_t *value)
{
    if (json_is_string(value)) {
        const char *text = json_string_value(value);
        return *text == '\0' || strcmp(text, "0") == 0;
    }
    return json_is_null(value) || json_is_false(value) ||
           (json_is_integer(value) && json_integer_value(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0) ||
           (json_is_object(value) && json_object_size(value) == 0);
}

/* "job.configuration.load" and "destinationTable" are "job.configuration.load.destination_table". */
static void join_path(char out_path[PATH_LIMIT], const char *path, const char *field)
{
    size_t size = (size_t)snprintf(out_path, PATH_LIMIT, "%s.", path);
    for (; *field && size + 3 < PATH_LIMIT; field++) {
        if (isupper((unsigned char)*field)) out_path[size++] = '_';
        out_path[size++] = (char)tolower((unsigned char)*field);
    }
    out_path[size < PATH_LIMIT ? size : PATH_LIMIT - 1] = '\0';
}

static bool take_value(json_t *value, const struct message *message, const char *path, int depth,
                       struct store_error *err);

/* *out_drop: it is not the client's to say. */
static bool take_field(json_t *value, const char *field, const struct message *message, const char *path,
                       int depth, bool *out_drop, struct store_error *err)
{
    const struct message *inner = NULL;
    char inner_path[PATH_LIMIT];
    *out_drop = is_listed(message->ours, field, &inner);
    if (*out_drop) return true;
    join_path(inner_path, path, field);
    if (is_listed(message->refused, field, &inner)) {
        *out_drop = is_default(value);
        return *out_drop || bq_problem(err, "invalid",
                                       "The sandbox does not play \"%s\" at '%s', which BigQuery documents: "
                                       "leave it out.",
                                       field, path);
    }
    if (!is_listed(message->played, field, &inner) && !is_listed(message->kept, field, &inner))
        return bq_problem(err, "invalid",
                          "Invalid JSON payload received. Unknown name \"%s\" at '%s': Cannot find field.",
                          field, path);
    *out_drop = json_is_null(value);
    return *out_drop || !inner || take_value(value, inner, inner_path, depth + 1, err);
}

static bool take_value(json_t *value, const struct message *message, const char *path, int depth,
                       struct store_error *err)
{
    size_t i;
    json_t *item;
    const char *key;
    void *next;
    if (depth > DEPTH_LIMIT) return bq_problem(err, "invalid", "'%s' is nested too deep", path);
    if (json_is_array(value) && depth > 0) {
        json_array_foreach (value, i, item) {
            if (!take_value(item, message, path, depth + 1, err)) return false;
        }
        return true;
    }
    if (!json_is_object(value))
        return bq_problem(err, "invalid", "Invalid value at '%s': an object is expected.", path);
    json_object_foreach_safe (value, next, key, item) {
        bool drop = false;
        if (!take_field(item, key, message, path, depth, &drop, err)) return false;
        if (drop) (void)json_object_del(value, key);
    }
    return true;
}

bool bq_take_fields(json_t *object, const char *message, struct store_error *err)
{
    return take_value(object, message_of(message, strlen(message)), message, 0, err);
}
