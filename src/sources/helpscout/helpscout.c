/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "rest/exchange.h"
#include "rest/next_page.h"

#define BASE_URL      "https://api.helpscout.net"
#define MINUTE_S      60
#define EMBEDDED_MOST 1000 /* members; more are no record's, and stay where they are */

static const char *const hosts[] = {"api.helpscout.net", NULL};

static const struct rest_refusal refusals[] = {
    {401, NULL, ERROR_FORBIDDEN,
     "the token is good for other paths: give the user of the app this permission, or leave it out"},
    {401, NULL, ERROR_BUSY, "the token is good for other paths: look for a proxy between"},
    {402, NULL, ERROR_FORBIDDEN, "the account's plan does not include it: leave it out, or change the plan"},
    {403, NULL, ERROR_FORBIDDEN,
     "the account's plan or the role of the app's user does not include it: change them, or leave it out"},
    {0, NULL, ERROR_REFUSED, "a retry will not help: check the base URL, and look for a newer caseload"},
};

/* {"logRef", "message", "_embedded": {"errors": [{"path", "message"}]}}; what has no logRef, a gateway said.
 */
static void read_failure(const struct json_value *answer, struct rest_failure *out_failure)
{
    const struct json_value *first = value_elements(value_at(answer, "_embedded.errors"));
    const char *message = value_text_at(answer, "message"), *path = value_text_at(first, "path");
    const char *detail = value_text_at(first, "message");
    char text[sizeof out_failure->message];
    (void)snprintf(text, sizeof text, "%s: %s", path ? path : "details", detail ? detail : "none");
    exchange_quote(out_failure->message, sizeof out_failure->message, first ? text : message);
    if (value_text_at(answer, "logRef"))
        exchange_quote(out_failure->code, sizeof out_failure->code, message ? message : "error");
}

/* An error that comes with HTTP 200 may pass. */
static int real_status(const struct json_value *answer, int status)
{
    return value_get(answer, "logRef") ? 500 : status;
}

/* Embedded members belong to the record, and its links are made of its ids. */
static void lift(struct json_value *value)
{
    struct json_value *embedded = value_get(value, "_embedded"), *next;
    value_remove(value, "_links");
    if (value_is_object(embedded) && embedded->size > EMBEDDED_MOST) embedded = NULL;
    for (struct json_value *member = value_members(embedded); member; member = next) {
        next = member->next;
        if (!value_get(value, member->key)) value_move(value, embedded, member->key);
    }
    for (struct json_value *member = value_members(value); member; member = member->next) {
        if (value_is_object(member)) lift(member);
        for (struct json_value *element = value_elements(member); element; element = element->next)
            if (value_is_object(element)) lift(element);
    }
}

static void set_list(struct json_value *record, const char *name, const struct json_value *element)
{
    struct json_value *list = document_add(record->document, VALUE_ARRAY);
    value_append(list, element);
    value_set(record, name, list);
}

/* Lists of one address come as a text, too. */
static void prepare(const struct rest_source *source, const struct table *table, struct json_value *record)
{
    static const char *const lists[] = {"to", "cc", "bcc"};
    (void)source, (void)table; /* all come alike */
    lift(record);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct json_value *value = value_get(record, lists[i]);
        if (value_is_string(value)) set_list(record, lists[i], value);
    }
}

/* Whose data it is: the company's id, never its name. */
static bool read_identity(struct rest_source *source, const struct json_value *me, const char *request_id,
                          struct source_identity *out, struct error *err)
{
    (void)source;
    int64_t company = value_integer_at(me, "companyId", -1);
    if (company < 0)
        return error_set(
            err, ERROR_FORMAT,
            "Help Scout's answer to GET /v2/users/me names no account (companyId), request id %s; "
            "check the base URL",
            request_id);
    *out = (struct source_identity){.type = HELPSCOUT_NAME};
    (void)snprintf(out->workspace, sizeof out->workspace, "%" PRId64, company);
    return true;
}

static bool next_page(const struct page_context *context, struct next_page *out_next, struct error *err)
{
    int64_t pages = value_integer_at(context->answer, "page.totalPages", -1);
    *out_next = (struct next_page){0};
    if (pages < 0)
        return error_set(err, ERROR_FORMAT,
                         "%s: the answer does not say how many pages there are (page.totalPages)",
                         context->what);
    next_page_count(context, pages, out_next);
    return true;
}

/* A report is asked for a second more on each side. */
static bool is_exact(const struct rest_source *rest, const struct rest_stream *stream)
{
    (void)rest;
    return stream->pagination != &helpscout_report;
}

static const struct rest_dialect dialect = {
    .name = "Help Scout",
    .auth_advice = "check App ID and App Secret, and that the user who made the app is active",
    .probe_path = "/v2/users/me",
    .format_advice = "is the base URL right?",
    .hosts = hosts,
    .request_id_header = "correlation-id",
    .request_id_member = "logRef",
    .limit_header = "x-ratelimit-limit-minute",
    .remaining_header = "x-ratelimit-remaining-minute",
    .limit_window_s = MINUTE_S,
    .moved_header = "location",
    .window_s = MINUTE_S,
    .retry_after_header = "x-ratelimit-retry-after",
    .number_parameter = "page",
    .total_member = "page.totalElements",
    .empty_mark = "page",
    .prepare = prepare,
    .refusals = refusals,
    .read_failure = read_failure,
    .real_status = real_status,
    .error_mark = "\"logRef\"",
    .read_identity = read_identity,
    .next_page = next_page,
};

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

static bool open_client(const struct source_context *context, const struct helpscout_options *options,
                        struct rest_source *rest, struct error *err)
{
    AUTO(mem_free) char *token_url = mem_format("%s/v2/oauth2/token", rest->base_url);
    const struct client_setting client = {
        .service = dialect.name,
        .token_url = token_url,
        .client_id = options->client_id,
        .client_secret = &options->client_secret,
        .refresh_token = &options->refresh_token,
    };
    return context->open_client(context->self, &client, &rest->token, err);
}

bool helpscout_check(const void *settings, struct source_address *out_address, const char **out_key,
                     struct error *err)
{
    const struct helpscout_options *options = settings;
    out_address->url = options->base_url ? options->base_url : BASE_URL;
    out_address->setting = *out_key = "source.base_url";
    return rest_check_base_url(out_address->url, err);
}

bool helpscout_create(const struct source_context *context, const void *settings, struct source **out_source,
                      struct error *err)
{
    const struct helpscout_options *options = settings;
    const char *key;
    struct source_address address;
    if (!helpscout_check(options, &address, &key, err)) return false;
    struct rest_source *rest = mem_zero(1, sizeof *rest);
    *rest = (struct rest_source){
        .source = {.ops = &ops},
        .dialect = &dialect,
        .http = context->http,
        .progress = context->progress,
        .stop = context->stop,
        .zone = context->zone,
        .is_exact = is_exact,
    };
    *out_source = &rest->source;
    rest_source_init(rest, address.url, options->rate_share, context->first);
    if (context->first || open_client(context, options, rest, err)) return true;
    rest_source_free(*out_source);
    *out_source = NULL;
    return false;
}
