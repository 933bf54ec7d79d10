/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "google/auth.h"
#include "sandbox_internal.h"

static const char *const variables[] = {"GOOGLE_APPLICATION_CREDENTIALS",
                                        "CLOUDSDK_CONFIG",
                                        "NO_GCE_CHECK",
                                        "GCE_METADATA_HOST",
                                        "GCE_METADATA_IP",
                                        "GOOGLE_CLOUD_QUOTA_PROJECT",
                                        "http_proxy"};

static void clear_environment(const struct fixture *fixture)
{
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        assert_int_equal(unsetenv(variables[i]), 0);
    assert_int_equal(setenv("HOME", fixture->folder, 1), 0);
}

void fixture_open(struct fixture *fixture, bool tls)
{
    *fixture = (struct fixture){.folder = "/tmp/caseload-credentials-XXXXXX"};
    assert_non_null(mkdtemp(fixture->folder));
    clear_environment(fixture);
    (void)snprintf(fixture->key_file, sizeof fixture->key_file, "%s/key.json", fixture->folder);
    (void)snprintf(fixture->ca_file, sizeof fixture->ca_file, "%s/ca.pem", fixture->folder);
    const struct sandbox_options options = {
        .auth = true, .tls = tls, .key_file = fixture->key_file, .ca_file = fixture->ca_file};
    if (!sandbox_start(&options, &fixture->sandbox, &fixture->err)) fail_msg("%s", fixture->err.text);
    (void)snprintf(fixture->url, sizeof fixture->url, "http%s://127.0.0.1:%d", tls ? "s" : "",
                   sandbox_http_port(fixture->sandbox));
    fixture->settings =
        (struct http_settings){.user_agent = "caseload/test", .ca_file = tls ? fixture->ca_file : NULL};
    fixture->google = (struct google_settings){
        .http = &fixture->settings, .sts_url = fixture->url, .iamcredentials_url = fixture->url};
    const struct http_settings http = {.user_agent = "caseload/test", .ca_file = fixture->settings.ca_file};
    assert_true(http_new(&http, &fixture->http, &fixture->err));
}

void fixture_close(struct fixture *fixture)
{
    static const char *const files[] = {"key.json", "ca.pem", "used.json",
                                        "application_default_credentials.json", "subject.txt"};
    token_free(fixture->token);
    http_free(fixture->http);
    sandbox_stop(fixture->sandbox);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        AUTO(mem_free) char *path = mem_format("%s/%s", fixture->folder, files[i]);
        (void)unlink(path); /* not each test has each */
    }
    assert_int_equal(rmdir(fixture->folder), 0);
}

void fixture_use_text(struct fixture *fixture, const char *text)
{
    AUTO(mem_free) char *path = mem_format("%s/used.json", fixture->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(setenv("GOOGLE_APPLICATION_CREDENTIALS", path, 1), 0);
}

void fixture_use(struct fixture *fixture, const json_t *value)
{
    char *text = json_dumps(value, 0);
    fixture_use_text(fixture, text);
    free(text);
}

void fixture_use_key(struct fixture *fixture, const char *token_uri, const char *private_key)
{
    AUTO(json_drop) json_t *key = json_load_file(fixture->key_file, 0, NULL);
    assert_non_null(key);
    if (token_uri) json_object_set_new(key, "token_uri", json_string(token_uri));
    if (private_key) json_object_set_new(key, "private_key", json_string(private_key));
    fixture_use(fixture, key);
}

json_t *fixture_user(const struct fixture *fixture, const char *refresh_token)
{
    const struct auth *auth = fixture->sandbox->auth;
    AUTO(mem_free) char *uri = mem_format("%s/token", fixture->url);
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", "authorized_user", "client_id", auth->client_id,
                     "client_secret", auth->client_secret, "refresh_token",
                     refresh_token ? refresh_token : auth->refresh_token, "token_uri", uri);
}

void fixture_use_user(struct fixture *fixture, const char *refresh_token)
{
    AUTO(json_drop) json_t *file = fixture_user(fixture, refresh_token);
    fixture_use(fixture, file);
}

json_t *fixture_external(const struct fixture *fixture)
{
    AUTO(mem_free) char *url = mem_format("%s/subject", fixture->url);
    AUTO(mem_free) char *sts = mem_format("%s/v1/token", fixture->url);
    return json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:{s:s}}}", "type", "external_account", "audience",
                     AUTH_WORKLOAD, "subject_token_type", "urn:ietf:params:oauth:token-type:jwt", "token_url",
                     sts, "credential_source", "url", url, "headers", "Metadata", "True");
}

bool fixture_credentials(struct fixture *fixture)
{
    token_free(fixture->token);
    fixture->token = NULL;
    return token_from_google(&fixture->google, &fixture->token, &fixture->err);
}

static enum http_verdict judge(void *self, const struct http_reply *reply, int64_t *out_least_ms)
{
    (void)self;
    *out_least_ms = 0;
    return reply->status == 401 ? HTTP_RENEW : HTTP_DONE;
}

int fixture_call(struct fixture *fixture)
{
    static const struct http_policy policy = {.judge = judge};
    static const struct retry quick = {.base_ms = 1, .cap_ms = 2, .attempts = 4, .budget_ms = 60000};
    AUTO(mem_free) char *url = mem_format("%s/bigquery/v2/projects/p/datasets", fixture->url);
    AUTO(http_reply_done) struct http_reply reply = {0};
    const struct http_request request = {
        .method = "GET",
        .url = url,
        .token = fixture->token,
        .reply_limit = 65536,
        .timeout_s = 60,
        .retry = &quick,
        .policy = &policy,
        .what = "the test's call",
    };
    fixture->err = (struct error){0};
    return http_do(fixture->http, &request, &reply, &fixture->err) ? reply.status : 0;
}

static void post(struct fixture *fixture, const char *path, const char *body)
{
    AUTO(mem_free)
    char *url = mem_format("http://127.0.0.1:%d%s", sandbox_http_port(fixture->sandbox), path);
    AUTO(http_reply_done) struct http_reply reply = {0};
    const struct http_request request = {
        .method = "POST",
        .url = url,
        .body = body,
        .body_size = strlen(body),
        .reply_limit = 65536,
        .timeout_s = 60,
        .what = "the control",
    };
    if (!http_do(fixture->http, &request, &reply, &fixture->err) || reply.status != 200)
        fail_msg("%s: %s", path, buf_string(&reply.body));
}

void fixture_control(struct fixture *fixture, const char *json)
{
    post(fixture, "/control/auth", json);
}

void fixture_fault(struct fixture *fixture, const char *line)
{
    post(fixture, "/control/faults", line);
}

void fixture_advance(struct fixture *fixture, int64_t seconds)
{
    virtual_clock_advance(fixture->sandbox->clock, seconds * 1000000);
}

size_t fixture_count(struct fixture *fixture, const char *service, const char *operation)
{
    struct buf lines;
    AUTO(mem_free) char *wanted = mem_format("\"operation\":\"%s\"", operation);
    size_t count = 0;
    buf_init(&lines, 1024 * 1024);
    journal_dump(fixture->sandbox->journal, service, 0, &lines);
    for (const char *at = buf_string(&lines); (at = strstr(at, wanted)); at++)
        count++;
    buf_done(&lines);
    return count;
}

json_t *fixture_secrets(struct fixture *fixture)
{
    const struct auth *auth = fixture->sandbox->auth;
    return json_pack("[s, s, s, s, s]", auth->subject_token, auth->key_pem, auth->client_secret,
                     auth->refresh_token, auth->source_token);
}

void fixture_expect_error(struct fixture *fixture, enum error_kind kind, const char *says)
{
    AUTO(json_drop) json_t *secrets = fixture_secrets(fixture);
    size_t i;
    json_t *secret;
    if (!strstr(fixture->err.text, says)) fail_msg("not \"%s\" in \"%s\"", says, fixture->err.text);
    assert_int_equal(fixture->err.kind, kind);
    json_array_foreach (secrets, i, secret)
        assert_null(strstr(fixture->err.text, json_string_value(secret)));
    assert_null(strstr(fixture->err.text, "ya29"));
}
