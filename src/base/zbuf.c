/* SPDX-License-Identifier: Apache-2.0 */
#include "base/zbuf.h"

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/mem.h"

#define PART        65536 /* that zlib is given at once */
#define FIRST_SLICE 4096  /* each is twice as large as the one before: most zbufs are small */
#define LAST_SLICE  65536
#define LEVEL       1 /* more would cost ten times as long for a tenth less */

struct zbuf_slice {
    struct zbuf_slice *next;
    size_t room, size;
    unsigned char bytes[];
};

struct zbuf_stream {
    z_stream z;
};

struct zbuf_reader {
    z_stream z;
    const struct zbuf_slice *next;
    bool ended;
};

void zbuf_init(struct zbuf *zbuf, size_t limit, size_t packed_most)
{
    *zbuf = (struct zbuf){.limit = limit, .packed_most = packed_most};
}

static void end_stream(struct zbuf *zbuf)
{
    if (!zbuf->stream) return;
    (void)deflateEnd(&zbuf->stream->z); /* says only whether it was finished */
    free(zbuf->stream);
    zbuf->stream = NULL;
}

void zbuf_reset(struct zbuf *zbuf)
{
    end_stream(zbuf);
    while (zbuf->first) {
        struct zbuf_slice *next = zbuf->first->next;
        free(zbuf->first);
        zbuf->first = next;
    }
    zbuf_init(zbuf, zbuf->limit, zbuf->packed_most);
}

void zbuf_done(struct zbuf *zbuf)
{
    if (zbuf) zbuf_reset(zbuf);
}

static bool add_slice(struct zbuf *zbuf)
{
    size_t twice = zbuf->last ? 2 * zbuf->last->room : FIRST_SLICE;
    size_t room = twice < LAST_SLICE ? twice : LAST_SLICE;
    if (room > zbuf->packed_most || zbuf->packed > zbuf->packed_most - room) return false;
    struct zbuf_slice *slice = mem_grow(NULL, 1, sizeof *slice + room); /* not zeroed: it will be written */
    slice->next = NULL;
    slice->room = room;
    slice->size = 0;
    if (zbuf->last)
        zbuf->last->next = slice;
    else
        zbuf->first = slice;
    zbuf->last = slice;
    zbuf->packed += room;
    return true;
}

static struct zbuf_stream *stream_of(struct zbuf *zbuf)
{
    if (zbuf->stream) return zbuf->stream;
    zbuf->stream = mem_zero(1, sizeof *zbuf->stream);
    if (deflateInit(&zbuf->stream->z, LEVEL) != Z_OK) abort(); /* no memory */
    return zbuf->stream;
}

static bool move(struct zbuf *zbuf, int flush)
{
    z_stream *z = &stream_of(zbuf)->z;
    do {
        if ((!zbuf->last || zbuf->last->size == zbuf->last->room) && !add_slice(zbuf)) {
            zbuf->full = true;
            return false;
        }
        struct zbuf_slice *slice = zbuf->last;
        z->next_out = slice->bytes + slice->size;
        z->avail_out = (uInt)(slice->room - slice->size);
        if (deflate(z, flush) == Z_STREAM_ERROR) abort(); /* a stream that is not one */
        slice->size = slice->room - z->avail_out;
    } while (z->avail_out == 0);
    return true;
}

bool zbuf_add(struct zbuf *zbuf, const void *bytes, size_t size)
{
    if (size > zbuf->limit - zbuf->size) zbuf->full = true;
    if (zbuf->full) return false;
    z_stream *z = &stream_of(zbuf)->z;
    Bytef *next = (Bytef *)(uintptr_t)bytes; /* zlib takes no const, but changes nothing */
    while (size > 0) {
        uInt part = size < PART ? (uInt)size : PART;
        z->next_in = next;
        z->avail_in = part;
        if (!move(zbuf, Z_NO_FLUSH)) return false;
        next += part;
        size -= part;
        zbuf->size += part;
    }
    return true;
}

bool zbuf_end(struct zbuf *zbuf)
{
    if (!zbuf->full) (void)move(zbuf, Z_FINISH); /* it is in `full` */
    end_stream(zbuf);
    return !zbuf->full;
}

struct zbuf_reader *zbuf_open(const struct zbuf *zbuf)
{
    struct zbuf_reader *reader = mem_zero(1, sizeof *reader);
    reader->next = zbuf->first;
    if (inflateInit(&reader->z) != Z_OK) abort(); /* no memory */
    return reader;
}

size_t zbuf_read(struct zbuf_reader *reader, char *out_bytes, size_t size)
{
    z_stream *z = &reader->z;
    uInt room = size < PART ? (uInt)size : PART;
    z->next_out = (Bytef *)out_bytes;
    z->avail_out = room;
    while (!reader->ended && z->avail_out == room) {
        if (z->avail_in == 0 && reader->next) {
            z->next_in = (Bytef *)(uintptr_t)reader->next->bytes;
            z->avail_in = (uInt)reader->next->size;
            reader->next = reader->next->next;
        }
        int code = inflate(z, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END) abort(); /* no memory, or a zbuf that was not ended */
        reader->ended = code == Z_STREAM_END;
    }
    return room - z->avail_out;
}

void zbuf_close(struct zbuf_reader *reader)
{
    if (!reader) return;
    (void)inflateEnd(&reader->z);
    free(reader);
}
