/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/gunzip.h"
#include "base/mem.h"
#include "shared/gzip_file.h"

#define TEXT_SIZE 200000

struct fixture {
    struct gunzip *gunzip;
    struct buf text, file, out;
};

/* A text that shrinks; zlib makes the file, as sources do. */
static int set_up(void **state)
{
    static struct fixture fixture;
    fixture.gunzip = gunzip_new();
    buf_init(&fixture.text, TEXT_SIZE);
    buf_init(&fixture.file, 2 * TEXT_SIZE);
    buf_init(&fixture.out, TEXT_SIZE);
    for (uint32_t noise = 1; buf_format(&fixture.text, "%u,", noise >> 20);)
        noise = noise * 1664525 + 1013904223;
    gzip_file(fixture.text.data, fixture.text.size, 6, &fixture.file);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    gunzip_free(fixture->gunzip);
    buf_done(&fixture->text);
    buf_done(&fixture->file);
    buf_done(&fixture->out);
    return 0;
}

static bool take(void *self, const void *bytes, size_t size)
{
    return buf_add(self, bytes, size);
}

/* The file in pieces, as one that begins. */
static enum gunzip_outcome open_file(struct fixture *fixture, size_t piece)
{
    const struct gunzip_sink sink = {.take = take, .self = &fixture->out};
    enum gunzip_outcome outcome = GUNZIP_MORE;
    gunzip_reset(fixture->gunzip);
    buf_reset(&fixture->out);
    for (size_t at = 0; at < fixture->file.size; at += piece) {
        size_t left = fixture->file.size - at;
        outcome = gunzip_add(fixture->gunzip, fixture->file.data + at, left < piece ? left : piece, &sink);
        if (outcome != GUNZIP_MORE && outcome != GUNZIP_END) break;
    }
    return outcome;
}

static void pieces_of_each_size_give_the_text(void **state)
{
    struct fixture *fixture = *state;
    static const size_t pieces[] = {1, 7, 1000, 16384, TEXT_SIZE};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        assert_int_equal(open_file(fixture, pieces[i]), GUNZIP_END);
        assert_int_equal(fixture->out.size, fixture->text.size);
        assert_memory_equal(fixture->out.data, fixture->text.data, fixture->text.size);
    }
}

static void a_file_without_its_end_goes_on(void **state)
{
    struct fixture *fixture = *state;
    for (size_t cut = 1; cut <= 20; cut++) {
        buf_cut(&fixture->file, fixture->file.size - 1);
        assert_int_equal(open_file(fixture, TEXT_SIZE), GUNZIP_MORE);
    }
    buf_cut(&fixture->file, 5);
    assert_int_equal(open_file(fixture, TEXT_SIZE), GUNZIP_MORE);
}

static void damage_is_seen(void **state)
{
    struct fixture *fixture = *state;
    static const size_t pieces[] = {1, TEXT_SIZE};
    const size_t size = fixture->file.size;
    const size_t places[] = {0, 1, 2, size / 2, size - 8, size - 1}; /* head, data, sum, length */
    for (size_t i = 0; i < 2 * sizeof places / sizeof *places; i++) {
        char *byte = &fixture->file.data[places[i / 2]];
        *byte = (char)(*byte ^ 0x15);
        enum gunzip_outcome outcome = open_file(fixture, pieces[i % 2]);
        *byte = (char)(*byte ^ 0x15);
        assert_int_equal(outcome, GUNZIP_BAD);
    }
    assert_int_equal(open_file(fixture, TEXT_SIZE), GUNZIP_END); /* and the next file is a new one */
}

static void nothing_follows_the_end(void **state)
{
    struct fixture *fixture = *state;
    assert_true(buf_byte(&fixture->file, '\0'));
    assert_int_equal(open_file(fixture, TEXT_SIZE), GUNZIP_BAD);
    assert_int_equal(open_file(fixture, 1), GUNZIP_BAD);
}

static void a_refusal_ends_it(void **state)
{
    struct fixture *fixture = *state;
    fixture->out.limit = fixture->text.size - 1;
    assert_int_equal(open_file(fixture, TEXT_SIZE), GUNZIP_FULL);
    assert_int_equal(open_file(fixture, 1), GUNZIP_FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pieces_of_each_size_give_the_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_without_its_end_goes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_is_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_follows_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refusal_ends_it, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
