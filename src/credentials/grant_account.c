/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/json.h"
#include "base/mem.h"
#include "internal.h"

#define GOOGLE_TOKEN_URI "https://oauth2.googleapis.com/token"
#define LIFE_S           3600
#define QUOTE            200

struct account {
    struct grant grant;
    enum account_way way;
    struct http *http; /* its own: a token is fetched in the middle of other calls */
    char *path;        /* of the file, for error texts */
    char *token_uri;
    char *email;
    char *key_id;
    EVP_PKEY *key;
    char *client_id;
    struct secret client_secret;
    struct secret refresh_token;
};

static bool make_assertion(struct account *account, struct secret *out_jwt, struct error *err)
{
    json_int_t now = real_time_s();
    AUTO(json_drop) json_t *claims = NULL;
    if (account->way == WAY_SELF_SIGNED)
        claims = json_pack("{s:s, s:s, s:s, s:I, s:I}", "iss", account->email, "sub", account->email, "scope",
                           SCOPE_CLOUD_PLATFORM, "iat", now, "exp", now + LIFE_S);
    else
        claims = json_pack("{s:s, s:s, s:s, s:I, s:I}", "iss", account->email, "scope", SCOPE_CLOUD_PLATFORM,
                           "aud", account->token_uri, "iat", now, "exp", now + LIFE_S);
    return jwt_sign(account->key, account->key_id, claims, out_jwt, err);
}

static bool fill_form(struct account *account, struct token_form *form, struct error *err)
{
    AUTO(secret_done) struct secret assertion = {0};
    if (account->way == WAY_REFRESH) {
        token_form_add(form, "grant_type", "refresh_token");
        token_form_add(form, "client_id", account->client_id);
        token_form_add(form, "client_secret", secret_reveal(&account->client_secret));
        token_form_add(form, "refresh_token", secret_reveal(&account->refresh_token));
        return true;
    }
    if (!make_assertion(account, &assertion, err)) return false;
    token_form_add(form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
    token_form_add(form, "assertion", secret_reveal(&assertion));
    return true;
}

static void format_time(int64_t at_s, char out_text[INSTANT_TEXT])
{
    instant_format(at_s * 1000000, out_text);
}

/* {"error": "invalid_grant", "error_description": ..}: what a person can do about it. */
static bool refused(const struct account *account, const struct http_reply *reply, struct error *err)
{
    AUTO(json_drop) json_t *value = token_json(reply);
    char code[64], text[QUOTE], ours[INSTANT_TEXT], theirs[INSTANT_TEXT] = "unknown";
    token_quote(json_text_at(value, "error"), code, sizeof code);
    token_quote(json_text_at(value, "error_description"), text, sizeof text);
    if (account->way == WAY_REFRESH && strcmp(code, "invalid_grant") == 0)
        return error_set_status(
            err, ERROR_AUTH, reply->status,
            "the login in %s has expired or was revoked (%s): log in again with gcloud auth "
            "application-default login",
            account->path, text);
    if (strcmp(code, "invalid_grant") == 0) {
        int64_t date_s = http_date_s(reply, -1);
        format_time(real_time_s(), ours);
        if (date_s >= 0) format_time(date_s, theirs);
        return error_set_status(
            err, ERROR_AUTH, reply->status,
            "the token server refuses the key of %s (%s): the key was deleted, or the clock of "
            "this machine is wrong (it says %s, the server %s); set the clock, or download a new "
            "key",
            account->email, text, ours, theirs);
    }
    return error_set_status(
        err, ERROR_AUTH, reply->status,
        "the token server refuses the credentials in %s with status %d (%s: %s): check the file, "
        "or download it again",
        account->path, reply->status, code[0] ? code : "no reason", text);
}

static bool exchange(struct account *account, struct secret *out_token, int64_t *out_lifetime_s,
                     struct error *err)
{
    AUTO(token_form_done) struct token_form form = {0};
    AUTO(http_reply_done) struct http_reply reply = {0};
    if (!fill_form(account, &form, err) ||
        !token_form_post(account->http, account->token_uri, &form, "the token server", &reply, err))
        return false;
    if (reply.status != 200) return refused(account, &reply, err);
    return token_reply(&reply, "the token server", out_token, out_lifetime_s, err);
}

static bool account_request_token(struct grant *grant, struct secret *out_token, int64_t *out_lifetime_s,
                                  struct error *err)
{
    struct account *account = (struct account *)grant;
    if (account->way != WAY_SELF_SIGNED) return exchange(account, out_token, out_lifetime_s, err);
    *out_lifetime_s = LIFE_S;
    return make_assertion(account, out_token, err);
}

static void account_free(struct grant *grant)
{
    struct account *account = (struct account *)grant;
    http_free(account->http);
    EVP_PKEY_free(account->key);
    secret_done(&account->client_secret);
    secret_done(&account->refresh_token);
    free(account->path);
    free(account->token_uri);
    free(account->email);
    free(account->key_id);
    free(account->client_id);
    free(account);
}

enum account_way grant_account_way(const char *token_uri, const char *universe_domain)
{
    static const char *const googles[] = {GOOGLE_TOKEN_URI, "https://accounts.google.com/o/oauth2/token",
                                          "https://www.googleapis.com/oauth2/v4/token"};
    if (universe_domain && strcmp(universe_domain, "googleapis.com") != 0) return WAY_EXCHANGE;
    for (size_t i = 0; token_uri && i < sizeof googles / sizeof *googles; i++)
        if (strcmp(token_uri, googles[i]) == 0) return WAY_SELF_SIGNED;
    return token_uri ? WAY_EXCHANGE : WAY_SELF_SIGNED;
}

static bool read_service_account(struct account *account, const json_t *credentials, struct error *err)
{
    const char *email = google_member(credentials, "client_email", account->path, err);
    const char *pem = email ? google_member(credentials, "private_key", account->path, err) : NULL;
    if (!pem) return false;
    account->way = grant_account_way(account->token_uri, json_text_at(credentials, "universe_domain"));
    account->email = mem_text(email);
    account->key_id = mem_text(json_text_at(credentials, "private_key_id"));
    return jwt_key(pem, &account->key, err) || error_wrap(err, "%s", account->path);
}

static bool read_user(struct account *account, const json_t *credentials, struct error *err)
{
    const char *id = google_member(credentials, "client_id", account->path, err);
    const char *secret = id ? google_member(credentials, "client_secret", account->path, err) : NULL;
    const char *token = secret ? google_member(credentials, "refresh_token", account->path, err) : NULL;
    if (!token) return false;
    account->way = WAY_REFRESH;
    account->client_id = mem_text(id);
    return (secret_set(&account->client_secret, secret, strlen(secret), err) &&
            secret_set(&account->refresh_token, token, strlen(token), err)) ||
           error_wrap(err, "%s", account->path);
}

static bool read_account(struct account *account, const json_t *credentials, struct error *err)
{
    const char *type = json_text_at(credentials, "type");
    account->token_uri = mem_text(json_text_at(credentials, "token_uri"));
    return type && strcmp(type, "authorized_user") == 0 ? read_user(account, credentials, err)
                                                        : read_service_account(account, credentials, err);
}

/* Requests to this address carry credentials. */
static bool check_token_uri(const struct account *account, struct error *err)
{
    const char *uri = account->token_uri;
    static const char *const safe[] = {"https://", "http://127.0.0.1:", "http://localhost:", "http://[::1]:"};
    for (size_t i = 0; i < sizeof safe / sizeof *safe; i++)
        if (strncmp(uri, safe[i], strlen(safe[i])) == 0) return true;
    return error_set(err, ERROR_CONFIG, "%s has a token_uri that is not https: download the file again",
                     account->path);
}

bool grant_account_new(const struct google_settings *settings, const char *path, json_t *credentials,
                       struct grant **out_grant, struct error *err)
{
    struct account *account = mem_zero(1, sizeof *account);
    account->grant = (struct grant){.request_token = account_request_token, .free = account_free};
    account->path = mem_text(path);
    bool good = read_account(account, credentials, err);
    token_wipe(json_text_at(credentials, "private_key"));
    token_wipe(json_text_at(credentials, "client_secret"));
    token_wipe(json_text_at(credentials, "refresh_token"));
    if (good && !account->token_uri) account->token_uri = mem_text(GOOGLE_TOKEN_URI);
    good = good && check_token_uri(account, err);
    if (good && account->way != WAY_SELF_SIGNED) good = http_new(settings->http, &account->http, err);
    if (!good) {
        grant_free(&account->grant);
        return false;
    }
    *out_grant = &account->grant;
    return true;
}
