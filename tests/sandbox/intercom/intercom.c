/* SPDX-License-Identifier: Apache-2.0 */
/* intercom.c - the service, what every request must have, /me and the admins. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "google/auth.h"
#include "intercom/internal.h"
#include "intercom/service.h"

#define WINDOW_S        10
#define RATE_LIMIT      1667 /* of a private app: 10,000 a minute */
#define WORKSPACE_LIMIT 4167 /* of all apps of the workspace: 25,000 a minute; no header tells of it */

static bool create(const struct service_options *options, void **out_state, struct error *err)
{
    struct zone *zone;
    if (!zone_load(options->zone, &zone, err)) return false;
    struct intercom *intercom = mem_zero(1, sizeof *intercom);
    intercom->options = *options;
    intercom->zone = zone;
    intercom->limit = RATE_LIMIT;
    intercom->workspace_limit = WORKSPACE_LIMIT;
    intercom->workspace =
        workspace_new(intercom_service.name, options->seed, options->workspace, options->start_s);
    intercom->scroll.shown = json_array();
    pthread_mutex_init(&intercom->lock, NULL);
    *out_state = intercom;
    return true;
}

static void destroy(void *state)
{
    struct intercom *intercom = state;
    zone_free(intercom->zone);
    workspace_free(intercom->workspace);
    json_decref(intercom->scroll.shown);
    pthread_mutex_destroy(&intercom->lock);
    free(intercom);
}

static struct workspace *workspace_of(void *state)
{
    struct intercom *intercom = state;
    return intercom->workspace;
}

struct collection *intercom_collection(const struct exchange *exchange, const char *kind)
{
    return workspace_find(intercom_of(exchange)->workspace, kind);
}

int64_t intercom_now_s(const struct exchange *exchange)
{
    return virtual_clock_read(intercom_of(exchange)->options.clock) / 1000000;
}

/* --- changes --- */

/* In ten real seconds; a new value begins a new window. */
static bool set_count(struct intercom *intercom, int64_t *count, const json_t *argument)
{
    if (!json_is_integer(argument) || json_integer_value(argument) < 0) return false;
    pthread_mutex_lock(&intercom->lock);
    *count = json_integer_value(argument);
    intercom->window_s = 0;
    pthread_mutex_unlock(&intercom->lock);
    return true;
}

static bool set_rate_limit(void *state, const json_t *argument)
{
    struct intercom *intercom = state;
    return set_count(intercom, &intercom->limit, argument);
}

static bool set_workspace_limit(void *state, const json_t *argument)
{
    struct intercom *intercom = state;
    return set_count(intercom, &intercom->workspace_limit, argument);
}

static bool set_others(void *state, const json_t *argument)
{
    struct intercom *intercom = state;
    return set_count(intercom, &intercom->others, argument);
}

static bool set_others_apps(void *state, const json_t *argument)
{
    struct intercom *intercom = state;
    return set_count(intercom, &intercom->others_apps, argument);
}

static bool set_index_lag(void *state, const json_t *argument)
{
    struct intercom *intercom = state;
    if (!json_is_integer(argument) || json_integer_value(argument) < 0) return false;
    pthread_mutex_lock(&intercom->lock);
    intercom->lag_s = json_integer_value(argument);
    pthread_mutex_unlock(&intercom->lock);
    return true;
}

/* How a search compares the ends of ids. */
static bool set_endings(void *state, const json_t *argument)
{
    static const char *const names[] = {[ENDINGS_RIGHT] = "right",
                                        [ENDINGS_REFUSED] = "refused",
                                        [ENDINGS_IGNORED] = "ignored",
                                        [ENDINGS_LOSSY] = "lossy"};
    struct intercom *intercom = state;
    const char *name = json_string_value(argument);
    size_t i = 0;
    while (name && i < sizeof names / sizeof *names && strcmp(names[i], name) != 0)
        i++;
    if (!name || i == sizeof names / sizeof *names) return false;
    pthread_mutex_lock(&intercom->lock);
    intercom->endings = (enum endings)i;
    pthread_mutex_unlock(&intercom->lock);
    return true;
}

static const struct service_change changes[] = {
    {"rate_limit", set_rate_limit, "n"},
    {"rate_limit_workspace", set_workspace_limit, "n"},
    {"rate_others", set_others, "n"},
    {"rate_others_apps", set_others_apps, "n"},
    {"index_lag_s", set_index_lag, "n"},
    {"id_endings", set_endings, "right|refused|ignored|lossy"},
    {.name = NULL},
};

/* --- what every request must have --- */

void intercom_refuse(struct exchange *exchange, int status, const char *code, const char *message)
{
    exchange_reply_json(exchange, status,
                        json_pack("{s:s, s:s, s:[{s:s, s:s}]}", "type", "error.list", "request_id",
                                  json_text_at(exchange->detail, "request_id"), "errors", "code", code,
                                  "message", message));
}

static bool check_token(struct exchange *exchange)
{
    const char *authorization = exchange_header(exchange, "authorization");
    static const char scheme[] = "Bearer ";
    if (authorization && strncasecmp(authorization, scheme, sizeof scheme - 1) == 0 &&
        auth_is_source_token(intercom_of(exchange)->options.auth, authorization + sizeof scheme - 1))
        return true;
    intercom_refuse(exchange, 401, "unauthorized", "Access Token Invalid");
    return false;
}

struct rate {
    int64_t window_s, limit, remaining;
    bool is_refused;
    int64_t exceeded; /* the limit that refuses it */
};

static struct rate count_request(struct intercom *intercom, int64_t now_s)
{
    int64_t window_s = now_s / WINDOW_S * WINDOW_S;
    pthread_mutex_lock(&intercom->lock);
    if (window_s != intercom->window_s) {
        intercom->window_s = window_s;
        intercom->used = intercom->others;
    }
    struct rate rate = {.window_s = window_s, .limit = intercom->limit};
    bool is_app = intercom->used >= intercom->limit;
    rate.is_refused = is_app || intercom->used + intercom->others_apps >= intercom->workspace_limit;
    rate.exceeded = is_app ? intercom->limit : intercom->workspace_limit;
    intercom->used += !rate.is_refused;
    rate.remaining = intercom->limit > intercom->used ? intercom->limit - intercom->used : 0;
    pthread_mutex_unlock(&intercom->lock);
    return rate;
}

/* Counts the request; every answer to a valid token has the state of the app's window. */
static bool check_rate(struct exchange *exchange)
{
    struct intercom *intercom = intercom_of(exchange);
    int64_t now_s = (int64_t)time(NULL);
    int64_t today_s = virtual_clock_peek(intercom->options.clock) / 1000000; /* as the header Date has it */
    struct rate rate = count_request(intercom, now_s);
    exchange_add_header(exchange, "X-RateLimit-Limit", "%" PRId64, rate.limit);
    exchange_add_header(exchange, "X-RateLimit-Remaining", "%" PRId64, rate.remaining);
    exchange_add_header(exchange, "X-RateLimit-Reset", "%" PRId64,
                        today_s + rate.window_s + WINDOW_S - now_s);
    json_object_set_new(exchange->detail, "window", json_integer(rate.window_s));
    json_object_set_new(exchange->detail, "limit", json_integer(rate.limit));
    if (!rate.is_refused) return true;
    char message[96];
    snprintf(message, sizeof message, "Exceeded rate limit of %" PRId64 " in %d_seconds", rate.exceeded,
             WINDOW_S);
    intercom_refuse(exchange, 429, "rate_limit_exceeded", message);
    return false;
}

/* 2.11 to 2.17; out_minor: 11 to 17. */
static bool check_version(struct exchange *exchange, int *out_minor)
{
    const char *version = exchange_header(exchange, "intercom-version");
    if (version && strlen(version) == 4 && strncmp(version, "2.1", 3) == 0 && version[3] >= '1' &&
        version[3] <= '7') {
        *out_minor = 10 + version[3] - '0';
        return true;
    }
    intercom_refuse(exchange, 400, "intercom_version_invalid",
                    "Requested resource is not available in current API version.");
    return false;
}

bool intercom_check_since(struct exchange *exchange, int minor, int since)
{
    if (minor >= since) return true;
    intercom_refuse(exchange, 400, "intercom_version_invalid",
                    "Requested resource is not available in current API version.");
    return false;
}

bool intercom_admit(struct exchange *exchange, int *out_minor)
{
    if (!check_token(exchange) || !check_rate(exchange) || !check_version(exchange, out_minor)) return false;
    const char *accept = exchange_header(exchange, "accept");
    if (!accept || (!strstr(accept, "application/json") && !strstr(accept, "*/*"))) {
        intercom_refuse(exchange, 406, "client_error", "The requested media type is not acceptable");
        return false;
    }
    const char *type = exchange_header(exchange, "content-type");
    if (strcmp(exchange->method, "POST") == 0 && (!type || strncmp(type, "application/json", 16) != 0)) {
        intercom_refuse(exchange, 415, "client_error", "The Content-Type must be application/json");
        return false;
    }
    return true;
}

/* --- GET /me --- */

static void handle_me(struct exchange *exchange)
{
    int minor;
    if (!intercom_admit(exchange, &minor)) return;
    const struct service_options *options = &intercom_of(exchange)->options;
    exchange_reply_json(
        exchange, 200,
        json_pack("{s:s, s:s, s:s, s:s, s:b, s:{s:s, s:s, s:s, s:i, s:b, s:b, s:s, s:s}, s:{s:s, s:s}, s:b}",
                  "type", "admin", "id", "7001", "email", "loader@example.com", "name", "Loader",
                  "email_verified", 1, "app", "type", "app", "id_code", options->workspace, "name", "Sandbox",
                  "created_at", 1700000000, "secure", 0, "identity_verification", 0, "timezone",
                  options->zone, "region", "US", "avatar", "type", "avatar", "image_url",
                  "https://example.com/7001.png", "has_inbox_seat", 1));
}

bool intercom_asks_for(const struct exchange *exchange, const char *parameter)
{
    const char *value = exchange_query(exchange, parameter);
    return value && strcmp(value, "true") == 0;
}

bool intercom_history(const struct exchange *exchange, int minor)
{
    return minor >= 16 && intercom_asks_for(exchange, "include_merge_history");
}

/* --- GET /admins --- */

static void list_admins(struct exchange *exchange)
{
    int minor;
    struct collection_page page;
    if (!intercom_admit(exchange, &minor)) return;
    buf_text(&exchange->reply, "{\"type\":\"admin.list\",\"admins\":[");
    collection_find(
        intercom_collection(exchange, "admins"),
        &(struct collection_query){.by_arrival = true,
                                   .limit = SIZE_MAX,
                                   .form.on_demand = intercom_asks_for(exchange, "display_avatar")},
        &exchange->reply, &page);
    buf_text(&exchange->reply, "]}");
}

static const struct route routes[] = {
    {"intercom", "me", "GET", "/me", handle_me},
    {"intercom", "admins", "GET", "/admins", list_admins},
    {.handle = NULL},
};

/* Fixed paths come before those with an id in the same place. */
static const struct route *const route_tables[] = {
    intercom_search_routes,  intercom_list_routes,         routes, intercom_contact_routes,
    intercom_company_routes, intercom_conversation_routes, NULL,
};

const struct service intercom_service = {
    .name = "intercom",
    .routes = route_tables,
    .create = create,
    .free = destroy,
    .workspace = workspace_of,
    .truth = intercom_truth,
    .latest = intercom_latest,
    .changes = changes,
};
