/* SPDX-License-Identifier: Apache-2.0 */
/* health_command.c - `caseload health`: asks the health port of the `serve` beside it, for containers. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "commands.h"
#include "health.h"
#include "net/http.h"
#include "services.h"

#define LIMIT_ANSWER 4096
#define TIMEOUT_S    5

static bool ask(struct services *services, const char *url, int *out_status, struct error *err)
{
    struct http_reply reply;
    const struct http_request request = {.method = "GET",
                                         .url = url,
                                         .direct = true,
                                         .reply_limit = LIMIT_ANSWER,
                                         .timeout_s = TIMEOUT_S,
                                         .what = "the health port"};
    if (!services_open_http(services, err) || !http_do(services->http, &request, &reply, err)) return false;
    *out_status = reply.status;
    fputs(buf_string(&reply.body), stdout);
    http_reply_done(&reply);
    return true;
}

static bool act(struct services *services, const struct options *options, int *out_code, struct error *err)
{
    const char *address = services->config->health;
    char base[96];
    int status = 0;
    *out_code = EXIT_FINDINGS;
    if (!address)
        return error_set(err, ERROR_CONFIG,
                         "\"health\" is not set, so there is no port to ask; give --health ADDRESS");
    if (!health_url(address, base, sizeof base, err)) return false;
    AUTO(mem_free) char *url = mem_format("%s/%s", base, options_has(options, "ready") ? "readyz" : "livez");
    struct error failure = {0};
    if (!ask(services, url, &status, &failure))
        printf("%s\n", failure.text);
    else if (status == 200)
        *out_code = EXIT_DONE;
    return true;
}

static int run(const struct options *options)
{
    return command_do(options, act);
}

static const struct command_option options[] = {
    {"ready", NULL,
     "whether Pub/Sub, BigQuery and the source have answered, instead of whether it is alive"}};

static const char *const examples[] = {"--config caseload.json", "--config caseload.json --ready", NULL};

const struct command health_command = {
    .name = "health",
    .summary = "ask the health port of a running `serve`",
    .text =
        "Asks the port of the setting `health` whether `serve` is alive: each busy worker has moved within "
        "stall_seconds. Exits with 0 if it is, and with 1 if not, or if nothing answers within five seconds.",
    .examples = examples,
    .options = options,
    .option_count = 1,
    .config = CONFIG_NEEDED,
    .run = run,
};
