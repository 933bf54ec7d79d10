/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "pubsub/filter.h"
#include "pubsub/state.h"

#define DEADLINE_S 10 /* of a subscription that names none */
#define FIRST_ID   1000

struct broker *broker_new(struct faults *faults)
{
    struct broker *broker = mem_zero(1, sizeof *broker);
    pthread_mutex_init(&broker->lock, NULL);
    broker->faults = faults;
    broker->ids = FIRST_ID;
    broker->policies = json_object();
    return broker;
}

static void subscription_free(struct subscription *subscription)
{
    for (size_t i = 0; i < subscription->item_count; i++) {
        struct queued_message *item = subscription->items[i];
        google__pubsub__v1__pubsub_message__free_unpacked(item->message, NULL);
        json_decref(item->nack_delays);
        free(item->leases);
        free(item);
    }
    google__pubsub__v1__subscription__free_unpacked(subscription->settings, NULL);
    free(subscription->items);
    free(subscription);
}

void broker_free(struct broker *broker)
{
    if (!broker) return;
    for (size_t i = 0; i < broker->topic_count; i++)
        free(broker->topics[i]);
    for (size_t i = 0; i < broker->subscription_count; i++)
        subscription_free(broker->subscriptions[i]);
    while (broker->snapshot_count > 0)
        (void)broker_delete_snapshot(broker, broker->snapshots[0].name);
    free(broker->topics);
    free(broker->subscriptions);
    free(broker->snapshots);
    json_decref(broker->policies);
    pthread_mutex_destroy(&broker->lock);
    free(broker);
}

/* ---- topics and subscriptions ---- */

static char **find_topic(struct broker *broker, const char *name)
{
    for (size_t i = 0; i < broker->topic_count; i++)
        if (strcmp(broker->topics[i], name) == 0) return &broker->topics[i];
    return NULL;
}

struct subscription **broker_subscription(struct broker *broker, const char *name)
{
    for (size_t i = 0; i < broker->subscription_count; i++)
        if (strcmp(broker->subscriptions[i]->settings->name, name) == 0) return &broker->subscriptions[i];
    return NULL;
}

grpc_status_code broker_create_topic(struct broker *broker, const char *name)
{
    pthread_mutex_lock(&broker->lock);
    bool exists = find_topic(broker, name) != NULL;
    if (!exists) {
        broker->topics = mem_grow(broker->topics, broker->topic_count + 1, sizeof *broker->topics);
        broker->topics[broker->topic_count++] = mem_text(name);
    }
    pthread_mutex_unlock(&broker->lock);
    return exists ? GRPC_STATUS_ALREADY_EXISTS : GRPC_STATUS_OK;
}

grpc_status_code broker_find_topic(struct broker *broker, const char *name)
{
    pthread_mutex_lock(&broker->lock);
    bool exists = find_topic(broker, name) != NULL;
    pthread_mutex_unlock(&broker->lock);
    return exists ? GRPC_STATUS_OK : GRPC_STATUS_NOT_FOUND;
}

grpc_status_code broker_delete_topic(struct broker *broker, const char *name)
{
    pthread_mutex_lock(&broker->lock);
    char **topic = find_topic(broker, name);
    if (topic) {
        json_object_del(broker->policies, name);
        free(*topic);
        *topic = broker->topics[--broker->topic_count];
    }
    pthread_mutex_unlock(&broker->lock);
    return topic ? GRPC_STATUS_OK : GRPC_STATUS_NOT_FOUND;
}

static Google__Pubsub__V1__Subscription *copy_settings(const Google__Pubsub__V1__Subscription *settings)
{
    size_t size = google__pubsub__v1__subscription__get_packed_size(settings);
    AUTO(mem_free) uint8_t *bytes = mem_zero(size, 1);
    google__pubsub__v1__subscription__pack(settings, bytes);
    Google__Pubsub__V1__Subscription *copy = google__pubsub__v1__subscription__unpack(NULL, size, bytes);
    if (!copy) abort(); /* what was packed can be unpacked, but for memory */
    if (copy->ack_deadline_seconds == 0) copy->ack_deadline_seconds = DEADLINE_S;
    return copy;
}

grpc_status_code broker_create_subscription(struct broker *broker,
                                            const Google__Pubsub__V1__Subscription *settings)
{
    grpc_status_code status = GRPC_STATUS_OK;
    const Google__Pubsub__V1__DeadLetterPolicy *dead = settings->dead_letter_policy;
    pthread_mutex_lock(&broker->lock);
    if (broker_subscription(broker, settings->name)) {
        status = GRPC_STATUS_ALREADY_EXISTS;
    } else if (!find_topic(broker, settings->topic) ||
               (dead && !find_topic(broker, dead->dead_letter_topic))) {
        status = GRPC_STATUS_NOT_FOUND;
    } else {
        struct subscription *subscription = mem_zero(1, sizeof *subscription);
        subscription->settings = copy_settings(settings);
        subscription->serial = ++broker->serials;
        broker->subscriptions =
            mem_grow(broker->subscriptions, broker->subscription_count + 1, sizeof *broker->subscriptions);
        broker->subscriptions[broker->subscription_count++] = subscription;
    }
    pthread_mutex_unlock(&broker->lock);
    return status;
}

bool packed_add(const ProtobufCMessage *message, struct buf *out)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    AUTO(mem_free) uint8_t *bytes = mem_zero(size + 1, 1);
    protobuf_c_message_pack(message, bytes);
    return buf_add(out, bytes, size);
}

grpc_status_code broker_find_subscription(struct broker *broker, const char *name, struct buf *out)
{
    pthread_mutex_lock(&broker->lock);
    struct subscription **found = broker_subscription(broker, name);
    if (found) (void)packed_add(&(*found)->settings->base, out); /* too small to fail */
    pthread_mutex_unlock(&broker->lock);
    return found ? GRPC_STATUS_OK : GRPC_STATUS_NOT_FOUND;
}

grpc_status_code broker_delete_subscription(struct broker *broker, const char *name)
{
    pthread_mutex_lock(&broker->lock);
    struct subscription **found = broker_subscription(broker, name);
    if (found) {
        json_object_del(broker->policies, name);
        subscription_free(*found);
        *found = broker->subscriptions[--broker->subscription_count];
    }
    pthread_mutex_unlock(&broker->lock);
    return found ? GRPC_STATUS_OK : GRPC_STATUS_NOT_FOUND;
}

/* ---- messages ---- */

/* A copy with the server's id and time. */
static Google__Pubsub__V1__PubsubMessage *copy_message(const Google__Pubsub__V1__PubsubMessage *message,
                                                       char *id, int64_t now_us)
{
    Google__Pubsub__V1__PubsubMessage stamped = *message; /* shallow */
    Google__Protobuf__Timestamp time;
    google__protobuf__timestamp__init(&time);
    time.seconds = now_us / SECOND_US;
    time.nanos = (int32_t)(now_us % SECOND_US) * 1000;
    stamped.message_id = id;
    stamped.publish_time = &time;
    size_t size = google__pubsub__v1__pubsub_message__get_packed_size(&stamped);
    AUTO(mem_free) uint8_t *bytes = mem_zero(size, 1);
    google__pubsub__v1__pubsub_message__pack(&stamped, bytes);
    Google__Pubsub__V1__PubsubMessage *copy = google__pubsub__v1__pubsub_message__unpack(NULL, size, bytes);
    if (!copy) abort(); /* see above */
    return copy;
}

void broker_add(struct broker *broker, const char *topic, const Google__Pubsub__V1__PubsubMessage *message,
                int64_t now_us, char out_id[MESSAGE_ID])
{
    snprintf(out_id, MESSAGE_ID, "%lld", ++broker->ids);
    for (size_t i = 0; i < broker->subscription_count; i++) {
        struct subscription *subscription = broker->subscriptions[i];
        if (strcmp(subscription->settings->topic, topic) != 0 ||
            !filter_matches(subscription->settings->filter, message))
            continue;
        struct queued_message *item = mem_zero(1, sizeof *item);
        item->message = copy_message(message, out_id, now_us);
        item->published_us = now_us;
        item->nack_delays = json_array();
        subscription->items =
            mem_grow(subscription->items, subscription->item_count + 1, sizeof *subscription->items);
        subscription->items[subscription->item_count++] = item;
    }
}

grpc_status_code broker_publish(struct broker *broker, const char *topic,
                                const Google__Pubsub__V1__PubsubMessage *message, int64_t now_us,
                                char out_id[MESSAGE_ID])
{
    pthread_mutex_lock(&broker->lock);
    bool exists = find_topic(broker, topic) != NULL;
    if (exists) broker_add(broker, topic, message, now_us, out_id);
    pthread_mutex_unlock(&broker->lock);
    return exists ? GRPC_STATUS_OK : GRPC_STATUS_NOT_FOUND;
}

/* ---- names and policies ---- */

static void add_name(json_t *names, const char *name, const char *project, const char *collection)
{
    size_t size = strlen(project);
    if (strncmp(name, "projects/", 9) != 0 || strncmp(name + 9, project, size) != 0 || name[9 + size] != '/')
        return;
    if (strncmp(name + 10 + size, collection, strlen(collection)) == 0)
        json_array_append_new(names, json_string(name));
}

json_t *broker_names(struct broker *broker, const char *project, const char *collection)
{
    json_t *names = json_array();
    pthread_mutex_lock(&broker->lock);
    for (size_t i = 0; i < broker->topic_count; i++)
        add_name(names, broker->topics[i], project, collection);
    for (size_t i = 0; i < broker->subscription_count; i++)
        add_name(names, broker->subscriptions[i]->settings->name, project, collection);
    for (size_t i = 0; i < broker->snapshot_count; i++)
        add_name(names, broker->snapshots[i].name, project, collection);
    pthread_mutex_unlock(&broker->lock);
    return names;
}

json_t *broker_policy(struct broker *broker, const char *name)
{
    pthread_mutex_lock(&broker->lock);
    json_t *policy = json_deep_copy(json_object_get(broker->policies, name));
    pthread_mutex_unlock(&broker->lock);
    return policy;
}

void broker_set_policy(struct broker *broker, const char *name, json_t *policy)
{
    pthread_mutex_lock(&broker->lock);
    json_object_set_new(broker->policies, name, policy);
    pthread_mutex_unlock(&broker->lock);
}

/* ---- report ---- */

static json_t *report_item(const struct subscription *subscription, const struct queued_message *item)
{
    const char *state = "waiting";
    switch (item->state) {
    case ITEM_OPEN: state = item_leased(item) ? "leased" : "waiting"; break;
    case ITEM_ACKED: state = "acked"; break;
    case ITEM_DEAD: state = "dead"; break;
    }
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:O}", "id", item->message->message_id, "subscription",
                     strrchr(subscription->settings->name, '/') + 1, "state", state, "deliveries",
                     (json_int_t)item_deliveries(item), "extends", (json_int_t)item->extends, "nack_delays",
                     item->nack_delays);
}

json_t *broker_report(struct broker *broker, int64_t now_us)
{
    json_t *messages = json_array();
    pthread_mutex_lock(&broker->lock);
    for (size_t i = 0; i < broker->subscription_count; i++)
        broker_settle(broker, broker->subscriptions[i], now_us);
    for (size_t i = 0; i < broker->subscription_count; i++) {
        struct subscription *subscription = broker->subscriptions[i];
        for (size_t j = 0; j < subscription->item_count; j++)
            json_array_append_new(messages, report_item(subscription, subscription->items[j]));
    }
    pthread_mutex_unlock(&broker->lock);
    return json_pack("{s:o}", "messages", messages);
}
