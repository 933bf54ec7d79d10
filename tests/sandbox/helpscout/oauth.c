/* SPDX-License-Identifier: Apache-2.0 */
/* oauth.c - the token endpoint. It takes a form only, and each refresh token once. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/random.h"
#include "google/auth.h"
#include "helpscout/internal.h"

#define APP_ID     "sandbox-app"
#define LIFETIME_S 172800

static void refuse(struct exchange *exchange, int status, const char *code, const char *text)
{
    exchange_reply_json(exchange, status, json_pack("{s:s, s:s}", "error_description", text, "error", code));
}

/* With another refresh token, if it was asked for by one. */
static void issue(struct exchange *exchange, bool with_refresh)
{
    struct helpscout *helpscout = helpscout_of(exchange);
    char random[17], token[HELPSCOUT_TOKEN];
    random_name(random);
    snprintf(token, sizeof token, "hs-access-%s", random);
    int64_t now_s = virtual_clock_peek(helpscout->options.clock) / 1000000;
    pthread_mutex_lock(&helpscout->lock);
    json_object_set_new(helpscout->tokens, token, json_integer(now_s + LIFETIME_S));
    json_t *reply = json_pack("{s:s, s:s, s:I}", "token_type", "bearer", "access_token", token, "expires_in",
                              (json_int_t)LIFETIME_S);
    if (with_refresh) {
        random_name(random);
        snprintf(helpscout->refresh_token, sizeof helpscout->refresh_token, "hs-refresh-%s", random);
        json_object_set_new(reply, "refresh_token", json_string(helpscout->refresh_token));
    }
    pthread_mutex_unlock(&helpscout->lock);
    exchange_reply_json(exchange, 200, reply);
}

static bool is_refresh_token(struct helpscout *helpscout, const char *token)
{
    pthread_mutex_lock(&helpscout->lock);
    bool is_good = token && strcmp(token, helpscout->refresh_token) == 0;
    pthread_mutex_unlock(&helpscout->lock);
    return is_good;
}

static void handle_token(struct exchange *exchange)
{
    struct helpscout *helpscout = helpscout_of(exchange);
    const char *type = exchange_header(exchange, "content-type");
    AUTO(mem_free) char *grant = auth_form_field(exchange, "grant_type");
    AUTO(mem_free) char *id = auth_form_field(exchange, "client_id");
    AUTO(mem_free) char *secret = auth_form_field(exchange, "client_secret");
    AUTO(mem_free) char *refresh = auth_form_field(exchange, "refresh_token");
    bool is_refresh = grant && strcmp(grant, "refresh_token") == 0;
    if (!type || strncmp(type, "application/x-www-form-urlencoded", 33) != 0)
        refuse(exchange, 400, "invalid_request", "The request must be a form");
    else if (!is_refresh && (!grant || strcmp(grant, "client_credentials") != 0))
        refuse(exchange, 400, "unsupported_grant_type", "Unsupported grant type");
    else if (!id || !secret || strcmp(id, APP_ID) != 0 ||
             !auth_is_source_token(helpscout->options.auth, secret))
        refuse(exchange, 401, "invalid_client", "Client authentication failed");
    else if (is_refresh && !is_refresh_token(helpscout, refresh))
        refuse(exchange, 400, "invalid_request", "Invalid refresh_token");
    else
        issue(exchange, is_refresh);
}

const struct route helpscout_oauth_routes[] = {
    {"helpscout", "token", "POST", "/v2/oauth2/token", handle_token},
    {.handle = NULL},
};
