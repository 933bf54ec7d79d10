/* SPDX-License-Identifier: Apache-2.0 */
/* sql_reconcile.c - the statements that compare the list of a reconciliation with its subject's table. */
#include <assert.h>
#include <string.h>

#include "sql.h"

/* The values of the placeholders. */
struct comparison {
    char gone[SQL_PATH], subject[SQL_PATH], runs[SQL_PATH], missing[SQL_PATH], key[TABLE_ID],
        version[TABLE_ID], stream_name[TABLE_ID], subject_name[TABLE_ID];
    struct buf listed, alive, answered, is_unnamed, suspects;
};

static void comparison_done(struct comparison *comparison)
{
    buf_done(&comparison->listed);
    buf_done(&comparison->alive);
    buf_done(&comparison->answered);
    buf_done(&comparison->is_unnamed);
    buf_done(&comparison->suspects);
}

static void begin_select(struct buf *out)
{
    buf_format(out, "%sSELECT DISTINCT ", out->size ? " UNION DISTINCT " : "");
}

/* The records that are there: those in staging tables, and those that were read and rejected. */
static void add_present(const struct sql_names *names, const char *key, const char *const stages[],
                        size_t first, struct buf *out)
{
    char path[SQL_PATH];
    for (size_t i = first; i <= RECONCILE_ALIVE; i++) {
        if (!stages[i]) continue;
        sql_path(path, names, names->control, stages[i]);
        begin_select(out);
        buf_format(out, "%s FROM `%s`", key, path);
    }
    if (stages[SQL_STAGE_REJECTED]) {
        sql_path(path, names, names->control, stages[SQL_STAGE_REJECTED]);
        begin_select(out);
        buf_format(out, "id AS %s FROM `%s` WHERE id != ''", key, path);
    }
    if (out->size == 0) buf_format(out, "SELECT CAST(NULL AS STRING) AS %s LIMIT 0", key);
}

/* A rejected record without an id may be any of them: then none can be said to be missing. */
static void add_is_unnamed(const struct sql_names *names, const char *stage, struct buf *out)
{
    char path[SQL_PATH];
    if (!stage) {
        buf_text(out, "FALSE");
        return;
    }
    sql_path(path, names, names->control, stage);
    buf_format(out, "(SELECT COUNTIF(COALESCE(id, '') = '') FROM `%s`) > 0", path);
}

static void add_answered(const struct sql_names *names, const char *key, const char *stage, struct buf *out)
{
    char path[SQL_PATH];
    if (!stage) {
        buf_format(
            out,
            "SELECT CAST(NULL AS STRING) AS %s, CAST(NULL AS STRING) AS merged_into, '' AS source LIMIT 0",
            key);
        return;
    }
    sql_path(path, names, names->control, stage);
    buf_format(out, "SELECT %s, MAX(merged_into) AS merged_into, MAX(source) AS source FROM `%s` GROUP BY %s",
               key, path, key);
}

static void add_suspects(struct comparison *comparison)
{
    const struct sql_value values[] = {{"gone", comparison->gone},
                                       {"subject", comparison->subject},
                                       {"key", comparison->key},
                                       {"version", comparison->version},
                                       {"listed", buf_string(&comparison->listed)},
                                       {"is_unnamed", buf_string(&comparison->is_unnamed)}};
    sql_fill(&comparison->suspects, sql_suspects, values, sizeof values / sizeof *values);
}

/* stages[i] NULL: nothing staged. */
static void comparison_init(struct comparison *out, const struct sql_names *names,
                            const struct stream *stream, const char *const stages[LIMIT_TABLES + 1])
{
    const struct table *subject = stream->subject;
    assert(subject->key_count == 1 && subject->gone && !strcmp(subject->gone->key[0], subject->key[0]));
    sql_path(out->subject, names, names->dataset, subject->name);
    sql_path(out->gone, names, names->dataset, subject->gone->name);
    sql_path(out->runs, names, names->control, "runs");
    sql_path(out->missing, names, names->control, "missing");
    sql_quote(out->key, subject->key[0]);
    sql_quote(out->version, subject->version);
    sql_word(out->stream_name, stream->name);
    sql_word(out->subject_name, subject->name);
    buf_init(&out->listed, LIMIT_SQL);
    buf_init(&out->alive, LIMIT_SQL);
    buf_init(&out->answered, LIMIT_SQL);
    buf_init(&out->is_unnamed, LIMIT_SQL);
    buf_init(&out->suspects, LIMIT_SQL);
    add_present(names, out->key, stages, RECONCILE_LIST, &out->listed);
    add_present(names, out->key, stages, RECONCILE_ALIVE, &out->alive);
    add_is_unnamed(names, stages[SQL_STAGE_REJECTED], &out->is_unnamed);
    add_answered(names, out->key, stages[RECONCILE_GONE], &out->answered);
    add_suspects(out);
}

void sql_missing_text(const struct sql_names *names, const struct stream *stream, const char *list_stage,
                      int64_t ceiling, struct buf *out_sql)
{
    const char *const stages[LIMIT_TABLES + 1] = {list_stage};
    char limit[32];
    AUTO(comparison_done) struct comparison comparison = {.listed = {0}};
    comparison_init(&comparison, names, stream, stages);
    (void)snprintf(limit, sizeof limit, "%lld", (long long)ceiling);
    const struct sql_value values[] = {{"key", comparison.key},
                                       {"missing", comparison.missing},
                                       {"suspects", buf_string(&comparison.suspects)},
                                       {"ceiling", limit}};
    sql_fill(out_sql, sql_missing, values, sizeof values / sizeof *values);
}

static void add_empty(const struct comparison *comparison, struct buf *out)
{
    const struct sql_value values[] = {{"stream", comparison->stream_name},
                                       {"subject_name", comparison->subject_name},
                                       {"runs", comparison->runs},
                                       {"suspects", buf_string(&comparison->suspects)}};
    sql_fill(out, sql_commit_reconcile_empty, values, sizeof values / sizeof *values);
}

void sql_reconcile_text(const struct sql_names *names, const struct stream *stream,
                        const char *const stages[LIMIT_TABLES + 1], struct buf *out_sql)
{
    AUTO(comparison_done) struct comparison comparison = {.listed = {0}};
    comparison_init(&comparison, names, stream, stages);
    if (!stages[RECONCILE_LIST] && !stages[SQL_STAGE_REJECTED]) {
        add_empty(&comparison, out_sql);
        return;
    }
    const struct sql_value gone[] = {{"gone", comparison.gone},
                                     {"key", comparison.key},
                                     {"suspects", buf_string(&comparison.suspects)},
                                     {"answered", buf_string(&comparison.answered)},
                                     {"missing", comparison.missing},
                                     {"runs", comparison.runs}};
    const struct sql_value back[] = {
        {"gone", comparison.gone}, {"key", comparison.key}, {"listed", buf_string(&comparison.listed)}};
    const struct sql_value missing[] = {{"missing", comparison.missing},
                                        {"key", comparison.key},
                                        {"alive", buf_string(&comparison.alive)},
                                        {"answered", buf_string(&comparison.answered)},
                                        {"suspects", buf_string(&comparison.suspects)}};
    sql_fill(out_sql, sql_commit_reconcile, gone, sizeof gone / sizeof *gone);
    sql_fill(out_sql, sql_commit_reconcile_back, back, sizeof back / sizeof *back);
    sql_fill(out_sql, sql_commit_missing, missing, sizeof missing / sizeof *missing);
}
