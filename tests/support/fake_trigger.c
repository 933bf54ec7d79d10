/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_trigger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int64_t now_us(const struct fake_trigger *trigger)
{
    return trigger->now_us ? *trigger->now_us : 0;
}

static struct fake_message *earliest_due(struct fake_trigger *trigger)
{
    struct fake_message *best = NULL;
    for (size_t i = 0; i < trigger->count; i++) {
        struct fake_message *message = &trigger->messages[i];
        if (!message->acked && message->due_us <= now_us(trigger) &&
            (!best || message->due_us < best->due_us))
            best = message;
    }
    return best;
}

/* The ack id names the message and the delivery: "3.2" is the second delivery of message 3. */
static void deliver(const struct fake_trigger *trigger, const struct fake_message *message,
                    struct delivery *out_delivery)
{
    *out_delivery = (struct delivery){
        .ack_id = mem_format("%td.%d", message - trigger->messages, message->attempt),
        .message_id = mem_text(message->id),
        .published_us = message->published_us,
        .data = mem_text(message->data),
        .data_size = strlen(message->data),
        .attempt = message->attempt,
    };
    if (!message->attribute.key) return;
    out_delivery->attributes = mem_zero(1, sizeof *out_delivery->attributes);
    out_delivery->attributes[0] = (struct message_attribute){.key = mem_text(message->attribute.key),
                                                             .value = mem_text(message->attribute.value)};
    out_delivery->attribute_count = 1;
}

static bool fake_next(struct trigger *base, struct delivery *out_delivery, bool *out_any, struct error *err)
{
    struct fake_trigger *trigger = (struct fake_trigger *)base;
    if (!fake_enter(&trigger->hook, "next", err)) return false;
    pthread_mutex_lock(&trigger->mutex);
    struct fake_message *message = earliest_due(trigger);
    *out_any = message;
    if (message) {
        message->attempt++;
        message->due_us = now_us(trigger) + trigger->lease_s * INT64_C(1000000);
        deliver(trigger, message, out_delivery);
    }
    pthread_mutex_unlock(&trigger->mutex);
    if (!message && trigger->stop_when_idle) return error_set(err, ERROR_STOPPED, "no message is left");
    return true;
}

/* The message whose newest delivery has this ack id, or NULL. */
static struct fake_message *held(struct fake_trigger *trigger, const char *ack_id)
{
    char *dot;
    unsigned long index = strtoul(ack_id, &dot, 10);
    if (*dot != '.' || index >= trigger->count) return NULL;
    struct fake_message *message = &trigger->messages[index];
    return strtol(dot + 1, NULL, 10) == message->attempt ? message : NULL;
}

static bool fake_extend(struct trigger *base, const char *ack_id, int seconds, struct error *err)
{
    struct fake_trigger *trigger = (struct fake_trigger *)base;
    if (!fake_enter(&trigger->hook, "extend", err)) return false;
    pthread_mutex_lock(&trigger->mutex);
    struct fake_message *message = held(trigger, ack_id);
    if (message && !message->acked) {
        message->extends++;
        message->due_us = now_us(trigger) + seconds * INT64_C(1000000);
    }
    pthread_mutex_unlock(&trigger->mutex);
    return true;
}

static bool fake_ack(struct trigger *base, const char *ack_id, struct error *err)
{
    struct fake_trigger *trigger = (struct fake_trigger *)base;
    if (!fake_enter(&trigger->hook, "ack", err)) return false;
    pthread_mutex_lock(&trigger->mutex);
    struct fake_message *message = held(trigger, ack_id);
    if (message) {
        message->acked = true;
        message->acks++;
    }
    pthread_mutex_unlock(&trigger->mutex);
    return true;
}

static bool fake_nack(struct trigger *base, const char *ack_id, int delay_s, struct error *err)
{
    struct fake_trigger *trigger = (struct fake_trigger *)base;
    if (!fake_enter(&trigger->hook, "nack", err)) return false;
    pthread_mutex_lock(&trigger->mutex);
    struct fake_message *message = held(trigger, ack_id);
    if (message && !message->acked) {
        message->nacks++;
        message->delay_s = delay_s;
        message->due_us = now_us(trigger) + delay_s * INT64_C(1000000);
    }
    pthread_mutex_unlock(&trigger->mutex);
    return true;
}

static void fake_free(struct trigger *base)
{
    (void)base; /* the test owns it: fake_trigger_done */
}

static const struct trigger_ops ops = {
    .next = fake_next, .extend = fake_extend, .ack = fake_ack, .nack = fake_nack, .free = fake_free};

void fake_trigger_init(struct fake_trigger *trigger)
{
    *trigger = (struct fake_trigger){.base = {.ops = &ops}, .lease_s = 60};
    pthread_mutex_init(&trigger->mutex, NULL);
}

void fake_trigger_done(struct fake_trigger *trigger)
{
    for (size_t i = 0; i < trigger->count; i++) {
        free(trigger->messages[i].id);
        free(trigger->messages[i].data);
    }
    free(trigger->messages);
    pthread_mutex_destroy(&trigger->mutex);
}

size_t fake_trigger_publish(struct fake_trigger *trigger, const char *id, const char *data,
                            int64_t published_us)
{
    pthread_mutex_lock(&trigger->mutex);
    trigger->messages = mem_grow(trigger->messages, trigger->count + 1, sizeof *trigger->messages);
    trigger->messages[trigger->count] = (struct fake_message){
        .id = mem_text(id), .data = mem_text(data), .published_us = published_us, .due_us = now_us(trigger)};
    size_t index = trigger->count++;
    pthread_mutex_unlock(&trigger->mutex);
    return index;
}
