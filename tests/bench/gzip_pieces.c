/* SPDX-License-Identifier: Apache-2.0 */
#include "gzip_pieces.h"

#include <assert.h>
#include <stdlib.h>

#include <zlib.h>

#include "base/mem.h"

#define LEVEL      4
#define RAW_WINDOW (-15)

struct piece piece_make(const char *text, size_t size)
{
    static z_stream deflater;
    static bool is_ready;
    struct piece piece = {.text_size = (uint32_t)size};
    int made = is_ready ? deflateReset(&deflater)
                        : deflateInit2(&deflater, LEVEL, Z_DEFLATED, RAW_WINDOW, 9, Z_DEFAULT_STRATEGY);
    if (made != Z_OK) abort();
    is_ready = true;
    size_t room = deflateBound(&deflater, size) + 16;
    piece.bytes = mem_zero(room, 1);
    deflater.next_in = (Bytef *)(uintptr_t)text;
    deflater.avail_in = (uInt)size;
    deflater.next_out = (Bytef *)piece.bytes;
    deflater.avail_out = (uInt)room;
    if (deflate(&deflater, Z_FULL_FLUSH) != Z_OK || deflater.avail_in > 0) abort();
    piece.size = (uint32_t)(room - deflater.avail_out);
    piece.bytes = mem_grow(piece.bytes, piece.size, 1);
    piece.crc = (uint32_t)crc32(0, (const Bytef *)text, (uInt)size);
    return piece;
}

static void add_number(struct buf *out, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        (void)buf_byte(out, (char)(value >> (8 * i) & 0xff));
}

struct gzip_file gzip_begin(struct buf *out)
{
    static const char head[] = {0x1f, (char)0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    (void)buf_add(out, head, sizeof head);
    return (struct gzip_file){.out = out};
}

void gzip_add_piece(struct gzip_file *file, const struct piece *piece)
{
    (void)buf_add(file->out, piece->bytes, piece->size);
    file->crc = (uint32_t)crc32_combine(file->crc, piece->crc, (z_off_t)piece->text_size);
    file->size += piece->text_size;
}

static void add_stored(struct gzip_file *file, const char *text, size_t size, bool is_last)
{
    assert(size <= UINT16_MAX);
    (void)buf_byte(file->out, is_last);
    add_number(file->out, (uint32_t)size, 2);
    add_number(file->out, ~(uint32_t)size, 2);
    (void)buf_add(file->out, text, size);
    file->crc = (uint32_t)crc32(file->crc, (const Bytef *)text, (uInt)size);
    file->size += (uint32_t)size;
}

void gzip_add_text(struct gzip_file *file, const char *text, size_t size)
{
    add_stored(file, text, size, false);
}

void gzip_end(struct gzip_file *file)
{
    add_stored(file, "", 0, true);
    add_number(file->out, file->crc, 4);
    add_number(file->out, file->size, 4);
}
