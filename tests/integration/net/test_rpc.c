/* SPDX-License-Identifier: Apache-2.0 */
/* rpc.c on real TLS: what travels, what is trusted, and what never leaves us. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/mem.h"
#include "grpc_stub.h"
#include "net/rpc.h"

#define DETAIL 512
#define METHOD "/test.Service/Echo"

/* ---- a certificate for 127.0.0.1, made for this run ---- */

struct identity {
    char *key_pem, *certificate_pem;
    char path[64]; /* the certificate as a file */
};

static char *text_of(BIO *memory)
{
    char *bytes;
    long size = BIO_get_mem_data(memory, &bytes);
    char *text = mem_bytes(bytes, (size_t)size);
    BIO_free(memory);
    return text;
}

static void make_identity(struct identity *identity)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    assert_non_null(key);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"stub", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_EXTENSION *names =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);

    BIO *key_out = BIO_new(BIO_s_mem()), *certificate_out = BIO_new(BIO_s_mem());
    assert_true(PEM_write_bio_PrivateKey(key_out, key, NULL, NULL, 0, NULL, NULL));
    assert_true(PEM_write_bio_X509(certificate_out, certificate));
    identity->key_pem = text_of(key_out);
    identity->certificate_pem = text_of(certificate_out);
    snprintf(identity->path, sizeof identity->path, "/tmp/caseload-rpc-XXXXXX");
    int fd = mkstemp(identity->path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    fputs(identity->certificate_pem, file);
    assert_int_equal(fclose(file), 0);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void identity_done(struct identity *identity)
{
    unlink(identity->path);
    free(identity->key_pem);
    free(identity->certificate_pem);
}

/* ---- a token that is counted, and a server that judges it ---- */

struct counted {
    struct token port;
    atomic_int gets, renewals;
    const char *first, *second; /* the second after a renewal; NULL: it can't be had */
};

static bool get(struct token *token, bool renew, struct secret *out_bearer, struct error *err)
{
    struct counted *counted = (struct counted *)token;
    atomic_fetch_add(&counted->gets, 1);
    if (renew) atomic_fetch_add(&counted->renewals, 1);
    const char *text = atomic_load(&counted->renewals) > 0 ? counted->second : counted->first;
    if (!text) return error_set(err, ERROR_AUTH, "no token is to be had");
    return secret_set(out_bearer, text, strlen(text), err);
}

struct witness {
    const char *accepted; /* the header that is let in; NULL: anything */
    int calls;
    bool authorized; /* the last call carried a token */
    char request[64];
};

static void answer(void *self, const struct stub_call *call, struct stub_answer *out_answer)
{
    struct witness *witness = self;
    witness->calls++;
    witness->authorized = call->authorization != NULL;
    if (witness->accepted && (!call->authorization || strcmp(call->authorization, witness->accepted) != 0)) {
        out_answer->status = RPC_UNAUTHENTICATED;
        snprintf(out_answer->text, sizeof out_answer->text, "who is that?");
        return;
    }
    memcpy(witness->request, call->request, call->request_size < 63 ? call->request_size : 63);
    out_answer->reply = witness->request;
    out_answer->reply_size = call->request_size;
}

struct scene {
    struct identity identity;
    struct witness witness;
    struct counted token;
    struct stub *stub;
    struct rpc *rpc;
};

/* ca: trust the stub's certificate. */
static void open_scene(struct scene *scene, bool tls, bool ca)
{
    struct error err = {0};
    make_identity(&scene->identity);
    scene->token.port.get = get;
    struct stub_settings stub = {.answer = answer, .self = &scene->witness};
    if (tls) stub.key_pem = scene->identity.key_pem;
    if (tls) stub.certificate_pem = scene->identity.certificate_pem;
    scene->stub = stub_start(&stub);
    AUTO(mem_free) char *target = mem_format("127.0.0.1:%d", stub_port(scene->stub));
    struct rpc_settings settings = {.target = target,
                                    .plaintext = !tls,
                                    .token = &scene->token.port,
                                    .ca_file = ca ? scene->identity.path : NULL,
                                    .user_agent = "caseload-test"};
    if (!rpc_new(&settings, &scene->rpc, &err)) fail_msg("%s", err.text);
}

static void close_scene(struct scene *scene)
{
    rpc_free(scene->rpc);
    stub_stop(scene->stub);
    identity_done(&scene->identity);
}

static enum rpc_status echo(struct rpc *rpc, const char *text, struct buf *reply, char *detail)
{
    struct rpc_call call = {
        .method = METHOD, .request = text, .request_size = strlen(text), .deadline_ms = 10000};
    buf_done(reply);
    buf_init(reply, 1024);
    return rpc_unary(rpc, &call, reply, detail, DETAIL);
}

static void a_token_goes_over_tls(void **state)
{
    (void)state;
    struct scene scene = {.witness.accepted = "Bearer one", .token.first = "one"};
    AUTO(buf_done) struct buf reply = {0};
    char detail[DETAIL];
    open_scene(&scene, true, true);
    assert_int_equal(echo(scene.rpc, "hello", &reply, detail), RPC_OK);
    assert_string_equal(buf_string(&reply), "hello");
    assert_int_equal(scene.witness.calls, 1);
    assert_int_equal(scene.token.renewals, 0);
    close_scene(&scene);
}

static void a_token_never_goes_in_the_clear(void **state)
{
    (void)state;
    struct scene scene = {.token.first = "one"};
    AUTO(buf_done) struct buf reply = {0};
    char detail[DETAIL];
    open_scene(&scene, false, false);
    assert_int_equal(echo(scene.rpc, "hello", &reply, detail), RPC_OK);
    assert_false(scene.witness.authorized);
    assert_int_equal(scene.token.gets, 0);
    close_scene(&scene);
}

static void a_refused_token_is_renewed_once(void **state)
{
    (void)state;
    struct scene scene = {.witness.accepted = "Bearer two", .token = {.first = "one", .second = "two"}};
    AUTO(buf_done) struct buf reply = {0};
    char detail[DETAIL];
    open_scene(&scene, true, true);
    assert_int_equal(echo(scene.rpc, "hello", &reply, detail), RPC_OK);
    assert_int_equal(scene.witness.calls, 2);
    assert_int_equal(scene.token.renewals, 1);
    scene.witness.accepted = "Bearer three";
    assert_int_equal(echo(scene.rpc, "hello", &reply, detail), RPC_UNAUTHENTICATED);
    assert_string_equal(detail, "who is that?");
    assert_int_equal(scene.witness.calls, 4); /* not for ever */
    assert_int_equal(reply.size, 0);
    close_scene(&scene);
}

static void without_a_token_nothing_is_asked(void **state)
{
    (void)state;
    struct scene scene = {.token.first = NULL};
    AUTO(buf_done) struct buf reply = {0};
    char detail[DETAIL];
    open_scene(&scene, true, true);
    assert_int_equal(echo(scene.rpc, "hello", &reply, detail), RPC_UNAUTHENTICATED);
    assert_string_equal(detail, "no token is to be had");
    assert_int_equal(scene.witness.calls, 0);
    assert_int_equal(scene.token.gets, 1);
    close_scene(&scene);
}

static void a_token_can_not_smuggle_headers(void **state)
{
    (void)state;
    static const char *const tokens[] = {"one\r\nx-evil: 1", "one\x7F", "on\xC3\xA9"};
    struct scene scene = {.token.first = NULL};
    open_scene(&scene, true, true);
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        AUTO(buf_done) struct buf reply = {0};
        char detail[DETAIL];
        scene.token.first = tokens[i];
        assert_int_equal(echo(scene.rpc, "hello", &reply, detail), RPC_UNAUTHENTICATED);
        assert_null(strstr(detail, tokens[i]));
    }
    assert_int_equal(scene.witness.calls, 0);
    close_scene(&scene);
}

static void an_unknown_certificate_is_refused(void **state)
{
    (void)state;
    struct scene scene = {.token.first = "one"};
    AUTO(buf_done) struct buf reply = {0};
    char detail[DETAIL];
    open_scene(&scene, true, false);
    assert_int_equal(echo(scene.rpc, "hello", &reply, detail), RPC_UNAVAILABLE);
    assert_int_equal(scene.witness.calls, 0);
    close_scene(&scene);
}

static void a_bad_ca_file_is_named(void **state)
{
    (void)state;
    struct error err = {0};
    struct rpc *rpc = NULL;
    struct rpc_settings settings = {.target = "127.0.0.1:1", .ca_file = "/nonexistent/roots.pem"};
    assert_false(rpc_new(&settings, &rpc, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.text, "/nonexistent/roots.pem"));
}

static void an_answer_over_the_ceiling_is_refused(void **state)
{
    (void)state;
    struct scene scene = {.token.first = "one"};
    AUTO(buf_done) struct buf reply = {0};
    char detail[DETAIL];
    struct rpc_call call = {.method = METHOD, .request = "hello", .request_size = 5, .deadline_ms = 10000};
    open_scene(&scene, true, true);
    buf_init(&reply, 4);
    assert_int_equal(rpc_unary(scene.rpc, &call, &reply, detail, sizeof detail), RPC_RESOURCE_EXHAUSTED);
    assert_int_equal(reply.size, 0);
    close_scene(&scene);
}

struct caller {
    pthread_t thread;
    struct rpc *rpc;
    int good;
};

static void *call_often(void *argument)
{
    struct caller *caller = argument;
    for (int i = 0; i < 20; i++) {
        AUTO(buf_done) struct buf reply = {0};
        char detail[DETAIL], text[32];
        snprintf(text, sizeof text, "%p %d", (void *)caller, i);
        if (echo(caller->rpc, text, &reply, detail) == RPC_OK && strcmp(buf_string(&reply), text) == 0)
            caller->good++;
    }
    return NULL;
}

static void threads_share_one_channel(void **state)
{
    (void)state;
    struct scene scene = {.token.first = "one"};
    struct caller callers[8];
    open_scene(&scene, true, true);
    for (size_t i = 0; i < 8; i++) {
        callers[i] = (struct caller){.rpc = scene.rpc};
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call_often, &callers[i]), 0);
    }
    for (size_t i = 0; i < 8; i++)
        pthread_join(callers[i].thread, NULL);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(callers[i].good, 20);
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_goes_over_tls),
        cmocka_unit_test(a_token_never_goes_in_the_clear),
        cmocka_unit_test(a_refused_token_is_renewed_once),
        cmocka_unit_test(without_a_token_nothing_is_asked),
        cmocka_unit_test(a_token_can_not_smuggle_headers),
        cmocka_unit_test(an_unknown_certificate_is_refused),
        cmocka_unit_test(a_bad_ca_file_is_named),
        cmocka_unit_test(an_answer_over_the_ceiling_is_refused),
        cmocka_unit_test(threads_share_one_channel),
    };
    return cmocka_run_group_tests_name("rpc", tests, NULL, NULL);
}
