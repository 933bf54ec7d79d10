/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/run.h"

static bool is_in_list(const char *outcome)
{
    for (size_t i = 0; good_outcomes[i]; i++)
        if (strcmp(good_outcomes[i], outcome) == 0) return true;
    return false;
}

/* Queries of attempts have the list; the process has stream_is_good. */
static void the_list_and_the_process_agree(void **state)
{
    (void)state;
    static const struct {
        struct stream_result result;
        const char *outcome;
        bool is_good;
    } cases[] = {
        {{.units = 1}, "loaded", true},
        {{.satisfied = true}, "satisfied", true},
        {{.skipped = true}, "skipped", true},
        {{.is_empty = true}, "empty", true},
        {{.forbidden = true}, "forbidden", false},
        {{.error.kind = ERROR_STOPPED}, "stopped", false},
        {{.error.kind = ERROR_BUSY, .satisfied = true}, "busy", false},
    };
    size_t good = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *outcome = stream_outcome(&cases[i].result);
        assert_string_equal(outcome, cases[i].outcome);
        assert_int_equal(stream_is_good(&cases[i].result), cases[i].is_good);
        assert_int_equal(is_in_list(outcome), cases[i].is_good);
        good += cases[i].is_good;
    }
    assert_null(good_outcomes[good]);
}

/* No kind of error has the name of a good outcome. */
static void no_error_is_good(void **state)
{
    (void)state;
    for (size_t kind = ERROR_NONE + 1; kind < ERROR_KINDS; kind++) {
        struct stream_result result = {.error.kind = (enum error_kind)kind};
        assert_false(stream_is_good(&result));
        assert_false(is_in_list(stream_outcome(&result)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_and_the_process_agree),
        cmocka_unit_test(no_error_is_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
