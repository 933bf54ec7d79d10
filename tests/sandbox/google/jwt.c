/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "google/auth.h"

#define SKEW_S    300
#define LONGEST_S 3600

/* base64url without padding; yours, NULL: it is not that. */
static unsigned char *decode(const char *text, size_t length, size_t *out_size)
{
    size_t padded = (length + 3) / 4 * 4;
    AUTO(mem_free) char *standard = mem_zero(padded + 1, 1);
    if (length == 0 || length % 4 == 1) return NULL;
    for (size_t i = 0; i < padded; i++) {
        char byte = i < length ? text[i] : '=';
        if (i < length && (byte == '+' || byte == '/' || byte == '=')) return NULL;
        standard[i] = (char)(byte == '-' ? '+' : byte == '_' ? '/' : byte);
    }
    unsigned char *bytes = mem_zero(padded, 1);
    int size = EVP_DecodeBlock(bytes, (const unsigned char *)standard, (int)padded);
    if (size < 0) {
        free(bytes);
        return NULL;
    }
    *out_size = (size_t)size - (padded - length);
    return bytes;
}

static json_t *decode_json(const char *text, size_t length)
{
    size_t size = 0;
    AUTO(mem_free) unsigned char *bytes = decode(text, length, &size);
    json_t *value = NULL;
    struct error ignored;
    return bytes && json_read((const char *)bytes, size, NULL, &value, &ignored) ? value : NULL;
}

static bool is_signed(const struct auth *auth, const char *text, size_t size, const char *signature)
{
    size_t signature_size = 0;
    AUTO(mem_free) unsigned char *bytes = decode(signature, strlen(signature), &signature_size);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = bytes && context && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, auth->key) == 1 &&
                EVP_DigestVerify(context, bytes, signature_size, (const unsigned char *)text, size) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

static bool is_timely(const json_t *claims)
{
    int64_t now = time(NULL), from = json_int_at(claims, "iat", -1), until = json_int_at(claims, "exp", -1);
    return from > 0 && from <= now + SKEW_S && until > now && until - from <= LONGEST_S && until > from;
}

enum jwt_fault jwt_verify(const struct auth *auth, const char *text, json_t **out_claims)
{
    const char *claims = strchr(text, '.');
    const char *signature = claims ? strchr(claims + 1, '.') : NULL;
    if (!auth->key || !signature) return JWT_MALFORMED;
    AUTO(json_drop) json_t *header = decode_json(text, (size_t)(claims - text));
    *out_claims = decode_json(claims + 1, (size_t)(signature - claims - 1));
    const char *algorithm = json_text_at(header, "alg"), *issuer = json_text_at(*out_claims, "iss");
    const char *key_id = json_text_at(header, "kid");
    if (!algorithm || strcmp(algorithm, "RS256") != 0 || !issuer) return JWT_MALFORMED;
    if (strcmp(issuer, AUTH_EMAIL) != 0) return JWT_UNKNOWN_ACCOUNT;
    if (!key_id || strcmp(key_id, auth->key_id) != 0 ||
        !is_signed(auth, text, (size_t)(signature - text), signature + 1))
        return JWT_BAD_SIGNATURE;
    return is_timely(*out_claims) ? JWT_GOOD : JWT_BAD_TIME;
}
