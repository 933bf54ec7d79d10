/* SPDX-License-Identifier: Apache-2.0 */
#include "questions.h"

#include <stdlib.h>
#include <string.h>

#include "attempts.h"
#include "job.h"
#include "listing.h"
#include "table.h"

#define VIEW           "status"
#define VIEW_MAX_AGE_S (26 * 3600)

#define NOT_FOUND 404

/* The tables of a dataset; none, if it does not exist yet. */
static bool read_tables(struct bigquery *bq, const char *dataset, json_t *listed, struct error *err)
{
    return listing_read_dataset(bq, dataset, listed, err) ||
           (err->status == NOT_FOUND && json_object_size(listed) == 0);
}

static bool has_all(const json_t *tables, const struct selection *selection)
{
    const struct selection kept = tables_kept(selection);
    for (size_t i = 0; i < kept.table_count; i++)
        if (!json_object_get(tables, kept.tables[i]->name)) return false;
    return true;
}

/* As of the run's own list, if it has made nothing since. */
static bool take_listed(const struct bigquery *bq, json_t *data, json_t *control)
{
    if (bq->new_count > 0 || !bq->listed[0] || !bq->listed[1]) return false;
    (void)json_object_update(data, bq->listed[0]);
    (void)json_object_update(control, bq->listed[1]);
    return true;
}

/* out_is_empty: nothing can be asked yet. */
static bool look_at_tables(struct bigquery *bq, struct sql_status *status, bool *out_is_empty,
                           struct error *err)
{
    AUTO(json_drop) json_t *data = json_object();
    AUTO(json_drop) json_t *control = json_object();
    if (!take_listed(bq, data, control) && (!read_tables(bq, bq->settings.dataset, data, err) ||
                                            !read_tables(bq, bq->settings.control_dataset, control, err)))
        return false;
    for (size_t i = 0; i < status->count; i++)
        status->has_tables[i] = has_all(data, &status->selections[i]);
    *out_is_empty = !json_object_get(control, "runs") || !json_object_get(control, "rejected") ||
                    !json_object_get(control, ATTEMPTS);
    return true;
}

static struct sql_status status_of(const struct bigquery *bq, int64_t max_age_s)
{
    return (struct sql_status){
        .selections = bq->settings.selections,
        .count = bq->settings.selection_count,
        .first_day = bq->settings.first_day,
        .start = bq->settings.start,
        .max_age_s = max_age_s,
    };
}

/* --- answers --- */

enum value_type { VALUE_TEXT, VALUE_INT, VALUE_INSTANT, VALUE_DAYS };

struct answer_column {
    const char *key;
    enum value_type type;
};

static const struct answer_column status_columns[] = {
    {"stream", VALUE_TEXT},      {"loaded_from", VALUE_TEXT},     {"loaded_to", VALUE_TEXT},
    {"missing", VALUE_INT},      {"missing_days", VALUE_DAYS},    {"newest_record_at", VALUE_INSTANT},
    {"fresh_at", VALUE_INSTANT}, {"attempted_at", VALUE_INSTANT}, {"outcome", VALUE_TEXT},
    {"error", VALUE_TEXT},       {"failures", VALUE_INT},         {"rejected", VALUE_INT},
    {"asked_at", VALUE_INSTANT}, {"state", VALUE_TEXT},
};
static const struct answer_column history_columns[] = {
    {"run_id", VALUE_TEXT},
    {"message_id", VALUE_TEXT},
    {"delivery_attempt", VALUE_INT},
    {"stream", VALUE_TEXT},
    {"from_date", VALUE_TEXT},
    {"to_date", VALUE_TEXT},
    {"outcome", VALUE_TEXT},
    {"error", VALUE_TEXT},
    {"units", VALUE_INT},
    {"requests", VALUE_INT},
    {"fetched", VALUE_INT},
    {"inserted", VALUE_INT},
    {"rejected", VALUE_INT},
    {"bytes", VALUE_INT},
    {"began_at", VALUE_INSTANT},
    {"ended_at", VALUE_INSTANT},
    {"caseload_version", VALUE_TEXT},
    {"host", VALUE_TEXT},
};
static const struct answer_column rejected_columns[] = {
    {"stream", VALUE_TEXT},         {"id", VALUE_TEXT},
    {"reason", VALUE_TEXT},         {"cause", VALUE_TEXT},
    {"rejected_at", VALUE_INSTANT}, {"from_date", VALUE_TEXT},
    {"to_date", VALUE_TEXT},        {"run_id", VALUE_TEXT},
    {"record", VALUE_TEXT},
};

static json_t *days_of(const json_t *row, size_t index)
{
    json_t *days = json_array();
    const json_t *cell = json_object_get(json_array_get(json_object_get(row, "f"), index), "v");
    for (size_t i = 0; i < json_array_size(cell); i++) {
        const char *day = json_text_at(json_array_get(cell, i), "v");
        if (day) json_array_append_new(days, json_string(day));
    }
    return days;
}

static json_t *value_of(const json_t *row, size_t index, enum value_type type)
{
    int64_t number;
    char text[INSTANT_TEXT];
    const char *cell = cell_text(row, index);
    switch (type) {
    case VALUE_DAYS: return days_of(row, index);
    case VALUE_TEXT: return cell ? json_string(cell) : json_null();
    case VALUE_INT: return cell_int(row, index, &number) ? json_integer(number) : json_null();
    case VALUE_INSTANT:
        if (!cell_int(row, index, &number)) return json_null();
        instant_format(number, text);
        return json_string(text);
    }
    abort();
}

static json_t *rows_of(const json_t *rows, const struct answer_column *columns, size_t count)
{
    json_t *out = json_array();
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_object();
        for (size_t k = 0; k < count; k++)
            json_object_set_new(row, columns[k].key, value_of(json_array_get(rows, i), k, columns[k].type));
        json_array_append_new(out, row);
    }
    return out;
}

#define COLUMNS(columns) columns, sizeof(columns) / sizeof *(columns)

/* --- status --- */

static json_t *never_loaded(const struct sql_status *status)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < status->count; i++) {
        json_t *row = json_object();
        for (size_t k = 0; k < sizeof status_columns / sizeof *status_columns; k++)
            json_object_set_new(row, status_columns[k].key,
                                status_columns[k].type == VALUE_INT    ? json_integer(0)
                                : status_columns[k].type == VALUE_DAYS ? json_array()
                                                                       : json_null());
        json_object_set_new(row, "stream", json_string(status->selections[i].stream->name));
        json_object_set_new(row, "state", json_string("never loaded"));
        json_array_append_new(rows, row);
    }
    return rows;
}

static bool ask_status(struct bigquery *bq, const struct question *question, json_t **out_rows,
                       struct error *err)
{
    struct sql_names names = bigquery_names(bq);
    struct sql_status status = status_of(bq, question->max_age_s);
    AUTO(buf_done) struct buf sql = buf_limited(LIMIT_SQL);
    AUTO(json_drop) json_t *rows = NULL;
    AUTO(json_drop) json_t *parameters = json_array();
    bool is_empty = true;
    if (!look_at_tables(bq, &status, &is_empty, err)) return false;
    if (is_empty) {
        *out_rows = never_loaded(&status);
        return true;
    }
    sql_status_text(&names, &status, &sql);
    if (!job_read(bq, &sql, parameters, &rows, err)) return false;
    *out_rows = rows_of(rows, COLUMNS(status_columns));
    return true;
}

bool questions_put_view(struct bigquery *bq, struct error *err)
{
    struct sql_names names = bigquery_names(bq);
    struct sql_status status = status_of(bq, VIEW_MAX_AGE_S);
    AUTO(buf_done) struct buf sql = buf_limited(LIMIT_VIEW);
    AUTO(json_drop) json_t *have = NULL;
    bool is_empty = true;
    if (!look_at_tables(bq, &status, &is_empty, err) ||
        !table_get(bq, bq->settings.control_dataset, VIEW, &have, err))
        return false;
    if (is_empty || (have && !table_is_ours(have))) return true;
    sql_status_text(&names, &status, &sql);
    return latest_put_view(bq, bq->settings.control_dataset, VIEW, have,
                           "How fresh and how whole each stream is, as caseload status prints it", &sql, err);
}

/* --- the others --- */

static json_t *parameters_of(const struct question *question)
{
    json_t *parameters = json_array();
    parameter_add(parameters, "stream", "STRING", question->stream ? question->stream : "");
    parameter_add(parameters, "id", "STRING", question->id ? question->id : "");
    return parameters;
}

static bool ask_history(struct bigquery *bq, const struct question *question, json_t **out_rows,
                        struct error *err)
{
    struct sql_names names = bigquery_names(bq);
    AUTO(buf_done) struct buf sql = buf_limited(LIMIT_SQL);
    AUTO(json_drop) json_t *rows = NULL;
    AUTO(json_drop) json_t *parameters = parameters_of(question);
    parameter_add(parameters, "failed_only", "BOOL", question->failed_only ? "true" : "false");
    sql_history_text(&names, question->limit, &sql);
    if (!job_read(bq, &sql, parameters, &rows, err)) return false;
    *out_rows = rows_of(rows, COLUMNS(history_columns));
    return true;
}

static bool ask_rejected(struct bigquery *bq, const struct question *question, json_t **out_rows,
                         struct error *err)
{
    struct sql_names names = bigquery_names(bq);
    AUTO(buf_done) struct buf sql = buf_limited(LIMIT_SQL);
    AUTO(json_drop) json_t *rows = NULL;
    AUTO(json_drop) json_t *parameters = parameters_of(question);
    int64_t now_us;
    if (!bigquery_now(bq, &now_us, err)) return false;
    parameter_add_day(parameters, "since",
                      question->has_since ? question->since : bigquery_rejected_since(bq));
    sql_rejects_text(&names, question->kind == QUESTION_RECORD, question->limit, &sql);
    if (!job_read(bq, &sql, parameters, &rows, err)) return false;
    *out_rows = rows_of(rows, COLUMNS(rejected_columns));
    return true;
}

/* Before the first run there is nothing to tell. */
static bool has_control_table(struct bigquery *bq, const char *table, bool *out_has, struct error *err)
{
    AUTO(json_drop) json_t *resource = NULL;
    if (!table_get(bq, bq->settings.control_dataset, table, &resource, err)) return false;
    *out_has = resource != NULL;
    return true;
}

bool questions_ask(struct bigquery *bq, const struct question *question, json_t **out_rows, struct error *err)
{
    bool is_of_records = question->kind == QUESTION_REJECTED || question->kind == QUESTION_RECORD, is_there;
    if (question->kind != QUESTION_STATUS) {
        if (!has_control_table(bq, is_of_records ? "rejected" : ATTEMPTS, &is_there, err)) return false;
        if (!is_there) *out_rows = json_array();
        if (!is_there) return true;
    }
    switch (question->kind) {
    case QUESTION_STATUS: return ask_status(bq, question, out_rows, err);
    case QUESTION_HISTORY:
    case QUESTION_RUN: return ask_history(bq, question, out_rows, err);
    case QUESTION_REJECTED:
    case QUESTION_RECORD: return ask_rejected(bq, question, out_rows, err);
    }
    abort();
}

bool questions_mend(struct bigquery *bq, const struct stream *stream, int64_t *out_count, struct error *err)
{
    struct sql_names names = bigquery_names(bq);
    char id[JOB_ID];
    AUTO(buf_done) struct buf sql = buf_limited(LIMIT_SQL);
    AUTO(json_drop) json_t *rows = NULL;
    AUTO(json_drop) json_t *parameters = json_array();
    int64_t now_us;
    if (!bigquery_now(bq, &now_us, err)) return false;
    parameter_add(parameters, "stream", "STRING", stream->name);
    parameter_add_day(parameters, "since", bigquery_rejected_since(bq));
    sql_mend_text(&names, stream->table, &sql);
    const struct query_job query = {
        .prefix = "caseload-mend", .sql = &sql, .parameters = parameters, .where = "mend"};
    if (!job_query(bq, &query, id, &rows, err)) return false;
    return cell_int(json_array_get(rows, 0), 0, out_count) ||
           error_set(err, ERROR_FORMAT, "BigQuery's answer lacks the count of mended records");
}
