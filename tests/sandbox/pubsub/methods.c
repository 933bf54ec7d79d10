/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "pubsub/internal.h"

#define REPLY_LIMIT     (24 * 1024 * 1024)
#define MESSAGE_LIMIT   10000000
#define MESSAGES_LIMIT  1000
#define ATTRIBUTE_LIMIT 100
#define KEY_LIMIT       256
#define VALUE_LIMIT     1024
#define PULL_LIMIT      1000
#define DEADLINE_LEAST  10
#define DEADLINE_MOST   600
#define ATTEMPTS_LEAST  5
#define ATTEMPTS_MOST   100

struct method {
    const char *path;
    const char *operation;
    /* Sets status, text or reply. False: not now (only a pull says so). NULL: a stream. */
    bool (*serve)(struct ask *ask, int64_t now_us);
};

void ask_refuse(struct ask *ask, grpc_status_code status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(ask->text, sizeof ask->text, format, args);
    va_end(args);
    ask->status = status;
}

/* The broker's word on a resource, as the real service words it. */
void ask_conclude(struct ask *ask, grpc_status_code status, const char *name)
{
    ask->status = status;
    if (status == GRPC_STATUS_NOT_FOUND)
        ask_refuse(ask, status, "Resource not found (resource=%.100s).", name);
    if (status == GRPC_STATUS_ALREADY_EXISTS)
        ask_refuse(ask, status, "Resource already exists in the project (resource=%.100s).", name);
    if (status == GRPC_STATUS_INVALID_ARGUMENT)
        ask_refuse(ask, status, "Some acknowledgement IDs in the request were invalid.");
}

static void answer(struct ask *ask, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    AUTO(mem_free) uint8_t *bytes = mem_zero(size + 1, 1);
    protobuf_c_message_pack(message, bytes);
    buf_add(&ask->reply, bytes, size); /* our own messages are small */
}

/* The request, or NULL and the refusal. */
static void *decode(struct ask *ask, const ProtobufCMessageDescriptor *type)
{
    void *message =
        protobuf_c_message_unpack(type, NULL, ask->request.size, (const uint8_t *)buf_string(&ask->request));
    if (!message) ask_refuse(ask, GRPC_STATUS_INTERNAL, "Failed to parse the request.");
    return message;
}

static void release(void *message_pointer)
{
    ProtobufCMessage **message = message_pointer;
    protobuf_c_message_free_unpacked(*message, NULL);
}

/* projects/P/<collection>/ID; an ID has 3 to 255 letters, digits and -_.~+%, and begins with a letter. */
bool ask_check_name(struct ask *ask, const char *name, const char *collection)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char *slash = strncmp(name, "projects/", 9) == 0 ? strchr(name + 9, '/') : NULL;
    size_t length = strlen(collection);
    bool valid =
        slash && slash > name + 9 && strncmp(slash + 1, collection, length) == 0 && slash[1 + length] == '/';
    const char *id = valid ? slash + 2 + length : "";
    size_t size = strlen(id), legal = 0;
    while (id[legal] && (strchr(letters, id[legal]) || strchr("0123456789-_.~+%", id[legal])))
        legal++;
    valid = valid && size >= 3 && size <= 255 && legal == size && strchr(letters, id[0]) &&
            strncmp(id, "goog", 4) != 0;
    if (!valid)
        ask_refuse(ask, GRPC_STATUS_INVALID_ARGUMENT, "Invalid resource name given (name=%.100s).", name);
    return valid;
}

/* ---- publisher ---- */

static bool create_topic(struct ask *ask, int64_t now_us)
{
    (void)now_us;
    AUTO(release) Google__Pubsub__V1__Topic *topic = decode(ask, &google__pubsub__v1__topic__descriptor);
    if (!topic || !ask_check_name(ask, topic->name, "topics")) return true;
    ask_conclude(ask, broker_create_topic(ask->pubsub->broker, topic->name), topic->name);
    answer(ask, &topic->base);
    return true;
}

static bool get_topic(struct ask *ask, int64_t now_us)
{
    (void)now_us;
    AUTO(release)
    Google__Pubsub__V1__GetTopicRequest *request =
        decode(ask, &google__pubsub__v1__get_topic_request__descriptor);
    if (!request || !ask_check_name(ask, request->topic, "topics")) return true;
    Google__Pubsub__V1__Topic topic;
    google__pubsub__v1__topic__init(&topic);
    topic.name = request->topic;
    ask_conclude(ask, broker_find_topic(ask->pubsub->broker, request->topic), request->topic);
    answer(ask, &topic.base);
    return true;
}

static bool delete_topic(struct ask *ask, int64_t now_us)
{
    (void)now_us;
    AUTO(release)
    Google__Pubsub__V1__DeleteTopicRequest *request =
        decode(ask, &google__pubsub__v1__delete_topic_request__descriptor);
    if (request && ask_check_name(ask, request->topic, "topics"))
        ask_conclude(ask, broker_delete_topic(ask->pubsub->broker, request->topic), request->topic);
    return true;
}

static bool check_message(struct ask *ask, const Google__Pubsub__V1__PubsubMessage *message)
{
    const char *problem = NULL;
    if (message->data.len == 0 && message->n_attributes == 0)
        problem = "Every published message must contain either non-empty data, or at least one attribute.";
    if (message->data.len > MESSAGE_LIMIT) problem = "The value for data is too large.";
    if (message->n_attributes > ATTRIBUTE_LIMIT) problem = "Too many attributes.";
    for (size_t i = 0; i < message->n_attributes; i++) {
        const char *key = message->attributes[i]->key;
        if (!*key || strlen(key) > KEY_LIMIT || strncmp(key, "goog", 4) == 0)
            problem = "An attribute's key is empty, too long or begins with \"goog\".";
        if (strlen(message->attributes[i]->value) > VALUE_LIMIT)
            problem = "An attribute's value is too long.";
    }
    if (problem) ask_refuse(ask, GRPC_STATUS_INVALID_ARGUMENT, "%s", problem);
    return !problem;
}

static bool publish(struct ask *ask, int64_t now_us)
{
    (void)now_us;
    AUTO(release)
    Google__Pubsub__V1__PublishRequest *request =
        decode(ask, &google__pubsub__v1__publish_request__descriptor);
    if (!request || !ask_check_name(ask, request->topic, "topics")) return true;
    if (request->n_messages < 1 || request->n_messages > MESSAGES_LIMIT)
        ask_refuse(ask, GRPC_STATUS_INVALID_ARGUMENT, "The number of messages must be 1 to %d.",
                   MESSAGES_LIMIT);
    for (size_t i = 0; i < request->n_messages && ask->status == GRPC_STATUS_OK; i++)
        (void)check_message(ask, request->messages[i]); /* the status tells */
    if (ask->status != GRPC_STATUS_OK) return true;

    AUTO(mem_free) void *texts = mem_zero(request->n_messages, MESSAGE_ID);
    AUTO(mem_free) char **ids = mem_zero(request->n_messages, sizeof *ids);
    json_t *list = json_array();
    for (size_t i = 0; i < request->n_messages && ask->status == GRPC_STATUS_OK; i++) {
        ids[i] = (char *)texts + i * MESSAGE_ID;
        ask_conclude(ask,
                     broker_publish(ask->pubsub->broker, request->topic, request->messages[i],
                                    virtual_clock_read(ask->pubsub->options.clock), ids[i]),
                     request->topic);
        json_array_append_new(list, json_string(ids[i]));
    }
    json_object_set_new(ask->detail, "messages", list);
    Google__Pubsub__V1__PublishResponse response;
    google__pubsub__v1__publish_response__init(&response);
    response.message_ids = ids;
    response.n_message_ids = ask->status == GRPC_STATUS_OK ? request->n_messages : 0;
    answer(ask, &response.base);
    return true;
}

/* ---- subscriptions ---- */

static bool check_settings(struct ask *ask, Google__Pubsub__V1__Subscription *wanted)
{
    Google__Pubsub__V1__DeadLetterPolicy *dead = wanted->dead_letter_policy;
    int deadline_s = wanted->ack_deadline_seconds;
    if (!ask_check_name(ask, wanted->name, "subscriptions") || !ask_check_name(ask, wanted->topic, "topics"))
        return false;
    if (dead && !ask_check_name(ask, dead->dead_letter_topic, "topics")) return false;
    if (dead && dead->max_delivery_attempts == 0) dead->max_delivery_attempts = ATTEMPTS_LEAST;
    if (deadline_s != 0 && (deadline_s < DEADLINE_LEAST || deadline_s > DEADLINE_MOST))
        ask_refuse(ask, GRPC_STATUS_INVALID_ARGUMENT,
                   "Invalid ack deadline given: %d. It must be 10 to 600 s.", deadline_s);
    else if (dead &&
             (dead->max_delivery_attempts < ATTEMPTS_LEAST || dead->max_delivery_attempts > ATTEMPTS_MOST))
        ask_refuse(ask, GRPC_STATUS_INVALID_ARGUMENT, "max_delivery_attempts must be 5 to 100.");
    return ask->status == GRPC_STATUS_OK;
}

static bool create_subscription(struct ask *ask, int64_t now_us)
{
    (void)now_us;
    AUTO(release)
    Google__Pubsub__V1__Subscription *wanted = decode(ask, &google__pubsub__v1__subscription__descriptor);
    if (!wanted || !check_settings(ask, wanted)) return true;
    ask_conclude(ask, broker_create_subscription(ask->pubsub->broker, wanted), wanted->name);
    if (ask->status == GRPC_STATUS_OK)
        ask_conclude(ask, broker_find_subscription(ask->pubsub->broker, wanted->name, &ask->reply),
                     wanted->name);
    return true;
}

static bool get_subscription(struct ask *ask, int64_t now_us)
{
    (void)now_us;
    AUTO(release)
    Google__Pubsub__V1__GetSubscriptionRequest *request =
        decode(ask, &google__pubsub__v1__get_subscription_request__descriptor);
    if (request && ask_check_name(ask, request->subscription, "subscriptions"))
        ask_conclude(ask, broker_find_subscription(ask->pubsub->broker, request->subscription, &ask->reply),
                     request->subscription);
    return true;
}

static bool delete_subscription(struct ask *ask, int64_t now_us)
{
    (void)now_us;
    AUTO(release)
    Google__Pubsub__V1__DeleteSubscriptionRequest *request =
        decode(ask, &google__pubsub__v1__delete_subscription_request__descriptor);
    if (request && ask_check_name(ask, request->subscription, "subscriptions"))
        ask_conclude(ask, broker_delete_subscription(ask->pubsub->broker, request->subscription),
                     request->subscription);
    return true;
}

static bool seek(struct ask *ask, int64_t now_us)
{
    AUTO(release)
    Google__Pubsub__V1__SeekRequest *request = decode(ask, &google__pubsub__v1__seek_request__descriptor);
    if (!request || !ask_check_name(ask, request->subscription, "subscriptions")) return true;
    if (request->target_case != GOOGLE__PUBSUB__V1__SEEK_REQUEST__TARGET_TIME)
        ask_refuse(ask, GRPC_STATUS_UNIMPLEMENTED, "Seek needs a time here; there are no snapshots.");
    else
        ask_conclude(ask,
                     broker_seek(ask->pubsub->broker, request->subscription,
                                 request->time->seconds * 1000000 + request->time->nanos / 1000, now_us),
                     request->subscription);
    return true;
}

/* ---- subscriber ---- */

static bool pull(struct ask *ask, int64_t now_us)
{
    AUTO(release)
    Google__Pubsub__V1__PullRequest *request = decode(ask, &google__pubsub__v1__pull_request__descriptor);
    if (!request || !ask_check_name(ask, request->subscription, "subscriptions")) return true;
    if (request->max_messages < 1) {
        ask_refuse(ask, GRPC_STATUS_INVALID_ARGUMENT, "max_messages must be greater than 0.");
        return true;
    }
    size_t most = request->max_messages < PULL_LIMIT ? (size_t)request->max_messages : PULL_LIMIT;
    json_t *ids = json_array();
    struct pulling pulling = {.subscription = request->subscription, .most = most};
    ask_conclude(ask, broker_pull(ask->pubsub->broker, &pulling, now_us, &ask->reply, ids),
                 request->subscription);
    bool none = json_array_size(ids) == 0;
    json_object_set_new(ask->detail, "messages", ids);
    json_object_set_new(ask->detail, "subscription", json_string(request->subscription));
    return ask->status != GRPC_STATUS_OK || !none || request->return_immediately;
}

static bool check_ids(struct ask *ask, size_t count)
{
    if (count == 0) ask_refuse(ask, GRPC_STATUS_INVALID_ARGUMENT, "No ack ids specified.");
    return count > 0;
}

static bool acknowledge(struct ask *ask, int64_t now_us)
{
    AUTO(release)
    Google__Pubsub__V1__AcknowledgeRequest *request =
        decode(ask, &google__pubsub__v1__acknowledge_request__descriptor);
    if (!request || !ask_check_name(ask, request->subscription, "subscriptions") ||
        !check_ids(ask, request->n_ack_ids))
        return true;
    json_t *ids = json_array();
    struct ack_ids ack_ids = {.ids = request->ack_ids, .count = request->n_ack_ids};
    ask_conclude(ask, broker_acknowledge(ask->pubsub->broker, request->subscription, ack_ids, now_us, ids),
                 request->subscription);
    json_object_set_new(ask->detail, "messages", ids);
    return true;
}

static bool modify_ack_deadline(struct ask *ask, int64_t now_us)
{
    AUTO(release)
    Google__Pubsub__V1__ModifyAckDeadlineRequest *request =
        decode(ask, &google__pubsub__v1__modify_ack_deadline_request__descriptor);
    if (!request || !ask_check_name(ask, request->subscription, "subscriptions") ||
        !check_ids(ask, request->n_ack_ids))
        return true;
    int seconds = request->ack_deadline_seconds;
    json_object_set_new(ask->detail, "seconds", json_integer(seconds));
    if (seconds < 0 || seconds > DEADLINE_MOST) {
        ask_refuse(ask, GRPC_STATUS_INVALID_ARGUMENT,
                   "Invalid ack deadline given: %d. It must be 0 to 600 s.", seconds);
        return true;
    }
    json_t *ids = json_array();
    struct ack_ids ack_ids = {.ids = request->ack_ids, .count = request->n_ack_ids};
    ask_conclude(ask,
                 broker_modify(ask->pubsub->broker, request->subscription, ack_ids, seconds, now_us, ids),
                 request->subscription);
    json_object_set_new(ask->detail, "messages", ids);
    return true;
}

/* ---- asks ---- */

static const struct method methods[] = {
    {"/google.pubsub.v1.Publisher/CreateTopic", "createTopic", create_topic},
    {"/google.pubsub.v1.Publisher/GetTopic", "getTopic", get_topic},
    {"/google.pubsub.v1.Publisher/DeleteTopic", "deleteTopic", delete_topic},
    {"/google.pubsub.v1.Publisher/Publish", "publish", publish},
    {"/google.pubsub.v1.Subscriber/CreateSubscription", "createSubscription", create_subscription},
    {"/google.pubsub.v1.Subscriber/GetSubscription", "getSubscription", get_subscription},
    {"/google.pubsub.v1.Subscriber/DeleteSubscription", "deleteSubscription", delete_subscription},
    {"/google.pubsub.v1.Subscriber/Seek", "seek", seek},
    {"/google.pubsub.v1.Subscriber/Pull", "pull", pull},
    {"/google.pubsub.v1.Subscriber/StreamingPull", "streamingPull", NULL},
    {"/google.pubsub.v1.Subscriber/Acknowledge", "acknowledge", acknowledge},
    {"/google.pubsub.v1.Subscriber/ModifyAckDeadline", "modifyAckDeadline", modify_ack_deadline},
};

static bool does(const struct ask *ask, const char *action)
{
    return ask->faulty && strcmp(ask->fault.action, action) == 0;
}

static long argument(const struct ask *ask, long fallback)
{
    return ask->fault.argument_count > 0 ? strtol(ask->fault.argument[0], NULL, 10)
                                         : fallback; /* a test's own words */
}

void ask_begin(struct ask *ask, struct pubsub *pubsub, const char *path)
{
    *ask = (struct ask){.pubsub = pubsub, .detail = json_object()};
    buf_init(&ask->request, REPLY_LIMIT);
    buf_init(&ask->reply, REPLY_LIMIT);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(methods[i].path, path) == 0) ask->method = &methods[i];
    if (!ask->method) return;
    if (!ask->method->serve) ask->stream = stream_new();
    ask->faulty = faults_next(pubsub->options.faults, "pubsub", ask->method->operation, &ask->fault);
    if (does(ask, "delay")) ask->due_ms = clock_ms() + argument(ask, 0);
}

void ask_enter_journal(const struct ask *ask, int64_t now_us)
{
    journal_add(ask->pubsub->options.journal, "pubsub", ask->method ? ask->method->operation : "unknown",
                now_us, (int)ask->status, ask->faulty ? ask->fault.line : NULL, ask->detail);
}

bool ask_serve(struct ask *ask)
{
    int64_t now_us = virtual_clock_peek(ask->pubsub->options.clock);
    if (clock_ms() < ask->due_ms) return false;
    ask->status = GRPC_STATUS_OK;
    buf_reset(&ask->reply);
    bool before =
        !(ask->faulty && ask->fault.argument_count > 0 && strcmp(ask->fault.argument[0], "after") == 0);
    if (ask->refusal) {
        ask_refuse(ask, GRPC_STATUS_UNAUTHENTICATED, "%s", ask->refusal);
    } else if (!ask->method) {
        ask_refuse(ask, GRPC_STATUS_UNIMPLEMENTED, "The sandbox does not know this method.");
    } else if (does(ask, "refuse")) {
        ask_refuse(ask, (grpc_status_code)argument(ask, GRPC_STATUS_UNAVAILABLE),
                   "refused by the fault script");
    } else if (does(ask, "drop") && before) {
        ask->cut = true;
    } else if (!ask->method->serve(ask, now_us)) {
        return false;
    }
    if (does(ask, "lose"))
        ask_refuse(ask, GRPC_STATUS_UNAVAILABLE, "the answer was lost by the fault script");
    ask->cut = ask->cut || does(ask, "drop");
    ask_enter_journal(ask, now_us);
    return true;
}

bool ask_hear(struct ask *ask)
{
    int64_t now_us = virtual_clock_peek(ask->pubsub->options.clock);
    ask->status = GRPC_STATUS_OK;
    if (ask->refusal) {
        ask_refuse(ask, GRPC_STATUS_UNAUTHENTICATED, "%s", ask->refusal);
    } else if (does(ask, "refuse")) {
        ask_refuse(ask, (grpc_status_code)argument(ask, GRPC_STATUS_UNAVAILABLE),
                   "refused by the fault script");
    } else if (does(ask, "drop")) {
        ask->cut = true;
    } else {
        stream_hear(ask, now_us);
    }
    buf_reset(&ask->request);
    bool lives = ask->status == GRPC_STATUS_OK && !ask->cut;
    if (!lives) ask_enter_journal(ask, now_us);
    return lives;
}

bool ask_tell(struct ask *ask)
{
    buf_reset(&ask->reply);
    return stream_tell(ask, virtual_clock_peek(ask->pubsub->options.clock));
}

void ask_undo(struct ask *ask)
{
    if (!ask->method || ask->method->serve != pull || ask->status != GRPC_STATUS_OK || ask->cut) return;
    Google__Pubsub__V1__PullRequest *request = google__pubsub__v1__pull_request__unpack(
        NULL, ask->request.size, (const uint8_t *)buf_string(&ask->request));
    if (request)
        broker_take_back(ask->pubsub->broker, request->subscription, &ask->reply,
                         virtual_clock_peek(ask->pubsub->options.clock));
    google__pubsub__v1__pull_request__free_unpacked(request, NULL);
}

void ask_done(struct ask *ask)
{
    buf_done(&ask->request);
    buf_done(&ask->reply);
    stream_free(ask->stream);
    json_decref(ask->detail);
}
