/* SPDX-License-Identifier: Apache-2.0 */
/* Which files are read whole, and which are refused without waiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"

#define LIMIT 10

static char folder[] = "/tmp/test_file_XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void write_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    for (size_t i = 0; i < size; i++)
        assert_int_not_equal(fputc('x', file), EOF);
    assert_int_equal(fclose(file), 0);
}

static void assert_refused(const char *path, const char *cause)
{
    AUTO(buf_done) struct buf out = {0};
    struct error err;

    assert_false(file_read(path, LIMIT, &out, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.text, path));
    if (!strstr(err.text, cause)) fail_msg("\"%s\" does not name the cause \"%s\"", err.text, cause);
}

static void test_regular_files(void **state)
{
    AUTO(mem_free) char *path = mem_format("%s/file", folder);
    AUTO(buf_done) struct buf out = {0};
    struct error err;

    (void)state;
    for (size_t size = 0; size <= LIMIT; size += LIMIT / 2) {
        write_file(path, size);
        assert_true(file_read(path, LIMIT, &out, &err));
        assert_int_equal(out.size, size);
        assert_int_equal(strlen(buf_string(&out)), size);
    }
    write_file(path, LIMIT + 1);
    assert_refused(path, "more than 10 bytes");
    assert_int_equal(remove(path), 0);
    assert_refused(path, "No such file");
}

static void test_files_that_block_or_never_end(void **state)
{
    AUTO(mem_free) char *path = mem_format("%s/special", folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    assert_refused(folder, "a directory");
    assert_refused("/dev/zero", "a device");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_refused(path, "a FIFO");
    assert_int_equal(remove(path), 0);
    assert_true(listener >= 0);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_refused(path, "a socket");
    (void)close(listener);
    assert_int_equal(remove(path), 0);
}

static void test_inherited_pipe(void **state)
{
    AUTO(buf_done) struct buf out = {0};
    struct error err;
    char path[32];
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    (void)snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    assert_int_equal(write(ends[1], "piped", 5), 5);
    (void)close(ends[1]);
    assert_true(file_read(path, LIMIT, &out, &err));
    assert_string_equal(buf_string(&out), "piped");
    (void)close(ends[0]);
}

static void test_memory_does_not_move(void **state)
{
    AUTO(mem_free) char *path = mem_format("%s/file", folder);
    AUTO(buf_done) struct buf out = {0};
    struct error err;

    (void)state;
    write_file(path, 1);
    assert_true(file_read(path, 100000, &out, &err));
    assert_true(out.capacity > 100000); /* else growing would leave a copy that nothing wipes */
    assert_int_equal(remove(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_regular_files),
        cmocka_unit_test(test_files_that_block_or_never_end),
        cmocka_unit_test(test_inherited_pipe),
        cmocka_unit_test(test_memory_does_not_move),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
