/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>

#include "base/mem.h"
#include "grpc_stub.h"

struct stub {
    struct stub_settings settings;
    grpc_server *server;
    grpc_completion_queue *queue;
    int port;
    pthread_t thread;
};

/* Calls are served one after the other, each with a queue of its own. */
static void finish_batch(grpc_call *call, grpc_completion_queue *queue, const grpc_op *ops, size_t count)
{
    grpc_call_error error = grpc_call_start_batch(call, ops, count, call, NULL);
    assert(error == GRPC_CALL_OK);
    (void)error;
    (void)grpc_completion_queue_pluck(queue, call, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
}

static char *find_header(const grpc_metadata_array *metadata, const char *name)
{
    for (size_t i = 0; i < metadata->count; i++)
        if (grpc_slice_str_cmp(metadata->metadata[i].key, name) == 0)
            return grpc_slice_to_c_string(metadata->metadata[i].value);
    return NULL;
}

static void send_answer(grpc_call *call, grpc_completion_queue *queue, const struct stub_answer *answer)
{
    grpc_op ops[4];
    size_t count = 0;
    int cancelled;
    memset(ops, 0, sizeof ops);
    ops[count++].op = GRPC_OP_SEND_INITIAL_METADATA;
    grpc_slice reply = grpc_slice_from_copied_buffer(answer->reply ? answer->reply : "", answer->reply_size);
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&reply, 1);
    if (answer->status == GRPC_STATUS_OK) {
        ops[count].op = GRPC_OP_SEND_MESSAGE;
        ops[count++].data.send_message.send_message = message;
    }
    grpc_slice text = grpc_slice_from_copied_string(answer->text);
    ops[count].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
    ops[count].data.send_status_from_server.status = (grpc_status_code)answer->status;
    ops[count++].data.send_status_from_server.status_details = &text;
    ops[count].op = GRPC_OP_RECV_CLOSE_ON_SERVER;
    ops[count++].data.recv_close_on_server.cancelled = &cancelled;
    finish_batch(call, queue, ops, count);
    grpc_byte_buffer_destroy(message);
    grpc_slice_unref(reply);
    grpc_slice_unref(text);
}

static void serve_call(struct stub *stub, grpc_call *call, grpc_completion_queue *queue,
                       const grpc_call_details *details, const grpc_metadata_array *metadata)
{
    grpc_byte_buffer *message = NULL;
    grpc_op reading;
    memset(&reading, 0, sizeof reading);
    reading.op = GRPC_OP_RECV_MESSAGE;
    reading.data.recv_message.recv_message = &message;
    finish_batch(call, queue, &reading, 1);

    grpc_byte_buffer_reader reader;
    grpc_slice request = grpc_empty_slice();
    if (message && grpc_byte_buffer_reader_init(&reader, message)) {
        request = grpc_byte_buffer_reader_readall(&reader);
        grpc_byte_buffer_reader_destroy(&reader);
    }
    char *method = grpc_slice_to_c_string(details->method);
    char *authorization = find_header(metadata, "authorization");
    char *routing = find_header(metadata, "x-goog-request-params");
    struct stub_call seen = {.method = method,
                             .authorization = authorization,
                             .routing = routing,
                             .request = GRPC_SLICE_START_PTR(request),
                             .request_size = GRPC_SLICE_LENGTH(request)};
    struct stub_answer answer = {.status = 0};
    stub->settings.answer(stub->settings.self, &seen, &answer);
    send_answer(call, queue, &answer);
    gpr_free(method);
    gpr_free(authorization);
    gpr_free(routing);
    grpc_slice_unref(request);
    grpc_byte_buffer_destroy(message);
}

static void *serve(void *argument)
{
    struct stub *stub = argument;
    for (bool open = true; open;) {
        grpc_call *call = NULL;
        grpc_call_details details;
        grpc_metadata_array metadata;
        grpc_call_details_init(&details);
        grpc_metadata_array_init(&metadata);
        grpc_completion_queue *own = grpc_completion_queue_create_for_pluck(NULL);
        grpc_call_error error =
            grpc_server_request_call(stub->server, &call, &details, &metadata, own, stub->queue, stub);
        assert(error == GRPC_CALL_OK);
        (void)error;
        grpc_event event = grpc_completion_queue_next(stub->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        open = event.type == GRPC_OP_COMPLETE && event.tag == stub && event.success;
        if (open) {
            serve_call(stub, call, own, &details, &metadata);
            grpc_call_unref(call);
        }
        grpc_completion_queue_shutdown(own);
        grpc_completion_queue_destroy(own);
        grpc_call_details_destroy(&details);
        grpc_metadata_array_destroy(&metadata);
    }
    return NULL;
}

static grpc_server_credentials *make_credentials(const struct stub_settings *settings)
{
    if (!settings->key_pem) return grpc_insecure_server_credentials_create();
    grpc_ssl_pem_key_cert_pair pair = {.private_key = settings->key_pem,
                                       .cert_chain = settings->certificate_pem};
    return grpc_ssl_server_credentials_create_ex(NULL, &pair, 1, GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
                                                 NULL);
}

struct stub *stub_start(const struct stub_settings *settings)
{
    grpc_init();
    struct stub *stub = mem_zero(1, sizeof *stub);
    stub->settings = *settings;
    stub->server = grpc_server_create(NULL, NULL);
    stub->queue = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(stub->server, stub->queue, NULL);
    grpc_server_credentials *credentials = make_credentials(settings);
    stub->port = grpc_server_add_http2_port(stub->server, "127.0.0.1:0", credentials);
    grpc_server_credentials_release(credentials);
    grpc_server_start(stub->server);
    if (stub->port <= 0 || pthread_create(&stub->thread, NULL, serve, stub) != 0)
        abort(); /* a test without its server is no test */
    return stub;
}

int stub_port(const struct stub *stub)
{
    return stub->port;
}

void stub_stop(struct stub *stub)
{
    grpc_server_shutdown_and_notify(stub->server, stub->queue, NULL);
    grpc_server_cancel_all_calls(stub->server);
    pthread_join(stub->thread, NULL); /* its last event was the refused request */
    grpc_completion_queue_shutdown(stub->queue);
    while (grpc_completion_queue_next(stub->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
           GRPC_QUEUE_SHUTDOWN)
        continue;
    grpc_server_destroy(stub->server);
    grpc_completion_queue_destroy(stub->queue);
    free(stub);
    grpc_shutdown_blocking();
}
