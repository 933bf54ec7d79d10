/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"

#define LIMIT_FORM ((size_t)8 * SECRET_LIMIT) /* two secrets, each byte escaped, and short fields */

void token_form_done(struct token_form *form)
{
    if (form->text) OPENSSL_cleanse(form->text, LIMIT_FORM);
    free(form->text);
    *form = (struct token_form){0};
}

void token_form_add(struct token_form *form, const char *name, const char *value)
{
    static const char hex[] = "0123456789ABCDEF";
    if (!form->text) form->text = mem_zero(LIMIT_FORM, 1);
    int written =
        snprintf(form->text + form->size, LIMIT_FORM - form->size, "%s%s=", form->size ? "&" : "", name);
    form->size += (size_t)written;
    for (; *value && form->size + 4 < LIMIT_FORM; value++) {
        unsigned char byte = (unsigned char)*value;
        bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                     (byte >= '0' && byte <= '9') || strchr("-._~", byte);
        if (!plain) {
            form->text[form->size++] = '%';
            form->text[form->size++] = hex[byte >> 4];
            byte = (unsigned char)hex[byte & 15];
        }
        form->text[form->size++] = (char)byte;
    }
}

bool token_form_post(struct http *http, const char *url, const struct token_form *form, const char *who,
                     struct http_reply *out_reply, struct error *err)
{
    static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
    const struct http_request request = {
        .method = "POST",
        .url = url,
        .headers = headers,
        .body = form->text,
        .body_size = form->size,
        .reply_limit = TOKEN_REPLY_LIMIT,
        .timeout_s = TOKEN_TIMEOUT_S,
        .retry = &token_retry,
        .policy = &token_policy,
        .what = who,
    };
    return http_do(http, &request, out_reply, err);
}
