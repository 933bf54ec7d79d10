/* SPDX-License-Identifier: Apache-2.0 */
/* services.h - everything a run needs, built from the settings: source, warehouse, trigger.
 *
 * services_open proves the settings before any message is taken: the source's token by asking who it belongs
 * to, the warehouse's datasets by looking at them. One per process; it must not move while it is open.
 */
#ifndef CASELOAD_APP_SERVICES_H
#define CASELOAD_APP_SERVICES_H

#include <stdatomic.h>

#include "base/zone.h"
#include "config.h"
#include "core/run.h"
#include "core/worker.h"
#include "credentials/credentials.h"
#include "net/http.h"

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
    char *bigquery_url;
    char *pubsub_target;
    int late_code;
    bool pubsub_plaintext;
};

bool services_open(struct services *services, const struct config *config, struct error *err) CHECKED;
bool services_open_trigger(struct services *services, struct error *err) CHECKED;
void services_close(struct services *services);

/* SIGTERM and SIGINT become services->shutdown and services->cancel_run; a process that still lives nine
 * seconds later is ended with late_code, for being killed costs time and never rows. Call it before any other
 * thread starts. */
void services_catch_signals(struct services *services, int late_code);

struct run_context services_context(struct services *services);

#endif
