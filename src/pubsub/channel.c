/* SPDX-License-Identifier: Apache-2.0 */
#include "channel.h"

#include "net/http.h"

#define ROUTING_LIMIT 8192

bool channel_open(const struct pubsub_settings *settings, struct rpc **out_rpc, struct error *err)
{
    const struct rpc_settings channel = {.target = settings->target,
                                         .plaintext = settings->plaintext,
                                         .token = settings->token,
                                         .ca_file = settings->ca_file,
                                         .user_agent = settings->user_agent};
    return rpc_new(&channel, out_rpc, err);
}

char *channel_routing(const char *field, const char *name)
{
    AUTO(buf_done) struct buf routing = buf_limited(ROUTING_LIMIT);
    (void)buf_format(&routing, "%s=", field);
    http_escape(&routing, name);
    return buf_take(&routing, NULL);
}
