/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/rpc.h"

#define RECEIVE_LIMIT    (20 * 1024 * 1024) /* the 4 MiB default is less than a pull may bring */
#define CA_LIMIT         (4 * 1024 * 1024)
#define STOP_SLICE_MS    100
#define HEADERS          3
#define OPS              6
#define KEEPALIVE_MS     60000
#define KEEPALIVE_OUT_MS 20000
#define AUTHORIZATION    "authorization"
#define SCHEME           "Bearer "
#define SCHEME_SIZE      (sizeof SCHEME - 1)

struct rpc {
    grpc_channel *channel;
    struct token *token; /* NULL on a plaintext channel: a token never travels in the clear */
    void (*trace)(void *self, const struct rpc_trace *trace);
    void *trace_self;
};

struct
try {
    grpc_completion_queue *queue;
    grpc_call *call;
    grpc_metadata headers[HEADERS];
    size_t header_count;
    grpc_byte_buffer *request;
    grpc_byte_buffer *reply;
    grpc_metadata_array initial;
    grpc_metadata_array trailing;
    grpc_status_code status;
    grpc_slice details;
    const char *cause; /* the library's own words, with file and peer */
};

struct answer {
    struct buf *reply;
    char *detail;
    size_t detail_size;
    bool from_peer; /* the status is what the peer said, not what kept us from asking */
};

/* Else the library writes to stderr. The status carries everything important. */
static void log_library(gpr_log_func_args *args)
{
    log_write(LOG_DEBUG, "grpc", NULL, "%s", args->message);
}

static bool make_credentials(const struct rpc_settings *settings, grpc_channel_credentials **out_credentials,
                             struct error *err)
{
    AUTO(buf_done) struct buf roots = {0};
    if (settings->plaintext) {
        *out_credentials = grpc_insecure_credentials_create();
        return true;
    }
    if (settings->ca_file && !file_read(settings->ca_file, CA_LIMIT, &roots, err))
        return error_wrap(err, "the CA file");
    *out_credentials = grpc_ssl_credentials_create(roots.data, NULL, NULL, NULL);
    if (!*out_credentials)
        return error_set(err, ERROR_CONFIG,
                         "the gRPC library refused the CA file: it must hold PEM certificates");
    return true;
}

/* The library only reads names and texts, but its struct lacks a const. */
static grpc_arg arg_number(const char *name, int value)
{
    return (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)name, .value.integer = value};
}

static grpc_arg arg_text(const char *name, const char *value)
{
    return (grpc_arg){
        .type = GRPC_ARG_STRING, .key = (char *)(uintptr_t)name, .value.string = (char *)(uintptr_t)value};
}

static grpc_channel *make_channel(const struct rpc_settings *settings, grpc_channel_credentials *credentials)
{
    grpc_arg args[10];
    size_t count = 0;
    args[count++] = arg_number(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, RECEIVE_LIMIT);
    args[count++] = arg_number(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
    args[count++] = arg_number(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000); /* a connect that hangs ends then */
    args[count++] = arg_number(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 10000);
    if (settings->user_agent)
        args[count++] = arg_text(GRPC_ARG_PRIMARY_USER_AGENT_STRING, settings->user_agent);
    if (settings->plaintext) {
        /* A proxy from the environment would be asked even for 127.0.0.1. */
        args[count++] = arg_number(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    } else {
        /* A dead peer is noticed only so; emulators take such pings for an attack. Without the last line
         * the library stops to ping after two pings on an idle connection. */
        args[count++] = arg_number(GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE_MS);
        args[count++] = arg_number(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_OUT_MS);
        args[count++] = arg_number(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    }
    assert(count <= sizeof args / sizeof *args);
    return grpc_channel_create(settings->target, credentials,
                               &(grpc_channel_args){.num_args = count, .args = args});
}

bool rpc_new(const struct rpc_settings *settings, struct rpc **out_rpc, struct error *err)
{
    assert(settings->target);
    gpr_set_log_function(log_library);
    grpc_init();
    grpc_channel_credentials *credentials = NULL;
    if (!make_credentials(settings, &credentials, err)) {
        grpc_shutdown();
        return false;
    }
    struct rpc *rpc = mem_zero(1, sizeof *rpc);
    rpc->channel = make_channel(settings, credentials);
    rpc->token = settings->plaintext ? NULL : settings->token;
    rpc->trace = settings->trace;
    rpc->trace_self = settings->trace_self;
    grpc_channel_credentials_release(credentials); /* the channel keeps its own reference */
    *out_rpc = rpc;
    return true;
}

void rpc_free(struct rpc *rpc)
{
    if (!rpc) return;
    grpc_channel_destroy(rpc->channel);
    free(rpc);
    grpc_shutdown_blocking();
}

static void explain(struct answer *answer, const void *text, size_t length)
{
    if (answer->detail_size == 0) return;
    if (length >= answer->detail_size) length = answer->detail_size - 1;
    memcpy(answer->detail, text, length);
    answer->detail[length] = '\0';
}

static enum rpc_status fail(struct answer *answer, enum rpc_status status, const char *text)
{
    explain(answer, text, strlen(text));
    return status;
}

static bool add_header(struct try *try, const char *key, grpc_slice value)
{
    try->headers[try->header_count++] =
        (grpc_metadata){.key = grpc_slice_from_static_string(key), .value = value};
    return grpc_header_nonbin_value_is_legal(value) != 0;
}

/* The token is fetched here, in the caller's thread: a plugin that waits would stall the library. */
static enum rpc_status add_token(struct rpc *rpc, struct try *try, const struct secret *refused,
                                 struct answer *answer)
{
    AUTO(secret_done) struct secret bearer = {0};
    struct error err = {0};
    if (!rpc->token->get(rpc->token, refused, &bearer, &err))
        return fail(answer,
                    err.kind == ERROR_STOPPED ? RPC_CANCELLED
                    : err.kind == ERROR_BUSY  ? RPC_UNAVAILABLE
                                              : RPC_UNAUTHENTICATED,
                    err.text);
    grpc_slice value = grpc_slice_malloc(SCHEME_SIZE + bearer.size);
    memcpy(GRPC_SLICE_START_PTR(value), SCHEME, SCHEME_SIZE);
    memcpy(GRPC_SLICE_START_PTR(value) + SCHEME_SIZE, secret_reveal(&bearer), bearer.size);
    if (!add_header(try, AUTHORIZATION, value))
        return fail(answer, RPC_UNAUTHENTICATED,
                    "the access token has characters that are invalid in a header");
    const char *project = rpc->token->quota_project;
    if (project && !add_header(try, "x-goog-user-project", grpc_slice_from_copied_string(project)))
        return fail(answer, RPC_UNAUTHENTICATED,
                    "the quota project has characters that are invalid in a header");
    return RPC_OK;
}

/* From the header of the try, so that no other copy waits for the answer. */
static void take_refused(const struct try *try, struct secret *out_refused)
{
    for (size_t i = 0; i < try->header_count; i++) {
        const grpc_metadata *header = &try->headers[i];
        if (grpc_slice_str_cmp(header->key, AUTHORIZATION) != 0) continue;
        secret_reserve(out_refused, GRPC_SLICE_LENGTH(header->value) - SCHEME_SIZE);
        memcpy(out_refused->bytes, GRPC_SLICE_START_PTR(header->value) + SCHEME_SIZE, out_refused->size);
    }
}

static bool start(struct rpc *rpc, struct try *try, const struct rpc_call *call)
{
    grpc_slice method = grpc_slice_from_copied_string(call->method);
    gpr_timespec deadline =
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(call->deadline_ms, GPR_TIMESPAN));
    try->queue = grpc_completion_queue_create_for_pluck(NULL);
    try->call = grpc_channel_create_call(rpc->channel, NULL, GRPC_PROPAGATE_DEFAULTS, try->queue, method,
                                         NULL, deadline, NULL);
    grpc_slice_unref(method);
    grpc_slice message = grpc_slice_from_copied_buffer(call->request, call->request_size);
    try->request = grpc_raw_byte_buffer_create(&message, 1);
    grpc_slice_unref(message);

    grpc_op ops[OPS];
    memset(ops, 0, sizeof ops);
    ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
    ops[0].data.send_initial_metadata.count = try->header_count;
    ops[0].data.send_initial_metadata.metadata = try->headers;
    if (call->wait_for_ready)
        ops[0].flags =
            GRPC_INITIAL_METADATA_WAIT_FOR_READY | GRPC_INITIAL_METADATA_WAIT_FOR_READY_EXPLICITLY_SET;
    ops[1].op = GRPC_OP_SEND_MESSAGE;
    ops[1].data.send_message.send_message = try->request;
    ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    ops[3].op = GRPC_OP_RECV_INITIAL_METADATA;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &try->initial;
    ops[4].op = GRPC_OP_RECV_MESSAGE;
    ops[4].data.recv_message.recv_message = &try->reply;
    ops[5].op = GRPC_OP_RECV_STATUS_ON_CLIENT;
    ops[5].data.recv_status_on_client.trailing_metadata = &try->trailing;
    ops[5].data.recv_status_on_client.status = &try->status;
    ops[5].data.recv_status_on_client.status_details = &try->details;
    ops[5].data.recv_status_on_client.error_string = &try->cause;
    return grpc_call_start_batch(try->call, ops, OPS, try, NULL) == GRPC_CALL_OK;
}

/* The one batch always completes, so this ends: at the deadline at the latest. */
static void wait_done(struct try *try, const atomic_bool *stop)
{
    bool cancelled = false;
    for (;;) {
        gpr_timespec slice =
            gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(STOP_SLICE_MS, GPR_TIMESPAN));
        if (!stop || cancelled) slice = gpr_inf_future(GPR_CLOCK_MONOTONIC);
        if (grpc_completion_queue_pluck(try->queue, try, slice, NULL).type == GRPC_OP_COMPLETE) return;
        if (stop && atomic_load(stop)) {
            grpc_call_cancel(try->call, NULL);
            cancelled = true;
        }
    }
}

static bool read_reply(grpc_byte_buffer *message, struct buf *reply)
{
    grpc_byte_buffer_reader reader;
    grpc_slice slice;
    bool fits = true;
    if (!grpc_byte_buffer_reader_init(&reader, message)) return false;
    while (grpc_byte_buffer_reader_next(&reader, &slice)) {
        fits = fits && buf_add(reply, GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice));
        grpc_slice_unref(slice);
    }
    grpc_byte_buffer_reader_destroy(&reader);
    return fits;
}

/* Nothing, if it is too large for the caller. */
static void read_error_info(const struct try *try, struct buf *out)
{
    buf_reset(out);
    for (size_t i = 0; i < try->trailing.count; i++) {
        const grpc_metadata *entry = &try->trailing.metadata[i];
        if (grpc_slice_str_cmp(entry->key, "grpc-status-details-bin") == 0)
            (void)buf_add(out, GRPC_SLICE_START_PTR(entry->value), GRPC_SLICE_LENGTH(entry->value));
    }
}

static enum rpc_status conclude(struct try *try, struct buf *error_info, struct answer *answer)
{
    answer->from_peer = true;
    if (error_info) read_error_info(try, error_info);
    if (try->status == GRPC_STATUS_OK) {
        if (!try->reply) return fail(answer, RPC_INTERNAL, "the response holds no message");
        if (!read_reply(try->reply, answer->reply))
            return fail(answer, RPC_RESOURCE_EXHAUSTED, "the response exceeds our size limit");
        return RPC_OK;
    }
    if (GRPC_SLICE_LENGTH(try->details) > 0)
        explain(answer, GRPC_SLICE_START_PTR(try->details), GRPC_SLICE_LENGTH(try->details));
    else if (try->cause)
        explain(answer, try->cause, strlen(try->cause));
    /* A peer may send any number; those that no table knows mean "unknown". */
    return (unsigned)try->status <= RPC_UNAUTHENTICATED ? (enum rpc_status)try->status : RPC_UNKNOWN;
}

static void try_done(struct try *try)
{
    if (try->call) grpc_call_unref(try->call);
    for (size_t i = 0; i < try->header_count; i++)
        grpc_slice_unref(try->headers[i].value);
    grpc_byte_buffer_destroy(try->request);
    grpc_byte_buffer_destroy(try->reply);
    grpc_metadata_array_destroy(&try->initial);
    grpc_metadata_array_destroy(&try->trailing);
    grpc_slice_unref(try->details);
    gpr_free((void *)(uintptr_t)try->cause);
    if (try->queue) {
        grpc_completion_queue_shutdown(try->queue); /* nothing is left in it */
        grpc_completion_queue_destroy(try->queue);
    }
}

/* inout_refused: by the try before, empty: none; then by this one. */
static enum rpc_status try_call(struct rpc *rpc, const struct rpc_call *call, struct secret *inout_refused,
                                struct answer *answer)
{
    struct try try = {.queue = NULL};
    enum rpc_status status = RPC_OK;
    const int64_t began_ms = clock_ms();
    answer->from_peer = false;
    if (call->routing &&
        !add_header(&try, "x-goog-request-params", grpc_slice_from_copied_string(call->routing)))
        status = fail(answer, RPC_INVALID_ARGUMENT, "the routing header has invalid characters");
    if (status == RPC_OK && rpc->token)
        status = add_token(rpc, &try, inout_refused->size > 0 ? inout_refused : NULL, answer);
    secret_done(inout_refused);
    if (status == RPC_OK && start(rpc, &try, call)) {
        wait_done(&try, call->stop);
        status = conclude(&try, call->error_info, answer);
    } else if (status == RPC_OK) {
        status = fail(answer, RPC_INTERNAL, "the gRPC library did not accept the call");
    }
    if (status == RPC_UNAUTHENTICATED && answer->from_peer) take_refused(&try, inout_refused);
    try_done(&try);
    if (rpc->trace)
        rpc->trace(rpc->trace_self, &(struct rpc_trace){.method = call->method,
                                                        .status = rpc_status_name(status),
                                                        .duration_ms = clock_ms() - began_ms});
    return status;
}

enum rpc_status rpc_unary(struct rpc *rpc, const struct rpc_call *call, struct buf *reply, char *detail,
                          size_t detail_size)
{
    AUTO(secret_done) struct secret refused = {0};
    struct answer answer = {.reply = reply, .detail = detail, .detail_size = detail_size};
    explain(&answer, "", 0);
    buf_reset(reply);
    enum rpc_status status = try_call(rpc, call, &refused, &answer);
    /* A token may be revoked before its time: ask for another, once. */
    if (refused.size > 0) status = try_call(rpc, call, &refused, &answer);
    if (status != RPC_OK) buf_reset(reply);
    return status;
}

const char *rpc_status_name(enum rpc_status status)
{
    static const char *const names[] = {
        "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
        "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
        "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
        "DATA_LOSS", "UNAUTHENTICATED"};
    return (size_t)status < sizeof names / sizeof *names ? names[status] : "UNKNOWN";
}
