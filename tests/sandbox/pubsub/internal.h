/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - the parts of the Pub/Sub server.
 *
 * pubsub.c   start, stop, make, publish, report (server.h)
 * broker.c   topics, subscriptions, messages; with leases.c; knows no protocol and no clock
 * error_info.c  what comes with a refused acknowledgement
 * filter.c   which messages a subscription gets
 * snapshot.c snapshots and seeking
 * methods.c  one remote procedure each: decode, check, do, encode; faults and journal
 * rest.c     the same procedures over HTTP, with proto_json.c; policies of access
 * stream.c   StreamingPull
 * rpc.c      the gRPC server: one thread, one completion queue; long polls wait in a list
 *
 * Strict where production is. Leases end by the virtual clock alone, so a message comes back only when a test
 * moves it. Deliveries are in the order of publishing.
 *
 * Faults ("pubsub OPERATION NTH ACTION"), operations publish, pull, streamingPull (refuse and drop, when it
 * is opened), deliver, acknowledge, modifyAckDeadline, seek, createTopic, getTopic, deleteTopic,
 * createSubscription, getSubscription, deleteSubscription, createSnapshot, deleteSnapshot:
 *   refuse [CODE [WORD]] not applied; answers the gRPC code (14, UNAVAILABLE); 0: an empty answer. WORD goes
 * into an ErrorInfo for the ack id, as with exactly-once delivery lose                 applied; answers
 * UNAVAILABLE delay MS             applied and answered so much later (real time) drop [before|after]  the
 * call is cut, before or after it was applied twice                of deliver: the message goes to the next
 * pull too, although it is leased
 */
#ifndef CASELOAD_SANDBOX_PUBSUB_INTERNAL_H
#define CASELOAD_SANDBOX_PUBSUB_INTERNAL_H

#include <grpc/status.h>

#include "google/pubsub/v1/pubsub.pb-c.h"
#include "pubsub/server.h"
#include "shared/faults.h"
#include "shared/journal.h"
#include "shared/virtual_clock.h"

struct broker;
struct rpc_server;

struct pubsub_server {
    struct pubsub_options options;
    struct broker *broker;
    struct rpc_server *wire;
};

/* ---- broker.c and leases.c: one mutex; any thread. Names are whole. ---- */

struct broker *broker_new(struct faults *faults); /* borrowed */
void broker_free(struct broker *broker);

grpc_status_code broker_create_topic(struct broker *broker, const char *name);
grpc_status_code broker_find_topic(struct broker *broker, const char *name);
grpc_status_code broker_delete_topic(struct broker *broker, const char *name);

/* The settings are copied. */
grpc_status_code broker_create_subscription(struct broker *broker,
                                            const Google__Pubsub__V1__Subscription *settings);
/* Appends the packed Subscription. */
grpc_status_code broker_find_subscription(struct broker *broker, const char *name, struct buf *out);
grpc_status_code broker_delete_subscription(struct broker *broker, const char *name);

#define MESSAGE_ID 24

/* Copies the message, with id and time set, to each of the topic's subscriptions. */
grpc_status_code broker_publish(struct broker *broker, const char *topic,
                                const Google__Pubsub__V1__PubsubMessage *message, int64_t now_us,
                                char out_id[MESSAGE_ID]);

struct pulling {
    const char *subscription;
    size_t most; /* messages */
    int lease_s; /* 0: as long as the subscription says */
};

/* Leases up to `most` messages and appends the packed PullResponse, nothing if there are none. In this and
 * the next two, ids (a JSON array) gets the ids of the messages. */
grpc_status_code broker_pull(struct broker *broker, const struct pulling *pulling, int64_t now_us,
                             struct buf *out, json_t *ids);
/* Takes back a PullResponse that did not reach its client: as if the messages had never been handed out. */
void broker_take_back(struct broker *broker, const char *subscription, const struct buf *response,
                      int64_t now_us);

struct ack_ids {
    char *const *ids;
    size_t count;
};

/* Nothing is done if one ack id is garbage (INVALID_ARGUMENT); stale ones are passed over. */
grpc_status_code broker_acknowledge(struct broker *broker, const char *subscription, struct ack_ids ack_ids,
                                    int64_t now_us, json_t *ids);
grpc_status_code broker_modify(struct broker *broker, const char *subscription, struct ack_ids ack_ids,
                               int seconds, int64_t now_us, json_t *ids);
/* How many of these leases still last; the ids of the others are freed and taken out of the list. */
size_t broker_still_leased(struct broker *broker, const char *subscription, char **ack_ids, size_t count,
                           int64_t now_us);
/* The names of a project's topics, subscriptions or snapshots, an array; yours. */
json_t *broker_names(struct broker *broker, const char *project, const char *collection);

/* The policy of access of a resource that is there, yours; NULL: it was never set. */
json_t *broker_policy(struct broker *broker, const char *name);
void broker_set_policy(struct broker *broker, const char *name, json_t *policy); /* takes the reference */

/* ---- snapshot.c ---- */

/* Keeps which messages of the subscription are not acknowledged. Appends the packed Snapshot. */
grpc_status_code broker_create_snapshot(struct broker *broker, const char *name, const char *subscription,
                                        int64_t now_us, struct buf *out);
grpc_status_code broker_find_snapshot(struct broker *broker, const char *name, struct buf *out);
grpc_status_code broker_delete_snapshot(struct broker *broker, const char *name);
/* Messages that the snapshot keeps, or that were published after it, count as not acknowledged, the rest as
 * acknowledged. FAILED_PRECONDITION: the snapshot is another topic's. */
grpc_status_code broker_seek_snapshot(struct broker *broker, const char *subscription, const char *snapshot,
                                      int64_t now_us);
/* Messages published before the time count as acknowledged, the others as not (acknowledged ones only with
 * retain_acked_messages). */
grpc_status_code broker_seek(struct broker *broker, const char *subscription, int64_t time_us,
                             int64_t now_us);
json_t *broker_report(struct broker *broker, int64_t now_us);

/* ---- methods.c ---- */

/* One call, from its arrival to its answer. */
struct procedure {
    struct pubsub_server *pubsub;
    const struct procedure_method *method; /* NULL: unknown */
    struct buf request;
    bool faulty;
    const char *refusal; /* of its credentials; NULL: they are good */
    struct fault fault;
    int64_t due_ms; /* real time (clock_ms) before which nothing is done */

    grpc_status_code status;
    char text[256];
    struct buf reply;
    struct buf error_info;      /* a packed google.rpc.Status that goes with the status; empty: none */
    bool cut;                   /* break the call off instead of answering it */
    json_t *detail;             /* of the journal entry */
    struct pull_stream *stream; /* NULL: one request, one answer */
};

void procedure_begin(struct procedure *procedure, struct pubsub_server *pubsub, const char *path);
/* Once the request is in. False: not yet, try again later (a long poll, a delay). */
bool procedure_serve(struct procedure *procedure);
/* The answer never reached the client. */
void procedure_undo(struct procedure *procedure);
void procedure_done(struct procedure *procedure);

/* ---- of streams ---- */

/* One more request is in. False: the stream is to end with the procedure's status (or to be cut). */
bool procedure_receive(struct procedure *procedure);
/* Is there something to send? It is in reply then. */
bool procedure_next_reply(struct procedure *procedure);

/* The word for the request's first ack id, if it has one. */
void procedure_add_error_info(struct procedure *procedure, const char *word);

/* Shared by the methods; the result is in status. */
/* The request, or NULL and the refusal; release it by AUTO(procedure_release). */
void *procedure_decode(struct procedure *procedure, const ProtobufCMessageDescriptor *type);
void procedure_release(void *pointer_to_message);
void procedure_answer(struct procedure *procedure, const ProtobufCMessage *message);
void procedure_refuse(struct procedure *procedure, grpc_status_code status, const char *format, ...)
    PRINTF(3, 4);
void procedure_conclude(struct procedure *procedure, grpc_status_code status, const char *name);
bool procedure_check_name(struct procedure *procedure, const char *name, const char *collection);
void procedure_write_journal(const struct procedure *procedure, int64_t now_us);

/* ---- snapshot.c ---- */

bool snapshot_create(struct procedure *procedure, int64_t now_us);
bool snapshot_delete(struct procedure *procedure, int64_t now_us);
bool snapshot_seek(struct procedure *procedure, int64_t now_us);

/* ---- stream.c ---- */

struct pull_stream *stream_new(void);
void stream_free(struct pull_stream *stream);
/* Does what the request in procedure->request says; the status tells. */
void stream_receive(struct procedure *procedure, int64_t now_us);
bool stream_next_reply(struct procedure *procedure, int64_t now_us); /* see procedure_next_reply */

/* ---- rpc.c ---- */

struct rpc_server *rpc_server_start(struct pubsub_server *pubsub, int port,
                                    struct error *err); /* NULL: err says why */
void rpc_server_stop(struct rpc_server *wire);
int rpc_server_port(const struct rpc_server *wire);

#endif
