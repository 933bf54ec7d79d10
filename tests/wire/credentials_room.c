#include "credentials_room.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "auth.h"
#include "base/json.h"
#include "base/mem.h"
#include "internal.h"

static const char *const variables[] = {"GOOGLE_APPLICATION_CREDENTIALS",
                                        "CLOUDSDK_CONFIG",
                                        "NO_GCE_CHECK",
                                        "GCE_METADATA_HOST",
                                        "GCE_METADATA_IP",
                                        "http_proxy"};

static void clear_environment(const struct room *room)
{
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        assert_int_equal(unsetenv(variables[i]), 0);
    assert_int_equal(setenv("HOME", room->folder, 1), 0);
}

void room_open(struct room *room, bool tls)
{
    *room = (struct room){.folder = "/tmp/caseload-credentials-XXXXXX"};
    assert_non_null(mkdtemp(room->folder));
    clear_environment(room);
    (void)snprintf(room->key_file, sizeof room->key_file, "%s/key.json", room->folder);
    (void)snprintf(room->ca_file, sizeof room->ca_file, "%s/ca.pem", room->folder);
    const struct sandbox_options options = {
        .auth = true, .tls = tls, .key_file = room->key_file, .ca_file = room->ca_file};
    if (!sandbox_start(&options, &room->sandbox, &room->err)) fail_msg("%s", room->err.text);
    (void)snprintf(room->url, sizeof room->url, "http%s://127.0.0.1:%d", tls ? "s" : "",
                   sandbox_http_port(room->sandbox));
    room->settings =
        (struct token_settings){.user_agent = "caseload/test", .ca_file = tls ? room->ca_file : NULL};
    const struct http_settings http = {.user_agent = "caseload/test", .ca_file = room->settings.ca_file};
    assert_true(http_new(&http, &room->http, &room->err));
}

void room_close(struct room *room)
{
    static const char *const files[] = {"key.json", "ca.pem", "used.json",
                                        "application_default_credentials.json"};
    token_free(room->token);
    http_free(room->http);
    sandbox_stop(room->sandbox);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        AUTO(mem_free) char *path = mem_format("%s/%s", room->folder, files[i]);
        (void)unlink(path); /* not each test has each */
    }
    assert_int_equal(rmdir(room->folder), 0);
}

void room_use_text(struct room *room, const char *text)
{
    AUTO(mem_free) char *path = mem_format("%s/used.json", room->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(setenv("GOOGLE_APPLICATION_CREDENTIALS", path, 1), 0);
}

static void use(struct room *room, const json_t *value)
{
    char *text = json_dumps(value, 0);
    room_use_text(room, text);
    free(text);
}

void room_use_key(struct room *room, const char *token_uri, const char *private_key)
{
    AUTO(json_drop) json_t *key = json_load_file(room->key_file, 0, NULL);
    assert_non_null(key);
    if (token_uri) json_object_set_new(key, "token_uri", json_string(token_uri));
    if (private_key) json_object_set_new(key, "private_key", json_string(private_key));
    use(room, key);
}

void room_use_user(struct room *room, const char *refresh_token)
{
    const struct auth *auth = room->sandbox->auth;
    AUTO(mem_free) char *uri = mem_format("%s/token", room->url);
    AUTO(json_drop)
    json_t *file = json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", "authorized_user", "client_id",
                             auth->client_id, "client_secret", auth->client_secret, "refresh_token",
                             refresh_token ? refresh_token : auth->refresh_token, "token_uri", uri);
    use(room, file);
}

bool room_credentials(struct room *room)
{
    token_free(room->token);
    room->token = NULL;
    return token_from_google(&room->settings, &room->token, &room->err);
}

static enum http_verdict judge(void *self, const struct http_reply *reply, int64_t *out_least_ms)
{
    (void)self;
    *out_least_ms = 0;
    return reply->status == 401 ? HTTP_RENEW : HTTP_DONE;
}

int room_call(struct room *room)
{
    static const struct http_policy policy = {.judge = judge};
    static const struct retry quick = {.base_ms = 1, .cap_ms = 2, .attempts = 4, .budget_ms = 60000};
    AUTO(mem_free) char *url = mem_format("%s/bigquery/v2/projects/p/datasets", room->url);
    AUTO(http_reply_done) struct http_reply reply = {0};
    const struct http_request request = {
        .method = "GET",
        .url = url,
        .token = room->token,
        .reply_limit = 65536,
        .timeout_s = 60,
        .retry = &quick,
        .policy = &policy,
        .what = "the test's call",
    };
    room->err = (struct error){0};
    return http_do(room->http, &request, &reply, &room->err) ? reply.status : 0;
}

static void post(struct room *room, const char *path, const char *body)
{
    AUTO(mem_free)
    char *url = mem_format("http://127.0.0.1:%d%s", sandbox_http_port(room->sandbox), path);
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
    if (!http_do(room->http, &request, &reply, &room->err) || reply.status != 200)
        fail_msg("%s: %s", path, buf_string(&reply.body));
}

void room_control(struct room *room, const char *json)
{
    post(room, "/control/auth", json);
}

void room_fault(struct room *room, const char *line)
{
    post(room, "/control/faults", line);
}

void room_advance(struct room *room, int64_t seconds)
{
    virtual_clock_advance(room->sandbox->clock, seconds * 1000000);
}

size_t room_count(struct room *room, const char *service, const char *operation)
{
    struct buf lines;
    AUTO(mem_free) char *wanted = mem_format("\"operation\":\"%s\"", operation);
    size_t count = 0;
    buf_init(&lines, 1024 * 1024);
    journal_dump(room->sandbox->journal, service, 0, &lines);
    for (const char *at = buf_string(&lines); (at = strstr(at, wanted)); at++)
        count++;
    buf_done(&lines);
    return count;
}

json_t *room_secrets(struct room *room)
{
    const struct auth *auth = room->sandbox->auth;
    return json_pack("[s, s, s, s]", auth->key_pem, auth->client_secret, auth->refresh_token,
                     auth->source_token);
}

void room_expect_error(struct room *room, enum error_kind kind, const char *says)
{
    AUTO(json_drop) json_t *secrets = room_secrets(room);
    size_t i;
    json_t *secret;
    if (!strstr(room->err.text, says)) fail_msg("not \"%s\" in \"%s\"", says, room->err.text);
    assert_int_equal(room->err.kind, kind);
    json_array_foreach (secrets, i, secret)
        assert_null(strstr(room->err.text, json_string_value(secret)));
    assert_null(strstr(room->err.text, "ya29"));
}
