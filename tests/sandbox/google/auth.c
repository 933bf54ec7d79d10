/* SPDX-License-Identifier: Apache-2.0 */
#include "google/auth.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/random.h"

#define KEY_BITS   2048
#define LIFETIME_S 3599
#define CLOUD      "https://www.googleapis.com/auth/cloud-platform"
#define REFUSAL                                                                                              \
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other "  \
    "valid authentication credential. See "                                                                  \
    "https://developers.google.com/identity/sign-in/web/devconsole-project."

/* 64 hex digits, four names long. */
static void long_name(char out_name[AUTH_NAME])
{
    for (int i = 0; i < 4; i++)
        random_name(out_name + (ptrdiff_t)16 * i);
}

static void make_key(struct auth *auth)
{
    char *pem = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    auth->key = EVP_RSA_gen(KEY_BITS);
    if (!auth->key || !bio || PEM_write_bio_PKCS8PrivateKey(bio, auth->key, NULL, NULL, 0, NULL, NULL) != 1)
        abort(); /* without randomness or memory nothing works */
    long size = BIO_get_mem_data(bio, &pem);
    auth->key_pem = mem_bytes(pem, (size_t)size);
    BIO_free(bio);
}

/* As the console hands it out. */
json_t *auth_key_file(const struct auth *auth)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "type", "service_account", "project_id",
                     "demo-project", "private_key_id", auth->key_id, "private_key", auth->key_pem,
                     "client_email", AUTH_EMAIL, "client_id", "100000000000000000000", "auth_uri",
                     "https://accounts.google.com/o/oauth2/auth", "token_uri",
                     "https://oauth2.googleapis.com/token", "universe_domain", "googleapis.com");
}

static bool write_key_file(const struct auth *auth, const char *path, struct error *err)
{
    AUTO(json_drop) json_t *file = auth_key_file(auth);
    return json_dump_file(file, path, JSON_INDENT(2)) == 0 ||
           error_set(err, ERROR_CONFIG, "sandbox: can't write the key file %s", path);
}

struct auth *auth_new(const struct auth_options *options, struct error *err)
{
    struct auth *auth = mem_zero(1, sizeof *auth);
    auth->clock = options->clock;
    auth->is_required = options->is_required;
    pthread_mutex_init(&auth->lock, NULL);
    long_name(auth->key_id);
    auth->key_id[40] = '\0'; /* Google's are so long */
    long_name(auth->client_id);
    long_name(auth->client_secret);
    long_name(auth->refresh_token);
    auth->refresh_token[1] = '/'; /* real ones begin "1//" and must be escaped in a form */
    char subject[AUTH_NAME];
    long_name(subject);
    auth->subject_token = mem_format("eyJhbGciOiJSUzI1NiJ9.%s+/=&", subject); /* must be escaped in a form */
    auth->tokens = json_object();
    auth->secrets = json_object();
    auth->source_token = mem_text(options->source_token);
    auth->version = 1;
    auth->lifetime_s = LIFETIME_S;
    if (options->is_required) make_key(auth);
    if (!options->is_required || !options->key_file || write_key_file(auth, options->key_file, err))
        return auth;
    auth_free(auth);
    return NULL;
}

void auth_free(struct auth *auth)
{
    if (!auth) return;
    json_decref(auth->tokens);
    json_decref(auth->secrets);
    EVP_PKEY_free(auth->key);
    free(auth->key_pem);
    free(auth->source_token);
    free(auth->subject_token);
    pthread_mutex_destroy(&auth->lock);
    free(auth);
}

bool auth_is_source_token(struct auth *auth, const char *token)
{
    pthread_mutex_lock(&auth->lock);
    bool same = strcmp(token, auth->source_token) == 0;
    pthread_mutex_unlock(&auth->lock);
    return same;
}

json_t *auth_issue(struct auth *auth)
{
    char name[AUTH_NAME];
    long_name(name);
    AUTO(mem_free) char *token = mem_format("ya29.%s", name);
    pthread_mutex_lock(&auth->lock);
    int64_t lifetime_s = auth->lifetime_s;
    json_int_t until_us = virtual_clock_peek(auth->clock) + lifetime_s * 1000000;
    json_object_set_new(auth->tokens, token, json_integer(until_us));
    pthread_mutex_unlock(&auth->lock);
    return json_pack("{s:s, s:I, s:s}", "access_token", token, "expires_in", (json_int_t)lifetime_s,
                     "token_type", "Bearer");
}

/* Google's own APIs take an assertion that names a scope and the account as its subject. */
static bool is_self_signed(struct auth *auth, const char *token)
{
    AUTO(json_drop) json_t *claims = NULL;
    if (!strchr(token, '.') || strncmp(token, "ya29.", 5) == 0) return false;
    if (jwt_verify(auth, token, &claims) != JWT_GOOD) return false;
    const char *subject = json_text_at(claims, "sub"), *scope = json_text_at(claims, "scope");
    return subject && strcmp(subject, AUTH_EMAIL) == 0 && scope && strcmp(scope, CLOUD) == 0;
}

bool auth_accepts(struct auth *auth, const char *authorization)
{
    static const char scheme[] = "Bearer ";
    if (!authorization || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0) return false;
    const char *token = authorization + sizeof scheme - 1;
    pthread_mutex_lock(&auth->lock);
    bool refuse = auth->refusals > 0 || auth->revoked;
    if (auth->refusals > 0) auth->refusals--;
    const json_t *until = json_object_get(auth->tokens, token);
    bool known = until && json_integer_value(until) > virtual_clock_peek(auth->clock);
    pthread_mutex_unlock(&auth->lock);
    return !refuse && (known || is_self_signed(auth, token));
}

const char *auth_refusal(struct auth *auth, const char *authorization)
{
    return !auth->is_required || auth_accepts(auth, authorization) ? NULL : REFUSAL;
}

bool auth_admits(struct auth *auth, struct exchange *exchange)
{
    const char *message = auth_refusal(auth, exchange_header(exchange, "authorization"));
    if (!message) return true;
    exchange_add_header(exchange, "WWW-Authenticate", "Bearer realm=\"https://accounts.google.com/\"%s",
                        exchange_header(exchange, "authorization") ? ", error=\"invalid_token\"" : "");
    exchange_reply_json(exchange, 401,
                        json_pack("{s:{s:i, s:s, s:[{s:s, s:s, s:s, s:s, s:s}], s:s}}", "error", "code", 401,
                                  "message", message, "errors", "message", "Invalid Credentials", "domain",
                                  "global", "reason", "authError", "location", "Authorization",
                                  "locationType", "header", "status", "UNAUTHENTICATED"));
    return false;
}
