/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "internal.h"

#define NOW 5000000 /* our clock and the peer's have nothing to do with each other */

static const struct limit_report silent = {.limit = -1, .remaining = -1, .reset_s = -1, .date_s = -1};

static struct limit_report report(int64_t limit, int64_t remaining, int64_t reset_in_s)
{
    return (struct limit_report){
        .limit = limit, .remaining = remaining, .reset_s = 1700000000 + reset_in_s, .date_s = 1700000000};
}

static void what_is_not_known_does_not_hold_up(void **state)
{
    (void)state;
    struct limiter limiter = {.share = 0.5};
    assert_int_equal(limiter_delay_ms(&limiter, NOW), 0);
    assert_int_equal(limiter_heard(&limiter, &silent, NOW), 0);
    assert_int_equal(limiter_delay_ms(&limiter, NOW), 0);
    struct limit_report timeless = report(100, 0, 10);
    timeless.date_s = -1; /* no clock of the peer: the reset says nothing */
    assert_int_equal(limiter_heard(&limiter, &timeless, NOW), 0);
    assert_int_equal(limiter_delay_ms(&limiter, NOW), 0);
}

/* How many requests may begin at once after a report. */
static int64_t allowed(double share, struct limit_report heard)
{
    struct limiter limiter = {.share = share};
    int64_t count = 0;
    assert_int_equal(limiter_heard(&limiter, &heard, NOW), 0);
    for (; limiter_delay_ms(&limiter, NOW) == 0 && count < 100000; count++)
        limiter_began(&limiter, NOW);
    return count;
}

static void the_rest_is_for_others(void **state)
{
    (void)state;
    assert_int_equal(allowed(1.0, report(167, 166, 10)), 166);
    assert_int_equal(allowed(0.5, report(100, 99, 10)), 49);
    assert_int_equal(allowed(0.5, report(100, 50, 10)), 0);
    assert_int_equal(allowed(0.5, report(100, 3, 10)), 0);
    assert_int_equal(allowed(0.01, report(10, 9, 10)), 0);
    assert_int_equal(allowed(0.5, report(-1, 7, 10)), 7); /* what is not told is not shared */
}

static void the_window_ends(void **state)
{
    (void)state;
    struct limiter limiter = {.share = 0.8};
    struct limit_report empty = report(100, 0, 7);
    assert_int_equal(limiter_heard(&limiter, &empty, NOW), 0);
    assert_int_equal(limiter_delay_ms(&limiter, NOW), 7000);
    assert_int_equal(limiter_delay_ms(&limiter, NOW + 6999), 1);
    assert_int_equal(limiter_delay_ms(&limiter, NOW + 7000), 0);
    struct limit_report over = report(100, 0, -3);
    assert_int_equal(limiter_heard(&limiter, &over, NOW), 0);
    assert_int_equal(limiter_delay_ms(&limiter, NOW), 0);
}

static void a_wild_reset_is_cut(void **state)
{
    (void)state;
    struct limiter limiter = {.share = 0.8};
    struct limit_report wild = report(100, 0, 0);
    wild.reset_s = INT64_MAX;
    assert_int_equal(limiter_heard(&limiter, &wild, NOW), 0);
    assert_int_equal(limiter_delay_ms(&limiter, NOW), 60000);
    wild.limit = INT64_MAX;
    wild.remaining = INT64_MAX;
    assert_int_equal(limiter_heard(&limiter, &wild, NOW), 0);
    assert_int_equal(limiter_delay_ms(&limiter, NOW), 0);
}

static void a_refusal_waits_in_order(void **state)
{
    (void)state;
    struct limiter limiter = {.share = 0.8};
    struct limit_report refused = report(100, 50, 4);
    refused.refused = true;
    assert_int_equal(limiter_heard(&limiter, &refused, NOW), 4000); /* the reset, whatever remains */
    assert_int_equal(limiter_delay_ms(&limiter, NOW + 1000), 3000); /* it holds for other calls as well */

    refused.retry_after_ms = 9000; /* goes first */
    assert_int_equal(limiter_heard(&limiter, &refused, NOW), 9000);
    assert_int_equal(limiter_delay_ms(&limiter, NOW), 9000);

    refused.retry_after_ms = 86400000; /* one call gives up, not all for a day */
    assert_int_equal(limiter_heard(&limiter, &refused, NOW), 86400000);
    assert_int_equal(limiter_delay_ms(&limiter, NOW), 600000);

    struct limiter fresh = {.share = 0.8};
    struct limit_report bare = silent;
    bare.refused = true;
    assert_int_equal(limiter_heard(&fresh, &bare, NOW), 0); /* then the usual back-off decides */
    assert_int_equal(limiter_delay_ms(&fresh, NOW), 0);
}

static void a_server_in_trouble_names_its_wait_too(void **state)
{
    (void)state;
    struct limiter limiter = {.share = 0.8};
    struct limit_report trouble = silent;
    trouble.retry_after_ms = 2000;
    assert_int_equal(limiter_heard(&limiter, &trouble, NOW), 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_known_does_not_hold_up),
        cmocka_unit_test(the_rest_is_for_others),
        cmocka_unit_test(the_window_ends),
        cmocka_unit_test(a_wild_reset_is_cut),
        cmocka_unit_test(a_refusal_waits_in_order),
        cmocka_unit_test(a_server_in_trouble_names_its_wait_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
