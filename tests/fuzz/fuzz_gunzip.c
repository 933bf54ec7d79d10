/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_gunzip.c - compressed answers: a file that opens gives what zlib makes of it, in whatever pieces. */
#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/gunzip.h"
#include "fuzz.h"

#define LIMIT (1024 * 1024)
/* The reserved ones zlib refuses, and isa-l passes over. A header with a sum of its own (2) isa-l calls
 * damaged if it comes in pieces: no server sends one, and the request would be repeated. */
#define RESERVED_FLAGS 0xe2

static bool take(void *self, const void *bytes, size_t size)
{
    return buf_add(self, bytes, size);
}

static enum gunzip_outcome open_file(struct gunzip *gunzip, const uint8_t *data, size_t size, size_t piece,
                                     struct buf *out)
{
    const struct gunzip_sink sink = {.take = take, .self = out};
    enum gunzip_outcome outcome = GUNZIP_MORE;
    gunzip_reset(gunzip);
    for (; size > 0 && (outcome == GUNZIP_MORE || outcome == GUNZIP_END); data += piece, size -= piece) {
        piece = piece < size ? piece : size;
        outcome = gunzip_add(gunzip, data, piece, &sink);
    }
    return outcome;
}

/* Is it one whole file for zlib, of at most so many bytes? */
static bool open_with_zlib(const uint8_t *data, size_t size, struct buf *out)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)size};
    fuzz_require(buf_reserve(out, LIMIT) && inflateInit2(&z, 15 + 16) == Z_OK);
    z.next_out = (Bytef *)out->data;
    z.avail_out = LIMIT;
    bool is_whole = inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_in == 0;
    out->size = z.total_out;
    (void)inflateEnd(&z);
    return is_whole;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 3 && data[3] & RESERVED_FLAGS) return 0;
    struct gunzip *gunzip = gunzip_new();
    struct buf whole = buf_limited(LIMIT), bytes = buf_limited(LIMIT), reference = buf_limited(LIMIT);
    enum gunzip_outcome outcome = open_file(gunzip, data, size, size, &whole);
    fuzz_require((open_file(gunzip, data, size, 1, &bytes) == GUNZIP_END) == (outcome == GUNZIP_END));
    fuzz_require(open_with_zlib(data, size, &reference) == (outcome == GUNZIP_END));
    if (outcome == GUNZIP_END) {
        fuzz_require(whole.size == reference.size && bytes.size == reference.size);
        fuzz_require(memcmp(buf_string(&whole), buf_string(&reference), whole.size) == 0);
        fuzz_require(memcmp(buf_string(&bytes), buf_string(&reference), whole.size) == 0);
    }
    buf_done(&whole);
    buf_done(&bytes);
    buf_done(&reference);
    gunzip_free(gunzip);
    return 0;
}
