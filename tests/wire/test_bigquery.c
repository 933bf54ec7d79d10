/* test_bigquery.c - the warehouse port against the sandbox's BigQuery, over real connections.
 *
 * Each test has a dataset of its own in one sandbox. Rows are counted by the sandbox's SQL, not by ours.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/bigquery/internal.h" /* one test spoils a load from inside */
#include "base/mem.h"
#include "base/zone.h"
#include "sandbox.h"

#define TORTURE_LIMIT 60

static struct sandbox *sandbox;
static char base_url[64];
static int dataset_number;

/* --- Streams --- */

static const struct column talk_columns[] = {
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
    {.name = "talk_id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "created_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "updated_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
};
static const char *const talk_key[] = {"id"};
static const char *const part_key[] = {"talk_id", "id", "updated_at"};

#define TALKS(column_list, columns_used)                                                                     \
    {                                                                                                        \
        .name = "talks", .columns = (column_list), .column_count = (columns_used), .key = talk_key,          \
        .key_count = 1, .version = "updated_at", .day = "updated_at"                                         \
    }

static const struct table parts = {.name = "parts",
                                   .columns = part_columns,
                                   .column_count = 4,
                                   .key = part_key,
                                   .key_count = 3,
                                   .version = "updated_at",
                                   .day = "created_at"};
static const struct stream talks = {
    .name = "talks", .kind = STREAM_INCREMENTAL, .table = TALKS(talk_columns, 3)};
static const struct stream short_talks = {.name = "talks", .table = TALKS(talk_columns, 2)};
static const struct stream wrong_talks = {.name = "talks", .table = TALKS(wrong_columns, 3)};
static const struct selection both = {.stream = &talks, .tables = {&talks.table, &parts}, .table_count = 2};
static const struct selection shorter = {
    .stream = &short_talks, .tables = {&short_talks.table}, .table_count = 1};
static const struct selection wrong = {
    .stream = &wrong_talks, .tables = {&wrong_talks.table}, .table_count = 1};
static const struct source_identity ours = {.workspace = "w1", .type = "desk"};

/* --- One warehouse --- */

struct bench {
    struct http *http;
    struct warehouse *warehouse;
    char *dataset, *control;
};

static void must(bool good, const struct error *err)
{
    if (!good) fail_msg("%s", err->text);
}

static struct bench bench_in(const char *dataset)
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
                                               .http = bench.http};
    must(bigquery_new(&settings, &bench.warehouse, &err), &err);
    return bench;
}

static struct bench bench_new(void)
{
    char dataset[32];
    snprintf(dataset, sizeof dataset, "d%d", ++dataset_number);
    struct bench bench = bench_in(dataset);
    struct error err = {0};
    must(bigquery_check(bench.warehouse, &err), &err);
    return bench;
}

static void bench_done(struct bench *bench)
{
    bench->warehouse->ops->free(bench->warehouse);
    http_free(bench->http);
    free(bench->dataset);
    free(bench->control);
}

/* --- The sandbox's side --- */

static char *control_call(const char *method, const char *path, const char *body)
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

static void fault(const char *line)
{
    free(control_call("DELETE", "faults", NULL));
    if (line) free(control_call("POST", "faults", line));
}

/* The first cell of the first row, as a number. */
static int64_t PRINTF(1, 2) ask(const char *format, ...)
{
    char sql[1024];
    va_list list;
    va_start(list, format);
    vsnprintf(sql, sizeof sql, format, list);
    va_end(list);
    json_t *query = json_pack("{s:s, s:s}", "sql", sql, "project", "acme-data");
    char *body = json_dumps(query, 0);
    char *text = control_call("POST", "query", body);
    struct error err = {0};
    json_t *answer = NULL;
    int64_t value = -1;
    must(json_read(text, strlen(text), NULL, &answer, &err), &err);
    if (!cell_int(json_array_get(json_object_get(answer, "rows"), 0), 0, &value))
        fail_msg("%s: %s", sql, text);
    json_decref(answer);
    json_decref(query);
    free(body);
    free(text);
    return value;
}

/* All rows of a data table: tables may insist on a filter. */
static int64_t rows_in(const struct bench *bench, const char *table)
{
    return ask("SELECT COUNT(*) FROM `acme-data.%s.%s` WHERE partition_date >= DATE '0001-01-01'",
               bench->dataset, table);
}

static size_t journal_count(const char *operation)
{
    char *text = control_call("GET", "journal?service=bigquery", NULL), quoted[64];
    size_t count = 0;
    snprintf(quoted, sizeof quoted, "\"%s\"", operation);
    for (const char *at = text; (at = strstr(at, quoted)) != NULL; at++)
        count++;
    free(text);
    return count;
}

/* --- Units of work --- */

static struct day day(int n)
{
    return day_add(day_of_civil(2026, 2, 1), n - 1);
}

static struct commit commit_of(int lo, int hi)
{
    return (struct commit){.unit = {.lo = day(lo), .hi = day(hi), .claim_hi = day(hi)},
                           .began_us = INT64_C(1770000000000000),
                           .run_id = "run-1",
                           .message_id = "m1",
                           .fetched = 3};
}

static bool talk(struct load *load, const char *id, int on, int sequence, struct error *err)
{
    char row[256];
    int size = snprintf(
        row, sizeof row,
        "{\"id\":\"%s\",\"updated_at\":\"2026-02-%02dT10:00:00Z\",\"order\":\"o%d\",\"partition_date\":"
        "\"2026-02-%02d\",\"_extra\":{\"a.b\":[1,\"x\"]},\"_seq\":%d}",
        id, on, sequence, on, sequence);
    return load->bq->warehouse.ops->write(load, 0, row, (size_t)size, err);
}

static bool part(struct load *load, const char *id, int on, int sequence, struct error *err)
{
    char row[256];
    int size =
        snprintf(row, sizeof row,
                 "{\"talk_id\":\"a\",\"id\":\"%s\",\"created_at\":\"2026-02-%02dT09:00:00Z\",\"updated_at\":"
                 "\"2026-02-20T10:00:00Z\",\"partition_date\":\"2026-02-%02d\",\"_seq\":%d}",
                 id, on, on, sequence);
    return load->bq->warehouse.ops->write(load, 1, row, (size_t)size, err);
}

static bool prepare(const struct bench *bench, const struct selection *selection, struct error *err)
{
    return bench->warehouse->ops->prepare(bench->warehouse, selection, &ours, err);
}

static struct load *begin(const struct bench *bench, const struct selection *selection)
{
    struct error err = {0};
    struct load *load = NULL;
    must(bench->warehouse->ops->begin(bench->warehouse, selection, &load, &err), &err);
    return load;
}

/* Two talks, one part older than the unit, one rejected record; days 3 to 5. */
static bool load_unit(const struct bench *bench, struct committed *out, struct error *err)
{
    static const struct reject broken = {
        .id = "x", .reason = "no id", .record = "{\"id\":\"\xff\"}", .record_size = 9};
    const struct warehouse_ops *ops = bench->warehouse->ops;
    struct state state = {0};
    struct load *load = NULL;
    if (!ops->prepare(bench->warehouse, &both, &ours, err)) return false;
    if (!ops->state(bench->warehouse, &both, "m1", &state, err)) return false;
    state_done(&state);
    if (!ops->begin(bench->warehouse, &both, &load, err)) return false;
    if (!talk(load, "a", 3, 0, err) || !talk(load, "b", 5, 1, err) || !part(load, "p", 1, 2, err) ||
        !ops->reject(load, &broken, err)) {
        ops->abort(load);
        return false;
    }
    struct commit commit = commit_of(3, 5);
    return ops->commit(load, &commit, out, err);
}

static void assert_unit_once(const struct bench *bench)
{
    assert_int_equal(rows_in(bench, "talks"), 2);
    assert_int_equal(rows_in(bench, "parts"), 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.rejected`", bench->control), 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.lock_talks`", bench->control), 1);
}

/* --- Tests --- */

static void prepare_makes_everything_once(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct bench bench = bench_new();
    must(prepare(&bench, &both, &err), &err);
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.talks_latest`", bench.dataset), 0);
    assert_int_equal(
        ask("SELECT COUNT(*) FROM `acme-data.%s.lock_talks` WHERE workspace_id = 'w1'", bench.control), 1);
    size_t tables = journal_count("tables.insert"), jobs = journal_count("jobs.insert");
    must(prepare(&bench, &both, &err), &err);
    struct bench other = bench_in(bench.dataset);
    must(bigquery_check(other.warehouse, &err), &err);
    must(prepare(&other, &both, &err), &err);
    assert_int_equal(journal_count("tables.insert"), tables);
    assert_int_equal(journal_count("jobs.insert"), jobs);
    assert_int_equal(journal_count("tables.patch"), 0);
    bench_done(&other);
    bench_done(&bench);
}

static void columns_are_added_but_not_changed(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct bench bench = bench_new();
    must(prepare(&bench, &shorter, &err), &err);
    must(prepare(&bench, &both, &err), &err);
    assert_int_equal(
        ask("SELECT COUNT(`order`) FROM `acme-data.%s.talks` WHERE partition_date >= DATE '0001-01-01'",
            bench.dataset),
        0);
    assert_false(prepare(&bench, &wrong, &err));
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_non_null(strstr(err.text, "column order is STRING"));
    bench_done(&bench);
}

static void a_dataset_elsewhere_is_refused(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct bench bench = bench_new();
    struct bigquery *bq = (struct bigquery *)bench.warehouse;
    bq->settings.location = "US";
    assert_false(bigquery_check(bench.warehouse, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.text, "\"EU\""));
    bench_done(&bench);
}

static void a_unit_twice_is_there_once(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed first = {0}, second = {0};
    struct bench bench = bench_new();
    must(load_unit(&bench, &first, &err), &err);
    must(load_unit(&bench, &second, &err), &err);
    assert_int_equal(first.inserted[0], 2);
    assert_int_equal(first.inserted[1], 1);
    assert_int_equal(first.rejected, 1);
    assert_int_equal(first.doubled, 0);
    assert_int_equal(second.inserted[0] + second.inserted[1] + second.rejected + second.doubled, 0);
    assert_unit_once(&bench);
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.runs`", bench.control), 2);
    assert_int_equal(ask("SELECT SUM(inserted) FROM `acme-data.%s.runs`", bench.control), 3);
    bench_done(&bench);
}

static void the_last_of_a_batch_wins(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed committed = {0};
    struct bench bench = bench_new();
    must(prepare(&bench, &both, &err), &err);
    struct load *load = begin(&bench, &both);
    for (int i = 0; i < 3; i++)
        must(talk(load, "a", 3, i, &err), &err);
    struct commit commit = commit_of(3, 3);
    must(bench.warehouse->ops->commit(load, &commit, &committed, &err), &err);
    assert_int_equal(committed.inserted[0], 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.talks` WHERE partition_date = DATE '2026-02-03' "
                         "AND `order` = 'o2'",
                         bench.dataset),
                     1);
    bench_done(&bench);
}

static void state_tells_what_was_committed(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed committed = {0};
    struct state state = {0};
    struct bench bench = bench_new();
    must(prepare(&bench, &both, &err), &err);
    must(bench.warehouse->ops->state(bench.warehouse, &both, "m1", &state, &err), &err);
    assert_int_equal(state.day_count, 0);
    assert_false(state.any_open_run);
    assert_true(state.now_us >= state.created_us && state.created_us > 0);
    state_done(&state);
    must(load_unit(&bench, &committed, &err), &err);
    struct commit open = commit_of(6, 7);
    open.unit.open = true;
    open.unit.claim_hi = day(5);
    open.message_id = "m2";
    struct load *load = begin(&bench, &both);
    must(talk(load, "c", 9, 0, &err), &err);
    must(bench.warehouse->ops->commit(load, &open, &committed, &err), &err);
    must(bench.warehouse->ops->state(bench.warehouse, &both, "m1", &state, &err), &err);
    assert_int_equal(state.day_count, 4);
    static const int64_t held[] = {1, 0, 1};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(state.days[i].day.n, day(3 + (int)i).n);
        assert_int_equal(state.days[i].held, held[i]);
        assert_true(state.days[i].newest.any && state.days[i].own.any);
        assert_int_equal(state.days[i].newest.rows, held[i]);
        assert_int_equal(state.days[i].newest.began_us, INT64_C(1770000000000000));
        assert_true(state.days[i].newest.committed_us > state.created_us);
    }
    assert_int_equal(state.days[3].day.n, day(9).n);
    assert_int_equal(state.days[3].held, 1);
    assert_false(state.days[3].newest.any);
    assert_true(state.any_open_run);
    assert_int_equal(state.open_run_us, INT64_C(1770000000000000));
    state_done(&state);
    must(bench.warehouse->ops->state(bench.warehouse, &both, "m3", &state, &err), &err);
    assert_false(state.days[0].own.any);
    state_done(&state);
    bench_done(&bench);
}

/* The commit is refused, and nothing of it is there. */
static void assert_refused(const struct bench *bench, struct load *load, const char *text)
{
    struct error err = {0};
    struct committed committed = {0};
    struct commit commit = commit_of(3, 3);
    assert_false(bench->warehouse->ops->commit(load, &commit, &committed, &err));
    assert_int_equal(err.kind, ERROR_REFUSED);
    if (!strstr(err.text, text)) fail_msg("not about \"%s\": %s", text, err.text);
    assert_int_equal(rows_in(bench, "talks"), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.runs`", bench->control), 0);
}

static void a_foreign_workspace_is_refused(void **unused)
{
    (void)unused;
    static const struct source_identity theirs = {.workspace = "w2", .type = "desk"};
    struct error err = {0};
    struct bench bench = bench_new();
    must(prepare(&bench, &both, &err), &err);
    must(bench.warehouse->ops->prepare(bench.warehouse, &both, &theirs, &err), &err);
    struct load *load = begin(&bench, &both);
    must(talk(load, "a", 3, 0, &err), &err);
    assert_refused(&bench, load, "of another workspace");
    bench_done(&bench);
}

static void a_wrong_count_is_refused(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct bench bench = bench_new();
    must(prepare(&bench, &both, &err), &err);
    struct load *load = begin(&bench, &both);
    must(talk(load, "a", 3, 0, &err), &err);
    load->stages[0].rows++;
    assert_refused(&bench, load, "staged row count differs");
    bench_done(&bench);
}

static void a_row_outside_its_unit_is_refused(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct bench bench = bench_new();
    must(prepare(&bench, &both, &err), &err);
    struct load *load = begin(&bench, &both);
    must(talk(load, "a", 4, 0, &err), &err);
    assert_refused(&bench, load, "outside its unit");
    bench_done(&bench);
}

static void a_row_that_does_not_fit_is_named(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed committed = {0};
    struct bench bench = bench_new();
    must(prepare(&bench, &both, &err), &err);
    struct load *load = begin(&bench, &both);
    static const char row[] =
        "{\"id\":\"a\",\"updated_at\":\"yesterday\",\"partition_date\":\"2026-02-03\",\"_seq\":0}";
    must(bench.warehouse->ops->write(load, 0, row, strlen(row), &err), &err);
    struct commit commit = commit_of(3, 3);
    assert_false(bench.warehouse->ops->commit(load, &commit, &committed, &err));
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_non_null(strstr(err.text, "updated_at"));
    bench_done(&bench);
}

/* More than one chunk of compressed bytes: 1,400 rows that do not compress well. */
static bool load_much(const struct bench *bench, struct committed *out, struct error *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
    const struct warehouse_ops *ops = bench->warehouse->ops;
    uint32_t noise = 1;
    char row[9000];
    struct load *load = begin(bench, &both);
    for (int i = 0; i < 1400; i++) {
        size_t size =
            (size_t)snprintf(row, sizeof row,
                             "{\"id\":\"r%d\",\"updated_at\":\"2026-02-03T10:00:00Z\",\"partition_date\":"
                             "\"2026-02-03\",\"_seq\":%d,\"order\":\"",
                             i, i);
        for (int k = 0; k < 8000; k++) {
            noise = noise * 1664525 + 1013904223;
            row[size++] = letters[noise >> 26];
        }
        row[size++] = '"';
        row[size++] = '}';
        if (ops->write(load, 0, row, size, err)) continue;
        ops->abort(load);
        return false;
    }
    struct commit commit = commit_of(3, 3);
    return ops->commit(load, &commit, out, err);
}

static void uploads_go_on_where_they_stopped(void **unused)
{
    (void)unused;
    static const char *const faults[] = {
        NULL,
        "bigquery upload.bytes 1 short 262144\nbigquery upload.bytes 3 short 0",
        "bigquery upload.put 1 drop after",
        "bigquery upload.put 2 drop before",
        "bigquery upload.put 3 drop after",
        "bigquery upload.put 2 status 503"};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct error err = {0};
        struct committed committed = {0};
        struct bench bench = bench_new();
        must(prepare(&bench, &both, &err), &err);
        fault(faults[i]);
        must(load_much(&bench, &committed, &err), &err);
        fault(NULL);
        assert_int_equal(committed.inserted[0], 1400);
        assert_int_equal(ask("SELECT COUNT(DISTINCT id) FROM `acme-data.%s.talks` "
                             "WHERE partition_date = DATE '2026-02-03' AND LENGTH(`order`) = 8000",
                             bench.dataset),
                         1400);
        bench_done(&bench);
    }
}

static void a_lost_session_is_not_loaded_in_part(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed committed = {0};
    struct bench bench = bench_new();
    must(prepare(&bench, &both, &err), &err);
    fault("bigquery upload.bytes 2 lose-session");
    assert_false(load_much(&bench, &committed, &err));
    fault(NULL);
    assert_int_equal(err.kind, ERROR_BUSY);
    assert_int_equal(rows_in(&bench, "talks"), 0);
    must(load_much(&bench, &committed, &err), &err);
    assert_int_equal(committed.inserted[0], 1400);
    bench_done(&bench);
}

static void a_lost_session_is_made_anew_while_nothing_is_gone(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed committed = {0};
    struct bench bench = bench_new();
    must(prepare(&bench, &both, &err), &err);
    fault("bigquery upload.bytes 1 lose-session");
    must(load_unit(&bench, &committed, &err), &err);
    fault(NULL);
    assert_unit_once(&bench);
    bench_done(&bench);
}

/* For n = 1, 2, ... the nth call of each operation loses its connection, until it has fewer calls than n. */
static void torture(const char *operation, const char *action)
{
    for (int n = 1; n < TORTURE_LIMIT; n++) {
        char line[128];
        struct error err = {0};
        struct committed committed = {0};
        struct bench bench = bench_new();
        snprintf(line, sizeof line, "bigquery %s %d %s", operation, n, action);
        fault(line);
        must(load_unit(&bench, &committed, &err), &err);
        fault(NULL);
        if (committed.inserted[0] != 2 || committed.doubled != 0)
            fail_msg("%s: %d rows", line, (int)committed.inserted[0]);
        assert_unit_once(&bench);
        bench_done(&bench);
        char *text = control_call("GET", "journal?service=bigquery", NULL);
        bool hit = strstr(text, line) != NULL;
        free(text);
        if (hit) continue;
        if (n == 1) fail_msg("%s was never called", operation);
        return;
    }
    fail_msg("%s: more than %d calls of it for one unit", operation, TORTURE_LIMIT);
}

static void lost_connections_cost_no_row(void **unused)
{
    (void)unused;
    static const char *const operations[] = {"tables.get",           "tables.insert", "tables.delete",
                                             "jobs.insert",          "jobs.get",      "jobs.query",
                                             "jobs.getQueryResults", "upload.start",  "upload.put"};
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        torture(operations[i], "drop before");
        torture(operations[i], "drop after");
    }
}

static void failed_jobs_run_again(void **unused)
{
    (void)unused;
    static const char *const actions[] = {"fail backendError", "fail backendError after"};
    for (size_t a = 0; a < 2; a++)
        for (int n = 1; n <= 7; n++) {
            char line[128];
            struct error err = {0};
            struct committed committed = {0};
            struct bench bench = bench_new();
            snprintf(line, sizeof line, "bigquery job %d %s", n, actions[a]);
            fault(line);
            must(load_unit(&bench, &committed, &err), &err);
            fault(NULL);
            assert_unit_once(&bench);
            bench_done(&bench);
        }
}

static void *commit_empty(void *argument)
{
    const struct bench *bench = argument;
    struct error err = {0};
    struct committed committed = {0};
    struct load *load = NULL;
    struct commit commit = commit_of(3, 3);
    if (!bench->warehouse->ops->begin(bench->warehouse, &both, &load, &err)) return NULL;
    return bench->warehouse->ops->commit(load, &commit, &committed, &err) ? argument : NULL;
}

/* The first script waits before its COMMIT until the other one was cancelled for it. */
static void commits_at_once_both_arrive(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed committed = {0};
    struct bench bench = bench_new(), other = bench_in(bench.dataset);
    must(load_unit(&bench, &committed, &err), &err);
    must(prepare(&other, &both, &err), &err);
    struct state state = {0};
    must(other.warehouse->ops->state(other.warehouse, &both, "", &state, &err), &err);
    state_done(&state);
    fault("bigquery job 1 hold COMMIT 1");
    pthread_t thread;
    void *good = NULL;
    size_t jobs = journal_count("jobs.insert");
    assert_int_equal(pthread_create(&thread, NULL, commit_empty, &other), 0);
    assert_non_null(commit_empty(&bench));
    assert_int_equal(pthread_join(thread, &good), 0);
    assert_non_null(good);
    fault(NULL);
    assert_true(journal_count("jobs.insert") >= jobs + 3); /* one of them ran twice */
    assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.runs`", bench.control), 3);
    assert_int_equal(ask("SELECT commits FROM `acme-data.%s.lock_talks`", bench.control), 3);
    assert_unit_once(&bench);
    bench_done(&other);
    bench_done(&bench);
}

static int start(void **unused)
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

static int stop(void **unused)
{
    (void)unused;
    sandbox_stop(sandbox);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prepare_makes_everything_once),
        cmocka_unit_test(columns_are_added_but_not_changed),
        cmocka_unit_test(a_dataset_elsewhere_is_refused),
        cmocka_unit_test(a_unit_twice_is_there_once),
        cmocka_unit_test(the_last_of_a_batch_wins),
        cmocka_unit_test(state_tells_what_was_committed),
        cmocka_unit_test(a_foreign_workspace_is_refused),
        cmocka_unit_test(a_wrong_count_is_refused),
        cmocka_unit_test(a_row_outside_its_unit_is_refused),
        cmocka_unit_test(a_row_that_does_not_fit_is_named),
        cmocka_unit_test(uploads_go_on_where_they_stopped),
        cmocka_unit_test(a_lost_session_is_not_loaded_in_part),
        cmocka_unit_test(a_lost_session_is_made_anew_while_nothing_is_gone),
        cmocka_unit_test(lost_connections_cost_no_row),
        cmocka_unit_test(failed_jobs_run_again),
        cmocka_unit_test(commits_at_once_both_arrive),
    };
    return cmocka_run_group_tests_name("bigquery", tests, start, stop);
}
