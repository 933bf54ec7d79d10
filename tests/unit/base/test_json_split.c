/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/json_split.h"
#include "base/mem.h"

static const char *const path[] = {"a", "b", NULL};

/* Elements with | behind each; then the rest. */
struct seen {
    struct buf text;
    bool readable; /* so far every element is JSON */
};

static bool note(void *self, const char *bytes, size_t size, struct error *err)
{
    struct seen *seen = self;
    AUTO(json_drop) json_t *value = NULL;
    struct error unused;
    seen->readable = json_read(bytes, size, NULL, &value, &unused) && seen->readable;
    return (buf_add(&seen->text, bytes, size) && buf_byte(&seen->text, '|')) ||
           error_set(err, ERROR_LIMIT, "full");
}

static bool split_in(const char *text, size_t size, size_t step, struct seen *seen)
{
    struct json_split split;
    struct error err = {0};
    AUTO(json_drop) json_t *rest = NULL;
    json_split_init(&split, 65536);
    split.path = path;
    split.element = note;
    split.self = seen;
    *seen = (struct seen){.readable = true};
    buf_init(&seen->text, 65536);
    bool good = true;
    for (size_t at = 0; good && at < size; at += step)
        good = json_split_add(&split, text + at, size - at < step ? size - at : step, &err);
    buf_add(&seen->text, split.rest.data, split.rest.size);
    seen->readable =
        good && seen->readable && json_read(buf_string(&split.rest), split.rest.size, NULL, &rest, &err);
    json_split_done(&split);
    return good;
}

static void the_list_is_cut_out_however_it_comes(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"a\":{\"b\":[1,{\"x\":[2,3]},\"},]\\\"[\"],\"n\":3},\"z\":[4,5]}",
         "1|{\"x\":[2,3]}|\"},]\\\"[\"|{\"a\":{\"b\":[],\"n\":3},\"z\":[4,5]}"},
        {"{ \"a\" : { \"b\" : [ 1 , 2 ] } }", " 1 | 2 |{ \"a\" : { \"b\" : [] } }"},
        {"{\"a\":{\"b\":[]}}", "{\"a\":{\"b\":[]}}"},
        {"{\"a\":{\"b\":[ \n]}}", "{\"a\":{\"b\":[]}}"},
        /* what is called so elsewhere is not it */
        {"{\"b\":[1],\"c\":{\"a\":{\"b\":[2]}},\"a\":{\"c\":{\"b\":[3]},\"b\":[4]}}",
         "4|{\"b\":[1],\"c\":{\"a\":{\"b\":[2]}},\"a\":{\"c\":{\"b\":[3]},\"b\":[]}}"},
        {"{\"x\":\"a\",\"a\":[{\"b\":[1]}]}", "{\"x\":\"a\",\"a\":[{\"b\":[1]}]}"},
        {"{\"a\":{\"b\":{\"b\":[1]}}}", "{\"a\":{\"b\":{\"b\":[1]}}}"},
        {"{\"a\":{\"x\":\"b\",\"y\":[1]}}", "{\"a\":{\"x\":\"b\",\"y\":[1]}}"},
        {"{\"a\":{\"\\u0062\":[1]}}", "{\"a\":{\"\\u0062\":[1]}}"},
        {"{\"a\":{},\"a\":{\"b\":[1]}}", "1|{\"a\":{},\"a\":{\"b\":[]}}"},
        {"{\"a\":null}", "{\"a\":null}"},
        {"[{\"a\":{\"b\":[1]}}]", "[{\"a\":{\"b\":[1]}}]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = strlen(cases[i][0]);
        for (size_t step = 1; step <= size; step++) {
            struct seen seen;
            assert_true(split_in(cases[i][0], size, step, &seen));
            assert_string_equal(buf_string(&seen.text), cases[i][1]);
            assert_true(seen.readable);
            buf_done(&seen.text);
        }
    }
}

static void a_list_that_is_there_twice_is_refused(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":{\"b\":[1],\"b\":[2]}}";
    struct seen seen;
    assert_false(split_in(text, sizeof text - 1, 5, &seen));
    buf_done(&seen.text);
}

static bool is_json(const char *text, size_t size)
{
    AUTO(json_drop) json_t *value = NULL;
    struct error unused;
    return json_read(text, size, NULL, &value, &unused);
}

/* Bytes put in, left out and changed at each place: the pieces are JSON when the whole is, and only then. */
static void pieces_are_json_if_the_whole_is(void **state)
{
    (void)state;
    static const char whole[] = "{\"a\":{\"b\":[{\"c\":[1,\"\\\"]\"]},2 , [ ]],\"n\":\"b\"},\"d\":[]}";
    static const char bytes[] = "{}[],:\"\\ 1x\n";
    size_t size = sizeof whole - 1;
    for (size_t at = 0; at <= size; at++) {
        for (const char *byte = bytes; *byte; byte++) {
            for (size_t gone = 0; gone <= 2 && at + gone <= size; gone++) { /* 0: put in; 1: changed */
                AUTO(mem_free)
                char *text = mem_format("%.*s%c%s", (int)at, whole, *byte, whole + at + gone);
                struct seen seen;
                bool good = split_in(text, strlen(text), 3, &seen);
                if (is_json(text, strlen(text)) != (good && seen.readable)) fail_msg("%s", text);
                buf_done(&seen.text);
            }
        }
        struct seen seen;
        (void)split_in(whole, at, 4, &seen);
        assert_int_equal(seen.readable, at == size);
        buf_done(&seen.text);
    }
}

static bool count(void *self, const char *bytes, size_t size, struct error *err)
{
    (void)bytes, (void)size, (void)err;
    ++*(size_t *)self;
    return true;
}

static void pieces_have_a_ceiling(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":{\"b\":[1234,12345678,1]}}";
    for (size_t step = 1; step < sizeof text; step++) {
        struct json_split split;
        struct error err = {0};
        size_t elements = 0;
        json_split_init(&split, 14);
        split.path = path;
        split.element = count;
        split.self = &elements;
        bool good = true;
        for (size_t at = 0; good && at < sizeof text - 1; at += step)
            good = json_split_add(&split, text + at,
                                  sizeof text - 1 - at < step ? sizeof text - 1 - at : step, &err);
        assert_true(good);
        assert_int_equal(elements, 3);
        buf_reset(&split.rest);
        split.rest.limit = 3;
        assert_false(json_split_add(&split, "    ", 4, &err));
        assert_int_equal(err.kind, ERROR_LIMIT);
        json_split_done(&split);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_is_cut_out_however_it_comes),
        cmocka_unit_test(a_list_that_is_there_twice_is_refused),
        cmocka_unit_test(pieces_are_json_if_the_whole_is),
        cmocka_unit_test(pieces_have_a_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
