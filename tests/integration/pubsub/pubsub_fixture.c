/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "google/pubsub/v1/pubsub.pb-c.h"
#include "pubsub/pubsub.h"
#include "pubsub_fixture.h"

#define REPLY_LIMIT (16 * 1024 * 1024)

static char *target_of(const struct fixture *fixture)
{
    return mem_format("127.0.0.1:%d", pubsub_port(fixture->sandbox.pubsub));
}

void fixture_open(struct fixture *fixture, json_t *settings)
{
    struct error err = {0};
    *fixture = (struct fixture){.trigger = NULL};
    fixture->sandbox.clock = virtual_clock_new(ROOM_START_US);
    fixture->sandbox.journal = journal_new();
    fixture->sandbox.faults = faults_new();
    struct pubsub_options options = {.clock = fixture->sandbox.clock,
                                     .journal = fixture->sandbox.journal,
                                     .faults = fixture->sandbox.faults};
    fixture->sandbox.pubsub = pubsub_start(&options, &err);
    if (!fixture->sandbox.pubsub) fail_msg("%s", err.text);
    pubsub_make(fixture->sandbox.pubsub, ROOM_PROJECT, "caseload", settings);
    json_decref(settings);
    fixture->trigger = fixture_client(fixture, ROOM_SUBSCRIPTION, &fixture->stop);
    AUTO(mem_free) char *target = target_of(fixture);
    struct rpc_settings voice = {.target = target, .plaintext = true};
    assert_true(rpc_new(&voice, &fixture->rpc, &err));
}

void fixture_close(struct fixture *fixture)
{
    fixture->trigger->ops->free(fixture->trigger);
    rpc_free(fixture->rpc);
    pubsub_stop(fixture->sandbox.pubsub);
    faults_free(fixture->sandbox.faults);
    journal_free(fixture->sandbox.journal);
    virtual_clock_free(fixture->sandbox.clock);
}

struct trigger *fixture_client(struct fixture *fixture, const char *subscription, const atomic_bool *stop)
{
    struct error err = {0};
    struct trigger *trigger = NULL;
    AUTO(mem_free) char *target = target_of(fixture);
    struct pubsub_settings settings = {.target = target,
                                       .plaintext = true,
                                       .subscription = subscription,
                                       .user_agent = "caseload-test",
                                       .lease_s = 60,
                                       .stop = stop};
    if (!pubsub_new(&settings, &trigger, &err)) fail_msg("%s", err.text);
    return trigger;
}

char *fixture_publish(struct fixture *fixture, const char *data)
{
    return pubsub_publish(fixture->sandbox.pubsub, ROOM_PROJECT, "caseload", data, strlen(data), NULL);
}

void fixture_fault(struct fixture *fixture, const char *line)
{
    struct error err = {0};
    if (!faults_add(fixture->sandbox.faults, line, &err)) fail_msg("%s", err.text);
}

void fixture_advance(struct fixture *fixture, int seconds)
{
    virtual_clock_advance(fixture->sandbox.clock, seconds * INT64_C(1000000));
}

size_t fixture_count(struct fixture *fixture, const char *operation)
{
    AUTO(buf_done) struct buf lines = {0};
    AUTO(mem_free) char *wanted = mem_format("\"operation\":\"%s\"", operation);
    size_t count = 0;
    buf_init(&lines, REPLY_LIMIT);
    journal_dump(fixture->sandbox.journal, "pubsub", 0, &lines);
    for (const char *at = buf_string(&lines); (at = strstr(at, wanted)); at += strlen(wanted))
        count++;
    return count;
}

const json_t *fixture_message(struct fixture *fixture, const char *id, json_t **out_report)
{
    *out_report = pubsub_report(fixture->sandbox.pubsub);
    const json_t *messages = json_object_get(*out_report, "messages");
    for (size_t i = 0; i < json_array_size(messages); i++) {
        const json_t *message = json_array_get(messages, i);
        if (strcmp(json_string_value(json_object_get(message, "id")), id) == 0) return message;
    }
    fail_msg("no message %s", id);
    return NULL;
}

bool fixture_pull_now(struct fixture *fixture, struct delivery *out_delivery)
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
    assert_int_equal(rpc_unary(fixture->rpc, &call, &reply, detail, sizeof detail), RPC_OK);
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
