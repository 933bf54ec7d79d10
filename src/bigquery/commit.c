/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "job.h"
#include "notes.h"
#include "provenance.h"
#include "stage.h"
#include "table.h"

#define DAY_US INT64_C(86400000000)
#define RENEWED_DAYS                                                                                         \
    60 /* a record that is still rejected after so long is noted again; before it is too old */

static struct day days_ago(const struct bigquery *bq, int days)
{
    return day_add(day_of_utc(bq->now_us), -days);
}

struct day bigquery_rejected_since(const struct bigquery *bq)
{
    return days_ago(bq, REJECTED_DAYS);
}

/* "DATE '2026-03-01', DATE '2026-03-02'" */
static void list_days(const struct day *days, size_t count, struct buf *out)
{
    char text[DAY_TEXT];
    buf_init(out, LIMIT_SQL);
    for (size_t i = 0; i < count; i++) {
        day_format(days[i], text);
        buf_format(out, "%sDATE '%s'", i ? ", " : "", text);
    }
}

/* "'handling_events'" */
static void list_tables(const struct table *const *tables, size_t count, struct buf *out)
{
    buf_init(out, LIMIT_SQL);
    for (size_t i = 0; i < count; i++) {
        buf_text(out, i ? ", " : "");
        sql_literal(out, tables[i]->name);
    }
}

/* Where the rows that are compared begin; without a digest nowhere. */
static struct day held_from(const struct load *load, const struct commit *commit)
{
    if (commit->digest == 0) return day_of_civil(9999, 12, 31);
    return load->selection->stream->kind == STREAM_SCAN ? load->bq->settings.first_day : commit->unit.lo;
}

static void note_own_commit(const struct load *load, const struct commit *commit, int64_t alone_us)
{
    struct table_cache_entry *cached = table_cache_find(load->bq, load->selection->stream);
    if (cached) {
        cached->claimed_us = alone_us;
        cached->is_changed = true;
    }
    own_commits_note(load->bq->own_commits, stream_lock(load->selection->stream), commit->began_us, alone_us);
    if (!load->bq->ledger_streams) load->bq->ledger_streams = json_object();
    json_object_set_new(load->bq->ledger_streams, load->selection->stream->name, json_true());
}

/* A refusal may come from a table that somebody has changed, and that was taken as it is listed: it is
 * mended, or the error says what is wrong with it. */
static bool commit_again(struct load *load, const struct query_job *query, const struct error *refusal,
                         char id[JOB_ID], json_t **out_rows, struct error *err)
{
    struct bigquery *bq = load->bq;
    const struct table_cache_entry *cached = table_cache_find(bq, load->selection->stream);
    bool was_listed = refusal->kind == ERROR_REFUSED && cached && cached->is_listed;
    if (!was_listed) {
        *err = *refusal;
        return false;
    }
    table_cache_clear(bq);
    return tables_prepare(bq, load->selection, err) && job_query(bq, query, id, out_rows, err);
}

static json_t *commit_parameters(const struct load *load, const struct commit *commit)
{
    const struct bigquery *bq = load->bq;
    char began[INSTANT_TEXT], day_before[INSTANT_TEXT], alone_since[INSTANT_TEXT], name[32];
    json_t *parameters = json_array();
    parameter_add(parameters, "stream", "STRING", load->selection->stream->name);
    provenance_parameters(bq, parameters);
    parameter_add(parameters, "version", "STRING", bq->settings.version);
    parameter_add(parameters, "run_id", "STRING", commit->run_id);
    parameter_add(parameters, "message_id", "STRING", commit->message_id);
    parameter_add_day(parameters, "lo", commit->unit.lo);
    parameter_add_day(parameters, "hi", commit->unit.hi);
    parameter_add_day(parameters, "claim_hi", commit->unit.claim_hi);
    parameter_add(parameters, "open", "BOOL", commit->unit.open ? "true" : "false");
    instant_format(commit->began_us, began);
    parameter_add(parameters, "began_at", "TIMESTAMP", began);
    instant_format(
        own_commits_alone_us(bq->own_commits, stream_lock(load->selection->stream), commit->began_us),
        alone_since);
    parameter_add(parameters, "alone_since", "TIMESTAMP", alone_since);
    parameter_add_int(parameters, "fetched", commit->fetched);
    if (load->selection->stream->kind == STREAM_RECONCILE) {
        instant_format(commit->began_us - DAY_US, day_before);
        parameter_add(parameters, "day_before", "TIMESTAMP", day_before);
        parameter_add(parameters, "confirmed", "BOOL", commit->confirms_missing ? "true" : "false");
    }
    if (load->selection->stream->kind == STREAM_SCAN)
        parameter_add_day(parameters, "children_from", commit->children_from);
    for (size_t i = 0; i < load->selection->table_count; i++) {
        if (!load->stages[i].is_used) continue;
        snprintf(name, sizeof name, "staged_%zu", i);
        parameter_add_int(parameters, name, load->stages[i].rows);
    }
    if (load->stages[SQL_STAGE_REJECTED].is_used)
        parameter_add_int(parameters, "staged_rejected", load->stages[SQL_STAGE_REJECTED].rows);
    parameter_add_day(parameters, "rejected_since", bigquery_rejected_since(bq));
    parameter_add_day(parameters, "renewed_since", days_ago(bq, RENEWED_DAYS));
    parameter_add_int(parameters, "digest", commit->digest);
    parameter_add_day(parameters, "held_from", held_from(load, commit));
    parameter_add(parameters, "incomplete", "BOOL", commit->is_incomplete ? "true" : "false");
    return parameters;
}

static bool read_result(const struct load *load, const char *id, const json_t *rows, struct committed *out,
                        int64_t *out_alone_us, struct error *err)
{
    size_t count = load->selection->table_count;
    struct committed committed = {0};
    const json_t *row = json_array_get(rows, 0);
    bool good = json_array_size(rows) == 1;
    for (size_t i = 0; i < count; i++)
        good = good && cell_int(row, i, &committed.inserted[i]);
    good = good && cell_int(row, count, &committed.rejected) &&
           cell_int(row, count + 1, &committed.doubled) &&
           cell_int(row, count + 2, &committed.content_changes) &&
           cell_int(row, count + 3, &committed.compared) &&
           cell_int(row, count + 4, &committed.refused_contents);
    if (!good)
        return error_set(err, ERROR_FORMAT,
                         "BigQuery job %s is done, but returned no result, so we can't know whether it "
                         "committed. The unit "
                         "is loaded again, which never doubles rows",
                         id);
    if (!cell_int(row, count + 5, out_alone_us)) *out_alone_us = 0;
    *out = committed;
    return true;
}

static bool commit_rows(struct load *load, const struct commit *commit, const struct sql_claim *claim,
                        struct committed *out_committed, struct error *err)
{
    struct bigquery *bq = load->bq;
    struct sql_names names = bigquery_names(bq);
    const char *stages[LIMIT_TABLES + 1] = {NULL};
    if (!stage_finish(load, err)) return error_wrap(err, "staging of %s", load->selection->stream->name);
    if (api_stopped(bq, err)) return false;
    for (size_t i = 0; i <= LIMIT_TABLES; i++)
        if (load->stages[i].is_used) stages[i] = load->stages[i].table;
    AUTO(buf_done) struct buf sql = buf_limited(LIMIT_SQL);
    sql_commit(&names, load->selection, stages, claim, &sql);
    AUTO(json_drop) json_t *parameters = commit_parameters(load, commit);
    AUTO(mem_free)
    char *prefix = mem_format("caseload-commit-%s-%s", load->selection->stream->name, commit->run_id);
    char id[JOB_ID];
    const struct query_job query = {.prefix = prefix,
                                    .stream = load->selection->stream->name,
                                    .sql = &sql,
                                    .parameters = parameters,
                                    .where = "commit",
                                    .is_patient = true};
    int64_t alone_us = 0;
    table_cache_forget_times(bq, load->selection);
    AUTO(json_drop) json_t *rows = NULL;
    struct error refusal = {0};
    if (!job_query(bq, &query, id, &rows, &refusal) && !commit_again(load, &query, &refusal, id, &rows, err))
        return false;
    if (!read_result(load, id, rows, out_committed, &alone_us, err)) return false;
    note_own_commit(load, commit, alone_us);
    return true;
}

static bool commit_same(struct load *load, const struct commit *commit, const struct sql_claim *claim,
                        struct error *err)
{
    struct bigquery *bq = load->bq;
    struct sql_names names = bigquery_names(bq);
    char same_as[INSTANT_TEXT];
    AUTO(buf_done) struct buf sql = buf_limited(LIMIT_SQL);
    sql_commit_same_text(&names, load->selection, claim, &sql);
    AUTO(json_drop) json_t *parameters = commit_parameters(load, commit);
    instant_format(commit->same_as_us, same_as);
    parameter_add(parameters, "same_as", "TIMESTAMP", same_as);
    return notes_begin(bq, load->selection->stream, commit->run_id, &sql, parameters, err);
}

bool commit_run(struct load *load, const struct commit *commit, struct committed *out_committed,
                struct error *err)
{
    AUTO(buf_done) struct buf unclaimed = {0}, left_out = {0};
    list_days(commit->unclaimed, commit->unclaimed_count, &unclaimed);
    list_tables(commit->left_out, commit->left_out_count, &left_out);
    const struct table_cache_entry *cached = table_cache_find(load->bq, load->selection->stream);
    const struct sql_claim claim = {
        .unclaimed = commit->unclaimed_count ? buf_string(&unclaimed) : NULL,
        .left_out = commit->left_out_count ? buf_string(&left_out) : NULL,
        .mends_nothing = cached && cached->mends_nothing,
    };
    *out_committed = (struct committed){.rejected = 0};
    notes_await(load->bq, stream_lock(load->selection->stream));
    if (commit->same_as_us != 0 ? commit_same(load, commit, &claim, err)
                                : commit_rows(load, commit, &claim, out_committed, err))
        return true;
    table_cache_clear(load->bq); /* a table may have been dropped */
    return error_wrap(err, "commit of %s", load->selection->stream->name);
}
