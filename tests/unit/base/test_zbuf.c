/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/zbuf.h"

#define MIB ((size_t)1024 * 1024)

/* Text that shrinks, or noise that does not. */
static char *make_bytes(size_t size, bool noise)
{
    char *bytes = mem_grow(NULL, size, 1);
    uint32_t state = 1;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525 + 1013904223;
        bytes[i] = (char)(noise ? state >> 24 : (unsigned char)"caseload "[i % 9]);
    }
    return bytes;
}

static void expect_bytes(const struct zbuf *pack, const char *bytes, size_t size, size_t step)
{
    AUTO(mem_free) char *read = mem_grow(NULL, step, 1);
    struct zbuf_reader *reader = zbuf_open(pack);
    size_t at = 0, got;
    while ((got = zbuf_read(reader, read, step)) > 0) {
        assert_true(got <= step && at + got <= size);
        assert_memory_equal(read, bytes + at, got);
        at += got;
    }
    assert_int_equal(at, size);
    assert_int_equal(zbuf_read(reader, read, step), 0);
    zbuf_close(reader);
}

static void what_goes_in_comes_out_each_time(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 1000, 65536, 200000};
    for (int noise = 0; noise < 2; noise++) {
        AUTO(mem_free) char *bytes = make_bytes(MIB, noise);
        AUTO(zbuf_done) struct zbuf pack;
        zbuf_init(&pack, 4 * MIB, 4 * MIB);
        for (size_t at = 0, i = 0; at < MIB; i++) {
            size_t part = i % 3 ? 7 : 100001;
            if (part > MIB - at) part = MIB - at;
            assert_true(zbuf_add(&pack, bytes + at, part));
            at += part;
        }
        assert_true(zbuf_end(&pack));
        assert_int_equal(pack.size, MIB);
        if (!noise) assert_true(pack.packed < MIB / 20);
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
            expect_bytes(&pack, bytes, MIB, steps[i]);
    }
}

static void an_empty_one_reads_empty(void **state)
{
    (void)state;
    AUTO(zbuf_done) struct zbuf pack;
    zbuf_init(&pack, MIB, MIB);
    assert_true(zbuf_end(&pack));
    expect_bytes(&pack, "", 0, 10);
}

static void both_ceilings_hold(void **state)
{
    (void)state;
    AUTO(mem_free) char *bytes = make_bytes(MIB, true);
    AUTO(zbuf_done) struct zbuf pack;
    zbuf_init(&pack, MIB, 4 * MIB);
    assert_true(zbuf_add(&pack, bytes, MIB));
    assert_false(zbuf_add(&pack, bytes, 1));
    assert_false(zbuf_end(&pack));
    zbuf_reset(&pack); /* and it is as good as new */
    assert_true(zbuf_add(&pack, bytes, 10) && zbuf_end(&pack));
    expect_bytes(&pack, bytes, 10, 10);

    zbuf_done(&pack);
    zbuf_init(&pack, 4 * MIB, MIB / 2);
    bool good = zbuf_add(&pack, bytes, MIB);
    assert_false(zbuf_end(&pack) && good);
    assert_true(pack.full && pack.packed <= MIB / 2);
}

/* Many small packs are what a spool is: what they take counts, not only what they need. */
static void what_is_taken_is_counted(void **state)
{
    (void)state;
    AUTO(mem_free) char *bytes = make_bytes(MIB, true);
    AUTO(zbuf_done) struct zbuf pack;
    zbuf_init(&pack, MIB, 4096);
    assert_true(zbuf_add(&pack, bytes, 10) && zbuf_end(&pack));
    assert_int_equal(pack.packed, 4096);
    expect_bytes(&pack, bytes, 10, 10);
    zbuf_reset(&pack);
    assert_int_equal(pack.packed, 0);

    zbuf_done(&pack);
    zbuf_init(&pack, MIB, 4095);
    bool good = zbuf_add(&pack, bytes, 10);
    assert_false(zbuf_end(&pack) && good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out_each_time),
        cmocka_unit_test(an_empty_one_reads_empty),
        cmocka_unit_test(both_ceilings_hold),
        cmocka_unit_test(what_is_taken_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
