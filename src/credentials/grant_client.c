/* SPDX-License-Identifier: Apache-2.0 */
/* grant_client.c - access tokens of an OAuth client, by its own secret. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "internal.h"

#define QUOTE 200

struct client {
    struct grant grant;
    struct http *http; /* its own: a token is fetched in the middle of other calls */
    char *service, *token_url, *client_id;
    struct token *secret;
};

static bool refused(const struct client *client, const struct http_reply *reply, struct error *err)
{
    AUTO(json_drop) json_t *value = token_json(reply);
    char code[64], text[QUOTE];
    token_quote(json_text_at(value, "error"), code, sizeof code);
    token_quote(json_text_at(value, "error_description"), text, sizeof text);
    return error_set_status(err, ERROR_AUTH, reply->status,
                            "%s refuses App ID or App Secret: HTTP %d %s (%s); copy both again, and check that the "
                            "user who made the app is active",
                            client->service, reply->status, *code ? code : "without a code",
                            *text ? text : "no description");
}

static bool post(struct client *client, bool renew, struct http_reply *out_reply, struct error *err)
{
    AUTO(secret_done) struct secret secret = {0};
    AUTO(token_form_done) struct token_form form = {0};
    if (!client->secret->get(client->secret, renew, &secret, err)) return false;
    token_form_add(&form, "grant_type", "client_credentials");
    token_form_add(&form, "client_id", client->client_id);
    token_form_add(&form, "client_secret", secret_reveal(&secret));
    return token_form_post(client->http, client->token_url, &form, client->service, out_reply, err);
}

/* The secret may have been changed while we run: it is read again before the refusal is believed. */
static bool request_token(struct grant *grant, struct secret *out_token, int64_t *out_lifetime_s,
                          struct error *err)
{
    struct client *client = (struct client *)grant;
    AUTO(http_reply_done) struct http_reply reply = {0};
    if (!post(client, false, &reply, err)) return false;
    if (reply.status == 400 || reply.status == 401) {
        http_reply_done(&reply);
        reply = (struct http_reply){0};
        if (!post(client, true, &reply, err)) return false;
    }
    return reply.status == 200 ? token_reply(&reply, client->service, out_token, out_lifetime_s, err)
                               : refused(client, &reply, err);
}

static void client_free(struct grant *grant)
{
    struct client *client = (struct client *)grant;
    http_free(client->http);
    token_free(client->secret);
    free(client->service);
    free(client->token_url);
    free(client->client_id);
    free(client);
}

bool token_from_client(const struct client_settings *settings, struct token **out_token, struct error *err)
{
    struct client *client = mem_zero(1, sizeof *client);
    client->grant = (struct grant){.request_token = request_token, .free = client_free};
    client->service = mem_text(settings->service);
    client->token_url = mem_text(settings->token_url);
    client->client_id = mem_text(settings->client_id);
    client->secret = settings->secret;
    if (!http_new(settings->http, &client->http, err)) {
        client_free(&client->grant);
        return false;
    }
    *out_token = token_cache_new(&client->grant, NULL);
    return true;
}
