/* SPDX-License-Identifier: Apache-2.0 */
/* secrets.c - secrets of Secret Manager that /control/auth makes: their versions are read, added and
 * destroyed. */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "google/auth.h"

void auth_refuse_secret(struct exchange *exchange, int status, const char *word, const char *text)
{
    exchange_reply_json(
        exchange, status,
        json_pack("{s:{s:i, s:s, s:s}}", "error", "code", status, "message", text, "status", word));
}

void auth_reply_secret(struct exchange *exchange, const char *secret, const char *payload, int64_t version)
{
    char name[128], crc[16];
    size_t size = strlen(payload);
    AUTO(mem_free) char *base64 = mem_zero(size / 3 * 4 + 8, 1);
    (void)EVP_EncodeBlock((unsigned char *)base64, (const unsigned char *)payload, (int)size);
    snprintf(name, sizeof name, "projects/123456789012/secrets/%.60s/versions/%" PRId64, secret, version);
    snprintf(crc, sizeof crc, "%" PRIu32, auth_crc32c(payload, size));
    exchange_reply_json(
        exchange, 200,
        json_pack("{s:s, s:{s:s, s:s}}", "name", name, "payload", "data", base64, "dataCrc32c", crc));
}

/* The texts of its versions, null where they are destroyed; borrowed, NULL: there is no such secret. The lock
 * is held.
 */
static json_t *versions_of(struct auth *auth, const char *secret, size_t size)
{
    AUTO(mem_free) char *name = mem_bytes(secret, size);
    return json_object_get(auth->secrets, name);
}

void auth_read_kept_secret(struct exchange *exchange, const char *secret, const char *version)
{
    struct auth *auth = exchange->service;
    pthread_mutex_lock(&auth->lock);
    json_t *versions = versions_of(auth, secret, strlen(secret));
    size_t newest = json_array_size(versions);
    size_t number = strncmp(version, "latest:", 7) == 0 ? newest : (size_t)strtoll(version, NULL, 10);
    const json_t *value = number > 0 ? json_array_get(versions, number - 1) : NULL;
    AUTO(mem_free) char *text = json_is_string(value) ? mem_text(json_string_value(value)) : NULL;
    pthread_mutex_unlock(&auth->lock);
    if (!versions)
        auth_refuse_secret(exchange, 404, "NOT_FOUND", "Secret not found or has no versions.");
    else if (!value)
        auth_refuse_secret(exchange, 404, "NOT_FOUND", "Secret Version not found.");
    else if (!text)
        auth_refuse_secret(exchange, 400, "FAILED_PRECONDITION", "Secret Version is in DESTROYED state.");
    else
        auth_reply_secret(exchange, secret, text, (int64_t)number);
}

/* POST /v1/projects/P/secrets/S:addVersion */
void auth_add_version(struct exchange *exchange)
{
    struct auth *auth = exchange->service;
    const char *secret = exchange->capture[1], *end = strstr(secret, ":addVersion");
    AUTO(json_drop) json_t *body = exchange_json(exchange);
    const char *data = json_text_at(body, "payload.data");
    unsigned char bytes[8192] = "";
    if (!auth_admits(auth, exchange)) return;
    if (!end || end[11] || !data || strlen(data) > 8000 ||
        EVP_DecodeBlock(bytes, (const unsigned char *)data, (int)strlen(data)) < 0) {
        auth_refuse_secret(exchange, 400, "INVALID_ARGUMENT", "Request contains an invalid argument.");
        return;
    }
    const char *crc = json_text_at(body, "payload.dataCrc32c");
    bool is_damaged = crc && strtoul(crc, NULL, 10) != auth_crc32c((char *)bytes, strlen((char *)bytes));
    pthread_mutex_lock(&auth->lock);
    json_t *versions = versions_of(auth, secret, (size_t)(end - secret));
    if (versions && !is_damaged) json_array_append_new(versions, json_string((char *)bytes));
    size_t count = json_array_size(versions);
    pthread_mutex_unlock(&auth->lock);
    if (!versions)
        auth_refuse_secret(exchange, 404, "NOT_FOUND", "Secret not found.");
    else if (is_damaged)
        auth_refuse_secret(exchange, 400, "INVALID_ARGUMENT", "The checksum does not match.");
    else
        exchange_reply_json(exchange, 200,
                            json_pack("{s:o, s:s}", "name",
                                      json_sprintf("projects/123456789012/secrets/%.*s/versions/%zu",
                                                   (int)(end - secret), secret, count),
                                      "state", "ENABLED"));
}

/* POST /v1/projects/P/secrets/S/versions/N:destroy */
void auth_destroy_version(struct exchange *exchange)
{
    struct auth *auth = exchange->service;
    const char *version = exchange->capture[2];
    char *end;
    size_t number = (size_t)strtoll(version, &end, 10);
    if (!auth_admits(auth, exchange)) return;
    pthread_mutex_lock(&auth->lock);
    json_t *versions = versions_of(auth, exchange->capture[1], strlen(exchange->capture[1]));
    bool is_known = strcmp(end, ":destroy") == 0 && number >= 1 && number <= json_array_size(versions);
    if (is_known) json_array_set_new(versions, number - 1, json_null());
    pthread_mutex_unlock(&auth->lock);
    if (is_known)
        exchange_reply_json(exchange, 200, json_pack("{s:s}", "state", "DESTROYED"));
    else
        auth_refuse_secret(exchange, 404, "NOT_FOUND", "Secret Version not found.");
}
