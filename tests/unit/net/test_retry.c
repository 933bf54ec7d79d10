/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/retry.h"

#define DRAWS 2000

static const struct retry plain = {.base_ms = 1000, .cap_ms = 8000, .attempts = 10, .budget_ms = 100000};

static void waits_double_up_to_the_cap(void **state)
{
    (void)state;
    static const int64_t whole[] = {1000, 2000, 4000, 8000, 8000, 8000};
    for (int tried = 1; tried <= 6; tried++)
        for (int draw = 0; draw < DRAWS; draw++) {
            int64_t wait = retry_wait_ms(&plain, tried, 0, 0);
            assert_in_range(wait, whole[tried - 1] / 2, whole[tried - 1]);
        }
}

static void waits_are_spread(void **state)
{
    (void)state;
    int64_t least = INT64_MAX, most = 0;
    for (int draw = 0; draw < DRAWS; draw++) {
        int64_t wait = retry_wait_ms(&plain, 4, 0, 0);
        least = wait < least ? wait : least;
        most = wait > most ? wait : most;
    }
    assert_true(least < 4400);
    assert_true(most > 7600);
}

static void the_peer_may_ask_for_more(void **state)
{
    (void)state;
    assert_int_equal(retry_wait_ms(&plain, 1, 0, 30000), 30000); /* also over the cap */
    assert_in_range(retry_wait_ms(&plain, 4, 0, 5), 4000, 8000);
}

static void attempts_end(void **state)
{
    (void)state;
    assert_true(retry_wait_ms(&plain, 9, 0, 0) > 0);
    assert_int_equal(retry_wait_ms(&plain, 10, 0, 0), -1);
    assert_int_equal(retry_wait_ms(&plain, 11, 0, 0), -1);
}

static void the_budget_ends(void **state)
{
    (void)state;
    assert_int_equal(retry_wait_ms(&plain, 1, 90000, 10000), 10000); /* just begins in time */
    assert_int_equal(retry_wait_ms(&plain, 1, 90001, 10000), -1);
    assert_int_equal(retry_wait_ms(&plain, 1, 0, INT64_MAX), -1);
    assert_int_equal(retry_wait_ms(&plain, 1, INT64_MAX, 0), -1);
}

/* The attempts of REST calls are there for the arithmetic: the budget decides. */
static void rest_calls_are_tried_for_ten_minutes(void **state)
{
    (void)state;
    for (int round = 0; round < 100; round++) {
        int64_t elapsed = 0;
        int tried = 1;
        for (int64_t wait; (wait = retry_wait_ms(&retry_api, tried, elapsed, 0)) >= 0; tried++)
            elapsed += wait;
        assert_in_range(elapsed, 600000 - 32000, 600000);
        assert_true(tried < retry_api.attempts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_double_up_to_the_cap),
        cmocka_unit_test(waits_are_spread),
        cmocka_unit_test(the_peer_may_ask_for_more),
        cmocka_unit_test(attempts_end),
        cmocka_unit_test(the_budget_ends),
        cmocka_unit_test(rest_calls_are_tried_for_ten_minutes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
