/* SPDX-License-Identifier: Apache-2.0 */
/* workers.c - the workers beside the first: connections, a source and a warehouse object of their own. */
#include <stdlib.h>

#include "base/mem.h"
#include "services.h"

static bool open_worker(struct services *services, struct services_worker *worker, struct error *err)
{
    const struct http_settings http = services_http(services);
    struct bigquery_settings bigquery = services_bigquery(services);
    if (!http_new(&http, &worker->http, err)) return false;
    bigquery.http = worker->http;
    bigquery.progress = &worker->progress;
    return services_create_source(services, worker, err) && bigquery_new(&bigquery, &worker->warehouse, err);
}

bool services_open_workers(struct services *services, struct error *err)
{
    const size_t count = (size_t)services->config->workers;
    if (count <= 1 || services->executor) return true;
    services->executor = executor_threads(count);
    services->others = mem_zero(count - 1, sizeof *services->others);
    services->connections = mem_zero(count - 1, sizeof *services->connections);
    struct progress *last = &services->progress;
    for (size_t i = 0; i < count - 1; i++) {
        struct services_worker *worker = &services->others[i];
        if (!open_worker(services, worker, err)) return false;
        services->connections[i] = (struct connection){worker->source, worker->warehouse, &worker->progress};
        last->next = &worker->progress;
        last = last->next;
    }
    return true;
}

void services_close_workers(struct services *services)
{
    for (size_t i = 0; services->others && i < services->executor->workers - 1; i++) {
        struct services_worker *worker = &services->others[i];
        if (worker->http) http_settle(worker->http);
        if (worker->warehouse) worker->warehouse->ops->free(worker->warehouse);
        if (worker->source) worker->source->ops->free(worker->source);
        http_free(worker->http);
    }
    services->progress.next = NULL;
    if (services->executor) services->executor->ops->free(services->executor);
    free(services->others);
    free(services->connections);
}
