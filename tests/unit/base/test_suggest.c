/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/suggest.h"

static void test_distances(void **state)
{
    static const struct {
        const char *a, *b;
        size_t distance;
    } cases[] = {
        {"", "", 0},
        {"abc", "abc", 0},
        {"abc", "abd", 1},
        {"abc", "ab", 1},
        {"abc", "abcd", 1},
        {"abc", "acb", 1},
        {"from", "form", 1},
        {"abcd", "badc", 2},
        {"", "abc", 3},
        {"kitten", "sitting", 3},
        {"stream", "streams", 1},
        {"abcdef", "uvwxyz", 4} /* cut at most + 1 */,
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(suggest_distance(cases[i].a, cases[i].b, 3), cases[i].distance);
        assert_int_equal(suggest_distance(cases[i].b, cases[i].a, 3), cases[i].distance);
    }
    assert_int_equal(suggest_distance("abc", "abcdef", 1), 2);
}

static void test_the_name_that_was_meant(void **state)
{
    static const char *const names[] = {"contacts", NULL, "conversations", "to", "tickets", "from"};
    const size_t count = sizeof names / sizeof names[0];

    (void)state;
    assert_string_equal(suggest_name("contact", names, count), "contacts");
    assert_string_equal(suggest_name("conversatoins", names, count), "conversations");
    assert_string_equal(suggest_name("form", names, count), "from");
    assert_string_equal(suggest_name("to", names, count), "to");
    assert_string_equal(suggest_name("too", names, count), "to");
    assert_null(suggest_name("xy", names, count)); /* two edits from "to", and nothing in common */
    assert_null(suggest_name("companies", names, count));
    assert_null(suggest_name("contacts", names, 0));
}

static void test_names_of_any_length_are_safe(void **state)
{
    char longest[1001];
    static const char *const names[] = {"contacts"};

    (void)state;
    for (size_t i = 0; i < sizeof longest - 1; i++)
        longest[i] = 'a';
    longest[sizeof longest - 1] = '\0';
    assert_null(suggest_name(longest, names, 1));
    assert_int_equal(suggest_distance(longest, longest, 2000), 2001); /* not looked at */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distances),
        cmocka_unit_test(test_the_name_that_was_meant),
        cmocka_unit_test(test_names_of_any_length_are_safe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
