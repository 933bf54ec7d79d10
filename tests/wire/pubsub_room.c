#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "google/pubsub/v1/pubsub.pb-c.h"
#include "pubsub/pubsub.h"
#include "pubsub_room.h"

#define REPLY_LIMIT (16 * 1024 * 1024)

static char *target_of(const struct room *room)
{
    return mem_format("127.0.0.1:%d", pubsub_port(room->sandbox.pubsub));
}

void room_open(struct room *room, json_t *settings)
{
    struct error err = {0};
    *room = (struct room){.trigger = NULL};
    room->sandbox.clock = virtual_clock_new(ROOM_START_US);
    room->sandbox.journal = journal_new();
    room->sandbox.faults = faults_new();
    room->sandbox.pubsub = pubsub_start(&room->sandbox, 0, &err);
    if (!room->sandbox.pubsub) fail_msg("%s", err.text);
    pubsub_make(room->sandbox.pubsub, ROOM_PROJECT, "caseload", settings);
    json_decref(settings);
    room->trigger = room_client(room, ROOM_SUBSCRIPTION, &room->stop);
    AUTO(mem_free) char *target = target_of(room);
    struct rpc_settings voice = {.target = target, .plaintext = true};
    assert_true(rpc_new(&voice, &room->rpc, &err));
}

void room_close(struct room *room)
{
    room->trigger->ops->free(room->trigger);
    rpc_free(room->rpc);
    pubsub_stop(room->sandbox.pubsub);
    faults_free(room->sandbox.faults);
    journal_free(room->sandbox.journal);
    virtual_clock_free(room->sandbox.clock);
}

struct trigger *room_client(struct room *room, const char *subscription, const atomic_bool *stop)
{
    struct error err = {0};
    struct trigger *trigger = NULL;
    AUTO(mem_free) char *target = target_of(room);
    struct pubsub_settings settings = {.target = target,
                                       .plaintext = true,
                                       .subscription = subscription,
                                       .user_agent = "caseload-test",
                                       .lease_s = 60,
                                       .stop = stop};
    if (!pubsub_new(&settings, &trigger, &err)) fail_msg("%s", err.text);
    return trigger;
}

char *room_publish(struct room *room, const char *data)
{
    return pubsub_publish(room->sandbox.pubsub, ROOM_PROJECT, "caseload", data, strlen(data), NULL);
}

void room_fault(struct room *room, const char *line)
{
    struct error err = {0};
    if (!faults_add(room->sandbox.faults, line, &err)) fail_msg("%s", err.text);
}

void room_advance(struct room *room, int seconds)
{
    virtual_clock_advance(room->sandbox.clock, seconds * INT64_C(1000000));
}

size_t room_count(struct room *room, const char *operation)
{
    AUTO(buf_done) struct buf lines = {0};
    AUTO(mem_free) char *wanted = mem_format("\"operation\":\"%s\"", operation);
    size_t count = 0;
    buf_init(&lines, REPLY_LIMIT);
    journal_dump(room->sandbox.journal, "pubsub", 0, &lines);
    for (const char *at = buf_string(&lines); (at = strstr(at, wanted)); at += strlen(wanted))
        count++;
    return count;
}

const json_t *room_message(struct room *room, const char *id, json_t **out_report)
{
    *out_report = pubsub_report(room->sandbox.pubsub);
    const json_t *messages = json_object_get(*out_report, "messages");
    for (size_t i = 0; i < json_array_size(messages); i++) {
        const json_t *message = json_array_get(messages, i);
        if (strcmp(json_string_value(json_object_get(message, "id")), id) == 0) return message;
    }
    fail_msg("no message %s", id);
    return NULL;
}

bool room_pull_now(struct room *room, struct delivery *out_delivery)
{
    Google__Pubsub__V1__PullRequest request;
    uint8_t bytes[256];
    char detail[256], name[] = ROOM_SUBSCRIPTION;
    AUTO(buf_done) struct buf reply = {0};
    google__pubsub__v1__pull_request__init(&request);
    request.subscription = name;
    request.max_messages = 1;
    request.return_immediately = 1;
    struct rpc_call call = {.method = "/google.pubsub.v1.Subscriber/Pull",
                            .request = bytes,
                            .request_size = google__pubsub__v1__pull_request__pack(&request, bytes),
                            .deadline_ms = 20000};
    buf_init(&reply, REPLY_LIMIT);
    assert_int_equal(rpc_unary(room->rpc, &call, &reply, detail, sizeof detail), RPC_OK);
    Google__Pubsub__V1__PullResponse *response =
        google__pubsub__v1__pull_response__unpack(NULL, reply.size, (const uint8_t *)buf_string(&reply));
    assert_non_null(response);
    assert_true(response->n_received_messages <= 1);
    *out_delivery = (struct delivery){0};
    bool any = response->n_received_messages == 1;
    if (any) {
        const Google__Pubsub__V1__ReceivedMessage *received = response->received_messages[0];
        out_delivery->ack_id = mem_text(received->ack_id);
        out_delivery->message_id = mem_text(received->message->message_id);
        out_delivery->attempt = received->delivery_attempt;
    }
    google__pubsub__v1__pull_response__free_unpacked(response, NULL);
    return any;
}
