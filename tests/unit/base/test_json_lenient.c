/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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

/* Of a source's answer only the value is changed that is no JSON. */
static const struct {
    const char *bytes;
    size_t size;
    const char *written;
    int texts, characters;
} repaired[] = {
    {BYTES("[NaN, Infinity,-Infinity,nan]"), "[\"NaN\",\"Infinity\",\"-Infinity\",\"nan\"]", 4, 0},
    {BYTES("{\"a\":tru,\"b\":nul,\"c\":fals,\"d\":None,\"e\":undefined}"),
     "{\"a\":\"tru\",\"b\":\"nul\",\"c\":\"fals\",\"d\":\"None\",\"e\":\"undefined\"}", 5, 0},
    {BYTES("[01,+1,1.,.5,-,1e,0x10,1_000]"), "[\"01\",\"+1\",\"1.\",\".5\",\"-\",\"1e\",\"0x10\",\"1_000\"]",
     8, 0},
    {BYTES("[\"a\nb\",\"\x01\t\",1]"), "[\"a\\nb\",\"\\u0001\\t\",1]", 0, 3},
    {BYTES("[\"a\0b\"]"), "[\"a" FFFD "b\"]", 0, 1},
    {BYTES("[\"\\x41 \\u12 \\\\ \\ud83d\"]"), "[\"\\\\x41 \\\\u12 \\\\ " FFFD "\"]", 0, 3},
    {BYTES("{\"a\tb\":1}"), "{\"a\\tb\":1}", 0, 1},
    /* a container with a wrong structure is kept as text, and its neighbours stay */
    {BYTES("[{\"a\" 1},{\"a\":2}]"), "[\"{\\\"a\\\" 1}\",{\"a\":2}]", 1, 0},
    {BYTES("[{a:1},[1 2],[,],{\"b\":},[3,],{\"c\":4,},7]"),
     "[\"{a:1}\",\"[1 2]\",\"[,]\",\"{\\\"b\\\":}\",\"[3,]\",\"{\\\"c\\\":4,}\",7]", 6, 0},
    {BYTES("{\"data\":[{\"id\":1,\"x\":{\"y\":[1 2],\"z\":3}}]}"),
     "{\"data\":[{\"id\":1,\"x\":{\"y\":\"[1 2]\",\"z\":3}}]}", 1, 0},
    {BYTES("[{\"a\":\"he said \"}]\" to me\"},5]"), NULL, 0, 0},
    {BYTES("[{\"a\":\"he said \"hi\" to me, [\"},5]"),
     "[\"{\\\"a\\\":\\\"he said \\\"hi\\\" to me, [\\\"}\",5]", 1, 0},
    {BYTES("[{\"a\":not a number},5]"), "[\"{\\\"a\\\":not a number}\",5]", 1, 0},
    {BYTES("[{\"a\":1,\x00},5]"), "[\"{\\\"a\\\":1," FFFD "}\",5]", 1, 0},
    {BYTES("[{\"\xFF\" 1}]"), "[\"{\\\"" FFFD "\\\" 1}\"]", 1, 0},
    {BYTES("[{\"a\":1,\"a\":2 3}]"), "[\"{\\\"a\\\":1,\\\"a\\\":2 3}\"]", 1, 0},
    {BYTES("{\"a\":NaN,\"a\":1}"), "{\"a (1)\":\"NaN\",\"a\":1}", 1, 0},
    /* the outermost value, a text that is cut off, and brackets that do not match are refused */
    {BYTES("NaN"), NULL, 0, 0},
    {BYTES("{\"a\" 1}"), NULL, 0, 0},
    {BYTES("{\"a\":[NaN}"), NULL, 0, 0},
    {BYTES("{\"a\":[1},\"b\":2]"), NULL, 0, 0},
    {BYTES("{\"a\":[{\"b\" 1]}}"), NULL, 0, 0},
    {BYTES("{\"a\":[{\"b\" 1}"), NULL, 0, 0},
    {BYTES("{\"a\":NaN"), NULL, 0, 0},
    {BYTES("{\"a\":NaN}}"), NULL, 0, 0},
    {BYTES("{\"a\":NaN} x"), NULL, 0, 0},
    {BYTES("<html><body>502 Bad Gateway</body></html>"), NULL, 0, 0},
    {BYTES("{\"data\":[]\0}"), NULL, 0, 0},
    {BYTES(""), NULL, 0, 0},
};

static void one_bad_value_leaves_the_others(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(repaired); i++) {
        AUTO(json_drop) json_t *value = NULL;
        struct json_normalisations found = {0};
        json_t *strict;
        struct error err = {0};
        bool is_read = tree_read_lenient(repaired[i].bytes, repaired[i].size, &found, &value, &err);
        if (is_read != (repaired[i].written != NULL)) fail_msg("case %zu (%s)", i, repaired[i].bytes);
        if (is_read)
            assert_written(value, repaired[i].written);
        else
            assert_int_equal(err.kind, ERROR_FORMAT);
        assert_int_equal(found.texts, repaired[i].texts);
        assert_int_equal(found.characters, repaired[i].characters);
        assert_false(json_read(repaired[i].bytes, repaired[i].size, NULL, &strict, &err));
    }
}

static void a_front_has_the_members_before_the_error(void **state)
{
    static const char *const cases[][2] = {
        {"{\"id\":\"7\",\"a\":[1,{\"b\" 2}],\"c\" 3,\"d\":4}", "{\"id\":\"7\",\"a\":[1,\"{\\\"b\\\" 2}\"]}"},
        {"{\"id\":7,\"a\":[1,{\"b\":[2", "{\"id\":7}"},
        {"{\"id\":7,\"id\":8,\"a\"", "{\"id (1)\":7,\"id\":8}"},
        {"{\"a\":1}", "{\"a\":1}"},
        {"{", "{}"},
        {"[1", NULL},
        {"[1]", NULL},
        {"7", NULL},
        {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO(json_drop) json_t *front = tree_read_front(cases[i][0], strlen(cases[i][0]));
        assert_int_equal(front != NULL, cases[i][1] != NULL);
        if (front) assert_written(front, cases[i][1]);
    }
}

/* [[[...]]] or {"a":{"a":...}}: below the limit the value is there as its text. */
static void a_deep_value_is_kept_as_text(void **state)
{
    (void)state;
    static const size_t depths[] = {JSON_DEPTH, JSON_DEPTH + 1, 300, 100000};
    for (size_t i = 0; i < 2 * COUNT(depths); i++) {
        size_t depth = depths[i / 2], step = i % 2 ? strlen("{\"a\":") : 1;
        AUTO(buf_done) struct buf text = buf_limited(7 * depth + 1);
        AUTO(json_drop) json_t *root = NULL;
        struct json_normalisations found = {0};
        struct error err;
        for (size_t j = 0; j < depth; j++)
            buf_text(&text, i % 2 ? "{\"a\":" : "[");
        buf_byte(&text, '1');
        for (size_t j = 0; j < depth; j++)
            buf_byte(&text, i % 2 ? '}' : ']');
        assert_false(tree_read_lenient(text.data, text.size - 1, &found, &root, &err));
        char *inner = text.data + depth * step + 1; /* the bracket that closes the innermost */
        *inner ^= '}' ^ ']';
        assert_int_equal(tree_read_lenient(text.data, text.size, &found, &root, &err), depth > JSON_DEPTH);
        *inner ^= '}' ^ ']';
        json_drop(&root);
        found = (struct json_normalisations){0};
        assert_true(tree_read_lenient(text.data, text.size, &found, &root, &err));
        const json_t *value = root;
        for (int j = 0; j < JSON_DEPTH; j++)
            value = i % 2 ? json_object_get(value, "a") : json_array_get(value, 0);
        assert_int_equal(found.texts, depth > JSON_DEPTH);
        if (depth == JSON_DEPTH) {
            assert_int_equal(json_integer_value(value), 1);
            continue;
        }
        assert_int_equal(json_string_length(value), text.size - JSON_DEPTH * (step + 1));
        assert_memory_equal(json_string_value(value), text.data + JSON_DEPTH * step,
                            json_string_length(value));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_bad_value_leaves_the_others),
        cmocka_unit_test(a_front_has_the_members_before_the_error),
        cmocka_unit_test(a_deep_value_is_kept_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
