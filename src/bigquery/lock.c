/* SPDX-License-Identifier: Apache-2.0 */
#include "lock.h"

#include <string.h>

#include "base/mem.h"
#include "job.h"
#include "provenance.h"
#include "table.h"

#define LOCK_ROUNDS  5
#define CELL_DOUBLED PROVENANCE_COUNT
#define LOCK_COLUMNS "workspace_id,source_type,timezone,dataset,doubled"

/* Streams of one lock are prepared one after another: they share a look at it. */
static bool read_rows(struct bigquery *bq, const char *name, json_t **out_rows, struct error *err)
{
    json_t *known = json_object_get(bq->lock_rows, name);
    *out_rows = json_incref(known);
    if (known) return true;
    if (!table_rows(bq, bq->settings.control_dataset, name, LOCK_COLUMNS, out_rows, err)) return false;
    if (!bq->lock_rows) bq->lock_rows = json_object();
    json_object_set(bq->lock_rows, name, *out_rows);
    return true;
}

bool lock_read(struct bigquery *bq, const struct stream *stream, struct lock_state *out_lock,
               struct error *err)
{
    AUTO(mem_free) char *name = mem_format("lock_%s", stream_lock(stream));
    AUTO(mem_free) char *what = mem_format("the lock row of %s", stream_lock(stream));
    AUTO(json_drop) json_t *rows = NULL;
    *out_lock = (struct lock_state){0};
    if (!read_rows(bq, name, &rows, err)) return false;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        int64_t doubled;
        const json_t *row = json_array_get(rows, i);
        if (!provenance_check_row(bq, row, what, err)) return false;
        out_lock->is_whole = json_array_size(rows) == 1 && provenance_row_matches(bq, row);
        if (cell_int(row, CELL_DOUBLED, &doubled) && doubled > out_lock->doubled) out_lock->doubled = doubled;
    }
    return true;
}

/* The job's id holds when the lock table last changed: workers that see the same table share one job. */
static bool make_row(struct bigquery *bq, const struct stream *stream, struct error *err)
{
    AUTO(mem_free) char *name = mem_format("lock_%s", stream_lock(stream));
    AUTO(json_drop) json_t *table = NULL;
    (void)json_object_del(bq->lock_rows, name);
    if (!table_get(bq, bq->settings.control_dataset, name, &table, err)) return false;
    struct sql_names names = bigquery_names(bq);
    AUTO(buf_done) struct buf sql = buf_limited(LIMIT_SQL);
    sql_lock_row_text(&names, stream, &sql);
    AUTO(json_drop) json_t *parameters = json_array();
    provenance_parameters(bq, parameters);
    AUTO(mem_free)
    char *prefix =
        mem_format("caseload-lock-%s-%s-%lld-%lld", bq->settings.control_dataset, stream_lock(stream),
                   (long long)json_int_at(table, "creationTime", 0), (long long)table_modified(table));
    char id[JOB_ID];
    const struct query_job query = {.prefix = prefix,
                                    .stream = stream->name,
                                    .counted_ids = true,
                                    .sql = &sql,
                                    .parameters = parameters,
                                    .where = "lock"};
    return job_query(bq, &query, id, NULL, err);
}

bool lock_ensure(struct bigquery *bq, const struct stream *stream, const struct lock_state *lock,
                 struct error *err)
{
    struct lock_state now = *lock;
    for (int round = 0; round < LOCK_ROUNDS; round++) {
        if (round > 0 && !lock_read(bq, stream, &now, err)) return false;
        if (now.is_whole) return true;
        /* The script does nothing where the ledger contradicts; then this says what does. */
        if (round > 0 && (!provenance_check_ledger(bq, err) || !api_sleep(bq, 100 << round, err)))
            return false;
        if (!make_row(bq, stream, err)) return false;
    }
    return error_set(err, ERROR_BUSY,
                     "the lock row of %s can't be made; does another program change the table lock_%s? The "
                     "next run tries again",
                     stream_lock(stream), stream_lock(stream));
}

static bool count_repeats(struct bigquery *bq, const struct table *table, int64_t *out_count,
                          struct error *err)
{
    struct sql_names names = bigquery_names(bq);
    AUTO(buf_done) struct buf sql = buf_limited(LIMIT_SQL);
    sql_repeats_text(&names, table, &sql);
    AUTO(json_drop) json_t *parameters = json_array();
    AUTO(json_drop) json_t *rows = NULL;
    if (!job_read(bq, &sql, parameters, &rows, err)) return false;
    return cell_int(json_array_get(rows, 0), 0, out_count) ||
           error_set(err, ERROR_FORMAT, "BigQuery's answer lacks the count of doubled rows in %s",
                     table->name);
}

static bool clear_alarm(struct bigquery *bq, const struct stream *stream, int64_t seen, struct error *err)
{
    json_drop(&bq->lock_rows);
    struct sql_names names = bigquery_names(bq);
    AUTO(buf_done) struct buf sql = buf_limited(LIMIT_SQL);
    sql_repeats_clear_text(&names, stream, &sql);
    AUTO(json_drop) json_t *parameters = json_array();
    parameter_add_int(parameters, "seen", seen);
    AUTO(mem_free) char *prefix = mem_format("caseload-deduplicated-%s", stream_lock(stream));
    char id[JOB_ID];
    const struct query_job query = {.prefix = prefix,
                                    .stream = stream->name,
                                    .sql = &sql,
                                    .parameters = parameters,
                                    .where = "deduplicated"};
    return job_query(bq, &query, id, NULL, err);
}

bool lock_check_doubled(struct bigquery *bq, const struct selection *kept, const struct lock_state *lock,
                        struct error *err)
{
    if (lock->doubled == 0) return true;
    for (size_t i = 0; i < kept->table_count; i++) {
        int64_t count = 0;
        if (!count_repeats(bq, kept->tables[i], &count, err)) return false;
        if (count == 0) continue;
        return error_set(err, ERROR_REFUSED,
                         "%lld rows of %s are there twice; nothing was fetched. The statement that `caseload "
                         "schema %s --deduplicate --config FILE` prints removes the second ones",
                         (long long)count, kept->tables[i]->name, kept->tables[i]->name);
    }
    /* Other streams of this lock do not see the table that raised the alarm: theirs are whole, and they go
     * on. */
    const struct stream *stream = kept->stream;
    bool is_owner = stream->kind != STREAM_RECONCILE && strcmp(stream_lock(stream), stream->table->name) == 0;
    return !is_owner || clear_alarm(bq, stream, lock->doubled, err);
}
