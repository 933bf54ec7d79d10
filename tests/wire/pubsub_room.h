/* pubsub_room.h - the sandbox's Pub/Sub alone, a client of it, and a raw voice for what the client never
 * says. */
#ifndef CASELOAD_WIRE_PUBSUB_ROOM_H
#define CASELOAD_WIRE_PUBSUB_ROOM_H

#include <stdatomic.h>

#include "core/trigger.h"
#include "internal.h"
#include "net/rpc.h"

#define ROOM_PROJECT      "acme"
#define ROOM_SUBSCRIPTION "projects/acme/subscriptions/caseload"
#define ROOM_TOPIC        "projects/acme/topics/caseload"
#define ROOM_START_US     INT64_C(1772424000000000)

struct room {
    struct sandbox sandbox; /* clock, journal, faults and pubsub only */
    struct trigger *trigger;
    struct rpc *rpc;
    atomic_bool stop;
};

/* settings: of pubsub_make; the reference is taken. */
void room_open(struct room *room, json_t *settings);
void room_close(struct room *room);
struct trigger *room_client(struct room *room, const char *subscription, const atomic_bool *stop);

char *room_publish(struct room *room, const char *data); /* the message's id; yours */
void room_fault(struct room *room, const char *line);
void room_advance(struct room *room, int seconds);
/* How often the operation is in the journal. */
size_t room_count(struct room *room, const char *operation);
/* The report's entry of the message; borrowed from *out_report, which is yours. */
const json_t *room_message(struct room *room, const char *id, json_t **out_report);

/* A pull that never waits. False: nothing is there. */
bool room_pull_now(struct room *room, struct delivery *out_delivery);

#endif
