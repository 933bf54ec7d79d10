/* SPDX-License-Identifier: Apache-2.0 */
/* tls.c - an authority of its own, made at the start, and the server's certificate for 127.0.0.1 alone. */
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "httpd/tls.h"

#define DAY_S 86400L

struct tls {
    SSL_CTX *context;
    char *key_pem;
    char *certificate_pem;
};

static void need(bool good)
{
    if (!good) abort(); /* no memory or randomness: no sandbox */
}

static void extend(X509 *certificate, int kind, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);
    need(extension && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

struct identity {
    const char *name;
    int64_t number;
    EVP_PKEY *key;
};

static X509 *certify(const struct identity *subject, const struct identity *issuer)
{
    X509 *certificate = X509_new();
    X509_NAME *of = X509_NAME_new(), *by = X509_NAME_new();
    need(certificate && of && by);
    need(X509_NAME_add_entry_by_txt(of, "CN", MBSTRING_ASC, (const unsigned char *)subject->name, -1, -1, 0));
    need(X509_NAME_add_entry_by_txt(by, "CN", MBSTRING_ASC, (const unsigned char *)issuer->name, -1, -1, 0));
    need(X509_set_version(certificate, 2) == 1);
    need(ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate), subject->number) == 1);
    need(X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY_S) != NULL);
    need(X509_gmtime_adj(X509_getm_notAfter(certificate), 30 * DAY_S) != NULL);
    need(X509_set_subject_name(certificate, of) == 1 && X509_set_issuer_name(certificate, by) == 1);
    need(X509_set_pubkey(certificate, subject->key) == 1);
    if (subject == issuer) {
        extend(certificate, NID_basic_constraints, "critical,CA:TRUE");
        extend(certificate, NID_key_usage, "critical,keyCertSign");
    } else {
        extend(certificate, NID_subject_alt_name, "IP:127.0.0.1");
    }
    need(X509_sign(certificate, issuer->key, EVP_sha256()) > 0);
    X509_NAME_free(of);
    X509_NAME_free(by);
    return certificate;
}

static char *take_text(BIO *bio)
{
    char *bytes = NULL;
    long size = BIO_get_mem_data(bio, &bytes);
    char *text = mem_bytes(bytes, (size_t)size);
    BIO_free(bio);
    return text;
}

static char *certificate_text(X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    need(bio && PEM_write_bio_X509(bio, certificate) == 1);
    return take_text(bio);
}

static char *key_text(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    need(bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
    return take_text(bio);
}

static bool write_file(const char *path, const char *text, struct error *err)
{
    FILE *file = path ? fopen(path, "w") : NULL;
    bool good = file && fputs(text, file) >= 0;
    good = file && fclose(file) == 0 && good;
    return good || !path || error_set(err, ERROR_CONFIG, "sandbox: can't write the CA file %s", path);
}

struct tls *tls_new(const char *ca_file, struct error *err)
{
    struct tls *tls = mem_zero(1, sizeof *tls);
    struct identity authority = {
        .name = "caseload sandbox authority", .number = 1, .key = EVP_EC_gen("P-256")};
    struct identity server = {.name = "caseload sandbox", .number = 2, .key = EVP_EC_gen("P-256")};
    need(authority.key && server.key);
    (void)signal(SIGPIPE,
                 SIG_IGN); /* OpenSSL writes with write(2); a client that has gone is no reason to die */
    X509 *root = certify(&authority, &authority), *leaf = certify(&server, &authority);
    AUTO(mem_free) char *root_pem = certificate_text(root);
    tls->certificate_pem = certificate_text(leaf);
    tls->key_pem = key_text(server.key);
    tls->context = SSL_CTX_new(TLS_server_method());
    need(tls->context && SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION) == 1 &&
         SSL_CTX_use_certificate(tls->context, leaf) == 1 &&
         SSL_CTX_use_PrivateKey(tls->context, server.key) == 1);
    X509_free(root);
    X509_free(leaf);
    EVP_PKEY_free(authority.key);
    EVP_PKEY_free(server.key);
    if (write_file(ca_file, root_pem, err)) return tls;
    tls_free(tls);
    return NULL;
}

void tls_free(struct tls *tls)
{
    if (!tls) return;
    SSL_CTX_free(tls->context);
    free(tls->key_pem);
    free(tls->certificate_pem);
    free(tls);
}

const char *tls_key_pem(const struct tls *tls)
{
    return tls->key_pem;
}

const char *tls_certificate_pem(const struct tls *tls)
{
    return tls->certificate_pem;
}

struct ssl_st *tls_open(const struct tls *tls, int fd)
{
    SSL *session = SSL_new(tls->context);
    need(session && SSL_set_fd(session, fd) == 1);
    if (SSL_accept(session) == 1) return session;
    SSL_free(session);
    return NULL;
}
