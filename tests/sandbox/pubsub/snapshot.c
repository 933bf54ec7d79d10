/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot.c - https://cloud.google.com/pubsub/docs/replay-overview */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "pubsub/state.h"

#define LIFE_US (7 * 86400 * SECOND_US) /* of a snapshot whose backlog is new */

static struct snapshot *find(struct broker *broker, const char *name)
{
    for (size_t i = 0; i < broker->snapshot_count; i++)
        if (strcmp(broker->snapshots[i].name, name) == 0) return &broker->snapshots[i];
    return NULL;
}

static void pack(const struct snapshot *snapshot, struct buf *out)
{
    Google__Pubsub__V1__Snapshot message;
    Google__Protobuf__Timestamp time;
    google__pubsub__v1__snapshot__init(&message);
    google__protobuf__timestamp__init(&time);
    time.seconds = snapshot->expire_us / SECOND_US;
    message.name = snapshot->name;
    message.topic = snapshot->topic;
    message.expire_time = &time;
    (void)packed_add(&message.base, out); /* too small to fail */
}

grpc_status_code broker_create_snapshot(struct broker *broker, const char *name, const char *subscription,
                                        int64_t now_us, struct buf *out)
{
    grpc_status_code status = GRPC_STATUS_OK;
    pthread_mutex_lock(&broker->lock);
    struct subscription **found = broker_subscription(broker, subscription);
    if (find(broker, name)) {
        status = GRPC_STATUS_ALREADY_EXISTS;
    } else if (!found) {
        status = GRPC_STATUS_NOT_FOUND;
    } else {
        struct snapshot snapshot = {.name = mem_text(name),
                                    .topic = mem_text((*found)->settings->topic),
                                    .last_id = broker->ids,
                                    .expire_us = now_us + LIFE_US,
                                    .open_ids = json_object()};
        broker_settle(broker, *found, now_us);
        for (size_t i = 0; i < (*found)->item_count; i++)
            if ((*found)->items[i]->state == ITEM_OPEN)
                json_object_set_new(snapshot.open_ids, (*found)->items[i]->message->message_id, json_true());
        broker->snapshots =
            mem_grow(broker->snapshots, broker->snapshot_count + 1, sizeof *broker->snapshots);
        broker->snapshots[broker->snapshot_count++] = snapshot;
        pack(&snapshot, out);
    }
    pthread_mutex_unlock(&broker->lock);
    return status;
}

grpc_status_code broker_find_snapshot(struct broker *broker, const char *name, struct buf *out)
{
    pthread_mutex_lock(&broker->lock);
    const struct snapshot *found = find(broker, name);
    if (found) pack(found, out);
    pthread_mutex_unlock(&broker->lock);
    return found ? GRPC_STATUS_OK : GRPC_STATUS_NOT_FOUND;
}

grpc_status_code broker_delete_snapshot(struct broker *broker, const char *name)
{
    pthread_mutex_lock(&broker->lock);
    struct snapshot *found = find(broker, name);
    if (found) {
        struct snapshot gone = *found;
        *found = broker->snapshots[--broker->snapshot_count];
        json_object_del(broker->policies, gone.name);
        json_decref(gone.open_ids);
        free(gone.topic);
        free(gone.name);
    }
    pthread_mutex_unlock(&broker->lock);
    return found ? GRPC_STATUS_OK : GRPC_STATUS_NOT_FOUND;
}

/* ---- seeking ---- */

static void set_open(struct queued_message *item, bool is_open)
{
    item->state = is_open ? ITEM_OPEN : ITEM_ACKED;
    item->ready_us = 0;
    for (size_t i = 0; i < item->lease_count; i++)
        item->leases[i].over = true;
}

grpc_status_code broker_seek(struct broker *broker, const char *name, int64_t time_us, int64_t now_us)
{
    pthread_mutex_lock(&broker->lock);
    struct subscription **found = broker_subscription(broker, name);
    if (found) {
        broker_settle(broker, *found, now_us);
        for (size_t i = 0; i < (*found)->item_count; i++) {
            struct queued_message *item = (*found)->items[i];
            bool before = item->published_us < time_us;
            bool revived = item->state == ITEM_ACKED && (*found)->settings->retain_acked_messages;
            if (item->state != ITEM_DEAD && (before || revived)) set_open(item, !before);
        }
        (*found)->first = 0;
    }
    pthread_mutex_unlock(&broker->lock);
    return found ? GRPC_STATUS_OK : GRPC_STATUS_NOT_FOUND;
}

grpc_status_code broker_seek_snapshot(struct broker *broker, const char *name, const char *snapshot_name,
                                      int64_t now_us)
{
    grpc_status_code status = GRPC_STATUS_NOT_FOUND;
    pthread_mutex_lock(&broker->lock);
    struct subscription **found = broker_subscription(broker, name);
    const struct snapshot *snapshot = find(broker, snapshot_name);
    if (found && snapshot) {
        bool fits = strcmp((*found)->settings->topic, snapshot->topic) == 0;
        status = fits ? GRPC_STATUS_OK : GRPC_STATUS_FAILED_PRECONDITION;
        broker_settle(broker, *found, now_us);
        for (size_t i = 0; fits && i < (*found)->item_count; i++) {
            struct queued_message *item = (*found)->items[i];
            const char *id = item->message->message_id;
            bool is_open =
                strtoll(id, NULL, 10) > snapshot->last_id || json_object_get(snapshot->open_ids, id);
            if (item->state != ITEM_DEAD) set_open(item, is_open);
        }
        if (fits) (*found)->first = 0;
    }
    pthread_mutex_unlock(&broker->lock);
    return status;
}

/* ---- procedures ---- */

bool snapshot_create(struct procedure *procedure, int64_t now_us)
{
    AUTO(procedure_release)
    Google__Pubsub__V1__CreateSnapshotRequest *request =
        procedure_decode(procedure, &google__pubsub__v1__create_snapshot_request__descriptor);
    if (!request || !procedure_check_name(procedure, request->name, "snapshots") ||
        !procedure_check_name(procedure, request->subscription, "subscriptions"))
        return true;
    grpc_status_code status = broker_create_snapshot(procedure->pubsub->broker, request->name,
                                                     request->subscription, now_us, &procedure->reply);
    procedure_conclude(procedure, status,
                       status == GRPC_STATUS_NOT_FOUND ? request->subscription : request->name);
    return true;
}

bool snapshot_delete(struct procedure *procedure, int64_t now_us)
{
    (void)now_us;
    AUTO(procedure_release)
    Google__Pubsub__V1__DeleteSnapshotRequest *request =
        procedure_decode(procedure, &google__pubsub__v1__delete_snapshot_request__descriptor);
    if (request && procedure_check_name(procedure, request->snapshot, "snapshots"))
        procedure_conclude(procedure, broker_delete_snapshot(procedure->pubsub->broker, request->snapshot),
                           request->snapshot);
    return true;
}

bool snapshot_seek(struct procedure *procedure, int64_t now_us)
{
    AUTO(procedure_release)
    Google__Pubsub__V1__SeekRequest *request =
        procedure_decode(procedure, &google__pubsub__v1__seek_request__descriptor);
    struct broker *broker = procedure->pubsub->broker;
    if (!request || !procedure_check_name(procedure, request->subscription, "subscriptions")) return true;
    if (request->target_case == GOOGLE__PUBSUB__V1__SEEK_REQUEST__TARGET_TIME) {
        int64_t time_us = request->time->seconds * SECOND_US + request->time->nanos / 1000;
        procedure_conclude(procedure, broker_seek(broker, request->subscription, time_us, now_us),
                           request->subscription);
    } else if (request->target_case != GOOGLE__PUBSUB__V1__SEEK_REQUEST__TARGET_SNAPSHOT) {
        procedure_refuse(procedure, GRPC_STATUS_INVALID_ARGUMENT, "Seek needs a time or a snapshot.");
    } else if (procedure_check_name(procedure, request->snapshot, "snapshots")) {
        struct buf packed = buf_limited(4096);
        bool is_there = broker_find_snapshot(broker, request->snapshot, &packed) == GRPC_STATUS_OK;
        buf_done(&packed);
        procedure_conclude(procedure,
                           broker_seek_snapshot(broker, request->subscription, request->snapshot, now_us),
                           is_there ? request->subscription : request->snapshot);
        if (procedure->status == GRPC_STATUS_FAILED_PRECONDITION)
            procedure_refuse(procedure, procedure->status, "The snapshot is of another topic.");
    }
    return true;
}
