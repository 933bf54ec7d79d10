/* SPDX-License-Identifier: Apache-2.0 */
/* A raw body is opened when it is read; the list of a split body is cut out of text that is inflated a chunk
 * at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "rest/response_body.h"
#include "shared/gzip_file.h"

static const char *const path[] = {"parts", "parts", NULL};

static void fill(struct response_body *body, const char *text, size_t size)
{
    response_body_init_split(body, path);
    struct http_sink sink = response_body_sink(body);
    sink.begin(sink.self);
    assert_true(sink.take(sink.self, text, size));
}

/* All elements, in one list. */
static struct json_value *read_elements(struct response_body *body, struct json_normalisations *found,
                                        size_t *out_slices)
{
    struct json_value *all = value_new(VALUE_ARRAY);
    struct error err;
    for (*out_slices = 0;; ++*out_slices) {
        AUTO(value_drop) struct json_value *slice = NULL;
        if (!response_body_next(body, found, &slice, &err)) fail_msg("%s", err.text);
        if (value_count(slice) == 0) return all;
        for (const struct json_value *element = value_elements(slice); element; element = element->next)
            value_append(all, element);
    }
}

static void expect_equal(const struct json_value *left, const struct json_value *right)
{
    AUTO(buf_done) struct buf one = buf_limited(LIMIT_DETAIL);
    AUTO(buf_done) struct buf other = buf_limited(LIMIT_DETAIL);
    assert_true(value_write(&one, left));
    assert_true(value_write(&other, right));
    assert_string_equal(buf_string(&one), buf_string(&other));
}

/* The body is read as it would be in one piece. */
static void expect_same(const char *text, size_t size)
{
    AUTO(response_body_done) struct response_body body = {.count = 0};
    AUTO(value_drop) struct json_value *whole = NULL;
    AUTO(value_drop) struct json_value *rest = NULL;
    AUTO(value_drop) struct json_value *elements = NULL;
    struct json_normalisations of_whole = {0}, found = {0};
    struct error err;
    size_t slices;
    assert_true(value_read(text, size, true, &of_whole, &whole, &err));
    fill(&body, text, size);
    if (!response_body_read(&body, &found, &rest, &err)) fail_msg("%s", err.text);
    const struct json_value *list = value_at(whole, "parts.parts");
    assert_int_equal(body.count, value_count(list));
    elements = read_elements(&body, &found, &slices);
    assert_int_equal(value_count(elements), body.count);
    if (value_is_array(list)) expect_equal(elements, list);
    assert_in_range(slices, size / (LIMIT_SLICE + 2 * 300000), size / LIMIT_SLICE + 1);
    if (value_is_array(list))
        value_set(value_get(whole, "parts"), "parts", document_add(whole->document, VALUE_ARRAY));
    expect_equal(rest, whole);
    assert_memory_equal(&found, &of_whole, sizeof found);
}

static uint64_t seed = 20261130;

static uint32_t next(uint32_t bound)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % bound;
}

/* Elements of all kinds and lengths, with chunks that end anywhere in them. */
static void add_elements(struct buf *text, uint32_t count, uint32_t longest)
{
    static const char *const odd[] = {"1234567890", "true",    "\"],[\\\"{\"",        " [ ] ",
                                      "{\"a\" 1}",  "NaN",     "{\"s\":\"\\ud83d\"}", "-1.5e3 ",
                                      "\n{}",       "\"\xFF\""};
    AUTO(mem_free) char *filling = mem_zero(longest + 1, 1);
    memset(filling, '[', longest);
    for (uint32_t i = 0; i < count; i++) {
        const char *element = odd[next(sizeof odd / sizeof *odd)];
        if (i > 0) buf_byte(text, ',');
        if (next(2))
            buf_format(text, "{\"id\":%u,\"text\":\"%.*s\"}", i, (int)next(longest), filling);
        else
            buf_text(text, element);
    }
}

static void a_list_is_cut_wherever_chunks_end(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 60; i++) {
        AUTO(buf_done) struct buf text = buf_limited(LIMIT_DETAIL);
        AUTO(mem_free) char *blanks = mem_format("%*s", (int)next(40000), "");
        buf_format(&text, "{\"title\":\"%s\",\"parts\":{\"type\":\"list\",\"parts\":[", blanks);
        add_elements(&text, next(300), i % 4 ? 100 : 300000 / (1 + i));
        buf_format(&text, "],\"count\":NaN},\"after\":\"%s\"}", blanks);
        expect_same(text.data, text.size);
    }
}

/* A number that is cut is a number, too. */
static void numbers_are_cut_out_whole(void **state)
{
    (void)state;
    AUTO(buf_done) struct buf text = buf_limited(LIMIT_PAGE);
    buf_text(&text, "{\"parts\":{\"parts\":[0");
    for (uint32_t i = 0; i < 50000; i++)
        buf_format(&text, ",%u", 1000000000 + next(1000000000));
    buf_text(&text, "]}}");
    expect_same(text.data, text.size);
}

static void a_body_without_the_list_is_read_whole(void **state)
{
    (void)state;
    static const char *const texts[] = {"{\"parts\":null,\"a\":[1,2]}", "{\"parts\":{\"parts\":{}}}", "{}",
                                        "{\"parts\":{\"parts\":[]}}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        expect_same(texts[i], strlen(texts[i]));
}

/* Every front of it, and every text whose list can't be cut. */
static void a_cut_body_is_refused(void **state)
{
    (void)state;
    static const char whole[] = "{\"parts\":{\"parts\":[{\"a\":[1]},\"x\",2]},\"b\":3}";
    static const char *const broken[] = {"{\"parts\":{\"parts\":[1 2]}}", "{\"parts\":{\"parts\":[{]}]}}",
                                         "{\"parts\":{\"parts\":[1}]}", "{\"parts\":{\"parts\":[]}} x"};
    for (size_t i = 0; i < sizeof whole - 1 + sizeof broken / sizeof *broken; i++) {
        AUTO(response_body_done) struct response_body body = {.count = 0};
        AUTO(value_drop) struct json_value *rest = NULL;
        struct error err = {0};
        size_t size = i < sizeof whole - 1 ? i : strlen(broken[i - (sizeof whole - 1)]);
        fill(&body, i < sizeof whole - 1 ? whole : broken[i - (sizeof whole - 1)], size);
        if (response_body_read(&body, NULL, &rest, &err)) fail_msg("case %zu", i);
        assert_int_equal(err.kind, ERROR_FORMAT);
    }
}

static void an_element_has_a_ceiling(void **state)
{
    (void)state;
    size_t sizes[] = {30 * 1024 * 1024, LIMIT_PAGE - 32768, LIMIT_PAGE + 1024};
    for (size_t i = 0; i < 3; i++) {
        AUTO(response_body_done) struct response_body body = {.count = 0};
        AUTO(value_drop) struct json_value *rest = NULL;
        AUTO(buf_done) struct buf text = buf_limited(LIMIT_DETAIL);
        AUTO(mem_free) char *blanks = mem_format("%*s", (int)sizes[i], "");
        struct error err = {0};
        buf_format(&text, "{\"parts\":{\"parts\":[\"%.*s\",\"%s\",\"%.*s\"]}}", 85000, blanks, blanks,
                   LIMIT_PAGE / 2, blanks);
        fill(&body, text.data, text.size);
        assert_int_equal(response_body_read(&body, NULL, &rest, &err), i < 2);
        if (i < 2)
            assert_int_equal(body.count, 3);
        else
            assert_int_equal(err.kind, ERROR_LIMIT);
    }
}

/* --- raw --- */

/* Reads a raw body with these bytes; the kind of its error. */
static enum error_kind read_raw(struct body_opener *opener, const char *bytes, size_t size, bool is_gzip,
                                struct json_value **out_value)
{
    AUTO(response_body_done) struct response_body body = {.count = 0};
    struct byte_budget budget = {0};
    struct error err = {0};
    response_body_init_raw(&body, &budget, opener);
    struct http_sink sink = response_body_sink(&body);
    assert_true(sink.is_raw);
    sink.begin(sink.self);
    assert_true(sink.take(sink.self, bytes, size / 2));
    assert_true(sink.take(sink.self, bytes + size / 2, size - size / 2));
    assert_int_equal(atomic_load(&budget.used), size);
    body.is_gzip = is_gzip;
    bool good = response_body_read(&body, NULL, out_value, &err);
    assert_int_equal(good, err.kind == ERROR_NONE);
    response_body_done(&body);
    assert_int_equal(atomic_load(&budget.used), 0);
    return err.kind;
}

static void a_raw_body_is_opened_when_it_is_read(void **state)
{
    (void)state;
    static const char text[] = "{\"data\":[1,2,3],\"text\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}";
    struct body_opener *opener = body_opener_new();
    struct json_value *value;
    AUTO(buf_done) struct buf packed = buf_limited(4096);
    gzip_file(text, sizeof text - 1, 9, &packed);
    for (size_t size = 0; size <= packed.size; size++) { /* cut anywhere */
        enum error_kind kind = read_raw(opener, packed.data, size, true, &value);
        assert_int_equal(kind, size < packed.size ? ERROR_FORMAT : ERROR_NONE);
        if (size == packed.size) assert_int_equal(value_count(value_get(value, "data")), 3);
        value_drop(&value);
    }
    for (size_t i = 10; i < packed.size; i++) { /* damaged anywhere behind the head */
        packed.data[i] ^= 1;
        assert_int_equal(read_raw(opener, packed.data, packed.size, true, &value), ERROR_FORMAT);
        packed.data[i] ^= 1;
    }
    assert_int_equal(read_raw(opener, text, sizeof text - 1, false, &value), ERROR_NONE);
    value_drop(&value);
    body_opener_free(opener);
}

static void a_raw_body_has_a_ceiling(void **state)
{
    (void)state;
    struct body_opener *opener = body_opener_new();
    struct json_value *value;
    AUTO(mem_free) char *blanks = mem_format("%*s", LIMIT_PAGE_SOFT + 1, "");
    AUTO(buf_done) struct buf packed = buf_limited(LIMIT_PAGE);
    gzip_file(blanks, LIMIT_PAGE_SOFT + 1, 9, &packed);
    assert_true(packed.size < LIMIT_PAGE_SOFT / 100);
    assert_int_equal(read_raw(opener, packed.data, packed.size, true, &value), ERROR_LIMIT);
    buf_reset(&packed);
    gzip_file("{}", 2, 9, &packed);
    assert_int_equal(read_raw(opener, packed.data, packed.size, true, &value), ERROR_NONE);
    value_drop(&value);
    body_opener_free(opener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_cut_wherever_chunks_end),
        cmocka_unit_test(numbers_are_cut_out_whole),
        cmocka_unit_test(a_body_without_the_list_is_read_whole),
        cmocka_unit_test(a_cut_body_is_refused),
        cmocka_unit_test(an_element_has_a_ceiling),
        cmocka_unit_test(a_raw_body_is_opened_when_it_is_read),
        cmocka_unit_test(a_raw_body_has_a_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
