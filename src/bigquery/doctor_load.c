/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_load.c - the rows that the checks load, through the warehouse port. */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "core/rows.h"
#include "doctor_checks.h"
#include "stage.h"

#define ROWS      40 /* of each table, on two days */
#define FIRST_DAY day_of_civil(2026, 1, 1)
#define SQL_SIZE  2048

static const struct column columns[] = {
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "updated_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "batch", .type = COLUMN_STRING},
    {.name = "numbers", .type = COLUMN_JSON},
    {.name = "filler", .type = COLUMN_STRING},
};
static const char *const key[] = {"id"};

#define TABLE(table_name)                                                                                    \
    {                                                                                                        \
        .name = (table_name), .description = "A check of caseload", .columns = columns,                      \
        .column_count = sizeof columns / sizeof *columns, .key = key, .key_count = 1,                        \
        .version = "updated_at", .day = "updated_at", .keeps_contents = true                                 \
    }

const struct table doctor_tables[LIMIT_TABLES] = {TABLE("checks"),   TABLE("checks_b"), TABLE("checks_c"),
                                                  TABLE("checks_d"), TABLE("checks_e"), TABLE("checks_f")};
static const struct child children[] = {{&doctor_tables[1], CHILD_ALWAYS}};
static const struct stream stream = {.name = "checks",
                                     .kind = STREAM_INCREMENTAL,
                                     .table = &doctor_tables[0],
                                     .children = children,
                                     .child_count = DOCTOR_TABLES - 1,
                                     .by_default = true};
static const struct selection selection = {
    .stream = &stream, .tables = {&doctor_tables[0], &doctor_tables[1]}, .table_count = DOCTOR_TABLES};
const struct selection doctor_all_tables = {.stream = &stream,
                                            .tables = {&doctor_tables[0], &doctor_tables[1],
                                                       &doctor_tables[2], &doctor_tables[3],
                                                       &doctor_tables[4], &doctor_tables[5]},
                                            .table_count = LIMIT_TABLES};
static const struct source_identity identity = {.workspace = "doctor", .type = "doctor"};

bool doctor_prepare(struct doctor_warehouse *warehouse, struct error *err)
{
    struct warehouse *port = &warehouse->bq->warehouse;
    return port->ops->prepare(port, &selection, &identity, err);
}

bool doctor_read_state(struct doctor *doctor, struct error *err)
{
    struct warehouse *port = &doctor->main.bq->warehouse;
    const struct selection *wanted = &selection;
    struct state state = {0};
    if (!port->ops->state(port, &wanted, 1, "", &state, err)) return false;
    doctor->began_us = state.now_us;
    state_done(&state);
    return true;
}

bool doctor_write(const struct doctor *doctor, struct load *load, const char *batch, int64_t n, size_t table,
                  struct error *err)
{
    char day[DAY_TEXT];
    day_format(day_add(FIRST_DAY, (int)(n % 2)), day);
    AUTO(mem_free)
    char *text =
        mem_format("{\"id\": \"%s-%" PRId64
                   "\", \"batch\": \"%s\", \"updated_at\": \"%sT12:00:00Z\", \"numbers\": " DOCTOR_NUMBERS
                   ", \"filler\": \"%0100d\"}",
                   batch, n, batch, day, 0);
    AUTO(value_drop) struct json_value *record = NULL;
    AUTO(buf_done) struct buf row = buf_limited(LIMIT_ROW);
    struct row_facts facts;
    if (!value_read(text, strlen(text), false, NULL, &record, err)) return false;
    const struct row_context context = {.zone = doctor->zone,
                                        .today = day_add(FIRST_DAY, 1),
                                        .sequence = n,
                                        .read_us = doctor->began_us,
                                        .content = record};
    if (row_build(&doctor_tables[table], record, &context, &row, &facts) != ROW_BUILT)
        return error_set(err, ERROR_FORMAT, "the check's own row is rejected: %s", facts.problem);
    return load->bq->warehouse.ops->write(load, table, row.data, row.size, err);
}

bool doctor_stage(struct doctor *doctor, struct doctor_warehouse *warehouse, const char *batch,
                  struct load **out_load, struct error *err)
{
    struct warehouse *port = &warehouse->bq->warehouse;
    struct load *load = NULL;
    if (!port->ops->begin(port, &selection, &load, err)) return false;
    for (size_t table = 0; table < DOCTOR_TABLES; table++)
        for (int64_t n = 0; n < ROWS; n++)
            if (!doctor_write(doctor, load, batch, n, table, err)) {
                port->ops->abort(load);
                return false;
            }
    doctor->tables_loaded += DOCTOR_TABLES;
    *out_load = load;
    return true;
}

bool doctor_commit(const struct doctor *doctor, struct doctor_warehouse *warehouse, struct load *load,
                   struct committed *out_committed, struct error *err)
{
    char run_id[RANDOM_NAME];
    random_name(run_id);
    const struct commit commit = {
        .unit = {.lo = FIRST_DAY, .hi = day_add(FIRST_DAY, 1), .claim_hi = day_add(FIRST_DAY, 1)},
        .began_us = doctor->began_us,
        .run_id = run_id,
        .message_id = "",
        .fetched = ROWS};
    return warehouse->bq->warehouse.ops->commit(load, &commit, out_committed, err);
}

bool doctor_count(struct doctor *doctor, const char *batch, int64_t *out_rows, int64_t *out_keys,
                  struct error *err)
{
    AUTO(buf_done) struct buf sql = buf_limited(SQL_SIZE);
    AUTO(json_drop) json_t *parameters = json_array();
    AUTO(json_drop) json_t *rows = NULL;
    buf_text(&sql, "SELECT COUNT(*), COUNT(DISTINCT CONCAT(name, id)) FROM (");
    for (size_t i = 0; i < DOCTOR_TABLES; i++)
        buf_format(&sql, "%sSELECT '%s' AS name, id, batch FROM `%s.%s.%s`", i ? " UNION ALL " : "",
                   doctor_tables[i].name, doctor->settings->bigquery->project, doctor->dataset,
                   doctor_tables[i].name);
    buf_text(&sql, ") WHERE batch = @batch");
    parameter_add(parameters, "batch", "STRING", batch);
    if (!job_read(doctor->main.bq, &sql, parameters, &rows, err)) return false;
    return (cell_int(json_array_get(rows, 0), 0, out_rows) &&
            cell_int(json_array_get(rows, 0), 1, out_keys)) ||
           error_set(err, ERROR_FORMAT, "BigQuery's answer lacks a count");
}

bool doctor_are_once(struct doctor *doctor, const char *batch, char *out_found, size_t size,
                     struct error *err)
{
    int64_t rows = 0, keys = 0, wanted = ROWS * DOCTOR_TABLES;
    size_t used = strlen(out_found);
    if (!doctor_count(doctor, batch, &rows, &keys, err)) return false;
    (void)snprintf(out_found + used, size - used,
                   "; %" PRId64 " rows of %" PRId64 ", %" PRId64 " of them twice", rows, wanted, rows - keys);
    return rows == wanted && keys == wanted;
}
