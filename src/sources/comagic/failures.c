/* SPDX-License-Identifier: Apache-2.0 */
/* failures.c - what errors mean. They come with HTTP 200; codes repeat, so the mnemonic decides. */
#include <string.h>

#include "internal.h"
#include "rest/exchange.h"

/* As a service would answer that uses HTTP for it. Other mnemonics: 400, or 500 with the code of an internal
 * error. */
static const struct {
    const char *mnemonic;
    int status;
} statuses[] = {
    {"access_token_expired", 401},
    {"access_token_blocked", 401},
    {"access_token_invalid", 401},
    {"auth_error", 401},
    {"ip_not_whitelisted", 403},
    {"forbidden", 403},
    {"method_component_disabled", 403},
    {"account_inactive", 403},
    {"method_not_found", 404},
    {"limit_exceeded", 429},
    {"internal_error", 500},
};

#define INTERNAL_ERROR (-32603)
#define DAY_LIMIT      402 /* no wait is long enough: such an answer is not asked for again */

const struct rest_refusal comagic_refusals[] = {
    {0, "ip_not_whitelisted", ERROR_CONFIG,
     "let an administrator of the account add this address: Account, Security rules, tab API"},
    {0, "account_inactive", ERROR_CONFIG, "the account is switched off: ask its administrator"},
    {0, "forbidden", ERROR_FORBIDDEN, "give the user of this key the right to it, or leave the stream out"},
    {0, "method_component_disabled", ERROR_FORBIDDEN,
     "the account's tariff or the user of this key lacks this part of the Data API: add it, or leave the "
     "stream out"},
    {0, "method_not_found", ERROR_FORBIDDEN, "the service does not have it (any more): leave the stream out"},
    {DAY_LIMIT, NULL, ERROR_BUSY,
     "the account's requests of this day are used up: the message comes again, or extend the limit with the "
     "tariff"},
    {0, NULL, ERROR_REFUSED, "a retry will not help: report it with this id"},
};

void comagic_read_failure(const struct json_value *answer, struct rest_failure *out_failure)
{
    const struct json_value *error = value_get(answer, "error"), *data = value_get(error, "data");
    const char *field = value_text_at(data, "field"), *value = value_text_at(data, "value");
    exchange_quote(out_failure->code, sizeof out_failure->code, value_text_at(data, "mnemonic"));
    exchange_quote(out_failure->message, sizeof out_failure->message, value_text_at(error, "message"));
    /* "fields" with the name as the value, or the name itself: the documentation does not say which. */
    bool is_list = value && (!field || strncmp(field, "fields", 6) == 0);
    exchange_quote(out_failure->subject, sizeof out_failure->subject, is_list ? value : field);
}

int comagic_real_status(const struct json_value *answer, int status)
{
    const struct json_value *error = value_get(answer, "error");
    const char *mnemonic = value_text_at(error, "data.mnemonic"),
               *limit = value_text_at(error, "data.params.limit_type");
    if (!value_is_object(error)) return status;
    if (limit && strcmp(limit, "day") == 0) return DAY_LIMIT;
    for (size_t i = 0; mnemonic && i < sizeof statuses / sizeof *statuses; i++)
        if (strcmp(mnemonic, statuses[i].mnemonic) == 0) return statuses[i].status;
    return !mnemonic || value_integer_at(error, "code", 0) == INTERNAL_ERROR ? 500 : 400;
}

void comagic_read_limits(const struct json_value *answer, struct rate_report *rate,
                         struct rest_quota *out_quota)
{
    static const char *const places[] = {"result.metadata.limits", "result.meta_data.limits",
                                         "error.data.metadata.limits"};
    const struct json_value *limits = NULL;
    for (size_t i = 0; !limits && i < sizeof places / sizeof *places; i++)
        limits = value_at(answer, places[i]);
    rate->limit = value_integer_at(limits, "minute_limit", -1);
    rate->remaining = value_integer_at(limits, "minute_remaining", -1);
    rate->reset_s = value_integer_at(limits, "minute_reset", -1);
    *out_quota = (struct rest_quota){.limit = value_integer_at(limits, "day_limit", 0),
                                     .remaining = value_integer_at(limits, "day_remaining", 0),
                                     .reset_s = value_integer_at(limits, "day_reset", 0)};
    if (out_quota->reset_s < 0 || out_quota->reset_s > 86400) out_quota->limit = 0; /* no day is longer */
    if (out_quota->limit >= INT32_MAX) out_quota->limit = 0;
}
