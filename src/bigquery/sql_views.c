/* SPDX-License-Identifier: Apache-2.0 */
/* sql_views.c - the statements of <table>_latest and <table>_custom. */
#include <assert.h>
#include <string.h>

#include "schema.h"
#include "sql.h"

#define LIST_LIMIT LIMIT_SQL

static const char *text_at(const json_t *field, const char *key)
{
    const char *text = json_string_value(json_object_get(field, key));
    return text ? text : "";
}

/* A value's place in the table and in _extra: "r.`a`.`b`", and the key "a.b". */
struct place {
    char column[4 * TABLE_ID], path[4 * TABLE_ID];
};

static bool place_below(const struct place *up, const char *name, struct place *out)
{
    int column = snprintf(out->column, sizeof out->column, "%s.`%s`", up->column, name);
    int path = snprintf(out->path, sizeof out->path, "%s%s%s", up->path, *up->path ? "." : "", name);
    return sql_is_name(name) && column > 0 && (size_t)column < sizeof out->column && path > 0 &&
           (size_t)path < sizeof out->path;
}

static void add_scalar(const struct place *place, const char *type, struct buf *out)
{
    const char *column = place->column;
    char value[5 * TABLE_ID];
    snprintf(value, sizeof value, "JSON_VALUE(r.`" COLUMN_EXTRA "`, '$.\"%s\"')", place->path);
    if (!strcmp(type, "STRING"))
        buf_format(out, "COALESCE(%s, %s)", column, value);
    else if (!strcmp(type, "INTEGER") || !strcmp(type, "FLOAT") || !strcmp(type, "BOOLEAN"))
        buf_format(out, "COALESCE(%s, SAFE_CAST(%s AS %s))", column, value,
                   !strcmp(type, "INTEGER") ? "INT64"
                   : !strcmp(type, "FLOAT") ? "FLOAT64"
                                            : "BOOL");
    else if (!strcmp(type, "TIMESTAMP"))
        buf_format(out,
                   "COALESCE(%s, SAFE.TIMESTAMP_SECONDS(SAFE_CAST(%s AS INT64)), SAFE_CAST(%s AS TIMESTAMP))",
                   column, value, value);
    else
        buf_text(out, column); /* JSON is in _extra leaf by leaf: it can't be put together again */
}

static void add_value(const json_t *field, const struct place *place, struct buf *out);

static void add_record(const json_t *field, const struct place *place, struct buf *out)
{
    const json_t *fields = json_object_get(field, "fields");
    buf_format(out, "IF(%s IS NULL AND r.`" COLUMN_EXTRA "` IS NULL, %s, STRUCT(", place->column,
               place->column);
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *inner = json_array_get(fields, i);
        struct place below;
        if (!place_below(place, text_at(inner, "name"), &below)) continue; /* never: see all_named */
        buf_text(out, i ? ", " : "");
        add_value(inner, &below, out);
        buf_format(out, " AS `%s`", text_at(inner, "name"));
    }
    buf_text(out, "))");
}

/* Other programs may have added fields with names that we do not quote. */
static bool all_named(const json_t *fields, const struct place *up)
{
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *field = json_array_get(fields, i);
        struct place below;
        if (!place_below(up, text_at(field, "name"), &below) ||
            !all_named(json_object_get(field, "fields"), &below))
            return false;
    }
    return true;
}

static void add_value(const json_t *field, const struct place *place, struct buf *out)
{
    const char *type = schema_type(field);
    if (!strcmp(schema_mode(field), "REPEATED"))
        buf_text(out, place->column);
    else if (strcmp(type, "RECORD") != 0)
        add_scalar(place, type, out);
    else
        add_record(field, place, out);
}

/* Columns after the service columns were added later; older rows have their values in _extra. */
static void add_shown(const struct table *table, const json_t *fields, struct buf *out)
{
    bool later = false;
    const struct place row = {.column = "r"};
    size_t count = 0;
    buf_text(out, "r.*");
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *field = json_array_get(fields, i);
        const char *name = text_at(field, "name");
        const char *type = schema_type(field);
        struct place place;
        if (!strcmp(name, COLUMN_RUN_ID)) later = true;
        if (!later || !table_column(table, name) || !strcmp(schema_mode(field), "REPEATED") ||
            !strcmp(type, "JSON") || !place_below(&row, name, &place) ||
            !all_named(json_object_get(field, "fields"), &place))
            continue;
        buf_text(out, count++ ? ",\n                  " : " REPLACE (");
        add_value(field, &place, out);
        buf_format(out, " AS `%s`", name);
    }
    buf_text(out, count ? ")" : "");
}

static void add_identity(const struct table *table, struct buf *out)
{
    const char *columns[16];
    char column[TABLE_ID];
    size_t count = sql_identity(table, columns);
    for (size_t i = 0; i < count; i++) {
        sql_quote(column, columns[i]);
        buf_format(out, "%s%s", i ? ", " : "", column);
    }
}

static void add_newest(const struct sql_names *names, const struct table *table, const char *shown,
                       struct buf *out)
{
    char path[SQL_PATH], version[TABLE_ID], newest[2 * TABLE_ID];
    AUTO(buf_done) struct buf identity = buf_limited(LIST_LIMIT);
    add_identity(table, &identity);
    sql_path(path, names, names->dataset, table->name);
    sql_quote(version, table->version);
    snprintf(newest, sizeof newest, "%s DESC, " COLUMN_READ_AT " DESC, " COLUMN_LOADED_AT " DESC", version);
    const struct sql_value values[] = {
        {"table", path}, {"shown", shown}, {"identity", buf_string(&identity)}, {"newest", newest}};
    sql_fill(out, sql_latest, values, sizeof values / sizeof *values);
}

static void add_day(const struct sql_names *names, const struct table *table, const char *shown,
                    struct buf *out)
{
    char path[SQL_PATH];
    sql_path(path, names, names->dataset, table->name);
    const struct sql_value values[] = {{"table", path}, {"shown", shown}};
    sql_fill(out, sql_latest_day, values, sizeof values / sizeof *values);
}

static void add_set(const struct sql_names *names, const struct table *table, const char *shown,
                    struct buf *out)
{
    char path[SQL_PATH], owner[SQL_PATH], key[TABLE_ID], version[TABLE_ID], owner_key[TABLE_ID],
        owner_version[TABLE_ID];
    sql_path(path, names, names->dataset, table->name);
    sql_path(owner, names, names->dataset, table->owner->name);
    sql_quote(key, table->owner_key);
    sql_quote(version, table->version);
    sql_quote(owner_key, table->owner->key[0]);
    sql_quote(owner_version, table->owner->version);
    const struct sql_value values[] = {{"table", path},
                                       {"shown", shown},
                                       {"owner", owner},
                                       {"owner_key", owner_key},
                                       {"owner_version", owner_version},
                                       {"key", key},
                                       {"version", version}};
    sql_fill(out, sql_latest_set, values, sizeof values / sizeof *values);
}

static void add_gone(const struct sql_names *names, const struct table *gone, const char *key,
                     const char *version, struct buf *out)
{
    char path[SQL_PATH], gone_key[TABLE_ID], row_key[TABLE_ID], row_version[TABLE_ID];
    sql_path(path, names, names->dataset, gone->name);
    sql_quote(gone_key, gone->key[0]);
    sql_quote(row_key, key);
    sql_quote(row_version, version);
    const struct sql_value values[] = {
        {"gone", path}, {"gone_key", gone_key}, {"key", row_key}, {"version", row_version}};
    sql_fill(out, sql_latest_gone, values, sizeof values / sizeof *values);
}

static void add_gone_parent(const struct sql_names *names, const struct table *table, struct buf *out)
{
    const struct table *parent = table->parent;
    char gone[SQL_PATH], path[SQL_PATH], id[TABLE_ID], version[TABLE_ID], key[TABLE_ID];
    assert(!strcmp(parent->gone->key[0], parent->key[0]));
    sql_path(gone, names, names->dataset, parent->gone->name);
    sql_path(path, names, names->dataset, parent->name);
    sql_quote(id, parent->key[0]);
    sql_quote(version, parent->version);
    sql_quote(key, table->parent_key);
    const struct sql_value values[] = {
        {"gone", gone}, {"parent", path}, {"parent_id", id}, {"parent_version", version}, {"key", key}};
    sql_fill(out, sql_latest_gone_parent, values, sizeof values / sizeof *values);
}

void sql_latest_text(const struct sql_names *names, const struct table *table, const json_t *fields,
                     struct buf *out_sql)
{
    AUTO(buf_done) struct buf shown = buf_limited(LIST_LIMIT);
    add_shown(table, fields, &shown);
    if (shown.full) out_sql->full = true;
    if (table->owner) {
        add_set(names, table, buf_string(&shown), out_sql);
        if (table->owner->gone)
            add_gone(names, table->owner->gone, table->owner_key, table->version, out_sql);
    } else if (table->version) {
        add_newest(names, table, buf_string(&shown), out_sql);
        if (table->gone) add_gone(names, table->gone, table->key[0], table->version, out_sql);
        if (table->parent) add_gone_parent(names, table, out_sql);
    } else {
        add_day(names, table, buf_string(&shown), out_sql);
    }
}

/* "IFNULL(a.`archived`, FALSE)" */
static void add_flag(const char *row, const char *name, const char *missing, struct buf *out)
{
    char column[TABLE_ID];
    sql_quote(column, name);
    buf_format(out, "IFNULL(%s.%s, %s)", row, column, missing);
}

/* The rows of the list as `a`; or those as `l`, and what they hold as `a`. */
static void add_source(const struct attribute_list *list, struct buf *out)
{
    char column[TABLE_ID], name[TABLE_ID];
    if (!list->within) {
        buf_text(out, "a");
        return;
    }
    buf_text(out, "l, UNNEST(l");
    for (const char *at = list->within; *at; at += *at == '.') {
        size_t size = strcspn(at, ".");
        snprintf(name, sizeof name, "%.*s", (int)size, at);
        sql_quote(column, name);
        buf_format(out, ".%s", column);
        at += size;
    }
    buf_text(out, ") AS a");
}

void sql_attributes_text(const struct sql_names *names, const struct stream *stream, struct buf *out_sql)
{
    const struct attribute_list *list = stream->attributes;
    char name[TABLE_ID], type[TABLE_ID];
    AUTO(buf_done) struct buf newest = buf_limited(LIMIT_SQL);
    AUTO(buf_done) struct buf source = buf_limited(LIST_LIMIT);
    AUTO(buf_done) struct buf custom = buf_limited(LIST_LIMIT);
    AUTO(buf_done) struct buf archived = buf_limited(LIST_LIMIT);
    add_day(names, stream->table, "r.*", &newest);
    add_source(list, &source);
    if (list->custom) add_flag("a", list->custom, "TRUE", &custom);
    if (list->archived) add_flag("a", list->archived, "FALSE", &archived);
    if (list->archived && list->within) { /* what holds them may be archived, too */
        buf_text(&archived, " OR ");
        add_flag("l", list->archived, "FALSE", &archived);
    }
    sql_quote(name, list->name);
    sql_quote(type, list->type);
    const struct sql_value values[] = {{"list", buf_string(&newest)},
                                       {"source", buf_string(&source)},
                                       {"name", name},
                                       {"type", type},
                                       {"custom", custom.size ? buf_string(&custom) : "TRUE"},
                                       {"archived", archived.size ? buf_string(&archived) : "FALSE"}};
    sql_fill(out_sql, sql_attributes, values, sizeof values / sizeof *values);
}

static void add_keys(const struct table *table, size_t most, struct buf *out)
{
    char key[TABLE_ID];
    for (size_t i = 0; i < table->key_count && i < most; i++) {
        sql_quote(key, table->key[i]);
        buf_format(out, "%s%s", i ? ", " : "", key);
    }
}

void sql_latest_table_text(const struct sql_names *names, const struct table *table, const json_t *fields,
                           const char *as_of, struct buf *out_sql)
{
    char latest[SQL_PATH], name[TABLE_ID], description[2 * TABLE_ID];
    AUTO(buf_done) struct buf query = buf_limited(LIMIT_SQL);
    AUTO(buf_done) struct buf key = buf_limited(LIST_LIMIT);
    snprintf(name, sizeof name, "%s_latest", table->name);
    sql_path(latest, names, names->dataset, name);
    snprintf(description, sizeof description, "The newest version of each row of %s", table->name);
    add_keys(table, 4, &key);
    sql_latest_text(names, table, fields, &query);
    if (query.full) out_sql->full = true;
    const struct sql_value values[] = {{"latest", latest},
                                       {"key", buf_string(&key)},
                                       {"description", description},
                                       {LABEL_AS_OF, as_of},
                                       {"query", buf_string(&query)}};
    sql_fill(out_sql, sql_latest_table, values, sizeof values / sizeof *values);
}

/* The type of an attribute's column. Only what no scalar holds stays JSON, which GROUP BY refuses. */
enum custom_type { CUSTOM_JSON, CUSTOM_STRING, CUSTOM_INT64, CUSTOM_FLOAT64, CUSTOM_BOOL, CUSTOM_TIMESTAMP };

static enum custom_type custom_type(const char *type)
{
    static const struct {
        const char *name;
        enum custom_type type;
    } types[] = {{"integer", CUSTOM_INT64},      {"float", CUSTOM_FLOAT64},     {"decimal", CUSTOM_FLOAT64},
                 {"number", CUSTOM_FLOAT64},     {"boolean", CUSTOM_BOOL},      {"date", CUSTOM_TIMESTAMP},
                 {"datetime", CUSTOM_TIMESTAMP}, {"relationship", CUSTOM_JSON}, {"files", CUSTOM_JSON}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(type, types[i].name)) return types[i].type;
    return CUSTOM_STRING; /* string, list, and what comes later */
}

bool sql_custom_types_differ(const char *type, const char *other)
{
    return custom_type(type) != custom_type(other);
}

/* A number of 12 digits and more is milliseconds: as seconds it would be in the year 5138 or later. */
static void add_typed(struct buf *out, enum custom_type type, size_t index)
{
    switch (type) {
    case CUSTOM_JSON: buf_format(out, "r.v%zu", index); return;
    case CUSTOM_STRING: /* lists as JSON's text; JSON's null has a text, too */
        buf_format(out,
                   "COALESCE(JSON_VALUE(r.v%zu), IF(TO_JSON_STRING(r.v%zu) = 'null', NULL, "
                   "TO_JSON_STRING(r.v%zu)))",
                   index, index, index);
        return;
    case CUSTOM_INT64: buf_format(out, "SAFE_CAST(r.v%zu AS INT64)", index); return;
    case CUSTOM_FLOAT64: buf_format(out, "SAFE_CAST(r.v%zu AS FLOAT64)", index); return;
    case CUSTOM_BOOL: buf_format(out, "SAFE_CAST(r.v%zu AS BOOL)", index); return;
    case CUSTOM_TIMESTAMP:
        buf_format(out,
                   "COALESCE(IF(SAFE_CAST(r.v%zu AS INT64) BETWEEN -99999999999 AND 99999999999, "
                   "SAFE.TIMESTAMP_SECONDS(SAFE_CAST(r.v%zu AS INT64)), "
                   "SAFE.TIMESTAMP_MILLIS(SAFE_CAST(r.v%zu AS INT64))), SAFE_CAST(r.v%zu AS TIMESTAMP))",
                   index, index, index, index);
        return;
    }
}

void sql_custom_text(const struct sql_names *names, const struct attribute_list *list,
                     const struct custom_attribute *attributes, size_t count, struct buf *out_sql)
{
    const struct table *of = list->of;
    char latest[SQL_PATH], name[TABLE_ID], quoted[TABLE_ID], held[TABLE_ID];
    AUTO(buf_done) struct buf key = buf_limited(LIST_LIMIT);
    AUTO(buf_done) struct buf values = buf_limited(LIST_LIMIT);
    AUTO(buf_done) struct buf columns = buf_limited(LIST_LIMIT);
    snprintf(name, sizeof name, "%s_latest", of->name);
    sql_path(latest, names, names->dataset, name);
    add_keys(of, of->key_count, &key);
    if (of->version) {
        sql_quote(quoted, of->version);
        buf_format(&key, ", %s", quoted);
    }
    sql_quote(held, list->values);
    for (size_t i = 0; i < count; i++) {
        enum custom_type type = custom_type(attributes[i].type);
        bool is_whole = type == CUSTOM_JSON || type == CUSTOM_STRING;
        buf_format(&values, ",\n               %s%s[", is_whole ? "" : "JSON_VALUE(", held);
        sql_literal(&values, attributes[i].name);
        buf_format(&values, "]%s AS v%zu", is_whole ? "" : ")", i);
        buf_text(&columns, ",\n       ");
        add_typed(&columns, type, i);
        sql_quote(quoted, attributes[i].column);
        buf_format(&columns, " AS %s", quoted);
    }
    if (key.full || values.full || columns.full) out_sql->full = true;
    const struct sql_value filled[] = {{"key", buf_string(&key)},
                                       {"columns", buf_string(&columns)},
                                       {"values", buf_string(&values)},
                                       {"latest", latest}};
    sql_fill(out_sql, sql_custom, filled, sizeof filled / sizeof *filled);
}
