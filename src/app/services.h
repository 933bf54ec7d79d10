/* SPDX-License-Identifier: Apache-2.0 */
/* services.h - the composition root: builds source, warehouse and trigger from the settings.
 *
 * Everything that settings and flags decide is judged before the first service is asked. One a process; it
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
#include "display.h"
#include "metrics.h"
#include "net/http.h"
#include "outages.h"
#include "pubsub/pubsub.h"

/* A Google service, or an emulator in its place. */
struct endpoint {
    char *url; /* scheme://host[:port] */
    bool is_plaintext;
    struct token *token; /* borrowed; NULL: plaintext, which gets no credentials */
};

/* A worker beside the first, whose parts are those of the services. */
struct services_worker {
    struct http *http;
    struct source *source;
    struct warehouse *warehouse;
    struct progress progress;
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
    struct executor *executor;      /* NULL: one worker */
    struct services_worker *others; /* of the workers 1, 2, ... */
    struct connection *connections; /* to the same */
    struct trigger *trigger;        /* only of services_open_trigger */
    char *subscription;
    char *control;  /* "acme-data.intercom_caseload" */
    char host[256]; /* this machine's name; "" if it has none */
    struct endpoint bigquery, pubsub;
    struct outages *outages;
    struct display *display; /* NULL: no run is shown */
    atomic_bool is_progress_asked;
    bool is_tap;      /* set before services_begin: the log has the form of a tap of Singer */
    bool is_tireless; /* set before services_begin: no service is given up because it was never reached */
    int late_exit_code;
    void (*trace)(void *self, const struct http_trace *trace); /* of all requests; NULL: to the log */
    void *trace_self;
    struct metrics *metrics; /* counts requests; borrowed, NULL: none. Set before services_begin */
    struct services *peer;   /* stopped by the same signals; NULL: none. Set before services_catch_signals */
};

/* Prepares what needs no network: the log, the addresses, the streams. config is borrowed. */
void services_begin(struct services *services, const struct config *config);

/* Takes over the streams of another configuration, which is borrowed. */
void services_use(struct services *services, const struct config *config);

/* The zone and the source, which is asked whose token this is. */
bool services_open_reading(struct services *services, struct error *err) CHECKED;
/* Source and warehouse, and what they say of themselves: services_connect. */
bool services_open(struct services *services, struct error *err) CHECKED;
/* Parts of it; the second call of one does nothing. Credentials may be asked for. */
bool services_open_http(struct services *services, struct error *err) CHECKED;
bool services_open_source(struct services *services, struct error *err) CHECKED;
bool services_open_warehouse(struct services *services, struct error *err) CHECKED;
/* As many workers as the configuration says; after source and warehouse, and before anything looks at the
 * progress. */
bool services_open_workers(struct services *services, struct error *err) CHECKED;
/* All that services_connect needs. */
bool services_open_parts(struct services *services, struct error *err) CHECKED;
/* Asks the source whose token this is, and looks at the datasets. May be repeated. */
bool services_connect(struct services *services, struct error *err) CHECKED;

/* ERROR_CONFIG if no subscription is configured; makes no request. */
bool services_need_subscription(const struct services *services, struct error *err) CHECKED;
/* no_wait: as worker_drain wants it. */
bool services_open_trigger(struct services *services, bool no_wait, struct error *err) CHECKED;
/* BigQuery's address and credentials alone; nothing is asked yet. */
bool services_open_bigquery(struct services *services, struct error *err) CHECKED;
/* The same of Pub/Sub: the settings of pubsub_new and publisher_new, which borrow from the services. */
bool services_open_pubsub(struct services *services, struct pubsub_settings *out_settings,
                          struct error *err) CHECKED;
/* The dead letters as a trigger that does not wait, and the publisher's settings for their topic. */
bool services_open_dead(struct services *services, struct pubsub_settings *out_publisher,
                        struct error *err) CHECKED;
void services_close(struct services *services);
struct bigquery_settings services_bigquery(struct services *services); /* borrows from the services */
/* For workers.c. worker: NULL for the first. */
bool services_create_source(struct services *services, struct services_worker *worker,
                            struct error *err) CHECKED;
void services_close_workers(struct services *services);
struct http_settings services_http(struct services *services); /* of source and BigQuery; ends with the run */

/* Shows the progress of runs until services_close. */
void services_show_progress(struct services *services);
void services_hide_progress(struct services *services); /* before something is printed; twice is fine */

/* Ends the process's work at the next safe point. Any thread. */
void services_stop(struct services *services);
/* SIGUSR1 logs the progress once. SIGTERM and SIGINT set shutdown and cancel_run; a process that still runs
 * nine seconds later exits with late_exit_code; -1: with EXIT_SIGNAL and the signal's number. Call it before
 * any other thread starts. */
void services_catch_signals(struct services *services, int late_exit_code);

struct run_context services_context(struct services *services);

#endif
