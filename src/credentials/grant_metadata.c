/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "internal.h"

#define SERVER            "metadata.google.internal"
#define ADDRESS           "169.254.169.254" /* spares the probe a look-up that may take long elsewhere */
#define TOKEN_PATH        "/computeMetadata/v1/instance/service-accounts/default/token"
#define LIMIT_REPLY_BYTES 65536
#define TIMEOUT_S         3

/* GKE's server answers only some seconds after the pod's start. */
const struct retry metadata_patience = {.base_ms = 500, .cap_ms = 4000, .attempts = 60, .budget_ms = 30000};

struct machine {
    struct grant grant;
    struct http *http;
    char *probe_url;
    char *token_url;
};

/* A server that omits this header is not the metadata server. */
static bool has_flavor(const struct http_reply *reply)
{
    char flavor[16];
    return http_header(reply, "metadata-flavor", flavor, sizeof flavor) && strcmp(flavor, "Google") == 0;
}

static bool ask(struct machine *machine, const char *url, const struct retry *retry,
                struct http_reply *out_reply, struct error *err)
{
    static const char *const headers[] = {"Metadata-Flavor: Google", NULL};
    const struct http_request request = {
        .method = "GET",
        .url = url,
        .headers = headers,
        .reply_limit = LIMIT_REPLY_BYTES,
        .timeout_s = TIMEOUT_S,
        .retry = retry,
        .policy = &token_policy,
        .direct = true,
        .what = "the metadata server",
    };
    if (!http_do(machine->http, &request, out_reply, err)) return false;
    return has_flavor(out_reply) || error_set(err, ERROR_AUTH,
                                              "another server answers at the metadata server's address "
                                              "(the header Metadata-Flavor is missing): check "
                                              "GCE_METADATA_HOST and the network");
}

static bool machine_request_token(struct grant *grant, struct secret *out_token, int64_t *out_lifetime_s,
                                  struct error *err)
{
    struct machine *machine = (struct machine *)grant;
    AUTO(http_reply_done) struct http_reply reply = {0};
    if (!ask(machine, machine->token_url, &token_retry, &reply, err)) return false;
    if (reply.status == 200)
        return token_reply(&reply, "the metadata server", out_token, out_lifetime_s, err);
    return error_set_status(
        err, ERROR_AUTH, reply.status,
        "the metadata server issued no token (status %d): attach a service account to this machine "
        "or service",
        reply.status);
}

static void machine_free(struct grant *grant)
{
    struct machine *machine = (struct machine *)grant;
    http_free(machine->http);
    free(machine->probe_url);
    free(machine->token_url);
    free(machine);
}

static bool wait_for_server(struct machine *machine, const struct retry *patience, struct error *err)
{
    AUTO(http_reply_done) struct http_reply first = {0};
    AUTO(http_reply_done) struct http_reply reply = {0};
    if (ask(machine, machine->probe_url, NULL, &first, err)) return true;
    if (err->kind != ERROR_BUSY) return false;
    log_write(LOG_NOTICE, "waiting_for_credentials", NULL,
              "no credentials file is configured, and the metadata server does not answer yet; it is asked "
              "again for %d s (%s)",
              patience->budget_ms / 1000, err->text);
    return ask(machine, machine->probe_url, patience, &reply, err);
}

bool grant_metadata_new(const struct http_settings *settings, const struct retry *patience,
                        struct grant **out_grant, struct error *err)
{
    const char *host = environment("GCE_METADATA_HOST"), *address = environment("GCE_METADATA_IP");
    struct machine *machine = mem_zero(1, sizeof *machine);
    machine->grant = (struct grant){.request_token = machine_request_token, .free = machine_free};
    machine->probe_url = mem_format("http://%s/", host ? host : address ? address : ADDRESS);
    machine->token_url = mem_format("http://%s" TOKEN_PATH, host ? host : address ? address : SERVER);
    if (!http_new(settings, &machine->http, err) || !wait_for_server(machine, patience, err)) {
        grant_free(&machine->grant);
        return false;
    }
    *out_grant = &machine->grant;
    return true;
}
