/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials files: which are refused, and with what text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../src/credentials/internal.h"
#include "base/json.h"
#include "base/mem.h"

static const struct http_settings http_settings = {.user_agent = "caseload/test"};
static const struct google_settings settings = {.http = &http_settings};

static void refuse_file(const char *text, const char *says)
{
    struct error err = {0};
    struct grant *grant = NULL;
    AUTO(json_drop) json_t *file = json_loads(text, 0, NULL);
    assert_non_null(file);
    assert_false(grant_new(&settings, "the-file", file, &grant, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.text, "the-file"));
    if (!strstr(err.text, says)) fail_msg("not \"%s\" in \"%s\"", says, err.text);
    assert_null(strstr(err.text, "hidden"));
}

static void other_files_are_refused_with_what_is_supported(void **state)
{
    (void)state;
#define USER "\"type\":\"authorized_user\",\"client_id\":\"i\",\"client_secret\":\"hidden\""
    refuse_file("{\"type\":\"external_account_authorized_user\"}", "supported are service_account");
    refuse_file("{\"type\":\"gdch_service_account\"}", "metadata server");
    refuse_file("{}", "supported are");
    refuse_file("{\"type\":\"service_account\",\"private_key\":\"hidden\"}", "no client_email");
    refuse_file("{\"type\":\"service_account\",\"client_email\":\"a\",\"private_key\":\"hidden\"}", "RSA");
    refuse_file("{" USER "}", "no refresh_token");
    refuse_file("{" USER ",\"refresh_token\":\"hid\\nden\"}", "line break");
    refuse_file("{" USER ",\"refresh_token\":\"hidden\",\"token_uri\":\"http://elsewhere/token\"}",
                "not https");
    refuse_file("{" USER ",\"refresh_token\":\"hidden\",\"token_uri\":\"http://127.0.0.1@elsewhere/\"}",
                "not https");
    refuse_file("{" USER ",\"refresh_token\":\"hidden\",\"quota_project_id\":\"a\\r\\nX: y\"}",
                "quota_project_id");
#undef USER
}

/* --- federated and impersonated accounts --- */

#define EXTERNAL                                                                                             \
    "\"type\":\"external_account\",\"audience\":\"//iam.googleapis.com/projects/1/x\","                      \
    "\"subject_token_type\":\"urn:ietf:params:oauth:token-type:jwt\""
#define FROM_FILE ",\"credential_source\":{\"file\":\"/token\"}"
#define ACCOUNT   "/v1/projects/-/serviceAccounts/me@x:generateAccessToken"

static bool takes_url(const char *member, const char *url)
{
    struct error err = {0};
    struct grant *grant = NULL;
    AUTO(mem_free) char *text = mem_format("{" EXTERNAL FROM_FILE ",\"%s\":\"%s\"}", member, url);
    AUTO(json_drop) json_t *file = json_loads(text, 0, NULL);
    assert_non_null(file);
    bool taken = grant_new(&settings, "the-file", file, &grant, &err);
    if (!taken) assert_non_null(strstr(err.text, member));
    grant_free(grant);
    return taken;
}

static void a_file_may_name_googles_own_hosts_only(void **state)
{
    (void)state;
    static const char *const good[] = {"https://sts.googleapis.com/v1/token",
                                       "https://STS.googleapis.com/v1/token",
                                       "https://us-east1.sts.googleapis.com/v1/token",
                                       "https://sts.us-east1.googleapis.com/v1/token",
                                       "https://us-east1-sts.googleapis.com/v1/token",
                                       "https://sts-acme.p.googleapis.com/v1/token",
                                       "https://sts.us-east1.rep.googleapis.com/v1/token"};
    static const char *const bad[] = {"http://sts.googleapis.com/v1/token",
                                      "https://sts.googleapis.com.evil.example/v1/token",
                                      "https://evil.example/sts.googleapis.com",
                                      "https://sts.googleapis.com@evil.example/v1/token",
                                      "https://evil.example#.sts.googleapis.com/v1/token",
                                      "https://evil.example?.sts.googleapis.com/v1/token",
                                      "https://evil.example\\\\.sts.googleapis.com/v1/token",
                                      "https://sts.googleapis.com:8443/v1/token",
                                      "https://evilsts.googleapis.com/v1/token",
                                      "https://stsevil.googleapis.com/v1/token",
                                      "https://a.b.sts.googleapis.com/v1/token",
                                      "https://sts.a.b.googleapis.com/v1/token",
                                      "https://user@sts.googleapis.com/v1/token",
                                      "https://sts.evil.p.googleapis.com/v1/token",
                                      "https://sts.p.googleapis.com/v1/token",
                                      "https://iamcredentials.googleapis.com/v1/token",
                                      "https://127.0.0.1/v1/token",
                                      "http://127.0.0.1:1/v1/token",
                                      "ftp://sts.googleapis.com/",
                                      "//sts.googleapis.com/",
                                      "https://sts.googleapis.com/ x"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!takes_url("token_url", good[i])) fail_msg("%s is refused", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (takes_url("token_url", bad[i])) fail_msg("%s is taken", bad[i]);
    assert_true(
        takes_url("service_account_impersonation_url", "https://iamcredentials.googleapis.com" ACCOUNT));
    assert_true(takes_url("service_account_impersonation_url",
                          "https://iamcredentials.us-east1.rep.googleapis.com" ACCOUNT));
    assert_false(takes_url("service_account_impersonation_url", "https://sts.googleapis.com" ACCOUNT));
    assert_false(takes_url("service_account_impersonation_url", "https://evil.example" ACCOUNT));
    assert_false(
        takes_url("service_account_impersonation_url",
                  "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/me@x:signJwt"));
    assert_false(takes_url("service_account_impersonation_url",
                           "https://iamcredentials.googleapis.com" ACCOUNT "?x=:generateAccessToken"));
    assert_false(takes_url("service_account_impersonation_url",
                           "https://iamcredentials.googleapis.com/v1/"
                           "projects/-/serviceAccounts/:generateAccessToken"));
}

static void an_incomplete_federation_is_refused_with_what_it_lacks(void **state)
{
    (void)state;
    refuse_file("{\"type\":\"external_account\"}", "no audience");
    refuse_file("{\"type\":\"external_account\",\"audience\":\"a\"}", "no subject_token_type");
    refuse_file("{" EXTERNAL "}", "a file or a url");
    refuse_file("{" EXTERNAL ",\"credential_source\":{\"file\":\"a\",\"url\":\"https://b/\"}}", "not both");
    refuse_file("{" EXTERNAL ",\"credential_source\":{\"executable\":{\"command\":\"hidden\"}}}",
                "runs an executable");
    refuse_file("{" EXTERNAL ",\"credential_source\":{\"environment_id\":\"aws1\",\"url\":\"https://b/\"}}",
                "from AWS");
    refuse_file("{" EXTERNAL ",\"credential_source\":{\"certificate\":{}}}", "certificate");
    refuse_file("{" EXTERNAL ",\"credential_source\":{\"url\":\"http://elsewhere/\"}}", "not https");
    refuse_file("{" EXTERNAL ",\"credential_source\":{\"url\":\"http://169.254.169.254@elsewhere/\"}}",
                "not https");
    refuse_file("{" EXTERNAL ",\"credential_source\":{\"url\":\"file:///etc/passwd\"}}", "not https");
    refuse_file("{" EXTERNAL
                ",\"credential_source\":{\"url\":\"https://b/\",\"headers\":{\"A\":\"hidden\\r\\nX: y\"}}}",
                "headers");
    refuse_file("{" EXTERNAL
                ",\"credential_source\":{\"url\":\"https://b/\",\"headers\":{\"A: b\\r\\nX\":\"hidden\"}}}",
                "headers");
    refuse_file("{" EXTERNAL ",\"credential_source\":{\"file\":\"a\",\"format\":{\"type\":\"json\"}}}",
                "subject_token_field_name");
    refuse_file("{" EXTERNAL ",\"credential_source\":{\"file\":\"a\",\"format\":{\"type\":\"xml\"}}}",
                "format");
    refuse_file("{" EXTERNAL FROM_FILE ",\"universe_domain\":\"example.cloud\"}", "another universe");
    refuse_file("{" EXTERNAL FROM_FILE ",\"client_id\":\"i\",\"client_secret\":\"hidden\"}", "client_id");
    refuse_file("{" EXTERNAL FROM_FILE ",\"workforce_pool_user_project\":\"p\"}", "no workforce pool");
}

#define IMPERSONATED                                                                                         \
    "\"type\":\"impersonated_service_account\",\"service_account_impersonation_url\":"                       \
    "\"https://iamcredentials.googleapis.com" ACCOUNT "\""
#define BY_USER                                                                                              \
    ",\"source_credentials\":{\"type\":\"authorized_user\",\"client_id\":\"i\",\"client_secret\":"           \
    "\"hidden\","                                                                                            \
    "\"refresh_token\":\"hidden\"}"

static void an_impersonation_needs_its_source(void **state)
{
    (void)state;
    refuse_file("{" IMPERSONATED "}", "no source_credentials");
    refuse_file("{" IMPERSONATED
                ",\"source_credentials\":{\"type\":\"authorized_user\",\"client_id\":\"i\"}}",
                "source_credentials in the-file has no client_secret");
    refuse_file("{" IMPERSONATED ",\"source_credentials\":{" IMPERSONATED BY_USER "}}", "in delegates");
    refuse_file("{" IMPERSONATED BY_USER ",\"delegates\":[\"projects/p/serviceAccounts/a@b\"]}", "delegates");
    refuse_file("{" IMPERSONATED BY_USER ",\"delegates\":[7]}", "delegates");
    refuse_file("{" IMPERSONATED BY_USER ",\"delegates\":\"a@b\"}", "delegates");
    refuse_file("{" IMPERSONATED BY_USER ",\"service_account_impersonation\":{\"token_lifetime_seconds\":5}}",
                "token_lifetime_seconds");
    refuse_file("{\"type\":\"impersonated_service_account\"" BY_USER "}",
                "no service_account_impersonation_url");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_files_are_refused_with_what_is_supported),
        cmocka_unit_test(a_file_may_name_googles_own_hosts_only),
        cmocka_unit_test(an_incomplete_federation_is_refused_with_what_it_lacks),
        cmocka_unit_test(an_impersonation_needs_its_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
