/* SPDX-License-Identifier: Apache-2.0 */
/* helpscout.c - the service, what every request must have, and /v2/users/me. */
#include "helpscout/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "helpscout/service.h"

#define MINUTE_S 60
#define LIMIT    100000 /* more than any plan: tests do not wait */

static bool create(const struct service_options *options, void **out_state, struct error *err)
{
    (void)err; /* nothing can fail */
    struct helpscout *helpscout = mem_zero(1, sizeof *helpscout);
    helpscout->options = *options;
    helpscout->tokens = json_object();
    snprintf(helpscout->refresh_token, sizeof helpscout->refresh_token, "sandbox-refresh");
    helpscout->workspace =
        workspace_new(helpscout_service.name, options->seed, options->workspace, options->start_s);
    pthread_mutex_init(&helpscout->lock, NULL);
    *out_state = helpscout;
    return true;
}

static void destroy(void *state)
{
    struct helpscout *helpscout = state;
    workspace_free(helpscout->workspace);
    json_decref(helpscout->tokens);
    pthread_mutex_destroy(&helpscout->lock);
    free(helpscout);
}

static struct workspace *workspace_of(void *state)
{
    struct helpscout *helpscout = state;
    return helpscout->workspace;
}

struct collection *helpscout_collection(const struct exchange *exchange, const char *kind)
{
    return workspace_find(helpscout_of(exchange)->workspace, kind);
}

int64_t helpscout_now_s(const struct exchange *exchange)
{
    return virtual_clock_read(helpscout_of(exchange)->options.clock) / 1000000;
}

/* --- changes --- */

static bool expire_tokens(void *state, const json_t *argument)
{
    struct helpscout *helpscout = state;
    (void)argument;
    pthread_mutex_lock(&helpscout->lock);
    json_object_clear(helpscout->tokens);
    pthread_mutex_unlock(&helpscout->lock);
    return true;
}

/* As when a person authorizes the app again. */
static bool set_refresh_token(void *state, const json_t *argument)
{
    struct helpscout *helpscout = state;
    const char *token = json_string_value(argument);
    if (!token || strlen(token) >= HELPSCOUT_TOKEN) return false;
    pthread_mutex_lock(&helpscout->lock);
    memcpy(helpscout->refresh_token, token, strlen(token) + 1);
    pthread_mutex_unlock(&helpscout->lock);
    return true;
}

static bool set_plan(void *state, const json_t *argument)
{
    struct helpscout *helpscout = state;
    const char *plan = json_string_value(argument);
    if (!plan) return false;
    pthread_mutex_lock(&helpscout->lock);
    helpscout->is_standard = strcmp(plan, "standard") == 0;
    pthread_mutex_unlock(&helpscout->lock);
    return true;
}

static const struct service_change changes[] = {
    {"helpscout_expire", expire_tokens, "true"},
    {"helpscout_refresh_token", set_refresh_token, "text"},
    {"helpscout_plan", set_plan, "\"standard\" or \"plus\""},
    {.name = NULL},
};

/* --- what every request must have --- */

void helpscout_refuse(struct exchange *exchange, int status, const char *message, const char *path,
                      const char *detail)
{
    json_t *errors = json_array();
    if (path)
        json_array_append_new(
            errors, json_pack("{s:s, s:s, s:s}", "path", path, "message", detail, "source", "QUERY"));
    exchange_reply_json(exchange, status,
                        json_pack("{s:s, s:s, s:{s:o}, s:{s:{s:s}}}", "logRef",
                                  json_text_at(exchange->detail, "request_id"), "message", message,
                                  "_embedded", "errors", errors, "_links", "about", "href",
                                  "http://developer.helpscout.net/mailbox-api/overview/errors"));
}

static bool check_token(struct exchange *exchange)
{
    struct helpscout *helpscout = helpscout_of(exchange);
    static const char scheme[] = "Bearer ";
    const char *authorization = exchange_header(exchange, "authorization");
    bool has_scheme = authorization && strncasecmp(authorization, scheme, sizeof scheme - 1) == 0;
    int64_t now_s = virtual_clock_peek(helpscout->options.clock) / 1000000;
    pthread_mutex_lock(&helpscout->lock);
    const json_t *until =
        has_scheme ? json_object_get(helpscout->tokens, authorization + sizeof scheme - 1) : NULL;
    bool is_good = until && json_integer_value(until) > now_s;
    pthread_mutex_unlock(&helpscout->lock);
    if (!is_good)
        exchange_reply_json(exchange, 401,
                            json_pack("{s:s, s:s}", "error", "invalid_token", "error_description",
                                      "Invalid or expired token"));
    return is_good;
}

/* Minutes of the real clock, as the requests are. */
static bool check_rate(struct exchange *exchange)
{
    struct helpscout *helpscout = helpscout_of(exchange);
    int64_t now_s = (int64_t)time(NULL), minute_s = now_s / MINUTE_S * MINUTE_S;
    pthread_mutex_lock(&helpscout->lock);
    if (minute_s != helpscout->minute_s) helpscout->used = 0;
    helpscout->minute_s = minute_s;
    bool is_allowed = helpscout->used < LIMIT;
    helpscout->used += is_allowed;
    int64_t remaining = LIMIT - helpscout->used;
    pthread_mutex_unlock(&helpscout->lock);
    exchange_add_header(exchange, "X-RateLimit-Limit-Minute", "%d", LIMIT);
    exchange_add_header(exchange, "X-RateLimit-Remaining-Minute", "%" PRId64, remaining);
    if (is_allowed) return true;
    exchange_add_header(exchange, "X-RateLimit-Retry-After", "%" PRId64, minute_s + MINUTE_S - now_s);
    exchange_reply_json(exchange, 429, json_pack("{s:s}", "message", "API rate limit exceeded"));
    return false;
}

bool helpscout_admit(struct exchange *exchange)
{
    const char *id = json_text_at(exchange->detail, "request_id");
    exchange_add_header(exchange, "Content-Type", "application/hal+json");
    if (id) exchange_add_header(exchange, "correlation-id", "%s", id);
    return check_token(exchange) && check_rate(exchange);
}

static void handle_me(struct exchange *exchange)
{
    if (!helpscout_admit(exchange)) return;
    exchange_reply_json(exchange, 200,
                        json_pack("{s:i, s:s, s:s, s:s, s:s, s:i, s:s}", "id", 11, "firstName", "Load",
                                  "lastName", "Er", "email", "loader@example.com", "role", "admin",
                                  "companyId", 4711, "type", "user"));
}

static const struct route routes[] = {
    {"helpscout", "me", "GET", "/v2/users/me", handle_me},
    {.handle = NULL},
};

/* Fixed paths come before those with an id in the same place. */
static const struct route *const route_tables[] = {helpscout_oauth_routes, routes, helpscout_list_routes,
                                                   helpscout_record_routes, NULL};

/* A column's name as the record has it: first_name is firstName. */
static void name_field(const char *column, char *out_field, size_t size)
{
    size_t used = 0;
    for (const char *at = column; *at && used + 1 < size; at++) {
        bool is_hump = at[0] == '_' && at[1] >= 'a' && at[1] <= 'z';
        out_field[used++] = is_hump ? (char)(*++at - 'a' + 'A') : *at;
    }
    out_field[used] = '\0';
}

const struct service helpscout_service = {
    .name = "helpscout",
    .routes = route_tables,
    .create = create,
    .free = destroy,
    .workspace = workspace_of,
    .truth = helpscout_truth,
    .latest = helpscout_latest,
    .name_field = name_field,
    .changes = changes,
};
