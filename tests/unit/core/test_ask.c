/* SPDX-License-Identifier: Apache-2.0 */
/* test_ask.c - which missing records are asked for, and when a list is confirmed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../../src/core/ask.h"

struct bench {
    struct asker asker;     /* first */
    int64_t alive, unknown; /* among the first that are asked for */
    size_t asked[2], rounds;
};

static bool answer(struct asker *asker, char *const *ids, size_t count, struct answers *out,
                   struct error *err)
{
    struct bench *bench = (struct bench *)asker;
    (void)ids;
    (void)err;
    bench->asked[bench->rounds++] = count;
    *out = (struct answers){.alive = bench->alive, .gone = (int64_t)count - bench->alive - bench->unknown};
    bench->alive = bench->unknown = 0;
    return true;
}

/* count: of the ids that the warehouse named. */
static struct bench ask(struct bench bench, int64_t total, int64_t alive, size_t count, bool confirmed)
{
    static char *ids[20000];
    struct error err = {0};
    bool is_confirmed = !confirmed;
    const struct missing missing = {.ids = ids, .count = count, .total = total, .alive = alive};
    bench.asker.stream = "people_reconciliation";
    bench.asker.ask = answer;
    assert_true(ask_missing(&bench.asker, &missing, &is_confirmed, &err));
    assert_int_equal(is_confirmed, confirmed);
    return bench;
}

static void few_are_all_asked_for(void **state)
{
    (void)state;
    struct bench bench = ask((struct bench){.asker.listed = 10}, 90, 0, 90, true);
    assert_int_equal(bench.asked[0], 90);
    bench = ask((struct bench){.asker.listed = 9900}, 1000, 0, 1000, true);
    assert_int_equal(bench.asked[0], 1000); /* a tenth */
    assert_int_equal(ask((struct bench){.asker.listed = 5}, 0, 0, 0, true).rounds, 0);
}

static void of_many_a_sample_is_asked_for(void **state)
{
    (void)state;
    struct bench bench = ask((struct bench){.asker.listed = 100}, 2000, 0, 1000, true);
    assert_int_equal(bench.rounds, 1);
    assert_int_equal(bench.asked[0], 300);
    bench = ask((struct bench){.asker.listed = 100}, 200, 0, 200, true);
    assert_int_equal(bench.asked[0], 200); /* the whole sample */
}

static void a_list_is_confirmed_if_none_is_alive_or_unknown(void **state)
{
    (void)state;
    (void)ask((struct bench){.asker.listed = 100, .alive = 1}, 2000, 0, 1000, false);
    (void)ask((struct bench){.asker.listed = 100, .unknown = 1}, 2000, 0, 1000, false);
    (void)ask((struct bench){.asker.listed = 100, .alive = 1}, 2, 0, 2, false);
}

/* They are in no list for reasons of their own, and say nothing about it. */
static void those_alive_before_are_asked_for_apart(void **state)
{
    (void)state;
    struct bench bench = ask((struct bench){.asker.listed = 100}, 500, 495, 500, true);
    assert_int_equal(bench.rounds, 2);
    assert_int_equal(bench.asked[0], 5);
    assert_int_equal(bench.asked[1], 495);
    bench = ask((struct bench){.asker.listed = 100}, 700, 300, 700, true);
    assert_int_equal(bench.rounds, 1); /* the list has shrunk */
}

static void requests_at_most_double(void **state)
{
    (void)state;
    assert_int_equal(ask_ceiling(3), 1000);
    assert_int_equal(ask_ceiling(6667), 6667);
    assert_int_equal(ask_ceiling(20000), 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_are_all_asked_for),
        cmocka_unit_test(of_many_a_sample_is_asked_for),
        cmocka_unit_test(a_list_is_confirmed_if_none_is_alive_or_unknown),
        cmocka_unit_test(those_alive_before_are_asked_for_apart),
        cmocka_unit_test(requests_at_most_double),
    };
    return cmocka_run_group_tests_name("ask", tests, NULL, NULL);
}
