/* SPDX-License-Identifier: Apache-2.0 */
/* state.h - the broker's memory, for its three files.
 *
 * broker.c    topics, subscriptions, publishing, policies, the report
 * snapshot.c  snapshots, seeking
 * leases.c    handing out, leases, acknowledgements, dead letters
 *
 * Everything here is used with the broker's lock held.
 */
#ifndef CASELOAD_SANDBOX_PUBSUB_STATE_H
#define CASELOAD_SANDBOX_PUBSUB_STATE_H

#include <pthread.h>

#include "pubsub/internal.h"

#define SECOND_US INT64_C(1000000)

/* One handing out. Its number, from 1, is part of the ack id. */
struct delivery_lease {
    int64_t until_us;
    bool over;
    int first_s; /* seconds of the first ModifyAckDeadline; NO_MODIFY: none yet */
};

enum item_state { ITEM_OPEN, ITEM_ACKED, ITEM_DEAD };

/* A message in a subscription. */
struct queued_message {
    Google__Pubsub__V1__PubsubMessage *message;
    int64_t published_us;
    enum item_state state;
    int64_t ready_us; /* not handed out before */
    bool again;       /* the next pull gets it although it is leased */
    struct delivery_lease *leases;
    size_t lease_count;
    size_t taken_back;
    size_t extends;
    json_t *nack_delays;
};

struct subscription {
    Google__Pubsub__V1__Subscription *settings;
    unsigned serial; /* part of its ack ids */
    struct queued_message **items;
    size_t item_count;
    size_t first; /* those before are acked or dead */
};

struct snapshot {
    char *name, *topic;
    long long last_id; /* messages with a higher id came later */
    int64_t expire_us;
    json_t *open_ids; /* an object: ids of those that were not acknowledged */
};

struct broker {
    pthread_mutex_t lock;
    struct faults *faults;
    char **topics;
    size_t topic_count;
    struct subscription **subscriptions;
    size_t subscription_count;
    struct snapshot *snapshots;
    size_t snapshot_count;
    json_t *policies; /* by name */
    unsigned serials;
    long long ids;
};

struct subscription **broker_subscription(struct broker *broker, const char *name); /* NULL: there is none */
void broker_add(struct broker *broker, const char *topic, const Google__Pubsub__V1__PubsubMessage *message,
                int64_t now_us, char out_id[MESSAGE_ID]);
/* Ends leases by the time; messages that came too often go to the dead letters. */
void broker_settle(struct broker *broker, struct subscription *subscription, int64_t now_us);
bool packed_add(const ProtobufCMessage *message, struct buf *out);

size_t item_deliveries(const struct queued_message *item);
bool item_leased(const struct queued_message *item);

#endif
