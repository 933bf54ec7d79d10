/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "rest/tally.h"

static const struct column columns[] = {
    {.name = "chat", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
};
static const char *const key[] = {"chat", "id"};
static const struct table table = {
    .name = "t", .columns = columns, .column_count = 2, .key = key, .key_count = 2};

static void add(struct tally *tally, const char *text, int64_t total)
{
    struct error err;
    struct json_value *list;
    assert_true(value_read(text, strlen(text), false, NULL, &list, &err));
    tally_add(tally, &table, list, total);
    value_drop(&list);
}

static void records_count_by_key(void **state)
{
    (void)state;
    struct tally tally = {.keys = NULL};
    add(&tally, "[{\"chat\":1,\"id\":2},{\"chat\":2,\"id\":1},{\"chat\":1,\"id\":3}]", 4);
    add(&tally, "[{\"chat\":\"1\",\"id\":2,\"more\":1}]", 4); /* the first again */
    assert_int_equal(tally_count(&tally), 3);
    assert_true(tally_is_short(&tally));
    add(&tally, "[{\"chat\":5,\"id\":5}]", 3); /* the greatest total counts */
    assert_int_equal(tally_count(&tally), 4);
    assert_false(tally_is_short(&tally));
    tally_done(&tally);
    assert_int_equal(tally_count(&tally), 0);
}

static void records_without_a_key_are_different_ones(void **state)
{
    (void)state;
    struct tally tally = {.keys = NULL};
    add(&tally, "[{\"chat\":1},{\"chat\":1},{},\"torn\"]", -1);
    assert_int_equal(tally_count(&tally), 4);
    tally_done(&tally);
}

static void one_page_contradicts_nothing(void **state)
{
    (void)state;
    struct tally tally = {.keys = NULL};
    add(&tally, "[]", 5);
    assert_false(tally_is_short(&tally));
    add(&tally, "[]", 5);
    assert_true(tally_is_short(&tally));
    tally_done(&tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_count_by_key),
        cmocka_unit_test(records_without_a_key_are_different_ones),
        cmocka_unit_test(one_page_contradicts_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
