/* SPDX-License-Identifier: Apache-2.0 */
#include "intercom_link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/source.h"
#include "credentials/credentials.h"
#include "net/http.h"

bool link_open_token(void *self, const struct token_setting *setting, struct token **out_token,
                     struct error *err)
{
    (void)self;
    return token_from_env(setting->name, out_token, err);
}

void link_open(struct link *link, int port, struct source_context context, struct intercom_options options)
{
    struct error err = {0};
    char url[64];
    static char token_name[] = "CASELOAD_TEST_TOKEN";
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    assert_int_equal(setenv(token_name, LINK_TOKEN "\n", 1), 0);
    if (!http_new(&(struct http_settings){.user_agent = "caseload/test", .stop = context.stop}, &link->http,
                  &err))
        fail_msg("%s", err.text);
    context.http = link->http;
    context.open_token = link_open_token;
    options.base_url = url;
    options.token = (struct token_setting){.origin = TOKEN_ENV, .name = token_name};
    if (options.rate_share == 0) options.rate_share = 0.8;
    link->options = options;
    if (!intercom_type.create(&context, &link->options, &link->source, &err)) fail_msg("%s", err.text);
}

void link_close(struct link *link)
{
    if (link->source) link->source->ops->free(link->source);
    http_free(link->http);
    *link = (struct link){.http = NULL};
}

const struct stream *stream_of(const char *name)
{
    const struct source_type *type = source_type_find("intercom");
    size_t i = 0;
    while (i < type->stream_count && strcmp(type->streams[i]->name, name) != 0)
        i++;
    assert_true(i < type->stream_count);
    return type->streams[i];
}
