/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "pubsub/internal.h"

struct pubsub_server *pubsub_start(const struct pubsub_options *options, struct error *err)
{
    struct pubsub_server *pubsub = mem_zero(1, sizeof *pubsub);
    pubsub->options = *options;
    pubsub->broker = broker_new(options->faults);
    pubsub->wire = rpc_server_start(pubsub, options->port, err);
    if (pubsub->wire) return pubsub;
    broker_free(pubsub->broker);
    free(pubsub);
    return NULL;
}

void pubsub_stop(struct pubsub_server *pubsub)
{
    if (!pubsub) return;
    rpc_server_stop(pubsub->wire);
    broker_free(pubsub->broker);
    free(pubsub);
}

int pubsub_port(const struct pubsub_server *pubsub)
{
    return rpc_server_port(pubsub->wire);
}

/* "caseload" or "projects/P/subscriptions/caseload" -> "projects/PROJECT/<collection>/caseload<suffix>";
 * yours. */
static char *whole_name(const char *project, const char *collection, const char *name, const char *suffix)
{
    const char *slash = strrchr(name, '/');
    if (strncmp(name, "projects/", 9) != 0 || !slash)
        return mem_format("projects/%s/%s/%s%s", project, collection, name, suffix);
    const char *end = strchr(name + 9, '/');
    return mem_format("projects/%.*s/%s/%s%s", (int)(end - name - 9), name + 9, collection, slash + 1,
                      suffix);
}

static void make(struct pubsub_server *pubsub, char *name, char *topic, const json_t *settings,
                 Google__Pubsub__V1__DeadLetterPolicy *dead)
{
    Google__Pubsub__V1__Subscription wanted;
    google__pubsub__v1__subscription__init(&wanted);
    wanted.name = name;
    wanted.topic = topic;
    wanted.ack_deadline_seconds = (int32_t)json_int_at(settings, "ack_deadline_seconds", 0);
    wanted.retain_acked_messages = 1;
    wanted.dead_letter_policy = dead;
    wanted.enable_exactly_once_delivery =
        json_is_true(json_object_get(settings, "enable_exactly_once_delivery"));
    (void)broker_create_topic(pubsub->broker, topic);          /* it may exist */
    (void)broker_create_subscription(pubsub->broker, &wanted); /* so may this */
}

void pubsub_make(struct pubsub_server *pubsub, const char *project, const char *subscription,
                 const json_t *settings)
{
    AUTO(mem_free) char *name = whole_name(project, "subscriptions", subscription, "");
    AUTO(mem_free) char *topic = whole_name(project, "topics", subscription, "");
    AUTO(mem_free) char *dead_name = whole_name(project, "subscriptions", subscription, "-dead");
    AUTO(mem_free) char *dead_topic = whole_name(project, "topics", subscription, "-dead");
    Google__Pubsub__V1__DeadLetterPolicy dead;
    google__pubsub__v1__dead_letter_policy__init(&dead);
    dead.dead_letter_topic = dead_topic;
    dead.max_delivery_attempts = (int32_t)json_int_at(settings, "max_delivery_attempts", 0);
    if (dead.max_delivery_attempts > 0) make(pubsub, dead_name, dead_topic, NULL, NULL);
    make(pubsub, name, topic, settings, dead.max_delivery_attempts > 0 ? &dead : NULL);
}

static void fill_attributes(Google__Pubsub__V1__PubsubMessage *message, const json_t *attributes)
{
    const char *key;
    json_t *value;
    AUTO(json_drop) json_t *copy = json_deep_copy(attributes); /* only what is not const can be walked */
    message->attributes = mem_zero(json_object_size(copy) + 1, sizeof *message->attributes);
    json_object_foreach (copy, key, value) {
        Google__Pubsub__V1__PubsubMessage__AttributesEntry *entry = mem_zero(1, sizeof *entry);
        google__pubsub__v1__pubsub_message__attributes_entry__init(entry);
        entry->key = mem_text(key);
        entry->value = mem_text(json_is_string(value) ? json_string_value(value) : "");
        message->attributes[message->n_attributes++] = entry;
    }
}

char *pubsub_publish(struct pubsub_server *pubsub, const char *project, const char *subscription,
                     const char *data, size_t data_size, const json_t *attributes)
{
    AUTO(mem_free) char *topic = whole_name(project, "topics", subscription, "");
    char id[MESSAGE_ID] = "";
    Google__Pubsub__V1__PubsubMessage *message = mem_zero(1, sizeof *message);
    google__pubsub__v1__pubsub_message__init(message);
    message->data.data = (uint8_t *)mem_bytes(data_size > 0 ? data : "", data_size);
    message->data.len = data_size;
    fill_attributes(message, attributes);
    (void)broker_publish(pubsub->broker, topic, message, virtual_clock_read(pubsub->options.clock), id);
    google__pubsub__v1__pubsub_message__free_unpacked(message, NULL);
    return mem_text(id);
}

bool pubsub_seek(struct pubsub_server *pubsub, const char *project, const char *subscription, int64_t time_us)
{
    AUTO(mem_free) char *name = whole_name(project, "subscriptions", subscription, "");
    int64_t now_us = virtual_clock_peek(pubsub->options.clock);
    return broker_seek(pubsub->broker, name, time_us, now_us) == GRPC_STATUS_OK;
}

json_t *pubsub_report(struct pubsub_server *pubsub)
{
    return broker_report(pubsub->broker, virtual_clock_peek(pubsub->options.clock));
}
