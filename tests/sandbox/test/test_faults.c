/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "sandbox_internal.h"

static int set_up(void **state)
{
    *state = faults_new();
    return 0;
}

static int tear_down(void **state)
{
    faults_free(*state);
    return 0;
}

static void add(struct faults *faults, const char *line)
{
    struct error err;
    assert_true(faults_add(faults, line, &err));
}

static void test_the_nth_call_and_no_other(void **state)
{
    struct fault fault;
    add(*state, "intercom me 2 status 429 retry-after=1 reason=rate_limit_exceeded");
    assert_false(faults_next(*state, "intercom", "me", &fault));
    assert_false(faults_next(*state, "intercom", "contacts.search", &fault));
    assert_false(faults_next(*state, "bigquery", "me", &fault));
    assert_true(faults_next(*state, "intercom", "me", &fault));
    assert_string_equal(fault.action, "status");
    assert_int_equal(fault.argument_count, 3);
    assert_string_equal(fault.argument[1], "retry-after=1");
    assert_string_equal(fault.line, "intercom me 2 status 429 retry-after=1 reason=rate_limit_exceeded");
    assert_false(faults_next(*state, "intercom", "me", &fault));
}

static void test_calls_are_counted_from_when_the_fault_was_added(void **state)
{
    struct fault fault;
    assert_false(faults_next(*state, "intercom", "me", &fault));
    add(*state, "intercom me 1 truncate");
    assert_true(faults_next(*state, "intercom", "me", &fault));
}

static void test_every_call_until_they_are_cleared(void **state)
{
    struct fault fault;
    add(*state, "bigquery jobs.insert * drop after");
    for (int i = 0; i < 3; i++)
        assert_true(faults_next(*state, "bigquery", "jobs.insert", &fault));
    faults_clear(*state);
    assert_false(faults_next(*state, "bigquery", "jobs.insert", &fault));
}

static void test_one_fault_a_call_but_all_count(void **state)
{
    struct fault fault;
    add(*state, "intercom me 1 empty");
    add(*state, "intercom me 2 html");
    assert_true(faults_next(*state, "intercom", "me", &fault) && strcmp(fault.action, "empty") == 0);
    assert_true(faults_next(*state, "intercom", "me", &fault) && strcmp(fault.action, "html") == 0);
}

static void test_what_is_not_understood_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "intercom",
        "intercom me 1",
        "intercom me 0 empty",
        "intercom me -1 empty",
        "intercom me x empty",
        "intercom me 1x empty",
        "intercom me 1 explode",
        "intercom me 1 status",
        "intercom me 1 status 99",
        "intercom me 1 late-status 99",
        "intercom me 1 status 4xx",
        "intercom me 1 status 429 retry-after",
        "intercom me 1 drop",
        "intercom me 1 drop later",
        "intercom me 1 delay soon",
        "intercom me 1 empty now",
        "bigquery job 1 drop after",
        "bigquery jobs.insert 1 fail backendError",
        "bigquery job 1 hold COMMIT",
        "bigquery table 1 missing",
        "bigquery table 1 missing twice",
        "bigquery table 1 missing once somewhere",
    };
    struct error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(faults_add(*state, bad[i], &err));
        assert_int_equal(strncmp(err.text, "fault: ", 7), 0);
    }
}

static void test_what_is_understood(void **state)
{
    add(*state, "bigquery job 1 hold COMMIT 2");
    add(*state, "bigquery job 2 fail backendError");
    add(*state, "bigquery table * missing once query");
    add(*state, "bigquery upload.put 1 truncate");
    add(*state, "intercom me 1 delay 200");
    add(*state, "intercom me 1 raw");
    add(*state, "intercom me 1 body one two three four five six seven eight nine ten");
    add(*state, "pubsub deliver 1 twice");
    add(*state, "pubsub acknowledge 1 lose");
    add(*state, "  pubsub \t modifyAckDeadline * refuse\r\n");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_the_nth_call_and_no_other),
        TEST(test_calls_are_counted_from_when_the_fault_was_added),
        TEST(test_every_call_until_they_are_cleared),
        TEST(test_one_fault_a_call_but_all_count),
        TEST(test_what_is_not_understood_is_refused),
        TEST(test_what_is_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
