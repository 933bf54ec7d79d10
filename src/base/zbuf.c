/* SPDX-License-Identifier: Apache-2.0 */
#include "base/zbuf.h"

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/mem.h"

#define PART        65536 /* that zlib is given at once */
#define FIRST_SLICE 4096  /* each is twice as large as the one before: small packs are many */
#define LAST_SLICE  65536
#define LEVEL       1 /* more would cost ten times as long for a tenth less */

struct pack_slice {
    struct pack_slice *next;
    size_t room, size;
    unsigned char bytes[];
};

struct pack_stream {
    z_stream z;
};

struct zbuf_reader {
    z_stream z;
    const struct pack_slice *next;
    bool ended;
};

void zbuf_init(struct zbuf *pack, size_t limit, size_t packed_most)
{
    *pack = (struct zbuf){.limit = limit, .packed_most = packed_most};
}

static void end_stream(struct zbuf *pack)
{
    if (!pack->stream) return;
    (void)deflateEnd(&pack->stream->z); /* says only whether it was finished */
    free(pack->stream);
    pack->stream = NULL;
}

void zbuf_reset(struct zbuf *pack)
{
    end_stream(pack);
    while (pack->first) {
        struct pack_slice *next = pack->first->next;
        free(pack->first);
        pack->first = next;
    }
    zbuf_init(pack, pack->limit, pack->packed_most);
}

void zbuf_done(struct zbuf *pack)
{
    if (pack) zbuf_reset(pack);
}

/* False: there is no room for it. */
static bool add_slice(struct zbuf *pack)
{
    size_t twice = pack->last ? 2 * pack->last->room : FIRST_SLICE;
    size_t room = twice < LAST_SLICE ? twice : LAST_SLICE;
    if (room > pack->packed_most || pack->packed > pack->packed_most - room) return false;
    struct pack_slice *slice = mem_grow(NULL, 1, sizeof *slice + room); /* not zeroed: it will be written */
    slice->next = NULL;
    slice->room = room;
    slice->size = 0;
    if (pack->last)
        pack->last->next = slice;
    else
        pack->first = slice;
    pack->last = slice;
    pack->packed += room;
    return true;
}

static struct pack_stream *stream_of(struct zbuf *pack)
{
    if (pack->stream) return pack->stream;
    pack->stream = mem_zero(1, sizeof *pack->stream);
    if (deflateInit(&pack->stream->z, LEVEL) != Z_OK) abort(); /* no memory */
    return pack->stream;
}

/* Deflates what was given to the stream. */
static bool move(struct zbuf *pack, int flush)
{
    z_stream *z = &stream_of(pack)->z;
    do {
        if ((!pack->last || pack->last->size == pack->last->room) && !add_slice(pack)) {
            pack->full = true;
            return false;
        }
        struct pack_slice *slice = pack->last;
        z->next_out = slice->bytes + slice->size;
        z->avail_out = (uInt)(slice->room - slice->size);
        if (deflate(z, flush) == Z_STREAM_ERROR) abort(); /* a stream that is not one */
        slice->size = slice->room - z->avail_out;
    } while (z->avail_out == 0);
    return true;
}

bool zbuf_add(struct zbuf *pack, const void *bytes, size_t size)
{
    if (size > pack->limit - pack->size) pack->full = true;
    if (pack->full) return false;
    z_stream *z = &stream_of(pack)->z;
    Bytef *next = (Bytef *)(uintptr_t)bytes; /* zlib takes no const, but changes nothing */
    while (size > 0) {
        uInt part = size < PART ? (uInt)size : PART;
        z->next_in = next;
        z->avail_in = part;
        if (!move(pack, Z_NO_FLUSH)) return false;
        next += part;
        size -= part;
        pack->size += part;
    }
    return true;
}

bool zbuf_end(struct zbuf *pack)
{
    if (!pack->full) (void)move(pack, Z_FINISH); /* it is in `full` */
    end_stream(pack);
    return !pack->full;
}

struct zbuf_reader *zbuf_open(const struct zbuf *pack)
{
    struct zbuf_reader *reader = mem_zero(1, sizeof *reader);
    reader->next = pack->first;
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
        if (code != Z_OK && code != Z_STREAM_END) abort(); /* no memory, or a pack that was not ended */
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
