/* SPDX-License-Identifier: Apache-2.0 */
/* pubsub_fixture.h - the sandbox's Pub/Sub alone, a client of it, and a raw voice for what the client never
 * says. */
#ifndef CASELOAD_WIRE_PUBSUB_FIXTURE_H
#define CASELOAD_WIRE_PUBSUB_FIXTURE_H

#include <stdatomic.h>

#include "core/trigger.h"
#include "net/rpc.h"
#include "sandbox_internal.h"

#define ROOM_PROJECT      "acme"
#define ROOM_SUBSCRIPTION "projects/acme/subscriptions/caseload"
#define ROOM_TOPIC        "projects/acme/topics/caseload"
#define ROOM_START_US     INT64_C(1772424000000000)

struct fixture {
    struct sandbox sandbox; /* clock, journal, faults and pubsub only */
    struct trigger *trigger;
    struct rpc *rpc;
    atomic_bool stop;
};

/* settings: of pubsub_make; the reference is taken. */
void fixture_open(struct fixture *fixture, json_t *settings);
void fixture_close(struct fixture *fixture);
struct trigger *fixture_client(struct fixture *fixture, const char *subscription, const atomic_bool *stop);

char *fixture_publish(struct fixture *fixture, const char *data); /* the message's id; yours */
void fixture_fault(struct fixture *fixture, const char *line);
void fixture_advance(struct fixture *fixture, int seconds);
/* How often the operation is in the journal. */
size_t fixture_count(struct fixture *fixture, const char *operation);
/* The report's entry of the message; borrowed from *out_report, which is yours. */
const json_t *fixture_message(struct fixture *fixture, const char *id, json_t **out_report);

/* A pull that never waits. False: nothing is there. */
bool fixture_pull_now(struct fixture *fixture, struct delivery *out_delivery);

#endif
