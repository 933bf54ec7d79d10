/* SPDX-License-Identifier: Apache-2.0 */
/* Google credentials against the sandbox's token and metadata servers, which check as Google does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/json.h"
#include "base/mem.h"
#include "credentials_fixture.h"
#include "server_script.h"

static char *token_uri(const struct fixture *fixture)
{
    return mem_format("%s/token", fixture->url);
}

static void use_exchange(struct fixture *fixture)
{
    AUTO(mem_free) char *uri = token_uri(fixture);
    fixture_use_key(fixture, uri, NULL);
}

static void use_machine(const struct fixture *fixture)
{
    assert_int_equal(setenv("GCE_METADATA_HOST", fixture->url + strlen("http://"), 1), 0);
}

/* --- each way --- */

static void a_key_needs_no_network(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, false);
    assert_int_equal(fixture_call(&fixture), 0); /* without a token */
    assert_int_equal(fixture.err.kind, ERROR_AUTH);
    fixture_use_key(&fixture, NULL, NULL);
    assert_true(fixture_credentials(&fixture));
    assert_int_equal(fixture_call(&fixture), 200);
    assert_int_equal(fixture_count(&fixture, "auth", "token"), 0);
    fixture_close(&fixture);
}

static void a_key_is_exchanged_elsewhere(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, false);
    use_exchange(&fixture);
    assert_true(fixture_credentials(&fixture));
    assert_int_equal(fixture_call(&fixture), 200);
    assert_int_equal(fixture_call(&fixture), 200);
    assert_int_equal(fixture_count(&fixture, "auth", "token"), 1);
    fixture_close(&fixture);
}

static void a_users_login_is_found_where_gcloud_keeps_it(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, false);
    fixture_use_user(&fixture, NULL);
    AUTO(mem_free) char *from = mem_format("%s/used.json", fixture.folder);
    AUTO(mem_free) char *to = mem_format("%s/application_default_credentials.json", fixture.folder);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(unsetenv("GOOGLE_APPLICATION_CREDENTIALS"), 0);
    assert_int_equal(setenv("CLOUDSDK_CONFIG", fixture.folder, 1), 0);
    assert_true(fixture_credentials(&fixture));
    assert_int_equal(fixture_call(&fixture), 200);
    assert_int_equal(fixture_count(&fixture, "auth", "token"), 1);
    fixture_close(&fixture);
}

static void a_machine_is_asked_and_never_through_a_proxy(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, false);
    /* A name of this machine that is not one of those which never go through a proxy. */
    AUTO(mem_free)
    char *host = mem_format("metadata.localhost:%d", sandbox_http_port(fixture.sandbox));
    assert_int_equal(setenv("GCE_METADATA_HOST", host, 1), 0);
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    if (!fixture_credentials(&fixture)) fail_msg("%s", fixture.err.text);
    assert_int_equal(fixture_call(&fixture), 200);
    assert_int_equal(fixture_count(&fixture, "auth", "metadata.probe"), 1);
    assert_int_equal(fixture_count(&fixture, "auth", "metadata.token"), 1);
    fixture_close(&fixture);
}

/* --- in the course of time --- */

static void an_expired_token_is_renewed_once_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, false);
    use_exchange(&fixture);
    assert_true(fixture_credentials(&fixture));
    assert_int_equal(fixture_call(&fixture), 200);
    fixture_advance(&fixture, 3600); /* the server's clock runs away from ours */
    assert_int_equal(fixture_call(&fixture), 200);
    assert_int_equal(fixture_count(&fixture, "auth", "token"), 2);
    fixture_close(&fixture);
}

static void a_revoked_token_is_renewed_and_a_refused_one_is_the_end(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, false);
    use_machine(&fixture);
    assert_true(fixture_credentials(&fixture));
    assert_int_equal(fixture_call(&fixture), 200);
    fixture_control(&fixture, "{\"expire\": true}");
    assert_int_equal(fixture_call(&fixture), 200);
    assert_int_equal(fixture_count(&fixture, "auth", "metadata.token"), 2);
    fixture_control(&fixture, "{\"refuse\": 2}");
    assert_int_equal(fixture_call(&fixture), 0);
    fixture_expect_error(&fixture, ERROR_AUTH, "the credentials are refused");
    fixture_close(&fixture);
}

static void a_token_server_may_fail_for_a_while(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, false);
    fixture_use_user(&fixture, NULL);
    assert_true(fixture_credentials(&fixture));
    fixture_fault(&fixture, "auth token 1 status 503");
    assert_int_equal(fixture_call(&fixture), 200);
    assert_int_equal(fixture_count(&fixture, "auth", "token"), 2);
    fixture_close(&fixture);
}

/* --- what is refused --- */

static char *other_key(void)
{
    char *bytes = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    EVP_PKEY *key = EVP_RSA_gen(2048);
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    long size = BIO_get_mem_data(bio, &bytes);
    char *pem = mem_bytes(bytes, (size_t)size);
    BIO_free(bio);
    EVP_PKEY_free(key);
    return pem;
}

static void a_wrong_key_is_told_with_both_clocks(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, false);
    AUTO(mem_free) char *uri = token_uri(&fixture);
    AUTO(mem_free) char *pem = other_key();
    fixture_use_key(&fixture, uri, pem);
    assert_true(fixture_credentials(&fixture));
    assert_int_equal(fixture_call(&fixture), 0);
    fixture_expect_error(&fixture, ERROR_AUTH, "Invalid JWT Signature.");
    fixture_expect_error(&fixture, ERROR_AUTH, "caseload@sandbox.iam.gserviceaccount.com");
    fixture_expect_error(&fixture, ERROR_AUTH, "the clock of this machine");
    fixture_use_key(&fixture, NULL, pem); /* the API itself refuses it */
    assert_true(fixture_credentials(&fixture));
    assert_int_equal(fixture_call(&fixture), 0);
    fixture_expect_error(&fixture, ERROR_AUTH, "the credentials are refused");
    fixture_close(&fixture);
}

static void the_servers_clock_is_named(void **state)
{
    (void)state;
    struct fixture fixture;
    static const struct step steps[] = {
        {.bytes = "HTTP/1.1 400 Bad\r\nDate: Thu, 01 Jan 2015 00:00:00 GMT\r\nContent-Length: 71\r\n\r\n"
                  "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT: \\u0007late\"}"}};
    struct server_script *server = script_start(steps, 1, false);
    AUTO(mem_free) char *uri = mem_format("http://127.0.0.1:%d/token", script_port(server));
    fixture_open(&fixture, false);
    fixture_use_key(&fixture, uri, NULL);
    assert_true(fixture_credentials(&fixture));
    assert_int_equal(fixture_call(&fixture), 0);
    fixture_expect_error(&fixture, ERROR_AUTH, "the server 2015-01-01T00:00:00Z");
    fixture_expect_error(&fixture, ERROR_AUTH, "Invalid JWT: ?late");
    assert_non_null(strstr(script_request(server, 0), "grant_type=urn%3Aietf%3Aparams%3Aoauth"));
    fixture_close(&fixture);
    script_stop(server);
}

static void a_revoked_login_is_told_with_the_way_out(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, false);
    fixture_use_user(&fixture, "1//another");
    assert_true(fixture_credentials(&fixture));
    assert_int_equal(fixture_call(&fixture), 0);
    fixture_expect_error(&fixture, ERROR_AUTH, "gcloud auth application-default login");
    fixture_close(&fixture);
}

static void another_server_at_the_metadata_address_gets_no_trust(void **state)
{
    (void)state;
    struct fixture fixture;
    static const struct step steps[] = {{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"}};
    struct server_script *server = script_start(steps, 1, false);
    AUTO(mem_free) char *host = mem_format("127.0.0.1:%d", script_port(server));
    fixture_open(&fixture, false);
    assert_int_equal(setenv("GCE_METADATA_HOST", host, 1), 0);
    assert_false(fixture_credentials(&fixture));
    fixture_expect_error(&fixture, ERROR_CONFIG, "Metadata-Flavor");
    assert_non_null(strstr(script_request(server, 0), "\r\nMetadata-Flavor: Google\r\n"));
    fixture_close(&fixture);
    script_stop(server);
}

static void a_named_file_must_be_good(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, false);
    use_machine(&fixture); /* is not fallen back to */
    fixture_use_text(&fixture, "{\"type\": \"service_account\", ");
    assert_false(fixture_credentials(&fixture));
    fixture_expect_error(&fixture, ERROR_CONFIG, "used.json");
    assert_int_equal(setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nonexistent/key.json", 1), 0);
    assert_false(fixture_credentials(&fixture));
    fixture_expect_error(&fixture, ERROR_CONFIG, "/nonexistent/key.json");
    assert_int_equal(unsetenv("GOOGLE_APPLICATION_CREDENTIALS"), 0);
    assert_int_equal(setenv("NO_GCE_CHECK", "true", 1), 0);
    assert_false(fixture_credentials(&fixture));
    fixture_expect_error(&fixture, ERROR_CONFIG, "no Google credentials were found");
    assert_int_equal(fixture_count(&fixture, "auth", "metadata.probe"), 0);
    fixture_close(&fixture);
}

static void what_is_no_token_is_not_taken_for_one(void **state)
{
    (void)state;
    static const char *const answers[] = {"html", "empty", "body {\"access_token\":\"ya29.x\"}",
                                          "body {\"access_token\":\"ya29.x\",\"expires_in\":0}",
                                          "body {\"access_token\":\"ya29.x y\",\"expires_in\":9}"};
    struct fixture fixture;
    fixture_open(&fixture, false);
    fixture_use_user(&fixture, NULL);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        AUTO(mem_free) char *line = mem_format("auth token 1 %s", answers[i]);
        fixture_fault(&fixture, line);
        assert_true(fixture_credentials(&fixture));
        assert_int_equal(fixture_call(&fixture), 0);
        fixture_expect_error(&fixture, i < 4 ? ERROR_FORMAT : ERROR_CONFIG, "the token server");
    }
    fixture_close(&fixture);
}

/* --- where a token may go --- */

static void a_token_never_travels_in_the_clear(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, false);
    fixture_use_key(&fixture, NULL, NULL);
    assert_true(fixture_credentials(&fixture));
    (void)snprintf(fixture.url, sizeof fixture.url, "http://other.localhost:%d",
                   sandbox_http_port(fixture.sandbox));
    assert_int_equal(fixture_call(&fixture), 0);
    fixture_expect_error(&fixture, ERROR_CONFIG, "in the clear");
    (void)snprintf(fixture.url, sizeof fixture.url, "http://127.0.0.1:1@other.localhost:%d",
                   sandbox_http_port(fixture.sandbox));
    assert_int_equal(fixture_call(&fixture), 0);
    fixture_expect_error(&fixture, ERROR_CONFIG, "in the clear");
    assert_int_equal(fixture_count(&fixture, "bigquery", "datasets.list"), 0);
    fixture_close(&fixture);
}

static void the_quota_project_goes_along(void **state)
{
    (void)state;
    struct fixture fixture;
    static const struct step steps[] = {{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
                                        {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}};
    struct server_script *server = script_start(steps, 2, false);
    fixture_open(&fixture, false);
    AUTO(json_drop) json_t *key = json_load_file(fixture.key_file, 0, NULL);
    json_object_set_new(key, "quota_project_id", json_string("payer-1"));
    char *text = json_dumps(key, 0);
    fixture_use_text(&fixture, text);
    free(text);
    assert_true(fixture_credentials(&fixture));
    (void)snprintf(fixture.url, sizeof fixture.url, "http://127.0.0.1:%d", script_port(server));
    assert_int_equal(fixture_call(&fixture), 200);
    assert_non_null(strstr(script_request(server, 0), "\r\nx-goog-user-project: payer-1\r\n"));
    assert_non_null(strstr(script_request(server, 0), "\r\nAuthorization: Bearer ey"));
    assert_int_equal(setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "payer-2", 1), 0); /* before that of the file */
    assert_true(fixture_credentials(&fixture));
    assert_int_equal(fixture_call(&fixture), 200);
    assert_non_null(strstr(script_request(server, 1), "\r\nx-goog-user-project: payer-2\r\n"));
    assert_int_equal(setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "a\r\nX: y", 1), 0);
    assert_false(fixture_credentials(&fixture));
    fixture_expect_error(&fixture, ERROR_CONFIG, "GOOGLE_CLOUD_QUOTA_PROJECT");
    fixture_close(&fixture);
    script_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_needs_no_network),
        cmocka_unit_test(a_key_is_exchanged_elsewhere),
        cmocka_unit_test(a_users_login_is_found_where_gcloud_keeps_it),
        cmocka_unit_test(a_machine_is_asked_and_never_through_a_proxy),
        cmocka_unit_test(an_expired_token_is_renewed_once_refused),
        cmocka_unit_test(a_revoked_token_is_renewed_and_a_refused_one_is_the_end),
        cmocka_unit_test(a_token_server_may_fail_for_a_while),
        cmocka_unit_test(a_wrong_key_is_told_with_both_clocks),
        cmocka_unit_test(the_servers_clock_is_named),
        cmocka_unit_test(a_revoked_login_is_told_with_the_way_out),
        cmocka_unit_test(another_server_at_the_metadata_address_gets_no_trust),
        cmocka_unit_test(a_named_file_must_be_good),
        cmocka_unit_test(what_is_no_token_is_not_taken_for_one),
        cmocka_unit_test(a_token_never_travels_in_the_clear),
        cmocka_unit_test(the_quota_project_goes_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
