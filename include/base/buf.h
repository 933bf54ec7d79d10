/* SPDX-License-Identifier: Apache-2.0 */
/* buf.h - bytes that grow up to a ceiling.
 *
 * Always true: size <= capacity <= limit + 1; if data is not NULL, data[size] is NUL. A zeroed buf has limit
 * 0. Adding beyond the limit returns false and sets `full`, which stays until buf_reset: a text can be built
 * by many adds and checked once at its end. One thread at a time.
 */
#ifndef CASELOAD_BASE_BUF_H
#define CASELOAD_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct buf {
    char *data;
    size_t size;
    size_t capacity;
    size_t limit;
    bool full;
};

struct buf buf_limited(size_t limit);         /* an empty one; allocates nothing */
void buf_init(struct buf *buf, size_t limit); /* the same, for a member of a struct */
void buf_done(struct buf *buf);
void buf_reset(struct buf *buf); /* empty; memory and limit are kept, full is cleared */
bool buf_add(struct buf *buf, const void *bytes, size_t size);
bool buf_text(struct buf *buf, const char *text);
bool buf_format(struct buf *buf, const char *format, ...) PRINTF(2, 3);
/* Makes room for `size` more bytes, so that adding them does not move `data`. false: beyond the limit. */
bool buf_reserve(struct buf *buf, size_t size);
void buf_drop(struct buf *buf, size_t size); /* removes the first bytes */
void buf_cut(struct buf *buf, size_t size);  /* keeps only the first bytes; full is unchanged */
bool buf_find(const struct buf *buf, const void *bytes, size_t size); /* are they somewhere in it? */
const char *buf_string(const struct buf *buf);     /* never NULL; borrowed until the next change */
char *buf_take(struct buf *buf, size_t *out_size); /* the caller frees them; buf is empty afterwards */

static inline bool buf_byte(struct buf *buf, char byte)
{
    if (buf->full || buf->size + 1 >= buf->capacity) return buf_add(buf, &byte, 1);
    buf->data[buf->size++] = byte;
    buf->data[buf->size] = '\0';
    return true;
}

#endif
