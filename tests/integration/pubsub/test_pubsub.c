/* SPDX-License-Identifier: Apache-2.0 */
/* The real client against the sandbox's Pub/Sub: leases, acknowledgements, and what can go wrong with them.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "pubsub/pubsub.h"
#include "pubsub_fixture.h"

#define WORKERS 20

static int set_up(void **state)
{
    struct fixture *fixture = mem_zero(1, sizeof *fixture);
    fixture_open(fixture, NULL);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    fixture_close(*state);
    free(*state);
    return 0;
}

/* The next message; the test fails if none comes. */
static struct delivery take(struct trigger *trigger)
{
    struct delivery delivery = {0};
    struct error err = {0};
    bool any = false;
    while (!any)
        if (!trigger->ops->next(trigger, &delivery, &any, &err)) fail_msg("%s", err.text);
    return delivery;
}

static void assert_nothing(struct fixture *fixture)
{
    AUTO(delivery_done) struct delivery delivery = {0};
    assert_false(fixture_pull_now(fixture, &delivery));
}

static void assert_state(struct fixture *fixture, const char *id, const char *state)
{
    AUTO(json_drop) json_t *report = NULL;
    assert_string_equal(json_text_at(fixture_message(fixture, id, &report), "state"), state);
}

static void brings_a_message_whole(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};
    const char data[] = "{\"a\":\0\xFF\x01}";
    AUTO(json_drop)
    json_t *attributes = json_pack("{s:s, s:s}", "from", "2026-01-01", "gr\xC3\xBC\xC3\x9F", "\xE2\x82\xAC");
    AUTO(mem_free)
    char *id =
        pubsub_publish(fixture->sandbox.pubsub, ROOM_PROJECT, "caseload", data, sizeof data - 1, attributes);
    int64_t published_us = virtual_clock_peek(fixture->sandbox.clock);

    AUTO(delivery_done) struct delivery delivery = take(fixture->trigger);
    assert_string_equal(delivery.message_id, id);
    assert_int_equal(delivery.published_us, published_us);
    assert_int_equal(delivery.data_size, sizeof data - 1);
    assert_memory_equal(delivery.data, data, sizeof data); /* with the NUL after it */
    assert_int_equal(delivery.attempt, 0);
    assert_int_equal(delivery.attribute_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const char *value = json_string_value(json_object_get(attributes, delivery.attributes[i].key));
        assert_non_null(value);
        assert_string_equal(delivery.attributes[i].value, value);
    }
    assert_state(fixture, id, "leased");
    assert_true(fixture->trigger->ops->ack(fixture->trigger, delivery.ack_id, &err));
    assert_state(fixture, id, "acked");
    fixture_advance(fixture, 86400);
    assert_nothing(fixture);
}

static void an_empty_pull_is_no_error(void **state)
{
    struct fixture *fixture = *state;
    struct delivery delivery = {0};
    struct error err = {0};
    bool any = true;
    fixture_fault(fixture, "pubsub pull 1 refuse 0");
    assert_true(fixture->trigger->ops->next(fixture->trigger, &delivery, &any, &err));
    assert_false(any);
    int64_t began_ms = clock_ms();
    fixture_fault(fixture, "pubsub pull * refuse 4"); /* as an emulator says it */
    for (int i = 0; i < 6; i++) {
        assert_true(fixture->trigger->ops->next(fixture->trigger, &delivery, &any, &err));
        assert_false(any);
    }
    assert_true(clock_ms() - began_ms < 10000); /* as failures they would be waited out, 16 s at the least */
}

static void an_extension_keeps_it(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};
    AUTO(mem_free) char *id = fixture_publish(fixture, "x");
    AUTO(delivery_done) struct delivery first = take(fixture->trigger);
    assert_true(fixture->trigger->ops->extend(fixture->trigger, first.ack_id, 60, &err));
    fixture_advance(fixture, 59);
    assert_nothing(fixture);
    assert_true(fixture->trigger->ops->extend(fixture->trigger, first.ack_id, 60, &err));
    fixture_advance(fixture, 59);
    assert_nothing(fixture);
    fixture_advance(fixture, 1);
    AUTO(delivery_done) struct delivery second = {0};
    assert_true(fixture_pull_now(fixture, &second));
    AUTO(json_drop) json_t *report = NULL;
    const json_t *message = fixture_message(fixture, id, &report);
    assert_int_equal(json_int_at(message, "extends", -1), 2);
    assert_int_equal(json_int_at(message, "deliveries", -1), 2);
    assert_int_equal(json_array_size(json_object_get(message, "nack_delays")), 0);
}

/* 0 would give the message away, and 601 be refused. */
static void an_extension_is_clamped(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};
    free(fixture_publish(fixture, "x"));
    AUTO(delivery_done) struct delivery first = take(fixture->trigger);
    assert_true(fixture->trigger->ops->extend(fixture->trigger, first.ack_id, 0, &err));
    assert_nothing(fixture);
    fixture_advance(fixture, 9);
    assert_true(fixture->trigger->ops->extend(fixture->trigger, first.ack_id, 100000, &err));
    fixture_advance(fixture, 599);
    assert_nothing(fixture);
}

static void an_expired_lease_brings_it_again(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};
    AUTO(mem_free) char *id = fixture_publish(fixture, "x");
    AUTO(delivery_done) struct delivery first = take(fixture->trigger);
    fixture_advance(fixture, 9);
    assert_nothing(fixture);
    fixture_advance(fixture, 1);
    AUTO(delivery_done) struct delivery second = take(fixture->trigger);
    assert_string_equal(second.message_id, first.message_id);
    assert_string_not_equal(second.ack_id, first.ack_id);
    assert_true(
        fixture->trigger->ops->ack(fixture->trigger, first.ack_id, &err)); /* stale: no error, no effect */
    assert_state(fixture, id, "leased");
    assert_true(fixture->trigger->ops->ack(fixture->trigger, second.ack_id, &err));
    assert_state(fixture, id, "acked");
}

static void a_nack_waits_as_long_as_told(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};
    AUTO(mem_free) char *id = fixture_publish(fixture, "x");
    AUTO(delivery_done) struct delivery first = take(fixture->trigger);
    assert_true(fixture->trigger->ops->extend(fixture->trigger, first.ack_id, 60, &err));
    assert_true(fixture->trigger->ops->nack(fixture->trigger, first.ack_id, 40, &err));
    fixture_advance(fixture, 39);
    assert_nothing(fixture);
    fixture_advance(fixture, 1);
    AUTO(delivery_done) struct delivery second = take(fixture->trigger);
    assert_true(fixture->trigger->ops->nack(fixture->trigger, second.ack_id, 0, &err));
    AUTO(delivery_done) struct delivery third = take(fixture->trigger); /* at once */
    assert_string_equal(third.message_id, id);
    AUTO(json_drop) json_t *report = NULL;
    const json_t *delays = json_object_get(fixture_message(fixture, id, &report), "nack_delays");
    assert_int_equal(json_array_size(delays), 2);
    assert_int_equal(json_integer_value(json_array_get(delays, 0)), 40);
    assert_int_equal(json_integer_value(json_array_get(delays, 1)), 0);
}

static void a_lost_answer_to_an_ack_is_asked_again(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};
    AUTO(mem_free) char *id = fixture_publish(fixture, "x");
    AUTO(delivery_done) struct delivery delivery = take(fixture->trigger);
    fixture_fault(fixture, "pubsub acknowledge 1 lose");
    fixture_fault(fixture, "pubsub acknowledge 2 drop after");
    assert_true(fixture->trigger->ops->ack(fixture->trigger, delivery.ack_id, &err));
    assert_int_equal(fixture_count(fixture, "acknowledge"), 3);
    fixture_advance(fixture, 86400);
    assert_nothing(fixture);
    assert_state(fixture, id, "acked");
}

static void a_refused_extension_is_tried_again(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};
    free(fixture_publish(fixture, "x"));
    AUTO(delivery_done) struct delivery delivery = take(fixture->trigger);
    fixture_fault(fixture, "pubsub modifyAckDeadline 1 refuse");
    assert_true(fixture->trigger->ops->extend(fixture->trigger, delivery.ack_id, 60, &err));
    assert_int_equal(fixture_count(fixture, "modifyAckDeadline"), 2);
    fixture_advance(fixture, 59);
    assert_nothing(fixture);
}

/* Acknowledges a message with this fault in the way; how often was it asked? */
static size_t ack_against(struct fixture *fixture, const char *fault, bool *out_done, struct error *err)
{
    free(fixture_publish(fixture, "x"));
    AUTO(delivery_done) struct delivery delivery = take(fixture->trigger);
    size_t before = fixture_count(fixture, "acknowledge");
    fixture_fault(fixture, fault);
    *out_done = fixture->trigger->ops->ack(fixture->trigger, delivery.ack_id, err);
    return fixture_count(fixture, "acknowledge") - before;
}

/* As documented for exactly-once delivery: the word on the id decides, not the status. */
static void a_passing_failure_of_an_ack_id_is_tried_again(void **state)
{
    struct fixture *fixture = *state;
    static const char *const faults[] = {
        "pubsub acknowledge 1 refuse 3 TRANSIENT_FAILURE_SERVICE_UNAVAILABLE",
        "pubsub acknowledge 1 refuse 9 TRANSIENT_FAILURE_UNORDERED_ACK_ID", "pubsub acknowledge 1 refuse 8",
        "pubsub acknowledge 1 refuse 10", "pubsub acknowledge 1 refuse 13"};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct error err = {0};
        bool done = false;
        size_t asked = ack_against(fixture, faults[i], &done, &err);
        if (!done || asked != 2) fail_msg("%s: asked %zu times, %s", faults[i], asked, err.text);
    }
}

static void a_late_ack_is_said_to_be_late(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *fault, *says;
    } cases[] = {
        {"pubsub acknowledge 1 refuse 3", "the lease of the message has expired"},
        {"pubsub acknowledge 1 refuse 3 PERMANENT_FAILURE_INVALID_ACK_ID", "a newer delivery of it"},
        {"pubsub acknowledge 1 refuse 9 PERMANENT_FAILURE_INVALID_ACK_ID", "a newer delivery of it"},
        {"pubsub acknowledge 1 refuse 9", "the subscription was changed or detached during the run"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {0};
        bool done = true;
        assert_int_equal(ack_against(fixture, cases[i].fault, &done, &err), 1);
        assert_false(done);
        assert_int_equal(err.kind, ERROR_REFUSED);
        if (!strstr(err.text, cases[i].says)) fail_msg("%s: %s", cases[i].fault, err.text);
        assert_null(strstr(err.text, "pulled"));
    }
}

static void *stop_soon(void *argument)
{
    (void)clock_sleep_ms(150, NULL);
    atomic_store((atomic_bool *)argument, true);
    return NULL;
}

static void stopping_ends_a_long_pull(void **state)
{
    struct fixture *fixture = *state;
    struct delivery delivery = {0};
    struct error err = {0};
    bool any = false;
    pthread_t thread;
    assert_true(fixture->trigger->ops->next(fixture->trigger, &delivery, &any, &err)); /* does not wait */
    assert_true(pubsub_was_answered(fixture->trigger));
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, &fixture->stop), 0);
    int64_t began_ms = clock_ms();
    assert_false(fixture->trigger->ops->next(fixture->trigger, &delivery, &any, &err));
    assert_int_equal(err.kind, ERROR_STOPPED);
    assert_true(clock_ms() - began_ms < 10000); /* the poll itself lasts a minute */
    pthread_join(thread, NULL);
}

/* A message that was pulled before the shutdown can still be returned. */
static void a_stopped_client_can_nack(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};
    AUTO(mem_free) char *id = fixture_publish(fixture, "x");
    AUTO(delivery_done) struct delivery delivery = take(fixture->trigger);
    fixture_fault(fixture, "pubsub modifyAckDeadline 1 delay 500");
    atomic_store(&fixture->stop, true);
    assert_true(fixture->trigger->ops->nack(fixture->trigger, delivery.ack_id, 0, &err));
    assert_state(fixture, id, "waiting");
}

static void assert_final(struct fixture *fixture, const char *fault, enum error_kind kind, const char *words)
{
    struct delivery delivery = {0};
    struct error err = {0};
    bool any = false;
    fixture_fault(fixture, fault);
    assert_false(fixture->trigger->ops->next(fixture->trigger, &delivery, &any, &err));
    assert_int_equal(err.kind, kind);
    assert_non_null(strstr(err.text, words));
    assert_non_null(strstr(err.text, ROOM_SUBSCRIPTION));
}

static void what_a_person_must_mend_is_said_at_once(void **state)
{
    struct fixture *fixture = *state;
    assert_final(fixture, "pubsub pull 1 refuse 7", ERROR_AUTH, "roles/pubsub.subscriber");
    assert_final(fixture, "pubsub pull 1 refuse 16", ERROR_AUTH, "credentials");
    assert_final(fixture, "pubsub pull 1 refuse 9", ERROR_CONFIG, "detached");
    assert_final(fixture, "pubsub pull 1 refuse 12", ERROR_CONFIG, "endpoint");
}

static void an_unknown_subscription_is_named(void **state)
{
    struct fixture *fixture = *state;
    struct delivery delivery = {0};
    struct error err = {0};
    bool any = false;
    struct trigger *other = fixture_client(fixture, "projects/acme/subscriptions/nowhere", NULL);
    assert_false(other->ops->next(other, &delivery, &any, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_int_equal(err.status, RPC_NOT_FOUND);
    assert_non_null(strstr(err.text, "projects/acme/subscriptions/nowhere"));
    assert_non_null(strstr(err.text, "Create it"));
    other->ops->free(other);
}

static void a_malformed_name_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"",
                                        "caseload",
                                        "projects/p/topics/t",
                                        "projects//subscriptions/s",
                                        "projects/p/subscriptions/",
                                        "projects/p/subscriptions/a/b",
                                        "projects/p/subscriptions/a b",
                                        "projects/p/q/subscriptions/s"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct error err = {0};
        struct trigger *trigger;
        struct pubsub_settings settings = {
            .target = "127.0.0.1:1", .plaintext = true, .subscription = names[i], .lease_s = 60};
        assert_false(pubsub_new(&settings, &trigger, &err));
        assert_int_equal(err.kind, ERROR_CONFIG);
    }
}

/* A failure that may pass is retried without an error, then the message arrives. */
static void a_passing_trouble_is_waited_out(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mem_free) char *id = fixture_publish(fixture, "x");
    fixture_fault(fixture, "pubsub pull 1 refuse 14");
    fixture_fault(fixture, "pubsub pull 2 drop before");
    AUTO(delivery_done) struct delivery delivery = take(fixture->trigger);
    assert_string_equal(delivery.message_id, id);
    assert_int_equal(fixture_count(fixture, "pull"), 3);
}

static void an_absent_server_is_called_so(void **state)
{
    (void)state;
    struct error err = {0};
    struct trigger *trigger;
    atomic_bool stop = true; /* one short try */
    struct pubsub_settings settings = {.target = "127.0.0.1:1",
                                       .plaintext = true,
                                       .subscription = ROOM_SUBSCRIPTION,
                                       .lease_s = 60,
                                       .stop = &stop};
    assert_true(pubsub_new(&settings, &trigger, &err));
    assert_false(trigger->ops->nack(trigger, "ack-1-1-1", 0, &err));
    assert_int_equal(err.kind, ERROR_BUSY);
    assert_int_equal(err.status, RPC_UNAVAILABLE);
    assert_non_null(strstr(err.text, "Connection refused"));
    trigger->ops->free(trigger);
}

struct taker {
    struct fixture *fixture;
    pthread_t thread;
    char *id;
};

static void *take_one(void *argument)
{
    struct taker *taker = argument;
    struct error err = {0};
    struct trigger *trigger = fixture_client(taker->fixture, ROOM_SUBSCRIPTION, NULL);
    AUTO(delivery_done) struct delivery delivery = take(trigger);
    taker->id = mem_text(delivery.message_id);
    if (!trigger->ops->extend(trigger, delivery.ack_id, 60, &err))
        abort(); /* cmocka can't fail in this thread */
    trigger->ops->free(trigger);
    return NULL;
}

/* Twenty long polls are open at once, none blocks another call, and no two get one message. */
static void no_two_hold_one_message(void **state)
{
    struct fixture *fixture = *state;
    struct taker takers[WORKERS];
    for (size_t i = 0; i < WORKERS; i++) {
        takers[i] = (struct taker){.fixture = fixture};
        assert_int_equal(pthread_create(&takers[i].thread, NULL, take_one, &takers[i]), 0);
    }
    assert_nothing(fixture);
    for (size_t i = 0; i < WORKERS; i++)
        free(fixture_publish(fixture, "x"));
    for (size_t i = 0; i < WORKERS; i++)
        pthread_join(takers[i].thread, NULL);
    for (size_t i = 0; i < WORKERS; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(takers[i].id, takers[j].id);
    for (size_t i = 0; i < WORKERS; i++)
        free(takers[i].id);
    assert_nothing(fixture);
}

static void a_message_can_come_twice(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};
    fixture_fault(fixture, "pubsub deliver 1 twice");
    AUTO(mem_free) char *id = fixture_publish(fixture, "x");
    AUTO(delivery_done) struct delivery first = take(fixture->trigger);
    AUTO(delivery_done) struct delivery second = take(fixture->trigger);
    assert_string_equal(first.message_id, second.message_id);
    assert_string_not_equal(first.ack_id, second.ack_id);
    assert_nothing(fixture);
    assert_true(fixture->trigger->ops->ack(fixture->trigger, first.ack_id, &err));
    assert_state(fixture, id, "acked");
}

/* The answer to a pull is lost: the message comes back with the end of its lease, not before. */
static void a_lost_pull_comes_back(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mem_free) char *id = fixture_publish(fixture, "x");
    struct delivery none = {0};
    struct error err = {0};
    bool any = true;
    fixture_fault(fixture, "pubsub pull 1 lose");
    assert_true(fixture->trigger->ops->next(fixture->trigger, &none, &any, &err));
    assert_false(any);
    assert_state(fixture, id, "leased");
    assert_nothing(fixture);
    fixture_advance(fixture, 10);
    AUTO(delivery_done) struct delivery delivery = take(fixture->trigger);
    assert_string_equal(delivery.message_id, id);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(brings_a_message_whole),
        TEST(an_empty_pull_is_no_error),
        TEST(an_extension_keeps_it),
        TEST(an_extension_is_clamped),
        TEST(an_expired_lease_brings_it_again),
        TEST(a_nack_waits_as_long_as_told),
        TEST(a_lost_answer_to_an_ack_is_asked_again),
        TEST(a_refused_extension_is_tried_again),
        TEST(a_passing_failure_of_an_ack_id_is_tried_again),
        TEST(a_late_ack_is_said_to_be_late),
        TEST(stopping_ends_a_long_pull),
        TEST(a_stopped_client_can_nack),
        TEST(what_a_person_must_mend_is_said_at_once),
        TEST(an_unknown_subscription_is_named),
        cmocka_unit_test(a_malformed_name_is_refused),
        TEST(a_passing_trouble_is_waited_out),
        cmocka_unit_test(an_absent_server_is_called_so),
        TEST(no_two_hold_one_message),
        TEST(a_message_can_come_twice),
        TEST(a_lost_pull_comes_back),
    };
    return cmocka_run_group_tests_name("pubsub", tests, NULL, NULL);
}
