/* SPDX-License-Identifier: Apache-2.0 */
/* schema.c - what a table's schema may be, and what it may become.
 *
 * Types have two spellings (INT64 and INTEGER); resources hold the one that tables.get shows.
 */
#include <string.h>
#include <strings.h>

#include "bigquery/internal.h"

#define SCHEMA_DEPTH   15
#define SCHEMA_COLUMNS 10000
#define NAME_LIMIT     300
#define COMMENT_LIMIT  1024

static const struct {
    const char *given, *shown;
    int bytes; /* of one value, roughly: texts are not looked at */
} types[] = {
    {"STRING", "STRING", 32},
    {"BYTES", "BYTES", 32},
    {"INTEGER", "INTEGER", 8},
    {"INT64", "INTEGER", 8},
    {"FLOAT", "FLOAT", 8},
    {"FLOAT64", "FLOAT", 8},
    {"BOOLEAN", "BOOLEAN", 1},
    {"BOOL", "BOOLEAN", 1},
    {"TIMESTAMP", "TIMESTAMP", 8},
    {"DATE", "DATE", 8},
    {"TIME", "TIME", 8},
    {"DATETIME", "DATETIME", 8},
    {"GEOGRAPHY", "GEOGRAPHY", 32},
    {"NUMERIC", "NUMERIC", 16},
    {"BIGNUMERIC", "BIGNUMERIC", 32},
    {"JSON", "JSON", 64},
    {"RECORD", "RECORD", 0},
    {"STRUCT", "RECORD", 0},
};

static const char *const reserved[] = {"_TABLE_",        "_FILE_",   "_PARTITION",
                                       "_ROW_TIMESTAMP", "__ROOT__", "_COLIDENTIFIER"};

static const char *text_of(const json_t *field, const char *name)
{
    return json_string_value(json_object_get(field, name));
}

static const char *mode_of(const json_t *field)
{
    const char *mode = text_of(field, "mode");
    return mode ? mode : "NULLABLE";
}

static const char *collation_of(const json_t *field)
{
    const char *collation = text_of(field, "collation");
    return collation ? collation : "";
}

void bq_schema_collate(json_t *fields, const char *collation)
{
    size_t i;
    json_t *field;
    json_array_foreach (fields, i, field) {
        if (strcmp(text_of(field, "type"), "STRING") == 0 && !json_object_get(field, "collation"))
            json_object_set_new(field, "collation", json_string(collation));
        bq_schema_collate(json_object_get(field, "fields"), collation);
    }
}

static bool name_check(const char *name, struct store_error *err)
{
    if (!bq_valid_id(name, "_", NAME_LIMIT) || (name[0] >= '0' && name[0] <= '9'))
        return bq_problem(
            err, "invalid",
            "Invalid field name \"%s\". Fields must contain only letters, numbers, and underscores, start "
            "with a letter or underscore, and be at most 300 characters long.",
            name ? name : "");
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (strncasecmp(name, reserved[i], strlen(reserved[i])) == 0)
            return bq_problem(
                err, "invalid",
                "Invalid field name \"%s\". Field names are not allowed to start with the "
                "(case-insensitive) prefixes _PARTITION, _TABLE_, _FILE_, _ROW_TIMESTAMP, __ROOT__ and "
                "_COLIDENTIFIER",
                name);
    return true;
}

static bool type_check(json_t *field, const char *name, struct store_error *err)
{
    const char *type = text_of(field, "type"), *mode = mode_of(field);
    size_t i = 0, count = sizeof types / sizeof *types;
    while (type && i < count && strcasecmp(types[i].given, type) != 0)
        i++;
    if (!type || i == count)
        return bq_problem(err, "invalid", "Invalid value for type: %s is not a valid value (field: %s)",
                          type ? type : "", name);
    json_object_set_new(field, "type", json_string(types[i].shown));
    if (strcmp(mode, "NULLABLE") != 0 && strcmp(mode, "REQUIRED") != 0 && strcmp(mode, "REPEATED") != 0)
        return bq_problem(err, "invalid", "Invalid value for mode: %s is not a valid value (field: %s)", mode,
                          name);
    const char *collation = text_of(field, "collation");
    bool may_collate = strcmp(types[i].shown, "STRING") == 0 && collation && !strcmp(collation, "und:ci");
    if (collation && *collation && !may_collate)
        return bq_problem(err, "invalid", "Invalid collation '%s' of field %s", collation, name);
    const char *comment = text_of(field, "description");
    if (comment && strlen(comment) > COMMENT_LIMIT)
        return bq_problem(err, "invalid",
                          "The description for field %s is too long. The maximum length is %d characters.",
                          name, COMMENT_LIMIT);
    return true;
}

static bool fields_check(json_t *fields, int depth, size_t *columns, struct store_error *err)
{
    if (!json_is_array(fields) || json_array_size(fields) == 0)
        return bq_problem(err, "invalid", "Schema has no fields.");
    if (depth > SCHEMA_DEPTH)
        return bq_problem(err, "invalid", "Schema is nested more than %d levels deep.", SCHEMA_DEPTH);
    size_t i;
    json_t *field;
    json_array_foreach (fields, i, field) {
        const char *name = text_of(field, "name");
        if (!name_check(name, err) || !type_check(field, name, err)) return false;
        if (++*columns > SCHEMA_COLUMNS)
            return bq_problem(err, "invalid", "Too many total leaf fields: at most %d.", SCHEMA_COLUMNS);
        for (size_t j = 0; j < i; j++)
            if (strcasecmp(text_of(json_array_get(fields, j), "name"), name) == 0)
                return bq_problem(err, "invalid", "Field %s already exists in schema", name);
        bool record = strcmp(text_of(field, "type"), "RECORD") == 0;
        json_t *inner = json_object_get(field, "fields");
        if (record && !json_array_size(inner))
            return bq_problem(err, "invalid", "Field %s is type RECORD but has no schema", name);
        if (!record && json_array_size(inner))
            return bq_problem(err, "invalid", "Field %s has fields, but its type is no RECORD", name);
        if (record && !fields_check(inner, depth + 1, columns, err)) return false;
        if (!record) (void)json_object_del(field, "fields"); /* clients may send an empty list */
    }
    return true;
}

bool bq_schema_check(json_t *schema, struct store_error *err)
{
    size_t columns = 0;
    return fields_check(json_object_get(schema, "fields"), 1, &columns, err);
}

const json_t *bq_schema_field(const json_t *fields, const char *name)
{
    size_t i;
    json_t *field;
    json_array_foreach (fields, i, field) {
        if (strcasecmp(text_of(field, "name"), name) == 0) return field;
    }
    return NULL;
}

/* One column as it was and as it shall be; path names it in messages. */
static bool field_alike(const char *table, const json_t *was, const json_t *shall, bool may_relax,
                        struct store_error *err)
{
    const char *name = text_of(was, "name");
    if (strcmp(text_of(was, "type"), text_of(shall, "type")) != 0)
        return bq_problem(err, "invalid",
                          "Provided Schema does not match Table %s. Field %s has changed type from %s to %s",
                          table, name, text_of(was, "type"), text_of(shall, "type"));
    if (strcmp(collation_of(was), collation_of(shall)) != 0)
        return bq_problem(err, "invalid",
                          "Provided Schema does not match Table %s. Field %s has changed its collation",
                          table, name);
    const char *from = mode_of(was), *to = mode_of(shall);
    bool relaxed = may_relax && strcmp(from, "REQUIRED") == 0 && strcmp(to, "NULLABLE") == 0;
    if (strcmp(from, to) != 0 && !relaxed)
        return bq_problem(err, "invalid",
                          "Provided Schema does not match Table %s. Field %s has changed mode from %s to %s",
                          table, name, from, to);
    return true;
}

static bool fields_grow(const char *table, const json_t *from, const json_t *to, struct store_error *err)
{
    size_t i;
    json_t *field;
    json_array_foreach (from, i, field) {
        const char *name = text_of(field, "name");
        const json_t *shall = bq_schema_field(to, name);
        if (!shall)
            return bq_problem(err, "invalid",
                              "Provided Schema does not match Table %s. Field %s is missing in new schema",
                              table, name);
        if (!field_alike(table, field, shall, true, err)) return false;
        const json_t *inner = json_object_get(field, "fields");
        if (inner && !fields_grow(table, inner, json_object_get(shall, "fields"), err)) return false;
    }
    json_array_foreach (to, i, field) {
        if (!bq_schema_field(from, text_of(field, "name")) && strcmp(mode_of(field), "REQUIRED") == 0)
            return bq_problem(
                err, "invalid",
                "Provided Schema does not match Table %s. Cannot add required fields to an existing schema. "
                "(field: %s)",
                table, text_of(field, "name"));
    }
    return true;
}

bool bq_schema_grows(const char *table, const json_t *from, const json_t *to, struct store_error *err)
{
    return fields_grow(table, json_object_get(from, "fields"), json_object_get(to, "fields"), err);
}

bool bq_schema_fits(const char *table, const json_t *given, const json_t *fields, struct store_error *err)
{
    size_t i;
    json_t *field;
    json_array_foreach (given, i, field) {
        const json_t *there = bq_schema_field(fields, text_of(field, "name"));
        if (!there)
            return bq_problem(err, "invalid",
                              "Provided Schema does not match Table %s. Cannot add fields (field: %s)", table,
                              text_of(field, "name"));
        if (!field_alike(table, there, field, false, err)) return false;
        const json_t *inner = json_object_get(field, "fields");
        if (inner && !bq_schema_fits(table, inner, json_object_get(there, "fields"), err)) return false;
    }
    json_array_foreach (fields, i, field) {
        if (strcmp(mode_of(field), "REQUIRED") == 0 && !bq_schema_field(given, text_of(field, "name")))
            return bq_problem(err, "invalid",
                              "Provided Schema does not match Table %s. Field %s is missing in new schema",
                              table, text_of(field, "name"));
    }
    return true;
}

int64_t bq_schema_row_bytes(const json_t *fields)
{
    int64_t bytes = 0;
    size_t i;
    json_t *field;
    json_array_foreach (fields, i, field) {
        for (size_t j = 0; j < sizeof types / sizeof *types; j++)
            if (strcmp(types[j].given, text_of(field, "type")) == 0) bytes += types[j].bytes;
        bytes += bq_schema_row_bytes(json_object_get(field, "fields"));
    }
    return bytes;
}
