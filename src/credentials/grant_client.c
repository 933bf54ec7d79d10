/* SPDX-License-Identifier: Apache-2.0 */
/* grant_client.c - access tokens of an OAuth client: by its own secret, or by a refresh token.
 *
 * An exchange returns another refresh token and ends the old one, so the new one is kept before anything else
 * is done with the reply. A crash between the two can't be survived: only the lost reply had the token. All
 * else can: the access token is kept, too, so that a process that starts exchanges nothing while that is
 * good.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "internal.h"

#define QUOTE       200
#define KEPT_LIFE_S 86400 /* of an access token that was kept: if it is shorter, a 401 says so */
#define SHARED_TRIES                                                                                         \
    4 /* after a refusal: another process may be about to keep the token that replaced it                    \
       */
#define SHARED_WAIT_MS 1500
#define WRITE_TRIES    4
#define WRITE_WAIT_MS  1000

struct client {
    struct grant grant;
    struct http *http; /* its own: a token is fetched in the middle of other calls */
    char *service, *token_url, *client_id;
    struct token *secret;
    struct refresh_store *store; /* NULL: client credentials */
    struct secret given;         /* the access token that was given last */
    struct secret unsaved;       /* a value that could not be kept; empty: none */
};

/* --- replies --- */

static bool refuse(const struct client *client, const struct http_reply *reply, struct error *err)
{
    AUTO(json_drop) json_t *value = token_json(reply);
    char code[64], text[QUOTE];
    token_quote(json_text_at(value, "error"), code, sizeof code);
    token_quote(json_text_at(value, "error_description"), text, sizeof text);
    if (client->store && strcmp(code, "invalid_client") != 0)
        return error_set_status(
            err, ERROR_AUTH, reply->status,
            "%s refuses the refresh token in %s: HTTP %d %s (%s). Each is good once. %s; authorize the app "
            "again, and "
            "put the new refresh token there",
            client->service, client->store->name, reply->status, *code ? code : "without a code",
            *text ? text : "no description",
            client->store->was_interrupted
                ? "An exchange of it began and did not end: a process was killed, or the reply was lost on "
                  "its way"
                : "Another process or integration has used it, or the reply was lost on its way");
    return error_set_status(
        err, ERROR_AUTH, reply->status,
        "%s refuses the client id or secret: HTTP %d %s (%s); copy both again, and check that the "
        "user who made the app is active",
        client->service, reply->status, *code ? code : "without a code", *text ? text : "no description");
}

static bool post(struct client *client, const struct secret *secret, const char *refresh_token,
                 struct http_reply *out_reply, struct error *err)
{
    AUTO(token_form_done) struct token_form form = {0};
    token_form_add(&form, "grant_type", refresh_token ? "refresh_token" : "client_credentials");
    token_form_add(&form, "client_id", client->client_id);
    token_form_add(&form, "client_secret", secret_reveal(secret));
    if (refresh_token) token_form_add(&form, "refresh_token", refresh_token);
    return token_form_post(client->http, client->token_url, &form, client->service, out_reply, err);
}

static bool is_wrong_client(const struct http_reply *reply)
{
    AUTO(json_drop) json_t *value = token_json(reply);
    const char *code = json_text_at(value, "error");
    return reply->status == 401 || (code && strcmp(code, "invalid_client") == 0);
}

/* The secret may have been changed while we run: it is read again before the refusal is believed. */
static bool ask(struct client *client, const char *refresh_token, struct http_reply *out_reply,
                struct error *err)
{
    AUTO(secret_done) struct secret secret = {0}, fresh = {0};
    if (!client->secret->get(client->secret, NULL, &secret, err) ||
        !post(client, &secret, refresh_token, out_reply, err))
        return false;
    if (!is_wrong_client(out_reply)) return true;
    http_reply_done(out_reply);
    *out_reply = (struct http_reply){0};
    bool done = client->secret->get(client->secret, &secret, &fresh, err);
    secret_done(&secret);
    return done && post(client, &fresh, refresh_token, out_reply, err);
}

/* --- the value that is kept --- */

/* size 0: out becomes empty. */
static bool copy(const char *bytes, size_t size, struct secret *out, struct error *err)
{
    if (size > 0) return secret_set(out, bytes, size, err);
    secret_done(out);
    return true;
}

/* A member of the value, empty if it has none; of a text that a person put there, the text is the refresh
 * token. */
static bool take_member(const struct secret *value, const char *name, struct secret *out, struct error *err)
{
    json_t *object = NULL;
    struct error ignored;
    const char *text = secret_reveal(value);
    if (*text != '{' || !json_read(text, value->size, NULL, &object, &ignored))
        return copy(text, strcmp(name, "refresh_token") == 0 ? value->size : 0, out, err);
    const char *member = json_text_at(object, name);
    bool done = copy(member, member ? strlen(member) : 0, out, err);
    token_wipe(json_text_at(object, "refresh_token"));
    token_wipe(json_text_at(object, "access_token"));
    json_decref(object);
    return done;
}

static bool make_value(const char *refresh_token, const char *access_token, struct secret *out_value,
                       struct error *err)
{
    AUTO(json_drop)
    json_t *object = json_pack("{s:s, s:s}", "refresh_token", refresh_token, "access_token", access_token);
    char *text = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
    if (!text) return error_set(err, ERROR_FORMAT, "the tokens are no texts");
    bool done = secret_set(out_value, text, strlen(text), err);
    token_wipe(text);
    free(text);
    token_wipe(json_text_at(object, "refresh_token"));
    token_wipe(json_text_at(object, "access_token"));
    return done;
}

/* The old token is dead: this one may not be lost, and the run goes on with it. */
static void keep(struct client *client, const struct secret *value)
{
    struct error failure = {0}, ignored;
    for (int i = 0; i < WRITE_TRIES; i++) {
        if (i > 0) (void)clock_sleep_ms((int64_t)WRITE_WAIT_MS << i, NULL);
        if (client->store->write(client->store, value, &failure)) {
            secret_done(&client->unsaved);
            return;
        }
    }
    bool is_held = value == &client->unsaved || secret_set(&client->unsaved, secret_reveal(value),
                                                           value->size, &ignored); /* it was made so */
    log_write(
        LOG_CRITICAL, "refresh_token_unsaved", LOG_FIELDS(LOG_TEXT("place", client->store->name)),
        "the new refresh token of %s can't be kept in %s (%s): only this process has it. It tries again "
        "before "
        "the next exchange and when it ends; mend the cause before that, or the app must be authorized again",
        client->service, client->store->name, is_held ? failure.text : "it is no text");
}

static bool take_new(struct client *client, struct http_reply *reply, const struct secret *old_refresh,
                     struct secret *out_token, int64_t *out_lifetime_s, struct error *err)
{
    AUTO(secret_done) struct secret value = {0};
    AUTO(secret_done) struct secret refresh = {0};
    AUTO(json_drop) json_t *object = token_json(reply);
    const char *fresh = json_text_at(object, "refresh_token"), *access = json_text_at(object, "access_token");
    bool done = secret_set(&refresh, fresh ? fresh : secret_reveal(old_refresh),
                           fresh ? strlen(fresh) : old_refresh->size, err) &&
                make_value(secret_reveal(&refresh), access ? access : "", &value, err);
    token_wipe(fresh);
    token_wipe(access);
    if (done) keep(client, &value);
    return token_reply(reply, client->service, out_token, out_lifetime_s, err) && done;
}

/* --- exchanging --- */

/* Another process has exchanged the token since: its access token serves us, too. */
static bool take_kept(struct client *client, struct secret *out_refresh, bool *out_is_taken,
                      struct secret *out_token, struct error *err)
{
    AUTO(secret_done) struct secret value = {0};
    *out_is_taken = false;
    if (!client->store->read(client->store, &value, err) ||
        !take_member(&value, "refresh_token", out_refresh, err) ||
        !take_member(&value, "access_token", out_token, err))
        return false;
    const char *access = secret_reveal(out_token);
    *out_is_taken = *access && strcmp(access, secret_reveal(&client->given)) != 0;
    return token_check(out_refresh, client->store->name, err) &&
           token_check(out_token, client->store->name, err);
}

/* A refusal may mean that another machine was faster. */
static bool wait_for_others(struct client *client, struct secret *out_token, bool *out_is_taken,
                            struct error *err)
{
    *out_is_taken = false;
    for (int i = 0; client->store->is_shared && i < SHARED_TRIES && !*out_is_taken; i++) {
        AUTO(secret_done) struct secret refresh = {0};
        if (i > 0) (void)clock_sleep_ms(SHARED_WAIT_MS, NULL);
        if (!take_kept(client, &refresh, out_is_taken, out_token, err)) return false;
    }
    return true;
}

static bool exchange(struct client *client, struct secret *out_token, int64_t *out_lifetime_s,
                     struct error *err)
{
    AUTO(secret_done) struct secret refresh = {0};
    AUTO(http_reply_done) struct http_reply reply = {0};
    bool is_taken = false;
    *out_lifetime_s = KEPT_LIFE_S;
    if (client->unsaved.size > 0) keep(client, &client->unsaved);
    if (client->unsaved.size > 0) {
        if (!take_member(&client->unsaved, "refresh_token", &refresh, err)) return false;
    } else {
        if (!take_kept(client, &refresh, &is_taken, out_token, err)) return false;
        if (is_taken) return true;
    }
    if (!client->store->prepare(client->store, err) || !ask(client, secret_reveal(&refresh), &reply, err))
        return false;
    if (reply.status == 200) return take_new(client, &reply, &refresh, out_token, out_lifetime_s, err);
    if (!wait_for_others(client, out_token, &is_taken, err)) return false;
    return is_taken || refuse(client, &reply, err);
}

static bool request_token(struct grant *grant, struct secret *out_token, int64_t *out_lifetime_s,
                          struct error *err)
{
    struct client *client = (struct client *)grant;
    AUTO(http_reply_done) struct http_reply reply = {0};
    if (client->store) {
        bool done = client->store->lock(client->store, err) &&
                    exchange(client, out_token, out_lifetime_s, err) &&
                    secret_set(&client->given, secret_reveal(out_token), out_token->size, err);
        client->store->unlock(client->store);
        return done;
    }
    if (!ask(client, NULL, &reply, err)) return false;
    return reply.status == 200 ? token_reply(&reply, client->service, out_token, out_lifetime_s, err)
                               : refuse(client, &reply, err);
}

static void client_free(struct grant *grant)
{
    struct client *client = (struct client *)grant;
    if (client->unsaved.size > 0) keep(client, &client->unsaved);
    http_free(client->http);
    token_free(client->secret);
    if (client->store) client->store->free(client->store);
    secret_done(&client->given);
    secret_done(&client->unsaved);
    free(client->service);
    free(client->token_url);
    free(client->client_id);
    free(client);
}

static bool open_store(const struct client_settings *settings, struct refresh_store **out_store,
                       struct error *err)
{
    const struct token_setting *place = settings->refresh_token;
    switch (place ? place->origin : TOKEN_NONE) {
    case TOKEN_NONE: return true;
    case TOKEN_ENV:
        return error_set(
            err, ERROR_CONFIG,
            "a variable can't keep the refresh token that replaces the one in %s: use {\"file\": PATH} or "
            "{\"secret\": NAME}",
            place->name);
    case TOKEN_FILE: return refresh_file_new(place->name, out_store, err);
    case TOKEN_SECRET:
        return refresh_secret_new(settings->http, place->name, settings->secretmanager_url, settings->google,
                                  out_store, err);
    }
    abort();
}

bool token_from_client(const struct client_settings *settings, struct token **out_token, struct error *err)
{
    struct client *client = mem_zero(1, sizeof *client);
    client->grant = (struct grant){.request_token = request_token, .free = client_free};
    client->service = mem_text(settings->service);
    client->token_url = mem_text(settings->token_url);
    client->client_id = mem_text(settings->client_id);
    client->secret = settings->secret;
    if (!http_new(settings->http, &client->http, err) || !open_store(settings, &client->store, err)) {
        client_free(&client->grant);
        return false;
    }
    *out_token = token_cache_new(&client->grant, NULL);
    return true;
}
