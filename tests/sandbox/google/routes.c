/* SPDX-License-Identifier: Apache-2.0 */
/* routes.c - the token server, the metadata server, Secret Manager, and the control of all three. */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "google/auth.h"

#define JWT_BEARER "urn:ietf:params:oauth:grant-type:jwt-bearer"

/* --- the token server --- */

static void refuse_grant(struct exchange *exchange, int status, const char *code, const char *text)
{
    exchange_reply_json(exchange, status, json_pack("{s:s, s:s}", "error", code, "error_description", text));
}

char *auth_form_field(const struct exchange *exchange, const char *name)
{
    size_t size = strlen(name);
    for (const char *at = exchange->body; at; at = strchr(at, '&')) {
        at += *at == '&';
        if (strncmp(at, name, size) != 0 || at[size] != '=') continue;
        char *value = mem_bytes(at + size + 1, strcspn(at + size + 1, "&"));
        percent_decode(value, true);
        return value;
    }
    return NULL;
}

/* Google's own address, or this server's. */
static bool is_audience(const struct exchange *exchange, const char *audience)
{
    char own[64];
    if (audience && strcmp(audience, "https://oauth2.googleapis.com/token") == 0) return true;
    for (int secure = 0; audience && secure < 2; secure++) {
        snprintf(own, sizeof own, "http%s://127.0.0.1:%d/token", secure ? "s" : "", exchange->port);
        if (strcmp(audience, own) == 0) return true;
    }
    return false;
}

static bool check_assertion(struct exchange *exchange)
{
    AUTO(mem_free) char *assertion = auth_form_field(exchange, "assertion");
    AUTO(json_drop) json_t *claims = NULL;
    enum jwt_fault fault = assertion ? jwt_verify(exchange->service, assertion, &claims) : JWT_MALFORMED;
    const char *text = NULL;
    switch (fault) {
    case JWT_GOOD:
        if (!is_audience(exchange, json_text_at(claims, "aud")))
            text = "Invalid JWT: Failed audience check. The right audience is "
                   "https://oauth2.googleapis.com/token";
        else if (!json_text_at(claims, "scope"))
            text = "Invalid OAuth scope or ID token audience provided.";
        break;
    case JWT_MALFORMED: text = "Bad Request"; break;
    case JWT_UNKNOWN_ACCOUNT: text = "Invalid grant: account not found"; break;
    case JWT_BAD_SIGNATURE: text = "Invalid JWT Signature."; break;
    case JWT_BAD_TIME:
        text = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
               "Check your iat and exp values in the JWT claim.";
        break;
    }
    if (text) refuse_grant(exchange, 400, "invalid_grant", text);
    return !text;
}

static bool check_refresh(struct exchange *exchange)
{
    const struct auth *auth = exchange->service;
    AUTO(mem_free) char *id = auth_form_field(exchange, "client_id");
    AUTO(mem_free) char *secret = auth_form_field(exchange, "client_secret");
    AUTO(mem_free) char *token = auth_form_field(exchange, "refresh_token");
    if (!id || !secret || strcmp(id, auth->client_id) != 0 || strcmp(secret, auth->client_secret) != 0) {
        refuse_grant(exchange, 401, "invalid_client", "The OAuth client was not found.");
        return false;
    }
    if (token && strcmp(token, auth->refresh_token) == 0) return true;
    refuse_grant(exchange, 400, "invalid_grant", "Bad Request");
    return false;
}

static bool is_revoked(struct auth *auth)
{
    pthread_mutex_lock(&auth->lock);
    bool revoked = auth->revoked;
    pthread_mutex_unlock(&auth->lock);
    return revoked;
}

static void handle_token(struct exchange *exchange)
{
    struct auth *auth = exchange->service;
    AUTO(mem_free) char *grant = auth_form_field(exchange, "grant_type");
    const char *type = exchange_header(exchange, "content-type");
    bool assertion = grant && strcmp(grant, JWT_BEARER) == 0;
    if (!type || strncmp(type, "application/x-www-form-urlencoded", 33) != 0)
        refuse_grant(exchange, 400, "invalid_request", "Bad Request");
    else if (!assertion && (!grant || strcmp(grant, "refresh_token") != 0))
        refuse_grant(exchange, 400, "unsupported_grant_type", "Invalid grant_type");
    else if (is_revoked(auth))
        refuse_grant(exchange, 400, "invalid_grant",
                     assertion ? "Invalid JWT Signature." : "Token has been expired or revoked.");
    else if (assertion ? check_assertion(exchange) : check_refresh(exchange))
        exchange_reply_json(exchange, 200, auth_issue(auth));
}

/* --- the metadata server --- */

/* A browser that was lured here does not send this header, and must not get a token. */
static bool has_flavor(struct exchange *exchange)
{
    const char *flavor = exchange_header(exchange, "metadata-flavor");
    exchange_add_header(exchange, "Metadata-Flavor", "Google");
    exchange_add_header(exchange, "Server", "Metadata Server for VM");
    if (flavor && strcmp(flavor, "Google") == 0) return true;
    exchange->status = 403;
    buf_text(&exchange->reply, "Missing Metadata-Flavor:Google header.");
    exchange_add_header(exchange, "Content-Type", "text/html");
    return false;
}

static void handle_probe(struct exchange *exchange)
{
    if (!has_flavor(exchange)) return;
    exchange_add_header(exchange, "Content-Type", "application/text");
    buf_text(&exchange->reply, "computeMetadata/\n");
}

static void handle_machine_token(struct exchange *exchange)
{
    if (has_flavor(exchange)) exchange_reply_json(exchange, 200, auth_issue(exchange->service));
}

/* --- Secret Manager --- */

uint32_t auth_crc32c(const char *bytes, size_t size)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= (unsigned char)bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82F63B78) : 0);
    }
    return ~crc;
}

static void handle_secret(struct exchange *exchange)
{
    struct auth *auth = exchange->service;
    const char *version = exchange->capture[2], *end = strstr(version, ":access");
    if (!auth_admits(auth, exchange)) return;
    pthread_mutex_lock(&auth->lock);
    AUTO(mem_free) char *token = mem_text(auth->source_token);
    int64_t newest = auth->version;
    bool disabled = auth->version_disabled;
    pthread_mutex_unlock(&auth->lock);
    bool latest = strcmp(version, "latest:access") == 0;
    int64_t number = latest ? newest : strtoll(version, NULL, 10);
    AUTO(mem_free)
    char *line = mem_format("%s\n", token); /* as `echo token | gcloud secrets versions add` leaves it */
    if (strcmp(exchange->capture[1], AUTH_SECRET) != 0)
        auth_read_kept_secret(exchange, exchange->capture[1], version);
    else if (!end || end[7])
        auth_refuse_secret(exchange, 404, "NOT_FOUND", "Secret not found or has no versions.");
    else if (number < 1 || number > newest)
        auth_refuse_secret(exchange, 404, "NOT_FOUND", "Secret Version not found.");
    else if (disabled || number < newest)
        auth_refuse_secret(exchange, 400, "FAILED_PRECONDITION", "Secret Version is in DISABLED state.");
    else
        auth_reply_secret(exchange, AUTH_SECRET, line, number);
}

/* --- control --- */

static void expire_all(struct auth *auth)
{
    const char *token;
    json_t *until;
    json_object_foreach (auth->tokens, token, until)
        json_integer_set(until, 0);
}

/* The lock is held. */
static bool change(struct auth *auth, const char *key, const json_t *value)
{
    if (strcmp(key, "expire") == 0)
        expire_all(auth);
    else if (strcmp(key, "refuse") == 0)
        auth->refusals = json_integer_value(value);
    else if (strcmp(key, "revoked") == 0)
        auth->revoked = json_is_true(value);
    else if (strcmp(key, "lifetime_s") == 0)
        auth->lifetime_s = json_integer_value(value);
    else if (strcmp(key, "secret_disabled") == 0)
        auth->version_disabled = json_is_true(value);
    else if (strcmp(key, "source_token") == 0 && json_is_string(value)) {
        free(auth->source_token);
        auth->source_token = mem_text(json_string_value(value));
        auth->version++;
    } else if (strcmp(key, "secrets") == 0 && json_is_object(value)) {
        const char *name;
        json_t *text;
        json_object_foreach ((json_t *)(uintptr_t)value, name, text)
            json_object_set_new(auth->secrets, name, json_pack("[O]", text));
    } else if (strcmp(key, "subject_token") == 0 && json_is_string(value)) {
        free(auth->subject_token);
        auth->subject_token = mem_text(json_string_value(value));
    } else
        return false;
    return true;
}

static void handle_change(struct exchange *exchange)
{
    struct auth *auth = exchange->service;
    AUTO(json_drop) json_t *body = exchange_json(exchange);
    const char *key;
    json_t *value;
    bool known = json_is_object(body);
    pthread_mutex_lock(&auth->lock);
    json_object_foreach (body, key, value)
        known = change(auth, key, value) && known;
    pthread_mutex_unlock(&auth->lock);
    exchange_reply_json(exchange, known ? 200 : 400,
                        known ? json_pack("{s:b}", "ok", 1)
                              : json_pack("{s:s}", "error",
                                          "Send some of {\"expire\": true, \"refuse\": n, \"revoked\": bool, "
                                          "\"lifetime_s\": n, \"secrets\": {name: text}, \"source_token\": "
                                          "text, \"subject_token\": text, "
                                          "\"secret_disabled\": bool}"));
}

/* All that must stay secret. */
static void handle_show(struct exchange *exchange)
{
    struct auth *auth = exchange->service;
    pthread_mutex_lock(&auth->lock);
    json_t *tokens = json_deep_copy(auth->tokens);
    json_t *source = json_string(auth->source_token), *subject = json_string(auth->subject_token);
    json_t *secrets = json_deep_copy(auth->secrets);
    pthread_mutex_unlock(&auth->lock);
    exchange_reply_json(exchange, 200,
                        json_pack("{s:o, s:o, s:o, s:o, s:s, s:s, s:s, s:o?}", "tokens", tokens, "secrets",
                                  secrets, "source_token", source, "subject_token", subject, "client_id",
                                  auth->client_id, "client_secret", auth->client_secret, "refresh_token",
                                  auth->refresh_token, "service_account",
                                  auth->key ? auth_key_file(auth) : NULL));
}

const struct route auth_routes[] = {
    {"auth", "token", "POST", "/token", handle_token},
    {"auth", "metadata.probe", "GET", "/", handle_probe},
    {"auth", "metadata.token", "GET", "/computeMetadata/v1/instance/service-accounts/default/token",
     handle_machine_token},
    {"auth", "subject", "GET", "/subject", auth_handle_subject},
    {"auth", "sts", "POST", "/v1/token", auth_handle_sts},
    {"auth", "impersonate", "POST", "/v1/projects/-/serviceAccounts/{}", auth_handle_impersonation},
    {"auth", "secret", "GET", "/v1/projects/{}/secrets/{}/versions/{}", handle_secret},
    {"auth", "secret.add", "POST", "/v1/projects/{}/secrets/{}", auth_add_version},
    {"auth", "secret.destroy", "POST", "/v1/projects/{}/secrets/{}/versions/{}", auth_destroy_version},
    {"control", "auth", "GET", "/control/auth", handle_show},
    {"control", "auth", "POST", "/control/auth", handle_change},
    {.handle = NULL},
};
