/* SPDX-License-Identifier: Apache-2.0 */
/* rpc.h - one blocking unary gRPC call over gRPC C core, on a pluck queue of its own.
 *
 * Calls may be made from several threads at once on one struct rpc. Nothing here logs or retries: Pub/Sub's
 * own rules do, in pubsub/. Library facts: grpc.h of gRPC 1.51; keepalive is off against emulators.
 */
#ifndef CASELOAD_NET_RPC_H
#define CASELOAD_NET_RPC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "net/token.h"

struct rpc;

/* One try of a call, for logs: it holds no token and no message. Borrowed. */
struct rpc_trace {
    const char *method;
    const char *status; /* its name; a constant */
    int64_t duration_ms;
};

struct rpc_settings {
    const char *target; /* host:port */
    bool plaintext;     /* emulators only: no TLS, no token, no keepalive, no proxy */
    struct token *token;
    const char *ca_file; /* NULL: the system's */
    const char *user_agent;
    void (*trace)(void *self, const struct rpc_trace *trace); /* called after each try; may be NULL */
    void *trace_self;
};

struct rpc_call {
    const char *method;  /* "/google.pubsub.v1.Subscriber/Pull" */
    const char *routing; /* value of x-goog-request-params; NULL: none */
    const void *request;
    size_t request_size;
    int deadline_ms;
    bool wait_for_ready;     /* also wait for the connection, to the deadline */
    const atomic_bool *stop; /* cancels the call when it becomes true (looked at every 100 ms); may be NULL */
    struct buf *error_info;  /* of a failure: a packed google.rpc.Status, if the peer sent it; may be NULL */
};

/* gRPC status codes, numbers of the protocol. */
enum rpc_status {
    RPC_OK = 0,
    RPC_CANCELLED = 1,
    RPC_UNKNOWN = 2,
    RPC_INVALID_ARGUMENT = 3,
    RPC_DEADLINE_EXCEEDED = 4,
    RPC_NOT_FOUND = 5,
    RPC_ALREADY_EXISTS = 6,
    RPC_PERMISSION_DENIED = 7,
    RPC_RESOURCE_EXHAUSTED = 8,
    RPC_FAILED_PRECONDITION = 9,
    RPC_ABORTED = 10,
    RPC_OUT_OF_RANGE = 11,
    RPC_UNIMPLEMENTED = 12,
    RPC_INTERNAL = 13,
    RPC_UNAVAILABLE = 14,
    RPC_DATA_LOSS = 15,
    RPC_UNAUTHENTICATED = 16
};

bool rpc_new(const struct rpc_settings *settings, struct rpc **out_rpc, struct error *err) CHECKED;
void rpc_free(struct rpc *rpc); /* no call may be under way; NULL is fine */

/* Always makes one call and returns its status; reply (init it with a limit) is filled when that is RPC_OK.
 * Otherwise detail holds the server's or the library's text. */
enum rpc_status rpc_unary(struct rpc *rpc, const struct rpc_call *call, struct buf *reply, char *detail,
                          size_t detail_size);
const char *rpc_status_name(enum rpc_status status);

#endif
