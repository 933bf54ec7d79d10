/* SPDX-License-Identifier: Apache-2.0 */
/* Federated and impersonated accounts, and a machine whose metadata server is late, against the sandbox. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "credentials_fixture.h"
#include "google/auth.h"
#include "sandbox_internal.h"
#include "server_script.h"
#include "skipped_waits.h"

static const char *const token_services[] = {"subject", "sts", "impersonate"};

static char *account_url(const struct fixture *fixture, const char *account)
{
    return mem_format("%s/v1/projects/-/serviceAccounts/%s:generateAccessToken", fixture->url, account);
}

/* Takes the source; yours. */
static json_t *impersonated(const struct fixture *fixture, const char *account, json_t *source)
{
    AUTO(mem_free) char *url = account_url(fixture, account);
    return json_pack("{s:s, s:s, s:[], s:o}", "type", "impersonated_service_account",
                     "service_account_impersonation_url", url, "delegates", "source_credentials", source);
}

static void use_impersonation(struct fixture *fixture)
{
    AUTO(json_drop) json_t *file = impersonated(fixture, AUTH_EMAIL, fixture_user(fixture, NULL));
    fixture_use(fixture, file);
}

static void use_external(struct fixture *fixture)
{
    AUTO(json_drop) json_t *file = fixture_external(fixture);
    fixture_use(fixture, file);
}

static void use_federation_and_impersonation(struct fixture *fixture)
{
    AUTO(json_drop) json_t *file = fixture_external(fixture);
    AUTO(mem_free) char *url = account_url(fixture, AUTH_EMAIL);
    json_object_set_new(file, "service_account_impersonation_url", json_string(url));
    fixture_use(fixture, file);
}

static void use_source(struct fixture *fixture, const char *source)
{
    AUTO(json_drop) json_t *file = fixture_external(fixture);
    json_t *value = json_loads(source, 0, NULL);
    assert_non_null(value);
    json_object_set_new(file, "credential_source", value);
    fixture_use(fixture, file);
}

static void write_subject(const struct fixture *fixture, const char *text)
{
    AUTO(mem_free) char *path = mem_format("%s/subject.txt", fixture->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void expect_call(struct fixture *fixture, int status)
{
    if (!fixture_credentials(fixture)) fail_msg("%s", fixture->err.text);
    int found = fixture_call(fixture);
    if (found != status) fail_msg("%d: %s", found, fixture->err.text);
}

static void expect_counts(struct fixture *fixture, size_t subject, size_t sts, size_t impersonate)
{
    assert_int_equal(fixture_count(fixture, "auth", "subject"), subject);
    assert_int_equal(fixture_count(fixture, "auth", "sts"), sts);
    assert_int_equal(fixture_count(fixture, "auth", "impersonate"), impersonate);
}

/* --- each way --- */

static void a_subject_token_of_an_address_is_exchanged(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, false);
    use_external(&fixture);
    expect_call(&fixture, 200);
    assert_int_equal(fixture_call(&fixture), 200); /* from the cache */
    expect_counts(&fixture, 1, 1, 0);
    AUTO(mem_free)
    char *source =
        mem_format("{\"url\": \"%s/subject?format=json\", \"headers\": {\"Metadata\": \"True\"},"
                   " \"format\": {\"type\": \"json\", \"subject_token_field_name\": \"access_token\"}}",
                   fixture.url);
    use_source(&fixture, source);
    expect_call(&fixture, 200);
    fixture_close(&fixture);
}

static void a_subject_token_of_a_file_is_read_each_time(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, false);
    AUTO(mem_free) char *line = mem_format("%s\n", fixture.sandbox->auth->subject_token);
    AUTO(mem_free) char *source = mem_format("{\"file\": \"%s/subject.txt\"}", fixture.folder);
    write_subject(&fixture, line);
    use_source(&fixture, source);
    expect_call(&fixture, 200);
    fixture_control(&fixture, "{\"subject_token\": \"the-next-one\", \"expire\": true}");
    assert_int_equal(fixture_call(&fixture), 0); /* whatever writes the file has not renewed it */
    fixture_expect_error(&fixture, ERROR_AUTH, "is stale to sign-in");
    fixture_expect_error(&fixture, ERROR_AUTH, "whatever writes the token renews it");
    write_subject(&fixture, "the-next-one");
    assert_int_equal(fixture_call(&fixture), 200);
    expect_counts(&fixture, 0, 3, 0);
    AUTO(mem_free)
    char *json = mem_format("{\"file\": \"%s/subject.txt\", \"format\": {\"type\": \"json\","
                            " \"subject_token_field_name\": \"id\"}}",
                            fixture.folder);
    write_subject(&fixture, "{\"id\": \"the-next-one\"}");
    use_source(&fixture, json);
    expect_call(&fixture, 200);
    fixture_close(&fixture);
}

static void a_workforce_names_the_project_that_pays(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, false);
    AUTO(json_drop) json_t *file = fixture_external(&fixture);
    json_object_set_new(file, "audience", json_string(AUTH_WORKFORCE));
    fixture_use(&fixture, file);
    expect_call(&fixture, 0);
    fixture_expect_error(&fixture, ERROR_AUTH, "userProject is missing");
    json_object_set_new(file, "workforce_pool_user_project", json_string("demo-project"));
    fixture_use(&fixture, file);
    expect_call(&fixture, 200);
    fixture_close(&fixture);
}

static void a_federated_identity_becomes_a_service_account(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, false);
    use_federation_and_impersonation(&fixture);
    expect_call(&fixture, 200);
    expect_counts(&fixture, 1, 1, 1);
    fixture_close(&fixture);
}

static void any_known_account_impersonates_another(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, false);
    json_t *const sources[] = {json_load_file(fixture.key_file, 0, NULL), fixture_user(&fixture, NULL),
                               fixture_external(&fixture)};
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        AUTO(json_drop) json_t *file = impersonated(&fixture, AUTH_EMAIL, sources[i]);
        fixture_use(&fixture, file);
        expect_call(&fixture, 200);
        assert_int_equal(fixture_count(&fixture, "auth", "impersonate"), i + 1);
    }
    AUTO(json_drop) json_t *file = impersonated(&fixture, AUTH_CHAINED, fixture_user(&fixture, NULL));
    fixture_use(&fixture, file);
    expect_call(&fixture, 0);
    fixture_expect_error(&fixture, ERROR_AUTH, "roles/iam.serviceAccountTokenCreator");
    fixture_expect_error(&fixture, ERROR_AUTH, "'iam.serviceAccounts.getAccessToken' denied");
    static const char *const delegates[] = {AUTH_EMAIL, "projects/-/serviceAccounts/" AUTH_EMAIL};
    for (size_t i = 0; i < 2; i++) {
        json_object_set_new(file, "delegates", json_pack("[s]", delegates[i]));
        fixture_use(&fixture, file);
        expect_call(&fixture, 200);
    }
    fixture_close(&fixture);
}

static void the_quota_project_is_the_accounts_and_not_its_sources(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, false);
    json_t *user = fixture_user(&fixture, NULL);
    json_object_set_new(user, "quota_project_id", json_string("payer-of-the-source"));
    AUTO(json_drop) json_t *file = impersonated(&fixture, AUTH_EMAIL, user);
    fixture_use(&fixture, file);
    assert_true(fixture_credentials(&fixture));
    assert_null(fixture.token->quota_project);
    json_object_set_new(file, "quota_project_id", json_string("payer"));
    fixture_use(&fixture, file);
    assert_true(fixture_credentials(&fixture));
    assert_string_equal(fixture.token->quota_project, "payer");
    fixture_close(&fixture);
}

/* --- in the course of time --- */

static void tokens_are_renewed_before_they_expire(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, false);
    use_impersonation(&fixture);
    expect_call(&fixture, 200);
    skip_ms(3000 * 1000); /* fifty minutes */
    assert_int_equal(fixture_call(&fixture), 200);
    expect_counts(&fixture, 0, 0, 1);
    skip_ms(500 * 1000); /* a hundred seconds before the end */
    assert_int_equal(fixture_call(&fixture), 200);
    expect_counts(&fixture, 0, 0, 2);
    assert_int_equal(fixture_count(&fixture, "auth", "token"), 2); /* the user's, too */
    fixture_control(&fixture, "{\"expire\": true}");               /* all are revoked, without our knowing */
    skip_ms(10 * 1000);
    assert_int_equal(fixture_call(&fixture), 200);
    expect_counts(&fixture, 0, 0, 4); /* the user's token was refused, and then not */
    fixture_close(&fixture);
}

static void token_services_may_fail_for_a_while(void **state)
{
    (void)state;
    static const char *const faults[] = {"status 503", "status 429", "drop after", "truncate"};
    struct fixture fixture;
    fixture_open(&fixture, false);
    use_federation_and_impersonation(&fixture);
    for (size_t i = 0; i < sizeof token_services / sizeof *services; i++)
        for (size_t k = 0; k < sizeof faults / sizeof *faults; k++) {
            AUTO(mem_free) char *line = mem_format("auth %s 1 %s", token_services[i], faults[k]);
            fixture_fault(&fixture, line);
            expect_call(&fixture, 200);
        }
    fixture_close(&fixture);
}

/* --- what is no token --- */

/* Each answer of each service: never used as a token, never shown; the error names the service. */
static void an_error_names_the_service_with_the_wrong_answer(void **state)
{
    (void)state;
    static const struct {
        const char *service, *who;
        const char *answers[6];
    } cases[] = {
        {"subject",
         "credential_source",
         {"empty", "status 404", "status 401", "status 302", "body a\tb", NULL}},
        {"sts",
         "Security Token Service",
         {"html", "empty", "body {\"access_token\":\"ya29.x\"}",
          "body {\"access_token\":\"ya29.x\",\"expires_in\":0}",
          "body {\"access_token\":\"\",\"expires_in\":9}", "status 403"}},
        {"impersonate",
         "IAM Service Account Credentials API",
         {"html", "empty", "body {\"accessToken\":\"ya29.x\"}",
          "body {\"accessToken\":\"ya29.x\",\"expireTime\":\"2001-01-01T00:00:00Z\"}",
          "body {\"accessToken\":\"ya29.x\",\"expireTime\":\"soon\"}", "status 404"}},
    };
    struct fixture fixture;
    fixture_open(&fixture, false);
    use_federation_and_impersonation(&fixture);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t k = 0; k < 6 && cases[i].answers[k]; k++) {
            AUTO(mem_free) char *line = mem_format("auth %s 1 %s", cases[i].service, cases[i].answers[k]);
            fixture_fault(&fixture, line);
            assert_true(fixture_credentials(&fixture));
            if (fixture_call(&fixture) != 0) fail_msg("%s is taken", line);
            if (!strstr(fixture.err.text, cases[i].who)) fail_msg("%s: %s", line, fixture.err.text);
            fixture_expect_error(&fixture, fixture.err.kind, "");
        }
    fixture_close(&fixture);
}

static void huge_answers_are_cut_off(void **state)
{
    (void)state;
    struct fixture fixture;
    AUTO(mem_free) char *filler = mem_format("%*s", 100000, "");
    AUTO(mem_free) char *answer = mem_format("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n%s", filler);
    const struct step steps[] = {{.bytes = answer}};
    struct server_script *server = script_start(steps, 1, false);
    fixture_open(&fixture, false);
    AUTO(mem_free) char *source = mem_format("{\"url\": \"http://127.0.0.1:%d/\"}", script_port(server));
    use_source(&fixture, source);
    expect_call(&fixture, 0);
    fixture_expect_error(&fixture, ERROR_LIMIT, "credential_source");
    AUTO(mem_free) char *file = mem_format("{\"file\": \"%s/subject.txt\"}", fixture.folder);
    write_subject(&fixture, filler);
    use_source(&fixture, file);
    expect_call(&fixture, 0);
    fixture_expect_error(&fixture, ERROR_CONFIG, "subject.txt");
    expect_counts(&fixture, 0, 0, 0);
    fixture_close(&fixture);
    script_stop(server);
}

static void *stop_soon(void *stop)
{
    (void)clock_sleep_ms(100, NULL);
    atomic_store((atomic_bool *)stop, true);
    return NULL;
}

static void a_service_that_hangs_ends_with_the_process(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, false);
    use_federation_and_impersonation(&fixture);
    for (size_t i = 0; i < 3; i++) {
        AUTO(mem_free) char *line = mem_format("auth %s 1 hang", token_services[i]);
        atomic_bool stop = false;
        pthread_t thread;
        fixture.settings.stop = &stop;
        fixture_fault(&fixture, line);
        assert_int_equal(pthread_create(&thread, NULL, stop_soon, &stop), 0);
        expect_call(&fixture, 0);
        assert_int_equal(fixture.err.kind, ERROR_STOPPED);
        assert_int_equal(pthread_join(thread, NULL), 0);
        token_free(fixture.token);
        fixture.token = NULL;
    }
    fixture_close(&fixture);
}

/* --- a machine --- */

static void a_metadata_server_that_is_late_is_waited_for(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, false);
    assert_int_equal(setenv("GCE_METADATA_HOST", fixture.url + strlen("http://"), 1), 0);
    for (int n = 1; n <= 6; n++) { /* two of them before the first second, and one some ten seconds later */
        AUTO(mem_free)
        char *line = mem_format("auth metadata.probe %d %s", n, n % 2 ? "drop before" : "status 503");
        fixture_fault(&fixture, line);
    }
    expect_call(&fixture, 200);
    assert_int_equal(fixture_count(&fixture, "auth", "metadata.probe"), 7);
    fixture_close(&fixture);
}

static void a_machine_without_metadata_server_is_unreachable_and_not_misconfigured(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, false);
    assert_int_equal(setenv("GCE_METADATA_HOST", "127.0.0.1:1", 1), 0);
    int64_t before_ms = clock_ms();
    assert_false(fixture_credentials(&fixture));
    fixture_expect_error(&fixture, ERROR_UNREACHABLE, "no Google credentials were found");
    fixture_expect_error(&fixture, ERROR_UNREACHABLE, "the metadata server");
    assert_int_equal(error_rules[fixture.err.kind].run_exit_code, 69);
    assert_in_range(clock_ms() - before_ms, 20000, 32000);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_subject_token_of_an_address_is_exchanged),
        cmocka_unit_test(a_subject_token_of_a_file_is_read_each_time),
        cmocka_unit_test(a_workforce_names_the_project_that_pays),
        cmocka_unit_test(a_federated_identity_becomes_a_service_account),
        cmocka_unit_test(any_known_account_impersonates_another),
        cmocka_unit_test(the_quota_project_is_the_accounts_and_not_its_sources),
        cmocka_unit_test(tokens_are_renewed_before_they_expire),
        cmocka_unit_test(token_services_may_fail_for_a_while),
        cmocka_unit_test(an_error_names_the_service_with_the_wrong_answer),
        cmocka_unit_test(huge_answers_are_cut_off),
        cmocka_unit_test(a_service_that_hangs_ends_with_the_process),
        cmocka_unit_test(a_metadata_server_that_is_late_is_waited_for),
        cmocka_unit_test(a_machine_without_metadata_server_is_unreachable_and_not_misconfigured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
