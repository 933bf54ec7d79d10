/* SPDX-License-Identifier: Apache-2.0 */
/* sql_commit.c - the script of a commit, and the lists of columns that it is made of. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sql.h"

#define LIST_LIMIT (256 * 1024)

struct list {
    struct buf text;
    const char *between;
};

static struct list list_new(const char *between)
{
    struct list list = {.between = between};
    buf_init(&list.text, LIST_LIMIT);
    return list;
}

static void list_done(struct list *list)
{
    buf_done(&list->text);
}

static void list_add(struct list *list, const char *prefix, const char *column)
{
    char quoted[TABLE_ID];
    sql_quote(quoted, column);
    buf_format(&list->text, "%s%s%s", list->text.size ? list->between : "", prefix, quoted);
}

static const char *list_text(const struct list *list)
{
    assert(!list->text.full);
    return buf_string(&list->text);
}

size_t sql_add_version(const struct table *table, const char **columns, size_t count)
{
    const char *version = table->version ? table->version : COLUMN_PARTITION_DATE;
    for (size_t i = 0; i < count; i++)
        if (!strcmp(columns[i], version)) return count;
    columns[count++] = version;
    return count;
}

/* The columns that name a row: the key and the version, each once. */
static size_t row_key(const struct table *table, const char *out_columns[16])
{
    assert(table->key_count > 0 && table->key_count < 16);
    for (size_t i = 0; i < table->key_count; i++)
        out_columns[i] = table->key[i];
    return sql_add_version(table, out_columns, table->key_count);
}

/* The columns that one version of a record has in common, and of a set one version of its owner. */
static size_t version_columns(const struct table *table, const char *out_columns[16])
{
    size_t count = 1;
    if (table->owner)
        out_columns[0] = table->owner_key;
    else
        count = table_identity(table, out_columns);
    return sql_add_version(table, out_columns, count);
}

static struct list version_list(const struct table *table)
{
    struct list list = list_new(", ");
    const char *columns[16];
    size_t count = version_columns(table, columns);
    for (size_t i = 0; i < count; i++)
        list_add(&list, "", columns[i]);
    return list;
}

/* The columns that one row of a reading has in common with the same row of another reading. */
static size_t row_columns(const struct table *table, const char *out_columns[16])
{
    const char *columns[16];
    size_t count = version_columns(table, out_columns);
    size_t identity_count = table->owner ? table_identity(table, columns) : 0;
    for (size_t i = 0; i < identity_count; i++)
        if (strcmp(columns[i], table->owner_key) != 0) out_columns[count++] = columns[i];
    return count;
}

static struct list row_list(const struct table *table)
{
    struct list list = list_new(", ");
    const char *columns[16];
    size_t count = row_columns(table, columns);
    for (size_t i = 0; i < count; i++)
        list_add(&list, "", columns[i]);
    return list;
}

static struct list column_list(const struct table *table)
{
    struct list list = list_new(", ");
    list_add(&list, "", COLUMN_PARTITION_DATE);
    for (size_t i = 0; i < table->column_count; i++)
        list_add(&list, "", table->columns[i].name);
    list_add(&list, "", COLUMN_EXTRA);
    list_add(&list, "", COLUMN_CONTENT);
    list_add(&list, "", COLUMN_READ_AT);
    return list;
}

/* The same columns of the staging table s, as the values that they become. */
static struct list staged_list(const struct table *table)
{
    static const struct column extra = {.name = COLUMN_EXTRA, .type = COLUMN_JSON};
    struct list list = list_new(", ");
    list_add(&list, "s.", COLUMN_PARTITION_DATE);
    for (size_t i = 0; i < table->column_count; i++) {
        buf_text(&list.text, ", ");
        sql_staged_value(&table->columns[i], "s", &list.text);
    }
    buf_text(&list.text, ", ");
    sql_staged_value(&extra, "s", &list.text);
    list_add(&list, "s.", COLUMN_CONTENT);
    list_add(&list, "s.", COLUMN_READ_AT);
    return list;
}

static struct list match_list(const char *const *columns, size_t count, const char *left, const char *right)
{
    struct list list = list_new(" AND ");
    sql_add_match(&list.text, columns, count, left, right);
    return list;
}

static struct list version_match_list(const struct table *table)
{
    const char *columns[16];
    return match_list(columns, version_columns(table, columns), "k", "s");
}

/* The condition under which a row is on a wrong day. is_bounded: the unit's own days are a condition, too.
 * is_kept: the rows go into a table. */
static struct list misplaced_list(const struct table *table, bool is_bounded, bool is_kept)
{
    struct list list = list_new("");
    char day[TABLE_ID];
    if (table->day) {
        sql_quote(day, table->day);
        buf_format(&list.text, COLUMN_PARTITION_DATE " IS DISTINCT FROM DATE(%s, @timezone)", day);
        if (is_bounded)
            buf_text(&list.text, " OR " COLUMN_PARTITION_DATE
                                 " < @lo OR (NOT @open AND " COLUMN_PARTITION_DATE " > @hi)");
    } else { /* the rows of a reconciliation are only compared */
        buf_text(&list.text, is_kept ? COLUMN_PARTITION_DATE " != @lo" : "FALSE");
    }
    return list;
}

static struct list keyless_list(const struct table *table)
{
    struct list list = list_new(" OR ");
    const char *key[16];
    size_t count = row_key(table, key);
    for (size_t i = 0; i < count; i++) {
        list_add(&list, "", key[i]);
        buf_text(&list.text, " IS NULL");
    }
    return list;
}

static void add_check(const struct sql_names *names, const struct selection *selection, size_t index,
                      const char *stage, struct buf *out)
{
    const struct table *table = selection->tables[index];
    bool is_bounded = index == 0 && stream_is_windowed(selection->stream);
    char path[SQL_PATH], staged[32], days[32], name[TABLE_ID];
    sql_path(path, names, names->control, stage);
    sql_word(name, table->name);
    snprintf(staged, sizeof staged, "staged_%zu", index);
    snprintf(days, sizeof days, "days_%zu", index);
    AUTO(list_done)
    struct list misplaced = misplaced_list(table, is_bounded, selection->stream->kind != STREAM_RECONCILE);
    const struct sql_value values[] = {{"stage", path},
                                       {"staged", staged},
                                       {"days", days},
                                       {"name", name},
                                       {"misplaced", list_text(&misplaced)}};
    sql_fill(out, sql_commit_check, values, sizeof values / sizeof *values);
}

static void add_union(const struct sql_names *names, const struct selection *selection, size_t index,
                      const char *stage, struct buf *out)
{
    const struct table *table = selection->tables[index];
    const struct stream *stream = selection->stream;
    /* A later fetch counts for a row if it read the row's day. Scans read all days, and children have other
     * days than their parents: there each later fetch counts that has days of this unit. */
    bool is_reconciled = stream->kind == STREAM_RECONCILE, is_list = is_reconciled && index == RECONCILE_LIST;
    bool has_own_days = stream_lists_rows(stream) || (index == 0 && stream->kind == STREAM_INCREMENTAL);
    char stage_path[SQL_PATH], target[SQL_PATH], counter[32], days[32], first_column[TABLE_ID];
    const char *columns_of_version[16];
    sql_path(stage_path, names, names->control, stage);
    sql_path(target, names, names->dataset, table->name);
    snprintf(counter, sizeof counter, "n_%zu", index);
    snprintf(days, sizeof days, "days_%zu", index);
    (void)version_columns(table, columns_of_version);
    sql_quote(first_column, columns_of_version[0]);
    AUTO(list_done) struct list columns = column_list(table);
    AUTO(list_done) struct list staged_columns = staged_list(table);
    AUTO(list_done) struct list row = row_list(table);
    AUTO(list_done) struct list version = version_list(table);
    AUTO(list_done) struct list match = version_match_list(table);
    AUTO(list_done) struct list newest_set = list_new("");
    if (table->owner) /* rows of different readings do not make one set */
        buf_format(&newest_set.text,
                   " AND " COLUMN_READ_AT " = MAX(" COLUMN_READ_AT ") OVER (PARTITION BY %s)",
                   list_text(&version));
    const struct sql_value values[] = {
        {"stage", stage_path},
        {"target", target},
        {"days", days},
        {"columns", list_text(&columns)},
        {"staged_columns", list_text(&staged_columns)},
        {"row", list_text(&row)},
        {"newest_set", list_text(&newest_set)},
        {"version", list_text(&version)},
        {"version_match", list_text(&match)},
        {"first_column", first_column},
        {"from_day", is_reconciled ? " AND s." COLUMN_PARTITION_DATE " >= @lo" : ""},
        {"day_match", has_own_days ? " AND s." COLUMN_PARTITION_DATE " BETWEEN f.lo AND f.hi" : ""},
        {"agreed", is_list ? "\n          AND n_differing = 0" : ""},
        {"counter", counter}};
    sql_fill(out, sql_commit_union, values, sizeof values / sizeof *values);
}

static void add_compare(const struct sql_names *names, const struct table *table, const char *stage,
                        struct buf *out)
{
    char stage_path[SQL_PATH], target[SQL_PATH];
    sql_path(stage_path, names, names->control, stage);
    sql_path(target, names, names->dataset, table->name);
    AUTO(list_done) struct list version = version_list(table);
    AUTO(list_done) struct list match = version_match_list(table);
    const struct sql_value values[] = {{"stage", stage_path},
                                       {"target", target},
                                       {"days", "days_0"},
                                       {"version", list_text(&version)},
                                       {"version_match", list_text(&match)}};
    sql_fill(out, sql_commit_compare, values, sizeof values / sizeof *values);
}

static void add_content_changes(const struct sql_names *names, const struct table *table, struct buf *out)
{
    char target[SQL_PATH];
    sql_path(target, names, names->dataset, table->name);
    AUTO(list_done) struct list row = row_list(table);
    const struct sql_value values[] = {
        {"target", target}, {"days", "days_0"}, {"row", list_text(&row)}, {"counter", "n_0"}};
    sql_fill(out, sql_commit_content_changes, values, sizeof values / sizeof *values);
}

/* An element may leave a set and come back to it as it was. */
static const char *repeated_column(const struct table *table)
{
    return table->owner ? COLUMN_READ_AT : COLUMN_CONTENT;
}

static void add_doubled(const struct sql_names *names, const struct table *table, size_t index,
                        struct buf *out)
{
    char target[SQL_PATH], days[32];
    sql_path(target, names, names->dataset, table->name);
    snprintf(days, sizeof days, "days_%zu", index);
    AUTO(list_done) struct list row = row_list(table);
    const struct sql_value values[] = {
        {"target", target}, {"days", days}, {"row", list_text(&row)}, {"repeated", repeated_column(table)}};
    sql_fill(out, sql_commit_doubled, values, sizeof values / sizeof *values);
}

static void add_reconcile_doubled(const struct sql_names *names, const struct table *subject, struct buf *out)
{
    char gone[SQL_PATH], key[TABLE_ID];
    sql_path(gone, names, names->dataset, subject->gone->name);
    sql_quote(key, subject->key[0]);
    const struct sql_value values[] = {{"gone", gone}, {"key", key}};
    sql_fill(out, sql_commit_reconcile_doubled, values, sizeof values / sizeof *values);
}

static void add_lock(const struct sql_names *names, const struct stream *stream, struct buf *out)
{
    char name[TABLE_ID], lock[SQL_PATH], stream_name[TABLE_ID];
    snprintf(name, sizeof name, "lock_%s", stream_lock(stream));
    sql_path(lock, names, names->control, name);
    sql_word(stream_name, stream->name);
    const struct sql_value values[] = {{"lock", lock}, {"stream", stream_name}};
    sql_fill(out, sql_commit_lock, values, sizeof values / sizeof *values);
}

/* The list of an incremental stream's records reads them as the stream does: each is a later fetch for the
 * other. That of a scan has only ids, but it may ask for records. */
static void add_later(const struct sql_names *names, const struct stream *stream, struct buf *out)
{
    char runs[SQL_PATH], subject[TABLE_ID], reader[TABLE_ID + 2] = "@stream", readers[2 * TABLE_ID + 32];
    sql_path(runs, names, names->control, "runs");
    if (stream->kind == STREAM_RECONCILE) {
        sql_word(subject, stream->subject->name);
        snprintf(reader, sizeof reader, "'%s'", subject);
    }
    bool has_list = stream->kind == STREAM_INCREMENTAL || stream_lists_rows(stream);
    if (has_list)
        snprintf(readers, sizeof readers, "%s, CONCAT(%s, '_reconciliation')", reader, reader);
    else
        snprintf(readers, sizeof readers, "%s", reader);
    const struct sql_value values[] = {{"runs", runs}, {"reader", reader}, {"readers", readers}};
    sql_fill(out, sql_commit_later, values, sizeof values / sizeof *values);
}

static void add_list(const struct sql_names *names, const struct selection *selection,
                     const char *const stages[LIMIT_TABLES + 1], struct buf *out)
{
    if (!stages[RECONCILE_LIST] || !stream_lists_rows(selection->stream)) return;
    add_compare(names, selection->stream->subject, stages[RECONCILE_LIST], out);
    add_union(names, selection, RECONCILE_LIST, stages[RECONCILE_LIST], out);
}

/* Do staged rows become rows of that table by a union? */
static bool keeps_staged(const struct stream *stream, size_t index)
{
    return stream->kind != STREAM_RECONCILE || index == RECONCILE_ALIVE ||
           (index == RECONCILE_LIST && stream_lists_rows(stream));
}

static void add_tables(const struct sql_names *names, const struct selection *selection,
                       const char *const stages[LIMIT_TABLES + 1], struct buf *out)
{
    const struct stream *stream = selection->stream;
    if (stream->kind == STREAM_RECONCILE) {
        assert(selection->table_count == RECONCILE_TABLES);
        add_list(names, selection, stages, out);
        if (stages[RECONCILE_ALIVE])
            add_union(names, selection, RECONCILE_ALIVE, stages[RECONCILE_ALIVE], out);
        sql_reconcile_text(names, stream, stages, out);
        return;
    }
    for (size_t i = 0; i < selection->table_count; i++)
        if (stages[i]) add_union(names, selection, i, stages[i], out);
}

static void fill_lock_statement(const struct sql_names *names, const char *text, const struct stream *stream,
                                struct buf *out)
{
    char name[TABLE_ID], lock[SQL_PATH];
    snprintf(name, sizeof name, "lock_%s", stream_lock(stream));
    sql_path(lock, names, names->control, name);
    const struct sql_value values[] = {{"lock", lock}};
    sql_fill(out, text, values, 1);
}

/* "n_0, n_1" */
static struct list numbered_list(const char *name, size_t count)
{
    struct list list = list_new("");
    for (size_t i = 0; i < count; i++)
        buf_format(&list.text, "%s%s%zu", i ? ", " : "", name, i);
    return list;
}

void sql_commit(const struct sql_names *names, const struct selection *selection,
                const char *const stages[LIMIT_TABLES + 1], const struct sql_claim *claim,
                struct buf *out_sql)
{
    const struct stream *stream = selection->stream;
    AUTO(list_done) struct list counters = numbered_list("n_", selection->table_count);
    AUTO(list_done) struct list days = numbered_list("days_", selection->table_count);
    const struct sql_value counted[] = {{"counters", list_text(&counters)}, {"days", list_text(&days)}};
    sql_fill(out_sql, sql_commit_declare, counted, 2);
    for (size_t i = 0; i < selection->table_count; i++)
        if (stages[i]) add_check(names, selection, i, stages[i], out_sql);
    add_lock(names, stream, out_sql);
    bool is_reconciled = stream->kind == STREAM_RECONCILE;
    add_later(names, stream, out_sql);
    add_tables(names, selection, stages, out_sql);
    if (stages[0] && stream->table->keeps_contents) add_content_changes(names, stream->table, out_sql);
    sql_add_rejected(names, stream, claim, stages, out_sql);
    sql_add_ledger(names, selection, stages, claim, out_sql);
    if (is_reconciled) add_reconcile_doubled(names, stream->subject, out_sql);
    for (size_t i = 0; i < selection->table_count; i++)
        if (stages[i] && keeps_staged(stream, i)) add_doubled(names, selection->tables[i], i, out_sql);
    fill_lock_statement(names, sql_commit_alarm, stream, out_sql);
    sql_fill(out_sql, sql_commit_result, counted, 1);
}

void sql_commit_same_text(const struct sql_names *names, const struct selection *selection,
                          const struct sql_claim *claim, struct buf *out_sql)
{
    char runs[SQL_PATH];
    sql_path(runs, names, names->control, "runs");
    const struct sql_value values[] = {{"runs", runs},
                                       {"left_out", claim->left_out ? claim->left_out : "''"},
                                       {"children_from", sql_children_from(selection->stream)}};
    buf_text(out_sql, "DECLARE n_same INT64;\nDECLARE is_alone BOOL;\n");
    add_lock(names, selection->stream, out_sql);
    sql_fill(out_sql, sql_commit_same, values, sizeof values / sizeof *values);
}

void sql_adopt_text(const struct sql_names *names, const struct table *table, struct buf *out_sql)
{
    char path[SQL_PATH];
    sql_path(path, names, names->dataset, table->name);
    AUTO(list_done) struct list misplaced = misplaced_list(table, false, false);
    AUTO(list_done) struct list keyless = keyless_list(table);
    const struct sql_value values[] = {
        {"table", path}, {"misplaced", list_text(&misplaced)}, {"keyless", list_text(&keyless)}};
    sql_fill(out_sql, sql_adopt, values, sizeof values / sizeof *values);
}

void sql_repeats_text(const struct sql_names *names, const struct table *table, struct buf *out_sql)
{
    char target[SQL_PATH];
    sql_path(target, names, names->dataset, table->name);
    AUTO(list_done) struct list row = row_list(table);
    const struct sql_value values[] = {
        {"target", target}, {"row", list_text(&row)}, {"repeated", repeated_column(table)}};
    sql_fill(out_sql, sql_repeats, values, sizeof values / sizeof *values);
}

void sql_repeats_clear_text(const struct sql_names *names, const struct stream *stream, struct buf *out_sql)
{
    fill_lock_statement(names, sql_repeats_clear, stream, out_sql);
}

/* All columns but the two that the script writes, also those that others added. */
static struct list kept_columns(const json_t *fields)
{
    struct list list = list_new(", ");
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const char *name = json_text_at(json_array_get(fields, i), "name");
        if (!name || !strcmp(name, COLUMN_LOADED_AT) || !strcmp(name, COLUMN_RUN_ID)) continue;
        list_add(&list, "", name);
    }
    return list;
}

/* The condition under which t and m may be readings of one row. */
static struct list row_match_list(const struct table *table)
{
    const char *columns[16];
    return match_list(columns, row_columns(table, columns), "m", "t");
}

void sql_deduplicate_begin(struct buf *out_sql)
{
    buf_text(out_sql, "DECLARE deduplicated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP();\n");
}

void sql_deduplicate_text(const struct sql_names *names, const struct table *table, const json_t *fields,
                          struct buf *out_sql)
{
    char target[SQL_PATH];
    sql_path(target, names, names->dataset, table->name);
    AUTO(list_done) struct list row = row_list(table);
    AUTO(list_done) struct list columns = kept_columns(fields);
    AUTO(list_done) struct list match = row_match_list(table);
    const struct sql_value values[] = {{"target", target},
                                       {"columns", list_text(&columns)},
                                       {"row", list_text(&row)},
                                       {"repeated", repeated_column(table)},
                                       {"match", list_text(&match)}};
    sql_fill(out_sql, sql_deduplicate, values, sizeof values / sizeof *values);
}
