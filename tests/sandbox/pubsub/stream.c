/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c - StreamingPull. The requests lease, extend, give back and acknowledge as their unary
 * relatives do; answers go out whenever there is something to hand out. Bytes outstanding are not counted. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "pubsub/internal.h"

#define DEADLINE_LEAST 10
#define DEADLINE_MOST  600
#define BATCH          100 /* messages of one answer */

struct pull_stream {
    char *subscription; /* NULL: nothing was asked yet */
    int lease_s;
    int64_t most; /* messages that the client holds at a time; 0: no limit */
    bool answers_life;
    bool answer_due;
    char **held; /* ack ids */
    size_t held_count;
};

struct pull_stream *stream_new(void)
{
    return mem_zero(1, sizeof(struct pull_stream));
}

void stream_free(struct pull_stream *stream)
{
    if (!stream) return;
    for (size_t i = 0; i < stream->held_count; i++)
        free(stream->held[i]);
    free(stream->held);
    free(stream->subscription);
    free(stream);
}

/* ---- requests ---- */

static bool check_deadline(struct procedure *procedure, int seconds, int least)
{
    bool valid = seconds >= least && seconds <= DEADLINE_MOST;
    if (!valid)
        procedure_refuse(procedure, GRPC_STATUS_INVALID_ARGUMENT,
                         "Invalid ack deadline given: %d. It must be %d to %d s.", seconds, least,
                         DEADLINE_MOST);
    return valid;
}

static void open_stream(struct procedure *procedure, const Google__Pubsub__V1__StreamingPullRequest *request)
{
    struct pull_stream *stream = procedure->stream;
    AUTO(buf_done) struct buf settings = {0};
    buf_init(&settings, 64 * 1024);
    if (!procedure_check_name(procedure, request->subscription, "subscriptions") ||
        !check_deadline(procedure, request->stream_ack_deadline_seconds, DEADLINE_LEAST))
        return;
    procedure_conclude(procedure,
                       broker_find_subscription(procedure->pubsub->broker, request->subscription, &settings),
                       request->subscription);
    if (procedure->status != GRPC_STATUS_OK) return;
    stream->subscription = mem_text(request->subscription);
    stream->lease_s = request->stream_ack_deadline_seconds;
    stream->most = request->max_outstanding_messages > 0 ? request->max_outstanding_messages : 0;
    stream->answers_life = request->protocol_version >= 1;
    json_object_set_new(procedure->detail, "subscription", json_string(request->subscription));
}

/* Some fields may stand in the first request of a stream only. */
static bool check_next(struct procedure *procedure, const Google__Pubsub__V1__StreamingPullRequest *request)
{
    const char *problem = NULL;
    if (*request->subscription || *request->client_id || request->max_outstanding_messages != 0 ||
        request->max_outstanding_bytes != 0 || request->protocol_version != 0)
        problem = "Only the first request of a stream may name the subscription, the client and limits.";
    if (problem) procedure_refuse(procedure, GRPC_STATUS_INVALID_ARGUMENT, "%s", problem);
    return !problem;
}

/* Consecutive ids with the same seconds would be one call; one by one is as good here. */
static void modify(struct procedure *procedure, const Google__Pubsub__V1__StreamingPullRequest *request,
                   int64_t now_us, json_t *ids)
{
    for (size_t i = 0; i < request->n_modify_deadline_ack_ids && procedure->status == GRPC_STATUS_OK; i++) {
        int seconds = request->modify_deadline_seconds[i];
        struct ack_ids one = {.ids = &request->modify_deadline_ack_ids[i], .count = 1};
        if (!check_deadline(procedure, seconds, 0)) return;
        procedure_conclude(procedure,
                           broker_modify(procedure->pubsub->broker, procedure->stream->subscription, one,
                                         seconds, now_us, ids),
                           procedure->stream->subscription);
    }
}

static void settle(struct procedure *procedure, const Google__Pubsub__V1__StreamingPullRequest *request,
                   int64_t now_us)
{
    AUTO(json_drop) json_t *ids = json_array(); /* acknowledged or modified: the broker's report shows them */
    if (request->n_modify_deadline_seconds != request->n_modify_deadline_ack_ids) {
        procedure_refuse(procedure, GRPC_STATUS_INVALID_ARGUMENT,
                         "There must be as many deadlines as ids of them.");
        return;
    }
    if (request->stream_ack_deadline_seconds != 0 &&
        !check_deadline(procedure, request->stream_ack_deadline_seconds, DEADLINE_LEAST))
        return;
    if (request->stream_ack_deadline_seconds != 0)
        procedure->stream->lease_s = request->stream_ack_deadline_seconds;
    if (request->n_ack_ids > 0) {
        struct ack_ids all = {.ids = request->ack_ids, .count = request->n_ack_ids};
        procedure_conclude(
            procedure,
            broker_acknowledge(procedure->pubsub->broker, procedure->stream->subscription, all, now_us, ids),
            procedure->stream->subscription);
    }
    if (procedure->status == GRPC_STATUS_OK) modify(procedure, request, now_us, ids);
}

void stream_receive(struct procedure *procedure, int64_t now_us)
{
    struct pull_stream *stream = procedure->stream;
    Google__Pubsub__V1__StreamingPullRequest *request = google__pubsub__v1__streaming_pull_request__unpack(
        NULL, procedure->request.size, (const uint8_t *)buf_string(&procedure->request));
    if (!request) {
        procedure_refuse(procedure, GRPC_STATUS_INTERNAL, "Failed to parse the request.");
        return;
    }
    bool first = !stream->subscription;
    if (first)
        open_stream(procedure, request);
    else
        (void)check_next(procedure, request); /* the status tells */
    if (procedure->status == GRPC_STATUS_OK) settle(procedure, request, now_us);
    stream->answer_due = stream->answers_life && !first;
    google__pubsub__v1__streaming_pull_request__free_unpacked(request, NULL);
}

/* ---- telling ---- */

static void hold(struct pull_stream *stream, const struct buf *response)
{
    Google__Pubsub__V1__PullResponse *pulled = google__pubsub__v1__pull_response__unpack(
        NULL, response->size, (const uint8_t *)buf_string(response));
    size_t count = pulled ? pulled->n_received_messages : 0;
    if (count > 0) stream->held = mem_grow(stream->held, stream->held_count + count, sizeof *stream->held);
    for (size_t i = 0; i < count; i++)
        stream->held[stream->held_count++] = mem_text(pulled->received_messages[i]->ack_id);
    google__pubsub__v1__pull_response__free_unpacked(pulled, NULL);
}

/* The bytes of a PullResponse are those of a StreamingPullResponse: field 1 is the same. */
bool stream_next_reply(struct procedure *procedure, int64_t now_us)
{
    struct pull_stream *stream = procedure->stream;
    struct broker *broker = procedure->pubsub->broker;
    if (!stream->subscription) return false;
    stream->held_count =
        broker_still_leased(broker, stream->subscription, stream->held, stream->held_count, now_us);
    int64_t room = stream->most == 0 ? BATCH : stream->most - (int64_t)stream->held_count;
    struct pulling pulling = {.subscription = stream->subscription,
                              .most = room > BATCH ? BATCH
                                      : room > 0   ? (size_t)room
                                                   : 0,
                              .lease_s = stream->lease_s};
    json_t *ids = json_array();
    if (pulling.most > 0)
        (void)broker_pull(broker, &pulling, now_us, &procedure->reply, ids); /* gone: nothing */
    bool any = json_array_size(ids) > 0;
    json_object_set_new(procedure->detail, "messages", ids);
    if (any) {
        hold(stream, &procedure->reply);
        procedure_write_journal(procedure, now_us);
    }
    bool tell = any || stream->answer_due;
    stream->answer_due = false;
    return tell;
}
