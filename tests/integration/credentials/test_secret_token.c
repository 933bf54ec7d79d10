/* SPDX-License-Identifier: Apache-2.0 */
/* The source's token from Secret Manager, and TLS: against the sandbox, which checks as Google does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "credentials_fixture.h"
#include "net/rpc.h"

#define SECRET "projects/p/secrets/intercom-token/versions/latest"

static void set_up(struct fixture *fixture, bool tls)
{
    fixture_open(fixture, tls);
    fixture_use_key(fixture, NULL, NULL);
    assert_true(fixture_credentials(fixture));
}

static bool open_secret(struct fixture *fixture, const char *name, struct token **out_token)
{
    fixture->err = (struct error){0};
    return token_from_secret(&fixture->settings, name, fixture->url, fixture->token, out_token,
                             &fixture->err);
}

/* refused: by the service; NULL: none. */
static void expect(struct token *token, const char *refused, const char *text)
{
    AUTO(secret_done) struct secret secret = {0}, old = {0};
    struct error err = {0};
    if (refused) assert_true(secret_set(&old, refused, strlen(refused), &err));
    if (!token->get(token, refused ? &old : NULL, &secret, &err)) fail_msg("%s", err.text);
    assert_string_equal(secret_reveal(&secret), text);
}

static void a_secret_is_read_and_read_again_after_a_refusal(void **state)
{
    (void)state;
    struct fixture fixture;
    struct token *token = NULL;
    set_up(&fixture, false);
    assert_true(open_secret(&fixture, SECRET, &token));
    expect(token, NULL, "sandbox-token"); /* its line break is gone */
    fixture_control(&fixture, "{\"source_token\": \"second\"}");
    expect(token, NULL, "sandbox-token");
    expect(token, "sandbox-token", "second");
    fixture_control(&fixture, "{\"source_token\": \"third\"}");
    expect(token, "sandbox-token", "second"); /* another call, refused together with the first */
    assert_int_equal(fixture_count(&fixture, "auth", "secret"), 2);
    expect(token, "second", "third"); /* it was changed twice */
    expect(token, "third", "third");
    fixture_control(&fixture, "{\"source_token\": \"fourth\"}");
    expect(token, "third", "third"); /* as it was the same: not again within five minutes */
    assert_int_equal(fixture_count(&fixture, "auth", "secret"), 4);
    token_free(token);
    fixture_close(&fixture);
}

static void refused(struct fixture *fixture, const char *name, enum error_kind kind, const char *says)
{
    struct token *token = NULL;
    assert_false(open_secret(fixture, name, &token));
    fixture_expect_error(fixture, kind, says);
}

static void what_can_not_be_read_is_told_with_the_way_out(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture, false);
    refused(&fixture, "projects/p/secrets/other/versions/latest", ERROR_CONFIG, "does not exist");
    assert_int_equal(fixture.err.status, 404);
    refused(&fixture, "projects/p/secrets/intercom-token/versions/7", ERROR_CONFIG, "does not exist");
    fixture_control(&fixture, "{\"secret_disabled\": true}");
    refused(&fixture, SECRET, ERROR_CONFIG, "disabled or destroyed");
    fixture_control(&fixture, "{\"secret_disabled\": false, \"refuse\": 2}");
    refused(&fixture, SECRET, ERROR_AUTH, "Secret Manager");
    fixture_fault(&fixture, "auth secret 1 status 403");
    refused(&fixture, SECRET, ERROR_CONFIG, "roles/secretmanager.secretAccessor");
    assert_int_equal(fixture.err.status, 403);
    fixture_close(&fixture);
}

static void a_damaged_payload_is_not_used(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        enum error_kind kind;
        const char *says;
    } cases[] = {
        {"{\"payload\":{\"data\":\"aGVsbG8=\",\"dataCrc32c\":\"1\"}}", ERROR_BUSY, "CRC32C"},
        {"{\"payload\":{\"data\":\"aGVsbG8\"}}", ERROR_FORMAT, "base64"},
        {"{\"payload\":{\"data\":\"%%%%\"}}", ERROR_FORMAT, "base64"},
        {"{\"payload\":{\"data\":\"aGVsIG8=\"}}", ERROR_CONFIG, "blank"},
        {"{\"payload\":{\"data\":\"\"}}", ERROR_CONFIG, "empty"},
        {"{}", ERROR_FORMAT, "payload"},
        {"[", ERROR_FORMAT, "not JSON"},
    };
    struct fixture fixture;
    struct token *token = NULL;
    set_up(&fixture, false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO(mem_free) char *line = mem_format("auth secret 1 body %s", cases[i].body);
        fixture_fault(&fixture, line);
        refused(&fixture, SECRET, cases[i].kind, cases[i].says);
    }
    fixture_fault(&fixture,
                  "auth secret 1 body {\"payload\":{\"data\":\"aGVsbG8=\",\"dataCrc32c\":\"2591144780\"}}");
    assert_true(open_secret(&fixture, SECRET, &token));
    expect(token, NULL, "hello");
    token_free(token);
    fixture_close(&fixture);
}

static void short_names_are_refused_with_the_whole_one(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture, false);
    refused(&fixture, "intercom-token", ERROR_CONFIG,
            "write projects/PROJECT/secrets/intercom-token/versions/latest");
    refused(&fixture, "projects/p/secrets/s", ERROR_CONFIG, "write projects/p/secrets/s/versions/latest");
    refused(&fixture, "projects/p/secrets/s/versions/latest:access", ERROR_CONFIG, "");
    refused(&fixture, "projects/p/secrets/s/versions/", ERROR_CONFIG, "not a full resource name");
    refused(&fixture, "projects/p/secrets/s?x/versions/1", ERROR_CONFIG, "not a full resource name");
    refused(&fixture, "projects//secrets/s/versions/1", ERROR_CONFIG, "not a full resource name");
    fixture_close(&fixture);
}

/* --- TLS --- */

static void a_server_is_trusted_by_its_authority_and_its_name(void **state)
{
    (void)state;
    struct fixture fixture;
    struct http *ours = NULL;
    set_up(&fixture, true);
    assert_int_equal(fixture_call(&fixture), 200);
    ours = fixture.http;
    assert_true(
        http_new(&(struct http_settings){.user_agent = "caseload/test"}, &fixture.http, &fixture.err));
    assert_int_equal(fixture_call(&fixture), 0); /* the system's authorities do not know it */
    fixture_expect_error(&fixture, ERROR_CONFIG, "certificate is not trusted");
    http_free(fixture.http);
    fixture.http = ours;
    (void)snprintf(fixture.url, sizeof fixture.url, "https://localhost:%d",
                   sandbox_http_port(fixture.sandbox));
    assert_int_equal(fixture_call(&fixture), 0);
    fixture_expect_error(&fixture, ERROR_CONFIG, "certificate is not trusted");
    (void)snprintf(fixture.url, sizeof fixture.url, "http://127.0.0.1:%d",
                   sandbox_http_port(fixture.sandbox));
    assert_int_equal(fixture_call(&fixture), 400); /* the sandbox itself sees to it that tests use TLS */
    assert_int_equal(fixture_count(&fixture, "bigquery", "datasets.list"), 2);
    fixture_close(&fixture);
}

static enum rpc_status pull(struct fixture *fixture, const char *host, struct token *token,
                            const char *ca_file)
{
    AUTO(buf_done) struct buf reply = {0};
    AUTO(mem_free) char *target = mem_format("%s:%d", host, sandbox_pubsub_port(fixture->sandbox));
    char detail[512];
    struct rpc *rpc = NULL;
    const struct rpc_settings settings = {
        .target = target, .token = token, .ca_file = ca_file, .user_agent = "caseload/test"};
    buf_init(&reply, 65536);
    assert_true(rpc_new(&settings, &rpc, &fixture->err));
    enum rpc_status status =
        rpc_unary(rpc,
                  &(struct rpc_call){
                      .method = "/google.pubsub.v1.Subscriber/Pull", .request = "", .deadline_ms = 60000},
                  &reply, detail, sizeof detail);
    rpc_free(rpc);
    return status;
}

static void pubsub_wants_the_same_token_under_tls(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture, true);
    enum rpc_status known = pull(&fixture, "127.0.0.1", fixture.token, fixture.ca_file);
    assert_true(known == RPC_INVALID_ARGUMENT || known == RPC_NOT_FOUND); /* the request is empty */
    assert_int_equal(pull(&fixture, "127.0.0.1", NULL, fixture.ca_file), RPC_UNAUTHENTICATED);
    fixture_control(&fixture, "{\"refuse\": 1}");
    assert_int_equal(pull(&fixture, "127.0.0.1", fixture.token, fixture.ca_file), known);
    fixture_control(&fixture, "{\"refuse\": 2}");
    assert_int_equal(pull(&fixture, "127.0.0.1", fixture.token, fixture.ca_file), RPC_UNAUTHENTICATED);
    assert_int_equal(pull(&fixture, "localhost", fixture.token, fixture.ca_file), RPC_UNAVAILABLE);
    assert_int_equal(pull(&fixture, "127.0.0.1", fixture.token, NULL), RPC_UNAVAILABLE);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_is_read_and_read_again_after_a_refusal),
        cmocka_unit_test(what_can_not_be_read_is_told_with_the_way_out),
        cmocka_unit_test(a_damaged_payload_is_not_used),
        cmocka_unit_test(short_names_are_refused_with_the_whole_one),
        cmocka_unit_test(a_server_is_trusted_by_its_authority_and_its_name),
        cmocka_unit_test(pubsub_wants_the_same_token_under_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
