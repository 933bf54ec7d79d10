/* SPDX-License-Identifier: Apache-2.0 */
/* The settings about cost, as BigQuery's jobs get them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "job.h"

static const char *const labels[] = {"team=data", "env="};

static json_t *configuration(void)
{
    return json_pack("{s:{s:s}, s:{s:s}}", "labels", "app", "caseload", "query", "query", "SELECT 1");
}

static void test_each_option_has_its_place(void **state)
{
    struct bigquery bq = {.settings = {.project = "p",
                                       .location = "EU",
                                       .labels = labels,
                                       .label_count = 2,
                                       .maximum_bytes_billed = INT64_C(20000000000),
                                       .reservation = "projects/p/locations/eu/reservations/r",
                                       .is_batch = true},
                          .warehouse = {.run_id = "1f"}};
    (void)state;
    json_t *given = configuration(), *body = job_body(&bq, "j", given);
    assert_string_equal(json_text_at(body, "configuration.labels.team"), "data");
    assert_string_equal(json_text_at(body, "configuration.labels.env"), "");
    assert_string_equal(json_text_at(body, "configuration.labels.app"), "caseload");
    assert_string_equal(json_text_at(body, "configuration.labels.run"), "1f");
    assert_string_equal(json_text_at(body, "configuration.reservation"),
                        "projects/p/locations/eu/reservations/r");
    assert_string_equal(json_text_at(body, "configuration.query.priority"), "BATCH");
    assert_string_equal(json_text_at(body, "configuration.query.maximumBytesBilled"), "20000000000");
    json_t *unchanged = configuration();
    assert_true(json_equal(given, unchanged)); /* a repeated job begins with it again */
    json_decref(unchanged);
    json_decref(given);
    json_decref(body);
}

static void test_without_options_nothing_is_sent(void **state)
{
    struct bigquery bq = {.settings = {.project = "p", .location = "EU"}};
    (void)state;
    json_t *given = configuration(), *body = job_body(&bq, "j", given);
    assert_true(json_equal(json_object_get(body, "configuration"), given));
    json_decref(given);
    json_decref(body);
}

static void test_a_load_has_no_options_of_a_query(void **state)
{
    struct bigquery bq = {
        .settings = {.project = "p", .location = "EU", .maximum_bytes_billed = 1, .is_batch = true}};
    (void)state;
    json_t *given =
        json_pack("{s:{s:s}, s:{s:s}}", "labels", "app", "caseload", "load", "sourceFormat", "CSV");
    json_t *body = job_body(&bq, "j", given);
    assert_true(json_equal(json_object_get(body, "configuration"), given));
    json_decref(given);
    json_decref(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_option_has_its_place),
        cmocka_unit_test(test_without_options_nothing_is_sent),
        cmocka_unit_test(test_a_load_has_no_options_of_a_query),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
