/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "internal.h"

#define LONGEST_LIFE_S (24 * 3600)

const struct retry token_retry = {.base_ms = 1000, .cap_ms = 4000, .attempts = 4, .budget_ms = 30000};

const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
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

bool token_reply(struct http_reply *reply, const char *who, struct secret *out_token, int64_t *out_lifetime_s,
                 struct error *err)
{
    AUTO(json_drop) json_t *value = token_json(reply);
    const char *token = json_text_at(value, "access_token");
    *out_lifetime_s = json_int_at(value, "expires_in", 0);
    bool good = token && *token && *out_lifetime_s > 0;
    if (*out_lifetime_s > LONGEST_LIFE_S) *out_lifetime_s = LONGEST_LIFE_S;
    if (!good)
        (void)error_set(err, ERROR_FORMAT,
                        "%s answered %d without access_token and expires_in: check its address", who,
                        reply->status);
    else
        good = secret_set(out_token, token, strlen(token), err) && token_check(out_token, who, err);
    token_wipe(token);
    if (reply->body.data) OPENSSL_cleanse(reply->body.data, reply->body.size);
    return good;
}
