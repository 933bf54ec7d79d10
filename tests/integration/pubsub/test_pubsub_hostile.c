/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to a pull that no honest server gives: the client must neither fall nor believe them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "google/pubsub/v1/pubsub.pb-c.h"
#include "grpc_stub.h"
#include "pubsub/pubsub.h"
#include "receive.h"

#define ROUNDS       20000
#define MANY         150
#define SUBSCRIPTION "projects/acme/subscriptions/caseload"

struct made {
    Google__Pubsub__V1__PubsubMessage message;
    Google__Pubsub__V1__PubsubMessage__AttributesEntry entries[MANY], *entry_list[MANY];
    Google__Protobuf__Timestamp time;
    Google__Pubsub__V1__ReceivedMessage received;
    char ack_id[32], message_id[32];
    uint8_t data[4];
};

/* A message that is as it should be; callers spoil it. */
static void make(struct made *made, const char *ack_id, const char *message_id)
{
    memset(made, 0, sizeof *made);
    google__pubsub__v1__pubsub_message__init(&made->message);
    google__protobuf__timestamp__init(&made->time);
    google__pubsub__v1__received_message__init(&made->received);
    memcpy(made->ack_id, ack_id, strlen(ack_id) + 1);
    memcpy(made->message_id, message_id, strlen(message_id) + 1);
    memcpy(made->data, "data", sizeof made->data);
    made->time.seconds = 1772424000;
    made->time.nanos = 5000;
    made->message.data = (ProtobufCBinaryData){.len = sizeof made->data, .data = made->data};
    made->message.message_id = made->message_id;
    made->message.publish_time = &made->time;
    made->message.attributes = made->entry_list;
    made->received.ack_id = made->ack_id;
    made->received.message = &made->message;
}

static void add(struct made *made, char *key, char *value)
{
    size_t count = made->message.n_attributes++;
    google__pubsub__v1__pubsub_message__attributes_entry__init(&made->entries[count]);
    made->entries[count].key = key;
    made->entries[count].value = value;
    made->entry_list[count] = &made->entries[count];
}

static void pack(struct made *const *made, size_t count, struct buf *out)
{
    Google__Pubsub__V1__ReceivedMessage *list[4];
    Google__Pubsub__V1__PullResponse response;
    google__pubsub__v1__pull_response__init(&response);
    for (size_t i = 0; i < count; i++)
        list[i] = &made[i]->received;
    response.received_messages = list;
    response.n_received_messages = count;
    size_t size = google__pubsub__v1__pull_response__get_packed_size(&response);
    AUTO(mem_free) uint8_t *bytes = mem_zero(size + 1, 1);
    google__pubsub__v1__pull_response__pack(&response, bytes);
    buf_init(out, 1024 * 1024);
    assert_true(buf_add(out, bytes, size));
}

static void random_bytes_do_no_harm(void **state)
{
    (void)state;
    uint64_t seed = 1;
    AUTO(buf_done) struct buf honest = {0};
    struct made made;
    char key[] = "streams", value[] = "contacts";
    make(&made, "ack", "1001");
    add(&made, key, value);
    pack((struct made *const[]){&made}, 1, &honest);
    for (int round = 0; round < ROUNDS; round++) {
        AUTO(mem_free) char *bytes = mem_bytes(honest.data, honest.size);
        size_t size = honest.size;
        for (int i = 0; i <= round % 5; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1;
            bytes[(seed >> 40) % size] = (char)(seed >> 33);
        }
        if (round % 3 == 0) size = (size_t)(seed >> 35) % size;
        AUTO(received_done) struct received received;
        struct error err = {0};
        bool read = received_read(bytes, size, &received, &err);
        assert_true(read || err.kind == ERROR_FORMAT);
        assert_true(read || !received.any);
        if (received.any) assert_true(received.delivery.ack_id[0] && received.delivery.message_id[0]);
    }
}

/* Repaired and not dropped: "from" with a bad byte must be refused later, not overlooked. */
static void attributes_become_utf8(void **state)
{
    (void)state;
    static const struct {
        char in[16];
        const char *out;
    } cases[] = {
        {"plain", "plain"},
        {"\xE2\x82\xAC", "\xE2\x82\xAC"},
        {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"},
        {"2026\xFF", "2026\xEF\xBF\xBD"},
        {"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},                                 /* overlong */
        {"\xE0\x80\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},                 /* overlong */
        {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},                 /* a surrogate */
        {"\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, /* beyond U+10FFFF */
        {"\xE2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD"},                                 /* cut */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct made made;
        struct error err = {0};
        char key[] = "from", value[16];
        AUTO(buf_done) struct buf bytes = {0};
        memcpy(value, cases[i].in, sizeof value);
        make(&made, "ack", "1001");
        add(&made, key, value);
        pack((struct made *const[]){&made}, 1, &bytes);
        AUTO(received_done) struct received received;
        assert_true(received_read(bytes.data, bytes.size, &received, &err));
        assert_int_equal(received.delivery.attribute_count, 1);
        assert_string_equal(received.delivery.attributes[0].value, cases[i].out);
    }
}

static void the_last_of_equal_attributes_counts(void **state)
{
    (void)state;
    struct made made;
    struct error err = {0};
    char key[] = "from", same[] = "from", first[] = "2026-01-01", last[] = "2026-02-02";
    AUTO(buf_done) struct buf bytes = {0};
    make(&made, "ack", "1001");
    add(&made, key, first);
    add(&made, same, last);
    pack((struct made *const[]){&made}, 1, &bytes);
    AUTO(received_done) struct received received;
    assert_true(received_read(bytes.data, bytes.size, &received, &err));
    assert_int_equal(received.delivery.attribute_count, 1);
    assert_string_equal(received.delivery.attributes[0].value, last);
}

static void assert_unusable(struct made *made)
{
    struct error err = {0};
    AUTO(buf_done) struct buf bytes = {0};
    pack((struct made *const[]){made}, 1, &bytes);
    AUTO(received_done) struct received received;
    assert_false(received_read(bytes.data, bytes.size, &received, &err));
    assert_int_equal(err.kind, ERROR_FORMAT);
    assert_false(received.any);
}

static void what_can_not_be_acknowledged_is_no_delivery(void **state)
{
    (void)state;
    struct made made;
    char key[] = "k", value[] = "v";
    make(&made, "", "1001");
    assert_unusable(&made);
    make(&made, "ack", "");
    assert_unusable(&made);
    make(&made, "ack", "10\n01");
    assert_unusable(&made);
    make(&made, "ack", "1001");
    made.received.message = NULL;
    assert_unusable(&made);
    make(&made, "ack", "1001");
    for (int i = 0; i < MANY; i++)
        add(&made, key, value);
    assert_unusable(&made);
}

static void without_a_time_it_is_never_satisfied(void **state)
{
    (void)state;
    struct made made;
    struct error err = {0};
    AUTO(buf_done) struct buf bytes = {0}, bare = {0};
    AUTO(received_done) struct received received, timeless;
    make(&made, "ack", "1001");
    pack((struct made *const[]){&made}, 1, &bytes);
    assert_true(received_read(bytes.data, bytes.size, &received, &err));
    assert_int_equal(received.delivery.published_us, INT64_C(1772424000000005));
    made.time.seconds = INT64_MAX;
    pack((struct made *const[]){&made}, 1, &bare);
    assert_true(received_read(bare.data, bare.size, &timeless, &err));
    assert_true(timeless.delivery.published_us == INT64_MAX);
}

/* ---- over the wire ---- */

struct script {
    struct buf pulls[3]; /* the answers to the pulls, one after the other; then the last again */
    size_t pulled;
    struct buf modified; /* the last ModifyAckDeadline */
    char routing[128];
};

static void answer(void *self, const struct stub_call *call, struct stub_answer *out_answer)
{
    struct script *script = self;
    if (call->routing)
        memcpy(script->routing, call->routing, strnlen(call->routing, sizeof script->routing - 1));
    if (strstr(call->method, "ModifyAckDeadline")) {
        buf_reset(&script->modified);
        buf_add(&script->modified, call->request, call->request_size);
        return;
    }
    const struct buf *reply = &script->pulls[script->pulled < 2 ? script->pulled : 2];
    script->pulled++;
    out_answer->reply = buf_string(reply);
    out_answer->reply_size = reply->size;
}

static struct trigger *client(struct stub *stub)
{
    struct error err = {0};
    struct trigger *trigger = NULL;
    AUTO(mem_free) char *target = mem_format("127.0.0.1:%d", stub_port(stub));
    struct pubsub_settings settings = {
        .target = target, .plaintext = true, .subscription = SUBSCRIPTION, .lease_s = 60};
    if (!pubsub_new(&settings, &trigger, &err)) fail_msg("%s", err.text);
    return trigger;
}

static void garbage_then_too_much(void **state)
{
    (void)state;
    struct script script = {.pulled = 0};
    struct made first, second;
    struct delivery delivery = {0};
    struct error err = {0};
    bool any = false;
    buf_init(&script.modified, 4096);
    for (int i = 0; i < 2; i++)
        buf_init(&script.pulls[i], 4096);
    assert_true(buf_text(&script.pulls[0], "\xFF\xFF\xFF\xFF garbage"));
    assert_true(buf_text(&script.pulls[1], "\x0A\x7F")); /* cut in the middle */
    make(&first, "ack-one", "1001");
    make(&second, "ack-two", "1002");
    pack((struct made *const[]){&first, &second}, 2, &script.pulls[2]);
    struct stub *stub = stub_start(&(struct stub_settings){.answer = answer, .self = &script});
    struct trigger *trigger = client(stub);

    for (int i = 0; i < 2; i++) {
        assert_true(trigger->ops->next(trigger, &delivery, &any, &err));
        assert_false(any);
    }
    assert_true(trigger->ops->next(trigger, &delivery, &any, &err));
    assert_true(any);
    assert_string_equal(delivery.ack_id, "ack-one");
    trigger->ops->free(trigger);
    stub_stop(stub);

    assert_string_equal(script.routing, "subscription=projects%2Facme%2Fsubscriptions%2Fcaseload");
    Google__Pubsub__V1__ModifyAckDeadlineRequest *returned =
        google__pubsub__v1__modify_ack_deadline_request__unpack(
            NULL, script.modified.size, (const uint8_t *)buf_string(&script.modified));
    assert_non_null(returned);
    assert_int_equal(returned->n_ack_ids, 1);
    assert_string_equal(returned->ack_ids[0], "ack-two");
    assert_int_equal(returned->ack_deadline_seconds, 0);
    google__pubsub__v1__modify_ack_deadline_request__free_unpacked(returned, NULL);
    delivery_done(&delivery);
    for (int i = 0; i < 3; i++)
        buf_done(&script.pulls[i]);
    buf_done(&script.modified);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_bytes_do_no_harm),
        cmocka_unit_test(attributes_become_utf8),
        cmocka_unit_test(the_last_of_equal_attributes_counts),
        cmocka_unit_test(what_can_not_be_acknowledged_is_no_delivery),
        cmocka_unit_test(without_a_time_it_is_never_satisfied),
        cmocka_unit_test(garbage_then_too_much),
    };
    return cmocka_run_group_tests_name("pubsub_hostile", tests, NULL, NULL);
}
