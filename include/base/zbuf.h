/* SPDX-License-Identifier: Apache-2.0 */
/* zbuf.h - bytes kept deflated: written once, then read from the beginning as often as wanted.
 *
 * They are stored in slices, so that growing copies nothing. A zeroed zbuf has limit 0. Add until zbuf_end,
 * read after that. One thread at a time.
 */
#ifndef CASELOAD_BASE_ZBUF_H
#define CASELOAD_BASE_ZBUF_H

#include <stdbool.h>
#include <stddef.h>

struct zbuf_slice;
struct zbuf_stream;

struct zbuf {
    size_t limit;       /* of the bytes added */
    size_t packed_most; /* of the memory they take, deflated */
    size_t size;        /* bytes added */
    size_t packed;      /* bytes of memory used */
    bool full;          /* a limit was exceeded; the content is unusable */
    struct zbuf_slice *first, *last;
    struct zbuf_stream *stream; /* NULL: not open for adding */
};

void zbuf_init(struct zbuf *zbuf, size_t limit, size_t packed_most); /* allocates nothing */
void zbuf_done(struct zbuf *zbuf);
void zbuf_reset(struct zbuf *zbuf); /* empty again */
bool zbuf_add(struct zbuf *zbuf, const void *bytes, size_t size);
bool zbuf_end(struct zbuf *zbuf);

/* The zbuf is borrowed and must not change. */
struct zbuf_reader *zbuf_open(const struct zbuf *zbuf);
size_t zbuf_read(struct zbuf_reader *reader, char *out_bytes, size_t size); /* 0: the end */
void zbuf_close(struct zbuf_reader *reader);                                /* NULL is fine */

#endif
