/* SPDX-License-Identifier: Apache-2.0 */
/* Outages are logged once they last, again, and when they end; patience ends only what was never reached. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "outages.h"
#include "skipped_waits.h"

#define ORIGIN "http://host:80"

static struct outages *outages;
static const struct net_watch *watch;
static FILE *log_file;

static int begin(void **state)
{
    (void)state;
    log_file = tmpfile();
    assert_non_null(log_file);
    log_open(fileno(log_file), LOG_INFO);
    outages = outages_start(30000);
    watch = outages_watch(outages);
    outages_name(outages, "http://host/base", "Desk", "source.base_url");
    return 0;
}

static int end(void **state)
{
    (void)state;
    outages_stop(outages);
    log_open(STDERR_FILENO, LOG_INFO);
    fclose(log_file);
    return 0;
}

/* Fails a try `at_ms` after the call began. */
static bool fail_with(int64_t at_ms, bool is_unconnected, int status, char out_advice[NET_ADVICE])
{
    const struct net_failure failure = {.origin = ORIGIN,
                                        .what = "Desk GET /me",
                                        .cause = "Connection refused",
                                        .status = status,
                                        .is_unconnected = is_unconnected,
                                        .is_first = at_ms == 0,
                                        .waited_ms = at_ms,
                                        .left_ms = 600000 - at_ms};
    return watch->failed(watch->self, &failure, out_advice);
}

static bool fail_try(int64_t at_ms, bool is_unconnected, int status)
{
    char unused[NET_ADVICE];
    return fail_with(at_ms, is_unconnected, status, unused);
}

/* How often the event was logged. */
static int logged(const char *event)
{
    char text[65536], name[64];
    int count = 0;
    outages_look(outages, clock_ms());
    rewind(log_file);
    size_t size = fread(text, 1, sizeof text - 1, log_file);
    text[size] = '\0';
    (void)snprintf(name, sizeof name, "\"event\":\"%s\"", event);
    for (const char *at = text; (at = strstr(at, name)) != NULL; at++)
        count++;
    return count;
}

static void a_short_outage_is_not_told(void **state)
{
    (void)state;
    assert_false(fail_try(0, true, 0));
    skip_ms(1000);
    assert_int_equal(logged("waiting_for_service"), 0);
    watch->ended(watch->self, ORIGIN, true, true);
    skip_ms(60000);
    assert_int_equal(logged("waiting_for_service"), 0);
    assert_int_equal(logged("recovered"), 0);
}

static void a_lasting_one_is_told_again_and_at_its_end(void **state)
{
    (void)state;
    assert_false(fail_try(0, false, 503));
    skip_ms(4900);
    assert_int_equal(logged("waiting_for_service"), 1);
    skip_ms(25000);
    assert_int_equal(logged("waiting_for_service"), 1);
    skip_ms(6000);
    assert_int_equal(logged("waiting_for_service"), 2);
    watch->ended(watch->self, ORIGIN, true, true);
    assert_int_equal(logged("recovered"), 1);
    skip_ms(60000);
    assert_int_equal(logged("waiting_for_service"), 2);
}

/* An answer to one call does not hide that others wait; a dropped call waits no more. */
static void who_waits_no_more_is_not_told_of(void **state)
{
    (void)state;
    assert_false(fail_try(0, false, 503));
    watch->ended(watch->self, ORIGIN, true, false);
    skip_ms(60000);
    assert_int_equal(logged("waiting_for_service"), 0);
}

static void a_rate_limit_is_told_later(void **state)
{
    (void)state;
    assert_false(fail_try(0, false, 429));
    skip_ms(20000);
    assert_int_equal(logged("waiting_for_service"), 0);
    skip_ms(20000);
    assert_int_equal(logged("waiting_for_service"), 1);
}

static void patience_ends_what_was_never_reached(void **state)
{
    (void)state;
    assert_false(fail_try(0, true, 0));
    skip_ms(29000);
    assert_false(fail_try(29000, true, 0));
    skip_ms(2000);
    char advice[NET_ADVICE], other[NET_ADVICE];
    assert_true(fail_with(31000, true, 0, advice));
    assert_non_null(strstr(advice, "source.base_url"));
    assert_non_null(strstr(advice, "--patience"));
    skip_ms(60000);
    assert_true(fail_with(31000, true, 0, other)); /* of another thread, while the first is still read */
    assert_string_not_equal(advice, other);
}

static void a_service_that_answered_is_waited_for(void **state)
{
    (void)state;
    watch->ended(watch->self, ORIGIN, false, true);
    assert_false(fail_try(0, true, 0));
    skip_ms(300000);
    assert_false(fail_try(300000, true, 0));
}

/* It is there, but busy. */
static void an_error_of_the_service_is_waited_out(void **state)
{
    (void)state;
    assert_false(fail_try(0, false, 503));
    skip_ms(300000);
    assert_false(fail_try(300000, true, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_short_outage_is_not_told, begin, end),
        cmocka_unit_test_setup_teardown(a_lasting_one_is_told_again_and_at_its_end, begin, end),
        cmocka_unit_test_setup_teardown(who_waits_no_more_is_not_told_of, begin, end),
        cmocka_unit_test_setup_teardown(a_rate_limit_is_told_later, begin, end),
        cmocka_unit_test_setup_teardown(patience_ends_what_was_never_reached, begin, end),
        cmocka_unit_test_setup_teardown(a_service_that_answered_is_waited_for, begin, end),
        cmocka_unit_test_setup_teardown(an_error_of_the_service_is_waited_out, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
