/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_stub.h - a small gRPC server that answers every call as the test says. One thread of its own. */
#ifndef CASELOAD_WIRE_GRPC_STUB_H
#define CASELOAD_WIRE_GRPC_STUB_H

#include <stddef.h>

struct stub_call {
    const char *method;
    const char *authorization; /* NULL: none was sent */
    const char *routing;       /* x-goog-request-params, or NULL */
    const void *request;
    size_t request_size;
};

struct stub_answer {
    int status;
    char text[256];
    const void *reply; /* borrowed until the next call */
    size_t reply_size;
};

struct stub_settings {
    const char *key_pem, *certificate_pem; /* NULL: plaintext */
    void (*answer)(void *self, const struct stub_call *call, struct stub_answer *out_answer); /* its thread */
    void *self;
};

struct stub;

struct stub *stub_start(const struct stub_settings *settings);
int stub_port(const struct stub *stub);
void stub_stop(struct stub *stub);

#endif
