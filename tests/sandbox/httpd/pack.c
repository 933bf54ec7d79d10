/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/pack.h"

#include <string.h>

#include "shared/gzip_file.h"

#define LEAST 16 /* bytes */

bool pack_wanted(const struct exchange *exchange)
{
    const char *accepted = exchange_header(exchange, "accept-encoding");
    return accepted && strstr(accepted, "gzip") && exchange->status == 200 && !exchange->more &&
           exchange->reply.size >= LEAST;
}

void pack_reply(struct exchange *exchange)
{
    struct buf plain = exchange->reply;
    exchange->reply = buf_limited(2 * plain.limit);
    gzip_file(plain.data, plain.size, 1, &exchange->reply);
    buf_done(&plain);
    exchange_add_header(exchange, "Content-Encoding", "gzip");
}
