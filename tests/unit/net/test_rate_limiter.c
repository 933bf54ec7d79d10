/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pthread.h>

#include "net/rate_limiter.h"

#define NOW  5000000    /* our clock and the service's are unrelated */
#define DATE 1700000000 /* the service's */

static const struct rate_report silent = {.limit = -1, .remaining = -1, .reset_s = -1, .date_s = -1};

static struct rate_report report(int64_t limit, int64_t remaining, int64_t reset_in_s)
{
    return (struct rate_report){.limit = limit,
                                .remaining = remaining,
                                .reset_s = DATE + reset_in_s,
                                .date_s = DATE,
                                .began_ms = NOW};
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

/* How many may be in flight at once. */
static int64_t begin_all_at(struct rate_limiter *limiter, int64_t now_ms)
{
    int64_t count = 0;
    while (count < 1000 && rate_limiter_begin(limiter, now_ms) == 0)
        count++;
    return count;
}

static int64_t begin_all(struct rate_limiter *limiter)
{
    return begin_all_at(limiter, NOW);
}

/* How many may be sent, each being answered before the next. heard: the newest answer. */
static int64_t spend_all(struct rate_limiter *limiter, struct rate_report heard)
{
    int64_t count = 0;
    while (count < 2000 && rate_limiter_begin(limiter, NOW) == 0) {
        heard.remaining--;
        rate_limiter_end(limiter);
        assert_int_equal(take_report(limiter, heard), 0);
        count++;
    }
    return count;
}

static int64_t allowed(double share, struct rate_report heard)
{
    struct rate_limiter *limiter = rate_limiter_new(share);
    assert_int_equal(take_report(limiter, heard), 0);
    int64_t count = spend_all(limiter, heard);
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
    for (int i = 0; i < 2; i++)
        assert_int_equal(rate_limiter_begin(limiter, NOW), 0);
    rate_limiter_end(limiter); /* the first answers: 22 remain, and one is on its way */
    assert_int_equal(take_report(limiter, report(24, 22, 10)), 0);
    assert_int_equal(begin_all(limiter),
                     10); /* half of them are in flight then, the rest is for a newcomer */
    assert_true(rate_limiter_begin(limiter, NOW) < 1000); /* ... until an answer has come */
    rate_limiter_free(limiter);
}

static void within_a_window_the_allowance_only_falls(void **state)
{
    (void)state;
    struct rate_limiter *limiter = rate_limiter_new(1.0);
    assert_int_equal(take_report(limiter, report(-1, 3, 10)), 0);
    assert_int_equal(take_report(limiter, report(-1, 15, 10)), 0); /* an older answer of the same window */
    assert_int_equal(take_report(limiter, report(-1, 15, 11)), 0); /* ... whose end is rounded up */
    assert_int_equal(spend_all(limiter, report(-1, 15, 10)), 3);
    rate_limiter_free(limiter);
}

static void an_old_answer_that_arrives_late_changes_nothing(void **state)
{
    (void)state;
    struct rate_limiter *limiter = rate_limiter_new(1.0);
    struct rate_report late = report(-1, 19, 10);
    struct rate_report newer = report(-1, 2, 20);
    newer.date_s = DATE + 11;
    late.began_ms = NOW - 5000;
    assert_int_equal(take_report(limiter, newer), 0);
    assert_int_equal(take_report(limiter, late), 0);
    late.remaining = 0;
    assert_int_equal(take_report(limiter, late), 0);
    assert_int_equal(spend_all(limiter, newer), 2);
    newer.reset_s += 10; /* the next window raises it */
    newer.remaining = 20;
    assert_int_equal(take_report(limiter, newer), 0);
    assert_int_equal(spend_all(limiter, newer), 20);
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
    assert_int_equal(take_report(limiter, report(100, 0, -3)), 0); /* it should be over: the clocks differ */
    assert_int_equal(wait_ms(limiter, NOW), 1000);
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

static void a_window_is_begun_with_few_requests(void **state)
{
    (void)state;
    struct rate_limiter *limiter = rate_limiter_new(1.0);
    assert_int_equal(begin_all(limiter), 2); /* before the first answer of all */
    rate_limiter_end(limiter);
    assert_int_equal(begin_all(limiter), 1);
    assert_int_equal(take_report(limiter, report(30, 28, 10)), 0);
    assert_int_equal(begin_all(limiter), 12);
    assert_int_equal(begin_all_at(limiter, NOW + 10000), 2); /* the next: old requests are in flight still */
    struct rate_report old = report(30, 0, 10);
    old.date_s = DATE + 9;
    assert_int_equal(rate_limiter_report(limiter, &old, NOW + 10100), 0); /* its answer comes late */
    assert_int_equal(begin_all_at(limiter, NOW + 10100), 0);
    struct rate_report next = report(30, 29, 20);
    next.date_s = DATE + 10;
    rate_limiter_end(limiter);
    assert_int_equal(rate_limiter_report(limiter, &next, NOW + 10200), 0);
    assert_int_equal(begin_all_at(limiter, NOW + 10200), 0); /* fifteen are in flight, and may count here */
    rate_limiter_free(limiter);
}

static void a_service_without_figures_is_not_limited(void **state)
{
    (void)state;
    struct rate_limiter *limiter = rate_limiter_new(1.0);
    assert_int_equal(begin_all(limiter), 2);
    assert_int_equal(take_report(limiter, silent), 0);
    assert_int_equal(begin_all(limiter), 1000);
    rate_limiter_free(limiter);
    limiter = rate_limiter_new(1.0);
    assert_int_equal(take_report(limiter, report(10, 9, 1)), 0);
    for (int i = 0; i < 4; i++) {
        assert_true(begin_all_at(limiter, NOW + 1000) <= 2); /* a proxy drops the headers of some answers */
        assert_int_equal(take_report(limiter, silent), 0);
    }
    assert_int_equal(begin_all_at(limiter, NOW + 1000), 1000);
    rate_limiter_free(limiter);
}

/* The service's clock shows whole seconds. */
static void the_most_exact_end_counts(void **state)
{
    (void)state;
    struct rate_limiter *limiter = rate_limiter_new(0.8);
    assert_int_equal(take_report(limiter, report(100, 0, 7)), 0);
    struct rate_report later = report(100, 0, 7);
    later.date_s = DATE + 1;
    assert_int_equal(rate_limiter_report(limiter, &later, NOW + 100), 0);
    assert_int_equal(wait_ms(limiter, NOW + 100), 6000);
    rate_limiter_free(limiter);
}

/* A request that began after the window's end tells of the next, whatever the service's clock says. */
static void a_clock_that_stands_still_is_enough(void **state)
{
    (void)state;
    struct rate_limiter *limiter = rate_limiter_new(1.0);
    assert_int_equal(take_report(limiter, report(10, 9, 10)), 0);
    struct rate_report later = report(10, 4, 7);
    later.began_ms = NOW + 2900;
    assert_int_equal(rate_limiter_report(limiter, &later, NOW + 3000), 0);
    later = report(10, 0, 5);
    later.began_ms = NOW + 4900;
    assert_int_equal(rate_limiter_report(limiter, &later, NOW + 5000), 0);
    assert_int_equal(wait_ms(limiter, NOW + 5000), 5000);
    assert_int_equal(wait_ms(limiter, NOW + 10000), 0);
    later = report(10, 0, 9);
    later.began_ms = NOW + 10000;
    assert_int_equal(rate_limiter_report(limiter, &later, NOW + 11000), 0);
    assert_int_equal(wait_ms(limiter, NOW + 11000), 9000);
    rate_limiter_free(limiter);
}

static void another_limit_shows_by_refusals(void **state)
{
    (void)state;
    struct rate_limiter *limiter = rate_limiter_new(1.0);
    assert_int_equal(take_report(limiter, report(1000, 999, 10)), 0);
    for (int i = 0; i < 40; i++)
        assert_int_equal(wait_ms(limiter, NOW), 0);
    struct rate_report refused = report(1000, 960, 10); /* the workspace's limit, which others spent */
    refused.is_refused = true;
    assert_int_equal(take_report(limiter, refused), 10000);
    int64_t before = 28;
    for (int64_t end_s = 20, count = 0; count < 1000; end_s += 10) {
        struct rate_report next = report(1000, 1000, end_s);
        next.date_s += end_s - 10;
        assert_int_equal(take_report(limiter, next), 0);
        count = spend_all(limiter, next);
        assert_in_range(count, before + 1, before * 3 / 2 + 2); /* a little more each time */
        before = count;
        if (end_s == 20) assert_in_range(count, 25, 39);
        if (count > 800) break;
    }
    rate_limiter_free(limiter);
}

/* --- several processes share a service's limit --- */

#define PROCESSES  3
#define WINDOW_MS  10000
#define LATENCY_MS 100 /* each way */
#define SLOTS      40  /* requests that a process would have in flight */

struct answer {
    int64_t due_ms; /* 0: none is in flight */
    int64_t counted_ms;
    struct rate_report heard;
};

struct process {
    struct rate_limiter *limiter;
    struct answer answers[SLOTS];
    int64_t retry_ms[SLOTS];
    int64_t sent; /* in this window */
};

struct service {
    int64_t limit, used, window, refused;
};

/* Counts a request as it arrives. The service's clock shows whole seconds, and is half a second ahead. */
static void count_request(struct service *service, struct answer *answer, int64_t now_ms)
{
    int64_t clock_ms = now_ms + 500, window = clock_ms / WINDOW_MS;
    if (window != service->window) *service = (struct service){service->limit, 0, window, service->refused};
    bool is_refused = service->used >= service->limit;
    service->refused += is_refused;
    service->used += !is_refused;
    answer->heard = (struct rate_report){.is_refused = is_refused,
                                         .began_ms = answer->heard.began_ms,
                                         .limit = service->limit,
                                         .remaining = service->limit - service->used,
                                         .reset_s = (window + 1) * WINDOW_MS / 1000,
                                         .date_s = clock_ms / 1000};
    answer->counted_ms = 0;
}

static void step(struct process *process, struct service *service, int64_t now_ms)
{
    for (size_t i = 0; i < SLOTS; i++) {
        struct answer *answer = &process->answers[i];
        if (answer->counted_ms == now_ms) count_request(service, answer, now_ms);
        if (answer->due_ms == now_ms) {
            rate_limiter_end(process->limiter);
            (void)rate_limiter_report(process->limiter, &answer->heard, now_ms);
            answer->due_ms = 0;
        }
        if (answer->due_ms > 0 || process->retry_ms[i] > now_ms) continue;
        int64_t wait = rate_limiter_begin(process->limiter, now_ms);
        process->retry_ms[i] = now_ms + wait;
        if (wait > 0) continue;
        int64_t jitter = (int64_t)(i * 7 + (size_t)now_ms * 13) % 40; /* answers overtake each other */
        answer->counted_ms = now_ms + LATENCY_MS + jitter;
        answer->due_ms = answer->counted_ms + LATENCY_MS + (40 - jitter);
        answer->heard.began_ms = now_ms;
        process->sent++;
    }
}

/* From the second window on, when each knows of the others: what all spend, and each. */
static void share_limit(double share, int64_t limit, size_t processes)
{
    struct process *all = calloc(PROCESSES, sizeof *all);
    struct service service = {.limit = limit, .window = -1};
    int64_t allowed = (int64_t)((double)limit * share);
    assert_non_null(all);
    for (size_t i = 0; i < processes; i++)
        all[i].limiter = rate_limiter_new(share);
    for (int64_t now = 500, used = 0; now < 500 + 6 * WINDOW_MS; now++) {
        int64_t window = service.window;
        used = service.used;
        for (size_t i = 0; i < processes; i++)
            if (now >= 500 + (int64_t)i * 700) step(&all[i], &service, now);
        if (service.window == window) continue;
        for (size_t i = 0; i < processes; i++) {
            if (window >= 2) { /* within a third of the fair part */
                assert_true(all[i].sent * 3 * (int64_t)processes > 2 * used);
                assert_true(all[i].sent * 3 * (int64_t)processes < 4 * used + 60);
            }
            all[i].sent = 0;
        }
        if (window < 1) continue;
        assert_true(used <= allowed);
        assert_true(used * 100 >= allowed * (processes == 1 ? 97 : 90));
    }
    assert_int_equal(service.refused, 0);
    for (size_t i = 0; i < processes; i++)
        rate_limiter_free(all[i].limiter);
    free(all);
}

static void processes_share_a_limit(void **state)
{
    (void)state;
    for (size_t processes = 1; processes <= PROCESSES; processes++) {
        share_limit(0.8, 1667, processes);
        share_limit(0.8, 167, processes);
        share_limit(0.8, 83, processes);
        share_limit(1.0, 167, processes);
    }
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
        cmocka_unit_test(a_window_is_begun_with_few_requests),
        cmocka_unit_test(a_service_without_figures_is_not_limited),
        cmocka_unit_test(the_most_exact_end_counts),
        cmocka_unit_test(a_clock_that_stands_still_is_enough),
        cmocka_unit_test(another_limit_shows_by_refusals),
        cmocka_unit_test(processes_share_a_limit),
        cmocka_unit_test(threads_share_one_allowance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
