#include "base/pack.h"

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/mem.h"

#define SLICE 65536
#define LEVEL 1 /* text shrinks to a third at once; more would cost ten times as long for a tenth less */

struct pack_slice {
    struct pack_slice *next;
    size_t size;
    unsigned char bytes[SLICE];
};

struct pack_stream {
    z_stream z;
};

struct pack_reader {
    z_stream z;
    const struct pack_slice *next;
    bool ended;
};

void pack_init(struct pack *pack, size_t limit, size_t packed_most)
{
    *pack = (struct pack){.limit = limit, .packed_most = packed_most};
}

static void end_stream(struct pack *pack)
{
    if (!pack->stream) return;
    (void)deflateEnd(&pack->stream->z); /* says only whether it was finished */
    free(pack->stream);
    pack->stream = NULL;
}

void pack_reset(struct pack *pack)
{
    end_stream(pack);
    while (pack->first) {
        struct pack_slice *next = pack->first->next;
        free(pack->first);
        pack->first = next;
    }
    pack_init(pack, pack->limit, pack->packed_most);
}

void pack_done(struct pack *pack)
{
    if (pack) pack_reset(pack);
}

static void add_slice(struct pack *pack)
{
    struct pack_slice *slice = mem_grow(NULL, 1, sizeof *slice); /* not zeroed: it will be written */
    slice->next = NULL;
    slice->size = 0;
    if (pack->last)
        pack->last->next = slice;
    else
        pack->first = slice;
    pack->last = slice;
}

static struct pack_stream *stream_of(struct pack *pack)
{
    if (pack->stream) return pack->stream;
    pack->stream = mem_zero(1, sizeof *pack->stream);
    if (deflateInit(&pack->stream->z, LEVEL) != Z_OK) abort(); /* no memory */
    return pack->stream;
}

/* Deflates what was given to the stream. */
static bool move(struct pack *pack, int flush)
{
    z_stream *z = &stream_of(pack)->z;
    int code = Z_OK;
    do {
        if (!pack->last || pack->last->size == SLICE) {
            if (pack->packed + SLICE > pack->packed_most) pack->full = true;
            if (pack->full) return false;
            add_slice(pack);
        }
        struct pack_slice *slice = pack->last;
        size_t before = slice->size;
        z->next_out = slice->bytes + before;
        z->avail_out = (uInt)(SLICE - before);
        code = deflate(z, flush);
        if (code == Z_STREAM_ERROR) abort(); /* a stream that is not one */
        slice->size = SLICE - z->avail_out;
        pack->packed += slice->size - before;
    } while (z->avail_out == 0);
    return true;
}

bool pack_add(struct pack *pack, const void *bytes, size_t size)
{
    if (size > pack->limit - pack->size) pack->full = true;
    if (pack->full) return false;
    z_stream *z = &stream_of(pack)->z;
    Bytef *next = (Bytef *)(uintptr_t)bytes; /* zlib takes no const, but changes nothing */
    while (size > 0) {
        uInt part = size < SLICE ? (uInt)size : SLICE;
        z->next_in = next;
        z->avail_in = part;
        if (!move(pack, Z_NO_FLUSH)) return false;
        next += part;
        size -= part;
        pack->size += part;
    }
    return true;
}

bool pack_end(struct pack *pack)
{
    if (!pack->full) (void)move(pack, Z_FINISH); /* it is in `full` */
    end_stream(pack);
    return !pack->full;
}

struct pack_reader *pack_open(const struct pack *pack)
{
    struct pack_reader *reader = mem_zero(1, sizeof *reader);
    reader->next = pack->first;
    if (inflateInit(&reader->z) != Z_OK) abort(); /* no memory */
    return reader;
}

size_t pack_read(struct pack_reader *reader, char *out_bytes, size_t size)
{
    z_stream *z = &reader->z;
    uInt room = size < SLICE ? (uInt)size : SLICE;
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

void pack_close(struct pack_reader *reader)
{
    if (!reader) return;
    (void)inflateEnd(&reader->z);
    free(reader);
}
