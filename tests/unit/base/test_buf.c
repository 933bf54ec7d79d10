/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static void test_zeroed_buf_is_empty_and_has_no_room(void **state)
{
    struct buf buf = {0};

    (void)state;
    assert_string_equal(buf_string(&buf), "");
    assert_true(buf_add(&buf, "", 0));
    assert_false(buf_byte(&buf, 'x'));
    assert_true(buf.full);
    buf_reset(&buf);
    buf_done(&buf);
    buf_done(NULL);
}

static void test_ceiling_is_reached_exactly_and_full_stays(void **state)
{
    AUTO(buf_done) struct buf buf;

    (void)state;
    buf_init(&buf, 5);
    assert_true(buf_text(&buf, "abc"));
    assert_true(buf_text(&buf, "de"));
    assert_false(buf.full);
    assert_false(buf_byte(&buf, 'f'));
    assert_string_equal(buf_string(&buf), "abcde");
    buf_cut(&buf, 1);
    assert_false(buf_byte(&buf, 'f')); /* after a gap nothing may follow */
    assert_string_equal(buf_string(&buf), "a");
    buf_reset(&buf);
    assert_true(buf_text(&buf, "fresh"));
    assert_true(buf.capacity <= buf.limit + 1);
}

static void test_refused_bytes_leave_what_was_there(void **state)
{
    AUTO(buf_done) struct buf buf;

    (void)state;
    buf_init(&buf, 600);
    assert_true(buf_text(&buf, "head"));
    assert_false(buf_format(&buf, "%*d", 597, 1));
    assert_string_equal(buf_string(&buf), "head");
    buf_reset(&buf);
    assert_true(buf_format(&buf, "%*d", 600, 1)); /* longer than the small buffer inside buf_format */
    assert_int_equal(buf.size, 600);
    assert_int_equal(strlen(buf_string(&buf)), 600);
}

static void test_size_that_overflows_is_refused(void **state)
{
    AUTO(buf_done) struct buf buf;

    (void)state;
    buf_init(&buf, SIZE_MAX);
    assert_true(buf_text(&buf, "abc"));
    assert_false(buf_add(&buf, "x", SIZE_MAX - 2));
    assert_string_equal(buf_string(&buf), "abc");
}

static void test_grows_byte_by_byte(void **state)
{
    AUTO(buf_done) struct buf buf;

    (void)state;
    buf_init(&buf, 100000);
    for (int i = 0; i < 100000; i++) {
        assert_true(buf_byte(&buf, (char)('a' + i % 26)));
        assert_int_equal(buf.data[buf.size], '\0');
    }
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buf.data[i], 'a' + i % 26);
    assert_false(buf_byte(&buf, '!'));
}

static void test_drop_forgets_the_front(void **state)
{
    AUTO(buf_done) struct buf buf;

    (void)state;
    buf_init(&buf, 10);
    buf_drop(&buf, 3);
    assert_true(buf_text(&buf, "abcdef"));
    buf_drop(&buf, 2);
    assert_string_equal(buf_string(&buf), "cdef");
    buf_drop(&buf, 9);
    assert_string_equal(buf_string(&buf), "");
    assert_true(buf_text(&buf, "0123456789"));
}

static void test_take_hands_over_and_begins_again(void **state)
{
    AUTO(buf_done) struct buf buf;
    size_t size;
    char *taken;

    (void)state;
    buf_init(&buf, 10);
    taken = buf_take(&buf, &size);
    assert_string_equal(taken, "");
    assert_int_equal(size, 0);
    free(taken);
    assert_true(buf_text(&buf, "abc"));
    taken = buf_take(&buf, &size);
    assert_string_equal(taken, "abc");
    assert_int_equal(size, 3);
    free(taken);
    assert_int_equal(buf.size, 0);
    assert_true(buf_text(&buf, "0123456789"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zeroed_buf_is_empty_and_has_no_room),
        cmocka_unit_test(test_ceiling_is_reached_exactly_and_full_stays),
        cmocka_unit_test(test_refused_bytes_leave_what_was_there),
        cmocka_unit_test(test_size_that_overflows_is_refused),
        cmocka_unit_test(test_grows_byte_by_byte),
        cmocka_unit_test(test_drop_forgets_the_front),
        cmocka_unit_test(test_take_hands_over_and_begins_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
