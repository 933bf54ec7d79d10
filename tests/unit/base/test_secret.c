/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"

static bool set(struct secret *secret, const char *text, struct error *err)
{
    return secret_set(secret, text, strlen(text), err);
}

static void test_set_and_reveal(void **state)
{
    struct secret secret = {0};
    struct error err;

    (void)state;
    assert_string_equal(secret_reveal(&secret), "");
    assert_true(set(&secret, "first", &err));
    assert_true(secret_set(&secret, secret.bytes + 1, 4, &err)); /* from its own bytes */
    assert_string_equal(secret_reveal(&secret), "irst");
    assert_int_equal(secret.size, 4);
    secret_done(&secret);
    assert_string_equal(secret_reveal(&secret), "");
    secret_reserve(&secret, 3 * SECRET_LIMIT); /* a body that a token is put into */
    memset(secret.bytes, '\n', secret.size);
    assert_int_equal(strlen(secret_reveal(&secret)), 3 * SECRET_LIMIT);
    secret_done(&secret);
    secret_done(NULL);
}

static void test_memory_of_a_secret_is_wiped_before_another_has_it(void **state)
{
    static const char zeros[100];
    struct secret secret = {0};
    struct error err;

    (void)state;
    for (int i = 0; i < 40; i++) { /* more than are kept */
        secret_reserve(&secret, sizeof zeros);
        assert_memory_equal(secret.bytes, zeros, sizeof zeros);
        memset(secret.bytes, 'x', sizeof zeros);
        secret.size = 1; /* a caller may have used less */
        assert_true(secret_set(&secret, "y", 1, &err));
        secret_done(&secret);
    }
}

static void test_bad_bytes_are_refused_and_not_shown(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } bad[] = {{"", 0}, {"hun\0ter2", 8}, {"hunter2\nX: y", 12}, {"hunter2\x7F", 8}, {"\thunter2", 8}};
    struct secret secret = {0};
    struct error err;

    (void)state;
    assert_true(set(&secret, "kept", &err));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(secret_set(&secret, bad[i].bytes, bad[i].size, &err));
        assert_int_equal(err.kind, ERROR_CONFIG);
        assert_null(strstr(err.text, "hun"));
        assert_string_equal(secret_reveal(&secret), "kept");
    }
    secret_done(&secret);
}

static void test_size_limit(void **state)
{
    char *bytes = malloc(SECRET_LIMIT + 1);
    struct secret secret = {0};
    struct error err;

    (void)state;
    assert_non_null(bytes);
    memset(bytes, 'x', SECRET_LIMIT + 1);
    assert_true(secret_set(&secret, bytes, SECRET_LIMIT, &err));
    assert_false(secret_set(&secret, bytes, SECRET_LIMIT + 1, &err));
    secret_done(&secret);
    free(bytes);
}

static void write_file(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void test_files(void **state)
{
    char path[] = "/tmp/test_secret_XXXXXX";
    char *longest = malloc(SECRET_LIMIT + 2);
    struct secret secret = {0};
    struct error err;
    int file = mkstemp(path);

    (void)state;
    assert_true(file >= 0 && longest);
    (void)close(file);
    write_file(path, "token\n", 6);
    assert_true(secret_from_file(&secret, path, &err));
    assert_string_equal(secret_reveal(&secret), "token");
    write_file(path, "token\r\n", 7);
    assert_true(secret_from_file(&secret, path, &err));
    assert_string_equal(secret_reveal(&secret), "token");
    write_file(path, "token\n\n", 7); /* one is taken off, not two */
    assert_false(secret_from_file(&secret, path, &err));
    assert_non_null(strstr(err.text, path));
    write_file(path, "\n", 1);
    assert_false(secret_from_file(&secret, path, &err));
    memset(longest, 'x', SECRET_LIMIT + 1);
    longest[SECRET_LIMIT] = '\n';
    write_file(path, longest, SECRET_LIMIT + 1);
    assert_true(secret_from_file(&secret, path, &err));
    assert_int_equal(secret.size, SECRET_LIMIT);
    longest[SECRET_LIMIT] = 'x';
    write_file(path, longest, SECRET_LIMIT + 1);
    assert_false(secret_from_file(&secret, path, &err));
    assert_int_equal(remove(path), 0);
    assert_false(secret_from_file(&secret, path, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_false(secret_from_file(&secret, "/", &err));
    secret_done(&secret);
    free(longest);
}

/* The flags of the mapping that holds the address, as the kernel lists them. */
static bool is_left_out_of_dumps(const void *address)
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    char line[512];
    bool is_inside = false, found = false;
    unsigned long from, to;

    assert_non_null(maps);
    while (fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            is_inside = (uintptr_t)address >= from && (uintptr_t)address < to;
        else if (is_inside && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, " dd") != NULL;
    }
    (void)fclose(maps);
    return found;
}

static void test_core_dumps(void **state)
{
    struct secret secret = {0};
    struct error err;
    struct rlimit limit;
    AUTO(mem_free) char *ordinary = mem_text("token");

    (void)state;
    assert_true(secret_set(&secret, "token", 5, &err));
    assert_true(is_left_out_of_dumps(secret.bytes));
    assert_false(is_left_out_of_dumps(ordinary));
    secret_done(&secret);
    assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_CORE, &limit), 0);
    secret_forbid_core_dumps();
    assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
    assert_int_equal(limit.rlim_cur, 0);
}

static void test_environment(void **state)
{
    struct secret secret = {0};
    struct error err;

    (void)state;
    assert_false(secret_from_env(&secret, "CASELOAD_TEST_NO_SUCH_NAME", &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.text, "CASELOAD_TEST_NO_SUCH_NAME"));
    assert_false(secret_from_env(&secret, "dG9rOmh1bnRlcjI=", &err)); /* the token itself, by mistake */
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_null(strstr(err.text, "dG9r"));
    assert_false(secret_from_env(&secret, "", &err));
    assert_non_null(getenv("PATH"));
    assert_true(secret_from_env(&secret, "PATH", &err)); /* the one name that is always there */
    assert_string_equal(secret_reveal(&secret), getenv("PATH"));
    secret_done(&secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_and_reveal),
        cmocka_unit_test(test_memory_of_a_secret_is_wiped_before_another_has_it),
        cmocka_unit_test(test_bad_bytes_are_refused_and_not_shown),
        cmocka_unit_test(test_size_limit),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_core_dumps),
        cmocka_unit_test(test_environment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
