/* SPDX-License-Identifier: Apache-2.0 */
/* federation.c - another identity provider, the Security Token Service, and the impersonation of accounts. */
#include <stdio.h>
#include <string.h>

#include "base/day.h"
#include "base/json.h"
#include "base/mem.h"
#include "google/auth.h"

#define CLOUD        "https://www.googleapis.com/auth/cloud-platform"
#define LIMIT_FIELDS 16

/* --- the other provider --- */

void auth_handle_subject(struct exchange *exchange)
{
    const char *metadata = exchange_header(exchange, "metadata"),
               *format = exchange_query(exchange, "format");
    struct auth *auth = exchange->service;
    pthread_mutex_lock(&auth->lock);
    AUTO(mem_free) char *token = mem_text(auth->subject_token);
    pthread_mutex_unlock(&auth->lock);
    if (!metadata || strcmp(metadata, "True") != 0) {
        exchange_reply_json(exchange, 400,
                            json_pack("{s:s}", "error", "Required metadata header not specified"));
    } else if (format && strcmp(format, "json") == 0) {
        exchange_reply_json(exchange, 200,
                            json_pack("{s:s, s:s}", "access_token", token, "token_type", "Bearer"));
    } else {
        exchange_add_header(exchange, "Content-Type", "text/plain");
        buf_text(&exchange->reply, token);
    }
}

/* --- the Security Token Service --- */

static void refuse_exchange(struct exchange *exchange, const char *code, const char *text)
{
    exchange_reply_json(exchange, 400, json_pack("{s:s, s:s}", "error", code, "error_description", text));
}

/* All fields by name; NULL: one is there twice, or has no value. Yours. */
static json_t *read_form(const struct exchange *exchange)
{
    AUTO(mem_free) char *body = mem_bytes(exchange->body, exchange->body_size);
    json_t *fields = json_object();
    char *rest = NULL;
    for (char *part = strtok_r(body, "&", &rest); part; part = strtok_r(NULL, "&", &rest)) {
        char *value = strchr(part, '=');
        if (value) *value++ = '\0';
        if (value) percent_decode(value, true);
        if (!value || !*value || json_object_get(fields, part)) {
            json_decref(fields);
            return NULL;
        }
        json_object_set_new(fields, part, json_string(value));
    }
    return fields;
}

static bool is(const json_t *fields, const char *name, const char *wanted)
{
    const char *value = json_text_at(fields, name);
    return value && strcmp(value, wanted) == 0;
}

/* The refusal of the request; NULL: it is good. */
static const char *judge_form(const struct auth *auth, const json_t *fields, const char **out_code)
{
    bool is_workforce = is(fields, "audience", AUTH_WORKFORCE);
    *out_code = "invalid_request";
    if (!is(fields, "grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"))
        return "Invalid value for \"grant_type\".";
    if (!is(fields, "requested_token_type", "urn:ietf:params:oauth:token-type:access_token"))
        return "Invalid value for \"requested_token_type\".";
    if (!is(fields, "subject_token_type", "urn:ietf:params:oauth:token-type:jwt"))
        return "Invalid value for \"subject_token_type\".";
    if (!is(fields, "scope", CLOUD)) return "Invalid value for \"scope\".";
    if (!is_workforce && json_object_get(fields, "options"))
        return "userProject is only for workforce pools.";
    if (is_workforce && !is(fields, "options", "{\"userProject\":\"demo-project\"}"))
        return "userProject is missing.";
    if (json_object_size(fields) != (is_workforce ? 7 : 6)) return "Unknown or missing fields.";
    *out_code = "invalid_target";
    if (!is_workforce && !is(fields, "audience", AUTH_WORKLOAD))
        return "The target service indicated by the \"audience\" parameters is invalid. This might either be "
               "because the pool or provider is disabled or deleted or because it doesn't exist.";
    *out_code = "invalid_grant";
    if (!is(fields, "subject_token", auth->subject_token)) return "ID Token issued at 1 is stale to sign-in.";
    return NULL;
}

void auth_handle_sts(struct exchange *exchange)
{
    struct auth *auth = exchange->service;
    const char *type = exchange_header(exchange, "content-type"), *code = NULL;
    AUTO(json_drop) json_t *fields = read_form(exchange);
    if (!type || strcmp(type, "application/x-www-form-urlencoded") != 0 || !fields ||
        exchange_header(exchange, "authorization")) {
        refuse_exchange(exchange, "invalid_request", "Bad Request");
        return;
    }
    pthread_mutex_lock(&auth->lock);
    const char *text = judge_form(auth, fields, &code);
    pthread_mutex_unlock(&auth->lock);
    if (text) {
        refuse_exchange(exchange, code, text);
        return;
    }
    json_t *issued = auth_issue(auth);
    json_object_set_new(issued, "issued_token_type",
                        json_string("urn:ietf:params:oauth:token-type:access_token"));
    exchange_reply_json(exchange, 200, issued);
}

/* --- impersonation --- */

static void refuse_impersonation(struct exchange *exchange, int status, const char *word, const char *text)
{
    exchange_reply_json(
        exchange, status,
        json_pack("{s:{s:i, s:s, s:s}}", "error", "code", status, "message", text, "status", word));
}

/* AUTH_EMAIL lets everybody in who is known; AUTH_CHAINED only by way of the one before it. */
static bool may_impersonate(const char *name, const json_t *body)
{
    const json_t *delegates = json_object_get(body, "delegates");
    const char *delegate = json_string_value(json_array_get(delegates, 0));
    if (strcmp(name, AUTH_EMAIL ":generateAccessToken") == 0) return !delegates;
    return strcmp(name, AUTH_CHAINED ":generateAccessToken") == 0 && json_array_size(delegates) == 1 &&
           strcmp(delegate ? delegate : "", "projects/-/serviceAccounts/" AUTH_EMAIL) == 0;
}

/* Scope, lifetime, delegates: nothing else. */
static bool is_impersonation(const json_t *body, int *out_lifetime_s)
{
    const json_t *scope = json_object_get(body, "scope");
    const char *text = json_string_value(json_array_get(scope, 0)), *life = json_text_at(body, "lifetime");
    char end = '\0', more = '\0';
    size_t known = 2 + (json_object_get(body, "delegates") != NULL);
    return json_object_size(body) == known && json_array_size(scope) == 1 && text &&
           strcmp(text, CLOUD) == 0 && life && sscanf(life, "%d%c%c", out_lifetime_s, &end, &more) == 2 &&
           end == 's' && *out_lifetime_s > 0 && *out_lifetime_s <= 3600;
}

void auth_handle_impersonation(struct exchange *exchange)
{
    struct auth *auth = exchange->service;
    AUTO(json_drop) json_t *body = exchange_json(exchange);
    const char *type = exchange_header(exchange, "content-type");
    char until[INSTANT_TEXT];
    int lifetime_s = 0;
    if (!auth_admits(auth, exchange)) return;
    if (!type || strcmp(type, "application/json") != 0 || !is_impersonation(body, &lifetime_s)) {
        refuse_impersonation(exchange, 400, "INVALID_ARGUMENT", "Request contains an invalid argument.");
    } else if (!may_impersonate(exchange->capture[0], body)) {
        refuse_impersonation(
            exchange, 403, "PERMISSION_DENIED",
            "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).");
    } else {
        AUTO(json_drop) json_t *issued = auth_issue(auth);
        int64_t issued_s = json_int_at(issued, "expires_in", 0);
        int64_t life_s = issued_s < lifetime_s ? issued_s : lifetime_s; /* by the clock of the header Date */
        instant_format((virtual_clock_peek(auth->clock) / 1000000 + life_s) * 1000000, until);
        exchange_reply_json(exchange, 200,
                            json_pack("{s:O, s:s}", "accessToken", json_object_get(issued, "access_token"),
                                      "expireTime", until));
    }
}
