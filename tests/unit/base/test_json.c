/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "value_tree.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FFFD         "\xEF\xBF\xBD"

/* A text that may hold NUL bytes. */
#define BYTES(text) (text), sizeof(text) - 1

static void assert_written(const json_t *value, const char *expected)
{
    AUTO(buf_done) struct buf out;

    buf_init(&out, 1 << 20);
    assert_true(json_write(&out, value));
    assert_string_equal(buf_string(&out), expected);
}

/* Input that is JSON, or becomes it by a repair, and what is written back. */
static const struct {
    const char *bytes;
    size_t size;
    const char *written;
    int numbers, characters, duplicates;
} readable[] = {
    {BYTES("null"), "null", 0, 0, 0},
    {BYTES(" [1, -2.5, true] \n"), "[1,-2.5,true]", 0, 0, 0},
    {BYTES("9223372036854775807"), "9223372036854775807", 0, 0, 0},
    {BYTES("-9223372036854775808"), "-9223372036854775808", 0, 0, 0},
    {BYTES("9223372036854775808"), "\"9223372036854775808\"", 1, 0, 0},
    {BYTES("[12345678901234567890]"), "[\"12345678901234567890\"]", 1, 0, 0},
    {BYTES("[-12345678901234567890, 7]"), "[\"-12345678901234567890\",7]", 1, 0, 0},
    {BYTES("[1e400,-1e400,1e300]"), "[\"1e400\",\"-1e400\",1e+300]", 2, 0, 0},
    {BYTES("[1e-400,-0.0,1e-307]"), "[\"1e-400\",-0.0,1e-307]", 1, 0, 0},
    /* a double gives back up to 17 digits of some numbers */
    {BYTES("[12345678901234567.89,0.1,0.30000000000000004,0.30000000000000003,1.50]"),
     "[\"12345678901234567.89\",0.1,0.30000000000000004,\"0.30000000000000003\",1.5]", 2, 0, 0},
    {BYTES("{\"a\":-1234567.8901234567891,\"b\":[100000000000000000.0,0.00000000000000000012]}"),
     "{\"a\":\"-1234567.8901234567891\",\"b\":[1e+17,1.2e-19]}", 1, 0, 0},
    {BYTES("{\"n\":0.1234567890123456789,\"n\":1}"), "{\"n (1)\":\"0.1234567890123456789\",\"n\":1}", 1, 0,
     1},
    {BYTES("{\"a\\\"\":12345678901234567890,\"b\":\"12345678901234567890\"}"),
     "{\"a\\\"\":\"12345678901234567890\",\"b\":\"12345678901234567890\"}", 1, 0, 0},
    /* surrogates: alone high, alone low, swapped, high before a character, at the end, doubled, in a key */
    {BYTES("\"\\ud83d\\ude00\""), "\"\xF0\x9F\x98\x80\"", 0, 0, 0},
    {BYTES("\"\\ud83d\""), "\"" FFFD "\"", 0, 1, 0},
    {BYTES("\"\\ude00\""), "\"" FFFD "\"", 0, 1, 0},
    {BYTES("\"\\ude00\\ud83d\""), "\"" FFFD FFFD "\"", 0, 2, 0},
    {BYTES("\"a\\ud83db\""), "\"a" FFFD "b\"", 0, 1, 0},
    {BYTES("\"\\ud83d\\n\""), "\"" FFFD "\\n\"", 0, 1, 0},
    {BYTES("\"\\ud83d\\ud83d\\ude00\""), "\"" FFFD "\xF0\x9F\x98\x80\"", 0, 1, 0},
    {BYTES("\"\\uD83D\\u0041\""), "\"" FFFD "A\"", 0, 1, 0},
    {BYTES("{\"\\udfff\":1}"), "{\"" FFFD "\":1}", 0, 1, 0},
    {BYTES("\"\\\\ud83d\""), "\"\\\\ud83d\"", 0, 0, 0}, /* an escaped backslash, no surrogate at all */
    {BYTES("[\"\\\\ud83d\",\"\\\\\\ud83d\"]"), "[\"\\\\ud83d\",\"\\\\" FFFD "\"]", 0, 1, 0},
    /* NUL */
    {BYTES("\"a\\u0000b\""), "\"a" FFFD "b\"", 0, 1, 0},
    {BYTES("{\"\\u0000\":{\"\\u0000x\":null}}"), "{\"" FFFD "\":{\"" FFFD "x\":null}}", 0, 2, 0},
    /* bytes that are not UTF-8: stray, cut, overlong, a surrogate, beyond the end, Latin-1 */
    {BYTES("\"\xFF\""), "\"" FFFD "\"", 0, 1, 0},
    {BYTES("\"a\x80z\""), "\"a" FFFD "z\"", 0, 1, 0},
    {BYTES("\"\xE2\x82\""), "\"" FFFD FFFD "\"", 0, 2, 0},
    {BYTES("\"\xC0\xAF\""), "\"" FFFD FFFD "\"", 0, 2, 0},
    {BYTES("\"\xE0\x80\xAF\""), "\"" FFFD FFFD FFFD "\"", 0, 3, 0},
    {BYTES("\"\xF0\x8F\xBF\xBF\""), "\"" FFFD FFFD FFFD FFFD "\"", 0, 4, 0},
    {BYTES("\"\xED\xA0\x80\""), "\"" FFFD FFFD FFFD "\"", 0, 3, 0},
    {BYTES("\"\xF4\x90\x80\x80\""), "\"" FFFD FFFD FFFD FFFD "\"", 0, 4, 0},
    {BYTES("\"caf\xE9 \xE2\x82\xAC\""), "\"caf" FFFD " \xE2\x82\xAC\"", 0, 1, 0},
    /* of equal keys the last one keeps the name */
    {BYTES("{\"a\":1,\"b\":2,\"a\":3}"), "{\"a (1)\":1,\"b\":2,\"a\":3}", 0, 0, 1},
    {BYTES("{\"a\":1,\"a\":{\"x\":[2]},\"a\" : null , \"a\":4}"),
     "{\"a (1)\":1,\"a (2)\":{\"x\":[2]},\"a (3)\":null,\"a\":4}", 0, 0, 3},
    {BYTES("{\"a\":1,\"a (1)\":2,\"a\":3}"), "{\"a (2)\":1,\"a (1)\":2,\"a\":3}", 0, 0, 1},
    {BYTES("{\"a\":1,\"a\":2,\"a\":3,\"a (1)\":4,\"a (3)\":5}"),
     "{\"a (2)\":1,\"a (4)\":2,\"a\":3,\"a (1)\":4,\"a (3)\":5}", 0, 0, 2},
    {BYTES("{\"a (1)\":1,\"a (1)\":2,\"a\":3,\"a\":4}"), "{\"a (1) (1)\":1,\"a (1)\":2,\"a (2)\":3,\"a\":4}",
     0, 0, 2},
    {BYTES("{\"\":1,\"\":2}"), "{\" (1)\":1,\"\":2}", 0, 0, 1},
    {BYTES("{\"a\":1,\"\\u0061\":2}"), "{\"a (1)\":1,\"a\":2}", 0, 0, 1},
    {BYTES("{\"q\\\"\\\\\":1,\"q\\u0022\\u005c\":2}"), "{\"q\\\"\\\\ (1)\":1,\"q\\\"\\\\\":2}", 0, 0, 1},
    {BYTES("{\"a\":{\"a\":1,\"a\":2},\"b\":[{\"a\":\"a\"},{\"a\":\"a\",\"a\":\"{,\"}],\"a\":3}"),
     "{\"a (1)\":{\"a (1)\":1,\"a\":2},\"b\":[{\"a\":\"a\"},{\"a (1)\":\"a\",\"a\":\"{,\"}],\"a\":3}", 0, 0,
     3},
    {BYTES("[{\"a\":1},{\"a\":1}]"), "[{\"a\":1},{\"a\":1}]", 0, 0, 0},
    /* ... with other normalisations before and behind, and after a repair made keys equal */
    {BYTES("{\"n\":12345678901234567890,\"n\":1,\"s\":\"\\ud83d\",\"s\":1e400}"),
     "{\"n (1)\":\"12345678901234567890\",\"n\":1,\"s (1)\":\"" FFFD "\",\"s\":\"1e400\"}", 2, 1, 2},
    {BYTES("{\"\\ud83d\":1,\"\\ud83e\":2}"), "{\"" FFFD " (1)\":1,\"" FFFD "\":2}", 0, 2, 1},
    /* brackets inside of strings are no depth */
    {BYTES("\"[[[[{{{{\""), "\"[[[[{{{{\"", 0, 0, 0},
};

static void test_what_can_be_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(readable); i++) {
        AUTO(json_drop) json_t *value = NULL;
        struct json_normalisations normalisations = {0};
        struct error err;

        if (!json_read(readable[i].bytes, readable[i].size, &normalisations, &value, &err))
            fail_msg("case %zu (%s): %s", i, readable[i].bytes, err.text);
        assert_written(value, readable[i].written);
        assert_int_equal(normalisations.numbers, readable[i].numbers);
        assert_int_equal(normalisations.characters, readable[i].characters);
        assert_int_equal(normalisations.duplicates, readable[i].duplicates);
    }
}

static const struct {
    const char *bytes;
    size_t size;
} unreadable[] = {
    {BYTES("")},
    {BYTES(" ")},
    {BYTES("{\"a\":")},
    {BYTES("[1,2")},
    {BYTES("\"abc")},
    {BYTES("\"abc\\")},
    {BYTES("\"abc\\u12")},
    {BYTES("\"\\ud83d\\u")},
    {BYTES("\"\xF0\x9F")},
    {BYTES("[1] [2]")},
    {BYTES("{} x")},
    {BYTES("null\0")},
    {BYTES("{}\0, and more")},
    {BYTES("[1,]")},
    {BYTES("{\"a\" 1}")},
    {BYTES("{a:1}")},
    {BYTES("'a'")},
    {BYTES("[01]")},
    {BYTES("[+1]")},
    {BYTES("[1.]")},
    {BYTES("[.5]")},
    {BYTES("[-]")},
    {BYTES("[1e]")},
    {BYTES("NaN")},
    {BYTES("[Infinity]")},
    {BYTES("\"a\nb\"")},
    {BYTES("\"a\0b\"")},
    {BYTES("\"\\x\"")},
    {BYTES("\xEF\xBB\xBF{}")},
    {BYTES("\xFF\xFE{\0}\0")},
    {BYTES("<html><body>502 Bad Gateway</body></html>")},
    {BYTES("[12345678901234567890")},
    {BYTES("[12345678901234567890,\"\\ud83d\"] x")},
    {BYTES("{\"a\":1,\"a\":2")},
    {BYTES("{\"a\":1,\"a\":2,}")},
    {BYTES("{\"a\":1,\"a\":2}}")},
    {BYTES("{\"a\":1,\"a\":2]")},
    {BYTES("{\"a\":1,\"a\":2,\"")},
    {BYTES("{\"a\":1,\"a\":2,\"\\")},
    {BYTES("{\"a\":1,\"a\":2,\"\\x\":3}")},
};

static void test_what_can_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(unreadable); i++) {
        struct json_normalisations normalisations = {0};
        json_t *value = NULL;
        struct error err = {0};

        if (json_read(unreadable[i].bytes, unreadable[i].size, &normalisations, &value, &err))
            fail_msg("case %zu was read: %s", i, unreadable[i].bytes);
        assert_null(value);
        assert_int_equal(err.kind, ERROR_FORMAT);
        assert_int_equal(json_normalisations_sum(&normalisations), 0); /* nothing was delivered */
    }
}

#define MANY 100000

/* So many that quadratic work would not end. */
static void test_many_duplicates(void **state)
{
    AUTO(json_drop) json_t *value = NULL;
    AUTO(buf_done) struct buf text;
    struct json_normalisations normalisations = {0};
    struct error err;

    (void)state;
    buf_init(&text, 64 * MANY);
    buf_text(&text, "{\"b\":0");
    for (int i = 1; i <= MANY; i++)
        buf_format(&text, ",\"a\":%d", i);
    for (int i = 1; i <= MANY; i++) /* the names that the first ones would get */
        buf_format(&text, ",\"a (%d)\":%d", i, -i);
    assert_true(buf_text(&text, "}"));
    assert_true(json_read(text.data, text.size, &normalisations, &value, &err));
    assert_int_equal(normalisations.duplicates, MANY - 1);
    assert_int_equal(json_object_size(value), 2 * MANY + 1);
    assert_int_equal(json_integer_value(json_object_get(value, "a")), MANY);
    assert_int_equal(json_integer_value(json_object_get(value, "a (1)")), -1);
    for (int i = 1; i < MANY; i++) {
        char name[32];

        (void)snprintf(name, sizeof name, "a (%d)", MANY + i);
        assert_int_equal(json_integer_value(json_object_get(value, name)), i);
    }
}

static void test_the_error_tells_the_place_and_little_else(void **state)
{
    char page[2000];
    json_t *value;
    struct error err;

    (void)state;
    memset(page, 'p', sizeof page); /* one long string with a line break in it */
    page[0] = '"';
    page[1000] = '\n';
    page[sizeof page - 1] = '"';
    assert_false(json_read(page, sizeof page, NULL, &value, &err));
    assert_non_null(strstr(err.text, "of 2000"));
    assert_null(strchr(err.text, '\n'));
    assert_null(strstr(err.text, "ppppppppppppppppppppppppppppppppppppppppp")); /* 41 of them */
}

/* [[[...]]] or {"a":{"a":...}} */
static char *nested(size_t depth, bool objects, size_t *out_size)
{
    char *text = malloc(depth * 6 + 2);
    size_t at = 0;

    assert_non_null(text);
    for (size_t i = 0; i < depth; i++) {
        memcpy(text + at, objects ? "{\"a\":" : "[", objects ? 5 : 1);
        at += objects ? 5 : 1;
    }
    text[at++] = '1';
    for (size_t i = 0; i < depth; i++)
        text[at++] = objects ? '}' : ']';
    *out_size = at;
    return text;
}

static void test_depth(void **state)
{
    static const size_t depths[] = {JSON_DEPTH, JSON_DEPTH + 1, 10000, 1000000};

    (void)state;
    for (size_t i = 0; i < 2 * COUNT(depths); i++) {
        AUTO(json_drop) json_t *value = NULL;
        json_t *front;
        struct error err = {0};
        size_t size;
        char *text = nested(depths[i / 2], i % 2, &size);

        assert_int_equal(json_read(text, size, NULL, &value, &err), i / 2 == 0);
        if (i / 2 > 0) assert_non_null(strstr(err.text, "nesting exceeds 256 levels"));
        assert_false(json_read(text, depths[i / 2], NULL, &front, &err)); /* the front alone */
        assert_false(tree_read_lenient(text, depths[i / 2], NULL, &front, &err));
        free(text);
    }
}

static void test_brackets_in_strings_are_no_depth(void **state)
{
    AUTO(json_drop) json_t *value = NULL;
    char text[JSON_DEPTH * 2];
    struct error err;

    (void)state;
    memset(text, '[', sizeof text);
    memcpy(text, "\"\\\"", 3); /* the string begins with an escaped quote */
    text[sizeof text - 1] = '"';
    assert_true(json_read(text, sizeof text, NULL, &value, &err));
}

static uint64_t seed = 20260131;

static uint32_t next(uint32_t bound)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % bound;
}

static void random_text(struct buf *out)
{
    static const char *const pieces[] = {"a",
                                         "\\n",
                                         "\\\"",
                                         "\\\\",
                                         "\\u00e9",
                                         "\\u0001",
                                         "\\ud83d\\ude00",
                                         "\xE2\x82\xAC",
                                         "{[",
                                         "12345678901234567890",
                                         "\\/",
                                         "\xF0\x9F\x98\x80",
                                         " ",
                                         "\\ufffd"};

    buf_byte(out, '"');
    for (uint32_t i = next(6); i > 0; i--)
        buf_text(out, pieces[next(COUNT(pieces))]);
    buf_byte(out, '"');
}

static void random_json(struct buf *out, int depth)
{
    static const char *const scalars[] = {"null",   "true", "0",    "-0",    "-17",    "9223372036854775807",
                                          "0.1",    "1e5",  "-0.0", "1E-12", "1.5e+3", "false",
                                          "1e-300", "1e308"};
    uint32_t kind = next(depth > 0 ? 4 : 2);

    if (kind == 0) buf_text(out, scalars[next(COUNT(scalars))]);
    if (kind == 1) random_text(out);
    if (kind < 2) return;
    buf_byte(out, kind == 2 ? '[' : '{');
    for (uint32_t i = 0, count = next(5); i < count; i++) {
        buf_text(out, i ? " ,\n" : "\t");
        if (kind == 3) buf_format(out, "\"%u\\t\":", i);
        random_json(out, depth - 1);
    }
    buf_byte(out, kind == 2 ? ']' : '}');
}

static void test_valid_json_is_never_changed(void **state)
{
    AUTO(buf_done) struct buf text;
    AUTO(buf_done) struct buf normal;

    (void)state;
    buf_init(&text, 1 << 20);
    buf_init(&normal, 1 << 20);
    for (int i = 0; i < 3000; i++) {
        AUTO(json_drop) json_t *before = NULL;
        AUTO(json_drop) json_t *after = NULL;
        struct json_normalisations normalisations = {0};
        struct error err;

        buf_reset(&text);
        buf_reset(&normal);
        random_json(&text, 5);
        AUTO(json_drop) json_t *judged = json_loadb(text.data, text.size, JSON_DECODE_ANY, NULL);
        assert_true(json_read(text.data, text.size, &normalisations, &before, &err));
        assert_true(json_equal(before, judged));
        /* and what is read and written is read again as the same value */
        assert_true(json_write(&normal, before));
        assert_true(json_read(normal.data, normal.size, &normalisations, &after, &err));
        assert_true(json_equal(before, after));
        assert_int_equal(json_normalisations_sum(&normalisations), 0);
    }
}

static void test_any_bytes_are_survived(void **state)
{
    static const char *const pieces[] = {"\"", "\\",          "u",    "d83d",     "0000", "[", "{", "1e",
                                         "-",  "99999999999", "\xE2", "\xF0\x9F", "}",    "]", ","};
    AUTO(buf_done) struct buf text;

    (void)state;
    for (int i = 0; i < 5000; i++) {
        AUTO(json_drop) json_t *value = NULL;
        AUTO(json_drop) json_t *lenient = NULL;
        AUTO(json_drop) json_t *front = NULL;
        struct error err;
        char *exact; /* on the heap without a NUL, so that the sanitizer sees a read past the end */

        buf_init(&text, 1000);
        for (uint32_t j = next(12); j > 0; j--)
            buf_text(&text, pieces[next(COUNT(pieces))]);
        exact = malloc(text.size ? text.size : 1);
        assert_non_null(exact);
        if (text.size > 0) memcpy(exact, text.data, text.size);
        if (json_read(exact, text.size, NULL, &value, &err)) assert_non_null(value);
        bool is_read = tree_read_lenient(exact, text.size, NULL, &lenient, &err);
        assert_true(is_read || !value);
        if (is_read) assert_true(!value || json_equal(value, lenient));
        front = tree_read_front(exact, text.size);
        if (front) assert_true(json_is_object(front));
        free(exact);
        buf_done(&text);
    }
}

static void test_reals_are_short_and_come_back(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.1, "0.1"},
                 {1.0, "1.0"},
                 {-0.0, "-0.0"},
                 {1e20, "1e+20"},
                 {1e15, "1e+15"},
                 {100000.0, "100000.0"},
                 {1.0 / 3, "0.3333333333333333"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {5e-324, "4.94065645841247e-324"},
                 {1.7976931348623157e308, "1.7976931348623157e+308"}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO(json_drop) json_t *value = json_real(cases[i].value);

        assert_written(value, cases[i].text);
        assert_true(strtod(cases[i].text, NULL) == cases[i].value);
    }
}

static void test_strings_are_escaped(void **state)
{
    AUTO(buf_done) struct buf out;

    (void)state;
    buf_init(&out, 200);
    assert_true(json_write_string(&out, BYTES("\"\\\b\f\n\r\t\x01\x1f/ \x7f\xE2\x82\xAC\xFF\0")));
    assert_string_equal(buf_string(&out),
                        "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f/ \x7f\xE2\x82\xAC" FFFD "\\u0000\"");
    buf_done(&out);
    buf_init(&out, 4);
    assert_false(json_write_string(&out, "abc", 3));
}

static void test_getters(void **state)
{
    static const char text[] = "{\"a\":{\"b\":{\"n\":7,\"s\":\"x\",\"t\":\"-12\",\"bad\":\"12x\",\"big\":"
                               "\"99999999999999999999\",\"r\":1.5,\"z\":null}},\"l\":[1],\"\":{\"\":5}}";
    AUTO(json_drop) json_t *value = NULL;
    struct error err;

    (void)state;
    assert_true(json_read(text, strlen(text), NULL, &value, &err));
    assert_int_equal(json_int_at(value, "a.b.n", -1), 7);
    assert_int_equal(json_int_at(value, "a.b.t", -1), -12);
    assert_int_equal(json_int_at(value, "a.b.bad", -1), -1);
    assert_int_equal(json_int_at(value, "a.b.big", -1), -1);
    assert_int_equal(json_int_at(value, "a.b.s", -1), -1);
    assert_int_equal(json_int_at(value, "a.b.r", -1), -1);
    assert_int_equal(json_int_at(value, ".", -1), 5);
    assert_string_equal(json_text_at(value, "a.b.s"), "x");
    assert_null(json_text_at(value, "a.b.n"));
    assert_true(json_is_null(json_at(value, "a.b.z")));
    assert_null(json_at(value, "a.b.none.deeper"));
    assert_null(json_at(value, "a.b.n.deeper"));
    assert_null(json_at(value, "l.0"));
    assert_null(json_at(NULL, "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_can_be_read),
        cmocka_unit_test(test_what_can_not),
        cmocka_unit_test(test_many_duplicates),
        cmocka_unit_test(test_the_error_tells_the_place_and_little_else),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_brackets_in_strings_are_no_depth),
        cmocka_unit_test(test_valid_json_is_never_changed),
        cmocka_unit_test(test_any_bytes_are_survived),
        cmocka_unit_test(test_reals_are_short_and_come_back),
        cmocka_unit_test(test_strings_are_escaped),
        cmocka_unit_test(test_getters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
