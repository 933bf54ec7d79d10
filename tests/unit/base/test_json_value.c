/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct json_value *read_text(const char *text)
{
    struct json_value *value;
    struct error err;
    if (!value_read(text, strlen(text), false, NULL, &value, &err)) fail_msg("%s", err.text);
    return value;
}

static void expect(const struct json_value *value, const char *written)
{
    AUTO(buf_done) struct buf out = buf_limited(4096);
    assert_true(value_write(&out, value));
    assert_string_equal(buf_string(&out), written);
}

/* Texts that are copied as they came read as json_write would write them. */
static void values_are_written_as_trees_are(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0",
        "-0",
        "-1",
        "9223372036854775807",
        "0.0",
        "-0.0",
        "1.0",
        "1.10",
        "1.5",
        "100.25",
        "0.1",
        "0.00001",
        "1e5",
        "1E-7",
        "1e15",
        "-5.50",
        "12.30",
        "2.0",
        "1e99",
        "67.17411800000001",
        "\"a/\"",
        "\"\\u0041\"",
        "\"\\/\"",
        "\"\x7F\xC3\xA4\"",
        "{}",
        "[ 1 , { } ]",
        "{\"\\u0061\":1}",
        "true",
        "null",
        "123456789012345.5",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        AUTO(value_drop) struct json_value *value = read_text(texts[i]);
        AUTO(buf_done) struct buf expected = buf_limited(4096);
        AUTO(json_drop) json_t *tree = value_tree(value);
        assert_true(json_write(&expected, tree));
        expect(value, buf_string(&expected));
    }
    AUTO(value_drop) struct json_value *zero = read_text("[-0,1.10,5.0]");
    expect(zero, "[0,1.1,5.0]");
}

static void members_are_replaced_in_their_place(void **state)
{
    (void)state;
    AUTO(value_drop) struct json_value *object = read_text("{\"a\":1,\"b\":[2],\"c\":3}");
    value_set_text(object, "b", "x");
    expect(object, "{\"a\":1,\"b\":\"x\",\"c\":3}");
    value_set_bool(object, "c", true);  /* the last one ... */
    value_set_integer(object, "d", -4); /* ... and one after it */
    expect(object, "{\"a\":1,\"b\":\"x\",\"c\":true,\"d\":-4}");
    value_remove(object, "d");
    value_remove(object, "d");
    value_set(object, "e", NULL);
    value_set(object, "e", value_get(object, "a"));
    expect(object, "{\"a\":1,\"b\":\"x\",\"c\":true,\"e\":1}");
    assert_int_equal(object->size, 4);
    for (const char *const *key = (const char *const[]){"a", "b", "c", "e", NULL}; *key; key++)
        value_remove(object, *key);
    expect(object, "{}");
    value_set_integer(object, "f", 5);
    expect(object, "{\"f\":5}");
    assert_int_equal(object->size, 1);
}

static void members_move_between_objects(void **state)
{
    (void)state;
    AUTO(value_drop) struct json_value *object = read_text("{\"in\":{\"a\":{\"x\":1},\"b\":2},\"c\":3}");
    struct json_value *in = value_get(object, "in");
    value_move(object, in, "b");
    value_move(object, in, "z");
    expect(object, "{\"in\":{\"a\":{\"x\":1}},\"c\":3,\"b\":2}");
    value_move(object, in, "a");
    expect(object, "{\"in\":{},\"c\":3,\"b\":2,\"a\":{\"x\":1}}");
    assert_int_equal(value_integer_at(object, "a.x", 0), 1);
}

/* The sanitizer sees a value that goes with its own document. */
static void values_of_other_documents_are_copied(void **state)
{
    (void)state;
    AUTO(value_drop) struct json_value *list = value_new(VALUE_ARRAY);
    AUTO(value_drop) struct json_value *object = value_new(VALUE_OBJECT);
    struct json_value *other = read_text("{\"a\":[1,{\"b\\n\":\"c\\u0000\"}],\"d\":2.50}");
    value_append(list, other);
    value_append(list, value_get(other, "d"));
    value_update(object, other);
    value_drop(&other);
    assert_null(other);
    expect(list, "[{\"a\":[1,{\"b\\n\":\"c\xEF\xBF\xBD\"}],\"d\":2.5},2.5]");
    expect(object, "{\"a\":[1,{\"b\\n\":\"c\xEF\xBF\xBD\"}],\"d\":2.5}");
}

static void a_document_lives_while_it_is_held(void **state)
{
    (void)state;
    struct json_value *page = read_text("[{\"id\":\"a\"},\"text\"]");
    struct json_value *first = value_hold(value_elements(page)), *second = value_hold(first->next);
    value_drop(&page);
    assert_string_equal(value_text_at(first, "id"), "a");
    value_drop(&first);
    assert_string_equal(value_text(second), "text");
    value_drop(&second);
}

static void what_is_not_there_has_no_value(void **state)
{
    (void)state;
    AUTO(value_drop) struct json_value *object = read_text("{\"n\":7,\"s\":\"8\",\"r\":1.5,\"l\":[]}");
    assert_null(value_at(object, "n.x"));
    assert_null(value_get(value_get(object, "l"), "n"));
    assert_int_equal(value_integer_at(object, "s", 0), 8);
    assert_int_equal(value_integer_at(object, "r", -1), -1);
    assert_int_equal(value_count(object), 0);
    assert_true(value_is_null(NULL) && !value_is_object(NULL) && !value_text(NULL));
    assert_false(value_equal(value_get(object, "n"), value_get(object, "s")));
    assert_true(value_equal(value_get(object, "s"), value_get(object, "s")));
    assert_false(value_equal(object, object)); /* containers are equal to nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_written_as_trees_are),
        cmocka_unit_test(members_are_replaced_in_their_place),
        cmocka_unit_test(members_move_between_objects),
        cmocka_unit_test(values_of_other_documents_are_copied),
        cmocka_unit_test(a_document_lives_while_it_is_held),
        cmocka_unit_test(what_is_not_there_has_no_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
