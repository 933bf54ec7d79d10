/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.h - Pub/Sub, BigQuery and the help desks on loopback, speaking the real protocols.
 *
 * One HTTP port serves BigQuery REST (/bigquery/v2, /upload/bigquery/v2), the help desks (services.c), the
 * token endpoint (/token), the metadata server, Secret Manager (/v1/projects) and /control; one gRPC port
 * serves Pub/Sub. The sandbox is strict: it refuses what the real service refuses, with the real error shape.
 * Time is virtual: it moves one millisecond at each reading, and as far as /control/clock says.
 *
 * As a library it serves the wire tests in process; as a binary (main.c) the demo, scenarios and benchmarks.
 */
#ifndef CASELOAD_SANDBOX_SANDBOX_H
#define CASELOAD_SANDBOX_SANDBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct sandbox_options {
    const char *database;       /* SQLite file; NULL: in memory */
    int http_port;              /* 0: any free one */
    int pubsub_port;            /* 0: any free one */
    int64_t start_s;            /* the virtual clock's first instant; 0: 2026-03-02T04:00:00Z */
    uint64_t seed;              /* of the workspace */
    const char *workspace;      /* the workspace's id; NULL: "sandbox1" */
    const char *workspace_zone; /* NULL: "America/Los_Angeles" */
    const char *source_token;   /* NULL: "sandbox-token" */
    double latency;             /* of BigQuery: 1 as long as the service takes, 0.1 a tenth of it; 0: none */
    bool auth;                  /* BigQuery, Pub/Sub and Secret Manager want bearer tokens */
    bool rounds_json;           /* a load job into a JSON column: see bigquery/server.h */
    bool tls;                   /* they, Intercom and the token server are spoken to under TLS only */
    const char *key_file;       /* where the service account's key is written; may be NULL */
    const char *ca_file;        /* where the authority's certificate is; may be NULL */
};

struct sandbox;

bool sandbox_start(const struct sandbox_options *options, struct sandbox **out_sandbox,
                   struct error *err) CHECKED;
void sandbox_stop(struct sandbox *sandbox); /* joins every thread; NULL is fine */
int sandbox_http_port(const struct sandbox *sandbox);
int sandbox_pubsub_port(const struct sandbox *sandbox);

#endif
