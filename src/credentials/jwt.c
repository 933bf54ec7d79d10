/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "internal.h"

#define LEAST_KEY_BITS 2048
#define LIMIT_SEGMENT  8192

/* OpenSSL would ask the terminal for the password of an encrypted key. */
static int no_password(char *out_password, int size, int writing, void *self)
{
    (void)out_password;
    (void)size;
    (void)writing;
    (void)self;
    return -1;
}

bool jwt_key(const char *pem, EVP_PKEY **out_key, struct error *err)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    if (!bio) abort(); /* no memory */
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    BIO_free(bio);
    if (key && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) >= LEAST_KEY_BITS) {
        *out_key = key;
        return true;
    }
    EVP_PKEY_free(key);
    return error_set(
        err, ERROR_CONFIG,
        "private_key is not an unencrypted RSA key of at least %d bits in PEM: download a new key "
        "of the service account",
        LEAST_KEY_BITS);
}

/* Adds the bytes in base64url, without padding, at `at`; returns the end. */
static char *add_base64(char *at, const void *bytes, size_t size)
{
    int length = EVP_EncodeBlock((unsigned char *)at, bytes, (int)size);
    while (length > 0 && at[length - 1] == '=')
        length--;
    for (char *end = at + length; at < end; at++) {
        if (*at == '+') *at = '-';
        if (*at == '/') *at = '_';
    }
    *at = '\0';
    return at;
}

static size_t base64_room(size_t size)
{
    return (size + 2) / 3 * 4 + 1;
}

/* false: the library is out of memory, or the key is not what jwt_key found. */
static bool sign(EVP_PKEY *key, const char *text, size_t size, unsigned char *out_signature,
                 size_t *inout_size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestSign(context, out_signature, inout_size, (const unsigned char *)text, size) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

bool jwt_sign(EVP_PKEY *key, const char *key_id, const json_t *claims, struct secret *out_jwt,
              struct error *err)
{
    AUTO(json_drop)
    json_t *header = json_pack("{s:s, s:s, s:s*}", "alg", "RS256", "typ", "JWT", "kid", key_id);
    AUTO(buf_done) struct buf first = buf_limited(LIMIT_SEGMENT);
    AUTO(buf_done) struct buf second = buf_limited(LIMIT_SEGMENT);
    if (!header || !json_write(&first, header) || !json_write(&second, claims))
        return error_set(err, ERROR_CONFIG,
                         "the credentials' names are too long, or no UTF-8, for an assertion: download the "
                         "file again");

    size_t signature_size = (size_t)EVP_PKEY_get_size(key);
    AUTO(mem_free) unsigned char *signature = mem_zero(signature_size, 1);
    size_t room = base64_room(first.size) + base64_room(second.size) + base64_room(signature_size) + 2;
    AUTO(mem_free) char *text = mem_zero(room, 1);
    char *end = add_base64(text, first.data, first.size);
    *end++ = '.';
    end = add_base64(end, second.data, second.size);
    bool good = sign(key, text, (size_t)(end - text), signature, &signature_size);
    if (!good) {
        (void)error_set(err, ERROR_CONFIG,
                        "the private key does not sign: download a new key of the service "
                        "account");
    } else {
        *end++ = '.';
        end = add_base64(end, signature, signature_size);
        good = secret_set(out_jwt, text, (size_t)(end - text), err);
    }
    OPENSSL_cleanse(text, room);
    return good;
}
