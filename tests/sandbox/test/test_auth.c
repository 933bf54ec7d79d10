/* SPDX-License-Identifier: Apache-2.0 */
/* The token server and the bearer check are as strict as Google's: one wrong claim, and nothing is given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "../../../src/credentials/internal.h"
#include "base/json.h"
#include "base/mem.h"
#include "google/auth.h"
#include "test/client.h"

#define CLOUD "https://www.googleapis.com/auth/cloud-platform"
#define FORM  "Content-Type: application/x-www-form-urlencoded\r\n"

static int set_up(void **state)
{
    struct sandbox *sandbox = NULL;
    struct error err;
    if (!sandbox_start(&(struct sandbox_options){.auth = true}, &sandbox, &err)) fail_msg("%s", err.text);
    *state = sandbox;
    return 0;
}

static int tear_down(void **state)
{
    sandbox_stop(*state);
    return 0;
}

/* The account's claims, as they should be, but for those of `changes`, which go in their place. */
static void assertion(struct sandbox *sandbox, const char *key_id, json_t *changes, struct secret *out_jwt)
{
    struct error err;
    json_int_t now = time(NULL);
    AUTO(json_drop)
    json_t *claims = json_pack("{s:s, s:s, s:s, s:I, s:I}", "iss", AUTH_EMAIL, "scope", CLOUD, "aud",
                               "https://oauth2.googleapis.com/token", "iat", now, "exp", now + 3600);
    if (changes) json_object_update(claims, changes);
    json_decref(changes);
    assert_true(jwt_sign(sandbox->auth->key, key_id ? key_id : sandbox->auth->key_id, claims, out_jwt, &err));
}

static void expect(struct sandbox *sandbox, const char *form, int status, const char *says)
{
    struct answer answer = client_request(sandbox_http_port(sandbox), "POST", "/token", FORM, form);
    assert_int_equal(answer.status, status);
    if (!strstr(answer.body, says)) fail_msg("not \"%s\" in \"%s\"", says, answer.body);
    answer_done(&answer);
}

static void expect_jwt(struct sandbox *sandbox, const char *key_id, json_t *changes, int status,
                       const char *says)
{
    AUTO(secret_done) struct secret jwt = {0};
    assertion(sandbox, key_id, changes, &jwt);
    AUTO(mem_free)
    char *form =
        mem_format("grant_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Agrant-type%%3Ajwt-bearer&assertion=%s",
                   secret_reveal(&jwt));
    expect(sandbox, form, status, says);
}

static void an_assertion_must_be_right_in_each_claim(void **state)
{
    struct sandbox *sandbox = *state;
    json_int_t now = time(NULL);
    expect_jwt(sandbox, NULL, NULL, 200, "\"access_token\":\"ya29.");
    expect_jwt(sandbox, "another", NULL, 400, "Invalid JWT Signature.");
    expect_jwt(sandbox, NULL, json_pack("{s:s}", "iss", "other@x"), 400, "account not found");
    expect_jwt(sandbox, NULL, json_pack("{s:s}", "aud", "https://elsewhere/token"), 400, "audience");
    expect_jwt(sandbox, NULL, json_pack("{s:n}", "scope"), 400, "scope");
    expect_jwt(sandbox, NULL, json_pack("{s:I, s:I}", "iat", now + 600, "exp", now + 4200), 400,
               "reasonable timeframe");
    expect_jwt(sandbox, NULL, json_pack("{s:I, s:I}", "iat", now - 3700, "exp", now - 100), 400,
               "reasonable timeframe");
    expect_jwt(sandbox, NULL, json_pack("{s:I}", "exp", now + 7200), 400, "short-lived");
    expect_jwt(sandbox, NULL, json_pack("{s:I, s:I}", "iat", now + 200, "exp", now + 3800), 200, "Bearer");
}

static void other_grants_are_refused_in_googles_words(void **state)
{
    struct sandbox *sandbox = *state;
    const struct auth *auth = sandbox->auth;
    AUTO(mem_free)
    char *stale = mem_format("grant_type=refresh_token&client_id=%s&client_secret=%s&refresh_token=x",
                             auth->client_id, auth->client_secret);
    expect(sandbox, "grant_type=password", 400, "unsupported_grant_type");
    expect(sandbox, "", 400, "unsupported_grant_type");
    expect(sandbox, "grant_type=refresh_token&client_id=x&client_secret=y&refresh_token=z", 401,
           "invalid_client");
    expect(sandbox, stale, 400, "invalid_grant");
}

static int call(struct sandbox *sandbox, const char *bearer)
{
    AUTO(mem_free) char *header = bearer ? mem_format("Authorization: Bearer %s\r\n", bearer) : mem_text("");
    struct answer answer =
        client_request(sandbox_http_port(sandbox), "GET", "/bigquery/v2/projects/p/datasets", header, NULL);
    int status = answer.status;
    bool told = strstr(buf_string(&answer.all), "WWW-Authenticate: Bearer") != NULL &&
                strstr(answer.body, "\"reason\":\"authError\"") != NULL;
    assert_int_equal(told, status == 401);
    answer_done(&answer);
    return status;
}

static void an_api_takes_its_own_tokens_and_the_accounts_signature(void **state)
{
    struct sandbox *sandbox = *state;
    AUTO(json_drop) json_t *issued = auth_issue(sandbox->auth);
    AUTO(secret_done) struct secret exchange = {0};
    AUTO(secret_done) struct secret own = {0};
    const char *token = json_text_at(issued, "access_token");
    assertion(sandbox, NULL, NULL, &exchange); /* an assertion for the token server is no access token */
    assertion(sandbox, NULL, json_pack("{s:s}", "sub", AUTH_EMAIL), &own);
    assert_int_equal(call(sandbox, NULL), 401);
    assert_int_equal(call(sandbox, "ya29.guessed"), 401);
    assert_int_equal(call(sandbox, secret_reveal(&exchange)), 401);
    assert_int_equal(call(sandbox, secret_reveal(&own)), 200);
    own.bytes[own.size - 20] = own.bytes[own.size - 20] == 'A' ? 'B' : 'A';
    assert_int_equal(call(sandbox, secret_reveal(&own)), 401);
    assert_int_equal(call(sandbox, token), 200);
    virtual_clock_advance(sandbox->clock, INT64_C(3599) * 1000000);
    assert_int_equal(call(sandbox, token), 401);
}

static void the_metadata_server_wants_its_header(void **state)
{
    struct sandbox *sandbox = *state;
    static const char path[] = "/computeMetadata/v1/instance/service-accounts/default/token";
    struct answer answer = client_request(sandbox_http_port(sandbox), "GET", path, "", NULL);
    assert_int_equal(answer.status, 403);
    assert_null(strstr(answer.body, "ya29"));
    answer_done(&answer);
    answer = client_request(sandbox_http_port(sandbox), "GET", path, "Metadata-Flavor: Google\r\n", NULL);
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(buf_string(&answer.all), "Metadata-Flavor: Google\r\n"));
    answer_done(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_assertion_must_be_right_in_each_claim),
        cmocka_unit_test(other_grants_are_refused_in_googles_words),
        cmocka_unit_test(an_api_takes_its_own_tokens_and_the_accounts_signature),
        cmocka_unit_test(the_metadata_server_wants_its_header),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
