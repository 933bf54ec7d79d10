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

void link_open(struct link *link, int port, struct source_settings settings)
{
    struct error err = {0};
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    assert_int_equal(setenv("CASELOAD_TEST_TOKEN", LINK_TOKEN "\n", 1), 0);
    if (!token_from_env("CASELOAD_TEST_TOKEN", &link->token, &err) ||
        !http_new(&(struct http_settings){.user_agent = "caseload/test", .stop = settings.stop}, &link->http,
                  &err))
        fail_msg("%s", err.text);
    settings.base_url = url;
    settings.http = link->http;
    settings.token = link->token;
    if (settings.rate_share == 0) settings.rate_share = 0.8;
    if (!source_type_find("intercom")->create(&settings, &link->source, &err)) fail_msg("%s", err.text);
}

void link_close(struct link *link)
{
    if (link->source) link->source->ops->free(link->source);
    http_free(link->http);
    token_free(link->token);
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
