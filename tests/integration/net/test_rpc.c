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

#include "base/clock.h"
#include "base/mem.h"
#include "grpc_stub.h"
#include "httpd/tls.h"
#include "net/rpc.h"

#define DETAIL 512
#define METHOD "/test.Service/Echo"

/* ---- a token that is counted, and a server that judges it ---- */

struct counted {
    struct token port;
    atomic_int gets, renewals;
    const char *first, *second; /* the second after a renewal; NULL: it can't be had */
};

static bool get(struct token *token, const struct secret *refused, struct secret *out_bearer,
                struct error *err)
{
    struct counted *counted = (struct counted *)token;
    atomic_fetch_add(&counted->gets, 1);
    const char *text = atomic_load(&counted->renewals) > 0 ? counted->second : counted->first;
    if (refused && strcmp(secret_reveal(refused), text) == 0) {
        atomic_fetch_add(&counted->renewals, 1);
        text = counted->second;
    }
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
    struct tls *tls;
    char ca_file[64];
    struct witness witness;
    struct counted token;
    struct stub *stub;
    struct rpc *rpc;
};

/* ca: trust the authority of the stub's certificate. */
static void open_scene(struct scene *scene, bool tls, bool ca)
{
    struct error err = {0};
    snprintf(scene->ca_file, sizeof scene->ca_file, "/tmp/caseload-rpc-XXXXXX");
    int fd = mkstemp(scene->ca_file);
    assert_true(fd >= 0 && close(fd) == 0);
    scene->tls = tls_new(scene->ca_file, &err);
    assert_non_null(scene->tls);
    scene->token.port.get = get;
    struct stub_settings stub = {.answer = answer, .self = &scene->witness};
    if (tls) stub.key_pem = tls_key_pem(scene->tls);
    if (tls) stub.certificate_pem = tls_certificate_pem(scene->tls);
    scene->stub = stub_start(&stub);
    AUTO(mem_free) char *target = mem_format("127.0.0.1:%d", stub_port(scene->stub));
    struct rpc_settings settings = {.target = target,
                                    .plaintext = !tls,
                                    .token = &scene->token.port,
                                    .ca_file = ca ? scene->ca_file : NULL,
                                    .user_agent = "caseload-test"};
    if (!rpc_new(&settings, &scene->rpc, &err)) fail_msg("%s", err.text);
}

static void close_scene(struct scene *scene)
{
    rpc_free(scene->rpc);
    stub_stop(scene->stub);
    unlink(scene->ca_file);
    tls_free(scene->tls);
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
