/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/json_scan.h"
#include "base/mem.h"
#include "value_tree.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ROUNDS       40000

/* --- tokens --- */

static const char letters[] = {
    [JSON_TOKEN_OBJECT] = '{', [JSON_TOKEN_ARRAY] = '[',   [JSON_TOKEN_CLOSE] = ')', [JSON_TOKEN_KEY] = 'k',
    [JSON_TOKEN_STRING] = 's', [JSON_TOKEN_INTEGER] = 'i', [JSON_TOKEN_REAL] = 'r',  [JSON_TOKEN_TRUE] = 't',
    [JSON_TOKEN_FALSE] = 'f',  [JSON_TOKEN_NULL] = 'n',    [JSON_TOKEN_WORD] = 'w',  [JSON_TOKEN_DEEP] = 'd',
    [JSON_TOKEN_END] = '.',    [JSON_TOKEN_ERROR] = '!'};

/* Each token as its letter, its text and its flags; then the cause of an error. */
static void trace(const char *text, struct buf *out)
{
    struct json_scan scan;
    struct json_token token;
    json_scan_init(&scan, text, strlen(text));
    do {
        json_scan_next(&scan, &token);
        buf_byte(out, letters[token.type]);
        if (token.size > 1 || (token.size && strchr("kswir", letters[token.type])))
            buf_add(out, token.at, token.size);
        if (token.flags) buf_format(out, "/%u", token.flags);
        buf_byte(out, ' ');
    } while (token.type != JSON_TOKEN_END && token.type != JSON_TOKEN_ERROR);
    if (token.type == JSON_TOKEN_ERROR) buf_format(out, "%zu %s", (size_t)(scan.at - text), scan.problem);
}

static void tokens_are_places_in_the_text(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {" {\"a\" : [1,-2.5e+3 ,\"x\"], \"\":{}}\n", "{ ka [ i1 r-2.5e+3 sx ) k { ) ) . "},
        {"[true,false,null,nul,truee,-,01,1.,NaN]", "[ ttrue ffalse nnull wnul wtruee w- w01 w1. wNaN ) . "},
        {"\"a\\n\\\"b\"", "sa\\n\\\"b/1 . "},
        {"[\"\\ud83d\",\"\\ud83d\\ude00\",\"\\u0000\",\"\xFF\",\"\xC3\xA9\"]",
         "[ s\\ud83d/3 s\\ud83d\\ude00/1 s\\u0000/3 s\xFF/2 s\xC3\xA9 ) . "},
        {"[\"\t\",\"\\x\",\"12345678\x01\"]", "[ s\t/4 s\\x/5 s12345678\x01/4 ) . "},
        {"[999999999999999999,1000000000000000000,0.12345678901234,1.234567890123456,1e99,1e100]",
         "[ i999999999999999999 i1000000000000000000/8 r0.12345678901234 r1.234567890123456/8 r1e99 "
         "r1e100/8 ) . "},
        {"", "! 0 the text ends too early"},
        {"[1", "[ i1 ! 2 the text ends too early"},
        {"[\"a", "[ ! 1 the text ends too early"},
        {"[1 2]", "[ i1 ! 3 a comma or the closing bracket is missing"},
        {"[1,]", "[ i1 ! 3 a value is missing"},
        {"[,1]", "[ ! 1 a value is missing"},
        {"[1}", "[ i1 ! 2 a comma or the closing bracket is missing"},
        {"{1:2}", "{ ! 1 a key is missing"},
        {"{\"a\":1,}", "{ ka i1 ! 7 a key is missing"},
        {"{\"a\" 1}", "{ ! 5 a colon is missing"},
        {"{\"a\":}", "{ ka ! 5 a value is missing"},
        {"{\"a\":1 \"b\":2}", "{ ka i1 ! 7 a comma or the closing bracket is missing"},
        {"1 2", "i1 ! 2 text after the value"},
        {"[]]", "[ ) ! 2 text after the value"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO(buf_done) struct buf out = buf_limited(65536);
        trace(cases[i][0], &out);
        assert_string_equal(buf_string(&out), cases[i][1]);
    }
}

/* The bytes of eight are looked at together: each place in them, with each byte. */
static void each_byte_of_a_string_is_seen(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        for (size_t at = 0; at < 20; at++) {
            char text[22] = "\"aaaaaaaaaaaaaaaaaaaa\"";
            struct json_scan scan;
            struct json_token token;
            text[1 + at] = (char)byte;
            json_scan_init(&scan, text, sizeof text);
            enum json_token_type type = json_scan_next(&scan, &token);
            unsigned flags = byte < 0x20 ? JSON_NOT_JSON : byte >= 0x80 ? JSON_BAD_CHARACTER : 0;
            if (byte == '\\') flags = JSON_ESCAPED | JSON_NOT_JSON;
            if (byte == '\\' && at == 19) {
                assert_int_equal(type, JSON_TOKEN_ERROR); /* the closing quote is escaped */
                continue;
            }
            assert_int_equal(type, JSON_TOKEN_STRING);
            assert_int_equal(token.size, byte == '"' ? at : 20);
            assert_int_equal(token.flags, byte == '"' ? 0 : flags);
            if (flags & JSON_NOT_JSON) assert_ptr_equal(scan.flaw, text + 1 + at);
        }
    }
}

/* --- lists --- */

static const char *const path[] = {"a", "b", NULL};

/* The elements with | behind each; false: there is no list, or it can't be cut. */
static bool cut(const char *text, size_t size, struct buf *out)
{
    struct json_scan scan;
    struct json_token token;
    json_scan_init(&scan, text, size);
    if (!json_scan_find_list(&scan, path)) return false;
    for (bool is_first = true;; is_first = false) {
        json_scan_init_list(&scan, scan.at, (size_t)(scan.end - scan.at), is_first);
        enum json_token_type type = json_scan_next(&scan, &token);
        bool is_container = type == JSON_TOKEN_OBJECT || type == JSON_TOKEN_ARRAY;
        if (type == JSON_TOKEN_CLOSE) return true;
        if (type == JSON_TOKEN_ERROR || (is_container && !json_scan_leave(&scan))) return false;
        buf_add(out, token.at, is_container ? (size_t)(scan.at - token.at) : token.size);
        buf_byte(out, '|');
    }
}

static void a_list_is_found_and_cut(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"a\":{\"b\":[1,{\"x\":[2,3]},\"},]\\\"[\"],\"n\":3},\"z\":[4,5]}", "1|{\"x\":[2,3]}|},]\\\"[|"},
        {"{ \"a\" : { \"b\" : [ 1 , [ {} ] ] } }", "1|[ {} ]|"},
        {"{\"a\":{\"b\":[]}}", ""},
        {"{\"a\":{\"b\":[ \n]}}", ""},
        /* what is wrong inside of an element is no matter of the list */
        {"{\"a\":{\"b\":[{\"c\" 1},[,],NaN,{\"d\":[tru]},2]}}", "{\"c\" 1}|[,]|NaN|{\"d\":[tru]}|2|"},
        /* what is called so elsewhere is not it */
        {"{\"b\":[1],\"c\":{\"a\":{\"b\":[2]}},\"a\":{\"c\":{\"b\":[3]},\"b\":[4]}}", "4|"},
        {"{\"a\":{},\"a\":{\"b\":[1]}}", "1|"},
        {"{\"a\":7,\"a\":{\"x\":{},\"b\":null,\"b\":[1]}}", "1|"},
        {"{\"x\":\"a\",\"a\":[{\"b\":[1]}]}", NULL},
        {"{\"a\":{\"b\":{\"b\":[1]}}}", NULL},
        {"{\"a\":{\"x\":\"b\",\"y\":[1]}}", NULL},
        {"{\"a\":{\"\\u0062\":[1]}}", NULL},
        {"{\"a\":null}", NULL},
        {"{\"a\":[1],\"b\":[2]}", NULL},
        {"[{\"a\":{\"b\":[1]}}]", NULL},
        {"{\"a\":{\"b\":[1 2]}}", NULL},
        {"{\"a\":{\"b\":[{]}]}}", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO(buf_done) struct buf out = buf_limited(65536);
        size_t size = strlen(cases[i][0]);
        assert_int_equal(cut(cases[i][0], size, &out), cases[i][1] != NULL);
        if (cases[i][1]) assert_string_equal(buf_string(&out), cases[i][1]);
    }
}

/* --- against jansson --- */

static uint64_t seed = 20261130;

static uint32_t next(uint32_t bound)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % bound;
}

static void add_value(struct buf *out, int depth)
{
    static const char *const scalars[] = {"null",
                                          "true",
                                          "false",
                                          "0",
                                          "-17",
                                          "12345678901234567890",
                                          "0.1",
                                          "1e400",
                                          "-1.5E+3",
                                          "\"\"",
                                          "\"a\\n\"",
                                          "\"\\ud83d\\ude00\"",
                                          "\"\xC3\xA9\"",
                                          "\"\\ud83d\"",
                                          "\"\\u0000\"",
                                          "\"\xE9t\"",
                                          "9007199254740993.5",
                                          "\"a longer text [{\""};
    static const char *const keys[] = {"a", "b", "\\u0061", "a (1)", "\xFF", "a longer key"};
    uint32_t kind = depth > 0 ? next(4) : 0;
    if (kind < 2) {
        buf_text(out, scalars[next(COUNT(scalars))]);
        return;
    }
    buf_byte(out, kind == 2 ? '[' : '{');
    for (uint32_t i = 0, count = next(5); i < count; i++) {
        buf_text(out, i ? next(2) ? "," : " ,\n" : "");
        if (kind == 3) buf_format(out, "\"%s\":", keys[next(COUNT(keys))]);
        add_value(out, depth - 1);
    }
    buf_byte(out, kind == 2 ? ']' : '}');
}

/* One to three bytes put in, left out or changed. */
static void mutate(struct buf *text)
{
    static const char *const pieces[] = {"{",    "}",   "[",   "]", ",",    ":",   "\"", "\\",
                                         "u",    "0",   "1",   "-", ".",    "e",   " ",  "\n",
                                         "\x01", "tru", "NaN", "x", "\xC3", "\\u", "+"};
    for (uint32_t i = 1 + next(3); i > 0; i--) {
        size_t at = next((uint32_t)text->size + 1);
        size_t gone = next(3) ? 0 : next(2) + 1;
        AUTO(mem_free) char *front = mem_format("%.*s", (int)at, buf_string(text));
        AUTO(mem_free) char *rest = mem_text(at + gone < text->size ? text->data + at + gone : "");
        buf_reset(text);
        buf_text(text, front);
        if (gone != 2) buf_text(text, pieces[next(COUNT(pieces))]);
        buf_text(text, rest);
    }
}

/* jansson accepts nothing that we do not, and without a repair gives the same value; a text that jansson
 * refuses is refused, or repaired and counted. */
static void compare(const char *text, size_t size)
{
    AUTO(json_drop) json_t *judged = json_loadb(text, size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    AUTO(json_drop) json_t *strict = NULL;
    AUTO(json_drop) json_t *lenient = NULL;
    struct json_normalisations repairs = {0}, more = {0};
    struct error err;
    bool is_read = json_read(text, size, &repairs, &strict, &err);
    bool is_kept = tree_read_lenient(text, size, &more, &lenient, &err);
    int64_t repaired = json_normalisations_sum(&repairs);
    if (judged && !is_read) fail_msg("refused: %s", text);
    if (!judged && is_read && repaired == 0) fail_msg("accepted: %s", text);
    if (judged && repaired == repairs.numbers && repairs.numbers > 0) repaired = 0; /* jansson rounds them */
    if (judged && (repaired > 0 || (repairs.numbers == 0 && !json_equal(judged, strict))))
        fail_msg("read otherwise: %s", text);
    if (is_read && (!is_kept || !json_equal(strict, lenient) || memcmp(&repairs, &more, sizeof more) != 0))
        fail_msg("read otherwise if lenient: %s", text);
    if (!is_read && is_kept && more.texts + more.characters == 0) fail_msg("accepted if lenient: %s", text);
}

static void texts_are_read_as_jansson_reads_them(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        AUTO(buf_done) struct buf text = buf_limited(65536);
        add_value(&text, 4);
        compare(buf_string(&text), text.size);
        mutate(&text);
        compare(buf_string(&text), text.size);
    }
}

/* Cut anywhere, an answer is refused. */
static void no_front_is_accepted(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS / 100; i++) {
        AUTO(buf_done) struct buf text = buf_limited(65536);
        buf_text(&text, "{\"data\":");
        add_value(&text, 3);
        buf_text(&text, ",\"odd\":[NaN,{\"a\" 1}]}");
        for (size_t size = 0; size <= text.size; size++) {
            AUTO(json_drop) json_t *value = NULL;
            struct error err;
            bool is_read = tree_read_lenient(buf_string(&text), size, NULL, &value, &err);
            if (is_read != (size == text.size)) fail_msg("%zu of %s", size, text.data);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_places_in_the_text),
        cmocka_unit_test(each_byte_of_a_string_is_seen),
        cmocka_unit_test(a_list_is_found_and_cut),
        cmocka_unit_test(texts_are_read_as_jansson_reads_them),
        cmocka_unit_test(no_front_is_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
