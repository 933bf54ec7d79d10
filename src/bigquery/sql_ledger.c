/* SPDX-License-Identifier: Apache-2.0 */
/* sql_ledger.c - what a commit claims, and the state that is read from the claims. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sql.h"

/* The other tables of a reconciliation are no children. */
static size_t table_count(const struct selection *selection)
{
    return selection->stream->kind == STREAM_RECONCILE ? 1 : selection->table_count;
}

/* The rows of the unit's children by day, as a query; without staged children one that finds none. */
static struct buf children_query(const struct sql_names *names, const struct selection *selection,
                                 const char *const stages[LIMIT_TABLES + 1])
{
    struct buf list = {0};
    buf_init(&list, LIMIT_SQL);
    buf_text(&list, "SELECT AS STRUCT c.child, c.day, c.row_count, c.added FROM (");
    size_t empty = list.size;
    for (size_t i = 1; i < table_count(selection); i++) {
        const struct table *table = selection->tables[i];
        char path[SQL_PATH], runs[SQL_PATH], child[TABLE_ID], days[32], staged[128] = "";
        bool is_scanned = selection->stream->kind == STREAM_SCAN;
        if ((!stages[i] && !is_scanned) || !stream_keeps_rows(selection->stream, table)) continue;
        sql_path(path, names, names->dataset, table->name);
        sql_path(runs, names, names->control, "runs");
        sql_word(child, table->name);
        snprintf(days, sizeof days, "days_%zu", i);
        if (stages[i])
            snprintf(staged, sizeof staged,
                     "\n         UNION DISTINCT\n        SELECT d FROM UNNEST(%s) AS d", days);
        const struct sql_value values[] = {{"child", child},
                                           {"table", path},
                                           {is_scanned ? "staged" : "days", is_scanned ? staged : days},
                                           {"runs", runs}};
        if (list.size > empty) buf_text(&list, "\nUNION ALL\n");
        if (is_scanned)
            sql_fill(&list, sql_commit_children_scan, values, 4);
        else
            sql_fill(&list, sql_commit_children, values, 3);
    }
    if (list.size == empty) buf_text(&list, "SELECT '' AS child, @lo AS day, 0 AS row_count, 0 AS added");
    buf_format(&list, ") AS c WHERE c.child != '' ORDER BY c.child, c.day");
    return list;
}

/* Sets the bounds of the staged children's days; nothing without staged children. */
static struct buf child_days_statement(const struct selection *selection,
                                       const char *const stages[LIMIT_TABLES + 1])
{
    struct buf list = {0}, days = {0};
    buf_init(&list, LIMIT_SQL);
    buf_init(&days, LIMIT_SQL);
    for (size_t i = 1; i < table_count(selection); i++)
        if (stages[i])
            buf_format(&days, "%sSELECT d FROM UNNEST(days_%zu) AS d", days.size ? " UNION ALL " : "", i);
    if (days.size > 0)
        buf_format(
            &list,
            "SET (first_child_day, last_child_day) = (SELECT AS STRUCT MIN(d), MAX(d) FROM (%s) AS c);",
            buf_string(&days));
    buf_done(&days);
    return list;
}

const char *sql_children_from(const struct stream *stream)
{
    return stream->kind == STREAM_SCAN ? "@children_from" : "CAST(NULL AS DATE)";
}

/* The staged days of the stream's own table; of its subject's, which a reconciliation adds to without a
 * claim. */
static struct buf staged_days(const struct selection *selection)
{
    struct buf list = {0};
    buf_init(&list, LIMIT_SQL);
    bool is_reconciled = selection->stream->kind == STREAM_RECONCILE;
    bool has_rows = !is_reconciled || stream_lists_rows(selection->stream);
    if (has_rows) buf_text(&list, "SELECT d FROM UNNEST(days_0) AS d");
    if (is_reconciled)
        buf_format(&list, "%sSELECT d FROM UNNEST(days_%d) AS d", has_rows ? " UNION ALL " : "",
                   RECONCILE_ALIVE);
    return list;
}

void sql_add_ledger(const struct sql_names *names, const struct selection *selection,
                    const char *const stages[LIMIT_TABLES + 1], const struct sql_claim *claim,
                    struct buf *out)
{
    const struct stream *stream = selection->stream;
    char runs[SQL_PATH], table[SQL_PATH];
    sql_path(runs, names, names->control, "runs");
    sql_path(table, names, names->dataset, stream->subject ? stream->subject->name : stream->table->name);
    char sum[LIMIT_TABLES * 16] = "";
    for (size_t i = 0; i < selection->table_count; i++)
        snprintf(sum + strlen(sum), sizeof sum - strlen(sum), "%sn_%zu", i ? " + " : "", i);
    AUTO(buf_done) struct buf children = children_query(names, selection, stages);
    AUTO(buf_done) struct buf days = staged_days(selection);
    AUTO(buf_done) struct buf child_days = child_days_statement(selection, stages);
    const struct sql_value values[] = {
        {"runs", runs},
        {"table", table},
        {"days", buf_string(&days)},
        {"child_days", buf_string(&child_days)},
        {"children", buf_string(&children)},
        {"counter_sum", sum},
        {"unclaimed",
         claim && claim->unclaimed ? claim->unclaimed : "DATE '0001-01-01'"}, /* a day that no unit has */
        {"left_out", claim && claim->left_out ? claim->left_out : "''"},
        {"children_from", sql_children_from(stream)},
    };
    sql_fill(out, sql_commit_ledger, values, sizeof values / sizeof *values);
}

struct state_lists {
    struct buf streams, held, child_names, child_rows, scans;
};

static void add_children(const struct sql_names *names, const struct selection *selection,
                         struct state_lists *lists)
{
    char path[SQL_PATH], child[TABLE_ID];
    for (size_t i = 1; i < table_count(selection); i++) {
        if (!stream_keeps_rows(selection->stream, selection->tables[i])) continue;
        if (selection->stream->kind == STREAM_SCAN) {
            sql_word(child, selection->stream->name);
            buf_format(&lists->scans, "%s'%s'", lists->scans.size ? ", " : "", child);
        }
        sql_word(child, selection->tables[i]->name);
        sql_path(path, names, names->dataset, selection->tables[i]->name);
        buf_format(&lists->child_names, "%s'%s'", lists->child_names.size ? ", " : "", child);
        buf_format(&lists->child_rows,
                   "%sSELECT '%s' AS child, partition_date AS day, COUNT(*) AS row_count FROM `%s` "
                   "WHERE partition_date >= DATE '0001-01-01' GROUP BY partition_date",
                   lists->child_rows.size ? " UNION ALL " : "", child, path);
    }
}

/* The plan of a reconciliation asks for no days. */
static void add_stream(const struct sql_names *names, const struct selection *selection,
                       struct state_lists *lists)
{
    char path[SQL_PATH], stream[TABLE_ID];
    sql_word(stream, selection->stream->name);
    buf_format(&lists->streams, "%s'%s'", lists->streams.size ? ", " : "", stream);
    add_children(names, selection, lists);
    if (selection->stream->kind == STREAM_RECONCILE) return;
    sql_path(path, names, names->dataset, selection->stream->table->name);
    buf_format(&lists->held,
               "%s    SELECT '%s' AS stream, partition_date AS day, COUNT(*) AS row_count\n      FROM `%s`\n"
               "     WHERE partition_date >= @first_day\n     GROUP BY partition_date",
               lists->held.size ? "\n     UNION ALL\n" : "", stream, path);
}

static void add_scans(const struct sql_names *names, struct state_lists *lists, struct buf *out_sql)
{
    char runs[SQL_PATH], rejected[SQL_PATH], unread_rows[16];
    sql_path(runs, names, names->control, "runs");
    sql_path(rejected, names, names->control, "rejected");
    snprintf(unread_rows, sizeof unread_rows, "%d", LIMIT_UNREAD + 1);
    const struct sql_value values[] = {{"runs", runs},
                                       {"scans", buf_string(&lists->scans)},
                                       {"child_rows", buf_string(&lists->child_rows)},
                                       {"rejected", rejected},
                                       {"unread_rows", unread_rows}};
    sql_fill(out_sql, sql_state_scan, values, sizeof values / sizeof *values);
}

void sql_state_text(const struct sql_names *names, const struct selection *const *selections, size_t count,
                    struct buf *out_sql)
{
    char runs[SQL_PATH], rejected[SQL_PATH];
    struct state_lists lists = {.streams = {0}};
    buf_init(&lists.streams, LIMIT_SQL);
    buf_init(&lists.held, LIMIT_SQL);
    buf_init(&lists.child_names, LIMIT_SQL);
    buf_init(&lists.child_rows, LIMIT_SQL);
    buf_init(&lists.scans, LIMIT_SQL);
    for (size_t i = 0; i < count; i++)
        add_stream(names, selections[i], &lists);
    if (lists.held.size == 0)
        buf_text(
            &lists.held,
            "    SELECT '' AS stream, @first_day AS day, 0 AS row_count FROM UNNEST([1]) AS n WHERE n = 0");
    if (lists.child_names.size == 0) {
        buf_text(&lists.child_names, "''");
        buf_text(&lists.child_rows, "SELECT '' AS child, DATE '0001-01-01' AS day, 0 AS row_count");
    }
    sql_path(runs, names, names->control, "runs");
    sql_path(rejected, names, names->control, "rejected");
    const struct sql_value values[] = {{"runs", runs},
                                       {"rejected", rejected},
                                       {"streams", buf_string(&lists.streams)},
                                       {"held", buf_string(&lists.held)},
                                       {"child_names", buf_string(&lists.child_names)},
                                       {"child_rows", buf_string(&lists.child_rows)}};
    sql_fill(out_sql, sql_state, values, sizeof values / sizeof *values);
    if (lists.scans.size > 0) add_scans(names, &lists, out_sql);
    buf_done(&lists.scans);
    buf_done(&lists.streams);
    buf_done(&lists.held);
    buf_done(&lists.child_names);
    buf_done(&lists.child_rows);
}
