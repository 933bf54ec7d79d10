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
#include "credentials_room.h"
#include "server_script.h"

static char *token_uri(const struct room *room)
{
    return mem_format("%s/token", room->url);
}

static void use_exchange(struct room *room)
{
    AUTO(mem_free) char *uri = token_uri(room);
    room_use_key(room, uri, NULL);
}

static void use_machine(const struct room *room)
{
    assert_int_equal(setenv("GCE_METADATA_HOST", room->url + strlen("http://"), 1), 0);
}

/* --- each way --- */

static void a_key_needs_no_network(void **state)
{
    (void)state;
    struct room room;
    room_open(&room, false);
    assert_int_equal(room_call(&room), 0); /* without a token */
    assert_int_equal(room.err.kind, ERROR_AUTH);
    room_use_key(&room, NULL, NULL);
    assert_true(room_credentials(&room));
    assert_int_equal(room_call(&room), 200);
    assert_int_equal(room_count(&room, "auth", "token"), 0);
    room_close(&room);
}

static void a_key_is_exchanged_elsewhere(void **state)
{
    (void)state;
    struct room room;
    room_open(&room, false);
    use_exchange(&room);
    assert_true(room_credentials(&room));
    assert_int_equal(room_call(&room), 200);
    assert_int_equal(room_call(&room), 200);
    assert_int_equal(room_count(&room, "auth", "token"), 1);
    room_close(&room);
}

static void a_users_login_is_found_where_gcloud_keeps_it(void **state)
{
    (void)state;
    struct room room;
    room_open(&room, false);
    room_use_user(&room, NULL);
    AUTO(mem_free) char *from = mem_format("%s/used.json", room.folder);
    AUTO(mem_free) char *to = mem_format("%s/application_default_credentials.json", room.folder);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(unsetenv("GOOGLE_APPLICATION_CREDENTIALS"), 0);
    assert_int_equal(setenv("CLOUDSDK_CONFIG", room.folder, 1), 0);
    assert_true(room_credentials(&room));
    assert_int_equal(room_call(&room), 200);
    assert_int_equal(room_count(&room, "auth", "token"), 1);
    room_close(&room);
}

static void a_machine_is_asked_and_never_through_a_proxy(void **state)
{
    (void)state;
    struct room room;
    room_open(&room, false);
    /* A name of this machine that is not one of those which never go through a proxy. */
    AUTO(mem_free)
    char *host = mem_format("metadata.localhost:%d", sandbox_http_port(room.sandbox));
    assert_int_equal(setenv("GCE_METADATA_HOST", host, 1), 0);
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    if (!room_credentials(&room)) fail_msg("%s", room.err.text);
    assert_int_equal(room_call(&room), 200);
    assert_int_equal(room_count(&room, "auth", "metadata.probe"), 1);
    assert_int_equal(room_count(&room, "auth", "metadata.token"), 1);
    room_close(&room);
}

/* --- in the course of time --- */

static void an_expired_token_is_renewed_once_refused(void **state)
{
    (void)state;
    struct room room;
    room_open(&room, false);
    use_exchange(&room);
    assert_true(room_credentials(&room));
    assert_int_equal(room_call(&room), 200);
    room_advance(&room, 3600); /* the server's clock runs away from ours */
    assert_int_equal(room_call(&room), 200);
    assert_int_equal(room_count(&room, "auth", "token"), 2);
    room_close(&room);
}

static void a_revoked_token_is_renewed_and_a_refused_one_is_the_end(void **state)
{
    (void)state;
    struct room room;
    room_open(&room, false);
    use_machine(&room);
    assert_true(room_credentials(&room));
    assert_int_equal(room_call(&room), 200);
    room_control(&room, "{\"expire\": true}");
    assert_int_equal(room_call(&room), 200);
    assert_int_equal(room_count(&room, "auth", "metadata.token"), 2);
    room_control(&room, "{\"refuse\": 2}");
    assert_int_equal(room_call(&room), 0);
    room_expect_error(&room, ERROR_AUTH, "the credentials are refused");
    room_close(&room);
}

static void a_token_server_may_fail_for_a_while(void **state)
{
    (void)state;
    struct room room;
    room_open(&room, false);
    room_use_user(&room, NULL);
    assert_true(room_credentials(&room));
    room_fault(&room, "auth token 1 status 503");
    assert_int_equal(room_call(&room), 200);
    assert_int_equal(room_count(&room, "auth", "token"), 2);
    room_close(&room);
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
    struct room room;
    room_open(&room, false);
    AUTO(mem_free) char *uri = token_uri(&room);
    AUTO(mem_free) char *pem = other_key();
    room_use_key(&room, uri, pem);
    assert_true(room_credentials(&room));
    assert_int_equal(room_call(&room), 0);
    room_expect_error(&room, ERROR_AUTH, "Invalid JWT Signature.");
    room_expect_error(&room, ERROR_AUTH, "caseload@sandbox.iam.gserviceaccount.com");
    room_expect_error(&room, ERROR_AUTH, "the clock of this machine");
    room_use_key(&room, NULL, pem); /* the API itself refuses it */
    assert_true(room_credentials(&room));
    assert_int_equal(room_call(&room), 0);
    room_expect_error(&room, ERROR_AUTH, "the credentials are refused");
    room_close(&room);
}

static void the_servers_clock_is_named(void **state)
{
    (void)state;
    struct room room;
    static const struct step steps[] = {
        {.bytes = "HTTP/1.1 400 Bad\r\nDate: Thu, 01 Jan 2015 00:00:00 GMT\r\nContent-Length: 71\r\n\r\n"
                  "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT: \\u0007late\"}"}};
    struct server_script *server = script_start(steps, 1, false);
    AUTO(mem_free) char *uri = mem_format("http://127.0.0.1:%d/token", script_port(server));
    room_open(&room, false);
    room_use_key(&room, uri, NULL);
    assert_true(room_credentials(&room));
    assert_int_equal(room_call(&room), 0);
    room_expect_error(&room, ERROR_AUTH, "the server 2015-01-01T00:00:00Z");
    room_expect_error(&room, ERROR_AUTH, "Invalid JWT: ?late");
    assert_non_null(strstr(script_request(server, 0), "grant_type=urn%3Aietf%3Aparams%3Aoauth"));
    room_close(&room);
    script_stop(server);
}

static void a_revoked_login_is_told_with_the_way_out(void **state)
{
    (void)state;
    struct room room;
    room_open(&room, false);
    room_use_user(&room, "1//another");
    assert_true(room_credentials(&room));
    assert_int_equal(room_call(&room), 0);
    room_expect_error(&room, ERROR_AUTH, "gcloud auth application-default login");
    room_close(&room);
}

static void another_server_at_the_metadata_address_gets_no_trust(void **state)
{
    (void)state;
    struct room room;
    static const struct step steps[] = {{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"}};
    struct server_script *server = script_start(steps, 1, false);
    AUTO(mem_free) char *host = mem_format("127.0.0.1:%d", script_port(server));
    room_open(&room, false);
    assert_int_equal(setenv("GCE_METADATA_HOST", host, 1), 0);
    assert_false(room_credentials(&room));
    room_expect_error(&room, ERROR_CONFIG, "Metadata-Flavor");
    assert_non_null(strstr(script_request(server, 0), "\r\nMetadata-Flavor: Google\r\n"));
    room_close(&room);
    script_stop(server);
}

static void a_named_file_must_be_good(void **state)
{
    (void)state;
    struct room room;
    room_open(&room, false);
    use_machine(&room); /* is not fallen back to */
    room_use_text(&room, "{\"type\": \"service_account\", ");
    assert_false(room_credentials(&room));
    room_expect_error(&room, ERROR_CONFIG, "used.json");
    assert_int_equal(setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nonexistent/key.json", 1), 0);
    assert_false(room_credentials(&room));
    room_expect_error(&room, ERROR_CONFIG, "/nonexistent/key.json");
    assert_int_equal(unsetenv("GOOGLE_APPLICATION_CREDENTIALS"), 0);
    assert_int_equal(setenv("NO_GCE_CHECK", "true", 1), 0);
    assert_false(room_credentials(&room));
    room_expect_error(&room, ERROR_CONFIG, "no Google credentials were found");
    assert_int_equal(room_count(&room, "auth", "metadata.probe"), 0);
    room_close(&room);
}

static void what_is_no_token_is_not_taken_for_one(void **state)
{
    (void)state;
    static const char *const answers[] = {"html", "empty", "body {\"access_token\":\"ya29.x\"}",
                                          "body {\"access_token\":\"ya29.x\",\"expires_in\":0}",
                                          "body {\"access_token\":\"ya29.x y\",\"expires_in\":9}"};
    struct room room;
    room_open(&room, false);
    room_use_user(&room, NULL);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        AUTO(mem_free) char *line = mem_format("auth token 1 %s", answers[i]);
        room_fault(&room, line);
        assert_true(room_credentials(&room));
        assert_int_equal(room_call(&room), 0);
        room_expect_error(&room, i < 4 ? ERROR_FORMAT : ERROR_CONFIG, "the token server");
    }
    room_close(&room);
}

/* --- where a token may go --- */

static void a_token_never_travels_in_the_clear(void **state)
{
    (void)state;
    struct room room;
    room_open(&room, false);
    room_use_key(&room, NULL, NULL);
    assert_true(room_credentials(&room));
    (void)snprintf(room.url, sizeof room.url, "http://other.localhost:%d", sandbox_http_port(room.sandbox));
    assert_int_equal(room_call(&room), 0);
    room_expect_error(&room, ERROR_CONFIG, "in the clear");
    (void)snprintf(room.url, sizeof room.url, "http://127.0.0.1:1@other.localhost:%d",
                   sandbox_http_port(room.sandbox));
    assert_int_equal(room_call(&room), 0);
    room_expect_error(&room, ERROR_CONFIG, "in the clear");
    assert_int_equal(room_count(&room, "bigquery", "datasets.list"), 0);
    room_close(&room);
}

static void the_quota_project_goes_along(void **state)
{
    (void)state;
    struct room room;
    static const struct step steps[] = {{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}};
    struct server_script *server = script_start(steps, 1, false);
    room_open(&room, false);
    AUTO(json_drop) json_t *key = json_load_file(room.key_file, 0, NULL);
    json_object_set_new(key, "quota_project_id", json_string("payer-1"));
    char *text = json_dumps(key, 0);
    room_use_text(&room, text);
    free(text);
    assert_true(room_credentials(&room));
    (void)snprintf(room.url, sizeof room.url, "http://127.0.0.1:%d", script_port(server));
    assert_int_equal(room_call(&room), 200);
    assert_non_null(strstr(script_request(server, 0), "\r\nx-goog-user-project: payer-1\r\n"));
    assert_non_null(strstr(script_request(server, 0), "\r\nAuthorization: Bearer ey"));
    room_close(&room);
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
