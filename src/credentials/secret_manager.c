/* SPDX-License-Identifier: Apache-2.0 */
/* secret_manager.c - versions of a secret: read, added, destroyed. */
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "internal.h"

#define LIMIT_SECRET_REPLY (256 * 1024)

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

static bool unpack(const char *name, const json_t *reply, struct secret *out, struct error *err)
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
                    token_check(out, name, err));
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

bool secret_manager_read(const struct secret_manager *manager, struct secret *out, char **out_version,
                         struct error *err)
{
    AUTO(http_reply_done) struct http_reply reply = {0};
    const struct http_request request = {
        .method = "GET",
        .url = manager->access_url,
        .token = manager->google,
        .reply_limit = LIMIT_SECRET_REPLY,
        .timeout_s = TOKEN_TIMEOUT_S,
        .retry = &token_retry,
        .policy = &token_policy,
        .what = "Secret Manager",
    };
    if (!http_do(manager->http, &request, &reply, err)) return false;
    if (reply.status != 200) return refused(&reply, err);
    AUTO(json_drop) json_t *value = token_json(&reply);
    if (reply.body.data) OPENSSL_cleanse(reply.body.data, reply.body.size);
    if (!value) return error_set(err, ERROR_FORMAT, "Secret Manager's response is not JSON");
    const char *version = json_text_at(value, "name");
    if (!unpack(manager->name, value, out, err)) return false;
    if (out_version) *out_version = mem_text(version ? version : "");
    return true;
}

/* {"payload": {"data": base64, "dataCrc32c": ..}}; wiped by the caller. */
static char *pack(const struct secret *value, size_t *out_size)
{
    const char *bytes = secret_reveal(value);
    size_t room = 2 * value->size + 128;
    char *body = mem_zero(room, 1), *base64 = mem_zero(value->size / 3 * 4 + 8, 1);
    (void)EVP_EncodeBlock((unsigned char *)base64, (const unsigned char *)bytes, (int)value->size);
    *out_size = (size_t)snprintf(body, room, "{\"payload\":{\"data\":\"%s\",\"dataCrc32c\":\"%" PRIu32 "\"}}",
                                 base64, crc32c((const unsigned char *)bytes, value->size));
    OPENSSL_cleanse(base64, strlen(base64));
    free(base64);
    return body;
}

static bool post(const struct secret_manager *manager, const char *url, const char *body, size_t size,
                 struct error *err)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    AUTO(http_reply_done) struct http_reply reply = {0};
    const struct http_request request = {
        .method = "POST",
        .url = url,
        .headers = headers,
        .token = manager->google,
        .body = body,
        .body_size = size,
        .reply_limit = LIMIT_SECRET_REPLY,
        .timeout_s = TOKEN_TIMEOUT_S,
        .retry = &token_retry,
        .policy = &token_policy,
        .what = "Secret Manager",
    };
    if (!http_do(manager->http, &request, &reply, err)) return false;
    return reply.status == 200 || refused(&reply, err);
}

/* "projects/P/secrets/S" of "projects/P/secrets/S/versions/latest". */
static int secret_size(const char *name)
{
    return (int)(strstr(name, "/versions/") - name);
}

bool secret_manager_add(const struct secret_manager *manager, const struct secret *value, struct error *err)
{
    size_t size = 0;
    AUTO(mem_free)
    char *url = mem_format("%s/v1/%.*s:addVersion", manager->host, secret_size(manager->name), manager->name);
    char *body = pack(value, &size);
    bool done = post(manager, url, body, size, err);
    OPENSSL_cleanse(body, size);
    free(body);
    return done;
}

bool secret_manager_destroy(const struct secret_manager *manager, const char *version, struct error *err)
{
    AUTO(mem_free) char *url = mem_format("%s/v1/%s:destroy", manager->host, version);
    return post(manager, url, "{}", 2, err);
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
static bool make_host(const char *name, const char *base_url, char **out_host, struct error *err)
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
        *out_host = mem_text(base_url);
    else if (located)
        *out_host = mem_format("https://secretmanager.%s.rep.googleapis.com", parts[3]);
    else
        *out_host = mem_text("https://secretmanager.googleapis.com");
    return true;
}

bool secret_manager_open(const struct http_settings *settings, const char *name, const char *base_url,
                         struct token *google, struct secret_manager *out_manager, struct error *err)
{
    *out_manager = (struct secret_manager){.google = google};
    if (!make_host(name, base_url, &out_manager->host, err)) return false;
    out_manager->name = mem_text(name);
    out_manager->access_url = mem_format("%s/v1/%s:access", out_manager->host, name);
    if (http_new(settings, &out_manager->http, err)) return true;
    secret_manager_close(out_manager);
    return false;
}

void secret_manager_close(struct secret_manager *manager)
{
    http_free(manager->http);
    free(manager->name);
    free(manager->host);
    free(manager->access_url);
    *manager = (struct secret_manager){.http = NULL};
}
