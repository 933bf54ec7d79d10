/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"

#define WHO           "the IAM Service Account Credentials API"
#define ACCOUNT       "projects/-/serviceAccounts/"
#define LIFE_S        3600
#define LEAST_LIFE_S  600
#define MOST_LIFE_S   43200
#define LIMIT_REQUEST 65536
#define QUOTE         300

struct impersonated {
    struct grant grant;
    struct http *http;
    struct token *source; /* proves who asks */
    char *path;
    char *url;
    struct buf body;
};

/* {"error": {"message": .., "status": ..}} */
static bool refused(const struct impersonated *impersonated, const struct http_reply *reply,
                    struct error *err)
{
    AUTO(json_drop) json_t *value = token_json(reply);
    char text[QUOTE];
    token_quote(json_text_at(value, "error.message"), text, sizeof text);
    return error_set_status(
        err, reply->status == 404 || reply->status == 400 ? ERROR_CONFIG : ERROR_AUTH, reply->status,
        WHO " issues no token for the account that %s names, with status %d (%s): check its "
            "service_account_impersonation_url and delegates, and grant roles/iam.serviceAccountTokenCreator "
            "(to a federated identity roles/iam.workloadIdentityUser) on that account to the one that asks",
        impersonated->path, reply->status, text[0] ? text : "no reason");
}

static bool impersonated_request_token(struct grant *grant, struct secret *out_token, int64_t *out_lifetime_s,
                                       struct error *err)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    struct impersonated *impersonated = (struct impersonated *)grant;
    AUTO(http_reply_done) struct http_reply reply = {0};
    const struct http_request request = {
        .method = "POST",
        .url = impersonated->url,
        .headers = headers,
        .token = impersonated->source,
        .body = buf_string(&impersonated->body),
        .body_size = impersonated->body.size,
        .reply_limit = TOKEN_REPLY_LIMIT,
        .timeout_s = TOKEN_TIMEOUT_S,
        .retry = &token_retry,
        .policy = &token_policy,
        .what = WHO,
    };
    if (!http_do(impersonated->http, &request, &reply, err)) return false;
    if (reply.status != 200) return refused(impersonated, &reply, err);
    return token_reply_until(&reply, WHO, out_token, out_lifetime_s, err);
}

static void impersonated_free(struct grant *grant)
{
    struct impersonated *impersonated = (struct impersonated *)grant;
    http_free(impersonated->http); /* before the token, which its calls borrow */
    token_free(impersonated->source);
    free(impersonated->path);
    free(impersonated->url);
    buf_done(&impersonated->body);
    free(impersonated);
}

/* Files name accounts alone, or as the API wants them. */
static bool add_delegates(json_t *body, const char *path, const json_t *delegates, struct error *err)
{
    json_t *names = json_array();
    for (size_t i = 0; i < json_array_size(delegates); i++) {
        const char *name = json_string_value(json_array_get(delegates, i));
        const char *account =
            name && strncmp(name, ACCOUNT, strlen(ACCOUNT)) == 0 ? name + strlen(ACCOUNT) : name;
        if (!account || !*account || strchr(account, '/')) {
            json_decref(names);
            return error_set(err, ERROR_CONFIG,
                             "%s has delegates that are not e-mail addresses of service accounts: correct "
                             "them",
                             path);
        }
        AUTO(mem_free) char *full = mem_format(ACCOUNT "%s", account);
        json_array_append_new(names, json_string(full));
    }
    if (json_array_size(names) > 0) json_object_set(body, "delegates", names);
    json_decref(names);
    return true;
}

static bool fill_body(struct impersonated *impersonated, const json_t *credentials, struct error *err)
{
    const json_t *delegates = json_object_get(credentials, "delegates");
    int64_t life_s = json_int_at(credentials, "service_account_impersonation.token_lifetime_seconds", LIFE_S);
    if (life_s < LEAST_LIFE_S || life_s > MOST_LIFE_S)
        return error_set(err, ERROR_CONFIG,
                         "%s has a token_lifetime_seconds of %" PRId64 ": write %d to %d, or remove it",
                         impersonated->path, life_s, LEAST_LIFE_S, MOST_LIFE_S);
    if (delegates && !json_is_array(delegates) && !json_is_null(delegates))
        return error_set(err, ERROR_CONFIG, "%s has delegates that are no list: correct them",
                         impersonated->path);
    AUTO(mem_free) char *life = mem_format("%" PRId64 "s", life_s);
    AUTO(json_drop) json_t *body = json_pack("{s:[s], s:s}", "scope", SCOPE_CLOUD_PLATFORM, "lifetime", life);
    if (!add_delegates(body, impersonated->path, delegates, err)) return false;
    buf_init(&impersonated->body, LIMIT_REQUEST);
    return json_write(&impersonated->body, body) ||
           error_set(err, ERROR_CONFIG, "%s has too many delegates: remove some", impersonated->path);
}

/* https://HOST/v1/projects/-/serviceAccounts/ACCOUNT:generateAccessToken */
static bool check_url(const struct google_settings *settings, const struct impersonated *impersonated,
                      struct error *err)
{
    static const char key[] = "service_account_impersonation_url", method[] = ":generateAccessToken";
    const char *url = impersonated->url, *account = strstr(url, "/v1/" ACCOUNT);
    size_t size = strlen(url), end = strlen(method);
    if (!google_url_check(url, "iamcredentials", settings->iamcredentials_url, impersonated->path, key, err))
        return false;
    account = account ? account + strlen("/v1/" ACCOUNT) : NULL;
    bool good = account && size > end && strcmp(url + size - end, method) == 0 &&
                account + strcspn(account, "/?#:") == url + size - end && account < url + size - end;
    return good || error_set(err, ERROR_CONFIG,
                             "%s has a %s that does not end in " ACCOUNT "ACCOUNT%s: download the file again",
                             impersonated->path, key, method);
}

static bool fill(struct impersonated *impersonated, const struct google_settings *settings,
                 const json_t *credentials, struct error *err)
{
    const char *url =
        google_member(credentials, "service_account_impersonation_url", impersonated->path, err);
    if (!url) return false;
    impersonated->url = mem_text(url);
    return check_url(settings, impersonated, err) && fill_body(impersonated, credentials, err) &&
           http_new(settings->http, &impersonated->http, err);
}

bool grant_impersonated_new(const struct google_settings *settings, const char *path,
                            const json_t *credentials, struct grant *source, struct grant **out_grant,
                            struct error *err)
{
    struct impersonated *impersonated = mem_zero(1, sizeof *impersonated);
    impersonated->grant =
        (struct grant){.request_token = impersonated_request_token, .free = impersonated_free};
    impersonated->path = mem_text(path);
    impersonated->source = token_cache_new(source, NULL);
    if (!fill(impersonated, settings, credentials, err)) {
        grant_free(&impersonated->grant);
        return false;
    }
    *out_grant = &impersonated->grant;
    return true;
}
