/* SPDX-License-Identifier: Apache-2.0 */
/* The counts of requests, the rate limit and leases. tests/e2e/health.py checks the format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "metrics.h"

static void expect(struct metrics *metrics, const char *line, bool is_there)
{
    struct buf text = buf_limited(1 << 20);
    metrics_write(metrics, &text);
    if ((strstr(buf_string(&text), line) != NULL) != is_there)
        fail_msg("%s%s in:\n%s", line, is_there ? " is not" : " is", buf_string(&text));
    buf_done(&text);
}

static void test_requests_are_counted_by_service_and_code(void **state)
{
    struct metrics *metrics = metrics_new();
    (void)state;
    metrics_http(metrics, HTTP_SOURCE, 200, 10);
    metrics_http(metrics, HTTP_SOURCE, 200, 10);
    metrics_http(metrics, HTTP_SOURCE, 429, 10);
    metrics_http(metrics, HTTP_BIGQUERY, 0, 10);
    metrics_http(metrics, HTTP_BIGQUERY, 12345, 10); /* a status that no table knows */
    metrics_rpc(metrics, "OK", 10);
    metrics_rpc(metrics, "UNAVAILABLE", 10);
    metrics_rpc(metrics, "OK", 10);
    expect(metrics, "\ncaseload_requests_total{service=\"source\",code=\"200\"} 2\n", true);
    expect(metrics, "\ncaseload_requests_total{service=\"source\",code=\"429\"} 1\n", true);
    expect(metrics, "\ncaseload_requests_total{service=\"bigquery\",code=\"none\"} 2\n", true);
    expect(metrics, "\ncaseload_requests_total{service=\"pubsub\",code=\"OK\"} 2\n", true);
    expect(metrics, "\ncaseload_requests_total{service=\"pubsub\",code=\"UNAVAILABLE\"} 1\n", true);
    expect(metrics, "service=\"credentials\",code", false);
    metrics_free(metrics);
}

static void test_a_bucket_has_all_that_took_no_longer(void **state)
{
    struct metrics *metrics = metrics_new();
    (void)state;
    metrics_http(metrics, HTTP_SOURCE, 200, 50);
    metrics_http(metrics, HTTP_SOURCE, 200, 51);
    metrics_http(metrics, HTTP_SOURCE, 200, 90000);
    expect(metrics, "_bucket{service=\"source\",le=\"0.05\"} 1\n", true);
    expect(metrics, "_bucket{service=\"source\",le=\"0.1\"} 2\n", true);
    expect(metrics, "_bucket{service=\"source\",le=\"60\"} 2\n", true);
    expect(metrics, "_bucket{service=\"source\",le=\"+Inf\"} 3\n", true);
    expect(metrics, "_sum{service=\"source\"} 90.101\n", true);
    expect(metrics, "_count{service=\"source\"} 3\n", true);
    expect(metrics, "_count{service=\"pubsub\"} 0\n", true);
    metrics_free(metrics);
}

static void test_extensions_of_the_lease_are_counted(void **state)
{
    struct metrics *metrics = metrics_new();
    (void)state;
    metrics_lease(metrics, true);
    metrics_lease(metrics, true);
    metrics_lease(metrics, false);
    expect(metrics, "caseload_lease_extensions_total{outcome=\"done\"} 2\n", true);
    expect(metrics, "caseload_lease_extensions_total{outcome=\"failed\"} 1\n", true);
    metrics_free(metrics);
}

static void say_rate(struct source *source, struct source_rate *out_rate)
{
    static const struct source_rate said = {.limit = 1000, .remaining = 900, .waited_ms = 1500};
    static const struct source_rate silent = {.limit = -1, .remaining = -1};
    *out_rate = source->ops->next ? silent : said;
}

static bool no_next(struct reader *reader, struct page *out_page, struct error *err)
{
    (void)reader;
    (void)out_page;
    (void)err;
    return false;
}

static void test_a_limit_that_is_unknown_is_absent(void **state)
{
    static const struct source_ops said = {.rate = say_rate}, silent = {.rate = say_rate, .next = no_next},
                                   none = {0};
    struct source first = {&said}, second = {&silent}, third = {&none};
    struct metrics *metrics = metrics_new();
    (void)state;
    metrics_add_source(metrics, "none", &third);
    metrics_add_source(metrics, "ticks", &first);
    metrics_add_source(metrics, "backfills", &second);
    expect(metrics, "caseload_rate_limit_allowed{worker=\"ticks\"} 1000\n", true);
    expect(metrics, "caseload_rate_limit_remaining{worker=\"ticks\"} 900\n", true);
    expect(metrics, "caseload_rate_limit_wait_seconds_total{worker=\"ticks\"} 1.500\n", true);
    expect(metrics, "caseload_rate_limit_allowed{worker=\"backfills\"}", false);
    expect(metrics, "caseload_rate_limit_wait_seconds_total{worker=\"backfills\"} 0.000\n", true);
    expect(metrics, "\"none\"", false);
    metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_are_counted_by_service_and_code),
        cmocka_unit_test(test_a_bucket_has_all_that_took_no_longer),
        cmocka_unit_test(test_extensions_of_the_lease_are_counted),
        cmocka_unit_test(test_a_limit_that_is_unknown_is_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
