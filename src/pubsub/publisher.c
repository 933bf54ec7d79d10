/* SPDX-License-Identifier: Apache-2.0 */
#include "pubsub/publisher.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "channel.h"
#include "google/pubsub/v1/pubsub.pb-c.h"
#include "net/retry.h"

#define CALL_MS      15000
#define DETAIL       512
#define LIMIT_ANSWER (64 << 10)

struct publisher {
    struct rpc *rpc;
    char *topic;
    const atomic_bool *stop;
    char *address;
    const struct net_watch *watch;
};

/* A method, and the resource it is called for. */
struct target {
    const char *method; /* of the API, as errors name it */
    const char *path;
    const char *field; /* of the routing header */
    const char *name;
};

static bool fail(const struct target *target, enum rpc_status status, const char *detail, struct error *err)
{
    static const struct {
        enum rpc_status status;
        enum error_kind kind;
        const char *text;
    } causes[] = {
        {RPC_NOT_FOUND, ERROR_CONFIG, "it does not exist. Create it, or correct its name"},
        {RPC_INVALID_ARGUMENT, ERROR_CONFIG, "the request is refused. Check the name"},
        {RPC_UNIMPLEMENTED, ERROR_CONFIG,
         "the server does not speak Pub/Sub. Check the endpoint or emulator host"},
        {RPC_PERMISSION_DENIED, ERROR_AUTH,
         "this identity may not use it. Grant it roles/pubsub.publisher on the topic, and "
         "roles/pubsub.viewer on the subscription or give --topic"},
        {RPC_UNAUTHENTICATED, ERROR_AUTH,
         "our credentials are refused. Check the service account or its key"},
    };
    enum error_kind kind = ERROR_BUSY;
    const char *text = "no answer came. Check the network, and run the command again";
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++) {
        if (causes[i].status != status) continue;
        kind = causes[i].kind;
        text = causes[i].text;
    }
    return error_set_status(err, kind, (int)status, "Pub/Sub %s on %s: %s (%s: %s)", target->method,
                            target->name, text, rpc_status_name(status), detail);
}

static bool is_transient(enum rpc_status status)
{
    return status == RPC_UNAVAILABLE || status == RPC_DEADLINE_EXCEEDED || status == RPC_INTERNAL ||
           status == RPC_RESOURCE_EXHAUSTED || status == RPC_ABORTED || status == RPC_UNKNOWN;
}

static bool call(struct publisher *publisher, const struct target *target, const void *request, size_t size,
                 struct buf *reply, struct error *err)
{
    static const struct retry retry = {.base_ms = 500, .cap_ms = 8000, .attempts = 30, .budget_ms = 60000};
    const int64_t began_ms = clock_ms();
    AUTO(mem_free) char *routing = channel_routing(target->field, target->name);
    char detail[DETAIL], advice[NET_ADVICE];
    struct rpc_call made = {.method = target->path,
                            .routing = routing,
                            .request = request,
                            .request_size = size,
                            .deadline_ms = CALL_MS,
                            .stop = publisher->stop};
    for (int tried = 1;; tried++) {
        enum rpc_status status = rpc_unary(publisher->rpc, &made, reply, detail, sizeof detail);
        bool is_passing = is_transient(status);
        if (!is_passing) net_watch_ended(publisher->watch, publisher->address, tried > 1, true);
        if (status == RPC_OK) return true;
        if (publisher->stop && atomic_load(publisher->stop))
            return error_set(err, ERROR_STOPPED, "stopped while Pub/Sub was asked");
        int64_t waited_ms = clock_ms() - began_ms;
        int64_t wait_ms = is_passing ? retry_wait_ms(&retry, tried, waited_ms, 0) : -1;
        if (wait_ms < 0) return fail(target, status, detail, err);
        const struct net_failure failure = {
            .origin = publisher->address,
            .what = target->method,
            .cause = rpc_status_name(status),
            .is_unconnected = status == RPC_UNAVAILABLE,
            .is_first = tried == 1,
            .waited_ms = waited_ms,
            .left_ms = retry.budget_ms - waited_ms,
        };
        if (net_watch_failed(publisher->watch, &failure, advice))
            return error_set_status(err, ERROR_UNREACHABLE, (int)status, "Pub/Sub %s on %s: %s: %s; %s",
                                    target->method, target->name, rpc_status_name(status), detail, advice);
        (void)clock_sleep_ms(wait_ms, publisher->stop);
    }
}

static bool find_topic(struct publisher *publisher, const char *subscription, struct error *err)
{
    const struct target target = {"getSubscription", "/google.pubsub.v1.Subscriber/GetSubscription",
                                  "subscription", subscription};
    Google__Pubsub__V1__GetSubscriptionRequest request;
    google__pubsub__v1__get_subscription_request__init(&request);
    AUTO(mem_free) char *name = mem_text(subscription);
    request.subscription = name;
    size_t size = google__pubsub__v1__get_subscription_request__get_packed_size(&request);
    AUTO(mem_free) uint8_t *bytes = mem_zero(size, 1);
    AUTO(buf_done) struct buf reply = buf_limited(LIMIT_ANSWER);
    google__pubsub__v1__get_subscription_request__pack(&request, bytes);
    if (!call(publisher, &target, bytes, size, &reply, err)) return false;
    Google__Pubsub__V1__Subscription *found =
        google__pubsub__v1__subscription__unpack(NULL, reply.size, (const uint8_t *)reply.data);
    if (!found) return error_set(err, ERROR_FORMAT, "the answer for %s is no Subscription", subscription);
    bool has_topic = strstr(found->topic, "/topics/") != NULL; /* "_deleted-topic_": it was deleted */
    if (has_topic) publisher->topic = mem_text(found->topic);
    google__pubsub__v1__subscription__free_unpacked(found, NULL);
    return has_topic ||
           error_set(err, ERROR_CONFIG, "the topic of %s was deleted. Give --topic", subscription);
}

bool publisher_new(const struct pubsub_settings *settings, const char *topic,
                   struct publisher **out_publisher, struct error *err)
{
    struct publisher *publisher = mem_zero(1, sizeof *publisher);
    publisher->stop = settings->stop;
    publisher->address = mem_text(settings->address ? settings->address : settings->target);
    publisher->watch = settings->watch;
    if (topic) publisher->topic = mem_text(topic);
    bool done = channel_open(settings, &publisher->rpc, err) &&
                (topic || find_topic(publisher, settings->subscription, err));
    if (done)
        *out_publisher = publisher;
    else
        publisher_free(publisher);
    return done;
}

void publisher_free(struct publisher *publisher)
{
    if (!publisher) return;
    rpc_free(publisher->rpc);
    free(publisher->topic);
    free(publisher->address);
    free(publisher);
}

static bool take_id(const struct buf *reply, struct buf *out_id, struct error *err)
{
    Google__Pubsub__V1__PublishResponse *response =
        google__pubsub__v1__publish_response__unpack(NULL, reply->size, (const uint8_t *)reply->data);
    bool is_usable = response && response->n_message_ids == 1;
    if (is_usable) buf_text(out_id, response->message_ids[0]);
    if (response) google__pubsub__v1__publish_response__free_unpacked(response, NULL);
    return is_usable || error_set(err, ERROR_FORMAT, "the answer to publish has no message id");
}

bool publisher_publish(struct publisher *publisher, const char *data,
                       const struct message_attribute *attributes, size_t count, struct buf *out_id,
                       struct error *err)
{
    const struct target target = {"publish", "/google.pubsub.v1.Publisher/Publish", "topic",
                                  publisher->topic};
    Google__Pubsub__V1__PublishRequest request;
    Google__Pubsub__V1__PubsubMessage message, *messages[] = {&message};
    AUTO(mem_free)
    Google__Pubsub__V1__PubsubMessage__AttributesEntry *entries = mem_zero(count + 1, sizeof *entries);
    AUTO(mem_free)
    Google__Pubsub__V1__PubsubMessage__AttributesEntry **listed = mem_zero(count + 1, sizeof *listed);
    google__pubsub__v1__publish_request__init(&request);
    google__pubsub__v1__pubsub_message__init(&message);
    AUTO(mem_free) char *text = mem_text(data);
    for (size_t i = 0; i < count; i++) {
        google__pubsub__v1__pubsub_message__attributes_entry__init(&entries[i]);
        entries[i].key = attributes[i].key;
        entries[i].value = attributes[i].value;
        listed[i] = &entries[i];
    }
    message.data = (ProtobufCBinaryData){.len = strlen(text), .data = (uint8_t *)text};
    message.attributes = listed;
    message.n_attributes = count;
    request.topic = publisher->topic;
    request.messages = messages;
    request.n_messages = 1;
    size_t size = google__pubsub__v1__publish_request__get_packed_size(&request);
    AUTO(mem_free) uint8_t *bytes = mem_zero(size, 1);
    AUTO(buf_done) struct buf reply = buf_limited(LIMIT_ANSWER);
    google__pubsub__v1__publish_request__pack(&request, bytes);
    return call(publisher, &target, bytes, size, &reply, err) && take_id(&reply, out_id, err);
}
