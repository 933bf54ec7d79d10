/* SPDX-License-Identifier: Apache-2.0 */
/* missing.c - the records that the list of a reconciliation lacks. */
#include <stdlib.h>

#include "base/mem.h"
#include "job.h"
#include "stage.h"
#include "table.h"

static bool read_rows(const json_t *rows, struct missing *out, struct error *err)
{
    size_t count = json_array_size(rows);
    bool good = true;
    out->ids = mem_zero(count + 1, sizeof *out->ids);
    for (size_t i = 0; i < count && good; i++) {
        const json_t *row = json_array_get(rows, i);
        const char *id = cell_text(row, 0);
        good = id && cell_int(row, 1, &out->total) && cell_int(row, 2, &out->alive);
        if (good) out->ids[out->count++] = mem_text(id);
    }
    return good ||
           error_set(err, ERROR_FORMAT, "BigQuery's answer on missing records has rows without an id");
}

bool missing_read(struct load *load, int64_t began_us, int64_t ceiling, struct missing *out_missing,
                  struct error *err)
{
    struct bigquery *bq = load->bq;
    const struct stream *stream = load->selection->stream;
    struct sql_names names = bigquery_names(bq);
    struct missing missing = {0};
    char began[INSTANT_TEXT];
    const struct stage *list = &load->stages[RECONCILE_LIST]; /* all its records may be rejected */
    if (list->is_used && !stage_finish_table(load, RECONCILE_LIST, err))
        return error_wrap(err, "staging of %s", stream->name);
    AUTO(buf_done) struct buf sql = {0};
    buf_init(&sql, LIMIT_SQL);
    sql_missing_text(&names, stream, list->is_used ? list->table : NULL, ceiling, &sql);
    AUTO(json_drop) json_t *parameters = json_array();
    parameter_add(parameters, "stream", "STRING", stream->name);
    instant_format(began_us, began);
    parameter_add(parameters, "began_at", "TIMESTAMP", began);
    AUTO(json_drop) json_t *rows = NULL;
    if (job_read(bq, &sql, parameters, &rows, err) && read_rows(rows, &missing, err)) {
        *out_missing = missing;
        return true;
    }
    missing_done(&missing);
    table_cache_clear(bq); /* a table may have been dropped */
    return error_wrap(err, "missing records of %s", stream->name);
}
