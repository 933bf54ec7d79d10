/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "google/pubsub/v1/pubsub.pb-c.h"
#include "receive.h"

#define ACK_ID_LIMIT     8192
#define MESSAGE_ID_LIMIT 256
#define SECONDS_LEAST    0
#define SECONDS_MOST     INT64_C(253402300799) /* the end of the year 9999 */
#define REPLACEMENT      "\xEF\xBF\xBD"        /* U+FFFD */

/* A copy that is valid UTF-8. */
static char *copy_text(const char *text)
{
    size_t size = strlen(text);
    char *copy = mem_zero(size + 1, sizeof REPLACEMENT - 1); /* room for a replacement of each byte */
    char *end = copy;
    for (const char *at = text; *at;) {
        size_t length = utf8_size(at, size - (size_t)(at - text));
        const char *from = length > 0 ? at : REPLACEMENT;
        size_t count = length > 0 ? length : sizeof REPLACEMENT - 1;
        memcpy(end, from, count);
        end += count;
        at += length > 0 ? length : 1;
    }
    return copy;
}

static bool is_plain(const char *text, size_t limit)
{
    size_t length = strnlen(text, limit + 1);
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~') return false;
    return length > 0 && length <= limit;
}

/* Pub/Sub's ids are printable ASCII. */
static bool is_usable(const Google__Pubsub__V1__ReceivedMessage *received)
{
    return is_plain(received->ack_id, ACK_ID_LIMIT) && received->message &&
           is_plain(received->message->message_id, MESSAGE_ID_LIMIT) &&
           received->message->n_attributes <= RECEIVE_ATTRIBUTES;
}

static void set_attribute(struct delivery *delivery, char *key, char *value)
{
    for (size_t i = 0; i < delivery->attribute_count; i++) {
        if (strcmp(delivery->attributes[i].key, key) != 0) continue;
        free(delivery->attributes[i].value);
        delivery->attributes[i].value = value;
        free(key);
        return;
    }
    delivery->attributes[delivery->attribute_count++] =
        (struct message_attribute){.key = key, .value = value};
}

/* INT64_MAX: the time is unknown, so no earlier run satisfies the message. */
static int64_t published_us(const Google__Protobuf__Timestamp *time)
{
    if (!time || time->seconds < SECONDS_LEAST || time->seconds > SECONDS_MOST || time->nanos < 0 ||
        time->nanos > 999999999)
        return INT64_MAX;
    return time->seconds * 1000000 + time->nanos / 1000;
}

static void fill_delivery(const Google__Pubsub__V1__ReceivedMessage *received, struct delivery *out)
{
    const Google__Pubsub__V1__PubsubMessage *message = received->message;
    *out = (struct delivery){
        .ack_id = mem_text(received->ack_id),
        .message_id = mem_text(message->message_id),
        .published_us = published_us(message->publish_time),
        .data = mem_bytes(message->data.data ? (const void *)message->data.data : "", message->data.len),
        .data_size = message->data.len,
        .attempt = received->delivery_attempt > 0 ? received->delivery_attempt : 0,
    };
    if (message->n_attributes > 0) out->attributes = mem_zero(message->n_attributes, sizeof *out->attributes);
    for (size_t i = 0; i < message->n_attributes; i++)
        set_attribute(out, copy_text(message->attributes[i]->key), copy_text(message->attributes[i]->value));
}

bool received_read(const void *bytes, size_t size, struct received *out, struct error *err)
{
    *out = (struct received){.any = false};
    Google__Pubsub__V1__PullResponse *response = google__pubsub__v1__pull_response__unpack(NULL, size, bytes);
    if (!response) return error_set(err, ERROR_FORMAT, "the answer is no PullResponse");
    size_t count = response->n_received_messages;
    if (count > 0)
        out->surplus = mem_zero(count < RECEIVE_SURPLUS ? count : RECEIVE_SURPLUS, sizeof *out->surplus);
    for (size_t i = 0; i < count; i++) {
        const Google__Pubsub__V1__ReceivedMessage *received = response->received_messages[i];
        if (!out->any && is_usable(received)) {
            fill_delivery(received, &out->delivery);
            out->any = true;
        } else if (out->surplus_count < RECEIVE_SURPLUS && is_plain(received->ack_id, ACK_ID_LIMIT)) {
            out->surplus[out->surplus_count++] = mem_text(received->ack_id);
        }
    }
    google__pubsub__v1__pull_response__free_unpacked(response, NULL);
    if (count > 0 && !out->any)
        return error_set(err, ERROR_FORMAT,
                         "a message arrived without usable ids, or with more than %d attributes",
                         RECEIVE_ATTRIBUTES);
    return true;
}

void received_done(struct received *received)
{
    delivery_done(&received->delivery);
    for (size_t i = 0; i < received->surplus_count; i++)
        free(received->surplus[i]);
    free(received->surplus);
    *received = (struct received){.any = false};
}
