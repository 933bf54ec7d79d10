/* SPDX-License-Identifier: Apache-2.0 */
/* comagic.c - the service: its state, what changes it, account and sessions. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "comagic/internal.h"
#include "comagic/service.h"
#include "google/auth.h"

#define DAY_LIMIT    3000
#define MINUTE_LIMIT 200
#define SESSION_S    3600
#define ACCOUNT      4711
#define LOGIN        "loader"

int64_t comagic_now_s(const struct comagic *comagic)
{
    return virtual_clock_peek(comagic->options.clock) / 1000000;
}

static bool create(const struct service_options *options, void **out_state, struct error *err)
{
    struct zone *zone;
    if (!zone_load(options->zone, &zone, err)) return false;
    struct comagic *comagic = mem_zero(1, sizeof *comagic);
    comagic->options = *options;
    comagic->zone = zone;
    comagic->workspace =
        workspace_new(comagic_service.name, options->seed, options->workspace, options->start_s);
    comagic->minute.most = MINUTE_LIMIT;
    comagic->minute_s = 60;
    comagic->day.most = DAY_LIMIT;
    comagic->refused = json_object();
    comagic->unknown = json_object();
    comagic->sessions = json_object();
    pthread_mutex_init(&comagic->lock, NULL);
    *out_state = comagic;
    return true;
}

static void destroy(void *state)
{
    struct comagic *comagic = state;
    zone_free(comagic->zone);
    workspace_free(comagic->workspace);
    json_decref(comagic->refused);
    json_decref(comagic->unknown);
    json_decref(comagic->sessions);
    pthread_mutex_destroy(&comagic->lock);
    free(comagic);
}

static struct workspace *workspace_of(void *state)
{
    struct comagic *comagic = state;
    return comagic->workspace;
}

/* --- changes --- */

static bool set_limits(void *state, const json_t *argument)
{
    struct comagic *comagic = state;
    pthread_mutex_lock(&comagic->lock);
    comagic->minute = (struct limit){.most = json_int_at(argument, "minute", comagic->minute.most)};
    comagic->minute_s = json_int_at(argument, "minute_s", comagic->minute_s);
    comagic->day = (struct limit){.most = json_int_at(argument, "day", comagic->day.most)};
    pthread_mutex_unlock(&comagic->lock);
    return comagic->minute_s > 0;
}

static bool set_page_most(void *state, const json_t *argument)
{
    struct comagic *comagic = state;
    pthread_mutex_lock(&comagic->lock);
    comagic->page_most = json_integer_value(argument);
    pthread_mutex_unlock(&comagic->lock);
    return json_is_integer(argument);
}

static bool set_locked_out(void *state, const json_t *argument)
{
    struct comagic *comagic = state;
    pthread_mutex_lock(&comagic->lock);
    comagic->is_locked_out = json_is_true(argument);
    pthread_mutex_unlock(&comagic->lock);
    return json_is_boolean(argument);
}

static bool set_deprecated(void *state, const json_t *argument)
{
    struct comagic *comagic = state;
    pthread_mutex_lock(&comagic->lock);
    comagic->is_deprecated = json_is_true(argument);
    pthread_mutex_unlock(&comagic->lock);
    return json_is_boolean(argument);
}

static bool skip_echo(void *state, const json_t *argument)
{
    struct comagic *comagic = state;
    pthread_mutex_lock(&comagic->lock);
    comagic->skips_echo = json_is_true(argument);
    pthread_mutex_unlock(&comagic->lock);
    return json_is_boolean(argument);
}

static bool refuse_methods(void *state, const json_t *argument)
{
    struct comagic *comagic = state;
    pthread_mutex_lock(&comagic->lock);
    json_object_clear(comagic->refused);
    bool good = json_object_update(comagic->refused, (json_t *)(uintptr_t)argument) == 0;
    pthread_mutex_unlock(&comagic->lock);
    return good;
}

static bool forget_field(void *state, const json_t *argument)
{
    struct comagic *comagic = state;
    const char *name = json_string_value(argument);
    pthread_mutex_lock(&comagic->lock);
    if (name) json_object_set_new(comagic->unknown, name, json_true());
    pthread_mutex_unlock(&comagic->lock);
    return name != NULL;
}

static bool end_sessions(void *state, const json_t *argument)
{
    struct comagic *comagic = state;
    pthread_mutex_lock(&comagic->lock);
    json_object_clear(comagic->sessions);
    pthread_mutex_unlock(&comagic->lock);
    return json_is_true(argument);
}

static const struct service_change changes[] = {
    {"limits", set_limits, "{minute, minute_s, day}"},
    {"page_most", set_page_most, "n"},
    {"locked_out", set_locked_out, "true or false"},
    {"deprecated", set_deprecated, "true or false"},
    {"skip_echo", skip_echo, "true"},
    {"refuse", refuse_methods, "{method: mnemonic}"},
    {"forget_field", forget_field, "name"},
    {"end_sessions", end_sessions, "true"},
    {.name = NULL},
};

/* --- account and sessions --- */

void comagic_account(const struct call *call)
{
    static const char *const known[] = {NULL};
    if (!comagic_check_names(call, known)) return;
    comagic_reply(call,
                  json_pack("[{s:i, s:s, s:s}]", "app_id", ACCOUNT, "name", "Sandbox", "timezone",
                            call->comagic->options.zone),
                  -1);
}

void comagic_login(const struct call *call)
{
    struct comagic *comagic = call->comagic;
    const char *login = json_text_at(call->params, "login"),
               *password = json_text_at(call->params, "password");
    char token[32];
    if (!login || !password || strcmp(login, LOGIN) != 0 ||
        !auth_is_source_token(comagic->options.auth, password)) {
        comagic_refuse(
            call, &(struct failure){-32001, "auth_error", "Login or password is wrong", NULL, NULL, NULL});
        return;
    }
    int64_t end_s = comagic_now_s(comagic) + SESSION_S;
    pthread_mutex_lock(&comagic->lock);
    (void)snprintf(token, sizeof token, "session%012" PRId64, ++comagic->session_count);
    json_object_set_new(comagic->sessions, token, json_integer((json_int_t)end_s));
    pthread_mutex_unlock(&comagic->lock);
    /* Its page has both names. */
    comagic_reply(call,
                  json_pack("{s:s, s:I, s:i}", "access_token", token,
                            comagic->session_count % 2 ? "expire_at" : "expire", (json_int_t)end_s, "app_id",
                            ACCOUNT),
                  -1);
}

static const struct route routes[] = {
    {"comagic", "call", "POST", "/v2.0", comagic_handle},
    {.handle = NULL},
};
static const struct route *const route_tables[] = {routes, NULL};

const struct service comagic_service = {
    .name = "comagic",
    .routes = route_tables,
    .create = create,
    .free = destroy,
    .workspace = workspace_of,
    .truth = comagic_truth,
    .latest = comagic_latest,
    .changes = changes,
};
