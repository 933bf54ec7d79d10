/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bigquery_fixture.h"
#include "sandbox.h"
#include "staged_row.h"

static struct sandbox *sandbox;
static char base_url[64];
static int dataset_number;
static int64_t journal_mark; /* the number of an entry */

/* --- Streams --- */

static const struct column ticket_columns[] = {
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "updated_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "order", .type = COLUMN_STRING},
};
static const struct column wrong_columns[] = {
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "updated_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "order", .type = COLUMN_INT64},
};
static const struct column part_columns[] = {
    {.name = "ticket_id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "created_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "updated_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "redacted", .type = COLUMN_BOOL, .mode = COLUMN_REQUIRED},
};
static const char *const ticket_key[] = {"id"};
static const char *const part_key[] = {"ticket_id", "id", "updated_at", "redacted"};

#define TICKETS(column_list, columns_used)                                                                   \
    {                                                                                                        \
        .name = "tickets", .columns = (column_list), .column_count = (columns_used), .key = ticket_key,      \
        .key_count = 1, .version = "updated_at", .day = "updated_at", .keeps_contents = true                 \
    }

static const struct table parts = {.name = "parts",
                                   .columns = part_columns,
                                   .column_count = 5,
                                   .key = part_key,
                                   .key_count = 4,
                                   .version = "updated_at",
                                   .day = "created_at"};
static const struct table whole_ticket = TICKETS(ticket_columns, 3),
                          short_ticket = TICKETS(ticket_columns, 2), wrong_ticket = TICKETS(wrong_columns, 3);
static const struct stream tickets = {.name = "tickets", .kind = STREAM_INCREMENTAL, .table = &whole_ticket};
static const struct stream short_tickets = {.name = "tickets", .table = &short_ticket};
static const struct stream wrong_tickets = {.name = "tickets", .table = &wrong_ticket};
static const struct table gone_ticket = {.name = "gone_tickets",
                                         .columns = ticket_columns,
                                         .column_count = 2,
                                         .key = ticket_key,
                                         .key_count = 1,
                                         .version = "updated_at",
                                         .day = "updated_at"};
static const struct stream gone_tickets = {
    .name = "gone_tickets", .kind = STREAM_EVENT, .table = &gone_ticket, .lock = &whole_ticket};
const struct selection gone = {.stream = &gone_tickets, .tables = {&gone_ticket, &parts}, .table_count = 2};
const struct selection both = {.stream = &tickets, .tables = {&whole_ticket, &parts}, .table_count = 2};
const struct selection shorter = {.stream = &short_tickets, .tables = {&short_ticket}, .table_count = 1};
const struct selection wrong = {.stream = &wrong_tickets, .tables = {&wrong_ticket}, .table_count = 1};
static const struct source_identity ours = {.workspace = "w1", .type = "desk"};

/* --- One warehouse --- */

void must(bool good, const struct error *err)
{
    if (!good) fail_msg("%s", err->text);
}

struct bench bench_in(const char *dataset)
{
    struct bench bench = {0};
    struct error err = {0};
    bench.dataset = mem_text(dataset);
    bench.control = mem_format("%s_caseload", dataset);
    const struct http_settings http = {.user_agent = "caseload-test"};
    must(http_new(&http, &bench.http, &err), &err);
    const struct bigquery_settings settings = {.base_url = base_url,
                                               .project = "acme-data",
                                               .dataset = bench.dataset,
                                               .control_dataset = bench.control,
                                               .location = "EU",
                                               .timezone = "Etc/UTC",
                                               .version = "0.0.0",
                                               .temporary_directory = "/tmp",
                                               .http = bench.http};
    must(bigquery_new(&settings, &bench.warehouse, &err), &err);
    return bench;
}

static void mark_journal(void);

struct bench bench_new(void)
{
    char dataset[32];
    snprintf(dataset, sizeof dataset, "d%d", ++dataset_number);
    struct bench bench = bench_in(dataset);
    struct error err = {0};
    must(bigquery_check(bench.warehouse, &err), &err);
    mark_journal();
    return bench;
}

void bench_done(struct bench *bench)
{
    bench->warehouse->ops->free(bench->warehouse);
    http_free(bench->http);
    free(bench->dataset);
    free(bench->control);
}

/* --- The sandbox's side --- */

char *control_call(const char *method, const char *path, const char *body)
{
    struct error err = {0};
    struct http *http = NULL;
    struct http_reply reply;
    const struct http_settings settings = {.user_agent = "caseload-test"};
    must(http_new(&settings, &http, &err), &err);
    char *url = mem_format("%s/control/%s", base_url, path);
    const struct http_request request = {.method = method,
                                         .url = url,
                                         .body = body,
                                         .body_size = body ? strlen(body) : 0,
                                         .reply_limit = LIMIT_REPLY,
                                         .timeout_s = 30,
                                         .what = "control"};
    must(http_do(http, &request, &reply, &err), &err);
    if (reply.status != 200) fail_msg("%s: %d %s", path, reply.status, buf_string(&reply.body));
    char *text = buf_take(&reply.body, NULL);
    http_reply_done(&reply);
    http_free(http);
    free(url);
    return text ? text : mem_text("");
}

void fault(const char *line)
{
    free(control_call("DELETE", "faults", NULL));
    if (line) free(control_call("POST", "faults", line));
}

static char *control_sql(const char *sql)
{
    json_t *query = json_pack("{s:s, s:s}", "sql", sql, "project", "acme-data");
    char *body = json_dumps(query, 0);
    char *text = control_call("POST", "query", body);
    json_decref(query);
    free(body);
    return text;
}

int64_t ask(const char *format, ...)
{
    char sql[2048];
    va_list list;
    va_start(list, format);
    vsnprintf(sql, sizeof sql, format, list);
    va_end(list);
    char *text = control_sql(sql);
    struct error err = {0};
    json_t *answer = NULL;
    int64_t value = -1;
    must(json_read(text, strlen(text), NULL, &answer, &err), &err);
    if (!cell_int(json_array_get(json_object_get(answer, "rows"), 0), 0, &value))
        fail_msg("%s: %s", sql, text);
    json_decref(answer);
    free(text);
    return value;
}

void change(const char *format, ...)
{
    char sql[2048];
    va_list list;
    va_start(list, format);
    vsnprintf(sql, sizeof sql, format, list);
    va_end(list);
    free(control_sql(sql));
}

/* All rows of a data table: tables may insist on a filter. */
int64_t rows_in(const struct bench *bench, const char *table)
{
    return ask("SELECT COUNT(*) FROM `acme-data.%s.%s` WHERE partition_date >= DATE '0001-01-01'",
               bench->dataset, table);
}

char *journal_text(void)
{
    char path[64];
    snprintf(path, sizeof path, "journal?service=bigquery&after=%lld", (long long)journal_mark);
    return control_call("GET", path, NULL);
}

static void mark_journal(void)
{
    char *text = journal_text();
    for (const char *line = text; (line = strstr(line, "{\"n\":")) != NULL; line++)
        journal_mark = strtoll(line + 5, NULL, 10);
    free(text);
}

size_t journal_count(const char *text)
{
    char *journal = journal_text();
    size_t count = 0;
    for (const char *at = journal; (at = strstr(at, text)) != NULL; at++)
        count++;
    free(journal);
    return count;
}

/* --- Units of work --- */

struct day day(int n)
{
    return day_add(day_of_civil(2026, 2, 1), n - 1);
}

struct commit commit_of(int lo, int hi)
{
    return (struct commit){.unit = {.lo = day(lo), .hi = day(hi), .claim_hi = day(hi)},
                           .began_us = INT64_C(1770000000000000),
                           .run_id = "run-1",
                           .message_id = "m1",
                           .fetched = 3};
}

bool ticket(struct load *load, const char *id, int on, int sequence, struct error *err)
{
    char row[256];
    int size = snprintf(
        row, sizeof row,
        "{\"id\":\"%s\",\"updated_at\":\"2026-02-%02dT10:00:00Z\",\"order\":\"o%d\",\"partition_date\":"
        "\"2026-02-%02d\",\"_extra\":\"{\\\"a.b\\\":[1,67.174118]}\",\"_read_at\":\"2026-03-01T00:00:00Z\","
        "\"_seq\":%d}",
        id, on, sequence, on, sequence);
    return load->bq->warehouse.ops->write(load, 0, row, (size_t)size, err);
}

bool part(struct load *load, const char *id, int on, int sequence, struct error *err)
{
    char row[256];
    int size =
        snprintf(row, sizeof row,
                 "{\"ticket_id\":\"a\",\"redacted\":false,\"id\":\"%s\",\"created_at\":\"2026-02-%02dT09:00:"
                 "00Z\",\"updated_at\":"
                 "\"2026-02-20T10:00:00Z\",\"partition_date\":\"2026-02-%02d\",\"_read_at\":\"2026-03-01T00:"
                 "00:00Z\",\"_seq\":%d}",
                 id, on, on, sequence);
    return load->bq->warehouse.ops->write(load, 1, row, (size_t)size, err);
}

bool prepare(const struct bench *bench, const struct selection *selection, struct error *err)
{
    return bench->warehouse->ops->prepare(bench->warehouse, selection, &ours, err);
}

struct load *begin(const struct bench *bench, const struct selection *selection)
{
    struct error err = {0};
    struct load *load = NULL;
    must(bench->warehouse->ops->begin(bench->warehouse, selection, &load, &err), &err);
    return load;
}

bool try_rows(const struct bench *bench, const struct selection *selection, const struct row *rows,
              size_t count, const struct commit *commit, struct committed *out, struct error *err)
{
    const struct warehouse_ops *ops = bench->warehouse->ops;
    struct load *load = begin(bench, selection);
    for (size_t i = 0; i < count; i++) {
        char *row = staged_row_closed(selection->tables[rows[i].table], rows[i].json);
        must(ops->write(load, rows[i].table, row, strlen(row), err), err);
        free(row);
    }
    return ops->commit(load, commit, out, err);
}

struct committed put_rows(const struct bench *bench, const struct selection *selection,
                          const struct row *rows, size_t count, const struct commit *commit)
{
    struct error err = {0};
    struct committed committed = {0};
    must(prepare(bench, selection, &err), &err);
    must(try_rows(bench, selection, rows, count, commit, &committed, &err), &err);
    assert_int_equal(committed.doubled, 0);
    return committed;
}

void refresh(const struct bench *bench, const struct selection *selection)
{
    struct error err = {0};
    must(bench->warehouse->ops->refresh(bench->warehouse, selection, &err), &err);
}

/* Two tickets, one part older than the unit, one rejected record; days 3 to 5. */
bool load_unit(const struct bench *bench, struct committed *out, struct error *err)
{
    static const struct reject broken = {
        .id = "x", .reason = "no id", .record = "{\"id\":\"\xff\"}", .record_size = 9};
    const struct warehouse_ops *ops = bench->warehouse->ops;
    struct state state = {0};
    struct load *load = NULL;
    if (!ops->prepare(bench->warehouse, &both, &ours, err)) return false;
    if (!ops->state(bench->warehouse, &(const struct selection *){&both}, 1, "m1", &state, err)) return false;
    state_done(&state);
    if (!ops->begin(bench->warehouse, &both, &load, err)) return false;
    if (!ticket(load, "a", 3, 0, err) || !ticket(load, "b", 5, 1, err) || !part(load, "p", 1, 2, err) ||
        !ops->reject(load, &broken, err)) {
        ops->abort(load);
        return false;
    }
    struct commit commit = commit_of(3, 5);
    return ops->commit(load, &commit, out, err);
}

void assert_unit_once(const struct bench *bench)
{
    assert_int_equal(rows_in(bench, "tickets"), 2);
    assert_int_equal(rows_in(bench, "parts"), 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.rejected`", bench->control), 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.lock_tickets`", bench->control), 1);
}

int bench_start(void **unused)
{
    (void)unused;
    struct error err = {0};
    const struct sandbox_options options = {0};
    if (!sandbox_start(&options, &sandbox, &err)) {
        print_error("%s\n", err.text);
        return -1;
    }
    snprintf(base_url, sizeof base_url, "http://127.0.0.1:%d", sandbox_http_port(sandbox));
    return 0;
}

const char *bench_url(void)
{
    return base_url;
}

int bench_stop(void **unused)
{
    (void)unused;
    sandbox_stop(sandbox);
    return 0;
}
