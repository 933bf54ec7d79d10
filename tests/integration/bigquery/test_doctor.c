/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's time: what is not done when it is over is given up, and the dataset is removed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "bigquery/doctor.h"
#include "bigquery_fixture.h"
#include "skipped_waits.h"

#define PASS_MS 120000

struct seen {
    int lines, late;
    bool is_dataset_ok;
};

/* The first check takes all the time; the watch, which looks at it now and then, notices. */
static void take_line(void *self, const struct doctor_line *line)
{
    struct seen *seen = self;
    if (seen->lines++ == 0) {
        if (!line->is_ok) fail_msg("%s: %s", line->check, line->found);
        skip_ms(PASS_MS);
        (void)clock_sleep_ms(500, NULL);
    }
    seen->late += strcmp(line->found, "not done: the time is over") == 0;
    if (strcmp(line->check, "dataset") == 0) seen->is_dataset_ok = line->is_ok;
}

static void what_is_not_done_in_time_is_given_up(void **state)
{
    (void)state;
    struct seen seen = {0};
    const struct http_settings http = {.user_agent = "caseload-test"};
    const struct bigquery_settings bigquery = {.base_url = bench_url(),
                                               .project = "acme-data",
                                               .location = "EU",
                                               .version = "0.0.0",
                                               .temporary_directory = "/tmp"};
    assert_false(doctor_run(
        &(struct doctor_settings){.bigquery = &bigquery, .http = &http, .report = take_line, .self = &seen}));
    assert_int_equal(seen.late, seen.lines - 2); /* all but the first check and the dataset */
    assert_true(seen.late > 5);
    assert_true(seen.is_dataset_ok);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_not_done_in_time_is_given_up)};
    return cmocka_run_group_tests(tests, bench_start, bench_stop);
}
