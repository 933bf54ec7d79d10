/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/limits.h"
#include "rest/cycle.h"
#include "rest/exchange.h"
#include "rest/next_page.h"
#include "rest/page_queue.h"

static void quotes_are_cut_and_printable(void **state)
{
    (void)state;
    char out[8];
    exchange_quote(out, sizeof out, "a\nb\xC3\xA9\x1B[1mlong");
    assert_string_equal(out, "a?b???[");
    exchange_quote(out, sizeof out, NULL);
    assert_string_equal(out, "");
}

/* --- lists that wait --- */

static void lists_wait_in_order_while_there_is_room(void **state)
{
    (void)state;
    static const char *const texts[] = {"[{\"id\":\"a\"}]", "[]", "[1,2.5,null,\"\xC3\xA4\"]"};
    struct page_queue queue = {0};
    struct error err = {0};
    for (size_t i = 0; i < 3; i++) {
        AUTO(value_drop) struct json_value *list = NULL;
        assert_true(value_read(texts[i], strlen(texts[i]), false, NULL, &list, &err));
        assert_true(page_queue_push(&queue, list));
    }
    for (size_t i = 0; i < 3; i++) {
        AUTO(value_drop) struct json_value *taken = NULL;
        AUTO(buf_done) struct buf text = buf_limited(100);
        assert_true(page_queue_pop(&queue, &taken, &err));
        assert_true(value_write(&text, taken));
        assert_string_equal(buf_string(&text), texts[i]);
    }
    AUTO(value_drop) struct json_value *list = NULL;
    assert_true(page_queue_pop(&queue, &list, &err));
    assert_null(list);
    list = value_new(VALUE_ARRAY);
    queue.memory = LIMIT_COMPRESSED;
    assert_false(page_queue_push(&queue, list));
    page_queue_done(&queue);
    assert_int_equal(queue.count, 0);
}

/* --- cycles --- */

/* Steps until the walk is known to go in a circle; 0: it never was in so many. */
static int steps_to_detect(int before, int length)
{
    AUTO(cycle_done) struct cycle cycle = {0};
    char step[16];
    for (int i = 0; i < 8 * (before + length); i++) {
        int at = i < before ? i : before + (i - before) % length;
        (void)snprintf(step, sizeof step, "%d", at);
        if (cycle_closed(&cycle, step)) return i + 1;
    }
    return 0;
}

static void cycles_of_any_length_are_detected(void **state)
{
    (void)state;
    for (int before = 0; before < 20; before++)
        for (int length = 1; length < 20; length++) {
            int steps = steps_to_detect(before, length);
            assert_in_range(steps, before + length + 1, 4 * (before + length) + 2); /* not a step too early */
        }
}

/* --- counted pages --- */

static void pages_are_counted(void **state)
{
    (void)state;
    static const struct rest_dialect dialect = {.name = "Test", .total_member = "total"};
    const struct rest_source source = {.dialect = &dialect};
    static const struct {
        size_t size;
        int per_page;
        int64_t number, pages, next, total;
    } cases[] = {
        {50, 50, 1, 3, 2, -1},  {10, 50, 1, 3, 2, -1},  {50, 50, 3, 3, 0, -1},  {50, 50, 4, 3, 0, -1},
        {0, 50, 1, 3, 0, -1},   {50, 50, 1, -1, 2, -1}, {49, 50, 1, -1, 0, -1}, {49, 0, 1, -1, 0, -1},
        {49, 50, 1, -1, 2, 60}, {49, 50, 1, 1, 2, 60},  {49, 50, 1, -1, 0, 49}, {0, 50, 2, 9, 0, 60},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO(value_drop) struct json_value *list = value_new(VALUE_ARRAY);
        AUTO(value_drop) struct json_value *answer = value_new(VALUE_OBJECT);
        struct next_page next = {0};
        value_set_integer(answer, "total", cases[i].total);
        for (size_t j = 0; j < cases[i].size; j++)
            value_append(list, document_add(list->document, VALUE_NULL));
        next_page_count(&(struct page_context){.source = &source,
                                               .answer = answer,
                                               .list = list,
                                               .number = cases[i].number,
                                               .per_page = cases[i].per_page},
                        cases[i].pages, &next);
        assert_int_equal(next.number, cases[i].next);
    }
}

/* --- the rate limit --- */

/* The lease lets a run go whose progress counter stands still. */
static void waiting_for_the_rate_limit_is_progress(void **state)
{
    (void)state;
    struct progress progress = {0};
    struct rest_shared shared = {.limiter = rate_limiter_new(1.0)};
    struct rest_source rest = {.shared = &shared, .progress = &progress};
    struct exchange exchange;
    exchange_init(&exchange, &rest, "a page");
    const struct rate_report report = {.limit = 100, .remaining = 0, .reset_s = 30, .date_s = 0};
    (void)rate_limiter_report(shared.limiter, &report, clock_ms());
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(exchange.policy.delay_ms(exchange.policy.self), 1000); /* not 30 s in silence */
        assert_int_equal(atomic_load(&progress.steps), i);
    }
    assert_int_equal(exchange.tries, 0);
    rate_limiter_free(shared.limiter);
}

/* A try that is lost has no answer: the next try, or the end, takes it out of flight. */
static void lost_tries_leave_no_request_in_flight(void **state)
{
    (void)state;
    struct rest_shared shared = {.limiter = rate_limiter_new(1.0)};
    struct rest_source rest = {.shared = &shared};
    struct exchange exchange;
    exchange_init(&exchange, &rest, "a page");
    for (int i = 0; i < 5; i++)
        assert_int_equal(exchange.policy.delay_ms(exchange.policy.self), 0);
    assert_int_equal(exchange.tries, 5);
    exchange_done(&exchange);
    const struct rate_report report = {.limit = 8, .remaining = 3, .reset_s = 30, .date_s = 0};
    (void)rate_limiter_report(shared.limiter, &report, clock_ms());
    assert_int_equal(rate_limiter_begin(shared.limiter, clock_ms()), 0); /* one of the three at once */
    assert_true(rate_limiter_begin(shared.limiter, clock_ms()) > 0);
    rate_limiter_free(shared.limiter);
}

/* The workers' sources share how many requests are in flight; each may have one. */
static void sources_share_the_requests_in_flight(void **state)
{
    (void)state;
    struct rest_shared shared = {.limiter = rate_limiter_new(1.0)};
    struct rest_source first = {.shared = &shared}, second = {.shared = &shared};
    struct exchange exchanges[REST_IN_FLIGHT + 2];
    const struct rate_report report = {.limit = 1000, .remaining = 1000, .reset_s = 30, .date_s = 0};
    (void)rate_limiter_report(shared.limiter, &report, clock_ms());
    for (int i = 0; i < REST_IN_FLIGHT + 2; i++)
        exchange_init(&exchanges[i], i < REST_IN_FLIGHT ? &first : &second, "a page");
    for (int i = 0; i < REST_IN_FLIGHT + 1; i++)
        assert_int_equal(exchanges[i].policy.delay_ms(exchanges[i].policy.self), 0);
    struct exchange *last = &exchanges[REST_IN_FLIGHT + 1];
    assert_true(last->policy.delay_ms(last->policy.self) > 0);
    exchange_done(&exchanges[0]);
    exchange_done(&exchanges[1]);
    assert_int_equal(last->policy.delay_ms(last->policy.self), 0);
    for (int i = 2; i < REST_IN_FLIGHT + 2; i++)
        exchange_done(&exchanges[i]);
    assert_int_equal(atomic_load(&shared.in_flight), 0);
    rate_limiter_free(shared.limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_wait_in_order_while_there_is_room),
        cmocka_unit_test(quotes_are_cut_and_printable),
        cmocka_unit_test(cycles_of_any_length_are_detected),
        cmocka_unit_test(pages_are_counted),
        cmocka_unit_test(waiting_for_the_rate_limit_is_progress),
        cmocka_unit_test(lost_tries_leave_no_request_in_flight),
        cmocka_unit_test(sources_share_the_requests_in_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
