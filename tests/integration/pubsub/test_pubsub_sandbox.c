/* SPDX-License-Identifier: Apache-2.0 */
/* Is the sandbox's Pub/Sub as strict as the real one? Asked in plain calls, as any client could. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "google/pubsub/v1/pubsub.pb-c.h"
#include "pubsub_fixture.h"

#define SUBSCRIBER "/google.pubsub.v1.Subscriber/"
#define PUBLISHER  "/google.pubsub.v1.Publisher/"

static int set_up(void **state)
{
    struct fixture *fixture = mem_zero(1, sizeof *fixture);
    fixture_open(fixture, json_pack("{s:i, s:i}", "ack_deadline_seconds", 20, "max_delivery_attempts", 5));
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    fixture_close(*state);
    free(*state);
    return 0;
}

/* The answer is yours. */
static enum rpc_status ask(struct fixture *fixture, const char *method, const ProtobufCMessage *request,
                           struct buf *out)
{
    AUTO(mem_free) uint8_t *bytes = mem_zero(protobuf_c_message_get_packed_size(request) + 1, 1);
    char detail[256];
    struct rpc_call call = {.method = method,
                            .request = bytes,
                            .request_size = protobuf_c_message_pack(request, bytes),
                            .deadline_ms = 20000};
    buf_done(out);
    buf_init(out, 1024 * 1024);
    return rpc_unary(fixture->rpc, &call, out, detail, sizeof detail);
}

static enum rpc_status ask_only(struct fixture *fixture, const char *method, const ProtobufCMessage *request)
{
    AUTO(buf_done) struct buf reply = {0};
    return ask(fixture, method, request, &reply);
}

static enum rpc_status modify(struct fixture *fixture, const char *ack_id, int seconds)
{
    char name[] = ROOM_SUBSCRIPTION;
    AUTO(mem_free) char *id = mem_text(ack_id);
    Google__Pubsub__V1__ModifyAckDeadlineRequest request;
    google__pubsub__v1__modify_ack_deadline_request__init(&request);
    request.subscription = name;
    request.ack_deadline_seconds = seconds;
    request.ack_ids = &id;
    request.n_ack_ids = 1;
    return ask_only(fixture, SUBSCRIBER "ModifyAckDeadline", &request.base);
}

static enum rpc_status acknowledge(struct fixture *fixture, const char *ack_id)
{
    char name[] = ROOM_SUBSCRIPTION;
    AUTO(mem_free) char *id = mem_text(ack_id);
    Google__Pubsub__V1__AcknowledgeRequest request;
    google__pubsub__v1__acknowledge_request__init(&request);
    request.subscription = name;
    request.ack_ids = &id;
    request.n_ack_ids = ack_id ? 1 : 0;
    return ask_only(fixture, SUBSCRIBER "Acknowledge", &request.base);
}

static void deadlines_have_bounds(void **state)
{
    struct fixture *fixture = *state;
    free(fixture_publish(fixture, "x"));
    AUTO(delivery_done) struct delivery delivery = {0};
    assert_true(fixture_pull_now(fixture, &delivery));
    assert_int_equal(modify(fixture, delivery.ack_id, 601), RPC_INVALID_ARGUMENT);
    assert_int_equal(modify(fixture, delivery.ack_id, -1), RPC_INVALID_ARGUMENT);
    assert_int_equal(modify(fixture, delivery.ack_id, 600), RPC_OK);
}

static void ack_ids_are_checked(void **state)
{
    struct fixture *fixture = *state;
    static const char *const garbage[] = {"",          "x",          "ack",       "ack-1",
                                          "ack-1-0",   "ack-1-0-0",  "ack-1-0-2", "ack-2-9-1",
                                          "ack-9-0-1", "ack-2-0-1x", "ack--1-0-1"};
    free(fixture_publish(fixture, "x"));
    AUTO(delivery_done) struct delivery first = {0}, second = {0};
    assert_true(fixture_pull_now(fixture, &first));
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        assert_int_equal(acknowledge(fixture, garbage[i]), RPC_INVALID_ARGUMENT);
        assert_int_equal(modify(fixture, garbage[i], 30), RPC_INVALID_ARGUMENT);
    }
    assert_int_equal(acknowledge(fixture, NULL), RPC_INVALID_ARGUMENT);
    fixture_advance(fixture, 20);
    assert_true(fixture_pull_now(fixture, &second));
    assert_int_equal(acknowledge(fixture, first.ack_id), RPC_OK); /* stale */
    assert_int_equal(modify(fixture, first.ack_id, 0), RPC_OK);
    AUTO(delivery_done) struct delivery none = {0};
    assert_false(fixture_pull_now(fixture, &none)); /* so that did nothing */
    assert_int_equal(acknowledge(fixture, second.ack_id), RPC_OK);
    assert_int_equal(acknowledge(fixture, second.ack_id), RPC_OK); /* twice is no error */
}

static enum rpc_status publish(struct fixture *fixture, char *topic, const char *data, char *key)
{
    Google__Pubsub__V1__PublishRequest request;
    Google__Pubsub__V1__PubsubMessage message, *list = &message;
    Google__Pubsub__V1__PubsubMessage__AttributesEntry entry, *entries = &entry;
    AUTO(mem_free) char *bytes = mem_text(data);
    google__pubsub__v1__publish_request__init(&request);
    google__pubsub__v1__pubsub_message__init(&message);
    google__pubsub__v1__pubsub_message__attributes_entry__init(&entry);
    message.data = (ProtobufCBinaryData){.len = strlen(data), .data = (uint8_t *)bytes};
    entry.key = key;
    message.attributes = &entries;
    message.n_attributes = key ? 1 : 0;
    request.topic = topic;
    request.messages = &list;
    request.n_messages = 1;
    return ask_only(fixture, PUBLISHER "Publish", &request.base);
}

static void messages_are_checked(void **state)
{
    struct fixture *fixture = *state;
    char nowhere[] = "projects/acme/topics/nowhere", malformed[] = "caseload", key[] = "from";
    char topic[] = ROOM_TOPIC, reserved[] = "googclient_x", empty[] = "";
    assert_int_equal(publish(fixture, topic, "", NULL), RPC_INVALID_ARGUMENT);
    assert_int_equal(publish(fixture, topic, "x", reserved), RPC_INVALID_ARGUMENT);
    assert_int_equal(publish(fixture, topic, "x", empty), RPC_INVALID_ARGUMENT);
    assert_int_equal(publish(fixture, nowhere, "x", NULL), RPC_NOT_FOUND);
    assert_int_equal(publish(fixture, malformed, "x", NULL), RPC_INVALID_ARGUMENT);
    assert_int_equal(publish(fixture, topic, "", key), RPC_OK);
    assert_int_equal(publish(fixture, topic, "x", NULL), RPC_OK);
    AUTO(delivery_done) struct delivery first = {0}, second = {0}, third = {0};
    assert_true(fixture_pull_now(fixture, &first));
    assert_true(fixture_pull_now(fixture, &second));
    assert_false(fixture_pull_now(fixture, &third));
    assert_true(atoll(first.message_id) < atoll(second.message_id));
}

static void unknown_methods_are_answered(void **state)
{
    struct fixture *fixture = *state;
    Google__Pubsub__V1__SeekResponse nothing;
    google__pubsub__v1__seek_response__init(&nothing);
    assert_int_equal(ask_only(fixture, SUBSCRIBER "ListSubscriptions", &nothing.base), RPC_UNIMPLEMENTED);
    assert_int_equal(ask_only(fixture, SUBSCRIBER "Pull", &nothing.base), RPC_INVALID_ARGUMENT);
}

static void topics_and_subscriptions_come_and_go(void **state)
{
    struct fixture *fixture = *state;
    char name[] = "projects/acme/subscriptions/another", topic[] = "projects/acme/topics/another";
    Google__Pubsub__V1__Topic new_topic;
    Google__Pubsub__V1__Subscription wanted;
    Google__Pubsub__V1__GetSubscriptionRequest get;
    Google__Pubsub__V1__DeleteSubscriptionRequest drop;
    google__pubsub__v1__topic__init(&new_topic);
    google__pubsub__v1__subscription__init(&wanted);
    google__pubsub__v1__get_subscription_request__init(&get);
    google__pubsub__v1__delete_subscription_request__init(&drop);
    new_topic.name = wanted.topic = topic;
    wanted.name = get.subscription = drop.subscription = name;

    assert_int_equal(ask_only(fixture, SUBSCRIBER "GetSubscription", &get.base), RPC_NOT_FOUND);
    assert_int_equal(ask_only(fixture, SUBSCRIBER "CreateSubscription", &wanted.base),
                     RPC_NOT_FOUND); /* no topic */
    assert_int_equal(ask_only(fixture, PUBLISHER "CreateTopic", &new_topic.base), RPC_OK);
    assert_int_equal(ask_only(fixture, PUBLISHER "CreateTopic", &new_topic.base), RPC_ALREADY_EXISTS);
    wanted.ack_deadline_seconds = 9;
    assert_int_equal(ask_only(fixture, SUBSCRIBER "CreateSubscription", &wanted.base), RPC_INVALID_ARGUMENT);
    wanted.ack_deadline_seconds = 0;
    assert_int_equal(ask_only(fixture, SUBSCRIBER "CreateSubscription", &wanted.base), RPC_OK);
    assert_int_equal(ask_only(fixture, SUBSCRIBER "CreateSubscription", &wanted.base), RPC_ALREADY_EXISTS);

    AUTO(buf_done) struct buf reply = {0};
    assert_int_equal(ask(fixture, SUBSCRIBER "GetSubscription", &get.base, &reply), RPC_OK);
    Google__Pubsub__V1__Subscription *found =
        google__pubsub__v1__subscription__unpack(NULL, reply.size, (const uint8_t *)buf_string(&reply));
    assert_non_null(found);
    assert_int_equal(found->ack_deadline_seconds, 10); /* the default */
    google__pubsub__v1__subscription__free_unpacked(found, NULL);
    assert_int_equal(ask_only(fixture, SUBSCRIBER "DeleteSubscription", &drop.base), RPC_OK);
    assert_int_equal(ask_only(fixture, SUBSCRIBER "GetSubscription", &get.base), RPC_NOT_FOUND);
}

static void after_five_attempts_it_is_dead(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mem_free) char *id = fixture_publish(fixture, "x");
    for (int attempt = 1; attempt <= 5; attempt++) {
        AUTO(delivery_done) struct delivery delivery = {0};
        assert_true(fixture_pull_now(fixture, &delivery));
        assert_int_equal(delivery.attempt, attempt);
        if (attempt % 2)
            assert_int_equal(modify(fixture, delivery.ack_id, 0), RPC_OK);
        else
            fixture_advance(fixture, 20); /* a lapsed lease counts like a nack */
    }
    AUTO(delivery_done) struct delivery none = {0};
    assert_false(fixture_pull_now(fixture, &none));
    AUTO(json_drop) json_t *report = NULL;
    assert_string_equal(json_text_at(fixture_message(fixture, id, &report), "state"), "dead");
    const json_t *copy = json_array_get(json_object_get(report, "messages"), 0);
    assert_string_equal(json_text_at(copy, "subscription"), "caseload-dead");
    assert_string_equal(json_text_at(copy, "state"), "waiting");
}

static enum rpc_status seek(struct fixture *fixture, int64_t seconds)
{
    char name[] = ROOM_SUBSCRIPTION;
    Google__Pubsub__V1__SeekRequest request;
    Google__Protobuf__Timestamp time;
    google__pubsub__v1__seek_request__init(&request);
    google__protobuf__timestamp__init(&time);
    time.seconds = seconds;
    request.subscription = name;
    request.target_case = GOOGLE__PUBSUB__V1__SEEK_REQUEST__TARGET_TIME;
    request.time = &time;
    return ask_only(fixture, SUBSCRIBER "Seek", &request.base);
}

static void seeking_brings_back_and_takes_away(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mem_free) char *id = fixture_publish(fixture, "x");
    AUTO(delivery_done) struct delivery first = {0}, again = {0}, none = {0};
    assert_true(fixture_pull_now(fixture, &first));
    assert_int_equal(acknowledge(fixture, first.ack_id), RPC_OK);
    assert_int_equal(seek(fixture, ROOM_START_US / 1000000), RPC_OK);
    assert_true(fixture_pull_now(fixture, &again));
    assert_string_equal(again.message_id, id);
    assert_int_equal(seek(fixture, ROOM_START_US / 1000000 + 3600), RPC_OK);
    fixture_advance(fixture, 86400);
    assert_false(fixture_pull_now(fixture, &none));
}

/* Retry policy 10 s, doubled, up to 25 s: it comes on top of what a nack says. */
static void a_retry_policy_spaces_deliveries(void **state)
{
    struct fixture *fixture = *state;
    char name[] = ROOM_SUBSCRIPTION, topic[] = ROOM_TOPIC;
    Google__Pubsub__V1__DeleteSubscriptionRequest drop;
    Google__Pubsub__V1__Subscription wanted;
    Google__Pubsub__V1__RetryPolicy policy;
    Google__Protobuf__Duration least, most;
    google__pubsub__v1__delete_subscription_request__init(&drop);
    google__pubsub__v1__subscription__init(&wanted);
    google__pubsub__v1__retry_policy__init(&policy);
    google__protobuf__duration__init(&least);
    google__protobuf__duration__init(&most);
    least.seconds = 10;
    most.seconds = 25;
    policy.minimum_backoff = &least;
    policy.maximum_backoff = &most;
    wanted.name = drop.subscription = name;
    wanted.topic = topic;
    wanted.retry_policy = &policy;
    assert_int_equal(ask_only(fixture, SUBSCRIBER "DeleteSubscription", &drop.base), RPC_OK);
    assert_int_equal(ask_only(fixture, SUBSCRIBER "CreateSubscription", &wanted.base), RPC_OK);
    static const int waits_s[] = {10, 20, 25, 25};
    free(fixture_publish(fixture, "x"));
    for (size_t i = 0; i < sizeof waits_s / sizeof *waits_s; i++) {
        AUTO(delivery_done) struct delivery delivery = {0}, none = {0};
        assert_true(fixture_pull_now(fixture, &delivery));
        assert_int_equal(delivery.attempt, 0); /* attempts are counted with a dead-letter policy only */
        assert_int_equal(modify(fixture, delivery.ack_id, 0), RPC_OK);
        fixture_advance(fixture, waits_s[i] - 1);
        assert_false(fixture_pull_now(fixture, &none));
        fixture_advance(fixture, 1);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(deadlines_have_bounds),
        TEST(ack_ids_are_checked),
        TEST(messages_are_checked),
        TEST(unknown_methods_are_answered),
        TEST(topics_and_subscriptions_come_and_go),
        TEST(after_five_attempts_it_is_dead),
        TEST(seeking_brings_back_and_takes_away),
        TEST(a_retry_policy_spaces_deliveries),
    };
    return cmocka_run_group_tests_name("pubsub_sandbox", tests, NULL, NULL);
}
