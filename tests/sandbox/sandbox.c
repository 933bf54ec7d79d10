/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sandbox_internal.h"
#include "store/store.h"

#define START_S INT64_C(1772424000) /* 2026-03-02T04:00:00Z */

static bool admit(void *auth, struct exchange *exchange)
{
    return auth_admits(auth, exchange);
}

#define ROUTE_TABLES (8 + 8 * SERVICES_MAX)

/* Routes of Google's services, then of the help desks, then /control; returns how many tables. */
static size_t list_routes(struct sandbox *sandbox, struct route_table tables[ROUTE_TABLES])
{
    size_t count = 0;
    tables[count++] = (struct route_table){.routes = auth_routes, .service = sandbox->auth};
    tables[count++] = (struct route_table){
        .routes = bigquery_routes, .service = sandbox->bigquery, .admit = admit, .admit_self = sandbox->auth};
    tables[count++] = (struct route_table){
        .routes = pubsub_routes, .service = sandbox->pubsub, .admit = admit, .admit_self = sandbox->auth};
    for (const struct help_desk *desk = sandbox->desks; desk->service; desk++) {
        for (const struct route *const *routes = desk->service->routes; *routes && count + 1 < ROUTE_TABLES;
             routes++)
            tables[count++] = (struct route_table){.routes = *routes, .service = desk->state};
    }
    tables[count++] = (struct route_table){.routes = control_routes, .service = &sandbox->control};
    return count;
}

static bool start_server(struct sandbox *sandbox, struct error *err)
{
    struct route_table tables[ROUTE_TABLES];
    struct server_options options = {.port = sandbox->options.http_port,
                                     .tables = tables,
                                     .table_count = list_routes(sandbox, tables),
                                     .clock = sandbox->clock,
                                     .journal = sandbox->journal,
                                     .faults = sandbox->faults,
                                     .tls = sandbox->tls};
    return server_start(&options, &sandbox->server, err);
}

static bool has_operation(const struct route *routes, const char *operation)
{
    for (; routes->handle; routes++) {
        if (strcmp(routes->operation, operation) == 0) return true;
    }
    return false;
}

static bool is_service(const char *name)
{
    static const char *const google[] = {"auth", "bigquery", "pubsub"};
    for (size_t i = 0; i < sizeof google / sizeof *google; i++)
        if (strcmp(google[i], name) == 0) return true;
    for (size_t i = 0; services[i]; i++)
        if (strcmp(services[i]->name, name) == 0) return true;
    return false;
}

/* Faults inside of BigQuery's calls have no route. Pub/Sub's calls over gRPC have none: its own code refuses
 * what it does not know. */
static bool is_operation(const char *service, const char *operation)
{
    static const char *const inside[] = {"job", "load", "script", "table", "upload.bytes", "upload.location"};
    bool is_bigquery = strcmp(service, "bigquery") == 0;
    if (strcmp(operation, "*") == 0) return is_service(service);
    for (size_t i = 0; is_bigquery && i < sizeof inside / sizeof *inside; i++) {
        if (strcmp(operation, inside[i]) == 0) return true;
    }
    if (is_bigquery) return has_operation(bigquery_routes, operation);
    if (strcmp(service, "auth") == 0) return has_operation(auth_routes, operation);
    for (size_t i = 0; services[i]; i++) {
        if (strcmp(services[i]->name, service) != 0) continue;
        const struct route *const *routes = services[i]->routes;
        while (*routes && !has_operation(*routes, operation))
            routes++;
        return *routes != NULL;
    }
    return strcmp(service, "pubsub") == 0;
}

static bool start_google(struct sandbox *sandbox, struct error *err)
{
    struct bigquery_options bigquery = {.store = sandbox->store,
                                        .clock = sandbox->clock,
                                        .journal = sandbox->journal,
                                        .faults = sandbox->faults,
                                        .latency = sandbox->options.latency,
                                        .seed = sandbox->options.seed,
                                        .rounds_json = sandbox->options.rounds_json};
    struct pubsub_options pubsub = {.port = sandbox->options.pubsub_port,
                                    .clock = sandbox->clock,
                                    .journal = sandbox->journal,
                                    .faults = sandbox->faults,
                                    .auth = sandbox->auth,
                                    .tls = sandbox->tls};
    sandbox->bigquery = bigquery_start(&bigquery);
    sandbox->pubsub = pubsub_start(&pubsub, err);
    return sandbox->pubsub != NULL;
}

static int64_t store_now_us(void *clock)
{
    return virtual_clock_read(clock);
}

static bool start_help_desks(struct sandbox *sandbox, struct error *err)
{
    struct service_options options = {.clock = sandbox->clock,
                                      .auth = sandbox->auth,
                                      .seed = sandbox->options.seed,
                                      .workspace = sandbox->options.workspace,
                                      .zone = sandbox->options.workspace_zone,
                                      .start_s = sandbox->options.start_s};
    for (size_t i = 0; services[i]; i++) {
        struct help_desk *desk = &sandbox->desks[i];
        if (!services[i]->create(&options, &desk->state, err)) return false;
        desk->service = services[i];
        desk->workspace = services[i]->workspace(desk->state);
    }
    return true;
}

static bool start_services(struct sandbox *sandbox, struct error *err)
{
    const struct sandbox_options *options = &sandbox->options;
    sandbox->clock = virtual_clock_new(options->start_s * 1000000);
    sandbox->journal = journal_new();
    sandbox->faults = faults_new();
    struct auth_options auth = {.clock = sandbox->clock,
                                .source_token = options->source_token,
                                .is_required = options->auth,
                                .key_file = options->key_file};
    sandbox->auth = auth_new(&auth, err);
    if (!sandbox->auth || (options->tls && !(sandbox->tls = tls_new(options->ca_file, err)))) return false;
    if (!start_help_desks(sandbox, err) ||
        !store_open(options->database, store_now_us, sandbox->clock, &sandbox->store, err) ||
        !start_google(sandbox, err))
        return false;
    sandbox->control = (struct control){.clock = sandbox->clock,
                                        .journal = sandbox->journal,
                                        .faults = sandbox->faults,
                                        .store = sandbox->store,
                                        .pubsub = sandbox->pubsub,
                                        .desks = sandbox->desks,
                                        .is_operation = is_operation};
    return start_server(sandbox, err);
}

bool sandbox_start(const struct sandbox_options *options, struct sandbox **out_sandbox, struct error *err)
{
    struct sandbox *sandbox = mem_zero(1, sizeof *sandbox);
    sandbox->options = *options;
    struct sandbox_options *own = &sandbox->options;
    own->start_s = own->start_s ? own->start_s : START_S;
    own->workspace = mem_text(own->workspace ? own->workspace : "sandbox1");
    own->workspace_zone = mem_text(own->workspace_zone ? own->workspace_zone : "America/Los_Angeles");
    own->source_token = mem_text(own->source_token ? own->source_token : "sandbox-token");
    if (start_services(sandbox, err)) {
        *out_sandbox = sandbox;
        return true;
    }
    sandbox_stop(sandbox);
    return false;
}

/* The servers first, then what they serve. */
void sandbox_stop(struct sandbox *sandbox)
{
    if (!sandbox) return;
    server_stop(sandbox->server);
    if (sandbox->pubsub) pubsub_stop(sandbox->pubsub);
    if (sandbox->bigquery) bigquery_stop(sandbox->bigquery);
    if (sandbox->store) store_close(sandbox->store);
    for (const struct help_desk *desk = sandbox->desks; desk->service; desk++)
        desk->service->free(desk->state);
    faults_free(sandbox->faults);
    journal_free(sandbox->journal);
    auth_free(sandbox->auth);
    tls_free(sandbox->tls);
    virtual_clock_free(sandbox->clock);
    mem_free(&sandbox->options.workspace);
    mem_free(&sandbox->options.workspace_zone);
    mem_free(&sandbox->options.source_token);
    free(sandbox);
}

int sandbox_http_port(const struct sandbox *sandbox)
{
    return server_port(sandbox->server);
}

int sandbox_pubsub_port(const struct sandbox *sandbox)
{
    return pubsub_port(sandbox->pubsub);
}
