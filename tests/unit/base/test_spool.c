/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/spool.h"

#define PIECE 1000

static char directory[] = "/tmp/test_spool-XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN); /* a write beyond the limit fails instead */
    return mkdtemp(directory) ? 0 : -1;
}

/* Fails if a temporary file has kept its name. */
static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The byte at each place is known, so that any piece can be checked. */
static char byte_at(int64_t offset)
{
    return (char)(offset * 31 + offset / 251);
}

static void add_piece(struct spool *spool)
{
    struct error err = {0};
    char piece[PIECE];
    for (int64_t i = 0; i < PIECE; i++)
        piece[i] = byte_at(spool->size + i);
    if (!spool_add(spool, piece, sizeof piece, &err)) fail_msg("%s", err.text);
}

static void expect_piece(const struct spool *spool, int64_t offset, size_t size)
{
    struct error err = {0};
    AUTO(buf_done) struct buf out = buf_limited(PIECE * 100);
    if (!spool_read(spool, offset, size, &out, &err)) fail_msg("%s", err.text);
    assert_int_equal(out.size, size);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(out.data[i], byte_at(offset + (int64_t)i));
}

static void what_is_added_is_read_again(void **state)
{
    (void)state;
    struct spool_budget budget = {.directory = directory, .limit = 10 * PIECE};
    struct spool spool;
    spool_init(&spool, &budget);
    for (int n = 1; n <= 25; n++) {
        add_piece(&spool);
        assert_int_equal(spool.size, n * PIECE);
        assert_int_equal(spool.file >= 0, n > 10);
        assert_int_equal(budget.used, n > 10 ? 0 : n * PIECE);
        expect_piece(&spool, 0, (size_t)spool.size);
        expect_piece(&spool, spool.size - 1500 > 0 ? spool.size - 1500 : 0, 999);
        expect_piece(&spool, spool.size, 0);
    }
    spool_done(&spool);
    assert_int_equal(budget.used, 0);
}

static void memory_is_shared(void **state)
{
    (void)state;
    struct spool_budget budget = {.directory = directory, .limit = 4 * PIECE};
    struct spool small, large;
    spool_init(&small, &budget);
    spool_init(&large, &budget);
    add_piece(&small);
    for (int n = 0; n < 6; n++) {
        add_piece(&large);
        assert_true(budget.used <= budget.limit);
    }
    assert_true(small.file < 0 && large.file >= 0);
    add_piece(&small);
    expect_piece(&small, 0, 2 * PIECE);
    expect_piece(&large, 0, 6 * PIECE);
    spool_done(&small);
    spool_done(&large);
    assert_int_equal(budget.used, 0);
}

static void a_full_disk_is_an_error_that_loses_nothing(void **state)
{
    (void)state;
    struct spool_budget budget = {.directory = directory, .limit = 2 * PIECE};
    struct spool spool;
    struct error err = {0};
    char piece[PIECE] = {0};
    spool_init(&spool, &budget);
    add_piece(&spool);
    add_piece(&spool);
    limit_files(PIECE);
    assert_false(spool_add(&spool, piece, sizeof piece, &err)); /* not even what was in memory */
    assert_int_equal(err.kind, ERROR_LIMIT);
    assert_non_null(strstr(err.text, directory));
    assert_non_null(strstr(err.text, "Free space there"));
    expect_piece(&spool, 0, 2 * PIECE);
    limit_files(3 * PIECE);
    add_piece(&spool);
    assert_false(spool_add(&spool, piece, sizeof piece, &err));
    limit_files(RLIM_INFINITY);
    expect_piece(&spool, 0, 3 * PIECE);
    add_piece(&spool);
    expect_piece(&spool, 0, 4 * PIECE);
    spool_done(&spool);
}

static void a_directory_without_files_is_refused(void **state)
{
    (void)state;
    struct error err = {0};
    assert_true(spool_check(directory, &err));
    assert_false(spool_check("/nowhere/at/all", &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.text, "/nowhere/at/all: No such file"));
    assert_non_null(strstr(err.text, "temporary_directory"));
    limit_files(0);
    assert_false(spool_check(directory, &err));
    limit_files(RLIM_INFINITY);
    assert_int_equal(err.kind, ERROR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_is_read_again),
        cmocka_unit_test(memory_is_shared),
        cmocka_unit_test(a_full_disk_is_an_error_that_loses_nothing),
        cmocka_unit_test(a_directory_without_files_is_refused),
    };
    return cmocka_run_group_tests_name("spool", tests, make_directory, remove_directory);
}
