/* SPDX-License-Identifier: Apache-2.0 */
#include "channel.h"

#include <string.h>

#include "net/http.h"

#define ROUTING_LIMIT 8192
#define NAME_LIMIT    512

bool channel_open(const struct pubsub_settings *settings, struct rpc **out_rpc, struct error *err)
{
    const struct rpc_settings channel = {.target = settings->target,
                                         .plaintext = settings->plaintext,
                                         .token = settings->token,
                                         .ca_file = settings->ca_file,
                                         .user_agent = settings->user_agent,
                                         .trace = settings->trace,
                                         .trace_self = settings->trace_self};
    return rpc_new(&channel, out_rpc, err);
}

char *channel_routing(const char *field, const char *name)
{
    AUTO(buf_done) struct buf routing = buf_limited(ROUTING_LIMIT);
    (void)buf_format(&routing, "%s=", field);
    http_escape(&routing, name);
    return buf_take(&routing, NULL);
}

/* projects/P/subscriptions/S, printable and without spaces; P may be example.com:acme. */
static bool is_subscription(const char *name)
{
    static const char middle[] = "/subscriptions/";
    size_t length = strnlen(name, NAME_LIMIT + 1);
    const char *at = strstr(name, middle);
    if (length > NAME_LIMIT || strncmp(name, "projects/", 9) != 0 || !at || at == name + 9) return false;
    for (size_t i = 0; i < length; i++)
        if (name[i] <= ' ' || name[i] > '~') return false;
    const char *id = at + sizeof middle - 1;
    return *id != '\0' && !strchr(id, '/') && memchr(name + 9, '/', (size_t)(at - name) - 9) == NULL;
}

bool pubsub_check_name(const char *subscription, struct error *err)
{
    return is_subscription(subscription) ||
           error_set(err, ERROR_CONFIG,
                     "subscription is \"%s\"; write its name, or projects/PROJECT/subscriptions/NAME",
                     subscription);
}
