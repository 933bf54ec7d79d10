/* SPDX-License-Identifier: Apache-2.0 */
/* sql_latest.c - the statements of <table>_latest, as a view and as a table. */
#include <assert.h>
#include <string.h>

#include "schema.h"
#include "sql.h"

#define LIST_LIMIT LIMIT_SQL
#define FIRST_DAY  "0001-01-01"
#define IN_DAYS    " AND partition_date IN UNNEST(these_days)"

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

/* The columns that name a row of _latest. Of records that keep their day the day is one: a filter on it
 * prunes. */
static size_t identity_of(const struct table *table, const char *out_columns[16])
{
    size_t count = table_identity(table, out_columns);
    if (table->day_is_fixed) out_columns[count++] = COLUMN_PARTITION_DATE;
    return count;
}

static void add_newest(const struct sql_names *names, const struct sql_latest *latest, const char *shown,
                       struct buf *out)
{
    const struct table *table = latest->table;
    const char *columns[16];
    char path[SQL_PATH], version[TABLE_ID], newest[2 * TABLE_ID];
    AUTO(buf_done) struct buf identity = buf_limited(LIST_LIMIT);
    sql_add_columns(&identity, columns, identity_of(table, columns), "");
    sql_path(path, names, names->dataset, table->name);
    sql_quote(version, table->version);
    snprintf(newest, sizeof newest, "%s DESC, " COLUMN_READ_AT " DESC, " COLUMN_LOADED_AT " DESC", version);
    const struct sql_value values[] = {{"table", path},
                                       {"shown", shown},
                                       {"days", latest->days ? latest->days : ""},
                                       {"identity", buf_string(&identity)},
                                       {"newest", newest}};
    sql_fill(out, sql_latest, values, sizeof values / sizeof *values);
}

static void add_day(const struct sql_names *names, const struct sql_latest *latest, const char *shown,
                    struct buf *out)
{
    char path[SQL_PATH];
    sql_path(path, names, names->dataset, latest->table->name);
    const struct sql_value values[] = {{"table", path},
                                       {"shown", shown},
                                       {"days", latest->days ? latest->days : ""},
                                       {"since", latest->since ? latest->since : FIRST_DAY}};
    sql_fill(out, sql_latest_day, values, sizeof values / sizeof *values);
}

static void add_set(const struct sql_names *names, const struct sql_latest *latest, const char *shown,
                    struct buf *out)
{
    const struct table *table = latest->table;
    char path[SQL_PATH], owner[SQL_PATH], key[TABLE_ID], version[TABLE_ID], owner_key[TABLE_ID],
        owner_version[TABLE_ID];
    assert(!strcmp(table->day, table->version)); /* so the rows of a set are of one day */
    sql_path(path, names, names->dataset, table->name);
    sql_path(owner, names, names->dataset, table->owner->name);
    sql_quote(key, table->owner_key);
    sql_quote(version, table->version);
    sql_quote(owner_key, table->owner->key[0]);
    sql_quote(owner_version, table->owner->version);
    const struct sql_value values[] = {
        {"table", path},  {"shown", shown},         {"days", latest->days ? latest->days : ""},
        {"owner", owner}, {"owner_key", owner_key}, {"owner_version", owner_version},
        {"key", key},     {"version", version}};
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

static void add_query(const struct sql_names *names, const struct sql_latest *latest, const char *shown,
                      struct buf *out)
{
    const struct table *table = latest->table;
    if (table->owner) {
        add_set(names, latest, shown, out);
        if (table->owner->gone) add_gone(names, table->owner->gone, table->owner_key, table->version, out);
    } else if (table->version) {
        add_newest(names, latest, shown, out);
        if (table->gone) add_gone(names, table->gone, table->key[0], table->version, out);
        if (table->parent) add_gone_parent(names, table, out);
    } else {
        add_day(names, latest, shown, out);
    }
}

void sql_latest_shown(const struct table *table, const json_t *fields, struct buf *out)
{
    add_shown(table, fields, out);
}

void sql_newest_day_text(const struct sql_names *names, const struct table *table, struct buf *out_sql)
{
    char path[SQL_PATH];
    sql_path(path, names, names->dataset, table->name);
    const struct sql_value values[] = {{"table", path}};
    sql_fill(out_sql, sql_newest_day, values, 1);
}

void sql_latest_text(const struct sql_names *names, const struct sql_latest *latest, struct buf *out_sql)
{
    AUTO(buf_done) struct buf shown = buf_limited(LIST_LIMIT);
    add_shown(latest->table, latest->fields, &shown);
    add_query(names, latest, buf_string(&shown), out_sql);
    if (shown.full) out_sql->full = true;
}

/* --- As a table --- */

/* The columns of the live table. Those of others may have names that we do not quote: they are left out. */
static void add_live(const json_t *fields, const char *prefix, struct buf *out)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const char *name = text_at(json_array_get(fields, i), "name");
        if (sql_is_name(name)) buf_format(out, "%s%s`%s`", count++ ? ", " : "", prefix, name);
    }
}

/* The columns that are compared, but for _read_at, which may be NULL. */
static size_t compared_columns(const struct table *table, const char *out_columns[20])
{
    size_t count = sql_add_version(table, out_columns, table_identity(table, out_columns));
    if (table->version) out_columns[count++] = COLUMN_PARTITION_DATE;
    out_columns[count++] = COLUMN_LOADED_AT;
    return count;
}

/* A row of the table is the view's if these are equal; times that are not there are equal, too. */
static void add_same(const struct table *table, struct buf *out)
{
    const char *columns[20];
    size_t count = compared_columns(table, columns);
    sql_add_match(out, columns, count, "v", "l");
    buf_text(out, " AND COALESCE(v." COLUMN_READ_AT ", TIMESTAMP '" FIRST_DAY
                  " 00:00:00+00') = COALESCE(l." COLUMN_READ_AT ", TIMESTAMP '" FIRST_DAY " 00:00:00+00')");
}

static void add_compared(const struct sql_names *names, const struct table *table, struct buf *out)
{
    const char *columns[20];
    size_t count = compared_columns(table, columns);
    columns[count++] = COLUMN_READ_AT;
    AUTO(buf_done) struct buf shown = buf_limited(LIST_LIMIT);
    sql_add_columns(&shown, columns, count, "r.");
    add_query(names, &(struct sql_latest){.table = table}, buf_string(&shown), out);
}

static void add_stale(const struct table *table, const char *compared, bool is_rebuilt, struct buf *out)
{
    if (is_rebuilt) {
        buf_text(out, "TRUE");
        return;
    }
    buf_format(out, "NOT EXISTS (SELECT 1 FROM (%s) AS v WHERE ", compared);
    add_same(table, out);
    buf_byte(out, ')');
}

void sql_latest_refresh_text(const struct sql_names *names, const struct sql_refresh *refresh,
                             struct buf *out_sql)
{
    const struct table *table = refresh->table;
    const char *identity_columns[16];
    size_t count = identity_of(table, identity_columns);
    char latest[SQL_PATH], lock[SQL_PATH], name[TABLE_ID], first[TABLE_ID];
    AUTO(buf_done)
    struct buf compared = buf_limited(LIMIT_SQL), query = buf_limited(LIMIT_SQL),
               stale = buf_limited(LIMIT_SQL), identity = buf_limited(LIST_LIMIT),
               match = buf_limited(LIST_LIMIT), columns = buf_limited(LIST_LIMIT),
               inserted = buf_limited(LIST_LIMIT);
    snprintf(name, sizeof name, "%s_latest", table->name);
    sql_path(latest, names, names->dataset, name);
    snprintf(name, sizeof name, "lock_%s", stream_lock(refresh->stream));
    sql_path(lock, names, names->control, name);
    sql_quote(first, identity_columns[0]);
    add_compared(names, table, &compared);
    add_stale(table, buf_string(&compared), refresh->is_rebuilt, &stale);
    sql_add_columns(&identity, identity_columns, count, "");
    sql_add_match(&match, identity_columns, count, "v", "l");
    add_live(refresh->fields, "", &columns);
    add_live(refresh->fields, "v.", &inserted);
    sql_latest_text(names, &(struct sql_latest){table, refresh->fields, NULL, IN_DAYS}, &query);
    const struct sql_value values[] = {{"latest", latest},
                                       {"lock", lock},
                                       {"compared", buf_string(&compared)},
                                       {"is_stale", buf_string(&stale)},
                                       {"identity", buf_string(&identity)},
                                       {"match", buf_string(&match)},
                                       {"first_column", first},
                                       {"columns", buf_string(&columns)},
                                       {"inserted", buf_string(&inserted)},
                                       {"query", buf_string(&query)}};
    sql_fill(out_sql, sql_latest_refresh, values, sizeof values / sizeof *values);
    if (compared.full || query.full || stale.full || columns.full || inserted.full) out_sql->full = true;
}
