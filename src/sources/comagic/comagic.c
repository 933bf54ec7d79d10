/* SPDX-License-Identifier: Apache-2.0 */
#include "comagic.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"

#define MINUTE_S 60

static const struct brand {
    const char *name;
    const char *base_url;
} brands[] = {
    {"comagic", "https://dataapi.comagic.ru"},
    {"uis", "https://dataapi.uiscom.ru"},
};

/* Local times mean something else in another zone, so it belongs to whose data it is. */
static bool read_identity(struct rest_source *source, const struct json_value *answer, const char *request_id,
                          struct source_identity *out, struct error *err)
{
    struct comagic *comagic = (struct comagic *)source;
    const struct json_value *data = value_at(answer, "result.data");
    const struct json_value *account = value_is_array(data) ? value_elements(data) : data;
    const char *name = value_text_at(account, "timezone");
    int64_t id = value_integer_at(account, "app_id", 0);
    struct zone *zone = NULL;
    if (id <= 0 || !name)
        return error_set(
            err, ERROR_FORMAT,
            "CoMagic's answer to get.account names no account (app_id) or no time zone (timezone), "
            "request id %s; without them times can't be read: check the base URL",
            request_id);
    if (comagic->rest.clock_s <= 0)
        return error_set(
            err, ERROR_FORMAT,
            "CoMagic's answer to get.account has no header Date, request id %s; look for a proxy that "
            "drops it",
            request_id);
    if (!zone_load(name, &zone, err))
        return error_wrap(err, "the time zone of the CoMagic account; install the newest tzdata");
    *out = (struct source_identity){.type = COMAGIC_NAME};
    int size = snprintf(out->workspace, sizeof out->workspace, "%" PRId64 " %s", id, name);
    zone_free(comagic->own_zone);
    comagic->own_zone = zone;
    comagic->rest.zone = zone; /* its days are the service's */
    return (size > 0 && (size_t)size < sizeof out->workspace) ||
           error_set(err, ERROR_FORMAT, "the name of the CoMagic account's time zone is too long");
}

static void write_probe(const struct rest_source *source, const char *id, struct buf *body)
{
    comagic_begin_request((const struct comagic *)source, "get.account", id, body);
    buf_text(body, "}}");
}

static const struct rest_dialect dialect = {
    .name = "CoMagic",
    .auth_advice =
        "copy the key again from Account, User management; each brand has keys of its own, so check "
        "source.brand, too",
    .probe_path = COMAGIC_PATH,
    .format_advice = "is the base URL right?",
    .limit_window_s = MINUTE_S,
    .request_id_member = "id",
    .is_reset_delay = true,
    .is_token_in_body = true,
    .echo_member = "id",
    .total_member = "result.metadata.total_items",
    .fallback_member = "result",
    .refusals = comagic_refusals,
    .read_failure = comagic_read_failure,
    .real_status = comagic_real_status,
    .error_mark = "\"error\"",
    .read_limits = comagic_read_limits,
    .mend_request = comagic_mend_request,
    .prepare = comagic_prepare,
    .read_identity = read_identity,
    .write_probe = write_probe,
    .next_page = comagic_next_page,
};

static void free_source(struct source *source)
{
    struct comagic *comagic = (struct comagic *)source;
    zone_free(comagic->own_zone);
    comagic_free_sites(comagic);
    rest_source_done(&comagic->rest);
    free(comagic);
}

static void share(struct source *source, struct source *base)
{
    struct comagic *first = (struct comagic *)source, *other = (struct comagic *)base;
    rest_source_share(source, base);
    other->rest.zone = first->rest.zone;
    first->is_deprecated = other->is_deprecated = first->is_deprecated || other->is_deprecated;
    for (size_t i = 0; i < other->unwanted_count; i++)
        comagic_leave_out(first, other->unwanted[i]);
    for (size_t i = 0; i < first->unwanted_count; i++)
        comagic_leave_out(other, first->unwanted[i]);
}

static const struct source_ops ops = {
    .identify = rest_source_identify,
    .open = rest_source_open,
    .count = rest_source_count,
    .next = rest_source_next,
    .close = rest_source_close,
    .rate = rest_source_rate,
    .share = share,
    .free = free_source,
};

static struct source_address pick_address(const struct comagic_options *options)
{
    struct source_address address = {.url = options->base_url, .setting = "source.base_url"};
    const char *brand = options->brand ? options->brand : brands[0].name;
    for (size_t i = 0; !address.url && i < sizeof brands / sizeof *brands; i++)
        if (strcmp(brand, brands[i].name) == 0)
            address = (struct source_address){.url = brands[i].base_url, .setting = "source.brand"};
    return address;
}

bool comagic_check(const void *settings, struct source_address *out_address, const char **out_key,
                   struct error *err)
{
    *out_address = pick_address(settings);
    *out_key = "source.base_url";
    return rest_check_base_url(out_address->url, err);
}

/* A key, or by the password a session. */
static bool open_token(struct comagic *comagic, const struct source_context *context,
                       const struct comagic_options *options, struct error *err)
{
    struct token *token;
    if (!context->open_token(context->self, &options->token, &token, err))
        return error_wrap(err, "source.token");
    comagic->rest.token = token;
    if (!options->login) return true;
    comagic->rest.token = NULL;
    struct token_login *login;
    if (!session_open(&(struct session_settings){.base_url = comagic->rest.base_url,
                                                 .login = options->login,
                                                 .password = token,
                                                 .http = context->http_settings},
                      &login, err))
        return false;
    comagic->rest.token = context->open_login(login);
    return true;
}

bool comagic_create(const struct source_context *context, const void *settings, struct source **out_source,
                    struct error *err)
{
    const struct comagic_options *options = settings;
    const char *key;
    struct source_address address;
    if (!comagic_check(options, &address, &key, err)) return false;
    struct comagic *comagic = mem_zero(1, sizeof *comagic);
    *comagic = (struct comagic){
        .rest =
            {
                .source = {.ops = &ops},
                .dialect = &dialect,
                .http = context->http,
                .progress = context->progress,
                .stop = context->stop,
                .check_stream = comagic_check_stream,
            },
        .user_id = options->user_id,
    };
    *out_source = &comagic->rest.source;
    rest_source_init(&comagic->rest, address.url, options->rate_share, context->first);
    if (context->first || open_token(comagic, context, options, err)) return true;
    free_source(*out_source);
    *out_source = NULL;
    return false;
}
