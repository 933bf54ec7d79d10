/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "internal.h"

#define LIMIT_SECRET_REPLY (256 * 1024)
#define TIMEOUT_S          20
#define REREAD_LEAST_MS    300000

struct secret_token {
    struct token token;
    struct http *http;
    struct token *google;
    char *name;
    char *url;

    pthread_mutex_t lock; /* over what follows, and http */
    struct secret secret;
    bool reread; /* after a 401 */
    int64_t reread_ms;
};

static uint32_t crc32c(const unsigned char *bytes, size_t size)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82F63B78) : 0);
    }
    return ~crc;
}

/* Standard base64, into memory that the caller wipes: three bytes for each four characters. */
static bool decode(const char *text, unsigned char *out_bytes, size_t *out_size)
{
    size_t length = strlen(text), padding = 0;
    while (padding < 2 && length > padding && text[length - padding - 1] == '=')
        padding++;
    int size = length % 4 == 0 ? EVP_DecodeBlock(out_bytes, (const unsigned char *)text, (int)length) : -1;
    if (size < (int)padding) return false;
    *out_size = (size_t)size - padding;
    return true;
}

static bool unpack(const struct secret_token *self, const json_t *reply, struct secret *out,
                   struct error *err)
{
    const char *data = json_text_at(reply, "payload.data");
    int64_t wanted = json_int_at(reply, "payload.dataCrc32c", -1);
    if (!data) return error_set(err, ERROR_FORMAT, "Secret Manager's response has no payload");
    size_t room = strlen(data) / 4 * 3 + 4, size = 0;
    unsigned char *bytes = mem_zero(room, 1);
    bool good = decode(data, bytes, &size);
    if (!good)
        (void)error_set(err, ERROR_FORMAT, "Secret Manager's payload is not base64");
    else if (wanted >= 0 && crc32c(bytes, size) != (uint32_t)wanted)
        good = error_set(err, ERROR_BUSY,
                         "the payload was damaged on its way (its CRC32C differs); it is read again later");
    good = good && (secret_set(out, (char *)bytes, secret_line_size((char *)bytes, size), err) &&
                    token_check(out, self->name, err));
    OPENSSL_cleanse(bytes, room);
    free(bytes);
    token_wipe(data);
    return good;
}

static bool refused(const struct http_reply *reply, struct error *err)
{
    AUTO(json_drop) json_t *value = token_json(reply);
    char text[200];
    token_quote(json_text_at(value, "error.message"), text, sizeof text);
    switch (reply->status) {
    case 403:
        return error_set_status(
            err, ERROR_CONFIG, reply->status,
            "may not be read (%s): grant roles/secretmanager.secretAccessor on the secret to the "
            "account that caseload runs as, and enable the Secret Manager API",
            text);
    case 404:
        return error_set_status(
            err, ERROR_CONFIG, reply->status,
            "does not exist, or has no version yet (%s): check the name, or add a version", text);
    case 400:
        return error_set_status(
            err, ERROR_CONFIG, reply->status,
            "has no value to read (%s): its version is disabled or destroyed; enable it, or add "
            "a version and use versions/latest",
            text);
    }
    return error_set_status(err, ERROR_REFUSED, reply->status,
                            "Secret Manager returned %d (%s): check its status page and the name",
                            reply->status, text);
}

static bool read_secret(struct secret_token *self, struct secret *out, struct error *err)
{
    AUTO(http_reply_done) struct http_reply reply = {0};
    const struct http_request request = {
        .method = "GET",
        .url = self->url,
        .token = self->google,
        .reply_limit = LIMIT_SECRET_REPLY,
        .timeout_s = TIMEOUT_S,
        .retry = &token_retry,
        .policy = &token_policy,
        .what = "Secret Manager",
    };
    if (!http_do(self->http, &request, &reply, err)) return false;
    if (reply.status != 200) return refused(&reply, err);
    AUTO(json_drop) json_t *value = token_json(&reply);
    if (reply.body.data) OPENSSL_cleanse(reply.body.data, reply.body.size);
    if (!value) return error_set(err, ERROR_FORMAT, "Secret Manager's response is not JSON");
    return unpack(self, value, out, err);
}

/* Calls in flight are refused together, and a wrong token stays wrong: so not more often than that. */
static bool read_again(struct secret_token *self, struct error *err)
{
    AUTO(secret_done) struct secret fresh = {0};
    if (self->reread && clock_ms() - self->reread_ms < REREAD_LEAST_MS) return true;
    if (!read_secret(self, &fresh, err)) {
        if (err->kind == ERROR_CONFIG) err->kind = ERROR_AUTH; /* the old one was refused */
        return error_wrap(err, "the secret %s", self->name);
    }
    self->reread = true;
    self->reread_ms = clock_ms();
    struct secret old = self->secret;
    self->secret = fresh;
    fresh = old; /* wiped on the way out */
    return true;
}

static bool secret_get(struct token *token, bool renew, struct secret *out_bearer, struct error *err)
{
    struct secret_token *self = (struct secret_token *)token;
    pthread_mutex_lock(&self->lock);
    bool done = (!renew || read_again(self, err)) &&
                secret_set(out_bearer, secret_reveal(&self->secret), self->secret.size, err);
    pthread_mutex_unlock(&self->lock);
    return done;
}

static bool secret_get_cached(struct token *token, struct secret *out_bearer)
{
    struct secret_token *self = (struct secret_token *)token;
    struct error ignored;
    if (pthread_mutex_trylock(&self->lock) != 0) return false; /* it is being read again */
    bool done = secret_set(out_bearer, secret_reveal(&self->secret), self->secret.size, &ignored);
    pthread_mutex_unlock(&self->lock);
    return done;
}

static void secret_free(struct token *token)
{
    struct secret_token *self = (struct secret_token *)token;
    pthread_mutex_destroy(&self->lock);
    http_free(self->http);
    secret_done(&self->secret);
    free(self->name);
    free(self->url);
    free(self);
}

#define MOST_PARTS 8

/* Parts between slashes, none empty; 0: not such a name. */
static size_t split(char *name, const char *parts[MOST_PARTS])
{
    size_t count = 0;
    for (char *at = name; at;) {
        char *slash = strchr(at, '/');
        if (slash) *slash++ = '\0';
        if (count == MOST_PARTS || !*at ||
            at[strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                          "0123456789-_.:")])
            return 0;
        parts[count++] = at;
        at = slash;
    }
    return count;
}

/* Whole names only: a project or version that is guessed would be the wrong one some day. */
static bool make_url(const char *name, const char *base_url, char **out_url, struct error *err)
{
    AUTO(mem_free) char *copy = mem_text(name);
    const char *parts[MOST_PARTS] = {NULL};
    size_t count = split(copy, parts);
    const char *const tail[] = {"secrets", "versions"};
    bool located = count == 8 && strcmp(parts[2], "locations") == 0;
    size_t at = located ? 4 : 2;
    bool whole = (located || count == 6) && strcmp(parts[0], "projects") == 0;
    for (size_t i = 0; whole && i < 2; i++)
        whole = strcmp(parts[at + 2 * i], tail[i]) == 0;
    if (!whole) {
        bool lacks_version = count == 4 && strcmp(parts[2], "secrets") == 0;
        return error_set(err, ERROR_CONFIG,
                         "the secret \"%.100s\" is not a full resource name: write %.100s%s%s", name,
                         lacks_version ? name : "projects/PROJECT/secrets/",
                         lacks_version ? ""
                         : count == 1  ? parts[0]
                                       : "NAME",
                         "/versions/latest");
    }
    if (base_url)
        *out_url = mem_format("%s/v1/%s:access", base_url, name);
    else if (located)
        *out_url = mem_format("https://secretmanager.%s.rep.googleapis.com/v1/%s:access", parts[3], name);
    else
        *out_url = mem_format("https://secretmanager.googleapis.com/v1/%s:access", name);
    return true;
}

bool token_from_secret(const struct http_settings *settings, const char *name, const char *base_url,
                       struct token *google, struct token **out_token, struct error *err)
{
    char *url = NULL;
    if (!make_url(name, base_url, &url, err)) return false;
    struct secret_token *self = mem_zero(1, sizeof *self);
    self->token = (struct token){.get = secret_get, .get_cached = secret_get_cached, .free = secret_free};
    self->google = google;
    self->name = mem_text(name);
    self->url = url;
    pthread_mutex_init(&self->lock, NULL);
    if (!http_new(settings, &self->http, err) || !read_secret(self, &self->secret, err)) {
        (void)error_wrap(err, "the secret %s", name);
        secret_free(&self->token);
        return false;
    }
    *out_token = &self->token;
    return true;
}
