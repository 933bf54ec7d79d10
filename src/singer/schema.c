/* SPDX-License-Identifier: Apache-2.0 */
#include "schema.h"

#include <string.h>

#include "base/parse.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct column rejected_columns[] = {
    {.name = "stream", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "hash", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "id", .type = COLUMN_STRING},
    {.name = "reason", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "record", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "cause", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "rejected_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
};
const struct table singer_rejected = {
    .name = "rejected",
    .description = "Records that could not be keyed, parsed or fetched",
    .columns = rejected_columns,
    .column_count = COUNT(rejected_columns),
    .key = (const char *const[]){"stream", "hash"},
    .key_count = 2,
    .version = "rejected_at",
};

/* --- schemas --- */

/* Targets look for "type", so that {} does not do for any value. */
static json_t *any_type(void)
{
    return json_pack("[s, s, s, s, s, s]", "null", "object", "array", "string", "number", "boolean");
}

static const char *type_name(enum column_type type)
{
    switch (type) {
    case COLUMN_STRING:
    case COLUMN_TIMESTAMP: return "string";
    case COLUMN_INT64: return "integer";
    case COLUMN_FLOAT64: return "number";
    case COLUMN_BOOL: return "boolean";
    case COLUMN_RECORD: return "object";
    case COLUMN_JSON: break;
    }
    return NULL;
}

static json_t *type_of(const char *name, bool is_required)
{
    return is_required ? json_string(name) : json_pack("[s, s]", "null", name);
}

static json_t *properties_of(const struct column *columns, size_t count);

static json_t *value_schema(const struct column *column, bool is_required)
{
    json_t *schema = json_object();
    const char *name = type_name(column->type);
    json_object_set_new(schema, "type", name ? type_of(name, is_required) : any_type());
    if (column->type == COLUMN_TIMESTAMP) json_object_set_new(schema, "format", json_string("date-time"));
    if (column->type == COLUMN_RECORD)
        json_object_set_new(schema, "properties", properties_of(column->fields, column->field_count));
    return schema;
}

static json_t *column_schema(const struct column *column)
{
    json_t *schema = column->mode == COLUMN_REPEATED ? json_pack("{s:[s, s], s:o}", "type", "null", "array",
                                                                 "items", value_schema(column, false))
                                                     : value_schema(column, column->mode == COLUMN_REQUIRED);
    if (column->description && *column->description)
        json_object_set_new(schema, "description", json_string(column->description));
    return schema;
}

static json_t *properties_of(const struct column *columns, size_t count)
{
    json_t *properties = json_object();
    for (size_t i = 0; i < count; i++)
        json_object_set_new(properties, columns[i].name, column_schema(&columns[i]));
    return properties;
}

json_t *schema_make(const struct table *table)
{
    json_t *properties = properties_of(table->columns, table->column_count);
    if (table != &singer_rejected) {
        json_object_set_new(properties, COLUMN_PARTITION_DATE,
                            json_pack("{s:s, s:s, s:s}", "type", "string", "format", "date", "description",
                                      table->day ? "The local day of the record" : "The day of reading"));
        json_object_set_new(properties, COLUMN_EXTRA,
                            json_pack("{s:[s, s], s:s}", "type", "null", "object", "description",
                                      "Values that fit no other field, by dotted path"));
    }
    return json_pack("{s:s, s:o}", "type", "object", "properties", properties);
}

json_t *schema_key(const struct table *table)
{
    const char *columns[16];
    json_t *key = json_array();
    size_t count = table_identity(table, columns);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(key, json_string(columns[i]));
    return key;
}

bool schema_is_automatic(const struct table *table, const char *column)
{
    for (size_t i = 0; i < table->key_count; i++)
        if (strcmp(table->key[i], column) == 0) return true;
    return table->version && strcmp(table->version, column) == 0;
}

/* --- records --- */

static bool bad_row(const struct table *table, const char *column, struct error *err)
{
    return error_set(err, ERROR_FORMAT, "a row of %s has no readable \"%s\"; report this as a bug",
                     table->name, column);
}

static json_t *open_json(const json_t *value)
{
    struct error unused;
    json_t *opened = NULL;
    const char *text = json_string_value(value);
    if (!text || !json_read(text, json_string_length(value), NULL, &opened, &unused)) return NULL;
    return opened;
}

static json_t *open_integer(const json_t *value)
{
    int64_t number;
    const char *text = json_string_value(value);
    if (json_is_integer(value)) return json_integer(json_integer_value(value));
    return text && parse_int64(text, &number) ? json_integer(number) : NULL;
}

static const char *open_fields(const struct column *columns, size_t count, json_t *object);

/* The value as it is sent, yours; NULL: it can't be read. */
static json_t *open_value(const struct column *column, json_t *value)
{
    switch (column->type) {
    case COLUMN_JSON: return open_json(value);
    case COLUMN_INT64: return open_integer(value);
    case COLUMN_RECORD:
        return open_fields(column->fields, column->field_count, value) ? NULL : json_incref(value);
    case COLUMN_STRING:
    case COLUMN_FLOAT64:
    case COLUMN_BOOL:
    case COLUMN_TIMESTAMP: break;
    }
    return json_incref(value);
}

static bool open_list(const struct column *column, json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *opened = open_value(column, json_array_get(list, i));
        if (!opened) return false;
        json_array_set_new(list, i, opened);
    }
    return json_is_array(list);
}

/* NULL, or the column whose value can't be read. */
static const char *open_fields(const struct column *columns, size_t count, json_t *object)
{
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_object_get(object, columns[i].name);
        if (!value) continue;
        if (columns[i].mode == COLUMN_REPEATED) {
            if (!open_list(&columns[i], value)) return columns[i].name;
            continue;
        }
        json_t *opened = open_value(&columns[i], value);
        if (!opened) return columns[i].name;
        json_object_set_new(object, columns[i].name, opened);
    }
    return NULL;
}

bool schema_record(const struct table *table, const char *row, size_t size, json_t **out_record,
                   json_t **out_read_at, struct error *err)
{
    static const struct column extra = {.name = COLUMN_EXTRA, .type = COLUMN_JSON};
    AUTO(json_drop) json_t *record = NULL;
    if (!json_read(row, size, NULL, &record, err)) return error_wrap(err, "a row of %s", table->name);
    const char *bad = open_fields(table->columns, table->column_count, record);
    if (!bad) bad = open_fields(&extra, 1, record);
    if (bad) return bad_row(table, bad, err);
    *out_read_at = json_incref(json_object_get(record, COLUMN_READ_AT));
    json_object_del(record, COLUMN_READ_AT);
    json_object_del(record, COLUMN_CONTENT);
    json_object_del(record, COLUMN_SEQUENCE);
    *out_record = json_incref(record);
    return true;
}

/* --- fields that are left out --- */

static void prune_value(json_t *value, const json_t *left_out)
{
    if (json_is_object(value)) schema_prune_record(value, left_out);
    for (size_t i = 0; i < json_array_size(value); i++)
        schema_prune_record(json_array_get(value, i), left_out);
}

void schema_prune_record(json_t *record, const json_t *left_out)
{
    const char *name;
    json_t *below;
    json_object_foreach (json_iterable(left_out), name, below) {
        if (json_is_object(below))
            prune_value(json_object_get(record, name), below);
        else
            json_object_del(record, name);
    }
}

void schema_prune(json_t *schema, const json_t *left_out)
{
    json_t *properties = json_object_get(schema, "properties");
    const char *name;
    json_t *below;
    json_object_foreach (json_iterable(left_out), name, below) {
        json_t *field = json_object_get(properties, name);
        json_t *items = json_object_get(field, "items");
        if (json_is_object(below))
            schema_prune(items ? items : field, below);
        else
            json_object_del(properties, name);
    }
}
