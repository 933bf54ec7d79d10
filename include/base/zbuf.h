/* SPDX-License-Identifier: Apache-2.0 */
/* zbuf.h - bytes kept deflated: written once, then read from the beginning as often as wanted.
 *
 * They lie in slices, so that growing copies nothing. A zeroed pack is valid and has no room: zbuf_init. It
 * is added to until zbuf_end, and read after that. What was deflated here inflates again: reading can't fail.
 * One thread at a time.
 */
#ifndef CASELOAD_BASE_ZBUF_H
#define CASELOAD_BASE_ZBUF_H

#include <stdbool.h>
#include <stddef.h>

struct pack_slice;
struct pack_stream;

struct zbuf {
    size_t limit;       /* of what it holds, as it was added */
    size_t packed_most; /* ... and of the memory that it takes, deflated */
    size_t size;        /* as it was added */
    size_t packed;      /* memory that it takes */
    bool full;          /* a ceiling would have been passed; what is in here is of no use */
    struct pack_slice *first, *last;
    struct pack_stream *stream; /* NULL: it is not being added to */
};

void zbuf_init(struct zbuf *pack, size_t limit, size_t packed_most); /* allocates nothing */
void zbuf_done(struct zbuf *pack);
void zbuf_reset(struct zbuf *pack); /* empty again */
bool zbuf_add(struct zbuf *pack, const void *bytes, size_t size);
bool zbuf_end(struct zbuf *pack);

/* The pack is borrowed, and must not change. */
struct zbuf_reader *zbuf_open(const struct zbuf *pack);
size_t zbuf_read(struct zbuf_reader *reader, char *out_bytes, size_t size); /* 0: the end */
void zbuf_close(struct zbuf_reader *reader);                                /* NULL is fine */

#endif
