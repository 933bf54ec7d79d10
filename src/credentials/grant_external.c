/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"

#define WHO            "Google's Security Token Service"
#define STS_URL        "https://sts.googleapis.com/v1/token"
#define WORKFORCE      "//iam.googleapis.com/locations/"
#define WORKFORCE_POOL "/workforcePools/"
#define TOKEN_EXCHANGE "urn:ietf:params:oauth:grant-type:token-exchange"
#define ACCESS_TOKEN   "urn:ietf:params:oauth:token-type:access_token"
#define LIMIT_AUDIENCE 1024
#define QUOTE          300

struct external {
    struct grant grant;
    struct http *http;
    struct subject_token *subject;
    char *path;
    char *token_url;
    char *audience;
    char *subject_token_type;
    char *options; /* as the form wants them; NULL: none */
};

/* {"error": "invalid_grant", "error_description": ..} */
static bool refused(const struct external *external, const struct http_reply *reply, struct error *err)
{
    AUTO(json_drop) json_t *value = token_json(reply);
    char code[64], text[QUOTE];
    token_quote(json_text_at(value, "error"), code, sizeof code);
    token_quote(json_text_at(value, "error_description"), text, sizeof text);
    return error_set_status(
        err, ERROR_AUTH, reply->status,
        WHO " refuses the subject token of %s with status %d (%s: %s): check the audience, that the provider "
            "takes the token's issuer and audience, and that whatever writes the token renews it",
        external->path, reply->status, code[0] ? code : "no reason", text);
}

static bool external_request_token(struct grant *grant, struct secret *out_token, int64_t *out_lifetime_s,
                                   struct error *err)
{
    struct external *external = (struct external *)grant;
    AUTO(secret_done) struct secret subject = {0};
    AUTO(token_form_done) struct token_form form = {0};
    AUTO(http_reply_done) struct http_reply reply = {0};
    if (!subject_token_read(external->subject, &subject, err)) return false;
    token_form_add(&form, "grant_type", TOKEN_EXCHANGE);
    token_form_add(&form, "audience", external->audience);
    token_form_add(&form, "scope", SCOPE_CLOUD_PLATFORM);
    token_form_add(&form, "requested_token_type", ACCESS_TOKEN);
    token_form_add(&form, "subject_token_type", external->subject_token_type);
    if (external->options) token_form_add(&form, "options", external->options);
    token_form_add(&form, "subject_token", secret_reveal(&subject));
    if (!token_form_post(external->http, external->token_url, &form, WHO, &reply, err)) return false;
    if (reply.status != 200) return refused(external, &reply, err);
    return token_reply(&reply, WHO, out_token, out_lifetime_s, err);
}

static void external_free(struct grant *grant)
{
    struct external *external = (struct external *)grant;
    http_free(external->http);
    subject_token_free(external->subject);
    free(external->path);
    free(external->token_url);
    free(external->audience);
    free(external->subject_token_type);
    free(external->options);
    free(external);
}

/* Users of a workforce pool have no project of their own. */
static bool read_options(struct external *external, const json_t *credentials, struct error *err)
{
    const char *project = json_text_at(credentials, "workforce_pool_user_project");
    bool is_workforce = strncmp(external->audience, WORKFORCE, strlen(WORKFORCE)) == 0 &&
                        strstr(external->audience, WORKFORCE_POOL);
    if (!project || !*project) return true;
    if (!is_workforce)
        return error_set(
            err, ERROR_CONFIG,
            "%s has a workforce_pool_user_project, but its audience is no workforce pool: remove "
            "one of them",
            external->path);
    AUTO(buf_done) struct buf text = buf_limited(LIMIT_AUDIENCE);
    AUTO(json_drop) json_t *options = json_pack("{s:s}", "userProject", project);
    if (!json_write(&text, options))
        return error_set(err, ERROR_CONFIG, "%s has a workforce_pool_user_project that is no project",
                         external->path);
    external->options = mem_text(buf_string(&text));
    return true;
}

static bool check_kind(const struct external *external, const json_t *credentials, struct error *err)
{
    const char *universe = json_text_at(credentials, "universe_domain");
    if (universe && *universe && strcmp(universe, "googleapis.com") != 0)
        return error_set(
            err, ERROR_CONFIG,
            "%s is for another universe than googleapis.com, which is not supported for identity "
            "federation: use a service account's key",
            external->path);
    if (json_text_at(credentials, "client_id"))
        return error_set(err, ERROR_CONFIG,
                         "%s has a client_id for the token exchange, which is not supported: create the file "
                         "without an OAuth client, with workforce_pool_user_project for a workforce pool",
                         external->path);
    return true;
}

static bool fill(struct external *external, const struct google_settings *settings, json_t *credentials,
                 struct error *err)
{
    const char *url = json_text_at(credentials, "token_url");
    const char *audience = google_member(credentials, "audience", external->path, err);
    const char *type =
        audience ? google_member(credentials, "subject_token_type", external->path, err) : NULL;
    if (!type || !check_kind(external, credentials, err)) return false;
    if (strlen(audience) > LIMIT_AUDIENCE || strlen(type) > LIMIT_AUDIENCE)
        return error_set(err, ERROR_CONFIG,
                         "%s has an audience or subject_token_type of more than %d bytes: download it again",
                         external->path, LIMIT_AUDIENCE);
    external->token_url = mem_text(url && *url ? url : STS_URL);
    external->audience = mem_text(audience);
    external->subject_token_type = mem_text(type);
    return google_url_check(external->token_url, "sts", settings->sts_url, external->path, "token_url",
                            err) &&
           read_options(external, credentials, err) &&
           subject_token_new(settings, external->path, json_object_get(credentials, "credential_source"),
                             &external->subject, err) &&
           http_new(settings->http, &external->http, err);
}

bool grant_external_new(const struct google_settings *settings, const char *path, json_t *credentials,
                        struct grant **out_grant, struct error *err)
{
    struct external *external = mem_zero(1, sizeof *external);
    external->grant = (struct grant){.request_token = external_request_token, .free = external_free};
    external->path = mem_text(path);
    if (!fill(external, settings, credentials, err)) {
        grant_free(&external->grant);
        return false;
    }
    if (json_text_at(credentials, "service_account_impersonation_url"))
        return grant_impersonated_new(settings, path, credentials, &external->grant, out_grant, err);
    *out_grant = &external->grant;
    return true;
}
