/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/day.h"
#include "base/json.h"
#include "base/log.h"

#define THREADS 4
#define LINES   200

/* The lines that are left, parsed, as a list. */
static json_t *read_lines(FILE *file)
{
    char *line = malloc(1 << 20);
    json_t *all = json_array();

    assert_non_null(line);
    while (fgets(line, 1 << 20, file)) {
        struct error err;
        json_t *value;

        if (!json_read(line, strlen(line), NULL, &value, &err)) fail_msg("%s", err.text);
        assert_true(json_is_object(value));
        json_array_append_new(all, value);
    }
    free(line);
    return all;
}

static json_t *lines_of(FILE *file)
{
    rewind(file);
    return read_lines(file);
}

/* As taps of Singer log. */
static void test_a_line_may_begin_with_its_level(void **state)
{
    FILE *file = tmpfile();
    char line[256];
    static const char *const wanted[] = {"WARNING two lines {\"stream\":\"a\\nb\",\"rows\":-7}\n",
                                         "INFO METRIC: {\"value\":1}\n", "CRITICAL x\n"};

    (void)state;
    log_open(fileno(file), LOG_INFO);
    log_set_form(LOG_FORM_LEVEL);
    log_write(LOG_DEBUG, "seen", NULL, "not shown");
    log_write(LOG_WARNING, "seen", LOG_FIELDS(LOG_TEXT("stream", "a\nb"), LOG_NUMBER("rows", -7)),
              "two\nlines");
    log_write(LOG_NOTICE, "metric", NULL, "METRIC: %s", "{\"value\":1}");
    log_write(LOG_CRITICAL, "seen", NULL, "x");
    log_set_form(LOG_FORM_CLOUD);
    rewind(file);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        assert_non_null(fgets(line, sizeof line, file));
        assert_string_equal(line, wanted[i]);
    }
    assert_null(fgets(line, sizeof line, file));
    (void)fclose(file);
}

static void test_a_line_has_the_shape_that_cloud_logging_reads(void **state)
{
    AUTO(json_drop) json_t *lines = NULL;
    FILE *file = tmpfile();
    const json_t *line;
    const char *time;
    int64_t us;

    (void)state;
    log_open(fileno(file), LOG_INFO);
    log_write(LOG_WARNING, "run_finished", LOG_FIELDS(LOG_TEXT("stream", "contacts"), LOG_NUMBER("rows", -7)),
              "%d rows", 7);
    log_write(LOG_DEBUG, "hidden", NULL, "below the level");
    lines = lines_of(file);
    assert_int_equal(json_array_size(lines), 1);
    line = json_array_get(lines, 0);
    time = json_text_at(line, "time");
    assert_true(time && instant_parse(time, strlen(time), &us));
    assert_string_equal(json_text_at(line, "severity"), "WARNING");
    assert_string_equal(json_text_at(line, "event"), "run_finished");
    assert_string_equal(json_text_at(line, "message"), "7 rows");
    assert_string_equal(json_text_at(line, "stream"), "contacts");
    assert_int_equal(json_int_at(line, "rows", 0), -7);
    (void)fclose(file);
}

static void test_nothing_from_outside_forges_a_line(void **state)
{
    static const char evil[] = "x\"}\n{\"severity\":\"CRITICAL\"}\r\n\x1b[2J\\ \xff\xed\xa0\x80 end";
    AUTO(json_drop) json_t *lines = NULL;
    FILE *file = tmpfile();

    (void)state;
    log_open(fileno(file), LOG_DEBUG);
    log_write(LOG_DEBUG, "evil", LOG_FIELDS(LOG_TEXT("value", evil)), "%s", evil);
    lines = lines_of(file);
    assert_int_equal(json_array_size(lines), 1);
    assert_string_equal(json_text_at(json_array_get(lines, 0), "severity"), "DEBUG");
    assert_non_null(strstr(json_text_at(json_array_get(lines, 0), "value"),
                           "x\"}\n{\"severity\":\"CRITICAL\"}\r\n\x1b[2J\\"));
    assert_non_null(strstr(json_text_at(json_array_get(lines, 0), "message"), "end"));
    (void)fclose(file);
}

static void test_long_values_are_cut_between_characters(void **state)
{
    AUTO(json_drop) json_t *lines = NULL;
    FILE *file = tmpfile();
    char text[10001];

    (void)state;
    memset(text, 'a', sizeof text); /* so that the limit falls into a character */
    for (size_t i = 2; i + 1 < sizeof text; i += 3)
        memcpy(text + i, "\xE2\x82\xAC", 3);
    text[sizeof text - 1] = '\0';
    log_open(fileno(file), LOG_INFO);
    log_write(LOG_INFO, "long", LOG_FIELDS(LOG_TEXT("value", text)), "%s", text);
    lines = lines_of(file);
    for (int i = 0; i < 2; i++) {
        const char *kept = json_text_at(json_array_get(lines, 0), i ? "value" : "message");

        assert_true(strlen(kept) <= 4096 && strlen(kept) > 4096 - 3);
        assert_memory_equal(kept, text, strlen(kept));
        assert_int_equal((strlen(kept) - 2) % 3, 0);
    }
    (void)fclose(file);
}

static void test_a_line_that_is_too_long_loses_fields_only(void **state)
{
    AUTO(json_drop) json_t *lines = NULL;
    struct log_field fields[20] = {0};
    FILE *file = tmpfile();
    char text[4097];

    (void)state;
    memset(text, '\x01', sizeof text - 1); /* six bytes each when escaped */
    text[sizeof text - 1] = '\0';
    for (size_t i = 0; i < 19; i++)
        fields[i] = LOG_TEXT("value", text);
    fields[0] = LOG_TEXT("first", "here");
    log_open(fileno(file), LOG_INFO);
    log_write(LOG_INFO, "wide", fields, "message");
    lines = lines_of(file);
    assert_int_equal(json_array_size(lines), 1);
    assert_string_equal(json_text_at(json_array_get(lines, 0), "first"), "here");
    (void)fclose(file);
}

static void *write_lines(void *nothing)
{
    (void)nothing;
    for (int i = 0; i < LINES; i++)
        log_write(LOG_INFO, "tick", LOG_FIELDS(LOG_NUMBER("i", i)), "line %d of many", i);
    return NULL;
}

static void test_lines_of_many_threads_stay_whole(void **state)
{
    AUTO(json_drop) json_t *lines = NULL;
    pthread_t threads[THREADS];
    FILE *file = tmpfile();

    (void)state;
    log_open(fileno(file), LOG_INFO);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    lines = lines_of(file);
    assert_int_equal(json_array_size(lines), THREADS * LINES);
    (void)fclose(file);
}

/* Fills the pipe so that not one more byte fits. */
static void fill(int file)
{
    static const char bytes[4096];
    int flags = fcntl(file, F_GETFL);

    assert_int_equal(fcntl(file, F_SETFL, flags | O_NONBLOCK), 0);
    while (write(file, bytes, sizeof bytes) > 0)
        continue;
    assert_int_equal(fcntl(file, F_SETFL, flags), 0);
}

static void drain(int file)
{
    char bytes[4096];
    struct pollfd wait = {.fd = file, .events = POLLIN};

    while (poll(&wait, 1, 0) == 1)
        assert_true(read(file, bytes, sizeof bytes) > 0);
}

static void test_a_reader_that_takes_nothing_loses_lines_and_never_blocks(void **state)
{
    AUTO(json_drop) json_t *lines = NULL;
    int64_t began_ms = clock_ms();
    FILE *reader;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    fill(ends[1]);
    log_open(ends[1], LOG_INFO);
    for (int i = 0; i < 100; i++)
        log_write(LOG_INFO, "lost", NULL, "lost");
    assert_true(clock_ms() - began_ms < 3000); /* not 100 times half a second, and not for ever */
    drain(ends[0]);
    log_write(LOG_INFO, "seen", NULL, "again");
    log_write(LOG_INFO, "seen", NULL, "again");
    log_open(STDERR_FILENO, LOG_INFO);
    (void)close(ends[1]);
    reader = fdopen(ends[0], "rb");
    assert_non_null(reader);
    lines = read_lines(reader);
    assert_int_equal(json_array_size(lines), 3);
    assert_string_equal(json_text_at(json_array_get(lines, 0), "event"), "log_lines_dropped");
    assert_int_equal(json_int_at(json_array_get(lines, 0), "lines", 0), 100);
    assert_string_equal(json_text_at(json_array_get(lines, 1), "event"), "seen");
    (void)fclose(reader);
}

static void test_the_origin_of_an_error_is_logged(void **state)
{
    AUTO(json_drop) json_t *lines = NULL;
    struct error err = {0};
    FILE *file = tmpfile();
    char origin[ERROR_ORIGIN];

    (void)state;
    log_open(fileno(file), LOG_INFO);
    log_write(LOG_INFO, "fine", LOG_FIELDS(LOG_ORIGIN(&err), LOG_NUMBER("n", 1)), "no error");
    (void)error_set(&err, ERROR_BUSY, "inner");
    (void)error_wrap(&err, "outer");
    log_write(LOG_INFO, "failed", LOG_FIELDS(LOG_ORIGIN(&err)), "%s", err.text);
    lines = lines_of(file);
    assert_null(json_at(json_array_get(lines, 0), "at"));
    assert_int_equal(json_int_at(json_array_get(lines, 0), "n", 0), 1);
    assert_string_equal(json_text_at(json_array_get(lines, 1), "at"), error_origin(&err, origin));
    assert_int_equal(strncmp(origin, "test_log.c:", strlen("test_log.c:")), 0);
    (void)fclose(file);
}

static void test_levels_by_name(void **state)
{
    static const char *const names[] = {"debug", "info", "notice", "warning", "error", "critical"};
    enum log_level level;

    (void)state;
    for (int i = 0; i < 6; i++) {
        assert_true(log_level_parse(names[i], &level));
        assert_int_equal(level, i);
    }
    assert_false(log_level_parse("INFO", &level));
    assert_false(log_level_parse("", &level));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_may_begin_with_its_level),
        cmocka_unit_test(test_a_line_has_the_shape_that_cloud_logging_reads),
        cmocka_unit_test(test_nothing_from_outside_forges_a_line),
        cmocka_unit_test(test_long_values_are_cut_between_characters),
        cmocka_unit_test(test_a_line_that_is_too_long_loses_fields_only),
        cmocka_unit_test(test_lines_of_many_threads_stay_whole),
        cmocka_unit_test(test_a_reader_that_takes_nothing_loses_lines_and_never_blocks),
        cmocka_unit_test(test_the_origin_of_an_error_is_logged),
        cmocka_unit_test(test_levels_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
