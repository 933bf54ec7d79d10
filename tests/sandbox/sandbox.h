/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.h - Pub/Sub, BigQuery and Intercom on loopback, speaking the real protocols.
 *
 * One HTTP port serves BigQuery REST (/bigquery/v2, /upload/bigquery/v2), Intercom REST, the token endpoint
 * (/token), the metadata server, Secret Manager (/v1/projects) and /control; one gRPC port serves Pub/Sub. It
 * is strict: what the real service refuses it refuses, with the real error shape. Time is virtual: it stands
 * still but for one millisecond at each reading, and moves when /control/clock says so.
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
    uint64_t seed;              /* of the world */
    const char *workspace;      /* Intercom's id_code; NULL: "sandbox1" */
    const char *workspace_zone; /* NULL: "America/Los_Angeles" */
    const char *intercom_token; /* NULL: "sandbox-token" */
    bool auth;                  /* BigQuery, Pub/Sub and Secret Manager want bearer tokens */
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
