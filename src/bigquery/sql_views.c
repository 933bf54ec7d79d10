/* SPDX-License-Identifier: Apache-2.0 */
/* sql_views.c - the statements of <table>_custom. */
#include <assert.h>
#include <string.h>

#include "schema.h"
#include "sql.h"

#define LIST_LIMIT LIMIT_SQL

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
    sql_latest_text(names, &(struct sql_latest){.table = stream->table}, &newest);
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
    sql_add_columns(&key, of->key, of->key_count, "");
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
