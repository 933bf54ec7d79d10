/* SPDX-License-Identifier: Apache-2.0 */
/* test_bigquery_uploads.c - a lost session, request or load job costs sending kept bytes again, never rows,
 * and never another write of them: here each row is written once, as the source sends it once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "faults_fixture.h"
#include "skipped_waits.h"

#define TORTURE_LIMIT 40

/* For n = 1, 2, ... the nth such call misbehaves, until a load has fewer of them. */
static void torture(const char *operation, const char *action, bool is_on_disk)
{
    struct bench bench = chunked_bench(is_on_disk);
    bool hit = true;
    for (int n = 1; hit; n++) {
        char line[128];
        struct error err = {0};
        struct committed committed = {0};
        if (n == TORTURE_LIMIT) fail_msg("%s: more than %d calls of it for one unit", operation, n);
        snprintf(line, sizeof line, "bigquery %s %d %s", operation, n, action);
        fault(line);
        if (!load_more(&bench, n, &committed, &err)) fail_msg("%s: %s", line, err.text);
        fault(NULL);
        assert_int_equal(committed.inserted[0], MUCH_ROWS);
        assert_much(&bench, n);
        hit = journal_count(line) > 0;
        if (n == 1 && !hit) fail_msg("%s was never called", operation);
    }
    bench_done(&bench);
}

static void a_session_may_be_lost_after_each_chunk(void **unused)
{
    (void)unused;
    torture("upload.bytes", "lose-session", false);
    torture("upload.bytes", "lose-session 410", true);
    torture("upload.bytes", "lose-session 400", false);
    torture("upload.bytes", "short 0", false);
}

static void each_call_of_an_upload_may_fail(void **unused)
{
    (void)unused;
    static const char *const actions[] = {"drop before",     "drop after", "status 503",
                                          "late-status 503", "status 400", "status 403 reason=accessDenied"};
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        torture("upload.put", actions[i], i % 2);
    torture("upload.start", "drop after", false);
    torture("upload.start", "empty", false);
    torture("load", "fail backendError", true);
    torture("load", "fail backendError after", false);
    torture("load", "fail stopped", true);
    torture("load", "fail notFound", false);
    torture("load", "vanish", true);
    torture("load", "vanish after", false);
}

static void parts_of_chunks_are_continued(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed committed = {0};
    struct bench bench = chunked_bench(false);
    settings_of(&bench)->chunk_bytes = 524288;
    fault("bigquery upload.bytes 1 short 262144\nbigquery upload.bytes 3 short 0");
    must(load_much(&bench, &committed, &err), &err);
    fault(NULL);
    assert_much(&bench, 1);
    bench_done(&bench);
}

/* The tests above let it fail once. A failure that stays ends the unit, with the reason. */
static void what_fails_for_ever_ends(void **unused)
{
    (void)unused;
    static const struct {
        const char *faults;
        enum error_kind kind;
        const char *text;
    } cases[] = {
        {"bigquery upload.bytes * lose-session 410", ERROR_BUSY, "the session was lost"},
        {"bigquery upload.bytes 2 lose-session\nbigquery upload.start * status 503", ERROR_BUSY,
         "upload of job"},
        {"bigquery upload.put * status 503", ERROR_BUSY, "given up after"},
        {"bigquery upload.put * status 400", ERROR_REFUSED, "upload of job"},
        {"bigquery upload.put * status 403 reason=accessDenied", ERROR_REFUSED, "roles/bigquery.jobUser"},
        {"bigquery load * fail backendError", ERROR_BUSY, "given up after"},
        {"bigquery load * fail quotaExceeded", ERROR_BUSY, "given up after"},
        {"bigquery load * fail stopped", ERROR_BUSY, "given up after 2 runs"},
        {"bigquery load * fail notFound", ERROR_REFUSED, "notFound"},
        {"bigquery load * vanish", ERROR_BUSY, "can't be found any more"},
        {"bigquery load 1 fail invalid", ERROR_REFUSED, "invalid"},
    };
    struct bench bench = chunked_bench(false);
    settings_of(&bench)->job_timeout_s = 1200;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {0};
        struct committed committed;
        fault(cases[i].faults);
        if (load_much(&bench, &committed, &err)) fail_msg("%s: no end", cases[i].faults);
        fault(NULL);
        if (err.kind != cases[i].kind || !strstr(err.text, cases[i].text))
            fail_msg("%s: %d, %s", cases[i].faults, (int)err.kind, err.text);
        assert_int_equal(rows_in(&bench, "tickets"), 0);
    }
    bench_done(&bench);
}

/* For half an hour nothing is answered; then the kept rows go on where they were. */
static void an_outage_is_waited_out(void **unused)
{
    (void)unused;
    for (int written = 0; written < MUCH_ROWS; written += 33) {
        struct error err = {0};
        struct committed committed = {0};
        struct bench bench = chunked_bench(true);
        struct load *load = begin(&bench, &both);
        struct commit commit = commit_of(3, 3);
        must(write_much(load, 0, 1, &err), &err); /* the staging table is made */
        must(write_much(load, 1, written, &err), &err);
        fault_for("bigquery * * status 503", 1800000);
        must(write_much(load, written + 1, MUCH_ROWS - written - 1, &err), &err);
        must(bench.warehouse->ops->commit(load, &commit, &committed, &err), &err);
        assert_much(&bench, 1);
        bench_done(&bench);
    }
}

/* The upload takes longer than the lag that everything else has. */
static void a_table_may_be_seen_late(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed committed = {0};
    struct bench bench = chunked_bench(false);
    struct load *load = begin(&bench, &both);
    struct commit commit = commit_of(3, 3);
    must(write_much(load, 0, MUCH_ROWS, &err), &err);
    skip_ms(600000);
    fault("bigquery load 1 fail notFound\nbigquery load 2 fail notFound\nbigquery load 3 fail notFound");
    must(bench.warehouse->ops->commit(load, &commit, &committed, &err), &err);
    fault(NULL);
    assert_much(&bench, 1);
    bench_done(&bench);
}

static void sessions_elsewhere_get_no_token(void **unused)
{
    (void)unused;
    static const char *const hosts[] = {"https://upload.evil.example", "http://localhost:1",
                                        "https://www.googleapis.com"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        char line[128];
        struct error err = {0};
        struct committed committed;
        struct bench bench = chunked_bench(false);
        snprintf(line, sizeof line, "bigquery upload.location 1 at %s", hosts[i]);
        fault(line);
        assert_false(load_much(&bench, &committed, &err));
        fault(NULL);
        assert_int_equal(err.kind, ERROR_FORMAT);
        if (!strstr(err.text, hosts[i])) fail_msg("%s", err.text);
        assert_null(strstr(err.text, "upload_id"));
        assert_int_equal(journal_count("\"upload.put\""), 0);
        bench_done(&bench);
    }
}

static void all_chunks_use_one_connection(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed committed = {0};
    struct bench bench = chunked_bench(false);
    must(load_much(&bench, &committed, &err), &err);
    assert_true(journal_count("\"upload.put\"") >= 3);
    assert_int_equal(journal_connections("upload.put"), 1);
    bench_done(&bench);
}

/* The first chunk is not answered before these rows are written. */
static void rows_are_written_while_a_chunk_travels(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed committed = {0};
    struct bench bench = chunked_bench(false);
    struct load *load = begin(&bench, &both);
    struct commit commit = commit_of(3, 3);
    fault("bigquery upload.put 1 hang");
    must(write_much(load, 0, 55, &err), &err); /* less than two chunks */
    assert_non_null(load->channel.call);
    assert_true(load->stages[0].upload.file.size > 262144);
    fault(NULL);
    must(write_much(load, 55, MUCH_ROWS - 55, &err), &err);
    must(bench.warehouse->ops->commit(load, &commit, &committed, &err), &err);
    assert_much(&bench, 1);
    bench_done(&bench);
}

/* Short rows are gathered, and long ones are not: each keeps its bytes. */
static void rows_of_all_sizes_are_written(void **unused)
{
    (void)unused;
    static const int sizes[] = {1, 8000, 8000, 16000, 16100, 16383, 16384, 20000, 1, 300000, 1};
    const int count = sizeof sizes / sizeof *sizes;
    struct error err = {0};
    struct committed committed = {0};
    struct bench bench = chunked_bench(false);
    struct load *load = begin(&bench, &both);
    struct commit commit = commit_of(3, 3);
    for (int i = 0, total = 0; i < count; i++) {
        AUTO(mem_free)
        char *row = mem_format("{\"id\":\"r%d\",\"updated_at\":\"2026-02-03T10:00:00Z\",\"partition_date\":"
                               "\"2026-02-03\",\"_read_at\":\"2026-03-01T00:00:00Z\",\"_seq\":%d,\"order\":"
                               "\"%0*d\"}",
                               i, i, sizes[i], total += sizes[i]);
        must(load->bq->warehouse.ops->write(load, 0, row, strlen(row), &err), &err);
    }
    must(bench.warehouse->ops->commit(load, &commit, &committed, &err), &err);
    for (int i = 0; i < count; i++)
        assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.tickets` WHERE partition_date = DATE "
                             "'2026-02-03' AND id = 'r%d' AND LENGTH(`order`) >= %d",
                             bench.dataset, i, sizes[i]),
                         1);
    bench_done(&bench);
}

static void memory_has_a_ceiling(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct bench bench = chunked_bench(false);
    settings_of(&bench)->kept_bytes = 400000;
    struct load *load = begin(&bench, &both);
    for (int i = 0; i < MUCH_ROWS; i++) {
        must(write_much(load, i, 1, &err), &err);
        assert_true(load->channel.memory.used <= 400000 && load->channel.chunk.capacity <= 262145);
    }
    assert_true(load->stages[0].upload.file.file >= 0);
    bench.warehouse->ops->abort(load);
    bench_done(&bench);
}

static void a_directory_that_is_gone_is_a_clear_error(void **unused)
{
    (void)unused;
    char directory[] = "/tmp/test_uploads-XXXXXX";
    struct error err = {0};
    struct committed committed = {0};
    struct bench bench = chunked_bench(true);
    assert_non_null(mkdtemp(directory));
    settings_of(&bench)->temporary_directory = directory;
    assert_int_equal(rmdir(directory), 0);
    assert_false(load_much(&bench, &committed, &err));
    assert_int_equal(err.kind, ERROR_LIMIT);
    if (!strstr(err.text, directory)) fail_msg("%s", err.text);
    assert_int_equal(rows_in(&bench, "tickets"), 0);
    settings_of(&bench)->temporary_directory = "/tmp";
    must(load_much(&bench, &committed, &err), &err);
    assert_much(&bench, 1);
    bench_done(&bench);
}

/* --- jobs that wait --- */

static size_t count_in(FILE *file, const char *text)
{
    char line[4096];
    size_t count = 0;
    rewind(file);
    while (fgets(line, sizeof line, file))
        count += strstr(line, text) != NULL;
    return count;
}

static void a_pending_job_is_waited_for_and_told_of(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed committed = {0};
    struct progress progress = {0};
    struct bench bench = chunked_bench(false);
    FILE *log = tmpfile();
    assert_non_null(log);
    log_open(fileno(log), LOG_INFO);
    settings_of(&bench)->progress = &progress;
    fault_for("bigquery load 1 pending", 7200000);
    sleeps_count(20);
    int64_t began_ms = clock_ms();
    must(load_much(&bench, &committed, &err), &err);
    int64_t minutes = (clock_ms() - began_ms) / 60000;
    sleeps_count(1);
    fault(NULL);
    log_open(STDERR_FILENO, LOG_INFO);
    assert_much(&bench, 1);
    assert_true(minutes >= 120 && minutes < 180);
    size_t told = count_in(log, "waiting_for_bigquery");
    assert_true(told >= 30 && told <= (size_t)minutes / 3 + 1);
    assert_true(count_in(log, "the job is PENDING") >= 30);
    assert_true(atomic_load(&progress.steps) > 120);
    assert_int_equal(journal_count("\"jobTimeoutMs\":\"21600000\"") > 0, true);
    fclose(log);
    bench_done(&bench);
}

static void a_job_that_waits_too_long_is_an_error(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed committed;
    struct bench bench = chunked_bench(false);
    settings_of(&bench)->job_timeout_s = 1200;
    fault("bigquery load 1 pending");
    sleeps_count(10);
    assert_false(load_much(&bench, &committed, &err));
    sleeps_count(1);
    fault(NULL);
    assert_int_equal(err.kind, ERROR_BUSY);
    if ((!strstr(err.text, "after 19 minutes") && !strstr(err.text, "after 20 minutes")) ||
        !strstr(err.text, "the job is PENDING") || !strstr(err.text, "job_timeout_minutes"))
        fail_msg("%s", err.text);
    bench_done(&bench);
}

static void ends_of_jobs_are_seen_soon(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed committed;
    struct bench bench = chunked_bench(false);
    fault_for("bigquery load 1 pending", 5000);
    sleeps_count(1);
    int64_t began_ms = clock_ms();
    must(load_much(&bench, &committed, &err), &err);
    fault(NULL);
    const int64_t tenth_ms = (clock_ms() - began_ms) / 10;
    assert_true(longest_sleep_ms() > 10 && longest_sleep_ms() <= (tenth_ms > 250 ? tenth_ms : 250));
    bench_done(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_may_be_lost_after_each_chunk),
        cmocka_unit_test(each_call_of_an_upload_may_fail),
        cmocka_unit_test(parts_of_chunks_are_continued),
        cmocka_unit_test(what_fails_for_ever_ends),
        cmocka_unit_test(an_outage_is_waited_out),
        cmocka_unit_test(a_table_may_be_seen_late),
        cmocka_unit_test(sessions_elsewhere_get_no_token),
        cmocka_unit_test(all_chunks_use_one_connection),
        cmocka_unit_test(rows_are_written_while_a_chunk_travels),
        cmocka_unit_test(rows_of_all_sizes_are_written),
        cmocka_unit_test(memory_has_a_ceiling),
        cmocka_unit_test(a_directory_that_is_gone_is_a_clear_error),
        cmocka_unit_test(a_pending_job_is_waited_for_and_told_of),
        cmocka_unit_test(a_job_that_waits_too_long_is_an_error),
        cmocka_unit_test(ends_of_jobs_are_seen_soon),
    };
    return cmocka_run_group_tests_name("bigquery_uploads", tests, bench_start, bench_stop);
}
