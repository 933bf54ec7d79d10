/* SPDX-License-Identifier: Apache-2.0 */
#include "comagic.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "internal.h"
#include "rest/exchange.h"

#define IDENTIFY_ROUNDS  4
#define IDENTIFY_WAIT_MS 200

static const struct brand {
    const char *name;
    const char *base_url;
} brands[] = {
    {"comagic", "https://dataapi.comagic.ru"},
    {"uis", "https://dataapi.uiscom.ru"},
};

static const struct rest_dialect dialect = {
    .name = "CoMagic",
    .auth_advice =
        "copy the key again from Account, User management; each brand has keys of its own, so check "
        "source.brand, too",
    .probe_path = "/",
    .format_advice = "is the base URL right?",
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
    .next_page = comagic_next_page,
};

/* Local times mean something else in another zone, so it belongs to whose data it is. */
static bool read_identity(struct comagic *comagic, const json_t *answer, const char *request_id,
                          struct source_identity *out, struct error *err)
{
    const json_t *data = json_at(answer, "result.data");
    const json_t *account = json_is_array(data) ? json_array_get(data, 0) : data;
    const char *name = json_text_at(account, "timezone");
    int64_t id = json_int_at(account, "app_id", 0);
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
    zone_free(comagic->zone);
    comagic->zone = zone;
    return (size > 0 && (size_t)size < sizeof out->workspace) ||
           error_set(err, ERROR_FORMAT, "the name of the CoMagic account's time zone is too long");
}

static bool identify_once(struct comagic *comagic, struct source_identity *out_identity, struct error *err)
{
    struct rest_source *rest = &comagic->rest;
    struct exchange exchange;
    char id[REST_ID];
    AUTO(json_drop) json_t *answer = NULL;
    AUTO(mem_free) char *url = mem_format("%s" COMAGIC_PATH, rest->base_url);
    AUTO(buf_done) struct buf body = buf_limited(1024);
    comagic_begin_request(comagic, "get.account", rest_next_id(rest, id), &body);
    buf_text(&body, "}}");
    exchange_init(&exchange, rest, "CoMagic get.account");
    exchange.is_probe = exchange.can_be_forbidden = true;
    bool good = exchange_send(&exchange,
                              &(struct exchange_request){
                                  .method = "POST", .url = url, .body = &body, .id = id, .retry = &retry_api},
                              err) &&
                exchange_wait(&exchange, &answer, err) &&
                read_identity(comagic, answer, exchange.request_id, out_identity, err);
    if (!good && err->kind == ERROR_FORBIDDEN) err->kind = ERROR_AUTH; /* no stream can be read without it */
    exchange_done(&exchange);
    return good;
}

/* It is the first call of all: one answer from a proxy between must not end the program. */
static bool identify(struct source *source, struct source_identity *out_identity, struct error *err)
{
    struct comagic *comagic = (struct comagic *)source;
    for (int round = 1;; round++) {
        if (identify_once(comagic, out_identity, err)) return true;
        bool may_be_spoiled = err->kind == ERROR_REFUSED || err->kind == ERROR_FORMAT;
        if (!may_be_spoiled || round == IDENTIFY_ROUNDS) return false;
        if (!clock_sleep_ms(IDENTIFY_WAIT_MS * round, comagic->rest.stop)) return false;
    }
}

static void free_source(struct source *source)
{
    struct comagic *comagic = (struct comagic *)source;
    rest_source_done(&comagic->rest);
    zone_free(comagic->zone);
    json_drop(&comagic->sites);
    free(comagic);
}

static const struct source_ops ops = {
    .identify = identify,
    .open = rest_source_open,
    .next = rest_source_next,
    .close = rest_source_close,
    .free = free_source,
};

static bool pick_base_url(const struct comagic_options *options, const char **out_url, struct error *err)
{
    const char *names[sizeof brands / sizeof *brands];
    const char *brand = options->brand ? options->brand : brands[0].name;
    *out_url = options->base_url;
    for (size_t i = 0; i < sizeof brands / sizeof *brands; i++) {
        names[i] = brands[i].name;
        if (!*out_url && strcmp(brand, brands[i].name) == 0) *out_url = brands[i].base_url;
    }
    if (*out_url) return true;
    const char *near = suggest_name(brand, names, sizeof names / sizeof *names);
    return error_set(err, ERROR_CONFIG, "source.brand is \"%.40s\": it must be comagic or uis%s%s", brand,
                     near ? "; you probably mean " : "", near ? near : "");
}

bool comagic_check(const void *settings, struct source_address *out_address, const char **out_key,
                   struct error *err)
{
    const struct comagic_options *options = settings;
    out_address->setting = options->base_url ? "source.base_url" : "source.brand";
    *out_key = "source.brand";
    if (!pick_base_url(options, &out_address->url, err)) return false;
    *out_key = "source.base_url";
    return rest_check_base_url(out_address->url, err);
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
            },
        .user_id = options->user_id,
    };
    *out_source = &comagic->rest.source;
    rest_source_init(&comagic->rest, address.url, options->rate_share);
    if (context->open_token(context->self, &options->token, &comagic->rest.token, err)) return true;
    (void)error_wrap(err, "source.token");
    free_source(*out_source);
    *out_source = NULL;
    return false;
}
