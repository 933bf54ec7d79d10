/* SPDX-License-Identifier: Apache-2.0 */
#include "shared/gzip_file.h"

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#define GZIP_WINDOW (15 + 16)
#define MEMORY      8 /* zlib's default */

void gzip_file(const void *bytes, size_t size, int level, struct buf *out)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)size};
    if (deflateInit2(&stream, level, Z_DEFLATED, GZIP_WINDOW, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) abort();
    const size_t most = deflateBound(&stream, size);
    if (!buf_reserve(out, most)) abort();
    stream.next_out = (Bytef *)out->data + out->size;
    stream.avail_out = (uInt)most;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END) abort();
    out->size += stream.total_out;
    out->data[out->size] = '\0';
    (void)deflateEnd(&stream);
}
