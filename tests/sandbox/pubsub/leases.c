/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "pubsub/state.h"

#define BACKOFF_LEAST_US (10 * SECOND_US)
#define BACKOFF_MOST_US  (600 * SECOND_US)
#define NO_MODIFY        -1

size_t item_deliveries(const struct queued_message *item)
{
    return item->lease_count - item->taken_back;
}

bool item_leased(const struct queued_message *item)
{
    for (size_t i = 0; i < item->lease_count; i++)
        if (!item->leases[i].over) return true;
    return false;
}

static int64_t duration_us(const Google__Protobuf__Duration *duration, int64_t fallback_us)
{
    return duration ? duration->seconds * SECOND_US + duration->nanos / 1000 : fallback_us;
}

/* The retry policy's wait: doubled with each delivery. */
static int64_t backoff_us(const struct subscription *subscription, const struct queued_message *item)
{
    const Google__Pubsub__V1__RetryPolicy *policy = subscription->settings->retry_policy;
    if (!policy) return 0;
    int64_t wait_us = duration_us(policy->minimum_backoff, BACKOFF_LEAST_US);
    int64_t most_us = duration_us(policy->maximum_backoff, BACKOFF_MOST_US);
    for (size_t i = 1; i < item_deliveries(item) && wait_us < most_us; i++)
        wait_us *= 2;
    return wait_us < most_us ? wait_us : most_us;
}

/* Moves the message to the dead-letter topic. Production adds more attributes; these two are the useful ones.
 */
static void bury(struct broker *broker, struct subscription *subscription, struct queued_message *item,
                 int64_t now_us)
{
    Google__Pubsub__V1__PubsubMessage copy = *item->message; /* shallow */
    Google__Pubsub__V1__PubsubMessage__AttributesEntry extra[2];
    char count[24], id[MESSAGE_ID];
    char count_key[] = "CloudPubSubDeadLetterSourceDeliveryCount";
    char name_key[] = "CloudPubSubDeadLetterSourceSubscription";
    char *short_name = strrchr(subscription->settings->name, '/') + 1;
    snprintf(count, sizeof count, "%zu", item_deliveries(item));
    for (size_t i = 0; i < 2; i++)
        google__pubsub__v1__pubsub_message__attributes_entry__init(&extra[i]);
    extra[0].key = count_key;
    extra[0].value = count;
    extra[1].key = name_key;
    extra[1].value = short_name;

    size_t old = copy.n_attributes;
    AUTO(mem_free) void *list = mem_zero(old + 2, sizeof *copy.attributes);
    if (old > 0) memcpy(list, copy.attributes, old * sizeof *copy.attributes);
    copy.attributes = list;
    copy.attributes[old] = &extra[0];
    copy.attributes[old + 1] = &extra[1];
    copy.n_attributes = old + 2;
    item->state = ITEM_DEAD;
    broker_add(broker, subscription->settings->dead_letter_policy->dead_letter_topic, &copy, now_us, id);
}

/* Ends leases, and moves a message that came too often to the dead letters. */
static void settle(struct broker *broker, struct subscription *subscription, struct queued_message *item,
                   int64_t now_us)
{
    const Google__Pubsub__V1__DeadLetterPolicy *policy = subscription->settings->dead_letter_policy;
    if (item->state != ITEM_OPEN) return;
    for (size_t i = 0; i < item->lease_count; i++) {
        struct delivery_lease *lease = &item->leases[i];
        if (lease->over || lease->until_us > now_us) continue;
        lease->over = true;
        int64_t ready_us = lease->until_us + backoff_us(subscription, item);
        if (item->ready_us < ready_us) item->ready_us = ready_us;
    }
    if (policy && !item_leased(item) && item_deliveries(item) >= (size_t)policy->max_delivery_attempts)
        bury(broker, subscription, item, now_us);
}

void broker_settle(struct broker *broker, struct subscription *subscription, int64_t now_us)
{
    for (size_t i = subscription->first; i < subscription->item_count; i++)
        settle(broker, subscription, subscription->items[i], now_us);
    while (subscription->first < subscription->item_count &&
           subscription->items[subscription->first]->state != ITEM_OPEN)
        subscription->first++;
}

/* ---- handing out ---- */

static bool is_ready(const struct queued_message *item, int64_t now_us)
{
    return item->state == ITEM_OPEN && item->ready_us <= now_us && (item->again || !item_leased(item));
}

/* Fills one ReceivedMessage; its ack id is malloc'ed. */
static void hand_out(struct broker *broker, struct subscription *subscription, size_t index, int64_t until_us,
                     Google__Pubsub__V1__ReceivedMessage *out)
{
    struct queued_message *item = subscription->items[index];
    struct fault fault;
    bool faulty = faults_next(broker->faults, "pubsub", "deliver", &fault);
    item->again = faulty && strcmp(fault.action, "twice") == 0;
    item->leases = mem_grow(item->leases, item->lease_count + 1, sizeof *item->leases);
    item->leases[item->lease_count++] = (struct delivery_lease){.until_us = until_us, .first_s = NO_MODIFY};
    google__pubsub__v1__received_message__init(out);
    out->ack_id = mem_format("ack-%u-%zu-%zu", subscription->serial, index, item->lease_count);
    out->message = item->message;
    out->delivery_attempt = subscription->settings->dead_letter_policy ? (int32_t)item_deliveries(item) : 0;
}

static void pull(struct broker *broker, struct subscription *subscription, const struct pulling *pulling,
                 int64_t now_us, struct buf *out, json_t *ids)
{
    int lease_s = pulling->lease_s ? pulling->lease_s : subscription->settings->ack_deadline_seconds;
    int64_t until_us = now_us + lease_s * SECOND_US;
    Google__Pubsub__V1__PullResponse response;
    google__pubsub__v1__pull_response__init(&response);
    for (size_t i = subscription->first;
         i < subscription->item_count && response.n_received_messages < pulling->most; i++) {
        if (!is_ready(subscription->items[i], now_us)) continue;
        size_t count = response.n_received_messages;
        response.received_messages =
            mem_grow(response.received_messages, count + 1, sizeof *response.received_messages);
        response.received_messages[count] = mem_zero(1, sizeof **response.received_messages);
        hand_out(broker, subscription, i, until_us, response.received_messages[count]);
        response.n_received_messages++;
        json_array_append_new(ids, json_string(subscription->items[i]->message->message_id));
    }
    (void)packed_add(&response.base, out);
    for (size_t i = 0; i < response.n_received_messages; i++) {
        free(response.received_messages[i]->ack_id);
        free(response.received_messages[i]);
    }
    free(response.received_messages);
}

grpc_status_code broker_pull(struct broker *broker, const struct pulling *pulling, int64_t now_us,
                             struct buf *out, json_t *ids)
{
    pthread_mutex_lock(&broker->lock);
    struct subscription **found = broker_subscription(broker, pulling->subscription);
    if (found) {
        broker_settle(broker, *found, now_us);
        pull(broker, *found, pulling, now_us, out, ids);
    }
    pthread_mutex_unlock(&broker->lock);
    return found ? GRPC_STATUS_OK : GRPC_STATUS_NOT_FOUND;
}

/* ---- leases ---- */

static bool next_number(const char **cursor, unsigned long long *out)
{
    char *end;
    if (**cursor != '-' || (*cursor)[1] < '0' || (*cursor)[1] > '9') return false;
    *out = strtoull(*cursor + 1, &end, 10);
    *cursor = end;
    return true;
}

/* The lease that an ack id names, or NULL if it was not made here. */
static struct delivery_lease *find_lease(struct subscription *subscription, const char *ack_id,
                                         struct queued_message **out_item)
{
    unsigned long long serial, index, number;
    const char *cursor = ack_id + 3;
    if (strncmp(ack_id, "ack", 3) != 0 || !next_number(&cursor, &serial) || !next_number(&cursor, &index) ||
        !next_number(&cursor, &number) || *cursor != '\0')
        return NULL;
    if (serial != subscription->serial || index >= subscription->item_count) return NULL;
    *out_item = subscription->items[index];
    if (number < 1 || number > (*out_item)->lease_count) return NULL;
    return &(*out_item)->leases[number - 1];
}

/* The first call's seconds are taken for the lease; any other number, and 0, for a wish to see it again
 * later. On the wire they are the same. */
static void note_modify(struct queued_message *item, struct delivery_lease *lease, int seconds)
{
    if (seconds > 0 && (lease->first_s == NO_MODIFY || lease->first_s == seconds))
        item->extends++;
    else
        json_array_append_new(item->nack_delays, json_integer(seconds));
    if (lease->first_s == NO_MODIFY) lease->first_s = seconds;
}

#define ACKNOWLEDGE -1

/* seconds: of ModifyAckDeadline, or ACKNOWLEDGE. */
static void apply(struct queued_message *item, struct delivery_lease *lease, int seconds, int64_t now_us)
{
    if (seconds == ACKNOWLEDGE) {
        item->state = ITEM_ACKED;
        return;
    }
    note_modify(item, lease, seconds);
    lease->until_us = now_us + seconds * SECOND_US;
}

static grpc_status_code settle_ids(struct broker *broker, const char *name, struct ack_ids ack_ids,
                                   int seconds, int64_t now_us, json_t *ids)
{
    struct queued_message *item;
    struct subscription **found = broker_subscription(broker, name);
    if (!found) return GRPC_STATUS_NOT_FOUND;
    for (size_t i = 0; i < ack_ids.count; i++)
        if (!find_lease(*found, ack_ids.ids[i], &item)) return GRPC_STATUS_INVALID_ARGUMENT;
    broker_settle(broker, *found, now_us);
    for (size_t i = 0; i < ack_ids.count; i++) {
        struct delivery_lease *lease = find_lease(*found, ack_ids.ids[i], &item);
        json_array_append_new(ids, json_string(item->message->message_id));
        if (item->state == ITEM_OPEN && !lease->over) apply(item, lease, seconds, now_us);
    }
    return GRPC_STATUS_OK;
}

grpc_status_code broker_acknowledge(struct broker *broker, const char *subscription, struct ack_ids ack_ids,
                                    int64_t now_us, json_t *ids)
{
    pthread_mutex_lock(&broker->lock);
    grpc_status_code status = settle_ids(broker, subscription, ack_ids, ACKNOWLEDGE, now_us, ids);
    pthread_mutex_unlock(&broker->lock);
    return status;
}

grpc_status_code broker_modify(struct broker *broker, const char *subscription, struct ack_ids ack_ids,
                               int seconds, int64_t now_us, json_t *ids)
{
    pthread_mutex_lock(&broker->lock);
    grpc_status_code status = settle_ids(broker, subscription, ack_ids, seconds, now_us, ids);
    pthread_mutex_unlock(&broker->lock);
    return status;
}

size_t broker_still_leased(struct broker *broker, const char *name, char **ack_ids, size_t count,
                           int64_t now_us)
{
    size_t kept = 0;
    pthread_mutex_lock(&broker->lock);
    struct subscription **found = broker_subscription(broker, name);
    if (found) broker_settle(broker, *found, now_us);
    for (size_t i = 0; i < count; i++) {
        struct queued_message *item;
        struct delivery_lease *lease = found ? find_lease(*found, ack_ids[i], &item) : NULL;
        if (lease && !lease->over && item->state == ITEM_OPEN)
            ack_ids[kept++] = ack_ids[i];
        else
            free(ack_ids[i]);
    }
    pthread_mutex_unlock(&broker->lock);
    return kept;
}

void broker_take_back(struct broker *broker, const char *name, const struct buf *response, int64_t now_us)
{
    Google__Pubsub__V1__PullResponse *pulled = google__pubsub__v1__pull_response__unpack(
        NULL, response->size, (const uint8_t *)buf_string(response));
    pthread_mutex_lock(&broker->lock);
    struct subscription **found = broker_subscription(broker, name);
    for (size_t i = 0; found && pulled && i < pulled->n_received_messages; i++) {
        struct queued_message *item;
        struct delivery_lease *lease = find_lease(*found, pulled->received_messages[i]->ack_id, &item);
        if (!lease || lease->over || item->state != ITEM_OPEN) continue;
        lease->over = true;
        item->taken_back++;
        item->ready_us = now_us;
    }
    pthread_mutex_unlock(&broker->lock);
    google__pubsub__v1__pull_response__free_unpacked(pulled, NULL);
}
