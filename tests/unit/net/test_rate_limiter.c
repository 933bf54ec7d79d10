/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "net/rate_limiter.h"

#define NOW  5000000    /* our clock and the service's are unrelated */
#define DATE 1700000000 /* the service's */

static const struct rate_report silent = {.limit = -1, .remaining = -1, .reset_s = -1, .date_s = -1};

static struct rate_report report(int64_t limit, int64_t remaining, int64_t reset_in_s)
{
    return (struct rate_report){
        .limit = limit, .remaining = remaining, .reset_s = DATE + reset_in_s, .date_s = DATE};
}

static int64_t take_report(struct rate_limiter *limiter, struct rate_report heard)
{
    return rate_limiter_report(limiter, &heard, NOW);
}

/* The wait for a request, which then ends at once. */
static int64_t wait_ms(struct rate_limiter *limiter, int64_t now_ms)
{
    int64_t wait = rate_limiter_begin(limiter, now_ms);
    if (wait == 0) rate_limiter_end(limiter);
    return wait;
}

static int64_t begin_all(struct rate_limiter *limiter)
{
    int64_t count = 0;
    while (count < 1000 && rate_limiter_begin(limiter, NOW) == 0)
        count++;
    return count;
}

static int64_t allowed(double share, struct rate_report heard)
{
    struct rate_limiter *limiter = rate_limiter_new(share);
    assert_int_equal(take_report(limiter, heard), 0);
    int64_t count = begin_all(limiter);
    rate_limiter_free(limiter);
    return count;
}

static void unknown_limits_do_not_limit(void **state)
{
    (void)state;
    struct rate_limiter *limiter = rate_limiter_new(0.5);
    struct rate_report no_clock = report(100, 0, 10);
    no_clock.date_s = -1; /* without the service's clock the reset says nothing */
    assert_int_equal(wait_ms(limiter, NOW), 0);
    assert_int_equal(take_report(limiter, silent), 0);
    assert_int_equal(wait_ms(limiter, NOW), 0);
    assert_int_equal(take_report(limiter, no_clock), 0);
    assert_int_equal(wait_ms(limiter, NOW), 0);
    rate_limiter_free(limiter);
}

static void the_rest_is_for_others(void **state)
{
    (void)state;
    assert_int_equal(allowed(1.0, report(167, 166, 10)), 166);
    assert_int_equal(allowed(0.5, report(100, 99, 10)), 49);
    assert_int_equal(allowed(0.5, report(100, 50, 10)), 0);
    assert_int_equal(allowed(0.5, report(100, 3, 10)), 0);
    assert_int_equal(allowed(0.01, report(10, 9, 10)), 0);
    assert_int_equal(allowed(0.5, report(-1, 7, 10)), 7); /* an unreported limit is not shared */
}

static void requests_in_flight_count(void **state)
{
    (void)state;
    struct rate_limiter *limiter = rate_limiter_new(1.0);
    for (int i = 0; i < 8; i++)
        assert_int_equal(rate_limiter_begin(limiter, NOW), 0);
    rate_limiter_end(limiter); /* the first answers: 10 remain, and 7 are on their way */
    assert_int_equal(take_report(limiter, report(20, 10, 10)), 0);
    assert_int_equal(begin_all(limiter), 3);
    rate_limiter_free(limiter);
}

static void within_a_window_the_allowance_only_falls(void **state)
{
    (void)state;
    struct rate_limiter *limiter = rate_limiter_new(1.0);
    assert_int_equal(take_report(limiter, report(20, 3, 10)), 0);
    assert_int_equal(take_report(limiter, report(20, 15, 10)), 0); /* an older answer of the same window */
    assert_int_equal(take_report(limiter, report(20, 15, 11)), 0); /* ... whose end is rounded up */
    assert_int_equal(begin_all(limiter), 3);
    rate_limiter_free(limiter);
}

static void an_old_answer_that_arrives_late_changes_nothing(void **state)
{
    (void)state;
    struct rate_limiter *limiter = rate_limiter_new(1.0);
    struct rate_report late = report(20, 19, 10);
    struct rate_report newer = report(20, 2, 20);
    newer.date_s = DATE + 11;
    assert_int_equal(take_report(limiter, newer), 0);
    assert_int_equal(take_report(limiter, late), 0);
    late.remaining = 0;
    assert_int_equal(take_report(limiter, late), 0);
    assert_int_equal(begin_all(limiter), 2);
    newer.reset_s += 10; /* the next window raises it */
    newer.remaining = 20;
    assert_int_equal(take_report(limiter, newer), 0);
    assert_int_equal(begin_all(limiter), 18); /* two are in flight */
    rate_limiter_free(limiter);
}

static void the_window_ends(void **state)
{
    (void)state;
    struct rate_limiter *limiter = rate_limiter_new(0.8);
    assert_int_equal(take_report(limiter, report(100, 0, 7)), 0);
    assert_int_equal(wait_ms(limiter, NOW), 7000);
    assert_int_equal(wait_ms(limiter, NOW + 6999), 1);
    assert_int_equal(wait_ms(limiter, NOW + 7000), 0);
    rate_limiter_free(limiter);
    limiter = rate_limiter_new(0.8);
    assert_int_equal(take_report(limiter, report(100, 0, -3)), 0); /* it was over when it was reported */
    assert_int_equal(wait_ms(limiter, NOW), 0);
    rate_limiter_free(limiter);
}

static void a_reset_far_away_is_cut(void **state)
{
    (void)state;
    struct rate_limiter *limiter = rate_limiter_new(0.8);
    struct rate_report far_away = report(100, 0, 0);
    far_away.reset_s = INT64_MAX;
    assert_int_equal(take_report(limiter, far_away), 0);
    assert_int_equal(wait_ms(limiter, NOW), 60000);
    struct rate_report later = report(100, 100, 70); /* it does not outlive the time that is waited */
    later.date_s = DATE + 61;
    assert_int_equal(take_report(limiter, later), 0);
    assert_int_equal(wait_ms(limiter, NOW), 0);
    rate_limiter_free(limiter);
    far_away.limit = far_away.remaining = INT64_MAX;
    limiter = rate_limiter_new(0.8);
    assert_int_equal(take_report(limiter, far_away), 0);
    assert_int_equal(wait_ms(limiter, NOW), 0);
    rate_limiter_free(limiter);
}

static void a_refusal_waits(void **state)
{
    (void)state;
    struct rate_limiter *limiter = rate_limiter_new(0.8);
    struct rate_report refused = report(100, 50, 4);
    refused.is_refused = true;
    assert_int_equal(take_report(limiter, refused), 4000); /* the reset, whatever remains */
    assert_int_equal(wait_ms(limiter, NOW + 1000), 3000);  /* for all requests */
    assert_int_equal(take_report(limiter, report(100, 90, 4)), 0);
    assert_int_equal(wait_ms(limiter, NOW + 1000), 3000); /* an answer from before it */

    refused.retry_after_ms = 9000; /* goes first */
    assert_int_equal(take_report(limiter, refused), 9000);
    assert_int_equal(wait_ms(limiter, NOW), 9000);

    refused.retry_after_ms = 86400000; /* one request gives up, not all for a day */
    assert_int_equal(take_report(limiter, refused), 86400000);
    assert_int_equal(wait_ms(limiter, NOW), 600000);
    rate_limiter_free(limiter);

    limiter = rate_limiter_new(0.8);
    struct rate_report without_time = silent;
    without_time.is_refused = true;
    assert_int_equal(take_report(limiter, without_time), 0); /* then the usual back-off decides */
    assert_int_equal(wait_ms(limiter, NOW), 0);
    rate_limiter_free(limiter);
}

static void an_unavailable_service_names_its_wait_too(void **state)
{
    (void)state;
    struct rate_limiter *limiter = rate_limiter_new(0.8);
    struct rate_report unavailable = silent;
    unavailable.retry_after_ms = 2000;
    assert_int_equal(take_report(limiter, unavailable), 2000);
    rate_limiter_free(limiter);
}

/* --- two threads --- */

#define BUDGET 5000

struct spender {
    struct rate_limiter *limiter;
    int64_t spent;
};

static void *spend(void *self)
{
    struct spender *spender = self;
    while (rate_limiter_begin(spender->limiter, NOW) == 0) {
        struct rate_report same = report(BUDGET, BUDGET, 10);
        spender->spent++;
        rate_limiter_end(spender->limiter);
        (void)rate_limiter_report(spender->limiter, &same, NOW); /* late: it raises nothing */
    }
    return NULL;
}

static void threads_share_one_allowance(void **state)
{
    (void)state;
    struct rate_limiter *limiter = rate_limiter_new(1.0);
    struct spender spenders[2] = {{.limiter = limiter}, {.limiter = limiter}};
    pthread_t thread;
    assert_int_equal(take_report(limiter, report(BUDGET, BUDGET, 10)), 0);
    assert_int_equal(pthread_create(&thread, NULL, spend, &spenders[0]), 0);
    (void)spend(&spenders[1]);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(spenders[0].spent + spenders[1].spent, BUDGET);
    rate_limiter_free(limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_limits_do_not_limit),
        cmocka_unit_test(the_rest_is_for_others),
        cmocka_unit_test(requests_in_flight_count),
        cmocka_unit_test(within_a_window_the_allowance_only_falls),
        cmocka_unit_test(an_old_answer_that_arrives_late_changes_nothing),
        cmocka_unit_test(the_window_ends),
        cmocka_unit_test(a_reset_far_away_is_cut),
        cmocka_unit_test(a_refusal_waits),
        cmocka_unit_test(an_unavailable_service_names_its_wait_too),
        cmocka_unit_test(threads_share_one_allowance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
