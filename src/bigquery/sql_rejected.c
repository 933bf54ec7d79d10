/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "sql.h"

static void add_rejected(const struct sql_names *names, const char *stage, struct buf *out)
{
    char stage_path[SQL_PATH], rejected[SQL_PATH];
    sql_path(stage_path, names, names->control, stage);
    sql_path(rejected, names, names->control, "rejected");
    const struct sql_value values[] = {{"stage", stage_path}, {"rejected", rejected}};
    sql_fill(out, sql_commit_rejected, values, sizeof values / sizeof *values);
}

static void add_mended(const struct sql_names *names, const struct table *table,
                       const char *const stages[LIMIT_TABLES + 1], struct buf *out)
{
    char stage[SQL_PATH], rejects[SQL_PATH], rejected[SQL_PATH], key[TABLE_ID];
    char still_rejected[SQL_PATH + 64] = "";
    sql_path(stage, names, names->control, stages[0]);
    sql_path(rejected, names, names->control, "rejected");
    sql_quote(key, table->key[0]);
    if (stages[SQL_STAGE_REJECTED]) {
        sql_path(rejects, names, names->control, stages[SQL_STAGE_REJECTED]);
        snprintf(still_rejected, sizeof still_rejected, "\n     AND id NOT IN (SELECT id FROM `%s`)",
                 rejects);
    }
    const struct sql_value values[] = {
        {"stage", stage}, {"rejected", rejected}, {"key", key}, {"still_rejected", still_rejected}};
    sql_fill(out, sql_commit_mended, values, sizeof values / sizeof *values);
}

/* The rejects of a scan tell it whose children are still to be read: a table of them that was left out was
 * not. */
static bool may_mend(const struct stream *stream, const struct sql_claim *claim)
{
    if (stream->kind == STREAM_RECONCILE || (claim && claim->mends_nothing)) return false;
    return stream->kind != STREAM_SCAN || !claim || !claim->left_out;
}

void sql_add_rejected(const struct sql_names *names, const struct stream *stream,
                      const struct sql_claim *claim, const char *const stages[LIMIT_TABLES + 1],
                      struct buf *out_sql)
{
    if (stages[SQL_STAGE_REJECTED]) add_rejected(names, stages[SQL_STAGE_REJECTED], out_sql);
    if (stages[0] && may_mend(stream, claim)) add_mended(names, stream->table, stages, out_sql);
}
