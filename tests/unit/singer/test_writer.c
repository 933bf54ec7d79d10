/* SPDX-License-Identifier: Apache-2.0 */
/* Lines on a pipe: whole, in ASCII, and none after a failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "writer.h"

struct bench {
    int reader;
    struct writer writer;
    atomic_bool stop;
    struct error err;
};

static void open_bench(struct bench *bench)
{
    int ends[2];
    *bench = (struct bench){.reader = -1};
    assert_int_equal(pipe(ends), 0);
    bench->reader = ends[0];
    bench->writer = (struct writer){.file = ends[1], .stop = &bench->stop};
    writer_init(&bench->writer);
}

static void close_bench(struct bench *bench)
{
    writer_done(&bench->writer);
    if (bench->reader >= 0) close(bench->reader);
    close(bench->writer.file);
}

static bool add_text(struct bench *bench, size_t size)
{
    char *text = calloc(size + 1, 1);
    assert_non_null(text);
    memset(text, 'x', size);
    AUTO(json_drop) json_t *message = json_string(text);
    free(text);
    return writer_add(&bench->writer, message, &bench->err);
}

static void text_is_ascii(void **state)
{
    struct bench bench;
    char line[256] = "";
    AUTO(json_drop)
    json_t *message =
        json_pack("{s:s}", "\u00e9", "a\xc2\x85\u2028\U0001F680\u07ff\u0800\uffff\U00010000\n\"");
    (void)state;
    open_bench(&bench);
    assert_true(writer_add(&bench.writer, message, &bench.err) && writer_flush(&bench.writer, &bench.err));
    assert_true(read(bench.reader, line, sizeof line - 1) > 0);
    assert_string_equal(
        line, "{\"\\u00e9\":\"a\\u0085\\u2028\\ud83d\\ude80\\u07ff\\u0800\\uffff\\ud800\\udc00\\n\\\"\"}\n");
    AUTO(json_drop) json_t *back = json_loads(line, 0, NULL);
    assert_true(json_equal(back, message));
    close_bench(&bench);
}

/* Each read of a full pipe gets whole lines, as each write has them. */
static void small_lines_are_written_together(void **state)
{
    struct bench bench;
    char *got = calloc(1, 1 << 17);
    (void)state;
    assert_non_null(got);
    open_bench(&bench);
    assert_true(add_text(&bench, 1000));
    assert_int_equal(fcntl(bench.reader, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(read(bench.reader, got, 1), -1); /* it waits for more */
    for (int i = 0; i < 4; i++)
        assert_true(add_text(&bench, 1000));
    ssize_t size = read(bench.reader, got, 1 << 17);
    assert_int_equal(size, 4 * 1003);
    assert_true(add_text(&bench, 3 * PIPE_BUF)); /* a long one comes after those before it */
    size = read(bench.reader, got, 1 << 17);
    assert_int_equal(size, 1003 + 3 * PIPE_BUF + 3);
    assert_int_equal(got[1002], '\n');
    free(got);
    close_bench(&bench);
}

static void a_reader_that_is_gone_ends_it(void **state)
{
    struct bench bench;
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    open_bench(&bench);
    close(bench.reader);
    bench.reader = -1;
    assert_true(writer_check(&bench.writer, &bench.err));
    assert_true(add_text(&bench, 10));
    assert_false(writer_flush(&bench.writer, &bench.err));
    assert_int_equal(bench.err.kind, ERROR_STOPPED);
    assert_non_null(strstr(bench.err.text, "closed by its reader"));
    bench.err = (struct error){.kind = ERROR_NONE};
    assert_false(add_text(&bench, 10)); /* nothing follows */
    assert_false(writer_check(&bench.writer, &bench.err));
    assert_int_equal(bench.err.kind, ERROR_STOPPED);
    close_bench(&bench);
}

static void a_stop_ends_the_wait_for_a_reader(void **state)
{
    struct bench bench;
    (void)state;
    open_bench(&bench);
    atomic_store(&bench.stop, true); /* a reader that takes lines gets them all the same */
    while (add_text(&bench, 1000)) {
    }
    assert_int_equal(bench.err.kind, ERROR_STOPPED);
    char last[1 << 17];
    ssize_t size = read(bench.reader, last, sizeof last);
    assert_true(size > 0 && last[size - 1] == '\n');
    close_bench(&bench);
}

static void a_full_disk_is_an_error(void **state)
{
    struct bench bench = {.reader = -1};
    (void)state;
    bench.writer.file = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(bench.writer.file >= 0);
    writer_init(&bench.writer);
    assert_true(add_text(&bench, 10));
    assert_false(writer_flush(&bench.writer, &bench.err));
    assert_int_equal(bench.err.kind, ERROR_LIMIT);
    assert_non_null(strstr(bench.err.text, "No space left"));
    close_bench(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_ascii),
        cmocka_unit_test(small_lines_are_written_together),
        cmocka_unit_test(a_reader_that_is_gone_ends_it),
        cmocka_unit_test(a_stop_ends_the_wait_for_a_reader),
        cmocka_unit_test(a_full_disk_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
