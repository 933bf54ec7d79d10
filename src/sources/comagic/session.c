/* SPDX-License-Identifier: Apache-2.0 */
/* session.c - a token by login and password. The password is in the body, as every secret of this service. */
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "internal.h"

#define SESSION_MS INT64_C(3600000) /* if the service does not say */
#define EARLY_MS   INT64_C(300000)
#define SOON_MS    5000 /* one new session serves all calls that were refused together */
#define MARK       "$caseload-password$"

struct session {
    struct token token;
    char *url, *login;
    struct token *password;
    struct http *http;

    pthread_mutex_t lock; /* over what follows, and over http */
    struct secret kept;   /* empty: none */
    int64_t ends_ms;
    bool was_renewed;   /* because a session was refused */
    int64_t renewed_ms; /* when, if one ever was */
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
static bool take_session(struct session *session, struct json_value *answer, int64_t now_s, struct error *err)
{
    const struct json_value *data = value_at(answer, "result.data");
    if (value_is_array(data)) data = value_elements(data);
    const char *token = value_text_at(data, "access_token");
    if (!token) return refuse(answer, err);
    int64_t ends_s = value_integer_at(data, "expire_at", value_integer_at(data, "expire", 0));
    int64_t left_ms = now_s > 0 && ends_s > now_s ? (ends_s - now_s) * 1000 : SESSION_MS;
    session->ends_ms = clock_ms() + (left_ms < SESSION_MS ? left_ms : SESSION_MS);
    return secret_set(&session->kept, token, strlen(token), err);
}

static bool log_in(struct session *session, struct error *err)
{
    static const struct http_policy policy = {.judge = judge};
    static const char *const headers[] = {"Accept: application/json", "Content-Type: application/json", NULL};
    AUTO(http_reply_done) struct http_reply reply = {0};
    AUTO(value_drop) struct json_value *answer = NULL;
    AUTO(buf_done) struct buf body = buf_limited(4096);
    buf_format(&body,
               "{\"jsonrpc\":\"2.0\",\"id\":\"login-%" PRId64 "\",\"method\":\"login.user\",\"params\":{"
               "\"password\":\"" MARK "\",\"login\":",
               ++session->logins);
    (void)json_write_string(&body, session->login, strlen(session->login));
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
    secret_done(&session->kept);
    bool good = http_do(session->http, &request, &reply, err);
    if (good && !value_read(buf_string(&reply.body), reply.body.size, false, NULL, &answer, err))
        good = error_wrap(err, "CoMagic login.user");
    good = good && take_session(session, answer, http_date_s(&reply, 0), err);
    if (reply.body.data) secret_wipe(reply.body.data, reply.body.size);
    return good;
}

static bool is_usable(const struct session *session)
{
    return session->kept.size > 0 && clock_ms() < session->ends_ms - EARLY_MS;
}

/* The refused session is dropped, unless one was just before: then the caller's is that one. */
static void drop_refused(struct session *session)
{
    int64_t now = clock_ms();
    if (session->was_renewed && now - session->renewed_ms < SOON_MS) return;
    session->was_renewed = true;
    session->renewed_ms = now;
    secret_done(&session->kept);
}

static bool get(struct token *token, bool renew, struct secret *out_bearer, struct error *err)
{
    struct session *session = (struct session *)token;
    pthread_mutex_lock(&session->lock);
    if (renew) drop_refused(session);
    bool good = (is_usable(session) || log_in(session, err)) &&
                secret_set(out_bearer, secret_reveal(&session->kept), session->kept.size, err);
    pthread_mutex_unlock(&session->lock);
    return good;
}

static bool get_cached(struct token *token, struct secret *out_bearer)
{
    struct session *session = (struct session *)token;
    struct error unused;
    if (pthread_mutex_trylock(&session->lock) != 0) return false; /* a login is under way */
    bool good = is_usable(session) &&
                secret_set(out_bearer, secret_reveal(&session->kept), session->kept.size, &unused);
    pthread_mutex_unlock(&session->lock);
    return good;
}

static void free_session(struct token *token)
{
    struct session *session = (struct session *)token;
    http_free(session->http);
    token_free(session->password);
    secret_done(&session->kept);
    pthread_mutex_destroy(&session->lock);
    free(session->url);
    free(session->login);
    free(session);
}

bool session_open(const struct session_settings *settings, struct token **out_token, struct error *err)
{
    struct session *session = mem_zero(1, sizeof *session);
    session->token = (struct token){.get = get, .get_cached = get_cached, .free = free_session};
    session->url = mem_format("%s" COMAGIC_PATH, settings->base_url);
    session->login = mem_text(settings->login);
    session->password = settings->password;
    pthread_mutex_init(&session->lock, NULL);
    if (http_new(settings->http, &session->http, err)) {
        *out_token = &session->token;
        return true;
    }
    free_session(&session->token);
    return false;
}
