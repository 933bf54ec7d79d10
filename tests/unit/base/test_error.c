/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/error.h"

static void test_set_and_wrap(void **state)
{
    struct error err = {.status = 7};
    char origin[ERROR_ORIGIN], expected[ERROR_ORIGIN];
    int line;

    (void)state;
    assert_false(error_set(&err, ERROR_BUSY, "answer %d", 503));
    assert_int_equal(err.kind, ERROR_BUSY);
    assert_int_equal(err.status, 0);
    assert_false(error_set_status(&err, ERROR_BUSY, 503, "answer %d", 503));
    line = __LINE__ - 1;
    assert_false(error_wrap(&err, "stream %s", "contacts"));
    assert_string_equal(err.text, "stream contacts: answer 503");
    assert_int_equal(err.kind, ERROR_BUSY);
    assert_int_equal(err.status, 503);
    assert_int_equal(err.line, line);
    (void)snprintf(expected, sizeof expected, "test_error.c:%d", line);
    assert_string_equal(error_origin(&err, origin), expected);
    assert_string_equal(error_origin(&(struct error){0}, origin), "");
}

static void test_arguments_may_point_into_the_error(void **state)
{
    struct error err = {0};

    (void)state;
    (void)error_set(&err, ERROR_FORMAT, "inner");
    (void)error_set(&err, ERROR_LIMIT, "outer(%s)", err.text);
    assert_string_equal(err.text, "outer(inner)");
    (void)error_wrap(&err, "%s", err.text);
    assert_string_equal(err.text, "outer(inner): outer(inner)");
}

static void test_control_characters_become_blanks(void **state)
{
    struct error err = {0};

    (void)state;
    (void)error_set(&err, ERROR_REFUSED, "peer: %s",
                    "a\x1B[2Jb\r\nc\x7F"
                    "d \xC3\xA9");
    assert_string_equal(err.text, "peer: a [2Jb  c d \xC3\xA9");
    (void)error_wrap(&err, "%s", "up\tdown");
    assert_string_equal(err.text, "up down: peer: a [2Jb  c d \xC3\xA9");
}

/* The last character of a text is whole, wherever the cut falls. */
static void assert_whole(const char *text)
{
    size_t size = strlen(text);
    size_t tail = 0;

    while (tail < size && ((unsigned char)text[size - 1 - tail] & 0xC0) == 0x80)
        tail++;
    assert_true(tail < size);
    if (tail > 0)
        assert_int_equal(tail, 1); /* all test characters have two bytes */
    else
        assert_true((unsigned char)text[size - 1] < 0x80);
}

static void test_long_texts_are_cut_between_characters(void **state)
{
    char longest[2001];
    struct error err = {0};

    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        memset(longest, 'a', shift);
        for (size_t i = shift; i + 1 < sizeof longest; i += 2)
            memcpy(longest + i, "\xC3\xA4", 2);
        longest[sizeof longest - 1] = '\0';
        (void)error_set(&err, ERROR_LIMIT, "%s", longest);
        assert_true(strlen(err.text) >= sizeof err.text - 3 && strlen(err.text) < sizeof err.text);
        assert_whole(err.text);
        (void)error_wrap(&err, "front");
        assert_memory_equal(err.text, "front: ", 7);
        assert_whole(err.text);
    }
}

static void test_every_kind_has_its_rule(void **state)
{
    static const struct {
        enum error_kind kind;
        enum error_message message;
        bool leave, stream_only;
        int run_exit_code, serve_exit_code;
    } expected[] = {
        {ERROR_NONE, MESSAGE_ACK, false, false, 0, 0},
        {ERROR_CONFIG, MESSAGE_NACK, true, false, 78, 78},
        {ERROR_AUTH, MESSAGE_NACK, true, false, 77, 77},
        {ERROR_REQUEST, MESSAGE_NACK, false, false, 64, 64},
        {ERROR_FORBIDDEN, MESSAGE_ACK, false, true, 77, 77},
        {ERROR_BUSY, MESSAGE_NACK, false, true, 75, 75},
        {ERROR_REFUSED, MESSAGE_NACK, false, true, 65, 65},
        {ERROR_FORMAT, MESSAGE_NACK, false, true, 65, 65},
        {ERROR_LIMIT, MESSAGE_NACK, false, true, 75, 75},
        {ERROR_UNREACHABLE, MESSAGE_NACK, true, false, 69, 69},
        {ERROR_STOPPED, MESSAGE_NACK_NOW, true, false, 75, 0},
    };

    (void)state;
    assert_int_equal(sizeof expected / sizeof expected[0], ERROR_KINDS);
    for (size_t i = 0; i < ERROR_KINDS; i++) {
        const struct error_rule *rule = &error_rules[expected[i].kind];

        assert_int_equal(rule->message, expected[i].message);
        assert_int_equal(rule->leave, expected[i].leave);
        assert_int_equal(rule->stream_only, expected[i].stream_only);
        assert_int_equal(rule->run_exit_code, expected[i].run_exit_code);
        assert_int_equal(rule->serve_exit_code, expected[i].serve_exit_code);
        assert_non_null(rule->meaning);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(rule->name, error_rules[expected[j].kind].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_and_wrap),
        cmocka_unit_test(test_arguments_may_point_into_the_error),
        cmocka_unit_test(test_control_characters_become_blanks),
        cmocka_unit_test(test_long_texts_are_cut_between_characters),
        cmocka_unit_test(test_every_kind_has_its_rule),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
