/* SPDX-License-Identifier: Apache-2.0 */
/* gzip_pieces.h - gzip files made of pieces that were compressed once, before anybody asks for them.
 *
 * Each piece ends on a byte and refers to nothing before it, so pieces can follow each other in any file.
 * One thread.
 */
#ifndef CASELOAD_BENCH_GZIP_PIECES_H
#define CASELOAD_BENCH_GZIP_PIECES_H

#include <stdint.h>

#include "base/buf.h"

struct piece {
    char *bytes; /* deflated */
    uint32_t size, text_size, crc;
};

/* Aborts if there is no memory. */
struct piece piece_make(const char *text, size_t size);

struct gzip_file {
    struct buf *out;
    uint32_t crc, size; /* of the text */
};

struct gzip_file gzip_begin(struct buf *out);
void gzip_add_piece(struct gzip_file *file, const struct piece *piece);
void gzip_add_text(struct gzip_file *file, const char *text,
                   size_t size); /* as it is, at most 65,535 bytes */
void gzip_end(struct gzip_file *file);

#endif
