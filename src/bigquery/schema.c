/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "schema.h"

static const char *type_name(enum column_type type)
{
    switch (type) {
    case COLUMN_STRING: return "STRING";
    case COLUMN_INT64: return "INTEGER";
    case COLUMN_FLOAT64: return "FLOAT";
    case COLUMN_BOOL: return "BOOLEAN";
    case COLUMN_TIMESTAMP: return "TIMESTAMP";
    case COLUMN_JSON: return "JSON";
    case COLUMN_RECORD: return "RECORD";
    }
    return "STRING";
}

static const char *mode_name(enum column_mode mode)
{
    switch (mode) {
    case COLUMN_NULLABLE: return "NULLABLE";
    case COLUMN_REQUIRED: return "REQUIRED";
    case COLUMN_REPEATED: return "REPEATED";
    }
    return "NULLABLE";
}

/* Without a collation of its own a STRING takes the dataset's, which may take "a" and "A" for one key. */
static void set_type(json_t *target, const char *type)
{
    json_object_set_new(target, "type", json_string(type));
    if (!strcmp(type, "STRING")) json_object_set_new(target, "collation", json_string(""));
}

static json_t *field(const char *name, const char *type, const char *mode)
{
    json_t *made = json_pack("{s:s, s:s, s:s}", "name", name, "type", type, "mode", mode);
    set_type(made, type);
    return made;
}

static void describe(json_t *target, const char *description)
{
    if (description && *description) json_object_set_new(target, "description", json_string(description));
}

static json_t *column_fields(const struct column *columns, size_t count)
{
    json_t *fields = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *one = field(columns[i].name, type_name(columns[i].type), mode_name(columns[i].mode));
        describe(one, columns[i].description);
        if (columns[i].type == COLUMN_RECORD)
            json_object_set_new(one, "fields", column_fields(columns[i].fields, columns[i].field_count));
        json_array_append_new(fields, one);
    }
    return fields;
}

static void add_described(json_t *fields, const char *name, const char *type, const char *mode,
                          const char *text)
{
    json_t *one = field(name, type, mode);
    describe(one, text);
    json_array_append_new(fields, one);
}

static json_t *fields_of_rows(const struct table *table)
{
    json_t *fields = column_fields(table->columns, table->column_count);
    json_t *day = field(COLUMN_PARTITION_DATE, "DATE", "REQUIRED");
    describe(day,
             table->day ? "The local day of the row; the table is partitioned by it" : "The day of reading");
    json_array_insert_new(fields, 0, day);
    add_described(fields, COLUMN_EXTRA, "JSON", "NULLABLE", "Values that fit no column, by dotted path");
    return fields;
}

json_t *schema_data(const struct table *table)
{
    json_t *fields = fields_of_rows(table);
    add_described(fields, COLUMN_CONTENT, "INTEGER", "NULLABLE",
                  "Hash of the content, which tells readings of one version apart; NULL: unknown");
    add_described(fields, COLUMN_READ_AT, "TIMESTAMP", "NULLABLE", "When the row was asked for");
    add_described(fields, COLUMN_LOADED_AT, "TIMESTAMP", "REQUIRED", "When the row was committed");
    add_described(fields, COLUMN_RUN_ID, "STRING", "REQUIRED", "The run that committed it");
    return fields;
}

static void stage_json_as_text(json_t *fields)
{
    for (size_t i = 0; i < json_array_size(fields); i++) {
        json_t *one = json_array_get(fields, i);
        if (!strcmp(schema_type(one), "JSON")) set_type(one, "STRING");
        stage_json_as_text(json_object_get(one, "fields"));
    }
}

json_t *schema_stage(const struct table *table)
{
    json_t *fields = fields_of_rows(table);
    stage_json_as_text(fields);
    json_array_append_new(fields, field(COLUMN_CONTENT, "INTEGER", "NULLABLE"));
    json_array_append_new(fields, field(COLUMN_READ_AT, "TIMESTAMP", "REQUIRED"));
    json_array_append_new(fields, field(COLUMN_SEQUENCE, "INTEGER", "REQUIRED"));
    return fields;
}

json_t *schema_table(const struct table *table)
{
    json_t *cluster = json_array();
    for (size_t i = 0; i < table->key_count && i < 4; i++)
        json_array_append_new(cluster, json_string(table->key[i]));
    return json_pack("{s:s, s:{s:o}, s:{s:s, s:s}, s:{s:o}}", "description",
                     table->description ? table->description : "", "schema", "fields", schema_data(table),
                     "timePartitioning", "type", "DAY", "field", COLUMN_PARTITION_DATE, "clustering",
                     "fields", cluster);
}

struct plain {
    const char *name, *type, *mode;
};

static json_t *plain_fields(const struct plain *columns, size_t count)
{
    json_t *fields = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(fields, field(columns[i].name, columns[i].type, columns[i].mode));
    return fields;
}

json_t *schema_runs(void)
{
    static const struct plain before[] = {{"committed_at", "TIMESTAMP", "REQUIRED"},
                                          {"stream", "STRING", "REQUIRED"},
                                          {"from_date", "DATE", "REQUIRED"},
                                          {"to_date", "DATE", "REQUIRED"},
                                          {"open_ended", "BOOLEAN", "REQUIRED"}};
    static const struct plain child[] = {{"child", "STRING", "NULLABLE"},
                                         {"day", "DATE", "NULLABLE"},
                                         {"row_count", "INTEGER", "NULLABLE"},
                                         {"added", "INTEGER", "NULLABLE"}};
    static const struct plain claim[] = {{"day", "DATE", "NULLABLE"}, {"row_count", "INTEGER", "NULLABLE"}};
    static const struct plain after[] = {{"run_id", "STRING", "REQUIRED"},
                                         {"message_id", "STRING", "REQUIRED"},
                                         {"fetch_began_at", "TIMESTAMP", "REQUIRED"},
                                         {"fetched", "INTEGER", "NULLABLE"},
                                         {"inserted", "INTEGER", "NULLABLE"},
                                         {"content_changes", "INTEGER", "NULLABLE"},
                                         {"rejected", "INTEGER", "NULLABLE"},
                                         {"caseload_version", "STRING", "NULLABLE"},
                                         {"workspace_id", "STRING", "NULLABLE"},
                                         {"source_type", "STRING", "NULLABLE"},
                                         {"timezone", "STRING", "NULLABLE"},
                                         {"dataset", "STRING", "NULLABLE"},
                                         {"incomplete", "BOOLEAN", "NULLABLE"},
                                         {"left_out", "STRING", "REPEATED"},
                                         {"children_from", "DATE", "NULLABLE"},
                                         {"digest", "INTEGER", "NULLABLE"},
                                         {"held", "INTEGER", "NULLABLE"},
                                         {"same_as", "TIMESTAMP", "NULLABLE"}};
    json_t *fields = plain_fields(before, sizeof before / sizeof *before);
    json_t *claimed = field("claimed", "RECORD", "REPEATED");
    describe(claimed, "Days that were over and settled when the fetch began, and the rows each then held");
    json_object_set_new(claimed, "fields", plain_fields(claim, sizeof claim / sizeof *claim));
    json_array_append_new(fields, claimed);
    json_t *added = field("added", "RECORD", "REPEATED");
    describe(added, "Other days on which the commit inserted rows, and how many");
    json_object_set_new(added, "fields", plain_fields(claim, sizeof claim / sizeof *claim));
    json_array_append_new(fields, added);
    json_t *children = field("children", "RECORD", "REPEATED");
    describe(children, "Days of the unit's children: the rows each child table then held, and new ones");
    json_object_set_new(children, "fields", plain_fields(child, sizeof child / sizeof *child));
    json_array_append_new(fields, children);
    json_t *rest = plain_fields(after, sizeof after / sizeof *after);
    json_array_extend(fields, rest);
    json_decref(rest);
    return fields;
}

json_t *schema_rejected(void)
{
    static const struct plain columns[] = {
        {"rejected_date", "DATE", "REQUIRED"}, {"stream", "STRING", "REQUIRED"},
        {"from_date", "DATE", "REQUIRED"},     {"to_date", "DATE", "REQUIRED"},
        {"id", "STRING", "NULLABLE"},          {"reason", "STRING", "REQUIRED"},
        {"record", "STRING", "REQUIRED"},      {"content_hash", "STRING", "REQUIRED"},
        {"run_id", "STRING", "REQUIRED"},      {"rejected_at", "TIMESTAMP", "REQUIRED"},
        {"cause", "STRING", "NULLABLE"},       {"mended_at", "TIMESTAMP", "NULLABLE"}};
    return plain_fields(columns, sizeof columns / sizeof *columns);
}

json_t *schema_rejected_stage(void)
{
    static const struct plain columns[] = {
        {"id", "STRING", "NULLABLE"},     {"reason", "STRING", "REQUIRED"},
        {"record", "STRING", "REQUIRED"}, {"content_hash", "STRING", "REQUIRED"},
        {"cause", "STRING", "REQUIRED"},  {COLUMN_SEQUENCE, "INTEGER", "REQUIRED"}};
    return plain_fields(columns, sizeof columns / sizeof *columns);
}

json_t *schema_missing(void)
{
    static const struct plain columns[] = {
        {"stream", "STRING", "REQUIRED"},           {"id", "STRING", "REQUIRED"},
        {"list_began_at", "TIMESTAMP", "REQUIRED"}, {"asked_at", "TIMESTAMP", "NULLABLE"},
        {"answer", "STRING", "NULLABLE"},           {"run_id", "STRING", "REQUIRED"}};
    return plain_fields(columns, sizeof columns / sizeof *columns);
}

json_t *schema_lock(void)
{
    static const struct plain columns[] = {
        {"workspace_id", "STRING", "REQUIRED"},    {"source_type", "STRING", "REQUIRED"},
        {"timezone", "STRING", "REQUIRED"},        {"commits", "INTEGER", "REQUIRED"},
        {"committed_at", "TIMESTAMP", "REQUIRED"}, {"dataset", "STRING", "NULLABLE"},
        {"doubled", "INTEGER", "NULLABLE"}};
    return plain_fields(columns, sizeof columns / sizeof *columns);
}

static const char *text_of(const json_t *object, const char *key, const char *fallback)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text && *text ? text : fallback;
}

static const char *type_normal(const char *type)
{
    static const char *const pairs[][2] = {
        {"INT64", "INTEGER"}, {"FLOAT64", "FLOAT"}, {"BOOL", "BOOLEAN"}, {"STRUCT", "RECORD"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (!strcasecmp(type, pairs[i][0])) return pairs[i][1];
    return type;
}

const char *schema_type(const json_t *field_of_table)
{
    return type_normal(text_of(field_of_table, "type", ""));
}

const char *schema_mode(const json_t *field_of_table)
{
    return text_of(field_of_table, "mode", "NULLABLE");
}

json_t *schema_find(const json_t *fields, const char *name)
{
    for (size_t i = 0; i < json_array_size(fields); i++) {
        json_t *one = json_array_get(fields, i);
        if (!strcasecmp(text_of(one, "name", ""), name)) return one;
    }
    return NULL;
}

static bool merge_fields(json_t *existing, const json_t *wanted, const char *path, bool *out_changed,
                         struct error *err)
{
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        const json_t *want = json_array_get(wanted, i);
        const char *name = text_of(want, "name", ""), *mode = schema_mode(want), *type = schema_type(want);
        json_t *have = schema_find(existing, name);
        if (!have) {
            if (!strcmp(mode, "REQUIRED"))
                return error_set(
                    err, ERROR_REFUSED,
                    "the REQUIRED column %s%s is missing, and BigQuery can't add one to an existing "
                    "table; move the table aside; the next run creates it",
                    path, name);
            json_array_append_new(existing, json_deep_copy(want));
            *out_changed = true;
            continue;
        }
        const char *have_type = schema_type(have), *have_mode = schema_mode(have);
        if (strcasecmp(have_type, type) != 0 || strcasecmp(have_mode, mode) != 0)
            return error_set(
                err, ERROR_REFUSED,
                "column %s%s is %s %s but must be %s %s; move the table aside; the next run creates it", path,
                name, have_type, have_mode, type, mode);
        if (strcmp(type, "RECORD") != 0) continue;
        char below[512];
        snprintf(below, sizeof below, "%s%s.", path, name);
        if (!merge_fields(json_object_get(have, "fields"), json_object_get(want, "fields"), below,
                          out_changed, err))
            return false;
    }
    return true;
}

const char *schema_find_collation(const json_t *existing, const json_t *wanted, const char **out_column)
{
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        const json_t *want = json_array_get(wanted, i);
        const char *name = text_of(want, "name", "");
        const char *collation = text_of(schema_find(existing, name), "collation", "");
        if (!*collation || strcmp(schema_mode(want), "REQUIRED") != 0) continue;
        *out_column = name;
        return collation;
    }
    return NULL;
}

bool schema_merge(json_t *existing, const json_t *wanted, bool *out_changed, struct error *err)
{
    *out_changed = false;
    return merge_fields(existing, wanted, "", out_changed, err);
}

/* --- A renamed column --- */

static const char *name_at(const json_t *fields, size_t index)
{
    return text_of(json_array_get(fields, index), "name", "");
}

static bool same_neighbours(const json_t *one, size_t i, const json_t *other, size_t j)
{
    const char *before = i ? name_at(one, i - 1) : "", *after = name_at(one, i + 1);
    return !strcasecmp(before, j ? name_at(other, j - 1) : "") && !strcasecmp(after, name_at(other, j + 1));
}

bool schema_find_renamed(const json_t *existing, const json_t *wanted, bool is_anywhere, const char **out_old,
                         const char **out_new)
{
    size_t pairs = 0;
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        const json_t *want = json_array_get(wanted, i);
        if (schema_find(existing, name_at(wanted, i))) continue;
        for (size_t j = 0; j < json_array_size(existing); j++) {
            const json_t *have = json_array_get(existing, j);
            if (schema_find(wanted, name_at(existing, j)) ||
                strcasecmp(schema_type(have), schema_type(want)) != 0)
                continue;
            if (!is_anywhere && !same_neighbours(wanted, i, existing, j)) continue;
            *out_old = name_at(wanted, i);
            *out_new = name_at(existing, j);
            pairs++;
        }
    }
    return pairs == 1;
}
