/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>

#include "base/mem.h"
#include "google/auth.h"
#include "httpd/tls.h"
#include "pubsub/internal.h"

#define ACCEPTING     32 /* calls that may arrive at the same moment */
#define TICK_MS       10 /* how soon a long poll sees that time or a test has changed something */
#define RECEIVE_LIMIT (20 * 1024 * 1024)

struct server_call;

/* The completion queue hands back a tag: which step of which call is over. */
enum step { STEP_ARRIVED, STEP_CLOSED, STEP_READ, STEP_SENT, STEPS };

struct tag {
    struct server_call *call;
    enum step step;
};

/* One call. It lives until all its started steps are over and it waits for nothing. */
struct server_call {
    struct rpc_server *wire;
    struct tag tags[STEPS];
    int started;
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array metadata;
    grpc_byte_buffer *message;
    int cancelled;
    bool begun; /* procedure is valid */
    struct procedure procedure;
    bool closed;  /* the client is gone, or has our status */
    bool sending; /* a part of a stream is on its way */
    bool ending;  /* ... and is the last */
    bool waiting; /* in the wire's list */
    struct server_call *next;
};

/* Everything but stopping belongs to the thread, once it runs. */
struct rpc_server {
    struct pubsub_server *pubsub;
    grpc_server *server;
    grpc_completion_queue *queue;
    int port;
    pthread_t thread;
    atomic_bool stopping;
    struct server_call *waiting; /* procedures that could not be served yet, and open streams */
};

static void accept_call(struct rpc_server *wire)
{
    struct server_call *call = mem_zero(1, sizeof *call);
    call->wire = wire;
    for (int i = 0; i < STEPS; i++)
        call->tags[i] = (struct tag){.call = call, .step = (enum step)i};
    grpc_call_details_init(&call->details);
    grpc_metadata_array_init(&call->metadata);
    call->started = 1;
    grpc_call_error error =
        grpc_server_request_call(wire->server, &call->call, &call->details, &call->metadata, wire->queue,
                                 wire->queue, &call->tags[STEP_ARRIVED]);
    assert(error == GRPC_CALL_OK);
    (void)error;
}

static void call_release(struct server_call *call)
{
    if (call->started > 0 || call->waiting) return;
    if (call->begun) procedure_done(&call->procedure);
    if (call->call) grpc_call_unref(call->call);
    grpc_byte_buffer_destroy(call->message);
    grpc_call_details_destroy(&call->details);
    grpc_metadata_array_destroy(&call->metadata);
    free(call);
}

/* One batch of operations; its end comes back as the step. */
static void start(struct server_call *call, const grpc_op *ops, size_t count, enum step step)
{
    if (grpc_call_start_batch(call->call, ops, count, &call->tags[step], NULL) == GRPC_CALL_OK)
        call->started++;
}

/* The value of the call's authorization header; yours, NULL: there is none. */
static char *authorization(const struct server_call *call)
{
    for (size_t i = 0; i < call->metadata.count; i++) {
        const grpc_metadata *entry = &call->metadata.metadata[i];
        if (grpc_slice_str_cmp(entry->key, "authorization") != 0) continue;
        return mem_bytes(GRPC_SLICE_START_PTR(entry->value), GRPC_SLICE_LENGTH(entry->value));
    }
    return NULL;
}

static grpc_byte_buffer *reply_bytes(const struct procedure *procedure)
{
    grpc_slice slice = grpc_slice_from_copied_buffer(buf_string(&procedure->reply), procedure->reply.size);
    grpc_byte_buffer *bytes = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return bytes;
}

/* A stream sends one batch at a time: its headers, then whatever there is. */
static void stream_part(struct server_call *call, bool metadata)
{
    grpc_op part;
    grpc_byte_buffer *message = metadata ? NULL : reply_bytes(&call->procedure);
    memset(&part, 0, sizeof part);
    part.op = metadata ? GRPC_OP_SEND_INITIAL_METADATA : GRPC_OP_SEND_MESSAGE;
    if (!metadata) part.data.send_message.send_message = message;
    call->sending = true;
    start(call, &part, 1, STEP_SENT);
    grpc_byte_buffer_destroy(message);
}

static void read_next(struct server_call *call)
{
    grpc_op reading;
    memset(&reading, 0, sizeof reading);
    reading.op = GRPC_OP_RECV_MESSAGE;
    reading.data.recv_message.recv_message = &call->message;
    start(call, &reading, 1, STEP_READ);
}

static void arrived(struct server_call *call)
{
    char *path = grpc_slice_to_c_string(call->details.method);
    procedure_begin(&call->procedure, call->wire->pubsub, path);
    gpr_free(path);
    AUTO(mem_free) char *bearer = authorization(call);
    struct auth *auth = call->wire->pubsub->options.auth;
    call->procedure.refusal = auth ? auth_refusal(auth, bearer) : NULL;
    call->begun = true;
    if (call->procedure.stream) stream_part(call, true);

    grpc_op closing;
    memset(&closing, 0, sizeof closing);
    closing.op = GRPC_OP_RECV_CLOSE_ON_SERVER;
    closing.data.recv_close_on_server.cancelled = &call->cancelled;
    start(call, &closing, 1, STEP_CLOSED);
    read_next(call);
}

static void send_answer(struct server_call *call)
{
    const struct procedure *procedure = &call->procedure;
    if (procedure->cut) {
        grpc_call_cancel_with_status(call->call, GRPC_STATUS_UNAVAILABLE, "cut by the fault script", NULL);
        return;
    }
    grpc_op ops[3];
    size_t count = 0;
    memset(ops, 0, sizeof ops);
    if (!procedure->stream) ops[count++].op = GRPC_OP_SEND_INITIAL_METADATA;
    grpc_byte_buffer *message = NULL;
    if (procedure->status == GRPC_STATUS_OK && !procedure->stream) {
        message = reply_bytes(procedure);
        ops[count].op = GRPC_OP_SEND_MESSAGE;
        ops[count++].data.send_message.send_message = message;
    }
    grpc_slice text = grpc_slice_from_copied_string(procedure->text);
    grpc_metadata info = {.key = grpc_slice_from_static_string("grpc-status-details-bin"),
                          .value = grpc_slice_from_copied_buffer(buf_string(&procedure->error_info),
                                                                 procedure->error_info.size)};
    ops[count].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
    ops[count].data.send_status_from_server.trailing_metadata = &info;
    ops[count].data.send_status_from_server.trailing_metadata_count = procedure->error_info.size > 0;
    ops[count].data.send_status_from_server.status = procedure->status;
    ops[count++].data.send_status_from_server.status_details = &text;
    start(call, ops, count, STEP_SENT);
    grpc_byte_buffer_destroy(message);
    grpc_slice_unref(text);
    grpc_slice_unref(info.value);
}

static void wait_in_list(struct server_call *call)
{
    call->waiting = true;
    struct server_call **end = &call->wire->waiting; /* first come, first served */
    while (*end)
        end = &(*end)->next;
    *end = call;
}

static void leave_list(struct server_call *call)
{
    for (struct server_call **at = &call->wire->waiting; *at; at = &(*at)->next) {
        if (*at != call) continue;
        *at = call->next;
        break;
    }
    call->next = NULL;
    call->waiting = false;
}

static void stream_end(struct server_call *call)
{
    if (call->waiting) leave_list(call);
    call->ending = true;
    if (!call->sending) send_answer(call);
}

/* The next request of a stream; without a message the client has said all it wants. */
static void stream_read(struct server_call *call)
{
    bool more = call->message != NULL;
    grpc_byte_buffer_destroy(call->message);
    call->message = NULL;
    if (!more || !procedure_receive(&call->procedure)) {
        stream_end(call);
        return;
    }
    if (!call->waiting) wait_in_list(call);
    read_next(call);
}

static void stream_serve(struct server_call *call)
{
    if (!call->sending && procedure_next_reply(&call->procedure)) stream_part(call, false);
}

static void part_sent(struct server_call *call)
{
    bool last = call->ending && call->sending;
    call->sending = false;
    if (last && !call->closed) send_answer(call);
}

static void take_message(struct server_call *call)
{
    grpc_byte_buffer_reader reader;
    grpc_slice slice;
    if (!call->message || !grpc_byte_buffer_reader_init(&reader, call->message)) return;
    while (grpc_byte_buffer_reader_next(&reader, &slice)) {
        buf_add(&call->procedure.request, GRPC_SLICE_START_PTR(slice),
                GRPC_SLICE_LENGTH(slice)); /* fits: see RECEIVE_LIMIT */
        grpc_slice_unref(slice);
    }
    grpc_byte_buffer_reader_destroy(&reader);
}

static void read_message(struct server_call *call, bool success)
{
    if (!success || call->closed) return; /* the client is gone */
    take_message(call);
    if (call->procedure.stream)
        stream_read(call);
    else if (!call->message)
        return; /* STEP_CLOSED follows */
    else if (procedure_serve(&call->procedure))
        send_answer(call);
    else
        wait_in_list(call);
}

static void serve_waiting(struct rpc_server *wire)
{
    for (struct server_call *call = wire->waiting, *next; call; call = next) {
        next = call->next;
        if (call->procedure.stream) {
            stream_serve(call);
            continue;
        }
        if (!procedure_serve(&call->procedure)) continue;
        leave_list(call);
        send_answer(call);
        call_release(call);
    }
}

static void finish_step(const struct tag *tag, bool success)
{
    struct server_call *call = tag->call;
    call->started--;
    switch (tag->step) {
    case STEP_ARRIVED:
        if (success) { /* else the server stops */
            accept_call(call->wire);
            arrived(call);
        }
        break;
    case STEP_CLOSED:
        call->closed = true;
        if (call->waiting)
            leave_list(call);
        else if (call->cancelled)
            procedure_undo(&call->procedure);
        break;
    case STEP_READ: read_message(call, success); break;
    case STEP_SENT: part_sent(call); break;
    case STEPS: break;
    }
    call_release(call);
}

static void *serve(void *argument)
{
    struct rpc_server *wire = argument;
    bool stopping = false;
    for (;;) {
        gpr_timespec tick =
            gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(TICK_MS, GPR_TIMESPAN));
        grpc_event event = grpc_completion_queue_next(wire->queue, tick, NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN) return NULL;
        if (event.type == GRPC_OP_COMPLETE && event.tag == wire)
            grpc_completion_queue_shutdown(wire->queue); /* no call is left */
        else if (event.type == GRPC_OP_COMPLETE)
            finish_step(event.tag, event.success != 0);
        serve_waiting(wire);
        if (!stopping && atomic_load(&wire->stopping)) {
            stopping = true;
            grpc_server_shutdown_and_notify(wire->server, wire->queue, wire);
            grpc_server_cancel_all_calls(wire->server);
        }
    }
}

static grpc_server_credentials *make_credentials(const struct tls *tls)
{
    if (!tls) return grpc_insecure_server_credentials_create();
    grpc_ssl_pem_key_cert_pair pair = {.private_key = tls_key_pem(tls),
                                       .cert_chain = tls_certificate_pem(tls)};
    return grpc_ssl_server_credentials_create_ex(NULL, &pair, 1, GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
                                                 NULL);
}

static bool listen_on(struct rpc_server *wire, int port)
{
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    grpc_server_credentials *credentials = make_credentials(wire->pubsub->options.tls);
    wire->port = grpc_server_add_http2_port(wire->server, address, credentials);
    grpc_server_credentials_release(credentials);
    return wire->port > 0;
}

struct rpc_server *rpc_server_start(struct pubsub_server *pubsub, int port, struct error *err)
{
    char reuse[] = GRPC_ARG_ALLOW_REUSEPORT, receive[] = GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH;
    grpc_arg args[] = {
        /* Else two sandboxes could share a port without a word. */
        {.type = GRPC_ARG_INTEGER, .key = reuse, .value.integer = 0},
        {.type = GRPC_ARG_INTEGER, .key = receive, .value.integer = RECEIVE_LIMIT},
    };
    grpc_init();
    struct rpc_server *wire = mem_zero(1, sizeof *wire);
    wire->pubsub = pubsub;
    wire->server = grpc_server_create(&(grpc_channel_args){.num_args = 2, .args = args}, NULL);
    wire->queue = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(wire->server, wire->queue, NULL);
    bool listening = listen_on(wire, port);
    if (!listening)
        error_set(err, ERROR_CONFIG, "can't listen on 127.0.0.1:%d for Pub/Sub; is the port in use?", port);
    grpc_server_start(wire->server);
    for (int i = 0; listening && i < ACCEPTING; i++)
        accept_call(wire);
    atomic_store(&wire->stopping, !listening);
    if (pthread_create(&wire->thread, NULL, serve, wire) != 0) abort(); /* no thread, no sandbox */
    if (listening) return wire;
    rpc_server_stop(wire);
    return NULL;
}

void rpc_server_stop(struct rpc_server *wire)
{
    if (!wire) return;
    atomic_store(&wire->stopping, true);
    pthread_join(wire->thread, NULL);
    grpc_server_destroy(wire->server);
    grpc_completion_queue_destroy(wire->queue);
    free(wire);
    grpc_shutdown_blocking();
}

int rpc_server_port(const struct rpc_server *wire)
{
    return wire->port;
}
