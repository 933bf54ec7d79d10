/* SPDX-License-Identifier: Apache-2.0 */
#include "intercom.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"
#include "rest/exchange.h"

#define DEFAULT_MINOR 16

static const struct region {
    const char *name;
    const char *base_url;
} regions[] = {
    {"us", "https://api.intercom.io"},
    {"eu", "https://api.eu.intercom.io"},
    {"au", "https://api.au.intercom.io"},
};

static const char *const hosts[] = {"api.intercom.io", "api.eu.intercom.io", "api.au.intercom.io", NULL};

static const struct rest_refusal refusals[] = {
    {401, NULL, ERROR_FORBIDDEN,
     "the token is good for other paths: give the app this permission in the Developer Hub, or leave it "
     "out"},
    {401, NULL, ERROR_BUSY, "the token is good for other paths: look for a proxy between"},
    {400, "intercom_version_invalid", ERROR_FORBIDDEN,
     "this version of the API does not have it: set a newer api_version, or leave it out"},
    {402, NULL, ERROR_FORBIDDEN,
     "the workspace's plan does not include it: leave it out, or change the plan"},
    {403, NULL, ERROR_FORBIDDEN,
     "plan or token do not include it: give the app this permission in the Developer Hub, or leave it out"},
    {0, NULL, ERROR_REFUSED, "a retry will not help: check the version, the region and the base URL"},
};

static void read_failure(const struct json_value *answer, struct rest_failure *out_failure)
{
    const struct json_value *first = value_elements(value_get(answer, "errors"));
    exchange_quote(out_failure->code, sizeof out_failure->code, value_text_at(first, "code"));
    exchange_quote(out_failure->message, sizeof out_failure->message, value_text_at(first, "message"));
}

/* An error that comes with HTTP 200 may pass. */
static int real_status(const struct json_value *answer, int status)
{
    struct rest_failure failure;
    const char *type = value_text_at(answer, "type");
    bool has_errors = value_count(value_get(answer, "errors")) > 0;
    if (type ? strcmp(type, "error.list") != 0 : !has_errors) return status;
    read_failure(answer, &failure);
    return strcmp(failure.code, "rate_limit_exceeded") == 0 ? 429 : 500;
}

static bool is_stale_cursor(int status, const struct rest_failure *failure)
{
    return status == 400 &&
           (strstr(failure->message, "starting_after") || strstr(failure->message, "cursor"));
}

/* Whose data it is: the workspace's own id, never the name a person gave it. */
static bool read_identity(struct rest_source *source, const struct json_value *me, const char *request_id,
                          struct source_identity *out, struct error *err)
{
    const struct intercom *intercom = (const struct intercom *)source;
    const char *workspace = value_text_at(me, "app.id_code");
    size_t size = workspace ? strlen(workspace) : 0;
    if (size == 0 || size >= sizeof out->workspace)
        return error_set(
            err, ERROR_FORMAT,
            "Intercom's answer to GET /me names no workspace (app.id_code), request id %s; check the base "
            "URL and the version",
            request_id);
    *out = (struct source_identity){.type = INTERCOM_NAME};
    memcpy(out->workspace, workspace, size + 1);
    exchange_quote(out->name, sizeof out->name, value_text_at(me, "app.name"));
    (void)snprintf(out->terms, sizeof out->terms, "%s, API 2.%d", intercom->place, intercom->minor);
    return true;
}

static const struct rest_dialect dialect = {
    .name = "Intercom",
    .auth_advice = "copy it again from the Developer Hub, and check that it belongs to the configured region",
    .probe_path = "/me",
    .format_advice = "is the API version right?",
    .hosts = hosts,
    .request_id_header = "x-request-id",
    .request_id_member = "request_id",
    .limit_header = "x-ratelimit-limit",
    .limit_window_s = 10,
    .remaining_header = "x-ratelimit-remaining",
    .reset_header = "x-ratelimit-reset",
    .size_parameter = "per_page",
    .number_parameter = "page",
    .cursor_parameter = "starting_after",
    .total_member = "total_count",
    .fallback_member = "data",
    .cut_elements = "data",
    .cut_url = "url",
    .cut_mark = "has_more",
    .cut_page = 50,
    .reference_members = (const char *const[]){"type", "id", "url", NULL},
    .refusals = refusals,
    .read_failure = read_failure,
    .real_status = real_status,
    .error_mark = "\"errors\"",
    .is_stale_cursor = is_stale_cursor,
    .read_identity = read_identity,
    .next_page = intercom_next_page,
};

/* The versions of the API differ in what they have. */
static bool check_stream(const struct rest_source *rest, const struct rest_stream *base, bool with_child_list,
                         struct error *err)
{
    const struct intercom *intercom = (const struct intercom *)rest;
    const struct intercom_stream *stream = (const struct intercom_stream *)base;
    if (with_child_list && intercom->minor < stream->child_list_since)
        return error_set(
            err, ERROR_FORBIDDEN,
            "Intercom's API has %s from version 2.%d on, and 2.%d is configured: set a newer api_version, "
            "or leave %s out of the streams",
            base->child_lists->table->name, stream->child_list_since, intercom->minor,
            base->child_lists->table->name);
    if (intercom->minor < stream->since && !stream->older_path)
        return error_set(
            err, ERROR_FORBIDDEN,
            "Intercom %s: the API has it from version 2.%d on, and source.api_version is 2.%d; set a "
            "newer one, or leave the stream out",
            base->stream.name, stream->since, intercom->minor);
    if (base->is_typed && rest->type_count == 0)
        return error_set(err, ERROR_CONFIG,
                         "%s: there is no list of all types; name those to load in source.custom_objects, "
                         "or leave the stream out",
                         base->stream.name);
    return true;
}

static bool is_exact(const struct rest_source *rest, const struct rest_stream *base)
{
    const struct intercom_stream *stream = (const struct intercom_stream *)base;
    if (base->order == ORDER_NEWEST_FIRST) return false; /* its path has no window */
    return stream->bounds != BOUNDS_DAYS_2_16 || ((const struct intercom *)rest)->minor > 16;
}

static const struct source_ops ops = {
    .identify = rest_source_identify,
    .open = rest_source_open,
    .count = rest_source_count,
    .can_read_child = rest_source_can_read_child,
    .ask = rest_source_ask,
    .next = rest_source_next,
    .close = rest_source_close,
    .rate = rest_source_rate,
    .share = rest_source_share,
    .free = rest_source_free,
};

static struct source_address pick_address(const struct intercom_options *options)
{
    struct source_address address = {.url = options->base_url, .setting = "source.base_url"};
    for (size_t i = 0; !address.url && i < sizeof regions / sizeof *regions; i++)
        if (!options->region || strcmp(options->region, regions[i].name) == 0)
            address = (struct source_address){.url = regions[i].base_url, .setting = "source.region"};
    return address;
}

/* "2.16" is 16. Other versions may send other data. */
static int pick_version(const char *version)
{
    int minor = DEFAULT_MINOR;
    return version && sscanf(version, "2.%d", &minor) == 1 ? minor : DEFAULT_MINOR;
}

/* Each becomes part of a path. */
static bool check_types(const struct intercom_options *options, struct error *err)
{
    for (size_t i = 0; i < options->custom_objects.count; i++) {
        const char *type = options->custom_objects.names[i];
        if (!*type || strlen(type) >= LIMIT_NAME || strcmp(type, ".") == 0 || strcmp(type, "..") == 0)
            return error_set(
                err, ERROR_CONFIG,
                "source.custom_objects: \"%.40s\" is no type identifier; copy them from Intercom's "
                "settings",
                type);
    }
    return true;
}

bool intercom_check(const void *settings, struct source_address *out_address, const char **out_key,
                    struct error *err)
{
    const struct intercom_options *options = settings;
    *out_address = pick_address(options);
    *out_key = "source.custom_objects";
    if (!check_types(options, err)) return false;
    *out_key = "source.base_url";
    return rest_check_base_url(out_address->url, err);
}

bool intercom_create(const struct source_context *context, const void *settings, struct source **out_source,
                     struct error *err)
{
    const struct intercom_options *options = settings;
    const char *key;
    struct source_address address;
    const int minor = pick_version(options->api_version);
    const bool is_html = options->bodies && strcmp(options->bodies, "html") == 0;
    if (!intercom_check(options, &address, &key, err)) return false;
    struct intercom *intercom = mem_zero(1, sizeof *intercom);
    *intercom = (struct intercom){
        .rest =
            {
                .source = {.ops = &ops},
                .dialect = &dialect,
                .http = context->http,
                .progress = context->progress,
                .stop = context->stop,
                .header = intercom->version_line,
                .detail_query = is_html ? NULL : "?display_as=plaintext",
                .types = (const char *const *)options->custom_objects.names,
                .type_count = options->custom_objects.count,
                .check_stream = check_stream,
                .is_exact = is_exact,
            },
        .minor = minor,
        .place = options->base_url ? "another address"
                 : options->region ? options->region
                                   : regions[0].name,
    };
    (void)snprintf(intercom->version_line, sizeof intercom->version_line, "Intercom-Version: 2.%d", minor);
    *out_source = &intercom->rest.source;
    rest_source_init(&intercom->rest, address.url, options->rate_share, context->first);
    if (context->first || context->open_token(context->self, &options->token, &intercom->rest.token, err))
        return true;
    (void)error_wrap(err, "source.token");
    rest_source_free(*out_source);
    *out_source = NULL;
    return false;
}
