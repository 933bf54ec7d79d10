/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "credentials/credentials.h"

#define NAME "CASELOAD_TEST_TOKEN"

/* refused: by the service; NULL: none. */
static void expect(struct token *token, const char *refused, const char *text)
{
    AUTO(secret_done) struct secret secret = {0}, old = {0};
    struct error err = {0};
    if (refused) assert_true(secret_set(&old, refused, strlen(refused), &err));
    if (!token->get(token, refused ? &old : NULL, &secret, &err)) fail_msg("%s", err.text);
    assert_string_equal(secret_reveal(&secret), text);
}

static void an_environment_variable_is_read(void **state)
{
    (void)state;
    struct token *token = NULL;
    struct error err = {0};
    assert_int_equal(setenv(NAME, "first\n", 1), 0); /* one line break is no part of it */
    assert_true(token_from_env(NAME, &token, &err));
    expect(token, NULL, "first");
    token_free(token);
    assert_int_equal(unsetenv(NAME), 0);
    assert_false(token_from_env(NAME, &token, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.text, NAME));
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void a_file_is_read_again_when_asked(void **state)
{
    (void)state;
    char path[] = "/tmp/caseload-test-XXXXXX";
    struct token *token = NULL;
    struct error err = {0};
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    write_file(path, "first\n");
    assert_true(token_from_file(path, &token, &err));
    write_file(path, "second");
    expect(token, NULL, "first");
    expect(token, "first", "second");
    write_file(path, "third");
    expect(token, "first", "second"); /* another call, refused together with the first */
    expect(token, NULL, "second");

    AUTO(secret_done) struct secret secret = {0}, refused = {0};
    assert_true(secret_set(&refused, "second", 6, &err));
    assert_int_equal(unlink(path), 0);
    assert_false(token->get(token, &refused, &secret, &err)); /* the refused one is all there is */
    assert_int_equal(err.kind, ERROR_AUTH);
    token_free(token);
    token_free(NULL);
}

static void what_is_no_token_is_refused_and_not_shown(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",         "\n",           "hidden\n\n", "hid den", "hidden\r\nX: y",
                                        "hidden\t", "hidd\xC3\xA9n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct token *token = NULL;
        struct error err = {0};
        assert_int_equal(setenv(NAME, wrong[i], 1), 0);
        assert_false(token_from_env(NAME, &token, &err));
        assert_int_equal(err.kind, ERROR_CONFIG);
        assert_null(strstr(err.text, "hid"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_environment_variable_is_read),
        cmocka_unit_test(a_file_is_read_again_when_asked),
        cmocka_unit_test(what_is_no_token_is_refused_and_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
