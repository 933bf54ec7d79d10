/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.c - all rooms of the sandbox are opened and closed here. */
#include <stdlib.h>

#include "base/mem.h"
#include "sandbox_internal.h"
#include "store/store.h"
#include "workspace/admins.h"
#include "workspace/companies.h"
#include "workspace/shelf.h"
#include "workspace/world.h"

#define START_S INT64_C(1772424000) /* 2026-03-02T04:00:00Z */

static bool admit(void *auth, struct exchange *exchange)
{
    return auth_admits(auth, exchange);
}

static bool start_server(struct sandbox *sandbox, struct error *err)
{
    const struct route_table tables[] = {
        {.routes = auth_routes, .service = sandbox->auth},
        {.routes = bigquery_routes,
         .service = sandbox->bigquery,
         .admit = admit,
         .admit_self = sandbox->auth},
        {.routes = intercom_contact_routes, .service = sandbox},
        {.routes = intercom_company_routes, .service = sandbox},
        {.routes = intercom_talk_routes, .service = sandbox},
        {.routes = intercom_list_routes, .service = sandbox},
        {.routes = intercom_routes, .service = sandbox},
        {.routes = control_routes, .service = sandbox},
    };
    struct server_options options = {.port = sandbox->options.http_port,
                                     .tables = tables,
                                     .table_count = sizeof tables / sizeof *tables,
                                     .clock = sandbox->clock,
                                     .journal = sandbox->journal,
                                     .faults = sandbox->faults,
                                     .tls = sandbox->tls};
    return server_start(&options, &sandbox->server, err);
}

static bool start_google(struct sandbox *sandbox, struct error *err)
{
    struct bigquery_options bigquery = {.store = sandbox->store,
                                        .clock = sandbox->clock,
                                        .journal = sandbox->journal,
                                        .faults = sandbox->faults};
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

static bool open_rooms(struct sandbox *sandbox, struct error *err)
{
    const struct sandbox_options *options = &sandbox->options;
    sandbox->clock = virtual_clock_new(options->start_s * 1000000);
    sandbox->journal = journal_new();
    sandbox->faults = faults_new();
    struct auth_options auth = {.clock = sandbox->clock,
                                .source_token = options->intercom_token,
                                .is_required = options->auth,
                                .key_file = options->key_file};
    sandbox->auth = auth_new(&auth, err);
    if (!sandbox->auth || (options->tls && !(sandbox->tls = tls_new(options->ca_file, err)))) return false;
    sandbox->world = world_new(options->seed, options->workspace);
    sandbox->talks = world_new_talks(options->seed, options->workspace);
    sandbox->admins = admins_new(options->seed);
    sandbox->shelves = shelves_new(options->seed, options->workspace, options->start_s);
    sandbox->companies = companies_new(shelves_find(sandbox->shelves, "companies"), options->seed);
    sandbox->intercom = intercom_new(options->workspace_zone, err);
    if (!sandbox->intercom ||
        !store_open(options->database, store_now_us, sandbox->clock, &sandbox->store, err))
        return false;
    return start_google(sandbox, err) && start_server(sandbox, err);
}

bool sandbox_start(const struct sandbox_options *options, struct sandbox **out_sandbox, struct error *err)
{
    struct sandbox *sandbox = mem_zero(1, sizeof *sandbox);
    sandbox->options = *options;
    struct sandbox_options *own = &sandbox->options;
    own->start_s = own->start_s ? own->start_s : START_S;
    own->workspace = mem_text(own->workspace ? own->workspace : "sandbox1");
    own->workspace_zone = mem_text(own->workspace_zone ? own->workspace_zone : "America/Los_Angeles");
    own->intercom_token = mem_text(own->intercom_token ? own->intercom_token : "sandbox-token");
    if (open_rooms(sandbox, err)) {
        *out_sandbox = sandbox;
        return true;
    }
    sandbox_stop(sandbox);
    return false;
}

/* The doors first, then what they lead to. */
void sandbox_stop(struct sandbox *sandbox)
{
    if (!sandbox) return;
    server_stop(sandbox->server);
    if (sandbox->pubsub) pubsub_stop(sandbox->pubsub);
    if (sandbox->bigquery) bigquery_stop(sandbox->bigquery);
    if (sandbox->store) store_close(sandbox->store);
    intercom_free(sandbox->intercom);
    world_free(sandbox->world);
    world_free(sandbox->talks);
    admins_free(sandbox->admins);
    companies_free(sandbox->companies);
    shelves_free(sandbox->shelves);
    faults_free(sandbox->faults);
    journal_free(sandbox->journal);
    auth_free(sandbox->auth);
    tls_free(sandbox->tls);
    virtual_clock_free(sandbox->clock);
    mem_free(&sandbox->options.workspace);
    mem_free(&sandbox->options.workspace_zone);
    mem_free(&sandbox->options.intercom_token);
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
