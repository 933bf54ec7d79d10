/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/day.h"
#include "base/json.h"
#include "internal.h"

#define LONGEST_LIFE_S (7 * 24 * 3600)

const struct retry token_retry = {.base_ms = 1000, .cap_ms = 4000, .attempts = 4, .budget_ms = 30000};

const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

int64_t real_time_s(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) abort(); /* every kernel has this clock */
    return now.tv_sec;
}

static enum http_verdict judge(void *self, const struct http_reply *reply, int64_t *out_least_ms)
{
    (void)self;
    *out_least_ms = http_retry_after_ms(reply);
    if (reply->status == 401) return HTTP_RENEW;
    return reply->status == 408 || reply->status == 429 || reply->status >= 500 ? HTTP_RETRY : HTTP_DONE;
}

const struct http_policy token_policy = {.judge = judge};

void token_wipe(const char *text)
{
    if (text) OPENSSL_cleanse((char *)(uintptr_t)text, strlen(text));
}

bool token_is_same(const struct secret *one, const struct secret *other)
{
    return one->size == other->size &&
           CRYPTO_memcmp(secret_reveal(one), secret_reveal(other), one->size) == 0;
}

void token_quote(const char *text, char *out_text, size_t size)
{
    size_t length = 0;
    for (; text && *text && length + 1 < size; text++)
        out_text[length++] = *text < ' ' || *text > '~' ? '?' : *text;
    out_text[length] = '\0';
}

/* A token becomes a header line, so nothing that ends a line or a word may be in it. */
bool token_check(const struct secret *secret, const char *where, struct error *err)
{
    const char *text = secret_reveal(secret);
    for (size_t i = 0; i < secret->size; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return error_set(
                err, ERROR_CONFIG,
                "the token in %s has a blank or a special character at byte %zu: put the access token "
                "alone there",
                where, i + 1);
    return true;
}

json_t *token_json(const struct http_reply *reply)
{
    json_t *value = NULL;
    struct error ignored; /* its text would quote the reply */
    return json_read(buf_string(&reply->body), reply->body.size, NULL, &value, &ignored) ? value : NULL;
}

/* Takes the token out of the reply, and wipes both. */
static bool take_token(struct http_reply *reply, const char *who, const char *token,
                       int64_t *inout_lifetime_s, struct secret *out_token, struct error *err)
{
    bool good = token && *token && *inout_lifetime_s > 0;
    if (*inout_lifetime_s > LONGEST_LIFE_S) *inout_lifetime_s = LONGEST_LIFE_S;
    if (!good)
        (void)error_set(err, ERROR_FORMAT,
                        "%s answered %d without a token and the time until which it is valid: check its "
                        "address",
                        who, reply->status);
    else
        good = secret_set(out_token, token, strlen(token), err) && token_check(out_token, who, err);
    token_wipe(token);
    if (reply->body.data) OPENSSL_cleanse(reply->body.data, reply->body.size);
    return good;
}

bool token_reply(struct http_reply *reply, const char *who, struct secret *out_token, int64_t *out_lifetime_s,
                 struct error *err)
{
    AUTO(json_drop) json_t *value = token_json(reply);
    *out_lifetime_s = json_int_at(value, "expires_in", 0);
    return take_token(reply, who, json_text_at(value, "access_token"), out_lifetime_s, out_token, err);
}

bool token_reply_until(struct http_reply *reply, const char *who, struct secret *out_token,
                       int64_t *out_lifetime_s, struct error *err)
{
    AUTO(json_drop) json_t *value = token_json(reply);
    const char *until = json_text_at(value, "expireTime");
    int64_t until_us = 0;
    *out_lifetime_s = 0;
    if (until && instant_parse(until, strlen(until), &until_us))
        *out_lifetime_s = until_us / 1000000 - http_date_s(reply, real_time_s());
    return take_token(reply, who, json_text_at(value, "accessToken"), out_lifetime_s, out_token, err);
}
