/* SPDX-License-Identifier: Apache-2.0 */
/* session.c - the login by user and password. The password is in the body, as every secret of this service.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"

#define SESSION_S INT64_C(3600) /* if the service does not say */
#define MARK      "$caseload-password$"

struct session {
    struct token_login login;
    char *url, *user;
    struct token *password;
    struct http *http;
    int64_t logins;
};

/* -32001 is a wrong login: no retry helps. Other failures may pass. */
static enum http_verdict judge(void *self, const struct http_reply *reply, int64_t *out_least_ms)
{
    struct error unused;
    AUTO(value_drop) struct json_value *answer = NULL;
    (void)self;
    *out_least_ms = 0;
    if (reply->status >= 300 ||
        !value_read(buf_string(&reply->body), reply->body.size, false, NULL, &answer, &unused))
        return HTTP_RETRY;
    int status = comagic_real_status(answer, 200);
    return status == 429 || status >= 500 ? HTTP_RETRY : HTTP_DONE;
}

static bool refuse(const struct json_value *answer, struct error *err)
{
    struct rest_failure failure = {.code = ""};
    comagic_read_failure(answer, &failure);
    bool is_wrong = comagic_real_status(answer, 200) == 401;
    return error_set(err, is_wrong ? ERROR_AUTH : ERROR_CONFIG, "CoMagic login.user: refused: %s (%s); %s",
                     failure.code[0] ? failure.code : "no session was given", failure.message,
                     is_wrong ? "check source.login and the password that source.token names"
                              : "a retry will not help");
}

/* Takes the session out of the answer, which holds a secret. */
static bool take_session(const struct json_value *answer, int64_t now_s, struct secret *out_token,
                         int64_t *out_lifetime_s, struct error *err)
{
    const struct json_value *data = value_at(answer, "result.data");
    if (value_is_array(data)) data = value_elements(data);
    const char *token = value_text_at(data, "access_token");
    if (!token) return refuse(answer, err);
    int64_t ends_s = value_integer_at(data, "expire_at", value_integer_at(data, "expire", 0));
    int64_t left_s = now_s > 0 && ends_s > now_s ? ends_s - now_s : SESSION_S;
    *out_lifetime_s = left_s < SESSION_S ? left_s : SESSION_S;
    return secret_set(out_token, token, strlen(token), err);
}

static bool log_in(struct token_login *login, struct secret *out_token, int64_t *out_lifetime_s,
                   struct error *err)
{
    struct session *session = (struct session *)login;
    static const struct http_policy policy = {.judge = judge};
    static const char *const headers[] = {"Accept: application/json", "Content-Type: application/json", NULL};
    AUTO(http_reply_done) struct http_reply reply = {0};
    AUTO(value_drop) struct json_value *answer = NULL;
    AUTO(buf_done) struct buf body = buf_limited(4096);
    buf_format(&body,
               "{\"jsonrpc\":\"2.0\",\"id\":\"login-%" PRId64 "\",\"method\":\"login.user\",\"params\":{"
               "\"password\":\"" MARK "\",\"login\":",
               ++session->logins);
    (void)json_write_string(&body, session->user, strlen(session->user));
    buf_text(&body, "}}");
    const struct http_request request = {
        .method = "POST",
        .url = session->url,
        .headers = headers,
        .token = session->password,
        .token_mark = MARK,
        .body = buf_string(&body),
        .body_size = body.size,
        .reply_limit = 65536,
        .timeout_s = 60,
        .retry = &retry_api,
        .policy = &policy,
        .what = "CoMagic login.user",
    };
    bool good = http_do(session->http, &request, &reply, err);
    if (good && !value_read(buf_string(&reply.body), reply.body.size, false, NULL, &answer, err))
        good = error_wrap(err, "CoMagic login.user");
    good = good && take_session(answer, http_date_s(&reply, 0), out_token, out_lifetime_s, err);
    if (reply.body.data) secret_wipe(reply.body.data, reply.body.size);
    return good;
}

static void free_session(struct token_login *login)
{
    struct session *session = (struct session *)login;
    http_free(session->http);
    token_free(session->password);
    free(session->url);
    free(session->user);
    free(session);
}

bool session_open(const struct session_settings *settings, struct token_login **out_login, struct error *err)
{
    struct session *session = mem_zero(1, sizeof *session);
    session->login = (struct token_login){.log_in = log_in, .free = free_session};
    session->url = mem_format("%s" COMAGIC_PATH, settings->base_url);
    session->user = mem_text(settings->login);
    session->password = settings->password;
    if (http_new(settings->http, &session->http, err)) {
        *out_login = &session->login;
        return true;
    }
    free_session(&session->login);
    return false;
}
