/* SPDX-License-Identifier: Apache-2.0 */
/* A refresh token in a file: what is kept, when, and what a process finds that another left behind. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "credentials/credentials.h"
#include "server_script.h"

#define REPLY(body)                                                                                          \
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" body, .close = true
#define TOKENS(access, refresh)                                                                              \
    REPLY("{\"token_type\":\"bearer\",\"access_token\":\"" access "\",\"expires_in\":172800,"                \
          "\"refresh_token\":\"" refresh "\"}")
#define REFUSAL                                                                                              \
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"                                                  \
    "{\"error\":\"invalid_request\",\"error_description\":\"Invalid refresh_token\"}",                       \
        .close = true

struct fixture {
    struct server_script *server;
    char folder[64], path[96], next[112], url[64];
    struct http_settings http;
    struct token *token;
    struct error err;
};

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void expect_file(const struct fixture *fixture, const char *text)
{
    AUTO(buf_done) struct buf read = {0};
    struct error err;
    assert_true(file_read(fixture->path, 4096, &read, &err));
    assert_string_equal(buf_string(&read), text);
    assert_int_not_equal(access(fixture->next, F_OK), 0);
}

static void open_token(struct fixture *fixture)
{
    const struct token_setting place = {.origin = TOKEN_FILE, .name = fixture->path};
    struct client_settings settings = {.http = &fixture->http,
                                       .service = "Desk",
                                       .token_url = fixture->url,
                                       .client_id = "app",
                                       .refresh_token = &place};
    assert_true(token_from_env("TEST_CLIENT_SECRET", &settings.secret, &fixture->err));
    if (!token_from_client(&settings, &fixture->token, &fixture->err)) fail_msg("%s", fixture->err.text);
}

static void set_up(struct fixture *fixture, const struct step *steps, size_t count, const char *value)
{
    *fixture = (struct fixture){.http = {.user_agent = "test"}};
    (void)snprintf(fixture->folder, sizeof fixture->folder, "/tmp/caseload-refresh-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    (void)snprintf(fixture->path, sizeof fixture->path, "%s/refresh", fixture->folder);
    (void)snprintf(fixture->next, sizeof fixture->next, "%s.next", fixture->path);
    put(fixture->path, value);
    fixture->server = script_start(steps, count, false);
    (void)snprintf(fixture->url, sizeof fixture->url, "http://127.0.0.1:%d/token",
                   script_port(fixture->server));
    assert_int_equal(setenv("TEST_CLIENT_SECRET", "s3cret", 1), 0);
    open_token(fixture);
}

static void tear_down(struct fixture *fixture)
{
    char lock[112];
    (void)snprintf(lock, sizeof lock, "%s.lock", fixture->path);
    token_free(fixture->token);
    script_stop(fixture->server);
    (void)unlink(fixture->path);
    (void)rmdir(fixture->next);
    (void)unlink(fixture->next);
    (void)unlink(lock);
    assert_int_equal(rmdir(fixture->folder), 0);
}

/* refused: by the service; NULL: none. */
static void expect_token(struct fixture *fixture, const char *refused, const char *text)
{
    AUTO(secret_done) struct secret bearer = {0}, old = {0};
    if (refused) assert_true(secret_set(&old, refused, strlen(refused), &fixture->err));
    if (!fixture->token->get(fixture->token, refused ? &old : NULL, &bearer, &fixture->err))
        fail_msg("%s", fixture->err.text);
    assert_string_equal(secret_reveal(&bearer), text);
}

static void expect_failure(struct fixture *fixture, enum error_kind kind, const char *says)
{
    AUTO(secret_done) struct secret bearer = {0};
    assert_false(fixture->token->get(fixture->token, NULL, &bearer, &fixture->err));
    assert_int_equal(fixture->err.kind, kind);
    if (!strstr(fixture->err.text, says)) fail_msg("%s", fixture->err.text);
    assert_null(strstr(fixture->err.text, "s3cret"));
    assert_null(strstr(fixture->err.text, "first"));
}

static void an_exchange_keeps_the_next_token(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct step steps[] = {{TOKENS("A", "second"), .when = "refresh_token=first"}};
    set_up(&fixture, steps, 1, "first\n");
    expect_token(&fixture, NULL, "A");
    expect_token(&fixture, NULL, "A");
    assert_int_equal(script_requests(fixture.server), 1);
    assert_non_null(strstr(script_request(fixture.server, 0), "grant_type=refresh_token&client_id=app&"));
    expect_file(&fixture, "{\"refresh_token\":\"second\",\"access_token\":\"A\"}");
    struct stat stat_of;
    assert_int_equal(stat(fixture.path, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0600);
    tear_down(&fixture);
}

static void a_process_that_starts_takes_the_access_token_that_is_kept(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct step steps[] = {{TOKENS("B", "third"), .when = "refresh_token=second"}};
    set_up(&fixture, steps, 1, "{\"refresh_token\":\"second\",\"access_token\":\"A\"}");
    expect_token(&fixture, NULL, "A");
    assert_int_equal(script_requests(fixture.server), 0);
    expect_token(&fixture, "A", "B"); /* it was refused */
    expect_file(&fixture, "{\"refresh_token\":\"third\",\"access_token\":\"B\"}");
    tear_down(&fixture);
}

/* The exchange had succeeded; only its file had not got its name. */
static void a_renaming_that_was_interrupted_is_ended(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture, NULL, 0, "first");
    put(fixture.next, "{\"refresh_token\":\"second\",\"access_token\":\"A\"}");
    expect_token(&fixture, NULL, "A");
    assert_int_equal(script_requests(fixture.server), 0);
    expect_file(&fixture, "{\"refresh_token\":\"second\",\"access_token\":\"A\"}");
    tear_down(&fixture);
}

/* A person has authorized the app again since. */
static void a_value_that_is_younger_than_what_was_left_behind_counts(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct step steps[] = {{TOKENS("B", "third"), .when = "refresh_token=mine"}};
    set_up(&fixture, steps, 1, "mine");
    put(fixture.next, "{\"refresh_token\":\"second\",\"access_token\":\"A\"}");
    const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(AT_FDCWD, fixture.next, times, 0), 0);
    expect_token(&fixture, NULL, "B");
    expect_file(&fixture, "{\"refresh_token\":\"third\",\"access_token\":\"B\"}");
    tear_down(&fixture);
}

static void an_exchange_that_did_not_end_is_named_when_its_token_is_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct step steps[] = {{REFUSAL, .again = true}};
    set_up(&fixture, steps, 1, "first");
    expect_failure(&fixture, ERROR_AUTH, "Another process or integration has used it");
    expect_failure(&fixture, ERROR_AUTH, "An exchange of it began and did not end");
    tear_down(&fixture);
}

/* Before the exchange, which ends the old token. */
static void a_place_that_can_not_be_written_is_found_before_the_exchange(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture, NULL, 0, "first");
    assert_int_equal(mkdir(fixture.next, 0700), 0);
    expect_failure(&fixture, ERROR_CONFIG, "the folder must be writable");
    assert_int_equal(script_requests(fixture.server), 0);
    tear_down(&fixture);
}

static void a_reply_without_another_refresh_token_leaves_the_old_one(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct step steps[] = {{REPLY("{\"access_token\":\"A\",\"expires_in\":60}")}};
    set_up(&fixture, steps, 1, "first");
    expect_token(&fixture, NULL, "A");
    expect_file(&fixture, "{\"refresh_token\":\"first\",\"access_token\":\"A\"}");
    tear_down(&fixture);
}

#define TEST(function) cmocka_unit_test(function)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_exchange_keeps_the_next_token),
        TEST(a_process_that_starts_takes_the_access_token_that_is_kept),
        TEST(a_renaming_that_was_interrupted_is_ended),
        TEST(a_value_that_is_younger_than_what_was_left_behind_counts),
        TEST(an_exchange_that_did_not_end_is_named_when_its_token_is_refused),
        TEST(a_place_that_can_not_be_written_is_found_before_the_exchange),
        TEST(a_reply_without_another_refresh_token_leaves_the_old_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
