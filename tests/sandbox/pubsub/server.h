/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - Pub/Sub over gRPC, and over HTTP with pubsub_routes: one subscription and topic, or as many as
 * clients make. Any thread. */
#ifndef CASELOAD_SANDBOX_PUBSUB_SERVER_H
#define CASELOAD_SANDBOX_PUBSUB_SERVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "httpd/httpd.h"

struct auth;
struct faults;
struct journal;
struct tls;
struct virtual_clock;

extern const struct route pubsub_routes[]; /* their service is the pubsub_server */

struct pubsub_options { /* all borrowed */
    int port;           /* 0: any free one */
    struct virtual_clock *clock;
    struct journal *journal;
    struct faults *faults;
    struct auth *auth;     /* NULL: bearer tokens are not looked at */
    const struct tls *tls; /* NULL: in the clear */
};

struct pubsub_server *pubsub_start(const struct pubsub_options *options,
                                   struct error *err); /* NULL: err says why */
void pubsub_stop(struct pubsub_server *pubsub);
int pubsub_port(const struct pubsub_server *pubsub);
/* Creates topic and subscription if needed; settings may be NULL or hold ack_deadline_seconds,
 * max_delivery_attempts (0: no dead-letter policy). Names are short ("caseload") or whole. */
void pubsub_make(struct pubsub_server *pubsub, const char *project, const char *subscription,
                 const json_t *settings);
/* Puts a message into a topic (its name is the subscription's); the id is returned, yours. */
char *pubsub_publish(struct pubsub_server *pubsub, const char *project, const char *subscription,
                     const char *data, size_t data_size, const json_t *attributes);
/* Messages published since then come again, acknowledged or not; older ones are done. False: unknown. */
bool pubsub_seek(struct pubsub_server *pubsub, const char *project, const char *subscription,
                 int64_t time_us);
/* {"messages":[{"id","state":"waiting|leased|acked|dead","deliveries","extends","nack_delays":[..]}]}; yours
 */
json_t *pubsub_report(struct pubsub_server *pubsub);

#endif
