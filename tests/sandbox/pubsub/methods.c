/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "pubsub/filter.h"
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

struct procedure_method {
    const char *path;
    const char *operation;
    /* Sets status, text or reply. False: not now (only a pull says so). NULL: a stream. */
    bool (*serve)(struct procedure *procedure, int64_t now_us);
};

void procedure_refuse(struct procedure *procedure, grpc_status_code status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(procedure->text, sizeof procedure->text, format, args);
    va_end(args);
    procedure->status = status;
}

/* The broker's word on a resource, as the real service words it. */
void procedure_conclude(struct procedure *procedure, grpc_status_code status, const char *name)
{
    procedure->status = status;
    if (status == GRPC_STATUS_NOT_FOUND)
        procedure_refuse(procedure, status, "Resource not found (resource=%.100s).", name);
    if (status == GRPC_STATUS_ALREADY_EXISTS)
        procedure_refuse(procedure, status, "Resource already exists in the project (resource=%.100s).",
                         name);
    if (status == GRPC_STATUS_INVALID_ARGUMENT)
        procedure_refuse(procedure, status, "Some acknowledgement IDs in the request were invalid.");
}

void procedure_answer(struct procedure *procedure, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    AUTO(mem_free) uint8_t *bytes = mem_zero(size + 1, 1);
    protobuf_c_message_pack(message, bytes);
    buf_add(&procedure->reply, bytes, size); /* our own messages are small */
}

void *procedure_decode(struct procedure *procedure, const ProtobufCMessageDescriptor *type)
{
    void *message = protobuf_c_message_unpack(type, NULL, procedure->request.size,
                                              (const uint8_t *)buf_string(&procedure->request));
    if (!message) procedure_refuse(procedure, GRPC_STATUS_INTERNAL, "Failed to parse the request.");
    return message;
}

void procedure_release(void *message_pointer)
{
    ProtobufCMessage **message = message_pointer;
    protobuf_c_message_free_unpacked(*message, NULL);
}

/* projects/P/<collection>/ID; an ID has 3 to 255 letters, digits and -_.~+%, and begins with a letter. */
bool procedure_check_name(struct procedure *procedure, const char *name, const char *collection)
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
        procedure_refuse(procedure, GRPC_STATUS_INVALID_ARGUMENT,
                         "Invalid resource name given (name=%.100s).", name);
    return valid;
}

/* ---- publisher ---- */

static bool create_topic(struct procedure *procedure, int64_t now_us)
{
    (void)now_us;
    AUTO(procedure_release)
    Google__Pubsub__V1__Topic *topic = procedure_decode(procedure, &google__pubsub__v1__topic__descriptor);
    if (!topic || !procedure_check_name(procedure, topic->name, "topics")) return true;
    procedure_conclude(procedure, broker_create_topic(procedure->pubsub->broker, topic->name), topic->name);
    procedure_answer(procedure, &topic->base);
    return true;
}

static bool get_topic(struct procedure *procedure, int64_t now_us)
{
    (void)now_us;
    AUTO(procedure_release)
    Google__Pubsub__V1__GetTopicRequest *request =
        procedure_decode(procedure, &google__pubsub__v1__get_topic_request__descriptor);
    if (!request || !procedure_check_name(procedure, request->topic, "topics")) return true;
    Google__Pubsub__V1__Topic topic;
    google__pubsub__v1__topic__init(&topic);
    topic.name = request->topic;
    procedure_conclude(procedure, broker_find_topic(procedure->pubsub->broker, request->topic),
                       request->topic);
    procedure_answer(procedure, &topic.base);
    return true;
}

static bool delete_topic(struct procedure *procedure, int64_t now_us)
{
    (void)now_us;
    AUTO(procedure_release)
    Google__Pubsub__V1__DeleteTopicRequest *request =
        procedure_decode(procedure, &google__pubsub__v1__delete_topic_request__descriptor);
    if (request && procedure_check_name(procedure, request->topic, "topics"))
        procedure_conclude(procedure, broker_delete_topic(procedure->pubsub->broker, request->topic),
                           request->topic);
    return true;
}

static bool check_message(struct procedure *procedure, const Google__Pubsub__V1__PubsubMessage *message)
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
    if (problem) procedure_refuse(procedure, GRPC_STATUS_INVALID_ARGUMENT, "%s", problem);
    return !problem;
}

static bool publish(struct procedure *procedure, int64_t now_us)
{
    (void)now_us;
    AUTO(procedure_release)
    Google__Pubsub__V1__PublishRequest *request =
        procedure_decode(procedure, &google__pubsub__v1__publish_request__descriptor);
    if (!request || !procedure_check_name(procedure, request->topic, "topics")) return true;
    if (request->n_messages < 1 || request->n_messages > MESSAGES_LIMIT)
        procedure_refuse(procedure, GRPC_STATUS_INVALID_ARGUMENT, "The number of messages must be 1 to %d.",
                         MESSAGES_LIMIT);
    for (size_t i = 0; i < request->n_messages && procedure->status == GRPC_STATUS_OK; i++)
        (void)check_message(procedure, request->messages[i]); /* the status tells */
    if (procedure->status != GRPC_STATUS_OK) return true;

    AUTO(mem_free) void *texts = mem_zero(request->n_messages, MESSAGE_ID);
    AUTO(mem_free) char **ids = mem_zero(request->n_messages, sizeof *ids);
    json_t *list = json_array();
    for (size_t i = 0; i < request->n_messages && procedure->status == GRPC_STATUS_OK; i++) {
        ids[i] = (char *)texts + i * MESSAGE_ID;
        procedure_conclude(procedure,
                           broker_publish(procedure->pubsub->broker, request->topic, request->messages[i],
                                          virtual_clock_read(procedure->pubsub->options.clock), ids[i]),
                           request->topic);
        json_array_append_new(list, json_string(ids[i]));
    }
    json_object_set_new(procedure->detail, "messages", list);
    Google__Pubsub__V1__PublishResponse response;
    google__pubsub__v1__publish_response__init(&response);
    response.message_ids = ids;
    response.n_message_ids = procedure->status == GRPC_STATUS_OK ? request->n_messages : 0;
    procedure_answer(procedure, &response.base);
    return true;
}

/* ---- subscriptions ---- */

static bool check_settings(struct procedure *procedure, Google__Pubsub__V1__Subscription *wanted)
{
    Google__Pubsub__V1__DeadLetterPolicy *dead = wanted->dead_letter_policy;
    int deadline_s = wanted->ack_deadline_seconds;
    if (!procedure_check_name(procedure, wanted->name, "subscriptions") ||
        !procedure_check_name(procedure, wanted->topic, "topics"))
        return false;
    if (dead && !procedure_check_name(procedure, dead->dead_letter_topic, "topics")) return false;
    if (dead && dead->max_delivery_attempts == 0) dead->max_delivery_attempts = ATTEMPTS_LEAST;
    const char *problem = filter_problem(wanted->filter);
    if (problem)
        procedure_refuse(procedure, GRPC_STATUS_INVALID_ARGUMENT, "Invalid filter: %s.", problem);
    else if (deadline_s != 0 && (deadline_s < DEADLINE_LEAST || deadline_s > DEADLINE_MOST))
        procedure_refuse(procedure, GRPC_STATUS_INVALID_ARGUMENT,
                         "Invalid ack deadline given: %d. It must be 10 to 600 s.", deadline_s);
    else if (dead &&
             (dead->max_delivery_attempts < ATTEMPTS_LEAST || dead->max_delivery_attempts > ATTEMPTS_MOST))
        procedure_refuse(procedure, GRPC_STATUS_INVALID_ARGUMENT, "max_delivery_attempts must be 5 to 100.");
    return procedure->status == GRPC_STATUS_OK;
}

static bool create_subscription(struct procedure *procedure, int64_t now_us)
{
    (void)now_us;
    AUTO(procedure_release)
    Google__Pubsub__V1__Subscription *wanted =
        procedure_decode(procedure, &google__pubsub__v1__subscription__descriptor);
    if (!wanted || !check_settings(procedure, wanted)) return true;
    procedure_conclude(procedure, broker_create_subscription(procedure->pubsub->broker, wanted),
                       wanted->name);
    if (procedure->status == GRPC_STATUS_OK)
        procedure_conclude(
            procedure, broker_find_subscription(procedure->pubsub->broker, wanted->name, &procedure->reply),
            wanted->name);
    return true;
}

static bool get_subscription(struct procedure *procedure, int64_t now_us)
{
    (void)now_us;
    AUTO(procedure_release)
    Google__Pubsub__V1__GetSubscriptionRequest *request =
        procedure_decode(procedure, &google__pubsub__v1__get_subscription_request__descriptor);
    if (request && procedure_check_name(procedure, request->subscription, "subscriptions"))
        procedure_conclude(
            procedure,
            broker_find_subscription(procedure->pubsub->broker, request->subscription, &procedure->reply),
            request->subscription);
    return true;
}

static bool delete_subscription(struct procedure *procedure, int64_t now_us)
{
    (void)now_us;
    AUTO(procedure_release)
    Google__Pubsub__V1__DeleteSubscriptionRequest *request =
        procedure_decode(procedure, &google__pubsub__v1__delete_subscription_request__descriptor);
    if (request && procedure_check_name(procedure, request->subscription, "subscriptions"))
        procedure_conclude(procedure,
                           broker_delete_subscription(procedure->pubsub->broker, request->subscription),
                           request->subscription);
    return true;
}

/* ---- subscriber ---- */

static bool pull(struct procedure *procedure, int64_t now_us)
{
    AUTO(procedure_release)
    Google__Pubsub__V1__PullRequest *request =
        procedure_decode(procedure, &google__pubsub__v1__pull_request__descriptor);
    if (!request || !procedure_check_name(procedure, request->subscription, "subscriptions")) return true;
    if (request->max_messages < 1) {
        procedure_refuse(procedure, GRPC_STATUS_INVALID_ARGUMENT, "max_messages must be greater than 0.");
        return true;
    }
    size_t most = request->max_messages < PULL_LIMIT ? (size_t)request->max_messages : PULL_LIMIT;
    json_t *ids = json_array();
    struct pulling pulling = {.subscription = request->subscription, .most = most};
    procedure_conclude(procedure,
                       broker_pull(procedure->pubsub->broker, &pulling, now_us, &procedure->reply, ids),
                       request->subscription);
    bool none = json_array_size(ids) == 0;
    json_object_set_new(procedure->detail, "messages", ids);
    json_object_set_new(procedure->detail, "subscription", json_string(request->subscription));
    return procedure->status != GRPC_STATUS_OK || !none || request->return_immediately;
}

static bool check_ids(struct procedure *procedure, size_t count)
{
    if (count == 0) procedure_refuse(procedure, GRPC_STATUS_INVALID_ARGUMENT, "No ack ids specified.");
    return count > 0;
}

static bool acknowledge(struct procedure *procedure, int64_t now_us)
{
    AUTO(procedure_release)
    Google__Pubsub__V1__AcknowledgeRequest *request =
        procedure_decode(procedure, &google__pubsub__v1__acknowledge_request__descriptor);
    if (!request || !procedure_check_name(procedure, request->subscription, "subscriptions") ||
        !check_ids(procedure, request->n_ack_ids))
        return true;
    json_t *ids = json_array();
    struct ack_ids ack_ids = {.ids = request->ack_ids, .count = request->n_ack_ids};
    procedure_conclude(
        procedure, broker_acknowledge(procedure->pubsub->broker, request->subscription, ack_ids, now_us, ids),
        request->subscription);
    json_object_set_new(procedure->detail, "messages", ids);
    return true;
}

static bool modify_ack_deadline(struct procedure *procedure, int64_t now_us)
{
    AUTO(procedure_release)
    Google__Pubsub__V1__ModifyAckDeadlineRequest *request =
        procedure_decode(procedure, &google__pubsub__v1__modify_ack_deadline_request__descriptor);
    if (!request || !procedure_check_name(procedure, request->subscription, "subscriptions") ||
        !check_ids(procedure, request->n_ack_ids))
        return true;
    int seconds = request->ack_deadline_seconds;
    json_object_set_new(procedure->detail, "seconds", json_integer(seconds));
    if (seconds < 0 || seconds > DEADLINE_MOST) {
        procedure_refuse(procedure, GRPC_STATUS_INVALID_ARGUMENT,
                         "Invalid ack deadline given: %d. It must be 0 to 600 s.", seconds);
        return true;
    }
    json_t *ids = json_array();
    struct ack_ids ack_ids = {.ids = request->ack_ids, .count = request->n_ack_ids};
    procedure_conclude(
        procedure,
        broker_modify(procedure->pubsub->broker, request->subscription, ack_ids, seconds, now_us, ids),
        request->subscription);
    json_object_set_new(procedure->detail, "messages", ids);
    return true;
}

/* ---- procedures ---- */

static const struct procedure_method methods[] = {
    {"/google.pubsub.v1.Publisher/CreateTopic", "createTopic", create_topic},
    {"/google.pubsub.v1.Publisher/GetTopic", "getTopic", get_topic},
    {"/google.pubsub.v1.Publisher/DeleteTopic", "deleteTopic", delete_topic},
    {"/google.pubsub.v1.Publisher/Publish", "publish", publish},
    {"/google.pubsub.v1.Subscriber/CreateSubscription", "createSubscription", create_subscription},
    {"/google.pubsub.v1.Subscriber/GetSubscription", "getSubscription", get_subscription},
    {"/google.pubsub.v1.Subscriber/DeleteSubscription", "deleteSubscription", delete_subscription},
    {"/google.pubsub.v1.Subscriber/CreateSnapshot", "createSnapshot", snapshot_create},
    {"/google.pubsub.v1.Subscriber/DeleteSnapshot", "deleteSnapshot", snapshot_delete},
    {"/google.pubsub.v1.Subscriber/Seek", "seek", snapshot_seek},
    {"/google.pubsub.v1.Subscriber/Pull", "pull", pull},
    {"/google.pubsub.v1.Subscriber/StreamingPull", "streamingPull", NULL},
    {"/google.pubsub.v1.Subscriber/Acknowledge", "acknowledge", acknowledge},
    {"/google.pubsub.v1.Subscriber/ModifyAckDeadline", "modifyAckDeadline", modify_ack_deadline},
};

static bool does(const struct procedure *procedure, const char *action)
{
    return procedure->faulty && strcmp(procedure->fault.action, action) == 0;
}

static long argument(const struct procedure *procedure, long fallback)
{
    return procedure->fault.argument_count > 0 ? strtol(procedure->fault.argument[0], NULL, 10)
                                               : fallback; /* a test's own words */
}

void procedure_begin(struct procedure *procedure, struct pubsub_server *pubsub, const char *path)
{
    *procedure = (struct procedure){.pubsub = pubsub, .detail = json_object()};
    buf_init(&procedure->request, REPLY_LIMIT);
    buf_init(&procedure->reply, REPLY_LIMIT);
    buf_init(&procedure->error_info, REPLY_LIMIT);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(methods[i].path, path) == 0) procedure->method = &methods[i];
    if (!procedure->method) return;
    if (!procedure->method->serve) procedure->stream = stream_new();
    procedure->faulty =
        faults_next(pubsub->options.faults, "pubsub", procedure->method->operation, &procedure->fault);
    if (does(procedure, "delay")) procedure->due_ms = clock_ms() + argument(procedure, 0);
}

void procedure_write_journal(const struct procedure *procedure, int64_t now_us)
{
    journal_add(procedure->pubsub->options.journal, "pubsub",
                procedure->method ? procedure->method->operation : "unknown", now_us, (int)procedure->status,
                procedure->faulty ? procedure->fault.line : NULL, procedure->detail);
}

bool procedure_serve(struct procedure *procedure)
{
    int64_t now_us = virtual_clock_peek(procedure->pubsub->options.clock);
    if (clock_ms() < procedure->due_ms) return false;
    procedure->status = GRPC_STATUS_OK;
    buf_reset(&procedure->reply);
    bool before = !(procedure->faulty && procedure->fault.argument_count > 0 &&
                    strcmp(procedure->fault.argument[0], "after") == 0);
    if (procedure->refusal) {
        procedure_refuse(procedure, GRPC_STATUS_UNAUTHENTICATED, "%s", procedure->refusal);
    } else if (!procedure->method) {
        procedure_refuse(procedure, GRPC_STATUS_UNIMPLEMENTED, "The sandbox does not know this method.");
    } else if (does(procedure, "refuse")) {
        procedure_refuse(procedure, (grpc_status_code)argument(procedure, GRPC_STATUS_UNAVAILABLE),
                         "refused by the fault script");
        if (procedure->fault.argument_count > 1)
            procedure_add_error_info(procedure, procedure->fault.argument[1]);
    } else if (does(procedure, "drop") && before) {
        procedure->cut = true;
    } else if (!procedure->method->serve(procedure, now_us)) {
        return false;
    }
    if (does(procedure, "lose"))
        procedure_refuse(procedure, GRPC_STATUS_UNAVAILABLE, "the answer was lost by the fault script");
    procedure->cut = procedure->cut || does(procedure, "drop");
    procedure_write_journal(procedure, now_us);
    return true;
}

bool procedure_receive(struct procedure *procedure)
{
    int64_t now_us = virtual_clock_peek(procedure->pubsub->options.clock);
    procedure->status = GRPC_STATUS_OK;
    if (procedure->refusal) {
        procedure_refuse(procedure, GRPC_STATUS_UNAUTHENTICATED, "%s", procedure->refusal);
    } else if (does(procedure, "refuse")) {
        procedure_refuse(procedure, (grpc_status_code)argument(procedure, GRPC_STATUS_UNAVAILABLE),
                         "refused by the fault script");
    } else if (does(procedure, "drop")) {
        procedure->cut = true;
    } else {
        stream_receive(procedure, now_us);
    }
    buf_reset(&procedure->request);
    bool lives = procedure->status == GRPC_STATUS_OK && !procedure->cut;
    if (!lives) procedure_write_journal(procedure, now_us);
    return lives;
}

bool procedure_next_reply(struct procedure *procedure)
{
    buf_reset(&procedure->reply);
    return stream_next_reply(procedure, virtual_clock_peek(procedure->pubsub->options.clock));
}

void procedure_undo(struct procedure *procedure)
{
    if (!procedure->method || procedure->method->serve != pull || procedure->status != GRPC_STATUS_OK ||
        procedure->cut)
        return;
    Google__Pubsub__V1__PullRequest *request = google__pubsub__v1__pull_request__unpack(
        NULL, procedure->request.size, (const uint8_t *)buf_string(&procedure->request));
    if (request)
        broker_take_back(procedure->pubsub->broker, request->subscription, &procedure->reply,
                         virtual_clock_peek(procedure->pubsub->options.clock));
    google__pubsub__v1__pull_request__free_unpacked(request, NULL);
}

void procedure_done(struct procedure *procedure)
{
    buf_done(&procedure->request);
    buf_done(&procedure->reply);
    buf_done(&procedure->error_info);
    stream_free(procedure->stream);
    json_decref(procedure->detail);
}
