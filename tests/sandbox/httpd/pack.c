/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/pack.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define LEAST       16 /* bytes */
#define GZIP_WINDOW (15 + 16)

bool pack_wanted(const struct exchange *exchange)
{
    const char *accepted = exchange_header(exchange, "accept-encoding");
    return accepted && strstr(accepted, "gzip") && exchange->status == 200 && !exchange->more &&
           exchange->reply.size >= LEAST;
}

void pack_reply(struct exchange *exchange)
{
    struct buf *reply = &exchange->reply, packed = buf_limited(reply->limit);
    z_stream stream = {.next_in = (Bytef *)reply->data, .avail_in = (uInt)reply->size};
    if (deflateInit2(&stream, 1, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK) abort();
    size_t most = deflateBound(&stream, reply->size);
    if (!buf_reserve(&packed, most)) abort(); /* a reply is far from its limit */
    stream.next_out = (Bytef *)packed.data;
    stream.avail_out = (uInt)most;
    int code = deflate(&stream, Z_FINISH);
    assert(code == Z_STREAM_END);
    (void)code;
    buf_reset(reply);
    (void)buf_add(reply, packed.data, stream.total_out);
    (void)deflateEnd(&stream);
    buf_done(&packed);
    exchange_add_header(exchange, "Content-Encoding", "gzip");
}
