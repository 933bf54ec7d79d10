/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of the health port: whatever a peer wrote into an error does no harm in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "health.h"

#define HOSTILE "<script>alert(1)</script>\"'&\xff\xfe\x01<img src=x onerror=alert(2)>"

static const struct stream people = {.name = "people", .kind = STREAM_INCREMENTAL};

struct bench {
    struct monitor monitor;
    struct progress progress;
    struct run_report report;
};

static void begin(struct bench *bench)
{
    const struct selection selections[] = {{.stream = &people}};
    monitor_init(&bench->monitor, (struct day){20000}, 900);
    monitor_open(&bench->monitor, selections, 1);
    (void)monitor_add_worker(&bench->monitor, &bench->progress);
}

static void serve(struct bench *bench, const struct stream_result *result, const struct error *err)
{
    const struct worker_observer *observer = &bench->monitor.workers[0].observer;
    struct delivery delivery = {.message_id = (char[]){"<m1>"}};
    const struct error none = {.kind = ERROR_NONE};
    bench->report.streams[0] = *result;
    bench->report.count = 1;
    observer->pulled(observer->self, &none);
    observer->began(observer->self, &delivery, "run-1");
    observer->ended(observer->self, &bench->report, err);
}

static void test_hostile_texts_are_escaped(void **state)
{
    static struct bench bench;
    struct stream_result result = {.stream = "people"};
    (void)state;
    begin(&bench);
    error_set(&result.error, ERROR_REFUSED, "%s", HOSTILE);
    serve(&bench, &result, &result.error);
    AUTO(buf_done) struct buf page = buf_limited(1 << 20);
    health_page(&bench.monitor, &page);
    assert_null(strstr(buf_string(&page), "<script"));
    assert_null(strstr(buf_string(&page), "<img"));
    assert_non_null(
        strstr(buf_string(&page), "&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;&#38;&#xFFFD;"));
    AUTO(json_drop) json_t *status = health_status(&bench.monitor);
    assert_non_null(status);
    assert_non_null(json_text_at(json_array_get(json_at(status, "streams"), 0), "error"));
    assert_int_equal(json_int_at(status, "messages.refused", 0), 1);
    monitor_done(&bench.monitor);
}

static void test_days_are_loaded_missing_or_rejected(void **state)
{
    static struct bench bench;
    struct stream_result result = {.stream = "people", .inserted = 7, .fresh_us = INT64_C(1728259200000000)};
    const struct error none = {.kind = ERROR_NONE};
    (void)state;
    begin(&bench);
    result.coverage.is_known = true;
    result.coverage.today = (struct day){20003};
    result.coverage.loaded[1] = result.coverage.loaded[2] = true;
    result.coverage.rejected[2] = true;
    serve(&bench, &result, &none);
    AUTO(buf_done) struct buf page = buf_limited(1 << 20);
    health_page(&bench.monitor, &page);
    assert_non_null(strstr(buf_string(&page), "people: 1 of 4 days missing"));
    assert_non_null(strstr(buf_string(&page), "2024-10-04: missing"));
    assert_non_null(strstr(buf_string(&page), "2024-10-05: a record was rejected"));
    assert_non_null(strstr(buf_string(&page), "2024-10-06: loaded"));
    assert_non_null(strstr(buf_string(&page), "2024-10-07: not over"));
    AUTO(buf_done) struct buf metrics = buf_limited(1 << 20);
    health_metrics(&bench.monitor, &metrics);
    assert_non_null(
        strstr(buf_string(&metrics), "caseload_rows_total{stream=\"people\",stage=\"inserted\"} 7\n"));
    assert_non_null(strstr(buf_string(&metrics),
                           "caseload_last_success_timestamp_seconds{stream=\"people\"} 1728259200.000000\n"));
    monitor_done(&bench.monitor);
}

static void test_a_stop_is_no_failure(void **state)
{
    static struct bench bench;
    struct stream_result result = {.stream = "people"};
    (void)state;
    begin(&bench);
    error_set(&result.error, ERROR_REFUSED, "no such list");
    serve(&bench, &result, &result.error);
    error_set(&result.error, ERROR_STOPPED, "the run was cancelled");
    serve(&bench, &result, &result.error);
    AUTO(json_drop) json_t *status = health_status(&bench.monitor);
    const json_t *stream = json_array_get(json_at(status, "streams"), 0);
    assert_int_equal(json_int_at(stream, "failures", 0), 1);
    assert_string_equal(json_text_at(stream, "outcome"), "stopped");
    assert_string_equal(json_text_at(stream, "error"), "no such list");
    AUTO(buf_done) struct buf page = buf_limited(1 << 20);
    health_page(&bench.monitor, &page);
    assert_non_null(strstr(buf_string(&page), "stopped; failed 1x before: no such list"));
    AUTO(buf_done) struct buf metrics = buf_limited(1 << 20);
    health_metrics(&bench.monitor, &metrics);
    static const char *const counted[] = {"\"loaded\"} 0\n", "\"failed\"} 1\n", "\"forbidden\"} 0\n",
                                          "\"stopped\"} 1\n"};
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++) {
        char line[128];
        (void)snprintf(line, sizeof line, "caseload_stream_runs_total{stream=\"people\",outcome=%s",
                       counted[i]);
        assert_non_null(strstr(buf_string(&metrics), line));
    }
    monitor_done(&bench.monitor);
}

/* A stop before any failure shows its own text, and a success ends the count of failures. */
static void test_a_success_ends_failures(void **state)
{
    static struct bench bench;
    struct stream_result result = {.stream = "people"};
    const struct error none = {.kind = ERROR_NONE};
    (void)state;
    begin(&bench);
    error_set(&result.error, ERROR_STOPPED, "the run was cancelled");
    serve(&bench, &result, &result.error);
    assert_string_equal(bench.monitor.streams[0].error, "the run was cancelled");
    error_set(&result.error, ERROR_REFUSED, "no such list");
    serve(&bench, &result, &result.error);
    result.error = none;
    serve(&bench, &result, &none);
    assert_int_equal(bench.monitor.streams[0].failures, 0);
    assert_string_equal(bench.monitor.streams[0].error, "");
    monitor_done(&bench.monitor);
}

/* Ready once all have answered; live while each worker moves. */
static void test_ready_and_live(void **state)
{
    static struct bench bench;
    const char *reason;
    const struct error lost = {.kind = ERROR_BUSY, .text = "no route"}, none = {.kind = ERROR_NONE};
    (void)state;
    begin(&bench);
    const struct worker_observer *observer = &bench.monitor.workers[0].observer;
    assert_false(monitor_is_ready(&bench.monitor, &reason));
    observer->pulled(observer->self, &none);
    assert_true(monitor_is_ready(&bench.monitor, &reason));
    observer->pulled(observer->self, &lost);
    assert_false(monitor_is_ready(&bench.monitor, &reason));
    assert_string_equal(reason, "no route");
    assert_true(monitor_is_live(&bench.monitor));
    bench.monitor.workers[0].moved_ms = clock_ms() - INT64_C(900000);
    assert_false(monitor_is_live(&bench.monitor));
    monitor_done(&bench.monitor);
}

static void test_addresses(void **state)
{
    static const char *const bad[] = {
        "",     ":",   "localhost:9090", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000",
        "[::1", "[:9", "1.2.3:80",       "9090x"};
    char url[96];
    struct error err = {0};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(health_url(bad[i], url, sizeof url, &err));
    assert_true(health_url("9090", url, sizeof url, &err));
    assert_string_equal(url, "http://127.0.0.1:9090");
    assert_true(health_url("0.0.0.0:8080", url, sizeof url, &err));
    assert_string_equal(url, "http://127.0.0.1:8080");
    assert_true(health_url("[::1]:9090", url, sizeof url, &err));
    assert_string_equal(url, "http://[::1]:9090");
}

/* The record of a heartbeat, as the log has it; yours. */
static json_t *heartbeat(struct monitor *monitor)
{
    int ends[2];
    char text[8192];
    json_t *record = NULL;
    struct error err;
    assert_int_equal(pipe(ends), 0);
    log_open(ends[1], LOG_INFO);
    log_set_form(LOG_FORM_CLOUD);
    monitor_log_heartbeat(monitor);
    log_open(STDERR_FILENO, LOG_ERROR);
    ssize_t size = read(ends[0], text, sizeof text);
    assert_true(size > 0 && json_read(text, (size_t)size, NULL, &record, &err));
    (void)close(ends[0]);
    (void)close(ends[1]);
    return record;
}

/* Alerts are made of its numbers: see terraform/modules/caseload/alerts.tf. */
static void test_the_heartbeat_has_the_age_of_the_oldest_success(void **state)
{
    static struct bench bench;
    static const struct stream offices = {.name = "offices", .kind = STREAM_INCREMENTAL};
    const struct selection selections[] = {{.stream = &people}, {.stream = &offices}};
    const struct error none = {.kind = ERROR_NONE};
    (void)state;
    monitor_init(&bench.monitor, (struct day){20000}, 900);
    monitor_open(&bench.monitor, selections, 2);
    (void)monitor_add_worker(&bench.monitor, &bench.progress);
    AUTO(json_drop) json_t *before = heartbeat(&bench.monitor);
    assert_string_equal(json_text_at(before, "event"), "heartbeat");
    assert_int_equal(json_int_at(before, "oldest_success_seconds", 0), -1);
    serve(&bench, &(struct stream_result){.stream = "people", .fresh_us = clock_utc_us() - 7200000000},
          &none);
    serve(&bench, &(struct stream_result){.stream = "offices", .fresh_us = clock_utc_us() - 60000000}, &none);
    AUTO(json_drop) json_t *after = heartbeat(&bench.monitor);
    assert_string_equal(json_text_at(after, "oldest_success"), "people");
    assert_in_range(json_int_at(after, "oldest_success_seconds", 0), 7200, 7200 + 3600);
    monitor_done(&bench.monitor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_heartbeat_has_the_age_of_the_oldest_success),
        cmocka_unit_test(test_hostile_texts_are_escaped),
        cmocka_unit_test(test_days_are_loaded_missing_or_rejected),
        cmocka_unit_test(test_a_stop_is_no_failure),
        cmocka_unit_test(test_a_success_ends_failures),
        cmocka_unit_test(test_ready_and_live),
        cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
