/* SPDX-License-Identifier: Apache-2.0 */
/* services.h - the composition root: builds source, warehouse and trigger from the settings.
 *
 * services_open asks the source whose token this is, and looks at the warehouse's datasets. One a process; it
 * must not move while it is open, and is closed after a failure, too. The main thread.
 */
#ifndef CASELOAD_APP_SERVICES_H
#define CASELOAD_APP_SERVICES_H

#include <stdatomic.h>

#include "base/zone.h"
#include "bigquery/bigquery.h"
#include "config.h"
#include "core/run.h"
#include "core/worker.h"
#include "credentials/credentials.h"
#include "net/http.h"
#include "pubsub/pubsub.h"

/* A Google service, or an emulator in its place. */
struct endpoint {
    char *url; /* scheme://host[:port] */
    bool is_plaintext;
    struct token *token; /* borrowed; NULL: plaintext, which gets no credentials */
};

struct services {
    const struct config *config; /* borrowed */
    atomic_bool shutdown;        /* the process is to end */
    atomic_bool cancel_run;      /* the run is to end */
    struct progress progress;
    struct zone *zone;
    struct selection selections[LIMIT_STREAMS];
    size_t selection_count;
    struct http *http;
    struct token *google; /* NULL until something needs it: emulators do not */
    struct source *source;
    struct source_identity identity;
    struct warehouse *warehouse;
    struct trigger *trigger; /* only of services_open_trigger */
    char *subscription;
    char *control;  /* "acme-data.intercom_caseload" */
    char host[256]; /* this machine's name; "" if it has none */
    struct endpoint bigquery, pubsub;
    int late_exit_code;
    void (*trace)(void *self, const struct http_trace *trace); /* of all requests; NULL: to the log */
    void *trace_self;
    struct services *peer; /* stopped by the same signals; NULL: none. Set before services_catch_signals */
};

bool services_open(struct services *services, const struct config *config, struct error *err) CHECKED;
/* no_wait: as worker_drain wants it. */
bool services_open_trigger(struct services *services, bool no_wait, struct error *err) CHECKED;
/* Only the source, which is asked whose token this is. */
bool services_open_source(struct services *services, const struct config *config, struct error *err) CHECKED;
/* Only the streams. */
bool services_open_streams(struct services *services, const struct config *config, struct error *err) CHECKED;
/* BigQuery's address and credentials alone; nothing is asked yet. */
bool services_open_bigquery(struct services *services, const struct config *config,
                            struct error *err) CHECKED;
/* The streams and the warehouse, for questions: no service is asked anything yet, and no dataset is touched.
 */
bool services_open_warehouse(struct services *services, const struct config *config,
                             struct error *err) CHECKED;
/* The dead letters as a trigger that does not wait, and the publisher's settings for their topic. */
bool services_open_dead(struct services *services, const struct config *config,
                        struct pubsub_settings *out_publisher, struct error *err) CHECKED;
/* Only the streams, and the settings of publisher_new; out_settings NULL: nothing is to be published. */
bool services_open_publisher(struct services *services, const struct config *config,
                             struct pubsub_settings *out_settings, struct error *err) CHECKED;
void services_close(struct services *services);
struct bigquery_settings services_bigquery(struct services *services); /* borrows from the services */
struct http_settings services_http(struct services *services);         /* the same; ends with the run */

/* Ends the process's work at the next safe point. Any thread. */
void services_stop(struct services *services);
/* SIGTERM and SIGINT set shutdown and cancel_run; a process that still runs nine seconds later exits with
 * late_exit_code. Call it before any other thread starts. */
void services_catch_signals(struct services *services, int late_exit_code);

struct run_context services_context(struct services *services);

#endif
